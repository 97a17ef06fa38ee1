//! The compiled form of a pattern: a binary that Erlang programs keep in a `re_pattern` tuple, store and send.
//!
//! A header of 32-bit words, then instructions of 16 bytes each, then data (literals, sets, names). All of it is little
//! endian and read where it lies, at any alignment.
//!
//! Invariant: nothing in a program is believed. A [`Program`] has as many bytes as its header says; every
//! access beyond that, and every operand, is checked when it is used, and what does not fit ends the match as
//! [`super::Stop::Corrupt`].

use super::options::{Newline, Options};
use alloc::vec::Vec;

/// Version of the form of programs.
pub const FORM: u8 = 1;

/// What programs begin with: `"SRE"` and [`FORM`].
const MAGIC: u32 = u32::from_le_bytes([b'S', b'R', b'E', FORM]);

/// No byte, no limit, no position.
pub const NONE: u32 = u32::MAX;

/// Words of the header.
const HEADER_WORDS: usize = 20;

/// The header, in the order of its words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Header {
    pub options: Options,
    pub newline: u32,
    pub bsr_anycrlf: u32,
    /// Capturing groups.
    pub groups: u32,
    /// Words that a run remembers: positions of groups, counters of loops, heights of the stack.
    pub slots: u32,
    /// Instructions.
    pub code: u32,
    /// Bytes of data.
    pub data: u32,
    /// Where the names are in the data, and how many there are.
    pub names: u32,
    pub name_count: u32,
    /// Where the literal beginning is in the data, and its length.
    pub prefix: u32,
    pub prefix_length: u32,
    /// Where the bitmap of first bytes is in the data, or [`NONE`].
    pub first: u32,
    /// Up to three first bytes, if there are no more: count in the top byte.
    pub first_bytes: u32,
    /// A byte that every match has, or [`NONE`].
    pub required: u32,
    pub match_limit: u32,
    pub recursion_limit: u32,
}

macro_rules! operations {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// What an instruction does. `a`, `b`, `c`, `x` and `y` are its operands; a target is the number of an instruction.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub enum Op { $($(#[$doc])* $name,)* }

        const OPERATIONS: &[Op] = &[$(Op::$name,)*];
    };
}

operations! {
    /// The end of the pattern.
    Match,
    /// No match here.
    Fail,
    /// The byte `a`.
    Byte,
    /// The byte `a` or `b`.
    EitherByte,
    /// The `b` bytes at `a` of the data.
    Literal,
    /// A character of the set at `a` of the data.
    Set,
    /// A character that begins no newline.
    NotNewline,
    AnyChar,
    AnyByte,
    NewlineSequence,
    GraphemeCluster,
    /// The assertion with number `a`.
    Assertion,
    KeepOut,
    /// What group `a` matched; with case ignored if `x`.
    BackReference,
    /// What the first matched group of the names from `a` up to `b` matched; with case ignored if `x`.
    NamedReference,
    /// On to `a`.
    Jump,
    /// On to the next instruction, and, if that fails, to `a`. Not worth trying if the next byte is not `b`.
    Choice,
    /// On to `a`, and, if that fails, to the next instruction.
    LazyChoice,
    /// Slot `a` is the position.
    Remember,
    /// On to `a` if the position is that of slot `b`: an empty iteration.
    ExitIfEmpty,
    /// Group `a` has matched from the position in slot `b` up to here.
    Close,
    /// Slot `a` is 0.
    ResetCount,
    /// One more iteration of the loop that is counted in slot `b`, or on to `a`. The next instruction is `LoopLimits`.
    CountGreedy,
    CountLazy,
    /// At least `a`, at most `b` iterations: operands of the instruction before.
    LoopLimits,
    /// Back to `a`, unless slot `b` says that the iteration was empty and slot `c` counts at least `y` iterations.
    LoopBack,
    /// The character of kind `x` and operand `a`, from `b` to `c` times, as many as possible.
    RunGreedy,
    /// As few as possible.
    RunLazy,
    /// As many as possible, all or nothing.
    RunPossessive,
    /// Slot `a` is the height of the stack.
    AtomicBegin,
    /// The stack as high as slot `a` says, but for what restores slots.
    AtomicEnd,
    /// A lookaround begins: height in slot `a`, position in slot `b`; if it fails, on to `c`, unless that is `NONE`.
    LookBegin,
    LookEnd,
    /// A negative lookaround begins: height in slot `a`; if it fails, on to `c`.
    NotBegin,
    /// It has matched: on to `c`, or fail if that is `NONE`.
    NotEnd,
    /// `a` characters back.
    Back,
    /// Calls the group `b`, which begins at `a`.
    Call,
    /// On to `a` unless group `b` has matched.
    UnlessGroup,
    /// On to `a` unless one of the groups of the names from `b` up to `c` has matched.
    UnlessNamed,
    /// On to `a` unless in a recursion (of group `b`, or of any if that is `NONE`).
    UnlessRecursion,
    Accept,
    Commit,
    Prune,
    Skip,
    /// Skip to the mark with number `a`.
    SkipTo,
    Mark,
    /// Slot `a` is the height to go back to for the next alternative.
    AlternativeBegin,
    /// Back to the height in slot `a`, when backtracked to.
    Then,
}

/// What a run instruction repeats: its `x`.
pub mod run {
    pub const BYTE: u8 = 0;
    pub const EITHER_BYTE: u8 = 1;
    pub const SET: u8 = 2;
    pub const NOT_NEWLINE: u8 = 3;
    pub const ANY_CHAR: u8 = 4;
    pub const ANY_BYTE: u8 = 5;
    pub const NEWLINE_SEQUENCE: u8 = 6;
    pub const GRAPHEME_CLUSTER: u8 = 7;
}

