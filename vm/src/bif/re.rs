//! The built-in functions of module `re`, on the matcher of `regex`.
//!
//! `global`, lists of characters and list results of `unicode` patterns are the business of Erlang code in the module
//! itself (`re:grun/3`, `re:urun/3`, `re:ucompile/2`), which calls back with binaries.

use super::{Bif, Class, Context, Fail, Value, bif};
use crate::atom::am;
use crate::bits::iolist::{Parts, flatten};
use crate::bits::view::{BitsView, view};
use crate::bits::{make_binary, sub_bits};
use crate::memory::{Arena, NoMemory};
use crate::process::Trap;
use crate::regex::{
    CompileError, CompileOptions, Compiled, FORM, Found, Newline, Options, Program, RunOptions,
    Stop, compile, find,
};
use crate::term::{Atom, Term};
use alloc::borrow::Cow;
use alloc::vec::Vec;

/// The functions.
pub const TABLE: &[Bif] = &[
    bif("re", "version", 0, version_0),
    bif("re", "compile", 1, compile_1),
    bif("re", "compile", 2, compile_2),
    bif("re", "run", 2, run_2),
    bif("re", "run", 3, run_3),
    bif("re", "internal_run", 4, internal_run_4),
    bif("re", "inspect", 2, inspect_2),
];

/// What `re:version/0` says: the version of PCRE whose syntax and semantics these are and, where PCRE has the date of its release, that
/// of the form of our programs. Elixir keeps compiled patterns in its modules with the version that compiled them, and compiles them
/// again where another one runs: so the date is none of PCRE's, and changes with the form.
const VERSION: &[u8] = b"8.44 2026-11-01";

const _: () = assert!(VERSION[VERSION.len() - 1] == b'0' + FORM);

/// Steps of the matcher that one reduction pays for.
const STEPS_PER_REDUCTION: u64 = 10;

/// What a list of options says.
#[derive(Default)]
struct Parsed {
    compile: CompileOptions,
    run: RunOptions,
    newline: Option<Newline>,
    bsr_anycrlf: Option<bool>,
    /// There are options that only compilation takes.
    for_compile: bool,
    /// There are options that only a run takes.
    for_run: bool,
    unicode: bool,
    global: bool,
    report_errors: bool,
    /// What to return of a match, and as what.
    capture: Option<(Term, Term)>,
}

/// The options of a list; `None` if one of them is none.
fn parse_options(mut list: Term) -> Option<Parsed> {
    let mut parsed = Parsed::default();
    while let Some(&cell) = list.as_cons() {
        match cell.head.as_atom() {
            Some(atom) => flag(&mut parsed, atom)?,
            None => pair(&mut parsed, cell.head)?,
        }
        list = cell.tail;
    }
    if !list.is_nil() {
        return None;
    }
    parsed.compile.newline = parsed.newline.unwrap_or_default();
    parsed.compile.bsr_anycrlf = parsed.bsr_anycrlf.unwrap_or(false);
    parsed.run.newline = parsed.newline;
    parsed.run.bsr_anycrlf = parsed.bsr_anycrlf;
    Some(parsed)
}

fn flag(parsed: &mut Parsed, atom: Atom) -> Option<()> {
    let compile = match atom {
        am::ANCHORED => {
            parsed.compile.options = parsed.compile.options.with(Options::ANCHORED);
            parsed.run.options = parsed.run.options.with(Options::ANCHORED);
            return Some(());
        }
        am::BSR_ANYCRLF => {
            parsed.bsr_anycrlf = Some(true);
            return Some(());
        }
        am::BSR_UNICODE => {
            parsed.bsr_anycrlf = Some(false);
            return Some(());
        }
        am::NO_START_OPTIMIZE => Options::NO_START_OPTIMIZE,
        am::CASELESS => Options::CASELESS,
        am::DOLLAR_ENDONLY => Options::DOLLAR_ENDONLY,
        am::DOTALL => Options::DOTALL,
        am::EXTENDED => Options::EXTENDED,
        am::FIRSTLINE => Options::FIRSTLINE,
        am::MULTILINE => Options::MULTILINE,
        am::NO_AUTO_CAPTURE => Options::NO_AUTO_CAPTURE,
        am::DUPNAMES => Options::DUPNAMES,
        am::UNGREEDY => Options::UNGREEDY,
        am::UCP => Options::UCP,
        am::NEVER_UTF => Options::NEVER_UTF,
        am::UNICODE => {
            parsed.unicode = true;
            Options::UTF
        }
        _ => return run_flag(parsed, atom),
    };
    parsed.compile.options = parsed.compile.options.with(compile);
    parsed.for_compile = true;
    Some(())
}

