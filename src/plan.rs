//! What would be done for a profile, before anything is asked, called or unsealed.
//!
//! `ProfileSet` + [`PlanRequest`] + [`Ambient`] → [`Plan`] { base, steps }. Pure: no I/O, no clock, no async and no
//! secrets: a plan records where a secret is, never what it is. Whether a profile's key is
//! sealed, it asks the profile set. Its `Display` is what `show` prints. If only the base's answer can tell
//! (a `credential_process` may return long-term keys or a session), the plan contains both branches.
//!
//! The rules are those of AWS: GetSessionToken needs a user's long-term key; a role assumed by a session lasts at most
//! one hour; a code works once. See `chain.rs` for where credentials come from, `steps.rs` for which calls are made,
//! and `service.rs` for where they are sent.

mod base;
mod chain;
mod end;
mod endpoint;
mod error;
mod include;
mod login;
mod metadata;
mod origin;
mod service;
mod signs_in;
mod sso;
mod sso_fault;
mod steps;
mod warning;
mod web;

use std::fmt;
use std::path::PathBuf;

use crate::names::{
    AccountId, ExternalId, Lifetime, MfaSerial, Partition, ProfileName, Region, RoleArn, SessionName, Tag,
};
use crate::profile::{Profile, ProfileSet, Property};

pub use base::{Base, BaseKind, WebIdentity};
pub use end::End;
pub use endpoint::Service;
pub use error::{Likely, Origin, PlanError};
pub use include::included;
pub use login::LoginSession;
pub use signs_in::SignsIn;
pub use sso::{SsoRole, SsoSession};
pub use sso_fault::SsoFault;
pub use warning::Warning;

/// What the command line, our variables and our settings request.
#[derive(Clone, Debug, Default)]
pub struct PlanRequest {
    /// `--role-arn`
    pub role_arn: Option<RoleArn>,
    /// `--source-profile`
    pub source_profile: Option<ProfileName>,
    /// `--external-id`
    pub external_id: Option<ExternalId>,
    /// `--session-name`
    pub session_name: Option<SessionName>,
    /// `--source-identity`
    pub source_identity: Option<SessionName>,
    /// `--tag`; each replaces the profile's tag with the same key
    pub tags: Vec<Tag>,
    /// `--transitive-tag`
    pub transitive_tags: Vec<String>,
    /// `--session-policy`, read
    pub session_policy: Option<String>,
    /// `--policy-arn`
    pub policy_arns: Vec<String>,
    /// `--duration` or `MFA_CRED_DURATION`, and which of the two it was
    pub duration: Option<(Origin, Lifetime)>,
    /// `duration` in our settings, which a profile's own duration overrides
    pub usual_duration: Option<Lifetime>,
    /// `--region` or `MFA_CRED_REGION`
    pub region: Option<Region>,
    /// `region` in our settings, which every other source overrides
    pub usual_region: Option<Region>,
    /// `--mfa-serial`
    pub mfa_serial: Option<MfaSerial>,
    /// `allow_http` in our settings: may endpoints on other machines use plain `http://`?
    pub allow_http: bool,
    /// Skip searches through all profiles and sections (similar names, ignored sections)? For callers that plan every
    /// profile, so that the cost stays proportional to their number.
    pub at_a_glance: bool,
    /// Leave the device undecided, whatever the profile says? For the commands that manage devices.
    pub leaves_device_open: bool,
}

