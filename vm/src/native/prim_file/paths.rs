//! Functions of names: directories, links, renaming, removing, and whole files.

use super::handles::BYTES_PER_REDUCTION;
use super::{done, int32, ok, path, refuse};
use crate::bif::{Context, Value};
use crate::bits::buffer::Buffer;
use crate::bits::make::static_binary;
use crate::bits::make_binary;
use crate::fs::{self, Errno, FileSystem, Info, Kind, Modes};
use crate::memory::Arena;
use crate::term::Term;
use core::ffi::CStr;

/// Bytes that are read at first from a file that does not say how many it has.
const FIRST_READ: usize = 16 * 1024;

/// `get_cwd_nif()`
pub(super) fn get_cwd(cx: &mut Context, _: &[Term]) -> Value {
    match cx.machine().files.working_directory() {
        Ok(name) => {
            let name = make_binary(cx, &name)?;
            ok(cx, name)
        }
        Err(error) => refuse(cx, error),
    }
}

/// `get_device_cwd_nif(Device)`: there are no drive letters.
pub(super) fn get_device_cwd(cx: &mut Context, args: &[Term]) -> Value {
    int32(args[0])?;
    refuse(cx, Errno::ENOTSUP)
}

/// `set_cwd_nif(Path)`
pub(super) fn set_cwd(cx: &mut Context, args: &[Term]) -> Value {
    let result = path(&args[0]).and_then(|path| cx.machine().files.set_working_directory(&path));
    done(cx, result)
}

/// `list_dir_nif(Path)`: the names, as binaries.
pub(super) fn list_dir(cx: &mut Context, args: &[Term]) -> Value {
    let mut names = Ok(Term::NIL);
    let listed = path(&args[0]).and_then(|path| {
        let (machine, heap) = cx.machine_and_heap();
        machine.files.list(&path, &mut |name| {
            if let Ok(rest) = names {
                names = make_binary(heap, name).and_then(|name| heap.cons(name, rest));
            }
        })
    });
    match listed {
        Ok(()) => {
            let names = names?;
            ok(cx, names)
        }
        Err(error) => refuse(cx, error),
    }
}

/// `read_link_nif(Path)`
pub(super) fn read_link(cx: &mut Context, args: &[Term]) -> Value {
    match path(&args[0]).and_then(|path| cx.machine().files.read_link(&path)) {
        Ok(target) => {
            let target = make_binary(cx, &target)?;
            ok(cx, target)
        }
        Err(error) => refuse(cx, error),
    }
}

/// Does something to two names.
fn with_two(
    cx: &mut Context,
    args: &[Term],
    act: impl FnOnce(&mut dyn FileSystem, &CStr, &CStr) -> fs::Result<()>,
) -> fs::Result<()> {
    let (one, two) = (path(&args[0])?, path(&args[1])?);
    act(&mut *cx.machine().files, &one, &two)
}

/// `make_hard_link_nif(Existing, New)`
pub(super) fn make_hard_link(cx: &mut Context, args: &[Term]) -> Value {
    let result = with_two(cx, args, |files, existing, new| {
        files.hard_link(existing, new)
    });
    done(cx, result)
}

/// `make_soft_link_nif(Target, New)`
pub(super) fn make_soft_link(cx: &mut Context, args: &[Term]) -> Value {
    let result = with_two(cx, args, |files, target, new| files.symlink(target, new));
    done(cx, result)
}

/// `rename_nif(From, To)`. OTP knows no `enotempty`, and calls moving the root `einval`.
pub(super) fn rename(cx: &mut Context, args: &[Term]) -> Value {
    let result = with_two(cx, args, |files, from, to| {
        files.rename(from, to).map_err(|error| match error {
            Errno::ENOTEMPTY => Errno::EEXIST,
            _ if from.to_bytes() == b"/" => Errno::EINVAL,
            error => error,
        })
    });
    done(cx, result)
}

