//! Built-in functions of module `binary`.
//!
//! A compiled pattern is `{bm, Reference}` for one binary, `{ac, Reference}` for several, as in OTP. The resource behind the reference is a
//! [`Compiled`], which only [`compile_pattern_1`] makes. What OTP compiles into a table takes no longer to prepare here than to look
//! at, see [`crate::bits::search`].

use super::bitstring::{binary_part_2, binary_part_3, bits, part, range, range_of_tuple};
use super::{Bif, Context, Fail, Value, bare, bif};
use crate::atom::am;
use crate::bits::iolist::Parts;
use crate::bits::make::base_of;
use crate::bits::search::{Found, Search};
use crate::bits::view::view;
use crate::bits::{MAX_BITS, build_binary, integer, make_binary, new_uninit};
use crate::memory::resource::{Resource, resource};
use crate::memory::{Arena, NoMemory};
use crate::number::big::Integer;
use crate::term::Term;
use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::ops::Range;
use starling_loader::isa::segment;

/// The functions of this file.
pub const TABLE: &[Bif] = &[
    bif("binary", "at", 2, at_2),
    bare("binary", "bin_to_list", 1, bin_to_list_1),
    bare("binary", "bin_to_list", 2, bin_to_list_2),
    bare("binary", "bin_to_list", 3, bin_to_list_3),
    bif("binary", "compile_pattern", 1, compile_pattern_1),
    bif("binary", "copy", 1, copy_1),
    bif("binary", "copy", 2, copy_2),
    bif("binary", "decode_unsigned", 1, decode_unsigned_1),
    bif("binary", "decode_unsigned", 2, decode_unsigned_2),
    bif("binary", "encode_unsigned", 1, encode_unsigned_1),
    bif("binary", "encode_unsigned", 2, encode_unsigned_2),
    bif("binary", "first", 1, first_1),
    bif("binary", "last", 1, last_1),
    bif("binary", "list_to_bin", 1, list_to_bin_1),
    bif(
        "binary",
        "longest_common_prefix",
        1,
        longest_common_prefix_1,
    ),
    bif(
        "binary",
        "longest_common_suffix",
        1,
        longest_common_suffix_1,
    ),
    bif("binary", "match", 2, match_2),
    bif("binary", "match", 3, match_3),
    bif("binary", "matches", 2, matches_2),
    bif("binary", "matches", 3, matches_3),
    bif("binary", "part", 2, binary_part_2),
    bif("binary", "part", 3, binary_part_3),
    bif("binary", "referenced_byte_size", 1, referenced_byte_size_1),
    bif("binary", "split", 2, split_2),
    bif("binary", "split", 3, split_3),
];

/// Bytes that are searched, copied or compared for the price of a reduction.
const BYTES_PER_REDUCTION: usize = 256;

/// Bytes that are copied before others may run.
const PIECE: usize = 512 * BYTES_PER_REDUCTION;

/// The bytes of an argument that must be a binary.
fn bytes<'a>(term: Term) -> Result<Cow<'a, [u8]>, Fail> {
    bits(&term)?.to_bytes()?.ok_or(Fail::Badarg)
}

// ---- single bytes, lists, copies ----

fn byte_at(term: Term, index: impl FnOnce(usize) -> Option<usize>) -> Value {
    let bits = bits(&term)?;
    let size = bits.size / 8;
    match index(size).filter(|index| *index < size) {
        Some(index) if bits.is_binary() => Ok(Term::small(bits.byte(index) as i64)),
        _ => Err(Fail::Badarg),
    }
}

fn at_2(_cx: &mut Context, args: &[Term]) -> Value {
    byte_at(args[0], |_| usize::try_from(args[1].as_small()?).ok())
}

fn first_1(_cx: &mut Context, args: &[Term]) -> Value {
    byte_at(args[0], |_| Some(0))
}

fn last_1(_cx: &mut Context, args: &[Term]) -> Value {
    byte_at(args[0], |size| size.checked_sub(1))
}

fn bin_to_list_1(cx: &mut Context, args: &[Term]) -> Value {
    let bytes = bytes(args[0])?;
    Ok(cx.byte_list(&bytes, Term::NIL)?)
}

