//! What a shell offers at the cursor, in the form that its completion script reads.
//!
//! A candidate is data: it may be named `$(touch PWNED)`. zsh, fish and Elvish quote what they insert; for the others
//! the words are quoted here, so that a line which was completed runs nothing but `mfa-cred`. Where a shell cannot be
//! told a word safely (tcsh splits what it is given), the word is not offered.

mod line;

pub use line::{CommandLine, Quote};

/// A word that may stand at the cursor, and what it means.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Candidate {
    /// The word as the program reads it.
    pub value: String,
    /// A line about it, or nothing.
    pub about: String,
}

/// Candidates that the shell itself narrows down to what was typed, each a line: the value, a tab, what it means.
pub fn described<'a>(before: &str, candidates: impl Iterator<Item = &'a Candidate>) -> String {
    candidates.map(|candidate| format!("{before}{}\t{}\n", candidate.value, candidate.about)).collect()
}

/// For zsh's `_describe`: the value, a colon, what it means.
pub fn zsh<'a>(candidates: impl Iterator<Item = &'a Candidate>) -> String {
    let line = |Candidate { value, about }: &Candidate| {
        let value = value.replace('\\', "\\\\").replace(':', "\\:");
        if about.is_empty() { value + "\n" } else { format!("{value}:{about}\n") }
    };
    candidates.map(line).collect()
}

/// For bash: what was typed of the word, kept as it is, and the rest of the value in the quotes that are open there.
pub fn bash<'a>(
    line: &CommandLine,
    typed: &str,
    before: &str,
    candidates: impl Iterator<Item = &'a Candidate>,
) -> String {
    let typed = line.kept(typed);
    let rest_of = |candidate: &Candidate| {
        let word = format!("{before}{}", candidate.value);
        let rest = word.strip_prefix(line.current())?;
        Some(format!("{typed}{}\n", line.quote().continue_with(rest, typed.is_empty())))
    };
    candidates.filter_map(rest_of).collect()
}

/// For a shell whose words are replaced as a whole: those that begin as what was typed, quoted, and what each means.
pub fn quoted<'a>(
    quote: fn(&str) -> String,
    current: &str,
    before: &str,
    candidates: impl Iterator<Item = &'a Candidate>,
) -> String {
    let line = |candidate: &Candidate| {
        let word = format!("{before}{}", candidate.value);
        word.starts_with(current).then(|| format!("{}\t{}\n", quote(&word), candidate.about))
    };
    candidates.filter_map(line).collect()
}

/// For tcsh: those that are one word without quotes.
pub fn tcsh<'a>(before: &str, candidates: impl Iterator<Item = &'a Candidate>) -> String {
    let words = candidates.map(|candidate| format!("{before}{}", candidate.value));
    words.filter(|word| is_plain(word)).map(|word| word + "\n").collect()
}

/// Is this a word that means itself in every shell?
fn is_plain(word: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'/' | b':');
    let starts_well = word.starts_with(|first: char| first.is_ascii_alphabetic() || first == '-');
    starts_well && word.bytes().all(|byte| is_plain(byte) || byte == b'=') && !word.starts_with('=')
}

/// A word of Nushell. What looks like a number or a size would become one.
pub fn nu_word(word: &str) -> String {
    match word {
        "true" | "false" | "null" => format!("'{word}'"),
        _ if is_plain(word) => word.to_owned(),
        _ if !word.contains('\'') => format!("'{word}'"),
        _ => format!("\"{}\"", word.replace('\\', "\\\\").replace('"', "\\\"")),
    }
}

/// A word of PowerShell, which takes four more characters for a single quote.
pub fn powershell_word(word: &str) -> String {
    if is_plain(word) {
        return word.to_owned();
    }
    let twice = |c: char| matches!(c, '\'' | '\u{2018}'..='\u{201b}');
    let inner: String = word.chars().flat_map(|c| std::iter::repeat_n(c, if twice(c) { 2 } else { 1 })).collect();
    format!("'{inner}'")
}

