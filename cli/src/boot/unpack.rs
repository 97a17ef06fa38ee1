//! Decompression of what distributions ship compressed: Xen, Linux, and Linux's modules.
//!
//! Emulated machines decompress slowly: unpacking on the host and keeping the result saves seconds of each boot.

use std::io::{Cursor, Read};

/// Largest result we believe in; a Debian kernel has 66 MB.
const UNPACKED_MAX: u64 = 1 << 30;

/// Beginnings of the formats.
const GZIP: &[u8] = b"\x1f\x8b";
const XZ: &[u8] = b"\xfd7zXZ\0";
const ZSTD: &[u8] = b"\x28\xb5\x2f\xfd";
const ELF: &[u8] = b"\x7fELF";

/// The content of gzip, xz or zstd data; of other data the data itself. What follows the compressed data is
/// left alone: a bzImage has the kernel's size there.
pub fn unpack(data: &[u8]) -> Result<Vec<u8>, String> {
    if data.starts_with(GZIP) {
        read("gzip", flate2::read::GzDecoder::new(data))
    } else if data.starts_with(XZ) {
        read("xz", lzma_rust2::XzReader::new(Cursor::new(data), false))
    } else if data.starts_with(ZSTD) {
        let decoder = ruzstd::decoding::StreamingDecoder::new(data)
            .map_err(|error| format!("bad zstd data: {error}"))?;
        read("zstd", decoder)
    } else {
        Ok(data.to_vec())
    }
}

fn read(format: &str, decoder: impl Read) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    decoder
        .take(UNPACKED_MAX)
        .read_to_end(&mut out)
        .map_err(|error| format!("bad {format} data: {error}"))?;
    Ok(out)
}

/// The ELF kernel inside of a Linux bzImage, if it is packed in a way we know. (If not, Xen can still
/// unpack it, only slower.)
///
/// The setup header of the x86 boot protocol has at 0x1f1 the number of setup sectors behind the first,
/// and since version 2.08 at 0x248 and 0x24c the packed kernel's offset and length.
pub fn vmlinux(bz_image: &[u8]) -> Option<Vec<u8>> {
    if bz_image.get(0x202..0x206)? != b"HdrS" {
        return None;
    }
    let word = |at: usize| {
        let bytes = bz_image.get(at..at + 4)?;
        Some(u32::from_le_bytes(bytes.try_into().ok()?) as usize)
    };
    let setup_sectors = match bz_image[0x1f1] {
        0 => 4,
        sectors => usize::from(sectors),
    };
    let start = ((setup_sectors + 1) * 512).checked_add(word(0x248)?)?;
    let packed = bz_image.get(start..start.checked_add(word(0x24c)?)?)?;
    unpack(packed).ok().filter(|kernel| kernel.starts_with(ELF))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn gzip(data: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(data).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn gzip_and_plain_data_are_unpacked_and_damage_is_told() {
        let data = b"hello ".repeat(1000);
        assert_eq!(unpack(&gzip(&data)).unwrap(), data);
        assert_eq!(unpack(b"plain").unwrap(), b"plain");
        for magic in [GZIP, XZ, ZSTD] {
            let mut damaged = magic.to_vec();
            damaged.extend_from_slice(&[0xa5; 40]);
            assert!(unpack(&damaged).is_err(), "{magic:?}");
        }
    }

    #[test]
    fn the_kernel_is_found_in_a_bz_image() {
        let kernel = b"\x7fELF and the rest";
        let packed = gzip(kernel);
        let mut image = vec![0; 1024 + 16];
        image[0x1f1] = 1;
        image[0x202..0x206].copy_from_slice(b"HdrS");
        image[0x248..0x24c].copy_from_slice(&16u32.to_le_bytes());
        image[0x24c..0x250].copy_from_slice(&(packed.len() as u32).to_le_bytes());
        image.extend_from_slice(&packed);
        let whole = image.clone();
        image[0x24c] += 4;
        image.extend_from_slice(&[0xff; 4]);
        assert_eq!(
            vmlinux(&image).as_deref(),
            Some(&kernel[..]),
            "with a size behind"
        );
        let mut image = whole;
        assert_eq!(vmlinux(&image).as_deref(), Some(&kernel[..]));
        for len in 0..image.len() {
            assert_eq!(vmlinux(&image[..len]), None, "cut to {len}");
        }
        image[0x24c] = 0xff;
        assert_eq!(vmlinux(&image), None);
        assert_eq!(vmlinux(b"MZ"), None);
    }
}
