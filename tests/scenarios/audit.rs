//! `mfa-cred audit`, told by what an account's administrator sees.

mod live;
mod page;
mod report;
mod several;
