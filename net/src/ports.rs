//! Who uses which port.
//!
//! Invariant: a port is in the table for as long as a socket is bound to it or a connection has it. `EADDRINUSE` is decided here
//! and in `Stack::bind`, by Linux's rules (`net/ipv4/inet_connection_sock.c` names them).

use crate::random::Key;
use alloc::vec::Vec;
use hashbrown::HashMap;
use starling_vm::memory::NoMemory;

/// The first port that is given to those who do not care, as Linux has it (`ip_local_port_range`).
pub const EPHEMERAL_FIRST: u16 = 32768;
/// How many such ports there are.
pub const EPHEMERAL_COUNT: u16 = 28232;

/// What uses a port.
#[derive(Default)]
pub struct Use {
    /// Sockets that are bound to it, by their numbers.
    pub sockets: Vec<u32>,
    /// Connections that have it, those that wait for stray segments included.
    pub connections: u32,
    /// Those of them whose socket did not allow others to use it again.
    pub exclusive: u32,
}

/// The ports of one protocol.
pub struct Ports(HashMap<u16, Use, Key>);

impl Ports {
    /// None is used.
    pub fn new(key: Key) -> Ports {
        Ports(HashMap::with_hasher(key))
    }

    /// What uses a port.
    pub fn get(&self, port: u16) -> Option<&Use> {
        self.0.get(&port)
    }

    /// The sockets that are bound to a port.
    pub fn sockets(&self, port: u16) -> &[u32] {
        self.0.get(&port).map_or(&[], |used| &used.sockets)
    }

    fn entry(&mut self, port: u16) -> Result<&mut Use, NoMemory> {
        self.0.try_reserve(1).map_err(|_| NoMemory)?;
        Ok(self.0.entry(port).or_default())
    }

    /// Notes that a socket is bound to a port.
    pub fn bind(&mut self, port: u16, socket: u32) -> Result<(), NoMemory> {
        let used = self.entry(port)?;
        if used.sockets.try_reserve(1).is_err() {
            self.tidy(port);
            return Err(NoMemory);
        }
        used.sockets.push(socket);
        Ok(())
    }

    /// Notes that a socket is not bound to a port any more.
    pub fn unbind(&mut self, port: u16, socket: u32) {
        if let Some(used) = self.0.get_mut(&port) {
            used.sockets.retain(|&other| other != socket);
        }
        self.tidy(port);
    }

    /// Notes that a connection has a port.
    pub fn connect(&mut self, port: u16, exclusive: bool) -> Result<(), NoMemory> {
        let used = self.entry(port)?;
        used.connections += 1;
        used.exclusive += u32::from(exclusive);
        Ok(())
    }

    /// Notes that a connection is gone.
    pub fn disconnect(&mut self, port: u16, exclusive: bool) {
        if let Some(used) = self.0.get_mut(&port) {
            used.connections = used.connections.saturating_sub(1);
            used.exclusive = used.exclusive.saturating_sub(u32::from(exclusive));
        }
        self.tidy(port);
    }

    fn tidy(&mut self, port: u16) {
        if let Some(used) = self.0.get(&port)
            && used.sockets.is_empty()
            && used.connections == 0
        {
            self.0.remove(&port);
        }
    }
}
