//! Elixir, as Debian 12 ships it, on `erl` and on `starling erl`: the argument vector that `bin/elixir` and `bin/iex` make, and what
//! programs print, on both outputs.
//!
//! Elixir's modules were compiled by OTP 24: they have instructions and regular expressions that no later compiler makes.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use starling_tests::{Run, STARLING, root, run, scratch};

static ELIXIR: LazyLock<PathBuf> = LazyLock::new(|| {
    let fetched = run(&mut Command::new(root().join("scripts/elixir")));
    fetched.expect_status(0);
    PathBuf::from(fetched.stdout.trim())
});

/// Runs Elixir's argument vector; `first` begins it.
fn elixir(first: &[&str], directory: &Path, arguments: &[&str]) -> Run {
    let mut command = Command::new(first[0]);
    for variable in ["ERL_AFLAGS", "ERL_FLAGS", "ERL_ZFLAGS", "ERL_LIBS"] {
        command.env_remove(variable);
    }
    command.env("LC_ALL", "C.UTF-8").args(&first[1..]);
    command.arg("-pa");
    for library in ["eex", "elixir", "ex_unit", "iex", "logger", "mix"] {
        command.arg(ELIXIR.join("lib").join(library).join("ebin"));
    }
    command.args(["-noshell", "-s", "elixir", "start_cli", "-extra"]);
    run(command.args(arguments).current_dir(directory))
}

/// The text without what differs between two runs of one machine, too: numbers of processes and the time of a logged line.
fn comparable(text: &str) -> String {
    let mut lines = Vec::new();
    for line in text.lines() {
        let line = match line.split_once(" [") {
            Some((time, rest)) if time.len() == 12 && time.as_bytes()[2] == b':' => rest,
            _ if line.starts_with("Finished in ") => "Finished",
            _ => line,
        };
        let mut parts = line.split("#PID<0.");
        let mut shown = parts.next().unwrap_or_default().to_string();
        for part in parts {
            shown += "#PID<";
            shown += part.trim_start_matches(|c: char| c.is_ascii_digit());
        }
        lines.push(shown);
    }
    lines.join("\n")
}

fn compare(arguments: &[&str]) {
    let [otp, starling] = [&["erl"][..], &[STARLING, "erl"]]
        .map(|first| elixir(first, &scratch("elixir"), arguments));
    assert_eq!(
        comparable(&otp.stdout),
        comparable(&starling.stdout),
        "{arguments:?}\n{starling}"
    );
    assert_eq!(
        comparable(&otp.stderr),
        comparable(&starling.stderr),
        "{arguments:?}\n{starling}"
    );
    assert_eq!(otp.status, starling.status, "{arguments:?}\n{starling}");
}

#[test]
fn hi() {
    compare(&["-e", r#"IO.puts "hi""#]);
}

#[test]
fn one_line_programs() {
    let programs = [
        r#"raise "oops""#,
        "throw :x",
        "exit({:shutdown, 3})",
        ":erlang.error(:foo)",
        "System.stop(4); Process.sleep(:infinity)",
        "1 = 2",
        "foo(1)",
        "Foo.bar(1)",
        "if true",
        "defmodule A do def f, do: undefined_var end",
        "Enum.map([1, 2, 3], fn x when x > 5 -> x end)",
        r#"spawn(fn -> raise "in a process" end); Process.sleep(100)"#,
        r#"Task.async(fn -> raise "linked" end) |> Task.await"#,
        r#"require Logger; Logger.error("error"); Logger.info("info"); Logger.flush()"#,
        r#"IO.puts "åäö ☃ 😀"; IO.puts(:stderr, "é")"#,
        r#"System.at_exit(fn s -> IO.puts("exit #{s}") end); raise "x""#,
    ];
    for program in programs {
        compare(&["-e", program]);
    }
}

fn script(name: &str) -> String {
    let path = root().join("tests/elixir").join(name);
    path.to_str().unwrap().to_string()
}

#[test]
fn the_language() {
    compare(&[&script("language.exs"), "argument"]);
}

#[test]
fn processes() {
    compare(&[&script("processes.exs"), "argument"]);
}

#[test]
fn a_test_suite() {
    compare(&[&script("suite.exs")]);
}

#[test]
fn appending() {
    let script = script("appending.exs");
    compare(&[&script]);
    let plain = elixir(&[STARLING, "erl"], &scratch("elixir"), &[&script]);
    let collecting = [STARLING, "erl", "+gcstress"];
    let collecting = elixir(&collecting, &scratch("elixir"), &[&script]);
    assert_eq!(plain.stdout, collecting.stdout, "{collecting}");
}
