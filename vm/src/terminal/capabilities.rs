//! What a terminal can do: a compiled terminfo entry, or what every terminal of the ANSI family can.
//!
//! Programs ask by the two-letter names of termcap. Entries are in the format that `term(5)` of ncurses describes:
//! a header of six 16-bit numbers (magic, and the sizes of names, flags, numbers, strings, table), then those. Nothing in
//! an entry is trusted: what does not lie in it is not there.

use alloc::borrow::Cow;
use alloc::vec::Vec;

/// Numbers take 16 bits.
const MAGIC_16: u16 = 0x011a;
/// Numbers take 32 bits.
const MAGIC_32: u16 = 0x021e;
const HEADER_BYTES: usize = 12;

/// Flags by their place in an entry.
const FLAGS: &[(&str, usize)] = &[("bw", 0), ("am", 1), ("xn", 4)];

/// Numbers by their place.
const NUMBERS: &[(&str, usize)] = &[("co", 0), ("it", 1), ("li", 2)];

/// Strings by their place.
const STRINGS: &[(&str, usize)] = &[
    ("bl", 1),
    ("cr", 2),
    ("cl", 5),
    ("clear", 5),
    ("ce", 6),
    ("cd", 7),
    ("cm", 10),
    ("do", 11),
    ("ho", 12),
    ("le", 14),
    ("nd", 17),
    ("up", 19),
    ("dc", 21),
    ("DC", 105),
    ("IC", 108),
    ("ta", 134),
    ("u6", 293),
    ("u7", 294),
];

/// Names of terminals that understand [`ANSI`], by how they begin.
const ANSI_FAMILY: &[&str] = &[
    "xterm",
    "vt100",
    "vt102",
    "vt220",
    "linux",
    "screen",
    "tmux",
    "rxvt",
    "ansi",
    "konsole",
    "gnome",
    "alacritty",
    "kitty",
    "foot",
    "putty",
    "st-",
    "wezterm",
    "ghostty",
    "cygwin",
];

/// What they all understand (ECMA-48), and the margin that they wait at.
const ANSI: &[(&str, &[u8])] = &[
    ("bl", b"\x07"),
    ("cr", b"\r"),
    ("cl", b"\x1b[H\x1b[2J"),
    ("clear", b"\x1b[H\x1b[2J"),
    ("ce", b"\x1b[K"),
    ("cd", b"\x1b[J"),
    ("do", b"\n"),
    ("ho", b"\x1b[H"),
    ("le", b"\x08"),
    ("nd", b"\x1b[C"),
    ("up", b"\x1b[A"),
    ("DC", b"\x1b[%p1%dP"),
    ("dc", b"\x1b[P"),
    ("IC", b"\x1b[%p1%d@"),
    ("ta", b"\t"),
];

/// What one terminal can do.
pub struct Capabilities {
    /// Without it: the ANSI family's.
    entry: Option<Vec<u8>>,
}

impl Capabilities {
    /// The terminal of a compiled entry; `None` if it is none.
    pub fn compiled(entry: Vec<u8>) -> Option<Capabilities> {
        let capabilities = Capabilities { entry: Some(entry) };
        let entry = capabilities.entry()?;
        (entry.end <= entry.bytes.len()).then_some(capabilities)
    }

    /// What a terminal of that name can do if it is one of the ANSI family.
    pub fn of_family(name: &str) -> Option<Capabilities> {
        let known = ANSI_FAMILY.iter().any(|family| name.starts_with(family));
        known.then_some(Capabilities { entry: None })
    }

    fn entry(&self) -> Option<Entry<'_>> {
        Entry::new(self.entry.as_deref()?)
    }

    /// Whether it has the flag.
    pub fn flag(&self, name: &str) -> bool {
        if self.entry.is_none() {
            return matches!(name, "am" | "xn");
        }
        let found = || {
            let (entry, index) = (self.entry()?, place(FLAGS, name)?);
            (index < entry.flags).then(|| entry.bytes.get(entry.names_end + index).copied())?
        };
        found() == Some(1)
    }

    /// The number of that name.
    pub fn number(&self, name: &str) -> Option<u32> {
        if self.entry.is_none() {
            return match name {
                "co" => Some(80),
                "it" => Some(8),
                "li" => Some(24),
                _ => None,
            };
        }
        let (entry, index) = (self.entry()?, place(NUMBERS, name)?);
        if index >= entry.numbers {
            return None;
        }
        let at = entry.numbers_start + index * entry.number_bytes;
        let number = match entry.number_bytes {
            2 => i32::from(entry.short(at)? as i16),
            _ => i32::from(entry.short(at)?) | i32::from(entry.short(at + 2)?) << 16,
        };
        u32::try_from(number).ok()
    }

    /// The string of that name, with its paddings (`$<5>`).
    pub fn string(&self, name: &str) -> Option<Cow<'_, [u8]>> {
        if self.entry.is_none() {
            let found = ANSI.iter().find(|(known, _)| *known == name)?;
            return Some(Cow::Borrowed(found.1));
        }
        let (entry, index) = (self.entry()?, place(STRINGS, name)?);
        if index >= entry.strings {
            return None;
        }
        let offset = entry.short(entry.strings_start + index * 2)?;
        // 0xffff: absent; 0xfffe: cancelled.
        if offset >= 0xfffe {
            return None;
        }
        let text = entry
            .bytes
            .get(entry.table..entry.end)?
            .get(offset as usize..)?;
        let length = text.iter().position(|&byte| byte == 0)?;
        Some(Cow::Borrowed(&text[..length]))
    }
}

