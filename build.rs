//! How the guest kernel is linked (build script of `kernel/`, kept beside `linker.ld`).
//!
//! The tool's own build script builds the kernel with exactly
//!
//! ```text
//! RUSTFLAGS="-C relocation-model=static -C no-redzone=yes -C symbol-mangling-version=v0 -C target-cpu=x86-64-v2"
//! cargo build --release --locked -p starling-kernel --bin starling-kernel --target x86_64-unknown-linux-gnu
//! ```
//!
//! and finds it at `<target dir>/x86_64-unknown-linux-gnu/release/starling-kernel`. `--target` is
//! given although it is the host's, so that these flags do not reach build scripts. The flags say how
//! code is generated and the arguments below how it is linked; both are needed, and only the release
//! profile is meant to boot.

use std::path::Path;

/// Arguments for the C compiler that drives the link.
const LINK_ARGUMENTS: &[&str] = &[
    "-nostdlib",
    "-nostartfiles",
    "-static",
    "-no-pie",
    "-Wl,--build-id=none",
    "-Wl,--no-dynamic-linker",
    "-Wl,--no-eh-frame-hdr",
    "-Wl,-z,norelro",
    "-Wl,-z,noexecstack",
    "-Wl,-z,max-page-size=4096",
];

fn main() {
    let package = std::env::var("CARGO_MANIFEST_DIR").expect("cargo sets CARGO_MANIFEST_DIR");
    let script = Path::new(&package).join("../linker.ld");
    println!("cargo:rerun-if-changed=../build.rs");
    println!("cargo:rerun-if-changed={}", script.display());
    for argument in LINK_ARGUMENTS {
        println!("cargo:rustc-link-arg-bins={argument}");
    }
    println!("cargo:rustc-link-arg-bins=-Wl,-T,{}", script.display());
}
