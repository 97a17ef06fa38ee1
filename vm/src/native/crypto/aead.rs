//! Authenticated encryption: AES-GCM and ChaCha20-Poly1305, with initialisation vectors of 12 bytes.

use super::error::{badarg, notsup};
use super::{BYTES_PER_REDUCTION, bytes_of, cipher, name_of};
use crate::atom::am;
use crate::bif::{Context, Value};
use crate::bits::make_binary;
use crate::memory::{Arena, NoMemory};
use crate::term::Term;
use aes_gcm::aead::AeadInOut;
use aes_gcm::aead::consts::U12;
use aes_gcm::{AesGcm, KeyInit};
use alloc::vec::Vec;
use chacha20poly1305::ChaCha20Poly1305;

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
    cx.bump_reductions((text.len() + associated.len()) / BYTES_PER_REDUCTION);
    let mut buffer = Vec::new();
    buffer.try_reserve_exact(text.len()).map_err(|_| NoMemory)?;
    buffer.extend_from_slice(&text);
    let job = Job {
        name,
        key: &key,
        iv,
        associated: &associated,
    };
    if encrypt {
        let size = args[5].as_small().and_then(|n| usize::try_from(n).ok());
        let Some(size) = size.filter(|size| (1..=TAG).contains(size)) else {
            return Err(badarg(cx, 5, "Bad Tag length"));
        };
        let Some(tag) = job.encrypt(&mut buffer) else {
            return Err(badarg(cx, 3, "Can't encrypt"));
        };
        let text = make_binary(cx, &buffer)?;
        let tag = make_binary(cx, &tag[..size])?;
        return Ok(cx.tuple(&[text, tag])?);
    }
    let Some(tag) = bytes_of(cx, args[5])? else {
        return Err(badarg(cx, 5, "Bad Tag"));
    };
    if !job.decrypt(&mut buffer, &tag) {
        return Ok(am::ERROR.term());
    }
    Ok(make_binary(cx, &buffer)?)
}

struct Job<'a> {
    name: &'a str,
    key: &'a [u8],
    iv: &'a [u8; IV],
    associated: &'a [u8],
}

impl Job<'_> {
    /// Encrypts a text in place and returns its tag.
    fn encrypt(&self, text: &mut [u8]) -> Option<[u8; TAG]> {
        match self.name {
            "aes_128_gcm" => self.seal::<AesGcm<aes::Aes128, U12>>(text),
            "aes_192_gcm" => self.seal::<AesGcm<aes::Aes192, U12>>(text),
            "aes_256_gcm" => self.seal::<AesGcm<aes::Aes256, U12>>(text),
            _ => self.seal::<ChaCha20Poly1305>(text),
        }
    }

    fn seal<C>(&self, text: &mut [u8]) -> Option<[u8; TAG]>
    where
        C: KeyInit + AeadInOut,
    {
        let nonce = self.iv.as_slice().try_into().ok()?;
        let tag = C::new_from_slice(self.key)
            .ok()?
            .encrypt_inout_detached(nonce, self.associated, text.into())
            .ok()?;
        tag.as_slice().try_into().ok()
    }

    /// Decrypts a text in place; whether the tag, or as much of it as there is, is right.
    fn decrypt(&self, text: &mut [u8], tag: &[u8]) -> bool {
        if tag.is_empty() || tag.len() > TAG {
            return false;
        }
        // Both ciphers are key streams: encrypting the ciphertext gives the plain text, and encrypting that its tag. So
        // short tags need nothing of their own.
        let mut plain = text.to_vec();
        if self.encrypt(&mut plain).is_none() {
            return false;
        }
        let mut again = plain.clone();
        let Some(wanted) = self.encrypt(&mut again) else {
            return false;
        };
        let difference = wanted
            .iter()
            .zip(tag)
            .fold(0u8, |sum, (a, b)| core::hint::black_box(sum | (a ^ b)));
        if difference == 0 {
            text.copy_from_slice(&plain);
        }
        difference == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_case_of_the_gcm_specification() {
        let job = Job {
            name: "aes_128_gcm",
            key: &[0; 16],
            iv: &[0; IV],
            associated: &[],
        };
        let mut text = [0; 16];
        let tag = job.encrypt(&mut text).expect("a tag");
        assert_eq!(text[..4], [0x03, 0x88, 0xda, 0xce]);
        assert_eq!(tag[..4], [0xab, 0x6e, 0x47, 0xd4]);
        let mut short = text;
        assert!(job.decrypt(&mut short, &tag[..12]));
        assert_eq!(short, [0; 16]);
        assert!(!job.decrypt(&mut text, &[0; 16]));
        assert_eq!(text[..4], [0x03, 0x88, 0xda, 0xce]);
    }
}
