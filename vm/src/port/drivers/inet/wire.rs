//! The numbers that `prim_inet` and these drivers tell each other: those of `lib/kernel/src/inet_int.hrl`.

/// What `prim_inet` adds to the number of each request (`ERTS_INET_DRV_CONTROL_MAGIC_NUMBER`).
pub const REQUEST_BASE: u32 = 0x03f1_a300;

/// Families of addresses, and two addresses of any family.
pub mod family {
    #![allow(missing_docs)]
    pub const UNSPECIFIED: u8 = 0;
    pub const INET: u8 = 1;
    pub const INET6: u8 = 2;
    pub const ANY: u8 = 3;
    pub const LOOPBACK: u8 = 4;
    pub const LOCAL: u8 = 5;
    pub const UNDEFINED: u8 = 6;
}

/// Kinds of sockets.
pub mod kind {
    #![allow(missing_docs)]
    pub const STREAM: u8 = 1;
    pub const DATAGRAM: u8 = 2;
}

/// Requests (`port_control/3`), without [`REQUEST_BASE`].
pub mod request {
    #![allow(missing_docs)]
    pub const OPEN: u32 = 1;
    pub const CLOSE: u32 = 2;
    pub const CONNECT: u32 = 3;
    pub const PEER: u32 = 4;
    pub const NAME: u32 = 5;
    pub const BIND: u32 = 6;
    pub const SET_OPTIONS: u32 = 7;
    pub const GET_OPTIONS: u32 = 8;
    pub const STATISTICS: u32 = 11;
    pub const HOST_NAME: u32 = 12;
    pub const FD_OPEN: u32 = 13;
    pub const GET_FD: u32 = 14;
    pub const TYPE: u32 = 15;
    pub const STATUS: u32 = 16;
    pub const SERVICE_BY_NAME: u32 = 17;
    pub const SERVICE_BY_PORT: u32 = 18;
    pub const SET_NAME: u32 = 19;
    pub const SET_PEER: u32 = 20;
    pub const INTERFACE_LIST: u32 = 21;
    pub const INTERFACE_GET: u32 = 22;
    pub const INTERFACE_SET: u32 = 23;
    pub const SUBSCRIBE: u32 = 24;
    pub const INTERFACE_ADDRESSES: u32 = 25;
    pub const ACCEPT: u32 = 26;
    pub const LISTEN: u32 = 27;
    pub const IGNORE_FD: u32 = 28;
    pub const LOCAL_ADDRESSES: u32 = 29;
    pub const PEER_ADDRESSES: u32 = 30;
    pub const TCP_RECEIVE: u32 = 42;
    pub const TCP_UNRECEIVE: u32 = 43;
    pub const TCP_SHUTDOWN: u32 = 44;
    pub const TCP_SEND_FILE: u32 = 45;
    pub const PACKET_RECEIVE: u32 = 60;
}

/// The first byte of an answer.
pub mod answer {
    #![allow(missing_docs)]
    pub const ERROR: u8 = 0;
    pub const OK: u8 = 1;
}

/// The one thing that can be subscribed to: that nothing waits to be sent any more.
pub const SUBSCRIBE_EMPTY_OUT_QUEUE: u8 = 1;

/// A time that never comes.
pub const INFINITY: u32 = u32::MAX;

