//! What can complete a command line at the cursor, taken from clap's own tree, so that a new option is completed without
//! further work.
//!
//! Pure: values that come from files (such as profiles) are only named here ([`Live`]); the command looks them up.

use std::path::PathBuf;

use clap::builder::PossibleValue;
use clap::{Arg, ArgAction, Args as ClapArgs, Command, Subcommand};

use super::options::{CommandName, shell_with};
use super::{EnvArgs, Global, Verb};
use crate::names::console::ConsoleService;
use crate::shell::Shell;

// Prints the completion script of a shell.
#[allow(missing_docs, reason = "clap would print it in place of the command's own text")]
#[derive(Clone, Debug, ClapArgs, PartialEq)]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_name = "SHELL", value_parser = shell_with(|dialect| dialect.completion.as_ref()))]
    pub shell: Shell,
    /// Complete a function of this name too, such as `mfa-cred init --cmd NAME` makes
    #[arg(long = "cmd", value_name = "NAME")]
    pub command: Option<CommandName>,
}

// What a completion script calls.
#[allow(missing_docs, reason = "clap would print it in place of the command's own text")]
#[derive(Clone, Debug, ClapArgs, PartialEq)]
pub struct CompleteArgs {
    /// The shell
    #[arg(value_name = "SHELL", value_parser = shell_with(|dialect| dialect.completion.as_ref()))]
    pub shell: Shell,
    /// The words up to the cursor, without the program's name, or what else that shell knows
    #[arg(last = true, value_name = "WORD")]
    pub words: Vec<String>,
}

/// What can be typed at the cursor.
#[derive(Debug, Default, PartialEq)]
pub struct Slot {
    /// Fixed words, and what they mean.
    pub fixed: Vec<(String, String)>,
    /// Words that must be looked up.
    pub live: Option<Live>,
    /// The part of the word at the cursor before the value: `--region=`, or nothing.
    pub before: String,
    /// Can a word that starts with a dash be a value here, and not an option?
    pub is_dash_legal: bool,
    /// The files that the line names up to the cursor.
    pub global: Global,
}

/// Words that must be looked up.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Live {
    /// The profiles.
    Profiles,
    /// The profiles that have something in the cache.
    Cached,
    /// The MFA devices that the profiles name.
    Serials,
    /// The roles that the profiles name.
    Roles,
    /// The regions that the profiles name.
    Regions,
    /// The SSO sessions.
    SsoSessions,
    /// The profiles that sign in with SSO, by themselves or at the start of their chain.
    SsoProfiles,
    /// Files: the shell knows them better.
    Files,
    /// Folders.
    Folders,
    /// Programs.
    Programs,
}

/// What can complete the last of `words`, which do not include the program's name.
pub fn place(words: &[String]) -> Slot {
    place_at_once(words).unwrap_or_else(|| place_in(sparse(words), words))
}

/// The commands whose first argument is a profile.
const OF_A_PROFILE: [&str; 10] =
    ["console", "env", "exec", "export", "list", "login", "process", "serve", "show", "status"];

/// A line without options, in which people mostly press TAB: it needs nothing of clap's arguments, whose tree takes longer
/// to build than everything else here.
///
/// The commands stand here a second time for that; a test compares them with clap's.
pub fn place_at_once(words: &[String]) -> Option<Slot> {
    let (current, before) = words.split_last().map_or(("", &[][..]), |(last, before)| (last.as_str(), before));
    if current.starts_with('-') {
        return None;
    }
    let (fixed, live) = match before {
        [] => (all_commands(), Live::Profiles),
        [verb] if verb == "clear" => (Vec::new(), Live::Cached),
        [verb] if verb == "logout" => (Vec::new(), Live::SsoProfiles),
        [verb] if OF_A_PROFILE.contains(&verb.as_str()) => (Vec::new(), Live::Profiles),
        _ => return None,
    };
    Some(Slot { fixed, live: Some(live), ..Slot::default() })
}