/// What AWS's own variables say. No secrets: only the identifier of the environment's key.
#[derive(Clone, Debug, Default)]
pub struct Ambient {
    /// `AWS_ACCESS_KEY_ID`, if the secret is set as well
    pub keys: Option<AmbientKeys>,
    /// `AWS_CREDENTIAL_EXPIRATION`
    pub expiration: Option<String>,
    /// `AWS_ACCOUNT_ID`
    pub account: Option<String>,
    /// `MFA_CRED_PROFILE`: if it is set, the keys are our own earlier output, and the region may be, too
    pub held: Option<String>,
    /// `AWS_REGION` and `AWS_DEFAULT_REGION`, if set, each with its name
    pub regions: Vec<(&'static str, String)>,
    /// `MFA_CRED_EXPORTED_REGION`: also our own earlier output
    pub exported_region: Option<String>,
    /// `AWS_WEB_IDENTITY_TOKEN_FILE`, which counts only where a profile names the environment as its source
    pub web_identity: Option<AmbientToken>,
    /// `AWS_ROLE_SESSION_NAME`
    pub session_name: Option<String>,
    /// `AWS_ENDPOINT_URL_STS`
    pub endpoint_url_sts: Option<String>,
    /// `AWS_ENDPOINT_URL_IAM`
    pub endpoint_url_iam: Option<String>,
    /// `AWS_ENDPOINT_URL_SSO`
    pub endpoint_url_sso: Option<String>,
    /// `AWS_ENDPOINT_URL_SSO_OIDC`
    pub endpoint_url_sso_oidc: Option<String>,
    /// `AWS_ENDPOINT_URL_SIGNIN`
    pub endpoint_url_signin: Option<String>,
    /// `AWS_ENDPOINT_URL`
    pub endpoint_url: Option<String>,
    /// `AWS_IGNORE_CONFIGURED_ENDPOINT_URLS`
    pub ignore_endpoint_urls: Option<String>,
    /// `AWS_USE_FIPS_ENDPOINT`
    pub use_fips: Option<String>,
    /// `AWS_USE_DUALSTACK_ENDPOINT`
    pub use_dualstack: Option<String>,
    /// `AWS_CA_BUNDLE`
    pub ca_bundle: Option<PathBuf>,
    /// `AWS_CONTAINER_CREDENTIALS_RELATIVE_URI` or `…_FULL_URI`, with its name
    pub container: Option<(&'static str, String)>,
    /// `AWS_EC2_METADATA_SERVICE_ENDPOINT`
    pub instance: Option<String>,
    /// `AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE`
    pub instance_mode: Option<String>,
}

/// The environment's access key, without its secret.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AmbientKeys {
    /// `AWS_ACCESS_KEY_ID`
    pub access_key_id: String,
    /// Is `AWS_SESSION_TOKEN` or its old name `AWS_SECURITY_TOKEN` set?
    pub is_session: bool,
}

/// The environment's web identity.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AmbientToken {
    /// `AWS_WEB_IDENTITY_TOKEN_FILE`
    pub file: PathBuf,
    /// `AWS_ROLE_ARN`
    pub role: Option<String>,
}

/// What would be done for a profile.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The requested profile.
    pub profile: ProfileName,
    /// Where the first credentials come from.
    pub base: Base,
    /// When they expire, if a file or the environment says so.
    pub end: Option<End>,
    /// The profile at the end of the chain, which is that of the user.
    pub user: ProfileName,
    /// The account of the base's credentials, if its profile or the environment names it.
    pub account: Option<AccountId>,
    /// The calls, in order.
    pub steps: Steps,
    /// The value exported as `AWS_REGION`, if any source gives one.
    pub region: Option<Region>,
    /// Does it come from an option or our settings, rather than from the profile or the user's own variables?
    pub region_is_given: bool,
    /// Which STS is called, and how.
    pub service: Service,
    /// The user's MFA device, if a profile of the chain names one.
    pub device: Option<Device>,
    /// The command that prints codes: the nearest `mfa_process` along the chain.
    pub mfa_process: Option<MfaProcess>,
    /// Where the profile says that codes come from the device's kept seed (`mfa_source = seed`), if no command does.
    pub kept_seed: Option<Origin>,
    /// What the user should know although a plan was made.
    pub warnings: Vec<Warning>,
    /// The `mfa_serial` that is skipped, because a session of `aws login` carries the MFA of its sign-in and takes no code.
    pub skipped_serial: Option<Origin>,
}

