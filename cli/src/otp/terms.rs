//! Erlang terms as text: enough of the language to read `.app` files.
//!
//! Atoms, strings, numbers, tuples, lists, binaries of one string, maps, comments. What the reader does not know is an error with its line, never a
//! wrong term. Nesting is limited, so a file costs no more stack than it may.

use std::fmt;
use std::iter::Peekable;
use std::str::Chars;

/// A tuple or list may be this deep in others.
const MAX_DEPTH: u32 = 100;

/// A term.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Text {
    /// An atom, by name.
    Atom(String),
    /// `"…"`; adjacent ones are joined. An empty list is [`Text::List`].
    String(String),
    /// A number, as written; nobody computes with it.
    Number(String),
    /// `<<"…">>`.
    Binary(String),
    /// `{…}`.
    Tuple(Vec<Text>),
    /// `[…]`.
    List(Vec<Text>),
    /// `#{K => V, …}`.
    Map(Vec<(Text, Text)>),
}

/// What is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    /// Counted from 1.
    pub line: u32,
    /// What was expected or found.
    pub what: String,
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.what)
    }
}

impl Text {
    /// An atom's name.
    pub fn as_atom(&self) -> Option<&str> {
        match self {
            Text::Atom(name) => Some(name),
            _ => None,
        }
    }

    /// The elements of a tuple.
    pub fn as_tuple(&self) -> Option<&[Text]> {
        match self {
            Text::Tuple(elements) => Some(elements),
            _ => None,
        }
    }

    /// The elements of a list.
    pub fn as_list(&self) -> Option<&[Text]> {
        match self {
            Text::List(elements) => Some(elements),
            _ => None,
        }
    }
}

/// The first term of `text`, which ends with a full stop.
pub fn parse(text: &str) -> Result<Text, SyntaxError> {
    let mut reader = Reader {
        rest: text.chars().peekable(),
        line: 1,
        depth: 0,
    };
    let term = reader.term()?;
    reader.expect('.')?;
    Ok(term)
}

struct Reader<'a> {
    rest: Peekable<Chars<'a>>,
    line: u32,
    depth: u32,
}

type Result<T, E = SyntaxError> = std::result::Result<T, E>;

