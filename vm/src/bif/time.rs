//! Clocks, calendars and numbers that occur once.

use super::{Bif, Context, Fail, Value, bare, bif};
use crate::atom::am;
use crate::memory::Arena;
use crate::number::arithmetic;
use crate::number::big::{Integer, from_i128};
use crate::term::Term;
use crate::time::clock::{self, NATIVE_PER_SECOND};
use crate::time::warp;

/// The built-in functions of this file.
pub const TABLE: &[Bif] = &[
    bif("erlang", "monotonic_time", 0, monotonic_time),
    bif("erlang", "monotonic_time", 1, monotonic_time),
    bif("erlang", "system_time", 0, system_time),
    bif("erlang", "system_time", 1, system_time),
    bif("erlang", "time_offset", 0, time_offset),
    bif("erlang", "time_offset", 1, time_offset),
    bif("erlang", "timestamp", 0, timestamp_0),
    bif("erlang", "now", 0, now_0),
    bif("erlang", "universaltime", 0, universaltime_0),
    bif(
        "erlang",
        "universaltime_to_posixtime",
        1,
        universaltime_to_posixtime_1,
    ),
    bif(
        "erlang",
        "posixtime_to_universaltime",
        1,
        posixtime_to_universaltime_1,
    ),
    bare("erlang", "convert_time_unit", 3, convert_time_unit_3),
    bif("erlang", "unique_integer", 0, unique_integer_0),
    bif("erlang", "unique_integer", 1, unique_integer_1),
    bif("os", "system_time", 0, os_system_time),
    bif("os", "system_time", 1, os_system_time),
    bif("os", "timestamp", 0, os_timestamp_0),
    bif("os", "perf_counter", 0, monotonic_time),
    bare("os", "perf_counter", 1, monotonic_time),
];

const MICROSECONDS: i64 = 1_000_000;
/// The years of a date and time that can be converted: what OTP allows.
const YEARS: core::ops::RangeInclusive<i64> = 1_600..=2_147_483_646;
pub(super) const SECONDS_OF_DAY: i64 = 86_400;

/// Parts of a second that a unit names.
fn parts(cx: &mut Context, unit: Term) -> Result<i64, Fail> {
    let atoms = cx.atoms();
    clock::parts_per_second(|atom| atoms.name(atom), unit).ok_or(Fail::Badarg)
}

/// `nanoseconds` in the unit that the arguments ask for, if they do.
fn in_unit(cx: &mut Context, args: &[Term], nanoseconds: i64) -> Value {
    let parts = match args.first() {
        Some(&unit) => parts(cx, unit)?,
        None => NATIVE_PER_SECOND,
    };
    from_i128(cx, clock::convert(nanoseconds, NATIVE_PER_SECOND, parts))
}

fn monotonic_time(cx: &mut Context, args: &[Term]) -> Value {
    let now = clock::monotonic(&mut *cx.machine().platform);
    in_unit(cx, args, now)
}

/// Erlang system time, in nanoseconds.
fn system_nanoseconds(cx: &mut Context) -> i64 {
    let machine = cx.machine();
    warp::follow(machine);
    machine.clock.system_time(&mut *machine.platform)
}

fn system_time(cx: &mut Context, args: &[Term]) -> Value {
    let now = system_nanoseconds(cx);
    in_unit(cx, args, now)
}

fn time_offset(cx: &mut Context, args: &[Term]) -> Value {
    warp::follow(cx.machine());
    let offset = cx.machine().clock.offset;
    in_unit(cx, args, offset)
}

fn os_system_time(cx: &mut Context, args: &[Term]) -> Value {
    let now = cx.machine().platform.system_time_ns();
    in_unit(cx, args, now)
}

/// `{MegaSeconds, Seconds, MicroSeconds}`
pub(crate) fn split(cx: &mut Context, microseconds: i64) -> Value {
    let seconds = microseconds.div_euclid(MICROSECONDS);
    let fields = [
        seconds.div_euclid(1_000_000),
        seconds.rem_euclid(1_000_000),
        microseconds.rem_euclid(MICROSECONDS),
    ];
    Ok(cx.tuple(&fields.map(Term::small))?)
}

fn timestamp_0(cx: &mut Context, _: &[Term]) -> Value {
    let now = system_nanoseconds(cx) / 1_000;
    split(cx, now)
}

/// As `timestamp/0`, but never twice the same.
pub(crate) fn now_0(cx: &mut Context, _: &[Term]) -> Value {
    let now = system_nanoseconds(cx) / 1_000;
    let last = &mut cx.machine().clock.last_now;
    *last = now.max(*last + 1);
    let now = *last;
    split(cx, now)
}

fn os_timestamp_0(cx: &mut Context, _: &[Term]) -> Value {
    let now = cx.machine().platform.system_time_ns() / 1_000;
    split(cx, now)
}

