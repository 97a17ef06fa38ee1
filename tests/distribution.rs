//! Nodes that talk to each other: `erl` and Starling in each place, on this Linux, with an `epmd` of the test's own.
//!
//! `tests/otp/two_nodes.erl` prints the same whichever machines the two nodes are; what it prints with `erl` on both sides is
//! what is expected of the others.

use std::fs::File;
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::sleep;
use std::time::Duration;

use starling_tests::{Run, STARLING, erlc, otp27, root, run, scratch};

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
        let port = free_port().to_string();
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
    let mut command = node_without_cookie(machine, epmd, name, directory);
    command.args(["-setcookie", "biscuit"]);
    command
}

fn node_without_cookie(
    machine: &Machine,
    epmd: Option<&Epmd>,
    name: &str,
    directory: &Path,
) -> Command {
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
        .args(["-noshell", "-name", name])
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

/// The two nodes of `two_nodes`, the first of which calls `function`: what that one prints.
fn talk(
    epmd: &Epmd,
    directory: &Path,
    [first, second]: [&Machine; 2],
    function: &str,
    flags: &[&str],
) -> Run {
    let (one, other) = (name("one"), name("other"));
    let output = directory.join(&other);
    let mut served = node(second, Some(epmd), &other, directory);
    served.args(flags).args(["-s", "two_nodes", "serve"]);
    let _served = start(&mut served, &output);
    let mut command = node(first, Some(epmd), &one, directory);
    command.args(flags);
    run(command.args(["-other", &other, "-s", "two_nodes", function]))
}

/// Each of `pairs` prints what two nodes of OTP do.
fn talk_as_on_erl(
    epmd: &Epmd,
    directory: &Path,
    pairs: &[[&Machine; 2]],
    function: &str,
    flags: &[&str],
) {
    let expected = talk(epmd, directory, [&Erl, &Erl], function, flags);
    expected.expect_status(0);
    for pair in pairs {
        let run = talk(epmd, directory, *pair, function, flags);
        run.expect_status(0).expect_output_of(&expected, pair);
    }
}

#[test]
fn two_nodes_do_the_same_whichever_machines_they_are() {
    let directory = compiled("two_nodes");
    let epmd = Epmd::start();
    let pairs = [[&Starling, &Erl], [&Erl, &Starling], [&Starling, &Starling]];
    talk_as_on_erl(&epmd, &directory, &pairs, "main", &[]);
}

/// OTP 27, whose program that asks the system about names may not run here: a file says what it would.
#[test]
fn nodes_of_different_releases_understand_each_other() {
    let directory = compiled("two_nodes");
    let epmd = Epmd::start();
    let names = directory.join("inetrc");
    let text = "{lookup,[file]}.\n{host,{127,0,0,1},[\"127.0.0.1\",\"localhost\"]}.\n";
    std::fs::write(&names, text).unwrap();
    let names = format!("\"{}\"", names.display());
    let flags = ["-kernel", "inetrc", &names];
    let later = With(otp27());
    let pairs = [
        [&later, &Erl],
        [&Erl, &later],
        [&Starling, &later],
        [&later, &later],
    ];
    talk_as_on_erl(&epmd, &directory, &pairs, "main", &flags);
}

#[test]
fn a_node_that_is_silent_stays_and_one_that_is_stopped_goes() {
    let directory = compiled("two_nodes");
    let epmd = Epmd::start();
    let flags = ["-kernel", "net_ticktime", "4"];
    let pairs = [[&Starling, &Erl], [&Erl, &Starling], [&Starling, &Starling]];
    talk_as_on_erl(&epmd, &directory, &pairs, "idle", &flags);
}

/// A port that was free a moment ago.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// As in a domain: the port is known, so that nobody has to be asked for it. Strangers are sent away, and what is no handshake does no harm.
#[test]
fn nodes_find_each_other_without_epmd() {
    let directory = scratch("without_epmd");
    let port = free_port().to_string();
    let at = |machine: &Machine, host: &str, cookie: &str| {
        let (name, _) = name("node")
            .split_once('@')
            .map(|(n, h)| (n.to_owned(), h.to_owned()))
            .unwrap();
        let name = format!("{name}@{host}");
        // The first cookie of a command line counts.
        let mut command = node_without_cookie(machine, None, &name, &directory);
        let interface = format!("{{{}}}", host.replace('.', ","));
        command.args([
            "-setcookie",
            cookie,
            "-start_epmd",
            "false",
            "-erl_epmd_port",
            &port,
        ]);
        command.args(["-kernel", "inet_dist_use_interface", &interface]);
        (name, command)
    };
    for served in [&Starling, &Erl] {
        let (name, mut command) = at(served, "127.0.0.1", "biscuit");
        let _served = start(&mut command, &directory.join("served"));
        let ping = |machine: &Machine, host: &str, cookie: &str| {
            let (_, mut command) = at(machine, host, cookie);
            let program = format!("io:format(\"~p\", [net_adm:ping('{name}')]), halt().");
            run(command.args(["-eval", &program])).stdout
        };
        let mut tries = 0;
        while TcpStream::connect(format!("127.0.0.1:{port}")).is_err() {
            tries += 1;
            assert!(tries < 300, "{served:?} does not listen");
            sleep(Duration::from_millis(100));
        }
        for garbage in [
            &b""[..],
            b"\0\0",
            b"\xff\xff\xff",
            &[0x4e; 300],
            b"\0\x05N\0\0\0\0",
        ] {
            let mut stream = TcpStream::connect(format!("127.0.0.1:{port}")).unwrap();
            let _ = stream.write_all(garbage);
        }
        assert_eq!(ping(&Starling, "127.0.0.2", "biscuit"), "pong");
        assert_eq!(ping(&Starling, "127.0.0.2", "crumbs"), "pang");
        assert_eq!(ping(&Erl, "127.0.0.2", "biscuit"), "pong");
    }
}
