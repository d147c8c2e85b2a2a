//! The profile: what it resolves to, and what SDKs would use from it instead.

use super::facts::{NO_CHOICE, Resolved};
use super::{Facts, Finding};
use crate::messages::ours;
use crate::names::{Partition, ProfileName};
use crate::plan::{Base, BaseKind, Warning, sources};
use crate::profile::{Overlooked, Profile, Property, WhichFile};

/// A source of credentials in a profile.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Style {
    Role,
    WebIdentity,
    IdentityCenter,
    /// A key in the credentials file.
    Key,
    /// A key in the config file.
    KeyInConfig,
    Process,
    Login,
}

use Style::{IdentityCenter, Key, KeyInConfig, Login, Process, Role, WebIdentity};

/// The order in which each tries the sources: botocore's `create_credential_resolver`, `repr.rs` of aws-config,
/// `resolveCredsFromProfile` of the SDK for Go, `resolveProfileData` of the one for JavaScript.
const ORDERS: [(&str, [Style; 7]); 4] = [
    ("the AWS CLI and boto3", [Role, WebIdentity, IdentityCenter, Key, Login, Process, KeyInConfig]),
    ("Rust", [Role, WebIdentity, IdentityCenter, Login, Process, Key, KeyInConfig]),
    ("Go", [Role, Key, KeyInConfig, WebIdentity, IdentityCenter, Login, Process]),
    ("JavaScript", [Role, Key, KeyInConfig, WebIdentity, Process, IdentityCenter, Login]),
];

impl Style {
    fn in_words(self) -> &'static str {
        match self {
            Self::Role => "a role",
            Self::WebIdentity => "a web identity",
            Self::IdentityCenter => "IAM Identity Center",
            Self::Key | Self::KeyInConfig => "an access key",
            Self::Process => "`credential_process`",
            Self::Login => "`aws login`",
        }
    }
}

/// Does it resolve to a plan?
pub(super) fn resolves(facts: &Facts) -> Finding {
    match facts.resolved() {
        Resolved::Nothing(why) if why.starts_with("there are no profiles") => Finding::warn(
            why,
            format!(
                "`aws configure` adds an access key to ~/.aws/credentials; {} shows how to add a role",
                ours("--help", None)
            ),
        ),
        Resolved::Nothing(why) if why == NO_CHOICE => {
            Finding::skipped(format!("{why}: name one to check it and the connection to AWS"))
        }
        Resolved::Nothing(why) => Finding::skipped(why),
        Resolved::Fault(fault) => {
            let repair = fault.repair.clone().unwrap_or_else(|| "correct the line".to_owned());
            Finding::fail(&fault.what, repair).at(fault.place.as_ref())
        }
        Resolved::Plan { plan, .. } => {
            plan.warnings.iter().find_map(|warning| warned(facts, warning)).unwrap_or_else(|| {
                let base = plan.base.to_string();
                let base = base.strip_prefix("the ").unwrap_or(&base);
                Finding::pass(format!("`{}` starts with the {base}", plan.profile))
            })
        }
    }
}

/// A warning of the plan that no other check reports.
fn warned(facts: &Facts, warning: &Warning) -> Option<Finding> {
    let repair = match warning {
        Warning::NoMfa { .. } | Warning::OtherPartition { .. } | Warning::DurationUnused { .. } => return None,
        // An ignored section is reported with all the others; otherwise it is a profile with different capitalization.
        Warning::Overlooked(section) if is_ignored(facts, section) => return None,
        Warning::Overlooked(_) => "use the same spelling for both names",
        Warning::DurationCapped { .. } => "request an hour at most, or use a chain with a single role",
        Warning::UnreadableEnd { .. } => "use a time such as 2026-12-31T23:59:59Z, or remove the line",
    };
    Some(Finding::warn(warning.to_string(), repair))
}

fn is_ignored(facts: &Facts, section: &Overlooked) -> bool {
    facts.profiles().is_ok_and(|set| set.notes().any(|note| note.place == section.place))
}

