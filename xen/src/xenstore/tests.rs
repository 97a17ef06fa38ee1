//! The client against an honest xenstored and against lying ones.

use super::fake::{connect, message};
use super::task::Tasks;
use super::wire::{Header, Kind, PAYLOAD_MAX};
use super::{Error, Refusal, Xenstore};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::string::String;
use std::vec::Vec;
use std::{format, vec};

const SECOND: u64 = 1_000_000_000;

/// Waits for `work` as a caller would.
fn wait<R>(store: &Xenstore, work: impl Future<Output = Result<R, Error>>) -> Result<R, Error> {
    store.wait_for(5 * SECOND, work)
}

#[test]
fn values_are_written_read_listed_and_removed() {
    // The indices wrap within the test.
    let (_, store) = connect(u32::MAX - 100);
    let work = async {
        store.write("data/a", "1").await?;
        store
            .write_each(&[("data/b", "2"), ("data/c/d", "3")])
            .await?;
        store.mkdir("data/e").await?;
        assert_eq!(store.read("data/a").await?, b"1");
        assert_eq!(store.read_text("data/c/d").await?, "3");
        assert_eq!(store.directory("data").await?, ["a", "b", "c", "e"]);
        assert_eq!(store.get_permissions("data/a").await?, ["n7", "r0"]);
        store.rm("data/c").await?;
        let values = store.read_each(&["data/b", "data/c/d", "data/e"]).await;
        let absent = Err(Error::Refused(Refusal::ENOENT));
        assert_eq!(values, [Ok(b"2".to_vec()), absent, Ok(vec![])]);
        assert!(store.directory("nothing").await.unwrap_err().is_absent());
        Ok(())
    };
    wait(&store, work).unwrap();
}

#[test]
fn long_values_and_long_lists_pass() {
    let (server, store) = connect(0);
    let value = vec![b'v'; PAYLOAD_MAX - "data/long".len() - 1];
    for number in 0..3000 {
        let path = format!("data/list/entry-{number:04}");
        server.borrow_mut().set(&path, "");
    }
    let work = async {
        store.write("data/long", &value).await?;
        assert_eq!(store.read("data/long").await?, value);
        let too_long = store.write("data/long", vec![0; PAYLOAD_MAX]).await;
        assert!(matches!(too_long, Err(Error::Unsendable(_))));
        for path in ["", "a\0b", &"x".repeat(4000)] {
            let result = store.read(path).await;
            assert!(matches!(result, Err(Error::Unsendable(_))), "{result:?}");
        }
        store.directory("data/list").await
    };
    let names = wait(&store, work).unwrap();
    assert_eq!(names.len(), 3000);
    assert_eq!(names[2999], "entry-2999");
}

#[test]
fn requests_are_in_flight_together_and_may_be_answered_in_any_order() {
    let (server, store) = connect(0);
    for number in 0..40 {
        server
            .borrow_mut()
            .set(&format!("k/{number}"), &format!("v{number}"));
    }
    server.borrow_mut().holds = true;
    let paths: Vec<String> = (0..40).map(|number| format!("k/{number}")).collect();
    let most = Rc::new(Cell::new(0));
    let seen = most.clone();
    // Answers what is there backwards whenever the client sleeps.
    server.borrow_mut().meanwhile = Some(std::boxed::Box::new(move |server| {
        let held = std::mem::take(&mut server.held);
        seen.set(seen.get().max(held.len()));
        for (header, payload) in held.into_iter().rev() {
            server.answer(header, &payload);
        }
    }));
    let values = wait(&store, async { Ok(store.read_each(&paths).await) }).unwrap();
    for (number, value) in values.into_iter().enumerate() {
        assert_eq!(value.unwrap(), format!("v{number}").into_bytes());
    }
    // Not one by one, and never more than xenstored takes.
    assert_eq!(most.get(), 16);
}

