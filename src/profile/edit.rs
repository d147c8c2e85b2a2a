//! Edits of the AWS files that keep every byte which they do not mean to change.
//!
//! In: a [`ProfileSet`]. Out: a [`Draft`] of the two files in memory, which is changed key by key, shown as a diff, and
//! then written. After each change the text is read again by the reader itself, and a change that would not be read
//! back as it was meant is refused. What is written is whole or not at all ([`crate::disk::replace`]). The diff hides secrets: what
//! stands beside a changed line may be an access key.

mod diff;

use std::ops::Range;
use std::path::PathBuf;

use super::read::{self, Entry, Header};
use super::{File, Presence, Profile, ProfileError, ProfileSet, WhichFile};
use crate::disk::replace::{ReplaceError, replace};
use crate::messages::printable;
use crate::secret::Secret;

const BOTH: [WhichFile; 2] = [WhichFile::Config, WhichFile::Credentials];

/// Why an edit is not made. Holds no text from the files.
#[derive(Debug, thiserror::Error)]
pub enum EditError {
    /// It holds what the grammar would read otherwise.
    #[error("the value cannot be written into a profile")]
    Value,
    /// No section can be opened under it.
    #[error("no section can be written for a profile with that name")]
    Name,
    /// What was written would be read otherwise than it is meant.
    #[error("`{}` is written in a way that this edit cannot preserve", path.display())]
    Unkept {
        /// The file.
        path: PathBuf,
    },
    /// The edited text breaks the grammar.
    #[error(transparent)]
    Profile(#[from] ProfileError),
    /// The file is as it was.
    #[error(transparent)]
    Replace(#[from] ReplaceError),
}

/// The two files as they would be.
#[derive(Debug)]
pub struct Draft {
    before: [Secret<Vec<u8>>; 2],
    set: ProfileSet,
}

impl Draft {
    /// Nothing changed yet.
    pub fn new(set: ProfileSet) -> Self {
        let before = BOTH.map(|origin| set.file(origin).text.clone());
        Self { before, set }
    }

    /// The profiles as they would be read.
    pub fn set(&self) -> &ProfileSet {
        &self.set
    }

    /// The text of a file as it would be.
    pub fn text(&self, origin: WhichFile) -> &Secret<Vec<u8>> {
        &self.set.file(origin).text
    }

    /// Would anything be written?
    pub fn is_changed(&self) -> bool {
        BOTH.iter().any(|origin| self.is_changed_in(*origin))
    }

    fn is_changed_in(&self, origin: WhichFile) -> bool {
        self.before[origin as usize].expose() != self.text(origin).expose()
    }

    /// Gives a key of a profile a value: where the line stands that wins, else at the end of the profile's last section
    /// in the config file, else in a new section there. Never adds to the credentials file.
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

    /// Takes a key out of a profile, wherever it stands. One that is not there is no error.
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

    /// What would be written, as a unified diff, secrets hidden and fit for a terminal.
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
    /// # Errors
    /// [`EditError::Replace`]; the file is then as it was.
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

    /// The line of a key that is nowhere yet, and where it goes.
    fn added(&self, profile: &str, key: &str, value: &str) -> Result<Change, EditError> {
        let bytes = self.bytes(WhichFile::Config);
        let headers = self.set.get(profile).into_iter().flat_map(Profile::headers);
        let Some((header, entries)) = headers.filter(|(header, _)| header.origin == WhichFile::Config).last() else {
            return self.new_section(profile, &format!("{key} = {value}"));
        };
        let last = entries.last().map_or_else(|| after_comments(bytes, header), |entry| entry.end as usize);
        // As the lines above: one that is further out would take those below it for its own in the AWS CLI.
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
        let header = match profile {
            "default" => "[default]".to_owned(),
            _ if !profile.is_empty() && read::is_identifier(profile) => format!("[profile {profile}]"),
            _ if profile.is_empty() || profile.contains(['"', '\'', '\\']) || profile.contains(char::is_control) => {
                return Err(EditError::Name);
            }
            _ => format!("[profile \"{profile}\"]"),
        };
        let before = match bytes {
            [.., b'\r'] => return Err(self.unkept(WhichFile::Config)),
            [] | [0xef, 0xbb, 0xbf] => String::new(),
            [.., b'\n'] if bytes.ends_with(b"\n\n") || bytes.ends_with(b"\n\r\n") => String::new(),
            [.., b'\n'] => newline.to_owned(),
            _ => format!("{newline}{newline}"),
        };
        let at = bytes.len()..bytes.len();
        Ok(Change { at, with: format!("{before}{header}{newline}{line}{newline}") })
    }

    /// Makes changes, which come in order and do not overlap, and reads the text again.
    fn change(&mut self, origin: WhichFile, changes: &[Change]) -> Result<(), EditError> {
        let old = self.bytes(origin);
        let more: usize = changes.iter().map(|change| change.with.len()).sum();
        // At its full size from the start, as growing would leave copies of secrets behind.
        let mut text = Vec::with_capacity(old.len() + more);
        let mut done = 0;
        for change in changes {
            text.extend_from_slice(&old[done..change.at.start]);
            text.extend_from_slice(change.with.as_bytes());
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
        self.set = ProfileSet::of_all(files)?;
        Ok(())
    }
}

/// Bytes that give way to others.
struct Change {
    at: Range<usize>,
    with: String,
}

/// A value in the place of another. The comment after it stays, and those between continued lines.
fn replaced(bytes: &[u8], entry: &Entry, value: &str) -> Vec<Change> {
    let at = entry.value.range();
    let blank = if at.is_empty() && bytes[at.start - 1] == b'=' { " " } else { "" };
    let first = Change { at, with: format!("{blank}{value}") };
    std::iter::once(first).chain(continued(bytes, entry)).collect()
}

/// An entry's lines without the comments among them.
fn removed(bytes: &[u8], entry: &Entry) -> Vec<Change> {
    let line = entry.line_start(bytes)..line_end(bytes, entry.value.end as usize);
    std::iter::once(Change { at: line, with: String::new() }).chain(continued(bytes, entry)).collect()
}

/// The lines after the first that belong to a value, each to be taken out. What ends the last of them stays where
/// the first line's end went with it, so that no two lines run together.
fn continued(bytes: &[u8], entry: &Entry) -> Vec<Change> {
    let (mut at, end) = (line_end(bytes, entry.value.end as usize), entry.end as usize);
    let mut changes = Vec::new();
    while at < end {
        let next = line_end(bytes, at);
        let line = std::str::from_utf8(&bytes[at..next]).unwrap_or_default();
        // As the reader ends lines: a lone carriage return is part of one.
        let shown = line.strip_suffix('\n').map_or(line, |line| line.strip_suffix('\r').unwrap_or(line));
        if read::is_continuation(shown, entry.depth) {
            changes.push(Change { at: at..next, with: String::new() });
        }
        at = next;
    }
    changes
}

/// In the last of the indented comments below a section's line, which would continue a key above them.
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

/// After the line ending of the line that byte `at` is in, or of the file.
fn line_end(bytes: &[u8], at: usize) -> usize {
    bytes[at..].iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |end| at + end + 1)
}

/// A line after the one that byte `at` is in. `None` where that one's end cannot be touched: a lone carriage return at
/// the end of the file is part of a value, and would become part of a line ending.
fn line_after(bytes: &[u8], at: usize, line: &str) -> Option<Change> {
    let end = line_end(bytes, at);
    let newline = newline(bytes);
    let with = match bytes[..end] {
        [.., b'\r', b'\n'] => format!("{line}\r\n"),
        [.., b'\n'] => format!("{line}\n"),
        [.., b'\r'] => return None,
        // The file's last line has no ending, and its new last line gets none.
        _ => format!("{newline}{line}"),
    };
    Some(Change { at: end..end, with })
}

/// How the lines of a file end, as its first one tells.
fn newline(bytes: &[u8]) -> &'static str {
    match bytes.iter().position(|byte| *byte == b'\n') {
        Some(at) if at > 0 && bytes[at - 1] == b'\r' => "\r\n",
        _ => "\n",
    }
}

/// Is it a value of one line that is read as it is written? No comment may begin in it, nothing surround it.
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
