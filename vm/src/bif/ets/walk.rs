//! Which objects a match specification can match, and walking over them.
//!
//! If the head of every clause says which key it wants, only the objects of those keys are looked at; in an `ordered_set`, a head
//! that knows the beginning of its key bounds the walk. Otherwise it is over the whole table.
//!
//! A long walk lets others run now and then, between two buckets or places ([`Rests`]). From its first rest on it holds the table fixed.
//!
//! Invariant: while a walk does not rest nothing else touches the table: what is called for each object gets the object, and says
//! what is to be done with it; it never rests itself.

use super::super::{Context, Fail};
use crate::atom::am;
use crate::ets::Opened;
use crate::ets::hash::HashStore;
use crate::ets::object::{Measured, Object};
use crate::ets::ordered::{OrderedStore, Place};
use crate::ets::table::{Store, delete_here, key_hash, overwrite, replace_at};
use crate::match_spec::partial::Range;
use crate::match_spec::pattern::{is_bound_key, is_underscore, variable_number};
use crate::match_spec::{Clause, MatchSpec};
use crate::memory::NoMemory;
use crate::term::Term;
use crate::term::compare::{compare, exact_equal};
use crate::term::copy::copy;
use crate::time::clock;
use core::cmp::Ordering;
use smallvec::SmallVec;

/// What to look at.
pub enum Plan {
    /// Everything.
    All,
    /// The objects of these keys, all different; in term order for an `ordered_set`.
    Keys(SmallVec<[Term; 2]>),
    /// In an `ordered_set`: keys that this pattern can match.
    Beginning(Term),
}

/// What one clause wants.
enum Wanted {
    Nothing,
    Key(Term),
    Beginning(Term),
    Anything,
}

/// What OTP 27 changed: see [`is_bound_key`].
fn maps_are_open(cx: &mut Context) -> bool {
    cx.machine().release_number() >= 27
}

fn wanted_by(cx: &mut Context, table: &Opened, clause: &Clause) -> Result<Wanted, NoMemory> {
    let head = clause.pattern;
    let maps_are_open = maps_are_open(cx);
    let atoms = cx.atoms();
    let Some(elements) = head.as_tuple() else {
        let any = is_underscore(atoms, head) || variable_number(atoms, head).is_some();
        return Ok(if any {
            Wanted::Anything
        } else {
            Wanted::Nothing
        });
    };
    let Some(&key) = elements.get(table.key_position()) else {
        return Ok(Wanted::Nothing);
    };
    if is_underscore(atoms, key) || variable_number(atoms, key).is_some() {
        return Ok(Wanted::Anything);
    }
    let bound = key.is_immediate() || is_bound_key(atoms, key, maps_are_open)?;
    Ok(match &table.store {
        _ if bound => Wanted::Key(key),
        Store::Hash(_) => Wanted::Anything,
        Store::Ordered(_) => Wanted::Beginning(key),
    })
}

/// What has to be looked at for a specification.
pub fn plan(cx: &mut Context, table: &Opened, spec: &MatchSpec) -> Result<Plan, NoMemory> {
    let ordered = matches!(table.store, Store::Ordered(_));
    let mut keys: SmallVec<[Term; 2]> = SmallVec::new();
    for clause in &spec.clauses {
        match wanted_by(cx, table, clause)? {
            Wanted::Nothing => {}
            Wanted::Key(key) => {
                let atoms = cx.atoms();
                let same = |known: &Term| match ordered {
                    true => compare(atoms, *known, key) == Ordering::Equal,
                    false => exact_equal(*known, key),
                };
                if !keys.iter().any(same) {
                    keys.try_reserve(1).map_err(|_| NoMemory)?;
                    keys.push(key);
                }
            }
            Wanted::Beginning(key) if spec.clauses.len() == 1 => return Ok(Plan::Beginning(key)),
            Wanted::Beginning(_) | Wanted::Anything => return Ok(Plan::All),
        }
    }
    if ordered {
        let atoms = cx.atoms();
        keys.sort_by(|a, b| compare(atoms, *a, *b));
    }
    Ok(Plan::Keys(keys))
}