/// `make_dir_nif(Path)`
pub(super) fn make_dir(cx: &mut Context, args: &[Term]) -> Value {
    let result = path(&args[0]).and_then(|path| cx.machine().files.make_dir(&path));
    done(cx, result)
}

/// `del_file_nif(Path)`. Of a directory OTP says `eperm`, as POSIX does and Linux does not.
pub(super) fn del_file(cx: &mut Context, args: &[Term]) -> Value {
    let result = path(&args[0]).and_then(|path| cx.machine().files.remove_file(&path));
    let result = result.map_err(|error| match error {
        Errno::EISDIR => Errno::EPERM,
        error => error,
    });
    done(cx, result)
}

/// `del_dir_nif(Path)`. OTP knows no `enotempty`, and calls removing the working directory `einval` where something is in it.
pub(super) fn del_dir(cx: &mut Context, args: &[Term]) -> Value {
    let result = path(&args[0]).and_then(|path| {
        let files = &mut *cx.machine().files;
        files.remove_dir(&path).map_err(|error| {
            if !matches!(error, Errno::ENOTEMPTY | Errno::EEXIST) {
                return error;
            }
            let place = |info: Info| (info.device, info.inode);
            let asked = files.info(&path, true).map(place);
            match files.info(c".", true).map(place) {
                Ok(here) if asked == Ok(here) => Errno::EINVAL,
                _ => Errno::EEXIST,
            }
        })
    });
    done(cx, result)
}

/// `altname_nif(Path)`: there are no short names.
pub(super) fn altname(cx: &mut Context, args: &[Term]) -> Value {
    let error = path(&args[0]).err().unwrap_or(Errno::ENOTSUP);
    refuse(cx, error)
}

/// `read_file_nif(Path)`: all of a file. One that lies in memory for good is not copied.
pub(super) fn read_file(cx: &mut Context, args: &[Term]) -> Value {
    let read = path(&args[0]).and_then(|path| {
        let files = &mut *cx.machine().files;
        match files.contents(&path)? {
            Some(bytes) => Ok(Whole::Lies(bytes)),
            None => whole_file(files, &path),
        }
    });
    let binary = match read {
        Ok(Whole::Lies(bytes)) => static_binary(cx, bytes)?,
        Ok(Whole::Read(buffer, size)) => {
            cx.bump_reductions(size / BYTES_PER_REDUCTION);
            buffer.into_binary(cx, size)?
        }
        Err(error) => return refuse(cx, error),
    };
    ok(cx, binary)
}

/// All bytes of a file.
enum Whole {
    /// They lie in memory.
    Lies(&'static [u8]),
    /// They were read: the first so many of the buffer.
    Read(Buffer, usize),
}

fn whole_file(files: &mut dyn FileSystem, path: &CStr) -> fs::Result<Whole> {
    let modes = Modes {
        read: true,
        ..Modes::default()
    };
    let file = files.open(path, modes)?;
    let said = match files.handle_info(file) {
        Ok(info) if info.kind == Kind::Regular => info.size,
        _ => 0,
    };
    let said = usize::try_from(said).unwrap_or(usize::MAX);
    let read = read_all(said, |into| files.read(file, into));
    let _ = files.close(file);
    read
}

/// Reads a file that says that it has `said` bytes. One that says 0 may have some: those of `/proc` do.
fn read_all(
    said: usize,
    mut read: impl FnMut(&mut [u8]) -> fs::Result<usize>,
) -> fs::Result<Whole> {
    let mut capacity = if said == 0 { FIRST_READ } else { said };
    let mut buffer = Buffer::new(capacity)?;
    let mut size = 0;
    loop {
        size += read(&mut buffer.bytes()[size..])?;
        if size < capacity || size == said {
            return Ok(Whole::Read(buffer, size));
        }
        capacity = capacity.checked_mul(2).ok_or(Errno::ENOMEM)?;
        buffer.grow(capacity)?;
    }
}
