//! `crypto`: what OTP's module calls in its native library, by the RustCrypto crates.
//!
//! There are hash functions, HMAC, PBKDF2, AES (ECB, CBC, CTR, GCM), ChaCha20-Poly1305, random bytes and numbers. Public keys, curves, engines
//! and the other ciphers are not there: the lists of `crypto:supports/0` say so, and their functions raise `nif_not_loaded`
//! by name.
//!
//! Secrets are not wiped from memory, as they are not from terms.

mod aead;
mod cipher;
mod error;
mod hash;
mod mac;
mod random;

use super::{Library, native};
use crate::atom::am;
use crate::bif::{Context, Fail, Value};
use crate::bits::iolist::{Parts, flatten};
use crate::bits::make_binary;
use crate::bits::view::{BitsView, view};
use crate::map::from_pairs;
use crate::memory::Arena;
use crate::term::Term;
use alloc::borrow::Cow;
use alloc::vec::Vec;

/// The library.
pub static LIBRARY: Library = Library {
    module: "crypto",
    functions: &[
        native("info_lib", 0, info_lib_0),
        native("info_nif", 0, info_0),
        native("info_fips", 0, info_fips_0),
        native("enable_fips_mode_nif", 1, enable_fips_mode_1),
        native("hash_algorithms", 0, hash::algorithms_0),
        native("mac_algorithms", 0, mac::algorithms_0),
        native("cipher_algorithms", 0, cipher::algorithms_0),
        native("pubkey_algorithms", 0, none_0),
        native("curve_algorithms", 0, none_0),
        native("rsa_opts_algorithms", 0, none_0),
        native("hash_nif", 2, hash::hash_2),
        native("hash_init_nif", 1, hash::init_1),
        native("hash_update_nif", 2, hash::update_2),
        native("hash_final_nif", 1, hash::final_1),
        native("hash_info_nif", 1, hash::info_1),
        native("mac_nif", 4, mac::mac_4),
        native("mac_init_nif", 3, mac::init_3),
        native("mac_update_nif", 2, mac::update_2),
        native("mac_final_nif", 1, mac::final_1),
        native("pbkdf2_hmac_nif", 5, mac::pbkdf2_5),
        native("strong_rand_bytes_nif", 1, random::bytes_1),
        native("strong_rand_range_nif", 1, random::range_1),
        native("rand_uniform_nif", 2, random::uniform_2),
        native("rand_seed_nif", 1, random::seed_1),
        native("do_exor", 2, random::exor_2),
        native("hash_equals_nif", 2, random::equals_2),
        native("cipher_info_nif", 1, cipher::info_1),
        native("ng_crypto_one_time_nif", 5, cipher::one_time_5),
        native("ng_crypto_init_nif", 4, cipher::init_4),
        native("ng_crypto_update_nif", 2, cipher::update_2),
        native("ng_crypto_final_nif", 1, cipher::final_1),
        native("aead_cipher_nif", 7, aead::cipher_7),
    ],
};

/// Bytes that one reduction pays for.
const BYTES_PER_REDUCTION: usize = 64;

/// What `crypto:info_lib/0` calls the library.
const NAME: &[u8] = b"RustCrypto";

/// The bytes of an I/O list; `None` if it is none.
fn bytes_of<'a>(cx: &mut Context, data: Term) -> Result<Option<Cow<'a, [u8]>>, Fail> {
    let binary = if view(&data).is_some_and(BitsView::is_binary) {
        data
    } else if data.is_list() {
        match flatten(cx, data, Parts::Binaries) {
            Ok(binary) => binary,
            Err(Fail::Badarg) => return Ok(None),
            Err(other) => return Err(other),
        }
    } else {
        return Ok(None);
    };
    match view(&binary) {
        Some(bits) => Ok(bits.to_bytes()?),
        None => Ok(None),
    }
}

/// The name of an atom; empty for other terms.
fn name_of(cx: &mut Context, term: Term) -> &'static str {
    term.as_atom().map_or("", |atom| cx.atoms().name(atom))
}

/// A map with atoms for keys.
fn map_of(cx: &mut Context, pairs: &[(&'static str, Term)]) -> Value {
    let mut terms = Vec::with_capacity(pairs.len());
    for &(name, value) in pairs {
        terms.push((cx.atom(name)?, value));
    }
    let (heap, atoms) = cx.heap_and_atoms();
    Ok(from_pairs(heap, atoms, terms.into_iter())?)
}

/// `info_lib()`: `[{Name, Number, Version}]`.
fn info_lib_0(cx: &mut Context, _: &[Term]) -> Value {
    let name = make_binary(cx, NAME)?;
    let version = make_binary(
        cx,
        concat!("RustCrypto in Starling ", env!("CARGO_PKG_VERSION")).as_bytes(),
    )?;
    let entry = cx.tuple(&[name, Term::small(0), version])?;
    Ok(cx.list(&[entry])?)
}

/// `info_nif()`
fn info_0(cx: &mut Context, _: &[Term]) -> Value {
    let version = cx.byte_list(NAME, Term::NIL)?;
    let link_type = cx.atom("static")?;
    map_of(
        cx,
        &[
            ("compile_type", am::NORMAL.term()),
            ("link_type", link_type),
            ("cryptolib_version_compiled", version),
            ("cryptolib_version_linked", version),
        ],
    )
}

fn info_fips_0(cx: &mut Context, _: &[Term]) -> Value {
    cx.atom("not_supported")
}

/// There is no FIPS mode: switching it off works.
fn enable_fips_mode_1(_: &mut Context, args: &[Term]) -> Value {
    let enable = args[0].as_boolean().ok_or(Fail::Badarg)?;
    Ok(Term::boolean(!enable))
}

fn none_0(_: &mut Context, _: &[Term]) -> Value {
    Ok(Term::NIL)
}
