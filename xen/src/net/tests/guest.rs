//! A guest on ordinary memory.

use crate::event::EventChannel;
use crate::grant::quarantine::Quarantine;
use crate::grant::table::GrantTable;
use crate::grant::table::testing::TestFrames;
use crate::grant::{Access, GrantEntry, GrantError, GrantReference, flag};
use crate::guest::Guest;
use crate::mmu::Mfn;
use crate::pages::SharedPages;
use crate::{DomainId, PAGE_SIZE, XenError};
use core::cell::{Cell, RefCell};
use core::ptr::NonNull;
use core::sync::atomic::Ordering;
use std::alloc::{Layout, alloc, dealloc};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::vec::Vec;

/// Pages of the whole guest.
const PAGES: usize = 1500;
/// What lies in memory that was never zeroed.
pub const SECRET: u8 = 0xa5;

/// A port.
#[derive(Default)]
pub struct Port {
    /// Times the backend was notified.
    pub notified: u32,
    /// An event from the backend.
    pub pending: bool,
    /// How the last events were judged.
    pub judged: Vec<bool>,
}

struct Inner {
    memory: NonNull<u8>,
    /// Pages that are given out, by their first one.
    given: RefCell<BTreeMap<usize, usize>>,
    grants: RefCell<GrantTable<TestFrames>>,
    entries: &'static [GrantEntry],
    quarantine: RefCell<Quarantine>,
    ports: RefCell<BTreeMap<u32, Port>>,
    next_port: Cell<u32>,
    now: Cell<u64>,
    /// Pages that may still be given out.
    pub budget: Cell<usize>,
}

/// The guest; clones are the same one.
#[derive(Clone)]
pub struct TestGuest(Rc<Inner>);

const LAYOUT: Layout = match Layout::from_size_align(PAGES * PAGE_SIZE, PAGE_SIZE) {
    Ok(layout) => layout,
    Err(_) => panic!(),
};

impl Drop for Inner {
    fn drop(&mut self) {
        // SAFETY: allocated with this layout in `new`.
        unsafe { dealloc(self.memory.as_ptr(), LAYOUT) };
    }
}

impl TestGuest {
    pub fn new() -> Self {
        let source = TestFrames::new(4);
        let entries = source.view();
        // SAFETY: the layout is not empty.
        let memory = NonNull::new(unsafe { alloc(LAYOUT) }).unwrap();
        // SAFETY: just allocated, that long.
        unsafe { memory.as_ptr().write_bytes(SECRET, LAYOUT.size()) };
        Self(Rc::new(Inner {
            memory,
            given: RefCell::default(),
            grants: RefCell::new(GrantTable::new(source)),
            entries,
            quarantine: RefCell::default(),
            ports: RefCell::default(),
            next_port: Cell::new(10),
            now: Cell::new(1),
            budget: Cell::new(PAGES),
        }))
    }

    pub fn pass(&self, ns: u64) {
        self.0.now.set(self.0.now.get() + ns);
    }

    pub fn set_budget(&self, pages: usize) {
        self.0.budget.set(pages);
    }

    /// Pages given out, those in quarantine included.
    pub fn pages_in_use(&self) -> usize {
        self.0.given.borrow().values().sum()
    }

    pub fn quarantined(&self) -> usize {
        self.0.quarantine.borrow().pages()
    }

    pub fn retry_quarantine(&self) {
        let mut grants = self.0.grants.borrow_mut();
        let mut quarantine = self.0.quarantine.borrow_mut();
        quarantine.retry(&mut grants, |pages| self.free_pages(pages));
    }

    /// The page behind a grant, if `domain` may use it so.
    pub fn granted(&self, domain: DomainId, reference: u32, write: bool) -> Option<NonNull<u8>> {
        let entry = self.0.entries.get(reference as usize)?;
        let flags = entry.flags.load(Ordering::Acquire);
        let readable =
            flags & flag::PERMIT_ACCESS != 0 && entry.domid.load(Ordering::Relaxed) == domain.0;
        if !readable || (write && flags & flag::READONLY != 0) {
            return None;
        }
        let page = entry.frame.load(Ordering::Relaxed) as usize - 1;
        assert!(page < PAGES);
        // SAFETY: inside the memory.
        Some(unsafe { self.0.memory.add(page * PAGE_SIZE) })
    }