#[test]
fn a_transaction_is_tried_again_and_leaves_nothing_when_it_fails() {
    let (server, store) = connect(0);
    server.borrow_mut().set("counter", "5");
    let tries = Cell::new(0);
    let shared = server.clone();
    let add = store.transaction(async |transaction| {
        let value = super::number(&transaction.read("counter").await?).unwrap();
        tries.set(tries.get() + 1);
        if tries.get() < 3 {
            // Somebody else was faster.
            shared
                .borrow_mut()
                .set("counter", &format!("{}", value + 10));
        }
        transaction
            .write("counter", format!("{}", value + 1))
            .await?;
        Ok(value)
    });
    assert_eq!(wait(&store, add), Ok(25));
    assert_eq!(
        (tries.get(), server.borrow().get("counter")),
        (3, Some("26".into()))
    );

    let failing = store.transaction(async |transaction| {
        transaction.write("counter", "0").await?;
        transaction.read("not-there").await
    });
    assert!(wait(&store, failing).unwrap_err().is_absent());
    store.poll();
    assert_eq!(server.borrow().get("counter"), Some("26".into()));
    assert!(server.borrow().transactions.is_empty());

    let shared = server.clone();
    let never = store.transaction(async |transaction| {
        shared.borrow_mut().set("other", "x");
        transaction.write("counter", "0").await
    });
    assert_eq!(wait(&store, never), Err(Refusal::EAGAIN.into()));
}

#[test]
fn watches_fire_at_once_and_at_changes_and_end_with_their_owner() {
    let (server, store) = connect(0);
    let mut tasks = Tasks::new(store.clone());
    let fired = Rc::new(RefCell::new(Vec::new()));
    let stop = Rc::new(Cell::new(false));
    for path in ["a", "b/c"] {
        let (store, fired, stop) = (store.clone(), fired.clone(), stop.clone());
        tasks.spawner().spawn(async move {
            let mut watch = store.watch(path).unwrap();
            watch.registered().await.unwrap();
            while !stop.get() {
                watch.changed().await;
                fired.borrow_mut().push(path);
            }
        });
    }
    let settle = |tasks: &mut Tasks| {
        for _ in 0..80 {
            tasks.poll();
            server.borrow_mut().run();
        }
        fired.take()
    };
    assert_eq!(settle(&mut tasks), ["a", "b/c"]);
    assert!(settle(&mut tasks).is_empty() && !tasks.has_work());
    server.borrow_mut().set("a/x/y", "1");
    assert_eq!(settle(&mut tasks), ["a"]);
    server.borrow_mut().remove("b");
    assert_eq!(settle(&mut tasks), ["b/c"]);
    // Many events are one.
    for _ in 0..1000 {
        server.borrow_mut().set("b/c", "1");
    }
    stop.set(true);
    let events = settle(&mut tasks).len();
    assert!((1..=80).contains(&events), "{events}");
    server.borrow_mut().set("a", "end");
    settle(&mut tasks);
    assert!(server.borrow().watches.is_empty());
}

#[test]
fn nobody_waits_for_ever() {
    let (server, store) = connect(0);
    server.borrow_mut().is_dead = true;
    let before = store.now();
    assert_eq!(wait(&store, store.read("a")), Err(Error::TimedOut));
    assert_eq!(store.now() - before, 5 * SECOND);
    // Its answer comes after all, and is for nobody.
    server.borrow_mut().is_dead = false;
    server.borrow_mut().set("a", "1");
    assert_eq!(wait(&store, store.read("a")), Ok(b"1".to_vec()));
    // Without a reason to, nothing is done and nobody is notified.
    let notifications = server.borrow().notifications;
    let mut tasks = Tasks::new(store.clone());
    tasks.poll();
    (0..10).for_each(|_| {
        tasks.poll();
    });
    assert_eq!(server.borrow().notifications, notifications);
    assert_eq!(tasks.next_deadline(), None);
}

#[test]
fn tasks_sleep_and_tell_until_when() {
    let (server, store) = connect(0);
    let mut tasks = Tasks::new(store.clone());
    let woken = Rc::new(Cell::new(0));
    for seconds in [3, 1, 2] {
        let (store, woken) = (store.clone(), woken.clone());
        tasks.spawner().spawn(async move {
            store.sleep(seconds * SECOND).await;
            woken.set(woken.get() * 10 + seconds);
        });
    }
    assert!(tasks.has_work());
    while let Some(deadline) = {
        tasks.poll();
        tasks.next_deadline()
    } {
        // Who waits meanwhile neither loses nor changes what tasks wait for.
        assert_eq!(
            wait(&store, store.read("no")).unwrap_err(),
            Refusal::ENOENT.into()
        );
        assert_eq!(tasks.next_deadline(), Some(deadline));
        server.borrow_mut().clock = deadline;
    }
    assert_eq!(woken.get(), 123);
}