/// The commands, and what they do.
const COMMANDS: [(&str, &str); 27] = [
    ("audit", "Find users without MFA, old keys and other risks in an account"),
    ("clear", "Forget cached credentials"),
    ("completions", "Print the completion script of a shell"),
    ("console", "Open the AWS console in the browser, signed in as the profile's role"),
    ("device", "MFA devices: list, enroll, resync, remove, keep-seed, forget-seed"),
    ("doctor", "Find problems with the setup, and how to repair them"),
    ("env", "Print statements that set credentials in a shell (or: export)"),
    ("exec", "Run a command with the credentials in its environment"),
    ("init", "Print the shell integration (function, completion, prompt)"),
    ("keys", "Long-term access keys: sealed, not in plain text"),
    ("list", "List the profiles"),
    ("login", "Sign in: obtain and cache credentials, print nothing"),
    ("logout", "Sign out of IAM Identity Center (SSO)"),
    ("man", "Print the manual page, or write all manual pages to a folder"),
    ("policy", "Print and check IAM policies that enforce MFA"),
    ("process", "Print the `credential_process` JSON for an SDK"),
    ("prompt", "Print a prompt segment: the shell's profile and the time left"),
    ("serve", "Serve credentials to SDKs over a loopback endpoint"),
    ("setup", "Set up a user: access key, MFA device, role, shell, first sign-in"),
    ("show", "Show how a profile resolves, and what would be done"),
    ("status", "Show what this shell holds and what is cached"),
    ("unset", "Print statements that clear what `env` set"),
    ("unwire", "Remove what `wire` wrote"),
    ("unwrite", "Remove what `write` wrote"),
    ("wire", "Let SDKs and the AWS CLI use a profile (`credential_process`)"),
    ("write", "Write temporary credentials into the credentials file"),
    ("help", "Print this message or the help of the given subcommand(s)"),
];

fn all_commands() -> Vec<(String, String)> {
    COMMANDS.map(|(name, about)| (name.to_owned(), about.to_owned())).to_vec()
}

/// The value's name where a service of the AWS console can stand.
const SERVICE: &str = "SERVICE|URL";

/// The command that clap adds to those of any command.
const HELP: &str = "help";

/// The commands of a command in the order of the alphabet, clap's own last.
fn said_of(command: &Command) -> Vec<(String, String)> {
    let shown = command.get_subcommands().filter(|command| !command.is_hide_set());
    let mut said: Vec<_> = shown.map(|command| (command.get_name().to_owned(), about(command.get_about()))).collect();
    said.sort_by(|(one, _), (other, _)| (one == HELP, one).cmp(&(other == HELP, other)));
    said
}

/// The tree with those commands alone that the line may name, and without the texts that only the help shows.
fn sparse(words: &[String]) -> Command {
    let is_typed = |name: &str| words.iter().any(|word| word == name || word == HELP);
    let typed = |command: &&Command| is_typed(command.get_name()) || command.get_all_aliases().any(is_typed);
    let root = EnvArgs::augment_args(Global::augment_args(Command::new("mfa-cred").version("")));
    let named = Verb::augment_subcommands(Command::new("mfa-cred"));
    root.subcommands(named.get_subcommands().filter(typed).cloned())
}

fn place_in(mut root: Command, words: &[String]) -> Slot {
    root.build();
    let (current, before) = words.split_last().map_or(("", &[][..]), |(last, before)| (last.as_str(), before));
    let mut line =
        Typed { root: &root, command: &root, given: 0, is_literal: false, open: None, global: Global::default() };
    for word in before {
        line.read(word);
    }
    line.at(current)
}

/// A command line that is being read.
struct Typed<'a> {
    root: &'a Command,
    command: &'a Command,
    /// How many positional arguments this command has.
    given: usize,
    /// Was there a `--`? Then nothing that follows is an option.
    is_literal: bool,
    /// The option whose value comes next.
    open: Option<&'a Arg>,
    global: Global,
}

