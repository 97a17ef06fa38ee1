//! The QEMU process: its command line, its serial port and dom0's line, its end.
//!
//! Files reach QEMU as inherited descriptors (`/dev/fd/N`), so that blanks and commas in paths, which its
//! `-initrd` list would misread, cannot matter, and nothing temporary is left on disk. Invariant: QEMU does not outlive us: it is
//! killed when this value is dropped, and by the kernel if we are killed.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};

use rustix::fs::MemfdFlags;
use rustix::io::FdFlags;
use rustix::process::Signal;

use super::host::Host;
use super::monitor::{Monitor, NETWORK};
use crate::failure::{Failure, Result};

/// What to start.
pub struct Machine<'a> {
    /// The hypervisor and its command line.
    pub xen: File,
    pub xen_args: String,
    /// What Xen boots, each with its command line.
    pub modules: Vec<(File, String)>,
    /// All of the emulated memory in MiB.
    pub memory_mib: u64,
    /// Whether there is a network card, with QEMU's user network behind it.
    pub network: bool,
    pub kvm: bool,
    pub host: &'a Host,
}

/// A running QEMU.
pub struct Qemu {
    child: Child,
    /// The serial port: Xen's console, and what dom0 says.
    pub console: UnixStream,
    /// dom0's first process, see [`super::wire`].
    pub line: UnixStream,
    /// Taken by who forwards ports.
    pub monitor: Option<Monitor>,
    errors: ChildStderr,
    /// What came of `errors`.
    complaints: Vec<u8>,
}

impl Machine<'_> {
    /// Starts the machine.
    pub fn start(&self) -> Result<Qemu> {
        let failed = |error: io::Error| Failure::io(&self.host.qemu, "run", error);
        let (console, qemu_console) = UnixStream::pair().map_err(failed)?;
        let (line, qemu_line) = UnixStream::pair().map_err(failed)?;
        let (monitor, qemu_monitor) = UnixStream::pair().map_err(failed)?;
        let streams = [
            ("console", &qemu_console),
            ("line", &qemu_line),
            ("monitor", &qemu_monitor),
        ];
        for file in streams
            .iter()
            .map(|(_, stream)| stream.as_fd())
            .chain([self.xen.as_fd()])
            .chain(self.modules.iter().map(|(file, _)| file.as_fd()))
        {
            // Descriptors close at exec unless they are told not to.
            rustix::io::fcntl_setfd(file, FdFlags::empty())
                .map_err(|error| failed(error.into()))?;
        }
        let modules: Vec<_> = self
            .modules
            .iter()
            // In this list QEMU wants commas doubled.
            .map(|(file, args)| format!("{} {}", path_of(file), args).replace(',', ",,"))
            .collect();
        let mut command = Command::new(&self.host.qemu);
        command
            .args([
                "-nodefaults",
                "-no-user-config",
                "-display",
                "none",
                "-vga",
                "none",
            ])
            .args(["-machine", "pc", "-smp", "1", "-no-reboot"])
            .args(accelerator(self.kvm))
            .args(["-m", &self.memory_mib.to_string()])
            .arg("-kernel")
            .arg(path_of(&self.xen))
            .args(["-append", &self.xen_args])
            .args(["-initrd", &modules.join(",")]);
        for (name, file) in streams {
            command.args([
                "-chardev",
                &format!("socket,id={name},fd={}", file.as_raw_fd()),
            ]);
        }
        command.args(["-serial", "chardev:console"]);
        // Not a second serial port: those carry 10 KB/s where each byte is emulated twice.
        command.args(["-device", "virtio-serial-pci"]);
        command.args(["-device", "virtserialport,chardev=line"]);
        command.args(["-mon", "chardev=monitor,mode=control"]);
        if self.network {
            command.args(["-netdev", &format!("user,id={NETWORK}")]);
            // Without its option ROM, which is there to boot from networks and in packages of its own.
            let card = format!("virtio-net-pci,netdev={NETWORK},romfile=");
            command.args(["-device", &card]);
        }
        // Lets a guest that has dom0's place end QEMU.
        command.args(["-device", "isa-debug-exit,iobase=0xf4,iosize=4"]);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            // A Ctrl-C at the terminal is ours to handle.
            .process_group(0);
        // SAFETY: between fork and exec the closure makes one system call and touches no memory of ours.
        unsafe {
            command.pre_exec(|| {
                rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
                Ok(())
            });
        }
        let mut child = command.spawn().map_err(failed)?;
        let errors = child.stderr.take().ok_or_else(|| {
            Failure::new("boot: QEMU's standard error is not there although it was asked for")
        })?;
        Ok(Qemu {
            child,
            console,
            line,
            monitor: Some(Monitor::new(monitor)),
            errors,
            complaints: Vec::new(),
        })
    }
}

impl Qemu {
    /// Waits for the end of a QEMU that has closed its console; its status and what it complained of.
    pub fn wait(&mut self) -> Result<(ExitStatus, String)> {
        // What cannot be read is not told; the status still is.
        let _ = self.errors.read_to_end(&mut self.complaints);
        let status = self
            .child
            .wait()
            .map_err(|error| Failure::new(format!("boot: cannot wait for QEMU: {error}")))?;
        let complaints = String::from_utf8_lossy(&self.complaints).trim().to_owned();
        Ok((status, complaints))
    }
}

impl Drop for Qemu {
    fn drop(&mut self) {
        // Both fail if it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// How the processor is emulated. QEMU 7.2's SMAP and SMEP kill dom0 under Xen; without them every QEMU from 7.2 on works.
/// A `/dev/kvm` that opens may still be unable to run Xen, so KVM is never chosen by itself.
fn accelerator(kvm: bool) -> [&'static str; 4] {
    if kvm {
        ["-accel", "kvm", "-cpu", "host"]
    } else {
        ["-accel", "tcg,thread=multi", "-cpu", "max,-smap,-smep"]
    }
}

fn path_of(file: &File) -> String {
    format!("/dev/fd/{}", file.as_raw_fd())
}

/// A file in memory with these bytes, one part behind the other.
pub fn memory_file(parts: &[&[u8]]) -> Result<File> {
    let failed = |error: io::Error| {
        Failure::new(format!("boot: cannot keep dom0's files in memory: {error}"))
    };
    let file: OwnedFd = rustix::fs::memfd_create("starling", MemfdFlags::CLOEXEC)
        .map_err(|error| failed(error.into()))?;
    let mut file = File::from(file);
    for part in parts {
        file.write_all(part).map_err(failed)?;
    }
    Ok(file)
}

/// Opens a file for QEMU.
pub fn open(path: &Path) -> Result<File> {
    File::open(path).map_err(|error| Failure::io(path, "read", error))
}
