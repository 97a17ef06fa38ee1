//! Equality and order of terms: `=:=`, `==`, `<` and the order of map keys.
//!
//! Order is Erlang's: number < atom < reference < fun < port < pid < tuple < map < `[]` < list < bit string.
//! Integers and floats compare by their exact mathematical value, as in OTP: no integer is
//! rounded to a float that another integer equals. In *exact* order (of map keys) every integer comes before every float.
//! Maps compare by size, then by their keys in exact order, then by their values in the order of the keys.
//!
//! No recursion: what is left to compare stands on a stack of [`Frame`]s whose first few live inline, so comparing
//! allocates only for terms nested deeper than [`INLINE_FRAMES`], and (a little) for the order, not
//! the equality, of hashed maps. A comparison has no way to fail: if that allocation does, the machine ends as on any lost
//! allocation. One level costs 32 bytes, less than the two terms that are compared use for it.
//!
//! Invariant: a match context is never compared.

use super::external::{Node, RemotePid, RemotePort, RemoteReference};
use super::fun::{Fun, Target};
use super::{Atom, Subtag, Term, zero};
use crate::atom::AtomTable;
use crate::bits::raw;
use crate::bits::view::{BitsView, view};
use crate::map;
use crate::number::compare_numbers;
use crate::process::reference::RefNumber;
use crate::process::table::{number_of, serial_of};
use alloc::boxed::Box;
use core::cmp::Ordering;
use core::cmp::Ordering::{Equal, Greater, Less};
use smallvec::SmallVec;

/// `A =:= B`.
#[inline(always)]
pub fn exact_equal(a: Term, b: Term) -> bool {
    a.raw() == b.raw() || (!a.is_immediate() && !b.is_immediate() && different_words(a, b, true))
}

/// `A == B`: as `=:=`, but `1 == 1.0`, also inside other terms (though not in keys of maps).
#[inline(always)]
pub fn equal(a: Term, b: Term) -> bool {
    a.raw() == b.raw() || (!(a.is_immediate() && b.is_immediate()) && different_words(a, b, false))
}

/// Term order, in which `1` and `1.0` are equal.
#[inline(always)]
pub fn compare(atoms: &AtomTable, a: Term, b: Term) -> Ordering {
    if Term::are_small(a, b) {
        return (a.raw() as i64).cmp(&(b.raw() as i64));
    }
    if a.raw() == b.raw() {
        return Equal;
    }
    ordered(atoms, a, b, false)
}

/// Term order of map keys: total, with every integer before every float.
#[inline(always)]
pub fn compare_exact(atoms: &AtomTable, a: Term, b: Term) -> Ordering {
    if Term::are_small(a, b) {
        return (a.raw() as i64).cmp(&(b.raw() as i64));
    }
    if a.raw() == b.raw() {
        return Equal;
    }
    ordered(atoms, a, b, true)
}

/// Whether terms whose words differ are equal all the same.
#[inline(never)]
fn different_words(a: Term, b: Term, exact: bool) -> bool {
    walk(None, a, b, exact) == Equal
}

#[inline(never)]
fn ordered(atoms: &AtomTable, a: Term, b: Term, exact: bool) -> Ordering {
    if let Some(order) = order_of_flat_tuples(a, b) {
        return order;
    }
    walk(Some(atoms), a, b, exact)
}

/// The order of two tuples of one size that differ first in small integers, as many keys of tables do, or nowhere.
#[inline]
fn order_of_flat_tuples(a: Term, b: Term) -> Option<Ordering> {
    let (x, y) = (a.as_tuple()?, b.as_tuple()?);
    if x.len() != y.len() {
        return None;
    }
    match x.iter().zip(y).find(|(p, q)| p.raw() != q.raw()) {
        Some((p, q)) if Term::are_small(*p, *q) => Some((p.raw() as i64).cmp(&(q.raw() as i64))),
        Some(_) => None,
        None => Some(Equal),
    }
}

