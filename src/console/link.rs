//! The addresses that a browser is given.

use percent_encoding::utf8_percent_encode;

use super::destination::{Destination, RESERVED};
use super::error::ConsoleError;
use crate::names::Address;
use crate::plan::SsoRole;
use crate::secret::Secret;

/// Who sent the browser, as AWS's page names it when the session has ended.
const ISSUER: &str = "mfa-cred";

/// The address that signs a browser in, for 15 minutes. It is on the host that issued the token.
pub fn login(sign_in: &str, destination: &Destination, token: &Secret<String>) -> Secret<String> {
    let token = encoded(token.expose());
    let page = destination.encoded();
    Secret::concat(&[
        sign_in,
        "/federation?Action=login&Issuer=",
        ISSUER,
        "&Destination=",
        &page,
        "&SigninToken=",
        token.expose(),
    ])
}

/// The address that first ends the browser's session in the console, and then goes on to another.
pub fn logout_first(sign_in: &str, then: &Secret<String>) -> Secret<String> {
    let then = encoded(then.expose());
    Secret::concat(&[sign_in, "/oauth?Action=logout&redirect_uri=", then.expose()])
}

/// The link by which the start page of IAM Identity Center opens a role in the console. It holds no secret: the page
/// asks the person to sign in, unless the browser already is.
///
/// # Errors
/// The start URL is not an address that a browser may be sent to.
pub fn of_start_page(role: &SsoRole, destination: Option<&Destination>) -> Result<Secret<String>, ConsoleError> {
    let start = start_page(&role.session.start_url).ok_or(ConsoleError::StartUrl)?;
    let name = utf8_percent_encode(&role.role, RESERVED).to_string();
    let page = destination.map(|page| format!("&destination={}", page.encoded())).unwrap_or_default();
    let account = role.account.as_str();
    Ok(Secret::concat(&[start, "/#/console?account_id=", account, "&role_name=", &name, &page]))
}

/// The start page without a slash or a fragment at its end; `None` if no browser may be sent there.
fn start_page(url: &str) -> Option<&str> {
    let start = url.split('#').next()?.trim_end_matches('/');
    let address: Address = start.parse().ok()?;
    // A user name would look like the host.
    let has_user = address.uri().authority().is_some_and(|whole| whole.as_str().contains('@'));
    (!address.is_in_clear() && !has_user).then_some(start)
}

/// A secret, percent-encoded in a buffer that does not grow.
pub(super) fn encoded(text: &str) -> Secret<String> {
    let mut out = String::with_capacity(3 * text.len());
    out.extend(utf8_percent_encode(text, RESERVED));
    Secret::new(out)
}

#[cfg(test)]
mod tests {
    use super::{login, logout_first, start_page};
    use crate::console::destination::Destination;
    use crate::secret::Secret;

    #[test]
    fn each_part_of_an_address_stays_in_its_place() {
        let url = "https://console.aws.amazon.com/iam/home?a=b&c#d".to_owned();
        let page = Destination { url, title: None, is_unknown: false };
        let address = login("https://us-east-1.signin.aws.amazon.com", &page, &Secret::from("a+/=&"));
        assert_eq!(
            address.expose(),
            "https://us-east-1.signin.aws.amazon.com/federation?Action=login&Issuer=mfa-cred&Destination=https%3A%2F%2F\
             console.aws.amazon.com%2Fiam%2Fhome%3Fa%3Db%26c%23d&SigninToken=a%2B%2F%3D%26"
        );
        let address = logout_first("https://x", &Secret::from("https://y/?a=b%20"));
        assert_eq!(address.expose(), "https://x/oauth?Action=logout&redirect_uri=https%3A%2F%2Fy%2F%3Fa%3Db%2520");
    }

    #[test]
    fn a_browser_is_sent_only_to_a_start_page_that_is_plainly_one() {
        for (url, page) in [
            ("https://corp.awsapps.com/start", Some("https://corp.awsapps.com/start")),
            ("https://corp.awsapps.com/start/#/", Some("https://corp.awsapps.com/start")),
            ("https://sso.corp.example", Some("https://sso.corp.example")),
            ("http://127.0.0.1:1/start", Some("http://127.0.0.1:1/start")),
            ("http://corp.awsapps.com/start", None),
            ("https://corp.awsapps.com@evil.com/start", None),
            ("https://corp.awsapps.com\\@evil.com/start", None),
            ("https://corp.awsapps.com/\\evil.com", None),
            ("https://corp.awsapps.com\t/start", None),
            ("//corp.awsapps.com/start", None),
            ("javascript:alert(1)", None),
            ("#", None),
        ] {
            assert_eq!(start_page(url), page, "{url}");
        }
    }
}
