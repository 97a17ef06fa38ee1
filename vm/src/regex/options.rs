//! The options of compilation and of matching, and the newline conventions.

/// A set of options.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options(pub u32);

impl Options {
    pub const CASELESS: Options = Options(1 << 0);
    pub const MULTILINE: Options = Options(1 << 1);
    pub const DOTALL: Options = Options(1 << 2);
    pub const EXTENDED: Options = Options(1 << 3);
    pub const ANCHORED: Options = Options(1 << 4);
    pub const DOLLAR_ENDONLY: Options = Options(1 << 5);
    pub const UNGREEDY: Options = Options(1 << 6);
    pub const UTF: Options = Options(1 << 7);
    pub const NO_AUTO_CAPTURE: Options = Options(1 << 8);
    pub const FIRSTLINE: Options = Options(1 << 9);
    pub const DUPNAMES: Options = Options(1 << 10);
    pub const NO_START_OPTIMIZE: Options = Options(1 << 11);
    pub const UCP: Options = Options(1 << 12);
    pub const NEVER_UTF: Options = Options(1 << 13);
    /// `(?X)`: an unknown escape is an error.
    pub const EXTRA: Options = Options(1 << 14);
    /// `(?J)`: as `DUPNAMES`, but of the pattern's own making, which `re:inspect/2` does not see.
    pub const INNER_DUPNAMES: Options = Options(1 << 15);
    /// Found by the compiler: every match begins at the subject's start or where the search begins.
    pub const IS_ANCHORED: Options = Options(1 << 16);
    /// Found by the compiler: every match begins where the search does or behind a newline.
    pub const STARTS_LINE: Options = Options(1 << 17);
    /// Found by the compiler: the pattern mentions a carriage return or a line feed.
    pub const HAS_CR_OR_LF: Options = Options(1 << 18);

    // Those of a run.
    pub const NOTBOL: Options = Options(1 << 24);
    pub const NOTEOL: Options = Options(1 << 25);
    pub const NOTEMPTY: Options = Options(1 << 26);
    pub const NOTEMPTY_ATSTART: Options = Options(1 << 27);

    /// Whether all of `others` are set.
    #[inline]
    pub const fn has(self, others: Options) -> bool {
        self.0 & others.0 == others.0
    }

    /// These and `others`.
    #[must_use]
    pub const fn with(self, others: Options) -> Options {
        Options(self.0 | others.0)
    }

    /// These without `others`.
    #[must_use]
    pub const fn without(self, others: Options) -> Options {
        Options(self.0 & !others.0)
    }
}

/// What ends a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Newline {
    Cr,
    #[default]
    Lf,
    CrLf,
    /// Any Unicode newline sequence.
    Any,
    /// CR, LF or CRLF.
    AnyCrLf,
}

impl Newline {
    /// The number in a compiled program.
    pub const fn code(self) -> u32 {
        self as u32
    }

    /// The convention of a number in a compiled program.
    pub const fn from_code(code: u32) -> Option<Newline> {
        Some(match code {
            0 => Newline::Cr,
            1 => Newline::Lf,
            2 => Newline::CrLf,
            3 => Newline::Any,
            4 => Newline::AnyCrLf,
            _ => return None,
        })
    }

    /// Whether CR LF together are one newline: the third element of a `re_pattern`.
    pub const fn takes_crlf(self) -> bool {
        matches!(self, Newline::CrLf | Newline::Any | Newline::AnyCrLf)
    }

    /// The length in bytes of the newline that begins at `at`; `utf` if the subject is UTF-8.
    #[inline]
    pub fn at(self, subject: &[u8], at: usize, utf: bool) -> Option<usize> {
        let first = *subject.get(at)?;
        let crlf = first == b'\r' && subject.get(at + 1) == Some(&b'\n');
        match self {
            Newline::Lf => (first == b'\n').then_some(1),
            Newline::Cr => (first == b'\r').then_some(1),
            Newline::CrLf => crlf.then_some(2),
            Newline::AnyCrLf | Newline::Any if crlf => Some(2),
            Newline::AnyCrLf => matches!(first, b'\r' | b'\n').then_some(1),
            Newline::Any => match first {
                0x0a..=0x0d => Some(1),
                0x85 if !utf => Some(1),
                0xc2 if utf => (subject.get(at + 1) == Some(&0x85)).then_some(2),
                0xe2 if utf => {
                    let rest = subject.get(at + 1..at + 3)?;
                    matches!(rest, [0x80, 0xa8 | 0xa9]).then_some(3)
                }
                _ => None,
            },
        }
    }

    /// Whether a newline ends at `at`.
    pub fn before(self, subject: &[u8], at: usize, utf: bool) -> bool {
        let Some(last) = at.checked_sub(1).and_then(|i| subject.get(i)) else {
            return false;
        };
        match self {
            Newline::Lf => *last == b'\n',
            Newline::Cr => *last == b'\r',
            Newline::CrLf => *last == b'\n' && at >= 2 && subject[at - 2] == b'\r',
            Newline::AnyCrLf => matches!(last, b'\r' | b'\n'),
            Newline::Any => {
                matches!(last, 0x0a..=0x0d)
                    || (!utf && *last == 0x85)
                    || (utf && subject[..at].ends_with(&[0xc2, 0x85]))
                    || (utf && subject[..at].ends_with(&[0xe2, 0x80, 0xa8]))
                    || (utf && subject[..at].ends_with(&[0xe2, 0x80, 0xa9]))
            }
        }
    }
}

/// What a pattern is compiled with.
#[derive(Clone, Copy, Debug, Default)]
pub struct CompileOptions {
    pub options: Options,
    pub newline: Newline,
    /// `\R` is CR, LF or CRLF only.
    pub bsr_anycrlf: bool,
}

/// What a compiled pattern is run with.
#[derive(Clone, Copy, Debug, Default)]
pub struct RunOptions {
    pub options: Options,
    /// In place of the compiled one.
    pub newline: Option<Newline>,
    /// In place of the compiled one.
    pub bsr_anycrlf: Option<bool>,
    /// Byte to begin at.
    pub offset: usize,
    pub match_limit: Option<u32>,
    pub match_limit_recursion: Option<u32>,
    /// The subject is known to be UTF-8, if it has to be.
    pub is_checked: bool,
}
