//! The sealing key and its operations: seal, open, digest.
//!
//! In: bytes and a clear header. Out: sealed bytes that open only under the same key with the same header, and keyed
//! digests. Pure apart from the system's random numbers; the neighboring modules decide where the key lives. Nothing
//! here explains why something did not open: a damaged, a swapped and a foreign entry are all the same miss to a
//! caller, and a difference would only help an attacker who probes.

use std::sync::Arc;

use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::secret::{Locked, Secret};

/// The length of a sealing key, in bytes.
const KEY: usize = 32;
/// The length of a nonce, in bytes: long enough to draw one at random for every entry without risk of repetition.
const NONCE: usize = 24;
/// The length of Poly1305's tag, in bytes.
const TAG: usize = 16;

/// Why sealing failed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SealError {
    /// The operating system's generator failed.
    #[error("the operating system provides no random numbers")]
    Random,
    /// More than the cipher can take in one piece (256 GiB).
    #[error("too long to encrypt")]
    TooLong,
}

/// 256 random bits that seal and open. They are in memory that all clones share, so that neither moving nor cloning
/// leaves copies.
#[derive(Clone, Debug)]
pub struct SealingKey(Arc<Locked>);

impl SealingKey {
    /// A new key from the operating system's generator.
    pub fn random() -> Result<Self, SealError> {
        Ok(Self(Arc::new(Locked::filled(KEY, fill)?)))
    }

    /// A key from the bytes that a store returned; `None` if they do not have a key's length.
    #[allow(clippy::needless_pass_by_value, reason = "the store's copy ends here")]
    pub fn from_bytes(bytes: Secret<Vec<u8>>) -> Option<Self> {
        (bytes.expose().len() == KEY).then(|| Self(Arc::new(Locked::copy_of(bytes.expose()))))
    }

    /// A copy of the bytes, for a store to keep.
    pub fn to_secret(&self) -> Secret<Vec<u8>> {
        Secret::new(self.0.expose().to_vec())
    }

    /// HMAC-SHA-256 of `parts` under a separate key, derived from this one and `label` (RFC 2104).
    ///
    /// Every part is preceded by its length, so that no two lists of parts give the same input: `["ab", "c"]` and
    /// `["a", "bc"]` have different digests. Without the key a digest reveals nothing about the parts, not even about a
    /// six-digit code, which could otherwise be found by trying all million.
    pub fn digest(&self, label: &str, parts: &[&[u8]]) -> [u8; 32] {
        let mut derive = hmac(self.0.expose());
        derive.update(b"mfa-cred digest\0");
        derive.update(label.as_bytes());
        let key = Secret::new(<[u8; 32]>::from(derive.finalize().into_bytes()));
        let mut digest = hmac(key.expose());
        for part in parts {
            digest.update(&(part.len() as u64).to_le_bytes());
            digest.update(part);
        }
        digest.finalize().into_bytes().into()
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new_from_slice(self.0.expose()).expect("a sealing key has 32 bytes")
    }
}

/// Seals `plain` under `key` and binds it to `header`, which stays readable next to it.
///
/// Uses XChaCha20-Poly1305. The result is a random nonce, the ciphertext and the tag, 40 bytes longer than `plain`.
pub fn seal(key: &SealingKey, header: &[u8], plain: &Secret<Vec<u8>>) -> Result<Vec<u8>, SealError> {
    let mut nonce = [0; NONCE];
    fill(&mut nonce)?;
    let sealed = key
        .cipher()
        .encrypt(&XNonce::from(nonce), Payload { msg: plain.expose(), aad: header })
        .map_err(|_| SealError::TooLong)?;
    Ok([nonce.as_slice(), &sealed].concat())
}

/// Opens the result of [`seal`]; `None` if the key, the header or a single bit of `sealed` differs.
pub fn open(key: &SealingKey, header: &[u8], sealed: &[u8]) -> Option<Secret<Vec<u8>>> {
    let (nonce, rest) = sealed.split_first_chunk::<NONCE>()?;
    if rest.len() < TAG {
        return None;
    }
    let plain = key.cipher().decrypt(&XNonce::from(*nonce), Payload { msg: rest, aad: header }).ok()?;
    Some(Secret::new(plain))
}

