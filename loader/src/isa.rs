//! The instruction set of *ling*, declared once.
//!
//! [`instructions!`](crate::instructions) is the one list of operations that the
//! loader (which picks a variant and writes its operands) and the machine (which
//! has one handler per variant) both expand. An operation is a name and its
//! variants; a variant is a list of operand kinds. The **last variant of each
//! operation is its general form**: it accepts any operand that the operation can
//! have in a valid `.beam` file, so nothing valid fails to convert. The variants
//! before it are specialised; the loader takes the first one that fits.
//!
//! # Layout of code
//!
//! An instruction is a `u16` opcode (the number of its variant in the list, which
//! [`FORMAT_VERSION`] pins), then its operands one behind the other, little endian
//! and unaligned, then zero padding up to a multiple of [`ALIGN`] bytes, so that the
//! two low bits of a return address are always 00, the tag of a header, which no term
//! on a stack has.
//!
//! # Fused instructions
//!
//! Pairs of instructions that often follow each other have an opcode of their own, which replaces that of the first one
//! and nothing else: its handler does the work of both and goes on behind the second. A
//! fused instruction is as valid as its first one, if the second one follows. The second may be a fused one itself.
//!
//! # Operand kinds
//!
//! | kind | bytes | what |
//! |------|-------|------|
//! | `X`  | 2 | X register |
//! | `Y`  | 2 | Y register, slot of the current stack frame |
//! | `C`  | 8 | constant: an immediate term, or (relocated) an atom or a literal |
//! | `J`  | 4 | constant: a small integer, the lower half of its word; the upper half is its sign |
//! | `S`  | 8 | any source: a constant, or a register as [`register_source`] encodes it |
//! | `D`  | 2 | any destination: register number times two, plus one for a Y register |
//! | `F`  | 4 | label: signed distance in bytes from this instruction's opcode; 0 is "no label" |
//! | `A`  | 2 | arity of a call, or number of live X registers |
//! | `Q`  | 2 | number of Y registers of a stack frame |
//! | `H`  | 2 | small unsigned number |
//! | `U`  | 4 | unsigned number |
//! | `W`  | 8 | unsigned number |
//! | `I`  | 8 | import: index into the import table; linked to its export entry |
//! | `N`  | 8 | fun: index into the fun table; linked to its fun entry |
//! | `P`  | 8 | bytes: offset into the string table; linked to their address |
//! | `R`  | 2 | floating point register |
//! | `Ls` | 2+8n | list of sources (`S` words) |
//! | `Lv` | 2+8n | pairs of a constant (`C`) and a label (`F`, sign-extended to 8 bytes) |
//! | `Le` | 2+8n | pairs of a source (`S`) and a destination (a register in source encoding) |
//! | `Lb` | 2+8n | triples that describe a segment of a binary: a packed word (see [`segment`]), a value (`S`), a size (`S`) |
//!
//! A list begins with the number of its 8-byte words (not of its pairs or triples).

/// Version of the instruction set. Any change to the list below changes it, and
/// `.ling` files of another version are refused.
pub const FORMAT_VERSION: u32 = 7;

/// Instructions begin at multiples of this.
pub const ALIGN: usize = 4;

/// Number of X registers a machine has (OTP: `MAX_REG`).
pub const X_REGISTERS: usize = 1024;

/// Number of floating point registers.
pub const FLOAT_REGISTERS: usize = 1024;

/// Heap words reserved for each fun that a test_heap announces: at least what the machine
/// needs for a fun without free variables, which the compiler counts as words.
pub const FUN_WORDS: u64 = 8;

/// Most Y registers a stack frame may have (OTP: `MAX_REG`).
pub const MAX_FRAME: usize = 1024;

/// How an `S` operand names a register: the low two bits are 00, as in no term.
/// Bit 2 tells Y from X, the rest is the register's byte offset.
pub const fn register_source(index: u16, is_y: bool) -> u64 {
    ((index as u64) << 3) | ((is_y as u64) << 2)
}

