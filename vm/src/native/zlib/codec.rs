//! One compression or decompression stream of the crate `zlib-rs`, as a safe type.
//!
//! The crate's stable interface panics without memory, brings its own allocator and cannot change a strategy or read a dictionary; so
//! this is its lower one, that of its C library. Its version is fixed in `Cargo.toml`.
//!
//! Invariant: `stream` was initialised for its direction and has not been ended; its buffers are those of the call that is going on,
//! and null otherwise.

use crate::memory::NoMemory;
use alloc::vec::Vec;
use core::alloc::Layout;
use core::ffi::{c_uint, c_void};
use core::ptr::{null, null_mut};
use zlib_rs::c_api::z_stream;
use zlib_rs::deflate::{self, DeflateStream};
use zlib_rs::inflate::{self, InflateStream};
use zlib_rs::{DeflateConfig, DeflateFlush, InflateConfig, InflateFlush, ReturnCode, Strategy};

/// Most bytes that a window, and so a dictionary, can have.
const WINDOW_BYTES: usize = 32 * 1024;

/// Bytes in front of each allocation, in which its size stands. As many as its alignment.
const PREFIX: usize = 16;

fn layout(size: usize) -> Option<Layout> {
    Layout::from_size_align(size.checked_add(PREFIX)?, PREFIX).ok()
}

unsafe extern "C" fn allocate(_: *mut c_void, items: c_uint, size: c_uint) -> *mut c_void {
    let size = items as usize * size as usize;
    let Some(layout) = layout(size) else {
        return null_mut();
    };
    // SAFETY: the layout's size is not zero, and it has room for the prefix.
    unsafe {
        let block = alloc::alloc::alloc(layout);
        if block.is_null() {
            return null_mut();
        }
        block.cast::<usize>().write(size);
        block.add(PREFIX).cast()
    }
}

unsafe extern "C" fn free(_: *mut c_void, address: *mut c_void) {
    if address.is_null() {
        return;
    }
    // SAFETY: the address is one that `allocate` returned, so the size stands in front of it.
    unsafe {
        let block = address.cast::<u8>().sub(PREFIX);
        if let Some(layout) = layout(block.cast::<usize>().read()) {
            alloc::alloc::dealloc(block, layout);
        }
    }
}

