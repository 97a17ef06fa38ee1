//! Matching bit strings: match contexts, and taking segments out of them.
//!
//! A test that fails takes its label and leaves the context where it was. A size that is no size (negative, no integer,
//! beyond what the context has) is a test that fails, never an error.
//!
//! The position lives in the context on the heap, not in a register: an instruction that may collect reads the
//! context's register again afterwards.

use crate::atom::am;
use crate::bif::{Fail, Value};
use crate::bits::context::{CONTEXT_WORDS, MatchContext, new_context};
use crate::bits::make::{SUB_BITS_WORDS, part_of_base};
use crate::bits::{float, integer, raw, utf};
use crate::interp::Exit;
use crate::interp::cpu::{Cpu, op};
use crate::interp::operand::{Destination, Label, Source};
use crate::process::Process;
use crate::term::{Header, Subtag, Term};

/// The context that an operand holds. The compiler emits the instructions of this file only behind a `bs_start_match`
/// that put one there.
#[inline(always)]
fn context<S: Source>(cpu: &Cpu, source: S) -> MatchContext {
    // SAFETY: see above.
    unsafe { MatchContext::of_unchecked(source.get(cpu)) }
}

/// Makes room for `words` words, collecting with `live` X registers. False if there is no memory.
#[inline(always)]
fn make_room(cpu: &mut Cpu, words: usize, live: usize) -> bool {
    !cpu.lacks(words) || cpu.collect(words, live)
}

/// A size in units as a size in bits. Nothing has more than `usize::MAX` bits, so what overflows is not there.
#[inline(always)]
fn bits_of(size: Term, unit: usize) -> Option<usize> {
    usize::try_from(size.as_small()?).ok()?.checked_mul(unit)
}

// ---- contexts ----

/// Whether the value is a context already, which `bs_start_match` leaves as it is.
#[inline(always)]
pub(super) fn is_started(term: Term) -> bool {
    term.subtag() == Some(Subtag::MatchContext)
}

op! {
    /// Makes a match context of a bit string; what is a context already, stays the same one.
    fn bs_start_match(cpu, label: Label, value: Source, live: Number, destination: Destination) {
        let term = value.get(&cpu);
        if is_started(term) {
            destination.set(&mut cpu, term);
            return cpu.next();
        }
    } slow {
        start(cpu, label, value, live.value(), destination)
    }
}

/// Makes a context of what is none yet.
#[inline(always)]
pub(super) fn start<L: Label, S: Source, D: Destination>(
    mut cpu: Cpu,
    label: L,
    value: S,
    live: usize,
    destination: D,
) -> Exit {
    if !cpu.lacks(CONTEXT_WORDS)
        && let Some(words) = new_context(value.get(&cpu))
    {
        return started(cpu, words, destination);
    }
    if !value.get(&cpu).is_bit_string() {
        if label.is_some() {
            return cpu.jump(label);
        }
        return cpu.raise_atom(am::BADARG);
    }
    if !make_room(&mut cpu, CONTEXT_WORDS, live) {
        return cpu.out_of_memory();
    }
    match new_context(value.get(&cpu)) {
        Some(words) => started(cpu, words, destination),
        None => cpu.raise_atom(am::BADARG),
    }
}

/// Writes a context to the heap, where there is room for it.
#[inline(always)]
fn started<D: Destination>(mut cpu: Cpu, words: [u64; CONTEXT_WORDS], destination: D) -> Exit {
    let object = cpu.push(words);
    // SAFETY: a complete context was just written there.
    let context = unsafe { Term::boxed(object) };
    destination.set(&mut cpu, context);
    cpu.next()
}

op! {
    /// The position, for `bs_set_position` of the same context.
    fn bs_get_position(cpu, source: Source, destination: Destination, live: Number) {
        let position = context(&cpu, source).position();
        destination.set(&mut cpu, Term::small(position as i64));
        cpu.next()
    }
}

op! {
    fn bs_set_position(cpu, source: Source, position: Source) {
        let context = context(&cpu, source);
        let position = position.get(&cpu);
        if position.is_small() && position.small_value() as usize <= context.end() {
            context.set_position(position.small_value() as usize);
            return cpu.next();
        }
    } slow {
        // Not from `bs_get_position` of this context: no compiler emits that.
        cpu.raise_atom(am::BADARG)
    }
}

