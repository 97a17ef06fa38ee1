//! Domains with a network: `starling boot -p` under the real Xen, with dom0's bridge and netback, and servers and clients on this machine. Needs QEMU
//! and Xen.
//!
//! Most of it is said to a running domain, line by line (`tests/network/evaluator.erl`), so that few domains are booted for many
//! trials; and the same lines are said to `erl` on this machine, whose answers must be the same.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::Duration;

use flate2::Crc;
use starling_tests::guest::{Evaluator, Guest};
use starling_tests::{STARLING, bake, erlc, erlc_text, root, run, scratch, starling};

/// This machine as a domain behind QEMU's user network sees it.
const THIS_MACHINE: &str = "{10,0,2,2}";

/// What the server of `bench/serve.erl` answers.
const PAGE: &str = "hello from a small server, sixty-four bytes of text and a line end.\n";

/// An image of OTP with the evaluator, which listens on 9900, and the server of the benchmarks.
fn evaluator_image(directory: &Path) -> PathBuf {
    let sources = ["tests/network/evaluator.erl", "bench/serve.erl"];
    erlc(directory, &sources.map(|source| root().join(source)));
    let image = directory.join("network.elf");
    let mut bake = Command::new(STARLING);
    bake.arg("image").arg("-o").arg(&image);
    bake.arg("-pa").arg(directory);
    bake.args(["--", "-noshell", "-s", "evaluator", "start"]);
    run(&mut bake).expect_status(0);
    image
}

/// A domain of 128 MiB with that image, and the evaluator in it. `arguments` are more of `starling boot`'s.
fn evaluating_domain(directory: &Path, arguments: &[&str]) -> (Guest, Evaluator) {
    let image = evaluator_image(directory);
    let always = ["-m", "128", "-p", "0:9900"];
    let domain = Guest::boot(&image, &[&always, arguments].concat());
    let evaluator = domain.evaluator(domain.port("tcp", 9900));
    (domain, evaluator)
}

/// A server on this machine for every connection, in the background; its port.
fn serve(each: impl Fn(TcpStream) + Send + Sync + Clone + 'static) -> u16 {
    serve_at("127.0.0.1:0", each)
}

fn serve_at(address: &str, each: impl Fn(TcpStream) + Send + Sync + Clone + 'static) -> u16 {
    let listener = TcpListener::bind(address).unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let each = each.clone();
            thread::spawn(move || each(stream));
        }
    });
    port
}

/// Sends back what it gets.
fn echo(mut stream: TcpStream) {
    let mut bytes = [0; 65536];
    while let Ok(len @ 1..) = stream.read(&mut bytes) {
        if stream.write_all(&bytes[..len]).is_err() {
            return;
        }
    }
}

/// Sends back each datagram; its port.
fn echo_datagrams() -> u16 {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = socket.local_addr().unwrap().port();
    thread::spawn(move || {
        let mut bytes = [0; 65536];
        while let Ok((len, from)) = socket.recv_from(&mut bytes) {
            let _ = socket.send_to(&bytes[..len], from);
        }
    });
    port
}

/// A name server that knows 192.0.2.7 for every name but those that begin with `no`; its port.
fn name_server() -> u16 {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = socket.local_addr().unwrap().port();
    thread::spawn(move || {
        let mut query = [0; 1500];
        while let Ok((len, from)) = socket.recv_from(&mut query) {
            // RFC 1035: a header of 12 bytes, the question (labels, type, class), the answer.
            let Some(name) = query[12..len].iter().position(|&byte| byte == 0) else {
                continue;
            };
            let question = &query[12..(12 + name + 5).min(len)];
            let unknown = question[1..].starts_with(b"no");
            let is_address = question.ends_with(&[0, 1, 0, 1]);
            let answers = u8::from(!unknown && is_address);
            let mut answer = query[..2].to_vec();
            answer.extend([0x81, if unknown { 0x83 } else { 0x80 }]);
            answer.extend([0, 1, 0, answers, 0, 0, 0, 0]);
            answer.extend(question);
            if answers == 1 {
                answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 7]);
            }
            let _ = socket.send_to(&answer, from);
        }
    });
    port
}

