//! `wire --sso`: a profile for each role, whose name stays, and nothing of the user's changes.

use serde_json::json;

use super::{ACCOUNT, CONFIG, HOUR, SsoHome};
use crate::support::pty::{Finished, PATIENCE};
use crate::support::world::{World, calls, json as read_json};

const FILE: &str = ".aws/config";

/// The names of the profiles that were written for the session, with account and role, in the order of the file.
fn written(world: &World) -> Vec<(String, String, String)> {
    let text = world.read(FILE);
    let value = |part: &str, key: &str| {
        let line = part.lines().find_map(|line| line.strip_prefix(key)).expect("a line");
        line.trim_start_matches(" = ").to_owned()
    };
    let parts = text.split("# Written by mfa-cred wire for SSO session corp\n[profile ").skip(1);
    parts
        .map(|part| {
            let name = part.split(']').next().expect("a name").trim_matches('"').to_owned();
            (name, value(part, "sso_account_id"), value(part, "sso_role_name"))
        })
        .collect()
}

fn names(world: &World) -> Vec<String> {
    written(world).into_iter().map(|(name, ..)| name).collect()
}

#[track_caller]
fn wire(world: &World, more: &[&str]) -> Finished {
    let words = [&["wire", "--sso", "corp", "--yes"], more].concat();
    let done = world.run(&words);
    assert!(done.status.success(), "{words:?}: {done:?}");
    done
}

/// Every profile that was written gives the credentials of its own role.
fn each_gives_its_role(world: &World) {
    for (name, account, role) in written(world) {
        let done = world.run(&["process", &name]);
        assert!(done.status.success(), "{name}: {done:?}");
        let given = read_json(&done);
        let holder = world.aws.holder(given["AccessKeyId"].as_str().expect("an ID")).expect("issued here");
        let expected = format!("arn:aws:iam::{account}:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_{role}_");
        assert!(format!("{:?}", holder.signer).contains(&expected), "{name}: {:?}", holder.signer);
    }
}

#[test]
fn a_profile_for_each_role_is_written_once_and_taken_out_byte_for_byte() {
    let home = SsoHome::with(HOUR);
    let world = &home.world;
    world.aws.sso().assign("111111111111", "Admin");
    world.aws.sso().name_account("111111111111", "Production EU");
    for before in [CONFIG.to_owned(), CONFIG.replace('\n', "\r\n"), format!("\u{feff}{}", CONFIG.trim_end())] {
        world.write(FILE, &before);
        let done = wire(world, &[]);
        let newline = if before.contains('\r') { "\r\n" } else { "\n" };
        let section = |name: &str, account: &str, role: &str| {
            format!(
                "\n# Written by mfa-cred wire for SSO session corp\n[profile {name}]\nsso_session = corp\n\
                 sso_account_id = {account}\nsso_role_name = {role}\nregion = eu-west-1\n"
            )
            .replace('\n', newline)
        };
        let added = section("corp-Production-EU-Admin", "111111111111", "Admin")
            + &section("corp-account-2109-Developer", ACCOUNT, "Developer");
        assert_eq!(world.read(FILE), before.clone() + &added);
        assert!(done.stderr.contains("+[profile corp-Production-EU-Admin]\n"), "{done:?}");
        let file = world.home().join(FILE).display().to_string();
        let end = format!(
            "wrote `corp-Production-EU-Admin`, `corp-account-2109-Developer` to {file}\n\
             hint: any SDK and the AWS CLI can use it: `aws --profile corp-Production-EU-Admin sts get-caller-identity`\n"
        );
        assert!(done.stderr.ends_with(&end), "{done:?}");
        let again = wire(world, &[]);
        let has = format!("{file} has already: `corp-Production-EU-Admin`, `corp-account-2109-Developer`\n");
        assert_eq!((again.stderr, world.read(FILE)), (has, before.clone() + &added));
        if newline == "\n" {
            each_gives_its_role(world);
        }
        let later = world.read(FILE) + newline + "[profile later]" + newline;
        for words in [&["unwire", "--sso", "corp", "--yes"][..], &["unwire", "--all", "--yes"]] {
            world.write(FILE, &later);
            assert!(world.run(words).status.success(), "{words:?}");
            assert_eq!(world.read(FILE), before.clone() + newline + "[profile later]" + newline, "{words:?}");
        }
    }
    world.run(&["unwire", "--sso", "corp", "--yes"]).expect(
        1,
        "",
        "error: mfa-cred wrote no profile for SSO session `corp`\n",
    );
}

