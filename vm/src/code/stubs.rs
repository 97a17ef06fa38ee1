//! Instructions that are in no module: where a process ends, and where one goes on after it gave up the
//! processor in a built-in function.

use starling_loader::Op;

/// One instruction without operands, at an address that fits its alignment.
#[repr(align(8))]
struct Stub([u16; 4]);

static NORMAL_EXIT: Stub = Stub([Op::normal_exit.opcode(0), 0, 0, 0]);
static CONTINUE_EXIT: Stub = Stub([Op::continue_exit.opcode(0), 0, 0, 0]);
static RETURN_TRACE: Stub = Stub([Op::return_trace.opcode(0), 0, 0, 0]);
static RETURN_TO_TRACE: Stub = Stub([Op::return_to_trace.opcode(0), 0, 0, 0]);
static MEASURE_RETURN: Stub = Stub([Op::measure_return.opcode(0), 0, 0, 0]);
static TAIL_CALL_RETURN: Stub = Stub([Op::tail_call_return.opcode(0), 0, 0, 0]);
static OUT_OF_MEMORY: Stub = Stub([Op::no_memory_exit.opcode(0), 0, 0, 0]);

/// Kills the process for lack of memory, when there was not even enough to keep its registers.
pub fn out_of_memory() -> *const u8 {
    OUT_OF_MEMORY.0.as_ptr().cast()
}

/// The return address at the bottom of every stack: the process ends with reason `normal`.
pub fn normal_exit() -> *const u8 {
    NORMAL_EXIT.0.as_ptr().cast()
}

/// Returns X[0] to the youngest return address of the stack.
pub fn continue_exit() -> *const u8 {
    CONTINUE_EXIT.0.as_ptr().cast()
}

/// The return address of a frame that tells what a traced function returns.
pub fn return_trace() -> *const u8 {
    RETURN_TRACE.0.as_ptr().cast()
}

/// The return address of a frame that tells where a traced function returns to.
pub fn return_to_trace() -> *const u8 {
    RETURN_TO_TRACE.0.as_ptr().cast()
}

/// The return address of a frame that ends the measurement of a call.
pub fn measure_return() -> *const u8 {
    MEASURE_RETURN.0.as_ptr().cast()
}

/// The return address of a traced built-in function that was called last of all.
pub fn tail_call_return() -> *const u8 {
    TAIL_CALL_RETURN.0.as_ptr().cast()
}
