//! Releases: the trees that `mix release` and `rebar3 release` make, and what they ask of the machine.
//!
//! A release is a directory with `lib`, `releases/start_erl.data` and, for the version named there, `releases/VERSION` with `NAME.rel`, a boot
//! script, `sys.config` and `vm.args`. Facts: `systools(3)`, `rel(4)`, the scripts `bin/NAME` that both tools write. Nothing of a release is run.
//!
//! [`Release::open`] finds out what a tree holds; [`boot_script`] reads what is loaded at boot and from where; [`start`] makes the command
//! line that `bin/NAME start` would run; [`needs`] finds what the machine lacks. Used by `starling image` and `starling run`.

pub mod archive;
pub mod boot_script;
pub mod environment;
pub mod etf;
pub mod needs;
pub mod preloaded;
pub mod run;
pub mod start;
pub mod substitute;

use std::fs;
use std::path::{Path, PathBuf};

use crate::failure::{Failure, Result};
use crate::otp::Otp;
use crate::otp::terms::{self, Text};

const HINT: &str = "A release is what `mix release` leaves in _build/prod/rel/NAME, and `rebar3 as prod release` likewise.";

/// Who made a release, and so what its start script does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tool {
    /// `mix release`.
    Mix,
    /// `rebar3 release`: relx.
    Relx,
}

/// How an application of a release is started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// At boot; when it ends, so does everything (`permanent`), or only if it fails (`transient`), or not (`temporary`).
    Started,
    /// Its modules are loaded (`load`), or not even that (`none`).
    Present,
}

/// An application that a release names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// How it is started.
    pub kind: Kind,
}

impl Member {
    /// `NAME-VERSION`, its directory in `lib`.
    pub fn title(&self) -> String {
        format!("{}-{}", self.name, self.version)
    }
}

/// A release's tree.
#[derive(Clone, Debug)]
pub struct Release {
    /// Its root; absolute, links resolved.
    pub root: PathBuf,
    /// Its name.
    pub name: String,
    /// The version that starts.
    pub version: String,
    /// Who made it.
    pub tool: Tool,
    /// The version of `erts` that it is for.
    pub erts_version: String,
    /// Its applications, in the order in which they are started.
    pub members: Vec<Member>,
}

impl Release {
    /// The release whose root is `given`.
    pub fn open(given: &Path) -> Result<Release> {
        let root = fs::canonicalize(given)
            .map_err(|error| Failure::io(given, "open this release", error).with_hint(HINT))?;
        if !root.is_dir() {
            return Err(
                not_one(given, "it is neither a directory nor a .tar.gz of one").with_hint(HINT),
            );
        }
        let releases = root.join("releases");
        if !releases.is_dir() {
            return Err(
                not_one(given, "there is no directory releases in it").with_hint(nearby(&root))
            );
        }
        if is_otp(&root) {
            return Err(not_one(given, "it is an installation of OTP").with_hint(
                "Name an application of it: starling image --app NAME; or a release's tree.",
            ));
        }
        let (erts_version, version) = start_erl_data(&releases)?;
        let directory = releases.join(&version);
        let rel = rel_file(&directory)?;
        let mut release = Release {
            name: String::new(),
            tool: tool(&releases, &directory),
            version,
            erts_version,
            members: Vec::new(),
            root,
        };
        release.read_rel(&rel)?;
        Ok(release)
    }

    /// `releases/VERSION`.
    pub fn directory(&self) -> PathBuf {
        self.root.join("releases").join(&self.version)
    }

    /// OTP's release number: each is four months of `erts`' major version older than the next, so they differ by 12.
    pub fn otp_release(&self) -> Result<String> {
        let major = self.erts_version.split('.').next().unwrap_or_default();
        match major.parse::<u32>() {
            Ok(major @ 13..=16) => Ok((major + 12).to_string()),
            _ => Err(Failure::new(format!(
                "{}: the release is for erts {}, and this machine runs OTP 25 to 27 (erts 13 to 15)",
                self.root.display(),
                self.erts_version
            ))
            .with_hint("Build the release with OTP 25, 26 or 27.")),
        }
    }

    /// Takes name and applications from `NAME.rel`.
    fn read_rel(&mut self, path: &Path) -> Result<()> {
        let bytes = fs::read(path).map_err(|error| Failure::io(path, "read", error))?;
        let wrong = |what: &str| {
            Failure::new(format!("{}: {what}", path.display()))
                .with_hint("The release is damaged or was never finished: build it again.")
        };
        let term = terms::parse(&String::from_utf8_lossy(&bytes))
            .map_err(|error| wrong(&error.to_string()))?;
        let expected = "not {release, {Name, Version}, {erts, Version}, Applications}";
        let Some([Text::Atom(tag), name, erts, Text::List(applications)]) = term.as_tuple() else {
            return Err(wrong(expected));
        };
        let (Some([Text::String(name), Text::String(version)]), Some([_, Text::String(erts)])) =
            (name.as_tuple(), erts.as_tuple())
        else {
            return Err(wrong(expected));
        };
        if tag != "release" {
            return Err(wrong(expected));
        }
        if *version != self.version {
            return Err(wrong(&format!(
                "it is of version {version}, but releases/start_erl.data says {}",
                self.version
            )));
        }
        if !is_file_name(name) {
            return Err(wrong(&format!("{name:?} cannot be the name of a release")));
        }
        self.name = name.clone();
        self.erts_version = erts.clone();
        for application in applications {
            let member = member(application)
                .ok_or_else(|| wrong("an application is not {Name, Version, ...}"))?;
            self.members.push(member);
        }
        Ok(())
    }
}

