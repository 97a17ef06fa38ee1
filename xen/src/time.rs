//! Time: the per-vCPU clock that Xen publishes, and the wall clock.
//!
//! System time is nanoseconds since Xen booted. Xen publishes a point (`tsc_timestamp`,
//! `system_time`) and a rate; the guest extrapolates with its own TSC. Both clocks are guarded by a
//! version that is odd while Xen writes. Nothing here makes a hypercall.

use crate::cpu::read_tsc;
use crate::shared_info::SharedInfo;
use core::mem::offset_of;
use core::sync::atomic::{AtomicI8, AtomicU8, AtomicU32, AtomicU64, Ordering, fence};

/// `struct vcpu_time_info`.
#[repr(C)]
pub struct VcpuTimeInfo {
    version: AtomicU32,
    _pad0: u32,
    tsc_timestamp: AtomicU64,
    system_time: AtomicU64,
    tsc_to_system_mul: AtomicU32,
    tsc_shift: AtomicI8,
    flags: AtomicU8,
    _pad1: [u8; 2],
}

const _: () = {
    assert!(size_of::<VcpuTimeInfo>() == 32);
    assert!(offset_of!(VcpuTimeInfo, tsc_timestamp) == 8);
    assert!(offset_of!(VcpuTimeInfo, system_time) == 16);
    assert!(offset_of!(VcpuTimeInfo, tsc_to_system_mul) == 24);
    assert!(offset_of!(VcpuTimeInfo, tsc_shift) == 28);
    assert!(offset_of!(VcpuTimeInfo, flags) == 29);
};

/// A consistent copy of [`VcpuTimeInfo`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeSample {
    /// TSC at the sampled point.
    pub tsc_timestamp: u64,
    /// System time at that point, in nanoseconds.
    pub system_time: u64,
    /// Nanoseconds per TSC tick, as a 32-bit fraction, after the shift.
    pub tsc_to_system_mul: u32,
    /// Left (or, if negative, right) shift applied to ticks first.
    pub tsc_shift: i8,
}

impl TimeSample {
    /// System time, in nanoseconds, when the TSC reads `tsc`. A TSC before the sample (another
    /// processor's, slightly behind) counts as the sample itself.
    pub fn system_time_at(&self, tsc: u64) -> u64 {
        self.system_time
            .wrapping_add(self.ticks_to_ns(tsc.saturating_sub(self.tsc_timestamp)))
    }

    /// How long `ticks` of the TSC are, in nanoseconds.
    pub fn ticks_to_ns(&self, ticks: u64) -> u64 {
        let ticks = u128::from(ticks);
        let shift = u32::from(self.tsc_shift.unsigned_abs()).min(63);
        let shifted = if self.tsc_shift < 0 {
            ticks >> shift
        } else {
            ticks << shift.min(32)
        };
        ((shifted * u128::from(self.tsc_to_system_mul)) >> 32) as u64
    }
}

impl VcpuTimeInfo {
    /// A consistent sample; waits while Xen is writing one.
    pub fn sample(&self) -> TimeSample {
        loop {
            let version = self.version.load(Ordering::Acquire);
            let sample = TimeSample {
                tsc_timestamp: self.tsc_timestamp.load(Ordering::Relaxed),
                system_time: self.system_time.load(Ordering::Relaxed),
                tsc_to_system_mul: self.tsc_to_system_mul.load(Ordering::Relaxed),
                tsc_shift: self.tsc_shift.load(Ordering::Relaxed),
            };
            fence(Ordering::Acquire);
            if version & 1 == 0 && version == self.version.load(Ordering::Relaxed) {
                return sample;
            }
            core::hint::spin_loop();
        }
    }
}

/// A clock that never goes back.
///
/// Xen does not promise it where the TSC is not stable (the flag `XEN_PVCLOCK_TSC_STABLE_BIT` is
/// off, as it always is under emulation), so the last answer is remembered.
#[derive(Debug, Default)]
pub struct MonotonicClock {
    last: u64,
}

