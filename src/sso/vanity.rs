//! A start URL under an organization's own name, which redirects to the one that AWS knows.
//!
//! In: the configured start URL. Out: the address that AWS takes. One redirect is looked at and never followed further, and
//! only one to a host of AWS counts. Nothing secret is sent, and whatever goes wrong, the URL stays as it is configured:
//! AWS then refuses it. The token file is named by the configured URL in any case, since other programs look there.

use crate::aws::json::{JsonCall, JsonService};
use crate::names::Address;
use crate::plan::{Service, SsoSession};
use crate::settings::Limits;
use crate::state::CorrectedClock;

/// The domains in which AWS has start pages.
const DOMAINS: [&str; 8] = [
    "awsapps.com",
    "awsapps.cn",
    "portal.amazonaws.com",
    "portal.amazonaws.com.cn",
    "portal.amazonaws.eu",
    "app.aws",
    "app.amazonwebservices.com.cn",
    "api.amazonwebservices.eu",
];
/// The hosts of AWS that have them.
const HOSTS: [&str; 4] = [
    "identitycenter.amazonaws.com",
    "identitycenter.amazonaws.com.cn",
    "identitycenter.amazonaws.eu",
    "identitycenter.us-gov.amazonaws.com",
];

/// The start URL as AWS knows it.
pub fn resolved(
    session: &SsoSession,
    limits: Limits,
    clock: &CorrectedClock<'_>,
    is_canceled: &dyn Fn() -> bool,
) -> String {
    let configured = session.start_url.clone();
    let Ok(address) = configured.parse::<Address>() else { return configured };
    if is_of_aws(&address) || address.is_in_clear() {
        return configured;
    }
    let Some(authority) = address.uri().authority() else { return configured };
    let server = format!("{}://{authority}", address.uri().scheme_str().unwrap_or("https"));
    let service = Service { endpoint_url: Some(server.clone()), ..session.oidc.clone() };
    let Ok(server) = JsonService::connect("sso", server, &service, limits, clock) else { return configured };
    let server = server.until(is_canceled);
    let path = address.uri().path_and_query().map_or("/", |path| path.as_str());
    let location = |method| server.location(&request(method, path)).ok().flatten();
    location("HEAD").or_else(|| location("GET")).and_then(|location| start_page(&location)).unwrap_or(configured)
}

fn request(method: &'static str, path: &str) -> JsonCall {
    JsonCall { action: "StartUrl", method, path: path.to_owned(), header: None, body: None, is_repeatable: true }
}

/// The start page that a redirect leads to, without query and fragment; `None` unless it is one of AWS's.
fn start_page(location: &str) -> Option<String> {
    let page = location.split(['?', '#']).next()?;
    let address: Address = page.parse().ok().filter(|address| !Address::is_plain(address))?;
    is_of_aws(&address).then(|| page.to_owned())
}

/// Is it in a domain of AWS's start pages, at the usual port and without a user's name?
fn is_of_aws(address: &Address) -> bool {
    let host = address.host().to_ascii_lowercase();
    let is_bare = address.uri().authority().is_some_and(|authority| authority.as_str().eq_ignore_ascii_case(&host));
    let is_below = |domain: &str| host.strip_suffix(domain).is_some_and(|name| name.len() > 1 && name.ends_with('.'));
    is_bare && (HOSTS.contains(&host.as_str()) || DOMAINS.iter().any(|domain| is_below(domain)))
}

#[cfg(test)]
mod tests {
    use super::start_page;

    #[test]
    fn only_a_redirect_to_a_start_page_of_aws_counts() {
        for (location, page) in [
            ("https://corp.awsapps.com/start", Some("https://corp.awsapps.com/start")),
            ("https://d-1234567890.awsapps.com/start/#/?tab=accounts", Some("https://d-1234567890.awsapps.com/start/")),
            ("https://ssoins-1.portal.eu-west-1.app.aws?x=1", Some("https://ssoins-1.portal.eu-west-1.app.aws")),
            ("https://identitycenter.amazonaws.com/ssoins-1", Some("https://identitycenter.amazonaws.com/ssoins-1")),
            ("https://Corp.AwsApps.com/start", Some("https://Corp.AwsApps.com/start")),
            ("http://corp.awsapps.com/start", None),
            ("https://awsapps.com/start", None),
            ("https://.awsapps.com/start", None),
            ("https://evilawsapps.com/start", None),
            ("https://corp.awsapps.com.evil.example/start", None),
            ("https://corp.awsapps.com:8443/start", None),
            ("https://corp.awsapps.com@evil.example/start", None),
            ("https://evil@corp.awsapps.com/start", None),
            ("https://evil.example/?https://corp.awsapps.com/start", None),
            ("https://evil.example#.awsapps.com/start", None),
            ("https://x.identitycenter.amazonaws.com/", None),
            ("https://bucket.s3.amazonaws.com/start", None),
            ("/start", None),
            ("//corp.awsapps.com/start", None),
            ("javascript:alert(1)//.awsapps.com/", None),
            ("https://corp.awsapps.com/start\u{1b}[2J", None),
            ("", None),
        ] {
            assert_eq!(start_page(location).as_deref(), page, "{location}");
        }
    }
}
