//! Commands for `xl` in dom0 at set times of the domain's life: `--xl SECONDS:COMMAND`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// One command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolstackCommand {
    /// When, counted from the domain's start.
    pub after: Duration,
    /// xl's command and its arguments.
    pub words: Vec<String>,
}

impl FromStr for ToolstackCommand {
    type Err = String;

    fn from_str(text: &str) -> Result<ToolstackCommand, String> {
        let (seconds, command) = text
            .split_once(':')
            .ok_or("it takes SECONDS:COMMAND, such as \"5:list\"")?;
        let seconds: f64 = seconds
            .trim()
            .parse()
            .map_err(|_| format!("{seconds:?} is no number of seconds"))?;
        let after = Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())?;
        let words: Vec<_> = command.split_whitespace().map(str::to_owned).collect();
        if words.is_empty() {
            return Err("there is no command for xl".to_owned());
        }
        Ok(ToolstackCommand { after, words })
    }
}

/// As dom0 reads it: milliseconds and the command, in one line.
impl fmt::Display for ToolstackCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.after.as_millis(), self.words.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_have_a_time_and_words() {
        let command: ToolstackCommand = "1.5: mem-set  starling 40".parse().unwrap();
        assert_eq!(command.to_string(), "1500 mem-set starling 40");
        for bad in ["", "list", "x:list", "-1:list", "5:", "inf:list"] {
            assert!(bad.parse::<ToolstackCommand>().is_err(), "{bad:?}");
        }
    }
}