    /// Says that the backend has a grant in use, as Xen does.
    pub fn set_in_use(&self, reference: u32, used: bool) {
        let flags = &self.0.entries[reference as usize].flags;
        if used {
            flags.fetch_or(flag::READING, Ordering::AcqRel);
        } else {
            flags.fetch_and(!flag::READING, Ordering::AcqRel);
        }
    }

    /// All references through which `domain` can see something.
    pub fn references(&self, domain: DomainId) -> Vec<u32> {
        let all = 0..self.0.entries.len() as u32;
        all.filter(|&reference| self.granted(domain, reference, false).is_some())
            .collect()
    }

    pub fn with_port<R>(&self, port: u32, look: impl FnOnce(&mut Port) -> R) -> Option<R> {
        self.0.ports.borrow_mut().get_mut(&port).map(look)
    }

    pub fn open_ports(&self) -> usize {
        self.0.ports.borrow().len()
    }
}

impl Guest for TestGuest {
    fn now_ns(&self) -> u64 {
        self.0.now.get()
    }

    fn allocate_pages(&self, count: usize) -> Option<SharedPages> {
        let left = self.0.budget.get().checked_sub(count)?;
        let mut given = self.0.given.borrow_mut();
        let mut start = 0;
        for (&first, &pages) in given.iter() {
            if first - start >= count {
                break;
            }
            start = first + pages;
        }
        if start + count > PAGES {
            return None;
        }
        given.insert(start, count);
        self.0.budget.set(left);
        // SAFETY: inside the memory, and given to nobody else.
        unsafe {
            let base = self.0.memory.add(start * PAGE_SIZE);
            base.as_ptr().write_bytes(0, count * PAGE_SIZE);
            Some(SharedPages::new(base, count))
        }
    }

    fn free_pages(&self, pages: SharedPages) {
        let offset = pages.base().as_ptr() as usize - self.0.memory.as_ptr() as usize;
        let first = offset / PAGE_SIZE;
        assert_eq!(
            self.0.given.borrow_mut().remove(&first),
            Some(pages.count())
        );
        self.0.budget.set(self.0.budget.get() + pages.count());
        // Somebody else writes what is nobody's business there.
        // SAFETY: the pages are ours again.
        unsafe {
            pages
                .base()
                .as_ptr()
                .write_bytes(SECRET, pages.count() * PAGE_SIZE)
        };
    }

    fn grant(
        &self,
        to: DomainId,
        pages: &SharedPages,
        page: usize,
        access: Access,
    ) -> Result<GrantReference, GrantError> {
        let offset = pages.page(page).as_ptr() as usize - self.0.memory.as_ptr() as usize;
        let frame = Mfn((offset / PAGE_SIZE) as u64 + 1);
        self.0.grants.borrow_mut().grant(to, frame, access)
    }

    fn end_grant(&self, reference: GrantReference) -> Result<(), GrantReference> {
        self.0.grants.borrow_mut().end(reference)
    }

    fn quarantine(&self, pages: SharedPages, grants: Vec<GrantReference>) {
        self.0.quarantine.borrow_mut().add(pages, grants);
    }

    fn open_channel(&self, _peer: DomainId) -> Result<EventChannel, XenError> {
        let port = self.0.next_port.replace(self.0.next_port.get() + 1);
        self.0.ports.borrow_mut().insert(port, Port::default());
        Ok(EventChannel::from_port(port))
    }

    fn notify(&self, channel: &EventChannel) {
        self.with_port(channel.port(), |port| port.notified += 1)
            .unwrap();
    }

    fn take_event(&self, channel: &EventChannel) -> bool {
        self.with_port(channel.port(), |port| core::mem::take(&mut port.pending))
            .unwrap()
    }

    fn judge_event(&self, channel: &EventChannel, useful: bool) {
        self.with_port(channel.port(), |port| port.judged.push(useful))
            .unwrap();
    }

    fn close_channel(&self, channel: EventChannel) {
        assert!(self.0.ports.borrow_mut().remove(&channel.port()).is_some());
    }
}
