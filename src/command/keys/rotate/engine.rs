//! The steps of a rotation, and what each does when AWS, the disk or the process fails.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

use super::super::KeysWork;
use super::super::sessions::Sessions;
use super::target::Target;
use crate::aws::CallError;
use crate::command::session;
use crate::error::Error;
use crate::execute::Sts;
use crate::execute::sts::AwsSts;
use crate::iam::access_keys::{AccessKeys, KeyStatus, MOST_KEYS, NewKey};
use crate::iam::account::ListedKey;
use crate::iam::{AwsIam, CallerError, IamError, KeysError, SecondKey, User};
use crate::names::ProfileName;
use crate::plan::{Base, Plan};
use crate::safe::{Both, Rotation, Safe, SafeError};
use crate::secret::Credentials;
use crate::state::CorrectedClock;

/// How many answers in a row show that AWS has heard of a new key: its servers learn of it one after another.
const IN_A_ROW: usize = 3;
/// Between two of them, and between attempts.
const PAUSE: Duration = Duration::from_secs(1);
/// AWS takes 5 to 20 seconds as a rule.
const PATIENCE: Duration = Duration::from_secs(60);
/// For a key that was accepted before.
const SECOND_PATIENCE: Duration = Duration::from_secs(20);
/// How often a new key is asked for if answers are lost, or if AWS still counts a key that was deleted.
const ATTEMPTS: usize = 5;
/// AWS refuses a request that was signed more than five minutes ago, so a key that was made later is not the journal's.
const WINDOW: (SignedDuration, SignedDuration) = (SignedDuration::from_mins(-2), SignedDuration::from_mins(15));

/// What a rotation works with: one user's key, and the services.
pub(super) struct Desk<'d> {
    work: &'d KeysWork<'d>,
    pub(super) safe: &'d Safe<'d>,
    clock: &'d CorrectedClock<'d>,
    profile: &'d ProfileName,
    sessions: Sessions<'d>,
    sts: &'d dyn Sts,
    iam: &'d dyn AccessKeys,
    user: User,
    arn: String,
    /// The keys by which calls can be signed without MFA, best first.
    keys: RefCell<Vec<Credentials>>,
    /// The MFA session that signs, once it is there.
    session: RefCell<Option<Credentials>>,
}

