//! Keys out of another tool's store. The tools are stand-ins that keep to the same contract: the arguments that aws-vault
//! and Granted take, and the JSON of a `credential_process`.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::{CREDENTIALS, SETTINGS, refused, signs_in, with_text};
use crate::support::aws::AccessKey;
use crate::support::world::{Cast, World, calls};

const TOOLS: [(&str, &str, &str, &str); 2] = [
    ("aws-vault", "aws-vault", "export --no-session --format json -- alice", "aws-vault remove alice"),
    ("granted", "Granted", "credential-process --no-cache --profile alice", "granted credentials remove alice"),
];

/// The usual setup, in which the key is in no file.
fn cast() -> Cast {
    let cast = World::cast();
    cast.world.write(SETTINGS, "unlock_process = echo tulip\n");
    cast.world.write(CREDENTIALS, "");
    cast
}

/// Puts a program on PATH that takes these arguments alone, and then runs a script.
fn install(world: &World, name: &str, arguments: &str, script: &str) {
    let text = format!("#!/bin/sh\n[ \"$*\" = '{arguments}' ] || {{ echo \"unknown: $*\" >&2; exit 64; }}\n{script}\n");
    world.write(&format!("bin/{name}"), text);
    let path = world.home().join(format!("bin/{name}"));
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("ours");
    let path = std::env::var("PATH").unwrap_or_default();
    let folder = std::path::Path::new(crate::support::world::MFA_CRED).parent().expect("a folder");
    world.set("PATH", format!("{}:{}:{path}", world.home().join("bin").display(), folder.display()));
}

/// A script that prints a key without having it in its text, which would count as a leak.
fn printing(world: &World, key: &AccessKey, rest: &str) -> String {
    let json = format!(r#"{{"Version": 1, "AccessKeyId": "{}", "SecretAccessKey": "{}"{rest}}}"#, key.id, key.secret);
    let encoded = data_encoding::BASE64.encode(json.as_bytes());
    world.write("bin/store", encoded);
    format!("echo 'unlocking the store' >&2; base64 -d '{}/bin/store'", world.home().display())
}

#[test]
fn a_key_comes_out_of_another_tool_and_is_checked_and_sealed() {
    for (tool, name, arguments, removal) in TOOLS {
        let cast = cast();
        let Cast { world, key, .. } = &cast;
        install(world, tool, arguments, &printing(world, key, ""));
        world.edit_config("[profile alice]\n", &format!("[profile alice]\ncredential_process = {tool} x\n"));
        let done = world.run(&["keys", "import", "--from", tool, "alice", "--yes"]);
        let config = world.home().join(".aws/config").display().to_string();
        done.expect(
            0,
            "",
            &format!(
                "unlocking the store\n\
                 alice: access key {} of alice is sealed (passphrase-protected file)\n\
                 hint: {config}:2: `credential_process` still runs another program; make it `mfa-cred process alice`\n\
                 hint: {name} still has the key: `{removal}` deletes it there\n",
                key.id
            ),
        );
        assert_eq!(calls(world), ["GetCallerIdentity"], "{tool}");
        assert_eq!(with_text(world, &key.secret), Vec::<String>::new(), "{tool}");
        signs_in(&cast);
    }
}

#[test]
fn what_a_tool_does_wrong_is_named_and_nothing_is_sealed() {
    let Cast { world, key, .. } = cast();
    let words = |tool| ["keys", "import", "--from", tool, "alice", "--yes"];
    refused(
        &world,
        &words("aws-vault"),
        1,
        "error: `aws-vault` was not found\nhint: install it, or add its folder to PATH\n",
    );
    for (tool, _, arguments, _) in TOOLS {
        let command = format!("`{tool} {arguments}`");
        let session = printing(&world, &key, r#", "SessionToken": "x""#);
        let way =
            if tool == "granted" { "; while the profile has `mfa_serial`, Granted gives sessions only" } else { "" };
        for (script, said) in [
            (
                "echo 'no such profile' >&2; exit 3",
                format!("no such profile\nerror: {command} failed (exit status: 3)\n"),
            ),
            ("true", format!("error: {command} gave no key: it is empty\n")),
            (
                "echo hello",
                format!(
                    "error: {command} gave no key: it is not the JSON that a `credential_process` prints (version 1)\n"
                ),
            ),
            (
                &session,
                format!(
                    "unlocking the store\n\
                     error: {command} printed temporary credentials, and only long-term access keys are sealed\n\
                     hint: name the user's own profile, not a role's{way}\n"
                ),
            ),
        ] {
            install(&world, tool, arguments, script);
            refused(&world, &words(tool), 1, &said);
        }
        assert_eq!(calls(&world), Vec::<String>::new());
    }
    assert!(!world.safe().exists());
    refused(&world, &words("pass"), 2, &world.run(&words("pass")).stderr);
}

#[test]
fn a_name_that_looks_like_an_option_reaches_the_tool_as_a_name() {
    let Cast { world, key, .. } = cast();
    world.add_config("[profile -x y]\n");
    install(&world, "aws-vault", "export --no-session --format json -- -x y", &printing(&world, &key, ""));
    let done = world.run(&["keys", "import", "--from", "aws-vault", "--yes", "--", "-x y"]);
    assert!(done.status.success(), "{done:?}");
    assert!(done.stderr.ends_with("`aws-vault remove -- '-x y'` deletes it there\n"), "{done:?}");
}
