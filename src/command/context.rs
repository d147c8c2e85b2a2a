//! What a command works with: the settings, the host, and everything built from them. Each part is built once, when it
//! is first needed.

use std::cell::OnceCell;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use jiff::Timestamp;

use crate::cache::{Cache, CacheUse};
use crate::cli::Obtain;
use crate::code::unlock::UnlockProcess;
use crate::error::Error;
use crate::host::{Host, NoTerminal, Terminal};
use crate::messages::{Level, relay, with_causes};
use crate::names::ProfileName;
use crate::plan::{Ambient, LoginSession, Plan};
use crate::profile::ProfileSet;
use crate::safe::{Safe, SafeError, Shelf};
use crate::secret::Credentials;
use crate::settings::{ObtainOptions, Settings, ambient, ambient_credentials};
use crate::signin::{self, SignIn, SignInError};
use crate::state::{CorrectedClock, Folder, FolderError, Recall};
use crate::vault::passphrase::Cost;
use crate::vault::{KeyHome, PersistentVault, Stores, Unlocker, Vault};
use crate::web_token::RealTokenFiles;

/// The settings and the host of one run.
pub(super) struct Context<'a> {
    pub(super) settings: &'a Settings,
    pub(super) host: Host<'a>,
    unlocker: Option<UnlockProcess<'a>>,
    /// Asks the person where there is no terminal.
    dialog: Option<&'a dyn Terminal>,
    known: Rc<Known>,
}

/// What has been read and opened so far. It does not depend on the terminal.
#[derive(Default)]
struct Known {
    ambient: OnceCell<Ambient>,
    profiles: OnceCell<ProfileSet>,
    folder: OnceCell<Result<Folder, String>>,
}

impl<'a> Context<'a> {
    /// Opens and reads nothing.
    pub(super) fn new(settings: &'a Settings, host: Host<'a>) -> Self {
        let unlocker = settings.unlock_process.as_deref().map(|command| UnlockProcess { command });
        Self { settings, host, unlocker, dialog: None, known: Rc::default() }
    }

    /// The same with a state folder that was checked.
    pub(super) fn in_folder(settings: &'a Settings, host: Host<'a>, folder: Folder) -> Self {
        let context = Self::new(settings, host);
        let _ = context.known.folder.set(Ok(folder));
        context
    }

    /// The same context with nothing read yet, for a step after one that wrote.
    pub(super) fn anew(&self) -> Self {
        Self { host: self.host.clone(), known: Rc::default(), ..*self }
    }

    /// The same context with a different terminal, and with a dialog to ask in where that is not there.
    pub(super) fn at(&self, terminal: &'a dyn Terminal, dialog: Option<&'a dyn Terminal>) -> Self {
        Self { host: Host { terminal, ..self.host.clone() }, dialog, known: Rc::clone(&self.known), ..*self }
    }

    /// The same context, without anybody to ask if the options say `--no-prompt`: asking for a passphrase is a prompt,
    /// too.
    pub(super) fn attended_as(&self, how: &ObtainOptions) -> Self {
        if how.may_prompt { self.at(self.host.terminal, self.dialog) } else { self.at(&NoTerminal, None) }
    }

