//! Heads: what a subject must look like.
//!
//! A head becomes a sequence of [`Step`]s in the order in which a walk over the head meets its parts. Matching walks over the
//! subject in step with them: a step takes the next term, and if it expects something nested, what is inside comes next.
//!
//! Invariant: a variable is bound by the first step that meets it and compared (`=:=`) by all others.

use super::problem::Problem;
use super::run::Bindings;
use crate::atom::AtomTable;
use crate::map;
use crate::memory::NoMemory;
use crate::term::compare::exact_equal;
use crate::term::{Subtag, Term};
use alloc::vec::Vec;
use smallvec::SmallVec;

/// One step of matching.
#[derive(Clone, Debug)]
pub enum Step {
    /// Whatever there is.
    Any,
    /// The same, and a variable gets it.
    Bind(u32),
    /// What the variable has already.
    Same(u32),
    /// This very term.
    Equal(Term),
    /// A tuple of so many elements, which come next.
    Tuple(usize),
    /// A list cell; its head and tail come next.
    Cons,
    /// A map with these keys; their values come next, the last one first.
    Map(Vec<Term>),
}

/// Which atom is variable `$N`.
pub fn variable_number(atoms: &AtomTable, term: Term) -> Option<u32> {
    let digits = atoms.name(term.as_atom()?).strip_prefix('$')?;
    let digits = digits.as_bytes();
    let leading_zero = digits.len() > 1 && digits[0] == b'0';
    if digits.is_empty() || digits.len() > 9 || leading_zero {
        return None;
    }
    digits.iter().try_fold(0u32, |number, digit| {
        let digit = digit.is_ascii_digit().then(|| (digit - b'0') as u32)?;
        Some(number * 10 + digit)
    })
}

/// Whether `term` is the atom `'_'`.
pub fn is_underscore(atoms: &AtomTable, term: Term) -> bool {
    term.as_atom().is_some_and(|atom| atoms.name(atom) == "_")
}

/// What a head needs to be known about its variables: their numbers by slot.
pub type Variables = Vec<u32>;

/// Whether there is a variable or `'_'` in `term`.
pub fn is_open(atoms: &AtomTable, term: Term) -> Result<bool, NoMemory> {
    let mut left: SmallVec<[Term; 16]> = SmallVec::new();
    left.push(term);
    while let Some(term) = left.pop() {
        if open_atom(atoms, term).is_some() {
            return Ok(true);
        }
        if !term.is_immediate() {
            push_children(&mut left, term)?;
        }
    }
    Ok(false)
}

/// Whether `term`, as the key in a head, is looked up as it is: there is no variable and no `'_'` in it. A map in it matches larger
/// ones, too, which OTP regards only since release 27, as `maps_are_open` says.
pub fn is_bound_key(atoms: &AtomTable, term: Term, maps_are_open: bool) -> Result<bool, NoMemory> {
    if !maps_are_open {
        return Ok(!is_open(atoms, term)?);
    }
    let mut left: SmallVec<[Term; 16]> = SmallVec::new();
    left.push(term);
    while let Some(term) = left.pop() {
        if map::is_map(term) || open_atom(atoms, term).is_some() {
            return Ok(false);
        }
        if !term.is_immediate() {
            push_children(&mut left, term)?;
        }
    }
    Ok(true)
}

/// What is wrong with a key of a map in a head.
fn open_atom(atoms: &AtomTable, term: Term) -> Option<Problem> {
    if is_underscore(atoms, term) {
        return Some(Problem::UnderscoreInKey);
    }
    variable_number(atoms, term).map(|_| Problem::VariableInKey)
}