/// Bytes without a pattern of a power of two, and their checksum.
fn some_bytes(len: usize) -> (Vec<u8>, u32) {
    let mut state = 12345u32;
    let bytes: Vec<u8> = (0..len)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        })
        .collect();
    let sum = checksum(&bytes);
    (bytes, sum)
}

fn checksum(bytes: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(bytes);
    crc.sum()
}

/// One request with httpd's own way of closing; the body.
fn get(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(60)))
        .unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: domain\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    answer.split_once("\r\n\r\n").unwrap().1.to_owned()
}

/// What a client sees that talks to servers on this machine; `Host`, `Echo`, `Udp`, `Names` and `Nobody` are bound.
const CLIENT: &[&str] = &[
    "{ok, S} = gen_tcp:connect(Host, Echo, [binary, {active, false}]), ok",
    "gen_tcp:send(S, <<\"hello\">>)",
    "gen_tcp:recv(S, 5)",
    "gen_tcp:recv(S, 0, 100)",
    "{ok, {PeerHost, PeerPort}} = inet:peername(S), {PeerHost =:= Host, PeerPort =:= Echo}",
    "inet:getopts(S, [active, packet, mode, nodelay, keepalive, exit_on_close])",
    "inet:setopts(S, [{packet, 2}])",
    "[gen_tcp:send(S, binary:copy(<<N>>, N)) || N <- lists:seq(0, 200, 20)]",
    "[begin {ok, P} = gen_tcp:recv(S, 0), {byte_size(P), erlang:crc32(P)} end || _ <- lists:seq(0, 200, 20)]",
    "inet:setopts(S, [{packet, line}, {mode, list}])",
    "gen_tcp:send(S, \"one\\ntwo\\nthree\\n\")",
    "[gen_tcp:recv(S, 0) || _ <- [1, 2, 3]]",
    "inet:setopts(S, [{packet, raw}, {active, once}])",
    "gen_tcp:send(S, <<1, 2, 3>>), receive {tcp, S, D} -> D after 5000 -> timeout end",
    "gen_tcp:send(S, <<4>>), receive {tcp, S, D1} -> D1 after 200 -> nothing end",
    "inet:setopts(S, [{active, true}]), receive {tcp, S, D2} -> D2 after 5000 -> timeout end",
    "inet:setopts(S, [{active, 2}, {packet, 1}]), [gen_tcp:send(S, [N]) || N <- [1, 2]]",
    "[receive {tcp, S, D3} -> D3; {tcp_passive, S} -> passive after 5000 -> timeout end || _ <- [1, 2, 3]]",
    "gen_tcp:shutdown(S, write)",
    "gen_tcp:recv(S, 0, 5000)",
    "gen_tcp:send(S, <<>>), gen_tcp:send(S, <<1>>)",
    "gen_tcp:close(S)",
    "gen_tcp:recv(S, 0)",
    "gen_tcp:connect(Host, Nobody, [], 5000)",
    "gen_tcp:connect({127, 0, 0, 1}, Nobody, [])",
    "{ok, L} = gen_tcp:listen(0, [binary, {active, false}]), {ok, LP} = inet:port(L), ok",
    "gen_tcp:accept(L, 50)",
    "{ok, C} = gen_tcp:connect(localhost, LP, [binary]), {ok, A} = gen_tcp:accept(L), ok",
    "gen_tcp:send(A, \"through loopback\"), receive {tcp, C, D4} -> D4 after 5000 -> timeout end",
    "gen_tcp:close(A), receive {tcp_closed, C} -> closed after 5000 -> timeout end",
    "gen_tcp:listen(LP, [])",
    "gen_tcp:close(L), gen_tcp:accept(L)",
    "{ok, U} = gen_udp:open(0, [binary, {active, false}]), ok",
    "gen_udp:send(U, Host, Udp, <<\"datagram\">>)",
    "{ok, {UH, UP, UD}} = gen_udp:recv(U, 0, 5000), {UH =:= Host, UP =:= Udp, UD}",
    "gen_udp:send(U, Host, Udp, <<>>), {ok, {_, _, UE}} = gen_udp:recv(U, 0, 5000), UE",
    "gen_udp:send(U, Host, Udp, binary:copy(<<7>>, 1400)), {ok, {_, _, UF}} = gen_udp:recv(U, 0, 5000), erlang:crc32(UF)",
    "gen_udp:recv(U, 0, 50)",
    "gen_udp:close(U)",
    "inet_res:lookup(\"a.test\", in, a, [{nameservers, [{Host, Names}]}, {timeout, 5000}])",
    "inet_res:lookup(\"a.test\", in, mx, [{nameservers, [{Host, Names}]}, {timeout, 5000}])",
    "inet_res:resolve(\"no.test\", in, a, [{nameservers, [{Host, Names}]}, {timeout, 5000}])",
    "inet:parse_address(\"10.0.2.2\")",
    "inet:getaddr(\"10.0.2.2\", inet)",
    "inet:gethostbyname({10, 0, 2, 2, 0})",
];

