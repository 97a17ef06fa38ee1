//! How many funs there are of one `fun` expression: what `erlang:fun_info(Fun, refc)` says.
//!
//! OTP counts references when funs are made and collected. Here nobody but this question wants the number, so it is found by looking: at
//! the heap of every process, of which each part is a row of complete objects, and at every row of every table. Like OTP's number it has
//! garbage in it that was not collected yet.

use crate::ets::table::Store;
use crate::machine::Machine;
use crate::process::Process;
use crate::term::{Header, Subtag};

/// The module that has the code counts as one.
const MODULE: usize = 1;

/// Funs of the entry at this address, and the module.
pub fn count(machine: &Machine, entry: *const u64) -> usize {
    let processes = machine.processes.table.iter().map(|process| {
        // SAFETY: the process is in the table, so it is alive; it is looked at only.
        in_process(unsafe { process.as_ref() }, entry)
    });
    let tables = machine
        .ets
        .iter()
        .map(|table| in_store(&table.store, entry));
    MODULE + processes.sum::<usize>() + tables.sum::<usize>()
}

fn in_process(process: &Process, entry: *const u64) -> usize {
    let heap = &process.heap;
    let young = (process.heap_top() as usize - heap.block.start() as usize) / 8;
    let parts = heap
        .outside()
        .map(|fragment| (fragment.block.start().cast_const(), fragment.used));
    parts
        .chain([(heap.block.start().cast_const(), young)])
        // SAFETY: so many words of the block are in use.
        .map(|(start, used)| in_row(unsafe { core::slice::from_raw_parts(start, used) }, entry))
        .sum()
}

fn in_store(store: &Store, entry: *const u64) -> usize {
    match store {
        Store::Hash(hash) => (0..hash.buckets())
            .flat_map(|bucket| hash.chain(bucket))
            .filter(|object| !object.deleted)
            .map(|object| in_row(object.words(), entry))
            .sum(),
        Store::Ordered(ordered) => {
            let mut place = ordered.first();
            let mut found = 0;
            while let Some(object) = ordered.object(place) {
                found += in_row(object.words(), entry);
                place = ordered.after(place);
            }
            found
        }
    }
}

/// Funs in a row of complete objects: a header says how many words its object has; what is no header is a word of a list's cell.
fn in_row(row: &[u64], entry: *const u64) -> usize {
    let (mut at, mut found) = (0, 0);
    while let Some(&word) = row.get(at) {
        at += 1;
        if Header::is_header(word) {
            let header = Header(word);
            let is_it = header.subtag() == Subtag::Fun && row.get(at) == Some(&(entry as u64));
            found += usize::from(is_it);
            at += header.arity();
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_walked_object_by_object() {
        let entry = 0x1000u64;
        let fun = Header::new(Subtag::Fun, 3).0;
        let float = Header::new(Subtag::Float, 1).0;
        // A cell; a fun; a float whose value looks like a fun's header; another fun.
        let row = [15, 31, fun, entry, 0, 15, float, fun, fun, 0x2000, 0, 15];
        assert_eq!(in_row(&row, entry as *const u64), 1);
        assert_eq!(in_row(&row, 0x2000 as *const u64), 1);
        assert_eq!(in_row(&row[..3], entry as *const u64), 0);
    }
}
