//! ETS: tables of terms that processes share.
//!
//! One file an idea: [`object`] is one stored tuple, [`hash`] and [`ordered`] are where objects stand, [`table`] is
//! a table of either kind, [`fixation`] who holds it fixed. This file is all tables together: how they are found, who owns them, and
//! what the end of a process does to them. The built-in functions are in [`crate::bif`]`::ets`.
//!
//! A table is found by its identifier (a [resource](crate::memory::resource), so that is a look at the address in
//! it) or, if it is a named one, by its name. The identifier outlives the table: it says then that there is none.
//!
//! # Invariant
//!
//! A table is allocated once and never moves; [`Tables`] owns it. Its address is in its identifier, in the list of all tables, in its
//! owner's list, and under its name if it is a named one; the owner is alive. All of these end together, in [`Tables::remove`].

pub mod fixation;
pub mod hash;
pub mod object;
pub mod ordered;
pub mod table;

use crate::atom::am;
use crate::machine::Machine;
use crate::memory::heap::Parcel;
use crate::memory::resource::{Handle, Resource, resource};
use crate::memory::{Arena, NoMemory};
use crate::process::signal;
use crate::process::try_box;
use crate::term::copy::copy;
use crate::term::size::flat_size;
use crate::term::{Atom, Term};
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::ops::{Deref, DerefMut};
use core::ptr::NonNull;
use fixation::Fixation;
use hashbrown::HashTable;
use table::{Options, Store, Table};

/// What a table's identifier leads to; `None` when the table is gone.
pub struct TableId(Option<NonNull<Table>>);

impl Resource for TableId {}

/// Who gets a table when its owner ends, and what it is told.
pub struct Heir {
    /// The process.
    pub pid: Term,
    /// Its [`birth`](crate::process::Process::birth).
    birth: u64,
    /// The third argument of `{heir, Pid, Data}`.
    data: Term,
    /// Where that lies.
    _parcel: Parcel,
    /// Words of it.
    pub words: usize,
}

impl Heir {
    /// An heir with a copy of `data`.
    pub fn new(pid: Term, birth: u64, data: Term) -> Result<Heir, NoMemory> {
        let words = flat_size(data, &(0..0))?;
        let mut parcel = Parcel::new();
        let data = copy(data, &mut parcel, &(0..0))?;
        Ok(Heir {
            pid,
            birth,
            data,
            _parcel: parcel,
            words,
        })
    }
}

/// A table that a built-in function works with.
///
/// Invariant of whoever makes one ([`Tables::find`]'s callers, in built-in functions): there is one at a time, and as long as it is
/// used no table is removed.
pub struct Opened(NonNull<Table>);

impl Deref for Opened {
    type Target = Table;
    #[inline(always)]
    fn deref(&self) -> &Table {
        // SAFETY: tables are boxes of their own, no part of the machine's memory; this one is alive, see above.
        unsafe { self.0.as_ref() }
    }
}

impl DerefMut for Opened {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut Table {
        // SAFETY: as above; it is the only one.
        unsafe { self.0.as_mut() }
    }
}

/// What one process has to do with tables.
struct Attached {
    pid: Term,
    owned: Vec<NonNull<Table>>,
    fixed: Vec<NonNull<Table>>,
    /// What a table of it was in that is gone, while the process is ending: freed in slices.
    freeing: Option<Store>,
}

/// All tables of a machine.
pub struct Tables {
    all: Vec<NonNull<Table>>,
    names: HashTable<(Atom, NonNull<Table>)>,
    processes: HashTable<Attached>,
    /// Processes that may use every table (`erts_internal:ets_super_user/1`).
    super_users: Vec<Term>,
    /// What tables were in that are gone: freed little by little.
    buried: Vec<Store>,
}

/// So many objects of a table are freed without a break.
pub const FREED_AT_ONCE: usize = 1024;

/// Objects that are freed for a reduction.
pub const FREED_PER_REDUCTION: usize = 4;

