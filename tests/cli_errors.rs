//! Bad input to the tool: each mistake gets one message that says what, where and how to mend it, and an exit
//! status that is not zero.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use starling_tests::{STARLING, bake, erlc, erlc_text, root, run, scratch, starling};

/// A directory with the compiled hello example.
fn hello() -> PathBuf {
    let directory = scratch("hello");
    erlc(&directory, &[root().join("examples/hello/hello.erl")]);
    directory
}

#[test]
fn a_wrong_command_line_is_a_usage_error() {
    starling(["fly"]).expect_status(2).expect_error(&["fly"]);
    starling(["image"])
        .expect_status(2)
        .expect_error(&["--output"]);
    starling(["boot"]).expect_status(2).expect_error(&["IMAGE"]);
    starling(["boot", "x", "-m", "lots"])
        .expect_status(2)
        .expect_error(&["lots", "--memory"]);
    starling(["erl", "--bare", "-pa"])
        .expect_status(2)
        .expect_error(&["-pa needs a directory"]);
}

#[test]
fn an_otp_that_is_none_is_named() {
    let empty = scratch("no_otp");
    for command in [&["erl"][..], &["image", "-o", "x"]] {
        let more = ["--otp", empty.to_str().unwrap()];
        starling(command.iter().chain(&more))
            .expect_status(1)
            .expect_error(&[empty.to_str().unwrap(), "not the root of an OTP"]);
    }
    // An OTP without its preloaded modules, as some packages have it.
    for directory in ["lib/kernel-1/ebin", "releases/25"] {
        fs::create_dir_all(empty.join(directory)).unwrap();
    }
    fs::write(empty.join("releases/start_erl.data"), "13.1.5 25\n").unwrap();
    starling(["erl", "--otp", empty.to_str().unwrap()])
        .expect_status(1)
        .expect_error(&["no preloaded modules", "erts-13.1.5/ebin", "erlang-base"]);
    starling(["erl", "--otp"])
        .expect_status(2)
        .expect_error(&["--otp needs the root"]);
    starling(["erl", "--bare", "--otp", "/"])
        .expect_status(2)
        .expect_error(&["give one of them"]);
}

#[test]
fn what_only_erl_can_do_is_said() {
    starling(["erl", "-man", "lists"])
        .expect_status(1)
        .expect_error(&["-man is not supported", "man -M"]);
    starling(["erl", "+nonsense"])
        .expect_status(1)
        .expect_error(&["bad -n option onsense", "docs/src/flags.md"]);
    let run = starling(["erl", "-version"]);
    run.expect_status(0)
        .expect_error(&["Erlang (STARLING", "emulator version"]);
}

#[test]
fn a_wrong_image_of_otp_is_not_baked() {
    let directory = hello();
    let pa = directory.to_str().unwrap();
    let image = |more: &[&str]| starling(["image", "-o", "x"].iter().chain(more));
    image(&["--app", "nothing"])
        .expect_status(1)
        .expect_error(&["no application nothing", "There are:", "stdlib"]);
    fs::write(
        directory.join("hello.app"),
        "{application, hello, [{applications, [kernel, needed]}]}.",
    )
    .unwrap();
    image(&["-pa", pa])
        .expect_status(1)
        .expect_error(&["no application needed, which hello needs"]);
    fs::write(directory.join("hello.app"), "{application,\n hello, [").unwrap();
    image(&["-pa", pa])
        .expect_status(1)
        .expect_error(&["hello.app: line 2"]);
    fs::remove_file(directory.join("hello.app")).unwrap();
    image(&["--", "-detached"])
        .expect_status(2)
        .expect_error(&["would end the guest at once", "-detached"]);
    image(&["--", "+P", "1"])
        .expect_status(2)
        .expect_error(&["bad number of processes 1"]);
    image(&["--file", "/nowhere/file"])
        .expect_status(1)
        .expect_error(&["/nowhere/file", "--file"]);
    image(&["--file", "/etc/passwd=etc/passwd"])
        .expect_status(2)
        .expect_error(&["must begin with a slash"]);
    image(&["-pa", "/nowhere/ebin"])
        .expect_status(1)
        .expect_error(&["/nowhere/ebin", "-pa"]);
    image(&["--bare", "--app", "stdlib"]).expect_status(2);
    fs::write(directory.join("hello.beam"), "not a module").unwrap();
    image(&["-pa", pa])
        .expect_status(1)
        .expect_error(&["hello.beam", "erlc"]);
    assert!(!Path::new("x").exists());
}

