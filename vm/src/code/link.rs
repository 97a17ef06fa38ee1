//! Linking: from the bytes of a file to instructions that run.
//!
//! A `.beam` is converted first, unless its conversion is remembered. Of a `.ling`, the code is copied, and one pass over each list of
//! relocations puts atoms, literals, entries and addresses into it. The result is a version of the module that nothing leads to: [`prepare`].
//! Making it current ([`Code::publish`](super::Code::publish)) is a matter of pointing entries at it.
//!
//! A program that loads a module lets others run meanwhile ([`Host`]): everything here goes in pieces, and nothing of the machine is held on to in between.
//!
//! Invariant: code that is linked was validated by `starling_loader::ling::Module::parse`.

use super::Code;
use super::export::Export;
use super::fun_entry::FunEntry;
use super::literals::Literals;
use super::native;
use super::versions::{LoadedModule, PublishError};
use crate::atom::AtomTable;
use crate::machine::Machine;
use crate::memory::NoMemory;
use crate::memory::heap::Block;
use crate::memory::resource::RESOURCE_WORDS;
use crate::process::try_box;
use crate::term::etf::decode::Decoding;
use crate::term::etf::{self, Progress};
use crate::term::fun::{Entry, FunIdentity, Mfa};
use crate::term::{Atom, Term};
use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::ptr::NonNull;
use starling_loader::ling::{self, Relocation};
use starling_loader::{BIF_CALL_DISTANCE, LoadError, Pace, Problem};

/// For whom a module is prepared.
pub trait Host {
    /// The machine that is to run it.
    fn machine(&mut self) -> &mut Machine;

    /// So much has been done, in bytes of a `.beam` that is converted: a good moment to let others run. False: nobody wants the module any more.
    fn worked(&mut self, work: usize) -> bool;
}

/// At one go: while nothing else runs, or for a call that goes on in the module.
impl Host for Machine {
    fn machine(&mut self) -> &mut Machine {
        self
    }

    fn worked(&mut self, _work: usize) -> bool {
        true
    }
}

/// How many entries of a table are worked off between two pauses.
const ENTRIES: usize = 1024;

/// Terms of a literal that are decoded between two pauses.
const TERMS: usize = 1024;

/// Bytes of code that are copied between two pauses.
const COPIED: usize = 256 << 10;

/// The work of so many entries, terms and bytes: about as long as it takes to convert so many bytes of a `.beam`.
const ENTRIES_WORK: usize = ENTRIES;
const TERMS_WORK: usize = TERMS;
const COPIED_WORK: usize = COPIED / 64;

fn worked(host: &mut dyn Host, work: usize) -> Result<(), LinkError> {
    match host.worked(work) {
        true => Ok(()),
        false => Err(LinkError::Stopped),
    }
}

/// After entry number `index`: lets others run now and then.
#[inline]
fn after_entry(host: &mut dyn Host, index: usize) -> Result<(), LinkError> {
    match index % ENTRIES {
        0 if index > 0 => worked(host, ENTRIES_WORK),
        _ => Ok(()),
    }
}

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
    /// Something that is asked for later is no term in external term format.
    Chunk {
        /// What it is to be.
        what: &'static str,
    },
    /// There is an old version, which must be purged first.
    NotPurged,
    /// Too many atoms.
    Atoms,
    /// No memory for it.
    NoMemory,
    /// Who wanted it is to end.
    Stopped,
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
            LinkError::Chunk { what } => write!(f, "the {what} are damaged"),
            LinkError::WrongName { found } => write!(f, "the file holds module '{found}'; a file must be named after its module"),
            LinkError::OnLoad { function } => write!(
                f,
                "it asks for {function}/0 to be run first (-on_load), which this machine cannot do yet, so nothing of it can be trusted to work; \
                 leave the attribute out, call {function}/0 from the program, and compile it again, or do without the module"
            ),
            LinkError::Literal { index } => write!(f, "literal {index} is damaged; compile the module again"),
            LinkError::NotPurged => f.write_str("an old version of it must be purged first"),
            LinkError::Atoms => f.write_str("the atom table is full"),
            LinkError::NoMemory => f.write_str("there is not enough memory"),
            LinkError::Stopped => f.write_str("loading it was given up"),
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