fn spread(key: u64) -> u64 {
    key.wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

fn hash_of_name(name: Atom) -> u64 {
    spread(name.0 as u64)
}

fn hash_of_pid(pid: Term) -> u64 {
    spread(pid.raw())
}

impl Tables {
    /// No table.
    pub const fn new() -> Tables {
        Tables {
            all: Vec::new(),
            names: HashTable::new(),
            processes: HashTable::new(),
            super_users: Vec::new(),
            buried: Vec::new(),
        }
    }

    /// How many tables there are.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// All tables, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = &Table> {
        // SAFETY: the invariant: tables in the list are alive; they are borrowed as long as this is.
        self.all.iter().map(|table| unsafe { table.as_ref() })
    }

    /// Bytes of all tables.
    pub fn memory(&self) -> usize {
        self.iter().map(|table| table.memory_words() * 8).sum()
    }

    /// Bytes of the tables that `owner` owns.
    pub fn memory_of(&self, owner: Term) -> usize {
        let found = |entry: &Attached| entry.pid == owner;
        let attached = self.processes.find(hash_of_pid(owner), found);
        let owned = attached.map_or(&[][..], |attached| &attached.owned);
        // SAFETY: the invariant: tables in a list are alive.
        let words = owned.iter().map(|t| unsafe { t.as_ref() }.memory_words());
        words.sum::<usize>() * 8
    }

    /// The table called `name`.
    #[inline]
    pub fn whereis(&self, name: Atom) -> Option<&Table> {
        // SAFETY: as in `iter`.
        self.by_name(name).map(|table| unsafe { table.as_ref() })
    }

    #[inline]
    fn by_name(&self, name: Atom) -> Option<NonNull<Table>> {
        let found = self.names.find(hash_of_name(name), |(n, _)| *n == name);
        found.map(|(_, table)| *table)
    }

    /// The table that `term` names, by identifier or name; otherwise the `cause` of the failure as OTP has it: `id` if there
    /// is none, `type` if the term can name none.
    #[inline]
    pub fn find(&self, term: Term) -> Result<Opened, Atom> {
        if let Some(id) = resource::<TableId>(&term) {
            return id.0.map(Opened).ok_or(am::ID);
        }
        match term.as_atom() {
            Some(name) => self.by_name(name).map(Opened).ok_or(am::ID),
            None => Err(am::TYPE),
        }
    }

    fn attached(&mut self, pid: Term) -> Option<&mut Attached> {
        self.processes
            .find_mut(hash_of_pid(pid), |entry| entry.pid == pid)
    }

    fn attach(&mut self, pid: Term) -> Result<&mut Attached, NoMemory> {
        let hasher = |entry: &Attached| hash_of_pid(entry.pid);
        self.processes
            .try_reserve(1, hasher)
            .map_err(|_| NoMemory)?;
        let entry = self
            .processes
            .entry(hash_of_pid(pid), |entry| entry.pid == pid, hasher);
        Ok(entry
            .or_insert(Attached {
                pid,
                owned: Vec::new(),
                fixed: Vec::new(),
                freeing: None,
            })
            .into_mut())
    }

    fn detach_if_idle(&mut self, pid: Term) {
        let found = self
            .processes
            .find_entry(hash_of_pid(pid), |entry| entry.pid == pid);
        if let Ok(entry) = found
            && entry.get().owned.is_empty()
            && entry.get().fixed.is_empty()
            && entry.get().freeing.is_none()
        {
            entry.remove();
        }
    }

    /// Makes a table. `None` if it is a named one and the name is taken.
    pub fn create(
        &mut self,
        id: Handle<TableId>,
        name: Atom,
        options: Options,
        owner: Term,
        heir: Option<Heir>,
    ) -> Result<Option<Opened>, NoMemory> {
        if options.named && self.by_name(name).is_some() {
            return Ok(None);
        }
        self.all.try_reserve(1).map_err(|_| NoMemory)?;
        self.names
            .try_reserve(1, |(name, _)| hash_of_name(*name))
            .map_err(|_| NoMemory)?;
        let table = try_box(Table {
            id,
            name,
            options,
            owner,
            heir,
            store: Store::new(options.kind)?,
            words: 0,
            fixation: Fixation::default(),
            changer: None,
            has_large: false,
            place: self.all.len(),
            place_of_owner: 0,
        })?;
        let table = NonNull::from(Box::leak(table));
        if let Err(error) = self.own(table, owner) {
            // SAFETY: leaked above, and nobody else has the address.
            drop(unsafe { Box::from_raw(table.as_ptr()) });
            return Err(error);
        }
        let mut opened = Opened(table);
        if let Some(mut id) = opened.id.borrow() {
            id.0 = Some(table);
        }
        self.all.push(table);
        if options.named {
            self.names
                .insert_unique(hash_of_name(name), (name, table), |(name, _)| {
                    hash_of_name(*name)
                });
        }
        opened.owner = owner;
        Ok(Some(opened))
    }

    /// Puts the table on the list of `owner`'s.
    fn own(&mut self, mut table: NonNull<Table>, owner: Term) -> Result<(), NoMemory> {
        let owned = &mut self.attach(owner)?.owned;
        owned.try_reserve(1).map_err(|_| NoMemory)?;
        // SAFETY: the table is alive, and nobody else borrows it: see `Opened`.
        let table_mut = unsafe { table.as_mut() };
        table_mut.place_of_owner = owned.len();
        table_mut.owner = owner;
        owned.push(table);
        Ok(())
    }

    /// Takes the table from the list of its owner's.
    fn disown(&mut self, owner: Term, place: usize) {
        if let Some(attached) = self.attached(owner) {
            attached.owned.swap_remove(place);
            if let Some(moved) = attached.owned.get_mut(place) {
                // SAFETY: tables in the list are alive, and this is another one than the caller's.
                unsafe { moved.as_mut() }.place_of_owner = place;
            }
        }
        self.detach_if_idle(owner);
    }

    /// Makes `owner` the owner of the table.
    pub fn give(&mut self, table: &mut Opened, owner: Term) -> Result<(), NoMemory> {
        let (old, place) = (table.owner, table.place_of_owner);
        self.own(table.0, owner)?;
        self.disown(old, place);
        Ok(())
    }

    /// Another name for the table; false, and nothing changes, if it is a named one and the name is taken.
    pub fn rename(&mut self, table: &mut Opened, name: Atom) -> bool {
        if table.options.named {
            if self.by_name(name).is_some() {
                return false;
            }
            self.forget_name(table.name);
            let address = table.0;
            // There is room: an entry has just been taken out.
            self.names
                .insert_unique(hash_of_name(name), (name, address), |(name, _)| {
                    hash_of_name(*name)
                });
        }
        table.name = name;
        true
    }

    fn forget_name(&mut self, name: Atom) {
        let found = self
            .names
            .find_entry(hash_of_name(name), |(n, _)| *n == name);
        if let Ok(entry) = found {
            entry.remove();
        }
    }

    /// Removes the table. Nothing leads to it any more; its objects go when the box is dropped.
    pub fn remove(&mut self, table: Opened) -> Box<Table> {
        if table.options.named {
            self.forget_name(table.name);
        }
        for (fixer, _) in table.fixation.fixers() {
            let fixer = *fixer;
            if let Some(attached) = self.attached(fixer) {
                attached.fixed.retain(|fixed| *fixed != table.0);
            }
            self.detach_if_idle(fixer);
        }
        self.disown(table.owner, table.place_of_owner);
        self.all.swap_remove(table.place);
        if let Some(moved) = self.all.get_mut(table.place) {
            // SAFETY: tables in the list are alive, and this is another one.
            unsafe { moved.as_mut() }.place = table.place;
        }
        if let Some(mut id) = table.id.borrow() {
            id.0 = None;
        }
        // SAFETY: leaked in `create`; the last addresses of it are gone.
        unsafe { Box::from_raw(table.0.as_ptr()) }
    }

    /// Takes over what a table's objects are in, to free them little by little ([`Tables::free_some`]).
    pub fn bury(&mut self, store: Store) {
        // Few are freed at once; so are all without memory for a note.
        if store.held() > FREED_AT_ONCE && self.buried.try_reserve(1).is_ok() {
            self.buried.push(store);
        }
    }

    /// Frees about so many objects of tables that are gone; how many, 0 if there is none.
    pub fn free_some(&mut self, objects: usize) -> usize {
        let mut freed = 0;
        while freed < objects
            && let Some(store) = self.buried.last_mut()
        {
            match store.free_some() {
                Some(count) => freed += count.max(1),
                None => drop(self.buried.pop()),
            }
        }
        freed
    }

    /// Whether there are objects to be freed.
    #[inline]
    pub fn has_buried(&self) -> bool {
        !self.buried.is_empty()
    }

    /// `pid` fixes the table once more.
    pub fn fix(&mut self, table: &mut Opened, pid: Term, now: i64) -> Result<(), NoMemory> {
        let fixed = &mut self.attach(pid)?.fixed;
        fixed.try_reserve(1).map_err(|_| NoMemory)?;
        let first = table.fixation.add(pid, now);
        if first == Ok(true) {
            fixed.push(table.0);
        }
        self.detach_if_idle(pid);
        first.map(|_| ())
    }

    /// `pid` fixes the table once less.
    pub fn unfix(&mut self, table: &mut Opened, pid: Term) {
        if !table.fixation.remove(pid, false) {
            return;
        }
        if let Some(attached) = self.attached(pid) {
            attached.fixed.retain(|fixed| *fixed != table.0);
        }
        self.detach_if_idle(pid);
        if !table.fixation.is_fixed() {
            table.unfixed();
        }
    }

    /// Whether `pid` may use every table.
    pub fn is_super_user(&self, pid: Term) -> bool {
        self.super_users.contains(&pid)
    }

    /// Makes `pid` one that may use every table, or no more.
    pub fn set_super_user(&mut self, pid: Term, set: bool) -> Result<(), NoMemory> {
        self.super_users.retain(|user| *user != pid);
        if set {
            self.super_users.try_reserve(1).map_err(|_| NoMemory)?;
            self.super_users.push(pid);
        }
        Ok(())
    }
}