fn new_stream() -> z_stream {
    z_stream {
        zalloc: Some(allocate),
        zfree: Some(free),
        ..z_stream::default()
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    Deflate,
    Inflate,
}

/// A stream.
pub struct Codec {
    stream: z_stream,
    direction: Direction,
}

/// What a step did.
pub struct Step {
    /// How it ended.
    pub code: ReturnCode,
    /// Bytes that it took.
    pub consumed: usize,
    /// Bytes that it made.
    pub produced: usize,
}

impl Codec {
    /// A stream that compresses.
    pub fn deflate(config: DeflateConfig) -> Result<Codec, ReturnCode> {
        let mut stream = new_stream();
        match deflate::init(&mut stream, config) {
            ReturnCode::Ok => Ok(Codec {
                stream,
                direction: Direction::Deflate,
            }),
            code => Err(code),
        }
    }

    /// A stream that decompresses. `window_bits` is zlib's: negative for raw data, 16 more for gzip, 32 more for whichever comes.
    pub fn inflate(window_bits: i32) -> Result<Codec, ReturnCode> {
        let mut stream = new_stream();
        match inflate::init(&mut stream, InflateConfig { window_bits }) {
            ReturnCode::Ok => Ok(Codec {
                stream,
                direction: Direction::Inflate,
            }),
            code => Err(code),
        }
    }

    /// Whether it compresses.
    pub fn is_deflate(&self) -> bool {
        self.direction == Direction::Deflate
    }

    /// The stream as one that compresses.
    fn deflating(&mut self) -> Option<&mut DeflateStream<'static>> {
        if self.direction != Direction::Deflate {
            return None;
        }
        // SAFETY: initialised for this direction; borrowed for as long as `self`.
        unsafe { DeflateStream::from_stream_mut(&mut self.stream) }
    }

    /// The stream as one that decompresses.
    fn inflating(&mut self) -> Option<&mut InflateStream<'static>> {
        if self.direction != Direction::Inflate {
            return None;
        }
        // SAFETY: as above.
        unsafe { InflateStream::from_stream_mut(&mut self.stream) }
    }

    /// Takes some of `input` and makes some of `output`.
    pub fn step(&mut self, input: &[u8], output: &mut [u8], flush: i32) -> Step {
        let input_size = c_uint::try_from(input.len()).unwrap_or(c_uint::MAX);
        let output_size = c_uint::try_from(output.len()).unwrap_or(c_uint::MAX);
        self.stream.next_in = input.as_ptr();
        self.stream.avail_in = input_size;
        self.stream.next_out = output.as_mut_ptr();
        self.stream.avail_out = output_size;
        let code = if let Some(stream) = self.deflating() {
            match DeflateFlush::try_from(flush) {
                Ok(flush) => deflate::deflate(stream, flush),
                Err(()) => ReturnCode::StreamError,
            }
        } else if let Some(stream) = self.inflating() {
            let flush = InflateFlush::try_from(flush).unwrap_or(InflateFlush::SyncFlush);
            // SAFETY: the buffers are alive during the call, with as many bytes as was said.
            unsafe { inflate::inflate(stream, flush) }
        } else {
            ReturnCode::StreamError
        };
        let step = Step {
            code,
            consumed: (input_size - self.stream.avail_in) as usize,
            produced: (output_size - self.stream.avail_out) as usize,
        };
        self.forget_buffers();
        step
    }

    fn forget_buffers(&mut self) {
        self.stream.next_in = null();
        self.stream.avail_in = 0;
        self.stream.next_out = null_mut();
        self.stream.avail_out = 0;
    }

    /// The checksum that the stream has come to, or that of the dictionary it needs.
    pub fn checksum(&self) -> u32 {
        self.stream.adler as u32
    }

    /// Sets the dictionary.
    pub fn set_dictionary(&mut self, dictionary: &[u8]) -> ReturnCode {
        if let Some(stream) = self.deflating() {
            deflate::set_dictionary(stream, dictionary)
        } else if let Some(stream) = self.inflating() {
            inflate::set_dictionary(stream, dictionary)
        } else {
            ReturnCode::StreamError
        }
    }

    /// The last bytes that a decompressing stream made, up to 32 KiB: what may be referred to from now on.
    pub fn dictionary(&mut self) -> Result<Vec<u8>, NoMemory> {
        let mut bytes = Vec::new();
        if let Some(stream) = self.inflating() {
            bytes
                .try_reserve_exact(WINDOW_BYTES)
                .map_err(|_| NoMemory)?;
            bytes.resize(WINDOW_BYTES, 0);
            // SAFETY: there is room for a whole window.
            let size = unsafe { inflate::get_dictionary(stream, bytes.as_mut_ptr()) };
            bytes.truncate(size);
        }
        Ok(bytes)
    }

    /// Changes level and strategy of a compressing stream. Everything it made must have been flushed.
    pub fn set_parameters(&mut self, level: i32, strategy: Strategy) -> ReturnCode {
        let mut spare = [0u8; 1];
        self.stream.next_in = spare.as_ptr();
        self.stream.next_out = spare.as_mut_ptr();
        self.stream.avail_out = 1;
        let code = match self.deflating() {
            Some(stream) => deflate::params(stream, level, strategy),
            None => ReturnCode::StreamError,
        };
        let flushed = self.stream.avail_out == 1;
        self.forget_buffers();
        match flushed {
            true => code,
            false => ReturnCode::StreamError,
        }
    }

    /// Begins anew, with the same parameters.
    pub fn reset(&mut self) -> ReturnCode {
        if let Some(stream) = self.deflating() {
            deflate::reset(stream)
        } else if let Some(stream) = self.inflating() {
            inflate::reset(stream)
        } else {
            ReturnCode::StreamError
        }
    }

    /// Ends the stream. `DataError` if it compresses and has not been finished.
    pub fn end(mut self) -> ReturnCode {
        self.free()
    }

    fn free(&mut self) -> ReturnCode {
        if let Some(stream) = self.deflating() {
            return match deflate::end(stream) {
                Ok(_) => ReturnCode::Ok,
                Err(_) => ReturnCode::DataError,
            };
        }
        if let Some(stream) = self.inflating() {
            inflate::end(stream);
        }
        ReturnCode::Ok
    }
}

