//! Making processes: every arity of `spawn`, `spawn_link`, `spawn_monitor`, `spawn_opt` and `spawn_request`.
//!
//! In OTP some of these are Erlang code around others; a bare machine has no Erlang code, so all are here.
//! There, a node other than this one is not connected: a process that is to run on it ends at once with reason `noconnection`,
//! as OTP's does. What OTP does instead is in `dist_spawn.rs`.

use super::{Bif, Context, Fail, Value, bare, bif, monitor, process_flag};
use crate::atom::am;
use crate::memory::Arena;
use crate::memory::heap::Parcel;
use crate::observe::sequential;
use crate::process::MaxHeapSize;
use crate::process::reference::RefNumber;
use crate::process::signal;
use crate::process::spawn::{MAX_ARGUMENTS, MonitorOptions, Options, Start, first_call, spawn};
use crate::process::table::InsertError;
use crate::report;
use crate::term::fun::Fun;
use crate::term::{Atom, Term};

/// The built-in functions of this file.
pub const TABLE: &[Bif] = &[
    bare("erlang", "spawn", 1, |cx, args| plain(cx, args, PLAIN)),
    bare("erlang", "spawn", 2, |cx, args| plain(cx, args, PLAIN)),
    bif("erlang", "spawn", 3, |cx, args| plain(cx, args, PLAIN)),
    bare("erlang", "spawn", 4, |cx, args| plain(cx, args, PLAIN)),
    bare("erlang", "spawn_link", 1, |cx, args| plain(cx, args, LINK)),
    bare("erlang", "spawn_link", 2, |cx, args| plain(cx, args, LINK)),
    bif("erlang", "spawn_link", 3, |cx, args| plain(cx, args, LINK)),
    bare("erlang", "spawn_link", 4, |cx, args| plain(cx, args, LINK)),
    bare("erlang", "spawn_monitor", 1, |cx, args| {
        plain(cx, args, MONITOR)
    }),
    bare("erlang", "spawn_monitor", 2, |cx, args| {
        plain(cx, args, MONITOR)
    }),
    bare("erlang", "spawn_monitor", 3, |cx, args| {
        plain(cx, args, MONITOR)
    }),
    bare("erlang", "spawn_monitor", 4, |cx, args| {
        plain(cx, args, MONITOR)
    }),
    bare("erlang", "spawn_opt", 2, spawn_opt),
    bare("erlang", "spawn_opt", 3, spawn_opt),
    bif("erlang", "spawn_opt", 4, spawn_opt),
    bare("erlang", "spawn_opt", 5, spawn_opt),
    bare("erlang", "spawn_request", 1, spawn_request),
    bare("erlang", "spawn_request", 2, spawn_request),
    bare("erlang", "spawn_request", 3, spawn_request),
    bare("erlang", "spawn_request", 4, spawn_request),
    bare("erlang", "spawn_request", 5, spawn_request),
    bif(
        "erts_internal",
        "spawn_request",
        4,
        internal_spawn_request_4,
    ),
    bif(
        "erts_internal",
        "spawn_system_process",
        3,
        spawn_system_process_3,
    ),
];

/// How the functions without options tie the process to its parent.
#[derive(Clone, Copy)]
struct Tie {
    link: bool,
    monitor: bool,
}

const PLAIN: Tie = Tie {
    link: false,
    monitor: false,
};
const LINK: Tie = Tie {
    link: true,
    monitor: false,
};
const MONITOR: Tie = Tie {
    link: false,
    monitor: true,
};

/// What a process is to do, as the arguments say it.
#[derive(Clone, Copy)]
enum Work {
    Fun(Term),
    Function(Atom, Atom, Term),
    /// On a node that is not connected.
    Elsewhere,
}

/// Reads `[Node,] Fun` or `[Node,] Module, Function, Arguments`; `this` is this node. `None` if they are something else.
fn work(this: Atom, args: &[Term]) -> Option<Work> {
    let (node, rest) = match *args {
        [_] | [_, _, _] => (this, args),
        [node, ..] => (node.as_atom()?, &args[1..]),
        [] => return None,
    };
    let work = match *rest {
        [fun] if Fun::of(&fun).is_some() => Work::Fun(fun),
        [module, function, arguments] => {
            let mut elements = arguments.iter_list();
            elements.by_ref().for_each(drop);
            if !elements.tail().is_nil() {
                return None;
            }
            Work::Function(module.as_atom()?, function.as_atom()?, arguments)
        }
        _ => return None,
    };
    Some(if node == this { work } else { Work::Elsewhere })
}

