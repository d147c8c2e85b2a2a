//! Sessions of `aws login`: credentials of 15 minutes in a file that the AWS CLI and the SDKs share, and their renewal.
//!
//! In: which session, where its file is, and AWS's sign-in service. Out: credentials. The file holds a refresh token that
//! each renewal replaces, so two programs that renew at once can lose the session. Here, only the holder of a lock renews,
//! after it has read the file again; what others did meanwhile is used instead, even after a failed call. The next text's
//! place on the disk is taken before the call. Only whoever signs in through a browser (`aws login`) starts a session.

mod answer;
mod call;
mod document;
pub mod endpoint;
mod error;
mod key;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use base16ct::lower;
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest as _, Sha256};

use crate::aws::CallError;
use crate::disk::reserved::Reserved;
use crate::host::Env;
use crate::messages::{Messages, with_causes};
use crate::names::digest::digest_name;
use crate::names::variables::aws;
use crate::plan::LoginSession;
use crate::secret::Credentials;
use crate::settings::Limits;
use crate::state::{CorrectedClock, Folder, Turn};

use document::Document;
pub use error::SignInError;

/// The longest session. What expired longer ago cannot be renewed.
pub const LONGEST: SignedDuration = SignedDuration::from_hours(12);
/// Renewed below this life, as in the AWS CLI and the SDKs.
const LEAST: SignedDuration = SignedDuration::from_mins(5);
/// What can still be used if they are not renewed.
const LAST_MINUTE: SignedDuration = SignedDuration::from_mins(1);
/// The longest wait for another process's renewal, whose own limits are shorter.
const PATIENCE: Duration = Duration::from_secs(60);
/// How much longer the next text may be than this one, in bytes: AWS guarantees no length of its tokens.
const ROOM: usize = 8 << 10;
/// In seconds. A refusal by a clock that is this far off is no verdict on the session.
const OFF: i64 = 60;

/// A session's file, and what its renewal needs.
pub struct SignIn<'a> {
    /// Which session.
    pub session: &'a LoginSession,
    /// Its file.
    pub file: PathBuf,
    /// Where locks are, if anywhere.
    pub folder: Option<&'a Folder>,
    /// AWS's time, as the sign-in service tells it.
    pub clock: &'a CorrectedClock<'a>,
    /// For the call.
    pub limits: Limits,
    /// Tells the user what is done.
    pub messages: Messages,
}

/// What a session's file says, without opening more than that.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Standing {
    /// There is no such file: nobody signed in, or signed out again.
    Absent,
    /// It cannot be used.
    Damaged,
    /// Its credentials last until then, and can be renewed if their session lasts longer.
    Until(Timestamp),
}

/// The folder of the sessions' files: `AWS_LOGIN_CACHE_DIRECTORY`, with `~` and variables expanded as the AWS CLI does,
/// which writes them; otherwise, the usual one.
pub fn folder(env: &dyn Env, home: Option<&Path>) -> Option<PathBuf> {
    let Some(named) = env.var(aws::LOGIN_CACHE_DIRECTORY) else { return Some(home?.join(".aws/login/cache")) };
    let expanded = expanded(&named, env);
    match (expanded.strip_prefix('~'), home) {
        (Some(""), Some(home)) => Some(home.to_owned()),
        (Some(rest), Some(home)) if rest.starts_with('/') => Some(home.join(rest.trim_start_matches('/'))),
        _ => Some(PathBuf::from(expanded)),
    }
}

/// Replaces `$NAME` and `${NAME}`; a name without a value stays as it is.
fn expanded(text: &str, env: &dyn Env) -> String {
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let (name, left) = match after.strip_prefix('{').and_then(|inner| inner.split_once('}')) {
            Some(parts) => parts,
            None => after.split_at(after.find(|c| !is_word(c)).unwrap_or(after.len())),
        };
        let value = Some(name).filter(|name| !name.is_empty()).and_then(|name| env.var(name));
        out.push_str(value.as_deref().unwrap_or(&rest[before.len()..rest.len() - left.len()]));
        rest = left;
    }
    out + rest
}

/// The name of a session's file: the SHA-256 of its ARN.
pub fn file_name(session: &str) -> String {
    format!("{}.json", lower::encode_string(&Sha256::digest(session.trim())))
}

/// What a session's file says.
pub fn standing(session: &LoginSession, file: &Path) -> Standing {
    let document = Document::read(file, &session.profile);
    match document.and_then(|document| document.credentials()) {
        Ok(credentials) => credentials.expiration.map_or(Standing::Damaged, Standing::Until),
        Err(SignInError::Absent { .. }) => Standing::Absent,
        Err(_) => Standing::Damaged,
    }
}

/// For a base that is known to be no session of `aws login`.
///
/// # Errors
/// Always.
pub fn none(_: &LoginSession) -> Result<Credentials, SignInError> {
    Err(SignInError::Nowhere)
}

