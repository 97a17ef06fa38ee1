//! From `.beam` to ling.
//!
//! One pass over the generic instructions. Most are in the table of [`direct`]; the others
//! have a place by topic: [`builtins`] (guards and arithmetic), [`select`], [`binaries`],
//! [`tuples`]; what the rest needs is here. Instructions that only carry facts (labels,
//! lines, on_load) go into tables. Invariant: what [`convert_beam`] returns has passed the
//! same validation as any `.ling` file.

mod binaries;
mod builtins;
mod direct;
mod emit;
mod integers;
mod older;
mod select;
mod tuples;

use alloc::borrow::Cow;
use alloc::format;
use alloc::vec::Vec;

use crate::beam::Beam;
use crate::beam::code::{Arg, Instruction, Instructions};
use crate::beam::iff;
use crate::error::{LoadError, Problem};
use crate::exits;
use crate::isa::FUN_WORDS;
use crate::ling::{Contents, Location, Module, Section};
use crate::opcode::Generic;
use crate::operation::{Kind, Op};
use crate::pace::Pace;
use emit::{Emitter, NIL, Operand, is_small, small};

/// The operation that a generic instruction becomes whatever stands around it and whatever its operands are; `None` if there is no
/// such, since it depends on them, or nothing is left of it, or it is refused.
pub fn one_operation(opcode: Generic) -> Option<Op> {
    direct::lookup(opcode).map(|(op, _)| op)
}

/// Converts a `.beam` file, compressed or not, to the bytes of a `.ling` file.
pub fn convert_beam(file: &[u8]) -> Result<Vec<u8>, LoadError> {
    convert_beam_in_pieces(file, &mut Pace::unbroken())
}

/// As [`convert_beam`], with pauses.
pub fn convert_beam_in_pieces(file: &[u8], pace: &mut Pace<'_>) -> Result<Vec<u8>, LoadError> {
    if !iff::is_beam(file) {
        return Err(Problem::UnknownFormat.into());
    }
    let form = iff::decompress(file, pace)?;
    let beam = Beam::parse(&form, pace)?;
    convert(&beam, pace).map_err(|error| beam.name_in(error))
}

fn convert(beam: &Beam<'_>, pace: &mut Pace<'_>) -> Result<Vec<u8>, LoadError> {
    let mut instructions = Instructions::new(
        beam.code,
        beam.atoms.texts().len() as u32,
        beam.literals.len() as u32,
    )?;
    let mut converter = Converter::new(beam, instructions.labels)?;
    let mut instruction = Instruction::new();
    while instructions.next(&mut instruction)? {
        let at = instruction.at;
        converter.instruction(&mut instruction, &mut instructions)?;
        pace.did(instructions.position() - at)?;
    }
    let ling = converter.finish(pace)?;
    Module::parse_in_pieces(&ling, pace)?;
    Ok(ling)
}

/// A function as func_info announced it.
struct Function {
    name: u32,
    arity: u32,
    func_info: u32,
    entry: u32,
}

/// State of a conversion.
struct Converter<'b, 'a> {
    beam: &'b Beam<'a>,
    emitter: Emitter,
    /// What each import is, if the machine has an operation for it.
    builtins: Vec<Option<builtins::Builtin>>,
    /// Atoms beyond the file's.
    more_atoms: Vec<&'static str>,
    /// Literals beyond the file's: big integers that were operands.
    more_literals: Vec<Vec<u8>>,
    functions: Vec<Function>,
    /// From which code offset on which location holds.
    lines: Vec<(u32, Location)>,
    /// Where the last line instruction stood.
    line_at: Option<u32>,
    on_load: Option<u32>,
    /// Kept for its capacity.
    elements: Vec<Operand<'static>>,
}

/// Bytes of ling per byte of generic code, about; saves growing the buffer.
const EXPANSION: usize = 5;

/// The work of an entry of a table, in bytes of generic code.
const TABLE_WORK: usize = 1;

