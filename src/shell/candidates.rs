//! What a shell offers at the cursor, in the form that its completion script reads.
//!
//! A candidate is data: its name may be `$(touch PWNED)`. zsh, fish and Elvish quote what they insert. For the others
//! the words are quoted here, so that a completed line runs nothing but `mfa-cred`. If a shell cannot be given a word
//! safely (tcsh splits its input), the word is not offered.

use super::line::CommandLine;

/// A word that may stand at the cursor, and what it means.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Candidate {
    /// The word as the program reads it.
    pub value: String,
    /// A line about it, or nothing.
    pub about: String,
}

/// What stands at the cursor.
pub struct Cursor<'a> {
    /// The line up to it, where the shell gives the line.
    pub line: &'a CommandLine,
    /// What of the line the shell will replace.
    pub replaced: &'a str,
    /// The word up to it.
    pub current: &'a str,
    /// What of that word stands before the value: `--region=`, or nothing.
    pub before: &'a str,
}

impl Cursor<'_> {
    /// The whole word that a candidate makes.
    pub(super) fn word(&self, candidate: &Candidate) -> String {
        format!("{}{}", self.before, candidate.value)
    }
}

/// For a shell that narrows candidates down by itself, each a line: the word, a tab, what it means.
pub(super) fn described(cursor: &Cursor<'_>, candidates: &[Candidate]) -> String {
    candidates.iter().map(|candidate| format!("{}\t{}\n", cursor.word(candidate), candidate.about)).collect()
}

/// For a shell whose words are replaced as a whole: those that begin as what was typed, quoted, and what each means.
pub(super) fn replaced(quote: fn(&str) -> String, cursor: &Cursor<'_>, candidates: &[Candidate]) -> String {
    let line = |candidate: &Candidate| {
        let word = cursor.word(candidate);
        word.starts_with(cursor.current).then(|| format!("{}\t{}\n", quote(&word), candidate.about))
    };
    candidates.iter().filter_map(line).collect()
}

/// Is this a word that means itself in every shell?
pub(super) fn is_plain(word: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'/' | b':');
    let starts_well = word.starts_with(|first: char| first.is_ascii_alphabetic() || first == '-');
    starts_well && word.bytes().all(|byte| is_plain(byte) || byte == b'=') && !word.starts_with('=')
}
