//! How a device gets connected with its backend, over xenbus, and connected again.
//!
//! One task for each device ([`serve`]), which ends when the toolstack has removed the device. It waits at its own pace:
//! nobody waits for it. A backend that does not come is complained about once, with what to look at in dom0, and waited
//! for all the same; one that breaks the protocol is connected again after a pause that grows with each time.
//!
//! Invariant: rings and pages are let go of only after the backend was told, by our state, to do so first, and had time
//! for it; what it still holds then is kept from further use ([`pool`](super::pool)).

use super::features::{BACKEND_KEYS, Features, address, mtu};
use super::{Config, Netfront};
use crate::DomainId;
use crate::guest::Guest;
use crate::xenbus::{FrontendDevice, State};
use crate::xenstore::{Error, number};
use alloc::boxed::Box;
use alloc::format;
use alloc::rc::Rc;
use alloc::string::String;
use core::cell::RefCell;
use core::future::poll_fn;
use core::pin::pin;
use core::task::Poll;

const SECOND: u64 = 1_000_000_000;
/// How long a backend has for a step before something is said about it.
const PATIENCE: u64 = 15 * SECOND;
/// How long it has to let go.
const FAREWELL: u64 = 5 * SECOND;
/// The pause before connecting again after a fault; doubled with each fault.
const FIRST_PAUSE: u64 = SECOND;
const LONGEST_PAUSE: u64 = 60 * SECOND;
/// How long a connection must have gone well for the pause to be short again.
const GOOD_WHILE: u64 = 60 * SECOND;

/// A device in the hands of its task and of TCP/IP.
pub type Shared<G> = Rc<RefCell<Netfront<G>>>;

/// The device as the toolstack has set it up, not connected yet.
pub async fn open<G: Guest>(
    guest: G,
    device: &FrontendDevice,
    config: Config,
) -> Result<Netfront<G>, Error> {
    let name = format!("{} {}", device.class, device.index);
    let mac = device.read("mac").await?;
    let address = address(&mac)
        .ok_or_else(|| Error::Device(format!("{name}: its mac is no Ethernet address")))?;
    let backend = DomainId(device.backend_id);
    Ok(Netfront::new(guest, name, backend, address, config))
}

/// Why a connection ended.
enum End {
    /// The backend left.
    Left,
    /// It broke the protocol.
    Fault,
}