/// Makes the process; with a monitor, its reference as well.
fn make(
    cx: &mut Context,
    work: &Work,
    options: &Options,
    reference: Option<RefNumber>,
) -> Result<Term, Fail> {
    let about = (cx.process().pid, cx.process().group_leader);
    let parent = Some(about.0);
    let (work, apart) = match cx.holds_much() {
        true => copy_large(cx, *work)?,
        false => (*work, None),
    };
    let machine = cx.machine();
    let mut copies = [Term::NIL; MAX_ARGUMENTS];
    let made = match work {
        Work::Fun(fun) => spawn(machine, parent, Start::Fun(fun), options, reference, apart),
        Work::Function(module, function, arguments) => {
            let call = first_call(module, function, arguments, &mut copies);
            let (module, function, arguments) = call.ok_or(Fail::Badarg)?;
            let start = Start::Function {
                module,
                function,
                arguments,
            };
            spawn(machine, parent, start, options, reference, apart)
        }
        Work::Elsewhere => {
            let start = Start::Function {
                module: am::ERLANG,
                function: am::EXIT_LOWER,
                arguments: &[am::NOCONNECTION.term()],
            };
            spawn(machine, parent, start, options, reference, apart)
        }
    };
    made.map_err(|error| match error {
        InsertError::Full => {
            report::too_many_processes(cx.machine(), about);
            Fail::SystemLimit
        }
        InsertError::NoMemory => Fail::NoMemory,
    })
}

/// What the process is to do with a copy of its terms, if they are large: made in pieces.
#[cold]
fn copy_large(cx: &mut Context, work: Work) -> Result<(Work, Option<Parcel>), Fail> {
    Ok(match work {
        Work::Fun(fun) => match cx.copy_apart(fun)? {
            Some((fun, parcel)) => (Work::Fun(fun), Some(parcel)),
            None => (work, None),
        },
        Work::Function(module, function, arguments) => match cx.copy_apart(arguments)? {
            Some((arguments, parcel)) => {
                (Work::Function(module, function, arguments), Some(parcel))
            }
            None => (work, None),
        },
        Work::Elsewhere => (work, None),
    })
}

/// Makes a process and returns its pid, or `{Pid, Reference}` if it is monitored.
fn make_and_answer(cx: &mut Context, work: &Work, options: &Options, list: Term) -> Value {
    if options.monitor.is_none() {
        let pid = make(cx, work, options, None)?;
        if cx.process().sequential.is_some() {
            let reference = cx.machine().processes.references.make().term(cx)?;
            let asked = asked(cx, reference, work, list, am::SPAWN_REPLY.term())?;
            tell_token(cx, pid, reference, asked, false)?;
        }
        return Ok(pid);
    }
    let reference = cx.machine().processes.references.make();
    let term = reference.term(cx)?;
    let pid = make(cx, work, options, Some(reference))?;
    if cx.process().sequential.is_some() {
        let asked = asked(cx, term, work, list, am::SPAWN_REPLY.term())?;
        tell_token(cx, pid, term, asked, false)?;
    }
    Ok(cx.tuple(&[pid, term])?)
}

/// The caller's token, if it has one, goes to the process that it has spawned.
#[cold]
fn tell_token(
    cx: &mut Context,
    child: Term,
    reference: Term,
    asked: Term,
    replies: bool,
) -> Result<(), Fail> {
    let parent = cx.process().pid;
    Ok(sequential::spawned(
        cx.machine(),
        parent,
        child,
        reference,
        asked,
        replies,
    )?)
}

/// `{spawn_request, Reference, Parent, Leader, {Module, Function, Arity}, Options, Tag, Arguments}`: the signal that spawns on OTP.
fn asked(cx: &mut Context, reference: Term, work: &Work, options: Term, tag: Term) -> Value {
    let (module, function, arguments) = match *work {
        Work::Fun(fun) => {
            let arguments = cx.list(&[fun, Term::NIL])?;
            (am::ERLANG, am::APPLY, arguments)
        }
        Work::Function(module, function, arguments) => (module, function, arguments),
        Work::Elsewhere => return Ok(Term::NIL),
    };
    let arity = Term::small(arguments.iter_list().count() as i64);
    let call = cx.tuple(&[module.term(), function.term(), arity])?;
    let (parent, leader) = (cx.process().pid, cx.process().group_leader);
    let request = am::SPAWN_REQUEST.term();
    Ok(cx.tuple(&[
        request, reference, parent, leader, call, options, tag, arguments,
    ])?)
}

