//! Every shell that mfa-cred supports, and all that it knows about each: one table, one file per shell.
//!
//! To add a shell, write its file, its scripts in `shell/` and `completions/`, and a line in the table below. The tests
//! name every other place that needs it: the README's table and the lists of the scenarios.

mod bash;
pub mod candidates;
mod cmd;
mod elvish;
mod fish;
pub mod line;
mod nu;
mod posix;
mod powershell;
pub mod startup;
mod tcsh;
mod xonsh;
mod zsh;

use std::fmt;
use std::str::FromStr;

use crate::secret::Secret;
use candidates::{Candidate, Cursor};

/// The enum, its list, and the description of each shell: one line per shell.
macro_rules! shells {
    ($($(#[$doc:meta])* $shell:ident => $file:ident),+ $(,)?) => {
        /// A supported shell.
        #[derive(Clone, Copy, Debug, Eq, PartialEq)]
        pub enum Shell {
            $($(#[$doc])* $shell),+
        }

        impl Shell {
            /// All shells, in the order of the help.
            pub const ALL: [Self; [$(stringify!($shell)),+].len()] = [$(Self::$shell),+];

            /// The properties of this shell.
            pub fn dialect(self) -> &'static Dialect {
                match self {
                    $(Self::$shell => &$file::DIALECT),+
                }
            }
        }
    };
}

shells! {
    /// bash
    Bash => bash,
    /// zsh
    Zsh => zsh,
    /// dash, ksh, mksh and other POSIX shells
    Posix => posix,
    /// fish
    Fish => fish,
    /// PowerShell, on every operating system
    PowerShell => powershell,
    /// cmd.exe
    Cmd => cmd,
    /// Nushell
    Nu => nu,
    /// Elvish
    Elvish => elvish,
    /// Xonsh
    Xonsh => xonsh,
    /// tcsh
    Tcsh => tcsh,
}

/// The description of a shell.
pub struct Dialect {
    /// The shell's name on our command line.
    pub name: &'static str,
    /// Other program names of this shell.
    pub programs: &'static [&'static str],
    /// The format of the statements that it evaluates.
    pub statements: Statements,
    /// The line with which a user makes it evaluate a command's output.
    pub evaluating: fn(&str) -> String,
    /// What `init` prints; `None` for a shell that cannot define our function.
    pub init: Option<Init>,
    /// The completion script; `None` if the shell has no completion.
    pub completion: Option<Completion>,
    /// The marks around color codes in its prompt, if `prompt --shell` supports it.
    pub color_marks: Option<ColorMarks>,
    /// Where the user puts startup commands.
    pub startup: &'static [Startup],
}

/// A startup file of a shell.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Startup {
    /// A path relative to the home directory.
    Home(&'static str),
    /// A path relative to the folder that the variable (first) names, or else to the home directory.
    Below(&'static str, &'static str),
    /// A path relative to the configuration folder.
    Config(&'static str),
    /// The file that this variable names.
    Named(&'static str),
    /// A path relative to the configuration folder. `init` writes the whole file and the shell loads it by itself, so
    /// no startup file mentions it.
    Whole(&'static str),
}

/// The format of the statements that a shell evaluates.
#[derive(Clone, Copy)]
pub enum Statements {
    /// Its own statements.
    Own(&'static (dyn Syntax + Sync)),
    /// The statements of another shell.
    SameAs(Shell),
    /// A JSON object of variables.
    Object,
}

/// The syntax of a shell's statements.
pub trait Syntax {
    /// A statement that sets and exports a variable, including its terminator.
    fn set(&self, name: &str, value: &str) -> Secret<String>;

    /// A statement that unsets a variable, including its terminator.
    fn unset(&self, name: &str) -> String;

    /// Like [`Syntax::unset`], for a variable that another scope, where it cannot be removed, may bring back. Then
    /// programs see `stand_in` instead, if that is no worse than an unset variable.
    fn hide(&self, name: &str, _stand_in: &str) -> String {
        self.unset(name)
    }

    /// A statement that follows those of [`Syntax::hide`], for all of these variables at once.
    fn settle(&self, _hidden: &[&str]) -> Option<String> {
        None
    }

    /// A statement that undoes [`Syntax::hide`], if it leaves anything.
    fn reveal(&self, _name: &str) -> Option<String> {
        None
    }

    /// Can a statement express the value? The value contains no NUL, because no environment variable can.
    fn can_hold(&self, _value: &str) -> bool {
        true
    }
}

/// The scripts in `shell/`. They are stored so that linters can read them; two placeholders are replaced.
pub struct Init {
    /// Defines a shell command that runs the program and can change the shell's environment. `__BINARY__` stands for
    /// the program's quoted path and `__COMMAND__` for the name of the command.
    pub command: &'static str,
    /// Adds the segment to the prompt; `None` for a shell that has no way to get the current time.
    pub segment: Option<&'static str>,
    /// Renews the shell's credentials before a command starts; `None` for a shell that cannot. `__BINARY__` as above.
    pub renewal: Option<&'static str>,
    /// Quotes a path as a word that can be run as a program.
    pub quote: fn(&str) -> String,
    /// How the shell loads what `init` prints.
    pub loading: Loading,
}

/// How a shell loads what `init` prints, whenever it starts.
#[derive(Clone, Copy, Debug)]
pub enum Loading {
    /// By this line in the first of its startup files. `__BINARY__` stands for the program.
    Line(&'static str),
    /// By itself, from the file of [`Startup::Whole`].
    Itself,
    /// By a line in its startup file that reads a script.
    Script {
        /// The script, below the home directory.
        file: &'static str,
        /// The line.
        line: &'static str,
    },
}

/// A script in `completions/`, and the form of the answers that the shell expects.
pub struct Completion {
    /// The script.
    pub script: &'static str,
    /// The text in the script that calls the program.
    pub call: &'static str,
    /// Returns the text that calls the program at a path quoted by [`Init::quote`] instead.
    pub call_at: fn(&str) -> String,
    /// Must the completion precede the rest of the `init` script?
    pub comes_first: bool,
    /// How the shell passes the words before the cursor.
    pub words: Words,
    /// Can the shell itself offer files, folders or programs when told to? Then the answer starts with a line that says
    /// what kind of candidates to offer.
    pub can_offer: bool,
    /// Formats the candidates as the shell reads them.
    pub offer: fn(&Cursor<'_>, &[Candidate]) -> String,
}

/// How a shell passes the words before the cursor.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Words {
    /// One argument per word.
    Arguments,
    /// The first argument is the line up to the cursor, the second the part of it that will be replaced.
    Line,
    /// The line is in this environment variable.
    Variable(&'static str),
}

/// The marks around text without width in a prompt, such as color codes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ColorMarks {
    /// The mark before it.
    pub before: &'static str,
    /// The mark after it.
    pub after: &'static str,
}

impl ColorMarks {
    /// For a terminal, and for a shell that recognizes color codes by itself.
    pub const NONE: Self = Self { before: "", after: "" };
}

impl Shell {
    /// The shell with this program name or path, as a process reports it; `None` for any other program.
    pub fn of_program(program: &str) -> Option<Self> {
        let name = program.rsplit(['/', '\\']).next()?;
        // The process name of a login shell starts with a dash.
        let name = name.trim_start_matches('-').trim_end_matches(".exe");
        Self::ALL.into_iter().find(|shell| {
            let dialect = shell.dialect();
            dialect.name == name || dialect.programs.contains(&name)
        })
    }

    /// The name on our command line.
    pub fn name(self) -> &'static str {
        self.dialect().name
    }

    /// The shells for which `known` returns a value.
    pub fn with<T>(known: impl Fn(&'static Dialect) -> Option<T>) -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(move |shell| known(shell.dialect()).is_some())
    }
}

impl fmt::Display for Shell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Shell {
    type Err = UnknownShell;

    fn from_str(name: &str) -> Result<Self, UnknownShell> {
        Self::of_program(name).ok_or(UnknownShell)
    }
}

/// The name of a shell is unknown.
#[derive(Debug, thiserror::Error)]
#[error("unknown shell; expected one of {}", Shell::ALL.map(Shell::name).join(", "))]
pub struct UnknownShell;

impl Init {
    /// The script for the program at this path, which defines a command with this name. The name must not need quoting
    /// in any shell.
    pub fn command(&self, binary: &str, name: &str) -> String {
        self.command.replace("__BINARY__", &(self.quote)(binary)).replace("__COMMAND__", name)
    }

    /// The script that renews credentials with the program at this path.
    pub fn renewal(&self, binary: &str) -> Option<String> {
        Some(self.renewal?.replace("__BINARY__", &(self.quote)(binary)))
    }
}

impl Completion {
    /// The script, which completes the program and, if given, a command with another name.
    pub fn script(&self, command: Option<&str>) -> String {
        // The last line registers `mfa-cred`. A copy of it registers the other name.
        let last = self.script.lines().next_back().unwrap_or_default();
        let other = command.filter(|name| *name != "mfa-cred");
        let again = other.map(|name| last.replacen("mfa-cred", name, 1) + "\n");
        self.script.to_owned() + &again.unwrap_or_default()
    }

    /// The script for the program at a quoted path, which need not be on the `PATH`.
    pub fn script_at(&self, command: Option<&str>, quoted: &str) -> String {
        self.script(command).replace(self.call, &(self.call_at)(quoted))
    }
}

#[cfg(test)]
mod tests;
