//! A program on a pseudo-terminal: keys go in, and what its user would see comes out.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags};
use rustix::process::{Pid, Signal};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcgetattr, tcsetwinsize};

/// Longer than anything takes that a test waits for.
const LIMIT: Duration = Duration::from_secs(30);

/// What a terminal shows, of the little that line editors use. Rows that scroll away are kept.
pub struct Screen {
    rows: Vec<Vec<char>>,
    columns: usize,
    row: usize,
    column: usize,
    /// An escape sequence that is not complete.
    sequence: String,
}

/// Second cell of a wide character.
const WIDE: char = '\0';

impl Screen {
    fn new(columns: usize) -> Screen {
        Screen {
            rows: vec![vec![' '; columns]],
            columns,
            row: 0,
            column: 0,
            sequence: String::new(),
        }
    }

    fn feed(&mut self, text: &str) {
        for character in text.chars() {
            self.one(character);
        }
    }

    fn one(&mut self, character: char) {
        if !self.sequence.is_empty() {
            self.sequence.push(character);
            let is_csi = self.sequence.starts_with("\x1b[");
            if self.sequence.len() > 2 && is_csi && character.is_ascii_alphabetic() {
                let sequence = std::mem::take(&mut self.sequence);
                self.control(&sequence[2..sequence.len() - 1], character);
            } else if self.sequence.len() == 2 && !is_csi {
                self.sequence.clear();
            }
            return;
        }
        match character {
            '\x1b' => self.sequence.push(character),
            '\r' => self.column = 0,
            '\n' => self.down(),
            '\x08' => self.column = self.column.min(self.columns - 1).saturating_sub(1),
            '\x07' => {}
            _ => self.show(character),
        }
    }

    fn down(&mut self) {
        self.row += 1;
        if self.row == self.rows.len() {
            self.rows.push(vec![' '; self.columns]);
        }
    }

    fn show(&mut self, character: char) {
        let wide = ('\u{1100}'..'\u{d7ff}').contains(&character) && character >= '\u{2e80}';
        if self.column + usize::from(wide) >= self.columns {
            self.column = 0;
            self.down();
        }
        self.rows[self.row][self.column] = character;
        self.column += 1;
        if wide {
            self.rows[self.row][self.column] = WIDE;
            self.column += 1;
        }
    }

    fn control(&mut self, number: &str, letter: char) {
        let count = number.parse().unwrap_or(1);
        let column = self.column.min(self.columns - 1);
        match letter {
            'A' => self.row = self.row.saturating_sub(count),
            'B' => (0..count).for_each(|_| self.down()),
            'C' => self.column = (column + count).min(self.columns - 1),
            'D' => self.column = column.saturating_sub(count),
            'J' | 'K' => {
                self.rows[self.row][column..].fill(' ');
                if letter == 'J' {
                    self.rows.truncate(self.row + 1);
                }
            }
            'P' => {
                let row = &mut self.rows[self.row];
                row.drain(column..(column + count).min(self.columns));
                row.resize(self.columns, ' ');
            }
            '@' => {
                let row = &mut self.rows[self.row];
                (0..count).for_each(|_| row.insert(column, ' '));
                row.truncate(self.columns);
            }
            'm' | 'h' | 'l' => {}
            _ => panic!("no terminal of a test knows ESC [ {number} {letter}"),
        }
    }

    /// The rows, without blanks at their ends, and where the cursor is.
    pub fn text(&self) -> String {
        let rows = self.rows.iter().map(|row| {
            let row: String = row.iter().filter(|&&cell| cell != WIDE).collect();
            row.trim_end().to_string() + "\n"
        });
        format!(
            "{}cursor {}",
            rows.collect::<String>(),
            self.column.min(self.columns - 1)
        )
    }
}

/// A program and the terminal that it runs on.
pub struct Session {
    child: Child,
    master: File,
    slave: OwnedFd,
    /// What its user sees.
    pub screen: Screen,
    /// All that was printed.
    printed: String,
    /// Bytes of a character that is not complete.
    partial: Vec<u8>,
    /// How much of `printed` was expected.
    expected: usize,
    /// The terminal's state before the program started.
    before: String,
}

impl Session {
    /// Starts `command` on a terminal with rows of that many columns.
    pub fn start(command: &mut Command, columns: u16) -> Session {
        Session::start_on("xterm", command, columns)
    }