/// What is to be done with an object that was looked at.
#[derive(Clone, Copy)]
pub enum Verdict {
    Keep,
    Delete,
    /// This takes its place: an object with an equal key.
    Replace(Term),
}

/// Whether a walk goes on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Go {
    On,
    Stop,
}

/// Objects that are looked at for a reduction.
const PER_REDUCTION: usize = 4;

/// How a walk lets others run.
pub struct Rests {
    /// Objects and buckets that have not been paid for yet, and how many of them are paid for at once.
    unpaid: usize,
    paid: usize,
    /// Whether the walk holds the table fixed.
    holds: bool,
}

impl Rests {
    /// A walk begins.
    pub fn new(cx: &mut Context) -> Rests {
        Rests {
            unpaid: 0,
            paid: cx.piece(64),
            holds: false,
        }
    }

    /// Pays for `seen` more, and says whether it is time for a rest.
    #[inline]
    pub fn is_time(&mut self, cx: &mut Context, seen: usize) -> bool {
        self.unpaid += seen;
        if self.unpaid < self.paid {
            return false;
        }
        cx.bump_reductions(core::mem::take(&mut self.unpaid) / PER_REDUCTION);
        cx.turn_is_over()
    }

    /// Lets others run. After an error the table may be gone: then `holds` is false, and nobody looks at it any more.
    #[cold]
    pub fn rest(&mut self, cx: &mut Context, table: &mut Opened) -> Result<(), Fail> {
        let pid = cx.process().pid;
        if !self.holds {
            let machine = cx.machine();
            let now = clock::monotonic(&mut *machine.platform);
            machine.ets.fix(table, pid, now)?;
            self.holds = true;
        }
        let id = table.id.clone();
        let rested = cx.consume(0);
        if id.borrow().is_some_and(|id| id.is_gone()) {
            self.holds = false;
            rested?;
            return Err(cx.fail_because(am::ID));
        }
        rested
    }

    /// Whether what is deleted is to be marked only: others hold the table fixed, or held it from the beginning.
    fn marks(table: &Opened, from_the_beginning: bool, pid: Term) -> bool {
        from_the_beginning
            || table
                .fixation
                .fixers()
                .iter()
                .any(|(fixer, _)| *fixer != pid)
    }

    /// The walk has ended.
    pub fn end(mut self, cx: &mut Context, table: &mut Opened) {
        let pid = cx.process().pid;
        cx.bump_reductions(self.unpaid / PER_REDUCTION);
        if core::mem::take(&mut self.holds) {
            cx.machine().ets.unfix(table, pid);
        }
    }
}

/// What is called for an object.
pub type Visit<'a> = &'a mut dyn FnMut(&mut Context, &Object) -> Result<Verdict, Fail>;

/// Walks over what the plan says, forward, and does what `visit` says.
pub fn change(
    cx: &mut Context,
    table: &mut Opened,
    plan: &Plan,
    visit: Visit<'_>,
) -> Result<(), Fail> {
    let mut rests = Rests::new(cx);
    let changed = match &table.store {
        Store::Hash(_) => change_buckets(cx, table, plan, &mut rests, visit),
        Store::Ordered(_) => {
            let spans: &[Term] = match plan {
                Plan::Keys(keys) => keys,
                Plan::Beginning(key) => core::slice::from_ref(key),
                Plan::All => &[],
            };
            match plan {
                Plan::All => change_span(cx, table, None, &mut rests, visit),
                _ => spans
                    .iter()
                    .try_for_each(|key| change_span(cx, table, Some(*key), &mut rests, visit)),
            }
        }
    };
    rests.end(cx, table);
    changed
}

