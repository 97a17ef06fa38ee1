//! Releases as `mix release` and `rebar3 release` make them: run on this Linux, baked, and refused when they cannot work.
//!
//! The releases are those of examples/web and examples/kv, built by Debian's tools without a network (`scripts/release-tools`).

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::time::Duration;

use starling_tests::{Run, STARLING, root, run, scratch, starling};

/// A directory with erl, rebar3 and mix.
static TOOLS: LazyLock<PathBuf> = LazyLock::new(|| built("scripts/release-tools", None));
static WEB: LazyLock<PathBuf> = LazyLock::new(|| built("examples/web/build", Some(scratch("web"))));
static KV: LazyLock<PathBuf> = LazyLock::new(|| built("examples/kv/build", Some(scratch("kv"))));

/// The last line that a script prints: a path.
fn built(script: &str, into: Option<PathBuf>) -> PathBuf {
    let run = run(Command::new(root().join(script)).args(into));
    run.expect_status(0);
    PathBuf::from(run.stdout.lines().last().unwrap_or_default())
}

fn copy(tree: &Path) -> PathBuf {
    let to = scratch("copy");
    run(Command::new("cp").arg("-r").arg(tree).arg(&to)).expect_status(0);
    to.join(tree.file_name().unwrap())
}

fn image(release: &Path, out: &Path, more: &[&str]) -> Run {
    let mut command = Command::new(STARLING);
    command
        .arg("image")
        .arg(release)
        .arg("-o")
        .arg(out)
        .args(more);
    run(&mut command)
}

/// A release that runs, until it is dropped.
struct Running {
    child: Child,
    lines: BufReader<std::process::ChildStdout>,
}

impl Running {
    fn start(release: &Path, options: &[&str], variables: &[(&str, &str)]) -> Running {
        let mut command = Command::new(STARLING);
        command.arg("run").arg(release).args(options);
        command.envs(variables.iter().copied());
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        Running { child, lines }
    }