/// Fills `bytes` with random numbers.
pub(super) fn fill(bytes: &mut [u8]) -> Result<(), SealError> {
    getrandom::fill(bytes).map_err(|_| SealError::Random)
}

fn hmac(key: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("HMAC takes a key of any length")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> SealingKey {
        SealingKey::random().expect("random numbers")
    }

    fn secret(bytes: &[u8]) -> Secret<Vec<u8>> {
        Secret::new(bytes.to_vec())
    }

    #[test]
    fn what_was_sealed_opens_again() {
        let key = key();
        for plain in [&b""[..], b"x", &[7; 5000]] {
            let sealed = seal(&key, b"header", &secret(plain)).expect("sealed");
            assert_eq!(sealed.len(), plain.len() + NONCE + TAG);
            assert_eq!(open(&key, b"header", &sealed).expect("it opens").expose(), plain);
        }
    }

    #[test]
    fn a_changed_byte_does_not_open() {
        let key = key();
        let sealed = seal(&key, b"header", &secret(b"aws_secret_access_key")).expect("sealed");
        for place in 0..sealed.len() {
            for bit in 0..8 {
                let mut changed = sealed.clone();
                changed[place] ^= 1 << bit;
                assert!(open(&key, b"header", &changed).is_none(), "byte {place}, bit {bit}");
            }
        }
        for length in 0..sealed.len() {
            assert!(open(&key, b"header", &sealed[..length]).is_none(), "cut to {length}");
        }
        assert!(open(&key, b"header", &[&sealed[..], b"x"].concat()).is_none(), "lengthened");
    }

    #[test]
    fn a_different_header_or_key_does_not_open() {
        let (key, other) = (key(), key());
        let mine = seal(&key, b"profile=a", &secret(b"A")).expect("sealed");
        let yours = seal(&key, b"profile=b", &secret(b"B")).expect("sealed");
        assert!(open(&key, b"profile=b", &mine).is_none());
        assert!(open(&key, b"profile=a", &yours).is_none());
        assert!(open(&key, b"", &mine).is_none());
        assert!(open(&key, b"profile=a\0", &mine).is_none());
        assert!(open(&other, b"profile=a", &mine).is_none());
    }

    #[test]
    fn sealing_twice_gives_different_bytes() {
        let key = key();
        let seal = || seal(&key, b"", &secret(b"same")).expect("sealed");
        assert_ne!(seal(), seal());
    }

    #[test]
    fn digests_depend_on_the_key_and_on_where_parts_end() {
        let (key, other) = (key(), key());
        let base = key.digest("spent code", &[b"ab", b"c"]);
        assert_eq!(base, key.clone().digest("spent code", &[b"ab", b"c"]));
        for (what, different) in [
            ("moved boundary", key.digest("spent code", &[b"a", b"bc"])),
            ("one part", key.digest("spent code", &[b"abc"])),
            ("empty part", key.digest("spent code", &[b"ab", b"c", b""])),
            ("label", key.digest("spent codes", &[b"ab", b"c"])),
            ("key", other.digest("spent code", &[b"ab", b"c"])),
        ] {
            assert_ne!(base, different, "{what}");
        }
    }

    /// A value computed independently (with Python's `hmac`), so that a change of the framing is noticed: the ledger of
    /// spent codes would forget every code.
    #[test]
    fn digests_stay_the_same_between_versions() {
        let key = SealingKey::from_bytes(secret(&[1; KEY])).expect("32 bytes");
        let digest = base16ct::lower::encode_string(&key.digest("spent code", &[b"arn", b"123456"]));
        assert_eq!(digest, "e72be62d48789f184b6aa163a479ec6634bae06936cf1e47ad29c9c8502e2e66");
    }

    #[test]
    fn only_32_bytes_make_a_key() {
        for length in [0, 31, 33, 64] {
            assert!(SealingKey::from_bytes(secret(&vec![0; length])).is_none(), "{length}");
        }
    }

    #[test]
    fn debug_output_has_no_key() {
        assert_eq!(format!("{:?}", key()), "SealingKey([redacted])");
    }
}