/// What a read gives when its answer is these bytes; the lie is told once.
fn read_answered_by(lie: impl Fn(Header) -> Vec<u8> + 'static) -> Result<Vec<u8>, Error> {
    let (server, store) = connect(4242);
    server.borrow_mut().set("a", "honest");
    let mut told = false;
    server.borrow_mut().lie = Some(std::boxed::Box::new(move |header, _| {
        (!std::mem::replace(&mut told, true)).then(|| lie(header))
    }));
    let first = wait(&store, store.read("a"));
    let broken = matches!(first, Err(Error::Broken(_)));
    // Afterwards it works, or is broken for good and says so at once.
    let (second, sleeps) = (wait(&store, store.read("a")), server.borrow().sleeps);
    if broken {
        assert!(matches!(second, Err(Error::Broken(_))));
        assert!(matches!(
            wait(&store, store.write("a", "1")),
            Err(Error::Broken(_))
        ));
        assert_eq!(server.borrow().sleeps, sleeps);
    } else {
        assert_eq!(second, Ok(b"honest".to_vec()));
    }
    first
}

#[test]
fn lies_are_errors_of_their_request_or_end_the_connection() {
    let wrong_kind = |header: Header| message(Kind::Write, header.request, 0, b"OK\0");
    assert!(matches!(
        read_answered_by(wrong_kind),
        Err(Error::Malformed(_))
    ));
    let unknown_kind = |header: Header| {
        Header {
            kind: 4711,
            len: 0,
            ..header
        }
        .encode()
        .to_vec()
    };
    assert!(matches!(
        read_answered_by(unknown_kind),
        Err(Error::Malformed(_))
    ));
    let wrong_id = |header: Header| message(Kind::Read, header.request + 77, 0, b"for whom?");
    assert_eq!(read_answered_by(wrong_id), Err(Error::TimedOut));
    let unknown_error = |header: Header| message(Kind::Error, header.request, 0, b"EWHATEVER\0");
    let Err(Error::Refused(refusal)) = read_answered_by(unknown_error) else {
        panic!("an unknown error is one");
    };
    assert_eq!(refusal.name(), None);
    let no_error = |header: Header| message(Kind::Error, header.request, 0, b"");
    assert!(matches!(read_answered_by(no_error), Err(Error::Refused(_))));
    let twice = |header: Header| {
        let mut bytes = message(Kind::Read, header.request, 0, b"one");
        bytes.extend(message(Kind::Read, header.request, 0, b"two"));
        bytes
    };
    assert_eq!(read_answered_by(twice), Ok(b"one".to_vec()));
    for len in [PAYLOAD_MAX as u32 + 1, 1 << 20, u32::MAX] {
        let oversized = move |header: Header| Header { len, ..header }.encode().to_vec();
        assert!(matches!(read_answered_by(oversized), Err(Error::Broken(_))));
    }
}

#[test]
fn a_header_that_never_ends_is_waited_for_and_no_longer() {
    let (server, store) = connect(0);
    server.borrow_mut().lie = Some(std::boxed::Box::new(|header, _| {
        Some(header.encode()[..9].to_vec())
    }));
    assert_eq!(wait(&store, store.read("a")), Err(Error::TimedOut));
}

#[test]
fn transaction_numbers_and_lists_are_checked() {
    for id in ["", "0\0", "x\0", "99999999999\0", "-1\0"] {
        let (server, store) = connect(0);
        server.borrow_mut().lie = Some(std::boxed::Box::new(move |header, _| {
            Some(message(
                Kind::TransactionStart,
                header.request,
                0,
                id.as_bytes(),
            ))
        }));
        let work = store.transaction(async |_| Ok(()));
        assert!(
            matches!(wait(&store, work), Err(Error::Malformed(_))),
            "{id}"
        );
    }
    for list in [&b"\xff\xfe\0"[..], b"a\0\xc3\0"] {
        let (server, store) = connect(0);
        server.borrow_mut().lie = Some(std::boxed::Box::new(move |header, _| {
            Some(message(Kind::Directory, header.request, 0, list))
        }));
        assert!(matches!(
            wait(&store, store.directory("a")),
            Err(Error::Malformed(_))
        ));
    }
    // A list in pieces that never ends, that changes for ever, whose pieces are empty or have no generation.
    for piece in [&b"1\0a\0"[..], b"", b"\0", b"1", b"1\0a"] {
        let (server, store) = connect(0);
        server.borrow_mut().lie = Some(std::boxed::Box::new(move |header, _| {
            Some(match header.kind {
                kind if kind == Kind::Directory as u32 => {
                    message(Kind::Error, header.request, 0, b"E2BIG\0")
                }
                _ => message(Kind::DirectoryPart, header.request, 0, piece),
            })
        }));
        assert!(matches!(
            wait(&store, store.directory("a")),
            Err(Error::Malformed(_))
        ));
    }
}