/// Keeps the device connected until it is removed, or replaced.
pub async fn serve<G: Guest>(vif: Shared<G>, device: FrontendDevice) {
    let store = device.store().clone();
    vif.borrow_mut().set_alarm(Box::new({
        let store = store.clone();
        move || store.stir()
    }));
    let mut pause = FIRST_PAUSE;
    let mut said = String::new();
    loop {
        let began = store.now();
        let ended = connection(&vif, &device).await;
        let_go(&vif, &device).await;
        if is_removed(&vif, &device).await {
            return;
        }
        match ended {
            Ok(End::Left) => {
                log::debug!(
                    "{}: its backend has closed the connection",
                    vif.borrow().name()
                );
                said.clear();
                if wait_until_online(&vif, &device).await.is_err() {
                    return;
                }
                continue;
            }
            Ok(End::Fault) => {}
            Err(Error::Broken(why)) => {
                log::warn!("{}: {}", vif.borrow().name(), Error::Broken(why));
                return;
            }
            Err(error) => {
                let words = match error {
                    // It names the device.
                    Error::Device(story) => story,
                    error => format!("{}: {error}", vif.borrow().name()),
                };
                // The same words again and again help nobody.
                if words != said {
                    log::warn!("{words}");
                    said = words;
                }
            }
        }
        if store.now().saturating_sub(began) > GOOD_WHILE + PATIENCE {
            pause = FIRST_PAUSE;
        }
        store.sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// One connection, from its beginning to its end.
async fn connection<G: Guest>(vif: &Shared<G>, device: &FrontendDevice) -> Result<End, Error> {
    begin(vif, device).await?;
    if let Err(error) = device.wait_for_backend(&[State::InitWait], PATIENCE).await {
        log::warn!("{error}");
        wait_patiently(vif, device, State::InitWait).await?;
    }
    let features = Features::from_numbers(&device.read_backend_numbers(&BACKEND_KEYS).await);
    if !features.rx_copy {
        return Err(Error::Device(format!(
            "{}: the backend in domain {} does not offer feature-rx-copy; it is too old",
            vif.borrow().name(),
            device.backend_id
        )));
    }
    let mtu = mtu(read_mtu(device).await, &features);
    let keys = vif.borrow_mut().connect(features, mtu);
    let keys = keys.map_err(|error| Error::Device(format!("{}: {error}", vif.borrow().name())))?;
    device.publish(&keys, State::Connected).await?;
    let expected = [State::Connected, State::Closing, State::Closed];
    if device.wait_for_backend(&expected, PATIENCE).await? != State::Connected {
        return Ok(End::Left);
    }
    vif.borrow_mut().backend_connected();
    let mut backend_left = pin!(backend_left(device));
    poll_fn(|context| {
        if vif.borrow().fault().is_some() {
            return Poll::Ready(Ok(End::Fault));
        }
        let left = backend_left.as_mut().poll(context);
        left.map(|left| left.map(|()| End::Left))
    })
    .await
}

/// Waits until the backend is not connected any more. It may begin anew without ever having been seen to end, when the
/// toolstack replaces the device.
async fn backend_left(device: &FrontendDevice) -> Result<(), Error> {
    let mut watch = device.watch_backend()?;
    loop {
        watch.changed().await;
        match device.backend_state().await? {
            State::Connected | State::Reconfiguring | State::Reconfigured => {}
            _ => return Ok(()),
        }
    }
}

/// Brings both ends to where a connection begins. Whoever had the device before, such as a boot loader, may have left it
/// connected.
async fn begin<G: Guest>(vif: &Shared<G>, device: &FrontendDevice) -> Result<(), Error> {
    let ours = our_state(device).await?;
    match device.backend_state().await? {
        State::InitWait => return Ok(()),
        State::Initialising | State::Unknown if ours == State::Initialising => return Ok(()),
        _ => {}
    }
    if ours != State::Closed {
        let_go(vif, device).await;
    }
    device.switch_state(State::Initialising).await
}

async fn our_state(device: &FrontendDevice) -> Result<State, Error> {
    device.read("state").await.map(|value| State::parse(&value))
}

/// Ends the connection: the backend first, then we.
async fn let_go<G: Guest>(vif: &Shared<G>, device: &FrontendDevice) {
    vif.borrow_mut().backend_leaving();
    // Nothing that fails here changes what comes next: the pages that are still in use are kept from use.
    for (ours, theirs) in [
        (State::Closing, &[State::Closing, State::Closed][..]),
        (State::Closed, &[State::Closed][..]),
    ] {
        let ends = [theirs, &[State::InitWait, State::Unknown]].concat();
        if device.switch_state(ours).await.is_err()
            || device.wait_for_backend(&ends, FAREWELL).await.is_err()
        {
            break;
        }
    }
    vif.borrow_mut().disconnect();
}

/// Waits without end, and without words.
async fn wait_patiently<G: Guest>(
    vif: &Shared<G>,
    device: &FrontendDevice,
    state: State,
) -> Result<(), Error> {
    let mut watch = device.watch_backend()?;
    loop {
        watch.changed().await;
        if device.backend_state().await? == state {
            return Ok(());
        }
        if is_removed(vif, device).await {
            return Err(Error::Device("the device is removed".into()));
        }
    }
}

/// Waits as long as the toolstack means the device to be offline: it is about to remove it.
async fn wait_until_online<G: Guest>(
    vif: &Shared<G>,
    device: &FrontendDevice,
) -> Result<(), Error> {
    let mut watch = device.watch_backend()?;
    loop {
        watch.changed().await;
        if is_removed(vif, device).await {
            return Err(Error::Device("the device is removed".into()));
        }
        let online = device.read_backend_numbers(&["online"]).await;
        if online.first() != Some(&Some(0)) {
            return Ok(());
        }
    }
}

/// Whether the toolstack has removed the device, or has another one under its number.
async fn is_removed<G: Guest>(vif: &Shared<G>, device: &FrontendDevice) -> bool {
    match device.read("backend").await {
        Err(error) if error.is_absent() => return true,
        Ok(backend) if backend != device.backend.as_bytes() => return true,
        _ => {}
    }
    let mac = device.read("mac").await;
    mac.is_ok_and(|mac| address(&mac) != Some(vif.borrow().address()))
}

/// The `mtu` key, which the toolstack writes for either end.
async fn read_mtu(device: &FrontendDevice) -> Option<u64> {
    match device.read("mtu").await {
        Ok(value) => number(&value),
        Err(_) => *device.read_backend_numbers(&["mtu"]).await.first()?,
    }
}
