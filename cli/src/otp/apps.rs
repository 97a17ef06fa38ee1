//! Applications: what an OTP and the user's directories have, and what each needs.
//!
//! An application is a directory with `NAME.app` in it: `lib/NAME-VERSION/ebin` of an OTP, or one given with `-pa`. Of several versions the highest
//! counts, as for OTP's code server; a user's own directory wins over OTP's.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::terms::{self, Text};
use super::{Otp, version_key};
use crate::failure::{Failure, Result};

/// What every OTP needs, whatever else is asked for.
const ALWAYS: [&str; 2] = ["kernel", "stdlib"];

/// An application that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Application {
    /// Its name.
    pub name: String,
    /// Where its modules and its `.app` are.
    pub ebin: PathBuf,
    /// Whether the directory was given with `-pa`, so that it is taken whole in any case.
    pub given: bool,
}

/// What a `.app` file says of others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Needs {
    /// `applications` and `included_applications`.
    applications: Vec<String>,
    /// Those of them that may be missing.
    optional: Vec<String>,
}

/// All applications that can be had, by name.
#[derive(Debug)]
pub struct Applications {
    known: BTreeMap<String, Application>,
}

impl Applications {
    /// Those of `otp` and those in the directories `given`.
    pub fn find(otp: &Otp, given: &[PathBuf]) -> Result<Applications> {
        let mut known = BTreeMap::new();
        let lib = otp.root.join("lib");
        let entries = fs::read_dir(&lib).map_err(|error| Failure::io(&lib, "read", error))?;
        let mut directories: Vec<(String, Vec<u64>)> = entries
            .flatten()
            .filter_map(|entry| entry.file_name().into_string().ok())
            .map(|name| {
                let version = name.split_once('-').map_or("", |(_, version)| version);
                let key = version_key(version);
                (name, key)
            })
            .collect();
        directories.sort_by(|a, b| a.1.cmp(&b.1).then_with(|| a.0.cmp(&b.0)));
        for (directory, _) in directories {
            let name = directory.split('-').next().unwrap_or_default();
            let ebin = lib.join(&directory).join("ebin");
            if ebin.join(format!("{name}.app")).is_file() {
                let application = Application {
                    name: name.to_owned(),
                    ebin,
                    given: false,
                };
                known.insert(name.to_owned(), application);
            }
        }
        for ebin in given {
            let entries = fs::read_dir(ebin).map_err(|error| {
                Failure::io(ebin, "read this -pa directory", error)
                    .with_hint("-pa takes directories that hold modules, such as an app's ebin.")
            })?;
            for path in entries.flatten().map(|entry| entry.path()) {
                if path.extension().is_some_and(|extension| extension == "app")
                    && let Some(name) = path.file_stem().and_then(|name| name.to_str())
                {
                    let application = Application {
                        name: name.to_owned(),
                        ebin: ebin.clone(),
                        given: true,
                    };
                    known.insert(name.to_owned(), application);
                }
            }
        }
        Ok(Applications { known })
    }

    /// The applications `names`, those in given directories, and all that they need: in the order of their names.
    pub fn with_needs(&self, names: &[String]) -> Result<Vec<&Application>> {
        let mut wanted: Vec<(String, Option<String>)> = Vec::new();
        wanted.extend(ALWAYS.map(|name| (name.to_owned(), None)));
        wanted.extend(names.iter().map(|name| (name.clone(), None)));
        let given = self.known.values().filter(|application| application.given);
        wanted.extend(given.map(|application| (application.name.clone(), None)));
        let mut found = BTreeMap::new();
        while let Some((name, by)) = wanted.pop() {
            if found.contains_key(&name) {
                continue;
            }
            let application = self
                .known
                .get(&name)
                .ok_or_else(|| self.missing(&name, by))?;
            let needs = needs(application)?;
            for need in needs.applications {
                if self.known.contains_key(&need) || !needs.optional.contains(&need) {
                    wanted.push((need, Some(name.clone())));
                }
            }
            found.insert(name, application);
        }
        Ok(found.into_values().collect())
    }

    fn missing(&self, name: &str, by: Option<String>) -> Failure {
        let by = by.map_or_else(String::new, |by| format!(", which {by} needs"));
        let known: Vec<&str> = self.known.keys().map(String::as_str).collect();
        Failure::new(format!("image: there is no application {name}{by}")).with_hint(format!(
            "There are: {}.\nAn application of your own is found by its .app file in a directory given with -pa.",
            known.join(" ")
        ))
    }
}

