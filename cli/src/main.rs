//! `starling`: runs Erlang programs on the Starling machine, bakes them into Xen images, and boots those.
//!
//! The command line is taken apart here and each command lives in its module. The same program is also the
//! first process of the dom0 that `starling boot` starts (see [`dom0`]): it is there under another name.

mod boot;
mod dom0;
mod erl;
mod failure;
mod image;
mod linux;
mod modules;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

const AFTER_HELP: &str = "\
Examples:
  erlc hello.erl
  starling erl --bare -pa . -s hello main
  starling image --bare -o hello.elf -pa . -- -s hello main
  starling boot hello.elf";

#[derive(Parser)]
#[command(name = "starling", version, about = "An Erlang machine that is its own operating system", after_help = AFTER_HELP)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run a program on this Linux; flags as `erl` spells them
    #[command(disable_help_flag = true)]
    Erl {
        #[arg(
            trailing_var_arg = true,
            allow_hyphen_values = true,
            value_name = "FLAGS"
        )]
        flags: Vec<String>,
    },
    /// Bake modules and boot flags into one ELF file that Xen boots
    Image(image::Options),
    /// Run an image under Xen in QEMU, console attached
    Boot(boot::Options),
}

fn main() -> ExitCode {
    if dom0::is_first_process() {
        dom0::run();
    }
    let result = match Cli::parse().command {
        Command::Erl { flags } => erl::run(flags),
        Command::Image(options) => image::run(&options),
        Command::Boot(options) => boot::run(&options),
    };
    match result {
        Ok(status) => ExitCode::from(status),
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::from(failure.status)
        }
    }
}
