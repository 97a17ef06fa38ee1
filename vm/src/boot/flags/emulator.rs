//! The machine's own flags: `+…` on the command line, which [`launch`](super::launch) hands over as `-…`.
//!
//! [`TABLE`] is what OTP's emulator accepts, in 25 or in 27. Invariant: whatever OTP accepts is accepted, with the same values, whether or not it means anything to
//! a machine with one scheduler and no threads; a wrong value is refused in OTP's words. What has a meaning here sets a field of
//! [`Options`]; an entry whose handler ends in [`ignored`] has none. docs/src/flags.md says why.

use super::{Stop, Word};
use crate::boot::options::{BreakKey, Options, Warnings};
use crate::fs::names::NativeNames;
use crate::time::warp::Mode;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// Sets what a flag says; `None` if the value makes no sense.
type Handler = fn(&mut Options, &[u8]) -> Option<()>;

/// A flag with a value.
struct Flag {
    /// Without its sign. The value follows in the same word or is the next one.
    name: &'static str,
    /// What OTP says of a wrong value, which it puts in the place of `{}`.
    wrong: &'static str,
    handler: Handler,
}

const fn flag(name: &'static str, wrong: &'static str, handler: Handler) -> Flag {
    Flag {
        name,
        wrong,
        handler,
    }
}

const WAKEUP: &[&str] = &["very_low", "low", "medium", "high", "very_high"];
const BUSY_WAIT: &[&str] = &["none", "very_short", "short", "medium", "long", "very_long"];
const BIND: &[&str] = &["u", "ns", "ts", "ps", "s", "nnts", "nnps", "tnnps", "db"];
const BOOLEAN: &[&str] = &["true", "false"];
const MAX_TABLE: i64 = 134_217_727;

