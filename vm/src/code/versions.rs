//! Versions of modules: which are loaded, which of them is current, and which one an address belongs to.
//!
//! A module has at most one current version, which calls of its exports lead to, one old one, in which processes may still be, and one whose
//! `-on_load` function is running. So has OTP.
//!
//! Invariant: versions are sorted by the address of their code, and code never moves; for a name there is at most one version in each
//! [`Role`].

use super::fun_entry::FunEntry;
use super::literals::Literals;
use super::{Code, Location};
use crate::code::breakpoints::Functions;
use crate::memory::NoMemory;
use crate::memory::heap::Block;
use crate::term::Atom;
use crate::term::fun::{Entry, Mfa};
use crate::tracing::saved_calls;
use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::cell::Cell;
use core::ops::Range;
use core::ptr::NonNull;
use hashbrown::{HashMap, HashSet};
use starling_loader::ling;

/// What a version is to its module.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Role {
    /// Calls lead to it.
    Current,
    /// It was current; processes may be in it, and funs of it may be about.
    Old,
    /// Its `-on_load` function has yet to say whether it becomes current.
    OnLoad,
    /// It was old and makes way for an `OnLoad` one that is being purged.
    Saved,
}

/// One version of a module: linked code, and what is kept of the file that it was made from.
pub struct LoadedModule {
    /// Name.
    pub name: Atom,
    /// Linked instructions.
    pub(super) code: Block,
    /// Bytes of `code` that are instructions.
    pub(super) code_size: usize,
    /// A view of `bytes`, which it must not outlive: function, line and file tables are read where they lie.
    pub(super) file: ling::Module<'static>,
    /// What `file` and string operands of the code point into.
    pub(super) bytes: Cow<'static, [u8]>,
    /// Atoms by their index in the file.
    pub(super) atoms: Vec<Atom>,
    /// Entries of its funs, by their index in the file.
    pub(super) funs: Vec<NonNull<FunEntry>>,
    /// Its constants. `None` once they have been handed to [`super::release`].
    pub(super) literals: Option<Literals>,
    /// Functions that `load_nif` has replaced, in the library's order.
    pub(super) nifs: Vec<(Atom, u8)>,
    /// The function to run before the version may become current. In a box, since a trap needs an address that stays.
    pub(super) on_load: Option<Box<Entry<Mfa>>>,
    /// Whether it was loaded before anything ran.
    pub(super) preloaded: bool,
}

impl LoadedModule {
    /// The file that it was loaded from: tables, attributes and compile information. Code, literals and relocations may be gone from it.
    pub fn file(&self) -> &ling::Module<'static> {
        &self.file
    }

    /// Functions that `load_nif` has replaced.
    pub fn nifs(&self) -> &[(Atom, u8)] {
        &self.nifs
    }

    /// Whether it was loaded before anything ran.
    pub fn is_preloaded(&self) -> bool {
        self.preloaded
    }

    /// An atom of the file's table.
    pub fn atom(&self, index: u32) -> Option<Atom> {
        self.atoms.get(index as usize).copied()
    }

    /// The function to run before the version may become current.
    pub fn on_load(&self) -> Option<NonNull<u8>> {
        Some(NonNull::from(&**self.on_load.as_ref()?).cast())
    }

    /// Addresses of its code.
    pub fn addresses(&self) -> Range<usize> {
        let start = self.code.start() as usize;
        start..start + self.code_size
    }

    /// Bytes that it takes up, without its literals.
    pub fn memory(&self) -> usize {
        let kept = match &self.bytes {
            Cow::Owned(bytes) => bytes.capacity(),
            // In the image, or mapped.
            Cow::Borrowed(_) => 0,
        };
        size_of::<LoadedModule>()
            + self.code.words() * 8
            + kept
            + self.atoms.capacity() * size_of::<Atom>()
            + self.funs.capacity() * size_of::<usize>()
    }

    /// The address of an offset into its code.
    pub(super) fn address(&self, offset: u32) -> *mut u8 {
        self.code.start().cast::<u8>().wrapping_add(offset as usize)
    }

    /// Where the instruction around an offset into its code comes from.
    pub(super) fn location(&self, offset: u32) -> Option<Location> {
        let function = self.file.function_at(offset)?;
        let location = self.file.location_at(offset);
        let line = match location.line() {
            0 => None,
            // OTP's emulator carries these modules without their lines, and its messages show none.
            _ if self.preloaded => None,
            line => {
                let file = self.file.file(location.file() as usize);
                file.map(|file| (file, line))
            }
        };
        Some(Location {
            module: self.name,
            function: self.atom(function.function)?,
            arity: function.arity,
            line,
        })
    }
}

