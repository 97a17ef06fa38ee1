//! Our end of one device.

use super::State;
use crate::xenstore::{Error, Watch, Xenstore, number};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// Longest path of a backend that is believed: keys are added to it.
const BACKEND_PATH_MAX: usize = 1024;

/// A device that dom0, or another driver domain, has for this domain. Clones are the same device.
#[derive(Clone)]
pub struct FrontendDevice {
    store: Xenstore,
    /// What kind of device: `vif`.
    pub class: String,
    /// Which of them.
    pub index: u32,
    /// Our directory: `device/vif/0`.
    pub path: String,
    /// The other end's: `/local/domain/0/backend/vif/7/0`.
    pub backend: String,
    /// The domain of the other end: grants and event channels are for it.
    pub backend_id: u16,
}

impl FrontendDevice {
    /// The device `index` of `class`, as the toolstack has set it up.
    pub async fn open(store: &Xenstore, class: &str, index: u32) -> Result<FrontendDevice, Error> {
        let path = format!("device/{class}/{index}");
        let keys = [format!("{path}/backend"), format!("{path}/backend-id")];
        let mut values = store.read_each(&keys).await.into_iter();
        let backend = values.next().unwrap_or(Err(Error::TimedOut))?;
        let backend = String::from_utf8(backend).ok().filter(|path| {
            path.starts_with('/') && path.len() <= BACKEND_PATH_MAX && !path.contains('\0')
        });
        let backend = backend.ok_or(Error::Malformed("a device's backend is no path"))?;
        let id = number(&values.next().unwrap_or(Err(Error::TimedOut))?);
        let id = id.and_then(|id| u16::try_from(id).ok());
        Ok(FrontendDevice {
            store: store.clone(),
            class: class.into(),
            index,
            path,
            backend,
            backend_id: id.ok_or(Error::Malformed("a device's backend-id is no domain"))?,
        })
    }

    /// The connection it was found on.
    pub fn store(&self) -> &Xenstore {
        &self.store
    }

    /// The value of one of our keys.
    pub async fn read(&self, key: &str) -> Result<Vec<u8>, Error> {
        self.store.read(&format!("{}/{key}", self.path)).await
    }

    /// The values of keys of the backend, asked for at once; none for a key that is not there or cannot be read.
    pub async fn read_backend(&self, keys: &[&str]) -> Vec<Option<Vec<u8>>> {
        let paths: Vec<_> = keys
            .iter()
            .map(|key| format!("{}/{key}", self.backend))
            .collect();
        let values = self.store.read_each(&paths).await;
        values.into_iter().map(Result::ok).collect()
    }

    /// The numbers of keys of the backend, asked for at once; none for a key that is not there or has no number.
    pub async fn read_backend_numbers(&self, keys: &[&str]) -> Vec<Option<u64>> {
        let values = self.read_backend(keys).await;
        let numbers = values.into_iter().map(|value| number(&value?));
        numbers.collect()
    }

    /// Writes keys of ours and then our state, all in one transaction.
    pub async fn publish(&self, values: &[(String, String)], state: State) -> Result<(), Error> {
        let mut all: Vec<_> = values
            .iter()
            .map(|(key, value)| (format!("{}/{key}", self.path), value.clone()))
            .collect();
        all.push((format!("{}/state", self.path), format!("{}", state as u32)));
        let transaction = self.store.transaction(async |transaction| {
            // Reading it first makes the transaction fail if the toolstack removed the device meanwhile: writing would make it again.
            transaction.read(&format!("{}/backend", self.path)).await?;
            transaction.write_each(&all).await
        });
        transaction.await
    }

    /// Writes our state, if the device is still there.
    pub async fn switch_state(&self, state: State) -> Result<(), Error> {
        self.publish(&[], state).await
    }

    /// The state of the other end; [`State::Unknown`] if its directory is gone.
    pub async fn backend_state(&self) -> Result<State, Error> {
        match self.store.read(&format!("{}/state", self.backend)).await {
            Ok(value) => Ok(State::parse(&value)),
            Err(error) if error.is_absent() => Ok(State::Unknown),
            Err(error) => Err(error),
        }
    }

    /// Fires when the state of the other end may have changed.
    pub fn watch_backend(&self) -> Result<Watch, Error> {
        self.store.watch(&format!("{}/state", self.backend))
    }

    /// Waits until the other end is in one of these states; which. After `timeout` nanoseconds, [`Error::Device`] tells people what was seen and
    /// what to look at in dom0.
    pub async fn wait_for_backend(&self, expected: &[State], timeout: u64) -> Result<State, Error> {
        let mut watch = self.watch_backend()?;
        let mut seen = State::Unknown;
        let waiting = self.store.within(timeout, async {
            loop {
                seen = self.backend_state().await?;
                if expected.contains(&seen) {
                    return Ok(());
                }
                watch.changed().await;
            }
        });
        match waiting.await {
            Ok(()) => Ok(seen),
            Err(Error::TimedOut) => Err(self.complaint(expected, seen, timeout).await),
            Err(error) => Err(error),
        }
    }

    /// Tells people what is wrong.
    async fn complaint(&self, expected: &[State], seen: State, waited: u64) -> Error {
        let names: Vec<_> = expected.iter().map(|state| format!("{state}")).collect();
        let (class, index, backend) = (&self.class, self.index, &self.backend);
        let check = match &class[..] {
            "vif" => {
                "that the bridge exists, that the module xen-netback is loaded, what /var/log/xen/xen-hotplug.log says"
            }
            "vbd" => {
                "that the disk's file or device exists, that the module xen-blkback is loaded, what /var/log/xen/xen-hotplug.log says"
            }
            _ => "that its driver runs",
        };
        let mut said = String::new();
        // The toolstack waits for this key itself, and may be about to remove everything.
        let key = format!("{backend}/hotplug-error");
        let hotplug_error = self.store.read_text(&key);
        if let Ok(text) = self.store.within(1_000_000_000, hotplug_error).await {
            let text: String = text.chars().filter(|c| !c.is_control()).take(200).collect();
            said = format!(" (its hotplug script said: {text})");
        }
        Error::Device(format!(
            "{class} {index}: after {} s the backend in domain {} is in state {seen}, expected {}{said}; check there {check}, and \
             xenstore-ls {backend}",
            waited / 1_000_000_000,
            self.backend_id,
            names.join(" or "),
        ))
    }
}
