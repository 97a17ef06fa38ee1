//! What goes over a virtual network interface's two rings. Layout and numbers: `io/netif.h` of Xen's public headers.

use crate::ring::Message;

/// Most slots of data that a packet may take, in either direction (`XEN_NETIF_NR_SLOTS_MIN`).
pub const MAX_SLOTS: usize = 18;
/// Longest packet: its length stands in 16 bits.
pub const MAX_PACKET: usize = 0xffff;
/// Bytes before the IP packet.
pub const ETHERNET_HEADER: usize = 14;

/// Flags of a packet that is sent (`NETTXF_*`).
pub mod tx_flag {
    /// The transport's checksum holds the sum of the pseudo header only.
    pub const CSUM_BLANK: u16 = 1;
    /// The transport's checksum is right, or will be once it is completed.
    pub const DATA_VALIDATED: u16 = 1 << 1;
    /// The packet goes on in the next slot.
    pub const MORE_DATA: u16 = 1 << 2;
    /// The next slot holds an [`ExtraInfo`](super::ExtraInfo).
    pub const EXTRA_INFO: u16 = 1 << 3;
}

/// Flags of a packet that is received (`NETRXF_*`).
pub mod rx_flag {
    /// The transport's checksum has been found right.
    pub const DATA_VALIDATED: u16 = 1;
    /// The transport's checksum holds the sum of the pseudo header only: the packet never left its host.
    pub const CSUM_BLANK: u16 = 1 << 1;
    /// The packet goes on in the next slot.
    pub const MORE_DATA: u16 = 1 << 2;
    /// The next slot holds an [`ExtraInfo`](super::ExtraInfo).
    pub const EXTRA_INFO: u16 = 1 << 3;
}

/// `netif_tx_request`. The first one of a packet has the length of all of it.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TxRequest {
    pub gref: u32,
    pub offset: u16,
    pub flags: u16,
    pub id: u16,
    pub size: u16,
}

/// `netif_tx_response`.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TxResponse {
    pub id: u16,
    pub status: i16,
}

/// `status` of a response to a slot that held an [`ExtraInfo`]; its `id` means nothing.
pub const STATUS_NULL: i16 = 1;
/// `status`: sent.
pub const STATUS_OKAY: i16 = 0;

/// `netif_rx_request`.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RxRequest {
    pub id: u16,
    pub pad: u16,
    pub gref: u32,
}

/// `netif_rx_response`. A status that is not negative is the number of bytes.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RxResponse {
    pub id: u16,
    pub offset: u16,
    pub flags: u16,
    pub status: i16,
}

/// `netif_extra_info`, as far as segmentation is concerned.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExtraInfo {
    pub kind: u8,
    pub flags: u8,
    /// Bytes of data in each segment.
    pub gso_size: u16,
    pub gso_type: u8,
    pub pad: u8,
    pub features: u16,
}

/// `XEN_NETIF_EXTRA_TYPE_GSO`.
pub const EXTRA_GSO: u8 = 1;
/// `XEN_NETIF_EXTRA_FLAG_MORE`: another one follows.
pub const EXTRA_MORE: u8 = 1;
/// `XEN_NETIF_GSO_TYPE_TCPV4`.
pub const GSO_TCP_V4: u8 = 1;
/// `XEN_NETIF_GSO_TYPE_TCPV6`.
pub const GSO_TCP_V6: u8 = 2;

const _: () = {
    assert!(size_of::<TxRequest>() == 12);
    assert!(size_of::<TxResponse>() == 4);
    assert!(size_of::<RxRequest>() == 8);
    assert!(size_of::<RxResponse>() == 8);
    assert!(size_of::<ExtraInfo>() == 8);
};

// SAFETY: integers without padding between them, all five.
unsafe impl Message for TxRequest {}
// SAFETY: as above.
unsafe impl Message for TxResponse {}
// SAFETY: as above.
unsafe impl Message for RxRequest {}
// SAFETY: as above.
unsafe impl Message for RxResponse {}
// SAFETY: as above.
unsafe impl Message for ExtraInfo {}
