//! The console: a ring shared with xenconsoled, or Xen's own console for the initial domain.
//!
//! The ring's indices are free-running 32-bit counters in memory that the other end can write.
//! Invariant: an index is copied once, its distance to our own is bounded by the ring's size, and
//! only masked values index memory; so a hostile other end can garble or stop the console but not
//! reach past the ring. Indices need not start at zero (a boot loader may have used the ring).

use crate::hypercall::{Hypercall, call};
use crate::{XenError, event};
use core::mem::offset_of;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicU32, Ordering, fence};

const INPUT_SIZE: usize = 1024;
const OUTPUT_SIZE: usize = 2048;

/// `struct xencons_interface`. The bytes are only touched through raw pointers.
#[repr(C)]
pub struct ConsolePage {
    input: [u8; INPUT_SIZE],
    output: [u8; OUTPUT_SIZE],
    in_cons: AtomicU32,
    in_prod: AtomicU32,
    out_cons: AtomicU32,
    out_prod: AtomicU32,
}

const _: () = {
    assert!(offset_of!(ConsolePage, output) == 1024);
    assert!(offset_of!(ConsolePage, in_cons) == 3072);
    assert!(offset_of!(ConsolePage, out_prod) == 3084);
};

/// Bytes between two free-running indices, or `None` if the pair is impossible for a ring of
/// `size` bytes: the other end wrote nonsense.
fn filled(consumer: u32, producer: u32, size: usize) -> Option<usize> {
    let distance = producer.wrapping_sub(consumer) as usize;
    (distance <= size).then_some(distance)
}

/// The ring and its event channel.
pub struct RingConsole {
    page: NonNull<ConsolePage>,
    evtchn: u32,
    /// Our own copies of the two indices that are ours to move.
    out_prod: u32,
    in_cons: u32,
}

impl RingConsole {
    /// Takes over the ring at `page`.
    ///
    /// # Safety
    /// `page` must be the mapped console page of this domain, and stay so; nobody else may use it.
    pub unsafe fn new(page: NonNull<ConsolePage>, evtchn: u32) -> Self {
        // SAFETY: the page is mapped; the indices are atomics.
        let shared = unsafe { page.as_ref() };
        let out_prod = shared.out_prod.load(Ordering::Acquire);
        let in_cons = shared.in_cons.load(Ordering::Acquire);
        Self {
            page,
            evtchn,
            out_prod,
            in_cons,
        }
    }

    fn page(&self) -> &ConsolePage {
        // SAFETY: mapped for as long as `self` (see `new`). The byte arrays are never read through
        // this reference, only the atomics are.
        unsafe { self.page.as_ref() }
    }

    /// The event channel that signals input, and room for output.
    pub fn evtchn(&self) -> u32 {
        self.evtchn
    }

    /// Bytes written and not yet taken by the other end. Nonsense from there counts as a full ring.
    pub fn unread_output(&self) -> usize {
        let consumer = self.page().out_cons.load(Ordering::Acquire);
        filled(consumer, self.out_prod, OUTPUT_SIZE).unwrap_or(OUTPUT_SIZE)
    }

    /// Copies as much of `bytes` as fits and returns how much. Does not notify.
    pub fn write(&mut self, bytes: &[u8]) -> usize {
        let room = OUTPUT_SIZE - self.unread_output();
        let count = room.min(bytes.len());
        // SAFETY: the field is inside the page; only masked offsets are added below.
        let output = unsafe { &raw mut (*self.page.as_ptr()).output }.cast::<u8>();
        for (offset, &byte) in bytes[..count].iter().enumerate() {
            let index = self.out_prod.wrapping_add(offset as u32) as usize % OUTPUT_SIZE;
            // SAFETY: `index` is less than the array's length; volatile as the other end reads it.
            unsafe { output.add(index).write_volatile(byte) };
        }
        fence(Ordering::Release);
        self.out_prod = self.out_prod.wrapping_add(count as u32);
        self.page().out_prod.store(self.out_prod, Ordering::Release);
        count
    }

