//! The commands that the documentation shows, run as they are printed.
//!
//! Each is typed on a real terminal into the shell it is for, in a home of its own that has the profiles, files, and
//! programs that the pages name. A person answers every question.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::support::aws::{AccessKey, Device, Owner, RoleSpec};
use crate::support::pty::{Finished, PATIENCE, Pty, Session, Stream};
use crate::support::world::{MFA_CRED, World};

/// The programs beside ours that pages name, and what they do here.
const PROGRAMS: [(&str, &str); 8] = [
    ("terraform", "case $* in *show*) echo '{\"format_version\": \"1.2\"}' ;; esac"),
    ("zbarimg", "cat seed"),
    ("aws", "case $* in *create-access-key*) cat key.json ;; *get-credential-report*) cat report.csv ;; esac"),
    ("aws-vault", "cat vault.json"),
    ("op", "echo tulip"),
    ("browser", "exec curl -s -L -o page \"$1\""),
    // With the address as it stands in `ext+container:name=…&url=…`, and as the last argument.
    ("firefox", "browser \"$(bash -c 'printf %b \"${1//%/\\\\x}\"' - \"${1##*&url=}\")\""),
    ("chromium", "browser \"$2\""),
];

/// The files that pages check.
const FILES: [(&str, &str); 4] = [
    ("trust.json", TRUST),
    ("mfa.json", include_str!("../cases/policy/printed/require-mfa.json")),
    ("plan.json", include_str!("../cases/policy/sources/plan.json")),
    ("account.json", include_str!("../cases/policy/sources/account.json")),
];

/// The trust policy of a role that requires MFA.
const TRUST: &str = r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow",
    "Principal": {"AWS": "arn:aws:iam::123456789012:root"}, "Action": "sts:AssumeRole",
    "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}}}}"#;

/// A credential report.
const REPORT: &str = "user,arn,user_creation_time,password_enabled,password_last_used,mfa_active\n\
    alice,arn:aws:iam::123456789012:user/alice,2026-01-02T03:04:05+00:00,true,no_information,false\n";

/// What must have been done before a command, by how that begins.
const BEFORE: [(&str, &str); 14] = [
    ("mfa-cred device remove my-old-phone", "mfa-cred device enroll --profile my-user --name my-old-phone --yes"),
    ("mfa-cred wire --sso", "mfa-cred login --sso corp"),
    ("mfa-cred unwire --sso", "mfa-cred login --sso corp && mfa-cred wire --sso corp --yes"),
    ("mfa-cred keys add", "rm .aws/credentials"),
    ("aws iam create-access-key", "rm .aws/credentials"),
    ("mfa-cred keys import my-user --from", "rm .aws/credentials"),
    ("mfa-cred status my-test-role", "mfa-cred login my-test-role"),
    ("\"$HOME/.cargo/bin/mfa-cred\" -q audit", "mfa-cred login my-admin-role"),
    ("mfa-cred keys rotate", "mfa-cred keys import my-user --yes"),
    ("mfa-cred keys export", "mfa-cred keys import my-user --yes"),
    ("mfa-cred keys remove", "mfa-cred keys import my-user --yes"),
    ("eval $(mfa-cred env --as-profile", "mfa-cred wire my-test-role --yes"),
    ("mfa-cred list --sso", "mfa-cred login --sso corp"),
    ("mfa-cred completions", "mkdir -p .zfunc .config/fish/completions .local/share/bash-completion/completions"),
];

/// The exit codes of commands that find something in this account and in these policies.
const EXITS: [(&str, i32); 6] = [
    ("mfa-cred policy check plan.json", 1),
    ("mfa-cred audit my-admin-role --quarantine", 0),
    ("mfa-cred audit", 1),
    ("aws iam generate-credential-report", 1),
    ("mfa-cred policy check account.json --explain", 0),
    ("mfa-cred policy check account.json", 1),
];

/// One command, and where it stands.
#[derive(Debug)]
struct Shown {
    line: usize,
    text: String,
}

/// The commands of a page: of its code blocks, the lines that start our program, and those that follow them with a `\`.
fn commands(page: &str) -> Vec<Shown> {
    let mut found: Vec<Shown> = Vec::new();
    let mut fence: Option<String> = None;
    let mut goes_on = false;
    for (at, line) in page.lines().enumerate() {
        if let Some(language) = line.trim_start().strip_prefix("```") {
            fence = fence.is_none().then(|| language.trim().to_owned());
            continue;
        }
        let is_code = match &fence {
            Some(language) => ["", "sh", "bash", "console"].contains(&language.as_str()),
            None => line.starts_with("    "),
        };
        let text = line.trim().trim_start_matches("$ ");
        if goes_on {
            let last = found.last_mut().expect("a first line");
            last.text = last.text.trim_end_matches('\\').to_owned() + text;
        } else if is_code && is_ours(text) {
            found.push(Shown { line: at + 1, text: without_schedule(text).to_owned() });
        }
        goes_on = text.ends_with('\\') && (goes_on || is_code && is_ours(text));
    }
    found
}

