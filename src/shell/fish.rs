//! fish: evaluated by `mfa-cred x | source`, or by `eval (mfa-cred x)`, which splits at line feeds only. All variables
//! are set as global ones, the scope that fish gives to inherited variables.

use super::candidates::described;
use super::{ColorMarks, Completion, Dialect, Init, Loading, Startup, Statements, Syntax, Words};
use crate::secret::Secret;

pub(super) const DIALECT: Dialect = Dialect {
    name: "fish",
    programs: &[],
    statements: Statements::Own(&Fish),
    evaluating: |command| format!("{command} | source"),
    init: Some(Init {
        command: include_str!("../../shell/mfa-cred.fish"),
        segment: Some(include_str!("../../shell/prompt.fish")),
        renewal: Some(include_str!("../../shell/renew.fish")),
        quote: |path| word(path).expose().clone(),
        loading: Loading::Line("__BINARY__ init fish | source"),
    }),
    completion: Some(Completion {
        script: include_str!("../../completions/mfa-cred.fish"),
        call: "command mfa-cred ",
        call_at: |program| format!("command {program} "),
        comes_first: false,
        words: Words::Arguments,
        can_offer: true,
        offer: described,
    }),
    color_marks: Some(ColorMarks::NONE),
    startup: &[Startup::Config("fish/config.fish"), Startup::Config("fish/conf.d/mfa-cred.fish")],
};

struct Fish;

impl Syntax for Fish {
    fn set(&self, name: &str, value: &str) -> Secret<String> {
        Secret::concat(&["set -gx ", name, " ", word(value).expose(), ";"])
    }

    fn unset(&self, name: &str) -> String {
        // A bare `set -e` fails if there is nothing to erase. It also erases a universal variable, which would remove
        // it from all sessions for good.
        format!("while set -ql {name};set -el {name};end;if set -qg {name};set -eg {name};end;")
    }

    /// An exported universal variable reaches programs past any global variable that is not exported (seen in fish
    /// 3.6), and its export flag is shared by all sessions. In this session, only an exported global variable with
    /// another value can hide it.
    fn hide(&self, name: &str, stand_in: &str) -> String {
        let value = word(stand_in);
        format!("{}if set -qUx {name};set -gx {name} {};end;", self.unset(name), value.expose())
    }

    fn reveal(&self, name: &str) -> Option<String> {
        let is_ours = format!("contains -- \"${name}\" \"\" \"$MFA_CRED_PROFILE\" \"$MFA_CRED_EXPORTED_PROFILE\"");
        Some(format!("if set -qU {name};and set -qg {name};and {is_ours};set -eg {name};end;"))
    }
}

/// The text as one word on one line.
fn word(text: &str) -> Secret<String> {
    let mut quoted = String::with_capacity(text.len() * 6 + 2);
    quoted.push('\'');
    for c in text.chars() {
        match c {
            // The only two characters that are special within single quotes in fish.
            '\'' | '\\' => quoted.extend(['\\', c]),
            // A line feed would end the line under `eval (…)`. Escapes work only outside the quotes.
            _ if c.is_ascii_control() => quoted.push_str(&format!("'\\x{:02x}'", u32::from(c))),
            _ => quoted.push(c),
        }
    }
    quoted.push('\'');
    Secret::new(quoted)
}

#[cfg(test)]
mod tests {
    use super::Fish;
    use crate::shell::Syntax;

    #[test]
    fn quoting() {
        for (value, text) in [
            ("$(touch PWNED)", "set -gx V '$(touch PWNED)';"),
            ("it's", "set -gx V 'it\\'s';"),
            ("a\\b", "set -gx V 'a\\\\b';"),
            ("a\nb", "set -gx V 'a'\\x0a'b';"),
            ("", "set -gx V '';"),
        ] {
            assert_eq!(Fish.set("V", value).expose(), text);
        }
    }
}
