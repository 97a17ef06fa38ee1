//! Packets that come: headers are read, pieces are put together, and what is complete is handed to [`super::control`].
//!
//! Invariant: whatever the bytes are, they are a signal, a reason to close the connection, or nothing; never more. What they make the
//! machine allocate is in proportion to how many came.
//!
//! Who calls this: ports that carry a connection ([`crate::port::deliver`]), and `dist_ctrl_put_data/2`.

use super::atom_cache::BadHeader;
use super::connection::Partial;
use super::output::{FIRST_FRAGMENT, FRAGMENT_HEADER, HEADER, PASS_THROUGH};
use super::{control, down};
use crate::machine::Machine;
use crate::term::Atom;
use crate::term::etf::{DecodeError, VERSION};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// Why a connection is closed.
#[derive(Debug)]
pub enum Malformed {
    /// What is wrong with the packet.
    Packet(&'static str),
    /// Its header is wrong.
    Header(BadHeader),
    /// A term in it is none.
    Term(DecodeError),
}

impl From<BadHeader> for Malformed {
    fn from(error: BadHeader) -> Malformed {
        Malformed::Header(error)
    }
}

impl From<DecodeError> for Malformed {
    fn from(error: DecodeError) -> Malformed {
        Malformed::Term(error)
    }
}

impl Malformed {
    fn text(&self) -> String {
        match self {
            Malformed::Packet(what) => format!("it sent a packet {what}"),
            Malformed::Header(BadHeader::Truncated) => {
                String::from("it sent a packet that ends within its header")
            }
            Malformed::Header(BadHeader::EmptySlot) => {
                String::from("it sent a reference to an atom that it has never sent")
            }
            Malformed::Header(BadHeader::Name) => {
                String::from("it sent the name of an atom that cannot be one")
            }
            Malformed::Header(BadHeader::NoRoom) => {
                String::from("there is no room for the atoms that it sends")
            }
            Malformed::Term(error) => format!("it sent what is no term: {error}"),
        }
    }
}

/// A complete message: a control message and, for some, a payload behind it.
pub struct Message<'a> {
    /// The bytes.
    pub bytes: &'a [u8],
    /// Atoms that the header named.
    pub atoms: &'a [Atom],
    /// Whether each term begins with a version byte.
    pub has_versions: bool,
}

/// Takes a packet of `node` in. One that makes no sense closes the connection.
pub fn packet(machine: &mut Machine, node: Atom, bytes: &[u8]) {
    let Some(connection) = machine.distribution.get(node) else {
        return;
    };
    connection.packets_in += 1;
    // One without bytes says that the other node is alive, and that is all.
    if bytes.is_empty() || connection.is_broken {
        return;
    }
    if let Err(error) = read(machine, node, bytes) {
        down::break_connection(machine, node, &error.text());
    }
}

fn read(machine: &mut Machine, node: Atom, bytes: &[u8]) -> Result<(), Malformed> {
    match *bytes {
        [PASS_THROUGH, ..] => {
            let message = Message {
                bytes: &bytes[1..],
                atoms: &[],
                has_versions: true,
            };
            control::carry_out(machine, node, &message)
        }
        [VERSION, HEADER, ref rest @ ..] => {
            let (atoms, bytes) = header(machine, node, rest)?;
            let message = Message {
                bytes,
                atoms: &atoms,
                has_versions: false,
            };
            control::carry_out(machine, node, &message)
        }
        [VERSION, FIRST_FRAGMENT, ref rest @ ..] => first(machine, node, rest),
        [VERSION, FRAGMENT_HEADER, ref rest @ ..] => more(machine, node, rest),
        _ => Err(Malformed::Packet("of an unknown kind")),
    }
}

fn header<'a>(
    machine: &mut Machine,
    node: Atom,
    bytes: &'a [u8],
) -> Result<(Vec<Atom>, &'a [u8]), Malformed> {
    let Machine {
        distribution,
        atoms,
        ..
    } = machine;
    let connection = distribution.get(node);
    let connection = connection.ok_or(Malformed::Packet("without a connection"))?;
    Ok(connection.received_atoms.read(atoms, bytes)?)
}

/// The numbers of a piece: of its message, and its own.
fn numbers(bytes: &[u8]) -> Result<(u64, u64, &[u8]), Malformed> {
    let truncated = Malformed::Packet("that ends within its header");
    let Some((&sequence, rest)) = bytes.split_first_chunk() else {
        return Err(truncated);
    };
    let Some((&number, rest)) = rest.split_first_chunk() else {
        return Err(truncated);
    };
    Ok((
        u64::from_be_bytes(sequence),
        u64::from_be_bytes(number),
        rest,
    ))
}

/// The first of several pieces.
fn first(machine: &mut Machine, node: Atom, bytes: &[u8]) -> Result<(), Malformed> {
    let (sequence, number, rest) = numbers(bytes)?;
    let (atoms, bytes) = header(machine, node, rest)?;
    if number <= 1 {
        let message = Message {
            bytes,
            atoms: &atoms,
            has_versions: false,
        };
        return control::carry_out(machine, node, &message);
    }
    let mut partial = Partial {
        last: number,
        atoms,
        bytes: Vec::new(),
    };
    append(&mut partial.bytes, bytes)?;
    let Some(connection) = machine.distribution.get(node) else {
        return Ok(());
    };
    match connection.partial.insert(sequence, partial) {
        None => Ok(()),
        Some(_) => Err(Malformed::Packet("that begins a message twice")),
    }
}

/// One of the other pieces.
fn more(machine: &mut Machine, node: Atom, bytes: &[u8]) -> Result<(), Malformed> {
    let (sequence, number, bytes) = numbers(bytes)?;
    let Some(connection) = machine.distribution.get(node) else {
        return Ok(());
    };
    let partial = connection.partial.get_mut(&sequence);
    let partial = partial.ok_or(Malformed::Packet("of a message that has not begun"))?;
    if number == 0 || number.wrapping_add(1) != partial.last {
        return Err(Malformed::Packet("out of order"));
    }
    partial.last = number;
    append(&mut partial.bytes, bytes)?;
    if number > 1 {
        return Ok(());
    }
    let Some(whole) = connection.partial.remove(&sequence) else {
        return Ok(());
    };
    let message = Message {
        bytes: &whole.bytes,
        atoms: &whole.atoms,
        has_versions: false,
    };
    control::carry_out(machine, node, &message)
}

fn append(to: &mut Vec<u8>, bytes: &[u8]) -> Result<(), Malformed> {
    let reserved = to.try_reserve(bytes.len());
    reserved.map_err(|_| Malformed::Term(DecodeError::NoMemory))?;
    to.extend_from_slice(bytes);
    Ok(())
}