fn bin_to_list_2(cx: &mut Context, args: &[Term]) -> Value {
    let bytes = bytes(args[0])?;
    let (start, length) = range_of_tuple(args[1], bytes.len())?;
    Ok(cx.byte_list(&bytes[start..start + length], Term::NIL)?)
}

fn bin_to_list_3(cx: &mut Context, args: &[Term]) -> Value {
    let bytes = bytes(args[0])?;
    let (start, length) = range(args[1], args[2], bytes.len())?;
    Ok(cx.byte_list(&bytes[start..start + length], Term::NIL)?)
}

fn list_to_bin_1(cx: &mut Context, args: &[Term]) -> Value {
    if !args[0].is_list() {
        return Err(Fail::Badarg);
    }
    super::iolist::flattened(cx, args[0], Parts::Binaries)
}

fn copy_1(cx: &mut Context, args: &[Term]) -> Value {
    if !bits(&args[0])?.is_binary() {
        return Err(Fail::Badarg);
    }
    copy_2(cx, &[args[0], Term::small(1)])
}

fn copy_2(cx: &mut Context, args: &[Term]) -> Value {
    // No copies can be made of anything.
    if args[1] == Term::small(0) && view(&args[0]).is_some() {
        return Ok(make_binary(cx, b"")?);
    }
    let bytes = bytes(args[0])?;
    let count = args[1].as_small().ok_or(Fail::Badarg)?;
    let count = usize::try_from(count).map_err(|_| Fail::Badarg)?;
    let size = bytes
        .len()
        .checked_mul(count)
        .filter(|size| *size <= MAX_BITS / 8)
        .ok_or(Fail::SystemLimit)?;
    let (term, target) = new_uninit(cx, size)?;
    // Copies double up to a piece, so that many of a few bytes are not as many calls.
    let mut done = 0;
    while done < size {
        let from = if done == 0 {
            bytes.as_ptr()
        } else {
            target.cast_const()
        };
        // What is there already is whole copies, as long as it doubles.
        let there = if done == 0 {
            bytes.len()
        } else {
            done.min(PIECE / bytes.len() * bytes.len()).max(bytes.len())
        };
        let more = there.min(size - done);
        let mut copied = 0;
        while copied < more {
            let piece = (more - copied).min(PIECE);
            // SAFETY: `there` bytes are at `from`, before `done`; the target has `size` bytes.
            unsafe {
                core::ptr::copy_nonoverlapping(from.add(copied), target.add(done + copied), piece)
            };
            copied += piece;
            cx.consume(piece / BYTES_PER_REDUCTION)?;
        }
        done += more;
    }
    Ok(term)
}

/// How much memory the binary keeps alive, in bytes.
fn referenced_byte_size_1(_cx: &mut Context, args: &[Term]) -> Value {
    bits(&args[0])?;
    let base = base_of(args[0]);
    Ok(Term::small(bits(&base)?.size.div_ceil(8) as i64))
}

// ---- numbers ----

/// `big` or `little` as a segment's flag.
fn endianness(term: Term) -> Result<u64, Fail> {
    match term.as_atom() {
        Some(am::BIG) => Ok(0),
        Some(am::LITTLE) => Ok(segment::LITTLE),
        _ => Err(Fail::Badarg),
    }
}

fn encode_unsigned_1(cx: &mut Context, args: &[Term]) -> Value {
    encode_unsigned(cx, args[0], 0)
}

fn encode_unsigned_2(cx: &mut Context, args: &[Term]) -> Value {
    let flags = endianness(args[1])?;
    encode_unsigned(cx, args[0], flags)
}

fn encode_unsigned(cx: &mut Context, value: Term, flags: u64) -> Value {
    let integer = Integer::of_term(&value).ok_or(Fail::Badarg)?;
    if integer.negative {
        return Err(Fail::Badarg);
    }
    let bits = match integer.digits() {
        [] => 8,
        [rest @ .., top] => rest.len() * 64 + 64 - top.leading_zeros() as usize,
    };
    let size = bits.div_ceil(8);
    let mut written = Ok(());
    let term = build_binary(cx, size, |target| {
        // SAFETY: the target has `size` bytes.
        written = unsafe { integer::write(target.as_mut_ptr(), 0, size * 8, flags, value) };
    })?;
    written.map(|()| term)
}