op! {
    fn bs_get_tail(cpu, source: Source, destination: Destination, live: Number) {
        tail(cpu, source, live.value(), destination)
    }
}

// ---- parts ----

/// The part of `size` bits at `position` of `base`, made by a function that may take addresses. The words for it are there.
#[inline(never)]
unsafe fn make_part(process: *mut Process, base: Term, position: usize, size: usize) -> Value {
    // SAFETY: the registers are saved; the process is alive and not borrowed.
    Ok(unsafe { part_of_base(&mut (*process).heap, base, position, size)? })
}

/// Takes `size` bits, which are there, out of the context as a bit string.
#[inline(always)]
fn take_part<S: Source, D: Destination>(
    mut cpu: Cpu,
    source: S,
    live: usize,
    size: usize,
    destination: D,
) -> Exit {
    if !make_room(&mut cpu, SUB_BITS_WORDS, live) {
        return cpu.out_of_memory();
    }
    let context = context(&cpu, source);
    let position = context.position();
    cpu.save();
    // SAFETY: the registers are saved; the process is alive.
    let part = unsafe { make_part(cpu.process, context.base(), position, size) };
    cpu.load();
    match part {
        Ok(part) => {
            context.set_position(position + size);
            destination.set(&mut cpu, part);
            cpu.next()
        }
        Err(_) => cpu.out_of_memory(),
    }
}

/// What is left, as a bit string; the context stays where it is.
#[inline(always)]
fn tail<S: Source, D: Destination>(mut cpu: Cpu, source: S, live: usize, destination: D) -> Exit {
    if !make_room(&mut cpu, SUB_BITS_WORDS, live) {
        return cpu.out_of_memory();
    }
    let context = context(&cpu, source);
    cpu.save();
    // SAFETY: the registers are saved; the process is alive.
    let part = unsafe {
        make_part(
            cpu.process,
            context.base(),
            context.position(),
            context.left(),
        )
    };
    cpu.load();
    match part {
        Ok(part) => {
            destination.set(&mut cpu, part);
            cpu.next()
        }
        Err(_) => cpu.out_of_memory(),
    }
}

op! {
    /// The size may be the constant `all`: everything that is left, if that is a multiple of the unit.
    fn bs_get_binary2(cpu, label: Label, source: Source, live: Number, size: Source, unit: Number, flags: Number, destination: Destination) {
        let left = context(&cpu, source).left();
        let bits = if size.is_constant(am::ALL.term()) {
            left.checked_rem(unit.value()).filter(|rest| *rest == 0).map(|_| left)
        } else {
            bits_of(size.get(&cpu), unit.value())
        };
        match bits {
            Some(bits) if bits <= left => take_part(cpu, source, live.value(), bits, destination),
            _ => cpu.jump(label),
        }
    }
}

// ---- integers ----

/// An integer that may need more than a small one, made by a function that may take addresses.
#[inline(never)]
unsafe fn make_integer(
    process: *mut Process,
    bytes: *const u8,
    position: usize,
    size: usize,
    flags: u64,
) -> Value {
    // SAFETY: the registers are saved; the process is alive and not borrowed; the bits are the context's.
    unsafe { integer::read(&mut (*process).heap, bytes, position, size, flags) }
}

/// Most words of an integer of `size` bits.
#[inline(always)]
fn integer_words(size: usize) -> usize {
    // A header and the digits. More digits than an integer may have are refused before they are made.
    1 + size.div_ceil(64).min(crate::number::big::MAX_DIGITS + 2)
}

/// The number in the `size` bits at `position`, where they are one, two or four whole bytes and the number is unsigned and
/// big endian, as most are. Everything else is for the slow path.
///
/// # Safety
/// The bytes that hold the bits can be read.
#[inline(always)]
unsafe fn plain_integer(
    bytes: *const u8,
    position: usize,
    size: usize,
    flags: usize,
) -> Option<Term> {
    if !position.is_multiple_of(8) || flags != 0 {
        return None;
    }
    // SAFETY: the caller's promise.
    let value = unsafe {
        let at = bytes.add(position / 8);
        match size {
            8 => *at as u32,
            16 => u16::from_be(at.cast::<u16>().read_unaligned()) as u32,
            32 => u32::from_be(at.cast::<u32>().read_unaligned()),
            _ => return None,
        }
    };
    Some(Term::small(value as i64))
}

