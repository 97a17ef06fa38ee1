//! Building bit strings: `bs_create_bin`, which makes a whole one from its segments, and `bs_private_append`, which does
//! so without a collection.
//!
//! In two passes, as in OTP: the first adds up the sizes, the second writes the values from left to right. So a segment
//! whose size is wrong fails before any whose value is. The first segment may be one to append to.
//!
//! A failure takes the label or raises `badarg` or `system_limit`, with an `error_info` whose `cause` is
//! `{Segment, Type, What, Value}`, which `erl_erts_errors:format_bs_fail/2` explains.
//!
//! Invariant: the handler makes room for the largest result before it starts, or what does not fit goes to a fragment; so no
//! term moves while one is built. And nothing is written beyond the sum of the first pass, whatever the values turn into.

use crate::atom::am;
use crate::bif::{Fail, Value};
use crate::bits::append::{self, BUILD_WORDS, Room};
use crate::bits::{MAX_BITS, float, integer, new_bits, raw, utf, view};
use crate::interp::Exit;
use crate::interp::cpu::{Cpu, op};
use crate::interp::operand::{Destination, Label, Source as _, Words};
use crate::machine::Machine;
use crate::memory::{Arena, NoMemory};
use crate::number;
use crate::process::Process;
use crate::term::{Atom, MAX_SMALL, Subtag, Term};
use starling_loader::isa::segment;

/// As many bytes are as much work as a call.
const BYTES_PER_REDUCTION: usize = 1000;

/// What is worth counting, in bits.
const LONG: usize = 8 * 64 * BYTES_PER_REDUCTION;

/// Builds and goes on; without a label a failure is an exception.
#[inline(always)]
fn build_into<L: Label, D: Destination>(
    mut cpu: Cpu,
    label: L,
    segments: Words,
    destination: D,
) -> Exit {
    cpu.save();
    // SAFETY: the registers are saved; machine and process are alive.
    let result = unsafe { build(cpu.machine, cpu.process, segments, !label.is_some()) };
    cpu.load();
    match result {
        Ok(value) => {
            destination.set(&mut cpu, value);
            cpu.next()
        }
        Err(Fail::NoMemory) => cpu.out_of_memory(),
        Err(_) if label.is_some() => cpu.jump(label),
        Err(Fail::SystemLimit) => cpu.raise_atom(am::SYSTEM_LIMIT),
        Err(_) => cpu.raise_atom(am::BADARG),
    }
}

op! {
    fn bs_create_bin(cpu, label: Label, words: Number, live: Number, unit: Number, destination: Destination, segments: List) {
        let words = words.value() + BUILD_WORDS;
        // SAFETY: the process runs.
        let heavy = unsafe { (*cpu.process).heap.off_heap.wants_collection() };
        if (cpu.lacks(words) || heavy) && !cpu.collect(words, live.value()) {
            return cpu.out_of_memory();
        }
        build_into(cpu, label, segments.words(), destination)
    }
}

op! {
    /// As `bs_create_bin`, of code compiled before OTP 25 which does not say what is live. The accumulator mostly is the
    /// result; where not, a fragment takes what the heap has no room for, which the next collection clears away.
    fn bs_private_append(cpu, label: Label, destination: Destination, segments: List) {
        build_into(cpu, label, segments.words(), destination)
    }
}

op! {
    /// An empty binary in X[0] that `private_append` segments append to. (The size that X[0] suggests is not needed: the
    /// room doubles when it is used up.)
    fn bs_init_writable(cpu) {
        if cpu.lacks(BUILD_WORDS) && !cpu.collect(BUILD_WORDS, 1) {
            return cpu.out_of_memory();
        }
        cpu.save();
        // SAFETY: the registers are saved; the process is alive.
        let accumulator = unsafe { new_accumulator(cpu.process) };
        cpu.load();
        match accumulator {
            Ok(value) => {
                cpu.set_x(0, value);
                cpu.next()
            }
            Err(_) => cpu.out_of_memory(),
        }
    }
}

