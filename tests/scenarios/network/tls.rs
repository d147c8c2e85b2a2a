//! Valid and invalid certificates, and proxies that require a password: a TLS server on the loopback in front of AWS.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::{LIMITS, assert_network, code_is_unspent, cold, sign_in};
use crate::support::pty::PATIENCE;
use crate::support::world::{Cast, World};

const HERE: &str = "127.0.0.1";
const CLOCK: &str =
    "hint: check this machine's clock; if it is right, something between here and AWS answers in its place";
const COMPANY: &str = "hint: something between here and AWS answers in its place; where that is your company's proxy, \
                       name its certificates in AWS_CA_BUNDLE";

/// A certificate authority.
pub(super) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub(super) pem: String,
}

impl Authority {
    pub(super) fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let pem = params.self_signed(&key).expect("signed").pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    /// Makes every process of the world trust this authority and no other.
    fn is_trusted_in(&self, world: &World) {
        world.write("authority.pem", &self.pem);
        world.set("AWS_CA_BUNDLE", world.home().join("authority.pem").to_str().expect("a path in UTF-8"));
    }

    /// A server's certificate for `name`, valid within these years, and its key.
    fn vouch(&self, name: &str, years: (i32, i32)) -> Arc<ServerConfig> {
        let mut params = CertificateParams::new(vec![name.to_owned()]).expect("a name");
        (params.not_before, params.not_after) = (date_time_ymd(years.0, 1, 1), date_time_ymd(years.1, 1, 1));
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("signed").der().clone();
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions of TLS")
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key);
        Arc::new(config.expect("a certificate and its key"))
    }
}

/// Serves the world's AWS with that certificate, and returns the address.
fn secure(world: &World, config: Arc<ServerConfig>) -> String {
    let aws = address(&world.aws.url());
    listen(move |stream| {
        let connection = ServerConnection::new(Arc::clone(&config)).map_err(io::Error::other)?;
        stream.set_read_timeout(Some(LOOK))?;
        relay(&mut StreamOwned::new(connection, stream), &mut TcpStream::connect(&aws)?)
    })
}

/// A proxy that requires this `Proxy-Authorization`; returns its address.
fn strict_proxy(authorization: &'static str) -> String {
    listen(move |mut stream| {
        let head = read_head(&mut stream)?;
        let line = format!("proxy-authorization: {authorization}").to_lowercase();
        if !head.lines().any(|header| header.to_lowercase() == line) {
            let refusal =
                "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"office\"\r\n";
            return write!(stream, "{refusal}Content-Length: 0\r\nConnection: close\r\n\r\n");
        }
        let target = head.split(' ').nth(1).ok_or(ErrorKind::InvalidData)?;
        let mut target = TcpStream::connect(target)?;
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n")?;
        stream.set_read_timeout(Some(LOOK))?;
        relay(&mut stream, &mut target)
    })
}

const LOOK: Duration = Duration::from_millis(5);

fn listen(attend: impl Fn(TcpStream) -> io::Result<()> + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind((HERE, 0)).expect("a port");
    let address = listener.local_addr().expect("its address").to_string();
    let attend = Arc::new(attend);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let attend = Arc::clone(&attend);
            // A client that disconnects ends only its own connection.
            thread::spawn(move || drop(attend(stream)));
        }
    });
    address
}

/// Forwards bytes in both directions until one side ends.
fn relay(client: &mut (impl Read + Write), server: &mut TcpStream) -> io::Result<()> {
    server.set_read_timeout(Some(LOOK))?;
    loop {
        carry(client, server)?;
        carry(server, client)?;
    }
}

fn carry(from: &mut impl Read, to: &mut impl Write) -> io::Result<()> {
    let mut bytes = [0; 16 << 10];
    match from.read(&mut bytes) {
        Ok(0) => Err(ErrorKind::UnexpectedEof.into()),
        Ok(length) => to.write_all(&bytes[..length]).and_then(|()| to.flush()),
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => Ok(()),
        Err(error) => Err(error),
    }
}

fn read_head(stream: &mut TcpStream) -> io::Result<String> {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte)?;
        head.extend(byte);
    }
    String::from_utf8(head).map_err(io::Error::other)
}

fn address(url: &str) -> String {
    url.trim_start_matches("http://").to_owned()
}

