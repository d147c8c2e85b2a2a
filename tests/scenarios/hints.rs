//! A hint that is a command runs as printed: each one is taken from real output, in the situation that printed it, and
//! is run there. And hints are made in one place only.

use std::cell::RefCell;
use std::fs;
use std::path::Path;
use std::process::Command;

use super::serve::Serving;
use crate::support::aws::Fault;
use crate::support::files::files_below;
use crate::support::pty::{self, Finished, PATIENCE, Pty, Stream};
use crate::support::world::{Cast, MFA_CRED, World};

/// Our commands within backticks.
fn commands(text: &str) -> Vec<String> {
    let quoted = text.split('`').skip(1).step_by(2);
    quoted.filter(|word| word.starts_with("mfa-cred ") || word.contains("$(mfa-cred ")).map(str::to_owned).collect()
}

/// Runs what a failed command recommends, and records what was run.
struct Reader<'a> {
    world: &'a World,
    ran: &'a RefCell<Vec<String>>,
}

impl Reader<'_> {
    /// The output of a command in that situation; everything that it recommends is run.
    fn follow(&self, words: &[&str]) -> Vec<String> {
        self.follow_said(&words.join(" "), &self.world.run(words))
    }

    fn follow_said(&self, what: &str, done: &Finished) -> Vec<String> {
        let found = commands(&done.stderr);
        assert!(!found.is_empty(), "{what} recommends nothing: {}", done.stderr);
        for command in &found {
            // A server runs until it is told to end.
            let is_server = command.starts_with("mfa-cred serve ") && !command.contains(" --print-env ");
            let line = if is_server { format!("timeout 2 {command}") } else { command.clone() };
            let ran = self.world.run_other("sh", &["-c", &line], PATIENCE);
            let is_known = !ran.stderr.contains("there is no profile") && !ran.stderr.contains("not found");
            assert!(ran.status.code() != Some(2) && is_known, "{what} recommends {command}: {ran:?}");
            self.ran.borrow_mut().push(command.clone());
        }
        found
    }
}

/// A profile of alice's with more lines.
fn add(cast: &Cast, name: &str, lines: &str) {
    cast.world.add_config(&format!("[profile \"{name}\"]\n{lines}\n"));
}

/// Access keys, in the file and sealed; and a store that lost what opens them.
fn follow_those_about_access_keys(ran: &RefCell<Vec<String>>) {
    let sealing = World::cast();
    let reader = Reader { world: &sealing.world, ran };
    sealing.world.write("config/mfa-cred/config.ini", "unlock_process = echo tulip\n");
    assert_eq!(reader.follow(&["keys", "import", "deploy"]), ["mfa-cred keys add deploy"]);
    assert_eq!(reader.follow(&["keys", "add", "alice", "--yes"]), ["mfa-cred keys import alice"]);
    assert_eq!(reader.follow(&["keys", "import", "alice", "--yes"]), ["mfa-cred process alice"]);
    assert_eq!(reader.follow(&["keys", "rotate", "deploy"]), ["mfa-cred keys rotate alice"]);
    // The key's own profile names no device.
    assert_eq!(reader.follow(&["keys", "rotate", "alice", "--yes"]), ["mfa-cred login deploy"]);
    sealing.world.sign_in(&sealing.device, &["login", "deploy"]);
    let other = sealing.world.aws.add_user("alice");
    let second = reader.follow(&["keys", "rotate", "alice", "--yes"]);
    assert!(
        second.iter().all(|hint| hint.starts_with("mfa-cred exec alice -- aws iam ")) && second.len() == 2,
        "{second:?}"
    );
    sealing.world.aws.delete_key(&other.id);
    sealing.world.aws.deny("UpdateAccessKey");
    assert_eq!(reader.follow(&["keys", "rotate", "alice", "--yes"]), ["mfa-cred keys rotate alice"]);
    assert_eq!(reader.follow(&["keys", "list"]), ["mfa-cred keys rotate alice"]);
    sealing.world.aws.allow_all();
    assert!(sealing.world.run(&["keys", "rotate", "alice", "--yes"]).status.success());
    sealing.world.write_key("alice", &sealing.world.aws.add_user("alice2"));
    assert_eq!(
        reader.follow(&["keys", "import", "alice"]),
        ["mfa-cred keys export alice", "mfa-cred keys remove alice"]
    );
    sealing.world.write(".aws/credentials", "");
    sealing.world.write(".aws/config", "[profile alice]\n");
    fs::remove_file(sealing.world.safe().join("key-wrapped")).expect("it is there");
    sealing.world.forget_unlocked_keys();
    assert!(reader.follow(&["process", "alice", "--no-cache"]).contains(&"mfa-cred keys list".to_owned()));
    follow_those_about_the_endpoint(ran);
}