fn run_flag(parsed: &mut Parsed, atom: Atom) -> Option<()> {
    parsed.for_run = true;
    let run = match atom {
        am::NOTEMPTY => Options::NOTEMPTY,
        am::NOTEMPTY_ATSTART => Options::NOTEMPTY_ATSTART,
        am::NOTBOL => Options::NOTBOL,
        am::NOTEOL => Options::NOTEOL,
        am::GLOBAL => {
            parsed.global = true;
            return Some(());
        }
        am::REPORT_ERRORS => {
            parsed.report_errors = true;
            return Some(());
        }
        _ => return None,
    };
    parsed.run.options = parsed.run.options.with(run);
    Some(())
}

fn pair(parsed: &mut Parsed, option: Term) -> Option<()> {
    let elements = option.as_tuple()?;
    if let &[tag, values, kind] = elements
        && tag == am::CAPTURE.term()
    {
        parsed.capture = Some((values, kind));
        parsed.for_run = true;
        return Some(());
    }
    let &[tag, value] = elements else {
        return None;
    };
    let number = || {
        u32::try_from(value.as_small()?)
            .ok()
            .filter(|n| *n <= i32::MAX as u32)
    };
    match tag.as_atom()? {
        am::CAPTURE => parsed.capture = Some((value, am::INDEX.term())),
        am::OFFSET => parsed.run.offset = number()? as usize,
        am::MATCH_LIMIT => parsed.run.match_limit = Some(number()?),
        am::MATCH_LIMIT_RECURSION => parsed.run.match_limit_recursion = Some(number()?),
        am::NEWLINE => {
            parsed.newline = Some(match value.as_atom()? {
                am::CR => Newline::Cr,
                am::LF => Newline::Lf,
                am::CRLF => Newline::CrLf,
                am::ANY => Newline::Any,
                am::ANYCRLF => Newline::AnyCrLf,
                _ => return None,
            });
            return Some(());
        }
        _ => return None,
    }
    parsed.for_run = true;
    Some(())
}

fn is_binary(term: Term) -> bool {
    view(&term).is_some_and(BitsView::is_binary)
}

/// Calls an Erlang function of module `re` instead.
fn call_instead(cx: &mut Context, function: Atom, args: &[Term]) -> Value {
    for (i, &argument) in args.iter().enumerate() {
        cx.machine().x[i] = argument;
    }
    let arity = args.len();
    let export = cx.machine().code.export(am::RE, function, arity as u8);
    cx.process().trap = Some(Trap {
        export: export.cast(),
        arity,
    });
    Err(Fail::Trap)
}

/// The bytes of a binary.
fn bytes_of<'a>(term: Term) -> Result<Cow<'a, [u8]>, Fail> {
    let bits = view(&term).ok_or(Fail::Badarg)?;
    bits.to_bytes()?.ok_or(Fail::Badarg)
}

/// An I/O list as a binary.
fn to_binary(cx: &mut Context, data: Term) -> Value {
    if is_binary(data) {
        return Ok(data);
    }
    if !data.is_list() {
        return Err(Fail::Badarg);
    }
    flatten(cx, data, Parts::Binaries)
}

fn version_0(cx: &mut Context, _: &[Term]) -> Value {
    Ok(make_binary(cx, VERSION)?)
}

fn compile_1(cx: &mut Context, args: &[Term]) -> Value {
    compile_2(cx, &[args[0], Term::NIL])
}

/// `compile(Pattern, Options)`: `{ok, {re_pattern, Captures, Unicode, CrLf, Program}}` or `{error, {Text, Offset}}`.
fn compile_2(cx: &mut Context, args: &[Term]) -> Value {
    let options = parse_options(args[1]).filter(|options| !options.for_run);
    let Some(options) = options else {
        return Err(cx.fail_because(am::BADOPT));
    };
    if options.unicode && !is_binary(args[0]) {
        return call_instead(cx, am::UCOMPILE, args);
    }
    let pattern = to_binary(cx, args[0])?;
    let pattern = bytes_of(pattern)?;
    match compile_in_pieces(cx, &pattern, options.compile)? {
        Ok(compiled) => {
            let pattern = re_pattern(cx, &compiled, options.unicode)?;
            Ok(cx.tuple(&[am::OK.term(), pattern])?)
        }
        Err(error) => {
            let error = describe(cx, error)?;
            Ok(cx.tuple(&[am::ERROR.term(), error])?)
        }
    }
}

