//! The first process of the dom0 that `starling boot` starts.
//!
//! It is this same tool under another name, so both ends of their line ([`crate::boot::wire`]) are always of one version.
//! It brings up Xen's toolstack, lets `xl` create the domain, carries the console's bytes both ways, and tells the
//! host how the domain ended; then the host ends QEMU. Everything here runs inside of the emulated machine, as root, with
//! nothing else beside it; whatever fails is reported over the line, since nobody would see anything else.

mod addresses;
pub mod hotplug;
mod interfaces;
mod network;
mod relay;
mod settings;
mod toolstack;
mod xenstore;

use std::fs::File;
use std::io::Write;
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::getpid;
use rustix::system::RebootCommand;
use rustix::termios::OptionalActions;

use crate::boot::wire::{GREETING, Message, PAYLOAD_MAX};

/// This program's name as dom0's first process.
pub const INIT_PATH: &str = "/starling-dom0";
/// The domain's configuration.
pub const CONFIG_PATH: &str = "/domain.cfg";
/// What else the host asks for, see [`settings`].
pub const SETTINGS_PATH: &str = "/settings";
/// The kernel modules to load: a path a line.
pub const MODULES_PATH: &str = "/modules/list";
/// Those that are loaded for a network only.
pub const NETWORK_MODULES_PATH: &str = "/modules/network-list";
/// Xen's programs.
pub const TOOLS_DIRECTORY: &str = "/xen";

/// The line to the host: the first port of QEMU's virtio serial device.
const LINE: &str = "/dev/vport0p1";
/// The port is there as soon as its driver has talked to QEMU.
const LINE_LIMIT: Duration = Duration::from_secs(60);

/// What a step of the boot returns; the error is for the user, on the host.
type Step<T> = Result<T, String>;

/// Whether this process was started as dom0's first.
pub fn is_first_process() -> bool {
    getpid().is_init()
        && std::env::args_os()
            .next()
            .is_some_and(|name| name == INIT_PATH)
}

/// Runs dom0.
pub fn run() -> ! {
    if let Err(why) = serve() {
        // The line does not work: Xen's console is what is left.
        eprintln!("starling-dom0: {why}");
    }
    // This is for a host that has not ended QEMU.
    let _ = rustix::system::reboot(RebootCommand::PowerOff);
    std::process::exit(1)
}

fn serve() -> Step<()> {
    toolstack::mount_all()?;
    toolstack::load_modules(MODULES_PATH)?;
    let mut line = open_line()?;
    line.write_all(GREETING)
        .map_err(|error| format!("{LINE}: {error}"))?;
    let last = match serve_domain(&mut line) {
        Ok(relay::End::ShutDown(reason)) => Message::Ended(reason),
        Ok(relay::End::Destroyed) => Message::Destroyed,
        Err(why) => Message::Failed(why.chars().take(PAYLOAD_MAX / 4).collect()),
    };
    // The host ends QEMU when it has read this.
    line.write_all(&last.encode())
        .map_err(|error| format!("{LINE}: {error}"))?;
    sleep(LINE_LIMIT);
    Ok(())
}

fn serve_domain(line: &mut File) -> Step<relay::End> {
    let settings = settings::Settings::read()?;
    toolstack::start()?;
    network::start(&settings)?;
    relay::run_domain(line, settings)
}

/// Opens the line to the host.
fn open_line() -> Step<File> {
    let deadline = Instant::now() + LINE_LIMIT;
    loop {
        match File::options().read(true).write(true).open(LINE) {
            Ok(file) => return Ok(file),
            Err(error) if Instant::now() > deadline => return Err(format!("{LINE}: {error}")),
            Err(_) => sleep(Duration::from_millis(5)),
        }
    }
}

/// Takes all interpretation of bytes off a terminal.
fn make_raw(file: &File) -> rustix::io::Result<()> {
    let mut mode = rustix::termios::tcgetattr(file)?;
    mode.make_raw();
    rustix::termios::tcsetattr(file, OptionalActions::Now, &mode)
}
