//! Built-in functions about the external term format.

use super::{Bif, Context, Fail, Value, bif};
use crate::atom::am;
use crate::bits::view::{BitsView, view};
use crate::bits::{binary_of_vec, make_binary};
use crate::memory::Arena;
use crate::memory::heap::Parcel;
use crate::term::Term;
use crate::term::etf::compression::{Compressing, Inflating};
use crate::term::etf::decode::Decoding;
use crate::term::etf::encode::{self, Encoding};
use crate::term::etf::local::{self, Local};
use crate::term::etf::scan::Payload;
use crate::term::etf::{DecodeError, Progress, VERSION, decode, tag};
use alloc::vec::Vec;

/// The functions.
pub const TABLE: &[Bif] = &[
    bif("erlang", "binary_to_term", 1, binary_to_term_1),
    bif("erlang", "binary_to_term", 2, binary_to_term_2),
    bif("erlang", "external_size", 1, external_size_1),
    bif("erlang", "external_size", 2, external_size_2),
    bif("erlang", "term_to_binary", 1, term_to_binary_1),
    bif("erlang", "term_to_binary", 2, term_to_binary_2),
    bif("erlang", "term_to_iovec", 1, term_to_iovec_1),
    bif("erlang", "term_to_iovec", 2, term_to_iovec_2),
];

/// The compression level of `compressed` without a number.
const DEFAULT_LEVEL: u8 = 6;

/// What the second argument of `term_to_binary/2` asks for.
struct EncodeOptions {
    encode: encode::Options,
    level: u8,
    /// For this run of the machine only; since OTP 26.
    local: bool,
}

impl EncodeOptions {
    /// The release's own: since OTP 26 atoms are written as UTF-8, and ports by eight bytes.
    fn new(cx: &mut Context) -> EncodeOptions {
        let since_26 = cx.machine().release_number() >= 26;
        EncodeOptions {
            encode: encode::Options {
                minor_version: if since_26 { 2 } else { 1 },
                wide_ports: since_26,
                ..encode::Options::default()
            },
            level: 0,
            local: false,
        }
    }

    fn of(cx: &mut Context, list: Term) -> Result<EncodeOptions, Fail> {
        let mut options = EncodeOptions::new(cx);
        let mut elements = list.iter_list();
        for option in elements.by_ref() {
            match (option.as_atom(), option.as_tuple()) {
                (Some(am::COMPRESSED), _) => options.level = DEFAULT_LEVEL,
                (Some(am::DETERMINISTIC), _) => options.encode.deterministic = true,
                (Some(am::LOCAL), _) if cx.machine().release_number() >= 26 => options.local = true,
                (None, Some(&[key, value])) => match (key.as_atom(), value.as_small()) {
                    (Some(am::COMPRESSED), Some(level @ 0..=9)) => options.level = level as u8,
                    (Some(am::MINOR_VERSION), Some(version @ 0..=2)) => {
                        options.encode.minor_version = version as u8;
                    }
                    _ => return Err(Fail::Badarg),
                },
                _ => return Err(Fail::Badarg),
            }
        }
        match elements.tail().is_nil() {
            true => Ok(options),
            false => Err(Fail::Badarg),
        }
    }
}

/// Bytes that one reduction pays for.
const BYTES_PER_REDUCTION: usize = 16;

fn encoded(cx: &mut Context, term: Term, options: &EncodeOptions) -> Result<Vec<u8>, Fail> {
    let encoding = encoding(cx, term, &options.encode)?;
    if options.level == 0 {
        return Ok(encoding.bytes);
    }
    let mut compressing = match Compressing::new(encoding.bytes, options.level)? {
        Ok(compressing) => compressing,
        Err(plain) => return Ok(plain),
    };
    loop {
        let progress = compressing.advance(DEFLATED);
        cx.consume(DEFLATED / DEFLATED_PER_REDUCTION)?;
        if progress == Progress::Done {
            return Ok(compressing.finish());
        }
    }
}

/// Bytes that are compressed before others may run, and for a reduction: that takes fifty times as long as writing them.
const DEFLATED: usize = 1 << 13;
const DEFLATED_PER_REDUCTION: usize = 3;

