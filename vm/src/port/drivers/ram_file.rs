//! `ram_file_drv`: a file in memory for one port, behind `file:open(Bytes, [ram, ...])`.
//!
//! OTP's `ram_file` sends commands, a byte of operation and its arguments, and gets one message for each: a byte that says what it
//! is, then a number, an error's name, or bytes. The numbers are those of `lib/kernel/src/ram_file.erl`.
//!
//! Invariant: bytes behind the end of the file are never read; those that a write skips are zero.

use crate::fs::errno::Errno;
use crate::port::driver::{Driver, Handle};
use crate::port::open::{OpenError, Options};
use crate::process::try_box;
use alloc::boxed::Box;
use alloc::vec::Vec;

/// Operations.
mod operation {
    pub const OPEN: u8 = 1;
    pub const READ: u8 = 2;
    pub const SEEK: u8 = 3;
    pub const WRITE: u8 = 4;
    pub const SYNC: u8 = 9;
    pub const TRUNCATE: u8 = 14;
    pub const READ_AT: u8 = 17;
    pub const WRITE_AT: u8 = 18;
    pub const DATA_SYNC: u8 = 19;
    pub const GET: u8 = 30;
    pub const SIZE: u8 = 37;
    pub const ADVISE: u8 = 38;
    pub const ALLOCATE: u8 = 39;
}

/// What an answer begins with.
mod answer {
    pub const OK: u8 = 0;
    pub const ERROR: u8 = 1;
    pub const DATA: u8 = 2;
    pub const NUMBER: u8 = 3;
}

/// Modes of a file, as bits.
const READABLE: i32 = 1;
const WRITABLE: i32 = 2;

/// What a position counts from.
const FROM_START: i32 = 0;
const FROM_HERE: i32 = 1;
const FROM_END: i32 = 2;

/// The largest file: positions are signed numbers of 32 bits.
const MAX_SIZE: usize = i32::MAX as usize;

/// One file.
#[derive(Default)]
struct RamFile {
    /// Bits of the mode; 0 until it is opened.
    mode: i32,
    bytes: Vec<u8>,
    /// Where the next read or write without a position happens; may be behind the end.
    position: usize,
}

/// Makes a file that is not open yet.
pub fn open(_: &mut Handle, _: &[u8], _: &Options) -> Result<Box<dyn Driver>, OpenError> {
    Ok(try_box(RamFile::default())?)
}

/// What an operation answers with.
enum Answer {
    Ok,
    Number(usize),
    Data(Vec<u8>),
}

/// A signed number of 32 bits at `at`.
fn number(arguments: &[u8], at: usize) -> Result<i32, Errno> {
    let bytes = arguments.get(at..at + 4).and_then(|b| b.try_into().ok());
    bytes.map(i32::from_be_bytes).ok_or(Errno::EINVAL)
}

/// A position or size, which is not negative.
fn size(arguments: &[u8], at: usize) -> Result<usize, Errno> {
    usize::try_from(number(arguments, at)?).map_err(|_| Errno::EINVAL)
}

impl RamFile {
    fn run(&mut self, operation: u8, arguments: &[u8]) -> Option<Result<Answer, Errno>> {
        Some(match operation {
            operation::OPEN => self.open(arguments),
            operation::READ => size(arguments, 0).and_then(|len| {
                let data = self.read(self.position, len)?;
                self.position += data.len();
                Ok(Answer::Data(data))
            }),
            operation::READ_AT => size(arguments, 0).and_then(|at| {
                let data = self.read(at, size(arguments, 4)?)?;
                Ok(Answer::Data(data))
            }),
            operation::WRITE => self.write(self.position, arguments).map(|()| {
                self.position += arguments.len();
                Answer::Number(arguments.len())
            }),
            operation::WRITE_AT => size(arguments, 0).and_then(|at| {
                let bytes = &arguments[4..];
                self.write(at, bytes)?;
                Ok(Answer::Number(bytes.len()))
            }),
            operation::SEEK => self.seek(arguments),
            operation::TRUNCATE => self.truncate(),
            operation::GET => copy(&self.bytes).map(Answer::Data),
            operation::SIZE => Ok(Answer::Number(self.bytes.len())),
            operation::SYNC | operation::DATA_SYNC | operation::ADVISE | operation::ALLOCATE => {
                self.opened().map(|()| Answer::Ok)
            }
            // OTP's driver does not answer either.
            _ => return None,
        })
    }

    fn opened(&self) -> Result<(), Errno> {
        match self.mode {
            0 => Err(Errno::EBADF),
            _ => Ok(()),
        }
    }

    fn open(&mut self, arguments: &[u8]) -> Result<Answer, Errno> {
        self.mode = number(arguments, 0)?;
        self.bytes = copy(&arguments[4..])?;
        self.position = 0;
        Ok(Answer::Number(0))
    }

    fn read(&self, at: usize, len: usize) -> Result<Vec<u8>, Errno> {
        if self.mode & READABLE == 0 {
            return Err(Errno::EBADF);
        }
        let rest = self.bytes.get(at..).unwrap_or_default();
        copy(&rest[..len.min(rest.len())])
    }

