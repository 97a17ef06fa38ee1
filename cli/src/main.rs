//! `starling`: runs Erlang programs on the Starling machine, bakes them into Xen images, and boots those.
//!
//! The command line is taken apart here and each command lives in its module. The same program is also the
//! first process of the dom0 that `starling boot` starts, and a hotplug script there (see [`dom0`]): under other names.

mod boot;
mod dom0;
mod erl;
mod failure;
mod host_files;
mod image;
mod ling_cache;
mod linux;
mod modules;
mod otp;
mod release;

use std::env;
use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

const AFTER_HELP: &str = "\
Examples:
  starling erl
  erlc hello.erl
  starling erl --bare -pa . -s hello main
  starling image --bare -o hello.elf -pa . -- -s hello main
  starling boot hello.elf
  starling run _build/prod/rel/demo
  starling image _build/prod/rel/demo -o demo.elf";

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
        flags: Vec<OsString>,
    },
    /// Run a release on this Linux
    Run(release::run::Options),
    /// Bake a release, or modules and boot flags, into one ELF file that Xen boots
    Image(image::Options),
    /// Run an image under Xen in QEMU, console attached
    Boot(boot::Options),
}

fn main() -> ExitCode {
    if dom0::is_first_process() {
        dom0::run();
    }
    if dom0::hotplug::is_hotplug_script() {
        std::process::exit(dom0::hotplug::run());
    }
    let args: Vec<OsString> = env::args_os().collect();
    // `erl`'s flags are not taken apart as others are: even a `--` has a meaning of its own.
    let command = match args.get(1) {
        Some(command) if command == "erl" => Command::Erl {
            flags: args[2..].to_vec(),
        },
        _ => Cli::parse_from(with_long_pa(args)).command,
    };
    let result = match command {
        Command::Erl { flags } => erl::run(flags),
        Command::Run(options) => release::run::run(&options),
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

/// `starling image` spells `-pa` as `erl` does, which the parser of flags would take for `-p a`.
fn with_long_pa(mut args: Vec<OsString>) -> Vec<OsString> {
    if args.get(1).is_some_and(|command| command == "image") {
        let own = args.iter().position(|arg| arg == "--");
        let own = own.unwrap_or(args.len());
        for arg in args[..own].iter_mut().filter(|arg| *arg == "-pa") {
            *arg = OsString::from("--pa");
        }
    }
    args
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &str) -> Option<image::Options> {
        let args = words.split(' ').map(OsString::from).collect();
        match Cli::try_parse_from(with_long_pa(args)).ok()?.command {
            Command::Image(options) => Some(options),
            _ => None,
        }
    }

    #[test]
    fn pa_is_spelled_as_erl_spells_it() {
        assert!(parse("starling image --bare -o out -pa a -pa b -- -s m -pa c").is_some());
        assert!(parse("starling image --bare -pa a").is_none(), "no -o");
        assert!(parse("starling image --nonsense -o out").is_none());
    }
}
