//! Which devices of a kind there are, now and later.

use crate::xenstore::{Error, Watch, Xenstore};
use alloc::collections::{BTreeSet, VecDeque};
use alloc::format;
use alloc::string::String;

/// Devices of one kind that are believed to exist.
const DEVICES_MAX: usize = 64;

/// What happened to the devices of a class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// There is a new one.
    Added(u32),
    /// Its directory is gone.
    Removed(u32),
}

/// The devices of one class, watched.
pub struct DeviceClass {
    store: Xenstore,
    path: String,
    watch: Watch,
    known: BTreeSet<u32>,
    changes: VecDeque<Change>,
}

impl DeviceClass {
    /// Watches `device/CLASS`. Does not wait; those that are there now are the first changes.
    pub fn watch(store: &Xenstore, class: &str) -> Result<DeviceClass, Error> {
        let path = format!("device/{class}");
        Ok(DeviceClass {
            store: store.clone(),
            watch: store.watch(&path)?,
            path,
            known: BTreeSet::new(),
            changes: VecDeque::new(),
        })
    }

    /// Waits for the next change. [`Error`] only if the connection is of no use any more.
    pub async fn next(&mut self) -> Result<Change, Error> {
        loop {
            if let Some(change) = self.changes.pop_front() {
                return Ok(change);
            }
            self.watch.changed().await;
            self.look().await?;
        }
    }

    /// How many there are now, without waiting for changes. What has changed comes from [`DeviceClass::next`].
    pub async fn count(&mut self) -> Result<usize, Error> {
        self.look().await?;
        Ok(self.known.len())
    }

    async fn look(&mut self) -> Result<(), Error> {
        let names = match self.store.directory(&self.path).await {
            Ok(names) => names,
            Err(error) if error.is_absent() => Default::default(),
            Err(error) => return Err(error),
        };
        let numbers = names.iter().filter_map(|name| name.parse().ok());
        let found: BTreeSet<u32> = numbers.take(DEVICES_MAX).collect();
        let removed = self.known.difference(&found).copied();
        self.changes.extend(removed.map(Change::Removed));
        let added = found.difference(&self.known).copied();
        self.changes.extend(added.map(Change::Added));
        self.known = found;
        Ok(())
    }
}
