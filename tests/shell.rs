//! The interactive shell as its user has it: on a pseudo-terminal, of both releases, where it can be compared against OTP's `erl`.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use starling_tests::pty::Session;
use starling_tests::{STARLING, otp27, scratch};

/// A release: what its shell says first, and the flags that choose it.
struct Release {
    number: u32,
    banner: &'static str,
    flags: Vec<String>,
}

fn releases() -> [Release; 2] {
    [
        Release {
            number: 25,
            banner: "Eshell V13.1.5  (abort with ^G)",
            flags: Vec::new(),
        },
        Release {
            number: 27,
            banner: "Eshell V15.2.7 (press Ctrl+G to abort, type help(). for help)",
            flags: vec!["--otp".into(), otp27().to_str().unwrap().into()],
        },
    ]
}

fn starling(release: &Release, flags: &[&str]) -> Command {
    let mut command = Command::new(STARLING);
    command.arg("erl").args(&release.flags).args(flags);
    command
}

/// A shell that waits for its first expression.
fn shell(release: &Release, flags: &[&str]) -> Session {
    let mut session = Session::start(&mut starling(release, flags), 80);
    session.expect(release.banner);
    session.expect("1> ");
    session
}

#[test]
fn a_user_s_first_session() {
    for release in releases() {
        let directory = scratch("shell");
        let source =
            "-module(hi).\n-export([f/1, crash/0]).\nf(X) -> {hi, X}.\ncrash() -> 1 = f(2).\n";
        fs::write(directory.join("hi.erl"), source).unwrap();
        let mut command = starling(&release, &[]);
        let mut session = Session::start(command.current_dir(&directory), 80);
        session.expect(release.banner);
        session.expect("1> ");
        session.line("20 + 22.", "\n42\r");
        session.line("X = \"åäö€漢\".", "[229,228,246,8364,28450]");
        session.line("io:format(\"~ts~n\", [X]).", "\nåäö€漢\r");
        session.keys("lists:rev\t");
        session.expect("lists:reverse(");
        session.line("[1,2,3]).", "[3,2,1]");
        session.line("c(hi).", "{ok,hi}");
        session.line("hi:f(7).", "{hi,7}");
        session.line("l(hi).", "{module,hi}");
        session.line("m(hi).", "Compiler options:  []");
        session.expect("crash/0");
        session.line("v(1).", "\n42\r");
        session.line("e(1).", "\n42\r");
        session.line("Y = 5.", "\n5\r");
        session.line("b().", "Y = 5");
        session.line("f().", "\nok\r");
        session.line("Y.", "variable 'Y' is unbound");
        session.line("h().", "-> {ok,hi}");
        session.line("1 = 2.", "no match of right hand side value 2");
        session.line("hi:crash().", "in function  hi:crash/0 (hi.erl, line 4)");
        session.line("spawn(hi, crash, []).", "=ERROR REPORT====");
        session.expect("{{badmatch,{hi,2}},");
        session.line("i().", "erl_init:start/2");
        session.expect("more (y/n)? (y) ");
        session.keys("n\r");
        session.settle();
        session.line("q().", "ok");
        assert_eq!(session.end(), 0, "OTP {}", release.number);
    }
}

/// Keys, and what they do.
const EDITING: &[&str] = &[
    "abc\x02\x02X\x01Y\x05Z\x15ok.\r",
    "\x1b[A\x1b[D\x1b[D\x08l(lists:seq(1, 3))\x05\r",
    "one two three\x17\x17\x0b.\r",
    "{alpha, beta}.\x01\x06\x06\x04\x04\x0b1}.\r",
    "\x10\x10\x0e\r",
    "\"a line that is longer than the window, which has forty columns only, and more so\".\x01\x06\x06XYZ\x05\x1b[D\x1b[D\x08\x08\r",
    "\"åäö€漢字漢字\".\x02\x02\x02\x02\x08\x7f\r",
    "\"a\" \"b\".\x01\x1b[C\x1b[C\x1b[C\x1b[3~\r",
    "$a.\x1bb\x1bf\r",
    "lists:ma\t\tp(fun(A) -> A + 1 end, [1,2,3]).\r",
];