    fn write(&mut self, at: usize, bytes: &[u8]) -> Result<(), Errno> {
        if self.mode & WRITABLE == 0 {
            return Err(Errno::EBADF);
        }
        let end = at.saturating_add(bytes.len());
        if end > MAX_SIZE {
            return Err(Errno::EINVAL);
        }
        if end > self.bytes.len() {
            let more = end - self.bytes.len();
            self.bytes.try_reserve(more).map_err(|_| Errno::ENOMEM)?;
            self.bytes.resize(end, 0);
        }
        self.bytes[at..end].copy_from_slice(bytes);
        Ok(())
    }

    fn seek(&mut self, arguments: &[u8]) -> Result<Answer, Errno> {
        let offset = i64::from(number(arguments, 0)?);
        let whence = number(arguments, 4)?;
        self.opened()?;
        let base = match whence {
            FROM_START => 0,
            FROM_HERE => self.position,
            FROM_END => self.bytes.len(),
            _ => return Err(Errno::EINVAL),
        };
        let position = usize::try_from(base as i64 + offset).map_err(|_| Errno::EINVAL)?;
        self.position = position;
        Ok(Answer::Number(position))
    }

    /// The end of the file is where it stands, even if that is behind the end.
    fn truncate(&mut self) -> Result<Answer, Errno> {
        if self.mode & WRITABLE == 0 {
            return Err(Errno::EACCES);
        }
        if self.position > self.bytes.len() {
            self.write(self.position, &[])?;
        }
        self.bytes.truncate(self.position);
        Ok(Answer::Ok)
    }
}

fn copy(bytes: &[u8]) -> Result<Vec<u8>, Errno> {
    let mut copy = Vec::new();
    copy.try_reserve_exact(bytes.len())
        .map_err(|_| Errno::ENOMEM)?;
    copy.extend_from_slice(bytes);
    Ok(copy)
}

/// The first bytes of an answer, and a number behind them.
fn head(kind: u8, number: usize) -> [u8; 5] {
    let [a, b, c, d] = (number as u32).to_be_bytes();
    [kind, a, b, c, d]
}

impl Driver for RamFile {
    fn command(&mut self, at: &mut Handle, data: Vec<u8>) {
        let Some((&operation, arguments)) = data.split_first() else {
            return;
        };
        match self.run(operation, arguments) {
            None => {}
            Some(Ok(Answer::Ok)) => at.data_behind(&[answer::OK], None),
            Some(Ok(Answer::Number(number))) => {
                at.data_behind(&head(answer::NUMBER, number), None);
            }
            Some(Ok(Answer::Data(data))) => {
                at.data_behind(&head(answer::DATA, data.len()), Some(&data));
            }
            Some(Err(error)) => {
                let mut text = Vec::from([answer::ERROR]);
                text.extend_from_slice(error.name().as_bytes());
                at.data_behind(&text, None);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number_of(answer: Option<Result<Answer, Errno>>) -> Result<usize, Errno> {
        match answer.unwrap()? {
            Answer::Number(number) => Ok(number),
            _ => panic!("not a number"),
        }
    }

    fn data_of(answer: Option<Result<Answer, Errno>>) -> Result<Vec<u8>, Errno> {
        match answer.unwrap()? {
            Answer::Data(data) => Ok(data),
            _ => panic!("not data"),
        }
    }

    #[test]
    fn what_a_write_skips_is_zero_and_truncation_forgets() {
        let mut file = RamFile::default();
        assert_eq!(
            number_of(file.run(operation::SEEK, &[0; 8])),
            Err(Errno::EBADF)
        );
        let mut open = Vec::from([0, 0, 0, 3]);
        open.extend_from_slice(b"abc");
        assert_eq!(number_of(file.run(operation::OPEN, &open)), Ok(0));
        assert_eq!(
            number_of(file.run(operation::WRITE_AT, b"\0\0\0\x05x")),
            Ok(1)
        );
        assert_eq!(number_of(file.run(operation::SIZE, &[])), Ok(6));
        assert_eq!(data_of(file.run(operation::GET, &[])).unwrap(), b"abc\0\0x");
        assert_eq!(
            data_of(file.run(operation::READ, &[0, 0, 0, 2])).unwrap(),
            b"ab"
        );
        assert!(file.run(operation::TRUNCATE, &[]).unwrap().is_ok());
        assert_eq!(
            number_of(file.run(operation::WRITE_AT, b"\0\0\0\x03y")),
            Ok(1)
        );
        assert_eq!(data_of(file.run(operation::GET, &[])).unwrap(), b"ab\0y");
        assert_eq!(
            number_of(file.run(operation::WRITE_AT, b"\xff\xff\xff\xffy")),
            Err(Errno::EINVAL)
        );
        assert_eq!(
            data_of(file.run(operation::READ_AT, b"\0\0\0")),
            Err(Errno::EINVAL)
        );
        assert!(file.run(99, &[]).is_none());
    }
}
