//! The page of the console that is wanted: a service's first page, or an address within the console.
//!
//! An address elsewhere is refused: the sign-in would send the browser on to it, and whoever can make a person run a
//! command line could then show them any page as if it were AWS's.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::error::ConsoleError;
use crate::names::console::ConsoleService;
use crate::names::{Address, Partition, Region};

/// The domains of the consoles. Those of the isolated partitions are not public.
const DOMAINS: [(&str, &str); 4] = [
    ("aws", "console.aws.amazon.com"),
    ("aws-cn", "console.amazonaws.cn"),
    ("aws-us-gov", "console.amazonaws-us-gov.com"),
    ("aws-eusc", "console.amazonaws-eusc.eu"),
];

/// Every character except those that RFC 3986 calls unreserved.
pub(super) const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Where the browser arrives.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Destination {
    /// The page.
    pub url: String,
    /// What AWS calls it; `None` for an address that was given in whole.
    pub title: Option<String>,
    /// Is it a service that the table does not have?
    pub is_unknown: bool,
}

impl Destination {
    /// The page that these words name; without any, the console's home.
    ///
    /// # Errors
    /// The console of that partition is not known, the address is elsewhere, or the word cannot be a service.
    pub fn of(words: Option<&str>, partition: Partition, region: &Region) -> Result<Self, ConsoleError> {
        let domain = DOMAINS.iter().find(|(name, _)| *name == partition.as_str()).map(|(_, domain)| *domain);
        let domain = domain.ok_or(ConsoleError::NoConsole { partition, sign_in: None })?;
        let regional = |path: &str| format!("https://{region}.{domain}/{path}?region={region}");
        let Some(words) = words else {
            let title = Some("the console's home".to_owned());
            return Ok(Self { url: regional("console/home"), title, is_unknown: false });
        };
        if words.contains([':', '.', '\\']) || words.starts_with('/') {
            is_within(words, domain)?;
            return Ok(Self { url: words.to_owned(), title: None, is_unknown: false });
        }
        if let Some(service) = ConsoleService::find(words) {
            let (path, part) = service.page();
            let page = if service.is_global { format!("https://{domain}/{path}") } else { regional(path) };
            let url = if part.is_empty() { page } else { format!("{page}#{part}") };
            return Ok(Self { url, title: Some(service.title.to_owned()), is_unknown: false });
        }
        let is_legal = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if words.is_empty() || !words.chars().all(is_legal) {
            return Err(ConsoleError::NoSuchPage { domain });
        }
        Ok(Self { url: regional(&format!("{words}/home")), title: Some(words.to_owned()), is_unknown: true })
    }

    /// The page, as a parameter of another address.
    pub(super) fn encoded(&self) -> String {
        utf8_percent_encode(&self.url, RESERVED).to_string()
    }
}

/// Is it an `https` address on the console's domain, and would every browser read it so?
fn is_within(url: &str, domain: &'static str) -> Result<(), ConsoleError> {
    let elsewhere = || ConsoleError::Elsewhere { domain };
    let address: Address = url.parse().map_err(|_| elsewhere())?;
    if address.is_plain() {
        return Err(elsewhere());
    }
    // The host and nothing else: no user, no port.
    let authority = address.uri().authority().map_or("", |authority| authority.as_str());
    let host = authority.to_ascii_lowercase();
    let is_here = host == domain || host.strip_suffix(domain).is_some_and(is_subdomain);
    if is_here && !may_name_a_host(address.uri().path()) { Ok(()) } else { Err(elsewhere()) }
}

/// Could the path begin with two slashes, in any spelling? A server that redirects to such a path sends the browser to the
/// host that follows. Browsers take out segments of dots, so a path with one may begin like that in the end.
fn may_name_a_host(path: &str) -> bool {
    let path = path.to_ascii_lowercase().replace("%2e", ".");
    let mut segments = path.split('/').skip(1);
    let is_dots = segments.clone().any(|segment| matches!(segment, "." | ".."));
    let first = segments.next().unwrap_or_default();
    let is_empty = first.is_empty() && segments.next().is_some();
    is_dots || is_empty || ["%2f", "%5c", "%09", "%0a", "%0d"].iter().any(|slash| first.starts_with(slash))
}

/// `us-east-1.`, or `123456789012-abcdefgh.us-east-1.`
fn is_subdomain(before: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty() && !label.starts_with("xn--") && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
    };
    before.strip_suffix('.').is_some_and(|labels| labels.split('.').all(is_label))
}

#[cfg(test)]
mod tests {
    use super::Destination;
    use crate::names::{Partition, Region};

    fn of(words: Option<&str>, region: &str) -> Option<Destination> {
        let region: Region = region.parse().expect("a region");
        Destination::of(words, Partition::of_region(&region), &region).ok()
    }