fn change_buckets(
    cx: &mut Context,
    opened: &mut Opened,
    plan: &Plan,
    rests: &mut Rests,
    visit: Visit<'_>,
) -> Result<(), Fail> {
    let (pid, position) = (cx.process().pid, opened.options.key_position);
    let fixed = opened.fixation.is_fixed();
    let keys: Option<&[Term]> = match plan {
        Plan::Keys(keys) => Some(keys),
        _ => None,
    };
    let mut next = 0;
    loop {
        let marks = Rests::marks(opened, fixed, pid);
        let table = &mut **opened;
        let words = &mut table.words;
        let Store::Hash(store) = &mut table.store else {
            return Ok(());
        };
        let mut seen = 1;
        match keys {
            Some(keys) => {
                let Some(&key) = keys.get(next) else { break };
                let hash = key_hash(key);
                let mut cursor = store.cursor_at(hash, key, position);
                while cursor.is_at(hash, key, position) {
                    seen += 1;
                    judge(cx, &mut cursor, marks, words, visit)?;
                }
            }
            None => {
                if next >= store.buckets() {
                    break;
                }
                let mut cursor = store.cursor(next);
                while cursor.object().is_some() {
                    seen += 1;
                    judge(cx, &mut cursor, marks, words, visit)?;
                }
            }
        }
        next += 1;
        if rests.is_time(cx, seen) {
            rests.rest(cx, opened)?;
        }
    }
    if !opened.fixation.is_fixed()
        && let Store::Hash(store) = &mut opened.store
    {
        settle(store);
    }
    Ok(())
}

/// The buckets follow what was deleted.
fn settle(store: &mut HashStore) {
    let mut before = store.buckets() + 1;
    while store.buckets() < before {
        before = store.buckets();
        store.shrink();
    }
}

/// Looks at the object behind the cursor, which goes on.
fn judge(
    cx: &mut Context,
    cursor: &mut crate::ets::hash::Cursor<'_>,
    fixed: bool,
    words: &mut usize,
    visit: Visit<'_>,
) -> Result<(), Fail> {
    let verdict = match cursor.object() {
        Some(object) if !object.deleted => visit(cx, object)?,
        _ => Verdict::Keep,
    };
    match verdict {
        Verdict::Delete => delete_here(cursor, fixed, words),
        Verdict::Keep => cursor.advance(),
        Verdict::Replace(tuple) => {
            overwrite(cursor, Measured::new(tuple)?, words)?;
            cursor.advance();
        }
    }
    Ok(())
}

/// The keys that `pattern` can match, or all, in their order.
fn change_span(
    cx: &mut Context,
    opened: &mut Opened,
    pattern: Option<Term>,
    rests: &mut Rests,
    visit: Visit<'_>,
) -> Result<(), Fail> {
    let position = opened.options.key_position;
    let range = range_of(cx, pattern)?;
    let mut place = match (range, &opened.store) {
        (Some(range), Store::Ordered(store)) => begin(cx, store, range)?,
        (None, Store::Ordered(store)) => store.first(),
        _ => return Ok(()),
    };
    loop {
        let table = &mut **opened;
        let words = &mut table.words;
        let Store::Ordered(store) = &mut table.store else {
            break;
        };
        let Some(object) = store.object(place) else {
            break;
        };
        if let Some(range) = range
            && range.order(cx.atoms(), object.key(position))? != Ordering::Equal
        {
            break;
        }
        match visit(cx, object)? {
            Verdict::Keep => place = store.after(place),
            Verdict::Delete => match store.remove(place) {
                Some((object, next)) => {
                    *words -= object.memory_words();
                    place = next;
                }
                None => break,
            },
            Verdict::Replace(tuple) => {
                replace_at(store, place, position, Measured::new(tuple)?, words)?;
                place = store.after(place);
            }
        }
        if rests.is_time(cx, 1)
            && let Some(object) = store.object(place)
        {
            let key = copy(object.key(position), cx, &(0..0))?;
            rests.rest(cx, opened)?;
            if let Store::Ordered(store) = &opened.store {
                (place, _) = store.seek(cx.atoms(), key);
            }
        }
    }
    Ok(())
}

