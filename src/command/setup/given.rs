//! A key that an option gave, or a person who named the file with it.

use super::SetupWork;
use super::csv::Csv;
use crate::error::Error;
use crate::names::ProfileName;
use crate::safe::GivenKey;

/// A key that was given before any question.
pub(super) enum Given {
    /// In the console's file.
    Csv(Csv),
    /// On stdin, or in the environment.
    Key(GivenKey),
}

impl Given {
    pub(super) fn key(&self) -> &GivenKey {
        match self {
            Self::Csv(csv) => &csv.file.key,
            Self::Key(key) => key,
        }
    }

    /// The user's name, if what gave the key tells.
    pub(super) fn user(&self) -> Option<ProfileName> {
        match self {
            Self::Csv(csv) => csv.user(),
            Self::Key(_) => None,
        }
    }

    /// Deletes the file if there is one and the person wants that.
    pub(super) fn offer_deletion(&self, work: &SetupWork<'_>, profile: &ProfileName) -> Result<(), Error> {
        match self {
            Self::Csv(csv) => csv.offer_deletion(work, profile),
            Self::Key(_) => Ok(()),
        }
    }
}
