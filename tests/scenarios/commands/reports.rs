//! `login`, `show`, `list`, `status` and `clear`: what is told, and that telling it costs nothing.

use std::os::unix::net::UnixListener;

use serde_json::{Value, json};

use super::{add_role, calls, json, member, seen, signed_in};
use crate::support::pty::{Finished, PATIENCE, Pty, Stream};
use crate::support::world::{Cast, World};

/// Runs it where no keyring, no call and no prompt may be: at a bus that would be seen to be spoken to.
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
    // The exit code is that of the first that failed.
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
fn show_lists_each_property_with_file_and_line_and_the_plan() {
    let cast = World::cast();
    let world = &cast.world;
    let arn = add_role(&cast, "both", "external_id = x\ns3 =\n  max_queue_size = 7\n  path = a\n");
    let home = world.home().display().to_string();
    let credentials = world.read(".aws/credentials")
        + "[both]\nRegion = eu-west-1\naws_session_token = hunter2\nexternal_id = from-credentials\n";
    world.write(".aws/credentials", credentials);
    let serial = cast.device.serial();
    // The lines in the config file: after alice's two and four for each of the two roles.
    let (config, keys) = (format!("{home}/.aws/config"), format!("{home}/.aws/credentials"));
    let property = |value: &str, file: &str, line: u32| json!({"value": value, "file": file, "line": line});
    let done = quietly(world, &["show", "both", "--json"]);
    assert_eq!(seen(&done).2, "");
    let step = |call: &str, role: Option<&str>, serial: Option<&str>, seconds: u32| json!({"call": call, "when": "", "role_arn": role, "mfa_serial": serial, "duration_seconds": seconds, "cached_until": null});
    assert_eq!(
        json(&done),
        json!({
            "profile": "both",
            "properties": {
                "source_profile": property("alice", &config, 12),
                "role_arn": property(&arn, &config, 13),
                "mfa_serial": property(serial, &config, 14),
                "external_id": property("from-credentials", &keys, 7),
                "s3": property("\nmax_queue_size = 7\npath = a", &config, 16),
                "region": property("eu-west-1", &keys, 5),
                "aws_session_token": property("(hidden)", &keys, 6),
            },
            "plan": {
                "base": format!("access key {} of profile `alice`", cast.key.id),
                "steps": [
                    step("GetSessionToken", None, Some(serial), 43_200),
                    step("AssumeRole", Some(&arn), None, 3_600),
                ],
                "mfa_serial": serial,
                "region": "eu-west-1",
                "sts_region": "eu-west-1",
                "endpoint_url": world.aws.url(),
                "warnings": [],
            },
            "error": null,
        })
    );
    assert!(!done.stdout.contains("hunter2"));
    let secret = quietly(world, &["show", "alice", "--json"]);
    assert_eq!(member(&json(&secret), "/properties/aws_secret_access_key/value"), "(hidden)");

    let text = quietly(world, &["show", "both"]);
    assert_eq!(
        text.stdout,
        format!(
            "profile both\n  source_profile = alice    {config}:12\n  role_arn = {arn}    {config}:13\n  \
             mfa_serial = {serial}    {config}:14\n  external_id = from-credentials    {keys}:7\n  s3 = \n    \
             max_queue_size = 7\n    path = a    {config}:16\n  region = eu-west-1    {keys}:5\n  \
             aws_session_token = (hidden)    {keys}:6\nplan\n  base: access key {key} of profile `alice`\n  \
             GetSessionToken for 12h, with a code of {serial}\n  AssumeRole {arn} for 1h\n  \
             sts: eu-west-1 at {url}\n  region: eu-west-1\n",
            key = cast.key.id,
            url = world.aws.url()
        )
    );
}

