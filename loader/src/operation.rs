//! What the instruction table ([`crate::instructions`]) says, as data.
//!
//! Operations, their variants, the opcode number of each variant and the size of
//! each operand kind are all derived here from the one table, so nothing in the
//! loader or the machine lists instructions a second time. Invariant: the variants
//! of an operation have consecutive opcodes, in the order of the table.
//! Called by the emitter, the validator, the disassembler and the machine.

use crate::isa::ALIGN;

/// Kind of an operand; the table in [`crate::isa`] says what each one holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
#[allow(missing_docs)]
pub enum Kind {
    X,
    Y,
    C,
    J,
    S,
    D,
    F,
    A,
    Q,
    H,
    U,
    W,
    I,
    N,
    P,
    R,
    Ls,
    Lv,
    Le,
    Lb,
}

impl Kind {
    /// Size in bytes; for a list, of its count field alone.
    pub const fn size(self) -> usize {
        match self {
            Kind::X | Kind::Y | Kind::D | Kind::A | Kind::Q | Kind::H | Kind::R => 2,
            Kind::Ls | Kind::Lv | Kind::Le | Kind::Lb => 2,
            Kind::F | Kind::U | Kind::J => 4,
            Kind::C | Kind::S | Kind::W | Kind::I | Kind::N | Kind::P => 8,
        }
    }

    /// Whether the operand is a counted list of words.
    pub const fn is_list(self) -> bool {
        matches!(self, Kind::Ls | Kind::Lv | Kind::Le | Kind::Lb)
    }
}

/// One operation of the table with its variants.
#[derive(Debug)]
pub struct Operation {
    /// Name in the table, without the underscore that keeps it from being a Rust keyword.
    pub name: &'static str,
    /// Operand kinds of each variant; the last is the general form.
    pub variants: &'static [&'static [Kind]],
}

/// One variant: what an opcode number stands for.
#[derive(Clone, Copy, Debug)]
pub struct Variant {
    /// The operation.
    pub op: Op,
    /// Its operand kinds.
    pub kinds: &'static [Kind],
    /// Bytes of opcode and operands, counting lists as empty, without padding.
    pub fixed_size: u16,
    /// Bit n is set if operand n is a destination, that is, of kind D in the general form.
    pub destinations: u16,
}