pub(super) fn date_tuple(cx: &mut Context, seconds: i64) -> Value {
    let (year, month, day) = clock::date(seconds.div_euclid(SECONDS_OF_DAY));
    Ok(cx.tuple(&[year, month, day].map(Term::small))?)
}

pub(super) fn time_tuple(cx: &mut Context, seconds: i64) -> Value {
    let seconds = seconds.rem_euclid(SECONDS_OF_DAY);
    let fields = [seconds / 3_600, seconds / 60 % 60, seconds % 60];
    Ok(cx.tuple(&fields.map(Term::small))?)
}

/// `{{Year, Month, Day}, {Hour, Minute, Second}}` of seconds since 1970.
pub(super) fn date_time(cx: &mut Context, seconds: i64) -> Value {
    let date = date_tuple(cx, seconds)?;
    let time = time_tuple(cx, seconds)?;
    Ok(cx.tuple(&[date, time])?)
}

pub(super) fn wall_seconds(cx: &mut Context) -> i64 {
    cx.machine()
        .platform
        .system_time_ns()
        .div_euclid(NATIVE_PER_SECOND)
}

fn universaltime_0(cx: &mut Context, _: &[Term]) -> Value {
    let now = wall_seconds(cx);
    date_time(cx, now)
}

/// Seconds since 1970 of a date and time; `None` if it is no such time.
pub(super) fn seconds_of(date_time: Term) -> Option<i64> {
    let &[date, time] = date_time.as_tuple()? else {
        return None;
    };
    let field = |tuple: &[Term], index: usize| tuple.get(index)?.as_small();
    let (date, time) = (date.as_tuple()?, time.as_tuple()?);
    if date.len() != 3 || time.len() != 3 {
        return None;
    }
    let (year, month, day) = (field(date, 0)?, field(date, 1)?, field(date, 2)?);
    let (hour, minute, second) = (field(time, 0)?, field(time, 1)?, field(time, 2)?);
    let in_range = YEARS.contains(&year)
        && (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && (0..24).contains(&hour)
        && (0..60).contains(&minute)
        && (0..60).contains(&second);
    if !in_range {
        return None;
    }
    let days = clock::days(year, month, day);
    // The thirtieth of February is none: it comes back as another day.
    (clock::date(days) == (year, month, day))
        .then(|| days * SECONDS_OF_DAY + hour * 3_600 + minute * 60 + second)
}

fn universaltime_to_posixtime_1(cx: &mut Context, args: &[Term]) -> Value {
    let seconds = seconds_of(args[0]).ok_or(Fail::Badarg)?;
    Ok(cx.integer(seconds)?)
}

fn posixtime_to_universaltime_1(cx: &mut Context, args: &[Term]) -> Value {
    // OTP's limits: years of 32 bits.
    const MOST: i64 = 67_768_036_191_763_199;
    match args[0].as_small() {
        Some(seconds) if seconds.abs() <= MOST => date_time(cx, seconds),
        _ => Err(Fail::Badarg),
    }
}

/// `Time` parts of `From`, in parts of `To`, rounded down.
fn convert_time_unit_3(cx: &mut Context, args: &[Term]) -> Value {
    let time = args[0];
    let (from, to) = (parts(cx, args[1])?, parts(cx, args[2])?);
    if let Some(time) = time.as_small() {
        return from_i128(cx, clock::convert(time, from, to));
    }
    if Integer::of_term(&time).is_none() {
        return Err(Fail::Badarg);
    }
    let negative = is_negative(time);
    let (from, to) = (Term::small(from), Term::small(to));
    let product = arithmetic::multiply(cx, time, to)?;
    // Division cuts towards zero.
    let product = if negative {
        let short = Term::small(from.small_value() - 1);
        arithmetic::subtract(cx, product, short)?
    } else {
        product
    };
    arithmetic::int_div(cx, product, from)
}

fn is_negative(big: Term) -> bool {
    big.subtag() == Some(crate::term::Subtag::BigNegative)
}

fn unique_integer_0(cx: &mut Context, _: &[Term]) -> Value {
    let number = cx.machine().processes.references.unique_integer(false);
    from_i128(cx, number as i128 + crate::term::MIN_SMALL as i128)
}

pub(crate) fn unique_integer_1(cx: &mut Context, args: &[Term]) -> Value {
    let (mut positive, mut monotonic) = (false, false);
    let mut options = args[0].iter_list();
    for option in &mut options {
        match option.as_atom() {
            Some(am::POSITIVE) => positive = true,
            Some(am::MONOTONIC) => monotonic = true,
            _ => return Err(Fail::Badarg),
        }
    }
    if !options.tail().is_nil() {
        return Err(Fail::Badarg);
    }
    let number = cx.machine().processes.references.unique_integer(monotonic);
    let first = if positive { 1 } else { crate::term::MIN_SMALL };
    from_i128(cx, number as i128 + first as i128)
}
