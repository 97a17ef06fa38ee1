//! What can only be tried on Xen: a table of small trials, for `kernel/tests/on_xen.rs`.
//!
//! Built in with the feature `selftest` only; `+selftest NAME` runs one instead of the machine. A trial either
//! ends the domain with status 0 after printing `NAME: ok`, or is meant to crash; one that should have crashed and
//! did not says so and ends with status 1.

mod sharing;

use crate::memory::PAGE_SIZE;
use crate::platform::XenPlatform;
use crate::{console, power};
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::arch::asm;
use core::fmt::Write;
use core::hint::black_box;
use starling_vm::platform::Platform;

/// The boot argument that asks for a trial; its name follows.
pub const FLAG: &str = "+selftest";

type Trial = fn(&mut XenPlatform) -> Result<(), String>;

const TRIALS: &[(&str, Trial)] = &[
    // Ends well.
    ("clock", clock),
    ("entropy", entropy),
    ("heap", heap),
    ("exhaustion", exhaustion),
    ("reservations", reservations),
    ("output", output),
    ("input", input),
    ("grants", |_| sharing::grants()),
    ("channels", |_| sharing::channels()),
    ("status-seven", |platform| platform.halt(7)),
    // Must not survive.
    ("write-null", |_| {
        write_to(core::ptr::null_mut::<u8>() as usize + 8)
    }),
    ("write-text", |_| write_to(write_to as *const () as usize)),
    ("write-constant", |_| write_to(FLAG.as_ptr() as usize)),
    ("write-unmapped", |_| write_to(0x1234_5678_9000)),
    ("execute-stack", |_| execute(black_box(&[RET; 16]).as_ptr())),
    ("execute-object", |_| {
        execute(Box::leak(Box::new([RET; 16])).as_ptr())
    }),
    ("execute-run", |_| {
        execute(vec![RET; 100_000].leak().as_ptr())
    }),
    ("invalid-opcode", |_| invalid_opcode()),
    ("divide", |_| divide()),
    ("panic", |_| panic(black_box(3))),
    ("stack-overflow", |_| overflow(black_box(1 << 20))),
    ("allocation", |_| allocate(black_box(1 << 42))),
];

/// Runs the trial called `name` and ends the domain.
pub fn run(platform: &mut XenPlatform, name: &str) -> ! {
    let Some((_, trial)) = TRIALS.iter().find(|(known, _)| *known == name) else {
        let _ = writeln!(console::Writer, "{FLAG}: there is no trial {name:?}");
        power::halt(2)
    };
    let status = match trial(platform) {
        Ok(()) => {
            let _ = writeln!(console::Writer, "{name}: ok");
            0
        }
        Err(reason) => {
            let _ = writeln!(console::Writer, "{name}: {reason}");
            1
        }
    };
    power::halt(status)
}

fn expect(condition: bool, what: &str) -> Result<(), String> {
    if condition {
        Ok(())
    } else {
        Err(String::from(what))
    }
}

fn clock(platform: &mut XenPlatform) -> Result<(), String> {
    const NAP_NS: u64 = 20_000_000;
    let mut last = platform.monotonic_ns();
    for _ in 0..10_000 {
        let now = platform.monotonic_ns();
        expect(now >= last, "the clock went back")?;
        last = now;
    }
    let wall = platform.system_time_ns();
    expect(
        wall > 1_700_000_000_000_000_000,
        "the wall clock is before 2023",
    )?;
    let until = last + NAP_NS;
    // A poll may end early, but not for ever.
    for _ in 0..1000 {
        platform.idle_until(Some(until));
        if platform.monotonic_ns() >= until {
            break;
        }
    }
    expect(
        platform.monotonic_ns() >= until,
        "sleeping did not reach its deadline",
    )?;
    let slept = platform.system_time_ns() - wall;
    expect(slept >= NAP_NS as i64, "the wall clock did not follow")
}

fn entropy(platform: &mut XenPlatform) -> Result<(), String> {
    let mut bytes = [[0; 32]; 2];
    let [first, second] = &mut bytes;
    platform.fill_entropy(first);
    platform.fill_entropy(second);
    expect(first != second, "the same bytes twice")?;
    let _ = writeln!(console::Writer, "bytes {first:02x?}");
    Ok(())
}

/// Xorshift: trials must be the same every time.
fn next(state: &mut u64) -> usize {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state as usize
}

fn heap(_: &mut XenPlatform) -> Result<(), String> {
    let mut live: Vec<Vec<u64>> = Vec::new();
    let mut state = 88_172_645_463_325_252;
    for step in 0..20_000 {
        let random = next(&mut state);
        if live.len() > 100 || (random & 1 == 0 && !live.is_empty()) {
            let block = live.swap_remove((random >> 8) % live.len());
            let mark = block[0];
            let intact =
                block.iter().step_by(61).all(|&word| word == mark) && block.last() == Some(&mark);
            expect(intact, "a block changed while it was live")?;
        } else {
            let words = 1 + (random >> 20) % (1 << ((random >> 12) % 14));
            let mut block = Vec::new();
            if block.try_reserve_exact(words).is_err() {
                live.clear();
                continue;
            }
            block.resize(words, step);
            live.push(block);
        }
    }
    let mut zeroed = vec![0u8; 3 * PAGE_SIZE];
    expect(
        zeroed.iter().all(|&byte| byte == 0),
        "zeroed memory was not",
    )?;
    zeroed.fill(1);
    drop(zeroed);
    expect(
        vec![0u8; 3 * PAGE_SIZE].iter().all(|&byte| byte == 0),
        "memory was not zeroed again",
    )
}