const fn without_trailing_underscore(name: &'static str) -> &'static str {
    match name.as_bytes() {
        [head @ .., b'_'] => match core::str::from_utf8(head) {
            Ok(name) => name,
            Err(_) => name,
        },
        _ => name,
    }
}

macro_rules! derive_operations {
    ($($name:ident { $( ( $($kind:ident)* ) )+ })*) => {
        /// The operations of the table, in its order.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[repr(u16)]
        #[allow(non_camel_case_types, missing_docs)]
        pub enum Op { $($name),* }

        /// The operations by number (`Op as usize`).
        pub static OPERATIONS: &[Operation] = TABLE;
        const TABLE: &[Operation] = &[
            $(Operation {
                name: without_trailing_underscore(stringify!($name)),
                variants: &[ $( &[ $(Kind::$kind),* ] ),+ ],
            }),*
        ];
        /// All operations, in the order of their numbers.
        pub const OPS: &[Op] = &[ $(Op::$name),* ];
    };
}
crate::instructions!(derive_operations);

const FIRST: [u16; TABLE.len()] = {
    let mut first = [0; TABLE.len()];
    let (mut op, mut next) = (0, 0);
    while op < TABLE.len() {
        first[op] = next;
        next += TABLE[op].variants.len() as u16;
        op += 1;
    }
    first
};

/// Number of opcodes: opcodes are below this.
pub const OPCODES: usize = FIRST[TABLE.len() - 1] as usize + TABLE[TABLE.len() - 1].variants.len();

/// The variants by opcode.
pub static VARIANTS: [Variant; OPCODES] = {
    let mut all = [Variant {
        op: Op::func_info,
        kinds: &[],
        fixed_size: 0,
        destinations: 0,
    }; OPCODES];
    let (mut op, mut at) = (0, 0);
    while op < TABLE.len() {
        let mut variant = 0;
        while variant < TABLE[op].variants.len() {
            let kinds = TABLE[op].variants[variant];
            let general = TABLE[op].variants[TABLE[op].variants.len() - 1];
            let (mut size, mut destinations, mut kind) = (2, 0, 0);
            while kind < kinds.len() {
                size += kinds[kind].size() as u16;
                if matches!(general[kind], Kind::D) {
                    destinations |= 1 << kind;
                }
                kind += 1;
            }
            all[at] = Variant {
                op: OPS[op],
                kinds,
                fixed_size: size,
                destinations,
            };
            at += 1;
            variant += 1;
        }
        op += 1;
    }
    all
};

impl Op {
    /// Name as messages and listings show it.
    pub const fn name(self) -> &'static str {
        TABLE[self as usize].name
    }

    /// Operand kinds of each variant.
    pub const fn variants(self) -> &'static [&'static [Kind]] {
        TABLE[self as usize].variants
    }

    /// Whether its label may be missing (distance 0): then a failure raises, or there can
    /// be none. Labels of all other operations are there, and 0 is the instruction itself.
    pub const fn label_is_optional(self) -> bool {
        use Op::*;
        matches!(
            self,
            bif1 | bif2
                | bif3
                | add
                | subtract
                | multiply
                | int_div
                | rem
                | band
                | bor
                | bxor
                | bsl
                | bsr
                | bnot
                | negate
                | element
                | hd
                | tl
                | tuple_size
                | map_get
                | put_map_assoc
                | put_map_exact
                | bs_start_match
                | bs_create_bin
                | bs_private_append
                | bs_add
        )
    }

    /// Whether the next instruction never follows.
    pub const fn is_end(self) -> bool {
        use Op::*;
        matches!(
            self,
            func_info
                | call_last
                | call_only
                | call_ext_last
                | call_ext_only
                | apply_last
                | call_fun_last
                | call_fun2_last
                | return_
                | jump
                | select_val
                | jump_table
                | select_tuple_arity
                | badmatch
                | case_end
                | if_end
                | try_case_end
                | badrecord
                | raise
                | loop_rec_end
                | wait
        )
    }

    /// Whether only the machine itself makes such instructions, so that no file may have
    /// them: calls of built-in functions, and what the table has from apply_bif on.
    pub const fn is_internal(self) -> bool {
        matches!(self, Op::call_bif | Op::call_bif_last | Op::call_bif_only)
            || self as u16 >= Op::apply_bif as u16
    }

    /// Whether this is a fused operation, see [`FUSIONS`].
    pub const fn is_fused(self) -> bool {
        self as u16 >= Op::move_call as u16 && (self as u16) < Op::apply_bif as u16
    }

    /// Opcode of variant number `variant`, which must be one of [`Op::variants`].
    pub const fn opcode(self, variant: usize) -> u16 {
        FIRST[self as usize] + variant as u16
    }
}

/// Distance in opcodes from `call_ext*` to the `call_bif*` of the same shape: what
/// the linker adds to the opcode of a call when its import is a built-in function.
pub const BIF_CALL_DISTANCE: u16 = Op::call_bif.opcode(0) - Op::call_ext.opcode(0);

/// A fused operation: two that follow each other, the second of which may be fused itself.
pub struct Fusion {
    /// The operation that does both.
    pub fused: Op,
    /// The first; the fused operation's variants are some of its own.
    pub first: Op,
    /// The second.
    pub second: Op,
    /// Which variant of the second.
    pub second_kinds: &'static [Kind],
}

