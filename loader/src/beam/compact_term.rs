//! The compact term encoding: operands of instructions, line items, atom lengths.
//!
//! The low three bits of the first byte are the tag. Bit 3 clear: the value is in the
//! high four bits. Bits 4-3 are 01: an 11-bit value, high three bits in the first byte.
//! 11: the high three bits plus two are the number of bytes of a big-endian value; all
//! ones: that number minus nine follows as another tagged value. Tag 7 is extended by the
//! high four bits. Signed values (tag Integer) may be negative. Called by the instruction
//! decoder and the chunk readers.

use super::reader::Reader;
use crate::error::LoadError;

/// The tag of a compact term.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tag {
    /// u: an unsigned number that is not a term.
    Unsigned,
    /// i: an integer term.
    Integer,
    /// a: an atom; index 0 is the empty list.
    Atom,
    /// x: an X register.
    X,
    /// y: a Y register.
    Y,
    /// f: a label.
    Label,
    /// h: a character.
    Character,
    /// z: see [`Extended`].
    Extended,
}

/// What follows a byte of tag [`Tag::Extended`], by its high four bits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Extended {
    /// 8 bytes of float, before OTP R16.
    Float,
    /// An unsigned count, then as many terms.
    List,
    /// The unsigned number of a floating point register.
    FloatRegister,
    /// An unsigned count, then pairs of unsigned kind and amount.
    AllocationList,
    /// The unsigned index of a literal.
    Literal,
    /// A register, then the unsigned index of its type (since OTP 25).
    TypedRegister,
}

/// The value of a compact term.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Value<'a> {
    /// Up to 11 bits.
    Small(u16),
    /// Two bytes or more, big endian, two's complement if the tag is Integer.
    Bytes(&'a [u8]),
}

impl Value<'_> {
    /// The value as an unsigned number.
    pub fn to_u64(self, reader: &Reader<'_>) -> Result<u64, LoadError> {
        match self {
            Value::Small(value) => Ok(value as u64),
            Value::Bytes(bytes) => {
                let significant = match bytes.iter().position(|byte| *byte != 0) {
                    Some(first) => &bytes[first..],
                    None => &[],
                };
                if significant.len() > 8 || bytes[0] >= 0x80 {
                    return Err(
                        reader.error("a number that is negative or needs more than 64 bits")
                    );
                }
                Ok(significant
                    .iter()
                    .fold(0, |value, byte| value << 8 | *byte as u64))
            }
        }
    }

    /// Whether it is an unsigned number that needs more than 64 bits.
    pub fn is_beyond_u64(self) -> bool {
        match self {
            Value::Small(_) => false,
            Value::Bytes(bytes) => {
                let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
                bytes.len() - zeros > 8 && bytes[0] < 0x80
            }
        }
    }

    /// The value as a signed number, if it has at most 64 bits.
    pub fn to_i64(self) -> Option<i64> {
        match self {
            Value::Small(value) => Some(value as i64),
            Value::Bytes(bytes) => {
                let (first, rest) = bytes.split_first()?;
                let sign = *first as i8 as i64;
                if rest.len() < 8 {
                    return Some(
                        rest.iter()
                            .fold(sign, |value, byte| value << 8 | *byte as i64),
                    );
                }
                // Longer than needed: leading bytes that only repeat the sign.
                let (head, tail) = bytes.split_at(bytes.len() - 8);
                let value = tail
                    .iter()
                    .fold(0i64, |value, byte| value << 8 | *byte as i64);
                let filler = if value < 0 { 0xff } else { 0 };
                head.iter().all(|byte| *byte == filler).then_some(value)
            }
        }
    }
}

