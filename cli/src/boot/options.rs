//! Command line of `starling boot`.

use std::path::PathBuf;

use super::network::{Forward, Vif, interface_name};
use super::toolstack_command::ToolstackCommand;

const AFTER_HELP: &str = "\
The guest's console is standard output and input; progress goes to standard error. Of what \
is typed at a terminal Ctrl-] ends the machine; all else is the guest's. The exit status is the guest's: what it gave to halt/1, 70 if it crashed, 124 on --timeout.

With a network (-p, --net, --vif) the guest's interface is bridged to QEMU's user network, which has DHCP (10.0.2.15), DNS (10.0.2.3), a gateway that \
is also this machine (10.0.2.2), and IPv6 (fec0::/64). Ctrl-C asks the domain to shut down, and destroys it if it does not; the exit status is 0 if the domain had an address, 1 if it \
never got one, so that nothing was served.

Environment:
  STARLING_QEMU      the QEMU program (default: qemu-system-x86_64)
  STARLING_SYSROOT   where Xen, its tools and dom0's kernel are installed (default: /)
  XDG_CACHE_HOME     prepared files are kept in starling/ there (default: ~/.cache)";

/// The domain's memory in MiB where nothing says otherwise.
const MEMORY_MIB: u32 = 64;

/// What to boot and how.
#[derive(Clone, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub struct Options {
    /// The image, from `starling image`; or a configuration for `xl`, such as `starling image RELEASE` writes beside it
    #[arg(value_name = "IMAGE")]
    pub image: PathBuf,

    /// The domain's memory in MiB [default: 64, or what the configuration says]
    #[arg(short, long, value_name = "MIB", value_parser = clap::value_parser!(u32).range(1..=1 << 20))]
    pub memory: Option<u32>,

    /// Memory in MiB that the domain may be given while it runs; without it, what -m says
    #[arg(long, value_name = "MIB", value_parser = clap::value_parser!(u32).range(1..=1 << 20))]
    pub maxmem: Option<u32>,

    /// Boot the image straight under Xen, in dom0's place: the loop of a second, for work on the machine itself
    #[arg(long)]
    pub dom0: bool,

    /// Forward a port of this machine into the domain: [ADDRESS:]HOST:GUEST[/udp]. Port 0 takes one that is free, and tells which
    #[arg(short = 'p', long = "publish", value_name = "HOST:GUEST")]
    pub forwards: Vec<Forward>,

    /// Give the domain a vif on dom0's bridge xenbr0 (-p implies it)
    #[arg(long)]
    pub net: bool,

    /// Give the domain a vif, in xl's words: bridge=NAME,mac=ADDRESS,... May be repeated
    #[arg(long = "vif", value_name = "KEY=VALUE,...")]
    pub vifs: Vec<Vif>,

    /// A bridge in dom0 that leads nowhere. May be repeated
    #[arg(long = "bridge", value_name = "NAME", value_parser = interface_name)]
    pub bridges: Vec<String>,

    /// An initial ramdisk, for other PV kernels than ours
    #[arg(long, value_name = "FILE")]
    pub ramdisk: Option<PathBuf>,

    /// Run this command of xl's in dom0, SECONDS after the domain's start: "5:network-attach starling bridge=xenbr0". May be repeated
    #[arg(long = "xl", value_name = "SECONDS:COMMAND")]
    pub commands: Vec<ToolstackCommand>,

    /// When the guest prints TEXT, run `xl COMMAND` in dom0, each once and in this order. May be repeated
    #[arg(long, value_name = "TEXT=>COMMAND", hide = true)]
    pub xl_after: Vec<String>,

    /// Use KVM instead of software emulation
    #[arg(long)]
    pub kvm: bool,

    /// End the machine after this many seconds, with exit status 124
    #[arg(long, value_name = "SECONDS")]
    pub timeout: Option<u64>,

    /// Also show what Xen and dom0 say
    #[arg(short, long)]
    pub verbose: bool,

    /// More boot flags for the guest, behind those in the image
    #[arg(last = true, value_name = "FLAGS")]
    pub flags: Vec<String>,
}

impl Options {
    /// The domain's memory in MiB.
    pub fn memory(&self) -> u32 {
        self.memory.unwrap_or(MEMORY_MIB)
    }

    /// The most that it may have, in MiB.
    pub fn maximum_memory(&self) -> u32 {
        self.maxmem.unwrap_or(0).max(self.memory())
    }
}
