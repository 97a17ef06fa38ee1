//! The kernel's trials (`src/selftest.rs`), each booted under Xen in QEMU, in dom0's place.
//!
//! ```text
//! cargo test --package starling-kernel --features selftest --test on_xen
//! ```
//!
//! Builds a kernel of its own, with the flags of the guest (see `/build.rs`) but quickly: unoptimised, with
//! the checks of a debug build. Needs `qemu-system-x86_64` and a Xen hypervisor under `/boot`; both are
//! software emulation's business, so no privilege and no KVM is needed.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{OnceLock, mpsc};
use std::time::{Duration, Instant};

const GUEST_FLAGS: [&str; 4] = [
    "-Crelocation-model=static",
    "-Cno-redzone=yes",
    "-Csymbol-mangling-version=v0",
    "-Ctarget-cpu=x86-64-v2",
];
const GUEST_TARGET: &str = "x86_64-unknown-linux-gnu";
/// QEMU's status when a guest crashes; see `src/power.rs`.
const CRASHED: i32 = 255;
/// Longer than any trial takes on a busy machine.
const LIMIT: Duration = Duration::from_secs(180);

/// What every boot needs, made once.
struct Rig {
    kernel: PathBuf,
    xen: PathBuf,
}

fn rig() -> &'static Rig {
    static RIG: OnceLock<Rig> = OnceLock::new();
    RIG.get_or_init(|| {
        let scratch = Path::new(env!("CARGO_TARGET_TMPDIR")).join("on-xen");
        std::fs::create_dir_all(&scratch).expect("a scratch directory");
        Rig {
            kernel: build_kernel(&scratch),
            xen: unpack_xen(&scratch),
        }
    })
}

fn build_kernel(scratch: &Path) -> PathBuf {
    let status = Command::new(env!("CARGO"))
        .args([
            "build",
            "--package",
            "starling-kernel",
            "--bin",
            "starling-kernel",
        ])
        .args([
            "--features",
            "selftest",
            "--target",
            GUEST_TARGET,
            "--target-dir",
        ])
        .arg(scratch)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("CARGO_ENCODED_RUSTFLAGS", GUEST_FLAGS.join("\x1f"))
        .env_remove("RUSTC_WORKSPACE_WRAPPER")
        .status()
        .expect("cargo runs");
    assert!(
        status.success(),
        "the kernel with its trials does not build"
    );
    scratch
        .join(GUEST_TARGET)
        .join("debug")
        .join("starling-kernel")
}

/// QEMU takes the hypervisor uncompressed.
fn unpack_xen(scratch: &Path) -> PathBuf {
    let packed = std::fs::read_dir("/boot")
        .expect("/boot can be read")
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with("xen-") && name.ends_with(".gz")
        })
        .max()
        .expect("no hypervisor /boot/xen-*.gz; apt-get install xen-hypervisor-4.17-amd64");
    let unpacked = Command::new("gzip")
        .arg("-dc")
        .arg(&packed)
        .output()
        .expect("gzip runs");
    assert!(
        unpacked.status.success(),
        "{} is not gzip",
        packed.display()
    );
    let path = scratch.join("xen");
    std::fs::write(&path, unpacked.stdout).expect("a scratch file");
    path
}

/// How a boot ended.
struct Boot {
    /// The serial line, Xen's messages included.
    console: String,
    /// QEMU's exit status.
    status: i32,
}

impl Boot {
    #[track_caller]
    fn expect(&self, status: i32, parts: &[&str]) {
        assert_eq!(self.status, status, "exit status\n{}", self.console);
        for part in parts {
            assert!(
                self.console.contains(part),
                "no {part:?} in\n{}",
                self.console
            );
        }
    }
}

/// Boots the trial, typing `input` once the guest has printed `type`.
fn boot(trial: &str, input: &[u8]) -> Boot {
    let Rig { kernel, xen } = rig();
    let mut qemu = Command::new("qemu-system-x86_64")
        .args(["-accel", "tcg", "-cpu", "max,-smap,-smep", "-m", "256"])
        .args([
            "-display",
            "none",
            "-serial",
            "stdio",
            "-monitor",
            "none",
            "-no-reboot",
        ])
        .args(["-device", "isa-debug-exit,iobase=0xf4,iosize=4"])
        .args([
            "-append",
            "com1=115200,8n1 console=com1 dom0_mem=64M bootscrub=0 xsave=no",
        ])
        .arg("-kernel")
        .arg(xen)
        .arg("-initrd")
        .arg(format!("{} +selftest {trial}", kernel.display()))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("qemu-system-x86_64 runs");
    let console = listen(&mut qemu, input);
    let status = qemu.wait().expect("QEMU ends").code().unwrap_or(-1);
    Boot { console, status }
}

