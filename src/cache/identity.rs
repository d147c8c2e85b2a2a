//! What identifies a cache entry.
//!
//! A key covers everything that could change the credentials: the base, the partition, a configured endpoint, and every
//! step up to the entry's own. Changing any of these is a miss. A comment, a region, FIPS and dual-stack are not
//! included, since a session is valid in every region. An MFA session is identified by its base and serial number
//! alone, so that a longer session also serves a request for a shorter one; a generated session name does not count.

use serde::{Deserialize, Serialize};

use crate::names::digest::{Digest, digest_name};
use crate::names::{AccountId, MfaSerial, Partition, ProfileName};
use crate::plan::{AssumeRole, Base, Plan, SsoRole, SsoSession, Step};
use crate::state::clock_name;

/// The first line; another number is another format, and a miss. It is part of an entry's identity and therefore of its
/// file name: two versions of this program used side by side never replace each other's entries.
pub(super) const MAGIC: &str = "mfa-cred entry 1";

/// The kind of session in an entry.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum EntryKind {
    /// A user's MFA session.
    Session,
    /// A role's session.
    Role,
    /// A role's session that IAM Identity Center gave.
    Sso,
}

/// The identity of an entry, and the fields of its clear header.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Key {
    digest: String,
    profile: ProfileName,
    kind: EntryKind,
    account: Option<AccountId>,
    role: Option<String>,
    partition: Partition,
    endpoint_url: Option<String>,
    login: Option<String>,
}

impl Key {
    /// The digest in hexadecimal, which names the entry's file.
    pub fn file_name(&self) -> &str {
        &self.digest
    }

    /// The profile that the entry is made for.
    pub fn profile(&self) -> &ProfileName {
        &self.profile
    }

    pub(super) fn kind(&self) -> EntryKind {
        self.kind
    }

    /// The account of the credentials, if the role or device tells it.
    pub fn account(&self) -> Option<&AccountId> {
        self.account.as_ref()
    }

    /// The name of the clock by which the entry expires.
    pub(super) fn clock(&self) -> String {
        clock_name(&self.partition, self.endpoint_url.as_deref())
    }

    pub(super) fn role(&self) -> Option<&str> {
        self.role.as_deref()
    }

    /// The login at IAM Identity Center that it starts from, as [`login_name`] names it.
    pub(super) fn login(&self) -> Option<&str> {
        self.login.as_deref()
    }
}

/// A name for a login at IAM Identity Center that tells nothing about it.
pub(super) fn login_name(session: &SsoSession) -> String {
    digest_name(session.token_key())
}

/// A file name for a plan's base.
pub(super) fn base_name(plan: &Plan) -> String {
    base16ct::lower::encode_string(&base(plan)[..16])
}

/// What identifies the credentials of a plan: the same text for the same credentials, as far as the plan tells.
pub fn identity(plan: &Plan) -> String {
    keys(plan, plan.steps.given(true)).pop().map_or_else(|| base_name(plan), |key| key.digest)
}

/// The keys of a plan's steps, in order; each covers the ones before it.
pub fn keys(plan: &Plan, steps: &[Step]) -> Vec<Key> {
    let mut before = base(plan);
    let login = match &plan.base {
        Base::Sso(role) => Some(login_name(&role.session)),
        _ => None,
    };
    let key = |step: &Step| {
        before = match step {
            Step::SessionToken { device, .. } => {
                Digest::of(MAGIC).text("session").part(&before).text(&device.to_string())
            }
            Step::AssumeRole(call) | Step::WebIdentity(call) => role(&before, call),
            // The base has named the account and the role.
            Step::RoleCredentials(_) => Digest::of(MAGIC).text("role credentials").part(&before),
        }
        .finish();
        let (kind, account, role) = match step {
            Step::SessionToken { device, .. } => (
                EntryKind::Session,
                device.serial().and_then(MfaSerial::account).or_else(|| plan.account.clone()),
                None,
            ),
            Step::AssumeRole(call) | Step::WebIdentity(call) => {
                (EntryKind::Role, Some(call.role.account().clone()), Some(call.role.as_str().to_owned()))
            }
            // Its ARN has a suffix that only AWS knows.
            Step::RoleCredentials(role) => (EntryKind::Sso, Some(role.account.clone()), Some(role.role.clone())),
        };
        let digest = base16ct::lower::encode_string(&before);
        let (partition, endpoint_url) = (plan.service.partition, plan.service.endpoint_url.clone());
        let login = login.clone();
        Key { digest, profile: step.profile().clone(), kind, account, role, partition, endpoint_url, login }
    };
    steps.iter().map(key).collect()
}

fn base(plan: &Plan) -> [u8; 32] {
    let identity = match &plan.base {
        // Sealed or not, it is the same key: sealing it ends no session.
        Base::AccessKey { access_key_id, .. } | Base::SealedKey { access_key_id, .. } => {
            Digest::of(MAGIC).text("access key").text(access_key_id)
        }
        // The same access key belongs to the same user, wherever it is configured.
        Base::Environment(keys) => Digest::of(MAGIC).text("access key").text(&keys.access_key_id),
        Base::Ec2InstanceMetadata(url) => Digest::of(MAGIC).text("instance").text(url),
        Base::EcsContainer(uri) => Digest::of(MAGIC).text("container").option(uri.as_deref()),
        Base::Sso(role) => sso(role),
        Base::CredentialProcess { command, .. } => Digest::of(MAGIC).text("process").text(command),
        Base::Login(session) => Digest::of(MAGIC).text("login").text(&session.arn),
        // Not the token itself, which is rotated often.
        Base::WebIdentity(web) => Digest::of(MAGIC)
            .text("web identity")
            .part(web.file.as_os_str().as_encoded_bytes())
            .option(web.identity.issuer.as_deref())
            .option(web.identity.subject.as_deref()),
    };
    identity.text(plan.service.partition.as_str()).option(plan.service.endpoint_url.as_deref()).finish()
}

/// Who signs in where, and the role that they take. What the login is allowed to do besides does not matter.
fn sso(role: &SsoRole) -> Digest {
    let SsoRole { profile: _, account, role, session } = role;
    let SsoSession { name, start_url, scopes: _, portal, oidc: _ } = session;
    Digest::of(MAGIC)
        .text("sso")
        .option(name.as_deref())
        .text(start_url)
        .text(portal.region.as_str())
        .option(portal.endpoint_url.as_deref())
        .text(account.as_str())
        .text(role)
}

fn role(before: &[u8; 32], call: &AssumeRole) -> Digest {
    let AssumeRole {
        profile: _,
        role,
        device,
        duration,
        session_name,
        external_id,
        source_identity,
        tags,
        transitive_tags,
        session_policy,
        policy_arns,
    } = call;
    Digest::of(MAGIC)
        .text("role")
        .part(before)
        .text(role.as_str())
        .option(device.as_ref().map(ToString::to_string).as_deref())
        .part(&duration.secs().to_le_bytes())
        .option(session_name.as_ref().map(super::super::names::SessionName::as_str))
        .option(external_id.as_ref().map(super::super::names::ExternalId::as_str))
        .option(source_identity.as_ref().map(super::super::names::SessionName::as_str))
        .list(tags.iter().flat_map(|tag| [tag.key.as_str(), tag.value.as_str()]))
        .list(transitive_tags.iter().map(String::as_str))
        .option(session_policy.as_deref())
        .list(policy_arns.iter().map(String::as_str))
}
