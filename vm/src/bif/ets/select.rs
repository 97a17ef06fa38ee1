//! `match`, `match_object`, `select` and their like: match specifications run on tables.
//!
//! Continuations of the functions with a limit have OTP's shapes, which `ets:repair_continuation/2` looks into:
//!
//! ```text
//! {Table, Bucket, Limit, Compiled, Results, Count}                           hash tables
//! {Table, LastKey, Beginning, Limit, Compiled, [], IsReverse, 0}             ordered tables
//! ```
//!
//! `Results` are those of a bucket that did not fit any more; `Bucket` is -1 when none is left. `Beginning` is the pattern of the key
//! if that bounds the walk, else `[]`.
//!
//! Invariant: results are copies in the process's memory.

use super::super::{Bif, Context, Fail, Value, bif};
use super::specification::{compiled, compiler};
use super::walk::{Course, Go, Plan, Rests, Verdict, along, change, plan};
use super::{Access, open};
use crate::atom::{AtomTable, am};
use crate::ets::Opened;
use crate::ets::object::Object;
use crate::ets::table::{Kind, Store};
use crate::match_spec::actions::NoActions;
use crate::match_spec::compile::Body;
use crate::match_spec::pattern::{is_constant, variable_number};
use crate::match_spec::run::{Scratch, Subject};
use crate::match_spec::{Dialect, MatchSpec};
use crate::memory::resource::Handle;
use crate::memory::{Arena, NoMemory};
use crate::term::Term;
use crate::term::compare::exact_equal;
use crate::term::copy::copy;
use alloc::vec::Vec;
use smallvec::SmallVec;

/// The functions of this file.
pub const TABLE: &[Bif] = &[
    bif("ets", "match", 1, continue_1),
    bif("ets", "match", 2, match_2),
    bif("ets", "match", 3, match_3),
    bif("ets", "match_object", 1, continue_1),
    bif("ets", "match_object", 2, match_object_2),
    bif("ets", "match_object", 3, match_object_3),
    bif("ets", "select", 1, continue_1),
    bif("ets", "select", 2, select_2),
    bif("ets", "select", 3, select_3),
    bif("ets", "select_reverse", 1, continue_1),
    bif("ets", "select_reverse", 2, select_reverse_2),
    bif("ets", "select_reverse", 3, select_reverse_3),
    bif("ets", "select_count", 2, select_count_2),
    bif("ets", "internal_select_delete", 2, internal_select_delete_2),
    bif("ets", "select_replace", 2, select_replace_2),
];

/// The specification of one clause that `match` and `match_object` stand for.
fn single(cx: &mut Context, head: Term, body: Body) -> Result<MatchSpec, Fail> {
    compiled(compiler(cx, Dialect::Table).single(head, body))
}

/// The specification in `term`, compiled for one use; `None` for the empty list, which matches nothing.
fn specification(cx: &mut Context, term: Term) -> Result<Option<MatchSpec>, Fail> {
    if term.is_nil() {
        return Ok(None);
    }
    compiled(compiler(cx, Dialect::Table).borrowed(term)).map(Some)
}

/// A limit: how many results at most.
fn limit(term: Term) -> Result<usize, Fail> {
    match term.as_small() {
        Some(limit @ 1..) => Ok(limit as usize),
        _ => Err(Fail::Badarg),
    }
}

fn match_2(cx: &mut Context, args: &[Term]) -> Value {
    let table = open(cx, args[0], Access::Read)?;
    let spec = single(cx, args[1], Body::Bindings)?;
    all(cx, table, &spec, false)
}

fn match_object_2(cx: &mut Context, args: &[Term]) -> Value {
    let table = open(cx, args[0], Access::Read)?;
    let spec = single(cx, args[1], Body::Subject)?;
    all(cx, table, &spec, false)
}

fn select_2(cx: &mut Context, args: &[Term]) -> Value {
    let table = open(cx, args[0], Access::Read)?;
    match specification(cx, args[1])? {
        Some(spec) => all(cx, table, &spec, false),
        None => Ok(Term::NIL),
    }
}

fn select_reverse_2(cx: &mut Context, args: &[Term]) -> Value {
    let table = open(cx, args[0], Access::Read)?;
    match specification(cx, args[1])? {
        Some(spec) => all(cx, table, &spec, true),
        None => Ok(Term::NIL),
    }
}

