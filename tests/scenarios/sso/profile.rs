//! Profiles whose person must sign in first: where a browser opens, and where it never does. What the person may use.

use serde_json::json;

use super::{corp, opened};
use crate::support::pty::PATIENCE;
use crate::support::world::{World, calls, json as read_json, variable};

const ACCOUNT: &str = "210987654321";

fn dev() -> World {
    let world = corp();
    world.aws.sso().assign(ACCOUNT, "Developer");
    world.add_config("[profile dev]\nsso_session = corp\nsso_account_id = 210987654321\nsso_role_name = Developer\n");
    world
}

#[test]
fn login_with_a_profile_opens_the_browser_only_when_the_sign_in_is_over() {
    let world = dev();
    let done = world.run(&["login", "dev"]);
    assert!(done.status.success() && done.stderr.contains("\ndev: signed in for "), "{done:?}");
    assert_eq!(opened(&world).len(), 1);
    assert!(world.run(&["login", "dev"]).status.success());
    assert!(world.run(&["process", "dev"]).status.success());
    assert_eq!(opened(&world).len(), 1);
    assert!(world.run(&["login", "dev", "--refresh"]).status.success());
    assert_eq!(opened(&world).len(), 2);
    // The token looks good, but AWS does not take it any longer.
    world.aws.sso().end_sessions();
    assert!(world.run(&["login", "dev", "--no-cache"]).status.success());
    assert_eq!(opened(&world).len(), 3);
}

#[test]
fn env_at_a_terminal_signs_in_by_itself() {
    let world = dev();
    let mut session = world.at_terminal(&["env", "dev", "--format", "posix"]);
    session.wait_for("opening your browser to sign in to SSO session `corp`", PATIENCE);
    let done = session.finish(PATIENCE);
    assert!(done.status.success(), "{done:?}");
    assert!(variable(&done.stdout, "AWS_ACCESS_KEY_ID").starts_with("ASIA"));
    assert_eq!(opened(&world).len(), 1);
}

#[test]
fn nobody_is_sent_to_a_browser_by_a_program_or_against_their_will() {
    let world = dev();
    for words in [&["process", "dev"][..], &["env", "dev", "--no-prompt"], &["list"], &["status", "dev"], &["prompt"]] {
        let session = world.at_terminal(words);
        session.finish(PATIENCE);
        world.run(words);
    }
    world.run(&["env", "dev"]).expect(
        3,
        "",
        "error: nobody is signed in to SSO session `corp`\nhint: run `mfa-cred login dev` in a terminal\n",
    );
    assert_eq!((opened(&world), calls(&world)), (Vec::new(), Vec::new()));
}

#[test]
fn what_the_person_may_use_is_listed() {
    let world = dev();
    for (account, role) in [("111111111111", "Audit"), ("111111111111", "Admin"), (ACCOUNT, "Reader")] {
        world.aws.sso().assign(account, role);
    }
    world.aws.page_size(1);
    let signed_out =
        "error: nobody is signed in to SSO session `corp`\nhint: run `mfa-cred login --sso corp` in a terminal\n";
    world.run(&["list", "--sso"]).expect(3, "", signed_out);
    assert!(world.run(&["login", "--sso", "corp"]).status.success());
    let rows = "111111111111\taccount-1111\tAdmin\n111111111111\taccount-1111\tAudit\n\
                210987654321\taccount-2109\tDeveloper\n210987654321\taccount-2109\tReader\n";
    world.run(&["list", "--sso"]).expect(0, rows, "");
    world.run(&["list", "--sso", "corp"]).expect(0, rows, "");
    let listed = read_json(&world.run(&["list", "--sso", "--json"]));
    assert_eq!(listed[0], json!({"account": "111111111111", "name": "account-1111", "role": "Admin"}));
    world.add_config("[sso-session lab]\nsso_start_url = https://lab.example/start\nsso_region = eu-west-1\n");
    world.run(&["list", "--sso"]).expect(2, "", "error: there are several SSO sessions: name one of `corp`, `lab`\n");
}

#[test]
fn a_role_that_is_not_assigned_leads_to_those_that_are() {
    let world = dev();
    world.aws.sso().unassign_all();
    let done = world.run(&["login", "dev"]);
    assert_eq!(done.status.code(), Some(5), "{done:?}");
    let hint = "hint: compare `sso_account_id` and `sso_role_name` with what `mfa-cred list --sso corp` shows, or ask for \
                the assignment\n";
    assert!(done.stderr.ends_with(hint), "{done:?}");
    let listed = world.run(&["list", "--sso", "corp"]);
    assert!(listed.status.success(), "{listed:?}");
}
