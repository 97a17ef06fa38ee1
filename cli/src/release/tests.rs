//! Unit tests of what a tree is taken for. Real releases are built by tests/releases.rs.

use std::collections::BTreeMap;

use super::start::{Request, start};
use super::*;

fn tree(test: &str) -> PathBuf {
    let root = std::env::temp_dir().join(format!("starling-tree-{test}-{}", std::process::id()));
    let _ = fs::remove_dir_all(&root);
    fs::create_dir_all(root.join("releases/1.0")).unwrap();
    fs::write(root.join("releases/start_erl.data"), "13.1.5 1.0").unwrap();
    let rel = "%% c\n{release,{\"web\",\"1.0\"},{erts,\"13.1.5\"},\n [{kernel,\"8.5\"},{iex,\"1\",none},{a,\"2\",[]},{b,\"3\",load,[]}]}.\n";
    fs::write(root.join("releases/1.0/web.rel"), rel).unwrap();
    root
}

#[test]
fn a_tree_says_what_it_is() {
    let root = tree("is");
    let release = Release::open(&root).unwrap();
    assert_eq!(
        (release.name.as_str(), release.version.as_str()),
        ("web", "1.0")
    );
    assert_eq!(release.tool, Tool::Relx);
    assert_eq!(release.otp_release().unwrap(), "25");
    let members: Vec<_> = release
        .members
        .iter()
        .map(|one| (one.title(), one.kind))
        .collect();
    let expected = [
        ("kernel-8.5", Kind::Started),
        ("iex-1", Kind::Present),
        ("a-2", Kind::Started),
        ("b-3", Kind::Present),
    ];
    assert_eq!(
        members,
        expected.map(|(title, kind)| (title.to_owned(), kind))
    );
    fs::write(root.join("releases/COOKIE"), "c").unwrap();
    assert_eq!(Release::open(&root).unwrap().tool, Tool::Mix);
    fs::remove_dir_all(root).unwrap();
}

#[test]
fn what_is_wrong_with_a_tree_is_told() {
    let root = tree("wrong");
    let failed = || Release::open(&root).unwrap_err().to_string();
    let rel = root.join("releases/1.0/web.rel");
    for (text, told) in [
        (
            "{release,{\"web\",\"1.0\"},{erts,\"13\"},[kernel]}.",
            "an application is not",
        ),
        (
            "{release,{\"web\",\"2.0\"},{erts,\"13\"},[]}.",
            "it is of version 2.0",
        ),
        (
            "{release,{\"../web\",\"1.0\"},{erts,\"13\"},[]}.",
            "cannot be the name",
        ),
        ("{release,\n", "line 2"),
        ("[].", "not {release"),
    ] {
        fs::write(&rel, text).unwrap();
        assert!(failed().contains(told), "{text}: {}", failed());
        assert!(failed().contains("web.rel"), "{}", failed());
    }
    fs::remove_file(&rel).unwrap();
    assert!(failed().contains("no NAME.rel"), "{}", failed());
    fs::write(root.join("releases/start_erl.data"), "13.1.5 ../x").unwrap();
    assert!(failed().contains("expected the versions"), "{}", failed());
    fs::write(root.join("releases/start_erl.data"), "13.1.5 9").unwrap();
    assert!(failed().contains("releases/9"), "{}", failed());
    fs::remove_file(root.join("releases/start_erl.data")).unwrap();
    assert!(failed().contains("start_erl.data"), "{}", failed());
    fs::remove_dir_all(root.join("releases")).unwrap();
    fs::create_dir_all(root.join("_build/prod/rel/web/releases")).unwrap();
    assert!(failed().contains("_build/prod/rel/web"), "{}", failed());
    fs::remove_dir_all(&root).unwrap();
    assert!(failed().contains("cannot open"), "{}", failed());
}

fn words(release: &Release, variables: &[(&str, &str)], nameless: bool) -> Result<String> {
    let variables = variables.iter();
    let variables: BTreeMap<String, String> = variables
        .map(|(name, value)| (name.to_string(), value.to_string()))
        .collect();
    let request = Request {
        root: "/opt/web",
        system_lib: "/lib",
        variables: &variables,
        nameless,
        run: None,
    };
    Ok(start(release, &request)?.words.join(" "))
}

