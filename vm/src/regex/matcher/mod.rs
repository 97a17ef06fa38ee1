//! Running a program on a subject: where to try, and what came of it.
//!
//! Backtracking, with an explicit stack (`stack`); one attempt at one place is `attempt`.

mod attempt;
mod run;
mod stack;

use super::options::{Newline, Options, RunOptions};
use super::program::{NONE, Program};
use super::text;
use crate::memory::NoMemory;
use smallvec::SmallVec;
use stack::Stack;

/// PCRE's limits, which OTP does not change.
const MATCH_LIMIT: u32 = 10_000_000;

/// Why a run has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    MatchLimit,
    RecursionLimit,
    /// A group called itself without having moved.
    RecursionLoop,
    NoMemory,
    /// This is no program of this machine.
    Corrupt,
    /// The subject is not UTF-8, or the search begins inside of a character.
    BadUtf8,
    /// The search begins behind the subject's end.
    BadOffset,
    /// Whoever was to be asked for a rest wants no answer any more.
    Ended,
}

/// Asked now and then, with the work since the last time, whether the search may go on.
pub type Rest<'a> = &'a mut dyn FnMut(u64) -> bool;

/// Work between two questions.
const WORK_BETWEEN_RESTS: u64 = 4096;

impl From<NoMemory> for Stop {
    fn from(_: NoMemory) -> Stop {
        Stop::NoMemory
    }
}

/// A match: the positions of the groups.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// First and last byte of each group, for as many groups as the last one that matched, or -1.
    pub groups: SmallVec<[(i64, i64); 8]>,
    /// Whether there was a match.
    pub is_match: bool,
    /// How much was done, for reductions.
    pub work: u64,
}

/// What one attempt came to.
enum Attempt {
    /// A match, with its end.
    Match(u32),
    /// None that begins here.
    Failed,
    /// None that begins before this position.
    SkipTo(u32),
    /// None at all.
    Commit,
}

struct Matcher<'a> {
    program: Program<'a>,
    subject: &'a [u8],
    utf: bool,
    ucp: bool,
    newline: Newline,
    bsr_anycrlf: bool,
    options: Options,
    search_start: u32,
    /// Where the match begins: `\K` moves it.
    match_start: u32,
    slots: SmallVec<[u32; 48]>,
    stack: Stack,
    steps: u64,
    match_limit: u64,
    recursion_limit: usize,
    work: u64,
    /// What of `work` has been told.
    told: u64,
    rest: Rest<'a>,
}

/// Searches `subject` for the first match of `program`.
pub fn find<'a>(
    program: Program<'a>,
    subject: &'a [u8],
    options: &RunOptions,
    rest: Rest<'a>,
) -> Result<Found, Stop> {
    let header = program.header;
    let utf = header.options.has(Options::UTF);
    if subject.len() >= i32::MAX as usize {
        return Err(Stop::NoMemory);
    }
    if options.offset > subject.len() {
        return Err(Stop::BadOffset);
    }
    if utf && !options.is_checked {
        let is_inside = subject
            .get(options.offset)
            .is_some_and(|byte| byte & 0xc0 == 0x80);
        if core::str::from_utf8(subject).is_err() || is_inside {
            return Err(Stop::BadUtf8);
        }
    }
    let newline = options
        .newline
        .or(Newline::from_code(header.newline))
        .ok_or(Stop::Corrupt)?;
    let limit = |asked: Option<u32>, inner: u32| {
        let asked = asked.unwrap_or(MATCH_LIMIT);
        if inner == NONE {
            asked
        } else {
            asked.min(inner)
        }
    };
    let mut matcher = Matcher {
        program,
        subject,
        utf,
        ucp: header.options.has(Options::UCP),
        newline,
        bsr_anycrlf: options.bsr_anycrlf.unwrap_or(header.bsr_anycrlf != 0),
        options: header.options.with(options.options),
        search_start: options.offset as u32,
        match_start: 0,
        slots: SmallVec::new(),
        stack: Stack::new(),
        steps: 0,
        match_limit: limit(options.match_limit, header.match_limit) as u64,
        recursion_limit: limit(options.match_limit_recursion, header.recursion_limit) as usize,
        work: 0,
        told: 0,
        rest,
    };
    matcher
        .slots
        .try_grow(header.slots as usize)
        .map_err(|_| Stop::NoMemory)?;
    matcher.slots.resize(header.slots as usize, NONE);
    matcher.search()
}

