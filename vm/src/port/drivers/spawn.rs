//! `{spawn, Command}` and `{spawn_executable, File}`: programs that run beside the machine.
//!
//! The exit status is told when the program has ended *and* all that it wrote has been read, as OTP does. A program whose
//! input and output are not the machine's is not waited for.

use crate::fs::errno::Errno;
use crate::memory::NoMemory;
use crate::platform::io::{ChildStatus, Command, Descriptor, Interest, Program, SpawnError};
use crate::port::driver::{Driver, Handle};
use crate::port::open::{OpenError, Options};
use crate::port::stream::{Input, Stream};
use crate::process::try_box;
use alloc::boxed::Box;
use alloc::vec::Vec;

/// What is known about the end of a program.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// Nobody wants to know.
    NotAsked,
    /// It runs.
    Running,
    /// Its exit status.
    Code(u32),
}

/// A port on a program.
struct Spawn {
    stream: Stream,
    end: End,
    /// Whether all that it wrote has been read.
    read: bool,
}

/// Runs `program`, and makes the driver of a port on it.
pub fn open(
    at: &mut Handle,
    program: Program,
    options: &Options,
) -> Result<Box<dyn Driver>, OpenError> {
    let mut environment = at.machine.environment.clone();
    for (name, value) in &options.environment {
        match value {
            Some(value) => environment.put(name, value)?,
            None => environment.remove(name),
        }
    }
    let command = Command {
        program,
        directory: options.directory.clone(),
        environment,
        from: options.input,
        to: options.output,
        standard: options.standard,
        error_to_output: options.error_to_output,
    };
    let (mut from, mut to, mut end) = (None, None, End::NotAsked);
    match at.io().spawn(&command) {
        Ok(child) => {
            (from, to) = (child.from, child.to);
            if let Some(port) = at.machine.ports.open(at.port) {
                port.os_pid = Some(child.id);
            }
            if options.exit_status {
                at.watch_child(child.id);
                end = End::Running;
            }
        }
        Err(SpawnError::Refused(error)) => return Err(OpenError::Posix(error)),
        Err(SpawnError::StillBorn(error)) => {
            if options.exit_status {
                end = End::Code(error.0 as u32);
            }
            at.wake();
        }
    }
    let stream = Stream::new(from, to, options.framing, options.limits);
    stream.start(at);
    let read = false;
    let driver = try_box(Spawn { stream, end, read });
    Ok(driver.map_err(|NoMemory| OpenError::Posix(Errno::ENOMEM))?)
}

impl Spawn {
    /// Nothing more will come from the program.
    fn all_read(&mut self, at: &mut Handle) {
        self.read = true;
        match self.end {
            End::Running => {}
            End::NotAsked => at.end_of_input(),
            End::Code(code) => {
                at.exit_status(code);
                at.end_of_input();
            }
        }
    }
}

impl Driver for Spawn {
    fn has_port_locks(&self) -> bool {
        true
    }

    fn command(&mut self, at: &mut Handle, data: Vec<u8>) {
        self.stream.command(at, data);
    }

    fn ready(&mut self, at: &mut Handle, descriptor: Descriptor, ready: Interest) {
        if self.stream.ready(at, descriptor, ready) == Input::End {
            self.all_read(at);
        }
    }

    fn child_ended(&mut self, at: &mut Handle, status: ChildStatus) {
        self.end = End::Code(status.code());
        if self.read {
            self.all_read(at);
        }
    }

    /// The program could not be begun.
    fn woken(&mut self, at: &mut Handle) {
        if self.stream.is_nowhere() && !self.read {
            self.all_read(at);
        }
    }

    fn flush(&mut self, at: &mut Handle) {
        self.stream.flush(at);
    }

    fn stop(&mut self, at: &mut Handle) {
        self.stream.stop(at);
    }
}