impl Reader<'_> {
    fn next(&mut self) -> Option<char> {
        let next = self.rest.next();
        self.line += u32::from(next == Some('\n'));
        next
    }

    fn error<T>(&self, what: impl Into<String>) -> Result<T> {
        Err(SyntaxError {
            line: self.line,
            what: what.into(),
        })
    }

    /// The next character that is no blank and in no comment.
    fn peek(&mut self) -> Option<char> {
        loop {
            match self.rest.peek() {
                Some(c) if c.is_whitespace() => {
                    self.next();
                }
                Some('%') => while !matches!(self.next(), None | Some('\n')) {},
                other => return other.copied(),
            }
        }
    }

    fn accept(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        if found {
            self.next();
        }
        found
    }

    fn expect(&mut self, wanted: char) -> Result<()> {
        if self.accept(wanted) {
            return Ok(());
        }
        match self.peek() {
            Some(found) => self.error(format!("'{wanted}' expected, '{found}' found")),
            None => self.error(format!("'{wanted}' expected, the file ends")),
        }
    }

    fn term(&mut self) -> Result<Text> {
        match self.peek() {
            None => self.error("a term expected, the file ends"),
            Some('{') => Ok(Text::Tuple(self.sequence('}')?)),
            Some('[') => Ok(Text::List(self.sequence(']')?)),
            Some('"') => {
                let mut string = String::new();
                while self.peek() == Some('"') {
                    string.push_str(&self.quoted('"')?);
                }
                Ok(match string.is_empty() {
                    true => Text::List(Vec::new()),
                    false => Text::String(string),
                })
            }
            Some('\'') => Ok(Text::Atom(self.quoted('\'')?)),
            Some('<') => self.binary(),
            Some('#') => self.map(),
            Some('$') => {
                self.next();
                let character = match self.next() {
                    Some('\\') => self.escape()?,
                    other => other,
                };
                match character {
                    Some(character) => Ok(Text::Number(u32::from(character).to_string())),
                    None => self.error("a character expected behind $"),
                }
            }
            Some(c) if c.is_ascii_digit() || c == '-' || c == '+' => {
                self.next();
                let mut number = String::from(c);
                // A full stop ends the number, unless a digit follows it.
                while let Some(&c) = self.rest.peek() {
                    let fraction = c == '.' && {
                        let mut ahead = self.rest.clone();
                        ahead.next();
                        ahead.next().is_some_and(|digit| digit.is_ascii_digit())
                    };
                    if !(c.is_ascii_alphanumeric() || c == '#' || c == '_' || fraction) {
                        break;
                    }
                    number.extend(self.next());
                }
                Ok(Text::Number(number))
            }
            Some(c) if c.is_lowercase() => {
                let mut name = String::new();
                while let Some(&c) = self.rest.peek() {
                    if !(c.is_alphanumeric() || c == '_' || c == '@') {
                        break;
                    }
                    name.extend(self.next());
                }
                Ok(Text::Atom(name))
            }
            Some(c) => self.error(format!("a term expected, '{c}' found")),
        }
    }

    /// Terms between commas, from an opening bracket to `close`.
    fn sequence(&mut self, close: char) -> Result<Vec<Text>> {
        self.next();
        self.nested(|reader| {
            let mut terms = Vec::new();
            if reader.accept(close) {
                return Ok(terms);
            }
            loop {
                terms.push(reader.term()?);
                if !reader.accept(',') {
                    reader.expect(close)?;
                    return Ok(terms);
                }
            }
        })
    }

    fn nested<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        if self.depth >= MAX_DEPTH {
            return self.error(format!("terms are nested more than {MAX_DEPTH} deep"));
        }
        self.depth += 1;
        let term = read(self);
        self.depth -= 1;
        term
    }

    fn binary(&mut self) -> Result<Text> {
        self.expect('<')?;
        self.expect('<')?;
        let mut string = String::new();
        while self.peek() == Some('"') {
            string.push_str(&self.quoted('"')?);
        }
        if self.accept('/') {
            // A type, such as utf8.
            self.term()?;
        }
        self.expect('>')?;
        self.expect('>')?;
        Ok(Text::Binary(string))
    }

    fn map(&mut self) -> Result<Text> {
        self.expect('#')?;
        self.expect('{')?;
        self.nested(|reader| {
            let mut pairs = Vec::new();
            while !reader.accept('}') {
                let key = reader.term()?;
                reader.expect('=')?;
                reader.expect('>')?;
                pairs.push((key, reader.term()?));
                if !reader.accept(',') {
                    reader.expect('}')?;
                    break;
                }
            }
            Ok(Text::Map(pairs))
        })
    }

    fn quoted(&mut self, quote: char) -> Result<String> {
        self.next();
        let mut text = String::new();
        loop {
            match self.next() {
                None => return self.error(format!("a {quote} is never closed")),
                Some('\\') => text.extend(self.escape()?),
                Some(c) if c == quote => return Ok(text),
                Some(c) => text.push(c),
            }
        }
    }

    /// What a backslash and what follows it stand for.
    fn escape(&mut self) -> Result<Option<char>> {
        Ok(match self.next() {
            None => return self.error("the file ends behind a backslash"),
            Some('n') => Some('\n'),
            Some('t') => Some('\t'),
            Some('r') => Some('\r'),
            Some('s') => Some(' '),
            Some('b') => Some('\u{8}'),
            Some('d') => Some('\u{7f}'),
            Some('e') => Some('\u{1b}'),
            Some('f') => Some('\u{c}'),
            Some('v') => Some('\u{b}'),
            Some('\n') => None,
            Some('x') => {
                let mut digits = String::new();
                if self.rest.peek() == Some(&'{') {
                    self.next();
                    while let Some(digit) = self.next().filter(|&c| c != '}') {
                        digits.push(digit);
                    }
                } else {
                    digits.extend(self.next());
                    digits.extend(self.next());
                }
                let value = u32::from_str_radix(&digits, 16).ok();
                match value.and_then(char::from_u32) {
                    Some(character) => Some(character),
                    None => return self.error(format!("\\x{digits} is no character")),
                }
            }
            Some(first @ '0'..='7') => {
                let mut value = first as u32 - '0' as u32;
                for _ in 0..2 {
                    match self.rest.peek().and_then(|digit| digit.to_digit(8)) {
                        Some(digit) => {
                            value = value * 8 + digit;
                            self.next();
                        }
                        None => break,
                    }
                }
                char::from_u32(value)
            }
            Some(other) => Some(other),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn atom(name: &str) -> Text {
        Text::Atom(name.to_owned())
    }

    #[test]
    fn terms_are_read() {
        let text = r#"%% a comment
{application, 'my app',
 [{vsn, "1." "2"}, % another
  {d, <<"b"/utf8>>}, {n, [-1, 16#fF, 1.5e3, $a, $\n]}, {m, #{a => 1, "b" => []}},
  {s, "\x{e9}\101\
x\t"}, {e, ""}]}.
rest"#;
        let term = parse(text).unwrap();
        let [kind, name, Text::List(options)] = term.as_tuple().unwrap() else {
            panic!("{term:?}");
        };
        assert_eq!((kind, name), (&atom("application"), &atom("my app")));
        let value = |index: usize| options[index].as_tuple().unwrap()[1].clone();
        assert_eq!(value(0), Text::String("1.2".into()));
        assert_eq!(value(1), Text::Binary("b".into()));
        let numbers = ["-1", "16#fF", "1.5e3", "97", "10"];
        let numbers = numbers.map(|number| Text::Number(number.into()));
        assert_eq!(value(2), Text::List(numbers.to_vec()));
        let pairs = vec![
            (atom("a"), Text::Number("1".into())),
            (Text::String("b".into()), Text::List(vec![])),
        ];
        assert_eq!(value(3), Text::Map(pairs));
        assert_eq!(value(4), Text::String("\u{e9}Ax\t".into()));
        assert_eq!(value(5), Text::List(vec![]));
    }

    #[test]
    fn mistakes_have_a_line() {
        for (text, line, what) in [
            ("", 1, "the file ends"),
            ("{a,\n b", 2, "'}' expected"),
            ("[a b].", 1, "']' expected, 'b' found"),
            ("\n'x", 2, "never closed"),
            ("X.", 1, "a term expected, 'X' found"),
            ("a", 1, "'.' expected"),
            ("\"\\x{110000}\".", 1, "is no character"),
        ] {
            let error = parse(text).unwrap_err();
            assert_eq!(error.line, line, "{text}");
            assert!(error.what.contains(what), "{text}: {error}");
        }
        let deep = "[".repeat(1_000_000);
        assert!(parse(&deep).unwrap_err().what.contains("nested"));
    }
}
