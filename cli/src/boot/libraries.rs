//! The shared libraries that a set of programs needs, found as the dynamic linker would.
//!
//! An ELF file names its libraries (`DT_NEEDED`) and its linker (`PT_INTERP`). Directories are those of the system's
//! default search path on x86-64, as multiarch and other distributions have them.

use std::collections::{BTreeMap, VecDeque};
use std::fs;
use std::path::{Path, PathBuf};

use object::Endianness;
use object::elf::{DT_NEEDED, FileHeader64};
use object::read::elf::{Dyn, FileHeader, ProgramHeader};

use crate::failure::{Failure, Result};

/// Where libraries are, below a root.
const DIRECTORIES: [&str; 6] = [
    "lib/x86_64-linux-gnu",
    "usr/lib/x86_64-linux-gnu",
    "lib64",
    "usr/lib64",
    "lib",
    "usr/lib",
];

/// glibc loads it by name when a thread is cancelled, which `xl` does at its end.
const LOADED_BY_NAME: [&str; 1] = ["libgcc_s.so.1"];

/// Every library that `programs` need, by the path at which it belongs in a root of its own (without a
/// leading slash), with the file that it is here.
pub fn needed_by<'a>(
    sysroot: &Path,
    programs: impl IntoIterator<Item = &'a Path>,
) -> Result<BTreeMap<String, PathBuf>> {
    let mut found = BTreeMap::new();
    let mut queue: VecDeque<PathBuf> = programs.into_iter().map(Path::to_owned).collect();
    let mut wanted: Vec<String> = LOADED_BY_NAME.map(str::to_owned).to_vec();
    while let Some(file) = queue.pop_front() {
        wanted.extend(needs(&file)?);
        for name in wanted.drain(..) {
            let (place, path) = locate(sysroot, &name).ok_or_else(|| {
                Failure::new(format!(
                    "boot: {} needs the library {name}, which is not installed",
                    file.display()
                ))
                .with_hint("Reinstall the package that this file belongs to: dpkg -S FILE")
            })?;
            if found.insert(place, path.clone()).is_none() {
                queue.push_back(path);
            }
        }
    }
    Ok(found)
}

/// Place in a root, and path here, of a library's name or a linker's absolute path.
fn locate(sysroot: &Path, name: &str) -> Option<(String, PathBuf)> {
    if let Some(place) = name.strip_prefix('/') {
        return Some((place.to_owned(), sysroot.join(place))).filter(|(_, path)| path.exists());
    }
    DIRECTORIES
        .iter()
        .map(|directory| format!("{directory}/{name}"))
        .map(|place| (place.clone(), sysroot.join(place)))
        .find(|(_, path)| path.exists())
}

/// The libraries that `file` names, and its dynamic linker.
fn needs(file: &Path) -> Result<Vec<String>> {
    let data = fs::read(file).map_err(|error| Failure::io(file, "read", error))?;
    parse_needs(&data).map_err(|error| Failure::io(file, "find its libraries", error))
}

fn parse_needs(data: &[u8]) -> object::Result<Vec<String>> {
    let header = FileHeader64::<Endianness>::parse(data)?;
    let endian = header.endian()?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let mut names = Vec::new();
    for segment in header.program_headers(endian, data)? {
        if let Some(linker) = segment.interpreter(endian, data)? {
            names.push(text(linker));
        }
    }
    let sections = header.sections(endian, data)?;
    let Some((entries, link)) = sections.dynamic(endian, data)? else {
        return Ok(names);
    };
    let strings = sections.strings(endian, data, link)?;
    for entry in entries {
        if entry.d_tag(endian) == DT_NEEDED {
            names.push(text(entry.string(endian, strings)?));
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_test_needs_libc_and_a_linker() {
        let itself = std::env::current_exe().unwrap();
        let found = needed_by(Path::new("/"), [itself.as_path()]).unwrap();
        let names: Vec<_> = found.keys().map(String::as_str).collect();
        assert!(
            names.iter().any(|name| name.ends_with("/libc.so.6")),
            "{names:?}"
        );
        assert!(
            names.iter().any(|name| name.contains("ld-linux-x86-64")),
            "{names:?}"
        );
        assert!(
            names.iter().any(|name| name.ends_with("/libgcc_s.so.1")),
            "{names:?}"
        );
    }

    #[test]
    fn a_missing_library_and_a_damaged_program_are_named() {
        let itself = std::env::current_exe().unwrap();
        let failure = needed_by(Path::new("/nowhere"), [itself.as_path()]).unwrap_err();
        assert!(failure.to_string().contains("libgcc_s.so.1"), "{failure}");
        assert!(parse_needs(b"\x7fELF").is_err());
        assert!(parse_needs(b"").is_err());
    }
}