#[test]
fn lines_are_edited_as_in_otp() {
    let release = &releases()[0];
    let mut otp = Session::start(&mut Command::new("erl"), 40);
    let mut ours = Session::start(&mut starling(release, &[]), 40);
    for session in [&mut otp, &mut ours] {
        session.expect("1> ");
        session.settle();
    }
    // The first lines differ: they say which emulator it is.
    let from_shell = |session: &Session| {
        let text = session.screen.text();
        text[text.find("Eshell").unwrap()..].to_string()
    };
    for keys in EDITING {
        for session in [&mut otp, &mut ours] {
            session.keys(keys);
            session.settle();
        }
        assert_eq!(from_shell(&otp), from_shell(&ours), "after {keys:?}");
    }
    for session in [&mut otp, &mut ours] {
        session.resize(30);
        session.keys("\"what is wider than thirty columns\".\x01\x06Q\x05\r");
        session.settle();
    }
    assert_eq!(from_shell(&otp), from_shell(&ours), "after a resize");
}

#[test]
fn lines_are_edited_in_27() {
    let release = &releases()[1];
    let mut session = Session::start(&mut starling(release, &[]), 40);
    session.expect("1> ");
    for (keys, text) in [
        ("abc\x02\x02X\x01Y\x05Z\x15ok.\r", "\nok\r"),
        // What is typed ahead behind a key of the history, OTP 27 drops.
        ("\x1b[A", "2> ok."),
        ("\x1b[D\x1b[D\x08\x08{1\x05\x08\x08\x08,2}.\r", "* 1:"),
        (
            "\x15{one, tree}.\x1b[D\x1b[D\x1b[D\x1b[D\x1b[Dh\r",
            "{one,three}",
        ),
        (
            "\"a line that is longer than the window, which has forty columns\".\x01\x06\x06XYZ\r",
            "XYZ line that",
        ),
        (
            "\"åäö€漢字\".\x02\x02\x02\x08\r",
            "[229,228,246,8364,23383]",
        ),
        ("\x10", "\"."),
        ("\x15{new}.\r", "{new}"),
    ] {
        session.settle();
        session.keys(keys);
        session.expect(text);
    }
    session.settle();
    session.resize(30);
    session.line("io:columns().", "{ok,30}");
}

#[test]
fn jobs_are_controlled() {
    for release in releases() {
        let mut session = shell(&release, &[]);
        session.keys("receive never -> ok end.\r");
        for (keys, text) in [
            ("\x07", "User switch command"),
            ("h\r", "kill job"),
            ("j\r", "1* {shell,start,[init]}"),
            ("s\r", "--> "),
            ("j\r", "2* {shell,start,[]}"),
            ("c 2\r", "1> "),
            ("6 * 7.\r", "\n42\r"),
            ("\x07", "--> "),
            ("i 1\r", "--> "),
            ("c 1\r", ""),
            ("6 * 8.\r", "\n48\r"),
            ("\x07", "--> "),
            ("k 2\r", "--> "),
            ("j\r", "1* {shell,start,[init]}"),
        ] {
            session.settle();
            session.keys(keys);
            session.expect(text);
        }
        session.settle();
        session.keys("q\r");
        assert_eq!(session.end(), 0, "OTP {}", release.number);
    }
}

#[test]
fn ctrl_c_asks() {
    for release in releases() {
        let mut session = shell(&release, &[]);
        session.line("P = spawn(fun() -> receive X -> X end end).", "<0.");
        session.expect("2> ");
        let ask = |session: &mut Session, answer: &str, text: &str| {
            session.keys("\x03");
            session.expect("BREAK: (a)bort (A)bort with dump (c)ontinue (p)roc info (i)nfo");
            session.expect("(l)oaded (v)ersion (k)ill (D)b-tables (d)istribution\r\n");
            assert!(session.is_restored(), "the menu reads lines");
            session.keys(answer);
            session.expect(text);
        };
        ask(&mut session, "v\n", "Erlang (Starling ");
        ask(&mut session, "x\n", "Invalid option 'x'.");
        session.keys("\nc\n");
        session.settle();
        session.line("6 * 7.", "\n42\r");
        ask(&mut session, "p\n", "Stack dump:");
        ask(&mut session, "o\n", "=port:#Port<0.");
        ask(&mut session, "i\n", "=memory");
        ask(&mut session, "l\n", "erl_prim_loader ");
        ask(&mut session, "D\n", "Table: ");
        ask(&mut session, "d\n", "=no_distribution");
        ask(&mut session, "k\n", "=proc:");
        session.keys("n\n");
        session.expect("(k)ill (n)ext (r)eturn:");
        session.keys("r\n");
        session.settle();
        session.line("is_process_alive(P).", "true");
        // The machine stands still meanwhile, and goes on.
        session.keys("\x03");
        session.expect("(d)istribution");
        session.keys("\x03");
        assert_eq!(session.end(), 0, "OTP {}", release.number);
    }
}

