//! Which addresses of the Internet the domain's interfaces have: read off the frames that pass dom0.
//!
//! A guest says its address in every packet and ARP request that it sends, and a DHCP server says it when it grants one. One that was given its address and
//! is silent is made to say it: dom0 sends an empty datagram to the addresses that it may have, and Linux asks by ARP who has them.
//! Frames are somebody else's bytes: whatever is too short says nothing.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket};
use std::num::NonZero;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::net::{AddressFamily, Protocol, RecvFlags, SocketFlags, SocketType, recv, socket_with};

use crate::boot::network::Mac;

/// All kinds of frames, in the order of the network: `ETH_P_ALL` of `linux/if_ether.h`.
const EVERY_PROTOCOL: u16 = 3u16.to_be();
/// Every frame of the machine passes here; who has no address by now has none that matters for the boot.
const LIMIT: Duration = Duration::from_secs(300);
/// Headers and a DHCP message's options are in the first bytes.
const FRAME_MAX: usize = 1024;
/// Frames looked at before anything else gets its turn.
const FRAMES_AT_ONCE: usize = 64;

/// How often the addresses that the domain may have are asked for.
pub const PROBE_INTERVAL: Duration = Duration::from_millis(100);
/// The port for what is to be thrown away: RFC 863.
const DISCARD_PORT: u16 = 9;

/// Looks at all frames of dom0's interfaces until each vif has an IPv4 address.
pub struct Watch {
    socket: OwnedFd,
    vifs: Vec<(Mac, Vec<IpAddr>)>,
    probes: Vec<Ipv4Addr>,
    prober: UdpSocket,
    until: Instant,
}

impl Watch {
    /// Begins to look for the addresses of `vifs`, which may be among `probes`.
    pub fn start(vifs: &[Mac], probes: &[Ipv4Addr]) -> io::Result<Watch> {
        let protocol = NonZero::new(u32::from(EVERY_PROTOCOL)).map(Protocol::from_raw);
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        Ok(Watch {
            socket: socket_with(AddressFamily::PACKET, SocketType::RAW, flags, protocol)?,
            vifs: vifs.iter().map(|&mac| (mac, Vec::new())).collect(),
            probes: probes.to_vec(),
            prober: UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?,
            until: Instant::now() + LIMIT,
        })
    }

    /// Asks who has the addresses that the domain may have.
    pub fn probe(&self) {
        for &address in &self.probes {
            // An address that is not on dom0's network cannot be asked for, and could not be reached.
            let _ = self.prober.send_to(&[], (address, DISCARD_PORT));
        }
    }

    /// The file to wait for.
    pub fn socket(&self) -> &OwnedFd {
        &self.socket
    }

    /// Addresses that were not known yet, with their vifs.
    pub fn look(&mut self) -> Vec<(usize, IpAddr)> {
        let mut found = Vec::new();
        let mut frame = [0; FRAME_MAX];
        for _ in 0..FRAMES_AT_ONCE {
            let Ok((len, _)) = recv(&self.socket, &mut frame, RecvFlags::empty()) else {
                break;
            };
            for (vif, (mac, known)) in self.vifs.iter_mut().enumerate() {
                if let Some(address) = address_of(*mac, &frame[..len])
                    && !known.contains(&address)
                {
                    known.push(address);
                    found.push((vif, address));
                }
            }
        }
        found
    }

    /// Whether there is nothing left to look for.
    pub fn is_done(&self) -> bool {
        let has_ipv4 = |(_, known): &(Mac, Vec<IpAddr>)| known.iter().any(IpAddr::is_ipv4);
        self.vifs.iter().all(has_ipv4) || Instant::now() > self.until
    }
}

/// The address that the interface `mac` has, if `frame` says so.
fn address_of(mac: Mac, frame: &[u8]) -> Option<IpAddr> {
    let from: [u8; 6] = bytes(frame, 6)?;
    let kind: [u8; 2] = bytes(frame, 12)?;
    let packet = &frame[14..];
    let ours = from == mac.0;
    match u16::from_be_bytes(kind) {
        // ARP for IPv4 on Ethernet: the sender. One that only probes for an address says 0.0.0.0.
        0x0806 if ours => said(Ipv4Addr::from(bytes::<4>(packet, 14)?)),
        0x0800 if ours => said(Ipv4Addr::from(bytes::<4>(packet, 12)?)),
        0x0800 => granted(mac, packet),
        0x86dd if ours => {
            let address = Ipv6Addr::from(bytes::<16>(packet, 8)?);
            let of_the_link = address.segments()[0] & 0xffc0 == 0xfe80;
            (!of_the_link && !address.is_unspecified()).then_some(address.into())
        }
        _ => None,
    }
}

