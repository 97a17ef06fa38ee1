//! A domain that runs while a test talks to it: `starling boot` in the background, its lines, its ports, its end.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::{Run, STARLING};

/// Longer than any step takes on a busy machine.
const LIMIT: Duration = Duration::from_secs(200);

/// A running program whose lines are collected.
pub struct Guest {
    child: Child,
    stdout: Stream,
    stderr: Stream,
}

impl Guest {
    /// Boots an image. The machine ends by itself after a while, so that a failing test leaves nothing behind.
    pub fn boot(image: &Path, args: &[&str]) -> Guest {
        let mut command = Command::new(STARLING);
        command
            .args(["boot", "-v", "--timeout", "280"])
            .arg(image)
            .args(args);
        Guest::start(&mut command)
    }

    /// Starts any program.
    pub fn start(command: &mut Command) -> Guest {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("cannot run {command:?}: {error}"));
        let stdout = Stream::collect(child.stdout.take().unwrap());
        let stderr = Stream::collect(child.stderr.take().unwrap());
        Guest {
            child,
            stdout,
            stderr,
        }
    }

    /// Waits for a line of standard output that has this in it.
    #[track_caller]
    pub fn printed(&self, part: &str) -> String {
        self.wait_for(&self.stdout, part)
    }

    /// Waits for a line of standard error that has this in it.
    #[track_caller]
    pub fn told(&self, part: &str) -> String {
        self.wait_for(&self.stderr, part)
    }

    #[track_caller]
    fn wait_for(&self, stream: &Stream, part: &str) -> String {
        stream.wait_for(part).unwrap_or_else(|| {
            panic!(
                "no line with {part:?}\n--- stdout\n{}--- stderr\n{}",
                self.stdout.text(),
                self.stderr.text()
            )
        })
    }

    /// Where the domain's port can be reached on this machine: waits until it is forwarded.
    #[track_caller]
    pub fn port(&self, protocol: &str, guest: u16) -> SocketAddr {
        let stream = &self.stderr;
        let end = format!(":{guest}");
        let line = stream
            .wait(|line| line.contains(&format!("ready: {protocol} ")) && line.ends_with(&end));
        let line = line.unwrap_or_else(|| {
            panic!(
                "{protocol} port {guest} is not forwarded\n--- stdout\n{}--- stderr\n{}",
                self.stdout.text(),
                self.stderr.text()
            )
        });
        let (_, rest) = line.split_once(&format!("ready: {protocol} ")).unwrap();
        rest.split(' ').next().unwrap().parse().unwrap()
    }

    /// Talks to the evaluator (`tests/network/evaluator.erl`) at this address, once it listens.
    #[track_caller]
    pub fn evaluator(&self, address: SocketAddr) -> Evaluator {
        self.printed("evaluator: port");
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        Evaluator(BufReader::new(stream))
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits for the end.
    pub fn end(mut self) -> Run {
        let limit = Instant::now() + LIMIT;
        let status = loop {
            match self.child.try_wait().unwrap() {
                Some(status) => break status,
                None if Instant::now() > limit => {
                    let _ = self.child.kill();
                    break self.child.wait().unwrap();
                }
                None => thread::sleep(Duration::from_millis(50)),
            }
        };
        Run {
            status: status.code().unwrap_or(-1),
            stdout: self.stdout.finish(),
            stderr: self.stderr.finish(),
        }
    }

    /// Ends it as Ctrl-C does.
    pub fn interrupt(self) -> Run {
        self.signal(Signal::INT);
        self.end()
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        // Both fail if it has ended, which it has unless the test failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The lines of a stream so far.
struct Stream {
    text: Arc<(Mutex<Collected>, Condvar)>,
    reader: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Collected {
    text: String,
    ended: bool,
}

impl Stream {
    fn collect(source: impl Read + Send + 'static) -> Stream {
        let text = Arc::new((Mutex::new(Collected::default()), Condvar::new()));
        let shared = Arc::clone(&text);
        let reader = thread::spawn(move || {
            let mut source = BufReader::new(source);
            let mut line = Vec::new();
            while source.read_until(b'\n', &mut line).is_ok_and(|len| len > 0) {
                let (collected, changed) = &*shared;
                let line = std::mem::take(&mut line);
                let mut collected = collected.lock().unwrap();
                collected.text.push_str(&String::from_utf8_lossy(&line));
                changed.notify_all();
            }
            shared.0.lock().unwrap().ended = true;
            shared.1.notify_all();
        });
        Stream {
            text,
            reader: Some(reader),
        }
    }

    fn text(&self) -> String {
        self.text.0.lock().unwrap().text.clone()
    }

    fn wait_for(&self, part: &str) -> Option<String> {
        self.wait(|line| line.contains(part))
    }

    fn wait(&self, wanted: impl Fn(&str) -> bool) -> Option<String> {
        let (collected, changed) = &*self.text;
        let limit = Instant::now() + LIMIT;
        let mut collected = collected.lock().unwrap();
        loop {
            if let Some(line) = collected.text.lines().find(|line| wanted(line)) {
                return Some(line.to_owned());
            }
            let left = limit.saturating_duration_since(Instant::now());
            if collected.ended || left.is_zero() {
                return None;
            }
            collected = changed.wait_timeout(collected, left).unwrap().0;
        }
    }

    fn finish(&mut self) -> String {
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
        self.text()
    }
}

/// A connection to an evaluator.
pub struct Evaluator(BufReader<TcpStream>);

impl Evaluator {
    /// Connects to one that listens.
    pub fn connect(address: SocketAddr) -> Evaluator {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        Evaluator(BufReader::new(stream))
    }

    /// The value of an expression, as text.
    #[track_caller]
    pub fn value(&mut self, expression: &str) -> String {
        assert!(!expression.contains('\n'), "one line: {expression}");
        let line = format!("{expression}.\n");
        self.0.get_mut().write_all(line.as_bytes()).unwrap();
        let mut answer = String::new();
        let read = self.0.read_line(&mut answer);
        assert!(
            read.is_ok() && answer.ends_with('\n'),
            "{expression}: {read:?}, {answer:?}"
        );
        answer.trim_end().to_owned()
    }

    /// Fails the test unless the expression has this value.
    #[track_caller]
    pub fn expect(&mut self, expression: &str, value: &str) {
        assert_eq!(self.value(expression), value, "{expression}");
    }
}