fn plain(cx: &mut Context, args: &[Term], tie: Tie) -> Value {
    let work = work(cx.atoms().node.name, args).ok_or(Fail::Badarg)?;
    let options = Options {
        link: tie.link,
        monitor: tie.monitor.then(MonitorOptions::default),
        ..Options::default()
    };
    let list = match (tie.link, tie.monitor) {
        _ if cx.process().sequential.is_none() => Term::NIL,
        (true, _) => cx.list(&[am::LINK.term()])?,
        (_, true) => cx.list(&[am::MONITOR.term()])?,
        _ => Term::NIL,
    };
    make_and_answer(cx, &work, &options, list)
}

/// Who is told that a requested process was made, or not.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Reply {
    Yes,
    No,
    ErrorOnly,
    SuccessOnly,
}

/// What a list of options says.
pub(super) struct Request {
    pub options: Options,
    pub reply: Reply,
    pub reply_tag: Term,
}

/// Why a list of options is refused.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    /// It is no list, or `reply` and `reply_tag` are wrong.
    Badarg,
    /// An option is none.
    BadOption,
}

pub(super) fn parse(default: MaxHeapSize, list: Term, request: bool) -> Result<Request, Refused> {
    let mut parsed = Request {
        options: Options::default(),
        reply: Reply::Yes,
        reply_tag: am::SPAWN_REPLY.term(),
    };
    let mut rest = list.iter_list();
    let mut bad_option = false;
    for option in &mut rest {
        if let (true, Some(&[key, value])) = (request, option.as_tuple()) {
            if key == am::REPLY_TAG.term() {
                parsed.reply_tag = value;
                continue;
            }
            if key == am::REPLY.term() {
                parsed.reply = match value.as_atom() {
                    Some(am::YES) => Reply::Yes,
                    Some(am::NO) => Reply::No,
                    Some(am::ERROR_ONLY) => Reply::ErrorOnly,
                    Some(am::SUCCESS_ONLY) => Reply::SuccessOnly,
                    _ => {
                        bad_option = true;
                        Reply::Yes
                    }
                };
                continue;
            }
        }
        bad_option |= parse_option(default, option, &mut parsed.options).is_none();
    }
    if !rest.tail().is_nil() {
        return Err(Refused::Badarg);
    }
    if bad_option {
        return Err(Refused::BadOption);
    }
    Ok(parsed)
}

/// Reads one option of `spawn_opt`; `default` is what `max_heap_size` does not say.
fn parse_option(default: MaxHeapSize, option: Term, options: &mut Options) -> Option<()> {
    match option.as_atom() {
        Some(am::LINK) => {
            options.link = true;
            return Some(());
        }
        Some(am::MONITOR) => {
            options.monitor = Some(MonitorOptions::default());
            return Some(());
        }
        _ => {}
    }
    let &[key, value] = option.as_tuple()? else {
        return None;
    };
    match key.as_atom()? {
        am::MONITOR => options.monitor = Some(monitor::options(value)?),
        am::PRIORITY => options.priority = process_flag::parse_priority(value)?,
        am::FULLSWEEP_AFTER => {
            options.fullsweep_after = Some(process_flag::parse_fullsweep_after(value)?);
        }
        am::MIN_HEAP_SIZE => options.min_heap_size = Some(process_flag::parse_size(value)?),
        am::MIN_BIN_VHEAP_SIZE => {
            options.min_binary_heap = Some(process_flag::parse_size(value)?);
        }
        am::MAX_HEAP_SIZE => {
            options.max_heap_size = Some(process_flag::parse_max_heap_size(value, default)?);
        }
        am::MESSAGE_QUEUE_DATA => {
            options.off_heap_messages = Some(process_flag::parse_message_queue_data(value)?);
        }
        // The only scheduler there is, or any: without effect.
        am::SCHEDULER => {
            value.as_small().filter(|number| (0..=1).contains(number))?;
        }
        am::ASYNC_DIST => {
            value.as_boolean()?;
        }
        _ => return None,
    }
    Some(())
}

fn spawn_opt(cx: &mut Context, args: &[Term]) -> Value {
    let (&list, rest) = args.split_last().ok_or(Fail::Badarg)?;
    let default = cx.machine().processes.defaults.max_heap_size;
    let Ok(request) = parse(default, list, false) else {
        return Err(cx.fail_because(am::BADOPT));
    };
    let work = work(cx.atoms().node.name, rest).ok_or(Fail::Badarg)?;
    make_and_answer(cx, &work, &request.options, list)
}

