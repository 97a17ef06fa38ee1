//! What the end-to-end tests share: compiling Erlang, baking images, running programs with a limit.
//!
//! Every helper panics with the program's whole output when something fails that a test did not ask for.

pub mod difference;
pub mod eaters;
pub mod guest;
pub mod pty;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

/// The tool under test: what `cargo build --release` made, or `STARLING` in the environment of the tests' build.
pub const STARLING: &str = env!("STARLING_UNDER_TEST");

/// Longer than anything here takes on a busy machine.
const LIMIT: Duration = Duration::from_secs(300);

/// The project's root.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the tests' package is inside the project")
}

/// An empty directory of this test run.
pub fn scratch(name: &str) -> PathBuf {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let unique = COUNT.fetch_add(1, Ordering::Relaxed);
    let directory =
        Path::new(env!("STARLING_SCRATCH")).join(format!("{name}-{}-{unique}", std::process::id()));
    fs::create_dir_all(&directory).unwrap();
    directory
}

/// How a program ended and what it printed.
#[derive(Debug)]
pub struct Run {
    /// The exit status; -1 for a signal.
    pub status: i32,
    /// Standard output, whole.
    pub stdout: String,
    /// Standard error, whole.
    pub stderr: String,
}

impl Run {
    /// Fails the test unless the status is this one.
    #[track_caller]
    pub fn expect_status(&self, status: i32) -> &Self {
        assert_eq!(self.status, status, "unexpected exit status\n{self}");
        self
    }

    /// Fails the test unless it printed what `erl` did; says where not. `what` names the run in the message.
    #[track_caller]
    pub fn expect_output_of(&self, erl: &Run, what: &dyn std::fmt::Debug) -> &Self {
        let differing = || difference::difference(erl.stdout.as_bytes(), self.stdout.as_bytes());
        assert!(
            self.stdout == erl.stdout,
            "{what:?} printed something else than erl\n{}--- stderr\n{}",
            differing(),
            self.stderr
        );
        self
    }

    /// Fails the test unless standard error has each of `parts`.
    #[track_caller]
    pub fn expect_error(&self, parts: &[&str]) -> &Self {
        for part in parts {
            assert!(
                self.stderr.contains(part),
                "no {part:?} in standard error\n{self}"
            );
        }
        self
    }
}

impl std::fmt::Display for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Run {
            status,
            stdout,
            stderr,
        } = self;
        write!(
            f,
            "status {status}\n--- stdout\n{stdout}--- stderr\n{stderr}"
        )
    }
}

/// Runs a command with empty input to its end.
pub fn run(command: &mut Command) -> Run {
    let child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("cannot run {command:?}: {error}{}", hint(&error)));
    let id = rustix::process::Pid::from_child(&child);
    let (ended, wait_for_end) = mpsc::channel::<()>();
    let watchdog = thread::spawn(move || {
        // The sender is dropped when the program has ended.
        if wait_for_end.recv_timeout(LIMIT) == Err(RecvTimeoutError::Timeout) {
            let _ = rustix::process::kill_process(id, rustix::process::Signal::KILL);
        }
    });
    let Output {
        status,
        stdout,
        stderr,
    } = child.wait_with_output().unwrap();
    drop(ended);
    watchdog.join().unwrap();
    Run {
        status: status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&stdout).into_owned(),
        stderr: String::from_utf8_lossy(&stderr).into_owned(),
    }
}

/// What to do when the tool itself is missing.
fn hint(error: &std::io::Error) -> &'static str {
    if error.kind() == std::io::ErrorKind::NotFound && !Path::new(STARLING).exists() {
        "; build the tool first: cargo build --release"
    } else {
        ""
    }
}

/// Runs the tool.
pub fn starling<I: IntoIterator<Item: AsRef<std::ffi::OsStr>>>(args: I) -> Run {
    run(Command::new(STARLING).args(args))
}

/// Compiles these sources with stock `erlc` into `out`.
pub fn erlc(out: &Path, sources: &[PathBuf]) {
    run(Command::new("erlc").arg("-o").arg(out).args(sources)).expect_status(0);
}

/// Compiles a module that is written in the test.
pub fn erlc_text(out: &Path, module: &str, text: &str) {
    let source = out.join(format!("{module}.erl"));
    fs::write(&source, format!("-module({module}).\n{text}")).unwrap();
    erlc(out, &[source]);
}

/// Bakes the modules of `directory`, with these boot flags, into an image there.
pub fn bake(directory: &Path, flags: &[&str]) -> PathBuf {
    bake_with(directory, &[], flags)
}

/// The same, with modules of other directories.
pub fn bake_with(directory: &Path, more: &[&Path], flags: &[&str]) -> PathBuf {
    let image = directory.join("image.elf");
    let mut command = Command::new(STARLING);
    command.args(["image", "--bare", "-o"]).arg(&image);
    for directory in more.iter().chain([&directory]) {
        command.arg("-pa").arg(directory);
    }
    run(command.arg("--").args(flags)).expect_status(0);
    image
}

/// The directory with the modules of one of OTP's applications.
pub fn otp_library(application: &str) -> PathBuf {
    let program = format!("io:put_chars(code:lib_dir({application}, ebin)), halt().");
    let run = run(Command::new("erl").args(["-noshell", "-eval", &program]));
    run.expect_status(0);
    PathBuf::from(run.stdout)
}

/// OTP 27's root directory; fetched if it is not there yet.
pub fn otp27() -> PathBuf {
    let fetched = run(&mut Command::new(root().join("scripts/otp27")));
    fetched.expect_status(0);
    PathBuf::from(fetched.stdout.trim())
}

/// What stock `erl` prints on standard output with these flags.
pub fn otp(directory: &Path, flags: &[&str]) -> Run {
    run(Command::new("erl")
        // One scheduler, as a domain has.
        .args(["+S", "1"])
        .args(["-noshell", "-kernel", "logger_level", "none", "-pa"])
        .arg(directory)
        .args(flags))
}
