//! `login`, `list`, `status`, `show` and `clear`: their output, and that it needs no keyring, no call and no prompt.

mod include;
mod show;
mod status;

use std::os::unix::net::UnixListener;

use serde_json::{Value, json};

use super::{calls, json, member, seen, signed_in};
use crate::support::pty::{Finished, PATIENCE, Pty, Stream};
use crate::support::world::{Cast, World};

/// Runs a command that must use no keyring, make no call and show no prompt: its D-Bus address is a socket that would
/// notice.
fn quietly(world: &World, words: &[&str]) -> Finished {
    let path = world.home().join("bus");
    drop(std::fs::remove_file(&path));
    let bus = UnixListener::bind(&path).expect("a socket");
    bus.set_nonblocking(true).expect("it need not wait");
    let mut command = std::process::Command::new(crate::support::world::MFA_CRED);
    world.dress(&mut command);
    command.env("DBUS_SESSION_BUS_ADDRESS", format!("unix:path={}", path.display())).args(words);
    let done = Pty::default().spawn(command).finish(PATIENCE);
    world.heard(&words.join(" "), &done);
    assert_eq!(done.terminal, "", "{words:?}");
    assert!(bus.accept().is_err(), "{words:?} went to the keyring");
    assert!(calls(world).is_empty(), "{words:?}");
    done
}

#[test]
fn login_reports_on_stderr_only() {
    let cast = World::cast();
    let words = ["login", "deploy", "--mfa-token", "-"];
    let done = cast.world.run_with_stdin(&words, &cast.device.fresh_code());
    // A second may have passed.
    let said = ["deploy: signed in for 1h\n", "deploy: signed in for 59m\n"];
    assert!(done.status.success() && done.stdout.is_empty() && said.contains(&&*done.stderr), "{done:?}");
    assert_eq!(calls(&cast.world), ["GetSessionToken", "AssumeRole"]);
    let quiet = cast.world.run(&["login", "-q", "deploy"]);
    assert_eq!((seen(&quiet), calls(&cast.world)), ((Some(0), "", ""), vec![]));
}

#[test]
fn login_of_several_profiles_continues_after_one_fails() {
    let cast = signed_in();
    let world = &cast.world;
    world.add_config(
        "[profile fido]\nsource_profile = alice\nmfa_serial = arn:aws:iam::123456789012:u2f/user/alice/key\n",
    );
    let done = world.run(&["login", "deploy", "nobody", "fido", "audit"]);
    // The exit code is that of the first failure.
    assert_eq!((done.status.code(), done.stdout.as_str()), (Some(1), ""));
    let lines: Vec<&str> = done.stderr.lines().collect();
    assert_eq!(lines.len(), 7, "{lines:#?}");
    for (line, start) in lines.iter().zip([
        "deploy: signed in for ",
        "error: nobody: there is no profile `nobody` in ",
        "hint: `mfa-cred list` shows the profiles",
        "error: fido: ",
        "hint: use a device whose codes AWS accepts: `mfa_serial = arn:aws:iam::123456789012:mfa/alice-phone`",
        "audit: signed in for ",
        "error: could not sign in to 2 of 4 profiles",
    ]) {
        assert!(line.starts_with(start), "{line:?} should start with {start:?}");
    }
    assert_eq!(calls(world), ["ListMFADevices", "AssumeRole"]);
    assert_eq!(world.run(&["login", "fido", "nobody"]).status.code(), Some(4));
    assert_eq!(world.run(&["login", "nobody", "fido"]).status.code(), Some(1));
}

