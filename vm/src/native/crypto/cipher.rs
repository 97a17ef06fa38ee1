//! AES by blocks and as a stream: ECB, CBC and CTR, at once and in parts.
//!
//! Invariant of [`Stream`]: fewer bytes wait than a block has, but for one whole block that a decryption with padding holds back, since it
//! may be the last.

use super::error::{badarg, failed, notsup};
use super::{BYTES_PER_REDUCTION, bytes_of, map_of, name_of};
use crate::atom::am;
use crate::bif::{Context, Fail, Value};
use crate::bits::binary_of_vec;
use crate::memory::resource::{Resource, resource};
use crate::memory::{Arena, NoMemory};
use crate::term::Term;
use aes::cipher::{BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use aes::{Aes128, Aes192, Aes256};
use alloc::boxed::Box;
use alloc::vec::Vec;

/// Bytes of a block of AES.
const BLOCK: usize = 16;

type Block = [u8; BLOCK];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Ecb,
    Cbc,
    Ctr,
    Gcm,
    ChaCha20Poly1305,
}

/// A cipher.
struct Cipher {
    name: &'static str,
    /// Bytes of its key.
    key: usize,
    mode: Mode,
    /// OpenSSL's number for it; `crypto` knows none for some (`None`).
    number: Option<i64>,
}

const fn cipher(name: &'static str, key: usize, mode: Mode, number: Option<i64>) -> Cipher {
    Cipher {
        name,
        key,
        mode,
        number,
    }
}

/// All there are.
static CIPHERS: &[Cipher] = &[
    cipher("aes_128_cbc", 16, Mode::Cbc, Some(419)),
    cipher("aes_192_cbc", 24, Mode::Cbc, Some(423)),
    cipher("aes_256_cbc", 32, Mode::Cbc, Some(427)),
    cipher("aes_128_ctr", 16, Mode::Ctr, None),
    cipher("aes_192_ctr", 24, Mode::Ctr, None),
    cipher("aes_256_ctr", 32, Mode::Ctr, None),
    cipher("aes_128_ecb", 16, Mode::Ecb, Some(418)),
    cipher("aes_192_ecb", 24, Mode::Ecb, Some(422)),
    cipher("aes_256_ecb", 32, Mode::Ecb, Some(426)),
    cipher("aes_128_gcm", 16, Mode::Gcm, Some(895)),
    cipher("aes_192_gcm", 24, Mode::Gcm, Some(898)),
    cipher("aes_256_gcm", 32, Mode::Gcm, Some(901)),
    cipher("chacha20_poly1305", 32, Mode::ChaCha20Poly1305, None),
];

/// Ciphers that OTP knows and this library lacks.
pub const MISSING: &[&str] = &[
    "aes_128_ccm",
    "aes_192_ccm",
    "aes_256_ccm",
    "aes_128_cfb8",
    "aes_192_cfb8",
    "aes_256_cfb8",
    "aes_128_cfb128",
    "aes_192_cfb128",
    "aes_256_cfb128",
    "aes_128_ofb",
    "aes_192_ofb",
    "aes_256_ofb",
    "aes_ige256",
    "blowfish_cbc",
    "blowfish_cfb64",
    "blowfish_ecb",
    "blowfish_ofb64",
    "chacha20",
    "des_cbc",
    "des_cfb",
    "des_ecb",
    "des_ede3_cbc",
    "des_ede3_cfb",
    "rc2_cbc",
    "rc4",
    "sm4_cbc",
    "sm4_ccm",
    "sm4_cfb",
    "sm4_ctr",
    "sm4_ecb",
    "sm4_gcm",
    "sm4_ofb",
];

/// `cipher_algorithms()`
pub fn algorithms_0(cx: &mut Context, _: &[Term]) -> Value {
    let mut list = Term::NIL;
    for cipher in CIPHERS.iter().rev() {
        let name = cx.atom(cipher.name)?;
        list = cx.cons(name, list)?;
    }
    Ok(list)
}

