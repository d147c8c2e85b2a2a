//! The seed of a virtual MFA device as people have it: base32, or the `otpauth` address that a QR code holds.
//!
//! In: the text. Out: the seed in base32, or what is wrong, without any of the text. Pure.

use percent_encoding::percent_decode_str;

use crate::secret::Secret;

/// The fewest digits: 80 bits, as the shortest seeds that apps show have. AWS's have 64.
const FEWEST: usize = 16;
/// The most digits, far beyond any device's.
const MOST: usize = 512;

/// Why a text is not a seed. Holds nothing of it.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum NotASeed {
    /// There is nothing.
    #[error("it is empty")]
    Empty,
    /// A code in its place.
    #[error("it is a code; the seed is the long text that the authenticator app was set up with")]
    Code,
    /// Other characters, or too few.
    #[error("it is not base32 (A to Z and 2 to 7, at least {FEWEST} characters)")]
    NotBase32,
    /// Another address.
    #[error("it is not an `otpauth://totp/` address with a `secret`")]
    NotTotp,
    /// What Google Authenticator exports: several seeds, in another form.
    #[error(
        "it is an export of several devices (`otpauth-migration:`); it takes the address or the seed of one device"
    )]
    Export,
    /// Other codes than AWS's.
    #[error("its `{0}` is not AWS's: the codes of AWS's devices are SHA-1, six digits, and 30 seconds")]
    OtherCodes(&'static str),
}

/// Reads a seed. Case, blanks, hyphens and padding do not matter, nor what `zbarimg` and editors put before it.
pub fn read_seed(text: &str) -> Result<Secret<String>, NotASeed> {
    let text = text.trim().trim_start_matches('\u{feff}');
    let text = text.strip_prefix("QR-Code:").unwrap_or(text);
    if text.get(..18).is_some_and(|start| start.eq_ignore_ascii_case("otpauth-migration:")) {
        return Err(NotASeed::Export);
    }
    if text.get(..8).is_some_and(|start| start.eq_ignore_ascii_case("otpauth:")) {
        return of_address(text);
    }
    let digits = text.trim_end_matches('=').chars().filter(|c| !c.is_whitespace() && *c != '-');
    let mut seed = Secret::new(String::with_capacity(text.len()));
    seed = digits.fold(seed, |seed, digit| {
        let mut buffer = [0; 4];
        Secret::concat(&[seed.expose(), digit.to_ascii_uppercase().encode_utf8(&mut buffer)])
    });
    match seed.expose().as_str() {
        "" => Err(NotASeed::Empty),
        code if code.len() <= 8 && code.bytes().all(|byte| byte.is_ascii_digit()) => Err(NotASeed::Code),
        digits if !(FEWEST..=MOST).contains(&digits.len()) => Err(NotASeed::NotBase32),
        digits if !digits.bytes().all(|byte| matches!(byte, b'A'..=b'Z' | b'2'..=b'7')) => Err(NotASeed::NotBase32),
        _ => Ok(seed),
    }
}

/// `otpauth://totp/LABEL?secret=…&issuer=…`, the address in the QR code of an authenticator app.
fn of_address(text: &str) -> Result<Secret<String>, NotASeed> {
    // A name that was not escaped may have a question mark.
    let (place, query) = text.rsplit_once('?').ok_or(NotASeed::NotTotp)?;
    let place = place.to_ascii_lowercase();
    let is_totp = place.strip_prefix("otpauth://totp").is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    if !is_totp {
        return Err(NotASeed::NotTotp);
    }
    let value = |name: &str| {
        let mut fields = query.split('&').filter_map(|field| field.split_once('='));
        let (_, value) = fields.find(|(known, _)| known.eq_ignore_ascii_case(name))?;
        percent_decode_str(&value.replace('+', " ")).decode_utf8().ok().map(|value| Secret::from(&*value))
    };
    for (name, usual) in [("algorithm", &["SHA1", "SHA-1", "HMACSHA1"][..]), ("digits", &["6"]), ("period", &["30"])] {
        let is_usual = |value: &str| value.is_empty() || usual.iter().any(|usual| value.eq_ignore_ascii_case(usual));
        if value(name).is_some_and(|value| !is_usual(value.expose())) {
            return Err(NotASeed::OtherCodes(name));
        }
    }
    let secret = value("secret").ok_or(NotASeed::NotTotp)?;
    if secret.expose().contains(':') { Err(NotASeed::NotBase32) } else { read_seed(secret.expose()) }
}