op! {
    /// A size and another in units of `unit`, together. What is no size raises `badarg`, and a sum that is no small integer
    /// `system_limit`, as in OTP.
    fn bs_add(cpu, label: Label, first: Source, second: Source, unit: Number, destination: Destination) {
        let (first, second) = (first.get(&cpu), second.get(&cpu));
        let sum = match (first.as_small(), second.as_small()) {
            (Some(first @ 0..), Some(second @ 0..)) => second
                .checked_mul(unit.value() as i64)
                .and_then(|second| second.checked_add(first))
                .filter(|sum| *sum <= MAX_SMALL)
                .ok_or(am::SYSTEM_LIMIT),
            _ if is_size(first) && is_size(second) => Err(am::SYSTEM_LIMIT),
            _ => Err(am::BADARG),
        };
        match sum {
            Ok(sum) => {
                destination.set(&mut cpu, Term::small(sum));
                cpu.next()
            }
            Err(_) if label.is_some() => cpu.jump(label),
            Err(reason) => cpu.raise_atom(reason),
        }
    }
}

/// Whether it is a non-negative integer.
fn is_size(term: Term) -> bool {
    term.as_small().is_some_and(|size| size >= 0)
        || number::Big::of(&term).is_some_and(|big| !big.negative)
}

op! {
    /// How many bytes a character takes in UTF-8; 4 for what is none, which the segment itself refuses.
    fn bs_utf8_size(cpu, character: Source, destination: Destination) {
        let size = utf::code_point(character.get(&cpu)).map_or(4, |value| utf::utf8_size(value) / 8);
        destination.set(&mut cpu, Term::small(size as i64));
        cpu.next()
    }
}

op! {
    /// How many bytes a character takes in UTF-16; 2 for what is none, as above.
    fn bs_utf16_size(cpu, character: Source, destination: Destination) {
        let size = utf::code_point(character.get(&cpu)).map_or(2, |value| utf::utf16_size(value) / 8);
        destination.set(&mut cpu, Term::small(size as i64));
        cpu.next()
    }
}

#[inline(never)]
unsafe fn new_accumulator(process: *mut Process) -> Value {
    // SAFETY: the registers are saved; the process is alive and not borrowed.
    Ok(unsafe { append::new_accumulator(&mut (*process).heap)? })
}

/// One segment.
#[derive(Clone, Copy)]
struct Segment {
    word: u64,
    value: u64,
    size: u64,
}

/// Words of a segment in the list.
const SEGMENT_WORDS: usize = 3;

/// A constant size up to this needs no check: the product with a unit is far below the limit.
const SMALL_SIZE: i64 = 1 << 16;

/// What is wrong with a segment.
struct Problem {
    fail: Fail,
    what: Atom,
    value: Term,
}

/// Why building failed.
enum Failure {
    Segment { index: usize, problem: Problem },
    NoMemory,
}

impl From<NoMemory> for Failure {
    fn from(_: NoMemory) -> Failure {
        Failure::NoMemory
    }
}

fn badarg(what: Atom, value: Term) -> Problem {
    Problem {
        fail: Fail::Badarg,
        what,
        value,
    }
}

fn system_limit(what: Atom, value: Term) -> Problem {
    Problem {
        fail: Fail::SystemLimit,
        what,
        value,
    }
}

/// A list of segments, and the registers that their sources name.
struct Builder<'a> {
    words: Words,
    registers: &'a Cpu,
}

