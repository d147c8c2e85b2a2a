//! Sections that somebody may have meant by a name, although they are not that profile: they are ignored, differ in
//! case, or have the word `profile` as part of their name.
//!
//! In: a [`ProfileSet`] and a name. Out: each such section with its place, why it does not count, and how to write it
//! so that it does. For errors and warnings only; nothing is resolved with it.

use std::collections::hash_map::DefaultHasher;
use std::fmt;
use std::hash::Hasher;
use std::sync::OnceLock;

use super::read::{BLANK, is_identifier};
use super::{Holds, Ignored, Location, Note, ProfileSet, SectionKind, WhichFile};

/// Why such a section is not the profile.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Why {
    /// It is not a profile at all.
    Ignored(Ignored),
    /// `[profile X]` is not `x`.
    OtherCase,
    /// `[Profile x]` of the credentials file is `Profile x`.
    WholeName,
}

/// A section that may have been meant. Contains no value.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Overlooked {
    /// Its line.
    pub place: Location,
    /// The section as written between its brackets. It comes from a file: `Display` escapes control characters.
    pub section: String,
    why: Why,
    /// The keys in it that somebody may miss.
    pub holds: Holds,
    /// What to do.
    remedy: String,
}

impl Overlooked {
    /// Is it not a profile at all, rather than just another one?
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

/// Finds such sections by their lowercase names, so that a list of all profiles takes linear time. Built on first use.
#[derive(Debug, Default)]
pub(super) struct Index {
    ignored: OnceLock<Vec<Indexed>>,
    profiles: OnceLock<Vec<Indexed>>,
}

/// A hash of a lowercase name, and the index of the note or header that has it.
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

/// An ignored section that may have been meant to be a profile: a particular one, or any.
fn overlooked(set: &ProfileSet, note: Note<'_>, name: Option<&str>) -> Option<Overlooked> {
    let is_it = |meant: &&str| name.is_none_or(|name| meant.eq_ignore_ascii_case(name));
    // `[profilex]` means the profile `x` rather than `profilex`.
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

/// Like [`ignored`], plus profiles whose names differ in case.
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

/// `[Profile x]` of the credentials file is a profile with a name of two words.
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

/// The names of the profiles that an ignored section may have been meant to be.
fn meant<'a>(note: &Note<'a>) -> [Option<&'a str>; 2] {
    let section = note.section.trim();
    let after_kind = || section.split_once(BLANK).map(|(_, rest)| rest.trim().trim_matches(['"', '\'']));
    let one = match note.what {
        Ignored::NoPrefix => return [Some(section), after_glued(section)],
        Ignored::Prefix | Ignored::AlmostProfile => after_kind(),
        // `[SSO-Session x]` is not.
        Ignored::KindInCapitals => after_kind().filter(|_| after_glued(section).is_some()),
        // Something similar to `profile`; not `[preview x]`.
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

/// How to make the lines of an ignored section, which was meant to be the profile `meant`, count for `name`.
fn remedy(set: &ProfileSet, note: &Note<'_>, meant: &str, name: &str) -> String {
    let origin = set.origin_of(&note.place);
    let is_illegal = matches!(note.what, Ignored::IllegalName | Ignored::IllegalQuoted);
    // If two names differ in case, the one that exists.
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

/// How lines in that file become part of the profile. A section that exists is not written a second time: the AWS CLI
/// would refuse the file.
fn written_as(set: &ProfileSet, name: &str, origin: WhichFile) -> String {
    match set.get(name).and_then(|profile| profile.header_in(origin)) {
        Some(there) => format!("move its lines to `[{}]`", shown(there)),
        None => format!("write `{}`", bracketed(name, origin)),
    }
}

/// Control characters are escaped; quotes stay as they are.
pub(super) fn shown(text: &str) -> String {
    let escaped = |c: char| if matches!(c, '"' | '\'') { c.to_string() } else { c.escape_debug().to_string() };
    text.chars().map(escaped).collect()
}

/// How to write the header of a profile.
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
