//! The environment that a start script makes: variables with the values they get there, and `env.sh`, a shell script that Mix' start script reads first.
//!
//! A machine without a shell cannot run `env.sh`. Its plain lines (`export NAME=value`, with `$NAME`, `${NAME}`, `${NAME:-default}` and quotes)
//! are understood; all others are told by line, and none of them is guessed at.

use std::collections::{BTreeMap, BTreeSet};

/// Variables, and which of them programs see.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Environment {
    /// All of them.
    pub values: BTreeMap<String, String>,
    /// Those that the script exports.
    pub exported: BTreeSet<String>,
}

/// Lines of a script that were not understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    /// The first line, counted from 1.
    pub line: usize,
    /// How many there are.
    pub lines: usize,
    /// The first, without blanks around it.
    pub text: String,
}

impl Environment {
    /// The value of a variable, unless it is empty: scripts write `${NAME:-default}`.
    pub fn get(&self, name: &str) -> Option<&str> {
        let value = self.values.get(name).map(String::as_str);
        value.filter(|value| !value.is_empty())
    }

    /// Exports `name`, with `default` unless it has a value; returns the value.
    pub fn set_default(&mut self, name: &str, default: &str) -> String {
        let value = self.get(name).unwrap_or(default).to_owned();
        self.set(name, &value);
        value
    }

    /// Sets and exports a variable.
    pub fn set(&mut self, name: &str, value: &str) {
        self.values.insert(name.to_owned(), value.to_owned());
        self.exported.insert(name.to_owned());
    }

    /// What the script exports, by name.
    pub fn exports(&self) -> impl Iterator<Item = (&str, &str)> {
        let values = self
            .exported
            .iter()
            .filter_map(|name| self.values.get_key_value(name));
        values.map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Does what the lines of `script` say; returns those that it does not understand.
    pub fn read(&mut self, script: &str) -> Vec<Unread> {
        let mut unread: Vec<Unread> = Vec::new();
        let mut depth = 0;
        let mut rest = script.lines().enumerate();
        while let Some((index, first)) = rest.next() {
            let mut line = first.to_owned();
            let mut lines = 1;
            while line.ends_with('\\')
                && let Some((_, more)) = rest.next()
            {
                line.pop();
                line.push_str(more);
                lines += 1;
            }
            let inside = depth > 0;
            depth = depth_after(depth, &line);
            if inside {
                if let Some(block) = unread.last_mut() {
                    block.lines += lines;
                }
            } else if depth > 0 || self.read_line(&line).is_none() {
                let text = first.trim().to_owned();
                let line = index + 1;
                unread.push(Unread { line, lines, text });
            }
        }
        unread
    }

    /// One line: any number of commands that set or export variables.
    fn read_line(&mut self, line: &str) -> Option<()> {
        for command in self.commands(line)? {
            let (export, words) = match command.split_first() {
                None => continue,
                Some((first, rest)) if first == "export" => (true, rest),
                // It only says what happens when a command fails, and none is run.
                Some((first, _)) if first == "set" => continue,
                Some(_) => (false, &command[..]),
            };
            for word in words {
                let (name, value) = match word.split_once('=') {
                    Some((name, value)) => (name, Some(value)),
                    None if export => (word.as_str(), None),
                    None => return None,
                };
                if !is_name(name) {
                    return None;
                }
                if let Some(value) = value {
                    self.values.insert(name.to_owned(), value.to_owned());
                }
                if export {
                    self.exported.insert(name.to_owned());
                }
            }
        }
        Some(())
    }

    /// The commands of a line, each as its words with variables replaced; `None` if it has more than that.
    fn commands(&self, line: &str) -> Option<Vec<Vec<String>>> {
        let mut commands = vec![Vec::new()];
        let mut word: Option<String> = None;
        let mut rest = line;
        while let Some(c) = rest.chars().next() {
            rest = &rest[c.len_utf8()..];
            match c {
                ' ' | '\t' | '\r' | ';' => {
                    if let Some(done) = word.take()
                        && let Some(command) = commands.last_mut()
                    {
                        command.push(done);
                    }
                    if c == ';' {
                        commands.push(Vec::new());
                    }
                }
                '#' if word.is_none() => break,
                '\'' => {
                    let (quoted, behind) = rest.split_once('\'')?;
                    word.get_or_insert_default().push_str(quoted);
                    rest = behind;
                }
                '"' => {
                    let word = word.get_or_insert_default();
                    loop {
                        let c = rest.chars().next()?;
                        rest = &rest[c.len_utf8()..];
                        match c {
                            '"' => break,
                            '\\' if rest.starts_with(['"', '\\', '$', '`']) => {
                                word.push_str(&rest[..1]);
                                rest = &rest[1..];
                            }
                            '$' => rest = self.expand(rest, word)?,
                            '`' => return None,
                            _ => word.push(c),
                        }
                    }
                }
                '\\' => {
                    let c = rest.chars().next()?;
                    rest = &rest[c.len_utf8()..];
                    word.get_or_insert_default().push(c);
                }
                '$' => rest = self.expand(rest, word.get_or_insert_default())?,
                '`' | '&' | '|' | '<' | '>' | '(' | ')' | '*' | '?' => return None,
                _ => word.get_or_insert_default().push(c),
            }
        }
        if let Some(command) = commands.last_mut() {
            command.extend(word);
        }
        Some(commands)
    }

    /// Adds the value of the variable whose name `text` begins with; returns what is behind it.
    fn expand<'a>(&self, text: &'a str, word: &mut String) -> Option<&'a str> {
        let (name, default, behind) = match text.strip_prefix('{') {
            Some(text) => {
                let (inner, behind) = text.split_once('}')?;
                match inner.split_once(":-") {
                    // A default with a variable of its own is more than plain.
                    Some((_, default)) if default.contains(['$', '`', '"', '\'']) => return None,
                    Some((name, default)) => (name, default, behind),
                    None => (inner, "", behind),
                }
            }
            None => {
                let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
                let (name, behind) = text.split_at(end.unwrap_or(text.len()));
                (name, "", behind)
            }
        };
        if !is_name(name) {
            return None;
        }
        word.push_str(self.get(name).unwrap_or(default));
        Some(behind)
    }
}

