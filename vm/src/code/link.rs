//! Linking: from the bytes of a file to instructions that run.
//!
//! A `.beam` is converted first. Of a `.ling`, the code is copied, one pass over each list of relocations
//! puts atoms, literals, entries and addresses into it, and the exports are
//! pointed at it. Nothing is visible before all of that has succeeded.
//!
//! Invariant: code that is linked was validated by `starling_loader::ling::Module::parse`.

use super::LoadedModule;
use super::export::Export;
use super::fun_entry::FunEntry;
use super::native;
use crate::machine::Machine;
use crate::memory::NoMemory;
use crate::memory::heap::Block;
use crate::term::etf;
use crate::term::fun::{Entry, FunIdentity};
use crate::term::{Atom, Term};
use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::ptr::NonNull;
use starling_loader::ling::{self, Relocation};
use starling_loader::{BIF_CALL_DISTANCE, LoadError};

/// Why a module could not be loaded.
#[derive(Debug)]
pub enum LinkError {
    /// The loader refused the file.
    File(LoadError),
    /// It is a `.beam`, and the machine was started with `-nobeam`.
    BeamDisabled,
    /// The file holds another module.
    WrongName {
        /// Its name.
        found: String,
    },
    /// The module has a function to run before anything else of it (`-on_load`), and nothing runs it.
    OnLoad {
        /// The function's name. It has no arguments.
        function: String,
    },
    /// A literal is damaged.
    Literal {
        /// Its index.
        index: usize,
    },
    /// Too many atoms.
    Atoms,
    /// No memory for it.
    NoMemory,
    /// There is no such file.
    NotFound,
    /// The store could not read it.
    Store(String),
}

impl fmt::Display for LinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LinkError::File(error) => write!(f, "{error}"),
            LinkError::BeamDisabled => {
                f.write_str("it is a .beam file, and the machine was started with -nobeam; convert it when the image is made, or leave the flag out")
            }
            LinkError::WrongName { found } => write!(f, "the file holds module '{found}'; a file must be named after its module"),
            LinkError::OnLoad { function } => write!(
                f,
                "it asks for {function}/0 to be run first (-on_load), which this machine cannot do yet, so nothing of it can be trusted to work; \
                 leave the attribute out, call {function}/0 from the program, and compile it again, or do without the module"
            ),
            LinkError::Literal { index } => write!(f, "literal {index} is damaged; compile the module again"),
            LinkError::Atoms => f.write_str("the atom table is full"),
            LinkError::NoMemory => f.write_str("there is not enough memory"),
            LinkError::NotFound => f.write_str("there is no such file in the image or in a -pa directory"),
            LinkError::Store(message) => f.write_str(message),
        }
    }
}

impl From<NoMemory> for LinkError {
    fn from(_: NoMemory) -> LinkError {
        LinkError::NoMemory
    }
}

impl From<crate::atom::AtomError> for LinkError {
    fn from(_: crate::atom::AtomError) -> LinkError {
        LinkError::Atoms
    }
}

/// Finds module `name` in the machine's store and loads it.
pub fn load_from_store(machine: &mut Machine, name: Atom) -> Result<(), LinkError> {
    let text = machine.atoms.name(name);
    match machine.modules.find(text) {
        Ok(Some(bytes)) => load(machine, Some(name), bytes),
        Ok(None) => Err(LinkError::NotFound),
        Err(message) => Err(LinkError::Store(message)),
    }
}

/// Loads a module from the bytes of its file. `expected` is the name that it must have.
pub fn load(
    machine: &mut Machine,
    expected: Option<Atom>,
    bytes: Cow<'static, [u8]>,
) -> Result<(), LinkError> {
    load_with(machine, expected, bytes, OnLoad::Refused)
}

/// What becomes of a module with an `-on_load` function.
#[derive(PartialEq, Eq)]
enum OnLoad {
    /// It is not loaded.
    Refused,
    /// It is loaded, and somebody else calls the function.
    Ignored,
}