impl<'a> Typed<'a> {
    fn read(&mut self, word: &str) {
        if let Some(option) = self.open.take() {
            self.note(option, word);
        } else if self.is_literal {
            self.given += 1;
        } else if word == "--" {
            self.is_literal = true;
            self.given = self.last().map_or(self.given, |(place, _)| place);
        } else if let Some(long) = word.strip_prefix("--") {
            let (name, value) = long.split_once('=').map_or((long, None), |(name, value)| (name, Some(value)));
            let option = self.option(|arg| arg.get_long() == Some(name));
            match (option, value) {
                (Some(option), Some(value)) => self.note(option, value),
                (option, None) => self.open = option.filter(|option| takes_value(option)),
                (None, Some(_)) => {}
            }
        } else if word.len() > 1 && word.starts_with('-') {
            let last = word.chars().next_back();
            self.open = self.option(|arg| arg.get_short() == last).filter(|option| takes_value(option));
        } else if let Some(command) = self.subcommand(word) {
            (self.command, self.given) = (command, 0);
        } else {
            self.given += 1;
        }
    }

    fn at(self, word: &str) -> Slot {
        let mut place = Slot { global: self.global.clone(), ..Slot::default() };
        let option_and_value =
            word.strip_prefix("--").filter(|_| !self.is_literal).and_then(|word| word.split_once('='));
        if let Some(option) = self.open {
            self.values(option, &mut place);
            place.is_dash_legal = option.is_allow_hyphen_values_set();
        } else if let Some((name, _)) = option_and_value {
            place.before = format!("--{name}=");
            place.is_dash_legal = true;
            if let Some(option) = self.option(|arg| arg.get_long() == Some(name) && takes_value(arg)) {
                self.values(option, &mut place);
            }
        } else if word.starts_with('-') && !self.is_literal {
            place.is_dash_legal = true;
            place.fixed = self.options();
        } else {
            place.is_dash_legal = self.is_literal;
            if !self.is_literal && self.given == 0 {
                place.fixed = self.subcommands();
            }
            if let Some(argument) = self.positional() {
                self.values(argument, &mut place);
            }
        }
        place
    }

    fn subcommand(&self, word: &str) -> Option<&'a Command> {
        if self.given > 0 { None } else { self.command.find_subcommand(word) }
    }

    /// Those of the root are all there are, however few of them were built.
    fn subcommands(&self) -> Vec<(String, String)> {
        if std::ptr::eq(self.command, self.root) { all_commands() } else { said_of(self.command) }
    }

    fn option(&self, is_it: impl Fn(&Arg) -> bool) -> Option<&'a Arg> {
        self.command.get_opts().chain(self.command.get_arguments()).find(|arg| !arg.is_positional() && is_it(arg))
    }

    fn options(&self) -> Vec<(String, String)> {
        let options = self.command.get_arguments().filter(|arg| !arg.is_positional() && !arg.is_hide_set());
        options.filter_map(|arg| Some((format!("--{}", arg.get_long()?), about(arg.get_help())))).collect()
    }

    /// The argument that only follows `--`, and its position among the positional ones.
    fn last(&self) -> Option<(usize, &'a Arg)> {
        self.positionals().into_iter().enumerate().find(|(_, arg)| arg.is_last_set())
    }

    /// In the order in which they are typed.
    fn positionals(&self) -> Vec<&'a Arg> {
        let mut all: Vec<&Arg> = self.command.get_positionals().collect();
        all.sort_by_key(|arg| arg.get_index());
        all
    }

    fn positional(&self) -> Option<&'a Arg> {
        let all = self.positionals();
        let is_many = |arg: &&&Arg| matches!(arg.get_action(), ArgAction::Append);
        let found = all.get(self.given).or_else(|| all.last().filter(is_many)).copied()?;
        (self.is_literal || !found.is_last_set()).then_some(found)
    }

    fn values(&self, arg: &Arg, place: &mut Slot) {
        let words = arg.get_possible_values();
        let words = words.iter().filter(|word| !word.is_hide_set());
        let with_about = |word: &PossibleValue| (word.get_name().to_owned(), about(word.get_help()));
        place.fixed.extend(words.map(with_about));
        if arg.get_value_names().is_some_and(|names| names[0].as_str() == SERVICE) {
            place.fixed.extend(ConsoleService::all().iter().map(|it| (it.name().to_owned(), it.title.to_owned())));
        }
        place.live = self.live(arg);
    }

    /// Decided by the value's name in the help.
    fn live(&self, arg: &Arg) -> Option<Live> {
        match arg.get_value_names()?.first()?.as_str() {
            "PROFILE" if self.command.get_name() == "clear" => Some(Live::Cached),
            "PROFILE" if self.command.get_name() == "logout" => Some(Live::SsoProfiles),
            "PROFILE" => Some(Live::Profiles),
            "SERIAL" | "SERIAL|PROFILE" | "SERIAL|NAME" => Some(Live::Serials),
            "REGION" => Some(Live::Regions),
            "SESSION" => Some(Live::SsoSessions),
            "ARN" | "ARN|NAME" if arg.get_id() == "role_arn" => Some(Live::Roles),
            "FILE" => Some(Live::Files),
            "DIR" => Some(Live::Folders),
            "CMD" if self.last().is_some_and(|(place, _)| self.given > place) => Some(Live::Files),
            "CMD" => Some(Live::Programs),
            _ => None,
        }
    }

    fn note(&mut self, option: &Arg, value: &str) {
        match option.get_id().as_str() {
            "config_file" => self.global.config_file = Some(PathBuf::from(value)),
            "credentials_file" => self.global.credentials_file = Some(PathBuf::from(value)),
            _ => {}
        }
    }
}

