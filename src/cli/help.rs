//! The help texts other than the options: examples, which come first, groups of commands, and the extra sections of the
//! manual pages.

mod layout;

use std::fmt::Write as _;

use clap::{Args as _, Command};

use self::layout::Rows;
use super::EnvArgs;
use crate::exit::ExitCode;
use crate::names::variables;

/// Examples for each command and subcommand.
const EXAMPLES: &[(&str, &str)] = &[
    (
        "audit",
        "mfa-cred audit my-admin-role --html audit.html\n\
         mfa-cred audit my-admin --accounts accounts.txt --role-name SecurityAudit\n\
         mfa-cred audit --report credential-report.csv --only console-without-mfa,root-without-mfa --json",
    ),
    ("clear", "mfa-cred clear my-test-role"),
    (
        "completions",
        "mfa-cred completions bash > ~/.local/share/bash-completion/completions/mfa-cred\n\
         mfa-cred completions zsh > ~/.zfunc/_mfa-cred\n\
         mfa-cred completions fish > ~/.config/fish/completions/mfa-cred.fish",
    ),
    (
        "console",
        "mfa-cred console my-test-role\nmfa-cred console my-test-role s3 --region eu-west-1\n\
         mfa-cred console my-test-role --browser \"firefox 'ext+container:name={profile}&url={url}'\"",
    ),
    ("device", "mfa-cred device list\nmfa-cred device enroll --profile my-user"),
    (
        "device enroll",
        "mfa-cred device enroll --profile my-user\nmfa-cred device enroll --profile my-user --name my-phone --seed --yes",
    ),
    ("device list", "mfa-cred device list\nmfa-cred device list --user somebody --profile admin --json"),
    (
        "device keep-seed",
        "mfa-cred device keep-seed my-user\nzbarimg -q --raw my-qr-code.png | mfa-cred device keep-seed my-user --stdin --yes",
    ),
    ("device forget-seed", "mfa-cred device forget-seed my-user"),
    ("device remove", "mfa-cred device remove arn:aws:iam::123456789012:mfa/my-old-phone"),
    ("device resync", "mfa-cred device resync --profile my-user"),
    (
        "doctor",
        "mfa-cred doctor my-test-role\nmfa-cred doctor --json | jq -r '.[] | select(.status == \"fail\") | .id'",
    ),
    (
        "env",
        "eval $(mfa-cred env my-test-role)\n\
         eval $(mfa-cred env my-test-role --as-profile)\n\
         mfa-cred env my-test-role --format json",
    ),
    ("exec", "mfa-cred exec my-test-role -- terraform plan\nmfa-cred exec my-test-role printenv AWS_REGION"),
    (
        "init",
        "eval \"$(mfa-cred init bash)\"            # in ~/.bashrc\n\
         mfa-cred init fish | source              # in ~/.config/fish/config.fish\n\
         eval \"$(mfa-cred init zsh --prompt)\"    # in ~/.zshrc, with a segment in the prompt\n\
         eval \"$(mfa-cred init zsh --auto-renew)\"    # renews the shell's credentials",
    ),
    (
        "list",
        "mfa-cred list\nmfa-cred list --sso my-sso-session\nmfa-cred list --json | jq -r '.[] | select(.kind == \"role\") | .name'",
    ),
    (
        "keys",
        "mfa-cred keys import my-user\nmfa-cred keys add my-user --csv ~/Downloads/my-user_accessKeys.csv\n\
         mfa-cred keys list",
    ),
    (
        "keys add",
        "mfa-cred keys add my-user --csv ~/Downloads/my-user_accessKeys.csv\n\
         aws iam create-access-key --user-name me | mfa-cred keys add my-user --stdin",
    ),
    ("keys export", "mfa-cred keys export my-user"),
    ("keys import", "mfa-cred keys import my-user my-other-user"),
    ("keys list", "mfa-cred keys list\nmfa-cred keys list --json | jq -r '.[] | select(.sealed | not) | .profile'"),
    ("keys remove", "mfa-cred keys remove my-user"),
    ("keys rotate", "mfa-cred keys rotate my-user\nmfa-cred keys rotate --all --older-than 90d --dry-run"),
    (
        "login",
        "mfa-cred login my-test-role my-other-role\nmfa-cred login --sso my-sso-session\nmy-code-generator | mfa-cred login my-test-role --mfa-token -",
    ),
    ("logout", "mfa-cred logout my-sso-profile\nmfa-cred logout --sso my-sso-session\nmfa-cred logout --all"),
    ("man", "mfa-cred man | man -l -\nmfa-cred man ~/.local/share/man/man1"),
    ("policy", "mfa-cred policy print > policy.json\nmfa-cred policy check policy.json"),
    (
        "policy check",
        "mfa-cred policy check policy.json group-policy.json\nmfa-cred policy check --fix --write policy.json group-policy.json\n\
         mfa-cred policy check --user alice --profile admin",
    ),
    ("policy explain", "mfa-cred policy explain\nmfa-cred policy explain bare-key-open"),
    (
        "policy print",
        "mfa-cred policy print > policy.json\n\
         mfa-cred policy print --format terraform --group developers > require-mfa.tf\n\
         mfa-cred policy print --format cloudformation > require-mfa.yaml",
    ),
    (
        "process",
        "mfa-cred process my-test-role\n\n\
         # ~/.aws/config\n[profile my-test-role-mfa]\ncredential_process = /usr/local/bin/mfa-cred process my-test-role",
    ),
    (
        "prompt",
        "PS1='$(mfa-cred prompt --shell bash) \\$ '\nmfa-cred prompt --format '{profile} {left} {region} {account}'",
    ),
    (
        "setup",
        "mfa-cred setup --csv ~/Downloads/my-user_accessKeys.csv\n\
         mfa-cred setup my-user --role-arn 123456789012:my-test-role\n\
         mfa-cred setup my-user --skip role --skip shell",
    ),
    (
        "serve",
        "mfa-cred serve my-test-role                               # in one terminal\n\
         eval \"$(mfa-cred serve --print-env posix my-test-role)\"  # in another\n\
         mfa-cred serve my-test-role --port 9911 --token-file ~/.my-token",
    ),
    ("show", "mfa-cred show my-test-role"),
    ("status", "mfa-cred status\nmfa-cred status my-test-role || mfa-cred login my-test-role"),
    ("unset", "eval $(mfa-cred unset)"),
    ("unwire", "mfa-cred unwire my-test-role\nmfa-cred unwire --sso my-sso-session\nmfa-cred unwire --all"),
    ("unwrite", "mfa-cred unwrite my-old-tool"),
    (
        "wire",
        "mfa-cred wire my-test-role\naws --profile my-test-role-mfa s3 ls\nmfa-cred wire --all --yes\nmfa-cred wire --sso my-sso-session",
    ),
    ("write", "mfa-cred write my-test-role --as my-old-tool"),
];

