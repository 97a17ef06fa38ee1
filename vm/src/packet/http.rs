//! What a line of HTTP says: requests, responses, headers, as `erlang:decode_packet/3` tells them.
//!
//! Invariant: everything found is a part of the line; nothing is allocated.

/// A first line or a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message<'a> {
    /// `GET / HTTP/1.1`
    Request {
        /// The method, and its name as an atom if it is one of RFC 2616's.
        method: (&'a [u8], Option<&'static str>),
        /// What is asked for.
        uri: Uri<'a>,
        /// Major and minor; 0.9 without one.
        version: (u32, u32),
    },
    /// `HTTP/1.1 200 OK`
    Response {
        /// Major and minor.
        version: (u32, u32),
        /// Status.
        status: u32,
        /// The rest of the line.
        phrase: &'a [u8],
    },
    /// `Host: example.com`
    Header {
        /// Name as it is written.
        name: &'a [u8],
        /// What follows it, without blanks in front.
        value: &'a [u8],
    },
    /// The empty line behind the headers.
    EndOfHeaders,
    /// None of these.
    Error,
}

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Uri<'a> {
    /// `*`
    Star,
    /// `/path`
    Path(&'a [u8]),
    /// `http://host:port/path`
    Absolute {
        /// `https`, not `http`.
        secure: bool,
        /// Host.
        host: &'a [u8],
        /// Port, if a number is there.
        port: Option<u32>,
        /// From the first slash on; `/` if there is none.
        path: &'a [u8],
    },
    /// `scheme:rest`
    Scheme(&'a [u8], &'a [u8]),
    /// Anything else.
    Text(&'a [u8]),
}

const METHODS: &[&str] = &["OPTIONS", "GET", "HEAD", "POST", "PUT", "DELETE", "TRACE"];

/// Headers whose names come as atoms, with the numbers that OTP gives them: their places, counted from 1.
const HEADERS: &[&str] = &[
    "Cache-Control",
    "Connection",
    "Date",
    "Pragma",
    "Transfer-Encoding",
    "Upgrade",
    "Via",
    "Accept",
    "Accept-Charset",
    "Accept-Encoding",
    "Accept-Language",
    "Authorization",
    "From",
    "Host",
    "If-Modified-Since",
    "If-Match",
    "If-None-Match",
    "If-Range",
    "If-Unmodified-Since",
    "Max-Forwards",
    "Proxy-Authorization",
    "Range",
    "Referer",
    "User-Agent",
    "Age",
    "Location",
    "Proxy-Authenticate",
    "Public",
    "Retry-After",
    "Server",
    "Vary",
    "Warning",
    "Www-Authenticate",
    "Allow",
    "Content-Base",
    "Content-Encoding",
    "Content-Language",
    "Content-Length",
    "Content-Location",
    "Content-Md5",
    "Content-Range",
    "Content-Type",
    "Etag",
    "Expires",
    "Last-Modified",
    "Accept-Ranges",
    "Set-Cookie",
    "Set-Cookie2",
    "X-Forwarded-For",
    "Cookie",
    "Keep-Alive",
    "Proxy-Connection",
];

/// The number and the name of a header that is well known, however it is written.
pub fn known_header(name: &[u8]) -> Option<(usize, &'static str)> {
    let known = |header: &&str| header.as_bytes().eq_ignore_ascii_case(name);
    let at = HEADERS.iter().position(known)?;
    Some((at + 1, HEADERS[at]))
}

/// The longest name of a header that is spelled by convention; a longer one stays as it came.
pub const MAX_CONVENTIONAL: usize = 50;

/// The bytes of a header's name as they are spelled by convention: capitals begin its words. A hyphen where a word begins is that
/// word's first byte, as in OTP.
pub fn conventional(name: &[u8]) -> impl Iterator<Item = u8> {
    let mut begins = true;
    name.iter().map(move |byte| {
        if begins {
            begins = false;
            return byte.to_ascii_uppercase();
        }
        begins = *byte == b'-';
        byte.to_ascii_lowercase()
    })
}

fn is_separator(byte: u8) -> bool {
    matches!(byte, 0..=b' ' | 127) || b"()<>@,;:\\\"/[]?={}".contains(&byte)
}

fn without_line_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

fn skip_blanks(text: &[u8]) -> &[u8] {
    let blanks = text.iter().take_while(|byte| matches!(byte, b' ' | b'\t'));
    &text[blanks.count()..]
}

/// Up to the first blank, and what follows.
fn word(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.iter().position(|byte| *byte == b' ');
    text.split_at(end.unwrap_or(text.len()))
}

fn digits(text: &[u8]) -> (Option<u32>, &[u8]) {
    let count = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, rest) = text.split_at(count);
    let number = core::str::from_utf8(digits)
        .ok()
        .and_then(|d| d.parse().ok());
    (number, rest)
}

/// `HTTP/1.1`, and what follows.
fn version(text: &[u8]) -> Option<((u32, u32), &[u8])> {
    let (major, rest) = digits(text.strip_prefix(b"HTTP/")?);
    let (minor, rest) = digits(rest.strip_prefix(b".")?);
    Some(((major?, minor?), rest))
}

