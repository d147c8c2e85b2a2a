//! The policies of users and groups. The server does not evaluate them: a test says what is denied.

use std::collections::BTreeMap;

use super::Aws;

/// A user or a group.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Owner<'a> {
    User(&'a str),
    Group(&'a str),
}

/// All policies. A holder is `user/NAME` or `group/NAME`.
#[derive(Default)]
pub(super) struct Policies {
    /// Inline policies, by holder and name.
    pub(super) inline: BTreeMap<(String, String), String>,
    /// Attached managed policies, by holder.
    pub(super) attached: BTreeMap<String, Vec<String>>,
    /// Groups and their users.
    pub(super) groups: BTreeMap<String, Vec<String>>,
    /// Permissions boundaries, by user.
    pub(super) boundaries: BTreeMap<String, String>,
    /// Managed policies, by ARN.
    pub(super) managed: BTreeMap<String, Managed>,
}

/// A managed policy.
pub(super) struct Managed {
    /// The first is `v1`.
    pub(super) versions: Vec<String>,
    /// Counted from 1.
    pub(super) default: usize,
}

impl Owner<'_> {
    pub(super) fn key(self) -> String {
        match self {
            Self::User(name) => format!("user/{name}"),
            Self::Group(name) => format!("group/{name}"),
        }
    }
}

impl Aws {
    /// Who is in a group, by name.
    pub(crate) fn members(&self, group: &str) -> Vec<String> {
        let mut users = self.shared.world().policies.groups[group].clone();
        users.sort_unstable();
        users
    }

    /// Adds a group with its users.
    pub(crate) fn add_group(&self, name: &str, users: &[&str]) {
        let users = users.iter().map(|user| (*user).to_owned()).collect();
        self.shared.world().policies.groups.insert(name.to_owned(), users);
    }

    /// Adds an inline policy.
    pub(crate) fn put_policy(&self, holder: Owner<'_>, name: &str, document: &str) {
        let place = (holder.key(), name.to_owned());
        self.shared.world().policies.inline.insert(place, document.to_owned());
    }

    /// Adds a managed policy with these versions; `default` is its default version, counted from 1. A name with `:` is
    /// the ARN of an AWS managed policy. Returns the ARN.
    pub(crate) fn add_policy(&self, name: &str, versions: &[&str], default: usize) -> String {
        let arn =
            if name.contains(':') { name.to_owned() } else { format!("arn:aws:iam::{}:policy/{name}", self.account()) };
        let versions = versions.iter().map(|version| (*version).to_owned()).collect();
        self.shared.world().policies.managed.insert(arn.clone(), Managed { versions, default });
        arn
    }

    /// Attaches a managed policy.
    pub(crate) fn attach(&self, holder: Owner<'_>, arn: &str) {
        self.shared.world().policies.attached.entry(holder.key()).or_default().push(arn.to_owned());
    }

    /// Sets a managed policy as a user's permissions boundary.
    pub(crate) fn set_boundary(&self, user: &str, arn: &str) {
        self.shared.world().policies.boundaries.insert(user.to_owned(), arn.to_owned());
    }
}