/// The examples of the whole program.
pub const EXAMPLES_OF_ALL: &str = "eval $(mfa-cred my-test-role)            # this shell has the role\n\
     mfa-cred exec my-test-role -- aws s3 ls  # one command has it";

/// The commands, in the groups that `--help` shows.
const GROUPS: [(&str, &[&str]); 5] = [
    ("Credentials", &["env", "exec", "login", "logout", "process", "show", "list", "status", "clear"]),
    ("Other programs", &["console", "serve", "wire", "unwire", "write", "unwrite"]),
    ("Shell", &["init", "unset", "prompt", "completions"]),
    ("IAM", &["setup", "keys", "device", "policy", "audit"]),
    ("Help", &["doctor", "man", "help"]),
];

/// Left to `--help`, so that `-h` fits on one screen.
const SELDOM: [&str; 9] = ["completions", "console", "logout", "man", "serve", "unset", "unwire", "unwrite", "write"];

/// The exit codes and their meanings.
pub fn exit_codes() -> Vec<(String, &'static str)> {
    let of_signal = ("141".to_owned(), "stdout was closed by its reader (SIGPIPE)");
    ExitCode::ALL.map(|code| (code.to_string(), code.meaning())).into_iter().chain([of_signal]).collect()
}

/// The files of the program.
pub const FILES: [(&str, &str); 5] = [
    ("~/.aws/config", "the profiles, as the AWS CLI reads them"),
    ("~/.aws/credentials", "access keys"),
    ("~/.config/mfa-cred/config.ini", "the settings (on other systems, in the user's configuration folder)"),
    ("~/.local/share/mfa-cred-keys/", "sealed access keys"),
    ("~/.local/state/mfa-cred/", "sealed credentials, locks and the record of spent codes"),
];

