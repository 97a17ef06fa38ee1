//! Terms: what an Erlang value is in memory.
//!
//! A [`Term`] is one 64-bit word. Its two low bits are the primary tag:
//!
//! ```text
//! ........................................................00   header of an object on a heap (never a value)
//! pointer to a cons cell (head word, tail word)...........01   non-empty list
//! pointer to a header.....................................10   boxed: tuple, map, bignum, float, ...
//! data (60 bits)........................................0011   local pid
//! data (60 bits)........................................0111   local port
//! atom index (58 bits)................................001011   atom
//! code address (58 bits)..............................011011   catch (on stacks only)
//! 0...................................................111011   []
//! signed value (60 bits)................................1111   small integer
//! ```
//!
//! A boxed object is a header word, then as many words as the header's arity says. The
//! header's 4-bit [`Subtag`] names the object; the first [`Subtag::raw_words`] words behind it are
//! not terms, the rest are. The collector, the copier and the comparer need no more than that.
//!
//! # Invariant
//!
//! Every `Term` that exists refers to memory of a heap, a fragment or a literal area that is
//! alive and holds a complete object. Objects move only in [`crate::memory::gc`], which runs only between
//! instructions or in an instruction that says so; a built-in function cannot start
//! it (its context has no such method), so it may keep terms in locals. The accessors below are safe functions because
//! of this invariant; whoever makes a term from raw parts ([`Term::from_raw`], [`Term::boxed`],
//! [`Term::list`]) vouches for it, and so does whoever runs the collector.

pub mod compare;
pub mod copy;
pub mod etf;
pub mod external;
pub mod fun;
pub mod hash;
pub mod header;
pub mod old_hash;
#[cfg(test)]
mod otp_tests;
pub mod pace;
pub mod portable_hash;
pub mod print;
pub mod shared;
pub mod size;
pub mod zero;

use core::num::NonZeroU64;
pub use header::{Header, Subtag};

/// One Erlang value: see the [module](self).
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(transparent)]
pub struct Term(NonZeroU64);

const TAG_LIST: u64 = 0b01;
const TAG_BOXED: u64 = 0b10;
const TAG_PRIMARY: u64 = 0b11;
const TAG_PID: u64 = 0b0011;
const TAG_PORT: u64 = 0b0111;
const TAG_SMALL: u64 = 0b1111;
const TAG_IMMEDIATE: u64 = 0b1111;
const TAG_ATOM: u64 = 0b00_1011;
const TAG_CATCH: u64 = 0b01_1011;
const TAG_IMMEDIATE2: u64 = 0b11_1111;

/// Largest small integer: 2^59 - 1.
pub const MAX_SMALL: i64 = (1 << 59) - 1;
/// Smallest small integer: -2^59.
pub const MIN_SMALL: i64 = -(1 << 59);

/// A cons cell.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Cons {
    /// First element.
    pub head: Term,
    /// The rest; `[]` or another list in a proper list.
    pub tail: Term,
}

/// An index into the atom table.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(transparent)]
pub struct Atom(pub u32);

impl Atom {
    /// The atom as a term.
    pub const fn term(self) -> Term {
        Term::from_word(((self.0 as u64) << 6) | TAG_ATOM)
    }
}

impl From<Atom> for Term {
    fn from(atom: Atom) -> Term {
        atom.term()
    }
}

impl Term {
    /// The empty list.
    pub const NIL: Term = Term::from_word(0b11_1011);

    /// No value: what X[0] holds in an exception handler. It is a catch word that leads nowhere.
    pub const NONE: Term = Term::from_word(TAG_CATCH);

    #[inline(always)]
    const fn from_word(word: u64) -> Term {
        match NonZeroU64::new(word) {
            Some(word) => Term(word),
            // Unreachable, and compiled away: every caller sets a tag bit.
            None => panic!("no term is zero"),
        }
    }

    /// The term whose machine word is `word`.
    ///
    /// # Safety
    /// `word` is the raw word of a term, see the invariant of the [module](self).
    #[inline(always)]
    pub const unsafe fn from_raw(word: u64) -> Term {
        // SAFETY: no term's word is zero, and the caller says that this is one.
        Term(unsafe { NonZeroU64::new_unchecked(word) })
    }

    /// The machine word.
    #[inline(always)]
    pub const fn raw(self) -> u64 {
        self.0.get()
    }

