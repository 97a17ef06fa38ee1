//! The domain's network: TCP/IP over the virtual interfaces that the toolstack gives it.
//!
//! [`link`] makes a link of a netfront; here they come and go. A machine without interfaces has a loopback.
//!
//! Invariant: nothing here waits, and nothing holds up the boot: interfaces are found and connected by tasks on xenstore, and are
//! links from when they are found, up or not. Called by the [`platform`](crate::platform).

pub mod link;

use crate::devices::ThisGuest;
use crate::entropy::Entropy;
use crate::memory::heap::KernelHeap;
use crate::xenstore::Store;
use crate::{clock, devices};
use alloc::boxed::Box;
use alloc::format;
use alloc::vec::Vec;
use link::VifLink;
use starling_net::configuration::Configuration;
use starling_net::{Limits, Stack};
use starling_vm::platform::io::Event;
use starling_xen::net::Config;
use starling_xen::net::connection::Shared;
use starling_xen::net::devices::Devices;

/// Part of the domain's memory that the buffers of connections may take.
const BUFFER_SHARE: u64 = 3;
/// The seed of TCP/IP's random numbers.
const SEED_BYTES: usize = 32;

/// An interface that TCP/IP has.
struct Attached {
    /// What TCP/IP calls it.
    nic: usize,
    device: Shared<ThisGuest>,
}

/// The network.
pub struct Network {
    /// TCP/IP.
    pub stack: Stack,
    devices: Devices<ThisGuest>,
    /// [`Devices::changes`] when the list was looked at last.
    changes: u64,
    attached: Vec<Attached>,
}

impl Network {
    /// Starts TCP/IP on whatever interfaces `store` tells of, now and later. Descriptors from `first_descriptor` on are its sockets.
    pub fn start(
        configuration: Configuration,
        store: Option<&Store>,
        heap: &'static KernelHeap,
        entropy: &mut Entropy,
        first_descriptor: u32,
    ) -> Network {
        let memory = heap.with(|heap| heap.available() as u64).unwrap_or(0);
        let limits = Limits {
            memory: usize::try_from(memory / BUFFER_SHARE).unwrap_or(usize::MAX),
            first_descriptor,
        };
        let mut seed = [0; SEED_BYTES];
        entropy.fill(&mut seed);
        let devices = Devices::default();
        if let Some(store) = store {
            let spawner = store.spawner();
            let keeper = devices.clone().keep(
                store.handle(),
                spawner.clone(),
                ThisGuest,
                Config::for_memory(memory),
            );
            spawner.spawn(keeper);
        }
        Network {
            stack: Stack::new(configuration, limits, seed, clock::monotonic_ns()),
            devices,
            changes: 0,
            attached: Vec::new(),
        }
    }

    /// Takes what came and sends what is to go out.
    pub fn poll(&mut self) {
        if self.devices.changes() != self.changes {
            self.changes = self.devices.changes();
            self.follow();
        }
        for attached in &self.attached {
            attached.device.borrow_mut().poll();
        }
        self.stack.poll(clock::monotonic_ns());
        devices::retry_quarantine();
    }

    /// When [`Network::poll`] is to be called at the latest; the past if there is something to do.
    pub fn next_deadline(&self) -> Option<u64> {
        let devices = self.attached.iter();
        let devices = devices.filter_map(|attached| attached.device.borrow().deadline());
        devices.chain(self.stack.next_deadline()).min()
    }

    /// The next thing that has happened to a socket, or to names.
    pub fn next_event(&mut self) -> Option<Event> {
        self.stack.next_event()
    }

    /// Gives TCP/IP the devices that are there now, and takes those that are not.
    fn follow(&mut self) {
        let now = clock::monotonic_ns();
        let mut there = Vec::new();
        self.devices
            .each(|index, device| there.push((index, device.clone())));
        let stack = &mut self.stack;
        self.attached.retain(|attached| {
            let stays = there.iter().any(|(_, device)| is(device, &attached.device));
            if !stays {
                stack.remove_link(attached.nic, now);
            }
            stays
        });
        for (index, device) in there {
            if self.attached.iter().all(|a| !is(&a.device, &device)) {
                let link = Box::new(VifLink::new(device.clone()));
                let nic = self.stack.add_link(format!("eth{index}"), link, now);
                self.attached.push(Attached { nic, device });
            }
        }
    }
}

/// Whether both are the same device.
fn is(one: &Shared<ThisGuest>, other: &Shared<ThisGuest>) -> bool {
    alloc::rc::Rc::ptr_eq(one, other)
}