fn decode_unsigned_1(cx: &mut Context, args: &[Term]) -> Value {
    decode_unsigned(cx, args[0], 0)
}

fn decode_unsigned_2(cx: &mut Context, args: &[Term]) -> Value {
    let flags = endianness(args[1])?;
    decode_unsigned(cx, args[0], flags)
}

fn decode_unsigned(cx: &mut Context, term: Term, flags: u64) -> Value {
    let bytes = bytes(term)?;
    // Leading zeros do not count against the limit of integers.
    let is_digit = |byte: &u8| *byte != 0;
    let digits = if flags == 0 {
        let zeros = bytes.iter().position(is_digit).unwrap_or(bytes.len());
        &bytes[zeros..]
    } else {
        let used = bytes.iter().rposition(is_digit).map_or(0, |last| last + 1);
        &bytes[..used]
    };
    // SAFETY: inside `digits`.
    unsafe { integer::read(cx, digits.as_ptr(), 0, digits.len() * 8, flags) }
}

// ---- common parts ----

fn longest_common_prefix_1(cx: &mut Context, args: &[Term]) -> Value {
    longest_common(cx, args[0], |a, b| {
        a.iter().zip(b).take_while(|(x, y)| x == y).count()
    })
}

fn longest_common_suffix_1(cx: &mut Context, args: &[Term]) -> Value {
    longest_common(cx, args[0], |a, b| {
        let pairs = a.iter().rev().zip(b.iter().rev());
        pairs.take_while(|(x, y)| x == y).count()
    })
}

/// The length of what all binaries of a list, at least one, have in common, where `common` counts it for two.
fn longest_common(cx: &mut Context, list: Term, common: fn(&[u8], &[u8]) -> usize) -> Value {
    let mut items = list.iter_list();
    let first = bytes(items.next().ok_or(Fail::Badarg)?)?;
    let mut longest = first.len();
    for item in &mut items {
        let next = bytes(item)?;
        longest = longest.min(common(&first, &next));
        cx.consume(next.len().min(first.len()) / BYTES_PER_REDUCTION)?;
    }
    if !items.tail().is_nil() {
        return Err(Fail::Badarg);
    }
    Ok(Term::small(longest as i64))
}

// ---- searching ----

/// The binaries of a compiled pattern. A search shares them: the resource itself is not borrowed while others run, who may search for the
/// same.
struct Compiled(Rc<[Box<[u8]>]>);

impl Resource for Compiled {
    fn bytes(&self) -> usize {
        let slot = size_of::<Box<[u8]>>();
        self.0.iter().map(|pattern| slot + pattern.len()).sum()
    }
}

/// The tag of a compiled pattern of `count` binaries: the name of the algorithm that OTP takes for so many.
fn kind(count: usize) -> Term {
    if count == 1 {
        am::BM.term()
    } else {
        am::AC.term()
    }
}

/// What is searched for: at least one binary, and none of them is empty.
enum Patterns<'a> {
    Given(Vec<Cow<'a, [u8]>>),
    Compiled(Rc<[Box<[u8]>]>),
}

