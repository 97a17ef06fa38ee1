//! Feeds damaged files to both decoders for a while: `fuzz SECONDS [SEED]`.
//!
//! Seeds are small made-up modules and those of the OTP on this machine. A round takes a
//! `.beam`, damages it (knowing its chunks and that operands are compact terms) and
//! converts it, or takes a `.ling`, damages it, gives it the right checksum and parses it.
//! What is accepted is listed, walked and looked at through every accessor. A panic ends
//! the run with the number that repeats it; so does a round of more than
//! [`LONGEST_ROUND`]. A file that the converter accepts must parse.

use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use starling_loader::ling::{Module, Relocation};
use starling_loader::{convert_beam, disassemble, instruction_length};

#[path = "../tests/support/mod.rs"]
#[allow(dead_code)]
mod support;

/// A round that takes longer found something too slow to be left alone.
const LONGEST_ROUND: Duration = Duration::from_secs(5);

/// Seeds larger than this would make rounds too slow.
const LARGEST_SEED: usize = 40_000;

/// Most seeds taken from the machine's OTP.
const MOST_SEEDS: usize = 60;

/// Seed of the current round, for the panic hook.
static ROUND: AtomicU64 = AtomicU64::new(0);

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let Some(seconds) = arguments.next().and_then(|text| text.parse().ok()) else {
        eprintln!("usage: fuzz SECONDS [SEED]");
        return ExitCode::from(2);
    };
    let of_clock = || {
        SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .map_or(1, |now| now.as_nanos() as u64)
    };
    let seed = arguments
        .next()
        .and_then(|text| text.parse().ok())
        .unwrap_or_else(of_clock);
    let beams = seeds();
    let lings: Vec<Vec<u8>> = beams
        .iter()
        .filter_map(|beam| convert_beam(beam).ok())
        .collect();
    eprintln!(
        "{} seeds of .beam, {} of .ling, random seed {seed}",
        beams.len(),
        lings.len()
    );
    if lings.is_empty() {
        eprintln!("no seed converts");
        return ExitCode::FAILURE;
    }
    // Panics abort, as in the machine; the hook is the last to speak.
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        hook(panic);
        eprintln!("repeat it with: fuzz 1 {}", ROUND.load(Ordering::Relaxed));
    }));
    let mut tally = Tally::default();
    let start = Instant::now();
    let mut reported = start;
    while start.elapsed() < Duration::from_secs(seconds) {
        let round_seed = seed.wrapping_add(tally.rounds);
        let round_start = Instant::now();
        ROUND.store(round_seed, Ordering::Relaxed);
        round(round_seed, &beams, &lings, &mut tally);
        if round_start.elapsed() > LONGEST_ROUND {
            eprintln!(
                "a round of {:.1?}; repeat it with: fuzz 1 {round_seed}",
                round_start.elapsed()
            );
            return ExitCode::FAILURE;
        }
        tally.rounds += 1;
        if reported.elapsed() > Duration::from_secs(10) {
            eprintln!("{}", tally.text());
            reported = Instant::now();
        }
    }
    println!("{}: no panic", tally.text());
    ExitCode::SUCCESS
}

#[derive(Default)]
struct Tally {
    rounds: u64,
    beams: u64,
    beams_accepted: u64,
    lings: u64,
    lings_accepted: u64,
}

impl Tally {
    fn text(&self) -> String {
        format!(
            "{} rounds: {} of .beam ({} accepted), {} of .ling ({} accepted)",
            self.rounds, self.beams, self.beams_accepted, self.lings, self.lings_accepted
        )
    }
}

fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = vec![
        support::sample(support::Style::Otp25),
        support::sample(support::Style::Otp28),
    ];
    seeds.push(support::gzip(&seeds[0]));
    let more = std::env::var("STARLING_OTP_LIBS").unwrap_or_default();
    for directory in more
        .split(':')
        .filter(|path| !path.is_empty())
        .chain(["/usr/lib/erlang/lib"])
    {
        let mut found = Vec::new();
        for application in std::fs::read_dir(directory).into_iter().flatten().flatten() {
            let ebin = std::fs::read_dir(application.path().join("ebin"));
            found.extend(ebin.into_iter().flatten().flatten().map(|file| file.path()));
        }
        found.sort();
        let small = found.iter().filter_map(|path| std::fs::read(path).ok());
        let mut small: Vec<_> = small
            .filter(|file| file.starts_with(b"FOR1") && file.len() < LARGEST_SEED)
            .collect();
        let step = small.len().div_ceil(MOST_SEEDS).max(1);
        seeds.extend(small.drain(..).step_by(step));
    }
    seeds
}

/// Xorshift: the same seed gives the same round.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }
}

fn round(seed: u64, beams: &[Vec<u8>], lings: &[Vec<u8>], tally: &mut Tally) {
    // Neighbouring seeds must not give similar rounds; zero would stay zero.
    let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    for _ in 0..4 {
        random.next();
    }
    if random.below(2) == 0 {
        let mut file = beams[random.below(beams.len())].clone();
        damage_beam(&mut file, &mut random);
        tally.beams += 1;
        if let Ok(ling) = convert_beam(&file) {
            tally.beams_accepted += 1;
            let module = Module::parse(&ling).expect("what the converter accepts parses");
            look_at(&module);
        }
    } else {
        let mut file = lings[random.below(lings.len())].clone();
        damage_ling(&mut file, &mut random);
        tally.lings += 1;
        if let Ok(module) = Module::parse(&file) {
            tally.lings_accepted += 1;
            look_at(&module);
        }
    }
}

/// Values that are more often wrong than others.
const EDGES: [u32; 16] = [
    0,
    1,
    2,
    3,
    0x10,
    0x7f,
    0x80,
    0xff,
    0x100,
    0x7fff,
    0xffff,
    0x1_0000,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_fffe,
    0xffff_ffff,
];

