//! Directories and files in memory, over the archive of an image.
//!
//! The archive is mounted at the root when a file is first asked for; its bytes stay where they lie. Everything can be changed, removed
//! and added to, in memory alone: nothing is written back.
//!
//! Behaves as a Linux file system does for its superuser: permissions are stored and shown, and deny nothing. New files have mode 644,
//! directories 755. What cannot be had is memory: then it is `ENOSPC`.

mod content;
mod mount;
mod tree;
mod walk;

use super::cpio::Archive;
use super::names::NativeNames;
use super::slots::Slots;
use super::{Advice, Errno, FileSystem, Handle, Info, Kind, Modes, Result, Seek};
use alloc::vec::Vec;
use content::Content;
use core::ffi::CStr;
use tree::{Name, Node, NodeId, ROOT, Tree, What};
use walk::{Follow, PATH_MAX, Place, walk};

/// The one device.
const DEVICE: u64 = 1;
/// Size that is said of a directory.
const DIRECTORY_SIZE: u64 = 4096;
/// Modes of what is made: all that a umask of 022 leaves.
const NEW_FILE: u32 = 0o644;
const NEW_DIRECTORY: u32 = 0o755;
/// Reads are noted once a day, or when the file was written since (Linux: `relatime`).
const READ_NOTED_AFTER: i64 = 24 * 60 * 60;

/// An open file.
struct Open {
    node: NodeId,
    position: u64,
    modes: Modes,
}

/// A file system in memory.
pub struct RamFiles {
    tree: Tree,
    working_directory: NodeId,
    open: Slots<Open>,
    /// What is not mounted yet.
    archive: Option<Archive<'static>>,
    /// Nanoseconds since 1970.
    clock: fn() -> i64,
}

impl RamFiles {
    /// The members of `archive`, or none; `clock` returns nanoseconds since 1970.
    pub fn new(archive: Option<Archive<'static>>, clock: fn() -> i64) -> RamFiles {
        let mut tree = Tree::new(seconds(clock));
        // The root is there, and never goes.
        let _ = tree.pin(ROOT);
        RamFiles {
            tree,
            working_directory: ROOT,
            open: Slots::new(),
            archive,
            clock,
        }
    }

    /// Bytes of memory for names and nodes, without what was written into files.
    pub fn memory(&mut self) -> usize {
        self.mount();
        self.tree.memory()
    }

    fn now(&self) -> i64 {
        seconds(self.clock)
    }

    fn mount(&mut self) {
        if let Some(archive) = self.archive.take() {
            let now = self.now();
            if let Err(error) = mount::mount(&mut self.tree, archive, now) {
                log::error!("the image's archive cannot be mounted: {error:?}");
            }
        }
    }

