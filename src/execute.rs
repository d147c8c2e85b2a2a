//! Plan → credentials: takes the last step with valid cached credentials and executes the ones after it.
//!
//! The warm path ends here after reading and opening one entry: it builds no async runtime, no TLS and no D-Bus
//! connection (a benchmark guards this). A process that finds no entry takes the entry's lock, looks again, and creates
//! the entry. Before asking for a code, it takes the device's lock and prepares the sealing key and the client, so that
//! no code is wasted on a failure that could have been detected earlier. Locks are always taken from the last step to
//! the first, and the device's lock after all others, so no two processes can deadlock.

pub mod base;
mod container;
mod error;
pub mod process;
pub mod sts;

use std::cell::OnceCell;
use std::time::{Duration, Instant};

use crate::cache::{Cache, Key, Lookup, MinTtl, keys};
use crate::code::ledger::Ledger;
use crate::code::{Asker, CodeError, Outcome};
use crate::host::TerminalError;
use crate::messages::{Messages, with_causes};
use crate::names::{MfaSerial, SessionName};
use crate::plan::{AssumeRole, Base, BaseKind, Device, Plan, Step, Steps};
use crate::profile::ProfileSet;
use crate::safe::SafeError;
use crate::secret::{Code, Credentials};
use crate::state::{CorrectedClock, Turn};
use crate::vault::passphrase::PassphraseError;
use crate::vault::{PersistentError, UnlockedKey, VaultError};

use base::BaseError;
pub use error::ExecuteError;
pub use sts::{Sts, StsError};

/// How long a process that must not wait for a person waits for another process's call, which has its own, shorter
/// limit.
const LONGEST_CALL: Duration = Duration::from_secs(30);

/// How much of the cache may be used.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Reuse {
    /// All entries that need no renewal.
    Fresh,
    /// Nothing: `--refresh`.
    Nothing,
}

/// Everything needed to execute a plan.
pub struct Executor<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// The profiles that contain the secrets that the plan refers to.
    pub set: &'a ProfileSet,
    /// Earlier credentials, and where new ones are saved.
    pub cache: &'a Cache<'a>,
    /// The source of codes.
    pub asker: &'a Asker<'a>,
    /// AWS's time.
    pub clock: &'a CorrectedClock<'a>,
    /// Gets the base credentials.
    pub base: &'a dyn base::Bases,
    /// Makes the client for calls; called once, and only if a call is made.
    pub connect: &'a dyn Fn() -> Result<Box<dyn Sts + 'a>, StsError>,
    /// The operating system's name for the user, for sessions without a configured name.
    pub user: &'a dyn Fn() -> String,
    /// Reports progress to the user.
    pub messages: Messages,
    /// When credentials are renewed.
    pub min_ttl: MinTtl,
    /// What may be reused from the cache.
    pub reuse: Reuse,
}

/// The plan's own credentials if they are cached and fresh. Makes no call and takes no lock.
///
/// # Errors
/// Only if a store is configured and fails.
pub fn cached(
    plan: &Plan,
    cache: &Cache<'_>,
    min_ttl: MinTtl,
    clock: &CorrectedClock<'_>,
) -> Result<Option<Credentials>, VaultError> {
    for is_long_term in [true, false] {
        if let Some(key) = keys(plan, plan.steps.given(is_long_term)).last()
            && let Lookup::Fresh(credentials) = cache.lookup(key, min_ttl, clock.now())?
        {
            return Ok(Some(credentials));
        }
        if matches!(plan.steps, Steps::Fixed(_)) {
            break;
        }
    }
    Ok(None)
}

/// The parts that are created on demand, once each.
struct Run<'r, 'a> {
    on: &'r Executor<'a>,
    steps: &'r [Step],
    keys: Vec<Key>,
    base: OnceCell<Credentials>,
    client: OnceCell<Box<dyn Sts + 'a>>,
}

