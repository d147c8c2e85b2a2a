//! An example for every command, for the long help and the manual pages.

use clap::Command;

/// Commands, each with those that it is part of, and how they are used.
const EXAMPLES: &[(&str, &str)] = &[
    ("clear", "mfa-cred clear my-test-role"),
    (
        "completions",
        "mfa-cred completions bash > ~/.local/share/bash-completion/completions/mfa-cred\n    \
         mfa-cred completions zsh > ~/.zfunc/_mfa-cred\n    \
         mfa-cred completions fish > ~/.config/fish/completions/mfa-cred.fish",
    ),
    ("device", "mfa-cred device list\n    mfa-cred device enroll --profile my-user"),
    (
        "device enroll",
        "mfa-cred device enroll --profile my-user\n    mfa-cred device enroll --profile my-user --name my-phone --seed --yes",
    ),
    ("device list", "mfa-cred device list\n    mfa-cred device list --user somebody --profile admin --json"),
    ("device remove", "mfa-cred device remove arn:aws:iam::123456789012:mfa/my-old-phone"),
    ("device resync", "mfa-cred device resync --profile my-user"),
    ("env", "eval $(mfa-cred env my-test-role)\n    mfa-cred env my-test-role --format json"),
    ("exec", "mfa-cred exec my-test-role -- terraform plan"),
    (
        "init",
        "eval \"$(mfa-cred init bash)\"            # in ~/.bashrc\n    \
         mfa-cred init fish | source              # in ~/.config/fish/config.fish\n    \
         eval \"$(mfa-cred init zsh --prompt)\"    # in ~/.zshrc, with a segment in the prompt",
    ),
    ("list", "mfa-cred list\n    mfa-cred list --json | jq -r '.[] | select(.kind == \"role\") | .name'"),
    (
        "login",
        "mfa-cred login my-test-role my-other-role\n    my-code-generator | mfa-cred login my-test-role --mfa-token -",
    ),
    ("man", "mfa-cred man | man -l -\n    mfa-cred man ~/.local/share/man/man1"),
    ("policy", "mfa-cred policy print > policy.json\n    mfa-cred policy check policy.json"),
    (
        "policy check",
        "mfa-cred policy check policy.json group-policy.json\n    mfa-cred policy check --fix --write policy.json group-policy.json\n    \
         mfa-cred policy check --user alice --profile admin",
    ),
    ("policy explain", "mfa-cred policy explain\n    mfa-cred policy explain bare-key-open"),
    (
        "policy print",
        "mfa-cred policy print > policy.json\n    \
         mfa-cred policy print --format terraform --group developers > require-mfa.tf\n    \
         mfa-cred policy print --format cloudformation > require-mfa.yaml",
    ),
    (
        "process",
        "mfa-cred process my-test-role\n\n    \
         # ~/.aws/config\n    [profile my-test-role-mfa]\n    credential_process = /usr/local/bin/mfa-cred process my-test-role",
    ),
    (
        "prompt",
        "PS1='$(mfa-cred prompt --shell bash) \\$ '\n    mfa-cred prompt --format '{profile} {left} {region} {account}'",
    ),
    ("show", "mfa-cred show my-test-role"),
    ("status", "mfa-cred status\n    mfa-cred status my-test-role || mfa-cred login my-test-role"),
    ("unset", "eval $(mfa-cred unset)"),
];

/// The example of the whole program.
const WHOLE: &str = "eval $(mfa-cred my-test-role)\n    mfa-cred exec my-test-role -- aws s3 ls";

/// The tree with them.
pub(super) fn with_examples(tree: Command) -> Command {
    let text = |example: &str| format!("Example:\n    {example}");
    let tree = tree.after_long_help(text(WHOLE));
    EXAMPLES.iter().fold(tree, |tree, (path, example)| {
        let path: Vec<&str> = path.split(' ').collect();
        set(tree, &path, &text(example))
    })
}

fn set(tree: Command, path: &[&str], text: &str) -> Command {
    match path {
        [] => tree.after_long_help(text.to_owned()),
        [first, rest @ ..] => tree.mut_subcommand(first, |command| set(command, rest, text)),
    }
}
