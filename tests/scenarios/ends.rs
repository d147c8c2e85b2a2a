//! Expiration times of credentials that other tools obtained: expired ones are reported before a code is asked for, and
//! returned ones carry their expiration.

use crate::support::pty::Finished;
use crate::support::world::{Cast, World, variable};

const OVER: &str = "2020-01-02T03:04:05Z";
const HINT: &str = "hint: sign in again with the tool that wrote them; if that line is a leftover, delete it";

/// A cast with a line below the user's key.
fn with_line(line: &str) -> Cast {
    let cast = World::cast();
    cast.world.write(".aws/credentials", cast.world.read(".aws/credentials") + line + "\n");
    cast
}

fn hour_from_now() -> jiff::Timestamp {
    let end = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(1);
    jiff::Timestamp::from_second(end.as_second()).expect("a time")
}

/// Asserts that no credentials were returned, no code was asked for or sent, and no call was made.
fn refused(world: &World, done: &Finished) -> Vec<String> {
    assert_eq!((done.status.code(), done.stdout.as_str()), (Some(1), ""), "{done:?}");
    assert!(world.aws.take_calls().is_empty(), "{done:?}");
    // A user without a device is told so in any case.
    done.stderr.lines().filter(|line| !line.starts_with("warning: ")).map(str::to_owned).collect()
}

fn credentials(world: &World) -> String {
    world.home().join(".aws/credentials").display().to_string()
}

#[test]
fn keys_that_expired_according_to_their_file_are_refused_before_a_code() {
    for (key, value) in [
        ("x_security_token_expires", "2020-01-02T05:04:05+02:00"),
        ("aws_session_expiration", OVER),
        ("expiration", "2020-01-02 03:04:05"),
        ("AWS_Credential_Expiration", "2020-01-02T03:04:05UTC"),
    ] {
        let Cast { world, device, .. } = with_line(&format!("{key} = {value}"));
        for words in [
            &["process", "alice"][..],
            &["env", "deploy", "--mfa-token", "-"],
            &["login", "deploy", "--mfa-token", "-"],
        ] {
            let done = world.run_with_stdin(words, &device.fresh_code());
            let said = refused(&world, &done);
            let key = key.to_lowercase();
            let end = format!("gave credentials that expired at {OVER} ({}:4: `{key}`)", credentials(&world));
            assert!(said[0].ends_with(&end), "{said:?}");
            assert_eq!(said[1..], [HINT], "{words:?}");
        }
    }
}

#[test]
fn no_code_is_asked_for_when_the_keys_have_expired() {
    let Cast { world, .. } = with_line(&format!("expiration = {OVER}"));
    let finished = world.at_terminal(&["env", "deploy"]).finish(crate::support::pty::PATIENCE);
    world.heard("env", &finished);
    assert_eq!((finished.status.code(), finished.terminal.as_str()), (Some(1), ""), "{finished:?}");
}

#[test]
fn credentials_from_a_file_expire_when_the_file_says() {
    let end = hour_from_now();
    // An older line left over next to it does not count.
    let Cast { world, .. } = with_line(&format!("x_security_token_expires = {end}\nexpiration = {OVER}"));
    let done = world.run(&["env", "alice"]);
    assert_eq!(variable(&done.stdout, "AWS_CREDENTIAL_EXPIRATION"), end.to_string());
    let done = world.run(&["process", "alice"]);
    let answer: serde_json::Value = serde_json::from_str(&done.stdout).expect("JSON");
    assert_eq!(answer["Expiration"], end.to_string());
}

#[test]
fn an_unreadable_expiry_is_a_warning_and_not_an_error() {
    let Cast { world, device, .. } = with_line("expiration = soon");
    let done = world.sign_in(&device, &["process", "deploy"]);
    let why = "`expiration` is not a valid time, so it is unknown when these keys expire";
    assert_eq!(done.stderr, format!("warning: {}:4: {why}\n", credentials(&world)));
}

