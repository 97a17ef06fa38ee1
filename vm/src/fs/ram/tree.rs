//! The tree of a file system in memory: nodes, and the names that lead to them.
//!
//! A *node* is a directory, a file or a link (a Unix inode). An *entry* is a name in a directory that leads to a node; a file may have
//! several. Entries are found by one table over parent and name, and chained per directory, in the order in which they
//! were made.
//!
//! Invariant: every entry is in the table and in the chain of its parent; a node lives as long as an entry leads to it or
//! somebody has it pinned; a directory has one entry, but for the root, which has none. Nothing here allocates without being able to fail.

use super::super::slots::{Full, Slots};
use super::super::{Errno, Result};
use super::content::Content;
use alloc::vec::Vec;
use hashbrown::HashTable;

/// Number of a node.
pub type NodeId = u32;
/// Number of an entry.
pub type EntryId = u32;

/// The root's number.
pub const ROOT: NodeId = 0;
/// No entry.
const NONE: EntryId = u32::MAX;

/// Bytes of a name or of where a link leads: in the archive, or its own.
pub enum Name {
    /// In memory for good.
    Static(&'static [u8]),
    /// Its own.
    Owned(Vec<u8>),
}

impl Name {
    /// A copy of `bytes`.
    pub fn copy(bytes: &[u8]) -> Result<Name> {
        copy_of(bytes).map(Name::Owned)
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        match self {
            Name::Static(bytes) => bytes,
            Name::Owned(bytes) => bytes,
        }
    }
}

/// The bytes once more; `ENOSPC` if there is no memory for them.
pub fn copy_of(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut copy = Vec::new();
    let reserved = copy.try_reserve_exact(bytes.len());
    reserved.map_err(|_| Errno::ENOSPC)?;
    copy.extend_from_slice(bytes);
    Ok(copy)
}

/// Where a directory is, and what is in it.
pub struct Directory {
    /// The directory that it is in; itself, for the root.
    pub parent: NodeId,
    /// The entry that leads to it.
    entry: EntryId,
    first: EntryId,
    last: EntryId,
}

/// What a node is.
pub enum What {
    /// A directory.
    Directory(Directory),
    /// A plain file.
    File(Content),
    /// A symbolic link, and where it leads.
    Symlink(Name),
}

/// A directory, a file or a link.
pub struct Node {
    /// What it is.
    pub what: What,
    /// The lower twelve bits of the mode.
    pub permissions: u32,
    /// How many entries lead here; for a directory, as Unix counts: two, and one for each directory in it.
    pub links: u32,
    /// Who else needs it: open files, the working directory.
    pins: u32,
    /// Owner.
    pub user: u32,
    /// Group.
    pub group: u32,
    /// Last read, in seconds since 1970.
    pub accessed: i64,
    /// Last written.
    pub modified: i64,
    /// Last change of anything.
    pub changed: i64,
}

impl Node {
    /// A node that no entry leads to yet.
    pub fn new(what: What, permissions: u32, now: i64) -> Node {
        let links = match what {
            What::Directory(_) => 1,
            _ => 0,
        };
        Node {
            what,
            permissions,
            links,
            pins: 0,
            user: 0,
            group: 0,
            accessed: now,
            modified: now,
            changed: now,
        }
    }

    /// An empty directory.
    pub fn directory(permissions: u32, now: i64) -> Node {
        let nowhere = Directory {
            parent: ROOT,
            entry: NONE,
            first: NONE,
            last: NONE,
        };
        Node::new(What::Directory(nowhere), permissions, now)
    }

    /// Whether it is a directory.
    pub fn is_directory(&self) -> bool {
        matches!(self.what, What::Directory(_))
    }

    /// The content has changed.
    pub fn touch(&mut self, now: i64) {
        self.modified = now;
        self.changed = now;
    }
}

struct Entry {
    parent: NodeId,
    node: NodeId,
    name: Name,
    next: EntryId,
    previous: EntryId,
}

/// All nodes and entries.
pub struct Tree {
    nodes: Slots<Node>,
    entries: Slots<Entry>,
    index: HashTable<EntryId>,
}

impl From<Full> for Errno {
    fn from(_: Full) -> Errno {
        Errno::ENOSPC
    }
}

/// A number for parent and name: the multiplicative hash of their words.
fn hash(parent: NodeId, name: &[u8]) -> u64 {
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut hash = u64::from(parent);
    for part in name.chunks(8) {
        let mut word = [0; 8];
        word[..part.len()].copy_from_slice(part);
        hash = (hash.rotate_left(5) ^ u64::from_le_bytes(word)).wrapping_mul(FACTOR);
    }
    hash ^ hash >> 32
}

impl Tree {
    /// A root and nothing in it. Without memory for that, everything is `ENOENT`.
    pub fn new(now: i64) -> Tree {
        let mut nodes = Slots::new();
        let mut root = Node::directory(0o755, now);
        root.links = 2;
        // The first number is `ROOT`.
        let _ = nodes.insert(root);
        Tree {
            nodes,
            entries: Slots::new(),
            index: HashTable::new(),
        }
    }

