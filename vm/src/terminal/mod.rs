//! Terminals: what a line looks like on one ([`line`], [`width`]), and what one can do ([`capabilities`]).
//!
//! Which terminal it is, and whether it shows UTF-8, is said by the environment, as for every program of a POSIX system.

pub mod capabilities;
pub mod line;
pub mod width;

use crate::fs::{Handle, Modes};
use crate::machine::Machine;
use alloc::ffi::CString;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use capabilities::Capabilities;

/// Columns of a terminal that does not say how many it has.
pub const DEFAULT_COLUMNS: u32 = 80;

/// Where compiled terminfo entries are, if `TERMINFO` does not say so.
const DIRECTORIES: &[&str] = &["/etc/terminfo", "/lib/terminfo", "/usr/share/terminfo"];

/// The largest entry (ncurses: `MAX_ENTRY_SIZE` of the extended format).
const LARGEST_ENTRY: usize = 32 * 1024;

/// The terminal that `TERM` names; `None` if nobody knows it.
pub fn of_environment(machine: &mut Machine) -> Option<Capabilities> {
    let name = machine.environment.get(b"TERM")?;
    let name = String::from(core::str::from_utf8(name).ok()?);
    of_name(machine, &name)
}

/// The terminal of that name: as the system's terminfo describes it, or else the one of the family that it belongs to.
pub fn of_name(machine: &mut Machine, name: &str) -> Option<Capabilities> {
    let first = name.chars().next()?;
    // A name is no path.
    if name.contains('/') {
        return None;
    }
    let own = machine.environment.get(b"TERMINFO");
    let own = own.and_then(|path| core::str::from_utf8(path).ok());
    let mut directories: Vec<String> = own.map(String::from).into_iter().collect();
    directories.extend(DIRECTORIES.iter().copied().map(String::from));
    let modes = Modes {
        read: true,
        ..Modes::default()
    };
    let found = directories.iter().find_map(|directory| {
        let path = CString::new(format!("{directory}/{first}/{name}")).ok()?;
        let file = machine.files.open(&path, modes).ok()?;
        let entry = read(machine, file);
        let _ = machine.files.close(file);
        Capabilities::compiled(entry?)
    });
    found.or_else(|| Capabilities::of_family(name))
}

fn read(machine: &mut Machine, file: Handle) -> Option<Vec<u8>> {
    let mut entry = Vec::new();
    entry.try_reserve_exact(LARGEST_ENTRY).ok()?;
    entry.resize(LARGEST_ENTRY, 0);
    let length = machine.files.read(file, &mut entry).ok()?;
    entry.truncate(length);
    Some(entry)
}

/// Whether the locale of the environment is one of UTF-8.
pub fn is_utf8(machine: &Machine) -> bool {
    let set = |name: &[u8]| {
        let value = machine.environment.get(name)?;
        (!value.is_empty()).then_some(value)
    };
    let locale = [&b"LC_ALL"[..], b"LC_CTYPE", b"LANG"]
        .into_iter()
        .find_map(set);
    locale.is_some_and(|locale| {
        let locale = locale.to_ascii_lowercase();
        let has = |part: &[u8]| locale.windows(part.len()).any(|window| window == part);
        has(b"utf-8") || has(b"utf8")
    })
}
