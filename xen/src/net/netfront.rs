//! [`Netfront`]: one virtual network interface.
//!
//! It exists as long as the toolstack has it for the domain, connected or not: TCP/IP holds on to it while the backend
//! comes and goes. Frames are lost meanwhile, as on any wire that is pulled.
//!
//! Invariant: there is a connection from [`Netfront::connect`] to [`Netfront::disconnect`]; after a fault nothing is
//! read from its rings any more. Pools outlive connections; what the backend does not let go of is never used again
//! before it does, nor freed, not even when the device is dropped.

use super::abi::{ETHERNET_HEADER, MAX_PACKET};
use super::fault::Fault;
use super::features::{DEFAULT_MTU, Ends, Features, published};
use super::pool::{Pool, RingPage};
use super::receive::{Receive, room_for_packets};
use super::transmit::Transmit;
use super::{Config, Incoming, Outgoing, Statistics};
use crate::event::EventChannel;
use crate::grant::{Access, GrantError};
use crate::guest::Guest;
use crate::{DomainId, PAGE_SIZE, XenError};
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// How long a full transmit ring may go without any answer.
const SILENCE_NS: u64 = 30_000_000_000;
/// Fewest pages to receive into: the longest packet and its additional information must fit, or the backend waits for
/// ever.
const MINIMUM_RX_PAGES: usize = 20;

/// There is no room, or no connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

/// What the backend does by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// TCP and UDP checksums of IPv4 packets need not be filled in.
    pub checksum_v4: bool,
    /// TCP and UDP checksums of IPv6 packets need not be filled in.
    pub checksum_v6: bool,
    /// The largest TCP/IPv4 packet that the backend cuts into segments; 0 if it does not.
    pub segment_v4: usize,
    /// The largest TCP/IPv6 packet that the backend cuts into segments; 0 if it does not.
    pub segment_v6: usize,
}

/// Why there is no connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectError {
    /// No memory for rings and packets.
    NoMemory,
    /// The backend still uses so many pages of the last connection that too few are left.
    PagesHeld(usize),
    /// A page could not be granted.
    Grant(GrantError),
    /// An event channel could not be opened.
    Channel(XenError),
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoMemory => f.write_str(
                "no memory for its rings and packets; give the domain more (memory= in its configuration)",
            ),
            Self::PagesHeld(count) => write!(
                f,
                "its backend has not let go of {count} pages of the last connection; restart the backend's domain or \
                 detach the device (xl network-detach)"
            ),
            Self::Grant(error) => error.fmt(f),
            Self::Channel(error) => write!(f, "Xen refused an event channel: {error}"),
        }
    }
}

impl From<GrantError> for ConnectError {
    fn from(error: GrantError) -> Self {
        match error {
            GrantError::NoMemory => Self::NoMemory,
            error => Self::Grant(error),
        }
    }
}

/// The event channels of a connection.
struct Channels {
    tx: EventChannel,
    /// Another one for what is received, if the backend takes two.
    rx: Option<EventChannel>,
    /// Responses taken when the last event came, of either ring.
    tx_seen: u64,
    rx_seen: u64,
}

struct Connection {
    features: Features,
    longest_frame: usize,
    tx: Transmit,
    rx: Receive,
    /// Packets were sent that the backend wants to hear of.
    tx_notify: bool,
    /// How many answers there had been when the ring was first found full, and when that was.
    stuck_since: Option<(u64, u64)>,
    channels: Channels,
}

/// Pages that wait for the next connection.
struct Idle {
    tx: Pool,
    rx: Pool,
    joined: Box<[u8]>,
}

/// A device.
pub struct Netfront<G: Guest> {
    guest: G,
    name: String,
    address: [u8; 6],
    config: Config,
    backend: DomainId,
    mtu: usize,
    idle: Option<Idle>,
    connection: Option<Connection>,
    /// The backend is connected too.
    up: bool,
    fault: Option<Fault>,
    statistics: Statistics,
    /// Called when a fault is found.
    alarm: Option<Box<dyn Fn()>>,
}

impl<G: Guest> Netfront<G> {
    /// A device that is not connected. `name` is for messages: `vif 0`.
    pub fn new(
        guest: G,
        name: String,
        backend: DomainId,
        address: [u8; 6],
        config: Config,
    ) -> Self {
        Self {
            guest,
            name,
            address,
            config,
            backend,
            mtu: DEFAULT_MTU,
            idle: None,
            connection: None,
            up: false,
            fault: None,
            statistics: Statistics::default(),
            alarm: None,
        }
    }

