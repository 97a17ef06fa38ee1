//! Terms in a dump: each as a short value, and what is on a heap by its address, once.
//!
//! ```text
//! I42  A2:ok  N  P<0.1.0>  p<0.1>          a small integer, atom, [], pid, port
//! H7F00:                                   what is at that address:
//! 7F00:lI1|N                               a list cell
//! 7F00:t2:I1,I2                            a tuple
//! 7F00:F4:1.50   7F00:B123                 a float, a large integer
//! 7F00:Yh2:YWI=  7F00:Yc8F00:0:40          bytes (base64); part of a =binary section
//! 7F00:Mf1:H..:I1  7F00:Mh28:2:H..,H..     a flat map's keys and values; a trie, its nodes Mn2:H..,H..
//! 7F00:E5:g2EB                             anything else: its external format
//! ```
//! Numbers are hexadecimal, but for integers' own digits.
//!
//! Invariant: no recursion; what is yet to be written stands on a list. When there is no memory for the list, or to remember what was written,
//! the rest of the process's heap is left out.

use crate::bif::binaries_of;
use crate::bits::view::view;
use crate::machine::Machine;
use crate::map;
use crate::memory::off_heap::Binary;
use crate::process::Process;
use crate::term::etf::encode;
use crate::term::print::Printed;
use crate::term::{Subtag, Term};
use alloc::vec::Vec;
use core::fmt::{Result, Write};
use hashbrown::HashSet;

/// What of a term is written of other terms: a value, or the address of what is written on a line of its own.
pub fn value(machine: &Machine, term: Term, out: &mut dyn Write) -> Result {
    if let Some(integer) = term.as_small() {
        return write!(out, "I{integer}");
    }
    if let Some(atom) = term.as_atom() {
        let name = machine.atoms.name(atom);
        return write!(out, "A{:X}:{name}", name.len());
    }
    if term.is_nil() {
        return out.write_char('N');
    }
    if term.is_local_pid() {
        return write!(out, "P{}", Printed(&machine.atoms, term));
    }
    if term.is_local_port() {
        return write!(out, "p<0.{}>", term.identifier_data());
    }
    match term.is_cons() || term.is_boxed() {
        true => write!(out, "H{:X}", address(term)),
        // A catch word, or no value at all.
        false => out.write_char('N'),
    }
}

fn address(term: Term) -> usize {
    term.pointer() as usize
}

/// The objects of one process.
pub struct Heap<'m> {
    machine: &'m Machine,
    written: HashSet<usize>,
    /// What is to be written, and whether it is a node below the root of a large map.
    left: Vec<(Term, bool)>,
}

