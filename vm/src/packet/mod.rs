//! Packets in a stream of bytes: where one ends, for each of OTP's packet types.
//!
//! `erlang:decode_packet/3` is one caller, the driver of TCP sockets the other. Here are lengths alone ([`length`]); what a packet of HTTP
//! says is [`http`]'s, and [`terms`] makes terms of it.
//!
//! Invariant: a length is at most that of the bytes there are, or says how many more are needed; sums of lengths that come from outside are
//! checked.

pub mod http;
pub mod terms;

/// How a stream is cut into packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Whatever there is.
    Raw,
    /// A length of so many bytes (1, 2 or 4), which the packet does not include, and the rest.
    Length(usize),
    /// Up to the end of a line.
    Line,
    /// An element of BER.
    Asn1,
    /// SUN RPC.
    SunRm,
    /// CORBA's GIOP.
    Cdr,
    /// FastCGI.
    FastCgi,
    /// RFC 1006.
    Tpkt,
    /// A record of TLS, or a hello of SSL 2.
    Tls,
    /// The first line of a request or response.
    Http,
    /// A header of one, or the empty line behind them.
    HttpHeader,
}

/// What the stream begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// A packet of so many bytes, its length bytes included.
    Bytes(usize),
    /// Part of a packet of so many bytes, if that is known.
    More(Option<usize>),
    /// No packet at all.
    Invalid,
}

/// What a caller wants differently.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Most bytes of a packet, without its length bytes; 0 is no limit.
    pub packet: usize,
    /// Longer lines are cut here; 0 is no limit.
    pub line: usize,
    /// What ends a line.
    pub delimiter: u8,
}

/// Bits of a length of four bytes beyond which nothing is believed.
const MOST: u64 = i32::MAX as u64;

/// The extent of the first packet of `bytes`.
pub fn length(kind: Kind, bytes: &[u8], limits: &Limits) -> Extent {
    let header = match kind {
        Kind::Raw => {
            return match bytes.len() {
                0 => Extent::More(None),
                length => Extent::Bytes(length),
            };
        }
        Kind::Line | Kind::Http => return line(kind, bytes, limits),
        Kind::HttpHeader => return http_header(bytes, limits),
        Kind::Length(size) => with_header(bytes, size, |head| Some((size, big_endian(head)))),
        Kind::Asn1 => asn1(bytes),
        Kind::SunRm => with_header(bytes, 4, |head| Some((4, big_endian(head) & 0x7fff_ffff))),
        Kind::Cdr => with_header(bytes, 12, |head| {
            let size = [head[8], head[9], head[10], head[11]];
            let size = match head[6] & 1 {
                1 => u32::from_le_bytes(size),
                _ => u32::from_be_bytes(size),
            };
            head.starts_with(b"GIOP").then_some((12, size as u64))
        }),
        Kind::FastCgi => with_header(bytes, 8, |head| {
            let size = big_endian(&head[4..6]) + head[6] as u64;
            (head[0] == 1).then_some((8, size))
        }),
        Kind::Tpkt => with_header(bytes, 4, |head| {
            let whole = big_endian(&head[2..4]).checked_sub(4)?;
            (head[0] == 3).then_some((4, whole))
        }),
        Kind::Tls => with_header(bytes, 5, |head| match head[0] & 0x80 != 0 && head[2] == 1 {
            // The first two bytes are the length, of which the three behind them are a part.
            true => Some((5, (big_endian(&head[..2]) & 0x7fff).checked_sub(3)?)),
            false => Some((5, big_endian(&head[3..5]))),
        }),
    };
    let (size, rest) = match header {
        Header::Known(size, rest) => (size, rest),
        Header::Short => return Extent::More(None),
        Header::Invalid => return Extent::Invalid,
    };
    if rest > MOST || limits.packet != 0 && rest > limits.packet as u64 {
        return Extent::Invalid;
    }
    let whole = size + rest as usize;
    match bytes.len() >= whole {
        true => Extent::Bytes(whole),
        false => Extent::More(Some(whole)),
    }
}

/// What the first bytes say.
enum Header {
    /// So many bytes of header, and how many follow them.
    Known(usize, u64),
    /// Not all of the header is there.
    Short,
    /// It is none.
    Invalid,
}

fn with_header(
    bytes: &[u8],
    size: usize,
    read: impl FnOnce(&[u8]) -> Option<(usize, u64)>,
) -> Header {
    match bytes.get(..size) {
        None => Header::Short,
        Some(head) => match read(head) {
            Some((size, rest)) => Header::Known(size, rest),
            None => Header::Invalid,
        },
    }
}

