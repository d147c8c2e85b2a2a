//! `wire` and `write`: profiles for programs that do not know mfa-cred.

use std::fs;
use std::process::Command;
use std::thread;

use super::clients::client;
use crate::support::pty::{Finished, PATIENCE};
use crate::support::world::{Cast, MFA_CRED, World, calls, json};

const CONFIG: &str = ".aws/config";
const CREDENTIALS: &str = ".aws/credentials";

#[track_caller]
fn done(finished: Finished) -> Finished {
    assert_eq!((finished.status.code(), finished.stdout.as_str()), (Some(0), ""), "{finished:?}");
    finished
}

#[track_caller]
fn refused(world: &World, words: &[&str], code: i32, stderr: &str) {
    let before = [CONFIG, CREDENTIALS].map(|file| world.read(file));
    world.run(words).expect(code, "", stderr);
    assert_eq!([CONFIG, CREDENTIALS].map(|file| world.read(file)), before);
}

/// `aws sts get-caller-identity` with that profile, by the AWS CLI or boto3, whichever is installed.
fn who(world: &World, profile: &str) -> Option<Finished> {
    let aws = client("the AWS CLI", "aws", &["--version"])?;
    world.set("AWS_PAGER", "");
    let words = ["--profile", profile, "--output", "json", "sts", "get-caller-identity"];
    Some(world.run_other(&aws, &words, PATIENCE))
}

#[test]
fn a_role_is_wired_by_a_second_profile_that_the_aws_cli_can_use() {
    let Cast { world, device, .. } = World::cast();
    world.edit_config("[profile deploy]\n", "[profile deploy]\noutput = json\nservices = mine\n");
    let before = world.read(CONFIG);
    let file = world.home().join(CONFIG).display().to_string();
    let wired = done(world.run(&["wire", "deploy", "--yes"]));
    let section = format!(
        "\n# Written by mfa-cred wire for profile deploy\n[profile deploy-mfa]\n\
         credential_process = {MFA_CRED} process deploy\nregion = ap-northeast-1\noutput = json\nservices = mine\n"
    );
    assert_eq!(world.read(CONFIG), before.clone() + &section);
    assert!(wired.stderr.contains(&format!("+credential_process = {MFA_CRED} process deploy\n")), "{wired:?}");
    assert!(
        wired.stderr.ends_with(&format!(
            "wrote `deploy-mfa` to {file}\n\
             hint: any SDK and the AWS CLI can use it: `aws --profile deploy-mfa sts get-caller-identity`\n"
        )),
        "{wired:?}"
    );
    world.sign_in(&device, &["login", "deploy"]);
    calls(&world);
    if let Some(told) = who(&world, "deploy-mfa") {
        assert!(json(&told)["Arn"].as_str().is_some_and(|arn| arn.contains("assumed-role/deploy/")), "{told:?}");
        assert_eq!(calls(&world), ["GetCallerIdentity"]);
    }
    // Once more, after the region changed, and by both names.
    let again = done(world.run(&["wire", "deploy"]));
    assert_eq!(again.stderr, format!("{file} has it already: `deploy-mfa`\n"));
    world.edit_config("region = ap-northeast-1\n[profile deploy]", "region = eu-west-1\n[profile deploy]");
    let moved = before.replace("ap-northeast-1", "eu-west-1");
    done(world.run(&["wire", "deploy", "--yes"]));
    assert_eq!(world.read(CONFIG), moved.clone() + &section.replace("ap-northeast-1", "eu-west-1"));
    done(world.run(&["unwire", "deploy-mfa", "--yes"]));
    assert_eq!(world.read(CONFIG), moved);
    done(world.run(&["wire", "deploy", "--as", "for sdks", "--yes"]));
    assert!(world.read(CONFIG).contains("[profile \"for sdks\"]\n"));
    done(world.run(&["unwire", "deploy", "--yes"]));
    assert_eq!(world.read(CONFIG), moved);
}