impl Executor<'_> {
    /// The plan's credentials.
    ///
    /// # Errors The reason why there are no credentials. No cached entry is lost.
    pub fn credentials(&self) -> Result<Credentials, ExecuteError> {
        self.warn();
        self.settle_the_clock();
        loop {
            // When this fails with a stop request, all locks have been released. Credentials that were missing then may
            // exist when the process continues.
            match self.attempt() {
                Err(error) if matches!(error.terminal(), Some(TerminalError::Stopping)) => self.asker.stop(),
                Err(error) if matches!(error.terminal(), Some(TerminalError::Continued)) => {}
                result => return result,
            }
        }
    }

    fn attempt(&self) -> Result<Credentials, ExecuteError> {
        if let Some(credentials) = self.cached()? {
            return Ok(credentials);
        }
        let found = OnceCell::new();
        let is_long_term = match self.plan.base.kind() {
            BaseKind::LongTerm => true,
            BaseKind::Session | BaseKind::RoleSession => false,
            BaseKind::Unknown => {
                let credentials = self.base.credentials(self.plan, self.set)?;
                let credentials = base::alive(credentials, self.plan, self.clock.now())?;
                let is_long_term = found.get_or_init(|| credentials).is_long_term();
                if let (false, Some(warning)) = (is_long_term, self.plan.steps.capped_by_the_session()) {
                    self.messages.warn(&warning.to_string());
                }
                is_long_term
            }
        };
        let steps = self.plan.steps.given(is_long_term);
        let run = Run { on: self, steps, keys: keys(self.plan, steps), base: found, client: OnceCell::new() };
        match steps.len() {
            0 => run.base().cloned(),
            n => run.step(n - 1, self.min_ttl, self.reuse),
        }
    }

    /// The plan's final credentials, if they are cached and fresh: no call and no lock.
    fn cached(&self) -> Result<Option<Credentials>, ExecuteError> {
        if self.reuse == Reuse::Nothing {
            return Ok(None);
        }
        let found = cached(self.plan, self.cache, self.min_ttl, self.clock)?;
        if found.is_some() {
            self.messages.debug(&format!("`{}` is cached", self.plan.profile));
        }
        Ok(found)
    }

    /// Asks AWS for the time if the wall clock was set forward, since it may now be right or wrong. Without an answer,
    /// the later time counts, so that nothing is served that may have expired.
    fn settle_the_clock(&self) {
        if self.clock.is_in_doubt()
            && let Ok(signer) = self.base.credentials(self.plan, self.set)
            && let Ok(client) = (self.connect)()
        {
            self.messages.info("the clock was set; asking AWS for the time");
            let _waiting = self.messages.waiting("waiting for AWS to tell the time");
            client.ask_the_time(&signer);
        }
    }

    fn warn(&self) {
        for warning in &self.plan.warnings {
            self.messages.warn(&warning.to_string());
        }
    }
}

impl Run<'_, '_> {
    fn base(&self) -> Result<&Credentials, ExecuteError> {
        if self.base.get().is_none() {
            let credentials = self.on.base.credentials(self.on.plan, self.on.set)?;
            let credentials = base::alive(credentials, self.on.plan, self.on.clock.now())?;
            let _ = self.base.set(credentials);
        }
        Ok(self.base.get().expect("it was just set"))
    }

    fn client(&self) -> Result<&dyn Sts, ExecuteError> {
        if self.client.get().is_none() {
            let _ = self.client.set((self.on.connect)().map_err(ExecuteError::Client)?);
        }
        Ok(&**self.client.get().expect("it was just set"))
    }

