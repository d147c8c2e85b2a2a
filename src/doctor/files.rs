//! The AWS files, our settings, our state folder, and what other tools leave behind.

use std::fs;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde_json::Value;

use super::facts::Disk;
use super::reading::{self, quoted};
use super::{Facts, Finding};
use crate::disk::trust::{Distrust, distrust};
use crate::host;
use crate::messages::{ours, with_causes};
use crate::os::files::{self, is_readable_by_others};
use crate::profile::{Differs, Location, Presence, Profile, ProfileError, ProfileSet};
use crate::state::{Folder, FolderError};

/// The number of files to read in another tool's cache.
const MOST: usize = 200;

/// `config.ini`, and our variables.
pub(super) fn settings(facts: &Facts) -> Finding {
    if let Some(fault) = &facts.settings {
        let file = facts.config.as_ref().map(|folder| folder.join("mfa-cred").join("config.ini"));
        let unread = file.filter(|file| !reading::is_readable(file)).map(|file| reading::repair(&file));
        let correct = || "correct it; until then, every other command fails".to_owned();
        let repair = fault.repair.clone().or(unread).unwrap_or_else(correct);
        return Finding::fail(&fault.what, repair).at(fault.place.as_ref());
    }
    match facts.config.as_ref().map(|folder| folder.join("mfa-cred").join("config.ini")) {
        Some(file) if file.exists() => Finding::pass(format!("{} can be read", file.display())),
        _ => Finding::pass("no config.ini: the defaults apply"),
    }
}

/// `~/.aws/config`
pub(super) fn config(facts: &Facts) -> Finding {
    file(&facts.config_file, ProfileSet::load(&Disk, &facts.config_file, Path::new("")), 0)
}

/// `~/.aws/credentials`
pub(super) fn credentials(facts: &Facts) -> Finding {
    let files = [&facts.config_file, &facts.credentials_file];
    if files.iter().all(|file| !reading::is_readable(file)) && reading::repair(files[0]) == reading::repair(files[1]) {
        return Finding::skipped("it cannot be read for the same reason as the config file");
    }
    file(&facts.credentials_file, ProfileSet::load(&Disk, Path::new(""), &facts.credentials_file), 1)
}

/// Reads one of the two files separately.
fn file(path: &Path, read: Result<ProfileSet, ProfileError>, at: usize) -> Finding {
    let shown = path.display();
    match read {
        Err(error) => unreadable(&error),
        Ok(set) if set.sources()[at].1 == Presence::Missing => Finding::skipped(format!("{shown} does not exist")),
        Ok(set) => Finding::pass(match set.names().count() {
            1 => format!("{shown}: 1 profile"),
            several => format!("{shown}: {several} profiles"),
        }),
    }
}

fn unreadable(error: &ProfileError) -> Finding {
    let (place, repair): (Option<&Location>, _) = match error {
        ProfileError::Unreadable { path, .. } => return Finding::fail(with_causes(error), reading::repair(path)),
        ProfileError::TooLarge { .. } => (None, "split it: `AWS_CONFIG_FILE` names the part to use"),
        ProfileError::NotUtf8 { place } => (Some(place), "save the file as UTF-8"),
        ProfileError::Malformed { place, .. } => {
            (Some(place), "correct or remove the line: the SDKs reject the whole file because of it")
        }
    };
    Finding::fail(with_causes(error), repair).at(place)
}

/// Who can write to the AWS files, and who can read a key in them.
pub(super) fn modes(facts: &Facts) -> Finding {
    // One that cannot be read is reported by its own check.
    let all = [&facts.config_file, &facts.credentials_file];
    let files: Vec<&PathBuf> = all.into_iter().filter(|file| reading::is_readable(file)).collect();
    if let Some(why) = files.iter().copied().find_map(|file| distrust(file)) {
        let (Distrust::Foreign { path, .. } | Distrust::Open { path }) = &why;
        let quoted = quoted(path);
        let repair = match why {
            Distrust::Foreign { .. } => format!("`sudo chown \"$(id -u)\" {quoted}`"),
            Distrust::Open { .. } => format!("`chmod go-w {quoted}`"),
        };
        return Finding::fail(format!("{why}, who could choose which programs run"), repair);
    }
    let holds_key = |file: &Path| {
        let set = facts.profiles().ok();
        let is_there = |set: &ProfileSet| {
            let mut secrets = set.profiles().filter_map(|profile| profile.get("aws_secret_access_key"));
            secrets.any(|secret| &*secret.place().file == file)
        };
        set.is_some_and(is_there)
    };
    let is_exposed =
        |file: &&PathBuf| is_readable_by_others(file) && (**file == facts.credentials_file || holds_key(file));
    match files.into_iter().find(is_exposed) {
        Some(file) => Finding::warn(
            format!("{} can be read by other users of this machine", file.display()),
            format!("`chmod 600 {}`", quoted(file)),
        ),
        None => Finding::pass("no one else can write to the AWS files or read the keys in them"),
    }
}

