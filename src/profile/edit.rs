//! Edits of the AWS files that keep every byte that they do not have to change.
//!
//! In: a [`ProfileSet`]. Out: a [`Draft`] of the two files in memory, which is changed key by key, shown as a diff, and
//! then written. After each change the reader itself reads the text again, and a change that would not be read back as
//! intended is refused. Each file is written atomically ([`crate::disk::replace`]). The diff hides secrets: an access
//! key may be next to a changed line.

mod diff;
mod marked;

use std::ops::Range;
use std::path::PathBuf;

use super::read::{self, Entry, Header};
use super::{File, Presence, Profile, ProfileError, ProfileSet, WhichFile};
use crate::disk::replace::{ReplaceError, replace};
use crate::messages::printable;
use crate::secret::Secret;

pub use marked::{Writer, Written, place_of_others, written};

const BOTH: [WhichFile; 2] = [WhichFile::Config, WhichFile::Credentials];

/// Why an edit is refused. Contains no text from the files.
#[derive(Debug, thiserror::Error)]
pub enum EditError {
    /// The value contains something that the grammar would read differently.
    #[error("the value cannot be written into a profile")]
    Value,
    /// No section header can express it.
    #[error("no section can be written for a profile with that name")]
    Name,
    /// The result would be read differently from what was intended.
    #[error("`{}` is written in a way that this edit cannot preserve", path.display())]
    Unkept {
        /// The file.
        path: PathBuf,
    },
    /// The edited text breaks the grammar.
    #[error(transparent)]
    Profile(#[from] ProfileError),
    /// The file was not changed.
    #[error(transparent)]
    Replace(#[from] ReplaceError),
}

/// The two files as they would be written.
#[derive(Debug)]
pub struct Draft {
    before: [Secret<Vec<u8>>; 2],
    set: ProfileSet,
}

impl Draft {
    /// A draft without changes.
    pub fn new(set: ProfileSet) -> Self {
        let before = BOTH.map(|origin| set.file(origin).text.clone());
        Self { before, set }
    }

    /// The profiles as they would be read after writing.
    pub fn set(&self) -> &ProfileSet {
        &self.set
    }

    /// The text of a file as it would be written.
    pub fn text(&self, origin: WhichFile) -> &Secret<Vec<u8>> {
        &self.set.file(origin).text
    }

    /// Is there anything to write?
    pub fn is_changed(&self) -> bool {
        BOTH.iter().any(|origin| self.is_changed_in(*origin))
    }

    fn is_changed_in(&self, origin: WhichFile) -> bool {
        self.before[origin as usize].expose() != self.text(origin).expose()
    }

    /// Sets a key of a profile: in place if a line already sets it (the one that wins), else at the end of the
    /// profile's last section in the config file, else in a new section there. Never adds to the credentials file.
    pub fn set_key(&mut self, profile: &str, key: &str, value: &str) -> Result<(), EditError> {
        if !is_plain(value) {
            return Err(EditError::Value);
        }
        let winner = self.set.get(profile).and_then(|section| section.get(key));
        if winner.is_some_and(|property| property.value() == value) {
            return Ok(());
        }
        let (origin, changes) = match winner {
            Some(property) => (property.origin, replaced(self.bytes(property.origin), property.entry, value)),
            None => (WhichFile::Config, vec![self.added(profile, key, value)?]),
        };
        self.change(origin, &changes)?;
        let reads_back = self.set.get(profile).and_then(|section| section.get(key));
        if reads_back.is_some_and(|property| property.value() == value) { Ok(()) } else { Err(self.unkept(origin)) }
    }

    /// Opens a profile's section in the config file, empty, unless it has one in either file.
    pub fn add_profile(&mut self, profile: &str) -> Result<(), EditError> {
        if self.set.get(profile).is_some() {
            return Ok(());
        }
        let change = self.new_section(profile, "")?;
        self.change(WhichFile::Config, &[change])?;
        if self.set.get(profile).is_some() { Ok(()) } else { Err(self.unkept(WhichFile::Config)) }
    }

    /// Removes a key from a profile, wherever it is set. It is no error if it is not set.
    pub fn remove_key(&mut self, profile: &str, key: &str) -> Result<(), EditError> {
        for origin in BOTH {
            let Some(section) = self.set.get(profile) else { return Ok(()) };
            let bytes = self.bytes(origin);
            let lines = section.occurrences(key).filter(|property| property.origin == origin);
            let mut changes: Vec<Change> = lines.flat_map(|property| removed(bytes, property.entry)).collect();
            changes.sort_by_key(|change| change.at.start);
            if !changes.is_empty() {
                self.change(origin, &changes)?;
            }
        }
        let is_gone = self.set.get(profile).is_none_or(|section| section.get(key).is_none());
        if is_gone { Ok(()) } else { Err(self.unkept(WhichFile::Config)) }
    }

    /// The changes as a unified diff, with secrets hidden and control characters escaped.
    pub fn diff(&self) -> String {
        let mut text = String::new();
        for origin in BOTH.into_iter().filter(|origin| self.is_changed_in(*origin)) {
            let name = self.set.file(origin).path.display().to_string();
            text += &diff::unified(self.before[origin as usize].expose(), self.text(origin).expose(), &name);
        }
        printable(&text)
    }

    /// Writes what changed.
    ///
    /// # Errors [`EditError::Replace`]; the file is then unchanged.
    pub fn write(&self) -> Result<(), EditError> {
        for origin in BOTH.into_iter().filter(|origin| self.is_changed_in(*origin)) {
            let file = self.set.file(origin);
            let before = (file.presence == Presence::Present).then_some(&self.before[origin as usize]);
            replace(&file.path, before, &file.text)?;
        }
        Ok(())
    }

    fn bytes(&self, origin: WhichFile) -> &[u8] {
        self.set.bytes(origin)
    }

    fn unkept(&self, origin: WhichFile) -> EditError {
        EditError::Unkept { path: self.set.file(origin).path.to_path_buf() }
    }

    /// The line for a key that is not set yet, and its position.
    fn added(&self, profile: &str, key: &str, value: &str) -> Result<Change, EditError> {
        let bytes = self.bytes(WhichFile::Config);
        let headers = self.set.get(profile).into_iter().flat_map(Profile::headers);
        let Some((header, entries)) = headers.filter(|(header, _)| header.origin == WhichFile::Config).last() else {
            return self.new_section(profile, &format!("{key} = {value}"));
        };
        let last = entries.last().map_or_else(|| after_comments(bytes, header), |entry| entry.end as usize);
        // Indented like the lines above: if it were indented less, the AWS CLI would read the lines below it as its
        // continuation.
        let indentation =
            entries.last().map_or(&[][..], |entry| &bytes[entry.line_start(bytes)..entry.key.start as usize]);
        let line = format!("{}{key} = {value}", String::from_utf8_lossy(indentation));
        line_after(bytes, last, &line)
            .or_else(|| line_after(bytes, header.written.end as usize, &line))
            .ok_or_else(|| self.unkept(WhichFile::Config))
    }

    fn new_section(&self, profile: &str, line: &str) -> Result<Change, EditError> {
        let bytes = self.bytes(WhichFile::Config);
        let newline = newline(bytes);
        let header = header_of(WhichFile::Config, profile)?;
        let before = match bytes {
            [.., b'\r'] => return Err(self.unkept(WhichFile::Config)),
            [] | [0xef, 0xbb, 0xbf] => String::new(),
            [.., b'\n'] if bytes.ends_with(b"\n\n") || bytes.ends_with(b"\n\r\n") => String::new(),
            [.., b'\n'] => newline.to_owned(),
            _ => format!("{newline}{newline}"),
        };
        let at = bytes.len()..bytes.len();
        let line = if line.is_empty() { String::new() } else { format!("{line}{newline}") };
        Ok(Change::new(at, format!("{before}{header}{newline}{line}")))
    }

    /// Applies changes, which are in order and do not overlap, and reads the text again.
    fn change(&mut self, origin: WhichFile, changes: &[Change]) -> Result<(), EditError> {
        let old = self.bytes(origin);
        let more: usize = changes.iter().map(|change| change.with.expose().len()).sum();
        // Allocated at full size, since growing would leave copies of secrets in memory.
        let mut text = Vec::with_capacity(old.len() + more);
        let mut done = 0;
        for change in changes {
            text.extend_from_slice(&old[done..change.at.start]);
            text.extend_from_slice(change.with.expose().as_bytes());
            done = change.at.end;
        }
        text.extend_from_slice(&old[done..]);
        let mut text = Some(Secret::new(text));
        let files = BOTH.map(|each| {
            let file = self.set.file(each);
            let text = if each == origin { text.take() } else { None };
            let text = text.unwrap_or_else(|| file.text.clone());
            File { path: file.path.clone(), presence: file.presence, text }
        });
        let sealed = self.set.sealed.take();
        self.set = ProfileSet { sealed, ..ProfileSet::of_all(files)? };
        Ok(())
    }
}

/// The header of a profile's section, with its brackets.
fn header_of(origin: WhichFile, profile: &str) -> Result<String, EditError> {
    let is_plain = !profile.is_empty() && read::is_identifier(profile);
    if !is_plain
        && (profile.is_empty() || profile.contains(['"', '\'', '\\', ']']) || profile.contains(char::is_control))
    {
        return Err(EditError::Name);
    }
    Ok(match origin {
        WhichFile::Config if profile == "default" => "[default]".to_owned(),
        WhichFile::Config if is_plain => format!("[profile {profile}]"),
        WhichFile::Config => format!("[profile \"{profile}\"]"),
        WhichFile::Credentials => format!("[{profile}]"),
    })
}

/// Replaces some bytes with others.
struct Change {
    at: Range<usize>,
    with: Secret<String>,
}

impl Change {
    fn new(at: Range<usize>, with: String) -> Self {
        Self { at, with: Secret::new(with) }
    }
}

/// Replaces a value. The comment after it is kept, and so are those between continuation lines.
fn replaced(bytes: &[u8], entry: &Entry, value: &str) -> Vec<Change> {
    let at = entry.value.range();
    let blank = if at.is_empty() && bytes[at.start - 1] == b'=' { " " } else { "" };
    let first = Change::new(at, format!("{blank}{value}"));
    std::iter::once(first).chain(continued(bytes, entry)).collect()
}

/// An entry's lines without the comments between them.
fn removed(bytes: &[u8], entry: &Entry) -> Vec<Change> {
    let line = entry.line_start(bytes)..line_end(bytes, entry.value.end as usize);
    std::iter::once(Change::new(line, String::new())).chain(continued(bytes, entry)).collect()
}

/// The continuation lines of a value, each to be removed. The line ending of the last one stays if that of the first
/// line was removed with the value, so that no two lines are joined.
fn continued(bytes: &[u8], entry: &Entry) -> Vec<Change> {
    let (mut at, end) = (line_end(bytes, entry.value.end as usize), entry.end as usize);
    let mut changes = Vec::new();
    while at < end {
        let next = line_end(bytes, at);
        let line = std::str::from_utf8(&bytes[at..next]).unwrap_or_default();
        // Ends lines as the reader does: a lone carriage return is part of a line.
        let shown = line.strip_suffix('\n').map_or(line, |line| line.strip_suffix('\r').unwrap_or(line));
        if read::is_continuation(shown, entry.depth) {
            changes.push(Change::new(at..next, String::new()));
        }
        at = next;
    }
    changes
}

/// At the end of the indented comments below a section header, which would continue a key inserted above them.
fn after_comments(bytes: &[u8], header: &Header) -> usize {
    let mut last = header.written.end as usize;
    let mut next = line_end(bytes, last);
    while next < bytes.len() {
        let end = line_end(bytes, next);
        let line = bytes[next..end].trim_ascii();
        let is_indented = matches!(bytes[next], b' ' | b'\t');
        match line.first() {
            Some(b'#' | b';') if is_indented => last = next,
            None | Some(b'#' | b';') => {}
            Some(_) => break,
        }
        next = end;
    }
    last
}

/// After the line ending of the line that contains byte `at`, or at the end of the file.
fn line_end(bytes: &[u8], at: usize) -> usize {
    bytes[at..].iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |end| at + end + 1)
}

/// A line after the one that contains byte `at`. `None` if that line's end cannot be changed: a lone carriage return at
/// the end of the file is part of a value, and would become part of a line ending.
fn line_after(bytes: &[u8], at: usize, line: &str) -> Option<Change> {
    let end = line_end(bytes, at);
    let newline = newline(bytes);
    let with = match bytes[..end] {
        [.., b'\r', b'\n'] => format!("{line}\r\n"),
        [.., b'\n'] => format!("{line}\n"),
        [.., b'\r'] => return None,
        // The file's last line has no line ending, and neither does its new last line.
        _ => format!("{newline}{line}"),
    };
    Some(Change::new(end..end, with))
}

/// The line ending of a file, taken from its first line.
fn newline(bytes: &[u8]) -> &'static str {
    match bytes.iter().position(|byte| *byte == b'\n') {
        Some(at) if at > 0 && bytes[at - 1] == b'\r' => "\r\n",
        _ => "\n",
    }
}

/// Is it a single-line value that is read back unchanged? It must not contain the start of a comment, nor be surrounded
/// by white space.
fn is_plain(value: &str) -> bool {
    let begins_comment = |(at, _): (usize, _)| {
        let before = value[..at].chars().next_back();
        before.is_none_or(char::is_whitespace)
    };
    !value.is_empty()
        && value.trim() == value
        && !value.contains(char::is_control)
        && !value.match_indices(['#', ';']).any(begins_comment)
}
