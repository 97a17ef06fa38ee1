//! The boot of a machine without OTP.
//!
//! A bare machine has its built-in functions and the modules that it was given. Its first process
//! makes the calls that `-s` and `-run` ask for, one after the other, from code that is made here; when it ends
//! abnormally the machine ends, in the words of OTP's `init`. When the last process has ended, so has
//! the machine, with status 0.

use super::{Arguments, FAILED, Flag, ModuleStore, refuse, refuse_for_addresses};
use crate::atom::am;
use crate::bif;
use crate::code::cache::NoCache;
use crate::fs::FileSystem;
use crate::machine::{Machine, Options};
use crate::memory::arena::Arena;
use crate::platform::{Platform, Stream};
use crate::process::MIN_HEAP_WORDS;
use crate::sched;
use crate::term::Term;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::ptr::NonNull;
use starling_loader::Op;
use starling_loader::isa::ALIGN;

/// Everything a machine is started with.
pub struct BootConfig {
    /// Flags as `erl` spells them, without the tool's own; see [`Flags::parse`].
    pub args: Vec<String>,
    /// The modules that were given with `-pa`, or that the image carries.
    pub modules: Box<dyn ModuleStore>,
    /// Directories and files.
    pub files: Box<dyn FileSystem>,
}

/// A call that the first process makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Module.
    pub module: String,
    /// Function.
    pub function: String,
    /// The one argument, a list, if arguments were given.
    pub arguments: Option<Vec<String>>,
    /// Whether the arguments are atoms (`-s`) or strings (`-run`).
    pub atoms: bool,
}

/// What the flags of a bare machine say.
#[derive(Clone, Debug, Default)]
pub struct Flags {
    /// What to call, in this order.
    pub calls: Vec<Call>,
    /// How the machine is to behave.
    pub options: Options,
    /// What programs may read.
    pub arguments: Arguments,
}

impl Flags {
    /// Reads the flags of a bare machine, as `erl` spells them: `-s M [F [A...]]`, `-run M [F [A...]]`, `-nobeam`, `-noshell`, `-noinput`,
    /// `-extra ...`, `--`, `+gcstress`. The error says what is wrong and what to do.
    pub fn parse(args: &[String]) -> Result<Flags, String> {
        let mut flags = Flags::default();
        let mut rest = args.iter().map(String::as_str).peekable();
        while let Some(flag) = rest.next() {
            let mut values = Vec::new();
            if matches!(flag, "-s" | "-run") {
                while let Some(value) = rest.next_if(|next| !is_flag(next)) {
                    values.push(value);
                }
            }
            match flag {
                "-s" | "-run" => {
                    let mut values = values.into_iter().map(String::from);
                    let Some(module) = values.next() else {
                        return Err(format!(
                            "{flag} needs the name of a module: {flag} Module [Function [Argument...]]"
                        ));
                    };
                    let function = values.next().unwrap_or_else(|| String::from("start"));
                    let arguments: Vec<String> = values.collect();
                    let arguments = if arguments.is_empty() {
                        None
                    } else {
                        Some(arguments)
                    };
                    flags.calls.push(Call {
                        module,
                        function,
                        arguments,
                        atoms: flag == "-s",
                    });
                }
                "-nobeam" => flags.options.no_beam = true,
                "+gcstress" => flags.options.collect_always = true,
                "+pausestress" => flags.options.pause_always = true,
                "-noshell" | "-noinput" => flags.arguments.flags.push(Flag {
                    name: String::from(&flag[1..]),
                    values: Vec::new(),
                }),
                "--" => {}
                "-extra" => flags.arguments.plain = rest.by_ref().map(String::from).collect(),
                _ => {
                    return Err(format!(
                        "{flag} is not a flag of a bare machine, which knows -s, -run, -nobeam, -noshell, -noinput, -extra, \
                         +gcstress and +pausestress; other flags of erl need OTP's init, which --bare leaves out"
                    ));
                }
            }
        }
        if flags.calls.is_empty() {
            return Err(String::from(
                "there is nothing to run: say what to call with -s Module [Function [Argument...]]",
            ));
        }
        Ok(flags)
    }
}

