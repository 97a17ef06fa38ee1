//! Header words: what begins every boxed object.
//!
//! ```text
//! arity: words that follow (58 bits) | subtag (4 bits) | 00
//! ```
//!
//! | subtag | words behind the header |
//! |---|---|
//! | `Tuple` | elements |
//! | `BigPositive`, `BigNegative` | raw: magnitude, 64-bit digits, least significant first, no leading zero digit, never in the small range |
//! | `Float` | raw: IEEE 754 double |
//! | `Reference` | raw: number (64 bits), number (upper 32 bits); with a resource behind it also raw: next object of the off-heap list; raw: address of the resource's `Head` |
//! | `Fun` | raw: address of `FunEntry` or `Export`; raw: arity, number of free variables, kind; then terms: creator, free variables |
//! | `FlatMap` | the tuple of sorted keys, then the values in that order |
//! | `HashMap` | raw: number of pairs below; raw: bitmap; then children |
//! | `HeapBits` | raw: size in bits; raw: the bytes |
//! | `RefcBits` | raw: size in bytes; raw: address of the `Binary`; raw: next object of the off-heap list |
//! | `SubBits` | raw: offset in bits; raw: size in bits and flags; then one term: the `HeapBits` or `RefcBits` it is part of |
//! | `MatchContext` | raw: address of the first byte; raw: position in bits; raw: end in bits; then one term: the bit string (`HeapBits` or `RefcBits`) |
//! | `ExternalPid`, `ExternalPort`, `ExternalReference` | raw: node; raw: numbers (see [`super::external`]) |

/// A header word.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(transparent)]
pub struct Header(pub u64);

/// Which object a header begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
#[expect(missing_docs, reason = "the table above says what each one is")]
pub enum Subtag {
    /// No object has it.
    Invalid = 0,
    Tuple = 1,
    BigPositive = 2,
    BigNegative = 3,
    Float = 4,
    Reference = 5,
    Fun = 6,
    FlatMap = 7,
    HashMap = 8,
    HeapBits = 9,
    RefcBits = 10,
    SubBits = 11,
    MatchContext = 12,
    ExternalPid = 13,
    ExternalPort = 14,
    ExternalReference = 15,
}

/// [`Subtag::raw_words`] of objects without a term in them.
pub const ALL_RAW: usize = usize::MAX;

const SUBTAGS: [Subtag; 16] = [
    Subtag::Invalid,
    Subtag::Tuple,
    Subtag::BigPositive,
    Subtag::BigNegative,
    Subtag::Float,
    Subtag::Reference,
    Subtag::Fun,
    Subtag::FlatMap,
    Subtag::HashMap,
    Subtag::HeapBits,
    Subtag::RefcBits,
    Subtag::SubBits,
    Subtag::MatchContext,
    Subtag::ExternalPid,
    Subtag::ExternalPort,
    Subtag::ExternalReference,
];

impl Subtag {
    /// How many words behind the header are not terms; [`ALL_RAW`] if none is.
    #[inline(always)]
    pub const fn raw_words(self) -> usize {
        match self {
            Subtag::Tuple | Subtag::FlatMap => 0,
            Subtag::Fun | Subtag::HashMap | Subtag::SubBits => 2,
            Subtag::MatchContext => 3,
            _ => ALL_RAW,
        }
    }
}

impl Header {
    /// How many words behind this header are not terms.
    #[inline(always)]
    pub const fn raw_len(self) -> usize {
        match self.subtag().raw_words() {
            ALL_RAW => self.arity(),
            raw => raw,
        }
    }

    /// The header of an object with `arity` words behind it.
    #[inline(always)]
    pub const fn new(subtag: Subtag, arity: usize) -> Header {
        Header(((arity as u64) << 6) | ((subtag as u64) << 2))
    }
    /// Words behind the header.
    #[inline(always)]
    pub const fn arity(self) -> usize {
        (self.0 >> 6) as usize
    }
    /// Which object.
    #[inline(always)]
    pub const fn subtag(self) -> Subtag {
        SUBTAGS[((self.0 >> 2) & 0xf) as usize]
    }
    /// Whether `word` can be a header at all.
    #[inline(always)]
    pub const fn is_header(word: u64) -> bool {
        word & 3 == 0
    }
}
