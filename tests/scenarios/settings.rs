//! Options override the environment, and the environment overrides `config.ini`; an invalid value is reported with its
//! place.

use std::path::{Path, PathBuf};

use mfa_cred::host::Folders;
use mfa_cred::settings::{Chosen, ObtainOptions, Settings, SettingsError, Token};

use crate::support::texts::{Refusal, Texts};

/// The command line, the environment and the settings file.
fn texts(words: &str, variables: &[(&str, &str)], ini: &str) -> Texts {
    Texts {
        files: vec![("config.ini".to_owned(), ini.to_owned())],
        env: variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        words: shlex::split(words).expect("words"),
    }
}

fn refusal(texts: &Texts) -> Refusal {
    match texts.how() {
        Err(refusal) => refusal,
        Ok(found) => panic!("{texts:?} is taken: {found:?}"),
    }
}

/// How a setting is written in each place, each time with a different value, and how it is read.
struct Setting {
    flag: &'static str,
    variable: (&'static str, &'static str),
    line: &'static str,
    read: fn(&Settings, &ObtainOptions) -> String,
    expected: [&'static str; 4],
}

const SETTINGS: [Setting; 7] = [
    Setting {
        flag: "--store none",
        variable: ("MFA_CRED_STORE", "kernel"),
        line: "store = passphrase",
        read: |settings, _| format!("{:?}", settings.store),
        expected: ["None", "Kernel", "Passphrase", "Auto"],
    },
    Setting {
        flag: "--min-ttl 1m",
        variable: ("MFA_CRED_MIN_TTL", "2m"),
        line: "min_ttl = 3m",
        read: |_, how| how.min_ttl.map_or_else(|| "-".to_owned(), |ttl| ttl.to_string()),
        expected: ["1m", "2m", "3m", "-"],
    },
    Setting {
        flag: "--duration 1h",
        variable: ("MFA_CRED_DURATION", "2h"),
        line: "duration = 3h",
        read: |_, how| {
            let duration = how.request.duration.as_ref().map(|(_, duration)| *duration).or(how.request.usual_duration);
            duration.map_or_else(|| "-".to_owned(), |duration| duration.to_string())
        },
        expected: ["1h", "2h", "3h", "-"],
    },
    Setting {
        flag: "--region eu-west-1",
        variable: ("MFA_CRED_REGION", "eu-west-2"),
        line: "region = eu-west-3",
        read: |_, how| {
            let region = how.request.region.as_ref().or(how.request.usual_region.as_ref());
            region.map_or_else(|| "-".to_owned(), ToString::to_string)
        },
        expected: ["eu-west-1", "eu-west-2", "eu-west-3", "-"],
    },
    Setting {
        flag: "--no-cache",
        variable: ("MFA_CRED_NO_CACHE", "false"),
        line: "no_cache = true",
        read: |_, how| format!("may cache: {}", how.may_cache),
        expected: ["may cache: false", "may cache: true", "may cache: false", "may cache: true"],
    },
    Setting {
        flag: "--no-prompt",
        variable: ("MFA_CRED_NO_PROMPT", "0"),
        line: "no_prompt = On",
        read: |_, how| format!("may prompt: {}", how.may_prompt),
        expected: ["may prompt: false", "may prompt: true", "may prompt: false", "may prompt: true"],
    },
    Setting {
        flag: "-v",
        variable: ("MFA_CRED_LOG", "error"),
        line: "log = debug",
        read: |settings, _| format!("{:?}", settings.messages).split(',').next().unwrap_or_default().to_owned(),
        expected: [
            "Messages { level: Info",
            "Messages { level: Error",
            "Messages { level: Debug",
            "Messages { level: Warn",
        ],
    },
];

#[test]
fn options_beat_the_environment_and_the_environment_beats_the_file() {
    for Setting { flag, variable, line, read, expected } in SETTINGS {
        let places = [
            texts(flag, &[variable], line),
            texts("", &[variable], line),
            texts("", &[(variable.0, "")], line),
            texts("", &[], ""),
        ];
        let found = places.map(|texts| {
            let (settings, how) = texts.how().unwrap_or_else(|refusal| panic!("{texts:?}: {refusal:?}"));
            read(&settings, &how)
        });
        assert_eq!(found, expected, "{flag}");
    }
}

#[test]
fn an_invalid_value_is_reported_with_its_place_and_not_quoted() {
    let duration = "a duration is written `900`, `15m`, `1h30m` or `12h`";
    let region = "a region consists of a-z, 0-9 and `-`";
    let switch = "expected `true` or `false`";
    let log = "expected one of `error`, `warn`, `info`, `debug`";
    let color = "expected `auto`, `always` or `never`";
    for (variable, key, why) in [
        ("MFA_CRED_DURATION", "duration", duration),
        ("MFA_CRED_MIN_TTL", "min_ttl", duration),
        ("MFA_CRED_REGION", "region", region),
        ("MFA_CRED_NO_CACHE", "no_cache", switch),
        ("MFA_CRED_NO_PROMPT", "no_prompt", switch),
        ("MFA_CRED_LOG", "log", log),
        ("MFA_CRED_COLOR", "color", color),
    ] {
        let exported = refusal(&texts("", &[(variable, "Cup board")], ""));
        assert_eq!((exported.exit, exported.text), (2, format!("`{variable}` in the environment: {why}")));
        let written = refusal(&texts("", &[], &format!("{key} = Cup board")));
        assert_eq!((written.exit, written.text), (1, format!("/settings/mfa-cred/config.ini: `{key}`: {why}")));
    }
    for (variable, ini, exit) in [(Some(("MFA_CRED_STORE", "cupboard")), "", 2), (None, "store = cupboard", 1)] {
        let refusal = refusal(&texts("", variable.as_slice(), ini));
        assert_eq!(refusal.exit, exit);
        assert!(refusal.text.contains("auto") && !refusal.text.contains("cupboard"), "{}", refusal.text);
    }
}

#[test]
fn an_invalid_value_on_the_command_line_is_a_usage_error() {
    for words in [
        "--store cupboard",
        "--min-ttl soon",
        "--duration abc",
        "--region A;b",
        "--color sometimes",
        "--mfa-serial short",
        "--external-id x",
        "--tag novalue",
        "--session-policy nojson",
        "--mfa-token 12345",
        "--no-such-flag",
    ] {
        assert_eq!(refusal(&texts(words, &[], "")).exit, 2, "{words}");
    }
}

#[test]
fn an_invalid_value_that_is_overridden_is_ignored() {
    for (words, variable, ini) in [
        ("--duration 1h", ("MFA_CRED_DURATION", "abc"), ""),
        ("--store none", ("MFA_CRED_STORE", "cupboard"), ""),
        ("-q", ("MFA_CRED_LOG", "loud"), ""),
        ("", ("MFA_CRED_STORE", "none"), "store = cupboard"),
        ("", ("MFA_CRED_NO_CACHE", "yes"), "no_cache = perhaps"),
    ] {
        assert!(texts(words, &[variable], ini).how().is_ok(), "{words} {variable:?} {ini}");
    }
}

#[test]
fn a_command_in_config_ini_keeps_its_quotes_comments_and_delimiters() {
    for command in [r#"printf '%s' "a b" # c; d"#, r"C:\dir\totp.exe --a=b;c", "x [y]", "'quoted'", "a:b=c"] {
        let text = format!("mfa_process = {command}\n");
        let settings = texts("", &[], &text).how().expect("it is legal").0;
        assert_eq!(settings.mfa_process.as_deref(), Some(command));
    }
}

#[test]
fn a_setting_without_a_value_counts_as_absent() {
    let all = "region,duration,min_ttl,no_prompt,no_cache,store,lock_after,color,log,mfa_process,\
               unlock_process,pinentry,askpass,connect_timeout,\
               attempt_timeout,call_timeout,allow_http";
    for blank in ["=", " = ", " =\t"] {
        let ini: String = all.split(',').map(|key| format!("{key}{blank}\n")).collect();
        let (settings, how) = texts("", &[], &ini).how().unwrap_or_else(|refusal| panic!("{ini}: {refusal:?}"));
        assert_eq!((how.request.usual_region, how.min_ttl), (None, None), "{ini}");
        assert_eq!((settings.mfa_process, settings.unlock_process, settings.lock_after), (None, None, None), "{ini}");
    }
}

#[test]
fn config_ini_accepts_only_known_settings() {
    let region = |ini: &str| {
        let how = texts("", &[], ini).how().map(|(_, how)| how);
        how.map(|how| how.request.usual_region.map(|region| region.to_string())).map_err(|refusal| refusal.text)
    };
    for ini in [
        "region = eu-west-1",
        "region=eu-west-1\r\n",
        "# ours\n; too\n\nregion = eu-west-1\n",
        "region = us-east-1\nregion = eu-west-1\n",
        "[empty]\n[another]\n[empty]\n",
        "  region : eu-west-1  \n",
        "region = us-east-1\n  # indented\n\tregion = eu-west-1\n",
    ] {
        let expected = (!ini.starts_with('[')).then(|| "eu-west-1".to_owned());
        assert_eq!(region(ini), Ok(expected), "{ini:?}");
    }
    let file = "/settings/mfa-cred/config.ini";
    let keys = "region, duration, min_ttl, no_prompt, no_cache, store, lock_after, color, log, mfa_process, unlock_process, pinentry, askpass, connect_timeout, attempt_timeout, call_timeout, allow_http";
    for (ini, error) in [
        ("regoin = eu-west-1", format!("{file}: `regoin`: unknown setting; expected one of {keys}")),
        ("Region = eu-west-1", format!("{file}: `Region`: unknown setting; expected one of {keys}")),
        ("[default]\nregion = eu-west-1", format!("{file}: `[default]`: sections are not supported")),
        ("[work]\nregion = eu-west-1", format!("{file}: `[work]`: sections are not supported")),
        ("region = eu-west-1\n[work", format!("{file}:2: it is not `KEY = VALUE`")),
        ("region = eu-west-1\nno_cache", format!("{file}:2: it is not `KEY = VALUE`")),
        ("no_cache\nregion = eu-west-1", format!("{file}:1: it is not `KEY = VALUE`")),
        ("= eu-west-1", format!("{file}:1: it is not `KEY = VALUE`")),
    ] {
        assert_eq!(region(ini), Err(error), "{ini:?}");
    }
}

#[test]
fn a_command_in_config_ini_keeps_its_quotes_and_backslashes() {
    for command in [
        "\"/opt/my tools/code\" --account 'my phone' | tr -d ' \\n'",
        "'C:\\Program Files\\code.exe' aws",
        "op item get AWS --otp # the code",
        "a=b:c code",
    ] {
        let (settings, _) =
            texts("", &[], &format!("mfa_process = {command}\nno_cache = no\n")).how().expect("settings");
        assert_eq!(settings.mfa_process.as_deref(), Some(command));
    }
}

#[test]
fn the_aws_files_come_from_options_variables_or_the_home() {
    let home = Folders { home: Some(PathBuf::from("/home/alice")), config: None, state: None, data: None };
    let (ours, theirs) = (("MFA_CRED_CONFIG_FILE", "/ours"), ("AWS_CONFIG_FILE", "~/theirs"));
    for (words, variables, config) in [
        ("--config-file /typed", &[ours, theirs][..], "/typed"),
        ("", &[ours, theirs], "/ours"),
        ("", &[theirs], "/home/alice/theirs"),
        ("", &[("AWS_CONFIG_FILE", "")], "/home/alice/.aws/config"),
    ] {
        let texts = texts(words, variables, "");
        // Without what `Texts` sets for the plan cases.
        let only = Only(&texts);
        let settings = Settings::resolve(&texts.global(), &only, &texts, &home).expect("settings");
        assert_eq!(settings.config_file, Path::new(config), "{words} {variables:?}");
        assert_eq!(settings.credentials_file, Path::new("/home/alice/.aws/credentials"));
    }
    let texts = texts("--config-file /typed", &[], "");
    let error = Settings::resolve(&texts.global(), &Only(&texts), &texts, &Folders::default()).expect_err("no home");
    assert!(matches!(error, SettingsError::NoHome));
    let error = Refusal::from(mfa_cred::error::Error::from(error));
    assert_eq!((error.exit, error.text.as_str()), (1, "the home folder is unknown, so there is no ~/.aws/config"));
    assert_eq!(
        error.hint.as_deref(),
        Some("set HOME, or name the files with `--config-file` and `--credentials-file`")
    );
}

/// Only the variables that were set.
struct Only<'a>(&'a Texts);