/// The environment variables that are read, and those that `env` sets.
pub const VARIABLES: [(&str, &str); 17] = [
    (variables::REGION, "like `--region`"),
    (variables::DURATION, "like `--duration`"),
    (variables::MIN_TTL, "like `--min-ttl`"),
    (variables::NO_PROMPT, "like `--no-prompt`"),
    (variables::NO_CACHE, "like `--no-cache`"),
    (variables::STORE, "like `--store`"),
    (variables::CONFIG_FILE, "like `--config-file`"),
    (variables::CREDENTIALS_FILE, "like `--credentials-file`"),
    (variables::COLOR, "like `--color`"),
    (variables::LOG, "`error`, `warn`, `info` or `debug`: like `-q`, no flag, `-v` and `-vv`"),
    (variables::PROFILE, "set by `env`: the profile that the shell holds, which is the default for every command"),
    (variables::EXPORTED_REGION, "set by `env`: the region, if an option or a setting gave it"),
    (variables::RENEWAL, "set by `env` in a shell that renews its credentials: when, and which key"),
    (variables::EXPORTED_PROFILE, "set by `env --as-profile`: what it put into `AWS_PROFILE`"),
    (variables::aws::PROFILE, "the default profile if the shell holds none"),
    ("AWS_CONFIG_FILE, AWS_SHARED_CREDENTIALS_FILE", "the AWS files"),
    ("NO_COLOR", "no colors"),
];

/// AWS files with a role that requires MFA.
const SAMPLE: &str = "\
~/.aws/credentials
    [my-user]
    aws_access_key_id = AKIA...
    aws_secret_access_key = ...
~/.aws/config
    [profile my-test-role]
    source_profile = my-user
    role_arn = arn:aws:iam::123456789012:role/my-test-role
    mfa_serial = auto";

/// No line is longer than this, however wide the terminal is.
pub(super) const WIDEST: usize = 100;

/// Below this, what an option means goes below its name. clap decides by the length of the text and lets some lines be too
/// long.
const NARROW: usize = 40;

/// The command tree with these texts, with no line break in any of them.
pub(super) fn dressed(tree: Command) -> Command {
    laid_out(tree, usize::MAX, false)
}

/// The command tree for a terminal of this width, in columns. If it is for `-h`, seldom used commands are only named.
pub(super) fn fitted(tree: Command, width: usize, is_short: bool) -> Command {
    let mut tree = laid_out(tree, width, is_short).term_width(width).next_line_help(width < NARROW);
    tree.build();
    fit_usage(&mut tree, width);
    tree
}

/// The width of the terminal, else `$COLUMNS`, but at most [`WIDEST`].
pub(super) fn width() -> usize {
    let of_terminal = || terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
    let asked = || std::env::var("COLUMNS").ok()?.parse().ok().filter(|width| *width > 0);
    of_terminal().or_else(asked).map_or(WIDEST, |width| width.min(WIDEST))
}

fn laid_out(tree: Command, width: usize, is_short: bool) -> Command {
    let tree = EXAMPLES.iter().fold(tree, |tree, (path, example)| {
        let path: Vec<&str> = path.split(' ').collect();
        set(tree, &path, &layout::examples(example, width))
    });
    let (template, reference) = (whole(&tree, width, is_short), reference(width));
    // These options belong to `env`, whose own help shows them.
    let of_env = EnvArgs::augment_args(Command::new("env"));
    let of_env = of_env.get_arguments().map(|arg| arg.get_id().clone()).collect::<Vec<_>>();
    let hide = |tree: Command, id| tree.mut_arg(id, |arg| arg.hide_short_help(true));
    of_env.into_iter().fold(tree, hide).help_template(template).after_long_help(reference)
}