impl<'b, 'a> Converter<'b, 'a> {
    fn new(beam: &'b Beam<'a>, labels: u32) -> Result<Self, LoadError> {
        Ok(Converter {
            beam,
            emitter: Emitter::new(labels, EXPANSION * beam.code.len())?,
            builtins: builtins::of_imports(beam)?,
            more_atoms: Vec::new(),
            more_literals: Vec::new(),
            functions: Vec::new(),
            lines: Vec::new(),
            line_at: None,
            on_load: None,
            elements: Vec::new(),
        })
    }

    /// Converts one instruction, and those behind it that belong to it.
    fn instruction(
        &mut self,
        instruction: &mut Instruction<'a>,
        rest: &mut Instructions<'a>,
    ) -> Result<(), LoadError> {
        if let Some((op, order)) = direct::lookup(instruction.opcode) {
            return self.direct(instruction, op, order);
        }
        match instruction.opcode {
            Generic::Label => self.place_label(instruction, rest),
            Generic::FuncInfo => self.func_info(instruction),
            Generic::CallExtLast | Generic::CallExtOnly => self.tail_call_ext(instruction),
            Generic::CallFun | Generic::CallFun2 => self.call_fun(instruction, rest),
            Generic::Line => self.line(instruction),
            // For coverage and debuggers; OTP's loader drops them too unless asked.
            Generic::ExecutableLine | Generic::DebugLine | Generic::NifStart => Ok(()),
            // Floating point errors are found by the operations, receive marks are hints.
            Generic::Fclearerror | Generic::Fcheckerror | Generic::RecvMark | Generic::RecvSet => {
                Ok(())
            }
            Generic::OnLoad => match self.functions.last() {
                Some(function) => {
                    self.on_load = Some(function.entry);
                    Ok(())
                }
                None => Err(instruction.damaged("outside of any function")),
            },
            Generic::AllocateHeap | Generic::AllocateHeapZero => {
                let words = heap_words(instruction, 1)?;
                let operands = [
                    Operand::Number(instruction.number(0)?),
                    words,
                    Operand::Number(instruction.number(2)?),
                ];
                self.emit(instruction, Op::allocate_heap, &operands)
            }
            Generic::TestHeap => {
                let operands = [
                    heap_words(instruction, 0)?,
                    Operand::Number(instruction.number(1)?),
                ];
                self.emit(instruction, Op::test_heap, &operands)
            }
            Generic::Init => {
                let register = [self.operand(instruction, 0)?];
                self.emit(instruction, Op::init_yregs, &[Operand::List(&register)])
            }
            Generic::Fmove => {
                let operands = [self.operand(instruction, 0)?, self.operand(instruction, 1)?];
                let op = match operands[0] {
                    Operand::FloatRegister(_) => Op::float_store,
                    _ => Op::float_load,
                };
                self.emit(instruction, op, &operands)
            }
            Generic::MakeFun2 => self.make_fun2(instruction),
            Generic::Bif0
            | Generic::Bif1
            | Generic::Bif2
            | Generic::GcBif1
            | Generic::GcBif2
            | Generic::GcBif3 => self.builtin(instruction),
            Generic::SelectVal => self.select_val(instruction),
            Generic::SelectTupleArity => self.select_tuple_arity(instruction),
            Generic::UpdateRecord => self.update_record(instruction),
            Generic::PutTuple => self.put_tuple(instruction, rest),
            Generic::BsInit2
            | Generic::BsInitBits
            | Generic::BsAppend
            | Generic::BsPrivateAppend => self.build_binary(instruction, rest),
            Generic::BsStartMatch4
            | Generic::BsGetInteger2
            | Generic::BsGetFloat2
            | Generic::BsGetBinary2
            | Generic::BsGetUtf16
            | Generic::BsGetUtf32
            | Generic::BsSkipUtf16
            | Generic::BsSkipUtf32
            | Generic::BsTestTail2
            | Generic::BsMatch
            | Generic::BsCreateBin => self.binary(instruction),
            _ => Err(instruction
                .unsupported("only compilers before OTP 25 wrote it; compile the module again")),
        }
    }

