//! Sections that somebody may have meant by a name, and that are not that profile: ignored, of another case, or with the
//! word `profile` as a part of the name.
//!
//! In: a read [`ProfileSet`] and a name. Out: each such section with its place, why it does not count, and how it is
//! written so that it does. For errors and warnings alone; nothing is resolved by it.

use std::collections::hash_map::DefaultHasher;
use std::fmt;
use std::hash::Hasher;
use std::sync::OnceLock;

use super::read::{BLANK, is_identifier};
use super::{Holds, Ignored, Location, Note, ProfileSet, SectionKind, WhichFile};

/// Why such a section is not the profile.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Why {
    /// It is no profile at all.
    Ignored(Ignored),
    /// `[profile X]` is not `x`.
    OtherCase,
    /// `[Profile x]` of the credentials file is `Profile x`.
    WholeName,
}

/// A section that may have been meant. Holds no value.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Overlooked {
    /// Its line.
    pub place: Location,
    /// As between its brackets. It comes from a file: `Display` escapes control characters.
    pub section: String,
    /// Why it does not count.
    why: Why,
    /// What stands in it that somebody may miss.
    pub holds: Holds,
    /// What to do.
    remedy: String,
}

impl Overlooked {
    /// Is it no profile at all, and not just another one?
    pub fn is_ignored(&self) -> bool {
        matches!(self.why, Why::Ignored(_))
    }
}

impl fmt::Display for Overlooked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: `[{}]` is ", self.place, shown(&self.section))?;
        match self.why {
            Why::Ignored(what) => write!(f, "{what}")?,
            Why::OtherCase => f.write_str("a different profile, because names are case-sensitive")?,
            Why::WholeName => f.write_str("a profile with exactly that name")?,
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
        let of_note = |(at, note): (u32, Note<'_>)| meant(&note).map(|name| Some((hash(name?), at)));
        sorted((0..).zip(set.notes()).flat_map(of_note).flatten())
    };
    found(set.alike.ignored.get_or_init(all), name).filter_map(|at| overlooked(set, set.note(at), Some(name))).collect()
}

/// An ignored section that may have been meant for a profile: that one, or any.
fn overlooked(set: &ProfileSet, note: Note<'_>, name: Option<&str>) -> Option<Overlooked> {
    let is_it = |meant: &&str| name.is_none_or(|name| meant.eq_ignore_ascii_case(name));
    // `[profilex]` is the profile `x` rather than `profilex`.
    let meant = meant(&note).into_iter().flatten().rfind(is_it)?;
    Some(Overlooked {
        remedy: remedy(set, &note, meant, name.unwrap_or(meant)),
        place: note.place,
        section: note.section.to_owned(),
        why: Why::Ignored(note.what),
        holds: note.holds,
    })
}

/// All ignored sections that were meant to be profiles.
pub(super) fn meant_as_profiles(set: &ProfileSet) -> impl Iterator<Item = Overlooked> {
    set.notes().filter_map(|note| overlooked(set, note, None))
}

/// Those, and profiles of another case.
pub(super) fn all(set: &ProfileSet, name: &str) -> Vec<Overlooked> {
    let all = || {
        let names = (0..)
            .zip(&set.all().found.headers)
            .filter(|(_, header)| header.leads && header.kind == SectionKind::Profile);
        let places = names.flat_map(|(at, header)| {
            let name = header.name.text(set.bytes(header.origin));
            [Some((hash(name), at)), after_kind(name).map(|rest| (hash(rest), at))]
        });
        sorted(places.flatten())
    };
    let is_alike = |known: &&str| {
        *known != name && known.eq_ignore_ascii_case(name)
            || after_kind(known).is_some_and(|rest| rest.eq_ignore_ascii_case(name))
    };
    let known = |at: usize| {
        let header = &set.all().found.headers[at];
        header.name.text(set.bytes(header.origin))
    };
    let alike = found(set.alike.profiles.get_or_init(all), name).map(known).filter(is_alike);
    ignored(set, name).into_iter().chain(alike.filter_map(|known| of_another_case(set, known, name))).collect()
}