/// Levels of nesting that need no allocation.
const INLINE_FRAMES: usize = 12;

type Pair = (Term, Term);

/// What is left to compare on one level, once what is above it has turned out equal.
enum Frame {
    /// Two cells: their heads, then their tails.
    Cells { a: Term, b: Term, exact: bool },
    /// As many terms side by side.
    Terms {
        a: *const Term,
        b: *const Term,
        left: usize,
        exact: bool,
    },
    /// Children of two nodes of hashed maps, for equality only: both tries have the same shape if
    /// their keys are the same.
    Children {
        a: *const Term,
        b: *const Term,
        left: usize,
        exact: bool,
        /// The keys of the pairs that are next have been compared, their values have not.
        at_values: bool,
    },
    /// Two hashed maps, for order.
    Maps(Box<MapOrder>),
}

const _: () = assert!(size_of::<Frame>() == 32);

/// What a look at two terms tells.
enum Look {
    Known(Ordering),
    Nested(Frame),
    /// Flat maps: the keys first.
    Map {
        keys: Frame,
        values: Frame,
    },
}

/// Without `atoms`, the result says only whether the terms are equal.
fn walk(atoms: Option<&AtomTable>, mut a: Term, mut b: Term, mut exact: bool) -> Ordering {
    let mut frames: SmallVec<[Frame; INLINE_FRAMES]> = SmallVec::new();
    loop {
        let mut result = Equal;
        if a.raw() != b.raw() {
            match look(atoms, a, b, exact) {
                Look::Known(order) => result = order,
                Look::Nested(frame) => frames.push(frame),
                Look::Map { keys, values } => {
                    frames.push(values);
                    frames.push(keys);
                }
            }
        }
        loop {
            if result != Equal {
                // Only the order of hashed maps goes on after a difference.
                while frames.last().is_some_and(|f| !f.wants_differences()) {
                    frames.pop();
                }
            }
            let Some(frame) = frames.last_mut() else {
                return result;
            };
            match frame.next(result) {
                Next::Compare(x, y, how, last) => {
                    if last {
                        frames.pop();
                    }
                    (a, b, exact) = (x, y, how);
                    break;
                }
                Next::Done(order) => {
                    frames.pop();
                    result = order;
                }
            }
        }
    }
}

enum Next {
    /// Compare these two, in this way; true if the frame has nothing to do afterwards.
    Compare(Term, Term, bool, bool),
    /// The frame is finished.
    Done(Ordering),
}

impl Frame {
    fn wants_differences(&self) -> bool {
        matches!(self, Frame::Maps(_))
    }

    /// What to compare next, given the result of what was compared last.
    #[inline]
    fn next(&mut self, result: Ordering) -> Next {
        match self {
            Frame::Cells { a, b, exact } => loop {
                let (Some(&x), Some(&y)) = (a.as_cons(), b.as_cons()) else {
                    return Next::Compare(*a, *b, *exact, true);
                };
                (*a, *b) = (x.tail, y.tail);
                if x.head.raw() != y.head.raw() {
                    // What is nested in last elements takes no room here, however deep.
                    return Next::Compare(x.head, y.head, *exact, a.raw() == b.raw());
                }
                if a.raw() == b.raw() {
                    return Next::Done(Equal);
                }
            },
            Frame::Terms { a, b, left, exact } => {
                while *left > 0 {
                    // SAFETY: both objects have `left` terms from here on.
                    let (x, y) = unsafe {
                        let pair = (**a, **b);
                        (*a, *b) = (a.add(1), b.add(1));
                        pair
                    };
                    *left -= 1;
                    if x.raw() != y.raw() {
                        return Next::Compare(x, y, *exact, *left == 0);
                    }
                }
                Next::Done(Equal)
            }
            Frame::Children {
                a,
                b,
                left,
                exact,
                at_values,
            } => {
                while *left > 0 {
                    // SAFETY: both nodes have `left` children from here on.
                    let (x, y) = unsafe { (**a, **b) };
                    let pairs = (x.as_cons(), y.as_cons());
                    if let (Some(x), Some(y)) = pairs
                        && x.head.raw() != y.head.raw()
                        && !*at_values
                    {
                        *at_values = true;
                        return Next::Compare(x.head, y.head, true, false);
                    }
                    *at_values = false;
                    *left -= 1;
                    // SAFETY: at most one past the last of them.
                    unsafe { (*a, *b) = (a.add(1), b.add(1)) };
                    match pairs {
                        _ if x.raw() == y.raw() => {}
                        (None, None) => return Next::Compare(x, y, *exact, *left == 0),
                        (Some(x), Some(y)) => {
                            return Next::Compare(x.tail, y.tail, *exact, *left == 0);
                        }
                        _ => return Next::Done(Less),
                    }
                }
                Next::Done(Equal)
            }
            Frame::Maps(maps) => maps.next(result),
        }
    }
}

