//! Whom a policy is attached to, as far as the files say.

use super::tree::{Node, Part, Text, Value};

/// A kind of identity.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Holder {
    /// A user.
    User,
    /// A group.
    Group,
    /// A role.
    Role,
}

impl Holder {
    /// `user`, `group` or `role`.
    pub fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Group => "group",
            Self::Role => "role",
        }
    }
}

/// What the files call a user, a group or a role.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(super) enum Called {
    /// By its name in IAM.
    Name(String),
    /// By the logical ID or the address of a resource in the files whose name they do not determine.
    Resource(String),
    /// By something that the files do not determine.
    Unknown {
        /// What stands in place of a name.
        what: String,
        /// The resource that says so, unless the same words mean the same everywhere: the results of two functions
        /// are never taken for each other.
        by: Option<String>,
    },
}

impl Called {
    /// The name, or the resource.
    pub(super) fn text(&self) -> &str {
        match self {
            Self::Name(text) | Self::Resource(text) => text,
            Self::Unknown { what, .. } => what,
        }
    }

    pub(super) fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown { .. })
    }

    /// For one of several resources with the same address, `aws_iam_user.all["alice"]`: the address of all of them.
    pub(super) fn of_all(&self) -> Option<Self> {
        let Self::Resource(address) = self else { return None };
        Some(Self::Resource(address.strip_suffix(']')?.rsplit_once('[')?.0.to_owned()))
    }
}

/// A user, a group or a role.
pub(super) type Whom = (Holder, Called);

/// The words in place of a name; `None` for what cannot be a name.
pub(super) fn words_of(node: &Node) -> Option<String> {
    match &node.value {
        Value::Unknown(what) => Some(what.clone()),
        Value::Text(text) => Some(shown(text)),
        _ => None,
    }
}

/// A text as its author wrote it, more or less: `${Stage}-alice`.
fn shown(text: &Text) -> String {
    let part = |part: &Part| match part {
        Part::Known(text) => text.clone(),
        Part::Unknown(what) => format!("${{{what}}}"),
    };
    text.parts.iter().map(part).collect()
}