/// The fused operations.
pub const FUSIONS: &[Fusion] = {
    use Kind::*;
    const fn fusion(fused: Op, first: Op, second: Op, second_kinds: &'static [Kind]) -> Fusion {
        Fusion {
            fused,
            first,
            second,
            second_kinds,
        }
    }
    &[
        fusion(Op::move_call, Op::move_, Op::call, &[A, F]),
        fusion(Op::move_call_only, Op::move_, Op::call_only, &[A, F]),
        fusion(Op::move_call_last, Op::move_, Op::call_last, &[A, F, Q]),
        fusion(Op::move_return, Op::move_, Op::return_, &[]),
        fusion(Op::move_move_xx, Op::move_, Op::move_, &[X, X]),
        fusion(Op::move_move_xy, Op::move_, Op::move_, &[X, Y]),
        fusion(Op::move_move_yx, Op::move_, Op::move_, &[Y, X]),
        fusion(Op::move_move_call_xx, Op::move_, Op::move_call, &[X, X]),
        fusion(Op::move_move_call_yx, Op::move_, Op::move_call, &[Y, X]),
        fusion(Op::move_move_call_cx, Op::move_, Op::move_call, &[C, X]),
        fusion(
            Op::move_move_call_only_xx,
            Op::move_,
            Op::move_call_only,
            &[X, X],
        ),
        fusion(
            Op::move_move_call_only_cx,
            Op::move_,
            Op::move_call_only,
            &[C, X],
        ),
        fusion(
            Op::move_move_call_last_xx,
            Op::move_,
            Op::move_call_last,
            &[X, X],
        ),
        fusion(
            Op::move_move_call_last_yx,
            Op::move_,
            Op::move_call_last,
            &[Y, X],
        ),
        fusion(
            Op::move_move_call_last_three_xx,
            Op::move_,
            Op::move_move_call_last_yx,
            &[X, X],
        ),
        fusion(
            Op::move_move_call_last_three_yx,
            Op::move_,
            Op::move_move_call_last_yx,
            &[Y, X],
        ),
        fusion(Op::move_three_xy, Op::move_, Op::move_move_xy, &[X, Y]),
        fusion(Op::move_three_yx, Op::move_, Op::move_move_yx, &[Y, X]),
        fusion(Op::move_three_yxy, Op::move_, Op::move_move_yx, &[X, Y]),
        fusion(Op::move_trim_call, Op::move_, Op::trim_call, &[Q, Q]),
        fusion(
            Op::allocate_move_move,
            Op::allocate,
            Op::move_move_xy,
            &[X, Y],
        ),
        fusion(
            Op::allocate_move_three,
            Op::allocate,
            Op::move_three_xy,
            &[X, Y],
        ),
        fusion(
            Op::get_tuple_elements_y,
            Op::get_tuple_element,
            Op::get_tuple_element,
            &[Y, H, X],
        ),
        fusion(
            Op::get_tuple_element_is_eq_exact_c,
            Op::get_tuple_element,
            Op::is_eq_exact,
            &[F, X, C],
        ),
        fusion(
            Op::get_tuple_element_is_eq_exact_j,
            Op::get_tuple_element,
            Op::is_eq_exact,
            &[F, X, J],
        ),
        fusion(
            Op::get_tuple_element_select,
            Op::get_tuple_element,
            Op::select_val,
            &[X, F, Lv],
        ),
        fusion(
            Op::test_arity_get_element,
            Op::test_arity,
            Op::get_tuple_element,
            &[X, H, X],
        ),
        fusion(
            Op::test_arity_get_elements,
            Op::test_arity,
            Op::get_tuple_elements,
            &[X, H, X],
        ),
        fusion(
            Op::is_tuple_test_arity_get_element,
            Op::is_tuple,
            Op::test_arity_get_element,
            &[F, X, H],
        ),
        fusion(
            Op::is_tuple_test_arity_get_elements,
            Op::is_tuple,
            Op::test_arity_get_elements,
            &[F, X, H],
        ),
        fusion(
            Op::is_tagged_tuple_get_element,
            Op::is_tagged_tuple,
            Op::get_tuple_element,
            &[X, H, X],
        ),
        fusion(
            Op::is_tagged_tuple_get_elements,
            Op::is_tagged_tuple,
            Op::get_tuple_elements,
            &[X, H, X],
        ),
        fusion(
            Op::is_nonempty_list_get_tl,
            Op::is_nonempty_list,
            Op::get_tl,
            &[X, X],
        ),
        fusion(
            Op::test_heap_put_pair,
            Op::test_heap,
            Op::put_pair,
            &[X, S, S],
        ),
        fusion(Op::allocate_move, Op::allocate, Op::move_, &[X, Y]),
        fusion(Op::trim_call, Op::trim, Op::call, &[A, F]),
        fusion(Op::deallocate_return, Op::deallocate, Op::return_, &[]),
        fusion(
            Op::is_nonempty_list_get_list,
            Op::is_nonempty_list,
            Op::get_list,
            &[X, X, X],
        ),
        fusion(
            Op::is_tuple_test_arity,
            Op::is_tuple,
            Op::test_arity,
            &[F, X, H],
        ),
        fusion(
            Op::get_tuple_elements,
            Op::get_tuple_element,
            Op::get_tuple_element,
            &[X, H, X],
        ),
        fusion(
            Op::test_heap_put_list_xx,
            Op::test_heap,
            Op::put_list,
            &[X, X, X],
        ),
        fusion(
            Op::test_heap_put_list_yx,
            Op::test_heap,
            Op::put_list,
            &[Y, X, X],
        ),
        fusion(
            Op::put_list_deallocate_return,
            Op::put_list,
            Op::deallocate_return,
            &[Q],
        ),
        fusion(
            Op::test_heap_put_list_return_xx,
            Op::test_heap,
            Op::put_list_deallocate_return,
            &[X, X, X],
        ),
        fusion(
            Op::test_heap_put_list_return_yx,
            Op::test_heap,
            Op::put_list_deallocate_return,
            &[Y, X, X],
        ),
        fusion(Op::add_call_only, Op::add, Op::call_only, &[A, F]),
        fusion(Op::add_move_call_only, Op::add, Op::move_call_only, &[X, X]),
        fusion(
            Op::add_deallocate_return,
            Op::add,
            Op::deallocate_return,
            &[Q],
        ),
        fusion(Op::subtract_call, Op::subtract, Op::call, &[A, F]),
        fusion(Op::subtract_call_only, Op::subtract, Op::call_only, &[A, F]),
        fusion(Op::subtract_move_call, Op::subtract, Op::move_call, &[X, X]),
        fusion(
            Op::subtract_move_call_only,
            Op::subtract,
            Op::move_call_only,
            &[X, X],
        ),
        fusion(Op::is_lt_return, Op::is_lt, Op::return_, &[]),
        fusion(Op::is_lt_move_return, Op::is_lt, Op::move_return, &[X, X]),
        fusion(Op::is_ge_move_return, Op::is_ge, Op::move_return, &[X, X]),
        fusion(
            Op::bs_start_match_get_position,
            Op::bs_start_match,
            Op::bs_get_position,
            &[X, X, A],
        ),
        fusion(Op::float_load_load, Op::float_load, Op::float_load, &[X, R]),
        fusion(
            Op::float_load_add,
            Op::float_load,
            Op::float_add,
            &[R, R, R],
        ),
        fusion(
            Op::float_load_subtract,
            Op::float_load,
            Op::float_subtract,
            &[R, R, R],
        ),
        fusion(
            Op::float_load_multiply,
            Op::float_load,
            Op::float_multiply,
            &[R, R, R],
        ),
        fusion(
            Op::float_load_divide,
            Op::float_load,
            Op::float_divide,
            &[R, R, R],
        ),
        fusion(
            Op::float_store_store,
            Op::float_store,
            Op::float_store,
            &[R, X],
        ),
        fusion(
            Op::bs_get_8_test_unit,
            Op::bs_get_8,
            Op::bs_test_unit,
            &[F, X, H],
        ),
        fusion(
            Op::move_deallocate_return,
            Op::move_,
            Op::deallocate_return,
            &[Q],
        ),
        fusion(
            Op::move_move_trim_call_yy,
            Op::move_,
            Op::move_trim_call,
            &[Y, Y],
        ),
        fusion(
            Op::move_move_trim_call_yx,
            Op::move_,
            Op::move_trim_call,
            &[Y, X],
        ),
        fusion(
            Op::move_three_trim_call_yx,
            Op::move_,
            Op::move_move_trim_call_yy,
            &[Y, X],
        ),
        fusion(
            Op::move_three_trim_call_xx,
            Op::move_,
            Op::move_move_trim_call_yy,
            &[X, X],
        ),
        fusion(Op::add_allocate_move, Op::add, Op::allocate_move, &[Q, A]),
        fusion(
            Op::add_allocate_move_move,
            Op::add,
            Op::allocate_move_move,
            &[Q, A],
        ),
        fusion(
            Op::add_allocate_move_three,
            Op::add,
            Op::allocate_move_three,
            &[Q, A],
        ),
        fusion(Op::add_move_three, Op::add, Op::move_three_yxy, &[Y, X]),
        fusion(
            Op::subtract_allocate_move,
            Op::subtract,
            Op::allocate_move,
            &[Q, A],
        ),
        fusion(
            Op::subtract_allocate_move_move,
            Op::subtract,
            Op::allocate_move_move,
            &[Q, A],
        ),
        fusion(
            Op::subtract_allocate_move_three,
            Op::subtract,
            Op::allocate_move_three,
            &[Q, A],
        ),
        fusion(
            Op::subtract_move_three,
            Op::subtract,
            Op::move_three_yxy,
            &[Y, X],
        ),
        fusion(Op::is_nil_return, Op::is_nil, Op::return_, &[]),
        fusion(Op::put_pair_return, Op::put_pair, Op::return_, &[]),
        fusion(
            Op::put_pair_deallocate_return,
            Op::put_pair,
            Op::deallocate_return,
            &[Q],
        ),
        fusion(
            Op::test_heap_put_pair_return,
            Op::test_heap,
            Op::put_pair_return,
            &[X, S, S],
        ),
        fusion(
            Op::test_heap_put_pair_deallocate_return,
            Op::test_heap,
            Op::put_pair_deallocate_return,
            &[X, S, S],
        ),
    ]
};

