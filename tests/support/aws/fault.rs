//! Faults between a client and AWS, on demand.

use std::time::Duration;

/// Does the fault occur before or after the call has its effect?
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum When {
    Before,
    After,
}

/// What happens to a call.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Fault {
    /// It waits.
    Delay(When, Duration),
    /// The connection is closed without an answer.
    Drop(When),
    /// A 5xx answer: 500 `InternalFailure`, 503 `ServiceUnavailable`.
    ServerError(When, u16),
    /// 400 `Throttling`, without effect.
    Throttle,
    /// The call has its effect, and half of the body arrives.
    Truncate,
    /// A page of HTML with status 200, from something other than AWS. No effect.
    Html,
    /// Another body in JSON with status 200. No effect.
    Says(String),
    /// 302 to this address. No effect.
    Redirect(String),
    /// The call has its effect, and an element of the answer has this content instead.
    Content(&'static str, String),
    /// Refused with this status, code and message, without effect.
    Refuse(u16, String, String),
}

impl Fault {
    /// 403 `RegionDisabledException`.
    pub(crate) fn region_disabled() -> Self {
        let text = "STS is not activated in this region for account:123456789012. Your account administrator can \
                    activate STS in this region using the IAM Console.";
        Self::Refuse(403, "RegionDisabledException".to_owned(), text.to_owned())
    }

    /// 403 `ExpiredToken`.
    pub(crate) fn expired_token() -> Self {
        let text = "The security token included in the request is expired";
        Self::Refuse(403, "ExpiredToken".to_owned(), text.to_owned())
    }

    /// When the fault occurs.
    pub(super) fn when(&self) -> When {
        match self {
            Self::Delay(when, _) | Self::Drop(when) | Self::ServerError(when, _) => *when,
            Self::Truncate | Self::Content(..) => When::After,
            Self::Throttle | Self::Html | Self::Says(_) | Self::Redirect(_) | Self::Refuse(..) => When::Before,
        }
    }
}