#[test]
fn a_file_is_given_back_byte_for_byte() {
    let Cast { world, .. } = World::cast();
    let usual = world.read(CONFIG);
    for before in [
        usual.clone(),
        usual.trim_end().to_owned(),
        usual.replace('\n', "\r\n"),
        usual.replace('\n', "\r\n").trim_end().to_owned(),
        format!("\u{feff}{usual}\n\n\n"),
        usual.clone() + "# a comment at the end",
        usual.clone() + "[services x]\nsts =\n  endpoint_url = http://127.0.0.1:1\n",
    ] {
        world.write(CONFIG, &before);
        done(world.run(&["wire", "deploy", "audit", "alice", "--yes"]));
        let wired = world.read(CONFIG);
        assert_eq!(wired.matches("credential_process").count(), 3, "{wired}");
        // In any order, and with a section of the user's after them.
        world.write(CONFIG, wired.clone() + "\n[profile later]\nregion = x-1\n");
        done(world.run(&["unwire", "audit", "--yes"]));
        done(world.run(&["unwire", "--all", "--yes"]));
        assert_eq!(world.read(CONFIG), before.clone() + "\n[profile later]\nregion = x-1\n");
        world.write(CONFIG, wired);
        done(world.run(&["unwire", "--all", "--yes"]));
        assert_eq!(world.read(CONFIG), before);
    }
    // With nothing but a credentials file.
    world.write(
        CREDENTIALS,
        world.read(CREDENTIALS) + "[bob]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = x\n",
    );
    fs::remove_file(world.home().join(CONFIG)).expect("a file");
    done(world.run(&["wire", "bob", "--yes"]));
    assert!(world.read(CONFIG).starts_with("# Written by mfa-cred wire for profile bob\n[profile bob-mfa]\n"));
    done(world.run(&["unwire", "bob", "--yes"]));
    assert_eq!(world.read(CONFIG), "");
}

#[test]
fn thirty_profiles_are_wired_at_once() {
    let Cast { world, device, .. } = World::cast();
    for n in 0..30 {
        let role = "arn:aws:iam::123456789012:role/deploy";
        let serial = device.serial();
        world.add_config(&format!(
            "[profile team-{n}]\nrole_arn = {role}\nsource_profile = alice\nmfa_serial = {serial}\nregion = eu-west-{n}\n"
        ));
    }
    world.add_config("[profile broken]\nrole_arn = arn:aws:iam::123456789012:role/x\n");
    let before = world.read(CONFIG);
    let wired = done(world.run(&["wire", "--all", "--yes"]));
    assert!(wired.stderr.contains("broken is left out: "), "{wired:?}");
    let after = world.read(CONFIG);
    assert_eq!(after.matches("[profile team-").count(), 60);
    // A plain key without a device is no secret that wiring would keep from the SDKs.
    assert!(!after.contains("alice-mfa") && after.contains("[profile audit-mfa]"), "{after}");
    let again = done(world.run(&["wire", "--all", "--yes"]));
    assert!(again.stderr.contains(" has it already: `deploy-mfa`"), "{again:?}");
    assert_eq!(world.read(CONFIG), after);
    world.sign_in(&device, &["login", "team-0"]);
    for n in [0, 17, 29] {
        if let Some(told) = who(&world, &format!("team-{n}-mfa")) {
            assert!(told.status.success(), "{told:?}");
        }
    }
    done(world.run(&["unwire", "--all", "--yes"]));
    assert_eq!(world.read(CONFIG), before);
}

