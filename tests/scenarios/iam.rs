//! Our client of IAM against AWS's own description of it, as botocore has it: parameters, answers, errors, addresses.
//!
//! The loopback IAM of the other scenarios is ours too, and would share a mistake with the client.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use mfa_cred::code::pair::Pair;
use mfa_cred::iam::access_keys::{AccessKeys, KeyStatus};
use mfa_cred::iam::account::{
    AccountReader, Asked, Listed, ListedKey, Membership, PasswordPolicy, Report, Summary, Told,
};
use mfa_cred::iam::endpoint::Endpoint;
use mfa_cred::iam::policies::{Described, Holder, PolicyReader};
use mfa_cred::iam::{AwsIam, Bound, Iam, IamError};
use mfa_cred::names::{DeviceName, MfaSerial, Partition, Region};
use mfa_cred::plan::Service;
use mfa_cred::secret::{Code, Credentials, Secret};
use mfa_cred::settings::Limits;
use mfa_cred::state::CorrectedClock;
use mfa_cred::system::System;
use serde_json::Value;

use crate::support::tools::{find, skip};

/// IAM's service model, and the endpoints that follow from it, by way of Python.
const MODEL: &str = include_str!("iam/model.py");
const ENDPOINTS: &str = include_str!("iam/endpoints.py");

fn python() -> Option<PathBuf> {
    let python = find("python3", &["-c", "import botocore"]);
    if python.is_none() {
        skip("IAM's service model", "botocore");
    }
    python
}

/// A server that is the model; it ends with this value.
struct Model {
    child: Child,
    lines: BufReader<ChildStdout>,
    port: u64,
    errors: BTreeMap<String, Vec<String>>,
}

impl Model {
    fn start(python: PathBuf) -> Self {
        let mut command = Command::new(python);
        command.args(["-c", MODEL]).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("Python starts");
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut line = String::new();
        lines.read_line(&mut line).expect("the first line");
        let first: Value = serde_json::from_str(&line).expect("JSON");
        let codes = |codes: &Value| {
            let codes = codes.as_array().expect("a list").iter();
            codes.map(|code| code.as_str().expect("a code").to_owned()).collect()
        };
        let errors = first["errors"].as_object().expect("an object").iter();
        let errors = errors.map(|(action, list)| (action.clone(), codes(list))).collect();
        Self { child, lines, port: first["port"].as_u64().expect("a port"), errors }
    }

    /// What the model says of the call that was just made.
    fn told(&mut self) -> (String, String) {
        let mut line = String::new();
        self.lines.read_line(&mut line).expect("a line");
        let (action, told) = line.trim_end().split_once(' ').unwrap_or_else(|| panic!("no call was made: {line:?}"));
        (action.to_owned(), told.to_owned())
    }
}