/// Lines that other tools read differently.
pub(super) fn differences(facts: &Facts) -> Finding {
    let Ok(set) = facts.profiles() else { return Finding::skipped("the AWS files cannot be read") };
    let all = set.differences();
    let Some(first) = all.first() else {
        return Finding::pass("the AWS CLI and the SDKs read these files the same way");
    };
    let what = format!("{first}{}", and_more(all.len()));
    Finding::warn(what, written_alike(first.what)).at(Some(&first.place))
}

fn and_more(count: usize) -> String {
    match count {
        0 | 1 => String::new(),
        2 => " (and one more)".to_owned(),
        several => format!(" (and {} more)", several - 1),
    }
}

fn written_alike(what: Differs) -> &'static str {
    match what {
        Differs::InlineComment => "put the comment on a separate line",
        Differs::IndentedComment => "remove the comment, or put it above the key",
        Differs::EmptyLine => "remove the empty line",
        Differs::ColonInKey => "rename the key",
        Differs::RepeatedKey => "keep one of the two lines",
        Differs::RepeatedSection | Differs::RespelledSection => "merge the two sections",
        Differs::SpaceInBrackets => "remove the space",
        Differs::LendingDefault => "rename the section",
        Differs::QuotedName | Differs::MarkInQuotedName | Differs::SpaceInName => {
            "rename the profile to one word of letters, digits and `-_.`"
        }
        Differs::Indented => "start the line in the first column",
        Differs::ByteOrderMark => "save the file without a byte order mark",
    }
}

/// Sections and keys that are ignored.
pub(super) fn ignored(facts: &Facts) -> Finding {
    let Ok(set) = facts.profiles() else { return Finding::skipped("the AWS files cannot be read") };
    let all: Vec<_> = set.notes().collect();
    let Some(first) = all.first() else { return Finding::pass("no section or key is ignored") };
    let what = format!("{first}{}", and_more(all.len()));
    Finding::warn(what, "correct it, or remove it").at(Some(&first.place))
}

/// Live credentials of other tools, in plain text.
pub(super) fn caches(facts: &Facts) -> Finding {
    let Some(home) = &facts.home else { return Finding::skipped("the home folder is unknown") };
    let caches = [
        ("the AWS CLI", home.join(".aws/cli/cache")),
        ("AWSume", home.join(".awsume/cache")),
        ("saml2aws", home.join(".aws/saml2aws")),
    ];
    for (tool, folder) in caches {
        let live = fs::read_dir(&folder).into_iter().flatten().flatten().take(MOST);
        let count = live.filter(|file| is_live(&file.path(), facts.now)).count();
        if count > 0 {
            let files = if count == 1 { "a file" } else { "files" };
            return Finding::warn(
                format!("{tool} keeps credentials in plain text, in {files} of {}", folder.display()),
                format!("`rm -r {}` removes them; a profile with `credential_process` stores none", quoted(&folder)),
            );
        }
    }
    match session_in_clear(facts) {
        Some(finding) => finding,
        None => Finding::pass("no other tool keeps live credentials in plain text"),
    }
}

/// Does it contain credentials that have not expired? Without an expiration, they count as valid.
fn is_live(file: &Path, now: Timestamp) -> bool {
    let Ok(text) = host::read_regular(file) else { return false };
    let Ok(value) = serde_json::from_slice::<Value>(text.expose()) else { return true };
    let ends = [&value["Credentials"]["Expiration"], &value["Expiration"], &value["expiration"]];
    match ends.into_iter().find_map(Value::as_str) {
        Some(end) => crate::names::moment(end).is_none_or(|end| end > now),
        None => value.pointer("/Credentials/SecretAccessKey").is_some() || value.get("SecretAccessKey").is_some(),
    }
}

