//! Putting an archive's members into a tree.
//!
//! Bytes, names and the targets of links stay where they lie in the archive. As when an archive is unpacked, a later member takes the
//! place of an earlier one of the same name, and directories that are not mentioned are made.
//!
//! An archive may say anything: a member that cannot be is passed over. That is one whose name has a `..`, or leads through
//! something that is no directory (a link is not followed: it could lead anywhere), or is that of a directory and another kind of thing.
//! So are devices and pipes.

use super::super::cpio::{Archive, Entry, EntryKind};
use super::super::{Errno, Result};
use super::content::Content;
use super::tree::{Name, Node, NodeId, ROOT, Tree, What};
use super::walk::{NAME_MAX, PATH_MAX};

/// Most directories in one another.
const DEPTH_MAX: usize = PATH_MAX / 2;

/// Puts all members of `archive` into `tree`. If the archive is damaged, those before the damage are there, and the machine's log says
/// so.
pub fn mount(tree: &mut Tree, archive: Archive<'static>, now: i64) -> Result<()> {
    tree.reserve(archive.count())?;
    // Members of one directory stand together.
    let mut last = (&[][..], ROOT);
    for entry in archive.entries() {
        match entry {
            Ok(entry) => {
                let path = entry.name.as_bytes();
                let (directory, name) = split(path);
                let parent = match directory == last.0 {
                    true => Some(last.1),
                    false => parent_of(tree, directory, now)?,
                };
                if let Some(parent) = parent {
                    last = (directory, parent);
                    put(tree, parent, name, entry, now)?;
                }
            }
            Err(error) => log::error!("the image's archive is damaged: {error}"),
        }
    }
    Ok(())
}

/// A path's directory and its last name.
fn split(path: &[u8]) -> (&[u8], &[u8]) {
    match path.iter().rposition(|&byte| byte == b'/') {
        Some(slash) => (&path[..slash], &path[slash + 1..]),
        None => (&[], path),
    }
}

/// The directory `path`, made if it is not there; `None` if it cannot be one.
fn parent_of(tree: &mut Tree, path: &'static [u8], now: i64) -> Result<Option<NodeId>> {
    let mut at = ROOT;
    let names = path.split(|&byte| byte == b'/');
    for (depth, name) in names
        .filter(|name| !matches!(*name, b"" | b"."))
        .enumerate()
    {
        if name == b".." || name.len() > NAME_MAX || depth >= DEPTH_MAX {
            return Ok(None);
        }
        at = match tree.child(at, name) {
            Some(child) if tree.node(child)?.is_directory() => child,
            Some(_) => return Ok(None),
            None => tree.add(at, Name::Static(name), Node::directory(0o755, now))?,
        };
    }
    Ok(Some(at))
}

fn put(
    tree: &mut Tree,
    parent: NodeId,
    name: &'static [u8],
    entry: Entry<'static>,
    now: i64,
) -> Result<()> {
    if matches!(name, b"" | b"." | b"..") || name.len() > NAME_MAX {
        return Ok(());
    }
    let mut node = match entry.kind() {
        EntryKind::Directory => Node::directory(entry.permissions(), now),
        EntryKind::File => {
            let content = What::File(Content::new(entry.data));
            Node::new(content, entry.permissions(), now)
        }
        EntryKind::Symlink if is_target(entry.data) => {
            let target = What::Symlink(Name::Static(entry.data));
            Node::new(target, 0o777, now)
        }
        _ => return Ok(()),
    };
    let time = i64::from(entry.modified);
    (node.accessed, node.modified, node.changed) = (time, time, time);
    (node.user, node.group) = (entry.user, entry.group);
    if let Some(before) = tree.entry(parent, name) {
        let there = tree.child(parent, name).ok_or(Errno::ENOENT)?;
        let there = tree.node_mut(there)?;
        match (there.is_directory(), node.is_directory()) {
            (true, true) => {
                there.permissions = node.permissions;
                (there.user, there.group) = (node.user, node.group);
                (there.accessed, there.modified, there.changed) = (time, time, time);
                return Ok(());
            }
            (false, false) => tree.unlink(before)?,
            _ => return Ok(()),
        }
    }
    tree.add(parent, Name::Static(name), node).map(drop)
}

/// Whether a link can lead there.
fn is_target(target: &[u8]) -> bool {
    !target.is_empty() && target.len() < PATH_MAX && !target.contains(&0)
}