/// Items of a pattern or of its program for which a reduction is counted.
const ITEMS_PER_REDUCTION: usize = 2;

/// Compiles `text`, which others do not change; they may run in between.
fn compile_in_pieces(
    cx: &mut Context,
    text: &[u8],
    options: CompileOptions,
) -> Result<Result<Compiled, CompileError>, Fail> {
    // A process that is to end lets nobody run any more: what is left takes some milliseconds at most.
    let mut ended = Ok(());
    let compiled = compile(text, options, &mut |items| {
        if ended.is_ok() {
            ended = cx.consume(items / ITEMS_PER_REDUCTION);
        }
    });
    ended.map(|()| compiled)
}

fn re_pattern(cx: &mut Context, compiled: &Compiled, unicode: bool) -> Value {
    let program = make_binary(cx, &compiled.bytes)?;
    Ok(cx.tuple(&[
        am::RE_PATTERN.term(),
        Term::small(compiled.groups as i64),
        Term::small(unicode as i64),
        Term::small(compiled.newline.takes_crlf() as i64),
        program,
    ])?)
}

/// `{Text, Offset}`
fn describe(cx: &mut Context, error: CompileError) -> Value {
    let text = cx.byte_list(error.text.as_bytes(), Term::NIL)?;
    Ok(cx.tuple(&[text, Term::small(error.offset as i64)])?)
}

fn run_2(cx: &mut Context, args: &[Term]) -> Value {
    run(cx, args[0], args[1], Term::NIL, true)
}

fn run_3(cx: &mut Context, args: &[Term]) -> Value {
    run(cx, args[0], args[1], args[2], true)
}

/// As `run/3`; the fourth argument is false if the subject has been checked to be UTF-8.
fn internal_run_4(cx: &mut Context, args: &[Term]) -> Value {
    let is_first = args[3].as_boolean().ok_or(Fail::Badarg)?;
    run(cx, args[0], args[1], args[2], is_first)
}

fn run(cx: &mut Context, subject: Term, pattern: Term, options: Term, is_first: bool) -> Value {
    let Some(mut parsed) = parse_options(options) else {
        return Err(cx.fail_because(am::BADOPT));
    };
    parsed.run.is_checked = !is_first;
    let wants_list = parsed
        .capture
        .is_some_and(|(_, kind)| kind == am::LIST.term());
    let in_erlang = !is_binary(subject) || (wants_list && !parsed.global);
    let program = match pattern.as_tuple() {
        Some(&[tag, captures, unicode, crlf, program]) => {
            let is_pattern = tag == am::RE_PATTERN.term()
                && [captures, unicode, crlf].iter().all(|n| n.is_small())
                && is_binary(program);
            if parsed.for_compile || !is_pattern {
                return Err(Fail::Badarg);
            }
            if unicode.as_small() != Some(0) && in_erlang {
                return call_instead(cx, am::URUN, &[subject, pattern, options]);
            }
            if parsed.global {
                let how = cx.tuple(&[options, Term::boolean(false)])?;
                return call_instead(cx, am::GRUN, &[subject, pattern, how]);
            }
            bytes_of(program)?
        }
        _ => {
            if !is_binary(pattern) && !pattern.is_list() {
                return Err(Fail::Badarg);
            }
            if parsed.unicode && (in_erlang || !is_binary(pattern)) {
                return call_instead(cx, am::URUN, &[subject, pattern, options]);
            }
            let text = to_binary(cx, pattern)?;
            let text = bytes_of(text)?;
            let compiled = match compile_in_pieces(cx, &text, parsed.compile)? {
                Ok(compiled) => compiled,
                Err(error) if parsed.report_errors => {
                    let error = describe(cx, error)?;
                    let error = cx.tuple(&[am::COMPILE.term(), error])?;
                    return Ok(cx.tuple(&[am::ERROR.term(), error])?);
                }
                Err(_) => return Err(Fail::Badarg),
            };
            if parsed.global {
                let precompiled = re_pattern(cx, &compiled, parsed.unicode)?;
                let for_compile = Term::boolean(parsed.for_compile);
                let how = cx.tuple(&[options, for_compile, pattern])?;
                return call_instead(cx, am::GRUN, &[subject, precompiled, how]);
            }
            Cow::Owned(compiled.bytes)
        }
    };
    let program = Program::view(&program).ok_or(Fail::Badarg)?;
    let wanted = match parsed.capture {
        Some((values, kind)) => Wanted::of(cx, values, kind, &program)?,
        None => Wanted::all(Form::Index),
    };
    let subject = to_binary(cx, subject)?;
    let bytes = bytes_of(subject)?;
    let mut told = 0;
    let mut rest = |work: u64| {
        told += work;
        cx.consume((work / STEPS_PER_REDUCTION) as usize).is_ok()
    };
    match find(program, &bytes, &parsed.run, &mut rest) {
        Ok(found) => {
            let rest = found.work.saturating_sub(told) / STEPS_PER_REDUCTION;
            cx.bump_reductions(rest as usize);
            wanted.build(cx, subject, &found)
        }
        Err(stop) => stopped(cx, stop, parsed.report_errors),
    }
}

