//! The second pass over an external term: building it.
//!
//! All of it but the maps with more than 32 keys goes into one block that [`super::scan`] has measured. What is left to fill in
//! is a stack of [`Frame`]s; a container's last element takes its frame's place, so a list or a right-leaning tree needs one frame
//! however long it is, and no nesting uses the native stack.
//!
//! Invariant: `next` never passes `end`, because both passes read the same bytes by the same rules.

use super::reader::{AtomName, BigBytes, Identifier, IdentifierKind, Reader, fits_heap};
use super::scan::{FunHead, Measure, Payload, Scope, small_value};
use super::{DecodeError, Progress, tag};
use crate::atom::{AtomError, AtomTable};
use crate::bits::view::{BitsView, SUB_BITS_SIZE_SHIFT};
use crate::map::FLAT_LIMIT;
use crate::memory::off_heap::{BinaryRef, REFC_WORDS, write_refc};
use crate::memory::resource::Resources;
use crate::memory::{Arena, NoMemory};
use crate::process::reference::RefNumber;
use crate::process::table::make_pid;
use crate::term::compare::compare_exact;
use crate::term::copy::write_heap_bits;
use crate::term::external::{Node, RemotePid, RemotePort, RemoteReference};
use crate::term::fun::{FUN_WORDS, FunIdentity, Meta};
use crate::term::size::{SUB_BITS_WORDS, heap_bits_words};
use crate::term::{Atom, Header, Subtag, Term};
use alloc::vec::Vec;
use core::cmp::Ordering;
use core::ptr::NonNull;

/// Finds the code behind funs. The addresses are those of `term::fun`; `None` refuses the term.
pub trait FunResolver {
    /// The export entry of `module:function/arity`, made if it is not there.
    fn export(&mut self, module: Atom, function: Atom, arity: u8) -> Option<*const u64>;

    /// The entry of a fun with a body of its own and `free` free variables.
    fn local_fun(&mut self, identity: &FunIdentity, free: u32) -> Option<*const u64>;
}

/// Where no fun is expected: refuses all.
pub struct NoFuns;

impl FunResolver for NoFuns {
    fn export(&mut self, _: Atom, _: Atom, _: u8) -> Option<*const u64> {
        None
    }
    fn local_fun(&mut self, _: &FunIdentity, _: u32) -> Option<*const u64> {
        None
    }
}

/// How to decode. Pids, ports and references of [`AtomTable::node`] become local ones.
#[derive(Clone, Copy, Default)]
pub struct Options<'a> {
    /// Only atoms that exist already (`binary_to_term(B, [safe])`).
    pub safe: bool,
    /// Atoms that came before the term, which refers to them by number: those of a distribution header.
    pub cached: &'a [Atom],
    /// Where references of this node find the resources behind them.
    pub resources: Option<&'a Resources>,
}

/// The term at the start of `bytes` (from the version byte on), built in `arena`, and how many bytes it was.
///
/// The arena is asked for one block of [`super::DecodedSize::words`] words, and for the nodes of maps with more
/// than 32 keys and references with a resource behind them besides.
pub fn decode<A: Arena + ?Sized>(
    bytes: &[u8],
    atoms: &mut AtomTable,
    arena: &mut A,
    funs: &mut dyn FunResolver,
    options: &Options<'_>,
) -> Result<(Term, usize), DecodeError> {
    let payload = Payload::of(bytes)?;
    match &payload {
        Payload::Plain(at) => decode_at(bytes, *at, atoms, arena, funs, options),
        Payload::Inflated { data, used } => {
            let (term, _) = decode_at(data, 0, atoms, arena, funs, options)?;
            Ok((term, *used))
        }
    }
}

/// As [`decode`], for a term whose tag stands at `at`: without a version byte, and not compressed. How many bytes it was counts from
/// the first of `data`.
pub fn decode_at<A: Arena + ?Sized>(
    data: &[u8],
    at: usize,
    atoms: &mut AtomTable,
    arena: &mut A,
    funs: &mut dyn FunResolver,
    options: &Options<'_>,
) -> Result<(Term, usize), DecodeError> {
    let mut root = Term::NIL.raw();
    let mut decoding = Decoding::new(at);
    decoding.measure(data, atoms, options, usize::MAX)?;
    decoding.begin(arena, &raw mut root)?;
    // SAFETY: `root` is there until the end.
    unsafe { decoding.build(data, atoms, arena, funs, options, usize::MAX)? };
    // SAFETY: `build` has put the finished term there.
    Ok((unsafe { Term::from_raw(root) }, decoding.used()))
}

