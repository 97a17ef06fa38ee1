//! Where two outputs differ, told in the few lines that a reader needs: a whole output would hide them.
//!
//! Called by the tests that run a program on `erl` and on Starling.

/// Differing lines shown for a failure, and how much of each.
pub const SHOWN_LINES: usize = 8;
const SHOWN_COLUMNS: usize = 160;

/// The first lines that differ, as a reader wants to see them: one line of a
/// program is one observation, so lines are compared by number.
pub fn difference(expected: &[u8], actual: &[u8]) -> String {
    let expected = String::from_utf8_lossy(expected);
    let actual = String::from_utf8_lossy(actual);
    let left: Vec<&str> = expected.split_terminator('\n').collect();
    let right: Vec<&str> = actual.split_terminator('\n').collect();
    let (mut text, mut shown) = (String::new(), 0);
    for (number, (a, b)) in left.iter().zip(&right).enumerate() {
        if a == b {
            continue;
        }
        if shown == SHOWN_LINES {
            text += "  and more\n";
            break;
        }
        shown += 1;
        let from = common_prefix(a, b).saturating_sub(SHOWN_COLUMNS / 2);
        text += &format!("  line {}\n", number + 1);
        text += &format!("    erl      {}\n", clip(a, from));
        text += &format!("    starling {}\n", clip(b, from));
    }
    let common = left.len().min(right.len());
    for (who, lines) in [("starling", &left), ("erl", &right)] {
        if let Some(first) = lines.get(common) {
            text += &format!("  {who} lacks line {} and all after it\n", common + 1);
            text += &format!("             {}\n", clip(first, 0));
        }
    }
    text
}

/// How many characters two lines share at their beginning.
fn common_prefix(a: &str, b: &str) -> usize {
    a.chars().zip(b.chars()).take_while(|(x, y)| x == y).count()
}

/// The part of a line that fits, from a column on, without the carriage return
/// that `erlang:display/1` ends it with.
pub fn clip(line: &str, from: usize) -> String {
    let line = line.strip_suffix('\r').unwrap_or(line);
    let dots = |more: bool| if more { "…" } else { "" };
    let part = line.chars().skip(from).take(SHOWN_COLUMNS);
    let part: String = part
        .map(|c| {
            if c.is_control() {
                c.escape_default().to_string()
            } else {
                c.to_string()
            }
        })
        .collect();
    let after = line.chars().count() > from + SHOWN_COLUMNS;
    format!("{}{part}{}", dots(from > 0), dots(after))
}