fn needs(application: &Application) -> Result<Needs> {
    let path = application.ebin.join(format!("{}.app", application.name));
    let bytes = fs::read(&path).map_err(|error| Failure::io(&path, "read", error))?;
    // Old files may be in Latin-1; names that matter are ASCII.
    let text = String::from_utf8_lossy(&bytes);
    let term = terms::parse(&text)
        .map_err(|error| Failure::new(format!("{}: {error}", path.display())))?;
    read_needs(&term, &application.name)
        .map_err(|what| Failure::new(format!("{}: {what}", path.display())))
}

fn read_needs(term: &Text, name: &str) -> std::result::Result<Needs, String> {
    let Some([Text::Atom(kind), Text::Atom(found), Text::List(options)]) = term.as_tuple() else {
        return Err("not {application, Name, Options}".to_owned());
    };
    if kind != "application" || found != name {
        return Err(format!(
            "it is of {kind} {found}, not of application {name}"
        ));
    }
    let mut needs = Needs::default();
    for option in options {
        let Some([Text::Atom(key), value]) = option.as_tuple() else {
            continue;
        };
        let into = match key.as_str() {
            "applications" | "included_applications" => &mut needs.applications,
            "optional_applications" => &mut needs.optional,
            _ => continue,
        };
        let names = value.as_list();
        let names =
            names.and_then(|list| list.iter().map(Text::as_atom).collect::<Option<Vec<_>>>());
        let names = names.ok_or_else(|| format!("{key} is not a list of names"))?;
        into.extend(names.into_iter().map(str::to_owned));
    }
    Ok(needs)
}

/// `NAME-VERSION` of `…/NAME-VERSION/ebin`, or the directory's own name: how a user knows it.
pub fn title(ebin: &Path) -> String {
    let own = ebin.file_name();
    let above = ebin.parent().and_then(Path::file_name);
    let name = match own {
        Some(own) if own == "ebin" => above.or(Some(own)),
        own => own,
    };
    name.unwrap_or(ebin.as_os_str())
        .to_string_lossy()
        .into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root(test: &str) -> PathBuf {
        let root =
            std::env::temp_dir().join(format!("starling-apps-{test}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&root);
        root
    }

    fn app(root: &Path, directory: &str, name: &str, options: &str) {
        let ebin = root.join("lib").join(directory).join("ebin");
        fs::create_dir_all(&ebin).unwrap();
        let text = format!("{{application, {name}, [{options}]}}.\n");
        fs::write(ebin.join(format!("{name}.app")), text).unwrap();
    }

    fn otp(root: &Path) -> Otp {
        Otp {
            root: root.to_path_buf(),
            root_text: root.display().to_string(),
            release: "25".into(),
            erts_version: "1".into(),
        }
    }

    #[test]
    fn what_is_needed_comes_along() {
        let root = root("needs");
        app(&root, "kernel-1.0", "kernel", "");
        app(&root, "stdlib-3.9", "stdlib", "");
        app(&root, "stdlib-3.10", "stdlib", "");
        app(
            &root,
            "a-1",
            "a",
            "{applications, [kernel, b, x]}, {optional_applications, [x]}",
        );
        app(&root, "b-1", "b", "{included_applications, [c]}");
        app(&root, "c-1", "c", "{applications, [a]}");
        app(&root, "d-1", "d", "{applications, [y]}");
        app(&root, "e-1", "e", "");
        let given = vec![root.join("lib/e-1/ebin")];
        let known = Applications::find(&otp(&root), &given).unwrap();
        let found = known.with_needs(&["a".to_owned()]).unwrap();
        let titles: Vec<_> = found.iter().map(|found| title(&found.ebin)).collect();
        assert_eq!(
            titles,
            ["a-1", "b-1", "c-1", "e-1", "kernel-1.0", "stdlib-3.10"]
        );
        let failure = known.with_needs(&["d".to_owned()]).unwrap_err().to_string();
        assert!(
            failure.contains("no application y, which d needs"),
            "{failure}"
        );
        assert!(
            failure.contains("There are: a b c d e kernel stdlib."),
            "{failure}"
        );
        fs::remove_dir_all(root).unwrap();
    }

    #[test]
    fn a_wrong_app_file_is_named() {
        let root = root("wrong");
        app(&root, "kernel-1.0", "kernel", "");
        app(&root, "stdlib-1", "stdlib", "{applications, kernel}");
        let failed = |root: &Path| {
            let known = Applications::find(&otp(root), &[]).unwrap();
            known.with_needs(&[]).unwrap_err().to_string()
        };
        assert!(failed(&root).contains("stdlib.app"), "{}", failed(&root));
        fs::write(
            root.join("lib/stdlib-1/ebin/stdlib.app"),
            "{application,\n x",
        )
        .unwrap();
        assert!(failed(&root).contains("line 2"), "{}", failed(&root));
        fs::remove_dir_all(root).unwrap();
    }
}