#[test]
fn names_arrive_unchanged_with_and_without_a_shell() {
    let Cast { world, device, .. } = World::cast();
    let serial = device.serial();
    for name in [
        "two words",
        "a+b@c.d/e",
        "ünï",
        "x $(touch pwned)",
        "x `touch pwned`",
        "a;touch pwned",
        "a #b ;c",
        "-dash",
        "%PATH%",
        "a&b|c>d",
        "~",
        "*",
    ] {
        let header = if name.contains([' ', ';', '#', '&', '$', '`', '|', '*', '~', 'ü']) {
            format!("\"{name}\"")
        } else {
            name.to_owned()
        };
        let before = world.read(CONFIG);
        world.add_config(&format!(
            "[profile {header}]\nrole_arn = arn:aws:iam::123456789012:role/deploy\nsource_profile = alice\nmfa_serial = {serial}\n"
        ));
        let listed = world.run(&["list", "--names"]);
        assert!(listed.stdout.lines().any(|line| line == name), "not a profile: {name}: {listed:?}");
        done(world.run(&["wire", "--as", "wired", "--yes", &format!("--profile={name}")]));
        if world.entries().is_empty() {
            world.sign_in(&device, &["login", &format!("--profile={name}")]);
        }
        let shown = world.run(&["show", "wired", "--json"]);
        assert!(shown.status.success(), "{shown:?}");
        let config = world.read(CONFIG);
        let line = config.lines().rfind(|line| line.starts_with("credential_process = ")).expect("a command");
        let line = line.trim_start_matches("credential_process = ");
        let mut shell = Command::new("sh");
        world.dress(&mut shell);
        let output = shell.args(["-c", line]).output().expect("sh");
        assert!(output.status.success(), "{name}: {line}: {output:?}");
        // boto3 splits it itself, and so does the AWS CLI.
        if let Some(told) = who(&world, "wired") {
            assert!(told.status.success(), "{name}: {line}: {told:?}");
        }
        assert!(!world.home().join("pwned").exists(), "{line}");
        done(world.run(&["unwire", "wired", "--yes"]));
        world.write(CONFIG, before);
    }
    world.aws.take_calls();
}

#[test]
fn a_section_of_the_users_is_never_changed() {
    let Cast { world, .. } = World::cast();
    let (config, credentials) = (world.home().join(CONFIG), world.home().join(CREDENTIALS));
    let (config, credentials) = (config.display(), credentials.display());
    world.add_config("[profile deploy-mfa]\nregion = eu-west-1\n");
    let line = world.read(CONFIG).lines().position(|line| line == "[profile deploy-mfa]").expect("a header") + 1;
    let taken = format!(
        "error: {config}:{line}: `deploy-mfa` is a profile that mfa-cred did not write, and is not changed\n\
         hint: choose another name with `--as NAME`: `mfa-cred wire --as NAME deploy`\n"
    );
    refused(&world, &["wire", "deploy", "--yes"], 1, &taken);
    let taken = format!(
        "error: {config}:{line}: `deploy-mfa` is a profile that mfa-cred did not write, and is not changed\n\
         hint: choose another name with `--as NAME`: `mfa-cred write --as NAME deploy`\n"
    );
    refused(&world, &["write", "deploy", "--as", "deploy-mfa"], 1, &taken);
    let taken = format!(
        "error: {credentials}:1: `alice` is a profile that mfa-cred did not write, and is not changed\n\
         hint: choose another name with `--as NAME`: `mfa-cred write --as NAME deploy`\n"
    );
    let taken = taken.replace(&format!("{credentials}:1"), &format!("{config}:1"));
    refused(&world, &["write", "deploy", "--as", "alice"], 1, &taken);
    refused(&world, &["unwire", "deploy-mfa", "--yes"], 1, "error: mfa-cred wrote no section for `deploy-mfa`\n");
    let nobody = "error: the change of the file must be confirmed, and there is no terminal to do it on\n\
                  hint: `--yes` answers the question\n";
    let said = world.run(&["wire", "audit"]);
    assert_eq!(said.status.code(), Some(3));
    assert!(said.stderr.ends_with(nobody), "{said:?}");
    let several = world.run(&["wire", "a", "b", "--as", "c"]);
    assert_eq!(several.status.code(), Some(2));
    assert!(
        several.stderr.starts_with("error: `--as` names one section, so it goes with one profile\n"),
        "{several:?}"
    );
}

#[test]
fn a_person_sees_the_change_and_may_decline() {
    let Cast { world, .. } = World::cast();
    let before = world.read(CONFIG);
    for (answer, code, wired) in [("n\n", 130, false), ("y\n", 0, true)] {
        let mut session = world.at_terminal(&["wire", "deploy"]);
        session.wait_for("+++ ~/.aws/config\r\n", PATIENCE);
        session.wait_for("+credential_process", PATIENCE);
        session.wait_for("Write this? [Y/n] ", PATIENCE);
        session.type_text(answer);
        let finished = session.finish(PATIENCE);
        world.heard("wire", &finished);
        assert_eq!(finished.status.code(), Some(code), "{finished:?}");
        assert_eq!(world.read(CONFIG) != before, wired);
    }
}