impl<'m> Heap<'m> {
    /// Nothing is written yet.
    pub fn new(machine: &'m Machine) -> Heap<'m> {
        Heap {
            machine,
            written: HashSet::new(),
            left: Vec::new(),
        }
    }

    /// Remembers that `term` is to be written, if it has a line of its own and none yet.
    fn push(&mut self, term: Term) {
        self.push_part(term, false);
    }

    fn push_part(&mut self, term: Term, node: bool) {
        if (term.is_cons() || term.is_boxed())
            && self.written.try_reserve(1).is_ok()
            && self.left.try_reserve(1).is_ok()
            && self.written.insert(address(term))
        {
            self.left.push((term, node));
        }
    }

    /// Writes `term` and all that it refers to, other than what was written before.
    pub fn write(&mut self, term: Term, out: &mut dyn Write) -> Result {
        self.push(term);
        while let Some((term, node)) = self.left.pop() {
            write!(out, "{:X}:", address(term))?;
            self.object(term, node, out)?;
            out.write_char('\n')?;
        }
        Ok(())
    }

    fn values(&mut self, terms: &[Term], out: &mut dyn Write) -> Result {
        for (index, &term) in terms.iter().enumerate() {
            if index > 0 {
                out.write_char(',')?;
            }
            value(self.machine, term, out)?;
        }
        terms.iter().rev().for_each(|&term| self.push(term));
        Ok(())
    }

    fn object(&mut self, term: Term, node: bool, out: &mut dyn Write) -> Result {
        if let Some(cell) = term.as_cons() {
            out.write_char('l')?;
            value(self.machine, cell.head, out)?;
            out.write_char('|')?;
            value(self.machine, cell.tail, out)?;
            self.push(cell.tail);
            self.push(cell.head);
            return Ok(());
        }
        if let Some(elements) = term.as_tuple() {
            write!(out, "t{:X}:", elements.len())?;
            return self.values(elements, out);
        }
        if let Some(float) = term.as_float() {
            let mut text = super::stack::Gathered::default();
            write!(text, "{float:.20e}")?;
            let text = text.0;
            return write!(out, "F{:X}:{text}", text.len());
        }
        match term.subtag() {
            Some(Subtag::BigPositive | Subtag::BigNegative) => {
                write!(out, "B{}", Printed(&self.machine.atoms, term))
            }
            Some(Subtag::FlatMap | Subtag::HashMap) => self.map(term, node, out),
            Some(Subtag::HeapBits | Subtag::RefcBits | Subtag::SubBits) => bits(term, out),
            _ => {
                let options = encode::Options::default();
                match encode::encode(&self.machine.atoms, term, &options) {
                    Ok(bytes) => {
                        write!(out, "E{:X}:", bytes.len())?;
                        base64(&bytes, out)
                    }
                    Err(_) => out.write_char('N'),
                }
            }
        }
    }

    fn map(&mut self, term: Term, node: bool, out: &mut dyn Write) -> Result {
        if let Some(children) = map::trie_children(&term) {
            match node {
                false => write!(out, "Mh{:X}:{:X}:", map::size(term), children.len())?,
                true => write!(out, "Mn{:X}:", children.len())?,
            }
            for (index, &child) in children.iter().enumerate() {
                if index > 0 {
                    out.write_char(',')?;
                }
                value(self.machine, child, out)?;
                self.push_part(child, !child.is_cons());
            }
            return Ok(());
        }
        write!(out, "Mf{:X}:", map::size(term))?;
        if let Some(keys) = map::key_tuple(term) {
            value(self.machine, keys, out)?;
            out.write_char(':')?;
            self.push(keys);
            for (index, key) in keys.as_tuple().unwrap_or(&[]).iter().enumerate() {
                if index > 0 {
                    out.write_char(',')?;
                }
                let item = map::get(term, *key).unwrap_or(Term::NIL);
                value(self.machine, item, out)?;
                self.push(item);
            }
        }
        Ok(())
    }
}

/// Bytes: here, or where in a `=binary` section. What is left of a byte at the end is dropped, as OTP does.
fn bits(term: Term, out: &mut dyn Write) -> Result {
    let Some(mut bits) = view(&term) else {
        return out.write_char('N');
    };
    bits.size &= !7;
    let base = crate::bits::make::base_of(term);
    if let Some(words) = base.as_object(Subtag::RefcBits)
        && bits.offset & 7 == 0
    {
        return write!(
            out,
            "Yc{:X}:{:X}:{:X}",
            words[1],
            bits.offset / 8,
            bits.size / 8
        );
    }
    match bits.to_bytes() {
        Ok(Some(bytes)) => {
            write!(out, "Yh{:X}:", bytes.len())?;
            base64(&bytes, out)
        }
        _ => out.write_str("Yh0:"),
    }
}

/// A section for each binary off the heaps, with its bytes.
pub fn binaries<'p>(processes: impl Iterator<Item = &'p Process>, out: &mut dyn Write) -> Result {
    let mut written = HashSet::new();
    for process in processes {
        for binary in binaries_of(process) {
            if written.try_reserve(1).is_err() || !written.insert(binary) {
                continue;
            }
            // SAFETY: a process that refers to a binary keeps it alive, and its used bytes are initialised.
            let bytes = unsafe {
                let used = binary.as_ref().used_bits / 8;
                core::slice::from_raw_parts(Binary::bytes(binary), used)
            };
            writeln!(out, "=binary:{:X}", binary.as_ptr() as usize)?;
            write!(out, "{:X}:", bytes.len())?;
            base64(bytes, out)?;
            out.write_char('\n')?;
        }
    }
    Ok(())
}

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn base64(bytes: &[u8], out: &mut dyn Write) -> Result {
    for chunk in bytes.chunks(3) {
        let mut group = [0; 3];
        group[..chunk.len()].copy_from_slice(chunk);
        let bits = u32::from_be_bytes([0, group[0], group[1], group[2]]);
        for place in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * place) & 63) as usize];
            out.write_char(if place > chunk.len() {
                '='
            } else {
                digit as char
            })?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::String;

    #[test]
    fn base64_pads() {
        for (bytes, text) in [("", ""), ("a", "YQ=="), ("ab", "YWI="), ("abc", "YWJj")] {
            let mut out = String::new();
            base64(bytes.as_bytes(), &mut out).unwrap();
            assert_eq!(out, text);
        }
    }
}
