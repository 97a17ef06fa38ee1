//! Why an operation on xenstore failed.

use alloc::string::String;
use core::fmt;

/// An error that xenstored names: the text of an `XS_ERROR` message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal(&'static str);

impl Refusal {
    /// There is no such node.
    pub const ENOENT: Refusal = Refusal("ENOENT");
    /// This domain may not.
    pub const EACCES: Refusal = Refusal("EACCES");
    /// The transaction met another one; it can be tried again.
    pub const EAGAIN: Refusal = Refusal("EAGAIN");
    /// There is one already.
    pub const EEXIST: Refusal = Refusal("EEXIST");
    /// The request or the path has a form that xenstored does not take.
    pub const EINVAL: Refusal = Refusal("EINVAL");
    /// The list is longer than a reply can be.
    pub const E2BIG: Refusal = Refusal("E2BIG");
    /// This domain has as many nodes, watches or transactions as it may have.
    pub const ENOSPC: Refusal = Refusal("ENOSPC");
    /// xenstored does not know the operation.
    pub const ENOSYS: Refusal = Refusal("ENOSYS");
    /// A name that is none of these.
    const UNKNOWN: Refusal = Refusal("an error without a known name");

    /// `xsd_errors` of `io/xs_wire.h`.
    const ALL: [Refusal; 17] = [
        Refusal::EINVAL,
        Refusal::EACCES,
        Refusal::EEXIST,
        Refusal("EISDIR"),
        Refusal::ENOENT,
        Refusal("ENOMEM"),
        Refusal::ENOSPC,
        Refusal("EIO"),
        Refusal("ENOTEMPTY"),
        Refusal::ENOSYS,
        Refusal("EROFS"),
        Refusal("EBUSY"),
        Refusal::EAGAIN,
        Refusal("EISCONN"),
        Refusal::E2BIG,
        Refusal("EPERM"),
        Refusal("ECONNREFUSED"),
    ];

    /// The refusal in an error message's payload.
    pub(super) fn parse(payload: &[u8]) -> Refusal {
        let name = payload.strip_suffix(b"\0").unwrap_or(payload);
        let found = Self::ALL.iter().find(|known| known.0.as_bytes() == name);
        *found.unwrap_or(&Self::UNKNOWN)
    }

    /// The POSIX name, if xenstored gave one that is known.
    pub fn name(self) -> Option<&'static str> {
        (self != Self::UNKNOWN).then_some(self.0)
    }
}

/// Why an operation failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// xenstored says no.
    Refused(Refusal),
    /// The reply does not answer the request: what is wrong with it.
    Malformed(&'static str),
    /// The connection is of no use any more, and why.
    Broken(&'static str),
    /// No reply in time.
    TimedOut,
    /// The path or value cannot be sent: what is wrong with it.
    Unsendable(&'static str),
    /// A device did not do what was waited for: the whole story, for people.
    Device(String),
}

impl Error {
    /// Whether xenstored has no such node.
    pub fn is_absent(&self) -> bool {
        *self == Error::Refused(Refusal::ENOENT)
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Error {
        Error::Refused(refusal)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Refused(refusal) => write!(f, "xenstored answered {}", refusal.0),
            Error::Malformed(what) => write!(f, "xenstored's answer is malformed: {what}"),
            Error::Broken(why) => write!(f, "the connection to xenstored is broken: {why}"),
            Error::TimedOut => f.write_str("xenstored did not answer in time"),
            Error::Unsendable(what) => write!(f, "cannot be sent to xenstored: {what}"),
            Error::Device(story) => f.write_str(story),
        }
    }
}