/// The order of two terms whose words differ, or how to find it.
#[inline]
fn look(atoms: Option<&AtomTable>, a: Term, b: Term, exact: bool) -> Look {
    if a.is_cons() && b.is_cons() {
        return Look::Nested(Frame::Cells { a, b, exact });
    }
    if Term::are_small(a, b) {
        return Look::Known(a.small_value().cmp(&b.small_value()));
    }
    let (rank_a, rank_b) = (Rank::of(a), Rank::of(b));
    if rank_a != rank_b {
        return Look::Known(rank_a.cmp(&rank_b));
    }
    match rank_a {
        Rank::Number => Look::Known(compare_numbers_as(a, b, exact)),
        Rank::Atom => Look::Known(compare_atoms(atoms, a.as_atom(), b.as_atom())),
        Rank::Tuple => {
            let (Some(x), Some(y)) = (a.as_tuple(), b.as_tuple()) else {
                return Look::Known(Equal);
            };
            terms(x, y, exact)
        }
        Rank::Fun => look_at_funs(atoms, a, b, exact),
        Rank::Map => look_at_maps(atoms, a, b, exact),
        Rank::Pid => Look::Known(compare_pids(atoms, a, b)),
        Rank::Port => Look::Known(compare_ports(atoms, a, b)),
        Rank::Reference => Look::Known(compare_references(atoms, a, b)),
        Rank::Nil | Rank::List => Look::Known(Equal),
        Rank::BitString => match (view(&a), view(&b)) {
            (Some(x), Some(y)) => Look::Known(compare_bits(x, y, atoms.is_none())),
            _ => unreachable!("a match context is never a value"),
        },
    }
}

/// Tuples, or the terms of other objects that compare like them: by size, then one by one.
#[inline]
fn terms(a: &[Term], b: &[Term], exact: bool) -> Look {
    if a.len() != b.len() {
        return Look::Known(a.len().cmp(&b.len()));
    }
    Look::Nested(Frame::Terms {
        a: a.as_ptr(),
        b: b.as_ptr(),
        left: a.len(),
        exact,
    })
}

/// The types in their order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Number,
    Atom,
    Reference,
    Fun,
    Port,
    Pid,
    Tuple,
    Map,
    Nil,
    List,
    BitString,
}

impl Rank {
    fn of(term: Term) -> Rank {
        if term.is_cons() {
            return Rank::List;
        }
        match term.subtag() {
            None if term.is_small() => Rank::Number,
            None if term.is_atom() => Rank::Atom,
            None if term.is_local_pid() => Rank::Pid,
            None if term.is_local_port() => Rank::Port,
            None => Rank::Nil,
            Some(Subtag::BigPositive | Subtag::BigNegative | Subtag::Float) => Rank::Number,
            Some(Subtag::Reference | Subtag::ExternalReference) => Rank::Reference,
            Some(Subtag::Fun) => Rank::Fun,
            Some(Subtag::ExternalPort) => Rank::Port,
            Some(Subtag::ExternalPid) => Rank::Pid,
            Some(Subtag::Tuple) => Rank::Tuple,
            Some(Subtag::FlatMap | Subtag::HashMap) => Rank::Map,
            Some(Subtag::HeapBits | Subtag::RefcBits | Subtag::SubBits) => Rank::BitString,
            Some(Subtag::MatchContext | Subtag::Invalid) => {
                unreachable!("a match context is never a value")
            }
        }
    }
}

