//! Nodes that talk to each other: `erl` and Starling in each place, on this Linux, with an `epmd` of the test's own.
//!
//! `tests/otp/two_nodes.erl` prints the same whichever machines the two nodes are; what it prints with `erl` on both sides is
//! what is expected of the others.

#[path = "support.rs"]
mod support;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::sleep;
use std::time::Duration;

use support::{Run, STARLING, erlc, otp27, root, run, scratch};

/// What a node runs on.
#[derive(Clone, Debug)]
enum Machine {
    Erl,
    Starling,
    /// Starling with OTP at this path.
    With(PathBuf),
}

use Machine::{Erl, Starling, With};

/// Ends with the test, whatever becomes of it.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// An `epmd` for these nodes alone.
struct Epmd {
    port: String,
    _process: Ended,
}

impl Epmd {
    fn start() -> Epmd {
        // A port that was free a moment ago.
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port().to_string();
        drop(listener);
        let process = Command::new("epmd")
            .args(["-port", &port])
            .stdin(Stdio::null())
            .spawn()
            .expect("epmd comes with erlang-base");
        Epmd {
            port,
            _process: Ended(process),
        }
    }
}

/// A name that no other node of this machine has.
fn name(role: &str) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let unique = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("{role}_{}_{unique}@127.0.0.1", std::process::id())
}

/// A command line for a node.
fn node(machine: &Machine, epmd: Option<&Epmd>, name: &str, directory: &Path) -> Command {
    let mut command = match machine {
        Erl => Command::new("erl"),
        Starling | With(_) => Command::new(STARLING),
    };
    if !matches!(machine, Erl) {
        command.arg("erl");
    }
    if let With(otp) = machine {
        command.arg("--otp").arg(otp);
    }
    for variable in ["ERL_AFLAGS", "ERL_FLAGS", "ERL_ZFLAGS", "ERL_LIBS"] {
        command.env_remove(variable);
    }
    if let Some(epmd) = epmd {
        command.env("ERL_EPMD_PORT", &epmd.port);
    }
    command
        .env("LC_ALL", "C.UTF-8")
        .env("ERL_CRASH_DUMP_SECONDS", "0")
        .args(["-noshell", "-name", name, "-setcookie", "biscuit"])
        .args(["-kernel", "logger_level", "none", "-pa"])
        .arg(directory);
    command
}

/// Starts a node that does not end by itself; what it prints goes to a file.
fn start(command: &mut Command, output: &Path) -> Ended {
    let output = File::create(output).unwrap();
    let process = command
        .stdin(Stdio::null())
        .stdout(output.try_clone().unwrap())
        .stderr(output)
        .spawn();
    Ended(process.unwrap())
}

fn compiled(module: &str) -> PathBuf {
    let directory = scratch(module);
    let source = root().join(format!("tests/otp/{module}.erl"));
    erlc(&directory, &[source]);
    directory
}

/// The two nodes of `two_nodes`: what the first one prints.
fn talk(epmd: &Epmd, directory: &Path, first: &Machine, second: &Machine) -> Run {
    let (one, other) = (name("one"), name("other"));
    let output = directory.join(&other);
    let mut served = node(second, Some(epmd), &other, directory);
    let _served = start(served.args(["-s", "two_nodes", "serve"]), &output);
    let mut command = node(first, Some(epmd), &one, directory);
    run(command.args(["-other", &other, "-s", "two_nodes", "main"]))
}

#[test]
fn two_nodes_do_the_same_whichever_machines_they_are() {
    let directory = compiled("two_nodes");
    let epmd = Epmd::start();
    let expected = talk(&epmd, &directory, &Erl, &Erl);
    expected.expect_status(0);
    for (first, second) in [(Starling, Erl), (Erl, Starling), (Starling, Starling)] {
        let run = talk(&epmd, &directory, &first, &second);
        run.expect_status(0);
        assert_eq!(
            run.stdout, expected.stdout,
            "{first:?} with {second:?}\n{run}"
        );
    }
}
