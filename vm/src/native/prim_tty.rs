//! `prim_tty`: the terminal, as OTP 26 and later talk to it.
//!
//! The module edits the line itself; from here it has keys and signals, the terminal's size and what it can do by the names of
//! termcap, and how wide characters are. (OTP: `prim_tty_nif.c`, `prim_tty.erl`.)

use super::{Library, native};
use crate::atom::am;
use crate::bif::{Context, Fail, Value};
use crate::bits::iolist::to_bytes;
use crate::bits::make::make_binary;
use crate::boot::options::BreakKey;
use crate::fs::errno::Errno;
use crate::map::{get, is_map};
use crate::memory::Arena;
use crate::memory::resource::{Handle, Resource};
use crate::platform::Stream;
use crate::platform::io::{Descriptor, Signal, SignalAction, TerminalMode};
use crate::port::select::{self, Select, Wanted};
use crate::process::reference::RefNumber;
use crate::term::{Atom, Term};
use crate::terminal::width::wcwidth;
use crate::terminal::{is_utf8, of_name};
use alloc::string::String;
use alloc::vec::Vec;

/// The library.
pub static LIBRARY: Library = Library {
    module: "prim_tty",
    functions: &[
        native("isatty", 1, isatty_1),
        native("tty_create", 0, tty_create_0),
        native("tty_init", 3, tty_init_3),
        native("tty_set", 1, tty_set_1),
        native("setlocale", 1, setlocale_1),
        native("tty_select", 3, tty_select_3),
        native("tty_window_size", 1, tty_window_size_1),
        native("tty_encoding", 1, tty_encoding_1),
        native("tty_read_signal", 2, tty_read_signal_2),
        native("write_nif", 2, write_2),
        native("read_nif", 2, read_2),
        native("isprint", 1, isprint_1),
        native("wcwidth", 1, wcwidth_1),
        native("wcswidth", 1, wcswidth_1),
        native("sizeof_wchar", 0, |_, _| Ok(Term::small(4))),
        native("tgetent_nif", 1, tgetent_1),
        native("tgetnum_nif", 1, tgetnum_1),
        native("tgetflag_nif", 1, tgetflag_1),
        native("tgetstr_nif", 1, tgetstr_1),
    ],
};

const INPUT: Descriptor = Descriptor(0);
const OUTPUT: Descriptor = Descriptor(1);
const ERROR: Descriptor = Descriptor(2);

/// Bytes that are read at once, at most.
const READ_BYTES: usize = 1024;

/// What a terminal's reference leads to. There is one terminal, but any number of these.
struct Tty {
    /// What `tty_set` is to make of the terminal.
    mode: TerminalMode,
}

impl Resource for Tty {}

fn is_tty(term: Term) -> bool {
    Handle::<Tty>::of(term).is_some()
}

fn error(cx: &mut Context, reason: Atom) -> Value {
    Ok(cx.tuple(&[am::ERROR.term(), reason.term()])?)
}

fn errno(cx: &mut Context, error_number: Errno) -> Value {
    let reason = cx.atoms().insert(error_number.name())?;
    error(cx, reason)
}

fn ok(cx: &mut Context, value: Term) -> Value {
    Ok(cx.tuple(&[am::OK.term(), value])?)
}

/// `isatty(stdin | stdout | stderr | Tty)`: a boolean, or `ebadf`.
fn isatty_1(cx: &mut Context, args: &[Term]) -> Value {
    let descriptor = match args[0].as_atom() {
        Some(am::STDIN) => INPUT,
        Some(am::STDOUT) => OUTPUT,
        Some(am::STDERR) => ERROR,
        Some(_) => return Ok(am::EBADF.term()),
        None if is_tty(args[0]) => INPUT,
        None => return Err(Fail::Badarg),
    };
    let is_terminal = cx.machine().platform.io().is_terminal(descriptor);
    Ok(Term::boolean(is_terminal))
}

/// `{ok, Tty}`
fn tty_create_0(cx: &mut Context, _: &[Term]) -> Value {
    let machine = cx.machine();
    let number = machine.processes.references.make();
    let mode = TerminalMode::Original;
    let tty = machine.resources.make(number, Tty { mode })?;
    let tty = tty.term(cx)?;
    ok(cx, tty)
}

