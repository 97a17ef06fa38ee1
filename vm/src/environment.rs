//! Environment variables: the machine's own table, filled from the platform when it starts.
//!
//! Names and values are bytes, as an operating system has them; programs see them decoded as UTF-8. What `os:putenv/2` changes is what
//! programs started through ports get, and not the environment of the host's process, which has no use for it.
//!
//! Invariant: names are sorted and occur once; none is longer than memory allows, since every growth is fallible.

use crate::memory::NoMemory;
use alloc::vec::Vec;

/// A name and its value.
pub type Variable = (Vec<u8>, Vec<u8>);

/// All variables.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    variables: Vec<Variable>,
}

impl Environment {
    /// The variables of a host; of several with one name, the first counts, as for `getenv`.
    pub fn new(mut variables: Vec<Variable>) -> Environment {
        variables.sort_by(|a, b| a.0.cmp(&b.0));
        variables.dedup_by(|later, first| later.0 == first.0);
        Environment { variables }
    }

    fn position(&self, name: &[u8]) -> Result<usize, usize> {
        self.variables
            .binary_search_by(|(known, _)| known.as_slice().cmp(name))
    }

    /// The value of `name`.
    pub fn get(&self, name: &[u8]) -> Option<&[u8]> {
        let at = self.position(name).ok()?;
        self.variables.get(at).map(|(_, value)| value.as_slice())
    }

    /// Gives `name` a value.
    pub fn put(&mut self, name: &[u8], value: &[u8]) -> Result<(), NoMemory> {
        let value = copy(value)?;
        match self.position(name) {
            Ok(at) => self.variables[at].1 = value,
            Err(at) => {
                let name = copy(name)?;
                self.variables.try_reserve(1).map_err(|_| NoMemory)?;
                self.variables.insert(at, (name, value));
            }
        }
        Ok(())
    }

    /// Takes `name` away, if it is there.
    pub fn remove(&mut self, name: &[u8]) {
        if let Ok(at) = self.position(name) {
            self.variables.remove(at);
        }
    }

    /// All variables, in the order of their names.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&[u8], &[u8])> {
        self.variables
            .iter()
            .map(|(name, value)| (name.as_slice(), value.as_slice()))
    }
}

fn copy(bytes: &[u8]) -> Result<Vec<u8>, NoMemory> {
    let mut copy = Vec::new();
    copy.try_reserve_exact(bytes.len()).map_err(|_| NoMemory)?;
    copy.extend_from_slice(bytes);
    Ok(copy)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variable(name: &str, value: &str) -> Variable {
        (name.as_bytes().to_vec(), value.as_bytes().to_vec())
    }

    #[test]
    fn a_name_has_one_value() {
        let host = [variable("b", "1"), variable("a", "2"), variable("b", "3")];
        let mut environment = Environment::new(host.to_vec());
        assert_eq!(environment.get(b"b"), Some(&b"1"[..]));
        environment.put(b"b", b"").unwrap();
        environment.put(b"c", b"4").unwrap();
        environment.remove(b"a");
        environment.remove(b"nothing");
        let all: Vec<_> = environment.iter().collect();
        assert_eq!(all, [(&b"b"[..], &b""[..]), (&b"c"[..], &b"4"[..])]);
        assert_eq!(environment.get(b"a"), None);
    }
}