/// `cipher_info_nif(Type)`
pub fn info_1(cx: &mut Context, args: &[Term]) -> Value {
    let name = name_of(cx, args[0]);
    let Some(cipher) = CIPHERS.iter().find(|one| one.name == name) else {
        if MISSING.contains(&name) {
            let notsup = cx.atom("notsup")?;
            return Err(cx.raise(crate::bif::Class::Error, notsup));
        }
        return Err(Fail::Badarg);
    };
    let is_aead = matches!(cipher.mode, Mode::Gcm | Mode::ChaCha20Poly1305);
    let (block, iv, mode) = match cipher.mode {
        Mode::Ecb => (BLOCK, 0, "ecb_mode"),
        Mode::Cbc => (BLOCK, BLOCK, "cbc_mode"),
        Mode::Ctr => (1, BLOCK, "ctr_mode"),
        Mode::Gcm => (1, 12, "gcm_mode"),
        Mode::ChaCha20Poly1305 => (1, 12, "stream_cipher"),
    };
    let mode = cx.atom(mode)?;
    let number = cipher.number.map_or(am::UNDEFINED.term(), Term::small);
    map_of(
        cx,
        &[
            ("type", number),
            ("key_length", Term::small(cipher.key as i64)),
            ("iv_length", Term::small(iv as i64)),
            ("block_size", Term::small(block as i64)),
            ("prop_aead", Term::boolean(is_aead)),
            ("mode", mode),
        ],
    )
}

/// AES with a key.
enum Aes {
    Short(Box<Aes128>),
    Middle(Box<Aes192>),
    Long(Box<Aes256>),
}

impl Aes {
    fn new(key: &[u8]) -> Option<Aes> {
        Some(match key.len() {
            16 => Aes::Short(Box::new(Aes128::new_from_slice(key).ok()?)),
            24 => Aes::Middle(Box::new(Aes192::new_from_slice(key).ok()?)),
            32 => Aes::Long(Box::new(Aes256::new_from_slice(key).ok()?)),
            _ => return None,
        })
    }

    fn encrypt(&self, block: Block) -> Block {
        let mut block = block.into();
        match self {
            Aes::Short(aes) => aes.encrypt_block(&mut block),
            Aes::Middle(aes) => aes.encrypt_block(&mut block),
            Aes::Long(aes) => aes.encrypt_block(&mut block),
        }
        block.into()
    }

    fn decrypt(&self, block: Block) -> Block {
        let mut block = block.into();
        match self {
            Aes::Short(aes) => aes.decrypt_block(&mut block),
            Aes::Middle(aes) => aes.decrypt_block(&mut block),
            Aes::Long(aes) => aes.decrypt_block(&mut block),
        }
        block.into()
    }
}

fn xor(a: Block, b: Block) -> Block {
    core::array::from_fn(|i| a[i] ^ b[i])
}

/// What is put behind the last bytes to fill a block.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Padding {
    None,
    Pkcs,
    Zero,
    Random,
}

/// A message on its way through a cipher.
struct Stream {
    aes: Aes,
    mode: Mode,
    encrypt: bool,
    padding: Padding,
    /// The last block of ciphertext, or the counter.
    chain: Block,
    /// Bytes that do not make a block yet; for CTR, what is left of the key stream.
    waiting: Vec<u8>,
}

impl Resource for Stream {}

impl Stream {
    fn block(&mut self, block: Block) -> Block {
        match (self.mode, self.encrypt) {
            (Mode::Cbc, true) => {
                self.chain = self.aes.encrypt(xor(block, self.chain));
                self.chain
            }
            (Mode::Cbc, false) => {
                let plain = xor(self.aes.decrypt(block), self.chain);
                self.chain = block;
                plain
            }
            (_, true) => self.aes.encrypt(block),
            (_, false) => self.aes.decrypt(block),
        }
    }

    /// What comes out for `data` goes behind `out`.
    fn update(&mut self, data: &[u8], out: &mut Vec<u8>) -> Result<(), NoMemory> {
        out.try_reserve(data.len() + BLOCK).map_err(|_| NoMemory)?;
        if self.mode == Mode::Ctr {
            for &byte in data {
                if self.waiting.is_empty() {
                    let stream = self.aes.encrypt(self.chain);
                    self.chain = u128::from_be_bytes(self.chain)
                        .wrapping_add(1)
                        .to_be_bytes();
                    self.waiting.extend(stream.iter().rev());
                }
                out.push(byte ^ self.waiting.pop().unwrap_or_default());
            }
            return Ok(());
        }
        // A decryption with padding does not give its last block away.
        let holds_back = !self.encrypt && self.padding == Padding::Pkcs;
        let mut data = data;
        while !data.is_empty() {
            if let Some(block) = self.waiting.first_chunk::<BLOCK>().copied() {
                self.waiting.clear();
                out.extend_from_slice(&self.block(block));
            }
            let (now, later) = data.split_at(data.len().min(BLOCK - self.waiting.len()));
            self.waiting.extend_from_slice(now);
            data = later;
        }
        if !holds_back && let Some(block) = self.waiting.first_chunk::<BLOCK>().copied() {
            self.waiting.clear();
            out.extend_from_slice(&self.block(block));
        }
        Ok(())
    }

