//! All virtual network interfaces of the domain, as the toolstack adds and removes them.
//!
//! Invariant: a device is in the list from when its keys have been read until its directory is gone, connected or not.
//! Who holds on to one longer holds a device that stays down.

use super::Config;
use super::connection::{Shared, open, serve};
use crate::guest::Guest;
use crate::xenbus::{Change, DeviceClass, FrontendDevice};
use crate::xenstore::task::Spawner;
use crate::xenstore::{Error, Xenstore};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::rc::Rc;
use core::cell::{Cell, RefCell};

/// The devices, by their numbers (`vif 0`). Clones are the same list.
pub struct Devices<G: Guest>(Rc<List<G>>);

struct List<G: Guest> {
    devices: RefCell<BTreeMap<u32, Shared<G>>>,
    changes: Cell<u64>,
    /// Devices that have a task, in the list or not.
    attended: RefCell<BTreeSet<u32>>,
    /// Those of them whose keys are still being read.
    opening: Cell<usize>,
    /// The toolstack has been asked what there is.
    complete: Cell<bool>,
}

impl<G: Guest> Clone for Devices<G> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<G: Guest> Default for Devices<G> {
    fn default() -> Self {
        Self(Rc::new(List {
            devices: RefCell::default(),
            changes: Cell::new(0),
            attended: RefCell::default(),
            opening: Cell::new(0),
            complete: Cell::new(false),
        }))
    }
}

impl<G: Guest> Devices<G> {
    /// How often devices were added or removed: who sees another number than before looks at the list.
    pub fn changes(&self) -> u64 {
        self.0.changes.get()
    }

    /// Whether the toolstack has told what there was when it was first asked: an empty list means then that there is no
    /// device.
    pub fn is_complete(&self) -> bool {
        self.0.complete.get() && self.0.opening.get() == 0
    }

    /// The devices that there are now.
    pub fn each(&self, mut look: impl FnMut(u32, &Shared<G>)) {
        for (&index, device) in self.0.devices.borrow().iter() {
            look(index, device);
        }
    }

    fn changed(&self) {
        self.0.changes.set(self.0.changes.get() + 1);
    }
}

impl<G: Guest + Clone + 'static> Devices<G> {
    /// Keeps the list, and the devices in it connected, for good. A task of its own; each device gets another one from
    /// `spawner`.
    pub async fn keep(self, store: Xenstore, spawner: Spawner, guest: G, config: Config) {
        if let Err(error) = self.follow(&store, &spawner, &guest, config).await {
            log::warn!("network devices are not found any more: {error}");
        }
        self.0.complete.set(true);
        self.changed();
    }

    async fn follow(
        &self,
        store: &Xenstore,
        spawner: &Spawner,
        guest: &G,
        config: Config,
    ) -> Result<(), Error> {
        let mut class = DeviceClass::watch(store, "vif")?;
        let mut expected = class.count().await?;
        loop {
            if expected == 0 && !self.0.complete.replace(true) {
                self.changed();
            }
            let change = class.next().await?;
            match change {
                Change::Added(index) => {
                    let device = FrontendDevice::open(store, "vif", index).await;
                    if self.0.attended.borrow_mut().insert(index) {
                        self.0.opening.set(self.0.opening.get() + 1);
                        let attend = self.clone().attend(device, index, guest.clone(), config);
                        spawner.spawn(attend);
                    }
                }
                Change::Removed(index) => self.remove(index),
            }
            expected = expected.saturating_sub(1);
        }
    }

    /// Keeps device `index` in the list and connected until it is removed for good. There is one such task for a device:
    /// when one comes under the number of another that has not ended yet, it waits its turn.
    async fn attend(
        self,
        mut device: Result<FrontendDevice, Error>,
        index: u32,
        guest: G,
        config: Config,
    ) {
        let mut is_opening = true;
        let mut opened = || {
            if core::mem::take(&mut is_opening) {
                self.0.opening.set(self.0.opening.get() - 1);
            }
        };
        while let Ok(found) = &device {
            let store = found.store().clone();
            match open(guest.clone(), found, config).await {
                Ok(vif) => {
                    opened();
                    let vif = Rc::new(RefCell::new(vif));
                    self.0.devices.borrow_mut().insert(index, vif.clone());
                    self.changed();
                    serve(vif, found.clone()).await;
                    self.remove(index);
                }
                Err(error) => {
                    device = Err(error);
                    break;
                }
            }
            device = FrontendDevice::open(&store, "vif", index).await;
            if device.as_ref().is_err_and(Error::is_absent) {
                self.0.attended.borrow_mut().remove(&index);
                return;
            }
        }
        self.0.attended.borrow_mut().remove(&index);
        opened();
        self.changed();
        match device {
            Err(error) if error.is_absent() => log::warn!(
                "vif {index}: it has no backend, backend-id or mac in xenstore (device/vif/{index}); see xl network-list in dom0"
            ),
            Err(error) => log::warn!("vif {index}: {error}"),
            Ok(_) => {}
        }
    }

    fn remove(&self, index: u32) {
        if self.0.devices.borrow_mut().remove(&index).is_some() {
            self.changed();
        }
    }
}
