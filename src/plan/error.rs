//! What can be wrong with a profile before anything is asked or called.

use std::fmt;

use super::Device;
use crate::names::{Address, Lifetime, MfaSerial, NameError, ProfileName};
use crate::profile::{Location, Overlooked, Property};

/// Where a value came from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Origin {
    /// A flag, or the variable of ours that stands for it.
    Flag(&'static str),
    /// An environment variable of AWS's.
    Variable(&'static str),
    /// A key of our own settings.
    Setting(&'static str),
    /// A line of the AWS files.
    Line {
        /// Where it stands.
        place: Location,
        /// The property's key.
        key: String,
    },
}

impl Origin {
    /// The line of a property.
    pub fn of(property: &Property<'_>) -> Self {
        Self::Line { place: property.place(), key: property.key().into_owned() }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag) => write!(f, "`{flag}`"),
            Self::Variable(name) => write!(f, "`{name}` in the environment"),
            Self::Setting(key) => write!(f, "`{key}` in the settings"),
            Self::Line { place, key } => write!(f, "{place}: `{key}`"),
        }
    }
}

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// No section of either file has that name.
    #[error("there is no profile `{name}`{}", looked_in(.files))]
    UnknownProfile {
        /// The name.
        name: ProfileName,
        /// What may have been meant.
        likely: Box<Likely>,
        /// Where it was looked for, with what is missing there said.
        files: Vec<String>,
    },
    /// Neither file has a profile at all.
    #[error("there are no AWS profiles yet{}", looked_in(.files))]
    NoProfiles {
        /// The one that was wanted.
        name: ProfileName,
        /// Where they were looked for, with what is missing there said.
        files: Vec<String>,
    },
    /// They have sections, and none is a profile.
    #[error("none of the sections in {} is a profile", .files.join(" or "))]
    AllIgnored {
        /// The one that was wanted.
        name: ProfileName,
        /// Where they stand.
        files: Vec<String>,
        /// The first of them that may have been meant to be one, and why each does not count.
        ignored: Vec<Overlooked>,
    },
    /// `source_profile` names no profile.
    #[error("{origin} names a profile that does not exist: `{source_profile}`")]
    UnknownSource {
        /// Where it is named.
        origin: Origin,
        /// The name.
        source_profile: String,
        /// What may have been meant.
        likely: Box<Likely>,
    },
    /// The chain goes on and on.
    #[error("{origin} leads through more than {most} profiles")]
    LongChain {
        /// The property that leads further.
        origin: Origin,
        /// How many may stand in a chain.
        most: usize,
    },
    /// The chain comes back to a profile.
    #[error("`source_profile` forms a cycle: {}", .0.join(" -> "))]
    Cycle(Vec<String>),
    /// `credential_process` would start mfa-cred for the same profile again.
    #[error("{origin} starts mfa-cred for profile `{profile}` again, which would never end")]
    ProcessLoop {
        /// The `credential_process`.
        origin: Origin,
        /// The profile that would be met again.
        profile: String,
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
        /// Sections that may have been meant for it.
        overlooked: Box<[Overlooked]>,
    },
    /// Nothing in the profile yields credentials.
    #[error("{place}: profile `{profile}` has no access key, no role and no other source of credentials")]
    NoCredentials {
        /// The section.
        place: Location,
        /// The profile.
        profile: String,
        /// Sections that may have been meant for it.
        overlooked: Box<[Overlooked]>,
    },
    /// One half of an access key.
    #[error("{origin}: profile `{profile}` has no `{missing}` to go with it")]
    HalfKey {
        /// The half that is there.
        origin: Origin,
        /// The profile.
        profile: String,
        /// The half that is not.
        missing: &'static str,
        /// Sections that may have been meant for it.
        overlooked: Box<[Overlooked]>,
    },
    /// One half of an access key, and the other one empty.
    #[error("{origin} of profile `{profile}` is empty, but its `{other}` is not")]
    EmptyHalf {
        /// The empty line.
        origin: Origin,
        /// The profile.
        profile: String,
        /// The half that is there.
        other: &'static str,
        /// Sections that may have been meant for it.
        overlooked: Box<[Overlooked]>,
    },
    /// A temporary access key without what makes it one.
    #[error("{origin} is a temporary access key (`ASIA…`), but it has no session token")]
    NoToken {
        /// The key's identifier.
        origin: Origin,
    },
    /// A value that AWS would not take.
    #[error("{origin}: {why}")]
    BadValue {
        /// Where it stands.
        origin: Origin,
        /// Why.
        why: NameError,
    },
    /// A value that AWS would not take, for a reason of this module.
    #[error("{origin} {why}")]
    Refused {
        /// Where it stands.
        origin: Origin,
        /// Why.
        why: &'static str,
    },
    /// An endpoint of another machine without TLS.
    #[error("{origin} is plain http: anyone on the network path to `{}` could read codes and credentials", .address.host())]
    InClear {
        /// Where it stands.
        origin: Origin,
        /// The endpoint.
        address: Box<Address>,
    },
    /// A duration outside AWS's range.
    #[error("{origin} is {wanted}; AWS accepts {min} to {max} here")]
    Duration {
        /// Where it stands.
        origin: Origin,
        /// The value.
        wanted: Lifetime,
        /// AWS's least.
        min: Lifetime,
        /// AWS's most.
        max: Lifetime,
    },
    /// An MFA device whose proof no AWS API takes.
    #[error("{origin}: {serial} is a FIDO key or passkey, and AWS's API accepts no FIDO codes")]
    Fido {
        /// Where it stands.
        origin: Origin,
        /// The device.
        serial: MfaSerial,
        /// The user's devices whose codes AWS takes, where somebody could ask.
        usable: Vec<MfaSerial>,
    },
    /// A serial with a base in which MFA can never be met.
    #[error(
        "{origin}: a code of {} cannot be used, because {base} signs the request and not a user's access key", .device.in_words()
    )]
    SerialCannotBeMet {
        /// Where the serial stands.
        origin: Origin,
        /// The device.
        device: Device,
        /// The base.
        base: String,
    },
    /// `credential_source = Environment` without keys in it.
    #[error("{origin}: the environment has no access key")]
    NoAmbientKeys {
        /// The `credential_source`.
        origin: Origin,
    },
    /// `credential_source = Environment` while it holds what `mfa-cred env` put there.
    #[error(
        "{origin}: the keys in the environment were exported by mfa-cred for another profile, and are not used as input"
    )]
    OwnExports {
        /// The `credential_source`.
        origin: Origin,
    },
    /// aws-vault's `include_profile`, which could hide an `mfa_serial`.
    #[error("{origin} is not supported, and ignoring it could lose an `mfa_serial`")]
    IncludeProfile {
        /// Where it stands.
        origin: Origin,
    },
    /// A kind of base that this version cannot use.
    #[error("{origin}: profile `{profile}` uses {what}, which this version does not support")]
    Unsupported {
        /// The property that says so.
        origin: Origin,
        /// The profile.
        profile: String,
        /// The kind.
        what: &'static str,
    },
    /// An option that shapes a role session, and no role.
    #[error("{origin} applies to a role session, but profile `{profile}` has no role")]
    NoRole {
        /// The option.
        origin: Origin,
        /// The profile.
        profile: ProfileName,
    },
}