    /// What messages call it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its Ethernet address.
    pub fn address(&self) -> [u8; 6] {
        self.address
    }

    /// The largest IP packet. May change when the device is connected again.
    pub fn mtu(&self) -> usize {
        self.mtu
    }

    /// What the backend does by itself. May change when the device is connected again.
    pub fn capabilities(&self) -> Capabilities {
        let Some(connection) = self.connection.as_ref().filter(|_| self.up) else {
            return Capabilities::default();
        };
        let features = &connection.features;
        let segment = connection.longest_frame - ETHERNET_HEADER;
        Capabilities {
            checksum_v4: features.checksum_v4,
            checksum_v6: features.checksum_v6,
            segment_v4: if features.gso_v4 { segment } else { 0 },
            segment_v6: if features.gso_v6 { segment } else { 0 },
        }
    }

    /// Whether there is somebody at the other end.
    pub fn is_up(&self) -> bool {
        self.up
    }

    /// What the backend did that ended the connection.
    pub fn fault(&self) -> Option<Fault> {
        self.fault
    }

    /// What has happened so far.
    pub fn statistics(&self) -> Statistics {
        self.statistics
    }

    /// Has `alarm` called when the backend does something that ends the connection.
    pub fn set_alarm(&mut self, alarm: Box<dyn Fn()>) {
        self.alarm = Some(alarm);
    }

    /// Makes rings and event channels for a backend with these features. The keys to publish.
    pub fn connect(
        &mut self,
        features: Features,
        mtu: usize,
    ) -> Result<Vec<(String, String)>, ConnectError> {
        self.disconnect();
        let Idle {
            mut tx,
            mut rx,
            joined,
        } = self.take_pools()?;
        let opened = self.open(&features, &mut tx, &mut rx);
        let (tx_page, rx_page, channels, longest_frame) = match opened {
            Ok(opened) => opened,
            Err(error) => {
                tx.close(&self.guest);
                rx.close(&self.guest);
                self.idle = Some(Idle { tx, rx, joined });
                return Err(error);
            }
        };
        let ends = Ends {
            tx_ring: tx_page.reference(),
            rx_ring: rx_page.reference(),
            tx_port: channels.tx.port(),
            rx_port: channels.rx.as_ref().unwrap_or(&channels.tx).port(),
        };
        self.mtu = mtu;
        self.fault = None;
        self.connection = Some(Connection {
            features,
            longest_frame,
            tx: Transmit::new(tx, tx_page),
            rx: Receive::new(rx, rx_page, joined, self.config.receive_segments),
            tx_notify: false,
            stuck_since: None,
            channels,
        });
        Ok(published(&ends, &features, self.config.receive_segments))
    }

    fn take_pools(&mut self) -> Result<Idle, ConnectError> {
        if let Some(idle) = self.idle.take() {
            return Ok(idle);
        }
        let guest = &self.guest;
        let joined = room_for_packets().ok_or(ConnectError::NoMemory)?;
        let tx = Pool::new(guest, self.config.tx_pages).ok_or(ConnectError::NoMemory)?;
        let rx_pages = self.config.rx_pages.max(MINIMUM_RX_PAGES);
        let Some(rx) = Pool::new(guest, rx_pages) else {
            tx.dispose(guest);
            return Err(ConnectError::NoMemory);
        };
        Ok(Idle { tx, rx, joined })
    }

    /// Grants everything and opens the channels; undoes what it did itself if it fails.
    fn open(
        &self,
        features: &Features,
        tx: &mut Pool,
        rx: &mut Pool,
    ) -> Result<(RingPage, RingPage, Channels, usize), ConnectError> {
        let guest = &self.guest;
        // What is sent need not, and must not, be written by the other end.
        let tx_usable = tx.open(guest, self.backend, Access::ReadOnly)?;
        let rx_usable = rx.open(guest, self.backend, Access::ReadWrite)?;
        let most = MAX_PACKET.div_ceil(PAGE_SIZE);
        let row = (1..=most)
            .rev()
            .find(|&row| tx.free.find_row(row).is_some());
        let Some(row) = row.filter(|_| rx_usable >= MINIMUM_RX_PAGES) else {
            let all = tx.pages().count() + rx.pages().count();
            return Err(ConnectError::PagesHeld(all - tx_usable - rx_usable));
        };
        let tx_page = RingPage::new(guest, self.backend)?;
        let rx_page = match RingPage::new(guest, self.backend) {
            Ok(page) => page,
            Err(error) => {
                tx_page.dispose(guest);
                return Err(error.into());
            }
        };
        match self.open_channels(features) {
            Ok(channels) => Ok((tx_page, rx_page, channels, features.longest_frame(row))),
            Err(error) => {
                tx_page.dispose(guest);
                rx_page.dispose(guest);
                Err(ConnectError::Channel(error))
            }
        }
    }

