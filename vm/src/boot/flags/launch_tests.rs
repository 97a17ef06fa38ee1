//! Expected results are what OTP 25's `erl -emu_args_exit` prints.

use super::*;
use alloc::string::ToString;
use alloc::vec;

const OTP: Installation = Installation {
    root: "/otp",
    bindir: "/otp/erts-1/bin",
    erts_version: "1",
    has_programs: true,
};

fn environment(variables: &[(&str, &str)]) -> Environment {
    let variables = variables.iter();
    variables
        .map(|(name, value)| (name.as_bytes().to_vec(), value.as_bytes().to_vec()))
        .collect()
}

fn launched(line: &str) -> Result<Launch, Stop> {
    let words: Vec<Word> = line
        .split_whitespace()
        .map(|word| word.as_bytes().to_vec())
        .collect();
    launch(&words, &OTP, environment(&[("HOME", "/h")]))
}

/// All arguments, the machine's first, as `-emu_args_exit` prints them; without those that are always there.
fn arguments(line: &str) -> String {
    let stop = launched(&format!("-emu_args_exit {line}")).unwrap_err();
    assert_eq!((stop.status, stop.error.as_str()), (0, ""), "{line}");
    let text = String::from_utf8(stop.output).unwrap();
    text.replace(
        "-root\n/otp\n-bindir\n/otp/erts-1/bin\n-progname\nerl\n--\n-home\n/h\n--\n",
        "",
    )
    .trim()
    .replace('\n', " ")
}

#[test]
fn words_go_to_the_machine_or_to_init() {
    for (line, expected) in [
        ("", "--"),
        (
            "-smp auto x -emu_type opt -emu_flavor smp -foo -noinput -epmd /bin/true -start_epmd false -- +P 4000 -env A B \
             -configfd 3 -smpauto -smp enable -keep_window -extra -env X Y +z",
            "-P 4000 -- -smp auto x -emu_type opt -emu_flavor smp -foo -noshell -noinput -start_epmd false -- -configfd 3 \
             -smpauto -smp enable -extra -env X Y +z",
        ),
        (
            "-compile +P 5 -nohup -hidden -sname x -name y",
            "-B -P 5 -- -noshell -noinput -s c lc_batch -nohup -hidden -sname x -name y",
        ),
        (
            "-make +P 5 x",
            "-B -- -noshell -noinput -s make all_or_nothing -s erlang halt",
        ),
        ("-version x", "-V -- x"),
        (
            "-no_epmd -proto_dist inet6_tcp",
            "-- -no_epmd -proto_dist inet6_tcp",
        ),
        ("+B i zz", "-B i -- zz"),
        ("+B x", "-B -- x"),
        ("+c tru", "-c -- tru"),
        ("+c false zz", "-c false -- zz"),
        ("+JPperf true zz", "-JPperf true -- zz"),
        ("+MBas aobf zz", "-MBas aobf -- zz"),
        ("+MBasaobf zz", "-MBasaobf -- zz"),
        ("+sbtdb zz", "-sbtdb -- zz"),
        ("+sbt db zz", "-sbt db -- zz"),
        ("+zosrl 33 zz", "-zosrl 33 -- zz"),
        ("+h 33 zz", "-h 33 -- zz"),
        ("+R23 zz", "-R23 -- zz"),
        ("+ec +r +ssrct zz", "-ec -r -ssrct -- zz"),
        ("+P -x", "-P -x --"),
        ("+sbt -x", "-sbt -x --"),
    ] {
        assert_eq!(arguments(line), expected, "{line}");
    }
}

#[test]
fn wrong_flags_end_in_otps_words() {
    for (line, error) in [
        ("-env X", "Missing argument(s) for '-env'."),
        ("-sname", "Missing argument(s) for '-sname'."),
        (
            "-start_epmd x",
            "Expected boolean argument for '-start_epmd'.",
        ),
        (
            "-smp disable",
            "Argument '-smp disable' not supported. Use \"+S 1\" instead.",
        ),
        ("+S", "Missing argument(s) for '+S'."),
        ("+sbt", "Missing argument(s) for '+sbt'."),
        ("-no_epmd", "Missing -proto_dist option"),
        ("+zz", "bad -z option -zz"),
    ] {
        let stop = launched(line).unwrap_err();
        assert_eq!(stop.status, 1, "{line}");
        assert!(stop.error.contains(error), "{line}: {}", stop.error);
    }
}

#[test]
fn some_flags_are_answered() {
    let stop = launched("-version").unwrap_err();
    assert_eq!(stop.status, 0);
    assert!(
        stop.error.contains("emulator version 1\n"),
        "{}",
        stop.error
    );
    let stop = launched("-emu_qouted_cmd_exit +P 5 a").unwrap_err();
    let text = String::from_utf8(stop.output).unwrap();
    assert!(
        text.starts_with("\"starling\" \"-P\" \"5\" \"--\" \"-root\""),
        "{text}"
    );
    let launch = launched("-emu_args +P 2000 a").unwrap();
    assert!(
        launch
            .output
            .starts_with(b"Executing: starling -P 2000 -- -root")
    );
    assert_eq!(launch.options.process_limit, 2048);
}

