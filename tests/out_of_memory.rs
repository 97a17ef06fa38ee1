//! Little memory: processes that eat it end with a report and the machine goes on; a machine that cannot start says why.

#[path = "support.rs"]
mod support;

use std::path::Path;
use std::process::Command;

use support::{Run, STARLING, erlc, root, run, scratch};

/// Runs the tool with so many KiB of addresses.
fn limited(kib: u32, directory: &Path, flags: &str) -> Run {
    let script = format!("ulimit -v {kib}; exec {STARLING} erl {flags}");
    run(Command::new("bash")
        .args(["-c", &script])
        .env("ERL_CRASH_DUMP_SECONDS", "0")
        .current_dir(directory))
}

#[test]
fn whoever_eats_the_memory_ends_and_the_others_go_on() {
    let directory = scratch("eaters");
    erlc(&directory, &[root().join("tests/otp/eaters.erl")]);
    let run = limited(
        200_000,
        &directory,
        "-noshell -s eaters main -s erlang halt",
    );
    let lines: Vec<&str> = run
        .stdout
        .lines()
        .filter_map(|line| line.strip_prefix("## "))
        .collect();
    let [ways @ .., last, "done"] = &lines[..] else {
        panic!("it did not come to its end\n{run}");
    };
    assert!(ways.len() > 25, "{run}");
    for way in ways {
        assert!(way.ends_with(" killed true true"), "{way}\n{run}");
    }
    assert_eq!(*last, "code loaded true true", "{run}");
    // Each with a report, by the logger.
    let reports = run.stdout.matches("=ERROR REPORT====").count();
    assert!(reports >= ways.len(), "{reports}\n{run}");
    run.expect_status(0);
}

#[test]
fn too_few_addresses_to_start_are_named() {
    let directory = scratch("addresses");
    for flags in ["-noshell", "--bare -s no call"] {
        limited(40_000, &directory, flags)
            .expect_status(1)
            .expect_error(&["starling: cannot start: 64 MiB of addresses", "ulimit -v"]);
    }
}