/// Names that break files, shells or each other.
#[test]
fn hostile_and_equal_account_names_give_plain_names_that_differ() {
    let home = SsoHome::with(HOUR);
    let world = &home.world;
    let sso = world.aws.sso();
    let accounts = [
        ("000000000001", "a \"b\" 'c' [d]"),
        ("000000000002", "line\r\n[profile evil]\r\naws_access_key_id = x"),
        ("000000000003", "$(touch PWNED) `id` #x ;y"),
        ("000000000004", "\u{65e5}\u{672c}"),
        ("000000000005", ""),
        ("000000000006", "Same"),
        ("000000000007", "same"),
        ("000000000008", "sa me"),
        ("000000000009", "sa  me"),
        ("000000000010", "x"),
        ("000000000011", "x-y"),
        ("000000000012", "-"),
        ("000000000013", "a very long name of an account, longer than AWS would ever allow it to be, and more"),
        ("000000000014", "a very long name of an account, longer than AWS would ever allow it to be, or less"),
    ];
    for (id, name) in accounts {
        sso.assign(id, "Admin");
        sso.name_account(id, name);
    }
    sso.assign("000000000010", "y-Admin");
    for role in ["r,x", "r=x", "R,x"] {
        sso.assign("000000000001", role);
    }
    wire(world, &[]);
    let all = written(world);
    assert_eq!(all.len(), accounts.len() + 5, "{all:?}");
    let mut folded: Vec<String> = all.iter().map(|(name, ..)| name.to_lowercase()).collect();
    folded.sort();
    folded.dedup();
    assert_eq!(folded.len(), all.len(), "{all:?}");
    for (name, ..) in &all {
        assert!(
            name.starts_with("corp-") && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.@+".contains(&b)),
            "{name}"
        );
    }
    let name_of = |account: &str, role: &str| {
        let found = all.iter().find(|(_, id, it)| id == account && it == role);
        found.map(|(name, ..)| name.as_str()).expect("it was written")
    };
    for (account, role, name) in [
        ("000000000001", "Admin", "corp-a-b-c-d-Admin"),
        ("000000000002", "Admin", "corp-line-profile-evil-aws_access_key_id-x-Admin"),
        ("000000000004", "Admin", "corp-000000000004-Admin"),
        ("000000000006", "Admin", "corp-Same-000000000006-Admin"),
        ("000000000007", "Admin", "corp-same-000000000007-Admin"),
        ("000000000009", "Admin", "corp-sa-me-000000000009-Admin"),
        ("000000000010", "y-Admin", "corp-x-000000000010-y-Admin"),
        ("000000000011", "Admin", "corp-x-y-000000000011-Admin"),
        ("000000000013", "Admin", "corp-a-very-long-name-of-an-account-longer-than-AWS-wou-000000000013-Admin"),
    ] {
        assert_eq!(name_of(account, role), name);
    }
    assert!(!world.home().join("PWNED").exists());
    let before = world.read(FILE);
    wire(world, &[]);
    assert_eq!(world.read(FILE), before, "nothing moves");
    each_gives_its_role(world);
}

#[test]
fn a_name_stays_when_accounts_are_renamed_or_added() {
    let home = SsoHome::with(HOUR);
    let world = &home.world;
    let sso = world.aws.sso();
    sso.name_account(ACCOUNT, "Prod");
    wire(world, &[]);
    assert_eq!(names(world), ["corp-Prod-Developer"]);
    sso.assign("111111111111", "Developer");
    sso.name_account("111111111111", "Prod");
    wire(world, &[]);
    assert_eq!(names(world), ["corp-Prod-Developer", "corp-Prod-111111111111-Developer"]);
    sso.name_account(ACCOUNT, "Production");
    wire(world, &[]);
    assert_eq!(names(world), ["corp-Prod-Developer", "corp-Prod-111111111111-Developer"]);
    // What the person added to a section stays, unless it is asked to change.
    world.edit_config(
        "sso_role_name = Developer\nregion = eu-west-1\n\n",
        "sso_role_name = Developer\nregion = us-east-1\noutput = json\n\n",
    );
    let edited = world.read(FILE);
    wire(world, &[]);
    assert_eq!(world.read(FILE), edited);
    wire(world, &["--region", "eu-north-1"]);
    assert_eq!(
        world.read(FILE),
        edited
            .replace("region = us-east-1", "region = eu-north-1")
            .replace("Developer\nregion = eu-west-1", "Developer\nregion = eu-north-1")
    );
    // A prefix that is asked for is given to all.
    wire(world, &["--prefix", "c/"]);
    assert_eq!(names(world), ["c/Prod-Developer", "c/Production-Developer"]);
    assert_eq!(world.read(FILE).matches("region = eu-north-1").count(), 2);
    wire(world, &["--prefix", "c/"]);
    wire(world, &[]);
    assert_eq!(names(world), ["c/Prod-Developer", "c/Production-Developer"]);
    wire(world, &["--prefix", ""]);
    assert_eq!(names(world), ["c/Prod-Developer", "c/Production-Developer"], "they start with nothing as well");
}

