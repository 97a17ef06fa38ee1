//! Names for addresses, for backtraces.
//!
//! The image carries its function symbols as text, one `hexaddress name` a line, sorted.
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
}
