//! cmd.exe: evaluated by `for /f "delims=" %i in ('mfa-cred x') do @%i`, or as a batch file that is called.
//!
//! Tried in the cmd of Wine, not in that of Windows.

use super::{Dialect, Statements, Syntax};
use crate::secret::Secret;

pub(super) const DIALECT: Dialect = Dialect {
    name: "cmd",
    programs: &[],
    statements: Statements::Own(&Cmd),
    evaluating: |command| format!("for /f \"delims=\" %i in ('{command}') do @%i"),
    init: None,
    completion: None,
    color_marks: None,
    startup: &[],
};

struct Cmd;

impl Syntax for Cmd {
    fn set(&self, name: &str, value: &str) -> Secret<String> {
        Secret::concat(&["set \"", name, "=", value, "\""])
    }

    fn unset(&self, name: &str) -> String {
        format!("set \"{name}=\"")
    }

    /// In quotes only `"`, `%` and, with delayed expansion, `!` are special, and none of them has an escape that both
    /// `for /f` and a batch file understand. Text beyond ASCII goes through the console's code page, where a character
    /// may swallow the quote. A variable with an empty value does not exist.
    fn can_hold(&self, value: &str) -> bool {
        !value.is_empty() && value.chars().all(|c| matches!(c, ' '..='~') && !"\"%!".contains(c))
    }
}

#[cfg(test)]
mod tests {
    use super::Cmd;
    use crate::shell::Syntax;

    #[test]
    fn only_plain_text_can_be_expressed() {
        for value in ["ASIA", "a/b+c==", "two words", "x&touch PWNED", "a^b", "x|y>z", "(x)", "it's", "\\"] {
            assert!(Cmd.can_hold(value), "{value}");
            assert_eq!(*Cmd.set("V", value).expose(), format!("set \"V={value}\""));
        }
        for value in ["", "%PATH%", "!x!", "\"&touch PWNED&\"", "a\nb", "\r", "\0", "\t", "ü", "\u{201d}"] {
            assert!(!Cmd.can_hold(value), "{value}");
        }
    }
}
