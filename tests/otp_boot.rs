//! Stock OTP on this Linux: that it boots, what it prints and how it ends, against `erl` where that runs here.

use std::fs;
use std::path::Path;
use std::process::Command;

use starling_tests::{Run, STARLING, erlc, otp27, root, run, scratch};

/// Flags, each a word.
type Line = &'static [&'static str];

fn quiet(command: &mut Command) -> Run {
    for variable in ["ERL_AFLAGS", "ERL_FLAGS", "ERL_ZFLAGS", "ERL_LIBS"] {
        command.env_remove(variable);
    }
    run(command
        .env("LC_ALL", "C.UTF-8")
        .env("ERL_CRASH_DUMP_SECONDS", "0"))
}

fn erl(directory: &Path, flags: &[&str]) -> Run {
    quiet(Command::new("erl").args(flags).current_dir(directory))
}

fn starling(directory: &Path, otp: Option<&Path>, flags: &[&str]) -> Run {
    let mut command = Command::new(STARLING);
    command.arg("erl");
    if let Some(otp) = otp {
        command.arg("--otp").arg(otp);
    }
    quiet(command.args(flags).current_dir(directory))
}

/// The text with every pid `<0.N.0>` and every time of a report (`==== 22-Nov-2026::16:00:00.000000 ===`) made the same: two runs
/// of one machine differ in them, too.
fn comparable(text: &str) -> String {
    let mut result = String::new();
    // What a crash report says of a process's memory and of the work that it did is each machine's own.
    let own = ["heap_size: ", "stack_size: ", "reductions: "];
    let is_own = |line: &&str| own.iter().any(|name| line.trim_start().starts_with(name));
    for line in text.lines().filter(|line| !is_own(line)) {
        match line.split_once(" REPORT==== ") {
            Some((kind, _)) => result.push_str(&format!("{kind} REPORT")),
            None => {
                let mut parts = line.split("<0.");
                result.push_str(parts.next().unwrap_or_default());
                for part in parts {
                    let rest = part.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
                    result.push_str("<pid");
                    result.push_str(rest);
                }
            }
        }
        result.push('\n');
    }
    result
}

/// How OTP begins and ends.
const LINES: &[Line] = &[
    &["-noshell", "-eval", "halt()."],
    &["-noshell", "-eval", "halt(3)."],
    &["-noshell", "-eval", "init:stop(7)."],
    &["-noshell", "-s", "init", "stop"],
    &["-noinput", "-s", "erlang", "halt"],
    &["-noshell", "-eval", "1/0."],
    &["-noshell", "-eval", "foo(."],
    &["-noshell", "-eval", "erlang:error(reason)."],
    &["-noshell", "-eval", "exit(reason)."],
    &["-noshell", "-eval", "erlang:halt(\"a slogan\")."],
    &[
        "-noshell",
        "-eval",
        "exit(whereis(application_controller), kill), timer:sleep(5000).",
    ],
    &["-noshell", "-s", "no_such_module", "start"],
    &["-noshell", "-run", "lists", "no_such_function", "argument"],
    &["-boot", "no_such_script"],
    &["-noshell", "-config", "no_such_file", "-eval", "halt()."],
    &[
        "-noshell",
        "-mode",
        "embedded",
        "-eval",
        "io:format(\"~p~n\", [code:get_mode()]), halt().",
    ],
    &[
        "-noshell",
        "-pa",
        ".",
        "-pz",
        "..",
        "-eval",
        "io:format(\"~p~n\", [[hd(code:get_path()), lists:last(code:get_path())]]), halt().",
    ],
    &[
        "-noshell",
        "-eval",
        "io:format(\"~ts~n\", [[229, 8364, 128512]]), halt().",
    ],
    &[
        "-noshell",
        "-eval",
        "io:format(standard_error, \"to standard error~n\", []), halt().",
    ],
    &[
        "-noshell",
        "-eval",
        "io:format(\"~p~n\", [io:get_line(\"\")]), halt().",
    ],
    &[
        "-noshell",
        "-eval",
        "io:put_chars(os:cmd(\"echo one; echo two >&2; exit 3\")), halt().",
    ],
    // What the logger makes of what happens.
    &[
        "-noshell",
        "-eval",
        "spawn(fun() -> 1/0 end), timer:sleep(500), halt().",
    ],
    &[
        "-noshell",
        "-eval",
        "proc_lib:spawn(fun() -> exit(bad) end), timer:sleep(500), halt().",
    ],
    &[
        "-noshell",
        "-eval",
        "logger:error(\"text ~p\", [value]), logger:warning(#{a => 1}), logger:notice(\"x\"), timer:sleep(500), halt().",
    ],
    &[
        "-noshell",
        "-eval",
        "application:start(no_such_application), application:start(sasl), timer:sleep(500), halt().",
    ],
];

