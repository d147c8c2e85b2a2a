//! The codes that a seed generates (RFC 6238 as used by AWS and authenticator apps: SHA-1, six digits, 30 seconds).
//! Pure.

use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use sha1::Sha1;

use crate::secret::{Code, Secret};

const STEP: i64 = 30;

/// How many time steps ago the code was shown, within half an hour of now; negative if it is yet to be shown.
pub fn steps_ago(seed: &Secret<String>, code: &Code, now: Timestamp) -> Option<i64> {
    let seed = decode(seed.expose())?;
    let step = now.as_second().div_euclid(STEP);
    // Nearest first, since two steps have the same code now and then.
    (0..60).flat_map(|off| [off, -off]).find(|off| is_code(&seed, step - off, code))
}

/// The code at that time; `None` if the seed is not base32.
pub fn code_at(seed: &Secret<String>, now: Timestamp) -> Option<Code> {
    let number = number(&decode(seed.expose())?, now.as_second().div_euclid(STEP));
    Code::parse(Secret::new(format!("{number:06}")).expose())
}

fn is_code(seed: &Secret<Vec<u8>>, step: i64, code: &Code) -> bool {
    code.expose().parse() == Ok(number(seed, step))
}

/// The code of a time step, as a number.
fn number(seed: &Secret<Vec<u8>>, step: i64) -> u32 {
    let mut mac = Hmac::<Sha1>::new_from_slice(seed.expose()).expect("HMAC takes keys of any length");
    mac.update(&step.to_be_bytes());
    let digest = mac.finalize().into_bytes();
    let offset = usize::from(digest[19] & 0xf);
    let word = u32::from_be_bytes([digest[offset], digest[offset + 1], digest[offset + 2], digest[offset + 3]]);
    (word & 0x7fff_ffff) % 1_000_000
}

/// Base32 (RFC 4648), without padding.
fn decode(text: &str) -> Option<Secret<Vec<u8>>> {
    let mut bytes = Vec::with_capacity(text.len() * 5 / 8);
    let (mut bits, mut word) = (0_u32, 0_u32);
    for byte in text.bytes() {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'2'..=b'7' => byte - b'2' + 26,
            _ => return None,
        };
        word = (word << 5 | u32::from(value)) & 0xfff;
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            bytes.push((word >> bits & 0xff) as u8);
        }
    }
    Some(Secret::new(bytes))
}

#[cfg(test)]
mod tests {
    use super::{code_at, decode, steps_ago};
    use crate::secret::{Code, Secret};
    use jiff::Timestamp;

    /// RFC 6238's seed, in base32.
    const SEED: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

    #[test]
    fn the_age_of_the_codes_of_rfc_6238_is_found() {
        for (unix, digits) in
            [(59, "287082"), (1_111_111_109, "081804"), (1_234_567_890, "005924"), (20_000_000_000, "353130")]
        {
            for (later, ago) in [(0, 0), (30, 1), (-30, -1), (600, 20)] {
                let now = Timestamp::from_second(unix + later).expect("a time");
                let code = Code::parse(digits).expect("six digits");
                assert_eq!(steps_ago(&Secret::from(SEED), &code, now), Some(ago), "{unix} {later}");
            }
            let made = code_at(&Secret::from(SEED), Timestamp::from_second(unix).expect("a time")).expect("base32");
            assert_eq!(made.expose(), digits);
        }
        let now = Timestamp::from_second(59 + 7200).expect("a time");
        let code = Code::parse("287082").expect("six digits");
        assert_eq!(steps_ago(&Secret::from(SEED), &code, now), None);
        assert_eq!(steps_ago(&Secret::from("no base32!"), &code, now), None);
    }

    #[test]
    fn every_base32_digit_is_decoded() {
        let all = decode("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567").expect("base32");
        assert_eq!(base16ct::lower::encode_string(all.expose()), "00443214c74254b635cf84653a56d7c675be77df");
        for text in ["a", "0", "1", "8", "A=", "A "] {
            assert!(decode(text).is_none(), "{text}");
        }
    }
}