/// Bytes that are decompressed before others may run, and for a reduction.
const INFLATED: usize = 1 << 15;
const INFLATED_PER_REDUCTION: usize = 64;

/// What the tags are in; decompressed in pieces.
fn payload(cx: &mut Context, bytes: &[u8]) -> Result<Payload, Fail> {
    if !bytes.starts_with(&[VERSION, tag::COMPRESSED]) {
        return Payload::of(bytes).map_err(refused);
    }
    let mut inflating = Inflating::new(bytes).map_err(refused)?;
    loop {
        let progress = inflating.advance(INFLATED).map_err(refused)?;
        cx.consume(INFLATED / INFLATED_PER_REDUCTION)?;
        if progress == Progress::Done {
            return Ok(inflating.finish());
        }
    }
}

/// Bytes that are written before others may run.
const PIECE: usize = 1000 * BYTES_PER_REDUCTION;

/// The encoding of `term`, made in pieces.
fn encoding(cx: &mut Context, term: Term, options: &encode::Options) -> Result<Encoding, Fail> {
    let mut encoding = Encoding::new(term, options)?;
    let piece = cx.piece(PIECE);
    loop {
        let before = encoding.bytes.len();
        let progress = encoding.advance(cx.atoms(), piece)?;
        cx.consume((encoding.bytes.len() - before) / BYTES_PER_REDUCTION)?;
        if progress == Progress::Done {
            return Ok(encoding);
        }
    }
}

fn term_to_binary(cx: &mut Context, term: Term, options: &EncodeOptions) -> Value {
    if !options.local {
        let bytes = encoded(cx, term, options)?;
        return Ok(binary_of_vec(cx, bytes)?);
    }
    let run = cx.machine().processes.references.run;
    if let Some(bytes) = local::encode_reference(run, term) {
        return Ok(make_binary(cx, &bytes)?);
    }
    let mut bytes = encoded(cx, term, options)?;
    let head = local::ordinary_head(run);
    bytes.try_reserve(head.len()).map_err(|_| Fail::NoMemory)?;
    // In place of the version.
    bytes.splice(..1, head);
    Ok(binary_of_vec(cx, bytes)?)
}

fn term_to_binary_1(cx: &mut Context, args: &[Term]) -> Value {
    let options = EncodeOptions::new(cx);
    term_to_binary(cx, args[0], &options)
}

fn term_to_binary_2(cx: &mut Context, args: &[Term]) -> Value {
    let options = EncodeOptions::of(cx, args[1])?;
    term_to_binary(cx, args[0], &options)
}

/// One binary: how the bytes are cut into several is up to the implementation.
fn term_to_iovec_1(cx: &mut Context, args: &[Term]) -> Value {
    let binary = term_to_binary_1(cx, args)?;
    Ok(cx.cons(binary, Term::NIL)?)
}

fn term_to_iovec_2(cx: &mut Context, args: &[Term]) -> Value {
    let binary = term_to_binary_2(cx, args)?;
    Ok(cx.cons(binary, Term::NIL)?)
}

fn external_size(cx: &mut Context, term: Term, options: &encode::Options) -> Value {
    let encoding = encoding(cx, term, options)?;
    // The two integers of a fun are not looked at, as in OTP.
    let size = encoding.bytes.len() + 3 * encoding.short_fun_integers;
    Ok(cx.integer(size as i64)?)
}

fn external_size_1(cx: &mut Context, args: &[Term]) -> Value {
    let options = EncodeOptions::new(cx);
    external_size(cx, args[0], &options.encode)
}

/// Knows the option `minor_version` alone; `{minor_version, 2}` since OTP 26.
fn external_size_2(cx: &mut Context, args: &[Term]) -> Value {
    let highest = EncodeOptions::new(cx).encode.minor_version;
    let options = EncodeOptions::of(cx, args[1])?;
    if options.level > 0 || options.encode.deterministic || options.encode.minor_version > highest {
        return Err(Fail::Badarg);
    }
    external_size(cx, args[0], &options.encode)
}

