//! The terminal that the tool was started on.
//!
//! Invariant: however the machine changes it, [`restore`] brings the state back that it had before. The platform calls it at the
//! machine's end, the signals that end the process do, and so do panics and faults: nobody wants a shell that shows nothing of what
//! is typed.

use std::os::fd::BorrowedFd;
use std::sync::{Mutex, Once};

use rustix::stdio::stdin;
use rustix::termios::{
    LocalModes, OptionalActions, SpecialCodeIndex, Termios, isatty, tcgetattr, tcgetwinsize,
    tcsetattr,
};
use signal_hook::consts::{SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV};
use starling_vm::fs::errno::Errno;
use starling_vm::platform::io::{TerminalMode, WindowSize};

use super::io::errno;

/// The terminal's state before the first change. There is one terminal, and a process that dies must find it.
static ORIGINAL: Mutex<Option<Termios>> = Mutex::new(None);

/// What the machine made of the terminal.
#[derive(Debug)]
pub struct Terminal {
    mode: TerminalMode,
}

impl Terminal {
    /// As the tool found it.
    pub fn new() -> Terminal {
        Terminal {
            mode: TerminalMode::Original,
        }
    }

    /// Changes how the terminal of standard input treats what is typed; how it did before.
    pub fn set(&mut self, mode: TerminalMode) -> Result<TerminalMode, Errno> {
        match mode {
            TerminalMode::Original => restore(),
            TerminalMode::Keys {
                lines,
                echo,
                interrupt,
            } => set_keys(lines, echo, interrupt)?,
        }
        Ok(std::mem::replace(&mut self.mode, mode))
    }
}

fn set_keys(lines: bool, echo: bool, interrupt: bool) -> Result<(), Errno> {
    restore_at_faults();
    let mut saved = ORIGINAL
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner());
    let original = match &*saved {
        Some(original) => original.clone(),
        None => tcgetattr(stdin()).map_err(errno)?,
    };
    let mut changed = original.clone();
    changed.local_modes.set(LocalModes::ICANON, lines);
    changed.local_modes.set(LocalModes::ECHO, echo);
    if !interrupt {
        changed.special_codes[SpecialCodeIndex::VINTR] = 0;
    }
    if !lines {
        // A read returns as soon as one key was pressed.
        changed.special_codes[SpecialCodeIndex::VMIN] = 1;
        changed.special_codes[SpecialCodeIndex::VTIME] = 0;
        // Keys that the line editor wants for itself.
        for key in [
            SpecialCodeIndex::VLNEXT,
            SpecialCodeIndex::VDISCARD,
            SpecialCodeIndex::VREPRINT,
        ] {
            changed.special_codes[key] = 0;
        }
    }
    *saved = Some(original);
    tcsetattr(stdin(), OptionalActions::Drain, &changed).map_err(errno)
}

/// Undoes every change. Called on the way to the end, too, so it does not wait for a lock.
pub fn restore() {
    if let Ok(mut saved) = ORIGINAL.try_lock()
        && let Some(original) = saved.take()
    {
        // Nobody is left to tell if the terminal has gone away.
        let _ = tcsetattr(stdin(), OptionalActions::Drain, &original);
    }
}

/// From now on a panic or a fault of the machine's own restores the terminal first.
fn restore_at_faults() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let report = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            restore();
            report(panic);
        }));
        for fault in [SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV] {
            // SAFETY: what is done there is safe in a signal handler: a lock that is only tried, and a system call. Whatever handled
            // the fault before does so still; it is raised again when the handler has returned.
            let _ = unsafe {
                signal_hook_registry::register_signal_unchecked(fault, move || {
                    restore();
                    let _ = signal_hook::low_level::emulate_default_handler(fault);
                })
            };
        }
    });
}

/// Whether `file` is a terminal.
pub fn is_terminal(file: BorrowedFd<'_>) -> bool {
    isatty(file)
}

/// How large the terminal is. One that says 0 does not know.
pub fn window_size(file: BorrowedFd<'_>) -> Option<WindowSize> {
    let size = tcgetwinsize(file).ok()?;
    (size.ws_col > 0).then_some(WindowSize {
        columns: size.ws_col.into(),
        rows: size.ws_row.into(),
    })
}