    /// The credentials of step `n`, and those of the steps before it if needed.
    fn step(&self, n: usize, min_ttl: MinTtl, reuse: Reuse) -> Result<Credentials, ExecuteError> {
        let key = &self.keys[n];
        let mut stale = None;
        let mut ready = || -> Result<Option<Credentials>, ExecuteError> {
            if reuse == Reuse::Nothing {
                return Ok(None);
            }
            Ok(match self.on.cache.lookup(key, min_ttl, self.on.clock.now())? {
                Lookup::Fresh(credentials) => Some(credentials),
                Lookup::Stale(credentials) => {
                    stale = Some(credentials);
                    None
                }
                Lookup::Miss => None,
            })
        };
        let name = key.profile();
        let start = Instant::now();
        let mut during_wait = |pid: Option<u32>| {
            if let Some(pid) = pid {
                self.on
                    .messages
                    .note(&format!("waiting for process {pid}, which is obtaining credentials of `{name}`"));
            }
            self.bear(start)
        };
        let turn = self.on.cache.take_turn(key.file_name(), &mut ready, &mut during_wait);
        let (lease, made) = match turn {
            Ok(Some(Turn::Ready(credentials))) => return Ok(credentials),
            Ok(Some(Turn::Canceled)) => return Err(ExecuteError::CanceledElsewhere(name.clone())),
            Ok(Some(Turn::Ours(lease))) => (Some(lease), self.make(n, reuse)),
            Ok(None) => (None, self.make(n, reuse)),
            Err(error) => (None, Err(error)),
        };
        match (made, stale) {
            (Ok((mut credentials, held)), _) => {
                // Read back from the cache, so that the first call and later ones report the same.
                credentials.account = key.account().cloned();
                if let (Some(lease), Some(held)) = (&lease, held) {
                    self.on.cache.save(lease, key, &credentials, &held, self.on.clock.now());
                }
                Ok(credentials)
            }
            (Err(error), Some(stale)) if error.leaves_the_old_in_use() => {
                self.on.messages.warn(&format!(
                    "the credentials of `{name}` were not renewed; the old ones are still valid: {}",
                    with_causes(&error)
                ));
                Ok(stale)
            }
            (Err(error), _) => {
                if let (Some(lease), true) = (lease, error.is_canceled_by_the_person()) {
                    lease.cancel();
                }
                Err(error)
            }
        }
    }

    /// Should this process keep waiting for another one's result? Not if the other one is asking for a code and this
    /// process must not wait for a person: see [`Asker::waits`]. Calls without a person are waited for.
    fn bear(&self, start: Instant) -> Result<(), ExecuteError> {
        if let Some(reason) = self.on.asker.gives_up() {
            return Err(CodeError::from(reason).into());
        }
        if self.on.asker.waits() {
            return Ok(());
        }
        let devices = self.steps.iter().filter_map(Step::needs_code_of).filter_map(Device::serial);
        let is_asked =
            devices.map(device_lock).any(|name| self.on.cache.folder().is_some_and(|folder| folder.is_taken(&name)));
        if is_asked || start.elapsed() >= LONGEST_CALL {
            return Err(CodeError::NobodyToAsk(self.on.plan.profile.clone()).into());
        }
        Ok(())
    }

    /// Makes the call of step `n`. If AWS no longer accepts the session that signs it, the session is dropped and
    /// obtained again, once.
    fn make(&self, n: usize, reuse: Reuse) -> Result<(Credentials, Option<UnlockedKey>), ExecuteError> {
        let signer = match (n, &self.steps[n]) {
            (0, Step::WebIdentity(call)) => return self.prove(call),
            (0, step @ Step::RoleCredentials(_)) => {
                let held = self.on.cache.unlock(step.duration(), self.on.clock.now())?;
                return Ok((self.base()?.clone(), held));
            }
            (0, _) => self.base()?.clone(),
            (n, _) => self.step(n - 1, MinTtl::SIGNER, reuse)?,
        };
        match self.call(n, &signer) {
            Err(error) if n > 0 && reuse == Reuse::Fresh && error.says_the_session_is_over() => {
                self.on.messages.info(&format!(
                    "AWS no longer accepts the session of `{}`; obtaining a new one",
                    self.keys[n - 1].profile()
                ));
                self.on.cache.forget(&self.keys[n - 1]);
                let signer = self.step(n - 1, MinTtl::SIGNER, Reuse::Fresh)?;
                self.call(n, &signer)
            }
            result => result,
        }
    }