impl mfa_cred::host::Env for Only<'_> {
    fn os(&self, name: &str) -> Option<std::ffi::OsString> {
        let set = self.0.env.iter().find(|(known, _)| known == name);
        set.map(|(_, value)| value.into()).filter(|value: &std::ffi::OsString| !value.is_empty())
    }
}

#[test]
fn the_profile_comes_from_the_argument_the_shell_or_the_environment() {
    let (held, aws) = (("MFA_CRED_PROFILE", "held"), ("AWS_PROFILE", "aws"));
    let named = || mfa_cred::names::ProfileName::new("named");
    for (typed, variables, expected) in [
        (named(), &[held, aws][..], ("named", Chosen::Named)),
        (None, &[held, aws], ("held", Chosen::Held)),
        (None, &[aws], ("aws", Chosen::AwsProfile)),
        (None, &[("AWS_PROFILE", "")], ("default", Chosen::Default)),
        (None, &[("AWS_DEFAULT_PROFILE", "cli")], ("cli", Chosen::AwsProfile)),
        (None, &[("AWS_DEFAULT_PROFILE", "cli"), aws], ("aws", Chosen::AwsProfile)),
        (None, &[("AWS_DEFAULT_PROFILE", "cli"), held], ("held", Chosen::Held)),
    ] {
        let (profile, chosen) = Settings::profile(typed, &texts("", variables, ""));
        assert_eq!((profile.as_str(), chosen), expected);
    }
}

