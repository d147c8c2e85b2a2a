//! What an environment receives: the credentials as variables, and the contradicting variables to unset.

use super::renewal::Renewal;
use crate::names::variables;
use crate::names::{ProfileName, Region};
use crate::secret::{Credentials, Secret};

/// In whole seconds, the format that the SDKs parse.
const TIME: &str = "%Y-%m-%dT%H:%M:%SZ";

/// Every variable that `env` can set, in output order.
pub const VARIABLES: [&str; 8] = [
    variables::aws::ACCESS_KEY_ID,
    variables::aws::SECRET_ACCESS_KEY,
    variables::aws::SESSION_TOKEN,
    variables::aws::CREDENTIAL_EXPIRATION,
    variables::aws::REGION,
    variables::aws::DEFAULT_REGION,
    variables::PROFILE,
    variables::awsume::PROFILE,
];

/// Variables to unset because they would override or contradict the credentials.
const CONTRADICTING: [&str; 4] = [
    variables::aws::PROFILE,
    variables::aws::DEFAULT_PROFILE,
    variables::aws::SECURITY_TOKEN,
    variables::awsume::EXPIRATION,
];

/// Variables to unset because SDKs use them before the profile that `AWS_PROFILE` names, or show another one.
const BEFORE_A_NAME: [&str; 12] = [
    variables::aws::ACCESS_KEY_ID,
    variables::aws::SECRET_ACCESS_KEY,
    variables::aws::SESSION_TOKEN,
    variables::aws::CREDENTIAL_EXPIRATION,
    variables::aws::SECURITY_TOKEN,
    variables::aws::DEFAULT_PROFILE,
    variables::aws::ACCESS_KEY,
    variables::aws::SECRET_KEY,
    // boto3 and the AWS CLI use a web identity before a `credential_process`.
    variables::aws::WEB_IDENTITY_TOKEN_FILE,
    variables::aws::ROLE_ARN,
    variables::awsume::PROFILE,
    variables::awsume::EXPIRATION,
];

/// What SDKs take before the credentials of an endpoint, or in place of its address and token; and what says which
/// credentials a shell holds.
const BEFORE_ENDPOINT: [&str; 19] = [
    variables::aws::ACCESS_KEY_ID,
    variables::aws::SECRET_ACCESS_KEY,
    variables::aws::SESSION_TOKEN,
    variables::aws::SECURITY_TOKEN,
    variables::aws::CREDENTIAL_EXPIRATION,
    variables::aws::ACCESS_KEY,
    variables::aws::SECRET_KEY,
    variables::aws::CREDENTIAL_FILE,
    variables::aws::PROFILE,
    variables::aws::DEFAULT_PROFILE,
    variables::aws::ROLE_ARN,
    variables::aws::ROLE_SESSION_NAME,
    variables::aws::WEB_IDENTITY_TOKEN_FILE,
    variables::aws::CONTAINER_CREDENTIALS_RELATIVE_URI,
    variables::aws::CONTAINER_AUTHORIZATION_TOKEN_FILE,
    variables::PROFILE,
    variables::EXPORTED_PROFILE,
    variables::awsume::PROFILE,
    variables::awsume::EXPIRATION,
];

/// The address of an endpoint, and where clients find its token.
const OF_ENDPOINT: [&str; 3] = [
    variables::aws::CONTAINER_CREDENTIALS_FULL_URI,
    variables::aws::CONTAINER_AUTHORIZATION_TOKEN,
    variables::aws::CONTAINER_AUTHORIZATION_TOKEN_FILE,
];

/// The first part of the path of every endpoint of ours. Those of AWS and of other programs have other paths.
pub const ENDPOINT_PREFIX: &str = "/profile/";

/// What a shell holds by name.
#[derive(Clone, Copy, Debug)]
pub struct Held<'a> {
    /// The profile whose credentials SDKs get.
    pub profile: &'a ProfileName,
    /// The profile that SDKs use, whose `credential_process` runs `mfa-cred process`.
    pub wired: &'a ProfileName,
}

/// Variables to set and to unset.
#[derive(Debug)]
pub struct Export {
    variables: Vec<(&'static str, Option<Secret<String>>)>,
    /// The profile that SDKs should see, if one cannot be hidden from them; `None` when the credentials are cleared.
    profile: Option<String>,
    /// Does it bring back what an earlier export hid?
    reveals: bool,
}

impl Export {
    /// An export of credentials for a shell or a command. `is_renewal`: an earlier run set variables here, and those
    /// that this run does not set must be removed.
    pub fn of(credentials: &Credentials, profile: &ProfileName, region: Option<&Region>, is_renewal: bool) -> Self {
        let plain = |text: &str| Some(Secret::from(text));
        let region = || region.and_then(|region| plain(region.as_str()));
        let values = [
            plain(&credentials.access_key_id),
            Some(credentials.secret_access_key.clone()),
            credentials.session_token.clone(),
            credentials.expiration.and_then(|end| plain(&end.strftime(TIME).to_string())),
            region(),
            region(),
            plain(profile.as_str()),
            plain(profile.as_str()),
        ];
        // A leftover token or expiration would be taken for ours. A region set by the user stays.
        let is_stale =
            |name: &str| is_renewal || !matches!(name, variables::aws::REGION | variables::aws::DEFAULT_REGION);
        let variables = VARIABLES.into_iter().zip(values).filter(|(name, value)| value.is_some() || is_stale(name));
        let variables = variables.chain(CONTRADICTING.map(|name| (name, None))).collect();
        Self { variables, profile: Some(profile.as_str().to_owned()), reveals: false }
    }

