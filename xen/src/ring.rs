//! The ring that a frontend shares with its backend: requests one way, responses the other, in the same slots.
//!
//! One page: four free-running 32-bit indices, then a power of two of slots (`io/ring.h` of Xen's public headers). Each
//! end owns a producer index and an *event* index, which tells the other end at which index it wants to be notified.
//!
//! Invariant: nothing the other end can write is used twice. A message is copied out once; the producer index is copied
//! once and must lie between what was last seen and what was asked for, which bounds the work of a turn and keeps
//! indices from running backwards; memory is indexed by our own counters alone.

use crate::PAGE_SIZE;
use core::fmt;
use core::marker::PhantomData;
use core::mem::offset_of;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicU32, Ordering, fence};

/// The indices, at the start of the page.
#[repr(C)]
struct Indices {
    req_prod: AtomicU32,
    req_event: AtomicU32,
    rsp_prod: AtomicU32,
    rsp_event: AtomicU32,
    _pad: [u8; 48],
}

const _: () = {
    assert!(offset_of!(Indices, rsp_prod) == 8);
    assert!(size_of::<Indices>() == 64);
};

/// What can lie in a slot.
///
/// # Safety
/// Plain data without padding, for which every pattern of bits is a value.
pub unsafe trait Message: Copy {}

/// The other end's producer index is impossible.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadProducer {
    /// What the other end wrote.
    pub producer: u32,
    /// What has been seen before.
    pub seen: u32,
    /// How far it could have come.
    pub requested: u32,
}

impl fmt::Display for BadProducer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "its response index is {}, which is not between {} and {}",
            self.producer, self.seen, self.requested
        )
    }
}

/// Our end of a ring with requests `Q` and responses `R`.
pub struct FrontRing<Q, R> {
    page: NonNull<u8>,
    /// Requests written.
    req_prod: u32,
    /// Requests the other end has been shown.
    req_published: u32,
    /// Responses taken.
    rsp_cons: u32,
    /// Responses the other end has shown, as far as we have looked.
    rsp_seen: u32,
    /// The index we last asked to be notified at.
    rsp_event: u32,
    _messages: PhantomData<(Q, R)>,
}

impl<Q: Message, R: Message> FrontRing<Q, R> {
    const SLOT: usize = if size_of::<Q>() > size_of::<R>() {
        size_of::<Q>()
    } else {
        size_of::<R>()
    };
    /// Slots of the ring.
    pub const SLOTS: u32 = 1 << ((PAGE_SIZE - size_of::<Indices>()) / Self::SLOT).ilog2();

    /// Makes an empty ring in a page.
    ///
    /// # Safety
    /// The page must be mapped writable as long as the ring is used, and nobody else of this domain touch it.
    pub unsafe fn new(page: NonNull<u8>) -> Self {
        let ring = Self {
            page,
            req_prod: 0,
            req_published: 0,
            rsp_cons: 0,
            rsp_seen: 0,
            rsp_event: 1,
            _messages: PhantomData,
        };
        let indices = ring.indices();
        indices.req_prod.store(0, Ordering::Relaxed);
        indices.rsp_prod.store(0, Ordering::Relaxed);
        indices.req_event.store(1, Ordering::Relaxed);
        indices.rsp_event.store(1, Ordering::Release);
        ring
    }

    #[inline]
    fn indices(&self) -> &Indices {
        // SAFETY: the page is mapped (see `new`) and begins with the indices, which are atomics.
        unsafe { self.page.cast().as_ref() }
    }

    #[inline]
    fn slot(&self, index: u32) -> *mut u8 {
        let offset = size_of::<Indices>() + (index & (Self::SLOTS - 1)) as usize * Self::SLOT;
        // SAFETY: the index is masked, so the slot is inside the page.
        unsafe { self.page.as_ptr().add(offset) }
    }

    /// Requests that find room.
    #[inline]
    pub fn room(&self) -> u32 {
        Self::SLOTS - self.unanswered()
    }

    /// Requests whose responses have not been taken.
    #[inline]
    pub fn unanswered(&self) -> u32 {
        self.req_prod.wrapping_sub(self.rsp_cons)
    }

    /// Writes a request, which the other end does not see yet; gives the slot it is in. There must be [room](Self::room).
    #[inline]
    pub fn put(&mut self, request: Q) -> u32 {
        self.put_other(request)
    }

    /// Writes something else than a request into the next slot.
    #[inline]
    pub fn put_other<T: Message>(&mut self, message: T) -> u32 {
        const { assert!(size_of::<T>() <= Self::SLOT && align_of::<T>() <= 4) };
        assert!(self.room() > 0, "a request without room for it");
        let slot = self.slot(self.req_prod).cast::<T>();
        // SAFETY: inside the page and aligned, as slots are multiples of four bytes; volatile as the other end reads it.
        unsafe { slot.write_volatile(message) };
        let place = self.req_prod & (Self::SLOTS - 1);
        self.req_prod = self.req_prod.wrapping_add(1);
        place
    }

