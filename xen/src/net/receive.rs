//! Packets from the backend.
//!
//! All pages of the pool are posted; the backend copies packets into them, in the order of the requests. What comes is
//! copied once more, into memory that the backend cannot reach, before anybody reads it: the parts of a packet are
//! joined on that occasion, and the page can be posted again at once. (Ending the grant instead would save the copy of
//! bytes that the caches hold, and cost two atomic operations on a line that Xen shares for each page.)
//!
//! Invariant: a response is taken from the ring once and acted upon at once; what is left between two responses is the
//! state of the packet under way. The slot at which a response stands says which request it answers; its id must say
//! the same.

use super::abi::{
    ETHERNET_HEADER, EXTRA_GSO, EXTRA_MORE, ExtraInfo, GSO_TCP_V4, GSO_TCP_V6, MAX_SLOTS,
    RxRequest, RxResponse, rx_flag,
};
use super::fault::{Fault, Ring};
use super::pool::{MAX_PAGES, Pool, RingPage};
use super::{Incoming, Statistics};
use crate::PAGE_SIZE;
use crate::ring::FrontRing;
use alloc::boxed::Box;
use alloc::vec::Vec;

/// Marks a slot of the ring that has no request of ours.
const NOT_POSTED: u16 = u16::MAX;
/// Requests that are written before they are shown without being asked.
const BATCH: u32 = 32;

/// The packet under way.
#[derive(Clone, Copy, Default)]
struct Packet {
    /// Slots of data so far.
    slots: usize,
    /// Bytes so far.
    len: usize,
    /// A part of it could not be delivered: it is dropped when it is complete.
    damaged: bool,
    /// Flags of its first slot.
    flags: u16,
    /// The flags of the last slot say that it goes on.
    more_data: bool,
    /// The next slot holds additional information.
    extra_next: bool,
    /// It has had some.
    had_extra: bool,
}

/// The receiving half of a connection.
pub struct Receive {
    pub pool: Pool,
    pub page: RingPage,
    ring: FrontRing<RxRequest, RxResponse>,
    /// The page that was posted in each slot of the ring.
    posted: [u16; MAX_PAGES],
    packet: Packet,
    /// Where packets are put together.
    joined: Box<[u8]>,
    /// Packets of segments were agreed upon.
    segments: bool,
    /// Requests were shown that the backend wants to hear of.
    pub notify: bool,
    /// Responses taken.
    pub taken: u64,
}

/// Room for the longest packet. `None` if there is no memory.
pub fn room_for_packets() -> Option<Box<[u8]>> {
    const LEN: usize = MAX_SLOTS * PAGE_SIZE;
    let mut room = Vec::new();
    room.try_reserve_exact(LEN).ok()?;
    room.resize(LEN, 0);
    Some(room.into_boxed_slice())
}

impl Receive {
    /// An empty ring in `page`, with all free pages of `pool` posted. `joined` is from [`room_for_packets`].
    pub fn new(pool: Pool, page: RingPage, joined: Box<[u8]>, segments: bool) -> Self {
        let mut receive = Self {
            // SAFETY: the page is owned together with the ring, and mapped until it is disposed of.
            ring: unsafe { FrontRing::new(page.page().base()) },
            pool,
            page,
            posted: [NOT_POSTED; MAX_PAGES],
            packet: Packet::default(),
            joined,
            segments,
            notify: false,
            taken: 0,
        };
        while let Some(page) = receive.pool.free.last() {
            receive.pool.free.remove(page);
            receive.post(page);
        }
        receive.publish();
        receive
    }

    /// Gives its parts back.
    pub fn into_parts(self) -> (Pool, RingPage, Box<[u8]>) {
        (self.pool, self.page, self.joined)
    }

    #[inline]
    fn post(&mut self, page: usize) {
        let Some(gref) = self.pool.reference(page) else {
            debug_assert!(false, "a page of the pool without a grant");
            return;
        };
        let slot = self.ring.put(RxRequest {
            id: page as u16,
            pad: 0,
            gref,
        });
        self.posted[slot as usize] = page as u16;
    }

    /// Shows the backend the pages it can use.
    #[inline]
    pub fn publish(&mut self) {
        self.notify |= self.ring.publish();
    }

    /// Responses that can be taken now.
    pub fn responses(&mut self) -> Result<u32, Fault> {
        self.ring
            .responses()
            .map_err(|bad| Fault::Producer(Ring::Receive, bad))
    }

