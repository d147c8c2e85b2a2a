//! Roles, and their trust policies as far as they decide over `AssumeRole`. Pure.

use super::world::Signer;

/// Whom a trust policy names.
#[derive(Clone, Debug)]
enum Principal {
    User(String),
    Account(String),
    Role(String),
}

/// A role and its trust policy. It trusts nobody until told so, and lives at most an hour, as AWS's default is.
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

/// What a request offers to the conditions.
pub(super) struct Offer<'a> {
    pub(super) signer: &'a Signer,
    pub(super) account: &'a str,
    /// Seconds since the code was given; `None` without MFA.
    pub(super) mfa_age: Option<i64>,
    pub(super) external_id: Option<&'a str>,
    pub(super) session_name: &'a str,
    pub(super) source_identity: Option<&'a str>,
}

impl RoleSpec {
    /// A role of that name, or path and name (`team/deploy`).
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

    /// In another account than the server's.
    pub(crate) fn account(mut self, account: &str) -> Self {
        self.account = Some(account.to_owned());
        self
    }

    /// Trusts a user of the server's account, and the sessions of that user.
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

    /// `aws:MultiFactorAuthPresent` must be true.
    pub(crate) fn require_mfa(mut self) -> Self {
        self.conditions.mfa = true;
        self
    }

    /// `aws:MultiFactorAuthAge` must be there and at most this, in seconds.
    pub(crate) fn mfa_max_age(mut self, secs: i64) -> Self {
        self.conditions.mfa_max_age = Some(secs);
        self
    }

    /// `sts:ExternalId` must be this.
    pub(crate) fn external_id(mut self, id: &str) -> Self {
        self.conditions.external_id = Some(id.to_owned());
        self
    }

    /// `sts:RoleSessionName` must be this.
    pub(crate) fn session_name(mut self, name: &str) -> Self {
        self.conditions.session_name = Some(name.to_owned());
        self
    }

    /// `sts:SourceIdentity` must be this; allows setting it.
    pub(crate) fn source_identity(mut self, identity: &str) -> Self {
        self.conditions.source_identity = Some(identity.to_owned());
        self.allow_source_identity()
    }

    /// Allows `sts:TagSession`; without it a request with tags is denied, as by AWS.
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

    /// Does the trust policy let this through?
    pub(super) fn trusts(&self, offer: &Offer) -> bool {
        let named = self.principals.iter().any(|principal| match (principal, offer.signer) {
            (Principal::User(name), Signer::User(user) | Signer::Session { user, .. }) => name == user,
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