impl Builder<'_> {
    fn len(&self) -> usize {
        self.words.len() / SEGMENT_WORDS
    }

    fn segment(&self, index: usize) -> Segment {
        let at = index * SEGMENT_WORDS;
        Segment {
            word: self.words.word(at),
            value: self.words.word(at + 1),
            size: self.words.word(at + 2),
        }
    }

    fn source(&self, word: u64) -> Term {
        crate::interp::operand::S(word).get(self.registers)
    }

    /// The size in bits of a segment. What is wrong with its value is found out when it is written, except when
    /// the value has the size.
    #[inline(always)]
    fn size(&self, segment: Segment) -> Result<usize, Problem> {
        // An integer of a small constant size, as most are.
        let constant = (segment.size as i64) >> 4;
        if segment::kind(segment.word) == segment::INTEGER
            && segment.size & 0xf == 0xf
            && (0..=SMALL_SIZE).contains(&constant)
        {
            return Ok(constant as usize * segment::unit(segment.word) as usize);
        }
        self.any_size(segment)
    }

    fn any_size(&self, segment: Segment) -> Result<usize, Problem> {
        match segment::kind(segment.word) {
            segment::INTEGER | segment::FLOAT => self.given_size(segment),
            // A register that holds the atom does not count.
            segment::BINARY if segment.size == am::ALL.term().raw() => self.whole_size(segment),
            segment::BINARY => self.given_size(segment),
            segment::STRING => Ok(self.source(segment.size).small_value() as usize * 8),
            // What is no code point fails when it is to be written.
            segment::UTF8 => {
                Ok(utf::code_point(self.source(segment.value)).map_or(32, utf::utf8_size))
            }
            segment::UTF16 => {
                Ok(utf::code_point(self.source(segment.value)).map_or(32, utf::utf16_size))
            }
            _ => Ok(32),
        }
    }

    fn given_size(&self, segment: Segment) -> Result<usize, Problem> {
        let size = self.source(segment.size);
        let Some(value) = size.as_small() else {
            return Err(if size.subtag() == Some(Subtag::BigPositive) {
                system_limit(am::SIZE, size)
            } else {
                badarg(am::SIZE, size)
            });
        };
        let value = usize::try_from(value).map_err(|_| badarg(am::SIZE, size))?;
        value
            .checked_mul(segment::unit(segment.word) as usize)
            .filter(|bits| *bits <= MAX_BITS)
            .ok_or_else(|| system_limit(am::SIZE, size))
    }

    /// The size of the bit string that is the value, which must be a multiple of the unit.
    fn whole_size(&self, segment: Segment) -> Result<usize, Problem> {
        let value = self.source(segment.value);
        let bits = view(&value).ok_or_else(|| badarg(am::TYPE, value))?;
        match bits.size.checked_rem(segment::unit(segment.word) as usize) {
            Some(0) => Ok(bits.size),
            _ => Err(badarg(am::UNIT, value)),
        }
    }

    /// Writes the value of a segment of `size` bits.
    ///
    /// # Safety
    /// There are `size` bits at `position`, and all bits before are written.
    #[inline(always)]
    unsafe fn write(
        &self,
        segment: Segment,
        bytes: *mut u8,
        position: usize,
        size: usize,
    ) -> Result<(), Problem> {
        // A small integer as one, two or four whole bytes, big endian or a single one.
        if segment::kind(segment.word) == segment::INTEGER && position.is_multiple_of(8) {
            let value = self.source(segment.value);
            if value.is_small() {
                let number = value.small_value();
                let big_endian = segment::flags(segment.word) & segment::LITTLE == 0;
                // SAFETY: the caller's promise.
                unsafe {
                    let at = bytes.add(position / 8);
                    match size {
                        8 => {
                            *at = number as u8;
                            return Ok(());
                        }
                        16 if big_endian => {
                            at.cast::<u16>().write_unaligned((number as u16).to_be());
                            return Ok(());
                        }
                        32 if big_endian => {
                            at.cast::<u32>().write_unaligned((number as u32).to_be());
                            return Ok(());
                        }
                        _ => {}
                    }
                }
            }
        }
        // SAFETY: the caller's promise.
        unsafe { self.write_any(segment, bytes, position, size) }
    }

    /// # Safety
    /// As for [`Builder::write`].
    unsafe fn write_any(
        &self,
        segment: Segment,
        bytes: *mut u8,
        position: usize,
        size: usize,
    ) -> Result<(), Problem> {
        let flags = segment::flags(segment.word);
        // SAFETY: the caller's promise, in every branch.
        unsafe {
            let encoded = match segment::kind(segment.word) {
                segment::INTEGER => {
                    let value = self.source(segment.value);
                    return integer::write(bytes, position, size, flags, value)
                        .map_err(|_| badarg(am::TYPE, value));
                }
                segment::FLOAT => return self.write_float(segment, bytes, position, size),
                segment::BINARY => return self.write_bits(segment, bytes, position, size),
                segment::STRING => {
                    raw::copy(segment.value as *const u8, 0, bytes, position, size);
                    return Ok(());
                }
                segment::UTF8 => utf::encode_utf8(self.code_point(segment)?),
                segment::UTF16 => utf::encode_utf16(self.code_point(segment)?, flags),
                _ => utf::encode_utf32(self.code_point(segment)?, flags),
            };
            raw::write(bytes, position, size, encoded);
        }
        Ok(())
    }

    fn code_point(&self, segment: Segment) -> Result<u32, Problem> {
        let value = self.source(segment.value);
        utf::code_point(value).ok_or_else(|| badarg(am::TYPE, value))
    }

    /// # Safety
    /// As for [`Builder::write`].
    unsafe fn write_float(
        &self,
        segment: Segment,
        bytes: *mut u8,
        position: usize,
        size: usize,
    ) -> Result<(), Problem> {
        if !matches!(size, 16 | 32 | 64) {
            return Err(badarg(am::INVALID, self.source(segment.size)));
        }
        let value = self.source(segment.value);
        if !value.is_number() {
            return Err(badarg(am::TYPE, value));
        }
        let number = number::to_f64(value).ok_or_else(|| badarg(am::NO_FLOAT, value))?;
        // SAFETY: the caller's promise.
        unsafe { float::write(bytes, position, size, segment::flags(segment.word), number) };
        Ok(())
    }

    /// # Safety
    /// As for [`Builder::write`].
    unsafe fn write_bits(
        &self,
        segment: Segment,
        bytes: *mut u8,
        position: usize,
        size: usize,
    ) -> Result<(), Problem> {
        let value = self.source(segment.value);
        let bits = view(&value).ok_or_else(|| badarg(am::TYPE, value))?;
        if bits.size < size {
            return Err(badarg(am::SHORT, value));
        }
        // SAFETY: the caller's promise; the value has the bits.
        unsafe { raw::copy(bits.bytes, bits.offset, bytes, position, size) };
        Ok(())
    }

    /// The whole, and how many bits were written or copied: first the sizes, then the values.
    fn run<A: Arena + ?Sized>(&self, arena: &mut A) -> Result<(Term, usize), Failure> {
        let appends = self.len() != 0
            && matches!(
                segment::kind(self.segment(0).word),
                segment::APPEND | segment::PRIVATE_APPEND
            );
        let first = appends as usize;
        let mut total = 0;
        for index in first..self.len() {
            let segment = self.segment(index);
            let at = |problem| Failure::Segment { index, problem };
            // Neither is above `MAX_BITS`, so the sum does not overflow.
            total += self.size(segment).map_err(at)?;
            if total > MAX_BITS {
                return Err(at(system_limit(am::SIZE, self.source(segment.size))));
            }
        }
        let appends_nothing =
            appends && total == 0 && segment::kind(self.segment(0).word) == segment::APPEND;
        let room = if appends_nothing {
            self.unchanged()?
        } else if appends {
            self.append(arena, total)?
        } else {
            let (term, bytes) = new_bits(arena, total)?;
            Room {
                term,
                bytes,
                position: 0,
                copied: 0,
            }
        };
        match self.write_all(first, &room, total) {
            Ok(()) => Ok((room.term, total + room.copied)),
            Err(failure) => {
                if appends && !appends_nothing {
                    room.abandon();
                }
                Err(failure)
            }
        }
    }

    fn write_all(&self, first: usize, room: &Room, total: usize) -> Result<(), Failure> {
        let mut position = room.position;
        let mut left = total;
        for index in first..self.len() {
            let segment = self.segment(index);
            let at = |problem| Failure::Segment { index, problem };
            let size = self.size(segment).map_err(at)?;
            // A value cannot have grown since the first pass unless it is the accumulator of a private append
            // that is not private; nothing is written beyond the end even then.
            left = left
                .checked_sub(size)
                .ok_or_else(|| at(badarg(am::TYPE, self.source(segment.value))))?;
            // SAFETY: `left` says that the bits are there.
            unsafe { self.write(segment, room.bytes, position, size) }.map_err(at)?;
            position += size;
        }
        Ok(())
    }

    /// No room behind the value of the first segment, which is the result as it stands.
    fn unchanged(&self) -> Result<Room, Failure> {
        let segment = self.segment(0);
        self.whole_size(segment)
            .map_err(|problem| Failure::Segment { index: 0, problem })?;
        Ok(Room {
            term: self.source(segment.value),
            bytes: core::ptr::dangling_mut(),
            position: 0,
            copied: 0,
        })
    }

    /// Room for `more` bits behind the value of the first segment.
    fn append<A: Arena + ?Sized>(&self, arena: &mut A, more: usize) -> Result<Room, Failure> {
        let segment = self.segment(0);
        let at = |problem| Failure::Segment { index: 0, problem };
        let value = self.source(segment.value);
        let unit = segment::unit(segment.word) as usize;
        if segment::kind(segment.word) == segment::APPEND
            && let Some(room) = append::append_in_place(arena, value, more, unit)
        {
            return Ok(room);
        }
        self.whole_size(segment).map_err(at)?;
        let room = if segment::kind(segment.word) == segment::PRIVATE_APPEND {
            append::private_append(arena, value, more)
        } else {
            append::append(arena, value, more)
        };
        room.map_err(|fail| match fail {
            Fail::NoMemory => Failure::NoMemory,
            fail => at(Problem {
                fail,
                what: am::SIZE,
                value,
            }),
        })
    }

    /// What `error_info` says about a problem.
    #[cold]
    fn explain<A: Arena + ?Sized>(
        &self,
        arena: &mut A,
        index: usize,
        problem: &Problem,
    ) -> Result<Term, NoMemory> {
        let segment = self.segment(index);
        let kind = match segment::kind(segment.word) {
            segment::INTEGER => am::INTEGER,
            segment::FLOAT => am::FLOAT,
            segment::UTF8 => am::UTF8,
            segment::UTF16 => am::UTF16,
            segment::UTF32 => am::UTF32,
            _ => am::BINARY,
        };
        let number = match segment::number(segment.word) {
            0 => index as i64 + 1,
            number => number as i64,
        };
        let cause = arena.tuple(&[
            Term::small(number),
            kind.term(),
            problem.what.term(),
            problem.value,
        ])?;
        let keys = arena.tuple(&[am::CAUSE.term(), am::FUNCTION.term(), am::MODULE.term()])?;
        arena.object(
            Subtag::FlatMap,
            &[
                keys.raw(),
                cause.raw(),
                am::FORMAT_BS_FAIL.term().raw(),
                am::ERL_ERTS_ERRORS.term().raw(),
            ],
        )
    }
}

