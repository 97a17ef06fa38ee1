//! Bit strings: their three representations, matching and construction.

pub mod view;