impl From<LoadError> for LinkError {
    fn from(error: LoadError) -> LinkError {
        match error.problem {
            Problem::Stopped => LinkError::Stopped,
            _ => LinkError::File(error),
        }
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

/// Loads a module from the bytes of its file. `expected` is the name that it must have. One with a function to run first is refused: nobody
/// would run it.
pub fn load(
    machine: &mut Machine,
    expected: Option<Atom>,
    bytes: Cow<'static, [u8]>,
) -> Result<(), LinkError> {
    let version = prepare(machine, expected, bytes)?;
    if version.on_load.is_some() {
        let function = version
            .on_load
            .as_ref()
            .map(|entry| entry.identity.function);
        let function = function.map(|name| String::from(machine.atoms.name(name)));
        discard(machine, version);
        return Err(LinkError::OnLoad {
            function: function.unwrap_or_default(),
        });
    }
    publish(machine, version)
}

/// Loads a module that OTP has in its emulator, before anything runs. Its `-on_load` function is called by `erl_init`.
pub fn preload(
    machine: &mut Machine,
    name: Atom,
    bytes: Cow<'static, [u8]>,
) -> Result<(), LinkError> {
    let mut version = prepare(machine, Some(name), bytes)?;
    version.preloaded = true;
    publish(machine, version)
}

fn publish(machine: &mut Machine, version: Box<LoadedModule>) -> Result<(), LinkError> {
    machine.code.publish(version).map_err(|(error, version)| {
        discard(machine, version);
        match error {
            PublishError::NotPurged => LinkError::NotPurged,
            PublishError::NoMemory => LinkError::NoMemory,
        }
    })
}

/// Gives up a version that has not become part of the machine.
pub fn discard(machine: &mut Machine, mut version: Box<LoadedModule>) {
    if let Some(literals) = version.literals.take() {
        machine.literal_area.close(literals);
    }
}

/// Makes a version of a module from the bytes of its file; nothing leads to it yet. `expected` is the name that it must have.
pub fn prepare(
    machine: &mut Machine,
    expected: Option<Atom>,
    bytes: Cow<'static, [u8]>,
) -> Result<Box<LoadedModule>, LinkError> {
    let ling = conversion(machine, &bytes)?.unwrap_or(bytes);
    link_file(machine, expected, &ling)
}

/// As [`prepare`], for bytes that are not there for good. They stay the same until this returns.
pub fn prepare_bytes(
    host: &mut dyn Host,
    expected: Option<Atom>,
    bytes: &[u8],
) -> Result<Box<LoadedModule>, LinkError> {
    match conversion(host, bytes)? {
        Some(ling) => link_file(host, expected, &ling),
        None => link(host, expected, Ling::Passing(bytes)),
    }
}

/// A `.ling` file that is good.
enum Ling<'b> {
    /// In memory for good: in the image, or mapped.
    Kept(&'static [u8]),
    /// What is needed of it later must be copied.
    Passing(&'b [u8]),
}

/// The `.ling` file that the bytes are known or converted to; `None` if they are one themselves, which has been validated then.
fn conversion(host: &mut dyn Host, bytes: &[u8]) -> Result<Option<Cow<'static, [u8]>>, LinkError> {
    let machine = host.machine();
    let is_ling = ling::is_ling(bytes);
    if machine.options.no_beam && !is_ling && starling_loader::is_beam(bytes) {
        return Err(LinkError::BeamDisabled);
    }
    if let Some(known) = machine.converted.find(bytes) {
        return Ok(Some(known));
    }
    let mut between = |work| host.worked(work);
    let mut pace = Pace::broken(&mut between);
    if is_ling {
        ling::Module::parse_in_pieces(bytes, &mut pace)?;
        return Ok(None);
    }
    let converted = starling_loader::convert_beam_in_pieces(bytes, &mut pace)?;
    host.machine().converted.keep(bytes, &converted);
    Ok(Some(Cow::Owned(converted)))
}

#[expect(
    clippy::ptr_arg,
    reason = "whether the bytes are there for good is the question"
)]
fn link_file(
    host: &mut dyn Host,
    expected: Option<Atom>,
    ling: &Cow<'static, [u8]>,
) -> Result<Box<LoadedModule>, LinkError> {
    match ling {
        Cow::Borrowed(bytes) => link(host, expected, Ling::Kept(bytes)),
        Cow::Owned(bytes) => link(host, expected, Ling::Passing(bytes)),
    }
}

