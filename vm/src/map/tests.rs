//! Maps against a model: a sorted list of pairs.

use super::*;
use crate::atom::am;
use crate::memory::heap::Parcel;
use crate::term::compare::{compare, compare_exact, exact_equal};
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::cmp::Ordering;

/// Small integers below this have one of few hashes in tests, so that all levels of a trie are reached.
const COLLIDING: i64 = -1000;

pub(super) fn colliding_hash(key: Term) -> Option<u64> {
    let value = key.as_small().filter(|v| *v < COLLIDING)?;
    // Equal in all bits, in all but the last four, or in the upper half.
    Some([0x1234 << 40, (0x1234 << 40) | 5, (0x1234 << 40) | 1 << 20][value.rem_euclid(3) as usize])
}

type Model = BTreeMap<i64, i64>;

fn check(map: Term, model: &Model) {
    assert_eq!(size(map), model.len());
    let flat = map.subtag() == Some(Subtag::FlatMap);
    assert_eq!(flat, model.len() <= FLAT_LIMIT);
    let mut pairs: Vec<_> = iter(map)
        .map(|(k, v)| (k.small_value(), v.small_value()))
        .collect();
    if flat {
        assert!(pairs.is_sorted());
    }
    for skip in [0, 1, pairs.len() / 2, pairs.len(), pairs.len() + 1] {
        let rest = iter_from(map, skip).map(|(k, _)| k.small_value());
        assert!(rest.eq(pairs.iter().skip(skip).map(|p| p.0)));
    }
    pairs.sort();
    assert!(
        pairs
            .iter()
            .copied()
            .eq(model.iter().map(|(k, v)| (*k, *v)))
    );
    for (&key, &value) in model {
        assert_eq!(get(map, Term::small(key)), Some(Term::small(value)));
        assert_eq!(get(map, Term::small(key + 1_000_000)), None);
    }
}

/// Maps with the same pairs are equal, whichever way they were made.
fn check_form(arena: &mut Parcel, atoms: &AtomTable, map: Term, model: &Model) {
    let pairs = model
        .iter()
        .map(|(k, v)| (Term::small(*k), Term::small(*v)));
    let other = from_pairs(arena, atoms, pairs).unwrap();
    assert!(exact_equal(map, other));
    assert_eq!(compare(atoms, map, other), Ordering::Equal);
}

fn random(seed: &mut u64) -> u64 {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    *seed
}

#[test]
fn any_changes_do_what_they_do_to_a_sorted_list() {
    let atoms = AtomTable::new();
    let mut seed = 88_172_645_463_325_252;
    for range in [10, 40, 100, 2000] {
        for base in [0, COLLIDING - 2001] {
            let mut arena = Parcel::new();
            let mut map = empty(&mut arena).unwrap();
            let mut model = Model::new();
            for round in 0..4 * range {
                let number = base + (random(&mut seed) % range) as i64;
                let (key, value) = (Term::small(number), Term::small(round as i64));
                // Grows in the first half, shrinks in the second.
                let grows = random(&mut seed) % 4 < if round < 2 * range { 3 } else { 1 };
                if grows {
                    let updated = update(&mut arena, &atoms, map, key, value).unwrap();
                    map = put(&mut arena, &atoms, map, key, value).unwrap();
                    let old = model.insert(number, round as i64);
                    assert_eq!(updated.is_some(), old.is_some());
                    assert!(updated.is_none_or(|u| exact_equal(u, map)));
                    let again = put(&mut arena, &atoms, map, key, value).unwrap();
                    assert_eq!(again.raw(), map.raw(), "the same map if nothing changes");
                } else {
                    let taken = take(&mut arena, &atoms, map, key).unwrap();
                    let expected = model.remove(&number).map(Term::small);
                    assert_eq!(taken.map(|t| t.0), expected);
                    map = taken.map_or(map, |t| t.1);
                }
                if round % (range / 10) == 0 {
                    check(map, &model);
                    check_form(&mut arena, &atoms, map, &model);
                }
            }
            while let Some((number, _)) = model.pop_first() {
                map = take(&mut arena, &atoms, map, Term::small(number))
                    .unwrap()
                    .unwrap()
                    .1;
                if model.len().is_multiple_of(7) {
                    check(map, &model);
                }
            }
        }
    }
}

