//! Loaded code: modules, export entries, fun entries, literals, and how an address is traced back to a line.
//!
//! [`link`] makes a version of a module from a file, [`versions`] keeps all of them and says which one is current, [`purge`] ends them,
//! [`release`] frees their literals.

pub mod breakpoints;
pub mod cache;
pub mod export;
pub mod fun_entry;
pub mod link;
pub mod literals;
pub mod native;
pub mod purge;
pub mod release;
pub mod stubs;
pub mod versions;

use crate::atom::{AtomTable, am};
use crate::bif::Bif;
use crate::memory::NoMemory;
use crate::term::Atom;
use crate::term::etf::FunResolver;
use crate::term::fun::{FunIdentity, Mfa};
use core::hash::{BuildHasher, Hash};
use core::ptr::NonNull;
use export::Export;
use fun_entry::FunEntry;
use hashbrown::{DefaultHashBuilder, HashMap, HashTable};
use purge::Purge;
use release::Release;
use versions::{LoadedModule, Role, Versions};

/// Where an address of code comes from.
#[derive(Clone, Copy)]
pub struct Location {
    /// Module.
    pub module: Atom,
    /// Function.
    pub function: Atom,
    /// Arity.
    pub arity: u32,
    /// Source file and line, if known.
    pub line: Option<(&'static str, u32)>,
}

/// Entries that a machine has soon after it has started, most of them of built-in functions: room for them is made at once.
const FIRST_EXPORTS: usize = 896;

/// All code.
pub struct Code {
    exports: HashTable<NonNull<Export>>,
    funs: HashMap<(Atom, u32, [u8; 16]), NonNull<FunEntry>>,
    /// All versions of all modules.
    versions: Versions,
    /// The purge that is going on.
    purge: Option<Purge>,
    /// Literals of what has been purged, until nobody refers to them.
    pub release: Release,
    natives: native::Natives,
    /// Functions that are traced.
    pub breakpoints: breakpoints::Breakpoints,
    /// Whether calls of what is loaded from now on are saved, see [`crate::tracing::saved_calls`].
    pub saves_calls: bool,
    hasher: DefaultHashBuilder,
}

impl Code {
    /// No module, and those built-in functions of `tables` that every machine has.
    pub fn new(atoms: &mut AtomTable, tables: &[&[Bif]]) -> Code {
        let mut code = Code {
            exports: HashTable::with_capacity(FIRST_EXPORTS),
            funs: HashMap::default(),
            versions: Versions::default(),
            purge: None,
            release: Release::default(),
            natives: native::Natives::default(),
            breakpoints: breakpoints::Breakpoints::default(),
            saves_calls: false,
            hasher: DefaultHashBuilder::default(),
        };
        code.define_built_ins(atoms, tables, false);
        code
    }

    /// An entry for each built-in function of `tables` that is for bare machines only, or for each that is not.
    pub fn define_built_ins(&mut self, atoms: &mut AtomTable, tables: &[&[Bif]], bare: bool) {
        // Neighbours are of one module: its atom is looked up once for them all.
        let mut last = ("", am::EMPTY);
        let all = tables.iter().flat_map(|table| table.iter());
        for bif in all.filter(|bif| bif.bare == bare) {
            if bif.module != last.0 {
                match atoms.insert_static(bif.module) {
                    Ok(module) => last = (bif.module, module),
                    // The table is full: at the machine's start it is far from that.
                    Err(_) => continue,
                }
            }
            let module = last.1;
            let Ok(function) = atoms.insert_static(bif.function) else {
                continue;
            };
            let mut export = self.export(module, function, bif.arity);
            // SAFETY: entries live as long as the machine, which has one thread.
            unsafe { export.as_mut() }.define_built_in(bif.run);
        }
    }

    fn hash(&self, key: impl Hash) -> u64 {
        self.hasher.hash_one(key)
    }

    /// The entry of `module:function/arity`, if there is one.
    pub fn find_export(&self, module: Atom, function: Atom, arity: u8) -> Option<NonNull<Export>> {
        let hash = self.hash((module, function, arity));
        self.exports
            .find(hash, |export| {
                // SAFETY: as in `new`.
                let mfa = unsafe { export.as_ref() }.mfa();
                mfa.module == module && mfa.function == function && mfa.arity == arity as u32
            })
            .copied()
    }

