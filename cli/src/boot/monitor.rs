//! QEMU's monitor (QMP): here only to give ports of this machine to QEMU's user network while it runs.
//!
//! QMP is a line of JSON each way: QEMU greets, the client asks for its capabilities, then each command is answered by a line with
//! `return` or `error`; lines with `event` may come between. See `docs/interop/qmp-spec.txt` of QEMU.

use std::io::{self, BufRead, BufReader, Write};
use std::net::IpAddr;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use super::network::Forward;
use crate::failure::{Failure, Result};

/// The name of QEMU's user network on its command line.
pub const NETWORK: &str = "net0";

/// QEMU answers within milliseconds.
const LIMIT: Duration = Duration::from_secs(20);

/// The monitor of a running QEMU.
pub struct Monitor {
    stream: BufReader<UnixStream>,
    greeted: bool,
}

impl Monitor {
    /// The monitor at the other end of `stream`.
    pub fn new(stream: UnixStream) -> Monitor {
        Monitor {
            stream: BufReader::new(stream),
            greeted: false,
        }
    }

    /// Lets connections to the forward's port of this machine reach the domain at `address`.
    pub fn forward(&mut self, forward: &Forward, address: IpAddr) -> Result<()> {
        let Forward {
            protocol,
            host,
            guest,
        } = forward;
        let rule = format!(
            "hostfwd_add {NETWORK} {protocol}:{}:{}-{address}:{guest}",
            host.ip(),
            host.port()
        );
        let answer = self
            .command(&rule)
            .map_err(|error| Failure::new(format!("boot: {forward}: QEMU's monitor: {error}")))?;
        if answer.is_empty() {
            return Ok(());
        }
        Err(
            Failure::new(format!("boot: {forward}: QEMU says: {answer}"))
                .with_hint("Somebody may have taken the port meanwhile."),
        )
    }

    /// Runs a command of the human monitor; what it printed.
    fn command(&mut self, line: &str) -> io::Result<String> {
        self.stream.get_ref().set_read_timeout(Some(LIMIT))?;
        if !self.greeted {
            self.line()?;
            self.execute(r#"{"execute":"qmp_capabilities"}"#)?;
            self.greeted = true;
        }
        // Neither addresses nor numbers need escapes.
        let answer = self.execute(&format!(
            r#"{{"execute":"human-monitor-command","arguments":{{"command-line":"{line}"}}}}"#
        ))?;
        Ok(returned_text(&answer)
            .replace("\\r\\n", " ")
            .trim()
            .to_owned())
    }

    /// Sends a command; the line that answers it.
    fn execute(&mut self, command: &str) -> io::Result<String> {
        self.stream
            .get_mut()
            .write_all(format!("{command}\r\n").as_bytes())?;
        loop {
            let line = self.line()?;
            if line.starts_with("{\"return\"") || line.starts_with("{\"error\"") {
                return Ok(line);
            }
        }
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        if self.stream.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(line.trim_end().to_owned())
    }
}

/// The string that was returned, empty if it is empty; all of the answer if that is an error.
fn returned_text(answer: &str) -> &str {
    answer
        .strip_prefix("{\"return\": \"")
        .and_then(|rest| rest.strip_suffix("\"}"))
        .unwrap_or(answer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    /// A QEMU that answers the second command with `answer`.
    fn ask(answer: &'static str) -> (Result<()>, String) {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let qemu = thread::spawn(move || {
            let mut qemu = BufReader::new(theirs);
            qemu.get_mut().write_all(b"{\"QMP\": {}}\r\n").unwrap();
            let mut commands = String::new();
            qemu.read_line(&mut commands).unwrap();
            qemu.get_mut()
                .write_all(b"{\"return\": {}}\r\n{\"event\": \"X\"}\r\n")
                .unwrap();
            qemu.read_line(&mut commands).unwrap();
            qemu.get_mut().write_all(answer.as_bytes()).unwrap();
            commands
        });
        let forward = "8080:80".parse().unwrap();
        let result = Monitor::new(ours).forward(&forward, "10.0.2.15".parse().unwrap());
        (result, qemu.join().unwrap())
    }

    #[test]
    fn a_port_is_forwarded_or_qemus_words_are_told() {
        let (result, commands) = ask("{\"return\": \"\"}\r\n");
        result.unwrap();
        assert!(
            commands.contains("hostfwd_add net0 tcp:127.0.0.1:8080-10.0.2.15:80"),
            "{commands}"
        );
        let (result, _) = ask("{\"return\": \"could not set up\\r\\n\"}\r\n");
        assert!(result.unwrap_err().to_string().contains("could not set up"));
        let (result, _) = ask("{\"error\": {\"desc\": \"no\"}}\r\n");
        assert!(result.is_err());
        let (result, _) = ask("");
        assert!(result.is_err());
    }
}