    /// Requests that have been written and not [published](Self::publish).
    #[inline]
    pub fn unpublished(&self) -> u32 {
        self.req_prod.wrapping_sub(self.req_published)
    }

    /// Shows the other end what was written. True if it wants to be notified.
    #[inline]
    pub fn publish(&mut self) -> bool {
        if self.req_published == self.req_prod {
            return false;
        }
        let indices = self.indices();
        indices.req_prod.store(self.req_prod, Ordering::Release);
        // The index must be out before the other end's wish is read: it writes its wish, then looks at the index.
        fence(Ordering::SeqCst);
        let event = indices.req_event.load(Ordering::Relaxed);
        let notify =
            self.req_prod.wrapping_sub(event) < self.req_prod.wrapping_sub(self.req_published);
        self.req_published = self.req_prod;
        notify
    }

    /// Responses that can be taken now.
    #[inline]
    pub fn responses(&mut self) -> Result<u32, BadProducer> {
        let known = self.rsp_seen.wrapping_sub(self.rsp_cons);
        if known > 0 {
            return Ok(known);
        }
        let producer = self.indices().rsp_prod.load(Ordering::Acquire);
        let possible = self.req_published.wrapping_sub(self.rsp_seen);
        if producer.wrapping_sub(self.rsp_seen) > possible {
            return Err(BadProducer {
                producer,
                seen: self.rsp_seen,
                requested: self.req_published,
            });
        }
        self.rsp_seen = producer;
        Ok(producer.wrapping_sub(self.rsp_cons))
    }

    /// Takes a response, with the slot it was in. There must be [one](Self::responses).
    #[inline]
    pub fn take(&mut self) -> (u32, R) {
        self.take_other()
    }

    /// Takes what lies where the next response would be, as something else.
    #[inline]
    pub fn take_other<T: Message>(&mut self) -> (u32, T) {
        const { assert!(size_of::<T>() <= Self::SLOT && align_of::<T>() <= 4) };
        assert!(self.rsp_seen != self.rsp_cons, "no response to take");
        let slot = self.slot(self.rsp_cons).cast::<T>();
        // SAFETY: inside the page and aligned; every pattern of bits is a value.
        let message = unsafe { slot.read_volatile() };
        let place = self.rsp_cons & (Self::SLOTS - 1);
        self.rsp_cons = self.rsp_cons.wrapping_add(1);
        (place, message)
    }

    /// Asks to be notified when `count` more responses are there than have been taken. True if there are any by now: then
    /// nothing may come any more. Asking twice for the same costs a look.
    #[inline]
    pub fn request_event(&mut self, count: u32) -> Result<bool, BadProducer> {
        let event = self.rsp_cons.wrapping_add(count.max(1));
        if event != self.rsp_event {
            self.rsp_event = event;
            self.indices().rsp_event.store(event, Ordering::Relaxed);
            // The wish must be out before the index is read: the other end writes its index, then looks at the wish.
            fence(Ordering::SeqCst);
        }
        Ok(self.responses()? > 0)
    }
}

#[cfg(test)]
pub(crate) mod testing {
    //! The other end of a ring, as free as a backend is.

    use super::*;

    /// A backend's view of the page.
    pub struct BackRing<Q, R> {
        page: NonNull<u8>,
        pub req_cons: u32,
        pub rsp_prod: u32,
        _messages: PhantomData<(Q, R)>,
    }

    impl<Q: Message, R: Message> BackRing<Q, R> {
        /// # Safety
        /// `page` must be a page with a ring, for as long as this is used.
        pub unsafe fn new(page: NonNull<u8>) -> Self {
            Self {
                page,
                req_cons: 0,
                rsp_prod: 0,
                _messages: PhantomData,
            }
        }

        fn indices(&self) -> &Indices {
            // SAFETY: see `new`.
            unsafe { self.page.cast().as_ref() }
        }

        fn slot(&self, index: u32) -> *mut u8 {
            let place = (index & (FrontRing::<Q, R>::SLOTS - 1)) as usize;
            // SAFETY: inside the page.
            unsafe { self.page.as_ptr().add(64 + place * FrontRing::<Q, R>::SLOT) }
        }

        pub fn requests(&self) -> u32 {
            self.indices()
                .req_prod
                .load(Ordering::Acquire)
                .wrapping_sub(self.req_cons)
        }

