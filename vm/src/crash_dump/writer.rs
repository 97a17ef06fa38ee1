//! Where a dump goes: text in, blocks of bytes out, until a limit is reached.
//!
//! Invariant: a writer allocates nothing. After the first failure, whatever it is, nothing more is written.

use crate::fs::{FileSystem, Handle};
use crate::platform::{Platform, Stream};
use core::fmt;
use core::ptr::NonNull;

/// Bytes that are gathered before they are passed on.
const BUFFER: usize = 1024;

/// What a dump is written to.
#[derive(Clone, Copy)]
pub enum Sink {
    /// An open file.
    File(Handle),
    /// The console, with CR LF line ends left to it.
    Console,
}

/// How large a dump may be, and how long it may take.
#[derive(Clone, Copy)]
pub struct Limits {
    /// Bytes.
    pub bytes: u64,
    /// On the clock of [`Platform::monotonic_ns`].
    pub deadline: Option<u64>,
}

/// Takes text.
pub struct Writer {
    files: NonNull<dyn FileSystem>,
    platform: NonNull<dyn Platform>,
    sink: Sink,
    limits: Limits,
    buffer: [u8; BUFFER],
    filled: usize,
}

impl Writer {
    /// A writer to `sink`.
    ///
    /// # Safety
    /// Nobody else uses `files` or `platform` while the writer lives.
    pub unsafe fn new(
        files: NonNull<dyn FileSystem>,
        platform: NonNull<dyn Platform>,
        sink: Sink,
        limits: Limits,
    ) -> Writer {
        Writer {
            files,
            platform,
            sink,
            limits,
            buffer: [0; BUFFER],
            filled: 0,
        }
    }

    fn flush(&mut self) -> fmt::Result {
        let bytes = &self.buffer[..self.filled];
        self.filled = 0;
        // SAFETY: `new`'s promise.
        let (files, platform) = unsafe { (self.files.as_mut(), self.platform.as_mut()) };
        if let Some(deadline) = self.limits.deadline
            && platform.monotonic_ns() > deadline
        {
            self.limits.bytes = 0;
            return Err(fmt::Error);
        }
        let allowed = (bytes.len() as u64).min(self.limits.bytes) as usize;
        self.limits.bytes -= allowed as u64;
        let written = match self.sink {
            Sink::File(file) => files.write(file, &bytes[..allowed]).is_ok(),
            Sink::Console => {
                platform.console_write(Stream::Error, &bytes[..allowed]);
                true
            }
        };
        if written && allowed == bytes.len() {
            return Ok(());
        }
        self.limits.bytes = 0;
        Err(fmt::Error)
    }

    /// Passes on what is left.
    pub fn finish(mut self) {
        let _ = self.flush();
    }
}

impl fmt::Write for Writer {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut rest = text.as_bytes();
        while !rest.is_empty() {
            if self.filled == BUFFER {
                self.flush()?;
            }
            let now = rest.len().min(BUFFER - self.filled);
            self.buffer[self.filled..][..now].copy_from_slice(&rest[..now]);
            self.filled += now;
            rest = &rest[now..];
        }
        Ok(())
    }
}
