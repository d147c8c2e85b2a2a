//! The completion candidates at the cursor, in the form that each completion script reads.
//!
//! A candidate is data: its name may be `$(touch PWNED)`. zsh, fish and Elvish quote what they insert. For the others
//! the words are quoted here, so that a completed line runs nothing but `mfa-cred`. If a shell cannot be given a word
//! safely (tcsh splits its input), the word is not offered.

use super::line::CommandLine;

/// A word that can be inserted at the cursor, and its description.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Candidate {
    /// The word as the program reads it, without quotes.
    pub value: String,
    /// A one-line description, or empty.
    pub about: String,
}

/// The text at the cursor.
pub struct Cursor<'a> {
    /// The line up to the cursor, if the shell passes it.
    pub line: &'a CommandLine,
    /// The part of the line that the shell will replace.
    pub replaced: &'a str,
    /// The word up to the cursor.
    pub current: &'a str,
    /// The part of that word before the value: `--region=`, or empty.
    pub before: &'a str,
}

impl Cursor<'_> {
    /// The whole word with this candidate.
    pub(super) fn word(&self, candidate: &Candidate) -> String {
        format!("{}{}", self.before, candidate.value)
    }
}

/// For a shell that filters candidates itself: one line per candidate, with the word, a tab and the description.
pub(super) fn described(cursor: &Cursor<'_>, candidates: &[Candidate]) -> String {
    candidates.iter().map(|candidate| format!("{}\t{}\n", cursor.word(candidate), candidate.about)).collect()
}

/// For a shell that replaces the whole word: the candidates that start with the typed text, quoted, each with its
/// description.
pub(super) fn replaced(quote: fn(&str) -> String, cursor: &Cursor<'_>, candidates: &[Candidate]) -> String {
    let line = |candidate: &Candidate| {
        let word = cursor.word(candidate);
        word.starts_with(cursor.current).then(|| format!("{}\t{}\n", quote(&word), candidate.about))
    };
    candidates.iter().filter_map(line).collect()
}

/// Does every shell read this word as it is, without quotes?
pub(super) fn is_plain(word: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'/' | b':');
    let starts_well = word.starts_with(|first: char| first.is_ascii_alphabetic() || first == '-');
    starts_well && word.bytes().all(|byte| is_plain(byte) || byte == b'=') && !word.starts_with('=')
}