/// The tokens that `aws sso login` leaves in plain text, and the secrets of its registrations. That they are there is how
/// SSO works; that others can read them is not.
pub(super) fn sso_tokens(facts: &Facts) -> Finding {
    let Some(home) = &facts.home else { return Finding::skipped("no home folder is known") };
    let folder = home.join(".aws/sso/cache");
    let files = fs::read_dir(&folder).into_iter().flatten().flatten().take(MOST).map(|file| file.path());
    let (mut exposed, mut live, mut expired) = (None, 0, 0);
    for file in files {
        let Ok(text) = host::read_regular(&file) else { continue };
        let Ok(value) = serde_json::from_slice::<Value>(text.expose()) else { continue };
        let has = |name: &str| value.get(name).is_some_and(Value::is_string);
        if !has("accessToken") && !has("refreshToken") && !has("clientSecret") {
            continue;
        }
        let end = value["expiresAt"].as_str().and_then(crate::names::moment);
        let is_over = end.is_some_and(|end| end <= facts.now);
        if has("accessToken") {
            *(if is_over { &mut expired } else { &mut live }) += 1;
        }
        // A refresh token outlives the access token, and a registration lives for months.
        let is_of_use = !is_over || has("refreshToken");
        if is_of_use && is_readable_by_others(&file) {
            exposed.get_or_insert(file);
        }
    }
    if let Some(file) = exposed {
        return Finding::warn(
            format!("{} holds an SSO token or secret, and other users of this machine can read it", file.display()),
            format!("`chmod 600 {}`", quoted(&file)),
        );
    }
    let many = |count: u32| if count == 1 { "1 SSO token".to_owned() } else { format!("{count} SSO tokens") };
    Finding::pass(match (live, expired) {
        (0, 0) => "no SSO token is stored".to_owned(),
        (0, expired) => format!("{} in {}, expired: `aws sso login` renews", many(expired), folder.display()),
        (live, _) => format!("{} in {}, in plain text; nobody else can read there", many(live), folder.display()),
    })
}

/// A session that a tool wrote into the credentials file.
fn session_in_clear(facts: &Facts) -> Option<Finding> {
    let set = facts.profiles().ok()?;
    let is_live = |profile: &Profile<'_>| {
        let end = profile.expirations().find_map(|end| crate::names::moment(&end.value()));
        profile.session_token().is_some() && end.is_none_or(|end| end > facts.now)
    };
    let profile = set.profiles().find(is_live)?;
    let place = profile.session_token()?.place();
    let what = format!("profile `{}` holds a session's credentials in plain text", profile.name());
    Some(
        Finding::warn(what, "remove its keys once they have expired; a cached session is sealed here").at(Some(&place)),
    )
}

/// Checks the state folder without creating or repairing it.
pub(super) fn state(facts: &Facts) -> Finding {
    if facts.is_homeless() {
        let Some(home) = &facts.home else { return Finding::skipped("the home folder is unknown") };
        return Finding::fail(
            format!("the home folder {} does not exist", home.display()),
            "set `HOME` to your home folder",
        );
    }
    match Folder::look(facts.state.as_deref()) {
        Ok(Some(folder)) if !files::may_write_in(folder.path()) => Finding::fail(
            format!("{} is not writable, so nothing is cached", folder.path().display()),
            format!("`chmod u+rwx {}`, or free or remount its file system", quoted(folder.path())),
        ),
        Ok(Some(folder)) => Finding::pass(format!("{} is private to you", folder.path().display())),
        Ok(None) => missing_state(facts.state.as_deref().unwrap_or(Path::new(""))),
        Err(error @ FolderError::Touched { .. }) => {
            Finding::warn(error.to_string(), "the next command sets it aside and creates a new one; then sign in again")
        }
        Err(error) => {
            let repair = match &error {
                FolderError::Nowhere => "set HOME".to_owned(),
                FolderError::NotAFolder { path } | FolderError::Unusable { path, .. } => {
                    format!("`mv {0} {0}.old`: the next command creates a new one", quoted(path))
                }
                FolderError::Foreign { path, .. } | FolderError::Touched { path, .. } => {
                    format!("`sudo chown -R \"$(id -u)\" {}`", quoted(path))
                }
            };
            Finding::fail(with_causes(&error), repair)
        }
    }
}

/// A folder that will be created when it is first needed.
fn missing_state(path: &Path) -> Finding {
    let there = path.ancestors().find(|folder| folder.exists());
    match there.filter(|folder| !files::may_write_in(folder)) {
        None => Finding::pass(format!("{} will be created when it is first needed", path.display())),
        Some(folder) => Finding::fail(
            format!("{} cannot be created, because {} is not writable", path.display(), folder.display()),
            format!("`chmod u+rwx {}`, or free or remount its file system", quoted(folder)),
        ),
    }
}

/// Entries that a newer version wrote and this one cannot read.
pub(super) fn format(facts: &Facts) -> Finding {
    match Folder::look(facts.state.as_deref()) {
        Ok(Some(folder)) => match folder.entries_of_other_formats() {
            0 => Finding::pass("every cached entry has this version's format"),
            count => Finding::warn(
                match count {
                    1 => "a cached entry has another version's format, and is not used".to_owned(),
                    count => format!("{count} cached entries have another version's format, and are not used"),
                },
                format!("use only one version; {} forgets all entries", ours("clear --all", None)),
            ),
        },
        Ok(None) => Finding::skipped("nothing is cached yet"),
        Err(_) => Finding::skipped("the state folder cannot be used"),
    }
}
