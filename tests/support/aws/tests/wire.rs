//! What goes over the wire: signatures and clocks, faults, connections, secrets.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use aws_sdk_sts::config::retry::RetryConfig;
use aws_sdk_sts::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_sts::error::ProvideErrorMetadata;
use jiff::{SignedDuration, Timestamp};

use super::{ask, assert_refused, bench, session};
use crate::support::aws::{AccessKey, Aws, Effect, Fault, Kind, RoleSpec, Signer, When};

#[test]
fn the_sdk_gets_from_a_code_to_a_role() {
    let (aws, key, phone) = bench();
    let role = aws.add_role(RoleSpec::new("team/deploy").trust_user("alice").require_mfa());
    let client = |key: &AccessKey| {
        let credentials = Credentials::new(&key.id, &key.secret, key.token.clone(), None, "test");
        let config = aws_sdk_sts::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("ap-northeast-1"))
            .endpoint_url(aws.url())
            .retry_config(RetryConfig::disabled())
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .credentials_provider(credentials)
            .build();
        aws_sdk_sts::Client::from_conf(config)
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let answer = client(&key).get_session_token().serial_number(phone.serial()).token_code(phone.fresh_code());
        let answer = answer.send().await.expect("a session");
        let got = answer.credentials().expect("credentials");
        let session = AccessKey {
            id: got.access_key_id().to_owned(),
            secret: got.secret_access_key().to_owned(),
            token: Some(got.session_token().to_owned()),
        };
        let life = got.expiration().secs() - Timestamp::now().as_second();
        assert!((43_195..=43_200).contains(&life), "{life}");

        let answer = client(&session).assume_role().role_arn(&role).role_session_name("me=+,.@-").send().await;
        let answer = answer.expect("a role");
        let arn = answer.assumed_role_user().expect("a user").arn();
        assert_eq!(arn, "arn:aws:sts::123456789012:assumed-role/deploy/me=+,.@-");

        let identity = client(&session).get_caller_identity().send().await.expect("an identity");
        assert_eq!(identity.arn(), Some("arn:aws:iam::123456789012:user/alice"));

        let mut forged = session.clone();
        forged.secret.replace_range(..1, if forged.secret.starts_with('x') { "y" } else { "x" });
        let error = client(&forged).get_caller_identity().send().await.expect_err("a wrong secret");
        assert_eq!(error.code(), Some("SignatureDoesNotMatch"));
    });
    assert!(aws.calls().iter().all(|call| call.region == "ap-northeast-1" && call.user_agent.contains("aws-sdk-rust")));
}

#[test]
fn issued_credentials_contain_awkward_characters_like_awss() {
    let (aws, key, phone) = bench();
    for _ in 0..20 {
        let session = session(&aws, &key, Some(&phone));
        let token = session.token.as_deref().expect("a token");
        assert!(token.len() > 1000 && token.contains('/') && token.contains('+'));
        assert_eq!((session.secret.len(), session.id.len()), (40, 20));
        assert!(session.secret.contains('/') && session.secret.contains('+'));
        assert!(session.id.starts_with("ASIA"));
    }
    assert!(key.id.starts_with("AKIA") && key.secret.contains('/') && key.secret.contains('+'));
}

#[test]
fn an_injected_fault_occurs_the_given_number_of_times() {
    let (aws, key, phone) = bench();
    let try_code = || {
        let code = phone.fresh_code();
        aws.call(&key, "GetSessionToken", &[("SerialNumber", phone.serial()), ("TokenCode", &code)])
    };
    for (fault, status, code, effect) in [
        (Fault::Throttle, 400, "Throttling", Effect::Refused("Throttling".to_owned())),
        (Fault::ServerError(When::Before, 500), 500, "InternalFailure", Effect::Refused("InternalFailure".to_owned())),
        (Fault::ServerError(When::After, 503), 503, "ServiceUnavailable", Effect::Accepted),
        (Fault::Html, 200, "", Effect::Ignored),
        (
            Fault::region_disabled(),
            403,
            "RegionDisabledException",
            Effect::Refused("RegionDisabledException".to_owned()),
        ),
        (Fault::expired_token(), 403, "ExpiredToken", Effect::Refused("ExpiredToken".to_owned())),
    ] {
        aws.fault("GetSessionToken", fault.clone(), 2);
        for _ in 0..2 {
            let response = try_code().expect("an answer");
            assert_eq!((response.status, response.code().as_str()), (status, code), "{fault:?}");
        }
        assert_eq!(try_code().expect("healed").status, 200, "{fault:?}");
        let effects: Vec<Effect> = aws.take_calls().into_iter().map(|call| call.effect).collect();
        assert_eq!(effects, [effect.clone(), effect, Effect::Accepted], "{fault:?}");
    }
    for (fault, effect) in [
        (Fault::Drop(When::Before), Effect::Ignored),
        (Fault::Drop(When::After), Effect::Accepted),
        (Fault::Truncate, Effect::Accepted),
    ] {
        aws.fault("*", fault.clone(), 1);
        assert!(try_code().is_err(), "{fault:?}");
        let call = aws.take_calls().pop().expect("a call");
        assert_eq!((call.effect, call.fault), (effect, Some(fault)));
        assert_eq!(call.signer, Signer::User("alice".to_owned()));
    }
    for when in [When::Before, When::After] {
        aws.fault("GetSessionToken", Fault::Delay(when, Duration::from_millis(200)), 1);
        let start = Instant::now();
        assert_eq!(try_code().expect("late").status, 200);
        assert!(start.elapsed() >= Duration::from_millis(200));
    }
    aws.fault("*", Fault::Throttle, 99);
    aws.heal();
    assert_eq!(try_code().expect("healed").status, 200);
}