/// Changes a few bytes, mostly inside one region.
fn damage(file: &mut [u8], start: usize, size: usize, random: &mut Random) {
    if size == 0 || start + size > file.len() {
        return;
    }
    let at = start + random.below(size);
    match random.below(8) {
        0 => file[at] = random.next() as u8,
        1 => file[at] ^= 1 << random.below(8),
        2 => file[at] = file[at].wrapping_add(1),
        3 => file[at] = file[at].wrapping_sub(1),
        4 if at + 4 <= file.len() => {
            let edge = EDGES[random.below(EDGES.len())];
            let bytes = if random.below(2) == 0 {
                edge.to_be_bytes()
            } else {
                edge.to_le_bytes()
            };
            file[at..at + 4].copy_from_slice(&bytes);
        }
        5 => {
            // A piece of the region over another one.
            let length = 1 + random.below(24);
            let from = start + random.below(size);
            let piece: Vec<u8> = file[from..(from + length).min(file.len())].to_vec();
            for (offset, byte) in piece.into_iter().enumerate() {
                if let Some(old) = file.get_mut(at + offset) {
                    *old = byte;
                }
            }
        }
        6 => {
            let other = start + random.below(size);
            file.swap(at, other);
        }
        _ => {
            // Another tag or size of a compact term.
            file[at] = file[at] & 0xf8 | random.below(8) as u8;
        }
    }
}

fn damage_beam(file: &mut Vec<u8>, random: &mut Random) {
    // Where the chunks are, Code more often than others.
    let mut chunks = Vec::new();
    let mut at = 12;
    while let Some(header) = file.get(at..at + 8) {
        let size = u32::from_be_bytes([header[4], header[5], header[6], header[7]]) as usize;
        let loads = !matches!(
            &header[..4],
            b"Dbgi" | b"Docs" | b"CInf" | b"Attr" | b"Meta" | b"Type"
        );
        for _ in 0..if header.starts_with(b"Code") {
            6
        } else {
            loads as usize
        } {
            chunks.push((at, size + 8));
        }
        at += 8 + size.next_multiple_of(4);
    }
    for _ in 0..1 + random.below(4) {
        let whole = (0, file.len());
        let (start, size) = match random.below(16) {
            0 => whole,
            _ if chunks.is_empty() => whole,
            _ => chunks[random.below(chunks.len())],
        };
        match random.below(40) {
            0 => file.truncate(random.below(file.len())),
            1 => {
                // Bytes more or fewer in a chunk, whose size says so.
                let at = start + 8 + random.below(size.saturating_sub(8));
                if at < file.len() {
                    file.remove(at);
                    let shorter = (size as u32).saturating_sub(9).to_be_bytes();
                    if let Some(bytes) = file.get_mut(start + 4..start + 8) {
                        bytes.copy_from_slice(&shorter);
                    }
                }
            }
            // The contents, seldom the header.
            _ => damage(file, start + 8, size.saturating_sub(8), random),
        }
    }
}

fn damage_ling(file: &mut Vec<u8>, random: &mut Random) {
    const TABLE: usize = 16;
    const SECTIONS: usize = 23;
    for _ in 0..1 + random.below(4) {
        let section = TABLE + 8 * random.below(SECTIONS);
        let word = |at: usize| {
            file.get(at..at + 4).map_or(0, |bytes| {
                u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
            }) as usize
        };
        let (start, size) = (word(section), word(section + 4));
        // Code, the eleventh section, more often than others.
        let code = (word(TABLE + 80), word(TABLE + 84));
        match random.below(24) {
            0 => damage(file, TABLE, 8 * SECTIONS, random),
            1 => {
                file.truncate(random.below(file.len()));
                let size = (file.len() as u32).to_le_bytes();
                if let Some(bytes) = file.get_mut(8..12) {
                    bytes.copy_from_slice(&size);
                }
            }
            2..12 => damage(file, start, size, random),
            _ => damage(file, code.0, code.1, random),
        }
    }
    if let Some((head, rest)) = file.split_at_mut_checked(TABLE) {
        head[12..16].copy_from_slice(&crc32fast::hash(rest).to_le_bytes());
    }
}

/// Uses everything of a module that has been accepted, as the machine would.
fn look_at(module: &Module<'_>) {
    let mut text = String::new();
    disassemble(module, &mut text).expect("what has been validated can be listed");
    let code = module.code();
    let mut at = 0;
    while at < code.len() {
        at += instruction_length(code, at).expect("what has been validated has whole instructions");
    }
    assert_eq!(at, code.len());
    assert!(module.atoms().all(|atom| atom.chars().count() <= 255));
    for export in module.exports().iter() {
        let function = module
            .function_at(export.entry)
            .expect("an export is a function");
        assert_eq!(
            (function.entry, function.function),
            (export.entry, export.function)
        );
    }
    for kind in Relocation::ALL {
        let indices = match kind {
            Relocation::Atom => module.atom_count(),
            Relocation::Literal => module.literal_count(),
            Relocation::Import => module.imports().len(),
            Relocation::Fun => module.funs().len(),
            Relocation::String => module.strings().len() + 1,
            Relocation::Call | Relocation::Select => continue,
        };
        for offset in module.relocations(kind).iter() {
            let word = code[offset as usize..offset as usize + 8]
                .try_into()
                .map(u64::from_le_bytes);
            assert!((word.expect("8 bytes") as usize) < indices);
        }
    }
    assert!(
        module
            .literals()
            .all(|literal| literal.first() == Some(&131))
    );
    for offset in [0, code.len() as u32 / 2, u32::MAX] {
        let location = module.location_at(offset);
        assert!(module.file(location.file() as usize).is_some());
    }
}
