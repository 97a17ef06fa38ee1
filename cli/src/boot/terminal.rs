//! The user's side: the terminal's mode, and signals.

use std::io;
use std::os::unix::net::UnixStream;

use rustix::termios::{
    InputModes, LocalModes, OptionalActions, SpecialCodeIndex, Termios, isatty, tcgetattr,
    tcsetattr,
};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use super::session::Urgency;

/// The key that ends the machine when typed at a terminal: Ctrl-].
const END_KEY: u8 = 0x1d;
/// Ctrl-C, which ends it in order as long as there is no guest whose key it is.
const INTERRUPT_KEY: u8 = 0x03;

/// The terminal, passing each key on as it is typed; restored when dropped.
pub struct KeyByKey {
    saved: Option<Termios>,
    /// Ctrl-C is the guest's.
    interrupt_is_guests: bool,
}

impl KeyByKey {
    /// Changes standard input's mode if it is a terminal; otherwise does nothing.
    pub fn enter() -> Self {
        let stdin = rustix::stdio::stdin();
        let saved = if isatty(stdin) {
            tcgetattr(stdin).ok()
        } else {
            None
        };
        if let Some(mode) = &saved {
            let mut mode = mode.clone();
            mode.local_modes.remove(
                LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG | LocalModes::IEXTEN,
            );
            // Neither Enter nor Ctrl-S is ours to translate. Output stays as it is: what the guest prints has plain line ends here.
            mode.input_modes.remove(
                InputModes::BRKINT
                    | InputModes::ICRNL
                    | InputModes::IGNCR
                    | InputModes::INLCR
                    | InputModes::ISTRIP
                    | InputModes::IXON,
            );
            mode.special_codes[SpecialCodeIndex::VMIN] = 1;
            mode.special_codes[SpecialCodeIndex::VTIME] = 0;
            // A terminal that refuses stays as it is; typing works by lines then.
            let _ = tcsetattr(stdin, OptionalActions::Now, &mode);
        }
        KeyByKey {
            saved,
            interrupt_is_guests: false,
        }
    }

    /// All keys but Ctrl-] are the guest's from now on, Ctrl-C only if `interrupt`. Whether they come from a terminal.
    pub fn give_to_guest(&mut self, interrupt: bool) -> bool {
        self.interrupt_is_guests = interrupt;
        self.saved.is_some()
    }

    /// Whether what was typed asks for the end. Only a terminal can: in a pipe these are bytes like others.
    pub fn asks_for_end(&self, typed: &[u8]) -> Option<Urgency> {
        self.saved.as_ref()?;
        if typed.contains(&END_KEY) {
            Some(Urgency::AtOnce)
        } else if !self.interrupt_is_guests && typed.contains(&INTERRUPT_KEY) {
            Some(Urgency::Orderly)
        } else {
            None
        }
    }
}

impl Drop for KeyByKey {
    fn drop(&mut self) {
        if let Some(mode) = &self.saved {
            // Nothing is left to be done if it fails.
            let _ = tcsetattr(rustix::stdio::stdin(), OptionalActions::Now, mode);
        }
    }
}

/// A stream that becomes readable when somebody wants the tool to end.
pub fn end_signals() -> io::Result<UnixStream> {
    let (read, write) = UnixStream::pair()?;
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        signal_hook::low_level::pipe::register(signal, write.try_clone()?)?;
    }
    Ok(read)
}
