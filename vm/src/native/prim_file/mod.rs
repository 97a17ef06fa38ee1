//! The native functions of OTP's `prim_file`: files, directories and links.
//!
//! What a file system does is [`crate::fs::FileSystem`]'s; here is what OTP's users see of it: arguments, results,
//! `{error, Posix}`. Names come as OTP's `prim_file:internal_name2native/1` makes them, binaries that end in a NUL.
//!
//! Facts (`erts/emulator/nifs/common/prim_file_nif.c`, OTP 25 and 27): an argument of the wrong type is `badarg`, a number out of
//! range or a name that is none is `{error, einval}`.

mod handles;
mod info;
mod paths;

use super::{Library, native};
use crate::atom::am;
use crate::bif::{Context, Fail, Value};
use crate::bits::view::view;
use crate::fs::{self, Errno};
use crate::memory::Arena;
use crate::term::{Subtag, Term};
use alloc::borrow::Cow;
use core::ffi::CStr;

/// The library.
pub static LIBRARY: Library = Library {
    module: "prim_file",
    functions: &[
        native("open_nif", 2, handles::open),
        native("file_desc_to_ref_nif", 1, handles::file_desc_to_ref),
        native("close_nif", 1, handles::close),
        native("delayed_close_nif", 1, handles::delayed_close),
        native("read_nif", 2, handles::read),
        native("write_nif", 2, handles::write),
        native("pread_nif", 3, handles::pread),
        native("pwrite_nif", 3, handles::pwrite),
        native("seek_nif", 3, handles::seek),
        native("sync_nif", 2, handles::sync),
        native("truncate_nif", 1, handles::truncate),
        native("allocate_nif", 3, handles::allocate),
        native("advise_nif", 4, handles::advise),
        native("read_handle_info_nif", 1, handles::read_handle_info),
        native("get_handle_nif", 1, handles::get_handle),
        native("ipread_s32bu_p32bu_nif", 3, handles::ipread_s32bu_p32bu),
        native("get_cwd_nif", 0, paths::get_cwd),
        native("get_device_cwd_nif", 1, paths::get_device_cwd),
        native("set_cwd_nif", 1, paths::set_cwd),
        native("list_dir_nif", 1, paths::list_dir),
        native("read_file_nif", 1, paths::read_file),
        native("read_link_nif", 1, paths::read_link),
        native("make_hard_link_nif", 2, paths::make_hard_link),
        native("make_soft_link_nif", 2, paths::make_soft_link),
        native("rename_nif", 2, paths::rename),
        native("make_dir_nif", 1, paths::make_dir),
        native("del_file_nif", 1, paths::del_file),
        native("del_dir_nif", 1, paths::del_dir),
        native("altname_nif", 1, paths::altname),
        native("read_info_nif", 2, info::read_info),
        native("set_permissions_nif", 2, info::set_permissions),
        native("set_owner_nif", 3, info::set_owner),
        native("set_time_nif", 4, info::set_time),
    ],
};

/// `{error, Posix}`.
fn refuse(cx: &mut Context, error: Errno) -> Value {
    let name = cx.atoms().insert_static(error.name())?;
    Ok(cx.tuple(&[am::ERROR.term(), name.term()])?)
}

/// `ok` or `{error, Posix}`.
fn done(cx: &mut Context, result: fs::Result<()>) -> Value {
    match result {
        Ok(()) => Ok(am::OK.term()),
        Err(error) => refuse(cx, error),
    }
}

/// `{ok, Value}`.
fn ok(cx: &mut Context, value: Term) -> Value {
    Ok(cx.tuple(&[am::OK.term(), value])?)
}

/// The native name that `term` is: a binary that ends in one NUL or more and has no other.
fn path(term: &Term) -> fs::Result<Cow<'_, CStr>> {
    let bytes = view(term).ok_or(Errno::EINVAL)?.to_bytes()?;
    match bytes.ok_or(Errno::EINVAL)? {
        Cow::Borrowed(bytes) => name(bytes).map(Cow::Borrowed),
        Cow::Owned(bytes) => name(&bytes).map(|name| Cow::Owned(name.into())),
    }
}

fn name(bytes: &[u8]) -> fs::Result<&CStr> {
    let name = CStr::from_bytes_until_nul(bytes).map_err(|_| Errno::EINVAL)?;
    let rest = &bytes[name.count_bytes()..];
    match rest.iter().all(|&byte| byte == 0) {
        true => Ok(name),
        false => Err(Errno::EINVAL),
    }
}

/// The integer that `term` is, if 64 bits with a sign hold it.
fn int64(term: Term) -> Option<i64> {
    if let Some(value) = term.as_small() {
        return Some(value);
    }
    let subtag = term.subtag()?;
    match (subtag, term.as_object(subtag)?) {
        (Subtag::BigPositive, &[digit]) => i64::try_from(digit).ok(),
        (Subtag::BigNegative, &[digit]) => i64::try_from(-i128::from(digit)).ok(),
        _ => None,
    }
}

/// The integer that `term` is, if 32 bits with a sign hold it; else `badarg`.
fn int32(term: Term) -> Result<i32, Fail> {
    let value = term.as_small().and_then(|value| i32::try_from(value).ok());
    value.ok_or(Fail::Badarg)
}

/// The integer that `term` is: `badarg` if it is no number, `EINVAL` if it is not a natural one of 63 bits.
fn natural(term: Term) -> Result<fs::Result<u64>, Fail> {
    if !term.is_number() {
        return Err(Fail::Badarg);
    }
    let value = int64(term).and_then(|value| u64::try_from(value).ok());
    Ok(value.ok_or(Errno::EINVAL))
}