    /// A list whose cell is at `cell`.
    ///
    /// # Safety
    /// `cell` points to two initialised terms, see the invariant of the [module](self).
    #[inline(always)]
    pub unsafe fn list(cell: *const u64) -> Term {
        // SAFETY: the address of a cell is not null, and tagged it is not zero.
        unsafe { Term::from_raw(cell as u64 | TAG_LIST) }
    }

    /// A boxed term whose header is at `header`.
    ///
    /// # Safety
    /// `header` points to a complete object, see the invariant of the [module](self).
    #[inline(always)]
    pub unsafe fn boxed(header: *const u64) -> Term {
        // SAFETY: as above.
        unsafe { Term::from_raw(header as u64 | TAG_BOXED) }
    }

    /// A small integer. `value` must be between [`MIN_SMALL`] and [`MAX_SMALL`]; checked in debug builds.
    #[inline(always)]
    pub const fn small(value: i64) -> Term {
        debug_assert!(value >= MIN_SMALL && value <= MAX_SMALL);
        Term::from_word(((value as u64) << 4) | TAG_SMALL)
    }

    /// A small integer, if `value` fits.
    #[inline(always)]
    pub const fn try_small(value: i64) -> Option<Term> {
        if value >= MIN_SMALL && value <= MAX_SMALL {
            Some(Term::small(value))
        } else {
            None
        }
    }

    /// A local pid with the 60 bits of `data` (see [`crate::process::table`]).
    pub const fn local_pid(data: u64) -> Term {
        Term::from_word((data << 4) | TAG_PID)
    }

    /// A local port with the 60 bits of `data`.
    pub const fn local_port(data: u64) -> Term {
        Term::from_word((data << 4) | TAG_PORT)
    }

    /// The word that marks an active `catch` or `try` on a stack; `handler` is where it leads.
    #[inline(always)]
    pub fn catch(handler: *const u8) -> Term {
        Term::from_word(((handler as u64) << 6) | TAG_CATCH)
    }

    /// `true` or `false`.
    #[inline(always)]
    pub const fn boolean(value: bool) -> Term {
        if value {
            crate::atom::am::TRUE.term()
        } else {
            crate::atom::am::FALSE.term()
        }
    }

    /// Whether this is an immediate: equal as words means equal as terms, and nothing is on a heap.
    #[inline(always)]
    pub const fn is_immediate(self) -> bool {
        self.raw() & TAG_PRIMARY == TAG_PRIMARY
    }
    /// Whether this is a non-empty list.
    #[inline(always)]
    pub const fn is_cons(self) -> bool {
        self.raw() & TAG_PRIMARY == TAG_LIST
    }
    /// Whether this is a boxed term.
    #[inline(always)]
    pub const fn is_boxed(self) -> bool {
        self.raw() & TAG_PRIMARY == TAG_BOXED
    }
    /// Whether this is `[]`.
    #[inline(always)]
    pub const fn is_nil(self) -> bool {
        self.raw() == Term::NIL.raw()
    }
    /// Whether this is a small integer.
    #[inline(always)]
    pub const fn is_small(self) -> bool {
        self.raw() & TAG_IMMEDIATE == TAG_SMALL
    }
    /// A number that grows as small integers do, and is greater for whatever else: a search among terms, most of which are small integers,
    /// has one comparison then.
    #[inline(always)]
    pub const fn small_rank(self) -> u64 {
        // The tag becomes the highest bits, and the sign the one below them; of a small integer the ones become zeros.
        self.raw().rotate_right(4) ^ (TAG_SMALL << 60 | 1 << 59)
    }
    /// The word of the term whose [`Term::small_rank`] this is.
    #[inline(always)]
    pub const fn word_of_small_rank(rank: u64) -> u64 {
        (rank ^ (TAG_SMALL << 60 | 1 << 59)).rotate_left(4)
    }
    /// Whether both are small integers: one test.
    #[inline(always)]
    pub const fn are_small(a: Term, b: Term) -> bool {
        a.raw() & b.raw() & TAG_IMMEDIATE == TAG_SMALL
    }
    /// Whether this is an atom.
    #[inline(always)]
    pub const fn is_atom(self) -> bool {
        self.raw() & TAG_IMMEDIATE2 == TAG_ATOM
    }
    /// Whether this is a pid of this node.
    #[inline(always)]
    pub const fn is_local_pid(self) -> bool {
        self.raw() & TAG_IMMEDIATE == TAG_PID
    }
    /// Whether this is a port of this node.
    #[inline(always)]
    pub const fn is_local_port(self) -> bool {
        self.raw() & TAG_IMMEDIATE == TAG_PORT
    }
    /// Whether this is a catch word.
    #[inline(always)]
    pub const fn is_catch(self) -> bool {
        self.raw() & TAG_IMMEDIATE2 == TAG_CATCH
    }

