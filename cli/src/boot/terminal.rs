//! The user's side: the terminal's mode, signals, and the status line in what the guest prints.

use std::io;
use std::os::unix::net::UnixStream;

use rustix::termios::{
    LocalModes, OptionalActions, SpecialCodeIndex, Termios, isatty, tcgetattr, tcsetattr,
};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

/// Keys that end the machine when typed at a terminal: Ctrl-C and Ctrl-].
const END_KEYS: [u8; 2] = [0x03, 0x1d];

/// The terminal, passing each key on as it is typed; restored when dropped.
pub struct KeyByKey {
    saved: Option<Termios>,
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
            mode.special_codes[SpecialCodeIndex::VMIN] = 1;
            mode.special_codes[SpecialCodeIndex::VTIME] = 0;
            // A terminal that refuses stays as it is; typing works by lines then.
            let _ = tcsetattr(stdin, OptionalActions::Now, &mode);
        }
        KeyByKey { saved }
    }

    /// Whether what was typed asks for the end. Only a terminal can: in a pipe these are bytes like others.
    pub fn asks_for_end(&self, typed: &[u8]) -> bool {
        self.saved.is_some() && typed.iter().any(|key| END_KEYS.contains(key))
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

/// Before its end a guest with another exit status than 0 prints this and the number as its last line.
const STATUS_PREFIX: &[u8] = b"starling: exit status ";
/// The longest such line: the number has three digits at most, and two bytes end the line.
const STATUS_LINE_MAX: usize = STATUS_PREFIX.len() + 5;

/// Takes the status line out of what the guest prints, if it is the last line.
#[derive(Debug, Default)]
pub struct StatusLine {
    /// A line so far that may turn out to be the status line; empty within another line.
    held: Vec<u8>,
    inside_other_line: bool,
}

impl StatusLine {
    /// What of `bytes`, and of bytes held back before, can be shown now.
    pub fn pass(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut shown = Vec::with_capacity(bytes.len());
        for &byte in bytes {
            if self.held.ends_with(b"\n") {
                // It was not the last line.
                shown.append(&mut self.held);
            }
            if !self.inside_other_line {
                self.held.push(byte);
                if may_be_status(&self.held) {
                    continue;
                }
                shown.append(&mut self.held);
            } else {
                shown.push(byte);
            }
            self.inside_other_line = byte != b'\n';
        }
        shown
    }

    /// At the end of the guest: what was held back without reason, and the status.
    pub fn finish(self) -> (Vec<u8>, Option<u8>) {
        match parse_status(&self.held) {
            Some(status) => (Vec::new(), Some(status)),
            None => (self.held, None),
        }
    }
}

/// Whether `line` is a status line or the beginning of one.
fn may_be_status(line: &[u8]) -> bool {
    if line.len() <= STATUS_PREFIX.len() {
        return STATUS_PREFIX.starts_with(line);
    }
    line.len() <= STATUS_LINE_MAX
        && line.starts_with(STATUS_PREFIX)
        && line[STATUS_PREFIX.len()..]
            .iter()
            .all(|byte| byte.is_ascii_digit() || b"\r\n".contains(byte))
}

fn parse_status(line: &[u8]) -> Option<u8> {
    let number = line.strip_prefix(STATUS_PREFIX)?.trim_ascii_end();
    std::str::from_utf8(number).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is shown, and the status, for a guest that prints `text` in pieces of every size.
    fn check(text: &str, shown: &str, status: Option<u8>) {
        for size in 1..=text.len().max(1) {
            let mut line = StatusLine::default();
            let mut out = Vec::new();
            for piece in text.as_bytes().chunks(size) {
                out.extend(line.pass(piece));
            }
            let (rest, found) = line.finish();
            out.extend(rest);
            assert_eq!(String::from_utf8(out).unwrap(), shown, "{text:?} by {size}");
            assert_eq!(found, status, "{text:?} by {size}");
        }
    }

    #[test]
    fn the_last_line_tells_the_status_and_is_not_shown() {
        check("hello\nstarling: exit status 3\n", "hello\n", Some(3));
        check("starling: exit status 255\r\n", "", Some(255));
        check("hello\n", "hello\n", None);
        check("hello", "hello", None);
        check("", "", None);
    }

    #[test]
    fn what_only_looks_like_it_is_shown() {
        for text in [
            "starling: exit status 3\nmore\n",
            "starling: exit status 3\n\n",
            "starling: exit status 256\n",
            "starling: exit status x\n",
            "starling: exit status 1234\n",
            "starling: exit sta",
            " starling: exit status 3\n",
            "starling: crashed\n",
        ] {
            check(text, text, None);
        }
        check(
            "starling: exit status 1\nstarling: exit status 2\n",
            "starling: exit status 1\n",
            Some(2),
        );
    }

    #[test]
    fn nothing_is_held_back_in_an_ordinary_line() {
        let mut line = StatusLine::default();
        assert_eq!(line.pass(b"prompt> "), b"prompt> ");
        assert_eq!(line.pass(b"s"), b"s");
        assert_eq!(line.pass(b"\ns"), b"\n");
        assert_eq!(line.pass(b"o"), b"so");
    }
}