#[test]
fn a_user_whose_key_is_sealed_is_wired_in_the_profile_itself() {
    let Cast { world, .. } = World::cast();
    world.write("config/mfa-cred/config.ini", "unlock_process = echo tulip\n");
    done(world.run(&["keys", "import", "alice", "--yes"]));
    let before = world.read(CONFIG);
    done(world.run(&["wire", "alice", "--yes"]));
    assert!(
        world
            .read(CONFIG)
            .contains(&format!("region = ap-northeast-1\ncredential_process = {MFA_CRED} process alice\n"))
    );
    if let Some(told) = who(&world, "alice") {
        assert!(json(&told)["Arn"].as_str().is_some_and(|arn| arn.ends_with("user/alice")), "{told:?}");
    }
    let again = done(world.run(&["wire", "--all", "--yes"]));
    assert!(again.stderr.contains("deploy-mfa"), "{again:?}");
    done(world.run(&["unwire", "--all", "--yes"]));
    assert_eq!(world.read(CONFIG), before);
    world.aws.take_calls();
}

#[test]
fn credentials_are_written_for_tools_that_read_files_alone() {
    let Cast { world, device, .. } = World::cast();
    world.may_leak();
    let before = world.read(CREDENTIALS);
    let file = world.home().join(CREDENTIALS).display().to_string();
    let wrote = world.sign_in(&device, &["write", "deploy", "--as", "old-tool"]);
    assert_eq!(
        (wrote.stdout.as_str(), wrote.stderr),
        ("", format!("deploy: wrote `[old-tool]` to {file} in plain text, valid for 59m\n"))
    );
    let section = world.read(CREDENTIALS).strip_prefix(&before).expect("the rest as it was").to_owned();
    let keys: Vec<&str> = section.lines().filter_map(|line| line.split_once(" = ")).map(|(key, _)| key).collect();
    assert_eq!(
        keys,
        [
            "aws_access_key_id",
            "aws_secret_access_key",
            "aws_session_token",
            "x_security_token_expires",
            "expiration",
            "region"
        ]
    );
    assert!(
        section.starts_with("\n# Written by mfa-cred write for profile deploy\n[old-tool]\naws_access_key_id = ASIA")
    );
    calls(&world);
    if let Some(told) = who(&world, "old-tool") {
        assert!(json(&told)["Arn"].as_str().is_some_and(|arn| arn.contains("assumed-role/deploy/")), "{told:?}");
    }
    // Twenty at once, some for another section: the last one wins, and none is lost.
    thread::scope(|scope| {
        for n in 0..20 {
            let (mut command, name) = (world.command(&[]), format!("tool-{}", n % 4));
            scope.spawn(move || {
                let done = command.args(["write", "deploy", "--as", &name]).output().expect("it starts");
                assert!(done.status.success(), "{done:?}");
            });
        }
    });
    let text = world.read(CREDENTIALS);
    assert_eq!(text.matches("\n[").count(), before.matches("\n[").count() + 5, "{text}");
    assert!(text.starts_with(&before));
    done(world.run(&["unwrite", "tool-0"]));
    assert!(!world.read(CREDENTIALS).contains("tool-0"));
    done(world.run(&["clear", "audit"]));
    assert!(world.read(CREDENTIALS).contains("tool-1"));
    done(world.run(&["clear", "deploy"]));
    assert_eq!(world.read(CREDENTIALS), before);
    done(world.run(&["unwrite", "--all"]));
    refused(&world, &["unwrite", "tool-0"], 1, "error: mfa-cred wrote no section for `tool-0`\n");
    let long_term = world.run(&["write", "alice", "--as", "x"]);
    assert_eq!(long_term.status.code(), Some(1));
    assert!(
        long_term.stderr.ends_with(
            "error: the credentials of profile `alice` are a long-term access key, which is not written into a file\n\
             hint: name a profile with an MFA device or a role: its credentials expire by themselves\n"
        ),
        "{long_term:?}"
    );
    world.aws.take_calls();
}
