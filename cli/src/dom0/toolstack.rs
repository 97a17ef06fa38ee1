//! Bringing up Xen's toolstack: file systems, kernel modules, xenstored, xenconsoled.

use std::fs::{self, File};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::fs::{FileType, Mode};
use rustix::mount::{MountFlags, mount};

use super::{Step, TOOLS_DIRECTORY};
use crate::boot::domain_config::DOMAIN_NAME;

/// Where xenstored listens.
pub const XENSTORE_SOCKET: &str = "/run/xenstored/socket";
/// xenconsoled writes the domain's console here; the name is its convention. It is a pipe, so that every byte comes to
/// the relay and a slow line slows the guest down instead of losing anything.
pub const CONSOLE_LOG_DIRECTORY: &str = "/var/log/xen/console";
/// xenstored answers within milliseconds of its start.
const XENSTORE_LIMIT: Duration = Duration::from_secs(60);

/// Kernel file systems, by place.
const FILE_SYSTEMS: [(&str, &str); 3] =
    [("devtmpfs", "/dev"), ("proc", "/proc"), ("sysfs", "/sys")];

/// The console pipe's path.
pub fn console_pipe() -> String {
    format!("{CONSOLE_LOG_DIRECTORY}/guest-{DOMAIN_NAME}.log")
}

/// Mounts the file systems that devices and tools live on.
pub fn mount_all() -> Step<()> {
    for (kind, place) in FILE_SYSTEMS {
        mount_at(kind, place)?;
    }
    fs::create_dir_all("/dev/pts").map_err(|error| format!("/dev/pts: {error}"))?;
    mount_at("devpts", "/dev/pts")
}

/// Starts the toolstack; `xl` works afterwards.
pub fn start() -> Step<()> {
    mount_at("xenfs", "/proc/xen")?;
    rustix::fs::mknodat(
        rustix::fs::CWD,
        console_pipe(),
        FileType::Fifo,
        Mode::RUSR | Mode::WUSR,
        0,
    )
    .map_err(|error| format!("{}: cannot make this pipe: {error}", console_pipe()))?;
    run("xenstored", &["--pid-file", "/run/xen/xenstored.pid"])?;
    let deadline = Instant::now() + XENSTORE_LIMIT;
    while let Err(error) = UnixStream::connect(XENSTORE_SOCKET) {
        if Instant::now() > deadline {
            return Err(format!(
                "xenstored does not answer: {XENSTORE_SOCKET}: {error}"
            ));
        }
        sleep(Duration::from_millis(5));
    }
    run("xen-init-dom0", &[])?;
    run(
        "xenconsoled",
        &[
            "--pid-file=/run/xen/xenconsoled.pid",
            "--log=guest",
            &format!("--log-dir={CONSOLE_LOG_DIRECTORY}"),
        ],
    )
}

fn mount_at(kind: &str, place: &str) -> Step<()> {
    match mount(kind, place, kind, MountFlags::empty(), None) {
        // The kernel may have mounted /dev itself.
        Ok(()) | Err(rustix::io::Errno::BUSY) => Ok(()),
        Err(error) => Err(format!("cannot mount {kind} at {place}: {error}")),
    }
}

/// Loads the kernel modules of a list that was packed for dom0: a path a line.
pub fn load_modules(list: &str) -> Step<()> {
    let list = fs::read_to_string(list).map_err(|error| format!("{list}: {error}"))?;
    for path in list.lines() {
        let file = File::open(path).map_err(|error| format!("{path}: {error}"))?;
        match rustix::system::finit_module(&file, c"", 0) {
            Ok(()) | Err(rustix::io::Errno::EXIST) => {}
            Err(error) => return Err(format!("{path}: cannot load this module: {error}")),
        }
    }
    Ok(())
}

/// Runs one of Xen's programs to its end; the daemons among them end when they have gone to the background.
fn run(program: &str, args: &[&str]) -> Step<()> {
    let path = Path::new(TOOLS_DIRECTORY).join(program);
    let status = Command::new(&path)
        .args(args)
        .stdin(Stdio::null())
        .status()
        .map_err(|error| format!("{}: {error}", path.display()))?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("{program} failed ({status})"))
    }
}