impl Drop for Codec {
    fn drop(&mut self) {
        // A stream that has been ended has no state any more, and is left alone.
        self.free();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    fn run(codec: &mut Codec, input: &[u8], flush: i32) -> (Vec<u8>, ReturnCode) {
        let (mut made, mut rest) = (Vec::new(), input);
        loop {
            let mut output = [0; 100];
            let step = codec.step(rest, &mut output, flush);
            made.extend_from_slice(&output[..step.produced]);
            rest = &rest[step.consumed..];
            if step.code != ReturnCode::Ok || (rest.is_empty() && step.produced < output.len()) {
                return (made, step.code);
            }
        }
    }

    fn data(size: usize) -> Vec<u8> {
        (0..size)
            .map(|i| (i * i / 1000 % 251 * (i / 7 % 3)) as u8)
            .collect()
    }

    #[test]
    fn what_was_deflated_inflates_in_every_format() {
        let data = data(200_000);
        for (deflate_bits, inflate_bits) in [(15, 15), (31, 31), (-15, -15), (31, 47), (9, 47)] {
            for level in 0..10 {
                let config = DeflateConfig {
                    level,
                    window_bits: deflate_bits,
                    ..DeflateConfig::default()
                };
                let mut deflating = Codec::deflate(config).unwrap();
                let (small, code) = run(&mut deflating, &data, DeflateFlush::Finish as i32);
                assert_eq!(code, ReturnCode::StreamEnd);
                assert_eq!(deflating.end(), ReturnCode::Ok);
                let mut inflating = Codec::inflate(inflate_bits).unwrap();
                let (large, code) = run(&mut inflating, &small, 0);
                assert_eq!((large == data, code), (true, ReturnCode::StreamEnd));
            }
        }
    }

    #[test]
    fn dictionaries_are_asked_for_by_their_checksum() {
        let dictionary = data(1000);
        let mut deflating = Codec::deflate(DeflateConfig::default()).unwrap();
        assert_eq!(deflating.set_dictionary(&dictionary), ReturnCode::Ok);
        let checksum = deflating.checksum();
        let (small, _) = run(
            &mut deflating,
            &dictionary[100..],
            DeflateFlush::Finish as i32,
        );
        assert!(small.len() < 50, "{}", small.len());
        let mut inflating = Codec::inflate(15).unwrap();
        let mut output = vec![0; 2000];
        let step = inflating.step(&small, &mut output, 0);
        assert_eq!(step.code, ReturnCode::NeedDict);
        assert_eq!(inflating.checksum(), checksum);
        assert_eq!(inflating.set_dictionary(b"other"), ReturnCode::DataError);
        assert_eq!(inflating.set_dictionary(&dictionary), ReturnCode::Ok);
        let (large, code) = run(&mut inflating, &small[step.consumed..], 0);
        assert_eq!(code, ReturnCode::StreamEnd);
        assert_eq!(large, &dictionary[100..]);
        let window = inflating.dictionary().unwrap();
        // As zlib has it: without what the last step made.
        assert!(window.starts_with(&dictionary));
    }

    #[test]
    fn mistakes_are_codes() {
        let config = |window_bits, level| DeflateConfig {
            window_bits,
            level,
            ..DeflateConfig::default()
        };
        for (bits, level) in [(-8, 6), (24, 6), (40, 6), (15, 10), (7, 6)] {
            let refused = Codec::deflate(config(bits, level)).err();
            assert_eq!(refused, Some(ReturnCode::StreamError), "{bits} {level}");
        }
        assert!(Codec::inflate(-16).is_err());
        let mut inflating = Codec::inflate(15).unwrap();
        let step = inflating.step(b"no zlib at all", &mut [0; 10], 0);
        assert_eq!(step.code, ReturnCode::DataError);
        let mut unfinished = Codec::deflate(config(15, 6)).unwrap();
        run(&mut unfinished, b"abc", 0);
        assert_eq!(unfinished.end(), ReturnCode::DataError);
    }
}
