//! Bit strings: their three representations, matching and construction.
//!
//! `term::header` has the layouts. [`view`] sees all three as bytes, offset and size; [`make`] and
//! [`append`] make them; [`context`] is where a match stands; [`integer`], [`float`] and [`utf`] are what segments hold; [`iolist`] joins lists of bytes
//! and binaries, [`search`] finds patterns in them. All of it stands on [`raw`], which reads and writes bits at any alignment.
//!
//! Invariant: positions and sizes are in bits unless a name says bytes, and none exceeds [`MAX_BITS`], so that
//! sums of two of them do not overflow.

pub mod append;
pub mod buffer;
pub mod context;
pub mod float;
pub mod integer;
pub mod iolist;
pub mod make;
pub mod raw;
pub mod search;
pub mod utf;
pub mod view;

pub use make::{
    binary_of_vec, build_binary, make_binary, make_bits, new_bits, new_uninit, sub_bits,
};
pub use view::{BitsView, view};

/// Largest size of a bit string: 2^48 bytes, the address space. What would be larger is `system_limit`.
pub const MAX_BITS: usize = 1 << 51;