/// The flags with a value. Of several names that fit, the longest is meant.
const TABLE: &[Flag] = &[
    flag("a", "bad stack size for async threads {}", |_, v| {
        ignored(within(v, 16, 8192))
    }),
    flag("A", "bad number of async threads {}", |_, v| {
        ignored(within(v, 0, 1024))
    }),
    flag("C", "Invalid time warp mode: {}", |options, v| {
        Mode::of(v).map(|mode| options.time_warp = Some(mode))
    }),
    flag(
        "dcg",
        "bad decentralized counter groups limit: {}",
        |_, v| ignored(within(v, 1, i64::MAX)),
    ),
    flag("e", "bad maximum number of ets tables {}", |options, v| {
        within(v, 0, i64::MAX).map(|tables| options.set_ets_tables(tables))
    }),
    flag(
        "fn",
        "bad filename encoding {}, can be (l,u or a, optionally followed by w, i or e)",
        |options, v| {
            let letters = core::str::from_utf8(v).ok()?;
            NativeNames::UTF8.with_flag(letters)?;
            options.file_names = String::from(letters);
            Some(())
        },
    ),
    flag("h", "bad heap size {}", |options, v| {
        options.set_min_heap(leading_number(v))
    }),
    flag("hms", "bad heap size {}", |options, v| {
        options.set_min_heap(leading_number(v))
    }),
    flag("hmbs", "bad heap size {}", |_, v| {
        ignored(within(v, 1, i32::MAX.into()))
    }),
    flag("hpds", "bad initial process dictionary size {}", |_, v| {
        ignored(within(v, 1, i32::MAX.into()))
    }),
    flag("hmax", "bad max heap size {}", |options, v| {
        within(v, 0, i64::MAX).map(|words| options.max_heap_size.words = words as usize)
    }),
    flag("hmaxk", "bad max heap kill {}", |options, v| {
        boolean(v).map(|kill| options.max_heap_size.kill = kill)
    }),
    flag("hmaxel", "bad max heap error logger {}", |options, v| {
        boolean(v).map(|log| options.max_heap_size.error_logger = log)
    }),
    flag("hmaxib", "bad max heap include bins {}", |options, v| {
        boolean(v).map(|include| options.max_heap_size.include_shared_binaries = include)
    }),
    flag(
        "hmqd",
        "Invalid message_queue_data flag: {}",
        |options, v| {
            one_of(v, &["on_heap", "off_heap"]).map(|place| options.messages_off_heap = place == 1)
        },
    ),
    flag("i", "", |options, v| {
        options.boot_module = v.to_vec();
        Some(())
    }),
    flag("IOp", "bad I/O pollset number: {}", |_, v| {
        ignored(within(v, 1, 1024))
    }),
    flag("IOt", "bad I/O poll threads number: {}", |_, v| {
        ignored(within(v, 1, 1024))
    }),
    flag("IOPp", "bad I/O pollset percentage number: {}", |_, v| {
        ignored(within(v, 0, 100))
    }),
    flag(
        "IOPt",
        "bad I/O poll thread percentage number: {}",
        |_, v| ignored(within(v, 0, 100)),
    ),
    flag("IOs", "bad +IOs boolean argument: {}", |_, v| {
        ignored(boolean(v))
    }),
    flag("JDdump", "bad +JDdump flag {}", |_, v| ignored(boolean(v))),
    flag("JMsingle", "bad +JMsingle support flag {}", |_, v| {
        ignored(boolean(v))
    }),
    flag("JPcover", "bad +JPcover flag {}", |_, v| {
        ignored(one_of(
            v,
            &[
                "true",
                "false",
                "line",
                "line_counters",
                "function",
                "function_counters",
            ],
        ))
    }),
    flag("JPperf", "bad +JPperf support flag {}", |_, v| {
        ignored(one_of(v, &["true", "false", "dump", "map", "fp", "no_fp"]))
    }),
    flag("K", "", |_, v| ignored(Some(v))),
    flag("n", "bad -n option {}", |_, v| {
        ignored(one_of(v, &["s", "a", "d"]))
    }),
    flag("pad", "bad async dist value {}", |_, v| ignored(boolean(v))),
    flag(
        "pc",
        "bad range of printable characters: {}",
        |options, v| {
            one_of(v, &["latin1", "unicode"]).map(|range| options.printable_unicode = range == 1)
        },
    ),
    flag("P", "bad number of processes {}", |options, v| {
        table_size(v).map(|size| options.process_limit = size.unwrap_or(options.process_limit))
    }),
    flag("Q", "bad number of ports {}", |options, v| {
        table_size(v).map(|size| options.port_limit = size.unwrap_or(options.port_limit))
    }),
    flag("R", "bad compatibility release number {}", |_, v| {
        ignored(within(v, 1, i64::MAX))
    }),
    flag("rg", "bad reader groups limit: {}", |_, v| {
        ignored(within(v, 0, i64::MAX))
    }),
    flag("S", "bad amount of schedulers {}", |_, v| {
        ignored(pair(v, 1024))
    }),
    flag("SP", "bad schedulers percentage specifier {}", |_, v| {
        ignored(pair(v, 100))
    }),
    flag("SDcpu", "bad amount of dirty CPU schedulers {}", |_, v| {
        ignored(pair(v, 1024))
    }),
    flag(
        "SDPcpu",
        "bad dirty CPU schedulers percentage specifier {}",
        |_, v| ignored(pair(v, 100)),
    ),
    flag("SDio", "bad number of dirty I/O schedulers {}", |_, v| {
        ignored(within(v, 1, 1024))
    }),
    flag(
        "sbt",
        "setting scheduler bind type '{}' failed: invalid type",
        |_, v| ignored(one_of(v, BIND)),
    ),
    flag(
        "stbt",
        "setting scheduler bind type '{}' failed: invalid type",
        |_, v| ignored(one_of(v, BIND)),
    ),
    flag("sbwt", "bad scheduler busy wait threshold: {}", |_, v| {
        ignored(one_of(v, BUSY_WAIT))
    }),
    flag(
        "sbwtdcpu",
        "bad dirty CPU scheduler busy wait threshold: {}",
        |_, v| ignored(one_of(v, BUSY_WAIT)),
    ),
    flag(
        "sbwtdio",
        "bad dirty IO scheduler busy wait threshold: {}",
        |_, v| ignored(one_of(v, BUSY_WAIT)),
    ),
    flag("scl", "bad scheduler compact load value '{}'", |_, v| {
        ignored(one_of(v, BOOLEAN))
    }),
    flag(
        "sct",
        "bad cpu topology '{}': invalid identifier type",
        |_, v| ignored(v.first().filter(|first| b"LtcpnNuT".contains(first))),
    ),
    flag("secio", "", |_, v| ignored(Some(v))),
    flag("sfwi", "bad scheduler forced wakeup interval {}", |_, v| {
        ignored(within(v, 0, i64::MAX))
    }),
    flag("spp", "bad port parallelism scheduling hint {}", |_, v| {
        ignored(boolean(v))
    }),
    flag("sss", "bad stack size for scheduler threads {}", |_, v| {
        ignored(within(v, 20, 8192))
    }),
    flag(
        "sssdcpu",
        "bad stack size for dirty CPU scheduler threads {}",
        |_, v| ignored(within(v, 20, 8192)),
    ),
    flag(
        "sssdio",
        "bad stack size for dirty IO scheduler threads {}",
        |_, v| ignored(within(v, 20, 8192)),
    ),
    flag(
        "sub",
        "bad scheduler utilization balancing  value '{}'",
        |_, v| ignored(boolean(v)),
    ),
    flag("swct", "scheduler wake cleanup threshold: {}", |_, v| {
        ignored(one_of(
            v,
            &["very_lazy", "lazy", "medium", "eager", "very_eager"],
        ))
    }),
    flag("sws", "scheduler wakeup strategy: {}", |_, v| {
        ignored(one_of(v, &["default", "legacy"]))
    }),
    flag("swt", "scheduler wakeup threshold: {}", |_, v| {
        ignored(one_of(v, WAKEUP))
    }),
    flag(
        "swtdcpu",
        "dirty CPU scheduler wakeup threshold: {}",
        |_, v| ignored(one_of(v, WAKEUP)),
    ),
    flag(
        "swtdio",
        "dirty IO scheduler wakeup threshold: {}",
        |_, v| ignored(one_of(v, WAKEUP)),
    ),
    flag("t", "bad atom table size {}", |options, v| {
        within(v, 8192, i32::MAX.into()).map(|limit| options.atom_limit = limit as usize)
    }),
    flag("T", "bad modified timing level {}", |_, v| {
        ignored(within(v, 0, 9))
    }),
    flag("W", "unrecognized warning_map option {}", |options, v| {
        options.warnings = match v.first()? {
            b'i' => Warnings::Info,
            b'e' => Warnings::Error,
            b'w' => Warnings::Warning,
            _ => return None,
        };
        Some(())
    }),
    flag("zdbbl", "Invalid dbbl limit: {}", |options, v| {
        within(v, 1, i64::from(i32::MAX) / 1024)
            .map(|kib| options.dist_buf_busy_limit = kib as usize * 1024)
    }),
    flag("zdntgc", "Invalid delayed node table gc: {}", |_, v| {
        ignored(if v == b"infinity" {
            Some(0)
        } else {
            within(v, 0, 100_000_000).filter(|_| v[0].is_ascii_digit())
        })
    }),
    flag("zebwt", "Invalid ets busy wait threshold: {}", |_, v| {
        ignored(one_of(
            v,
            &[
                "none",
                "very_short",
                "short",
                "medium",
                "long",
                "very_long",
                "extremely_long",
            ],
        ))
    }),
    flag("zhft", "Invalid halt flush timeout {}", |_, v| {
        ignored(if v == b"infinity" {
            Some(0)
        } else {
            within(v, 0, i64::MAX)
        })
    }),
    flag("zosrl", "Invalid outstanding requests limit {}", |_, v| {
        ignored(within(v, 1, MAX_TABLE))
    }),
];

