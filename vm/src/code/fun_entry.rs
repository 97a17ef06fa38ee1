//! Fun entries: what a local fun (`fun(X) -> ... end`) refers to.
//!
//! An entry belongs to the fun of a module with a certain checksum, not to a module that is loaded: two versions that are equal share their
//! entries, and an entry outlives its code. While there is no code, a call finds an instruction that looks for it (`call_undefined_fun`).
//!
//! Invariant: as for [`super::export::Export`]: never moved or freed; the code's address is first and always valid.

use crate::memory::NoMemory;
use crate::process::try_box;
use crate::term::Atom;
use crate::term::fun::{Entry, FunIdentity};
use alloc::boxed::Box;
use core::ptr::NonNull;
use starling_loader::Op;

/// One entry: the body of a fun in one version of a module.
#[repr(C)]
pub struct FunEntry {
    /// The body's code, and which fun it is.
    pub entry: Entry<FunIdentity>,
    /// The function that is the body, such as `'-main/0-fun-0-'`; unknown while the module is not loaded.
    pub function: Option<Atom>,
    /// Free variables, which the body gets behind the arguments.
    pub free: u32,
    /// An instruction without operands, for entries without code: it finds the entry by its own address.
    stub: [u16; 4],
}

impl FunEntry {
    /// Makes an entry without code. It is never freed.
    pub fn leak(identity: FunIdentity, free: u32) -> Result<NonNull<FunEntry>, NoMemory> {
        let entry = Box::leak(try_box(FunEntry {
            entry: Entry {
                code: core::ptr::null(),
                identity,
            },
            function: None,
            free,
            stub: [Op::call_undefined_fun.opcode(0), 0, 0, 0],
        })?);
        entry.undefine();
        Ok(NonNull::from(entry))
    }

    /// The entry whose stub is at `ip`.
    pub fn of_stub(ip: *const u8) -> *const FunEntry {
        ip.wrapping_sub(core::mem::offset_of!(FunEntry, stub))
            .cast()
    }

    /// From now on there is no code.
    pub fn undefine(&mut self) {
        self.entry.code = self.stub.as_ptr().cast();
    }

    /// Whether there is code.
    pub fn is_defined(&self) -> bool {
        self.entry.code != self.stub.as_ptr().cast()
    }
}
