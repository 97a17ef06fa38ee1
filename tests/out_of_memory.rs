//! Little memory: processes that eat it end with a report and the machine goes on; a machine that cannot start says why.

use std::path::Path;
use std::process::Command;

use starling_tests::eaters::expect_that_eaters_ended;
use starling_tests::{Run, STARLING, erlc, root, run, scratch};

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
    expect_that_eaters_ended(&run, 31);
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
