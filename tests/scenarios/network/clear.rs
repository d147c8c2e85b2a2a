//! Unencrypted connections, and third parties on the route: refused, or shown before a code is typed.

use std::io::Read;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::{LIMITS, cold, sign_in};
use crate::support::pty::PATIENCE;
use crate::support::world::Cast;

/// A proxy that hangs up, its address, and the number of connections.
fn eavesdropper() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("its address");
    let came = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&came);
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 4096]);
            counter.fetch_add(1, Ordering::SeqCst);
        }
    });
    (format!("http://{address}"), came)
}

const HINT: &str = "hint: use an `https://` address; if you trust the whole network path, set `allow_http = true` in mfa-cred's own config.ini\n";

#[test]
fn plain_http_is_refused_before_anything_is_sent() {
    let cast = cold();
    let Cast { world, .. } = &cast;
    let (proxy, came) = eavesdropper();
    world.set("HTTP_PROXY", &proxy);
    world.set("ALL_PROXY", &proxy);
    for (url, host) in [
        ("http://sts.example", "sts.example"),
        ("http://127.0.0.1.example", "127.0.0.1.example"),
        ("http://127.0.0.1@sts.example", "sts.example"),
        ("http://me:hunter2@sts.example:80/x", "sts.example"),
        ("http://[::ffff:192.0.2.1]", "[::ffff:192.0.2.1]"),
        ("http://0.0.0.0:1", "0.0.0.0"),
        ("http://127.1", "127.1"),
        ("http://2130706433", "2130706433"),
        ("http://169.254.169.254", "169.254.169.254"),
    ] {
        let (done, _) = sign_in(&cast, url);
        assert_eq!((done.status.code(), done.stdout.as_str()), (Some(1), ""), "{done:?}");
        let error = format!(
            "error: `AWS_ENDPOINT_URL` in the environment is plain http: anyone on the network path to `{host}` \
             could read codes and credentials\n"
        );
        assert_eq!(done.stderr, format!("{error}{HINT}"));
    }
    assert_eq!(came.load(Ordering::SeqCst), 0);
}

#[test]
fn plain_http_is_refused_from_every_source_and_for_iam_too() {
    let Cast { world, .. } = &cold();
    let config = world.read(".aws/config");
    world.set("AWS_ENDPOINT_URL", "");
    for (lines, key, line) in [
        ("endpoint_url = http://sts.example\n", "endpoint_url", 1),
        ("services = dev\n[services dev]\nsts =\n  endpoint_url = http://sts.example\n", "sts", 3),
    ] {
        let more = "[profile extra]\nsource_profile = alice\nrole_arn = arn:aws:iam::123456789012:role/x\n";
        world.write(".aws/config", format!("{config}{more}{lines}"));
        let place = config.lines().count() + more.lines().count() + line;
        let done = world.run(&["process", "extra"]);
        assert_eq!(done.status.code(), Some(1), "{done:?}");
        let file = world.home().join(".aws/config");
        let start = format!("error: {}:{place}: `{key}` is plain http", file.display());
        assert!(done.stderr.starts_with(&start) && done.stderr.ends_with(HINT), "{done:?}");
        // `show` and `list` report the same and continue.
        let shown = world.run(&["show", "extra"]);
        assert!(shown.status.success() && shown.stdout.contains(" is plain http"), "{shown:?}");
    }
    world.write(".aws/config", &config);
    world.set("AWS_ENDPOINT_URL", world.aws.url());
    world.set("AWS_ENDPOINT_URL_IAM", "http://iam.example");
    // A `credential_process` is not run, and STS is not called either: neither for the identity nor for a session.
    world.add_config("[profile run]\ncredential_process = touch ran\n");
    let calls = world.aws.calls().len();
    for line in [
        "device list --profile alice",
        "device list --profile run",
        "device list --profile deploy --user bob",
        "device resync --profile alice",
        "device remove --profile alice",
        "device enroll --profile alice",
        "policy check --user bob --profile deploy",
    ] {
        let done = world.run(&line.split(' ').collect::<Vec<_>>());
        assert_eq!(done.status.code(), Some(1), "{line}: {done:?}");
        let start = "error: `AWS_ENDPOINT_URL_IAM` in the environment is plain http";
        assert!(done.stderr.starts_with(start), "{line}: {done:?}");
    }
    assert_eq!(world.aws.calls().len(), calls, "{:?}", world.aws.calls());
    assert!(!world.home().join("ran").exists(), "the program was run");
}

#[test]
fn only_the_settings_can_allow_plain_http() {
    let cast = cold();
    let Cast { world, .. } = &cast;
    let (proxy, came) = eavesdropper();
    world.set("HTTP_PROXY", &proxy);
    for (name, value) in [("MFA_CRED_ALLOW_HTTP", "true"), ("ALLOW_HTTP", "1"), ("allow_http", "true")] {
        world.set(name, value);
    }
    let (done, _) = sign_in(&cast, "http://sts.example");
    assert_eq!((done.status.code(), came.load(Ordering::SeqCst)), (Some(1), 0), "{done:?}");
    world.write("config/mfa-cred/config.ini", format!("{LIMITS}allow_http = true\n"));
    let (done, _) = sign_in(&cast, "http://sts.example");
    assert_eq!((done.status.code(), came.load(Ordering::SeqCst)), (Some(6), 1), "{done:?}");
    let listed = world.run(&["list"]);
    assert!(!listed.stdout.contains("(error)"), "{listed:?}");
}

