//! What the toolstack asks of a running domain: `xl shutdown`, `reboot`, `mem-set`, `sysrq`; and what a program reads of
//! xenstore. Needs QEMU and Xen.

use std::path::{Path, PathBuf};

use starling_tests::{Run, bake, erlc_text, scratch, starling};

/// An image with OTP whose program is `program:main/0`.
fn otp_image(name: &str, text: &str) -> PathBuf {
    let directory = scratch(name);
    erlc_text(&directory, "program", text);
    let image = directory.join("image.elf");
    let (image_path, modules) = (image.to_str().unwrap(), directory.to_str().unwrap());
    let flags = ["-noshell", "-s", "program", "main"];
    let bake = ["image", "-o", image_path, "-pa", modules, "--"];
    starling(bake.iter().chain(&flags)).expect_status(0);
    image
}

/// Boots it; `orders` are for `xl`, each when the guest has printed a text.
fn boot(image: &Path, memory: &str, orders: &[&str]) -> Run {
    boot_with(image, &["-m", memory], orders)
}

fn boot_with(image: &Path, options: &[&str], orders: &[&str]) -> Run {
    let mut arguments = vec!["boot", "--timeout", "280", "-v"];
    arguments.extend(options);
    for order in orders {
        arguments.extend(["--xl-after", order]);
    }
    arguments.push(image.to_str().unwrap());
    starling(arguments)
}

