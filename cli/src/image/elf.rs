//! Putting an archive into the guest kernel's ELF file.
//!
//! The result has the kernel's loadable segments and notes, unchanged but for one patched variable, and one more
//! segment behind them, which holds the archive on pages of its own. Sections, symbols and debug information
//! stay behind: a domain builder reads program headers only.
//!
//! The patched variable is the kernel's `STARLING_IMAGE`, three little-endian 64-bit words: a magic, the address of
//! the archive, and its length. Invariant: every offset taken from the kernel file is checked, since it may come
//! from anywhere (`STARLING_GUEST_KERNEL`).

use std::ops::Range;

use object::elf::{
    EM_X86_64, ET_EXEC, PF_R, PT_DYNAMIC, PT_INTERP, PT_LOAD, PT_NOTE, PT_TLS, ProgramFlags,
    ProgramType,
};
use object::read::elf::{FileHeader, ProgramHeader};

use super::symbols::{KernelHeader, address_of};
use crate::failure::{Failure, Result};

/// The kernel's variable that tells it where its archive is.
const DESCRIPTOR: &str = "STARLING_IMAGE";
/// "STARLING" as a little-endian word: the first word of the descriptor.
pub const DESCRIPTOR_MAGIC: u64 = u64::from_le_bytes(*b"STARLING");
const DESCRIPTOR_LEN: usize = 24;

const PAGE: u64 = 4096;
const FILE_HEADER_LEN: usize = 64;
const PROGRAM_HEADER_LEN: usize = 56;

/// A program header and the bytes it stands for.
struct Segment {
    kind: ProgramType,
    flags: ProgramFlags,
    address: u64,
    physical: u64,
    memory_len: u64,
    align: u64,
    data: Vec<u8>,
    /// Where the bytes are in the kernel's file.
    source: Range<u64>,
    /// Where the bytes are in the result.
    offset: u64,
}

impl Segment {
    fn end(&self) -> Result<u64> {
        self.address
            .checked_add(self.memory_len)
            .ok_or_else(|| damaged("a segment wraps around the address space"))
    }

    /// The bytes of the file part that are loaded at `address`.
    fn bytes_at(&mut self, address: u64, len: usize) -> Option<&mut [u8]> {
        let start = usize::try_from(address.checked_sub(self.address)?).ok()?;
        self.data.get_mut(start..start.checked_add(len)?)
    }
}

/// An image: `kernel` with `archive` inside.
pub fn bake(kernel: &[u8], archive: &[u8]) -> Result<Vec<u8>> {
    let (entry, mut segments) = read_segments(kernel)?;
    let loads = || segments.iter().filter(|segment| segment.kind == PT_LOAD);
    let mut end = 0;
    for load in loads() {
        end = end.max(load.end()?);
    }
    let last = loads()
        .max_by_key(|load| load.address)
        .ok_or_else(|| damaged("it has nothing to load"))?;
    // The archive keeps the distance between virtual and physical addresses that the kernel has.
    let distance = last.physical.wrapping_sub(last.address);
    let address = end
        .checked_next_multiple_of(PAGE)
        .ok_or_else(|| damaged("there is no room behind it"))?;
    let behind_loads = segments
        .iter()
        .rposition(|segment| segment.kind == PT_LOAD)
        .map_or(0, |last| last + 1);
    segments.insert(
        behind_loads,
        Segment {
            kind: PT_LOAD,
            flags: PF_R,
            address,
            physical: address.wrapping_add(distance),
            memory_len: archive.len() as u64,
            align: PAGE,
            data: archive.to_vec(),
            source: 0..0,
            offset: 0,
        },
    );
    patch_descriptor(
        &mut segments,
        address_of(kernel, DESCRIPTOR)?,
        address,
        archive.len() as u64,
    )?;
    Ok(write(entry, &mut segments))
}

/// The kernel's entry point and the segments worth keeping.
fn read_segments(kernel: &[u8]) -> Result<(u64, Vec<Segment>)> {
    let parse = |error: object::Error| damaged(&error.to_string());
    let header = KernelHeader::parse(kernel).map_err(parse)?;
    let endian = header.endian().map_err(parse)?;
    if header.e_machine(endian) != EM_X86_64 || header.e_type(endian) != ET_EXEC {
        return Err(damaged("it is not a static executable for x86-64"));
    }
    let mut segments = Vec::new();
    for header in header.program_headers(endian, kernel).map_err(parse)? {
        let kind = header.p_type(endian);
        match kind {
            PT_LOAD | PT_NOTE => {}
            PT_INTERP | PT_DYNAMIC | PT_TLS => {
                return Err(damaged(
                    "it wants a dynamic linker or thread-local storage, which a guest does not have",
                ));
            }
            _ => continue,
        }
        let data = header
            .data(endian, kernel)
            .map_err(|()| damaged("a segment lies outside of the file"))?;
        let (offset, len) = header.file_range(endian);
        let segment = Segment {
            kind,
            flags: header.p_flags(endian),
            address: header.p_vaddr(endian),
            physical: header.p_paddr(endian),
            memory_len: header.p_memsz(endian),
            align: header.p_align(endian),
            data: data.to_vec(),
            source: offset..offset.saturating_add(len),
            offset: 0,
        };
        if segment.memory_len < data.len() as u64 {
            return Err(damaged("a segment has more bytes than memory"));
        }
        segments.push(segment);
    }
    Ok((header.e_entry(endian), segments))
}