/// A command that prints codes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct MfaProcess {
    /// Where it is configured.
    pub origin: Origin,
    /// The command line.
    pub command: String,
}

/// The calls after the base.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Steps {
    /// Known now.
    Fixed(Vec<Step>),
    /// Known before the base is asked.
    ByBase {
        /// If the base gives a user's long-term key.
        long_term: Vec<Step>,
        /// If the base gives a session.
        session: Vec<Step>,
    },
}

impl Steps {
    /// The calls for the kind of base that it turned out to be.
    pub fn given(&self, base_is_long_term: bool) -> &[Step] {
        match self {
            Self::Fixed(steps) => steps,
            Self::ByBase { long_term, .. } if base_is_long_term => long_term,
            Self::ByBase { session, .. } => session,
        }
    }

    /// The warning for a base that turned out to be a session although the role was to last longer than an hour.
    pub fn capped_by_the_session(&self) -> Option<Warning> {
        let Self::ByBase { long_term, session } = self else { return None };
        let (wanted, given) = (long_term.last()?, session.last()?);
        let is_capped = wanted.duration() > given.duration();
        is_capped.then(|| Warning::DurationCapped { wanted: wanted.duration(), profile: wanted.profile().clone() })
    }
}

/// The device that generates the code for a step.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Device {
    /// Its serial is known.
    Named(MfaSerial),
    /// `mfa_serial = auto`: the user's only usable device, which IAM is asked for when a code is needed.
    Auto,
}

impl Device {
    /// Its serial, if known.
    pub fn serial(&self) -> Option<&MfaSerial> {
        match self {
            Self::Named(serial) => Some(serial),
            Self::Auto => None,
        }
    }

    /// As it appears in a sentence.
    fn in_words(&self) -> &str {
        self.serial().map_or("the one device that IAM lists (`mfa_serial = auto`)", MfaSerial::as_str)
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.serial().map_or("auto", MfaSerial::as_str))
    }
}

/// One call.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Step {
    /// GetSessionToken with a code: the MFA session that serves every role of the user.
    SessionToken {
        /// The user's device.
        device: Device,
        /// 15 minutes to 36 hours.
        duration: Lifetime,
        /// The user's profile.
        profile: ProfileName,
    },
    /// AssumeRole.
    AssumeRole(Box<AssumeRole>),
    /// AssumeRoleWithWebIdentity: not signed, but proven by the base's token. It takes no tags, external ID or source
    /// identity.
    WebIdentity(Box<AssumeRole>),
    /// GetRoleCredentials at the portal of IAM Identity Center, with the token of a browser login.
    RoleCredentials(Box<SsoRole>),
}

/// AssumeRole's input.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AssumeRole {
    /// The profile that names the role.
    pub profile: ProfileName,
    /// The role.
    pub role: RoleArn,
    /// With a code from this device: only if the session is to last longer than an hour.
    pub device: Option<Device>,
    /// 15 minutes to 12 hours; one hour if a session signs.
    pub duration: Lifetime,
    /// `None`: `mfa-cred-` and the user's name, which is looked up when the call is made.
    pub session_name: Option<SessionName>,
    /// The external ID, which the trust policy may require.
    pub external_id: Option<ExternalId>,
    /// It persists through a chain of roles.
    pub source_identity: Option<SessionName>,
    /// Sorted by key.
    pub tags: Vec<Tag>,
    /// The keys of tags that are passed on along a chain.
    pub transitive_tags: Vec<String>,
    /// It restricts the session.
    pub session_policy: Option<String>,
    /// They restrict the session.
    pub policy_arns: Vec<String>,
}

impl Step {
    /// The profile that the result of this step belongs to.
    pub fn profile(&self) -> &ProfileName {
        match self {
            Self::SessionToken { profile, .. } => profile,
            Self::AssumeRole(role) | Self::WebIdentity(role) => &role.profile,
            Self::RoleCredentials(role) => &role.profile,
        }
    }

