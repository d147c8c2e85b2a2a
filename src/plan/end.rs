//! When a plan's starting keys expire, as far as the AWS files or the environment say so.

use jiff::Timestamp;

use super::chain::Chain;
use super::error::Origin;
use super::{Ambient, Base};
use crate::names::{moment, variables};

/// The expiration of keys that another program obtained.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct End {
    /// When.
    pub at: Timestamp,
    /// What says so.
    pub origin: Origin,
}

const VARIABLE: Origin = Origin::Variable(variables::aws::CREDENTIAL_EXPIRATION);

impl Chain<'_> {
    /// An expiration that was found, and where.
    fn said_of_the_end(&self, ambient: &Ambient) -> impl Iterator<Item = (Option<Timestamp>, Origin)> {
        let (of_files, of_environment) = match &self.base {
            Base::AccessKey { .. } => (self.links.last(), None),
            Base::Environment(_) => (None, ambient.expiration.as_deref()),
            _ => (None, None),
        };
        let ends = of_files.into_iter().flat_map(|link| link.expirations());
        let of_files = ends.map(|end| (moment(&end.value()), Origin::of(&end)));
        of_files.chain(of_environment.map(|end| (moment(end), VARIABLE)))
    }

    /// When the base's keys expire. If several lines say so, the latest time was written last.
    pub(super) fn end(&self, ambient: &Ambient) -> Option<End> {
        let ends = self.said_of_the_end(ambient).filter_map(|(at, origin)| Some(End { at: at?, origin }));
        ends.max_by_key(|end| end.at)
    }

    /// The source of an expiration time that cannot be parsed.
    pub(super) fn unreadable_ends(&self, ambient: &Ambient) -> impl Iterator<Item = Origin> {
        self.said_of_the_end(ambient).filter(|(at, _)| at.is_none()).map(|(_, origin)| origin)
    }
}
