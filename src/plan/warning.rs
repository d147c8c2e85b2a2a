//! Warnings about a plan that was made.

use std::fmt;

use super::error::Origin;
use crate::messages::ours;
use crate::names::{Lifetime, Partition, ProfileName, Region};
use crate::profile::Overlooked;

/// What the user should know although a plan was made.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Warning {
    /// AWS limits a role that a session assumes to an hour.
    DurationCapped {
        /// The requested duration.
        wanted: Lifetime,
        /// By whom.
        profile: ProfileName,
    },
    /// Nothing that is called takes the duration that was asked for.
    DurationUnused {
        /// The role that IAM Identity Center gives, whose permission set decides.
        role: Option<String>,
    },
    /// A user without a serial gets its long-term keys.
    NoMfa {
        /// The user's profile.
        profile: ProfileName,
    },
    /// A section that is ignored but contains keys or a serial for a profile of the chain.
    Overlooked(Overlooked),
    /// It is unknown when the plan's starting keys expire.
    UnreadableEnd {
        /// What should have said it.
        origin: Origin,
    },
    /// These credentials do not work in the region.
    OtherPartition {
        /// The exported region.
        region: Region,
        /// The credentials' partition.
        partition: Partition,
    },
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DurationCapped { wanted, profile } => {
                write!(
                    f,
                    "profile `{profile}`: {wanted} was requested, but AWS limits a role that a session assumes to 1h"
                )
            }
            Self::DurationUnused { role: Some(role) } => {
                write!(
                    f,
                    "`--duration` has no effect: the permission set in IAM Identity Center decides how long credentials of role `{role}` last"
                )
            }
            Self::DurationUnused { role: None } => {
                f.write_str("`--duration` has no effect: the source of these credentials decides how long they last")
            }
            Self::NoMfa { profile } => {
                write!(
                    f,
                    "profile `{profile}` has no `mfa_serial`, so these are its long-term keys, without MFA: set `mfa_serial = auto` to use the device that IAM lists, or create one with {}",
                    ours("device enroll", Some(profile))
                )
            }
            Self::Overlooked(section) => {
                let what = if section.holds.serial { "an `mfa_serial`" } else { "an access key" };
                write!(f, "{section} (it has {what})")
            }
            Self::UnreadableEnd { origin } => {
                write!(f, "{origin} is not a valid time, so it is unknown when these keys expire")
            }
            Self::OtherPartition { region, partition } => {
                write!(f, "region `{region}` is not in partition `{partition}`, which these credentials belong to")
            }
        }
    }
}