fn takes_value(arg: &Arg) -> bool {
    arg.get_action().takes_values()
}

/// The first line, without what clap would color.
fn about(text: Option<&clap::builder::StyledStr>) -> String {
    text.map(ToString::to_string).unwrap_or_default().lines().next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::{Live, Slot, all_commands, place, place_in, said_of};
    use crate::cli::{VERBS, tree};

    fn at(line: &str) -> Slot {
        place(&line.split('|').map(str::to_owned).collect::<Vec<_>>())
    }

    fn words(place: &Slot) -> Vec<&str> {
        place.fixed.iter().map(|(word, _)| word.as_str()).collect()
    }

    /// Every line and every beginning of it, also where a value or an argument is called as a command is.
    #[test]
    fn a_command_that_is_not_typed_is_not_missed() {
        let lines = VERBS.iter().map(|verb| format!("{verb}|p|--region|x|--|ls|-"));
        let others = [
            "--region|env|",
            "|env|",
            "clear|clear|",
            "--config-file|help|",
            "env|--color|",
            "-V|",
            "p|env|",
            "help|env|",
            "help|device|",
            "device|list|",
            "device|enroll|--name|",
        ];
        for line in
            lines.chain(others.map(str::to_owned)).chain(["policy|check|--".to_owned(), "-v|--x=|p|".to_owned()])
        {
            let words: Vec<String> = line.split('|').map(str::to_owned).collect();
            for typed in 0..=words.len() {
                for last in ["", "-", "--", "--region=", "d"] {
                    let words: Vec<String> = words[..typed].iter().cloned().chain([last.to_owned()]).collect();
                    assert_eq!(place(&words), place_in(tree(), &words), "{words:?}");
                }
            }
        }
    }

    #[test]
    fn the_commands_are_those_of_the_whole_tree() {
        let mut tree = tree();
        tree.build();
        assert_eq!(all_commands(), said_of(&tree));
    }

    #[test]
    fn what_must_be_looked_up() {
        for (line, live) in [
            ("", Some(Live::Profiles)),
            ("env|", Some(Live::Profiles)),
            ("--region|eu-west-1|", Some(Live::Profiles)),
            ("-v|", Some(Live::Profiles)),
            ("--|", Some(Live::Profiles)),
            ("--|-", Some(Live::Profiles)),
            ("p|", None),
            ("process|p|", None),
            ("login|p|q|", Some(Live::Profiles)),
            ("clear|p|", Some(Live::Cached)),
            ("logout|", Some(Live::SsoProfiles)),
            ("logout|p|", Some(Live::SsoProfiles)),
            ("logout|--profile=", Some(Live::SsoProfiles)),
            ("logout|--sso|", Some(Live::SsoSessions)),
            ("login|--sso=", Some(Live::SsoSessions)),
            ("list|--sso|", Some(Live::SsoSessions)),
            ("--source-profile|", Some(Live::Profiles)),
            ("env|p|--source-profile=", Some(Live::Profiles)),
            ("--mfa-serial|", Some(Live::Serials)),
            ("--role-arn|", Some(Live::Roles)),
            ("--policy-arn|", None),
            ("--region=", Some(Live::Regions)),
            ("list|--config-file|", Some(Live::Files)),
            ("exec|p|", None),
            ("console|", Some(Live::Profiles)),
            ("console|p|s3|--browser|", Some(Live::Programs)),
            ("exec|--profile|", Some(Live::Profiles)),
            ("device|list|", Some(Live::Profiles)),
            ("device|enroll|--profile=", Some(Live::Profiles)),
            ("device|resync|", Some(Live::Serials)),
            ("list|", Some(Live::Profiles)),
            ("clear|--profile|", Some(Live::Cached)),
            ("exec|p|--|", Some(Live::Programs)),
            ("exec|--|", Some(Live::Programs)),
            ("exec|p|--region|eu-west-1|--|ls|", Some(Live::Files)),
            ("exec|p|--|ls|-", Some(Live::Files)),
            ("man|", Some(Live::Folders)),
            ("help|", None),
            ("nonsense|--flag|", None),
            ("--nonsense=", None),
        ] {
            assert_eq!(at(line).live, live, "{line}");
        }
    }

    #[test]
    fn words_that_are_always_the_same() {
        let place = at("");
        for verb in ["clear", "env", "exec", "help", "list", "process", "prompt", "status"] {
            assert!(words(&place).contains(&verb), "{verb}");
        }
        assert!(place.fixed.contains(&("list".to_owned(), "List the profiles".to_owned())));
        assert!(!words(&place).contains(&"__complete"));
        assert_eq!(words(&at("--store|")), ["auto", "kernel", "keyring", "passphrase", "none"]);
        assert_eq!(words(&at("env|p|--color=")), ["auto", "always", "never"]);
        assert_eq!(at("env|p|--color=").before, "--color=");
        assert!(words(&at("help|")).contains(&"list"));
        let services = at("console|p|");
        assert!(services.fixed.contains(&("s3".to_owned(), "S3".to_owned())) && services.live.is_none());
        assert!(words(&at("console|--profile|p|x|")).contains(&"iam") && words(&at("console|")).is_empty());
        let options = at("list|-");
        assert!(words(&options).contains(&"--names") && words(&options).contains(&"--help"), "{options:?}");
        assert!(words(&options).contains(&"--config-file") && !words(&options).contains(&"--refresh"), "{options:?}");
        assert!(words(&at("--")).contains(&"--refresh"));
        assert_eq!(words(&at("--|")), Vec::<&str>::new());
    }

    #[test]
    fn the_files_that_the_line_names() {
        let global = at("--config-file|a b|list|--credentials-file=c|").global;
        assert_eq!(global.config_file.as_deref(), Some("a b".as_ref()));
        assert_eq!(global.credentials_file.as_deref(), Some("c".as_ref()));
    }

    #[test]
    fn where_a_leading_dash_is_a_name() {
        for (line, is_legal) in
            [("", false), ("env|", false), ("--|", true), ("--source-profile=", true), ("--region|", false)]
        {
            assert_eq!(at(line).is_dash_legal, is_legal, "{line}");
        }
    }
}
