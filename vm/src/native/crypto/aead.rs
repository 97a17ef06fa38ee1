//! Authenticated encryption: AES-GCM and ChaCha20-Poly1305, with initialisation vectors of 12 bytes. Both are made of a key stream and a sum over
//! the ciphertext, which go over the text side by side, in pieces between which others may run.

use super::error::{badarg, notsup};
use super::{BYTES_PER_REDUCTION, bytes_of, cipher, name_of};
use crate::atom::am;
use crate::bif::{Context, Fail, Value};
use crate::bits::{binary_of_vec, make_binary};
use crate::memory::{Arena, NoMemory};
use crate::term::Term;
use aes::cipher::common::BlockSizeUser;
use aes::cipher::consts::U16;
use aes::cipher::{Block, BlockCipherEncrypt, InnerIvInit, KeyInit, KeyIvInit, StreamCipher};
use aes::{Aes128, Aes192, Aes256};
use alloc::boxed::Box;
use alloc::vec::Vec;
use chacha20::ChaCha20;
use ctr::{Ctr32BE, CtrCore};
use ghash::GHash;
use ghash::universal_hash::UniversalHash;
use poly1305::Poly1305;

/// Bytes of an initialisation vector and of a whole tag.
const IV: usize = 12;
const TAG: usize = 16;

/// `aead_cipher_nif(Cipher, Key, Iv, Text, AssociatedData, TagOrLength, Encrypt)`: `{Text, Tag}`, or the plain text, or `error`
/// if the tag is wrong.
pub fn cipher_7(cx: &mut Context, args: &[Term]) -> Value {
    let name = name_of(cx, args[0]);
    let Some(key) = bytes_of(cx, args[1])? else {
        return Err(badarg(cx, 1, "non-binary key"));
    };
    let Some(iv) = bytes_of(cx, args[2])? else {
        return Err(badarg(cx, 2, "non-binary iv"));
    };
    let Some(text) = bytes_of(cx, args[3])? else {
        return Err(badarg(cx, 3, "non-binary text"));
    };
    let Some(associated) = bytes_of(cx, args[4])? else {
        return Err(badarg(cx, 4, "non-binary AAD"));
    };
    let Some(encrypt) = args[6].as_boolean() else {
        return Err(badarg(cx, 6, "Bad enc flag"));
    };
    let key_size = match name {
        "aes_128_gcm" => 16,
        "aes_192_gcm" => 24,
        "aes_256_gcm" | "chacha20_poly1305" => 32,
        _ if cipher::MISSING.contains(&name) => {
            return Err(notsup(cx, 0, "The cipher is not supported"));
        }
        _ => return Err(badarg(cx, 0, "Unknown cipher or not AEAD")),
    };
    if key.len() != key_size {
        return Err(badarg(cx, 1, "Bad key size"));
    }
    let Some(iv) = iv.first_chunk::<IV>().filter(|_| iv.len() == IV) else {
        return Err(badarg(cx, 2, "Bad IV length"));
    };
    let Some(mut sealing) = Sealing::new(name, &key, iv) else {
        return Err(badarg(cx, 1, "Bad key size"));
    };
    if encrypt {
        let size = args[5].as_small().and_then(|n| usize::try_from(n).ok());
        let Some(size) = size.filter(|size| (1..=TAG).contains(size)) else {
            return Err(badarg(cx, 5, "Bad Tag length"));
        };
        if text.len() > sealing.longest() {
            return Err(badarg(cx, 3, "Can't encrypt"));
        }
        let text = in_pieces(cx, &mut sealing, &associated, &text, true)?;
        let tag = sealing.tag();
        let text = binary_of_vec(cx, text)?;
        let tag = make_binary(cx, &tag[..size])?;
        return Ok(cx.tuple(&[text, tag])?);
    }
    let Some(tag) = bytes_of(cx, args[5])? else {
        return Err(badarg(cx, 5, "Bad Tag"));
    };
    if tag.is_empty() || tag.len() > TAG || text.len() > sealing.longest() {
        return Ok(am::ERROR.term());
    }
    let plain = in_pieces(cx, &mut sealing, &associated, &text, false)?;
    match is_beginning(&tag, &sealing.tag()) {
        true => Ok(binary_of_vec(cx, plain)?),
        false => Ok(am::ERROR.term()),
    }
}

/// Encrypts or decrypts all of `text`; others may run in between.
fn in_pieces(
    cx: &mut Context,
    sealing: &mut Sealing,
    associated: &[u8],
    text: &[u8],
    encrypt: bool,
) -> Result<Vec<u8>, Fail> {
    let piece = cx.piece(PIECE).next_multiple_of(BLOCK);
    for part in associated.chunks(piece) {
        sealing.associate(part);
        cx.consume(part.len() / BYTES_PER_REDUCTION)?;
    }
    let mut out = Vec::new();
    out.try_reserve_exact(text.len()).map_err(|_| NoMemory)?;
    for part in text.chunks(piece) {
        let start = out.len();
        out.extend_from_slice(part);
        sealing.update(part, &mut out[start..], encrypt);
        cx.consume(part.len() / BYTES_PER_REDUCTION)?;
    }
    Ok(out)
}

