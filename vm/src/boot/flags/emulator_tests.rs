//! Expected errors are what OTP 25's `erl` prints.

use super::*;

fn parsed(line: &str) -> Result<Options, Stop> {
    let words: Vec<Word> = line
        .split_whitespace()
        .map(|word| word.as_bytes().to_vec())
        .collect();
    let mut options = Options::default();
    parse(&words, "1", &mut options).map(|_| options)
}

#[test]
fn what_has_a_meaning_is_kept() {
    let options = parsed(
        "-P 5000 -Q 1025 -t 9000 -e 10000 -hms 300 -hmax 100000 -hmaxk false -hmaxel false -hmaxib true -hmqd off_heap -fnlw -pc unicode \
         -Wi -zdbbl 44 -B i -d -i mine -gcstress -pausestress",
    )
    .unwrap();
    let expected = Options {
        collect_always: true,
        pause_always: true,
        process_limit: 8192,
        port_limit: 2048,
        atom_limit: 9000,
        ets_tables: 10_000,
        min_heap_size: 376,
        max_heap_size: crate::process::MaxHeapSize {
            words: 100_000,
            kill: false,
            error_logger: false,
            include_shared_binaries: true,
        },
        messages_off_heap: true,
        file_names: "lw".into(),
        printable_unicode: true,
        warnings: Warnings::Info,
        dist_buf_busy_limit: 45_056,
        break_key: BreakKey::Ignored,
        crash_dump: false,
        boot_module: b"mine".to_vec(),
        ..Options::default()
    };
    assert_eq!(options, expected);
    assert_eq!(parsed("-P 134217727").unwrap().process_limit, 134_217_727);
    assert_eq!(parsed("-P legacy -P 1024").unwrap().process_limit, 1024);
    assert_eq!(parsed("-B").unwrap().break_key, BreakKey::Ends);
    assert_eq!(parsed("-Bc").unwrap().break_key, BreakKey::Interrupts);
    let mode = crate::time::warp::Mode::MultiTimeWarp;
    assert_eq!(parsed("-C multi_time_warp").unwrap().time_warp, Some(mode));
    for (line, correction) in [
        ("-c", false),
        ("-c true", true),
        ("-cfalse", false),
        ("-c -B", false),
    ] {
        assert_eq!(parsed(line).unwrap().time_correction, correction);
    }
}

#[test]
fn what_has_none_is_accepted() {
    for line in [
        "-a 16",
        "-A 0",
        "-A1024",
        "-dcg 4",
        "-ec",
        "-hmbs 9",
        "-hpds 9",
        "-IOp 1",
        "-IOt 2",
        "-IOPp 50",
        "-IOPt 50",
        "-IOs true",
        "-JPperf map",
        "-JPcover line",
        "-JDdump false",
        "-JMsingle true",
        "-K true",
        "-L",
        "-n s",
        "-na",
        "-pad true",
        "-R 25",
        "-r",
        "-rx",
        "-rg 3",
        "-S 2:1",
        "-S 0:1",
        "-S :1",
        "-S 4",
        "-SP 50:50",
        "-SDcpu 1:1",
        "-SDPcpu 50:25",
        "-SDio 10",
        "-sbt db",
        "-sbtu",
        "-stbt ns",
        "-sbwt none",
        "-sbwtdcpu short",
        "-sbwtdio long",
        "-scl false",
        "-sct L0-3",
        "-secio x",
        "-sfwi 500",
        "-spp true",
        "-ssrct",
        "-sss 128",
        "-sssdcpu 40",
        "-sssdio 40",
        "-sub true",
        "-swct lazy",
        "-sws legacy",
        "-swt low",
        "-swtdcpu high",
        "-swtdio medium",
        "-T 9",
        "-T x",
        "-zdntgc infinity",
        "-zdntgc 60",
        "-zebwt none",
        "-zhft 5",
        "-zosrl 3",
        "-v",
        "-H",
        "-MBas aobf",
        "-MIscs 512",
        "-MMscs 10",
        "-Musac true",
        "-Mea min",
        "-MYm libc",
        "-Mulmbcs 32",
    ] {
        assert_eq!(parsed(line), Ok(Options::default()), "{line}");
    }
}

#[test]
fn wrong_values_are_refused_in_otps_words() {
    for (line, error) in [
        ("-zz", "bad -z option -zz"),
        ("-S x", "bad amount of schedulers x"),
        ("-S 5000", "bad amount of schedulers 5000"),
        ("-hms x", "bad heap size x"),
        ("-h x", "bad heap size x"),
        ("-P 1", "bad number of processes 1"),
        ("-P legacyx", "bad number of processes legacyx"),
        ("-Q 0", "bad number of ports 0"),
        ("-W x", "unrecognized warning_map option x"),
        ("-Mxx 1", "bad \"M\" parameter"),
        ("-Mu 3", "bad \"Mu\" parameter"),
        (
            "-fnz",
            "bad filename encoding z, can be (l,u or a, optionally followed by w, i or e)",
        ),
        (
            "-sbt zz",
            "setting scheduler bind type 'zz' failed: invalid type",
        ),
        ("-sxx", "bad scheduling option -sxx"),
        ("-A 1000000", "bad number of async threads 1000000"),
        ("-a 3", "bad stack size for async threads 3"),
        ("-e -1", "bad maximum number of ets tables -1"),
        ("-T 44", "bad modified timing level 44"),
        ("-t 1", "bad atom table size 1"),
        ("-zdbbl 0", "Invalid dbbl limit: 0"),
        ("-zdntgc x", "Invalid delayed node table gc: x"),
        ("-zosrl 0", "Invalid outstanding requests limit 0"),
        ("-JPperf x", "bad +JPperf support flag x"),
        ("-Jx", "invalid JIT option -Jx"),
        ("-IOt 0", "bad I/O poll threads number: 0"),
        ("-xx", "starling unknown flag -xx"),
        ("-l", "starling unknown flag -l"),
        ("-", "starling unknown flag -"),
        ("-nx", "bad -n option x"),
        ("-pc foo", "bad range of printable characters: foo"),
        ("-C x", "Invalid time warp mode: x"),
        ("-cx", "Invalid time correnction value: x"),
        ("-spp x", "bad port parallelism scheduling hint x"),
        ("-hmqd x", "Invalid message_queue_data flag: x"),
        ("-hmax -1", "bad max heap size -1"),
        (
            "-hmax 10",
            "max heap size (10) is not allowed to be smaller than min heap size (233)",
        ),
        ("-hmaxk x", "bad max heap kill x"),
        ("-P", "Missing argument(s) for '-P'."),
        ("-MBas", "Missing argument(s) for '-MBas'."),
    ] {
        let stop = parsed(line).unwrap_err();
        assert_eq!(stop.status, 1, "{line}");
        assert_eq!(stop.error.lines().next(), Some(error), "{line}");
    }
}

#[test]
fn numbers_are_read_as_c_reads_them() {
    for (text, number) in [
        ("12", 12),
        (" -7x", -7),
        ("+3", 3),
        ("x", 0),
        ("", 0),
        ("99999999999999999999", i64::MAX),
        ("-99999999999999999999", -i64::MAX),
    ] {
        assert_eq!(leading_number(text.as_bytes()), number, "{text}");
    }
}