fn load_with(
    machine: &mut Machine,
    expected: Option<Atom>,
    bytes: Cow<'static, [u8]>,
    on_load: OnLoad,
) -> Result<(), LinkError> {
    let ling = if ling::is_ling(&bytes) {
        ling::Module::parse(&bytes).map_err(LinkError::File)?;
        bytes
    } else if machine.options.no_beam {
        return Err(LinkError::BeamDisabled);
    } else {
        Cow::Owned(starling_loader::convert_beam(&bytes).map_err(LinkError::File)?)
    };
    {
        // SAFETY: it has just been validated, by the parser or by the converter.
        let file = unsafe { ling::Module::parse_trusted(&ling) }.map_err(LinkError::File)?;
        if expected.is_some_and(|expected| machine.atoms.name(expected) != file.name()) {
            return Err(LinkError::WrongName {
                found: String::from(file.name()),
            });
        }
        if let Some(entry) = file.on_load().filter(|_| on_load == OnLoad::Refused) {
            let function = file.function_at(entry).map(|found| found.function);
            let name = function.and_then(|index| file.atom(index as usize));
            return Err(LinkError::OnLoad {
                function: String::from(name.unwrap_or_default()),
            });
        }
    }
    // The tables are used where they lie for as long as the module is loaded, which is for ever until
    // modules can be purged. What is refused is not kept.
    // SAFETY: as above.
    let file = unsafe { ling::Module::parse_trusted(keep(ling)) }.map_err(LinkError::File)?;
    let name = machine.atoms.insert(file.name())?;
    Linker::new(machine, name, file)?.run(on_load == OnLoad::Ignored)
}

/// Loads a module that OTP has in its emulator, before anything runs. Its `-on_load` function is called by `erl_init`.
pub fn preload(
    machine: &mut Machine,
    name: Atom,
    bytes: Cow<'static, [u8]>,
) -> Result<(), LinkError> {
    load_with(machine, Some(name), bytes, OnLoad::Ignored)
}

/// The bytes, for as long as the machine lives.
fn keep(bytes: Cow<'static, [u8]>) -> &'static [u8] {
    match bytes {
        Cow::Borrowed(bytes) => bytes,
        Cow::Owned(bytes) => Box::leak(bytes.into_boxed_slice()),
    }
}

struct Linker<'m> {
    machine: &'m mut Machine,
    file: ling::Module<'static>,
    name: Atom,
    atoms: Vec<Atom>,
    code: Block,
}

/// A vector with room for `len` elements.
fn vector<T>(len: usize) -> Result<Vec<T>, NoMemory> {
    let mut vector = Vec::new();
    vector.try_reserve_exact(len).map_err(|_| NoMemory)?;
    Ok(vector)
}

