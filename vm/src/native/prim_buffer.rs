//! `prim_buffer`: byte buffers for `file:read_line/1` and `read_ahead`, as references.
//!
//! Small writes are gathered in a block before they join the queue, so a buffer that is filled byte by byte does not consist of
//! blocks of a byte. A read or a skip joins them first.
//!
//! Invariant: bytes of the gathering block come behind those of the queue.

use super::io_queue::{IoQueue, each_binary};
use super::{Library, native};
use crate::atom::am;
use crate::bif::{Class, Context, Fail, Value};
use crate::bits::new_uninit;
use crate::bits::view::view;
use crate::memory::off_heap::BinaryRef;
use crate::memory::resource::{Resource, resource};
use crate::memory::{Arena, NoMemory};
use crate::term::Term;
use core::cell::RefMut;

/// The library.
pub static LIBRARY: Library = Library {
    module: "prim_buffer",
    functions: &[
        native("new", 0, new_0),
        native("size", 1, size_1),
        native("peek_head", 1, peek_head_1),
        native("copying_read", 2, copying_read_2),
        native("write", 2, write_2),
        native("skip", 2, skip_2),
        native("find_byte_index", 2, find_byte_index_2),
        native("try_lock", 1, try_lock_1),
        native("unlock", 1, unlock_1),
    ],
};

/// Bytes of a gathering block (OTP's `ACCUMULATOR_SIZE`).
const GATHERED_BYTES: usize = 2048;

/// Binaries of a list that count as one write (OTP looks at as many at a time).
const BATCH: usize = 64;

/// Bytes that one reduction pays for.
const BYTES_PER_REDUCTION: usize = 256;

struct Buffer {
    queue: IoQueue,
    gathered: Option<BinaryRef>,
    gathered_bytes: usize,
    locked: bool,
}

impl Resource for Buffer {}

impl Buffer {
    fn size(&self) -> usize {
        self.queue.size() + self.gathered_bytes
    }

    /// Puts what was gathered into the queue.
    fn join(&mut self) -> Result<(), NoMemory> {
        let size = core::mem::take(&mut self.gathered_bytes);
        match self.gathered.take() {
            Some(block) => self.queue.push_block(block, 0..size),
            None => Ok(()),
        }
    }

    /// Copies binaries of `size` bytes in all to the gathering block, if it and they are small enough; whether it did.
    fn gather(&mut self, list: Term, size: usize) -> Result<bool, Fail> {
        if self.gathered_bytes + size >= GATHERED_BYTES {
            if size >= GATHERED_BYTES / 2 {
                return Ok(false);
            }
            self.join()?;
        }
        let block = match &self.gathered {
            Some(block) => block,
            None => self.gathered.insert(BinaryRef::allocate(GATHERED_BYTES)?),
        };
        // SAFETY: the block has that many bytes, all initialised, and belongs to this buffer alone until it is joined.
        let room = unsafe { core::slice::from_raw_parts_mut(block.bytes(), GATHERED_BYTES) };
        let used = &mut self.gathered_bytes;
        each_binary(list, BATCH, |binary| {
            let bytes = view(&binary).ok_or(Fail::Badarg)?.to_bytes()?;
            let bytes = bytes.ok_or(Fail::Badarg)?;
            room[*used..*used + bytes.len()].copy_from_slice(&bytes);
            *used += bytes.len();
            Ok(())
        })?;
        Ok(true)
    }
}

fn buffer(term: &Term) -> Result<RefMut<'_, Buffer>, Fail> {
    resource(term).ok_or(Fail::Badarg)
}

/// The buffer with everything in its queue.
fn joined(term: &Term) -> Result<RefMut<'_, Buffer>, Fail> {
    let mut buffer = buffer(term)?;
    buffer.join()?;
    Ok(buffer)
}

