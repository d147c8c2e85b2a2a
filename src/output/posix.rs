//! sh, bash, zsh, ksh, mksh and dash.
//!
//! The payload must survive `eval "$(mfa-cred x)"` and also the unquoted `eval $(mfa-cred x)`, in which the shell
//! first splits the text at white space and expands `*`, `?`, `[…]` (and, here and there, `{…}` and `@(…)`) in it.
//! So a value is put in single quotes only when it holds nothing that this could change; any other is written with
//! `printf %b` and octal escapes, which no expansion touches.

use super::Shell;
use crate::secret::Secret;

pub(super) struct Posix;

impl Shell for Posix {
    fn set(&self, name: &str, value: &str) -> Secret<String> {
        if value.chars().all(is_inert) {
            return Secret::new(format!("export {name}='{value}';"));
        }
        let mut octal = String::with_capacity(value.len() * 5);
        for byte in value.bytes() {
            octal.push_str(&format!("\\0{byte:03o}"));
        }
        // `$(…)` drops line feeds at the end, hence the `x`, which is taken off again.
        let text = format!("{name}=\"$(printf %b '{octal}x')\";{name}=\"${{{name}%x}}\";export {name};");
        Secret::new(text)
    }

    fn unset(&self, name: &str) -> String {
        format!("unset {name};")
    }
}

/// Does the character mean nothing to splitting, globbing and single quotes?
fn is_inert(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_./:@%+=,-".contains(c)
}

#[cfg(test)]
mod tests {
    use super::Posix;
    use crate::output::Shell;

    #[test]
    fn plain_values_are_quoted_and_others_escaped() {
        for (value, text) in [
            ("ap-northeast-1", "export V='ap-northeast-1';"),
            ("a/b+c==", "export V='a/b+c==';"),
            ("", "export V='';"),
            ("a b", "V=\"$(printf %b '\\0141\\0040\\0142x')\";V=\"${V%x}\";export V;"),
        ] {
            assert_eq!(Posix.set("V", value).expose(), text);
        }
    }

    #[test]
    fn nothing_that_expands_is_left() {
        for value in ["$(touch PWNED)", "`id`", "*", "a\nb\n", "'", "\"", "\\", "{a,b}", "@(x)", "~", "ü", "!x", "#"] {
            let text = Posix.set("V", value);
            let inner = text.expose().split('\'').nth(1).expect("the quoted part");
            assert!(inner.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'\\'), "{value:?}: {inner}");
        }
    }
}