/// Does it have a region, in the partition of its credentials?
pub(super) fn region(facts: &Facts) -> Finding {
    let plan = match facts.plan() {
        Ok(plan) => plan,
        Err(why) => return Finding::skipped(why),
    };
    match &plan.region {
        None => Finding::warn(
            format!("no region for `{}`, so many AWS commands fail", plan.profile),
            "add `region = REGION` to the profile, or export `AWS_REGION`",
        ),
        Some(region) if Partition::of_region(region) != plan.service.partition => Finding::warn(
            format!("{region} is outside the partition `{}` of these credentials", plan.service.partition),
            "use a region of that partition in the profile",
        ),
        Some(region) => Finding::pass(format!("region {region}")),
    }
}

/// Is there a device whose codes can be used?
pub(super) fn serial(facts: &Facts) -> Finding {
    match facts.plan() {
        Err(why) => Finding::skipped(why),
        Ok(plan) if plan.base.kind() == BaseKind::Unknown && plan.device.is_none() => {
            Finding::skipped("no `mfa_serial`, which only long-term keys from `credential_process` would need")
        }
        Ok(plan) => match (plan.without_mfa(), &plan.device) {
            (Some(user), _) if !leaves_open(facts) => Finding::warn(
                format!("profile `{user}` has no `mfa_serial`, so its credentials come without MFA"),
                format!(
                    "add `mfa_serial = auto` to it; {} creates a device if the user has none",
                    ours("device enroll", Some(user))
                ),
            ),
            (_, Some(device)) if plan.kept_seed.is_some() => Finding::warn(
                format!(
                    "codes of MFA device {device} come from its seed, which is kept on this machine (`mfa_source = seed`)"
                ),
                format!(
                    "anyone who can use this account can sign in without you; to end that, run {} and remove that line",
                    ours("device forget-seed", Some(&plan.profile))
                ),
            ),
            (_, Some(device)) => Finding::pass(match device.serial() {
                Some(serial) => format!("MFA device {}", serial.device()),
                None => "MFA device: the one that IAM lists (`mfa_serial = auto`)".to_owned(),
            }),
            (Some(_), None) => Finding::skipped("the profile names a FIDO device"),
            (None, None) if matches!(plan.base, Base::Login(_)) => {
                Finding::skipped("a session of `aws login` carries the MFA of its sign-in, and takes no code")
            }
            (None, None) => Finding::skipped("these credentials do not use MFA"),
        },
    }
}

/// Does the plan leave the device open because the named one is FIDO?
fn leaves_open(facts: &Facts) -> bool {
    matches!(facts.resolved(), Resolved::Plan { fido: Some(_), .. })
}

/// A key in the credentials file for a profile with a `credential_process`: the AWS CLI uses the key, without MFA.
pub(super) fn leftover_key(facts: &Facts) -> Finding {
    let Ok(set) = facts.profiles() else { return Finding::skipped("the AWS files cannot be read") };
    let mut profiles = set.profiles();
    match profiles.find_map(|profile| Some((profile, bypass(facts, profile)?))) {
        Some((profile, key)) => Finding::fail(
            format!(
                "the access key of `{}` bypasses its `credential_process`: the AWS CLI and boto3 use the key",
                profile.name()
            ),
            format!(
                "{} seals the key and takes it out of the file; or name the two profiles differently",
                ours("keys import", ProfileName::new(profile.name()).as_ref())
            ),
        )
        .at(Some(&key.place())),
        None => Finding::pass("no key bypasses a `credential_process`"),
    }
}

/// The key that bypasses the profile's `credential_process`. Another tool's command matters only in the requested
/// profile.
fn bypass<'a>(facts: &Facts, profile: Profile<'a>) -> Option<Property<'a>> {
    let command = profile.filled("credential_process")?;
    let key = profile.filled("aws_access_key_id").filter(|key| key.origin() == WhichFile::Credentials)?;
    let is_asked_for = || facts.profiles().is_ok_and(|set| facts.profile(set).0.as_str() == profile.name());
    (command.value().contains("mfa-cred") || is_asked_for()).then_some(key)
}

