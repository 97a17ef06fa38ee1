//! Chooses how the interpreter goes from one instruction to the next.
//!
//! Handlers end by calling the next one. With optimisation that call is compiled to a jump
//! (`scripts/check-dispatch` proves it); without, it would grow the native
//! stack with every instruction, so unoptimised builds return to a loop instead. `threaded` is
//! that choice; nothing but `interp::cpu` and `interp::run` looks at it.

fn main() {
    println!("cargo::rustc-check-cfg=cfg(threaded)");
    println!("cargo::rerun-if-changed=build.rs");
    let level = std::env::var("OPT_LEVEL").unwrap_or_default();
    if matches!(level.as_str(), "2" | "3") {
        println!("cargo::rustc-cfg=threaded");
    }
}