#[test]
fn relx_starts_in_the_foreground() {
    let root = tree("relx");
    let version = root.join("releases/1.0");
    fs::write(version.join("sys.config"), "[].").unwrap();
    fs::write(
        version.join("vm.args"),
        "# c\n-sname web\n-setcookie c +P 5000\n",
    )
    .unwrap();
    let release = Release::open(&root).unwrap();
    let words =
        |variables: &[(&str, &str)], nameless| words(&release, variables, nameless).unwrap();
    let begin = "-noinput +Bd -boot /opt/web/releases/1.0/start -mode embedded -boot_var SYSTEM_LIB_DIR /lib \
                 -config /opt/web/releases/1.0/sys.config";
    let file = "-args_file /opt/web/releases/1.0/vm.args";
    let epmd = "-start_epmd false -erl_epmd_port";
    assert_eq!(words(&[], false), format!("{begin} {file} {epmd} 6789 --"));
    let port = &[("ERL_DIST_PORT", "1")];
    assert_eq!(
        words(port, false),
        format!("{begin} {file} -erl_epmd_port 1 -start_epmd false --")
    );
    assert_eq!(
        words(&[], true),
        format!("{begin} -setcookie c +P 5000 -- --")
    );
    // A boot script of the release's name is preferred; who says something of epmd is left alone.
    fs::write(version.join("web.boot"), "").unwrap();
    fs::write(version.join("vm.args"), "-name web\n-start_epmd true\n").unwrap();
    assert_eq!(
        words(&[], false),
        format!("{} {file} --", begin.replace("1.0/start", "1.0/web"))
    );
    let mode = words(&[("CODE_LOADING_MODE", "interactive")], false);
    assert!(mode.contains("-mode interactive"), "{mode}");
    fs::remove_dir_all(root).unwrap();
}

#[test]
fn mix_starts_without_halting() {
    let root = tree("mix");
    let version = root.join("releases/1.0");
    fs::write(root.join("releases/COOKIE"), "secret").unwrap();
    fs::write(version.join("sys.config"), "%% RUNTIME_CONFIG=true\n[].").unwrap();
    fs::write(version.join("vm.args"), "").unwrap();
    fs::write(
        version.join("env.sh"),
        "export RELEASE_NODE=me\nELIXIR_ERL_OPTIONS='+P 5000'\n",
    )
    .unwrap();
    let release = Release::open(&root).unwrap();
    let words = |variables: &[(&str, &str)], nameless| words(&release, variables, nameless);
    let begin = "+P 5000 -noshell -s elixir start_cli -mode embedded -setcookie secret";
    let end = "-config /opt/web/tmp/web-1.0.runtime -boot /opt/web/releases/1.0/start -boot_var RELEASE_LIB /opt/web/lib \
               -args_file /opt/web/releases/1.0/vm.args";
    let extra = "-extra --no-halt";
    let epmd = "-start_epmd false -erl_epmd_port";
    assert_eq!(
        words(&[("ERL_DIST_PORT", "7")], false).unwrap(),
        format!("{begin} -sname me {end} {epmd} 7 {extra}")
    );
    let nameless = format!("{begin} {end} {extra}");
    assert_eq!(words(&[], true).unwrap(), nameless);
    assert_eq!(
        words(&[("RELEASE_DISTRIBUTION", "none")], false).unwrap(),
        nameless
    );
    // Since Elixir 1.15 the options come second.
    fs::write(
        version.join("elixir"),
        "set -- -noshell $ELIXIR_ERL_OPTIONS $ERL",
    )
    .unwrap();
    let newer = words(&[], true).unwrap();
    assert!(newer.starts_with("-noshell +P 5000 -s elixir"), "{newer}");
    let odd = words(&[("RELEASE_DISTRIBUTION", "odd")], false)
        .unwrap_err()
        .to_string();
    assert!(odd.contains("RELEASE_DISTRIBUTION is odd"), "{odd}");
    let far = words(&[("RELEASE_TMP", "/var/tmp")], true)
        .unwrap_err()
        .to_string();
    assert!(far.contains("/var/tmp"), "{far}");
    fs::remove_dir_all(root).unwrap();
}
