//! The hotplug script `vif-bridge` that `xl` runs for each interface of a domain: this same tool under the script's name.
//!
//! It does what Xen's own script of that name does with bash, `ip` and the xenstore tools: makes the interface of dom0 that belongs to a
//! vif a port of the bridge that the configuration names, and tells xenstore that this is done, or why it cannot be. netback connects
//! only after that. The conventions (argument, environment, nodes) are those of `docs/misc/vif-hotplug` and
//! `tools/hotplug/Linux/vif-common.sh` of Xen.

use std::env;

use super::interfaces::Interfaces;
use super::{Step, xenstore};
use crate::boot::network::Mac;

/// Where `xl` looks for the script of a vif whose configuration names none.
pub const SCRIPT_PATH: &str = "/etc/xen/scripts/vif-bridge";

/// The highest address that is not a group's: a bridge takes the lowest of its ports' as its own, so this one never changes it.
const PORT_ADDRESS: Mac = Mac([0xfe, 0xff, 0xff, 0xff, 0xff, 0xff]);

/// Whether this process was started as the script.
pub fn is_hotplug_script() -> bool {
    env::args_os()
        .next()
        .is_some_and(|name| name == SCRIPT_PATH)
}

/// Does what the script's argument says; the exit status.
pub fn run() -> i32 {
    let done = match env::args().nth(1).as_deref() {
        Some("online") => online(),
        Some("offline") => offline(),
        // For emulated interfaces, which PV domains have none of.
        Some("add" | "remove") => Ok(()),
        other => Err(format!("unknown command {other:?}")),
    };
    match done {
        Ok(()) => 0,
        Err(why) => {
            eprintln!("vif-bridge: {why}");
            if let Ok(backend) = backend_path() {
                // xl reads these two, and shows the first.
                let told = xenstore::write(&format!("{backend}/hotplug-error"), &why)
                    .and_then(|()| xenstore::write(&format!("{backend}/hotplug-status"), "error"));
                if let Err(error) = told {
                    eprintln!("vif-bridge: {error}");
                }
            }
            1
        }
    }
}

fn online() -> Step<()> {
    let port = Port::of_environment()?;
    let interfaces = Interfaces::open().map_err(|error| error.to_string())?;
    let Port {
        backend,
        interface,
        bridge,
    } = &port;
    if !interfaces.exists(bridge) {
        return Err(format!("Could not find bridge device {bridge}"));
    }
    let mtu = interfaces
        .set_up(interface, false)
        .and_then(|()| interfaces.set_mac(interface, PORT_ADDRESS))
        .and_then(|()| interfaces.mtu(bridge))
        .map_err(|error| format!("{interface}: {error}"))?;
    // The guest learns the bridge's largest packet, unless the configuration has one.
    let mtu = match read(&format!("{backend}/mtu"))? {
        Some(text) => text.parse().map_err(|_| format!("mtu={text}: no number"))?,
        None => mtu,
    };
    interfaces
        .set_mtu(interface, mtu)
        .and_then(|()| interfaces.add_to_bridge(bridge, interface))
        .and_then(|()| interfaces.set_up(interface, true))
        .map_err(|error| format!("{interface} on {bridge}: {error}"))?;
    if let Some(frontend) = read(&format!("{backend}/frontend"))? {
        write(&format!("{frontend}/mtu"), &mtu.to_string())?;
    }
    write(&format!("{backend}/hotplug-status"), "connected")
}

fn offline() -> Step<()> {
    let port = Port::of_environment()?;
    let interfaces = Interfaces::open().map_err(|error| error.to_string())?;
    if interfaces.exists(&port.interface) {
        // netback may take the interface away at any moment, and its place in the bridge with it.
        let _ = interfaces.set_up(&port.interface, false);
        let _ = interfaces.remove_from_bridge(&port.bridge, &port.interface);
    }
    Ok(())
}

/// What the script is about.
struct Port {
    /// The vif's nodes of the backend in xenstore.
    backend: String,
    /// dom0's interface, such as `vif1.0`.
    interface: String,
    bridge: String,
}

impl Port {
    fn of_environment() -> Step<Port> {
        let backend = backend_path()?;
        let interface = env::var("vif").map_err(|_| "$vif is not set".to_owned())?;
        let bridge = read(&format!("{backend}/bridge"))?
            .ok_or_else(|| "Could not find bridge, and none was specified".to_owned())?;
        Ok(Port {
            backend,
            interface,
            bridge,
        })
    }
}

fn backend_path() -> Step<String> {
    env::var("XENBUS_PATH").map_err(|_| "$XENBUS_PATH is not set".to_owned())
}

fn read(path: &str) -> Step<Option<String>> {
    xenstore::read(path).map_err(|error| format!("{path}: {error}"))
}

fn write(path: &str, value: &str) -> Step<()> {
    xenstore::write(path, value).map_err(|error| format!("{path}: {error}"))
}
