//! Erlang's clocks, and the units that programs count them in.
//!
//! *Monotonic time* is the platform's, in nanoseconds, which is the native unit. *System time* is monotonic
//! time plus an offset; [`warp`](super::warp) says when that may change, which is never if nothing else is asked for. *OS time* is what the platform says at the moment.
//!
//! Invariant: monotonic time never goes back ([`Platform::monotonic_ns`]).

use crate::platform::Platform;
use crate::term::{Atom, Term};

/// Nanoseconds of a second: the native unit's parts.
pub const NATIVE_PER_SECOND: i64 = 1_000_000_000;

/// What the machine knows of time.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    /// System time minus monotonic time, in nanoseconds.
    pub offset: i64,
    /// Monotonic time at the start, in nanoseconds.
    pub started: i64,
    /// What `now/0` returned last, in microseconds.
    pub last_now: i64,
    /// Whether a preliminary offset has been made final.
    pub is_final: bool,
    /// When the offset was last held against the time of the operating system, in nanoseconds of monotonic time.
    pub compared: i64,
}

impl Clock {
    /// Reads both clocks of the platform.
    pub fn new(platform: &mut dyn Platform) -> Clock {
        let started = monotonic(platform);
        Clock {
            offset: platform.system_time_ns().wrapping_sub(started),
            started,
            last_now: i64::MIN,
            is_final: false,
            compared: started,
        }
    }

    /// Erlang system time now, in nanoseconds.
    pub fn system_time(&self, platform: &mut dyn Platform) -> i64 {
        monotonic(platform).saturating_add(self.offset)
    }
}

/// Erlang monotonic time now, in nanoseconds.
pub fn monotonic(platform: &mut dyn Platform) -> i64 {
    i64::try_from(platform.monotonic_ns()).unwrap_or(i64::MAX)
}

/// Parts of a second that a time unit names: an atom of `erlang:time_unit()` or a positive integer. `None` for anything
/// else, and for integers that are no small ones.
pub fn parts_per_second(atom_name: impl Fn(Atom) -> &'static str, unit: Term) -> Option<i64> {
    if let Some(parts) = unit.as_small() {
        return (parts > 0).then_some(parts);
    }
    match atom_name(unit.as_atom()?) {
        "second" | "seconds" => Some(1),
        "millisecond" | "milli_seconds" => Some(1_000),
        "microsecond" | "micro_seconds" => Some(1_000_000),
        "nanosecond" | "nano_seconds" | "native" | "perf_counter" => Some(NATIVE_PER_SECOND),
        _ => None,
    }
}

/// `time` in parts of `from` to the second, in parts of `to`, rounded down.
pub fn convert(time: i64, from: i64, to: i64) -> i128 {
    (time as i128 * to as i128).div_euclid(from as i128)
}

/// Year, month, day of the day `days` after 1970-01-01, in the Gregorian calendar.
///
/// Days are counted from the first of March of year 0, so that the leap day is a year's last.
pub fn date(days: i64) -> (i64, i64, i64) {
    const DAYS_OF_400_YEARS: i64 = 146_097;
    const FROM_MARCH_0_TO_1970: i64 = 719_468;
    let days = days + FROM_MARCH_0_TO_1970;
    let era = days.div_euclid(DAYS_OF_400_YEARS);
    let day_of_era = days.rem_euclid(DAYS_OF_400_YEARS);
    let leap_days = day_of_era / 1460 - day_of_era / 36_524 + day_of_era / 146_096;
    let year_of_era = (day_of_era - leap_days) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    // Months from March on have 31, 30, 31, 30, 31 days, twice, and so on.
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let (month, year) = if month < 10 {
        (month + 3, 0)
    } else {
        (month - 9, 1)
    };
    (era * 400 + year_of_era + year, month, day)
}

/// Days from 1970-01-01 to that day: the reverse of [`date`].
pub fn days(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let (era, year) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * month + 2) / 5 + day - 1;
    era * 146_097 + year * 365 + year / 4 - year / 100 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_days() {
        assert_eq!(date(0), (1970, 1, 1));
        assert_eq!(date(11_016), (2000, 2, 29));
        assert_eq!(date(19_723), (2024, 1, 1));
        assert_eq!(date(-1), (1969, 12, 31));
        assert_eq!(date(-719_468), (0, 3, 1));
    }

    #[test]
    fn days_is_the_reverse_of_date_and_every_day_follows_the_last() {
        let mut last = date(-200_001);
        for day in -200_000..200_000 {
            let (year, month, of_month) = date(day);
            assert_eq!(days(year, month, of_month), day);
            assert!((year, month, of_month) > last);
            assert!((1..=12).contains(&month) && (1..=31).contains(&of_month));
            last = (year, month, of_month);
        }
    }

    #[test]
    fn conversion_rounds_down_and_does_not_overflow() {
        assert_eq!(convert(1_999, 1_000, 1), 1);
        assert_eq!(convert(-1, 1_000, 1), -1);
        assert_eq!(
            convert(i64::MAX, 1, NATIVE_PER_SECOND),
            i64::MAX as i128 * 1_000_000_000
        );
    }
}