/// A word of Xonsh. Its strings expand variables; a Python expression is taken as it is.
pub fn xonsh_word(word: &str) -> String {
    if is_plain(word) {
        word.to_owned()
    } else if !word.contains(['\'', '\\', '$', '{', '~']) {
        format!("'{word}'")
    } else {
        format!("@('{}')", word.replace('\\', "\\\\").replace('\'', "\\'"))
    }
}

#[cfg(test)]
mod tests {
    use super::{Candidate, CommandLine, bash, nu_word, powershell_word, tcsh, xonsh_word, zsh};

    fn candidates(words: &[&str]) -> Vec<Candidate> {
        words.iter().map(|word| Candidate { value: (*word).to_owned(), about: String::new() }).collect()
    }

    #[test]
    fn words_of_bash() {
        for (typed, replaced, word, shown) in [
            ("mfa-cred tw", "tw", "two words", "two\\ words"),
            ("mfa-cred two\\ w", "two\\ w", "two words", "two\\ words"),
            ("mfa-cred 'two w", "two w", "two words", "two words"),
            ("mfa-cred \"two w", "two w", "two words", "two words"),
            ("mfa-cred ", "", "$(touch PWNED)", "\\$\\(touch\\ PWNED\\)"),
            ("mfa-cred '$", "$", "$(touch PWNED)", "$(touch PWNED)"),
            ("mfa-cred \"", "", "$(touch PWNED)", "\\$(touch PWNED)"),
            ("mfa-cred '", "", "it's", "it'\\''s"),
            ("mfa-cred '", "", "it'", "it'\\'"),
            ("mfa-cred \"a", "a", "a!b", "a\"'!'\"b"),
            ("mfa-cred \"a", "a", "a!", "a\"'!'\"\""),
            ("mfa-cred \"a", "a", "a\"", "a\\\"\""),
            ("mfa-cred \\", "\\", "`touch PWNED`", "\\`touch\\ PWNED\\`"),
            ("mfa-cred \"\\", "\\", "`touch PWNED`", "\\`touch PWNED\\`"),
            ("mfa-cred ", "", "~root", "\\~root"),
            ("mfa-cred ", "", "#x", "\\#x"),
            ("mfa-cred team:d", "d", "team:dev", "dev"),
            ("mfa-cred ü", "ü", "ü 東京", "ü\\ 東京"),
        ] {
            let line = CommandLine::read(typed);
            assert_eq!(bash(&line, replaced, "", candidates(&[word]).iter()), format!("{shown}\n"), "{typed}");
        }
        let line = CommandLine::read("mfa-cred --source-profile=d");
        assert_eq!(bash(&line, "d", "--source-profile=", candidates(&["dev", "x"]).iter()), "dev\n");
    }

    #[test]
    fn words_of_the_others() {
        for (word, nu, powershell, xonsh) in [
            ("dev", "dev", "dev", "dev"),
            ("--region", "--region", "--region", "--region"),
            ("two words", "'two words'", "'two words'", "'two words'"),
            ("it's", "\"it's\"", "'it''s'", "@('it\\'s')"),
            ("$(x)", "'$(x)'", "'$(x)'", "@('$(x)')"),
            ("\\'\"", "\"\\\\'\\\"\"", "'\\''\"'", "@('\\\\\\'\"')"),
            ("1kb", "'1kb'", "'1kb'", "'1kb'"),
            ("true", "'true'", "true", "true"),
            ("a\u{2019}b", "'a\u{2019}b'", "'a\u{2019}\u{2019}b'", "'a\u{2019}b'"),
        ] {
            assert_eq!((nu_word(word).as_str(), powershell_word(word).as_str()), (nu, powershell));
            assert_eq!(xonsh_word(word), xonsh);
        }
        assert_eq!(tcsh("", candidates(&["dev", "two words", "$(x)", "a`b`", "*", "--x=y"]).iter()), "dev\n--x=y\n");
        assert_eq!(zsh(candidates(&["a:b", "c\\d"]).iter()), "a\\:b\nc\\\\d\n");
    }
}