#[test]
fn equal_input_bakes_equal_images_of_otp() {
    let directory = hello();
    let baked = |name: &str, cache: &str| {
        let image = directory.join(name);
        run(Command::new(STARLING)
            .args(["image", "-o"])
            .arg(&image)
            .arg("-pa")
            .arg(&directory)
            .args([
                "--file",
                "/etc/hostname=/etc/name",
                "--",
                "-s",
                "hello",
                "main",
            ])
            .env("STARLING_CACHE", cache))
        .expect_status(0)
        .expect_error(&["kernel-", "stdlib-", "starling boot"]);
        let bytes = fs::read(&image).unwrap();
        fs::remove_file(image).unwrap();
        bytes
    };
    let cache = scratch("cache");
    let first = baked("a.elf", "off");
    assert!(
        first == baked("b.elf", cache.to_str().unwrap()),
        "cold cache"
    );
    assert!(
        first == baked("c.elf", cache.to_str().unwrap()),
        "warm cache"
    );
    for path in ["etc/name", "hello.beam", "starling/preloaded/init.ling"] {
        let found = first
            .windows(path.len())
            .any(|bytes| bytes == path.as_bytes());
        assert!(found, "{path}");
    }
}

#[test]
fn a_wrong_machine_flag_is_named() {
    for command in [
        &["erl", "--bare"][..],
        &["image", "--bare", "-o", "x", "--"],
    ] {
        let run = starling(command.iter().chain(&["-nonsense", "-s", "hello"]));
        assert_ne!(run.status, 0, "{run}");
        run.expect_error(&["-nonsense"]);
        let run = starling(command.iter().chain(&["-s"]));
        assert_ne!(run.status, 0, "{run}");
        run.expect_error(&["-s needs"]);
    }
    assert!(!Path::new("x").exists());
}

#[test]
fn a_missing_directory_is_named() {
    starling(["erl", "--bare", "-pa", "/nowhere/ebin", "-s", "hello"])
        .expect_status(1)
        .expect_error(&["/nowhere/ebin", "No such file"]);
    starling(["image", "--bare", "-o", "x", "-pa", "/nowhere/ebin"])
        .expect_status(1)
        .expect_error(&["/nowhere/ebin", "No such file"]);
}

#[test]
fn a_missing_module_and_function_end_in_otps_words() {
    let directory = hello();
    let pa = directory.to_str().unwrap();
    for call in [&["hello", "nothing"][..], &["nobody", "main"]] {
        let run = starling(["erl", "--bare", "-pa", pa, "-s"].iter().chain(call));
        run.expect_status(1).expect_error(&[
            "init terminating in do_boot",
            "undef",
            call[0],
            call[1],
        ]);
    }
}

#[test]
fn a_damaged_module_is_refused_by_name() {
    let directory = hello();
    let module = directory.join("hello.beam");
    let good = fs::read(&module).unwrap();
    let mut noise = good.clone();
    for byte in &mut noise[40..] {
        *byte = byte.wrapping_mul(31).wrapping_add(7);
    }
    for bad in [&good[..good.len() / 2], &noise, b"", b"not a module"] {
        fs::write(&module, bad).unwrap();
        let out = directory.join("out.elf");
        starling([
            "image",
            "--bare",
            "-o",
            out.to_str().unwrap(),
            "-pa",
            directory.to_str().unwrap(),
        ])
        .expect_status(1)
        .expect_error(&["hello.beam", "erlc"]);
        assert!(!out.exists(), "half an image was left behind");
        let run = starling([
            "erl",
            "--bare",
            "-pa",
            directory.to_str().unwrap(),
            "-s",
            "hello",
            "main",
        ]);
        run.expect_status(1).expect_error(&["hello"]);
    }
}

#[test]
fn a_module_under_another_name_is_refused() {
    let directory = hello();
    fs::rename(directory.join("hello.beam"), directory.join("other.beam")).unwrap();
    let run = starling([
        "image",
        "--bare",
        "-o",
        "x",
        "-pa",
        directory.to_str().unwrap(),
    ]);
    run.expect_status(1).expect_error(&[
        "other.beam: the file holds the module hello",
        "rename it to hello.beam",
    ]);
    assert!(
        !run.stderr.contains("Compile it again"),
        "another compilation mends nothing: {run}"
    );
}

#[test]
fn a_module_with_on_load_is_refused_since_nothing_would_run_it() {
    let directory = scratch("on_load");
    erlc_text(
        &directory,
        "early",
        "-on_load(init/0).\n-export([ready/0]).\ninit() -> ok.\nready() -> true.\n",
    );
    erlc_text(
        &directory,
        "caller",
        "-export([main/0]).\nmain() -> try early:ready() catch error:E -> erlang:display(E) end, halt().\n",
    );
    let pa = directory.to_str().unwrap();
    let run = starling(["erl", "--bare", "-pa", pa, "-s", "caller", "main"]);
    run.expect_status(0)
        .expect_error(&["early", "init/0", "-on_load", "leave the attribute out"]);
    assert_eq!(run.stdout, "undef\r\n", "{run}");
}

