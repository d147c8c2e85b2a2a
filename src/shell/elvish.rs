//! Elvish: evaluated by `eval (mfa-cred x | slurp)`.

use super::candidates::described;
use super::{Completion, Dialect, Init, Loading, Startup, Statements, Syntax, Words};
use crate::secret::Secret;

pub(super) const DIALECT: Dialect = Dialect {
    name: "elvish",
    programs: &[],
    statements: Statements::Own(&Elvish),
    evaluating: |command| format!("eval ({command} | slurp)"),
    init: Some(Init {
        command: include_str!("../../shell/mfa-cred.elv"),
        segment: Some(include_str!("../../shell/prompt.elv")),
        renewal: Some(include_str!("../../shell/renew.elv")),
        quote: |path| word(path).expose().clone(),
        loading: Loading::Line("eval (__BINARY__ init elvish | slurp)"),
    }),
    completion: Some(Completion {
        script: include_str!("../../completions/mfa-cred.elv"),
        call: "(external mfa-cred)",
        call_at: |program| format!("(external {program})"),
        comes_first: false,
        words: Words::Arguments,
        can_offer: true,
        offer: described,
    }),
    color_marks: None,
    startup: &[Startup::Config("elvish/rc.elv"), Startup::Home(".elvish/rc.elv")],
};

struct Elvish;

impl Syntax for Elvish {
    fn set(&self, name: &str, value: &str) -> Secret<String> {
        Secret::concat(&["set-env ", name, " ", word(value).expose()])
    }

    fn unset(&self, name: &str) -> String {
        format!("unset-env {name}")
    }
}

/// The text as one word in double quotes, where backslashes escape and nothing is expanded.
fn word(text: &str) -> Secret<String> {
    let mut quoted = String::with_capacity(text.len() * 6 + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            _ if c.is_ascii_control() => quoted.push_str(&format!("\\u{:04x}", u32::from(c))),
            _ => quoted.push(c),
        }
    }
    quoted.push('"');
    Secret::new(quoted)
}

#[cfg(test)]
mod tests {
    use super::Elvish;
    use crate::shell::Syntax;

    #[test]
    fn quoting() {
        for (value, text) in [
            ("$(touch PWNED)", "set-env V \"$(touch PWNED)\""),
            ("say \"hi\"\\", "set-env V \"say \\\"hi\\\"\\\\\""),
            ("a\nb", "set-env V \"a\\u000ab\""),
        ] {
            assert_eq!(Elvish.set("V", value).expose(), text);
        }
    }
}
