//! `trace_file_drv`: trace messages into a file, or into files that take turns. What `dbg:trace_port(file, Name)` opens.
//!
//! The command is `trace_file_drv n Name`, or `trace_file_drv w Size Count Time Tail n Name`: then `Tail` is where in the name a number
//! goes, and the next file is begun behind `Size` bytes, or each `Time` milliseconds if that is not 0. Beside the one that is written there
//! are at most `Count - 1` others. Each message is written as a zero byte, its length in four bytes, and itself. (Source of both:
//! `runtime_tools/c_src/trace_file_drv.c`.)
//!
//! Invariant: what is in the buffer has not been written; it is when the port is flushed (control `f`) or closed.

use crate::fs::errno::Errno;
use crate::fs::{Handle as File, Modes};
use crate::port::driver::{ControlAnswer, Driver, Handle, Unsupported};
use crate::port::open::{OpenError, Options};
use crate::process::try_box;
use alloc::boxed::Box;
use alloc::ffi::CString;
use alloc::format;
use alloc::vec::Vec;

/// The name of the driver.
pub const NAME: &str = "trace_file_drv";

/// Bytes that are gathered before they are written.
const BUFFER: usize = 64 * 1024;

/// `port_control` operation: writes what is in the buffer.
const FLUSH: u32 = b'f' as u32;

const MODES: Modes = Modes {
    read: false,
    write: true,
    append: false,
    exclusive: false,
    sync: false,
    directory: false,
    skip_type_check: false,
};

/// Files that take turns.
struct Turns {
    /// What is before the number, and behind it.
    name: (Vec<u8>, Vec<u8>),
    /// Bytes of a file, if the time does not say when it is full.
    size: usize,
    /// How many files there are at once.
    count: u32,
    /// Milliseconds after which the next file is begun; 0 for no such limit.
    time: u64,
    /// Files that may be made before the oldest has to go.
    left: u32,
    /// The number of the file that is written, and of the oldest one.
    current: u32,
    oldest: u32,
    /// Bytes of the file that is written.
    written: usize,
}

impl Turns {
    fn path(&self, number: u32) -> Vec<u8> {
        [
            &self.name.0[..],
            format!("{number}").as_bytes(),
            &self.name.1,
        ]
        .concat()
    }

    /// Numbers go from 0 to the count, and begin again.
    fn after(&self, number: u32) -> u32 {
        if number >= self.count { 0 } else { number + 1 }
    }
}

struct TraceFile {
    file: Option<File>,
    buffer: Vec<u8>,
    turns: Option<Turns>,
}

/// Opens the file that the command names.
pub fn open(at: &mut Handle, command: &[u8], _: &Options) -> Result<Box<dyn Driver>, OpenError> {
    let rest = command
        .strip_prefix(NAME.as_bytes())
        .and_then(|rest| rest.strip_prefix(b" "));
    let (turns, name) = rest.and_then(parse).ok_or(OpenError::BadName)?;
    let path = match &turns {
        Some(turns) => turns.path(0),
        None => name.to_vec(),
    };
    let file = open_file(at, path).map_err(OpenError::Posix)?;
    let driver = TraceFile {
        file: Some(file),
        buffer: Vec::new(),
        turns,
    };
    driver.set_timer(at);
    Ok(try_box(driver)?)
}

/// What a command says behind the driver's name.
fn parse(text: &[u8]) -> Option<(Option<Turns>, &[u8])> {
    if let Some(name) = text.strip_prefix(b"n ") {
        return (!name.is_empty()).then_some((None, name));
    }
    let mut rest = text.strip_prefix(b"w ")?;
    let mut numbers = [0u64; 4];
    for number in &mut numbers {
        let end = rest.iter().position(|byte| *byte == b' ')?;
        let digits = core::str::from_utf8(&rest[..end]).ok()?;
        *number = digits.parse().ok()?;
        rest = &rest[end + 1..];
    }
    let [size, count, time, tail] = numbers;
    let name = rest.strip_prefix(b"n ")?;
    let tail = usize::try_from(tail).ok()?;
    if tail >= name.len() {
        return None;
    }
    let (before, behind) = name.split_at(tail);
    let count = u32::try_from(count).ok()?;
    let turns = Turns {
        name: (before.to_vec(), behind.to_vec()),
        size: usize::try_from(size).ok()?,
        count,
        time,
        left: count,
        current: 0,
        oldest: 0,
        written: 0,
    };
    Some((Some(turns), name))
}