        pub fn take<T: Message>(&mut self) -> T {
            let slot = self.slot(self.req_cons).cast::<T>();
            self.req_cons = self.req_cons.wrapping_add(1);
            // SAFETY: inside the page.
            unsafe { slot.read_volatile() }
        }

        pub fn put<T: Message>(&mut self, message: T) {
            // SAFETY: inside the page.
            unsafe { self.slot(self.rsp_prod).cast::<T>().write_volatile(message) };
            self.rsp_prod = self.rsp_prod.wrapping_add(1);
        }

        /// Shows the responses. True if the front end wants to be notified.
        pub fn publish(&self) -> bool {
            let old = self
                .indices()
                .rsp_prod
                .swap(self.rsp_prod, Ordering::SeqCst);
            let event = self.indices().rsp_event.load(Ordering::SeqCst);
            self.rsp_prod.wrapping_sub(event) < self.rsp_prod.wrapping_sub(old)
        }

        pub fn lie_about_responses(&self, index: u32) {
            self.indices().rsp_prod.store(index, Ordering::SeqCst);
        }

        /// Asks to be notified of the request after `count` more.
        pub fn request_event(&self, count: u32) {
            let event = self.req_cons.wrapping_add(count);
            self.indices().req_event.store(event, Ordering::SeqCst);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::testing::BackRing;
    use super::*;
    use std::boxed::Box;

    #[repr(C, align(4096))]
    struct Page([u8; PAGE_SIZE]);

    // SAFETY: a plain number.
    unsafe impl Message for u64 {}
    // SAFETY: a plain number.
    unsafe impl Message for u32 {}

    fn ring() -> (FrontRing<[u32; 2], u32>, BackRing<[u32; 2], u32>) {
        let page = NonNull::from(Box::leak(Box::new(Page([0xff; PAGE_SIZE])))).cast();
        // SAFETY: the page is leaked.
        unsafe { (FrontRing::new(page), BackRing::new(page)) }
    }

    // SAFETY: plain numbers.
    unsafe impl Message for [u32; 2] {}

    #[test]
    fn as_many_slots_as_fit_rounded_down() {
        assert_eq!(FrontRing::<[u32; 2], u32>::SLOTS, 256);
        assert_eq!(FrontRing::<u32, u32>::SLOTS, 512);
    }

    #[test]
    fn messages_go_round_and_round() {
        let (mut front, mut back) = ring();
        let mut sent = 0;
        let mut answered = 0;
        for turn in 0..1000 {
            while front.room() > 0 && sent < turn * 77 {
                assert_eq!(front.put([sent, !sent]), sent % 256);
                sent += 1;
            }
            front.publish();
            while back.requests() > 0 {
                let [number, check] = back.take();
                assert_eq!(check, !number);
                back.put(number);
            }
            back.publish();
            while front.responses().unwrap() > 0 {
                assert_eq!(front.take().1, answered);
                answered += 1;
            }
        }
        assert!(answered > 50_000);
    }

    #[test]
    fn the_other_end_is_notified_when_it_wants_to_be() {
        let (mut front, mut back) = ring();
        front.put([0; 2]);
        assert!(front.publish());
        assert!(!front.publish());
        // It has not asked again.
        front.put([0; 2]);
        assert!(!front.publish());
        while back.requests() > 0 {
            let _: [u32; 2] = back.take();
        }
        back.request_event(3);
        for expected in [false, false, true, false] {
            front.put([0; 2]);
            assert_eq!(front.publish(), expected);
        }
    }

    #[test]
    fn we_are_notified_once_for_each_wish() {
        let (mut front, mut back) = ring();
        for _ in 0..8 {
            front.put([0; 2]);
        }
        front.publish();
        assert_eq!(front.request_event(3), Ok(false));
        for expected in [false, false, true, false] {
            back.put(1u32);
            assert_eq!(back.publish(), expected);
        }
        // Too late to be told.
        assert_eq!(front.request_event(1), Ok(true));
    }

    #[test]
    fn impossible_indices_are_refused() {
        let (mut front, back) = ring();
        for _ in 0..3 {
            front.put([0; 2]);
        }
        // Requests that were not published cannot be answered.
        for lie in [1, 3, u32::MAX] {
            back.lie_about_responses(lie);
            assert!(front.responses().is_err(), "{lie}");
        }
        front.publish();
        for lie in [4, 300, 1 << 31, u32::MAX] {
            back.lie_about_responses(lie);
            assert!(front.responses().is_err(), "{lie}");
        }
        back.lie_about_responses(2);
        assert_eq!(front.responses(), Ok(2));
        front.take();
        front.take();
        // Backwards.
        back.lie_about_responses(1);
        assert!(front.responses().is_err());
    }
}
