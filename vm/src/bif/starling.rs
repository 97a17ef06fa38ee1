//! `starling`: what a machine that is a domain knows of itself. OTP has no such module.
//!
//! Where the machine is no domain, as on Linux, all of it is `{error, enotsup}`; so is the store where the domain has none, as the
//! initial one. Reading the store waits for the control domain, which answers within a millisecond, with the whole machine: it is meant for
//! configuration, not for traffic.

use super::{Bif, Context, Fail, Value, bif};
use crate::atom::am;
use crate::bits::iolist::{Parts, flatten};
use crate::bits::make::make_binary;
use crate::bits::view::view;
use crate::fs::errno::Errno;
use crate::map::from_pairs;
use crate::memory::Arena;
use crate::platform::domain::{Domain, DomainInfo};
use crate::term::Term;
use alloc::string::String;
use alloc::vec::Vec;

/// The built-in functions of this file.
pub const TABLE: &[Bif] = &[
    bif("starling", "domain_info", 0, domain_info_0),
    bif("starling", "xenstore_read", 1, xenstore_read_1),
    bif("starling", "xenstore_list", 1, xenstore_list_1),
];

/// `domain_info() -> #{domid, memory, memory_free, name, uuid, memory_target} | {error, enotsup}`: numbers, of bytes where it is memory, and
/// binaries. The last three only if the control domain says so.
fn domain_info_0(cx: &mut Context, _: &[Term]) -> Value {
    let Some(domain) = cx.machine().platform.domain() else {
        return error(cx, Errno::ENOTSUP);
    };
    let DomainInfo {
        domid,
        name,
        uuid,
        memory,
        memory_free,
        memory_target,
    } = domain.info();
    let mut pairs = Vec::new();
    let numbers = [
        ("domid", Some(domid.into())),
        ("memory", Some(memory)),
        ("memory_free", Some(memory_free)),
        ("memory_target", memory_target),
    ];
    for (key, number) in numbers {
        if let Some(number) = number {
            pairs.push((cx.atom(key)?, cx.unsigned(number)?));
        }
    }
    for (key, text) in [("name", name), ("uuid", uuid)] {
        if let Some(text) = text {
            pairs.push((cx.atom(key)?, make_binary(cx, &text)?));
        }
    }
    let (heap, atoms) = cx.heap_and_atoms();
    Ok(from_pairs(heap, atoms, pairs.into_iter())?)
}

/// `xenstore_read(Path) -> {ok, Binary} | {error, Posix}`. A path is a string or binary; a relative one is below the domain's own directory.
fn xenstore_read_1(cx: &mut Context, args: &[Term]) -> Value {
    match ask(cx, args[0], |domain, path| domain.store_read(path))? {
        Ok(value) => {
            let value = make_binary(cx, &value)?;
            Ok(cx.tuple(&[am::OK.term(), value])?)
        }
        Err(errno) => error(cx, errno),
    }
}

/// `xenstore_list(Path) -> {ok, [Binary]} | {error, Posix}`: the names of what is below it.
fn xenstore_list_1(cx: &mut Context, args: &[Term]) -> Value {
    match ask(cx, args[0], |domain, path| domain.store_list(path))? {
        Ok(names) => {
            let mut list = Term::NIL;
            for name in names.iter().rev() {
                let name = make_binary(cx, name.as_bytes())?;
                list = cx.cons(name, list)?;
            }
            Ok(cx.tuple(&[am::OK.term(), list])?)
        }
        Err(errno) => error(cx, errno),
    }
}

/// Asks the domain about a path.
fn ask<R>(
    cx: &mut Context,
    path: Term,
    question: impl FnOnce(&mut dyn Domain, &str) -> Result<R, Errno>,
) -> Result<Result<R, Errno>, Fail> {
    let path = path_text(cx, path)?;
    Ok(match cx.machine().platform.domain() {
        Some(domain) => question(domain, &path),
        None => Err(Errno::ENOTSUP),
    })
}

/// The text of a list of bytes, or of a binary, without NUL.
fn path_text(cx: &mut Context, path: Term) -> Result<String, Fail> {
    let binary = match path.is_list() {
        true => flatten(cx, path, Parts::Binaries)?,
        false => path,
    };
    let bytes = view(&binary).ok_or(Fail::Badarg)?.to_bytes()?;
    let bytes = bytes.ok_or(Fail::Badarg)?.into_owned();
    let text = String::from_utf8(bytes).map_err(|_| Fail::Badarg)?;
    match text.contains('\0') {
        true => Err(Fail::Badarg),
        false => Ok(text),
    }
}

fn error(cx: &mut Context, errno: Errno) -> Value {
    let name = cx.atom(errno.name())?;
    Ok(cx.tuple(&[am::ERROR.term(), name])?)
}