/// Whether a line is a command with our program in it, not a part of a configuration file.
fn is_ours(line: &str) -> bool {
    let starts = ["mfa-cred ", "eval ", "AWS_PROFILE=", "aws iam ", "zbarimg ", "export "]
        .iter()
        .any(|start| line.starts_with(start));
    line.contains("mfa-cred") && (starts || without_schedule(line) != line)
}

/// A line of a crontab without its five fields.
fn without_schedule(line: &str) -> &str {
    let mut rest = line;
    for _ in 0..5 {
        let Some((field, after)) = rest.split_once(' ') else { return line };
        if field.is_empty() || !field.chars().all(|c| c.is_ascii_digit() || "*/,-".contains(c)) {
            return line;
        }
        rest = after.trim_start();
    }
    rest
}

/// The home that the pages assume.
fn home() -> World {
    let world = World::empty();
    let key = world.aws.add_user("my-user");
    let device = world.aws.add_device("my-user", "my-user");
    let (bot_key, bot) = (world.aws.add_user("my-bot"), world.aws.add_device("my-bot", "my-bot"));
    let start_url = world.aws.sso().start_url();
    let mut config = format!(
        "[profile my-user]\nregion = ap-northeast-1\nmfa_serial = {}\n\
         [profile my-bot]\nregion = ap-northeast-1\nmfa_serial = {}\n\
         [sso-session corp]\nsso_start_url = {start_url}\nsso_region = eu-west-1\n\
         [profile dev]\nsso_session = corp\nsso_account_id = {}\nsso_role_name = Developer\n",
        device.serial(),
        bot.serial(),
        world.aws.account()
    );
    for name in ["my-test-role", "my-other-role", "my-admin-role", "my-admin", "prod-audit"] {
        let arn = world.aws.add_role(RoleSpec::new(name).trust_user("my-user").require_mfa());
        config += &format!("[profile {name}]\nsource_profile = my-user\nrole_arn = {arn}\n");
    }
    world.write(".aws/config", config);
    let section = |name: &str, key: &AccessKey| {
        let AccessKey { id, secret, .. } = key;
        format!("[{name}]\naws_access_key_id = {id}\naws_secret_access_key = {secret}\n")
    };
    world.write(".aws/credentials", section("my-user", &key) + &section("my-bot", &bot_key));
    for role in ["Developer", "Admin"] {
        world.aws.sso().assign(&world.aws.account(), role);
    }
    world.aws.sso().name_account(&world.aws.account(), "Production");
    world.write("config/mfa-cred/config.ini", "unlock_process = echo tulip\n");
    world.write("seed", bot.seed_base32());
    world.aws.put_policy(
        Owner::Group("MFAQuarantine"),
        "quarantine",
        include_str!("../cases/policy/printed/mfa-quarantine.json"),
    );
    world.aws.add_group("MFAQuarantine", &[]);
    world.aws.add_user("break-glass");
    world.write(
        "vault.json",
        format!("{{\"Version\": 1, \"AccessKeyId\": \"{}\", \"SecretAccessKey\": \"{}\"}}", key.id, key.secret),
    );
    world.write("code.txt", device.fresh_code());
    world.write(
        "key.json",
        format!("{{\"AccessKey\": {{\"AccessKeyId\": \"{}\", \"SecretAccessKey\": \"{}\"}}}}", key.id, key.secret),
    );
    world.write("accounts.txt", world.aws.account() + " production\n");
    world.write("report.csv", REPORT);
    for (file, text) in FILES {
        world.write(file, text);
    }
    fs::create_dir_all(world.home().join(".cargo/bin")).expect("a folder");
    std::os::unix::fs::symlink(MFA_CRED, world.home().join(".cargo/bin/mfa-cred")).expect("a link");
    for file in ["Downloads/my-user_accessKeys.csv", "Downloads/x.csv", "key.csv"] {
        world.write(file, format!("Access key ID,Secret access key\r\n{},{}\r\n", key.id, key.secret));
    }
    for (name, script) in PROGRAMS {
        world.write(&format!("bin/{name}"), format!("#!/bin/sh\n{script}\n"));
        fs::set_permissions(world.home().join("bin").join(name), fs::Permissions::from_mode(0o755)).expect("a mode");
    }
    world.set("BROWSER", world.home().join("bin/browser").display().to_string());
    world.set("SHELL", "/bin/bash");
    // Some pages show credentials, and some keep them in files.
    world.may_leak();
    world
}

/// The device that a question is about: a new one if there is one, else the one that it names.
fn device(world: &World, question: &str) -> Device {
    let devices = world.aws.devices();
    let named = if question.contains("my-bot") { "/my-bot" } else { "/my-user" };
    let is_new = |serial: &str| !serial.ends_with("/my-bot") && !serial.ends_with("/my-user");
    let new = devices.iter().find(|(serial, _)| is_new(serial));
    let (serial, _) = new.or_else(|| devices.iter().find(|(serial, _)| serial.ends_with(named))).expect("a device");
    world.aws.device(serial).expect("it is there")
}