fn match_3(cx: &mut Context, args: &[Term]) -> Value {
    let table = open(cx, args[0], Access::Read)?;
    let limit = limit(args[2])?;
    let spec = compiled(compiler(cx, Dialect::Table).single_owned(args[1], Body::Bindings))?;
    first_chunk(cx, table, args[0], spec, limit, false)
}

fn match_object_3(cx: &mut Context, args: &[Term]) -> Value {
    let table = open(cx, args[0], Access::Read)?;
    let limit = limit(args[2])?;
    let spec = compiled(compiler(cx, Dialect::Table).single_owned(args[1], Body::Subject))?;
    first_chunk(cx, table, args[0], spec, limit, false)
}

fn select_3(cx: &mut Context, args: &[Term]) -> Value {
    select_chunk(cx, args, false)
}

fn select_reverse_3(cx: &mut Context, args: &[Term]) -> Value {
    select_chunk(cx, args, true)
}

fn select_chunk(cx: &mut Context, args: &[Term], backward: bool) -> Value {
    let table = open(cx, args[0], Access::Read)?;
    let limit = limit(args[2])?;
    if args[1].is_nil() {
        return Ok(am::END_OF_TABLE.term());
    }
    let spec = compiled(compiler(cx, Dialect::Table).owned(args[1]))?;
    first_chunk(cx, table, args[0], spec, limit, backward)
}

/// The value of the specification for an object, to go out.
fn value_of(
    cx: &mut Context,
    spec: &MatchSpec,
    scratch: &mut Scratch,
    object: &Object,
) -> Result<Option<Term>, Fail> {
    if !spec.is_filter() {
        return spec.run(cx, scratch, object.term(), Subject::Foreign, &mut NoActions);
    }
    // A stored object is copied faster than any term.
    if spec.admits(scratch, object.term())? {
        return Ok(Some(object.copy_to(cx)?));
    }
    Ok(None)
}

/// A list of all results; in the order of an ordered table, or against it.
fn all(cx: &mut Context, mut table: Opened, spec: &MatchSpec, reverse: bool) -> Value {
    let plan = plan(cx, &table, spec)?;
    let mut scratch = Scratch::default();
    let mut list = Term::NIL;
    if let Store::Hash(_) = &table.store {
        change(cx, &mut table, &plan, &mut |cx, object| {
            if let Some(value) = value_of(cx, spec, &mut scratch, object)? {
                list = cx.cons(value, list)?;
            }
            Ok(Verdict::Keep)
        })?;
        return Ok(list);
    }
    // The list is made from its end.
    let mut walk = |cx: &mut Context, pattern: Option<Term>| {
        let course = Course {
            behind: None,
            pattern,
            backward: !reverse,
        };
        along(cx, &mut table, &course, &mut |cx, object| {
            if let Some(value) = value_of(cx, spec, &mut scratch, object)? {
                list = cx.cons(value, list)?;
            }
            Ok(Go::On)
        })
    };
    match &plan {
        Plan::All => {
            walk(cx, None)?;
        }
        Plan::Beginning(pattern) => {
            walk(cx, Some(*pattern))?;
        }
        Plan::Keys(keys) if reverse => {
            for key in keys {
                walk(cx, Some(*key))?;
            }
        }
        Plan::Keys(keys) => {
            for key in keys.iter().rev() {
                walk(cx, Some(*key))?;
            }
        }
    }
    Ok(list)
}

/// What a walk with a limit has found: results in the order of the walk.
type Found = SmallVec<[Term; 16]>;

fn found(results: &mut Found, value: Option<Term>) -> Result<(), NoMemory> {
    if let Some(value) = value {
        results.try_reserve(1).map_err(|_| NoMemory)?;
        results.push(value);
    }
    Ok(())
}

/// The first results, and how to go on.
fn first_chunk(
    cx: &mut Context,
    mut table: Opened,
    id: Term,
    spec: MatchSpec,
    limit: usize,
    backward: bool,
) -> Value {
    let plan = plan(cx, &table, &spec)?;
    let spec = cx.new_resource(spec)?;
    match &table.store {
        Store::Hash(_) => {
            let mut chunk = HashChunk {
                // Of a named table, too: it may be renamed, and another one be called so.
                id: table.id.term(cx)?,
                spec,
                limit,
                bucket: Some(0),
                results: Found::new(),
            };
            if let Plan::Keys(_) = &plan {
                chunk.of_keys(cx, &mut table, &plan)?;
            }
            chunk.go_on(cx, table)
        }
        Store::Ordered(_) => {
            let (pattern, bound) = match plan {
                Plan::All => (None, false),
                Plan::Beginning(pattern) => (Some(pattern), false),
                Plan::Keys(keys) => match keys[..] {
                    [] => return Ok(am::END_OF_TABLE.term()),
                    [key] => (Some(key), true),
                    _ => (None, false),
                },
            };
            let chunk = OrderedChunk {
                id,
                spec,
                limit,
                course: Course {
                    behind: None,
                    pattern,
                    backward,
                },
                bound,
            };
            // What the specification keeps itself cannot be in a continuation as it is.
            chunk.go_on(cx, table)
        }
    }
}

