//! tcsh: evaluated by ``eval `mfa-cred x` ``, where the shell splits the text at white space and expands patterns
//! before `eval` reads it, or by ``eval "`mfa-cred x`"``.
//!
//! So a value that either could change is written as octal escapes in `$'…'` (since tcsh 6.19 of 2015; the original csh
//! does not support it). Non-ASCII characters are not escaped, because an escape would mean a character instead of a
//! byte; nothing there expands them.

use super::candidates::{Candidate, Cursor, is_plain};
use super::posix;
use super::{Completion, Dialect, Init, Loading, Startup, Statements, Syntax, Words};
use crate::secret::Secret;

pub(super) const DIALECT: Dialect = Dialect {
    name: "tcsh",
    programs: &["csh"],
    statements: Statements::Own(&Tcsh),
    evaluating: |command| format!("eval \"`{command}`\""),
    init: Some(Init {
        command: include_str!("../../shell/mfa-cred.tcsh"),
        segment: None,
        renewal: Some(include_str!("../../shell/renew.tcsh")),
        quote: |path| word(path).expose().clone(),
        loading: Loading::Script { file: ".mfa-cred.tcsh", line: "source ~/.mfa-cred.tcsh" },
    }),
    completion: Some(Completion {
        script: include_str!("../../completions/mfa-cred.tcsh"),
        call: "\\mfa-cred ",
        // This text is within quotes, so it uses the variable of the other script.
        call_at: |_| "$__mfa_cred:q ".to_owned(),
        // The other script is sourced for its status, so nothing may follow it.
        comes_first: true,
        words: Words::Variable("COMMAND_LINE"),
        // tcsh reads only words.
        can_offer: false,
        offer,
    }),
    color_marks: None,
    startup: &[Startup::Home(".tcshrc"), Startup::Home(".cshrc"), Startup::Home(".login")],
};

struct Tcsh;

impl Syntax for Tcsh {
    fn set(&self, name: &str, value: &str) -> Secret<String> {
        Secret::concat(&["setenv ", name, " ", word(value).expose(), ";"])
    }

    fn unset(&self, name: &str) -> String {
        format!("unsetenv {name};")
    }
}

/// The text as one word on one line.
fn word(text: &str) -> Secret<String> {
    if posix::is_inert(text) {
        return Secret::concat(&["'", text, "'"]);
    }
    let mut escaped = String::with_capacity(text.len() * 4 + 3);
    escaped.push_str("$'");
    for c in text.chars() {
        if c.is_ascii_alphanumeric() || !c.is_ascii() {
            escaped.push(c);
        } else {
            escaped.push_str(&format!("\\{:03o}", u32::from(c)));
        }
    }
    escaped.push('\'');
    Secret::new(escaped)
}

/// Only candidates that need no quotes: tcsh splits its input.
fn offer(cursor: &Cursor<'_>, candidates: &[Candidate]) -> String {
    let words = candidates.iter().map(|candidate| cursor.word(candidate));
    words.filter(|word| is_plain(word)).map(|word| word + "\n").collect()
}

#[cfg(test)]
mod tests {
    use super::Tcsh;
    use crate::shell::Syntax;

    #[test]
    fn plain_values_are_quoted_and_others_escaped() {
        for (value, text) in [
            ("a/b+c==", "setenv V 'a/b+c==';"),
            ("", "setenv V '';"),
            ("x!y\n", "setenv V $'x\\041y\\012';"),
            ("ü *", "setenv V $'ü\\040\\052';"),
            ("$(touch)", "setenv V $'\\044\\050touch\\051';"),
        ] {
            assert_eq!(Tcsh.set("V", value).expose(), text);
        }
    }
}
