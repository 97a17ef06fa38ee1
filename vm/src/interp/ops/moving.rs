//! Moving values between registers.

use crate::interp::cpu::op;

op! {
    fn move_(cpu, source: Source, destination: Destination) {
        let value = source.get(&cpu);
        destination.set(&mut cpu, value);
        cpu.next()
    }
}

op! {
    fn swap(cpu, left: Register, right: Register) {
        let (a, b) = (left.read(&cpu), right.read(&cpu));
        left.set(&mut cpu, b);
        right.set(&mut cpu, a);
        cpu.next()
    }
}