/// Opens the key and connects. The key must be the one that its profile uses.
pub(super) fn with_desk<T>(
    work: &KeysWork<'_>,
    target: &Target,
    with: impl FnOnce(&Desk<'_>) -> Result<T, Error>,
) -> Result<T, Error> {
    let (context, profile) = (work.context, target.profile());
    let set = context.profiles()?;
    let plan = context.plan(profile, work.how)?;
    see_that_it_is_used(&plan, profile, work)?;
    let service = plan.iam(set, context.ambient())?;
    let limits = context.settings.limits;
    let opened = context.with_safe(|safe| -> Result<_, KeysError> {
        Ok(context.with_cache(session::cache_use(work.how), |cache, clock| {
            let sts = AwsSts::connect(&plan.service, limits, clock).map_err(KeysError::Client)?;
            let at_iam = clock.of(&service);
            let iam = AwsIam::connect(&service, limits, &at_iam).map_err(KeysError::Client)?;
            let (keys, arn) = open(safe, target, &sts)?;
            let user = match User::of_arn(&arn) {
                Err(CallerError::Root) => return Err(KeysError::OfRoot(target.access_key_id.clone()).into()),
                user => user.map_err(KeysError::from)?,
            };
            let (keys, session) = (RefCell::new(keys), RefCell::default());
            let (sts, iam) = (&sts, &iam);
            let sessions = Sessions { context, how: work.how, cache, clock, profile };
            with(&Desk { work, safe, clock, profile, sessions, sts, iam, user, arn, keys, session })
        }))
    });
    opened?
}

fn see_that_it_is_used(plan: &Plan, profile: &ProfileName, work: &KeysWork<'_>) -> Result<(), Error> {
    if matches!(&plan.base, Base::SealedKey { profile: owner, .. } if owner == profile) {
        return Ok(());
    }
    let set = work.context.profiles()?;
    let line = set.get(profile.as_str()).and_then(|section| section.filled("aws_access_key_id"));
    Err(match line {
        Some(line) => KeysError::InFile { profile: profile.clone(), place: line.place() }.into(),
        None => KeysError::NotItsOwn { profile: profile.clone(), owner: plan.user.clone() }.into(),
    })
}

/// The keys that can sign, and their user.
fn open(safe: &Safe<'_>, target: &Target, sts: &dyn Sts) -> Result<(Vec<Credentials>, String), KeysError> {
    if let Some(rotation) = &target.unfinished {
        let both = safe.open_rotation(rotation)?;
        return Ok((both.new.into_iter().chain([both.old]).collect(), rotation.arn.clone()));
    }
    let key = safe.open(target.profile())?;
    let not_taken = |error| KeysError::NotTaken { access_key_id: key.access_key_id.clone(), error };
    let arn = sts.caller(&key).map_err(not_taken)?;
    Ok((vec![key], arn))
}

impl Desk<'_> {
    /// When AWS made the old key. Without a code, if so wanted.
    pub(super) fn created(&self, without_code: bool) -> Result<Timestamp, Error> {
        self.session.replace(self.sessions.cached());
        let old = self.keys.borrow()[0].access_key_id.clone();
        let unknown = |why: String| {
            let (access_key_id, profile) = (old.clone(), self.sessions.login_profile());
            Error::from(KeysError::AgeUnknown { access_key_id, why, profile })
        };
        let listed = match self.listed() {
            Err(error) if self.session.borrow().is_none() => {
                if without_code {
                    return Err(unknown(crate::messages::with_causes(&error)));
                }
                self.get_ready_to_sign()?;
                self.listed()?
            }
            listed => listed?,
        };
        let made = listed.into_iter().find(|key| key.id == old).and_then(|key| key.made);
        made.ok_or_else(|| unknown("ListAccessKeys does not tell it".to_owned()))
    }

    /// Notes with the sealed key when AWS made it, so that nobody has to be asked again.
    pub(super) fn remember(&self, target: &Target, created: Timestamp) -> Result<(), Error> {
        let secret = self.keys.borrow()[0].secret_access_key.clone();
        for profile in target.profiles() {
            let header = self.work.shelf().and_then(|shelf| shelf.header(profile)).map_err(KeysError::from)?;
            if let Some(mut header) = header.filter(|header| header.access_key_id == target.access_key_id) {
                header.created = Some(created);
                self.safe.seal(header, &secret).map_err(KeysError::from)?;
            }
        }
        Ok(())
    }

    /// Obtains the MFA session, if a profile that uses the key names a device. May ask for a code.
    pub(super) fn get_ready_to_sign(&self) -> Result<(), Error> {
        if self.session.borrow().is_none() {
            self.session.replace(self.sessions.obtain()?);
        }
        Ok(())
    }

    /// Is there a journal of this rotation?
    pub(super) fn is_unfinished(&self, target: &Target) -> bool {
        let rotations = self.work.shelf().and_then(|shelf| shelf.rotations());
        rotations.is_ok_and(|(all, _)| all.iter().any(|rotation| rotation.old == target.access_key_id))
    }

    /// Replaces the key, from wherever an earlier rotation stopped. Returns the new key's identifier.
    pub(super) fn rotate(&self, target: &Target) -> Result<String, Error> {
        let (rotation, both) = match &target.unfinished {
            Some(rotation) if rotation.new.is_some() => {
                (rotation.clone(), self.safe.open_rotation(rotation).map_err(KeysError::from)?)
            }
            _ => self.create(target)?,
        };
        self.replace(&rotation, &both)?;
        Ok(rotation.new.unwrap_or_default())
    }

    /// Has AWS make a new key, and seals it at once.
    fn create(&self, target: &Target) -> Result<(Rotation, Both), Error> {
        let old = self.keys.borrow()[0].clone();
        let mut earlier = target.unfinished.clone();
        let mut failure = None;
        for attempt in 0..ATTEMPTS {
            if attempt > 0 {
                self.clock.local().sleep(PAUSE * 2);
            }
            let listed = self.listed()?;
            let Some(own) = listed.iter().find(|key| key.id == old.access_key_id) else {
                let (user, access_key_id) = (self.user.name.clone(), old.access_key_id);
                return Err(KeysError::NotListed { user, access_key_id }.into());
            };
            match listed.iter().find(|key| key.id != old.access_key_id) {
                None => {}
                Some(other) if self.is_lost(earlier.as_ref(), other)? => {
                    self.work.note(&format!("deleting access key {}, whose secret was lost", other.id));
                    self.delete(&other.id)?;
                }
                Some(other) => return Err(self.second_key(earlier.as_ref(), target, other)?),
            }
            let mut rotation = Rotation::new(&old.access_key_id, own.made, &self.arn, self.clock.now());
            rotation.profiles = target.profiles().iter().map(|name| name.as_str().to_owned()).collect();
            let before = Both { old: old.clone(), new: None };
            self.safe.note_rotation(&rotation, &before).map_err(KeysError::from)?;
            match self.call(&|signer| self.iam.create_access_key(signer, &self.user.name))? {
                Ok(new) => return self.keep(&rotation, before, new),
                Err(error) if error.may_have_been_done() || matches!(error, IamError::Full(_)) => {
                    failure = Some(self.failed("CreateAccessKey")(error));
                }
                Err(error) => {
                    self.safe.end_rotation(&rotation).map_err(KeysError::from)?;
                    return Err(self.failed("CreateAccessKey")(error).into());
                }
            }
            earlier = Some(rotation);
        }
        Err(failure.expect("there was an attempt").into())
    }

    /// Is it a key that was made for an earlier rotation, of which no secret is sealed? One that somebody has used is not.
    fn is_lost(&self, earlier: Option<&Rotation>, key: &ListedKey) -> Result<bool, Error> {
        let Some(begun) = earlier.map(|rotation| rotation.begun) else { return Ok(false) };
        let after = key.made.map(|made| made.duration_since(begun));
        if !after.is_some_and(|after| (WINDOW.0..=WINDOW.1).contains(&after)) || self.is_sealed_somewhere(&key.id)? {
            return Ok(false);
        }
        // It is no harm if this may not be read: the time tells enough.
        let used = self.call(&|signer| self.iam.last_use(signer, &key.id))?;
        Ok(!matches!(used, Ok(Some(_))))
    }

    fn is_sealed_somewhere(&self, access_key_id: &str) -> Result<bool, KeysError> {
        let (headers, _) = self.work.shelf()?.headers()?;
        Ok(headers.iter().any(|header| header.access_key_id == access_key_id))
    }

    /// The error for a user who has two keys. Nothing came of an earlier rotation then.
    fn second_key(&self, earlier: Option<&Rotation>, target: &Target, other: &ListedKey) -> Result<Error, KeysError> {
        if let Some(rotation) = earlier {
            self.safe.end_rotation(rotation)?;
        }
        let (headers, _) = self.work.shelf()?.headers()?;
        let sealed_for = headers.into_iter().find(|header| header.access_key_id == other.id);
        let two = SecondKey {
            user: self.user.name.clone(),
            old: target.access_key_id.clone(),
            other: other.id.clone(),
            is_active: other.is_active,
            created: other.made,
            profile: target.profile().clone(),
            sealed_for: sealed_for.map(|header| header.profile),
        };
        Ok(KeysError::SecondKey(Box::new(two)).into())
    }

    /// Seals a new key in the journal. If that fails, the key is deleted again: AWS does not show its secret twice.
    fn keep(&self, before: &Rotation, both: Both, new: NewKey) -> Result<(Rotation, Both), Error> {
        let key = Credentials::long_term(&new.id, new.secret);
        let mut rotation = before.clone();
        (rotation.new, rotation.new_created) = (Some(new.id), new.created);
        let both = Both { new: Some(key.clone()), ..both };
        if let Err(error) = self.safe.note_rotation(&rotation, &both) {
            if self.delete(&key.access_key_id).is_ok() {
                let _ = self.safe.end_rotation(before);
            }
            return Err(KeysError::from(error).into());
        }
        Ok((rotation, both))
    }

    /// Everything after the new key is sealed. Each step can be repeated.
    fn replace(&self, rotation: &Rotation, both: &Both) -> Result<(), Error> {
        let new = both.new.as_ref().ok_or_else(|| SafeError::Missing(self.profile.clone())).map_err(KeysError::from)?;
        if let Err(error) = self.verify(new, PATIENCE) {
            self.give_up_if_it_is_gone(rotation, both, &error)?;
            return Err(error.into());
        }
        self.keys.replace(vec![new.clone(), both.old.clone()]);
        // Before the profiles have the new key: a process in between finds its session under either.
        self.sessions.refile(&rotation.old, &new.access_key_id);
        self.hand_out(rotation, new, rotation.new_created)?;
        let old = &both.old.access_key_id;
        self.gone_or(self.set_status(old, KeyStatus::Inactive), "UpdateAccessKey")?;
        if let Err(error) = self.verify(new, SECOND_PATIENCE) {
            if was_refused(&error) {
                self.take_back(rotation, both)?;
            }
            return Err(error.into());
        }
        self.delete(old)?;
        let is_over =
            |session: &Credentials| self.sts.caller(session).is_err_and(|error| error.says_the_session_is_over());
        if self.sessions.drop_those_that_ended(&rotation.old, &new.access_key_id, &is_over) {
            self.work.note("the cached MFA session ended with the old access key: the next sign-in asks for a code");
        }
        self.work.context.folder().into_iter().for_each(|folder| self.work.context.recall(folder));
        self.safe.end_rotation(rotation).map_err(KeysError::from)?;
        Ok(())
    }

    /// Waits until AWS accepts a key several times in a row.
    fn verify(&self, key: &Credentials, patience: Duration) -> Result<(), KeysError> {
        let _waiting = self.work.context.settings.messages.waiting("waiting until AWS accepts the new access key");
        let (begun, mut in_a_row) = (Instant::now(), 0);
        loop {
            let error = match self.sts.caller(key) {
                Ok(arn) if arn != self.arn => {
                    return Err(KeysError::OtherUser { access_key_id: key.access_key_id.clone(), arn });
                }
                Ok(_) => {
                    in_a_row += 1;
                    if in_a_row == IN_A_ROW {
                        return Ok(());
                    }
                    None
                }
                Err(error) => {
                    in_a_row = 0;
                    Some(error)
                }
            };
            if let Some(error) = error.filter(|error| begun.elapsed() >= patience || error.was_never_sent()) {
                return Err(KeysError::NotAccepted { access_key_id: key.access_key_id.clone(), error });
            }
            self.clock.local().sleep(PAUSE);
        }
    }

    /// Seals the key for every profile of the rotation that still has one of its two keys, or none.
    fn hand_out(&self, rotation: &Rotation, key: &Credentials, created: Option<Timestamp>) -> Result<(), KeysError> {
        let shelf = self.work.shelf()?;
        let mut have_it = 0;
        for profile in rotation.profiles.iter().filter_map(ProfileName::new) {
            match shelf.header(&profile)? {
                Some(header) if header.access_key_id == key.access_key_id => have_it += 1,
                Some(header) if !rotation.concerns(&header.access_key_id) => {
                    self.work.note(&format!("{profile}: has access key {} by now, and keeps it", header.access_key_id));
                }
                _ => {
                    let mut header = Safe::header(&profile, &key.access_key_id, &self.arn, self.clock.now());
                    header.created = created;
                    self.safe.seal(header, &key.secret_access_key)?;
                    have_it += 1;
                }
            }
        }
        if have_it == 0 { Err(SafeError::Missing(self.profile.clone()).into()) } else { Ok(()) }
    }

    /// AWS refuses the new key although it took it before: the old one is used again.
    fn take_back(&self, rotation: &Rotation, both: &Both) -> Result<(), Error> {
        self.set_status(&both.old.access_key_id, KeyStatus::Active)?.map_err(self.failed("UpdateAccessKey"))?;
        self.hand_out(rotation, &both.old, rotation.old_created)?;
        self.work.note(&format!("access key {} is in use again", both.old.access_key_id));
        Ok(())
    }

    /// Ends a rotation whose new key somebody has deleted.
    fn give_up_if_it_is_gone(&self, rotation: &Rotation, both: &Both, error: &KeysError) -> Result<(), Error> {
        let Some(new) = both.new.as_ref().filter(|_| was_refused(error)) else { return Ok(()) };
        self.keys.replace(vec![both.old.clone()]);
        if self.listed()?.iter().any(|key| key.id == new.access_key_id) {
            return Ok(());
        }
        self.take_back(rotation, both)?;
        self.safe.end_rotation(rotation).map_err(KeysError::from)?;
        Ok(())
    }

    fn listed(&self) -> Result<Vec<ListedKey>, Error> {
        let listed = self.call(&|signer| self.iam.access_keys(signer, &self.user.name))?;
        Ok(listed.map_err(self.failed("ListAccessKeys"))?)
    }

    fn set_status(&self, id: &str, status: KeyStatus) -> Result<Result<(), IamError>, Error> {
        self.call(&|signer| self.iam.set_status(signer, &self.user.name, id, status))
    }

    fn delete(&self, id: &str) -> Result<(), Error> {
        self.gone_or(self.call(&|signer| self.iam.delete_access_key(signer, &self.user.name, id)), "DeleteAccessKey")
    }

    /// A key that is gone needs no change.
    fn gone_or(&self, answer: Result<Result<(), IamError>, Error>, call: &'static str) -> Result<(), Error> {
        match answer? {
            Ok(()) | Err(IamError::Gone(_)) => Ok(()),
            Err(error) => Err(self.failed(call)(error).into()),
        }
    }

    /// Makes a call that the MFA session signs, or without a device one of the keys: IAM may not have heard of the new one
    /// yet, and refuses the old one once it is inactive.
    fn call<T>(&self, send: &dyn Fn(&Credentials) -> Result<T, IamError>) -> Result<Result<T, IamError>, Error> {
        let session = self.session.borrow().clone();
        if let Some(session) = session {
            let answer = send(&session);
            if !answer.as_ref().err().is_some_and(is_over) {
                return Ok(answer);
            }
            // It ended with the old key, or by itself.
            self.sessions.forget();
            let Some(again) = self.sessions.obtain()? else { return Ok(answer) };
            self.session.replace(Some(again.clone()));
            return Ok(send(&again));
        }
        let (begun, keys) = (Instant::now(), self.keys.borrow().clone());
        loop {
            let mut refusal = None;
            for key in &keys {
                match send(key) {
                    Err(error @ IamError::UnknownKey(_)) => refusal = Some(error),
                    answer => return Ok(answer),
                }
            }
            if let Some(error) = refusal.filter(|_| keys.len() < MOST_KEYS || begun.elapsed() >= PATIENCE) {
                return Ok(Err(error));
            }
            self.clock.local().sleep(PAUSE);
        }
    }

    fn failed(&self, call: &'static str) -> impl Fn(IamError) -> KeysError {
        let (user, has_mfa) = (Box::new(self.user.clone()), self.session.borrow().is_some());
        move |error| KeysError::Call { call, error, user: user.clone(), has_mfa }
    }
}

fn was_refused(error: &KeysError) -> bool {
    matches!(error, KeysError::NotAccepted { error: CallError::Refused { .. }, .. })
}

fn is_over(error: &IamError) -> bool {
    match error {
        IamError::UnknownKey(_) => true,
        IamError::Call(error) => error.says_the_session_is_over(),
        _ => false,
    }
}
