//! `starling erl`: the machine on Linux, started as `erl` is.
//!
//! The tool takes `--otp DIR` and `--bare` for itself. All else is `erl`'s: see [`starling_vm::boot::flags`], and [`bare`] for a machine
//! without OTP.

mod bare;

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::Write;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use starling_vm::boot::flags::Stop;
use starling_vm::boot::flags::launch::{Environment, Installation, launch};
use starling_vm::boot::flags::words::{Source, merge};
use starling_vm::boot::otp::{OtpConfig, run_otp};

use crate::failure::{Failure, Result};
use crate::host_files::HostFiles;
use crate::ling_cache::LingCache;
use crate::linux::LinuxPlatform;
use crate::otp::Otp;
use crate::otp::preloaded::Preloaded;

const HELP: &str = "\
Run OTP, or a program without it, on this Linux; flags as `erl` spells them

Usage: starling erl [--otp DIR] [FLAGS]
       starling erl --bare [-pa DIR...] -s MODULE [FUNCTION [ARGUMENT...]] [FLAGS]

  --otp DIR              the root of the OTP to run; otherwise the one that erl on PATH runs
  --bare                 boot without OTP: the given modules and the machine's built-in functions only
  -pa DIR...             look for modules (.beam or .ling) in these directories
  -s M [F [A...]]        call M:F([A...]) with atoms, or M:F(), or M:start()
  -run M [F [A...]]      the same with strings
  -eval EXPRESSION       evaluate (needs OTP)
  -noshell               no shell (needs OTP)
  -nobeam                refuse .beam files: .ling only
  +gcstress              collect garbage at every allocation (to test the machine itself)
  +pausestress           let others run wherever a built-in function may (to test the machine itself)

All other flags of erl are known; docs/src/flags.md says what each does here.

Examples: starling erl
          starling erl -noshell -eval 'io:format(\"hello~n\"), halt().'
          starling erl --bare -pa ebin -s hello main";

/// What the tool takes for itself.
#[derive(Debug, Default, PartialEq, Eq)]
struct Own {
    bare: bool,
    otp: Option<PathBuf>,
    /// Everything else, in order.
    words: Vec<OsString>,
}

/// Runs the command; on success the machine ends the process and this does not return.
pub fn run(flags: Vec<OsString>) -> Result<u8> {
    let first = flags.first().map(|flag| flag.to_string_lossy());
    if matches!(first.as_deref(), Some("--help" | "-help" | "-h")) {
        println!("{HELP}");
        return Ok(0);
    }
    let own = take_own(flags)?;
    if own.bare {
        let words = own.words.into_iter().map(|word| {
            word.into_string()
                .map_err(|word| Failure::usage(format!("erl: {}: not UTF-8", word.display())))
        });
        return bare::run(words.collect::<Result<_>>()?);
    }
    match start(&own) {
        Ok(never) => match never? {},
        Err(stop) => finish(&stop),
    }
}

/// What never comes back.
enum Never {}

/// Goes on in the background, in a session of its own and without a terminal; the process that was started ends.
fn detach() -> Result<()> {
    let failed = |error: std::io::Error| Failure::new(format!("erl: -detached: {error}"));
    let null = fs::File::options().read(true).write(true).open("/dev/null");
    let null = null.map_err(failed)?;
    // SAFETY: there is one thread so far, so the new process has all that this one has.
    match unsafe { libc::fork() } {
        -1 => return Err(failed(std::io::Error::last_os_error())),
        0 => {}
        _ => std::process::exit(0),
    }
    let moved = rustix::process::setsid()
        .and_then(|_| rustix::stdio::dup2_stdin(&null))
        .and_then(|()| rustix::stdio::dup2_stdout(&null))
        .and_then(|()| rustix::stdio::dup2_stderr(&null));
    moved.map_err(|error| failed(error.into()))
}

/// Starts the program that tells nodes where others listen, if there is to be one, as `erl` does for a node with a name. One that runs
/// already ends the new one.
pub fn start_epmd(program: Option<&[u8]>) {
    let Some(program) = program.map(OsStr::from_bytes) else {
        return;
    };
    let start = |program: &OsStr| {
        let mut command = Command::new(program);
        command.arg("-daemon").stdin(Stdio::null());
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command.status()
    };
    // An OTP for another system may have one that cannot run here.
    let started = start(program).is_ok_and(|status| status.success());
    if !started && let Err(error) = start(OsStr::new("epmd")) {
        eprintln!(
            "starling: {} cannot be started ({error}), nor epmd on PATH: no other node will find this one",
            program.display()
        );
    }
}

