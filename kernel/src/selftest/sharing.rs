//! Trials of what is shared with other domains: the initial domain shares with itself.

use super::expect;
use crate::devices::ThisGuest;
use crate::memory::PAGE_SIZE;
use crate::{clock, devices, events};
use alloc::string::String;
use alloc::vec::Vec;
use starling_xen::DomainId;
use starling_xen::event::EventChannel;
use starling_xen::grant::{Access, GrantReference};
use starling_xen::guest::Guest;
use starling_xen::hypercall::{Hypercall, call};

const SELF: DomainId = DomainId(0);
/// More than one frame of the grant table holds.
const PAGES: usize = 600;

/// `struct gnttab_copy_ptr`.
#[repr(C)]
struct CopyPointer {
    reference: u64,
    domain: u16,
    offset: u16,
}

/// `struct gnttab_copy`, from one grant to another.
#[repr(C)]
struct Copy {
    source: CopyPointer,
    target: CopyPointer,
    len: u16,
    flags: u16,
    status: i16,
}

const _: () = assert!(size_of::<Copy>() == 40);

/// Copies a page as a backend does; `GNTST_okay` is 0.
fn copy(source: u32, target: u32) -> i16 {
    const GNTTABOP_COPY: u64 = 5;
    const BOTH_ARE_GRANTS: u16 = 3;
    let page = |reference: u32| CopyPointer {
        reference: reference.into(),
        domain: SELF.0,
        offset: 0,
    };
    let mut copy = Copy {
        source: page(source),
        target: page(target),
        len: PAGE_SIZE as u16,
        flags: BOTH_ARE_GRANTS,
        status: -1,
    };
    // SAFETY: the structure is the one this operation reads and writes; what it copies to are pages of this trial.
    let result = unsafe {
        call(
            Hypercall::GrantTableOp,
            [GNTTABOP_COPY, &raw mut copy as u64, 1, 0, 0],
        )
    };
    if result.is_err() {
        i16::MIN
    } else {
        copy.status
    }
}

/// Grants are what Xen takes for grants, for as long as they last and no longer.
pub fn grants() -> Result<(), String> {
    let guest = ThisGuest;
    let mut pages = guest.allocate_pages(PAGES).ok_or("no pages")?;
    // SAFETY: nobody else knows these pages yet.
    let bytes = unsafe { pages.bytes_mut(0, PAGES * PAGE_SIZE) };
    expect(bytes.iter().all(|&byte| byte == 0), "pages are not zero")?;
    for (index, page) in bytes.chunks_mut(PAGE_SIZE).enumerate() {
        page.fill((index % 251) as u8);
    }
    let mut references: Vec<GrantReference> = Vec::new();
    for page in 0..PAGES {
        let access = if page == 1 {
            Access::ReadOnly
        } else {
            Access::ReadWrite
        };
        let granted = guest.grant(SELF, &pages, page, access);
        references.push(granted.map_err(|error| alloc::format!("{error}"))?);
    }
    let number = |page: usize| references[page].number();
    expect(
        copy(number(0), number(1)) != 0,
        "a read-only page was written",
    )?;
    for page in [2, 510, PAGES - 1] {
        let before = copy(number(page), number(0));
        expect(before == 0, "a page could not be copied")?;
        let mut bytes = [0; PAGE_SIZE];
        pages.copy_out(0, 0, &mut bytes);
        expect(
            bytes.iter().all(|&byte| byte == (page % 251) as u8),
            "another page was copied",
        )?;
    }
    let ended = number(5);
    let lasting = number(6);
    let last = references.split_off(6);
    for reference in references {
        expect(guest.end_grant(reference).is_ok(), "a grant did not end")?;
    }
    expect(copy(ended, lasting) != 0, "a grant had no end")?;
    guest.quarantine(pages, last);
    expect(
        devices::quarantined_pages() == PAGES,
        "nothing in quarantine",
    )?;
    devices::retry_quarantine();
    expect(devices::quarantined_pages() == 0, "quarantine has no end")
}

/// An event is seen, once, by who waits for it; one that came before the wait ends it.
pub fn channels() -> Result<(), String> {
    let guest = ThisGuest;
    let text = |error| alloc::format!("{error}");
    let ours = guest.open_channel(SELF).map_err(text)?;
    let theirs = EventChannel::bind(SELF, ours.port()).map_err(text)?;
    // A bound channel begins with an event.
    events::collect();
    guest.take_event(&ours);
    for _ in 0..3 {
        expect(!guest.take_event(&ours), "an event out of nothing")?;
        guest.notify(&theirs);
        let begin = clock::monotonic_ns();
        events::wait(Some(begin + 5_000_000_000));
        let waited = clock::monotonic_ns() - begin;
        expect(waited < 1_000_000_000, "an event was slept through")?;
        events::collect();
        expect(guest.take_event(&ours), "an event was lost")?;
    }
    let begin = clock::monotonic_ns();
    while clock::monotonic_ns() < begin + 20_000_000 {
        events::collect();
        events::wait(Some(begin + 20_000_000));
    }
    expect(!guest.take_event(&ours), "an event out of nothing")?;
    let port = ours.port();
    guest.close_channel(ours);
    expect(
        theirs.notify().is_err() || !events::take(port),
        "it is not closed",
    )?;
    theirs.close().map_err(text)
}
