//! sh, bash, zsh, ksh, mksh and dash.
//!
//! The payload must survive `eval "$(mfa-cred x)"` and also the unquoted `eval $(mfa-cred x)`, in which the shell
//! first splits the text at white space and expands `*`, `?`, `[…]` (and, here and there, `{…}`, `@(…)` and `(`) in it.
//! So a value is put in single quotes only when it holds nothing that this could change. In any other, what could be
//! is written as octal escapes for `printf %b`, which no expansion touches, and nothing in the statement around it is
//! a pattern either: hence backquotes, since zsh's `GLOB_SUBST` takes the parenthesis of `$(…)` for one.
//!
//! With an odd `IFS` the unquoted form loses characters of the statements. Then the values are lost too, but none may
//! become a command or a variable of its own.
//!
//! A backslash before `export` and `unset` keeps the user's aliases away from them.

use super::{Dialect, Init, Startup, Statements, Syntax};
use crate::secret::Secret;

pub(super) const DIALECT: Dialect = Dialect {
    name: "posix",
    programs: &["sh", "dash", "ash", "ksh", "ksh93", "mksh", "oksh", "yash", "busybox"],
    statements: Statements::Own(&Posix),
    evaluating: |command| format!("eval $({command})"),
    init: Some(Init { command: include_str!("../../shell/mfa-cred.sh"), segment: None, quote: quoted }),
    completion: None,
    color_marks: None,
    startup: &[
        Startup::Named("ENV"),
        Startup::Home(".profile"),
        Startup::Home(".kshrc"),
        Startup::Home(".mkshrc"),
        Startup::Home(".shrc"),
    ],
};

struct Posix;

impl Syntax for Posix {
    fn set(&self, name: &str, value: &str) -> Secret<String> {
        if is_inert(value) {
            return Secret::concat(&["\\export ", name, "='", value, "';"]);
        }
        let mut escaped = String::with_capacity(value.len() * 5);
        for byte in value.bytes() {
            if is_inert_byte(byte) {
                escaped.push(char::from(byte));
            } else {
                escaped.push_str(&format!("\\0{byte:03o}"));
            }
        }
        let escaped = Secret::new(escaped);
        // Command substitution drops line feeds at the end, hence the `x`, which is taken off again. Where `IFS` holds
        // a `"`, the value would become words of a command; then the condition is no longer true either.
        let start = format!("if test \" \";then {name}=\"`printf %b '");
        let end = format!("x'`\";{name}=\"${{{name}%x}}\";\\export {name};fi;");
        Secret::concat(&[&start, escaped.expose(), &end])
    }

    /// In a function, bash and mksh take away the innermost variable of that name, and thereby show the next: what a
    /// caller declared, and the global one. So this is done for as long as there is one. Without a loop, which would
    /// have no end where one is read-only.
    fn unset(&self, name: &str) -> String {
        format!("if test \"${{{name}+x}}\";then \\unset {name};fi;").repeat(3)
    }
}

/// Does the value mean nothing to splitting, globbing, single quotes and, should an odd `IFS` take those away,
/// `export`? So a `=` may stand at the end, as in base64, and not where it would make a variable.
pub(super) fn is_inert(value: &str) -> bool {
    value.trim_end_matches('=').bytes().all(is_inert_byte)
}

fn is_inert_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_./:@%+,-".contains(&byte)
}

/// A path as one word, in a file that is sourced.
pub(super) fn quoted(path: &str) -> String {
    format!("'{}'", path.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::Posix;
    use crate::shell::Syntax;

    #[test]
    fn plain_values_are_quoted_and_others_escaped() {
        for (value, text) in [
            ("ap-northeast-1", "\\export V='ap-northeast-1';"),
            ("a/b+c==", "\\export V='a/b+c==';"),
            ("", "\\export V='';"),
            ("a b", "if test \" \";then V=\"`printf %b 'a\\0040bx'`\";V=\"${V%x}\";\\export V;fi;"),
            ("PATH=/x", "if test \" \";then V=\"`printf %b 'PATH\\0075/xx'`\";V=\"${V%x}\";\\export V;fi;"),
        ] {
            assert_eq!(Posix.set("V", value).expose(), text);
        }
    }

    #[test]
    fn nothing_that_expands_is_left() {
        for value in ["$(touch PWNED)", "`id`", "*", "a\nb\n", "'", "\"", "\\", "{a,b}", "@(x)", "~", "ü", "!x", "#"] {
            let text = Posix.set("V", value);
            let inner = text.expose().split('\'').nth(1).expect("the quoted part");
            assert!(inner.bytes().all(|b| super::is_inert_byte(b) || b == b'\\'), "{value:?}: {inner}");
            assert!(!text.expose().contains(['*', '?', '[', '(', ')', '~', '#', '^', '<', '>', '|', '&']), "{value:?}");
        }
    }
}