impl Drop for Model {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn service(partition: Partition, endpoint_url: Option<String>) -> Service {
    Service {
        region: partition.default_region(),
        partition,
        endpoint_url,
        fips: false,
        dualstack: false,
        ca_bundle: None,
        may_be_in_clear: false,
    }
}

fn signer() -> Credentials {
    Credentials {
        access_key_id: "AKIAIOSFODNN7EXAMPLE".to_owned(),
        secret_access_key: Secret::from("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
        session_token: None,
        expiration: None,
        account: None,
    }
}

const SERIAL: &str = "arn:aws:iam::123456789012:mfa/laptop";

/// Makes a call, and says whether all that the model answered was read. The model fills a text with its shape's name.
fn make(iam: &AwsIam<'_>, signer: &Credentials, action: &str) -> Result<bool, IamError> {
    let serial: MfaSerial = SERIAL.parse().expect("a serial");
    let code = |text| Code::parse(text).expect("a code");
    let codes = Pair { first: code("123456"), second: code("654321") };
    let (user, group) = (Holder::User("alice@b.c"), Holder::Group("a+b"));
    let (arn, one) = ("arn:aws:iam::aws:policy/ReadOnlyAccess", |name: &str| vec![format!("<{name}+é>")]);
    let document = "<policyDocumentType+é>".as_bytes().to_vec();
    Ok(match action {
        "ListMFADevices" => {
            let since = "2026-01-02T03:04:05Z".parse().ok();
            iam.devices(signer, Some("alice"))? == vec![Bound { serial, since }]
        }
        "ListVirtualMFADevices" => iam.unassigned(signer)? == vec![serial],
        "CreateVirtualMFADevice" => {
            let name: DeviceName = "laptop".parse().expect("a name");
            let new = iam.create(signer, &name)?;
            (new.serial, new.seed.expose().clone()) == (serial, "A".repeat(64))
        }
        "EnableMFADevice" => iam.enable(signer, "alice", &serial, &codes).map(|()| true)?,
        "ResyncMFADevice" => iam.resync(signer, "alice", &serial, &codes).map(|()| true)?,
        "DeactivateMFADevice" => iam.deactivate(signer, "alice", &serial).map(|()| true)?,
        "DeleteVirtualMFADevice" => iam.delete(signer, &serial).map(|()| true)?,
        "GetUser" => {
            let arn = one("arnType").remove(0);
            iam.describe(signer, "alice")? == Described { arn: arn.clone(), boundary: Some(arn) }
        }
        "ListGroupsForUser" => iam.groups(signer, "alice")? == one("groupNameType"),
        "ListUserPolicies" => iam.inline(signer, user)? == one("policyNameType"),
        "ListGroupPolicies" => iam.inline(signer, group)? == one("policyNameType"),
        "GetUserPolicy" => iam.inline_text(signer, user, "p+q")? == document,
        "GetGroupPolicy" => iam.inline_text(signer, group, "p,q")? == document,
        "ListAttachedUserPolicies" => iam.attached(signer, user)? == one("arnType"),
        "ListAttachedGroupPolicies" => iam.attached(signer, group)? == one("arnType"),
        "GetGroup" => iam.members(signer, "a+b")? == one("userNameType"),
        "AddUserToGroup" => iam.add(signer, "a+b", "alice@b.c").map(|()| true)?,
        "RemoveUserFromGroup" => iam.remove(signer, "a+b", "alice@b.c").map(|()| true)?,
        "GetPolicy" => iam.default_version(signer, arn)? == one("policyVersionIdType").remove(0),
        "GetPolicyVersion" => iam.version_text(signer, arn, "v2")? == document,
        _ => return account(iam, signer, action),
    })
}

/// The same for the calls that read a whole account.
fn account(iam: &AwsIam<'_>, signer: &Credentials, action: &str) -> Result<bool, IamError> {
    let time = "2026-01-02T03:04:05Z".parse().ok();
    let text = |shape: &str| format!("<{shape}+é>");
    let asked = |asked: Asked| {
        let mut answer = None;
        iam.ask(signer, &[asked], &mut |_, told| answer = Some(told));
        answer.expect("an answer")
    };
    Ok(match action {
        "GetAccountSummary" => {
            let all = Summary { users: 7, root_has_mfa: true, root_has_key: true, root_has_password: None };
            Summary { root_has_password: None, ..iam.summary(signer)? } == all
        }
        "ListUsers" => {
            let (name, arn) = (text("userNameType"), text("arnType"));
            iam.users(signer)? == vec![Listed { name, arn, created: time, password_used: time }]
        }
        "GetAccountPasswordPolicy" => match iam.password_policy(signer)? {
            Some(policy) => policy == PasswordPolicy { length: 7, remembered: 7 },
            // No policy is an answer, too.
            None => return Err(IamError::Gone("NoSuchEntity: there is none (NoSuchEntity)".to_owned())),
        },
        "GetAccountAuthorizationDetails" => {
            let details = iam.details(signer)?;
            let user = details.users.first().expect("a user");
            let names = [&user.name, &user.arn, &user.groups[0], &user.attached[0], &user.inline[0].0];
            let expected = ["userNameType", "arnType", "groupNameType", "arnType", "policyNameType"].map(text);
            names.into_iter().eq(&expected) && details.groups.len() == 1
        }
        "GenerateCredentialReport" => !iam.generate_report(signer)?,
        "GetCredentialReport" => iam.report(signer)? == Report { csv: b"a blob".to_vec(), generated: time },
        "GetLoginProfile" => asked(Asked::Password("alice".to_owned()))? == Told::Password(time),
        "ListAccessKeys" => {
            let key = ListedKey { id: "AKIAIOSFODNN7EXAMPLE".to_owned(), is_active: true, made: time };
            asked(Asked::Keys("alice".to_owned()))? == Told::Keys(vec![key])
        }
        "GetAccessKeyLastUsed" => asked(Asked::LastUse("AKIAIOSFODNN7EXAMPLE".to_owned()))? == Told::LastUse(time),
        "CreateAccessKey" => {
            let key = iam.create_access_key(signer, "alice@b.c")?;
            let has_secret = key.secret.expose() == "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
            key.id == "AKIAIOSFODNN7EXAMPLE" && has_secret && key.created == time
        }
        "UpdateAccessKey" => {
            iam.set_status(signer, "alice", "AKIAIOSFODNN7EXAMPLE", KeyStatus::Inactive).map(|()| true)?
        }
        "DeleteAccessKey" => iam.delete_access_key(signer, "alice", "AKIAIOSFODNN7EXAMPLE").map(|()| true)?,
        _ => panic!("{action} is called, and not tried here"),
    })
}

/// The actions that the client's source names.
fn actions(known: &Model) -> BTreeSet<String> {
    let mut actions = BTreeSet::new();
    let room = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/iam");
    let client = fs::read_dir(room.join("client")).expect("a folder").map(|file| file.expect("a file").path());
    for file in client.chain([room.join("account.rs")]) {
        let text = fs::read_to_string(file).expect("text");
        let source = text.split("#[cfg(test)]").next().unwrap_or_default();
        let words = source.split('"').filter(|word| known.errors.contains_key(*word));
        actions.extend(words.map(str::to_owned));
    }
    actions
}

#[test]
fn every_call_answer_and_error_matches_the_model_of_aws() {
    let Some(python) = python() else { return };
    let mut model = Model::start(python);
    let service = service(Partition::AWS, Some(format!("http://127.0.0.1:{}", model.port)));
    let clock = CorrectedClock::new(&System, None);
    let long = Duration::from_secs(20);
    let limits = Limits { connect: long, attempt: long, call: long, provider: long };
    let (iam, signer) = (AwsIam::connect(&service, limits, &clock).expect("a client"), signer());
    let actions = actions(&model);
    assert!(actions.len() >= 32, "{actions:?}");
    let mut codes = BTreeSet::new();
    for action in &actions {
        let answer = make(&iam, &signer, action);
        assert_eq!(model.told(), (action.clone(), "ok".to_owned()));
        assert_eq!(answer, Ok(true), "{action}");
        for code in model.errors[action].clone() {
            let error = make(&iam, &signer, action).expect_err(&code);
            assert_eq!(model.told(), (action.clone(), code.clone()));
            assert!(error.to_string().contains(&format!("({code})")), "{action}: {error}");
            codes.insert((code, !matches!(error, IamError::Call(_))));
        }
    }
    // What a decision hangs on is a code that AWS has, spelled as AWS does.
    let decided: Vec<&str> =
        codes.iter().filter(|(_, is_decided)| *is_decided).map(|(code, _)| code.as_str()).collect();
    assert_eq!(
        decided,
        [
            "ConcurrentModification",
            "DeleteConflict",
            "EntityAlreadyExists",
            "EntityTemporarilyUnmodifiable",
            "InvalidAuthenticationCode",
            "LimitExceeded",
            "NoSuchEntity",
        ]
    );
}

#[test]
fn iam_is_where_botocore_says_in_every_region_with_fips_and_dualstack_or_without() {
    let Some(python) = python() else { return };
    let told = Command::new(python).args(["-c", ENDPOINTS]).output().expect("Python starts");
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    let mut partitions = BTreeSet::new();
    for line in String::from_utf8(told.stdout).expect("text").lines() {
        let [region, fips, dualstack, url, signed] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let region: Region = region.parse().expect("a region");
        let partition = Partition::of_region(&region);
        let service = Service { fips: fips == "true", dualstack: dualstack == "true", ..service(partition, None) };
        let ours = Endpoint::of(&service).expect("an address");
        assert_eq!(ours.url, url, "{line}");
        // botocore signs for China's other region as soon as FIPS is wanted, which its IAM is not in.
        let signed = if partition.as_str() == "aws-cn" { "cn-north-1" } else { signed };
        assert_eq!(ours.signing_region, signed, "{line}");
        partitions.insert(partition.as_str());
    }
    assert_eq!(partitions.len(), 8, "{partitions:?}");
}

#[test]
fn a_configured_endpoint_is_used_unchanged_without_fips_or_dualstack() {
    let configured = |fips, dualstack| {
        let partition = "aws-cn".parse().expect("a partition");
        let service = service(partition, Some("https://iam.example.com/x".to_owned()));
        Endpoint::of(&Service { fips, dualstack, ..service })
    };
    let plain = configured(false, false).expect("an address");
    assert_eq!((plain.url.as_str(), plain.signing_region), ("https://iam.example.com/x", "cn-north-1"));
    for (fips, dualstack, why) in [(true, false, "FIPS"), (false, true, "dualstack"), (true, true, "FIPS")] {
        let error = configured(fips, dualstack).expect_err("a refusal").to_string();
        assert_eq!(error, format!("no request could be made (a configured endpoint cannot be used with {why})"));
    }
}