    /// The configured dialog.
    pub(super) fn dialog(&self) -> Option<&'a dyn Terminal> {
        self.dialog
    }

    /// The person who is asked for codes and passphrases: at the terminal or, where there is none, in the dialog. Other
    /// questions are asked at the terminal only.
    pub(super) fn person(&self) -> &'a dyn Terminal {
        self.dialog.filter(|_| !self.host.terminal.is_there()).unwrap_or(self.host.terminal)
    }

    /// The profiles, regions and endpoints in the environment.
    pub(super) fn ambient(&self) -> &Ambient {
        self.known.ambient.get_or_init(|| ambient(self.host.env))
    }

    /// The credentials of the environment, for profiles that name it as their source.
    pub(super) fn ambient_credentials(&self) -> Option<Credentials> {
        ambient_credentials(self.host.env)
    }

    /// How a command is to obtain credentials.
    pub(super) fn how(&self, options: &Obtain) -> Result<ObtainOptions, Error> {
        Ok(self.settings.how(options, self.host.env, self.host.files)?)
    }

    /// The AWS files, as they were when first read.
    pub(super) fn profiles(&self) -> Result<&ProfileSet, Error> {
        if self.known.profiles.get().is_none() {
            let Settings { config_file, credentials_file, messages, .. } = self.settings;
            let set = ProfileSet::load(self.host.files, config_file, credentials_file)?;
            // Finding these needs a full read of the files.
            if messages.says(Level::Info) {
                set.notes().for_each(|note| messages.info(&note.to_string()));
            }
            let set = set.with_tokens(Box::new(RealTokenFiles));
            let _ = self.known.profiles.set(match self.shelf() {
                Some(shelf) => set.with_sealed(Box::new(shelf)),
                None => set,
            });
        }
        Ok(self.known.profiles.get().expect("it was just set"))
    }

    /// The AWS files as they are now, for an edit: they may have changed since they were first read.
    pub(super) fn files_now(&self) -> Result<ProfileSet, Error> {
        let Settings { config_file, credentials_file, .. } = self.settings;
        let set = ProfileSet::load(self.host.files, config_file, credentials_file)?;
        Ok(match self.shelf() {
            Some(shelf) => set.with_sealed(Box::new(shelf)),
            None => set,
        })
    }

    /// The plan for a profile.
    pub(super) fn plan(&self, profile: &ProfileName, how: &ObtainOptions) -> Result<Plan, Error> {
        Ok(Plan::make(self.profiles()?, profile, &how.request, self.ambient())?)
    }

    /// The state folder, opened once, or the reason why it cannot be used.
    fn opened(&self) -> Result<&Folder, &str> {
        let opened = self.known.folder.get_or_init(|| self.open_folder().map_err(|error| with_causes(&error)));
        opened.as_ref().map_err(String::as_str)
    }

    /// The state folder, for a command that needs it.
    pub(super) fn open_folder(&self) -> Result<Folder, FolderError> {
        Folder::open_or_set_aside(self.settings.state.as_deref(), self.settings.messages)
    }

    /// The state folder, if there is one, for work that is possible without it.
    pub(super) fn folder(&self) -> Option<&Folder> {
        self.opened().ok()
    }

    /// Makes the servers of this user ask the cache again, after credentials were removed from it.
    pub(super) fn recall(&self, folder: &Folder) {
        if let Err(error) = Recall::declare(folder) {
            let what = "a running server may still hand out the credentials that it holds";
            self.settings.messages.warn(&format!("{what}: {error}"));
        }
    }

    /// The vault of a state folder.
    pub(super) fn vault<'f>(&'f self, folder: &'f Path) -> Vault<'f> {
        let Host { kernel, keyring, .. } = self.host;
        Vault::new(folder, self.settings.store, Stores { kernel, keyring }, self.person(), Cost::RFC_9106)
            .locking_after(self.settings.lock_after)
            .unlocked_by(self.unlocker())
    }

    /// The sealed access keys, as their headers tell; `None` where the system has no place for them.
    pub(super) fn shelf(&self) -> Option<Shelf> {
        self.settings.safe.clone().map(Shelf::at)
    }

    /// Runs `with` with the sealed access keys and what opens them.
    pub(super) fn with_safe<T, E: From<SafeError>>(
        &self,
        with: impl FnOnce(&Safe<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let Host { kernel, keyring, .. } = self.host;
        let Settings { store, lock_after, .. } = *self.settings;
        let shelf = self.shelf().ok_or(SafeError::Nowhere)?;
        let stores = Stores { kernel, keyring };
        let vault = PersistentVault::new(shelf.folder(), store, stores, self.person(), Cost::RFC_9106)
            .locking_after(lock_after)
            .unlocked_by(self.unlocker());
        with(&Safe::new(&shelf, vault))
    }

    /// The store of the key that opens the sealed access keys. Opens nothing.
    pub(super) fn place_of_sealed(&self) -> Result<KeyHome, SafeError> {
        self.with_safe(|safe| -> Result<_, SafeError> {
            let place = safe.place()?;
            Ok(place)
        })
    }

    /// A profile's sealed access key. May open a keyring or ask for a passphrase.
    pub(super) fn open_sealed(&self, profile: &ProfileName) -> Result<Credentials, SafeError> {
        self.with_safe(|safe| safe.open(profile))
    }

    /// The file of a session of `aws login`.
    pub(super) fn login_file(&self, session: &LoginSession) -> Result<PathBuf, SignInError> {
        let folder = signin::folder(self.host.env, self.host.folders.home.as_deref()).ok_or(SignInError::Nowhere)?;
        Ok(folder.join(signin::file_name(&session.arn)))
    }

    /// The credentials of a session of `aws login`, renewed if they are about to expire.
    pub(super) fn renewed(
        &self,
        session: &LoginSession,
        folder: Option<&Folder>,
        clock: &CorrectedClock<'_>,
    ) -> Result<Credentials, SignInError> {
        let clock = session.service.as_ref().map_or_else(|| clock.clone(), |service| clock.of(service));
        let Settings { limits, messages, .. } = *self.settings;
        SignIn { session, file: self.login_file(session)?, folder, clock: &clock, limits, messages }.credentials()
    }

    fn unlocker(&self) -> Option<&dyn Unlocker> {
        self.unlocker.as_ref().map(|unlocker| unlocker as &dyn Unlocker)
    }

    /// Runs `with` with this user's cache. An unusable state folder costs only the cache: there is one warning.
    pub(super) fn with_cache<T>(
        &self,
        use_of_it: CacheUse,
        with: impl FnOnce(&Cache<'_>, &CorrectedClock<'_>) -> T,
    ) -> T {
        let messages = self.settings.messages;
        let lost =
            if use_of_it == CacheUse::Read { "the cache cannot be read" } else { "credentials will not be cached" };
        let folder = self.opened().inspect_err(|error| messages.warn(&format!("{lost}: {error}"))).ok();
        let vault = self.vault(folder.map_or(Path::new(""), Folder::path));
        let clock = self.clock();
        with(&Cache::new(folder, &vault, use_of_it, messages).timed_by(&clock), &clock)
    }

    /// AWS's time, as far as it is known.
    pub(super) fn clock(&self) -> CorrectedClock<'_> {
        CorrectedClock::new(self.host.clock, self.folder())
    }

    /// The current time by the clock of the plan's endpoint.
    pub(super) fn now(&self, plan: &Plan) -> Timestamp {
        self.clock().of(&plan.service).now()
    }

    /// Shows a command's stderr while it runs (`touch your key`): on stderr if that is a terminal, else on the terminal
    /// itself, because SDKs capture stderr.
    pub(super) fn hear(&self, text: &str) {
        let terminal = self.host.terminal;
        match text {
            "" => {}
            text if io::stderr().is_terminal() => relay(text),
            text if terminal.is_there() => text.lines().for_each(|line| terminal.tell(line)),
            _ => {}
        }
    }
}
