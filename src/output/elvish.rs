//! Elvish: `eval (mfa-cred x | slurp)`.

use super::Shell;
use crate::secret::Secret;

pub(super) struct Elvish;

impl Shell for Elvish {
    fn set(&self, name: &str, value: &str) -> Secret<String> {
        Secret::concat(&["set-env ", name, " ", word(value).expose()])
    }

    fn unset(&self, name: &str) -> String {
        format!("unset-env {name}")
    }
}

/// The text as one word: in double quotes, where backslashes escape and nothing expands.
pub(super) fn word(text: &str) -> Secret<String> {
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
    use crate::output::Shell;

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
