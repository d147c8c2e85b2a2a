//! What can be wrong with a profile before anything is asked or called.

use super::Device;
use super::sso_fault::SsoFault;
use crate::names::{Address, Lifetime, MfaSerial, NameError, ProfileName};
use crate::profile::{Location, Overlooked};
use crate::secret::shown;

pub use super::origin::Origin;

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// No section in either file has that name.
    #[error("there is no profile `{name}`{}", looked_in(.files))]
    UnknownProfile {
        /// The name.
        name: ProfileName,
        /// What may have been meant.
        likely: Box<Likely>,
        /// Where it was looked for, and which of these files do not exist.
        files: Vec<String>,
    },
    /// Neither file contains a profile.
    #[error("there are no AWS profiles yet{}", looked_in(.files))]
    NoProfiles {
        /// The profile that was requested.
        name: ProfileName,
        /// Where they were looked for, and which of these files do not exist.
        files: Vec<String>,
    },
    /// The files have sections, but none is a profile.
    #[error("none of the sections in {} is a profile", .files.join(" or "))]
    AllIgnored {
        /// The profile that was requested.
        name: ProfileName,
        /// The files.
        files: Vec<String>,
        /// The first of the sections that may have been meant to be profiles, and why each does not count.
        ignored: Vec<Overlooked>,
    },
    /// `source_profile` names a profile that does not exist.
    #[error("{origin} names a profile that does not exist: `{}`", shown::value("source_profile", .source_profile))]
    UnknownSource {
        /// Where it is named.
        origin: Origin,
        /// The name.
        source_profile: String,
        /// What may have been meant.
        likely: Box<Likely>,
    },
    /// The chain is too long.
    #[error("{origin} leads through more than {most} profiles")]
    LongChain {
        /// The property that leads further.
        origin: Origin,
        /// The maximum length of a chain.
        most: usize,
    },
    /// The chain returns to a profile.
    #[error("`source_profile` forms a cycle: {}", .0.join(" -> "))]
    Cycle(Vec<String>),
    /// `credential_process` would start mfa-cred for the same profile again.
    #[error("{origin} starts mfa-cred for profile `{profile}` again, which would never end")]
    ProcessLoop {
        /// The `credential_process`.
        origin: Origin,
        /// The profile that would be reached again.
        profile: String,
    },
    /// The profile's sealed access key cannot be read.
    #[error("{why}")]
    SealedKey {
        /// The profile.
        profile: String,
        /// Why.
        why: String,
    },
    /// Both `source_profile` and `credential_source`.
    #[error("{origin}: profile `{profile}` has both `source_profile` and `credential_source`")]
    TwoSources {
        /// The `credential_source`.
        origin: Origin,
        /// The profile.
        profile: String,
    },
    /// `role_arn` with nothing to sign with.
    #[error("{origin}: profile `{profile}` has a role, but neither `source_profile` nor `credential_source`")]
    NoSource {
        /// The `role_arn`.
        origin: Origin,
        /// The profile.
        profile: String,
        /// Sections that may have been meant to be this profile.
        overlooked: Box<[Overlooked]>,
    },
    /// Nothing in the profile gives credentials.
    #[error("{place}: profile `{profile}` has no access key, no role and no other source of credentials")]
    NoCredentials {
        /// The section.
        place: Location,
        /// The profile.
        profile: String,
        /// Sections that may have been meant to be this profile.
        overlooked: Box<[Overlooked]>,
    },
    /// One half of an access key.
    #[error("{origin}: profile `{profile}` has no `{missing}` to go with it")]
    HalfKey {
        /// The half that is set.
        origin: Origin,
        /// The profile.
        profile: String,
        /// The half that is missing.
        missing: &'static str,
        /// Sections that may have been meant to be this profile.
        overlooked: Box<[Overlooked]>,
    },
    /// One half of an access key, while the other one is empty.
    #[error("{origin} of profile `{profile}` is empty, but its `{other}` is not")]
    EmptyHalf {
        /// The empty line.
        origin: Origin,
        /// The profile.
        profile: String,
        /// The half that is set.
        other: &'static str,
        /// Sections that may have been meant to be this profile.
        overlooked: Box<[Overlooked]>,
    },
    /// A temporary access key without a session token.
    #[error("{origin} is a temporary access key (`ASIA…`), but it has no session token")]
    NoToken {
        /// The key's identifier.
        origin: Origin,
    },
    /// A value that AWS would reject.
    #[error("{origin}: {why}")]
    BadValue {
        /// Where it is set.
        origin: Origin,
        /// Why.
        why: NameError,
    },
    /// A value that AWS would reject, for a reason that this module knows.
    #[error("{origin} {why}")]
    Refused {
        /// Where it is set.
        origin: Origin,
        /// Why.
        why: &'static str,
    },
    /// An endpoint on another machine without TLS.
    #[error("{origin} is plain http: anyone on the network path to `{}` could read codes and credentials", .address.host())]
    InClear {
        /// Where it is set.
        origin: Origin,
        /// The endpoint.
        address: Box<Address>,
    },
    /// A duration outside AWS's range.
    #[error("{origin} is {wanted}; AWS accepts {min} to {max} here")]
    Duration {
        /// Where it is set.
        origin: Origin,
        /// The value.
        wanted: Lifetime,
        /// AWS's least.
        min: Lifetime,
        /// AWS's most.
        max: Lifetime,
    },
    /// An MFA device whose codes no AWS API accepts.
    #[error("{origin}: {serial} is a FIDO key or passkey, and AWS's API accepts no FIDO codes")]
    Fido {
        /// Where it is set.
        origin: Origin,
        /// The device.
        serial: MfaSerial,
        /// The user's devices whose codes AWS accepts, if they could be listed.
        usable: Vec<MfaSerial>,
    },
    /// A serial with a base that cannot be combined with MFA.
    #[error(
        "{origin}: a code of {} cannot be used, because {base} signs the request and not a user's access key", .device.in_words()
    )]
    SerialCannotBeMet {
        /// Where the serial is set.
        origin: Origin,
        /// The device.
        device: Device,
        /// The base.
        base: String,
    },
    /// `credential_source = Environment`, but the environment has neither keys nor the token of a web identity.
    #[error("{origin}: the environment has neither an access key nor a web identity")]
    NoAmbientKeys {
        /// The `credential_source`.
        origin: Origin,
    },
    /// `credential_source = Environment`, but the environment contains what `mfa-cred env` exported.
    #[error(
        "{origin}: the keys in the environment were exported by mfa-cred for another profile, and are not used as input"
    )]
    OwnExports {
        /// The `credential_source`.
        origin: Origin,
    },
    /// A role on top of a root user's session of `aws login`.
    #[error(
        "{origin}: the `aws login` session of profile `{profile}` is the root user's, and AWS lets the root user assume no roles"
    )]
    RootSession {
        /// The `role_arn`.
        origin: Origin,
        /// The profile of the session.
        profile: ProfileName,
    },
    /// aws-vault's `include_profile`, which could hide an `mfa_serial`.
    #[error("{origin} is not supported, and ignoring it could lose an `mfa_serial`")]
    IncludeProfile {
        /// Where it is set.
        origin: Origin,
        /// The profile.
        profile: ProfileName,
    },
    /// SSO properties that do not describe a login and a role.
    #[error(transparent)]
    Sso(#[from] SsoFault),
    /// An option that applies to role sessions, for a profile without a role.
    #[error("{origin} applies to a role session, but profile `{profile}` has no role")]
    NoRole {
        /// The option.
        origin: Origin,
        /// The profile.
        profile: ProfileName,
    },
}

