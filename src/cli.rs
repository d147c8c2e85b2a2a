//! argv → [`Args`]. clap and nothing else: no file, no environment, no decision.
//!
//! What was typed is kept as typed (but for the values that have a type of their own); what it means here is
//! `settings.rs`'s to say. `--help` therefore works in a broken environment.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::error::ErrorKind;
use clap::{Args as ClapArgs, CommandFactory, Parser, Subcommand, ValueEnum};

use crate::names::{ExternalId, Lifetime, MfaSerial, ProfileName, Region, RoleArn, SessionName, Tag};
use crate::output::Format;
use crate::vault::Store;

/// AWS credentials with MFA: one code a day, for shells, SDKs and the prompt
#[derive(Debug, Parser)]
#[command(name = "mfa-cred", version, subcommand_precedence_over_arg = true, max_term_width = 100)]
#[command(override_usage = "eval $(mfa-cred [OPTIONS] [PROFILE])\n       mfa-cred [OPTIONS] COMMAND")]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(flatten)]
    env: EnvArgs,
    #[command(subcommand)]
    command: Option<Verb>,
}

/// The words for [`Store`]'s variants.
const STORES: [&str; 5] = ["auto", "kernel", "keyring", "passphrase", "none"];

/// What was typed.
#[derive(Debug, PartialEq)]
pub struct Args {
    /// Options of every command.
    pub global: Global,
    /// The command.
    pub verb: Verb,
}

// Options of every command.
#[allow(missing_docs, reason = "clap would print it in place of the command's own text")]
#[derive(Clone, Debug, Default, ClapArgs, PartialEq)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// Read this file instead of ~/.aws/config
    #[arg(long, global = true, value_name = "FILE")]
    pub config_file: Option<PathBuf>,
    /// Read this file instead of ~/.aws/credentials
    #[arg(long, global = true, value_name = "FILE")]
    pub credentials_file: Option<PathBuf>,
    /// Where the key that seals the cache lives
    #[arg(long, global = true, value_name = "STORE", value_parser = one_of::<Store>(&STORES))]
    pub store: Option<Store>,
    /// Say more (-vv: every step)
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// Say only errors
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Colours
    #[arg(long, global = true, value_name = "WHEN")]
    pub color: Option<Color>,
}

/// When to use colours.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl std::str::FromStr for Color {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        <Self as ValueEnum>::from_str(text, false).map_err(|_| "it is one of `auto`, `always` and `never`")
    }
}

// Options of every command that obtains credentials.
#[allow(missing_docs, reason = "clap would print it in place of the command's own text")]
#[derive(Clone, Debug, Default, ClapArgs, PartialEq)]
#[command(next_help_heading = "Credential options")]
pub struct Obtain {
    /// Assume this role: an ARN, ACCOUNT:ROLE or PARTITION:ACCOUNT:ROLE
    #[arg(long, value_name = "ARN")]
    pub role_arn: Option<RoleArn>,
    /// Sign with the credentials of this profile
    #[arg(long, value_name = "PROFILE", value_parser = profile_name)]
    pub source_profile: Option<ProfileName>,
    /// The external id that the role's trust policy asks for
    #[arg(long, value_name = "ID")]
    pub external_id: Option<ExternalId>,
    /// The name of the role session
    #[arg(long, value_name = "NAME")]
    pub session_name: Option<SessionName>,
    /// The source identity, which stays through a chain of roles
    #[arg(long, value_name = "NAME")]
    pub source_identity: Option<SessionName>,
    /// A session tag (repeatable)
    #[arg(long = "tag", value_name = "KEY=VALUE")]
    pub tags: Vec<Tag>,
    /// A tag that is passed on along a chain of roles (repeatable)
    #[arg(long = "transitive-tag", value_name = "KEY")]
    pub transitive_tags: Vec<String>,
    /// A policy that narrows the role session: JSON, or @FILE
    #[arg(long, value_name = "JSON|@FILE")]
    pub session_policy: Option<String>,
    /// A managed policy that narrows the role session (repeatable)
    #[arg(long = "policy-arn", value_name = "ARN")]
    pub policy_arns: Vec<String>,
    /// How long the credentials should live: 900, 15m, 1h30m, 12h
    #[arg(long, value_name = "DURATION")]
    pub duration: Option<Lifetime>,
    /// The region to call, and to set
    #[arg(long, value_name = "REGION")]
    pub region: Option<Region>,
    /// The MFA device
    #[arg(long, value_name = "SERIAL")]
    pub mfa_serial: Option<MfaSerial>,
    /// The MFA code; `-` reads it from stdin, which keeps it out of the process list
    #[arg(long, value_name = "CODE|-", allow_hyphen_values = true)]
    pub mfa_token: Option<String>,
    /// Redo every step, the code included
    #[arg(long)]
    pub refresh: bool,
    /// Renew credentials that live for less than this
    #[arg(long, value_name = "DURATION")]
    pub min_ttl: Option<Lifetime>,
    /// Never ask a person
    #[arg(long)]
    pub no_prompt: bool,
    /// Neither read nor keep credentials
    #[arg(long)]
    pub no_cache: bool,
}

