//! Built-in functions between identifiers and text: `<0.8.1>`, `#Ref<0.3.2.1>`, `#Port<0.6>`.
//!
//! The first number is the node: 0 is this one, others are those of the atoms of their names, and have to be connected.

use super::{Bif, Context, Fail, Value, bif};
use crate::memory::Arena;
use crate::process::reference::RefNumber;
use crate::process::table::make_pid;
use crate::term::external::{Node, RemotePid, RemotePort, RemoteReference};
use crate::term::{Atom, Term, print};

/// The functions.
pub const TABLE: &[Bif] = &[
    bif("erlang", "list_to_pid", 1, list_to_pid_1),
    bif("erlang", "list_to_port", 1, list_to_port_1),
    bif("erlang", "list_to_ref", 1, list_to_ref_1),
    bif("erlang", "pid_to_list", 1, |cx, args| {
        text(cx, args[0], Term::is_pid)
    }),
    bif("erlang", "port_to_list", 1, |cx, args| {
        text(cx, args[0], Term::is_port)
    }),
    bif("erlang", "ref_to_list", 1, |cx, args| {
        text(cx, args[0], Term::is_reference)
    }),
];

/// The term as `erlang:display/1` prints it, if it is what it has to be.
fn text(cx: &mut Context, term: Term, is_right: fn(Term) -> bool) -> Value {
    if !is_right(term) {
        return Err(Fail::Badarg);
    }
    let bytes = print::to_bytes(cx.atoms(), term)?;
    Ok(cx.byte_list(&bytes, Term::NIL)?)
}

/// Longer than the text of any identifier.
const MAX_TEXT: usize = 64;

/// The numbers between `prefix` and `>`: decimal, with dots between them.
fn numbers<const N: usize>(list: Term, prefix: &str) -> Result<[u64; N], Fail> {
    let mut buffer = [0; MAX_TEXT];
    let mut length = 0;
    let mut elements = list.iter_list();
    for element in elements.by_ref() {
        let Some(byte @ 0..=127) = element.as_small() else {
            return Err(Fail::Badarg);
        };
        *buffer.get_mut(length).ok_or(Fail::Badarg)? = byte as u8;
        length += 1;
    }
    let text = core::str::from_utf8(&buffer[..length]).map_err(|_| Fail::Badarg)?;
    let inside = text.strip_prefix(prefix).and_then(|t| t.strip_suffix('>'));
    let mut parts = inside.ok_or(Fail::Badarg)?.split('.');
    let mut numbers = [0; N];
    for number in &mut numbers {
        let part = parts.next().unwrap_or("");
        if part.is_empty() || !part.bytes().all(|b| b.is_ascii_digit()) {
            return Err(Fail::Badarg);
        }
        *number = part.parse().map_err(|_| Fail::Badarg)?;
    }
    match (parts.next(), elements.tail().is_nil()) {
        (None, true) => Ok(numbers),
        _ => Err(Fail::Badarg),
    }
}

/// The node of this number; `None` is this one.
fn node(cx: &mut Context, number: u64) -> Result<Option<Node>, Fail> {
    if number == 0 {
        return Ok(None);
    }
    let name = Atom(u32::try_from(number).map_err(|_| Fail::Badarg)?);
    let creation = cx.machine().distribution.creation_of(name);
    let creation = creation.ok_or(Fail::Badarg)?;
    Ok(Some(Node { name, creation }))
}

fn list_to_pid_1(cx: &mut Context, args: &[Term]) -> Value {
    let [at, number, serial] = numbers(args[0], "<")?;
    let (Ok(number), Ok(serial)) = (u32::try_from(number), u32::try_from(serial)) else {
        return Err(Fail::Badarg);
    };
    match node(cx, at)? {
        None => make_pid(number, serial).ok_or(Fail::Badarg),
        Some(node) => {
            let pid = RemotePid {
                node,
                number,
                serial,
            };
            Ok(pid.term(cx)?)
        }
    }
}

fn list_to_port_1(cx: &mut Context, args: &[Term]) -> Value {
    let [at, number] = numbers(args[0], "#Port<")?;
    match node(cx, at)? {
        None if number >> 60 != 0 => Err(Fail::Badarg),
        None => Ok(Term::local_port(number)),
        Some(node) => Ok(RemotePort { node, number }.term(cx)?),
    }
}

fn list_to_ref_1(cx: &mut Context, args: &[Term]) -> Value {
    let [at, high, middle, low] = numbers(args[0], "#Ref<")?;
    if [high, middle, low].iter().any(|number| number >> 32 != 0) {
        return Err(Fail::Badarg);
    }
    // The first number of a reference has 18 bits, as on OTP.
    if low >> 18 != 0 {
        return Err(Fail::Badarg);
    }
    if let Some(node) = node(cx, at)? {
        let numbers = [low as u32, middle as u32, high as u32];
        return Ok(RemoteReference::new(node, &numbers).term(cx)?);
    }
    let number = RefNumber::from_words([low | middle << 32, high]);
    match cx.machine().resources.find(number) {
        Some(resource) => Ok(resource.term(cx)?),
        None => Ok(number.term(cx)?),
    }
}
