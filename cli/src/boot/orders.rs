//! What dom0 is to do when the guest prints something: how tests make `xl` act on a domain at the right moment.

use crate::failure::{Failure, Result};

/// Output that is kept to find a text in which comes in pieces.
const KEPT: usize = 4096;

/// Commands that wait for their texts, in order.
#[derive(Debug, Default)]
pub struct Orders {
    /// Last first.
    waiting: Vec<(Vec<u8>, String)>,
    seen: Vec<u8>,
}

impl Orders {
    /// The orders of the command line: `TEXT=>COMMAND`.
    pub fn new(options: &[String]) -> Result<Orders> {
        let mut waiting = Vec::new();
        for option in options.iter().rev() {
            let Some((text, command)) = option.split_once("=>") else {
                return Err(Failure::usage(format!(
                    "boot: --xl-after {option}: expected TEXT=>COMMAND"
                )));
            };
            waiting.push((text.as_bytes().to_vec(), command.to_owned()));
        }
        let seen = Vec::new();
        Ok(Orders { waiting, seen })
    }

    /// The commands whose time has come when the guest prints `bytes`.
    pub fn due(&mut self, bytes: &[u8]) -> Vec<String> {
        if self.waiting.is_empty() {
            return Vec::new();
        }
        self.seen.extend_from_slice(bytes);
        let mut due = Vec::new();
        while let Some((text, _)) = self.waiting.last()
            && let Some(at) = position(&self.seen, text)
        {
            self.seen.drain(..at + text.len());
            due.extend(self.waiting.pop().map(|(_, command)| command));
        }
        let excess = self.seen.len().saturating_sub(KEPT);
        self.seen.drain(..excess);
        due
    }
}

fn position(bytes: &[u8], text: &[u8]) -> Option<usize> {
    if text.is_empty() {
        return Some(0);
    }
    bytes.windows(text.len()).position(|window| window == text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_come_in_order_each_after_its_text() {
        let options = ["a=>first", "b=>second x", "a=>third"].map(String::from);
        let mut orders = Orders::new(&options).unwrap();
        assert!(orders.due(b"b").is_empty());
        assert_eq!(orders.due(b"xax"), ["first"]);
        assert_eq!(orders.due(b"ba"), ["second x", "third"]);
        assert!(orders.due(b"ab").is_empty());
        let mut orders = Orders::new(&["long text=>now".into()]).unwrap();
        assert!(orders.due(&[b'.'; 3 * KEPT]).is_empty());
        assert!(orders.due(b"long").is_empty());
        assert_eq!(orders.due(b" text"), ["now"]);
        assert!(Orders::new(&["nonsense".into()]).is_err());
    }
}