    fn walk<'a>(&mut self, path: &'a CStr, follow: Follow) -> Result<Place<'a>> {
        self.mount();
        walk(&self.tree, self.working_directory, path.to_bytes(), follow)
    }

    /// The node that `path` leads to.
    fn find(&mut self, path: &CStr, follow: Follow) -> Result<NodeId> {
        self.walk(path, follow)?.existing(&self.tree)
    }

    /// A node whose times, owner or permissions are to be changed.
    fn change(&mut self, path: &CStr) -> Result<&mut Node> {
        let node = self.find(path, Follow::Always)?;
        let now = self.now();
        let node = self.tree.node_mut(node)?;
        node.changed = now;
        Ok(node)
    }

    /// The parent's times change with the names in it.
    fn touch(&mut self, directory: NodeId) -> Result<()> {
        let now = self.now();
        self.tree.node_mut(directory)?.touch(now);
        Ok(())
    }

    /// Makes a node at a place where there is none.
    fn create(&mut self, place: &Place, node: Node) -> Result<NodeId> {
        let (Some(name), None) = (&place.name, place.node()?) else {
            return Err(Errno::EEXIST);
        };
        let made = self.tree.add(place.parent, Name::copy(name)?, node)?;
        self.touch(place.parent)?;
        Ok(made)
    }

    /// The entry that a place names. `ENOENT` if there is none.
    fn entry(&self, place: &Place) -> Result<tree::EntryId> {
        let name = place.name.as_deref().ok_or(Errno::ENOENT)?;
        self.tree.entry(place.parent, name).ok_or(Errno::ENOENT)
    }

    /// Removes what a place names.
    fn unlink(&mut self, place: &Place, node: NodeId) -> Result<()> {
        let now = self.now();
        self.tree.node_mut(node)?.changed = now;
        self.tree.unlink(self.entry(place)?)?;
        self.touch(place.parent)
    }

    fn opened(&mut self, file: Handle) -> Result<&mut Open> {
        self.open.get_mut(file.0).ok_or(Errno::EBADF)
    }

    /// The content of an open file, and its node's other half; `EISDIR` for a directory.
    fn content(&mut self, node: NodeId) -> Result<&mut Content> {
        match &mut self.tree.node_mut(node)?.what {
            What::File(content) => Ok(content),
            What::Directory(_) => Err(Errno::EISDIR),
            What::Symlink(_) => Err(Errno::EINVAL),
        }
    }

    fn note_read(&mut self, node: NodeId) -> Result<()> {
        let now = self.now();
        let node = self.tree.node_mut(node)?;
        let last = node.accessed;
        if last <= node.modified || last <= node.changed || now - last >= READ_NOTED_AFTER {
            node.accessed = now;
        }
        Ok(())
    }

    fn read_node(&mut self, node: NodeId, offset: u64, into: &mut [u8]) -> Result<usize> {
        let read = self.content(node)?.read(offset, into);
        if read != 0 {
            self.note_read(node)?;
        }
        Ok(read)
    }

    /// Writes at `offset`, or at the end of a file that is opened for appending, as Linux does. Returns where the bytes end.
    fn write_node(&mut self, file: Handle, offset: u64, bytes: &[u8]) -> Result<u64> {
        let open = self.opened(file)?;
        let (node, modes) = (open.node, open.modes);
        if !modes.write {
            return Err(Errno::EBADF);
        }
        if bytes.is_empty() {
            return Ok(offset);
        }
        let now = self.now();
        let content = self.content(node)?;
        let offset = match modes.append {
            true => content.size(),
            false => offset,
        };
        let written = content.write(offset, bytes);
        self.tree.node_mut(node)?.touch(now);
        written.map(|()| offset + bytes.len() as u64)
    }

    fn describe(&self, id: NodeId, readable: bool, writable: bool) -> Result<Info> {
        let node = self.tree.node(id)?;
        let (kind, kind_bits, size) = match &node.what {
            What::Directory(_) => (Kind::Directory, 0o040_000, DIRECTORY_SIZE),
            What::File(content) => (Kind::Regular, 0o100_000, content.size()),
            What::Symlink(target) => (Kind::Symlink, 0o120_000, target.bytes().len() as u64),
        };
        Ok(Info {
            size,
            kind,
            readable,
            writable,
            accessed: node.accessed,
            modified: node.modified,
            changed: node.changed,
            mode: kind_bits | node.permissions,
            links: node.links.into(),
            device: DEVICE,
            special_device: 0,
            inode: u64::from(id) + 1,
            user: node.user,
            group: node.group,
        })
    }
}

fn seconds(clock: fn() -> i64) -> i64 {
    clock().div_euclid(1_000_000_000)
}

