//! What every AWS service that is called here shares: the way there, the transport, and what went wrong.
//!
//! In: a service's address, limits, a signer. Out: an answer, or a [`CallError`] that says whether anything was sent.
//! Which calls there are, and which of them may be retried, is for the services' own modules to say.

mod bounded;
mod error;
mod obstacle;
pub mod route;
mod runtime;
pub(crate) mod transport;

pub use error::CallError;
pub(crate) use error::classify;
pub use obstacle::Obstacle;
pub(crate) use runtime::runtime;
