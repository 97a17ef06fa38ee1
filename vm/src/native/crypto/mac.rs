//! Message authentication codes: HMAC over the hash functions, and keys from passwords by it (PBKDF2).

use super::error::{badarg, notsup};
use super::hash::{self, Algorithm};
use super::{BYTES_PER_REDUCTION, bytes_of, name_of};
use crate::bif::{Context, Fail, Value};
use crate::bits::make_binary;
use crate::memory::resource::{Resource, resource};
use crate::memory::{Arena, NoMemory};
use crate::term::Term;
use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;
use core::cell::RefMut;
use digest::DynDigest;

/// HMAC (RFC 2104) with a key, on its way through a message.
struct Hmac {
    inner: Box<dyn DynDigest>,
    /// Has taken the outer pad.
    outer: Box<dyn DynDigest>,
}

impl Hmac {
    fn new(algorithm: &Algorithm, key: &[u8]) -> Hmac {
        let mut pad = vec![0u8; algorithm.block];
        if key.len() > algorithm.block {
            let mut digest = algorithm.start();
            digest.update(key);
            let short = digest.finalize();
            pad[..short.len()].copy_from_slice(&short);
        } else {
            pad[..key.len()].copy_from_slice(key);
        }
        let start = |byte: u8| {
            let mut digest = algorithm.start();
            let padded: Vec<u8> = pad.iter().map(|key| key ^ byte).collect();
            digest.update(&padded);
            digest
        };
        Hmac {
            inner: start(0x36),
            outer: start(0x5c),
        }
    }

    /// The code of what was taken so far.
    fn code(&self) -> Box<[u8]> {
        self.code_of(self.inner.box_clone())
    }

    /// The code of one message.
    fn code_for(&self, message: &[&[u8]]) -> Box<[u8]> {
        let mut inner = self.inner.box_clone();
        for part in message {
            inner.update(part);
        }
        self.code_of(inner)
    }

    fn code_of(&self, inner: Box<dyn DynDigest>) -> Box<[u8]> {
        let mut outer = self.outer.box_clone();
        outer.update(&inner.finalize());
        outer.finalize()
    }
}

struct State(Hmac);

impl Resource for State {}

/// The algorithm of `hmac`; other kinds of codes are not there.
fn algorithm(cx: &mut Context, kind: Term, sub: Term) -> Result<&'static Algorithm, Fail> {
    match name_of(cx, kind) {
        "hmac" => hash::named(cx, sub, 1, "Bad digest algorithm"),
        "cmac" | "poly1305" | "siphash" => Err(notsup(cx, 0, "Unsupported mac algorithm")),
        _ => Err(badarg(cx, 0, "Unknown mac algorithm")),
    }
}

fn keyed(cx: &mut Context, kind: Term, sub: Term, key: Term) -> Result<Hmac, Fail> {
    let algorithm = algorithm(cx, kind, sub)?;
    let Some(key) = bytes_of(cx, key)? else {
        return Err(badarg(cx, 2, "Bad key"));
    };
    Ok(Hmac::new(algorithm, &key))
}

/// Bytes after which others may run.
const PIECE: usize = 1 << 15;

/// Codes that are computed before others may run, and what one costs.
const CODES: i64 = 64;
const REDUCTIONS_PER_CODE: usize = 8;

/// `mac_nif(Type, SubType, Key, Data)`
pub fn mac_4(cx: &mut Context, args: &[Term]) -> Value {
    let hmac = keyed(cx, args[0], args[1], args[2])?;
    let Some(data) = bytes_of(cx, args[3])? else {
        return Err(badarg(cx, 3, "Bad data"));
    };
    let mut inner = hmac.inner.box_clone();
    for piece in data.chunks(PIECE) {
        inner.update(piece);
        cx.consume(piece.len() / BYTES_PER_REDUCTION)?;
    }
    Ok(make_binary(cx, &hmac.code_of(inner))?)
}

/// `mac_init_nif(Type, SubType, Key)`
pub fn init_3(cx: &mut Context, args: &[Term]) -> Value {
    let hmac = keyed(cx, args[0], args[1], args[2])?;
    let handle = cx.new_resource(State(hmac))?;
    Ok(handle.term(cx)?)
}