/// Writes address and length of the archive into the kernel's descriptor, which is at `descriptor`.
fn patch_descriptor(
    segments: &mut [Segment],
    descriptor: u64,
    address: u64,
    len: u64,
) -> Result<()> {
    let bytes = segments
        .iter_mut()
        .filter(|segment| segment.kind == PT_LOAD)
        .find_map(|segment| segment.bytes_at(descriptor, DESCRIPTOR_LEN))
        .ok_or_else(|| damaged("its symbol STARLING_IMAGE is not in initialised data"))?;
    if bytes[..8] != DESCRIPTOR_MAGIC.to_le_bytes() {
        return Err(damaged(
            "its STARLING_IMAGE does not begin with the magic word",
        ));
    }
    bytes[8..16].copy_from_slice(&address.to_le_bytes());
    bytes[16..].copy_from_slice(&len.to_le_bytes());
    Ok(())
}

/// Lays the segments out and writes the file.
fn write(entry: u64, segments: &mut [Segment]) -> Vec<u8> {
    let mut out = vec![0; FILE_HEADER_LEN + PROGRAM_HEADER_LEN * segments.len()];
    for segment in segments
        .iter_mut()
        .filter(|segment| segment.kind == PT_LOAD)
    {
        // A file offset and its address must be equal modulo the page size.
        let wanted = segment.address % PAGE;
        let offset = (out.len() as u64).next_multiple_of(PAGE) + wanted;
        out.resize(offset as usize, 0);
        out.extend_from_slice(&segment.data);
        segment.offset = offset;
    }
    for index in 0..segments.len() {
        if segments[index].kind != PT_LOAD {
            segments[index].offset = place_of(&segments[index].source, segments)
                .unwrap_or_else(|| append(&mut out, &segments[index].data));
        }
    }
    let mut headers = Vec::with_capacity(FILE_HEADER_LEN);
    write_file_header(&mut headers, entry, segments.len() as u16);
    for segment in segments {
        write_program_header(&mut headers, segment);
    }
    out[..headers.len()].copy_from_slice(&headers);
    out
}

/// Where bytes that were at `source` in the kernel's file are now, if a loaded segment has them.
fn place_of(source: &Range<u64>, segments: &[Segment]) -> Option<u64> {
    segments
        .iter()
        .filter(|load| load.kind == PT_LOAD && !load.source.is_empty())
        .find(|load| load.source.start <= source.start && source.end <= load.source.end)
        .map(|load| load.offset + (source.start - load.source.start))
}

fn append(out: &mut Vec<u8>, data: &[u8]) -> u64 {
    out.resize(out.len().next_multiple_of(8), 0);
    let offset = out.len() as u64;
    out.extend_from_slice(data);
    offset
}

fn write_file_header(out: &mut Vec<u8>, entry: u64, program_headers: u16) {
    // 64-bit, little-endian, version 1, System V.
    out.extend_from_slice(b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0");
    out.extend_from_slice(&ET_EXEC.0.to_le_bytes());
    out.extend_from_slice(&EM_X86_64.0.to_le_bytes());
    out.extend_from_slice(&1u32.to_le_bytes());
    out.extend_from_slice(&entry.to_le_bytes());
    out.extend_from_slice(&(FILE_HEADER_LEN as u64).to_le_bytes());
    // No section headers, no flags.
    out.extend_from_slice(&[0; 8 + 4]);
    for half in [
        FILE_HEADER_LEN as u16,
        PROGRAM_HEADER_LEN as u16,
        program_headers,
        0,
        0,
        0,
    ] {
        out.extend_from_slice(&half.to_le_bytes());
    }
}

fn write_program_header(out: &mut Vec<u8>, segment: &Segment) {
    out.extend_from_slice(&segment.kind.0.to_le_bytes());
    out.extend_from_slice(&segment.flags.0.to_le_bytes());
    let file_len = segment.data.len() as u64;
    for word in [
        segment.offset,
        segment.address,
        segment.physical,
        file_len,
        segment.memory_len,
        segment.align,
    ] {
        out.extend_from_slice(&word.to_le_bytes());
    }
}

fn damaged(why: &str) -> Failure {
    Failure::new(format!("guest kernel: {why}"))
}
