//! A netfront as a link of TCP/IP.
//!
//! Invariant: the device is borrowed for the length of a call, and calls do not nest: TCP/IP sends nothing while a frame is being
//! handed to it.

use crate::devices::ThisGuest;
use starling_net::link::{Full, Incoming, Link, Offload, Outgoing};
use starling_xen::net::connection::Shared;
use starling_xen::net::{self as vif};

/// The link of one virtual interface.
pub struct VifLink(Shared<ThisGuest>);

impl VifLink {
    /// The link of `device`.
    pub fn new(device: Shared<ThisGuest>) -> VifLink {
        VifLink(device)
    }
}

impl Link for VifLink {
    fn address(&self) -> [u8; 6] {
        self.0.borrow().address()
    }

    fn mtu(&self) -> usize {
        self.0.borrow().mtu()
    }

    fn offload(&self) -> Offload {
        let capabilities = self.0.borrow().capabilities();
        Offload {
            checksum_v4: capabilities.checksum_v4,
            checksum_v6: capabilities.checksum_v6,
            segment_v4: capabilities.segment_v4,
            segment_v6: capabilities.segment_v6,
        }
    }

    fn is_up(&self) -> bool {
        self.0.borrow().is_up()
    }

    fn receive(&mut self, take: &mut dyn FnMut(&mut [u8], Incoming)) -> bool {
        self.0.borrow_mut().receive(&mut |frame, incoming| {
            take(
                frame,
                Incoming {
                    checksum_good: incoming.checksum_good,
                },
            );
        })
    }

    fn can_transmit(&self, len: usize) -> bool {
        self.0.borrow_mut().can_transmit(len)
    }

    fn transmit(
        &mut self,
        len: usize,
        fill: &mut dyn FnMut(&mut [u8]) -> Outgoing,
    ) -> Result<(), Full> {
        let sent = self.0.borrow_mut().transmit(len, &mut |frame| {
            let outgoing = fill(frame);
            vif::Outgoing {
                checksum_blank: outgoing.checksum_blank,
                segment_size: outgoing.segment_size,
            }
        });
        sent.map_err(|vif::Full| Full)
    }

    fn flush(&mut self) {
        self.0.borrow_mut().flush();
    }
}
