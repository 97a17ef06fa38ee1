//! Making funs.

use crate::interp::cpu::op;
use crate::interp::operand::Source as _;
use crate::interp::slow;
use crate::term::fun::{FUN_WORDS, Meta};
use crate::term::{Header, Subtag, Term};

op! {
    /// A fun with its free variables. The compiler has made room, by its own reckoning of a fun's size, which
    /// is not less than ours; where it has not, the fun goes to a fragment.
    fn make_fun3(cpu, entry: Lambda, destination: Destination, free: List) {
        let words = free.words();
        let size = FUN_WORDS + words.len();
        let object = if cpu.lacks(size) {
            cpu.save();
            // SAFETY: the registers are saved; the process is alive.
            let object = unsafe { slow::allocate(cpu.process, size) };
            cpu.load();
            if object.is_null() {
                return cpu.out_of_memory();
            }
            object
        } else {
            let object = cpu.top;
            // SAFETY: there is room for `size` words.
            cpu.top = unsafe { object.add(size) };
            object
        };
        // SAFETY: `size` fresh words, all of them written; the entry and the process are alive.
        let fun = unsafe {
            let meta = Meta { arity: (*entry.entry()).entry.identity.arity as usize, free: words.len(), external: false };
            *object = Header::new(Subtag::Fun, size - 1).0;
            *object.add(1) = entry.entry() as u64;
            *object.add(2) = meta.pack();
            *object.add(3) = (*cpu.process).pid.raw();
            for i in 0..words.len() {
                *object.add(FUN_WORDS + i) = words.source(i).get(&cpu).raw();
            }
            Term::boxed(object)
        };
        destination.set(&mut cpu, fun);
        cpu.next()
    }
}
