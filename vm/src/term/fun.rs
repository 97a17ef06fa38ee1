//! Funs: the words of a `Fun` object, and what the comparer, the hasher, the printer and the external format must
//! know of the code behind it.
//!
//! ```text
//! header | address of FunEntry or Export | meta | creator (a pid, or [] for an external fun) | free variables ...
//! ```
//!
//! `FunEntry` and `Export` belong to the code table. Both are `repr(C)` and begin as [`Entry`] says, so that a call
//! need not know which of the two it has, and nothing here needs the rest of them.
//!
//! Invariant: the entry outlives every fun that points to it.

use super::{Atom, Subtag, Term};
use crate::memory::{Arena, NoMemory};

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

/// How an export entry (of an [`Mfa`]) or a fun entry (of a [`FunIdentity`]) begins.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Entry<I> {
    /// Where a call goes.
    pub code: *const u8,
    /// What is called.
    pub identity: I,
}

/// What an export entry is of.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(C)]
pub struct Mfa {
    /// Module.
    pub module: Atom,
    /// Function.
    pub function: Atom,
    /// Number of arguments.
    pub arity: u32,
}

/// What a fun entry is of: which fun of which version of which module it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C)]
pub struct FunIdentity {
    /// Module.
    pub module: Atom,
    /// Arguments that a caller passes, without the free variables.
    pub arity: u32,
    /// Index of the fun in its module's fun table, as the new external format has it.
    pub index: u32,
    /// The index that term order, hashes and `#Fun<m.INDEX.u>` use.
    pub old_index: u32,
    /// 27 bits of the module's checksum: the `u` of `#Fun<m.i.u>`.
    pub old_uniq: u32,
    /// MD5 of the module's significant chunks.
    pub uniq: [u8; 16],
}

/// A fun, looked into.
#[derive(Clone, Copy)]
pub struct Fun<'a> {
    /// Address of the `FunEntry` or `Export`.
    pub entry: *const u64,
    /// Arity and kind.
    pub meta: Meta,
    /// Creator, then free variables.
    terms: &'a [Term],
}

/// The code behind a fun.
#[derive(Clone, Copy)]
pub enum Target<'a> {
    /// `fun m:f/a`
    External(&'a Mfa),
    /// A fun with a body of its own.
    Local(&'a FunIdentity),
}

impl<'a> Fun<'a> {
    /// The fun that `term` is, if it is one.
    #[inline]
    pub fn of(term: &'a Term) -> Option<Fun<'a>> {
        let words = term.as_object(Subtag::Fun)?;
        // SAFETY: behind the two raw words a fun has only terms.
        let terms = unsafe {
            core::slice::from_raw_parts(words.as_ptr().add(2).cast::<Term>(), words.len() - 2)
        };
        Some(Fun {
            entry: words[0] as *const u64,
            meta: Meta::unpack(words[1]),
            terms,
        })
    }

    /// What it calls.
    pub fn target(&self) -> Target<'a> {
        // SAFETY: the entry outlives the fun, and is of the one or the other as `external` says.
        unsafe {
            if self.meta.external {
                Target::External(&(*self.entry.cast::<Entry<Mfa>>()).identity)
            } else {
                Target::Local(&(*self.entry.cast::<Entry<FunIdentity>>()).identity)
            }
        }
    }

    /// The creator: a pid, or `[]`.
    pub fn creator(&self) -> Term {
        self.terms[0]
    }

    /// The free variables.
    pub fn free(&self) -> &'a [Term] {
        &self.terms[1..]
    }
}

/// `fun m:f/a` of the export entry at `entry`.
pub fn external_fun<A: Arena + ?Sized>(
    arena: &mut A,
    entry: *const u64,
    arity: u8,
) -> Result<Term, NoMemory> {
    let meta = Meta {
        arity: arity as usize,
        free: 0,
        external: true,
    };
    arena.object(Subtag::Fun, &[entry as u64, meta.pack(), Term::NIL.raw()])
}