fn link(
    host: &mut dyn Host,
    expected: Option<Atom>,
    ling: Ling,
) -> Result<Box<LoadedModule>, LinkError> {
    let bytes = match ling {
        Ling::Kept(bytes) | Ling::Passing(bytes) => bytes,
    };
    // SAFETY: it has been validated, by the parser or by the converter, or is what the converter returned earlier.
    let file = unsafe { ling::Module::parse_trusted(bytes) }.map_err(LinkError::File)?;
    let machine = host.machine();
    if expected.is_some_and(|expected| machine.atoms.name(expected) != file.name()) {
        return Err(LinkError::WrongName {
            found: String::from(file.name()),
        });
    }
    let name = machine.atoms.insert(file.name())?;
    let kept = match ling {
        Ling::Kept(bytes) => Cow::Borrowed(bytes),
        Ling::Passing(_) => Cow::Owned(file.without_code().map_err(LinkError::File)?),
    };
    // SAFETY: as above. The bytes live as long as the version does, which holds both, and a vector's bytes do not move with it.
    let kept_file = unsafe {
        let bytes: &'static [u8] = core::slice::from_raw_parts(kept.as_ptr(), kept.len());
        ling::Module::parse_trusted(bytes)
    }
    .map_err(LinkError::File)?;
    let linker = Linker::new(host, name, file, kept_file.strings().as_ptr())?;
    linker.run(kept_file, kept)
}

struct Linker<'m, 'f> {
    host: &'m mut dyn Host,
    file: ling::Module<'f>,
    name: Atom,
    /// Where the strings of the file are that the code points into.
    strings: *const u8,
    atoms: Vec<Atom>,
    code: Block,
}

/// A vector with room for `len` elements.
fn vector<T>(len: usize) -> Result<Vec<T>, NoMemory> {
    let mut vector = Vec::new();
    vector.try_reserve_exact(len).map_err(|_| NoMemory)?;
    Ok(vector)
}

/// What a literal begins with.
const VERSION_BYTES: usize = 1;

/// Whether a literal is compressed, which the compiler does not do.
fn is_compressed(literal: &[u8]) -> bool {
    const COMPRESSED: u8 = 80;
    literal.get(VERSION_BYTES) == Some(&COMPRESSED)
}

/// What a literal is decoded with. `cover` keeps its counters in literals of the code that it makes.
fn decoding_with(machine: &mut Machine) -> (&mut AtomTable, &mut Code, etf::Options<'_>) {
    let Machine {
        atoms,
        code,
        resources,
        ..
    } = machine;
    let options = etf::Options {
        resources: Some(resources),
        ..etf::Options::default()
    };
    (atoms, code, options)
}

fn refused(error: etf::DecodeError, index: usize) -> LinkError {
    match error {
        etf::DecodeError::NoMemory => LinkError::NoMemory,
        _ => LinkError::Literal { index },
    }
}

/// Words that the nodes of a map with many keys take for each of its pairs, at first.
const NODE_WORDS: usize = 4;

