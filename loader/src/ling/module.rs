//! Reading a `.ling` file: [`Module`], a view of its bytes.
//!
//! [`Module::parse`] checks the file and validates its code; the accessors then read
//! flat little-endian tables where they lie. Invariant of a module that `parse` has
//! returned: every index and offset in its tables and in its code is in range, so the
//! machine may link and run it without looking again. Called by the machine.

use alloc::vec::Vec;
use core::marker::PhantomData;

use super::header::{Layout, NO_OFFSET, Relocation, Section};
use super::{Location, validate};
use crate::error::LoadError;
use crate::pace::Pace;
use crate::text;

/// A validated `.ling` file.
#[derive(Clone, Copy, Debug)]
pub struct Module<'a> {
    file: &'a [u8],
    layout: Layout,
}

/// A table of fixed-size entries of u32 fields.
#[derive(Clone, Copy, Debug)]
pub struct Table<'a, T> {
    bytes: &'a [u8],
    entries: PhantomData<T>,
}

/// An entry of a [`Table`].
pub trait Entry: Sized {
    /// Number of u32 fields.
    const FIELDS: usize;
    /// Builds an entry; `field` gives its fields by number.
    fn read(field: impl Fn(usize) -> u32) -> Self;
}

macro_rules! entries {
    ($($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident $number:literal)* } $count:literal)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub struct $name { $($(#[$field_doc])* pub $field: u32),* }
        impl Entry for $name {
            const FIELDS: usize = $count;
            fn read(field: impl Fn(usize) -> u32) -> Self {
                $name { $($field: field($number)),* }
            }
        }
    )*};
}

entries! {
    /// An exported function.
    Export {
        /// Index of its name's atom.
        function 0
        /// Arity.
        arity 1
        /// Code offset of its entry.
        entry 2
    } 3
    /// Any function of the module, exported or not.
    Function {
        /// Index of its name's atom.
        function 0
        /// Arity.
        arity 1
        /// Code offset of its first instruction.
        entry 2
        /// Code offset of its func_info, where it begins.
        func_info 3
    } 4
    /// A function of another module, or a built-in one.
    Import {
        /// Index of the module's atom.
        module 0
        /// Index of the function's atom.
        function 1
        /// Arity.
        arity 2
    } 3
    /// A fun.
    Fun {
        /// Index of the atom that names its body.
        function 0
        /// Arity of its body: of the fun, plus the number of its free variables.
        arity 1
        /// Code offset of its body's entry.
        entry 2
        /// Index among the module's funs, part of its identity.
        index 3
        /// Number of free variables.
        num_free 4
        /// The part of its identity that old releases used.
        old_uniq 5
    } 6
}

impl Entry for u32 {
    const FIELDS: usize = 1;
    fn read(field: impl Fn(usize) -> u32) -> Self {
        field(0)
    }
}

/// A list of offsets.
pub type Offsets<'a> = Table<'a, u32>;

impl<'a, T: Entry> Table<'a, T> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Table {
            bytes,
            entries: PhantomData,
        }
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        self.bytes.len() / (4 * T::FIELDS)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Entry number `index`.
    #[inline]
    pub fn get(&self, index: usize) -> Option<T> {
        let start = index.checked_mul(4 * T::FIELDS)?;
        let entry = self.bytes.get(start..start.checked_add(4 * T::FIELDS)?)?;
        Some(T::read(|field| read_u32(entry, 4 * field)))
    }

    /// The entries in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = T> + use<'a, T> {
        self.bytes
            .chunks_exact(4 * T::FIELDS)
            .map(|entry| T::read(|field| read_u32(entry, 4 * field)))
    }
}

/// The u32 at `at`, or 0 beyond the end, which a validated table never asks for.
#[inline]
fn read_u32(bytes: &[u8], at: usize) -> u32 {
    match bytes.get(at..at + 4) {
        Some(word) => u32::from_le_bytes([word[0], word[1], word[2], word[3]]),
        None => 0,
    }
}

