//! What all AWS services called here share: the route, the transport, and the errors.
//!
//! In: a service's address, time limits, a signer. Out: an answer, or a [`CallError`] that says whether anything was
//! sent. The services' own modules define the calls, and which of them may be retried.

mod bounded;
mod calls;
mod error;
mod certificates;
pub(crate) mod json;
mod obstacle;
pub mod route;
mod runtime;
pub(crate) mod transport;

pub(crate) use calls::of_every_call;
pub use error::CallError;
pub(crate) use error::classify;
pub use obstacle::Obstacle;
pub(crate) use runtime::runtime;