/// The term, and how many bytes it was.
fn decoded(cx: &mut Context, binary: Term, safe: bool) -> Result<(Term, usize), Fail> {
    let bits = view(&binary).filter(|bits| BitsView::is_binary(*bits));
    let bytes = bits.ok_or(Fail::Badarg)?.to_bytes()?.ok_or(Fail::Badarg)?;
    let run = cx.machine().processes.references.run;
    match local::decode(run, &bytes) {
        None => decoded_ordinary(cx, &bytes, safe),
        Some((Local::Reference(number), size)) => Ok((number.term(cx)?, size)),
        Some((Local::Ordinary(rest), head)) => {
            let mut ordinary = Vec::new();
            ordinary
                .try_reserve_exact(1 + rest.len())
                .map_err(|_| Fail::NoMemory)?;
            ordinary.push(VERSION);
            ordinary.extend_from_slice(rest);
            let (term, size) = decoded_ordinary(cx, &ordinary, safe)?;
            Ok((term, head + size - 1))
        }
    }
}

fn decoded_ordinary(cx: &mut Context, bytes: &[u8], safe: bool) -> Result<(Term, usize), Fail> {
    let resources = cx.machine().resources.clone();
    let options = decode::Options {
        safe,
        resources: Some(&resources),
        ..decode::Options::default()
    };
    let payload = payload(cx, bytes)?;
    let (data, at) = match &payload {
        Payload::Plain(at) => (bytes, *at),
        Payload::Inflated { data, .. } => (&data[..], 0),
    };
    let mut decoding = Decoding::new(at);
    let terms = cx.piece(TERMS);
    loop {
        let before = decoding.used();
        let measured = decoding
            .measure(data, cx.atoms(), &options, terms)
            .map_err(refused)?;
        cx.consume((decoding.used() - before) / BYTES_PER_REDUCTION / 2)?;
        if measured == Progress::Done {
            break;
        }
    }
    let mut root = Term::NIL.raw();
    let mut apart = (decoding.used() - at >= LARGE_INPUT).then(Parcel::new);
    match &mut apart {
        Some(parcel) => decoding.begin(parcel, &raw mut root)?,
        None => decoding.begin(cx.heap(), &raw mut root)?,
    }
    loop {
        let before = decoding.position();
        let (heap, atoms, code) = cx.heap_atoms_and_code();
        let arena: &mut dyn Arena = match &mut apart {
            Some(parcel) => parcel,
            None => heap,
        };
        // SAFETY: `root` is there until the end; what comes behind `Done` is no call.
        let built = unsafe { decoding.build(data, atoms, arena, code, &options, terms) };
        let built = built.map_err(refused)?;
        cx.consume((decoding.position() - before) / BYTES_PER_REDUCTION)?;
        if built == Progress::Done {
            break;
        }
    }
    if let Some(parcel) = apart {
        parcel.give_to(cx.heap())?;
    }
    let used = match payload {
        Payload::Plain(_) => decoding.used(),
        Payload::Inflated { used, .. } => used,
    };
    // SAFETY: `build` has put the finished term there.
    Ok((unsafe { Term::from_raw(root) }, used))
}

/// From so many bytes on a term is made in a parcel, which the process adopts instead of copying it once more.
const LARGE_INPUT: usize = 1 << 18;

/// Terms that are decoded before others may run.
const TERMS: usize = 2000;

fn refused(error: DecodeError) -> Fail {
    match error {
        DecodeError::NoMemory => Fail::NoMemory,
        DecodeError::AtomTableFull => Fail::AtomTableFull,
        _ => Fail::Badarg,
    }
}

fn binary_to_term_1(cx: &mut Context, args: &[Term]) -> Value {
    Ok(decoded(cx, args[0], false)?.0)
}

fn binary_to_term_2(cx: &mut Context, args: &[Term]) -> Value {
    let (mut safe, mut used) = (false, false);
    let mut elements = args[1].iter_list();
    for option in elements.by_ref() {
        match option.as_atom() {
            Some(am::SAFE) => safe = true,
            Some(am::USED) => used = true,
            _ => return Err(cx.fail_because(am::BADOPT)),
        }
    }
    if !elements.tail().is_nil() {
        return Err(cx.fail_because(am::BADOPT));
    }
    let (term, size) = decoded(cx, args[0], safe)?;
    match used {
        true => Ok(cx.tuple(&[term, Term::small(size as i64)])?),
        false => Ok(term),
    }
}
