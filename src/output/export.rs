//! What an environment receives: the credentials as variables, and the contradicting variables to unset.

use crate::names::variables;
use crate::names::{ProfileName, Region};
use crate::secret::{Credentials, Secret};

/// Every variable that `env` may set, in the order in which it is written.
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

/// Variables that would override or contradict what is set.
const CONTRADICTING: [&str; 4] = [
    variables::aws::PROFILE,
    variables::aws::DEFAULT_PROFILE,
    variables::aws::SECURITY_TOKEN,
    variables::awsume::EXPIRATION,
];

/// Variables to set and to unset.
#[derive(Debug)]
pub struct Export {
    variables: Vec<(&'static str, Option<Secret<String>>)>,
    /// The profile whose credentials they are; `None` where they are cleared.
    profile: Option<String>,
}

impl Export {
    /// Credentials for a shell or a command. `is_renewal`: an earlier run set variables here, and those that this one
    /// does not set are its leftovers.
    pub fn of(credentials: &Credentials, profile: &ProfileName, region: Option<&Region>, is_renewal: bool) -> Self {
        let plain = |text: &str| Some(Secret::from(text));
        let region = || region.and_then(|region| plain(region.as_str()));
        let values = [
            plain(&credentials.access_key_id),
            Some(credentials.secret_access_key.clone()),
            credentials.session_token.clone(),
            // Whole seconds: what the SDKs parse.
            credentials.expiration.and_then(|end| plain(&end.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())),
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
        Self { variables, profile: Some(profile.as_str().to_owned()) }
    }

    /// What clears all that [`Export::of`] may have set.
    pub fn clearing() -> Self {
        Self { variables: VARIABLES.into_iter().map(|name| (name, None)).collect(), profile: None }
    }

    /// Notes which region was exported without the profile's saying so, that the next run may know it again; `was_noted`
    /// says whether an earlier one did. Nothing is added where there is nothing to say.
    #[must_use]
    pub fn noting_region(mut self, region: Option<&Region>, was_noted: bool) -> Self {
        if region.is_some() || was_noted {
            self.variables.push((variables::EXPORTED_REGION, region.map(|region| Secret::from(region.as_str()))));
        }
        self
    }

    /// The variables, `None` for one to unset.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, Option<&Secret<String>>)> {
        self.variables.iter().map(|(name, value)| (*name, value.as_ref()))
    }

    /// What programs may see of a variable that is unset here and cannot be hidden from them: never the value of others
    /// that contradicts the credentials. For AWS's profiles that is the one that the credentials are of, since an empty
    /// name is an error to the AWS CLI; every other is empty, and so absent to all. A region that comes back is the
    /// user's own.
    pub(super) fn stand_in(&self, name: &str) -> Option<&str> {
        let profile = self.profile.as_deref()?;
        match name {
            variables::aws::REGION | variables::aws::DEFAULT_REGION => None,
            variables::aws::PROFILE | variables::aws::DEFAULT_PROFILE => Some(profile),
            _ => Some(""),
        }
    }

    /// The variables that an earlier export hid, and this one no longer does.
    pub(super) fn hidden_before(&self) -> &'static [&'static str] {
        if self.profile.is_some() { &[] } else { &CONTRADICTING }
    }

    #[cfg(test)]
    pub(super) fn of_pairs(pairs: &[(&'static str, Option<&str>)]) -> Self {
        let variables = pairs.iter().map(|(name, value)| (*name, value.map(Secret::from))).collect();
        Self { variables, profile: Some("deploy".to_owned()) }
    }
}

#[cfg(test)]
mod tests {
    use super::Export;
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
    fn a_session_sets_its_end_and_clears_what_contradicts() {
        let lines = export(true, Some("eu-west-1"), false);
        for line in ["AWS_SESSION_TOKEN=t", "AWS_CREDENTIAL_EXPIRATION=2026-01-02T03:04:05Z", "AWS_PROFILE=-"] {
            assert!(lines.contains(&line.to_owned()), "{line}: {lines:?}");
        }
    }

    #[test]
    fn long_term_keys_clear_the_token_of_others() {
        assert!(export(false, None, false).contains(&"AWS_SESSION_TOKEN=-".to_owned()));
    }

    #[test]
    fn a_region_is_cleared_only_when_it_was_ours() {
        assert!(!export(true, None, false).contains(&"AWS_REGION=-".to_owned()));
        assert!(export(true, None, true).contains(&"AWS_REGION=-".to_owned()));
    }
}
