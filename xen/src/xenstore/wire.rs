//! Messages of the xenstore protocol (`io/xs_wire.h`, `docs/misc/xenstore.txt` of Xen).
//!
//! A message is a header of four words and up to 4,096 bytes. Invariant: [`Assembler`] takes bytes in pieces of any size,
//! believes no length beyond that limit, and allocates no more than a message says it has. Called by [`super::client`].

use alloc::vec::Vec;

/// Longest payload in either direction (`XENSTORE_PAYLOAD_MAX`).
pub const PAYLOAD_MAX: usize = 4096;
/// Longest absolute path (`XENSTORE_ABS_PATH_MAX`).
pub const PATH_MAX: usize = 3072;
/// Bytes of a header.
pub const HEADER_SIZE: usize = 16;

/// What a message is about: `enum xsd_sockmsg_type`, as far as a guest uses it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
#[allow(missing_docs)] // the names are the protocol's own
pub enum Kind {
    Directory = 1,
    Read = 2,
    GetPerms = 3,
    Watch = 4,
    Unwatch = 5,
    TransactionStart = 6,
    TransactionEnd = 7,
    Write = 11,
    Mkdir = 12,
    Rm = 13,
    SetPerms = 14,
    WatchEvent = 15,
    Error = 16,
    DirectoryPart = 22,
}

/// `struct xsd_sockmsg`, as it was received: nothing of it has been checked but the length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// A [`Kind`], or anything else.
    pub kind: u32,
    /// The request that is answered.
    pub request: u32,
    /// The transaction, 0 outside of any.
    pub transaction: u32,
    /// Bytes that follow.
    pub len: u32,
}

impl Header {
    fn decode(bytes: &[u8; HEADER_SIZE]) -> Self {
        let word = |at: usize| {
            u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
        };
        Self {
            kind: word(0),
            request: word(4),
            transaction: word(8),
            len: word(12),
        }
    }

    /// The header as it is sent.
    pub fn encode(&self) -> [u8; HEADER_SIZE] {
        let mut bytes = [0; HEADER_SIZE];
        let words = [self.kind, self.request, self.transaction, self.len];
        for (slot, word) in bytes.chunks_exact_mut(4).zip(words) {
            slot.copy_from_slice(&word.to_le_bytes());
        }
        bytes
    }
}

/// A length that no message may have: where the next one would begin is not known any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLong(pub u32);

/// Makes messages of pieces of a stream.
#[derive(Default)]
pub struct Assembler {
    header: [u8; HEADER_SIZE],
    header_filled: usize,
    payload: Vec<u8>,
}

impl Assembler {
    /// Takes from the front of `bytes`, and gives a message when it is complete: call it until `bytes` is empty and it
    /// gives none.
    pub fn take(&mut self, bytes: &mut &[u8]) -> Result<Option<(Header, Vec<u8>)>, TooLong> {
        let count = (HEADER_SIZE - self.header_filled).min(bytes.len());
        self.header[self.header_filled..][..count].copy_from_slice(&bytes[..count]);
        self.header_filled += count;
        *bytes = &bytes[count..];
        if self.header_filled < HEADER_SIZE {
            return Ok(None);
        }
        let header = Header::decode(&self.header);
        let len = header.len as usize;
        if len > PAYLOAD_MAX {
            return Err(TooLong(header.len));
        }
        let count = (len - self.payload.len()).min(bytes.len());
        self.payload.extend_from_slice(&bytes[..count]);
        *bytes = &bytes[count..];
        if self.payload.len() < len {
            return Ok(None);
        }
        self.header_filled = 0;
        Ok(Some((header, core::mem::take(&mut self.payload))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec;

    fn message(kind: u32, payload: &[u8]) -> Vec<u8> {
        let header = Header {
            kind,
            request: 7,
            transaction: 9,
            len: payload.len() as u32,
        };
        let mut bytes = header.encode().to_vec();
        bytes.extend(payload);
        bytes
    }

    #[test]
    fn messages_come_out_whole_whatever_the_pieces() {
        let mut stream = message(1, b"abc");
        stream.extend(message(2, b""));
        stream.extend(message(3, &[5; PAYLOAD_MAX]));
        for piece in [1, 2, 15, 16, 17, 300, 10_000] {
            let mut assembler = Assembler::default();
            let mut found = vec![];
            for mut bytes in stream.chunks(piece) {
                while let Some(message) = assembler.take(&mut bytes).unwrap() {
                    found.push(message);
                }
                assert!(bytes.is_empty());
            }
            let sizes: Vec<_> = found.iter().map(|(h, p)| (h.kind, p.len())).collect();
            assert_eq!(sizes, [(1, 3), (2, 0), (3, PAYLOAD_MAX)]);
            assert_eq!(found[0].1, b"abc");
        }
    }

    #[test]
    fn a_length_beyond_the_limit_is_refused_before_it_is_allocated() {
        for len in [PAYLOAD_MAX as u32 + 1, u32::MAX] {
            let header = Header {
                kind: 2,
                request: 0,
                transaction: 0,
                len,
            };
            let mut assembler = Assembler::default();
            let result = assembler.take(&mut &header.encode()[..]);
            assert_eq!(result, Err(TooLong(len)));
        }
    }
}
