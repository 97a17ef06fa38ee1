//! A xenstored for tests: a tree in memory at the other end of a ring, honest unless told otherwise.

use super::ring::testing::{OtherEnd, ring};
use super::wire::{Assembler, Header, Kind, PAYLOAD_MAX};
use super::{Channel, Xenstore};
use std::boxed::Box;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;
use std::string::{String, ToString};
use std::vec::Vec;
use std::{format, vec};

type Tree = BTreeMap<String, Vec<u8>>;

/// What to do with one request instead of answering it: takes its header and payload, gives raw bytes.
pub type Lie = Box<dyn FnMut(Header, &[u8]) -> Option<Vec<u8>>>;

/// What others do while the client sleeps.
pub type Meanwhile = Box<dyn FnMut(&mut Server)>;

/// The server's state, shared by the test and the client's channel.
pub struct Server {
    end: OtherEnd,
    assembler: Assembler,
    output: VecDeque<u8>,
    pub tree: Tree,
    changes: u64,
    /// By number: the tree as it is in there, and how many changes there had been.
    pub transactions: BTreeMap<u32, (Tree, u64)>,
    last_transaction: u32,
    /// Path and token.
    pub watches: Vec<(String, String)>,
    pub clock: u64,
    pub notifications: usize,
    pub sleeps: usize,
    /// It moved an index.
    notifies: bool,
    pub requests: usize,
    /// Does nothing.
    pub is_dead: bool,
    /// Answers nothing, but keeps requests.
    pub held: Vec<(Header, Vec<u8>)>,
    pub holds: bool,
    pub lie: Option<Lie>,
    /// Called at every sleep of the client: other people's changes, and how long they took.
    pub meanwhile: Option<Meanwhile>,
}

/// A message as it is sent.
pub fn message(kind: Kind, request: u32, transaction: u32, payload: &[u8]) -> Vec<u8> {
    let header = Header {
        kind: kind as u32,
        request,
        transaction,
        len: payload.len() as u32,
    };
    let mut bytes = header.encode().to_vec();
    bytes.extend_from_slice(payload);
    bytes
}

/// A path without the domain's own directory, which this server does not tell from the root.
fn home(path: &str) -> String {
    match path.strip_prefix('/') {
        Some(_) => path.to_string(),
        None => format!("/local/domain/7/{path}"),
    }
}

impl Server {
    /// Changes a value, as somebody in dom0 would.
    pub fn set(&mut self, path: &str, value: &str) {
        let path = home(path);
        self.changes += 1;
        self.tree.insert(path.clone(), value.as_bytes().to_vec());
        self.fire(&path);
    }

    /// Removes a node, as somebody in dom0 would.
    pub fn remove(&mut self, path: &str) {
        let path = home(path);
        self.changes += 1;
        let below = format!("{path}/");
        self.tree
            .retain(|name, _| *name != path && !name.starts_with(&below));
        self.fire(&path);
    }

    /// A value as text.
    pub fn get(&self, path: &str) -> Option<String> {
        let value = self.tree.get(&home(path))?;
        Some(String::from_utf8_lossy(value).into_owned())
    }

    fn fire(&mut self, path: &str) {
        let events: Vec<_> = self
            .watches
            .iter()
            .filter(|(watched, _)| {
                let watched = home(watched);
                path == watched
                    || path.starts_with(&format!("{watched}/"))
                    || watched.starts_with(&format!("{path}/"))
            })
            .map(|(_, token)| format!("{path}\0{token}\0"))
            .collect();
        for event in events {
            self.say(&message(Kind::WatchEvent, 0, 0, event.as_bytes()));
        }
    }

    /// Puts raw bytes into the stream.
    pub fn say(&mut self, bytes: &[u8]) {
        self.output.extend(bytes);
    }

    /// Writes a false index.
    pub fn end(&self) -> OtherEnd {
        self.end
    }