/// Options.
pub mod option {
    #![allow(missing_docs)]
    pub const REUSE_ADDRESS: u8 = 0;
    pub const KEEP_ALIVE: u8 = 1;
    pub const DONT_ROUTE: u8 = 2;
    pub const LINGER: u8 = 3;
    pub const BROADCAST: u8 = 4;
    pub const SEND_BUFFER: u8 = 6;
    pub const RECEIVE_BUFFER: u8 = 7;
    pub const PRIORITY: u8 = 8;
    pub const TYPE_OF_SERVICE: u8 = 9;
    pub const NO_DELAY: u8 = 10;
    pub const MULTICAST_INTERFACE: u8 = 11;
    pub const MULTICAST_TTL: u8 = 12;
    pub const MULTICAST_LOOP: u8 = 13;
    pub const ADD_MEMBERSHIP: u8 = 14;
    pub const DROP_MEMBERSHIP: u8 = 15;
    pub const ONLY_V6: u8 = 16;
    /// This one and the next two since OTP 26.
    pub const REUSE_PORT: u8 = 17;
    pub const REUSE_PORT_BALANCED: u8 = 18;
    /// Only Windows has it.
    pub const EXCLUSIVE_ADDRESS: u8 = 19;
    pub const BUFFER: u8 = 20;
    pub const HEADER: u8 = 21;
    pub const ACTIVE: u8 = 22;
    pub const PACKET: u8 = 23;
    pub const MODE: u8 = 24;
    pub const DELIVER: u8 = 25;
    pub const EXIT_ON_CLOSE: u8 = 26;
    pub const HIGH_WATERMARK: u8 = 27;
    pub const LOW_WATERMARK: u8 = 28;
    pub const SEND_TIMEOUT: u8 = 30;
    pub const DELAY_SEND: u8 = 31;
    pub const PACKET_SIZE: u8 = 32;
    pub const READ_PACKETS: u8 = 33;
    pub const RAW: u8 = 34;
    pub const SEND_TIMEOUT_CLOSE: u8 = 35;
    pub const HIGH_QUEUE_WATERMARK: u8 = 36;
    pub const LOW_QUEUE_WATERMARK: u8 = 37;
    pub const NETWORK_NAMESPACE: u8 = 38;
    pub const SHOW_ECONNRESET: u8 = 39;
    pub const LINE_DELIMITER: u8 = 40;
    pub const TRAFFIC_CLASS: u8 = 41;
    pub const BIND_TO_DEVICE: u8 = 42;
    pub const RECEIVE_TYPE_OF_SERVICE: u8 = 43;
    pub const RECEIVE_TRAFFIC_CLASS: u8 = 44;
    pub const PACKET_OPTIONS: u8 = 45;
    pub const TIME_TO_LIVE: u8 = 46;
    pub const RECEIVE_TIME_TO_LIVE: u8 = 47;
    pub const NO_PUSH: u8 = 48;
    /// This one and the next since OTP 27.
    pub const READ_AHEAD: u8 = 49;
    pub const NON_BLOCK_SEND: u8 = 50;
    pub const DEBUG: u8 = 99;
}

/// Values of [`option::ACTIVE`].
pub mod active {
    #![allow(missing_docs)]
    pub const PASSIVE: u32 = 0;
    pub const ACTIVE: u32 = 1;
    pub const ONCE: u32 = 2;
    pub const MULTI: u32 = 3;
}

/// What a socket's statistics count.
pub mod statistic {
    #![allow(missing_docs)]
    pub const RECEIVED_PACKETS: u8 = 1;
    pub const RECEIVED_MOST: u8 = 2;
    pub const RECEIVED_MEAN: u8 = 3;
    pub const RECEIVED_DEVIATION: u8 = 4;
    pub const SENT_PACKETS: u8 = 5;
    pub const SENT_MOST: u8 = 6;
    pub const SENT_MEAN: u8 = 7;
    pub const SEND_PENDING: u8 = 8;
    pub const RECEIVED_BYTES: u8 = 9;
    pub const SENT_BYTES: u8 = 10;
}

/// Network interfaces.
pub mod interface {
    /// What can be asked about one.
    pub mod option {
        #![allow(missing_docs)]
        pub const ADDRESS: u8 = 1;
        pub const BROADCAST: u8 = 2;
        pub const DESTINATION: u8 = 3;
        pub const MTU: u8 = 4;
        pub const NETMASK: u8 = 5;
        pub const FLAGS: u8 = 6;
        pub const HARDWARE: u8 = 7;
    }

    /// Flags, in bits.
    pub mod flag {
        #![allow(missing_docs)]
        pub const UP: u32 = 0x01;
        pub const BROADCAST: u32 = 0x02;
        pub const LOOPBACK: u32 = 0x04;
        pub const POINT_TO_POINT: u32 = 0x08;
        pub const RUNNING: u32 = 0x10;
        pub const MULTICAST: u32 = 0x20;
    }
}
