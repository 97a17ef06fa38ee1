//! Names of hosts in a domain: the files that OTP's resolver reads, kept as the network says.
//!
//! OTP resolves names itself when it is told to (`{lookup, [file, dns]}`): from `/etc/hosts`, and from the servers in
//! `/etc/resolv.conf`, which `inet_db` reads again when they have changed. A domain has those files in memory. They are made when the
//! machine starts ([`prepare`]) and written again when the network tells something ([`news`]). The host's name is asked for here
//! ([`host_name`]).
//!
//! Invariant: only files that the machine itself has written are written, which their first line says: what an image brings stays
//! as it is. Where the network tells nothing, as on Linux, nothing is written.

use crate::environment::Variable;
use crate::fs::{Errno, FileSystem, Modes, Result};
use crate::machine::Machine;
use crate::platform::network::{Interface, Naming, Network};
use alloc::ffi::CString;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::ffi::CStr;
use core::fmt::Write;
use core::net::IpAddr;

/// What the machine's files begin with.
const MARK: &str =
    "# Written by the machine, from what the network tells. A file of the image stays as it is.\n";
/// The file that says how names are resolved, and the environment variable that says where it is.
const INETRC: (&CStr, &str) = (c"/etc/erl_inetrc", "ERL_INETRC");
const INETRC_TEXT: &str = "{lookup, [file, dns]}.\n";
const HOSTS: &CStr = c"/etc/hosts";
const RESOLV_CONF: &CStr = c"/etc/resolv.conf";
const HOST_NAME: &CStr = c"/etc/hostname";
/// Servers beyond these are not asked by anybody (`MAXNS` of `resolv.h`).
const SERVERS: usize = 3;
/// More domains make a line longer than the resolver's authors thought of.
const SEARCH: usize = 32;

/// Lets OTP resolve names with what is in `files`: called for a domain before the machine starts. Whoever set `ERL_INETRC` has his own
/// way.
pub fn prepare(files: &mut dyn FileSystem, environment: &mut Vec<Variable>) -> Result<()> {
    match files.make_dir(c"/etc") {
        Ok(()) | Err(Errno::EEXIST) => {}
        Err(error) => return Err(error),
    }
    write(files, HOSTS, &hosts(None, None))?;
    let (path, variable) = INETRC;
    let variable = variable.as_bytes();
    if environment.iter().any(|(name, _)| name == variable) {
        return Ok(());
    }
    // Erlang's comments begin otherwise, so this one has no mark.
    if files.info(path, true).is_err() {
        replace(files, path, INETRC_TEXT.as_bytes())?;
    }
    environment.try_reserve(1).map_err(|_| Errno::ENOMEM)?;
    environment.push((variable.to_vec(), path.to_bytes().to_vec()));
    Ok(())
}

/// The network told something about names.
pub fn news(machine: &mut Machine) {
    let Some(network) = machine.platform.network() else {
        return;
    };
    let Some(mut naming) = network.naming() else {
        return;
    };
    naming.host_name = naming.host_name.filter(|name| is_name(name));
    naming.search.retain(|domain| is_name(domain));
    let address = own_address(network);
    if let Err(error) = write_all(&mut *machine.files, &naming, address) {
        log::warn!(
            "what the network tells about names cannot be written to /etc: {}",
            error.name()
        );
    }
    if naming.host_name.is_some() {
        machine.host_name = naming.host_name;
    }
}

/// How this host calls itself: what the network said, or else the platform.
pub fn host_name(machine: &mut Machine) -> String {
    match &machine.host_name {
        Some(name) => name.clone(),
        None => machine.platform.host_name(),
    }
}

fn write_all(files: &mut dyn FileSystem, naming: &Naming, address: Option<IpAddr>) -> Result<()> {
    match files.make_dir(c"/etc") {
        Ok(()) | Err(Errno::EEXIST) => {}
        Err(error) => return Err(error),
    }
    write(files, RESOLV_CONF, &resolv_conf(naming))?;
    write(files, HOSTS, &hosts(Some(naming), address))?;
    if let Some(name) = &naming.host_name {
        // A name and nothing else is what this file may have, so it is the machine's alone.
        replace(files, HOST_NAME, format!("{name}\n").as_bytes())?;
    }
    Ok(())
}

