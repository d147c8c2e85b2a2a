//! The key of a session, and the proof of its possession that each request carries (RFC 9449).
//!
//! It is a P-256 key in the form of SEC 1 (RFC 5915) in PEM, as the AWS CLI and the SDKs write it. DER has one encoding for
//! each such key, so it is compared instead of parsed: anything else is no key of theirs.

use std::sync::Arc;

use base64ct::{Base64, Base64UrlUnpadded, Encoding};
use jiff::Timestamp;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Value, json};

use crate::secret::Secret;

const BEGIN: &str = "-----BEGIN EC PRIVATE KEY-----";
const END: &str = "-----END EC PRIVATE KEY-----";
/// A sequence; version 1; 32 octets of private key.
const BEFORE_PRIVATE: [u8; 7] = [0x30, 0x77, 0x02, 0x01, 0x01, 0x04, 0x20];
const PRIVATE: usize = 32;
/// The curve (prime256v1), and a bit string.
const BEFORE_PUBLIC: [u8; 16] =
    [0xa0, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0xa1, 0x44, 0x03, 0x42];
/// No unused bits; then a point that is not compressed.
const NO_BITS: u8 = 0x00;
const PUBLIC: usize = 65;

/// A session's key. Its `Debug` shows the public half only.
#[derive(Clone, Debug)]
pub(super) struct ProofKey {
    pair: Arc<EcdsaKeyPair>,
    random: SystemRandom,
}

impl ProofKey {
    /// Reads a PEM text; `None` unless it holds a P-256 key with both halves, which belong together.
    pub(super) fn of_pem(text: &str) -> Option<Self> {
        let inner = text.trim().strip_prefix(BEGIN)?.strip_suffix(END)?;
        let base64 = Secret::new(inner.split_ascii_whitespace().collect::<String>());
        let der = Secret::new(Base64::decode_vec(base64.expose()).ok()?);
        let rest = der.expose().strip_prefix(&BEFORE_PRIVATE)?;
        let (private, rest) = rest.split_at_checked(PRIVATE)?;
        let public = rest.strip_prefix(&BEFORE_PUBLIC)?.strip_prefix(&[NO_BITS])?;
        if public.len() != PUBLIC {
            return None;
        }
        let random = SystemRandom::new();
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let pair = EcdsaKeyPair::from_private_key_and_public_key(algorithm, private, public, &random).ok()?;
        Some(Self { pair: Arc::new(pair), random })
    }

