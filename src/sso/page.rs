//! What a person sees in the browser after the sign-in: one page that loads nothing and keeps nothing.
//!
//! The browser's address bar holds the authorization code, which is spent by then. The page takes it out, so that it is
//! neither in a screenshot nor the address that "reload" or a bookmark has.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

/// Which page.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Page {
    /// The person has signed in.
    Received,
    /// The person, or a rule of an administrator, said no.
    Denied,
    /// AWS's page failed.
    Failed,
    /// The request is not from this sign-in; with the HTTP status.
    Refused(&'static str),
}

/// The address bar shows the server alone.
const SCRIPT: &str = r#"history.replaceState(null,"","/")"#;
const STYLE: &str = ":root{color-scheme:light dark}\
                     body{font:1rem/1.5 system-ui,sans-serif;max-width:32rem;margin:20vh auto;padding:0 1.5rem}\
                     h1{font-size:1.5rem}";

impl Page {
    /// The whole answer to the browser's request.
    pub(super) fn response(self) -> String {
        let (status, title, text) = match self {
            Self::Received => ("200 OK", "Sign-in confirmed", "You can close this window and return to the terminal."),
            Self::Denied => ("200 OK", "Sign-in denied", "You can close this window. Nobody was signed in."),
            Self::Failed => ("200 OK", "Sign-in failed", "The terminal shows the reason. You can close this window."),
            Self::Refused(status) => {
                (status, "Not this sign-in", "This is not the answer that mfa-cred is waiting for.")
            }
        };
        let body = format!(
            "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width\"><title>{title} - mfa-cred</title>\
             <style>{STYLE}</style><script>{SCRIPT}</script></head>\n\
             <body><main><h1>{title}</h1><p>{text}</p></main></body></html>\n"
        );
        let mut head = format!("HTTP/1.1 {status}\r\n");
        for (name, value) in [
            ("Content-Type", "text/html; charset=utf-8"),
            ("Content-Length", &body.len().to_string()),
            ("Content-Security-Policy", &policy()),
            ("Referrer-Policy", "no-referrer"),
            ("X-Content-Type-Options", "nosniff"),
            ("Cache-Control", "no-store"),
            ("Connection", "close"),
        ] {
            let _ = write!(head, "{name}: {value}\r\n");
        }
        head + "\r\n" + &body
    }
}

/// Nothing is loaded or sent, no other page embeds this one, and no other script or style than its own is used.
fn policy() -> String {
    let hash = |text: &str| aws_smithy_types::base64::encode(Sha256::digest(text));
    format!(
        "default-src 'none'; script-src 'sha256-{}'; style-src 'sha256-{}'; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'",
        hash(SCRIPT),
        hash(STYLE)
    )
}

#[cfg(test)]
mod tests {
    use super::{Page, SCRIPT, STYLE};

    #[test]
    fn a_page_loads_nothing_keeps_nothing_and_says_what_happened() {
        for (page, status, text) in [
            (Page::Received, "200 OK", "Sign-in confirmed"),
            (Page::Denied, "200 OK", "Sign-in denied"),
            (Page::Failed, "200 OK", "Sign-in failed"),
            (Page::Refused("403 Forbidden"), "403 Forbidden", "Not this sign-in"),
        ] {
            let response = page.response();
            let (head, body) = response.split_once("\r\n\r\n").expect("a head and a body");
            let has = |line: &str| head.lines().any(|known| known == line);
            assert_eq!(head.lines().next(), Some(format!("HTTP/1.1 {status}").as_str()));
            assert!(has("Cache-Control: no-store") && has("Referrer-Policy: no-referrer"), "{head}");
            assert!(has(&format!("Content-Length: {}", body.len())), "{head}");
            assert!(body.contains(&format!("<h1>{text}</h1>")), "{body}");
            assert!(!["src=", "href=", "url(", "http", "@import"].iter().any(|part| body.contains(part)), "{body}");
        }
    }

    #[test]
    fn the_policy_allows_the_pages_own_script_and_style_alone() {
        // printf '%s' TEXT | openssl dgst -sha256 -binary | base64
        let (script, style) =
            ("4yQlCA6sut83myo/n+J0YG9sdFWm5qA32W2S+0f011U=", "F7LwMie7EjEHAVkyZG58jA5fjCDZtzsL4hQckAfxSeE=");
        let allowed = format!("default-src 'none'; script-src 'sha256-{script}'; style-src 'sha256-{style}'; ");
        let response = Page::Received.response();
        assert!(response.contains(&allowed), "{response}");
        assert!(response.contains(&format!("<style>{STYLE}</style><script>{SCRIPT}</script>")), "{response}");
    }
}