// `env`, and the bare `mfa-cred PROFILE`.
#[allow(missing_docs, reason = "clap would print it in place of the command's own text")]
#[derive(Clone, Debug, Default, ClapArgs, PartialEq)]
pub struct EnvArgs {
    /// The profile [default: `$MFA_CRED_PROFILE`, else `$AWS_PROFILE`, else `default`]
    #[arg(value_name = "PROFILE", value_parser = profile_name, help_heading = "Arguments")]
    pub profile: Option<ProfileName>,
    /// The shell to write for [default: the shell that runs this]
    #[arg(long, value_name = "FORMAT", value_parser = one_of::<Format>(&Format::NAMES), help_heading = "Options")]
    pub format: Option<Format>,
    /// How to obtain them.
    #[command(flatten)]
    pub obtain: Obtain,
}

// A command for one profile that obtains credentials.
#[allow(missing_docs, reason = "clap would print it in place of the command's own text")]
#[derive(Clone, Debug, Default, ClapArgs, PartialEq)]
pub struct ProfileArgs {
    /// The profile [default: `$MFA_CRED_PROFILE`, else `$AWS_PROFILE`, else `default`]
    #[arg(value_name = "PROFILE", value_parser = profile_name, help_heading = "Arguments")]
    pub profile: Option<ProfileName>,
    /// How to obtain them.
    #[command(flatten)]
    pub obtain: Obtain,
}