    /// The requested lifetime of the resulting session; the longest one where AWS alone decides.
    pub fn duration(&self) -> Lifetime {
        match self {
            Self::SessionToken { duration, .. } => *duration,
            Self::AssumeRole(role) | Self::WebIdentity(role) => role.duration,
            Self::RoleCredentials(_) => SsoRole::LONGEST,
        }
    }

    /// The device whose code it needs, if any.
    pub fn needs_code_of(&self) -> Option<&Device> {
        match self {
            Self::SessionToken { device, .. } => Some(device),
            Self::AssumeRole(role) => role.device.as_ref(),
            Self::WebIdentity(_) | Self::RoleCredentials(_) => None,
        }
    }

    /// The name and the account of the role whose credentials it gives, if it does.
    pub fn role(&self) -> Option<(&str, &AccountId)> {
        match self {
            Self::SessionToken { .. } => None,
            Self::AssumeRole(call) | Self::WebIdentity(call) => Some((call.role.name(), call.role.account())),
            Self::RoleCredentials(role) => Some((&role.role, &role.account)),
        }
    }

    /// The ARN of that role, unless only AWS knows it.
    pub fn role_arn(&self) -> Option<&RoleArn> {
        match self {
            Self::SessionToken { .. } | Self::RoleCredentials(_) => None,
            Self::AssumeRole(call) | Self::WebIdentity(call) => Some(&call.role),
        }
    }
}

impl Plan {
    /// Makes the plan for a profile.
    ///
    /// # Errors Everything that can be found to be wrong before anything is asked or called.
    pub fn make(
        set: &ProfileSet,
        profile: &ProfileName,
        request: &PlanRequest,
        ambient: &Ambient,
    ) -> Result<Self, PlanError> {
        let chain = chain::Chain::walk(set, profile, request, ambient)?;
        let device = chain.device(request)?;
        let (steps, mut warnings) = steps::lay_out(&chain, device.as_ref(), request, ambient)?;
        let (region, region_is_given) = service::region(set, &chain, request, ambient)?;
        let serial = device.as_ref().and_then(Device::serial);
        let service = Service::resolve(set, &chain, serial, region.as_ref(), (request, ambient))?;
        if !request.at_a_glance {
            warnings.extend(chain.unreadable_ends(ambient).map(|origin| Warning::UnreadableEnd { origin }));
            let lacks_device = device.is_none() && !matches!(chain.base, Base::Login(_));
            warnings.extend(chain.overlooked(set, lacks_device).map(Warning::Overlooked));
        }
        if let Some(region) = region.as_ref().filter(|region| Partition::of_region(region) != service.partition) {
            warnings.push(Warning::OtherPartition { region: region.clone(), partition: service.partition });
        }
        Ok(Self {
            profile: profile.clone(),
            mfa_process: chain.nearest("mfa_process").map(|property| MfaProcess {
                origin: chain::origin(&property),
                command: property.value().into_owned(),
            }),
            kept_seed: chain.kept_seed()?.filter(|_| chain.nearest("mfa_process").is_none()),
            account: chain.account(ambient)?,
            user: chain::profile_name(*chain.links.last().expect("a chain has the profile that was asked for")),
            end: chain.end(ambient),
            skipped_serial: chain.skipped_serial(),
            base: chain.base,
            steps,
            region,
            region_is_given,
            service,
            device,
            warnings,
        })
    }
}

/// The profile of that name, which must exist.
///
/// # Errors If it does not exist: with similar names, or with the fact that there are no profiles.
pub fn existing<'a>(set: &'a ProfileSet, name: &ProfileName) -> Result<Profile<'a>, PlanError> {
    set.get(name.as_str()).ok_or_else(|| chain::unknown(set, name))
}