fn is_flag(word: &str) -> bool {
    word.starts_with('-') || word.starts_with('+')
}

/// Starts a machine without OTP and runs it to its end.
pub fn run_bare(mut platform: Box<dyn Platform>, config: BootConfig) -> ! {
    let flags = match Flags::parse(&config.args) {
        Ok(flags) => flags,
        Err(message) => refuse(&mut *platform, &message),
    };
    let options = Options {
        bare: true,
        ..flags.options
    };
    let machine = Machine::leak(
        platform,
        config.modules,
        Box::new(NoCache),
        config.files,
        options,
    )
    .unwrap_or_else(|platform| refuse_for_addresses(platform));
    machine.arguments = flags.arguments;
    machine
        .code
        .define_built_ins(&mut machine.atoms, bif::TABLES, true);
    if let Err(message) = start_first(machine, &flags.calls) {
        refuse(&mut *machine.platform, &message);
    }
    // SAFETY: the machine is never freed, and this function, which holds it, never goes on.
    unsafe { sched::run(NonNull::from(machine)) }
}

/// Makes the process that makes the calls.
fn start_first(machine: &mut Machine, calls: &[Call]) -> Result<(), String> {
    let full = || String::from("there is not enough memory to start the first process");
    let code = boot_code(machine, calls)?;
    let process = machine
        .processes
        .create(MIN_HEAP_WORDS)
        .map_err(|_| full())?;
    process.start(code, &[]).map_err(|_| full())?;
    let pid = process.pid;
    machine.processes.first = Some((pid, first_ended));
    machine.processes.wake(pid);
    Ok(())
}

/// The first process has ended: if not normally, so does the machine.
fn first_ended(machine: &mut Machine, reason: Term) {
    if reason != am::NORMAL.term() {
        let advice = advice_on_undef(machine, reason);
        // What OTP's init displays, and what it halts with.
        let reason = machine.text(reason);
        let displayed = format!("{{\"init terminating in do_boot\",{reason}}}\r\n");
        machine.console_write(Stream::Output, displayed.as_bytes());
        machine.report(&format!("init terminating in do_boot ({reason})"));
        if let Some(advice) = advice {
            machine.report(&advice);
        }
        machine.halt(FAILED);
    }
}

/// What to do when the reason is `{undef, [{Module, Function, Arguments, _} | _]}`: whoever mistypes a name in `-s` sees this.
fn advice_on_undef(machine: &Machine, reason: Term) -> Option<String> {
    let [kind, trace] = reason.as_tuple()? else {
        return None;
    };
    if *kind != am::UNDEF.term() {
        return None;
    }
    let called = trace.as_cons()?.head;
    let [module, function, arguments, _] = called.as_tuple()? else {
        return None;
    };
    let module = module.as_atom()?;
    let name = machine.text(module.term());
    if machine.code.is_loaded(module) {
        let function = machine.text(*function);
        let arity = arguments.iter_list().count();
        Some(format!(
            "starling: module {name} exports no {function}/{arity}; export it, or call another function"
        ))
    } else {
        Some(format!(
            "starling: module {name} could not be loaded; its .beam must be in a directory given with -pa, or baked into the image"
        ))
    }
}

