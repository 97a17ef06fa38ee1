//! What `erlexec` does: from words to the machine's options and the arguments of `init:boot/1`.
//!
//! The names here are those of flags that are taken before `init` sees them; all others are passed on. Facts: `erl(1)`, and what
//! `erl -emu_args_exit` prints for the command lines of the tests below and of tests/otp_flags.rs.

use super::{Stop, Word, emulator};
use crate::boot::options::Options;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// Variables of an environment, in order; a name occurs once.
pub type Environment = Vec<(Word, Word)>;

/// The OTP that is to be started, by its paths.
#[derive(Clone, Copy, Debug)]
pub struct Installation<'a> {
    /// Where `lib` and `releases` are.
    pub root: &'a str,
    /// What would hold the emulator; the programs of ports are there.
    pub bindir: &'a str,
    /// Version of erts, for `-version`.
    pub erts_version: &'a str,
    /// Whether programs can be started: then `epmd` is, for a node with a name. Where there is none, such a node listens at
    /// [`NODE_PORT`], and looks for others there, unless flags say how else they find each other.
    pub has_programs: bool,
}

/// Where a node without `epmd` listens: `-erl_epmd_port`.
pub const NODE_PORT: &str = "6789";

/// Flags that say how nodes find each other.
const WAYS_TO_NODES: [&[u8]; 4] = [
    b"-erl_epmd_port",
    b"-epmd_module",
    b"-no_epmd",
    b"-proto_dist",
];

/// What a machine is started with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Launch {
    /// The arguments of `init:boot/1`.
    pub arguments: Vec<Word>,
    /// How the machine is to behave.
    pub options: Options,
    /// The environment of programs.
    pub environment: Environment,
    /// The program that tells nodes where others listen, to be started with `-daemon` unless it runs.
    pub epmd: Option<Word>,
    /// Whether to go on in the background, without a terminal.
    pub detached: bool,
    /// To be printed before the machine starts: what `-emu_args` asks for, and warnings.
    pub output: Vec<u8>,
    /// The same for standard error.
    pub error: String,
}

/// Flags of one letter whose value is the next word, unless it follows in the same word.
const LETTERS_WITH_VALUE: &[u8] = b"aACeinPQtTRWK";
/// Other flags whose value is the next word, whatever it looks like, unless it follows in the same word. Those that end a word in OTP 25 and
/// take a value in 27, or the other way round, take one.
const NAMES_WITH_VALUE: [&str; 52] = [
    "pc", "pad", "S", "SP", "SDcpu", "SDPcpu", "SDio", "IOt", "IOp", "IOPt", "IOPp", "IOs",
    "JPperf", "JPcover", "JDdump", "JMsingle", "dcg", "zhft", "h", "hms", "hmbs", "hpds", "hmax",
    "hmaxk", "hmaxel", "hmaxib", "hmqd", "rg", "sbt", "sbwt", "sbwtdcpu", "sbwtdio", "scl", "sct",
    "secio", "sfwi", "stbt", "swct", "swt", "swtdcpu", "swtdio", "sws", "sss", "sssdcpu", "sssdio",
    "spp", "sub", "zdbbl", "zdntgc", "zebwt", "zosrl", "Mea",
];

/// Takes `words` apart for the OTP at `installation`. `environment` is what the tool itself was started with.
pub fn launch(
    words: &[Word],
    installation: &Installation,
    mut environment: Environment,
) -> Result<Launch, Stop> {
    let home = variable(&environment, "HOME").map(<[u8]>::to_vec);
    let epmd_port = variable(&environment, "ERL_EPMD_PORT").map(<[u8]>::to_vec);
    set_installation(&mut environment, installation);

    let mut split = Split {
        environment,
        has_programs: installation.has_programs,
        ..Split::default()
    };
    split.read(words)?;

    let mut arguments: Vec<Word> = Vec::new();
    let mut add = |words: &[&[u8]]| arguments.extend(words.iter().map(|word| word.to_vec()));
    add(&[b"-root", installation.root.as_bytes()]);
    add(&[b"-bindir", installation.bindir.as_bytes()]);
    add(&[b"-progname", b"erl", b"--"]);
    if let Some(home) = &home {
        add(&[b"-home", home]);
    }
    if let Some(port) = &epmd_port {
        add(&[b"-epmd_port", port]);
    }
    let knows_way = |word: &Word| WAYS_TO_NODES.contains(&word.as_slice());
    if split.named && !installation.has_programs && !split.init.iter().any(knows_way) {
        add(&[b"-erl_epmd_port", NODE_PORT.as_bytes()]);
    }
    add(&[b"--"]);
    arguments.append(&mut split.init);
    let wants_epmd = split.named && !split.without_epmd && installation.has_programs;
    let epmd = split.epmd.take();
    let epmd = epmd.unwrap_or_else(|| [installation.bindir.as_bytes(), b"/epmd"].concat());

    let shown = shown(&split, &arguments);
    match split.show {
        Show::Lines | Show::Quoted => return Err(Stop::answer(shown)),
        Show::No | Show::Command => {}
    }
    let mut options = Options::default();
    if let Some(after) = variable(&split.environment, "ERL_FULLSWEEP_AFTER") {
        options.fullsweep_after = emulator::leading_number(after).clamp(0, 65_535) as u32;
    }
    if let Some(tables) = variable(&split.environment, "ERL_MAX_ETS_TABLES") {
        options.set_ets_tables(emulator::leading_number(tables));
    }
    options.no_beam = split.no_beam;
    let error = emulator::parse(&split.emulator, installation.erts_version, &mut options)?;
    Ok(Launch {
        arguments,
        options,
        environment: split.environment,
        epmd: wants_epmd.then_some(epmd),
        detached: split.detached,
        output: shown,
        error,
    })
}