#[test]
fn otp_begins_and_ends_as_with_erl() {
    let directory = scratch("otp-lines");
    let mut failed = Vec::new();
    for line in LINES {
        let (otp, ours) = (erl(&directory, line), starling(&directory, None, line));
        let same = otp.status == ours.status
            && comparable(&otp.stdout) == comparable(&ours.stdout)
            && comparable(&otp.stderr) == comparable(&ours.stderr);
        if !same {
            failed.push(format!("{line:?}\n=== erl: {otp}\n=== starling: {ours}"));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
}

/// Only what is not a race: a process prints what is logged before there is a logger, and the end of the machine overtakes it, or not.
#[test]
fn a_wrong_value_of_a_flag_ends_otp_as_with_erl() {
    let directory = scratch("otp-wrong-value");
    let flags = ["-noshell", "-kernel", "no_syntax", "{", "-eval", "halt()."];
    let told = |run: Run| {
        let first = run.stdout.lines().next().unwrap_or_default().to_owned();
        let slogan = run.stderr.find("could not start kernel pid");
        (
            run.status,
            first,
            slogan.map(|at| run.stderr[at..].to_owned()),
        )
    };
    let otp = told(erl(&directory, &flags));
    assert!(otp.0 == 1 && otp.2.is_some(), "{otp:?}");
    assert_eq!(told(starling(&directory, None, &flags)), otp);
}

#[test]
fn a_tour_of_the_libraries_is_the_same_on_erl_and_on_both_releases() {
    let directory = scratch("otp-tour");
    erlc(&directory, &[root().join("tests/otp/tour.erl")]);
    let flags = ["-noshell", "-s", "tour", "main", "-s", "init", "stop"];
    let otp = erl(&directory, &flags);
    otp.expect_status(0);
    assert!(otp.stdout.ends_with("done\n"), "{otp}");
    let otp27 = otp27();
    for release in [None, Some(otp27.as_path())] {
        let ours = starling(&directory, release, &flags);
        ours.expect_output_of(&otp, &release).expect_status(0);
    }
}

/// What `scripts/demo` and the guides run: an application of a user's, whose server is killed and started again.
#[test]
fn the_example_application_does_what_it_does_on_erl() {
    let directory = scratch("otp-counter");
    let example = root().join("examples/counter");
    let sources = ["counter.erl", "counter_app.erl", "counter_sup.erl"];
    erlc(&directory, &sources.map(|source| example.join(source)));
    fs::copy(example.join("counter.app"), directory.join("counter.app")).unwrap();
    let flags = ["-noshell", "-s", "counter", "demo"];
    // Without reports: they have times, and a reference.
    let quietly = [&flags[..], &["-kernel", "logger_level", "none"]].concat();
    let otp = erl(&directory, &quietly);
    otp.expect_status(0);
    assert!(otp.stdout.ends_with("counts on: 4\n"), "{otp}");
    let ours = starling(&directory, None, &quietly);
    ours.expect_output_of(&otp, &flags).expect_status(0);
    let ours = starling(&directory, None, &flags);
    assert!(ours.stdout.contains("SUPERVISOR REPORT"), "{ours}");
}

/// As the tour, but the machine collects whenever it allocates.
#[test]
fn otp_boots_with_a_collection_at_every_allocation() {
    let directory = scratch("otp-gcstress");
    let otp27 = otp27();
    for release in [None, Some(otp27.as_path())] {
        let program = "{ok, _, _} = compile:forms([{attribute,1,module,m}], []), io:put_chars(\"compiled\"), halt().";
        let ours = starling(
            &directory,
            release,
            &["+gcstress", "-noshell", "-eval", program],
        );
        ours.expect_status(0);
        assert_eq!(ours.stdout, "compiled", "{ours}");
    }
}

#[test]
fn a_slogan_leaves_a_crash_dump() {
    let directory = scratch("otp-dump");
    let dump = directory.join("dump");
    let ours = run(Command::new(STARLING)
        .args([
            "erl",
            "-noshell",
            "-eval",
            "register(me, self()), halt(\"the slogan\").",
        ])
        .env("ERL_CRASH_DUMP", &dump)
        .current_dir(&directory));
    ours.expect_status(1).expect_error(&[
        "the slogan",
        "Crash dump is being written to",
        "...done",
    ]);
    let text = fs::read_to_string(&dump).unwrap();
    assert!(text.starts_with("=erl_crash_dump:0.5\n"), "{text}");
    for part in [
        "Slogan: the slogan",
        "\n=memory\n",
        "\n=proc:<0.0.0>\n",
        "Name: me",
        "\n=mod:lists\n",
        "\n=end\n",
    ] {
        assert!(text.contains(part), "no {part:?} in the dump");
    }
}

#[test]
fn what_is_converted_is_kept_and_two_may_write_at_once() {
    let directory = scratch("otp-cache");
    let start = || {
        let mut command = Command::new(STARLING);
        command.args(["erl", "-noshell", "-eval", "io:put_chars(\"up\"), halt()."]);
        command.env("STARLING_CACHE", directory.join("cache"));
        command
    };
    let both: Vec<_> = (0..2)
        .map(|_| {
            std::thread::spawn({
                let mut command = start();
                move || run(&mut command)
            })
        })
        .collect();
    for thread in both {
        assert_eq!(thread.join().unwrap().expect_status(0).stdout, "up");
    }
    let files = |directory: &Path| {
        let found = run(Command::new("find").arg(directory).args(["-type", "f"]));
        found.stdout.lines().count()
    };
    let kept = files(&directory.join("cache"));
    assert!(kept > 80, "{kept} files are kept");
    // What is damaged is converted again.
    let first = run(Command::new("find")
        .arg(directory.join("cache"))
        .args(["-type", "f"]));
    for file in first.stdout.lines() {
        fs::write(file, "LING and nothing more").unwrap();
    }
    assert_eq!(run(&mut start()).expect_status(0).stdout, "up");
    assert_eq!(files(&directory.join("cache")), kept);
}

/// What OTP 27 does otherwise than OTP 25, of which stock OTP 27 printed `tests/otp/release_27.txt`. The program has patterns that only
/// OTP 27's compiler tells apart, so that compiles it, here.
#[test]
fn what_otp_27_changed_is_as_on_otp_27() {
    let sources = root().join("tests/otp");
    let directory = scratch("release_27");
    let wanted = fs::read_to_string(sources.join("release_27.txt")).expect("the wanted output");
    fs::copy(
        sources.join("release_27.erl"),
        directory.join("release_27.erl"),
    )
    .expect("a copy of the program");
    let otp = otp27();
    let compile = [
        "-noshell",
        "-eval",
        "{ok, release_27} = compile:file(release_27, [report]), halt().",
    ];
    starling(&directory, Some(&otp), &compile).expect_status(0);
    let call = [
        "-noshell",
        "-s",
        "release_27",
        "main",
        "-s",
        "erlang",
        "halt",
    ];
    for stress in [&[][..], &["+gcstress"][..]] {
        let flags: Vec<&str> = stress.iter().chain(&call).copied().collect();
        let printed = starling(&directory, Some(&otp), &flags);
        printed.expect_status(0);
        assert!(wanted.lines().count() > 80, "{wanted}");
        assert_eq!(printed.stdout, wanted);
    }
}

/// Programs of `tests/erl` whose code OTP 27's compiler makes with instructions that OTP 25 has not: `bs_match`, `update_record`, and
/// with the option `line_coverage` `executable_line`.
const OF_A_LATER_COMPILER: &[&str] = &[
    "binaries",
    "bits_match",
    "bits_random",
    "binary_sharing",
    "maps_flat",
    "records",
    "selective_receive",
    "utf",
];

#[test]
fn what_otp_27_compiles_prints_what_otp_25_does() {
    let otp = otp27();
    let directory = scratch("compiled-by-27");
    let sources = root().join("tests/erl");
    let paths: Vec<_> = OF_A_LATER_COMPILER
        .iter()
        .map(|name| sources.join(name).with_extension("erl"))
        .collect();
    let older = directory.join("25");
    fs::create_dir_all(&older).unwrap();
    erlc(&older, &paths);
    for options in ["", "line_coverage,"] {
        let newer = directory.join(format!("27{options}"));
        fs::create_dir_all(&newer).unwrap();
        let compile = format!(
            "[{{ok, _}} = compile:file(F, [{options} {{outdir, {:?}}}]) || F <- {paths:?}], halt().",
            newer.display().to_string()
        );
        starling(&directory, Some(&otp), &["-noshell", "-eval", &compile]).expect_status(0);
        for name in OF_A_LATER_COMPILER {
            // OTP 25 takes no module of a compiler with this feature otherwise.
            let mut flags = vec!["-enable-feature", "maybe_expr", "-noshell"];
            flags.extend(["-s", name, "main", "-s", "erlang", "halt"]);
            let expected = erl(&older, &flags);
            let run = starling(&newer, None, &flags);
            assert!(
                expected.stdout == run.stdout,
                "{name} with {options:?} prints other lines: {}",
                run.stderr
            );
            run.expect_status(0);
        }
    }
}
