//! The payload where it is used: in the shells that people use, on a real terminal and in scripts.
//!
//! Every shell is the system's own, started without the tester's files. Another program started by the shell (`env`,
//! `printenv`) reads the variables, as the AWS CLI would, so that a variable that was set but not exported counts as
//! lost. A missing shell is reported as skipped, and fails the run in CI.

mod by_name;
mod data;
mod day;
mod hostile;
mod others;
mod quoting;
mod scopes;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::tools::skip_without;

/// A shell, and how it is driven.
#[derive(Clone, Copy, Debug)]
struct Shell {
    program: &'static str,
    /// The option that skips its startup files.
    bare: &'static [&'static str],
    is_fish: bool,
}

const DASH: Shell = Shell { program: "dash", bare: &[], is_fish: false };
const BASH: Shell = Shell { program: "bash", bare: &["--norc", "--noprofile"], is_fish: false };
const ZSH: Shell = Shell { program: "zsh", bare: &["-f"], is_fish: false };
const KSH: Shell = Shell { program: "ksh", bare: &[], is_fish: false };
const MKSH: Shell = Shell { program: "mksh", bare: &[], is_fish: false };
const FISH: Shell = Shell { program: "fish", bare: &["--no-config"], is_fish: true };

/// The two ways in which a shell evaluates a payload.
#[derive(Clone, Copy, Debug)]
enum Form {
    /// `eval $(…)`; in fish `… | source`
    Usual,
    /// `eval "$(…)"`; in fish `eval (…)`
    Other,
}

const FORMS: [Form; 2] = [Form::Usual, Form::Other];

/// Can this shell evaluate the output of `env` here?
pub(super) fn is_evaluated(name: &str) -> bool {
    let by_name = [BASH, ZSH, DASH, KSH, MKSH, FISH].iter().any(|shell| shell.program == name);
    by_name || name == "posix" || name == "powershell" || others::ALL.iter().any(|reader| reader.program == name)
}

impl Shell {
    /// Is it installed? If not, that is reported.
    fn is_here(self) -> bool {
        let found = Command::new(self.program).args(self.bare).args(["-c", "true"]).stderr(Stdio::null()).status();
        let is_here = found.is_ok_and(|status| status.success());
        if !is_here {
            skip_without("its words", self.program);
        }
        is_here
    }

    /// The line that evaluates the output of `command`.
    fn take(self, form: Form, command: &str) -> String {
        match (form, self.is_fish) {
            (Form::Usual, false) => format!("eval $({command})"),
            (Form::Other, false) => format!("eval \"$({command})\""),
            (Form::Usual, true) => format!("{command} | source"),
            (Form::Other, true) => format!("eval ({command})"),
        }
    }

    /// The exit code of the previous line.
    fn status(self) -> &'static str {
        if self.is_fish { "$status" } else { "$?" }
    }

    /// `text` as one word of this shell, as a person would quote it.
    fn word(self, text: &str) -> String {
        if self.is_fish {
            format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
        } else {
            format!("'{}'", text.replace('\'', "'\\''"))
        }
    }

    /// The shell itself, at a prompt.
    fn interactive(self) -> Command {
        let mut command = Command::new(self.program);
        command.args(self.bare).arg("-i");
        command
    }

    /// The shell with a script.
    fn script(self, file: &Path) -> Command {
        let mut command = Command::new(self.program);
        command.args(self.bare).arg(file);
        command
    }
}

/// Names that are valid within quotes in `~/.aws/config`, each of which has a meaning in some shell.
pub(crate) const NAMES: [&str; 66] = [
    "$(touch PWNED)",
    "`touch PWNED`",
    "$HOME",
    "${IFS}",
    "$'\\n'",
    "$((1+1))",
    "two words",
    "two  spaces",
    " first",
    "last ",
    " ",
    "it's",
    "say \"hi\"",
    "'",
    "\"",
    "\\",
    "\\\\",
    "back\\slash",
    "end\\",
    "\\n\\t\\0101\\x41\\c",
    "'; touch PWNED; '",
    "\"; touch PWNED; \"",
    "x;touch PWNED",
    "x;touch PWNED;",
    "x&touch PWNED",
    "x&&touch PWNED",
    "x|touch PWNED",
    "x||touch PWNED",
    ">PWNED",
    "x >PWNED",
    "<(touch PWNED)",
    ">(touch PWNED)",
    "=(touch PWNED)",
    "(touch PWNED)",
    "{touch,PWNED}",
    "a[$(touch PWNED)]",
    "*(e:'touch PWNED':)",
    "x'`touch PWNED`'x",
    "*",
    "?",
    "[a]",
    "[!x]*",
    "@(a|b)",
    "+(?)",
    "{a,b}",
    "{1..3}",
    "~",
    "~root",
    "!!",
    "x!y",
    "^a^b",
    "#x",
    "x #y",
    "-n",
    "-e",
    "--",
    "%s%n%b",
    "=ls",
    "x=y",
    "PATH=/nonexistent",
    "xx",
    "ü 東京 \u{1f408}",
    "\u{202e}txt.exe\u{200f}",
    "\u{feff}\u{2028}\u{a0}",
    "\u{f601}\u{f6ff}\u{fdd0}",
    "x)fi;touch PWNED",
];

/// A working folder whose files have the names that the patterns among the values would match, alone or in a badly
/// quoted statement.
pub(crate) fn trap() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for name in ["a", "b", "x", "-n", "MFA_CRED_PROFILE='a';", "MFA_CRED_PROFILE=a;", "AWSUME_PROFILE='a';", "export"] {
        fs::write(folder.path().join(name), "echo ran").expect("a file");
    }
    folder
}

/// Nothing in a value was executed: it would have left a file called `PWNED`.
pub(crate) fn assert_nothing_ran(folder: &Path, what: &str) {
    for file in fs::read_dir(folder).into_iter().flatten().flatten() {
        assert!(!file.file_name().to_string_lossy().contains("PWNED"), "{what}: {}", file.path().display());
        if file.file_type().is_ok_and(|kind| kind.is_dir()) {
            assert_nothing_ran(&file.path(), what);
        }
    }
}

/// The output of `printenv -0` or `env -0`.
fn nul_ended(file: &Path) -> Vec<String> {
    let bytes = fs::read(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let text = String::from_utf8(bytes).expect("UTF-8");
    text.split_terminator('\0').map(str::to_owned).collect()
}