impl MonotonicClock {
    /// A clock that has answered nothing yet.
    pub const fn new() -> Self {
        Self { last: 0 }
    }

    /// System time now, in nanoseconds, never less than the last answer.
    pub fn now(&mut self, info: &SharedInfo) -> u64 {
        let sample = info.vcpu().time.sample();
        self.advance(sample.system_time_at(read_tsc()))
    }

    fn advance(&mut self, now: u64) -> u64 {
        self.last = self.last.max(now);
        self.last
    }
}

const NS_PER_SECOND: i64 = 1_000_000_000;

/// Wall-clock time, in nanoseconds since the epoch, at system time zero.
pub fn wall_clock_base_ns(info: &SharedInfo) -> i64 {
    let [version, seconds_low, nanoseconds, seconds_high] = &info.wall_clock;
    loop {
        let before = version.load(Ordering::Acquire);
        let low = seconds_low.load(Ordering::Relaxed);
        let ns = nanoseconds.load(Ordering::Relaxed);
        let high = seconds_high.load(Ordering::Relaxed);
        fence(Ordering::Acquire);
        if before & 1 == 0 && before == version.load(Ordering::Relaxed) {
            let seconds = (u64::from(high) << 32 | u64::from(low)) as i64;
            return seconds
                .wrapping_mul(NS_PER_SECOND)
                .wrapping_add(i64::from(ns));
        }
        core::hint::spin_loop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::boxed::Box;

    /// A 1 GHz TSC: half a tick per nanosecond after a left shift of one.
    const ONE_GHZ: TimeSample = TimeSample {
        tsc_timestamp: 1000,
        system_time: 5_000,
        tsc_to_system_mul: 0x8000_0000,
        tsc_shift: 1,
    };

    #[test]
    fn ticks_become_nanoseconds() {
        assert_eq!(ONE_GHZ.system_time_at(1000), 5_000);
        assert_eq!(ONE_GHZ.system_time_at(1000 + 1_000_000), 1_005_000);
    }

    #[test]
    fn a_negative_shift_divides_first() {
        // 4 GHz: 4 ticks a nanosecond.
        let fast = TimeSample {
            tsc_to_system_mul: 0x8000_0000,
            tsc_shift: -1,
            ..ONE_GHZ
        };
        assert_eq!(fast.system_time_at(1000 + 4_000), 6_000);
    }

    #[test]
    fn a_tsc_behind_the_sample_does_not_jump() {
        assert_eq!(ONE_GHZ.system_time_at(0), 5_000);
    }

    #[test]
    fn hundreds_of_years_do_not_overflow() {
        let old = TimeSample {
            tsc_timestamp: 0,
            system_time: 0,
            ..ONE_GHZ
        };
        assert_eq!(old.system_time_at(u64::MAX / 2), u64::MAX / 2);
    }

    #[test]
    fn absurd_shifts_do_not_panic() {
        for tsc_shift in [i8::MIN, -64, 64, i8::MAX] {
            let _ = TimeSample {
                tsc_shift,
                ..ONE_GHZ
            }
            .system_time_at(u64::MAX);
        }
    }

    #[test]
    fn the_clock_never_goes_back() {
        let mut clock = MonotonicClock::new();
        assert_eq!(clock.advance(10), 10);
        assert_eq!(clock.advance(7), 10);
        assert_eq!(clock.advance(11), 11);
    }

    #[test]
    fn the_wall_clock_joins_both_halves_of_its_seconds() {
        // SAFETY: all-zero bytes are a valid SharedInfo (atomics and integers only).
        let info: Box<SharedInfo> = unsafe { Box::new(core::mem::zeroed()) };
        info.wall_clock[1].store(7, Ordering::Relaxed);
        info.wall_clock[2].store(42, Ordering::Relaxed);
        assert_eq!(wall_clock_base_ns(&info), 7_000_000_042);
        info.wall_clock[3].store(1, Ordering::Relaxed);
        assert_eq!(
            wall_clock_base_ns(&info),
            ((1 << 32) + 7) * 1_000_000_000 + 42
        );
    }
}