/// The commands. Each one's arguments are built only when it is the one that was typed: the whole tree costs half as
/// much as starting a process.
#[derive(Debug, PartialEq, Subcommand)]
#[command(defer = true)]
pub enum Verb {
    /// Print statements that set the credentials in the calling shell
    Env(Box<EnvArgs>),
    /// Print the `credential_process` JSON for an SDK
    Process(Box<ProfileArgs>),
    /// Run a command with the credentials in its environment
    Exec {
        /// The profile and its options.
        #[command(flatten)]
        target: Box<ProfileArgs>,
        /// The command and its arguments [default: `$SHELL`]
        #[arg(last = true, value_name = "CMD")]
        command: Vec<OsString>,
    },
    /// Obtain and keep credentials, print nothing
    Login {
        /// The profiles
        #[arg(value_name = "PROFILE", value_parser = profile_name)]
        profiles: Vec<ProfileName>,
        /// How to obtain them.
        #[command(flatten)]
        obtain: Box<Obtain>,
    },
    /// Show a profile as it is resolved, and what would be done
    Show {
        /// The profile and its options.
        #[command(flatten)]
        target: Box<ProfileArgs>,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// List the profiles
    List {
        /// As JSON
        #[arg(long, conflicts_with = "names")]
        json: bool,
        /// Only the names, one a line
        #[arg(long)]
        names: bool,
    },
    /// Show what this shell holds and what is cached
    Status {
        /// The profile and its options.
        #[command(flatten)]
        target: Box<ProfileArgs>,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Print statements that clear what `env` set
    Unset {
        /// The shell to write for [default: the shell that runs this]
        #[arg(long, value_name = "FORMAT", value_parser = one_of::<Format>(&Format::NAMES))]
        format: Option<Format>,
    },
    /// Forget cached credentials
    Clear {
        /// Only those of these profiles
        #[arg(value_name = "PROFILE", value_parser = profile_name)]
        profiles: Vec<ProfileName>,
        /// Destroy the sealing key too, so that no cached credential can ever be opened again
        #[arg(long, conflicts_with = "profiles")]
        all: bool,
    },
}

/// Reads argv, the program's name first.
///
/// # Errors
/// What clap has to say: a usage error, or the text of `--help` and `--version`.
pub fn parse(argv: impl IntoIterator<Item = OsString>) -> Result<Args, clap::Error> {
    let argv: Vec<OsString> = argv.into_iter().collect();
    parse_plain(&argv).map_or_else(|| parse_any(argv), Ok)
}

/// Every command, and clap's own `help`.
const VERBS: [&str; 10] = ["clear", "env", "exec", "help", "list", "login", "process", "show", "status", "unset"];

/// The three lines that SDKs and shells run all day: `process NAME`, `env NAME` and `NAME`. Building clap's tree for
/// them would take a third of the time of an empty program; a test holds the two readings equal.
fn parse_plain(argv: &[OsString]) -> Option<Args> {
    let word = |n: usize| argv.get(n)?.to_str().filter(|word| !word.is_empty() && !word.starts_with('-'));
    let verb = match (argv.len(), word(1)?) {
        (2, name) if !VERBS.contains(&name) => env(name),
        (3, "env") => env(word(2)?),
        (3, "process") => {
            Verb::Process(Box::new(ProfileArgs { profile: ProfileName::new(word(2)?), ..ProfileArgs::default() }))
        }
        _ => return None,
    };
    Some(Args { global: Global::default(), verb })
}

fn env(name: &str) -> Verb {
    Verb::Env(Box::new(EnvArgs { profile: ProfileName::new(name), ..EnvArgs::default() }))
}

fn parse_any(argv: Vec<OsString>) -> Result<Args, clap::Error> {
    let Cli { global, env: before, command } = Cli::try_parse_from(argv)?;
    let Some(mut verb) = command else {
        return Ok(Args { global, verb: Verb::Env(Box::new(before)) });
    };
    if let Some(profile) = before.profile {
        let hint =
            "a profile goes after the command; one that is named like a command is reached with `mfa-cred -- NAME`";
        return Err(usage(
            ErrorKind::ArgumentConflict,
            format!("`{}` stands before a command\n\n{hint}", profile.as_str().escape_debug()),
        ));
    }
    match (&mut verb, before.format) {
        (_, None) => {}
        (Verb::Env(args), format) => args.format = args.format.or(format),
        (Verb::Unset { format: inner }, format) => *inner = inner.or(format),
        _ => return Err(usage(ErrorKind::UnknownArgument, "`--format` goes with `env` and `unset`".to_owned())),
    }
    match verb.obtain_mut() {
        Some(inner) => inner.add_from(before.obtain),
        None if before.obtain == Obtain::default() => {}
        None => {
            let text = "the options before this command go with commands that obtain credentials";
            return Err(usage(ErrorKind::UnknownArgument, text.to_owned()));
        }
    }
    Ok(Args { global, verb })
}

fn usage(kind: ErrorKind, text: String) -> clap::Error {
    Cli::command().error(kind, text)
}

impl Verb {
    fn obtain_mut(&mut self) -> Option<&mut Obtain> {
        match self {
            Self::Env(args) => Some(&mut args.obtain),
            Self::Process(target)
            | Self::Exec { target, .. }
            | Self::Show { target, .. }
            | Self::Status { target, .. } => Some(&mut target.obtain),
            Self::Login { obtain, .. } => Some(obtain),
            Self::List { .. } | Self::Unset { .. } | Self::Clear { .. } => None,
        }
    }
}

impl Obtain {
    /// Adds what stood before the verb; what stood behind it wins, and lists go on.
    fn add_from(&mut self, before: Self) {
        macro_rules! inner_or_outer { ($($field:ident)*) => { $( self.$field = self.$field.take().or(before.$field); )* } }
        macro_rules! outer_then_inner { ($($field:ident)*) => { $( self.$field.splice(0..0, before.$field); )* } }
        macro_rules! either { ($($field:ident)*) => { $( self.$field |= before.$field; )* } }
        inner_or_outer!(role_arn source_profile external_id session_name source_identity session_policy duration region
            mfa_serial mfa_token min_ttl);
        outer_then_inner!(tags transitive_tags policy_arns);
        either!(refresh no_prompt no_cache);
    }
}

fn profile_name(text: &str) -> Result<ProfileName, &'static str> {
    ProfileName::new(text).ok_or("a profile's name is not empty")
}

/// One of a closed list of words, which `--help` and completion then know.
fn one_of<T: std::str::FromStr + Clone + Send + Sync + 'static>(
    names: &'static [&'static str],
) -> impl TypedValueParser<Value = T>
where
    T::Err: std::error::Error + Send + Sync + 'static,
{
    PossibleValuesParser::new(names).try_map(|name| name.parse::<T>())
}