/// A walk with a limit over a hash table.
struct HashChunk {
    id: Term,
    spec: Handle<MatchSpec>,
    limit: usize,
    /// The next bucket, if any is left.
    bucket: Option<usize>,
    /// Found and not given out yet.
    results: Found,
}

impl HashChunk {
    /// All results of the keys that the specification wants.
    fn of_keys(&mut self, cx: &mut Context, table: &mut Opened, plan: &Plan) -> Result<(), Fail> {
        let spec = self.spec.borrow().ok_or(Fail::Badarg)?;
        let mut scratch = Scratch::default();
        let results = &mut self.results;
        change(cx, table, plan, &mut |cx, object| {
            found(results, value_of(cx, &spec, &mut scratch, object)?)?;
            Ok(Verdict::Keep)
        })?;
        self.bucket = None;
        Ok(())
    }

    /// Goes over buckets until there are as many results as the limit says.
    fn search(
        &mut self,
        cx: &mut Context,
        table: &mut Opened,
        rests: &mut Rests,
    ) -> Result<(), Fail> {
        let mut scratch = Scratch::default();
        while self.results.len() < self.limit
            && let Some(bucket) = self.bucket
        {
            let Store::Hash(store) = &table.store else {
                return Err(Fail::Badarg);
            };
            let mut seen = 1;
            // Borrowed for each bucket anew: another process may have the continuation, too.
            let spec = self.spec.borrow().ok_or(Fail::Badarg)?;
            for object in store.chain(bucket).filter(|object| !object.deleted) {
                seen += 1;
                let value = value_of(cx, &spec, &mut scratch, object)?;
                found(&mut self.results, value)?;
            }
            drop(spec);
            self.bucket = Some(bucket + 1).filter(|next| *next < store.buckets());
            if rests.is_time(cx, seen) {
                rests.rest(cx, table)?;
            }
        }
        Ok(())
    }

    /// As many results as the limit says, if there are, and a continuation.
    fn go_on(mut self, cx: &mut Context, mut table: Opened) -> Value {
        let mut rests = Rests::new(cx);
        let searched = self.search(cx, &mut table, &mut rests);
        rests.end(cx, &mut table);
        searched?;
        if self.results.is_empty() {
            return Ok(am::END_OF_TABLE.term());
        }
        let count = self.limit.min(self.results.len());
        let (given, kept) = self.results.split_at_mut(count);
        given.reverse();
        kept.reverse();
        let list = cx.list(given)?;
        if kept.is_empty() && self.bucket.is_none() {
            return Ok(cx.tuple(&[list, am::END_OF_TABLE.term()])?);
        }
        let bucket = self.bucket.map_or(-1, |bucket| bucket as i64);
        let fields = [
            self.id,
            Term::small(bucket),
            Term::small(self.limit as i64),
            self.spec.term(cx)?,
            cx.list(kept)?,
            Term::small(kept.len() as i64),
        ];
        let continuation = cx.tuple(&fields)?;
        Ok(cx.tuple(&[list, continuation])?)
    }
}

/// A walk with a limit over an ordered table.
struct OrderedChunk {
    id: Term,
    spec: Handle<MatchSpec>,
    limit: usize,
    course: Course,
    /// Whether there is at most one object to find.
    bound: bool,
}