    /// Makes the call that a web identity proves. The token is read only now, since its file is rotated often.
    fn prove(&self, call: &AssumeRole) -> Result<(Credentials, Option<UnlockedKey>), ExecuteError> {
        let step = Step::WebIdentity(Box::new(call.clone()));
        let Base::WebIdentity(web) = &self.on.plan.base else {
            return Err(self.failed(&step, StsError::Unusable("the base is no web identity".to_owned())));
        };
        let token = self.on.base.token(web)?;
        let held = self.on.cache.unlock(call.duration, self.on.clock.now())?;
        let send = |client: &dyn Sts, name: &SessionName| client.web_identity(&token, call, name);
        Ok((self.send(&step, &send).map_err(|error| self.failed(&step, error))?, held))
    }

    fn failed(&self, step: &Step, error: StsError) -> ExecuteError {
        ExecuteError::Call {
            step: Box::new(step.clone()),
            profile: self.on.plan.profile.clone(),
            without_mfa: self.on.plan.without_mfa().cloned().map(Box::new),
            signed_in: self.on.plan.base.sign_in_profile().cloned().map(Box::new),
            takes_code: self.on.plan.device.is_some(),
            error,
        }
    }

    fn call(&self, n: usize, signer: &Credentials) -> Result<(Credentials, Option<UnlockedKey>), ExecuteError> {
        let step = &self.steps[n];
        let failed = |error| self.failed(step, error);
        let Some(device) = step.needs_code_of() else {
            let held = self.on.cache.unlock(step.duration(), self.on.clock.now())?;
            return Ok((self.send_signed(step, signer, None).map_err(failed)?, held));
        };
        let serial = device.serial().ok_or_else(|| ExecuteError::NoDevice(self.on.plan.profile.clone()))?;
        // A process that cannot prompt ends before it opens a keyring or loads a certificate, unless a process that can
        // prompt is doing so: that one may obtain what is needed here.
        let device = self.device_turn(n, serial)?;
        let device = match device {
            Some(Turn::Ready(credentials)) => return Ok((credentials, None)),
            Some(Turn::Canceled) => return Err(ExecuteError::CanceledElsewhere(step.profile().clone())),
            Some(Turn::Ours(lease)) => Some(lease),
            None => None,
        };
        if !self.on.asker.has_a_source() {
            return Err(CodeError::NobodyToAsk(self.on.plan.profile.clone()).into());
        }
        let held = self.on.cache.unlock(step.duration(), self.on.clock.now())?;
        self.client()?;
        let ledger = Ledger::of(self.on.cache.folder(), serial, self.on.clock.local(), self.on.messages);
        let mut send = |code: &Code| match self.send_signed(step, signer, Some(code)) {
            Ok(credentials) => Outcome::Done(credentials),
            Err(error) if error.is_wrong_code() => Outcome::Wrong(failed(error)),
            Err(error) if error.was_never_sent() => Outcome::Unsent(failed(error)),
            Err(error) if error.may_have_spent_the_code() => Outcome::Unclear(failed(error)),
            Err(error) => Outcome::Failed(failed(error)),
        };
        let result = self.on.asker.with_code(&self.on.plan.profile, serial, ledger.as_ref(), &mut send);
        if let (Err(error), Some(device)) = (&result, device)
            && error.is_canceled_by_the_person()
        {
            device.cancel();
        }
        Ok((result?, held))
    }