#[test]
fn a_code_on_the_command_line_must_be_six_digits_and_is_not_quoted() {
    let token = |words| texts(words, &[], "").how().map(|(_, how)| how.token);
    assert!(matches!(token("--mfa-token 012345"), Ok(Some(Token::Given(_)))));
    assert!(matches!(token("--mfa-token -"), Ok(Some(Token::Stdin))));
    assert!(matches!(token(""), Ok(None)));
    for words in ["--mfa-token 12345", "--mfa-token 1234567", "--mfa-token 12345x", "--mfa-token ''"] {
        let refusal = token(words).expect_err(words);
        assert_eq!((refusal.exit, refusal.text.as_str()), (2, "`--mfa-token`: an MFA code is six digits"), "{words}");
        let hint = "`--mfa-token -` reads the code from stdin, which keeps it out of the process list";
        assert_eq!(refusal.hint.as_deref(), Some(hint));
    }
}

#[cfg(unix)]
mod said {
    //! Colors and verbosity, with the real binary.

    use std::process::Command;

    use crate::support::pty::{PATIENCE, Pty, Stream};
    use crate::support::world::{MFA_CRED, World};

    const INI: &str = "config/mfa-cred/config.ini";
    const PLAIN: &str = "error: there is no profile `nobody`";
    const COLORED: &str = "\x1b[31merror: \x1b[0mthere is no profile `nobody`";

