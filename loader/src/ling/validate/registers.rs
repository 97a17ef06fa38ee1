//! Which X registers surely hold a term.
//!
//! A collection moves only what live registers point to, and a process that gives the
//! processor away keeps only those. So a register that is read later than that, without
//! having been written, would be a term of the past or of another process. Here are sets of
//! registers and what each operation does to them; [`super::flow`] follows them through the
//! code.

use crate::isa::X_REGISTERS;
use crate::operation::Op;

/// Words of the largest set.
pub const MOST_WORDS: usize = X_REGISTERS / 64;

/// A set of X registers below `64 * WORDS`: most modules need one word.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Registers<const WORDS: usize> {
    words: [u64; WORDS],
}

impl<const WORDS: usize> Registers<WORDS> {
    /// The empty set.
    pub const NONE: Self = Registers { words: [0; WORDS] };

    /// The registers below `count`.
    #[inline]
    pub fn below(count: u32) -> Self {
        let mut set = Registers::NONE;
        for (index, word) in set.words.iter_mut().enumerate() {
            *word = below(count, index);
        }
        set
    }

    /// Adds a register; one that the set cannot hold is left out.
    #[inline]
    pub fn insert(&mut self, register: u16) {
        if let Some(word) = self.words.get_mut(register as usize / 64) {
            *word |= 1 << (register % 64);
        }
    }

    /// Adds another set.
    #[inline]
    pub fn insert_all(&mut self, other: &Self) {
        for (word, other) in self.words.iter_mut().zip(&other.words) {
            *word |= other;
        }
    }

    /// Keeps only what is in another set, too. Tells whether anything was lost.
    #[inline]
    pub fn keep(&mut self, other: &Self) -> bool {
        let mut lost = 0;
        for (word, other) in self.words.iter_mut().zip(&other.words) {
            lost |= *word & !other;
            *word &= other;
        }
        lost != 0
    }

    /// The first register that is in `wanted` or below `live`, but not in this set.
    #[inline]
    pub fn first_missing(&self, wanted: &Self, live: u32) -> Option<u32> {
        for (index, (word, wanted)) in self.words.iter().zip(&wanted.words).enumerate() {
            let missing = (wanted | below(live, index)) & !word;
            if missing != 0 {
                return Some(64 * index as u32 + missing.trailing_zeros());
            }
        }
        None
    }
}

/// Word number `index` of the set of registers below `live`.
#[inline]
fn below(live: u32, index: usize) -> u64 {
    match live.saturating_sub(64 * index as u32) {
        0 => 0,
        bits @ 1..64 => (1 << bits) - 1,
        _ => u64::MAX,
    }
}

/// What becomes of the X registers that an instruction does not write.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Others {
    /// They stay.
    Stay,
    /// Those below this stay: it may collect, with so many live.
    StayBelow(u32),
    /// They are lost, and those below this hold its results.
    Lost(u32),
}

/// What an operation does with X registers besides its operands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Effect {
    /// It needs the registers below this.
    pub needs: u32,
    /// What it leaves.
    pub others: Others,
    /// Whether its sources are looked at only after a collection, so must be live.
    pub sources_live: bool,
}

/// The effect of an operation whose first operand of kind A is `count`: its arity, or its
/// number of live registers.
#[inline]
pub fn effect(op: Op, count: u16) -> Effect {
    let count = count as u32;
    let (needs, others) = match op {
        Op::func_info => (count, Others::Stay),
        Op::call
        | Op::call_last
        | Op::call_only
        | Op::call_ext
        | Op::call_ext_last
        | Op::call_ext_only
        | Op::call_fun2
        | Op::call_fun2_last => (count, Others::Lost(1)),
        // The fun is behind the arguments.
        Op::call_fun | Op::call_fun_last => (count + 1, Others::Lost(1)),
        // Module and function are.
        Op::apply | Op::apply_last => (count + 2, Others::Lost(1)),
        Op::return_ => (1, Others::Stay),
        Op::send => (2, Others::Lost(1)),
        Op::allocate | Op::allocate_heap | Op::test_heap => (count, Others::StayBelow(count)),
        Op::put_map_assoc | Op::put_map_exact => (count, Others::StayBelow(count)),
        Op::bs_start_match
        | Op::bs_get_position
        | Op::bs_get_tail
        | Op::bs_get_integer2
        | Op::bs_get_float2
        | Op::bs_get_binary2
        | Op::bsm_integer
        | Op::bsm_binary
        | Op::bsm_get_tail
        | Op::bs_create_bin => (count, Others::StayBelow(count)),
        Op::bs_init_writable | Op::build_stacktrace => (1, Others::Lost(1)),
        Op::raw_raise => (3, Others::Lost(1)),
        // What an exception leaves, class, reason and trace behind a mark, becomes the
        // handler's.
        Op::try_case => (HANDLER_FINDS, Others::Lost(3)),
        Op::catch_end => (1, Others::Lost(1)),
        Op::loop_rec | Op::loop_rec_end | Op::wait | Op::wait_timeout => (0, Others::Lost(0)),
        _ => (0, Others::Stay),
    };
    Effect {
        needs,
        others,
        // The converter sees to it; building maps keeps its sources in any case.
        sources_live: matches!(others, Others::StayBelow(_))
            && !matches!(op, Op::put_map_assoc | Op::put_map_exact),
    }
}

/// An exception handler finds terms in the registers below this, and in no others.
pub const HANDLER_FINDS: u32 = 4;
