//! The guest's clocks, on the shared info page.
//!
//! Owns that page's mapping: Xen's frame replaces the one behind a page of our own `.bss`.

use crate::exclusive::Exclusive;
use core::cell::UnsafeCell;
use starling_xen::mmu::{Flush, MappingBatch, Mfn, Pte, flag};
use starling_xen::shared_info::SharedInfo;
use starling_xen::time::{MonotonicClock, TimeSample, wall_clock_base_ns};
use starling_xen::{PAGE_SHIFT, PAGE_SIZE, XenError};

/// A page that Xen's takes the place of.
#[repr(C, align(4096))]
struct Placeholder(UnsafeCell<[u8; PAGE_SIZE]>);

// SAFETY: only its address is used, and what is behind it is accessed through `SharedInfo`, whose
// fields are atomics.
unsafe impl Sync for Placeholder {}

static SHARED_INFO_PAGE: Placeholder = Placeholder(UnsafeCell::new([0; PAGE_SIZE]));

struct Clock {
    shared_info: Option<&'static SharedInfo>,
    monotonic: MonotonicClock,
}

static CLOCK: Exclusive<Clock> = Exclusive::new(Clock {
    shared_info: None,
    monotonic: MonotonicClock::new(),
});

/// Maps the shared info page, whose machine address start_info gives, masks upcalls for good and
/// starts the clock. The frame that was behind the page is mapped nowhere afterwards.
///
/// # Safety
/// `machine_address` must be this domain's shared info page. Once, at boot.
pub unsafe fn init(machine_address: u64) -> Result<(), XenError> {
    let page = SHARED_INFO_PAGE.0.get();
    let pte = Pte::new(Mfn(machine_address >> PAGE_SHIFT), flag::READ_WRITE);
    let mut batch = MappingBatch::new();
    // SAFETY: nobody refers to the page's former contents.
    unsafe { batch.push(page as usize, pte, Flush::Page) }?;
    batch.finish()?;
    // SAFETY: Xen's page is mapped there now, for good.
    let shared_info = unsafe { &*page.cast::<SharedInfo>() };
    shared_info.vcpu().mask_upcalls();
    CLOCK.with(|clock| clock.shared_info = Some(shared_info));
    Ok(())
}

/// Address of the page whose former frame is free since [`init`].
pub fn shared_info_page() -> usize {
    SHARED_INFO_PAGE.0.get() as usize
}

/// The shared info page, once it is mapped.
pub fn shared_info() -> Option<&'static SharedInfo> {
    // SAFETY: the field is written once, before anything could crash while writing it, and a copy of a
    // reference is read; this must work on the crash path too.
    unsafe { CLOCK.seize() }.shared_info
}

/// System time in nanoseconds; never goes back. 0 before [`init`].
pub fn monotonic_ns() -> u64 {
    CLOCK.with(|clock| match clock.shared_info {
        Some(info) => clock.monotonic.now(info),
        None => 0,
    })
}

/// Nanoseconds since the epoch.
pub fn system_time_ns() -> i64 {
    let base = shared_info().map_or(0, wall_clock_base_ns);
    base.wrapping_add_unsigned(monotonic_ns())
}

/// The current rate of the time-stamp counter.
pub fn sample() -> Option<TimeSample> {
    shared_info().map(|info| info.vcpu().time.sample())
}
