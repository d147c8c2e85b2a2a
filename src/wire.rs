//! The section that lets an SDK run `mfa-cred process` (`mfa-cred wire`), and how its command line is quoted.
//!
//! Where a profile has a `role_arn`, SDKs never run its `credential_process`, so the command goes into a second profile.
//! In: a [`Draft`] of the AWS files and the name of a profile. Out: the draft with the section in it or without it. Pure.

pub mod sso;

use std::borrow::Cow;

use crate::host::TerminalError;
use crate::messages::ours;
use crate::names::{ProfileName, Region};
use crate::os::{KIND, Kind};
use crate::profile::edit::{Draft, EditError, Writer, Written, place_of_others, written};
use crate::profile::{Location, ProfileSet, WhichFile};
use crate::secret::Secret;

/// The property that SDKs and the AWS CLI run.
pub const PROCESS: &str = "credential_process";

/// Properties that a wired profile takes over besides the region, so that a request goes where it went before. None of
/// them is a secret.
const COPIED: [&str; 12] = [
    "output",
    "endpoint_url",
    "services",
    "ignore_configured_endpoint_urls",
    "use_fips_endpoint",
    "use_dualstack_endpoint",
    "ca_bundle",
    "retry_mode",
    "max_attempts",
    "defaults_mode",
    "cli_pager",
    "account_id_endpoint_mode",
];

/// Why a section is not written or not removed.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// A section with that name is the user's.
    #[error("{place}: `{name}` is a profile that mfa-cred did not write, and is not changed")]
    Taken {
        /// The name.
        name: ProfileName,
        /// Where it is.
        place: Location,
        /// The command that would write it, for the hint.
        command: &'static str,
        /// The profile whose credentials it would give.
        of: ProfileName,
    },
    /// No command line can name the profile.
    #[error("no command line can be written for profile `{0}`")]
    Name(ProfileName),
    /// There is no such section.
    #[error("mfa-cred wrote no section for `{0}`")]
    NoneFor(ProfileName),
    /// There is no such section.
    #[error("mfa-cred wrote no profile for SSO session `{0}`")]
    NoneForSession(String),
    /// The person may not use it.
    #[error("SSO session `{session}` gives you no account or role `{what}`")]
    NotAssigned {
        /// The session.
        session: String,
        /// What was asked for.
        what: String,
    },
    /// Every name that a role's profile could have is the user's.
    #[error("{place}: `{name}` is a profile that mfa-cred did not write, and is not changed")]
    Occupied {
        /// The last of these names.
        name: ProfileName,
        /// Where it is.
        place: Location,
    },
    /// Two roles whose profiles would have the same name.
    #[error("two roles would both have the profile `{0}`")]
    NoName(ProfileName),
    /// SDKs cannot use a profile by name.
    #[error("profile `{0}` is not wired, so SDKs cannot use it by name")]
    NotWired(ProfileName),
    /// A user's long-term key is not copied into the credentials file.
    #[error("the credentials of profile `{0}` are a long-term access key, which is not written into a file")]
    LongTerm(ProfileName),
    /// The file.
    #[error("the AWS files were not changed")]
    Edit(#[from] EditError),
    /// No terminal for the question.
    #[error("the change of the file must be confirmed, and there is no terminal to do it on")]
    NobodyThere,
    /// The terminal gave no answer.
    #[error("nothing was changed")]
    Terminal(#[source] TerminalError),
    /// The answer was no.
    #[error("nothing was changed")]
    Declined,
}

impl WireError {
    /// What to do about it, if that is known.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Taken { command, of, .. } => {
                format!("choose another name with `--as NAME`: {}", ours(&format!("{command} --as NAME"), Some(of)))
            }
            Self::NotWired(profile) => format!("{} writes the profile that they can use", ours("wire", Some(profile))),
            Self::LongTerm(_) => {
                "name a profile with an MFA device or a role: its credentials expire by themselves".to_owned()
            }
            Self::NotAssigned { session, .. } => {
                let session = shlex::try_quote(session).unwrap_or_default();
                format!("{} shows what there is", ours(&format!("list --sso {session}"), None))
            }
            Self::Occupied { .. } | Self::NoName(_) => "choose other names with `--prefix TEXT`".to_owned(),
            Self::NobodyThere => "`--yes` answers the question".to_owned(),
            _ => return None,
        })
    }
}

