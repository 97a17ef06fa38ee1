//! An OTP on this machine's disk: where it is, what release it is, and its preloaded modules.
//!
//! It is found as the script `erl` is found and finds its own: `--otp DIR`, else the variable `ROOTDIR`, else the `erl` on `PATH`, through
//! symbolic links to the script and the `ROOTDIR` in it, else the two places where OTP is installed by default. Nothing of
//! it is run. Used by `starling erl`, and by `starling image` to know what to bake.

pub mod apps;
pub mod preloaded;
pub mod terms;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use crate::failure::{Failure, Result};

/// Where OTP's own build and Debian's packages install it.
const DEFAULT_ROOTS: [&str; 2] = ["/usr/lib/erlang", "/usr/local/lib/erlang"];
const HINT: &str =
    "Install OTP 25 to 27 (Debian: erlang-base), or name its root directory: --otp DIR";

/// An OTP installation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Otp {
    /// The directory with `lib` and `releases`; absolute.
    pub root: PathBuf,
    /// The root as programs see it.
    pub root_text: String,
    /// The release, such as `25`.
    pub release: String,
    /// The version of its `erts`, such as `13.1.5`.
    pub erts_version: String,
}

impl Otp {
    /// The OTP in `given`, or the one that `erl` would run.
    pub fn find(given: Option<&Path>) -> Result<Otp> {
        if let Some(given) = given {
            let roots = [given.to_path_buf(), given.join("lib/erlang")];
            let root = roots.into_iter().find(|root| is_root(root)).ok_or_else(|| {
                Failure::new(format!(
                    "{}: not the root of an OTP: there are no directories lib and releases (or erts-VERSION) in it",
                    given.display()
                ))
                .with_hint("The root is what code:root_dir() returns, such as /usr/lib/erlang.")
            })?;
            return Otp::at(&root);
        }
        let from_environment = env::var_os("ROOTDIR").map(PathBuf::from);
        let candidates = from_environment
            .into_iter()
            .chain(root_of_erl_on_path())
            .chain(DEFAULT_ROOTS.map(PathBuf::from));
        match candidates.into_iter().find(|root| is_root(root)) {
            Some(root) => Otp::at(&root),
            None => Err(Failure::new(
                "no OTP: there is no erl on PATH, and nothing in /usr/lib/erlang or /usr/local/lib/erlang",
            )
            .with_hint(HINT)),
        }
    }

    /// The OTP at `root`.
    fn at(root: &Path) -> Result<Otp> {
        let root = std::path::absolute(root).map_err(|error| Failure::io(root, "find", error))?;
        let root_text = root
            .to_str()
            .ok_or_else(|| Failure::new(format!("{}: not UTF-8", root.display())))?
            .to_owned();
        let (mut erts_version, mut release) = start_erl_data(&root);
        if erts_version.is_none() {
            erts_version = newest_erts(&root);
        }
        if release.is_none() {
            release = only_release(&root);
        }
        let unknown = |what: &str| {
            Failure::new(format!(
                "{root_text}: cannot tell the version of its {what}: releases/start_erl.data is missing, and so is what it names"
            ))
            .with_hint(HINT)
        };
        Ok(Otp {
            erts_version: erts_version.ok_or_else(|| unknown("erts"))?,
            release: release.ok_or_else(|| unknown("release"))?,
            root,
            root_text,
        })
    }

    /// Where OTP's own programs are, or would be.
    pub fn bindir(&self) -> String {
        format!("{}/erts-{}/bin", self.root_text, self.erts_version)
    }
}

fn is_root(path: &Path) -> bool {
    // An empty path would be the current directory, which nobody named.
    !path.as_os_str().is_empty() && path.join("lib").is_dir() && has_version(path)
}

/// A root has a directory `releases`, or at least `erts-VERSION`.
fn has_version(root: &Path) -> bool {
    root.join("releases").is_dir() || newest_erts(root).is_some()
}

/// The versions in `releases/start_erl.data`: `ERTS_VERSION RELEASE`.
fn start_erl_data(root: &Path) -> (Option<String>, Option<String>) {
    let text = fs::read_to_string(root.join("releases/start_erl.data")).unwrap_or_default();
    let mut words = text.split_whitespace().map(str::to_owned);
    (words.next(), words.next().map(|release| major(&release)))
}

