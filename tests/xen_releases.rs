//! Releases and applications in domains, asked from this machine: what was baked, created by the real `xl` from the configuration
//! beside the image, and reached over the network. Needs QEMU and Xen.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;

use starling_tests::guest::Guest;
use starling_tests::{Run, STARLING, erlc, root, run, scratch, starling};

/// What a script prints last.
fn last_line(run: Run) -> String {
    run.expect_status(0);
    run.stdout.lines().last().unwrap_or_default().to_owned()
}

/// A connection that does not wait for ever.
fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(60)))
        .unwrap();
    stream
}

/// `mix release`, baked, and what was written beside the image given to `xl` as it stands: the Elixir machine answers, and ends by itself.
#[test]
fn xl_creates_a_release_of_mix_from_what_was_written_beside_its_image() {
    let release = last_line(run(
        Command::new(root().join("examples/kv/build")).arg(scratch("kv-domain"))
    ));
    let directory = scratch("kv images");
    // A name that xl's language has to quote.
    let image = directory.join("kv \"1\".elf");
    let baked = starling([
        "image".as_ref(),
        release.as_ref(),
        "-o".as_ref(),
        image.as_os_str(),
        "--env".as_ref(),
        "RELEASE_DISTRIBUTION=none".as_ref(),
    ]);
    baked.expect_status(0);
    let configuration = directory.join("kv \"1\".xl");
    let domain = Guest::boot(&configuration, &["-p", "0:7070"]);
    domain.printed("kv: from runtime.exs, :nonode@nohost");
    domain.printed("kv: listening on port 7070");
    let mut stream = BufReader::new(connect(domain.port("tcp", 7070)));
    let mut talk = |line: &str, expected: &str| {
        writeln!(stream.get_mut(), "{line}").unwrap();
        let mut answer = String::new();
        stream.read_line(&mut answer).unwrap();
        assert_eq!(answer.trim_end(), expected, "{line}");
    };
    for number in 0..200 {
        talk(&format!("PUT key{number} {number}"), "OK");
    }
    talk("GET key199", "VALUE 199");
    talk("GET nothing", "NONE");
    talk("STOP", "BYE");
    domain
        .end()
        .expect_status(0)
        .expect_error(&["the domain shut down"]);
}

/// A port of this machine that is free at the moment.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// OTP's own HTTP server and client, and a node with a name that a stock node talks to.
#[test]
fn inets_serves_and_asks_and_a_stock_node_calls_the_domain() {
    let directory = scratch("inets-domain");
    let sources = ["tests/network/evaluator.erl", "tests/network/pages.erl"];
    erlc(&directory, &sources.map(|source| root().join(source)));
    let image = directory.join("inets.elf");
    // Both sides look for the other's distribution at this port of the address in its name.
    let distribution = free_port().to_string();
    let mut bake = Command::new(STARLING);
    bake.arg("image").arg("-o").arg(&image);
    // An OTP with all of its libraries.
    let tools = last_line(run(&mut Command::new(root().join("scripts/release-tools"))));
    let otp = Path::new(&tools).with_file_name("usr/lib/erlang");
    bake.arg("--otp").arg(otp);
    bake.args(["--app", "inets", "-pa"]).arg(&directory);
    bake.args(["--", "-noshell", "-s", "evaluator", "start"]);
    bake.args(["-name", "domain@127.0.0.1", "-setcookie", "between us"]);
    bake.args(["-erl_epmd_port", &distribution]);
    run(&mut bake).expect_status(0);
    let forward = format!("{distribution}:{distribution}");
    let domain = Guest::boot(
        &image,
        &["-m", "128", "-p", "0:9900", "-p", "0:8080", "-p", &forward],
    );
    let mut evaluator = domain.evaluator(domain.port("tcp", 9900));

    evaluator.expect("pages:serve(8080)", "ok");
    let http = domain.port("tcp", 8080);
    for number in 0..50 {
        let mut stream = connect(http);
        write!(
            stream,
            "GET /esi/pages:page?{number} HTTP/1.1\r\nHost: domain\r\nConnection: close\r\n\r\n"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        // In chunks.
        assert!(answer.contains(&format!("\r\npage {number}\n")), "{answer}");
    }

    let asked = serve_one_answer();
    evaluator.expect(
        &format!("[pages:ask(\"http://10.0.2.2:{asked}/\" ++ integer_to_list(N)) || N <- lists:seq(1, 20)] =:= lists:duplicate(20, {{200, \"from this machine\"}})"),
        "true",
    );

    evaluator.expect("node()", "'domain@127.0.0.1'");
    let call = "'domain@127.0.0.1'";
    let mut erl = Command::new("erl");
    erl.args([
        "-noshell",
        "-name",
        "host@127.0.0.1",
        "-setcookie",
        "between us",
    ]);
    erl.args(["-start_epmd", "false", "-erl_epmd_port", &distribution]);
    erl.args(["-dist_listen", "false", "-eval"]);
    erl.arg(format!(
        "io:format(\"~p~n\", [erpc:call({call}, erlang, system_info, [machine])]),
         Reverse = fun L() -> receive {{From, List}} -> From ! lists:reverse(List), L() end end,
         Pid = spawn({call}, fun() -> Reverse() end),
         [begin Pid ! {{self(), [N, 2]}}, receive [2, N] -> ok end end || N <- lists:seq(1, 100)],
         io:format(\"~p~n\", [rpc:call({call}, os, type, [])]), halt()."
    ));
    run(&mut erl).expect_status(0);
    domain.interrupt().expect_status(0);
}

/// Answers every request on a port of this machine with the same words; the port.
fn serve_one_answer() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut request = BufReader::new(stream.try_clone().unwrap());
            let mut line = String::new();
            while request.read_line(&mut line).is_ok_and(|len| len > 2) {
                line.clear();
            }
            let _ = stream.write_all(
                b"HTTP/1.1 200 OK\r\nContent-Length: 17\r\nConnection: close\r\n\r\nfrom this machine",
            );
        }
    });
    port
}

/// An address that another machine has is told in a line; the machine stays up.
#[test]
fn an_address_that_another_machine_has_is_told() {
    let image = scratch("duplicate").join("awake.elf");
    let mut bake = Command::new(STARLING);
    bake.arg("image").arg("-o").arg(&image);
    bake.args(["--", "-noshell", "-eval", "io:format(\"awake~n\")"]);
    run(&mut bake).expect_status(0);
    // QEMU's user network answers for its gateway.
    let domain = Guest::boot(&image, &["--net", "--", "-ipaddr", "10.0.2.2/24"]);
    domain.printed("awake");
    domain.printed("address 10.0.2.2 of eth0 is already used by 52:55:0a:00:02:02");
    domain.interrupt();
}