/// All versions of all modules.
#[derive(Default)]
pub struct Versions {
    #[expect(clippy::vec_box, reason = "inserting moves addresses, not versions")]
    sorted: Vec<Box<LoadedModule>>,
    /// The first address of the code of each, by name and role.
    places: HashMap<(Atom, Role), usize>,
    /// Names of modules that ever had a version.
    known: HashSet<Atom>,
    /// Index of the version that was asked for last: who asks for addresses mostly asks for the same module's.
    recent: Cell<usize>,
}

impl Versions {
    /// All versions, by address.
    pub fn iter(&self) -> impl Iterator<Item = &LoadedModule> {
        self.sorted.iter().map(|version| &**version)
    }

    /// Names of modules that have a current or an old version, each once.
    pub fn names(&self) -> impl Iterator<Item = Atom> {
        self.places
            .keys()
            .filter(|(name, role)| match role {
                Role::Current => true,
                Role::Old => !self.places.contains_key(&(*name, Role::Current)),
                Role::OnLoad | Role::Saved => false,
            })
            .map(|(name, _)| *name)
    }

    fn index_at(&self, address: usize) -> Option<usize> {
        let recent = self.recent.get();
        let same = self
            .sorted
            .get(recent)
            .is_some_and(|version| version.addresses().contains(&address));
        if same {
            return Some(recent);
        }
        let after = self
            .sorted
            .partition_point(|version| version.code.start() as usize <= address);
        let index = after.checked_sub(1)?;
        self.sorted[index].addresses().contains(&address).then(|| {
            self.recent.set(index);
            index
        })
    }

    /// The version whose code `address` is in.
    pub fn at(&self, address: *const u8) -> Option<&LoadedModule> {
        let index = self.index_at(address as usize)?;
        Some(&self.sorted[index])
    }

    pub(super) fn at_mut(&mut self, address: *const u8) -> Option<&mut LoadedModule> {
        let index = self.index_at(address as usize)?;
        Some(&mut self.sorted[index])
    }

    /// The version of `name` in `role`.
    pub fn find(&self, name: Atom, role: Role) -> Option<&LoadedModule> {
        let start = *self.places.get(&(name, role))?;
        self.at(start as *const u8)
    }

    /// Makes room for one version more.
    pub(super) fn reserve(&mut self) -> Result<(), NoMemory> {
        self.sorted.try_reserve(1).map_err(|_| NoMemory)?;
        self.places.try_reserve(1).map_err(|_| NoMemory)?;
        self.known.try_reserve(1).map_err(|_| NoMemory)
    }

    /// Adds a version, for which there is room, in a role that no other version of its module has.
    pub(super) fn insert(&mut self, role: Role, version: Box<LoadedModule>) {
        let start = version.code.start() as usize;
        self.places.insert((version.name, role), start);
        self.known.insert(version.name);
        let at = self
            .sorted
            .partition_point(|other| (other.code.start() as usize) < start);
        self.sorted.insert(at, version);
    }

    /// Gives a version another role, which no other version of its module has. Nothing happens if there is none.
    pub(super) fn change(&mut self, name: Atom, from: Role, to: Role) {
        if let Some(start) = self.places.remove(&(name, from)) {
            self.places.insert((name, to), start);
        }
    }

    /// Takes a version out.
    pub(super) fn remove(&mut self, name: Atom, role: Role) -> Option<Box<LoadedModule>> {
        let start = self.places.remove(&(name, role))?;
        let index = self.index_at(start)?;
        Some(self.sorted.remove(index))
    }
}

