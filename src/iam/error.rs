//! Why an IAM call failed.

use crate::aws::CallError;

/// The permission that is missing, as AWS's message names it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Denial {
    /// `iam:EnableMFADevice`
    pub action: String,
    /// The ARN of the resource, if AWS names one.
    pub resource: Option<String>,
    /// Is it an explicit Deny? Then no Allow helps.
    pub is_explicit: bool,
}

/// Why an IAM call failed.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum IamError {
    /// No policy allows it, or a policy denies it.
    #[error("AWS refused it (AccessDenied): {message}")]
    Denied {
        /// The details, if the message could be parsed.
        denial: Option<Denial>,
        /// AWS's message.
        message: String,
    },
    /// The key is unknown, or it belongs to a session without MFA, which may not call IAM at all.
    #[error("AWS refused it (InvalidClientTokenId): {0}")]
    UnknownKey(String),
    /// The name is taken, or the device is already enabled.
    #[error("AWS refused it (EntityAlreadyExists): {0}")]
    Taken(String),
    /// The device is assigned to a user.
    #[error("AWS refused it (DeleteConflict): {0}")]
    InUse(String),
    /// Wrong, equal, not consecutive, or used before.
    #[error("AWS refused it (InvalidAuthenticationCode): {0}")]
    WrongCodes(String),
    /// The entity does not exist, or the device is not this user's.
    #[error("AWS refused it (NoSuchEntity): {0}")]
    Gone(String),
    /// The limit of the user (eight devices) or of the account is reached.
    #[error("AWS refused it (LimitExceeded): {0}")]
    Full(String),
    /// Someone else is changing the same entity; a later attempt may succeed.
    #[error("AWS refused it ({0}): try again in a moment")]
    Busy(String),
    /// A failure that any call can have.
    #[error(transparent)]
    Call(#[from] CallError),
}

impl IamError {
    /// Classifies a failed call.
    pub fn of(error: CallError) -> Self {
        let CallError::Refused { code, message, .. } = &error else { return Self::Call(error) };
        let message = message.clone();
        match code.as_str() {
            "AccessDenied" | "AccessDeniedException" => Self::Denied { denial: Denial::read(&message), message },
            "InvalidClientTokenId" => Self::UnknownKey(message),
            "EntityAlreadyExists" => Self::Taken(message),
            "DeleteConflict" => Self::InUse(message),
            "InvalidAuthenticationCode" => Self::WrongCodes(message),
            "NoSuchEntity" => Self::Gone(message),
            "LimitExceeded" => Self::Full(message),
            "EntityTemporarilyUnmodifiable" | "ConcurrentModification" => Self::Busy(code.clone()),
            _ => Self::Call(error),
        }
    }

    /// Might AWS have done it although the response was lost?
    pub fn may_have_been_done(&self) -> bool {
        matches!(self, Self::Call(error) if error.may_have_spent_the_code() && *error != CallError::Throttled)
    }
}

impl Denial {
    /// "User: ARN is not authorized to perform: ACTION on resource: ARN because …", or "… with an explicit deny …".
    fn read(message: &str) -> Option<Self> {
        let (_, rest) = message.split_once("is not authorized to perform: ")?;
        let mut words = rest.split_whitespace();
        let action = words.next()?.to_owned();
        let resource = rest.split_once("on resource: ").and_then(|(_, rest)| rest.split_whitespace().next());
        let resource = resource.map(str::to_owned);
        Some(Self { action, resource, is_explicit: message.contains("explicit deny") })
    }
}

#[cfg(test)]
mod tests {
    use super::{Denial, IamError};
    use crate::aws::{CallError, Obstacle};

    fn refused(code: &str, message: &str) -> IamError {
        IamError::of(CallError::Refused { code: code.to_owned(), message: message.to_owned(), ahead: 0 })
    }

    #[test]
    fn a_denial_is_taken_apart() {
        let who = "User: arn:aws:iam::123456789012:user/a is not authorized to perform: iam:EnableMFADevice";
        let on = " on resource: user a";
        for (rest, resource, is_explicit) in [
            (
                " on resource: arn:aws:iam::1:user/a because no identity-based policy allows the iam:EnableMFADevice action",
                Some("arn:aws:iam::1:user/a"),
                false,
            ),
            (
                " on resource: arn:aws:iam::1:user/a with an explicit deny in an identity-based policy",
                Some("arn:aws:iam::1:user/a"),
                true,
            ),
            (on, Some("user"), false),
            ("", None, false),
        ] {
            let IamError::Denied { denial, .. } = refused("AccessDenied", &format!("{who}{rest}")) else {
                panic!("it is a denial")
            };
            let expected =
                Denial { action: "iam:EnableMFADevice".to_owned(), resource: resource.map(str::to_owned), is_explicit };
            assert_eq!(denial, Some(expected), "{rest}");
        }
        assert!(matches!(refused("AccessDenied", "no"), IamError::Denied { denial: None, .. }));
    }

    #[test]
    fn what_may_have_been_done() {
        for (error, may) in [
            (IamError::Call(CallError::Lost("it took too long")), true),
            (IamError::Call(CallError::Unavailable(503)), true),
            (IamError::Call(CallError::Unreadable), true),
            (IamError::Call(CallError::Throttled), false),
            (IamError::Call(CallError::Unreachable(Obstacle::Refused)), false),
            (refused("NoSuchEntity", ""), false),
            (refused("NewAtAws", ""), false),
        ] {
            assert_eq!(error.may_have_been_done(), may, "{error:?}");
        }
    }
}
