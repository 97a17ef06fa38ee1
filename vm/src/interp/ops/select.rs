//! Multi-way branches.

use crate::interp::Exit;
use crate::interp::cpu::{Cpu, op};
use crate::interp::operand::{F, Label, Words};
use crate::term::{Subtag, Term};

/// Up to this many pairs are tried one by one.
const LINEAR: usize = 8;

/// Goes to the label beside `wanted` in `table`, which linking has sorted by raw word; to `otherwise` if it is not there.
#[inline(always)]
fn branch<L: Label>(cpu: Cpu, table: Words, wanted: u64, otherwise: L) -> Exit {
    let pairs = table.len() / 2;
    if pairs <= LINEAR {
        for pair in 0..pairs {
            if table.word(2 * pair) == wanted {
                return cpu.jump(F(table.word(2 * pair + 1) as i32));
            }
        }
        return cpu.jump(otherwise);
    }
    let (mut low, mut high) = (0, pairs);
    while low < high {
        let middle = (low + high) / 2;
        let word = table.word(2 * middle);
        if word == wanted {
            return cpu.jump(F(table.word(2 * middle + 1) as i32));
        }
        if word < wanted {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    cpu.jump(otherwise)
}

op! {
    fn select_val(cpu, value: Source, otherwise: Label, table: List) {
        let wanted = value.get(&cpu).raw();
        branch(cpu, table.words(), wanted, otherwise)
    }
}

op! {
    fn select_tuple_arity(cpu, tuple: Source, otherwise: Label, table: List) {
        let tuple = tuple.get(&cpu);
        match tuple.header() {
            Some(header) if header.subtag() == Subtag::Tuple => {
                let wanted = Term::small(header.arity() as i64).raw();
                branch(cpu, table.words(), wanted, otherwise)
            }
            _ => cpu.jump(otherwise),
        }
    }
}

op! {
    /// Small integers without gaps: the pairs lie in their order.
    fn jump_table(cpu, value: Source, otherwise: Label, first: Source, table: List) {
        let (value, first) = (value.get(&cpu), first.get(&cpu));
        let table = table.words();
        if value.is_small() {
            let index = (value.small_value() as u64).wrapping_sub(first.small_value() as u64);
            if index < (table.len() / 2) as u64 {
                return cpu.jump(F(table.word(2 * index as usize + 1) as i32));
            }
        }
        cpu.jump(otherwise)
    }
}
