//! `erlang:decode_packet/3`: the first packet of a binary.

use super::{Bif, Context, Fail, Value, bif};
use crate::atom::am;
use crate::bits::make::sub_bits;
use crate::bits::view::view;
use crate::memory::Arena;
use crate::packet::http::{self, Message};
use crate::packet::terms::{self, Builder};
use crate::packet::{self, Extent, Kind, Limits};
use crate::term::Term;

/// The built-in functions of this file.
pub const TABLE: &[Bif] = &[bif("erlang", "decode_packet", 3, decode_packet_3)];

/// The type of packet that a term names, and whether text is to be binaries.
fn kind(cx: &mut Context, term: Term) -> Option<(Kind, bool)> {
    if let Some(number) = term.as_small() {
        return match number {
            0 => Some((Kind::Raw, false)),
            1 | 2 | 4 => Some((Kind::Length(number as usize), false)),
            _ => None,
        };
    }
    let name = cx.atoms().name(term.as_atom()?);
    Some(match name {
        "raw" => (Kind::Raw, false),
        "line" => (Kind::Line, false),
        "asn1" => (Kind::Asn1, false),
        "sunrm" => (Kind::SunRm, false),
        "cdr" => (Kind::Cdr, false),
        "fcgi" => (Kind::FastCgi, false),
        "tpkt" => (Kind::Tpkt, false),
        "ssl_tls" => (Kind::Tls, false),
        "http" => (Kind::Http, false),
        "http_bin" => (Kind::Http, true),
        "httph" => (Kind::HttpHeader, false),
        "httph_bin" => (Kind::HttpHeader, true),
        _ => return None,
    })
}

fn limits(cx: &mut Context, options: Term) -> Option<Limits> {
    let mut limits = Limits {
        packet: 0,
        line: 0,
        delimiter: b'\n',
    };
    let mut rest = options.iter_list();
    for option in &mut rest {
        let &[key, value] = option.as_tuple()? else {
            return None;
        };
        let value = value.as_small()?;
        match cx.atoms().name(key.as_atom()?) {
            "packet_size" => limits.packet = u32::try_from(value).ok()? as usize,
            "line_length" => limits.line = u32::try_from(value).ok()? as usize,
            "line_delimiter" => limits.delimiter = u8::try_from(value).ok()?,
            _ => return None,
        }
    }
    (options.is_list() && rest.tail().is_nil()).then_some(limits)
}

/// `{ok, Packet, Rest}`, `{more, Length | undefined}` or `{error, invalid}`.
fn decode_packet_3(cx: &mut Context, args: &[Term]) -> Value {
    let stream = args[1];
    // OTP's cause for a wrong type; wrong options have none.
    let Some((kind, binary)) = kind(cx, args[0]) else {
        return Err(cx.fail_because(am::BADOPT));
    };
    let bits = view(&stream).ok_or(Fail::Badarg)?;
    let limits = limits(cx, args[2]).ok_or(Fail::Badarg)?;
    let release = cx.machine().release_number();
    // Bits behind the last whole byte belong to no packet; OTP 27 refuses them.
    if release >= 27 && bits.size % 8 != 0 {
        return Err(Fail::Badarg);
    }
    let mut whole = bits;
    whole.size &= !7;
    let bytes = whole.to_bytes()?.ok_or(Fail::Badarg)?;
    let length = match packet::length(kind, &bytes, &limits) {
        Extent::Bytes(length) => length,
        Extent::More(length) => {
            let length = length.map_or(am::UNDEFINED.term(), |n| Term::small(n as i64));
            let more = cx.atom("more")?;
            return Ok(cx.tuple(&[more, length])?);
        }
        Extent::Invalid => return Ok(cx.tuple(&[am::ERROR.term(), am::INVALID.term()])?),
    };
    cx.bump_reductions(length / 64);
    let line = &bytes[..length];
    let message = match kind {
        Kind::Http => message(cx, http::first_line(line, release >= 26), line, binary)?,
        Kind::HttpHeader => message(cx, http::header(line), line, binary)?,
        Kind::Tls => terms::record(cx, Term::NIL, line)?,
        Kind::Length(size) => sub_bits(cx, stream, size * 8, (length - size) * 8)?,
        // Padding is passed over and not told.
        Kind::FastCgi => sub_bits(cx, stream, 0, (length - line[6] as usize) * 8)?,
        _ => sub_bits(cx, stream, 0, length * 8)?,
    };
    let rest = sub_bits(cx, stream, length * 8, bits.size - length * 8)?;
    Ok(cx.tuple(&[am::OK.term(), message, rest])?)
}

fn message(cx: &mut Context, message: Message, line: &[u8], binary: bool) -> Value {
    let (machine, heap) = cx.machine_and_heap();
    let mut builder = Builder {
        arena: heap,
        atoms: &mut machine.atoms,
        binary,
    };
    Ok(builder.message(message, line)?)
}
