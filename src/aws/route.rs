//! The route to a service: its address, the proxy in front of it, and the certificates that are trusted there.
//!
//! In: a plan's [`Service`] and the process's environment, which the HTTP client and the system's certificate loader
//! read directly. Out: the input for building the client, and the words that tell a person, before a code is typed,
//! that something other than AWS or this system has an influence.

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use aws_sdk_sts::config::endpoint::{DefaultResolver, Params, ResolveEndpoint};
use aws_smithy_http_client::proxy::ProxyConfig;
use hyper_util::client::proxy::matcher::Matcher;

use crate::code::Way;
use crate::names::Address;
use crate::plan::Service;

/// The number of characters of a path that fit into a prompt; its end says which file it is.
const SHOWN: usize = 40;

/// The usual locations of the system's certificates. A variable that names one of these changes nothing.
const OF_SYSTEMS: [&str; 8] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/ssl/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
    "/etc/ssl/certs",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/pki/tls/cert.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
];

/// Which certificates are trusted.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Trust {
    /// The system's.
    System,
    /// The ones in `SSL_CERT_FILE` and in the folders of `SSL_CERT_DIR`, of which at least one is set.
    Named {
        /// `SSL_CERT_FILE`
        file: Option<PathBuf>,
        /// `SSL_CERT_DIR`
        folders: Option<PathBuf>,
    },
    /// The ones in `AWS_CA_BUNDLE` or `ca_bundle`, and no others.
    Bundle(PathBuf),
}

/// The route to a service.
#[derive(Clone, Debug)]
pub struct Route {
    /// The configured endpoint; `None` means AWS's own address.
    endpoint: Option<Address>,
    pub(super) trust: Trust,
    /// Requests to this machine, or to the metadata service of its instance or container, never go through a proxy.
    is_direct: bool,
}

impl Route {
    /// The route to this service.
    pub fn to(service: &Service) -> Self {
        let endpoint: Option<Address> = service.endpoint_url.as_deref().and_then(|url| url.parse().ok());
        let trust = service.ca_bundle.clone().map_or_else(|| trust_of(&|name| std::env::var_os(name)), Trust::Bundle);
        let is_direct = endpoint.as_ref().is_some_and(|address| address.is_plain() && address.is_loopback());
        Self { endpoint, trust, is_direct }
    }

    /// The route to the metadata service of this instance or container. It answers with credentials and is one hop
    /// away, so a proxy would be a mistake.
    pub(crate) fn to_this_host() -> Self {
        Self { endpoint: None, trust: trust_of(&|name| std::env::var_os(name)), is_direct: true }
    }

    pub(super) fn is_plain(&self) -> bool {
        self.endpoint.as_ref().is_some_and(Address::is_plain)
    }

    pub(super) fn is_named_loopback(&self) -> bool {
        self.is_direct && self.endpoint.as_ref().is_some_and(Address::is_named_loopback)
    }

    /// The proxy from `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`, if they apply here.
    pub(super) fn proxies(&self) -> ProxyConfig {
        if self.is_direct { ProxyConfig::disabled() } else { ProxyConfig::from_env() }
    }

    /// What on this route is neither AWS's nor the system's own, in the words of a prompt.
    pub fn in_words(&self, service: &Service) -> Way {
        let endpoint = self.endpoint.as_ref().filter(|address| !address.is_of_aws());
        let proxy = self.proxy(service).map(|proxy| format!(" via proxy {proxy}"));
        let foreign = if self.is_plain() { Vec::new() } else { self.trust.foreign() };
        let foreign: Vec<String> = foreign.into_iter().map(|path| Shortened(path).to_string()).collect();
        let trust = (!foreign.is_empty()).then(|| format!(" trusting {}", foreign.join(" and ")));
        Way {
            to: endpoint.map_or_else(String::new, ToString::to_string),
            via: [proxy, trust].into_iter().flatten().collect(),
        }
    }

    /// The host that a connection goes to first: the proxy, else the service.
    pub fn first_host(&self, service: &Service) -> Option<String> {
        let address = self.endpoint.clone().or_else(|| address_of(service))?;
        let proxy = Matcher::from_env().intercept(address.uri()).filter(|_| !self.is_direct);
        Some(proxy.and_then(|proxy| proxy.uri().host().map(str::to_owned)).unwrap_or_else(|| address.host().to_owned()))
    }