    fn place_label(
        &mut self,
        instruction: &Instruction<'a>,
        rest: &Instructions<'a>,
    ) -> Result<(), LoadError> {
        let number = instruction.number(0)?;
        let label = u32::try_from(number).unwrap_or(u32::MAX);
        let defined = match rest.next_opcode() {
            Some(Generic::TryCase) => self.emitter.define_handler(label),
            _ => self.emitter.define(label),
        };
        defined.map_err(|what| instruction.damaged(format_args!("label {number}: {what}")))
    }

    fn direct(
        &mut self,
        instruction: &Instruction<'a>,
        op: Op,
        order: &[u8],
    ) -> Result<(), LoadError> {
        let mut elements = core::mem::take(&mut self.elements);
        let result = self.direct_with(instruction, op, order, &mut elements);
        elements.clear();
        self.elements = elements;
        result
    }

    fn direct_with(
        &mut self,
        instruction: &Instruction<'a>,
        op: Op,
        order: &[u8],
        elements: &mut Vec<Operand<'static>>,
    ) -> Result<(), LoadError> {
        // The machine's frames are filled when they are made.
        let new_frame = matches!(self.emitter.last(), Some(Op::allocate | Op::allocate_heap));
        if op == Op::init_yregs && new_frame {
            return Ok(());
        }
        let mut operands = [Operand::Number(0); 8];
        let mut list = None;
        for (place, arg) in order.iter().enumerate() {
            if let Some(Arg::List { .. }) = instruction.args.get(*arg as usize) {
                self.list(instruction, *arg as usize, elements)?;
                list = Some(place);
            } else {
                operands[place] = self.operand(instruction, *arg as usize)?;
            }
        }
        let short = match elements.len() {
            2 => Some(Op::put_pair),
            3 => Some(Op::put_triple),
            4 => Some(Op::put_quadruple),
            _ => None,
        };
        if let (Op::put_tuple2, Some(short)) = (op, short) {
            let end = 1 + elements.len();
            operands[1..end].copy_from_slice(elements);
            return self.emit(instruction, short, &operands[..end]);
        }
        // Borrowed only here, once the elements are all there.
        if let Some(place) = list {
            operands[place] = Operand::List(elements);
        }
        self.emit(instruction, op, &operands[..order.len()])
    }

    /// Emits, with errors that name the generic instruction.
    fn emit(
        &mut self,
        instruction: &Instruction<'a>,
        op: Op,
        operands: &[Operand<'_>],
    ) -> Result<(), LoadError> {
        let general = op.variants().last().copied().unwrap_or_default();
        for (kind, operand) in general.iter().zip(operands) {
            if *kind == Kind::F && matches!(operand, Operand::Label(0)) && !op.label_is_optional() {
                return Err(instruction.damaged("the label is missing"));
            }
        }
        if let Some(live) = binaries::live_operand(op) {
            return self.emit_with_live_sources(instruction, op, operands, live);
        }
        self.emit_as_given(instruction, op, operands)
    }

    fn emit_as_given(
        &mut self,
        instruction: &Instruction<'a>,
        op: Op,
        operands: &[Operand<'_>],
    ) -> Result<(), LoadError> {
        self.emitter
            .emit(op, operands)
            .map_err(|error| match error.problem {
                Problem::Damaged { what, .. } => instruction.damaged(what),
                problem => problem.into(),
            })
    }

    /// An operand of a generic instruction, unless it is a list.
    fn operand(
        &mut self,
        instruction: &Instruction<'a>,
        arg: usize,
    ) -> Result<Operand<'static>, LoadError> {
        match instruction.args.get(arg) {
            Some(arg) => self.operand_of(instruction, *arg),
            None => Err(instruction.damaged("an operand is missing")),
        }
    }

    fn operand_of(
        &mut self,
        instruction: &Instruction<'a>,
        arg: Arg<'a>,
    ) -> Result<Operand<'static>, LoadError> {
        Ok(match arg {
            Arg::Number(number) => Operand::Number(number),
            Arg::Integer(integer) if is_small(integer) => small(integer),
            Arg::Integer(integer) => self.big_integer(&integer.to_be_bytes())?,
            Arg::BigInteger(bytes) => self.big_integer(bytes)?,
            Arg::Atom(atom) => Operand::Atom(atom),
            Arg::Nil => Operand::Immediate(NIL),
            Arg::X(index) => Operand::X(index),
            Arg::Y(index) => Operand::Y(index),
            Arg::FloatRegister(index) => Operand::FloatRegister(index),
            Arg::Label(label) => Operand::Label(label),
            Arg::Literal(literal) => Operand::Literal(literal),
            Arg::List { .. } | Arg::Allocation { .. } => {
                return Err(instruction.damaged("a list where a single operand is expected"));
            }
        })
    }

