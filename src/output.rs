//! Credentials → bytes. One small trait, one file a shell; an export is a list of what to set *and* what to unset.
//!
//! Every value is data: profile names and regions come from files, and none may run, split or expand in any shell.
//! Nothing is written here: a command gets the whole payload and writes it in one piece.

pub mod candidates;
mod data;
mod export;
mod fish;
mod posix;
mod process;
pub mod segment;

use std::str::FromStr;

pub use export::{Export, VARIABLES};
pub use process::process_json;

use crate::secret::Secret;

/// How statements are written.
trait Shell {
    /// A statement that sets and exports a variable, with its end.
    fn set(&self, name: &str, value: &str) -> Secret<String>;

    /// A statement that removes a variable, with its end.
    fn unset(&self, name: &str) -> String;
}

/// The formats of `env` and `unset`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Format {
    /// sh, bash, zsh, ksh, dash
    Posix,
    /// fish
    Fish,
    /// An object of variables; `null` is unset
    Json,
    /// `NAME=value` lines
    Dotenv,
}

impl Format {
    /// The words for them, in the order of the variants.
    pub const NAMES: [&str; 4] = ["posix", "fish", "json", "dotenv"];

    /// The format that a shell reads, by the name of its program; `None` for a program that is no shell we know.
    pub fn of_shell(program: &str) -> Option<Self> {
        let name = program.rsplit(['/', '\\']).next()?;
        // A login shell's name starts with a dash.
        let name = name.trim_start_matches('-').trim_end_matches(".exe");
        match name {
            "sh" | "bash" | "zsh" | "dash" | "ash" | "ksh" | "ksh93" | "mksh" | "oksh" | "yash" | "busybox" => {
                Some(Self::Posix)
            }
            "fish" => Some(Self::Fish),
            _ => None,
        }
    }

    /// The whole payload.
    pub fn render(self, export: &Export) -> Secret<String> {
        match self {
            Self::Posix => statements(&posix::Posix, export),
            Self::Fish => statements(&fish::Fish, export),
            Self::Json => data::json(export),
            Self::Dotenv => data::dotenv(export),
        }
    }
}

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(name: &str) -> Result<Self, UnknownFormat> {
        match name {
            "posix" => Ok(Self::Posix),
            "fish" => Ok(Self::Fish),
            "json" => Ok(Self::Json),
            "dotenv" => Ok(Self::Dotenv),
            _ => Err(UnknownFormat),
        }
    }
}

/// A word that names no format.
#[derive(Debug, thiserror::Error)]
#[error("the formats are {}", Format::NAMES.join(", "))]
pub struct UnknownFormat;

/// Statements, a line each.
fn statements(shell: &dyn Shell, export: &Export) -> Secret<String> {
    gather(export.iter().map(|(name, value)| match value {
        Some(value) => Secret::concat(&[shell.set(name, value.expose()).expose(), "\n"]),
        None => Secret::new(shell.unset(name) + "\n"),
    }))
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
            assert!(name.parse::<Format>().is_ok(), "{name}");
        }
        assert!("cmd.exe /c".parse::<Format>().is_err());
    }

    #[test]
    fn shells_by_the_name_of_their_program() {
        for (program, format) in [
            ("bash", Some(Format::Posix)),
            ("-zsh", Some(Format::Posix)),
            ("/usr/bin/fish", Some(Format::Fish)),
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
            (Format::Posix, "export AWS_REGION='eu-west-1';\nunset AWS_PROFILE;\n"),
            (Format::Fish, "set -gx AWS_REGION 'eu-west-1';\nif set -qg AWS_PROFILE;set -eg AWS_PROFILE;end;\n"),
            (Format::Json, "{\"AWS_REGION\":\"eu-west-1\",\"AWS_PROFILE\":null}\n"),
            (Format::Dotenv, "AWS_REGION=eu-west-1\n"),
        ] {
            assert_eq!(format.render(&export).expose(), text, "{format:?}");
        }
    }
}