/// Takes an integer of `size` bits, which are there, out of the context. One with more digits than an integer may have is none:
/// `none` says how to go on.
#[inline(always)]
fn take_integer<S: Source, D: Destination>(
    mut cpu: Cpu,
    source: S,
    live: usize,
    size: usize,
    flags: u64,
    destination: D,
    none: impl FnOnce(Cpu) -> Exit,
) -> Exit {
    let at = context(&cpu, source);
    let position = at.position();
    // SAFETY: the context has the bits.
    if let Some(value) = unsafe { integer::read_small(at.bytes(), position, size, flags) } {
        at.set_position(position + size);
        destination.set(&mut cpu, value);
        return cpu.next();
    }
    if !make_room(&mut cpu, integer_words(size), live) {
        return cpu.out_of_memory();
    }
    let at = context(&cpu, source);
    cpu.save();
    // SAFETY: the registers are saved; the process is alive; the context has the bits.
    let value = unsafe { make_integer(cpu.process, at.bytes(), position, size, flags) };
    cpu.load();
    match value {
        Ok(value) => {
            at.set_position(position + size);
            destination.set(&mut cpu, value);
            cpu.next()
        }
        Err(Fail::SystemLimit) => none(cpu),
        Err(_) => cpu.out_of_memory(),
    }
}

op! {
    fn bs_get_integer2(cpu, label: Label, source: Source, live: Number, size: Source, unit: Number, flags: Number, destination: Destination) {
        let size = size.get(&cpu);
        let at = context(&cpu, source);
        let position = at.position();
        // No plain integer has more bits than that, and the product with a unit does not overflow.
        if size.is_small() && size.small_value() as u64 <= 32 {
            let bits = size.small_value() as usize * unit.value();
            if bits > at.left() {
                return cpu.jump(label);
            }
            // SAFETY: the context has the bits.
            let value = unsafe { plain_integer(at.bytes(), position, bits, flags.value()) };
            if let Some(value) = value {
                at.set_position(position + bits);
                destination.set(&mut cpu, value);
                return cpu.next();
            }
        }
    } slow {
        match bits_of(size.get(&cpu), unit.value()) {
            Some(bits) if bits <= context(&cpu, source).left() => {
                take_integer(cpu, source, live.value(), bits, flags.value() as u64, destination, |cpu| {
                    cpu.jump(label)
                })
            }
            _ => cpu.jump(label),
        }
    }
}

/// The next integer of the type's size, where it begins at a byte's edge; the context moves behind it. It has the bits.
macro_rules! next_plain {
    ($at:ident, $type:ty) => {{
        let position = $at.position();
        if position.is_multiple_of(8) {
            // SAFETY: the context has the bits.
            let value = unsafe {
                $at.bytes()
                    .add(position / 8)
                    .cast::<$type>()
                    .read_unaligned()
            };
            $at.set_position(position + <$type>::BITS as usize);
            Some(Term::small(<$type>::from_be(value) as i64))
        } else {
            None
        }
    }};
}

/// The same where it begins anywhere. No integer of up to 32 bits is more than a small one.
#[inline(always)]
fn next_anywhere(at: MatchContext, bits: usize) -> Option<Term> {
    let position = at.position();
    // SAFETY: the context has the bits.
    let value = unsafe { integer::read_small(at.bytes(), position, bits, 0) };
    at.set_position(position + bits);
    value
}

macro_rules! plain_integers {
    ($($get:ident $command:ident $type:ty;)*) => {$(
        op! {
            fn $get(cpu, label: Label, source: Source, destination: Destination) {
                let at = context(&cpu, source);
                if at.left() < <$type>::BITS as usize {
                    return cpu.jump(label);
                }
                if let Some(value) = next_plain!(at, $type) {
                    destination.set(&mut cpu, value);
                    return cpu.next();
                }
            } slow {
                match next_anywhere(context(&cpu, source), <$type>::BITS as usize) {
                    Some(value) => {
                        destination.set(&mut cpu, value);
                        cpu.next()
                    }
                    None => cpu.jump(label),
                }
            }
        }
        op! {
            /// A command of `bs_match`: one before it has seen to it that the bits are there, in what a compiler emits.
            fn $command(cpu, source: Source, destination: Destination) {
                let at = context(&cpu, source);
                if at.left() >= <$type>::BITS as usize
                    && let Some(value) = next_plain!(at, $type)
                {
                    destination.set(&mut cpu, value);
                    return cpu.next();
                }
            } slow {
                let at = context(&cpu, source);
                if at.left() >= <$type>::BITS as usize
                    && let Some(value) = next_anywhere(at, <$type>::BITS as usize)
                {
                    destination.set(&mut cpu, value);
                    return cpu.next();
                }
                cpu.raise_atom(am::BADARG)
            }
        }
    )*};
}

