//! Profiles for the accounts and roles that a person may use with an SSO session.
//!
//! In: what IAM Identity Center gives, and a [`Draft`] of the AWS files. Out: the draft with a section for each role.
//! Pure.
//!
//! A name is made of a prefix, the account's name and the role, in characters that every shell and tool takes. A section
//! that is there keeps its name, whatever the account is called today: scripts use it.

use std::collections::{BTreeMap, BTreeSet};

use super::WireError;
use crate::names::digest::digest_name;
use crate::names::{ProfileName, Region};
use crate::plan::SsoRole;
use crate::profile::ProfileSet;
use crate::profile::edit::{Draft, Writer, Written, place_of_others, written};
use crate::secret::Secret;
use crate::sso::portal::Account;

/// The longest part of a name that an account's name makes up, in characters: AWS's own limit.
const LONGEST: usize = 50;
/// How many digits tell two roles apart whose names differ in other characters only.
const DIGITS: usize = 8;

/// A role that a person may use in an account.
pub type Assigned = (Account, String);

/// How profiles are written.
#[derive(Clone, Copy, Debug)]
pub struct Naming<'a> {
    /// The SSO session's name.
    pub session: &'a str,
    /// What names start with, if the person has chosen that.
    pub prefix: Option<&'a str>,
    /// The region of every profile, if the person has chosen one.
    pub region: Option<&'a Region>,
    /// The region of a new profile otherwise.
    pub usual_region: &'a Region,
}

/// What became of a role's profile.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum State {
    /// It is added.
    New,
    /// It gets another name or region.
    Changed,
    /// It is there already.
    Present,
}

/// A role and its profile.
#[derive(Clone, Debug)]
pub struct Row {
    /// The profile.
    pub profile: ProfileName,
    /// The role.
    pub assigned: Assigned,
    /// What became of it.
    pub state: State,
}

/// A section of ours for a role that the person may no longer use.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Gone {
    /// The profile.
    pub profile: ProfileName,
    /// `sso_account_id`
    pub account: String,
    /// `sso_role_name`
    pub role: String,
}

/// The sections that were written for a session.
pub fn of_session(set: &ProfileSet, session: &str) -> Vec<ProfileName> {
    written(set, Writer::WireSso).into_iter().filter(|it| it.of == session).map(|it| it.name).collect()
}