fn compare_numbers_as(a: Term, b: Term, exact: bool) -> Ordering {
    if exact {
        match (a.as_float(), b.as_float()) {
            (None, Some(_)) => return Less,
            (Some(_), None) => return Greater,
            (Some(x), Some(y)) if x == y => return zero::exact_order(x, y),
            _ => {}
        }
    }
    compare_numbers(a, b)
}

fn compare_atoms(atoms: Option<&AtomTable>, a: Option<Atom>, b: Option<Atom>) -> Ordering {
    match (atoms, a, b) {
        (Some(atoms), Some(a), Some(b)) => atoms.name(a).as_bytes().cmp(atoms.name(b).as_bytes()),
        _ if a == b => Equal,
        _ => Less,
    }
}

/// Serial, number, node: in this order pids are compared.
fn compare_pids(atoms: Option<&AtomTable>, a: Term, b: Term) -> Ordering {
    let parts = |term: Term| match RemotePid::of(term) {
        Some(pid) => (pid.serial, pid.number, Some(pid.node)),
        None => (serial_of(term), number_of(term), None),
    };
    let ((serial_a, number_a, node_a), (serial_b, number_b, node_b)) = (parts(a), parts(b));
    let numbers = serial_a.cmp(&serial_b).then(number_a.cmp(&number_b));
    numbers.then_with(|| compare_nodes(atoms, node_a, node_b))
}

/// Ports are compared by their nodes first.
fn compare_ports(atoms: Option<&AtomTable>, a: Term, b: Term) -> Ordering {
    let parts = |term: Term| match RemotePort::of(term) {
        Some(port) => (Some(port.node), port.number),
        None => (None, term.identifier_data()),
    };
    let ((node_a, number_a), (node_b, number_b)) = (parts(a), parts(b));
    compare_nodes(atoms, node_a, node_b).then(number_a.cmp(&number_b))
}

/// References are compared by their nodes, then by their numbers, the most significant one first; numbers that are not there are zero.
fn compare_references(atoms: Option<&AtomTable>, a: Term, b: Term) -> Ordering {
    if let (Some(x), Some(y)) = (RefNumber::of(a), RefNumber::of(b)) {
        return x.cmp(&y);
    }
    let parts = |term: Term| match RemoteReference::of(term) {
        Some(reference) => (Some(reference.node), reference),
        None => {
            let numbers = RefNumber::of(term).map_or([0; 3], RefNumber::numbers);
            (None, RemoteReference::new(Node::NONE, &numbers))
        }
    };
    let ((node_a, x), (node_b, y)) = (parts(a), parts(b));
    compare_nodes(atoms, node_a, node_b).then_with(|| {
        x.all_numbers()
            .iter()
            .rev()
            .cmp(y.all_numbers().iter().rev())
    })
}

/// `None` is this node.
fn compare_nodes(atoms: Option<&AtomTable>, a: Option<Node>, b: Option<Node>) -> Ordering {
    let this = || atoms.map_or(Node::NONE, |atoms| atoms.node);
    match (a, b) {
        (None, None) => Equal,
        (a, b) => {
            let (a, b) = (a.unwrap_or_else(this), b.unwrap_or_else(this));
            a.compare(b, atoms)
        }
    }
}