fn open_file(at: &mut Handle, path: Vec<u8>) -> Result<File, Errno> {
    let path = CString::new(path).map_err(|_| Errno::EINVAL)?;
    at.machine.files.open(&path, MODES)
}

impl TraceFile {
    fn set_timer(&self, at: &mut Handle) {
        if let Some(turns) = self.turns.as_ref().filter(|turns| turns.time > 0) {
            let deadline = at
                .now()
                .saturating_add(turns.time.saturating_mul(1_000_000));
            at.set_deadline(Some(deadline));
        }
    }

    fn flush(&mut self, at: &mut Handle) -> Result<(), Errno> {
        let bytes = core::mem::take(&mut self.buffer);
        match self.file {
            Some(file) if !bytes.is_empty() => at.machine.files.write(file, &bytes),
            _ => Ok(()),
        }
    }

    fn write(&mut self, at: &mut Handle, data: &[u8]) -> Result<(), Errno> {
        let length = u32::try_from(data.len()).map_err(|_| Errno::EINVAL)?;
        let size = data.len() + 5;
        if self.buffer.len() + size > BUFFER {
            self.flush(at)?;
        }
        self.buffer.try_reserve(size).map_err(|_| Errno::ENOMEM)?;
        self.buffer.push(0);
        self.buffer.extend_from_slice(&length.to_be_bytes());
        self.buffer.extend_from_slice(data);
        if let Some(turns) = &mut self.turns {
            turns.written += size;
            if turns.time == 0 && turns.written >= turns.size {
                return self.take_turn(at);
            }
        }
        Ok(())
    }

    /// Begins the next file.
    fn take_turn(&mut self, at: &mut Handle) -> Result<(), Errno> {
        let flushed = self.flush(at);
        if let Some(file) = self.file.take() {
            let _ = at.machine.files.close(file);
        }
        flushed?;
        let Some(turns) = &mut self.turns else {
            return Ok(());
        };
        turns.written = 0;
        turns.left = turns.left.saturating_sub(1);
        if turns.left == 0 {
            if let Ok(path) = CString::new(turns.path(turns.oldest)) {
                // Somebody may have removed it.
                let _ = at.machine.files.remove_file(&path);
            }
            turns.oldest = turns.after(turns.oldest);
        }
        turns.current = turns.after(turns.current);
        let path = turns.path(turns.current);
        self.file = Some(open_file(at, path)?);
        Ok(())
    }
}

impl Driver for TraceFile {
    fn command(&mut self, at: &mut Handle, data: Vec<u8>) {
        if let Err(error) = self.write(at, &data) {
            at.fail(error);
        }
    }

    fn control(
        &mut self,
        at: &mut Handle,
        _: crate::term::Term,
        operation: u32,
        _: &[u8],
    ) -> Result<ControlAnswer, Unsupported> {
        if operation != FLUSH {
            return Err(Unsupported);
        }
        if let Err(error) = self.flush(at) {
            at.fail(error);
        }
        Ok(ControlAnswer::from_slice(&[0]))
    }

    fn timeout(&mut self, at: &mut Handle) {
        match self.take_turn(at) {
            Ok(()) => self.set_timer(at),
            Err(error) => at.fail(error),
        }
    }

    fn stop(&mut self, at: &mut Handle) {
        // Nobody is left to be told.
        let _ = self.flush(at);
        if let Some(file) = self.file.take() {
            let _ = at.machine.files.close(file);
        }
    }
}
