//! From paths to nodes, as Linux goes: component by component, through links.
//!
//! Invariant: a walk ends: links are followed 40 times at most, and what a link puts in front of the rest of a path is no
//! longer than a link may be.

use super::super::{Errno, Result};
use super::tree::{NodeId, ROOT, Tree, What, copy_of};
use alloc::borrow::Cow;
use alloc::vec::Vec;

/// Longest path, its NUL included (Linux: `PATH_MAX`).
pub const PATH_MAX: usize = 4096;
/// Longest name in a directory (Linux: `NAME_MAX`).
pub const NAME_MAX: usize = 255;
/// How often links are followed on the way.
const LINKS_MAX: usize = 40;

/// Whether the last component is followed if it is a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Follow {
    /// Never: for what makes, removes or moves names.
    Never,
    /// Only if a slash is behind it: for what asks about links.
    Slash,
    /// Always.
    Always,
    /// Always, but a slash behind the last name is `EISDIR`: for what may make a file.
    Create,
}

/// Where a path leads.
pub struct Place<'a> {
    /// The directory that the last name is in.
    pub parent: NodeId,
    /// The last name; `None` for `/`, `.` and `..`.
    pub name: Option<Cow<'a, [u8]>>,
    /// The node there, if there is one. A name that is too long comes to light only when it is looked up: after all that is in front
    /// of it, and in front of the second path of two.
    found: Result<Option<NodeId>>,
    /// Whether there is a slash behind the name.
    pub slash: bool,
    /// Whether the last component is `.`.
    pub is_dot: bool,
}

impl Place<'_> {
    /// The node there, if there is one.
    pub fn node(&self) -> Result<Option<NodeId>> {
        self.found
    }

    /// The node. `ENOENT` if there is none, `ENOTDIR` if a slash says that it is a directory, and it is not.
    pub fn existing(&self, tree: &Tree) -> Result<NodeId> {
        let node = self.found?.ok_or(Errno::ENOENT)?;
        if self.slash {
            tree.directory(node)?;
        }
        Ok(node)
    }
}

/// Goes from `start` (or from the root) along `path`.
pub fn walk<'a>(tree: &Tree, start: NodeId, path: &'a [u8], follow: Follow) -> Result<Place<'a>> {
    if path.is_empty() {
        return Err(Errno::ENOENT);
    }
    if path.len() >= PATH_MAX {
        return Err(Errno::ENAMETOOLONG);
    }
    let mut path = Cow::Borrowed(path);
    let mut at = if path[0] == b'/' { ROOT } else { start };
    let mut position = 0;
    let mut followed = 0;
    loop {
        position += leading(&path[position..], |byte| byte == b'/');
        let length = leading(&path[position..], |byte| byte != b'/');
        let component = position..position + length;
        let behind = component.end;
        let next = behind + leading(&path[behind..], |byte| byte == b'/');
        let (is_last, slash) = (next == path.len(), next > behind);
        let special = |node, is_dot| Place {
            parent: node,
            name: None,
            found: Ok(Some(node)),
            slash,
            is_dot,
        };
        let directory = tree.directory(at)?;
        match &path[component.clone()] {
            // Only slashes were left.
            b"" => return Ok(special(at, false)),
            b"." => {
                if is_last {
                    return Ok(special(at, true));
                }
            }
            b".." => {
                // What was removed is nowhere.
                if tree.node(at)?.links == 0 {
                    return Err(Errno::ENOENT);
                }
                at = directory.parent;
                if is_last {
                    return Ok(special(at, false));
                }
            }
            _ if is_last && slash && follow == Follow::Create => return Err(Errno::EISDIR),
            name => {
                let found = match name.len() {
                    ..=NAME_MAX => Ok(tree.child(at, name)),
                    _ => Err(Errno::ENAMETOOLONG),
                };
                let what = match found {
                    Ok(Some(node)) => Some(&tree.node(node)?.what),
                    _ => None,
                };
                let follows = !is_last
                    || matches!(follow, Follow::Always | Follow::Create)
                    || follow == Follow::Slash && slash;
                if let Some(What::Symlink(target)) = what
                    && follows
                {
                    followed += 1;
                    if followed > LINKS_MAX {
                        return Err(Errno::ELOOP);
                    }
                    let target = target.bytes();
                    path = Cow::Owned(continued(target, &path[behind..])?);
                    position = 0;
                    if target.first() == Some(&b'/') {
                        at = ROOT;
                    }
                    continue;
                }
                if is_last {
                    return Ok(Place {
                        parent: at,
                        name: Some(match path {
                            Cow::Borrowed(path) => Cow::Borrowed(&path[component]),
                            Cow::Owned(path) => Cow::Owned(copy_of(&path[component])?),
                        }),
                        found,
                        slash,
                        is_dot: false,
                    });
                }
                at = found?.ok_or(Errno::ENOENT)?;
            }
        }
        position = next;
    }
}

/// How many bytes at the beginning are `wanted`.
fn leading(bytes: &[u8], wanted: impl Fn(u8) -> bool) -> usize {
    let end = bytes.iter().position(|&byte| !wanted(byte));
    end.unwrap_or(bytes.len())
}

/// Where a link leads, and what follows the link in the path (nothing, or something that begins with a slash).
fn continued(target: &[u8], rest: &[u8]) -> Result<Vec<u8>> {
    let mut path = Vec::new();
    let reserved = path.try_reserve_exact(target.len() + rest.len());
    reserved.map_err(|_| Errno::ENOMEM)?;
    path.extend_from_slice(target);
    path.extend_from_slice(rest);
    Ok(path)
}