/// Local funs before external ones; local ones by module, index, version and free variables.
fn look_at_funs(atoms: Option<&AtomTable>, a: Term, b: Term, exact: bool) -> Look {
    let (Some(f), Some(g)) = (Fun::of(&a), Fun::of(&b)) else {
        return Look::Known(Equal);
    };
    let by_name = |x: Atom, y: Atom| compare_atoms(atoms, Some(x), Some(y));
    let order = match (f.target(), g.target()) {
        (Target::Local(_), Target::External(_)) => Less,
        (Target::External(_), Target::Local(_)) => Greater,
        (Target::External(x), Target::External(y)) => by_name(x.module, y.module)
            .then_with(|| by_name(x.function, y.function))
            .then(x.arity.cmp(&y.arity)),
        (Target::Local(x), Target::Local(y)) => by_name(x.module, y.module)
            .then(x.old_index.cmp(&y.old_index))
            .then(x.old_uniq.cmp(&y.old_uniq)),
    };
    match order {
        Equal => terms(f.free(), g.free(), exact),
        order => Look::Known(order),
    }
}

fn look_at_maps(atoms: Option<&AtomTable>, a: Term, b: Term, exact: bool) -> Look {
    if let (Some(x), Some(y)) = (a.as_object(Subtag::FlatMap), b.as_object(Subtag::FlatMap)) {
        if x.len() != y.len() {
            return Look::Known(x.len().cmp(&y.len()));
        }
        let side_by_side = |a: &[u64], b: &[u64], exact| Frame::Terms {
            a: a.as_ptr().cast(),
            b: b.as_ptr().cast(),
            left: a.len(),
            exact,
        };
        // The tuple of keys stands before the values.
        let values = side_by_side(&x[1..], &y[1..], exact);
        if x[0] == y[0] {
            return Look::Nested(values);
        }
        return Look::Map {
            keys: side_by_side(&x[..1], &y[..1], true),
            values,
        };
    }
    let (size_a, size_b) = (map::size(a), map::size(b));
    if size_a != size_b {
        return Look::Known(size_a.cmp(&size_b));
    }
    let (Some(x), Some(y)) = (a.as_object(Subtag::HashMap), b.as_object(Subtag::HashMap)) else {
        // A flat map is smaller than any hashed one.
        return Look::Known(Less);
    };
    if atoms.is_some() {
        return Look::Nested(Frame::Maps(Box::new(MapOrder::new(a, b, exact))));
    }
    if x[..2] != y[..2] || x.len() != y.len() {
        return Look::Known(Less);
    }
    Look::Nested(Frame::Children {
        a: x[2..].as_ptr().cast(),
        b: y[2..].as_ptr().cast(),
        left: x.len() - 2,
        exact,
        at_values: false,
    })
}

/// The order of two hashed maps of one size.
///
/// What decides is the first difference once both are sorted by their keys. No sorting is needed for that: if their keys differ, the
/// smallest key that only one of them has, else the smallest key whose values differ. The comparisons are asked for, so that a key may be as deep
/// as it likes. Maps of the same keys have them in the same places, so the pairs with which both begin need no search.
struct MapOrder {
    a: Term,
    b: Term,
    /// As many pairs at the beginning of both are the same.
    same: usize,
    /// What is left of the map that is being walked over.
    pairs: map::Iter,
    phase: Phase,
    exact: bool,
    /// The smallest key so far that only the one map has.
    only_a: Option<Term>,
    only_b: Option<Term>,
    /// The smallest key so far whose values differ, and how.
    different: Option<(Term, Ordering)>,
}

/// What is being looked for, and what was asked last.
#[derive(Clone, Copy)]
enum Phase {
    /// Keys that only `a` has; whether this one is smaller than the one known.
    OnlyA(Option<Term>),
    OnlyB(Option<Term>),
    /// Which of the two smallest keys is smaller.
    Keys {
        asked: bool,
    },
    /// Keys whose values differ.
    Values,
    /// Whether this key is smaller than the one known.
    Key {
        key: Term,
        values: Pair,
    },
    /// How the values of this key differ.
    Value {
        key: Term,
    },
}

