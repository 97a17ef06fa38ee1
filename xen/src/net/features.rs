//! What the two ends agree upon: keys of the backend that are read, keys of ours that are published.

use super::abi::{ETHERNET_HEADER, MAX_PACKET};
use crate::PAGE_SIZE;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// Keys of the backend that hold numbers, in the order of [`Features::from_numbers`].
pub const BACKEND_KEYS: [&str; 7] = [
    "feature-rx-copy",
    "feature-sg",
    "feature-gso-tcpv4",
    "feature-gso-tcpv6",
    "feature-no-csum-offload",
    "feature-ipv6-csum-offload",
    "feature-split-event-channels",
];

/// What the backend offers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Features {
    /// It copies received packets into our pages. Without it there is no connection: giving pages away is history.
    pub rx_copy: bool,
    /// It takes packets of several slots.
    pub scatter_gather: bool,
    /// It cuts TCP packets of IPv4 into segments.
    pub gso_v4: bool,
    /// The same for IPv6.
    pub gso_v6: bool,
    /// It completes checksums of IPv4's TCP and UDP.
    pub checksum_v4: bool,
    /// The same for IPv6.
    pub checksum_v6: bool,
    /// It takes an event channel for each direction.
    pub split_channels: bool,
}

impl Features {
    /// From the values of [`BACKEND_KEYS`]; what is not there is not offered, except for IPv4 checksums.
    pub fn from_numbers(numbers: &[Option<u64>]) -> Self {
        let offered = |index: usize| numbers.get(index).copied().flatten() == Some(1);
        let scatter_gather = offered(1);
        let checksum_v4 = !offered(4);
        let checksum_v6 = offered(5);
        Self {
            rx_copy: offered(0),
            scatter_gather,
            // A packet to be cut needs slots, and a checksum that is computed for each segment.
            gso_v4: offered(2) && scatter_gather && checksum_v4,
            gso_v6: offered(3) && scatter_gather && checksum_v6,
            checksum_v4,
            checksum_v6,
            split_channels: offered(6),
        }
    }

    /// The longest frame that can be sent in `pages` pages in a row.
    pub fn longest_frame(&self, pages: usize) -> usize {
        if self.scatter_gather {
            MAX_PACKET.min(pages * PAGE_SIZE)
        } else {
            PAGE_SIZE
        }
    }
}

/// Smallest and largest MTU that is believed: what IPv4 asks for, what fits a frame.
const MTU_RANGE: core::ops::RangeInclusive<u64> = 68..=(MAX_PACKET - ETHERNET_HEADER) as u64;
/// The MTU if nobody says anything.
pub const DEFAULT_MTU: usize = 1500;

/// The MTU that the `mtu` key means.
pub fn mtu(key: Option<u64>, features: &Features) -> usize {
    let mtu = key.filter(|mtu| MTU_RANGE.contains(mtu));
    let mtu = mtu.map_or(DEFAULT_MTU, |mtu| mtu as usize);
    mtu.min(features.longest_frame(super::abi::MAX_SLOTS) - ETHERNET_HEADER)
}

/// The address in a `mac` key.
pub fn address(key: &[u8]) -> Option<[u8; 6]> {
    let text = core::str::from_utf8(key)
        .ok()?
        .trim_end_matches('\0')
        .trim();
    let mut parts = text.split(':');
    let mut address = [0; 6];
    for byte in &mut address {
        let part = parts.next()?;
        let is_hex = part.bytes().all(|digit| digit.is_ascii_hexdigit());
        let part = Some(part).filter(|part| part.len() <= 2 && is_hex)?;
        *byte = u8::from_str_radix(part, 16).ok()?;
    }
    // A group address is nobody's.
    (parts.next().is_none() && address[0] & 1 == 0).then_some(address)
}

/// Where the backend finds our end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ends {
    /// Grant reference of the transmit ring.
    pub tx_ring: u32,
    /// Grant reference of the receive ring.
    pub rx_ring: u32,
    /// Event channel of the transmit ring.
    pub tx_port: u32,
    /// Event channel of the receive ring; the same one if they are not split.
    pub rx_port: u32,
}

