//! What the guest asks of the processor itself: the time-stamp counter, features, random numbers.
//!
//! CPUID goes through Xen's prefix, which traps and answers with the domain's own policy; the bare
//! instruction may show the host's processor where the hardware cannot fault on it.

use core::arch::asm;
use core::arch::x86_64::_rdtsc;

/// The time-stamp counter.
pub fn read_tsc() -> u64 {
    // SAFETY: available on every x86-64; Xen emulates it where it traps.
    unsafe { _rdtsc() }
}

/// Result registers of CPUID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CpuId {
    /// eax.
    pub eax: u32,
    /// ebx.
    pub ebx: u32,
    /// ecx.
    pub ecx: u32,
    /// edx.
    pub edx: u32,
}

/// CPUID as this domain's policy answers it. Traps to Xen: only inside a PV guest.
pub fn cpuid(leaf: u32, subleaf: u32) -> CpuId {
    let (eax, ebx, ecx, edx);
    // SAFETY: ud2 followed by "xen" and CPUID is emulated by Xen as a CPUID; rbx is kept by hand
    // because the compiler reserves it.
    unsafe {
        asm!(
            "mov {saved:r}, rbx",
            "ud2",
            ".ascii \"xen\"",
            "cpuid",
            "xchg {saved:r}, rbx",
            saved = out(reg) ebx,
            inlateout("eax") leaf => eax,
            inlateout("ecx") subleaf => ecx,
            lateout("edx") edx,
            options(nostack, preserves_flags),
        );
    }
    let _: u64 = ebx;
    CpuId {
        eax,
        ebx: ebx as u32,
        ecx,
        edx,
    }
}

/// The hardware's sources of randomness, in order of preference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RandomInstructions {
    /// RDSEED: the entropy source itself.
    pub rdseed: bool,
    /// RDRAND: the generator behind it.
    pub rdrand: bool,
}

impl RandomInstructions {
    /// Asks the domain's CPUID policy. Traps to Xen.
    pub fn detect() -> Self {
        let highest = cpuid(0, 0).eax;
        Self {
            rdrand: highest >= 1 && cpuid(1, 0).ecx & 1 << 30 != 0,
            rdseed: highest >= 7 && cpuid(7, 0).ebx & 1 << 18 != 0,
        }
    }

    /// 64 random bits from the best source there is; `None` if there is none or it stays dry.
    pub fn next(&self) -> Option<u64> {
        // Intel advises ten tries for RDRAND; RDSEED runs dry much more easily.
        const TRIES: u32 = 32;
        for _ in 0..TRIES {
            let (value, ok): (u64, u8);
            if self.rdseed {
                // SAFETY: CPUID says that the instruction exists.
                unsafe {
                    asm!("rdseed {}", "setc {}", out(reg) value, out(reg_byte) ok, options(nomem, nostack))
                }
            } else if self.rdrand {
                // SAFETY: as above.
                unsafe {
                    asm!("rdrand {}", "setc {}", out(reg) value, out(reg_byte) ok, options(nomem, nostack))
                }
            } else {
                return None;
            }
            if ok != 0 {
                return Some(value);
            }
            core::hint::spin_loop();
        }
        // RDSEED may be starved by a neighbour where RDRAND still answers.
        if self.rdseed && self.rdrand {
            return Self {
                rdseed: false,
                rdrand: true,
            }
            .next();
        }
        None
    }
}
