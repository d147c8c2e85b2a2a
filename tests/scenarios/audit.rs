//! `mfa-cred audit`, told by what an account's administrator sees.

mod page;
mod report;
