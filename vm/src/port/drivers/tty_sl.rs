//! `tty_sl`: the terminal, as OTP 25's `user_drv` talks to it.
//!
//! What is typed comes key by key. What goes out are operations on the line that is being edited, a byte each and its operand: see
//! [`Operation`]. `port_control/3` tells and changes what [`Control`] lists. (OTP: `ttsl_drv.c`, `user_drv.erl`.)
//!
//! Opening it fails when there is no terminal, or one that cannot move its cursor: `user_drv` starts a plain
//! `user` then.

use crate::atom::am;
use crate::boot::options::BreakKey;
use crate::fs::errno::Errno;
use crate::memory::{Arena, NoMemory};
use crate::platform::io::{Descriptor, Interest, Signal, SignalAction, TerminalMode};
use crate::port::driver::{ControlAnswer, Driver, Handle, Unsupported};
use crate::port::open::{OpenError, Options};
use crate::port::stream::{Input, Stream};
use crate::process::try_box;
use crate::term::Term;
use crate::terminal::line::Line;
use crate::terminal::{self, DEFAULT_COLUMNS};
use alloc::boxed::Box;
use alloc::vec::Vec;

/// Where keys come from.
const KEYS: Descriptor = Descriptor(0);
/// Where the line is shown.
const SCREEN: Descriptor = Descriptor(1);

/// What a command begins with.
struct Operation;

impl Operation {
    /// Writes characters (UTF-8) over what is there.
    const PUT: u8 = 0;
    /// Moves the cursor by a signed 16-bit number of characters.
    const MOVE: u8 = 1;
    /// Inserts characters.
    const INSERT: u8 = 2;
    /// Deletes as many characters, before the cursor if the number is negative.
    const DELETE: u8 = 3;
    /// Rings the bell.
    const BEEP: u8 = 4;
    /// As [`Operation::PUT`]; the owner gets `{Port, ok}` when it is done.
    const PUT_SYNC: u8 = 5;
}

/// Operations of `port_control/3`.
struct Control;

impl Control {
    /// What all of them have in common, so that other drivers refuse them.
    const MAGIC: u32 = 0x018b_0900;
    /// Columns and rows, each a 32-bit number of the machine's byte order.
    const WINDOW_SIZE: u32 = Control::MAGIC + 100;
    /// A byte: whether characters are UTF-8.
    const UNICODE: u32 = Control::MAGIC + 101;
    /// Changes that; the byte before.
    const SET_UNICODE: u32 = Control::MAGIC + 102;
}

/// A port on the terminal.
struct TtySl {
    stream: Stream,
    line: Line,
    /// How the terminal is to treat what is typed.
    mode: TerminalMode,
}

/// Makes the driver. `command` is `tty_sl`, and `-c` and `-e` for a terminal that neither collects lines nor echoes.
pub fn open(
    at: &mut Handle,
    command: &[u8],
    options: &Options,
) -> Result<Box<dyn Driver>, OpenError> {
    let is_terminal = at.io().is_terminal(KEYS) && at.io().is_terminal(SCREEN);
    if !is_terminal || terminal::of_environment(at.machine).is_none() {
        return Err(OpenError::Posix(Errno::EINVAL));
    }
    let has = |flag: &[u8]| command.split(|byte| *byte == b' ').any(|word| word == flag);
    let mode = TerminalMode::Keys {
        lines: !has(b"-c"),
        echo: !has(b"-e"),
        interrupt: at.machine.options.break_key != BreakKey::Interrupts,
    };
    at.io().set_terminal(mode).map_err(OpenError::Posix)?;
    let unicode = terminal::is_utf8(at.machine);
    let columns = at.io().window_size(SCREEN).map(|size| size.columns);
    let stream = Stream::new(Some(KEYS), Some(SCREEN), options.framing, options.limits);
    stream.start(at);
    for signal in [Signal::WindowChange, Signal::Continue] {
        // A world without signals has none to tell.
        let _ = at.io().set_signal(signal, SignalAction::Report);
    }
    let line = Line::new(columns.unwrap_or(DEFAULT_COLUMNS) as usize, unicode);
    let driver = try_box(TtySl { stream, line, mode });
    Ok(driver.map_err(|NoMemory| OpenError::Posix(Errno::ENOMEM))?)
}

