//! How a release starts: the command line and the environment that `bin/NAME start` of Mix, or `bin/NAME foreground` of relx, would make.
//!
//! Facts: those two scripts, and what `ELIXIR_CLI_DRY_RUN=1 bin/NAME start` prints. Nothing is written here: files that the script would write are returned
//! with their paths below the root. One thing is added that the scripts leave to the system: a node with a name is told to do without
//! `epmd`, which no domain has (see [`add_distribution`]).

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use starling_vm::boot::flags::Word;
use starling_vm::boot::flags::words::{Source, split};

use super::environment::{Environment, Unread};
use super::substitute::substitute;
use super::{Release, Tool};
use crate::failure::{Failure, Result};

/// The port at which a node without `epmd` listens for others, unless its flags name one; Mix' documentation uses it.
const DISTRIBUTION_PORT: &str = starling_vm::boot::flags::launch::NODE_PORT;
/// The variable by which relx' script chooses another; here it does so for Mix, too.
const PORT_VARIABLE: &str = "ERL_DIST_PORT";
/// Whoever has one of these has decided about `epmd`.
const DISTRIBUTION_FLAGS: [&str; 5] = [
    "-start_epmd",
    "-erl_epmd_port",
    "-epmd_module",
    "-no_epmd",
    "-proto_dist",
];

/// What a start depends on besides the release's tree.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The release's root as the machine sees it.
    pub root: &'a str,
    /// Where the machine finds OTP's applications that the release does not hold.
    pub system_lib: &'a str,
    /// Variables that are set before the script runs.
    pub variables: &'a BTreeMap<String, String>,
    /// Leave the node without a name.
    pub nameless: bool,
    /// Makes the name of the configuration that `runtime.exs` completes unique.
    pub run: Option<u32>,
}

/// A start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Start {
    /// Flags as `erl` takes them; those of `vm.args` are in the file that `-args_file` names.
    pub words: Vec<String>,
    /// What the script exports.
    pub exports: BTreeMap<String, String>,
    /// What the script writes: paths below the root, with the contents.
    pub files: BTreeMap<String, String>,
    /// The boot script, below the root.
    pub boot: String,
    /// Flags from variables of the environment, in the order of `erl`: `ERL_AFLAGS`, `ERL_FLAGS`, `ERL_ZFLAGS`.
    pub flags: [Option<String>; 3],
    /// Lines of `env.sh` that were not understood.
    pub unread: Vec<Unread>,
    /// The port that was added, with `-start_epmd false`.
    pub without_epmd: Option<String>,
}

/// Makes the start of `release`.
pub fn start(release: &Release, request: &Request) -> Result<Start> {
    let mut environment = Environment::default();
    environment.values.clone_from(request.variables);
    environment
        .exported
        .extend(request.variables.keys().cloned());
    let mut start = match release.tool {
        Tool::Mix => mix(release, request, &mut environment)?,
        Tool::Relx => relx(release, request, &mut environment)?,
    };
    let exports = environment.exports();
    start.exports = exports
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    start.flags = ["ERL_AFLAGS", "ERL_FLAGS", "ERL_ZFLAGS"].map(|name| {
        // They are for `erl`, which has read them when programs start.
        start
            .exports
            .remove(name)
            .filter(|flags| !flags.trim().is_empty())
    });
    Ok(start)
}