/// Reads the machine's flags into `options`; returns warnings for standard error. They are in `-` form, each value in its flag's word or
/// behind it.
pub fn parse(words: &[Word], erts_version: &str, options: &mut Options) -> Result<String, Stop> {
    let mut warnings = String::new();
    let mut rest = words.iter().map(Vec::as_slice);
    while let Some(word) = rest.next() {
        let name = word.strip_prefix(b"-").unwrap_or(word);
        match name {
            b"V" => return Err(version(erts_version)),
            b"gcstress" => options.collect_always = true,
            b"pausestress" => options.pause_always = true,
            // The guest takes it before it starts the machine; elsewhere there is nothing to tell.
            b"bootinfo" => {}
            b"d" | [b'd', b'x'] => options.crash_dump = false,
            b"ec" | b"L" | b"ssrct" => {}
            [b'r', second, ..] if *second != b'g' => {}
            b"r" => {}
            [b'v', ..] => warnings.push_str("warning: -v (only in debug compiled code)\n"),
            [b'H', ..] => {
                warnings.push_str("The undocumented +H option has been removed (R10B-6).\n\n")
            }
            [b'B', which @ ..] => {
                let next = rest.clone().next();
                let next = next.filter(|next| matches!(*next, b"i" | b"c" | b"d"));
                let letter = match next {
                    Some(next) if which.is_empty() => {
                        rest.next();
                        next
                    }
                    _ => which,
                };
                options.break_key = match letter {
                    b"i" => BreakKey::Ignored,
                    b"c" => BreakKey::Interrupts,
                    b"" | b"d" => BreakKey::Ends,
                    _ => return Err(Stop::missing_value(&String::from_utf8_lossy(word))),
                };
            }
            [b'c', value @ ..] => {
                let next = rest.clone().next().and_then(boolean);
                if value.is_empty() {
                    // `+c` by itself is the old way of turning it off.
                    options.time_correction = next.unwrap_or(false);
                    if next.is_some() {
                        rest.next();
                    }
                } else if let Some(correction) = boolean(value) {
                    options.time_correction = correction;
                } else {
                    let value = String::from_utf8_lossy(value);
                    return Err(Stop::usage(format!(
                        "Invalid time correnction value: {value}"
                    )));
                }
            }
            [b'M', switch @ ..] => allocator_switch(switch, &mut rest)?,
            _ => with_value(name, &mut rest, options)?,
        }
    }
    let Options {
        max_heap_size,
        min_heap_size,
        ..
    } = options;
    if max_heap_size.words != 0 && max_heap_size.words < *min_heap_size {
        return Err(Stop::usage(format!(
            "max heap size ({}) is not allowed to be smaller than min heap size ({min_heap_size})",
            max_heap_size.words
        )));
    }
    Ok(warnings)
}

