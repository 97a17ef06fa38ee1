//! From a pattern's text to a tree.
//!
//! One pass, with a stack of open groups instead of recursion. The syntax, the order of checks and the offsets of
//! errors are PCRE 8.44's. A pattern ends at its first zero byte, because PCRE 8's does.

mod class;
mod escape;
mod group;
mod quantifier;
mod resolve;

use super::Pace;
use super::ast::{Assertion, Ast, GroupKind, GroupRef, Mode, Node, NodeId};
use super::ctype;
use super::error::{self, CompileError};
use super::options::{CompileOptions, Newline, Options};
use alloc::vec::Vec;

/// Most nodes of a tree; PCRE's compiled patterns have a limit, too, of 64 KiB.
const MAX_NODES: usize = 100_000;

/// Most groups inside of one another: as many as PCRE's work space has room for when they capture.
const MAX_DEPTH: usize = 798;

/// What the parser returns.
pub type Result<T> = core::result::Result<T, CompileError>;

/// A pattern and what it says of itself.
pub struct Parsed {
    pub ast: Ast,
    /// With what verbs at the pattern's start, such as `(*UTF8)`, have set.
    pub compile: CompileOptions,
    /// `(*LIMIT_MATCH=..)`
    pub match_limit: Option<u32>,
    /// `(*LIMIT_RECURSION=..)`
    pub recursion_limit: Option<u32>,
}

/// A group that is open.
struct Frame {
    kind: GroupKind,
    /// The options to go back to at its end.
    outer_options: Options,
    /// The current alternative.
    items: Vec<NodeId>,
    /// Whether a quantifier may follow the last item.
    repeatable: bool,
    alternatives: Vec<NodeId>,
    /// Of `(?|`: the number of groups before it, and the most that an alternative came to.
    reset: Option<(u32, u32)>,
    /// A condition that is an assertion comes next.
    wants_condition: bool,
    /// The number of nodes at its beginning.
    first_node: usize,
}

struct Parser<'p> {
    pattern: &'p [u8],
    at: usize,
    options: Options,
    compile: CompileOptions,
    utf: bool,
    ast: Ast,
    frames: Vec<Frame>,
    /// Groups opened so far.
    groups: u32,
    /// References to groups, checked at the end: node and offset for the error.
    references: Vec<(GroupRef, usize)>,
    /// Back references beyond this many groups are errors.
    highest_reference: u32,
    /// Alternatives of lookbehinds, where they end, and the node from which on they may have calls.
    lookbehinds: Vec<(NodeId, usize, usize)>,
    /// Groups with a back reference to themselves: PCRE makes them atomic.
    self_references: Vec<u32>,
    match_limit: Option<u32>,
    recursion_limit: Option<u32>,
    /// The name being read is that of a new group.
    opening: bool,
}

/// Nodes that are looked at in passing in the time of one that is made.
const FAST: usize = 8;

/// Parses `pattern`.
pub fn parse(pattern: &[u8], compile: CompileOptions, pace: &mut Pace<'_>) -> Result<Parsed> {
    let end = memchr::memchr(0, pattern).unwrap_or(pattern.len());
    let mut parser = Parser {
        pattern: &pattern[..end],
        at: 0,
        options: compile.options,
        compile,
        utf: compile.options.has(Options::UTF),
        ast: Ast::default(),
        frames: Vec::new(),
        groups: 0,
        references: Vec::new(),
        highest_reference: 0,
        lookbehinds: Vec::new(),
        self_references: Vec::new(),
        match_limit: None,
        recursion_limit: None,
        opening: false,
    };
    parser.leading_verbs()?;
    parser.check_encoding()?;
    parser.open(GroupKind::Root);
    parser.pattern(pace)?;
    parser.ast.root = parser.close_frame();
    parser.ast.groups = parser.groups;
    parser.resolve()?;
    pace.did(parser.ast.nodes.len() / FAST);
    Ok(Parsed {
        ast: parser.ast,
        compile: parser.compile,
        match_limit: parser.match_limit,
        recursion_limit: parser.recursion_limit,
    })
}

