//! `${NAME}` and `${NAME:-DEFAULT}` in `vm.args.src` and `sys.config.src`, which relx' start script replaces by variables of the environment.
//!
//! Facts: `replace_os_vars` of that script: a variable that is empty or not there takes the default, and without one is replaced by nothing. The last is
//! nearly always a mistake, so it is told.

use std::collections::BTreeMap;

/// A text with its variables replaced.
#[derive(Debug, PartialEq, Eq)]
pub struct Substituted {
    /// The text.
    pub text: String,
    /// Variables without a value, and the lines where they are, counted from 1.
    pub missing: Vec<(usize, String)>,
}

/// Replaces the variables in `text`. A line that begins with `comment` needs none.
pub fn substitute(text: &str, comment: char, variables: &BTreeMap<String, String>) -> Substituted {
    let mut out = String::with_capacity(text.len());
    let mut missing = Vec::new();
    for (index, line) in text.split_inclusive('\n').enumerate() {
        let told = !line.trim_start().starts_with(comment);
        let mut rest = line;
        while let Some((before, name, behind)) = next(rest) {
            out.push_str(before);
            let (name, default) = match name.split_once(":-") {
                Some((name, default)) => (name, Some(default)),
                None => (name, None),
            };
            let value = variables.get(name).map(String::as_str);
            match value.filter(|value| !value.is_empty()).or(default) {
                Some(value) => out.push_str(value),
                None if told && value.is_none() => missing.push((index + 1, name.to_owned())),
                None => {}
            }
            rest = behind;
        }
        out.push_str(rest);
    }
    Substituted { text: out, missing }
}

/// What is before the first `${…}`, in it, and behind it.
fn next(text: &str) -> Option<(&str, &str, &str)> {
    let begin = text.find("${")?;
    let end = begin + text[begin..].find('}')?;
    Some((&text[..begin], &text[begin + 2..end], &text[end + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_replaced_as_relx_does() {
        let variables = [("A", "1"), ("E", ""), ("D", "${A}")];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let run = |text| substitute(text, '#', &variables.clone().into());
        assert_eq!(run("-x ${A}${A} ${A").text, "-x 11 ${A");
        assert_eq!(run("${E:-d e} ${A:-d} ${X:-} ${D}").text, "d e 1  ${A}");
        let done = run("# ${X}\n${E}\n  b ${X} $X\n");
        assert_eq!(done.text, "# \n\n  b  $X\n");
        assert_eq!(done.missing, [(3, "X".to_owned())]);
    }
}
