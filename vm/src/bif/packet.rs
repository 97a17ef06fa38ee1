//! `erlang:decode_packet/3`: the first packet of a binary.

use super::{Bif, Context, Fail, Value, bif};
use crate::atom::am;
use crate::bits::make::{make_binary, sub_bits};
use crate::bits::view::view;
use crate::memory::Arena;
use crate::packet::http::{self, Message, Uri};
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
    let (kind, binary) = kind(cx, args[0]).ok_or(Fail::Badarg)?;
    let bits = view(&stream).ok_or(Fail::Badarg)?;
    let limits = limits(cx, args[2]).ok_or(Fail::Badarg)?;
    // Bits behind the last whole byte belong to no packet.
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
        Kind::Http => message(cx, http::first_line(line), line, binary)?,
        Kind::HttpHeader => message(cx, http::header(line), line, binary)?,
        Kind::Tls => record(cx, line)?,
        Kind::Length(size) => sub_bits(cx, stream, size * 8, (length - size) * 8)?,
        // Padding is passed over and not told.
        Kind::FastCgi => sub_bits(cx, stream, 0, (length - line[6] as usize) * 8)?,
        _ => sub_bits(cx, stream, 0, length * 8)?,
    };
    let rest = sub_bits(cx, stream, length * 8, bits.size - length * 8)?;
    Ok(cx.tuple(&[am::OK.term(), message, rest])?)
}

/// `{ssl_tls, [], ContentType, {Major, Minor}, Data}`; an SSL 2 hello is told as a handshake.
fn record(cx: &mut Context, bytes: &[u8]) -> Value {
    let tag = cx.atom("ssl_tls")?;
    let number = |byte: u8| Term::small(byte as i64);
    let (content, version, data) = if bytes[0] & 0x80 != 0 && bytes.get(2) == Some(&1) {
        // The data is a client hello whose four bytes of header the old format does not have.
        let body = bytes.get(3..).unwrap_or(&[]);
        let size = (body.len() as u32).to_be_bytes();
        let mut hello = smallvec::SmallVec::<[u8; 128]>::new();
        hello
            .try_reserve(body.len() + 4)
            .map_err(|_| Fail::NoMemory)?;
        hello.extend_from_slice(&[1, size[1], size[2], size[3]]);
        hello.extend_from_slice(body);
        let data = make_binary(cx, &hello)?;
        (
            22,
            [3, 4].map(|at| bytes.get(at).copied().unwrap_or(0)),
            data,
        )
    } else {
        let data = make_binary(cx, &bytes[5..])?;
        (bytes[0], [bytes[1], bytes[2]], data)
    };
    let version = cx.tuple(&version.map(number))?;
    Ok(cx.tuple(&[tag, Term::NIL, number(content), version, data])?)
}

fn text(cx: &mut Context, bytes: &[u8], binary: bool) -> Value {
    Ok(match binary {
        true => make_binary(cx, bytes)?,
        false => cx.byte_list(bytes, Term::NIL)?,
    })
}

fn pair(cx: &mut Context, (major, minor): (u32, u32)) -> Value {
    Ok(cx.tuple(&[Term::small(major as i64), Term::small(minor as i64)])?)
}

fn message(cx: &mut Context, message: Message, line: &[u8], binary: bool) -> Value {
    match message {
        Message::Request {
            method,
            uri,
            version,
        } => {
            let tag = cx.atom("http_request")?;
            let method = match method {
                (_, Some(known)) => cx.atom(known)?,
                (method, None) => text(cx, method, binary)?,
            };
            let uri = uri_term(cx, uri, binary)?;
            let version = pair(cx, version)?;
            Ok(cx.tuple(&[tag, method, uri, version])?)
        }
        Message::Response {
            version,
            status,
            phrase,
        } => {
            let tag = cx.atom("http_response")?;
            let version = pair(cx, version)?;
            let phrase = text(cx, phrase, binary)?;
            Ok(cx.tuple(&[tag, version, Term::small(status as i64), phrase])?)
        }
        Message::Header { name, value } => {
            let tag = cx.atom("http_header")?;
            let (number, field) = match http::known_header(name) {
                Some((number, known)) => (number, cx.atom(known)?),
                None => (0, conventional_name(cx, name, binary)?),
            };
            let name = text(cx, name, binary)?;
            let value = text(cx, value, binary)?;
            Ok(cx.tuple(&[tag, Term::small(number as i64), field, name, value])?)
        }
        Message::EndOfHeaders => cx.atom("http_eoh"),
        Message::Error => {
            let tag = cx.atom("http_error")?;
            let line = text(cx, line, binary)?;
            Ok(cx.tuple(&[tag, line])?)
        }
    }
}

fn conventional_name(cx: &mut Context, name: &[u8], binary: bool) -> Value {
    let mut spelled = smallvec::SmallVec::<[u8; 64]>::new();
    spelled
        .try_reserve(name.len())
        .map_err(|_| Fail::NoMemory)?;
    let mut previous = None;
    for &byte in name {
        spelled.push(http::conventional(previous, byte));
        previous = Some(byte);
    }
    text(cx, &spelled, binary)
}

fn uri_term(cx: &mut Context, uri: Uri, binary: bool) -> Value {
    match uri {
        Uri::Star => cx.atom("*"),
        Uri::Text(uri) => text(cx, uri, binary),
        Uri::Path(path) => {
            let (tag, path) = (cx.atom("abs_path")?, text(cx, path, binary)?);
            Ok(cx.tuple(&[tag, path])?)
        }
        Uri::Scheme(scheme, rest) => {
            let tag = cx.atom("scheme")?;
            let (scheme, rest) = (text(cx, scheme, binary)?, text(cx, rest, binary)?);
            Ok(cx.tuple(&[tag, scheme, rest])?)
        }
        Uri::Absolute {
            secure,
            host,
            port,
            path,
        } => {
            let tag = cx.atom("absoluteURI")?;
            let scheme = cx.atom(if secure { "https" } else { "http" })?;
            let (host, path) = (text(cx, host, binary)?, text(cx, path, binary)?);
            let port = port.map_or(am::UNDEFINED.term(), |port| Term::small(port as i64));
            Ok(cx.tuple(&[tag, scheme, host, port, path])?)
        }
    }
}
