//! A backend that a test can have do anything.

use super::guest::{SECRET, TestGuest};
use super::{BACKEND, key};
use crate::PAGE_SIZE;
use crate::net::abi::{
    EXTRA_GSO, ExtraInfo, RxRequest, RxResponse, STATUS_NULL, STATUS_OKAY, TxRequest, TxResponse,
    rx_flag, tx_flag,
};
use crate::ring::testing::BackRing;
use std::string::String;
use std::vec;
use std::vec::Vec;

/// A packet as the backend got it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    pub bytes: Vec<u8>,
    pub flags: u16,
    /// Size and type of segments.
    pub segments: Option<(u16, u8)>,
    pub slots: usize,
    /// Responses that will answer it.
    pub responses: Vec<TxResponse>,
}

pub struct Backend {
    guest: TestGuest,
    pub tx: BackRing<TxRequest, TxResponse>,
    pub rx: BackRing<RxRequest, RxResponse>,
    pub tx_port: u32,
    pub rx_port: u32,
    rings: [u32; 2],
}

impl Backend {
    /// Connects to where these keys say.
    pub fn new(guest: TestGuest, keys: &[(String, String)]) -> Self {
        let rings = [
            key(keys, "tx-ring-ref").unwrap(),
            key(keys, "rx-ring-ref").unwrap(),
        ];
        let both = key(keys, "event-channel");
        let [tx, rx] = rings.map(|ring| guest.granted(BACKEND, ring, true).unwrap());
        for ring in rings {
            guest.set_in_use(ring, true);
        }
        let backend = Self {
            // SAFETY: the pages are those of the test's guest, which lives as long as this.
            tx: unsafe { BackRing::new(tx) },
            // SAFETY: as above.
            rx: unsafe { BackRing::new(rx) },
            tx_port: both.or(key(keys, "event-channel-tx")).unwrap(),
            rx_port: both.or(key(keys, "event-channel-rx")).unwrap(),
            guest,
            rings,
        };
        backend.tx.request_event(1);
        backend.rx.request_event(1);
        backend
    }

    /// Lets go of the rings.
    pub fn let_go(&self) {
        for ring in self.rings {
            self.guest.set_in_use(ring, false);
        }
    }

    pub fn guest(&self) -> &TestGuest {
        &self.guest
    }

    /// Copies from a page it may read.
    pub fn read(&self, reference: u32, offset: usize, len: usize) -> Vec<u8> {
        let page = self.guest.granted(BACKEND, reference, false);
        let page = page.expect("a grant that allows reading");
        assert!(offset + len <= PAGE_SIZE, "{offset} {len}");
        let mut bytes = vec![0; len];
        // SAFETY: within the page.
        unsafe {
            page.as_ptr().add(offset).copy_to(bytes.as_mut_ptr(), len);
        }
        bytes
    }

    /// Copies to a page it may write.
    pub fn write(&self, reference: u32, offset: usize, bytes: &[u8]) {
        let page = self.guest.granted(BACKEND, reference, true);
        let page = page.expect("a grant that allows writing");
        assert!(offset + bytes.len() <= PAGE_SIZE);
        // SAFETY: within the page.
        unsafe {
            page.as_ptr()
                .add(offset)
                .copy_from(bytes.as_ptr(), bytes.len());
        }
    }

    /// Takes the packets that were sent, without answering.
    pub fn take_packets(&mut self) -> Vec<Packet> {
        let mut packets = Vec::new();
        while self.tx.requests() > 0 {
            packets.push(self.take_packet());
        }
        self.tx.request_event(1);
        packets
    }