    /// An export for an endpoint from which SDKs read the credentials, and read them again. Everything that SDKs would
    /// take before the endpoint is unset.
    pub fn of_endpoint(url: &str, token: &str, region: Option<&Region>) -> Self {
        let set = [
            (variables::aws::CONTAINER_CREDENTIALS_FULL_URI, Some(url)),
            (variables::aws::CONTAINER_AUTHORIZATION_TOKEN, Some(token)),
            (variables::aws::REGION, region.map(Region::as_str)),
            (variables::aws::DEFAULT_REGION, region.map(Region::as_str)),
        ];
        let set = set.into_iter().filter_map(|(name, value)| Some((name, Some(Secret::from(value?)))));
        Self { variables: set.chain(BEFORE_ENDPOINT.map(|name| (name, None))).collect(), profile: None, reveals: false }
    }

    /// An export of the name of a wired profile, for which SDKs obtain the credentials themselves. Keys take precedence
    /// over a name, so they are removed. `is_renewal`: as in [`Export::of`].
    pub fn of_name(held: &Held<'_>, region: Option<&Region>, is_renewal: bool) -> Self {
        let set = |text: &str| Some(Secret::from(text));
        let region = || region.and_then(|region| set(region.as_str()));
        let own = [
            (variables::aws::PROFILE, set(held.wired.as_str())),
            (variables::aws::REGION, region()),
            (variables::aws::DEFAULT_REGION, region()),
            (variables::PROFILE, set(held.profile.as_str())),
            (variables::EXPORTED_PROFILE, set(held.wired.as_str())),
        ];
        let own = own.into_iter().filter(|(_, value)| value.is_some() || is_renewal);
        let variables = own.chain(BEFORE_A_NAME.map(|name| (name, None))).collect();
        Self { variables, profile: Some(held.wired.as_str().to_owned()), reveals: false }
    }

    /// An export that removes everything that [`Export::of`] can set.
    pub fn clearing() -> Self {
        Self { variables: VARIABLES.into_iter().map(|name| (name, None)).collect(), profile: None, reveals: true }
    }

    /// Removes the record of a name that an earlier export set, and the name itself unless something else set it since.
    #[must_use]
    pub fn forgetting_name(mut self, earlier: Option<&str>, current: Option<&str>) -> Self {
        if let Some(earlier) = earlier {
            self.variables.push((variables::EXPORTED_PROFILE, None));
            let is_gone = self.variables.iter().any(|(name, _)| *name == variables::aws::PROFILE);
            if current == Some(earlier) && !is_gone {
                self.variables.push((variables::aws::PROFILE, None));
            }
        }
        self
    }

    /// Removes the address and the token of an endpoint if the address is one of ours. Another program's stays, such as
    /// that of the container this runs in.
    #[must_use]
    pub fn forgetting_endpoint(mut self, url: Option<&str>) -> Self {
        if url.is_some_and(is_our_endpoint) {
            self.variables.extend(OF_ENDPOINT.map(|name| (name, None)));
        }
        self
    }

    /// An export of credentials that replace those in a shell, and of nothing else.
    pub fn replacing(credentials: &Credentials) -> Self {
        let set = |name, text: &str| (name, Some(Secret::from(text)));
        let end = credentials.expiration.map(|end| end.strftime(TIME).to_string());
        let variables = vec![
            set(variables::aws::ACCESS_KEY_ID, &credentials.access_key_id),
            (variables::aws::SECRET_ACCESS_KEY, Some(credentials.secret_access_key.clone())),
            (variables::aws::SESSION_TOKEN, credentials.session_token.clone()),
            (variables::aws::CREDENTIAL_EXPIRATION, end.map(|end| Secret::from(end.as_str()))),
        ];
        Self { variables, profile: None, reveals: false }
    }

    /// Records when the credentials are to be renewed; `-` if they cannot be, or if there are none any more: an
    /// empty variable counts as absent.
    #[must_use]
    pub fn noting_renewal(mut self, renewal: Option<&Renewal>) -> Self {
        let text = renewal.map_or_else(|| "-".to_owned(), ToString::to_string);
        self.variables.push((variables::RENEWAL, Some(Secret::from(text.as_str()))));
        self
    }

