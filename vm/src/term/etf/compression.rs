//! Compressed external terms: version, tag, the size of what was compressed, and a zlib stream.
//!
//! Both directions are values that are advanced until they are done: deflating a megabyte takes some ten milliseconds, and others
//! may run in between.
//!
//! Invariant: what has been made so far is the beginning of the result, and no input is looked at twice.

use super::reader::Reader;
use super::scan::Payload;
use super::{DecodeError, Progress, VERSION, tag};
use crate::memory::NoMemory;
use alloc::boxed::Box;
use alloc::vec::Vec;
use miniz_oxide::deflate::core::{
    CompressorOxide, TDEFLFlush, TDEFLStatus, compress as deflate,
    create_comp_flags_from_zip_params,
};
use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::{DecompressorOxide, decompress as inflate, inflate_flags};

/// Version, tag and size.
const HEAD: usize = 6;

/// Deflate cannot do better than this factor.
const MAX_INFLATION: usize = 1032;

/// An external term that is being compressed.
pub struct Compressing {
    plain: Vec<u8>,
    /// How much of it has been read, from the version byte on.
    read: usize,
    /// As much room as the plain term takes: what does not fit is not worth it.
    result: Vec<u8>,
    written: usize,
    state: Box<CompressorOxide>,
}

impl Compressing {
    /// Of `plain` with `level` (1 to 9). `Err` gives back what cannot be shorter when compressed.
    pub fn new(plain: Vec<u8>, level: u8) -> Result<Result<Compressing, Vec<u8>>, NoMemory> {
        let size = plain.len().saturating_sub(1);
        let (true, Ok(told)) = (size > HEAD, u32::try_from(size)) else {
            return Ok(Err(plain));
        };
        let mut result = Vec::new();
        result.try_reserve_exact(size).map_err(|_| NoMemory)?;
        result.extend_from_slice(&[VERSION, tag::COMPRESSED]);
        result.extend_from_slice(&told.to_be_bytes());
        // A positive window size asks for zlib's header and checksum.
        let flags = create_comp_flags_from_zip_params(level as i32, 1, 0);
        Ok(Ok(Compressing {
            plain,
            read: 1,
            result,
            written: HEAD,
            state: Box::new(CompressorOxide::new(flags)),
        }))
    }

    /// Reads up to `piece` bytes more. When it is done, [`Compressing::finish`] has the result.
    pub fn advance(&mut self, piece: usize) -> Progress {
        let end = self.plain.len().min(self.read.saturating_add(piece));
        let flush = match end == self.plain.len() {
            true => TDEFLFlush::Finish,
            false => TDEFLFlush::None,
        };
        // Pages of the result are touched as they are needed.
        let room = self.result.capacity();
        let wanted = room.min(self.written.saturating_add(piece) + (1 << 16));
        self.result.resize(wanted.max(self.result.len()), 0);
        let place = &mut self.result[self.written..];
        let (status, read, written) =
            deflate(&mut self.state, &self.plain[self.read..end], place, flush);
        self.read += read;
        self.written += written;
        match status {
            TDEFLStatus::Done => {
                self.result.truncate(self.written);
                self.plain = Vec::new();
                Progress::Done
            }
            // There is room, or the result would not be shorter.
            TDEFLStatus::Okay if self.written < room => Progress::More,
            _ => Progress::Done,
        }
    }

    /// The shorter of both.
    pub fn finish(self) -> Vec<u8> {
        match self.plain.is_empty() {
            true => self.result,
            false => self.plain,
        }
    }
}

/// `bytes`, an external term, compressed with `level` (0 to 9) where that makes it shorter.
#[cfg(test)]
pub fn compress(bytes: Vec<u8>, level: u8) -> Result<Vec<u8>, NoMemory> {
    if level == 0 {
        return Ok(bytes);
    }
    match Compressing::new(bytes, level)? {
        Err(plain) => Ok(plain),
        Ok(mut compressing) => {
            while compressing.advance(1000) == Progress::More {}
            Ok(compressing.finish())
        }
    }
}

