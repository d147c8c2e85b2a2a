//! Why a call to any AWS service failed.

use std::fmt;

use aws_sdk_sts::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use jiff::Timestamp;

use super::bounded::is_too_long;
use super::obstacle::Obstacle;

/// Proxy Authentication Required (RFC 9110).
const PROXY_PASSWORD: u16 = 407;
/// In characters. AWS's longest messages, apart from those with an encoded authorization message, have about four
/// hundred.
const LONGEST_MESSAGE: usize = 1000;
/// In characters.
const LONGEST_CODE: usize = 100;

/// Why a call failed, whichever service was called.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum CallError {
    /// A well-formed refusal.
    Refused {
        /// AWS's code.
        code: String,
        /// AWS's text.
        message: String,
        /// AWS's clock minus ours, in seconds, according to the `Date` header of its answer.
        ahead: i64,
    },
    /// Too many requests.
    Throttled,
    /// A 5xx status.
    Unavailable(u16),
    /// Something other than AWS answered, or the answer was cut off.
    Unreadable,
    /// The answer exceeded the size limit.
    TooLong,
    /// The credentials in the answer had already expired, by the endpoint's own clock.
    Over {
        /// When they expired.
        end: Timestamp,
        /// That clock.
        now: Timestamp,
    },
    /// The request was sent, and no answer came.
    Lost(&'static str),
    /// Nothing was sent.
    Unreachable(Obstacle),
    /// The request could not be built.
    Unusable(String),
}

impl std::error::Error for CallError {}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused { code, message, .. } if message.is_empty() => write!(f, "AWS refused it ({code})"),
            Self::Refused { code, message, .. } => write!(f, "AWS refused it ({code}): {message}"),
            Self::Throttled => f.write_str("AWS is throttling calls"),
            Self::Unavailable(status) => write!(f, "AWS failed to answer (HTTP {status})"),
            Self::Unreadable => f.write_str("the answer is not one of AWS's, or was cut off"),
            Self::TooLong => f.write_str("the answer is longer than 1 MB, which none of AWS's is"),
            Self::Over { end, now } => {
                write!(f, "the credentials in the answer expired at {end}, and by the endpoint's clock it is {now}")
            }
            Self::Lost(why) => write!(f, "the answer was lost ({why})"),
            Self::Unreachable(why) => write!(f, "AWS could not be reached ({why})"),
            Self::Unusable(why) => write!(f, "no request could be made ({why})"),
        }
    }
}

impl CallError {
    /// "MultiFactorAuthentication failed with invalid MFA one time pass code."
    pub fn is_wrong_code(&self) -> bool {
        matches!(self, Self::Refused { code, message, .. }
            if code == "AccessDenied" && message.contains("invalid MFA one time pass code"))
    }

    /// "… unable to validate MFA code. Please verify your MFA serial number …"
    pub fn is_wrong_serial(&self) -> bool {
        matches!(self, Self::Refused { code, message, .. }
            if code == "AccessDenied" && message.contains("unable to validate MFA code"))
    }

    /// Tells whether it is certain that a code in the request did not reach AWS.
    pub fn was_never_sent(&self) -> bool {
        matches!(self, Self::Unreachable(_) | Self::Unusable(_))
    }

    /// Tells whether AWS may have accepted a code in the request, although no answer says so.
    pub fn may_have_spent_the_code(&self) -> bool {
        matches!(self, Self::Throttled | Self::Unavailable(_) | Self::Unreadable | Self::TooLong | Self::Lost(_))
    }

    /// Tells whether AWS no longer accepts the session that signed the request.
    pub fn says_the_session_is_over(&self) -> bool {
        matches!(self, Self::Refused { code, .. }
            if matches!(code.as_str(), "ExpiredToken" | "ExpiredTokenException" | "InvalidClientTokenId"))
    }

    /// Tells whether the request's date was refused. SignatureDoesNotMatch also means a mistyped secret; the clocks
    /// tell which.
    pub fn is_of_the_clock(&self) -> bool {
        matches!(self, Self::Refused { code, message, ahead }
            if matches!(code.as_str(), "RequestExpired" | "RequestTimeTooSkewed")
                || (code == "SignatureDoesNotMatch"
                    && (message.contains("expired") || message.contains("not yet current"))
                    && ahead.abs() > 60))
    }
}

/// Converts an error of the SDK.
pub(crate) fn classify<E: ProvideErrorMetadata + std::error::Error + 'static>(
    error: &SdkError<E, HttpResponse>,
) -> CallError {
    match error {
        SdkError::ServiceError(service) => {
            let (meta, status) = (service.err().meta(), service.raw().status().as_u16());
            match (meta.code(), status) {
                // AWS never answers like this; a proxy does, without forwarding the request.
                (_, PROXY_PASSWORD) => CallError::Unreachable(Obstacle::ProxyPassword),
                (Some(code), _) if is_throttling(code) => CallError::Throttled,
                (_, 429) => CallError::Throttled,
                (_, 500..) => CallError::Unavailable(status),
                (Some(code), _) => CallError::Refused {
                    code: cut(code, LONGEST_CODE),
                    message: said(meta.message().unwrap_or_default()),
                    ahead: 0,
                },
                (None, _) => CallError::Unreadable,
            }
        }
        SdkError::ResponseError(_) if is_too_long(error) => CallError::TooLong,
        SdkError::ResponseError(response) => match response.raw().status().as_u16() {
            PROXY_PASSWORD => CallError::Unreachable(Obstacle::ProxyPassword),
            status @ 500.. => CallError::Unavailable(status),
            _ => CallError::Unreadable,
        },
        SdkError::TimeoutError(_) => CallError::Lost("it took too long"),
        SdkError::DispatchFailure(failure) => {
            let connector = failure.as_connector_error();
            let never_sent = connector.and_then(|error| Obstacle::of(error));
            match (never_sent, failure.is_timeout()) {
                (Some(why), _) => CallError::Unreachable(why),
                (None, true) => CallError::Lost("it took too long"),
                (None, false) => CallError::Lost("the connection broke"),
            }
        }
        SdkError::ConstructionFailure(_) => CallError::Unusable("the request cannot be built".to_owned()),
        _ => CallError::Unusable("the SDK failed".to_owned()),
    }
}

/// AWS's text, cut to a readable length. If a signature did not match, AWS's text also quotes the request, whose
/// headers contain the session token.
fn said(message: &str) -> String {
    let end = message.find("The Canonical String").unwrap_or(message.len());
    cut(message[..end].trim_end(), LONGEST_MESSAGE)
}

fn cut(text: &str, longest: usize) -> String {
    match text.char_indices().nth(longest) {
        Some((at, _)) => format!("{}...", &text[..at]),
        None => text.to_owned(),
    }
}

fn is_throttling(code: &str) -> bool {
    matches!(
        code,
        "Throttling"
            | "ThrottlingException"
            | "ThrottledException"
            | "RequestLimitExceeded"
            | "TooManyRequestsException"
    )
}