/// A decoding that is done in pieces, so that others may run in between: [`Decoding::measure`] until it is done, [`Decoding::begin`],
/// [`Decoding::build`] until it is done. The input and the options are the same all the time, and the arena is not collected.
pub struct Decoding {
    measure: Measure,
    at: usize,
    next: *mut u64,
    end: *mut u64,
    frames: Vec<Frame>,
    slot: *mut u64,
}

impl Decoding {
    /// Of the term whose tag stands at `at`.
    pub fn new(at: usize) -> Decoding {
        Decoding {
            measure: Measure::new(at),
            at,
            next: core::ptr::null_mut(),
            end: core::ptr::null_mut(),
            frames: Vec::new(),
            slot: core::ptr::null_mut(),
        }
    }

    /// How many bytes have been measured, from the beginning of the input on: all of the term's when that is done.
    pub fn used(&self) -> usize {
        self.measure.size.used
    }

    /// What the term takes up, once it has been measured.
    pub fn size(&self) -> super::DecodedSize {
        self.measure.size
    }

    /// Where building has come to.
    pub fn position(&self) -> usize {
        self.at
    }

    /// Checks and measures up to so many terms more.
    pub fn measure(
        &mut self,
        data: &[u8],
        atoms: &AtomTable,
        options: &Options<'_>,
        terms: usize,
    ) -> Result<Progress, DecodeError> {
        let scope = Scope {
            atoms,
            cached: options.cached,
        };
        self.measure.advance(data, &scope, terms)
    }

    /// Makes room for what has been measured. The term will go to `root`.
    pub fn begin<A: Arena + ?Sized>(
        &mut self,
        arena: &mut A,
        root: *mut u64,
    ) -> Result<(), NoMemory> {
        self.slot = root;
        if self.measure.size.words > 0 {
            self.next = arena.allocate(self.measure.size.words)?.as_ptr();
            // SAFETY: the end of the block.
            self.end = unsafe { self.next.add(self.measure.size.words) };
        }
        Ok(())
    }

    /// Builds up to so many terms more.
    ///
    /// # Safety
    /// The `root` that [`Decoding::begin`] was given is a word that can be written, and there is more to build.
    pub unsafe fn build<A: Arena + ?Sized>(
        &mut self,
        data: &[u8],
        atoms: &mut AtomTable,
        arena: &mut A,
        funs: &mut dyn FunResolver,
        options: &Options<'_>,
        terms: usize,
    ) -> Result<Progress, DecodeError> {
        let mut decoder = Decoder {
            reader: Reader::new(data, self.at, options.cached.len()),
            atoms,
            arena,
            funs,
            options,
            next: self.next,
            end: self.end,
            frames: core::mem::take(&mut self.frames),
        };
        let slot = decoder.run(self.slot, terms)?;
        self.at = decoder.reader.position();
        self.next = decoder.next;
        self.frames = decoder.frames;
        Ok(match slot {
            Some(slot) => {
                self.slot = slot;
                Progress::More
            }
            None => {
                debug_assert_eq!(self.next, self.end);
                Progress::Done
            }
        })
    }
}

/// What is left to fill in of one container.
enum Frame {
    /// `left` words side by side.
    Words { slot: *mut u64, left: usize },
    /// The heads of `left` cells side by side, then the tail of the last one.
    Cells { cell: *mut u64, left: usize },
    /// A flat map: key, value, key, value, ...; sorted when `filled` reaches twice its size.
    Flat {
        keys: *mut u64,
        values: *mut u64,
        size: usize,
        filled: usize,
    },
    /// A map with more keys: its pairs on their way, then the map goes to `slot`.
    Large {
        pairs: Vec<(Term, Term)>,
        filled: usize,
        slot: *mut u64,
    },
}

