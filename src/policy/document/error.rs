//! What is wrong with a document.

use super::Position;
use crate::messages::one_line;

/// A document that IAM would refuse: the first reason, and where.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{}:{}:{}: {problem}", one_line(name), place.line, place.column)]
pub struct DocumentError {
    /// The document.
    pub name: String,
    /// Where.
    pub place: Position,
    /// Why.
    pub problem: Problem,
}

/// Why IAM would refuse a document. What is quoted from it is a name that should have been another, and short.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Problem {
    /// Nothing but white space.
    #[error("the document is empty")]
    Empty,
    /// U+FEFF at the start.
    #[error("the document starts with a byte order mark, which IAM refuses")]
    ByteOrderMark,
    /// Bytes that are no UTF-8.
    #[error("the document is not UTF-8")]
    NotUtf8,
    /// Not JSON: a comment.
    #[error("JSON has no comments")]
    Comment,
    /// Not JSON: a comma before a closing bracket.
    #[error("a trailing comma")]
    TrailingComma,
    /// Not JSON: a line feed or the like within a string.
    #[error("a control character in a string is written as an escape")]
    ControlCharacter,
    /// Something that holds a policy, or is written in another language.
    #[error("this is {0}")]
    Alike(&'static str),
    /// Not JSON, in the reader's words.
    #[error("not JSON: {0}")]
    NotJson(String),
    /// Not YAML, in the reader's words.
    #[error("not YAML: {0}")]
    NotYaml(String),
    /// Not Terraform's language, in the reader's words.
    #[error("not Terraform's language: {0}")]
    NotHcl(String),
    /// A container of policies without any.
    #[error("there is no IAM policy in it")]
    NoPolicy,
    /// The policy of a bucket, a queue, a key.
    #[error(
        "a policy with a `Principal` and a `Resource` is the policy of a resource, and says nothing of a user's MFA devices"
    )]
    OfResource,
    /// A nesting bomb.
    #[error("nested deeper than any policy")]
    TooDeep,
    /// JSON of another kind.
    #[error("{what} must be {wanted}, not {found}")]
    Shape {
        /// What.
        what: String,
        /// What it must be.
        wanted: &'static str,
        /// What it is.
        found: &'static str,
    },
    /// A name that stands twice in one object.
    #[error("`{0}` stands here a second time")]
    Duplicate(String),
    /// A name that no such object has.
    #[error("`{name}` is not an element of {of}{}", nearest.map(|it| format!("; did you mean `{it}`?")).unwrap_or_default())]
    UnknownElement {
        /// The name.
        name: String,
        /// Of what.
        of: &'static str,
        /// What it may have meant.
        nearest: Option<&'static str>,
    },
    /// `Principal` or `NotPrincipal` in a policy that is attached to its principal.
    #[error("`{0}` goes with a resource's or a role's trust policy: an identity policy has none")]
    Principal(String),
    /// `Resource` in a trust policy.
    #[error("a trust policy has no `{0}`: it speaks of its own role")]
    TrustResource(String),
    /// Both of a pair.
    #[error("`{0}` and `Not{0}` exclude one another")]
    Both(&'static str),
    /// Neither of a pair, or a single element.
    #[error("the statement has no {0}")]
    Missing(&'static str),
    /// A document without `Statement`.
    #[error("the document has no `Statement`")]
    NoStatement,
    /// An empty list where IAM wants one or more.
    #[error("{0} is empty")]
    EmptyList(&'static str),
    /// Not a version.
    #[error("the version is `2012-10-17` or `2008-10-17`")]
    Version,
    /// Not an effect.
    #[error("the effect is `Allow` or `Deny`, in this case")]
    Effect,
    /// Not an action.
    #[error("`{0}` is not an action: it is `*` or `SERVICE:NAME`, such as `iam:ListMFADevices`")]
    Action(String),
    /// Not a resource.
    #[error("`{0}` is not a resource: it is `*` or an ARN, `arn:PARTITION:SERVICE:REGION:ACCOUNT:NAME`")]
    Resource(String),
    /// A variable where IAM takes none.
    #[error("a variable may stand only behind the fifth colon of an ARN")]
    VariableInArn,
    /// Not an operator.
    #[error("`{name}` is not a condition operator{}", nearest.map(|it| format!("; did you mean `{it}`?")).unwrap_or_default())]
    Operator {
        /// The name.
        name: String,
        /// What it may have meant.
        nearest: Option<&'static str>,
    },
    /// Not a condition key.
    #[error("`{0}` is not a condition key: it is `aws:NAME` or `SERVICE:NAME`")]
    Key(String),
    /// Other characters than IAM takes.
    #[error("a Sid is made of A-Z, a-z and 0-9")]
    Sid,
    /// Two statements of one name.
    #[error("the Sid `{0}` stands here a second time")]
    SidTwice(String),
}

/// A name from the document as it may be quoted.
pub(super) fn quoted(name: &str) -> String {
    const MOST: usize = 64;
    let short: String = name.chars().take(MOST).collect();
    one_line(&if short.len() < name.len() { short + "…" } else { short })
}
