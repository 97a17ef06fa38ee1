//! `starling erl --bare`: a machine without OTP.
//!
//! The tool takes `--bare` and the module path (`-pa`, `-pz`) for itself; all other flags go to the machine, in their order, which knows
//! what they mean.

use std::path::PathBuf;

use starling_vm::boot::bare::{BootConfig, run_bare};

use crate::failure::{Failure, Result};
use crate::host_files::HostFiles;
use crate::linux::LinuxPlatform;
use crate::modules::ModulePath;

/// The tool's own share of the flags, and the machine's.
#[derive(Debug, Default, PartialEq, Eq)]
struct Flags {
    /// Directories given with `-pa` and `-pz`, in order of `-pa` precedence (the last is searched first).
    directories: Vec<PathBuf>,
    /// Everything else, in order.
    machine: Vec<String>,
}

/// Runs the machine; on success it ends the process and this does not return.
pub fn run(flags: Vec<String>) -> Result<u8> {
    let flags = parse(flags)?;
    let modules = ModulePath::new(flags.directories)?;
    run_bare(
        Box::new(LinuxPlatform::new()),
        BootConfig {
            args: flags.machine,
            modules: Box::new(modules),
            files: Box::new(HostFiles::new()),
        },
    )
}

fn parse(flags: Vec<String>) -> Result<Flags> {
    let mut parsed = Flags::default();
    let mut rest = flags.into_iter().peekable();
    let mut back = Vec::new();
    while let Some(flag) = rest.next() {
        match flag.as_str() {
            "--bare" => {}
            "-pa" | "-pz" => {
                let mut directories = Vec::new();
                while let Some(directory) = rest.next_if(|next| !is_flag(next)) {
                    directories.push(PathBuf::from(directory));
                }
                if directories.is_empty() {
                    return Err(Failure::usage(format!(
                        "erl: {flag} needs a directory with modules"
                    )));
                }
                if flag == "-pa" {
                    parsed.directories.extend(directories);
                } else {
                    back.extend(directories);
                }
            }
            // What follows is the program's own, even if it looks like a flag.
            "-extra" => {
                parsed.machine.push(flag);
                parsed.machine.extend(rest.by_ref());
            }
            _ => parsed.machine.push(flag),
        }
    }
    // -pz appends to the path: behind all of -pa, the first one given first.
    back.reverse();
    back.append(&mut parsed.directories);
    parsed.directories = back;
    Ok(parsed)
}

/// Whether `argument` starts a new flag, by `erl`'s rule.
fn is_flag(argument: &str) -> bool {
    argument.starts_with(['-', '+'])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strings(words: &str) -> Vec<String> {
        words.split_whitespace().map(str::to_owned).collect()
    }

    fn parsed(words: &str) -> (Vec<String>, Vec<String>) {
        let flags = parse(strings(words)).unwrap();
        let directories = flags.directories.iter();
        let directories = directories
            .map(|path| path.to_str().unwrap().to_owned())
            .collect();
        (directories, flags.machine)
    }

    #[test]
    fn the_tool_takes_its_flags_and_passes_the_rest_on_in_order() {
        assert_eq!(
            parsed("--bare -noshell -pa a b -s hello main x -pa c +gcstress"),
            (
                strings("a b c"),
                strings("-noshell -s hello main x +gcstress")
            )
        );
    }

    #[test]
    fn pz_goes_behind_pa() {
        // Searched from the last to the first: d, c, a, b.
        assert_eq!(parsed("-pz a b -pa c d").0, strings("b a c d"));
    }

    #[test]
    fn after_extra_everything_is_the_programs() {
        assert_eq!(
            parsed("-s m -extra -pa x --bare"),
            (vec![], strings("-s m -extra -pa x --bare"))
        );
    }

    #[test]
    fn a_path_flag_without_directory_is_refused() {
        assert_eq!(parse(strings("-pa -s m")).unwrap_err().status, 2);
    }
}
