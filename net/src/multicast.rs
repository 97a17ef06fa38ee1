//! Multicast groups: who joins and leaves, and telling the routers and switches of the link.
//!
//! IGMPv2 (RFC 2236) and MLDv1 (RFC 2710): a report when the first socket joins, a leave when the last one leaves, reports when
//! somebody asks. Newer versions understand these.
//!
//! Invariant: the count of an interface's group is the number of sockets that have joined it there; at most [`GROUPS`] of one socket.

use crate::ethernet::Pending;
use crate::nic::solicited_node;
use crate::packet::{Header, IPV4_HEADER, IPV6_HEADER, Packet, protocol};
use crate::socket::State;
use crate::stack::{LOOPBACK, Stack};
use crate::{checksum, packet};
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use starling_vm::fs::errno::Errno;
use starling_vm::platform::network::MembershipInterface;

/// Groups of one socket: `igmp_max_memberships` of Linux.
const GROUPS: usize = 20;
/// Kinds of IGMP.
const QUERY: u8 = 0x11;
const REPORT: u8 = 0x16;
const LEAVE: u8 = 0x17;
/// Kinds of MLD.
const REPORT6: u8 = 131;
const DONE6: u8 = 132;
/// Lengths.
const ROUTER_ALERT: usize = 4;
const IGMP: usize = 8;
const HOP_BY_HOP: usize = 8;
const MLD: usize = 24;
/// Who wants to know of leaves.
const ALL_ROUTERS: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 2);
const ALL_ROUTERS6: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 2);
const ALL_NODES6: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);

impl Stack {
    /// Joins or leaves a group.
    pub(crate) fn set_membership(
        &mut self,
        socket: u32,
        join: bool,
        group: IpAddr,
        interface: MembershipInterface,
    ) -> Result<(), Errno> {
        if !group.is_multicast() {
            return Err(Errno::EINVAL);
        }
        let chosen = match interface {
            MembershipInterface::Address(address) if address.is_unspecified() => None,
            MembershipInterface::Index(0) => None,
            MembershipInterface::Address(address) => {
                Some(self.nic_with(IpAddr::V4(address)).ok_or(Errno::ENODEV)?)
            }
            MembershipInterface::Index(index) => Some(index as usize - 1),
        };
        let number = match chosen {
            Some(number) => number,
            // Linux: where packets to the group would go.
            None => match self.route(None, group, 0, 0) {
                Ok(route) => route.nic,
                Err(_) => LOOPBACK,
            },
        };
        if self.nics.get(number).is_none_or(Option::is_none) {
            return Err(Errno::ENODEV);
        }
        let socket = self.sockets.get_mut(socket).ok_or(Errno::EBADF)?;
        let State::Datagram(datagrams) = &mut socket.state else {
            return Err(Errno::ENOPROTOOPT);
        };
        let place = datagrams
            .groups
            .iter()
            .position(|&one| one == (group, number));
        match (join, place) {
            (true, Some(_)) => return Err(Errno::EADDRINUSE),
            (false, None) => return Err(Errno::EADDRNOTAVAIL),
            (true, None) if datagrams.groups.len() >= GROUPS => return Err(Errno::ENOBUFS),
            (true, None) => datagrams.groups.push((group, number)),
            (false, Some(place)) => {
                datagrams.groups.swap_remove(place);
            }
        }
        self.count_member(number, group, join);
        Ok(())
    }

    /// Counts the groups that sockets have joined on an interface that was there before, was removed, and is there again.
    pub(crate) fn join_again(&mut self, number: usize) {
        let mut groups = Vec::new();
        for (_, socket) in self.sockets.iter() {
            if let State::Datagram(datagrams) = &socket.state {
                let joined = datagrams.groups.iter().filter(|(_, nic)| *nic == number);
                groups.extend(joined.map(|(group, _)| *group));
            }
        }
        for group in groups {
            self.count_member(number, group, true);
        }
    }

    /// Leaves all groups of a socket that is being closed.
    pub(crate) fn leave_groups(&mut self, socket: u32) {
        let Some(socket) = self.sockets.get_mut(socket) else {
            return;
        };
        let State::Datagram(datagrams) = &mut socket.state else {
            return;
        };
        for (group, number) in core::mem::take(&mut datagrams.groups) {
            self.count_member(number, group, false);
        }
    }

    fn count_member(&mut self, number: usize, group: IpAddr, join: bool) {
        let Some(Some(nic)) = self.nics.get_mut(number) else {
            return;
        };
        let place = nic.groups.iter().position(|(other, _)| *other == group);
        let changed = match (place, join) {
            (Some(place), true) => {
                nic.groups[place].1 += 1;
                false
            }
            (None, true) => {
                nic.groups.push((group, 1));
                true
            }
            (Some(place), false) => {
                nic.groups[place].1 -= 1;
                let last = nic.groups[place].1 == 0;
                if last {
                    nic.groups.swap_remove(place);
                }
                last
            }
            (None, false) => false,
        };
        if changed && number != LOOPBACK {
            self.send_report(number, group, join);
        }
    }

