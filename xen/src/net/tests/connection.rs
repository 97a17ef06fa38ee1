//! The connection over xenbus, with a fake xenstored and a backend that changes its states as Linux's does.

use super::*;
use crate::net::connection::Shared;
use crate::net::devices::Devices;
use crate::xenstore::fake::{Server, connect as connect_store};
use crate::xenstore::task::Tasks;
use std::cell::RefCell;
use std::format;
use std::rc::Rc;

const FRONT: &str = "device/vif/0";
const BACK: &str = "/local/domain/0/backend/vif/7/0";
const SECOND: u64 = 1_000_000_000;

/// dom0, the machine, and the domain's tasks.
struct World {
    server: Rc<RefCell<Server>>,
    tasks: Tasks,
    guest: TestGuest,
    devices: Devices<TestGuest>,
    backend: Option<Backend>,
    /// The backend does its part.
    is_alive: bool,
    /// How often it has connected.
    connections: u32,
}

impl World {
    fn new() -> Self {
        let (server, store) = connect_store(0);
        let tasks = Tasks::new(store.clone());
        let guest = TestGuest::new();
        let devices = Devices::default();
        let keeper = devices
            .clone()
            .keep(store, tasks.spawner(), guest.clone(), CONFIG);
        tasks.spawner().spawn(keeper);
        Self {
            server,
            tasks,
            guest,
            devices,
            backend: None,
            is_alive: true,
            connections: 0,
        }
    }

    fn set(&self, path: &str, value: &str) {
        self.server.borrow_mut().set(path, value);
    }

    fn get(&self, path: &str) -> String {
        self.server.borrow().get(path).unwrap_or_default()
    }

    fn attach(&self, back_state: &str) {
        for (key, value) in [
            ("feature-rx-copy", "1"),
            ("feature-sg", "1"),
            ("feature-gso-tcpv4", "1"),
            ("feature-split-event-channels", "1"),
            ("online", "1"),
            ("state", back_state),
        ] {
            self.set(&format!("{BACK}/{key}"), value);
        }
        for (key, value) in [
            ("backend-id", "7"),
            ("mac", "00:16:3e:01:02:03"),
            ("mtu", "1400"),
            ("state", "1"),
            ("backend", BACK),
        ] {
            self.set(&format!("{FRONT}/{key}"), value);
        }
    }

    fn detach(&self) {
        self.server.borrow_mut().remove(FRONT);
        self.server.borrow_mut().remove(BACK);
    }

    fn vif(&self) -> Option<Shared<TestGuest>> {
        let mut found = None;
        self.devices.each(|_, vif| found = Some(vif.clone()));
        found
    }

    fn is_up(&self) -> bool {
        self.vif().is_some_and(|vif| vif.borrow().is_up())
    }

    fn back_to(&mut self, state: &str) {
        self.set(&format!("{BACK}/state"), state);
    }

    /// What netback does when it sees our state.
    fn step_backend(&mut self) {
        let back = self.get(&format!("{BACK}/state"));
        let front = self.get(&format!("{FRONT}/state"));
        match (&front[..], &back[..]) {
            ("1", "6") => self.back_to("2"),
            ("4", "2") => {
                let keys: Vec<(String, String)> = [
                    "tx-ring-ref",
                    "rx-ring-ref",
                    "event-channel-tx",
                    "event-channel-rx",
                ]
                .map(|key| (key.into(), self.get(&format!("{FRONT}/{key}"))))
                .into();
                self.backend = Some(Backend::new(self.guest.clone(), &keys));
                self.connections += 1;
                self.back_to("4");
            }
            ("5" | "6", "2" | "4" | "5") if front != back => {
                if let Some(backend) = self.backend.take() {
                    backend.let_go();
                }
                self.back_to(&front);
            }
            _ => {}
        }
    }

    /// Lets `duration` pass.
    fn run(&mut self, duration: u64) {
        let end = self.server.borrow().clock + duration;
        loop {
            for _ in 0..50 {
                self.tasks.poll();
                self.server.borrow_mut().run();
                if self.is_alive {
                    self.step_backend();
                }
            }
            let next = self.tasks.next_deadline().unwrap_or(end).min(end);
            let mut server = self.server.borrow_mut();
            if server.clock >= end {
                return;
            }
            server.clock = next.max(server.clock + 1);
        }
    }
}

#[test]
fn a_device_is_connected_and_works() {
    let mut world = World::new();
    world.attach("2");
    world.run(SECOND);
    assert!(world.is_up() && world.devices.is_complete());
    let vif = world.vif().unwrap();
    let mut vif = vif.borrow_mut();
    assert_eq!((vif.mtu(), vif.address()), (1400, ADDRESS));
    let capabilities = vif.capabilities();
    assert!(capabilities.checksum_v4 && !capabilities.checksum_v6);
    assert_eq!(
        (capabilities.segment_v4, capabilities.segment_v6),
        (65_521, 0)
    );
    assert!(send(&mut vif, &frame(1, 60), Default::default()));
    vif.flush();
    let backend = world.backend.as_mut().unwrap();
    assert_eq!(backend.consume().len(), 1);
    assert!(backend.give(&frame(2, 60), 0, None));
    assert_eq!(receive_all(&mut vif).len(), 1);
}

