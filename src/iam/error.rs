//! Why IAM did not do what it was asked.

use crate::aws::CallError;

/// What AWS said that nobody allows.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Denial {
    /// `iam:EnableMFADevice`
    pub action: String,
    /// The ARN that it was refused on, where AWS names one.
    pub resource: Option<String>,
    /// Does a Deny statement forbid it? Then no Allow helps.
    pub is_explicit: bool,
}

/// Why IAM did not do what it was asked.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum IamError {
    /// A policy does not allow it, or forbids it.
    #[error("AWS refused it (AccessDenied): {message}")]
    Denied {
        /// What of it could be read.
        denial: Option<Denial>,
        /// AWS's text.
        message: String,
    },
    /// The key is unknown, or a session without MFA signed: that may not call IAM at all.
    #[error("AWS refused it (InvalidClientTokenId): {0}")]
    UnknownKey(String),
    /// The name is taken, or the device is enabled already.
    #[error("AWS refused it (EntityAlreadyExists): {0}")]
    Taken(String),
    /// It is enabled for somebody.
    #[error("AWS refused it (DeleteConflict): {0}")]
    InUse(String),
    /// Wrong, equal, not consecutive, or used before.
    #[error("AWS refused it (InvalidAuthenticationCode): {0}")]
    WrongCodes(String),
    /// There is no such device, or it is not this user's.
    #[error("AWS refused it (NoSuchEntity): {0}")]
    Gone(String),
    /// The user's eight devices, or the account's.
    #[error("AWS refused it (LimitExceeded): {0}")]
    Full(String),
    /// Somebody else changes the same thing; later it may work.
    #[error("AWS refused it ({0}): try again in a moment")]
    Busy(String),
    /// What any call may meet.
    #[error(transparent)]
    Call(#[from] CallError),
}

impl IamError {
    /// What a failed call means here.
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

    /// May AWS have done it, although no answer says so?
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
