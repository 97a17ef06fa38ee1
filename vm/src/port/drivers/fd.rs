//! `{fd, In, Out}`: streams that are there already. OTP's `user` and `standard_error` talk to the console through it.

use crate::fs::errno::Errno;
use crate::memory::NoMemory;
use crate::platform::io::{Descriptor, Interest};
use crate::port::driver::{Driver, Handle};
use crate::port::open::{OpenError, Options};
use crate::port::stream::{Input, Stream};
use crate::process::try_box;
use alloc::boxed::Box;
use alloc::vec::Vec;

/// A port on two descriptors.
struct Fd {
    stream: Stream,
}

/// Makes the driver of a port on descriptors.
pub fn open(
    at: &mut Handle,
    input: Descriptor,
    output: Descriptor,
    options: &Options,
) -> Result<Box<dyn Driver>, OpenError> {
    let stream = Stream::new(
        options.input.then_some(input),
        options.output.then_some(output),
        options.framing,
        options.limits,
    );
    stream.start(at);
    let driver = try_box(Fd { stream }).map_err(|NoMemory| OpenError::Posix(Errno::ENOMEM))?;
    Ok(driver)
}

impl Driver for Fd {
    fn command(&mut self, at: &mut Handle, data: Vec<u8>) {
        self.stream.command(at, data);
    }

    fn ready(&mut self, at: &mut Handle, descriptor: Descriptor, ready: Interest) {
        if self.stream.ready(at, descriptor, ready) == Input::End {
            at.end_of_input();
        }
    }

    fn flush(&mut self, at: &mut Handle) {
        self.stream.flush(at);
    }

    fn stop(&mut self, at: &mut Handle) {
        self.stream.stop(at);
    }
}
