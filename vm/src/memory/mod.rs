//! Memory of terms: heaps, fragments, off-heap binaries and resources, literals, and the collector.

pub mod adopted;
pub mod arena;
pub mod fun_references;
pub mod gc;
pub mod heap;
pub mod off_heap;
pub mod resource;

pub use arena::{Arena, NoMemory};