/// Says all of [`CLIENT`]; the transcript.
fn talk(to: &mut Evaluator, host: &str, [echo, datagrams, names, nobody]: [u16; 4]) -> Vec<String> {
    let bound = format!(
        "Host = {host}, Echo = {echo}, Udp = {datagrams}, Names = {names}, Nobody = {nobody}, ok"
    );
    to.expect(&bound, "ok");
    CLIENT.iter().map(|line| to.value(line)).collect()
}

/// One domain for all that a well-behaved network does: it serves, it asks, it ends when asked.
#[test]
fn a_domain_serves_this_machine_and_asks_it() {
    let directory = scratch("network");
    let (domain, mut evaluator) =
        evaluating_domain(&directory, &["-p", "0:8080", "-p", "0:7000/udp"]);

    // What DHCP gave.
    evaluator.expect(
        "{ok, If} = inet:getifaddrs(), [A || {\"eth0\", O} <- If, {addr, {_, _, _, _} = A} <- O]",
        "[{10,0,2,15}]",
    );
    // Read when somebody first asks for a name.
    evaluator.expect(
        "inet_res:resolve(\"no.such.invalid\", in, a, [{timeout, 300}]), inet_db:res_option(nameservers)",
        "[{{10,0,2,3},53}]",
    );

    // The same client here and there.
    let ports = [serve(echo), echo_datagrams(), name_server(), {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    }];
    let ours = talk(&mut evaluator, THIS_MACHINE, ports);
    let mut erl = Command::new("erl");
    erl.args(["-noshell", "-kernel", "logger_level", "none", "-pa"])
        .arg(&directory)
        .args(["-port", "0", "-s", "evaluator", "start"]);
    let erl = Guest::start(&mut erl);
    let line = erl.printed("evaluator: port ");
    let port: u16 = line.rsplit(' ').next().unwrap().parse().unwrap();
    let theirs = talk(
        &mut Evaluator::connect(([127, 0, 0, 1], port).into()),
        "{127,0,0,1}",
        ports,
    );
    for (line, (ours, theirs)) in CLIENT.iter().zip(ours.iter().zip(&theirs)) {
        assert_eq!(ours, theirs, "{line}");
    }

    // A server of the domain's.
    evaluator.value("serve:start()");
    domain.printed("serve: ready");
    let http = domain.port("tcp", 8080);
    for _ in 0..20 {
        assert_eq!(get(http, "/"), PAGE);
    }
    // Few at a time: QEMU's user network has a queue of one for connections that come.
    let clients: Vec<_> = (0..4)
        .map(|_| thread::spawn(move || get(http, "/")))
        .collect();
    for client in clients {
        assert_eq!(client.join().unwrap(), PAGE);
    }
    // Datagrams from here.
    evaluator.expect(
        "Pid = spawn(fun() -> {ok, W} = gen_udp:open(7000, [binary, {active, false}]), \
         F = fun F() -> {ok, {From, At, Asked}} = gen_udp:recv(W, 0), gen_udp:send(W, From, At, [\"echo \", Asked]), F() end, F() end), \
         timer:sleep(200), is_process_alive(Pid)",
        "true",
    );
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket
        .set_read_timeout(Some(Duration::from_secs(5)))
        .unwrap();
    let mut bytes = [0; 2000];
    let answered = (0..5).any(|_| {
        socket.send_to(b"x", domain.port("udp", 7000)).unwrap();
        socket.recv(&mut bytes).is_ok()
    });
    assert!(answered && bytes.starts_with(b"echo x"));

    // Much, both ways, and back again at the same time.
    let (sent, sum) = some_bytes(4 << 20);
    let len = sent.len();
    let source = serve(move |mut stream| {
        let _ = stream.write_all(&sent);
    });
    let receive = "fun R(Sock, Sum, N) -> case gen_tcp:recv(Sock, 0) of {ok, B} -> R(Sock, erlang:crc32(Sum, B), N + byte_size(B)); \
                   {error, closed} -> {Sum, N} end end";
    evaluator.expect(
        &format!(
            "{{ok, In}} = gen_tcp:connect(Host, {source}, [binary, {{active, false}}]), ({receive})(In, 0, 0)"
        ),
        &format!("{{{sum},{len}}}"),
    );
    let sink = serve(|mut stream| {
        let mut all = Vec::new();
        let _ = stream.read_to_end(&mut all);
        let _ = stream.write_all(format!("{} {}", checksum(&all), all.len()).as_bytes());
    });
    evaluator.expect(
        &format!(
            "Data = binary:copy(list_to_binary(lists:seq(0, 250)), 16384), \
             {{ok, Out}} = gen_tcp:connect(Host, {sink}, [binary, {{active, false}}]), ok = gen_tcp:send(Out, Data), ok = gen_tcp:shutdown(Out, write), \
             {{ok, Told}} = gen_tcp:recv(Out, 0), Told =:= iolist_to_binary(io_lib:format(\"~w ~w\", [erlang:crc32(Data), byte_size(Data)]))"
        ),
        "true",
    );

    // IPv6, where QEMU's user network announces fec0::/64 and is fec0::2 itself. Without IPv6 on this machine there is nobody to ask.
    if TcpListener::bind("[::1]:0").is_ok() {
        let port = serve_at("[::1]:0", echo);
        evaluator.expect(
            &format!(
                "{{ok, S6}} = gen_tcp:connect({{16#fec0, 0, 0, 0, 0, 0, 0, 2}}, {port}, [inet6, binary, {{active, false}}], 20000), \
                 ok = gen_tcp:send(S6, \"six\"), gen_tcp:recv(S6, 3)"
            ),
            "{ok,<<\"six\">>}",
        );
    }

    let end = domain.interrupt();
    end.expect_status(0)
        .expect_error(&["asking the domain to shut down", "the domain shut down"]);
}