impl<'m> Linker<'m> {
    fn new(
        machine: &'m mut Machine,
        name: Atom,
        file: ling::Module<'static>,
    ) -> Result<Linker<'m>, LinkError> {
        let mut atoms = vector(file.atom_count())?;
        for text in file.atoms() {
            atoms.push(machine.atoms.insert(text)?);
        }
        let code = Block::allocate(file.code().len().div_ceil(8))?;
        // SAFETY: the block has room for the code, and is fresh.
        unsafe {
            core::ptr::copy_nonoverlapping(
                file.code().as_ptr(),
                code.start().cast(),
                file.code().len(),
            )
        };
        Ok(Linker {
            machine,
            file,
            name,
            atoms,
            code,
        })
    }

    fn address(&self, offset: u32) -> *mut u8 {
        self.code.start().cast::<u8>().wrapping_add(offset as usize)
    }

    fn atom(&self, index: u32) -> Atom {
        // In range: validated.
        self.atoms.get(index as usize).copied().unwrap_or(Atom(0))
    }

    /// Replaces the index in each word of `kind` by what `value` makes of it.
    fn relocate(&self, kind: Relocation, value: impl Fn(u64) -> u64) {
        for offset in self.file.relocations(kind).iter() {
            let word = self.address(offset).cast::<u64>();
            // SAFETY: validated: a word of the code that holds an index.
            unsafe { word.write_unaligned(value(word.read_unaligned())) };
        }
    }

    fn run(mut self, preloaded: bool) -> Result<(), LinkError> {
        let literals = self.literals()?;
        let imports = self.imports()?;
        let funs = self.funs()?;
        let strings = self.file.strings().as_ptr();

        self.relocate(Relocation::Atom, |index| {
            self.atom(index as u32).term().raw()
        });
        self.relocate(Relocation::Literal, |index| literals[index as usize].raw());
        self.relocate(Relocation::Import, |index| {
            imports[index as usize].as_ptr() as u64
        });
        self.relocate(Relocation::Fun, |index| {
            funs[index as usize].as_ptr() as u64
        });
        self.relocate(Relocation::String, |offset| strings as u64 + offset);
        self.link_calls(&imports);
        self.sort_selects();
        self.publish(preloaded)
    }

    fn literals(&mut self) -> Result<Vec<Term>, LinkError> {
        let mut literals = vector(self.file.literal_count())?;
        let Machine {
            literal_area: area,
            platform,
            atoms,
            code,
            ..
        } = &mut *self.machine;
        let mut arena = area.writer(&mut **platform);
        for (index, bytes) in self.file.literals().enumerate() {
            let literal = etf::decode(bytes, atoms, &mut arena, code, &etf::Options::default())
                .map_err(|error| match error {
                    etf::DecodeError::NoMemory => LinkError::NoMemory,
                    _ => LinkError::Literal { index },
                })?;
            literals.push(literal.0);
        }
        Ok(literals)
    }

    fn imports(&mut self) -> Result<Vec<NonNull<Export>>, LinkError> {
        let mut imports = vector(self.file.imports().len())?;
        for import in self.file.imports().iter() {
            let (module, function) = (self.atom(import.module), self.atom(import.function));
            imports.push(
                self.machine
                    .code
                    .export(module, function, import.arity as u8),
            );
        }
        Ok(imports)
    }

    fn funs(&mut self) -> Result<Vec<NonNull<FunEntry>>, LinkError> {
        let mut funs = vector(self.file.funs().len())?;
        for fun in self.file.funs().iter() {
            let key = (self.name, fun.index, self.file.md5());
            let entry = FunEntry {
                entry: Entry {
                    code: self.address(fun.entry),
                    identity: FunIdentity {
                        module: self.name,
                        arity: fun.arity - fun.num_free,
                        index: fun.index,
                        old_index: fun.index,
                        old_uniq: fun.old_uniq,
                        uniq: self.file.md5(),
                    },
                },
                function: self.atom(fun.function),
                free: fun.num_free,
            };
            let entry = match self.machine.code.funs.get(&key) {
                Some(&known) => {
                    // SAFETY: entries live as long as the machine, which has one thread.
                    unsafe { known.as_ptr().write(entry) };
                    known
                }
                None => NonNull::from(Box::leak(Box::new(entry))),
            };
            self.machine.code.funs.insert(key, entry);
            funs.push(entry);
        }
        Ok(funs)
    }

    /// Calls of other modules' functions; calls of built-in functions get the instruction that needs no detour.
    fn link_calls(&self, imports: &[NonNull<Export>]) {
        for offset in self.file.relocations(Relocation::Call).iter() {
            let instruction = self.address(offset);
            // SAFETY: validated: a call_ext* instruction: opcode, arity, index of the import.
            unsafe {
                let operand = instruction.add(4).cast::<u64>();
                let import = imports[operand.read_unaligned() as usize];
                operand.write_unaligned(import.as_ptr() as u64);
                if import.as_ref().built_in.is_some() {
                    let opcode = instruction.cast::<u16>();
                    *opcode += BIF_CALL_DISTANCE;
                }
            }
        }
    }

    /// Sorts the tables of select instructions by the words that their atoms have become.
    fn sort_selects(&self) {
        for offset in self.file.relocations(Relocation::Select).iter() {
            let list = self.address(offset);
            // SAFETY: validated: the count of a list of pairs of words.
            unsafe {
                let pairs = list.cast::<u16>().read_unaligned() as usize / 2;
                let first = list.add(2).cast::<[u64; 2]>();
                let mut sorted: Vec<[u64; 2]> =
                    (0..pairs).map(|i| first.add(i).read_unaligned()).collect();
                sorted.sort_unstable_by_key(|pair| pair[0]);
                for (i, pair) in sorted.iter().enumerate() {
                    first.add(i).write_unaligned(*pair);
                }
            }
        }
    }

    /// Makes the module callable.
    fn publish(self, preloaded: bool) -> Result<(), LinkError> {
        self.machine
            .code
            .modules
            .try_reserve(1)
            .map_err(|_| NoMemory)?;
        for function in self.file.exports().iter() {
            let name = self.atom(function.function);
            let mut export = self
                .machine
                .code
                .export(self.name, name, function.arity as u8);
            // SAFETY: entries live as long as the machine, which has one thread.
            let entry = unsafe { export.as_mut() };
            if entry.built_in.is_some() {
                // OTP's modules have bodies that raise `nif_error` for functions that are built in. Calls from inside the
                // module get there.
                let number = self.machine.code.natives.number_of(export)?;
                // SAFETY: the function's first instruction, in code that nothing runs yet.
                unsafe { native::replace(self.address(function.entry), number) };
            } else {
                entry.entry.code = self.address(function.entry);
            }
        }
        let modules = &mut self.machine.code.modules;
        let start = self.code.start();
        let at = modules.partition_point(|module| module.code.start() < start);
        modules.insert(
            at,
            LoadedModule {
                name: self.name,
                code_size: self.file.code().len(),
                code: self.code,
                file: self.file,
                atoms: self.atoms,
                nifs: Vec::new(),
                preloaded,
            },
        );
        Ok(())
    }
}
