//! The balloon: the domain has as much memory as the toolstack wants (`xl mem-set`, xenstore's `memory/target`), within what is in use and
//! what Xen gives.
//!
//! Memory moves in pieces, between other things. Invariant: one line on the console for each change that was asked for, when it is done or
//! when it turns out that it cannot be done; what cannot be done is tried again now and then, silently.

use crate::console::Writer;
use crate::memory::PAGE_SIZE;
use crate::memory::heap::KernelHeap;
use crate::xenstore::Store;
use core::fmt::Write;
use core::future::poll_fn;
use core::task::Poll;
use starling_xen::XenError;
use starling_xen::xenstore::{Error, Xenstore, number};

const TARGET: &str = "memory/target";
/// How long until what could not be done is tried again.
const RETRY_NS: u64 = 10_000_000_000;
/// Kibibytes of a page.
const PAGE_KIB: u64 = PAGE_SIZE as u64 / 1024;

/// Follows the toolstack's wishes from now on, without waiting.
pub fn start(store: &Store, heap: &'static KernelHeap) {
    let connection = store.handle();
    store.spawner().spawn(async move {
        if let Err(error) = follow(&connection, heap).await {
            log::warn!("xl mem-set is not heard: {TARGET}: {error}");
        }
    });
}

/// How far a change went.
#[derive(Debug, PartialEq, Eq)]
enum End {
    Reached,
    /// All that is left is in use, or as much as Xen gives.
    Stuck,
    /// There is another target.
    Overtaken,
}

async fn follow(store: &Xenstore, heap: &'static KernelHeap) -> Result<(), Error> {
    let mut watch = store.watch(TARGET)?;
    watch.registered().await?;
    let mut complained_about = None;
    loop {
        let target = match store.read(TARGET).await {
            Ok(value) => number(&value),
            Err(error) if error.is_absent() => None,
            Err(error) => return Err(error),
        };
        let mut is_stuck = false;
        if let Some(target) = target {
            let target = usize::try_from(target / PAGE_KIB).unwrap_or(usize::MAX);
            let before = pages(heap);
            let end = move_to(store, heap, target, || watch.has_changed()).await;
            is_stuck = end == End::Stuck;
            report(&end, before, pages(heap), target, &mut complained_about);
            if end == End::Overtaken {
                continue;
            }
        }
        if is_stuck {
            // The watch or the time, whichever comes first.
            let change = async {
                watch.changed().await;
                Ok(())
            };
            let _ = store.within(RETRY_NS, change).await;
        } else {
            watch.changed().await;
        }
    }
}

fn pages(heap: &KernelHeap) -> usize {
    heap.with(|heap| heap.pages()).unwrap_or(0)
}

/// Gives or takes pages until there are `target`.
async fn move_to(
    store: &Xenstore,
    heap: &KernelHeap,
    target: usize,
    mut is_overtaken: impl FnMut() -> bool,
) -> End {
    loop {
        let moved = heap.with(|heap| {
            let now = heap.pages();
            if now > target {
                heap.give_to_xen(now - target).map(Some)
            } else if now < target {
                heap.take_from_xen(target - now).map(Some)
            } else {
                Ok(None)
            }
        });
        match moved {
            Some(Ok(None)) | None => return End::Reached,
            Some(Ok(Some(0)) | Err(XenError(_))) => return End::Stuck,
            Some(Ok(Some(_))) => {}
        }
        if is_overtaken() {
            return End::Overtaken;
        }
        yield_once(store).await;
    }
}

/// Lets everything else have a turn.
async fn yield_once(store: &Xenstore) {
    let mut yielded = false;
    poll_fn(|_| {
        if core::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        store.stir();
        Poll::Pending
    })
    .await;
}

/// Says what was done, once.
fn report(
    end: &End,
    before: usize,
    now: usize,
    target: usize,
    complained_about: &mut Option<usize>,
) {
    let (before, now, wanted) = (mib(before), mib(now), mib(target));
    match end {
        End::Reached => {
            *complained_about = None;
            if before.0 != now.0 {
                let _ = writeln!(
                    Writer,
                    "starling: memory: {now}, was {before}, as the toolstack asked"
                );
            }
        }
        End::Stuck if *complained_about != Some(target) => {
            *complained_about = Some(target);
            let why = if wanted.0 < now.0 {
                "the rest is in use"
            } else {
                "Xen gives no more: the domain has its maximum (maxmem), or the host has none left"
            };
            log::warn!("memory: {now}, was {before}, the toolstack asked for {wanted}: {why}");
        }
        End::Stuck | End::Overtaken => {}
    }
}

/// Pages, shown in MiB.
struct Mib(usize);

fn mib(pages: usize) -> Mib {
    Mib(pages)
}

impl core::fmt::Display for Mib {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let tenths = self.0 as u64 * PAGE_KIB * 10 / 1024;
        match tenths % 10 {
            0 => write!(f, "{} MiB", tenths / 10),
            rest => write!(f, "{}.{rest} MiB", tenths / 10),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::format;

    #[test]
    fn amounts_are_shown_as_people_give_them() {
        assert_eq!(format!("{}", mib(64 << 8)), "64 MiB");
        assert_eq!(format!("{}", mib((64 << 8) + 130)), "64.5 MiB");
        assert_eq!(format!("{}", mib(0)), "0 MiB");
    }
}