    fn take_packet(&mut self) -> Packet {
        let first: TxRequest = self.tx.take();
        let mut packet = Packet {
            bytes: Vec::new(),
            flags: first.flags,
            segments: None,
            slots: 1,
            responses: vec![TxResponse {
                id: first.id,
                status: STATUS_OKAY,
            }],
        };
        if first.flags & tx_flag::EXTRA_INFO != 0 {
            let extra: ExtraInfo = self.tx.take();
            assert_eq!((extra.kind, extra.flags), (EXTRA_GSO, 0));
            packet.segments = Some((extra.gso_size, extra.gso_type));
            packet.responses.push(TxResponse {
                id: 0x1234,
                status: STATUS_NULL,
            });
        }
        let mut rest = Vec::new();
        let mut more = first.flags & tx_flag::MORE_DATA != 0;
        while more {
            let next: TxRequest = self.tx.take();
            rest.extend(self.read(next.gref, next.offset.into(), next.size.into()));
            packet.slots += 1;
            packet.responses.push(TxResponse {
                id: next.id,
                status: STATUS_OKAY,
            });
            more = next.flags & tx_flag::MORE_DATA != 0;
        }
        let in_first = usize::from(first.size) - rest.len();
        packet.bytes = self.read(first.gref, first.offset.into(), in_first);
        packet.bytes.extend(rest);
        packet
    }

    /// Answers packets.
    pub fn answer(&mut self, packets: &[Packet]) {
        for response in packets.iter().flat_map(|packet| &packet.responses) {
            self.tx.put(*response);
        }
        self.show_tx();
    }

    pub fn show_tx(&mut self) {
        if self.tx.publish() {
            self.guest
                .with_port(self.tx_port, |port| port.pending = true);
        }
    }

    /// Takes and answers everything.
    pub fn consume(&mut self) -> Vec<Packet> {
        let packets = self.take_packets();
        self.answer(&packets);
        packets
    }

    /// Answers every slot as if it held a request, without a look at what it holds.
    pub fn drain(&mut self) {
        while self.tx.requests() > 0 {
            let id = self.tx.take::<TxRequest>().id;
            self.tx.put(TxResponse {
                id,
                status: STATUS_OKAY,
            });
        }
        self.tx.request_event(1);
        self.show_tx();
    }

    /// A page that was posted for receiving.
    pub fn take_page(&mut self) -> RxRequest {
        assert!(self.rx.requests() > 0, "no page is posted");
        self.rx.take()
    }

    /// Gives a packet, if there are enough pages posted for it.
    pub fn give(&mut self, bytes: &[u8], flags: u16, segments: Option<(u16, u8)>) -> bool {
        let parts: Vec<&[u8]> = bytes.chunks(PAGE_SIZE).collect();
        if (self.rx.requests() as usize) < parts.len() + 1 {
            self.rx.request_event(parts.len() as u32 + 1);
            return false;
        }
        for (number, part) in parts.iter().enumerate() {
            let page = self.take_page();
            self.write(page.gref, 0, part);
            let is_first = number == 0;
            let mut response = RxResponse {
                id: page.id,
                offset: 0,
                flags: if is_first { flags } else { 0 },
                status: part.len() as i16,
            };
            if number + 1 < parts.len() {
                response.flags |= rx_flag::MORE_DATA;
            }
            if is_first && segments.is_some() {
                response.flags |= rx_flag::EXTRA_INFO;
            }
            self.rx.put(response);
            if let (true, Some((gso_size, gso_type))) = (is_first, segments) {
                let _ = self.take_page();
                self.rx.put(ExtraInfo {
                    kind: EXTRA_GSO,
                    flags: 0,
                    gso_size,
                    gso_type,
                    pad: 0,
                    features: 0,
                });
            }
        }
        self.show_rx();
        true
    }

    pub fn show_rx(&mut self) {
        if self.rx.publish() {
            self.guest
                .with_port(self.rx_port, |port| port.pending = true);
        }
    }

    /// Looks through everything it can see for bytes that are none of its business.
    pub fn find_leak(&self) {
        for reference in self.guest.references(BACKEND) {
            let page = self.read(reference, 0, PAGE_SIZE);
            let leak = page.chunks(4).position(|word| word == [SECRET; 4]);
            assert_eq!(leak, None, "reference {reference} shows what it must not");
        }
    }
}