/// Instructions that make `calls`: a frame without registers, and for each call its argument and the call.
fn boot_code(machine: &mut Machine, calls: &[Call]) -> Result<*const u8, String> {
    let mut code = Code::default();
    // The general forms of the operations: the last variant of each.
    let general = |op: Op| op.opcode(op.variants().len() - 1);
    code.instruction(
        general(Op::allocate),
        &[&0u16.to_le_bytes(), &0u16.to_le_bytes()],
    );
    for call in calls {
        let arity = call.arguments.is_some() as u8;
        let name = |machine: &mut Machine, text: &str| {
            machine
                .atoms
                .insert(text)
                .map_err(|_| format!("'{text}' is too long for an atom (255 characters)"))
        };
        let module = name(machine, &call.module)?;
        let function = name(machine, &call.function)?;
        if let Some(arguments) = &call.arguments {
            let list = argument_list(machine, arguments, call.atoms)?;
            code.instruction(
                general(Op::move_),
                &[&list.raw().to_le_bytes(), &0u16.to_le_bytes()],
            );
        }
        let export = machine.code.export(module, function, arity);
        let opcode = general(Op::call_ext);
        code.instruction(
            opcode,
            &[
                &(arity as u16).to_le_bytes(),
                &(export.as_ptr() as u64).to_le_bytes(),
            ],
        );
    }
    code.instruction(general(Op::deallocate), &[&0u16.to_le_bytes()]);
    code.instruction(general(Op::return_), &[]);
    Ok(code.leak())
}

/// The arguments of a call as a literal: a list of atoms or of strings.
fn argument_list(machine: &mut Machine, arguments: &[String], atoms: bool) -> Result<Term, String> {
    let Machine {
        literal_area,
        platform,
        atoms: table,
        ..
    } = machine;
    let mut arena = literal_area.writer(&mut **platform);
    let mut list = Term::NIL;
    for argument in arguments.iter().rev() {
        let element = if atoms {
            table
                .insert(argument)
                .map(Term::from)
                .map_err(|_| format!("'{argument}' is too long for an atom (255 characters)"))?
        } else {
            let mut string = Term::NIL;
            for character in argument.chars().rev() {
                string = arena
                    .cons(Term::small(character as i64), string)
                    .map_err(|_| String::from("out of memory"))?;
            }
            string
        };
        list = arena
            .cons(element, list)
            .map_err(|_| String::from("out of memory"))?;
    }
    Ok(list)
}

/// Code under construction.
#[derive(Default)]
struct Code {
    bytes: Vec<u8>,
}

impl Code {
    fn instruction(&mut self, opcode: u16, operands: &[&[u8]]) {
        self.bytes.extend_from_slice(&opcode.to_le_bytes());
        for operand in operands {
            self.bytes.extend_from_slice(operand);
        }
        self.bytes
            .resize(self.bytes.len().next_multiple_of(ALIGN), 0);
    }

    /// The address of the code, which lives as long as the machine.
    fn leak(self) -> *const u8 {
        let mut words: Vec<u64> = Vec::with_capacity(self.bytes.len().div_ceil(8));
        for chunk in self.bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            words.push(u64::from_le_bytes(word));
        }
        words.leak().as_ptr().cast()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Flags, String> {
        let args: Vec<String> = line.split_whitespace().map(String::from).collect();
        Flags::parse(&args)
    }

    #[test]
    fn calls_are_read_as_erl_reads_them() {
        let flags =
            parse("-noshell -s hello -s m f -run n g a b +gcstress +pausestress -extra -s x")
                .unwrap();
        assert!(
            flags.options.collect_always && flags.options.pause_always && !flags.options.no_beam
        );
        let call = |module: &str, function: &str, arguments: Option<&[&str]>, atoms| Call {
            module: module.into(),
            function: function.into(),
            arguments: arguments.map(|list| list.iter().map(|s| String::from(*s)).collect()),
            atoms,
        };
        assert_eq!(
            flags.calls,
            [
                call("hello", "start", None, true),
                call("m", "f", None, true),
                call("n", "g", Some(&["a", "b"]), false)
            ]
        );
        let noshell = Flag {
            name: "noshell".into(),
            values: Vec::new(),
        };
        assert_eq!(flags.arguments.flags, [noshell]);
        assert_eq!(flags.arguments.plain, ["-s", "x"]);
    }

    #[test]
    fn what_is_wrong_with_flags_is_said() {
        assert!(parse("").unwrap_err().contains("nothing to run"));
        assert!(parse("-s").unwrap_err().contains("name of a module"));
        assert!(parse("-eval halt().").unwrap_err().contains("-eval"));
        assert!(parse("-s a +hms 5").unwrap_err().contains("+hms"));
    }
}
