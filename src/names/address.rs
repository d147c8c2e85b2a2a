//! The URL of an endpoint or a proxy: where it leads, and how much of it can be shown.
//!
//! It is parsed by the same crate that connects, so an address cannot mean one host here and another there.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use http::Uri;
use http::uri::Scheme;

use super::NameError;

/// How many characters of a host are shown. The end of a host name tells whose it is, so the start is cut.
const SHOWN: usize = 48;

/// The domains of AWS's own endpoints in all partitions, from the endpoint rules of the SDKs.
const OF_AWS: [&str; 11] = [
    "amazonaws.com",
    "amazonaws.com.cn",
    "amazonaws.eu",
    "api.aws",
    "api.amazonwebservices.com.cn",
    "api.amazonwebservices.eu",
    "c2s.ic.gov",
    "sc2s.sgov.gov",
    "cloud.adc-e.uk",
    "csp.hci.ic.gov",
    "api.aws.scloud",
];

/// An `http://` or `https://` URL with a host.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Address(Uri);

impl FromStr for Address {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        const SHAPE: NameError = NameError("an address starts with `https://` or `http://` and names a host");
        // White space, control characters and other scripts can disguise an address, and browsers take a backslash for a
        // slash, so they are refused.
        let has_scheme = text.starts_with("https://") || text.starts_with("http://");
        let legal = has_scheme && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
        let uri: Uri = Some(text).filter(|_| legal).and_then(|text| text.parse().ok()).ok_or(SHAPE)?;
        if uri.host().is_none_or(str::is_empty) || has_no_such_port(&uri) { Err(SHAPE) } else { Ok(Self(uri)) }
    }
}

impl Address {
    /// Could someone on the network read what is sent? Traffic within this machine does not reach the network.
    pub fn is_in_clear(&self) -> bool {
        self.is_plain() && !self.is_loopback()
    }

    /// Is it `http://`?
    pub fn is_plain(&self) -> bool {
        self.0.scheme() != Some(&Scheme::HTTPS)
    }

    /// Is it this machine, whatever a resolver says: 127.0.0.0/8, `::1` or one of the names of [`is_local_name`]? Other
    /// spellings (`127.1`, `0.0.0.0`, `::ffff:127.0.0.1`) do not count, since programs read them differently.
    pub fn is_loopback(&self) -> bool {
        self.ip().map_or_else(|| is_local_name(self.host()), |ip| ip.is_loopback())
    }

    /// Is it a name for this machine that a resolver might map to another one?
    pub fn is_named_loopback(&self) -> bool {
        self.ip().is_none() && is_local_name(self.host())
    }

    /// Is it an address of STS or IAM in one of AWS's own domains? Most of what these domains hold belongs to AWS's
    /// customers: buckets, API gateways, load balancers.
    pub fn is_of_aws(&self) -> bool {
        let host = self.host().to_ascii_lowercase();
        let host = host.strip_suffix('.').unwrap_or(&host);
        let before = |domain: &&str| host.strip_suffix(*domain)?.strip_suffix('.');
        !self.is_plain() && OF_AWS.iter().filter_map(before).any(is_of_a_service)
    }

    /// The host; an IPv6 address keeps its brackets.
    pub fn host(&self) -> &str {
        self.0.host().unwrap_or_default()
    }

    /// The form that the connecting crates take.
    pub fn uri(&self) -> &Uri {
        &self.0
    }

    fn ip(&self) -> Option<IpAddr> {
        let host = self.host();
        match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
            Some(host) => host.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
            None => host.parse::<Ipv4Addr>().ok().map(IpAddr::V4),
        }
    }
}

/// Scheme, host and port. Never the part before an `@` or after the port, which can hold passwords and tokens.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = self.host();
        // Only ASCII reaches this point.
        let cut = host.len().saturating_sub(SHOWN);
        let mark = if cut > 0 { "..." } else { "" };
        write!(f, "{}://{mark}{}", self.0.scheme_str().unwrap_or("http"), &host[cut..])?;
        self.0.port_u16().map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

/// Is it what stands before AWS's domain in the address of STS or IAM, with or without a region, or of an interface
/// endpoint for one in a VPC?
fn is_of_a_service(labels: &str) -> bool {
    let is_service = |label: &str| matches!(label, "sts" | "sts-fips" | "iam" | "iam-fips");
    match labels.split('.').collect::<Vec<_>>()[..] {
        [service] => is_service(service),
        [service, region] => is_service(service) && is_region(region),
        [endpoint, service, region, "vpce"] => {
            endpoint.starts_with("vpce-") && is_service(service) && is_region(region)
        }
        _ => false,
    }
}

/// `us-east-1`, or one of the words that stand for a partition; not `s3-us-west-2`, which makes a bucket's address.
fn is_region(label: &str) -> bool {
    let words: Vec<&str> = label.split('-').collect();
    let is_word = |word: &&str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase());
    match &words[..] {
        ["global"] | ["us", "gov"] => true,
        [words @ .., number] => {
            words.len() >= 2 && words.iter().all(is_word) && number.bytes().all(|byte| byte.is_ascii_digit())
        }
        [] => false,
    }
}

/// Is there a port that is no number up to 65535? The crate takes the usual one in its place.
fn has_no_such_port(uri: &Uri) -> bool {
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    let host = authority.rsplit('@').next().unwrap_or_default();
    let port = host.rsplit_once(':').map_or("", |(_, port)| port);
    uri.port_u16().is_none() && !port.is_empty() && !port.ends_with(']')
}

