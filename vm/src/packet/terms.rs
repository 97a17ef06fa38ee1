//! Packets as terms: lines of HTTP and records of TLS, as `erlang:decode_packet/3` and the driver of TCP sockets tell them.
//!
//! Invariant: what is built is complete; without memory, or room for an atom, nothing of it can be seen.

use super::http::{self, Message, Uri};
use crate::atom::{AtomTable, am};
use crate::bits::make_binary;
use crate::memory::{Arena, NoMemory};
use crate::term::Term;
use smallvec::SmallVec;

/// Where terms are built, and whether text is to be binaries.
pub struct Builder<'a, A: Arena + ?Sized> {
    /// Room for terms.
    pub arena: &'a mut A,
    /// The atoms.
    pub atoms: &'a mut AtomTable,
    /// Whether text is to be binaries.
    pub binary: bool,
}

/// `{ssl_tls, Socket, ContentType, {Major, Minor}, Data}` of a whole record; an SSL 2 hello is told as a handshake. `socket` is `[]`
/// without one.
pub fn record<A: Arena + ?Sized>(
    arena: &mut A,
    socket: Term,
    bytes: &[u8],
) -> Result<Term, NoMemory> {
    let number = |byte: u8| Term::small(byte as i64);
    let byte = |at: usize| bytes.get(at).copied().unwrap_or(0);
    let (content, version, data) = if byte(0) & 0x80 != 0 && byte(2) == 1 {
        // The data is a client hello whose four bytes of header the old format does not have.
        let body = bytes.get(3..).unwrap_or(&[]);
        let size = (body.len() as u32).to_be_bytes();
        let mut hello = SmallVec::<[u8; 128]>::new();
        hello.try_reserve(body.len() + 4).map_err(|_| NoMemory)?;
        hello.extend_from_slice(&[1, size[1], size[2], size[3]]);
        hello.extend_from_slice(body);
        (22, [byte(3), byte(4)], make_binary(arena, &hello)?)
    } else {
        let data = make_binary(arena, bytes.get(5..).unwrap_or(&[]))?;
        (byte(0), [byte(1), byte(2)], data)
    };
    let version = arena.tuple(&version.map(number))?;
    arena.tuple(&[am::SSL_TLS.term(), socket, number(content), version, data])
}

impl<A: Arena + ?Sized> Builder<'_, A> {
    fn text(&mut self, bytes: &[u8]) -> Result<Term, NoMemory> {
        match self.binary {
            true => make_binary(self.arena, bytes),
            false => self.arena.byte_list(bytes, Term::NIL),
        }
    }

    fn atom(&mut self, name: &'static str) -> Result<Term, NoMemory> {
        let atom = self.atoms.insert_static(name).map_err(|_| NoMemory)?;
        Ok(atom.term())
    }

    fn version(&mut self, (major, minor): (u32, u32)) -> Result<Term, NoMemory> {
        let (major, minor) = (Term::small(major as i64), Term::small(minor as i64));
        self.arena.tuple(&[major, minor])
    }

    /// What `line` says, which was read as `message`.
    pub fn message(&mut self, message: Message, line: &[u8]) -> Result<Term, NoMemory> {
        match message {
            Message::Request {
                method,
                uri,
                version,
            } => {
                let method = match method {
                    (_, Some(known)) => self.atom(known)?,
                    (method, None) => self.text(method)?,
                };
                let uri = self.uri(uri)?;
                let version = self.version(version)?;
                let tag = am::HTTP_REQUEST.term();
                self.arena.tuple(&[tag, method, uri, version])
            }
            Message::Response {
                version,
                status,
                phrase,
            } => {
                let version = self.version(version)?;
                let phrase = self.text(phrase)?;
                let status = Term::small(status as i64);
                let tag = am::HTTP_RESPONSE.term();
                self.arena.tuple(&[tag, version, status, phrase])
            }
            Message::Header { name, value } => {
                let (number, field) = match http::known_header(name) {
                    Some((number, known)) => (number, self.atom(known)?),
                    None => (0, self.conventional_name(name)?),
                };
                let name = self.text(name)?;
                let value = self.text(value)?;
                let number = Term::small(number as i64);
                let tag = am::HTTP_HEADER.term();
                self.arena.tuple(&[tag, number, field, name, value])
            }
            Message::EndOfHeaders => Ok(am::HTTP_EOH.term()),
            Message::Error => {
                let line = self.text(line)?;
                self.arena.tuple(&[am::HTTP_ERROR.term(), line])
            }
        }
    }

    fn conventional_name(&mut self, name: &[u8]) -> Result<Term, NoMemory> {
        if name.len() > http::MAX_CONVENTIONAL {
            return self.text(name);
        }
        let spelled: SmallVec<[u8; http::MAX_CONVENTIONAL]> = http::conventional(name).collect();
        self.text(&spelled)
    }

    fn uri(&mut self, uri: Uri) -> Result<Term, NoMemory> {
        match uri {
            Uri::Star => Ok(am::TIMES.term()),
            Uri::Text(uri) => self.text(uri),
            Uri::Path(path) => {
                let path = self.text(path)?;
                self.arena.tuple(&[am::ABS_PATH.term(), path])
            }
            Uri::Scheme(scheme, rest) => {
                let (scheme, rest) = (self.text(scheme)?, self.text(rest)?);
                self.arena.tuple(&[am::SCHEME.term(), scheme, rest])
            }
            Uri::Absolute {
                secure,
                host,
                port,
                path,
            } => {
                let scheme = if secure { am::HTTPS } else { am::HTTP }.term();
                let (host, path) = (self.text(host)?, self.text(path)?);
                let port = port.map_or(am::UNDEFINED.term(), |port| Term::small(port as i64));
                let tag = am::ABSOLUTE_URI.term();
                self.arena.tuple(&[tag, scheme, host, port, path])
            }
        }
    }
}