impl<'a> Module<'a> {
    /// Checks and validates a `.ling` file.
    pub fn parse(file: &'a [u8]) -> Result<Self, LoadError> {
        Module::parse_in_pieces(file, &mut Pace::unbroken())
    }

    /// As [`Module::parse`], with pauses.
    pub fn parse_in_pieces(file: &'a [u8], pace: &mut Pace<'_>) -> Result<Self, LoadError> {
        let module = Module {
            file,
            layout: Layout::parse(file, true)?,
        };
        match validate::module(&module, pace) {
            Ok(()) => Ok(module),
            Err(error) => Err(match module.atom(0) {
                Some(name) => error.in_module(name, None),
                None => error,
            }),
        }
    }

    /// A view of a file for whoever wants to know what its tables say: only version, size and sections are looked at. It must not
    /// be run.
    pub fn tables(file: &'a [u8]) -> Result<Self, LoadError> {
        Ok(Module {
            file,
            layout: Layout::parse(file, false)?,
        })
    }

    /// A view of a file that is known to be good, without validating it again: only
    /// version, size and sections are looked at. It saves most of the time of loading.
    ///
    /// # Safety
    ///
    /// The bytes must be what [`crate::convert_beam`] of this very version returned,
    /// undamaged. The machine runs code without further checks.
    pub unsafe fn parse_trusted(file: &'a [u8]) -> Result<Self, LoadError> {
        Ok(Module {
            file,
            layout: Layout::parse(file, false)?,
        })
    }

    /// The file without what is of no use once it has been linked: code, literals, imports and relocations. Only
    /// [`Module::parse_trusted`] accepts it.
    pub fn without_code(&self) -> Result<Vec<u8>, LoadError> {
        self.layout.keep(self.file, |section| {
            !matches!(
                section,
                Section::Code
                    | Section::AtomIndex
                    | Section::AtomText
                    | Section::LiteralIndex
                    | Section::LiteralBytes
                    | Section::Imports
                    | Section::RelocateAtoms
                    | Section::RelocateLiterals
                    | Section::RelocateImports
                    | Section::RelocateCalls
                    | Section::RelocateFuns
                    | Section::RelocateStrings
                    | Section::RelocateSelects
            )
        })
    }

