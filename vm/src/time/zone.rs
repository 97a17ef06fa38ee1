//! The time zone that local time is told in.
//!
//! The environment's `TZ` when the machine started names it, as for every program: a file under `/usr/share/zoneinfo`, or a rule
//! such as `CET-1CEST,M3.5.0,M10.5.0/3`; without it `/etc/localtime` has it. What cannot be found or read is universal time. In a
//! domain the files are the image's, so it has the zones that were baked into it.
//!
//! Invariant: a time that can be shown comes back as itself, unless the clocks were set back over it and the caller does not say
//! which of the two is meant. Called by `crate::bif::local_time`.

use alloc::string::String;
use alloc::vec::Vec;
use tz::TimeZone;
use tz::timezone::{LocalTimeType, TimeZoneSettings};

/// Where the names of `TZ` are looked for.
const DIRECTORY: &str = "/usr/share/zoneinfo";
/// The zone of a system whose environment names none.
const DEFAULT: &str = "/etc/localtime";
/// How far off in time, and in which steps, a time with the other daylight saving is looked for: a bit less than two weeks, and years.
const STEP: i64 = 601_200;
const REACH: i64 = 536_454_000;
/// What daylight saving is taken to be worth where there never was any.
const HOUR: i64 = 3_600;
const DAY: i64 = 86_400;

/// A time zone.
pub struct Zone(Option<TimeZone>);

impl Zone {
    /// The zone that `TZ` names, from the file that `read` finds.
    pub fn find(name: Option<&[u8]>, read: &mut dyn FnMut(&str) -> Option<Vec<u8>>) -> Zone {
        let mut file = |path: &str| TimeZone::from_tz_data(&read(path)?).ok();
        let Some(name) = name else {
            return Zone(file(DEFAULT));
        };
        let Ok(name) = core::str::from_utf8(name) else {
            return Zone(None);
        };
        let name = name.strip_prefix(':').unwrap_or(name);
        if name.is_empty() {
            return Zone(None);
        }
        let path = if name.starts_with('/') {
            String::from(name)
        } else {
            alloc::format!("{DIRECTORY}/{name}")
        };
        Zone(file(&path).or_else(|| rule(name)))
    }

    /// Seconds since 1970 as a clock in this zone shows them.
    pub fn local(&self, universal: i64) -> i64 {
        universal + self.at(universal).map_or(0, |(offset, _)| offset)
    }

    /// Seconds since 1970 of what a clock in this zone shows. `daylight` says whether daylight saving is meant to be on; a time that
    /// is shown twice is without it, unless so said, and so is one that is never shown.
    pub fn universal(&self, local: i64, daylight: Option<bool>) -> i64 {
        // The clocks are not set more than once in two days.
        let around = [local - DAY, local + DAY].map(|time| self.at(time).unwrap_or((0, false)));
        let shown = around.map(|(offset, _)| self.local(local - offset) == local);
        let likely = match shown {
            [true, false] => around[0],
            [false, true] => around[1],
            _ if around[0].1 => around[1],
            _ => around[0],
        };
        let offset = match daylight {
            Some(wanted) if wanted != likely.1 => self
                .nearest(local, wanted)
                .unwrap_or(likely.0 + if wanted { HOUR } else { -HOUR }),
            _ => likely.0,
        };
        local - offset
    }

    /// Seconds ahead of universal time, and whether daylight saving is on.
    fn at(&self, universal: i64) -> Option<(i64, bool)> {
        let zone = self.0.as_ref()?.find_local_time_type(universal).ok();
        zone.map(|zone: &LocalTimeType| (zone.ut_offset().into(), zone.is_dst()))
    }

    /// Seconds ahead of universal time when daylight saving was or will be as `wanted`, at the nearest such time.
    fn nearest(&self, time: i64, wanted: bool) -> Option<i64> {
        (STEP..REACH).step_by(STEP as usize).find_map(|distance| {
            [time - distance, time + distance]
                .into_iter()
                .filter_map(|time| self.at(time))
                .find_map(|(offset, daylight)| (daylight == wanted).then_some(offset))
        })
    }
}

/// A rule of POSIX.
fn rule(text: &str) -> Option<TimeZone> {
    let no_files = TimeZoneSettings::new(&[], |_| Err("rules are not in files".into()));
    no_files.parse_posix_tz(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::clock::days;

    fn seconds(month: i64, day: i64, hour: i64) -> i64 {
        days(2024, month, day) * DAY + hour * HOUR + HOUR / 2
    }

    fn berlin() -> Zone {
        Zone::find(Some(b"CET-1CEST,M3.5.0,M10.5.0/3"), &mut |_| None)
    }

    #[test]
    fn a_rule_has_summer_and_winter() {
        let zone = berlin();
        assert_eq!(zone.local(seconds(1, 1, 0)), seconds(1, 1, 1));
        assert_eq!(zone.local(seconds(7, 1, 0)), seconds(7, 1, 2));
        for time in [seconds(1, 1, 0), seconds(7, 1, 0), seconds(10, 27, 1)] {
            assert_eq!(zone.universal(zone.local(time), None), time);
        }
    }

    /// What OTP 25 answers on Linux.
    #[test]
    fn hours_that_are_missing_or_there_twice() {
        let zone = berlin();
        let table = [
            (3, 31, 2, [0, 1, 1]),
            (3, 31, 3, [1, 2, 1]),
            (10, 27, 2, [0, 1, 1]),
            (10, 27, 3, [1, 2, 2]),
        ];
        for (month, day, hour, answers) in table {
            let asked = [Some(true), Some(false), None];
            let got = asked.map(|daylight| zone.universal(seconds(month, day, hour), daylight));
            assert_eq!(
                got,
                answers.map(|hour| seconds(month, day, hour)),
                "{month} {hour}"
            );
        }
    }

    #[test]
    fn where_there_is_no_daylight_saving_it_is_an_hour() {
        let zone = Zone::find(Some(b"IST-5:30"), &mut |_| None);
        let noon = seconds(7, 1, 12);
        assert_eq!(zone.universal(noon, None), noon - 5 * HOUR - HOUR / 2);
        assert_eq!(zone.universal(noon, Some(true)), noon - 6 * HOUR - HOUR / 2);
    }

    #[test]
    fn what_is_no_zone_is_universal_time() {
        for name in ["", "Nowhere", ":", "/x", "\u{fc}", "CET-99"] {
            let zone = Zone::find(Some(name.as_bytes()), &mut |_| {
                Some(b"TZif2 damaged".to_vec())
            });
            assert_eq!((zone.local(5), zone.universal(5, None)), (5, 5), "{name}");
        }
        let mut asked = Vec::new();
        Zone::find(None, &mut |path| {
            asked.push(String::from(path));
            None
        });
        assert_eq!(asked, ["/etc/localtime"]);
    }
}
