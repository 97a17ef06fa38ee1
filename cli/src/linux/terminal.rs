//! The terminal that the tool was started on.
//!
//! Invariant: however the machine changes it, [`Terminal::restore`] brings the state back that it had before; the platform
//! calls it at the machine's end.

use std::os::fd::BorrowedFd;

use rustix::stdio::stdin;
use rustix::termios::{
    LocalModes, OptionalActions, SpecialCodeIndex, Termios, isatty, tcgetattr, tcgetwinsize,
    tcsetattr,
};
use starling_vm::fs::errno::Errno;
use starling_vm::platform::io::{TerminalMode, WindowSize};

use super::io::errno;

/// What was changed.
#[derive(Debug, Default)]
pub struct Terminal {
    /// The terminal's state before the first change.
    original: Option<Termios>,
}

impl Terminal {
    /// Changes how the terminal of standard input treats what is typed.
    pub fn set(&mut self, mode: TerminalMode) -> Result<(), Errno> {
        let TerminalMode::Keys { lines, echo } = mode else {
            self.restore();
            return Ok(());
        };
        let original = match &self.original {
            Some(original) => original.clone(),
            None => tcgetattr(stdin()).map_err(errno)?,
        };
        let mut changed = original.clone();
        changed.local_modes.set(LocalModes::ICANON, lines);
        changed.local_modes.set(LocalModes::ECHO, echo);
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
        tcsetattr(stdin(), OptionalActions::Drain, &changed).map_err(errno)?;
        self.original = Some(original);
        Ok(())
    }

    /// Undoes every change.
    pub fn restore(&mut self) {
        if let Some(original) = self.original.take() {
            // Nobody is left to tell if the terminal has gone away.
            let _ = tcsetattr(stdin(), OptionalActions::Drain, &original);
        }
    }
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
