//! Until when a person is signed in for a profile, as the files of its token tell. No call; nothing is renewed.

use std::collections::HashMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::context::Context;
use super::portal;
use crate::plan::{Base, Plan};
use crate::screen::table;
use crate::signin::{self, Standing};
use crate::sso::SsoError;
use crate::sso::access::TokenEnd;

/// What the file of a sign-in tells.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum SignedIn {
    /// There is no file: nobody is signed in.
    Nobody,
    /// The file cannot be read, or has no token.
    Unreadable,
    /// There is a token.
    Until {
        /// When it expires.
        end: Timestamp,
        /// Can it be renewed without a person?
        is_renewable: bool,
        /// Now, by the clock of who issued it.
        now: Timestamp,
    },
}

impl SignedIn {
    /// What is known for a plan that starts from a sign-in.
    pub(super) fn of(plan: &Plan, context: &Context<'_>) -> Option<Self> {
        match &plan.base {
            Base::Sso(role) => Some(match portal::token_end(&role.session, context) {
                Ok(Some(TokenEnd { at: end, is_renewable, now })) => Self::Until { end, is_renewable, now },
                Ok(None) | Err(SsoError::NoHome) => Self::Nobody,
                Err(_) => Self::Unreadable,
            }),
            Base::Login(session) => {
                let now = match &session.service {
                    Some(service) => context.clock().of(service).now(),
                    None => context.now(plan),
                };
                let file = context.login_file(session).ok()?;
                Some(match signin::standing(session, &file) {
                    Standing::Absent => Self::Nobody,
                    Standing::Damaged => Self::Unreadable,
                    Standing::Until(end) => {
                        Self::Until { end, is_renewable: end.duration_since(now) > -signin::LONGEST, now }
                    }
                })
            }
            _ => None,
        }
    }

    /// When its token expires, if it has not.
    pub(super) fn live_end(self) -> Option<Timestamp> {
        match self {
            Self::Until { end, now, .. } if end > now => Some(end),
            _ => None,
        }
    }

    /// Must a person sign in before it is of use?
    pub(super) fn needs_a_person(self) -> bool {
        !matches!(self, Self::Until { end, is_renewable, now } if is_renewable || end > now)
    }

    /// In words.
    pub(super) fn in_words(self) -> String {
        match self {
            Self::Nobody => "nobody is signed in".to_owned(),
            Self::Unreadable => "the token file cannot be used".to_owned(),
            Self::Until { end, is_renewable, now } => {
                let until = if end > now {
                    format!("valid until {end}, {} left", table::left(end, now))
                } else {
                    format!("expired at {end}")
                };
                let renewal = if is_renewable { "renewable without a person" } else { "not renewable" };
                format!("{until} ({renewal})")
            }
        }
    }

    /// For programs.
    pub(super) fn json(self) -> Value {
        let state = match self {
            Self::Nobody => "signed-out",
            Self::Unreadable => "unreadable",
            Self::Until { end, now, .. } if end > now => "valid",
            Self::Until { .. } => "expired",
        };
        match self {
            Self::Until { end, is_renewable, .. } => {
                json!({"state": state, "until": end.to_string(), "renewable": is_renewable})
            }
            _ => json!({"state": state, "until": null, "renewable": false}),
        }
    }
}

/// The sign-ins of many profiles, which share a few: each file is read once.
#[derive(Default)]
pub(super) struct SignIns(HashMap<String, Option<SignedIn>>);

impl SignIns {
    /// What is known for a plan.
    pub(super) fn of(&mut self, plan: &Plan, context: &Context<'_>) -> Option<SignedIn> {
        let name = match &plan.base {
            Base::Sso(role) => format!("sso {}", role.session.token_key()),
            // It is renewed in the profile's own region.
            Base::Login(session) => format!("login {} {}", session.profile, session.arn),
            _ => return None,
        };
        *self.0.entry(name).or_insert_with(|| SignedIn::of(plan, context))
    }
}