impl<'m, 'f> Linker<'m, 'f> {
    fn new(
        host: &'m mut dyn Host,
        name: Atom,
        file: ling::Module<'f>,
        strings: *const u8,
    ) -> Result<Linker<'m, 'f>, LinkError> {
        let mut atoms = vector(file.atom_count())?;
        for (index, text) in file.atoms().enumerate() {
            atoms.push(host.machine().atoms.insert(text)?);
            after_entry(host, index)?;
        }
        let code = Block::allocate(file.code().len().div_ceil(8))?;
        let mut to = code.start().cast::<u8>();
        for piece in file.code().chunks(COPIED) {
            // SAFETY: the block has room for the code, and is fresh.
            unsafe { core::ptr::copy_nonoverlapping(piece.as_ptr(), to, piece.len()) };
            to = to.wrapping_add(piece.len());
            worked(host, COPIED_WORK)?;
        }
        Ok(Linker {
            host,
            file,
            name,
            strings,
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
    fn relocate(
        &mut self,
        kind: Relocation,
        value: impl Fn(&Self, u64) -> u64,
    ) -> Result<(), LinkError> {
        for (index, offset) in self.file.relocations(kind).iter().enumerate() {
            let word = self.address(offset).cast::<u64>();
            // SAFETY: validated: a word of the code that holds an index.
            unsafe { word.write_unaligned(value(self, word.read_unaligned())) };
            after_entry(self.host, index)?;
        }
        Ok(())
    }

    fn run(
        mut self,
        kept_file: ling::Module<'static>,
        bytes: Cow<'static, [u8]>,
    ) -> Result<Box<LoadedModule>, LinkError> {
        let imports = self.imports()?;
        let funs = self.funs()?;
        let on_load = self.on_load()?;
        self.check_terms()?;
        let (terms, literals) = self.literals()?;
        if let Err(error) = self.link_code(&imports, &funs, &terms) {
            self.host.machine().literal_area.close(literals);
            return Err(error);
        }
        let version = try_box(LoadedModule {
            name: self.name,
            code_size: self.file.code().len(),
            code: self.code,
            file: kept_file,
            bytes,
            atoms: self.atoms,
            funs,
            literals: Some(literals),
            nifs: Vec::new(),
            on_load,
            preloaded: false,
        })?;
        Ok(version)
    }

    /// Puts into the code what it refers to.
    fn link_code(
        &mut self,
        imports: &[NonNull<Export>],
        funs: &[NonNull<FunEntry>],
        terms: &[Term],
    ) -> Result<(), LinkError> {
        let strings = self.strings as u64;
        self.relocate(Relocation::Atom, |linker, index| {
            linker.atom(index as u32).term().raw()
        })?;
        self.relocate(Relocation::Literal, |_, index| terms[index as usize].raw())?;
        self.relocate(Relocation::Import, |_, index| {
            imports[index as usize].as_ptr() as u64
        })?;
        self.relocate(Relocation::Fun, |_, index| {
            funs[index as usize].as_ptr() as u64
        })?;
        self.relocate(Relocation::String, |_, offset| strings + offset)?;
        self.link_calls(imports)?;
        self.sort_selects()?;
        self.replace_built_ins()
    }

    /// `module_info/1` can rely on attributes and compile information.
    fn check_terms(&mut self) -> Result<(), LinkError> {
        for (what, bytes) in [
            ("attributes", self.file.attributes()),
            ("compile information", self.file.compile_info()),
        ] {
            if !bytes.is_empty() && etf::decoded_size(bytes, &self.host.machine().atoms).is_err() {
                return Err(LinkError::Chunk { what });
            }
        }
        Ok(())
    }

    /// The literals as terms, and what they take up of the literal area.
    fn literals(&mut self) -> Result<(Vec<Term>, Literals), LinkError> {
        let (mut words, mut pairs) = (0usize, 0usize);
        let file = self.file;
        for (index, bytes) in file.literals().enumerate() {
            let size = if is_compressed(bytes) {
                etf::decoded_size(bytes, &self.host.machine().atoms)
                    .map_err(|_| LinkError::Literal { index })?
            } else {
                self.measure(index, bytes)?.size()
            };
            words = words
                .saturating_add(size.words)
                .saturating_add(size.own_references.saturating_mul(RESOURCE_WORDS));
            pairs = pairs.saturating_add(size.large_map_pairs);
            after_entry(self.host, index)?;
        }
        // The nodes of large maps are not known beforehand.
        let mut nodes = pairs.saturating_mul(NODE_WORDS);
        loop {
            let machine = self.host.machine();
            let wanted = words.saturating_add(nodes);
            let mut literals = machine.literal_area.open(&mut *machine.platform, wanted)?;
            let decoded = self.decode_literals(&mut literals);
            let area = &mut self.host.machine().literal_area;
            match decoded {
                Ok(terms) => {
                    area.trim(&mut literals);
                    return Ok((terms, literals));
                }
                Err(error) => {
                    area.close(literals);
                    if pairs == 0 || !matches!(error, LinkError::NoMemory) {
                        return Err(error);
                    }
                    nodes = nodes.saturating_mul(2);
                }
            }
        }
    }

    /// The beginning of the decoding of a literal that is not compressed.
    fn measure(&mut self, index: usize, bytes: &[u8]) -> Result<Decoding, LinkError> {
        let options = etf::Options::default();
        let mut decoding = Decoding::new(VERSION_BYTES);
        loop {
            let atoms = &self.host.machine().atoms;
            match decoding.measure(bytes, atoms, &options, TERMS) {
                Ok(Progress::Done) => return Ok(decoding),
                Ok(Progress::More) => worked(self.host, TERMS_WORK)?,
                Err(_) => return Err(LinkError::Literal { index }),
            }
        }
    }

    fn decode_literals(&mut self, arena: &mut Literals) -> Result<Vec<Term>, LinkError> {
        let mut terms = vector(self.file.literal_count())?;
        let file = self.file;
        for (index, bytes) in file.literals().enumerate() {
            let literal = if is_compressed(bytes) {
                let (atoms, code, options) = decoding_with(self.host.machine());
                etf::decode(bytes, atoms, arena, code, &options)
                    .map_err(|error| refused(error, index))?
                    .0
            } else {
                self.decode(index, bytes, arena)?
            };
            terms.push(literal);
            after_entry(self.host, index)?;
        }
        Ok(terms)
    }

    /// Decodes a literal that is not compressed.
    fn decode(
        &mut self,
        index: usize,
        bytes: &[u8],
        arena: &mut Literals,
    ) -> Result<Term, LinkError> {
        let mut root = Term::NIL.raw();
        let mut decoding = self.measure(index, bytes)?;
        decoding.begin(arena, &raw mut root)?;
        loop {
            let (atoms, code, options) = decoding_with(self.host.machine());
            // SAFETY: `root` is there until the end, and after a pause where it was.
            let built = unsafe { decoding.build(bytes, atoms, arena, code, &options, TERMS) };
            match built.map_err(|error| refused(error, index))? {
                Progress::More => worked(self.host, TERMS_WORK)?,
                // SAFETY: the finished term is there.
                Progress::Done => return Ok(unsafe { Term::from_raw(root) }),
            }
        }
    }

    fn imports(&mut self) -> Result<Vec<NonNull<Export>>, LinkError> {
        let mut imports = vector(self.file.imports().len())?;
        for (index, import) in self.file.imports().iter().enumerate() {
            let (module, function) = (self.atom(import.module), self.atom(import.function));
            let code = &mut self.host.machine().code;
            imports.push(code.export(module, function, import.arity as u8));
            after_entry(self.host, index)?;
        }
        Ok(imports)
    }

    /// Entries of the module's funs, as yet without code, unless an equal version is loaded.
    fn funs(&mut self) -> Result<Vec<NonNull<FunEntry>>, LinkError> {
        let mut funs = vector(self.file.funs().len())?;
        let uniq = self.file.md5();
        for (index, fun) in self.file.funs().iter().enumerate() {
            let identity = FunIdentity {
                module: self.name,
                arity: fun.arity - fun.num_free,
                index: fun.index,
                old_index: fun.index,
                old_uniq: fun.old_uniq,
                uniq,
            };
            let code = &mut self.host.machine().code;
            let mut entry = code.fun_entry(&identity, fun.num_free)?;
            // SAFETY: entries live as long as the machine, which has one thread.
            let known = unsafe { entry.as_mut() };
            // An external term may have named the fun before, and not truly.
            known.entry.identity = identity;
            known.free = fun.num_free;
            known.function = Some(self.atom(fun.function));
            funs.push(entry);
            after_entry(self.host, index)?;
        }
        Ok(funs)
    }

    /// The function to run before anything else of the module.
    fn on_load(&self) -> Result<Option<Box<Entry<Mfa>>>, LinkError> {
        let Some(offset) = self.file.on_load() else {
            return Ok(None);
        };
        let function = self.file.function_at(offset);
        let entry = Entry {
            code: self.address(offset).cast_const(),
            identity: Mfa {
                module: self.name,
                function: self.atom(function.map_or(0, |found| found.function)),
                arity: 0,
            },
        };
        Ok(Some(try_box(entry)?))
    }

    /// Calls of other modules' functions; calls of built-in functions get the instruction that needs no detour.
    fn link_calls(&mut self, imports: &[NonNull<Export>]) -> Result<(), LinkError> {
        for (index, offset) in self.file.relocations(Relocation::Call).iter().enumerate() {
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
            after_entry(self.host, index)?;
        }
        Ok(())
    }

    /// Sorts the tables of select instructions by the words that their atoms have become.
    fn sort_selects(&mut self) -> Result<(), LinkError> {
        for offset in self.file.relocations(Relocation::Select).iter() {
            let list = self.address(offset);
            // SAFETY: validated: the count of a list of pairs of words.
            let pairs = unsafe {
                let pairs = list.cast::<u16>().read_unaligned() as usize / 2;
                let first = list.add(2).cast::<[u64; 2]>();
                let mut sorted: Vec<[u64; 2]> =
                    (0..pairs).map(|i| first.add(i).read_unaligned()).collect();
                sorted.sort_unstable_by_key(|pair| pair[0]);
                for (i, pair) in sorted.iter().enumerate() {
                    first.add(i).write_unaligned(*pair);
                }
                pairs
            };
            worked(self.host, pairs)?;
        }
        Ok(())
    }

    /// OTP's modules have bodies that raise `nif_error` for functions that are built in. Calls from inside the module get there: they
    /// become the built-in ones.
    fn replace_built_ins(&mut self) -> Result<(), LinkError> {
        for (index, function) in self.file.exports().iter().enumerate() {
            after_entry(self.host, index)?;
            let name = self.atom(function.function);
            let code = &mut self.host.machine().code;
            let Some(export) = code.find_export(self.name, name, function.arity as u8) else {
                continue;
            };
            // SAFETY: entries live as long as the machine, which has one thread.
            if unsafe { export.as_ref() }.built_in.is_none() {
                continue;
            }
            // Without a number for it the body stays what it is, and says so when it is called.
            if let Ok(number) = code.natives.number_of(export) {
                // SAFETY: the function's first instruction, in code that nothing runs yet.
                unsafe { native::replace(self.address(function.entry), number) };
            }
        }
        Ok(())
    }
}