#[test]
fn an_invalid_certificate_is_reported_with_the_reason() {
    let (ours, theirs) = (Authority::new("ours"), Authority::new("theirs"));
    for (config, reason, hint) in [
        (ours.vouch(HERE, (2001, 2020)), "its TLS certificate has expired", CLOCK),
        (ours.vouch(HERE, (2200, 2300)), "its TLS certificate is not valid yet", CLOCK),
        (ours.vouch("sts.example.com", (2001, 2300)), "its TLS certificate is for another name", COMPANY),
        (
            theirs.vouch(HERE, (2001, 2300)),
            "its TLS certificate comes from an issuer that is not trusted here",
            COMPANY,
        ),
    ] {
        let cast = cold();
        ours.is_trusted_in(&cast.world);
        let address = secure(&cast.world, config);
        let (done, _) = sign_in(&cast, &format!("https://{address}"));
        assert_network(&done, &format!("AWS could not be reached ({reason})"));
        assert_eq!(done.stderr.lines().nth(1), Some(hint), "{done:?}");
        assert!(code_is_unspent(&cast), "{reason}");
        assert!(cast.world.aws.take_calls().is_empty(), "{reason}");
    }
}

#[test]
fn a_certificate_of_a_configured_authority_is_accepted_only_while_configured() {
    let authority = Authority::new("ours");
    let cast = cold();
    let address = secure(&cast.world, authority.vouch(HERE, (2001, 2300)));
    let (stranger, _) = sign_in(&cast, &format!("https://{address}"));
    assert_network(
        &stranger,
        "AWS could not be reached (its TLS certificate comes from an issuer that is not trusted here)",
    );
    authority.is_trusted_in(&cast.world);
    let (done, _) = sign_in(&cast, &format!("https://{address}"));
    assert_eq!((done.status.code(), done.stderr.as_str()), (Some(0), ""), "{done:?}");
    assert_eq!((cast.world.aws.count("GetSessionToken"), cast.world.aws.count("AssumeRole")), (1, 1));
}

#[test]
fn certificates_in_a_folder_of_ssl_cert_dir_are_trusted() {
    let authority = Authority::new("ours");
    for more in ["", ":/etc/ssl/certs"] {
        let cast = cold();
        let Cast { world, .. } = &cast;
        // The name that `openssl rehash` gives.
        world.write("authorities/0123abcd.0", &authority.pem);
        world.set("SSL_CERT_DIR", format!("{}{more}", world.home().join("authorities").display()));
        let address = secure(world, authority.vouch(HERE, (2001, 2300)));
        let (done, _) = sign_in(&cast, &format!("https://{address}"));
        assert_eq!((done.status.code(), done.stderr.as_str()), (Some(0), ""), "{more}: {done:?}");
    }
}

#[test]
fn certificates_of_ssl_cert_file_and_ssl_cert_dir_are_trusted_together_despite_unusable_ones() {
    let (ours, theirs) = (Authority::new("ours"), Authority::new("theirs"));
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for (file, folder) in [(&ours, &theirs), (&theirs, &ours)] {
        let cast = cold();
        let Cast { world, .. } = &cast;
        world.write("authority.pem", format!("a comment\n{broken}{}{broken}", file.pem));
        world.write("authorities/README", "no certificate");
        world.write("authorities/one.pem", &folder.pem);
        for (variable, name) in [("SSL_CERT_FILE", "authority.pem"), ("SSL_CERT_DIR", "authorities")] {
            world.set(variable, world.home().join(name).to_str().expect("a path in UTF-8"));
        }
        let address = secure(world, ours.vouch(HERE, (2001, 2300)));
        let (done, _) = sign_in(&cast, &format!("https://{address}"));
        assert_eq!((done.status.code(), done.stderr.as_str()), (Some(0), ""), "{done:?}");
    }
}

#[test]
fn an_empty_ssl_cert_file_stands_for_the_systems_certificates() {
    let cast = cold();
    cast.world.set("SSL_CERT_FILE", "");
    let address = secure(&cast.world, Authority::new("theirs").vouch(HERE, (2001, 2300)));
    let (done, _) = sign_in(&cast, &format!("https://{address}"));
    let reason = "its TLS certificate comes from an issuer that is not trusted here";
    assert_network(&done, &format!("AWS could not be reached ({reason})"));
}

