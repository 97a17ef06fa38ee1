//! What the host asks of dom0 besides the domain's configuration: a file of lines.
//!
//! ```text
//! network                  bring up the network and its bridge
//! bridge NAME              make another bridge, without a way out
//! vif MAC                  tell when the domain's interface with this address has an address of the Internet
//! probe ADDRESS            one of them may have this address
//! xl MILLISECONDS WORD...  run this command of xl's then
//! ```

use std::fs;
use std::io::ErrorKind;
use std::net::Ipv4Addr;
use std::time::Duration;

use super::{SETTINGS_PATH, Step};
use crate::boot::network::Mac;

/// The file's content.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Whether there is a network at all.
    pub network: bool,
    /// Bridges without a way out.
    pub bridges: Vec<String>,
    /// The addresses of the domain's interfaces, in the order of their numbers.
    pub vifs: Vec<Mac>,
    /// Addresses that one of them may have.
    pub probes: Vec<Ipv4Addr>,
    /// Commands for xl, and when, the earliest first.
    pub commands: Vec<(Duration, Vec<String>)>,
}

impl Settings {
    /// Reads the file; no file is no wish.
    pub fn read() -> Step<Settings> {
        match fs::read_to_string(SETTINGS_PATH) {
            Ok(text) => Settings::parse(&text),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Settings::default()),
            Err(error) => Err(format!("{SETTINGS_PATH}: {error}")),
        }
    }

    fn parse(text: &str) -> Step<Settings> {
        let mut settings = Settings::default();
        for line in text.lines() {
            let mut words = line.split(' ');
            let bad = || format!("{SETTINGS_PATH}: a bad line: {line}");
            match (words.next(), words.next()) {
                (Some("network"), None) => settings.network = true,
                (Some("bridge"), Some(name)) => settings.bridges.push(name.to_owned()),
                (Some("vif"), Some(mac)) => settings.vifs.push(mac.parse().map_err(|_| bad())?),
                (Some("probe"), Some(address)) => {
                    settings.probes.push(address.parse().map_err(|_| bad())?);
                }
                (Some("xl"), Some(after)) => {
                    let after = after.parse().map_err(|_| bad())?;
                    let words = words.map(str::to_owned).collect();
                    let command = (Duration::from_millis(after), words);
                    settings.commands.push(command);
                }
                _ => return Err(bad()),
            }
        }
        // A stable sort: commands of one time stay in their order.
        settings.commands.sort_by_key(|(after, _)| *after);
        Ok(settings)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read() {
        let text = "network\nbridge br1\nvif 00:16:3e:00:00:01\nprobe 10.0.2.15\nxl 500 list -l\nxl 20 info\n";
        let settings = Settings::parse(text).unwrap();
        assert!(settings.network);
        assert_eq!(settings.bridges, ["br1"]);
        assert_eq!(settings.vifs.len(), 1);
        assert_eq!(settings.probes, [Ipv4Addr::new(10, 0, 2, 15)]);
        assert_eq!(settings.commands[0].1, ["info"]);
        assert_eq!(settings.commands[1].1, ["list", "-l"]);
        assert_eq!(Settings::parse("").unwrap(), Settings::default());
        for bad in ["network on", "vif x", "probe 1", "xl soon list", "what", ""] {
            assert!(Settings::parse(&format!("{bad}\n")).is_err(), "{bad:?}");
        }
    }
}