    /// The value of a small integer.
    #[inline(always)]
    pub const fn as_small(self) -> Option<i64> {
        if self.is_small() {
            Some(self.small_value())
        } else {
            None
        }
    }
    /// The value of a term that is known to be a small integer; otherwise meaningless.
    #[inline(always)]
    pub const fn small_value(self) -> i64 {
        (self.raw() as i64) >> 4
    }
    /// The atom, if this is one.
    #[inline(always)]
    pub const fn as_atom(self) -> Option<Atom> {
        if self.is_atom() {
            Some(Atom((self.raw() >> 6) as u32))
        } else {
            None
        }
    }
    /// `Some(true)` or `Some(false)` for the atoms of these names.
    pub fn as_boolean(self) -> Option<bool> {
        match self.as_atom()? {
            crate::atom::am::TRUE => Some(true),
            crate::atom::am::FALSE => Some(false),
            _ => None,
        }
    }
    /// The 60 bits of a local pid or port; meaningless for others.
    #[inline(always)]
    pub const fn identifier_data(self) -> u64 {
        self.raw() >> 4
    }
    /// Where a catch word leads; meaningless for others.
    #[inline(always)]
    pub const fn catch_handler(self) -> *const u8 {
        (self.raw() >> 6) as *const u8
    }

    /// The address behind a list or boxed tag; meaningless for immediates.
    #[inline(always)]
    pub const fn pointer(self) -> *mut u64 {
        (self.raw() & !TAG_PRIMARY) as *mut u64
    }

    /// Head and tail of a non-empty list.
    #[inline(always)]
    pub fn as_cons(&self) -> Option<&Cons> {
        if self.is_cons() {
            // SAFETY: the module's invariant: a list points to a complete cell.
            Some(unsafe { &*self.pointer().cast::<Cons>() })
        } else {
            None
        }
    }

    /// The header of a boxed term.
    #[inline(always)]
    pub fn header(self) -> Option<Header> {
        if self.is_boxed() {
            // SAFETY: the module's invariant: a boxed term points to a header.
            Some(Header(unsafe { *self.pointer() }))
        } else {
            None
        }
    }

    /// Which kind of boxed object this is.
    #[inline(always)]
    pub fn subtag(self) -> Option<Subtag> {
        self.header().map(Header::subtag)
    }

    /// The words behind the header of a boxed term, if its subtag is `subtag`.
    #[inline(always)]
    pub fn as_object(&self, subtag: Subtag) -> Option<&[u64]> {
        let header = self.header()?;
        if header.subtag() != subtag {
            return None;
        }
        // SAFETY: the module's invariant: `arity` words follow the header.
        Some(unsafe { core::slice::from_raw_parts(self.pointer().add(1), header.arity()) })
    }

    /// The elements of a tuple.
    #[inline(always)]
    pub fn as_tuple(&self) -> Option<&[Term]> {
        let words = self.as_object(Subtag::Tuple)?;
        // SAFETY: a tuple has no raw words: every word is a term.
        Some(unsafe { core::slice::from_raw_parts(words.as_ptr().cast::<Term>(), words.len()) })
    }

