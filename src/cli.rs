//! argv → [`Args`]. clap and nothing else: no file, no decision, and no environment but the width of the help.
//!
//! What was typed is kept as typed (except for values that have a type of their own); what it means here is
//! `settings.rs`'s to say. `--help` therefore works in a broken environment.

mod audit;
mod completion;
mod console;
mod device;
mod doctor;
mod env;
mod help;
mod init;
mod keys;
mod options;
mod policy;
mod prompt;
mod serve;
mod setup;
mod sso;
mod typo;
mod whose;
mod wire;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{Args as ClapArgs, CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::names::ProfileName;
use crate::output::Format;
use crate::shell::Shell;

pub use audit::AuditArgs;
pub use completion::{CompleteArgs, CompletionsArgs, Live, Slot, place, place_at_once};
pub use console::ConsoleArgs;
pub use device::{DeviceVerb, Whose};
pub use doctor::DoctorArgs;
pub use env::EnvArgs;
pub use help::{EXAMPLES_OF_ALL, FILES, VARIABLES, exit_codes};
pub use init::{EvaluatesArgs, InitArgs, RenewArgs};
pub use keys::{KeysVerb, Tool};
pub use options::{Color, CommandName, Global, Obtain};
use options::{one_of, profile_name};
pub use policy::{CheckArgs, CheckFormat, ExplainArgs, PolicyVerb, PrintArgs};
pub use prompt::PromptArgs;
pub use serve::ServeArgs;
pub use setup::{DeviceArgs, SetupArgs, SetupStep};
pub use sso::{LogoutArgs, SignInArgs};
pub use typo::{Meant, meant};
pub use wire::{UnwireArgs, UnwriteArgs, WireArgs, WireSsoArgs, WriteArgs};

/// AWS credentials with MFA: one code a day, for shells, SDKs and the prompt
#[derive(Debug, Parser)]
#[command(name = "mfa-cred", version, subcommand_precedence_over_arg = true)]
#[command(override_usage = "eval $(mfa-cred [OPTIONS] [PROFILE])\n       mfa-cred [OPTIONS] COMMAND")]
struct Cli {
    #[command(flatten)]
    env: EnvArgs,
    // Last, because its heading applies to every option that follows.
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Option<Verb>,
}

/// What was typed.
#[derive(Debug, PartialEq)]
pub struct Args {
    /// Options of every command.
    pub global: Global,
    /// The command.
    pub verb: Verb,
}

// A command for one profile that obtains credentials.
#[allow(missing_docs, reason = "clap would print it in place of the command's own text")]
#[derive(Clone, Debug, Default, ClapArgs, PartialEq)]
pub struct ProfileArgs {
    /// The profile [default: the shell's, else `default`]
    ///
    /// The shell's profile is `$MFA_CRED_PROFILE`, else `$AWS_PROFILE`, else `$AWS_DEFAULT_PROFILE`. Without one, on a
    /// terminal, you pick one from a list.
    #[arg(value_name = "PROFILE", value_parser = profile_name, index = 1)]
    pub profile: Option<ProfileName>,
    /// The profile, as an option
    #[arg(long = "profile", id = "as_option", value_name = "PROFILE", value_parser = profile_name)]
    pub as_option: Option<ProfileName>,
    /// How to obtain them.
    #[command(flatten)]
    pub obtain: Obtain,
}

/// The commands. The arguments of a command are built only when it is the one that was typed: building the whole tree
/// takes half as long as starting a process.
#[derive(Debug, PartialEq, Subcommand)]
#[command(defer = true)]
pub enum Verb {
    /// Print statements that set credentials in a shell (or: export)
    #[command(alias = "export")]
    Env(Box<EnvArgs>),
    /// Print the `credential_process` JSON for an SDK
    Process(Box<ProfileArgs>),
    /// Run a command with the credentials in its environment
    Exec {
        /// The command and its arguments [default: $SHELL]
        #[arg(last = true, value_name = "CMD", index = 2)]
        command: Vec<OsString>,
        /// Let the command renew its credentials
        ///
        /// It reads them from an endpoint like that of `serve`, which runs as long as the command, so that it can outlive
        /// its first credentials. No key is in its environment.
        #[arg(long)]
        server: bool,
        /// Hide the AWS files from the command, which would read `[default]` before the endpoint
        #[arg(long, requires = "server", hide_short_help = true)]
        without_files: bool,
        /// The profile and its options.
        #[command(flatten)]
        target: Box<ProfileArgs>,
    },
    /// Sign in: obtain and cache credentials, print nothing
    Login {
        /// The profiles [default: the shell's, else `default`]
        ///
        /// The shell's profile is `$MFA_CRED_PROFILE`, else `$AWS_PROFILE`, else `$AWS_DEFAULT_PROFILE`. Without one,
        /// on a terminal, you pick one from a list.
        #[arg(value_name = "PROFILE", value_parser = profile_name)]
        profiles: Vec<ProfileName>,
        /// The profile, as an option
        #[arg(long = "profile", id = "as_option", value_name = "PROFILE", value_parser = profile_name)]
        as_option: Option<ProfileName>,
        /// Sign in to an SSO session, without a profile
        #[arg(long, value_name = "SESSION", conflicts_with_all = ["profiles", "as_option"])]
        sso: Option<String>,
        /// How the person confirms a sign-in.
        #[command(flatten)]
        sign_in: SignInArgs,
        /// How to obtain them.
        #[command(flatten)]
        obtain: Box<Obtain>,
    },
    /// Sign out of IAM Identity Center (SSO)
    ///
    /// Ends the sign-in at AWS, removes its token, which the AWS CLI and the SDKs share, and forgets the credentials that came from it. Credentials that programs already have stay valid until they expire.
    Logout(LogoutArgs),
    /// Show how a profile resolves, and what would be done
    Show {
        /// Print JSON
        #[arg(long)]
        json: bool,
        /// The profile and its options.
        #[command(flatten)]
        target: Box<ProfileArgs>,
    },
    /// List the profiles
    List {
        /// Only these profiles
        #[arg(value_name = "PROFILE", value_parser = profile_name)]
        profiles: Vec<ProfileName>,
        /// The profile, as an option
        #[arg(long = "profile", id = "as_option", value_name = "PROFILE", value_parser = profile_name)]
        as_option: Option<ProfileName>,
        /// Print JSON
        #[arg(long, conflicts_with = "names")]
        json: bool,
        /// Only the names, one per line
        #[arg(long)]
        names: bool,
        /// List the accounts and roles of an SSO session
        ///
        /// They are requested from AWS. The session may be omitted if there is only one.
        #[arg(long, value_name = "SESSION", num_args = 0..=1, conflicts_with_all = ["profiles", "as_option", "names"])]
        #[allow(clippy::option_option, reason = "an option whose value may be left out")]
        sso: Option<Option<String>>,
    },
    /// Show what this shell holds and what is cached
    Status {
        /// Print JSON
        #[arg(long)]
        json: bool,
        /// The profile and its options.
        #[command(flatten)]
        target: Box<ProfileArgs>,
    },
    /// Serve credentials to SDKs over a loopback endpoint
    ///
    /// An endpoint for container credentials, which every AWS SDK reads again before they expire. It listens on 127.0.0.1 only, requires a token, and runs until you end it (Ctrl-C). In another shell, `eval "$(mfa-cred serve --print-env posix PROFILE)"` sets the variables.
    Serve(Box<ServeArgs>),
    /// Let SDKs and the AWS CLI use a profile (`credential_process`)
    ///
    /// Writes a second profile, PROFILE-mfa, whose `credential_process` runs `mfa-cred process`: if a profile has a `role_arn`, SDKs never run its `credential_process`. For a user whose access key is sealed, it is written into the profile itself. The change is shown first.
    Wire(WireArgs),
    /// Remove what `wire` wrote
    Unwire(UnwireArgs),
    /// Write temporary credentials into the credentials file
    ///
    /// For tools that read nothing else. They are in plain text there, so any program that runs as you can read them until they expire: prefer `wire` if the tool supports `credential_process`.
    Write(WriteArgs),
    /// Remove what `write` wrote
    Unwrite(UnwriteArgs),
    /// Open the AWS console in the browser, signed in as the profile's role
    ///
    /// The browser is given a local address that works once, so that no other program sees the address that signs it in. Over SSH or without a display, the address is printed. A profile of IAM Identity Center is opened by its start page.
    Console(Box<ConsoleArgs>),
    /// Print and check IAM policies that enforce MFA
    #[command(subcommand)]
    Policy(PolicyVerb),
    /// Find users without MFA, old keys and other risks in an account
    Audit(Box<AuditArgs>),
    /// Print statements that clear what `env` set
    Unset {
        /// The shell to write for, or json, dotenv
        ///
        /// One of posix, fish, powershell, cmd, nu, elvish, xonsh, tcsh, json and dotenv. Default: the shell that
        /// runs this, else `$SHELL`.
        #[arg(long, value_name = "FORMAT", value_parser = one_of::<Format>(Format::all().map(Format::name)), hide_possible_values = true)]
        format: Option<Format>,
    },
    /// MFA devices: list, enroll, resync, remove, keep-seed, forget-seed
    #[command(subcommand)]
    Device(DeviceVerb),
    /// Long-term access keys: sealed, not in plain text
    #[command(subcommand)]
    Keys(KeysVerb),
    /// Set up a user: access key, MFA device, role, shell, first sign-in
    ///
    /// Five steps, each of which is skipped if it is already done. Nothing is written without showing the change, and a
    /// run that was interrupted is continued by the next one.
    Setup(Box<SetupArgs>),
    /// Find problems with the setup, and how to repair them
    ///
    /// Checks the AWS files, the profile, the keyring, the environment, the shell, the clock, the network path to AWS
    /// and the MFA device. It asks for no code and changes nothing.
    Doctor(DoctorArgs),
    /// Forget cached credentials
    Clear {
        /// Only the credentials of these profiles
        #[arg(value_name = "PROFILE", value_parser = profile_name)]
        profiles: Vec<ProfileName>,
        /// The profile, as an option
        #[arg(long = "profile", id = "as_option", value_name = "PROFILE", value_parser = profile_name)]
        as_option: Option<ProfileName>,
        /// Destroy the sealing key too, so that no cached credential can ever be opened again
        #[arg(long, conflicts_with_all = ["profiles", "as_option"])]
        all: bool,
    },
    /// Print a prompt segment: the shell's profile and the time left
    Prompt(PromptArgs),
    /// Print the completion script of a shell
    Completions(CompletionsArgs),
    /// Print the manual page, or write all manual pages to a folder
    Man {
        /// The folder, such as ~/.local/share/man/man1
        #[arg(value_name = "DIR")]
        folder: Option<PathBuf>,
    },
    /// Print what can complete the word at the cursor
    #[command(name = "__complete", hide = true)]
    Complete(CompleteArgs),
    /// Print the shell integration (function, completion, prompt)
    Init(InitArgs),
    /// Say whether the shell evaluates what these words print
    #[command(name = "__evaluates", hide = true)]
    Evaluates(EvaluatesArgs),
    /// Renew what this shell holds, without asking
    #[command(name = "__renew", hide = true)]
    Renew(RenewArgs),
}

/// Reads argv, the program's name first.
///
/// # Errors
/// What clap has to say: a usage error, or the text of `--help` and `--version`.
pub fn parse(argv: impl IntoIterator<Item = OsString>) -> Result<Args, clap::Error> {
    let argv: Vec<OsString> = argv.into_iter().collect();
    parse_plain(&argv).map_or_else(|| parse_any(&argv), Ok)
}

/// Every command, and clap's own `help`.
const VERBS: &[&str] = &[
    "__complete",
    "__evaluates",
    "__renew",
    "audit",
    "clear",
    "completions",
    "console",
    "device",
    "doctor",
    "env",
    "exec",
    "export",
    "help",
    "init",
    "keys",
    "list",
    "login",
    "logout",
    "man",
    "policy",
    "process",
    "prompt",
    "serve",
    "setup",
    "show",
    "status",
    "unset",
    "unwire",
    "unwrite",
    "wire",
    "write",
];

/// Is it the name of a command, so that a profile with that name needs `--` before it?
pub fn is_command(name: &str) -> bool {
    VERBS.contains(&name)
}

/// The lines that SDKs and shells run all day: `process NAME`, `env NAME`, `NAME`, `status NAME`, `list --names`, `prompt`
/// and the calls for TAB completion. Building clap's tree for them would take a third of the time of an empty program; a
/// test keeps the two parsers equal.
pub fn parse_plain(argv: &[OsString]) -> Option<Args> {
    let word = |n: usize| argv.get(n)?.to_str().filter(|word| !word.is_empty() && !word.starts_with('-'));
    let verb = match (argv.len(), word(1)?) {
        (2, "prompt") => Verb::Prompt(PromptArgs::default()),
        (4, "prompt") if argv[2] == "--shell" => Verb::Prompt(PromptArgs {
            shell: Some(word(3)?.parse::<Shell>().ok().filter(|shell| shell.dialect().color_marks.is_some())?),
            ..PromptArgs::default()
        }),
        (2, name) if !VERBS.contains(&name) => env(name),
        (3, "env" | "export") => env(word(2)?),
        (3, "process") => Verb::Process(Box::new(target(word(2)?))),
        (3, "list") if argv[2] == "--names" => {
            Verb::List { profiles: Vec::new(), as_option: None, json: false, names: true, sso: None }
        }
        (3, "status") => Verb::Status { json: false, target: Box::new(target(word(2)?)) },
        (4.., "__complete") if argv[3] == "--" => Verb::Complete(CompleteArgs {
            shell: word(2)?.parse::<Shell>().ok().filter(|shell| shell.dialect().completion.is_some())?,
            words: argv[4..].iter().map(|word| word.to_str().map(str::to_owned)).collect::<Option<_>>()?,
        }),
        _ => return None,
    };
    Some(Args { global: Global::default(), verb })
}

fn target(name: &str) -> ProfileArgs {
    ProfileArgs { profile: ProfileName::new(name), ..ProfileArgs::default() }
}

fn env(name: &str) -> Verb {
    Verb::Env(Box::new(EnvArgs { profile: ProfileName::new(name), ..EnvArgs::default() }))
}

fn parse_any(argv: &[OsString]) -> Result<Args, clap::Error> {
    let read = |argv: &[OsString]| {
        let words = || argv.iter().cloned();
        let found = tree().try_get_matches_from(words()).or_else(|error| match error.kind() {
            ErrorKind::DisplayHelp | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
                help::fitted(Cli::command(), help::width(), argv.iter().any(|word| word == "-h"))
                    .try_get_matches_from(words())
            }
            _ => Err(error),
        });
        found.and_then(|mut found| Cli::from_arg_matches_mut(&mut found))
    };
    let cli = match read(argv) {
        Err(error) => match typo::with_dashes(argv)? {
            Some(argv) => read(&argv)?,
            None => return Err(typo::explained(error, argv)),
        },
        cli => cli?,
    };
    settle(cli)
}