impl MapOrder {
    fn new(a: Term, b: Term, exact: bool) -> MapOrder {
        let equal = |((key_a, a), (key_b, b)): &(Pair, Pair)| {
            key_a.raw() == key_b.raw() && a.raw() == b.raw()
        };
        let same = map::iter(a).zip(map::iter(b)).take_while(equal).count();
        MapOrder {
            a,
            b,
            same,
            pairs: map::iter_from(a, same),
            phase: Phase::OnlyA(None),
            exact,
            only_a: None,
            only_b: None,
            different: None,
        }
    }

    /// The next key in what is left to walk over that `other` lacks.
    fn next_only(&mut self, other: Term) -> Option<Term> {
        let lacks = |(key, _): &Pair| map::get(other, *key).is_none();
        self.pairs.find(lacks).map(|(key, _)| key)
    }

    fn next(&mut self, result: Ordering) -> Next {
        loop {
            match self.phase {
                Phase::OnlyA(asked) => {
                    if asked.is_some() && result == Less {
                        self.only_a = asked;
                    }
                    let key = self.next_only(self.b);
                    self.phase = Phase::OnlyA(key);
                    match (key, self.only_a) {
                        (Some(key), Some(known)) => return Next::Compare(key, known, true, false),
                        (Some(_), None) => {
                            self.only_a = key;
                            self.phase = Phase::OnlyA(None);
                        }
                        (None, Some(_)) => {
                            self.pairs = map::iter_from(self.b, self.same);
                            self.phase = Phase::OnlyB(None);
                        }
                        // Both have as many keys, so they are the same.
                        (None, None) => {
                            self.pairs = map::iter_from(self.a, self.same);
                            self.phase = Phase::Values;
                        }
                    }
                }
                Phase::OnlyB(asked) => {
                    if asked.is_some() && result == Less {
                        self.only_b = asked;
                    }
                    let key = self.next_only(self.a);
                    self.phase = Phase::OnlyB(key);
                    match (key, self.only_b) {
                        (Some(key), Some(known)) => return Next::Compare(key, known, true, false),
                        (Some(_), None) => {
                            self.only_b = key;
                            self.phase = Phase::OnlyB(None);
                        }
                        (None, _) => self.phase = Phase::Keys { asked: false },
                    }
                }
                Phase::Keys { asked: true } => return Next::Done(result),
                Phase::Keys { asked: false } => {
                    let (Some(x), Some(y)) = (self.only_a, self.only_b) else {
                        return Next::Done(Equal);
                    };
                    self.phase = Phase::Keys { asked: true };
                    return Next::Compare(x, y, true, false);
                }
                Phase::Values => {
                    let other = self.b;
                    let differing = self.pairs.find_map(|(key, x)| {
                        let y = map::get(other, key)?;
                        (x.raw() != y.raw()).then_some((key, (x, y)))
                    });
                    let Some((key, values)) = differing else {
                        return Next::Done(self.different.map_or(Equal, |(_, order)| order));
                    };
                    match self.different {
                        Some((known, _)) => {
                            self.phase = Phase::Key { key, values };
                            return Next::Compare(key, known, true, false);
                        }
                        None => {
                            self.phase = Phase::Value { key };
                            return Next::Compare(values.0, values.1, self.exact, false);
                        }
                    }
                }
                Phase::Key { key, values } => {
                    if result != Less {
                        self.phase = Phase::Values;
                        continue;
                    }
                    self.phase = Phase::Value { key };
                    return Next::Compare(values.0, values.1, self.exact, false);
                }
                Phase::Value { key } => {
                    if result != Equal {
                        self.different = Some((key, result));
                    }
                    self.phase = Phase::Values;
                }
            }
        }
    }
}