plain_integers! {
    bs_get_8 bsm_8 u8;
    bs_get_16 bsm_16 u16;
    bs_get_32 bsm_32 u32;
}

/// What `bs_get_8` does on its fast path: the next byte. The reason if it cannot: there is none, or it does not begin at a byte's edge.
#[inline(always)]
pub(super) fn next_byte<S: Source>(cpu: &Cpu, source: S) -> Result<Term, NoByte> {
    let at = context(cpu, source);
    if at.left() < 8 {
        return Err(NoByte::End);
    }
    next_plain!(at, u8).ok_or(NoByte::Unaligned)
}

/// See [`next_byte`].
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum NoByte {
    /// Fewer than eight bits are left.
    End,
    /// The next one does not begin at a byte's edge.
    Unaligned,
}

/// The slow path of `bs_get_8`.
#[inline(always)]
pub(super) fn next_byte_anywhere<S: Source>(cpu: &Cpu, source: S) -> Option<Term> {
    next_anywhere(context(cpu, source), 8)
}

// ---- floats ----

/// A float's bits, or nothing as the bits of a NaN, which no term has: fits a register.
#[inline(never)]
unsafe fn read_float(bytes: *const u8, position: usize, size: usize, flags: u64) -> f64 {
    // SAFETY: the caller's context has the bits.
    unsafe { float::read(bytes, position, size, flags) }.unwrap_or(f64::NAN)
}

op! {
    fn bs_get_float2(cpu, label: Label, source: Source, live: Number, size: Source, unit: Number, flags: Number, destination: Destination) {
        let Some(bits) = bits_of(size.get(&cpu), unit.value()) else {
            return cpu.jump(label);
        };
        if bits > context(&cpu, source).left() {
            return cpu.jump(label);
        }
        if !make_room(&mut cpu, 2, live.value()) {
            return cpu.out_of_memory();
        }
        let context = context(&cpu, source);
        let position = context.position();
        // SAFETY: the context has the bits.
        let value = unsafe { read_float(context.bytes(), position, bits, flags.value() as u64) };
        if value.is_nan() {
            return cpu.jump(label);
        }
        context.set_position(position + bits);
        let object = cpu.push([Header::new(Subtag::Float, 1).0, value.to_bits()]);
        // SAFETY: a complete float was just written there.
        let value = unsafe { Term::boxed(object) };
        destination.set(&mut cpu, value);
        cpu.next()
    }
}

// ---- skipping and testing ----

op! {
    /// The size may be the constant `all`, as for `bs_get_binary2`.
    fn bs_skip_bits2(cpu, label: Label, source: Source, size: Source, unit: Number) {
        let context = context(&cpu, source);
        let size = size.get(&cpu);
        // Below 2^32, so the product with a unit does not overflow.
        if size.is_small() && size.small_value() as u64 <= u32::MAX as u64 {
            let bits = size.small_value() as usize * unit.value();
            if bits > context.left() {
                return cpu.jump(label);
            }
            context.set_position(context.position() + bits);
            return cpu.next();
        }
    } slow {
        let context = context(&cpu, source);
        let left = context.left();
        let bits = if size.is_constant(am::ALL.term()) {
            left.checked_rem(unit.value()).filter(|rest| *rest == 0).map(|_| left)
        } else {
            bits_of(size.get(&cpu), unit.value())
        };
        match bits {
            Some(bits) if bits <= left => {
                context.set_position(context.position() + bits);
                cpu.next()
            }
            _ => cpu.jump(label),
        }
    }
}

op! {
    fn bs_test_tail2(cpu, label: Label, source: Source, bits: Number) {
        if context(&cpu, source).left() == bits.value() { cpu.next() } else { cpu.jump(label) }
    }
}

op! {
    fn bs_test_unit(cpu, label: Label, source: Source, unit: Number) {
        if unit.value() == 8 {
            let whole = context(&cpu, source).left().is_multiple_of(8);
            return if whole { cpu.next() } else { cpu.jump(label) };
        }
    } slow {
        let rest = context(&cpu, source).left().checked_rem(unit.value());
        if rest == Some(0) { cpu.next() } else { cpu.jump(label) }
    }
}