fn mix(release: &Release, request: &Request, environment: &mut Environment) -> Result<Start> {
    let mut start = Start::default();
    let Release { name, version, .. } = release;
    let root = request.root;
    let versioned = format!("{root}/releases/{version}");

    environment.set("RELEASE_ROOT", root);
    environment.set_default("RELEASE_NAME", name);
    environment.set_default("RELEASE_VSN", version);
    environment.set("RELEASE_COMMAND", "start");
    environment.set_default("RELEASE_PROG", name);
    if let Some(script) = optional(&release.directory().join("env.sh"))? {
        start.unread = environment.read(&script);
    }
    let cookie = release.root.join("releases/COOKIE");
    let cookie = match environment.get("RELEASE_COOKIE") {
        Some(cookie) => cookie.to_owned(),
        None => required(&cookie)?.trim_end_matches('\n').to_owned(),
    };
    environment.set("RELEASE_COOKIE", &cookie);
    let mode = environment.set_default("RELEASE_MODE", "embedded");
    let node = environment.get("RELEASE_NAME").unwrap_or(name).to_owned();
    let node = environment.set_default("RELEASE_NODE", &node);
    let tmp = environment.set_default("RELEASE_TMP", &format!("{root}/tmp"));
    let vm_args = environment.set_default("RELEASE_VM_ARGS", &format!("{versioned}/vm.args"));
    environment.set_default(
        "RELEASE_REMOTE_VM_ARGS",
        &format!("{versioned}/remote.vm.args"),
    );
    if request.nameless {
        environment.set("RELEASE_DISTRIBUTION", "none");
    }
    let distribution = environment.set_default("RELEASE_DISTRIBUTION", "sname");
    let boot = environment.set_default("RELEASE_BOOT_SCRIPT", "start");
    environment.set_default("RELEASE_BOOT_SCRIPT_CLEAN", "start_clean");

    let default_config = format!("{versioned}/sys");
    let mut config = environment
        .get("RELEASE_SYS_CONFIG")
        .unwrap_or(&default_config)
        .to_owned();
    let source = below(root, &format!("{config}.config"));
    let text = match &source {
        Some(path) => optional(&release.root.join(path))?,
        None => None,
    };
    if let Some(text) = text
        && text.contains("RUNTIME_CONFIG=true")
    {
        // The script adds the time and a random number, since it runs again on the same disk.
        let unique = request
            .run
            .map_or_else(String::new, |run| format!("-{run}"));
        config = format!("{tmp}/{name}-{version}{unique}.runtime");
        let path = below(root, &format!("{config}.config")).ok_or_else(|| {
            Failure::new(format!(
                "RELEASE_TMP is {tmp}, which is not below the release's root, {root}"
            ))
            .with_hint(
                "Leave it as it is: the configuration that runtime.exs completes is written there.",
            )
        })?;
        start.files.insert(path, text);
    }
    environment.set("RELEASE_SYS_CONFIG", &config);

    // Since Elixir 1.15 the options come behind -noshell.
    let script = optional(&release.directory().join("elixir"))?.unwrap_or_default();
    let options = environment.get("ELIXIR_ERL_OPTIONS").unwrap_or_default();
    let options = options.split_whitespace();
    if script.contains("-noshell $ELIXIR_ERL_OPTIONS") || script.contains("-noshell -elixir_root") {
        start.add(&["-noshell"]);
        start.words.extend(options.map(str::to_owned));
    } else {
        start.words.extend(options.map(str::to_owned));
        start.add(&["-noshell"]);
    }
    start.add(&[
        "-s",
        "elixir",
        "start_cli",
        "-mode",
        &mode,
        "-setcookie",
        &cookie,
    ]);
    match distribution.as_str() {
        "none" => {}
        "name" | "sname" => start.add(&[&format!("-{distribution}"), &node]),
        other => {
            return Err(Failure::new(format!(
                "RELEASE_DISTRIBUTION is {other}: expected sname, name or none"
            )));
        }
    }
    start.add(&["-config", &config, "-boot", &format!("{versioned}/{boot}")]);
    start.add(&["-boot_var", "RELEASE_LIB", &format!("{root}/lib")]);
    start.add(&["-args_file", &vm_args]);
    let port = environment.get(PORT_VARIABLE).unwrap_or(DISTRIBUTION_PORT);
    add_distribution(release, request, &mut start, (&vm_args, port))?;
    start.add(&["-extra", "--no-halt"]);
    start.boot = format!("releases/{version}/{boot}.boot");
    Ok(start)
}

fn relx(release: &Release, request: &Request, environment: &mut Environment) -> Result<Start> {
    let mut start = Start::default();
    let Release { name, version, .. } = release;
    let root = request.root;
    let program = format!("{root}/bin/{name}");

    environment.set("REL_NAME", name);
    environment.set("RELEASE_NAME", name);
    environment.set("RELEASE_VSN", version);
    environment.set("RELEASE_PROG", &program);
    environment.set_default("ESCRIPT_NAME", &program);
    let vm_args = replaced(
        release,
        request,
        environment,
        &mut start,
        ("vm.args", "VMARGS_PATH", '#'),
    )?;
    let config = replaced(
        release,
        request,
        environment,
        &mut start,
        ("sys.config", "RELX_CONFIG_PATH", '%'),
    )?;
    let own = release.directory().join(format!("{name}.boot"));
    let boot = if own.is_file() { name } else { "start" };
    let boot = format!("releases/{version}/{boot}");
    let mode = environment.get("CODE_LOADING_MODE").unwrap_or("embedded");

    start.add(&[
        "-noinput",
        "+Bd",
        "-boot",
        &format!("{root}/{boot}"),
        "-mode",
        mode,
    ]);
    start.add(&["-boot_var", "SYSTEM_LIB_DIR", request.system_lib]);
    if let Some(config) = config {
        start.add(&["-config", &config]);
    }
    if let Some(vm_args) = &vm_args {
        start.add(&["-args_file", vm_args]);
    }
    if let Some(port) = environment.get(PORT_VARIABLE) {
        start.add(&["-erl_epmd_port", port, "-start_epmd", "false"]);
    }
    if let Some(vm_args) = &vm_args {
        add_distribution(release, request, &mut start, (vm_args, DISTRIBUTION_PORT))?;
    }
    start.add(&["--"]);
    start.boot = format!("{boot}.boot");
    Ok(start)
}

