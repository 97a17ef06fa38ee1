//! Addresses of interfaces with links: none yet. The loopback has its own.
use crate::neighbor::Hardware;
use crate::nic::Nic;
use crate::packet::Packet;
use crate::stack::Stack;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use starling_vm::fs::errno::Errno;
use starling_vm::platform::network::MembershipInterface;

impl Nic {
    pub fn owns(&self, address: IpAddr) -> bool {
        self.addresses.iter().any(|own| own.address == address)
    }
    pub fn expects_dhcp(&self) -> bool {
        false
    }
    pub fn next_deadline(&self) -> Option<u64> {
        self.neighbors.next_deadline()
    }
}
impl Stack {
    pub(crate) fn configure(&mut self, _n: usize) {}
    pub(crate) fn link_changed(&mut self, _n: usize, _up: bool) {}
    pub(crate) fn naming_changed(&mut self) {}
    pub(crate) fn probes(&self, _n: usize, _a: Ipv4Addr) -> bool {
        false
    }
    pub(crate) fn address_is_taken(&mut self, _n: usize, _a: IpAddr, _h: Hardware) {}
    pub(crate) fn run_nics(&mut self) {
        for n in 1..self.nics.len() {
            self.run_neighbors(n);
        }
    }
    pub(crate) fn send_solicitation(&mut self, _n: usize, _s: Ipv6Addr, _t: Ipv6Addr) {}
    pub(crate) fn receive_discovery(&mut self, _n: usize, _p: &Packet) {}
    pub(crate) fn receive_dhcp(
        &mut self,
        _n: usize,
        _s: u16,
        _d: u16,
        _p: &Packet,
        _data: &[u8],
    ) -> bool {
        false
    }
    pub(crate) fn receive_igmp(&mut self, _n: usize, _p: &Packet) {}
    pub(crate) fn set_membership(
        &mut self,
        _n: u32,
        _add: bool,
        _g: IpAddr,
        _i: MembershipInterface,
    ) -> Result<(), Errno> {
        Err(Errno::ENOPROTOOPT)
    }
    pub(crate) fn leave_groups(&mut self, _n: u32) {}
    pub(crate) fn unblock_datagrams(&mut self, n: u32) {
        if let Some(socket) = self.sockets.get_mut(n)
            && let crate::socket::State::Datagram(d) = &mut socket.state
        {
            d.blocked = None;
            self.may_be_ready(n);
        }
    }
}