    fn open_channels(&self, features: &Features) -> Result<Channels, XenError> {
        let tx = self.guest.open_channel(self.backend)?;
        let rx = if features.split_channels {
            match self.guest.open_channel(self.backend) {
                Ok(channel) => Some(channel),
                Err(error) => {
                    self.guest.close_channel(tx);
                    return Err(error);
                }
            }
        } else {
            None
        };
        Ok(Channels {
            tx,
            rx,
            tx_seen: 0,
            rx_seen: 0,
        })
    }

    /// The backend is connected too: frames go back and forth from now on.
    pub fn backend_connected(&mut self) {
        let Some(connection) = self.connection.as_ref().filter(|_| self.fault.is_none()) else {
            return;
        };
        self.up = true;
        self.statistics.connections += 1;
        // The pages for what is received were posted before there was anybody to tell.
        let channels = &connection.channels;
        self.guest
            .notify(channels.rx.as_ref().unwrap_or(&channels.tx));
    }

    /// The backend is going away: nothing is sent any more, nothing received.
    pub fn backend_leaving(&mut self) {
        self.up = false;
    }

    /// Ends the connection. What was not sent is lost; pages that the backend still uses are left to it.
    pub fn disconnect(&mut self) {
        self.up = false;
        let Some(connection) = self.connection.take() else {
            return;
        };
        let Connection {
            tx, rx, channels, ..
        } = connection;
        let guest = &self.guest;
        guest.close_channel(channels.tx);
        if let Some(channel) = channels.rx {
            guest.close_channel(channel);
        }
        let (mut tx, tx_page) = tx.into_parts();
        let (mut rx, rx_page, joined) = rx.into_parts();
        tx_page.dispose(guest);
        rx_page.dispose(guest);
        let held = tx.close(guest) + rx.close(guest);
        if held > 0 {
            log::debug!("{}: its backend still uses {held} pages", self.name);
        }
        self.idle = Some(Idle { tx, rx, joined });
    }

    /// The connection, while frames can go through it.
    #[inline]
    fn working(&mut self) -> Option<(&mut Connection, &mut Statistics)> {
        match (&mut self.connection, self.up) {
            (Some(connection), true) => Some((connection, &mut self.statistics)),
            _ => None,
        }
    }

    /// Notes what the backend did; nothing goes through the connection any more.
    #[cold]
    fn fail(&mut self, fault: Fault) {
        self.up = false;
        self.fault = Some(fault);
        self.statistics.faults += 1;
        log::warn!(
            "{}: its backend in domain {} does not keep to the protocol: {fault}; the device is connected again",
            self.name,
            self.backend.0
        );
        if let Some(alarm) = &self.alarm {
            alarm();
        }
    }

    /// Hands the next frame that came to `take`. False: there is none now, and there will be an event with the next one.
    /// The bytes are this domain's alone by then.
    pub fn receive(&mut self, take: &mut dyn FnMut(&mut [u8], Incoming)) -> bool {
        let Some((connection, statistics)) = self.working() else {
            return false;
        };
        match connection.rx.next(statistics) {
            Ok(Some((frame, incoming))) => {
                take(frame, incoming);
                true
            }
            Ok(None) => false,
            Err(fault) => {
                self.fail(fault);
                false
            }
        }
    }

    /// Whether a frame of `len` bytes would find room. If not, there will be an event when it may.
    pub fn can_transmit(&mut self, len: usize) -> bool {
        let Some((connection, statistics)) = self.working() else {
            return false;
        };
        if len > connection.longest_frame {
            return false;
        }
        match connection.tx.has_room(len, statistics) {
            Ok(room) => room,
            Err(fault) => {
                self.fail(fault);
                false
            }
        }
    }

    /// Lets `fill` write a frame of `len` bytes and sends it, at the latest with the next [`Netfront::flush`]. `fill` says
    /// what is to be done with it, and is not called if there is no room. What it does not write is zero or of an
    /// earlier frame to this backend. A frame that is longer than the backend takes is dropped, and counted.
    pub fn transmit(
        &mut self,
        len: usize,
        fill: &mut dyn FnMut(&mut [u8]) -> Outgoing,
    ) -> Result<(), Full> {
        let Some((connection, statistics)) = self.working() else {
            return Err(Full);
        };
        if len > connection.longest_frame || len < ETHERNET_HEADER {
            statistics.dropped += 1;
            return Ok(());
        }
        match connection.tx.send(len, fill, statistics) {
            Ok(true) => Ok(()),
            Ok(false) => Err(Full),
            Err(fault) => {
                self.fail(fault);
                Err(Full)
            }
        }
    }

