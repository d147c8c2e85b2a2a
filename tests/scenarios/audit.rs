//! `mfa-cred audit`, told by what an account's administrator sees.

mod hourly;
mod live;
mod page;
mod quarantine;
mod report;
mod several;
