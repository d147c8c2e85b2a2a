//! Xonsh: `execx($(mfa-cred x))`. Its Python does not expand what stands in a string.

use super::Shell;
use crate::secret::Secret;

pub(super) struct Xonsh;

impl Shell for Xonsh {
    fn set(&self, name: &str, value: &str) -> Secret<String> {
        Secret::concat(&["${...}['", name, "'] = ", word(value).expose()])
    }

    /// Twice: below `${...}.swap(…)`, the first shows what was there before.
    fn unset(&self, name: &str) -> String {
        format!("${{...}}.pop('{name}', None); ${{...}}.pop('{name}', None)")
    }
}

/// The text as a string of Python, in ASCII whatever the locale is.
pub(super) fn word(text: &str) -> Secret<String> {
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

#[cfg(test)]
mod tests {
    use super::Xonsh;
    use crate::output::Shell;

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
