//! What kept a request from being sent: the host name, the network, a proxy, or a certificate.
//!
//! In: the connector's error with its causes. Out: an [`Obstacle`], but only if it is certain that no byte of the
//! request was sent, since a code in it then still works. The SDK's connector has no error types to match on, so the
//! texts are parsed; they are never shown, only our own are.

use std::io::{self, ErrorKind};

/// Why nothing was sent.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Obstacle {
    /// DNS does not know the name, or does not answer.
    #[error("its name cannot be resolved")]
    Name,
    /// The connect timeout.
    #[error("it took too long to connect")]
    TooSlow,
    /// Nothing listens there.
    #[error("connection refused")]
    Refused,
    /// No route.
    #[error("the network is unreachable")]
    Network,
    /// 407 from a proxy.
    #[error("the proxy requires a user name and a password")]
    ProxyPassword,
    /// The proxy refuses to open a tunnel to the host.
    #[error("the proxy does not let it through")]
    ProxyRefusal,
    /// The other side closed the connection during the TLS handshake, or answered something else.
    #[error("the server did not complete a TLS handshake")]
    NoTls,
    /// The certificate has expired, or this machine's clock is fast.
    #[error("its TLS certificate has expired")]
    Expired,
    /// The certificate is not valid yet, or this machine's clock is slow.
    #[error("its TLS certificate is not valid yet")]
    NotYetValid,
    /// The certificate belongs to another name.
    #[error("its TLS certificate is for another name")]
    AnotherName,
    /// No trusted authority has issued the certificate.
    #[error("its TLS certificate comes from an issuer that is not trusted here")]
    UnknownIssuer,
    /// The certificate is invalid for another reason.
    #[error("its TLS certificate is not valid")]
    Certificate,
    /// Anything else before the connection was established.
    #[error("no connection")]
    Other,
}

impl Obstacle {
    /// What stood in the way, if it is certain that nothing was sent.
    pub(super) fn of(error: &(dyn std::error::Error + 'static)) -> Option<Self> {
        let mut is_connecting = false;
        for cause in std::iter::successors(Some(error), |error| error.source()) {
            let text = cause.to_string();
            is_connecting |= text.contains("tcp connect error")
                || text.contains("HTTP connect timeout")
                || text.contains("client error (Connect)");
            let said = Self::of_text(&text);
            if said.is_some() {
                return said;
            }
            if let Some(io) = cause.downcast_ref::<io::Error>() {
                match io.kind() {
                    ErrorKind::ConnectionRefused => return Some(Self::Refused),
                    ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable | ErrorKind::NetworkDown => {
                        return Some(Self::Network);
                    }
                    _ => {}
                }
            }
        }
        is_connecting.then_some(Self::Other)
    }

    fn of_text(text: &str) -> Option<Self> {
        let has = |part: &str| text.contains(part);
        Some(match () {
            () if has("dns error") => Self::Name,
            () if has("HTTP connect timeout") => Self::TooSlow,
            () if has("proxy authorization required") => Self::ProxyPassword,
            () if has("tunnel error: unsuccessful") => Self::ProxyRefusal,
            () if has("received corrupt message") || has("tls handshake eof") => Self::NoTls,
            () if !has("certificate") => return None,
            () if has("expired") || has("Expired") => Self::Expired,
            () if has("not valid yet") || has("NotValidYet") => Self::NotYetValid,
            () if has("not valid for name") || has("NotValidForName") => Self::AnotherName,
            () if has("UnknownIssuer") => Self::UnknownIssuer,
            () => Self::Certificate,
        })
    }

    /// What a person can do about it.
    pub fn hint(self) -> &'static str {
        match self {
            Self::ProxyPassword => "put them into the proxy's variable: HTTPS_PROXY=http://USER:PASSWORD@HOST:PORT",
            Self::Expired | Self::NotYetValid => {
                "check this machine's clock; if it is right, something between here and AWS answers in its place"
            }
            Self::AnotherName | Self::UnknownIssuer | Self::Certificate => {
                "something between here and AWS answers in its place; where that is your company's proxy, name its \
                 certificates in AWS_CA_BUNDLE"
            }
            Self::Name
            | Self::TooSlow
            | Self::Refused
            | Self::Network
            | Self::ProxyRefusal
            | Self::NoTls
            | Self::Other => "check the network, the proxy variables and the region",
        }
    }
}
