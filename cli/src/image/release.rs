//! An image of a release: its tree at `/opt/NAME`, and the command line that its start script would run.
//!
//! Paths in the tree are kept and links followed. What cannot run in a domain stays behind: `erts-VERSION`, scripts and programs, shared
//! libraries; and so does what nothing asks for: sources, other versions, logs. What the release asks of the machine that the machine lacks is told, and an image that
//! could not boot is not made, unless it is asked for (`--force`).

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use starling_vm::boot::flags::launch::Installation;

use super::collect::{Collected, files_in, has_extension, is_data, report, text};
use super::convert::convert_each;
use super::domain_files::{self, Domain};
use super::otp::checked;
use super::{Members, terminated, write, write_whole};
use crate::failure::{Failure, Result};
use crate::ling_cache::LingCache;
use crate::otp::Otp;
use crate::release::archive::Tree;
use crate::release::boot_script::BootScript;
use crate::release::needs::{self, Module, Needs, look_at};
use crate::release::preloaded::ReleasePreloaded;
use crate::release::run::variable;
use crate::release::start::{Request, Start, below, start};
use crate::release::{Kind, Release, Tool, installed_otp, unread_line};

/// What `starling image` takes for a release alone.
#[derive(clap::Args, Debug)]
pub struct ReleaseOptions {
    /// Set a variable that the release's start script would find in its environment; may be given more than once
    #[arg(long = "env", value_name = "NAME=VALUE", value_parser = variable, requires = "release")]
    variables: Vec<(String, String)>,

    /// Leave the node without a name, whatever the release says
    #[arg(long, requires = "release")]
    nameless: bool,

    /// Make the image even if the release cannot work
    #[arg(long, requires = "release")]
    force: bool,

    /// Write a domain's XML for libvirt, too
    #[arg(long, requires = "release")]
    libvirt: bool,

    /// The bridge of the domain's network interface; otherwise the toolstack's own
    #[arg(long, value_name = "NAME", requires = "release")]
    bridge: Option<String>,
}

/// Bakes the release at `path`.
pub fn run(options: &super::Options, path: &Path) -> Result<u8> {
    let tree = Tree::open(path)?;
    let release = Release::open(&tree.root).map_err(|failure| shown(failure, &tree.root, path))?;
    let baked = Baker::new(options, &release)
        .and_then(Baker::members)
        .map_err(|failure| shown(failure, &release.root, path))?;
    let xl = beside(&options.output, "xl")?;
    let xml = beside(&options.output, "xml")?;
    let image = write(options, &baked)?;
    let output = std::path::absolute(&options.output)
        .map_err(|error| Failure::io(&options.output, "find", error))?;
    let domain = Domain {
        name: domain_files::domain_name(&output),
        kernel: text(&output)?,
        memory_mib: domain_files::memory_mib(image),
        bridge: options.of_release.bridge.clone(),
    };
    write_whole(&xl, domain_files::xl(&domain).as_bytes())?;
    if options.of_release.libvirt {
        write_whole(&xml, domain_files::libvirt(&domain).as_bytes())?;
        eprintln!("For libvirt: virsh create {}", xml.display());
    }
    eprintln!("In dom0: xl create {}", xl.display());
    eprintln!(
        "Boot it here with: starling boot {}",
        options.output.display()
    );
    Ok(0)
}

/// A failure about an archive names the archive, not the directory where it was unpacked.
fn shown(failure: Failure, root: &Path, given: &Path) -> Failure {
    match given.is_dir() {
        true => failure,
        false => failure.replacing(&root.display().to_string(), &given.display().to_string()),
    }
}

/// The file beside `output` that has this extension.
fn beside(output: &Path, extension: &str) -> Result<PathBuf> {
    let path = output.with_extension(extension);
    match path == output {
        false => Ok(path),
        true => Err(Failure::usage(format!(
            "image: -o {}: the configuration of the domain is written to this name",
            output.display()
        ))),
    }
}

/// Where a baked release is in the guest, without the leading slash.
fn guest_root(release: &Release) -> String {
    format!("opt/{}", release.name)
}

/// All that goes into the making of one image.
struct Baker<'a> {
    options: &'a super::Options,
    release: &'a Release,
    otp_release: String,
    otp: Option<Otp>,
    start: Start,
    /// In the archive.
    root: String,
    collected: Collected,
}

