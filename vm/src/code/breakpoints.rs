//! Breakpoints: functions that are left for [`crate::tracing::call`] before their first instruction runs.
//!
//! A breakpoint replaces the opcode of one instruction, and nothing else of it: the first one of a function's code, which every call comes to,
//! or that of an export entry's stub, which calls that name the module come to. What was there is done by its own handler afterwards, with the
//! operands that are still in place. A built-in function is called without a look at its entry's code; while its stub has a breakpoint, its
//! entry has nothing to call ([`Export::direct`]), and whoever calls it comes by the stub.
//!
//! Invariant: an address in the table is one where the code has the opcode of `breakpoint`, and the other way round. Code that goes away
//! takes its breakpoints with it, and so does a module whose current version becomes the old one.

use super::Code;
use super::export::Export;
use super::versions::{LoadedModule, Role};
use crate::atom::am;
use crate::memory::NoMemory;
use crate::term::Atom;
use crate::term::fun::Mfa;
use crate::tracing::measure::Measurement;
use crate::tracing::session::SessionId;
use crate::tracing::specification::Specification;
use crate::tracing::tracer::Tracer;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::ops::Range;
use core::ptr::NonNull;
use hashbrown::HashMap;
use starling_loader::Op;

/// Where a breakpoint is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// On the first instruction of a function.
    Code,
    /// On the stub of an export entry, which leads to this code.
    Export(*const u8),
    /// On the stub of a built-in function's entry.
    BuiltIn,
}

/// Which calls a pattern is about.
#[derive(Clone)]
pub struct CallPattern {
    /// All calls, not only those that name the module.
    pub local: bool,
    /// Which arguments.
    pub specification: Option<Rc<Specification>>,
}

/// A pattern whose calls are told to one tracer, whoever calls.
#[derive(Clone)]
pub struct MetaPattern {
    /// Who is told.
    pub tracer: Tracer,
    /// Which arguments.
    pub specification: Option<Rc<Specification>>,
}

/// Calls are counted.
#[derive(Clone, Copy)]
pub struct CallCount {
    /// How many there were.
    pub calls: u64,
    /// Whether they are counted now.
    pub paused: bool,
}

/// What one session wants of a function.
pub struct Wanted {
    /// The session.
    pub session: SessionId,
    /// Calls by traced processes.
    pub call: Option<CallPattern>,
    /// Calls by all processes.
    pub meta: Option<MetaPattern>,
    /// How many calls.
    pub count: Option<CallCount>,
    /// How long they take.
    pub time: Option<Measurement>,
    /// How much memory they take.
    pub memory: Option<Measurement>,
    /// Whether the process's error handler is called in its place (`erts_debug:breakpoint/2`).
    pub debug: bool,
    /// Whether processes that save calls remember it, see [`crate::tracing::saved_calls`].
    pub saved: bool,
}

impl Wanted {
    /// Nothing yet.
    pub const fn nothing(session: SessionId) -> Wanted {
        Wanted {
            session,
            call: None,
            meta: None,
            count: None,
            time: None,
            memory: None,
            debug: false,
            saved: false,
        }
    }

    fn is_nothing(&self) -> bool {
        self.call.is_none()
            && self.meta.is_none()
            && self.count.is_none()
            && self.time.is_none()
            && self.memory.is_none()
            && !self.debug
            && !self.saved
    }
}

/// One breakpoint.
pub struct Breakpoint {
    /// The function.
    pub function: Mfa,
    /// Where it is.
    pub place: Place,
    /// The opcode that it has replaced.
    pub original: u16,
    /// What the sessions want.
    pub wanted: Vec<Wanted>,
}

impl Breakpoint {
    /// What a session wants of it.
    pub fn of(&self, session: SessionId) -> Option<&Wanted> {
        self.wanted.iter().find(|wanted| wanted.session == session)
    }
}

/// All breakpoints by address.
#[derive(Default)]
pub struct Breakpoints {
    table: HashMap<usize, Breakpoint>,
}

/// Which functions are meant: a module, a function and an arity, each or none.
#[derive(Clone, Copy)]
pub struct Functions {
    /// Of this module.
    pub module: Option<Atom>,
    /// Of this name.
    pub function: Option<Atom>,
    /// With so many arguments.
    pub arity: Option<u32>,
}

impl Functions {
    fn has(&self, function: Atom, arity: u32) -> bool {
        self.function.is_none_or(|own| own == function) && self.arity.is_none_or(|own| own == arity)
    }
}