/// What `-emu_args` and its like show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Show {
    #[default]
    No,
    /// `-emu_args`: on one line, and go on.
    Command,
    /// `-emu_args_exit`: one on each line, and end.
    Lines,
    /// `-emu_qouted_cmd_exit` (OTP's spelling): in quotes on one line, and end.
    Quoted,
}

fn shown(split: &Split, arguments: &[Word]) -> Vec<u8> {
    let all = split.emulator.iter().map(Vec::as_slice);
    let all = all.chain([&b"--"[..]]);
    let all = all.chain(arguments.iter().map(Vec::as_slice));
    let mut out = Vec::new();
    match split.show {
        Show::No => {}
        Show::Lines => all.for_each(|word| out.extend_from_slice(&[word, b"\n"].concat())),
        Show::Quoted => {
            out.extend_from_slice(b"\"starling\" ");
            all.for_each(|word| out.extend_from_slice(&[b"\"", word, b"\" "].concat()));
            out.push(b'\n');
        }
        Show::Command => {
            out.extend_from_slice(b"Executing: starling");
            all.for_each(|word| out.extend_from_slice(&[b" ", word].concat()));
            out.extend_from_slice(b"\n\n");
        }
    }
    out
}

/// Words by whom they are for.
#[derive(Default)]
struct Split {
    /// The machine's, with `-` for `+`.
    emulator: Vec<Word>,
    /// Those of `init`.
    init: Vec<Word>,
    environment: Environment,
    show: Show,
    no_beam: bool,
    /// As [`Installation::has_programs`].
    has_programs: bool,
    /// `-detached`
    detached: bool,
    /// The node has a name.
    named: bool,
    /// `-start_epmd false`, `-no_epmd`
    without_epmd: bool,
    /// `-epmd`
    epmd: Option<Word>,
}

impl Split {
    fn read(&mut self, words: &[Word]) -> Result<(), Stop> {
        let mut rest = words.iter().map(Vec::as_slice);
        let (mut no_epmd, mut protocol, mut halts) = (false, false, false);
        while let Some(word) = rest.next() {
            let mut value = || {
                let missing = || Stop::missing_value(&String::from_utf8_lossy(word));
                rest.next().ok_or_else(missing)
            };
            match word {
                b"-extra" => {
                    self.pass(&[word]);
                    let words: Vec<_> = rest.by_ref().collect();
                    self.pass(&words);
                }
                b"-compile" => {
                    self.emulator.push(b"-B".to_vec());
                    self.pass(&[b"-noshell", b"-noinput", b"-s", b"c", b"lc_batch"]);
                }
                // The rest of the command line is not for `init`.
                b"-make" => {
                    self.emulator.push(b"-B".to_vec());
                    self.pass(&[b"-noshell", b"-noinput", b"-s", b"make", b"all_or_nothing"]);
                    halts = true;
                    rest.by_ref().for_each(drop);
                }
                b"-detached" if self.has_programs => {
                    self.detached = true;
                    self.pass(&[b"-noshell", b"-noinput"]);
                }
                b"-detached" => {
                    return Err(Stop::unsupported(
                        "-detached is not supported: a domain has no terminal to let go of",
                    ));
                }
                b"-man" => return Err(Stop::unsupported("-man is not supported: use man -M")),
                b"-smpdisable" => return Err(no_smp_flag()),
                b"-smp" => {
                    self.pass(&[word]);
                    if rest.clone().next() == Some(b"disable") {
                        return Err(no_smp_flag());
                    }
                }
                b"-emu_type" | b"-emu_flavor" => {
                    let value = value()?;
                    self.pass(&[word, value]);
                }
                b"-emu_args" => self.show = Show::Command,
                b"-emu_args_exit" => self.show = Show::Lines,
                b"-emu_qouted_cmd_exit" => self.show = Show::Quoted,
                b"-emu_name_exit" => return Err(Stop::answer(b"starling\n".to_vec())),
                b"-env" => {
                    let (name, value) = (value()?, value_of_env(&mut rest)?);
                    set(&mut self.environment, name, value);
                }
                b"-epmd" => self.epmd = Some(value()?.to_vec()),
                b"-keep_window" => {}
                b"-name" | b"-sname" | b"-proto_dist" | b"-configfd" => {
                    protocol |= word == b"-proto_dist";
                    self.named |= matches!(word, b"-name" | b"-sname");
                    let value = value()?;
                    self.pass(&[word, value]);
                }
                b"-start_epmd" => {
                    let value = value()?;
                    if value != b"true" && value != b"false" {
                        return Err(Stop::usage(String::from(
                            "Expected boolean argument for '-start_epmd'.",
                        )));
                    }
                    self.without_epmd = value == b"false";
                    self.pass(&[word, value]);
                }
                b"-no_epmd" => {
                    (no_epmd, self.without_epmd) = (true, true);
                    self.pass(&[word]);
                }
                b"-noinput" => self.pass(&[b"-noshell", b"-noinput"]),
                b"-version" => self.emulator.push(b"-V".to_vec()),
                b"-nobeam" => {
                    self.no_beam = true;
                    self.pass(&[word]);
                }
                [b'+', ..] => self.emulator_flag(word, &mut rest)?,
                _ => self.pass(&[word]),
            }
        }
        if halts {
            self.pass(&[b"-s", b"erlang", b"halt"]);
        }
        if no_epmd && !protocol {
            return Err(Stop::unsupported(
                "Missing -proto_dist option, expected when using -no_epmd.",
            ));
        }
        Ok(())
    }

