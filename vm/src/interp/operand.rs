//! Operands: how each kind of the instruction table is read from code, and what it stands for.
//!
//! A kind is a type, named as in `starling_loader::isa`. Reading one from code ([`Operand::decode`])
//! gives a value of that type; the traits say what can be done with it: a [`Source`] is
//! read, a [`Destination`] is written, and so on. Handlers are generic over the traits, so one handler serves all variants of
//! its operation and the compiler makes each of them as tight as if written by hand.
//!
//! Invariant: code was validated before it was linked: registers, labels and lists are in range.

use super::cpu::Cpu;
use crate::code::export::Export;
use crate::code::fun_entry::FunEntry;
use crate::term::Term;
use starling_loader::isa::ALIGN;

/// One operand of an instruction.
pub(crate) trait Operand: Copy {
    /// Bytes of the operand; `None` for a list, which says so itself.
    const SIZE: Option<usize>;

    /// Reads the operand at `at`.
    ///
    /// # Safety
    /// `at` is where validated code has an operand of this kind.
    unsafe fn decode(at: *const u8) -> Self;

    /// The first byte behind the operand at `at`.
    fn end(self, at: *const u8) -> *const u8;
}

/// Where an instruction that ends (unpadded) at `end` is followed by the next.
#[inline(always)]
pub(crate) fn next_instruction(end: *const u8) -> *const u8 {
    end.map_addr(|a| (a + ALIGN - 1) & !(ALIGN - 1))
}

/// The length of an instruction whose operands have these sizes; `None` if one is a list.
pub(crate) const fn fixed_length(sizes: &[Option<usize>]) -> Option<usize> {
    let (mut length, mut i) = (2, 0);
    while i < sizes.len() {
        match sizes[i] {
            Some(size) => length += size,
            None => return None,
        }
        i += 1;
    }
    Some((length + ALIGN - 1) & !(ALIGN - 1))
}

