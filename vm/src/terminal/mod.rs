//! Terminals: what a line looks like on one ([`line`], [`width`]), and what one can do
//! ([`capabilities`]).

pub mod capabilities;
pub mod line;
pub mod width;