#[cfg(test)]
mod tests {
    use super::{NotASeed, read_seed};

    const SEED: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";

    #[test]
    fn a_seed_is_read_in_every_form_in_which_it_is_shown() {
        for text in [
            SEED,
            "jbsw y3dp ehpk 3pxp jbsw y3dp ehpk 3pxp\n",
            "JBSW-Y3DP-EHPK-3PXP-JBSW-Y3DP-EHPK-3PXP===",
            "otpauth://totp/Amazon%20Web%20Services:alice@123?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=AWS",
            "OTPAUTH://TOTP/x?issuer=a&SECRET=jbswy3dpehpk3pxpjbswy3dpehpk3pxp&algorithm=sha1&digits=6&period=30",
            "otpauth://totp/x?secret=JBSW%20Y3DPEHPK3PXPJBSWY3DPEHPK3PXP%3D%3D",
            "otpauth://totp/x?secret=JBSW+Y3DP+EHPK3PXPJBSWY3DPEHPK3PXP&algorithm=SHA-1&digits=&period=30",
            "otpauth://totp/Amazon:Web:Services:アリス@1?issuer=Amazon:Web:Services+é&secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
            "otpauth://totp/who?:me?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
            "otpauth://totp?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
            "QR-Code:otpauth://totp/x?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP\r\n",
            "\u{feff}JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP\r\n",
            " jbswy3dpehpk3pxp\tjbswy3dpehpk3pxp=\u{a0}",
        ] {
            assert_eq!(read_seed(text).expect(text).expose(), SEED, "{text}");
        }
    }

    #[test]
    fn what_is_not_a_seed_is_told_and_not_quoted() {
        for (text, why) in [
            ("", NotASeed::Empty),
            (" == \n", NotASeed::Empty),
            ("123 456", NotASeed::Code),
            ("JBSWY3DP", NotASeed::NotBase32),
            ("JBSWY3DPEHPK3PX1", NotASeed::NotBase32),
            ("arn:aws:iam::123456789012:mfa/alice", NotASeed::NotBase32),
            ("otpauth://hotp/x?secret=JBSWY3DPEHPK3PXP", NotASeed::NotTotp),
            ("otpauth://totp/x?issuer=a", NotASeed::NotTotp),
            ("otpauth://totp/x", NotASeed::NotTotp),
            ("otpauth://totp/x?secret=JBSWY3DPEHPK3PXP&digits=8", NotASeed::OtherCodes("digits")),
            ("otpauth://totp/x?secret=JBSWY3DPEHPK3PXP&Digits=7&period=30", NotASeed::OtherCodes("digits")),
            ("otpauth://totp/x?secret=JBSWY3DPEHPK3PXP&period=60", NotASeed::OtherCodes("period")),
            ("otpauth://totp/x?period=30s&secret=JBSWY3DPEHPK3PXP", NotASeed::OtherCodes("period")),
            ("otpauth://totp/x?secret=JBSWY3DPEHPK3PXP&algorithm=SHA256", NotASeed::OtherCodes("algorithm")),
            ("otpauth://totp/x?secret=JBSWY3DPEHPK3PXP&algorithm=SHA512", NotASeed::OtherCodes("algorithm")),
            ("otpauth://totp/x?secret=", NotASeed::Empty),
            ("otpauth://totpx/x?secret=JBSWY3DPEHPK3PXP", NotASeed::NotTotp),
            ("otpauth-migration://offline?data=CjEKCkhlbGxvId6tvu8", NotASeed::Export),
            ("JBSWY3DPEHPK3PXP0189", NotASeed::NotBase32),
            ("ＪＢＳＷY3DPEHPK3PXP", NotASeed::NotBase32),
            ("otpauth://totp/x?secret=otpauth://totp/x", NotASeed::NotBase32),
        ] {
            assert_eq!(read_seed(text).err(), Some(why), "{text}");
        }
        assert_eq!(read_seed(&"A".repeat(513)).err(), Some(NotASeed::NotBase32));
    }
}
