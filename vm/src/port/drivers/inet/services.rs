//! Ports that have names: `inet:getservbyname/2` and its likes, from `/etc/services` as libc does, or, where there is no such file, from a few
//! that everybody knows.

use super::reader::Reader;
use super::reply::{Answer, INVALID, Reply};
use crate::fs::FileSystem;
use crate::naming;
use crate::port::driver::Handle;

/// Where services are listed.
const FILE: &str = "/etc/services";
/// A longer file is none.
const LONGEST: usize = 4 << 20;

/// What is known without a file, in its format. IANA's names, with the aliases that Debian gives them.
const WELL_KNOWN: &str = "\
echo 7/tcp
echo 7/udp
discard 9/tcp sink null
discard 9/udp sink null
daytime 13/tcp
daytime 13/udp
ftp-data 20/tcp
ftp 21/tcp
ssh 22/tcp
telnet 23/tcp
smtp 25/tcp mail
time 37/tcp timserver
time 37/udp timserver
domain 53/tcp
domain 53/udp
bootps 67/udp
bootpc 68/udp
tftp 69/udp
gopher 70/tcp
finger 79/tcp
http 80/tcp www
kerberos 88/tcp kerberos5 krb5 kerberos-sec
kerberos 88/udp kerberos5 krb5 kerberos-sec
pop3 110/tcp pop-3
sunrpc 111/tcp portmapper
sunrpc 111/udp portmapper
ntp 123/udp
imap2 143/tcp imap
snmp 161/tcp
snmp 161/udp
snmp-trap 162/udp snmptrap
bgp 179/tcp
ldap 389/tcp
ldap 389/udp
https 443/tcp
https 443/udp
submissions 465/tcp ssmtp smtps urd
syslog 514/udp
submission 587/tcp
ldaps 636/tcp
ldaps 636/udp
domain-s 853/tcp
domain-s 853/udp
imaps 993/tcp
pop3s 995/tcp
mysql 3306/tcp
epmd 4369/tcp
sip 5060/tcp
sip 5060/udp
sip-tls 5061/tcp
xmpp-client 5222/tcp jabber-client
xmpp-server 5269/tcp jabber-server
postgresql 5432/tcp postgres
amqps 5671/tcp
amqp 5672/tcp
http-alt 8080/tcp webcache
";

/// A line of the file.
struct Service<'a> {
    name: &'a [u8],
    port: u16,
    protocol: &'a [u8],
    aliases: &'a [u8],
}

impl<'a> Service<'a> {
    /// `NAME PORT/PROTOCOL ALIAS... # COMMENT`; `None` for what is no service.
    fn parse(line: &'a [u8]) -> Option<Service<'a>> {
        let line = line.split(|&byte| byte == b'#').next()?;
        let (name, rest) = word(line)?;
        let (port, aliases) = word(rest)?;
        let slash = port.iter().position(|&byte| byte == b'/')?;
        let number = core::str::from_utf8(&port[..slash]).ok()?;
        Some(Service {
            name,
            port: number.parse().ok()?,
            protocol: &port[slash + 1..],
            aliases,
        })
    }

    fn has_name(&self, name: &[u8]) -> bool {
        let mut rest = self.aliases;
        let aliases = core::iter::from_fn(|| {
            let (alias, more) = word(rest)?;
            rest = more;
            Some(alias)
        });
        core::iter::once(self.name)
            .chain(aliases)
            .any(|known| known == name)
    }
}

/// The first word of a line, and what is behind it.
fn word(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let start = line.iter().position(|byte| !byte.is_ascii_whitespace())?;
    let line = &line[start..];
    let end = line.iter().position(u8::is_ascii_whitespace);
    Some(line.split_at(end.unwrap_or(line.len())))
}

fn find<'a>(text: &'a [u8], test: impl Fn(&Service) -> bool) -> Option<Service<'a>> {
    let lines = text.split(|&byte| byte == b'\n');
    lines
        .filter_map(Service::parse)
        .find(|service| test(service))
}

/// The port of the service `name`, if there is such a service.
pub fn port_of(files: &mut dyn FileSystem, name: &[u8], protocol: &[u8]) -> Option<u16> {
    let file = naming::read(files, FILE, LONGEST);
    let text = file.as_deref().unwrap_or(WELL_KNOWN.as_bytes());
    let found = find(text, |service| {
        service.protocol == protocol && service.has_name(name)
    });
    Some(found?.port)
}

/// Hands the name of the service at `port` to `told`, if there is such a service.
pub fn name_of<T>(
    files: &mut dyn FileSystem,
    port: u16,
    protocol: &[u8],
    told: impl FnOnce(&[u8]) -> T,
) -> Option<T> {
    let file = naming::read(files, FILE, LONGEST);
    let text = file.as_deref().unwrap_or(WELL_KNOWN.as_bytes());
    let found = find(text, |service| {
        service.protocol == protocol && service.port == port
    });
    Some(told(found?.name))
}

/// `INET_REQ_GETSERVBYNAME`: the port of a service. `einval` if there is no such service.
pub fn by_name(at: &mut Handle, data: &[u8]) -> Reply {
    let mut reader = Reader::new(data);
    let length = reader.u8()?;
    let name = reader.take(length.into())?;
    let length = reader.u8()?;
    let protocol = reader.take(length.into())?;
    let port = port_of(&mut *at.machine.files, name, protocol);
    Ok(Answer::of(&port.ok_or(INVALID)?.to_be_bytes())?)
}

/// `INET_REQ_GETSERVBYPORT`: the name of a service. `einval` if there is no such service.
pub fn by_port(at: &mut Handle, data: &[u8]) -> Reply {
    let mut reader = Reader::new(data);
    let port = reader.u16()?;
    let length = reader.u8()?;
    let protocol = reader.take(length.into())?;
    let answer = name_of(&mut *at.machine.files, port, protocol, Answer::of);
    Ok(answer.ok_or(INVALID)??)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_have_names_and_aliases() {
        let text = b"# a comment\n\nhttp\t\t80/tcp\t\twww # WorldWideWeb\nbad line\nx 70000/tcp\nhttp 80/udp";
        let by_name = |name: &[u8], protocol: &[u8]| {
            find(text, |s| s.has_name(name) && s.protocol == protocol).map(|s| s.port)
        };
        assert_eq!(by_name(b"www", b"tcp"), Some(80));
        assert_eq!(by_name(b"www", b"udp"), None);
        assert_eq!(by_name(b"#", b"tcp"), None);
        assert_eq!(by_name(b"x", b"tcp"), None);
        assert_eq!(
            find(text, |s| s.port == 80).map(|s| s.name),
            Some(&b"http"[..])
        );
    }

    #[test]
    fn every_line_that_is_known_is_a_service() {
        for line in WELL_KNOWN.lines() {
            assert!(Service::parse(line.as_bytes()).is_some(), "{line}");
        }
        let https = find(WELL_KNOWN.as_bytes(), |s| s.has_name(b"https"));
        assert_eq!(https.map(|s| s.port), Some(443));
    }
}