impl Default for Tables {
    fn default() -> Self {
        Tables::new()
    }
}

/// The message that tells a new owner: `{'ETS-TRANSFER', Table, From, Data}`.
pub fn send_transfer(
    machine: &mut Machine,
    table: &Opened,
    from: Term,
    data: Term,
) -> Result<(), NoMemory> {
    let mut parcel = Parcel::new();
    let id = identifier(table, &mut parcel)?;
    let message = parcel.tuple(&[am::ETS_TRANSFER.term(), id, from, data])?;
    signal::send(machine, from, table.owner, message)
}

/// What programs call a table by: its name if it is a named one, else its identifier.
pub fn identifier<A: Arena + ?Sized>(table: &Table, arena: &mut A) -> Result<Term, NoMemory> {
    if table.options.named {
        return Ok(table.name.term());
    }
    table.id.term(arena)
}

/// What a slice of work on the end of a process may cost: so many objects freed.
const EXIT_SLICE: usize = 2048;

/// What is paid for a table that ends, or that is handed over, beside its objects.
const TABLE_COST: usize = 16;

/// Some of what the end of `pid` means: its fixations end, and its tables go to their heirs or with it. Whether nothing is left, and the
/// reductions that the work is worth.
pub fn process_exits(machine: &mut Machine, pid: Term) -> (bool, usize) {
    let tables = &mut machine.ets;
    if tables.super_users.contains(&pid) {
        tables.super_users.retain(|user| *user != pid);
    }
    let mut work = 0;
    while work < EXIT_SLICE {
        match exit_step(machine, pid) {
            Some(cost) => work += cost,
            None => return (true, work / FREED_PER_REDUCTION),
        }
    }
    (false, work / FREED_PER_REDUCTION)
}