impl FileSystem for RamFiles {
    fn open(&mut self, path: &CStr, modes: Modes) -> Result<Handle> {
        if modes.write && modes.directory {
            return Err(Errno::EINVAL);
        }
        let follow = match (modes.write, modes.exclusive) {
            (_, true) => Follow::Never,
            (true, _) => Follow::Create,
            (false, _) => Follow::Always,
        };
        let place = self.walk(path, follow)?;
        if modes.write && place.slash && place.name.is_some() {
            return Err(Errno::EISDIR);
        }
        let node = match place.node()? {
            Some(_) if modes.exclusive => return Err(Errno::EEXIST),
            Some(node) => {
                let is_directory = self.tree.node(node)?.is_directory();
                if is_directory && (modes.write || !modes.directory && !modes.skip_type_check) {
                    return Err(Errno::EISDIR);
                }
                if !is_directory && (modes.directory || place.slash) {
                    return Err(Errno::ENOTDIR);
                }
                node
            }
            None if !modes.write => return Err(Errno::ENOENT),
            None => {
                let now = self.now();
                let file = What::File(Content::new(&[]));
                self.create(&place, Node::new(file, NEW_FILE, now))?
            }
        };
        if modes.write && !modes.read && !modes.append {
            let now = self.now();
            self.content(node)?.truncate(0)?;
            self.tree.node_mut(node)?.touch(now);
        }
        let open = Open {
            node,
            position: 0,
            modes,
        };
        let handle = self.open.insert(open).map_err(|_| Errno::ENFILE)?;
        self.tree.pin(node)?;
        Ok(Handle(handle))
    }

    fn adopt(&mut self, _: i32) -> Result<Handle> {
        Err(Errno::EBADF)
    }

    fn close(&mut self, file: Handle) -> Result<()> {
        let open = self.open.remove(file.0).ok_or(Errno::EBADF)?;
        self.tree.unpin(open.node);
        Ok(())
    }

    fn read(&mut self, file: Handle, into: &mut [u8]) -> Result<usize> {
        let position = self.opened(file)?.position;
        let read = self.read_at(file, position, into)?;
        self.opened(file)?.position += read as u64;
        Ok(read)
    }

    fn write(&mut self, file: Handle, bytes: &[u8]) -> Result<()> {
        let position = self.opened(file)?.position;
        let end = self.write_node(file, position, bytes)?;
        self.opened(file)?.position = end;
        Ok(())
    }

    fn read_at(&mut self, file: Handle, offset: u64, into: &mut [u8]) -> Result<usize> {
        let open = self.opened(file)?;
        let (node, modes) = (open.node, open.modes);
        if !modes.read {
            return Err(Errno::EBADF);
        }
        self.read_node(node, offset, into)
    }

    fn write_at(&mut self, file: Handle, offset: u64, bytes: &[u8]) -> Result<()> {
        self.write_node(file, offset, bytes).map(drop)
    }

    fn seek(&mut self, file: Handle, to: Seek) -> Result<u64> {
        let open = self.opened(file)?;
        let (node, position) = (open.node, open.position);
        let (from, by) = match to {
            Seek::Start(offset) => (0, offset),
            Seek::Current(offset) => (position, offset),
            Seek::End(offset) => match &self.tree.node(node)?.what {
                What::File(content) => (content.size(), offset),
                _ => (0, offset),
            },
        };
        let position = from.checked_add_signed(by);
        let position = position.filter(|&position| i64::try_from(position).is_ok());
        let position = position.ok_or(Errno::EINVAL)?;
        self.opened(file)?.position = position;
        Ok(position)
    }

    fn truncate(&mut self, file: Handle) -> Result<()> {
        let open = self.opened(file)?;
        let (node, position, modes) = (open.node, open.position, open.modes);
        if !modes.write {
            return Err(Errno::EINVAL);
        }
        let now = self.now();
        self.content(node)?.truncate(position)?;
        self.tree.node_mut(node)?.touch(now);
        Ok(())
    }

    fn sync(&mut self, file: Handle, _: bool) -> Result<()> {
        self.opened(file).map(drop)
    }

