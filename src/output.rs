//! Credentials → bytes. One small trait, one file a shell; an export is a list of what to set *and* what to unset.
//!
//! Every value is data: profile names and regions come from files, and none may run, split or expand in any shell.
//! Nothing is written here: a command gets the whole payload and writes it in one piece.

pub mod candidates;
mod cmd;
mod data;
mod elvish;
mod export;
mod fish;
mod posix;
mod powershell;
mod process;
mod script;
pub mod segment;
mod tcsh;
mod xonsh;

use std::str::FromStr;

pub use export::{Export, VARIABLES};
pub use process::process_json;
pub use script::Script;

use crate::secret::Secret;

/// How statements are written.
trait Shell {
    /// A statement that sets and exports a variable, with its end.
    fn set(&self, name: &str, value: &str) -> Secret<String>;

    /// A statement that removes a variable, with its end.
    fn unset(&self, name: &str) -> String;

    /// The same for one that could come back from a place where it cannot be removed: `stand_in` is then what programs
    /// see, where that is no worse than nothing.
    fn hide(&self, name: &str, _stand_in: &str) -> String {
        self.unset(name)
    }

    /// A statement that takes away what [`Shell::hide`] left, where it leaves anything.
    fn reveal(&self, _name: &str) -> Option<String> {
        None
    }

    /// Can a statement hold the value? It has no NUL: no environment holds one.
    fn can_hold(&self, _value: &str) -> bool {
        true
    }
}

/// The formats of `env` and `unset`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Format {
    /// sh, bash, zsh, ksh, dash
    Posix,
    /// fish
    Fish,
    /// PowerShell, of Windows and of elsewhere
    PowerShell,
    /// cmd.exe
    Cmd,
    /// Nushell: the same object as [`Format::Json`], for `from json | load-env`, which takes `null` as unset
    Nu,
    /// Elvish
    Elvish,
    /// Xonsh
    Xonsh,
    /// tcsh
    Tcsh,
    /// An object of variables; `null` is unset
    Json,
    /// `NAME=value` lines
    Dotenv,
}

impl Format {
    /// The line by which the format's shell takes what `command` prints.
    pub fn taking(self, command: &str) -> String {
        match self {
            Self::Posix | Self::Json | Self::Dotenv => format!("eval $({command})"),
            Self::Fish => format!("{command} | source"),
            Self::PowerShell => format!("{command} | Invoke-Expression"),
            Self::Cmd => format!("for /f \"delims=\" %i in ('{command}') do @%i"),
            Self::Nu => format!("{command} | from json | load-env"),
            Self::Elvish => format!("eval ({command} | slurp)"),
            Self::Xonsh => format!("execx($({command}))"),
            Self::Tcsh => format!("eval \"`{command}`\""),
        }
    }

    /// The words for them, in the order of the variants.
    pub const NAMES: [&str; 10] =
        ["posix", "fish", "powershell", "cmd", "nu", "elvish", "xonsh", "tcsh", "json", "dotenv"];

    /// The format that a shell reads, by the name of its program; `None` for a program that is no shell we know.
    pub fn of_shell(program: &str) -> Option<Self> {
        match program_name(program)? {
            "sh" | "bash" | "zsh" | "dash" | "ash" | "ksh" | "ksh93" | "mksh" | "oksh" | "yash" | "busybox" => {
                Some(Self::Posix)
            }
            "fish" => Some(Self::Fish),
            "pwsh" | "powershell" => Some(Self::PowerShell),
            "cmd" => Some(Self::Cmd),
            "nu" => Some(Self::Nu),
            "elvish" => Some(Self::Elvish),
            "xonsh" => Some(Self::Xonsh),
            "tcsh" | "csh" => Some(Self::Tcsh),
            _ => None,
        }
    }

    /// The whole payload.
    ///
    /// # Errors
    /// The format has no way to write one of the values: nothing is written then, rather than something else.
    pub fn render(self, export: &Export) -> Result<Secret<String>, Inexpressible> {
        let has_nul = |value: &str| value.contains('\0');
        let refuse = |cannot_hold: &dyn Fn(&str) -> bool| {
            let name = export.iter().find(|(_, value)| value.is_some_and(|value| cannot_hold(value.expose())));
            name.map_or(Ok(()), |(name, _)| Err(Inexpressible { name, format: self.name() }))
        };
        let shell: &dyn Shell = match self {
            Self::Posix => &posix::Posix,
            Self::Fish => &fish::Fish,
            Self::PowerShell => &powershell::PowerShell,
            Self::Cmd => &cmd::Cmd,
            Self::Elvish => &elvish::Elvish,
            Self::Xonsh => &xonsh::Xonsh,
            Self::Tcsh => &tcsh::Tcsh,
            Self::Nu | Self::Json => return Ok(data::json(export)),
            Self::Dotenv => return refuse(&has_nul).map(|()| data::dotenv(export)),
        };
        refuse(&|value| has_nul(value) || !shell.can_hold(value)).map(|()| statements(shell, export))
    }

    /// The word for it.
    pub fn name(self) -> &'static str {
        Self::NAMES[self as usize]
    }
}

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(name: &str) -> Result<Self, UnknownFormat> {
        const ALL: [Format; 10] = [
            Format::Posix,
            Format::Fish,
            Format::PowerShell,
            Format::Cmd,
            Format::Nu,
            Format::Elvish,
            Format::Xonsh,
            Format::Tcsh,
            Format::Json,
            Format::Dotenv,
        ];
        ALL.into_iter().find(|format| format.name() == name).ok_or(UnknownFormat)
    }
}

