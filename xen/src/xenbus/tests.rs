//! Devices against a fake xenstored that plays toolstack and backend.

use super::{Change, DeviceClass, FrontendDevice, State};
use crate::xenstore::fake::{Server, connect};
use crate::xenstore::task::Tasks;
use crate::xenstore::{Error, Xenstore};
use std::boxed::Box;
use std::cell::RefCell;
use std::format;
use std::rc::Rc;
use std::string::ToString;
use std::vec::Vec;

const SECOND: u64 = 1_000_000_000;
const BACKEND: &str = "/local/domain/0/backend/vif/7/2";

/// A toolstack that has set up vif 2.
fn with_vif() -> (Rc<RefCell<Server>>, Xenstore) {
    let (server, store) = connect(u32::MAX - 333);
    {
        let mut server = server.borrow_mut();
        server.set("device/vif/2/backend", BACKEND);
        server.set("device/vif/2/backend-id", "3");
        server.set("device/vif/2/mac", "00:16:3e:00:00:01");
        server.set("device/vif/2/state", "1");
        server.set(&format!("{BACKEND}/state"), "1");
        server.set(&format!("{BACKEND}/feature-sg"), "1");
        server.set(&format!("{BACKEND}/mtu"), "many");
    }
    (server, store)
}

fn open(store: &Xenstore) -> Result<FrontendDevice, Error> {
    store.wait_for(SECOND, FrontendDevice::open(store, "vif", 2))
}

#[test]
fn a_device_is_found_and_connects_with_its_backend() {
    let (server, store) = with_vif();
    let device = open(&store).unwrap();
    assert_eq!((&device.backend[..], device.backend_id), (BACKEND, 3));
    assert_eq!(device.path, "device/vif/2");
    // The backend takes its time, then answers our steps.
    let mut naps = 0;
    server.borrow_mut().meanwhile = Some(Box::new(move |server| {
        naps += 1;
        let state = format!("{BACKEND}/state");
        if naps == 3 {
            server.set(&state, "2");
        } else if server.get("device/vif/2/state").as_deref() == Some("4") {
            server.set(&state, "4");
        }
        server.clock += SECOND / 10;
    }));
    let connecting = async {
        let expected = [State::InitWait, State::Initialised, State::Connected];
        let seen = device.wait_for_backend(&expected, 10 * SECOND).await?;
        assert_eq!(seen, State::InitWait);
        let keys = ["feature-sg", "mtu", "feature-gso-tcpv4"];
        let features = device.read_backend_numbers(&keys).await;
        assert_eq!(features, [Some(1), None, None]);
        assert_eq!(device.read("mac").await?, b"00:16:3e:00:00:01");
        let keys = [("tx-ring-ref", "8"), ("rx-ring-ref", "9")];
        let keys = keys.map(|(key, value)| (key.to_string(), value.to_string()));
        device.publish(&keys, State::Connected).await?;
        device
            .wait_for_backend(&[State::Connected], 10 * SECOND)
            .await
    };
    assert_eq!(
        store.wait_for(60 * SECOND, connecting),
        Ok(State::Connected)
    );
    let server = server.borrow();
    assert_eq!(server.get("device/vif/2/rx-ring-ref").as_deref(), Some("9"));
    assert_eq!(server.get("device/vif/2/state").as_deref(), Some("4"));
}

#[test]
fn a_backend_that_does_not_come_is_a_message_for_people() {
    let (server, store) = with_vif();
    let device = open(&store).unwrap();
    let said = format!("{BACKEND}/hotplug-error");
    server.borrow_mut().set(&said, "bridge\n xenbr7 not found");
    let waiting = device.wait_for_backend(&[State::InitWait], 10 * SECOND);
    let Err(Error::Device(message)) = store.wait_for(60 * SECOND, waiting) else {
        panic!("it never was in that state");
    };
    for part in [
        "vif 2:",
        "10 s",
        "Initialising (1)",
        "InitWait (2)",
        "domain 3",
        "bridge xenbr7 not found",
        "xen-netback",
        BACKEND,
    ] {
        assert!(message.contains(part), "no {part:?} in {message}");
    }
}

