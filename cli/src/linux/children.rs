//! Programs that ports run.
//!
//! A program gets a session of its own, so that what is typed at the machine's terminal does not reach it, and nothing of the
//! machine's descriptors but those of the port. It is known by its pidfd, which says when it ends, and reaped then. Closing a port
//! does not kill it.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::process::CommandExt;
use std::process::Stdio;

use rustix::fs::{Access, access};
use rustix::process::{Pid, PidfdFlags, WaitOptions, pidfd_open, waitpid};
use signal_hook::consts::*;
use starling_vm::fs::errno::Errno;
use starling_vm::platform::io::{ChildStatus, Command, Program, Signal, SpawnError};

use super::io::errno;

/// Where a program reads and writes that has its standard files for itself (`nouse_stdio`).
const OWN_INPUT: i32 = 3;
const OWN_OUTPUT: i32 = 4;
/// Ends of pipes are kept above, until they take the place of those two.
const ABOVE: i32 = 10;

/// Programs that run.
#[derive(Debug, Default)]
pub struct Children {
    running: BTreeMap<u32, OwnedFd>,
}

/// Number of a program, what tells its end, what it writes, what it reads.
pub type Started<'a> = (u32, BorrowedFd<'a>, Option<OwnedFd>, Option<OwnedFd>);

impl Children {
    /// Runs a program.
    pub fn spawn(&mut self, command: &Command) -> Result<Started<'_>, SpawnError> {
        let mut run = match &command.program {
            Program::Shell(line) => {
                let mut exec = b"exec ".to_vec();
                exec.extend_from_slice(line);
                let mut run = std::process::Command::new("/bin/sh");
                run.arg0("sh").arg("-c").arg(OsString::from_vec(exec));
                run
            }
            Program::File { path, arguments } => {
                let path = OsStr::from_bytes(path);
                access(path, Access::EXEC_OK).map_err(|e| SpawnError::Refused(errno(e)))?;
                // A name with a slash is not searched for along PATH.
                let mut file = OsString::new();
                if !path.as_bytes().contains(&b'/') {
                    file.push("./");
                }
                file.push(path);
                let mut run = std::process::Command::new(file);
                let mut arguments = arguments.iter().map(|a| OsStr::from_bytes(a));
                if let Some(argument_0) = arguments.next() {
                    run.arg0(argument_0);
                }
                run.args(arguments);
                run
            }
        };
        if let Some(directory) = &command.directory {
            let directory = OsStr::from_bytes(directory);
            if let Err(error) = access(directory, Access::EXEC_OK) {
                eprintln!("spawn: Could not cd to {}", directory.display());
                return Err(SpawnError::StillBorn(errno(error)));
            }
            run.current_dir(directory);
        }
        run.env_clear();
        for (name, value) in command.environment.iter() {
            run.env(OsStr::from_bytes(name), OsStr::from_bytes(value));
        }
        let refused = |error| SpawnError::Refused(errno(error));
        let from = command.from.then(pipe).transpose().map_err(refused)?;
        let to = command.to.then(pipe).transpose().map_err(refused)?;
        let (ours_from, theirs_from) = from.unzip();
        let (theirs_to, ours_to) = to.unzip();
        run.stdin(Stdio::null());
        let mut own = (None, None);
        if command.standard {
            if let Some(input) = theirs_to {
                run.stdin(input);
            }
            if let Some(output) = theirs_from {
                run.stdout(output);
            }
        } else {
            own = (theirs_to, theirs_from);
        }
        let error_to_output = command.error_to_output;
        let prepare = move || {
            // A failure means that the child leads a session already.
            let _ = rustix::process::setsid();
            if error_to_output {
                rustix::stdio::dup2_stderr(rustix::stdio::stdout())?;
            }
            put(&own.0, OWN_INPUT)?;
            put(&own.1, OWN_OUTPUT)?;
            Ok(())
        };
        // SAFETY: between fork and exec, the closure makes system calls and nothing else.
        unsafe { run.pre_exec(prepare) };
        let failed = |error: std::io::Error| {
            let error = error.raw_os_error().map_or(Errno::EINVAL, Errno);
            match error {
                Errno::EAGAIN | Errno::ENOMEM | Errno::EMFILE => SpawnError::Refused(error),
                _ => SpawnError::StillBorn(error),
            }
        };
        let child = run.spawn().map_err(failed)?;
        let id = child.id();
        let pid = Pid::from_child(&child);
        let pidfd = pidfd_open(pid, PidfdFlags::empty()).map_err(refused)?;
        for ours in [&ours_from, &ours_to].into_iter().flatten() {
            rustix::io::ioctl_fionbio(ours, true).map_err(refused)?;
        }
        let pidfd: &OwnedFd = self.running.entry(id).insert_entry(pidfd).into_mut();
        Ok((id, pidfd.as_fd(), ours_from, ours_to))
    }

    /// How the program ended; `None` if it has not.
    pub fn reap(&mut self, id: u32) -> Option<ChildStatus> {
        let pid = Pid::from_raw(i32::try_from(id).ok()?)?;
        let status = match waitpid(Some(pid), WaitOptions::NOHANG) {
            Ok(None) => return None,
            Ok(Some((_, status))) => match (status.exit_status(), status.terminating_signal()) {
                (Some(code), _) => ChildStatus::Exited(code as u8),
                (_, Some(signal)) => ChildStatus::Killed(signal as u8),
                _ => return None,
            },
            // Somebody else reaped it: it has ended, nobody knows how.
            Err(_) => ChildStatus::Exited(u8::MAX),
        };
        self.running.remove(&id);
        Some(status)
    }
}

/// A pipe whose ends programs do not inherit: where to read, where to write.
fn pipe() -> rustix::io::Result<(OwnedFd, OwnedFd)> {
    let (read, write) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?;
    let move_up = |file: OwnedFd| rustix::io::fcntl_dupfd_cloexec(&file, ABOVE);
    Ok((move_up(read)?, move_up(write)?))
}

/// Makes `file` the descriptor `number`, which programs inherit.
fn put(file: &Option<OwnedFd>, number: i32) -> rustix::io::Result<()> {
    if let Some(file) = file {
        // SAFETY: this is the child, whose descriptors nobody else uses; `number` stays open for the program.
        let mut target = std::mem::ManuallyDrop::new(unsafe { OwnedFd::from_raw_fd(number) });
        rustix::io::dup2(file, &mut target)?;
    }
    Ok(())
}

/// Linux's number of a signal.
pub fn signal_number(signal: Signal) -> i32 {
    match signal {
        Signal::Hangup => SIGHUP,
        Signal::Quit => SIGQUIT,
        Signal::Abort => SIGABRT,
        Signal::Alarm => SIGALRM,
        Signal::Terminate => SIGTERM,
        Signal::User1 => SIGUSR1,
        Signal::User2 => SIGUSR2,
        Signal::Child => SIGCHLD,
        Signal::Stop => SIGTSTP,
        Signal::WindowChange => SIGWINCH,
        Signal::Continue => SIGCONT,
        Signal::Interrupt => SIGINT,
    }
}