    /// A home with a user who has no device, which causes a warning.
    fn world() -> World {
        let world = World::empty();
        let key = world.aws.add_user("alice");
        world.write_key("alice", &key);
        world
    }

    #[test]
    fn colors_are_for_terminals_or_on_request() {
        for (words, variables, ini, expected) in [
            (&[][..], &[][..], "", PLAIN),
            (&["--color", "always"], &[("NO_COLOR", "1")], "", COLORED),
            (&[], &[("MFA_CRED_COLOR", "always"), ("NO_COLOR", "1")], "color = never", COLORED),
            (&[], &[], "color = always", COLORED),
            (&["--color", "auto"], &[("MFA_CRED_COLOR", "always")], "", PLAIN),
        ] {
            let world = world();
            for (name, value) in variables {
                world.set(name, value);
            }
            world.write(INI, ini);
            let done = world.run(&[&["env", "nobody"], words].concat());
            assert_eq!((done.status.code(), done.stdout.as_str()), (Some(1), ""));
            assert!(done.stderr.starts_with(expected), "{words:?} {variables:?} {ini}: {:?}", done.stderr);
        }
    }

    #[test]
    fn no_color_turns_colors_off_on_a_terminal() {
        for (variable, expected) in [("", COLORED), ("1", PLAIN)] {
            let world = world();
            world.set("NO_COLOR", variable);
            let mut command = Command::new(MFA_CRED);
            world.dress(&mut command);
            command.args(["env", "nobody"]);
            let done = Pty::default().streams(Stream::Apart, Stream::Terminal).spawn(command).finish(PATIENCE);
            assert!(done.terminal.starts_with(expected), "{:?}", done.terminal);
        }
    }