/// Whether `tag` is the beginning of `wanted`, in a time that does not tell where they differ.
fn is_beginning(tag: &[u8], wanted: &[u8; TAG]) -> bool {
    let difference = wanted
        .iter()
        .zip(tag)
        .fold(0u8, |sum, (a, b)| core::hint::black_box(sum | (a ^ b)));
    difference == 0
}

/// Bytes that are worked on before others may run: whole blocks of both ciphers.
const PIECE: usize = 1 << 13;

/// Bytes of the larger of the two ciphers' blocks. All parts of a text but the last have whole ones.
const BLOCK: usize = 64;

/// What a text is exored with.
enum KeyStream {
    Short(Box<Ctr32BE<Aes128>>),
    Middle(Box<Ctr32BE<Aes192>>),
    Long(Box<Ctr32BE<Aes256>>),
    ChaCha20(Box<ChaCha20>),
}

/// What goes over associated data and ciphertext.
enum Authentication {
    Gcm { ghash: GHash, mask: [u8; TAG] },
    Poly1305(Box<Poly1305>),
}

/// A message on its way: first all of the associated data, then the text. Of either, parts are a multiple of [`BLOCK`] bytes, but for the last.
struct Sealing {
    stream: KeyStream,
    authentication: Authentication,
    associated: u64,
    text: u64,
}

impl Sealing {
    fn new(name: &str, key: &[u8], iv: &[u8; IV]) -> Option<Sealing> {
        let (stream, authentication) = match name {
            "aes_128_gcm" => gcm::<Aes128>(key, iv, KeyStream::Short)?,
            "aes_192_gcm" => gcm::<Aes192>(key, iv, KeyStream::Middle)?,
            "aes_256_gcm" => gcm::<Aes256>(key, iv, KeyStream::Long)?,
            _ => chacha20_poly1305(key, iv)?,
        };
        Some(Sealing {
            stream,
            authentication,
            associated: 0,
            text: 0,
        })
    }

    /// Bytes of the longest text: the counter of blocks has 32 bits.
    fn longest(&self) -> usize {
        match self.authentication {
            Authentication::Gcm { .. } => (1 << 36) - 32,
            Authentication::Poly1305(_) => (u32::MAX as usize - 1) * 64,
        }
    }

    /// Takes in a part of the associated data.
    fn associate(&mut self, part: &[u8]) {
        self.associated += part.len() as u64;
        self.authenticate(part);
    }

    fn authenticate(&mut self, part: &[u8]) {
        match &mut self.authentication {
            Authentication::Gcm { ghash, .. } => ghash.update_padded(part),
            Authentication::Poly1305(poly1305) => poly1305.update_padded(part),
        }
    }

    /// Encrypts or decrypts a part of the text, which `out` is a copy of. Of all parts together the text is no longer than [`Sealing::longest`].
    fn update(&mut self, part: &[u8], out: &mut [u8], encrypt: bool) {
        self.text += part.len() as u64;
        if !encrypt {
            self.authenticate(part);
        }
        match &mut self.stream {
            KeyStream::Short(stream) => stream.apply_keystream(out),
            KeyStream::Middle(stream) => stream.apply_keystream(out),
            KeyStream::Long(stream) => stream.apply_keystream(out),
            KeyStream::ChaCha20(stream) => stream.apply_keystream(out),
        }
        if encrypt {
            self.authenticate(out);
        }
    }

    /// The tag of what there was.
    fn tag(self) -> [u8; TAG] {
        let lengths = |associated: [u8; 8], text: [u8; 8]| {
            let mut block = [0; TAG];
            block[..8].copy_from_slice(&associated);
            block[8..].copy_from_slice(&text);
            block
        };
        match self.authentication {
            Authentication::Gcm { mut ghash, mask } => {
                let (associated, text) = (self.associated * 8, self.text * 8);
                ghash.update_padded(&lengths(associated.to_be_bytes(), text.to_be_bytes()));
                let sum: [u8; TAG] = ghash.finalize().into();
                core::array::from_fn(|i| sum[i] ^ mask[i])
            }
            Authentication::Poly1305(mut poly1305) => {
                let (associated, text) = (self.associated, self.text);
                poly1305.update_padded(&lengths(associated.to_le_bytes(), text.to_le_bytes()));
                poly1305.finalize().into()
            }
        }
    }
}