    /// The elements of a list operand.
    fn list(
        &mut self,
        instruction: &Instruction<'a>,
        arg: usize,
        into: &mut Vec<Operand<'static>>,
    ) -> Result<(), LoadError> {
        let elements = instruction.list(arg)?;
        into.try_reserve(elements.len())?;
        for element in elements {
            into.push(self.operand_of(instruction, *element)?);
        }
        Ok(())
    }

    /// An atom that the file may not have.
    fn atom(&mut self, text: &'static str) -> Result<Operand<'static>, LoadError> {
        let texts = self.beam.atoms.texts();
        if let Some(index) = texts.iter().position(|known| known == text) {
            return Ok(Operand::Atom(index as u32));
        }
        let more = self.more_atoms.iter().position(|known| *known == text);
        let index = match more {
            Some(index) => index,
            None => {
                self.more_atoms.try_reserve(1)?;
                self.more_atoms.push(text);
                self.more_atoms.len() - 1
            }
        };
        Ok(Operand::Atom((texts.len() + index) as u32))
    }

    /// A literal for an integer of more than 60 bits.
    fn big_integer(&mut self, big_endian: &[u8]) -> Result<Operand<'static>, LoadError> {
        let literal = self.beam.literals.len() + self.more_literals.len();
        self.more_literals.try_reserve(1)?;
        self.more_literals.push(integers::external(big_endian)?);
        Ok(Operand::Literal(literal as u32))
    }

    fn func_info(&mut self, instruction: &Instruction<'a>) -> Result<(), LoadError> {
        let (Some(Arg::Atom(_)), Some(Arg::Atom(name)), Ok(arity @ 0..=255)) = (
            instruction.args.first(),
            instruction.args.get(1),
            instruction.number(2),
        ) else {
            return Err(instruction.damaged("not a module, a function and an arity"));
        };
        let func_info = self.emitter.offset();
        // Lines of the function before do not reach into this one.
        if self.line_at != Some(func_info) {
            self.location(Location::UNKNOWN)?;
        }
        let operands = [
            self.operand(instruction, 0)?,
            Operand::Atom(*name),
            Operand::Number(arity),
        ];
        self.emit(instruction, Op::func_info, &operands)?;
        self.functions.try_reserve(1)?;
        self.functions.push(Function {
            name: *name,
            arity: arity as u32,
            func_info,
            entry: self.emitter.offset(),
        });
        Ok(())
    }

