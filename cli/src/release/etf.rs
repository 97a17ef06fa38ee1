//! The external term format, as far as boot scripts go: read into the same tree that terms in text have.
//!
//! Facts: OTP's "External Term Format". Invariant: what is allocated is in proportion to the bytes that are there, and nesting is limited.

use std::io::Read;

use flate2::read::ZlibDecoder;

use crate::otp::terms::Text;

const VERSION: u8 = 131;
const COMPRESSED: u8 = 80;
/// A term may be this deep in others. Boot scripts need seven.
const MAX_DEPTH: u32 = 100;
/// A boot script is some 100 KB.
const MAX_SIZE: u64 = 64 << 20;

/// The term that `bytes` hold.
pub fn decode(bytes: &[u8]) -> Result<Text, String> {
    let inflated;
    let body = match bytes {
        [VERSION, COMPRESSED, _, _, _, _, packed @ ..] => {
            let mut out = Vec::new();
            ZlibDecoder::new(packed)
                .take(MAX_SIZE)
                .read_to_end(&mut out)
                .map_err(|error| format!("its compressed term is damaged: {error}"))?;
            inflated = out;
            &inflated
        }
        [VERSION, body @ ..] => body,
        _ => return Err("it is no term in the external format".to_owned()),
    };
    let mut reader = Reader {
        rest: body,
        depth: 0,
    };
    let term = reader.term()?;
    match reader.rest {
        [] => Ok(term),
        _ => Err("there are bytes behind its term".to_owned()),
    }
}

struct Reader<'a> {
    rest: &'a [u8],
    depth: u32,
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], String> {
        let (taken, rest) = self
            .rest
            .split_at_checked(count)
            .ok_or("its term ends too early")?;
        self.rest = rest;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8, String> {
        Ok(self.take(1)?[0])
    }

    fn u16(&mut self) -> Result<usize, String> {
        let bytes = self.take(2)?;
        Ok(usize::from(bytes[0]) << 8 | usize::from(bytes[1]))
    }

    fn u32(&mut self) -> Result<usize, String> {
        Ok(self.u16()? << 16 | self.u16()?)
    }

    fn text(&mut self, len: usize, latin1: bool) -> Result<String, String> {
        let bytes = self.take(len)?;
        if latin1 {
            return Ok(bytes.iter().map(|&byte| char::from(byte)).collect());
        }
        String::from_utf8(bytes.to_vec()).map_err(|_| "an atom is not UTF-8".to_owned())
    }

    fn term(&mut self) -> Result<Text, String> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(format!("its term is nested more than {MAX_DEPTH} deep"));
        }
        let term = self.any()?;
        self.depth -= 1;
        Ok(term)
    }

    fn terms(&mut self, count: usize) -> Result<Vec<Text>, String> {
        // Each takes a byte at least, so a count that promises more is found out as it is read.
        (0..count).map(|_| self.term()).collect()
    }

    fn any(&mut self) -> Result<Text, String> {
        match self.byte()? {
            // Small and large integers, bignums: nobody computes with them.
            97 => Ok(Text::Number(self.byte()?.to_string())),
            98 => Ok(Text::Number((self.u32()? as u32 as i32).to_string())),
            110 => {
                let len = usize::from(self.byte()?);
                self.take(len + 1)?;
                Ok(Text::Number("a big number".to_owned()))
            }
            70 => {
                let bytes = self.take(8)?;
                let bytes = bytes.try_into().map_err(|_| "its term ends too early")?;
                Ok(Text::Number(f64::from_be_bytes(bytes).to_string()))
            }
            100 => {
                let len = self.u16()?;
                self.text(len, true).map(Text::Atom)
            }
            115 => {
                let len = self.byte()?.into();
                self.text(len, true).map(Text::Atom)
            }
            118 => {
                let len = self.u16()?;
                self.text(len, false).map(Text::Atom)
            }
            119 => {
                let len = self.byte()?.into();
                self.text(len, false).map(Text::Atom)
            }
            104 => {
                let arity = self.byte()?.into();
                self.terms(arity).map(Text::Tuple)
            }
            105 => {
                let arity = self.u32()?;
                self.terms(arity).map(Text::Tuple)
            }
            106 => Ok(Text::List(Vec::new())),
            107 => {
                let len = self.u16()?;
                self.text(len, true).map(Text::String)
            }
            108 => {
                let len = self.u32()?;
                let elements = self.terms(len)?;
                match self.term()? {
                    Text::List(tail) if tail.is_empty() => Ok(string_or_list(elements)),
                    _ => Err("a list of it has an improper tail".to_owned()),
                }
            }
            109 => {
                let len = self.u32()?;
                let bytes = self.take(len)?;
                Ok(Text::Binary(String::from_utf8_lossy(bytes).into_owned()))
            }
            116 => {
                let pairs = self.u32()?;
                let pairs: Result<Vec<_>, String> = (0..pairs)
                    .map(|_| Ok((self.term()?, self.term()?)))
                    .collect();
                pairs.map(Text::Map)
            }
            other => Err(format!("a term of kind {other} in it is unknown")),
        }
    }
}

/// A string with a character beyond Latin-1 is written as a list of numbers.
fn string_or_list(elements: Vec<Text>) -> Text {
    let characters: Option<String> = elements
        .iter()
        .map(|element| match element {
            Text::Number(digits) => digits.parse().ok().and_then(char::from_u32),
            _ => None,
        })
        .collect();
    match characters {
        Some(text) if !text.is_empty() => Text::String(text),
        _ => Text::List(elements),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_of_boot_scripts_are_read() {
        // {script, {"a", [233, 8364]}, [<<"b">>, 1, -1]}
        let bytes = [
            131, 104, 3, 119, 6, b's', b'c', b'r', b'i', b'p', b't', 104, 2, 107, 0, 1, b'a', 108,
            0, 0, 0, 2, 97, 233, 98, 0, 0, 0x20, 0xac, 106, 108, 0, 0, 0, 3, 109, 0, 0, 0, 1, b'b',
            97, 1, 98, 255, 255, 255, 255, 106,
        ];
        let term = decode(&bytes).unwrap();
        let expected = Text::Tuple(vec![
            Text::Atom("script".into()),
            Text::Tuple(vec![Text::String("a".into()), Text::String("é€".into())]),
            Text::List(vec![
                Text::Binary("b".into()),
                Text::Number("1".into()),
                Text::Number("-1".into()),
            ]),
        ]);
        assert_eq!(term, expected);
        for end in 0..bytes.len() {
            assert!(decode(&bytes[..end]).is_err(), "{end}");
        }
        let mut more = bytes.to_vec();
        more.push(0);
        assert!(decode(&more).unwrap_err().contains("behind"));
    }

    #[test]
    fn hostile_terms_cost_nothing() {
        let mut deep = vec![131];
        deep.extend([104, 1].repeat(1_000_000));
        assert!(decode(&deep).unwrap_err().contains("nested"));
        assert!(decode(&[131, 108, 255, 255, 255, 255]).is_err());
        assert!(decode(&[131, 105, 255, 255, 255, 255, 106]).is_err());
        assert!(
            decode(&[131, 80, 0, 0, 0, 1, 1, 2, 3])
                .unwrap_err()
                .contains("compressed")
        );
    }
}