    /// The proof for one `POST` to `url` at `now`. Each has an identifier of its own, so none can be used again.
    pub(super) fn proof(&self, url: &str, now: Timestamp) -> Option<String> {
        let [_, point @ ..] = self.pair.public_key().as_ref() else { return None };
        let (x, y) = point.split_at_checked(PRIVATE)?;
        let jwk = json!({
            "kty": "EC", "x": Base64UrlUnpadded::encode_string(x), "y": Base64UrlUnpadded::encode_string(y), "crv": "P-256",
        });
        let head = part(&json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": jwk}));
        let body = part(&json!({"jti": identifier()?, "htm": "POST", "htu": url, "iat": now.as_second()}));
        let signed = format!("{head}.{body}");
        let signature = self.pair.sign(&self.random, signed.as_bytes()).ok()?;
        Some(format!("{signed}.{}", Base64UrlUnpadded::encode_string(signature.as_ref())))
    }
}

fn part(value: &Value) -> String {
    Base64UrlUnpadded::encode_string(value.to_string().as_bytes())
}

/// A random UUID (RFC 9562, version 4).
fn identifier() -> Option<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).ok()?;
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let text = base16ct::lower::encode_string(&bytes);
    Some([&text[..8], &text[8..12], &text[12..16], &text[16..20], &text[20..]].join("-"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};

    /// Made by `openssl ecparam -name prime256v1 -genkey -noout`.
    const KEY: &str = "-----BEGIN EC PRIVATE KEY-----\n\
        MHcCAQEEICVMSVdA9+UmMCeN7vVDmN1STQF4AsL8/w+d/QMRjr5KoAoGCCqGSM49\n\
        AwEHoUQDQgAEEJaKhsztC1OKEjBD4GYnlV29ik3WlAZw+hKFrgWxoi1Xatflyszc\n\
        VzEGCEsFUDJkaotYZAlr5CsKH7ngMWh8EA==\n\
        -----END EC PRIVATE KEY-----\n";

    #[test]
    fn a_proof_verifies_by_the_key_in_it_and_differs_each_time() {
        let key = ProofKey::of_pem(KEY).expect("a key");
        let at = "2026-01-02T03:04:05Z".parse().expect("a time");
        let proof = key.proof("https://eu-west-1.signin.aws.amazon.com/v1/token", at).expect("a proof");
        let (signed, signature) = proof.rsplit_once('.').expect("three parts");
        let decode = |text: &str| Base64UrlUnpadded::decode_vec(text).expect("base64");
        let json = |text: &str| serde_json::from_slice::<Value>(&decode(text)).expect("JSON");
        let (head, body) = signed.split_once('.').expect("three parts");
        let (head, body) = (json(head), json(body));
        let coordinate = |name: &str| decode(head["jwk"][name].as_str().expect("text"));
        let public = [vec![4], coordinate("x"), coordinate("y")].concat();
        let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, public);
        public.verify(signed.as_bytes(), &decode(signature)).expect("it verifies");
        assert_eq!((&head["typ"], &head["alg"]), (&json!("dpop+jwt"), &json!("ES256")));
        assert_eq!((&body["htm"], &body["iat"]), (&json!("POST"), &json!(1_767_323_045)));
        assert_eq!(body["htu"], "https://eu-west-1.signin.aws.amazon.com/v1/token");
        let other = key.proof("https://eu-west-1.signin.aws.amazon.com/v1/token", at).expect("a proof");
        let other = json(other.split('.').nth(1).expect("three parts"));
        assert_ne!(other["jti"], body["jti"]);
        assert_eq!(body["jti"].as_str().map(str::len), Some(36));
        assert!(!format!("{key:?}").contains(KEY.lines().nth(1).expect("a line")));
    }

    #[test]
    fn only_a_whole_p256_key_in_its_one_encoding_is_taken() {
        let lines: Vec<&str> = KEY.lines().collect();
        let der = Base64::decode_vec(&lines[1..lines.len() - 1].concat()).expect("base64");
        let pem = |der: &[u8]| format!("{BEGIN}\n{}\n{END}\n", Base64::encode_string(der));
        assert!(ProofKey::of_pem(&pem(&der)).is_some(), "on one line");
        assert!(ProofKey::of_pem(&KEY.replace('\n', "\r\n")).is_some(), "with Windows's line ends");
        for at in [0, 1, 4, 5, 6, 39, 41, 50, 54, 56] {
            let mut other = der.clone();
            other[at] ^= 1;
            assert!(ProofKey::of_pem(&pem(&other)).is_none(), "byte {at} is another");
        }
        let mut foreign = der.clone();
        foreign[10] ^= 1;
        assert!(ProofKey::of_pem(&pem(&foreign)).is_none(), "halves of two keys");
        for end in [0, 7, 39, 55, 120] {
            assert!(ProofKey::of_pem(&pem(&der[..end])).is_none(), "{end} bytes of it");
        }
        assert!(ProofKey::of_pem(&pem(&[der.as_slice(), &[0]].concat())).is_none(), "more than a key");
        for text in ["", BEGIN, "-----BEGIN EC PRIVATE KEY-----\ntest\n-----END EC PRIVATE KEY-----\n"] {
            assert!(ProofKey::of_pem(text).is_none(), "{text}");
        }
        let as_pkcs8 = KEY.replace("EC PRIVATE KEY", "PRIVATE KEY");
        assert!(ProofKey::of_pem(&as_pkcs8).is_none(), "another kind of PEM");
    }
}
