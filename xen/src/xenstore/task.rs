//! What runs the futures that wait for xenstore: device connections, watches.
//!
//! There are few tasks and they wait most of the time, so none is woken by itself: when anything was heard, all look. Invariant:
//! [`Tasks::poll`] never waits, and polls each task once. Called by the kernel's platform.

use super::Xenstore;
use alloc::boxed::Box;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::RefCell;
use core::pin::Pin;
use core::task::{Context, Waker};

type Task = Pin<Box<dyn Future<Output = ()>>>;

/// Begins tasks; what a task needs to begin others.
#[derive(Clone, Default)]
pub struct Spawner(Rc<RefCell<Vec<Task>>>);

impl Spawner {
    /// Begins a task; it runs when [`Tasks::poll`] is called.
    pub fn spawn(&self, task: impl Future<Output = ()> + 'static) {
        self.0.borrow_mut().push(Box::pin(task));
    }
}

/// All tasks.
pub struct Tasks {
    store: Xenstore,
    running: Vec<Task>,
    fresh: Spawner,
}

impl Tasks {
    /// No tasks yet.
    pub fn new(store: Xenstore) -> Self {
        Self {
            store,
            running: Vec::new(),
            fresh: Spawner::default(),
        }
    }

    /// The connection they share.
    pub fn store(&self) -> &Xenstore {
        &self.store
    }

    /// Begins tasks.
    pub fn spawner(&self) -> Spawner {
        self.fresh.clone()
    }

    /// Talks to xenstored and goes on with every task that can, if there is reason to. Returns whether xenstored had something
    /// to say, or took something.
    pub fn poll(&mut self) -> bool {
        let moved = self.store.poll();
        let fresh = self.fresh.0.take();
        let mut client = self.store.client().borrow_mut();
        let due = client
            .next_deadline
            .is_some_and(|deadline| client.now() >= deadline);
        let stirred = core::mem::take(&mut client.stirred);
        if fresh.is_empty() && !due && !stirred {
            return moved;
        }
        client.next_deadline = None;
        drop(client);
        self.running.extend(fresh);
        let mut context = Context::from_waker(Waker::noop());
        self.running
            .retain_mut(|task| task.as_mut().poll(&mut context).is_pending());
        // Sends what they asked for.
        self.store.poll() || moved
    }

    /// Whether [`Tasks::poll`] has something to do now.
    pub fn has_work(&self) -> bool {
        !self.fresh.0.borrow().is_empty() || self.store.has_work()
    }

    /// When [`Tasks::poll`] is to be called at the latest.
    pub fn next_deadline(&self) -> Option<u64> {
        self.store.client().borrow().next_deadline
    }
}