    /// Shows the backend what was sent, gives it room for what it sends, and notifies it if it wants that; at most once
    /// for each event channel. To be called when nothing more is to be sent for now, and before sleeping.
    pub fn flush(&mut self) {
        let now = || self.guest.now_ns();
        let Some(connection) = self.connection.as_mut().filter(|_| self.up) else {
            return;
        };
        connection.tx_notify |= connection.tx.publish();
        connection.rx.publish();
        let answered = connection.answer_wish(&mut self.statistics, now);
        if let Err(fault) = answered {
            return self.fail(fault);
        }
        let for_tx = core::mem::take(&mut connection.tx_notify);
        let for_rx = core::mem::take(&mut connection.rx.notify);
        let channels = &connection.channels;
        let (first, second) = match &channels.rx {
            Some(rx) => (for_tx, Some(rx).filter(|_| for_rx)),
            None => (for_tx || for_rx, None),
        };
        if first {
            self.guest.notify(&channels.tx);
            self.statistics.notifications += 1;
        }
        if let Some(channel) = second {
            self.guest.notify(channel);
            self.statistics.notifications += 1;
        }
    }

    /// Looks at the events that came. True if there may be something to do: frames to receive, or room to send in. To be
    /// called after waiting.
    pub fn poll(&mut self) -> bool {
        if !self.up {
            return false;
        }
        match self.look() {
            Ok(work) => work,
            Err(fault) => {
                self.fail(fault);
                false
            }
        }
    }

    fn look(&mut self) -> Result<bool, Fault> {
        let Some(connection) = &mut self.connection else {
            return Ok(false);
        };
        let (guest, statistics) = (&self.guest, &mut self.statistics);
        connection.tx.reap(statistics)?;
        let waiting = connection.rx.responses()?;
        let tx_answers = connection.tx.answers;
        // What lies there counts as taken: it is about to be.
        let rx_answers = connection.rx.taken + u64::from(waiting);
        let channels = &mut connection.channels;
        let mut judge = |channel: &EventChannel, useful: bool| {
            if guest.take_event(channel) {
                guest.judge_event(channel, useful);
                if useful {
                    statistics.events += 1;
                } else {
                    statistics.spurious_events += 1;
                }
                return true;
            }
            false
        };
        let tx_useful = tx_answers != channels.tx_seen;
        let rx_useful = rx_answers != channels.rx_seen;
        let (tx_event, rx_event) = match &channels.rx {
            Some(rx) => (judge(&channels.tx, tx_useful), judge(rx, rx_useful)),
            None => {
                let event = judge(&channels.tx, tx_useful || rx_useful);
                (event, event)
            }
        };
        if tx_event {
            channels.tx_seen = tx_answers;
        }
        if rx_event {
            channels.rx_seen = rx_answers;
        }
        Ok(waiting > 0 || (tx_event && tx_useful))
    }

    /// When [`Netfront::flush`] is to be called at the latest, although nothing happens: a backend that answers nothing
    /// is given up at some time.
    pub fn deadline(&self) -> Option<u64> {
        let connection = self.connection.as_ref().filter(|_| self.up)?;
        Some(connection.stuck_since?.1.saturating_add(SILENCE_NS))
    }
}

impl Connection {
    /// Sees to it that who found no room hears when there is some.
    fn answer_wish(
        &mut self,
        statistics: &mut Statistics,
        now: impl Fn() -> u64,
    ) -> Result<(), Fault> {
        let tx = &mut self.tx;
        if tx.wanted > 0 {
            tx.reap(statistics)?;
            if tx.request_event()? {
                tx.reap(statistics)?;
            }
        }
        if !tx.is_stuck() {
            self.stuck_since = None;
            return Ok(());
        }
        let now = now();
        let (answers, since) = *self.stuck_since.get_or_insert((tx.answers, now));
        if answers != tx.answers {
            self.stuck_since = Some((tx.answers, now));
        } else if now.saturating_sub(since) >= SILENCE_NS {
            return Err(Fault::Silent(SILENCE_NS / 1_000_000_000));
        }
        Ok(())
    }
}

impl<G: Guest> Drop for Netfront<G> {
    fn drop(&mut self) {
        self.disconnect();
        if let Some(idle) = self.idle.take() {
            idle.tx.dispose(&self.guest);
            idle.rx.dispose(&self.guest);
        }
    }
}
