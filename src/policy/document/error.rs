//! Why a document is invalid.

use super::Position;
use crate::messages::one_line;

/// A document that IAM would reject: the first reason, and its place.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{}:{}:{}: {problem}", one_line(name), place.line, place.column)]
pub struct DocumentError {
    /// The document's name.
    pub name: String,
    /// The place.
    pub place: Position,
    /// The reason.
    pub problem: Problem,
}

/// Why IAM would reject a document. Only names are quoted from the document, and only briefly.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Problem {
    /// Only white space.
    #[error("the document is empty")]
    Empty,
    /// U+FEFF at the start.
    #[error("the document starts with a byte order mark, which IAM refuses")]
    ByteOrderMark,
    /// Invalid UTF-8.
    #[error("the document is not UTF-8")]
    NotUtf8,
    /// Not JSON: a comment.
    #[error("JSON does not allow comments")]
    Comment,
    /// Not JSON: a comma before a closing bracket.
    #[error("a trailing comma")]
    TrailingComma,
    /// Not JSON: a line feed or another control character in a string.
    #[error("a control character in a string must be escaped")]
    ControlCharacter,
    /// Something that contains a policy, or is written in another language.
    #[error("this is {0}")]
    Alike(&'static str),
    /// Not JSON, in the parser's words.
    #[error("not JSON: {0}")]
    NotJson(String),
    /// Not YAML, in the parser's words.
    #[error("not YAML: {0}")]
    NotYaml(String),
    /// Not valid Terraform, in the parser's words.
    #[error("not valid Terraform: {0}")]
    NotHcl(String),
    /// A known kind of file without any policies.
    #[error("it contains no IAM policy")]
    NoPolicy,
    /// A resource-based policy, such as that of a bucket, a queue or a key.
    #[error(
        "a policy with a `Principal` and a `Resource` is a resource-based policy, which says nothing about MFA devices"
    )]
    OfResource,
    /// A policy for an organization: why it looks like one.
    #[error(
        "this looks like a service control policy ({0}), which limits accounts and is not attached to users: use \
         `--scp` to add it to a user's policies, `--kind organization` to check it by itself, or `--kind user` if it is \
         a user's policy"
    )]
    OfOrganization(String),
    /// Another policy of an organization: its type, in words.
    #[error("this is a {0} of an organization, which says nothing about users' MFA devices")]
    OfOtherType(String),
    /// A policy that limits who can use the resources of accounts.
    #[error(
        "this looks like a resource control policy (every `Deny` is for everyone, on the resources of whole accounts), \
         which is not attached to users and says nothing about their MFA devices"
    )]
    ResourceControl,
    /// Excessive nesting.
    #[error("nested more deeply than any policy")]
    TooDeep,
    /// A JSON value of the wrong type.
    #[error("{what} must be {wanted}, not {found}")]
    Shape {
        /// The element.
        what: String,
        /// The expected type.
        wanted: &'static str,
        /// The actual type.
        found: &'static str,
    },
    /// The same name twice in one object.
    #[error("duplicate `{0}`")]
    Duplicate(String),
    /// An unknown member name.
    #[error("`{name}` is not an element of {of}{}", nearest.map(|it| format!("; did you mean `{it}`?")).unwrap_or_default())]
    UnknownElement {
        /// The name.
        name: String,
        /// The kind of object.
        of: &'static str,
        /// The nearest known name.
        nearest: Option<&'static str>,
    },
    /// `Principal` or `NotPrincipal` in a policy that is attached to its principal.
    #[error("`{0}` belongs in a resource-based policy or a trust policy: an identity-based policy has none")]
    Principal(String),
    /// `Resource` in a trust policy.
    #[error("a trust policy has no `{0}`: it applies to its own role")]
    TrustResource(String),
    /// Both of a pair.
    #[error("`{0}` and `Not{0}` are mutually exclusive")]
    Both(&'static str),
    /// A required element, or both of a pair, missing.
    #[error("the statement has no {0}")]
    Missing(&'static str),
    /// A document without `Statement`.
    #[error("the document has no `Statement`")]
    NoStatement,
    /// An empty list where IAM requires at least one value.
    #[error("{0} is empty")]
    EmptyList(&'static str),
    /// An unknown version.
    #[error("the version must be `2012-10-17` or `2008-10-17`")]
    Version,
    /// An unknown effect.
    #[error("the effect must be `Allow` or `Deny`, with this capitalization")]
    Effect,
    /// Not an action.
    #[error("`{0}` is not an action: expected `*` or `SERVICE:NAME`, such as `iam:ListMFADevices`")]
    Action(String),
    /// Not a resource.
    #[error("`{0}` is not a resource: expected `*` or an ARN, `arn:PARTITION:SERVICE:REGION:ACCOUNT:NAME`")]
    Resource(String),
    /// A variable where IAM allows none.
    #[error("a variable is allowed only after the fifth colon of an ARN")]
    VariableInArn,
    /// Not an operator.
    #[error("`{name}` is not a condition operator{}", nearest.map(|it| format!("; did you mean `{it}`?")).unwrap_or_default())]
    Operator {
        /// The name.
        name: String,
        /// The nearest known name.
        nearest: Option<&'static str>,
    },
    /// Not a condition key.
    #[error("`{0}` is not a condition key: expected `aws:NAME` or `SERVICE:NAME`")]
    Key(String),
    /// Characters that IAM does not allow.
    #[error("a Sid can contain only A-Z, a-z and 0-9")]
    Sid,
    /// Two statements with the same name.
    #[error("duplicate Sid `{0}`")]
    SidTwice(String),
}

/// A name from the document, shortened and escaped for a message.
pub(super) fn quoted(name: &str) -> String {
    const MOST: usize = 64;
    let short: String = name.chars().take(MOST).collect();
    one_line(&if short.len() < name.len() { short + "…" } else { short })
}
