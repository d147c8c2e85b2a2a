//! Lines of the AWS files that the AWS CLI or the SDKs read differently from this program.
//!
//! In: a [`ProfileSet`]. Out: a list for `show` and `doctor`. Nothing else depends on it, so it is computed only on
//! demand. The AWS CLI reads the files with Python's `configparser` and botocore's `configloader`; its behavior
//! described here was observed in botocore 1.43. Nothing here contains a value, since it may be a secret.

use std::borrow::Cow;
use std::collections::hash_map::Entry as Slot;
use std::collections::{HashMap, HashSet};
use std::fmt;

use super::overlooked::shown;
use super::read::{self, Header};
use super::{Ignored, Location, ProfileSet, Property, SectionKind, WhichFile};

/// How a line is read differently.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Differs {
    /// `region = eu-west-1 # home`
    #[error("the AWS CLI takes the comment as part of the value")]
    InlineComment,
    /// An indented `# comment` between continuation lines.
    #[error("an indented comment is part of the value here and in the SDKs, but the AWS CLI drops it")]
    IndentedComment,
    /// An empty line between continuation lines that are not nested properties.
    #[error("the AWS CLI keeps the empty line in the value")]
    EmptyLine,
    /// `a:b = c`
    #[error("the AWS CLI ends the key at the `:`")]
    ColonInKey,
    /// The same key twice in one section.
    #[error("the key is set twice: the last one counts, and the AWS CLI refuses the file")]
    RepeatedKey,
    /// The same section twice in one file.
    #[error("the section appears twice: both count, and the AWS CLI refuses the file")]
    RepeatedSection,
    /// `[profile x]` and `[profile  x]`
    #[error("the section appears twice, spelled differently: both count, and the AWS CLI reads only the last one")]
    RespelledSection,
    /// `[ profile x ]`
    #[error("the AWS CLI takes the space next to the bracket as part of the name")]
    SpaceInBrackets,
    /// `[DEFAULT]`, in either file.
    #[error("the AWS CLI applies the keys under `[DEFAULT]` to every section of the file")]
    LendingDefault,
    /// `[profile "x"]`
    #[error("the SDKs ignore a section whose name is quoted; the AWS CLI reads it")]
    QuotedName,
    /// `[profile "x#y"]`
    #[error("the SDKs read the `#` or `;` in the quoted name as the start of a comment, and refuse the file")]
    MarkInQuotedName,
    /// `[two words]` in the credentials file.
    #[error("the SDKs ignore a section whose name has a space; the AWS CLI reads it")]
    SpaceInName,
    /// An indented first property, the comment before it, or an indented section.
    #[error("the SDK for Rust refuses the file, because this line is indented but continues no property")]
    Indented,
    /// A byte order mark.
    #[error("the byte order mark makes the SDKs and the AWS CLI refuse the file")]
    ByteOrderMark,
}

/// A line, and how it is read differently.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Difference<'a> {
    /// How.
    pub what: Differs,
    /// The line.
    pub place: Location,
    /// The section as written between its brackets; empty if the whole file is affected.
    pub section: &'a str,
    /// What the section is, if it counts.
    of: Option<(SectionKind, &'a str)>,
    /// The key in lowercase, if one is affected.
    pub key: Option<Cow<'a, str>>,
}

impl Difference<'_> {
    /// Does it affect how that section is read? A difference that makes other tools refuse the file, or apply a
    /// section's lines to the whole file, affects every section.
    pub fn concerns(&self, kind: SectionKind, name: &str) -> bool {
        self.of == Some((kind, name)) || self.what.is_of_the_file()
    }
}

impl Differs {
    fn is_of_the_file(self) -> bool {
        match self {
            Self::RepeatedKey
            | Self::RepeatedSection
            | Self::LendingDefault
            | Self::MarkInQuotedName
            | Self::Indented
            | Self::ByteOrderMark => true,
            Self::InlineComment
            | Self::IndentedComment
            | Self::EmptyLine
            | Self::ColonInKey
            | Self::RespelledSection
            | Self::SpaceInBrackets
            | Self::QuotedName
            | Self::SpaceInName => false,
        }
    }
}

impl fmt::Display for Difference<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.place)?;
        if !self.section.is_empty() {
            write!(f, "in `[{}]`: ", shown(self.section))?;
        }
        if let Some(key) = &self.key {
            write!(f, "`{key}`: ")?;
        }
        self.what.fmt(f)
    }
}

/// All differences, in the order of files and lines.
pub(super) fn find(set: &ProfileSet) -> Vec<Difference<'_>> {
    let mut found = Vec::new();
    for origin in [WhichFile::Config, WhichFile::Credentials] {
        let start = found.len();
        if set.bytes(origin).starts_with("\u{feff}".as_bytes()) {
            found.push(of_file(set, Differs::ByteOrderMark, origin, 1));
        }
        let indented = set.all().found.indented.iter().filter(|line| line.origin == origin);
        found.extend(indented.map(|line| of_file(set, Differs::Indented, origin, line.line)));
        of_sections(set, origin, &mut found);
        for header in set.all().found.headers.iter().filter(|header| header.origin == origin) {
            of_properties(set, header, &mut found);
        }
        found[start..].sort_by_key(|difference| difference.place.line);
    }
    found
}