impl<'a> Patterns<'a> {
    /// The patterns of an argument: a binary, a list of binaries, or either of them compiled.
    fn read(term: &'a Term) -> Result<Patterns<'a>, Fail> {
        match term.as_tuple() {
            Some([tag, reference]) => {
                let compiled = resource::<Compiled>(reference).ok_or(Fail::Badarg)?;
                let compiled = compiled.0.clone();
                if *tag != kind(compiled.len()) {
                    return Err(Fail::Badarg);
                }
                Ok(Patterns::Compiled(compiled))
            }
            Some(_) => Err(Fail::Badarg),
            None => Ok(Patterns::Given(given_patterns(*term)?)),
        }
    }

    fn len(&self) -> usize {
        match self {
            Patterns::Given(list) => list.len(),
            Patterns::Compiled(compiled) => compiled.len(),
        }
    }

    fn iter(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        (0..self.len()).map(|index| match self {
            Patterns::Given(list) => &*list[index],
            Patterns::Compiled(compiled) => &*compiled[index],
        })
    }
}

/// The patterns of a binary or a list of binaries.
fn given_patterns<'a>(term: Term) -> Result<Vec<Cow<'a, [u8]>>, Fail> {
    let mut found = Vec::new();
    let mut add = |item: Term| -> Result<(), Fail> {
        let pattern = bytes(item)?;
        if pattern.is_empty() {
            return Err(Fail::Badarg);
        }
        found.try_reserve(1).map_err(|_| NoMemory)?;
        found.push(pattern);
        Ok(())
    };
    if term.is_cons() {
        let mut items = term.iter_list();
        items.try_for_each(&mut add)?;
        if !items.tail().is_nil() {
            return Err(Fail::Badarg);
        }
    } else {
        add(term)?;
    }
    Ok(found)
}

fn compile_pattern_1(cx: &mut Context, args: &[Term]) -> Value {
    let patterns = given_patterns(args[0])?;
    let mut copies = Vec::new();
    copies
        .try_reserve_exact(patterns.len())
        .map_err(|_| NoMemory)?;
    for pattern in &patterns {
        let mut copy = Vec::new();
        copy.try_reserve_exact(pattern.len())
            .map_err(|_| NoMemory)?;
        copy.extend_from_slice(pattern);
        copies.push(copy.into_boxed_slice());
    }
    let tag = kind(copies.len());
    let compiled = cx.new_resource(Compiled(copies.into()))?.term(cx)?;
    Ok(cx.tuple(&[tag, compiled])?)
}

/// The options of a search.
struct Options {
    scope: Range<usize>,
    global: bool,
    trim: bool,
    trim_all: bool,
}

impl Options {
    /// Reads a list of options for a subject of `size` bytes; those of `split/3` are allowed if `split` is set. As in OTP, a tail
    /// that is no list ends it.
    fn read(list: Term, size: usize, split: bool) -> Result<Options, Fail> {
        let mut options = Options {
            scope: 0..size,
            global: false,
            trim: false,
            trim_all: false,
        };
        if !list.is_list() {
            return Err(Fail::Badarg);
        }
        for option in list.iter_list() {
            match (option.as_atom(), option.as_tuple()) {
                (None, Some(&[scope, place])) if scope == am::SCOPE.term() => {
                    let (start, length) = range_of_tuple(place, size)?;
                    options.scope = start..start + length;
                }
                (Some(am::GLOBAL), _) if split => options.global = true,
                (Some(am::TRIM), _) if split => options.trim = true,
                (Some(am::TRIM_ALL), _) if split => options.trim_all = true,
                _ => return Err(Fail::Badarg),
            }
        }
        Ok(options)
    }
}

/// Start and length of the occurrences of `pattern` in the scope, at most `limit` of them; none overlaps the one before.
fn occurrences(
    cx: &mut Context,
    subject: Term,
    pattern: Term,
    options: Term,
    split: bool,
    limit: usize,
) -> Result<(Vec<(usize, usize)>, Options), Fail> {
    let bytes = bytes(subject)?;
    let options = Options::read(options, bytes.len(), split)?;
    // As OTP, which does not look at the pattern then.
    if bytes.is_empty() {
        return Ok((Vec::new(), options));
    }
    let patterns = Patterns::read(&pattern)?;
    let limit = if options.global { usize::MAX } else { limit };
    let scope = &bytes[options.scope.clone()];
    let mut search = Search::new(scope, patterns.iter())?;
    let mut found = Vec::new();
    let mut from = 0;
    // Where the search has come to.
    let mut at = 0;
    while found.len() < limit {
        let next = search.next_from(from, PIECE);
        let now = match next {
            Found::At { start, length } => start + length,
            Found::NothingYet => scope.len().min(at + PIECE),
            Found::Nothing => scope.len(),
        };
        let searched = now.saturating_sub(at) * patterns.len();
        at = now;
        if let Found::At { start, length } = next {
            found.try_reserve(1).map_err(|_| NoMemory)?;
            found.push((options.scope.start + start, length));
            from = now;
        }
        cx.consume(1 + searched / BYTES_PER_REDUCTION)?;
        if next == Found::Nothing {
            break;
        }
    }
    Ok((found, options))
}

fn place(cx: &mut Context, (start, length): (usize, usize)) -> Result<Term, NoMemory> {
    cx.tuple(&[Term::small(start as i64), Term::small(length as i64)])
}

fn match_2(cx: &mut Context, args: &[Term]) -> Value {
    match_3(cx, &[args[0], args[1], Term::NIL])
}

fn match_3(cx: &mut Context, args: &[Term]) -> Value {
    let (found, _) = occurrences(cx, args[0], args[1], args[2], false, 1)?;
    match found.first() {
        Some(occurrence) => Ok(place(cx, *occurrence)?),
        None => Ok(am::NOMATCH.term()),
    }
}

fn matches_2(cx: &mut Context, args: &[Term]) -> Value {
    matches_3(cx, &[args[0], args[1], Term::NIL])
}

fn matches_3(cx: &mut Context, args: &[Term]) -> Value {
    let (found, _) = occurrences(cx, args[0], args[1], args[2], false, usize::MAX)?;
    let mut list = Term::NIL;
    for occurrence in found.into_iter().rev() {
        cx.consume(1)?;
        let place = place(cx, occurrence)?;
        list = cx.cons(place, list)?;
    }
    Ok(list)
}

fn split_2(cx: &mut Context, args: &[Term]) -> Value {
    split_3(cx, &[args[0], args[1], Term::NIL])
}

fn split_3(cx: &mut Context, args: &[Term]) -> Value {
    let subject = args[0];
    let (found, options) = occurrences(cx, subject, args[1], args[2], true, 1)?;
    let mut list = Term::NIL;
    let mut end = bits(&subject)?.size / 8;
    // From the last part to the first; what is before the first occurrence comes from an empty one there.
    for (start, length) in found.into_iter().rev().chain([(0, 0)]) {
        cx.consume(1)?;
        let begin = start + length;
        let left_out = begin == end && (options.trim_all || options.trim && list.is_nil());
        if !left_out {
            let piece = part(cx, subject, (begin, end - begin))?;
            list = cx.cons(piece, list)?;
        }
        end = start;
    }
    Ok(list)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bits::make_binary;
    use crate::memory::heap::Parcel;

    #[test]
    fn patterns_are_binaries_that_are_not_empty() {
        let mut arena = Parcel::new();
        let a = make_binary(&mut arena, b"a").unwrap();
        let empty = make_binary(&mut arena, b"").unwrap();
        let both = arena.list(&[a, a]).unwrap();
        let bad = arena.list(&[a, empty]).unwrap();
        let improper = arena.cons(a, a).unwrap();
        let uncompiled = arena.tuple(&[am::AC.term(), both]).unwrap();
        let count = |term: Term| Patterns::read(&term).map(|patterns| patterns.len());
        assert_eq!(count(a), Ok(1));
        assert_eq!(count(both), Ok(2));
        for wrong in [empty, bad, improper, uncompiled, Term::NIL, am::TRUE.term()] {
            assert_eq!(count(wrong), Err(Fail::Badarg));
        }
    }

    #[test]
    fn options_are_what_the_function_allows() {
        let mut arena = Parcel::new();
        let place = arena.tuple(&[Term::small(1), Term::small(2)]).unwrap();
        let scope = arena.tuple(&[am::SCOPE.term(), place]).unwrap();
        let list = arena.list(&[scope, am::GLOBAL.term()]).unwrap();
        let options = Options::read(list, 3, true).unwrap();
        assert_eq!((options.scope, options.global), (1..3, true));
        assert!(Options::read(list, 3, false).is_err());
        assert!(Options::read(list, 2, true).is_err());
        assert!(Options::read(am::GLOBAL.term(), 3, true).is_err());
    }
}