/// Whether a name may stand in the files: no network writes lines of its own there.
fn is_name(name: &str) -> bool {
    let is_usual = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    (1..=253).contains(&name.len()) && name.bytes().all(is_usual)
}

fn resolv_conf(naming: &Naming) -> String {
    let mut text = String::from(MARK);
    for server in naming.servers.iter().take(SERVERS) {
        // Writing to a string does not fail.
        let _ = writeln!(text, "nameserver {server}");
    }
    if !naming.search.is_empty() {
        text.push_str("search");
        for domain in naming.search.iter().take(SEARCH) {
            let _ = write!(text, " {domain}");
        }
        text.push('\n');
    }
    text
}

fn hosts(naming: Option<&Naming>, address: Option<IpAddr>) -> String {
    let mut text = String::from(MARK);
    text.push_str("127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n");
    if let (Some(naming), Some(address)) = (naming, address)
        && let Some(name) = &naming.host_name
    {
        // The long name first, as it is the one that `gethostbyname` answers with.
        let _ = match naming.search.first() {
            Some(domain) if !name.contains('.') => {
                writeln!(text, "{address}\t{name}.{domain} {name}")
            }
            _ => writeln!(text, "{address}\t{name}"),
        };
    }
    text
}

/// The first address of this host that others know it by.
fn own_address(network: &mut dyn Network) -> Option<IpAddr> {
    let interfaces = network.interfaces().ok()?;
    let others = |interface: &&Interface| interface.up && !interface.loopback;
    let mut addresses = interfaces
        .iter()
        .filter(others)
        .flat_map(|interface| interface.addresses.iter())
        .map(|address| address.address);
    let first = addresses.clone().find(IpAddr::is_ipv4);
    // A link-local address needs a scope, for which a file of hosts has no room.
    let global = |ip: &IpAddr| matches!(ip, IpAddr::V6(ip) if !ip.is_unicast_link_local());
    first.or_else(|| addresses.find(global))
}

/// Writes a file of the machine's own.
fn write(files: &mut dyn FileSystem, path: &CStr, text: &str) -> Result<()> {
    let mut start = [0; MARK.len()];
    if let Ok(file) = files.open(
        path,
        Modes {
            read: true,
            ..Modes::default()
        },
    ) {
        let read = files.read(file, &mut start);
        files.close(file)?;
        if read? != start.len() || start != *MARK.as_bytes() {
            return Ok(());
        }
    }
    replace(files, path, text.as_bytes())
}

fn replace(files: &mut dyn FileSystem, path: &CStr, bytes: &[u8]) -> Result<()> {
    let modes = Modes {
        write: true,
        ..Modes::default()
    };
    let file = files.open(path, modes)?;
    let written = files.write(file, bytes);
    files.close(file)?;
    written
}

/// All of a file, if it is there and no longer than `limit`.
pub fn read(files: &mut dyn FileSystem, path: &str, limit: usize) -> Option<Vec<u8>> {
    let path = CString::new(path).ok()?;
    let modes = Modes {
        read: true,
        ..Modes::default()
    };
    let file = files.open(&path, modes).ok()?;
    let bytes = read_open(files, file, limit);
    files.close(file).ok()?;
    bytes
}