#[test]
fn show_list_and_verbose_output_hide_tokens_seeds_and_passwords_everywhere() {
    let cast = World::cast();
    let world = &cast.world;
    world.add_config(
        "[profile vendor]\naws_security_token = hunter2\ncredential_process = cat --token hunter2\n\
         mfa_process = oathtool -b hunter2\nendpoint_url = https://me:hunter2@sts.example\nmfa_seed = hunter2\n\
         api_password = hunter2\nvendor =\n  client_secret = hunter2\n  # old = hunter2\n  color = blue\nshed = green\n\
         [profile of-it]\nrole_arn = arn:aws:iam::123456789012:role/x\nsource_profile = vendor\n",
    );
    for words in [
        &["show", "vendor"][..],
        &["show", "vendor", "--json"],
        &["show", "of-it", "-vv"],
        &["show", "of-it", "--json"],
        &["list"],
        &["list", "--json", "-vv"],
        &["status", "vendor", "-vv"],
        &["status", "--json"],
    ] {
        let done = world.run(words);
        assert!(!format!("{}{}", done.stdout, done.stderr).contains("hunter2"), "{words:?}: {done:?}");
    }
    let shown = json(&world.run(&["show", "vendor", "--json"]));
    for (key, value) in [
        ("credential_process", "cat (2 arguments hidden)"),
        ("mfa_process", "oathtool (2 arguments hidden)"),
        ("aws_security_token", "(hidden)"),
        ("vendor", "\nclient_secret = (hidden)\n# (hidden)\ncolor = blue"),
        ("endpoint_url", "https://(hidden)@sts.example"),
        ("shed", "green"),
    ] {
        assert_eq!(member(&shown, &format!("/properties/{key}/value")), value);
    }
}

