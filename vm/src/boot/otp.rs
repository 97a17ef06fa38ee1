//! The boot of OTP: unmodified `erl_init`, `init`, `kernel` and what the boot script names.
//!
//! OTP's emulator carries some twenty modules (`erts/preloaded`), loads them before anything runs, and starts a process with
//! `erl_init:start(init, Arguments)`, which becomes `init`; then it starts a few processes of its own, which OTP's code
//! knows by name (`erts_code_purger`, …). So does this file; all else is OTP's doing. The process must be the first of
//! the machine: OTP's libraries know `<0.0.0>` to be `init`.

use super::{FAILED, ModuleStore, refuse, refuse_for_addresses};
use crate::atom::am;
use crate::bits::make::make_binary;
use crate::code::cache::ConvertedModules;
use crate::code::link;
use crate::environment::{Environment, Variable};
use crate::fs::FileSystem;
use crate::machine::{Machine, Options};
use crate::memory::NoMemory;
use crate::memory::arena::Arena;
use crate::memory::heap::Parcel;
use crate::os_signal;
use crate::platform::Platform;
use crate::process::Priority;
use crate::process::spawn::{self, Start};
use crate::sched;
use crate::term::{Atom, Term, zero};
use crate::time::warp::Mode;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::ptr::NonNull;

/// Everything that a machine with OTP is started with.
pub struct OtpConfig {
    /// What `init:boot/1` gets: `-root DIR -progname NAME -- -home DIR -- FLAGS...`.
    pub arguments: Vec<Vec<u8>>,
    /// How the machine is to behave.
    pub options: Options,
    /// Environment variables, in the place of the host's.
    pub environment: Vec<Variable>,
    /// The release, such as `25`.
    pub release: String,
    /// The version of its `erts`, such as `13.1.5`.
    pub erts_version: String,
    /// The preloaded modules; nothing else is asked of it.
    pub preloaded: Box<dyn ModuleStore>,
    /// Where conversions are remembered.
    pub converted: Box<dyn ConvertedModules>,
    /// Directories and files.
    pub files: Box<dyn FileSystem>,
}

/// Modules that are loaded before anything runs, in OTP's order (`erts/preloaded/src/Makefile`). A release that lacks one of the
/// optional ones is older or newer than the module is.
const PRELOADED: &[(&str, bool)] = &[
    ("erl_prim_loader", true),
    ("init", true),
    ("prim_buffer", true),
    ("prim_file", true),
    ("prim_inet", true),
    ("socket_registry", true),
    ("prim_socket", true),
    ("prim_net", true),
    ("zlib", true),
    ("prim_zip", true),
    ("erl_init", true),
    ("erts_code_purger", true),
    ("erlang", true),
    ("erts_internal", true),
    ("erl_tracer", true),
    ("erts_literal_area_collector", true),
    ("erts_dirty_process_signal_handler", true),
    ("erts_trace_cleaner", false),
    ("atomics", true),
    ("counters", true),
    ("persistent_term", true),
    ("prim_eval", true),
];

/// The processes that OTP's emulator starts for itself. One whose module is not preloaded is not of this release.
const SYSTEM_PROCESSES: &[(Atom, Priority)] = &[
    (am::ERTS_CODE_PURGER, Priority::High),
    (am::ERTS_LITERAL_AREA_COLLECTOR, Priority::High),
    (am::ERTS_DIRTY_PROCESS_SIGNAL_HANDLER, Priority::Normal),
    (am::ERTS_DIRTY_PROCESS_SIGNAL_HANDLER, Priority::High),
    (am::ERTS_DIRTY_PROCESS_SIGNAL_HANDLER, Priority::Max),
    (am::ERTS_TRACE_CLEANER, Priority::Normal),
];

