//! Unit tests of what a tree is taken for. Real releases are built by tests/releases.rs.

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