struct Decoder<'a, A: Arena + ?Sized> {
    reader: Reader<'a>,
    atoms: &'a mut AtomTable,
    arena: &'a mut A,
    funs: &'a mut dyn FunResolver,
    options: &'a Options<'a>,
    next: *mut u64,
    end: *mut u64,
    frames: Vec<Frame>,
}

impl<'a, A: Arena + ?Sized> Decoder<'a, A> {
    /// Builds up to so many terms, the first one for `slot`; where the next one goes.
    fn run(
        &mut self,
        mut slot: *mut u64,
        mut terms: usize,
    ) -> Result<Option<*mut u64>, DecodeError> {
        loop {
            let value = self.term(slot)?;
            // SAFETY: every slot is a word of the block, of a frame's own pairs, or `root`.
            unsafe { *slot = value.raw() };
            terms -= 1;
            match self.next_slot()? {
                Some(next) if terms > 0 => slot = next,
                next => return Ok(next),
            }
        }
    }

    /// Where the next term goes; finishes the containers that are full.
    fn next_slot(&mut self) -> Result<Option<*mut u64>, DecodeError> {
        loop {
            let Some(frame) = self.frames.last_mut() else {
                return Ok(None);
            };
            // SAFETY: each frame's words were allocated for as many terms as it counts.
            unsafe {
                match frame {
                    Frame::Words { slot, left } => {
                        let next = *slot;
                        *slot = next.add(1);
                        *left -= 1;
                        if *left == 0 {
                            self.frames.pop();
                        }
                        return Ok(Some(next));
                    }
                    Frame::Cells { cell, left: 0 } => {
                        let tail = cell.sub(1);
                        self.frames.pop();
                        return Ok(Some(tail));
                    }
                    Frame::Cells { cell, left } => {
                        let head = *cell;
                        *cell = head.add(2);
                        *left -= 1;
                        return Ok(Some(head));
                    }
                    Frame::Flat {
                        keys,
                        values,
                        size,
                        filled,
                    } => {
                        if *filled < 2 * *size {
                            let column = if *filled % 2 == 0 { *keys } else { *values };
                            let slot = column.add(*filled / 2);
                            *filled += 1;
                            return Ok(Some(slot));
                        }
                        let keys = core::slice::from_raw_parts_mut(keys.cast::<Term>(), *size);
                        let values = core::slice::from_raw_parts_mut(values.cast::<Term>(), *size);
                        self.frames.pop();
                        if !sort_pairs(self.atoms, keys, values) {
                            return Err(self.reader.invalid("a map with the same key twice"));
                        }
                    }
                    Frame::Large { pairs, filled, .. } if *filled < 2 * pairs.len() => {
                        let pair = &mut pairs[*filled / 2];
                        let place = if *filled % 2 == 0 {
                            &mut pair.0
                        } else {
                            &mut pair.1
                        };
                        *filled += 1;
                        return Ok(Some((place as *mut Term).cast()));
                    }
                    Frame::Large { .. } => {
                        if let Some(Frame::Large { pairs, slot, .. }) = self.frames.pop() {
                            let pairs = pairs.into_iter();
                            let map = crate::map::from_unique_pairs(self.arena, self.atoms, pairs)?;
                            let map = map.ok_or_else(|| {
                                self.reader.invalid("a map with the same key twice")
                            })?;
                            *slot = map.raw();
                        }
                    }
                }
            }
        }
    }

    fn push(&mut self, frame: Frame) -> Result<(), NoMemory> {
        self.frames.try_reserve(1).map_err(|_| NoMemory)?;
        self.frames.push(frame);
        Ok(())
    }

    /// `words` words of the block.
    fn allocate(&mut self, words: usize) -> Result<*mut u64, NoMemory> {
        if words > (self.end as usize - self.next as usize) / 8 {
            // The two passes would have to disagree.
            return Err(NoMemory);
        }
        let object = self.next;
        // SAFETY: there are that many words left.
        self.next = unsafe { object.add(words) };
        Ok(object)
    }

