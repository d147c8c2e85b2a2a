//! A command line of a Bourne-style shell up to the cursor: its words without quotes, and the quote that is still open.

/// The quoting at the cursor.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Quote {
    /// Unquoted.
    #[default]
    None,
    /// After a `'`.
    Single,
    /// After a `"`.
    Double,
}

impl Quote {
    /// `text`, escaped for bash within this quoting. `is_start`: at the start of a word, where more characters are
    /// special. Readline closes the open quote itself, unless the inserted text ends in that character.
    pub(super) fn continue_with(self, text: &str, is_start: bool) -> String {
        let mut out = String::new();
        for (at, c) in text.char_indices() {
            let is_last = at + c.len_utf8() == text.len();
            match self {
                Self::Single if c == '\'' => out += if is_last { "'\\'" } else { "'\\''" },
                Self::Double if c == '"' && is_last => out += "\\\"\"",
                // A backslash before `!` would remain in the text.
                Self::Double if c == '!' => out += if is_last { "\"'!'\"\"" } else { "\"'!'\"" },
                Self::Double if matches!(c, '$' | '`' | '"' | '\\') => out.extend(['\\', c]),
                Self::None if needs_quoting(c) || is_start && at == 0 && matches!(c, '~' | '#') => {
                    out.extend(['\\', c]);
                }
                _ => out.push(c),
            }
        }
        out
    }
}

fn needs_quoting(c: char) -> bool {
    c.is_ascii()
        && !c.is_ascii_alphanumeric()
        && !matches!(c, '_' | '-' | '.' | '/' | ':' | '@' | '%' | '+' | '=' | ',')
}

/// The words of a line up to the cursor.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct CommandLine {
    words: Vec<String>,
    quote: Quote,
    /// Does it end in a backslash that does not yet quote anything?
    is_dangling: bool,
}

impl CommandLine {
    /// Parses a line that starts with the command, possibly after variable assignments. Its last word is the one at the
    /// cursor, which is empty after a space.
    pub fn read(text: &str) -> Self {
        let mut words = Vec::new();
        let mut word: Option<String> = None;
        let mut quote = Quote::None;
        let mut is_dangling = false;
        let mut rest = text.chars();
        while let Some(c) = rest.next() {
            match (quote, c) {
                (Quote::None, ' ' | '\t' | '\n') => words.extend(word.take()),
                (Quote::None | Quote::Single, '\'') | (Quote::None | Quote::Double, '"') => {
                    word.get_or_insert_default();
                    quote = match (quote, c) {
                        (Quote::None, '\'') => Quote::Single,
                        (Quote::None, _) => Quote::Double,
                        _ => Quote::None,
                    };
                }
                (Quote::None, '\\') => {
                    let next = rest.next();
                    is_dangling = next.is_none();
                    word.get_or_insert_default().extend(next);
                }
                (Quote::Double, '\\') => {
                    let next = rest.next();
                    is_dangling = next.is_none();
                    let word = word.get_or_insert_default();
                    if next.is_some_and(|next| !matches!(next, '$' | '`' | '"' | '\\' | '\n')) {
                        word.push('\\');
                    }
                    word.extend(next);
                }
                _ => word.get_or_insert_default().push(c),
            }
        }
        words.push(word.unwrap_or_default());
        let variables = words.iter().take_while(|word| is_assignment(word)).count();
        words.drain(..variables.min(words.len() - 1));
        Self { words, quote, is_dangling }
    }

    /// The words after the command; the last one is at the cursor.
    pub fn arguments(&self) -> &[String] {
        self.words.get(1..).unwrap_or_default()
    }

    /// The word at the cursor, without quotes.
    pub fn current(&self) -> &str {
        self.words.last().map_or("", String::as_str)
    }

    /// The typed part of the word, to which more can be added. A backslash at its end would quote the next character,
    /// and shells do leave one there when candidates differ after it.
    pub(super) fn kept<'a>(&self, typed: &'a str) -> &'a str {
        if self.is_dangling { typed.strip_suffix('\\').unwrap_or(typed) } else { typed }
    }

    /// The quote that is open at the cursor.
    pub fn quote(&self) -> Quote {
        self.quote
    }
}

fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    })
}

#[cfg(test)]
mod tests {
    use super::{CommandLine, Quote};

    #[test]
    fn words_and_the_open_quote() {
        for (text, words, quote) in [
            ("mfa-cred ", &[""][..], Quote::None),
            ("mfa-cred de", &["de"], Quote::None),
            ("A=1 B='x y' mfa-cred env  de", &["env", "de"], Quote::None),
            ("mfa-cred 'two w", &["two w"], Quote::Single),
            ("mfa-cred \"a\\\"b\\c", &["a\"b\\c"], Quote::Double),
            ("mfa-cred two\\ words x=y ''", &["two words", "x=y", ""], Quote::None),
            ("mfa-cred a'b'\"c\"", &["abc"], Quote::None),
            ("mfa-cred \\", &[""], Quote::None),
            ("mfa-cred", &[], Quote::None),
            ("", &[], Quote::None),
        ] {
            let line = CommandLine::read(text);
            assert_eq!(
                (line.arguments(), line.quote()),
                (&words.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>()[..], quote),
                "{text}"
            );
        }
    }
}