/// How a `D` operand names a register.
pub const fn register_destination(index: u16, is_y: bool) -> u16 {
    (index << 1) | is_y as u16
}

/// The packed word of a binary segment: type, flags and unit; in its upper half, the number of the segment in the
/// source (from 1), for error messages: several literal segments become one of type [`segment::STRING`].
pub mod segment {
    /// Integer.
    pub const INTEGER: u64 = 0;
    /// Float.
    pub const FLOAT: u64 = 1;
    /// Binary or bit string.
    pub const BINARY: u64 = 2;
    /// First segment, appended to in place if its value has room (`append`).
    pub const APPEND: u64 = 3;
    /// Like [`APPEND`], when the compiler knows that nobody else holds the value.
    pub const PRIVATE_APPEND: u64 = 4;
    /// Bytes of the string table: the value word is an address (relocated as `P`), the size word the length in bytes as small integer.
    pub const STRING: u64 = 5;
    /// One code point as UTF-8.
    pub const UTF8: u64 = 6;
    /// One code point as UTF-16.
    pub const UTF16: u64 = 7;
    /// One code point as UTF-32.
    pub const UTF32: u64 = 8;

    /// Flag: little endian (BEAM's field flag 2).
    pub const LITTLE: u64 = 2;
    /// Flag: signed (BEAM's field flag 4).
    pub const SIGNED: u64 = 4;
    /// Flag: native endian (BEAM's field flag 16); the loader turns it into little, the endianness of x86-64.
    pub const NATIVE: u64 = 16;

    /// Packs type, flags and unit (0 to 256) into a segment word.
    pub const fn pack(kind: u64, flags: u64, unit: u64) -> u64 {
        kind | (flags << 8) | (unit << 16)
    }
    /// A segment word with the segment's number in the source.
    pub const fn with_number(word: u64, number: u32) -> u64 {
        word | (number as u64) << 32
    }
    /// The number of a segment word; 0 if it has none.
    pub const fn number(word: u64) -> u32 {
        (word >> 32) as u32
    }
    /// The type of a segment word.
    pub const fn kind(word: u64) -> u64 {
        word & 0xff
    }
    /// The flags of a segment word.
    pub const fn flags(word: u64) -> u64 {
        (word >> 8) & 0xff
    }
    /// The unit of a segment word, in bits.
    pub const fn unit(word: u64) -> u64 {
        (word >> 16) & 0xffff
    }
}