/// Names that SDKs cannot use, kept seeds, and IAM Identity Center.
fn follow_those_about_other_sources(reader: &Reader<'_>, cast: &Cast) {
    let world = &cast.world;
    assert_eq!(reader.follow(&["env", "--as-profile", "two words"]), ["mfa-cred wire 'two words'"]);
    let role = format!("role_arn = arn:aws:iam::{}:role/deploy", world.aws.account());
    // A seed that is kept is something to know about.
    let seeded = format!("source_profile = alice\n{role}\nmfa_serial = {}\nmfa_source = seed", cast.device.serial());
    add(cast, "seeded", &seeded);
    let keep = format!("mfa-cred device keep-seed {} --profile seeded", cast.device.serial());
    assert_eq!(reader.follow(&["process", "seeded"]), [keep]);
    let mut done = world.run(&["doctor", "seeded"]);
    done.stderr = done.stdout.lines().filter(|line| line.contains("forget-seed")).collect();
    assert_eq!(reader.follow_said("doctor", &done), ["mfa-cred device forget-seed --profile seeded"]);
    // IAM Identity Center, to which nobody is signed in.
    world.add_config("[sso-session corp]\nsso_region = eu-west-1\nsso_start_url = https://corp.awsapps.com/start\n");
    assert_eq!(reader.follow(&["logout", "alice"]), ["mfa-cred clear alice"]);
    follow_those_about_wired_roles(reader, cast);
    let list = ["list", "--sso", "corp"];
    assert_eq!(reader.follow(&list), ["mfa-cred login --sso corp"]);
    reader.ran.borrow_mut().push(format!("mfa-cred {}", list.join(" ")));
    follow_those_about_the_console(reader.ran);
}

/// Roles of IAM Identity Center that are there, and that are no longer.
fn follow_those_about_wired_roles(reader: &Reader<'_>, cast: &Cast) {
    let world = &cast.world;
    let sso = world.aws.sso();
    let issued = sso.sign_in();
    // The SHA-1 of `corp`.
    let file = ".aws/sso/cache/ee0bfd2552fbd840c02cc48b6e823320543c450f.json";
    let token = format!("{{\"accessToken\": \"{}\", \"expiresAt\": \"{}\"}}", issued.access_token, issued.expires_at);
    world.write(file, token);
    for role in ["Admin", "Audit", "Reader"] {
        sso.assign("111111111111", role);
    }
    let wire = ["wire", "--sso", "corp", "--yes"];
    let unknown = [&wire[..], &["--role", "Nobody"]].concat();
    assert_eq!(reader.follow(&unknown), ["mfa-cred list --sso corp"]);
    assert!(world.run(&wire).status.success());
    sso.unassign("111111111111", "Audit");
    assert_eq!(reader.follow(&wire), ["mfa-cred unwire corp-account-1111-Audit"]);
    sso.unassign("111111111111", "Admin");
    assert_eq!(reader.follow(&wire), ["mfa-cred unwire corp-account-1111-Admin corp-account-1111-Audit"]);
    assert!(world.run(&["unwire", "--sso", "corp", "--yes"]).status.success());
    assert!(world.run(&["logout", "--sso", "corp"]).status.success());
}

/// The endpoint, and a command that would not use it.
fn follow_those_about_the_endpoint(ran: &RefCell<Vec<String>>) {
    let Cast { world, .. } = World::cast();
    let reader = Reader { world: &world, ran };
    assert_eq!(reader.follow(&["serve", "--print-env", "json", "deploy"]), ["mfa-cred serve deploy"]);
    let serving = Serving::start(&world, &["deploy"]);
    let mut said = world.run(&["status"]);
    said.stderr = world.read("serve.log");
    assert_eq!(
        reader.follow_said("serve", &said),
        ["mfa-cred login deploy", "mfa-cred serve --print-env posix deploy"]
    );
    drop(serving);
    let key = world.read(".aws/credentials").replace("[alice]", "[default]");
    world.write(".aws/credentials", world.read(".aws/credentials") + &key);
    let hidden = "mfa-cred exec --server --without-files deploy";
    assert_eq!(reader.follow(&["exec", "--server", "deploy"]), [hidden]);
}