/// What a profile is wired with.
#[derive(Clone, Debug)]
pub struct Wiring<'a> {
    /// The absolute path of `mfa-cred`.
    pub program: &'a str,
    /// The profile that `mfa-cred process` is run for.
    pub profile: &'a ProfileName,
    /// The region of its credentials, if any.
    pub region: Option<&'a Region>,
}

/// The usual name of the second profile: one that every SDK reads, and that no other profile of ours has.
pub fn second(profile: &ProfileName, set: &ProfileSet) -> ProfileName {
    let plain = readable_name(profile.as_str());
    let ours = written(set, Writer::Wire);
    let is_anothers = |name: &str| ours.iter().any(|ours| ours.name.as_str() == name && ours.of != profile.as_str());
    let mut name = format!("{plain}-mfa");
    let mut number = 1;
    while is_anothers(&name) {
        number += 1;
        name = format!("{plain}-mfa-{number}");
    }
    ProfileName::new(name).expect("it is not empty")
}

/// Do all SDKs read a profile with that name?
pub fn is_readable(name: &ProfileName) -> bool {
    readable_name(name.as_str()) == name.as_str()
}

/// The name with `-` in place of what the SDKs for Go, JavaScript and Rust do not accept in one, quoted or not.
fn readable_name(name: &str) -> String {
    let is_accepted = |c: char| c.is_ascii_alphanumeric() || "_-./%@:+".contains(c);
    name.chars().map(|c| if is_accepted(c) { c } else { '-' }).collect()
}

impl Wiring<'_> {
    /// Adds the second profile with that name to a draft, or brings it up to date.
    ///
    /// # Errors
    /// [`WireError::Taken`] if the user has a profile with that name, [`WireError::Name`] and [`WireError::Edit`] if it
    /// cannot be written.
    pub fn add(&self, name: &ProfileName, draft: &mut Draft) -> Result<(), WireError> {
        if let Some(place) = place_of_others(draft.set(), Writer::Wire, name) {
            let of = self.profile.clone();
            return Err(WireError::Taken { name: name.clone(), place, command: "wire", of });
        }
        let mut lines = vec![(PROCESS, Secret::new(self.command_line()?))];
        lines.extend(self.region.map(|region| ("region", Secret::from(region.as_str()))));
        let section = draft.set().get(self.profile.as_str());
        let copied = COPIED.into_iter().filter_map(|key| Some((key, section?.filled(key)?.value())));
        let single = copied.filter(|(_, value)| !value.contains('\n'));
        lines.extend(single.map(|(key, value)| (key, Secret::from(&*value))));
        let written = Written { name: name.clone(), of: self.profile.to_string() };
        Ok(draft.write_section(Writer::Wire, &written, &lines)?)
    }

    /// Adds the command to the profile itself, whose access key is in no file that an SDK reads.
    ///
    /// # Errors
    /// [`WireError::Taken`] if the profile runs another command, and as [`Self::add`].
    pub fn add_to_itself(&self, draft: &mut Draft) -> Result<(), WireError> {
        let line = self.command_line()?;
        let section = draft.set().get(self.profile.as_str());
        if let Some(other) = section.and_then(|section| section.filled(PROCESS)).filter(|other| other.value() != line) {
            let name = self.profile.clone();
            return Err(WireError::Taken { of: name.clone(), name, place: other.place(), command: "wire" });
        }
        Ok(draft.set_key(self.profile.as_str(), PROCESS, &line)?)
    }

    /// The command line, which means the same with and without a shell.
    fn command_line(&self) -> Result<String, WireError> {
        let quoting = if KIND == Kind::Windows { Quoting::Windows } else { Quoting::Posix };
        quoting.line(self.program, self.profile.as_str()).ok_or_else(|| WireError::Name(self.profile.clone()))
    }
}