    /// Asks for an event with the next response. True if there is one by now.
    pub fn request_event(&mut self) -> Result<bool, Fault> {
        self.ring
            .request_event(1)
            .map_err(|bad| Fault::Producer(Ring::Receive, bad))
    }

    /// The next packet, if there is a complete one. Asks for an event if there is not. Pages are shown again only before the first
    /// response is taken: however fast a backend delivers what must be dropped, there is an end to it.
    pub fn next(
        &mut self,
        statistics: &mut Statistics,
    ) -> Result<Option<(&mut [u8], Incoming)>, Fault> {
        if self.ring.unpublished() >= BATCH {
            self.publish();
        }
        loop {
            if self.responses()? == 0 {
                // The wish is set at most once for each time the ring runs empty.
                if self.request_event()? {
                    continue;
                }
                return Ok(None);
            }
            self.taken += 1;
            let complete = if self.packet.extra_next {
                self.take_extra()?
            } else {
                self.take_data()?
            };
            if !complete {
                continue;
            }
            let packet = core::mem::take(&mut self.packet);
            if packet.damaged || packet.len < ETHERNET_HEADER {
                statistics.dropped += 1;
                continue;
            }
            statistics.received += 1;
            statistics.received_bytes += packet.len as u64;
            let incoming = Incoming {
                checksum_good: packet.flags & (rx_flag::DATA_VALIDATED | rx_flag::CSUM_BLANK) != 0,
            };
            return Ok(Some((&mut self.joined[..packet.len], incoming)));
        }
    }

    /// The page that was posted at `slot`, which is not posted any more.
    #[inline]
    fn unpost(&mut self, slot: u32, id: u16) -> Result<usize, Fault> {
        let page = core::mem::replace(&mut self.posted[slot as usize], NOT_POSTED);
        if page == NOT_POSTED {
            return Err(Fault::NotRequested(Ring::Receive, id));
        }
        Ok(usize::from(page))
    }

    /// Takes a part of a packet. True if that was the last one.
    #[inline]
    fn take_data(&mut self) -> Result<bool, Fault> {
        let (slot, response) = self.ring.take();
        let page = self.unpost(slot, response.id)?;
        if page != usize::from(response.id) {
            return Err(Fault::NotRequested(Ring::Receive, response.id));
        }
        let packet = &mut self.packet;
        if packet.slots == MAX_SLOTS {
            return Err(Fault::TooManySlots);
        }
        if packet.slots == 0 {
            packet.flags = response.flags;
        }
        packet.slots += 1;
        match usize::try_from(response.status) {
            // One of Xen's errors: the packet could not be copied.
            Err(_) => packet.damaged = true,
            Ok(length) => {
                let offset = usize::from(response.offset);
                if offset + length > PAGE_SIZE {
                    return Err(Fault::OutsidePage {
                        offset: response.offset,
                        length: length as u16,
                    });
                }
                // There is room: no more slots than `MAX_SLOTS`, none longer than a page.
                let target = &mut self.joined[packet.len..packet.len + length];
                self.pool.pages().copy_out(page, offset, target);
                packet.len += length;
            }
        }
        packet.more_data = response.flags & rx_flag::MORE_DATA != 0;
        packet.extra_next = response.flags & rx_flag::EXTRA_INFO != 0;
        if packet.extra_next && packet.slots > 1 {
            // It belongs to the first slot.
            return Err(Fault::ExtraTwice);
        }
        let complete = !packet.more_data && !packet.extra_next;
        self.post(page);
        Ok(complete)
    }

    /// Takes additional information on the packet. True if nothing follows.
    fn take_extra(&mut self) -> Result<bool, Fault> {
        let (slot, extra) = self.ring.take_other::<ExtraInfo>();
        let page = self.unpost(slot, NOT_POSTED)?;
        if extra.kind != EXTRA_GSO || !self.segments {
            return Err(Fault::ExtraKind(extra.kind));
        }
        if core::mem::replace(&mut self.packet.had_extra, true) {
            return Err(Fault::ExtraTwice);
        }
        if extra.gso_size == 0 {
            return Err(Fault::NoSegmentSize);
        }
        if !matches!(extra.gso_type, GSO_TCP_V4 | GSO_TCP_V6) {
            return Err(Fault::SegmentType(extra.gso_type));
        }
        self.packet.extra_next = extra.flags & EXTRA_MORE != 0;
        self.post(page);
        Ok(!self.packet.more_data && !self.packet.extra_next)
    }
}