impl Parser<'_> {
    fn error<T>(&self, text: &'static str, offset: usize) -> Result<T> {
        Err(CompileError { text, offset })
    }

    /// An error at the place that the parser has come to.
    fn here<T>(&self, text: &'static str) -> Result<T> {
        self.error(text, self.at)
    }

    fn peek(&self) -> Option<u8> {
        self.pattern.get(self.at).copied()
    }

    fn peek_at(&self, ahead: usize) -> Option<u8> {
        self.pattern.get(self.at + ahead).copied()
    }

    fn rest(&self) -> &[u8] {
        self.pattern.get(self.at..).unwrap_or_default()
    }

    fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += found as usize;
        found
    }

    fn eat_all(&mut self, text: &[u8]) -> bool {
        let found = self.rest().starts_with(text);
        if found {
            self.at += text.len();
        }
        found
    }

    /// The next character: a code point or a byte.
    fn next_char(&mut self) -> Option<u32> {
        let (c, length) = super::text::decode(self.pattern, self.at, self.utf)?;
        self.at += length;
        Some(c)
    }

    /// A decimal number; `None` if there is none or it is too large to be anything.
    fn number(&mut self) -> Option<u32> {
        let mut value: Option<u32> = None;
        while let Some(digit @ b'0'..=b'9') = self.peek() {
            let next = value.unwrap_or(0) as u64 * 10 + (digit - b'0') as u64;
            value = Some(next.min(u32::MAX as u64) as u32);
            self.at += 1;
        }
        value
    }

    fn frame(&mut self) -> &mut Frame {
        // The root's frame is there from beginning to end.
        let last = self.frames.len() - 1;
        &mut self.frames[last]
    }

    fn leading_verbs(&mut self) -> Result<()> {
        while self.rest().starts_with(b"(*") {
            let begin = self.at;
            self.at += 2;
            let name_end = self
                .rest()
                .iter()
                .position(|c| matches!(c, b')' | b'='))
                .unwrap_or(self.rest().len());
            let name = &self.pattern[self.at..self.at + name_end];
            let option = match name {
                b"UTF8" | b"UTF" => Options::UTF,
                b"UCP" => Options::UCP,
                b"NO_START_OPT" => Options::NO_START_OPTIMIZE,
                _ => Options::default(),
            };
            let newline = match name {
                b"CR" => Some(Newline::Cr),
                b"LF" => Some(Newline::Lf),
                b"CRLF" => Some(Newline::CrLf),
                b"ANY" => Some(Newline::Any),
                b"ANYCRLF" => Some(Newline::AnyCrLf),
                _ => None,
            };
            let bsr = match name {
                b"BSR_ANYCRLF" => Some(true),
                b"BSR_UNICODE" => Some(false),
                _ => None,
            };
            self.at += name.len();
            let is_limit = matches!(name, b"LIMIT_MATCH" | b"LIMIT_RECURSION");
            let limit = if is_limit && self.eat(b'=') {
                Some(self.number().unwrap_or(0))
            } else {
                None
            };
            let known = option != Options::default()
                || newline.is_some()
                || bsr.is_some()
                || limit.is_some()
                || name == b"NO_AUTO_POSSESS";
            if !known || !self.eat(b')') {
                self.at = begin;
                return Ok(());
            }
            self.options = self.options.with(option);
            self.compile.newline = newline.unwrap_or(self.compile.newline);
            self.compile.bsr_anycrlf = bsr.unwrap_or(self.compile.bsr_anycrlf);
            let target = if name == b"LIMIT_MATCH" {
                &mut self.match_limit
            } else {
                &mut self.recursion_limit
            };
            *target = match (*target, limit) {
                (Some(old), Some(new)) => Some(old.min(new)),
                (old, new) => new.or(old),
            };
        }
        Ok(())
    }

    fn check_encoding(&mut self) -> Result<()> {
        self.utf = self.options.has(Options::UTF);
        self.compile.options = self.options;
        if !self.utf {
            return Ok(());
        }
        if self.options.has(Options::NEVER_UTF) {
            return self.here(error::UTF_DISABLED);
        }
        match core::str::from_utf8(self.pattern) {
            Ok(_) => Ok(()),
            Err(wrong) => self.error(error::BAD_UTF8, wrong.valid_up_to()),
        }
    }

    fn open(&mut self, kind: GroupKind) {
        self.frames.push(Frame {
            kind,
            outer_options: self.options,
            items: Vec::new(),
            repeatable: false,
            alternatives: Vec::new(),
            reset: None,
            wants_condition: false,
            first_node: self.ast.nodes.len(),
        });
    }

    fn add(&mut self, node: Node) {
        let id = self.ast.push(node);
        self.add_id(id);
    }

    fn add_id(&mut self, id: NodeId) {
        let frame = self.frame();
        frame.items.push(id);
        frame.repeatable = true;
    }

    /// Adds what no quantifier may follow.
    fn add_unrepeatable(&mut self, node: Node) {
        self.add(node);
        self.frame().repeatable = false;
    }

    fn add_char(&mut self, c: u32) {
        if matches!(c, 10 | 13) {
            self.compile.options = self.compile.options.with(Options::HAS_CR_OR_LF);
        }
        let caseless = self.options.has(Options::CASELESS);
        self.add(Node::Char { c, caseless });
    }

    /// Ends the current alternative.
    fn end_alternative(&mut self) {
        let items = core::mem::take(&mut self.frame().items);
        let id = match items[..] {
            [] => self.ast.push(Node::Empty),
            [one] => one,
            _ => {
                let list = self.ast.push_list(&items);
                self.ast.push(Node::Concat(list))
            }
        };
        if matches!(self.frame().kind, GroupKind::Look { behind: true, .. }) {
            let first = self.frame().first_node;
            self.lookbehinds.push((id, self.at, first));
        }
        let frame = self.frame();
        frame.alternatives.push(id);
        frame.repeatable = false;
    }

    /// Ends the innermost open group, and makes its node.
    fn close_frame(&mut self) -> NodeId {
        self.end_alternative();
        let Some(frame) = self.frames.pop() else {
            return self.ast.push(Node::Empty);
        };
        if let Some((_, most)) = frame.reset {
            self.groups = self.groups.max(most);
        }
        self.options = frame.outer_options;
        let list = self.ast.push_list(&frame.alternatives);
        self.ast.push(Node::Group(frame.kind, list))
    }

    fn pattern(&mut self, pace: &mut Pace<'_>) -> Result<()> {
        loop {
            pace.did(1);
            if self.ast.nodes.len() > MAX_NODES {
                return self.here(error::TOO_LARGE);
            }
            if self.options.has(Options::EXTENDED) {
                self.skip_white_space();
            }
            let Some(byte) = self.peek() else {
                if self.frames.len() > 1 {
                    return self.here(error::MISSING_PARENTHESIS);
                }
                return Ok(());
            };
            let wants_condition = core::mem::take(&mut self.frame().wants_condition);
            if wants_condition && byte != b'(' {
                return self.here(error::CONDITION_ASSERTION);
            }
            match byte {
                b'|' => self.next_alternative(),
                b')' if self.frames.len() == 1 => return self.here(error::UNMATCHED),
                b')' => self.close()?,
                b'(' => {
                    self.parenthesis(wants_condition)?;
                    // The outermost frame is the pattern.
                    if self.frames.len() > MAX_DEPTH + 1 {
                        return self.error(error::TOO_COMPLICATED, self.at);
                    }
                }
                b'[' => self.bracket()?,
                b'\\' => self.backslash()?,
                b'*' | b'+' | b'?' => self.quantifier()?,
                b'{' if self.counted().is_some() => self.quantifier()?,
                b'^' => {
                    self.at += 1;
                    let multiline = self.options.has(Options::MULTILINE);
                    self.add_unrepeatable(Node::Assertion(if multiline {
                        Assertion::MultilineStart
                    } else {
                        Assertion::LineStart
                    }));
                }
                b'$' => {
                    self.at += 1;
                    let assertion = if self.options.has(Options::MULTILINE) {
                        Assertion::MultilineEnd
                    } else if self.options.has(Options::DOLLAR_ENDONLY) {
                        Assertion::EndOnly
                    } else {
                        Assertion::LineEnd
                    };
                    self.add_unrepeatable(Node::Assertion(assertion));
                }
                b'.' => {
                    self.at += 1;
                    self.add(if self.options.has(Options::DOTALL) {
                        Node::AnyChar
                    } else {
                        Node::NotNewline
                    });
                }
                _ => {
                    if let Some(c) = self.next_char() {
                        self.add_char(c);
                    }
                }
            }
        }
    }

    fn next_alternative(&mut self) {
        self.end_alternative();
        self.at += 1;
        let groups = self.groups;
        if let Some((first, most)) = &mut self.frame().reset {
            *most = groups.max(*most);
            self.groups = *first;
        }
    }

    /// White space and comments of an `extended` pattern.
    fn skip_white_space(&mut self) {
        while let Some(byte) = self.peek() {
            if ctype::is_space(byte) {
                self.at += 1;
            } else if byte == b'#' {
                while self.at < self.pattern.len() {
                    match self.compile.newline.at(self.pattern, self.at, self.utf) {
                        Some(length) => {
                            self.at += length;
                            break;
                        }
                        None => self.at += 1,
                    }
                }
            } else {
                return;
            }
        }
    }

    /// What stands behind a quantifier. A comment may come between the two, one.
    fn mode(&mut self) -> Mode {
        if self.options.has(Options::EXTENDED) {
            self.skip_white_space();
        }
        if self.rest().starts_with(b"(?#")
            && let Some(length) = memchr::memchr(b')', self.rest())
        {
            self.at += length + 1;
        }
        let ungreedy = self.options.has(Options::UNGREEDY);
        if self.eat(b'+') {
            Mode::Possessive
        } else if self.eat(b'?') != ungreedy {
            Mode::Lazy
        } else {
            Mode::Greedy
        }
    }
}