    /// A tail call, unless the function never returns: then there may be a frame of any
    /// size, whatever the instruction says ([`crate::exits`]), and it stays.
    fn tail_call_ext(&mut self, instruction: &Instruction<'a>) -> Result<(), LoadError> {
        let index = instruction.number(1)?;
        let never_returns = self.beam.imports.get(index as usize).is_some_and(|import| {
            let atoms = &self.beam.atoms;
            exits::never_returns(
                atoms.text(import.module),
                atoms.text(import.function),
                import.arity,
            )
        });
        let call = [
            Operand::Number(instruction.number(0)?),
            Operand::Number(index),
        ];
        match instruction.opcode {
            _ if never_returns => self.emit(instruction, Op::call_ext, &call),
            Generic::CallExtOnly => self.emit(instruction, Op::call_ext_only, &call),
            _ => {
                let frame = Operand::Number(instruction.number(2)?);
                self.emit(instruction, Op::call_ext_last, &[call[0], call[1], frame])
            }
        }
    }

    /// A call of a fun. There is no generic instruction for one in a tail: there, deallocate
    /// and return follow, and the three become one.
    fn call_fun(
        &mut self,
        instruction: &mut Instruction<'a>,
        rest: &mut Instructions<'a>,
    ) -> Result<(), LoadError> {
        // call_fun2: tag, arity, fun
        let (body, tail, arity, fun) = match instruction.opcode {
            Generic::CallFun => (Op::call_fun, Op::call_fun_last, 0, None),
            _ => {
                let fun = self.operand(instruction, 2)?;
                (Op::call_fun2, Op::call_fun2_last, 1, Some(fun))
            }
        };
        let arity = Operand::Number(instruction.number(arity)?);
        let frame = rest.next_frame_to_return_from();
        let operands = [arity].into_iter().chain(fun);
        let operands: Vec<_> = operands.chain(frame.map(Operand::Number)).collect();
        if frame.is_none() {
            return self.emit(instruction, body, &operands);
        }
        self.emit(instruction, tail, &operands)?;
        rest.next(instruction)?;
        rest.next(instruction)?;
        Ok(())
    }

    fn line(&mut self, instruction: &Instruction<'a>) -> Result<(), LoadError> {
        let item = instruction.number(0)?;
        let location = match item.checked_sub(1) {
            None => Location::UNKNOWN,
            // Without a Line chunk, items mean nothing.
            Some(_) if self.beam.lines.items.is_empty() => Location::UNKNOWN,
            Some(index) => match self.beam.lines.items.get(index as usize) {
                Some(location) => *location,
                None => {
                    return Err(instruction.damaged(format_args!("there is no line item {item}")));
                }
            },
        };
        self.line_at = Some(self.emitter.offset());
        self.location(location)
    }

    /// From here on, `location` holds.
    fn location(&mut self, location: Location) -> Result<(), LoadError> {
        let offset = self.emitter.offset();
        if self.lines.last().is_some_and(|line| line.0 == offset) {
            self.lines.pop();
        }
        if self.lines.last().map_or(Location::UNKNOWN, |line| line.1) != location {
            self.lines.try_reserve(1)?;
            self.lines.push((offset, location));
        }
        Ok(())
    }

    /// make_fun2: free variables are in the first X registers, the fun goes to X0.
    fn make_fun2(&mut self, instruction: &Instruction<'a>) -> Result<(), LoadError> {
        let index = instruction.number(0)?;
        let Some(lambda) = self.beam.lambdas.get(index as usize) else {
            return Err(instruction.damaged(format_args!("there is no fun {index}")));
        };
        let free: Vec<_> = (0..lambda.num_free as u16).map(Operand::X).collect();
        let operands = [Operand::Number(index), Operand::X(0), Operand::List(&free)];
        self.emit(instruction, Op::make_fun3, &operands)
    }

