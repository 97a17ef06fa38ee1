//! Funs: the words of a `Fun` object.
//!
//! ```text
//! header | address of FunEntry or Export | meta | creator (a pid, or [] for an external fun) | free variables ...
//! ```

/// Words of a fun without free variables, header included.
pub const FUN_WORDS: usize = 4;

/// The meta word of a fun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Meta {
    /// Arguments that a caller passes.
    pub arity: usize,
    /// Free variables; 0 for an external fun.
    pub free: usize,
    /// `fun M:F/A`: the address is an export entry's.
    pub external: bool,
}

impl Meta {
    /// As a word: arity, then free variables (a byte each would do), then the kind in bit 32.
    #[inline(always)]
    pub const fn pack(self) -> u64 {
        (self.arity as u64) | ((self.free as u64) << 8) | ((self.external as u64) << 32)
    }
    /// From a word.
    #[inline(always)]
    pub const fn unpack(word: u64) -> Meta {
        Meta {
            arity: (word & 0xff) as usize,
            free: ((word >> 8) & 0xffff) as usize,
            external: word >> 32 & 1 == 1,
        }
    }
}