/// Starts a machine with OTP and runs it to its end.
pub fn run_otp(platform: Box<dyn Platform>, config: OtpConfig) -> ! {
    let OtpConfig {
        arguments,
        options,
        environment,
        release,
        erts_version,
        preloaded,
        converted,
        files,
    } = config;
    let machine = Machine::leak(platform, preloaded, converted, files, options)
        .unwrap_or_else(|platform| refuse_for_addresses(platform));
    machine.environment = Environment::new(environment);
    machine.release = release;
    machine.options.time_warp = Some(Mode::of_machine(machine));
    if machine.release_number() >= 27 {
        zero::tell_apart();
    }
    machine.erts_version = erts_version;
    let started = load_preloaded(machine).and_then(|()| {
        start_processes(machine, &arguments)
            .map_err(|_| String::from("there is not enough memory to start OTP"))
    });
    drop(arguments);
    os_signal::start(machine);
    if let Err(message) = started {
        refuse(&mut *machine.platform, &message);
    }
    // SAFETY: the machine is never freed, and this function, which holds it, never goes on.
    unsafe { sched::run(NonNull::from(machine)) }
}

fn load_preloaded(machine: &mut Machine) -> Result<(), String> {
    for &(name, required) in PRELOADED {
        let failed = |why: &dyn core::fmt::Display| {
            format!("cannot load {name}, with which OTP begins: {why}")
        };
        match machine.modules.find(name) {
            Ok(Some(bytes)) => {
                let atom = machine
                    .atoms
                    .insert_static(name)
                    .map_err(|_| failed(&"the atom table is full"))?;
                link::preload(machine, atom, bytes).map_err(|error| failed(&error))?;
            }
            Ok(None) if required => {
                return Err(failed(
                    &"there is no such module where the others are (erts-VERSION/ebin); \
                      name the root of a complete OTP",
                ));
            }
            Ok(None) => {}
            Err(message) => return Err(failed(&message)),
        }
    }
    // What is loaded from now on, OTP's own loader brings.
    machine.modules = Box::new(NoModules);
    Ok(())
}

fn start_processes(machine: &mut Machine, arguments: &[Vec<u8>]) -> Result<(), NoMemory> {
    let mut parcel = Parcel::new();
    let mut list = Term::NIL;
    for argument in arguments.iter().rev() {
        let argument = make_binary(&mut parcel, argument)?;
        list = parcel.cons(argument, list)?;
    }
    let boots = String::from_utf8_lossy(&machine.options.boot_module).into_owned();
    let boots = machine.atoms.insert(&boots).map_err(|_| NoMemory)?;
    let init = [boots.term(), list];
    let pid = start(machine, (am::ERL_INIT, &init), Priority::Normal)?;
    machine.processes.first = Some((pid, init_ended));
    for &(module, priority) in SYSTEM_PROCESSES {
        if machine.code.is_loaded(module) {
            let pid = start(machine, (module, &[]), priority)?;
            if module == am::ERTS_LITERAL_AREA_COLLECTOR {
                machine.code.release.collector = Some(pid);
            }
        }
    }
    Ok(())
}

fn start(
    machine: &mut Machine,
    (module, arguments): (Atom, &[Term]),
    priority: Priority,
) -> Result<Term, NoMemory> {
    let work = Start::Function {
        module,
        function: am::START,
        arguments,
    };
    let options = spawn::Options {
        priority,
        system: module != am::ERL_INIT,
        ..Default::default()
    };
    spawn::spawn(machine, None, work, &options, None, None).map_err(|_| NoMemory)
}

/// `init` has ended. It never does, unless its modules are damaged.
fn init_ended(machine: &mut Machine, reason: Term) {
    let reason = machine.text(reason);
    machine.report(&format!("init has ended, and OTP with it: {reason}"));
    machine.halt(FAILED);
}

/// Once OTP runs, modules come from nowhere but its own code server.
struct NoModules;

impl ModuleStore for NoModules {
    fn find(&self, _name: &str) -> Result<Option<alloc::borrow::Cow<'static, [u8]>>, String> {
        Ok(None)
    }
}
