//! The state of the server: identities, issued credentials, clocks. No network, and no lock of its own.

use std::collections::{BTreeMap, VecDeque};

use jiff::Timestamp;

use super::account::Account;
use super::console::Console;
use super::device::DeviceState;
use super::fault::Fault;
use super::policies::Policies;
use super::random;
use super::role::RoleSpec;
use super::signin::SignInService;
use super::sso::IdentityCenter;
use super::totp;

/// The root user's key in the map of users; no user can have this name.
pub(crate) const ROOT: &str = "<root>";

/// The parameters of a call.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Params(pub(crate) BTreeMap<String, String>);

impl Params {
    /// A parameter's value; `Some("")` if it is present and empty.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// `List.member.1`, `List.member.2`, …, each followed by `field` (`.Key`, or nothing).
    pub(super) fn members(&self, list: &str, field: &str) -> Vec<&str> {
        (1..).map_while(|n| self.get(&format!("{list}.member.{n}{field}"))).collect()
    }
}

/// Who signed a call.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Signer {
    /// An unknown signer.
    Nobody,
    /// A user's access key; `ROOT` is the root user.
    User(String),
    /// A session from `GetSessionToken` of this user.
    Session { user: String, mfa: bool },
    /// A web identity, which signs nothing.
    Web { issuer: String, subject: String },
    /// A session of an assumed role.
    Role { arn: String, session_name: String },
}

/// The outcome of a call.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Effect {
    /// It succeeded, whether or not the answer arrived.
    Accepted,
    /// It was refused with this code.
    Refused(String),
    /// A fault prevented it from being processed.
    Ignored,
}

/// A call as the server saw it.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) action: String,
    pub(crate) params: Params,
    pub(crate) access_key_id: String,
    pub(crate) signer: Signer,
    /// The region of the credential scope.
    pub(crate) region: String,
    pub(crate) user_agent: String,
    pub(crate) effect: Effect,
    /// The fault that was injected.
    pub(crate) fault: Option<Fault>,
    /// By the server's clock.
    pub(crate) at: Timestamp,
}

/// An access key or a session's credentials.
#[derive(Clone, Eq, PartialEq)]
pub(crate) struct AccessKey {
    pub(crate) id: String,
    pub(crate) secret: String,
    /// Only sessions have one.
    pub(crate) token: Option<String>,
}

/// A kind of secret.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    SecretKey,
    SessionToken,
    Code,
    Seed,
    /// A token or a client secret of Identity Center.
    SsoToken,
    /// Of a web identity.
    WebToken,
    /// A refresh token of `aws login`, or the key that proves who uses it.
    LoginToken,
    /// It signs a browser in to the console.
    SigninToken,
}

/// The status of a long-term key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum KeyStatus {
    Active,
    Inactive,
}

pub(super) struct User {
    pub(super) id: String,
    pub(super) created: Timestamp,
}

pub(super) struct LongTermKey {
    pub(super) secret: String,
    pub(super) user: String,
    pub(super) status: KeyStatus,
    /// How STS answers the next calls that it signs: false is a refusal. Afterward, it accepts all.
    pub(super) at_sts: VecDeque<bool>,
    /// How many more of its calls IAM refuses.
    pub(super) at_iam: usize,
}

/// A role and its unique ID.
pub(super) struct Role {
    pub(super) spec: RoleSpec,
    pub(super) id: String,
}

/// An action that a test denies to everybody.
pub(super) struct Denial {
    /// Without `iam:`.
    pub(super) action: String,
    /// A resource on which it is still allowed.
    pub(super) but_on: Option<String>,
    /// The only resource on which it is denied.
    pub(super) only_on: Option<String>,
    /// Is it an explicit Deny with the condition that there is no MFA?
    pub(super) only_without_mfa: bool,
}

impl Denial {
    pub(super) fn strikes(&self, action: &str, resource: &str, has_mfa: bool) -> bool {
        self.action == action
            && self.but_on.as_deref() != Some(resource)
            && self.only_on.as_deref().is_none_or(|only| only == resource)
            && !(self.only_without_mfa && has_mfa)
    }
}

/// Issued temporary credentials.
#[derive(Clone)]
pub(super) struct Session {
    pub(super) secret: String,
    pub(super) token: String,
    pub(super) signer: Signer,
    pub(super) expires: Timestamp,
    /// The time of the MFA authentication.
    pub(super) mfa_at: Option<Timestamp>,
    pub(super) revoked: bool,
    pub(super) source_identity: Option<String>,
    /// Keys of transitive tags, in lower case.
    pub(super) transitive: Vec<String>,
}

