//! The trap table: where Xen sends exceptions, and the frame it pushes.
//!
//! In 64-bit PV there is no interrupt stack table and no privilege change within the kernel: Xen
//! pushes the frame at the interrupted stack pointer, over the red zone. That is why every exception
//! is fatal here, and why a stack that ran into its guard page ends the domain without a word from
//! the guest: there is nowhere left to push.

use crate::XenError;
use crate::hypercall::{Hypercall, call};

/// The code selector of a 64-bit PV kernel (`FLAT_KERNEL_CS`).
const FLAT_KERNEL_CS: u16 = 0xe033;
/// Vectors that are exceptions.
pub const EXCEPTIONS: usize = 32;
/// `TI_SET_IF`: mask events on entry.
const MASK_EVENTS: u8 = 1 << 2;

/// `struct trap_info`.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct TrapInfo {
    vector: u8,
    flags: u8,
    cs: u16,
    address: u64,
}

const _: () = assert!(size_of::<TrapInfo>() == 16);

impl TrapInfo {
    const END: Self = Self {
        vector: 0,
        flags: 0,
        cs: 0,
        address: 0,
    };

    const fn new(vector: u8, address: u64) -> Self {
        Self {
            vector,
            flags: MASK_EVENTS,
            cs: FLAT_KERNEL_CS,
            address,
        }
    }
}

/// Whether the processor pushes an error code for exception `vector`.
pub const fn has_error_code(vector: usize) -> bool {
    matches!(vector, 8 | 10 | 11 | 12 | 13 | 14 | 17 | 21 | 29 | 30)
}

/// Mnemonic and name of exception `vector`, as the processor manuals have them.
pub fn exception_name(vector: u64) -> &'static str {
    const NAMES: [&str; 22] = [
        "#DE divide error",
        "#DB debug",
        "NMI",
        "#BP breakpoint",
        "#OF overflow",
        "#BR bound range exceeded",
        "#UD invalid opcode",
        "#NM device not available",
        "#DF double fault",
        "coprocessor segment overrun",
        "#TS invalid TSS",
        "#NP segment not present",
        "#SS stack fault",
        "#GP general protection",
        "#PF page fault",
        "spurious interrupt",
        "#MF x87 floating point",
        "#AC alignment check",
        "#MC machine check",
        "#XF SIMD floating point",
        "#VE virtualization",
        "#CP control protection",
    ];
    NAMES
        .get(vector as usize)
        .copied()
        .unwrap_or("unknown exception")
}

/// Registers at an exception: what the entry stubs save, above what Xen pushed.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
#[allow(missing_docs)] // the names are the processor's
pub struct TrapFrame {
    pub r15: u64,
    pub r14: u64,
    pub r13: u64,
    pub r12: u64,
    pub rbp: u64,
    pub rbx: u64,
    pub r11: u64,
    pub r10: u64,
    pub r9: u64,
    pub r8: u64,
    pub rax: u64,
    pub rcx: u64,
    pub rdx: u64,
    pub rsi: u64,
    pub rdi: u64,
    pub vector: u64,
    pub error_code: u64,
    pub rip: u64,
    pub cs: u64,
    pub rflags: u64,
    pub rsp: u64,
    pub ss: u64,
}

const _: () = assert!(size_of::<TrapFrame>() == 22 * 8);

/// Registers `entries[vector]` as the handler of each exception, with events masked. A hypercall.
///
/// # Safety
/// Each entry must be code that takes Xen's frame (rcx, r11, error code if any, rip, cs, rflags,
/// rsp, ss, from the top of the stack) and never returns to the interrupted code.
pub unsafe fn set_trap_table(entries: &[u64; EXCEPTIONS]) -> Result<(), XenError> {
    let mut table = [TrapInfo::END; EXCEPTIONS + 1];
    for (vector, (slot, &address)) in table.iter_mut().zip(entries).enumerate() {
        *slot = TrapInfo::new(vector as u8, address);
    }
    // SAFETY: the table ends with a zero entry; the caller vouches for the addresses.
    unsafe { call(Hypercall::SetTrapTable, [table.as_ptr() as u64, 0, 0, 0, 0]) }.map(drop)
}

/// `struct callback_register`.
#[repr(C)]
struct CallbackRegister {
    kind: u16,
    flags: u16,
    address: u64,
}

const CALLBACKOP_REGISTER: u64 = 0;
const CALLBACKTYPE_FAILSAFE: u16 = 1;

/// Registers the handler for a segment register or return frame that Xen could not restore.
///
/// # Safety
/// As for [`set_trap_table`].
pub unsafe fn set_failsafe_callback(address: u64) -> Result<(), XenError> {
    let argument = CallbackRegister {
        kind: CALLBACKTYPE_FAILSAFE,
        flags: 0,
        address,
    };
    // SAFETY: the structure is read; the caller vouches for the address.
    unsafe {
        call(
            Hypercall::CallbackOp,
            [CALLBACKOP_REGISTER, &raw const argument as u64, 0, 0, 0],
        )
    }
    .map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_error_codes_agree_with_the_manuals() {
        assert_eq!(exception_name(14), "#PF page fault");
        assert_eq!(exception_name(200), "unknown exception");
        assert!(
            has_error_code(14) && has_error_code(13) && !has_error_code(6) && !has_error_code(3)
        );
    }
}