    fn object(&mut self, subtag: Subtag, words: &[u64]) -> Result<Term, NoMemory> {
        let object = self.allocate(1 + words.len())?;
        // SAFETY: fresh words, all written here.
        unsafe {
            *object = Header::new(subtag, words.len()).0;
            core::ptr::copy_nonoverlapping(words.as_ptr(), object.add(1), words.len());
            Ok(Term::boxed(object))
        }
    }

    /// Reads one term. A container comes back empty, with a frame that says what belongs into it; a large map
    /// is put into `slot` when it is finished, and is `[]` until then.
    fn term(&mut self, slot: *mut u64) -> Result<Term, DecodeError> {
        let (offset, tag, length) = self.tag()?;
        match tag {
            tag::SMALL_INTEGER => Ok(Term::small(self.reader.u8()? as i64)),
            tag::INTEGER => Ok(Term::small(self.reader.u32()? as i32 as i64)),
            tag::NEW_FLOAT => {
                let value = self.reader.new_float()?;
                Ok(self.object(Subtag::Float, &[value.to_bits()])?)
            }
            tag::FLOAT => {
                let value = self.reader.old_float()?;
                Ok(self.object(Subtag::Float, &[value.to_bits()])?)
            }
            tag::NIL => Ok(Term::NIL),
            tag::SMALL_TUPLE => {
                let arity = self.reader.u8()? as usize;
                self.tuple(arity)
            }
            tag::LARGE_TUPLE => {
                let arity = self.reader.size()?;
                self.tuple(arity)
            }
            tag::STRING => {
                let length = self.reader.u16()?;
                let bytes = self.reader.take(length)?;
                self.string(bytes)
            }
            tag::LIST => self.list(length),
            tag::BINARY => {
                let size = self.reader.size()?;
                let bytes = self.reader.take(size)?;
                self.bit_string(bytes, size * 8)
            }
            tag::BIT_BINARY => {
                let (bytes, last) = self.reader.bit_binary()?;
                let unused = if last == 0 { 0 } else { 8 - last as usize };
                self.bit_string(bytes, bytes.len() * 8 - unused)
            }
            tag::SMALL_BIG => {
                let size = self.reader.u8()? as usize;
                let big = self.reader.big(size)?;
                self.integer(big)
            }
            tag::LARGE_BIG => {
                let size = self.reader.size()?;
                let big = self.reader.big(size)?;
                self.integer(big)
            }
            tag::MAP => {
                let pairs = self.reader.size()?;
                self.map(pairs, slot)
            }
            tag::EXPORT => self.export(),
            tag::NEW_FUN => self.fun(),
            _ => {
                if let Some(name) = self.reader.atom_of_tag(tag)? {
                    return Ok(self.atom(name)?.term());
                }
                match self.reader.identifier_of_tag(tag)? {
                    Some(identifier) => self.identifier(&identifier),
                    None => Err(DecodeError::Tag { tag, offset }),
                }
            }
        }
    }

    /// The next tag, where it stands, and the length if it is a list's. A list without elements is
    /// its tail, so its tag is passed over.
    fn tag(&mut self) -> Result<(usize, u8, usize), DecodeError> {
        loop {
            let offset = self.reader.position();
            match self.reader.u8()? {
                tag::LIST => match self.reader.size()? {
                    0 => continue,
                    length => return Ok((offset, tag::LIST, length)),
                },
                tag => return Ok((offset, tag, 0)),
            }
        }
    }

    fn tuple(&mut self, arity: usize) -> Result<Term, DecodeError> {
        let object = self.allocate(1 + arity)?;
        // SAFETY: fresh words; the elements are written before anybody else sees the tuple.
        let term = unsafe {
            *object = Header::new(Subtag::Tuple, arity).0;
            Term::boxed(object)
        };
        if arity > 0 {
            // SAFETY: the elements stand behind the header.
            let slot = unsafe { object.add(1) };
            self.push(Frame::Words { slot, left: arity })?;
        }
        Ok(term)
    }

