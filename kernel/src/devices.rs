//! The guest as its device drivers see it: [`Guest`] on the kernel's heap, grant table and event channels.
//!
//! Invariant: there is one grant table and one quarantine, both here.

use crate::exclusive::Exclusive;
use crate::memory::heap::KernelHeap;
use crate::memory::shared::GrantFrames;
use crate::{clock, events};
use alloc::vec::Vec;
use starling_xen::event::EventChannel;
use starling_xen::grant::quarantine::Quarantine;
use starling_xen::grant::table::GrantTable;
use starling_xen::grant::{self, Access, GrantError, GrantReference};
use starling_xen::guest::Guest;
use starling_xen::mmu::Mfn;
use starling_xen::pages::SharedPages;
use starling_xen::{DomainId, XenError};

/// Xen's number for what there is no room for.
const ENOSPC: i64 = 28;
/// How often the quarantine is looked through, at most.
const RETRY_NS: u64 = 1_000_000_000;

struct Devices {
    heap: &'static KernelHeap,
    grants: GrantTable<GrantFrames>,
    quarantine: Quarantine,
    next_retry: u64,
}

static DEVICES: Exclusive<Option<Devices>> = Exclusive::new(None);

/// Makes the grant table available, on `heap`. Once, before the first driver starts; nothing is asked of Xen until a
/// driver grants something.
pub fn init(heap: &'static KernelHeap) {
    if let Err(error) = grant::use_version_1() {
        // Without this operation there are only tables of version 1.
        log::debug!("the version of the grant table cannot be chosen: {error}");
    }
    DEVICES.with(|devices| {
        *devices = Some(Devices {
            heap,
            grants: GrantTable::new(GrantFrames::new(heap)),
            quarantine: Quarantine::new(),
            next_retry: 0,
        });
    });
}

fn with<R>(use_them: impl FnOnce(&mut Devices) -> R) -> Option<R> {
    DEVICES.with(|devices| devices.as_mut().map(use_them))
}

/// Gives back what another domain has let go of since the last time; cheap if there is nothing in quarantine. To be
/// called now and then.
pub fn retry_quarantine() {
    let now = clock::monotonic_ns();
    with(|devices| {
        if devices.quarantine.pages() > 0 && now >= devices.next_retry {
            devices.next_retry = now.saturating_add(RETRY_NS);
            let heap = devices.heap;
            devices.quarantine.retry(&mut devices.grants, |pages| {
                heap.with(|heap| heap.give_shared_pages(pages));
            });
        }
    });
}

/// Pages that other domains have not let go of yet.
pub fn quarantined_pages() -> usize {
    with(|devices| devices.quarantine.pages()).unwrap_or(0)
}

/// This guest, after [`init`].
#[derive(Clone, Copy, Debug, Default)]
pub struct ThisGuest;

impl Guest for ThisGuest {
    fn now_ns(&self) -> u64 {
        clock::monotonic_ns()
    }

    fn allocate_pages(&self, count: usize) -> Option<SharedPages> {
        with(|devices| devices.heap.with(|heap| heap.take_shared_pages(count)))
            .flatten()
            .flatten()
    }

    fn free_pages(&self, pages: SharedPages) {
        with(|devices| devices.heap.with(|heap| heap.give_shared_pages(pages)));
    }

    fn grant(
        &self,
        to: DomainId,
        pages: &SharedPages,
        page: usize,
        access: Access,
    ) -> Result<GrantReference, GrantError> {
        with(|devices| {
            let frame: Option<Mfn> = devices
                .heap
                .with(|heap| heap.frame_of(pages, page))
                .flatten();
            devices
                .grants
                .grant(to, frame.ok_or(GrantError::NoMemory)?, access)
        })
        .unwrap_or(Err(GrantError::NoMemory))
    }

    fn end_grant(&self, reference: GrantReference) -> Result<(), GrantReference> {
        let mut reference = Some(reference);
        let ended = with(|devices| match reference.take() {
            Some(reference) => devices.grants.end(reference),
            None => Ok(()),
        });
        match (ended, reference) {
            (Some(ended), _) => ended,
            (None, Some(reference)) => Err(reference),
            (None, None) => Ok(()),
        }
    }

    fn quarantine(&self, pages: SharedPages, grants: Vec<GrantReference>) {
        with(|devices| devices.quarantine.add(pages, grants));
    }

    fn open_channel(&self, peer: DomainId) -> Result<EventChannel, XenError> {
        let channel = EventChannel::open(peer)?;
        if events::add(channel.port()) {
            return Ok(channel);
        }
        // A device whose events nobody sees would seem to work.
        self.close_channel(channel);
        Err(XenError(ENOSPC))
    }

    fn notify(&self, channel: &EventChannel) {
        if let Err(error) = channel.notify() {
            // The other end has closed it; its state in xenstore tells the driver.
            log::debug!("event channel {}: {error}", channel.port());
        }
    }

    fn take_event(&self, channel: &EventChannel) -> bool {
        events::take(channel.port())
    }

    fn judge_event(&self, channel: &EventChannel, useful: bool) {
        events::judge(channel.port(), useful);
    }

    fn close_channel(&self, channel: EventChannel) {
        let port = channel.port();
        events::remove(port);
        if let Err(error) = channel.close() {
            log::debug!("event channel {port} was not closed: {error}");
        }
    }
}