    /// The last bytes.
    fn finish(&mut self, cx: &mut Context) -> Result<Vec<u8>, Fail> {
        if self.mode == Mode::Ctr {
            return Ok(Vec::new());
        }
        let missing = BLOCK - self.waiting.len();
        if !self.encrypt {
            return self.unpad(cx);
        }
        if self.padding == Padding::None && !self.waiting.is_empty() {
            return Err(failed(cx, "Padding 'none' but unfilled last block"));
        }
        match self.padding {
            Padding::Pkcs => self.waiting.resize(BLOCK, missing as u8),
            _ if self.waiting.is_empty() => return Ok(Vec::new()),
            Padding::Random => {
                let mut random = [0; BLOCK];
                cx.machine().platform.fill_entropy(&mut random);
                self.waiting.extend_from_slice(&random[..missing]);
            }
            _ => self.waiting.resize(BLOCK, 0),
        }
        let last = self.waiting.first_chunk::<BLOCK>().copied();
        self.waiting.clear();
        Ok(last.map_or(Vec::new(), |block| self.block(block).to_vec()))
    }

    fn unpad(&mut self, cx: &mut Context) -> Result<Vec<u8>, Fail> {
        if self.padding != Padding::Pkcs {
            if self.waiting.is_empty() {
                return Ok(Vec::new());
            }
            return Err(failed(cx, "Can't finalize"));
        }
        let Some(block) = self.waiting.first_chunk::<BLOCK>().copied() else {
            return Err(failed(cx, "Can't finalize"));
        };
        self.waiting.clear();
        let plain = self.block(block);
        let count = plain[BLOCK - 1] as usize;
        let is_padding = (1..=BLOCK).contains(&count)
            && plain[BLOCK - count..]
                .iter()
                .all(|byte| *byte as usize == count);
        if !is_padding {
            return Err(failed(cx, "Can't finalize"));
        }
        Ok(plain[..BLOCK - count].to_vec())
    }
}

/// What `true`, `false` or a list of options says: whether to encrypt, and how to pad.
fn flags(cx: &mut Context, term: Term) -> Result<(bool, Padding), Fail> {
    if let Some(encrypt) = term.as_boolean() {
        return Ok((encrypt, Padding::None));
    }
    let mut encrypt = true;
    let mut padding = Padding::None;
    let mut rest = term;
    while let Some(&cell) = rest.as_cons() {
        let Some(&[tag, value]) = cell.head.as_tuple() else {
            return Err(badarg(cx, 4, "Bad option format"));
        };
        match (name_of(cx, tag), name_of(cx, value)) {
            ("encrypt", "true") => encrypt = true,
            ("encrypt", "false") => encrypt = false,
            ("padding", "none") => padding = Padding::None,
            ("padding", "pkcs_padding") => padding = Padding::Pkcs,
            ("padding", "zero") => padding = Padding::Zero,
            ("padding", "random") => padding = Padding::Random,
            _ => return Err(badarg(cx, 4, "Bad option")),
        }
        rest = cell.tail;
    }
    if !rest.is_nil() {
        return Err(badarg(cx, 4, "Options are not a boolean or a proper list"));
    }
    Ok((encrypt, padding))
}

fn stream(
    cx: &mut Context,
    cipher: Term,
    key: Term,
    iv: Term,
    options: Term,
) -> Result<Stream, Fail> {
    let name = name_of(cx, cipher);
    let Some(cipher) = CIPHERS.iter().find(|one| one.name == name) else {
        if MISSING.contains(&name) {
            return Err(notsup(cx, 0, "Unsupported cipher"));
        }
        return Err(badarg(cx, 0, "Unknown cipher"));
    };
    if matches!(cipher.mode, Mode::Gcm | Mode::ChaCha20Poly1305) {
        return Err(badarg(cx, 0, "Missing arguments for this cipher"));
    }
    let key = bytes_of(cx, key)?.filter(|key| key.len() == cipher.key);
    let Some(aes) = key.and_then(|key| Aes::new(&key)) else {
        return Err(badarg(cx, 1, "Bad key size"));
    };
    let Some(iv) = bytes_of(cx, iv)? else {
        return Err(badarg(cx, 2, "Bad iv type"));
    };
    let chain = match iv.first_chunk::<BLOCK>() {
        _ if cipher.mode == Mode::Ecb => [0; BLOCK],
        Some(chain) if iv.len() == BLOCK => *chain,
        _ => return Err(badarg(cx, 2, "Bad iv size")),
    };
    let (encrypt, padding) = flags(cx, options)?;
    Ok(Stream {
        aes,
        mode: cipher.mode,
        encrypt,
        padding,
        chain,
        waiting: Vec::new(),
    })
}

/// Bytes after which others may run.
const PIECE: usize = 1 << 13;

