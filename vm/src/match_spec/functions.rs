//! What may be called in guards and bodies.
//!
//! Functions are those of OTP's match specifications, not all that Erlang's guards have. OTP 26 and later know more of
//! them ([`LATER`]).

use super::Dialect;
use super::actions::Action;
use super::code::Comparison;
use super::problem::Problem;
use crate::term::Term;

/// What a name with so many arguments is.
#[derive(Clone, Copy)]
pub enum Meaning {
    /// A built-in function of module `erlang` whose value has nothing of its arguments in it.
    Fresh,
    /// A built-in function of module `erlang` whose value may be a part of its arguments.
    Part,
    /// A comparison.
    Compare(Comparison),
    /// `not`
    Not,
    /// `xor`
    Xor,
    /// A form of tracing.
    Act(Action),
}

/// Functions of every dialect.
const FUNCTIONS: &[(&str, usize, Meaning)] = &[
    ("is_atom", 1, Meaning::Fresh),
    ("is_float", 1, Meaning::Fresh),
    ("is_integer", 1, Meaning::Fresh),
    ("is_list", 1, Meaning::Fresh),
    ("is_number", 1, Meaning::Fresh),
    ("is_pid", 1, Meaning::Fresh),
    ("is_port", 1, Meaning::Fresh),
    ("is_reference", 1, Meaning::Fresh),
    ("is_tuple", 1, Meaning::Fresh),
    ("is_map", 1, Meaning::Fresh),
    ("is_binary", 1, Meaning::Fresh),
    ("is_function", 1, Meaning::Fresh),
    ("is_record", 3, Meaning::Fresh),
    ("abs", 1, Meaning::Part),
    ("element", 2, Meaning::Part),
    ("hd", 1, Meaning::Part),
    ("length", 1, Meaning::Fresh),
    ("node", 0, Meaning::Fresh),
    ("node", 1, Meaning::Fresh),
    ("round", 1, Meaning::Part),
    ("size", 1, Meaning::Fresh),
    ("bit_size", 1, Meaning::Fresh),
    ("byte_size", 1, Meaning::Fresh),
    ("map_size", 1, Meaning::Fresh),
    ("map_get", 2, Meaning::Part),
    ("is_map_key", 2, Meaning::Fresh),
    ("tl", 1, Meaning::Part),
    ("trunc", 1, Meaning::Part),
    ("float", 1, Meaning::Part),
    ("binary_part", 2, Meaning::Part),
    ("binary_part", 3, Meaning::Part),
    ("+", 1, Meaning::Part),
    ("-", 1, Meaning::Fresh),
    ("+", 2, Meaning::Fresh),
    ("-", 2, Meaning::Fresh),
    ("*", 2, Meaning::Fresh),
    ("/", 2, Meaning::Fresh),
    ("div", 2, Meaning::Part),
    ("rem", 2, Meaning::Part),
    ("band", 2, Meaning::Part),
    ("bor", 2, Meaning::Part),
    ("bxor", 2, Meaning::Part),
    ("bnot", 1, Meaning::Fresh),
    ("bsl", 2, Meaning::Part),
    ("bsr", 2, Meaning::Part),
    ("not", 1, Meaning::Not),
    ("xor", 2, Meaning::Xor),
    ("<", 2, Meaning::Compare(Comparison::Less)),
    (">", 2, Meaning::Compare(Comparison::Greater)),
    ("=<", 2, Meaning::Compare(Comparison::LessOrEqual)),
    (">=", 2, Meaning::Compare(Comparison::GreaterOrEqual)),
    ("==", 2, Meaning::Compare(Comparison::Equal)),
    ("/=", 2, Meaning::Compare(Comparison::NotEqual)),
    ("=:=", 2, Meaning::Compare(Comparison::Exact)),
    ("=/=", 2, Meaning::Compare(Comparison::NotExact)),
];

/// Functions that OTP 26 and 27 added.
const LATER: &[(&str, usize, Meaning)] = &[
    ("is_bitstring", 1, Meaning::Fresh),
    ("is_boolean", 1, Meaning::Fresh),
    ("is_function", 2, Meaning::Fresh),
    ("tuple_size", 1, Meaning::Fresh),
    ("ceil", 1, Meaning::Part),
    ("floor", 1, Meaning::Part),
    ("max", 2, Meaning::Part),
    ("min", 2, Meaning::Part),
];