impl OrderedChunk {
    /// As [`HashChunk::go_on`].
    fn go_on(self, cx: &mut Context, mut table: Opened) -> Value {
        if !matches!(&table.store, Store::Ordered(_)) {
            return Err(Fail::Badarg);
        }
        let position = table.key_position();
        let mut scratch = Scratch::default();
        let mut results = Found::new();
        let mut last = Term::NIL;
        let ended = along(cx, &mut table, &self.course, &mut |cx, object| {
            // Borrowed for each object anew: another process may have the continuation, too.
            let spec = self.spec.borrow().ok_or(Fail::Badarg)?;
            found(&mut results, value_of(cx, &spec, &mut scratch, object)?)?;
            last = object.key(position);
            Ok(if results.len() < self.limit {
                Go::On
            } else {
                Go::Stop
            })
        })?;
        if results.is_empty() {
            return Ok(am::END_OF_TABLE.term());
        }
        let list = cx.list(&results)?;
        if ended || self.bound {
            return Ok(cx.tuple(&[list, am::END_OF_TABLE.term()])?);
        }
        let fields = [
            self.id,
            copy(last, cx, &(0..0))?,
            copy(self.course.pattern.unwrap_or(Term::NIL), cx, &(0..0))?,
            Term::small(self.limit as i64),
            self.spec.term(cx)?,
            Term::NIL,
            Term::small(self.course.backward as i64),
            Term::small(0),
        ];
        let continuation = cx.tuple(&fields)?;
        Ok(cx.tuple(&[list, continuation])?)
    }
}

/// `match/1`, `match_object/1`, `select/1` and `select_reverse/1`: what follows.
fn continue_1(cx: &mut Context, args: &[Term]) -> Value {
    if args[0] == am::END_OF_TABLE.term() {
        return Ok(args[0]);
    }
    match args[0].as_tuple() {
        Some(&[id, bucket, limit, spec, results, _]) => {
            let table = open(cx, id, Access::Read)?;
            continue_hash(cx, table, [id, bucket, limit, spec, results])
        }
        Some(&[id, key, pattern, limit, spec, _, reverse, _]) => {
            let table = open(cx, id, Access::Read)?;
            let chunk = OrderedChunk {
                id,
                spec: Handle::of(spec).ok_or(Fail::Badarg)?,
                limit: self::limit(limit)?,
                course: Course {
                    behind: Some(key),
                    pattern: Some(pattern).filter(|pattern| !pattern.is_nil()),
                    backward: reverse == Term::small(1),
                },
                bound: false,
            };
            chunk.go_on(cx, table)
        }
        _ => Err(Fail::Badarg),
    }
}

fn continue_hash(cx: &mut Context, table: Opened, fields: [Term; 5]) -> Value {
    let [id, bucket, limit, spec, results] = fields;
    let Store::Hash(store) = &table.store else {
        return Err(Fail::Badarg);
    };
    let bucket = match bucket.as_small() {
        Some(-1) => None,
        // The table may have shrunk meanwhile.
        Some(bucket @ 0..) => Some(bucket as usize).filter(|bucket| *bucket < store.buckets()),
        _ => return Err(Fail::Badarg),
    };
    let mut kept = Found::new();
    let mut elements = results.iter_list();
    for element in elements.by_ref() {
        found(&mut kept, Some(element))?;
    }
    if !elements.tail().is_nil() {
        return Err(Fail::Badarg);
    }
    kept.reverse();
    let chunk = HashChunk {
        id,
        spec: Handle::of(spec).ok_or(Fail::Badarg)?,
        limit: self::limit(limit)?,
        bucket,
        results: kept,
    };
    chunk.go_on(cx, table)
}

/// How many objects the specification says `true` to; each of them comes to `verdict`, the others are kept.
fn count(cx: &mut Context, args: &[Term], access: Access, verdict: Verdict) -> Value {
    let mut table = open(cx, args[0], access)?;
    let Some(spec) = specification(cx, args[1])? else {
        return Ok(Term::small(0));
    };
    let plan = plan(cx, &table, &spec)?;
    let mut scratch = Scratch::default();
    let mut count = 0;
    change(cx, &mut table, &plan, &mut |cx, object| {
        let value = spec.run(
            cx,
            &mut scratch,
            object.term(),
            Subject::LookedAt,
            &mut NoActions,
        )?;
        if value == Some(am::TRUE.term()) {
            count += 1;
            return Ok(verdict);
        }
        Ok(Verdict::Keep)
    })?;
    Ok(Term::small(count))
}

fn select_count_2(cx: &mut Context, args: &[Term]) -> Value {
    count(cx, args, Access::Read, Verdict::Keep)
}

/// What `select_delete/2` and `match_delete/2` are made of.
fn internal_select_delete_2(cx: &mut Context, args: &[Term]) -> Value {
    count(cx, args, Access::Write, Verdict::Delete)
}