/// Room for what comes out for `data`.
fn room_for(data: &[u8]) -> Result<Vec<u8>, NoMemory> {
    let mut out = Vec::new();
    out.try_reserve_exact(data.len() + 2 * BLOCK)
        .map_err(|_| NoMemory)?;
    Ok(out)
}

/// `ng_crypto_one_time_nif(Cipher, Key, Iv, Data, Options)`
pub fn one_time_5(cx: &mut Context, args: &[Term]) -> Value {
    let mut stream = stream(cx, args[0], args[1], args[2], args[4])?;
    let Some(data) = bytes_of(cx, args[3])? else {
        return Err(badarg(cx, 3, "expected binary"));
    };
    let mut out = room_for(&data)?;
    for piece in data.chunks(PIECE) {
        stream.update(piece, &mut out)?;
        cx.consume(piece.len() / BYTES_PER_REDUCTION)?;
    }
    let last = stream.finish(cx)?;
    out.extend_from_slice(&last);
    Ok(binary_of_vec(cx, out)?)
}

/// `ng_crypto_init_nif(Cipher, Key, Iv, Options)`
pub fn init_4(cx: &mut Context, args: &[Term]) -> Value {
    // `undefined` asks for a state whose initialisation vector comes with each update.
    if args[3] == am::UNDEFINED.term() || args[2] == am::UNDEFINED.term() {
        return Err(notsup(cx, 2, "Initialisation vector in updates"));
    }
    let stream = stream(cx, args[0], args[1], args[2], args[3])?;
    let handle = cx.new_resource(stream)?;
    Ok(handle.term(cx)?)
}

/// `ng_crypto_update_nif(State, Data)`
pub fn update_2(cx: &mut Context, args: &[Term]) -> Value {
    let Some(data) = bytes_of(cx, args[1])? else {
        return Err(badarg(cx, 1, "expected binary"));
    };
    let mut out = room_for(&data)?;
    // The state is not borrowed while others run: it may be theirs, too.
    for piece in data.chunks(PIECE) {
        let Some(mut stream) = resource::<Stream>(&args[0]) else {
            return Err(badarg(cx, 0, "Bad State"));
        };
        stream.update(piece, &mut out)?;
        drop(stream);
        cx.consume(piece.len() / BYTES_PER_REDUCTION)?;
    }
    Ok(binary_of_vec(cx, out)?)
}

/// `ng_crypto_final_nif(State)`
pub fn final_1(cx: &mut Context, args: &[Term]) -> Value {
    let Some(mut stream) = resource::<Stream>(&args[0]) else {
        return Err(badarg(cx, 0, "Bad State"));
    };
    let out = stream.finish(cx)?;
    Ok(binary_of_vec(cx, out)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(mode: Mode, encrypt: bool, padding: Padding) -> Stream {
        let key: Vec<u8> = (0..16).collect();
        Stream {
            aes: Aes::new(&key).expect("a key"),
            mode,
            encrypt,
            padding,
            chain: [0; BLOCK],
            waiting: Vec::new(),
        }
    }

    fn update(mut stream: impl core::borrow::BorrowMut<Stream>, data: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        stream.borrow_mut().update(data, &mut out).expect("memory");
        out
    }

    #[test]
    fn the_block_of_fips_197() {
        let plain: Vec<u8> = (0..16).map(|i| i * 0x11).collect();
        let secret = update(stream(Mode::Ecb, true, Padding::None), &plain);
        assert_eq!(
            secret,
            [
                0x69, 0xc4, 0xe0, 0xd8, 0x6a, 0x7b, 0x04, 0x30, 0xd8, 0xcd, 0xb7, 0x80, 0x70, 0xb4,
                0xc5, 0x5a
            ]
        );
        let back = update(stream(Mode::Ecb, false, Padding::None), &secret);
        assert_eq!(back, plain);
    }

    #[test]
    fn parts_come_to_the_whole() {
        let text: Vec<u8> = (0..100).collect();
        for mode in [Mode::Cbc, Mode::Ctr] {
            let whole = update(stream(mode, true, Padding::Pkcs), &text);
            let mut in_parts = stream(mode, true, Padding::Pkcs);
            let mut parts = Vec::new();
            for part in text.chunks(7) {
                parts.extend(update(&mut in_parts, part));
            }
            assert_eq!(parts, whole);
        }
    }

    #[test]
    fn the_last_block_waits_where_it_may_be_padding() {
        let mut stream = stream(Mode::Cbc, false, Padding::Pkcs);
        assert_eq!(update(&mut stream, &[0; 32]).len(), 16);
        assert_eq!(update(&mut stream, &[0; 1]).len(), 16);
    }
}
