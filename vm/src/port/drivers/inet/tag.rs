//! What a command begins with since OTP 26: a reference of the process that sends it, which stands in the answer, so that it is found among
//! many messages. Two bytes of length, and the reference in the local external format.
//!
//! No other data begins so, because nobody knows the number of this run of the machine; so the data itself tells whether it has one.

use super::reader::Reader;
use crate::port::driver::Handle;
use crate::port::output::Output;
use crate::process::reference::RefNumber;
use crate::term::etf::local::{self, Local};

/// Bytes of a tag, its length included.
const TAG_BYTES: usize = 2 + local::REFERENCE_BYTES;

/// The tag that `bytes` begin with.
fn tag(at: &Handle, bytes: &[u8]) -> Option<RefNumber> {
    let run = at.machine.processes.references.run;
    let (size, rest) = bytes.split_first_chunk::<2>()?;
    match local::decode(run, rest)? {
        (Local::Reference(tag), used) if usize::from(u16::from_be_bytes(*size)) == used => {
            Some(tag)
        }
        _ => None,
    }
}

/// Takes it from the start of a command, if there is one.
pub fn take(at: &Handle, reader: &mut Reader) -> Option<RefNumber> {
    let tag = tag(at, reader.peek(TAG_BYTES)?)?;
    reader.skip(TAG_BYTES);
    Some(tag)
}

/// As [`take`], of bytes that may lie apart.
pub fn take_from(at: &Handle, data: &mut Output) -> Option<RefNumber> {
    let mut start = [0; TAG_BYTES];
    if !data.copy_start(&mut start) {
        return None;
    }
    let tag = tag(at, &start)?;
    data.advance(TAG_BYTES);
    Some(tag)
}