    pub(super) fn section(&self, section: Section) -> &'a [u8] {
        self.layout.section(self.file, section)
    }

    /// Name of the module.
    pub fn name(&self) -> &'a str {
        self.atom(0).unwrap_or_default()
    }

    /// Number of atoms.
    pub fn atom_count(&self) -> usize {
        self.index_count(Section::AtomIndex)
    }

    /// Text of an atom.
    pub fn atom(&self, index: usize) -> Option<&'a str> {
        text::utf8(self.indexed(Section::AtomIndex, Section::AtomText, index)?).ok()
    }

    /// Texts of all atoms; operands and tables name an atom by its place here.
    pub fn atoms(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let module = *self;
        (0..self.atom_count()).map(move |index| module.atom(index).unwrap_or_default())
    }

    /// Exported functions, sorted by entry.
    pub fn exports(&self) -> Table<'a, Export> {
        Table::new(self.section(Section::Exports))
    }

    /// All functions, sorted by offset.
    pub fn functions(&self) -> Table<'a, Function> {
        Table::new(self.section(Section::Functions))
    }

    /// The function that the instruction at a code offset belongs to.
    pub fn function_at(&self, offset: u32) -> Option<Function> {
        let functions = self.functions();
        let after = partition_point(functions.len(), |index| {
            functions
                .get(index)
                .is_some_and(|function| function.func_info <= offset)
        });
        functions.get(after.checked_sub(1)?)
    }

    /// Imports.
    pub fn imports(&self) -> Table<'a, Import> {
        Table::new(self.section(Section::Imports))
    }

    /// Funs.
    pub fn funs(&self) -> Table<'a, Fun> {
        Table::new(self.section(Section::Funs))
    }

    /// Number of literals.
    pub fn literal_count(&self) -> usize {
        self.index_count(Section::LiteralIndex)
    }

    /// A literal in external term format, version byte included.
    pub fn literal(&self, index: usize) -> Option<&'a [u8]> {
        self.indexed(Section::LiteralIndex, Section::LiteralBytes, index)
    }

    /// All literals in order.
    pub fn literals(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let module = *self;
        (0..self.literal_count()).map(move |index| module.literal(index).unwrap_or_default())
    }

    /// The bytes that string operands point into.
    pub fn strings(&self) -> &'a [u8] {
        self.section(Section::Strings)
    }

    /// The instructions; [`crate::isa`] tells their layout.
    pub fn code(&self) -> &'a [u8] {
        self.section(Section::Code)
    }

    /// Location of the instruction at a code offset. Of a return address, ask for the
    /// byte before it.
    pub fn location_at(&self, offset: u32) -> Location {
        let lines: Table<'a, Line> = Table::new(self.section(Section::Lines));
        let after = partition_point(lines.len(), |index| {
            lines.get(index).is_some_and(|line| line.from <= offset)
        });
        match after.checked_sub(1).and_then(|index| lines.get(index)) {
            Some(line) => Location::from_bits(line.location),
            None => Location::UNKNOWN,
        }
    }

    /// The bytes of the line table, for whoever keeps it beyond the file: u32 code offset,
    /// u32 [`Location`], sorted by offset.
    pub fn lines(&self) -> &'a [u8] {
        self.section(Section::Lines)
    }

    /// Number of names of source files, that of the module's own included.
    pub fn file_count(&self) -> usize {
        self.index_count(Section::FileIndex)
    }

    /// Name of a source file, by [`Location::file`].
    pub fn file(&self, index: usize) -> Option<&'a str> {
        core::str::from_utf8(self.indexed(Section::FileIndex, Section::FileText, index)?).ok()
    }

    /// Names of all source files.
    pub fn files(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let module = *self;
        (0..self.file_count()).map(move |index| module.file(index).unwrap_or_default())
    }

    /// Attributes in external term format; may be empty.
    pub fn attributes(&self) -> &'a [u8] {
        self.section(Section::Attributes)
    }

    /// Compile information in external term format; may be empty.
    pub fn compile_info(&self) -> &'a [u8] {
        self.section(Section::CompileInfo)
    }

    /// What `Module:module_info(md5)` gives.
    pub fn md5(&self) -> [u8; 16] {
        let mut md5 = [0; 16];
        md5.copy_from_slice(&self.section(Section::Info)[..16]);
        md5
    }

    /// Code offset of the entry of the function that runs on load, if there is one.
    pub fn on_load(&self) -> Option<u32> {
        match read_u32(self.section(Section::Info), 16) {
            NO_OFFSET => None,
            entry => Some(entry),
        }
    }

    /// The code uses only X registers below this.
    pub fn x_registers(&self) -> u32 {
        read_u32(self.section(Section::Info), 20)
    }

    /// Code offsets of one kind of relocation, ascending.
    pub fn relocations(&self, kind: Relocation) -> Offsets<'a> {
        Table::new(self.section(kind.section()))
    }

    /// Number of texts of a pair of index and text sections.
    fn index_count(&self, index: Section) -> usize {
        (self.section(index).len() / 4).saturating_sub(1)
    }

    fn indexed(&self, index: Section, texts: Section, number: usize) -> Option<&'a [u8]> {
        let offsets: Offsets<'a> = Table::new(self.section(index));
        let (start, end) = (offsets.get(number)?, offsets.get(number.checked_add(1)?)?);
        self.section(texts).get(start as usize..end as usize)
    }
}

entries! {
    /// From which code offset on which location holds.
    Line {
        /// Code offset.
        from 0
        /// Bits of a [`Location`].
        location 1
    } 2
}

/// Number of leading indices below `count` for which `before` holds.
fn partition_point(count: usize, before: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (0, count);
    while low < high {
        let middle = low + (high - low) / 2;
        if before(middle) {
            low = middle + 1
        } else {
            high = middle
        }
    }
    low
}
