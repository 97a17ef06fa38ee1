//! File systems of the machine.

pub mod cpio;
