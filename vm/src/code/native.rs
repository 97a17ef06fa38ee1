//! Functions of loaded modules whose body is a native one: built-in functions that OTP's modules have a stub of, and what
//! `load_nif` binds.
//!
//! Calls from inside the module and funs lead to the function's code, not through an export entry. So the first instruction there is
//! overwritten with `native_call`, which is as short as an instruction can be and names an export entry
//! by its number in a table. Of the rest of the body nothing is reached any more, except by a process that is in it: what it returns
//! to lies behind the first four bytes, and stays as it was.
//!
//! Invariant: an entry of the table is never moved or removed; a number in the code is one of the table's.

use super::export::Export;
use super::{Code, LoadedModule};
use crate::memory::NoMemory;
use crate::native::Library;
use crate::term::Atom;
use alloc::vec::Vec;
use core::ptr::NonNull;
use hashbrown::HashMap;
use starling_loader::Op;

/// The table.
#[derive(Default)]
pub(super) struct Natives {
    entries: Vec<NonNull<Export>>,
    /// Entries of functions of libraries. They are none of the module's exports: those are the module's own, and a version of it that
    /// loads no library has Erlang code there.
    of_libraries: HashMap<(Atom, Atom, u8), NonNull<Export>>,
}

impl Natives {
    /// The number of `export`, which gets one if it has none.
    pub(super) fn number_of(&mut self, mut export: NonNull<Export>) -> Result<u16, NoMemory> {
        // SAFETY: entries live as long as the machine, which has one thread.
        let entry = unsafe { export.as_mut() };
        if let Some(number) = entry.native {
            return Ok(number);
        }
        let number = u16::try_from(self.entries.len()).map_err(|_| NoMemory)?;
        self.entries.try_reserve(1).map_err(|_| NoMemory)?;
        self.entries.push(export);
        entry.native = Some(number);
        Ok(number)
    }
}

/// Makes the function that begins at `instruction` the native one of that number.
///
/// # Safety
/// The address is that of a whole instruction, the first of a function.
pub(super) unsafe fn replace(instruction: *mut u8, number: u16) {
    // SAFETY: the caller's promise; every instruction has four bytes at least.
    unsafe {
        let words = instruction.cast::<u16>();
        words.write(Op::native_call.opcode(0));
        words.add(1).write(number);
    }
}

/// Why a library could not be bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BindError {
    /// This version of the module has loaded it.
    Reload,
    /// No memory.
    NoMemory,
}

impl Code {
    /// The entry that a `native_call` names.
    ///
    /// # Safety
    /// The number comes from an instruction that [`replace`] wrote.
    #[inline(always)]
    pub(crate) unsafe fn native(&self, number: usize) -> *const Export {
        // SAFETY: the caller's promise, and the invariant of the table.
        unsafe { self.natives.entries.get_unchecked(number).as_ptr() }
    }

    /// Replaces each function that `library` has of the module whose code `address` is in.
    pub fn bind(
        &mut self,
        address: *const u8,
        library: &Library,
        atoms: &[Atom],
    ) -> Result<(), BindError> {
        let no_memory = |_| BindError::NoMemory;
        let Some(index) = self.module_index_at(address) else {
            return Ok(());
        };
        let module = &self.modules[index];
        if !module.nifs.is_empty() {
            return Err(BindError::Reload);
        }
        let mut found = Vec::new();
        for (function, native) in atoms.iter().zip(library.functions) {
            if let Some(entry) = module.entry_of(*function, native.arity) {
                found.try_reserve(1).map_err(|_| BindError::NoMemory)?;
                found.push((*function, native, entry));
            }
        }
        let name = module.name;
        let mut numbers = Vec::new();
        numbers
            .try_reserve_exact(found.len())
            .map_err(|_| BindError::NoMemory)?;
        let mut nifs = Vec::new();
        nifs.try_reserve_exact(found.len())
            .map_err(|_| BindError::NoMemory)?;
        for (function, native, _) in &found {
            let key = (name, *function, native.arity);
            let mut export = match self.natives.of_libraries.get(&key) {
                Some(export) => *export,
                None => {
                    let export = NonNull::from(Export::leak(name, *function, native.arity));
                    self.natives.of_libraries.insert(key, export);
                    export
                }
            };
            // SAFETY: entries live as long as the machine, which has one thread.
            unsafe { export.as_mut() }.define_built_in(native.run);
            numbers.push(self.natives.number_of(export).map_err(no_memory)?);
            nifs.push((*function, native.arity));
        }
        let module = &mut self.modules[index];
        for ((_, _, entry), number) in found.iter().zip(numbers) {
            let instruction = module
                .code
                .start()
                .cast::<u8>()
                .wrapping_add(*entry as usize);
            // SAFETY: the entry of a function: see `LoadedModule::entry_of`.
            unsafe { replace(instruction, number) };
        }
        module.nifs = nifs;
        Ok(())
    }
}

impl LoadedModule {
    /// Code offset of the first instruction of a function, exported or not.
    fn entry_of(&self, function: Atom, arity: u8) -> Option<u32> {
        let mut functions = self.file.functions().iter();
        let found = functions
            .find(|f| f.arity == arity as u32 && self.atom(f.function) == Some(function))?;
        Some(found.entry)
    }
}