fn big_endian(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |sum, byte| sum << 8 | *byte as u64)
}

/// Tag, of one byte or several, and length, in one byte or in so many as the first one says.
fn asn1(bytes: &[u8]) -> Header {
    let mut rest = bytes;
    let mut next = || -> Option<u8> {
        let (first, others) = rest.split_first()?;
        rest = others;
        Some(*first)
    };
    let mut header = || -> Option<Result<u64, ()>> {
        if next()? & 0x1f == 0x1f {
            while next()? & 0x80 != 0 {}
        }
        let first = next()?;
        if first & 0x80 == 0 {
            return Some(Ok(first as u64));
        }
        let count = first & 0x7f;
        if count > 4 {
            return Some(Err(()));
        }
        let mut length = 0;
        for _ in 0..count {
            length = length << 8 | next()? as u64;
        }
        Some(Ok(length))
    };
    // Tag and length of less than two bytes are no header.
    if bytes.len() < 2 {
        return Header::Short;
    }
    match header() {
        None => Header::Short,
        Some(Err(())) => Header::Invalid,
        Some(Ok(length)) => Header::Known(bytes.len() - rest.len(), length),
    }
}

fn line(kind: Kind, bytes: &[u8], limits: &Limits) -> Extent {
    if kind != Kind::Line {
        return match http_line(bytes, 0, limits) {
            Ok(end) => Extent::Bytes(end),
            Err(extent) => extent,
        };
    }
    let end = memchr::memchr(limits.delimiter, bytes);
    let length = end.map_or(bytes.len(), |end| end + 1);
    if limits.packet != 0 && length > limits.packet {
        return Extent::Invalid;
    }
    // A line that is cut is still a line.
    let full = limits.line != 0 && length >= limits.line;
    match end {
        Some(_) if !full || length == limits.line => Extent::Bytes(length),
        None if !full => Extent::More(None),
        _ => Extent::Bytes(limits.line),
    }
}

/// Where the line ends that begins at `start` of `bytes`; what else is to be said of `bytes` if it does not. Behind the limit nothing
/// ends: a request that is cut is none.
fn http_line(bytes: &[u8], start: usize, limits: &Limits) -> Result<usize, Extent> {
    let limit = match limits.packet {
        0 => limits.line,
        packet => packet,
    };
    match memchr::memchr(b'\n', &bytes[start..]) {
        Some(end) if limit != 0 && start + end + 1 > limit => Err(Extent::Invalid),
        Some(end) => Ok(start + end + 1),
        None if limit != 0 && bytes.len() >= limit => Err(Extent::Invalid),
        None => Err(Extent::More(None)),
    }
}

/// A header goes on in lines that begin with a blank; whether the next one does is to be seen before it ends.
fn http_header(bytes: &[u8], limits: &Limits) -> Extent {
    if matches!(bytes, b"\n" | b"\r\n") {
        return Extent::Bytes(bytes.len());
    }
    let mut start = 0;
    loop {
        let end = match http_line(bytes, start, limits) {
            Ok(end) => end,
            Err(extent) => return extent,
        };
        match bytes.get(end) {
            None => return Extent::More(None),
            Some(b' ' | b'\t') if end > 2 => start = end,
            Some(_) => return Extent::Bytes(end),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FREE: Limits = Limits {
        packet: 0,
        line: 0,
        delimiter: b'\n',
    };

    #[test]
    fn lengths_are_believed_up_to_a_point() {
        let all = [
            Kind::Length(1),
            Kind::Length(2),
            Kind::Length(4),
            Kind::Asn1,
            Kind::SunRm,
            Kind::Cdr,
            Kind::FastCgi,
            Kind::Tpkt,
            Kind::Tls,
            Kind::Http,
            Kind::HttpHeader,
        ];
        // Every prefix of odd bytes has an extent, and none that is longer than the bytes.
        let bytes: [u8; 24] = core::array::from_fn(|i| !(i as u8).wrapping_mul(37));
        for kind in all {
            for from in 0..bytes.len() {
                for to in from..=bytes.len() {
                    let bytes = &bytes[from..to];
                    if let Extent::Bytes(length) = length(kind, bytes, &FREE) {
                        assert!(length <= bytes.len(), "{kind:?} {bytes:?}");
                    }
                }
            }
        }
        assert_eq!(length(Kind::Length(4), &[255; 8], &FREE), Extent::Invalid);
        assert_eq!(
            length(Kind::SunRm, &[128, 0, 0, 1, 7], &FREE),
            Extent::Bytes(5)
        );
    }
}