/// A number of bytes that there are.
fn count(buffer: &Buffer, term: Term) -> Result<usize, Fail> {
    let count = term
        .as_small()
        .and_then(|count| usize::try_from(count).ok());
    count
        .filter(|count| *count <= buffer.queue.size())
        .ok_or(Fail::Badarg)
}

fn new_0(cx: &mut Context, _: &[Term]) -> Value {
    let buffer = cx.new_resource(Buffer {
        queue: IoQueue::new(),
        gathered: None,
        gathered_bytes: 0,
        locked: false,
    })?;
    Ok(buffer.term(cx)?)
}

fn size_1(_: &mut Context, args: &[Term]) -> Value {
    Ok(Term::small(buffer(&args[0])?.size() as i64))
}

/// The first binary of the queue, which stays there; `badarg` if there is none.
fn peek_head_1(cx: &mut Context, args: &[Term]) -> Value {
    joined(&args[0])?.queue.head_term(cx)?.ok_or(Fail::Badarg)
}

/// Takes bytes out, as one binary.
fn copying_read_2(cx: &mut Context, args: &[Term]) -> Value {
    let mut buffer = joined(&args[0])?;
    let count = count(&buffer, args[1])?;
    cx.bump_reductions(count / BYTES_PER_REDUCTION);
    let (term, bytes) = new_uninit(cx, count)?;
    // SAFETY: a new object of that many bytes, initialised here; nobody else has it.
    let bytes = unsafe {
        bytes.write_bytes(0, count);
        core::slice::from_raw_parts_mut(bytes, count)
    };
    buffer.queue.copy_to(bytes);
    buffer.queue.consume(count);
    Ok(term)
}

/// Puts a list of binaries in.
fn write_2(cx: &mut Context, args: &[Term]) -> Value {
    let mut buffer = buffer(&args[0])?;
    let mut rest = args[1];
    if !rest.is_list() {
        return Err(Fail::Badarg);
    }
    while !rest.is_nil() {
        let mut size = 0;
        let tail = each_binary(rest, BATCH, |binary| {
            size += view(&binary).map_or(0, |bits| bits.size / 8);
            Ok(())
        })?;
        if !buffer.gather(rest, size)? {
            buffer.join()?;
            each_binary(rest, BATCH, |binary| buffer.queue.push(binary))?;
        }
        cx.bump_reductions(1);
        rest = tail;
    }
    Ok(am::OK.term())
}

/// Takes bytes out and forgets them.
fn skip_2(_: &mut Context, args: &[Term]) -> Value {
    let mut buffer = joined(&args[0])?;
    let count = count(&buffer, args[1])?;
    buffer.queue.consume(count);
    Ok(am::OK.term())
}

/// `{ok, Index}` of the first byte of that value, or `not_found`.
fn find_byte_index_2(cx: &mut Context, args: &[Term]) -> Value {
    let buffer = joined(&args[0])?;
    let needle = args[1].as_small().and_then(|byte| u8::try_from(byte).ok());
    let found = buffer.queue.position(needle.ok_or(Fail::Badarg)?);
    let seen = found.unwrap_or(buffer.queue.size());
    cx.bump_reductions(seen / BYTES_PER_REDUCTION / 16);
    match found {
        Some(index) => Ok(cx.tuple(&[am::OK.term(), Term::small(index as i64)])?),
        None => Ok(am::NOT_FOUND.term()),
    }
}

/// `acquired`, or `busy` if somebody else has the lock, which is nothing but a mark.
fn try_lock_1(_: &mut Context, args: &[Term]) -> Value {
    let mut buffer = buffer(&args[0])?;
    Ok(match core::mem::replace(&mut buffer.locked, true) {
        false => am::ACQUIRED.term(),
        true => am::BUSY.term(),
    })
}

fn unlock_1(cx: &mut Context, args: &[Term]) -> Value {
    if core::mem::take(&mut buffer(&args[0])?.locked) {
        return Ok(am::OK.term());
    }
    Err(cx.raise(Class::Error, am::LOCK_ORDER_VIOLATION.term()))
}
