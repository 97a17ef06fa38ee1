//! What the toolstack tells the domain to do: `control/shutdown` and `control/sysrq` (`docs/misc/xenstore-paths.pandoc` of Xen).
//!
//! `xl shutdown` and `xl reboot` become what `SIGTERM` is on Linux: OTP stops its applications and halts. After a reboot was asked for, the
//! domain's end says so, whatever status it has, and the toolstack starts it again. Every order is acknowledged by an empty value.
//! Called by [`platform`](crate::platform), which hands the signal to the machine.

use crate::console::Writer;
use crate::xenstore::Store;
use crate::{crash, power};
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;
use core::cell::Cell;
use core::fmt::Write;
use starling_vm::platform::io::SignalAction;
use starling_xen::xenstore::{Error, Refusal, Watch, Xenstore};

const SHUTDOWN: &str = "control/shutdown";
const SYSRQ: &str = "control/sysrq";
/// What the toolstack may ask for. Without a key it asks all the same; `feature-suspend` is not among them.
const FEATURES: [(&str, &str); 2] = [
    ("control/feature-poweroff", "1"),
    ("control/feature-reboot", "1"),
];

/// Exit status of a machine that handles no signals, as of a program that `SIGTERM` ended.
const TERMINATED: u8 = 128 + 15;

/// Whether the machine is to end.
#[derive(Clone, Default)]
pub struct Control {
    terminate: Rc<Cell<bool>>,
    action: Rc<Cell<Option<SignalAction>>>,
}

impl Control {
    /// Listens to the toolstack from now on, without waiting.
    pub fn start(store: &Store) -> Control {
        let control = Control::default();
        let (connection, terminate) = (store.handle(), control.terminate.clone());
        store.spawner().spawn(async move {
            if let Err(error) = obey(&connection, &terminate).await {
                log::warn!("xl shutdown and xl reboot are not heard: {SHUTDOWN}: {error}");
            }
        });
        let connection = store.handle();
        store.spawner().spawn(async move {
            if let Err(error) = ignore_sysrq(&connection).await {
                log::warn!("xl sysrq is not heard: {SYSRQ}: {error}");
            }
        });
        control
    }

    /// What is to become of the signal.
    pub fn set_action(&self, action: SignalAction) {
        self.action.set(Some(action));
    }

    /// Whether the machine is to be told to end, and has not been yet.
    pub fn is_pending(&self) -> bool {
        self.terminate.get()
    }

    /// Whether the machine, which handles the signal, is to be told to end now. Ends it if it does not handle it.
    pub fn take(&self) -> bool {
        if !self.terminate.take() {
            return false;
        }
        match self.action.get() {
            Some(SignalAction::Report) => true,
            Some(SignalAction::Ignore) => false,
            Some(SignalAction::Default) | None => power::halt(TERMINATED),
        }
    }
}

/// What the toolstack asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    /// Nothing: the value is empty, as it is when an order has been acknowledged.
    None,
    Poweroff,
    Reboot,
    Crash,
    Suspend,
    Unknown,
}

impl Order {
    fn parse(value: &[u8]) -> Order {
        match value {
            b"" => Order::None,
            b"poweroff" | b"halt" => Order::Poweroff,
            b"reboot" => Order::Reboot,
            b"crash" => Order::Crash,
            b"suspend" => Order::Suspend,
            _ => Order::Unknown,
        }
    }
}

async fn obey(store: &Xenstore, terminate: &Cell<bool>) -> Result<(), Error> {
    let mut watch = store.watch(SHUTDOWN)?;
    if let Err(error) = store.write_each(&FEATURES).await {
        // An old toolstack, or one that does not want to know.
        log::debug!("what can be asked of the domain cannot be written to control/: {error}");
    }
    loop {
        let value = order(store, &mut watch, SHUTDOWN).await?;
        let order = Order::parse(&value);
        match order {
            Order::None => {}
            Order::Poweroff | Order::Reboot => {
                power::reboot_at_halt(order == Order::Reboot);
                terminate.set(true);
            }
            Order::Crash => crash::fatal(format_args!("the toolstack asked for a crash")),
            Order::Suspend => {
                log::warn!(
                    "the toolstack asked to suspend the domain, which is not supported: it goes on running"
                );
            }
            Order::Unknown => {
                let text = printable(&value);
                log::warn!("the toolstack asked for {text:?}, which means nothing here");
            }
        }
    }
}

async fn ignore_sysrq(store: &Xenstore) -> Result<(), Error> {
    let mut watch = store.watch(SYSRQ)?;
    loop {
        let value = order(store, &mut watch, SYSRQ).await?;
        if !value.is_empty() {
            let text = printable(&value);
            let _ = writeln!(
                Writer,
                "starling: sysrq {text:?} ignored: there is no kernel to ask"
            );
        }
    }
}

/// Waits until `path` may have changed, takes what is there and leaves an empty value: nothing that comes in between is lost.
async fn order(store: &Xenstore, watch: &mut Watch, path: &str) -> Result<Vec<u8>, Error> {
    watch.registered().await?;
    watch.changed().await;
    let taking = store.transaction(async |transaction| {
        let value = match transaction.read(path).await {
            Err(error) if error.is_absent() => return Ok(Default::default()),
            value => value?,
        };
        if !value.is_empty() {
            transaction.write(path, "").await?;
        }
        Ok(value)
    });
    match taking.await {
        // The toolstack has not let us write there. The order counts.
        Err(Error::Refused(Refusal::EACCES)) => store.read(path).await,
        value => value,
    }
}

/// The beginning of a value, fit for the console.
fn printable(value: &[u8]) -> String {
    let text = String::from_utf8_lossy(value);
    text.chars().filter(|c| !c.is_control()).take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_are_told_apart() {
        assert_eq!(Order::parse(b""), Order::None);
        assert_eq!(Order::parse(b"poweroff"), Order::Poweroff);
        assert_eq!(Order::parse(b"halt"), Order::Poweroff);
        assert_eq!(Order::parse(b"reboot"), Order::Reboot);
        assert_eq!(Order::parse(b"suspend"), Order::Suspend);
        assert_eq!(Order::parse(b"crash"), Order::Crash);
        assert_eq!(Order::parse(b"s3"), Order::Unknown);
        assert_eq!(Order::parse(b"poweroff "), Order::Unknown);
    }

    #[test]
    fn what_dom0_writes_does_not_garble_the_console() {
        assert_eq!(printable(b"a\x1b[2Jb\xff\n"), "a[2Jb\u{fffd}");
        assert_eq!(printable(&[b'x'; 4000]).len(), 40);
    }

    #[test]
    fn a_signal_is_taken_once_and_only_by_who_asked_for_it() {
        let control = Control::default();
        control.set_action(SignalAction::Report);
        assert!(!control.take());
        control.terminate.set(true);
        assert!(control.is_pending() && control.take() && !control.take());
        control.set_action(SignalAction::Ignore);
        control.terminate.set(true);
        assert!(!control.take() && !control.is_pending());
    }
}
