//! sh, bash, zsh, ksh, mksh and dash.
//!
//! The payload must survive `eval "$(mfa-cred x)"` and also the unquoted `eval $(mfa-cred x)`, where the shell first
//! splits the text at white space and expands `*`, `?`, `[…]` (and, in some shells, `{…}`, `@(…)` and `(`) in it. So a
//! value is put in single quotes only if it contains nothing that this could change. In other values, such characters
//! are written as octal escapes for `printf %b`, which no expansion changes. The statement around the value contains no
//! pattern either: it uses backquotes, because zsh with `GLOB_SUBST` reads the parenthesis of `$(…)` as one.
//!
//! With an unusual `IFS` the unquoted form loses characters of the statements. The values are then lost too, but none
//! of them may become a command or another variable.
//!
//! The backslash before `export` and `unset` bypasses the user's aliases.

mod scopes;

use super::{Dialect, Init, Loading, Startup, Statements, Syntax};
use crate::secret::Secret;

pub(super) const DIALECT: Dialect = Dialect {
    name: "posix",
    programs: &["sh", "dash", "ash", "ksh", "ksh93", "mksh", "oksh", "yash", "busybox"],
    statements: Statements::Own(&Posix),
    evaluating: |command| format!("eval $({command})"),
    init: Some(Init {
        command: include_str!("../../shell/mfa-cred.sh"),
        segment: None,
        renewal: None,
        quote: quoted,
        loading: Loading::Line("eval \"$(__BINARY__ init posix)\""),
    }),
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
        let escaped = Secret::new(escaped(value));
        // Command substitution drops line feeds at the end, so an `x` is added and removed again. If `IFS` contains a
        // `"`, the value would become words of a command; but then the condition is false as well.
        let start = format!("if test \" \";then {name}=\"`printf %b '");
        let end = format!("x'`\";{name}=\"${{{name}%x}}\";\\export {name};fi;");
        Secret::concat(&[&start, escaped.expose(), &end])
    }

    /// Nothing: [`Syntax::settle`] unsets them all.
    fn hide(&self, _name: &str, _stand_in: &str) -> String {
        String::new()
    }

    fn settle(&self, hidden: &[&str]) -> Option<String> {
        Some(scopes::settle(hidden))
    }

    fn unset(&self, name: &str) -> String {
        format!("if test \"${{{name}+x}}\";then \\unset {name};fi;").repeat(3)
    }
}

/// The value for `printf %b`, in characters that no expansion changes.
fn escaped(value: &str) -> String {
    // It never grows, and so leaves no copy of a secret.
    let mut escaped = String::with_capacity(value.len() * 5);
    for byte in value.bytes() {
        if is_inert_byte(byte) {
            escaped.push(char::from(byte));
        } else {
            let digit = |shift: u8| char::from(b'0' + (byte >> shift & 7));
            escaped.extend(['\\', '0', digit(6), digit(3), digit(0)]);
        }
    }
    escaped
}

/// Is the value unaffected by splitting, globbing, single quotes and, if an unusual `IFS` removes those quotes,
/// `export`? A `=` is allowed only at the end, as in Base64, where it cannot start an assignment.
pub(super) fn is_inert(value: &str) -> bool {
    value.trim_end_matches('=').bytes().all(is_inert_byte)
}

const fn is_inert_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'/' | b':' | b'@' | b'%' | b'+' | b',' | b'-')
}

/// Quotes a path as one word for a file that is sourced.
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
    fn no_character_that_a_shell_expands_remains() {
        for value in ["$(touch PWNED)", "`id`", "*", "a\nb\n", "'", "\"", "\\", "{a,b}", "@(x)", "~", "ü", "!x", "#"] {
            let text = Posix.set("V", value);
            let inner = text.expose().split('\'').nth(1).expect("the quoted part");
            assert!(inner.bytes().all(|b| super::is_inert_byte(b) || b == b'\\'), "{value:?}: {inner}");
            assert!(!text.expose().contains(['*', '?', '[', '(', ')', '~', '#', '^', '<', '>', '|', '&']), "{value:?}");
        }
    }
}
