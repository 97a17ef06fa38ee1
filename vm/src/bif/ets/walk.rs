//! Which objects a match specification can match, and walking over them.
//!
//! If the head of every clause says which key it wants, only the objects of those keys are looked at; in an `ordered_set`, a head
//! that knows the beginning of its key bounds the walk. Otherwise it is over the whole table.
//!
//! Invariant: while a walk is under way nothing else touches the table: what is called for each object gets the object, and says
//! what is to be done with it.

use super::super::{Context, Fail};
use crate::ets::Opened;
use crate::ets::hash::HashStore;
use crate::ets::object::Object;
use crate::ets::ordered::OrderedStore;
use crate::ets::table::{Store, delete_here, key_hash, overwrite, replace_at};
use crate::match_spec::partial::Range;
use crate::match_spec::pattern::{is_bound_key, is_underscore, variable_number};
use crate::match_spec::{Clause, MatchSpec};
use crate::memory::NoMemory;
use crate::term::Term;
use crate::term::compare::{compare, exact_equal};
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

/// What is called for an object.
pub type Visit<'a> = &'a mut dyn FnMut(&mut Context, &Object) -> Result<Verdict, Fail>;

/// Walks over what the plan says, forward, and does what `visit` says. How many objects it saw.
pub fn change(
    cx: &mut Context,
    table: &mut Opened,
    plan: &Plan,
    visit: Visit<'_>,
) -> Result<usize, Fail> {
    let table = &mut **table;
    let fixed = table.fixation.is_fixed();
    let position = table.options.key_position;
    let words = &mut table.words;
    let mut seen = 0;
    match (&mut table.store, plan) {
        (Store::Hash(store), Plan::Keys(keys)) => {
            for key in keys {
                let hash = key_hash(*key);
                let mut cursor = store.cursor_at(hash, *key, position);
                while cursor.is_at(hash, *key, position) {
                    seen += 1;
                    judge(cx, &mut cursor, fixed, words, visit)?;
                }
            }
            settle(store, fixed);
        }
        (Store::Hash(store), _) => {
            for bucket in 0..store.buckets() {
                let mut cursor = store.cursor(bucket);
                while cursor.object().is_some() {
                    seen += 1;
                    judge(cx, &mut cursor, fixed, words, visit)?;
                }
            }
            settle(store, fixed);
        }
        (Store::Ordered(store), plan) => {
            let spans: &[Term] = match plan {
                Plan::Keys(keys) => keys,
                Plan::Beginning(key) => core::slice::from_ref(key),
                Plan::All => &[],
            };
            if matches!(plan, Plan::All) {
                seen += change_span(cx, store, position, words, None, visit)?;
            }
            for key in spans {
                seen += change_span(cx, store, position, words, Some(*key), visit)?;
            }
        }
    }
    Ok(seen)
}

/// The buckets follow what was deleted.
fn settle(store: &mut HashStore, fixed: bool) {
    if fixed {
        return;
    }
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
            overwrite(cursor, tuple, words)?;
            cursor.advance();
        }
    }
    Ok(())
}

/// The keys that `pattern` can match, or all, in their order.
fn change_span(
    cx: &mut Context,
    store: &mut OrderedStore,
    position: usize,
    words: &mut usize,
    pattern: Option<Term>,
    visit: Visit<'_>,
) -> Result<usize, Fail> {
    let mut seen = 0;
    let range = range_of(cx, pattern)?;
    let mut place = match range {
        Some(range) => begin(cx, store, range)?,
        None => store.first(),
    };
    while let Some(object) = store.object(place) {
        if let Some(range) = range
            && range.order(cx.atoms(), object.key(position))? != Ordering::Equal
        {
            break;
        }
        seen += 1;
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
                replace_at(store, place, position, tuple, words)?;
                place = store.after(place);
            }
        }
    }
    Ok(seen)
}

fn range_of(cx: &mut Context, pattern: Option<Term>) -> Result<Option<Range>, NoMemory> {
    let maps_are_open = maps_are_open(cx);
    pattern
        .map(|pattern| Range::new(cx.atoms(), pattern, maps_are_open))
        .transpose()
}

/// The first place of the range, if there is any.
fn begin(
    cx: &mut Context,
    store: &OrderedStore,
    range: Range,
) -> Result<crate::ets::ordered::Place, Fail> {
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

/// Walks over an ordered table until `visit` says stop. How many objects it saw, and whether the end was reached.
pub fn along(
    cx: &mut Context,
    store: &OrderedStore,
    position: usize,
    course: &Course,
    visit: &mut dyn FnMut(&mut Context, &Object) -> Result<Go, Fail>,
) -> Result<(usize, bool), Fail> {
    let mut seen = 0;
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
        && let Some(object) = store.object(here)
    {
        if let Some(range) = range
            && range.order(cx.atoms(), object.key(position))? != Ordering::Equal
        {
            return Ok((seen, true));
        }
        seen += 1;
        if visit(cx, object)? == Go::Stop {
            return Ok((seen, false));
        }
        place = if course.backward {
            store.before(here)
        } else {
            Some(store.after(here))
        };
    }
    Ok((seen, true))
}
