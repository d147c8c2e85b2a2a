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
        /// A shell.
        #[derive(Clone, Copy, Debug, Eq, PartialEq)]
        pub enum Shell {
            $($(#[$doc])* $shell),+
        }

        impl Shell {
            /// All of them, in the order in which they are listed.
            pub const ALL: [Self; [$(stringify!($shell)),+].len()] = [$(Self::$shell),+];

            /// What is known of it.
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
    /// dash, ksh, mksh and their kind
    Posix => posix,
    /// fish
    Fish => fish,
    /// PowerShell, on Windows and elsewhere
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
    /// Other names of programs that are this shell.
    pub programs: &'static [&'static str],
    /// What it evaluates.
    pub statements: Statements,
    /// The line with which a user makes it evaluate a command's output.
    pub evaluating: fn(&str) -> String,
    /// What `init` prints; `None` for a shell that cannot define our function.
    pub init: Option<Init>,
    /// How it completes, if it does.
    pub completion: Option<Completion>,
    /// The marks around a color in its prompt, where `prompt --shell` knows them.
    pub color_marks: Option<ColorMarks>,
    /// Where the user puts startup commands.
    pub startup: &'static [Startup],
}

/// A file that a shell reads when it starts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Startup {
    /// Below the home.
    Home(&'static str),
    /// Below the folder that this variable names, else below the home.
    Below(&'static str, &'static str),
    /// Below the folder of configuration.
    Config(&'static str),
    /// The one that this variable names.
    Named(&'static str),
    /// Below the folder of configuration, and written by `init` as a whole: it is loaded although no line says so.
    Whole(&'static str),
}

/// What a shell evaluates.
#[derive(Clone, Copy)]
pub enum Statements {
    /// Statements of its own.
    Own(&'static (dyn Syntax + Sync)),
    /// Those of another shell.
    SameAs(Shell),
    /// A JSON object of variables.
    Object,
}

/// How statements are written.
pub trait Syntax {
    /// A statement that sets and exports a variable, with its end.
    fn set(&self, name: &str, value: &str) -> Secret<String>;

    /// A statement that removes a variable, with its end.
    fn unset(&self, name: &str) -> String;

    /// The same for one that could come back from a place where it cannot be removed: `stand_in` is then what programs
    /// see, where that is no worse than nothing.
    fn hide(&self, name: &str, _stand_in: &str) -> String {
        self.unset(name)
    }

    /// A statement that takes away what [`Syntax::hide`] left, where it leaves anything.
    fn reveal(&self, _name: &str) -> Option<String> {
        None
    }

    /// Can a statement hold the value? It has no NUL: no environment holds one.
    fn can_hold(&self, _value: &str) -> bool {
        true
    }
}

/// The files of `shell/`. They stand there as they can be linted; two words in them are replaced.
pub struct Init {
    /// Makes the program a command of the shell that can change it. `__BINARY__` stands for the program's path, quoted,
    /// and `__COMMAND__` for the command's name.
    pub command: &'static str,
    /// Adds a segment to the prompt; `None` for a shell that cannot tell the time by itself.
    pub segment: Option<&'static str>,
    /// A path as one word, where a program stands.
    pub quote: fn(&str) -> String,
}

/// A file of `completions/`, and how the shell wants its answers.
pub struct Completion {
    /// The file.
    pub script: &'static str,
    /// How it calls the program,
    pub call: &'static str,
    /// and how it calls the one at a path, quoted by [`Init::quote`].
    pub call_at: fn(&str) -> String,
    /// Must the completion come before the command's own text?
    pub comes_first: bool,
    /// Where the words before the cursor are found.
    pub words: Words,
    /// Can the shell be told to offer files, folders or programs by itself? The answer then starts with a line that says
    /// who knows the candidates.
    pub can_offer: bool,
    /// The candidates as the shell reads them.
    pub offer: fn(&Cursor<'_>, &[Candidate]) -> String,
}

/// Where the words before the cursor are found.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Words {
    /// In the arguments, one by one.
    Arguments,
    /// The first argument is the line up to the cursor, the second what of it would be replaced.
    Line,
    /// The line stands in this variable.
    Variable(&'static str),
}

/// What stands before and after what takes no room in a prompt.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ColorMarks {
    /// Before it.
    pub before: &'static str,
    /// After it.
    pub after: &'static str,
}

impl ColorMarks {
    /// For a terminal, and for a shell that knows colors by itself.
    pub const NONE: Self = Self { before: "", after: "" };
}

impl Shell {
    /// The shell that a program is, by its path or by what it calls itself.
    pub fn of_program(program: &str) -> Option<Self> {
        let name = program.rsplit(['/', '\\']).next()?;
        // A login shell's name starts with a dash.
        let name = name.trim_start_matches('-').trim_end_matches(".exe");
        Self::ALL.into_iter().find(|shell| {
            let dialect = shell.dialect();
            dialect.name == name || dialect.programs.contains(&name)
        })
    }

    /// The word for it.
    pub fn name(self) -> &'static str {
        self.dialect().name
    }

    /// The shells of which that is known.
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

/// A word that names no shell.
#[derive(Debug, thiserror::Error)]
#[error("unknown shell; expected one of {}", Shell::ALL.map(Shell::name).join(", "))]
pub struct UnknownShell;

impl Init {
    /// The command's text for the program at that path, as a command of that name, which no shell needs quoted.
    pub fn command(&self, binary: &str, name: &str) -> String {
        self.command.replace("__BINARY__", &(self.quote)(binary)).replace("__COMMAND__", name)
    }
}

impl Completion {
    /// The script; it completes the program, and a command of another name.
    pub fn script(&self, command: Option<&str>) -> String {
        // The last line registers `mfa-cred`; once more, and it registers the other name.
        let last = self.script.lines().next_back().unwrap_or_default();
        let other = command.filter(|name| *name != "mfa-cred");
        let again = other.map(|name| last.replacen("mfa-cred", name, 1) + "\n");
        self.script.to_owned() + &again.unwrap_or_default()
    }

    /// The script for the program at a path, quoted, which need not be where the shell looks for programs.
    pub fn script_at(&self, command: Option<&str>, quoted: &str) -> String {
        self.script(command).replace(self.call, &(self.call_at)(quoted))
    }
}

#[cfg(test)]
mod tests;