fn with_value<'a>(
    name: &[u8],
    rest: &mut impl Iterator<Item = &'a [u8]>,
    options: &mut Options,
) -> Result<(), Stop> {
    let fits = TABLE
        .iter()
        .filter(|flag| name.starts_with(flag.name.as_bytes()));
    let Some(flag) = fits.max_by_key(|flag| flag.name.len()) else {
        let shown = String::from_utf8_lossy(name);
        return Err(Stop::usage(match name.first() {
            Some(b's') => format!("bad scheduling option -{shown}"),
            Some(b'z') => format!("bad -z option -{shown}"),
            Some(b'J') => format!("invalid JIT option -{shown}"),
            _ => format!("starling unknown flag -{shown}"),
        }));
    };
    let value = match &name[flag.name.len()..] {
        [] => rest
            .next()
            .ok_or_else(|| Stop::missing_value(&format!("-{}", flag.name)))?,
        value => value,
    };
    (flag.handler)(options, value).ok_or_else(|| {
        let value = String::from_utf8_lossy(value);
        Stop::usage(flag.wrong.replace("{}", &value))
    })
}

fn version(erts_version: &str) -> Stop {
    let version = env!("CARGO_PKG_VERSION");
    Stop {
        output: Vec::new(),
        error: format!("Erlang (STARLING {version}) (BEAM) emulator version {erts_version}\n"),
        status: 0,
    }
}

/// Allocators of `erts_alloc(3)` by their letters; `u` is all of them.
const ALLOCATORS: &[u8] = b"uBIDEFHLRSTXZ";
/// Switches of each allocator.
const SWITCHES: [&str; 23] = [
    "as", "asbcst", "atags", "acul", "acnl", "acfml", "acful", "cp", "e", "t", "lmbcs", "mbcgs",
    "mbsd", "mmbcs", "mmmbc", "mmsbc", "msbclt", "ramv", "rmbcmt", "rsbcmt", "rsbcst", "sbct",
    "smbcs",
];
/// Switches that belong to no allocator.
const COMMON_SWITCHES: [&str; 21] = [
    "ea", "ummc", "uycs", "usac", "im", "is", "it", "lpm", "Mamcbf", "Mrmcbf", "Mmcs", "Mscs",
    "Mscrfsd", "Msco", "Mscrpm", "Ye", "Ym", "Ytp", "Ytt", "Iscs", "Xscs",
];

