//! What the machine leaves behind when it dies: OTP's crash dump.
//!
//! `erlang:halt("slogan")` writes one, as OTP's `init` does when a boot fails, and so do fatal errors of the machine's own. The format
//! is OTP's (`=erl_crash_dump:0.5`), so that `crashdump_viewer` reads it. On a host with files it goes to one:
//! `ERL_CRASH_DUMP` names it (`erl_crash.dump` otherwise), `ERL_CRASH_DUMP_BYTES` limits it, and `ERL_CRASH_DUMP_SECONDS` set to 0 turns it off, to more
//! gives it so long. A domain has a console and no files: there the dump is *short* (no heaps, stacks, modules and atoms) and stands between two
//! lines that say where it begins and ends.
//!
//! Invariant: nothing here needs much memory, since the lack of it may be why the machine dies; what there is no memory for is left out.
//!
//! Who calls this: `erlang:halt/2` ([`die`]), `process_info/2` and `system_info/1` for the parts that they tell, too.

mod heap;
mod sections;
mod shared;
pub mod stack;
mod writer;

use crate::fs::Modes;
use crate::machine::Machine;
use crate::platform::{CrashDumps, Stream};
use crate::term::Term;
use alloc::ffi::CString;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write;
use core::ptr::NonNull;
pub use sections::each_process;
use stack::Gathered;
use writer::{Limits, Sink, Writer};

/// Exit status of a machine that died.
const STATUS: u8 = 1;
/// The file, unless `ERL_CRASH_DUMP` names another.
const DEFAULT_NAME: &[u8] = b"erl_crash.dump";

/// `Erlang/OTP 25 [erts-13.1.5] [starling-0.1.0] [64-bit] [smp:1:1]`
pub fn system_version(machine: &Machine) -> String {
    format!(
        "Erlang/OTP {} [erts-{}] [starling-{}] [64-bit] [smp:1:1]",
        machine.release,
        machine.erts_version,
        env!("CARGO_PKG_VERSION")
    )
}

/// A part of what is known as text, for `erlang:system_info(procs | loaded | info)` and the menu of Ctrl-C; cut off where memory
/// ends.
pub fn section(machine: &Machine, name: &str) -> String {
    let mut text = Gathered::default();
    let _ = match name {
        "procs" => sections::processes(machine, &mut text),
        "processes" => each_process(machine)
            .try_for_each(|process| sections::whole_process(machine, process, &mut text))
            .and_then(|()| sections::ports(machine, &mut text)),
        "ports" => sections::ports(machine, &mut text),
        "tables" => sections::tables(machine, &mut text),
        "nodes" => sections::nodes(machine, &mut text),
        "loaded" => sections::modules(machine, &mut text, ""),
        _ => sections::memory(machine, &mut text)
            .and_then(|()| sections::areas(machine, &mut text))
            .and_then(|()| sections::modules(machine, &mut text, "=loaded_modules\n")),
    };
    text.0
}

/// What is known of one process, its stack included.
pub fn process(machine: &Machine, pid: Term) -> String {
    let mut text = Gathered::default();
    if let Some(process) = each_process(machine).find(|process| process.pid == pid) {
        let _ = sections::whole_process(machine, process, &mut text);
    }
    text.0
}

/// Says `slogan`, leaves a dump and ends the machine.
pub fn die(machine: &mut Machine, slogan: &str) -> ! {
    say(machine, &format!("{slogan}\r\n"));
    match machine.host.crash_dumps {
        CrashDumps::File => to_file(machine, slogan),
        CrashDumps::Console => to_console(machine, slogan),
    }
    machine.platform.halt(STATUS)
}

fn say(machine: &mut Machine, text: &str) {
    machine.console_write(Stream::Error, text.as_bytes());
}

/// A number from the environment.
fn number(machine: &Machine, name: &[u8]) -> Option<i64> {
    let value = machine.environment.get(name)?;
    core::str::from_utf8(value).ok()?.trim().parse().ok()
}

/// How long the dump may take and how large it may be; `None` if there is to be none.
fn limits(machine: &mut Machine) -> Option<Limits> {
    let deadline = match number(machine, b"ERL_CRASH_DUMP_SECONDS") {
        Some(0) => return None,
        Some(seconds @ 1..) => {
            let now = machine.platform.monotonic_ns();
            Some(now.saturating_add((seconds as u64).saturating_mul(1_000_000_000)))
        }
        _ => None,
    };
    let bytes = match number(machine, b"ERL_CRASH_DUMP_BYTES") {
        Some(0) => return None,
        Some(bytes @ 1..) => bytes as u64,
        _ => u64::MAX,
    };
    Some(Limits { bytes, deadline })
}

fn to_file(machine: &mut Machine, slogan: &str) {
    let Some(limits) = limits(machine) else {
        return;
    };
    let name = machine.environment.get(b"ERL_CRASH_DUMP");
    let name: Vec<u8> = name
        .filter(|name| !name.is_empty())
        .unwrap_or(DEFAULT_NAME)
        .into();
    let shown = String::from_utf8_lossy(&name).into_owned();
    let Ok(path) = CString::new(name) else {
        return;
    };
    let modes = Modes {
        write: true,
        ..Modes::default()
    };
    // As OTP, which says nothing of a dump that cannot be written.
    let Ok(file) = machine.files.open(&path, modes) else {
        return;
    };
    say(
        machine,
        &format!("\r\nCrash dump is being written to: {shown}..."),
    );
    write(machine, slogan, Sink::File(file), limits, true);
    let _ = machine.files.close(file);
    say(machine, "done\r\n");
}

fn to_console(machine: &mut Machine, slogan: &str) {
    let Some(limits) = limits(machine) else {
        return;
    };
    say(machine, "\r\nstarling: crash dump begins\r\n");
    write(machine, slogan, Sink::Console, limits, false);
    say(machine, "starling: crash dump ends\r\n");
}

/// Writes all of a dump, or as much as the limits allow. `whole` adds what is large.
fn write(machine: &mut Machine, slogan: &str, sink: Sink, limits: Limits, whole: bool) {
    let now = machine.platform.system_time_ns().div_euclid(1_000_000_000);
    let monotonic = machine.platform.monotonic_ns();
    // SAFETY: file system and platform are objects of their own behind boxes, which sections, who write text and look at
    // terms, never touch; the writer ends before they are used by others again.
    let mut writer = unsafe {
        Writer::new(
            NonNull::from(&mut *machine.files),
            NonNull::from(&mut *machine.platform),
            sink,
            limits,
        )
    };
    let machine = &*machine;
    let written = sections::header(machine, now, slogan, &mut writer)
        .and_then(|()| sections::memory(machine, &mut writer))
        .and_then(|()| sections::areas(machine, &mut writer))
        .and_then(|()| sections::processes(machine, &mut writer))
        .and_then(|()| sections::ports(machine, &mut writer))
        .and_then(|()| sections::tables(machine, &mut writer))
        .and_then(|()| shared::timers(machine, monotonic, &mut writer))
        .and_then(|()| sections::nodes(machine, &mut writer));
    let written = match whole {
        true => written
            .and_then(|()| sections::modules(machine, &mut writer, "=loaded_modules\n"))
            .and_then(|()| shared::funs(machine, &mut writer))
            .and_then(|()| sections::contents(machine, &mut writer))
            .and_then(|()| shared::persistent_terms(machine, &mut writer))
            .and_then(|()| sections::atoms(machine, &mut writer)),
        false => written,
    };
    let _ = written.and_then(|()| writer.write_str("=end\n"));
    writer.finish();
}