/// How many compound commands are open behind `line`.
fn depth_after(depth: usize, line: &str) -> usize {
    let line = line.trim_start();
    if line.starts_with('#') {
        return depth;
    }
    let words = line.split([' ', '\t', ';']).filter(|word| !word.is_empty());
    words.fold(depth, |depth, word| match word {
        "case" | "if" | "for" | "while" | "until" | "{" => depth + 1,
        "esac" | "fi" | "done" | "}" => depth.saturating_sub(1),
        _ => depth,
    })
}

fn is_name(name: &str) -> bool {
    let mut characters = name.chars();
    characters
        .next()
        .is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && characters.all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_lines_are_understood() {
        let mut environment = Environment::default();
        environment.set("GIVEN", "g");
        let unread = environment.read(
            "#!/bin/sh\n\n# comment $(x)\nset -e\nexport A=1 B='two words' # why\nC=\"$A-${B}-${NO:-none}\"\n\
             export C; export D=${GIVEN}x\\ y\nexport GIVEN=\"\\\"$GIVEN\\\"\" \\\n  E=\nE=\n",
        );
        assert_eq!(unread, []);
        let exports: Vec<_> = environment.exports().collect();
        assert_eq!(
            exports,
            [
                ("A", "1"),
                ("B", "two words"),
                ("C", "1-two words-none"),
                ("D", "gx y"),
                ("E", ""),
                ("GIVEN", "\"g\"")
            ]
        );
        assert_eq!(environment.get("E"), None);
    }

    #[test]
    fn everything_else_is_told_by_line() {
        let mut environment = Environment::default();
        let unread = environment.read(
            "A=$(hostname)\nexport B=1\ncase $RELEASE_COMMAND in\n  daemon*)\n    export B=2\n    ;;\nesac\n\
             [ -n \"$B\" ] && export B=3\nif true; then B=4; fi\nif x; then\nif y; then\nfi\nB=5\nfi\nexport C=`date`\n\
             D='open\n. ./other.sh\nf() { B=6; }\n",
        );
        let told: Vec<_> = unread.iter().map(|one| (one.line, one.lines)).collect();
        assert_eq!(
            told,
            [
                (1, 1),
                (3, 5),
                (8, 1),
                (9, 1),
                (10, 5),
                (15, 1),
                (16, 1),
                (17, 1),
                (18, 1)
            ]
        );
        assert_eq!(unread[1].text, "case $RELEASE_COMMAND in");
        assert_eq!(environment.get("B"), Some("1"));
        assert_eq!(environment.values.len(), 1);
    }
}
