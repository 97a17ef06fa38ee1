//! Loaded code: modules, export entries, fun entries, literals, and how an address is traced back to a line.

pub mod cache;
pub mod export;
pub mod fun_entry;
pub mod link;
pub mod literals;
pub mod native;
pub mod stubs;

use crate::atom::{AtomTable, am};
use crate::bif::Bif;
use crate::memory::heap::Block;
use crate::term::Atom;
use crate::term::etf::FunResolver;
use crate::term::fun::{FunIdentity, Mfa};
use alloc::vec::Vec;
use core::hash::{BuildHasher, Hash};
use core::ptr::NonNull;
use export::Export;
use fun_entry::FunEntry;
use hashbrown::{DefaultHashBuilder, HashMap, HashTable};
use starling_loader::ling;

/// One loaded module.
pub struct LoadedModule {
    /// Name.
    pub name: Atom,
    /// Linked instructions.
    code: Block,
    /// Bytes of `code` that are instructions.
    code_size: usize,
    /// The file: function, line and file tables are read where they lie.
    file: ling::Module<'static>,
    /// Atoms by their index in the file.
    atoms: Vec<Atom>,
    /// Functions that `load_nif` has replaced, in the library's order.
    nifs: Vec<(Atom, u8)>,
    /// Whether it was loaded before anything ran.
    preloaded: bool,
}

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
    /// Sorted by the address of their code.
    modules: Vec<LoadedModule>,
    natives: native::Natives,
    hasher: DefaultHashBuilder,
}

impl Code {
    /// No module, and those built-in functions of `tables` that every machine has.
    pub fn new(atoms: &mut AtomTable, tables: &[&[Bif]]) -> Code {
        let mut code = Code {
            exports: HashTable::with_capacity(FIRST_EXPORTS),
            funs: HashMap::default(),
            modules: Vec::new(),
            natives: native::Natives::default(),
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

    /// Bytes of linked code.
    pub fn memory(&self) -> usize {
        let words: usize = self.modules.iter().map(|module| module.code.words()).sum();
        words * 8
    }

    /// Whether `name` is loaded.
    pub fn is_loaded(&self, name: Atom) -> bool {
        self.module(name).is_some()
    }

    /// The module called `name`.
    pub fn module(&self, name: Atom) -> Option<&LoadedModule> {
        self.modules.iter().find(|module| module.name == name)
    }

    /// All modules.
    pub fn modules(&self) -> &[LoadedModule] {
        &self.modules
    }

    fn module_index_at(&self, address: *const u8) -> Option<usize> {
        let address = address as usize;
        let after = self
            .modules
            .partition_point(|module| module.code.start() as usize <= address);
        let index = after.checked_sub(1)?;
        let module = self.modules.get(index)?;
        (address - (module.code.start() as usize) < module.code_size).then_some(index)
    }

    fn module_at(&self, address: *const u8) -> Option<(&LoadedModule, u32)> {
        let module = &self.modules[self.module_index_at(address)?];
        let offset = address as usize - module.code.start() as usize;
        Some((module, offset as u32))
    }

    /// The name of the module whose code `address` is in.
    pub fn module_name_at(&self, address: *const u8) -> Option<Atom> {
        Some(self.module_at(address)?.0.name)
    }

    /// Whether `address` is in the code of a module.
    pub fn contains(&self, address: *const u8) -> bool {
        self.module_at(address).is_some()
    }

    /// Where the instruction around `address` comes from.
    pub fn location(&self, address: *const u8) -> Option<Location> {
        let (module, offset) = self.module_at(address)?;
        let function = module.file.function_at(offset)?;
        let location = module.file.location_at(offset);
        let line = if location.line() == 0 {
            None
        } else {
            module
                .file
                .file(location.file() as usize)
                .map(|file| (file, location.line()))
        };
        Some(Location {
            module: module.name,
            function: *module.atoms.get(function.function as usize)?,
            arity: function.arity,
            line,
        })
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
        let key = (identity.module, identity.index, identity.uniq);
        let entry = *self.funs.get(&key)?;
        // SAFETY: entries are never freed.
        let found = unsafe { entry.as_ref() };
        // What comes from outside may claim another shape than the code has.
        let fits = found.entry.identity.arity == identity.arity && found.free == free;
        fits.then(|| entry.as_ptr().cast_const().cast())
    }
}

impl LoadedModule {
    /// The file that it was loaded from.
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
}