/// An instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inst {
    pub op: Op,
    pub x: u8,
    pub y: u16,
    pub a: u32,
    pub b: u32,
    pub c: u32,
}

impl Inst {
    /// An instruction with these operands.
    pub const fn new(op: Op, a: u32, b: u32, c: u32) -> Inst {
        Inst {
            op,
            x: 0,
            y: 0,
            a,
            b,
            c,
        }
    }

    fn encode(&self) -> [u8; 16] {
        let mut bytes = [0; 16];
        bytes[0] = self.op as u8;
        bytes[1] = self.x;
        bytes[2..4].copy_from_slice(&self.y.to_le_bytes());
        bytes[4..8].copy_from_slice(&self.a.to_le_bytes());
        bytes[8..12].copy_from_slice(&self.b.to_le_bytes());
        bytes[12..16].copy_from_slice(&self.c.to_le_bytes());
        bytes
    }

    #[inline(always)]
    fn decode(bytes: &[u8; 16]) -> Option<Inst> {
        let [
            op,
            x,
            y0,
            y1,
            a0,
            a1,
            a2,
            a3,
            b0,
            b1,
            b2,
            b3,
            c0,
            c1,
            c2,
            c3,
        ] = *bytes;
        Some(Inst {
            op: *OPERATIONS.get(op as usize)?,
            x,
            y: u16::from_le_bytes([y0, y1]),
            a: u32::from_le_bytes([a0, a1, a2, a3]),
            b: u32::from_le_bytes([b0, b1, b2, b3]),
            c: u32::from_le_bytes([c0, c1, c2, c3]),
        })
    }
}

/// A program in its bytes.
#[derive(Clone, Copy)]
pub struct Program<'a> {
    pub header: Header,
    code: &'a [[u8; 16]],
    pub data: &'a [u8],
}

impl<'a> Program<'a> {
    /// The program in `bytes`, if they can be one.
    pub fn view(bytes: &'a [u8]) -> Option<Program<'a>> {
        let (words, _) = bytes.as_chunks::<4>();
        if words.len() < HEADER_WORDS {
            return None;
        }
        let word = |i: usize| u32::from_le_bytes(words[i]);
        if word(0) != MAGIC {
            return None;
        }
        let header = Header {
            options: Options(word(1)),
            newline: word(2),
            bsr_anycrlf: word(3),
            groups: word(4),
            slots: word(5),
            code: word(6),
            data: word(7),
            names: word(8),
            name_count: word(9),
            prefix: word(10),
            prefix_length: word(11),
            first: word(12),
            first_bytes: word(13),
            required: word(14),
            match_limit: word(15),
            recursion_limit: word(16),
        };
        Newline::from_code(header.newline)?;
        let code_bytes = (header.code as usize).checked_mul(16)?;
        let data_at = (HEADER_WORDS * 4).checked_add(code_bytes)?;
        let (code, _) = bytes.get(HEADER_WORDS * 4..data_at)?.as_chunks::<16>();
        let data = bytes.get(data_at..)?;
        // Slots are allocated before anything runs: no more than a compiler could have asked for.
        let most_slots = 3 * (header.groups as usize + 1) + 3 * code.len();
        let is_whole = data.len() == header.data as usize
            && header.groups <= 65_535
            && header.slots as usize <= most_slots
            && header.slots >= 2 * (header.groups + 1);
        is_whole.then_some(Program { header, code, data })
    }

    /// The bytes of a program.
    pub fn encode(header: &Header, code: &[Inst], data: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER_WORDS * 4 + code.len() * 16 + data.len());
        let words = [
            MAGIC,
            header.options.0,
            header.newline,
            header.bsr_anycrlf,
            header.groups,
            header.slots,
            code.len() as u32,
            data.len() as u32,
            header.names,
            header.name_count,
            header.prefix,
            header.prefix_length,
            header.first,
            header.first_bytes,
            header.required,
            header.match_limit,
            header.recursion_limit,
            0,
            0,
            0,
        ];
        for word in words {
            bytes.extend_from_slice(&word.to_le_bytes());
        }
        for inst in code {
            bytes.extend_from_slice(&inst.encode());
        }
        bytes.extend_from_slice(data);
        bytes
    }

    /// The instruction at `pc`.
    #[inline(always)]
    pub fn inst(&self, pc: u32) -> Option<Inst> {
        Inst::decode(self.code.get(pc as usize)?)
    }

    /// Bytes of the data.
    #[inline]
    pub fn bytes(&self, at: u32, length: u32) -> Option<&'a [u8]> {
        let at = at as usize;
        self.data.get(at..at.checked_add(length as usize)?)
    }

    fn word(&self, at: usize) -> Option<u32> {
        let bytes = self.data.get(at..)?.first_chunk::<4>()?;
        Some(u32::from_le_bytes(*bytes))
    }

    /// The `i`th name in alphabetical order, and its group.
    pub fn name(&self, i: u32) -> Option<(&'a [u8], u32)> {
        if i >= self.header.name_count {
            return None;
        }
        let entry = (self.header.names as usize).checked_add(i as usize * 12)?;
        let text = self.bytes(self.word(entry)?, self.word(entry + 4)?)?;
        let group = self.word(entry + 8)?;
        (group <= self.header.groups).then_some((text, group))
    }

    /// The names in alphabetical order, with their groups. A name occurs more than once with `dupnames`.
    pub fn names(&self) -> impl Iterator<Item = (&'a [u8], u32)> {
        let program = *self;
        (0..self.header.name_count).map_while(move |i| program.name(i))
    }

    /// Whether the pattern was compiled with `dupnames`.
    pub fn has_duplicate_names(&self) -> bool {
        self.header.options.has(Options::DUPNAMES)
    }
}