    /// Whether this is a tuple.
    #[inline(always)]
    pub fn is_tuple(self) -> bool {
        self.subtag() == Some(Subtag::Tuple)
    }
    /// Whether this is a float.
    #[inline(always)]
    pub fn is_float(self) -> bool {
        self.subtag() == Some(Subtag::Float)
    }
    /// Whether this is a bignum.
    #[inline(always)]
    pub fn is_big(self) -> bool {
        matches!(
            self.subtag(),
            Some(Subtag::BigPositive | Subtag::BigNegative)
        )
    }
    /// Whether this is an integer of any size.
    #[inline(always)]
    pub fn is_integer(self) -> bool {
        self.is_small() || self.is_big()
    }
    /// Whether this is an integer or a float.
    #[inline(always)]
    pub fn is_number(self) -> bool {
        self.is_small()
            || matches!(
                self.subtag(),
                Some(Subtag::BigPositive | Subtag::BigNegative | Subtag::Float)
            )
    }
    /// Whether this is `[]` or a cons cell.
    #[inline(always)]
    pub fn is_list(self) -> bool {
        self.is_nil() || self.is_cons()
    }
    /// Whether this is a map, flat or hashed.
    #[inline(always)]
    pub fn is_map(self) -> bool {
        matches!(self.subtag(), Some(Subtag::FlatMap | Subtag::HashMap))
    }
    /// Whether this is a fun, local or external.
    #[inline(always)]
    pub fn is_fun(self) -> bool {
        self.subtag() == Some(Subtag::Fun)
    }
    /// Whether this is a bit string (a binary is one whose size is a multiple of 8).
    #[inline(always)]
    pub fn is_bit_string(self) -> bool {
        matches!(
            self.subtag(),
            Some(Subtag::HeapBits | Subtag::RefcBits | Subtag::SubBits)
        )
    }
    /// Whether this is a pid of any node.
    #[inline(always)]
    pub fn is_pid(self) -> bool {
        self.is_local_pid() || self.subtag() == Some(Subtag::ExternalPid)
    }
    /// Whether this is a port of any node.
    #[inline(always)]
    pub fn is_port(self) -> bool {
        self.is_local_port() || self.subtag() == Some(Subtag::ExternalPort)
    }
    /// Whether this is a reference of any node.
    #[inline(always)]
    pub fn is_reference(self) -> bool {
        matches!(
            self.subtag(),
            Some(Subtag::Reference | Subtag::ExternalReference)
        )
    }
    /// The value of a float.
    #[inline(always)]
    pub fn as_float(self) -> Option<f64> {
        self.as_object(Subtag::Float)
            .map(|words| f64::from_bits(words[0]))
    }

    /// The elements of a list; the iterator's [`ListIter::tail`] is what is left at its end
    /// (`[]` for a proper list).
    pub fn iter_list(self) -> ListIter {
        ListIter { rest: self }
    }
}

impl core::fmt::Debug for Term {
    /// The raw word; [`crate::term::print`] is what prints Erlang.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Term({:#x})", self.raw())
    }
}

/// Walks a list: see [`Term::iter_list`].
#[derive(Clone, Copy)]
pub struct ListIter {
    rest: Term,
}

impl ListIter {
    /// What has not been walked yet.
    pub fn tail(&self) -> Term {
        self.rest
    }
}

impl Iterator for ListIter {
    type Item = Term;
    #[inline]
    fn next(&mut self) -> Option<Term> {
        let cell = *self.rest.as_cons()?;
        self.rest = cell.tail;
        Some(cell.head)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_grow_as_small_integers_do_and_others_come_behind() {
        let values = [MIN_SMALL, MIN_SMALL + 1, -1, 0, 1, 17, MAX_SMALL];
        let ranks = values.map(|value| Term::small(value).small_rank());
        assert!(ranks.is_sorted_by(|a, b| a < b));
        for other in [Term::NIL, Atom(0).term(), Atom(1 << 20).term()] {
            assert!(other.small_rank() > ranks[values.len() - 1]);
        }
    }

    #[test]
    fn small_integers_keep_their_sixty_bits() {
        for value in [0, 1, -1, MAX_SMALL, MIN_SMALL] {
            assert_eq!(Term::small(value).as_small(), Some(value));
        }
        assert_eq!(Term::try_small(MAX_SMALL + 1), None);
        assert_eq!(Term::try_small(MIN_SMALL - 1), None);
    }

    #[test]
    fn immediates_do_not_look_like_each_other() {
        let all = [
            Term::NIL,
            Term::small(0),
            Atom(0).term(),
            Term::local_pid(0),
            Term::local_port(0),
            Term::catch(core::ptr::null()),
        ];
        for (i, a) in all.iter().enumerate() {
            assert!(a.is_immediate());
            for (j, b) in all.iter().enumerate() {
                assert_eq!(i == j, a == b);
            }
        }
        assert!(Term::NIL.is_list() && !Term::NIL.is_cons() && !Term::NIL.is_atom());
    }
}