#[test]
fn a_ca_bundle_without_a_usable_certificate_is_named_before_a_code_is_asked_for() {
    let cast = cold();
    let Cast { world, .. } = &cast;
    world.set("AWS_ENDPOINT_URL", "https://127.0.0.1:9");
    let config = world.read(".aws/config");
    let at = |name: &str| world.home().join(name).display().to_string();
    let sections = ["CERTIFICATE", "TRUSTED CERTIFICATE", "PRIVATE KEY"];
    let mut contents = vec![String::new(), "garbage".to_owned(), "-----BEGIN CERTIFICATE-----\nAAAA".to_owned()];
    contents.extend(sections.map(|name| format!("-----BEGIN {name}-----\nAAAA\n-----END {name}-----\n")));
    contents.push("-----BEGIN CERTIFICATE-----\n?\n-----END CERTIFICATE-----\n".to_owned());
    for content in &contents {
        world.write("folder/ca.pem", content);
        let (file, folder) = (at("folder/ca.pem"), at("folder"));
        for (variable, value, why) in [
            ("AWS_CA_BUNDLE", &file, format!("bundle {file}: it has no usable certificate")),
            ("SSL_CERT_FILE", &file, format!("bundle {file}: it has no usable certificate")),
            ("SSL_CERT_DIR", &folder, format!("folder {folder}: no file in it has a usable certificate")),
            ("ca_bundle", &file, format!("bundle {file}: it has no usable certificate")),
        ] {
            for name in ["AWS_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR"] {
                world.set(name, if name == variable { value } else { "" });
            }
            let line = if variable == "ca_bundle" { format!("\nca_bundle = {value}\n") } else { String::new() };
            world.write(".aws/config", config.replace("[profile deploy]", &format!("[profile deploy]{line}")));
            let finished = world.at_terminal(&["process", "deploy"]).finish(PATIENCE);
            assert_eq!(finished.status.code(), Some(1), "{variable}, {content:?}: {finished:?}");
            assert!(!finished.terminal.contains("MFA code"), "{variable}, {content:?}: {finished:?}");
            let error = format!("error: no connection to AWS can be set up: no request could be made (the CA {why})\n");
            assert_eq!(world.without_tilde(&finished.stderr), error, "{variable}, {content:?}");
        }
    }
}

#[test]
fn a_proxy_that_needs_a_password_is_named_and_accepts_one() {
    let authority = Authority::new("ours");
    // `ann:pass word`, as in RFC 7617.
    let proxy = strict_proxy("Basic YW5uOnBhc3Mgd29yZA==");
    for (scheme, variable) in [("https", "HTTPS_PROXY"), ("http", "HTTP_PROXY")] {
        let cast = cold();
        let Cast { world, .. } = &cast;
        authority.is_trusted_in(world);
        // Unencrypted requests go to a proxy only if the settings allow it.
        world.write("config/mfa-cred/config.ini", format!("{LIMITS}allow_http = true\n"));
        let is_https = scheme == "https";
        let there = || secure(world, authority.vouch(HERE, (2001, 2300)));
        let address = if is_https { there() } else { "sts.test".to_owned() };
        for url in [format!("http://{proxy}"), format!("http://ann:wrong@{proxy}")] {
            world.set(variable, &url);
            let (done, _) = sign_in(&cast, &format!("{scheme}://{address}"));
            assert_network(&done, "AWS could not be reached (the proxy requires a user name and a password)");
            let hint = "hint: put them into the proxy's variable: HTTPS_PROXY=http://USER:PASSWORD@HOST:PORT";
            assert_eq!(done.stderr.lines().nth(1), Some(hint), "{scheme}: {done:?}");
            assert!(code_is_unspent(&cast), "{scheme}");
            assert!(world.aws.take_calls().is_empty(), "{scheme}");
        }
        // With the right password it works through a tunnel; without TLS there is no tunnel.
        if scheme == "https" {
            world.set(variable, format!("http://ann:pass%20word@{proxy}"));
            let (done, _) = sign_in(&cast, &format!("{scheme}://{address}"));
            assert_eq!((done.status.code(), done.stderr.as_str()), (Some(0), ""), "{done:?}");
        }
    }
}