/// Hands the options typed before the command to the command, if it takes them.
fn settle(Cli { global, env: mut before, command }: Cli) -> Result<Args, clap::Error> {
    let Some(mut verb) = command else {
        before.profile = whose::one(before.profile, before.as_option.take())?;
        return env::by_name(Args { global, verb: Verb::Env(Box::new(before)) });
    };
    if let Some(profile) = before.profile {
        let hint = typo::near(profile.as_str()).map_or_else(
            || {
                "a profile goes after the command; for a profile named like a command, use `mfa-cred -- NAME`"
                    .to_owned()
            },
            |near| format!("did you mean `mfa-cred {near}`?"),
        );
        return Err(usage(
            ErrorKind::ArgumentConflict,
            format!("`{}` comes before a command\n\n{hint}", profile.as_str().escape_debug()),
        ));
    }
    whose::settle(&mut verb, before.as_option.as_ref())?;
    match (&mut verb, before.format) {
        (_, None) => {}
        (Verb::Env(args), format) => args.format = args.format.or(format),
        (Verb::Unset { format: inner }, format) => *inner = inner.or(format),
        _ => return Err(usage(ErrorKind::UnknownArgument, "`--format` works only with `env` and `unset`".to_owned())),
    }
    match (&mut verb, before.as_profile) {
        (_, false) => {}
        (Verb::Env(args), true) => args.as_profile = true,
        _ => return Err(usage(ErrorKind::UnknownArgument, "`--as-profile` works only with `env`".to_owned())),
    }
    if let Verb::Policy(PolicyVerb::Check(check)) = &verb
        && check.write
        && check.files.iter().any(|file| file.as_os_str() == "-")
    {
        let text = "`--write` needs files: it cannot write to stdin";
        return Err(usage(ErrorKind::ArgumentConflict, text.to_owned()));
    }
    if let Verb::Policy(PolicyVerb::Print(print)) = &verb
        && print.group.is_some()
        && !print.format.unwrap_or_default().names_group()
    {
        let text = "`--group` works only with `--format terraform` and `--format cloudformation`: a policy document names no group";
        return Err(usage(ErrorKind::ArgumentConflict, text.to_owned()));
    }
    if let Verb::Wire(wire) = &verb
        && wire.name.is_some()
        && wire.profiles.len() > 1
    {
        let text = "`--as` names one section, so it goes with one profile";
        return Err(usage(ErrorKind::ArgumentConflict, text.to_owned()));
    }
    match verb.obtain_mut() {
        Some(inner) => inner.add_from(before.obtain),
        None if before.obtain == Obtain::default() => {}
        None => {
            let text = "the options before this command work only with commands that obtain credentials";
            return Err(usage(ErrorKind::UnknownArgument, text.to_owned()));
        }
    }
    env::by_name(Args { global, verb })
}

/// The whole tree, with everything that its help says, for no terminal in particular.
pub fn tree() -> clap::Command {
    help::dressed(Cli::command())
}

fn usage(kind: ErrorKind, text: String) -> clap::Error {
    tree().error(kind, text)
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
            Self::Write(args) => Some(&mut args.target.obtain),
            Self::Serve(args) => Some(&mut args.obtain),
            Self::Console(args) => Some(&mut args.target.obtain),
            Self::Audit(_)
            | Self::Clear { .. }
            | Self::Complete(_)
            | Self::Completions(_)
            | Self::Device(_)
            | Self::Doctor(_)
            | Self::Evaluates(_)
            | Self::Init(_)
            | Self::Keys(_)
            | Self::List { .. }
            | Self::Logout(_)
            | Self::Man { .. }
            | Self::Policy(_)
            | Self::Prompt(_)
            | Self::Setup(_)
            | Self::Unset { .. }
            | Self::Unwire(_)
            | Self::Unwrite(_)
            | Self::Renew(_)
            | Self::Wire(_) => None,
        }
    }
}

#[cfg(test)]
mod tests;
