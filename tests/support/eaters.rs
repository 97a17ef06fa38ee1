//! What `tests/otp/eaters.erl` says when processes eat all memory, and what it must say: on this Linux with few addresses, and in
//! a small domain.

use crate::Run;

/// Each way to eat memory ended the process that took it, with a report of the logger, while old processes answered and those of OTP's
/// own were never started again.
#[track_caller]
pub fn expect_that_eaters_ended(run: &Run, ways: usize) {
    let mut lines = run
        .stdout
        .lines()
        .filter_map(|line| line.trim_end().strip_prefix("## "));
    for _ in 0..ways {
        let line = lines.next().unwrap_or("nothing");
        assert!(line.ends_with(" killed true true"), "{line}\n{run}");
    }
    // What was loaded after all this, in the machine that all this happened to.
    assert_eq!(lines.next(), Some("code loaded true true"), "{run}");
    assert_eq!(lines.next(), Some("done"), "{run}");
    let reports = run.stdout.matches("=ERROR REPORT====").count();
    assert!(reports >= ways, "{reports}\n{run}");
    run.expect_status(0);
}
