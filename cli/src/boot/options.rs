//! Command line of `starling boot`.

use std::path::PathBuf;

const AFTER_HELP: &str = "\
The guest's console is standard output and input; progress goes to standard error. Of what \
is typed at a terminal Ctrl-] ends the machine; all else is the guest's. The exit status is the guest's: what it gave to halt/1, 70 if it crashed, 124 on --timeout.

Environment:
  STARLING_QEMU      the QEMU program (default: qemu-system-x86_64)
  STARLING_SYSROOT   where Xen, its tools and dom0's kernel are installed (default: /)
  XDG_CACHE_HOME     prepared files are kept in starling/ there (default: ~/.cache)";

/// What to boot and how.
#[derive(clap::Args)]
#[command(after_help = AFTER_HELP)]
pub struct Options {
    /// The image, from `starling image`
    #[arg(value_name = "IMAGE")]
    pub image: PathBuf,

    /// The domain's memory in MiB
    #[arg(short, long, value_name = "MIB", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=1 << 20))]
    pub memory: u32,

    /// Boot the image straight under Xen, in dom0's place: the loop of a second, for work on the machine itself
    #[arg(long)]
    pub dom0: bool,

    /// Use KVM instead of software emulation
    #[arg(long)]
    pub kvm: bool,

    /// End the machine after this many seconds, with exit status 124
    #[arg(long, value_name = "SECONDS")]
    pub timeout: Option<u64>,

    /// Also show what Xen and dom0 say
    #[arg(short, long)]
    pub verbose: bool,

    /// When the guest prints TEXT, run `xl COMMAND` in dom0, each once and in this order; with --verbose, its output is shown
    #[arg(long, value_name = "TEXT=>COMMAND", hide = true)]
    pub xl: Vec<String>,

    /// More boot flags for the guest, behind those in the image
    #[arg(last = true, value_name = "FLAGS")]
    pub flags: Vec<String>,
}