/// What the person types at a question; `None` if the screen does not end with one.
fn reply(world: &World, screen: &str) -> Option<String> {
    let line = screen.rsplit(['\n', '\r', '\x1b']).find(|line| !line.is_empty())?;
    let ends = |end: &str| line.ends_with(end);
    Some(match line {
        _ if ends("code: ") || line.contains("MFA code for ") && ends("): ") => device(world, line).fresh_code(),
        _ if line.starts_with("Seed of") => device(world, line).seed_base32(),
        _ if ends("[Y/n] ") || ends("[y/N] ") => "y".to_owned(),
        _ if line.contains("Role to assume") => "123456789012:my-test-role".to_owned(),
        _ if ends("]: ") || ends("): ") || ends("wipe this page: ") => String::new(),
        _ => return None,
    })
}

/// Types a command into a shell, answers its questions, and returns what it did.
fn type_in(world: &World, shell: &str, text: &str) -> Finished {
    let mut command = Command::new(shell);
    world.dress(&mut command);
    command.args(["-c", &format!("export PATH=\"$HOME/bin:$PATH\"; {text}")]);
    let mut session = Pty::default().sized(40, 100).streams(Stream::Terminal, Stream::Terminal).spawn(command);
    answer(world, &mut session);
    session.finish(PATIENCE)
}

fn answer(world: &World, session: &mut Session) {
    let (start, mut seen) = (Instant::now(), 0);
    while !session.has_ended() {
        assert!(start.elapsed() < PATIENCE, "no end: {:?}", session.screen());
        std::thread::sleep(Duration::from_millis(10));
        let screen = session.screen();
        let Some(reply) = screen.get(seen..).and_then(|new| reply(world, new)) else { continue };
        // Keys that come before the question is ready are thrown away.
        std::thread::sleep(Duration::from_millis(60));
        seen = session.screen().len();
        session.type_text(&format!("{reply}\n"));
    }
}

/// What stands at the first entry of a table that a command begins with.
fn entry<T: Copy>(table: &[(&str, T)], command: &str) -> Option<T> {
    table.iter().find(|(start, _)| command.starts_with(start)).map(|(_, entry)| *entry)
}

/// Runs each command of a page, and returns how many there are and what failed.
fn run(path: &Path) -> (usize, Vec<String>) {
    let page = fs::read_to_string(path).expect("text");
    let mut failed = Vec::new();
    let mut seen = BTreeSet::new();
    for Shown { line, text } in commands(&page) {
        if !seen.insert(text.clone()) {
            continue;
        }
        let world = home();
        if let Some(before) = entry(&BEFORE, &text) {
            let done = type_in(&world, "bash", before);
            assert!(done.status.success(), "{before}: {}", done.terminal);
        }
        let shell = if text.contains("| source") { "fish" } else { "bash" };
        let done = type_in(&world, shell, &text);
        let wanted = entry(&EXITS, &text).unwrap_or(0);
        if done.status.code() != Some(wanted) {
            let (code, screen) = (done.status.code(), done.terminal);
            let start = screen.char_indices().rev().nth(1_000).map_or(0, |(at, _)| at);
            let place = path.display();
            failed.push(format!("{place}:{line}: {text}\n{code:?}, not {wanted}\n{}\n", &screen[start..]));
        }
    }
    (seen.len(), failed)
}

/// The pages of a folder.
fn pages(folder: &str) -> Vec<PathBuf> {
    let files = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)).into_iter().flatten();
    let paths = files.map(|file| file.expect("a file").path());
    // The examples of the rules are checked beside the rules.
    paths
        .filter(|path| path.extension().is_some_and(|kind| kind == "md") && !path.ends_with("policy-rules.md"))
        .collect()
}

#[test]
fn every_command_of_every_page_works_as_printed() {
    let pages: Vec<PathBuf> = [".", "docs", "docs/ja"].into_iter().flat_map(pages).collect();
    let next = AtomicUsize::new(0);
    let work = || {
        let mut all = (0, Vec::new());
        while let Some(page) = pages.get(next.fetch_add(1, Ordering::Relaxed)) {
            let (count, failed) = run(page);
            all.0 += count;
            all.1.extend(failed);
        }
        all
    };
    let done: Vec<(usize, Vec<String>)> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..4).map(|_| scope.spawn(work)).collect();
        workers.into_iter().map(|worker| worker.join().expect("a worker")).collect()
    });
    let (counts, failed): (Vec<usize>, Vec<Vec<String>>) = done.into_iter().unzip();
    assert!(failed.concat().is_empty(), "{}", failed.concat().join("\n"));
    assert!(counts.iter().sum::<usize>() > 60, "{counts:?}");
}
