//! What AWS knows of an access key: its age, its status, its last use.
//!
//! A cached MFA session signs, else the key itself. No code is asked for: to list keys is not worth one.

use jiff::Timestamp;

use super::super::KeysWork;
use super::super::sessions::Sessions;
use crate::command::session;
use crate::error::Error;
use crate::execute::base::{Bases, RealBases, alive};
use crate::execute::sts::AwsSts;
use crate::execute::{ExecuteError, Sts};
use crate::iam::access_keys::AccessKeys;
use crate::iam::{AwsIam, KeysError, User};
use crate::names::ProfileName;
use crate::signin;
use crate::sso;

/// An access key as AWS describes it.
#[derive(Clone, Debug)]
pub(super) struct Live {
    pub(super) created: Option<Timestamp>,
    pub(super) is_active: bool,
    pub(super) last_used: LastUse,
}

/// When it was last used. AWS reports a use up to hours later.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum LastUse {
    At(Timestamp),
    Never,
    /// AWS did not say.
    Unknown,
}

/// What AWS says, and why it does not say all.
pub(super) struct Answer {
    pub(super) live: Option<Live>,
    pub(super) error: Option<Error>,
}

pub(super) fn ask(work: &KeysWork<'_>, profile: &ProfileName, access_key_id: &str) -> Answer {
    match asked(work, profile, access_key_id) {
        Ok((live, error)) => Answer { live: Some(live), error: error.map(Error::from) },
        Err(error) => Answer { live: None, error: Some(error) },
    }
}

fn asked(work: &KeysWork<'_>, profile: &ProfileName, access_key_id: &str) -> Result<(Live, Option<KeysError>), Error> {
    let (context, how) = (work.context, work.how);
    let set = context.profiles()?;
    let plan = context.plan(profile, how)?;
    let service = plan.iam(set, context.ambient())?;
    let limits = context.settings.limits;
    context.with_cache(session::cache_use(how), |cache, clock| {
        let (ambient, heard) = (|| context.ambient_credentials(), |text: &str| context.hear(text));
        let sealed = |profile: &ProfileName| context.open_sealed(profile);
        let patience = limits.provider;
        let base = RealBases {
            ambient: &ambient,
            sealed: &sealed,
            login: &signin::none,
            sso: &sso::none,
            heard: &heard,
            patience,
        };
        let base = base.credentials(&plan, set).and_then(|base| alive(base, &plan, clock.now()));
        let base = base.map_err(ExecuteError::from)?;
        let sts = AwsSts::connect(&plan.service, limits, clock).map_err(KeysError::Client)?;
        let not_taken = |error| KeysError::NotTaken { access_key_id: access_key_id.to_owned(), error };
        let user = User::of_arn(&sts.caller(&base).map_err(not_taken)?).map_err(KeysError::from)?;
        let session = Sessions { context, how, cache, clock, profile }.cached();
        let has_mfa = session.is_some();
        let signer = session.unwrap_or(base);
        let clock = &clock.of(&service);
        let iam = AwsIam::connect(&service, limits, clock).map_err(KeysError::Client)?;
        let failed = |call| {
            let user = Box::new(user.clone());
            move |error| KeysError::Call { call, error, user, has_mfa }
        };
        let keys = iam.access_keys(&signer, &user.name).map_err(failed("ListAccessKeys"))?;
        let gone = || KeysError::NotListed { user: user.name.clone(), access_key_id: access_key_id.to_owned() };
        let key = keys.into_iter().find(|key| key.id == access_key_id).ok_or_else(gone)?;
        let (last_used, error) = match iam.last_use(&signer, access_key_id) {
            Ok(used) => (used.map_or(LastUse::Never, LastUse::At), None),
            Err(error) => (LastUse::Unknown, Some(failed("GetAccessKeyLastUsed")(error))),
        };
        Ok((Live { created: key.made, is_active: key.is_active, last_used }, error))
    })
}
