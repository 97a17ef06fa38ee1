//! Hash functions: at once and in parts. The state of a hash in parts is never changed: an update gives a new one.

use super::error::{badarg, notsup};
use super::{BYTES_PER_REDUCTION, bytes_of, map_of, name_of};
use crate::bif::{Context, Fail, Value};
use crate::bits::make_binary;
use crate::memory::Arena;
use crate::memory::resource::{Resource, resource};
use crate::term::Term;
use alloc::boxed::Box;
use core::cell::RefMut;
use digest::DynDigest;

/// A hash function.
pub struct Algorithm {
    /// What Erlang calls it.
    pub name: &'static str,
    /// Bytes of a block, which HMAC wants to know.
    pub block: usize,
    /// The number that OpenSSL has for it, which `crypto:hash_info/1` tells.
    pub number: i64,
    new: fn() -> Box<dyn DynDigest>,
}

impl Algorithm {
    /// A fresh state.
    pub fn start(&self) -> Box<dyn DynDigest> {
        (self.new)()
    }
}

const fn algorithm(
    name: &'static str,
    block: usize,
    number: i64,
    new: fn() -> Box<dyn DynDigest>,
) -> Algorithm {
    Algorithm {
        name,
        block,
        number,
        new,
    }
}

/// All there are, in the order of OTP's list.
pub static ALGORITHMS: &[Algorithm] = &[
    algorithm("sha", 64, 64, || Box::new(sha1::Sha1::default())),
    algorithm("sha224", 64, 675, || Box::new(sha2::Sha224::default())),
    algorithm("sha256", 64, 672, || Box::new(sha2::Sha256::default())),
    algorithm("sha384", 128, 673, || Box::new(sha2::Sha384::default())),
    algorithm("sha512", 128, 674, || Box::new(sha2::Sha512::default())),
    algorithm(
        "sha3_224",
        144,
        1096,
        || Box::new(sha3::Sha3_224::default()),
    ),
    algorithm(
        "sha3_256",
        136,
        1097,
        || Box::new(sha3::Sha3_256::default()),
    ),
    algorithm(
        "sha3_384",
        104,
        1098,
        || Box::new(sha3::Sha3_384::default()),
    ),
    algorithm("sha3_512", 72, 1099, || Box::new(sha3::Sha3_512::default())),
    algorithm("blake2b", 128, 1056, || {
        Box::new(blake2::Blake2b512::default())
    }),
    algorithm("blake2s", 64, 1057, || {
        Box::new(blake2::Blake2s256::default())
    }),
    algorithm("md4", 64, 257, || Box::new(md4::Md4::default())),
    algorithm("md5", 64, 4, || Box::new(md5::Md5::default())),
    algorithm("ripemd160", 64, 117, || {
        Box::new(ripemd::Ripemd160::default())
    }),
];

/// Hash functions that OTP knows and this library lacks.
const MISSING: &[&str] = &["sha512_224", "sha512_256", "shake128", "shake256", "sm3"];

/// The hash function called `name`, which is argument `number`.
#[track_caller]
pub fn named(
    cx: &mut Context,
    name: Term,
    number: i64,
    unknown: &str,
) -> Result<&'static Algorithm, Fail> {
    let name = name_of(cx, name);
    match ALGORITHMS.iter().find(|one| one.name == name) {
        Some(algorithm) => Ok(algorithm),
        None if MISSING.contains(&name) => Err(notsup(cx, number, "Unsupported digest type")),
        None => Err(badarg(cx, number, unknown)),
    }
}

/// Bytes after which others may run.
const PIECE: usize = 1 << 15;

struct State(Box<dyn DynDigest>);

impl Resource for State {}

fn state<'a>(cx: &mut Context, term: &'a Term) -> Result<RefMut<'a, State>, Fail> {
    resource(term).ok_or_else(|| badarg(cx, 0, "Bad state"))
}

fn digest_term(cx: &mut Context, digest: Box<dyn DynDigest>) -> Value {
    Ok(make_binary(cx, &digest.finalize())?)
}

/// `hash_nif(Type, Data)`
pub fn hash_2(cx: &mut Context, args: &[Term]) -> Value {
    let algorithm = named(cx, args[0], 0, "Bad digest type")?;
    let Some(data) = bytes_of(cx, args[1])? else {
        return Err(badarg(cx, 1, "Not iolist"));
    };
    let mut digest = algorithm.start();
    for piece in data.chunks(cx.piece(PIECE)) {
        digest.update(piece);
        cx.consume(piece.len() / BYTES_PER_REDUCTION)?;
    }
    digest_term(cx, digest)
}

/// `hash_init_nif(Type)`
pub fn init_1(cx: &mut Context, args: &[Term]) -> Value {
    let algorithm = named(cx, args[0], 0, "Bad digest type")?;
    let handle = cx.new_resource(State(algorithm.start()))?;
    Ok(handle.term(cx)?)
}

/// `hash_update_nif(State, Data)`
pub fn update_2(cx: &mut Context, args: &[Term]) -> Value {
    let mut next = state(cx, &args[0])?.0.box_clone();
    let Some(data) = bytes_of(cx, args[1])? else {
        return Err(badarg(cx, 1, "Not iolist"));
    };
    for piece in data.chunks(cx.piece(PIECE)) {
        next.update(piece);
        cx.consume(piece.len() / BYTES_PER_REDUCTION)?;
    }
    let handle = cx.new_resource(State(next))?;
    Ok(handle.term(cx)?)
}

/// `hash_final_nif(State)`
pub fn final_1(cx: &mut Context, args: &[Term]) -> Value {
    let digest = state(cx, &args[0])?.0.box_clone();
    digest_term(cx, digest)
}

/// `hash_info_nif(Type)`: sizes and OpenSSL's number.
pub fn info_1(cx: &mut Context, args: &[Term]) -> Value {
    let algorithm = named(cx, args[0], 0, "Bad digest type")?;
    let size = algorithm.start().output_size() as i64;
    map_of(
        cx,
        &[
            ("type", Term::small(algorithm.number)),
            ("size", Term::small(size)),
            ("block_size", Term::small(algorithm.block as i64)),
        ],
    )
}

/// `hash_algorithms()`
pub fn algorithms_0(cx: &mut Context, _: &[Term]) -> Value {
    let mut list = Term::NIL;
    for algorithm in ALGORITHMS.iter().rev() {
        let name = cx.atom(algorithm.name)?;
        list = cx.cons(name, list)?;
    }
    Ok(list)
}