impl Naming<'_> {
    /// Adds a section for each role that has none, and gives those that have one the chosen prefix and region.
    ///
    /// # Errors
    /// [`WireError::Taken`] if the user has every name that a role could have, and [`WireError::Edit`] if a section
    /// cannot be written.
    pub fn add(&self, all: &[Account], roles: &[Assigned], draft: &mut Draft) -> Result<Vec<Row>, WireError> {
        let existing = existing(draft.set(), self.session);
        let profile_of = |(account, role): &Assigned| existing.get(&(account.id.as_str().to_owned(), role.clone()));
        let keeps_name = |profile: &&ProfileName| {
            let is_chosen = self.prefix.is_none_or(|prefix| profile.as_str().starts_with(prefix));
            is_chosen || place_of_others(draft.set(), Writer::WireSso, profile).is_some()
        };
        let kept: Vec<Option<ProfileName>> =
            roles.iter().map(|role| profile_of(role).filter(keeps_name).cloned()).collect();
        let named: Vec<&Assigned> =
            roles.iter().zip(&kept).filter(|(_, kept)| kept.is_none()).map(|(role, _)| role).collect();
        let mut names = self.names(all, &named, draft.set())?.into_iter();
        let mut rows = Vec::with_capacity(roles.len());
        for (assigned, kept) in roles.iter().zip(kept) {
            let row = |profile, state| Row { profile, assigned: assigned.clone(), state };
            if let Some(profile) = kept {
                let is_changed = self.set_region(&profile, draft)?;
                rows.push(row(profile, if is_changed { State::Changed } else { State::Present }));
                continue;
            }
            let profile = names.next().expect("each role without a profile has got a name");
            let old = profile_of(assigned);
            let region =
                old.and_then(|old| Some(draft.set().get(old.as_str())?.filled("region")?.value().into_owned()));
            if let Some(old) = old {
                draft.remove_section(Writer::WireSso, old)?;
            }
            self.write(&profile, assigned, region, draft)?;
            rows.push(row(profile, if old.is_some() { State::Changed } else { State::New }));
        }
        Ok(rows)
    }

    fn write(
        &self,
        profile: &ProfileName,
        (account, role): &Assigned,
        region: Option<String>,
        draft: &mut Draft,
    ) -> Result<(), WireError> {
        let chosen = self.region.map(|region| region.as_str().to_owned());
        let region = chosen.or(region).unwrap_or_else(|| self.usual_region.as_str().to_owned());
        let lines = [
            ("sso_session", Secret::from(self.session)),
            ("sso_account_id", Secret::from(account.id.as_str())),
            ("sso_role_name", Secret::from(role.as_str())),
            ("region", Secret::new(region)),
        ];
        let section = Written { name: profile.clone(), of: self.session.to_owned() };
        Ok(draft.write_section(Writer::WireSso, &section, &lines)?)
    }

    /// Gives a section the chosen region. Did it have another one?
    fn set_region(&self, profile: &ProfileName, draft: &mut Draft) -> Result<bool, WireError> {
        let Some(region) = self.region else { return Ok(false) };
        let is_its = |set: &ProfileSet| {
            let section = set.get(profile.as_str());
            section.and_then(|it| it.filled("region")).is_some_and(|it| it.value() == region.as_str())
        };
        // What the user has added to is the user's.
        if is_its(draft.set()) || place_of_others(draft.set(), Writer::WireSso, profile).is_some() {
            return Ok(false);
        }
        draft.set_key(profile.as_str(), "region", region.as_str())?;
        Ok(true)
    }

    /// A name for each of these roles, none of which is in use. Of accounts with the same name, each is told by its ID.
    fn names(&self, all: &[Account], roles: &[&Assigned], set: &ProfileSet) -> Result<Vec<ProfileName>, WireError> {
        let mut known: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
        for account in all {
            known.entry(slug(&account.name).to_lowercase()).or_default().insert(account.id.as_str());
        }
        let is_ambiguous =
            |account: &Account| known.get(&slug(&account.name).to_lowercase()).is_some_and(|it| it.len() > 1);
        let mut detail: Vec<Detail> = roles
            .iter()
            .map(|(account, _)| if is_ambiguous(account) { Detail::AccountId } else { Detail::Names })
            .collect();
        let taken: BTreeSet<String> = set.names().map(str::to_lowercase).collect();
        loop {
            let names: Vec<String> =
                roles.iter().zip(&detail).map(|(assigned, detail)| self.name(assigned, *detail)).collect();
            let mut count: BTreeMap<String, usize> = BTreeMap::new();
            for name in &names {
                *count.entry(name.to_lowercase()).or_default() += 1;
            }
            let is_free = |name: &String| {
                let name = name.to_lowercase();
                count.get(&name) == Some(&1) && !taken.contains(&name)
            };
            let mut is_done = true;
            for (detail, name) in detail.iter_mut().zip(&names).filter(|(_, name)| !is_free(name)) {
                match detail.more() {
                    Some(more) => *detail = more,
                    None => return Err(taken_by_others(name, set)),
                }
                is_done = false;
            }
            if is_done {
                return Ok(names.into_iter().filter_map(ProfileName::new).collect());
            }
        }
    }

    fn name(&self, (account, role): &Assigned, detail: Detail) -> String {
        let prefix = self.prefix.map_or_else(|| usual_prefix(self.session), str::to_owned);
        let (slugged, id) = (slug(&account.name), account.id.as_str());
        let account = match (slugged.as_str(), detail) {
            ("", _) => id.to_owned(),
            (name, Detail::Names) => name.to_owned(),
            (name, _) => format!("{name}-{id}"),
        };
        let name = format!("{prefix}{account}-{}", slug(role));
        if detail == Detail::Digest { format!("{name}-{}", &digest_name(role)[..DIGITS]) } else { name }
    }
}

