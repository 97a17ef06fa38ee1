//! The same command lines for OTP's `erl` and for `starling erl`: what `init` gets, what is refused and in which words, and what programs
//! read of it.

use std::fs;
use std::path::Path;
use std::process::Command;

use starling_tests::{Run, STARLING, run, scratch};

/// Variables, and a command line that is split at blanks.
type Line<'a> = (&'a [(&'a str, &'a str)], &'a str);

fn both(directory: &Path, (variables, line): Line, before: &[&str]) -> [Run; 2] {
    let started = |mut command: Command| {
        for variable in ["ERL_AFLAGS", "ERL_FLAGS", "ERL_ZFLAGS", "ERL_LIBS"] {
            command.env_remove(variable);
        }
        run(command
            .envs(variables.iter().copied())
            .args(before)
            .args(line.split_whitespace())
            .current_dir(directory))
    };
    let mut starling = Command::new(STARLING);
    starling.arg("erl");
    [started(Command::new("erl")), started(starling)]
}

/// Files of arguments, as users write them.
fn directory() -> std::path::PathBuf {
    let directory = scratch("flags");
    fs::write(
        directory.join("outer"),
        "# a comment\n-foo \"a b\" x#y\n-args_file inner -bar\n",
    )
    .unwrap();
    fs::write(directory.join("inner"), "+P 5000 'in b' -extra bx").unwrap();
    directory
}

#[test]
fn words_are_distributed_as_otp_distributes_them() {
    let directory = directory();
    let lines: &[Line] = &[
        (&[], ""),
        (&[], "a -b c -- d -e -extra -f +z"),
        (
            &[],
            "-smp auto x -noinput -env A B -start_epmd false -configfd 3 -sname x -name y",
        ),
        (&[], "-compile +P 5 -nohup -hidden"),
        (&[], "-args_file outer end -extra z"),
        (
            &[],
            "+sbt db +sbwt none +hms 500 +MBas aobf +K true +A 10 +c false +B i +Bd +ec +r +rg 4 +zdbbl 8 +pc unicode +fnu",
        ),
        (
            &[("ERL_FLAGS", "f 'a b' \"c\"d \\' -extra x")],
            "cmd +P 5000 -extra m",
        ),
        (
            &[
                ("ERL_AFLAGS", "-a 1"),
                ("ERL_ZFLAGS", "-z"),
                ("ERL_FLAGS", "+Q 2000"),
                ("ERL_OTP25_FLAGS", "-o"),
            ],
            "-s m f",
        ),
        (&[("ERL_EPMD_PORT", "17"), ("HOME", "/some where")], "x"),
    ];
    for &line in lines {
        let [otp, starling] = both(&directory, line, &["-emu_args_exit"]);
        assert_eq!(otp.stdout, starling.stdout, "{line:?}\n{starling}");
        assert_eq!(otp.status, starling.status, "{line:?}\n{starling}");
    }
}

#[test]
fn what_otp_refuses_is_refused_in_its_words() {
    let directory = directory();
    for line in [
        "+zz 1",
        "+S x",
        "+S 5000",
        "+hms x",
        "+P 1",
        "+Q 0",
        "+t 1",
        "+W x",
        "+Mxx 1",
        "+fnz",
        "+sbt zz",
        "+sxx 1",
        "+A 100000",
        "+a 3",
        "+e -1",
        "+T 44",
        "+zdbbl 0",
        "+zdntgc x",
        "+JPperf x",
        "+IOt 0",
        "+n x",
        "+pc foo",
        "+C x",
        "+spp x",
        "+hmqd x",
        "+hmax -1",
        "+hmaxk x",
        "+sss 1",
        "+swt x",
        "+S",
        "+sbt",
        "-env X",
        "-sname",
        "-start_epmd x",
        "-smp disable",
        "-args_file",
    ] {
        let [otp, starling] = both(
            &directory,
            (&[], line),
            &["-noshell", "-s", "erlang", "halt"],
        );
        let first = |run: &Run| run.stderr.lines().next().unwrap_or_default().to_owned();
        assert_eq!(first(&otp), first(&starling), "{line}\n{starling}");
        assert_eq!(otp.status, starling.status, "{line}\n{starling}");
        assert_ne!(starling.status, 0, "{line}");
    }
    let [otp, starling] = both(&directory, (&[], "+xyz"), &[]);
    assert!(otp.stderr.contains("unknown flag -xyz"), "{otp}");
    assert!(starling.stderr.contains("unknown flag -xyz"), "{starling}");
}

/// Prints what `init` and `os` know of the command line, then ends with status 3.
const PROGRAM: &str = "io:format(\"~p~n\", [{init:get_arguments(), init:get_plain_arguments(), init:get_argument(foo), \
    [os:getenv(V) || V <- [\"A\", \"ROOTDIR\", \"BINDIR\", \"EMU\", \"PROGNAME\"]], \
    [erlang:system_info(I) || I <- [process_limit, port_limit, atom_limit, ets_limit, min_heap_size, dist_buf_busy_limit, \
    message_queue_data, otp_release]], erlang:system_info(max_heap_size) =:= maps:merge(erlang:system_info(max_heap_size), \
    #{size => 0}), io:printable_range(), error_logger:warning_map(), file:native_name_encoding(), code:root_dir()}]), halt(3).";

#[test]
fn programs_read_what_they_read_on_otp() {
    let directory = directory();
    let lines: &[Line] = &[
        (&[], ""),
        (&[], "-foo 1 2 -foo -- d -x y -- z -extra q -foo"),
        (&[], "-args_file outer end -extra z"),
        (
            &[],
            "+P 5000 +Q 2000 +t 9000 +e 9000 +hms 500 +zdbbl 44 +hmqd off_heap +hmax 100000 +pc unicode +W i +fnu -env A B",
        ),
        (
            &[("ERL_AFLAGS", "-foo a"), ("ERL_ZFLAGS", "-foo 'z z'")],
            "-foo m",
        ),
    ];
    for &line in lines {
        let [otp, starling] = both(&directory, line, &["-noshell", "-eval", PROGRAM]);
        otp.expect_status(3);
        starling.expect_status(3);
        assert_eq!(otp.stdout, starling.stdout, "{line:?}\n{starling}");
    }
}

#[test]
fn exit_statuses_and_last_words_pass_through() {
    let directory = directory();
    for (program, status) in [
        (&["-eval", "halt(3)."][..], 3),
        (&["-eval", "init:stop(7)."][..], 7),
        (&["-s", "erlang", "halt"][..], 0),
        (&["-eval", "erlang:error(oops)."][..], 1),
        (&["-s", "nobody", "main"][..], 1),
        (&["-boot", "nowhere"][..], 1),
        (&["-config", "nowhere"][..], 1),
    ] {
        // Nobody wants a dump of these.
        let variables = &[("ERL_CRASH_DUMP_SECONDS", "0")];
        let before: Vec<&str> = ["-noshell"].iter().chain(program).copied().collect();
        let [otp, starling] = both(&directory, (variables, ""), &before);
        otp.expect_status(status);
        starling.expect_status(status);
        assert_eq!(otp.stdout, starling.stdout, "{program:?}\n{starling}");
    }
}