/// Interfaces come and go while the domain runs.
#[test]
fn interfaces_are_plugged_and_unplugged() {
    let (domain, mut evaluator) = evaluating_domain(
        &scratch("network-hotplug"),
        &[
            "--xl-after",
            "attach now=>network-attach starling bridge=xenbr0,mac=00:16:3e:00:00:77",
            "--xl-after",
            "detach now=>network-detach starling 1",
        ],
    );
    let names = "(fun() -> {ok, I} = inet:getifaddrs(), lists:sort([N || {N, _} <- I, N =/= \"lo\"]) end)()";
    let wait = |evaluator: &mut Evaluator, wanted: &str| {
        let found = (0..300).any(|_| {
            thread::sleep(Duration::from_millis(100));
            evaluator.value(names) == wanted
        });
        assert!(found, "no {wanted}");
    };
    wait(&mut evaluator, "[\"eth0\"]");
    evaluator.expect("io:format(\"attach now~n\")", "ok");
    wait(&mut evaluator, "[\"eth0\",\"eth1\"]");
    evaluator.expect("io:format(\"detach now~n\")", "ok");
    wait(&mut evaluator, "[\"eth0\"]");
    // The first one was not disturbed: we still talk over it.
    evaluator.expect("1 + 1", "2");
    domain.interrupt().expect_status(0);
}

/// A program of a bare machine, for what needs no OTP.
fn sleeper(directory: &Path) -> PathBuf {
    erlc_text(
        directory,
        "sleeper",
        "-export([main/0]).\nmain() -> erlang:display(awake), receive after infinity -> ok end.\n",
    );
    bake(directory, &["-s", "sleeper", "main"])
}

