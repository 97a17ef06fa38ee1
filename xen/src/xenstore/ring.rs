//! The page shared with xenstored: a ring of bytes each way.
//!
//! The indices are free-running 32-bit counters in memory that xenstored can write at any time. Invariant: an index is
//! copied once, its distance to our own is bounded by the ring's size, and only masked values index memory; our own
//! indices are kept here and only published there. Indices need not start at zero: a boot loader may have used the ring.
//! Called by [`super::client`].

use core::mem::offset_of;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicU32, Ordering, fence};

/// Bytes of the ring in either direction.
pub const RING_SIZE: usize = 1024;

/// `struct xenstore_domain_interface` of `io/xs_wire.h`. The bytes are only touched through raw pointers.
#[repr(C)]
pub struct StorePage {
    requests: [u8; RING_SIZE],
    replies: [u8; RING_SIZE],
    req_cons: AtomicU32,
    req_prod: AtomicU32,
    rsp_cons: AtomicU32,
    rsp_prod: AtomicU32,
    server_features: AtomicU32,
    connection: AtomicU32,
    error: AtomicU32,
}

const _: () = {
    assert!(offset_of!(StorePage, replies) == 1024);
    assert!(offset_of!(StorePage, req_cons) == 2048);
    assert!(offset_of!(StorePage, rsp_prod) == 2060);
    assert!(offset_of!(StorePage, error) == 2072);
};

/// An index of xenstored that no ring can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImpossibleIndex;

/// Bytes between two free-running indices.
fn filled(consumer: u32, producer: u32) -> Result<usize, ImpossibleIndex> {
    let distance = producer.wrapping_sub(consumer) as usize;
    if distance <= RING_SIZE {
        Ok(distance)
    } else {
        Err(ImpossibleIndex)
    }
}

/// Our end of the page.
pub struct StoreRing {
    page: NonNull<StorePage>,
    req_prod: u32,
    rsp_cons: u32,
}

impl StoreRing {
    /// Takes over the ring at `page`, wherever its indices are.
    ///
    /// # Safety
    /// `page` must be the mapped xenstore page of this domain, and stay so; nobody else may use it.
    pub unsafe fn new(page: NonNull<StorePage>) -> Self {
        // SAFETY: the page is mapped; the indices are atomics.
        let shared = unsafe { page.as_ref() };
        Self {
            page,
            req_prod: shared.req_prod.load(Ordering::Acquire),
            rsp_cons: shared.rsp_cons.load(Ordering::Acquire),
        }
    }

    fn page(&self) -> &StorePage {
        // SAFETY: mapped for as long as `self` (see `new`). The byte arrays are never read through
        // this reference, only the atomics are.
        unsafe { self.page.as_ref() }
    }

    /// Copies as much of `bytes` as fits and returns how much. Does not notify.
    pub fn write(&mut self, bytes: &[u8]) -> Result<usize, ImpossibleIndex> {
        let consumer = self.page().req_cons.load(Ordering::Acquire);
        let room = RING_SIZE - filled(consumer, self.req_prod)?;
        let count = room.min(bytes.len());
        // SAFETY: the field is inside the page; only masked offsets are added below.
        let ring = unsafe { &raw mut (*self.page.as_ptr()).requests }.cast::<u8>();
        for (offset, &byte) in bytes[..count].iter().enumerate() {
            let index = self.req_prod.wrapping_add(offset as u32) as usize % RING_SIZE;
            // SAFETY: `index` is less than the array's length; volatile as the other end reads it.
            unsafe { ring.add(index).write_volatile(byte) };
        }
        fence(Ordering::Release);
        self.req_prod = self.req_prod.wrapping_add(count as u32);
        self.page().req_prod.store(self.req_prod, Ordering::Release);
        Ok(count)
    }

    /// Copies what xenstored has written into `bytes` and returns how much. Does not notify.
    pub fn read(&mut self, bytes: &mut [u8]) -> Result<usize, ImpossibleIndex> {
        let producer = self.page().rsp_prod.load(Ordering::Acquire);
        let count = filled(self.rsp_cons, producer)?.min(bytes.len());
        // SAFETY: the field is inside the page; only masked offsets are added below.
        let ring = unsafe { &raw const (*self.page.as_ptr()).replies }.cast::<u8>();
        for (offset, byte) in bytes[..count].iter_mut().enumerate() {
            let index = self.rsp_cons.wrapping_add(offset as u32) as usize % RING_SIZE;
            // SAFETY: `index` is less than the array's length; volatile as the other end writes it.
            *byte = unsafe { ring.add(index).read_volatile() };
        }
        fence(Ordering::Release);
        self.rsp_cons = self.rsp_cons.wrapping_add(count as u32);
        self.page().rsp_cons.store(self.rsp_cons, Ordering::Release);
        Ok(count)
    }

    /// Whether something can be written. Nonsense counts as room: writing tells.
    pub fn has_room(&self) -> bool {
        let consumer = self.page().req_cons.load(Ordering::Acquire);
        filled(consumer, self.req_prod) != Ok(RING_SIZE)
    }

    /// Whether xenstored has written something that was not read.
    pub fn has_input(&self) -> bool {
        self.page().rsp_prod.load(Ordering::Acquire) != self.rsp_cons
    }
}