/// How much of `switch`, which follows `M`, names a switch; the value is behind.
fn allocator_switch_len(switch: &[u8]) -> Option<usize> {
    let own = switch
        .split_first()
        .filter(|(letter, _)| ALLOCATORS.contains(letter))
        .and_then(|(_, rest)| longest(rest, &SWITCHES))
        .map(|len| len + 1);
    own.max(longest(switch, &COMMON_SWITCHES))
}

/// The length of the longest of `names` that `text` starts with.
fn longest(text: &[u8], names: &[&str]) -> Option<usize> {
    let fits = names
        .iter()
        .filter(|name| text.starts_with(name.as_bytes()));
    fits.map(|name| name.len()).max()
}

/// Whether a flag, without its sign, is a switch of `erts_alloc(3)` whose value is the next word.
pub(super) fn is_allocator_switch(name: &[u8]) -> bool {
    name.strip_prefix(b"M")
        .is_some_and(|switch| allocator_switch_len(switch) == Some(switch.len()))
}

/// OTP's allocators are not here, so only the form is looked at.
fn allocator_switch<'a>(
    switch: &[u8],
    rest: &mut impl Iterator<Item = &'a [u8]>,
) -> Result<(), Stop> {
    let shown = String::from_utf8_lossy(switch);
    match allocator_switch_len(switch) {
        Some(len) if len == switch.len() => match rest.next() {
            Some(_) => Ok(()),
            None => Err(Stop::missing_value(&format!("-M{shown}"))),
        },
        Some(_) => Ok(()),
        None => {
            let letter = switch.first().filter(|letter| ALLOCATORS.contains(letter));
            let letter = letter.map_or("", |_| &shown[..1]);
            Err(Stop::usage(format!("bad \"M{letter}\" parameter")))
        }
    }
}

/// A flag that means nothing here: its value only has to be right.
fn ignored<T>(value: Option<T>) -> Option<()> {
    value.map(drop)
}

/// The number that `value` begins with, as C's `strtol` reads it: 0 without digits, and never out of range.
pub(super) fn leading_number(value: &[u8]) -> i64 {
    let value = value.trim_ascii_start();
    let (negative, digits) = match value {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    let digits = digits.iter().take_while(|digit| digit.is_ascii_digit());
    let number = digits.fold(0i64, |number, digit| {
        number
            .saturating_mul(10)
            .saturating_add(i64::from(digit - b'0'))
    });
    if negative { -number } else { number }
}

fn within(value: &[u8], least: i64, most: i64) -> Option<i64> {
    let number = leading_number(value);
    (least..=most).contains(&number).then_some(number)
}

fn one_of(value: &[u8], names: &[&str]) -> Option<usize> {
    names.iter().position(|name| name.as_bytes() == value)
}

fn boolean(value: &[u8]) -> Option<bool> {
    one_of(value, BOOLEAN).map(|which| which == 0)
}

/// `N`, `N:M` or `:M`, with neither above `most` and, if both are given as counts, no more online than there are.
fn pair(value: &[u8], most: i64) -> Option<()> {
    let (total, online) = match value.iter().position(|&byte| byte == b':') {
        Some(at) => (&value[..at], &value[at + 1..]),
        None => (value, &b""[..]),
    };
    let number = |text: &[u8]| match text {
        [] => Some(0),
        [b'0'..=b'9', ..] | [b'-', b'0'..=b'9', ..] => Some(leading_number(text)),
        _ => None,
    };
    let (total, online) = (number(total)?, number(online)?);
    let right =
        !value.is_empty() && total <= most && online <= most && (total <= 0 || online <= total);
    right.then_some(())
}

/// The size of a table of processes or ports, a power of two as OTP makes it; `Some(None)` for `legacy`, which names a kind of table.
fn table_size(value: &[u8]) -> Option<Option<usize>> {
    if value == b"legacy" {
        return Some(None);
    }
    let size = within(value, 1024, MAX_TABLE)? as usize;
    Some(Some(size.next_power_of_two().min(MAX_TABLE as usize)))
}

#[cfg(test)]
#[path = "emulator_tests.rs"]
mod tests;
