//! What the drivers of both protocols know of a socket.
//!
//! Invariant: a socket that is [`state::OPEN`] has a descriptor; one that is not has none. A request that is waited for
//! ([`Socket::request`]) is answered exactly once: when it is done, when its time is over, or when the socket closes.

use super::reply::{Answer, BAD_PORT, INVALID, Refusal, Reply};
use super::settings::Settings;
use super::statistics::Statistics;
use super::{address, messages};
use crate::atom::am;
use crate::fs::errno::Errno;
use crate::platform::io::{Descriptor, Interest};
use crate::platform::network::{Address, Family, Kind};
use crate::port::driver::Handle;
use crate::process::reference::RefNumber;
use crate::term::Term;
use core::net::SocketAddr;
use smallvec::SmallVec;

/// What a socket is, in bits: those of `INET_REQ_GETSTATUS`.
pub mod state {
    /// It is there.
    pub const OPEN: u32 = 0x01;
    /// It is connected.
    pub const CONNECTED: u32 = 0x04;
    /// It listens.
    pub const LISTENING: u32 = 0x08;
    /// It is being connected.
    pub const CONNECTING: u32 = 0x10;
    /// Somebody waits for a connection.
    pub const ACCEPTING: u32 = 0x20;
    /// Who sends has to wait.
    pub const BUSY: u32 = 0x80;
    /// More than one waits for a connection.
    pub const ACCEPTING_MORE: u32 = 0x100;
}

/// Which protocol a driver speaks: it is in the messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// `tcp_inet`
    Tcp,
    /// `udp_inet`
    Udp,
}

/// Somebody who sent a command, or nobody: the machine.
#[derive(Clone, Copy, Debug)]
pub struct Caller {
    /// The process.
    pub pid: Term,
    /// What it wants to know the answer by; since OTP 26.
    pub tag: Option<RefNumber>,
}

/// Something that was asked for and is told later, with `{inet_async, Socket, Number, Result}`.
#[derive(Clone, Copy, Debug)]
pub struct Request {
    /// By which number.
    pub number: u16,
    /// To whom.
    pub caller: Term,
}

/// One socket.
pub struct Socket {
    /// Which driver has it.
    pub protocol: Protocol,
    /// Its number in the world.
    pub descriptor: Option<Descriptor>,
    /// Its family, once it has been opened.
    pub family: Option<Family>,
    /// Its kind, once it has been opened.
    pub kind: Option<Kind>,
    /// Bits of [`state`].
    pub state: u32,
    /// Its options.
    pub settings: Settings,
    /// What it counts.
    pub statistics: Statistics,
    /// What somebody waits for, but for connections that come.
    pub request: Option<Request>,
    next_request: u16,
    /// Whether it was bound before it was taken over: then closing it is the business of who bound it.
    taken_over: bool,
    /// What `inet:setsockname/2` said.
    name: Option<Address>,
    /// What `inet:setpeername/2` said.
    peer: Option<Address>,
    /// Who is told when nothing waits to be sent any more.
    pub subscribers: SmallVec<[Term; 1]>,
}

impl Socket {
    /// A socket that is not open yet.
    pub fn new(protocol: Protocol) -> Socket {
        Socket {
            protocol,
            descriptor: None,
            family: None,
            kind: None,
            state: 0,
            settings: Settings::new(),
            statistics: Statistics::default(),
            request: None,
            next_request: 0,
            taken_over: false,
            name: None,
            peer: None,
            subscribers: SmallVec::new(),
        }
    }

    /// A connection that came to this listening socket.
    pub fn accepted(&self, descriptor: Descriptor) -> Socket {
        Socket {
            descriptor: Some(descriptor),
            family: self.family,
            kind: self.kind,
            state: state::OPEN | state::CONNECTED,
            settings: self.settings.inherited(),
            ..Socket::new(self.protocol)
        }
    }

    /// Whether all of these bits of [`state`] are set.
    pub fn is(&self, bits: u32) -> bool {
        self.state & bits == bits
    }

    /// Whether it is there.
    pub fn is_open(&self) -> bool {
        self.is(state::OPEN)
    }

    /// Whether it is connected.
    pub fn is_connected(&self) -> bool {
        self.is(state::OPEN | state::CONNECTED)
    }

    /// Its descriptor. `exbadport` if it has none.
    pub fn descriptor(&self) -> Result<Descriptor, Refusal> {
        self.descriptor.ok_or(BAD_PORT)
    }

    /// Opens it.
    pub fn open(&mut self, at: &mut Handle, family: Family, kind: Kind) -> Reply {
        if self.state != 0 {
            return Err(Refusal::Named("exbadseq"));
        }
        let network = at.network()?;
        let descriptor = match &self.settings.network_namespace {
            None => network.open(family, kind)?,
            Some(name) => network.open_in(name, family, kind)?,
        };
        self.opened(descriptor, family, kind);
        Ok(Answer::empty()?)
    }

