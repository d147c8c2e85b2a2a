//! Names and secrets as AWS draws them: random, and as awkward as the real ones can be.

use std::fmt::Write as _;

use data_encoding::{BASE32, BASE64};

/// Random bytes.
pub(super) fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the system has random bytes");
    bytes
}

/// A unique identifier with AWS's four-letter prefix: `AKIA`, `ASIA`, `AIDA`, `AROA`.
pub(super) fn id(prefix: &str) -> String {
    format!("{prefix}{}", &BASE32.encode(&bytes::<10>())[..16])
}

/// A secret access key: forty characters of base64, always with both `/` and `+`, which break careless quoting.
pub(super) fn secret_key() -> String {
    loop {
        let secret = BASE64.encode(&bytes::<30>());
        if secret.contains('/') && secret.contains('+') {
            return secret;
        }
    }
}

/// A session token of 1,072 to 1,192 characters of base64, padding included.
pub(super) fn session_token() -> String {
    let random = bytes::<892>();
    let length = 802 + usize::from(random[0]) % 30 * 3;
    BASE64.encode(&random[..length])
}

/// A request's id.
pub(super) fn uuid() -> String {
    let mut text = String::with_capacity(36);
    for (place, byte) in bytes::<16>().iter().enumerate() {
        if matches!(place, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        write!(text, "{byte:02x}").expect("a String takes any text");
    }
    text
}