/// Splits the arguments of `spawn_request/1..5` into what to do and the options.
fn spawn_request(cx: &mut Context, args: &[Term]) -> Value {
    let with_options = match *args {
        // (Fun, Options) or (Node, Fun)
        [first, _] => !first.is_atom(),
        // (Node, Fun, Options) or (Module, Function, Arguments)
        [_, second, _] => second.is_fun(),
        // (Module, Function, Arguments, Options) or (Node, Module, Function, Arguments)
        [_, _, third, _] => !third.is_atom(),
        [_, _, _, _, _] => true,
        _ => false,
    };
    let (rest, list) = match args.split_last() {
        Some((&list, rest)) if with_options => (rest, list),
        _ => (args, Term::NIL),
    };
    request(cx, rest, list)
}

/// `erts_internal:spawn_request/4`: the errors are values.
fn internal_spawn_request_4(cx: &mut Context, args: &[Term]) -> Value {
    match request(cx, &args[..3], args[3]) {
        Err(Fail::Badarg) => Ok(am::BADARG.term()),
        other => other,
    }
}

fn request(cx: &mut Context, what: &[Term], list: Term) -> Value {
    let work = work(cx.atoms().node.name, what).ok_or(Fail::Badarg)?;
    let reference = cx.machine().processes.references.make();
    let term = reference.term(cx)?;
    let default = cx.machine().processes.defaults.max_heap_size;
    let (request, made) = match parse(default, list, true) {
        Err(Refused::Badarg) => return Err(cx.fail_because(am::BADOPT)),
        Err(Refused::BadOption) => {
            // The tag and the wish for a reply are still to be honoured.
            let request = reply_options(list);
            (request, Err(am::BADOPT))
        }
        Ok(request) => {
            let made = match (&work, make(cx, &work, &request.options, Some(reference))) {
                (_, Ok(pid)) => Ok(pid),
                (_, Err(Fail::SystemLimit)) => Err(am::SYSTEM_LIMIT),
                (_, Err(fail)) => return Err(fail),
            };
            ((request.reply, request.reply_tag), made)
        }
    };
    let (reply, tag) = request;
    if let Ok(pid) = made
        && cx.process().sequential.is_some()
    {
        let asked = asked(cx, term, &work, list, tag)?;
        tell_token(cx, pid, term, asked, true)?;
    }
    let (wanted, status, value) = match made {
        Ok(pid) => (
            matches!(reply, Reply::Yes | Reply::SuccessOnly),
            am::OK,
            pid,
        ),
        Err(reason) => (
            matches!(reply, Reply::Yes | Reply::ErrorOnly),
            am::ERROR,
            reason.term(),
        ),
    };
    if wanted {
        let message = cx.tuple(&[tag, term, status.term(), value])?;
        let pid = cx.process().pid;
        signal::send(cx.machine(), pid, pid, message)?;
        if status == am::OK && cx.process().sequential.is_some() {
            sequential::replied(cx.machine(), pid, value, message)?;
        } else {
            sequential::untouched(cx.process());
        }
    }
    Ok(term)
}

/// `reply` and `reply_tag` of a list of options that has a bad one.
pub(super) fn reply_options(list: Term) -> (Reply, Term) {
    let (mut reply, mut tag) = (Reply::Yes, am::SPAWN_REPLY.term());
    for option in list.iter_list() {
        match option.as_tuple() {
            Some(&[key, value]) if key == am::REPLY_TAG.term() => tag = value,
            Some(&[key, value]) if key == am::REPLY.term() => {
                reply = match value.as_atom() {
                    Some(am::NO) => Reply::No,
                    Some(am::ERROR_ONLY) => Reply::ErrorOnly,
                    Some(am::SUCCESS_ONLY) => Reply::SuccessOnly,
                    _ => Reply::Yes,
                };
            }
            _ => {}
        }
    }
    (reply, tag)
}

/// A process of the system itself: as any other, but nobody's child.
fn spawn_system_process_3(cx: &mut Context, args: &[Term]) -> Value {
    let work = work(cx.atoms().node.name, args).ok_or(Fail::Badarg)?;
    let options = Options {
        system: true,
        ..Options::default()
    };
    make(cx, &work, &options, None)
}
