//! The file that the profile's credentials come from: the token of a web identity, a session of `aws login`, a
//! login at IAM Identity Center, or the program
//! that prints them. No program is run.

use std::path::{Path, PathBuf};

use super::reading::{self, quoted};
use super::{Facts, Finding};
use crate::messages::{aws_login, ours, with_causes};
use crate::os::files::{is_program, is_readable_by_others};
use crate::plan::{Base, LoginSession, MfaProcess, Origin, SsoRole, WebIdentity};
use crate::profile::{Location, Property};
use crate::shell::startup::all_on_path;
use crate::signin::{self, Standing};
use crate::sso::file::{FileError, TokenFile};
use crate::web_token;

/// Can the file be used, and does it still hold what is needed?
pub(super) fn file(facts: &Facts) -> Finding {
    match facts.plan().map(|plan| &plan.base) {
        Err(why) => Finding::skipped(why),
        Ok(Base::WebIdentity(web)) => token(facts, web),
        Ok(Base::Login(session)) => login(facts, session),
        Ok(Base::Sso(role)) => sso(facts, role),
        Ok(Base::CredentialProcess { profile, command }) => {
            let set = facts.profiles().ok();
            let property = set.and_then(|set| set.get(profile.as_str())?.filled("credential_process"));
            let place = property.map(Property::place);
            program(facts, "credential_process", command, place.as_ref())
        }
        Ok(_) => match facts.plan().ok().and_then(|plan| plan.mfa_process.as_ref()) {
            Some(MfaProcess { origin, command }) => {
                let place = if let Origin::Line { place, .. } = origin { Some(place) } else { None };
                program(facts, "mfa_process", command, place)
            }
            None => Finding::skipped("the profile needs no token file, no `aws login`, and no command"),
        },
    }
}

/// Is the program of the command there? The shell's own commands are.
fn program(facts: &Facts, key: &str, command: &str, place: Option<&Location>) -> Finding {
    let word = shlex::Shlex::new(command).next().unwrap_or_default();
    let home = facts.home.as_deref().unwrap_or(Path::new("~"));
    let path = word.strip_prefix("~/").map_or_else(|| PathBuf::from(&word), |rest| home.join(rest));
    let is_plain = word.chars().all(|c| c.is_ascii_alphanumeric() || "._+-".contains(c));
    let is_there = if path.is_absolute() {
        is_program(&path)
    } else {
        !is_plain || is_of_the_shell(&word) || all_on_path(&facts.variables, &word).next().is_some()
    };
    if is_there {
        return Finding::pass(format!("the program of `{key}` is there"));
    }
    let what = format!("the program of `{key}` is missing or cannot be run: {word}");
    Finding::fail(what, "install it, or correct the command").at(place)
}

/// Commands and keywords of POSIX shells that are not usually programs, too.
fn is_of_the_shell(word: &str) -> bool {
    const OWN: [&str; 21] = [
        ".", "case", "cd", "command", "eval", "exec", "exit", "export", "for", "if", "local", "read", "set", "shift",
        "source", "trap", "type", "umask", "unset", "until", "while",
    ];
    OWN.contains(&word)
}

fn token(facts: &Facts, web: &WebIdentity) -> Finding {
    let shown = web.file.display();
    let token = match web_token::read(&web.file) {
        Ok(token) => token,
        Err(why) => {
            return Finding::fail(
                format!("no token can be read from {shown}: {}", with_causes(&why)),
                "start what writes that file, or correct the path",
            );
        }
    };
    match web_token::expiration(&token) {
        Some(end) if end <= facts.now => Finding::fail(
            format!("the token in {shown} expired at {end}"),
            "restart what writes that file (such as the kubelet or a CI job): it has stopped renewing the token",
        ),
        Some(end) => Finding::pass(format!("{shown} holds a token that is valid until {end}")),
        None => Finding::pass(format!("{shown} holds a token, which does not tell when it expires")),
    }
}

fn sso(facts: &Facts, role: &SsoRole) -> Finding {
    let Some(home) = &facts.home else { return Finding::skipped("no home folder is known") };
    let (profile, again) = (&role.profile, ours("login", Some(&role.profile)));
    match TokenFile::of(home, &role.session).read() {
        Err(error) => {
            let repair = match &error {
                FileError::NotAToken { path, .. } => format!("`rm {}`, then {again}", quoted(path)),
                FileError::Unreadable { path, .. } => reading::repair(path),
                _ => again,
            };
            Finding::fail(with_causes(&error), repair)
        }
        Ok(None) => {
            Finding::warn(format!("`{profile}` is not signed in to IAM Identity Center"), format!("{again} signs in"))
        }
        Ok(Some(token)) if token.is_live(facts.now) => {
            Finding::pass(format!("`{profile}` is signed in to IAM Identity Center"))
        }
        Ok(Some(token)) if token.renewal(facts.now).is_some() => Finding::pass(format!(
            "`{profile}` was signed in to IAM Identity Center; its token is renewed when it is needed"
        )),
        Ok(Some(_)) => Finding::warn(
            format!("the login of `{profile}` at IAM Identity Center has expired"),
            format!("{again} signs in again"),
        ),
    }
}

fn login(facts: &Facts, session: &LoginSession) -> Finding {
    let (profile, again) = (&session.profile, aws_login(&session.profile));
    let Some(folder) = signin::folder(&facts.variables, facts.home.as_deref()) else {
        return Finding::skipped("no home folder is known");
    };
    let file = folder.join(signin::file_name(&session.arn));
    let shown = file.display();
    let end = match signin::standing(session, &file) {
        Standing::Absent => return Finding::fail(format!("`{profile}` is not signed in: there is no {shown}"), again),
        Standing::Damaged => return Finding::fail(format!("{shown} does not hold a session of `aws login`"), again),
        Standing::Until(end) => end,
    };
    if end.duration_since(facts.now) <= -signin::LONGEST {
        return Finding::fail(format!("the session of `aws login` for `{profile}` has ended"), again);
    }
    if session.service.is_none() {
        let what = format!("`{profile}` has no `region`, so its session of `aws login` cannot be renewed");
        return Finding::fail(what, "add the region in which the session was started");
    }
    if is_readable_by_others(&file) {
        let what = format!("{shown} holds a session, and other users of this machine can read it");
        return Finding::warn(what, format!("`chmod 600 {}`", quoted(&file)));
    }
    Finding::pass(if end > facts.now {
        format!("`{profile}` is signed in by `aws login`; its credentials last until {end}, and are then renewed")
    } else {
        format!("`{profile}` was signed in by `aws login`; its credentials are renewed when they are needed")
    })
}
