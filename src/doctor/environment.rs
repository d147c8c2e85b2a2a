//! Variables that are wrong in themselves, or that take precedence over the profile.

use std::path::PathBuf;

use super::{Facts, Finding};
use crate::host::Env;
use crate::messages::ours;
use crate::names::{Address, is_temporary_key, moment, variables};
use crate::secret::shown;
use crate::settings::Settings;

const UNSET: &str = "`eval $(mfa-cred unset)` removes them from this shell";

/// Are the keys in the environment complete, of one kind, and not expired, and where do they come from?
pub(super) fn keys(facts: &Facts) -> Finding {
    let has = |name| facts.variables.os(name).is_some();
    let Some(id) = facts.variables.var(variables::aws::ACCESS_KEY_ID) else {
        return if has(variables::aws::SECRET_ACCESS_KEY) {
            half(variables::aws::SECRET_ACCESS_KEY, variables::aws::ACCESS_KEY_ID)
        } else if has(variables::aws::SESSION_TOKEN) || has(variables::aws::SECURITY_TOKEN) {
            half(variables::aws::SESSION_TOKEN, variables::aws::ACCESS_KEY_ID)
        } else {
            Finding::pass("no keys in the environment")
        };
    };
    if !has(variables::aws::SECRET_ACCESS_KEY) {
        return half(variables::aws::ACCESS_KEY_ID, variables::aws::SECRET_ACCESS_KEY);
    }
    let has_token = has(variables::aws::SESSION_TOKEN) || has(variables::aws::SECURITY_TOKEN);
    let is_long_term = id.len() >= 16 && id.starts_with("AKIA");
    if is_long_term && has_token {
        let what = "the environment has a long-term key (AKIA…) and a session token, which do not belong together";
        return Finding::fail(what, "unset `AWS_SESSION_TOKEN`, or copy the keys from their source again");
    }
    if is_temporary_key(&id) && !has_token {
        let what = "the environment has temporary keys (ASIA…) without their `AWS_SESSION_TOKEN`";
        return Finding::fail(what, "export the token too, or copy the keys from their source again");
    }
    let held = facts.variables.var(variables::PROFILE);
    if let Some(end) = facts.variables.var(variables::aws::CREDENTIAL_EXPIRATION).and_then(|end| moment(&end))
        && end <= facts.now
    {
        let repair = match &held {
            Some(_) => {
                "`eval $(mfa-cred)` renews them; `eval $(mfa-cred unset)` removes them from this shell".to_owned()
            }
            None => UNSET.to_owned(),
        };
        return Finding::fail(format!("the credentials in the environment expired at {end}"), repair);
    }
    match held {
        Some(held) => Finding::pass(format!("this shell holds `{held}`")),
        None => Finding::warn(
            "the keys in the environment take precedence over `AWS_PROFILE` and the AWS files in every SDK",
            format!("unset them to use a profile: {UNSET}"),
        ),
    }
}

fn half(there: &str, missing: &str) -> Finding {
    let what = format!("`{there}` is set but `{missing}` is not, so the AWS CLI and boto3 fail");
    Finding::fail(what, format!("unset `{there}`, or set both"))
}

/// The profile that the environment names.
pub(super) fn profile(facts: &Facts) -> Finding {
    let Ok(set) = facts.profiles() else { return Finding::skipped("the AWS files cannot be read") };
    if let Some(variable) = facts.missing_file() {
        return Finding::skipped(format!("the file in `{variable}` does not exist"));
    }
    // Our variable is checked only if it takes effect; the other two take effect in every SDK.
    let is_ours = facts.named.is_none();
    let names =
        [(variables::PROFILE, is_ours), (variables::aws::PROFILE, true), (variables::aws::DEFAULT_PROFILE, true)];
    for (variable, _) in names.into_iter().filter(|(_, counts)| *counts) {
        let Some(name) = facts.variables.var(variable) else { continue };
        if set.get(&name).is_some() {
            continue;
        }
        let near = set.nearest(&name).first().map(|near| format!("did you mean `{near}`? "));
        let repair = format!("{}{} shows the profiles", near.unwrap_or_default(), ours("list", None));
        return Finding::fail(format!("`{variable}` names a profile that does not exist: `{name}`"), repair);
    }
    let (name, chosen) = Settings::profile(None, &facts.variables);
    Finding::pass(match chosen {
        crate::settings::Chosen::Default => "the environment names no profile".to_owned(),
        _ => format!("the environment names `{name}`"),
    })
}

/// The files that the environment names.
pub(super) fn files(facts: &Facts) -> Finding {
    const NAMES: [&str; 6] = [
        variables::aws::CONFIG_FILE,
        variables::aws::SHARED_CREDENTIALS_FILE,
        variables::CONFIG_FILE,
        variables::CREDENTIALS_FILE,
        variables::aws::WEB_IDENTITY_TOKEN_FILE,
        variables::aws::CONTAINER_AUTHORIZATION_TOKEN_FILE,
    ];
    let mut set = Vec::new();
    for name in NAMES {
        let Some(path) = facts.variables.os(name).map(PathBuf::from) else { continue };
        let path = match (path.strip_prefix("~"), &facts.home) {
            (Ok(rest), Some(home)) => home.join(rest),
            _ => path,
        };
        if !path.exists() {
            let what = format!("`{name}` names a file that does not exist: {}", path.display());
            return Finding::fail(what, format!("unset `{name}`, or correct the path"));
        }
        set.push(name);
    }
    match &set[..] {
        [] => Finding::pass("the environment names no other files"),
        names => Finding::pass(format!("the files in {} exist", names.join(" and "))),
    }
}

