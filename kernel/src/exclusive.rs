//! Global state of a guest with one vCPU and no interrupts.
//!
//! [`Exclusive`] is a `RefCell` for statics: one borrow at a time, a second one is a bug and
//! panics. Invariant: there is one thread of control, so the flag needs no atomic instruction; the
//! crash path, which may have interrupted a borrower that will never run again, takes what it
//! needs with [`Exclusive::seize`].

use core::cell::{Cell, UnsafeCell};

/// A value in a static, borrowed by one piece of code at a time.
pub struct Exclusive<T> {
    borrowed: Cell<bool>,
    value: UnsafeCell<T>,
}

// SAFETY: the guest has one vCPU and takes no upcalls, so there is no second thread; on Linux, only
// tests touch statics of this type, and none does.
unsafe impl<T> Sync for Exclusive<T> {}

impl<T> Exclusive<T> {
    /// Holds `value`.
    pub const fn new(value: T) -> Self {
        Self {
            borrowed: Cell::new(false),
            value: UnsafeCell::new(value),
        }
    }

    /// Lends the value to `use_it`. Panics if it is lent already.
    pub fn with<R>(&self, use_it: impl FnOnce(&mut T) -> R) -> R {
        assert!(!self.borrowed.replace(true), "global state borrowed twice");
        // SAFETY: the flag shows that no other borrow is alive.
        let result = use_it(unsafe { &mut *self.value.get() });
        self.borrowed.set(false);
        result
    }

    /// The value, whoever holds it.
    ///
    /// # Safety
    /// Only on the way to the domain's end, where no interrupted borrower will run again; the
    /// value may be half changed.
    #[allow(clippy::mut_from_ref)] // that is what seizing means
    pub unsafe fn seize(&self) -> &mut T {
        // SAFETY: the caller promises that other borrows are dead.
        unsafe { &mut *self.value.get() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lends_once_at_a_time() {
        let cell = Exclusive::new(1);
        cell.with(|value| *value += 1);
        assert_eq!(cell.with(|value| *value), 2);
    }

    #[test]
    #[should_panic(expected = "borrowed twice")]
    fn a_second_borrow_is_a_bug() {
        let cell = Exclusive::new(1);
        cell.with(|_| cell.with(|_| ()));
    }
}