op! {
    fn bs_match_string(cpu, label: Label, source: Source, bits: Number, bytes: Bytes) {
        let context = context(&cpu, source);
        let (position, size) = (context.position(), bits.value());
        if size > context.left() {
            return cpu.jump(label);
        }
        if (position | size).is_multiple_of(8) {
            for i in 0..size / 8 {
                // SAFETY: the context has the bits; the string table was checked to have them.
                let same = unsafe { *context.bytes().add(position / 8 + i) == *bytes.address().add(i) };
                if !same {
                    return cpu.jump(label);
                }
            }
            context.set_position(position + size);
            return cpu.next();
        }
    } slow {
        let context = context(&cpu, source);
        let (position, size) = (context.position(), bits.value());
        // SAFETY: as above.
        if unsafe { raw::equal(context.bytes(), position, bytes.address(), 0, size) } {
            context.set_position(position + size);
            return cpu.next();
        }
        cpu.jump(label)
    }
}

// ---- code points ----

/// A code point and how many bits it took, in one register; 0 for none. (None takes no bits.)
#[inline(always)]
fn packed(decoded: utf::Decoded) -> u64 {
    decoded.map_or(0, |(value, bits)| (value as u64) << 8 | bits as u64)
}

#[inline(never)]
unsafe fn utf8(bytes: *const u8, position: usize, left: usize) -> u64 {
    // SAFETY: the caller's context has the bits; here and below.
    packed(unsafe { utf::decode_utf8(bytes, position, left) })
}

#[inline(never)]
unsafe fn utf16(bytes: *const u8, position: usize, left: usize, flags: u64) -> u64 {
    // SAFETY: as above.
    packed(unsafe { utf::decode_utf16(bytes, position, left, flags) })
}

#[inline(never)]
unsafe fn utf32(bytes: *const u8, position: usize, left: usize, flags: u64) -> u64 {
    // SAFETY: as above.
    packed(unsafe { utf::decode_utf32(bytes, position, left, flags) })
}

/// Moves `context` behind the code point of `packed` and returns it.
#[inline(always)]
fn passed(context: MatchContext, packed: u64) -> Option<Term> {
    if packed == 0 {
        return None;
    }
    context.set_position(context.position() + (packed & 0xff) as usize);
    Some(Term::small((packed >> 8) as i64))
}

/// The ASCII character at the context's position, if there is one and it begins at a byte's edge.
#[inline(always)]
fn next_ascii(context: MatchContext) -> Option<Term> {
    let position = context.position();
    if !position.is_multiple_of(8) || context.left() < 8 {
        return None;
    }
    // SAFETY: the context has the bits.
    let byte = unsafe { *context.bytes().add(position / 8) };
    if byte >= 0x80 {
        return None;
    }
    context.set_position(position + 8);
    Some(Term::small(byte as i64))
}

/// The code point at the context's position as UTF-8.
#[inline(always)]
fn next_utf8(context: MatchContext) -> Option<Term> {
    // SAFETY: the context has the bits.
    passed(context, unsafe {
        utf8(context.bytes(), context.position(), context.left())
    })
}

macro_rules! code_points {
    ($($get:ident $skip:ident $decode:ident;)*) => {$(
        op! {
            fn $get(cpu, label: Label, source: Source, flags: Number, destination: Destination) {
                let context = context(&cpu, source);
                // SAFETY: the context has the bits.
                let packed = unsafe {
                    $decode(context.bytes(), context.position(), context.left(), flags.value() as u64)
                };
                match passed(context, packed) {
                    Some(value) => {
                        destination.set(&mut cpu, value);
                        cpu.next()
                    }
                    None => cpu.jump(label),
                }
            }
        }
        op! {
            fn $skip(cpu, label: Label, source: Source, flags: Number) {
                let context = context(&cpu, source);
                // SAFETY: the context has the bits.
                let packed = unsafe {
                    $decode(context.bytes(), context.position(), context.left(), flags.value() as u64)
                };
                if passed(context, packed).is_some() { cpu.next() } else { cpu.jump(label) }
            }
        }
    )*};
}

code_points! {
    bs_get_utf16 bs_skip_utf16 utf16;
    bs_get_utf32 bs_skip_utf32 utf32;
}