impl PlanError {
    /// The line of the AWS files that it is about.
    pub fn place(&self) -> Option<&Location> {
        let origin = match self {
            Self::NoCredentials { place, .. } => return Some(place),
            Self::UnknownProfile { .. } | Self::NoProfiles { .. } | Self::AllIgnored { .. } | Self::Cycle(_) => {
                return None;
            }
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
            | Self::IncludeProfile { origin }
            | Self::Unsupported { origin, .. }
            | Self::NoRole { origin, .. } => origin,
        };
        match origin {
            Origin::Line { place, .. } => Some(place),
            Origin::Flag(_) | Origin::Variable(_) | Origin::Setting(_) => None,
        }
    }
}

/// What somebody may have meant by a name that no profile has.
#[derive(Debug, Default)]
pub struct Likely {
    /// Profiles with like names.
    pub nearest: Vec<String>,
    /// Sections that are ignored, or of another case.
    pub overlooked: Vec<Overlooked>,
}

impl Likely {
    /// Is it nothing at all?
    pub fn is_empty(&self) -> bool {
        self.nearest.is_empty() && self.overlooked.is_empty()
    }
}

fn looked_in(files: &[String]) -> String {
    if files.is_empty() { String::new() } else { format!(" in {}", files.join(" or ")) }
}
