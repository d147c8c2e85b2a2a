//! The six digits that an MFA device shows (RFC 6238). Pure.

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

/// The length of a time step, in seconds.
pub(super) const STEP: i64 = 30;

/// The time step of a Unix time.
pub(super) fn step_at(unix: i64) -> i64 {
    unix.div_euclid(STEP)
}

/// The code of a time step.
pub(super) fn code(seed: &[u8], step: i64) -> String {
    let mut mac = Hmac::<Sha1>::new_from_slice(seed).expect("HMAC takes keys of any length");
    mac.update(&step.to_be_bytes());
    let digest = mac.finalize().into_bytes();
    let offset = usize::from(digest[19] & 0xf);
    let word = u32::from_be_bytes([digest[offset], digest[offset + 1], digest[offset + 2], digest[offset + 3]]);
    format!("{:06}", (word & 0x7fff_ffff) % 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::{code, step_at};

    #[test]
    fn the_test_vectors_of_rfc_6238() {
        for (unix, digits) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(code(b"12345678901234567890", step_at(unix)), digits, "{unix}");
        }
    }
}