impl<'a> Baker<'a> {
    fn new(options: &'a super::Options, release: &'a Release) -> Result<Baker<'a>> {
        let root = guest_root(release);
        let own = &options.of_release;
        let variables: BTreeMap<String, String> = own.variables.iter().cloned().collect();
        let request = Request {
            root: &format!("/{root}"),
            system_lib: &format!("/{root}/lib"),
            variables: &variables,
            nameless: own.nameless,
            run: None,
        };
        Ok(Baker {
            options,
            release,
            otp_release: release.otp_release()?,
            otp: installed_otp(release, options.otp.as_deref())?,
            start: start(release, &request)?,
            root,
            collected: Collected::default(),
        })
    }

    /// The members of the archive.
    fn members(mut self) -> Result<Members> {
        self.take_tree()?;
        self.take_members()?;
        let preloaded = ReleasePreloaded::find(self.release, self.otp.as_ref())?;
        for (name, source, contents) in preloaded.modules() {
            self.collected.add_preloaded(name, source, contents);
        }
        for (path, contents) in &self.start.files {
            let target = format!("{}/{path}", self.root);
            self.collected
                .add_bytes(target, contents.clone().into_bytes());
        }
        for file in &self.options.files {
            self.collected.take_file(file)?;
        }
        let script = BootScript::read(&self.release.root.join(&self.start.boot))?;
        let at_boot = self.modules_at_boot(&script)?;
        let words = self.words()?;
        let needs = needs::needs(&self.modules()?, &at_boot);

        let jobs = std::mem::take(&mut self.collected.jobs).into_values();
        let mut done = Vec::new();
        let mut refused = Vec::new();
        for (job, result) in convert_each(jobs.collect(), &LingCache::open()) {
            match result {
                Ok(one) => done.push(one),
                Err(failure) => refused.push((job, failure)),
            }
        }
        self.say_what_it_is();
        report(&done);
        self.judge(&needs, &refused)?;

        let mut members = std::mem::take(&mut self.collected.files);
        members.extend(done.into_iter().map(|done| (done.job.target, done.ling)));
        for (job, _) in refused {
            let bytes =
                fs::read(&job.source).map_err(|error| Failure::io(&job.source, "read", error))?;
            members.insert(job.target, bytes);
        }
        let root = format!("/{}", self.root);
        let directory = match self.release.tool {
            // Its script goes there first.
            Tool::Relx => &root,
            Tool::Mix => "/",
        };
        let about = [
            &root,
            &self.otp_release,
            &self.release.erts_version,
            directory,
        ];
        members.insert(
            "starling/otp".to_owned(),
            terminated(about.map(str::as_bytes)),
        );
        members.insert(
            "starling/args".to_owned(),
            terminated(words.iter().map(Vec::as_slice)),
        );
        Ok(members)
    }

    /// The tree, at the paths that it has.
    fn take_tree(&mut self) -> Result<()> {
        let release = self.release;
        let root = self.root.clone();
        let compiler = release
            .members
            .iter()
            .any(|member| member.name == "compiler");
        for path in files_in(&release.root)? {
            let name = text(Path::new(path.file_name().unwrap_or_default()))?;
            let target = format!("{root}/{name}");
            match name.as_str() {
                "lib" => {
                    for home in files_in(&path)? {
                        let name = text(Path::new(home.file_name().unwrap_or_default()))?;
                        self.take_application(&home, &format!("{target}/{name}"), compiler)?;
                    }
                }
                "releases" => self.take_version(&path, &target)?,
                "bin" => self
                    .collected
                    .take_tree_as(&path, &target, |path| has_extension(path, "boot"))?,
                // Of a run before, or of another machine.
                "log" | "tmp" => {}
                name if name.starts_with("erts-") || name.ends_with(".tar.gz") => {}
                _ if path.is_dir() => self.collected.take_tree_as(&path, &target, is_data)?,
                _ if is_data(&path) => self.collected.add_file(&path, target)?,
                _ => {}
            }
        }
        Ok(())
    }

    /// `releases`: the version that starts.
    fn take_version(&mut self, releases: &Path, target: &str) -> Result<()> {
        for file in ["start_erl.data", "RELEASES", "COOKIE"] {
            let path = releases.join(file);
            if path.is_file() {
                self.collected.add_file(&path, format!("{target}/{file}"))?;
            }
        }
        let directory = self.release.directory();
        let target = format!("{target}/{}", self.release.version);
        self.collected.take_tree_as(&directory, &target, is_data)?;
        let consolidated = directory.join("consolidated");
        if consolidated.is_dir() {
            self.collected
                .take_modules_as(&consolidated, &format!("{target}/consolidated"))?;
        }
        Ok(())
    }

    /// An application: its modules and `.app`, its data; headers are for who compiles.
    fn take_application(&mut self, home: &Path, target: &str, headers: bool) -> Result<()> {
        let ebin = home.join("ebin");
        if !ebin.is_dir() {
            return Ok(());
        }
        let is_other = |path: &Path| !has_extension(path, "beam") && is_data(path);
        self.collected
            .take_tree_as(&ebin, &format!("{target}/ebin"), is_other)?;
        self.collected
            .take_modules_as(&ebin, &format!("{target}/ebin"))?;
        self.collected
            .take_tree_as(&home.join("priv"), &format!("{target}/priv"), is_data)?;
        if headers {
            let is_header = |path: &Path| has_extension(path, "hrl");
            self.collected.take_tree_as(
                &home.join("include"),
                &format!("{target}/include"),
                is_header,
            )?;
        }
        Ok(())
    }

    /// The applications that the release names and does not hold: an installed OTP's.
    fn take_members(&mut self) -> Result<()> {
        let mut taken = Vec::new();
        for member in &self.release.members {
            let title = member.title();
            if self
                .release
                .root
                .join("lib")
                .join(&title)
                .join("ebin")
                .is_dir()
            {
                continue;
            }
            let home = self
                .otp
                .as_ref()
                .map(|otp| otp.root.join("lib").join(&title));
            match home.filter(|home| home.join("ebin").is_dir()) {
                Some(home) => {
                    let target = format!("{}/lib/{title}", self.root);
                    self.take_application(&home, &target, false)?;
                    taken.push(title);
                }
                None => return Err(self.missing(&title)),
            }
        }
        if let Some(otp) = &self.otp {
            let taken = match &taken[..] {
                [] => String::new(),
                taken => format!(" and {}", taken.join(", ")),
            };
            eprintln!(
                "The release brings no emulator: preloaded modules{taken} are those of {}",
                otp.root_text
            );
        }
        Ok(())
    }

    fn missing(&self, title: &str) -> Failure {
        let lib = self.release.root.join("lib");
        let also = match &self.otp {
            Some(otp) => format!(", and neither in {}/lib", otp.root_text),
            None => String::new(),
        };
        Failure::new(format!(
            "{}: the release names {title}, which is not in {}{also}",
            self.release.root.display(),
            lib.display()
        ))
        .with_hint("The tree is not complete: build the release again.")
    }

    /// Modules that the boot script loads. All of them must be there: without one the boot would end.
    fn modules_at_boot(&self, script: &BootScript) -> Result<BTreeSet<String>> {
        let mut found = BTreeSet::new();
        for load in &script.loads {
            let directories: Vec<String> = load.path.iter().map(|one| self.expanded(one)).collect();
            for module in &load.modules {
                let there = directories.iter().any(|directory| {
                    let target = format!("{directory}/{module}.beam");
                    self.collected
                        .jobs
                        .contains_key(target.trim_start_matches('/'))
                });
                if !there {
                    return Err(Failure::new(format!(
                        "{}: it loads {module}, which is not in {}",
                        self.release.root.join(&self.start.boot).display(),
                        directories.join(" or ")
                    ))
                    .with_hint("The tree is not complete: build the release again."));
                }
                found.insert(module.clone());
            }
        }
        Ok(found)
    }

    /// A directory of a boot script, as the guest finds it.
    fn expanded(&self, directory: &str) -> String {
        let root = format!("/{}", self.root);
        for (variable, value) in [
            ("$ROOT", root.clone()),
            ("$RELEASE_LIB", format!("{root}/lib")),
            ("$SYSTEM_LIB_DIR", format!("{root}/lib")),
        ] {
            if let Some(rest) = directory.strip_prefix(variable)
                && (rest.is_empty() || rest.starts_with('/'))
            {
                return normal(&format!("{value}{rest}"));
            }
        }
        normal(directory)
    }

    /// What all modules say of themselves.
    fn modules(&self) -> Result<Vec<Module>> {
        let mut modules = Vec::new();
        for job in self.collected.jobs.values() {
            let title = job.title();
            let application = match title.split_once('-') {
                Some((name, _)) => name,
                None => &title,
            };
            let read;
            let bytes = match &job.contents {
                Some(contents) => contents,
                None => {
                    read = fs::read(&job.source)
                        .map_err(|error| Failure::io(&job.source, "read", error))?;
                    &read
                }
            };
            modules.extend(look_at(application, &job.module, bytes));
        }
        Ok(modules)
    }

    /// The image's flags: those that the script would pass, then the user's own; checked as the guest will read them.
    fn words(&self) -> Result<Vec<Vec<u8>>> {
        let line = self.start.command_line(&self.options.flags);
        let root = format!("/{}", self.root);
        let read = &mut |name: &[u8]| self.read(&root, &String::from_utf8_lossy(name));
        let bindir = format!("{root}/erts-{}/bin", self.release.erts_version);
        let installation = Installation {
            root: &root,
            bindir: &bindir,
            erts_version: &self.release.erts_version,
            has_programs: false,
        };
        checked(&line.sources(), read, &installation)
    }

    /// A file of arguments, which is one of the release's.
    fn read(&self, root: &str, name: &str) -> std::result::Result<Vec<u8>, String> {
        let relative = below(root, name).unwrap_or_else(|| name.to_owned());
        let target = format!("{}/{relative}", self.root);
        let found = self.collected.files.get(&target);
        found
            .cloned()
            .ok_or_else(|| "No such file in the release".to_owned())
    }

    fn say_what_it_is(&self) {
        let Release {
            name,
            version,
            tool,
            erts_version,
            ..
        } = self.release;
        let tool = match tool {
            Tool::Mix => "mix",
            Tool::Relx => "rebar3",
        };
        eprintln!(
            "Release {name} {version} ({tool}) for OTP {} (erts {erts_version}), to be at /{}:",
            self.otp_release, self.root
        );
    }

    /// Says what the release lacks; fails if it cannot work.
    fn judge(&self, needs: &Needs, refused: &[(super::convert::Job, Failure)]) -> Result<()> {
        for unread in &self.start.unread {
            eprintln!("{}", unread_line(self.release, unread));
        }
        if let Some(port) = &self.start.without_epmd {
            eprintln!(
                "note: the node has a name, and no domain has an epmd: it gets -start_epmd false -erl_epmd_port {port} \
                 (--nameless leaves the name out)"
            );
        }
        let joined =
            |names: &BTreeSet<String>| names.iter().cloned().collect::<Vec<_>>().join(", ");
        for (application, modules) in &needs.programs {
            eprintln!(
                "note: {application} can start programs ({}); a domain has none, and such a call fails",
                joined(modules)
            );
        }
        for (application, modules) in &needs.drivers {
            eprintln!(
                "note: {application} can load drivers ({}); this machine loads none, and such a call fails",
                joined(modules)
            );
        }
        for (function, callers) in &needs.functions {
            eprintln!(
                "warning: {function} is not there: a call is an undef error ({})",
                joined(callers)
            );
        }
        let mut fatal = Vec::new();
        for library in &needs.libraries {
            let application = &library.application;
            let module = &library.module;
            let files = self.shared_libraries(application);
            let line = format!("{application}: {module} loads a native library{files}");
            if library.fatal && self.is_started(application) {
                fatal.push(format!("{line} and has no other code"));
            } else {
                eprintln!(
                    "warning: {line}; this machine has none of that name, and what needs it fails"
                );
            }
        }
        for (_, failure) in refused {
            fatal.push(failure.message().to_owned());
        }
        if fatal.is_empty() {
            return Ok(());
        }
        if self.options.of_release.force {
            for line in &fatal {
                eprintln!(
                    "warning: {line}: the release cannot work, and --force makes the image all the same"
                );
            }
            return Ok(());
        }
        Err(Failure::new(format!(
            "{}: the release cannot work on this machine",
            self.release.root.display()
        ))
        .with_hint(format!(
            "{}\nTake the application out of the release, or use one that is written in Erlang; --force makes the image all the same.",
            fatal.join("\n")
        )))
    }

    fn is_started(&self, application: &str) -> bool {
        let mut members = self.release.members.iter();
        members.any(|member| member.name == application && member.kind == Kind::Started)
    }

    /// The shared libraries in the `priv` of an application.
    fn shared_libraries(&self, application: &str) -> String {
        let lib = self.release.root.join("lib");
        let mut found = Vec::new();
        for home in files_in(&lib).unwrap_or_default() {
            let name = home
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            if name.split('-').next() == Some(application) {
                shared_libraries(&home.join("priv"), &format!("{name}/priv"), &mut found);
            }
        }
        match &found[..] {
            [] => String::new(),
            found => format!(" ({})", found.join(", ")),
        }
    }
}

fn shared_libraries(directory: &Path, shown: &str, found: &mut Vec<String>) {
    for path in files_in(directory).unwrap_or_default() {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let shown = format!("{shown}/{name}");
        if path.is_dir() {
            shared_libraries(&path, &shown, found);
        } else if has_extension(&path, "so") {
            found.push(shown);
        }
    }
}

/// A path without `.` and `..`: Mix writes `$RELEASE_LIB/../releases/VERSION/consolidated`.
fn normal(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}
