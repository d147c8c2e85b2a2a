//! Where a document was extracted from: the file, its name within the file, and its unknown parts.

use std::sync::Arc;

use super::{Lines, Position};

/// The prefix of variables that stand for unknown parts of an extracted document. No request has a value for them, so
/// everything that depends on them is unknown.
pub(in crate::policy) const UNKNOWN: &str = "${unknown:";

/// The same prefix, as part of the key that the variable names.
pub(in crate::policy) const UNKNOWN_KEY: &str = "unknown:";

/// A file that contains policies.
#[derive(Debug)]
pub(in crate::policy) struct File {
    /// Its name, for people.
    pub(in crate::policy) name: String,
    /// Its text.
    pub(in crate::policy) text: String,
    lines: Lines,
}

impl File {
    pub(in crate::policy) fn new(name: &str, text: &str) -> Self {
        Self { name: name.to_owned(), text: text.to_owned(), lines: Lines::of(text) }
    }

    pub(in crate::policy) fn place(&self, offset: usize) -> Position {
        self.lines.place(&self.text, offset)
    }

    pub(in crate::policy) fn lines(&self) -> &Lines {
        &self.lines
    }
}

/// A document's place in its file.
#[derive(Clone, Debug)]
pub(in crate::policy) struct Origin {
    /// The file.
    pub(in crate::policy) file: Arc<File>,
    /// The document's name within the file.
    pub(in crate::policy) label: String,
    /// Offsets into the document, in order, and the offset in the file that each corresponds to; `None` if the document
    /// is the whole file.
    pub(in crate::policy) map: Option<Arc<[(usize, usize)]>>,
    /// Descriptions of what was left out because it is unknown.
    pub(in crate::policy) gaps: Arc<[String]>,
}

impl Origin {
    /// The place in the file for an offset into the document.
    pub(in crate::policy) fn place(&self, offset: usize) -> Position {
        let Some(map) = &self.map else { return self.file.place(offset) };
        let after = map.partition_point(|(own, _)| *own <= offset);
        self.file.place(after.checked_sub(1).map_or(0, |at| map[at].1))
    }

    /// The same document, as if that text were its file.
    pub(super) fn of_itself(&self, text: &str) -> Self {
        Self { file: Arc::new(File::new(&self.file.name, text)), map: None, ..self.clone() }
    }
}

/// Is the account part of an ARN a placeholder that is still to be filled in? AWS allows twelve digits and wildcards
/// there, and for a few resources a word such as `aws`.
pub(super) fn is_placeholder(account: &str) -> bool {
    let lower = account.to_lowercase();
    let is_enclosed = [('<', '>'), ('[', ']'), ('(', ')'), ('{', '}')]
        .iter()
        .any(|(open, close)| lower.len() > 2 && lower.starts_with(*open) && lower.ends_with(*close));
    // One `*` is a wildcard; this many stand for digits.
    let is_masked =
        lower.chars().count() >= 4 && ['x', '*', '#', '_', 'n'].iter().any(|c| lower.chars().all(|it| it == *c));
    let is_named = ["account", "acct", "アカウント", "compte", "konto", "cuenta", "conta", "账户", "帳戶", "계정"]
        .iter()
        .any(|word| lower.contains(word));
    !lower.contains("${") && (is_enclosed || is_masked || is_named && !lower.contains(['*', '?']))
}

#[cfg(test)]
mod tests {
    use super::is_placeholder;

    #[test]
    fn placeholders_for_an_account_and_real_accounts() {
        for word in [
            "accountid",
            "ACCOUNT-ID-WITHOUT-HYPHENS",
            "<ACCOUNT>",
            "<アカウントID>",
            "アカウントID",
            "************",
            "xxxxxxxxxxxx",
            "XXXXXXXXXXXX",
            "YOUR_ACCOUNT_ID",
            "[account]",
            "{AccountId}",
            "aws-acct",
            "############",
            "<number>",
        ] {
            assert!(is_placeholder(word), "{word}");
        }
        for word in
            ["", "*", "???", "123456789012", "aws", "cloudfront", "${aws:PrincipalAccount}", "1234*", "12345678901"]
        {
            assert!(!is_placeholder(word), "{word}");
        }
    }
}