/// The order of two bit strings: bit by bit, then by size. For equality, different sizes say enough.
fn compare_bits(a: BitsView, b: BitsView, only_equality: bool) -> Ordering {
    // SAFETY: a view's bits can be read.
    unsafe {
        if !only_equality {
            return raw::compare(a.bytes, a.offset, a.size, b.bytes, b.offset, b.size);
        }
        if a.size == b.size && raw::equal(a.bytes, a.offset, b.bytes, b.offset, a.size) {
            Equal
        } else {
            Less
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::Arena;
    use crate::memory::heap::Parcel;
    use alloc::vec::Vec;

    #[test]
    fn types_stand_in_their_order() {
        let mut table = AtomTable::new();
        let mut arena = Parcel::new();
        let aardvark = table.insert("aardvark").unwrap().term();
        let zebra = table.insert("zebra").unwrap().term();
        let late = table.insert("monkey").unwrap().term();
        let elements = [Term::small(1), Term::small(2)];
        let ordered = [
            arena.integer(i64::MIN).unwrap(),
            Term::small(-5),
            arena.float(-4.5).unwrap(),
            Term::small(3),
            arena.float(3.5).unwrap(),
            arena.integer(i64::MAX).unwrap(),
            arena.float(1e300).unwrap(),
            aardvark,
            late,
            zebra,
            arena.object(Subtag::Reference, &[7, 1]).unwrap(),
            arena.object(Subtag::Reference, &[1, 2]).unwrap(),
            Term::local_port(3),
            Term::local_pid(2),
            arena.tuple(&[zebra]).unwrap(),
            arena.tuple(&elements).unwrap(),
            Term::NIL,
            arena.list_with_tail(&[Term::small(1)], zebra).unwrap(),
            arena.list_with_tail(&[Term::small(1)], Term::NIL).unwrap(),
            arena.list(&elements).unwrap(),
            arena.object(Subtag::HeapBits, &[0]).unwrap(),
            arena.object(Subtag::HeapBits, &[3, 0x20]).unwrap(),
            arena.object(Subtag::HeapBits, &[8, 0x20]).unwrap(),
            arena.object(Subtag::HeapBits, &[3, 0x40]).unwrap(),
        ];
        for (i, &a) in ordered.iter().enumerate() {
            for (j, &b) in ordered.iter().enumerate() {
                assert_eq!(compare(&table, a, b), i.cmp(&j), "{i} {j}");
                assert_eq!(exact_equal(a, b), i == j);
                assert_eq!(equal(a, b), i == j);
            }
        }
    }

    #[test]
    fn one_and_one_point_zero() {
        let table = AtomTable::new();
        let mut arena = Parcel::new();
        let float = arena.float(1.0).unwrap();
        let int = Term::small(1);
        assert!(equal(int, float) && !exact_equal(int, float));
        assert_eq!(compare(&table, int, float), Equal);
        assert_eq!(compare_exact(&table, int, float), Less);
        assert_eq!(compare_exact(&table, Term::small(9), float), Less);
        let keys = arena.tuple(&[int]).unwrap();
        let float_keys = arena.tuple(&[float]).unwrap();
        let mut map = |keys: Term, value: Term| {
            arena
                .object(Subtag::FlatMap, &[keys.raw(), value.raw()])
                .unwrap()
        };
        let (a, b, c) = (map(keys, int), map(keys, float), map(float_keys, int));
        assert!(equal(a, b) && !exact_equal(a, b));
        assert!(!equal(a, c));
        assert_eq!(compare(&table, a, c), Less);
        assert_eq!(compare(&table, b, c), Less);
    }

    #[test]
    fn large_maps_compare_by_size_then_keys_then_values() {
        let table = AtomTable::new();
        let mut arena = Parcel::new();
        // The key at which a map differs from the others, if any, and its value there.
        let mut map = |size: i64, changed: i64, value: Term| {
            let mut pairs = Vec::new();
            for i in 0..size {
                // Equal, but not the same words in any two maps.
                let key = arena.tuple(&[Term::small(i)]).unwrap();
                pairs.push((key, if i == changed { value } else { Term::NIL }));
            }
            map::from_pairs(&mut arena, &table, pairs.into_iter()).unwrap()
        };
        let [one, two] = [Term::small(1), Term::small(2)];
        let (a, same) = (map(100, 7, one), map(100, 7, one));
        assert!(exact_equal(a, same) && equal(a, same));
        assert_eq!(compare(&table, a, same), Equal);
        let (greater, longer) = (map(100, 7, two), map(101, 7, one));
        assert!(!exact_equal(a, greater) && !equal(a, longer));
        assert_eq!(compare(&table, a, greater), Less);
        assert_eq!(compare(&table, longer, greater), Greater);
        // The smallest key that differs decides: key 3, where `a` has [] and the other 1.
        let at_a_smaller_key = map(100, 3, one);
        assert_eq!(compare(&table, a, at_a_smaller_key), Greater);
    }

    #[test]
    fn bits_compare_wherever_they_lie() {
        let bytes = [0b1010_1100u8, 0b0111_0001, 0b1101_0110, 0xff];
        let bit = |i: usize| bytes[i / 8] >> (7 - i % 8) & 1;
        let mut cases = Vec::new();
        for offset in 0..12 {
            for size in 0..=16 {
                cases.push((offset, size));
            }
        }
        for &(ao, asize) in &cases {
            for &(bo, bsize) in &cases {
                let of = |offset, size| BitsView {
                    bytes: bytes.as_ptr(),
                    offset,
                    size,
                };
                let bits = |offset: usize, size| (offset..offset + size).map(bit);
                let expected = bits(ao, asize).cmp(bits(bo, bsize));
                let (a, b) = (of(ao, asize), of(bo, bsize));
                assert_eq!(compare_bits(a, b, false), expected);
                assert_eq!(compare_bits(a, b, true) == Equal, expected == Equal);
            }
        }
    }

    #[test]
    fn a_million_levels_deep_the_difference_is_found() {
        let table = AtomTable::new();
        let mut arena = Parcel::new();
        let mut deep = |bottom| {
            let mut term = Term::small(bottom);
            for _ in 0..500_000 {
                term = arena.list(&[term, Term::small(0)]).unwrap();
                term = arena.tuple(&[term, Term::NIL]).unwrap();
            }
            term
        };
        let (a, b, c) = (deep(1), deep(1), deep(2));
        assert!(exact_equal(a, b) && !exact_equal(a, c));
        assert_eq!(compare(&table, a, b), Equal);
        assert_eq!(compare(&table, a, c), Less);
        assert_eq!(compare(&table, c, a), Greater);
    }

    /// The first difference of the pairs once both maps are sorted by their keys decides, the keys' before the values'.
    #[test]
    fn large_maps_compare_as_their_sorted_pairs() {
        let table = AtomTable::new();
        let mut arena = Parcel::new();
        let mut seed = 1u32;
        let mut random = |limit: u32| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            ((seed >> 16) % limit) as i64
        };
        for round in 0..300 {
            let first = random(3);
            let mut pairs: Vec<(i64, i64)> = (0..40).map(|key| (2 * key + first, 0)).collect();
            let other = pairs.clone();
            for _ in 0..random(4) {
                pairs[random(40) as usize].1 = random(3) - 1;
            }
            if round % 3 == 0 {
                for _ in 0..random(3) {
                    let at = random(40);
                    pairs[at as usize].0 = 2 * at + first + 1;
                }
            }
            let mut map = |pairs: &[(i64, i64)]| {
                let terms = |(key, value): &(i64, i64)| (Term::small(*key), Term::small(*value));
                map::from_pairs(&mut arena, &table, pairs.iter().map(terms)).unwrap()
            };
            let (a, b) = (map(&pairs), map(&other));
            let keys = |pairs: &[(i64, i64)]| pairs.iter().map(|pair| pair.0).collect::<Vec<_>>();
            let values = |pairs: &[(i64, i64)]| pairs.iter().map(|pair| pair.1).collect::<Vec<_>>();
            pairs.sort();
            let expected = (keys(&pairs), values(&pairs)).cmp(&(keys(&other), values(&other)));
            assert_eq!(compare(&table, a, b), expected, "{pairs:?} {other:?}");
            assert_eq!(
                compare(&table, b, a),
                expected.reverse(),
                "{pairs:?} {other:?}"
            );
        }
    }
}