/// Reads the first line of a request or response. Since OTP 26 a host in brackets is an IPv6 address, and numbers that no port has are told.
pub fn first_line(line: &[u8], since_26: bool) -> Message<'_> {
    let line = without_line_end(line);
    read_first_line(line, since_26).unwrap_or(Message::Error)
}

fn read_first_line(line: &[u8], since_26: bool) -> Option<Message<'_>> {
    if let Some((version, rest)) = version(line) {
        let rest = rest.strip_prefix(b" ")?;
        let (status, rest) = digits(skip_blanks(rest));
        return Some(Message::Response {
            version,
            status: status?,
            phrase: skip_blanks(rest),
        });
    }
    let end = line.iter().position(|byte| is_separator(*byte))?;
    let (method, rest) = line.split_at(end);
    if method.is_empty() || !rest.starts_with(b" ") {
        return None;
    }
    let (uri, rest) = word(skip_blanks(rest));
    if uri.is_empty() {
        return None;
    }
    let rest = skip_blanks(rest);
    let version = match rest {
        [] => (0, 9),
        _ => version(rest)?.0,
    };
    let known = METHODS.iter().find(|known| known.as_bytes() == method);
    Some(Message::Request {
        method: (method, known.copied()),
        uri: read_uri(uri, since_26),
        version,
    })
}

fn read_uri(uri: &[u8], since_26: bool) -> Uri<'_> {
    match uri {
        b"*" => return Uri::Star,
        [_] | [b'/', ..] => return Uri::Path(uri),
        _ => {}
    }
    for (prefix, secure) in [(&b"http://"[..], false), (b"https://", true)] {
        let (start, rest) = uri.split_at(prefix.len().min(uri.len()));
        if start.eq_ignore_ascii_case(prefix) {
            let slash = rest.iter().position(|byte| *byte == b'/');
            let (place, path) = rest.split_at(slash.unwrap_or(rest.len()));
            let (host, port) = match place.iter().position(|byte| *byte == b']') {
                Some(end) if since_26 && place.starts_with(b"[") => {
                    let (host, rest) = place.split_at(end + 1);
                    (host, port(rest))
                }
                _ => {
                    let colon = place.iter().position(|byte| *byte == b':');
                    let (host, rest) = place.split_at(colon.unwrap_or(place.len()));
                    (host, port(rest))
                }
            };
            let port = port.filter(|port| since_26 || *port <= u32::from(u16::MAX));
            let path = if path.is_empty() { b"/" } else { path };
            return Uri::Absolute {
                secure,
                host,
                port,
                path,
            };
        }
    }
    match uri.iter().position(|byte| *byte == b':') {
        Some(colon) => Uri::Scheme(&uri[..colon], &uri[colon + 1..]),
        None => Uri::Text(uri),
    }
}

/// The number behind the colon, if that is all there is.
fn port(text: &[u8]) -> Option<u32> {
    match digits(text.strip_prefix(b":")?) {
        (port, []) => port,
        _ => None,
    }
}

/// Reads a header, or the empty line behind the last.
pub fn header(line: &[u8]) -> Message<'_> {
    let line = without_line_end(line);
    if line.is_empty() {
        return Message::EndOfHeaders;
    }
    let end = line.iter().position(|byte| is_separator(*byte));
    match end.map(|end| line.split_at(end)) {
        Some((name, [b':', value @ ..])) => Message::Header {
            name,
            value: skip_blanks(value),
        },
        _ => Message::Error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uris_are_told_apart() {
        let absolute = |port, path| Uri::Absolute {
            secure: false,
            host: b"h",
            port,
            path,
        };
        assert_eq!(read_uri(b"http://h:80/a", true), absolute(Some(80), b"/a"));
        assert_eq!(read_uri(b"HTTP://h", true), absolute(None, b"/"));
        assert_eq!(read_uri(b"http://h:99999/", false), absolute(None, b"/"));
        assert_eq!(
            read_uri(b"http://h:99999/", true),
            absolute(Some(99_999), b"/")
        );
        assert_eq!(read_uri(b"host:443", true), Uri::Scheme(b"host", b"443"));
        assert_eq!(read_uri(b"host", true), Uri::Text(b"host"));
    }

    #[test]
    fn a_host_in_brackets_is_whole_since_otp_26() {
        let host_and_port = |uri, since_26| match read_uri(uri, since_26) {
            Uri::Absolute { host, port, .. } => (host, port),
            other => panic!("{other:?}"),
        };
        let uri = b"http://[::1]:80/a";
        assert_eq!(host_and_port(uri, false), (&b"["[..], None));
        assert_eq!(host_and_port(uri, true), (&b"[::1]"[..], Some(80)));
        assert_eq!(host_and_port(b"http://[::1]", true), (&b"[::1]"[..], None));
        assert_eq!(
            host_and_port(b"http://[::1]80/", true),
            (&b"[::1]"[..], None)
        );
        assert_eq!(host_and_port(b"http://[::1:80/", true), (&b"["[..], None));
    }

    #[test]
    fn a_well_known_header_has_its_number() {
        assert_eq!(known_header(b"HOST"), Some((14, "Host")));
        assert_eq!(
            known_header(b"proxy-connection"),
            Some((52, "Proxy-Connection"))
        );
        assert_eq!(known_header(b"x"), None);
    }
}
