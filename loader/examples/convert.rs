//! Converts `.beam` files and says how long that took: `convert FILE…`, or with `-l`
//! lists the code. For people who work on the loader.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use starling_loader::{convert_beam, disassemble, ling::Module};

fn main() -> ExitCode {
    let mut listing = false;
    let mut files = Vec::new();
    for argument in std::env::args().skip(1) {
        match argument.as_str() {
            "-l" => listing = true,
            _ => files.push(argument),
        }
    }
    let (mut beam_bytes, mut ling_bytes, mut code_bytes, mut refused) = (0, 0, 0, 0);
    let (mut converting, mut parsing, mut trusting) =
        (Duration::ZERO, Duration::ZERO, Duration::ZERO);
    for name in &files {
        let beam = match std::fs::read(name) {
            Ok(beam) => beam,
            Err(error) => {
                eprintln!("{name}: {error}");
                refused += 1;
                continue;
            }
        };
        let start = Instant::now();
        let ling = match convert_beam(&beam) {
            Ok(ling) => ling,
            Err(error) => {
                eprintln!("{name}: {error}");
                refused += 1;
                continue;
            }
        };
        converting += start.elapsed();
        let start = Instant::now();
        let module = match Module::parse(&ling) {
            Ok(module) => module,
            Err(error) => {
                eprintln!("{name}: converted, but {error}");
                refused += 1;
                continue;
            }
        };
        parsing += start.elapsed();
        let start = Instant::now();
        // SAFETY: these are the bytes that `convert_beam` of this version just returned.
        let trusted = unsafe { Module::parse_trusted(&ling) };
        trusting += start.elapsed();
        if trusted.is_err() {
            eprintln!("{name}: good, but not when trusted");
            refused += 1;
        }
        beam_bytes += beam.len();
        ling_bytes += ling.len();
        code_bytes += module.code().len();
        if listing {
            let mut text = String::new();
            if disassemble(&module, &mut text).is_err() {
                text.push_str("(the rest cannot be listed)\n");
            }
            print!("{text}");
        }
    }
    let rate = |bytes: usize, time: Duration| bytes as f64 / 1e6 / time.as_secs_f64();
    eprintln!(
        "{} files, {refused} refused; {:.2} MB of .beam became {:.2} MB of .ling, {:.2} MB of it code",
        files.len(),
        beam_bytes as f64 / 1e6,
        ling_bytes as f64 / 1e6,
        code_bytes as f64 / 1e6
    );
    eprintln!(
        "converted and validated in {converting:.1?} ({:.1} MB/s of .beam), parsed in {parsing:.1?} \
         ({:.1} MB/s of .ling), parsed as trusted in {trusting:.1?}",
        rate(beam_bytes, converting),
        rate(ling_bytes, parsing)
    );
    if refused == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