/// Why a version cannot become part of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PublishError {
    /// There is an old version, which must be purged first.
    NotPurged,
    /// No memory.
    NoMemory,
}

impl Code {
    /// Makes a linked version part of the machine: the current one, or, if it has a function to run first, the one whose function is to be run.
    pub fn publish(
        &mut self,
        version: Box<LoadedModule>,
    ) -> Result<(), (PublishError, Box<LoadedModule>)> {
        let name = version.name;
        let has = |role| self.versions.find(name, role).is_some();
        if has(Role::Current) && has(Role::Old) {
            return Err((PublishError::NotPurged, version));
        }
        let on_load = version.on_load.is_some() && !version.preloaded;
        if on_load && has(Role::OnLoad) {
            return Err((PublishError::NotPurged, version));
        }
        let role = if on_load {
            Role::OnLoad
        } else {
            self.retire(name);
            Role::Current
        };
        if self.versions.reserve().is_err() {
            return Err((PublishError::NoMemory, version));
        }
        for (entry, fun) in version.funs.iter().zip(version.file.funs().iter()) {
            // SAFETY: entries live as long as the machine, which has one thread.
            unsafe { (*entry.as_ptr()).entry.code = version.address(fun.entry) };
        }
        if role == Role::Current {
            self.point_exports(&version);
        }
        self.versions.insert(role, version);
        Ok(())
    }

    /// Makes the current version of `name`, if there is one, the old one. There must be no old one.
    fn retire(&mut self, name: Atom) {
        self.forget_breakpoints_of(name);
        let Some(version) = self.versions.find(name, Role::Current) else {
            return;
        };
        for function in version.file.exports().iter() {
            let Some(function_name) = version.atom(function.function) else {
                continue;
            };
            if let Some(mut export) = self.find_export(name, function_name, function.arity as u8) {
                // SAFETY: entries live as long as the machine, which has one thread.
                let export = unsafe { export.as_mut() };
                if export.built_in.is_none() {
                    export.undefine();
                }
            }
        }
        self.versions.change(name, Role::Current, Role::Old);
    }

    /// Leads calls of the version's exports to it.
    fn point_exports(&mut self, version: &LoadedModule) {
        for function in version.file.exports().iter() {
            let Some(name) = version.atom(function.function) else {
                continue;
            };
            let mut export = self.export(version.name, name, function.arity as u8);
            // SAFETY: entries live as long as the machine, which has one thread.
            let export = unsafe { export.as_mut() };
            if export.built_in.is_none() {
                export.entry.code = version.address(function.entry);
            }
        }
        if self.saves_calls {
            self.save_calls_of(version.name);
        }
    }

    /// Processes that save calls remember those of the module's exports, too. Without memory for that they do not.
    fn save_calls_of(&mut self, name: Atom) {
        let functions = Functions {
            module: Some(name),
            function: None,
            arity: None,
        };
        if let Ok(sites) = self.export_sites(&functions) {
            let _ = saved_calls::install(self, &sites);
        }
    }

    /// `erlang:delete_module/1`: the current version, if there is one, becomes the old one. False if there never was a version; an error if
    /// there is an old one.
    pub fn delete(&mut self, name: Atom) -> Result<bool, PublishError> {
        if self.versions.find(name, Role::Old).is_some() {
            return Err(PublishError::NotPurged);
        }
        self.retire(name);
        Ok(self.versions.known.contains(&name))
    }

    /// The `-on_load` function of `name` has ended: its version becomes the current one, or, if it is not to be kept, waits to
    /// be purged. False if there is no such version.
    pub fn finish_on_load(&mut self, name: Atom, keep: bool) -> Result<bool, PublishError> {
        if self.versions.find(name, Role::OnLoad).is_none() {
            return Ok(false);
        }
        if keep {
            let has = |role| self.versions.find(name, role).is_some();
            if has(Role::Current) && has(Role::Old) {
                return Err(PublishError::NotPurged);
            }
            self.retire(name);
            if let Some(version) = self.versions.remove(name, Role::OnLoad) {
                self.point_exports(&version);
                self.versions.insert(Role::Current, version);
            }
        }
        Ok(true)
    }
}
