//! Images as domains, as in production: the real Xen, a Debian dom0, `xl create`. Needs QEMU and Xen.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use starling_tests::{
    Run, STARLING, bake, bake_with, erlc, erlc_text, otp, otp_library, otp27, root, scratch,
    starling,
};

fn boot(image: &Path, args: &[&str]) -> Run {
    let image = image.to_str().unwrap();
    starling(["boot", "--timeout", "280", image].iter().chain(args))
}

/// The programs that must run, from `tests/erl`.
const PROGRAMS: [&str; 21] = [
    "fib",
    "ackermann",
    "queens",
    "sieve",
    "strings",
    "binaries",
    "bits_match",
    "maps_flat",
    "closures",
    "exceptions",
    "stacktraces",
    "ring",
    "selective_receive",
    "links",
    "trap_exit",
    "monitors",
    "spawn_options",
    "timers_order",
    "fairness",
    "big_heap",
    "deep_recursion",
];

/// Without the machine's reports of processes that died, which OTP sends to its logger. A domain has one
/// console for both. A report is a headline, a term and an empty line, or a line about a heap that was too large.
fn without_reports(text: &str) -> String {
    let mut lines = text.split_inclusive('\n');
    let mut kept = String::new();
    while let Some(line) = lines.next() {
        if line.starts_with("Error in process ") {
            let _ = (lines.next(), lines.next());
        } else if !(line.starts_with("Process <") && line.contains(" was killed: ")) {
            kept.push_str(line);
        }
    }
    kept
}

#[test]
fn the_programs_print_what_they_print_on_otp() {
    let directory = scratch("domu-programs");
    let sources: Vec<PathBuf> = PROGRAMS
        .iter()
        .map(|program| root().join(format!("tests/erl/{program}.erl")))
        .collect();
    erlc(&directory, &sources);
    let stdlib = otp_library("stdlib");
    // All in one domain, one after the other, and the same in one erl.
    let mut flags = Vec::new();
    for program in PROGRAMS {
        flags.extend(["-s", program, "main"]);
    }
    flags.extend(["-s", "erlang", "halt"]);
    let image = bake_with(&directory, &[&stdlib], &flags);
    let expected = otp(&directory, &flags);
    expected.expect_status(0);
    let run = boot(&image, &["-m", "1024"]);
    run.expect_status(0);
    let printed = without_reports(&run.stdout);
    for (number, (ours, otps)) in printed.lines().zip(expected.stdout.lines()).enumerate() {
        assert_eq!(ours, otps, "line {}", number + 1);
    }
    assert_eq!(printed.len(), expected.stdout.len(), "{run}");
}

#[test]
fn hello_boots_in_a_domain_of_8_mib() {
    let directory = scratch("domu-hello");
    erlc(&directory, &[root().join("examples/hello/hello.erl")]);
    let image = bake(&directory, &["-s", "hello", "main"]);
    let run = boot(&image, &["-m", "8"]);
    run.expect_status(0);
    assert_eq!(
        run.stdout,
        otp(&directory, &["-s", "hello", "main"]).stdout,
        "{run}"
    );
    run.expect_error(&["booting Xen", "dom0 is up", "domain runs"]);
}

#[test]
fn ten_thousand_processes_live_in_a_small_domain_and_the_status_comes_out() {
    let directory = scratch("domu-many");
    erlc(&directory, &[root().join("tests/erl/many_processes.erl")]);
    let image = bake_with(
        &directory,
        &[&otp_library("stdlib")],
        &["-s", "many_processes", "main"],
    );
    let run = boot(&image, &["-m", "64", "--", "-run", "erlang", "halt"]);
    run.expect_status(0);
    let flags = ["-s", "many_processes", "main", "-s", "erlang", "halt"];
    assert_eq!(run.stdout, otp(&directory, &flags).stdout, "{run}");
}

#[test]
fn a_status_other_than_zero_comes_out() {
    let directory = scratch("domu-status");
    erlc_text(
        &directory,
        "quit",
        "-export([main/0]).\nmain() -> erlang:display(leaving), halt(3).\n",
    );
    let run = boot(&bake(&directory, &["-s", "quit", "main"]), &[]);
    run.expect_status(3);
    assert_eq!(
        run.stdout, "leaving\r\n",
        "the status line is not the program's: {run}"
    );
}

#[test]
fn nothing_of_a_long_output_is_lost() {
    let directory = scratch("domu-flood");
    erlc_text(
        &directory,
        "flood",
        "-export([main/0]).\nmain() -> lines(20000), halt().\n\
         lines(0) -> ok;\nlines(N) -> erlang:display({line, N}), lines(N - 1).\n",
    );
    let run = boot(&bake(&directory, &["-s", "flood", "main"]), &[]);
    run.expect_status(0);
    let mut lines = run.stdout.lines();
    for number in (1..=20_000).rev() {
        assert_eq!(lines.next(), Some(format!("{{line,{number}}}").as_str()));
    }
    assert_eq!(lines.next(), None);
}

/// A tour of OTP's libraries, the compiler among them, as on stock `erl`; the image has no other.
#[test]
fn otp_of_both_releases_boots_in_a_domain() {
    let directory = scratch("domu-otp");
    erlc(&directory, &[root().join("tests/otp/tour.erl")]);
    let flags = ["-noshell", "-s", "tour", "main", "-s", "init", "stop"];
    let expected = otp(&directory, &flags[1..]);
    expected.expect_status(0);
    assert!(expected.stdout.ends_with("done\n"), "{expected}");
    let otp27 = otp27();
    for release in [None, Some(otp27.as_path())] {
        let image = directory.join("otp.elf");
        let mut bake = Command::new(STARLING);
        bake.arg("image").arg("-o").arg(&image);
        if let Some(root) = release {
            bake.arg("--otp").arg(root);
        }
        bake.args(["--app", "compiler", "-pa"]).arg(&directory);
        starling_tests::run(bake.arg("--").args(flags)).expect_status(0);
        let run = boot(&image, &["-m", "64"]);
        run.expect_status(0);
        assert_eq!(run.stdout, expected.stdout, "{release:?}\n{run}");
    }
}

#[test]
fn a_domain_that_cannot_be_created_is_told_in_xls_words() {
    let directory = scratch("domu-bad");
    let image = bake(&directory, &["-s", "nobody"]);
    // Too small for the kernel alone.
    let run = boot(&image, &["-m", "1"]);
    assert!(![0, 124].contains(&run.status), "{run}");
    run.expect_error(&["1 MiB", "-m"]);
    // An ELF file, but no kernel for Xen.
    let run = boot(Path::new(STARLING), &[]);
    run.expect_status(1)
        .expect_error(&["xl create failed", "xc_dom"]);
}

#[test]
fn input_is_accepted_while_the_domain_runs() {
    // A bare machine reads no input yet; typing must neither stop it nor lose its output.
    let directory = scratch("domu-input");
    erlc_text(
        &directory,
        "patient",
        "-export([main/0]).\nmain() -> receive after 2000 -> erlang:display(done) end, halt().\n",
    );
    let image = bake(&directory, &["-s", "patient", "main"]);
    let mut child = Command::new(STARLING)
        .args(["boot", "--timeout", "280"])
        .arg(&image)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let typing = std::thread::spawn(move || {
        // More than the guest's ring takes.
        let _ = input.write_all(&[b'x'; 5000]);
    });
    let output = child.wait_with_output().unwrap();
    typing.join().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&output.stdout), "done\r\n");
}
