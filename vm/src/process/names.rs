//! By what a process can be reached besides its pid: registered names and aliases.
//!
//! Invariant: a name leads to a process that is alive and knows it ([`super::Process::registered_name`]); so does an
//! alias ([`super::Rare::aliases`]). The end of a process takes both away.

use super::reference::RefNumber;
use crate::memory::NoMemory;
use crate::term::{Atom, Term};
use hashbrown::HashTable;

/// A table of pids by something that hashes well by one multiplication.
struct Pids<K> {
    entries: HashTable<(K, Term)>,
}

impl<K: Copy + Eq> Pids<K> {
    const fn new() -> Pids<K> {
        Pids {
            entries: HashTable::new(),
        }
    }

    fn get(&self, key: K, hash: impl Fn(K) -> u64) -> Option<Term> {
        let found = self.entries.find(hash(key), |(k, _)| *k == key);
        found.map(|(_, pid)| *pid)
    }

    /// The key must not be there.
    fn insert(&mut self, key: K, pid: Term, hash: impl Fn(K) -> u64) -> Result<(), NoMemory> {
        self.entries
            .try_reserve(1, |(k, _)| hash(*k))
            .map_err(|_| NoMemory)?;
        self.entries
            .insert_unique(hash(key), (key, pid), |(k, _)| hash(*k));
        Ok(())
    }

    fn remove(&mut self, key: K, hash: impl Fn(K) -> u64) -> Option<Term> {
        let found = self.entries.find_entry(hash(key), |(k, _)| *k == key);
        found.ok().map(|entry| entry.remove().0.1)
    }
}

fn hash_atom(name: Atom) -> u64 {
    (name.0 as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// Registered names.
pub struct Registry(Pids<Atom>);

impl Registry {
    /// No name.
    pub const fn new() -> Registry {
        Registry(Pids::new())
    }

    /// The pid that is registered as `name`.
    #[inline]
    pub fn whereis(&self, name: Atom) -> Option<Term> {
        self.0.get(name, hash_atom)
    }

    /// Registers `pid`; false, and nothing changes, if the name is taken.
    pub fn insert(&mut self, name: Atom, pid: Term) -> Result<bool, NoMemory> {
        if self.whereis(name).is_some() {
            return Ok(false);
        }
        self.0.insert(name, pid, hash_atom)?;
        Ok(true)
    }

    /// Takes the name away from whoever has it.
    pub fn remove(&mut self, name: Atom) -> Option<Term> {
        self.0.remove(name, hash_atom)
    }

    /// All names, in no particular order.
    pub fn names(&self) -> impl Iterator<Item = Atom> {
        self.0.entries.iter().map(|(name, _)| *name)
    }
}

impl Default for Registry {
    fn default() -> Self {
        Registry::new()
    }
}

/// Aliases of all processes.
pub struct Aliases(Pids<RefNumber>);

impl Aliases {
    /// No alias.
    pub const fn new() -> Aliases {
        Aliases(Pids::new())
    }

    /// The pid of the process whose alias `reference` is.
    pub fn owner(&self, reference: RefNumber) -> Option<Term> {
        self.0.get(reference, RefNumber::hash)
    }

    /// Makes `reference`, which is none yet, an alias of `pid`.
    pub fn insert(&mut self, reference: RefNumber, pid: Term) -> Result<(), NoMemory> {
        self.0.insert(reference, pid, RefNumber::hash)
    }

    /// `reference` is no alias any more.
    pub fn remove(&mut self, reference: RefNumber) -> Option<Term> {
        self.0.remove(reference, RefNumber::hash)
    }
}

impl Default for Aliases {
    fn default() -> Self {
        Aliases::new()
    }
}

#[cfg(test)]
mod tests {
    use super::super::reference::References;
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn a_name_has_one_owner() {
        let mut registry = Registry::new();
        let (a, b) = (Term::local_pid(1), Term::local_pid(2));
        assert_eq!(registry.insert(Atom(5), a), Ok(true));
        assert_eq!(registry.insert(Atom(5), b), Ok(false));
        assert_eq!(registry.insert(Atom(6), b), Ok(true));
        assert_eq!(registry.whereis(Atom(5)), Some(a));
        assert_eq!(registry.remove(Atom(5)), Some(a));
        assert_eq!(registry.remove(Atom(5)), None);
        assert_eq!(registry.names().collect::<Vec<_>>(), [Atom(6)]);
    }

    #[test]
    fn an_alias_leads_to_its_owner_until_it_is_removed() {
        let mut references = References::new(9);
        let mut aliases = Aliases::new();
        let made: Vec<_> = (0..100).map(|_| references.make()).collect();
        for (i, reference) in made.iter().enumerate() {
            aliases
                .insert(*reference, Term::local_pid(i as u64))
                .unwrap();
        }
        assert_eq!(aliases.owner(made[42]), Some(Term::local_pid(42)));
        assert_eq!(aliases.remove(made[42]), Some(Term::local_pid(42)));
        assert_eq!(aliases.owner(made[42]), None);
    }
}
