//! How requests are answered: a byte that says whether it went well, then what was asked for or why not.

use super::wire::answer;
use crate::fs::errno::Errno;
use crate::memory::NoMemory;
use crate::port::driver::ControlAnswer;

/// Why a request was not carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The world's error.
    Posix(Errno),
    /// A reason of the drivers' own.
    Named(&'static str),
}

/// The socket is not in a state for this.
pub const BAD_PORT: Refusal = Refusal::Named("exbadport");

/// The request makes no sense.
pub const INVALID: Refusal = Refusal::Posix(Errno::EINVAL);

impl Refusal {
    /// As an atom says it.
    pub fn name(self) -> &'static str {
        match self {
            Refusal::Posix(error) => error.name(),
            Refusal::Named(name) => name,
        }
    }
}

impl From<Errno> for Refusal {
    fn from(error: Errno) -> Refusal {
        Refusal::Posix(error)
    }
}

impl From<NoMemory> for Refusal {
    fn from(_: NoMemory) -> Refusal {
        Refusal::Posix(Errno::ENOMEM)
    }
}

/// What an answer says, without the first byte.
pub type Reply = Result<Answer, Refusal>;

/// The bytes of a good answer; most are few.
#[derive(Debug, PartialEq, Eq)]
pub struct Answer(ControlAnswer);

impl Answer {
    /// `ok` and nothing else.
    pub fn empty() -> Result<Answer, NoMemory> {
        Answer::of(&[])
    }

    /// `bytes`.
    pub fn of(bytes: &[u8]) -> Result<Answer, NoMemory> {
        let mut answer = ControlAnswer::new();
        answer.try_reserve(1 + bytes.len()).map_err(|_| NoMemory)?;
        answer.push(answer::OK);
        answer.extend_from_slice(bytes);
        Ok(Answer(answer))
    }

    /// More of it.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), NoMemory> {
        self.0.try_reserve(bytes.len()).map_err(|_| NoMemory)?;
        self.0.extend_from_slice(bytes);
        Ok(())
    }
}

/// What `port_control/3` gets.
pub fn bytes(reply: Reply) -> ControlAnswer {
    match reply {
        Ok(Answer(bytes)) => bytes,
        Err(refusal) => {
            let mut bytes = ControlAnswer::from_slice(&[answer::ERROR]);
            bytes.extend_from_slice(refusal.name().as_bytes());
            bytes
        }
    }
}
