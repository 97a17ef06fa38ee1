//! The same Erlang program on OTP and on Starling: outputs equal to the byte.
//!
//! Every `tests/erl/*.erl` is compiled with stock `erlc` and its `main` is run by
//! `erl` and by Starling: by a bare machine, by one that collects at every allocation (`+gcstress`), and by one that
//! has booted OTP. Standard output and exit code must be equal; what
//! either machine writes to standard error is shown when they are not.
//!
//! A program says `%% gcstress: small` in its first lines if the collecting run is to
//! call `main([small])` (through `-s MODULE main small`) and not `main()`.
//!
//! Run by `cargo test -p starling-tests --test differential [-- FILTER…]`; this file is
//! its own harness, so that each program is one line of the report. The invariant:
//! a run passes only if OTP itself ended in time with some output to compare.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, ExitStatus, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use starling_tests::difference::{SHOWN_LINES, clip, difference};
use starling_tests::{STARLING, root};

/// How long one run of one program may take, on either machine.
const TIME_LIMIT: Duration = Duration::from_secs(60);
/// Programs run side by side; `--test-threads=N` overrides.
const JOBS: usize = 2;

fn main() -> ExitCode {
    let options = Options::from_args(std::env::args().skip(1));
    match run(&options) {
        Ok(report) => report.finish(),
        Err(message) => {
            eprintln!("differential: {message}");
            ExitCode::FAILURE
        }
    }
}

/// What the command line asks for.
struct Options {
    filters: Vec<String>,
    exact: bool,
    list: bool,
    jobs: usize,
}

impl Options {
    /// Understands what `cargo test` users type; flags meant for the standard
    /// harness only (`--nocapture`, …) change nothing here.
    fn from_args(args: impl Iterator<Item = String>) -> Self {
        let mut options = Options {
            filters: Vec::new(),
            exact: false,
            list: false,
            jobs: JOBS,
        };
        for arg in args {
            match arg.as_str() {
                "--exact" => options.exact = true,
                "--list" => options.list = true,
                _ => match arg.strip_prefix("--test-threads=") {
                    Some(jobs) => options.jobs = jobs.parse().unwrap_or(JOBS).max(1),
                    None if arg.starts_with('-') => {}
                    None => options.filters.push(arg),
                },
            }
        }
        options
    }

    fn selects(&self, name: &str) -> bool {
        self.filters.is_empty()
            || self.filters.iter().any(|f| {
                if self.exact {
                    f == name
                } else {
                    name.contains(f.as_str())
                }
            })
    }
}

/// One program of `tests/erl`.
struct Program {
    /// The module's and the file's name.
    name: String,
    source: PathBuf,
    /// What `main` gets under `+gcstress`; nothing for `main()`.
    stress_args: Vec<String>,
    /// Whether it needs OTP's preloaded modules, which `erl` has and a bare machine finds on the path only.
    preloaded: bool,
    /// Whether it needs an OTP that has booted, and cannot run on a bare machine.
    booted: bool,
}

impl Program {
    /// How the machine under test runs it.
    fn modes(&self) -> &'static [Mode] {
        match self.booted {
            true => &[Mode::Otp],
            false => &MODES,
        }
    }

    fn read(source: PathBuf) -> Result<Self, String> {
        let text = fs::read_to_string(&source)
            .map_err(|e| format!("cannot read {}: {e}", source.display()))?;
        let head = || text.lines().take_while(|line| line.starts_with("%%"));
        let stress_args = head()
            .find_map(|line| line.strip_prefix("%% gcstress: "))
            .map(|args| args.split_whitespace().map(str::to_owned).collect())
            .unwrap_or_default();
        let name = source
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        Ok(Program {
            name,
            source,
            stress_args,
            preloaded: head().any(|line| line == "%% needs: preloaded modules"),
            booted: head().any(|line| line == "%% needs: OTP"),
        })
    }

    /// All programs of a directory, by name.
    fn read_all(directory: &Path) -> Result<Vec<Self>, String> {
        let entries = fs::read_dir(directory)
            .map_err(|e| format!("cannot list {}: {e}", directory.display()))?;
        let mut sources: Vec<PathBuf> = entries
            .filter_map(|entry| entry.ok().map(|e| e.path()))
            .filter(|path| path.extension().is_some_and(|e| e == "erl"))
            .collect();
        sources.sort();
        sources.into_iter().map(Program::read).collect()
    }
}

/// The directories that every run needs.
struct Setting {
    /// Where the compiled programs are; also the working directory of every run.
    ebin: PathBuf,
    /// OTP's own applications that need no other, given to the bare machine.
    libraries: Vec<PathBuf>,
    /// Where the preloaded modules are.
    preloaded: PathBuf,
}