#[test]
fn only_the_accounts_and_roles_that_are_named_are_written() {
    let home = SsoHome::with(HOUR);
    let world = &home.world;
    let sso = world.aws.sso();
    for (account, role) in [(ACCOUNT, "Admin"), ("111111111111", "Admin"), ("111111111111", "Audit")] {
        sso.assign(account, role);
    }
    sso.name_account("111111111111", "The Lab");
    calls(world);
    wire(world, &["--account", "the lab", "--role", "Admin"]);
    assert_eq!(names(world), ["corp-The-Lab-Admin"]);
    assert_eq!(calls(world), ["ListAccounts", "ListAccountRoles"], "one account is asked about");
    wire(world, &["--account", ACCOUNT, "--account", "111111111111", "--role", "Admin", "--role", "Audit"]);
    assert_eq!(names(world), ["corp-The-Lab-Admin", "corp-The-Lab-Audit", "corp-account-2109-Admin"]);
    let before = world.read(FILE);
    for (words, what) in [(["--account", "999999999999"], "999999999999"), (["--role", "admin"], "admin")] {
        let done = world.run(&[&["wire", "--sso", "corp", "--yes"], &words[..]].concat());
        let said = format!(
            "error: SSO session `corp` gives you no account or role `{what}`\nhint: `mfa-cred list --sso corp` shows what there is\n"
        );
        done.expect(1, "", &said);
    }
    assert_eq!(world.read(FILE), before);
}

#[test]
fn a_section_of_the_users_is_never_changed_and_its_name_is_not_taken() {
    let home = SsoHome::with(HOUR);
    let world = &home.world;
    world.aws.sso().name_account(ACCOUNT, "Prod");
    world.add_config("[profile corp-Prod-Developer]\nregion = x-1\n");
    let before = world.read(FILE);
    wire(world, &[]);
    assert!(world.read(FILE).starts_with(&before));
    assert_eq!(names(world), ["corp-Prod-210987654321-Developer"]);
    // In the credentials file as well; and if every name is the user's, nothing is written.
    world.write(FILE, CONFIG);
    world.write(".aws/credentials", "[corp-Prod-Developer]\nx = y\n[corp-Prod-210987654321-Developer]\nx = y\n");
    wire(world, &[]);
    let [last] = &names(world)[..] else { panic!("one") };
    assert!(last.starts_with("corp-Prod-210987654321-Developer-"), "{last}");
    world.write(FILE, CONFIG);
    world.add_config(&format!("[profile {last}]\nregion = x-1\n"));
    let before = world.read(FILE);
    let done = world.run(&["wire", "--sso", "corp", "--yes"]);
    let error = format!("`{last}` is a profile that mfa-cred did not write, and is not changed\n");
    assert!(done.status.code() == Some(1) && done.stderr.contains(&error), "{done:?}");
    assert!(done.stderr.ends_with("hint: choose other names with `--prefix TEXT`\n"), "{done:?}");
    assert_eq!(world.read(FILE), before);
}

