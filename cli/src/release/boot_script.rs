//! Boot scripts: which modules a release loads at boot, and from which directories.
//!
//! Facts: `script(4)`. Of the instructions, `{path, Directories}` sets where modules are looked for from then on, and `{primLoad, Modules}`
//! loads them; in embedded mode, the default of releases, nothing is loaded later unless by `code:load_file`.

use std::fs;
use std::path::Path;

use super::etf;
use crate::failure::{Failure, Result};
use crate::otp::terms::Text;

/// What a boot script loads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BootScript {
    /// In order: directories, with variables such as `$ROOT`, and the modules that must be in one of them.
    pub loads: Vec<Load>,
    /// Applications that it starts.
    pub started: Vec<String>,
}

/// Modules, and where they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Load {
    /// Directories, as written.
    pub path: Vec<String>,
    /// Modules.
    pub modules: Vec<String>,
}

impl BootScript {
    /// Reads the `.boot` file at `path`.
    pub fn read(path: &Path) -> Result<BootScript> {
        let bytes = fs::read(path).map_err(|error| {
            Failure::io(path, "read the boot script", error)
                .with_hint("Without it nothing says what to start: build the release again.")
        })?;
        BootScript::parse(&bytes).map_err(|what| {
            Failure::new(format!("{}: not a boot script: {what}", path.display()))
                .with_hint("The file is damaged: build the release again.")
        })
    }

    fn parse(bytes: &[u8]) -> std::result::Result<BootScript, String> {
        let term = etf::decode(bytes)?;
        let Some([Text::Atom(tag), _, Text::List(instructions)]) = term.as_tuple() else {
            return Err("it is not {script, Id, Instructions}".to_owned());
        };
        if tag != "script" {
            return Err(format!("it is of {tag}, not a script"));
        }
        let mut script = BootScript::default();
        let mut path = Vec::new();
        for instruction in instructions {
            let Some([Text::Atom(name), argument, ..]) = instruction.as_tuple() else {
                continue;
            };
            match (name.as_str(), argument) {
                ("path", Text::List(directories)) => path = strings(directories),
                ("primLoad", Text::List(modules)) => script.loads.push(Load {
                    path: path.clone(),
                    modules: atoms(modules),
                }),
                ("apply", argument) => script.started.extend(started(argument)),
                _ => {}
            }
        }
        Ok(script)
    }
}

fn strings(list: &[Text]) -> Vec<String> {
    list.iter()
        .filter_map(|one| match one {
            Text::String(text) => Some(text.clone()),
            _ => None,
        })
        .collect()
}

fn atoms(list: &[Text]) -> Vec<String> {
    list.iter()
        .filter_map(|one| one.as_atom().map(str::to_owned))
        .collect()
}

/// The application of `{application, start_boot, [Name | _]}`.
fn started(apply: &Text) -> Option<String> {
    match apply.as_tuple()? {
        [
            Text::Atom(module),
            Text::Atom(function),
            Text::List(arguments),
        ] if module == "application" && function == "start_boot" => {
            arguments.first()?.as_atom().map(str::to_owned)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_script_is_refused() {
        assert!(
            BootScript::parse(b"")
                .unwrap_err()
                .contains("external format")
        );
        assert!(
            BootScript::parse(&[131, 97, 1])
                .unwrap_err()
                .contains("script")
        );
        let empty = [
            131, 104, 3, 119, 6, b's', b'c', b'r', b'i', b'p', b't', 97, 1, 106,
        ];
        assert_eq!(BootScript::parse(&empty), Ok(BootScript::default()));
    }
}
