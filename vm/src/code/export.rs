//! Export entries: what a call of `Module:Function/Arity` goes through.
//!
//! There is one entry for each function that any module calls, exports or names in a fun, made
//! at its first mention. Calls keep its address, so loading a module is a matter of
//! changing `code`.
//!
//! Invariant: an entry is never moved or freed; `code` is the address of an instruction at all times. It comes
//! first, as in [`super::fun_entry::FunEntry`]: a fun's target is read without asking which of the two it is.

use crate::atom::am;
use crate::bif::Function;
use crate::term::Atom;
use crate::term::fun::{Entry, Mfa};
use starling_loader::Op;

/// One entry: see the [module](self).
#[repr(C)]
pub struct Export {
    /// Where a call goes (the function's code, or `stub`), and what is called.
    pub entry: Entry<Mfa>,
    /// An instruction without operands, for entries without code: it finds the entry by its own address.
    stub: [u16; 4],
    /// What runs if this is a built-in function.
    pub built_in: Option<Function>,
    /// The same, unless its calls are traced: then they go by way of the stub.
    pub direct: Option<Function>,
    /// Its number in the table of native functions, once it is there.
    pub(super) native: Option<u16>,
}

impl Export {
    /// Makes an entry without a function. It is never freed.
    pub fn leak(module: Atom, function: Atom, arity: u8) -> &'static mut Export {
        let export = alloc::boxed::Box::leak(alloc::boxed::Box::new(Export {
            entry: Entry {
                code: core::ptr::null(),
                identity: Mfa {
                    module,
                    function,
                    arity: arity as u32,
                },
            },
            stub: [0; 4],
            built_in: None,
            direct: None,
            native: None,
        }));
        export.undefine();
        export
    }

    /// The entry whose stub is at `ip`.
    pub fn of_stub(ip: *const u8) -> *const Export {
        ip.wrapping_sub(core::mem::offset_of!(Export, stub)).cast()
    }

    /// Its stub: what an address that belongs to no module stands for in a trace.
    #[inline(always)]
    pub fn stub(&self) -> *const u8 {
        self.stub.as_ptr().cast()
    }

    /// What is called.
    #[inline(always)]
    pub fn mfa(&self) -> Mfa {
        self.entry.identity
    }

    fn point_at_stub(&mut self, op: Op) {
        self.stub[0] = op.opcode(0);
        self.entry.code = self.stub.as_ptr().cast();
    }

    /// From now on a call tries to load the module, or is `undef`.
    pub fn undefine(&mut self) {
        self.point_at_stub(Op::call_undefined);
    }

    /// From now on a call runs `function`.
    pub fn define_built_in(&mut self, function: Function) {
        self.built_in = Some(function);
        self.direct = Some(function);
        self.point_at_stub(Op::apply_bif);
    }

    /// From now on a call runs the stub, which has a breakpoint.
    pub(super) fn lead_to_stub(&mut self) {
        self.entry.code = self.stub.as_ptr().cast();
    }

    /// Whether it is one of the functions that raise what their caller wants: in the trace the caller comes first, even if it
    /// called them last of all.
    #[inline(always)]
    pub fn raises_for_caller(&self) -> bool {
        let Mfa {
            module,
            function,
            arity,
        } = self.mfa();
        module == am::ERLANG
            && match function {
                am::ERROR => matches!(arity, 1..=3),
                am::EXIT_LOWER | am::THROW => arity == 1,
                _ => false,
            }
    }

    /// Whether there is a function to call.
    pub fn is_defined(&self) -> bool {
        self.built_in.is_some()
            || self.entry.code != self.stub.as_ptr().cast()
            || self.stub[0] == Op::breakpoint.opcode(0)
    }
}