/// Puts what is directly in a tuple, list or map on `left`.
pub fn push_children(left: &mut SmallVec<[Term; 16]>, term: Term) -> Result<(), NoMemory> {
    if let Some(cell) = term.as_cons() {
        left.try_reserve(2).map_err(|_| NoMemory)?;
        left.push(cell.tail);
        left.push(cell.head);
    } else if let Some(elements) = term.as_tuple() {
        left.try_reserve(elements.len()).map_err(|_| NoMemory)?;
        left.extend(elements.iter().rev().copied());
    } else if map::is_map(term) {
        left.try_reserve(2 * map::size(term))
            .map_err(|_| NoMemory)?;
        for (key, value) in map::iter(term) {
            left.push(value);
            left.push(key);
        }
    }
    Ok(())
}

/// Compiles a head. The numbers of its variables are added to `variables`; what is wrong with it, to `problems`.
///
/// Each part is looked at once, however deep it is: the steps of a part stand as long as it is not at its end, and give way to one
/// [`Step::Equal`] if there was no variable and no map in it.
pub fn compile(
    atoms: &AtomTable,
    head: Term,
    variables: &mut Variables,
    problems: &mut Vec<Problem>,
) -> Result<Vec<Step>, NoMemory> {
    let mut steps: Vec<Step> = Vec::new();
    let mut parts: SmallVec<[Part; 8]> = SmallVec::new();
    let mut left: SmallVec<[Term; 16]> = SmallVec::new();
    left.push(head);
    while let Some(term) = left.pop() {
        steps.try_reserve(1).map_err(|_| NoMemory)?;
        // An open part's own parts are done: what is on `left` next belongs to the one around it.
        if term == Term::NONE {
            let Some(part) = parts.pop() else { continue };
            if !part.is_open {
                steps.truncate(part.from);
                steps.push(Step::Equal(part.term));
            } else if let Some(around) = parts.last_mut() {
                around.is_open = true;
            }
            continue;
        }
        if term.is_immediate() {
            let step = atom_step(atoms, term, variables)?;
            if let Some(around) = parts.last_mut() {
                around.is_open |= !matches!(step, Step::Equal(_));
            }
            steps.push(step);
            continue;
        }
        let is_map = map::is_map(term);
        if !is_map && !term.is_cons() && term.as_tuple().is_none() {
            steps.push(Step::Equal(term));
            continue;
        }
        parts.try_reserve(1).map_err(|_| NoMemory)?;
        parts.push(Part {
            term,
            from: steps.len(),
            is_open: is_map,
        });
        left.try_reserve(1).map_err(|_| NoMemory)?;
        left.push(Term::NONE);
        nested_step(term, atoms, &mut steps, &mut left, problems)?;
    }
    // Room for the steps of a large constant is not kept.
    if steps.capacity() > 2 * steps.len() + 64 {
        let mut fewer = Vec::new();
        fewer.try_reserve_exact(steps.len()).map_err(|_| NoMemory)?;
        fewer.append(&mut steps);
        return Ok(fewer);
    }
    Ok(steps)
}

/// A part of a head whose own parts are being compiled.
struct Part {
    term: Term,
    /// Its first step.
    from: usize,
    /// Whether there is a variable or a map in what was looked at. A map is no constant: in a head it asks for its keys only.
    is_open: bool,
}

/// Whether `term` matches one term only: there is no variable and no map in it.
pub fn is_constant(atoms: &AtomTable, term: Term) -> Result<bool, NoMemory> {
    let mut left: SmallVec<[Term; 16]> = SmallVec::new();
    left.push(term);
    while let Some(term) = left.pop() {
        if map::is_map(term) || open_atom(atoms, term).is_some() {
            return Ok(false);
        }
        if !term.is_immediate() {
            push_children(&mut left, term)?;
        }
    }
    Ok(true)
}

/// What an immediate term asks for.
fn atom_step(atoms: &AtomTable, atom: Term, variables: &mut Variables) -> Result<Step, NoMemory> {
    if is_underscore(atoms, atom) {
        return Ok(Step::Any);
    }
    let Some(number) = variable_number(atoms, atom) else {
        return Ok(Step::Equal(atom));
    };
    if let Some(slot) = variables.iter().position(|n| *n == number) {
        return Ok(Step::Same(slot as u32));
    }
    variables.try_reserve(1).map_err(|_| NoMemory)?;
    variables.push(number);
    Ok(Step::Bind(variables.len() as u32 - 1))
}