    /// Records the exported region if the profile did not set it, so that the next run recognizes it as ours.
    /// `was_noted`: an earlier run recorded one. If there is nothing to record or remove, nothing is added.
    #[must_use]
    pub fn noting_region(mut self, region: Option<&Region>, was_noted: bool) -> Self {
        if region.is_some() || was_noted {
            self.variables.push((variables::EXPORTED_REGION, region.map(|region| Secret::from(region.as_str()))));
        }
        self
    }

    /// The variables and their values; `None` means unset.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, Option<&Secret<String>>)> {
        self.variables.iter().map(|(name, value)| (*name, value.as_ref()))
    }

    /// The value to use for a variable that should be unset but cannot be hidden from programs: never another program's
    /// value that contradicts the credentials. For AWS's profile variables it is the profile of the credentials,
    /// because an empty name is an error in the AWS CLI; for the others it is empty, which all programs treat as unset.
    /// A region that reappears is the user's own.
    pub(super) fn stand_in(&self, name: &str) -> Option<&str> {
        let profile = self.profile.as_deref()?;
        match name {
            variables::aws::REGION | variables::aws::DEFAULT_REGION => None,
            variables::aws::PROFILE | variables::aws::DEFAULT_PROFILE => Some(profile),
            _ => Some(""),
        }
    }

    /// The variables that an earlier export hid and this one does not.
    pub(super) fn hidden_before(&self) -> &'static [&'static str] {
        if self.reveals { &CONTRADICTING } else { &[] }
    }

    #[cfg(test)]
    pub(super) fn of_pairs(pairs: &[(&'static str, Option<&str>)]) -> Self {
        let variables = pairs.iter().map(|(name, value)| (*name, value.map(Secret::from))).collect();
        Self { variables, profile: Some("deploy".to_owned()), reveals: false }
    }
}

/// Is it `http://HOST/profile/NAME`? The host may be that of a bridge or a tunnel.
fn is_our_endpoint(url: &str) -> bool {
    let path = url.strip_prefix("http://").and_then(|rest| rest.find('/').map(|at| &rest[at..]));
    let name = path.and_then(|path| path.strip_prefix(ENDPOINT_PREFIX));
    name.is_some_and(|name| !name.is_empty() && !name.contains('/'))
}

#[cfg(test)]
mod tests {
    use super::{Export, is_our_endpoint};
    use crate::names::ProfileName;
    use crate::secret::{Credentials, Secret};

    fn export(token: bool, region: Option<&str>, is_renewal: bool) -> Vec<String> {
        let credentials = Credentials {
            access_key_id: "AKIA".to_owned(),
            secret_access_key: Secret::from("s"),
            session_token: token.then(|| Secret::from("t")),
            expiration: token.then(|| "2026-01-02T03:04:05.678Z".parse().expect("a time")),
            account: None,
        };
        let profile = ProfileName::new("p").expect("not empty");
        let region = region.map(|region| region.parse().expect("a region"));
        let export = Export::of(&credentials, &profile, region.as_ref(), is_renewal);
        export.iter().map(|(name, value)| format!("{name}={}", value.map_or("-", |v| v.expose()))).collect()
    }

    #[test]
    fn a_session_sets_its_expiration_and_unsets_contradicting_variables() {
        let lines = export(true, Some("eu-west-1"), false);
        for line in ["AWS_SESSION_TOKEN=t", "AWS_CREDENTIAL_EXPIRATION=2026-01-02T03:04:05Z", "AWS_PROFILE=-"] {
            assert!(lines.contains(&line.to_owned()), "{line}: {lines:?}");
        }
    }

    #[test]
    fn an_endpoint_is_known_by_its_path() {
        for (url, is_ours) in [
            ("http://127.0.0.1:9911/profile/deploy", true),
            ("http://169.254.170.2:9911/profile/two%20words", true),
            ("http://127.0.0.1:9911/profile/", false),
            ("http://127.0.0.1:9911/profile/a/b", false),
            ("http://127.0.0.1:9911/", false),
            ("http://127.0.0.1:9911", false),
            ("http://169.254.170.23/v1/credentials", false),
            ("http://localhost:1338/latest/meta-data/container/security-credentials", false),
            ("https://127.0.0.1:9911/profile/deploy", false),
            ("", false),
        ] {
            assert_eq!(is_our_endpoint(url), is_ours, "{url}");
        }
    }

    #[test]
    fn long_term_keys_unset_a_foreign_session_token() {
        assert!(export(false, None, false).contains(&"AWS_SESSION_TOKEN=-".to_owned()));
    }

    #[test]
    fn a_region_is_unset_only_if_we_set_it() {
        assert!(!export(true, None, false).contains(&"AWS_REGION=-".to_owned()));
        assert!(export(true, None, true).contains(&"AWS_REGION=-".to_owned()));
    }
}