/// Whether an operation is the first of some fused one.
static BEGINS: [bool; TABLE.len()] = {
    let mut begins = [false; TABLE.len()];
    let mut at = 0;
    while at < FUSIONS.len() {
        begins[FUSIONS[at].first as usize] = true;
        at += 1;
    }
    begins
};

/// The opcode that takes the place of `first`'s when an instruction of opcode `second` follows, if there is one.
pub fn fuse(first: u16, second: u16) -> Option<u16> {
    let first = VARIANTS.get(first as usize)?;
    let second = VARIANTS.get(second as usize)?;
    if !BEGINS[first.op as usize] {
        return None;
    }
    let fusion = FUSIONS.iter().find(|fusion| {
        fusion.first == first.op
            && fusion.second == second.op
            && fusion.second_kinds == second.kinds
    })?;
    let variants = fusion.fused.variants();
    let variant = variants.iter().position(|kinds| *kinds == first.kinds)?;
    Some(fusion.fused.opcode(variant))
}

/// The two opcodes that a fused opcode stands for, or `None` if it is not one.
pub fn unfuse(opcode: u16) -> Option<(u16, u16)> {
    let fused = VARIANTS.get(opcode as usize)?;
    let fusion = FUSIONS.iter().find(|fusion| fusion.fused == fused.op)?;
    let opcode_of = |op: Op, kinds: &[Kind]| {
        let variant = op.variants().iter().position(|variant| *variant == kinds)?;
        Some(op.opcode(variant))
    };
    Some((
        opcode_of(fusion.first, fused.kinds)?,
        opcode_of(fusion.second, fusion.second_kinds)?,
    ))
}