/// The step of a tuple, list or map, whose parts come next.
fn nested_step(
    term: Term,
    atoms: &AtomTable,
    steps: &mut Vec<Step>,
    left: &mut SmallVec<[Term; 16]>,
    problems: &mut Vec<Problem>,
) -> Result<(), NoMemory> {
    if map::is_map(term) {
        let mut keys = Vec::new();
        keys.try_reserve_exact(map::size(term))
            .map_err(|_| NoMemory)?;
        left.try_reserve(map::size(term)).map_err(|_| NoMemory)?;
        for (key, value) in map::iter(term) {
            // OTP looks at the key itself only, not into it.
            if let Some(problem) = open_atom(atoms, key) {
                problems.try_reserve(1).map_err(|_| NoMemory)?;
                problems.push(problem);
                return Ok(());
            }
            keys.push(key);
            left.push(value);
        }
        steps.push(Step::Map(keys));
        return Ok(());
    }
    steps.push(match term.as_tuple() {
        Some(elements) => Step::Tuple(elements.len()),
        None => Step::Cons,
    });
    push_children(left, term)
}

/// Terms of the subject that are still to be matched.
#[derive(Clone, Copy)]
pub enum Ahead {
    /// One.
    Value(Term),
    /// As many side by side.
    Span(*const Term, usize),
}

/// What matching keeps while it walks; reused from subject to subject.
pub type Walk = SmallVec<[Ahead; 8]>;

/// Whether `subject` is what the steps say; variables are bound.
#[inline]
pub fn matches(
    steps: &[Step],
    subject: Term,
    bindings: &mut Bindings,
    walk: &mut Walk,
) -> Result<bool, NoMemory> {
    walk.clear();
    walk.push(Ahead::Value(subject));
    for step in steps {
        let term = loop {
            match walk.last_mut() {
                None => return Ok(false),
                Some(Ahead::Value(term)) => {
                    let term = *term;
                    walk.pop();
                    break term;
                }
                Some(Ahead::Span(_, 0)) => {
                    walk.pop();
                }
                Some(Ahead::Span(next, left)) => {
                    // SAFETY: a span covers `left` terms of a part of the subject, which stays where it is.
                    let term = unsafe { **next };
                    *left -= 1;
                    // SAFETY: as above; at most one past the last.
                    *next = unsafe { next.add(1) };
                    break term;
                }
            }
        };
        match step {
            Step::Any => {}
            Step::Bind(slot) => bindings[*slot as usize] = term,
            Step::Same(slot) => {
                if !exact_equal(bindings[*slot as usize], term) {
                    return Ok(false);
                }
            }
            Step::Equal(wanted) => {
                if !exact_equal(*wanted, term) {
                    return Ok(false);
                }
            }
            Step::Tuple(size) => {
                let Some(elements) = term.as_tuple() else {
                    return Ok(false);
                };
                if elements.len() != *size {
                    return Ok(false);
                }
                walk.try_reserve(1).map_err(|_| NoMemory)?;
                walk.push(Ahead::Span(elements.as_ptr(), *size));
            }
            Step::Cons => {
                if !term.is_cons() {
                    return Ok(false);
                }
                walk.try_reserve(1).map_err(|_| NoMemory)?;
                walk.push(Ahead::Span(term.pointer().cast_const().cast(), 2));
            }
            Step::Map(keys) => {
                if !matches!(term.subtag(), Some(Subtag::FlatMap | Subtag::HashMap)) {
                    return Ok(false);
                }
                walk.try_reserve(keys.len()).map_err(|_| NoMemory)?;
                for key in keys {
                    match map::get(term, *key) {
                        Some(value) => walk.push(Ahead::Value(value)),
                        None => return Ok(false),
                    }
                }
            }
        }
    }
    Ok(true)
}