/// Collects the serial line until QEMU ends; kills it when the limit is reached.
fn listen(qemu: &mut Child, input: &[u8]) -> String {
    let mut stdout = qemu.stdout.take().expect("piped");
    let mut stdin = qemu.stdin.take().expect("piped");
    let (send, receive) = mpsc::channel();
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(count @ 1..) = stdout.read(&mut buffer) {
            if send.send(buffer[..count].to_vec()).is_err() {
                break;
            }
        }
    });
    let begin = Instant::now();
    let mut console = String::new();
    let mut typed = input.is_empty();
    loop {
        match receive.recv_timeout(LIMIT.saturating_sub(begin.elapsed())) {
            Ok(bytes) => console.push_str(&String::from_utf8_lossy(&bytes).replace('\r', "")),
            Err(mpsc::RecvTimeoutError::Disconnected) => return console,
            Err(mpsc::RecvTimeoutError::Timeout) => {
                qemu.kill().expect("QEMU can be killed");
                console.push_str("\n(the limit was reached)\n");
                return console;
            }
        }
        if !typed && console.contains("\ntype\n") {
            typed = true;
            stdin.write_all(input).expect("the serial line takes input");
        }
    }
}

/// QEMU's status for a guest that halts with `status`.
fn halted(status: i32) -> i32 {
    2 * status + 1
}

#[test]
fn clocks_entropy_and_memory_work() {
    for trial in ["clock", "heap", "exhaustion", "reservations"] {
        boot(trial, b"").expect(halted(0), &[&format!("{trial}: ok\n")]);
    }
}

#[test]
fn pages_and_events_are_shared_as_xen_has_it() {
    for trial in ["grants", "channels"] {
        boot(trial, b"").expect(halted(0), &[&format!("{trial}: ok\n")]);
    }
}

#[test]
fn entropy_differs_between_boots() {
    let bytes = || {
        let run = boot("entropy", b"");
        run.expect(halted(0), &["entropy: ok\n"]);
        let line = run
            .console
            .lines()
            .find(|line| line.starts_with("bytes ["))
            .map(String::from);
        line.expect("the bytes are printed")
    };
    assert_ne!(bytes(), bytes());
}

#[test]
fn the_exit_status_reaches_the_outside() {
    boot("status-seven", b"").expect(halted(7), &["starling: exit status 7\n"]);
}

#[test]
fn the_console_loses_nothing_in_either_direction() {
    let run = boot("output", b"");
    run.expect(halted(0), &["output: ok\n"]);
    for line in 0..500 {
        let text = format!("line {line:4} abcdefghijklmnopqrstuvwxyz\n");
        assert!(
            run.console.contains(&text),
            "line {line} is missing or torn"
        );
    }
    let input: Vec<u8> = (0..100u32).map(|i| b'a' + (i * 7 % 26) as u8).collect();
    let sum = input
        .iter()
        .fold(0u64, |sum, &byte| (sum * 31 + u64::from(byte)) % 1_000_007);
    boot("input", &input).expect(halted(0), &[&format!("typed 100 sum {sum}\n")]);
}

#[test]
fn forbidden_accesses_are_fatal_and_reported() {
    let table = [
        ("write-null", "#PF page fault", "writing 0x8: not mapped"),
        (
            "write-unmapped",
            "#PF page fault",
            "writing 0x123456789000: not mapped",
        ),
        ("write-text", "#PF page fault", ": not allowed"),
        ("write-constant", "#PF page fault", ": not allowed"),
        ("execute-stack", "#PF page fault", "executing "),
        ("execute-object", "#PF page fault", "executing "),
        ("execute-run", "#PF page fault", "executing "),
        ("invalid-opcode", "#UD invalid opcode", "rip 00000000001"),
        ("divide", "#DE divide error", "rip 00000000001"),
    ];
    for (trial, exception, detail) in table {
        boot(trial, b"").expect(
            CRASHED,
            &[
                exception,
                detail,
                "state: testing itself",
                "backtrace:\n   0 0x",
                "starling: crashed\n",
            ],
        );
    }
}

#[test]
fn panics_and_failed_allocations_are_fatal_and_reported() {
    boot("panic", b"").expect(
        CRASHED,
        &[
            "starling: panic: index out of bounds",
            "src/selftest.rs:",
            "backtrace:",
            "starling: crashed\n",
        ],
    );
    boot("allocation", b"").expect(
        CRASHED,
        &[
            "starling: out of memory while testing itself: 4398046511104 bytes more were needed",
            "starling: crashed\n",
        ],
    );
}

/// Xen ends a domain whose stack has run into its guard page; nothing below the stack is reached.
#[test]
fn a_stack_overflow_hits_the_guard_page() {
    let run = boot("stack-overflow", b"");
    assert!(
        run.console.contains("Hardware Dom0 crashed"),
        "{}",
        run.console
    );
    assert!(!run.console.contains("survived"), "{}", run.console);
}