/// `[Profile x]` of the credentials file is a profile of two words.
fn after_kind(name: &str) -> Option<&str> {
    let (kind, rest) = name.split_once(' ')?;
    kind.eq_ignore_ascii_case("profile").then_some(rest)
}

fn of_another_case(set: &ProfileSet, known: &str, name: &str) -> Option<Overlooked> {
    let profile = set.get(known)?;
    let place = profile.place();
    let better = written_as(set, name, set.origin_of(&place));
    let holds = |key| profile.filled(key).is_some();
    Some(Overlooked {
        place,
        section: profile.written().to_owned(),
        why: if known.eq_ignore_ascii_case(name) { Why::OtherCase } else { Why::WholeName },
        holds: Holds { keys: holds("aws_access_key_id"), serial: holds("mfa_serial") },
        remedy: format!("use `{}`, or {better}", shown(known)),
    })
}

/// The names of the profiles that an ignored section may have been meant for.
fn meant<'a>(note: &Note<'a>) -> [Option<&'a str>; 2] {
    let section = note.section.trim();
    let after_kind = || section.split_once(BLANK).map(|(_, rest)| rest.trim().trim_matches(['"', '\'']));
    let one = match note.what {
        Ignored::NoPrefix => return [Some(section), after_glued(section)],
        Ignored::Prefix | Ignored::AlmostProfile => after_kind(),
        // `[SSO-Session x]` is not.
        Ignored::KindInCapitals => after_kind().filter(|_| after_glued(section).is_some()),
        // Something like `profile`; `[preview x]` is not.
        Ignored::UnknownKind => {
            let kind = section.split(BLANK).next().unwrap_or_default().to_ascii_lowercase();
            let is_like = "profile".starts_with(&kind) || strsim::damerau_levenshtein(&kind, "profile") <= 2;
            after_kind().filter(|_| is_like)
        }
        Ignored::IllegalName | Ignored::IllegalQuoted => {
            let name = section.strip_prefix("profile").filter(|rest| rest.starts_with(BLANK)).unwrap_or(section);
            Some(name.trim().trim_matches(['"', '\'']))
        }
        Ignored::OtherDefault => Some("default"),
        Ignored::Misplaced | Ignored::NoName | Ignored::IllegalKey => None,
    };
    [one, None]
}

/// The `x` of `[profilex]`, `[profile-x]` and `[Profile:x]`.
fn after_glued(section: &str) -> Option<&str> {
    const KIND: &str = "profile";
    let is_glued = section.get(..KIND.len()).is_some_and(|kind| kind.eq_ignore_ascii_case(KIND));
    let rest = section.get(KIND.len()..).filter(|_| is_glued)?;
    let name = rest.trim_start_matches(['-', '_', ':', '.', '/', '=', ',']).trim_matches(['"', '\'']);
    (!name.is_empty()).then_some(name)
}

/// How the lines of an ignored section, which was meant for the profile `meant`, come to count for `name`.
fn remedy(set: &ProfileSet, note: &Note<'_>, meant: &str, name: &str) -> String {
    let origin = set.origin_of(&note.place);
    let is_illegal = matches!(note.what, Ignored::IllegalName | Ignored::IllegalQuoted);
    // Of two names that differ in case, the one that is there.
    let (name, ask) = match set.get(meant) {
        Some(_) if meant != name => (meant, format!(", and use `{}`", shown(meant))),
        _ => (name, String::new()),
    };
    let better = match origin {
        WhichFile::Credentials if is_illegal => format!("move its lines to `{}` in the config file", quoted(name)),
        _ => written_as(set, name, origin),
    };
    better + &ask
}

/// How lines in that file come to be the profile's. A section that is there is not written a second time: the AWS CLI would
/// refuse the file.
fn written_as(set: &ProfileSet, name: &str, origin: WhichFile) -> String {
    match set.get(name).and_then(|profile| profile.header_in(origin)) {
        Some(there) => format!("move its lines to `[{}]`", shown(there)),
        None => format!("write `{}`", bracketed(name, origin)),
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
