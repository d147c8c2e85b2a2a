//! `show`: each property with its file and line, the plan, and what other tools read differently; never a secret.

use serde_json::{Value, json};

use super::quietly;
use crate::scenarios::commands::{add_role, json, member, seen, signed_in};
use crate::support::world::World;

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
    // The line numbers in the config file: after alice's two lines and four for each of the two roles.
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
    // Its own section's name, and that of the services section that it names.
    for section in ["[profile \"far away\"]", "[services \"near\"]"] {
        let of_it = |note: &String| note.contains(&format!("in `{section}`: ")) && note.ends_with(quoted);
        assert!(far.iter().any(of_it), "{section}: {far:?}");
    }
    assert!(notes("deploy").iter().all(|note| !note.ends_with(quoted)));
}

/// No profile is named, and there is only one: `show` uses it, but commands that sign in do not.
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
    // A profile in the environment comes first, and with two profiles none is used.
    world.set("AWS_PROFILE", "nobody");
    assert_eq!(quietly(&world, &["show"]).status.code(), Some(1));
    world.set("AWS_PROFILE", "");
    world.add_config("[profile bob]\n");
    assert_eq!(quietly(&world, &["show"]).status.code(), Some(1));
}
