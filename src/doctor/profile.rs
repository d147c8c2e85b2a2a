//! The profile: what it resolves to, and what SDKs would take from it instead.

use super::facts::Resolved;
use super::{Facts, Finding};
use crate::messages::ours;
use crate::names::Partition;
use crate::plan::{Plan, sources};
use crate::profile::{Profile, ProfileSet, WhichFile};

/// Ways in which a profile says where its credentials come from, in the order in which boto3 and the AWS CLI take them.
/// The key that a style is known by, and its name.
const STYLES: [(&str, &str); 7] = [
    ("role_arn", "a role"),
    ("sso_session", "IAM Identity Center"),
    ("sso_start_url", "IAM Identity Center"),
    ("aws_access_key_id", "an access key"),
    ("credential_process", "`credential_process`"),
    ("login_session", "`aws login`"),
    ("web_identity_token_file", "a web identity"),
];

/// Does it resolve to a plan?
pub(super) fn resolves(facts: &Facts) -> Finding {
    match facts.resolved() {
        Resolved::Nothing(why) if why.starts_with("there are no profiles") => Finding::warn(
            why,
            format!(
                "`aws configure` writes an access key into ~/.aws/credentials; {} shows how a role is written",
                ours("--help", None)
            ),
        ),
        Resolved::Nothing(why) => Finding::skipped(why),
        Resolved::Fault(fault) => {
            let repair = fault.repair.clone().unwrap_or_else(|| "correct the line".to_owned());
            Finding::fail(&fault.what, repair).at(fault.place.as_ref())
        }
        Resolved::Plan { plan, .. } => Finding::pass(format!("`{}` starts with the {}", plan.profile, plan.base)),
    }
}

/// Does it have a region, of the partition of its credentials?
pub(super) fn region(facts: &Facts) -> Finding {
    let plan = match facts.plan() {
        Ok(plan) => plan,
        Err(why) => return Finding::skipped(why),
    };
    match &plan.region {
        None => Finding::warn(
            format!("no region for `{}`: many AWS commands then fail", plan.profile),
            "add `region = REGION` to the profile, or export `AWS_REGION`",
        ),
        Some(region) if Partition::of_region(region) != plan.service.partition => Finding::warn(
            format!("{region} is outside the partition `{}` of these credentials", plan.service.partition),
            "write a region of that partition into the profile",
        ),
        Some(region) => Finding::pass(format!("region {region}")),
    }
}

/// Is there a device whose code can be given?
pub(super) fn serial(facts: &Facts) -> Finding {
    match facts.plan() {
        Err(why) => Finding::skipped(why),
        Ok(plan) => match (plan.without_mfa(), &plan.device) {
            (Some(user), _) if !leaves_open(facts) => Finding::warn(
                format!("profile `{user}` has no `mfa_serial`, so its credentials come without MFA"),
                format!(
                    "add `mfa_serial = auto` to it; {} makes a device where the user has none",
                    ours("device enroll", Some(user))
                ),
            ),
            (_, Some(device)) => Finding::pass(match device.serial() {
                Some(serial) => format!("MFA device {}", serial.device()),
                None => "MFA device: the one that IAM lists (`mfa_serial = auto`)".to_owned(),
            }),
            (Some(_), None) => Finding::skipped("the profile names a FIDO device"),
            (None, None) => Finding::skipped("MFA is no matter of these credentials"),
        },
    }
}

/// Was the device left open, since the one that is named is FIDO?
fn leaves_open(facts: &Facts) -> bool {
    matches!(facts.resolved(), Resolved::Plan { fido: Some(_), .. })
}

/// The profile and its sources, as far as they can be read.
fn chain<'a>(facts: &Facts, set: &'a ProfileSet) -> Vec<Profile<'a>> {
    sources(set, facts.profile(set).0.as_str())
}

/// A key in the credentials file beside a `credential_process`: the AWS CLI takes the key, and with it no MFA.
pub(super) fn leftover_key(facts: &Facts) -> Finding {
    let Ok(set) = facts.profiles() else { return Finding::skipped("the AWS files cannot be read") };
    let has_process = |name: &str| Some(set.get(name)?.filled("credential_process")?.value().into_owned());
    let is_ours = |command: &str| command.contains("mfa-cred");
    let wanted = facts.profile(set).0;
    let bypassed = |name: &str| {
        let command = has_process(name)?;
        let key = set.get(name)?.filled("aws_access_key_id")?;
        // Another tool's `credential_process` is only of interest where its profile was asked for.
        (is_ours(&command) || name == wanted.as_str()).then_some((name.to_owned(), key))
    };
    let found = set.names().find_map(bypassed);
    match found {
        Some((name, key)) => Finding::fail(
            format!("the access key of `{name}` bypasses its `credential_process`: the AWS CLI and boto3 take the key"),
            match key.origin() {
                WhichFile::Config => "remove the key from the profile",
                WhichFile::Credentials => {
                    "remove the key from the credentials file, or name the two profiles differently"
                }
            },
        )
        .at(Some(&key.place())),
        None => Finding::pass("no key bypasses a `credential_process`"),
    }
}

/// Several ways in one profile, of which each SDK takes its own first.
pub(super) fn styles(facts: &Facts) -> Finding {
    let plan: &Plan = match facts.plan() {
        Ok(plan) => plan,
        Err(why) => return Finding::skipped(why),
    };
    let Ok(set) = facts.profiles() else { return Finding::skipped("the AWS files cannot be read") };
    for profile in chain(facts, set) {
        let styles = styles_of(profile);
        if styles.len() > 1 && !is_reported_elsewhere(profile) {
            return Finding::warn(
                format!(
                    "`{}` has {}: boto3 and the AWS CLI take {}, the SDKs for Rust and Go may take another",
                    profile.name(),
                    styles.join(" and "),
                    styles[0]
                ),
                "keep the one that is meant",
            )
            .at(Some(&profile.place()));
        }
    }
    Finding::pass(format!("`{}` says in one way where its credentials come from", plan.profile))
}

/// The same key beside a `credential_process` is one fault.
fn is_reported_elsewhere(profile: Profile<'_>) -> bool {
    profile.filled("aws_access_key_id").is_some() && profile.filled("credential_process").is_some()
}

fn styles_of(profile: Profile<'_>) -> Vec<&'static str> {
    let mut styles: Vec<&str> = Vec::new();
    for (key, style) in STYLES {
        // A role with a web identity is one style: the token is what assumes it. A role that is its own source has keys.
        let belongs_to_role = key == "web_identity_token_file" && profile.filled("role_arn").is_some();
        let is_own_source = key == "aws_access_key_id"
            && profile.filled("source_profile").is_some_and(|source| source.value() == profile.name());
        if profile.filled(key).is_some() && !belongs_to_role && !is_own_source && !styles.contains(&style) {
            styles.push(style);
        }
    }
    styles
}