/// Several sources in one profile, which SDKs try in different orders.
pub(super) fn styles(facts: &Facts) -> Finding {
    let plan = match facts.plan() {
        Ok(plan) => plan,
        Err(why) => return Finding::skipped(why),
    };
    let Ok(set) = facts.profiles() else { return Finding::skipped("the AWS files cannot be read") };
    let is_judged = |profile: &Profile<'_>| bypass(facts, *profile).is_none();
    for profile in sources(set, plan.profile.as_str()).into_iter().filter(is_judged) {
        let styles = styles_of(profile);
        if styles.len() > 1 {
            let words: Vec<&str> = styles.iter().map(|style| style.in_words()).collect();
            let what = format!("`{}` has {}: {}", profile.name(), words.join(" and "), who_takes_which(&styles));
            return Finding::warn(what, "keep the intended one").at(Some(&profile.place()));
        }
    }
    Finding::pass(format!("`{}` has a single source of credentials", plan.profile))
}

fn styles_of(profile: Profile<'_>) -> Vec<Style> {
    let has = |key| profile.filled(key).is_some();
    let is_own_source = profile.filled("source_profile").is_some_and(|source| source.value() == profile.name());
    let key = profile.filled("aws_access_key_id").map(|key| match key.origin() {
        WhichFile::Credentials => Key,
        WhichFile::Config => KeyInConfig,
    });
    let styles = [
        has("role_arn").then_some(Role),
        // With a role, the token is used to assume it.
        (has("web_identity_token_file") && !has("role_arn")).then_some(WebIdentity),
        (has("sso_session") || has("sso_start_url")).then_some(IdentityCenter),
        // A role that is its own source has keys.
        key.filter(|_| !is_own_source),
        has("credential_process").then_some(Process),
        has("login_session").then_some(Login),
    ];
    styles.into_iter().flatten().collect()
}

/// Which source each uses, grouping those that agree.
fn who_takes_which(styles: &[Style]) -> String {
    let mut taken: Vec<(Style, Vec<&str>)> = Vec::new();
    for (who, order) in ORDERS {
        let Some(first) = order.into_iter().find(|style| styles.contains(style)) else { continue };
        match taken.iter_mut().find(|(style, _)| *style == first) {
            Some((_, several)) => several.push(who),
            None => taken.push((first, vec![who])),
        }
    }
    match &taken[..] {
        [(style, _)] => format!("the AWS CLI and the SDKs use {}, and ignore the rest", style.in_words()),
        several => {
            let each =
                |(style, who): &(Style, Vec<&str>)| format!("{} is used by {}", style.in_words(), who.join(", "));
            several.iter().map(each).collect::<Vec<_>>().join("; ")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{styles_of, who_takes_which};
    use crate::profile::ProfileSet;

    #[test]
    fn who_takes_which_of_several_styles() {
        const KEY: &str = "aws_access_key_id = AKIAIOSFODNN7EXAMPLE\n";
        for (config, credentials, said) in [
            ("role_arn = a\nsource_profile = y\n", "", None),
            ("role_arn = a\nsource_profile = x\n", KEY, None),
            ("role_arn = a\nweb_identity_token_file = /t\n", "", None),
            ("", KEY, None),
            (
                "role_arn = a\nsource_profile = y\n",
                KEY,
                Some("the AWS CLI and the SDKs use a role, and ignore the rest"),
            ),
            (
                "credential_process = a\n",
                KEY,
                Some(
                    "an access key is used by the AWS CLI and boto3, Go, JavaScript; `credential_process` is used by Rust",
                ),
            ),
            (
                "credential_process = a\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\n",
                "",
                Some(
                    "`credential_process` is used by the AWS CLI and boto3, Rust; an access key is used by Go, JavaScript",
                ),
            ),
            (
                "sso_session = a\ncredential_process = a\n",
                "",
                Some(
                    "IAM Identity Center is used by the AWS CLI and boto3, Rust, Go; `credential_process` is used by JavaScript",
                ),
            ),
        ] {
            let set = ProfileSet::parse(&format!("[profile x]\n{config}"), &format!("[x]\n{credentials}"));
            let set = set.expect("it can be read");
            let styles = styles_of(set.get("x").expect("it is there"));
            let found = (styles.len() > 1).then(|| who_takes_which(&styles));
            assert_eq!(found.as_deref(), said, "{config}{credentials}");
        }
    }
}