#[test]
fn a_request_with_a_wrong_date_is_refused_with_both_times() {
    let (aws, key, phone) = bench();
    let call = || aws.call_at(&key, "GetCallerIdentity", &[], Timestamp::now()).expect("an answer");
    for (skew, word) in [
        (-600, Some("Signature not yet current: ")),
        (600, Some("Signature expired: ")),
        (-290, None),
        (290, None),
        (0, None),
    ] {
        aws.skew(skew);
        let response = call();
        match word {
            Some(word) => assert_refused(&response, 403, "SignatureDoesNotMatch", word),
            None => assert_eq!(response.status, 200),
        }
        let date = response.head.lines().find_map(|line| line.strip_prefix("Date: ")).expect("a date");
        let date = jiff::fmt::strtime::parse("%a, %d %b %Y %H:%M:%S GMT", date).expect("a date of RFC 9110");
        let date = date.to_datetime().expect("a time").to_zoned(jiff::tz::TimeZone::UTC).expect("in UTC");
        let off = date.timestamp().as_second() - Timestamp::now().as_second() - skew;
        assert!((-2..=2).contains(&off), "{off}");
    }
    aws.skew(86_400);
    let session = session(&aws, &key, Some(&phone));
    let end = aws.holder(&session.id).expect("issued").expires.expect("ends");
    assert!(end > Timestamp::now() + SignedDuration::from_hours(35));
}

#[test]
fn two_hundred_concurrent_calls_succeed() {
    let (aws, key, phone) = bench();
    let code = phone.fresh_code();
    let params = [("SerialNumber", phone.serial()), ("TokenCode", code.as_str())];
    let accepted: usize = thread::scope(|scope| {
        let threads: Vec<_> =
            (0..200).map(|_| scope.spawn(|| ask(&aws, &key, "GetSessionToken", &params).status)).collect();
        threads.into_iter().map(|thread| usize::from(thread.join().expect("no panic") == 200)).sum()
    });
    assert_eq!((accepted, aws.count("GetSessionToken")), (1, 200));
}

#[test]
fn connections_stay_and_end_with_the_server() {
    let aws = Aws::start();
    let mut stream = TcpStream::connect(aws.url().trim_start_matches("http://")).expect("a connection");
    stream.set_read_timeout(Some(Duration::from_secs(5))).expect("a deadline");
    let request = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 43\r\n\r\nAction=GetCallerIdentity&Version=2011-06-15";
    // The second request comes in two pieces, the third together with the second's end.
    let (head, tail) = request.split_at(30);
    for piece in [request, head, &format!("{tail}{request}")] {
        stream.write_all(piece.as_bytes()).expect("it is open");
        thread::sleep(Duration::from_millis(20));
    }
    let deadline = Instant::now() + Duration::from_secs(5);
    while aws.calls().len() < 3 && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(5));
    }
    drop(aws);
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("the server closes");
    assert_eq!(text.matches("<Code>MissingAuthenticationToken</Code>").count(), 3);
}

#[test]
fn leaked_secrets_are_detected() {
    let (aws, key, phone) = bench();
    let session = session(&aws, &key, Some(&phone));
    let token = session.token.clone().expect("a token");
    let code = aws.calls()[0].params.get("TokenCode").expect("it was sent").to_owned();
    assert_eq!(aws.leaks(format!("x{}y", key.secret).as_bytes()), [Kind::SecretKey]);
    assert_eq!(aws.leaks(token.as_bytes()), [Kind::SessionToken]);
    let encoded: String = form_urlencoded::byte_serialize(session.secret.as_bytes()).collect();
    assert_eq!(aws.leaks(encoded.as_bytes()), [Kind::SecretKey]);
    assert!(aws.leaks(format!("code {code}.").as_bytes()).contains(&Kind::Code));
    assert_eq!(aws.leaks(format!("1{code}").as_bytes()), []);
    assert_eq!(aws.leaks(phone.seed_base32().as_bytes()), [Kind::Seed]);
    assert_eq!(aws.leaks(key.id.as_bytes()), []);
}
