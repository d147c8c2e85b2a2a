//! Several accounts in one run, and the page for browsers.

use serde_json::Value;

use crate::support::aws::RoleSpec;
use crate::support::world::{Cast, World, json};

/// Of each account: its name, its id and whether it was read.
fn accounts(report: &Value) -> Vec<(&str, &str, bool)> {
    let rows = report["accounts"].as_array().expect("accounts").iter();
    rows.map(|row| {
        let (name, id) = (row["name"].as_str().unwrap_or_default(), row["account"].as_str().unwrap_or_default());
        (name, id, row["error"].is_null())
    })
    .collect()
}

#[test]
fn one_code_serves_all_accounts_and_an_unreadable_account_is_a_row() {
    let Cast { world, device, .. } = World::cast();
    let aws = &world.aws;
    for account in ["111111111111", "222222222222"] {
        aws.add_role(RoleSpec::new("Audit").account(account).trust_user("alice").require_mfa());
    }
    world.add_config(&format!(
        "[profile admin]\nsource_profile = alice\nmfa_serial = {}\nrole_arn = arn:aws:iam::123456789012:role/deploy\n",
        device.serial()
    ));
    world.write("accounts.txt", "# ours\n111111111111 Production\n333333333333\n\n222222222222,Test # old\n");
    world.sign_in(&device, &["login", "admin"]);
    aws.take_calls();
    let words = ["audit", "admin", "--accounts", "accounts.txt", "--role-name", "Audit", "--no-prompt", "--json"];
    let done = world.run(&words);
    let report = json(&done);
    assert_eq!(
        accounts(&report),
        [("Production", "111111111111", true), ("333333333333", "333333333333", false), ("Test", "222222222222", true)],
        "{}",
        done.stderr
    );
    assert_eq!((done.status.code(), aws.count("GetSessionToken")), (Some(1), 0), "the session of the day serves all");
    let error = report["accounts"][1]["error"].as_str().expect("why");
    assert!(error.contains("AccessDenied"), "{error}");
    let page = world.run(&words[..7]).stdout;
    assert!(page.contains("Account 333333333333 could not be read: "), "{page}");
    assert!(page.contains("Total: 3 accounts, ") && page.contains("; could not be read: 333333333333."), "{page}");
    let rows = world.run(&[&words[..7], &["--csv"]].concat()).stdout;
    assert!(rows.contains("\n333333333333,unreadable-account,"), "{rows}");

    let done = world.run(&["audit", "--profiles", "de*y", "--no-prompt", "--json"]);
    assert_eq!(accounts(&json(&done)), [("deploy", "123456789012", true)], "{}", done.stderr);
    let done = world.run(&["audit", "--profiles", "x*"]);
    assert_eq!((done.status.code(), done.stderr.as_str()), (Some(2), "error: no profile matches `x*`\n"));
    world.write("accounts.txt", "222222222222 Test\n222222222222 Again\n222222222222\n");
    assert_eq!(accounts(&json(&world.run(&words))), [("Test", "222222222222", true)], "an account is read once");
    for empty in ["", "\n\n# 222222222222\n"] {
        world.write("accounts.txt", empty);
        let done = world.run(&words);
        let expected = (Some(2), "", "error: accounts.txt lists no accounts\n");
        assert_eq!((done.status.code(), done.stdout.as_str(), done.stderr.as_str()), expected);
    }
    world.write("accounts.txt", "Production 111111111111\n");
    let done = world.run(&words);
    let said = "error: accounts.txt: line 1: expected a twelve-digit account ID at the start\n";
    assert_eq!((done.status.code(), done.stderr.as_str()), (Some(2), said));
}

#[test]
fn an_account_with_several_profiles_counts_once_under_all_of_their_names() {
    let Cast { world, device, .. } = World::cast();
    world.add_config(&format!(
        "[profile depot]\nsource_profile = alice\nmfa_serial = {}\nrole_arn = arn:aws:iam::123456789012:role/deploy\n",
        device.serial()
    ));
    world.sign_in(&device, &["login", "deploy"]);
    let done = world.run(&["audit", "--profiles", "dep*", "--no-prompt", "--json"]);
    let report = json(&done);
    let [(names, id, true)] = accounts(&report)[..] else { panic!("{done:?}") };
    let mut names: Vec<&str> = names.split(", ").collect();
    names.sort_unstable();
    assert_eq!((names, id), (vec!["deploy", "depot"], "123456789012"));
}

#[test]
fn the_page_for_browsers_is_whole_by_itself_and_the_same_twice() {
    let Cast { world, device, .. } = World::cast();
    world.sign_in(&device, &["login", "deploy"]);
    world.aws.set_password("alice", 100, None);
    let page = || {
        let done = world.run(&["audit", "deploy", "--no-prompt", "--html", "audit.html", "--json"]);
        assert_eq!((done.status.code(), done.stderr.as_str()), (Some(1), "wrote audit.html\n"));
        (json(&done), world.read("audit.html"))
    };
    let (report, text) = page();
    for word in ["<script", "http://", "https://", "<img", "<link", "@import", "url("] {
        assert!(!text.contains(word), "{word}");
    }
    let found = report["findings"].as_array().expect("findings");
    for finding in found {
        let id = finding["id"].as_str().expect("text");
        let section = text.split("<section class=\"check\" ").find(|it| it.starts_with(&format!("id=\"a0-{id}\"")));
        let section = section.unwrap_or_else(|| panic!("no section for {id} in {text}"));
        if let Some(user) = finding["user"].as_str().filter(|user| !user.starts_with('<')) {
            assert!(section.contains(&format!("<bdi>{user}</bdi>")), "{finding}: {section}");
        }
    }
    let checks: std::collections::BTreeSet<&str> = found.iter().filter_map(|it| it["id"].as_str()).collect();
    assert_eq!(text.matches("<section class=\"check\"").count(), checks.len());
    assert!(text.ends_with("</html>\n"), "{text}");
    assert_eq!(page().1, text);
    let done = world.run(&["audit", "deploy", "--no-prompt", "--html", "nowhere/audit.html"]);
    assert_eq!((done.status.code(), done.stdout.as_str()), (Some(2), ""), "{done:?}");
}