/// The AWS console.
fn follow_those_about_the_console(ran: &RefCell<Vec<String>>) {
    let Cast { world, device, .. } = World::cast();
    let reader = Reader { world: &world, ran };
    assert_eq!(reader.follow(&["console", "alice"]), ["mfa-cred console deploy"]);
    world.sign_in(&device, &["login", "deploy"]);
    assert_eq!(reader.follow(&["console", "deploy", "--browser", "false"]), ["mfa-cred console --print deploy"]);
    world.aws.fault("getSigninToken", Fault::Refuse(400, String::new(), String::new()), 1);
    assert_eq!(reader.follow(&["console", "deploy"]), ["mfa-cred console --refresh deploy"]);
    world.set("AWS_PROFILE", "deploy");
    assert_eq!(reader.follow(&["console", "s3"]), ["mfa-cred console --profile deploy s3"]);
}

#[test]
fn every_command_named_in_a_hint_runs_as_printed() {
    let ran = RefCell::default();
    let cast = World::cast();
    let world = &cast.world;
    let reader = Reader { world, ran: &ran };
    let deploy = format!("role_arn = arn:aws:iam::{}:role/deploy", world.aws.account());
    add(&cast, "two words", &format!("source_profile = alice\n{deploy}\nmfa_serial = {}", cast.device.serial()));
    add(&cast, "nameless", &format!("source_profile = alice\n{deploy}\nmfa_serial = {}x", cast.device.serial()));
    let fido = format!("arn:aws:iam::{}:u2f/user/alice/key-ABC", world.aws.account());
    // With FIDO devices, the hint differs if there is also a device with codes.
    let bob = world.aws.add_user("bob");
    let bobs =
        |name: &str| format!("[{name}]\naws_access_key_id = {}\naws_secret_access_key = {}\n", bob.id, bob.secret);
    world.write(".aws/credentials", world.read(".aws/credentials") + &bobs("bob") + &bobs("keyless"));
    add(&cast, "bob", &format!("mfa_serial = {fido}"));
    add(&cast, "keyless", "mfa_serial = auto");
    add(&cast, "broken", "credential_process = /bin/false");
    add(&cast, "ambient", &format!("credential_source = Environment\n{deploy}"));

    for (words, found) in [
        // A profile that does not exist, and the one that was meant.
        (&["process", "nobody"][..], &["mfa-cred list"][..]),
        (&["show"], &["mfa-cred list"]),
        (&["device", "list"], &["mfa-cred list"]),
        (&["lst"], &["mfa-cred list"]),
        (&["exec", "printenv", "HOME"], &["mfa-cred exec -- printenv HOME", "mfa-cred list"]),
        // Codes.
        (&["process", "deploy"], &["mfa-cred login deploy"]),
        (&["env", "two words"], &["mfa-cred login 'two words'"]),
        (&["login", "deploy", "audit"], &["mfa-cred login deploy", "mfa-cred login audit"]),
        (&["login", "deploy", "--mfa-token", &cast.device.wrong_code()], &["mfa-cred device resync --profile deploy"]),
        (&["login", "nameless", "--mfa-token", "000000"], &["mfa-cred device list --profile nameless"]),
        (&["process", "bob"], &["mfa-cred device enroll --profile bob"]),
        (&["process", "keyless"], &["mfa-cred device enroll --profile keyless"]),
        (&["device", "resync", "keyless"], &["mfa-cred device enroll --profile keyless"]),
        (
            &["login", "keyless", "bob"],
            &["mfa-cred device enroll --profile keyless", "mfa-cred device enroll --profile bob"],
        ),
        // Expired starting keys.
        (&["process", "broken"], &["mfa-cred show broken"]),
        (&["init", "tcsh", "--prompt"], &["mfa-cred prompt"]),
    ] {
        // `exec` takes its shell's profile.
        if words[0] == "exec" {
            world.set("AWS_PROFILE", "alice");
        }
        assert_eq!(reader.follow(words), found, "{words:?}");
        world.set("AWS_PROFILE", "");
    }
    follow_those_about_other_sources(&reader, &cast);
    // Hints about usage.
    let done = world.run(&["exec", "alice", "printenv", "HOME", "-q"]);
    assert_eq!(done.status.code(), Some(2));
    world.set("MFA_CRED_PROFILE", "");
    let found = reader.follow_said("exec", &done);
    assert_eq!(found, ["mfa-cred exec alice -- printenv HOME -q"]);
    // A word that is ambiguous.
    world.set("AWS_PROFILE", "alice");
    let done = world.run(&["device", "resync", "bob"]);
    assert_eq!(done.status.code(), Some(2), "{done:?}");
    assert_eq!(reader.follow_said("resync", &done), ["mfa-cred device resync --profile bob"]);
    world.set("AWS_PROFILE", "");
    // What this shell holds is not accepted as input.
    world.set("MFA_CRED_PROFILE", "deploy");
    world.set("AWS_ACCESS_KEY_ID", "ASIAIOSFODNN7EXAMPLE");
    world.set("AWS_SECRET_ACCESS_KEY", "x");
    assert_eq!(reader.follow(&["process", "ambient"]), ["eval $(mfa-cred unset)"]);
    world.set("MFA_CRED_PROFILE", "");
    // A user with the maximum number of devices.
    for n in 0..7 {
        world.aws.add_device("alice", &format!("more-{n}"));
    }
    let done = world.at_terminal(&["device", "enroll", "--profile", "alice", "--name", "ninth"]).finish(PATIENCE);
    world.heard("enroll", &done);
    assert_eq!(reader.follow_said("enroll", &done), ["mfa-cred device list --profile alice"]);

    // Keys that would be printed on a terminal, including the shell's own line.
    let mut command = Command::new(MFA_CRED);
    world.dress(&mut command);
    command.arg("alice").env("SHELL", "/bin/sh");
    let done = Pty::default().streams(Stream::Terminal, Stream::Apart).spawn(command).finish(PATIENCE);
    world.heard("alice", &done);
    reader.follow_said("alice", &done);

    follow_those_about_access_keys(&ran);

    // An empty home, and a passphrase that nobody knows.
    let empty = World::empty();
    let reader = Reader { world: &empty, ran: &ran };
    assert_eq!(reader.follow(&["process"]), ["mfa-cred setup", "mfa-cred --help"]);
    assert!(empty.run_other("sh", &["-c", "mfa-cred clear --all"], PATIENCE).status.success());
    ran.borrow_mut().push("mfa-cred clear --all".to_owned());

    // Every command that the source can recommend was covered.
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for file in files_below(&src) {
        let text = fs::read_to_string(&file).expect("a source");
        let code = without_tests(&text);
        for made in code.split("ours(").skip(1) {
            let Some(command) = made.trim_start_matches("&format!(").strip_prefix('"') else { continue };
            let command = command.split(['"', '{']).next().unwrap_or_default().trim_end();
            let was_run = |ran: &String| ran.contains(&format!("mfa-cred {command}"));
            assert!(ran.borrow().iter().any(was_run), "{}: no scenario prints `{command}`", file.display());
        }
        // And none is written by hand, which could not name a profile.
        if file.starts_with(src.join("cli")) || file == src.join("cli.rs") || file == src.join("messages.rs") {
            continue;
        }
        // The recommendations of an audit are for other users, with their own profiles.
        if file.starts_with(src.join("audit")) {
            continue;
        }
        // The policies concern no profile.
        for line in code.lines().filter(|line| !line.trim_start().starts_with("//")) {
            let is_known = ["`mfa-cred policy ", "`eval $(mfa-cred unset)`", "`eval $(mfa-cred PROFILE)`"];
            let by_hand = (line.contains("`mfa-cred ") || line.contains("$(mfa-cred "))
                && !is_known.iter().any(|known| line.contains(known));
            assert!(!by_hand, "{}: {line}", file.display());
        }
    }
}