fn run(options: &Options) -> Result<Report, String> {
    let directory = root().join("tests/erl");
    let (programs, left_out): (Vec<_>, Vec<_>) = Program::read_all(&directory)?
        .into_iter()
        .partition(|p| options.selects(&p.name));
    let mut report = Report {
        filtered_out: left_out.iter().map(|p| p.modes().len()).sum(),
        ..Report::default()
    };
    if options.list {
        programs.iter().for_each(|p| println!("{}: test", p.name));
        report.list_only = true;
        return Ok(report);
    }
    let count: usize = programs.iter().map(|p| p.modes().len()).sum();
    println!("\nrunning {count} tests");
    let setting = prepare(&directory, &programs, options.jobs)?;

    let next = AtomicUsize::new(0);
    let shared = Mutex::new(&mut report);
    thread::scope(|scope| {
        for _ in 0..options.jobs {
            scope.spawn(|| {
                while let Some(program) = programs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    for &mode in program.modes() {
                        let verdict = compare(program, mode, &setting);
                        shared
                            .lock()
                            .unwrap_or_else(|e| e.into_inner())
                            .add(program, mode, verdict);
                    }
                }
            });
        }
    });
    Ok(report)
}

/// Finds OTP and compiles all programs.
fn prepare(directory: &Path, programs: &[Program], jobs: usize) -> Result<Setting, String> {
    let eval =
        "[io:put_chars([code:lib_dir(A, ebin), $\\n]) || A <- [stdlib, compiler, erts]], halt().";
    let asked = Command::new("erl")
        .args(["-noshell", "-noinput", "-eval", eval])
        .output()
        .map_err(missing_otp)?;
    let said = String::from_utf8_lossy(&asked.stdout);
    let mut libraries: Vec<PathBuf> = said.lines().map(PathBuf::from).collect();
    if libraries.len() != 3 || !libraries.iter().all(|library| library.is_dir()) {
        return Err(format!(
            "`erl` did not name the directories of its stdlib, compiler and erts but wrote: {said}"
        ));
    }

    let ebin = Path::new(env!("CARGO_TARGET_TMPDIR")).join("differential");
    fs::create_dir_all(&ebin).map_err(|e| format!("cannot create {}: {e}", ebin.display()))?;
    // Compiled from within the directory, so that stack traces name bare file names.
    let chunks = programs.chunks(programs.len().div_ceil(jobs).max(1));
    let compilers: Vec<_> = chunks
        .map(|chunk| {
            let names = chunk.iter().filter_map(|p| p.source.file_name());
            Command::new("erlc")
                .current_dir(directory)
                .arg("-W0")
                .arg("-o")
                .arg(&ebin)
                .args(names)
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .map_err(missing_otp)
        })
        .collect::<Result<_, _>>()?;
    for compiler in compilers {
        let output = compiler
            .wait_with_output()
            .map_err(|e| format!("erlc: {e}"))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stdout).into_owned()
                + &String::from_utf8_lossy(&output.stderr);
            return Err(format!("erlc failed in {}:\n{said}", directory.display()));
        }
    }
    let preloaded = libraries.pop().unwrap_or_default();
    Ok(Setting {
        ebin,
        libraries,
        preloaded,
    })
}

fn missing_otp(error: std::io::Error) -> String {
    format!(
        "cannot run OTP's `erl` and `erlc` ({error}); install them with: apt-get install erlang-base"
    )
}

/// How the machine under test runs a program.
#[derive(Clone, Copy, PartialEq)]
enum Mode {
    /// Without OTP.
    Plain,
    /// Without OTP, with a collection at every allocation.
    GcStress,
    /// As a user would: OTP boots first.
    Otp,
}

const MODES: [Mode; 3] = [Mode::Plain, Mode::GcStress, Mode::Otp];

impl Mode {
    fn name(self) -> &'static str {
        match self {
            Mode::Plain => "plain",
            Mode::GcStress => "gcstress",
            Mode::Otp => "otp",
        }
    }
}

/// Runs a program on both machines; `Err` is the text to show below the failure.
fn compare(program: &Program, mode: Mode, setting: &Setting) -> Result<(), String> {
    let args: &[String] = if mode == Mode::GcStress {
        &program.stress_args
    } else {
        &[]
    };

    let mut otp = Command::new("erl");
    // One scheduler, as the machine under test has; and no crash reports, which the
    // logger would write to standard output.
    let as_users_do = |command: &mut Command| {
        command
            .args(["-noshell", "-noinput", "-kernel", "logger_level", "none"])
            .arg("-pa")
            .arg(&setting.ebin);
    };
    otp.args(["+S", "1"]);
    as_users_do(&mut otp);
    start_main(&mut otp, program, args, setting);

    let mut starling = Command::new(STARLING);
    starling.arg("erl");
    if mode == Mode::Otp {
        as_users_do(&mut starling);
    } else {
        starling.arg("--bare");
        let preloaded = program.preloaded.then_some(&setting.preloaded);
        let directories = [&setting.ebin].into_iter().chain(&setting.libraries);
        for directory in directories.chain(preloaded) {
            starling.arg("-pa").arg(directory);
        }
    }
    if mode == Mode::GcStress {
        starling.arg("+gcstress");
    }
    start_main(&mut starling, program, args, setting);

    let expected = Outcome::of(&mut otp)?;
    if expected.status.is_none() || expected.stdout.is_empty() {
        return Err(format!(
            "OTP itself gave nothing to compare\n{}",
            expected.describe("erl")
        ));
    }
    let actual = Outcome::of(&mut starling)?;
    if actual.status == expected.status && actual.stdout == expected.stdout {
        return Ok(());
    }
    let mut text = difference(&expected.stdout, &actual.stdout);
    text += &expected.describe("erl");
    text += &actual.describe("starling");
    text += &format!("  by hand: {}\n", command_line(&starling));
    Err(text)
}