op! {
    fn bs_get_utf8(cpu, label: Label, source: Source, destination: Destination) {
        if let Some(value) = next_ascii(context(&cpu, source)) {
            destination.set(&mut cpu, value);
            return cpu.next();
        }
    } slow {
        match next_utf8(context(&cpu, source)) {
            Some(value) => {
                destination.set(&mut cpu, value);
                cpu.next()
            }
            None => cpu.jump(label),
        }
    }
}

op! {
    fn bs_skip_utf8(cpu, label: Label, source: Source) {
        if next_ascii(context(&cpu, source)).is_some() {
            return cpu.next();
        }
    } slow {
        if next_utf8(context(&cpu, source)).is_some() { cpu.next() } else { cpu.jump(label) }
    }
}

// ---- the commands of bs_match ----

/// Whether the context has `bits` more: a command before has seen to it in what a compiler emits. Code that
/// did not must not read what is not there.
#[inline(always)]
fn has(cpu: &Cpu, source: impl Source, bits: usize) -> bool {
    bits <= context(cpu, source).left()
}

op! {
    fn bsm_ensure_at_least(cpu, label: Label, source: Source, bits: Number, unit: Number) {
        let left = context(&cpu, source).left();
        if bits.value() > left {
            return cpu.jump(label);
        }
        if unit.value() == 1 || (unit.value() == 8 && (left - bits.value()).is_multiple_of(8)) {
            return cpu.next();
        }
    } slow {
        let rest = context(&cpu, source).left() - bits.value();
        if rest.checked_rem(unit.value()) == Some(0) { cpu.next() } else { cpu.jump(label) }
    }
}

op! {
    fn bsm_ensure_exactly(cpu, label: Label, source: Source, bits: Number) {
        if context(&cpu, source).left() == bits.value() { cpu.next() } else { cpu.jump(label) }
    }
}

op! {
    fn bsm_integer(cpu, source: Source, live: Number, bits: Number, flags: Number, destination: Destination) {
        let at = context(&cpu, source);
        let position = at.position();
        if bits.value() <= at.left() {
            // SAFETY: the context has the bits.
            let value = unsafe { plain_integer(at.bytes(), position, bits.value(), flags.value()) };
            if let Some(value) = value {
                at.set_position(position + bits.value());
                destination.set(&mut cpu, value);
                return cpu.next();
            }
        }
    } slow {
        if !has(&cpu, source, bits.value()) {
            return cpu.raise_atom(am::BADARG);
        }
        take_integer(cpu, source, live.value(), bits.value(), flags.value() as u64, destination, |cpu| {
            cpu.raise_atom(am::SYSTEM_LIMIT)
        })
    }
}

op! {
    fn bsm_binary(cpu, source: Source, live: Number, bits: Number, destination: Destination) {
        if !has(&cpu, source, bits.value()) {
            return cpu.raise_atom(am::BADARG);
        }
        take_part(cpu, source, live.value(), bits.value(), destination)
    }
}

op! {
    fn bsm_skip(cpu, source: Source, bits: Number) {
        let context = context(&cpu, source);
        if bits.value() <= context.left() {
            context.set_position(context.position() + bits.value());
            return cpu.next();
        }
    } slow {
        cpu.raise_atom(am::BADARG)
    }
}

op! {
    /// Takes everything that is left.
    fn bsm_get_tail(cpu, source: Source, live: Number, destination: Destination) {
        tail(cpu, source, live.value(), destination)
    }
}

op! {
    /// Goes on behind `bits` bits if they are those of `value`.
    fn bsm_equal(cpu, label: Label, source: Source, bits: Number, value: Number) {
        let at = context(&cpu, source);
        if bits.value() <= 32 && bits.value() <= at.left() {
            // SAFETY: the context has the bits.
            let found = unsafe { plain_integer(at.bytes(), at.position(), bits.value(), 0) };
            if let Some(found) = found {
                if found.small_value() as usize != value.value() {
                    return cpu.jump(label);
                }
                at.set_position(at.position() + bits.value());
                return cpu.next();
            }
        }
    } slow {
        let at = context(&cpu, source);
        let (position, size) = (at.position(), bits.value().min(64));
        // SAFETY: the context has the bits if there are as many left.
        if size <= at.left() && unsafe { raw::read(at.bytes(), position, size) } == value.value() as u64 {
            at.set_position(position + size);
            return cpu.next();
        }
        cpu.jump(label)
    }
}