#[test]
fn keys_in_the_environment_expire_when_it_says() {
    let Cast { world, key, .. } = World::cast();
    let arn = format!("arn:aws:iam::{}:role/deploy", world.aws.account());
    world.add_config(&format!("[profile host]\nrole_arn = {arn}\ncredential_source = Environment\n"));
    world.set("AWS_ACCESS_KEY_ID", &key.id);
    world.set("AWS_SECRET_ACCESS_KEY", &key.secret);
    world.set("AWS_CREDENTIAL_EXPIRATION", OVER);
    let said = refused(&world, &world.run(&["process", "host"]));
    assert!(
        said[0].ends_with(&format!("expired at {OVER} (`AWS_CREDENTIAL_EXPIRATION` in the environment)")),
        "{said:?}"
    );
    assert_eq!(said[1..], ["hint: obtain new ones the same way; if that variable is a leftover, unset it"]);
    world.set("AWS_CREDENTIAL_EXPIRATION", hour_from_now().to_string());
    let done = world.run(&["process", "host"]);
    assert_eq!(world.aws.count("AssumeRole"), 1, "{done:?}");
}

#[test]
fn expired_or_tokenless_credentials_of_a_credential_process_are_refused() {
    let Cast { world, device, .. } = World::cast();
    let arn = format!("arn:aws:iam::{}:role/deploy", world.aws.account());
    let serial = device.serial();
    world.add_config(&format!(
        "[profile vendor]\ncredential_process = cat answer\n\
         [profile by-vendor]\nsource_profile = vendor\nrole_arn = {arn}\nmfa_serial = {serial}\n"
    ));
    for (answer, error) in [
        (
            format!(
                "{{\"Version\":1,\"AccessKeyId\":\"AKIAVENDOR0000000001\",\"SecretAccessKey\":\"s\",\"Expiration\":\"{OVER}\"}}"
            ),
            format!("gave credentials that expired at {OVER}"),
        ),
        (
            "{\"Version\":1,\"AccessKeyId\":\"ASIAVENDOR0000000001\",\"SecretAccessKey\":\"s\",\"SessionToken\":\"\"}"
                .to_owned(),
            "gave temporary keys (`ASIA…`) without their session token".to_owned(),
        ),
    ] {
        world.write("answer", answer);
        for words in [&["process", "vendor"][..], &["process", "by-vendor", "--mfa-token", "-"]] {
            let done = world.run_with_stdin(words, &device.fresh_code());
            let said = refused(&world, &done);
            assert_eq!(said[0], format!("error: `credential_process` of profile `vendor` {error}"), "{words:?}");
            assert!(said[1].starts_with("hint: "), "{said:?}");
        }
    }
}

/// A person who looks before signing in sees that there is nothing to sign in with, unless a role is cached.
#[test]
fn profiles_with_expired_keys_are_marked_and_unavailable() {
    let Cast { world, .. } = &with_line(&format!("aws_session_token = t\nexpiration = {OVER}"));
    let list = world.run(&["list"]).stdout;
    let kinds: Vec<&str> = list.lines().filter_map(|line| line.split('\t').nth(1)).collect();
    assert_eq!(kinds, ["user (expired)", "role (expired)", "role (expired)"], "{list}");
    let json: serde_json::Value = serde_json::from_str(&world.run(&["list", "--json"]).stdout).expect("JSON");
    assert_eq!(json.pointer("/0/keys_until").and_then(|end| end.as_str()), Some(OVER), "{json}");
    for words in [["status", "alice"], ["status", "deploy"]] {
        assert_eq!(world.run(&words).status.code(), Some(3), "{words:?}");
    }
    let shown = world.run(&["show", "deploy"]).stdout;
    let line = format!("  expired at {OVER} ({}:5: `expiration`)\n", credentials(world));
    assert!(shown.contains(&line), "{shown}");

    // A valid key, and the same key after it has expired while its role is cached.
    let live = world.read(".aws/credentials").replace(OVER, &hour_from_now().to_string());
    let keys: Vec<&str> = live.lines().filter(|line| !line.starts_with("aws_session_token")).collect();
    world.write(".aws/credentials", keys.join("\n") + "\n");
    let list = world.run(&["list"]).stdout;
    assert!(!list.contains("expired"), "{list}");
    assert!(world.run(&["show", "alice"]).stdout.contains("  expires at "));
}