    /// Makes room for `more` nodes and entries.
    pub fn reserve(&mut self, more: usize) -> Result<()> {
        self.nodes.reserve(more)?;
        self.entries.reserve(more)?;
        self.reserve_index(more)
    }

    fn reserve_index(&mut self, more: usize) -> Result<()> {
        let entries = &self.entries;
        let rehash = |&entry: &EntryId| {
            let entry = entries.get(entry);
            entry.map_or(0, |entry| hash(entry.parent, entry.name.bytes()))
        };
        let reserved = self.index.try_reserve(more, rehash);
        reserved.map_err(|_| Errno::ENOSPC)
    }

    /// Bytes of memory for all of it, without what was written into files.
    pub fn memory(&self) -> usize {
        self.nodes.bytes() + self.entries.bytes() + self.index.allocation_size()
    }

    /// A node.
    pub fn node(&self, node: NodeId) -> Result<&Node> {
        self.nodes.get(node).ok_or(Errno::ENOENT)
    }

    /// A node, to be changed.
    pub fn node_mut(&mut self, node: NodeId) -> Result<&mut Node> {
        self.nodes.get_mut(node).ok_or(Errno::ENOENT)
    }

    /// A directory; `ENOTDIR` for other nodes.
    pub fn directory(&self, node: NodeId) -> Result<&Directory> {
        match &self.node(node)?.what {
            What::Directory(directory) => Ok(directory),
            _ => Err(Errno::ENOTDIR),
        }
    }

    fn directory_mut(&mut self, node: NodeId) -> Result<&mut Directory> {
        match &mut self.node_mut(node)?.what {
            What::Directory(directory) => Ok(directory),
            _ => Err(Errno::ENOTDIR),
        }
    }

    /// The entry `name` of the directory `parent`.
    pub fn entry(&self, parent: NodeId, name: &[u8]) -> Option<EntryId> {
        let same = |&entry: &EntryId| {
            let entry = self.entries.get(entry);
            entry.is_some_and(|entry| entry.parent == parent && entry.name.bytes() == name)
        };
        self.index.find(hash(parent, name), same).copied()
    }

    /// The node that the entry `name` of the directory `parent` leads to.
    pub fn child(&self, parent: NodeId, name: &[u8]) -> Option<NodeId> {
        let entry = self.entries.get(self.entry(parent, name)?)?;
        Some(entry.node)
    }

    /// Calls `each` with the names in a directory.
    pub fn names(&self, directory: NodeId, mut each: impl FnMut(&[u8])) -> Result<()> {
        let mut at = self.directory(directory)?.first;
        while let Some(entry) = self.entries.get(at) {
            each(entry.name.bytes());
            at = entry.next;
        }
        Ok(())
    }

    /// Whether nothing is in a directory.
    pub fn is_empty(&self, directory: NodeId) -> Result<bool> {
        Ok(self.directory(directory)?.first == NONE)
    }

    /// Whether `node` is the directory `inner` or one that it is in, directly or not.
    pub fn is_around(&self, node: NodeId, inner: NodeId) -> bool {
        let mut at = inner;
        while at != node && at != ROOT {
            match self.directory(at) {
                Ok(directory) => at = directory.parent,
                Err(_) => return false,
            }
        }
        at == node
    }

    /// The path of a directory; `ENOENT` if it was removed.
    pub fn path(&self, directory: NodeId) -> Result<Vec<u8>> {
        let mut names: Vec<&[u8]> = Vec::new();
        let mut at = directory;
        while at != ROOT {
            let found = self.directory(at)?;
            let entry = self.entries.get(found.entry).ok_or(Errno::ENOENT)?;
            names.try_reserve(1).map_err(|_| Errno::ENOMEM)?;
            names.push(entry.name.bytes());
            at = found.parent;
        }
        let mut path = Vec::new();
        let length = names.iter().map(|name| name.len() + 1).sum::<usize>();
        path.try_reserve(length + 1).map_err(|_| Errno::ENOMEM)?;
        for name in names.iter().rev() {
            path.push(b'/');
            path.extend_from_slice(name);
        }
        if path.is_empty() {
            path.push(b'/');
        }
        Ok(path)
    }