#[test]
fn the_environment_is_as_otp_sets_it() {
    let launched = |path: &[(&str, &str)]| {
        let words = ["-env", "A", "1", "-env", "A", "2"].map(|word| word.to_string().into_bytes());
        launch(&words, &OTP, environment(path)).unwrap()
    };
    let value = |launch: &Launch, name: &str| {
        variable(&launch.environment, name).map(|value| String::from_utf8(value.to_vec()).unwrap())
    };
    let launch = launched(&[("PATH", "/bin"), ("PROGNAME", "x"), ("ERL_EPMD_PORT", "3")]);
    assert_eq!(
        value(&launch, "PATH").unwrap(),
        "/otp/erts-1/bin:/otp/bin:/bin"
    );
    assert_eq!(value(&launch, "ROOTDIR").unwrap(), "/otp");
    assert_eq!(value(&launch, "BINDIR").unwrap(), "/otp/erts-1/bin");
    assert_eq!(value(&launch, "EMU").unwrap(), "beam");
    assert_eq!(value(&launch, "PROGNAME").unwrap(), "erl");
    assert_eq!(value(&launch, "A").unwrap(), "2");
    let shown = launch.arguments.join(&b" "[..]);
    assert!(shown.ends_with(b"-progname erl -- -epmd_port 3 --"));
    // Started by a program that OTP started.
    let launch = launched(&[("PATH", "/otp/erts-1/bin:/x:/otp/erts-1/bin:/bin")]);
    assert_eq!(value(&launch, "PATH").unwrap(), "/otp/erts-1/bin:/x:/bin");
    let launch = launched(&[]);
    assert_eq!(value(&launch, "PATH").unwrap(), "/otp/erts-1/bin:/otp/bin:");
}

#[test]
fn variables_and_own_flags_set_options() {
    let words: Vec<Word> = vec![b"-nobeam".to_vec(), b"+gcstress".to_vec()];
    let variables = environment(&[("ERL_FULLSWEEP_AFTER", "7"), ("ERL_MAX_ETS_TABLES", "9000")]);
    let launch = launch(&words, &OTP, variables).unwrap();
    let options = &launch.options;
    assert!(options.no_beam && options.collect_always);
    assert_eq!((options.fullsweep_after, options.ets_tables), (7, 9000));
    assert_eq!(launch.arguments.last().unwrap(), b"-nobeam");
}

#[test]
fn only_where_there_are_programs_is_there_a_background() {
    let words = [b"-detached".to_vec(), b"-foo".to_vec()];
    let detached = launch(&words, &OTP, environment(&[])).unwrap();
    assert!(detached.detached);
    assert!(detached.arguments.ends_with(&[
        b"-noshell".to_vec(),
        b"-noinput".to_vec(),
        b"-foo".to_vec()
    ]));
    let domain = Installation {
        has_programs: false,
        ..OTP
    };
    let stop = launch(&words, &domain, environment(&[])).unwrap_err();
    assert!(stop.error.contains("-detached is not supported"));
}

#[test]
fn a_node_with_a_name_has_epmd_or_a_port() {
    let launch_at = |line: &str, has_programs| {
        let words: Vec<Word> = line
            .split(' ')
            .map(|word| word.as_bytes().to_vec())
            .collect();
        let installation = Installation {
            has_programs,
            ..OTP
        };
        launch(&words, &installation, environment(&[])).unwrap()
    };
    let epmd = |line: &str| launch_at(line, true).epmd;
    assert_eq!(epmd("-foo"), None);
    assert_eq!(epmd("-sname a"), Some(b"/otp/erts-1/bin/epmd".to_vec()));
    assert_eq!(epmd("-epmd /e -name a@b"), Some(b"/e".to_vec()));
    assert_eq!(epmd("-sname a -start_epmd false"), None);
    assert_eq!(epmd("-sname a -no_epmd -proto_dist x"), None);
    let port = |line: &str, has_programs| {
        let launch = launch_at(line, has_programs);
        assert!(has_programs || launch.epmd.is_none());
        let mut words = launch.arguments.iter();
        words.find(|word| *word == b"-erl_epmd_port")?;
        words.next().cloned()
    };
    assert_eq!(port("-sname a", true), None);
    assert_eq!(port("-foo", false), None);
    assert_eq!(port("-sname a", false), Some(NODE_PORT.as_bytes().to_vec()));
    assert_eq!(
        port("-sname a -erl_epmd_port 7", false),
        Some(b"7".to_vec())
    );
    assert_eq!(port("-sname a -epmd_module m", false), None);
}