    /// The same on a terminal of that name.
    pub fn start_on(terminal: &str, command: &mut Command, columns: u16) -> Session {
        command.env("TERM", terminal).env("LANG", "C.UTF-8");
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap();
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        let slave = rustix::fs::open(&name, flags, Mode::empty()).unwrap();
        resize(&slave, columns);
        let before = state(&slave);
        let stdio = || Stdio::from(slave.try_clone().unwrap());
        command.stdin(stdio()).stdout(stdio()).stderr(stdio());
        for variable in [
            "LC_ALL",
            "LC_CTYPE",
            "ERL_AFLAGS",
            "ERL_FLAGS",
            "ERL_ZFLAGS",
        ] {
            command.env_remove(variable);
        }
        // SAFETY: two system calls, which a child may make before it becomes another program.
        unsafe {
            command.pre_exec(|| {
                rustix::process::setsid()?;
                rustix::process::ioctl_tiocsctty(rustix::stdio::stdin())?;
                Ok(())
            })
        };
        let child = command
            .spawn()
            .unwrap_or_else(|error| panic!("cannot run {command:?}: {error}"));
        Session {
            child,
            master: File::from(master),
            slave,
            screen: Screen::new(columns.into()),
            printed: String::new(),
            partial: Vec::new(),
            expected: 0,
            before,
        }
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Types.
    pub fn keys(&mut self, keys: &str) {
        self.master.write_all(keys.as_bytes()).unwrap();
    }

    /// Reads what is printed until `limit`. False if there was nothing, or nobody is left to print.
    fn read(&mut self, limit: Duration) -> bool {
        let timeout = Timespec::try_from(limit).unwrap();
        let ready = {
            let mut files = [PollFd::from_borrowed_fd(self.master.as_fd(), PollFlags::IN)];
            poll(&mut files, Some(&timeout)).unwrap_or(0)
        };
        let mut bytes = [0; 4096];
        if ready == 0 {
            return false;
        }
        let Ok(count) = self.master.read(&mut bytes) else {
            return false;
        };
        self.partial.extend_from_slice(&bytes[..count]);
        let valid = match std::str::from_utf8(&self.partial) {
            Ok(text) => text.len(),
            Err(error) => error.valid_up_to(),
        };
        let text: Vec<u8> = self.partial.drain(..valid).collect();
        let text = String::from_utf8(text).unwrap();
        self.screen.feed(&text);
        self.printed += &text;
        true
    }

    /// Waits until `text` is printed, behind what was expected before.
    #[track_caller]
    pub fn expect(&mut self, text: &str) {
        let end = Instant::now() + LIMIT;
        loop {
            if let Some(at) = self.printed[self.expected..].find(text) {
                self.expected += at + text.len();
                return;
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() || !self.read(left) {
                let rest = &self.printed[self.expected..];
                panic!("no {text:?} in {rest:?}; before that:\n{}", self.printed);
            }
        }
    }

    /// Types a line and waits for what follows it.
    #[track_caller]
    pub fn line(&mut self, line: &str, text: &str) {
        self.keys(line);
        self.keys("\r");
        self.expect(text);
    }

    /// Reads until nothing has been printed for a while.
    pub fn settle(&mut self) {
        while self.read(Duration::from_millis(400)) {}
        self.expected = self.printed.len();
    }

    /// Gives the terminal another size.
    pub fn resize(&mut self, columns: u16) {
        resize(&self.slave, columns);
        self.screen.columns = columns.into();
        for row in &mut self.screen.rows {
            row.resize(columns.into(), ' ');
        }
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        rustix::process::kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Whether the terminal is as it was before the program started.
    pub fn is_restored(&self) -> bool {
        state(&self.slave) == self.before
    }

    /// Waits for the program's end: its exit status, or minus the signal that killed it. The terminal must be as it was.
    #[track_caller]
    pub fn end(mut self) -> i32 {
        let end = Instant::now() + LIMIT;
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(Instant::now() < end, "it does not end:\n{}", self.printed);
            self.read(Duration::from_millis(20));
        };
        assert_eq!(state(&self.slave), self.before, "the terminal is changed");
        status.code().unwrap_or(-status.signal().unwrap_or(0))
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn resize(terminal: impl AsFd, columns: u16) {
    let size = Winsize {
        ws_row: 24,
        ws_col: columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    tcsetwinsize(terminal, size).unwrap();
}

fn state(terminal: &OwnedFd) -> String {
    format!("{:?}", tcgetattr(terminal).unwrap())
}
