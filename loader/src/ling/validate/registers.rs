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

/// A set of X registers. How many words of it count depends on the module ([`words_for`]).
#[derive(Clone, Copy, Debug)]
pub struct Registers {
    words: [u64; MOST_WORDS],
}

/// Number of words that sets need in a module that uses registers below `count`.
pub fn words_for(count: u32) -> usize {
    (count as usize).div_ceil(64).clamp(1, MOST_WORDS)
}

impl Registers {
    /// The empty set.
    pub const NONE: Registers = Registers {
        words: [0; MOST_WORDS],
    };

    /// The registers below `count`.
    pub fn below(count: u32) -> Self {
        let mut set = Registers::NONE;
        for (index, word) in set.words.iter_mut().enumerate() {
            *word = below(count, index);
        }
        set
    }

    /// Becomes the set whose words are these.
    #[inline]
    pub fn load(&mut self, stored: &[u64]) {
        for (word, stored) in self.words.iter_mut().zip(stored) {
            *word = *stored;
        }
    }

    /// Becomes the registers below `limit`, as far as `count` words go.
    #[inline]
    pub fn set_below(&mut self, limit: u32, count: usize) {
        for (index, word) in self.words[..count].iter_mut().enumerate() {
            *word = below(limit, index);
        }
    }

    /// Its first words.
    pub fn words(&self, count: usize) -> &[u64] {
        &self.words[..count.min(MOST_WORDS)]
    }

    /// Forgets all of it, as far as `count` words go.
    #[inline]
    pub fn clear(&mut self, count: usize) {
        self.words[..count].fill(0);
    }

    /// Adds a register, which is below [`X_REGISTERS`].
    #[inline]
    pub fn insert(&mut self, register: u16) {
        if let Some(word) = self.words.get_mut(register as usize / 64) {
            *word |= 1 << (register % 64);
        }
    }

    /// Adds another set.
    #[inline]
    pub fn insert_all(&mut self, other: &Registers, count: usize) {
        for (word, other) in self.words[..count].iter_mut().zip(&other.words) {
            *word |= other;
        }
    }

    /// Keeps only registers below `live`.
    #[inline]
    pub fn keep_below(&mut self, live: u32, count: usize) {
        for (index, word) in self.words[..count].iter_mut().enumerate() {
            *word &= below(live, index);
        }
    }

    /// The first register of `wanted`, or below `live`, that is not in this set.
    #[inline]
    pub fn first_missing(&self, wanted: &Registers, live: u32, count: usize) -> Option<u32> {
        for index in 0..count {
            let missing = (wanted.words[index] | below(live, index)) & !self.words[index];
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
        | Op::call_fun2 => (count, Others::Lost(1)),
        // The fun is behind the arguments.
        Op::call_fun => (count + 1, Others::Lost(1)),
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
    let maps = matches!(op, Op::put_map_assoc | Op::put_map_exact);
    Effect {
        needs,
        others,
        sources_live: matches!(others, Others::StayBelow(_)) && !maps,
    }
}

/// An exception handler finds terms in the registers below this, and in no others.
pub const HANDLER_FINDS: u32 = 4;