/// `25` of `25.2.3`: a release has the whole version in its directory's name, if it is a user's own.
fn major(release: &str) -> String {
    release.split('.').next().unwrap_or(release).to_owned()
}

/// The highest VERSION of `erts-VERSION` in the root or in its `lib`.
fn newest_erts(root: &Path) -> Option<String> {
    let entries = [root.to_path_buf(), root.join("lib")];
    let entries = entries.iter().filter_map(|dir| fs::read_dir(dir).ok());
    entries
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            Some(name.strip_prefix("erts-")?.to_owned())
        })
        .max_by_key(|version| version_key(version))
}

/// The highest release in `releases` with a file `OTP_VERSION`.
fn only_release(root: &Path) -> Option<String> {
    fs::read_dir(root.join("releases"))
        .ok()?
        .flatten()
        .filter(|entry| entry.path().join("OTP_VERSION").is_file())
        .filter_map(|entry| entry.file_name().into_string().ok())
        .max_by_key(|release| version_key(release))
}

/// Orders versions by their numbers.
pub fn version_key(version: &str) -> Vec<u64> {
    version
        .split(['.', '-'])
        .map(|part| part.parse().unwrap_or(0))
        .collect()
}

/// The root of the `erl` that a shell would run.
fn root_of_erl_on_path() -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    let script = env::split_paths(&path)
        .map(|directory| directory.join("erl"))
        .find(|file| file.is_file())?;
    let script = fs::canonicalize(script).ok()?;
    let text = fs::read(&script).unwrap_or_default();
    root_in_script(&String::from_utf8_lossy(&text)).or_else(|| {
        // ROOT/bin/erl, or ROOT/erts-VERSION/bin/erl, which finds its root by where it is.
        let above = script.parent()?.parent()?;
        let name = above.file_name()?.to_string_lossy();
        let root = if name.starts_with("erts-") {
            above.parent()?
        } else {
            above
        };
        Some(root.to_path_buf())
    })
}

/// The last absolute path that the script `erl` sets `ROOTDIR` to.
fn root_in_script(script: &str) -> Option<PathBuf> {
    let values = script
        .lines()
        .filter_map(|line| line.trim().strip_prefix("ROOTDIR="));
    values
        .map(|value| value.trim_matches(['"', '\'']))
        .rfind(|value| value.starts_with('/'))
        .map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_says_where_its_root_is() {
        let script = "#!/bin/sh\nROOTDIR=/usr/lib/erlang\n  ROOTDIR=\"$dyn_rootdir\"\n";
        assert_eq!(
            root_in_script(script),
            Some(PathBuf::from("/usr/lib/erlang"))
        );
        assert_eq!(
            root_in_script("ROOTDIR=\"/opt/otp\""),
            Some(PathBuf::from("/opt/otp"))
        );
        assert_eq!(root_in_script("ROOTDIR=\"$X\"\nexit 1"), None);
    }

    #[test]
    fn versions_are_compared_by_number() {
        assert!(version_key("15.2.7") > version_key("9.3"));
        assert!(version_key("4.2") < version_key("4.2.1"));
        assert_eq!(major("25.2.3"), "25");
    }

    #[test]
    fn an_installation_is_known_by_its_files() {
        let root = env::temp_dir().join(format!("starling-otp-{}", std::process::id()));
        fs::create_dir_all(root.join("lib")).unwrap();
        let given = Some(root.as_path());
        assert!(Otp::find(given).is_err());
        fs::create_dir_all(root.join("erts-9.1/bin")).unwrap();
        fs::create_dir_all(root.join("erts-14.0/bin")).unwrap();
        assert!(
            Otp::find(given)
                .unwrap_err()
                .to_string()
                .contains("release")
        );
        fs::create_dir_all(root.join("releases/26")).unwrap();
        fs::write(root.join("releases/26/OTP_VERSION"), "26.0\n").unwrap();
        let otp = Otp::find(given).unwrap();
        assert_eq!(
            (otp.release.as_str(), otp.erts_version.as_str()),
            ("26", "14.0")
        );
        fs::write(root.join("releases/start_erl.data"), "13.1.5 25\n").unwrap();
        let otp = Otp::find(given).unwrap();
        assert_eq!(
            (otp.release.as_str(), otp.erts_version.as_str()),
            ("25", "13.1.5")
        );
        assert!(otp.bindir().ends_with("/erts-13.1.5/bin"));
        fs::remove_dir_all(root).unwrap();
    }
}
