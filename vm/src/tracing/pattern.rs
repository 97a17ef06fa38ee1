//! Trace patterns: which functions a session wants to know of, now and in modules that are loaded later.
//!
//! A function is traced for calls that name its module (*global*) or for all calls (*breakpoints*: local, meta, and what is counted and
//! measured); the one takes the place of the other.

use super::measure::Measurement;
use super::session::SessionId;
use super::specification::Specification;
use super::tracer::Tracer;
use crate::code::breakpoints::{CallCount, CallPattern, Functions, MetaPattern, Place, Wanted};
use crate::machine::Machine;
use crate::memory::NoMemory;
use crate::term::Atom;
use alloc::rc::Rc;

/// What is to be done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Switch {
    /// No more.
    Off,
    /// From now on; counters begin with nothing.
    On,
    /// What is counted begins with nothing again.
    Restart,
    /// What is counted stays as it is.
    Pause,
}

/// What breakpoints are for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Kinds {
    /// All calls by traced processes.
    pub local: bool,
    /// All calls, for one tracer.
    pub meta: bool,
    /// How many calls.
    pub count: bool,
    /// How long they take.
    pub time: bool,
    /// How much memory they take.
    pub memory: bool,
}

impl Kinds {
    /// Calls that name the module.
    pub const GLOBAL: Kinds = Kinds {
        local: false,
        meta: false,
        count: false,
        time: false,
        memory: false,
    };

    /// Whether there are breakpoints at all.
    pub fn breaks(self) -> bool {
        self != Kinds::GLOBAL
    }

    fn with(self, other: Kinds) -> Kinds {
        Kinds {
            local: self.local || other.local,
            meta: self.meta || other.meta,
            count: self.count || other.count,
            time: self.time || other.time,
            memory: self.memory || other.memory,
        }
    }

    fn without(self, other: Kinds) -> Kinds {
        Kinds {
            local: self.local && !other.local,
            meta: self.meta && !other.meta,
            count: self.count && !other.count,
            time: self.time && !other.time,
            memory: self.memory && !other.memory,
        }
    }
}

/// What `trace_pattern` asks for.
#[derive(Clone)]
pub struct Pattern {
    /// On or off.
    pub switch: Switch,
    /// What for.
    pub kinds: Kinds,
    /// Which arguments.
    pub specification: Option<Rc<Specification>>,
    /// Who is told by meta tracing.
    pub meta: Tracer,
}

/// Patterns for modules that are loaded later.
pub struct OnLoad {
    /// Whether there are any.
    pub on: bool,
    /// What for.
    pub kinds: Kinds,
    /// Which arguments.
    pub specification: Option<Rc<Specification>>,
    /// Which arguments, of meta tracing.
    pub meta_specification: Option<Rc<Specification>>,
    /// Who is told by meta tracing.
    pub meta: Tracer,
}

impl OnLoad {
    /// None.
    pub const NOTHING: OnLoad = OnLoad {
        on: false,
        kinds: Kinds::GLOBAL,
        specification: None,
        meta_specification: None,
        meta: Tracer::Nobody,
    };

    /// Takes in what a pattern for `on_load` asks for.
    pub fn change(&mut self, pattern: &Pattern) {
        let Pattern {
            switch,
            kinds,
            specification,
            meta,
        } = pattern;
        let on = *switch != Switch::Off;
        if kinds.local || !kinds.breaks() {
            self.specification = specification.clone();
        }
        if kinds.meta {
            self.meta_specification = specification.clone();
            self.meta = *meta;
        } else if !kinds.breaks() {
            self.meta_specification = None;
            self.meta = Tracer::Nobody;
        }
        // What is counted is switched on by `true` alone.
        let started = Kinds {
            count: kinds.count && *switch == Switch::On,
            time: kinds.time && *switch == Switch::On,
            memory: kinds.memory && *switch == Switch::On,
            ..*kinds
        };
        match (self.kinds.breaks(), kinds.breaks()) {
            (true, true) if on => self.kinds = self.kinds.with(started),
            (true, true) => {
                self.kinds = self.kinds.without(*kinds);
                self.on &= self.kinds.breaks();
            }
            (false, false) => self.on = on,
            (true, false) if on => {
                self.kinds = Kinds::GLOBAL;
                self.on = true;
            }
            (false, true) if on => {
                self.kinds = started;
                self.on = started.breaks();
            }
            _ => {}
        }
    }
}

