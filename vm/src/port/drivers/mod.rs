//! The drivers, a file each, and how they are found by name.

pub mod fd;
pub mod inet;
pub mod ram_file;
pub mod spawn;
pub mod trace_file;
pub mod trace_ip;
pub mod tty_sl;
pub mod vanilla;

use super::driver::{Driver, Handle};
use super::open::{OpenError, Options};
use alloc::boxed::Box;

/// Makes a driver for `command`, the whole text of `{spawn, Command}` or `{spawn_driver, Command}`.
pub type Open =
    fn(&mut Handle, command: &[u8], options: &Options) -> Result<Box<dyn Driver>, OpenError>;

/// A driver that `{spawn_driver, Command}` finds by the first word of the command.
pub struct LinkedIn {
    /// Its name.
    pub name: &'static str,
    /// Makes one.
    pub open: Open,
}

/// All drivers that are part of the machine and have a name. `erl_ddll` tells them apart from loadable ones.
pub static LINKED_IN: &[LinkedIn] = &[
    LinkedIn {
        name: "ram_file_drv",
        open: ram_file::open,
    },
    LinkedIn {
        name: inet::tcp::NAME,
        open: inet::tcp::open,
    },
    LinkedIn {
        name: trace_file::NAME,
        open: trace_file::open,
    },
    LinkedIn {
        name: trace_ip::NAME,
        open: trace_ip::open,
    },
    LinkedIn {
        name: "tty_sl",
        open: tty_sl::open,
    },
    LinkedIn {
        name: "udp_inet",
        open: inet::udp::open,
    },
];
