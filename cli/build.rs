//! Builds the guest kernel that the tool carries inside itself.
//!
//! The guest needs other compiler flags than the tool (no red zone, static, no libc), so it is a cargo run of
//! its own, in its own target directory, which debug and release builds of the tool and clippy share. The
//! result's path reaches the tool as `STARLING_GUEST_KERNEL`. Setting that variable in the environment
//! takes a kernel that was built elsewhere instead.

use std::path::{Path, PathBuf};
use std::process::{Command, exit};
use std::{env, fs};

/// What a guest must be compiled with; the reasons stand at the top of `/build.rs`.
const GUEST_FLAGS: [&str; 4] = [
    "-Crelocation-model=static",
    "-Cno-redzone=yes",
    "-Csymbol-mangling-version=v0",
    "-Ctarget-cpu=x86-64-v2",
];
const GUEST_TARGET: &str = "x86_64-unknown-linux-gnu";

fn main() {
    let manifest = PathBuf::from(variable("CARGO_MANIFEST_DIR"));
    let workspace = manifest
        .parent()
        .expect("the tool's package is inside the workspace");
    for part in [
        "xen",
        "vm",
        "loader",
        "kernel",
        "build.rs",
        "linker.ld",
        "Cargo.toml",
        "Cargo.lock",
    ] {
        println!("cargo::rerun-if-changed={}", workspace.join(part).display());
    }
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=STARLING_GUEST_KERNEL");
    let kernel = match env::var_os("STARLING_GUEST_KERNEL") {
        Some(path) => PathBuf::from(path),
        None => build_guest(workspace),
    };
    if let Err(error) = fs::metadata(&kernel) {
        fail(&format!("guest kernel {}: {error}", kernel.display()));
    }
    println!(
        "cargo::rustc-env=STARLING_GUEST_KERNEL={}",
        kernel.display()
    );
    println!(
        "cargo::rustc-env=STARLING_LOADER_DIGEST={:016x}",
        digest(&workspace.join("loader/src"))
    );
}

/// A digest (FNV-1a, 64 bits) of the loader's sources: what one loader converted must not be taken for another's.
fn digest(directory: &Path) -> u64 {
    let mut pending = vec![directory.to_path_buf()];
    let mut files = Vec::new();
    while let Some(directory) = pending.pop() {
        let entries = fs::read_dir(&directory)
            .unwrap_or_else(|error| fail(&format!("{}: {error}", directory.display())));
        for path in entries.flatten().map(|entry| entry.path()) {
            if path.is_dir() {
                pending.push(path);
            } else {
                files.push(path);
            }
        }
    }
    files.sort();
    let mut hash = 0xcbf2_9ce4_8422_2325;
    for path in files {
        let bytes =
            fs::read(&path).unwrap_or_else(|error| fail(&format!("{}: {error}", path.display())));
        for byte in bytes {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
    hash
}

/// Runs the nested cargo; the path of the ELF it made.
fn build_guest(workspace: &Path) -> PathBuf {
    // OUT_DIR is <target>/<profile>/build/<package>/out.
    let out_dir = PathBuf::from(variable("OUT_DIR"));
    let target_dir = out_dir
        .ancestors()
        .nth(4)
        .expect("cargo's OUT_DIR lies four levels below its target directory")
        .join("guest");
    let status = Command::new(variable("CARGO"))
        .args([
            "build",
            "--release",
            "--locked",
            "--package",
            "starling-kernel",
        ])
        .args(["--target", GUEST_TARGET])
        .arg("--target-dir")
        .arg(&target_dir)
        .current_dir(workspace)
        .env("CARGO_ENCODED_RUSTFLAGS", GUEST_FLAGS.join("\x1f"))
        // Under `cargo clippy` these would lint the guest instead of building it.
        .env_remove("RUSTC_WORKSPACE_WRAPPER")
        .env_remove("CLIPPY_ARGS")
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_BUILD_TARGET")
        .status();
    match status {
        Ok(status) if status.success() => {}
        Ok(status) => fail(&format!("building the guest kernel failed ({status})")),
        Err(error) => fail(&format!("cannot run cargo for the guest kernel: {error}")),
    }
    target_dir
        .join(GUEST_TARGET)
        .join("release")
        .join("starling-kernel")
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| fail(&format!("cargo did not set {name}")))
}

fn fail(message: &str) -> ! {
    println!("cargo::error={message}");
    exit(1)
}