#[test]
fn list_prints_tab_separated_lines_in_a_pipe() {
    let cast = signed_in();
    let world = &cast.world;
    let lines = [
        "[profile tool]\ncredential_process = /bin/tool\n",
        "[profile sso]\nsso_session = x\nsso_account_id = 210987654321\n",
        "[profile broken]\nrole_arn = x\n",
        "[profile \"two words\"]\nsource_profile = alice\nregion = eu-west-1\n",
    ];
    world.add_config(&lines.concat());
    let names = quietly(world, &["list", "--names"]);
    names.expect(0, "alice\ndeploy\naudit\ntool\nsso\nbroken\ntwo words\n", "");
    let list = quietly(world, &["list"]);
    let deploy = "deploy\trole\talice\t123456789012\tap-northeast-1\talice-phone";
    assert_eq!(
        list.stdout,
        format!(
            "alice\tuser\t-\t-\tap-northeast-1\t-\t-\n{deploy}\t59m\n{audit}\t-\ntool\tprocess\t-\t-\t-\t-\t-\n\
             sso\tsso (error)\tx\t210987654321\t-\t-\t-\nbroken\trole (error)\t-\t-\t-\t-\t-\n\
             two words\tuser\talice\t-\teu-west-1\t-\t-\n",
            audit = deploy.replace("deploy", "audit")
        )
    );
    let all = json(&quietly(world, &["list", "--json"]));
    assert_eq!(all.as_array().map(Vec::len), Some(7));
    let mut first = member(&all, "/1").clone();
    let end = first.as_object_mut().and_then(|row| row.remove("cached_until")).expect("it is cached");
    assert!(end.as_str().is_some_and(|end| end.ends_with('Z')), "{end}");
    assert_eq!(
        first,
        json!({
            "name": "deploy", "kind": "role", "source": "alice", "account": "123456789012",
            "region": "ap-northeast-1", "mfa_serial": cast.device.serial(), "error": null,
        })
    );
    assert!(member(&all, "/5/error").as_str().is_some_and(|error| error.contains("`role_arn`")));

    // The user's MFA session, which the roles share, and what this shell holds.
    assert!(member(&all, "/0/session_until").as_str().is_some_and(|end| end.ends_with('Z')), "{all}");
    assert!(all.pointer("/2/session_until").is_none() && all.pointer("/1/held").is_none(), "{all}");
    world.set("MFA_CRED_PROFILE", "deploy");
    assert_eq!(json(&quietly(world, &["list", "--json"])).pointer("/1/held"), Some(&json!(true)));
    let marked = on_a_terminal(world, &["list"]);
    let row = |name: &str| marked.lines().find(|line| line.contains(&format!("{name} "))).expect("a row").to_owned();
    assert!(row("deploy").starts_with("*deploy ") && row("alice").starts_with(" alice "), "{marked}");
    assert!(row("alice").contains("11h59m") && row("audit").trim_end().ends_with('-'), "{marked}");
    world.set("MFA_CRED_PROFILE", "");
    // Only the named ones.
    assert_eq!(quietly(world, &["list", "deploy", "tool"]).stdout.lines().count(), 2);
    assert_eq!(quietly(world, &["list", "--names", "--profile", "tool"]).stdout, "tool\n");
    let none = quietly(world, &["list", "depoly"]);
    assert_eq!((none.status.code(), none.stdout.as_str()), (Some(1), ""));
    assert!(none.stderr.ends_with("hint: did you mean `deploy`?\n"), "{none:?}");

    // A person gets columns and headings, as wide as the window.
    let shown = on_a_terminal(world, &["list"]);
    assert!(shown.trim_start().starts_with("PROFILE") && !shown.contains('\t'), "{shown}");
}

fn on_a_terminal(world: &World, words: &[&str]) -> String {
    on_columns(world, words, 120)
}

/// The output on a terminal of that width.
fn on_columns(world: &World, words: &[&str], columns: u16) -> String {
    let mut command = std::process::Command::new(crate::support::world::MFA_CRED);
    world.dress(&mut command);
    command.args(words);
    Pty::default().sized(24, columns).streams(Stream::Terminal, Stream::Apart).spawn(command).finish(PATIENCE).terminal
}

#[test]
fn clear_removes_the_named_profiles_or_all() {
    let Cast { world, device, .. } = World::cast();
    world.sign_in(&device, &["process", "deploy"]);
    assert!(world.run(&["process", "audit"]).status.success());
    assert_eq!(seen(&world.run(&["clear", "deploy"])), (Some(0), "", "removed 1 cached entry\n"));
    assert_eq!(world.entries().len(), 2);
    assert_eq!(seen(&world.run(&["clear", "deploy"])), (Some(0), "", "removed 0 cached entries\n"));
    calls(&world);
    assert!(world.run(&["process", "deploy"]).status.success());
    assert!(world.run(&["process", "audit"]).status.success());
    assert_eq!(calls(&world), ["AssumeRole"]);
    // A profile that is no longer in the files still has the entries under its name.
    world.edit_config("[profile audit]", "[profile renamed]");
    assert_eq!(seen(&world.run(&["clear", "audit"])), (Some(0), "", "removed 1 cached entry\n"));
    assert_eq!(seen(&world.run(&["clear"])), (Some(0), "", "removed 2 cached entries\n"));
    assert_eq!(world.entries().len(), 0);
    assert_eq!(world.run(&["process", "deploy"]).status.code(), Some(3));

    // After `--all`, a copy of an entry that somebody saved does not open again.
    world.sign_in(&device, &["process", "deploy"]);
    let copies: Vec<_> = world.entries().into_iter().map(|path| (std::fs::read(&path).expect("read"), path)).collect();
    assert_eq!(seen(&world.run(&["clear", "--all", "-q"])), (Some(0), "", ""));
    for (bytes, path) in copies {
        std::fs::write(path, bytes).expect("put back");
    }
    assert_eq!(world.run(&["process", "deploy"]).status.code(), Some(3));
    assert_eq!(world.run(&["status", "deploy"]).status.code(), Some(3));
    let none = "removed 2 cached entries\nthere was no sealing key to destroy\n";
    assert_eq!(seen(&world.run(&["clear", "--all"])), (Some(0), "", none));
}