#[test]
fn an_image_that_cannot_be_written_leaves_nothing() {
    let directory = hello();
    let pa = directory.to_str().unwrap();
    starling(["image", "--bare", "-o", "/nowhere/out.elf", "-pa", pa])
        .expect_status(1)
        .expect_error(&["/nowhere/out.elf", "cannot write"]);
    starling(["image", "--bare", "-o", pa, "-pa", pa])
        .expect_status(1)
        .expect_error(&["cannot write"]);
    // A full disk: /dev/full cannot be renamed over, so a file size limit stands for it.
    let out = directory.join("out.elf");
    let script = format!(
        "ulimit -f 8; trap '' XFSZ; exec {STARLING} image --bare -o {} -pa {pa}",
        out.display()
    );
    run(Command::new("bash").args(["-c", &script]))
        .expect_status(1)
        .expect_error(&["out.elf", "cannot write"]);
    let left: Vec<_> = fs::read_dir(&directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.contains("out.elf") || name.contains(".part"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn equal_input_bakes_equal_images() {
    let directory = hello();
    let first = fs::read(bake(&directory, &["-s", "hello", "main"])).unwrap();
    let second = fs::read(bake(&directory, &["-s", "hello", "main"])).unwrap();
    assert!(first == second);
    let other = fs::read(bake(&directory, &["-s", "hello", "other"])).unwrap();
    assert!(first != other);
}

#[test]
fn what_is_no_image_is_not_booted() {
    starling(["boot", "/nowhere/image.elf"])
        .expect_status(1)
        .expect_error(&["/nowhere/image.elf", "No such file", "starling image"]);
    let file = scratch("text").join("image.elf");
    fs::write(&file, "#!/bin/sh\n").unwrap();
    starling(["boot", file.to_str().unwrap()])
        .expect_status(1)
        .expect_error(&["not an image", "starling image"]);
}

#[test]
fn without_xen_one_message_names_every_package() {
    let image = bake(&hello(), &["-s", "hello", "main"]);
    let empty = scratch("sysroot");
    run(Command::new(STARLING)
        .arg("boot")
        .arg(&image)
        .env("STARLING_SYSROOT", &empty))
    .expect_status(1)
    .expect_error(&[
        "not installed",
        "apt-get install xen-hypervisor-4.17-amd64 xen-utils-4.17 linux-image-amd64",
    ]);
    run(Command::new(STARLING)
        .arg("boot")
        .arg("--dom0")
        .arg(&image)
        .env("STARLING_SYSROOT", &empty)
        .env("PATH", &empty))
    .expect_status(1)
    .expect_error(&[
        "QEMU",
        "apt-get install qemu-system-x86 xen-hypervisor-4.17-amd64",
    ]);
}

/// Boots with a script in QEMU's place.
fn boot_with_qemu(script: &str, args: &[&str]) -> starling_tests::Run {
    let directory = hello();
    let image = bake(&directory, &["-s", "hello", "main"]);
    let qemu = directory.join("qemu-system-x86_64");
    fs::write(&qemu, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&qemu, fs::Permissions::from_mode(0o755)).unwrap();
    // Found by its name on the PATH, as the real one is.
    for tool in ["sleep", "kill"] {
        symlink(format!("/bin/{tool}"), directory.join(tool)).unwrap();
    }
    run(Command::new(STARLING)
        .arg("boot")
        .args(args)
        .arg(&image)
        .env("PATH", &directory))
}

#[test]
fn a_qemu_that_dies_is_told_with_its_own_words() {
    for mode in [&[][..], &["--dom0"]] {
        boot_with_qemu("echo 'cannot set up guest memory' >&2; exit 1", mode)
            .expect_status(1)
            .expect_error(&["QEMU ended", "exit status: 1", "cannot set up guest memory"]);
        boot_with_qemu("kill -9 $$", mode)
            .expect_status(1)
            .expect_error(&["QEMU ended", "signal: 9"]);
    }
    let failure = boot_with_qemu("exit 0", &[]);
    failure
        .expect_status(1)
        .expect_error(&["QEMU ended", "STARLING_QEMU"]);
}

#[test]
fn a_qemu_that_hangs_is_ended() {
    let started = Instant::now();
    boot_with_qemu("exec sleep 100", &["--timeout", "2"])
        .expect_status(124)
        .expect_error(&["--timeout"]);
    assert!(started.elapsed().as_secs() < 30);
}

#[test]
fn extra_flags_that_xen_cannot_pass_are_refused() {
    let image = bake(&hello(), &["-s", "hello", "main"]);
    let long = "x".repeat(2000);
    starling(["boot", image.to_str().unwrap(), "--", &long])
        .expect_status(2)
        .expect_error(&["2000", "1023"]);
}

#[test]
fn a_closed_output_ends_the_program() {
    let directory = scratch("pipe");
    erlc_text(
        &directory,
        "chatter",
        "-export([main/0]).\nmain() -> erlang:display(again), main().\n",
    );
    let script = format!(
        "{STARLING} erl --bare -pa {} -s chatter main | head -n 3",
        directory.display()
    );
    let run = run(Command::new("bash").args(["-o", "pipefail", "-c", &script]));
    run.expect_status(141);
    assert_eq!(run.stdout, "again\r\n".repeat(3));
}
