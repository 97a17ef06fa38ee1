//! What a command begins with since OTP 26: a reference of the process that sends it, which stands in the answer, so that it is found among
//! many messages. Two bytes of length, and the reference in external term format.

use super::reader::Reader;
use super::reply::{INVALID, Refusal};
use crate::memory::heap::Parcel;
use crate::port::driver::Handle;
use crate::process::reference::RefNumber;
use crate::term::etf;

/// The first release whose commands have it.
pub const SINCE: u32 = 26;

/// Takes it from the start of a command, if the release that runs has it. `einval` if it is none.
pub fn take(at: &mut Handle, reader: &mut Reader) -> Result<Option<RefNumber>, Refusal> {
    if at.machine.release_number() < SINCE {
        return Ok(None);
    }
    let length = reader.u16()?;
    let bytes = reader.take(length.into())?;
    reference(at, bytes).map(Some).ok_or(INVALID)
}

/// The reference of this node that an external term is.
pub fn reference(at: &mut Handle, bytes: &[u8]) -> Option<RefNumber> {
    let mut parcel = Parcel::new();
    let options = etf::Options::default();
    let atoms = &mut at.machine.atoms;
    let decoded = etf::decode(bytes, atoms, &mut parcel, &mut etf::NoFuns, &options);
    RefNumber::of(decoded.ok()?.0)
}