#[test]
fn a_loopback_endpoint_is_reached_directly_under_every_name() {
    let cast = cold();
    let Cast { world, .. } = &cast;
    let (proxy, came) = eavesdropper();
    world.set("HTTP_PROXY", &proxy);
    let url = world.aws.url();
    // No resolver knows the last of them.
    for host in ["127.0.0.1", "localhost", "sts.localhost"] {
        world.run(&["clear"]);
        let (done, _) = sign_in(&cast, &url.replace("127.0.0.1", host));
        assert_eq!((done.status.code(), done.stderr.as_str()), (Some(0), ""), "{host}: {done:?}");
    }
    assert_eq!(came.load(Ordering::SeqCst), 0);
}

#[test]
fn the_prompt_names_foreign_endpoints_proxies_and_certificates() {
    let own = |world: &crate::support::world::World| format!("[{}] MFA code for deploy (alice-phone)", world.aws.url());
    let plain = "MFA code for deploy (alice-phone)".to_owned();
    let bundle = "/tmp/\u{1b}[2J/".to_owned() + &"x".repeat(60) + "/ca.pem";
    let file = tempfile::NamedTempFile::with_suffix("-a-very-long-name-of-a-bundle-ca.pem").expect("a file");
    let authority = super::tls::Authority::new("ours");
    std::fs::write(file.path(), &authority.pem).expect("it is written");
    let bundled = file.path().to_str().expect("UTF-8");
    let proxied = format!("{plain} via proxy http://proxy.example:3128");
    for (variables, endpoint, prompt) in [
        (&[][..], None, None),
        (&[("HTTPS_PROXY", "http://me:hunter2@proxy.example:3128")][..], Some(""), Some(&proxied)),
        (&[("HTTPS_PROXY", "http://p"), ("NO_PROXY", ".amazonaws.com")][..], Some(""), Some(&plain)),
        (&[("HTTP_PROXY", "http://proxy.example:3128")][..], Some(""), Some(&plain)),
        (&[("HTTP_PROXY", "http://proxy.example:3128")][..], None, None),
        (&[][..], Some("https://vpce-1.sts.eu-west-1.vpce.amazonaws.com"), Some(&plain)),
    ] {
        let Cast { world, .. } = &cold();
        let prompt = prompt.cloned().unwrap_or_else(|| own(world));
        for (name, value) in variables {
            world.set(name, value);
        }
        if let Some(endpoint) = endpoint {
            world.set("AWS_ENDPOINT_URL", endpoint);
        }
        assert_eq!(asks(world), format!("{prompt}: "), "{variables:?} {endpoint:?}");
    }
    let Cast { world, .. } = &cold();
    world.set("AWS_ENDPOINT_URL", "https://me:hunter2@sts.example/x?y");
    assert_eq!(asks(world), format!("[https://sts.example] {plain}: "));
    world.set("SSL_CERT_FILE", bundled);
    let shown = &bundled[bundled.len() - 40..];
    assert_eq!(asks(world), format!("[https://sts.example] {plain} trusting ...{shown}: "));
    world.write("authorities/ca.pem", &authority.pem);
    world.set("SSL_CERT_DIR", "/etc/ssl/certs");
    assert_eq!(asks(world), format!("[https://sts.example] {plain} trusting ...{shown}: "));
    let folder = world.home().join("authorities").display().to_string();
    world.set("SSL_CERT_DIR", &folder);
    let end = folder.chars().count().saturating_sub(40);
    let folder = if end > 0 { format!("...{}", &folder[end..]) } else { folder };
    assert_eq!(asks(world), format!("[https://sts.example] {plain} trusting ...{shown} and {folder}: "));
    // A missing file is reported before anybody types.
    world.set("AWS_CA_BUNDLE", &bundle);
    let done = world.run(&["process", "deploy", "--mfa-token", "123456"]);
    assert_eq!(done.status.code(), Some(1), "{done:?}");
    assert!(!done.stderr.contains('\u{1b}') && done.stderr.contains("the CA bundle /tmp/\\u{1b}"), "{done:?}");
}

/// The prompt that a person sees.
fn asks(world: &crate::support::world::World) -> String {
    let mut session = world.at_terminal(&["process", "deploy"]);
    session.wait_for("MFA code for ", PATIENCE);
    session.wait_for(": ", PATIENCE);
    session.control('c');
    let finished = session.finish(PATIENCE);
    let line = finished.terminal.lines().find(|line| line.contains("MFA code")).unwrap_or_default();
    line.trim_end_matches("^C").to_owned()
}