#[test]
fn flags_say_what_ctrl_c_does() {
    let release = &releases()[0];
    let mut ignores = shell(release, &["+Bi"]);
    ignores.keys("\x03");
    ignores.line("6 * 7.", "\n42\r");
    let mut interrupts = shell(release, &["+Bc"]);
    interrupts.keys("receive never -> ok end.\r");
    interrupts.settle();
    interrupts.keys("\x03");
    interrupts.expect("** exception ");
    interrupts.line("6 * 7.", "\n42\r");
    let mut ends = shell(release, &["+Bd"]);
    ends.keys("\x03");
    assert_eq!(ends.end(), -Signal::INT.as_raw());
}

#[test]
fn every_end_gives_the_terminal_back() {
    for release in releases() {
        for (line, status) in [("q().", 0), ("halt(3).", 3), ("init:stop(7).", 7)] {
            let mut session = shell(&release, &[]);
            assert!(!session.is_restored());
            session.keys(line);
            session.keys("\r");
            assert_eq!(session.end(), status, "{line}");
        }
        for (signal, status) in [
            (Signal::TERM, 0),
            (Signal::HUP, -Signal::HUP.as_raw()),
            (Signal::ABORT, -Signal::ABORT.as_raw()),
            (Signal::SEGV, -Signal::SEGV.as_raw()),
        ] {
            let session = shell(&release, &[]);
            session.signal(signal);
            assert_eq!(session.end(), status, "OTP {}, {signal:?}", release.number);
        }
        let mut session = shell(&release, &[]);
        session.keys("\x03");
        session.expect("(d)istribution");
        session.keys("a\r");
        assert_eq!(session.end(), 0);
    }
}

/// Nanoseconds of processor time that a process has used.
fn processor_time(process: u32) -> u64 {
    let threads = fs::read_dir(format!("/proc/{process}/task")).unwrap();
    let of_one = |thread: std::io::Result<fs::DirEntry>| -> u64 {
        let text = fs::read_to_string(thread.unwrap().path().join("schedstat")).unwrap();
        text.split(' ').next().unwrap().parse().unwrap()
    };
    threads.map(of_one).sum()
}

#[test]
fn an_idle_shell_uses_no_processor_and_keys_show_at_once() {
    for release in releases() {
        let mut session = shell(&release, &[]);
        session.settle();
        sleep(Duration::from_secs(1));
        let before = processor_time(session.id());
        sleep(Duration::from_secs(5));
        let used = processor_time(session.id()) - before;
        assert!(used < 20_000_000, "{used} ns, OTP {}", release.number);
        let mut slowest = Duration::ZERO;
        for key in ["a", "b", "c", "d"] {
            let start = Instant::now();
            session.keys(key);
            session.expect(key);
            slowest = slowest.max(start.elapsed());
        }
        println!(
            "OTP {}: idle {used} ns, slowest key {slowest:?}",
            release.number
        );
        assert!(slowest < Duration::from_millis(500), "{slowest:?}");
    }
}

#[test]
fn without_a_terminal_that_moves_its_cursor_the_shell_is_the_old_one() {
    for release in releases() {
        let sessions = [
            Session::start_on("dumb", &mut starling(&release, &[]), 80),
            Session::start(&mut starling(&release, &["-oldshell"]), 80),
        ];
        for mut session in sessions {
            session.expect("1> ");
            session.line("6 * 7.", "42\r");
            session.line("q().", "ok");
            assert_eq!(session.end(), 0, "OTP {}", release.number);
        }
    }
}

/// What a shell prints whose input is a pipe.
fn piped(command: &mut Command, directory: &Path, input: &str) -> (String, Option<i32>) {
    let mut child = command
        .current_dir(directory)
        .env("TERM", "dumb")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(input.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    // The first line says which emulator it is.
    let text = text
        .split_once('\n')
        .map_or(String::new(), |(_, rest)| rest.into());
    (text, output.status.code())
}

#[test]
fn a_pipe_is_read_as_otp_reads_it() {
    let directory = scratch("shell-pipe");
    let release = &releases()[0];
    for (flags, input) in [
        (&[][..], "1 + 1.\n"),
        (&[], "io:format(\"~ts~n\", [\"åäö€\"]).\nhalt(4).\n"),
        (&["-oldshell"], "X = 3.\nX + 1.\nfoo(.\n"),
        (&["-noinput", "-s", "init", "stop"], "1 + 1.\n"),
    ] {
        let expected = piped(Command::new("erl").args(flags), &directory, input);
        let ours = piped(&mut starling(release, flags), &directory, input);
        assert_eq!(expected, ours, "{flags:?} {input:?}");
    }
}