    fn proxy(&self, service: &Service) -> Option<String> {
        if self.is_direct {
            return None;
        }
        let address = self.endpoint.clone().or_else(|| address_of(service))?;
        let proxy = Matcher::from_env().intercept(address.uri())?;
        let shown = proxy.uri().to_string().parse().map(|address: Address| address.to_string());
        // A proxy of another kind (SOCKS): its host identifies it sufficiently.
        Some(shown.unwrap_or_else(|_| proxy.uri().host().unwrap_or_default().to_owned()))
    }
}

/// AWS's own address for STS, according to the SDK's rules.
fn address_of(service: &Service) -> Option<Address> {
    let params = Params::builder()
        .region(service.region.as_str().to_owned())
        .use_fips(service.fips)
        .use_dual_stack(service.dualstack)
        .build()
        .ok()?;
    let resolver = DefaultResolver::new();
    let endpoint = super::runtime::runtime().ok()?.block_on(ResolveEndpoint::resolve_endpoint(&resolver, &params));
    endpoint.ok()?.url().parse().ok()
}

impl Trust {
    /// The files and folders in it that are not the system's own.
    fn foreign(&self) -> Vec<&Path> {
        let is_foreign = |path: &Path| !OF_SYSTEMS.iter().any(|known| Path::new(known) == path);
        match self {
            Self::System => Vec::new(),
            Self::Bundle(path) => vec![path],
            Self::Named { file, folders } => {
                let file = file.as_deref().filter(|file| is_foreign(file));
                let has_foreign = |list: &&Path| std::env::split_paths(list).any(|folder| is_foreign(&folder));
                file.into_iter().chain(folders.as_deref().filter(has_foreign)).collect()
            }
        }
    }
}

/// Both variables count when both are set, as for OpenSSL. The crate that loads the system's certificates takes an empty
/// `SSL_CERT_FILE` for a file, and then trusts nothing: here it stands for the system's own file.
fn trust_of(variable: &dyn Fn(&str) -> Option<OsString>) -> Trust {
    let named = |name| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let (mut file, folders) = (named("SSL_CERT_FILE"), named("SSL_CERT_DIR"));
    if file.is_none() && folders.is_none() && variable("SSL_CERT_FILE").is_some() {
        file = OF_SYSTEMS.iter().map(PathBuf::from).find(|path| path.is_file());
    }
    if file.is_none() && folders.is_none() { Trust::System } else { Trust::Named { file, folders } }
}

/// A path, with its beginning cut off if it is long.
struct Shortened<'a>(&'a Path);

impl fmt::Display for Shortened<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = crate::messages::one_line(&self.0.display().to_string());
        match text.chars().count().checked_sub(SHOWN) {
            Some(cut) if cut > 0 => write!(f, "...{}", text.chars().skip(cut).collect::<String>()),
            _ => f.write_str(&text),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::path::Path;

    use super::{Shortened, trust_of};

    #[test]
    fn a_variable_that_names_the_systems_certificates_is_not_worth_a_word() {
        let system = "/etc/ssl/certs/ca-certificates.crt";
        for (file, folders, foreign) in [
            (None, None, &[][..]),
            (Some(""), None, &[]),
            (Some(""), Some(""), &[]),
            (Some(system), None, &[]),
            (None, Some("/etc/ssl/certs"), &[]),
            (Some("/home/me/ca.pem"), None, &["/home/me/ca.pem"]),
            (Some("/home/me/ca.pem"), Some("/etc/ssl/certs"), &["/home/me/ca.pem"]),
            (Some(system), Some("/home/me"), &["/home/me"]),
            (Some("/home/me/ca.pem"), Some("/home/me"), &["/home/me/ca.pem", "/home/me"]),
            (None, Some("/etc/ssl/certs:/home/me"), &["/etc/ssl/certs:/home/me"]),
        ] {
            let value = |name: &str| if name == "SSL_CERT_FILE" { file } else { folders };
            let trust = trust_of(&|name| value(name).map(OsString::from));
            assert_eq!(trust.foreign(), foreign.iter().map(Path::new).collect::<Vec<_>>(), "{file:?} {folders:?}");
        }
    }

    #[test]
    fn a_path_in_a_prompt_is_short_and_escaped() {
        let long = format!("/{}/ca.pem", "x".repeat(100));
        for (path, shown) in [
            ("/ca.pem", "/ca.pem"),
            ("/a\x1b[2J\n", "/a\\u{1b}[2J\\n"),
            (&long, "...xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx/ca.pem"),
        ] {
            assert_eq!(Shortened(Path::new(path)).to_string(), shown);
        }
    }
}
