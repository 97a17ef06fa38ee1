//! Unit tests of baking, on the guest kernel that the tool carries.

use object::elf::{PT_LOAD, PT_NOTE};
use object::read::elf::{FileHeader, ProgramHeader};

use super::elf::{DESCRIPTOR_MAGIC, bake};
use super::symbols::{KernelHeader, address_of, function_table};
use super::*;

const ARCHIVE: &[u8] = b"this stands for an archive";

/// Address and bytes of each loadable segment.
fn loads(file: &[u8]) -> Vec<(u64, &[u8])> {
    let header = KernelHeader::parse(file).unwrap();
    let endian = header.endian().unwrap();
    let segments = header.program_headers(endian, file).unwrap().iter();
    segments
        .filter(|segment| segment.p_type(endian) == PT_LOAD)
        .map(|segment| {
            let (offset, address) = (segment.p_offset(endian), segment.p_vaddr(endian));
            assert_eq!(offset % 4096, address % 4096, "{address:#x}");
            (address, segment.data(endian, file).unwrap())
        })
        .collect()
}

fn notes(file: &[u8]) -> Vec<&[u8]> {
    let header = KernelHeader::parse(file).unwrap();
    let endian = header.endian().unwrap();
    let segments = header.program_headers(endian, file).unwrap().iter();
    segments
        .filter(|segment| segment.p_type(endian) == PT_NOTE)
        .map(|segment| segment.data(endian, file).unwrap())
        .collect()
}

#[test]
fn the_image_is_the_kernel_and_the_archive() {
    let image = bake(GUEST_KERNEL, ARCHIVE).unwrap();
    let (before, after) = (loads(GUEST_KERNEL), loads(&image));
    let (&(archive_address, archive), kernel) = after.split_last().unwrap();
    assert_eq!(archive, ARCHIVE);
    assert_eq!(archive_address % 4096, 0);

    let descriptor = address_of(GUEST_KERNEL, "STARLING_IMAGE").unwrap();
    assert_eq!(kernel.len(), before.len());
    let mut patched = false;
    for (&(address, new), &(old_address, old)) in kernel.iter().zip(&before) {
        assert_eq!((address, new.len()), (old_address, old.len()));
        let mut expected = old.to_vec();
        let inside = descriptor.checked_sub(address).map(|at| at as usize);
        if let Some(at) = inside.filter(|&at| at < old.len()) {
            let words = [DESCRIPTOR_MAGIC, archive_address, ARCHIVE.len() as u64];
            for (word, slot) in words.iter().zip(expected[at..].chunks_exact_mut(8)) {
                slot.copy_from_slice(&word.to_le_bytes());
            }
            patched = true;
        }
        assert!(new == expected, "segment at {address:#x}");
    }
    assert!(patched);
    assert!(!notes(&image).is_empty());
    assert_eq!(notes(&image), notes(GUEST_KERNEL));
    assert!(image.len() < GUEST_KERNEL.len() + ARCHIVE.len() + 8 * 4096);
}

#[test]
fn an_image_has_no_symbols_and_cannot_be_baked_again() {
    let image = bake(GUEST_KERNEL, ARCHIVE).unwrap();
    let failure = bake(&image, ARCHIVE).unwrap_err();
    assert!(failure.to_string().contains("STARLING_IMAGE"), "{failure}");
}

#[test]
fn symbols_are_sorted_and_readable() {
    let table = function_table(GUEST_KERNEL).unwrap();
    let addresses: Vec<u64> = table
        .lines()
        .map(|line| u64::from_str_radix(line.split_once(' ').unwrap().0, 16).unwrap())
        .collect();
    assert!(addresses.len() > 10);
    assert!(addresses.is_sorted());
    assert!(!table.contains(" _R"), "a name is still mangled");
}

#[test]
fn a_damaged_kernel_is_refused_or_baked_but_never_a_panic() {
    for len in (0..GUEST_KERNEL.len()).step_by(GUEST_KERNEL.len() / 61 + 1) {
        assert!(bake(&GUEST_KERNEL[..len], ARCHIVE).is_err(), "cut to {len}");
    }
    let mut damaged = GUEST_KERNEL.to_vec();
    // The file header and the program headers.
    for at in 0..64 + 56 * 4 {
        let good = damaged[at];
        for value in [0, 0x7f, 0xff] {
            damaged[at] = value;
            let _ = bake(&damaged, ARCHIVE);
        }
        damaged[at] = good;
    }
    assert!(bake(&damaged, ARCHIVE).is_ok());
}

#[test]
fn flags_are_stored_with_nuls_and_checked() {
    let strings = |flags: &[&str]| {
        flags
            .iter()
            .map(|&flag| flag.to_owned())
            .collect::<Vec<_>>()
    };
    let flags = strings(&["-s", "hello", "main", "two words"]);
    assert_eq!(
        bare::flags(&flags).unwrap(),
        b"-s\0hello\0main\0two words\0"
    );
    assert_eq!(bare::flags(&[]).unwrap(), b"");
    assert_eq!(bare::flags(&strings(&["-pa", "x"])).unwrap_err().status, 2);
    assert_eq!(bare::flags(&strings(&["-nonsense"])).unwrap_err().status, 2);
}
