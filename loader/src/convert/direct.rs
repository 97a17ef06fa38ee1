//! Generic instructions that become one operation of the machine, operand by operand.
//!
//! The table says which operation and which operands of the generic instruction, in the
//! machine's order; what is left out (types of calls, unused flags, labels that cannot be
//! taken) the machine does not need. Called by the converter before anything else.

use crate::opcode::Generic;
use crate::operation::Op;

/// The operation of a generic instruction, and its operands, counted from 0.
pub fn lookup(opcode: Generic) -> Option<(Op, &'static [u8])> {
    DIRECT[opcode as usize]
}

static DIRECT: [Option<(Op, &[u8])>; 256] = {
    let mut table: [Option<(Op, &[u8])>; 256] = [None; 256];
    let mut at = 0;
    while at < LIST.len() {
        table[LIST[at].0 as usize] = Some((LIST[at].1, LIST[at].2));
        at += 1;
    }
    table
};

const LIST: &[(Generic, Op, &[u8])] = &[
    (Generic::Call, Op::call, &[0, 1]),
    (Generic::CallLast, Op::call_last, &[0, 1, 2]),
    (Generic::CallOnly, Op::call_only, &[0, 1]),
    (Generic::CallExt, Op::call_ext, &[0, 1]),
    (Generic::Apply, Op::apply, &[0]),
    (Generic::ApplyLast, Op::apply_last, &[0, 1]),
    (Generic::Return, Op::return_, &[]),
    (Generic::Allocate, Op::allocate, &[0, 1]),
    // The machine's frames are always filled.
    (Generic::AllocateZero, Op::allocate, &[0, 1]),
    (Generic::Deallocate, Op::deallocate, &[0]),
    (Generic::Trim, Op::trim, &[0, 1]),
    (Generic::InitYregs, Op::init_yregs, &[0]),
    (Generic::Move, Op::move_, &[0, 1]),
    (Generic::Swap, Op::swap, &[0, 1]),
    (Generic::Jump, Op::jump, &[0]),
    (Generic::IsLt, Op::is_lt, &[0, 1, 2]),
    (Generic::IsGe, Op::is_ge, &[0, 1, 2]),
    (Generic::IsEq, Op::is_eq, &[0, 1, 2]),
    (Generic::IsNe, Op::is_ne, &[0, 1, 2]),
    (Generic::IsEqExact, Op::is_eq_exact, &[0, 1, 2]),
    (Generic::IsNeExact, Op::is_ne_exact, &[0, 1, 2]),
    (Generic::IsInteger, Op::is_integer, &[0, 1]),
    (Generic::IsFloat, Op::is_float, &[0, 1]),
    (Generic::IsNumber, Op::is_number, &[0, 1]),
    (Generic::IsAtom, Op::is_atom, &[0, 1]),
    (Generic::IsPid, Op::is_pid, &[0, 1]),
    (Generic::IsReference, Op::is_reference, &[0, 1]),
    (Generic::IsPort, Op::is_port, &[0, 1]),
    (Generic::IsNil, Op::is_nil, &[0, 1]),
    (Generic::IsBinary, Op::is_binary, &[0, 1]),
    (Generic::IsBitstr, Op::is_bitstr, &[0, 1]),
    (Generic::IsList, Op::is_list, &[0, 1]),
    (Generic::IsNonemptyList, Op::is_nonempty_list, &[0, 1]),
    (Generic::IsTuple, Op::is_tuple, &[0, 1]),
    (Generic::IsBoolean, Op::is_boolean, &[0, 1]),
    (Generic::IsFunction, Op::is_function, &[0, 1]),
    (Generic::IsFunction2, Op::is_function2, &[0, 1, 2]),
    (Generic::IsMap, Op::is_map, &[0, 1]),
    (Generic::TestArity, Op::test_arity, &[0, 1, 2]),
    (Generic::IsTaggedTuple, Op::is_tagged_tuple, &[0, 1, 2, 3]),
    (Generic::HasMapFields, Op::has_map_fields, &[0, 1, 2]),
    (Generic::GetMapElements, Op::get_map_elements, &[0, 1, 2]),
    (Generic::PutMapAssoc, Op::put_map_assoc, &[0, 1, 2, 3, 4]),
    (Generic::PutMapExact, Op::put_map_exact, &[0, 1, 2, 3, 4]),
    (Generic::GetList, Op::get_list, &[0, 1, 2]),
    (Generic::GetHd, Op::get_hd, &[0, 1]),
    (Generic::GetTl, Op::get_tl, &[0, 1]),
    (Generic::GetTupleElement, Op::get_tuple_element, &[0, 1, 2]),
    (Generic::SetTupleElement, Op::set_tuple_element, &[0, 1, 2]),
    (Generic::PutList, Op::put_list, &[0, 1, 2]),
    (Generic::PutTuple2, Op::put_tuple2, &[0, 1]),
    (Generic::MakeFun3, Op::make_fun3, &[0, 1, 2]),
    (Generic::Fconv, Op::float_convert, &[0, 1]),
    (Generic::Fadd, Op::float_add, &[1, 2, 3]),
    (Generic::Fsub, Op::float_subtract, &[1, 2, 3]),
    (Generic::Fmul, Op::float_multiply, &[1, 2, 3]),
    (Generic::Fdiv, Op::float_divide, &[1, 2, 3]),
    (Generic::Fnegate, Op::float_negate, &[1, 2]),
    (Generic::Catch, Op::catch_, &[0, 1]),
    (Generic::CatchEnd, Op::catch_end, &[0]),
    (Generic::Try, Op::try_, &[0, 1]),
    (Generic::TryEnd, Op::try_end, &[0]),
    (Generic::TryCase, Op::try_case, &[0]),
    (Generic::TryCaseEnd, Op::try_case_end, &[0]),
    (Generic::Badmatch, Op::badmatch, &[0]),
    (Generic::CaseEnd, Op::case_end, &[0]),
    (Generic::IfEnd, Op::if_end, &[]),
    (Generic::Badrecord, Op::badrecord, &[0]),
    (Generic::Raise, Op::raise, &[0, 1]),
    (Generic::BuildStacktrace, Op::build_stacktrace, &[]),
    (Generic::RawRaise, Op::raw_raise, &[]),
    (Generic::Send, Op::send, &[]),
    (Generic::LoopRec, Op::loop_rec, &[0, 1]),
    (Generic::LoopRecEnd, Op::loop_rec_end, &[0]),
    (Generic::RemoveMessage, Op::remove_message, &[]),
    (Generic::Wait, Op::wait, &[0]),
    (Generic::WaitTimeout, Op::wait_timeout, &[0, 1]),
    (Generic::Timeout, Op::timeout, &[]),
    (Generic::RecvMarkerBind, Op::recv_marker_bind, &[0, 1]),
    (Generic::RecvMarkerClear, Op::recv_marker_clear, &[0]),
    (Generic::RecvMarkerReserve, Op::recv_marker_reserve, &[0]),
    (Generic::RecvMarkerUse, Op::recv_marker_use, &[0]),
    // label, value, live, (save slots,) destination
    (Generic::BsStartMatch2, Op::bs_start_match, &[0, 1, 2, 4]),
    (Generic::BsStartMatch3, Op::bs_start_match, &[0, 1, 2, 3]),
    (Generic::BsGetPosition, Op::bs_get_position, &[0, 1, 2]),
    (Generic::BsSetPosition, Op::bs_set_position, &[0, 1]),
    (Generic::BsGetTail, Op::bs_get_tail, &[0, 1, 2]),
    // label, context, size, unit, flags
    (Generic::BsSkipBits2, Op::bs_skip_bits2, &[0, 1, 2, 3]),
    (Generic::BsTestUnit, Op::bs_test_unit, &[0, 1, 2]),
    (Generic::BsMatchString, Op::bs_match_string, &[0, 1, 2, 3]),
    // label, context, live, flags, destination
    (Generic::BsGetUtf8, Op::bs_get_utf8, &[0, 1, 4]),
    // label, context, live, flags
    (Generic::BsSkipUtf8, Op::bs_skip_utf8, &[0, 1]),
    (Generic::BsInitWritable, Op::bs_init_writable, &[]),
    (Generic::BsAdd, Op::bs_add, &[0, 1, 2, 3, 4]),
    // label, character, destination; nothing can fail
    (Generic::BsUtf8Size, Op::bs_utf8_size, &[1, 2]),
    (Generic::BsUtf16Size, Op::bs_utf16_size, &[1, 2]),
];
