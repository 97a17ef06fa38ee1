//! A configuration for `xl create` in place of an image: what `starling image RELEASE` writes, or an operator's own.
//!
//! It is given to dom0's `xl` as it stands, with the domain's kernel at the path that it names, so that what boots here boots on a
//! Xen host. Only what this machine must know is read from it: the kernel, the memory, the interfaces. What `starling boot` sets itself
//! stands behind it, where `xl` lets it win. Facts: `xl.cfg(5)`.

use std::fs;
use std::path::{Path, PathBuf};

use super::network::Vif;
use crate::failure::{Failure, Result};

/// What was read.
#[derive(Debug)]
pub struct Configuration {
    /// All of it.
    pub text: String,
    /// The domain's kernel; absolute, as `xl` itself needs it unless it runs in the right directory.
    pub kernel: PathBuf,
    /// In MiB.
    pub memory: Option<u32>,
    /// Its interfaces; those without a bridge are on the toolstack's own choice, as with `xl`.
    pub vifs: Vec<Vif>,
}

impl Configuration {
    /// The configuration in the file at `path` with this content, if it is one: text with a `kernel`.
    pub fn of(path: &Path, content: &[u8]) -> Result<Option<Configuration>> {
        let Ok(text) = std::str::from_utf8(content) else {
            return Ok(None);
        };
        let bad = |what: String| {
            Failure::new(format!("{}: {what}", path.display()))
                .with_hint("xl.cfg(5) tells how it is written; starling image RELEASE writes one.")
        };
        let Some(kernel) = value(text, "kernel") else {
            return Ok(None);
        };
        let kernel = string(kernel).ok_or_else(|| bad(format!("kernel = {kernel}: no string")))?;
        let kernel = PathBuf::from(kernel);
        if !kernel.is_absolute() {
            return Err(bad(format!(
                "kernel = {}: the path is not absolute, so what it names depends on where xl is run",
                kernel.display()
            )));
        }
        let memory = match value(text, "memory") {
            Some(memory) => Some(
                memory
                    .parse()
                    .ok()
                    .filter(|&mib| mib > 0)
                    .ok_or_else(|| bad(format!("memory = {memory}: no number of MiB")))?,
            ),
            None => None,
        };
        let mut vifs = Vec::new();
        if let Some(list) = value(text, "vif") {
            for element in strings(list).ok_or_else(|| bad(format!("vif = {list}: no list")))? {
                vifs.push(
                    element
                        .parse()
                        .map_err(|why| bad(format!("vif {element:?}: {why}")))?,
                );
            }
        }
        Ok(Some(Configuration {
            text: text.to_owned(),
            kernel,
            memory,
            vifs,
        }))
    }

    /// The kernel's bytes.
    pub fn read_kernel(&self) -> Result<Vec<u8>> {
        fs::read(&self.kernel)
            .map_err(|error| Failure::io(&self.kernel, "read the configuration's kernel", error))
    }
}

/// What the last `key = VALUE` assigns: to the end of its line or, for a list, of the list.
fn value<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let mut found = None;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let here = at;
        at += line.len();
        let Some((name, rest)) = line.split_once('=') else {
            continue;
        };
        if name.trim() != key {
            continue;
        }
        let rest_at = here + line.len() - rest.len();
        let all = text[rest_at..].trim_start();
        found = Some(match all.starts_with('[') {
            true => all.split_inclusive(']').next().unwrap_or(all),
            false => rest.trim(),
        });
    }
    found
}

/// A string of xl's language, in either quotes; `\` escapes as [`super::domain_config::xl_string`] writes it.
fn string(text: &str) -> Option<String> {
    let (string, rest) = first_string(text)?;
    let rest = rest.trim_start();
    (rest.is_empty() || rest.starts_with('#')).then_some(string)
}

/// The strings of `[ "…", "…" ]`.
fn strings(text: &str) -> Option<Vec<String>> {
    let mut rest = text.strip_prefix('[')?.trim_start();
    let mut all = Vec::new();
    while !rest.starts_with(']') {
        let (string, behind) = first_string(rest)?;
        all.push(string);
        rest = behind.trim_start();
        rest = rest.strip_prefix(',').unwrap_or(rest).trim_start();
    }
    Some(all)
}

fn first_string(text: &str) -> Option<(String, &str)> {
    let quote = text.chars().next().filter(|&c| c == '"' || c == '\'')?;
    let bytes = text.as_bytes();
    let mut string = Vec::new();
    let mut at = 1;
    loop {
        match *bytes.get(at)? {
            byte if byte == quote as u8 => break,
            b'\\' => {
                let octal = text
                    .get(at + 1..at + 4)
                    .and_then(|digits| u8::from_str_radix(digits, 8).ok());
                match octal {
                    Some(byte) => {
                        string.push(byte);
                        at += 4;
                    }
                    None => {
                        string.push(*bytes.get(at + 1)?);
                        at += 2;
                    }
                }
            }
            byte => {
                string.push(byte);
                at += 1;
            }
        }
    }
    Some((String::from_utf8(string).ok()?, &text[at + 1..]))
}

#[cfg(test)]
mod tests {
    use super::super::domain_config::xl_string;
    use super::*;

    fn read(text: &str) -> Result<Option<Configuration>> {
        Configuration::of(Path::new("web.xl"), text.as_bytes())
    }

    #[test]
    fn what_this_machine_must_know_is_read() {
        let odd = "/a \"b\"/\\ é\t'x'.elf";
        let text = format!(
            "# kernel = \"/no\"\nname = \"web\"\nkernel = {}\nmemory = 96\nvif = [ 'bridge=br7',\n  \"\" ]\n",
            xl_string(odd)
        );
        let read = read(&text).unwrap().unwrap();
        assert_eq!(read.kernel, Path::new(odd));
        assert_eq!(read.memory, Some(96));
        assert_eq!(
            read.vifs,
            ["bridge=br7".parse::<Vif>().unwrap(), "".parse().unwrap()]
        );
        assert_eq!(read.text, text);
    }

    #[test]
    fn what_is_no_configuration_is_not_taken_for_one() {
        assert!(read("some text\n").unwrap().is_none());
        assert!(
            Configuration::of(Path::new("x"), b"kernel = \xff\n")
                .unwrap()
                .is_none()
        );
    }

    #[test]
    fn what_xl_would_stumble_over_is_named() {
        for (text, part) in [
            ("kernel = web.elf\n", "no string"),
            ("kernel = \"web.elf\"\n", "not absolute"),
            ("kernel = \"/w\nmemory = 1\n", "no string"),
            ("kernel = \"/w\"\nmemory = much\n", "no number"),
            ("kernel = \"/w\"\nvif = [ \"mac=1\" ]\n", "MAC"),
            ("kernel = \"/w\"\nvif = [ x ]\n", "no list"),
        ] {
            let failure = read(text).unwrap_err();
            assert!(
                failure.message().contains(part),
                "{text}: {}",
                failure.message()
            );
        }
    }
}
