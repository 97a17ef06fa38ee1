//! Local time: the machine's time zone, which is looked for when it is first asked about.

use super::time::{SECONDS_OF_DAY, date_time, date_tuple, seconds_of, time_tuple, wall_seconds};
use super::{Bif, Context, Fail, Value, bare, bif};
use crate::atom::am;
use crate::fs::{FileSystem, Modes, Seek};
use crate::term::Term;
use crate::time::clock;
use crate::time::zone::Zone;
use alloc::ffi::CString;
use alloc::vec::Vec;

/// The built-in functions of this file.
pub const TABLE: &[Bif] = &[
    bif("erlang", "date", 0, date_0),
    bif("erlang", "time", 0, time_0),
    bif("erlang", "localtime", 0, localtime_0),
    bare(
        "erlang",
        "localtime_to_universaltime",
        1,
        localtime_to_universaltime,
    ),
    bif(
        "erlang",
        "localtime_to_universaltime",
        2,
        localtime_to_universaltime,
    ),
    bif(
        "erlang",
        "universaltime_to_localtime",
        1,
        universaltime_to_localtime_1,
    ),
];

/// The first year of local times.
const FIRST_YEAR: i64 = 1_902;
/// No file of a time zone is as large.
const LARGEST_FILE: u64 = 1 << 20;

/// The machine's zone.
fn zone(cx: &mut Context) -> &Zone {
    let machine = cx.machine();
    let files = &mut *machine.files;
    machine.time_zone.get_or_insert_with(|| {
        let name = machine.environment.get(b"TZ");
        Zone::find(name, &mut |path| whole_file(files, path))
    })
}

fn whole_file(files: &mut dyn FileSystem, path: &str) -> Option<Vec<u8>> {
    let path = CString::new(path).ok()?;
    let modes = Modes {
        read: true,
        ..Modes::default()
    };
    let file = files.open(&path, modes).ok()?;
    let bytes = files
        .seek(file, Seek::End(0))
        .ok()
        .filter(|size| *size <= LARGEST_FILE)
        .and_then(|size| {
            let mut bytes = Vec::new();
            bytes.try_reserve_exact(size as usize).ok()?;
            bytes.resize(size as usize, 0);
            let read = files.read_at(file, 0, &mut bytes).ok()?;
            (read == bytes.len()).then_some(bytes)
        });
    // Nothing was written, so nothing can be lost.
    let _ = files.close(file);
    bytes
}

/// Seconds since 1970 of a date and time that can be converted.
fn convertible(date_time: Term) -> Result<i64, Fail> {
    let seconds = seconds_of(date_time).filter(|&seconds| {
        let (year, _, _) = clock::date(seconds.div_euclid(SECONDS_OF_DAY));
        year >= FIRST_YEAR
    });
    seconds.ok_or(Fail::Badarg)
}

/// Now, in seconds since 1970 as a clock in the machine's zone shows them.
fn local_seconds(cx: &mut Context) -> i64 {
    let now = wall_seconds(cx);
    zone(cx).local(now)
}

fn date_0(cx: &mut Context, _: &[Term]) -> Value {
    let now = local_seconds(cx);
    date_tuple(cx, now)
}

fn time_0(cx: &mut Context, _: &[Term]) -> Value {
    let now = local_seconds(cx);
    time_tuple(cx, now)
}

fn localtime_0(cx: &mut Context, _: &[Term]) -> Value {
    let now = local_seconds(cx);
    date_time(cx, now)
}

/// `localtime_to_universaltime(DateTime, IsDst)`: whether daylight saving is on, or `undefined`.
fn localtime_to_universaltime(cx: &mut Context, args: &[Term]) -> Value {
    let daylight = match args.get(1) {
        None => None,
        Some(term) if *term == am::UNDEFINED.term() => None,
        Some(term) => Some(term.as_boolean().ok_or(Fail::Badarg)?),
    };
    let local = convertible(args[0])?;
    let universal = zone(cx).universal(local, daylight);
    date_time(cx, universal)
}

fn universaltime_to_localtime_1(cx: &mut Context, args: &[Term]) -> Value {
    let universal = convertible(args[0])?;
    let local = zone(cx).local(universal);
    date_time(cx, local)
}