/// An application that says when it is stopped.
const APPLICATION: &str = "
    -export([main/0, start/2, stop/1, init/1]).
    main() ->
        ok = application:load({application, program, [{vsn, \"1\"}, {mod, {program, []}}]}),
        ok = application:start(program),
        io:format(\"application started~n\").
    start(_, _) -> supervisor:start_link(program, []).
    init([]) -> {ok, {#{}, []}}.
    stop(_) -> io:format(\"application stopped~n\").
    ";

#[test]
fn xl_shutdown_stops_the_applications_as_init_stop_does() {
    let image = otp_image("control-shutdown", APPLICATION);
    let run = boot(&image, "64", &["application started=>shutdown starling"]);
    run.expect_status(0);
    assert!(
        run.stdout.contains("SIGTERM received - shutting down"),
        "{run}"
    );
    assert!(
        run.stdout.trim_end().ends_with("application stopped"),
        "{run}"
    );
    run.expect_error(&["shut down, reason code 0"]);
}

#[test]
fn xl_reboot_stops_them_too_and_boots_the_domain_again() {
    let image = otp_image("control-reboot", APPLICATION);
    let orders = [
        "application started=>reboot starling",
        "application started=>shutdown starling",
    ];
    let run = boot(&image, "64", &orders);
    run.expect_status(0);
    for line in ["application started", "application stopped"] {
        assert_eq!(run.stdout.matches(line).count(), 2, "{line}: {run}");
    }
    run.expect_error(&["shut down, reason code 1", "shut down, reason code 0"]);
}

#[test]
fn a_machine_without_handlers_ends_as_without_handlers() {
    let directory = scratch("control-bare");
    // It is never idle, and waits for nothing.
    erlc_text(
        &directory,
        "busy",
        "-export([main/0]).\nmain() -> erlang:display(busy), loop(0).\nloop(N) -> loop(N + 1).\n",
    );
    let image = bake(&directory, &["-s", "busy", "main"]);
    boot(&image, "16", &["busy=>shutdown starling"]).expect_status(128 + 15);
}

#[test]
fn xl_mem_set_takes_memory_and_gives_it_back_as_far_as_that_goes() {
    // What is free goes with the memory: at each stage it is what there is without the 30 MiB that OTP has at most.
    let image = otp_image(
        "control-memory",
        "-export([main/0]).
         main() -> stage(64), stage(40), stage(90), Held = binary:copy(<<1,2,3,4>>, 10 bsl 20),
             Crc = erlang:crc32(Held),
             io:format(\"holding~n\"), settle(fun(Now) -> Now < 80 end), timer:sleep(2000),
             Crc = erlang:crc32(Held),
             io:format(\"stuck, all is there~n\"), halt().
         stage(MiB) ->
             Free = settle(fun(Now) -> Now =:= MiB end),
             io:format(\"has ~b, free ~p~n\", [MiB, Free > (MiB - 30) bsl 20 andalso Free < MiB bsl 20]).
         settle(Until) ->
             #{memory := Bytes, memory_free := Free} = starling:domain_info(),
             case Until(Bytes bsr 20) of
                 true -> Free;
                 false -> timer:sleep(50), settle(Until)
             end.
        ",
    );
    let orders = [
        "has 64, free true=>mem-set starling 40",
        "has 40, free true=>mem-set starling 90",
        "holding=>mem-set starling 16",
    ];
    // More than it starts with.
    let run = boot_with(&image, &["-m", "64", "--maxmem", "96"], &orders);
    run.expect_status(0);
    for line in [
        "starling: memory: 40 MiB, was 64 MiB, as the toolstack asked",
        "starling: memory: 90 MiB, was 40 MiB, as the toolstack asked",
        "MiB, was 90 MiB, the toolstack asked for 16 MiB: the rest is in use",
        "stuck, all is there",
    ] {
        assert_eq!(run.stdout.matches(line).count(), 1, "{line}: {run}");
    }
}

#[test]
fn a_program_reads_what_the_toolstack_says_and_sysrq_is_only_told() {
    let image = otp_image(
        "control-store",
        "-export([main/0]).
         main() ->
             #{domid := Id, name := Name, uuid := Uuid, memory := Memory, memory_target := Memory} = starling:domain_info(),
             io:format(\"~s ~b ~b ~b~n\", [Name, Id, byte_size(Uuid), Memory bsr 20]),
             Domid = integer_to_binary(Id),
             {ok, Domid} = starling:xenstore_read(\"domid\"),
             {ok, Name} = starling:xenstore_read([\"/local/domain/\", Domid, <<\"/name\">>]),
             {ok, Control} = starling:xenstore_list(<<\"control\">>),
             true = lists:member(<<\"feature-poweroff\">>, Control),
             {ok, <<\"1\">>} = starling:xenstore_read(\"control/feature-reboot\"),
             {ok, []} = starling:xenstore_list(\"memory/target\"),
             {error, enoent} = starling:xenstore_read(\"no/such/thing\"),
             {error, enoent} = starling:xenstore_list(\"no/such/thing\"),
             {error, eacces} = starling:xenstore_read(\"/local/domain/0/backend\"),
             [{error, einval} = starling:xenstore_read(P) || P <- [\"\", \"a//b\", \"a b\", lists:duplicate(5000, $x)]],
             [{'EXIT', {badarg, _}} = (catch starling:xenstore_read(P)) || P <- [a, 1, [0], [-1], [a|b], <<255>>]],
             io:format(\"read~n\").
        ",
    );
    let orders = ["read=>sysrq starling h", "ignored=>shutdown starling"];
    let run = boot(&image, "64", &orders);
    run.expect_status(0);
    let mut lines = run.stdout.lines();
    let first = lines.next().unwrap_or_default();
    assert!(
        first.starts_with("starling ") && first.ends_with(" 36 64"),
        "{run}"
    );
    assert_eq!(
        run.stdout.matches("starling: sysrq \"h\" ignored").count(),
        1,
        "{run}"
    );
}

#[test]
fn without_a_domain_there_is_no_store_and_it_says_so() {
    let directory = scratch("control-linux");
    erlc_text(
        &directory,
        "program",
        "-export([main/0]).
         main() -> erlang:display([starling:domain_info(), starling:xenstore_read(\"name\"), starling:xenstore_list(\"\")]), halt().
        ",
    );
    let modules = directory.to_str().unwrap();
    let run = starling(["erl", "--bare", "-pa", modules, "-s", "program", "main"]);
    run.expect_status(0);
    assert_eq!(
        run.stdout.trim_end(),
        "[{error,enotsup},{error,enotsup},{error,enotsup}]"
    );
    // In dom0's place there is a domain, but no xenstore.
    erlc_text(
        &directory,
        "program",
        "-export([main/0]).
         main() -> #{domid := 0, memory := M} = starling:domain_info(), true = M > 1 bsl 24,
             erlang:display([starling:xenstore_read(\"name\"), starling:xenstore_list(\"\")]), halt().
        ",
    );
    let image = bake(&directory, &["-s", "program", "main"]);
    let run = starling([
        "boot",
        "--dom0",
        "--timeout",
        "280",
        image.to_str().unwrap(),
    ]);
    run.expect_status(0);
    assert_eq!(run.stdout.trim_end(), "[{error,enotsup},{error,enotsup}]");
}