/// A place for a breakpoint.
#[derive(Clone, Copy)]
pub struct Site {
    /// Where.
    pub address: *mut u8,
    /// Of which function.
    pub function: Mfa,
    /// What is there.
    pub place: Place,
}

const BREAKPOINT: u16 = Op::breakpoint.opcode(0);

impl Breakpoints {
    /// The breakpoint at an address.
    pub fn at(&self, address: *const u8) -> Option<&Breakpoint> {
        self.table.get(&(address as usize))
    }

    /// The breakpoint at an address.
    pub fn at_mut(&mut self, address: *const u8) -> Option<&mut Breakpoint> {
        self.table.get_mut(&(address as usize))
    }

    /// The addresses of all breakpoints.
    pub fn addresses(&self) -> impl Iterator<Item = usize> {
        self.table.keys().copied()
    }

    /// Those in code that is going away.
    pub(super) fn forget(&mut self, code: Range<usize>) {
        self.table.retain(|address, _| !code.contains(address));
    }
}

impl Code {
    /// The opcode of the instruction at an address, whether it has a breakpoint or not.
    ///
    /// # Safety
    /// It is the address of an instruction.
    pub unsafe fn opcode_at(&self, address: *const u8) -> u16 {
        // SAFETY: the caller's promise.
        let opcode = unsafe { address.cast::<u16>().read() };
        match self.breakpoints.at(address) {
            Some(breakpoint) if opcode == BREAKPOINT => breakpoint.original,
            _ => opcode,
        }
    }

    /// Changes what a session wants of a function; the breakpoint comes and goes with that.
    pub fn change_breakpoint(
        &mut self,
        site: &Site,
        session: SessionId,
        change: impl FnOnce(&mut Wanted),
    ) -> Result<(), NoMemory> {
        let key = site.address as usize;
        if !self.breakpoints.table.contains_key(&key) {
            let mut wanted = Wanted::nothing(session);
            change(&mut wanted);
            if wanted.is_nothing() {
                return Ok(());
            }
            self.breakpoints
                .table
                .try_reserve(1)
                .map_err(|_| NoMemory)?;
            let mut all = Vec::new();
            all.try_reserve_exact(1).map_err(|_| NoMemory)?;
            all.push(wanted);
            let breakpoint = Breakpoint {
                function: site.function,
                place: site.place,
                original: install(site),
                wanted: all,
            };
            self.breakpoints.table.insert(key, breakpoint);
            return Ok(());
        }
        let Some(breakpoint) = self.breakpoints.table.get_mut(&key) else {
            return Ok(());
        };
        let all = &mut breakpoint.wanted;
        match all.iter().position(|wanted| wanted.session == session) {
            Some(index) => change(&mut all[index]),
            None => {
                all.try_reserve(1).map_err(|_| NoMemory)?;
                let mut wanted = Wanted::nothing(session);
                change(&mut wanted);
                all.push(wanted);
            }
        }
        all.retain(|wanted| !wanted.is_nothing());
        if all.is_empty() {
            uninstall(site.address, breakpoint);
            self.breakpoints.table.remove(&key);
        }
        Ok(())
    }

    /// Takes all that a session wants away from every function.
    pub fn clear_breakpoints(&mut self, session: SessionId) {
        self.breakpoints.table.retain(|address, breakpoint| {
            breakpoint.wanted.retain(|wanted| wanted.session != session);
            if breakpoint.wanted.is_empty() {
                uninstall(*address as *mut u8, breakpoint);
                return false;
            }
            true
        });
    }

    /// Where calls of these functions can be seen, however they are called.
    pub fn function_sites(&self, functions: &Functions) -> Result<Vec<Site>, NoMemory> {
        let mut sites = Vec::new();
        let modules: Vec<&LoadedModule> = match functions.module {
            Some(name) => self.module(name).into_iter().collect(),
            None => {
                let names = self.versions.names();
                names.filter_map(|name| self.module(name)).collect()
            }
        };
        for version in modules {
            for function in version.file.functions().iter() {
                let Some(name) = version.atom(function.function) else {
                    continue;
                };
                if !functions.has(name, function.arity) {
                    continue;
                }
                let export = self.find_export(version.name, name, function.arity as u8);
                // SAFETY: entries live as long as the machine.
                let export = export.map(|export| unsafe { export.as_ref() });
                let site = match export.filter(|export| export.built_in.is_some()) {
                    Some(export) => built_in_site(export),
                    None => Site {
                        address: version.address(function.entry),
                        function: Mfa {
                            module: version.name,
                            function: name,
                            arity: function.arity,
                        },
                        place: Place::Code,
                    },
                };
                sites.try_reserve(1).map_err(|_| NoMemory)?;
                sites.push(site);
            }
        }
        // There are built-in functions of modules that have no code, and some that their module's code does not have.
        for export in self.defined_exports(functions) {
            let found = |site: &Site| core::ptr::eq(site.address, export.stub());
            if export.built_in.is_some() && !sites.iter().any(found) && self.stands_alone(export) {
                sites.try_reserve(1).map_err(|_| NoMemory)?;
                sites.push(built_in_site(export));
            }
        }
        Ok(sites)
    }