    /// The device's lock, held from prompting until AWS has answered.
    fn device_turn(&self, n: usize, serial: &MfaSerial) -> Result<Option<Turn<Credentials>>, ExecuteError> {
        let mut ready = || -> Result<Option<Credentials>, ExecuteError> { Ok(None) };
        let mut during_wait = |pid: Option<u32>| {
            if let Some(pid) = pid {
                let device = serial.device();
                self.on.messages.note(&format!(
                    "waiting for process {pid}, which is asking for a code of `{device}` ({})",
                    self.keys[n].profile()
                ));
            }
            match self.on.asker.gives_up() {
                Some(reason) => Err(CodeError::from(reason).into()),
                None if !self.on.asker.waits() => Err(CodeError::NobodyToAsk(self.on.plan.profile.clone()).into()),
                None => Ok(()),
            }
        };
        self.on.cache.take_turn(&device_lock(serial), &mut ready, &mut during_wait)
    }

    fn send_signed(&self, step: &Step, signer: &Credentials, code: Option<&Code>) -> Result<Credentials, StsError> {
        self.send(step, &|client, name| match (step, code) {
            (Step::SessionToken { device: Device::Named(serial), duration, .. }, Some(code)) => {
                client.session_token(signer, serial, code, *duration)
            }
            (Step::SessionToken { .. }, _) => Err(StsError::Unusable("GetSessionToken without a code".to_owned())),
            (Step::AssumeRole(call), code) => client.assume_role(signer, call, name, code),
            (Step::WebIdentity(_) | Step::RoleCredentials(_), _) => {
                Err(StsError::Unusable("a token proves it, not a signature".to_owned()))
            }
        })
    }

    /// Makes a call; `send` gets the client and the name of the session.
    fn send(
        &self,
        step: &Step,
        send: &dyn Fn(&dyn Sts, &SessionName) -> Result<Credentials, StsError>,
    ) -> Result<Credentials, StsError> {
        let client = self.client().map_err(|error| match error {
            ExecuteError::Client(error) => error,
            other => StsError::Unusable(other.to_string()),
        })?;
        self.on.messages.info(&step.to_string());
        let _waiting = self.on.messages.waiting(&step.to_string());
        let given = send(client, &self.session_name(step))?;
        // By the clock of the endpoint that issued the credentials, which its answer has just told.
        let now = self.on.clock.now();
        match given.expiration.filter(|end| *end <= now) {
            Some(end) => Err(StsError::Over { end, now }),
            None => Ok(given),
        }
    }

    fn session_name(&self, step: &Step) -> SessionName {
        let configured = match step {
            Step::AssumeRole(call) | Step::WebIdentity(call) => call.session_name.clone(),
            Step::SessionToken { .. } | Step::RoleCredentials(_) => None,
        };
        configured.unwrap_or_else(|| SessionName::for_user(&(self.on.user)()))
    }
}

/// The name of a device's lock.
fn device_lock(serial: &MfaSerial) -> String {
    format!("device-{}", crate::names::digest::digest_name(serial.as_str()))
}

impl ExecuteError {
    /// The terminal's error, whatever was asked there.
    fn terminal(&self) -> Option<&TerminalError> {
        match self {
            Self::Code(
                CodeError::Terminal(reason)
                | CodeError::Seed(SafeError::Key(PersistentError::Passphrase(PassphraseError::Terminal(reason)))),
            )
            | Self::Vault(VaultError::Passphrase(PassphraseError::Terminal(reason)))
            | Self::Base(BaseError::Sealed(SafeError::Key(PersistentError::Passphrase(PassphraseError::Terminal(
                reason,
            ))))) => Some(reason),
            _ => None,
        }
    }

    /// Did the person decline to answer, or not answer at all? Then no other process should prompt instead, and neither
    /// where a dialog program does not work: it would fail for each of them in turn. If this process was told to end by
    /// another one, that says nothing about the person.
    fn is_canceled_by_the_person(&self) -> bool {
        const SIGINT: i32 = 2;
        match self {
            Self::Code(CodeError::Terminal(reason)) => {
                matches!(
                    reason,
                    TerminalError::Signal(SIGINT)
                        | TerminalError::Canceled
                        | TerminalError::Closed
                        | TerminalError::TimedOut(_)
                        | TerminalError::Program { .. }
                )
            }
            Self::CanceledElsewhere(_) => true,
            _ => false,
        }
    }
}