#[test]
fn show_reports_what_is_cached_and_why_there_is_no_plan() {
    let cast = signed_in();
    let world = &cast.world;
    let done = quietly(world, &["show", "deploy", "--json"]);
    for step in [0, 1] {
        let end = member(&json(&done), &format!("/plan/steps/{step}/cached_until")).clone();
        assert!(end.as_str().is_some_and(|end| end.ends_with('Z')), "{end}");
    }
    let text = quietly(world, &["show", "deploy"]).stdout;
    assert!(text.contains(" (cached, 11h59m left)\n") && text.contains(" (cached, 59m left)\n"), "{text}");

    world.add_config("[profile bad]\nrole_arn = x\n");
    let done = quietly(world, &["show", "bad", "--json"]);
    let (shown, home) = (json(&done), world.home().display().to_string());
    assert_eq!((done.status.code(), member(&shown, "/plan"), done.stderr.as_str()), (Some(0), &Value::Null, ""));
    let error = member(&shown, "/error").as_str().expect("an error");
    assert!(error.starts_with(&format!("{home}/.aws/config:12: `role_arn`: a role is ")), "{error}");
    let text = quietly(world, &["show", "bad"]);
    assert!(text.status.success() && text.stdout.contains(&format!("plan\n  error: {error}\n")), "{text:?}");

    let done = quietly(world, &["show", "nobody", "--json"]);
    assert_eq!((done.status.code(), done.stdout.as_str()), (Some(1), ""));
    world.add_config("x\n");
    assert_eq!(quietly(world, &["show", "deploy", "--json"]).status.code(), Some(1));
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
             sso\tsso (error)\t-\t210987654321\t-\t-\t-\nbroken\trole (error)\t-\t-\t-\t-\t-\n\
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
    // Only those that are named.
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

/// What is shown there in a window of that width.
fn on_columns(world: &World, words: &[&str], columns: u16) -> String {
    let mut command = std::process::Command::new(crate::support::world::MFA_CRED);
    world.dress(&mut command);
    command.args(words);
    Pty::default().sized(24, columns).streams(Stream::Terminal, Stream::Apart).spawn(command).finish(PATIENCE).terminal
}

/// Headings alone would leave a person to guess.
#[test]
fn an_empty_list_and_status_say_so() {
    let world = World::empty();
    let told = "this shell holds no credentials, and none are cached\r\n";
    assert_eq!(on_a_terminal(&world, &["status"]), told);
    let narrow = "this shell holds no credentials, and\r\n    none are cached\r\n";
    assert_eq!(on_columns(&world, &["status"], 40), narrow);
    assert_eq!(seen(&quietly(&world, &["status"])), (Some(0), "", ""));
}

#[test]
fn status_recognizes_credentials_of_other_tools() {
    let world = World::empty();
    for (id, said) in [
        ("AKIAIOSFODNN7EXAMPLE", "AKIAIOSFODNN7EXAMPLE"),
        ("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "AWS_ACCESS_KEY_ID is not an access key ID"),
    ] {
        world.set("AWS_ACCESS_KEY_ID", id);
        let row = format!("shell\t\tkeys that mfa-cred did not export ({said})\t-\n");
        assert_eq!(seen(&quietly(&world, &["status"])), (Some(0), &*row, ""));
        let shown = on_a_terminal(&world, &["status"]);
        assert!(shown.contains("keys that mfa-cred did not export"), "{shown}");
        assert_eq!(member(&json(&quietly(&world, &["status", "--json"])), "/shell/profile"), &Value::Null);
    }
    // Theirs may end.
    world.set("AWS_CREDENTIAL_EXPIRATION", "2020-01-02T03:04:05Z");
    let shell = json(&quietly(&world, &["status", "--json"]));
    assert_eq!(member(&shell, "/shell/expires"), &json!("2020-01-02T03:04:05Z"));
}

#[test]
fn a_source_that_the_aws_cli_resolves_differently_is_noted() {
    let cast = World::cast();
    let world = &cast.world;
    world.edit_config("[profile alice]\n", "[profile alice]\nsso_session = corp\n");
    let place = format!("{}/.aws/config:2", world.home().display());
    let said = quietly(world, &["show", "deploy"]).stdout;
    let note = format!(
        "  note: {place}: `sso_session`: as a source, profile `alice` signs with its access key here; the AWS CLI would \
         use IAM Identity Center (SSO)\n"
    );
    assert!(said.contains(&note), "{said}");
    let own = quietly(world, &["show", "alice"]).stdout;
    assert!(!own.contains("as a source") && own.contains(&format!("error: {place}: `sso_session`")), "{own}");
    let kinds = json(&quietly(world, &["list", "--json"]));
    let kind = |name: &str| {
        let all = kinds.as_array().expect("a list").iter();
        all.filter(|it| it["name"] == name).map(|it| it["kind"].clone()).next()
    };
    assert_eq!(kind("alice"), Some(json!("sso")), "{kinds}");
}

#[test]
fn status_reports_what_is_cached_and_whether_a_code_is_needed() {
    let cast = World::cast();
    let world = &cast.world;
    assert_eq!(seen(&quietly(world, &["status"])), (Some(0), "", ""));
    assert_eq!(seen(&quietly(world, &["status", "deploy"])), (Some(3), "", ""));
    let verdict = |words: &[&str]| {
        let done = quietly(world, words);
        (done.status.code(), member(&json(&done), "/available_without_code").clone())
    };
    assert_eq!(verdict(&["status", "--json"]), (Some(0), Value::Null));
    assert_eq!(verdict(&["status", "deploy", "--json"]), (Some(3), json!(false)));

    world.sign_in(&cast.device, &["process", "deploy"]);
    calls(world);
    assert_eq!(verdict(&["status", "deploy", "--json"]), (Some(0), json!(true)));
    // By the session behind it; not where the code goes to the role itself.
    assert_eq!(verdict(&["status", "audit", "--json"]), (Some(0), json!(true)));
    assert_eq!(verdict(&["status", "audit", "--duration", "2h", "--json"]), (Some(3), json!(false)));
    let lines = "cached\talice\tMFA session\t11h59m\n\
                 cached\tdeploy\tarn:aws:iam::123456789012:role/deploy\t59m\n\
                 key\t\tkernel keyring only\t";
    let status = quietly(world, &["status"]);
    // The kernel counts in whole hours.
    assert!(["12h\n", "11h\n"].iter().any(|left| status.stdout == format!("{lines}{left}")), "{status:?}");
    assert_eq!((status.status.code(), status.stderr.as_str()), (Some(0), ""));
    assert_eq!(quietly(world, &["status", "audit"]).stdout, "cached\talice\tMFA session\t11h59m\n");
    assert_eq!(quietly(world, &["status", "nobody"]).status.code(), Some(1));

    world.set("MFA_CRED_PROFILE", "deploy");
    world.set("AWS_ACCESS_KEY_ID", "ASIAEXAMPLE");
    world.set("AWS_CREDENTIAL_EXPIRATION", "2020-01-01T00:00:00Z");
    let text = quietly(world, &["status"]).stdout;
    assert!(text.starts_with("shell\tdeploy\tASIAEXAMPLE\tover\ncached\t"), "{text}");
    let all = json(&quietly(world, &["status", "--json"]));
    assert_eq!(member(&all, "/shell/profile"), "deploy");
    assert_eq!(member(&all, "/shell/expires"), "2020-01-01T00:00:00Z");
    assert!(member(&all, "/shell/left_seconds").as_i64().is_some_and(|left| left < 0));
    let mut role = member(&all, "/cached/1").clone();
    let row = role.as_object_mut().expect("an object");
    assert!(row.remove("expires").is_some_and(|end| end.as_str().is_some_and(|end| end.ends_with('Z'))));
    assert!(
        row.remove("left_seconds").and_then(|left| left.as_i64()).is_some_and(|left| (3_500..=3_600).contains(&left))
    );
    let arn = "arn:aws:iam::123456789012:role/deploy";
    assert_eq!(role, json!({"profile": "deploy", "kind": "role", "role_arn": arn, "account": "123456789012"}));
}

#[test]
fn clear_removes_the_named_profiles_or_all() {
    let Cast { world, device, .. } = World::cast();
    world.sign_in(&device, &["process", "deploy"]);
    assert!(world.run(&["process", "audit"]).status.success());
    assert_eq!(seen(&world.run(&["clear", "deploy"])), (Some(0), "", "forgot 1 cached entry\n"));
    assert_eq!(world.entries().len(), 2);
    assert_eq!(seen(&world.run(&["clear", "deploy"])), (Some(0), "", "forgot 0 cached entries\n"));
    calls(&world);
    assert!(world.run(&["process", "deploy"]).status.success());
    assert!(world.run(&["process", "audit"]).status.success());
    assert_eq!(calls(&world), ["AssumeRole"]);
    // A profile that is gone from the files still has what bears its name.
    world.edit_config("[profile audit]", "[profile renamed]");
    assert_eq!(seen(&world.run(&["clear", "audit"])), (Some(0), "", "forgot 1 cached entry\n"));
    assert_eq!(seen(&world.run(&["clear"])), (Some(0), "", "forgot 2 cached entries\n"));
    assert_eq!(world.entries().len(), 0);
    assert_eq!(world.run(&["process", "deploy"]).status.code(), Some(3));

    // With `--all`, a copy of an entry that somebody put aside does not open again.
    world.sign_in(&device, &["process", "deploy"]);
    let copies: Vec<_> = world.entries().into_iter().map(|path| (std::fs::read(&path).expect("read"), path)).collect();
    assert_eq!(seen(&world.run(&["clear", "--all", "-q"])), (Some(0), "", ""));
    for (bytes, path) in copies {
        std::fs::write(path, bytes).expect("put back");
    }
    assert_eq!(world.run(&["process", "deploy"]).status.code(), Some(3));
    assert_eq!(world.run(&["status", "deploy"]).status.code(), Some(3));
    let none = "forgot 2 cached entries\nthere was no sealing key to destroy\n";
    assert_eq!(seen(&world.run(&["clear", "--all"])), (Some(0), "", none));
}

#[test]
fn show_notes_what_other_tools_read_differently_in_every_section() {
    let cast = signed_in();
    let world = &cast.world;
    world.add_config(
        "[profile quiet]\noutput = json\n[profile \"far away\"]\nsource_profile = alice\nservices = near\n\
         [services \"near\"]\nsts =\n\n[profile indented]\n  region = eu-west-1\n",
    );
    world.edit_config("region = ap-northeast-1\n", "region = ap-northeast-1 # home\n");
    let config = world.home().join(".aws/config");
    let notes = |name: &str| -> Vec<String> {
        let shown = world.run(&["show", name]).stdout;
        let notes = shown.lines().filter_map(|line| line.strip_prefix("  note: "));
        notes.map(|note| note.replace(&format!("{}:", config.display()), "")).collect()
    };
    let indented = "the SDK for Rust refuses the file, because this line is indented but continues no property";
    let line = world.read(".aws/config").lines().count();
    let of_the_file = format!("{line}: {indented}");
    let comment = "2: in `[profile alice]`: `region`: the AWS CLI takes the comment as part of the value".to_owned();
    assert_eq!(notes("quiet"), std::slice::from_ref(&of_the_file));
    assert_eq!(notes("deploy"), [comment.clone(), of_the_file.clone()]);
    let quoted = "the SDKs ignore a section whose name is quoted; the AWS CLI reads it";
    let far: Vec<String> = notes("far away");
    assert!(far.contains(&comment) && far.contains(&of_the_file), "{far:?}");
    // Its own name, and that of the services which it names.
    for section in ["[profile \"far away\"]", "[services \"near\"]"] {
        let of_it = |note: &String| note.contains(&format!("in `{section}`: ")) && note.ends_with(quoted);
        assert!(far.iter().any(of_it), "{section}: {far:?}");
    }
    assert!(notes("deploy").iter().all(|note| !note.ends_with(quoted)));
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
    // One that is gone from the files still has what bears its name.
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

/// A secret that was pasted into the wrong variable, or what a terminal would obey, is not shown as an access key ID.
#[test]
fn status_shows_an_access_key_id_only_if_there_is_one() {
    let world = World::empty();
    world.set("MFA_CRED_PROFILE", "deploy");
    let not_one = "AWS_ACCESS_KEY_ID is not an access key ID";
    for (value, shown) in [
        ("AKIAIOSFODNN7EXAMPLE", "AKIAIOSFODNN7EXAMPLE"),
        ("test", "test"),
        ("minio-admin_1", "minio-admin_1"),
        ("", "no access key ID"),
        (" ", "no access key ID"),
        ("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", not_one),
        ("two words", not_one),
        ("\"AKIAIOSFODNN7EXAMPLE\"", not_one),
        ("a\u{1b}[31mred", not_one),
        ("AKIA\nX", not_one),
        ("AKIAIOSFODNN7EXAMPLÉ", not_one),
    ] {
        world.set("AWS_ACCESS_KEY_ID", value);
        let text = quietly(&world, &["status"]).stdout;
        assert!(text.starts_with(&format!("shell\tdeploy\t{shown}\t-\n")), "{value:?}: {text}");
        let id = member(&json(&quietly(&world, &["status", "--json"])), "/shell/access_key_id").clone();
        assert_eq!(id.as_str(), (value == shown).then_some(shown), "{value:?}");
    }
}

/// As `aws configure list-profiles`: whoever asks what there is gets nothing, and no error.
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

/// Nothing says which profile, and there is but one: `show` takes it, and what signs in does not.
#[test]
fn show_defaults_to_the_only_profile_and_signing_in_does_not() {
    let world = World::empty();
    let key = world.aws.add_user("alice");
    world.write(".aws/config", "[profile alice]\nregion = eu-west-1\n");
    world.write_key("alice", &key);
    let shown = quietly(&world, &["show"]);
    assert!(shown.stdout.starts_with("profile alice\n"), "{shown:?}");
    for words in [["login"], ["process"], ["env"]] {
        assert_eq!(quietly(&world, &words).status.code(), Some(1), "{words:?}");
    }
    // A profile that is named comes first, and of two none is taken.
    world.set("AWS_PROFILE", "nobody");
    assert_eq!(quietly(&world, &["show"]).status.code(), Some(1));
    world.set("AWS_PROFILE", "");
    world.add_config("[profile bob]\n");
    assert_eq!(quietly(&world, &["show"]).status.code(), Some(1));
}