fn select_replace_2(cx: &mut Context, args: &[Term]) -> Value {
    let mut table = open(cx, args[0], Access::Write)?;
    if table.options.kind == Kind::Bag {
        return Err(cx.fail_because(am::TABLE_TYPE));
    }
    let Some(spec) = specification(cx, args[1])? else {
        return Ok(Term::small(0));
    };
    for clause in args[1].iter_list() {
        if !keeps_key(cx.atoms(), clause, table.key_position())? {
            return Err(Fail::Badarg);
        }
    }
    let plan = plan(cx, &table, &spec)?;
    let mut scratch = Scratch::default();
    let mut count = 0;
    let accepted = table.key_position();
    change(cx, &mut table, &plan, &mut |cx, object| {
        let value = value_of(cx, &spec, &mut scratch, object)?;
        match value {
            Some(tuple) if tuple.as_tuple().is_some_and(|t| t.len() > accepted) => {
                count += 1;
                Ok(Verdict::Replace(tuple))
            }
            _ => Ok(Verdict::Keep),
        }
    })?;
    Ok(Term::small(count))
}

/// Whether the body of a clause surely gives an object with the key of the one that was matched.
fn keeps_key(atoms: &AtomTable, clause: Term, position: usize) -> Result<bool, NoMemory> {
    let Some(&[head, _, body]) = clause.as_tuple() else {
        return Ok(false);
    };
    let is_name = |term: Term, name: &str| term.as_atom().is_some_and(|a| atoms.name(a) == name);
    let Some(result) = body.as_cons().filter(|cell| cell.tail.is_nil()) else {
        return Ok(false);
    };
    let result = result.head;
    if is_name(result, "$_") {
        return Ok(true);
    }
    let Some(&key) = head.as_tuple().and_then(|head| head.get(position)) else {
        return Ok(false);
    };
    let Some(elements) = result.as_tuple() else {
        return Ok(false);
    };
    // `{element, KeyPos, '$_'}`.
    let is_own_key = |built: Term| match built.as_tuple() {
        Some(&[function, of, object]) => {
            is_name(function, "element")
                && of.as_small() == Some(position as i64 + 1)
                && is_name(object, "$_")
        }
        _ => false,
    };
    match *elements {
        [inner] => match inner.as_tuple().and_then(|inner| inner.get(position)) {
            Some(&built) => Ok(is_own_key(built) || builds(atoms, key, built)?),
            None => Ok(false),
        },
        [name, constant] if is_name(name, "const") => {
            let built = constant.as_tuple().and_then(|inner| inner.get(position));
            Ok(match built {
                Some(&built) => is_constant(atoms, key)? && exact_equal(built, key),
                None => false,
            })
        }
        _ => Ok(false),
    }
}

/// Whether the expression `built` makes what the pattern `key` matched.
fn builds(atoms: &AtomTable, key: Term, built: Term) -> Result<bool, NoMemory> {
    let mut left: Vec<(Term, Term)> = Vec::new();
    left.try_reserve(1).map_err(|_| NoMemory)?;
    left.push((key, built));
    while let Some((key, built)) = left.pop() {
        if key.is_atom() {
            let underscore = crate::match_spec::pattern::is_underscore(atoms, key);
            let special = key
                .as_atom()
                .is_some_and(|a| matches!(atoms.name(a), "$_" | "$$"));
            let variable = variable_number(atoms, key).is_some();
            if underscore
                || special
                || (key != built && (variable || !is_const_of(atoms, built, key)))
            {
                return Ok(false);
            }
            continue;
        }
        if is_const_of(atoms, built, key) && is_constant(atoms, key)? {
            continue;
        }
        if let (Some(x), Some(y)) = (key.as_cons(), built.as_cons()) {
            left.try_reserve(2).map_err(|_| NoMemory)?;
            left.push((x.tail, y.tail));
            left.push((x.head, y.head));
            continue;
        }
        if let (Some(x), Some(&[y])) = (key.as_tuple(), built.as_tuple())
            && let Some(y) = y.as_tuple()
            && x.len() == y.len()
        {
            left.try_reserve(x.len()).map_err(|_| NoMemory)?;
            left.extend(x.iter().copied().zip(y.iter().copied()));
            continue;
        }
        if key.is_tuple() || key.is_cons() || key.is_map() || !exact_equal(key, built) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether `built` is `{const, key}`.
fn is_const_of(atoms: &AtomTable, built: Term, key: Term) -> bool {
    match built.as_tuple() {
        Some(&[name, constant]) => {
            name.as_atom().is_some_and(|a| atoms.name(a) == "const") && exact_equal(constant, key)
        }
        _ => false,
    }
}
