//! dom0's network: a bridge that holds the interface to QEMU's user network, and bridges that lead nowhere.

use std::fs;
use std::net::Ipv4Addr;
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::interfaces::Interfaces;
use super::settings::Settings;
use super::{NETWORK_MODULES_PATH, Step, toolstack};
use crate::boot::network::BRIDGE;

/// The only interface that QEMU gives dom0.
const UPLINK: &str = "eth0";
/// The interface is there as soon as its driver has talked to QEMU.
const UPLINK_LIMIT: Duration = Duration::from_secs(30);
/// dom0's own address on the bridge: of QEMU's user network, and not one of those that its DHCP gives away (from .15 on).
const ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 100);
const MASK: Ipv4Addr = Ipv4Addr::new(255, 255, 255, 0);

/// Brings the network up, if one is wanted.
pub fn start(settings: &Settings) -> Step<()> {
    if !settings.network {
        return Ok(());
    }
    toolstack::load_modules(NETWORK_MODULES_PATH)?;
    let interfaces = Interfaces::open().map_err(|error| format!("a socket: {error}"))?;
    let deadline = Instant::now() + UPLINK_LIMIT;
    while !interfaces.exists(UPLINK) {
        if Instant::now() > deadline {
            return Err(format!("dom0 has no network interface {UPLINK}"));
        }
        sleep(Duration::from_millis(5));
    }
    // dom0 needs no addresses of its own on the bridges' IPv6 networks; asking for them would only be more frames. Without IPv6
    // there is nothing to switch off.
    let _ = fs::write("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1");
    let failed = |what: &str, error: std::io::Error| format!("dom0's network: {what}: {error}");
    for bridge in settings.bridges.iter().map(String::as_str).chain([BRIDGE]) {
        interfaces
            .add_bridge(bridge)
            .and_then(|()| interfaces.set_up(bridge, true))
            .map_err(|error| failed(bridge, error))?;
    }
    // Who is asked for before it is there shall be found soon after: Linux asks once a second unless it is told. Without this
    // the address is found a little later.
    let _ = fs::write(
        format!("/proc/sys/net/ipv4/neigh/{BRIDGE}/retrans_time_ms"),
        "50",
    );
    interfaces
        .add_to_bridge(BRIDGE, UPLINK)
        .and_then(|()| interfaces.set_up(UPLINK, true))
        .and_then(|()| interfaces.set_address(BRIDGE, ADDRESS, MASK))
        .map_err(|error| failed(BRIDGE, error))
}