impl TtySl {
    fn operate(&mut self, operation: u8, operand: &[u8]) -> Result<Vec<u8>, NoMemory> {
        let mut out = Vec::new();
        let characters = || {
            operand
                .utf8_chunks()
                .flat_map(|chunk| chunk.valid().chars())
        };
        let number = || match operand {
            [high, low, ..] => i16::from_be_bytes([*high, *low]) as isize,
            _ => 0,
        };
        match operation {
            Operation::PUT | Operation::PUT_SYNC => self.line.put(characters(), &mut out)?,
            Operation::INSERT => self.line.insert(characters(), &mut out)?,
            Operation::MOVE => self.line.step(number(), &mut out)?,
            Operation::DELETE => self.line.delete(number(), &mut out)?,
            Operation::BEEP => out.push(b'\x07'),
            _ => {}
        }
        Ok(out)
    }
}

impl Driver for TtySl {
    fn command(&mut self, at: &mut Handle, data: Vec<u8>) {
        let Some((&operation, operand)) = data.split_first() else {
            return;
        };
        match self.operate(operation, operand) {
            Ok(out) if out.is_empty() => {}
            Ok(out) => self.stream.command(at, out),
            Err(NoMemory) => return at.fail(Errno::ENOMEM),
        }
        if operation == Operation::PUT_SYNC {
            let (port, owner) = (at.port, at.owner());
            at.send(owner, |heap| heap.tuple(&[port, am::OK.term()]));
        }
    }

    fn control(
        &mut self,
        at: &mut Handle,
        _caller: Term,
        operation: u32,
        data: &[u8],
    ) -> Result<ControlAnswer, Unsupported> {
        match operation {
            Control::WINDOW_SIZE => {
                let size = at.io().window_size(SCREEN).ok_or(Unsupported)?;
                let mut answer = ControlAnswer::from_slice(&size.columns.to_ne_bytes());
                answer.extend_from_slice(&size.rows.to_ne_bytes());
                Ok(answer)
            }
            Control::UNICODE => Ok(ControlAnswer::from_slice(&[u8::from(self.line.unicode())])),
            Control::SET_UNICODE => {
                let before = self.line.unicode();
                let [unicode] = data else {
                    return Err(Unsupported);
                };
                self.line.set_unicode(*unicode != 0);
                Ok(ControlAnswer::from_slice(&[u8::from(before)]))
            }
            _ => Err(Unsupported),
        }
    }

    fn ready(&mut self, at: &mut Handle, descriptor: Descriptor, ready: Interest) {
        if self.stream.ready(at, descriptor, ready) == Input::End {
            at.end_of_input();
        }
    }

    fn signal(&mut self, at: &mut Handle, signal: Signal) {
        match signal {
            Signal::WindowChange => {
                if let Some(size) = at.io().window_size(SCREEN) {
                    self.line.set_columns(size.columns as usize);
                }
            }
            // Who had the terminal meanwhile left it in another mode and wrote over the line.
            Signal::Continue => {
                let _ = at.io().set_terminal(self.mode);
                let mut out = Vec::new();
                if self.line.show_again(&mut out).is_ok() && !out.is_empty() {
                    self.stream.command(at, out);
                }
            }
            _ => {}
        }
    }

    fn flush(&mut self, at: &mut Handle) {
        self.stream.flush(at);
    }

    fn stop(&mut self, at: &mut Handle) {
        // Nobody is left to tell if that fails.
        let _ = at.io().set_terminal(TerminalMode::Original);
        self.stream.stop(at);
    }
}