fn read_open(files: &mut dyn FileSystem, file: crate::fs::Handle, limit: usize) -> Option<Vec<u8>> {
    const STEP: usize = 4096;
    let mut bytes = Vec::new();
    loop {
        let len = bytes.len();
        bytes.try_reserve(STEP).ok()?;
        bytes.resize(len + STEP, 0);
        let read = files.read(file, &mut bytes[len..]).ok()?;
        bytes.truncate(len + read);
        if read == 0 {
            return Some(bytes);
        }
        if bytes.len() > limit {
            return None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fs::ram::RamFiles;
    use core::net::Ipv4Addr;
    use std::string::ToString;

    fn files() -> RamFiles {
        RamFiles::new(None, || 0)
    }

    fn text(files: &mut RamFiles, path: &str) -> String {
        String::from_utf8(read(files, path, 1 << 20).unwrap()).unwrap()
    }

    fn naming() -> Naming {
        Naming {
            servers: ["10.0.0.1", "fd00::1", "10.0.0.2", "10.0.0.3"]
                .map(|server| server.parse().unwrap())
                .into(),
            search: ["example.org", "test"].map(ToString::to_string).into(),
            host_name: Some("web1".into()),
        }
    }

    #[test]
    fn a_domain_starts_with_files_that_know_localhost() {
        let (mut files, mut environment) = (files(), Vec::new());
        prepare(&mut files, &mut environment).unwrap();
        assert!(text(&mut files, "/etc/hosts").contains("\n127.0.0.1\tlocalhost\n"));
        let (name, value) = &environment[0];
        assert_eq!(name, b"ERL_INETRC");
        let path = core::str::from_utf8(value).unwrap();
        assert_eq!(text(&mut files, path), INETRC_TEXT);
        assert_eq!(read(&mut files, "/etc/resolv.conf", 100), None);
    }

    #[test]
    fn a_users_inetrc_stays() {
        let (mut files, mut environment) = (files(), Vec::new());
        environment.push((b"ERL_INETRC".to_vec(), b"/my".to_vec()));
        prepare(&mut files, &mut environment).unwrap();
        assert_eq!(environment.len(), 1);
        assert_eq!(read(&mut files, "/etc/erl_inetrc", 100), None);
    }

    #[test]
    fn what_the_network_tells_is_written_and_written_again() {
        let mut files = files();
        prepare(&mut files, &mut Vec::new()).unwrap();
        let own = Some(Ipv4Addr::new(10, 0, 0, 9).into());
        write_all(&mut files, &naming(), own).unwrap();
        let conf = text(&mut files, "/etc/resolv.conf");
        assert_eq!(
            conf.strip_prefix(MARK).unwrap(),
            "nameserver 10.0.0.1\nnameserver fd00::1\nnameserver 10.0.0.2\nsearch example.org test\n"
        );
        let hosts = text(&mut files, "/etc/hosts");
        assert!(hosts.ends_with("\n10.0.0.9\tweb1.example.org web1\n"));
        assert_eq!(text(&mut files, "/etc/hostname"), "web1\n");
        let less = Naming {
            servers: Vec::new(),
            search: Vec::new(),
            host_name: Some("web1.other".into()),
        };
        write_all(&mut files, &less, own).unwrap();
        assert_eq!(text(&mut files, "/etc/resolv.conf"), MARK);
        assert!(text(&mut files, "/etc/hosts").ends_with("\n10.0.0.9\tweb1.other\n"));
    }

    #[test]
    fn files_of_the_image_stay_as_they_are() {
        let mut files = files();
        files.make_dir(c"/etc").unwrap();
        replace(&mut files, HOSTS, b"10.1.1.1 db\n").unwrap();
        replace(&mut files, RESOLV_CONF, b"").unwrap();
        prepare(&mut files, &mut Vec::new()).unwrap();
        write_all(&mut files, &naming(), None).unwrap();
        assert_eq!(text(&mut files, "/etc/hosts"), "10.1.1.1 db\n");
        assert_eq!(text(&mut files, "/etc/resolv.conf"), "");
    }

    #[test]
    fn no_network_writes_lines_of_its_own() {
        for name in ["", "a b", "a\nnameserver 6.6.6.6", "ä", &"x".repeat(300)] {
            assert!(!is_name(name), "{name:?}");
        }
        assert!(is_name("web-1.example.org"));
    }
}
