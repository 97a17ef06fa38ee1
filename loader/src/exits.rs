//! Functions that never return.
//!
//! The compiler knows them: it shares code that ends in a call of one between places with
//! stack frames of different sizes, because nothing will look at the frame again. So the
//! converter does not let such a call remove a frame, the validator does not ask which
//! frame is there, and the machine must hold to it: these raise, whatever their arguments.

/// Names and arities, in module erlang.
const NEVER_RETURNING: &[(&str, &[u32])] =
    &[("error", &[1, 2, 3]), ("exit", &[1]), ("throw", &[1])];

/// Whether a function never returns.
pub fn never_returns(module: Option<&str>, function: Option<&str>, arity: u32) -> bool {
    module == Some("erlang")
        && NEVER_RETURNING
            .iter()
            .any(|known| function == Some(known.0) && known.1.contains(&arity))
}