/// `-s MODULE main [ARGS…] -s erlang halt`, in a quiet and equal environment.
fn start_main(command: &mut Command, program: &Program, args: &[String], setting: &Setting) {
    command
        .args(["-s", &program.name, "main"])
        .args(args)
        .args(["-s", "erlang", "halt"]);
    command
        .current_dir(&setting.ebin)
        .env("LC_ALL", "C.UTF-8")
        .env("ERL_CRASH_DUMP_SECONDS", "0");
    for flags in ["ERL_FLAGS", "ERL_AFLAGS", "ERL_ZFLAGS", "ERL_LIBS"] {
        command.env_remove(flags);
    }
}

/// A command as one would type it.
fn command_line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let words: Vec<_> = words.map(|word| word.to_string_lossy()).collect();
    words.join(" ")
}

/// What a run left behind.
struct Outcome {
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    /// None if the run took too long and was killed.
    status: Option<ExitStatus>,
    took: Duration,
}

impl Outcome {
    /// Runs a command to its end, or kills it at the time limit.
    fn of(command: &mut Command) -> Result<Self, String> {
        let what = command.get_program().to_string_lossy().into_owned();
        let start = Instant::now();
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|e| format!("cannot run {what}: {e}"))?;
        let stdout = reader(child.stdout.take());
        let stderr = reader(child.stderr.take());
        let status = loop {
            match child
                .try_wait()
                .map_err(|e| format!("cannot wait for {what}: {e}"))?
            {
                Some(status) => break Some(status),
                None if start.elapsed() > TIME_LIMIT => {
                    child
                        .kill()
                        .and_then(|()| child.wait())
                        .map_err(|e| format!("cannot kill {what}: {e}"))?;
                    break None;
                }
                None => thread::sleep(Duration::from_millis(4)),
            }
        };
        Ok(Outcome {
            stdout: stdout.join().unwrap_or_default(),
            stderr: stderr.join().unwrap_or_default(),
            status,
            took: start.elapsed(),
        })
    }

    /// How the run ended and the last lines it wrote to standard error.
    fn describe(&self, who: &str) -> String {
        let end = match self.status {
            // "exit status: 1" or "signal: 11 (SIGSEGV)".
            Some(status) => status.to_string(),
            None => format!("killed after {} s", TIME_LIMIT.as_secs()),
        };
        let lines = self.stdout.iter().filter(|&&b| b == b'\n').count();
        let mut text = format!(
            "  {who}: {end}, {lines} lines, {:.2} s\n",
            self.took.as_secs_f64()
        );
        let errors = String::from_utf8_lossy(&self.stderr);
        let errors: Vec<&str> = errors.lines().collect();
        for line in &errors[errors.len().saturating_sub(SHOWN_LINES)..] {
            text += &format!("    stderr| {}\n", clip(line, 0));
        }
        text
    }
}

/// Collects a pipe to its end, so that a talkative child is never blocked.
fn reader(pipe: Option<impl Read + Send + 'static>) -> thread::JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            // A broken pipe ends the output; what came before it counts.
            let _ = pipe.read_to_end(&mut bytes);
        }
        bytes
    })
}

/// What has been found so far.
struct Report {
    passed: usize,
    failures: Vec<(String, String)>,
    filtered_out: usize,
    list_only: bool,
    start: Instant,
}

impl Default for Report {
    fn default() -> Self {
        Report {
            passed: 0,
            failures: Vec::new(),
            filtered_out: 0,
            list_only: false,
            start: Instant::now(),
        }
    }
}

impl Report {
    fn add(&mut self, program: &Program, mode: Mode, verdict: Result<(), String>) {
        let name = format!("{} ({})", program.name, mode.name());
        match verdict {
            Ok(()) => {
                println!("test {name} ... ok");
                self.passed += 1;
            }
            Err(text) => {
                println!("test {name} ... FAILED");
                self.failures.push((name, text));
            }
        }
    }

    fn finish(self) -> ExitCode {
        if self.list_only {
            return ExitCode::SUCCESS;
        }
        for (name, text) in &self.failures {
            println!("\n---- {name} ----\n{text}");
        }
        let (word, code) = match self.failures.is_empty() {
            true => ("ok", ExitCode::SUCCESS),
            false => ("FAILED", ExitCode::FAILURE),
        };
        println!(
            "\ntest result: {word}. {} passed; {} failed; 0 ignored; 0 measured; {} filtered out; finished in {:.2}s\n",
            self.passed,
            self.failures.len(),
            self.filtered_out,
            self.start.elapsed().as_secs_f64()
        );
        code
    }
}