fn set(tree: Command, path: &[&str], example: &str) -> Command {
    match path {
        [] => {
            let heading = heading("Examples");
            tree.help_template("{about-with-newline}\n{usage-heading} {usage}{after-help}\n\n{all-args}")
                .after_help(format!("{heading}\n{example}"))
        }
        [first, rest @ ..] => tree.mut_subcommand(first, |command| set(command, rest, example)),
    }
}

/// Breaks the usage lines that are too wide, here and below. clap does not.
fn fit_usage(command: &mut Command, width: usize) {
    const HEADING: &str = "Usage: ";
    let usage = command.render_usage().to_string();
    if usage.lines().any(|line| line.chars().count() > width) {
        let fit = |line: &str| layout::hung(line.trim_start_matches(HEADING), HEADING.len(), HEADING.len() + 4, width);
        let fitting = usage.lines().map(fit).collect::<Vec<_>>().join("\n");
        let own = std::mem::take(command).override_usage(fitting.trim_start().to_owned());
        *command = own;
    }
    command.get_subcommands_mut().for_each(|inner| fit_usage(inner, width));
}

/// A heading in clap's style.
fn heading(text: &str) -> String {
    let style = clap::builder::Styles::styled().get_header().to_owned();
    format!("{style}{text}:{style:#}")
}

/// The help of the whole program: examples, then the commands in groups.
fn whole(tree: &Command, width: usize, is_short: bool) -> String {
    let groups = GROUPS.map(|(name, commands)| {
        let shown = commands.iter().filter(|command| !is_short || !SELDOM.contains(command));
        (name, shown.map(|command| (*command, about(tree, command))).collect::<Vec<_>>())
    });
    let all = groups.iter().flat_map(|(_, rows)| rows.iter().map(|(name, about)| (*name, about.as_str())));
    let layout = Rows::new(&all.collect::<Vec<_>>(), width);
    let mut text = "{about-with-newline}\n{usage-heading} {usage}\n\n".to_owned();
    let _ = writeln!(text, "{}\n{}\n", heading("Examples"), layout::examples(EXAMPLES_OF_ALL, width));
    for (name, rows) in &groups {
        let _ = writeln!(text, "{}", heading(name));
        for (command, about) in rows {
            let _ = writeln!(text, "{}", layout.row(command, about));
        }
    }
    if is_short {
        let more = format!("More: {}", SELDOM.join(", "));
        let _ = writeln!(text, "{}", layout::hung(&more, 0, 2, width));
    }
    text + "\n" + &heading("Options") + "\n{options}{after-help}"
}

fn about(tree: &Command, name: &str) -> String {
    let command = tree.get_subcommands().find(|command| command.get_name() == name);
    let Some(command) = command else { return "Print this help, or the help of a command".to_owned() };
    command.get_about().map(ToString::to_string).unwrap_or_default()
}

fn reference(width: usize) -> String {
    let list = |title: &str, rows: &[(&str, &str)]| {
        let layout = Rows::new(rows, width);
        rows.iter().fold(heading(title) + "\n", |text, (name, what)| text + &layout.row(name, what) + "\n")
    };
    let sample = SAMPLE.lines().map(|line| {
        let indent = 2 + line.len() - line.trim_start().len();
        layout::hung(line, indent, indent + 4, width)
    });
    let codes = exit_codes();
    let codes: Vec<(&str, &str)> = codes.iter().map(|(code, meaning)| (code.as_str(), *meaning)).collect();
    let parts = [
        list("Exit codes", &codes),
        list("Variables", &VARIABLES),
        list("Files", &FILES),
        format!("{}\n{}", heading("A role that requires MFA"), sample.collect::<Vec<_>>().join("\n")),
    ];
    parts.join("\n")
}

#[cfg(test)]
mod tests {
    use super::{Command, GROUPS};
    use crate::cli::tree;

    #[test]
    fn every_command_is_in_one_group() {
        let mut grouped: Vec<&str> = GROUPS.iter().flat_map(|(_, commands)| commands.iter().copied()).collect();
        grouped.sort_unstable();
        let tree = tree();
        let mut all: Vec<&str> =
            tree.get_subcommands().filter(|command| !command.is_hide_set()).map(Command::get_name).collect();
        all.push("help");
        all.sort_unstable();
        assert_eq!(grouped, all);
    }
}