    #[test]
    fn quiet_and_verbose_set_the_amount_of_messages() {
        let warning = "warning: profile `alice` has no `mfa_serial`, so these are its long-term keys, without MFA: set `mfa_serial = auto` to use the device that IAM lists, or create one with `mfa-cred device enroll --profile alice`\n";
        for (words, variable, ini, expected) in [
            (&[][..], "", "", warning),
            (&["-q"], "debug", "log = debug", ""),
            (&[], "error", "log = debug", ""),
            (&[], "", "log = error", ""),
            (&[], "warn", "log = error", warning),
        ] {
            let world = world();
            world.set("MFA_CRED_LOG", variable);
            world.write(INI, ini);
            let done = world.run(&[&["env", "alice"], words].concat());
            assert!(done.status.success(), "{done:?}");
            assert_eq!(done.stderr, expected, "{words:?} {variable} {ini}");
        }
        let world = world();
        world.write(".aws/config", "[nothing]\n");
        for (words, variable) in [(&["-v"][..], ""), (&[], "info"), (&[], "debug")] {
            world.set("MFA_CRED_LOG", variable);
            let done = world.run(&[&["env", "alice"], words].concat());
            assert!(done.stderr.contains("mfa-cred: ") && done.stderr.contains("[nothing]"), "{}", done.stderr);
        }
    }

    #[test]
    fn broken_settings_stop_every_command_except_help() {
        let world = world();
        let file = world.home().join(INI).display().to_string();
        for (bytes, error) in [
            (&b"region = eu-west-1\n# d\xe9p\xf4t\n"[..], format!("error: {file}:2: the line is not UTF-8\n")),
            (b"[work]\nregion = x\n", format!("error: {file}: `[work]`: sections are not supported\n")),
        ] {
            world.write(INI, bytes);
            for words in [&["env", "alice"][..], &["list"], &["status"], &["unset"]] {
                let done = world.run(words);
                assert_eq!(
                    (done.status.code(), done.stdout.as_str(), &done.stderr),
                    (Some(1), "", &error),
                    "{words:?}"
                );
            }
            assert!(world.run(&["--help"]).status.success());
        }
        std::fs::remove_file(world.home().join(INI)).expect("it is there");
        std::fs::create_dir(world.home().join(INI)).expect("a folder in its place");
        let done = world.run(&["env", "alice"]);
        assert_eq!(done.status.code(), Some(1));
        assert!(done.stderr.starts_with(&format!("error: {file} cannot be read: ")), "{}", done.stderr);
        std::fs::remove_dir(world.home().join(INI)).expect("it is there");
    }

    #[test]
    fn an_invalid_variable_is_reported_according_to_the_other_settings() {
        let world = world();
        world.set("MFA_CRED_COLOR", "always");
        world.set("MFA_CRED_LOG", "loud");
        let done = world.run(&["env", "alice"]);
        assert_eq!((done.status.code(), done.stdout.as_str()), (Some(2), ""));
        let why = "expected one of `error`, `warn`, `info`, `debug`";
        assert_eq!(done.stderr, format!("\x1b[31merror: \x1b[0m`MFA_CRED_LOG` in the environment: {why}\n"));
        world.set("MFA_CRED_LOG", "");
    }
}
