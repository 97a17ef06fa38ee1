//! `crypto` of OTP 27 on its native library here: that it loads under OTP's own boot, and computes what OTP's library does.

use std::fs;
use std::process::Command;

use starling_tests::{STARLING, erlc, otp27, root, run, scratch};

/// `tests/otp/crypto_library.txt` was printed by the same program on OTP 25.2 with OpenSSL 3.
#[test]
fn crypto_computes_what_openssl_does() {
    let directory = scratch("crypto");
    let sources = root().join("tests/otp");
    erlc(&directory, &[sources.join("crypto_library.erl")]);
    let wanted = fs::read_to_string(sources.join("crypto_library.txt")).expect("the wanted output");
    let printed = run(Command::new(STARLING)
        .args(["erl", "--otp"])
        .arg(otp27())
        .args(["-noshell", "-pa"])
        .arg(&directory)
        .args(["-s", "crypto_library", "main", "-s", "erlang", "halt"]));
    printed.expect_status(0);
    assert!(wanted.lines().count() > 150, "{wanted}");
    assert_eq!(printed.stdout, wanted);
}