/// `tty_init(Tty, stdout, #{canon => boolean(), echo => boolean(), ...})`: `ok`, or `{error, enotsup}` without a terminal.
fn tty_init_3(cx: &mut Context, args: &[Term]) -> Value {
    let handle = Handle::<Tty>::of(args[0]).ok_or(Fail::Badarg)?;
    if !is_map(args[2]) {
        return Err(Fail::Badarg);
    }
    if !cx.machine().platform.io().is_terminal(INPUT) {
        return error(cx, am::ENOTSUP);
    }
    let is_true = |key: Atom| get(args[2], key.term()) == Some(am::TRUE.term());
    let mode = TerminalMode::Keys {
        lines: is_true(am::CANON),
        echo: is_true(am::ECHO),
        interrupt: cx.machine().options.break_key != BreakKey::Interrupts,
    };
    handle.borrow().ok_or(Fail::Badarg)?.mode = mode;
    Ok(am::OK.term())
}

/// Makes the terminal as `tty_init` said: `ok` or `{error, Posix}`.
fn tty_set_1(cx: &mut Context, args: &[Term]) -> Value {
    let handle = Handle::<Tty>::of(args[0]).ok_or(Fail::Badarg)?;
    let mode = handle.borrow().ok_or(Fail::Badarg)?.mode;
    match cx.machine().platform.io().set_terminal(mode) {
        Ok(_) => Ok(am::OK.term()),
        Err(number) => errno(cx, number),
    }
}

/// Whether the locale's characters are UTF-8.
fn setlocale_1(cx: &mut Context, args: &[Term]) -> Value {
    if !is_tty(args[0]) {
        return Err(Fail::Badarg);
    }
    Ok(Term::boolean(is_utf8(cx.machine())))
}

/// Bytes are as they came: `utf8`.
fn tty_encoding_1(_: &mut Context, args: &[Term]) -> Value {
    if is_tty(args[0]) {
        Ok(am::UTF8.term())
    } else {
        Err(Fail::Badarg)
    }
}

fn wait(cx: &mut Context, tty: Term, reference: Term, wanted: Wanted) -> Result<(), Fail> {
    let handle = Handle::<Tty>::of(tty).ok_or(Fail::Badarg)?;
    let reference = RefNumber::of(reference).ok_or(Fail::Badarg)?;
    let select = Select {
        wanted,
        process: cx.process().pid,
        object: handle.any().clone(),
        reference,
    };
    Ok(select::start(cx.machine(), select)?)
}

/// `tty_select(Tty, SignalReference, ReadReference)`: from now on the caller is told of signals and keys.
fn tty_select_3(cx: &mut Context, args: &[Term]) -> Value {
    wait(cx, args[0], args[1], Wanted::Signals)?;
    wait(cx, args[0], args[2], Wanted::Input(INPUT))?;
    for signal in [Signal::WindowChange, Signal::Continue] {
        // A world without signals has none to tell.
        let io = cx.machine().platform.io();
        let _ = io.set_signal(signal, SignalAction::Report);
    }
    Ok(am::OK.term())
}

/// The signal that the message was about: `{ok, winch | cont}`. Waits for the next one.
fn tty_read_signal_2(cx: &mut Context, args: &[Term]) -> Value {
    wait(cx, args[0], args[1], Wanted::Signals)?;
    let signal = match cx.machine().ports.last_signal {
        Some(Signal::Continue) => am::CONT,
        _ => am::WINCH,
    };
    ok(cx, signal.term())
}

/// `{ok, {Columns, Rows}}`, or `{error, enotsup}` if the terminal does not say.
fn tty_window_size_1(cx: &mut Context, args: &[Term]) -> Value {
    if !is_tty(args[0]) {
        return Err(Fail::Badarg);
    }
    match cx.machine().platform.io().window_size(OUTPUT) {
        Some(size) => {
            let size = [size.columns, size.rows].map(|count| Term::small(count.into()));
            let size = cx.tuple(&size)?;
            ok(cx, size)
        }
        None => error(cx, am::ENOTSUP),
    }
}

/// `write_nif(Tty, [Binary])`: `ok`.
fn write_2(cx: &mut Context, args: &[Term]) -> Value {
    if !is_tty(args[0]) {
        return Err(Fail::Badarg);
    }
    let bytes = to_bytes(args[1])?;
    cx.machine().platform.console_write(Stream::Output, &bytes);
    Ok(am::OK.term())
}

