//! Little memory in a real domain: whoever eats it ends with a report, and the machine, the shell and the others go on. Needs QEMU and Xen.

use std::path::{Path, PathBuf};
use std::process::Command;

use starling_tests::eaters::expect_that_eaters_ended;
use starling_tests::pty::Session;
use starling_tests::{STARLING, erlc, root, scratch, starling};

fn compiled(directory: &Path) {
    erlc(directory, &[root().join("tests/otp/eaters.erl")]);
}

#[test]
fn whoever_eats_the_memory_of_a_small_domain_ends_and_the_others_go_on() {
    let directory = scratch("domain-eaters");
    compiled(&directory);
    let image = directory.join("eaters.elf");
    let run = "-noshell -s eaters main -s erlang halt".split(' ');
    let mut bake = vec!["image".into(), "-o".into(), image.clone()];
    bake.extend(["-pa".into(), directory.clone(), "--".into()]);
    bake.extend(run.map(PathBuf::from));
    starling(bake).expect_status(0);
    let image = image.to_str().unwrap();
    let run = starling(["boot", "--timeout", "280", "-m", "32", image]);
    expect_that_eaters_ended(&run, 31);
}

#[test]
fn the_shell_of_a_small_domain_outlives_an_eater() {
    let directory = scratch("domain-eaten-shell");
    compiled(&directory);
    let image = directory.join("shell.elf");
    let mut bake = vec!["image".into(), "-o".into(), image.clone()];
    bake.extend(["-pa".into(), directory]);
    starling(bake).expect_status(0);
    let mut command = Command::new(STARLING);
    command
        .args(["boot", "--timeout", "280", "-m", "32"])
        .arg(image);
    let mut session = Session::start(&mut command, 80);
    session.expect("1> ");
    session.line("X = 20, Shell = self().", "<0.");
    for way in ["list", "messages", "ets", "processes"] {
        session.line(&format!("spawn(eaters, loop, [{way}])."), "was killed: ");
        session.settle();
        session.line("X + 22.", "\n42\r");
    }
    // The same process still.
    session.line("Shell =:= self().", "\ntrue\r");
    session.line("halt(3).", "");
    assert_eq!(session.end(), 3);
}