/// Our keys. `receive_segments`: whether packets longer than the MTU may be given to us.
pub fn published(
    ends: &Ends,
    features: &Features,
    receive_segments: bool,
) -> Vec<(String, String)> {
    let mut keys = Vec::new();
    let mut number = |key: &str, value: u32| keys.push((key.to_string(), format!("{value}")));
    number("tx-ring-ref", ends.tx_ring);
    number("rx-ring-ref", ends.rx_ring);
    if features.split_channels {
        number("event-channel-tx", ends.tx_port);
        number("event-channel-rx", ends.rx_port);
    } else {
        number("event-channel", ends.tx_port);
    }
    number("request-rx-copy", 1);
    number("feature-rx-notify", 1);
    number("feature-sg", 1);
    // Checksums that were not computed are taken, for both.
    number("feature-no-csum-offload", 0);
    number("feature-ipv6-csum-offload", 1);
    number("feature-gso-tcpv4", receive_segments.into());
    number("feature-gso-tcpv6", receive_segments.into());
    keys
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Option<u64>; 7] = [Some(1), Some(1), Some(1), Some(1), None, Some(1), Some(1)];

    #[test]
    fn what_is_not_offered_is_not_used() {
        let all = Features::from_numbers(&ALL);
        assert!(all.gso_v4 && all.gso_v6 && all.checksum_v4 && all.split_channels);
        let none = Features::from_numbers(&[]);
        assert_eq!(
            none,
            Features {
                checksum_v4: true,
                ..Features::default()
            }
        );
        let mut without_checksums = ALL;
        without_checksums[4] = Some(1);
        without_checksums[5] = Some(7);
        let features = Features::from_numbers(&without_checksums);
        assert!(!features.gso_v4 && !features.gso_v6 && features.scatter_gather);
    }

    #[test]
    fn the_mtu_is_believed_within_reason() {
        let all = Features::from_numbers(&ALL);
        let plain = Features::default();
        assert_eq!(mtu(None, &all), 1500);
        assert_eq!(mtu(Some(9000), &all), 9000);
        assert_eq!(mtu(Some(9000), &plain), 4082);
        for nonsense in [0, 67, 65_522, u64::MAX] {
            assert_eq!(mtu(Some(nonsense), &all), 1500);
        }
    }

    #[test]
    fn addresses() {
        assert_eq!(
            address(b"00:16:3e:0a:b:ff"),
            Some([0, 0x16, 0x3e, 0x0a, 0x0b, 0xff])
        );
        for bad in [
            "",
            "00:16:3e:0a:0b",
            "00:16:3e:0a:0b:0c:0d",
            "01:16:3e:0a:0b:0c",
            "00:16:3e:0a:0b:0xc",
            "00:16:3e:0a:0b:+c",
        ] {
            assert_eq!(address(bad.as_bytes()), None, "{bad}");
        }
        assert_eq!(address(&[0xff, 0xfe]), None);
    }

    #[test]
    fn the_backend_is_told_where_to_find_us() {
        let ends = Ends {
            tx_ring: 8,
            rx_ring: 9,
            tx_port: 5,
            rx_port: 6,
        };
        let split = published(&ends, &Features::from_numbers(&ALL), true);
        let value = |keys: &[(String, String)], key: &str| {
            keys.iter().find(|(k, _)| k == key).map(|(_, v)| v.clone())
        };
        assert_eq!(value(&split, "event-channel-rx").as_deref(), Some("6"));
        assert_eq!(value(&split, "event-channel"), None);
        assert_eq!(value(&split, "request-rx-copy").as_deref(), Some("1"));
        let joined = published(&ends, &Features::default(), false);
        assert_eq!(value(&joined, "event-channel").as_deref(), Some("5"));
        assert_eq!(value(&joined, "feature-gso-tcpv4").as_deref(), Some("0"));
    }
}
