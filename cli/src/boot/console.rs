//! What a guest prints, made what its program printed.
//!
//! A guest ends its lines with a carriage return and a line feed, as terminals want it; [`LineEnds`] takes the carriage
//! return away. A guest that ends with a status says so in its last line; [`StatusLine`] takes that line out.

/// Takes one carriage return before each line feed away.
#[derive(Debug, Default)]
pub struct LineEnds {
    /// The last byte was a carriage return, which goes if a line feed follows.
    held: bool,
}

impl LineEnds {
    /// What of `bytes`, and of a byte held back before, can be passed on now.
    pub fn pass(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(bytes.len() + 1);
        for &byte in bytes {
            if std::mem::take(&mut self.held) && byte != b'\n' {
                out.push(b'\r');
            }
            if byte == b'\r' {
                self.held = true;
            } else {
                out.push(byte);
            }
        }
        out
    }
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
    fn one_carriage_return_goes_from_each_line_end() {
        let text = b"a\r\nb\r\r\nc\n\rd\r\r\re\r\n";
        for size in 1..=text.len() {
            let mut line_ends = LineEnds::default();
            let out: Vec<u8> = text
                .chunks(size)
                .flat_map(|piece| line_ends.pass(piece))
                .collect();
            assert_eq!(out, b"a\nb\r\nc\n\rd\r\r\re\n", "by {size}");
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
