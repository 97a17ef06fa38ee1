//! Tells the tests which tool to drive: `STARLING` in the environment, else what `cargo build --release` makes.
//!
//! Cargo names a package's own programs to its tests, but then builds them in the tests' profile and links each test in the
//! tool's. Called by cargo alone.

use std::env;
use std::path::PathBuf;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=STARLING");
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    // TARGET/PROFILE/build/PACKAGE/out
    let target = out
        .ancestors()
        .nth(4)
        .expect("OUT_DIR is inside the target directory");
    let tool =
        env::var_os("STARLING").map_or_else(|| target.join("release/starling"), PathBuf::from);
    let tool = std::path::absolute(&tool).unwrap_or(tool);
    println!("cargo::rustc-env=STARLING_UNDER_TEST={}", tool.display());
    println!(
        "cargo::rustc-env=STARLING_SCRATCH={}",
        target.join("tmp").display()
    );
}