    fn allocate(&mut self, file: Handle, offset: u64, length: u64) -> Result<()> {
        let open = self.opened(file)?;
        let (node, modes) = (open.node, open.modes);
        if length == 0 {
            return Err(Errno::EINVAL);
        }
        if !modes.write {
            return Err(Errno::EBADF);
        }
        let now = self.now();
        self.content(node)?.allocate(offset, length)?;
        self.tree.node_mut(node)?.touch(now);
        Ok(())
    }

    fn advise(&mut self, file: Handle, _: u64, _: u64, _: Advice) -> Result<()> {
        self.opened(file).map(drop)
    }

    fn handle_info(&mut self, file: Handle) -> Result<Info> {
        let id = self.opened(file)?.node;
        let node = self.tree.node(id)?;
        // The rights of the class of users that the superuser is in.
        let shift = match (node.user, node.group) {
            (0, _) => 6,
            (_, 0) => 3,
            _ => 0,
        };
        let rights = node.permissions >> shift;
        self.describe(id, rights & 4 != 0, rights & 2 != 0)
    }

    fn descriptor(&mut self, file: Handle) -> Result<i32> {
        self.opened(file)?;
        Err(Errno::ENOTSUP)
    }

    fn info(&mut self, path: &CStr, follow: bool) -> Result<Info> {
        let node = match follow {
            true => self.find(path, Follow::Always)?,
            false => self.find(path, Follow::Slash)?,
        };
        // Access is asked of what a link leads to.
        let leads_somewhere = match self.tree.node(node)?.what {
            What::Symlink(_) => self.find(path, Follow::Always).is_ok(),
            _ => true,
        };
        self.describe(node, leads_somewhere, leads_somewhere)
    }

