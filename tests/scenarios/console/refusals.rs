//! What `console` refuses, and what it says.

use std::path::Path;

use signal_hook::consts::SIGINT;

use super::{pages, until, with_browser};
use crate::support::aws::Fault;
use crate::support::pty::PATIENCE;
use crate::support::world::{Cast, World, calls};

#[test]
fn a_user_is_refused_before_any_code_with_a_profile_that_has_a_role() {
    let Cast { world, device, .. } = World::cast();
    world.edit_config("[profile alice]\n", &format!("[profile alice]\nmfa_serial = {}\n", device.serial()));
    world.run(&["console", "alice"]).expect(
        1,
        "",
        "error: the AWS console takes the session of a role, and profile `alice` is a user without one\n\
         hint: run `mfa-cred console deploy`\n",
    );
    world.add_config("[profile bob]\naws_access_key_id = AKIABOB\naws_secret_access_key = x\n");
    world.run(&["console", "bob"]).expect(
        1,
        "",
        "error: the AWS console takes the session of a role, and profile `bob` is a user without one\n\
         hint: name a role with `--role-arn`, or add a profile with `role_arn` and `source_profile = bob`\n",
    );
    assert!(calls(&world).is_empty());
}

#[test]
fn a_users_session_or_key_that_only_its_source_knows_is_refused_too() {
    let Cast { world, device, key } = World::cast();
    let session = world.sign_in(&device, &["process", "alice", "--mfa-serial", device.serial()]).stdout;
    let long_term = format!("{{\"Version\":1,\"AccessKeyId\":\"{}\",\"SecretAccessKey\":\"{}\"}}", key.id, key.secret);
    world.may_leak();
    world.write("session", session);
    world.write("key", long_term);
    world.add_config(
        "[profile session]\ncredential_process = cat session\n[profile key]\ncredential_process = cat key\n",
    );
    world.run(&["console", "session"]).expect(
        5,
        "",
        "error: AWS issued no sign-in token: AWS refused it (HTTP 400): Only federation tokens or assume role tokens may \
         be used to request a signin token\n\
         hint: the AWS console takes sessions of roles only: use a profile with `role_arn`\n",
    );
    let done = world.run(&["console", "key"]);
    assert_eq!(done.status.code(), Some(1), "{done:?}");
    assert!(
        done.stderr.ends_with(
            "error: the AWS console takes the session of a role, and these credentials are a long-term access key\n\
             hint: name a role with `--role-arn`\n"
        ),
        "{done:?}"
    );
}

#[test]
fn an_address_outside_the_console_is_refused_before_any_code() {
    let Cast { world, .. } = World::cast();
    for address in [
        "https://console.aws.amazon.com.evil.com/",
        "https://me@console.aws.amazon.com/",
        "https://console.aws.amazon.com:8443/",
        "https://evil.com\\.console.aws.amazon.com/",
        "http://console.aws.amazon.com/",
        "https://c\u{43e}nsole.aws.amazon.com/",
        "https://console.amazonaws.cn/",
    ] {
        let wanted = "error: only `https://` addresses on `console.aws.amazon.com` can be opened\n";
        world.run(&["console", "deploy", address]).expect(2, "", wanted);
    }
    world.run(&["console", "deploy", "a b"]).expect(
        2,
        "",
        "error: expected the name of a service, or an `https://` address on `console.aws.amazon.com`\n\
         hint: such as `s3`, `ec2`, or `iam`; TAB completes the names\n",
    );
    assert!(calls(&world).is_empty());
}

#[test]
fn a_service_in_the_profiles_place_is_recognized() {
    let Cast { world, .. } = World::cast();
    let error = "error: there is no profile `s3`, and a service follows the profile\n";
    world.run(&["console", "s3"]).expect(1, "", &format!("{error}hint: `mfa-cred list` shows the profiles\n"));
    world.set("AWS_PROFILE", "deploy");
    let hint = "hint: run `mfa-cred console --profile deploy s3`\n";
    world.run(&["console", "s3"]).expect(1, "", &format!("{error}{hint}"));
    let done = world.run(&["console", "nonsense"]);
    assert!(done.stderr.starts_with("error: there is no profile `nonsense`"), "{done:?}");
}

