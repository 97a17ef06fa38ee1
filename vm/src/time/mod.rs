//! Time as the machine needs it: which timer fires next.

pub mod wheel;
