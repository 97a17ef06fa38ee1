//! MD5 (RFC 1321) as `erlang:md5_init/0`, `md5_update/2` and `md5_final/1` need it: its state is a binary that programs
//! carry from step to step.
//!
//! Invariant: the block holds `length % 64` bytes that have not been worked in yet.

/// Size in bytes of the state as a binary.
pub const STATE_SIZE: usize = 16 + 8 + 64;

/// An MD5 of the bytes so far.
pub struct Md5 {
    words: [u32; 4],
    /// Bytes so far.
    length: u64,
    block: [u8; 64],
}

/// 2^32 times the sine of 1, 2, 3, ...
const SINES: [u32; 64] = [
    0xd76a_a478,
    0xe8c7_b756,
    0x2420_70db,
    0xc1bd_ceee,
    0xf57c_0faf,
    0x4787_c62a,
    0xa830_4613,
    0xfd46_9501,
    0x6980_98d8,
    0x8b44_f7af,
    0xffff_5bb1,
    0x895c_d7be,
    0x6b90_1122,
    0xfd98_7193,
    0xa679_438e,
    0x49b4_0821,
    0xf61e_2562,
    0xc040_b340,
    0x265e_5a51,
    0xe9b6_c7aa,
    0xd62f_105d,
    0x0244_1453,
    0xd8a1_e681,
    0xe7d3_fbc8,
    0x21e1_cde6,
    0xc337_07d6,
    0xf4d5_0d87,
    0x455a_14ed,
    0xa9e3_e905,
    0xfcef_a3f8,
    0x676f_02d9,
    0x8d2a_4c8a,
    0xfffa_3942,
    0x8771_f681,
    0x6d9d_6122,
    0xfde5_380c,
    0xa4be_ea44,
    0x4bde_cfa9,
    0xf6bb_4b60,
    0xbebf_bc70,
    0x289b_7ec6,
    0xeaa1_27fa,
    0xd4ef_3085,
    0x0488_1d05,
    0xd9d4_d039,
    0xe6db_99e5,
    0x1fa2_7cf8,
    0xc4ac_5665,
    0xf429_2244,
    0x432a_ff97,
    0xab94_23a7,
    0xfc93_a039,
    0x655b_59c3,
    0x8f0c_cc92,
    0xffef_f47d,
    0x8584_5dd1,
    0x6fa8_7e4f,
    0xfe2c_e6e0,
    0xa301_4314,
    0x4e08_11a1,
    0xf753_7e82,
    0xbd3a_f235,
    0x2ad7_d2bb,
    0xeb86_d391,
];

/// How far each of the four rounds rotates in its steps.
const ROTATIONS: [[u32; 4]; 4] = [
    [7, 12, 17, 22],
    [5, 9, 14, 20],
    [4, 11, 16, 23],
    [6, 10, 15, 21],
];

impl Md5 {
    /// Of no bytes.
    pub fn new() -> Md5 {
        Md5 {
            words: [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476],
            length: 0,
            block: [0; 64],
        }
    }

    /// From its binary; `None` if that has another size.
    pub fn from_state(state: &[u8]) -> Option<Md5> {
        let (words, rest) = state.split_first_chunk::<16>()?;
        let (length, block) = rest.split_first_chunk::<8>()?;
        let (words, _) = words.as_chunks::<4>();
        let word = |i: usize| u32::from_le_bytes(words[i]);
        Some(Md5 {
            words: [word(0), word(1), word(2), word(3)],
            length: u64::from_le_bytes(*length) / 8,
            block: block.try_into().ok()?,
        })
    }

    /// As a binary: the words, the length in bits, the block.
    pub fn state(&self) -> [u8; STATE_SIZE] {
        let mut state = [0; STATE_SIZE];
        for (place, word) in state.chunks_mut(4).zip(self.words) {
            place.copy_from_slice(&word.to_le_bytes());
        }
        state[16..24].copy_from_slice(&self.length.wrapping_mul(8).to_le_bytes());
        state[24..].copy_from_slice(&self.block);
        state
    }

    /// More bytes.
    pub fn update(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let used = (self.length % 64) as usize;
            let (now, later) = bytes.split_at(bytes.len().min(64 - used));
            self.block[used..used + now.len()].copy_from_slice(now);
            self.length = self.length.wrapping_add(now.len() as u64);
            if self.length.is_multiple_of(64) {
                self.work_in();
            }
            bytes = later;
        }
    }

    /// The digest.
    pub fn finish(mut self) -> [u8; 16] {
        let bits = self.length.wrapping_mul(8);
        self.update(&[0x80]);
        while self.length % 64 != 56 {
            self.update(&[0]);
        }
        self.update(&bits.to_le_bytes());
        let mut digest = [0; 16];
        for (place, word) in digest.chunks_mut(4).zip(self.words) {
            place.copy_from_slice(&word.to_le_bytes());
        }
        digest
    }

    fn work_in(&mut self) {
        let (message, _) = self.block.as_chunks::<4>();
        let [mut a, mut b, mut c, mut d] = self.words;
        for (step, sine) in SINES.iter().enumerate() {
            let (mixed, index) = match step / 16 {
                0 => (d ^ (b & (c ^ d)), step),
                1 => (c ^ (d & (b ^ c)), 5 * step + 1),
                2 => (b ^ c ^ d, 3 * step + 5),
                _ => (c ^ (b | !d), 7 * step),
            };
            let sum = a
                .wrapping_add(mixed)
                .wrapping_add(*sine)
                .wrapping_add(u32::from_le_bytes(message[index % 16]));
            let rotated = sum.rotate_left(ROTATIONS[step / 16][step % 4]);
            (a, b, c, d) = (d, b.wrapping_add(rotated), b, c);
        }
        for (word, more) in self.words.iter_mut().zip([a, b, c, d]) {
            *word = word.wrapping_add(more);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> std::string::String {
        bytes.iter().map(|b| std::format!("{b:02x}")).collect()
    }

    #[test]
    fn the_test_suite_of_the_rfc() {
        let cases: [(&[u8], &str); 5] = [
            (b"", "d41d8cd98f00b204e9800998ecf8427e"),
            (b"a", "0cc175b9c0f1b6a831c399e269772661"),
            (b"message digest", "f96b697d7cb7938d525a2f31aaf161d0"),
            (
                b"abcdefghijklmnopqrstuvwxyz",
                "c3fcd3d76192e4007dfb496cca67e13b",
            ),
            (
                b"12345678901234567890123456789012345678901234567890123456789012345678901234567890",
                "57edf4a22be3c955ac49da2e2107b67a",
            ),
        ];
        for (bytes, digest) in cases {
            let mut whole = Md5::new();
            whole.update(bytes);
            assert_eq!(hex(&whole.finish()), digest);
            let mut stepwise = Md5::new();
            for byte in bytes {
                stepwise.update(&[*byte]);
                stepwise = Md5::from_state(&stepwise.state()).unwrap();
            }
            assert_eq!(hex(&stepwise.finish()), digest);
        }
        assert!(Md5::from_state(&[0; 87]).is_none());
    }
}