/// A source up to its tests.
fn without_tests(text: &str) -> &str {
    let starts = ["test", "all(test, unix)", "all(test, target_os = \"linux\")"];
    starts.iter().fold(text, |code, start| code.split(&format!("#[cfg({start})]\nmod ")).next().unwrap_or_default())
}

/// Without any profile, every command that would need one says how to start.
#[test]
fn in_an_empty_home_every_command_says_how_to_start() {
    let world = World::empty();
    world.write("policy.json", "{}");
    for (files, said) in [
        (&[][..], "~/.aws/config (which does not exist) or ~/.aws/credentials (which does not exist)"),
        (&[(".aws/config", "")], "~/.aws/config or ~/.aws/credentials (which does not exist)"),
        (&[(".aws/credentials", "# nothing\n")], "~/.aws/config or ~/.aws/credentials"),
    ] {
        for (name, text) in files {
            world.write(name, text);
        }
        for line in [
            "",
            "prod",
            "env",
            "process",
            "process prod",
            "exec",
            "exec prod -- true",
            "login",
            "login prod",
            "show",
            "show --json",
            "status prod",
            "list prod",
            "list",
            "device list",
            "device enroll",
            "device resync",
            "device remove",
            "policy check --user somebody",
        ] {
            let words: Vec<&str> = line.split_terminator(' ').collect();
            for at_terminal in [false, true] {
                let done = if at_terminal {
                    world.at_terminal(&words).finish(PATIENCE)
                } else {
                    pty::run(world.command(&words), b"", PATIENCE)
                };
                let what = format!("`{line}` {}", if at_terminal { "at a terminal" } else { "" });
                let exit = i32::from(line != "list");
                assert_eq!((done.status.code(), done.stdout.as_str()), (Some(exit), ""), "{what}: {done:?}");
                let error = format!("there are no AWS profiles yet in {said}\n");
                assert!(done.stderr.trim_start_matches("error: ").starts_with(&error), "{what}: {}", done.stderr);
                let hint = "hint: `mfa-cred setup` writes the first one, with your access key and MFA device; the end \
                            of `mfa-cred --help` shows a ~/.aws/config with a role that requires MFA\n";
                assert!(done.stderr.ends_with(hint), "{what}: {}", done.stderr);
            }
        }
    }
    assert_eq!(world.run(&["list", "--json"]).stdout, "[]\n");
    let help = world.run(&["--help"]).stdout;
    assert!(help.contains("[profile my-test-role]") && help.contains("mfa_serial = auto"), "{help}");
}