    /// Reads requests, answers them, writes as much as there is room for.
    pub fn run(&mut self) {
        if self.is_dead {
            return;
        }
        let bytes = self.end.take();
        self.notifies |= !bytes.is_empty();
        let mut bytes = &bytes[..];
        while let Some((header, payload)) = self.assembler.take(&mut bytes).unwrap() {
            self.requests += 1;
            if self.holds {
                self.held.push((header, payload));
            } else {
                self.answer(header, &payload);
            }
        }
        let waiting: Vec<u8> = self.output.iter().copied().collect();
        let count = self.end.give(&waiting);
        self.output.drain(..count);
        self.notifies |= count > 0;
    }

    /// Answers one request.
    pub fn answer(&mut self, header: Header, payload: &[u8]) {
        let mut lie = self.lie.take();
        let lied = lie.as_mut().and_then(|lie| lie(header, payload));
        self.lie = lie;
        if let Some(bytes) = lied {
            return self.say(&bytes);
        }
        match self.serve(header, payload) {
            Ok(reply) => {
                let len = reply.len() as u32;
                assert!(len as usize <= PAYLOAD_MAX);
                self.say(&Header { len, ..header }.encode());
                self.say(&reply);
            }
            Err(name) => {
                let name = format!("{name}\0");
                let bytes = message(
                    Kind::Error,
                    header.request,
                    header.transaction,
                    name.as_bytes(),
                );
                self.say(&bytes);
            }
        }
        // The first event comes after the answer.
        if header.kind == Kind::Watch as u32 {
            let event = payload.to_vec();
            self.say(&message(Kind::WatchEvent, 0, 0, &event));
        }
    }

    fn serve(&mut self, header: Header, payload: &[u8]) -> Result<Vec<u8>, &'static str> {
        let words: Vec<_> = payload
            .split(|&byte| byte == 0)
            .map(|word| String::from_utf8_lossy(word).into_owned())
            .collect();
        let path = home(&words[0]);
        let ok = b"OK\0".to_vec();
        let changes = self.changes;
        let tree = match header.transaction {
            0 => &mut self.tree,
            id => &mut self.transactions.get_mut(&id).ok_or("ENOENT")?.0,
        };
        let below = format!("{path}/");
        let children = |tree: &Tree| -> Vec<u8> {
            let names: BTreeSet<_> = tree
                .keys()
                .filter_map(|name| name.strip_prefix(&below)?.split('/').next())
                .collect();
            names
                .iter()
                .flat_map(|name| format!("{name}\0").into_bytes())
                .collect()
        };
        let exists = |tree: &Tree| {
            tree.contains_key(&path) || tree.keys().any(|name| name.starts_with(&below))
        };
        let changed = match header.kind {
            kind if kind == Kind::Read as u32 => {
                return match tree.get(&path) {
                    Some(value) => Ok(value.clone()),
                    None if exists(tree) => Ok(vec![]),
                    None => Err("ENOENT"),
                };
            }
            kind if kind == Kind::Directory as u32 => {
                let names = children(tree);
                return match exists(tree) {
                    _ if names.len() > PAYLOAD_MAX => Err("E2BIG"),
                    true => Ok(names),
                    false => Err("ENOENT"),
                };
            }
            kind if kind == Kind::DirectoryPart as u32 => {
                let offset: usize = words[1].parse().map_err(|_| "EINVAL")?;
                let names = children(tree);
                let rest = names.get(offset..).ok_or("EINVAL")?;
                let mut reply = format!("{changes}\0").into_bytes();
                let room = PAYLOAD_MAX - reply.len() - 1;
                if rest.len() <= room {
                    reply.extend_from_slice(rest);
                    reply.push(0);
                } else {
                    let end = rest[..room].iter().rposition(|&byte| byte == 0).unwrap();
                    reply.extend_from_slice(&rest[..=end]);
                }
                return Ok(reply);
            }
            kind if kind == Kind::GetPerms as u32 => {
                return if exists(tree) {
                    Ok(b"n7\0r0\0".to_vec())
                } else {
                    Err("ENOENT")
                };
            }
            kind if kind == Kind::Watch as u32 => {
                self.watches.push((words[0].clone(), words[1].clone()));
                return Ok(ok);
            }
            kind if kind == Kind::Unwatch as u32 => {
                let watch = (words[0].clone(), words[1].clone());
                let place = self
                    .watches
                    .iter()
                    .position(|w| *w == watch)
                    .ok_or("ENOENT")?;
                self.watches.remove(place);
                return Ok(ok);
            }
            kind if kind == Kind::TransactionStart as u32 => {
                self.last_transaction += 1;
                let id = self.last_transaction;
                self.transactions.insert(id, (self.tree.clone(), changes));
                return Ok(format!("{id}\0").into_bytes());
            }
            kind if kind == Kind::TransactionEnd as u32 => {
                let id = header.transaction;
                let (tree, since) = self.transactions.remove(&id).ok_or("ENOENT")?;
                if payload != b"T\0" {
                    return Ok(ok);
                }
                if since != changes {
                    return Err("EAGAIN");
                }
                let different: Vec<_> = tree
                    .iter()
                    .filter(|(name, value)| self.tree.get(*name) != Some(value))
                    .map(|(name, _)| name.clone())
                    .collect();
                self.tree = tree;
                self.changes += 1;
                different.iter().for_each(|path| self.fire(path));
                return Ok(ok);
            }
            kind if kind == Kind::Write as u32 => {
                let start = words[0].len() + 1;
                tree.insert(path.clone(), payload[start..].to_vec());
                true
            }
            kind if kind == Kind::Mkdir as u32 => {
                tree.entry(path.clone()).or_default();
                true
            }
            kind if kind == Kind::Rm as u32 => {
                if !exists(tree) {
                    return Err("ENOENT");
                }
                tree.retain(|name, _| *name != path && !name.starts_with(&below));
                true
            }
            _ => return Err("ENOSYS"),
        };
        if changed && header.transaction == 0 {
            self.changes += 1;
            self.fire(&path);
        }
        Ok(ok)
    }
}