#[cfg(test)]
mod tests {
    use super::{Cli, Obtain, VERBS, Verb, parse, parse_any, parse_plain};
    use clap::{CommandFactory, Parser};

    fn verb(line: &str) -> Result<Verb, String> {
        let argv = std::iter::once("mfa-cred").chain(line.split(' ').filter(|word| !word.is_empty()));
        parse(argv.map(Into::into)).map(|args| args.verb).map_err(|e| e.to_string())
    }

    #[test]
    fn the_tree_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn each_commands_help_speaks_of_that_command() {
        for command in Cli::command().get_subcommands() {
            let name = command.get_name();
            let said = Cli::try_parse_from(["mfa-cred", name, "-h"]).expect_err("help").to_string();
            let about = command.get_about().expect("each has a line of its own").to_string();
            assert!(said.starts_with(&about), "{name}: {said}");
        }
    }

    #[test]
    fn the_bare_profile_is_env() {
        for (bare, full) in [
            ("", "env"),
            ("p", "env p"),
            ("--duration 2h p", "env --duration 2h p"),
            ("p --no-prompt", "env p --no-prompt"),
            ("-- list", "env list"),
            ("--region eu-west-1 env p", "env p --region eu-west-1"),
            ("--format json env p", "env p --format json"),
            ("--region eu-west-1 process p", "process p --region eu-west-1"),
            ("--region eu-west-1 exec p -- ls -l", "exec p --region eu-west-1 -- ls -l"),
            ("--tag a=1 login p --tag b=2", "login p --tag a=1 --tag b=2"),
        ] {
            assert_eq!(verb(bare), verb(full), "{bare}");
            assert!(verb(bare).is_ok(), "{bare}");
        }
    }

    #[test]
    fn the_short_way_reads_what_clap_reads() {
        let argv = |line: &str| -> Vec<std::ffi::OsString> {
            std::iter::once("mfa-cred").chain(line.split('|').filter(|w| !w.is_empty())).map(Into::into).collect()
        };
        let names = ["p", "$(touch PWNED)", "two words", "-", "--", "--version", "x=y", "ü", "env", "process", "help"];
        let mut short = 0;
        for verb in VERBS.iter().chain(&names) {
            for line in names.iter().map(|name| format!("{verb}|{name}")).chain([(*verb).to_owned()]) {
                if let Some(args) = parse_plain(&argv(&line)) {
                    short += 1;
                    assert_eq!(parse_any(argv(&line)).ok(), Some(args), "{line}");
                }
            }
        }
        assert!(short > 15, "{short}");
        let mut verbs: Vec<String> = Cli::command().get_subcommands().map(|c| c.get_name().to_owned()).collect();
        verbs.push("help".to_owned());
        verbs.sort();
        assert_eq!(verbs, VERBS);
    }

    #[test]
    fn what_is_refused() {
        for line in [
            "p list",
            "p process q",
            "p q",
            "--region eu-west-1 list",
            "--format json list",
            "--refresh clear",
            "env p --region A;b",
            "env p --duration abc",
            "env p --store cupboard",
            "clear p --all",
            "nonsense --flag",
        ] {
            assert!(verb(line).is_err(), "{line}");
        }
    }

    #[test]
    fn what_stands_behind_the_verb_wins() {
        let Ok(Verb::Process(args)) = verb("--region eu-west-1 --refresh process p --region us-east-1") else {
            panic!("it parses");
        };
        assert_eq!(args.obtain.region.as_ref().map(super::super::names::Region::as_str), Some("us-east-1"));
        assert!(args.obtain.refresh);
        assert_ne!(args.obtain, Obtain::default());
    }
}