/// Galois/Counter Mode: the hash's key is the zero block encrypted; block 1 of the key stream masks the tag, the text begins with block 2.
fn gcm<C>(
    key: &[u8],
    iv: &[u8; IV],
    stream: fn(Box<Ctr32BE<C>>) -> KeyStream,
) -> Option<(KeyStream, Authentication)>
where
    C: BlockCipherEncrypt + BlockSizeUser<BlockSize = U16> + KeyInit,
{
    let aes = C::new_from_slice(key).ok()?;
    let mut hash_key = Block::<C>::default();
    aes.encrypt_block(&mut hash_key);
    let ghash = GHash::new(&hash_key);
    let mut counter = Block::<C>::default();
    counter[..IV].copy_from_slice(iv);
    counter[TAG - 1] = 1;
    let mut mask = counter;
    aes.encrypt_block(&mut mask);
    counter[TAG - 1] = 2;
    let counting = Ctr32BE::from_core(CtrCore::inner_iv_init(aes, &counter));
    let mask = mask.into();
    Some((
        stream(Box::new(counting)),
        Authentication::Gcm { ghash, mask },
    ))
}

/// ChaCha20-Poly1305: the first half of block 0 of the key stream is the authentication's key, the text begins with block 1.
fn chacha20_poly1305(key: &[u8], iv: &[u8; IV]) -> Option<(KeyStream, Authentication)> {
    let mut stream = Box::new(ChaCha20::new_from_slices(key, iv).ok()?);
    let mut block = [0; BLOCK];
    stream.apply_keystream(&mut block);
    let poly1305 = Poly1305::new_from_slice(&block[..BLOCK / 2]).ok()?;
    Some((
        KeyStream::ChaCha20(stream),
        Authentication::Poly1305(Box::new(poly1305)),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes out for a text in parts of so many bytes, and the tag.
    fn run(
        name: &str,
        key: &[u8],
        iv: &[u8; IV],
        associated: &[u8],
        text: &[u8],
        encrypt: bool,
        part: usize,
    ) -> (Vec<u8>, [u8; TAG]) {
        let mut sealing = Sealing::new(name, key, iv).expect("a key of the right size");
        associated
            .chunks(part)
            .for_each(|part| sealing.associate(part));
        let mut out = text.to_vec();
        for (part, out) in text.chunks(part).zip(out.chunks_mut(part)) {
            sealing.update(part, out, encrypt);
        }
        (out, sealing.tag())
    }

    #[test]
    fn the_second_case_of_the_gcm_specification() {
        let (text, tag) = run(
            "aes_128_gcm",
            &[0; 16],
            &[0; IV],
            &[],
            &[0; 16],
            true,
            BLOCK,
        );
        assert_eq!(text[..4], [0x03, 0x88, 0xda, 0xce]);
        assert_eq!(tag[..4], [0xab, 0x6e, 0x47, 0xd4]);
        let (plain, again) = run("aes_128_gcm", &[0; 16], &[0; IV], &[], &text, false, BLOCK);
        assert_eq!((plain, again), (alloc::vec![0; 16], tag));
        assert!(is_beginning(&tag[..12], &tag));
        assert!(!is_beginning(&[0; 16], &tag));
    }

    /// RFC 8439, 2.8.2.
    #[test]
    fn the_example_of_chacha20_poly1305() {
        let text = b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.";
        let key: [u8; 32] = core::array::from_fn(|i| 0x80 + i as u8);
        let iv = [7, 0, 0, 0, 0x40, 0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47];
        let associated = [
            0x50, 0x51, 0x52, 0x53, 0xc0, 0xc1, 0xc2, 0xc3, 0xc4, 0xc5, 0xc6, 0xc7,
        ];
        let (out, tag) = run(
            "chacha20_poly1305",
            &key,
            &iv,
            &associated,
            text,
            true,
            BLOCK,
        );
        assert_eq!(out[..4], [0xd3, 0x1a, 0x8d, 0x34]);
        let wanted = [
            0x1a, 0xe1, 0x0b, 0x59, 0x4f, 0x09, 0xe2, 0x6a, 0x7e, 0x90, 0x2e, 0xcb, 0xd0, 0x60,
            0x06, 0x91,
        ];
        assert_eq!(tag, wanted);
    }

    #[test]
    fn parts_make_no_difference() {
        let text: Vec<u8> = (0..1000u32).map(|i| (i * i) as u8).collect();
        let key: [u8; 32] = core::array::from_fn(|i| i as u8);
        for (name, size) in [
            ("aes_128_gcm", 16),
            ("aes_192_gcm", 24),
            ("aes_256_gcm", 32),
            ("chacha20_poly1305", 32),
        ] {
            let (key, iv) = (&key[..size], [9; IV]);
            let whole = run(name, key, &iv, &text[..300], &text, true, 1024);
            assert_eq!(run(name, key, &iv, &text[..300], &text, true, BLOCK), whole);
            let (plain, tag) = run(name, key, &iv, &text[..300], &whole.0, false, 2 * BLOCK);
            assert_eq!((plain, tag), (text.clone(), whole.1));
        }
    }
}
