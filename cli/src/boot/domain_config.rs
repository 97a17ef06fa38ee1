//! The domain: its command line and the configuration that `xl create` reads in dom0.

use crate::failure::{Failure, Result};

/// The domain's name, which also names its console log in dom0.
pub const DOMAIN_NAME: &str = "starling";
/// Where the image lies in dom0.
pub const IMAGE_PATH: &str = "/image";
/// Where its ramdisk lies.
pub const RAMDISK_PATH: &str = "/ramdisk";
/// Xen's limit for a PV guest's command line (`MAX_GUEST_CMDLINE`), with its final NUL.
const COMMAND_LINE_MAX: usize = 1024;

/// The command line that gives the guest `flags`, which it splits at blanks, with `'` and `"` as quotes.
pub fn command_line(flags: &[String]) -> Result<String> {
    let words: Vec<_> = flags
        .iter()
        .map(|flag| quoted(flag))
        .collect::<Result<_>>()?;
    let line = words.join(" ");
    if line.len() >= COMMAND_LINE_MAX {
        return Err(Failure::usage(format!(
            "boot: the extra flags take {} bytes, and Xen passes at most {}",
            line.len(),
            COMMAND_LINE_MAX - 1
        ))
        .with_hint("Bake them into the image: starling image ... -- FLAGS"));
    }
    Ok(line)
}

fn quoted(flag: &str) -> Result<String> {
    let special = |c: char| c.is_whitespace() || c == '\'' || c == '"';
    if !flag.is_empty() && !flag.contains(special) {
        return Ok(flag.to_owned());
    }
    match (flag.contains('\''), flag.contains('"')) {
        (false, _) => Ok(format!("'{flag}'")),
        (true, false) => Ok(format!("\"{flag}\"")),
        (true, true) => Err(Failure::usage(format!(
            "boot: the extra flag {flag:?} has both kinds of quotes, which a domain's command line cannot carry"
        ))
        .with_hint("Bake it into the image: starling image ... -- FLAGS")),
    }
}

/// What of a domain differs from boot to boot.
#[derive(Debug, Default)]
pub struct Domain<'a> {
    /// The user's own configuration, which names its kernel and may say more than what follows here.
    pub configuration: Option<&'a str>,
    /// In MiB.
    pub memory: u32,
    /// In MiB; not less than `memory`.
    pub maximum_memory: u32,
    /// From [`command_line`]; the configuration's own without one.
    pub command_line: Option<&'a str>,
    /// Each network interface in xl's words.
    pub vifs: Vec<&'a str>,
    /// Whether there is a file at [`RAMDISK_PATH`].
    pub ramdisk: bool,
}

/// The configuration for `xl`.
///
/// The domain is kept when it ends: nothing of its console can be lost with it, and QEMU ends anyway. One that was asked to reboot is
/// started again. All this stands behind the user's own configuration, since of two values `xl` takes the later.
/// The time stamp counter is left alone, since emulating it would only make an emulated machine slower.
pub fn domain_config(domain: &Domain) -> String {
    let memory_mib = domain.memory;
    let maximum_mib = domain.maximum_memory;
    let mut config = match domain.configuration {
        Some(own) => format!("{own}\n"),
        None => format!("type = \"pv\"\nkernel = \"{IMAGE_PATH}\"\nvcpus = 1\n"),
    };
    config.push_str(&format!(
        "name = \"{DOMAIN_NAME}\"\n\
         memory = {memory_mib}\n\
         maxmem = {maximum_mib}\n\
         tsc_mode = \"native\"\n\
         on_poweroff = \"preserve\"\n\
         on_reboot = \"restart\"\n\
         on_watchdog = \"preserve\"\n\
         on_crash = \"preserve\"\n"
    ));
    if let Some(command_line) = domain.command_line {
        config.push_str(&format!("cmdline = {}\n", xl_string(command_line)));
    }
    if domain.ramdisk {
        config.push_str(&format!("ramdisk = \"{RAMDISK_PATH}\"\n"));
    }
    if !domain.vifs.is_empty() {
        let vifs: Vec<_> = domain.vifs.iter().map(|vif| xl_string(vif)).collect();
        config.push_str(&format!("vif = [{}]\n", vifs.join(", ")));
    }
    config
}

/// `text` as a string of xl's configuration language.
pub fn xl_string(text: &str) -> String {
    let mut out = String::from("\"");
    for byte in text.bytes() {
        match byte {
            b'"' | b'\\' => {
                out.push('\\');
                out.push(byte as char);
            }
            b' '..=b'~' => out.push(byte as char),
            _ => out.push_str(&format!("\\{byte:03o}")),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(flags: &[&str]) -> Result<String> {
        command_line(
            &flags
                .iter()
                .map(|&flag| flag.to_owned())
                .collect::<Vec<_>>(),
        )
    }

    #[test]
    fn flags_are_quoted_where_they_must_be() {
        assert_eq!(line(&[]).unwrap(), "");
        assert_eq!(
            line(&["-s", "hello", "main", "two words", "", "it's", "a\"b"]).unwrap(),
            "-s hello main 'two words' '' \"it's\" 'a\"b'"
        );
        assert_eq!(line(&["it's \"both\""]).unwrap_err().status, 2);
    }

    #[test]
    fn the_command_line_has_room_for_its_nul() {
        assert_eq!(line(&[&"x".repeat(1023)]).unwrap().len(), 1023);
        assert_eq!(line(&[&"x".repeat(1024)]).unwrap_err().status, 2);
    }

    #[test]
    fn the_configuration_quotes_for_xl() {
        let config = domain_config(&Domain {
            configuration: None,
            memory: 32,
            maximum_memory: 48,
            command_line: Some("-x 'a\"b' \\ \t é"),
            vifs: vec!["bridge=xenbr0", "bridge=b"],
            ramdisk: false,
        });
        assert!(
            config.contains("vif = [\"bridge=xenbr0\", \"bridge=b\"]\n"),
            "{config}"
        );
        assert!(!config.contains("ramdisk"), "{config}");
        assert!(config.contains("memory = 32\nmaxmem = 48\n"), "{config}");
        assert!(
            config.contains(r#"cmdline = "-x 'a\"b' \\ \011 \303\251""#),
            "{config}"
        );
    }

    #[test]
    fn what_is_told_here_stands_behind_the_users_own() {
        let config = domain_config(&Domain {
            configuration: Some("name = \"web\"\nkernel = \"/w.elf\"\ncmdline = \"-x\""),
            memory: 96,
            maximum_memory: 96,
            ..Domain::default()
        });
        let own = config.find("\"/w.elf\"\ncmdline = \"-x\"\n").unwrap();
        assert!(own < config.find("on_crash").unwrap(), "{config}");
        assert_eq!(config.matches("kernel").count(), 1, "{config}");
        assert_eq!(config.matches("cmdline").count(), 1, "{config}");
    }
}