/// A mistyped command is reported as such, without advice about profiles, unless a profile may have been meant.
#[test]
fn a_mistyped_command_is_reported_first_and_alone_in_an_empty_home() {
    let world = World::empty();
    let said = |words: &[&str]| {
        let done = world.run(words);
        assert_eq!((done.status.code(), done.stdout.as_str()), (Some(1), ""), "{words:?}: {done:?}");
        done.stderr.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    for (word, command) in [
        ("lgoin", "login"),
        ("stats", "status"),
        ("Clear", "clear"),
        ("shwo", "show"),
        ("ls", "list"),
        ("version", "--version"),
    ] {
        let error = format!("error: `{word}` is neither a command nor a profile");
        let hint = format!("hint: did you mean `mfa-cred {command}`?");
        assert_eq!(said(&[word]), [error.clone(), hint.clone()], "{word}");
    }
    world.write(".aws/config", "[profile logan]\nregion = eu-west-1\n");
    let hints = ["hint: did you mean `mfa-cred login`?", "hint: did you mean `logan`?"];
    assert_eq!(said(&["logn"])[1..], hints);
    assert_eq!(said(&["lgoin"])[1..], hints[..1]);
}

/// A home whose sections were all meant to be profiles, although none is.
#[test]
fn a_home_with_only_ignored_sections_is_not_called_empty() {
    let world = World::empty();
    let sections = ["[one]", "[Profile two]", "[profilethree]", "[profile four!]"];
    world.write(".aws/config", sections.map(|section| format!("{section}\nregion = eu-west-1\n")).concat());
    let config = world.home().join(".aws/config").display().to_string();
    let told = [
        format!(
            "{config}:1: `[one]` is ignored, because profiles in the config file are written `[profile NAME]`: write `[profile one]`"
        ),
        format!(
            "{config}:3: `[Profile two]` is ignored, because the word before the name must be lower case: write `[profile two]`"
        ),
        format!(
            "{config}:5: `[profilethree]` is ignored, because profiles in the config file are written `[profile NAME]`: write `[profile three]`"
        ),
    ];
    for words in [&["list"][..], &["process"], &["login", "nobody"], &["show"]] {
        let done = world.run(words);
        assert_eq!(done.status.code(), Some(i32::from(words != ["list"])), "{words:?}: {done:?}");
        let said = "none of the sections in";
        assert!(done.stderr.trim_start_matches("error: ").starts_with(said), "{words:?}: {}", done.stderr);
        assert!(done.stderr.ends_with(&format!("\nhint: {}\n", told.join("; "))), "{words:?}: {}", done.stderr);
    }
}

#[test]
fn paths_in_the_home_are_shown_with_a_tilde() {
    let world = World::empty();
    world.write(".aws/config", "[default]\nregion = A;b\n");
    let said = |words: &[&str]| pty::run(world.command(words), b"", PATIENCE);
    let done = said(&["process", "prod"]);
    assert!(done.stderr.contains("in ~/.aws/config or ~/.aws/credentials (which"), "{done:?}");
    assert!(said(&["process"]).stderr.starts_with("error: ~/.aws/config:"), "{done:?}");
    // Output for programs contains full paths.
    let home = world.home().display().to_string();
    let shown = said(&["show", "default", "--json"]).stdout;
    assert!(shown.contains(&format!("{home}/.aws/config")) && !shown.contains('~'), "{shown}");
    assert!(said(&["show", "default"]).stdout.contains(&format!("{home}/.aws/config:2")), "in a pipe");
}