impl Matcher<'_> {
    /// Tells what has been done, `more` besides `work`, if it is much.
    #[inline]
    fn tell(&mut self, more: u64) -> Result<(), Stop> {
        let new = self.work + more - self.told;
        if new < WORK_BETWEEN_RESTS {
            return Ok(());
        }
        self.told += new;
        match (self.rest)(new) {
            true => Ok(()),
            false => Err(Stop::Ended),
        }
    }

    fn search(&mut self) -> Result<Found, Stop> {
        let anchored =
            self.options.has(Options::IS_ANCHORED) || self.options.has(Options::ANCHORED);
        let firstline = self.options.has(Options::FIRSTLINE);
        let optimize = !self.options.has(Options::NO_START_OPTIMIZE);
        let mut at = self.search_start as usize;
        let mut required_at = None;
        loop {
            if optimize && !anchored {
                // A candidate beyond the first line is none.
                let end = self.search_end(at, firstline);
                match self.candidate(at, end)? {
                    Some(candidate) => {
                        self.work += (candidate - at) as u64 / 16;
                        at = candidate;
                    }
                    None => break,
                }
            }
            if optimize && !self.has_required(at, &mut required_at) {
                break;
            }
            self.work += 1;
            self.tell(0)?;
            let mut next = None;
            match self.attempt(at as u32)? {
                Attempt::Match(end) => return Ok(self.found(end)),
                Attempt::Commit => break,
                Attempt::Failed => {}
                Attempt::SkipTo(position) => {
                    next = Some(position as usize).filter(|position| *position > at);
                }
            }
            if anchored || (firstline && self.is_newline(at)) {
                break;
            }
            let Some((_, length)) = text::decode(self.subject, at, self.utf) else {
                break;
            };
            // Between CR and LF begins no match, unless the pattern speaks of them.
            let is_crlf = next.is_none()
                && self.newline.takes_crlf()
                && !self.options.has(Options::HAS_CR_OR_LF)
                && self.subject[at] == b'\r'
                && self.subject.get(at + 1) == Some(&b'\n');
            at = next.unwrap_or(at + length + is_crlf as usize);
        }
        Ok(Found {
            work: self.work,
            ..Found::default()
        })
    }

    fn is_newline(&self, at: usize) -> bool {
        self.newline.at(self.subject, at, self.utf).is_some()
    }

    /// How far a match may begin.
    fn search_end(&self, at: usize, firstline: bool) -> usize {
        let mut end = self.subject.len();
        if firstline {
            end = (at..end).find(|i| self.is_newline(*i)).unwrap_or(end);
        }
        end
    }

    /// The first position from `at` on where a match can begin.
    fn candidate(&self, at: usize, end: usize) -> Result<Option<usize>, Stop> {
        let header = &self.program.header;
        let rest = self.subject.get(at..end).ok_or(Stop::Corrupt)?;
        let first = |offset: Option<usize>| Ok(offset.map(|offset| at + offset));
        if self.options.has(Options::STARTS_LINE) && at > self.search_start as usize {
            return Ok(self.line_start(at, end));
        }
        if header.prefix_length > 0 {
            let prefix = self
                .program
                .bytes(header.prefix, header.prefix_length)
                .ok_or(Stop::Corrupt)?;
            if end == self.subject.len() {
                // Short searches are done before a search for several bytes is prepared.
                if rest.len() < 64 {
                    return first(
                        rest.windows(prefix.len())
                            .position(|window| window == prefix),
                    );
                }
                return first(memchr::memmem::find(rest, prefix));
            }
        }
        let [a, b, c, count] = header.first_bytes.to_le_bytes();
        match count {
            1 => return first(memchr::memchr(a, rest)),
            2 => return first(memchr::memchr2(a, b, rest)),
            3 => return first(memchr::memchr3(a, b, c, rest)),
            _ => {}
        }
        if header.first != NONE {
            let bitmap = self
                .program
                .bytes(header.first, 32)
                .and_then(|bytes| bytes.first_chunk::<32>())
                .ok_or(Stop::Corrupt)?;
            return first(
                rest.iter()
                    .position(|byte| super::set::bitmap_has(bitmap, *byte)),
            );
        }
        Ok(Some(at))
    }

    /// The first position from `at` on that has a newline before it, or `end`.
    fn line_start(&self, at: usize, end: usize) -> Option<usize> {
        let mut at = at;
        if self.newline == Newline::Lf {
            if self.subject.get(at.wrapping_sub(1)) == Some(&b'\n') {
                return Some(at);
            }
            let offset = memchr::memchr(b'\n', self.subject.get(at..end)?);
            return Some(offset.map_or(end, |offset| at + offset + 1));
        }
        while at < end && !self.newline.before(self.subject, at, self.utf) {
            at += 1;
        }
        // A newline of two characters ends behind the second.
        let is_between = matches!(self.newline, Newline::Any | Newline::AnyCrLf)
            && self.subject.get(at.wrapping_sub(1)) == Some(&b'\r')
            && self.subject.get(at) == Some(&b'\n');
        Some(at + is_between as usize)
    }

    /// Whether the byte that every match has is still to come.
    fn has_required(&self, at: usize, found: &mut Option<usize>) -> bool {
        let required = self.program.header.required;
        if required == NONE || found.is_some_and(|place| place >= at) {
            return true;
        }
        let rest = self.subject.get(at..).unwrap_or_default();
        *found = memchr::memchr(required as u8, rest).map(|offset| at + offset);
        found.is_some()
    }

    fn found(&self, end: u32) -> Found {
        let mut groups = SmallVec::new();
        groups.push((self.match_start as i64, end as i64));
        let positions = |group: usize| {
            let start = *self.slots.get(2 * group)?;
            let end = *self.slots.get(2 * group + 1)?;
            (start != NONE && end != NONE).then_some((start as i64, end as i64))
        };
        let count = self.program.header.groups as usize;
        let last = (1..=count).rev().find(|group| positions(*group).is_some());
        for group in 1..=last.unwrap_or(0) {
            groups.push(positions(group).unwrap_or((-1, -1)));
        }
        Found {
            groups,
            is_match: true,
            work: self.work,
        }
    }
}