/// A form of tracing: name, what it is, fewest and most arguments, whether guards may have it, and
/// what OTP calls it when it is in the wrong dialect.
struct Form {
    name: &'static str,
    action: Action,
    arguments: (usize, usize),
    in_guards: bool,
    wrong: &'static str,
}

const fn form(
    name: &'static str,
    action: Action,
    arguments: (usize, usize),
    in_guards: bool,
) -> Form {
    Form {
        name,
        action,
        arguments,
        in_guards,
        wrong: name,
    }
}

const FORMS: &[Form] = &[
    form("message", Action::Message, (1, 1), false),
    form("return_trace", Action::ReturnTrace, (0, 0), false),
    form("exception_trace", Action::ExceptionTrace, (0, 0), false),
    form("is_seq_trace", Action::IsSeqTrace, (0, 0), true),
    Form {
        wrong: "set_seq_trace",
        ..form("set_seq_token", Action::SetSeqToken, (2, 2), false)
    },
    form("get_seq_token", Action::GetSeqToken, (0, 0), false),
    form("display", Action::Display, (1, 1), false),
    form("process_dump", Action::ProcessDump, (0, 0), false),
    form("enable_trace", Action::EnableTrace, (1, 2), false),
    form("disable_trace", Action::DisableTrace, (1, 2), false),
    form("trace", Action::Trace, (2, 3), false),
    form("caller", Action::Caller, (0, 0), false),
    form("caller_line", Action::CallerLine, (0, 0), false),
    form("silent", Action::Silent, (1, 1), false),
];

const LATER_FORMS: &[Form] = &[form(
    "current_stacktrace",
    Action::CurrentStacktrace,
    (0, 1),
    false,
)];

/// Where a call stands.
#[derive(Clone, Copy)]
pub struct Place {
    /// In what kind of specification.
    pub dialect: Dialect,
    /// In a guard, not in the body.
    pub in_guard: bool,
    /// Whether functions of OTP 26 and 27 exist.
    pub later: bool,
}

/// What `{name, ...}` with so many arguments means there. `call` is the whole call, `function` its name as a term.
pub fn meaning(
    name: &str,
    arity: usize,
    place: Place,
    function: Term,
    call: Term,
) -> Result<Meaning, Problem> {
    let later_forms = if place.later { LATER_FORMS } else { &[] };
    if let Some(form) = FORMS
        .iter()
        .chain(later_forms)
        .find(|form| form.name == name)
    {
        return form_meaning(form, arity, place, call);
    }
    let later = if place.later { LATER } else { &[] };
    let mut all = FUNCTIONS.iter().chain(later);
    if let Some((_, _, meaning)) = all.find(|(n, a, _)| *n == name && *a == arity) {
        return Ok(*meaning);
    }
    match (name, arity) {
        ("get_tcw", 0) if place.dialect != Dialect::Table => {
            Ok(Meaning::Act(Action::GetTraceControlWord))
        }
        ("set_tcw", 1) if place.dialect != Dialect::Table && !place.in_guard => {
            Ok(Meaning::Act(Action::SetTraceControlWord))
        }
        ("get_tcw", 0) | ("set_tcw", 1) => Err(Problem::NotHere(function, arity)),
        _ => Err(Problem::NoFunction(function, arity)),
    }
}

fn form_meaning(
    form: &'static Form,
    arity: usize,
    place: Place,
    call: Term,
) -> Result<Meaning, Problem> {
    let of_caller = matches!(
        form.action,
        Action::Caller | Action::CallerLine | Action::CurrentStacktrace
    );
    let allowed = match place.dialect {
        Dialect::Table => false,
        Dialect::Trace => true,
        Dialect::Send => !of_caller,
        // Without effect, but allowed.
        Dialect::Receive => matches!(
            form.action,
            Action::Message | Action::Display | Action::ReturnTrace | Action::ExceptionTrace
        ),
    };
    if !allowed {
        return Err(Problem::WrongDialect(form.wrong));
    }
    if place.in_guard && !form.in_guards {
        return Err(Problem::InGuard(form.name));
    }
    let (fewest, most) = form.arguments;
    if (fewest..=most).contains(&arity) {
        return Ok(Meaning::Act(form.action));
    }
    Err(if most == 0 {
        Problem::WithArguments(form.name, call)
    } else {
        Problem::WrongNumber(form.name, call)
    })
}