#[test]
fn clear_of_an_unknown_profile_is_an_error_and_removes_nothing() {
    let cast = signed_in();
    let world = &cast.world;
    for words in [&["clear", "depoly"][..], &["clear", "deploy", "depoly"], &["clear", "--profile", "depoly"]] {
        let done = world.run(words);
        assert_eq!((done.status.code(), done.stdout.as_str()), (Some(1), ""), "{words:?}");
        assert!(done.stderr.starts_with("error: there is no profile `depoly` in "), "{words:?}: {}", done.stderr);
        assert!(done.stderr.ends_with("hint: did you mean `deploy`?\n"), "{words:?}: {}", done.stderr);
    }
    assert!(world.run(&["status", "deploy"]).status.success(), "it was forgotten");
    // A profile that is no longer in the files still has the entries under its name.
    world.edit_config("[profile deploy]", "[profile renamed]");
    assert!(world.run(&["clear", "deploy"]).status.success());
    assert_eq!(world.run(&["clear", "deploy"]).status.code(), Some(1), "now it is nowhere");
}

#[test]
fn at_forty_columns_words_are_not_broken_and_names_are_complete() {
    let cast = signed_in();
    let world = &cast.world;
    let payload = world.run(&["env", "deploy", "--format", "json"]).stdout;
    let held: serde_json::Value = serde_json::from_str(&payload).expect("JSON");
    for (name, value) in held.as_object().expect("an object") {
        world.set(name, value.as_str().unwrap_or_default());
    }
    world.set("NO_COLOR", "1");
    let status = on_columns(world, &["status"], 40);
    let rows: Vec<&str> = status.lines().collect();
    assert!(rows[1].starts_with("*deploy  ") && rows[1].contains("ASIA"), "{status}");
    assert!(rows.iter().any(|row| row.starts_with(" deploy   role deploy  ")), "{status}");
    assert!(rows.iter().any(|row| row.contains("MFA session")), "{status}");
    for words in [&["status"][..], &["list"], &["device", "list", "--profile", "alice"], &["show", "deploy"]] {
        let shown = on_columns(world, words, 40);
        assert!(shown.lines().count() >= 2, "{words:?}: {shown}");
        for line in shown.lines() {
            let is_one_word = line.split_whitespace().count() == 1;
            assert!(line.chars().count() <= 40 || is_one_word, "{words:?}: {line:?}");
        }
    }
    let show = on_columns(world, &["show", "deploy"], 40);
    assert!(show.lines().any(|line| line.starts_with("      ~/.aws/config:")), "{show}");
}

/// Like `aws configure list-profiles`: a request for what exists prints nothing, and is no error.
#[test]
fn in_an_empty_home_listing_and_clearing_succeed_and_naming_a_profile_fails() {
    let world = World::empty();
    for (words, exit) in [
        (&["list"][..], 0),
        (&["list", "--json"], 0),
        (&["list", "--names"], 0),
        (&["status"], 0),
        (&["status", "--json"], 0),
        (&["clear"], 0),
        (&["clear", "--all"], 0),
        (&["unset"], 0),
        (&["prompt"], 0),
        (&["list", "prod"], 1),
        (&["status", "prod"], 1),
        (&["clear", "prod"], 1),
        (&["show"], 1),
        (&["login"], 1),
    ] {
        let done = world.run(words);
        assert_eq!(done.status.code(), Some(exit), "{words:?}: {done:?}");
        let is_told = done.stderr.contains("there are no AWS profiles yet");
        assert_eq!(is_told, exit == 1 || words == ["list"], "{words:?}: {}", done.stderr);
    }
    let done = world.run(&["status", "--json"]);
    assert_eq!(member(&json(&done), "/shell"), &Value::Null);
    assert_eq!(member(&json(&done), "/cached"), &json!([]));
}
