//! Reading and writing one value of xenstore, over xenstored's socket.
//!
//! A message is four 32-bit words (kind, request, transaction, length) and that many bytes. See `io/xs_wire.h` of
//! Xen's public headers.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;

use super::toolstack::XENSTORE_SOCKET;

const READ: u32 = 2;
const WRITE: u32 = 11;
const ERROR: u32 = 16;
/// `XENSTORE_PAYLOAD_MAX`.
const PAYLOAD_MAX: u32 = 4096;

/// The value at `path`, or none if there is no such node.
pub fn read(path: &str) -> io::Result<Option<String>> {
    let mut socket = UnixStream::connect(XENSTORE_SOCKET)?;
    exchange(&mut socket, READ, path, b"")
}

/// Gives the node at `path` a value; the node is made if it is not there.
pub fn write(path: &str, value: &str) -> io::Result<()> {
    let mut socket = UnixStream::connect(XENSTORE_SOCKET)?;
    exchange(&mut socket, WRITE, path, value.as_bytes()).map(drop)
}

/// One request about a node, and its answer; none if there is no such node.
fn exchange(
    stream: &mut (impl Read + Write),
    kind: u32,
    path: &str,
    value: &[u8],
) -> io::Result<Option<String>> {
    let mut request = Vec::new();
    for word in [kind, 0, 0, (path.len() + 1 + value.len()) as u32] {
        request.extend_from_slice(&word.to_le_bytes());
    }
    request.extend_from_slice(path.as_bytes());
    request.push(0);
    request.extend_from_slice(value);
    stream.write_all(&request)?;

    let mut header = [[0; 4]; 4];
    stream.read_exact(header.as_flattened_mut())?;
    let [answer, _, _, len] = header.map(u32::from_le_bytes);
    if len > PAYLOAD_MAX {
        return Err(io::Error::other("xenstored's answer is too long"));
    }
    let mut payload = vec![0; len as usize];
    stream.read_exact(&mut payload)?;
    let text = String::from_utf8_lossy(&payload).into_owned();
    match answer {
        _ if answer == kind => Ok(Some(text)),
        ERROR if text.trim_end_matches('\0') == "ENOENT" => Ok(None),
        ERROR => Err(io::Error::other(format!("xenstored: {path}: {text}"))),
        other => Err(io::Error::other(format!(
            "xenstored answers with kind {other}"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(kind: u32, len: u32, payload: &[u8]) -> io::Result<Option<String>> {
        let (mut ours, mut theirs) = UnixStream::pair().unwrap();
        for word in [kind, 0, 0, len] {
            theirs.write_all(&word.to_le_bytes()).unwrap();
        }
        theirs.write_all(payload).unwrap();
        let result = exchange(&mut ours, READ, "/a", b"");
        let mut request = [0; 19];
        theirs.read_exact(&mut request).unwrap();
        assert_eq!(&request, b"\x02\0\0\0\0\0\0\0\0\0\0\0\x03\0\0\0/a\0");
        result
    }

    #[test]
    fn a_value_is_written_behind_its_path() {
        let (mut ours, mut theirs) = UnixStream::pair().unwrap();
        for word in [WRITE, 0, 0, 3] {
            theirs.write_all(&word.to_le_bytes()).unwrap();
        }
        theirs.write_all(b"OK\0").unwrap();
        exchange(&mut ours, WRITE, "/a", b"value").unwrap();
        let mut request = [0; 24];
        theirs.read_exact(&mut request).unwrap();
        assert_eq!(&request, b"\x0b\0\0\0\0\0\0\0\0\0\0\0\x08\0\0\0/a\0value");
    }

    #[test]
    fn values_absence_and_errors_are_told_apart() {
        assert_eq!(answer(READ, 3, b"abc").unwrap().as_deref(), Some("abc"));
        assert_eq!(answer(ERROR, 7, b"ENOENT\0").unwrap(), None);
        assert!(answer(ERROR, 7, b"EACCES\0").is_err());
        assert!(answer(READ, 5000, b"").is_err());
        assert!(answer(7, 0, b"").is_err());
    }
}