/// The profile that SDKs use for `profile`, and the profile whose credentials they then get. `profile` may be either of
/// them.
pub fn wired(set: &ProfileSet, profile: &ProfileName, program: &str) -> Option<Written> {
    let ours = written(set, Writer::Wire).into_iter();
    // SDKs would merge a section of ours with one of the user's.
    let ours = ours.filter(|section| place_of_others(set, Writer::Wire, &section.name).is_none());
    let mut ours: Vec<Written> =
        ours.filter(|section| section.name == *profile || section.of == profile.as_str()).collect();
    let usual = second(profile, set);
    ours.sort_by_key(|section| (section.name != *profile, section.name != usual));
    let itself = || Written { name: profile.clone(), of: profile.to_string() };
    ours.into_iter().next().or_else(|| is_wired_in_itself(set, profile, program).then(itself))
}

/// Takes a profile's wiring out of a draft; `name` is the profile or the section that was written for it, or for a role of
/// an SSO session. False if there is none.
///
/// # Errors
/// [`WireError::Edit`] if the file cannot be kept as it was otherwise.
pub fn remove(name: &ProfileName, program: &str, draft: &mut Draft) -> Result<bool, WireError> {
    let ours = written(draft.set(), Writer::Wire);
    let mut removed = false;
    for section in ours.into_iter().filter(|section| section.name == *name || section.of == name.as_str()) {
        removed |= draft.remove_section(Writer::Wire, &section.name)?;
    }
    removed |= draft.remove_section(Writer::WireSso, name)?;
    if is_wired_in_itself(draft.set(), name, program) {
        draft.remove_key(name.as_str(), PROCESS)?;
        removed = true;
    }
    Ok(removed)
}

/// The profiles that are wired in themselves.
pub fn wired_in_themselves(set: &ProfileSet, program: &str) -> Vec<ProfileName> {
    let names = set.names().filter_map(ProfileName::new);
    names.filter(|name| is_wired_in_itself(set, name, program)).collect()
}

fn is_wired_in_itself(set: &ProfileSet, name: &ProfileName, program: &str) -> bool {
    let line = Wiring { program, profile: name, region: None }.command_line();
    let process = set.get(name.as_str()).and_then(|section| section.filled(PROCESS));
    process
        .is_some_and(|process| process.origin() == WhichFile::Config && line.is_ok_and(|line| process.value() == line))
}

/// How a word is quoted, so that a shell and an SDK that starts the program itself read the same.
#[derive(Clone, Copy, Debug)]
enum Quoting {
    /// `sh -c`, and Python's `shlex` (AWS CLI, boto3).
    Posix,
    /// `cmd /C`, and the C library's rules.
    Windows,
}

impl Quoting {
    /// `None` for a word that one of them would read differently.
    fn line(self, program: &str, profile: &str) -> Option<String> {
        let dashes = if profile.starts_with('-') { "-- " } else { "" };
        Some(format!("{} process {dashes}{}", self.word(program)?, self.word(profile)?))
    }

    fn word(self, text: &str) -> Option<Cow<'_, str>> {
        if text.is_empty() || text.contains(char::is_control) {
            return None;
        }
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-./:@+=,".contains(c);
        if text.chars().all(|c| is_plain(c) || matches!(self, Self::Windows) && c == '\\') {
            return Some(text.into());
        }
        match self {
            Self::Posix => Some(single_quoted(text).into()),
            // Nothing protects these from `cmd` within quotes, and a backslash before the closing quote escapes it.
            Self::Windows if text.contains(['"', '%', '!', '^']) || text.ends_with('\\') => None,
            Self::Windows if has_comment(text) => None,
            Self::Windows => Some(format!("\"{text}\"").into()),
        }
    }
}

/// In single quotes, and without anything that the AWS files' grammar takes for a comment: between a blank and a `#` or
/// `;` the quotes are closed and opened again.
fn single_quoted(text: &str) -> String {
    let mut quoted = String::from("'");
    let mut before = None;
    for c in text.chars() {
        match c {
            '\'' => quoted += "'\\''",
            '#' | ';' if before.is_some_and(char::is_whitespace) => quoted.extend(["''", c.encode_utf8(&mut [0; 4])]),
            c => quoted.push(c),
        }
        before = Some(c);
    }
    quoted + "'"
}

fn has_comment(text: &str) -> bool {
    text.match_indices(['#', ';']).any(|(at, _)| text[..at].ends_with(char::is_whitespace))
}

#[cfg(test)]
mod tests;
