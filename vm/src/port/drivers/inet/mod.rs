//! Sockets: the drivers `tcp_inet` and `udp_inet`, which OTP's `prim_inet` speaks to.
//!
//! The frame that both stand on: [`wire`] has the numbers of the protocol, [`reader`] reads what `prim_inet` says and [`reply`] is how it is
//! answered; [`request`] carries out what both drivers do in the same way, [`options`] and [`settings`] are the options of a socket,
//! [`address`] its addresses, [`socket`] what else is known of it, [`statistics`] what it counts, [`alarms`] when it wants to be woken,
//! [`messages`] what it sends to processes; [`interfaces`] and [`services`] are what can be asked without a socket. [`tcp`] is the driver of streams, [`udp`] that of messages.
//!
//! The sockets themselves are the world's ([`crate::platform::network`]). The facts are OTP's: `lib/kernel/src/inet_int.hrl` for the numbers,
//! `erts/preloaded/src/prim_inet.erl` and `erts/emulator/drivers/common/inet_drv.c` for the behaviour.

pub mod address;
pub mod alarms;
pub mod interfaces;
pub mod messages;
pub mod options;
pub mod reader;
pub mod reply;
pub mod request;
pub mod services;
pub mod settings;
pub mod socket;
pub mod statistics;
pub mod tag;
pub mod tcp;
pub mod udp;
pub mod wire;