#[test]
fn impossible_indices_end_the_connection() {
    for lie in [1025, 0x8000_0000, u32::MAX] {
        let (server, store) = connect(0);
        server.borrow_mut().end().lie_about_replies(lie);
        assert!(
            matches!(wait(&store, store.read("a")), Err(Error::Broken(_))),
            "{lie}"
        );
        assert!(
            !store.has_work() || {
                store.poll();
                true
            }
        );
    }
    let (server, store) = connect(0);
    server.borrow_mut().end().lie_about_requests(0x4000_0000);
    assert!(matches!(
        wait(&store, store.read("a")),
        Err(Error::Broken(_))
    ));
}

#[test]
fn watch_events_without_end_cost_bounded_work_and_memory() {
    let (server, store) = connect(0);
    server.borrow_mut().set("a", "1");
    let mut watch = store.watch("a").unwrap();
    wait(&store, watch.registered()).unwrap();
    server.borrow_mut().lie = Some(std::boxed::Box::new(|_, _| Some(vec![])));
    server.borrow_mut().meanwhile = Some(std::boxed::Box::new(|server| {
        let events: [&[u8]; 7] = [
            b"a\x000\x00",
            b"a\x00",
            b"",
            b"\x00\x00\x00",
            b"a\x0099999999999999999999\x00",
            b"a\x007\x00",
            b"\xff\x00\xff\x00",
        ];
        for payload in events.iter().cycle().take(50) {
            server.say(&message(Kind::WatchEvent, 0, 0, payload));
        }
        server.clock += SECOND / 100;
    }));
    assert_eq!(wait(&store, store.read("a")), Err(Error::TimedOut));
    assert!(watch.has_changed() && !watch.has_changed());
    // One poll ends, though the other end writes on.
    store.poll();
}

#[test]
fn a_broken_connection_tells_all_who_wait() {
    let (server, store) = connect(0);
    server.borrow_mut().set("device/x", "1");
    let mut tasks = Tasks::new(store.clone());
    let told = Rc::new(Cell::new(0));
    for _ in 0..3 {
        let (store, told) = (store.clone(), told.clone());
        tasks.spawner().spawn(async move {
            let mut watch = store.watch("device").unwrap();
            loop {
                watch.changed().await;
                if store.read("device/x").await.is_err() {
                    break told.set(told.get() + 1);
                }
            }
        });
    }
    for _ in 0..10 {
        tasks.poll();
    }
    assert_eq!(told.get(), 0);
    server.borrow_mut().say(&[0xff; 16]);
    server.borrow_mut().run();
    for _ in 0..10 {
        tasks.poll();
    }
    assert_eq!(told.get(), 3);
    assert!(!tasks.has_work());
}

#[test]
fn a_stream_of_noise_never_panics() {
    // A small generator with a fixed seed: the same noise every time.
    let mut state = 0x2545_f491_4f6c_dd1du64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    for _ in 0..300 {
        let (server, store) = connect(random() as u32);
        let noise: Vec<u8> = (0..random() % 3000)
            .map(|at| {
                // Mostly small numbers, so that headers are often plausible.
                let byte = random();
                if at % 4 == 0 {
                    (byte % 24) as u8
                } else if byte.is_multiple_of(50) {
                    byte as u8
                } else {
                    0
                }
            })
            .collect();
        let mut given = noise
            .chunks(37)
            .map(Vec::from)
            .collect::<Vec<_>>()
            .into_iter();
        server.borrow_mut().lie = Some(std::boxed::Box::new(move |_, _| {
            Some(given.next().unwrap_or_default())
        }));
        let work = async {
            let mut watch = store.watch("a")?;
            let _ = watch.registered().await;
            let _ = store.read_each(&["a", "b", "c", "d", "e", "f"]).await;
            let _ = store.directory("x").await;
            let _ = store.transaction(async |t| t.write("a", "b").await).await;
            Ok(())
        };
        let _ = wait(&store, work);
    }
}