    fn contents(&mut self, path: &CStr) -> Result<Option<&'static [u8]>> {
        let node = self.find(path, Follow::Always)?;
        let bytes = self.content(node)?.untouched();
        if bytes.is_some_and(|bytes| !bytes.is_empty()) {
            self.note_read(node)?;
        }
        Ok(bytes)
    }

    fn set_permissions(&mut self, path: &CStr, mode: u32) -> Result<()> {
        self.change(path)?.permissions = mode & 0o7777;
        Ok(())
    }

    fn set_owner(&mut self, path: &CStr, user: u32, group: u32) -> Result<()> {
        let node = self.change(path)?;
        if user != u32::MAX {
            node.user = user;
        }
        if group != u32::MAX {
            node.group = group;
        }
        Ok(())
    }

    fn set_times(&mut self, path: &CStr, accessed: i64, modified: i64) -> Result<()> {
        let node = self.change(path)?;
        (node.accessed, node.modified) = (accessed, modified);
        Ok(())
    }

    fn read_link(&mut self, path: &CStr) -> Result<Vec<u8>> {
        let node = self.find(path, Follow::Slash)?;
        match &self.tree.node(node)?.what {
            What::Symlink(target) => tree::copy_of(target.bytes()),
            _ => Err(Errno::EINVAL),
        }
    }

    fn list(&mut self, path: &CStr, each: &mut dyn FnMut(&[u8])) -> Result<()> {
        let node = self.find(path, Follow::Always)?;
        self.tree.names(node, each)?;
        self.note_read(node)
    }

    fn hard_link(&mut self, existing: &CStr, new: &CStr) -> Result<()> {
        let node = self.find(existing, Follow::Slash)?;
        let place = self.walk(new, Follow::Never)?;
        let name = match (&place.name, place.node()?) {
            (Some(name), None) if !place.slash => Name::copy(name)?,
            (Some(_), None) => return Err(Errno::ENOENT),
            _ => return Err(Errno::EEXIST),
        };
        if self.tree.node(node)?.is_directory() {
            return Err(Errno::EPERM);
        }
        self.tree.link(place.parent, name, node)?;
        let now = self.now();
        self.tree.node_mut(node)?.changed = now;
        self.touch(place.parent)
    }

    fn symlink(&mut self, target: &CStr, new: &CStr) -> Result<()> {
        let target = target.to_bytes();
        match target.len() {
            0 => return Err(Errno::ENOENT),
            PATH_MAX.. => return Err(Errno::ENAMETOOLONG),
            _ => {}
        }
        let place = self.walk(new, Follow::Never)?;
        if place.slash && place.node()?.is_none() {
            return Err(Errno::ENOENT);
        }
        let link = What::Symlink(Name::copy(target)?);
        let now = self.now();
        self.create(&place, Node::new(link, 0o777, now)).map(drop)
    }

    fn rename(&mut self, from: &CStr, to: &CStr) -> Result<()> {
        let old = self.walk(from, Follow::Never)?;
        let new = self.walk(to, Follow::Never)?;
        let (Some(_), Some(name)) = (&old.name, &new.name) else {
            return Err(Errno::EBUSY);
        };
        let node = old.node()?.ok_or(Errno::ENOENT)?;
        let new_node = new.node()?;
        let is_directory = self.tree.node(node)?.is_directory();
        if !is_directory && (old.slash || new.slash) {
            return Err(Errno::ENOTDIR);
        }
        if self.tree.is_around(node, new.parent) {
            return Err(Errno::EINVAL);
        }
        let name = Name::copy(name)?;
        if let Some(target) = new_node {
            if self.tree.is_around(target, old.parent) {
                return Err(Errno::ENOTEMPTY);
            }
            if target == node {
                return Ok(());
            }
            match (is_directory, self.tree.node(target)?.is_directory()) {
                (true, false) => return Err(Errno::ENOTDIR),
                (false, true) => return Err(Errno::EISDIR),
                (true, true) if !self.tree.is_empty(target)? => return Err(Errno::ENOTEMPTY),
                _ => self.unlink(&new, target)?,
            }
        }
        let entry = self.entry(&old)?;
        self.tree.move_entry(entry, new.parent, name)?;
        let now = self.now();
        self.tree.node_mut(node)?.changed = now;
        self.touch(old.parent)?;
        self.touch(new.parent)
    }

    fn make_dir(&mut self, path: &CStr) -> Result<()> {
        let place = self.walk(path, Follow::Never)?;
        let now = self.now();
        let directory = Node::directory(NEW_DIRECTORY, now);
        self.create(&place, directory).map(drop)
    }

    fn remove_file(&mut self, path: &CStr) -> Result<()> {
        let place = self.walk(path, Follow::Never)?;
        if place.name.is_none() {
            return Err(Errno::EISDIR);
        }
        let node = place.node()?.ok_or(Errno::ENOENT)?;
        if self.tree.node(node)?.is_directory() {
            return Err(Errno::EISDIR);
        }
        if place.slash {
            return Err(Errno::ENOTDIR);
        }
        self.unlink(&place, node)
    }

    fn remove_dir(&mut self, path: &CStr) -> Result<()> {
        let place = self.walk(path, Follow::Never)?;
        let node = place.node()?.ok_or(Errno::ENOENT)?;
        self.tree.directory(node)?;
        if place.name.is_none() {
            return Err(match node {
                _ if place.is_dot => Errno::EINVAL,
                ROOT => Errno::EBUSY,
                _ => Errno::ENOTEMPTY,
            });
        }
        if !self.tree.is_empty(node)? {
            return Err(Errno::ENOTEMPTY);
        }
        self.unlink(&place, node)
    }

    fn working_directory(&mut self) -> Result<Vec<u8>> {
        self.tree.path(self.working_directory)
    }

    fn set_working_directory(&mut self, path: &CStr) -> Result<()> {
        let node = self.find(path, Follow::Always)?;
        self.tree.directory(node)?;
        self.tree.pin(node)?;
        let before = core::mem::replace(&mut self.working_directory, node);
        self.tree.unpin(before);
        Ok(())
    }

    fn native_names(&self) -> NativeNames {
        NativeNames::UTF8
    }
}

#[cfg(test)]
mod tests;
