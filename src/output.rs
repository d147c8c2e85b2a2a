//! Turns credentials into bytes. An export is a list of variables to set *and* to unset; each shell of [`crate::shell`]
//! has its own statements for them.
//!
//! Every value is data: profile names and regions come from files, and no shell may run, split or expand them. Nothing
//! is written here: a command gets the whole payload and writes it at once.

mod data;
mod export;
mod process;
mod renewal;
pub mod segment;

use std::str::FromStr;

pub use export::{ENDPOINT_PREFIX, Export, Held, VARIABLES};
pub use process::process_json;
pub use renewal::Renewal;

use crate::secret::Secret;
use crate::shell::{Shell, Statements, Syntax};

/// The output formats of `env` and `unset`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Format {
    /// Statements for a shell that has its own format: see [`Format::of`].
    Shell(Shell),
    /// A JSON object of variables; `null` means unset.
    Json,
    /// `NAME=value` lines.
    Dotenv,
}

impl Format {
    /// The format for a shell. Some shells use the format of another.
    pub fn of(shell: Shell) -> Self {
        match shell.dialect().statements {
            Statements::SameAs(other) => Self::of(other),
            Statements::Own(_) | Statements::Object => Self::Shell(shell),
        }
    }

    /// All formats, in the order of the help.
    pub fn all() -> impl Iterator<Item = Self> {
        let own = Shell::ALL.into_iter().map(Self::Shell).filter(|format| match format {
            Self::Shell(shell) => Self::of(*shell) == *format,
            _ => true,
        });
        own.chain([Self::Json, Self::Dotenv])
    }

    /// The command line that evaluates the output of `command` in the format's shell.
    pub fn taking(self, command: &str) -> String {
        let shell = if let Self::Shell(shell) = self { shell } else { Shell::Posix };
        (shell.dialect().evaluating)(command)
    }

    /// The whole payload for an export.
    ///
    /// The format cannot express one of the values. Nothing is written then.
    pub fn render(self, export: &Export) -> Result<Secret<String>, Inexpressible> {
        let has_nul = |value: &str| value.contains('\0');
        let refuse = |cannot_hold: &dyn Fn(&str) -> bool| {
            let name = export.iter().find(|(_, value)| value.is_some_and(|value| cannot_hold(value.expose())));
            name.map_or(Ok(()), |(name, _)| Err(Inexpressible { name, format: self.name() }))
        };
        let syntax = match self {
            Self::Dotenv => return refuse(&has_nul).map(|()| data::dotenv(export)),
            Self::Json => return Ok(data::json(export)),
            Self::Shell(shell) => match shell.dialect().statements {
                Statements::Own(syntax) => syntax,
                Statements::SameAs(other) => return Self::of(other).render(export),
                Statements::Object => return Ok(data::json(export)),
            },
        };
        refuse(&|value| has_nul(value) || !syntax.can_hold(value)).map(|()| statements(syntax, export))
    }

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Shell(shell) => shell.name(),
            Self::Json => "json",
            Self::Dotenv => "dotenv",
        }
    }
}

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(name: &str) -> Result<Self, UnknownFormat> {
        Self::all().find(|format| format.name() == name).ok_or(UnknownFormat)
    }
}

/// The name of a format is unknown.
#[derive(Debug, thiserror::Error)]
#[error("unknown format; expected one of {}", Format::all().map(Format::name).collect::<Vec<_>>().join(", "))]
pub struct UnknownFormat;

/// The format cannot express the value of a variable.
#[derive(Debug, thiserror::Error)]
#[error("the format `{format}` cannot express the value of {name}")]
pub struct Inexpressible {
    name: &'static str,
    format: &'static str,
}