/// The state of the account.
pub(super) struct World {
    pub(super) account: String,
    pub(super) users: BTreeMap<String, User>,
    pub(super) keys: BTreeMap<String, LongTermKey>,
    pub(super) devices: BTreeMap<String, DeviceState>,
    pub(super) roles: BTreeMap<String, Role>,
    /// The keys of identity providers, by issuer.
    pub(super) providers: BTreeMap<String, String>,
    pub(super) sessions: BTreeMap<String, Session>,
    pub(super) faults: Vec<(String, Fault, usize)>,
    pub(super) denials: Vec<Denial>,
    pub(super) policies: Policies,
    pub(super) account_facts: Account,
    pub(super) sso: IdentityCenter,
    pub(super) signin: SignInService,
    pub(super) console: Console,
    pub(super) calls: Vec<Call>,
    pub(super) secrets: Vec<(Kind, String)>,
    /// How many seconds the server's clock is ahead of this machine's.
    pub(super) skew: i64,
    /// The lifetime of credentials in seconds, whatever the request says.
    pub(super) lifetime: Option<i64>,
    /// The maximum number of members in a page of a list.
    pub(super) page: usize,
    /// How STS answers the first calls of a key that CreateAccessKey makes, and how many of its calls IAM refuses.
    pub(super) new_keys: (Vec<bool>, usize),
    /// Are a user's sessions revoked when one of the user's keys becomes inactive?
    pub(super) sessions_end_with_their_key: bool,
}

impl World {
    pub(super) fn new(account: &str) -> Self {
        Self {
            account: account.to_owned(),
            users: BTreeMap::new(),
            keys: BTreeMap::new(),
            devices: BTreeMap::new(),
            roles: BTreeMap::new(),
            providers: BTreeMap::new(),
            sessions: BTreeMap::new(),
            faults: Vec::new(),
            denials: Vec::new(),
            policies: Policies::default(),
            account_facts: Account::default(),
            sso: IdentityCenter::default(),
            signin: SignInService::default(),
            console: Console::default(),
            calls: Vec::new(),
            secrets: Vec::new(),
            skew: 0,
            lifetime: None,
            page: 100,
            new_keys: (Vec::new(), 0),
            sessions_end_with_their_key: false,
        }
    }

    /// The server's clock: for dates, signatures, expirations, and (except for a device's own offset) codes.
    pub(super) fn now(&self) -> Timestamp {
        let here = Timestamp::now();
        Timestamp::new(here.as_second() + self.skew, here.subsec_nanosecond()).expect("a time near now")
    }

    /// The server's current time step.
    pub(super) fn step(&self) -> i64 {
        totp::step_at(self.now().as_second())
    }

    /// The signer to whom an access key ID belongs, active or not.
    pub(super) fn signer(&self, access_key_id: &str) -> Signer {
        if let Some(key) = self.keys.get(access_key_id) {
            Signer::User(key.user.clone())
        } else {
            self.sessions.get(access_key_id).map_or(Signer::Nobody, |session| session.signer.clone())
        }
    }

    /// A user, created if necessary.
    pub(super) fn ensure_user(&mut self, name: &str) {
        let created = self.now();
        self.users.entry(name.to_owned()).or_insert_with(|| User { id: random::id("AIDA"), created });
    }

    /// A new active access key of a user.
    pub(super) fn add_key(&mut self, user: &str) -> AccessKey {
        let (id, secret) = (random::id("AKIA"), random::secret_key());
        self.secrets.push((Kind::SecretKey, secret.clone()));
        let (user, status) = (user.to_owned(), KeyStatus::Active);
        let key = LongTermKey { secret: secret.clone(), user, status, at_sts: VecDeque::new(), at_iam: 0 };
        self.keys.insert(id.clone(), key);
        AccessKey { id, secret, token: None }
    }

    /// Temporary credentials that last `secs`, and their expiration.
    pub(super) fn issue(&mut self, grant: Grant, secs: i64) -> (AccessKey, Timestamp) {
        let secs = self.lifetime.unwrap_or(secs);
        // AWS's expirations have no fractions of a second.
        let expires = Timestamp::from_second(self.now().as_second() + secs).expect("a time near now");
        let (id, secret, token) = (random::id("ASIA"), random::secret_key(), random::session_token());
        self.secrets.push((Kind::SecretKey, secret.clone()));
        self.secrets.push((Kind::SessionToken, token.clone()));
        let session = Session {
            secret: secret.clone(),
            token: token.clone(),
            signer: grant.signer,
            expires,
            mfa_at: grant.mfa_at,
            revoked: false,
            source_identity: grant.source_identity,
            transitive: grant.transitive,
        };
        self.sessions.insert(id.clone(), session);
        (AccessKey { id, secret, token: Some(token) }, expires)
    }

    /// A user's ARN.
    pub(super) fn user_arn(&self, name: &str) -> String {
        let resource = if name == ROOT { "root".to_owned() } else { format!("user/{name}") };
        format!("arn:aws:iam::{}:{resource}", self.account)
    }
}

/// The identity of temporary credentials.
pub(super) struct Grant {
    pub(super) signer: Signer,
    pub(super) mfa_at: Option<Timestamp>,
    pub(super) source_identity: Option<String>,
    pub(super) transitive: Vec<String>,
}
