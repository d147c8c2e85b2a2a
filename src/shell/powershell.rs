//! PowerShell: evaluated by `mfa-cred x | Invoke-Expression`, which receives one line at a time, so each statement is
//! one line.
//!
//! Written from the documentation, in the form of the AWS CLI's `export-credentials --format powershell`; not tested in
//! PowerShell.

use super::candidates::{is_plain, replaced};
use super::{Completion, Dialect, Init, Loading, Startup, Statements, Syntax, Words};
use crate::secret::Secret;

pub(super) const DIALECT: Dialect = Dialect {
    name: "powershell",
    programs: &["pwsh"],
    statements: Statements::Own(&PowerShell),
    evaluating: |command| format!("{command} | Invoke-Expression"),
    init: Some(Init {
        command: include_str!("../../shell/mfa-cred.ps1"),
        segment: Some(include_str!("../../shell/prompt.ps1")),
        renewal: Some(include_str!("../../shell/renew.ps1")),
        quote: |path| format!("({})", word(path).expose()),
        loading: Loading::Line("& __BINARY__ init powershell | Out-String | Invoke-Expression"),
    }),
    completion: Some(Completion {
        script: include_str!("../../completions/mfa-cred.ps1"),
        call: "-Name mfa-cred ",
        call_at: |program| format!("-Name {program} "),
        comes_first: false,
        words: Words::Arguments,
        can_offer: true,
        offer: |cursor, candidates| replaced(shown, cursor, candidates),
    }),
    color_marks: None,
    startup: &[
        Startup::Config("powershell/Microsoft.PowerShell_profile.ps1"),
        Startup::Config("powershell/profile.ps1"),
    ],
};

struct PowerShell;

impl Syntax for PowerShell {
    fn set(&self, name: &str, value: &str) -> Secret<String> {
        Secret::concat(&["$Env:", name, "=", word(value).expose()])
    }

    fn unset(&self, name: &str) -> String {
        format!("$Env:{name}=$null")
    }
}

/// The text as an expression. ASCII is in single quotes, where only the quote itself is special. Other characters are
/// written by number: the console's code page may read `ё` as two characters, the second of which is U+2018, and that
/// closes a string just as `'` does.
fn word(text: &str) -> Secret<String> {
    let mut quoted = String::with_capacity(text.len() * 20 + 2);
    quoted.push('\'');
    for c in text.chars() {
        match c {
            '\'' => quoted.push_str("''"),
            ' '..='~' => quoted.push(c),
            _ => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    quoted.push_str(&format!("'+[char]{unit}+'"));
                }
            }
        }
    }
    quoted.push('\'');
    Secret::new(quoted)
}

/// A PowerShell word. PowerShell treats four more characters as single quotes.
fn shown(word: &str) -> String {
    if is_plain(word) {
        return word.to_owned();
    }
    let twice = |c: char| matches!(c, '\'' | '\u{2018}'..='\u{201b}');
    let inner: String = word.chars().flat_map(|c| std::iter::repeat_n(c, if twice(c) { 2 } else { 1 })).collect();
    format!("'{inner}'")
}

#[cfg(test)]
mod tests {
    use super::PowerShell;
    use crate::shell::Syntax;

    #[test]
    fn quoting() {
        for (value, text) in [
            ("ASIA", "$Env:V='ASIA'"),
            ("", "$Env:V=''"),
            ("$(touch PWNED)", "$Env:V='$(touch PWNED)'"),
            ("`n\"%x%", "$Env:V='`n\"%x%'"),
            ("it's", "$Env:V='it''s'"),
            ("a\u{2018};touch PWNED;\u{2019}", "$Env:V='a'+[char]8216+';touch PWNED;'+[char]8217+''"),
            ("a\nb", "$Env:V='a'+[char]10+'b'"),
            ("\n", "$Env:V=''+[char]10+''"),
            ("\u{1f408}", "$Env:V=''+[char]55357+''+[char]56328+''"),
        ] {
            assert_eq!(PowerShell.set("V", value).expose(), text);
        }
        assert_eq!(PowerShell.unset("V"), "$Env:V=$null");
    }
}