/// A compressed external term that is being decompressed.
pub struct Inflating<'b> {
    reader: Reader<'b>,
    compressed: &'b [u8],
    /// Where that begins.
    start: usize,
    read: usize,
    size: usize,
    data: Vec<u8>,
    written: usize,
    state: Box<DecompressorOxide>,
}

impl<'b> Inflating<'b> {
    /// `bytes` begin with version and tag.
    pub fn new(bytes: &'b [u8]) -> Result<Inflating<'b>, DecodeError> {
        let mut reader = Reader::new(bytes, 2, 0);
        let size = reader.size()?;
        let start = reader.position();
        let compressed = reader.take(reader.remaining())?;
        if size > compressed.len().saturating_mul(MAX_INFLATION) {
            return Err(reader.invalid("compressed data shorter than its size can be"));
        }
        let mut data = Vec::new();
        data.try_reserve_exact(size)
            .map_err(|_| DecodeError::NoMemory)?;
        Ok(Inflating {
            reader,
            compressed,
            start,
            read: 0,
            size,
            data,
            written: 0,
            state: Box::default(),
        })
    }

    /// Makes up to `piece` bytes more. When it is done, [`Inflating::finish`] has the payload.
    pub fn advance(&mut self, piece: usize) -> Result<Progress, DecodeError> {
        const FLAGS: u32 = inflate_flags::TINFL_FLAG_PARSE_ZLIB_HEADER
            | inflate_flags::TINFL_FLAG_COMPUTE_ADLER32
            | inflate_flags::TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF;
        let room = self.size.min(self.written.saturating_add(piece));
        self.data.resize(room, 0);
        let (status, read, written) = inflate(
            &mut self.state,
            &self.compressed[self.read..],
            &mut self.data,
            self.written,
            FLAGS,
        );
        self.read += read;
        self.written += written;
        match status {
            TINFLStatus::Done if self.written == self.size => Ok(Progress::Done),
            TINFLStatus::HasMoreOutput if room < self.size => Ok(Progress::More),
            _ => Err(self.reader.invalid("damaged compressed data")),
        }
    }

    /// What was compressed, and how much of the input it was.
    pub fn finish(self) -> Payload {
        Payload::Inflated {
            data: self.data,
            used: self.start + self.read,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn external(size: usize) -> Vec<u8> {
        let mut bytes = alloc::vec![VERSION];
        bytes.extend((0..size).map(|i| (i / 3) as u8 & 7));
        bytes
    }

    #[test]
    fn pieces_of_any_size_make_the_same() {
        for size in [200, 1000, 100_000] {
            let plain = external(size);
            let whole = compress(plain.clone(), 6).unwrap();
            assert_eq!(whole[..2], [VERSION, tag::COMPRESSED]);
            for piece in [1000, 33_333, usize::MAX / 4] {
                let mut inflating = Inflating::new(&whole).unwrap();
                while inflating.advance(piece).unwrap() == Progress::More {}
                let Payload::Inflated { data, used } = inflating.finish() else {
                    panic!("a payload");
                };
                assert_eq!((&data[..], used), (&plain[1..], whole.len()));
            }
        }
    }

    #[test]
    fn what_does_not_get_shorter_stays() {
        let mut seed = 1u32;
        let mut plain = alloc::vec![VERSION];
        plain.extend((0..5000).map(|_| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 24) as u8
        }));
        assert_eq!(compress(plain.clone(), 9).unwrap(), plain);
        assert_eq!(compress(external(3), 9).unwrap(), external(3));
    }

    #[test]
    fn damaged_data_is_refused() {
        let whole = compress(external(10_000), 6).unwrap();
        for (cut, put) in [
            (whole.len() - 1, None),
            (whole.len(), Some(3)),
            (whole.len(), Some(9)),
        ] {
            let mut damaged = whole[..cut].to_vec();
            if let Some(at) = put {
                // The size, and the stream itself.
                damaged[at] ^= 1;
            }
            let inflated = Inflating::new(&damaged).and_then(|mut inflating| {
                while inflating.advance(100)? == Progress::More {}
                Ok(())
            });
            assert!(inflated.is_err(), "{cut} {put:?}");
        }
    }
}