/// Is it `localhost` or a name under it (RFC 6761)?
pub fn is_local_name(host: &str) -> bool {
    let host = host.to_ascii_lowercase();
    let host = host.strip_suffix('.').unwrap_or(&host);
    host == "localhost" || host.strip_suffix(".localhost").is_some_and(|below| !below.is_empty())
}

#[cfg(test)]
mod tests {
    use super::Address;

    #[test]
    fn plain_http_stays_on_this_machine() {
        for (url, is_loopback) in [
            ("http://127.0.0.1:4566", true),
            ("http://127.0.0.1", true),
            ("http://127.255.3.9/path?query", true),
            ("http://[::1]:4566/", true),
            ("http://localhost:4566", true),
            ("http://LocalHost", true),
            ("http://localhost.", true),
            ("http://sts.localhost:1", true),
            ("http://user:word@127.0.0.1:1", true),
            ("http://evil.com", false),
            ("http://127.0.0.1.evil.com", false),
            ("http://127.0.0.1@evil.com", false),
            ("http://127.0.0.1:80@evil.com:80", false),
            ("http://localhost@evil.com", false),
            ("http://evil.com#@127.0.0.1", false),
            ("http://evil.com?@127.0.0.1", false),
            ("http://evil.com/@127.0.0.1", false),
            ("http://localhost.evil.com", false),
            ("http://notlocalhost", false),
            ("http://.localhost", false),
            ("http://127.1", false),
            ("http://2130706433", false),
            ("http://0x7f000001", false),
            ("http://0177.0.0.1", false),
            ("http://0.0.0.0", false),
            ("http://0", false),
            ("http://[::]", false),
            ("http://[::ffff:127.0.0.1]", false),
            ("http://[::ffff:192.0.2.1]", false),
            ("http://[::1.evil.com]", false),
            ("http://169.254.169.254", false),
            ("http://10.0.0.1", false),
            ("http://sts.us-east-1.amazonaws.com", false),
        ] {
            // An address that cannot be parsed is refused as well.
            let is_taken = url.parse::<Address>().is_ok_and(|address| !address.is_in_clear());
            assert_eq!(is_taken, is_loopback, "{url}");
        }
        for url in [
            "",
            "http://",
            "http:///x",
            "https://",
            "ftp://x",
            "HTTP://evil.com",
            "http://a b",
            "http://ev\u{131}l",
            "127.0.0.1",
            "http://127.0.0.1:65536",
            "http://[::1]:99999",
            "https://evil.com:1:2",
            "https://evil.com\\.corp.example",
            "https://evil.com\\@corp.example/",
            "https://corp.example/\\evil.com",
            "https:/\\evil.com/",
            "https://\\evil.com/",
            "https://corp.example/\t/evil.com",
            "https://corp.example/\n",
            "ht\ntps://corp.example/",
            " https://corp.example/",
            "//corp.example/",
        ] {
            assert!(url.parse::<Address>().is_err(), "{url}");
        }
    }

    #[test]
    fn a_displayed_url_has_no_password_and_keeps_the_end_of_the_host() {
        let long = format!("https://sts.amazonaws.com.{}.evil.com:8443/x", "a".repeat(200));
        for (url, shown) in [
            ("http://proxy:3128", "http://proxy:3128"),
            ("http://me:hunter2@proxy:3128/", "http://proxy:3128"),
            ("https://[::1]:8/p?token=hunter2", "https://[::1]:8"),
            (long.as_str(), "https://...aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.evil.com:8443"),
        ] {
            assert_eq!(url.parse::<Address>().expect(url).to_string(), shown);
        }
    }

    #[test]
    fn only_the_domains_of_aws_are_recognized_as_such() {
        for (url, is) in [
            ("https://sts.us-east-1.amazonaws.com", true),
            ("https://sts.amazonaws.com.", true),
            ("https://sts-fips.us-gov-west-1.amazonaws.com:443/", true),
            ("https://iam.amazonaws.com", true),
            ("https://iam.us-gov.api.aws", true),
            ("https://iam.global.api.aws", true),
            ("https://sts.us-iso-east-1.c2s.ic.gov", true),
            // Anyone can have these.
            ("https://a1b2c3.execute-api.us-east-1.amazonaws.com", false),
            ("https://sts.s3.amazonaws.com", false),
            ("https://sts.s3-us-west-2.amazonaws.com", false),
            ("https://sts.us-east-1.s3.amazonaws.com", false),
            ("https://sts.s3.us-east-1.amazonaws.com", false),
            ("https://ec2-192-0-2-1.compute-1.amazonaws.com", false),
            ("https://sts-1.us-east-1.elb.amazonaws.com", false),
            ("https://vpce-1.vpce-svc-1.us-east-1.vpce.amazonaws.com", false),
            ("https://amazonaws.com", false),
            ("https://vpce-1.sts.eu-west-1.vpce.amazonaws.com", true),
            ("https://sts.cn-north-1.amazonaws.com.cn", true),
            ("https://sts.eusc-de-east-1.amazonaws.eu", true),
            ("https://STS.us-east-1.API.AWS", true),
            ("http://sts.us-east-1.amazonaws.com", false),
            ("https://amazonaws.com.evil.com", false),
            ("https://evilamazonaws.com", false),
            ("https://sts.amazonaws.com@evil.com", false),
        ] {
            assert_eq!(url.parse::<Address>().expect(url).is_of_aws(), is, "{url}");
        }
    }
}
