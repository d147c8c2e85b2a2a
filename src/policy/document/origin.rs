//! Where a document was taken from: the file, its name within it, and what of it is not known.

use std::sync::Arc;

use super::{Lines, Position};

/// How a variable starts that stands for what is not known, in a document that was taken out of something larger. No
/// request says what it is, so that whatever depends on it is unknown.
pub(in crate::policy) const UNKNOWN: &str = "${unknown:";

/// The same, as the key that the variable names.
pub(in crate::policy) const UNKNOWN_KEY: &str = "unknown:";

/// A file that holds policies.
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
    /// What the document is called within it.
    pub(in crate::policy) label: String,
    /// Offsets into the document, in their order, and where in the file each of them comes from; `None` where the
    /// document is the file.
    pub(in crate::policy) map: Option<Arc<[(usize, usize)]>>,
    /// What was left out since it is not known, for people.
    pub(in crate::policy) gaps: Arc<[String]>,
}

impl Origin {
    /// The place in the file of an offset into the document.
    pub(in crate::policy) fn place(&self, offset: usize) -> Position {
        let Some(map) = &self.map else { return self.file.place(offset) };
        let behind = map.partition_point(|(own, _)| *own <= offset);
        self.file.place(behind.checked_sub(1).map_or(0, |at| map[at].1))
    }

    /// The same document, with that text as its file.
    pub(super) fn of_itself(&self, text: &str) -> Self {
        Self { file: Arc::new(File::new(&self.file.name, text)), map: None, ..self.clone() }
    }
}

/// Does that stand where an ARN has its account, and means one that is still to be filled in? AWS takes twelve digits
/// and wildcards there, and for a few resources a word of its own.
pub(super) fn is_placeholder(account: &str) -> bool {
    let lower = account.to_lowercase();
    let is_enclosed = [('<', '>'), ('[', ']'), ('(', ')'), ('{', '}')]
        .iter()
        .any(|(open, close)| lower.len() > 2 && lower.starts_with(*open) && lower.ends_with(*close));
    // One `*` is a wildcard; that many are meant as digits.
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
    fn what_stands_for_an_account_and_what_is_one() {
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