/// The other end of a page, for tests.
#[cfg(test)]
pub mod testing {
    use super::*;
    use std::boxed::Box;
    use std::vec::Vec;

    /// What xenstored does with the page.
    #[derive(Clone, Copy)]
    pub struct OtherEnd(NonNull<StorePage>);

    /// A page whose indices all start at `start`; our end of it and the other.
    pub fn ring(start: u32) -> (OtherEnd, StoreRing) {
        let page = NonNull::from(Box::leak(Box::new(StorePage {
            requests: [0; RING_SIZE],
            replies: [0; RING_SIZE],
            req_cons: AtomicU32::new(start),
            req_prod: AtomicU32::new(start),
            rsp_cons: AtomicU32::new(start),
            rsp_prod: AtomicU32::new(start),
            server_features: AtomicU32::new(0),
            connection: AtomicU32::new(0),
            error: AtomicU32::new(0),
        })));
        // SAFETY: leaked, so mapped for ever.
        (OtherEnd(page), unsafe { StoreRing::new(page) })
    }

    impl OtherEnd {
        fn page(&self) -> &StorePage {
            // SAFETY: leaked in `ring`.
            unsafe { self.0.as_ref() }
        }

        /// Takes all requests that are there.
        pub fn take(&self) -> Vec<u8> {
            let (cons, prod) = (
                self.page().req_cons.load(Ordering::Relaxed),
                self.page().req_prod.load(Ordering::Relaxed),
            );
            // SAFETY: inside the page; single-threaded test.
            let ring = unsafe { &raw const (*self.0.as_ptr()).requests }.cast::<u8>();
            let count = Some(prod.wrapping_sub(cons)).filter(|&count| count <= RING_SIZE as u32);
            let bytes = (0..count.unwrap_or(0))
                .map(|i| cons.wrapping_add(i) as usize % RING_SIZE)
                // SAFETY: masked.
                .map(|index| unsafe { ring.add(index).read_volatile() })
                .collect();
            self.page().req_cons.store(prod, Ordering::Relaxed);
            bytes
        }

        /// Writes as much of `bytes` as there is room for.
        pub fn give(&self, bytes: &[u8]) -> usize {
            let (cons, prod) = (
                self.page().rsp_cons.load(Ordering::Relaxed),
                self.page().rsp_prod.load(Ordering::Relaxed),
            );
            // No room at all once the index was lied about.
            let unread = prod.wrapping_sub(cons) as usize;
            let count = RING_SIZE.saturating_sub(unread).min(bytes.len());
            // SAFETY: inside the page; single-threaded test.
            let ring = unsafe { &raw mut (*self.0.as_ptr()).replies }.cast::<u8>();
            for (i, &byte) in bytes[..count].iter().enumerate() {
                let index = prod.wrapping_add(i as u32) as usize % RING_SIZE;
                // SAFETY: masked.
                unsafe { ring.add(index).write_volatile(byte) };
            }
            let prod = prod.wrapping_add(count as u32);
            self.page().rsp_prod.store(prod, Ordering::Relaxed);
            count
        }

        /// Puts a number where the index of replies written is.
        pub fn lie_about_replies(&self, index: u32) {
            self.page().rsp_prod.store(index, Ordering::Relaxed);
        }

        /// Puts a number where the index of requests read is.
        pub fn lie_about_requests(&self, index: u32) {
            self.page().req_cons.store(index, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    #[test]
    fn bytes_pass_both_ways_across_the_wrap_of_the_indices() {
        let (other, mut ring) = testing::ring(u32::MAX - 1500);
        let text: Vec<u8> = (0..5000u32).map(|i| (i % 251) as u8).collect();
        let (mut there, mut back) = (Vec::new(), Vec::new());
        let mut rest = &text[..];
        while !rest.is_empty() {
            let count = ring.write(rest).unwrap();
            assert!(count > 0);
            rest = &rest[count..];
            let bytes = other.take();
            assert_eq!(other.give(&bytes), bytes.len());
            there.extend(&bytes);
            assert!(ring.has_input());
            let mut buffer = [0; 700];
            while let count @ 1.. = ring.read(&mut buffer).unwrap() {
                back.extend(&buffer[..count]);
            }
            assert!(!ring.has_input());
        }
        assert_eq!((there, back), (text.clone(), text));
    }

    #[test]
    fn a_full_ring_takes_nothing() {
        let (_, mut ring) = testing::ring(77);
        assert_eq!(ring.write(&[1; 3000]), Ok(RING_SIZE));
        assert_eq!(ring.write(b"x"), Ok(0));
    }

    #[test]
    fn impossible_indices_are_told() {
        for lie in [RING_SIZE as u32 + 1, 0x8000_0000, u32::MAX] {
            let (other, mut ring) = testing::ring(0);
            other.lie_about_replies(lie);
            assert_eq!(ring.read(&mut [0; 4]), Err(ImpossibleIndex));
            let (other, mut ring) = testing::ring(0);
            // A consumer ahead of the producer, or too far behind it.
            other.lie_about_requests(lie);
            match lie {
                u32::MAX => assert_eq!(ring.write(b"abc"), Ok(3)),
                _ => assert_eq!(ring.write(b"abc"), Err(ImpossibleIndex)),
            }
        }
    }
}
