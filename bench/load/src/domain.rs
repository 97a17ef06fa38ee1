//! A domain's figures, and its start, asked of Xen by hypercalls through `/dev/xen/privcmd`. Only dom0 may.
//!
//! The layouts are those of `public/domctl.h` of Xen 4.17; another version of the interface is refused by Xen.

use std::fmt;
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;

use crate::Result;

const HYPERCALL_DOMCTL: u64 = 36;
const INTERFACE_VERSION: u32 = 0x15;
const UNPAUSE_DOMAIN: u32 = 4;
const GET_DOMAIN_INFO: u32 = 5;
/// `_IOC(_IOC_NONE, 'P', 0, sizeof(struct privcmd_hypercall))`.
const IOCTL_PRIVCMD_HYPERCALL: libc::c_ulong = 48 << 16 | (b'P' as libc::c_ulong) << 8;

/// `struct xen_domctl`: a header of 16 bytes and a union of 128. In a page of its own, so that it does not move while Xen writes it.
#[repr(C, align(4096))]
struct DomainControl {
    command: u32,
    interface_version: u32,
    domain: u16,
    padding: [u16; 3],
    body: [u64; 16],
}

#[repr(C)]
struct Hypercall {
    number: u64,
    arguments: [u64; 5],
}

/// What Xen says of a domain.
pub struct Information {
    /// Time on processors, in the domain and in Xen for it.
    pub processor_ns: u64,
    /// Memory that it has.
    pub memory_kib: u64,
}

impl fmt::Display for Information {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "domain_ns={} domain_kib={}",
            self.processor_ns, self.memory_kib
        )
    }
}

/// The figures of a domain.
pub fn information(domain: u16) -> Result<Information> {
    // `struct xen_domctl_getdomaininfo`, in words of 64 bits: domain and flags, pages now, most, outstanding, shared,
    // paged, the shared page's frame, time.
    let body = control(GET_DOMAIN_INFO, domain)?;
    Ok(Information {
        processor_ns: body[7],
        memory_kib: body[1] * 4,
    })
}

/// Lets a domain run that was created paused.
pub fn unpause(domain: u16) -> Result<()> {
    control(UNPAUSE_DOMAIN, domain).map(drop)
}

fn control(command: u32, domain: u16) -> Result<[u64; 16]> {
    let failed = |error: io::Error| format!("Xen, about domain {domain}: {error}");
    let device = File::options()
        .read(true)
        .write(true)
        .open("/dev/xen/privcmd")
        .map_err(failed)?;
    let mut request = Box::new(DomainControl {
        command,
        interface_version: INTERFACE_VERSION,
        domain,
        padding: [0; 3],
        body: [0; 16],
    });
    let address: *mut DomainControl = &mut *request;
    // SAFETY: the page is ours and stays until the end of this function.
    unsafe { rustix::mm::mlock(address.cast(), size_of::<DomainControl>()) }
        .map_err(|error| failed(error.into()))?;
    let mut call = Hypercall {
        number: HYPERCALL_DOMCTL,
        arguments: [address as u64, 0, 0, 0, 0],
    };
    // SAFETY: the device reads one `Hypercall`, and Xen writes at most one `DomainControl` where it points; both live on.
    let result = unsafe { libc::ioctl(device.as_raw_fd(), IOCTL_PRIVCMD_HYPERCALL, &mut call) };
    if result < 0 {
        return Err(failed(io::Error::last_os_error()));
    }
    // SAFETY: Xen has written it meanwhile, so it is read as something that changed.
    Ok(unsafe { std::ptr::read_volatile(&raw const (*address).body) })
}