    fn pass(&mut self, words: &[&[u8]]) {
        self.init.extend(words.iter().map(|word| word.to_vec()));
    }

    /// A flag of the machine, and its value if that is a word of its own.
    fn emulator_flag<'a>(
        &mut self,
        word: &[u8],
        rest: &mut (impl Iterator<Item = &'a [u8]> + Clone),
    ) -> Result<(), Stop> {
        let name = &word[1..];
        let flag = [b"-", name].concat();
        let next = rest.clone().next();
        let known = |names: &[&str]| names.iter().any(|known| known.as_bytes() == name);
        let letter = name.len() == 1 && LETTERS_WITH_VALUE.contains(&name[0]);
        let has_value = match name {
            b"B" => next.is_some_and(|next| matches!(next, b"i" | b"c" | b"d")),
            b"c" => next.is_some_and(|next| matches!(next, b"true" | b"false")),
            _ if letter || known(&NAMES_WITH_VALUE) || emulator::is_allocator_switch(name) => {
                if next.is_none() {
                    return Err(Stop::missing_value(&String::from_utf8_lossy(word)));
                }
                true
            }
            _ => false,
        };
        self.emulator.push(flag);
        if has_value {
            self.emulator.extend(rest.next().map(<[u8]>::to_vec));
        }
        Ok(())
    }
}

fn value_of_env<'a>(rest: &mut impl Iterator<Item = &'a [u8]>) -> Result<&'a [u8], Stop> {
    rest.next().ok_or_else(|| Stop::missing_value("-env"))
}

fn no_smp_flag() -> Stop {
    Stop::usage(String::from(
        "Argument '-smp disable' not supported. Use \"+S 1\" instead.",
    ))
}

/// The value of a variable.
pub fn variable<'a>(environment: &'a Environment, name: &str) -> Option<&'a [u8]> {
    let mut found = environment.iter().filter(|(n, _)| n == name.as_bytes());
    found.next().map(|(_, value)| &value[..])
}

/// Sets a variable.
pub fn set(environment: &mut Environment, name: &[u8], value: &[u8]) {
    match environment.iter_mut().find(|(n, _)| n == name) {
        Some((_, old)) => *old = value.to_vec(),
        None => environment.push((name.to_vec(), value.to_vec())),
    }
}

/// The variables that the scripts of OTP set, and `PATH` with OTP's programs in front.
fn set_installation(environment: &mut Environment, installation: &Installation) {
    let Installation { root, bindir, .. } = installation;
    let path = match variable(environment, "PATH") {
        None => format!("{bindir}:{root}/bin:").into_bytes(),
        Some(path) if !contains(path, root.as_bytes()) => {
            [format!("{bindir}:{root}/bin:").as_bytes(), path].concat()
        }
        // Started by a program of OTP: its directory is there already, and comes to the front.
        Some(path) => {
            let front = format!("{bindir}:").into_bytes();
            [&front[..], &without(path, &front)].concat()
        }
    };
    set(environment, b"PATH", &path);
    set(environment, b"ROOTDIR", root.as_bytes());
    set(environment, b"BINDIR", bindir.as_bytes());
    set(environment, b"EMU", b"beam");
    set(environment, b"PROGNAME", b"erl");
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    !part.is_empty() && text.windows(part.len()).any(|window| window == part)
}

/// `text` with every `part` cut out.
fn without(text: &[u8], part: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, behind)) = rest.split_first() {
        rest = match rest.strip_prefix(part) {
            Some(behind) => behind,
            None => {
                out.push(*first);
                behind
            }
        };
    }
    out
}

#[cfg(test)]
#[path = "launch_tests.rs"]
mod tests;