/// The error for a role that gets no name.
fn taken_by_others(name: &str, set: &ProfileSet) -> WireError {
    let name = ProfileName::new(name).expect("it has a dash at least");
    match place_of_others(set, Writer::WireSso, &name) {
        Some(place) => WireError::Occupied { name, place },
        None => WireError::NoName(name),
    }
}

/// What tells a role's profile from others.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Detail {
    /// The names of account and role.
    Names,
    /// The account's ID as well.
    AccountId,
    /// A digest of the role's name as well, some of whose characters no profile's name has.
    Digest,
}

impl Detail {
    fn more(self) -> Option<Self> {
        match self {
            Self::Names => Some(Self::AccountId),
            Self::AccountId => Some(Self::Digest),
            Self::Digest => None,
        }
    }
}

/// The sections of ours for roles that are no longer among `roles`. Of accounts that are not in `fetched`, nothing is
/// known if they are in `all`.
pub fn gone(
    set: &ProfileSet,
    session: &str,
    (all, fetched, roles): (&[Account], &[Account], &[Assigned]),
) -> Vec<Gone> {
    let is_in = |accounts: &[Account], id: &str| accounts.iter().any(|account| account.id.as_str() == id);
    let is_assigned = |id: &str, role: &str| roles.iter().any(|(account, it)| account.id.as_str() == id && it == role);
    let sections = existing(set, session).into_iter();
    let is_gone = |(id, role): &(String, String)| !is_in(all, id) || is_in(fetched, id) && !is_assigned(id, role);
    let gone = sections.filter(|(key, _)| is_gone(key));
    gone.map(|((account, role), profile)| Gone { profile, account, role }).collect()
}

/// Can this role be named in a profile?
pub fn is_usable(assigned: &Assigned) -> bool {
    SsoRole::is_name(&assigned.1)
}

/// Our sections for a session, by account and role.
fn existing(set: &ProfileSet, session: &str) -> BTreeMap<(String, String), ProfileName> {
    let mut known = BTreeMap::new();
    for name in of_session(set, session) {
        let Some(section) = set.get(name.as_str()) else { continue };
        let text = |key| section.filled(key).map(|property| property.value().into_owned());
        if let (Some(account), Some(role)) = (text("sso_account_id"), text("sso_role_name")) {
            known.entry((account, role)).or_insert(name);
        }
    }
    known
}

/// The prefix of names unless the person chose one.
fn usual_prefix(session: &str) -> String {
    match slug(session) {
        name if name.is_empty() => "sso-".to_owned(),
        name => name + "-",
    }
}

/// The text in characters that need no quotes anywhere: runs of others become a dash.
fn slug(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_.@+".contains(c);
    let mut slug = String::new();
    for c in text.chars().map(|c| if is_plain(c) { c } else { '-' }) {
        if c != '-' || !slug.ends_with('-') {
            slug.push(c);
        }
    }
    let whole = slug.trim_matches('-');
    whole.chars().take(LONGEST).collect::<String>().trim_end_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_readable_and_needs_no_quotes() {
        for (text, name) in [
            ("Production", "Production"),
            ("My Company (EU)", "My-Company-EU"),
            ("a \"b\" 'c' [d] #e ;f", "a-b-c-d-e-f"),
            ("line\r\n[profile x]", "line-profile-x"),
            ("  $(touch x) `id` ", "touch-x-id"),
            ("-rf", "rf"),
            ("日本", ""),
            ("caf\u{e9} \u{202e}txt", "caf-txt"),
            (&"x y".repeat(40), &"x-y".repeat(40)[..LONGEST]),
        ] {
            assert_eq!(slug(text), name.trim_end_matches('-'), "{text:?}");
        }
        assert_eq!((usual_prefix("my corp"), usual_prefix("日本")), ("my-corp-".to_owned(), "sso-".to_owned()));
    }
}