    /// Reads until a line has `text`; returns what is behind it. The end of the output is a failure.
    fn wait_for(&mut self, text: &str) -> String {
        let mut all = String::new();
        loop {
            let mut line = String::new();
            let len = self.lines.read_line(&mut line).unwrap();
            assert_ne!(len, 0, "it ended without saying {text:?}:\n{all}");
            if let Some((_, behind)) = line.split_once(text) {
                return behind.trim().to_owned();
            }
            all += &line;
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn connect(port: &str) -> TcpStream {
    let stream = TcpStream::connect(format!("127.0.0.1:{port}")).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(60)))
        .unwrap();
    stream
}

/// Sends a request on a connection of its own; returns the whole answer.
fn ask(port: &str, request: &str) -> String {
    let mut stream = connect(port);
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn get(port: &str, path: &str) -> String {
    ask(
        port,
        &format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"),
    )
}

#[test]
fn a_release_of_rebar3_answers_http() {
    let release = copy(&WEB);
    // Any free port.
    let config = "[{web, [{port, 0}]}].\n";
    fs::write(release.join("releases/1.0.0/sys.config"), config).unwrap();
    let mut running = Running::start(&release, &["--env", "ERL_DIST_PORT=0"], &[]);
    let port = running.wait_for("web: listening on port ");
    let hello = get(&port, "/");
    assert!(hello.starts_with("HTTP/1.1 200 OK\r\n"), "{hello}");
    assert!(hello.ends_with("\r\n\r\nHello from Erlang\n"), "{hello}");
    let json = get(&port, "/json");
    assert!(json.contains(r#"{"n":10,"square":100}"#), "{json}");
    let info = get(&port, "/info");
    for part in [
        r#""node":"web@"#,
        r#""otp":"25""#,
        r#""cowboy""#,
        r#""sasl""#,
        r#""runtime_tools""#,
        r#""recon""#,
    ] {
        assert!(info.contains(part), "no {part}: {info}");
    }
    let body = "x".repeat(100_000);
    let echo = ask(
        &port,
        &format!(
            "POST /echo HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        ),
    );
    assert!(
        echo.starts_with("HTTP/1.1 200 OK\r\n") && echo.ends_with(&body),
        "{:.200}",
        echo
    );
    assert!(get(&port, "/echo").starts_with("HTTP/1.1 405 "));
    assert!(get(&port, "/nothing").starts_with("HTTP/1.1 404 "));
}

/// Lines over one connection to the release of examples/kv.
fn talk(port: &str, lines: &[(&str, &str)]) {
    let mut stream = connect(port);
    let mut answers = BufReader::new(stream.try_clone().unwrap());
    for (line, expected) in lines {
        stream.write_all(format!("{line}\n").as_bytes()).unwrap();
        let mut answer = String::new();
        answers.read_line(&mut answer).unwrap();
        assert_eq!(answer.trim_end(), *expected, "{line}");
    }
}

#[test]
fn a_release_of_mix_keeps_pairs() {
    let mut running = Running::start(&KV, &["--nameless"], &[("KV_PORT", "0")]);
    running.wait_for("kv: from runtime.exs, :nonode@nohost");
    let port = running.wait_for("kv: listening on port ");
    talk(
        &port,
        &[
            ("PUT a 1", "OK"),
            ("PUT b 2", "OK"),
            ("GET a", "VALUE 1"),
            ("GET c", "NONE"),
        ],
    );
    talk(
        &port,
        &[("KEYS", "KEYS a b"), ("nonsense", "ERROR"), ("STOP", "BYE")],
    );
    assert!(running.child.wait().unwrap().success());
}

#[test]
fn a_release_restarts_with_its_configuration() {
    let mut build = Command::new(root().join("examples/kv/build"));
    let built = run(build.arg(scratch("reboot")).env("KV_REBOOT", "1"));
    built.expect_status(0);
    let release = PathBuf::from(built.stdout.lines().last().unwrap());
    let config = fs::read_to_string(release.join("releases/1.0.0/sys.config")).unwrap();
    assert!(config.contains("RUNTIME_CONFIG=true"), "{config}");
    let run = run(Command::new(STARLING).arg("run").arg(&release).args([
        "--nameless",
        "--env",
        "KV_PORT=0",
        "--",
        "-eval",
        "init:stop(5)",
    ]));
    run.expect_status(5);
    assert_eq!(
        run.stdout.matches("kv: from runtime.exs").count(),
        1,
        "{run}"
    );
    // The tree is as it was but for the file that the script writes, too.
    let written: Vec<_> = fs::read_dir(release.join("tmp"))
        .unwrap()
        .flatten()
        .collect();
    assert_eq!(written.len(), 1, "{written:?}");
}

#[test]
fn the_command_line_is_the_scripts() {
    let script = run(Command::new(KV.join("bin/kv"))
        .arg("start")
        .env("PATH", format!("{}:/usr/bin:/bin", TOOLS.display()))
        .env("ELIXIR_CLI_DRY_RUN", "1")
        .env("NO_COLOR", "1")
        .env("RELEASE_DISTRIBUTION", "none"));
    script.expect_status(0);
    // `erl` says what it makes of the words; blanks separate them, and none has any inside.
    let words: Vec<&str> = script.stdout.split_whitespace().skip(1).collect();
    let erl = run(Command::new(TOOLS.join("erl"))
        .arg("-emu_args_exit")
        .args(words));
    let own = starling([
        "run".as_ref(),
        KV.as_os_str(),
        "--env".as_ref(),
        "RELEASE_DISTRIBUTION=none".as_ref(),
        "--".as_ref(),
        "-emu_args_exit".as_ref(),
    ]);
    own.expect_status(0);
    // Words of the command line are kept apart from the script's by a `--`, of which `init` makes nothing.
    let words = |text: &str| -> Vec<String> {
        let all = text.lines().skip_while(|line| *line != "-noshell");
        let all = all.filter(|line| *line != "--" && !line.is_empty());
        all.map(|line| line.replace("/releases/1.0.0/../..", ""))
            .collect()
    };
    assert_eq!(words(&erl.stdout), words(&own.stdout), "{erl}\n{own}");
}

#[test]
fn an_image_of_a_release_is_told_and_configured() {
    let directory = scratch("told");
    let out = directory.join("web.elf");
    let run = image(&WEB, &out, &["--libvirt", "--bridge", "xenbr1"]);
    run.expect_status(0).expect_error(&[
        "Release web 1.0.0 (rebar3) for OTP 25 (erts 13.1.5), to be at /opt/web:",
        "cowboy-2.8.0: ",
        "preloaded: 21 modules",
        "runtime_tools can start programs",
        "xl create",
        "virsh create",
    ]);
    assert!(!run.stderr.contains("native library"), "{run}");
    let kernel = out.to_str().unwrap();
    let xl = fs::read_to_string(directory.join("web.xl")).unwrap();
    for line in [
        "name = \"web\"",
        &format!("kernel = \"{kernel}\""),
        "vif = [ \"bridge=xenbr1\" ]",
        "on_crash = \"preserve\"",
    ] {
        assert!(xl.lines().any(|one| one == line), "no {line}:\n{xl}");
    }
    let xml = fs::read_to_string(directory.join("web.xml")).unwrap();
    assert!(xml.contains(&format!("<kernel>{kernel}</kernel>")), "{xml}");
    // Nothing of this machine is in it.
    let bytes = fs::read(&out).unwrap();
    let here = WEB.to_str().unwrap().as_bytes();
    assert!(!bytes.windows(here.len()).any(|window| window == here));
}

#[test]
fn equal_releases_give_equal_images() {
    let directory = scratch("equal");
    let first = directory.join("first.elf");
    image(&WEB, &first, &[]).expect_status(0);
    // Elsewhere, at another time, by links, and as if it had run before.
    let tree = copy(&WEB);
    let target = scratch("linked").join("lib");
    fs::rename(tree.join("lib"), &target).unwrap();
    fs::create_dir(tree.join("lib")).unwrap();
    for entry in fs::read_dir(&target).unwrap().flatten() {
        symlink(entry.path(), tree.join("lib").join(entry.file_name())).unwrap();
    }
    fs::create_dir_all(tree.join("log")).unwrap();
    symlink("..", tree.join("lib/web-1.0.0/ebin/around")).unwrap();
    fs::write(tree.join("log/erlang.log.1"), "started").unwrap();
    let second = directory.join("second.elf");
    let run = image(&tree, &second, &[]);
    run.expect_status(0);
    assert!(
        fs::read(&first).unwrap() == fs::read(&second).unwrap(),
        "{run}"
    );
    // The archive, twice: it has fewer files than the tree.
    let archive = WEB.join("web-1.0.0.tar.gz");
    let (third, fourth) = (directory.join("third.elf"), directory.join("fourth.elf"));
    image(&archive, &third, &[]).expect_status(0);
    image(&archive, &fourth, &[]).expect_status(0);
    assert!(fs::read(&third).unwrap() == fs::read(&fourth).unwrap());
}

#[test]
fn variables_are_replaced_and_env_sh_is_read() {
    let tree = copy(&WEB);
    let version = tree.join("releases/1.0.0");
    fs::rename(version.join("sys.config"), version.join("sys.config.src")).unwrap();
    fs::write(
        version.join("sys.config.src"),
        "%% ${X}\n[{web, [{port, ${PORT}}]}].\n",
    )
    .unwrap();
    let out = scratch("variables").join("x.elf");
    image(&tree, &out, &[]).expect_status(1).expect_error(&[
        "sys.config.src: line 2",
        "PORT",
        "--env PORT=VALUE",
    ]);
    assert!(!out.exists());
    image(&tree, &out, &["--env", "PORT=81"]).expect_status(0);
    image(&tree, &out, &["--env", "PORT"]).expect_status(2);

    let tree = copy(&KV);
    let script = "export RELEASE_DISTRIBUTION=name\nexport RELEASE_NODE=kv@$(hostname)\nexport RELEASE_MODE=odd\n";
    fs::write(tree.join("releases/1.0.0/env.sh"), script).unwrap();
    image(&tree, &out, &["--", "-detached"])
        .expect_status(2)
        .expect_error(&["would end the guest at once", "-detached"]);
    image(&tree, &out, &[]).expect_status(0).expect_error(&[
        "env.sh: line 2",
        "export RELEASE_NODE=kv@$(hostname)",
        "-start_epmd false",
    ]);
}

/// Fails with this, and leaves nothing behind.
#[track_caller]
fn refused(release: &Path, parts: &[&str], more: &[&str]) {
    let directory = scratch("refused");
    let run = image(release, &directory.join("x.elf"), more);
    run.expect_status(1).expect_error(parts);
    assert_eq!(fs::read_dir(&directory).unwrap().count(), 0, "{run}");
    assert_eq!(run.stderr.matches("starling: ").count(), 1, "{run}");
}

#[test]
fn what_is_no_release_is_refused() {
    refused(Path::new("/nowhere"), &["/nowhere", "mix release"], &[]);
    refused(
        Path::new("/etc/passwd"),
        &["/etc/passwd", "not a release"],
        &[],
    );
    refused(&scratch("empty"), &["no directory releases"], &[]);
    refused(
        &WEB.join("../../../.."),
        &["There is a release in", "rel/web"],
        &[],
    );
    refused(
        Path::new("/usr/lib/erlang"),
        &["an installation of OTP", "--app"],
        &[],
    );
    starling(["run", "/nowhere"])
        .expect_status(1)
        .expect_error(&["/nowhere"]);
    let archive = WEB.join("web-1.0.0.tar.gz");
    starling(["run".as_ref(), archive.as_os_str()])
        .expect_status(2)
        .expect_error(&["unpack"]);
}

#[test]
fn a_damaged_archive_is_refused() {
    let bytes = fs::read(WEB.join("web-1.0.0.tar.gz")).unwrap();
    let archive = scratch("archive").join("web.tar.gz");
    for damaged in [&bytes[..bytes.len() / 2], &bytes[..20], b"no archive"] {
        fs::write(&archive, damaged).unwrap();
        refused(&archive, &["web.tar.gz: cannot unpack", "damaged"], &[]);
    }
    let left = fs::read_dir(std::env::temp_dir()).unwrap().flatten();
    let left = left.filter(|entry| {
        let name = entry.file_name().to_string_lossy().into_owned();
        name.starts_with("starling-release-")
    });
    assert_eq!(left.count(), 0, "something was left behind");
}

#[test]
fn a_release_that_is_not_whole_is_refused() {
    let broken = |change: &dyn Fn(&Path)| {
        let tree = copy(&WEB);
        change(&tree);
        tree
    };
    let version = "releases/1.0.0";
    let tree = broken(&|tree| fs::remove_file(tree.join(version).join("start.boot")).unwrap());
    refused(&tree, &["start.boot", "read the boot script"], &[]);
    let tree =
        broken(&|tree| fs::write(tree.join(version).join("start.boot"), [131, 104]).unwrap());
    refused(&tree, &["start.boot: not a boot script"], &[]);
    let tree = broken(&|tree| fs::remove_dir_all(tree.join("lib/ranch-2.1.0")).unwrap());
    refused(&tree, &["names ranch-2.1.0", "not complete"], &[]);
    let tree =
        broken(&|tree| fs::remove_file(tree.join("lib/ranch-2.1.0/ebin/ranch_tcp.beam")).unwrap());
    refused(
        &tree,
        &["start.boot: it loads ranch_tcp", "lib/ranch-2.1.0/ebin"],
        &[],
    );
    let tree = broken(&|tree| {
        let beam = tree.join("lib/ranch-2.1.0/ebin/ranch_tcp.beam");
        let bytes = fs::read(&beam).unwrap();
        fs::write(&beam, &bytes[..bytes.len() / 2]).unwrap();
    });
    refused(&tree, &["cannot work", "ranch_tcp.beam"], &[]);
    let tree = broken(&|tree| fs::remove_dir_all(tree.join(version)).unwrap());
    refused(&tree, &[version], &[]);
}

#[test]
fn the_wrong_otp_is_refused() {
    let tree = copy(&WEB);
    fs::remove_dir_all(tree.join("erts-13.1.5")).unwrap();
    let otp27 = starling_tests::otp27();
    let otp27 = otp27.to_str().unwrap();
    refused(
        &tree,
        &["is for erts 13.1.5", "has erts 15", "--otp"],
        &["--otp", otp27],
    );
    refused(
        &tree,
        &["/nowhere", "not the root of an OTP"],
        &["--otp", "/nowhere"],
    );
    let rel = tree.join("releases/1.0.0/web.rel");
    let text = fs::read_to_string(&rel).unwrap().replace("13.1.5", "9.3");
    fs::write(&rel, text).unwrap();
    refused(&tree, &["for erts 9.3", "OTP 25 to 27"], &[]);
}

#[test]
fn a_native_library_that_nobody_has_is_refused() {
    let project = scratch("native");
    let config =
        "{relx, [{release, {native, \"1\"}, [jiffy]}, {mode, prod}, {include_erts, true}]}.\n";
    fs::write(project.join("rebar.config"), config).unwrap();
    let path = format!("{}:/usr/bin:/bin", TOOLS.display());
    let mut rebar3 = Command::new(TOOLS.join("rebar3"));
    run(rebar3
        .arg("release")
        .current_dir(&project)
        .env("PATH", path)
        .env("HOME", &project))
    .expect_status(0);
    let release = project.join("_build/default/rel/native");
    let parts = [
        "cannot work",
        "jiffy: jiffy loads a native library",
        "priv/jiffy.so",
        "--force",
    ];
    refused(&release, &parts, &[]);
    let out = scratch("forced").join("x.elf");
    image(&release, &out, &["--force"])
        .expect_status(0)
        .expect_error(&["jiffy", "the release cannot work"]);
    assert!(out.exists());
}

/// What a program prints on an OTP with all of its applications, and on the same OTP with this machine.
fn compare(module: &str, least: usize) {
    // Not of the name of an application, whose directory it would be taken for.
    let directory = scratch("compare");
    starling_tests::erlc(
        &directory,
        &[root().join(format!("tests/otp/{module}.erl"))],
    );
    let flags = [
        "-noshell",
        "-pa",
        directory.to_str().unwrap(),
        "-s",
        module,
        "main",
    ];
    let otp = run(Command::new(TOOLS.join("erl")).args(flags));
    otp.expect_status(0);
    let unpacked = TOOLS.join("../usr/lib/erlang");
    let own = run(Command::new(STARLING)
        .args(["erl", "--otp"])
        .arg(unpacked)
        .args(flags));
    own.expect_status(0);
    assert!(otp.stdout.lines().count() > least, "{}", otp.stdout);
    for (expected, line) in otp.stdout.lines().zip(own.stdout.lines()) {
        assert_eq!(expected, line);
    }
    assert_eq!(otp.stdout.len(), own.stdout.len());
}

#[test]
fn asn1_reads_and_writes_ber_as_otp_does() {
    compare("asn1_ber", 20_000);
}

#[test]
fn asn1_writes_per_as_otp_does() {
    compare("asn1_per", 10_000);
}

#[test]
fn a_release_in_a_domain_restarts_with_its_configuration() {
    let mut build = Command::new(root().join("examples/kv/build"));
    let built = run(build.arg(scratch("domain")).env("KV_REBOOT", "1"));
    built.expect_status(0);
    let release = PathBuf::from(built.stdout.lines().last().unwrap());
    let out = scratch("domain").join("kv.elf");
    let more = [
        "--nameless",
        "--env",
        "KV_PORT=none",
        "--",
        "-eval",
        "init:stop(5)",
    ];
    image(&release, &out, &more).expect_status(0);
    let run = run(Command::new(STARLING).args(["boot", "--dom0"]).arg(&out));
    run.expect_status(5);
    assert_eq!(
        run.stdout
            .matches("kv: from runtime.exs, :nonode@nohost")
            .count(),
        1,
        "{run}"
    );
}

#[test]
fn a_node_without_a_name_leaves_the_tree_as_it_is() {
    let vm_args = WEB.join("releases/1.0.0/vm.args");
    let before = fs::read(&vm_args).unwrap();
    let print = |more: &[&str]| {
        let mut command = Command::new(STARLING);
        run(command
            .arg("run")
            .arg(&*WEB)
            .args(more)
            .args(["--", "-emu_args_exit"]))
    };
    let named = print(&[]);
    named.expect_status(0);
    for words in [
        "-sname\nweb\n",
        "-start_epmd\nfalse\n-erl_epmd_port\n6789\n",
        "-mode\nembedded\n",
        "-noinput\n",
    ] {
        assert!(named.stdout.contains(words), "no {words:?}: {named}");
    }
    let nameless = print(&["--nameless"]);
    assert!(!nameless.stdout.contains("-sname"), "{nameless}");
    assert!(nameless.stdout.contains("-setcookie\nweb\n"), "{nameless}");
    assert_eq!(before, fs::read(&vm_args).unwrap());
}
