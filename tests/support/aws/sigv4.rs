//! Signature Version 4, recomputed from the bytes that arrived. Pure.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use sha2::{Digest, Sha256};

use super::http::Request;
use super::reply::Refusal;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const FORMAT: &str = "%Y%m%dT%H%M%SZ";
/// How far a request's date may be from the server's clock, in seconds.
const TOLERANCE: i64 = 300;

/// What an `Authorization` header claims.
pub(super) struct Authorization {
    pub(super) access_key_id: String,
    pub(super) region: String,
    pub(super) service: String,
    date: String,
    signed_headers: Vec<String>,
    signature: String,
}

impl Authorization {
    /// Parses the header, without checking whether its claims are true.
    pub(super) fn of(request: &Request) -> Result<Self, Refusal> {
        let header = request.header("authorization").ok_or_else(|| {
            Refusal::new(403, "MissingAuthenticationToken", "Request is missing Authentication Token")
        })?;
        let fields = header
            .strip_prefix(ALGORITHM)
            .ok_or_else(|| incomplete("Authorization header requires an 'AWS4-HMAC-SHA256' signature."))?;
        let fields: BTreeMap<&str, &str> = fields.split(',').filter_map(|field| field.trim().split_once('=')).collect();
        let field = |name: &str| {
            let missing = || incomplete(format!("Authorization header requires '{name}' parameter."));
            fields.get(name).copied().ok_or_else(missing)
        };
        let credential: Vec<&str> = field("Credential")?.split('/').collect();
        let [access_key_id, date, region, service, terminator] = credential[..] else {
            return Err(incomplete("Credential must have exactly 5 slash-delimited elements."));
        };
        if terminator != "aws4_request" {
            let text =
                format!("Credential should be scoped with a valid terminator: 'aws4_request', not '{terminator}'.");
            return Err(mismatch(text));
        }
        Ok(Self {
            access_key_id: access_key_id.to_owned(),
            region: region.to_owned(),
            service: service.to_owned(),
            date: date.to_owned(),
            signed_headers: field("SignedHeaders")?.split(';').map(str::to_owned).collect(),
            signature: field("Signature")?.to_owned(),
        })
    }

    /// Checks the request's signature against `secret`, and its date against the server's clock.
    pub(super) fn verify(&self, request: &Request, secret: &str, now: Timestamp) -> Result<(), Refusal> {
        let stamp = request.header("x-amz-date").ok_or_else(|| {
            incomplete("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")
        })?;
        for name in ["host", "x-amz-date", "x-amz-security-token"] {
            if request.header(name).is_some() && !self.signed_headers.iter().any(|signed| signed == name) {
                return Err(mismatch(format!("'{name}' must be a 'SignedHeader' in the AWS Authorization.")));
            }
        }
        self.check_date(stamp, now)?;
        let canonical = canonical_request(request, &self.signed_headers);
        let scope = Scope { date: &self.date, region: &self.region, service: &self.service };
        if signature(secret, &scope, stamp, &canonical) == self.signature {
            Ok(())
        } else {
            Err(mismatch(
                "The request signature we calculated does not match the signature you provided. Check your AWS \
                 Secret Access Key and signing method. Consult the service documentation for details.",
            ))
        }
    }

    fn check_date(&self, stamp: &str, now: Timestamp) -> Result<(), Refusal> {
        let Some(at) = read_stamp(stamp) else {
            return Err(incomplete(format!("Date must be in ISO-8601 'basic format'. Got '{stamp}'.")));
        };
        if !stamp.starts_with(&self.date) {
            return Err(mismatch(format!(
                "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '{}' != \
                 '{}', from '{stamp}'.",
                self.date,
                &stamp[..8],
            )));
        }
        let off = at.as_second() - now.as_second();
        let edge = |secs: i64| stamp_of(Timestamp::from_second(now.as_second() + secs).expect("a time near now"));
        let server = stamp_of(now);
        if off < -TOLERANCE {
            let edge = edge(-TOLERANCE);
            let text = format!("Signature expired: {stamp} is now earlier than {edge} ({server} - 5 min.)");
            return Err(mismatch(text));
        }
        if off > TOLERANCE {
            let edge = edge(TOLERANCE);
            let text = format!("Signature not yet current: {stamp} is still later than {edge} ({server} + 5 min.)");
            return Err(mismatch(text));
        }
        Ok(())
    }
}

/// What a signing key is made for.
pub(super) struct Scope<'a> {
    pub(super) date: &'a str,
    pub(super) region: &'a str,
    pub(super) service: &'a str,
}

/// `20261130T235959Z`
pub(super) fn stamp_of(time: Timestamp) -> String {
    time.strftime(FORMAT).to_string()
}

fn read_stamp(text: &str) -> Option<Timestamp> {
    // strptime is more lenient than AWS: the stamp must have exactly this length.
    if text.len() != 16 {
        return None;
    }
    Some(DateTime::strptime(FORMAT, text).ok()?.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

/// The canonical request, with the headers in `signed`.
pub(super) fn canonical_request(request: &Request, signed: &[String]) -> String {
    let mut query: Vec<(String, String)> = form_urlencoded::parse(request.query.as_bytes())
        .map(|(name, value)| (percent_encode(&name), percent_encode(&value)))
        .collect();
    query.sort();
    let query: Vec<String> = query.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    let mut text = format!("{}\n{}\n{}\n", request.method, request.path, query.join("&"));
    for name in signed {
        let values: Vec<String> = request
            .headers
            .iter()
            .filter(|(header, _)| header == name)
            .map(|(_, value)| value.split_ascii_whitespace().collect::<Vec<_>>().join(" "))
            .collect();
        writeln!(text, "{name}:{}", values.join(",")).expect("a String takes any text");
    }
    write!(text, "\n{}\n{}", signed.join(";"), hex_digest(&request.body)).expect("a String takes any text");
    text
}

/// The signature of a canonical request.
pub(super) fn signature(secret: &str, scope: &Scope, stamp: &str, canonical: &str) -> String {
    let Scope { date, region, service } = scope;
    let text =
        format!("{ALGORITHM}\n{stamp}\n{date}/{region}/{service}/aws4_request\n{}", hex_digest(canonical.as_bytes()));
    let mut key = format!("AWS4{secret}").into_bytes();
    for part in [date, region, service, "aws4_request", &text] {
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("HMAC takes keys of any length");
        mac.update(part.as_bytes());
        key = mac.finalize().into_bytes().to_vec();
    }
    base16ct::lower::encode_string(&key)
}

fn hex_digest(bytes: &[u8]) -> String {
    base16ct::lower::encode_string(&Sha256::digest(bytes))
}

/// Percent-encoding as Signature Version 4 requires: everything except the unreserved characters of RFC 3986.
pub(super) fn percent_encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            write!(encoded, "%{byte:02X}").expect("a String takes any text");
        }
    }
    encoded
}

fn mismatch(message: impl Into<String>) -> Refusal {
    Refusal::new(403, "SignatureDoesNotMatch", message)
}

fn incomplete(message: impl Into<String>) -> Refusal {
    Refusal::new(400, "IncompleteSignature", message)
}
