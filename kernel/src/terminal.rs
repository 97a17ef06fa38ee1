//! What is typed at the console, between the ring and the machine: Ctrl-C is found there before anybody reads it.
//!
//! The console passes keys on as they are pressed and shows nothing of them. What a Unix terminal's driver would do with one key is done
//! here: Ctrl-C becomes the signal, if the machine asked for that and did not take the key for itself.
//!
//! Invariant: what is kept is bounded; beyond that, keys wait in the ring, and the other end sees that it is full. Called by
//! [`platform`](crate::platform).

use alloc::collections::VecDeque;
use starling_vm::fs::errno::Errno;
use starling_vm::platform::io::{SignalAction, TerminalMode};

/// Ctrl-C.
const INTERRUPT: u8 = 0x03;
/// Keys that are kept until somebody reads them.
const KEPT: usize = 4096;
/// Bytes that are taken from the console at once.
const PIECE: usize = 256;

/// The domain's one terminal.
pub struct Terminal {
    mode: TerminalMode,
    interrupt: SignalAction,
    typed: VecDeque<u8>,
    interrupted: bool,
}

impl Terminal {
    /// Nothing typed; Ctrl-C is a key.
    pub const fn new() -> Terminal {
        Terminal {
            mode: TerminalMode::Original,
            interrupt: SignalAction::Default,
            typed: VecDeque::new(),
            interrupted: false,
        }
    }

    /// What is to become of Ctrl-C.
    pub fn set_interrupt(&mut self, action: SignalAction) {
        self.interrupt = action;
    }

    /// How keys are treated; how they were before. There are no lines and no echo.
    pub fn set_mode(&mut self, mode: TerminalMode) -> Result<TerminalMode, Errno> {
        match mode {
            TerminalMode::Original | TerminalMode::Keys { lines: false, .. } => {
                Ok(core::mem::replace(&mut self.mode, mode))
            }
            TerminalMode::Keys { lines: true, .. } => Err(Errno::ENOTSUP),
        }
    }

    /// Takes what `read` has, as long as there is room for it.
    pub fn take(&mut self, mut read: impl FnMut(&mut [u8]) -> usize) {
        let mut piece = [0; PIECE];
        while self.typed.len() + PIECE <= KEPT && self.typed.try_reserve(PIECE).is_ok() {
            let count = read(&mut piece);
            if count == 0 {
                break;
            }
            piece[..count].iter().for_each(|&key| self.key(key));
        }
    }

    fn key(&mut self, key: u8) {
        let is_key = matches!(
            self.mode,
            TerminalMode::Keys {
                interrupt: false,
                ..
            }
        );
        match self.interrupt {
            SignalAction::Report if key == INTERRUPT && !is_key => self.interrupted = true,
            SignalAction::Ignore if key == INTERRUPT && !is_key => {}
            // The key that ends a line sends a carriage return; who did not ask for keys reads lines.
            _ if key == b'\r' && self.mode == TerminalMode::Original => {
                self.typed.push_back(b'\n');
            }
            _ => self.typed.push_back(key),
        }
    }

    /// Whether something was typed that nobody has read.
    pub fn has_keys(&self) -> bool {
        !self.typed.is_empty()
    }

    /// Whether Ctrl-C was pressed since this was asked last.
    pub fn take_interrupt(&mut self) -> bool {
        core::mem::take(&mut self.interrupted)
    }

    /// Whether Ctrl-C was pressed and nobody has been told.
    pub fn is_interrupted(&self) -> bool {
        self.interrupted
    }

    /// Reads keys.
    pub fn read(&mut self, bytes: &mut [u8]) -> usize {
        let count = bytes.len().min(self.typed.len());
        for (byte, key) in bytes.iter_mut().zip(self.typed.drain(..count)) {
            *byte = key;
        }
        count
    }
}

impl Default for Terminal {
    fn default() -> Self {
        Terminal::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is read after `keys` were typed.
    fn typed(terminal: &mut Terminal, mut keys: &[u8]) -> std::vec::Vec<u8> {
        terminal.take(|bytes| {
            let count = bytes.len().min(keys.len());
            bytes[..count].copy_from_slice(&keys[..count]);
            keys = &keys[count..];
            count
        });
        let mut bytes = [0; 16];
        let count = terminal.read(&mut bytes);
        bytes[..count].into()
    }

    #[test]
    fn ctrl_c_is_a_signal_where_the_machine_wants_one() {
        let mut terminal = Terminal::new();
        assert_eq!(typed(&mut terminal, b"a\x03b\r"), b"a\x03b\n");
        terminal.set_interrupt(SignalAction::Report);
        assert_eq!(typed(&mut terminal, b"a\x03b"), b"ab");
        assert!(terminal.is_interrupted() && terminal.take_interrupt());
        assert!(!terminal.take_interrupt());
        let mut keys = |interrupt| {
            terminal.set_mode(TerminalMode::Keys {
                lines: false,
                echo: false,
                interrupt,
            })
        };
        assert_eq!(keys(false), Ok(TerminalMode::Original));
        assert_eq!(typed(&mut terminal, b"\x03\r"), b"\x03\r");
        terminal.set_mode(TerminalMode::Original).unwrap();
        terminal.set_interrupt(SignalAction::Ignore);
        assert_eq!(typed(&mut terminal, b"a\x03b"), b"ab");
        assert!(!terminal.take_interrupt());
    }

    #[test]
    fn what_nobody_reads_stays_where_it_is() {
        let mut terminal = Terminal::new();
        let mut left = 10_000;
        terminal.take(|bytes| {
            let count = bytes.len().min(left);
            left -= count;
            count
        });
        assert!((10_000 - KEPT..10_000).contains(&left), "{left}");
        assert!(terminal.has_keys());
    }
}
