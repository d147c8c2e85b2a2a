//! Xonsh: evaluated by `execx($(mfa-cred x))`. Its Python strings are not expanded.

use super::candidates::{is_plain, replaced};
use super::{Completion, Dialect, Init, Loading, Startup, Statements, Syntax, Words};
use crate::secret::Secret;

pub(super) const DIALECT: Dialect = Dialect {
    name: "xonsh",
    programs: &[],
    statements: Statements::Own(&Xonsh),
    evaluating: |command| format!("execx($({command}))"),
    init: Some(Init {
        command: include_str!("../../shell/mfa-cred.xsh"),
        segment: Some(include_str!("../../shell/prompt.xsh")),
        renewal: Some(include_str!("../../shell/renew.xsh")),
        quote: |path| word(path).expose().clone(),
        loading: Loading::Itself,
    }),
    completion: Some(Completion {
        script: include_str!("../../completions/mfa-cred.xsh"),
        call: "[\"mfa-cred\", ",
        call_at: |program| format!("[{program}, "),
        comes_first: false,
        words: Words::Arguments,
        can_offer: true,
        offer: |cursor, candidates| replaced(shown, cursor, candidates),
    }),
    color_marks: None,
    startup: &[Startup::Home(".xonshrc"), Startup::Config("xonsh/rc.xsh"), Startup::Whole("xonsh/rc.d/mfa-cred.xsh")],
};

struct Xonsh;

impl Syntax for Xonsh {
    fn set(&self, name: &str, value: &str) -> Secret<String> {
        Secret::concat(&["${...}['", name, "'] = ", word(value).expose()])
    }

    /// Twice: within `${...}.swap(…)`, the first one reveals the previous value.
    fn unset(&self, name: &str) -> String {
        format!("${{...}}.pop('{name}', None); ${{...}}.pop('{name}', None)")
    }
}

/// The text as a Python string in ASCII, so that the locale does not matter.
fn word(text: &str) -> Secret<String> {
    let mut quoted = String::with_capacity(text.len() * 10 + 2);
    quoted.push('\'');
    for c in text.chars() {
        match c {
            '\'' | '\\' => quoted.extend(['\\', c]),
            ' '..='~' => quoted.push(c),
            _ => quoted.push_str(&format!("\\U{:08x}", u32::from(c))),
        }
    }
    quoted.push('\'');
    Secret::new(quoted)
}

/// A Xonsh word. Xonsh expands variables in quoted words, but not in a Python expression.
fn shown(word: &str) -> String {
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
    use super::Xonsh;
    use crate::shell::Syntax;

    #[test]
    fn quoting() {
        for (value, text) in [
            ("$(touch PWNED)", "${...}['V'] = '$(touch PWNED)'"),
            ("it's \\", "${...}['V'] = 'it\\'s \\\\'"),
            ("a\nü", "${...}['V'] = 'a\\U0000000a\\U000000fc'"),
        ] {
            assert_eq!(Xonsh.set("V", value).expose(), text);
        }
    }
}