fn stopped(cx: &mut Context, stop: Stop, report: bool) -> Value {
    let reason = match stop {
        Stop::MatchLimit => am::MATCH_LIMIT,
        Stop::RecursionLimit => am::MATCH_LIMIT_RECURSION,
        Stop::RecursionLoop => return Ok(am::NOMATCH.term()),
        Stop::NoMemory => return Err(Fail::NoMemory),
        Stop::Ended => return Err(Fail::Suspend),
        Stop::Corrupt | Stop::BadUtf8 => return Err(Fail::Badarg),
        Stop::BadOffset => {
            return Err(cx.raise(Class::Error, am::INTERNAL_ERROR.term()));
        }
    };
    if !report {
        return Ok(am::NOMATCH.term());
    }
    Ok(cx.tuple(&[am::ERROR.term(), reason.term()])?)
}

/// As what a group comes back.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Index,
    List,
    Binary,
}

/// Which groups come back.
enum Which {
    /// From this one on, to the last that matched.
    From(usize),
    None,
    /// The first that matched of each of these lists.
    These(Vec<Vec<u32>>),
}

struct Wanted {
    form: Form,
    which: Which,
}

impl Wanted {
    fn all(form: Form) -> Wanted {
        Wanted {
            form,
            which: Which::From(0),
        }
    }

    /// What `{capture, Values, Type}` asks for.
    fn of(cx: &mut Context, values: Term, kind: Term, program: &Program) -> Result<Wanted, Fail> {
        let form = match kind.as_atom() {
            Some(am::INDEX) => Form::Index,
            Some(am::LIST) => Form::List,
            Some(am::BINARY) => Form::Binary,
            _ => return Err(Fail::Badarg),
        };
        let which = match values.as_atom() {
            Some(am::ALL) => Which::From(0),
            Some(am::NONE) => Which::None,
            Some(am::ALL_BUT_FIRST) => Which::From(1),
            Some(am::FIRST) => {
                let mut these = Vec::new();
                push(&mut these, alloc::vec![0])?;
                Which::These(these)
            }
            Some(am::ALL_NAMES) => all_names(program)?,
            Some(_) => return Err(Fail::Badarg),
            None if values.is_nil() => Which::None,
            None => listed(cx, values, program)?,
        };
        Ok(Wanted { form, which })
    }

    /// `match`, `nomatch` or `{match, Groups}`.
    fn build(&self, cx: &mut Context, subject: Term, found: &Found) -> Value {
        if !found.is_match {
            return Ok(am::NOMATCH.term());
        }
        let mut terms = Vec::new();
        match &self.which {
            Which::None => return Ok(am::MATCHED.term()),
            Which::From(first) => {
                for &group in found.groups.iter().skip(*first) {
                    let term = self.group(cx, subject, group)?;
                    push(&mut terms, term)?;
                }
            }
            Which::These(groups) => {
                for candidates in groups {
                    let position = candidates
                        .iter()
                        .filter_map(|group| found.groups.get(*group as usize))
                        .find(|(start, _)| *start >= 0);
                    let position = position.copied().unwrap_or((-1, -1));
                    let term = self.group(cx, subject, position)?;
                    push(&mut terms, term)?;
                }
            }
        }
        let list = cx.list(&terms)?;
        Ok(cx.tuple(&[am::MATCHED.term(), list])?)
    }

