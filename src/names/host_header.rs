//! The `Host` header of a request to a server of ours.

use std::net::IpAddr;
use std::str::FromStr;

use super::NameError;

/// A value of the `Host` header that leads to this machine: `localhost` or an IP address, and a port. Never another name:
/// its owner decides where it leads, and a page of theirs could reach the server by it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HostHeader(String);

impl HostHeader {
    /// The header as a client sends it, or as a person typed it, if it is legal. Two that mean the same are equal.
    fn canonical(text: &str) -> Self {
        let text = text.to_ascii_lowercase();
        // The port that `http` implies.
        Self(text.strip_suffix(":80").map_or_else(|| text.clone(), str::to_owned))
    }

    /// Is this what the client sent?
    pub fn is(&self, sent: &[u8]) -> bool {
        std::str::from_utf8(sent).is_ok_and(|sent| Self::canonical(sent) == *self)
    }
}

impl FromStr for HostHeader {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        const SHAPE: NameError = NameError("expected `localhost` or an IP address, with or without `:PORT`");
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) if !host.contains(':') || host.ends_with(']') => (host, Some(port)),
            _ => (text, None),
        };
        let is_host = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
            Some(address) => address.parse::<IpAddr>().is_ok_and(|address| address.is_ipv6()),
            None if host.eq_ignore_ascii_case("localhost") => true,
            None => host.parse::<IpAddr>().is_ok_and(|address| address.is_ipv4()),
        };
        let is_port = |port: &str| port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok();
        if is_host && port.is_none_or(is_port) { Ok(Self::canonical(text)) } else { Err(SHAPE) }
    }
}

#[cfg(test)]
mod tests {
    use super::HostHeader;

    #[test]
    fn a_host_is_an_address_or_localhost_and_the_port_of_http_is_implied() {
        for (text, same) in [
            ("127.0.0.1:9911", "127.0.0.1:9911"),
            ("LocalHost:9911", "localhost:9911"),
            ("169.254.170.2", "169.254.170.2:80"),
            ("127.0.0.1:80", "127.0.0.1"),
            ("[::1]:9911", "[::1]:9911"),
            ("[fd00:ec2::23]", "[FD00:EC2::23]:80"),
        ] {
            let host: HostHeader = text.parse().expect(text);
            assert!(host.is(same.as_bytes()), "{text}");
            assert!(!host.is(b"127.0.0.1:1") && !host.is(b"") && !host.is(b"\xff"), "{text}");
        }
        for text in
            ["", "example.com", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:+1", "127.0.0.1:65536", "::1", "[1.2.3.4]"]
        {
            assert!(text.parse::<HostHeader>().is_err(), "{text}");
        }
    }
}
