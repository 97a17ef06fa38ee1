//! Built-in functions between identifiers and text: `<0.8.1>`, `#Ref<0.3.2.1>`, `#Port<0.6>`.
//!
//! Only identifiers of this node have a text here: they begin with the number 0.

use super::{Bif, Context, Fail, Value, bif};
use crate::memory::Arena;
use crate::process::reference::RefNumber;
use crate::process::table::make_pid;
use crate::term::{Term, print};

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
    // This node is number 0.
    match (parts.next(), numbers.first(), elements.tail().is_nil()) {
        (None, Some(0), true) => Ok(numbers),
        _ => Err(Fail::Badarg),
    }
}

fn list_to_pid_1(_: &mut Context, args: &[Term]) -> Value {
    let [_, slot, serial] = numbers(args[0], "<")?;
    match (u32::try_from(slot), u32::try_from(serial)) {
        (Ok(slot), Ok(serial)) => make_pid(slot, serial).ok_or(Fail::Badarg),
        _ => Err(Fail::Badarg),
    }
}

fn list_to_port_1(_: &mut Context, args: &[Term]) -> Value {
    let [_, number] = numbers(args[0], "#Port<")?;
    match number >> 60 {
        0 => Ok(Term::local_port(number)),
        _ => Err(Fail::Badarg),
    }
}

fn list_to_ref_1(cx: &mut Context, args: &[Term]) -> Value {
    let [_, high, middle, low] = numbers(args[0], "#Ref<")?;
    if [high, middle, low].iter().any(|number| number >> 32 != 0) {
        return Err(Fail::Badarg);
    }
    let number = RefNumber::from_words([low | middle << 32, high]);
    match cx.machine().resources.find(number) {
        Some(resource) => Ok(resource.term(cx)?),
        None => Ok(number.term(cx)?),
    }
}