fn exhaustion(platform: &mut XenPlatform) -> Result<(), String> {
    let before = platform.memory_available();
    for round in 0..3 {
        let mut blocks: Vec<Vec<u8>> = Vec::new();
        let size = PAGE_SIZE << (2 * round);
        loop {
            let mut block: Vec<u8> = Vec::new();
            if blocks.try_reserve(1).is_err() || block.try_reserve_exact(size).is_err() {
                break;
            }
            block.push(1);
            blocks.push(block);
        }
        let taken: u64 = (blocks.len() * size) as u64;
        expect(
            taken > before / 2,
            "less than half of the free memory could be had",
        )?;
        drop(blocks);
        expect(
            platform.memory_available() > before / 10 * 9,
            "memory did not come back",
        )?;
    }
    // One block over nearly everything, grown step by step: only possible if pages are moved, not copied.
    let mut grown: Vec<u8> = Vec::new();
    while (grown.len() as u64) < before / 10 * 7 {
        let more = grown.len() / 3 + 1000;
        expect(
            grown.try_reserve_exact(more).is_ok(),
            "a block could not grow",
        )?;
        grown.resize(grown.len() + more, 7);
    }
    expect(
        grown.iter().step_by(1009).all(|&byte| byte == 7),
        "growing lost contents",
    )
}

fn reservations(platform: &mut XenPlatform) -> Result<(), String> {
    const LEN: usize = 1 << 30;
    let area = platform
        .reserve(LEN)
        .ok_or("a GiB of addresses could not be reserved")?;
    expect(
        platform.commit(area.base, 64 * PAGE_SIZE),
        "64 pages could not be committed",
    )?;
    // SAFETY: committed.
    let pages = unsafe { core::slice::from_raw_parts_mut(area.base.as_ptr(), 64 * PAGE_SIZE) };
    expect(
        pages.iter().all(|&byte| byte == 0),
        "committed pages are not zero",
    )?;
    pages.fill(0xff);
    expect(
        platform.commit(area.base, 65 * PAGE_SIZE),
        "committing again failed",
    )?;
    expect(
        pages.iter().all(|&byte| byte == 0xff),
        "committing again lost contents",
    )?;
    let available = platform.memory_available() as usize;
    expect(
        available < LEN,
        "this trial needs a domain of less than a GiB",
    )?;
    expect(
        !platform.commit(area.base, LEN),
        "more was committed than there is",
    )
}

/// Many times the ring's size, with numbers so that a hole would show.
fn output(platform: &mut XenPlatform) -> Result<(), String> {
    let _ = platform;
    for line in 0..500 {
        let _ = writeln!(console::Writer, "line {line:4} abcdefghijklmnopqrstuvwxyz");
    }
    Ok(())
}

/// The sum of the 100 bytes that are typed. (Xen keeps 128 for dom0 and drops the rest.)
fn input(platform: &mut XenPlatform) -> Result<(), String> {
    const EXPECTED: usize = 100;
    let _ = writeln!(console::Writer, "type");
    let (mut count, mut sum) = (0, 0u64);
    while count < EXPECTED {
        let mut bytes = [0; 100];
        let read = platform.console_read(&mut bytes);
        count += read;
        for &byte in &bytes[..read] {
            sum = (sum * 31 + u64::from(byte)) % 1_000_007;
        }
        if read == 0 {
            platform.idle_until(None);
        }
    }
    let _ = writeln!(console::Writer, "typed {count} sum {sum}");
    Ok(())
}

/// The instruction that returns.
const RET: u8 = 0xc3;

fn survived() -> Result<(), String> {
    Err(String::from("survived"))
}

fn write_to(address: usize) -> Result<(), String> {
    // SAFETY: none; the point is that this faults.
    unsafe { (black_box(address) as *mut u8).write_volatile(0) };
    survived()
}

fn execute(code: *const u8) -> Result<(), String> {
    // SAFETY: none; the point is that this faults.
    let function: extern "C" fn() = unsafe { core::mem::transmute(black_box(code)) };
    function();
    survived()
}

fn invalid_opcode() -> Result<(), String> {
    // SAFETY: none; the point is that this faults.
    unsafe { asm!("ud2") };
    survived()
}

fn divide() -> Result<(), String> {
    // SAFETY: none; the point is that this faults.
    unsafe { asm!("div ecx", inout("ecx") 0 => _, inout("eax") 1 => _, inout("edx") 0 => _) };
    survived()
}

fn panic(index: usize) -> Result<(), String> {
    let empty: &[u8] = black_box(&[]);
    black_box(empty[index]);
    survived()
}

#[allow(clippy::only_used_in_recursion)] // the recursion is the point
fn overflow(depth: u64) -> Result<(), String> {
    let frame = black_box([depth; 64]);
    if depth > 0 {
        overflow(depth - 1)?;
    }
    black_box(frame);
    survived()
}

fn allocate(size: usize) -> Result<(), String> {
    black_box(Vec::<u8>::with_capacity(size));
    survived()
}
