//! The handlers by opcode, derived from the instruction table: an operation without a handler, or with one
//! that does not take its operands, does not compile.

use super::cpu::Handler;
use super::operand::{A, C, D, F, H, I, J, Lb, Le, Ls, Lv, N, P, Q, R, S, U, W, X, Y};
use super::ops;
use starling_loader::operation::OPCODES;

macro_rules! handlers {
    ($($name:ident { $( ( $($kind:ident)* ) )+ })*) => {
        /// What runs for each opcode: what a machine's own table starts as.
        pub(crate) const HANDLERS: [Handler; OPCODES] = [
            $($( ops::$name::<$($kind),*> as Handler, )+)*
        ];
    };
}
starling_loader::instructions!(handlers);
