//! Images straight under Xen, in dom0's place: the loop of a second. Needs QEMU and Xen.

use starling_tests::{bake, erlc, erlc_text, otp, root, scratch, starling};

fn boot(image: &std::path::Path, args: &[&str]) -> starling_tests::Run {
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

/// An application of a user's, with a file of its own, in an image with OTP. Flags of image and domain are kept apart.
#[test]
fn an_application_runs_on_otp() {
    let directory = scratch("dom0-otp").join("greet-1/ebin");
    let data = directory.with_file_name("priv");
    std::fs::create_dir_all(&directory).unwrap();
    std::fs::create_dir_all(&data).unwrap();
    std::fs::write(data.join("greeting"), "good day").unwrap();
    let app = "{application, greet, [{vsn, \"1\"}, {modules, [greet]}, {applications, [kernel, stdlib]}]}.";
    std::fs::write(directory.join("greet.app"), app).unwrap();
    erlc_text(
        &directory,
        "greet",
        "-export([main/1]).\n\
         main([Name]) ->\n\
         ok = application:load(greet),\n\
         {ok, Greeting} = file:read_file(filename:join(code:priv_dir(greet), \"greeting\")),\n\
         ok = file:write_file(\"/tmp/note\", Greeting),\n\
         {ok, Greeting} = file:read_file(\"/tmp/note\"),\n\
         {ok, Listed} = file:list_dir(\"/usr/share/some\"),\n\
         io:format(\"~s, ~s ~p ~p ~p~n\", [Greeting, Name, Listed, os:getenv(\"WHERE\"), init:get_plain_arguments()]),\n\
         init:stop(5).\n",
    );
    let image = directory.join("image.elf");
    let file = format!("{}=/usr/share/some/thing", data.join("greeting").display());
    let (pa, out) = (directory.to_str().unwrap(), image.to_str().unwrap());
    starling([
        "image", "-o", out, "-pa", pa, "--file", &file, "--", "-noshell", "-env", "WHERE", "domU",
        "-run", "greet", "main", "you",
    ])
    .expect_status(0)
    .expect_error(&["greet-1: 1 module", "kernel-", "stdlib-", "starling boot"]);
    let run = boot(&image, &["--", "two words", "-extra", "x"]);
    run.expect_status(5);
    let expected = "good day, you [\"thing\"] \"domU\" [\"two words\",\"x\"]";
    assert_eq!(run.stdout.trim_end(), expected, "{run}");
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