/// The installed OTP that `release` needs because it has no emulator of its own, or that `given` names.
pub fn installed_otp(release: &Release, given: Option<&Path>) -> Result<Option<Otp>> {
    if given.is_none() && preloaded::emulator(release).is_file() {
        return Ok(None);
    }
    let shown = release.root.display();
    let wanted = &release.erts_version;
    let otp = Otp::find(given).map_err(|failure| match given {
        Some(_) => failure,
        None => Failure::new(format!(
            "{shown}: the release has no emulator of its own (erts-{wanted}/bin/beam.smp), and there is no OTP installed"
        ))
        .with_hint("Build the release with include_erts, or name an OTP of that version: --otp DIR"),
    })?;
    if otp.erts_version != *wanted {
        return Err(Failure::new(format!(
            "{shown}: the release is for erts {wanted}, and the OTP in {} has erts {}",
            otp.root_text, otp.erts_version
        ))
        .with_hint(
            "Build the release with that OTP, or with include_erts, so that it brings its own; or name another one: --otp DIR",
        ));
    }
    Ok(Some(otp))
}

/// A path as text: the machine's flags and environment are text.
pub fn text(path: &Path) -> Result<String> {
    let text = path.to_str().map(str::to_owned);
    text.ok_or_else(|| Failure::new(format!("{}: not UTF-8", path.display())))
}

/// What to say of lines of `env.sh` that were not understood.
pub fn unread_line(release: &Release, unread: &environment::Unread) -> String {
    let path = format!("releases/{}/env.sh", release.version);
    let lines = match unread.lines {
        1 => format!("line {}", unread.line),
        lines => format!("lines {} to {}", unread.line, unread.line + lines - 1),
    };
    format!(
        "warning: {path}: {lines}: no shell runs it: {} (set what it would with --env NAME=VALUE)",
        unread.text
    )
}

/// `{Name, Version}`, `{Name, Version, Kind}`, `{Name, Version, Included}` or `{Name, Version, Kind, Included}`.
fn member(term: &Text) -> Option<Member> {
    let [Text::Atom(name), Text::String(version), rest @ ..] = term.as_tuple()? else {
        return None;
    };
    let kind = match rest.first() {
        Some(Text::Atom(kind)) if kind == "load" || kind == "none" => Kind::Present,
        _ => Kind::Started,
    };
    (is_file_name(name) && is_file_name(version)).then(|| Member {
        name: name.clone(),
        version: version.clone(),
        kind,
    })
}

/// Names become parts of paths.
fn is_file_name(name: &str) -> bool {
    !name.is_empty() && name != "." && name != ".." && !name.contains(['/', '\0'])
}

fn not_one(path: &Path, why: &str) -> Failure {
    Failure::new(format!("{}: not a release: {why}", path.display()))
}

/// An OTP has a file of its own in `releases/NUMBER`.
fn is_otp(root: &Path) -> bool {
    let entries = fs::read_dir(root.join("releases")).into_iter().flatten();
    let versions = entries.flatten().map(|entry| entry.path());
    versions
        .into_iter()
        .any(|path| path.join("OTP_VERSION").is_file())
}

/// `releases/start_erl.data`: `ERTS_VERSION VERSION`.
fn start_erl_data(releases: &Path) -> Result<(String, String)> {
    let path = releases.join("start_erl.data");
    let text = fs::read_to_string(&path).map_err(|error| {
        Failure::io(&path, "read", error).with_hint(
            "It says which version of the release starts, and both tools write it: build the release again.",
        )
    })?;
    let words: Vec<&str> = text.split_whitespace().collect();
    match words[..] {
        [erts, version] if is_file_name(erts) && is_file_name(version) => {
            Ok((erts.to_owned(), version.to_owned()))
        }
        _ => Err(Failure::new(format!(
            "{}: expected the versions of erts and of the release, found {:?}",
            path.display(),
            text.trim()
        ))),
    }
}

/// The file `NAME.rel` of a version.
fn rel_file(directory: &Path) -> Result<PathBuf> {
    let entries = fs::read_dir(directory).map_err(|error| {
        Failure::io(directory, "read", error).with_hint(
            "releases/start_erl.data names this version: unpack it, or build the release again.",
        )
    })?;
    let mut found: Vec<PathBuf> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "rel"))
        // OTP's own start_clean.rel and no_dot_erlang.rel may lie beside it.
        .filter(|path| !path.ends_with("start_clean.rel") && !path.ends_with("no_dot_erlang.rel"))
        .collect();
    found.sort();
    match &found[..] {
        [one] => Ok(one.clone()),
        [] => Err(Failure::new(format!(
            "{}: there is no NAME.rel, which says what the release holds",
            directory.display()
        ))
        .with_hint("Build the release again.")),
        several => Err(Failure::new(format!(
            "{}: there are {} .rel files, and a release has one",
            directory.display(),
            several.len()
        ))),
    }
}

/// Mix writes a file `COOKIE` and shell scripts beside the boot script, relx none of them.
fn tool(releases: &Path, directory: &Path) -> Tool {
    let mix = releases.join("COOKIE").is_file() || directory.join("elixir").is_file();
    if mix { Tool::Mix } else { Tool::Relx }
}

/// What may have been meant: releases below a project's directory.
fn nearby(root: &Path) -> String {
    let mut found = Vec::new();
    for profile in fs::read_dir(root.join("_build"))
        .into_iter()
        .flatten()
        .flatten()
    {
        for release in fs::read_dir(profile.path().join("rel"))
            .into_iter()
            .flatten()
            .flatten()
        {
            if release.path().join("releases").is_dir() {
                found.push(release.path().display().to_string());
            }
        }
    }
    found.sort();
    match &found[..] {
        [] => HINT.to_owned(),
        found => format!("There is a release in {}", found.join(", ")),
    }
}

#[cfg(test)]
mod tests;