#[test]
fn what_is_built_in_pieces_is_the_same_map() {
    let atoms = AtomTable::new();
    let mut seed = 7;
    for (length, range) in [
        (1, 1),
        (20, 30),
        (60, 40),
        (500, 20),
        (3000, 2000),
        (9000, 100_000),
    ] {
        for base in [0, COLLIDING - range - 1] {
            let mut arena = Parcel::new();
            let mut model = Model::new();
            // As if there were many more: more levels above the buckets.
            for expected in [length, 1 << 17, 1 << 22] {
                let mut building = Building::new(expected as usize).unwrap();
                model.clear();
                for round in 0..length {
                    let number = base + (random(&mut seed) % range as u64) as i64;
                    let (key, value) = (Term::small(number), Term::small(round));
                    building.push(key, value).unwrap();
                    model.insert(number, round);
                }
                let map = loop {
                    if let Some(map) = building.advance(&mut arena, &atoms, 10).unwrap() {
                        break map;
                    }
                };
                check(map, &model);
                check_form(&mut arena, &atoms, map, &model);
            }
        }
    }
}

#[test]
fn merging_prefers_the_second_and_shares() {
    let atoms = AtomTable::new();
    let mut seed = 99;
    for round in 0..300u64 {
        let mut arena = Parcel::new();
        let base = if round % 3 == 0 { COLLIDING - 500 } else { 0 };
        let mut model = |arena: &mut Parcel, size: u64, value: i64| {
            let numbers =
                (0..random(&mut seed) % size).map(|_| base + (random(&mut seed) % size) as i64);
            let model: Model = numbers.map(|n| (n, value)).collect();
            let pairs = model
                .iter()
                .map(|(k, v)| (Term::small(*k), Term::small(*v)));
            (from_pairs(arena, &atoms, pairs).unwrap(), model)
        };
        let (a, x) = model(&mut arena, 1 + round, 1);
        let (b, y) = model(&mut arena, 1 + (round * 17) % 200, 2);
        let merged = merge(&mut arena, &atoms, a, b).unwrap();
        let mut both = x.clone();
        both.extend(&y);
        check(merged, &both);
        check_form(&mut arena, &atoms, merged, &both);
        let again = merge(&mut arena, &atoms, merged, b).unwrap();
        if size(merged) > FLAT_LIMIT {
            assert_eq!(again.raw(), merged.raw(), "nothing new, so the same map");
        }
        assert!(exact_equal(again, merged));
    }
}

#[test]
fn many_pairs_at_once_do_what_one_after_the_other_do() {
    let atoms = AtomTable::new();
    let mut seed = 5;
    for round in 0..200 {
        let mut arena = Parcel::new();
        let size = random(&mut seed) % 60;
        let pairs = (0..size).map(|i| (Term::small(i as i64), Term::small(0)));
        let map = from_pairs(&mut arena, &atoms, pairs).unwrap();
        let new: Vec<Term> = (0..2 * (1 + round % 7))
            .map(|_| Term::small((random(&mut seed) % 80) as i64))
            .collect();
        let mut expected = map;
        for pair in new.as_chunks::<2>().0 {
            expected = put(&mut arena, &atoms, expected, pair[0], pair[1]).unwrap();
        }
        let got = put_all(&mut arena, &atoms, map, &new).unwrap();
        assert!(exact_equal(got, expected));
        let again = put_all(&mut arena, &atoms, got, &new).unwrap();
        if new
            .as_chunks::<2>()
            .0
            .iter()
            .all(|p| get(got, p[0]) == Some(p[1]))
        {
            assert!(exact_equal(again, got));
        }
        let missing = new.as_chunks::<2>().0.iter().map(|p| p[0]);
        let missing = missing.filter(|k| k.small_value() >= size as i64);
        let missing = missing.min_by_key(|k| k.small_value());
        let updated = update_all(&mut arena, &atoms, map, &new).unwrap();
        match missing {
            Some(key) => assert_eq!(updated, Err(key)),
            None => assert!(exact_equal(updated.unwrap(), expected)),
        }
    }
}