/// Rounds a size up to the alignment of instructions.
pub const fn align(size: usize) -> usize {
    (size + ALIGN - 1) & !(ALIGN - 1)
}

/// Length in bytes, padding included, of the instruction at offset `at` of `code`;
/// `None` if there is no whole instruction of a known opcode.
pub fn instruction_length(code: &[u8], at: usize) -> Option<usize> {
    let opcode = read_u16(code, at)?;
    let variant = VARIANTS.get(opcode as usize)?;
    let mut size = variant.fixed_size as usize;
    // At most one list, always the last operand.
    if variant.kinds.last().is_some_and(|kind| kind.is_list()) {
        size += 8 * read_u16(code, at.checked_add(size - 2)?)? as usize;
    }
    let size = align(size);
    (at.checked_add(size)? <= code.len()).then_some(size)
}

fn read_u16(code: &[u8], at: usize) -> Option<u16> {
    let bytes = code.get(at..at.checked_add(2)?)?;
    Some(u16::from_le_bytes([bytes[0], bytes[1]]))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether every operand that `special` accepts is accepted by `general`.
    fn covers(general: Kind, special: Kind) -> bool {
        match general {
            Kind::S => matches!(special, Kind::S | Kind::X | Kind::Y | Kind::C | Kind::J),
            Kind::D => matches!(special, Kind::D | Kind::X | Kind::Y),
            Kind::U => matches!(special, Kind::U | Kind::H | Kind::A),
            Kind::W => matches!(special, Kind::W | Kind::U),
            // init_yregs: one register instead of a list of them.
            Kind::Ls => matches!(special, Kind::Ls | Kind::Y),
            // bs_get_integer2 and others: a constant size among sources is C or S; the rest is equal.
            other => other == special,
        }
    }

    #[test]
    fn the_last_variant_is_general() {
        let ordinary = OPERATIONS.iter().enumerate().filter(|(number, _)| {
            !FUSIONS
                .iter()
                .any(|fusion| fusion.fused as usize == *number)
        });
        for (_, operation) in ordinary {
            let general = operation.variants.last().unwrap();
            for variant in operation.variants {
                assert_eq!(variant.len(), general.len(), "{}", operation.name);
                for (special, general) in variant.iter().zip(*general) {
                    assert!(
                        covers(*general, *special),
                        "{}: {special:?} in {general:?}",
                        operation.name
                    );
                }
            }
            // In a general form nothing is only an X or only a Y register, and a constant
            // stands only where a file can hold nothing else.
            let only_constant = ["func_info", "is_tagged_tuple", "jump_table"];
            let only_y = ["catch", "catch_end", "try", "try_end", "try_case"];
            for kind in *general {
                assert_ne!(*kind, Kind::X, "{}", operation.name);
                assert!(
                    *kind != Kind::C || only_constant.contains(&operation.name),
                    "{}",
                    operation.name
                );
                assert!(
                    *kind != Kind::Y || only_y.contains(&operation.name),
                    "{}",
                    operation.name
                );
            }
        }
    }

    #[test]
    fn a_fused_opcode_stands_for_two() {
        for fusion in FUSIONS {
            for variant in 0..fusion.fused.variants().len() {
                let opcode = fusion.fused.opcode(variant);
                let (first, second) = unfuse(opcode).expect("both exist");
                assert_eq!(fuse(first, second), Some(opcode), "{}", fusion.fused.name());
            }
        }
        assert_eq!(unfuse(Op::jump.opcode(0)), None);
    }

    #[test]
    fn a_list_is_the_last_operand() {
        for variant in &VARIANTS {
            for kind in &variant.kinds[..variant.kinds.len().saturating_sub(1)] {
                assert!(!kind.is_list(), "{:?}", variant.op);
            }
        }
    }

    #[test]
    fn calls_of_built_in_functions_are_at_a_constant_distance() {
        let pairs = [
            (Op::call_ext, Op::call_bif),
            (Op::call_ext_last, Op::call_bif_last),
            (Op::call_ext_only, Op::call_bif_only),
        ];
        for (ext, bif) in pairs {
            assert_eq!(ext.variants(), bif.variants());
            // The linker finds the import 4 bytes into the instruction.
            assert_eq!(ext.variants()[0][..2], [Kind::A, Kind::I]);
            for variant in 0..ext.variants().len() {
                assert_eq!(ext.opcode(variant) + BIF_CALL_DISTANCE, bif.opcode(variant));
            }
        }
    }

    #[test]
    fn length_counts_lists_and_padding() {
        let opcode = Op::put_tuple2.opcode(0).to_le_bytes();
        let mut code = [opcode[0], opcode[1], 0, 0, 2, 0].to_vec();
        code.extend([0; 16]);
        assert_eq!(instruction_length(&code, 0), None, "padding is missing");
        code.extend([0; 2]);
        assert_eq!(instruction_length(&code, 0), Some(24));
        assert_eq!(instruction_length(&[0xff; 8], 0), None);
        assert_eq!(instruction_length(&[], 0), None);
    }
}
