//! `open_port("file", …)`: a file to read, to write, or both. OTP calls it the vanilla driver.
//!
//! A file is never waited for. It is read in pieces, each when the process that runs has had its turn, and written at once. Read and write
//! share a position. Found by `port::open` for a name without `spawn`; works on every [`crate::fs::FileSystem`].

use crate::fs::errno::Errno;
use crate::fs::{self, Kind, Modes};
use crate::port::driver::{Driver, Handle};
use crate::port::open::{OpenError, Options};
use crate::port::stream::{Framing, Stream};
use crate::process::try_box;
use alloc::boxed::Box;
use alloc::ffi::CString;
use alloc::vec::Vec;

/// Bytes that are read at once, at most.
const READ_BYTES: usize = 64 * 1024;

/// A port on a file.
struct Vanilla {
    file: fs::Handle,
    /// What is read becomes packets by it.
    stream: Stream,
    framing: Framing,
    output: bool,
}

/// Opens the file `path`. What cannot be opened is `einval`, whatever the reason, as on OTP.
pub fn open(
    at: &mut Handle,
    path: Vec<u8>,
    options: &Options,
) -> Result<Box<dyn Driver>, OpenError> {
    let refused = OpenError::Posix(Errno::EINVAL);
    let path = CString::new(path).map_err(|_| refused)?;
    let files = &mut at.machine.files;
    let kind = files.info(&path, true).ok().map(|info| info.kind);
    // Opening or reading a pipe waits for the other end.
    if kind == Some(Kind::Other) {
        return Err(refused);
    }
    let modes = Modes {
        read: options.input,
        write: options.output,
        skip_type_check: true,
        ..Modes::default()
    };
    let file = files.open(&path, modes).map_err(|_| refused)?;
    let vanilla = Vanilla {
        file,
        stream: Stream::new(None, None, options.framing, options.limits),
        framing: options.framing,
        output: options.output,
    };
    let Ok(driver) = try_box(vanilla) else {
        let _ = files.close(file);
        return Err(OpenError::NoMemory);
    };
    // A directory can be opened and says nothing.
    if options.input && kind != Some(Kind::Directory) {
        at.wake();
    }
    Ok(driver)
}

impl Vanilla {
    /// `data` behind its size, if commands are packets.
    fn write(&self, at: &mut Handle, data: &[u8]) -> Result<(), Errno> {
        if !self.output {
            return Err(Errno::EINVAL);
        }
        let files = &mut at.machine.files;
        if let Framing::Packet(bytes) = self.framing {
            let size = data.len() as u64;
            if size >> (8 * u32::from(bytes)) != 0 {
                return Err(Errno::EINVAL);
            }
            files.write(self.file, &size.to_be_bytes()[8 - usize::from(bytes)..])?;
        }
        files.write(self.file, data)
    }
}

impl Driver for Vanilla {
    fn command(&mut self, at: &mut Handle, data: Vec<u8>) {
        if let Err(error) = self.write(at, &data) {
            at.fail(error);
        }
    }

    fn woken(&mut self, at: &mut Handle) {
        let Ok(mut buffer) = at.take_buffer(READ_BYTES) else {
            return at.fail(Errno::ENOMEM);
        };
        match at.machine.files.read(self.file, &mut buffer[..READ_BYTES]) {
            Ok(0) => at.end_of_input(),
            Ok(length) => {
                self.stream.received(at, &buffer[..length]);
                at.wake();
            }
            Err(error) => at.fail(error),
        }
        at.give_buffer(buffer);
    }

    fn stop(&mut self, at: &mut Handle) {
        let _ = at.machine.files.close(self.file);
    }
}
