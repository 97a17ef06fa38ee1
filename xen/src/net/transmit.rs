//! Packets to the backend.
//!
//! A packet is written straight into pages of the pool that lie in a row; one slot for each page, and one more in front
//! of the second if the backend is to cut it into segments. The id of a request is the number of its page.
//!
//! Invariant: `in_flight` are the pages whose requests have not been answered; together with the pool's free ones they
//! are all that are granted. A response can only move a page from the one to the other.

use super::abi::{
    ETHERNET_HEADER, EXTRA_GSO, ExtraInfo, GSO_TCP_V4, GSO_TCP_V6, STATUS_NULL, STATUS_OKAY,
    TxRequest, TxResponse, tx_flag,
};
use super::fault::{Fault, Ring};
use super::pool::{PageSet, Pool, RingPage};
use super::{Outgoing, Statistics};
use crate::PAGE_SIZE;
use crate::ring::FrontRing;

/// Bytes 12 and 13 of a frame with an IPv6 packet.
const ETHERTYPE_IPV6: [u8; 2] = [0x86, 0xdd];

/// The sending half of a connection.
pub struct Transmit {
    pub pool: Pool,
    pub page: RingPage,
    ring: FrontRing<TxRequest, TxResponse>,
    in_flight: PageSet,
    /// Slots with additional information that have not been answered.
    extras: u32,
    /// Length of a frame that found no room and will come again, which is worth an event; 0 if there is none.
    pub wanted: usize,
    /// Responses taken.
    pub answers: u64,
}

impl Transmit {
    /// An empty ring in `page`, for packets in the free pages of `pool`.
    pub fn new(pool: Pool, page: RingPage) -> Self {
        Self {
            // SAFETY: the page is owned together with the ring, and mapped until it is disposed of.
            ring: unsafe { FrontRing::new(page.page().base()) },
            pool,
            page,
            in_flight: PageSet::default(),
            extras: 0,
            wanted: 0,
            answers: 0,
        }
    }

    /// Gives its parts back.
    pub fn into_parts(self) -> (Pool, RingPage) {
        (self.pool, self.page)
    }

    /// The pages for a frame of `len` bytes, if there is room for it.
    #[inline]
    fn room_for(&self, len: usize) -> Option<usize> {
        let pages = len.div_ceil(PAGE_SIZE).max(1);
        if (self.ring.room() as usize) < pages + 1 {
            return None;
        }
        self.pool.free.find_row(pages)
    }

    /// Whether a frame of `len` bytes finds room, now that what was answered is taken back.
    #[inline]
    pub fn has_room(&mut self, len: usize, statistics: &mut Statistics) -> Result<bool, Fault> {
        if self.room_for(len).is_some() {
            if len >= self.wanted {
                self.wanted = 0;
            }
            return Ok(true);
        }
        self.reap(statistics)?;
        let found = self.room_for(len).is_some();
        self.wanted = if found { 0 } else { len };
        Ok(found)
    }

    /// Lets `fill` write a frame of `len` bytes, which is not more than the backend takes. False if there is no room.
    pub fn send(
        &mut self,
        len: usize,
        fill: &mut dyn FnMut(&mut [u8]) -> Outgoing,
        statistics: &mut Statistics,
    ) -> Result<bool, Fault> {
        if !self.has_room(len, statistics)? {
            return Ok(false);
        }
        let Some(first) = self.room_for(len) else {
            return Ok(false);
        };
        // SAFETY: the pages of this pool are granted for reading only.
        let frame = unsafe { self.pool.pages_mut().bytes_mut(first, len) };
        let outgoing = fill(frame);
        let is_v6 = frame.get(12..ETHERNET_HEADER) == Some(&ETHERTYPE_IPV6[..]);
        let mut flags = 0;
        if outgoing.checksum_blank || outgoing.segment_size > 0 {
            flags |= tx_flag::CSUM_BLANK | tx_flag::DATA_VALIDATED;
        }
        let pages = len.div_ceil(PAGE_SIZE).max(1);
        for number in 0..pages {
            let page = first + number;
            let Some(gref) = self.pool.reference(page) else {
                // A free page has its grant; without one there is nothing that could be sent.
                debug_assert!(false, "a free page without a grant");
                return Ok(true);
            };
            let is_first = number == 0;
            let extra = is_first && outgoing.segment_size > 0;
            let mut request = TxRequest {
                gref,
                offset: 0,
                flags: if is_first { flags } else { 0 },
                id: page as u16,
                // The first request has the length of the whole packet.
                size: if is_first {
                    len
                } else {
                    PAGE_SIZE.min(len - number * PAGE_SIZE)
                } as u16,
            };
            if number + 1 < pages {
                request.flags |= tx_flag::MORE_DATA;
            }
            if extra {
                request.flags |= tx_flag::EXTRA_INFO;
            }
            self.ring.put(request);
            self.pool.free.remove(page);
            self.in_flight.insert(page);
            if extra {
                self.ring.put_other(ExtraInfo {
                    kind: EXTRA_GSO,
                    flags: 0,
                    gso_size: outgoing.segment_size,
                    gso_type: if is_v6 { GSO_TCP_V6 } else { GSO_TCP_V4 },
                    pad: 0,
                    features: 0,
                });
                self.extras += 1;
            }
        }
        statistics.sent += 1;
        statistics.sent_bytes += len as u64;
        Ok(true)
    }

    /// Takes back the pages of packets that the backend is done with.
    pub fn reap(&mut self, statistics: &mut Statistics) -> Result<(), Fault> {
        let bad = |bad| Fault::Producer(Ring::Transmit, bad);
        // Bounded: there are never more responses than requests, and none are made meanwhile.
        loop {
            let count = self.ring.responses().map_err(bad)?;
            if count == 0 {
                return Ok(());
            }
            self.answers += u64::from(count);
            for _ in 0..count {
                let (_, response) = self.ring.take();
                self.finish(response, statistics)?;
            }
        }
    }

    #[inline]
    fn finish(&mut self, response: TxResponse, statistics: &mut Statistics) -> Result<(), Fault> {
        match response.status {
            STATUS_NULL => {
                self.extras = self.extras.checked_sub(1).ok_or(Fault::UnexpectedNull)?;
                return Ok(());
            }
            STATUS_OKAY => {}
            status if status < 0 => statistics.refused += 1,
            status => return Err(Fault::Status(Ring::Transmit, status)),
        }
        let page = usize::from(response.id);
        if !self.in_flight.contains(page) {
            return Err(Fault::NotRequested(Ring::Transmit, response.id));
        }
        self.in_flight.remove(page);
        self.pool.free.insert(page);
        Ok(())
    }

    /// Shows the backend what was sent. True if it wants to be notified.
    #[inline]
    pub fn publish(&mut self) -> bool {
        self.ring.publish()
    }

    /// Asks for an event when half of what is under way is answered. True if something is answered by now.
    pub fn request_event(&mut self) -> Result<bool, Fault> {
        self.ring
            .request_event(self.ring.unanswered() / 2)
            .map_err(|bad| Fault::Producer(Ring::Transmit, bad))
    }

    /// Whether the backend has all our pages, or slots.
    pub fn is_stuck(&self) -> bool {
        self.wanted > 0 && !self.in_flight.is_empty()
    }
}