fn range_of(cx: &mut Context, pattern: Option<Term>) -> Result<Option<Range>, NoMemory> {
    let maps_are_open = maps_are_open(cx);
    pattern
        .map(|pattern| Range::new(cx.atoms(), pattern, maps_are_open))
        .transpose()
}

/// The first place of the range, if there is any.
fn begin(cx: &mut Context, store: &OrderedStore, range: Range) -> Result<Place, Fail> {
    let atoms = cx.atoms();
    let mut lost = false;
    let place = store.partition(|key| match range.order(atoms, key) {
        Ok(order) => order == Ordering::Less,
        Err(NoMemory) => {
            lost = true;
            false
        }
    });
    if lost {
        return Err(Fail::NoMemory);
    }
    Ok(place)
}

/// Where a walk over an ordered table begins, and which way it goes.
pub struct Course {
    /// Behind this key, on the way; from the end if there is none.
    pub behind: Option<Term>,
    /// Only keys that this can match.
    pub pattern: Option<Term>,
    /// From large to small keys.
    pub backward: bool,
}

/// Walks over an ordered table until `visit` says stop. Whether the end was reached.
pub fn along(
    cx: &mut Context,
    table: &mut Opened,
    course: &Course,
    visit: &mut dyn FnMut(&mut Context, &Object) -> Result<Go, Fail>,
) -> Result<bool, Fail> {
    let mut rests = Rests::new(cx);
    let walked = along_resting(cx, table, course, &mut rests, visit);
    rests.end(cx, table);
    walked
}

fn along_resting(
    cx: &mut Context,
    table: &mut Opened,
    course: &Course,
    rests: &mut Rests,
    visit: &mut dyn FnMut(&mut Context, &Object) -> Result<Go, Fail>,
) -> Result<bool, Fail> {
    let position = table.options.key_position;
    let Store::Ordered(store) = &table.store else {
        return Ok(true);
    };
    let range = range_of(cx, course.pattern)?;
    let mut place = match (course.behind, range, course.backward) {
        (Some(key), _, backward) => {
            let (place, found) = store.seek(cx.atoms(), key);
            match (backward, found) {
                (true, _) => store.before(place),
                (false, true) => Some(store.after(place)),
                (false, false) => Some(place),
            }
        }
        (None, None, false) => Some(store.first()),
        (None, None, true) => store.last(),
        (None, Some(range), false) => Some(begin(cx, store, range)?),
        (None, Some(range), true) => {
            let atoms = cx.atoms();
            let mut lost = false;
            let place = store.partition(|key| match range.order(atoms, key) {
                Ok(order) => order != Ordering::Greater,
                Err(NoMemory) => {
                    lost = true;
                    false
                }
            });
            if lost {
                return Err(Fail::NoMemory);
            }
            store.before(place)
        }
    };
    while let Some(here) = place
        && let Store::Ordered(store) = &table.store
        && let Some(object) = store.object(here)
    {
        if let Some(range) = range
            && range.order(cx.atoms(), object.key(position))? != Ordering::Equal
        {
            return Ok(true);
        }
        if visit(cx, object)? == Go::Stop {
            return Ok(false);
        }
        let onward = |store: &OrderedStore, here: Place| match course.backward {
            true => store.before(here),
            false => Some(store.after(here)),
        };
        if rests.is_time(cx, 1) {
            let key = copy(object.key(position), cx, &(0..0))?;
            rests.rest(cx, table)?;
            let Store::Ordered(store) = &table.store else {
                break;
            };
            place = match store.seek(cx.atoms(), key) {
                // Its object was deleted meanwhile: the one behind it is here.
                (here, false) if !course.backward => Some(here),
                (here, _) => onward(store, here),
            };
        } else {
            place = onward(store, here);
        }
    }
    Ok(true)
}
