//! Boot arguments: the image's own, then the words of the domain's command line.
//!
//! Pure functions over bytes; called by [`boot`](crate::boot) once.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// What the machine is started with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Arguments {
    /// What the image was made with.
    pub image: Vec<String>,
    /// The words of the domain's command line.
    pub domain: Vec<String>,
}

impl Arguments {
    /// Takes every `word` out; whether there was one.
    pub fn take(&mut self, word: &str) -> bool {
        let before = self.image.len() + self.domain.len();
        self.image.retain(|argument| argument != word);
        self.domain.retain(|argument| argument != word);
        self.image.len() + self.domain.len() < before
    }

    /// The values of `flags` (without their dash), those of the domain's command line in place of the image's, up to what programs
    /// are given for themselves.
    pub fn values<'a>(&'a self, flags: &'a [&'a str]) -> Vec<(&'a str, &'a str)> {
        let mut values = pairs(&self.image, flags);
        let domain = pairs(&self.domain, flags);
        values.retain(|(flag, _)| domain.iter().all(|(other, _)| other != flag));
        values.extend(domain);
        values
    }

    /// The image's, then the domain's.
    pub fn all(self) -> Vec<String> {
        let mut all = self.image;
        all.extend(self.domain);
        all
    }
}

/// `-flag value` in `words`, for each of `flags`. A flag whose value is missing has an empty one.
fn pairs<'a>(words: &'a [String], flags: &[&'a str]) -> Vec<(&'a str, &'a str)> {
    let own = words.iter().position(|word| word == "-extra");
    let words = &words[..own.unwrap_or(words.len())];
    let mut pairs = Vec::new();
    for (index, word) in words.iter().enumerate() {
        let flag = word.strip_prefix('-');
        if let Some(&flag) = flag.and_then(|flag| flags.iter().find(|known| **known == flag)) {
            let value = words
                .get(index + 1)
                .filter(|value| !value.starts_with(['-', '+']));
            pairs.push((flag, value.map_or("", String::as_str)));
        }
    }
    pairs
}

/// A command line that cannot be split.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnclosedQuote {
    /// The quote character.
    pub quote: char,
    /// Its offset in bytes.
    pub offset: usize,
}

impl fmt::Display for UnclosedQuote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the domain's command line has a {} at byte {} that is never closed; close it (extra= in the \
             domain's configuration)",
            self.quote, self.offset
        )
    }
}

/// Splits `line` at blanks. `'…'` and `"…"` keep blanks, may stand in the middle of a word, and
/// `''` is an empty word; there are no escapes. Bytes that are not UTF-8 become U+FFFD.
pub fn split(line: &[u8]) -> Result<Vec<String>, UnclosedQuote> {
    let mut words = Vec::new();
    let mut word: Option<Vec<u8>> = None;
    let mut quoted: Option<(u8, usize)> = None;
    for (offset, &byte) in line.iter().enumerate() {
        match (quoted, byte) {
            (Some((quote, _)), _) if byte == quote => quoted = None,
            (None, b'\'' | b'"') => {
                quoted = Some((byte, offset));
                word.get_or_insert_default();
            }
            (None, b' ' | b'\t' | b'\n' | b'\r') => words.extend(word.take()),
            _ => word.get_or_insert_default().push(byte),
        }
    }
    if let Some((quote, offset)) = quoted {
        return Err(UnclosedQuote {
            quote: char::from(quote),
            offset,
        });
    }
    words.extend(word);
    Ok(words
        .iter()
        .map(|word| String::from_utf8_lossy(word).into_owned())
        .collect())
}

/// The image's own arguments: each ends with a NUL.
pub fn image_arguments(member: &[u8]) -> impl Iterator<Item = String> {
    member
        .split_inclusive(|&byte| byte == 0)
        .map(|word| String::from_utf8_lossy(word.strip_suffix(&[0]).unwrap_or(word)).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    #[test]
    fn blanks_separate_and_quotes_join() {
        let table: &[(&str, &[&str])] = &[
            ("", &[]),
            ("   \t ", &[]),
            ("-s hello main", &["-s", "hello", "main"]),
            (
                "  -eval 'io:format(\"hi\")'  ",
                &["-eval", "io:format(\"hi\")"],
            ),
            ("a'b c'd", &["ab cd"]),
            ("x '' \"\"", &["x", "", ""]),
            ("\"it's\"", &["it's"]),
        ];
        for (line, words) in table {
            assert_eq!(
                split(line.as_bytes()).as_deref(),
                Ok(&words.iter().map(|w| String::from(*w)).collect::<Vec<_>>()[..])
            );
        }
    }

    #[test]
    fn an_argument_is_taken_wherever_it_is() {
        let strings = |words: &[&str]| words.iter().map(|w| String::from(*w)).collect();
        let mut arguments = Arguments {
            image: strings(&["a", "+x"]),
            domain: strings(&["+x", "b"]),
        };
        assert!(arguments.take("+x"));
        assert!(!arguments.take("+x"));
        assert_eq!(arguments.all(), ["a", "b"]);
    }

    #[test]
    fn values_of_flags_are_the_domains_before_the_images() {
        let strings = |words: &str| words.split(' ').map(String::from).collect();
        let arguments = Arguments {
            image: strings("-a 1 -b 2 -c x -b"),
            domain: strings("x -b 3 -b +d -extra -a 4"),
        };
        assert_eq!(
            arguments.values(&["a", "b"]),
            [("a", "1"), ("b", "3"), ("b", "")]
        );
    }

    #[test]
    fn an_unclosed_quote_is_an_error_with_its_place() {
        assert_eq!(
            split(b"ab 'cd"),
            Err(UnclosedQuote {
                quote: '\'',
                offset: 3
            })
        );
    }

    #[test]
    fn image_arguments_end_with_nul() {
        let arguments: Vec<String> = image_arguments(b"-s\0hello\0\0main\0").collect();
        assert_eq!(arguments, vec!["-s", "hello", "", "main"]);
        assert_eq!(image_arguments(b"").count(), 0);
    }
}
