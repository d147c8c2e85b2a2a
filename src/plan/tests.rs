//! What a plan's parts answer; whole plans are tested as data, in `tests/cases/plan`.

use super::*;

const USER: &str = "[profile alice]\naws_access_key_id = AKIAALICE00000000001\naws_secret_access_key = secret\n";
const SERIAL: &str = "arn:aws:iam::123456789012:mfa/alice";

fn plan(config: &str, request: &PlanRequest) -> Result<Plan, PlanError> {
    let set = ProfileSet::parse(config, "").expect("profiles");
    Plan::make(&set, &ProfileName::new("deploy").expect("a name"), request, &Ambient::default())
}

/// A role whose base is a `credential_process`, with more lines in its profile.
fn by_base(more: &str) -> Plan {
    let config = format!(
        "[profile deploy]\nrole_arn = arn:aws:iam::123456789012:role/deploy\nsource_profile = vendor\n\
         mfa_serial = {SERIAL}\n{more}[profile vendor]\ncredential_process = vendor-login\n"
    );
    plan(&config, &PlanRequest::default()).expect("a plan")
}

#[test]
fn a_plan_for_an_unknown_base_has_a_branch_for_each_kind() {
    let plan = by_base("");
    let Steps::ByBase { long_term, session } = &plan.steps else { panic!("{:?}", plan.steps) };
    assert_eq!((plan.steps.given(true), plan.steps.given(false)), (&long_term[..], &session[..]));
    assert_ne!(long_term, session);
    let devices = |steps: &[Step]| {
        let of = |step: &Step| step.needs_code_of().map(ToString::to_string);
        steps.iter().map(of).collect::<Vec<_>>()
    };
    assert_eq!(devices(long_term), [Some(SERIAL.to_owned()), None]);
    assert_eq!(devices(session), [None]);
    let fixed = Steps::Fixed(long_term.clone());
    assert_eq!((fixed.given(true), fixed.given(false)), (&long_term[..], &long_term[..]));
}

#[test]
fn a_capped_duration_is_a_warning() {
    for (more, wanted) in [
        ("duration_seconds = 7200\n", Some(7200)),
        ("duration_seconds = 3600\n", None),
        ("duration_seconds = 900\n", None),
        ("", None),
    ] {
        let wanted = wanted.map(|seconds| Warning::DurationCapped {
            wanted: Lifetime::from_secs(seconds),
            profile: ProfileName::new("deploy").expect("a name"),
        });
        let plan = by_base(more);
        assert_eq!(plan.steps.capped_by_the_session(), wanted, "{more}");
        let long_term = plan.steps.given(true).to_vec();
        assert_eq!(Steps::Fixed(long_term).capped_by_the_session(), None, "what is known now was warned of");
    }
}

#[test]
fn an_access_key_id_is_any_word_that_fits_into_a_signature() {
    for (id, legal) in [
        ("test".to_owned(), true),
        ("x".to_owned(), true),
        ("a".repeat(300), true),
        ("!23".to_owned(), true),
        ("AKIA-0123/4567_89.0:1+2@3".to_owned(), true),
        ("ASIA".to_owned(), true),
        ("AKIA 01234567890".to_owned(), false),
        ("AKIA,01234567890".to_owned(), false),
        ("AKIA=01234567890".to_owned(), false),
        ("АКІА012345678901".to_owned(), false),
        ("AKIA\u{7f}".to_owned(), false),
    ] {
        let config = format!("[profile deploy]\naws_access_key_id = {id}\naws_secret_access_key = secret\n");
        let plan = plan(&config, &PlanRequest::default());
        assert_eq!(plan.is_ok(), legal, "{id}");
        assert!(legal || matches!(plan, Err(PlanError::Refused { .. })), "{id}");
    }
}

#[test]
fn a_secret_in_place_of_the_access_key_id_is_not_shown_by_the_plan() {
    let swapped = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
    let config = format!("[profile deploy]\naws_access_key_id = {swapped}\naws_secret_access_key = AKIAX\n");
    let shown = plan(&config, &PlanRequest::default()).expect("a plan").base.to_string();
    assert_eq!(shown, "access key (hidden) of profile `deploy`");
}

#[test]
fn a_policy_arn_has_its_prefix_and_20_to_2048_characters() {
    let long = |length: usize| format!("arn:{}", "x".repeat(length - 4));
    for (arn, legal) in [
        ("arn:aws:iam::aws:policy/ReadOnlyAccess".to_owned(), true),
        (long(20), true),
        (long(2048), true),
        (long(19), false),
        (long(2049), false),
        ("iam:arn:aws::aws:policy/ReadOnlyAccess".to_owned(), false),
    ] {
        let config = format!(
            "[profile deploy]\nrole_arn = arn:aws:iam::123456789012:role/deploy\nsource_profile = alice\n{USER}"
        );
        let request = PlanRequest { policy_arns: vec![arn.clone()], ..PlanRequest::default() };
        assert_eq!(plan(&config, &request).is_ok(), legal, "{arn}");
    }
}