fn of_file(set: &ProfileSet, what: Differs, origin: WhichFile, line: u32) -> Difference<'_> {
    Difference { what, place: set.file(origin).place(line), section: "", of: None, key: None }
}

fn of_sections<'a>(set: &'a ProfileSet, origin: WhichFile, found: &mut Vec<Difference<'a>>) {
    let bytes = set.bytes(origin);
    let mut add = |what, written, line, of| {
        let (place, section) = (set.file(origin).place(line), read::text(bytes, written));
        found.push(Difference { what, place, section, of, key: None });
    };
    let mut spellings: HashMap<(SectionKind, &str), &str> = HashMap::new();
    for header in set.all().found.headers.iter().filter(|header| header.origin == origin) {
        let (name, written) = (header.name.text(bytes), read::text(bytes, header.written));
        let of = Some((header.kind, name));
        let spelled = in_brackets(set, header);
        match spellings.entry((header.kind, name)) {
            Slot::Occupied(spelling) if *spelling.get() == spelled => {
                add(Differs::RepeatedSection, header.written, header.line, of);
            }
            Slot::Occupied(_) => add(Differs::RespelledSection, header.written, header.line, of),
            Slot::Vacant(slot) => {
                slot.insert(spelled);
            }
        }
        if matches!(header.name, read::Name::Unquoted(_)) {
            let what = if written.contains(['#', ';']) { Differs::MarkInQuotedName } else { Differs::QuotedName };
            add(what, header.written, header.line, of);
        } else if name.contains(' ') {
            add(Differs::SpaceInName, header.written, header.line, of);
        }
        let (before, after) = (header.written.start as usize - 1, header.written.end as usize);
        // In the config file, the rest is split like the words of a shell, so a space at its end does no harm.
        if bytes[before] != b'[' || origin == WhichFile::Credentials && bytes.get(after) != Some(&b']') {
            add(Differs::SpaceInBrackets, header.written, header.line, of);
        }
        if written == "DEFAULT" {
            add(Differs::LendingDefault, header.written, header.line, of);
        }
    }
    // In the config file it is not a profile, so it is already among the ignored sections.
    for note in set.all().found.notes.iter().filter(|note| note.origin == origin && note.what == Ignored::NoPrefix) {
        if read::text(bytes, note.section) == "DEFAULT" {
            add(Differs::LendingDefault, note.section, note.line, None);
        }
    }
}

/// A section as written between its brackets, with the spaces next to them: to other tools they make it a different
/// spelling.
fn in_brackets<'a>(set: &'a ProfileSet, header: &Header) -> &'a str {
    let (bytes, written) = (set.bytes(header.origin), header.written.range());
    let is_blank = |byte: &&u8| matches!(byte, b' ' | b'\t');
    let before = bytes[..written.start].iter().rev().take_while(is_blank).count();
    let after = bytes[written.end..].iter().take_while(is_blank).count();
    std::str::from_utf8(&bytes[written.start - before..written.end + after]).unwrap_or_default()
}

fn of_properties<'a>(set: &'a ProfileSet, header: &'a Header, found: &mut Vec<Difference<'a>>) {
    let origin = header.origin;
    let section = read::text(set.bytes(origin), header.written);
    let of = Some((header.kind, header.name.text(set.bytes(origin))));
    let mut seen = HashSet::new();
    for entry in &set.all().found.entries[header.entries()] {
        let property = Property { set, origin, entry };
        let repeated = !seen.insert(property.key());
        for (what, lines_below) in of_property(property, repeated) {
            let place = set.file(origin).place(entry.line + lines_below);
            found.push(Difference { what, place, section, of, key: Some(property.key()) });
        }
    }
}

/// How one property differs, and how many lines after its key.
fn of_property(property: Property<'_>, repeated: bool) -> Vec<(Differs, u32)> {
    let mut found = Vec::new();
    if repeated {
        found.push((Differs::RepeatedKey, 0));
    }
    if property.key().contains(':') {
        found.push((Differs::ColonInKey, 0));
    }
    let after = &property.bytes()[property.entry.value.end as usize..];
    let rest = after.split(|byte| *byte == b'\n').next().unwrap_or_default();
    if rest.iter().any(|byte| matches!(byte, b'#' | b';')) {
        found.push((Differs::InlineComment, 0));
    }
    let nested = property.entry.value.range().is_empty();
    for (number, line) in (1..).zip(property.lines_after()) {
        if read::is_continuation(line, property.entry.depth) && line.trim_matches(read::BLANK).starts_with(['#', ';']) {
            found.push((Differs::IndentedComment, number));
        } else if !nested && line.trim_matches(read::BLANK).is_empty() {
            found.push((Differs::EmptyLine, number));
        }
    }
    found
}
