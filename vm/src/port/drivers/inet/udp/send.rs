//! Messages to send: commands of `prim_inet:sendto/4`. An address, the length of what is to go beside the message, that, the message.
//!
//! Each is answered with `{inet_reply, Socket, ok | {error, Reason}}` at once: a message is sent or it is not.

use super::Udp;
use crate::platform::network::{Address, Control};
use crate::port::driver::Handle;
use crate::port::drivers::inet::reader::Reader;
use crate::port::drivers::inet::reply::{INVALID, Refusal};
use crate::port::drivers::inet::socket::Caller;
use crate::port::drivers::inet::wire::option;
use crate::port::drivers::inet::{address, messages, request, tag};
use crate::term::Term;
use alloc::vec::Vec;

impl Udp {
    /// Sends a message for `caller` and tells him how that went.
    pub(super) fn send(&mut self, at: &mut Handle, caller: Option<Term>, data: Vec<u8>) {
        let mut reader = Reader::new(&data);
        let tag = tag::take(at, &mut reader);
        let sent = self.sent(at, &mut reader);
        if let Some(pid) = caller {
            let caller = Caller { pid, tag };
            messages::reply(at, &caller, sent);
        }
    }

    fn sent(&mut self, at: &mut Handle, reader: &mut Reader) -> Result<(), Refusal> {
        if !self.socket.is_open() {
            return Err(INVALID);
        }
        let descriptor = self.socket.descriptor()?;
        // Connected or not, a command has an address.
        let mut to = address::decode(reader, request::family(&self.socket))?;
        if self.socket.is_connected() {
            to = Address::Unspecified;
        }
        let beside = reader.u32()?;
        let beside = reader.take(usize::try_from(beside).map_err(|_| INVALID)?)?;
        let control = control(beside)?;
        let message = reader.rest();
        self.socket.statistics.sent.add(message.len());
        at.network()?.send_to(descriptor, &to, message, &control)?;
        Ok(())
    }
}

/// What is to go beside a message: options and their values.
fn control(bytes: &[u8]) -> Result<Control, Refusal> {
    let mut reader = Reader::new(bytes);
    let mut control = Control::default();
    while !reader.is_empty() {
        let (code, value) = (reader.u8()?, reader.i32()?);
        let value = Some(u8::try_from(value).map_err(|_| INVALID)?);
        match code {
            option::TYPE_OF_SERVICE => control.type_of_service = value,
            option::TIME_TO_LIVE => control.time_to_live = value,
            option::TRAFFIC_CLASS => control.traffic_class = value,
            _ => return Err(INVALID),
        }
    }
    Ok(control)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_beside_is_read() {
        let bytes = [
            option::TYPE_OF_SERVICE,
            0,
            0,
            0,
            32,
            option::TIME_TO_LIVE,
            0,
            0,
            0,
            7,
        ];
        let expected = Control {
            type_of_service: Some(32),
            traffic_class: None,
            time_to_live: Some(7),
        };
        assert_eq!(control(&bytes), Ok(expected));
        assert_eq!(control(&[]), Ok(Control::default()));
        assert_eq!(control(&bytes[..9]), Err(INVALID));
        assert_eq!(control(&[option::LINGER, 0, 0, 0, 1]), Err(INVALID));
        assert_eq!(control(&[option::TIME_TO_LIVE, 0, 0, 1, 0]), Err(INVALID));
    }
}