    /// Whether a built-in function counts without being in the code of its module: without OTP, or if it is asked for by name.
    fn stands_alone(&self, export: &Export) -> bool {
        let Mfa { module, .. } = export.mfa();
        self.is_loaded(module) || !self.is_loaded(am::ERLANG)
    }

    /// Where calls of these functions that name the module can be seen.
    pub fn export_sites(&self, functions: &Functions) -> Result<Vec<Site>, NoMemory> {
        let mut sites = Vec::new();
        for export in self.defined_exports(functions) {
            let site = match export.built_in {
                Some(_) => built_in_site(export),
                None => Site {
                    address: export.stub().cast_mut(),
                    function: export.mfa(),
                    place: Place::Export(export.entry.code),
                },
            };
            sites.try_reserve(1).map_err(|_| NoMemory)?;
            sites.push(site);
        }
        Ok(sites)
    }

    fn defined_exports(&self, functions: &Functions) -> impl Iterator<Item = &Export> {
        // SAFETY: entries live as long as the machine, which has one thread.
        let all = self.exports.iter().map(|export| unsafe { export.as_ref() });
        all.filter(move |export| {
            let Mfa {
                module,
                function,
                arity,
            } = export.mfa();
            functions.module.is_none_or(|own| own == module)
                && functions.has(function, arity)
                && export.is_defined()
        })
    }

    /// The breakpoints in the code of a module's current version and on the stubs of its exports go away: it is current no more.
    pub(super) fn forget_breakpoints_of(&mut self, name: Atom) {
        let Some(version) = self.versions.find(name, Role::Current) else {
            return;
        };
        let addresses = version.addresses();
        let breakpoints = &mut self.breakpoints;
        breakpoints.table.retain(|address, breakpoint| {
            let gone = addresses.contains(address)
                || breakpoint.function.module == name
                    && matches!(breakpoint.place, Place::Export(_));
            if gone {
                uninstall(*address as *mut u8, breakpoint);
            }
            !gone
        });
    }
}

fn built_in_site(export: &Export) -> Site {
    Site {
        address: export.stub().cast_mut(),
        function: export.mfa(),
        place: Place::BuiltIn,
    }
}

/// The entry whose stub has a breakpoint.
fn entry_of(address: *mut u8) -> NonNull<Export> {
    let export = Export::of_stub(address).cast_mut();
    // SAFETY: the address is that of an entry's stub, which is not the entry's first field, so the entry's is not null.
    unsafe { NonNull::new_unchecked(export) }
}

/// Puts a breakpoint in place; the opcode that was there.
fn install(site: &Site) -> u16 {
    // SAFETY: the address is that of a function's first instruction or of a stub, in memory of the machine's own; entries live as
    // long as the machine, and nothing borrows them.
    unsafe {
        let opcode = site.address.cast::<u16>();
        let original = opcode.read();
        opcode.write(BREAKPOINT);
        match site.place {
            Place::Code => {}
            Place::Export(_) => entry_of(site.address).as_mut().lead_to_stub(),
            // `apply` is no call of its own, but what it calls: as in OTP, where it is an instruction.
            Place::BuiltIn if site.function.function == am::APPLY => {}
            Place::BuiltIn => entry_of(site.address).as_mut().direct = None,
        }
        original
    }
}

/// Takes a breakpoint out of the code.
fn uninstall(address: *mut u8, breakpoint: &Breakpoint) {
    // SAFETY: as for `install`.
    unsafe {
        address.cast::<u16>().write(breakpoint.original);
        match breakpoint.place {
            Place::Code => {}
            Place::Export(code) => entry_of(address).as_mut().entry.code = code,
            Place::BuiltIn => {
                let mut entry = entry_of(address);
                let entry = entry.as_mut();
                entry.direct = entry.built_in;
            }
        }
    }
}
