//! ELF notes: how a kernel tells the domain builder what it is.
//!
//! The kernel places its notes as statics of [`Note`] in a section that the linker script puts
//! into a `PT_NOTE` segment. Source: public `elfnote.h`; which notes a builder insists on was read
//! from the behaviour of libxenguest, Xen's dom0 builder and GRUB.

/// Owner of all notes here; four bytes with the NUL, as the `namesz` field says.
const NAME: [u8; 4] = *b"Xen\0";

/// Note types (`XEN_ELFNOTE_*`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
#[allow(missing_docs)] // the names are Xen's own
pub enum NoteType {
    Entry = 1,
    VirtBase = 3,
    PaddrOffset = 4,
    XenVersion = 5,
    GuestOs = 6,
    GuestVersion = 7,
    Loader = 8,
    PaeMode = 9,
    Features = 10,
    SupportedFeatures = 17,
}

/// Bits of the numeric `SUPPORTED_FEATURES` note (`XENFEAT_*`).
pub mod feature {
    /// Page tables may lie above 4 GiB of machine memory.
    pub const PAE_PGDIR_ABOVE_4GB: u64 = 1 << 4;
    /// The kernel can run as the initial domain. Without this bit Xen refuses it as dom0.
    pub const DOM0: u64 = 1 << 11;
}

/// A note whose descriptor is `T`: an address, a number, or NUL-padded text.
///
/// `T` must be a multiple of eight bytes long: notes lie one after the other, each padded to four
/// bytes for the reader but to eight by the compiler.
#[repr(C, align(8))]
pub struct Note<T> {
    namesz: u32,
    descsz: u32,
    kind: u32,
    name: [u8; 4],
    desc: T,
}

impl<T> Note<T> {
    /// A note of type `kind` with descriptor `desc`.
    pub const fn new(kind: NoteType, desc: T) -> Self {
        assert!(
            size_of::<T>().is_multiple_of(8),
            "a note's descriptor must be padded to eight bytes"
        );
        Self {
            namesz: NAME.len() as u32,
            descsz: size_of::<T>() as u32,
            kind: kind as u32,
            name: NAME,
            desc,
        }
    }
}

/// Pads `text` with NULs to `N` bytes, at least one of them a terminator.
pub const fn text<const N: usize>(text: &str) -> [u8; N] {
    let bytes = text.as_bytes();
    assert!(bytes.len() < N, "no room for the terminator");
    let mut padded = [0; N];
    let mut i = 0;
    while i < bytes.len() {
        padded[i] = bytes[i];
        i += 1;
    }
    padded
}

const _: () = {
    use core::mem::offset_of;
    assert!(offset_of!(Note<u64>, desc) == 16);
    assert!(size_of::<Note<u64>>() == 24);
    assert!(size_of::<Note<[u8; 16]>>() == 32);
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_padded_and_terminated() {
        assert_eq!(text::<8>("generic"), *b"generic\0");
        assert_eq!(text::<8>("yes"), *b"yes\0\0\0\0\0");
    }

    #[test]
    fn a_note_starts_with_its_sizes() {
        let note = Note::new(NoteType::Loader, text::<8>("generic"));
        assert_eq!((note.namesz, note.descsz, note.kind), (4, 8, 8));
        assert_eq!(&note.name, b"Xen\0");
        assert_eq!(&note.desc, b"generic\0");
    }
}