/// The statements of the export, one per line.
fn statements(syntax: &dyn Syntax, export: &Export) -> Secret<String> {
    let revealed = export.hidden_before().iter().filter_map(|name| syntax.reveal(name));
    let revealed = revealed.map(|statement| Secret::new(statement + "\n"));
    let changes = export.iter().map(|(name, value)| match (value, export.stand_in(name)) {
        (Some(value), _) => Secret::concat(&[syntax.set(name, value.expose()).expose(), "\n"]),
        (None, Some(stand_in)) => {
            let statement = syntax.hide(name, stand_in);
            Secret::new(if statement.is_empty() { statement } else { statement + "\n" })
        }
        (None, None) => Secret::new(syntax.unset(name) + "\n"),
    });
    let is_hidden = |(name, value): &(&str, Option<_>)| value.is_none() && export.stand_in(name).is_some();
    let hidden: Vec<&str> = export.iter().filter(is_hidden).map(|(name, _)| name).collect();
    let settled = if hidden.is_empty() { None } else { syntax.settle(&hidden) };
    let pieces: Vec<_> = revealed.chain(changes).collect();
    // It holds no secret, and to erase it would take longer than to write it.
    let settled = settled.map_or_else(String::new, |statement| statement + "\n");
    let texts = pieces.iter().map(|piece| piece.expose().as_str()).chain([settled.as_str()]);
    Secret::concat(&texts.collect::<Vec<_>>())
}

/// Joins the pieces to one payload.
fn gather(pieces: impl Iterator<Item = Secret<String>>) -> Secret<String> {
    let pieces: Vec<_> = pieces.collect();
    Secret::concat(&pieces.iter().map(|piece| piece.expose().as_str()).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::{Export, Format};
    use crate::shell::Shell;

    #[test]
    fn every_format_is_found_by_its_name() {
        for name in Format::all().map(Format::name) {
            assert_eq!(name.parse::<Format>().ok().map(Format::name), Some(name));
        }
        assert!("cmd.exe /c".parse::<Format>().is_err());
    }

    #[test]
    fn an_export_sets_and_unsets_variables() {
        let export = Export::of_pairs(&[("AWS_REGION", Some("eu-west-1")), ("AWS_PROFILE", None)]);
        for (format, text) in [
            (Format::Shell(Shell::Posix), "\\export AWS_REGION='eu-west-1';\n"),
            (
                Format::Shell(Shell::Fish),
                "set -gx AWS_REGION 'eu-west-1';\n\
                 while set -ql AWS_PROFILE;set -el AWS_PROFILE;end;if set -qg AWS_PROFILE;set -eg AWS_PROFILE;end;\
                 if set -qUx AWS_PROFILE;set -gx AWS_PROFILE 'deploy';end;\n",
            ),
            (Format::Shell(Shell::PowerShell), "$Env:AWS_REGION='eu-west-1'\n$Env:AWS_PROFILE=$null\n"),
            (Format::Shell(Shell::Cmd), "set \"AWS_REGION=eu-west-1\"\nset \"AWS_PROFILE=\"\n"),
            (Format::Shell(Shell::Nu), "{\"AWS_REGION\":\"eu-west-1\",\"AWS_PROFILE\":null}\n"),
            (Format::Shell(Shell::Elvish), "set-env AWS_REGION \"eu-west-1\"\nunset-env AWS_PROFILE\n"),
            (
                Format::Shell(Shell::Xonsh),
                "${...}['AWS_REGION'] = 'eu-west-1'\n${...}.pop('AWS_PROFILE', None); ${...}.pop('AWS_PROFILE', None)\n",
            ),
            (Format::Shell(Shell::Tcsh), "setenv AWS_REGION 'eu-west-1';\nunsetenv AWS_PROFILE;\n"),
            (Format::Json, "{\"AWS_REGION\":\"eu-west-1\",\"AWS_PROFILE\":null}\n"),
            (Format::Dotenv, "AWS_REGION=eu-west-1\n"),
        ] {
            let payload = format.render(&export).expect("it holds these");
            // POSIX shells settle it at the end.
            let statements = payload.expose().split("if test \"${ZSH_VERSION-}\";then \\typeset").next();
            assert_eq!(statements, Some(text), "{format:?}");
        }
    }

    #[test]
    fn a_value_that_a_format_cannot_express_is_refused() {
        let export = Export::of_pairs(&[("AWS_REGION", Some("eu-west-1")), ("MFA_CRED_PROFILE", Some("a\0b"))]);
        for name in Format::all().map(Format::name) {
            let format: Format = name.parse().expect("a format");
            match format.render(&export) {
                Ok(payload) => assert!(!payload.expose().contains('\0'), "{name}"),
                Err(error) => assert_eq!(
                    error.to_string(),
                    format!("the format `{name}` cannot express the value of MFA_CRED_PROFILE")
                ),
            }
        }
    }
}
