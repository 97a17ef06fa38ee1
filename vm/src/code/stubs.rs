//! Instructions that are in no module: where a process ends, and where one goes on after it gave up the
//! processor in a built-in function.

use starling_loader::Op;

/// One instruction without operands, at an address that fits its alignment.
#[repr(C, align(8))]
struct Stub([u16; 4]);

impl Stub {
    const fn of(op: Op) -> Stub {
        Stub([op.opcode(0), 0, 0, 0])
    }

    fn address(&'static self) -> *const u8 {
        self.0.as_ptr().cast()
    }
}

static STUBS: [Stub; 7] = [
    Stub::of(Op::normal_exit),
    Stub::of(Op::continue_exit),
    Stub::of(Op::return_trace),
    Stub::of(Op::return_to_trace),
    Stub::of(Op::measure_return),
    Stub::of(Op::tail_call_return),
    Stub::of(Op::no_memory_exit),
];

/// Whether `address` is that of one of these.
#[inline]
pub fn contains(address: *const u8) -> bool {
    STUBS.as_ptr_range().contains(&address.cast())
}

/// Kills the process for lack of memory, when there was not even enough to keep its registers.
pub fn out_of_memory() -> *const u8 {
    STUBS[6].address()
}

/// The return address at the bottom of every stack: the process ends with reason `normal`.
pub fn normal_exit() -> *const u8 {
    STUBS[0].address()
}

/// Returns X[0] to the youngest return address of the stack.
pub fn continue_exit() -> *const u8 {
    STUBS[1].address()
}

/// The return address of a frame that tells what a traced function returns.
pub fn return_trace() -> *const u8 {
    STUBS[2].address()
}

/// The return address of a frame that tells where a traced function returns to.
pub fn return_to_trace() -> *const u8 {
    STUBS[3].address()
}

/// The return address of a frame that ends the measurement of a call.
pub fn measure_return() -> *const u8 {
    STUBS[4].address()
}

/// The return address of a traced built-in function that was called last of all.
pub fn tail_call_return() -> *const u8 {
    STUBS[5].address()
}