macro_rules! plain_operands {
    ($($(#[$doc:meta])* $name:ident($value:ty);)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy)]
        pub(crate) struct $name(pub(crate) $value);
        impl Operand for $name {
            const SIZE: Option<usize> = Some(size_of::<$value>());
            #[inline(always)]
            unsafe fn decode(at: *const u8) -> Self {
                // SAFETY: the caller's promise; operands are not aligned.
                $name(unsafe { at.cast::<$value>().read_unaligned() })
            }
            #[inline(always)]
            fn end(self, at: *const u8) -> *const u8 {
                at.wrapping_add(size_of::<$value>())
            }
        }
    )*};
}

plain_operands! {
    /// X register.
    X(u16);
    /// Y register.
    Y(u16);
    /// Constant.
    C(u64);
    /// Constant that is a small integer, in 32 bits.
    J(i32);
    /// Any source.
    S(u64);
    /// Any destination.
    D(u16);
    /// Label, as distance from the instruction.
    F(i32);
    /// Arity or live registers.
    A(u16);
    /// Frame size.
    Q(u16);
    /// Small number.
    H(u16);
    /// Number.
    U(u32);
    /// Number of a full word.
    W(u64);
    /// Export entry.
    I(*const Export);
    /// Fun entry.
    N(*const FunEntry);
    /// Bytes of the string table.
    P(*const u8);
    /// Floating point register.
    R(u16);
}

/// An operand that is read.
pub(crate) trait Source: Operand {
    /// Its value now.
    fn get(self, cpu: &Cpu) -> Term;

    /// Whether it is this very constant, written in the code: a register that holds it is not.
    #[inline(always)]
    fn is_constant(self, _constant: Term) -> bool {
        false
    }
}

impl Source for X {
    #[inline(always)]
    fn get(self, cpu: &Cpu) -> Term {
        cpu.x(self.0 as usize)
    }
}
impl Source for Y {
    #[inline(always)]
    fn get(self, cpu: &Cpu) -> Term {
        cpu.y(self.0 as usize)
    }
}
impl Source for C {
    #[inline(always)]
    fn get(self, _cpu: &Cpu) -> Term {
        // SAFETY: linking made a term of every constant.
        unsafe { Term::from_raw(self.0) }
    }

    #[inline(always)]
    fn is_constant(self, constant: Term) -> bool {
        self.0 == constant.raw()
    }
}
impl Source for J {
    #[inline(always)]
    fn get(self, _cpu: &Cpu) -> Term {
        let word = self.0 as i64 as u64;
        // SAFETY: validated: the word of a small integer. That its tag is known makes tests of it vanish.
        unsafe {
            core::hint::assert_unchecked(word & 0xf == 0xf);
            Term::from_raw(word)
        }
    }

    #[inline(always)]
    fn is_constant(self, constant: Term) -> bool {
        self.0 as i64 as u64 == constant.raw()
    }
}
impl Source for S {
    #[inline(always)]
    fn get(self, cpu: &Cpu) -> Term {
        if self.0 & 3 != 0 {
            // SAFETY: as for `C`.
            return unsafe { Term::from_raw(self.0) };
        }
        let index = (self.0 >> 3) as usize;
        if self.0 & 4 == 0 {
            cpu.x(index)
        } else {
            cpu.y(index)
        }
    }

    #[inline(always)]
    fn is_constant(self, constant: Term) -> bool {
        self.0 == constant.raw()
    }
}

/// An operand that is written.
pub(crate) trait Destination: Operand {
    /// Gives it a value.
    fn set(self, cpu: &mut Cpu, value: Term);
}

impl Destination for X {
    #[inline(always)]
    fn set(self, cpu: &mut Cpu, value: Term) {
        cpu.set_x(self.0 as usize, value);
    }
}
impl Destination for Y {
    #[inline(always)]
    fn set(self, cpu: &mut Cpu, value: Term) {
        cpu.set_y(self.0 as usize, value);
    }
}
impl Destination for D {
    #[inline(always)]
    fn set(self, cpu: &mut Cpu, value: Term) {
        let index = (self.0 >> 1) as usize;
        if self.0 & 1 == 0 {
            cpu.set_x(index, value);
        } else {
            cpu.set_y(index, value);
        }
    }
}
impl D {
    /// What the destination holds now: for `swap`, which reads both.
    #[inline(always)]
    pub(crate) fn current(self, cpu: &Cpu) -> Term {
        let index = (self.0 >> 1) as usize;
        if self.0 & 1 == 0 {
            cpu.x(index)
        } else {
            cpu.y(index)
        }
    }
}

/// A register that is both read and written.
pub(crate) trait Register: Destination {
    /// What it holds.
    fn read(self, cpu: &Cpu) -> Term;
}
impl Register for X {
    #[inline(always)]
    fn read(self, cpu: &Cpu) -> Term {
        self.get(cpu)
    }
}
impl Register for Y {
    #[inline(always)]
    fn read(self, cpu: &Cpu) -> Term {
        self.get(cpu)
    }
}
impl Register for D {
    #[inline(always)]
    fn read(self, cpu: &Cpu) -> Term {
        self.current(cpu)
    }
}

/// A number.
pub(crate) trait Number: Operand {
    /// Its value.
    fn value(self) -> usize;
}
macro_rules! numbers {
    ($($name:ident)*) => {$(
        impl Number for $name {
            #[inline(always)]
            fn value(self) -> usize {
                self.0 as usize
            }
        }
    )*};
}
numbers! { A Q H U W }

/// A label.
pub(crate) trait Label: Operand {
    /// Whether there is one; an instruction without raises instead of jumping.
    fn is_some(self) -> bool;
    /// Where it leads from the instruction at `ip`.
    fn target(self, ip: *const u8) -> *const u8;
}
impl Label for F {
    #[inline(always)]
    fn is_some(self) -> bool {
        self.0 != 0
    }
    #[inline(always)]
    fn target(self, ip: *const u8) -> *const u8 {
        ip.wrapping_offset(self.0 as isize)
    }
}

/// An export entry.
pub(crate) trait Import: Operand {
    /// Its address.
    fn export(self) -> *const Export;
}
impl Import for I {
    #[inline(always)]
    fn export(self) -> *const Export {
        self.0
    }
}

/// A fun entry.
pub(crate) trait Lambda: Operand {
    /// Its address.
    fn entry(self) -> *const FunEntry;
}
impl Lambda for N {
    #[inline(always)]
    fn entry(self) -> *const FunEntry {
        self.0
    }
}

/// Bytes of the string table.
pub(crate) trait Bytes: Operand {
    /// The first one.
    fn address(self) -> *const u8;
}
impl Bytes for P {
    #[inline(always)]
    fn address(self) -> *const u8 {
        self.0
    }
}

/// A floating point register.
pub(crate) trait FloatRegister: Operand {
    /// Its number.
    fn index(self) -> usize;
}
impl FloatRegister for R {
    #[inline(always)]
    fn index(self) -> usize {
        self.0 as usize
    }
}

/// The words of a list operand. They are not aligned.
#[derive(Clone, Copy)]
pub(crate) struct Words {
    first: *const u8,
    count: usize,
}

impl Words {
    /// How many words.
    #[inline(always)]
    pub(crate) fn len(self) -> usize {
        self.count
    }
    /// Word `index`, which must be below [`Words::len`]; checked in debug builds.
    #[inline(always)]
    pub(crate) fn word(self, index: usize) -> u64 {
        debug_assert!(index < self.count);
        // SAFETY: the operand has `count` words, and `index` is one of them.
        unsafe { self.first.cast::<u64>().add(index).read_unaligned() }
    }
    /// Word `index` as a source.
    #[inline(always)]
    pub(crate) fn source(self, index: usize) -> S {
        S(self.word(index))
    }
    /// Word `index`, a register in source encoding, as a destination.
    #[inline(always)]
    pub(crate) fn destination(self, index: usize) -> D {
        let word = self.word(index);
        D((((word >> 3) << 1) | ((word >> 2) & 1)) as u16)
    }
}

macro_rules! list_operands {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy)]
        pub(crate) struct $name(Words);
        impl Operand for $name {
            const SIZE: Option<usize> = None;
            #[inline(always)]
            unsafe fn decode(at: *const u8) -> Self {
                // SAFETY: the caller's promise.
                let count = unsafe { at.cast::<u16>().read_unaligned() } as usize;
                $name(Words { first: at.wrapping_add(2), count })
            }
            #[inline(always)]
            fn end(self, _at: *const u8) -> *const u8 {
                self.0.first.wrapping_add(self.0.count * 8)
            }
        }
        impl List for $name {
            #[inline(always)]
            fn words(self) -> Words {
                self.0
            }
        }
    )*};
}

/// A list of words.
pub(crate) trait List: Operand {
    /// Its words.
    fn words(self) -> Words;
}

list_operands! {
    /// Sources.
    Ls
    /// Pairs of a constant and a label.
    Lv
    /// Pairs of a source and a destination.
    Le
    /// Segments of a binary.
    Lb
}

/// The registers that `init_yregs` clears: one, or a list.
pub(crate) trait Slots: Operand {
    /// Sets each of them to `[]`.
    fn clear(self, cpu: &mut Cpu);
}

impl Slots for Y {
    #[inline(always)]
    fn clear(self, cpu: &mut Cpu) {
        cpu.set_y(self.0 as usize, Term::NIL);
    }
}

impl Slots for Ls {
    #[inline(always)]
    fn clear(self, cpu: &mut Cpu) {
        let words = self.words();
        for i in 0..words.len() {
            cpu.set_y((words.word(i) >> 3) as usize, Term::NIL);
        }
    }
}
