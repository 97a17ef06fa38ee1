//! The guest's connection to xenstored, and the tasks on it.
//!
//! Nothing is waited for at boot: the first requests lie in the ring when the machine starts, and the tasks ([`control`](crate::control),
//! [`balloon`](crate::balloon), devices) go on when the [`platform`](crate::platform) polls. The initial domain has no xenstore; neither has it
//! any of those tasks.

use crate::{clock, events};
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::ptr::NonNull;
use starling_vm::fs::errno::Errno;
use starling_vm::platform::domain::DomainInfo;
use starling_xen::mmu::machine_to_phys;
use starling_xen::start_info::StartInfo;
use starling_xen::xenstore::ring::{StorePage, StoreRing};
use starling_xen::xenstore::task::{Spawner, Tasks};
use starling_xen::xenstore::{Channel, Error, Refusal, Xenstore, number};
use starling_xen::{PAGE_SIZE, event, sched};

/// How long a program that reads xenstore may wait, with everything else in the machine: xenstored answers within a millisecond.
const PATIENCE_NS: u64 = 5_000_000_000;

/// The event channel to xenstored.
struct StoreChannel(u32);

impl Channel for StoreChannel {
    fn notify(&mut self) {
        if let Err(error) = event::send(self.0) {
            log::error!("xenstored cannot be notified: {error}");
        }
    }

    fn now(&self) -> u64 {
        clock::monotonic_ns()
    }

    fn forget_notifications(&mut self) {
        if let Some(info) = clock::shared_info() {
            info.vcpu().clear_upcall_pending();
            info.take_pending(self.0);
        }
    }

    fn sleep(&mut self, deadline: u64) {
        if let Err(error) = sched::poll(&[self.0], Some(deadline)) {
            log::error!("SCHEDOP_poll failed: {error}");
        }
    }
}

/// The connection.
pub struct Store {
    port: u32,
    tasks: Tasks,
}

impl Store {
    /// Takes over the ring that `info` names; none in the initial domain.
    ///
    /// # Safety
    /// `info` must be this domain's, and the bootstrap mapping still show the ring one-to-one. Once, at boot.
    pub unsafe fn connect(info: &StartInfo) -> Option<Store> {
        if info.is_initial_domain() || info.store_mfn.0 == 0 {
            return None;
        }
        // SAFETY: the ring is a frame of this domain.
        let address = unsafe { machine_to_phys(info.store_mfn) }.0 as usize * PAGE_SIZE;
        let page = NonNull::new(address as *mut StorePage)?;
        // SAFETY: the bootstrap mapping shows the page there, and that page is never given to anyone else.
        let ring = unsafe { StoreRing::new(page) };
        let port = info.store_evtchn;
        events::add(port);
        let store = Xenstore::new(ring, Box::new(StoreChannel(port)));
        Some(Store {
            port,
            tasks: Tasks::new(store),
        })
    }

    /// The connection itself; clones are the same one.
    pub fn handle(&self) -> Xenstore {
        self.tasks.store().clone()
    }

    /// Begins tasks on it.
    pub fn spawner(&self) -> Spawner {
        self.tasks.spawner()
    }

    /// Goes on with all tasks that can, without waiting.
    pub fn poll(&mut self) {
        let signalled = events::take(self.port);
        let moved = self.tasks.poll();
        if signalled {
            events::judge(self.port, moved);
        }
    }

    /// Whether [`Store::poll`] has something to do: who sleeps would sleep over it.
    pub fn has_work(&self) -> bool {
        self.tasks.has_work()
    }

    /// When [`Store::poll`] must be called at the latest.
    pub fn next_deadline(&self) -> Option<u64> {
        self.tasks.next_deadline()
    }

    /// The value at `path`; waits for it.
    pub fn read(&self, path: &str) -> Result<Vec<u8>, Errno> {
        let store = self.tasks.store();
        let value = store.wait_for(PATIENCE_NS, store.read(path));
        value.map_err(for_programs)
    }

    /// Fills in what xenstore knows of this domain; waits for it.
    pub fn describe(&self, info: &mut DomainInfo) {
        let store = self.tasks.store();
        let keys = ["domid", "name", "vm", "memory/target"];
        let reading = async { Ok(store.read_each(&keys).await) };
        let values = match store.wait_for(PATIENCE_NS, reading) {
            Ok(values) => values,
            Err(error) => return log::warn!("what this domain is cannot be read: {error}"),
        };
        let mut values = values.into_iter().map(Result::ok);
        let mut next = || values.next().flatten();
        let domid = next().and_then(|value| number(&value));
        info.domid = domid.and_then(|id| u32::try_from(id).ok()).unwrap_or(0);
        info.name = next();
        info.uuid = next().and_then(|vm| vm.strip_prefix(b"/vm/").map(<[u8]>::to_vec));
        // In KiB.
        info.memory_target = next().and_then(|value| number(&value)?.checked_mul(1024));
    }

    /// Names of the nodes below `path`; waits for them.
    pub fn list(&self, path: &str) -> Result<Vec<String>, Errno> {
        let store = self.tasks.store();
        let names = store.wait_for(PATIENCE_NS, store.directory(path));
        names.map_err(for_programs)
    }
}

/// An error as programs know it.
fn for_programs(error: Error) -> Errno {
    match error {
        Error::Refused(refusal) => match refusal {
            Refusal::ENOENT => Errno::ENOENT,
            Refusal::EACCES => Errno::EACCES,
            Refusal::EAGAIN => Errno::EAGAIN,
            Refusal::ENOSPC => Errno::ENOSPC,
            Refusal::EINVAL => Errno::EINVAL,
            _ => Errno::EIO,
        },
        Error::TimedOut => Errno::ETIMEDOUT,
        Error::Unsendable(_) => Errno::EINVAL,
        Error::Malformed(_) | Error::Broken(_) | Error::Device(_) => Errno::EIO,
    }
}