fn state<'a>(cx: &mut Context, term: &'a Term) -> Result<RefMut<'a, State>, Fail> {
    resource(term).ok_or_else(|| badarg(cx, 0, "Bad ref"))
}

/// `mac_update_nif(State, Data)`: changes the state, which it returns.
pub fn update_2(cx: &mut Context, args: &[Term]) -> Value {
    let Some(data) = bytes_of(cx, args[1])? else {
        return Err(badarg(cx, 1, "Bad text"));
    };
    // The state is not borrowed while others run: it may be theirs, too.
    for piece in data.chunks(PIECE) {
        state(cx, &args[0])?.0.inner.update(piece);
        cx.consume(piece.len() / BYTES_PER_REDUCTION)?;
    }
    Ok(args[0])
}

/// `mac_final_nif(State)`
pub fn final_1(cx: &mut Context, args: &[Term]) -> Value {
    let code = state(cx, &args[0])?.0.code();
    Ok(make_binary(cx, &code)?)
}

/// `mac_algorithms()`
pub fn algorithms_0(cx: &mut Context, _: &[Term]) -> Value {
    let hmac = cx.atom("hmac")?;
    Ok(cx.list(&[hmac])?)
}

/// `pbkdf2_hmac_nif(Digest, Password, Salt, Iterations, Length)` (RFC 8018).
pub fn pbkdf2_5(cx: &mut Context, args: &[Term]) -> Value {
    let algorithm = hash::named(cx, args[0], 0, "Bad digest type")?;
    let Some(password) = bytes_of(cx, args[1])? else {
        return Err(badarg(cx, 1, "Not binary"));
    };
    let Some(salt) = bytes_of(cx, args[2])? else {
        return Err(badarg(cx, 2, "Not binary"));
    };
    let Some(iterations @ 1..) = args[3].as_small() else {
        return Err(badarg(cx, 3, "Must be > 0"));
    };
    let Some(length @ 1..) = args[4].as_small() else {
        return Err(badarg(cx, 4, "Must be > 0"));
    };
    let length = usize::try_from(length).map_err(|_| Fail::SystemLimit)?;
    let hmac = Hmac::new(algorithm, &password);
    let mut key = Vec::new();
    key.try_reserve_exact(length.saturating_add(128))
        .map_err(|_| NoMemory)?;
    let mut index = 0u32;
    while key.len() < length {
        index = index.checked_add(1).ok_or(Fail::SystemLimit)?;
        let mut last = hmac.code_for(&[&salt, &index.to_be_bytes()]);
        let mut block = last.clone();
        for iteration in 1..iterations {
            if iteration % CODES == 0 {
                cx.consume(CODES as usize * REDUCTIONS_PER_CODE)?;
            }
            last = hmac.code_for(&[&last]);
            for (sum, byte) in block.iter_mut().zip(&last) {
                *sum ^= byte;
            }
        }
        key.extend_from_slice(&block);
    }
    key.truncate(length);
    Ok(make_binary(cx, &key)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::format;
    use std::string::String;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn named(name: &str) -> &'static Algorithm {
        let found = hash::ALGORITHMS.iter().find(|one| one.name == name);
        found.expect("an algorithm")
    }

    #[test]
    fn hashes_of_abc() {
        let hash = |name| {
            let mut digest = named(name).start();
            digest.update(b"abc");
            hex(&digest.finalize())
        };
        // RFC 1321, RFC 3174, FIPS 180-2, FIPS 202.
        assert_eq!(hash("md5"), "900150983cd24fb0d6963f7d28e17f72");
        assert_eq!(hash("sha"), "a9993e364706816aba3e25717850c26c9cd0d89d");
        assert_eq!(
            hash("sha256"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert_eq!(
            hash("sha3_256"),
            "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532"
        );
    }

    #[test]
    fn codes_of_rfc_4231_and_rfc_2202() {
        let code =
            |name, key: &[u8], text: &[u8]| hex(&Hmac::new(named(name), key).code_for(&[text]));
        assert_eq!(
            code("sha256", &[0x0b; 20], b"Hi There"),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
        );
        let long = b"Test Using Larger Than Block-Size Key - Hash Key First";
        assert_eq!(
            code("sha256", &[0xaa; 131], long),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
        );
        assert_eq!(
            code("md5", b"Jefe", b"what do ya want for nothing?"),
            "750c783e6ab0b503eaa86e310a5db738"
        );
    }
}