    /// Builds the file.
    fn finish(mut self, pace: &mut Pace<'_>) -> Result<Vec<u8>, LoadError> {
        // Code that could run off its end gets something to run into.
        if !self.emitter.last().is_some_and(Op::is_end) {
            self.emitter.emit(Op::if_end, &[])?;
        }
        self.emitter.resolve(pace)?;
        let beam = self.beam;
        let mut contents = Contents::new(beam.md5);
        for text in beam.atoms.texts() {
            contents.append_indexed(Section::AtomIndex, Section::AtomText, text.as_bytes())?;
            pace.did(TABLE_WORK)?;
        }
        for text in &self.more_atoms {
            contents.append_indexed(Section::AtomIndex, Section::AtomText, text.as_bytes())?;
        }
        for import in &beam.imports {
            contents.append_entry(
                Section::Imports,
                &[import.module, import.function, import.arity],
            )?;
            pace.did(TABLE_WORK)?;
        }
        let mut exports = Vec::new();
        exports.try_reserve_exact(beam.exports.len())?;
        for export in &beam.exports {
            exports.push((
                self.entry(export.label, "ExpT")?,
                export.function,
                export.arity,
            ));
            pace.did(TABLE_WORK)?;
        }
        exports.sort_unstable();
        for (entry, function, arity) in exports {
            contents.append_entry(Section::Exports, &[function, arity, entry])?;
            pace.did(TABLE_WORK)?;
        }
        for function in &self.functions {
            let fields = [
                function.name,
                function.arity,
                function.entry,
                function.func_info,
            ];
            contents.append_entry(Section::Functions, &fields)?;
            pace.did(TABLE_WORK)?;
        }
        for lambda in &beam.lambdas {
            let entry = self.entry(lambda.body.label, "FunT")?;
            let body = lambda.body;
            contents.append_entry(
                Section::Funs,
                &[
                    body.function,
                    body.arity,
                    entry,
                    lambda.index,
                    lambda.num_free,
                    lambda.old_uniq,
                ],
            )?;
            pace.did(TABLE_WORK)?;
        }
        let more = self.more_literals.iter().map(|literal| &literal[..]);
        for literal in beam.literals.iter().chain(more) {
            contents.append_indexed(Section::LiteralIndex, Section::LiteralBytes, literal)?;
            pace.did(TABLE_WORK)?;
        }
        contents.append(Section::Strings, beam.strings)?;
        for (offset, location) in &self.lines {
            contents.append_entry(Section::Lines, &[*offset, location.bits()])?;
            pace.did(TABLE_WORK)?;
        }
        let own_file = format!("{}.erl", beam.atoms.module());
        let files = core::iter::once(own_file.as_str()).chain(beam.lines.files.iter().copied());
        for file in files {
            contents.append_indexed(Section::FileIndex, Section::FileText, file.as_bytes())?;
        }
        contents.append(Section::Attributes, beam.attributes)?;
        contents.append(Section::CompileInfo, beam.compile_info)?;
        contents.set_x_registers(self.emitter.x_registers);
        if let Some(entry) = self.on_load {
            contents.set_on_load(entry);
        }
        contents.relocations = core::mem::take(&mut self.emitter.relocations);
        contents.set_code(core::mem::take(&mut self.emitter.code));
        contents.write_in_pieces(pace)
    }

    /// Offset of a function's entry by its label.
    fn entry(&self, label: u32, place: &'static str) -> Result<u32, LoadError> {
        self.emitter.label(label).ok_or_else(|| {
            LoadError::damaged(
                place,
                0,
                Cow::Owned(format!("label {label} is not in the code")),
            )
        })
    }
}

/// The heap need of an instruction, in words.
fn heap_words(instruction: &Instruction<'_>, arg: usize) -> Result<Operand<'static>, LoadError> {
    const FLOAT_WORDS: u64 = 2;
    match instruction.args.get(arg) {
        Some(Arg::Number(words)) => Ok(Operand::Number(*words)),
        Some(Arg::Allocation {
            words,
            floats,
            funs,
        }) => {
            let floats = floats.saturating_mul(FLOAT_WORDS);
            let funs = funs.saturating_mul(FUN_WORDS);
            Ok(Operand::Number(
                words.saturating_add(floats).saturating_add(funs),
            ))
        }
        _ => Err(instruction.damaged(format!("operand {} is not a heap need", arg + 1))),
    }
}