fn place(table: &[(&str, usize)], name: &str) -> Option<usize> {
    table
        .iter()
        .find(|(known, _)| *known == name)
        .map(|found| found.1)
}

/// Where the parts of an entry lie.
struct Entry<'a> {
    bytes: &'a [u8],
    names_end: usize,
    flags: usize,
    numbers_start: usize,
    numbers: usize,
    number_bytes: usize,
    strings_start: usize,
    strings: usize,
    table: usize,
    end: usize,
}

impl<'a> Entry<'a> {
    fn new(bytes: &'a [u8]) -> Option<Entry<'a>> {
        let field = |index: usize| {
            let field = bytes.get(index * 2..index * 2 + 2)?;
            Some(u16::from_le_bytes([field[0], field[1]]))
        };
        let number_bytes = match field(0)? {
            MAGIC_16 => 2,
            MAGIC_32 => 4,
            _ => return None,
        };
        let size = |index| field(index).map(usize::from);
        let names_end = HEADER_BYTES + size(1)?;
        let (flags, numbers, strings) = (size(2)?, size(3)?, size(4)?);
        // Numbers begin at an even offset.
        let numbers_start = (names_end + flags).next_multiple_of(2);
        let strings_start = numbers_start + numbers * number_bytes;
        let table = strings_start + strings * 2;
        Some(Entry {
            bytes,
            names_end,
            flags,
            numbers_start,
            numbers,
            number_bytes,
            strings_start,
            strings,
            table,
            end: table + size(5)?,
        })
    }

    fn short(&self, at: usize) -> Option<u16> {
        let field = self.bytes.get(at..at + 2)?;
        Some(u16::from_le_bytes([field[0], field[1]]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::String;

    /// An entry with `xn`, 80 columns, `up` and nothing else.
    fn entry() -> Vec<u8> {
        let mut bytes = Vec::new();
        let names = b"toy|a terminal\0";
        for field in [MAGIC_16, names.len() as u16, 5, 1, 20, 4] {
            bytes.extend(field.to_le_bytes());
        }
        bytes.extend(names);
        bytes.extend([0, 1, 0, 0, 1]);
        bytes.resize(bytes.len().next_multiple_of(2), 0);
        bytes.extend(80u16.to_le_bytes());
        for index in 0..20 {
            bytes.extend((if index == 19 { 0u16 } else { 0xffff }).to_le_bytes());
        }
        bytes.extend(b"\x1b[A\0");
        bytes
    }

    #[test]
    fn an_entry_is_read() {
        let toy = Capabilities::compiled(entry()).unwrap();
        assert!(toy.flag("xn") && toy.flag("am") && !toy.flag("bs"));
        assert_eq!((toy.number("co"), toy.number("li")), (Some(80), None));
        assert_eq!(toy.string("up").as_deref(), Some(&b"\x1b[A"[..]));
        assert_eq!(toy.string("do"), None);
        assert_eq!(toy.string("u7"), None);
    }

    #[test]
    fn a_damaged_entry_is_none_or_harmless() {
        let whole = entry();
        for len in 0..whole.len() {
            assert!(Capabilities::compiled(whole[..len].into()).is_none());
        }
        for at in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[at] ^= 0xff;
            if let Some(toy) = Capabilities::compiled(damaged) {
                for (name, _) in STRINGS {
                    toy.string(name);
                }
                toy.flag("xn");
                toy.number("co");
            }
        }
    }

    #[test]
    fn the_system_s_entries_agree_with_the_family() {
        let Ok(entry) = std::fs::read("/lib/terminfo/v/vt100") else {
            return;
        };
        let vt100 = Capabilities::compiled(entry).unwrap();
        assert_eq!(vt100.number("co"), Some(80));
        let up = String::from_utf8(vt100.string("up").unwrap().into_owned()).unwrap();
        assert!(up.starts_with("\x1b[A"), "{up:?}");
        assert!(Capabilities::of_family("dumb").is_none());
    }
}