    fn group(&self, cx: &mut Context, subject: Term, (start, end): (i64, i64)) -> Value {
        // `\K` in a lookahead can put the start behind the end.
        if self.form == Form::Index {
            return Ok(cx.tuple(&[Term::small(start), Term::small(end - start)])?);
        }
        let length = (end - start).max(0) as usize;
        let start = start.max(0) as usize;
        if self.form == Form::Binary {
            return Ok(sub_bits(cx, subject, start * 8, length * 8)?);
        }
        let bytes = bytes_of(subject)?;
        let part = bytes.get(start..start + length).unwrap_or_default();
        Ok(cx.byte_list(part, Term::NIL)?)
    }
}

fn push<T>(vector: &mut Vec<T>, value: T) -> Result<(), Fail> {
    vector.try_reserve(1).map_err(|_| NoMemory)?;
    vector.push(value);
    Ok(())
}

/// The groups of each name, in the names' order. A name stands for all of its groups with `dupnames`, else for each of them.
fn all_names(program: &Program) -> Result<Which, Fail> {
    let mut these: Vec<Vec<u32>> = Vec::new();
    let mut last = None;
    for (name, group) in program.names() {
        if program.has_duplicate_names()
            && last == Some(name)
            && let Some(groups) = these.last_mut()
        {
            push(groups, group)?;
        } else {
            push(&mut these, alloc::vec![group])?;
        }
        last = Some(name);
    }
    if these.is_empty() {
        return Ok(Which::None);
    }
    Ok(Which::These(these))
}

/// The groups of a list of numbers and names.
fn listed(cx: &mut Context, values: Term, program: &Program) -> Result<Which, Fail> {
    let mut these = Vec::new();
    let mut rest = values;
    while let Some(&cell) = rest.as_cons() {
        let item = cell.head;
        let groups = match item.as_small() {
            Some(number) => {
                let number = u32::try_from(number).map_err(|_| Fail::Badarg)?;
                if number > i32::MAX as u32 {
                    return Err(Fail::Badarg);
                }
                alloc::vec![number]
            }
            None => match item.as_atom() {
                Some(atom) => {
                    let name = cx.atoms().name(atom);
                    named(program, name.as_bytes())?
                }
                None if item.is_cons() || is_binary(item) => {
                    let name = to_binary(cx, item)?;
                    named(program, &bytes_of(name)?)?
                }
                None => return Err(Fail::Badarg),
            },
        };
        push(&mut these, groups)?;
        rest = cell.tail;
    }
    if !rest.is_nil() {
        return Err(Fail::Badarg);
    }
    Ok(Which::These(these))
}

fn named(program: &Program, name: &[u8]) -> Result<Vec<u32>, Fail> {
    let end = memchr::memchr(0, name).unwrap_or(name.len());
    let mut groups = Vec::new();
    for (text, group) in program.names() {
        if text == &name[..end] && (groups.is_empty() || program.has_duplicate_names()) {
            push(&mut groups, group)?;
        }
    }
    Ok(groups)
}

/// `inspect(Pattern, namelist)`: the names of groups, in alphabetical order.
fn inspect_2(cx: &mut Context, args: &[Term]) -> Value {
    let Some(&[tag, captures, unicode, crlf, program]) = args[0].as_tuple() else {
        return Err(Fail::Badarg);
    };
    let is_pattern = tag == am::RE_PATTERN.term()
        && [captures, unicode, crlf].iter().all(|n| n.is_small())
        && is_binary(program);
    if !is_pattern || args[1] != am::NAMELIST.term() {
        return Err(Fail::Badarg);
    }
    let program = bytes_of(program)?;
    let program = Program::view(&program).ok_or(Fail::Badarg)?;
    let mut names = Vec::new();
    let mut last = None;
    for (name, _) in program.names() {
        if last != Some(name) || !program.has_duplicate_names() {
            let binary = make_binary(cx, name)?;
            push(&mut names, binary)?;
        }
        last = Some(name);
    }
    let list = cx.list(&names)?;
    Ok(cx.tuple(&[am::NAMELIST.term(), list])?)
}