    /// The entry of `module:function/arity`, made if it is new.
    pub fn export(&mut self, module: Atom, function: Atom, arity: u8) -> NonNull<Export> {
        if let Some(export) = self.find_export(module, function, arity) {
            return export;
        }
        let export = NonNull::from(Export::leak(module, function, arity));
        let hasher = self.hasher.clone();
        self.exports
            .insert_unique(self.hash((module, function, arity)), export, |export| {
                // SAFETY: as in `new`.
                let Mfa {
                    module,
                    function,
                    arity,
                } = unsafe { export.as_ref() }.mfa();
                hasher.hash_one((module, function, arity as u8))
            });
        export
    }

    /// The entry of the fun, made without code if it is new.
    fn fun_entry(
        &mut self,
        identity: &FunIdentity,
        free: u32,
    ) -> Result<NonNull<FunEntry>, NoMemory> {
        let key = (identity.module, identity.index, identity.uniq);
        if let Some(&entry) = self.funs.get(&key) {
            return Ok(entry);
        }
        self.funs.try_reserve(1).map_err(|_| NoMemory)?;
        let entry = FunEntry::leak(*identity, free)?;
        self.funs.insert(key, entry);
        Ok(entry)
    }

    /// All fun entries.
    pub fn funs(&self) -> impl Iterator<Item = &FunEntry> {
        // SAFETY: entries live as long as the machine, which has one thread.
        self.funs.values().map(|entry| unsafe { entry.as_ref() })
    }

    /// Bytes that modules take up: linked code, what is kept of their files, and the tables of names. Literals are not counted.
    pub fn memory(&self) -> usize {
        self.versions.iter().map(LoadedModule::memory).sum()
    }

    /// Whether there is a current version of `name`.
    pub fn is_loaded(&self, name: Atom) -> bool {
        self.module(name).is_some()
    }

    /// The current version of `name`.
    pub fn module(&self, name: Atom) -> Option<&LoadedModule> {
        self.versions.find(name, Role::Current)
    }

    /// All versions of all modules.
    pub fn versions(&self) -> &Versions {
        &self.versions
    }

    fn module_at(&self, address: *const u8) -> Option<(&LoadedModule, u32)> {
        let module = self.versions.at(address)?;
        let offset = address as usize - module.addresses().start;
        Some((module, offset as u32))
    }

    /// The name of the module whose code `address` is in.
    pub fn module_name_at(&self, address: *const u8) -> Option<Atom> {
        Some(self.module_at(address)?.0.name)
    }

    /// Whether `address` is in the code of a module.
    #[inline]
    pub fn contains(&self, address: *const u8) -> bool {
        self.versions.at(address).is_some()
    }

    /// Where the instruction around `address` comes from.
    pub fn location(&self, address: *const u8) -> Option<Location> {
        let (module, offset) = self.module_at(address)?;
        module.location(offset)
    }

    /// Where the function around `address` begins.
    pub fn function_start(&self, address: *const u8) -> Option<*const u8> {
        let (module, offset) = self.module_at(address)?;
        let function = module.file.function_at(offset)?;
        let start = module.code.start().cast::<u8>().cast_const();
        Some(start.wrapping_add(function.func_info as usize))
    }
}

/// Literals and external terms name functions that need not be there yet.
impl FunResolver for Code {
    fn export(&mut self, module: Atom, function: Atom, arity: u8) -> Option<*const u64> {
        Some(
            Code::export(self, module, function, arity)
                .as_ptr()
                .cast_const()
                .cast(),
        )
    }

    fn local_fun(&mut self, identity: &FunIdentity, free: u32) -> Option<*const u64> {
        let entry = self.fun_entry(identity, free).ok()?;
        // SAFETY: entries are never freed.
        let found = unsafe { entry.as_ref() };
        // What comes from outside may claim another shape than the code has.
        let fits = found.entry.identity.arity == identity.arity && found.free == free;
        fits.then(|| entry.as_ptr().cast_const().cast())
    }
}

#[cfg(test)]
mod tests;
