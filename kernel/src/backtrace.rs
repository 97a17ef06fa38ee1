//! Backtraces without frame pointers or unwind tables: the guest has neither, to be small and fast.
//!
//! The stack is scanned for words that are return addresses: they point into the code, just behind a call
//! instruction. Such a scan cannot miss a live frame, but it finds dead ones too, left over from earlier calls.
//! So each is judged: a direct call must go to the function that the frame below is in. What cannot be
//! confirmed is shown with a `?`, as Linux does: dead, or live and reached through a pointer or a jump.
//!
//! Nothing here allocates: it runs after a crash.

/// Most frames of a backtrace.
pub const MAX_FRAMES: usize = 48;
/// Bytes of the longest near call.
pub const LONGEST_CALL: usize = 7;

/// A call instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// To the address of the next instruction plus this.
    Direct(i32),
    /// Through a register or memory: it could go anywhere.
    Indirect,
}

/// The functions that the next frame up may have called: those of all frames below. (Not only the nearest:
/// a group of dead frames, which confirm each other, may lie between two live ones.)
pub struct Chain {
    callees: [u64; MAX_FRAMES + 1],
    used: usize,
}

impl Chain {
    /// A chain that starts in the function at `innermost`.
    pub fn new(innermost: u64) -> Self {
        let mut chain = Self {
            callees: [0; MAX_FRAMES + 1],
            used: 0,
        };
        chain.add(innermost);
        chain
    }

    /// Adds the frame with this return address, behind this call, in the function that starts at
    /// `function`. True if the call is known to go to a function below.
    pub fn confirms(&mut self, return_address: u64, call: Call, function: u64) -> bool {
        let confirmed = match call {
            Call::Direct(displacement) => {
                let target = return_address.wrapping_add_signed(i64::from(displacement));
                self.callees[..self.used].contains(&target)
            }
            Call::Indirect => false,
        };
        self.add(function);
        confirmed
    }

    fn add(&mut self, function: u64) {
        if let Some(slot) = self.callees.get_mut(self.used) {
            *slot = function;
            self.used += 1;
        }
    }
}

/// The call instruction that `code`, the bytes just before an address, ends in.
///
/// Knows the near calls a compiler emits: relative, and through a register or memory, with or without
/// a REX prefix.
pub fn call_before(code: &[u8]) -> Option<Call> {
    if let Some([0xe8, displacement @ ..]) = code.last_chunk::<5>() {
        return Some(Call::Direct(i32::from_le_bytes(*displacement)));
    }
    // FF /2 with each addressing form: the displacement and SIB byte decide the length.
    (2..=LONGEST_CALL)
        .filter_map(|length| code.len().checked_sub(length).map(|start| &code[start..]))
        .any(|bytes| {
            bytes[0] == 0xff
                && (bytes[1] >> 3) & 7 == 2
                && indirect_call_length(bytes[1], bytes.get(2)) == bytes.len()
        })
        .then_some(Call::Indirect)
}

/// Length of `FF modrm …` without prefixes.
fn indirect_call_length(modrm: u8, sib: Option<&u8>) -> usize {
    let (mode, register) = (modrm >> 6, modrm & 7);
    let has_sib = mode != 3 && register == 4;
    let displacement = match mode {
        0 if register == 5 || (has_sib && sib.is_some_and(|sib| sib & 7 == 5)) => 4,
        1 => 1,
        2 => 4,
        _ => 0,
    };
    2 + usize::from(has_sib) + displacement
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recognises_calls() {
        let calls: &[(&[u8], Call)] = &[
            (&[0xe8, 1, 2, 0, 0], Call::Direct(0x201)),
            (
                &[0x90, 0x90, 0xe8, 0xfb, 0xff, 0xff, 0xff],
                Call::Direct(-5),
            ),
            (&[0xff, 0xd0], Call::Indirect),             // call rax
            (&[0x41, 0xff, 0xd3], Call::Indirect),       // call r11
            (&[0xff, 0x10], Call::Indirect),             // call [rax]
            (&[0xff, 0x50, 0x18], Call::Indirect),       // call [rax+18h]
            (&[0xff, 0x15, 1, 2, 3, 4], Call::Indirect), // call [rip+...]
            (&[0xff, 0x14, 0xc8], Call::Indirect),       // call [rax+rcx*8]
            (&[0xff, 0x54, 0x24, 0x08], Call::Indirect), // call [rsp+8]
            (&[0xff, 0x94, 0x24, 1, 0, 0, 0], Call::Indirect), // call [rsp+1]
            (&[0xff, 0x14, 0xc5, 1, 2, 3, 4], Call::Indirect), // call [rax*8+...]
        ];
        for (code, call) in calls {
            assert_eq!(call_before(code), Some(*call), "{code:x?}");
        }
        let others: &[&[u8]] = &[
            &[],
            &[0x90],
            &[0xff, 0xe0],
            &[0xff, 0x60, 0x18],
            &[0x48, 0x89, 0xc3],
            &[1, 2, 3, 4, 5],
        ];
        for other in others {
            assert_eq!(call_before(other), None, "{other:x?}");
        }
    }

    /// A direct call at `from` to `to`.
    fn call(from: u64, to: u64) -> Call {
        Call::Direct((to as i64 - from as i64) as i32)
    }

    #[test]
    fn a_frame_is_confirmed_by_what_it_called() {
        let (inner, middle, outer, dead) = (0x1000, 0x2000, 0x3000, 0x4000);
        let mut chain = Chain::new(inner);
        // A dead frame that had called something else.
        assert!(!chain.confirms(0x4010, call(0x4010, 0x5000), dead));
        assert!(chain.confirms(0x2010, call(0x2010, inner), middle));
        // Two dead frames that had called each other.
        assert!(!chain.confirms(0x6010, call(0x6010, 0x9000), 0x6000));
        assert!(chain.confirms(0x7010, call(0x7010, 0x6000), 0x7000));
        assert!(chain.confirms(0x3010, call(0x3010, middle), outer));
    }

    #[test]
    fn a_tail_call_breaks_one_link_only() {
        // outer calls first, first jumps to second, second calls inner.
        let (inner, second, first, outer, main) = (0x1000, 0x2000, 0x3000, 0x4000, 0x5000);
        let mut chain = Chain::new(inner);
        assert!(chain.confirms(0x2010, call(0x2010, inner), second));
        assert!(!chain.confirms(0x4010, call(0x4010, first), outer));
        assert!(chain.confirms(0x5010, call(0x5010, outer), main));
    }

    #[test]
    fn an_indirect_call_confirms_nothing_and_hides_nothing() {
        let mut chain = Chain::new(0x1000);
        assert!(!chain.confirms(0x2010, Call::Indirect, 0x2000));
        assert!(chain.confirms(0x3010, call(0x3010, 0x2000), 0x3000));
        let mut chain = Chain::new(0x1000);
        assert!(!chain.confirms(0x2010, Call::Indirect, 0x2000));
        assert!(chain.confirms(0x3010, call(0x3010, 0x1000), 0x3000));
    }

    #[test]
    fn a_long_chain_of_doubt_does_not_overflow() {
        let mut chain = Chain::new(0);
        for i in 1..200 {
            assert!(!chain.confirms(i * 0x1000, Call::Direct(7), i * 0x1000 + 0x100));
        }
    }
}
