//! Functions of loaded modules whose body is a native one: built-in functions that OTP's modules have a stub of, and what
//! `load_nif` binds.
//!
//! Calls from inside the module and funs lead to the function's code, not through an export entry. So the first instruction there is
//! overwritten with `native_call`, which is as short as an instruction can be and names an export entry
//! by its number in a table. Of the rest of the body nothing is reached any more, except by a process that is in it: what it returns
//! to lies behind the first four bytes, and stays as it was.
//!
//! Invariant: an entry of the table is never moved or removed; a number in the code is one of the table's.

use super::Code;
use super::export::Export;
use super::versions::LoadedModule;
use crate::bif::Function;
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

impl Natives {
    /// The number of a library's function.
    fn of_library(&mut self, key: (Atom, Atom, u8), run: Function) -> Result<u16, NoMemory> {
        let mut export = match self.of_libraries.get(&key) {
            Some(export) => *export,
            None => {
                self.of_libraries.try_reserve(1).map_err(|_| NoMemory)?;
                let (module, function, arity) = key;
                let export = NonNull::from(Export::leak(module, function, arity));
                self.of_libraries.insert(key, export);
                export
            }
        };
        // SAFETY: entries live as long as the machine, which has one thread.
        unsafe { export.as_mut() }.define_built_in(run);
        self.number_of(export)
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

    /// Replaces each function that `library` has of the version whose code `address` is in. `atoms` are the names of the library's functions.
    pub fn bind(
        &mut self,
        address: *const u8,
        library: &Library,
        atoms: &[Atom],
    ) -> Result<(), BindError> {
        let Some(version) = self.versions.at_mut(address) else {
            return Ok(());
        };
        if !version.nifs.is_empty() {
            return Err(BindError::Reload);
        }
        let count = library.functions.len();
        version
            .nifs
            .try_reserve_exact(count)
            .map_err(|_| BindError::NoMemory)?;
        for (function, native) in atoms.iter().zip(library.functions) {
            let Some(entry) = version.entry_of(*function, native.arity) else {
                continue;
            };
            let number = self
                .natives
                .of_library((version.name, *function, native.arity), native.run)
                .map_err(|NoMemory| BindError::NoMemory)?;
            // SAFETY: the entry of a function is a whole instruction.
            unsafe { replace(version.address(entry), number) };
            version.nifs.push((*function, native.arity));
        }
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
