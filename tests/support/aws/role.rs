//! Roles, and the parts of their trust policies that matter to `AssumeRole`. Pure.

use super::world::Signer;

/// A principal of a trust policy.
#[derive(Clone, Debug)]
enum Principal {
    User(String),
    Account(String),
    Role(String),
    Web { issuer: String, subject: String },
}

/// A role and its trust policy. By default it trusts nobody, and its sessions last at most an hour, as in AWS.
#[derive(Clone, Debug)]
pub(crate) struct RoleSpec {
    pub(super) name: String,
    pub(super) account: Option<String>,
    principals: Vec<Principal>,
    pub(super) conditions: Conditions,
    pub(super) allows: Vec<&'static str>,
    pub(super) max_duration: i64,
}

/// The conditions on `sts:AssumeRole`; all must hold.
#[derive(Clone, Debug, Default)]
pub(super) struct Conditions {
    mfa: bool,
    mfa_max_age: Option<i64>,
    external_id: Option<String>,
    session_name: Option<String>,
    source_identity: Option<String>,
}

/// The values of a request that conditions check.
pub(super) struct Offer<'a> {
    pub(super) signer: &'a Signer,
    pub(super) account: &'a str,
    /// Seconds since the MFA authentication; `None` without MFA.
    pub(super) mfa_age: Option<i64>,
    pub(super) external_id: Option<&'a str>,
    pub(super) session_name: &'a str,
    pub(super) source_identity: Option<&'a str>,
}

impl RoleSpec {
    /// A role with this name, or path and name (`team/deploy`).
    pub(crate) fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            account: None,
            principals: Vec::new(),
            conditions: Conditions::default(),
            allows: Vec::new(),
            max_duration: 3600,
        }
    }

    /// Puts the role in another account.
    pub(crate) fn account(mut self, account: &str) -> Self {
        self.account = Some(account.to_owned());
        self
    }

    /// Trusts a user of the server's account, and that user's sessions.
    pub(crate) fn trust_user(mut self, name: &str) -> Self {
        self.principals.push(Principal::User(name.to_owned()));
        self
    }

    /// Trusts every user and role of an account.
    pub(crate) fn trust_account(mut self, account: &str) -> Self {
        self.principals.push(Principal::Account(account.to_owned()));
        self
    }

    /// Trusts the sessions of a role, by its ARN.
    pub(crate) fn trust_role(mut self, arn: &str) -> Self {
        self.principals.push(Principal::Role(arn.to_owned()));
        self
    }

    /// Trusts one subject of an identity provider.
    pub(crate) fn trust_web(mut self, issuer: &str, subject: &str) -> Self {
        self.principals.push(Principal::Web { issuer: issuer.to_owned(), subject: subject.to_owned() });
        self
    }

    /// Requires `aws:MultiFactorAuthPresent` to be true.
    pub(crate) fn require_mfa(mut self) -> Self {
        self.conditions.mfa = true;
        self
    }

    /// Requires `aws:MultiFactorAuthAge` to be present and at most this, in seconds.
    pub(crate) fn mfa_max_age(mut self, secs: i64) -> Self {
        self.conditions.mfa_max_age = Some(secs);
        self
    }

    /// Requires this `sts:ExternalId`.
    pub(crate) fn external_id(mut self, id: &str) -> Self {
        self.conditions.external_id = Some(id.to_owned());
        self
    }

    /// Requires this `sts:RoleSessionName`.
    pub(crate) fn session_name(mut self, name: &str) -> Self {
        self.conditions.session_name = Some(name.to_owned());
        self
    }

    /// Requires this `sts:SourceIdentity`, and allows setting it.
    pub(crate) fn source_identity(mut self, identity: &str) -> Self {
        self.conditions.source_identity = Some(identity.to_owned());
        self.allow_source_identity()
    }

    /// Allows `sts:TagSession`; without it, a request with tags is denied, as in AWS.
    pub(crate) fn allow_tags(mut self) -> Self {
        self.allows.push("sts:TagSession");
        self
    }

    /// Allows `sts:SetSourceIdentity`.
    pub(crate) fn allow_source_identity(mut self) -> Self {
        self.allows.push("sts:SetSourceIdentity");
        self
    }

    /// `MaxSessionDuration`, in seconds.
    pub(crate) fn max_duration(mut self, secs: i64) -> Self {
        self.max_duration = secs;
        self
    }

    /// Does the trust policy allow the request?
    pub(super) fn trusts(&self, offer: &Offer) -> bool {
        let named = self.principals.iter().any(|principal| match (principal, offer.signer) {
            (Principal::User(name), Signer::User(user) | Signer::Session { user, .. }) => name == user,
            (Principal::Web { issuer, subject }, Signer::Web { issuer: of, subject: who }) => {
                issuer == of && subject == who
            }
            (_, Signer::Web { .. }) => false,
            (Principal::Account(account), _) => account == offer.account,
            (Principal::Role(role), Signer::Role { arn, .. }) => role == arn,
            _ => false,
        });
        let must = &self.conditions;
        let equal = |wanted: &Option<String>, given: Option<&str>| wanted.is_none() || wanted.as_deref() == given;
        named
            && (!must.mfa || offer.mfa_age.is_some())
            && must.mfa_max_age.is_none_or(|max| offer.mfa_age.is_some_and(|age| age <= max))
            && equal(&must.external_id, offer.external_id)
            && equal(&must.session_name, Some(offer.session_name))
            && equal(&must.source_identity, offer.source_identity)
    }
}
