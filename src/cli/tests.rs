use super::{Cli, EvaluatesArgs, Obtain, VERBS, Verb, parse, parse_any, parse_plain};
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
        ("export p", "env p"),
        ("--profile p", "env p"),
        ("p --profile p", "env p"),
        ("env --profile p", "env p"),
        ("--profile p process", "process p"),
        ("--profile p process --profile p p", "process p"),
        ("exec --profile p -- ls", "exec p -- ls"),
        ("exec p ls", "exec p -- ls"),
        ("show --profile p", "show p"),
        ("status --profile p", "status p"),
        ("login --profile p", "login p"),
        ("login p p --profile p", "login p p"),
        ("clear --profile p", "clear p"),
        ("list --profile p", "list p"),
        ("device list p", "device list --profile p"),
        ("--profile p device enroll p", "device enroll --profile p"),
        ("--profile p device resync", "device resync --profile p"),
        ("--profile p policy check --user u", "policy check --user u --profile p"),
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
                assert_eq!(parse_any(&argv(&line)).ok(), Some(args), "{line}");
            }
        }
    }
    assert!(short > 15, "{short}");
    let mut asked = 0;
    for shell in
        ["bash", "zsh", "fish", "pwsh", "powershell", "nu", "elvish", "xonsh", "tcsh", "csh", "sh", "no-shell", "-"]
    {
        for words in [&[][..], &[""], &["env", ""], &["--help"], &["-"], &["--", "x"], &["a b", "$(x)", "ü"]] {
            let asked_for = ["mfa-cred", "__complete", shell, "--"];
            let line: Vec<std::ffi::OsString> = asked_for.iter().chain(words).map(Into::into).collect();
            if let Some(args) = parse_plain(&line) {
                asked += 1;
                assert_eq!(parse_any(&line).ok(), Some(args), "{line:?}");
            }
        }
    }
    assert!(asked > 50, "{asked}");
    let tree = Cli::command();
    let names = tree.get_subcommands().flat_map(|c| std::iter::once(c.get_name()).chain(c.get_all_aliases()));
    let mut verbs: Vec<String> = names.map(str::to_owned).collect();
    verbs.push("help".to_owned());
    verbs.sort();
    assert_eq!(verbs, VERBS);
}

#[test]
fn the_page_of_the_console_follows_its_profile_wherever_that_is_named() {
    for (line, profile, page) in [
        ("console", None, None),
        ("console p", Some("p"), None),
        ("console p s3", Some("p"), Some("s3")),
        ("console --profile p s3", Some("p"), Some("s3")),
        ("--profile p console s3", Some("p"), Some("s3")),
        ("console s3 --profile p", Some("p"), Some("s3")),
        ("console --profile p", Some("p"), None),
        ("console p s3 --profile p", Some("p"), Some("s3")),
        ("console --profile p p", Some("p"), None),
    ] {
        let Ok(Verb::Console(args)) = verb(line) else { panic!("{line}") };
        let named = args.target.profile.as_ref().map(crate::names::ProfileName::as_str);
        assert_eq!((named, args.page.as_deref()), (profile, page), "{line}");
    }
    assert!(verb("console p s3 --profile q").is_err());
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
        "p --profile q",
        "--profile q env p",
        "process p --profile q",
        "--profile p process --profile q",
        "exec p --profile q -- ls",
        "login p q --profile p",
        "clear p --profile q",
        "clear --all --profile p",
        "list p --profile q",
        "device list p --profile q",
        "--profile p device enroll q",
        "--profile p init bash",
        "--profile p unset",
        "--profile p policy print",
    ] {
        assert!(verb(line).is_err(), "{line}");
    }
}

#[test]
fn what_follows_the_verb_wins() {
    let Ok(Verb::Process(args)) = verb("--region eu-west-1 --refresh process p --region us-east-1") else {
        panic!("it parses");
    };
    assert_eq!(args.obtain.region.as_ref().map(crate::names::Region::as_str), Some("us-east-1"));
    assert!(args.obtain.refresh);
    assert_ne!(args.obtain, Obtain::default());
}

/// The function of a shell asks this before it runs the words: what it takes for itself, and what it passes through.
#[test]
fn what_a_shell_evaluates() {
    let asks = |words: &str| {
        let words: Vec<_> = words.split(' ').filter(|word| !word.is_empty()).map(Into::into).collect();
        EvaluatesArgs { words }.are_for_the_shell()
    };
    for words in [
        "",
        "p",
        "env p",
        "env",
        "unset",
        "-- list",
        "env list",
        "export p",
        "--profile p",
        "--region eu-west-1 p",
        "-v --refresh env p",
        "-q unset",
    ] {
        assert!(asks(words), "{words}");
        assert!(verb(&format!("__evaluates -- {words}")).is_ok(), "{words}");
    }
    for words in [
        "--format json p",
        "env p --format posix",
        "unset --format fish",
        "p --help",
        "--help",
        "--version",
        "help env",
        "p --nonsense",
        "p list",
        "exec p -- env",
        "process p",
        "init bash",
        "__evaluates -- p",
    ] {
        assert!(!asks(words), "{words}");
    }
    // Every other command is passed through, whatever comes to be one.
    for name in VERBS.iter().filter(|name| !matches!(**name, "env" | "export" | "unset")) {
        assert!(!asks(name) && !asks(&format!("{name} p")), "{name}");
    }
}

#[test]
fn the_words_for_another_run_say_the_same() {
    use clap::Parser;
    #[derive(Debug, Parser)]
    struct Words {
        #[command(flatten)]
        obtain: super::Obtain,
    }
    let line = "x --role-arn arn:aws:iam::123456789012:role/a/b --source-profile=-p --external-id=xy --session-name nn \
                --source-identity ii --tag a=b=c --tag d= --transitive-tag a --transitive-tag d --session-policy @f \
                --policy-arn arn:aws:iam::aws:policy/P --duration 1h30m --region eu-west-1 \
                --mfa-serial arn:aws:iam::123456789012:mfa/m --min-ttl 900 --no-cache";
    let obtain = Words::try_parse_from(line.split_whitespace()).expect("words").obtain;
    let asked = super::Obtain { refresh: true, no_prompt: true, mfa_token: Some("-".to_owned()), ..obtain.clone() };
    let again = std::iter::once("x".into()).chain(asked.words());
    assert_eq!(Words::try_parse_from(again).expect("words").obtain, obtain);
    assert_eq!(super::Obtain::default().words(), Vec::<std::ffi::OsString>::new());
}
