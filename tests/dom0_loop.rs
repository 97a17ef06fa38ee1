//! Images straight under Xen, in dom0's place: the loop of a second. Needs QEMU and Xen.

#[path = "support.rs"]
mod support;

use support::{bake, erlc, erlc_text, otp, root, scratch, starling};

fn boot(image: &std::path::Path, args: &[&str]) -> support::Run {
    let image = image.to_str().unwrap();
    starling(
        ["boot", "--dom0", "--timeout", "120", image]
            .iter()
            .chain(args),
    )
}

#[test]
fn hello_prints_what_it_prints_on_otp() {
    let directory = scratch("dom0-hello");
    erlc(&directory, &[root().join("examples/hello/hello.erl")]);
    let image = bake(&directory, &["-s", "hello", "main"]);
    let run = boot(&image, &[]);
    run.expect_status(0);
    assert_eq!(
        run.stdout,
        otp(&directory, &["-s", "hello", "main"]).stdout,
        "{run}"
    );
}

#[test]
fn exit_status_and_flags_pass_both_ways() {
    let directory = scratch("dom0-status");
    erlc_text(
        &directory,
        "quit",
        "-export([main/1]).\nmain([Status]) -> erlang:display(Status), halt(list_to_integer(Status)).\n",
    );
    let image = bake(&directory, &[]);
    let run = boot(&image, &["--", "-run", "quit", "main", "7"]);
    run.expect_status(7);
    assert_eq!(run.stdout, "\"7\"\r\n");
}

#[test]
fn an_error_in_the_first_process_ends_it_in_otps_words() {
    let directory = scratch("dom0-undef");
    let image = bake(&directory, &["-s", "nobody", "main"]);
    let run = boot(&image, &[]);
    run.expect_status(1);
    assert!(run.stdout.contains("init terminating in do_boot"), "{run}");
    assert!(run.stdout.contains("undef"), "{run}");
}
