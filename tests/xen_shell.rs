//! The interactive shell on a domain's console, from the terminal of `starling boot` to xenconsoled's ring and back. Needs QEMU and Xen.

use std::path::{Path, PathBuf};
use std::process::Command;

use starling_tests::pty::Session;
use starling_tests::{STARLING, scratch, starling};

fn image(flags: &[&str]) -> PathBuf {
    let image = scratch("xen-shell").join("shell.elf");
    let path = image.to_str().unwrap();
    starling(["image", "-o", path].iter().chain(flags)).expect_status(0);
    image
}

fn boot(image: &Path, flags: &[&str]) -> Session {
    let mut command = Command::new(STARLING);
    command.args(["boot", "--timeout", "280"]).args(flags);
    let mut session = Session::start(command.arg(image), 80);
    session.expect("its console follows, Ctrl-] ends it");
    session.expect("Eshell V13.1.5  (abort with ^G)");
    session.expect("1> ");
    session
}

#[test]
fn a_user_s_session_in_a_domain() {
    let mut session = boot(&image(&["--app", "compiler"]), &[]);
    session.line("20 + 22.", "\n42\r");
    session.keys("lists:rev\t");
    session.expect("lists:reverse(");
    session.line("[1,2,3]).\x1b[D\x1b[D\x1b[D\x084", "[4,2,1]");
    session.line("io:format(\"~ts~n\", [\"åäö€漢\"]).", "\nåäö€漢\r");
    session.line(
        "file:write_file(\"hi.erl\", \"-module(hi).\\n-export([f/1]).\\nf(X) -> 6 / X.\\n\").",
        "\nok\r",
    );
    session.line("c(hi).", "{ok,hi}");
    session.line("hi:f(4).", "\n1.5\r");
    session.line("spawn(hi, f, [0]).", "=ERROR REPORT====");
    session.expect("{badarith,[{hi,f,1,[{file,\"hi.erl\"},{line,3}]}]}");
    session.line("os:getenv(\"TERM\").", "\"xterm\"");
    session.keys("\x03");
    session.expect("BREAK: (a)bort");
    session.expect("(d)istribution");
    session.line("v", "Erlang (Starling ");
    session.settle();
    session.keys("\x07");
    session.expect("User switch command");
    session.line("j", "1* {shell,start,[init]}");
    session.keys("c\r");
    session.settle();
    session.line("6 * 7.", "\n42\r");
    session.line("q().", "ok");
    assert_eq!(session.end(), 0);
}

#[test]
fn a_shell_fits_into_a_small_domain() {
    let mut session = boot(&image(&[]), &["-m", "20"]);
    session.line("6 * 7.", "\n42\r");
    session.line("halt(3).", "");
    assert_eq!(session.end(), 3);
}

#[test]
fn one_key_ends_the_machine() {
    let mut session = boot(&image(&[]), &["--dom0"]);
    session.line("6 * 7.", "\n42\r");
    session.keys("\x1d");
    assert_eq!(session.end(), 130);
}