/// `read_nif(Tty, Reference)`: `{ok, Bytes}`, of which there may be none, or `{error, closed}` at the end. Waits for more.
fn read_2(cx: &mut Context, args: &[Term]) -> Value {
    let mut bytes = [0; READ_BYTES];
    let read = cx.machine().platform.io().read(INPUT, &mut bytes);
    let length = match read {
        Ok(0) => return error(cx, am::CLOSED),
        Ok(length) => length,
        Err(Errno::EAGAIN | Errno::EINTR) => 0,
        Err(number) => return errno(cx, number),
    };
    wait(cx, args[0], args[1], Wanted::Input(INPUT))?;
    let bytes = make_binary(cx, &bytes[..length])?;
    ok(cx, bytes)
}

fn character(term: Term) -> Result<Option<char>, Fail> {
    let number = term.as_small().ok_or(Fail::Badarg)?;
    Ok(u32::try_from(number).ok().and_then(char::from_u32))
}

/// Whether a character can be shown.
fn isprint_1(_: &mut Context, args: &[Term]) -> Value {
    let width = character(args[0])?.and_then(wcwidth);
    Ok(Term::boolean(width.is_some_and(|width| width > 0)))
}

/// How many cells a character takes, or `{error, not_printable}`.
fn wcwidth_1(cx: &mut Context, args: &[Term]) -> Value {
    match character(args[0])?.and_then(wcwidth) {
        Some(width) => Ok(Term::small(width as i64)),
        None => error(cx, am::NOT_PRINTABLE),
    }
}

/// How many cells characters take together; they come as a binary of 32-bit numbers in the machine's byte order.
fn wcswidth_1(cx: &mut Context, args: &[Term]) -> Value {
    let bytes = to_bytes(args[0])?;
    let mut sum = 0;
    for number in bytes.chunks_exact(4) {
        let number = u32::from_ne_bytes([number[0], number[1], number[2], number[3]]);
        match char::from_u32(number).and_then(wcwidth) {
            Some(width) => sum += width as i64,
            None => return error(cx, am::NOT_PRINTABLE),
        }
    }
    Ok(Term::small(sum))
}

/// A name that ends in a NUL, as `prim_tty` passes all of them.
fn name(term: Term) -> Result<String, Fail> {
    let mut bytes: Vec<u8> = to_bytes(term)?;
    let length = bytes
        .iter()
        .position(|&byte| byte == 0)
        .ok_or(Fail::Badarg)?;
    bytes.truncate(length);
    String::from_utf8(bytes).map_err(|_| Fail::Badarg)
}

/// The terminal of that name is asked from now on: `ok`, or `{error, Reason}` if nobody knows it.
fn tgetent_1(cx: &mut Context, args: &[Term]) -> Value {
    let name = name(args[0])?;
    let machine = cx.machine();
    machine.capabilities = of_name(machine, &name);
    match machine.capabilities {
        Some(_) => Ok(am::OK.term()),
        None => error(cx, am::ENOTSUP),
    }
}

/// `{ok, Number}` or `false`.
fn tgetnum_1(cx: &mut Context, args: &[Term]) -> Value {
    let name = name(args[0])?;
    let capabilities = &cx.machine().capabilities;
    match capabilities.as_ref().and_then(|all| all.number(&name)) {
        Some(number) => ok(cx, Term::small(number.into())),
        None => Ok(am::FALSE.term()),
    }
}

/// A boolean.
fn tgetflag_1(cx: &mut Context, args: &[Term]) -> Value {
    let name = name(args[0])?;
    let capabilities = &cx.machine().capabilities;
    let has = capabilities.as_ref().is_some_and(|all| all.flag(&name));
    Ok(Term::boolean(has))
}

/// `{ok, String}` or `false`.
fn tgetstr_1(cx: &mut Context, args: &[Term]) -> Value {
    let name = name(args[0])?;
    let (machine, heap) = cx.machine_and_heap();
    let capabilities = machine.capabilities.as_ref();
    match capabilities.and_then(|all| all.string(&name)) {
        Some(string) => {
            let string = make_binary(heap, &string)?;
            Ok(heap.tuple(&[am::OK.term(), string])?)
        }
        None => Ok(am::FALSE.term()),
    }
}
