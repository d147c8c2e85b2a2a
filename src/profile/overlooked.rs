//! Sections that somebody may have meant by a name, and that are not that profile: ignored, or of another case.
//!
//! In: a read [`ProfileSet`] and a name. Out: each such section with its place, why it does not count, and how it is
//! written so that it does. For errors and warnings alone; nothing is resolved by it.

use std::collections::hash_map::DefaultHasher;
use std::fmt;
use std::hash::Hasher;
use std::sync::OnceLock;

use super::read::{BLANK, is_identifier};
use super::{Holds, Ignored, Location, Note, ProfileSet, SectionKind, WhichFile};

/// A section that may have been meant. Holds no value.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Overlooked {
    /// Its line.
    pub place: Location,
    /// As between its brackets. It comes from a file: `Display` escapes control characters.
    pub section: String,
    /// Why it does not count; `None` for a profile whose name differs in case.
    pub what: Option<Ignored>,
    /// What stands in it that somebody may miss.
    pub holds: Holds,
    /// What to do.
    remedy: String,
}

impl fmt::Display for Overlooked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: `[{}]` is ", self.place, shown(&self.section))?;
        match self.what {
            Some(what) => write!(f, "{what}")?,
            None => f.write_str("another profile, since upper and lower case differ")?,
        }
        write!(f, ": {}", self.remedy)
    }
}

/// Where such sections are found by their names in lower case, so that a list of all profiles stays linear. Made when
/// first asked.
#[derive(Debug, Default)]
pub(super) struct Index {
    ignored: OnceLock<Vec<Indexed>>,
    profiles: OnceLock<Vec<Indexed>>,
}

/// A hash of a name in lower case, and which note or header it stands in.
type Indexed = (u64, u32);

fn hash(name: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    name.bytes().for_each(|byte| hasher.write_u8(byte.to_ascii_lowercase()));
    hasher.finish()
}

fn sorted(places: impl Iterator<Item = Indexed>) -> Vec<Indexed> {
    let mut places: Vec<Indexed> = places.collect();
    places.sort_unstable();
    places
}

fn found<'p>(places: &'p [Indexed], name: &str) -> impl Iterator<Item = usize> + use<'p> {
    let hash = hash(name);
    let start = places.partition_point(|place| place.0 < hash);
    places[start..].iter().take_while(move |place| place.0 == hash).map(|place| place.1 as usize)
}

/// Ignored sections.
pub(super) fn ignored(set: &ProfileSet, name: &str) -> Vec<Overlooked> {
    let all = || {
        let meant = |(at, note)| Some((hash(meant(&note)?), at));
        sorted((0..).zip(set.notes()).filter_map(meant))
    };
    let is_meant = |note: &Note<'_>| meant(note).is_some_and(|meant| meant.eq_ignore_ascii_case(name));
    let overlooked = |note: Note<'_>| Overlooked {
        remedy: remedy(&note, name, set.origin_of(&note.place)),
        place: note.place,
        section: note.section.to_owned(),
        what: Some(note.what),
        holds: note.holds,
    };
    found(set.alike.ignored.get_or_init(all), name).map(|at| set.note(at)).filter(is_meant).map(overlooked).collect()
}

/// Those, and profiles of another case.
pub(super) fn all(set: &ProfileSet, name: &str) -> Vec<Overlooked> {
    let all = || {
        let names = (0..)
            .zip(&set.all().found.headers)
            .filter(|(_, header)| header.leads && header.kind == SectionKind::Profile);
        let places = names.flat_map(|(at, header)| {
            let name = header.name.text(set.bytes(header.origin));
            [Some((hash(name), at)), behind_kind(name).map(|rest| (hash(rest), at))]
        });
        sorted(places.flatten())
    };
    let is_alike = |known: &&str| {
        *known != name && known.eq_ignore_ascii_case(name)
            || behind_kind(known).is_some_and(|rest| rest.eq_ignore_ascii_case(name))
    };
    let known = |at: usize| {
        let header = &set.all().found.headers[at];
        header.name.text(set.bytes(header.origin))
    };
    let alike = found(set.alike.profiles.get_or_init(all), name).map(known).filter(is_alike);
    ignored(set, name).into_iter().chain(alike.filter_map(|known| of_another_case(set, known, name))).collect()
}

/// `[Profile x]` of the credentials file is a profile of two words.
fn behind_kind(name: &str) -> Option<&str> {
    let (kind, rest) = name.split_once(' ')?;
    kind.eq_ignore_ascii_case("profile").then_some(rest)
}

fn of_another_case(set: &ProfileSet, known: &str, name: &str) -> Option<Overlooked> {
    let profile = set.get(known)?;
    let place = profile.place();
    let better = bracketed(name, set.origin_of(&place));
    let holds = |key| profile.filled(key).is_some();
    Some(Overlooked {
        place,
        section: profile.written().to_owned(),
        what: None,
        holds: Holds { keys: holds("aws_access_key_id"), serial: holds("mfa_serial") },
        remedy: format!("ask for `{}`, or write `{better}`", shown(known)),
    })
}

/// The name of the profile that an ignored section may have been meant for.
fn meant<'a>(note: &Note<'a>) -> Option<&'a str> {
    let section = note.section.trim();
    let behind_kind = || section.split_once(BLANK).map(|(_, rest)| rest.trim());
    match note.what {
        Ignored::NoPrefix => Some(section),
        Ignored::Prefix => behind_kind(),
        // Something like `profile`; `[preview x]` is not.
        Ignored::UnknownKind => {
            let (kind, rest) = section.split_once(BLANK)?;
            let is_like = strsim::damerau_levenshtein(&kind.to_ascii_lowercase(), "profile") <= 2;
            is_like.then(|| rest.trim().trim_matches(['"', '\'']))
        }
        Ignored::IllegalName | Ignored::IllegalQuoted => {
            let name = section.strip_prefix("profile").filter(|rest| rest.starts_with(BLANK)).unwrap_or(section);
            Some(name.trim().trim_matches(['"', '\'']))
        }
        Ignored::OtherDefault => Some("default"),
        Ignored::Misplaced | Ignored::NoName | Ignored::IllegalKey => None,
    }
}

fn remedy(note: &Note<'_>, name: &str, origin: WhichFile) -> String {
    match (note.what, origin) {
        (Ignored::OtherDefault, _) => "put its lines below `[profile default]`".to_owned(),
        (Ignored::IllegalName | Ignored::IllegalQuoted, WhichFile::Credentials) => {
            format!("put its lines below `{}` of the config file", quoted(name))
        }
        (Ignored::IllegalName | Ignored::IllegalQuoted, WhichFile::Config) => format!("write `{}`", quoted(name)),
        (_, origin) => format!("write `{}`", bracketed(name, origin)),
    }
}

/// What would drive a terminal is escaped, and quotes are what they are.
pub(super) fn shown(text: &str) -> String {
    let escaped = |c: char| if matches!(c, '"' | '\'') { c.to_string() } else { c.escape_debug().to_string() };
    text.chars().map(escaped).collect()
}

/// How the section of a profile is written.
fn bracketed(name: &str, origin: WhichFile) -> String {
    match origin {
        WhichFile::Credentials => format!("[{name}]"),
        WhichFile::Config if name == "default" => "[default]".to_owned(),
        WhichFile::Config if is_identifier(name) => format!("[profile {name}]"),
        WhichFile::Config => quoted(name),
    }
}

fn quoted(name: &str) -> String {
    format!("[profile \"{}\"]", name.replace('\\', "\\\\").replace('"', "\\\""))
}
