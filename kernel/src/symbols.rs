//! Names for addresses, for backtraces.
//!
//! The image carries its function symbols as text, one `hexaddress name` a line, sorted. There are no
//! frame pointers and no unwind tables in the guest, so a backtrace is found by scanning the stack for
//! words that are return addresses: they point into the code, just behind a call instruction. A scan can
//! show a stale frame; it cannot miss a live one.
//!
//! Nothing here allocates: it runs after a crash.

/// The symbol that covers `address`, and the distance from its start.
pub fn lookup(symbols: &[u8], address: u64) -> Option<(&str, u64)> {
    // Binary search for the last line whose address is not above `address`. Invariant: the line that
    // starts at `low` qualifies or `low` is 0; no line that starts at or after `high` does.
    let (mut low, mut high) = (0, symbols.len());
    while low < high {
        let middle = line_start(symbols, low + (high - low) / 2);
        let next = line_end(symbols, middle) + 1;
        match parse_line(symbols, middle) {
            Some((start, _)) if start <= address => {
                if next >= high {
                    low = middle;
                    break;
                }
                match parse_line(symbols, next) {
                    Some((following, _)) if following <= address => low = next,
                    _ => {
                        low = middle;
                        break;
                    }
                }
            }
            _ => high = middle,
        }
    }
    let (start, name) = parse_line(symbols, low)?;
    address.checked_sub(start).map(|offset| (name, offset))
}

fn line_start(text: &[u8], position: usize) -> usize {
    text[..position]
        .iter()
        .rposition(|&byte| byte == b'\n')
        .map_or(0, |newline| newline + 1)
}

fn line_end(text: &[u8], start: usize) -> usize {
    text[start..]
        .iter()
        .position(|&byte| byte == b'\n')
        .map_or(text.len(), |length| start + length)
}

fn parse_line(text: &[u8], start: usize) -> Option<(u64, &str)> {
    let line = core::str::from_utf8(text.get(start..line_end(text, start))?).ok()?;
    let (address, name) = line.split_once(' ')?;
    Some((u64::from_str_radix(address, 16).ok()?, name))
}

/// True if `code`, the bytes just before an address, end in a call instruction.
///
/// Knows the near calls a compiler emits: relative, and through a register or memory, with or without
/// a REX prefix.
pub fn ends_in_call(code: &[u8]) -> bool {
    // (length, offset of the opcode, mask and value of the ModRM byte that follows it)
    let at = |length: usize| {
        code.len()
            .checked_sub(length)
            .and_then(|start| code.get(start..))
    };
    if at(5).is_some_and(|bytes| bytes[0] == 0xe8) {
        return true;
    }
    // FF /2 with each addressing form: the displacement and SIB byte decide the length.
    (2..=7).any(|length| {
        at(length).is_some_and(|bytes| {
            bytes[0] == 0xff
                && (bytes[1] >> 3) & 7 == 2
                && indirect_call_length(bytes[1], bytes.get(2)) == length
        })
    })
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

    const SYMBOLS: &[u8] = b"100000 entry\n100040 kernel::boot::start\n100400 vm::run<u8, 1>\n";

    #[test]
    fn finds_the_covering_symbol() {
        assert_eq!(lookup(SYMBOLS, 0x100000), Some(("entry", 0)));
        assert_eq!(lookup(SYMBOLS, 0x10003f), Some(("entry", 0x3f)));
        assert_eq!(lookup(SYMBOLS, 0x100040), Some(("kernel::boot::start", 0)));
        assert_eq!(
            lookup(SYMBOLS, 0x1003ff),
            Some(("kernel::boot::start", 0x3bf))
        );
        assert_eq!(lookup(SYMBOLS, 0x100401), Some(("vm::run<u8, 1>", 1)));
        assert_eq!(lookup(SYMBOLS, 0xfffff), None);
    }

    #[test]
    fn finds_every_one_of_many() {
        let text: alloc::string::String = (0..1000u64)
            .map(|i| alloc::format!("{:x} f{i}\n", i * 16))
            .collect();
        for i in 0..1000u64 {
            let name = alloc::format!("f{i}");
            assert_eq!(
                lookup(text.as_bytes(), i * 16 + 7),
                Some((name.as_str(), 7))
            );
        }
    }

    #[test]
    fn damaged_symbols_are_no_symbols() {
        for text in [
            &b""[..],
            b"\n\n",
            b"zz",
            b"zz zz\n",
            b"10",
            b"10 \xff\n",
            b"\xff\xff\xff",
        ] {
            assert_eq!(lookup(text, 0x1000), None, "{text:?}");
        }
    }

    #[test]
    fn recognises_calls() {
        let calls: &[&[u8]] = &[
            &[0xe8, 1, 2, 3, 4],             // call rel32
            &[0xff, 0xd0],                   // call rax
            &[0x41, 0xff, 0xd3],             // call r11
            &[0xff, 0x10],                   // call [rax]
            &[0xff, 0x50, 0x18],             // call [rax+18h]
            &[0xff, 0x15, 1, 2, 3, 4],       // call [rip+…]
            &[0xff, 0x14, 0xc8],             // call [rax+rcx*8]
            &[0xff, 0x54, 0x24, 0x08],       // call [rsp+8]
            &[0xff, 0x94, 0x24, 1, 0, 0, 0], // call [rsp+1]
            &[0xff, 0x14, 0xc5, 1, 2, 3, 4], // call [rax*8+…]
        ];
        for call in calls {
            assert!(ends_in_call(call), "{call:x?}");
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
            assert!(!ends_in_call(other), "{other:x?}");
        }
    }
}