/// One step of it, and what it cost; `None` if nothing is left.
fn exit_step(machine: &mut Machine, pid: Term) -> Option<usize> {
    let attached = machine.ets.attached(pid)?;
    if let Some(store) = &mut attached.freeing {
        match store.free_some() {
            Some(freed) => return Some(freed.max(1)),
            None => attached.freeing = None,
        }
    }
    // Its own tables first: what is only marked in them need not be looked for.
    let Some(table) = attached.owned.last().copied() else {
        let Some(table) = attached.fixed.pop() else {
            machine.ets.detach_if_idle(pid);
            return None;
        };
        let mut table = Opened(table);
        let mut cost = TABLE_COST;
        table.fixation.remove(pid, true);
        if !table.fixation.is_fixed() {
            cost += table.store.held() - table.store.len();
            table.unfixed();
        }
        return Some(cost);
    };
    let table = Opened(table);
    if let Err(table) = inherit(machine, table, pid) {
        let fixers = table.fixation.fixers().len();
        let store = machine.ets.remove(table).store;
        match machine.ets.attach(pid) {
            Ok(attached) => attached.freeing = Some(store),
            Err(NoMemory) => machine.ets.bury(store),
        }
        return Some(TABLE_COST * (1 + fixers));
    }
    Some(TABLE_COST)
}

/// Hands a table of `pid`, which has ended, over to its heir; the table if there is none that is alive.
fn inherit(machine: &mut Machine, mut table: Opened, pid: Term) -> Result<(), Opened> {
    let Some(heir) = &table.heir else {
        return Err(table);
    };
    let (to, birth, data) = (heir.pid, heir.birth, heir.data);
    let process = machine.processes.alive(to);
    if to == pid || process.is_none_or(|process| process.birth != birth) {
        return Err(table);
    }
    if machine.ets.give(&mut table, to).is_err() {
        return Err(table);
    }
    // An heir that cannot be told owns the table all the same.
    let _ = send_transfer(machine, &table, pid, data);
    Ok(())
}

impl TableId {
    /// Whether the table is gone.
    pub fn is_gone(&self) -> bool {
        self.0.is_none()
    }

    /// An identifier that leads to no table yet.
    pub const fn unused() -> TableId {
        TableId(None)
    }
}