    /// Takes over a socket that is there already. If it is `bound`, it may be connected, too.
    pub fn take_over(
        &mut self,
        at: &mut Handle,
        family: Family,
        kind: Kind,
        number: u32,
        bound: bool,
    ) -> Reply {
        if self.state != 0 {
            return Err(Refusal::Named("exbadseq"));
        }
        let network = at.network()?;
        let descriptor = network.adopt(number)?;
        if bound {
            let own = match network.local_address(descriptor)? {
                Address::Ip(SocketAddr::V4(_)) => Family::Inet,
                Address::Ip(SocketAddr::V6(_)) => Family::Inet6,
                Address::Local(_) => Family::Local,
                Address::Unspecified => return Err(INVALID),
            };
            if own != family {
                return Err(INVALID);
            }
        }
        let connected = kind == Kind::Stream && network.peer_address(descriptor).is_ok();
        at.take_from_others(descriptor);
        self.opened(descriptor, family, kind);
        self.taken_over = bound;
        if connected {
            self.state |= state::CONNECTED;
        }
        Ok(Answer::empty()?)
    }

    fn opened(&mut self, descriptor: Descriptor, family: Family, kind: Kind) {
        self.descriptor = Some(descriptor);
        self.family = Some(family);
        self.kind = Some(kind);
        self.state = state::OPEN;
    }

    /// Closes it; the port goes on.
    pub fn close(&mut self, at: &mut Handle) {
        if let Some(descriptor) = self.descriptor.take() {
            if self.taken_over {
                at.watch(descriptor, Interest::NONE);
            } else {
                at.close(descriptor);
            }
        }
        self.state = 0;
    }

    /// Gives it an address of its own. The answer is its port.
    pub fn bind(&mut self, at: &mut Handle, address: &Address) -> Reply {
        if self.state != state::OPEN {
            return Err(BAD_PORT);
        }
        let descriptor = self.descriptor()?;
        let network = at.network()?;
        network.bind(descriptor, address)?;
        let port = match address::port(address) {
            0 => network
                .local_address(descriptor)
                .map_or(0, |address| address::port(&address)),
            port => port,
        };
        Ok(Answer::of(&port.to_be_bytes())?)
    }

    /// Its own address.
    pub fn name(&mut self, at: &mut Handle) -> Reply {
        let name = match &self.name {
            Some(name) => name.clone(),
            None => {
                // OTP asks without looking whether the socket is open.
                let descriptor = self.descriptor.ok_or(Errno::EBADF)?;
                at.network()?.local_address(descriptor)?
            }
        };
        Ok(Answer::of(&address::encode(&name))?)
    }

    /// The address of the other end.
    pub fn peer(&mut self, at: &mut Handle) -> Reply {
        if self.state & state::CONNECTED == 0 {
            return Err(Refusal::Posix(Errno::ENOTCONN));
        }
        let peer = match &self.peer {
            Some(peer) => peer.clone(),
            None => {
                let descriptor = self.descriptor()?;
                at.network()?.peer_address(descriptor)?
            }
        };
        Ok(Answer::of(&address::encode(&peer))?)
    }

    /// What [`Socket::name`] says from now on; `None` for the truth.
    pub fn set_name(&mut self, name: Option<Address>) {
        self.name = name;
    }

    /// What [`Socket::peer`] says from now on; `None` for the truth.
    pub fn set_peer(&mut self, peer: Option<Address>) {
        self.peer = peer;
    }

    /// A number for something that is to be answered later.
    pub fn number(&mut self) -> u16 {
        let number = self.next_request;
        self.next_request = number.wrapping_add(1);
        number
    }

    /// Notes what `caller` waits for. `ealready` if somebody waits already.
    pub fn ask(&mut self, caller: Term) -> Result<Request, Refusal> {
        if self.request.is_some() {
            return Err(Refusal::Posix(Errno::EALREADY));
        }
        let request = Request {
            number: self.number(),
            caller,
        };
        self.request = Some(request);
        Ok(request)
    }

    /// Tells who waits that it has failed.
    pub fn refuse(&mut self, at: &mut Handle, reason: Refusal) {
        if let Some(request) = self.request.take() {
            messages::request_failed(at, &request, reason.name());
        }
    }

    /// Tells those who asked for it that nothing waits to be sent any more.
    pub fn nothing_to_send(&mut self, at: &mut Handle) {
        for subscriber in core::mem::take(&mut self.subscribers) {
            messages::plain(at, subscriber, am::EMPTY_OUT_Q);
        }
    }

    /// The number of its family and that of its kind.
    pub fn family_and_kind(&self) -> Result<(u8, u8), Refusal> {
        use super::wire::kind;
        let family = address::family_code(self.family.ok_or(INVALID)?);
        let kind = match self.kind.ok_or(INVALID)? {
            Kind::Stream => kind::STREAM,
            Kind::Datagram => kind::DATAGRAM,
        };
        Ok((family, kind))
    }
}