impl Plan {
    /// The same plan with the answer to `mfa_serial = auto`; a plan that already names its device keeps it.
    #[must_use]
    pub fn with_device(mut self, serial: &MfaSerial) -> Self {
        let fill = |device: &mut Device| {
            if *device == Device::Auto {
                *device = Device::Named(serial.clone());
            }
        };
        let in_steps = |steps: &mut Vec<Step>| {
            for step in steps {
                match step {
                    Step::SessionToken { device, .. } => fill(device),
                    Step::AssumeRole(call) => call.device.iter_mut().for_each(fill),
                    Step::WebIdentity(_) | Step::RoleCredentials(_) => {}
                }
            }
        };
        match &mut self.steps {
            Steps::Fixed(steps) => in_steps(steps),
            Steps::ByBase { long_term, session } => [long_term, session].into_iter().for_each(in_steps),
        }
        self.device.iter_mut().for_each(fill);
        self
    }

    /// A plan of GetSessionToken for this plan's user, without a role.
    #[must_use]
    pub fn session_of(&self, serial: &MfaSerial) -> Self {
        let step = steps::session_of(self.user.clone(), serial);
        let device = Some(Device::Named(serial.clone()));
        Self { steps: Steps::Fixed(vec![step]), device, warnings: Vec::new(), ..self.clone() }
    }

    /// The user's profile, if the plan has no device although it could have one: only a user's long-term key can be
    /// combined with MFA.
    pub fn without_mfa(&self) -> Option<&ProfileName> {
        let could_be_met = matches!(self.base.kind(), BaseKind::LongTerm | BaseKind::Unknown);
        Some(&self.user).filter(|_| could_be_met && self.device.is_none())
    }

    /// Must the device be looked up before a code can be asked for?
    pub fn asks_for_device(&self) -> bool {
        self.device == Some(Device::Auto)
    }

    /// Which IAM endpoint to call for this profile, and how. Only commands that call IAM need to know.
    ///
    /// # Errors An override that is not a URL.
    pub fn iam(&self, set: &ProfileSet, ambient: &Ambient) -> Result<Service, PlanError> {
        let profile = set.get(self.profile.as_str()).expect("a plan's profile is in the set that it was made of");
        self.service.iam(set, profile, ambient)
    }
}

/// The property by which a profile signs in through a browser, and how: the AWS CLI looks at it before any key.
pub fn sign_in(profile: Profile<'_>) -> Option<(Property<'_>, &'static str)> {
    chain::sign_in(profile)
}

/// The profiles along a source chain, starting with `name`, as far as it leads; none of them is checked.
pub fn sources<'a>(set: &'a ProfileSet, name: &str) -> Vec<Profile<'a>> {
    set.get(name).map(|profile| chain::sources(set, profile)).unwrap_or_default()
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "base: {}", self.base)?;
        match &self.steps {
            Steps::Fixed(steps) => write_steps(f, "", steps)?,
            Steps::ByBase { long_term, session } => {
                write_steps(f, "if long-term: ", long_term)?;
                write_steps(f, "if a session: ", session)?;
            }
        }
        if let (Some(origin), Some(_)) = (&self.kept_seed, &self.device) {
            writeln!(f, "code: from the device's kept seed ({origin})")?;
        }
        write!(f, "{}", self.service)
    }
}

fn write_steps(f: &mut fmt::Formatter<'_>, when: &str, steps: &[Step]) -> fmt::Result {
    if steps.is_empty() {
        writeln!(f, "{when}no call")?;
    }
    steps.iter().try_for_each(|step| writeln!(f, "{when}{step}"))
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SessionToken { device, duration, .. } => {
                write!(f, "GetSessionToken for {duration}, with a code of {}", device.in_words())
            }
            Self::AssumeRole(call) => {
                write!(f, "AssumeRole {} for {}", call.role, call.duration)?;
                match &call.device {
                    Some(device) => write!(f, ", with a code of {}", device.in_words()),
                    None => Ok(()),
                }
            }
            Self::WebIdentity(call) => write!(f, "AssumeRoleWithWebIdentity {} for {}", call.role, call.duration),
            Self::RoleCredentials(role) => {
                write!(f, "GetRoleCredentials for role `{}` in account {}", role.role, role.account)
            }
        }
    }
}

#[cfg(test)]
mod tests;