/// Does what a pattern asks for to all functions that are loaded and meant; how many there are.
pub fn set(
    machine: &mut Machine,
    session: SessionId,
    functions: &Functions,
    pattern: &Pattern,
) -> Result<usize, NoMemory> {
    let code = &mut machine.code;
    let exports = code.export_sites(functions)?;
    let local = code.function_sites(functions)?;
    let on = pattern.switch != Switch::Off;
    let global = !pattern.kinds.breaks();
    for site in &exports {
        if on && global {
            let specification = &pattern.specification;
            code.change_breakpoint(site, session, |wanted| {
                set_call(wanted, false, specification);
                if site.place == Place::BuiltIn {
                    clear_breaks(wanted);
                }
            })?;
        } else if on || global {
            code.change_breakpoint(site, session, |wanted| {
                wanted.call.take_if(|call| !call.local);
            })?;
        }
    }
    for site in &local {
        if global && (!on || site.place == Place::BuiltIn) {
            continue;
        }
        code.change_breakpoint(site, session, |wanted| match (on, global) {
            (true, true) => clear_breaks(wanted),
            (true, false) => set_breaks(wanted, pattern),
            (false, _) => clear_kinds(wanted, pattern.kinds),
        })?;
    }
    Ok(if global { exports.len() } else { local.len() })
}

fn set_call(wanted: &mut Wanted, local: bool, specification: &Option<Rc<Specification>>) {
    wanted.call = Some(CallPattern {
        local,
        specification: specification.clone(),
    });
}

/// What global tracing takes the place of.
fn clear_breaks(wanted: &mut Wanted) {
    let global = wanted.call.take_if(|call| !call.local);
    *wanted = Wanted {
        call: global,
        debug: wanted.debug,
        ..Wanted::nothing(wanted.session)
    };
}

fn clear_kinds(wanted: &mut Wanted, kinds: Kinds) {
    if kinds.local {
        wanted.call.take_if(|call| call.local);
    }
    if kinds.meta {
        wanted.meta = None;
    }
    if kinds.count {
        wanted.count = None;
    }
    if kinds.time {
        wanted.time = None;
    }
    if kinds.memory {
        wanted.memory = None;
    }
}

fn set_breaks(wanted: &mut Wanted, pattern: &Pattern) {
    let Pattern {
        switch,
        kinds,
        specification,
        meta,
    } = pattern;
    if kinds.local {
        set_call(wanted, true, specification);
    }
    if kinds.meta {
        wanted.meta = Some(MetaPattern {
            tracer: *meta,
            specification: specification.clone(),
        });
    }
    if kinds.count {
        wanted.count = match (switch, wanted.count) {
            (Switch::On, _) => Some(CallCount {
                calls: 0,
                paused: false,
            }),
            (Switch::Restart, Some(_)) => Some(CallCount {
                calls: 0,
                paused: false,
            }),
            (Switch::Pause, Some(count)) => Some(CallCount {
                paused: true,
                ..count
            }),
            (_, other) => other,
        };
    }
    if kinds.time {
        switch_measurement(&mut wanted.time, *switch);
    }
    if kinds.memory {
        switch_measurement(&mut wanted.memory, *switch);
    }
}

fn switch_measurement(measurement: &mut Option<Measurement>, switch: Switch) {
    match (switch, &mut *measurement) {
        (Switch::On, _) | (Switch::Restart, Some(_)) => *measurement = Some(Measurement::default()),
        (Switch::Pause, Some(running)) => running.paused = true,
        _ => {}
    }
}

/// A version of a module has become current: its functions get what sessions want of modules that are loaded.
pub fn module_loaded(machine: &mut Machine, module: Atom) -> Result<(), NoMemory> {
    let functions = Functions {
        module: Some(module),
        function: None,
        arity: None,
    };
    for index in 0..machine.tracing.sessions.len() {
        let session = &machine.tracing.sessions[index];
        let on_load = &session.on_load;
        if !on_load.on {
            continue;
        }
        let id = session.id;
        let kinds = on_load.kinds;
        let meta = Pattern {
            switch: Switch::On,
            kinds: Kinds {
                meta: true,
                ..Kinds::GLOBAL
            },
            specification: on_load.meta_specification.clone(),
            meta: on_load.meta,
        };
        let rest = Pattern {
            kinds: Kinds {
                meta: false,
                ..kinds
            },
            specification: on_load.specification.clone(),
            ..meta.clone()
        };
        if rest.kinds.breaks() || !kinds.breaks() {
            set(machine, id, &functions, &rest)?;
        }
        if kinds.meta {
            set(machine, id, &functions, &meta)?;
        }
    }
    Ok(())
}