impl PlanError {
    /// The line of the AWS files that it is about, if any.
    pub fn place(&self) -> Option<&Location> {
        let origin = match self {
            Self::NoCredentials { place, .. } => return Some(place),
            Self::Sso(fault) => return fault.place(),
            Self::UnknownProfile { .. }
            | Self::NoProfiles { .. }
            | Self::AllIgnored { .. }
            | Self::SealedKey { .. }
            | Self::Cycle(_) => return None,
            Self::UnknownSource { origin, .. }
            | Self::LongChain { origin, .. }
            | Self::ProcessLoop { origin, .. }
            | Self::TwoSources { origin, .. }
            | Self::NoSource { origin, .. }
            | Self::HalfKey { origin, .. }
            | Self::EmptyHalf { origin, .. }
            | Self::NoToken { origin }
            | Self::BadValue { origin, .. }
            | Self::Refused { origin, .. }
            | Self::InClear { origin, .. }
            | Self::Duration { origin, .. }
            | Self::Fido { origin, .. }
            | Self::SerialCannotBeMet { origin, .. }
            | Self::NoAmbientKeys { origin }
            | Self::OwnExports { origin }
            | Self::RootSession { origin, .. }
            | Self::IncludeProfile { origin, .. }
            | Self::NoRole { origin, .. } => origin,
        };
        origin.place()
    }
}

/// What may have been meant by a name that no profile has.
#[derive(Debug, Default)]
pub struct Likely {
    /// Profiles with similar names.
    pub nearest: Vec<String>,
    /// Sections that are ignored, or whose names differ in case.
    pub overlooked: Vec<Overlooked>,
}

impl Likely {
    /// Is it empty?
    pub fn is_empty(&self) -> bool {
        self.nearest.is_empty() && self.overlooked.is_empty()
    }
}

fn looked_in(files: &[String]) -> String {
    if files.is_empty() { String::new() } else { format!(" in {}", files.join(" or ")) }
}