/// Starts OTP. The outer error ends the tool as flags ask for; the inner one is a failure of the tool.
fn start(own: &Own) -> std::result::Result<Result<Never>, Stop> {
    let otp = match Otp::find(own.otp.as_deref()) {
        Ok(otp) => otp,
        Err(failure) => return Ok(Err(failure)),
    };
    let environment: Environment = env::vars_os()
        .map(|(name, value)| (name.into_vec(), value.into_vec()))
        .collect();
    let words: Vec<Vec<u8>> = own
        .words
        .iter()
        .map(|word| word.as_bytes().to_vec())
        .collect();
    let words = merge(&sources(&environment, &words, &otp.release), &mut |name| {
        fs::read(OsStr::from_bytes(name)).map_err(|error| io_text(&error))
    })?;
    let bindir = otp.bindir();
    let installation = Installation {
        root: &otp.root_text,
        bindir: &bindir,
        erts_version: &otp.erts_version,
        has_programs: true,
    };
    let launch = launch(&words, &installation, environment)?;
    let preloaded = match Preloaded::find(&otp) {
        Ok(preloaded) => preloaded,
        Err(failure) => return Ok(Err(failure)),
    };
    print(&launch.output, &launch.error);
    start_epmd(launch.epmd.as_deref());
    if launch.detached
        && let Err(failure) = detach()
    {
        return Ok(Err(failure));
    }
    run_otp(
        Box::new(LinuxPlatform::new()),
        OtpConfig {
            arguments: launch.arguments,
            options: launch.options,
            environment: launch.environment,
            release: otp.release,
            erts_version: otp.erts_version,
            preloaded: Box::new(preloaded),
            converted: Box::new(LingCache::open()),
            files: Box::new(HostFiles::new()),
        },
    )
}

/// Environment and command line, in the order in which `erl` takes them.
fn sources<'a>(
    environment: &'a Environment,
    words: &'a [Vec<u8>],
    release: &str,
) -> Vec<Source<'a>> {
    let text = |name: &str| {
        environment
            .iter()
            .find(|(n, value)| n == name.as_bytes() && !value.trim_ascii().is_empty())
            .map(|(_, value)| Source::Text(value))
    };
    let line = (!words.is_empty()).then_some(Source::Words(words));
    [
        text(&format!("ERL_OTP{release}_FLAGS")),
        text("ERL_AFLAGS"),
        line,
        text("ERL_FLAGS"),
        text("ERL_ZFLAGS"),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// What the system says, as C programs say it.
pub fn io_text(error: &std::io::Error) -> String {
    let text = error.to_string();
    match text.find(" (os error") {
        Some(end) => text[..end].to_owned(),
        None => text,
    }
}

fn take_own(flags: Vec<OsString>) -> Result<Own> {
    let mut own = Own::default();
    let mut rest = flags.into_iter();
    while let Some(flag) = rest.next() {
        match flag.to_str() {
            Some("--bare") => own.bare = true,
            Some("--otp") => {
                let root = rest
                    .next()
                    .ok_or_else(|| Failure::usage("erl: --otp needs the root of an OTP"))?;
                own.otp = Some(PathBuf::from(root));
            }
            // What follows is the program's own, even if it looks like a flag.
            Some("-extra") => {
                own.words.push(flag);
                own.words.extend(rest.by_ref());
            }
            Some(text) if text.starts_with("--otp=") => {
                own.otp = Some(PathBuf::from(&text["--otp=".len()..]));
            }
            _ => own.words.push(flag),
        }
    }
    if own.bare && own.otp.is_some() {
        return Err(Failure::usage(
            "erl: --bare is without OTP, --otp is with it: give one of them",
        ));
    }
    Ok(own)
}

/// Prints what the flags asked for instead of a machine; the exit status.
pub fn finish(stop: &Stop) -> Result<u8> {
    print(&stop.output, &stop.error);
    Ok(stop.status)
}

/// Prints on both outputs.
pub fn print(output: &[u8], error: &str) {
    // Who closed the other end does not want to know.
    let _ = std::io::stdout().write_all(output);
    let _ = std::io::stdout().flush();
    eprint!("{error}");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(words: &str) -> Result<Own> {
        take_own(words.split_whitespace().map(OsString::from).collect())
    }

    #[test]
    fn the_tool_takes_its_own_flags_wherever_they_are() {
        let taken = own("-s m --otp /otp f -- x -extra --otp y --bare").unwrap();
        assert_eq!(taken.otp, Some(PathBuf::from("/otp")));
        assert!(!taken.bare);
        let words: Vec<_> = taken
            .words
            .iter()
            .map(|word| word.to_str().unwrap())
            .collect();
        assert_eq!(words.join(" "), "-s m f -- x -extra --otp y --bare");
        assert_eq!(own("--otp=/a b").unwrap().otp, Some(PathBuf::from("/a")));
        assert_eq!(own("x --otp").unwrap_err().status, 2);
        assert_eq!(own("--otp x --bare").unwrap_err().status, 2);
    }

    #[test]
    fn the_environment_comes_in_otps_order() {
        let environment: Environment = [
            ("ERL_ZFLAGS", "z"),
            ("ERL_FLAGS", " "),
            ("ERL_AFLAGS", "a"),
            ("ERL_OTP25_FLAGS", "o"),
        ]
        .map(|(name, value)| (name.into(), value.into()))
        .to_vec();
        let line = vec![b"line".to_vec()];
        let found = sources(&environment, &line, "25");
        let words = merge(&found, &mut |_| Err(String::new())).unwrap();
        assert_eq!(words.join(&b" "[..]), b"o -- a -- line -- z --");
        let found = sources(&environment, &[], "27");
        assert_eq!(found.len(), 2);
    }
}