    fn string(&mut self, bytes: &[u8]) -> Result<Term, DecodeError> {
        let cells = self.allocate(2 * bytes.len())?;
        let mut list = Term::NIL;
        for (i, &byte) in bytes.iter().enumerate().rev() {
            // SAFETY: fresh words, two for each byte.
            unsafe {
                let cell = cells.add(2 * i);
                *cell = Term::small(byte as i64).raw();
                *cell.add(1) = list.raw();
                list = Term::list(cell);
            }
        }
        Ok(list)
    }

    fn list(&mut self, length: usize) -> Result<Term, DecodeError> {
        let cell = self.allocate(2 * length)?;
        // SAFETY: fresh words, two for each element; heads and the last tail are written before
        // anybody else sees the list.
        let term = unsafe {
            for i in 1..length {
                *cell.add(2 * i - 1) = Term::list(cell.add(2 * i)).raw();
            }
            Term::list(cell)
        };
        self.push(Frame::Cells { cell, left: length })?;
        Ok(term)
    }

    fn map(&mut self, size: usize, slot: *mut u64) -> Result<Term, DecodeError> {
        if size > FLAT_LIMIT {
            let mut pairs = Vec::new();
            pairs.try_reserve_exact(size).map_err(|_| NoMemory)?;
            pairs.resize(size, (Term::NIL, Term::NIL));
            self.push(Frame::Large {
                pairs,
                filled: 0,
                slot,
            })?;
            return Ok(Term::NIL);
        }
        let keys = self.allocate(1 + size)?;
        let map = self.allocate(2 + size)?;
        // SAFETY: fresh words; keys and values are written before anybody else sees the map.
        unsafe {
            *keys = Header::new(Subtag::Tuple, size).0;
            *map = Header::new(Subtag::FlatMap, 1 + size).0;
            *map.add(1) = Term::boxed(keys).raw();
            self.push(Frame::Flat {
                keys: keys.add(1),
                values: map.add(2),
                size,
                filled: 0,
            })?;
            Ok(Term::boxed(map))
        }
    }

    fn integer(&mut self, big: BigBytes<'_>) -> Result<Term, DecodeError> {
        if let Some(value) = small_value(big) {
            return Ok(Term::small(value));
        }
        let subtag = if big.negative {
            Subtag::BigNegative
        } else {
            Subtag::BigPositive
        };
        let digits = big.magnitude.len().div_ceil(8);
        let object = self.allocate(1 + digits)?;
        // SAFETY: fresh words, all written here: this machine is little-endian as the format is.
        unsafe {
            *object = Header::new(subtag, digits).0;
            *object.add(digits) = 0;
            core::ptr::copy_nonoverlapping(
                big.magnitude.as_ptr(),
                object.add(1).cast(),
                big.magnitude.len(),
            );
            Ok(Term::boxed(object))
        }
    }

    /// A bit string of the first `bits` bits of `bytes`, which are no more than it needs.
    fn bit_string(&mut self, bytes: &[u8], bits: usize) -> Result<Term, DecodeError> {
        if fits_heap(bytes.len()) {
            let object = self.allocate(heap_bits_words(bits))?;
            let view = BitsView {
                bytes: bytes.as_ptr(),
                offset: 0,
                size: bits,
            };
            // SAFETY: fresh words, as many as it takes.
            return Ok(unsafe { write_heap_bits(object, view) });
        }
        let binary = BinaryRef::from_bytes(bytes)?;
        let object = self.allocate(REFC_WORDS)?;
        // SAFETY: fresh words of a complete object; the reference moves into it.
        let whole = unsafe {
            let object = NonNull::new_unchecked(object);
            write_refc(object, binary.head(), bytes.len(), self.arena.off_heap())
        };
        core::mem::forget(binary);
        if bits == bytes.len() * 8 {
            return Ok(whole);
        }
        debug_assert_eq!(SUB_BITS_WORDS, 4);
        let size = (bits as u64) << SUB_BITS_SIZE_SHIFT;
        Ok(self.object(Subtag::SubBits, &[0, size, whole.raw()])?)
    }