/// Variables that override the profile.
pub(super) fn overrides(facts: &Facts) -> Finding {
    let is_set = |name: &&str| facts.variables.os(name).is_some();
    let found: Vec<&str> =
        [variables::aws::ROLE_ARN, variables::aws::WEB_IDENTITY_TOKEN_FILE].into_iter().filter(is_set).collect();
    if found.len() == 2 {
        let what = "`AWS_ROLE_ARN` and `AWS_WEB_IDENTITY_TOKEN_FILE` take precedence over the profile in every SDK";
        return Finding::warn(what, "unset them to use a profile; `exec` unsets them for its command");
    }
    let old = variables::aws::SECURITY_TOKEN;
    if facts.variables.os(old).is_some() && facts.variables.os(variables::aws::SESSION_TOKEN).is_none() {
        return Finding::warn(
            format!("`{old}` is the session token's old name, which only some SDKs still read"),
            format!("export it as `AWS_SESSION_TOKEN`, and unset `{old}`"),
        );
    }
    if let Some(finding) = region(facts) {
        return finding;
    }
    let differ =
        match (facts.variables.var(variables::aws::PROFILE), facts.variables.var(variables::aws::DEFAULT_PROFILE)) {
            (Some(profile), Some(default)) if profile != default => Some((profile, default)),
            _ => None,
        };
    if let Some((profile, default)) = differ {
        return Finding::warn(
            format!(
                "`AWS_PROFILE` is `{profile}` and `AWS_DEFAULT_PROFILE` is `{default}`: tools differ in which they use"
            ),
            "unset `AWS_DEFAULT_PROFILE`",
        );
    }
    Finding::pass("no variable overrides the profile")
}

/// `AWS_REGION` comes before the profile's region in every SDK, and after it here.
fn region(facts: &Facts) -> Option<Finding> {
    // A region that we exported is the profile's own.
    if facts.variables.os(variables::PROFILE).is_some() {
        return None;
    }
    let exported = facts.variables.var(variables::aws::REGION)?;
    let of_profile = facts.plan().ok()?.region.as_ref()?;
    (of_profile.as_str() != exported).then(|| {
        Finding::warn(
            format!(
                "`AWS_REGION` is `{}`, which SDKs use instead of the profile's {of_profile}",
                shown::value("region", &exported)
            ),
            "unset `AWS_REGION`",
        )
    })
}

/// <https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html>: the hosts of ECS and EKS, too.
fn is_accepted(uri: &str) -> bool {
    const HOSTS: [&str; 3] = ["169.254.170.2", "169.254.170.23", "[fd00:ec2::23]"];
    let Ok(address) = uri.parse::<Address>() else { return false };
    !address.is_in_clear() || HOSTS.contains(&address.host())
}

/// SDKs try a container endpoint, which `serve` and `exec --server` set, last: the keys of `[default]` come before it.
pub(super) fn container(facts: &Facts) -> Finding {
    const URIS: [&str; 2] =
        [variables::aws::CONTAINER_CREDENTIALS_FULL_URI, variables::aws::CONTAINER_CREDENTIALS_RELATIVE_URI];
    let set: Vec<&str> = URIS.into_iter().filter(|name| facts.variables.os(name).is_some()).collect();
    let [.., first] = set[..] else { return Finding::skipped("none is set") };
    if set.len() == 2 {
        let what = format!("`{}` and `{}` are both set: SDKs use the relative one", URIS[0], URIS[1]);
        return Finding::warn(what, format!("unset `{}` to use the endpoint of `serve`", URIS[1]));
    }
    if first == variables::aws::CONTAINER_CREDENTIALS_FULL_URI
        && !facts.variables.var(first).is_some_and(|uri| is_accepted(&uri))
    {
        return Finding::fail(
            format!("`{first}` is not an address that SDKs accept"),
            "correct the address: SDKs accept `https://`, or `http://` on this machine",
        );
    }
    let Ok(profiles) = facts.profiles() else { return Finding::skipped("the AWS files cannot be read") };
    let names = [variables::aws::PROFILE, variables::aws::DEFAULT_PROFILE];
    let name = names.into_iter().find_map(|name| facts.variables.var(name)).unwrap_or_else(|| "default".to_owned());
    let styles = [
        "aws_access_key_id",
        "credential_process",
        "role_arn",
        "web_identity_token_file",
        "sso_session",
        "sso_start_url",
        "login_session",
    ];
    let found = profiles.get(&name).and_then(|profile| styles.into_iter().find_map(|style| profile.filled(style)));
    match found {
        Some(property) => Finding::fail(
            format!("`{first}` is set, but SDKs use the credentials of profile `{name}` before that endpoint"),
            "rename the profile or remove its credentials, and do not export `AWS_PROFILE` together with the endpoint",
        )
        .at(Some(&property.place())),
        None => Finding::pass(format!("nothing takes precedence over `{first}`")),
    }
}
