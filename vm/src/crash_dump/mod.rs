//! What the machine leaves behind when it dies: OTP's crash dump.

pub mod stack;

use crate::machine::Machine;
use alloc::format;
use alloc::string::String;

/// `Erlang/OTP 25 [erts-13.1.5] [starling-0.1.0] [64-bit] [smp:1:1]`
pub fn system_version(machine: &Machine) -> String {
    format!(
        "Erlang/OTP {} [erts-{}] [starling-{}] [64-bit] [smp:1:1]",
        machine.release,
        machine.erts_version,
        env!("CARGO_PKG_VERSION")
    )
}
