//! Tables of valid and invalid names.

use super::*;

#[test]
fn durations() {
    for (text, secs) in [
        ("900", Some(900)),
        ("15m", Some(900)),
        ("1h30m", Some(5400)),
        ("12h", Some(43_200)),
        ("1h1m1s", Some(3661)),
        ("90s", Some(90)),
        ("", None),
        ("h", None),
        ("1m1h", None),
        ("abc", None),
        ("-5", None),
        ("+5", None),
        ("1h5", None),
        ("99999999999", None),
        ("9999999h", None),
    ] {
        assert_eq!(text.parse::<Lifetime>().ok().map(Lifetime::secs), secs, "{text:?}");
    }
    for (secs, text) in [(0, "0s"), (59, "59s"), (900, "15m"), (5400, "1h30m"), (3601, "1h1s")] {
        assert_eq!(Lifetime::from_secs(secs).to_string(), text);
    }
}

#[test]
fn role_arns_and_their_short_forms() {
    let long = "arn:aws-us-gov:iam::123456789012:role/team/deploy";
    for text in [long, "aws-us-gov:123456789012:team/deploy"] {
        let role: RoleArn = text.parse().expect(text);
        assert_eq!((role.as_str(), role.name()), (long, "deploy"));
    }
    assert_eq!("123456789012:r".parse::<RoleArn>().expect("short").as_str(), "arn:aws:iam::123456789012:role/r");
    for text in [
        "",
        "deploy",
        "arn:aws:iam::123456789012:user/x",
        "arn:aws:iam::12345:role/x",
        "arn:aws:iam::123456789012:role/",
        "arn:aws:iam::123456789012:role/a b",
        "arn:aws:iam::123456789012:role/a\nb",
        "arn:mars:iam::123456789012:role/x",
        "arn:aws:iam:us-east-1:123456789012:role/x",
    ] {
        assert!(text.parse::<RoleArn>().is_err(), "{text:?}");
    }
}

#[test]
fn serial_numbers_and_their_devices() {
    for (text, kind, device) in [
        ("arn:aws:iam::123456789012:mfa/alice", DeviceKind::Virtual, "alice"),
        ("arn:aws:iam::123456789012:mfa/team/alice", DeviceKind::Virtual, "alice"),
        ("arn:aws:iam::123456789012:u2f/user/alice/key", DeviceKind::Fido, "key"),
        ("arn:aws:iam::123456789012:sms-mfa/alice", DeviceKind::Sms, "alice"),
        ("GAHT12345678", DeviceKind::Hardware, "GAHT12345678"),
    ] {
        let serial: MfaSerial = text.parse().expect(text);
        assert_eq!((serial.kind(), serial.device()), (kind, device));
    }
    for text in [
        "",
        "12345678",
        "JBSWY3DPEHPK3PXP",
        "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
        "arn:aws:iam",
        "GAHT 12345678",
        "GAHT12345678;x",
    ] {
        assert!(text.parse::<MfaSerial>().is_err(), "{text:?}");
    }
}

#[test]
fn regions_belong_to_partitions() {
    for (region, partition) in [
        ("us-east-1", "aws"),
        ("us-gov-west-1", "aws-us-gov"),
        ("us-iso-east-1", "aws-iso"),
        ("us-isob-east-1", "aws-iso-b"),
        ("cn-north-1", "aws-cn"),
        ("eusc-de-east-1", "aws-eusc"),
        ("ap-northeast-1", "aws"),
    ] {
        assert_eq!(Partition::of_region(&region.parse().expect(region)).as_str(), partition);
    }
    for text in ["", "us-east-1;touch PWNED", "US-EAST-1", "us east", "eu\n"] {
        assert!(text.parse::<Region>().is_err(), "{text:?}");
    }
}

#[test]
fn a_user_name_becomes_a_valid_session_name() {
    for (user, name) in
        [("alice", "mfa-cred-alice"), ("DOM\\bob smith", "mfa-cred-DOM-bob-smith"), ("1000", "mfa-cred-1000")]
    {
        assert_eq!(SessionName::for_user(user).as_str(), name);
        assert!(name.parse::<SessionName>().is_ok());
    }
    assert_eq!(SessionName::for_user(&"ü".repeat(100)).as_str().len(), 64);
}