    /// Adds a node that the new entry `name` of the directory `parent` leads to.
    pub fn add(&mut self, parent: NodeId, name: Name, node: Node) -> Result<NodeId> {
        let node = self.nodes.insert(node)?;
        match self.link(parent, name, node) {
            Ok(()) => Ok(node),
            Err(error) => {
                self.nodes.remove(node);
                Err(error)
            }
        }
    }

    /// Makes a new entry `name` of the directory `parent` lead to a node that is there. `ENOENT` if the directory was removed.
    pub fn link(&mut self, parent: NodeId, name: Name, node: NodeId) -> Result<()> {
        if self.node(parent)?.links == 0 {
            return Err(Errno::ENOENT);
        }
        self.reserve_index(1)?;
        let entry = self.entries.insert(Entry {
            parent,
            node,
            name,
            next: NONE,
            previous: NONE,
        })?;
        self.attach(entry)
    }

    /// Removes an entry; the node it leads to goes with the last one, unless it is pinned.
    pub fn unlink(&mut self, entry: EntryId) -> Result<()> {
        let node = self.detach(entry)?;
        self.entries.remove(entry);
        let node_ref = self.node_mut(node)?;
        // Nothing leads to a directory then but its own `.`.
        if node_ref.is_directory() {
            node_ref.links = 0;
        }
        self.free_if_lost(node);
        Ok(())
    }

    /// Gives an entry another name in another directory. The name is not taken.
    pub fn move_entry(&mut self, entry: EntryId, parent: NodeId, name: Name) -> Result<()> {
        if self.node(parent)?.links == 0 {
            return Err(Errno::ENOENT);
        }
        self.reserve_index(1)?;
        self.detach(entry)?;
        if let Some(moved) = self.entries.get_mut(entry) {
            moved.parent = parent;
            moved.name = name;
        }
        self.attach(entry)
    }

    /// Puts an entry that has its parent, name and node into table and chain, where there is room.
    fn attach(&mut self, number: EntryId) -> Result<()> {
        let entry = self.entries.get(number).ok_or(Errno::ENOENT)?;
        let (parent, node) = (entry.parent, entry.node);
        let hashed = hash(parent, entry.name.bytes());
        let directory = self.directory_mut(parent)?;
        let previous = core::mem::replace(&mut directory.last, number);
        match self.entries.get_mut(previous) {
            Some(previous) => previous.next = number,
            None => self.directory_mut(parent)?.first = number,
        }
        if let Some(entry) = self.entries.get_mut(number) {
            entry.previous = previous;
            entry.next = NONE;
        }
        let entries = &self.entries;
        self.index.insert_unique(hashed, number, |&entry| {
            let entry = entries.get(entry);
            entry.map_or(0, |entry| hash(entry.parent, entry.name.bytes()))
        });
        let leads_to = self.node_mut(node)?;
        leads_to.links += 1;
        if let What::Directory(directory) = &mut leads_to.what {
            directory.parent = parent;
            directory.entry = number;
            self.node_mut(parent)?.links += 1;
        }
        Ok(())
    }

    /// Takes an entry out of table and chain; returns the node that it led to.
    fn detach(&mut self, number: EntryId) -> Result<NodeId> {
        let entry = self.entries.get(number).ok_or(Errno::ENOENT)?;
        let (parent, node, next, previous) = (entry.parent, entry.node, entry.next, entry.previous);
        let hashed = hash(parent, entry.name.bytes());
        if let Ok(found) = self.index.find_entry(hashed, |&entry| entry == number) {
            found.remove();
        }
        match self.entries.get_mut(previous) {
            Some(previous) => previous.next = next,
            None => self.directory_mut(parent)?.first = next,
        }
        match self.entries.get_mut(next) {
            Some(next) => next.previous = previous,
            None => self.directory_mut(parent)?.last = previous,
        }
        let led_to = self.node_mut(node)?;
        led_to.links -= 1;
        if let What::Directory(directory) = &mut led_to.what {
            directory.entry = NONE;
            self.node_mut(parent)?.links -= 1;
        }
        Ok(node)
    }

    /// Keeps a node alive until [`Tree::unpin`].
    pub fn pin(&mut self, node: NodeId) -> Result<()> {
        self.node_mut(node)?.pins += 1;
        Ok(())
    }

    /// Ends what [`Tree::pin`] began.
    pub fn unpin(&mut self, node: NodeId) {
        if let Ok(found) = self.node_mut(node) {
            found.pins -= 1;
            self.free_if_lost(node);
        }
    }

    fn free_if_lost(&mut self, node: NodeId) {
        let lost = self.node(node).is_ok_and(|n| n.links == 0 && n.pins == 0);
        if lost && node != ROOT {
            self.nodes.remove(node);
        }
    }
}