#[test]
fn without_devices_it_is_known_that_there_are_none() {
    let mut world = World::new();
    world.run(SECOND);
    assert!(world.devices.is_complete() && world.vif().is_none());
    // One that is plugged in later.
    let before = world.devices.changes();
    world.attach("1");
    world.run(SECOND);
    assert!(world.devices.changes() > before && !world.is_up());
    world.back_to("2");
    world.run(SECOND);
    assert!(world.is_up());
}

#[test]
fn a_slow_backend_is_waited_for() {
    let mut world = World::new();
    world.attach("1");
    world.run(100 * SECOND);
    assert!(!world.is_up());
    world.back_to("2");
    world.run(SECOND);
    assert!(world.is_up());
}

#[test]
fn what_a_boot_loader_left_connected_is_connected_anew() {
    for (front, back) in [("4", "4"), ("6", "6"), ("5", "5"), ("4", "2"), ("6", "4")] {
        let mut world = World::new();
        world.attach(back);
        world.set(&format!("{FRONT}/state"), front);
        if (front, back) == ("4", "2") {
            // Nobody can connect with what is not there.
            world.is_alive = false;
            world.run(SECOND / 2);
            world.is_alive = true;
        }
        world.run(60 * SECOND);
        assert!(world.is_up(), "{front} {back}");
    }
}

#[test]
fn a_backend_that_leaves_and_returns() {
    let mut world = World::new();
    world.attach("2");
    world.run(SECOND);
    let vif = world.vif().unwrap();
    for turn in 1..5 {
        assert!(world.is_up(), "{turn}");
        assert_eq!(world.connections, turn);
        world.backend.take().unwrap().let_go();
        world.back_to("5");
        world.run(30 * SECOND);
    }
    let pages = world.guest.pages_in_use();
    assert_eq!((pages, world.guest.quarantined()), (256 + 64 + 2, 0));
    assert!(Rc::ptr_eq(&vif, &world.vif().unwrap()));
}

#[test]
fn a_device_that_is_detached_gives_everything_back() {
    for is_clean in [true, false] {
        let mut world = World::new();
        world.attach("2");
        world.run(SECOND);
        assert!(world.is_up());
        world.set(&format!("{BACK}/online"), "0");
        if is_clean {
            world.back_to("5");
            world.run(SECOND);
            assert!(!world.is_up());
            assert_eq!(world.get(&format!("{FRONT}/state")), "6");
            world.run(100 * SECOND);
            // Nobody tries to connect what is about to go.
            assert_eq!(world.connections, 1);
        }
        world.detach();
        if let Some(backend) = world.backend.take() {
            backend.let_go();
        }
        world.run(10 * SECOND);
        assert!(world.vif().is_none());
        assert_eq!(world.get(&format!("{FRONT}/state")), "");
        assert_eq!(
            (world.guest.pages_in_use(), world.guest.open_ports()),
            (0, 0)
        );
        // And once more.
        world.attach("2");
        world.run(SECOND);
        assert!(world.is_up());
    }
}

#[test]
fn a_device_that_is_replaced_at_once_is_connected() {
    let mut world = World::new();
    world.attach("2");
    world.run(SECOND);
    let old = world.vif().unwrap();
    for turn in 2..5 {
        // Both happen before anybody looks.
        world.detach();
        world.backend.take().unwrap().let_go();
        world.attach("2");
        let is_another = turn == 4;
        if is_another {
            world.set(&format!("{FRONT}/mac"), "00:16:3e:0a:0b:0c");
        }
        world.run(40 * SECOND);
        assert!(world.is_up(), "{turn}");
        assert_eq!(world.connections, turn);
        assert_eq!(Rc::ptr_eq(&old, &world.vif().unwrap()), !is_another);
    }
    assert_eq!(world.vif().unwrap().borrow().address()[3], 0x0a);
    assert!(!old.borrow().is_up());
    drop(old);
    assert_eq!(world.guest.pages_in_use(), 256 + 64 + 2);
}

#[test]
fn a_liar_is_connected_again_less_and_less_often() {
    let mut world = World::new();
    world.attach("2");
    world.run(SECOND);
    let mut last = world.connections;
    for _ in 0..600 {
        if world.is_up() {
            let backend = world.backend.as_mut().unwrap();
            backend.rx.lie_about_responses(u32::MAX);
            world.vif().unwrap().borrow_mut().poll();
        }
        world.run(SECOND);
        last = world.connections;
    }
    assert!((8..20).contains(&last), "{last}");
    let vif = world.vif().unwrap();
    assert!(vif.borrow().statistics().faults >= u64::from(last) - 1);
    assert!(world.guest.pages_in_use() < 256 + 64 + 10);
    // It can mend its ways.
    world.run(200 * SECOND);
    assert!(world.is_up());
}

#[test]
fn a_device_without_an_address_is_none() {
    let mut world = World::new();
    world.attach("2");
    world.set(&format!("{FRONT}/mac"), "nonsense");
    world.run(SECOND);
    assert!(world.vif().is_none() && world.devices.is_complete());
}

#[test]
fn a_backend_that_does_not_copy_is_not_used() {
    let mut world = World::new();
    world.attach("2");
    world.set(&format!("{BACK}/feature-rx-copy"), "0");
    world.run(200 * SECOND);
    assert!(world.vif().is_some() && !world.is_up());
}
