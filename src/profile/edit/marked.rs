//! Sections that a command of ours writes and takes out again. The comment line above each says who wrote it and for which
//! profile, so that no section of the user's is ever touched, and a file is given back byte for byte.

use std::ops::Range;

use super::{Change, Draft, EditError, Header, header_of, line_end, newline};
use crate::names::ProfileName;
use crate::profile::{Location, Profile, ProfileSet, WhichFile};
use crate::secret::Secret;

/// Does this line mark a section as written by one of our commands?
pub(super) fn is_mark(line: &str) -> bool {
    [Writer::Wire, Writer::WireSso, Writer::Write].iter().any(|writer| line.starts_with(writer.mark()))
}

/// The command that writes sections, which marks them as its own.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Writer {
    /// `mfa-cred wire`, in the config file.
    Wire,
    /// `mfa-cred wire --sso`, in the config file.
    WireSso,
    /// `mfa-cred write`, in the credentials file.
    Write,
}

/// A section that one of our commands wrote.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Written {
    /// Its name.
    pub name: ProfileName,
    /// The profile whose credentials it gives, or the SSO session that gives them.
    pub of: String,
}

impl Writer {
    /// The file that it writes to.
    pub fn file(self) -> WhichFile {
        match self {
            Self::Wire | Self::WireSso => WhichFile::Config,
            Self::Write => WhichFile::Credentials,
        }
    }

    /// The start of the comment, which the name of the profile or the session follows.
    fn mark(self) -> &'static str {
        match self {
            Self::Wire => "# Written by mfa-cred wire for profile ",
            Self::WireSso => "# Written by mfa-cred wire for SSO session ",
            Self::Write => "# Written by mfa-cred write for profile ",
        }
    }
}

impl Draft {
    /// Writes a whole section with those lines: over the one that the same command wrote, else at the end of its file.
    ///
    /// # Errors
    /// [`EditError::Name`] and [`EditError::Value`] for what no file can express, and [`EditError::Unkept`] if the section
    /// would not be read back as it is meant, as when the user has one with that name in the same file.
    pub fn write_section(
        &mut self,
        writer: Writer,
        written: &Written,
        lines: &[(&str, Secret<String>)],
    ) -> Result<(), EditError> {
        let Written { name, of } = written;
        if of.contains(char::is_control) || lines.iter().any(|(_, value)| !super::is_plain(value.expose())) {
            return Err(EditError::Value);
        }
        let origin = writer.file();
        let old = section(self.set(), writer, name.as_str());
        let bytes = self.bytes(origin);
        let newline = newline(bytes);
        let header = header_of(origin, name.as_str())?;
        let mut parts = vec![writer.mark(), of, newline, &header, newline];
        for (key, value) in lines {
            parts.extend([*key, " = ", value.expose(), newline]);
        }
        let at = if let Some((range, _)) = old {
            range
        } else {
            // Exactly one line ending goes before it, and is taken out with it.
            match bytes {
                [.., b'\r'] => return Err(self.unkept(origin)),
                [] | [0xef, 0xbb, 0xbf] => {}
                _ => parts.insert(0, newline),
            }
            bytes.len()..bytes.len()
        };
        let change = Change { at, with: Secret::concat(&parts) };
        self.change(origin, &[change])?;
        let reads_back = self.set().get(name.as_str()).is_some_and(|section| {
            lines
                .iter()
                .all(|(key, value)| section.get(key).is_some_and(|line| line.value() == value.expose().as_str()))
        });
        if reads_back { Ok(()) } else { Err(self.unkept(origin)) }
    }

    /// Takes out a section that this command wrote, and the line ending before it. False if there is none.
    pub fn remove_section(&mut self, writer: Writer, name: &ProfileName) -> Result<bool, EditError> {
        let Some((Range { start, end }, _)) = section(self.set(), writer, name.as_str()) else { return Ok(false) };
        let before = match self.bytes(writer.file())[..start] {
            [.., b'\r', b'\n'] => 2,
            [.., b'\n'] => 1,
            _ => 0,
        };
        self.change(writer.file(), &[Change::new(start - before..end, String::new())])?;
        Ok(true)
    }
}

/// The place of a profile with that name which the command did not write, or not alone.
pub fn place_of_others(set: &ProfileSet, writer: Writer, name: &ProfileName) -> Option<Location> {
    let profile = set.get(name.as_str())?;
    let ours = section_of(profile, set, writer).map(|(range, _)| range);
    let is_ours = |header: &Header| {
        header.origin == writer.file()
            && ours.as_ref().is_some_and(|ours| ours.contains(&(header.written.start as usize)))
    };
    let (theirs, _) = profile.headers().find(|(header, _)| !is_ours(header))?;
    Some(set.file(theirs.origin).place(theirs.line))
}

/// The sections that a command of ours wrote, in the order of the file.
pub fn written(set: &ProfileSet, writer: Writer) -> Vec<Written> {
    let ours = set.profiles().filter_map(|profile| {
        let (_, of) = section_of(profile, set, writer)?;
        Some(Written { name: ProfileName::new(profile.name())?, of })
    });
    ours.collect()
}

/// The bytes of a section that a command of ours wrote, from its comment to its last line, and the profile it is for.
fn section(set: &ProfileSet, writer: Writer, name: &str) -> Option<(Range<usize>, String)> {
    section_of(set.get(name)?, set, writer)
}

fn section_of(profile: Profile<'_>, set: &ProfileSet, writer: Writer) -> Option<(Range<usize>, String)> {
    let bytes = set.bytes(writer.file());
    let headers = profile.headers().filter(|(header, _)| header.origin == writer.file());
    let mut ours = headers.filter_map(|(header, entries)| {
        let line = line_start(bytes, header.written.start as usize);
        let above = line_start(bytes, line.checked_sub(1)?);
        let comment = std::str::from_utf8(&bytes[above..line]).ok()?.trim_start_matches('\u{feff}').trim_end();
        let of = comment.strip_prefix(writer.mark())?;
        let start = line - (bytes[above..line].len() - offset_of_mark(&bytes[above..line]));
        let last = entries.last().map_or(header.written.end, |entry| entry.end) as usize;
        Some((start..line_end(bytes, last), of.to_owned()))
    });
    ours.next()
}

/// The length of a byte order mark at the start of the line.
fn offset_of_mark(line: &[u8]) -> usize {
    if line.starts_with(&[0xef, 0xbb, 0xbf]) { 3 } else { 0 }
}

/// The start of the line that contains byte `at`.
fn line_start(bytes: &[u8], at: usize) -> usize {
    bytes[..at].iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1)
}
