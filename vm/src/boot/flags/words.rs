//! The words of a command line, before anybody knows what they mean.
//!
//! Words come from the environment (`ERL_AFLAGS`, `ERL_FLAGS`, …), from the command line and from files that `-args_file` names;
//! [`merge`] makes one list of them. Facts: `erl(1)`, and what `erl -emu_args_exit` prints. Invariant of the list:
//! `-extra` occurs at most once, and behind it is what was behind any `-extra` of any source, in order.

use super::{Stop, Word};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// Files may name files, this deep: who names itself must end somewhere.
const MAX_DEPTH: usize = 64;

/// Where words come from.
#[derive(Clone, Copy, Debug)]
pub enum Source<'a> {
    /// The value of an environment variable, to be split.
    Text(&'a [u8]),
    /// Words as the system passed them.
    Words(&'a [Word]),
}

/// Reads a file that `-args_file` names; the error is what the system says.
pub type ReadFile<'a> = dyn FnMut(&[u8]) -> Result<Vec<u8>, String> + 'a;

/// One list of all words. Those of each source end with `--`, so that a flag of one does not take words of the next for its own;
/// only a command line that is alone stays as it is.
pub fn merge(sources: &[Source], read: &mut ReadFile) -> Result<Vec<Word>, Stop> {
    let alone = sources.len() == 1;
    let mut merged = Merged {
        words: Vec::new(),
        extra: Vec::new(),
        read,
    };
    for source in sources {
        match source {
            Source::Text(text) => merged.add(&split(text, false), 0)?,
            Source::Words(words) => {
                merged.add(words, 0)?;
                let expands = words.iter().take_while(|word| *word != b"-extra");
                let expands = expands.into_iter().any(|word| word == b"-args_file");
                if !words.is_empty() && (!alone || expands) {
                    merged.words.push(b"--".to_vec());
                }
            }
        }
    }
    if !merged.extra.is_empty() {
        merged.words.push(b"-extra".to_vec());
        merged.words.append(&mut merged.extra);
    }
    Ok(merged.words)
}

struct Merged<'a, 'b> {
    words: Vec<Word>,
    /// What was behind `-extra`.
    extra: Vec<Word>,
    read: &'a mut ReadFile<'b>,
}

impl Merged<'_, '_> {
    fn add(&mut self, words: &[Word], depth: usize) -> Result<(), Stop> {
        let mut rest = words.iter();
        while let Some(word) = rest.next() {
            match &word[..] {
                b"-args_file" => {
                    let name = rest
                        .next()
                        .ok_or_else(|| Stop::missing_value("-args_file"))?;
                    self.add_file(name, depth + 1)?;
                }
                b"-extra" => {
                    self.extra.extend(rest.by_ref().cloned());
                }
                _ => self.words.push(word.clone()),
            }
        }
        Ok(())
    }

    fn add_file(&mut self, name: &[u8], depth: usize) -> Result<(), Stop> {
        let shown = String::from_utf8_lossy(name);
        if depth > MAX_DEPTH {
            return Err(Stop::usage(format!(
                "Arguments files are nested more than {MAX_DEPTH} deep, at \"{shown}\"; does one name itself?"
            )));
        }
        let text = (self.read)(name).map_err(|error| {
            Stop::usage(format!(
                "Failed to open arguments file \"{shown}\": {error}"
            ))
        })?;
        // A file ends at a NUL, as a C string does.
        let end = text.iter().position(|&byte| byte == 0);
        self.add(&split(&text[..end.unwrap_or(text.len())], true), depth)
    }
}

/// The words of `text` and, if there are any, a `--` behind them.
///
/// Blanks separate words. `'…'` and `"…"` keep blanks and may stand in the middle of a word; a backslash outside of them takes the
/// next character as it is. In a file (`comments`), `#` outside of quotes starts a comment that ends with the line.
pub fn split(text: &[u8], comments: bool) -> Vec<Word> {
    let mut words = Vec::new();
    let mut word: Option<Word> = None;
    let mut rest = text.iter().copied();
    while let Some(byte) = rest.next() {
        match byte {
            b' ' | b'\n' | b'\t' | b'\r' | 0x0b | 0x0c => words.extend(word.take()),
            b'#' if comments => {
                words.extend(word.take());
                rest.by_ref().find(|&byte| byte == b'\n');
            }
            b'\'' | b'"' => {
                let word = word.get_or_insert_default();
                word.extend(rest.by_ref().take_while(|&next| next != byte));
            }
            b'\\' => word.get_or_insert_default().extend(rest.next()),
            _ => word.get_or_insert_default().push(byte),
        }
    }
    words.extend(word);
    if !words.is_empty() {
        words.push(b"--".to_vec());
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    fn words(line: &str) -> Vec<Word> {
        line.split_whitespace()
            .map(|w| w.as_bytes().to_vec())
            .collect()
    }

    fn joined(words: &[Word]) -> String {
        let words: Vec<_> = words.iter().map(|w| String::from_utf8_lossy(w)).collect();
        words.join("|")
    }

    fn merged(sources: &[Source]) -> Result<String, Stop> {
        let mut read = |name: &[u8]| match name {
            // What the tests of the real `erl` used.
            b"a" => Ok(b"# c\n-foo \"a b\" x#y\n-args_file b -extra q -args_file b\n".to_vec()),
            b"b" => Ok(b"+P 5000 'in b' -extra bx".to_vec()),
            b"self" => Ok(b"-args_file self".to_vec()),
            _ => Err("No such file or directory".to_string()),
        };
        merge(sources, &mut read).map(|words| joined(&words))
    }

    #[test]
    fn text_is_split_as_erl_splits_it() {
        assert_eq!(
            joined(&split(br#"f 'a b' "c"d \' x#y"#, false)),
            "f|a b|cd|'|x#y|--"
        );
        assert_eq!(joined(&split(b" 'open end", false)), "open end|--");
        assert_eq!(joined(&split(b"a\\ b '' \\", false)), "a b|||--");
        assert_eq!(joined(&split(b"x#y\nz # 'a\nb", true)), "x|z|b|--");
        assert!(split(b" \n", true).is_empty());
    }

    #[test]
    fn a_lone_command_line_stays_as_it_is() {
        let line = words("-s m f -- x -extra -args_file y");
        assert_eq!(
            merged(&[Source::Words(&line)]).unwrap(),
            "-s|m|f|--|x|-extra|-args_file|y"
        );
    }

    #[test]
    fn sources_are_kept_apart_and_extra_comes_last() {
        let line = words("cmd -extra m");
        let sources = [
            Source::Text(b"a -extra x"),
            Source::Words(&line),
            Source::Text(b"z"),
        ];
        assert_eq!(merged(&sources).unwrap(), "a|cmd|--|z|--|-extra|x|--|m");
    }

    #[test]
    fn files_are_put_in_where_they_are_named() {
        let line = words("-args_file a end -extra z");
        assert_eq!(
            merged(&[Source::Words(&line)]).unwrap(),
            "-foo|a b|x|+P|5000|in b|end|--|-extra|bx|--|q|-args_file|b|--|z"
        );
    }

    #[test]
    fn bad_files_are_named() {
        for (line, error) in [
            ("-args_file", "Missing argument(s) for '-args_file'."),
            (
                "-args_file nowhere",
                "Failed to open arguments file \"nowhere\": No such",
            ),
            ("-args_file self", "nested more than 64 deep, at \"self\""),
        ] {
            let stop = merged(&[Source::Words(&words(line))]).unwrap_err();
            assert_eq!(stop.status, 1);
            assert!(stop.error.contains(error), "{}", stop.error);
        }
    }
}