/// Reads a tag and its value. For [`Tag::Extended`] the value is the high four bits of
/// the byte, to be given to [`extended`].
#[inline]
pub fn read_tagged<'a>(reader: &mut Reader<'a>) -> Result<(Tag, Value<'a>), LoadError> {
    let first = reader.u8()?;
    let tag = match first & 7 {
        0 => Tag::Unsigned,
        1 => Tag::Integer,
        2 => Tag::Atom,
        3 => Tag::X,
        4 => Tag::Y,
        5 => Tag::Label,
        6 => Tag::Character,
        _ => return Ok((Tag::Extended, Value::Small((first >> 4) as u16))),
    };
    if first & 0x08 == 0 {
        return Ok((tag, Value::Small((first >> 4) as u16)));
    }
    if first & 0x10 == 0 {
        let low = reader.u8()?;
        return Ok((tag, Value::Small(((first >> 5) as u16) << 8 | low as u16)));
    }
    let size = match first >> 5 {
        // The size itself may again be of this form only in theory: one level is enough
        // for 2^64 bytes, and more would be recursion that a file controls.
        7 => {
            let byte = reader.u8()?;
            let more = match byte {
                _ if byte & 7 != 0 => None,
                _ if byte & 0x08 == 0 => Some((byte >> 4) as usize),
                _ if byte & 0x10 == 0 => Some(((byte >> 5) as usize) << 8 | reader.u8()? as usize),
                _ if byte >> 5 < 7 => {
                    let bytes = reader.take((byte >> 5) as usize + 2)?;
                    Some(
                        bytes
                            .iter()
                            .fold(0usize, |size, byte| size << 8 | *byte as usize),
                    )
                }
                _ => None,
            };
            match more.and_then(|more| more.checked_add(9)) {
                Some(size) => size,
                None => return Err(reader.error("the size of a number is not a number")),
            }
        }
        size => size as usize + 2,
    };
    Ok((tag, Value::Bytes(reader.take(size)?)))
}

/// Reads a number of tag Unsigned.
pub fn read_unsigned(reader: &mut Reader<'_>) -> Result<u64, LoadError> {
    match read_tagged(reader)? {
        (Tag::Unsigned, value) => value.to_u64(reader),
        (tag, _) => Err(reader.error(alloc::format!("{tag:?} where a number is expected"))),
    }
}

/// What kind of extended term the value of an extended tag announces.
pub fn extended(value: Value<'_>) -> Option<Extended> {
    match value {
        Value::Small(0) => Some(Extended::Float),
        Value::Small(1) => Some(Extended::List),
        Value::Small(2) => Some(Extended::FloatRegister),
        Value::Small(3) => Some(Extended::AllocationList),
        Value::Small(4) => Some(Extended::Literal),
        Value::Small(5) => Some(Extended::TypedRegister),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> (Tag, Value<'_>) {
        read_tagged(&mut Reader::new("test", bytes)).unwrap()
    }

    #[test]
    fn values_of_all_sizes() {
        assert_eq!(read(&[0x00]), (Tag::Unsigned, Value::Small(0)));
        assert_eq!(read(&[0xf1]), (Tag::Integer, Value::Small(15)));
        assert_eq!(read(&[0x08, 0x10]), (Tag::Unsigned, Value::Small(16)));
        assert_eq!(read(&[0xe9, 0xff]), (Tag::Integer, Value::Small(2047)));
        let (tag, value) = read(&[0x19, 0xff, 0x00]);
        assert_eq!((tag, value.to_i64()), (Tag::Integer, Some(-256)));
        let (_, value) = read(&[0x18, 0x10, 0x00]);
        assert_eq!(value.to_u64(&Reader::new("test", &[])).unwrap(), 4096);
        // Nine bytes: 7 in the high bits, then the size minus nine.
        let (_, value) = read(&[0xf9, 0x00, 0, 0x80, 0, 0, 0, 0, 0, 0, 1]);
        assert_eq!(value.to_i64(), None);
        let (_, value) = read(&[0xf9, 0x00, 0, 0x70, 0, 0, 0, 0, 0, 0, 1]);
        assert_eq!(value.to_i64(), Some(0x7000_0000_0000_0001));
        assert!(!value.is_beyond_u64());
        // 2^64, as a size.
        let (_, value) = read(&[0xf8, 0x00, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
        assert!(value.is_beyond_u64());
        let (_, value) = read(&[0xd9, 0x80, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(value.to_i64(), Some(i64::MIN));
    }

    #[test]
    fn what_is_cut_off_is_refused() {
        for bytes in [&[][..], &[0x08], &[0x18, 1], &[0xf8], &[0xf8, 0x00, 1, 2]] {
            assert!(read_tagged(&mut Reader::new("test", bytes)).is_err());
        }
    }
}