    /// Tells switches that snoop where questions for an address are to be sent.
    pub(crate) fn report_solicited_node(&mut self, number: usize, address: Ipv6Addr) {
        self.send_report(number, IpAddr::V6(solicited_node(address)), true);
    }

    /// Takes an IGMP packet.
    pub(crate) fn receive_igmp(&mut self, number: usize, packet: &Packet) {
        if packet.payload.first() == Some(&QUERY)
            && checksum::is_good(checksum::sum(packet.payload))
        {
            self.answer_group_query(number, false);
        }
    }

    /// Reports all groups of an interface.
    pub(crate) fn answer_group_query(&mut self, number: usize, six: bool) {
        let mut place = 0;
        while let Some(Some(nic)) = self.nics.get(number)
            && let Some(&(group, _)) = nic.groups.get(place)
        {
            place += 1;
            if group.is_ipv6() == six {
                self.send_report(number, group, true);
            }
        }
        let mut place = 0;
        while let Some(Some(nic)) = self.nics.get(number)
            && let Some(own) = nic.addresses.get(place)
        {
            place += 1;
            if let IpAddr::V6(own) = own.address
                && six
            {
                self.report_solicited_node(number, own);
            }
        }
    }

    fn send_report(&mut self, number: usize, group: IpAddr, join: bool) {
        let Some(Some(nic)) = self.nics.get(number) else {
            return;
        };
        let pending = Pending::Packet(Some(number));
        match group {
            IpAddr::V4(group) => {
                let destination = if join { group } else { ALL_ROUTERS };
                let source = nic.source_for(IpAddr::V4(destination));
                // Groups of the link itself need no report (RFC 2236 §6).
                let Some(source) = source.filter(|_| group != Ipv4Addr::new(224, 0, 0, 1)) else {
                    return;
                };
                let header = header(source, IpAddr::V4(destination), protocol::IGMP);
                let len = IPV4_HEADER + ROUTER_ALERT + IGMP;
                self.outbox.push(pending, len, |bytes| {
                    header.write(bytes, ROUTER_ALERT + IGMP);
                    // A longer header, with the option that makes routers look (RFC 2113).
                    bytes[0] = 0x46;
                    bytes[20..24].copy_from_slice(&[0x94, 4, 0, 0]);
                    bytes[10..12].fill(0);
                    let sum = checksum::complement(checksum::sum(&bytes[..24]));
                    bytes[10..12].copy_from_slice(&sum);
                    let igmp = &mut bytes[24..];
                    igmp[0] = if join { REPORT } else { LEAVE };
                    igmp[1..4].fill(0);
                    igmp[4..8].copy_from_slice(&group.octets());
                    let sum = checksum::complement(checksum::sum(igmp));
                    igmp[2..4].copy_from_slice(&sum);
                });
            }
            IpAddr::V6(group) => {
                let destination = if join { group } else { ALL_ROUTERS6 };
                let source = nic.source_for(IpAddr::V6(destination));
                let Some(source) = source.filter(|_| group != ALL_NODES6) else {
                    return;
                };
                let header = header(source, IpAddr::V6(destination), protocol::HOP_BY_HOP);
                let len = IPV6_HEADER + HOP_BY_HOP + MLD;
                self.outbox.push(pending, len, |bytes| {
                    header.write(bytes, HOP_BY_HOP + MLD);
                    let (front, mld) = bytes.split_at_mut(IPV6_HEADER + HOP_BY_HOP);
                    // The same option (RFC 2711), and padding.
                    front[IPV6_HEADER..].copy_from_slice(&[protocol::ICMPV6, 0, 5, 2, 0, 0, 1, 0]);
                    mld.fill(0);
                    mld[0] = if join { REPORT6 } else { DONE6 };
                    mld[8..24].copy_from_slice(&group.octets());
                    let pseudo = checksum::pseudo_header(
                        header.source,
                        header.destination,
                        protocol::ICMPV6,
                        MLD,
                    );
                    let sum = checksum::complement(pseudo + checksum::sum(mld));
                    mld[2..4].copy_from_slice(&sum);
                });
            }
        }
    }
}

/// The header of a report: it does not leave the link.
fn header(source: IpAddr, destination: IpAddr, protocol: u8) -> packet::Header {
    Header {
        source,
        destination,
        protocol,
        traffic_class: 0,
        hop_limit: 1,
        identification: 0,
    }
}