/// A word that names no format.
#[derive(Debug, thiserror::Error)]
#[error("the formats are {}", Format::NAMES.join(", "))]
pub struct UnknownFormat;

/// A value that a format cannot hold.
#[derive(Debug, thiserror::Error)]
#[error("the format `{format}` cannot hold the value of {name}")]
pub struct Inexpressible {
    name: &'static str,
    format: &'static str,
}

/// The name of a program, of which its path or what it calls itself is given.
fn program_name(program: &str) -> Option<&str> {
    let name = program.rsplit(['/', '\\']).next()?;
    // A login shell's name starts with a dash.
    Some(name.trim_start_matches('-').trim_end_matches(".exe"))
}

/// Statements, a line each.
fn statements(shell: &dyn Shell, export: &Export) -> Secret<String> {
    let revealed = export.hidden_before().iter().filter_map(|name| shell.reveal(name));
    let revealed = revealed.map(|statement| Secret::new(statement + "\n"));
    gather(revealed.chain(export.iter().map(|(name, value)| match (value, export.stand_in(name)) {
        (Some(value), _) => Secret::concat(&[shell.set(name, value.expose()).expose(), "\n"]),
        (None, Some(stand_in)) => Secret::new(shell.hide(name, stand_in) + "\n"),
        (None, None) => Secret::new(shell.unset(name) + "\n"),
    })))
}

/// The pieces as one payload.
fn gather(pieces: impl Iterator<Item = Secret<String>>) -> Secret<String> {
    let pieces: Vec<_> = pieces.collect();
    Secret::concat(&pieces.iter().map(|piece| piece.expose().as_str()).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::{Export, Format};

    #[test]
    fn every_name_is_a_format() {
        for name in Format::NAMES {
            assert_eq!(name.parse::<Format>().ok().map(Format::name), Some(name));
        }
        assert!("cmd.exe /c".parse::<Format>().is_err());
    }

    #[test]
    fn shells_by_the_name_of_their_program() {
        for (program, format) in [
            ("bash", Some(Format::Posix)),
            ("-zsh", Some(Format::Posix)),
            ("/usr/bin/fish", Some(Format::Fish)),
            (r"C:\Windows\System32\cmd.exe", Some(Format::Cmd)),
            ("pwsh", Some(Format::PowerShell)),
            ("powershell.exe", Some(Format::PowerShell)),
            ("nu", Some(Format::Nu)),
            ("elvish", Some(Format::Elvish)),
            ("xonsh", Some(Format::Xonsh)),
            ("-csh", Some(Format::Tcsh)),
            ("python3", None),
            ("", None),
        ] {
            assert_eq!(Format::of_shell(program), format, "{program:?}");
        }
    }

    #[test]
    fn an_export_is_what_to_set_and_what_to_unset() {
        let export = Export::of_pairs(&[("AWS_REGION", Some("eu-west-1")), ("AWS_PROFILE", None)]);
        for (format, text) in [
            (
                Format::Posix,
                "\\export AWS_REGION='eu-west-1';\n\
                 if test \"${AWS_PROFILE+x}\";then \\unset AWS_PROFILE;fi;\
                 if test \"${AWS_PROFILE+x}\";then \\unset AWS_PROFILE;fi;\
                 if test \"${AWS_PROFILE+x}\";then \\unset AWS_PROFILE;fi;\n",
            ),
            (
                Format::Fish,
                "set -gx AWS_REGION 'eu-west-1';\n\
                 while set -ql AWS_PROFILE;set -el AWS_PROFILE;end;if set -qg AWS_PROFILE;set -eg AWS_PROFILE;end;\
                 if set -qUx AWS_PROFILE;set -gx AWS_PROFILE 'deploy';end;\n",
            ),
            (Format::PowerShell, "$Env:AWS_REGION='eu-west-1'\n$Env:AWS_PROFILE=$null\n"),
            (Format::Cmd, "set \"AWS_REGION=eu-west-1\"\nset \"AWS_PROFILE=\"\n"),
            (Format::Nu, "{\"AWS_REGION\":\"eu-west-1\",\"AWS_PROFILE\":null}\n"),
            (Format::Elvish, "set-env AWS_REGION \"eu-west-1\"\nunset-env AWS_PROFILE\n"),
            (
                Format::Xonsh,
                "${...}['AWS_REGION'] = 'eu-west-1'\n${...}.pop('AWS_PROFILE', None); ${...}.pop('AWS_PROFILE', None)\n",
            ),
            (Format::Tcsh, "setenv AWS_REGION 'eu-west-1';\nunsetenv AWS_PROFILE;\n"),
            (Format::Json, "{\"AWS_REGION\":\"eu-west-1\",\"AWS_PROFILE\":null}\n"),
            (Format::Dotenv, "AWS_REGION=eu-west-1\n"),
        ] {
            assert_eq!(format.render(&export).expect("it holds these").expose(), text, "{format:?}");
        }
    }

    #[test]
    fn what_a_format_cannot_hold_is_refused() {
        let export = Export::of_pairs(&[("AWS_REGION", Some("eu-west-1")), ("MFA_CRED_PROFILE", Some("a\0b"))]);
        for name in Format::NAMES {
            let format: Format = name.parse().expect("a format");
            match format.render(&export) {
                Ok(payload) => assert!(!payload.expose().contains('\0'), "{name}"),
                Err(error) => assert_eq!(
                    error.to_string(),
                    format!("the format `{name}` cannot hold the value of MFA_CRED_PROFILE")
                ),
            }
        }
    }
}
