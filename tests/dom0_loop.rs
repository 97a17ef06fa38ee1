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

#[test]
fn a_crash_is_no_power_off() {
    let directory = scratch("dom0-crash");
    erlc(&directory, &[root().join("examples/hello/hello.erl")]);
    let image = bake(&directory, &["-s", "hello", "main"]);
    let mut bytes = std::fs::read(&image).unwrap();
    damage_archive(&mut bytes);
    std::fs::write(&image, bytes).unwrap();
    let run = boot(&image, &[]);
    run.expect_status(70).expect_error(&["the guest crashed"]);
    assert!(run.stdout.contains("archive is damaged"), "{run}");
    assert!(run.stdout.ends_with("starling: crashed\n"), "{run}");
}

/// Spoils the header of every member, which the guest looks at before it runs anything.
fn damage_archive(image: &mut [u8]) {
    // A cpio header: this magic, then hexadecimal numbers of eight digits.
    const MAGIC: &[u8] = b"070701";
    let mut damaged = 0;
    for at in 0..image.len().saturating_sub(MAGIC.len() + 8) {
        let (magic, rest) = image[at..].split_at_mut(MAGIC.len());
        if magic == MAGIC && rest[..8].iter().all(u8::is_ascii_hexdigit) {
            magic.fill(b'x');
            damaged += 1;
        }
    }
    assert!(damaged > 0, "the image has no archive");
}

#[test]
fn a_status_that_ends_qemu_as_a_crash_does_is_a_status() {
    let directory = scratch("dom0-127");
    erlc_text(
        &directory,
        "quit",
        "-export([main/0]).\nmain() -> halt(127).\n",
    );
    let image = bake(&directory, &["-s", "quit", "main"]);
    boot(&image, &[]).expect_status(127);
}
