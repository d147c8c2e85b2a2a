//! Where a value came from: an option, a variable, a setting, or a line of the AWS files.

use std::fmt;

use crate::profile::{Location, Property};

/// Where a value came from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Origin {
    /// An option, or our variable that stands for it.
    Flag(&'static str),
    /// One of AWS's environment variables.
    Variable(&'static str),
    /// A key in our own settings.
    Setting(&'static str),
    /// A line of the AWS files.
    Line {
        /// Where it is.
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

    /// The line of the AWS files, if it is one.
    pub(super) fn place(&self) -> Option<&Location> {
        match self {
            Self::Line { place, .. } => Some(place),
            Self::Flag(_) | Self::Variable(_) | Self::Setting(_) => None,
        }
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