/// The client's way to the server: it runs when it is notified.
struct FakeChannel(Rc<RefCell<Server>>);

impl Channel for FakeChannel {
    fn notify(&mut self) {
        let mut server = self.0.borrow_mut();
        server.notifications += 1;
        server.run();
    }

    fn now(&self) -> u64 {
        self.0.borrow().clock
    }

    fn forget_notifications(&mut self) {
        self.0.borrow_mut().notifies = false;
    }

    fn sleep(&mut self, deadline: u64) {
        let mut server = self.0.borrow_mut();
        server.sleeps += 1;
        let before = server.clock;
        if let Some(mut meanwhile) = server.meanwhile.take() {
            meanwhile(&mut server);
            server.meanwhile.get_or_insert(meanwhile);
        }
        server.run();
        if !server.notifies && server.clock == before {
            server.clock = server.clock.max(deadline);
        }
    }
}

/// A server with an empty tree, and a connection to it whose indices begin at `start`.
pub fn connect(start: u32) -> (Rc<RefCell<Server>>, Xenstore) {
    let (end, ring) = ring(start);
    let server = Rc::new(RefCell::new(Server {
        end,
        assembler: Assembler::default(),
        output: VecDeque::new(),
        tree: Tree::new(),
        changes: 0,
        transactions: BTreeMap::new(),
        last_transaction: 0,
        watches: Vec::new(),
        clock: 1,
        notifications: 0,
        sleeps: 0,
        notifies: false,
        requests: 0,
        is_dead: false,
        held: Vec::new(),
        holds: false,
        lie: None,
        meanwhile: None,
    }));
    let store = Xenstore::new(ring, Box::new(FakeChannel(server.clone())));
    (server, store)
}