/// Builds what `segments` describe. If it fails and `explain` is set, the process has the `error_info` for the
/// exception that the caller raises.
///
/// # Safety
/// The registers are saved; machine and process are alive and not borrowed.
#[inline(never)]
unsafe fn build(
    machine: *mut Machine,
    process: *mut Process,
    segments: Words,
    explain: bool,
) -> Value {
    // SAFETY: the caller's promise. The heap is the only part of the process that is borrowed, and no register
    // that a source names is in it.
    unsafe {
        let registers = Cpu {
            ip: core::ptr::null(),
            following: core::ptr::null(),
            machine,
            stack: (*process).heap.stack,
            top: (*process).heap.top,
            reductions: 0,
            process,
        };
        let builder = Builder {
            words: segments,
            registers: &registers,
        };
        let heap = &mut (*process).heap;
        match builder.run(heap) {
            Ok((term, bits)) => {
                // What takes long counts as more than one reduction, a kilobyte each.
                if bits >= LONG {
                    (*process).bumped_reductions += bits / (8 * BYTES_PER_REDUCTION);
                }
                Ok(term)
            }
            Err(Failure::NoMemory) => Err(Fail::NoMemory),
            Err(Failure::Segment { index, problem }) => {
                if explain {
                    let info = builder.explain(heap, index, &problem)?;
                    (*process).exception.error_info = Some(info);
                }
                Err(problem.fail)
            }
        }
    }
}