fn said(address: Ipv4Addr) -> Option<IpAddr> {
    (!address.is_unspecified()).then_some(address.into())
}

/// The address that a DHCP server grants `mac` in this IPv4 packet: RFC 2131, and RFC 2132 for the options.
fn granted(mac: Mac, packet: &[u8]) -> Option<IpAddr> {
    const UDP: u8 = 17;
    const FROM_SERVER_TO_CLIENT: [u8; 4] = [0, 67, 0, 68];
    const REPLY: u8 = 2;
    const MAGIC: [u8; 4] = [99, 130, 83, 99];
    const MESSAGE_TYPE: u8 = 53;
    const ACK: u8 = 5;
    let header = usize::from(packet.first()? & 15) * 4;
    if *packet.get(9)? != UDP || bytes::<4>(packet, header)? != FROM_SERVER_TO_CLIENT {
        return None;
    }
    let message = packet.get(header + 8..)?;
    if *message.first()? != REPLY
        || bytes::<6>(message, 28)? != mac.0
        || bytes::<4>(message, 236)? != MAGIC
    {
        return None;
    }
    let mut options = message.get(240..)?;
    loop {
        match *options {
            // Padding has no length.
            [0, ref rest @ ..] => options = rest,
            [MESSAGE_TYPE, 1, ACK, ..] => return said(Ipv4Addr::from(bytes::<4>(message, 16)?)),
            [255, ..] | [MESSAGE_TYPE, ..] => return None,
            [_, len, ref rest @ ..] => options = rest.get(usize::from(len)..)?,
            _ => return None,
        }
    }
}

fn bytes<const N: usize>(data: &[u8], at: usize) -> Option<[u8; N]> {
    data.get(at..at.checked_add(N)?)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAC: Mac = Mac([0, 0x16, 0x3e, 1, 2, 3]);

    fn frame(from: Mac, kind: u16, packet: &[u8]) -> Vec<u8> {
        let mut frame = vec![0xff; 6];
        frame.extend(from.0);
        frame.extend(kind.to_be_bytes());
        frame.extend(packet);
        frame
    }

    fn dhcp(kind: u8) -> Vec<u8> {
        let mut packet = vec![0; 28 + 240];
        packet[0] = 0x45;
        packet[9] = 17;
        packet[20..24].copy_from_slice(&[0, 67, 0, 68]);
        packet[28] = 2;
        packet[28 + 16..28 + 20].copy_from_slice(&[10, 0, 2, 15]);
        packet[28 + 28..28 + 34].copy_from_slice(&MAC.0);
        packet[28 + 236..28 + 240].copy_from_slice(&[99, 130, 83, 99]);
        packet.extend([0, 0, 54, 4, 10, 0, 2, 2, 53, 1, kind, 255]);
        packet
    }

    #[test]
    fn addresses_are_read_off_frames() {
        let server = Mac([2; 6]);
        let expected = Some(IpAddr::from([10, 0, 2, 15]));
        let mut arp = [0; 28];
        let request = frame(MAC, 0x0806, &arp);
        assert_eq!(address_of(MAC, &request), None, "a probe");
        arp[14..18].copy_from_slice(&[10, 0, 2, 15]);
        let request = frame(MAC, 0x0806, &arp);
        assert_eq!(address_of(MAC, &request), expected);
        assert_eq!(address_of(server, &request), None, "of another");
        let granted = frame(server, 0x0800, &dhcp(5));
        assert_eq!(address_of(MAC, &granted), expected);
        assert_eq!(address_of(Mac([4; 6]), &granted), None);
        let offered = frame(server, 0x0800, &dhcp(2));
        assert_eq!(address_of(MAC, &offered), None, "only offered");
        let mut v6 = [0; 40];
        v6[8..10].copy_from_slice(&[0xfe, 0x80]);
        assert_eq!(address_of(MAC, &frame(MAC, 0x86dd, &v6)), None);
        v6[8..10].copy_from_slice(&[0xfe, 0xc0]);
        let found = address_of(MAC, &frame(MAC, 0x86dd, &v6));
        assert_eq!(found, Some("fec0::".parse().unwrap()));
        for whole in [request, granted] {
            for len in 0..whole.len() {
                let _ = address_of(MAC, &whole[..len]);
            }
        }
    }
}