/// Calls `$callback!` with the instruction set: `name { (kinds) (kinds) … }` for each operation.
#[macro_export]
macro_rules! instructions {
    ($callback:ident) => {
        $callback! {
            // --- functions and calls (BEAM 2, 4-8, 19, 75, 78, 112, 113, 178) ---
            // Raises function_clause for module, function, arity; stands before each function's entry.
            func_info { (C C A) }
            call { (A F) }
            // ... the last operand: size of the frame to remove first
            call_last { (A F Q) }
            call_only { (A F) }
            call_ext { (A I) }
            call_ext_last { (A I Q) }
            call_ext_only { (A I) }
            // What linking makes of call_ext* when the import is a built-in function: the same
            // operands, and the next opcode block in the same order.
            call_bif { (A I) }
            call_bif_last { (A I Q) }
            call_bif_only { (A I) }
            // The fun is in X[arity].
            call_fun { (A) }
            // Tag (unsafe, safe, or a fun's type) is not needed by this machine; arity, fun.
            call_fun2 { (A S) }
            // In a tail: size of the frame to remove first, last. In a file they are a call, deallocate and return.
            call_fun_last { (A Q) }
            call_fun2_last { (A S Q) }
            // X[arity] is the module, X[arity+1] the function.
            apply { (A) }
            apply_last { (A Q) }
            return_ { () }

            // --- stack frames and heap (12, 13, 16, 18, 136, 172) ---
            // frame size, live. The machine fills the new frame with [].
            allocate { (Q A) }
            // frame size, heap words, live
            allocate_heap { (Q U A) }
            // heap words, live. Words include what floats (2 each) and funs (machine's FUN_WORDS each) need.
            test_heap { (U A) }
            deallocate { (Q) }
            // Y registers to drop from the top, registers that remain
            trim { (Q Q) }
            // Y registers, as sources
            init_yregs { (Y) (Ls) }

            // --- moving data (64, 169) ---
            move_ { (X X) (X Y) (Y X) (Y Y) (J X) (C X) (C Y) (S D) }
            swap { (X X) (Y X) (D D) }

            // --- jumps and tests; label first, taken when the test fails (39-60, 114, 115, 129, 156-159, 61) ---
            jump { (F) }
            is_lt { (F X X) (F X J) (F J X) (F X C) (F C X) (F X Y) (F Y X) (F S S) }
            is_ge { (F X X) (F X J) (F J X) (F X C) (F C X) (F X Y) (F Y X) (F S S) }
            is_eq { (F S S) }
            is_ne { (F S S) }
            is_eq_exact { (F X X) (F X J) (F X C) (F Y C) (F X Y) (F S S) }
            is_ne_exact { (F X X) (F X J) (F X C) (F Y C) (F X Y) (F S S) }
            is_integer { (F X) (F S) }
            is_float { (F S) }
            is_number { (F S) }
            is_atom { (F X) (F S) }
            is_pid { (F S) }
            is_reference { (F S) }
            is_port { (F S) }
            is_nil { (F X) (F Y) (F S) }
            is_binary { (F X) (F S) }
            is_bitstr { (F S) }
            is_list { (F X) (F S) }
            is_nonempty_list { (F X) (F Y) (F S) }
            is_tuple { (F X) (F S) }
            is_boolean { (F S) }
            is_function { (F S) }
            is_function2 { (F S S) }
            is_map { (F X) (F S) }
            // tuple, arity
            test_arity { (F X H) (F S U) }
            // tuple, arity, atom
            is_tagged_tuple { (F X U C) (F Y U C) (F S U C) }
            // value, label of "no match", pairs sorted by the linker; values are immediates
            // (the loader turns others into sequences of is_eq_exact)
            select_val { (X F Lv) (Y F Lv) (S F Lv) }
            // small integers without gaps: value, label of "no match", smallest value (a small integer term), labels (the C words are the values)
            jump_table { (X F C Lv) (S F C Lv) }
            // tuple, label, pairs of small integer (arity) and label
            select_tuple_arity { (X F Lv) (S F Lv) }
            // map, keys
            has_map_fields { (F S Ls) }
            // map, pairs of key and destination
            get_map_elements { (F X Le) (F S Le) }

            // --- building and taking apart (65-67, 69, 162-164, 171, 154, 155, 181) ---
            get_list { (X X X) (X Y X) (X X Y) (Y X X) (S D D) }
            get_hd { (X X) (X Y) (Y X) (S D) }
            get_tl { (X X) (X Y) (Y X) (S D) }
            // tuple, index from 0
            get_tuple_element { (X H X) (X H Y) (Y H X) (S U D) }
            // value, tuple, index from 0
            set_tuple_element { (S S U) }
            // head, tail
            put_list { (X X X) (X Y X) (Y X X) (X C X) (C X X) (C C X) (S S D) }
            put_tuple2 { (X Ls) (D Ls) }
            // tuples of two, three, four elements: destination, elements
            put_pair { (X S S) (D S S) }
            put_triple { (X S S S) (D S S S) }
            put_quadruple { (X S S S S) (D S S S S) }
            make_fun3 { (N D Ls) }
            // source map, live, keys and values alternating
            put_map_assoc { (F S D A Ls) }
            put_map_exact { (F S D A Ls) }
            // tuple size, source, destination, alternating position from 1 (small integer) and value
            update_record { (U S D Ls) }

            // --- built-in functions in guards and bodies (9-11, 124, 125, 152); they never collect ---
            bif0 { (I D) }
            bif1 { (F I X X) (F I S D) }
            bif2 { (F I S S D) }
            bif3 { (F I S S S D) }
            // These have instructions of their own; label 0 means: raise.
            add { (F X X X) (F X X Y) (F X J X) (F X C X) (F X Y X) (F Y X X) (F Y J X) (F Y C X) (F S S D) }
            subtract { (F X X X) (F X J X) (F X C X) (F X Y X) (F Y X X) (F Y J X) (F Y C X) (F S S D) }
            multiply { (F X X X) (F X J X) (F X C X) (F S S D) }
            int_div { (F X J X) (F X C X) (F S S D) }
            rem { (F X J X) (F X C X) (F S S D) }
            band { (F X J X) (F X C X) (F X X X) (F S S D) }
            bor { (F X X X) (F S S D) }
            bxor { (F X X X) (F S S D) }
            bsl { (F X J X) (F X C X) (F S S D) }
            bsr { (F X J X) (F X C X) (F S S D) }
            bnot { (F S D) }
            negate { (F S D) }
            // position from 1, tuple
            element { (F J X X) (F X X X) (F S S D) }
            hd { (F S D) }
            tl { (F S D) }
            tuple_size { (F S D) }
            map_get { (F S S D) }
            self_ { (D) }
            // =:= =/= == /= < >= as values
            cmp_eq_exact { (S S D) }
            cmp_ne_exact { (S S D) }
            cmp_eq { (S S D) }
            cmp_ne { (S S D) }
            cmp_lt { (S S D) }
            cmp_ge { (S S D) }

            // --- floating point (96-102) ---
            float_load { (X R) (S R) }
            float_store { (R X) (R D) }
            float_convert { (S R) }
            float_add { (R R R) }
            float_subtract { (R R R) }
            float_multiply { (R R R) }
            float_divide { (R R R) }
            float_negate { (R R) }

            // --- exceptions (62, 63, 72-74, 104-108, 160, 161, 180) ---
            catch_ { (Y F) }
            catch_end { (Y) }
            try_ { (Y F) }
            try_end { (Y) }
            try_case { (Y) }
            try_case_end { (S) }
            badmatch { (S) }
            case_end { (S) }
            if_end { () }
            badrecord { (S) }
            // stack trace, reason (BEAM's raise/2)
            raise { (S S) }
            build_stacktrace { () }
            raw_raise { () }

            // --- messages (20-26, 173-176) ---
            send { () }
            // label of the wait instruction, destination
            loop_rec { (F X) (F D) }
            // label of the loop_rec
            loop_rec_end { (F) }
            remove_message { () }
            wait { (F) }
            wait_timeout { (F S) }
            timeout { () }
            recv_marker_bind { (S S) }
            recv_marker_clear { (S) }
            recv_marker_reserve { (D) }
            recv_marker_use { (S) }

            // --- matching binaries (117-121, 131-133, 138-143, 165-168, 170, 182) ---
            // label (0: the value is known to be a match context or bit string), value, live, destination
            bs_start_match { (F X A X) (F S A D) }
            // context, destination, live
            bs_get_position { (X X A) (S D A) }
            // context, position
            bs_set_position { (X X) (S S) }
            bs_get_tail { (X X A) (S D A) }
            // label, context, live, size (a source), unit, flags, destination
            bs_get_integer2 { (F X A C H H X) (F S A S H H D) }
            // label, context, destination: an unsigned, big endian integer of that many bits, as most are
            bs_get_8 { (F X X) (F S D) }
            bs_get_16 { (F X X) (F S D) }
            bs_get_32 { (F X X) (F S D) }
            bs_get_float2 { (F S A S H H D) }
            // size may be the atom all
            bs_get_binary2 { (F X A X H H X) (F X A C H H X) (F S A S H H D) }
            // label, context, size, unit
            bs_skip_bits2 { (F X C H) (F S S H) }
            // label, context, bits
            bs_test_tail2 { (F X U) (F S W) }
            bs_test_unit { (F X H) (F S H) }
            // label, context, bits, bytes
            bs_match_string { (F X U P) (F S U P) }
            bs_get_utf8 { (F X X) (F S D) }
            bs_skip_utf8 { (F X) (F S) }
            // label, context, flags, destination
            bs_get_utf16 { (F S H D) }
            bs_skip_utf16 { (F S H) }
            bs_get_utf32 { (F S H D) }
            bs_skip_utf32 { (F S H) }
            // The commands of bs_match, one instruction each, in their order.
            // label, context, bits, unit
            bsm_ensure_at_least { (F X U H) (F S W H) }
            // label, context, bits
            bsm_ensure_exactly { (F X U) (F S W) }
            // context, live, bits, flags, destination; the bits are known to be there
            bsm_integer { (X A U H X) (S A W H D) }
            // context, destination: unsigned and big endian, as most are
            bsm_8 { (X X) (S D) }
            bsm_16 { (X X) (S D) }
            bsm_32 { (X X) (S D) }
            bsm_binary { (X A U X) (S A W D) }
            bsm_skip { (X U) (S W) }
            bsm_get_tail { (X A X) (S A D) }
            // label, context, bits (up to 64), value
            bsm_equal { (F X U W) (F S U W) }

            // --- building binaries (133, 135, 177) ---
            // label, heap words to reserve, live, unit of the whole, destination, segments
            bs_create_bin { (F U A H D Lb) }
            // The same where no live count is known, so without a collection: label, destination, segments
            bs_private_append { (F D Lb) }
            bs_init_writable { () }
            // What compilers before OTP 25 computed sizes with. label, size, size, unit of the second, destination
            bs_add { (F S S H D) }
            // character, destination
            bs_utf8_size { (S D) }
            bs_utf16_size { (S D) }

            // --- fused: what the first instruction does, and then what the one behind it does, without dispatch.
            // The operands are those of the first (`operation::FUSIONS` says of which two operations each is made); the
            // second instruction stands behind it as it is, so that labels may lead to it ---
            move_call { (X X) (X Y) (Y X) (J X) (C X) }
            move_call_only { (X X) (Y X) (J X) (C X) }
            move_call_last { (X X) (Y X) (J X) (C X) }
            move_return { (X X) (Y X) (J X) (C X) }
            move_move_xx { (X X) (X Y) (Y X) (J X) (C X) }
            move_move_xy { (X X) (X Y) (Y X) }
            move_move_yx { (X X) (X Y) (Y X) (J X) (C X) }
            // ... of which the second instruction is a fused one: three in a row
            move_move_call_xx { (X X) (X Y) (Y X) }
            move_move_call_yx { (X X) (X Y) (Y X) }
            move_move_call_cx { (X X) (X Y) (Y X) }
            move_move_call_only_xx { (X X) (J X) (C X) }
            move_move_call_only_cx { (X X) }
            move_move_call_last_xx { (X X) (Y X) }
            move_move_call_last_yx { (X X) (Y X) (C X) }
            move_move_call_last_three_xx { (Y X) }
            move_move_call_last_three_yx { (X X) (Y X) }
            move_three_xy { (X Y) }
            move_three_yx { (Y X) }
            move_three_yxy { (Y X) }
            move_trim_call { (Y Y) (Y X) }
            allocate_move { (Q A) }
            allocate_move_move { (Q A) }
            allocate_move_three { (Q A) }
            trim_call { (Q Q) }
            deallocate_return { (Q) }
            is_nonempty_list_get_list { (F X) }
            is_tuple_test_arity { (F X) }
            get_tuple_elements { (X H X) }
            get_tuple_elements_y { (Y H X) }
            get_tuple_element_is_eq_exact_c { (X H X) }
            get_tuple_element_is_eq_exact_j { (X H X) }
            get_tuple_element_select { (X H X) }
            test_arity_get_element { (F X H) }
            test_arity_get_elements { (F X H) }
            is_tuple_test_arity_get_element { (F X) }
            is_tuple_test_arity_get_elements { (F X) }
            is_tagged_tuple_get_element { (F X U C) }
            is_tagged_tuple_get_elements { (F X U C) }
            is_nonempty_list_get_tl { (F X) }
            test_heap_put_pair { (U A) }
            test_heap_put_list_xx { (U A) }
            test_heap_put_list_yx { (U A) }
            put_list_deallocate_return { (X X X) (Y X X) }
            test_heap_put_list_return_xx { (U A) }
            test_heap_put_list_return_yx { (U A) }
            add_call_only { (F X X X) (F X J X) }
            add_move_call_only { (F X X X) (F X J X) }
            add_deallocate_return { (F X X X) (F X Y X) (F Y X X) }
            subtract_call { (F X J X) (F Y J X) }
            subtract_call_only { (F X J X) }
            subtract_move_call { (F X J X) (F Y J X) }
            subtract_move_call_only { (F X J X) }
            is_lt_return { (F X X) (F X J) }
            is_lt_move_return { (F X X) (F X J) }
            is_ge_move_return { (F X X) (F X J) }
            bs_start_match_get_position { (F X A X) }
            bs_get_8_test_unit { (F X X) }
            float_load_load { (X R) }
            float_load_add { (X R) }
            float_load_subtract { (X R) }
            float_load_multiply { (X R) (S R) }
            float_load_divide { (X R) }
            float_store_store { (R X) }
            move_deallocate_return { (X X) (Y X) (J X) (C X) }
            move_move_trim_call_yy { (Y X) (X X) (Y Y) }
            move_move_trim_call_yx { (Y X) (X X) }
            move_three_trim_call_yx { (Y X) (X X) }
            move_three_trim_call_xx { (Y X) (X X) }
            add_allocate_move { (F X J X) }
            add_allocate_move_move { (F X J X) }
            add_allocate_move_three { (F X J X) }
            add_move_three { (F X J X) (F Y J X) }
            subtract_allocate_move { (F X J X) }
            subtract_allocate_move_move { (F X J X) }
            subtract_allocate_move_three { (F X J X) }
            subtract_move_three { (F X J X) (F Y J X) }
            is_nil_return { (F X) }
            put_pair_return { (X S S) }
            put_pair_deallocate_return { (X S S) }
            test_heap_put_pair_return { (U A) }
            test_heap_put_pair_deallocate_return { (U A) }

            // --- the machine's own: never in a file, but code that the machine points at ---
            // Runs the built-in function of the export entry that holds this instruction, then returns.
            apply_bif { () }
            // Calls an undefined function: loads its module or raises undef.
            call_undefined { () }
            // The bottom frame of every process returns to this.
            normal_exit { () }
            // A process resumes here after a built-in function that waited or yielded.
            continue_exit { () }
            // A process resumes here if there was no memory to keep its registers: it is killed.
            no_memory_exit { () }
            // The first instruction of a function whose body the machine has replaced: number of the entry in the machine's
            // table of native functions. As short as an instruction can be, so that it fits into every function.
            native_call { (H) }
            // The code of a fun entry whose module is not loaded, or is being purged.
            call_undefined_fun { () }
            // Takes the place of the first opcode of a function that is traced: tells of the call, and then does what was there.
            breakpoint { () }
            // What a traced function returns to: tells what it returns; where to; how long it took. Each returns in turn.
            return_trace { () }
            return_to_trace { () }
            measure_return { () }
            tail_call_return { () }
        }
    };
}