    fn atom(&mut self, name: AtomName<'_>) -> Result<Atom, DecodeError> {
        let mut buffer = [0u8; 2 * crate::atom::MAX_ATOM_CHARACTERS];
        let name = match name {
            AtomName::Cached(number) => {
                let atom = self.options.cached.get(usize::from(number));
                return atom.copied().ok_or(DecodeError::UnknownAtom);
            }
            AtomName::Utf8(name) => name,
            AtomName::Latin1(bytes) => {
                let mut length = 0;
                for &byte in bytes {
                    length += (byte as char).encode_utf8(&mut buffer[length..]).len();
                }
                core::str::from_utf8(&buffer[..length])
                    .map_err(|_| self.reader.invalid("an atom that is not Latin-1"))?
            }
        };
        if self.options.safe {
            return self.atoms.find(name).ok_or(DecodeError::UnknownAtom);
        }
        self.atoms.insert(name).map_err(|error| match error {
            AtomError::TableFull => DecodeError::AtomTableFull,
            AtomError::NoMemory => DecodeError::NoMemory,
            AtomError::TooLong => self.reader.invalid("an atom of more than 255 characters"),
        })
    }

    fn identifier(&mut self, identifier: &Identifier<'_>) -> Result<Term, DecodeError> {
        let node = Node {
            name: self.atom(identifier.node)?,
            creation: identifier.creation,
        };
        let this = self.atoms.node;
        let any_life = Node {
            creation: 0,
            ..this
        };
        if node == this || node == any_life {
            self.own(identifier)
        } else {
            self.of_other(node, identifier)
        }
    }

    /// An identifier of this node.
    fn own(&mut self, identifier: &Identifier<'_>) -> Result<Term, DecodeError> {
        let numbers = &identifier.numbers;
        match identifier.kind {
            IdentifierKind::Pid => make_pid(numbers[0] as u32, numbers[1] as u32)
                .ok_or_else(|| self.reader.invalid("a pid with too large a number")),
            IdentifierKind::Port if numbers[0] >> 60 != 0 => {
                Err(self.reader.invalid("a port with too large a number"))
            }
            IdentifierKind::Port => Ok(Term::local_port(numbers[0])),
            IdentifierKind::Reference => {
                let number = RefNumber::from_numbers(&identifier.words());
                let number = number
                    .ok_or_else(|| self.reader.invalid("a reference with too many numbers"))?;
                let plain = self.object(Subtag::Reference, &number.words())?;
                match self.options.resources.and_then(|all| all.find(number)) {
                    // A larger object than was measured: it has its own place, and the ordinary one is garbage.
                    Some(resource) => Ok(resource.term(self.arena)?),
                    None => Ok(plain),
                }
            }
        }
    }

    fn of_other(&mut self, node: Node, identifier: &Identifier<'_>) -> Result<Term, DecodeError> {
        let numbers = &identifier.numbers;
        Ok(match identifier.kind {
            IdentifierKind::Pid => {
                let pid = RemotePid {
                    node,
                    number: numbers[0] as u32,
                    serial: numbers[1] as u32,
                };
                self.object(Subtag::ExternalPid, &pid.words())?
            }
            IdentifierKind::Port => {
                let number = numbers[0];
                let port = RemotePort { node, number };
                self.object(Subtag::ExternalPort, &port.words())?
            }
            IdentifierKind::Reference => {
                let reference = RemoteReference::new(node, &identifier.words());
                self.object(Subtag::ExternalReference, &reference.words())?
            }
        })
    }

    fn export(&mut self) -> Result<Term, DecodeError> {
        let module = self.reader.atom()?;
        let module = self.atom(module)?;
        let function = self.reader.atom()?;
        let function = self.atom(function)?;
        let arity = self.reader.integer()? as u8;
        let entry = self.funs.export(module, function, arity);
        let entry = entry.ok_or(DecodeError::UnknownFun)?;
        let meta = Meta {
            arity: arity as usize,
            free: 0,
            external: true,
        };
        let words = [entry as u64, meta.pack(), Term::NIL.raw()];
        Ok(self.object(Subtag::Fun, &words)?)
    }

