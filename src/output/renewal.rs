//! The variable by which a shell renews its credentials (`init --auto-renew`): from when on, and for which access key.
//!
//! It goes where the credentials go, and so reaches nested shells, too. It holds no secret, and no character that means
//! anything to any shell: `TIME/IDENTITY/OPTIONS/KEY`. A shell compares the time and the key; the rest is for `__renew`.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;

/// Credentials are renewed this long before they expire, in seconds.
const AHEAD: i64 = 5 * 60;

/// What to renew, and when.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Renewal {
    /// Renewal starts at this time, in seconds since 1970.
    due: i64,
    /// What identifies the credentials in the cache.
    pub identity: String,
    /// The options with which they were obtained.
    pub options: Vec<String>,
    /// The access key ID. Other keys are not renewed.
    pub key: String,
}

impl Renewal {
    /// The renewal of credentials that expire at `end`.
    pub fn before(end: Timestamp, key: &str, identity: String, options: Vec<String>) -> Self {
        Self { due: end.as_second() - AHEAD, identity, options, key: key.to_owned() }
    }
}

impl fmt::Display for Renewal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { due, identity, options, key } = self;
        let options = match options.as_slice() {
            [] => "-".to_owned(),
            options => base16ct::lower::encode_string(options.join("\0").as_bytes()),
        };
        write!(f, "{due}/{identity}/{options}/{key}")
    }
}

/// The variable does not hold what this program wrote.
#[derive(Debug, Eq, PartialEq)]
pub struct NotOurs;

impl FromStr for Renewal {
    type Err = NotOurs;

    fn from_str(text: &str) -> Result<Self, NotOurs> {
        let mut parts = text.splitn(4, '/');
        let mut part = || parts.next().ok_or(NotOurs);
        let (due, identity, options, key) = (part()?, part()?, part()?, part()?);
        let options = if options == "-" { "" } else { options };
        let options = base16ct::lower::decode_vec(options).map_err(|_| NotOurs)?;
        let options = String::from_utf8(options).map_err(|_| NotOurs)?;
        Ok(Self {
            due: due.parse().map_err(|_| NotOurs)?,
            identity: identity.to_owned(),
            options: options.split('\0').filter(|option| !option.is_empty()).map(str::to_owned).collect(),
            key: key.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{NotOurs, Renewal};

    #[test]
    fn a_renewal_is_read_as_it_was_written_and_no_shell_would_change_it() {
        let end = "2026-01-02T03:04:05Z".parse().expect("a time");
        for options in [&[][..], &["--role-arn=x"], &["--tag=a=it's $(touch PWNED) `x`", "--region=ü"]] {
            let options: Vec<String> = options.iter().map(|&option| option.to_owned()).collect();
            let renewal = Renewal::before(end, "ASIA", "ab12".to_owned(), options);
            let text = renewal.to_string();
            assert!(text.starts_with("1767322745/ab12/") && text.ends_with("/ASIA"), "{text}");
            assert!(text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/-".contains(&byte)), "{text}");
            assert_eq!(text.parse(), Ok(renewal));
        }
    }

    #[test]
    fn other_text_is_not_read() {
        for text in ["", "1", "1/a/zz/ASIA", "1/a/ff/ASIA", "x/a/-/ASIA", "///", "1/a/ASIA"] {
            assert_eq!(text.parse::<Renewal>(), Err(NotOurs), "{text}");
        }
    }
}