#[test]
fn the_last_of_equal_keys_counts_and_is_noticed() {
    let atoms = AtomTable::new();
    let mut arena = Parcel::new();
    for count in [3i64, 32, 33, 500] {
        let pair = |i: i64| (Term::small(i), Term::small(i * 2));
        let unique = from_unique_pairs(&mut arena, &atoms, (0..count).map(pair)).unwrap();
        assert_eq!(size(unique.unwrap()), count as usize);
        let twice = || (0..count).map(pair).chain([(Term::small(1), Term::NIL)]);
        let map = from_pairs(&mut arena, &atoms, twice()).unwrap();
        assert_eq!(size(map), count as usize);
        assert_eq!(get(map, Term::small(1)), Some(Term::NIL));
        assert_eq!(from_unique_pairs(&mut arena, &atoms, twice()), Ok(None));
    }
    let few = (0..1000).map(|i| (Term::small(i % 20), Term::small(i)));
    let map = from_pairs(&mut arena, &atoms, few).unwrap();
    check(map, &(0..20).map(|i| (i, 980 + i)).collect());
}

#[test]
fn keys_are_in_exact_order_and_their_tuple_is_shared() {
    let atoms = AtomTable::new();
    let mut arena = Parcel::new();
    let float = arena.float(1.0).unwrap();
    let tuple = arena.tuple(&[Term::small(1)]).unwrap();
    let keys = [
        Term::NIL,
        am::OK.term(),
        float,
        Term::small(7),
        tuple,
        am::ERROR.term(),
    ];
    let pairs = keys
        .iter()
        .enumerate()
        .map(|(i, k)| (*k, Term::small(i as i64)));
    let map = from_pairs(&mut arena, &atoms, pairs).unwrap();
    let sorted: Vec<Term> = iter(map).map(|(key, _)| key).collect();
    assert_eq!(
        sorted,
        [
            Term::small(7),
            float,
            am::ERROR.term(),
            am::OK.term(),
            tuple,
            Term::NIL
        ]
    );
    assert!(sorted.is_sorted_by(|a, b| compare_exact(&atoms, *a, *b) == Ordering::Less));
    let same = arena.tuple(&[Term::small(1)]).unwrap();
    assert_eq!(get(map, same), Some(Term::small(4)), "equal, not identical");
    assert_eq!(get(map, Term::small(1)), None, "1 is not 1.0");
    let changed = put(&mut arena, &atoms, map, same, Term::NIL).unwrap();
    assert_eq!(key_tuple(changed), key_tuple(map));
    let merged = merge(&mut arena, &atoms, map, changed).unwrap();
    assert_eq!(merged.raw(), changed.raw());
}

#[test]
fn lists_have_everything_in_the_order_of_the_walk() {
    let atoms = AtomTable::new();
    let mut arena = Parcel::new();
    for count in [0, 1, 32, 33, 1000] {
        let pairs = (0..count).map(|i| (Term::small(i), Term::small(-i)));
        let map = from_pairs(&mut arena, &atoms, pairs).unwrap();
        let listed: Vec<Term> = keys(&mut arena, map, 7).unwrap().iter_list().collect();
        assert!(listed.iter().copied().eq(iter(map).map(|p| p.0)));
        let listed: Vec<Term> = values(&mut arena, map, 7).unwrap().iter_list().collect();
        assert!(listed.iter().copied().eq(iter(map).map(|p| p.1)));
        let mut walk = iter(map);
        let list = pairs_list(&mut arena, &mut walk, 40, am::OK.term()).unwrap();
        let mut cells = list.iter_list();
        let tuples: Vec<(Term, Term)> = cells
            .by_ref()
            .map(|t| (t.as_tuple().unwrap()[0], t.as_tuple().unwrap()[1]))
            .collect();
        assert_eq!(cells.tail(), am::OK.term());
        assert!(tuples.into_iter().eq(iter(map).take(40)));
        assert_eq!(walk.len(), (count as usize).saturating_sub(40));
    }
}