    /// Copies what has been typed into `bytes` and returns how much. Does not notify.
    ///
    /// If the other end's index is impossible, what it claims to have written is skipped.
    pub fn read(&mut self, bytes: &mut [u8]) -> usize {
        let producer = self.page().in_prod.load(Ordering::Acquire);
        let Some(available) = filled(self.in_cons, producer, INPUT_SIZE) else {
            self.in_cons = producer;
            self.page().in_cons.store(producer, Ordering::Release);
            return 0;
        };
        let count = available.min(bytes.len());
        // SAFETY: the field is inside the page; only masked offsets are added below.
        let input = unsafe { &raw const (*self.page.as_ptr()).input }.cast::<u8>();
        for (offset, byte) in bytes[..count].iter_mut().enumerate() {
            let index = self.in_cons.wrapping_add(offset as u32) as usize % INPUT_SIZE;
            // SAFETY: `index` is less than the array's length; volatile as the other end writes it.
            *byte = unsafe { input.add(index).read_volatile() };
        }
        fence(Ordering::Release);
        self.in_cons = self.in_cons.wrapping_add(count as u32);
        self.page().in_cons.store(self.in_cons, Ordering::Release);
        count
    }

    /// True if something has been typed and not yet read.
    pub fn has_input(&self) -> bool {
        self.page().in_prod.load(Ordering::Acquire) != self.in_cons
    }

    /// Tells the other end that an index moved. A hypercall.
    pub fn notify(&self) -> Result<(), XenError> {
        event::send(self.evtchn)
    }
}

const CONSOLEIO_WRITE: u64 = 0;
const CONSOLEIO_READ: u64 = 1;

/// Writes to Xen's own console, which takes everything; only the initial domain may (others may in
/// a debug build of Xen). A hypercall.
pub fn hypervisor_write(bytes: &[u8]) -> Result<(), XenError> {
    let arguments = [
        CONSOLEIO_WRITE,
        bytes.len() as u64,
        bytes.as_ptr() as u64,
        0,
        0,
    ];
    // SAFETY: Xen reads `bytes`.
    unsafe { call(Hypercall::ConsoleIo, arguments) }.map(drop)
}