#[test]
fn an_isolated_partition_is_refused_with_the_page_to_sign_in_at() {
    let Cast { world, .. } = World::cast();
    world.set("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true");
    for (role, region, page) in [
        ("arn:aws-iso:iam::123456789012:role/x", "us-iso-west-1", "https://us-iso-west-1.signin.c2shome.ic.gov"),
        // The role's partition counts.
        ("arn:aws-iso-b:iam::123456789012:role/x", "us-east-1", "https://us-isob-east-1.signin.sc2shome.sgov.gov"),
    ] {
        let done = world.run(&["console", "alice", "--role-arn", role, "--region", region]);
        assert_eq!(done.status.code(), Some(1), "{done:?}");
        let partition = role.split(':').nth(1).expect("a partition");
        let wanted = format!(
            "error: the address of the AWS console in partition `{partition}` is not public, so no page of it can be \
             opened\nhint: sign in at {page}\n"
        );
        assert!(done.stderr.ends_with(&wanted), "{done:?}");
    }
    world.set("AWS_USE_FIPS_ENDPOINT", "true");
    world.run(&["console", "deploy"]).expect(
        1,
        "",
        "error: the AWS console has no FIPS endpoint in partition `aws`\n\
         hint: set `AWS_USE_FIPS_ENDPOINT=false` for this command, if that is permitted\n",
    );
    assert!(calls(&world).is_empty());
}

#[test]
fn a_browser_that_does_not_start_is_said_with_the_way_to_print() {
    let Cast { world, device, .. } = World::cast();
    world.sign_in(&device, &["login", "deploy"]);
    for command in ["false", "/nonexistent/browser --new {url}"] {
        world.run(&["console", "deploy", "--browser", command]).expect(
            1,
            "",
            "error: no browser could be started\nhint: `mfa-cred console --print deploy` prints the address\n",
        );
    }
    for command in ["", "'x"] {
        world.run(&["console", "deploy", "--browser", command]).expect(
            2,
            "",
            "error: `--browser` has no words, or a quote in it is not closed\n\
             hint: `{url}` in it stands for the address\n",
        );
    }
    let done = world.run(&["console", "deploy", "--browser", "x", "--print"]);
    assert_eq!(done.status.code(), Some(2), "{done:?}");
}

#[test]
fn a_browser_that_opens_nothing_is_waited_for_a_minute() {
    let Cast { world, device, .. } = with_browser("#!/bin/sh\nexec env -u LD_PRELOAD sleep 5\n");
    world.sign_in(&device, &["login", "deploy"]);
    // Its minute passes in a second.
    let library = ["/usr/lib/x86_64-linux-gnu/faketime", "/usr/lib/aarch64-linux-gnu/faketime"]
        .map(|folder| Path::new(folder).join("libfaketime.so.1"))
        .into_iter()
        .find(|path| path.exists())
        .expect("libfaketime (Debian: faketime)");
    world.links_dynamically();
    world.set("LD_PRELOAD", library.to_str().expect("UTF-8"));
    world.set("FAKETIME", "+0 x60");
    let done = world.run(&["console", "deploy"]);
    assert_eq!(done.status.code(), Some(1), "{done:?}");
    assert!(
        done.stderr.ends_with(
            "error: the browser did not open the address within 60 s\n\
             hint: `mfa-cred console --print deploy` prints the address\n"
        ),
        "{done:?}"
    );
}

#[test]
fn ctrl_c_ends_the_wait_for_the_browser() {
    let Cast { world, device, .. } = with_browser("#!/bin/sh\n>started\nexec sleep 5\n");
    world.sign_in(&device, &["login", "deploy"]);
    let session = world.at_terminal(&["console", "deploy"]);
    until(|| world.home().join("started").exists());
    session.control('c');
    let done = session.finish(PATIENCE);
    assert_eq!(done.signal(), Some(SIGINT), "{done:?}");
}

#[test]
fn a_refusal_of_aws_or_an_answer_of_something_else_is_told() {
    let Cast { world, device, .. } = World::cast();
    world.sign_in(&device, &["login", "deploy"]);
    let refused = "AWS refused it (HTTP 400): Invalid credentials parameter\n\
                   hint: if the session was revoked, `mfa-cred console --refresh deploy` obtains a new one\n";
    for (fault, code, why) in [
        (Fault::Refuse(400, "X".to_owned(), "Invalid credentials parameter".to_owned()), 5, refused),
        (
            Fault::Html,
            6,
            "the answer is not one of AWS's, or was cut off\n\
             hint: something between this machine and AWS answered in its place, such as a captive portal or a proxy\n",
        ),
    ] {
        world.aws.fault("getSigninToken", fault, 1);
        let done = world.run(&["console", "deploy", "--print"]);
        done.expect(code, "", &format!("error: AWS issued no sign-in token: {why}"));
    }
    assert_eq!(pages(&world), [] as [_; 0]);
}