    #[test]
    fn a_service_is_a_page_of_the_partitions_console() {
        let tokyo = "https://ap-northeast-1.console.aws.amazon.com";
        for (words, region, url) in [
            (None, "ap-northeast-1", format!("{tokyo}/console/home?region=ap-northeast-1")),
            (Some("s3"), "ap-northeast-1", format!("{tokyo}/s3/home?region=ap-northeast-1")),
            (Some("DDB"), "ap-northeast-1", format!("{tokyo}/dynamodbv2/home?region=ap-northeast-1")),
            (
                Some("logs"),
                "ap-northeast-1",
                format!("{tokyo}/cloudwatch/home?region=ap-northeast-1#logsV2:log-groups"),
            ),
            (Some("iam"), "ap-northeast-1", "https://console.aws.amazon.com/iam/home".to_owned()),
            (Some("budgets"), "eu-west-1", "https://console.aws.amazon.com/billing/home#/budgets".to_owned()),
            (Some("iam"), "cn-north-1", "https://console.amazonaws.cn/iam/home".to_owned()),
            (
                Some("ec2"),
                "cn-north-1",
                "https://cn-north-1.console.amazonaws.cn/ec2/home?region=cn-north-1".to_owned(),
            ),
            (
                Some("ec2"),
                "us-gov-west-1",
                "https://us-gov-west-1.console.amazonaws-us-gov.com/ec2/home?region=us-gov-west-1".to_owned(),
            ),
            (
                Some("ec2"),
                "eusc-de-east-1",
                "https://eusc-de-east-1.console.amazonaws-eusc.eu/ec2/home?region=eusc-de-east-1".to_owned(),
            ),
        ] {
            let page = of(words, region).expect("a page");
            assert_eq!((page.url, page.is_unknown), (url, false));
        }
        let page = of(Some("frobnicate"), "us-east-1").expect("a page");
        let url = "https://us-east-1.console.aws.amazon.com/frobnicate/home?region=us-east-1";
        assert_eq!((page.url.as_str(), page.is_unknown), (url, true));
        for words in ["", "a b", "s3?x", "s3#x", "a/b", "é", "a%2fb", "-"] {
            assert_eq!(of(Some(words), "us-east-1").is_some(), words == "-", "{words}");
        }
        for region in ["us-iso-east-1", "us-isob-east-1", "eu-isoe-west-1", "us-isof-south-1"] {
            assert_eq!(of(None, region), None, "{region}");
        }
    }

    #[test]
    fn an_address_must_be_within_the_console() {
        for url in [
            "https://console.aws.amazon.com/ec2/home?region=eu-west-1#Instances:x=a\u{7e}b",
            "https://eu-west-1.console.aws.amazon.com/s3/buckets/my-bucket?prefix=a/b",
            "https://123456789012-abcdefgh.us-east-1.console.aws.amazon.com/",
            "https://Console.AWS.amazon.com",
            "https://console.aws.amazon.com/s3/buckets/b/a//b/..c/%2Fd?prefix=../%5C//e#//f",
        ] {
            assert_eq!(of(Some(url), "us-east-1").map(|page| page.url).as_deref(), Some(url), "{url}");
        }
        for url in [
            "http://console.aws.amazon.com/",
            "HTTPS://console.aws.amazon.com/",
            "https://console.aws.amazon.com.evil.com/",
            "https://evilconsole.aws.amazon.com/",
            "https://.console.aws.amazon.com/",
            "https://a..console.aws.amazon.com/",
            "https://console.aws.amazon.com./",
            "https://console.aws.amazon.com:443/",
            "https://console.aws.amazon.com:8443@evil.com/",
            "https://console.aws.amazon.com@evil.com/",
            "https://me@console.aws.amazon.com/",
            "https://me:x@console.aws.amazon.com/",
            "https://evil.com\\.console.aws.amazon.com/",
            "https://evil.com/\\@console.aws.amazon.com/",
            "https:\\\\console.aws.amazon.com/",
            "https://evil.com/console.aws.amazon.com/",
            "https://evil.com?console.aws.amazon.com",
            "https://evil.com#.console.aws.amazon.com",
            "https://evil.com%2f.console.aws.amazon.com/",
            "https://xn--80ak6aa92e.console.aws.amazon.com/",
            "https://c\u{43e}nsole.aws.amazon.com/",
            "https://console.aws.amazon.com/\u{202e}",
            "https://console.aws.amazon.com/a b",
            "https://console.aws.amazon.com\n.evil.com/",
            "https://console.aws.amazon.com/\\evil.com",
            "https://console.aws.amazon.com/s3\\..\\evil.com",
            "https://console.aws.amazon.com/s3#\\evil.com",
            "https://console.aws.amazon.com/s3?x=\\\\evil.com",
            "https://console.aws.amazon.com/\t/evil.com",
            "https://console.aws.amazon.com\t.evil.com/",
            "https:/\t/console.aws.amazon.com/",
            "https://console.aws.amazon.com//evil.com",
            "https://console.aws.amazon.com/.//evil.com",
            "https://console.aws.amazon.com/%2Fevil.com",
            "https://console.aws.amazon.com/%5cevil.com",
            "https://console.aws.amazon.com/%09/evil.com",
            "https://console.aws.amazon.com/%2e//evil.com",
            "https://console.aws.amazon.com/s3/..//evil.com",
            "https://console.aws.amazon.com/s3/.%2E/%2e%2e/x",
            "https:///console.aws.amazon.com/",
            "https:////evil.com/",
            "/\\evil.com",
            "\\\\evil.com",
            "//evil.com",
            " https://console.aws.amazon.com/",
            "\u{0}https://console.aws.amazon.com/",
            "view-source:https://console.aws.amazon.com/",
            "data:text/html,x",
            "https://us-east-1.signin.aws.amazon.com/",
            "https://console.amazonaws.cn/",
            "//console.aws.amazon.com/",
            "/s3/home",
            "javascript:alert(1)",
            "console.aws.amazon.com",
            "https://",
            "https:",
        ] {
            assert_eq!(of(Some(url), "us-east-1"), None, "{url}");
        }
        assert!(of(Some("https://cn-north-1.console.amazonaws.cn/s3"), "cn-north-1").is_some());
        assert_eq!(of(Some("https://console.aws.amazon.com/s3"), "cn-north-1"), None);
    }
}