/// The file `name` of a release by relx: where the machine finds it, its variables replaced if it has some.
fn replaced(
    release: &Release,
    request: &Request,
    environment: &Environment,
    start: &mut Start,
    (name, variable, comment): (&str, &str, char),
) -> Result<Option<String>> {
    let root = request.root;
    let path = match environment.get(variable) {
        Some(path) => path.to_owned(),
        None if release.root.join(name).is_file() => format!("{root}/{name}"),
        None => format!("{root}/releases/{}/{name}", release.version),
    };
    let Some(relative) = below(root, &path) else {
        return Ok(Some(path));
    };
    let source = release.root.join(format!("{relative}.src"));
    let original = release.root.join(format!("{relative}.orig"));
    let plain = release.root.join(&relative);
    let asked = environment.get("RELX_REPLACE_OS_VARS").is_some();
    let (from, replace) = match () {
        () if source.is_file() => (source, true),
        () if original.is_file() => (original, asked),
        () if plain.is_file() && asked => (plain, true),
        () => return Ok(plain.is_file().then_some(path)),
    };
    let mut text = required(&from)?;
    if replace {
        let done = substitute(&text, comment, &environment.values);
        if let Some((line, missing)) = done.missing.first() {
            return Err(Failure::new(format!(
                "{}: line {line}: the variable {missing} has no value",
                from.display()
            ))
            .with_hint(format!(
                "Give it one: --env {missing}=VALUE, or a default in the file: ${{{missing}:-VALUE}}"
            )));
        }
        text = done.text;
    }
    start.files.insert(relative, text);
    Ok(Some(path))
}

/// A node with a name and no decision about `epmd` gets flags for distribution without it: nothing starts `epmd` in a domain, and without
/// either `kernel` does not start. `nameless` takes the name away instead.
fn add_distribution(
    release: &Release,
    request: &Request,
    start: &mut Start,
    (vm_args, port): (&str, &str),
) -> Result<()> {
    let Some(path) = below(request.root, vm_args) else {
        return Ok(());
    };
    let text = match start.files.get(&path) {
        Some(text) => text.clone(),
        None => optional(&release.root.join(&path))?.unwrap_or_default(),
    };
    let flags = split(text.as_bytes(), true);
    let has = |flag: &str| {
        start.words.iter().any(|word| word == flag)
            || flags.iter().any(|word| word == flag.as_bytes())
    };
    let named = has("-sname") || has("-name");
    if named && request.nameless {
        start.replace_file(vm_args, &without_name(&flags));
    } else if named && !DISTRIBUTION_FLAGS.iter().any(|flag| has(flag)) {
        start.add(&["-start_epmd", "false", "-erl_epmd_port", port]);
        start.without_epmd = Some(port.to_owned());
    }
    Ok(())
}

/// The words of `vm.args` without the node's name.
fn without_name(flags: &[Word]) -> Vec<String> {
    let mut left = Vec::new();
    let mut rest = flags.iter();
    while let Some(flag) = rest.next() {
        match &flag[..] {
            b"-name" | b"-sname" => drop(rest.next()),
            flag => left.push(String::from_utf8_lossy(flag).into_owned()),
        }
    }
    left
}

impl Start {
    /// Puts `words` in the place of the file of arguments that has them; the file itself stays as it is.
    fn replace_file(&mut self, file: &str, words: &[String]) {
        let pairs = self.words.windows(2);
        let found = pairs
            .into_iter()
            .position(|pair| pair == ["-args_file", file]);
        if let Some(at) = found {
            self.words.splice(at..at + 2, words.iter().cloned());
        }
    }

    fn add(&mut self, words: &[&str]) {
        self.words.extend(words.iter().map(|&word| word.to_owned()));
    }

    /// The whole command line: `-env` for each exported variable, the script's words, and more `flags` behind them.
    pub fn command_line(&self, flags: &[String]) -> CommandLine {
        let mut words: Vec<Word> = Vec::new();
        for (name, value) in &self.exports {
            words.extend(["-env", name, value].map(|word| word.as_bytes().to_vec()));
        }
        words.extend(self.words.iter().map(|word| word.clone().into_bytes()));
        CommandLine {
            words,
            flags: flags.iter().map(|flag| flag.clone().into_bytes()).collect(),
            variables: self
                .flags
                .clone()
                .map(|flags| flags.map(String::into_bytes)),
        }
    }
}

/// All words that a start has, by where they come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandLine {
    words: Vec<Word>,
    flags: Vec<Word>,
    variables: [Option<Word>; 3],
}

impl CommandLine {
    /// In the order in which `erl` takes them.
    pub fn sources(&self) -> Vec<Source<'_>> {
        let [before, between, behind] = &self.variables;
        let mut sources = Vec::new();
        sources.extend(before.as_deref().map(Source::Text));
        sources.push(Source::Words(&self.words));
        if !self.flags.is_empty() {
            sources.push(Source::Words(&self.flags));
        }
        sources.extend(between.as_deref().map(Source::Text));
        sources.extend(behind.as_deref().map(Source::Text));
        sources
    }
}

/// The part of `path` behind `root`.
pub fn below(root: &str, path: &str) -> Option<String> {
    let path = path.strip_prefix(root)?.strip_prefix('/')?;
    Some(path.to_owned())
}

fn required(path: &Path) -> Result<String> {
    fs::read_to_string(path).map_err(|error| {
        Failure::io(path, "read", error).with_hint("The release is not complete: build it again.")
    })
}

/// A file that need not be there.
fn optional(path: &Path) -> Result<Option<String>> {
    match path.is_file() {
        true => required(path).map(Some),
        false => Ok(None),
    }
}