/// Reads what was typed on Xen's console; 0 if nothing was. A hypercall.
pub fn hypervisor_read(bytes: &mut [u8]) -> Result<usize, XenError> {
    let arguments = [
        CONSOLEIO_READ,
        bytes.len() as u64,
        bytes.as_mut_ptr() as u64,
        0,
        0,
    ];
    // SAFETY: Xen writes at most `bytes.len()` bytes.
    let count = unsafe { call(Hypercall::ConsoleIo, arguments) }?;
    Ok((count as usize).min(bytes.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::boxed::Box;
    use std::vec::Vec;

    /// A page whose indices all start at `start`, and the console on it.
    fn console(start: u32) -> (NonNull<ConsolePage>, RingConsole) {
        let page = Box::leak(Box::new(ConsolePage {
            input: [0; INPUT_SIZE],
            output: [0; OUTPUT_SIZE],
            in_cons: AtomicU32::new(start),
            in_prod: AtomicU32::new(start),
            out_cons: AtomicU32::new(start),
            out_prod: AtomicU32::new(start),
        }));
        let page = NonNull::from(page);
        // SAFETY: leaked, so mapped for ever, and used by nobody else.
        (page, unsafe { RingConsole::new(page, 1) })
    }

    /// Takes everything written so far, as xenconsoled would.
    fn drain(page: NonNull<ConsolePage>) -> Vec<u8> {
        // SAFETY: single-threaded test.
        let page = unsafe { &*page.as_ptr() };
        let (cons, prod) = (
            page.out_cons.load(Ordering::Relaxed),
            page.out_prod.load(Ordering::Relaxed),
        );
        let bytes = (0..prod.wrapping_sub(cons))
            .map(|i| page.output[cons.wrapping_add(i) as usize % OUTPUT_SIZE])
            .collect();
        page.out_cons.store(prod, Ordering::Relaxed);
        bytes
    }

    fn type_in(page: NonNull<ConsolePage>, bytes: &[u8]) {
        // SAFETY: single-threaded test.
        let page = unsafe { &mut *page.as_ptr() };
        let prod = page.in_prod.load(Ordering::Relaxed);
        for (i, &byte) in bytes.iter().enumerate() {
            page.input[prod.wrapping_add(i as u32) as usize % INPUT_SIZE] = byte;
        }
        page.in_prod
            .store(prod.wrapping_add(bytes.len() as u32), Ordering::Relaxed);
    }

    #[test]
    fn output_fills_drains_and_wraps() {
        // The indices wrap around 2^32 within this test.
        let (page, mut ring) = console(u32::MAX - 1000);
        let text: Vec<u8> = (0..5000u32).map(|i| (i % 251) as u8).collect();
        let mut seen = Vec::new();
        let mut rest = &text[..];
        while !rest.is_empty() {
            let written = ring.write(rest);
            assert!(written > 0 && ring.unread_output() <= OUTPUT_SIZE);
            rest = &rest[written..];
            seen.extend(drain(page));
        }
        assert_eq!(seen, text);
        assert_eq!(ring.unread_output(), 0);
    }

    #[test]
    fn a_full_ring_takes_nothing() {
        let (_, mut ring) = console(77);
        assert_eq!(ring.write(&[b'x'; 5000]), OUTPUT_SIZE);
        assert_eq!(ring.write(b"y"), 0);
    }

    #[test]
    fn an_impossible_consumer_counts_as_a_full_ring() {
        let (page, mut ring) = console(0);
        // SAFETY: single-threaded test.
        let shared = unsafe { page.as_ref() };
        for hostile in [1, 0x8000_0000, u32::MAX - OUTPUT_SIZE as u32 - 5] {
            shared.out_cons.store(hostile, Ordering::Relaxed);
            assert_eq!(ring.write(b"secret"), 0);
        }
    }

    #[test]
    fn input_is_read_in_pieces_across_the_wrap() {
        let (page, mut ring) = console(u32::MAX - 500);
        type_in(page, &[7; INPUT_SIZE]);
        assert!(ring.has_input());
        let mut buffer = [0; 600];
        assert_eq!(ring.read(&mut buffer), 600);
        assert_eq!(ring.read(&mut buffer), INPUT_SIZE - 600);
        assert_eq!(buffer[..INPUT_SIZE - 600], [7; INPUT_SIZE - 600]);
        assert_eq!(ring.read(&mut buffer), 0);
        assert!(!ring.has_input());
    }

    #[test]
    fn an_impossible_producer_is_skipped() {
        let (page, mut ring) = console(0);
        // SAFETY: single-threaded test.
        let shared = unsafe { page.as_ref() };
        for hostile in [INPUT_SIZE as u32 + 1, 0x9000_0000, u32::MAX] {
            shared.in_prod.store(hostile, Ordering::Relaxed);
            let mut buffer = [0; 4096];
            assert_eq!(ring.read(&mut buffer), 0);
            assert!(!ring.has_input());
        }
        type_in(page, b"ok");
        let mut buffer = [0; 8];
        assert_eq!(ring.read(&mut buffer), 2);
        assert_eq!(&buffer[..2], b"ok");
    }

    #[test]
    fn our_own_indices_cannot_be_moved_by_the_other_end() {
        let (page, mut ring) = console(0);
        // SAFETY: single-threaded test.
        unsafe { page.as_ref() }
            .out_prod
            .store(0xdead_beef, Ordering::Relaxed);
        assert_eq!(ring.write(b"abc"), 3);
        // SAFETY: as above.
        assert_eq!(unsafe { page.as_ref() }.out_prod.load(Ordering::Relaxed), 3);
    }
}