    fn fun(&mut self) -> Result<Term, DecodeError> {
        let head = FunHead::read(&mut self.reader)?;
        let identity = FunIdentity {
            module: self.atom(head.module)?,
            arity: head.arity as u32,
            index: head.index,
            old_index: head.old_index,
            old_uniq: head.old_uniq,
            uniq: head.uniq,
        };
        let creator = self.identifier(&head.creator)?;
        let entry = self.funs.local_fun(&identity, head.free as u32);
        let entry = entry.ok_or(DecodeError::UnknownFun)?;
        let meta = Meta {
            arity: head.arity as usize,
            free: head.free,
            external: false,
        };
        let object = self.allocate(FUN_WORDS + head.free)?;
        // SAFETY: fresh words; the free variables are written before anybody else sees the fun.
        let (term, slot) = unsafe {
            *object = Header::new(Subtag::Fun, FUN_WORDS - 1 + head.free).0;
            *object.add(1) = entry as u64;
            *object.add(2) = meta.pack();
            *object.add(3) = creator.raw();
            (Term::boxed(object), object.add(FUN_WORDS))
        };
        if head.free > 0 {
            let left = head.free;
            self.push(Frame::Words { slot, left })?;
        }
        Ok(term)
    }
}

/// Puts the keys of a flat map into their order, and the values with them. False if a key is there twice.
/// Most encoders write them in order already.
fn sort_pairs(atoms: &AtomTable, keys: &mut [Term], values: &mut [Term]) -> bool {
    for i in 1..keys.len() {
        let mut at = i;
        while at > 0 {
            match compare_exact(atoms, keys[at - 1], keys[at]) {
                Ordering::Less => break,
                Ordering::Equal => return false,
                Ordering::Greater => {
                    keys.swap(at - 1, at);
                    values.swap(at - 1, at);
                    at -= 1;
                }
            }
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::heap::Parcel;
    use crate::term::compare::exact_equal;
    use crate::term::etf::decoded_size;
    use crate::term::size::flat_size;
    use std::vec;

    fn decoded(bytes: &[u8]) -> Result<(Term, usize, Parcel), DecodeError> {
        let mut atoms = AtomTable::new();
        let mut arena = Parcel::new();
        let (term, used) = decode(
            bytes,
            &mut atoms,
            &mut arena,
            &mut NoFuns,
            &Options::default(),
        )?;
        Ok((term, used, arena))
    }

    /// What `erl` writes for the term at the left.
    const TERMS: &[(&str, &[u8])] = &[
        ("255", &[131, 97, 255]),
        ("-1", &[131, 98, 255, 255, 255, 255]),
        ("1 bsl 59", &[131, 110, 8, 0, 0, 0, 0, 0, 0, 0, 0, 8]),
        ("1.5", &[131, 70, 63, 248, 0, 0, 0, 0, 0, 0]),
        ("ok", &[131, 100, 0, 2, 111, 107]),
        ("[]", &[131, 106]),
        ("{}", &[131, 104, 0]),
        ("\"ab\"", &[131, 107, 0, 2, 97, 98]),
        ("[1|2]", &[131, 108, 0, 0, 0, 1, 97, 1, 97, 2]),
        ("<<1,2>>", &[131, 109, 0, 0, 0, 2, 1, 2]),
        ("<<5:3>>", &[131, 77, 0, 0, 0, 1, 3, 160]),
        ("#{}", &[131, 116, 0, 0, 0, 0]),
        ("#{1=>2}", &[131, 116, 0, 0, 0, 1, 97, 1, 97, 2]),
    ];

    #[test]
    fn terms_take_the_room_that_was_measured() {
        for (text, bytes) in TERMS {
            let (term, used, _arena) = decoded(bytes).unwrap();
            assert_eq!(used, bytes.len(), "{text}");
            let size = decoded_size(bytes, &AtomTable::new()).unwrap();
            assert_eq!(flat_size(term, &(0..0)), Ok(size.words), "{text}");
            assert_eq!(size.used, used);
        }
    }

    #[test]
    fn every_cut_is_an_error() {
        for (text, bytes) in TERMS {
            for length in 0..bytes.len() {
                assert!(decoded(&bytes[..length]).is_err(), "{text} {length}");
            }
        }
    }

    #[test]
    fn hostile_sizes_are_refused_before_anything_is_built() {
        let cases: [&[u8]; 7] = [
            &[131, 105, 255, 255, 255, 255],
            &[131, 108, 255, 255, 255, 255, 106],
            &[131, 109, 255, 255, 255, 255],
            &[131, 111, 255, 255, 255, 255, 0],
            &[131, 116, 255, 255, 255, 255],
            &[131, 80, 255, 255, 255, 255, 1],
            &[131, 112, 0, 0, 0, 0],
        ];
        for bytes in cases {
            assert!(decoded(bytes).is_err());
        }
        // A list in a list in a list, each of which claims all that follows.
        let mut nested = vec![131];
        for _ in 0..100_000 {
            nested.extend([108, 0, 4, 0, 0]);
        }
        assert!(matches!(
            decoded_size(&nested, &AtomTable::new()),
            Err(DecodeError::Truncated { .. })
        ));
    }

    #[test]
    fn nesting_costs_no_native_stack() {
        let mut lists = vec![131];
        let mut empty = vec![131];
        for _ in 0..1_000_000 {
            lists.extend([108, 0, 0, 0, 1]);
            empty.extend([108, 0, 0, 0, 0]);
        }
        lists.push(106);
        lists.extend([106; 1_000_000]);
        empty.push(106);
        let (term, used, _arena) = decoded(&lists).unwrap();
        assert_eq!(used, lists.len());
        let (again, _, _other_arena) = decoded(&lists).unwrap();
        assert!(exact_equal(term, again));
        assert_eq!(decoded(&empty).unwrap().0, Term::NIL);
    }

    #[test]
    fn maps_come_out_sorted_and_whole() {
        let unsorted = [131, 116, 0, 0, 0, 2, 97, 9, 97, 1, 97, 3, 97, 2];
        let (map, _, _arena) = decoded(&unsorted).unwrap();
        let pairs: Vec<_> = crate::map::iter(map).collect();
        let small = Term::small;
        assert_eq!(pairs, [(small(3), small(2)), (small(9), small(1))]);
        let twice = [131, 116, 0, 0, 0, 2, 97, 9, 97, 1, 97, 9, 97, 2];
        assert!(decoded(&twice).is_err());

        // A large map whose values are large maps.
        let mut inner = vec![116, 0, 0, 0, 100];
        for key in 0..100 {
            inner.extend([97, key, 97, 1]);
        }
        let mut outer = vec![131, 116, 0, 0, 0, 50];
        for key in 0..50 {
            outer.extend([97, key]);
            outer.extend(&inner);
        }
        let (map, _, _arena) = decoded(&outer).unwrap();
        assert_eq!(crate::map::size(map), 50);
        for (_, value) in crate::map::iter(map) {
            assert_eq!(crate::map::size(value), 100);
            assert_eq!(crate::map::get(value, small(42)), Some(small(1)));
        }
    }

    #[test]
    fn compressed_data_is_read_and_damage_is_seen() {
        // term_to_binary(lists:duplicate(100, 65), [compressed])
        let bytes = [
            131, 80, 0, 0, 0, 103, 120, 156, 203, 102, 72, 113, 164, 3, 0, 0, 85, 109, 26, 52,
        ];
        let bytes = bytes.as_slice();
        match decoded(bytes) {
            Ok((list, used, _arena)) => {
                assert_eq!(used, bytes.len());
                assert!(list.iter_list().all(|t| t == Term::small(65)));
                assert_eq!(list.iter_list().count(), 100);
            }
            Err(error) => panic!("{error}"),
        }
        for i in 2..bytes.len() {
            let mut damaged = bytes.to_vec();
            damaged[i] ^= 0x55;
            assert!(decoded(&damaged).is_err(), "{i}");
        }
    }

    #[test]
    fn safe_decoding_makes_no_atom() {
        let bytes = [131, 100, 0, 3, b'n', b'e', b'w'];
        let mut atoms = AtomTable::new();
        let before = atoms.len();
        let options = Options {
            safe: true,
            ..Options::default()
        };
        let mut arena = Parcel::new();
        let result = decode(&bytes, &mut atoms, &mut arena, &mut NoFuns, &options);
        assert_eq!(result, Err(DecodeError::UnknownAtom));
        assert_eq!(atoms.len(), before);
    }
}
