//! Our client of `sso-oidc` against the strict loopback, and its addresses against botocore's rules.

use std::collections::BTreeSet;
use std::process::Command;
use std::time::Duration;

use mfa_cred::names::{Partition, Region};
use mfa_cred::plan::Service;
use mfa_cred::secret::Secret;
use mfa_cred::settings::Limits;
use mfa_cred::sso::endpoint::{Api, url};
use mfa_cred::sso::oidc::{AwsOidc, DEFAULT_SCOPE, Flow, Grant, Oidc, Registering, Registration, TokenError};
use mfa_cred::state::CorrectedClock;
use mfa_cred::system::System;

use crate::support::aws::{Aws, Fault, Person, When};
use crate::support::tools::{find, skip};

fn service(region: &str, endpoint_url: Option<String>) -> Service {
    let region: Region = region.parse().expect("a region");
    Service {
        partition: Partition::of_region(&region),
        region,
        endpoint_url,
        fips: false,
        dualstack: false,
        ca_bundle: None,
        may_be_in_clear: false,
    }
}

/// Runs `with` with a client of the loopback, and with what registers it for the device code flow.
fn with_client(with: impl FnOnce(&Aws, &dyn Oidc, &Registering<'_>)) {
    let aws = Aws::start();
    let clock = CorrectedClock::new(&System, None);
    let long = Duration::from_secs(30);
    let limits = Limits { connect: long, attempt: long, call: long, provider: long };
    let client = AwsOidc::connect(&service("eu-west-1", Some(aws.url())), limits, &clock).expect("a client");
    let (scopes, start_url) = (vec![DEFAULT_SCOPE.to_owned()], aws.sso().start_url());
    let what = Registering { client_name: "a", scopes: &scopes, start_url: &start_url, flow: Flow::DeviceCode };
    with(&aws, &client, &what);
}

/// A client that is signed in, and its refresh token.
fn sign_in(aws: &Aws) -> (Registration, Secret<String>) {
    let issued = aws.sso().sign_in();
    let client_secret = Secret::new(issued.client_secret);
    let client = Registration { client_id: issued.client_id, client_secret, expires_at: issued.expires_at };
    (client, Secret::new(issued.refresh_token.expect("a refresh token")))
}

#[test]
fn every_regions_addresses_are_those_of_botocore() {
    let Some(python) = find("python3", &["-c", "import botocore"]) else {
        return skip("Identity Center's addresses", "botocore");
    };
    let told = Command::new(python).args(["-c", include_str!("endpoints.py")]).output().expect("Python runs");
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    let mut partitions = BTreeSet::new();
    for line in String::from_utf8(told.stdout).expect("text").lines() {
        let [region, fips, dualstack, oidc, portal] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let service = Service { fips: fips == "true", dualstack: dualstack == "true", ..service(region, None) };
        let ours = [Api::Oidc, Api::Portal].map(|api| url(api, &service).expect("an address"));
        assert_eq!(ours, [oidc, portal], "{line}");
        partitions.insert(service.partition.as_str());
    }
    assert_eq!(partitions.len(), 8, "{partitions:?}");
}

#[test]
fn a_configured_endpoint_is_used_unchanged_without_fips_or_dualstack() {
    let configured = service("eu-west-1", Some("https://sso.example.com/x".to_owned()));
    assert_eq!(url(Api::Oidc, &configured).as_deref(), Ok("https://sso.example.com/x"));
    for (fips, dualstack, why) in [(true, false, "FIPS"), (false, true, "dualstack"), (true, true, "FIPS")] {
        let error = url(Api::Portal, &Service { fips, dualstack, ..configured.clone() }).expect_err("a refusal");
        let wanted = format!("no request could be made (a configured endpoint cannot be used with {why})");
        assert_eq!(error.to_string(), wanted);
    }
}

#[test]
fn a_device_code_is_exchanged_once_it_is_confirmed() {
    with_client(|aws, oidc, what| {
        aws.sso().person(Person::Waits);
        let client = oidc.register(what).expect("a client");
        let device = oidc.start(&client, what.start_url).expect("a code");
        assert_eq!((device.expires_in, device.interval), (Duration::from_secs(600), Duration::from_secs(1)));
        let complete = format!("{}?user_code={}", device.verification_uri, device.user_code);
        assert_eq!(device.verification_uri_complete, complete);
        let ask = || oidc.create_token(&client, Grant::DeviceCode(&device.device_code));
        assert_eq!(ask().expect_err("not yet"), TokenError::Pending);
        assert_eq!(ask().expect_err("too soon"), TokenError::SlowDown);
        aws.sso().person(Person::Approves);
        std::thread::sleep(device.interval);
        assert_eq!(ask().expect_err("the person was looking"), TokenError::Pending);
        std::thread::sleep(device.interval);
        let tokens = ask().expect("tokens");
        assert_eq!(tokens.expires_in, Duration::from_secs(3600));
        assert_eq!(ask().expect_err("it is spent"), TokenError::Ended);
    });
}

#[test]
fn a_denied_code_and_an_unknown_client_are_told_apart() {
    with_client(|aws, oidc, what| {
        aws.sso().person(Person::Denies);
        let client = oidc.register(what).expect("a client");
        let device = oidc.start(&client, what.start_url).expect("a code");
        let ask = || oidc.create_token(&client, Grant::DeviceCode(&device.device_code));
        assert_eq!(ask().expect_err("not yet"), TokenError::Pending);
        std::thread::sleep(device.interval);
        assert_eq!(ask().expect_err("the person said no"), TokenError::Denied);
        aws.sso().forget_clients();
        assert_eq!(ask().expect_err("nobody's"), TokenError::UnknownClient);
        assert_eq!(oidc.start(&client, what.start_url).expect_err("nobody's"), TokenError::UnknownClient);
    });
}

#[test]
fn a_refresh_token_rotates_and_its_second_use_ends_the_session() {
    with_client(|aws, oidc, what| {
        let (client, first) = sign_in(aws);
        let other = oidc.register(what).expect("another client");
        assert_eq!(oidc.create_token(&other, Grant::RefreshToken(&first)).expect_err("not its own"), TokenError::Ended);
        let refresh = |token: &Secret<String>| oidc.create_token(&client, Grant::RefreshToken(token));
        let second = refresh(&first).expect("tokens");
        let third = refresh(&second.refresh_token.expect("a refresh token")).expect("tokens");
        assert_eq!(aws.sso().sessions(), 1);
        assert_eq!(refresh(&first).expect_err("a second use"), TokenError::Ended);
        assert_eq!(refresh(&third.refresh_token.expect("a refresh token")).expect_err("lost"), TokenError::Ended);
        assert_eq!(aws.sso().sessions(), 0);
    });
}

#[test]
fn a_call_that_spends_a_token_is_never_sent_twice() {
    with_client(|aws, oidc, what| {
        for fault in [Fault::Drop(When::Before), Fault::ServerError(When::Before, 500), Fault::Html, Fault::Truncate] {
            let (client, token) = sign_in(aws);
            aws.fault("CreateToken", fault.clone(), 1);
            aws.take_calls();
            let error = oidc.create_token(&client, Grant::RefreshToken(&token)).expect_err("a fault");
            assert!(matches!(error, TokenError::Call(_)), "{fault:?}: {error:?}");
            assert_eq!(aws.count("CreateToken"), 1, "{fault:?}");
        }
        // Registering does no harm when it is done twice.
        aws.fault("RegisterClient", Fault::ServerError(When::Before, 500), 1);
        aws.take_calls();
        oidc.register(what).expect("a client");
        assert_eq!(aws.count("RegisterClient"), 2);
    });
}