impl SignIn<'_> {
    /// The session's credentials, renewed if they are about to expire.
    ///
    /// # Errors
    /// There is no session, or it can no longer be renewed.
    pub fn credentials(&self) -> Result<Credentials, SignInError> {
        if let Some(credentials) = self.fresh()? {
            return Ok(credentials);
        }
        let Some(folder) = self.folder else { return self.renew() };
        let name = format!("sign-in-{}", digest_name(&self.file.to_string_lossy()));
        let start = Instant::now();
        let mut during_wait = |pid: Option<u32>| {
            if let Some(pid) = pid {
                self.messages.note(&format!("waiting for process {pid}, which is renewing the session of `aws login`"));
            }
            if start.elapsed() < PATIENCE { Ok(()) } else { Err(SignInError::Busy) }
        };
        match folder.take_turn(&name, &mut || self.fresh(), &mut during_wait) {
            Ok(Turn::Ready(credentials)) => Ok(credentials),
            Ok(Turn::Ours(_lease)) => self.renew(),
            // A folder that cannot hold locks costs only the locks.
            Ok(Turn::Canceled) | Err(SignInError::Folder(_)) => self.renew(),
            Err(error) => Err(error),
        }
    }

    /// The file's credentials, if they need no renewal.
    fn fresh(&self) -> Result<Option<Credentials>, SignInError> {
        let credentials = self.read()?.credentials()?;
        Ok(Some(credentials).filter(|it| self.left(it) >= LEAST))
    }

    fn left(&self, credentials: &Credentials) -> SignedDuration {
        credentials.expiration.map_or(SignedDuration::ZERO, |end| end.duration_since(self.clock.now()))
    }

    fn read(&self) -> Result<Document, SignInError> {
        Document::read(&self.file, &self.session.profile)
    }

    fn renew(&self) -> Result<Credentials, SignInError> {
        let document = self.read()?;
        let old = document.credentials()?;
        if self.left(&old) >= LEAST {
            return Ok(old);
        }
        match self.exchange(document) {
            Ok(credentials) => Ok(credentials),
            Err(error) => {
                // Another program, which does not know our lock, may have been faster; then the token was no longer valid.
                if let Ok(Some(credentials)) = self.fresh() {
                    return Ok(credentials);
                }
                if self.left(&old) < LAST_MINUTE {
                    return Err(error);
                }
                let why = with_causes(&error);
                self.messages.warn(&format!("the old credentials of `aws login` are still valid: {why}"));
                Ok(old)
            }
        }
    }

    /// Spends the refresh token.
    fn exchange(&self, mut document: Document) -> Result<Credentials, SignInError> {
        let LoginSession { profile, service, .. } = self.session;
        let service = service.as_ref().ok_or_else(|| SignInError::NoRegion { profile: profile.clone() })?;
        let request = document.request()?;
        let text = document.text();
        let unwritable = |source| SignInError::Unwritable { path: self.file.clone(), source };
        let reserved = Reserved::beside(&self.file, text.expose().len() + ROOM).map_err(unwritable)?;
        self.messages.info(&format!("renewing the session of `aws login` in region `{}`", service.region));
        let _waiting = self.messages.waiting("waiting for AWS to renew the session of `aws login`");
        let sent = || call::send(&request, service, self.limits, self.clock);
        let before = self.clock.ahead();
        let answer = match sent() {
            // The proof carries the time, and only the refusal told which time it is.
            Err(CallError::Refused { .. }) if (self.clock.ahead() - before).abs() >= OFF => sent(),
            answer => answer,
        };
        let failed = |error| SignInError::Call { profile: profile.clone(), region: service.region.clone(), error };
        let answer = answer.map_err(failed)?;
        document.renew(&answer, self.clock.now());
        let credentials = document.credentials()?;
        if let Err(error) = reserved.fill(&document.text()) {
            // They are good, and AWS takes the old token once more for a while.
            self.messages.warn(&format!("`{}` could not be written: {error}", self.file.display()));
        }
        Ok(credentials)
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::path::{Path, PathBuf};

    use super::{file_name, folder};
    use crate::host::Env;

    struct Variables(Option<&'static str>);

    impl Env for Variables {
        fn os(&self, name: &str) -> Option<OsString> {
            match name {
                "AWS_LOGIN_CACHE_DIRECTORY" => self.0.map(OsString::from),
                "PLACE" => Some("/srv/me".into()),
                _ => None,
            }
        }
    }

    #[test]
    fn the_folder_is_the_one_that_the_aws_cli_writes_to() {
        for (value, wanted) in [
            (None, "/home/me/.aws/login/cache"),
            (Some("/tmp/cache"), "/tmp/cache"),
            (Some("~"), "/home/me"),
            (Some("~/cache"), "/home/me/cache"),
            (Some("~other/cache"), "~other/cache"),
            (Some("$PLACE/cache"), "/srv/me/cache"),
            (Some("${PLACE}x/$PLACE"), "/srv/mex//srv/me"),
            (Some("$NONE/${NONE}/$"), "$NONE/${NONE}/$"),
            (Some("${unclosed"), "${unclosed"),
            (Some("relative"), "relative"),
        ] {
            let found = folder(&Variables(value), Some(Path::new("/home/me")));
            assert_eq!(found, Some(PathBuf::from(wanted)), "{value:?}");
        }
        assert_eq!(folder(&Variables(None), None), None);
    }

    #[test]
    fn a_file_is_named_as_the_sdks_name_it() {
        // From the SDK for Rust's own tests.
        let wanted = "36db1d138ff460920374e4c3d8e01f53f9f73537e89c88d639f68393df0e2726.json";
        assert_eq!(file_name(" arn:aws:iam::0123456789012:user/Admin\n"), wanted);
    }
}