#[test]
fn a_device_that_is_not_set_up_right_is_an_error() {
    let keys = [
        ("device/vif/2/backend", "no/path"),
        ("device/vif/2/backend", &*format!("/{}", "x".repeat(2000))),
        ("device/vif/2/backend-id", "-1"),
        ("device/vif/2/backend-id", "65536"),
        ("device/vif/2/backend-id", ""),
    ];
    for (key, value) in keys {
        let (server, store) = with_vif();
        server.borrow_mut().set(key, value);
        assert!(
            matches!(open(&store), Err(Error::Malformed(_))),
            "{key} {value}"
        );
    }
    let (server, store) = with_vif();
    server.borrow_mut().remove("device/vif/2/backend-id");
    assert!(open(&store).err().unwrap().is_absent());
}

#[test]
fn a_removed_device_is_not_written_to() {
    let (server, store) = with_vif();
    let device = open(&store).unwrap();
    server.borrow_mut().remove("device/vif/2");
    let switched = store.wait_for(SECOND, device.switch_state(State::Closed));
    assert!(switched.unwrap_err().is_absent());
    assert_eq!(server.borrow().get("device/vif/2/state"), None);
}

#[test]
fn devices_come_and_go_while_the_machine_runs() {
    let (server, store) = with_vif();
    let mut tasks = Tasks::new(store.clone());
    let seen = Rc::new(RefCell::new(Vec::new()));
    let (log, shared) = (seen.clone(), store.clone());
    let spawner = tasks.spawner();
    tasks.spawner().spawn(async move {
        let mut class = DeviceClass::watch(&shared, "vif").unwrap();
        while let Ok(change) = class.next().await {
            log.borrow_mut().push(change);
            if let Change::Added(index) = change {
                let (log, shared) = (log.clone(), shared.clone());
                spawner.spawn(async move {
                    let device = FrontendDevice::open(&shared, "vif", index).await.unwrap();
                    let gone = [State::Closing, State::Closed, State::Unknown];
                    device.wait_for_backend(&gone, u64::MAX).await.unwrap();
                    log.borrow_mut().push(Change::Removed(100 + index));
                });
            }
        }
    });
    let settle = |tasks: &mut Tasks| {
        for _ in 0..20 {
            tasks.poll();
            server.borrow_mut().run();
        }
        seen.take()
    };
    assert_eq!(settle(&mut tasks), [Change::Added(2)]);
    {
        let mut server = server.borrow_mut();
        server.set("device/vif/x", "no number");
        server.set("device/vif/5/backend", "/local/domain/0/backend/vif/7/5");
        server.set("device/vif/5/backend-id", "0");
        server.set("/local/domain/0/backend/vif/7/5/state", "4");
    }
    assert_eq!(settle(&mut tasks), [Change::Added(5)]);
    // `xl network-detach`: the backend closes, then all is removed.
    server.borrow_mut().set(&format!("{BACKEND}/state"), "5");
    assert_eq!(settle(&mut tasks), [Change::Removed(102)]);
    server.borrow_mut().remove("device/vif/2");
    assert_eq!(settle(&mut tasks), [Change::Removed(2)]);
    server
        .borrow_mut()
        .remove("/local/domain/0/backend/vif/7/5");
    server.borrow_mut().remove("device");
    let changes = settle(&mut tasks);
    assert_eq!(changes.len(), 2);
    assert!(changes.contains(&Change::Removed(105)) && changes.contains(&Change::Removed(5)));
}

#[test]
fn thousands_of_devices_are_not_believed() {
    let (server, store) = connect(0);
    for index in 0..500 {
        server.borrow_mut().set(&format!("device/vif/{index}"), "");
    }
    let mut class = DeviceClass::watch(&store, "vif").unwrap();
    let counting = store.wait_for(SECOND, async { class.count().await });
    assert_eq!(counting, Ok(64));
}

#[test]
fn states_are_numbers_that_are_known_or_unknown() {
    assert_eq!(State::parse(b"4"), State::Connected);
    assert_eq!(State::parse(b"8\0"), State::Reconfigured);
    for text in [
        &b""[..],
        b"9",
        b"-1",
        b"x",
        b"\xff",
        b"99999999999999999999",
    ] {
        assert_eq!(State::parse(text), State::Unknown);
    }
}