#[test]
fn a_bridge_that_is_not_there_is_named() {
    let image = sleeper(&scratch("network-bridge"));
    let image = image.to_str().unwrap();
    let run = starling(["boot", "--timeout", "200", image, "--vif", "bridge=nowhere"]);
    run.expect_status(1)
        .expect_error(&["xl create failed", "nowhere"]);
}

#[test]
fn without_an_answer_from_dhcp_nothing_is_served_and_that_is_said() {
    let image = sleeper(&scratch("network-lonely"));
    let domain = Guest::boot(
        &image,
        &["--bridge", "lonely", "--vif", "bridge=lonely", "-p", "0:80"],
    );
    domain.printed("awake");
    thread::sleep(Duration::from_secs(3));
    let end = domain.interrupt();
    end.expect_status(1).expect_error(&["nothing was served"]);
    assert!(!end.stderr.contains("ready:"), "{end}");
}

/// Addresses that cannot work: another's, and a gateway that is nowhere. The machine stays up.
#[test]
fn a_bad_address_or_gateway_is_told_and_the_machine_stays_up() {
    let (domain, mut evaluator) = evaluating_domain(
        &scratch("network-address"),
        &["--", "-ipaddr", "10.0.2.15/24", "-gateway", "10.0.2.77"],
    );
    let unreachable = evaluator.value("gen_tcp:connect({192, 0, 2, 1}, 80, [], 8000)");
    assert!(
        [
            "{error,ehostunreach}",
            "{error,etimedout}",
            "{error,timeout}"
        ]
        .contains(&unreachable.as_str()),
        "{unreachable}"
    );
    evaluator.expect("1 + 1", "2");
    domain.interrupt().expect_status(0);
}

#[test]
fn a_machine_without_a_network_says_so_and_stays_up() {
    let directory = scratch("network-none");
    erlc_text(
        &directory,
        "alone",
        "-export([main/0]).\nmain() ->\n\
         io:format(\"~p~n\", [gen_tcp:connect({10, 0, 2, 2}, 80, [], 5000)]),\n\
         {ok, L} = gen_tcp:listen(0, []), {ok, P} = inet:port(L),\n\
         {ok, _} = gen_tcp:connect({127, 0, 0, 1}, P, []),\n\
         io:format(\"loopback works~n\"), halt().\n",
    );
    let image = directory.join("alone.elf");
    let mut bake = Command::new(STARLING);
    bake.arg("image").arg("-o").arg(&image).arg("-pa");
    bake.arg(&directory)
        .args(["--", "-noshell", "-s", "alone", "main"]);
    run(&mut bake).expect_status(0);
    let run = starling(["boot", "--timeout", "200", image.to_str().unwrap()]);
    run.expect_status(0);
    assert_eq!(run.stdout, "{error,enetunreach}\nloopback works\n", "{run}");
}

#[test]
fn a_port_in_use_is_told_before_anything_boots() {
    let image = sleeper(&scratch("network-port"));
    let image = image.to_str().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let run = starling(["boot", image, "-p", &format!("{port}:80")]);
    run.expect_status(1).expect_error(&["in use", "-p 0:80"]);
    assert!(!run.stderr.contains("booting"), "{run}");
    for bad in ["80", "x:80", "1:2/sctp", "80:0"] {
        starling(["boot", image, "-p", bad]).expect_status(2);
    }
    starling(["boot", image, "--vif", "mac=1"]).expect_status(2);
    starling(["boot", image, "--dom0", "--net"]).expect_status(2);
}

/// A domain that ends by itself before it has an address has served nothing.
#[test]
fn a_domain_that_dies_has_served_nothing() {
    let directory = scratch("network-dies");
    erlc_text(
        &directory,
        "quick",
        "-export([main/0]).\nmain() -> halt().\n",
    );
    let image = bake(&directory, &["-s", "quick", "main"]);
    let domain = Guest::boot(&image, &["--vif", "bridge=lonely", "--bridge", "lonely"]);
    domain
        .end()
        .expect_status(1)
        .expect_error(&["nothing was served"]);
}