#[test]
fn a_role_that_is_no_longer_assigned_is_reported_and_its_profile_stays() {
    let home = SsoHome::with(HOUR);
    let world = &home.world;
    let sso = world.aws.sso();
    for (account, role) in [("111111111111", "Admin"), ("111111111111", "Audit"), ("222222222222", "Admin")] {
        sso.assign(account, role);
    }
    wire(world, &[]);
    let before = world.read(FILE);
    sso.unassign("111111111111", "Audit");
    let done = wire(world, &[]);
    let lost = |account: &str, role: &str| {
        format!(
            "warning: SSO session `corp` no longer gives role `{role}` in account {account}; profile \
             `corp-account-{}-{role}` is kept\n",
            &account[..4]
        )
    };
    let hint = "hint: `mfa-cred unwire corp-account-1111-Audit` removes it\n";
    assert!(done.stderr.ends_with(&(lost("111111111111", "Audit") + hint)), "{done:?}");
    // Of an account that was not asked about, nothing is known; one that is gone has no roles.
    sso.unassign("222222222222", "Admin");
    let done = wire(world, &["--account", ACCOUNT]);
    assert!(done.stderr.contains(&lost("222222222222", "Admin")) && !done.stderr.contains("Audit"), "{done:?}");
    let done = wire(world, &["--json"]);
    let hint = "hint: `mfa-cred unwire corp-account-1111-Audit corp-account-2222-Admin` removes them\n";
    assert!(done.stderr.ends_with(hint), "{done:?}");
    let rows = read_json(&done);
    assert_eq!(rows[0]["state"], "present", "{rows}");
    let gone = json!({"profile": "corp-account-1111-Audit", "account": "111111111111", "name": null, "role": "Audit", "state": "gone"});
    assert_eq!(rows[2], gone, "{rows}");
    assert_eq!(world.read(FILE), before);
    let removed = world.run(&["unwire", "corp-account-1111-Audit", "corp-account-2222-Admin", "--yes"]);
    assert!(removed.status.success(), "{removed:?}");
    assert!(!wire(world, &[]).stderr.contains("no longer"));
    sso.unassign_all();
    let done = wire(world, &[]);
    assert!(done.stderr.starts_with("SSO session `corp` gives no role that could be written\nwarning: "), "{done:?}");
}

#[test]
fn it_is_shown_and_confirmed_first_and_a_dry_run_writes_nothing() {
    let home = SsoHome::with(HOUR);
    let world = &home.world;
    let before = world.read(FILE);
    let dry = world.run(&["wire", "--sso", "--dry-run"]);
    assert!(dry.status.success() && dry.stdout.contains("\n+[profile corp-account-2109-Developer]\n"), "{dry:?}");
    assert_eq!(dry.stderr, "");
    let json = world.run(&["wire", "--sso", "--dry-run", "--json"]);
    let row = json!([{"profile": "corp-account-2109-Developer", "account": ACCOUNT, "name": "account-2109", "role": "Developer", "state": "new"}]);
    assert_eq!((read_json(&json), json.stderr.as_str()), (row, ""));
    let nobody = world.run(&["wire", "--sso", "corp"]);
    assert!(
        nobody.status.code() == Some(3) && nobody.stderr.ends_with("hint: `--yes` answers the question\n"),
        "{nobody:?}"
    );
    let mut session = world.at_terminal(&["wire", "--sso", "corp"]);
    session.wait_for("Write this?", PATIENCE);
    session.type_text("n\r");
    assert_eq!(session.finish(PATIENCE).status.code(), Some(130));
    assert_eq!(world.read(FILE), before);
    let mut session = world.at_terminal(&["wire", "--sso", "corp"]);
    session.wait_for("Write this?", PATIENCE);
    session.type_text("y\r");
    assert!(session.finish(PATIENCE).status.success());
    assert_eq!(names(world), ["corp-account-2109-Developer"]);
    let other = world.run(&["wire", "dev", "--dry-run"]);
    assert!(other.status.success() && other.stdout.contains("\n+[profile dev-mfa]\n"), "{other:?}");
    assert!(!world.read(FILE).contains("dev-mfa"));
}

#[test]
fn without_a_sign_in_nothing_is_written() {
    let home = SsoHome::with(HOUR);
    home.world.aws.sso().end_sessions();
    let before = home.world.read(FILE);
    let done = home.world.run(&["wire", "--sso", "corp", "--yes"]);
    let hint = "hint: run `mfa-cred login --sso corp` in a terminal\n";
    assert!(done.status.code() == Some(3) && done.stderr.ends_with(hint), "{done:?}");
    assert_eq!(home.world.read(FILE), before);
    for words in [
        &["wire", "--account", "x"][..],
        &["wire", "dev", "--sso", "corp"],
        &["wire", "--sso", "corp", "--all"],
        &["unwire", "dev", "--sso", "corp"],
    ] {
        assert_eq!(home.world.run(words).status.code(), Some(2), "{words:?}");
    }
}
