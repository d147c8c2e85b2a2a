//! The first step with other files, other keys, and profiles that exist already.

use std::fs;

use super::{CSV, SETUP, everything_works, run, stranger_with_a_passphrase};
use crate::support::aws::ROOT;
use crate::support::world::World;

const ONLY_KEY: [&str; 9] = ["setup", "--yes", "--skip", "device", "--skip", "shell", "--skip", "login", "--csv"];

fn only_key(file: &str) -> Vec<&str> {
    [&ONLY_KEY[..], &[file]].concat()
}

fn nothing_was_made(world: &World) {
    assert!(!world.safe().exists() && !world.home().join(".aws").exists());
}

/// A file's name, what makes it of a key, and the profile that it leads to.
type Form<'a> = (&'a str, &'a dyn Fn(&str, &str) -> Vec<u8>, &'a str);

#[test]
fn every_form_of_the_file_is_read_and_names_the_profile() {
    let csv = |id: &str, secret: &str| format!("Access key ID,Secret access key\n{id},{secret}\n");
    let forms: [Form<'_>; 5] = [
        ("a_accessKeys.csv", &|id, secret| csv(id, secret).into_bytes(), "a"),
        ("b_accessKeys.csv", &|id, secret| csv(id, secret).replace(',', ";").into_bytes(), "b"),
        (
            "c_accessKeys.csv",
            &|id, secret| {
                let text = format!("\u{feff}{}", csv(id, secret).replace(',', "\t"));
                text.encode_utf16().flat_map(u16::to_le_bytes).collect()
            },
            "c",
        ),
        (
            "d.csv",
            &|id, secret| {
                let head = "User name,Password,Access key ID,Secret access key,Console login link";
                format!("{head}\nd,p,{id},{secret},https://x\n").into_bytes()
            },
            "d",
        ),
        ("keys.csv", &|id, secret| csv(id, secret).into_bytes(), "default"),
    ];
    for (name, bytes, profile) in forms {
        let (world, key) = stranger_with_a_passphrase();
        world.write(name, bytes(&key.id, &key.secret));
        let done = world.run(&only_key(name));
        assert_eq!(done.status.code(), Some(0), "{name}: {done:?}");
        let id = &key.id;
        assert!(done.stderr.contains(&format!("{profile}: access key {id} of alice is sealed")), "{done:?}");
        assert!(world.home().join(name).exists(), "`--yes` does not delete it");
        // Another time the key tells whose file it is, whatever its name.
        world.write("other.csv", bytes(&key.id, &key.secret));
        let done = world.run(&only_key("other.csv"));
        assert!(done.stderr.contains(&format!("{profile}: access key {id} of alice is already sealed")), "{done:?}");
        world.may_leak();
    }
}

#[test]
fn what_is_no_file_of_one_working_key_is_refused_before_anything_is_written() {
    let (world, key) = stranger_with_a_passphrase();
    let root = world.aws.add_user(ROOT);
    let (id, secret) = (&key.id, &key.secret);
    let head = "Access key ID,Secret access key\n";
    let two = format!("User name,{head}alice,{id},{secret}\nbob,{id},{secret}\n");
    for (text, code, error) in [
        (format!("{id},{secret}\n"), 1, "`x.csv`: it has no columns `Access key ID` and `Secret access key`"),
        (String::new(), 1, "`x.csv`: it is empty"),
        (two, 1, "`x.csv`: it has 2 access keys: keep the line of one"),
        (format!("{head}{id}\n"), 1, "`x.csv`: a line of it is not whole"),
        (format!("{head}ASIAIOSFODNN7EXAMPLE,{secret}\n"), 1, "`x.csv`: its access key is temporary"),
        (format!("{head}{id},{}\n", "x".repeat(40)), 5, "GetCallerIdentity with access key "),
        (format!("{head}AKIAIOSFODNN7EXAMPLE,{secret}\n"), 5, "GetCallerIdentity with access key "),
        (format!("{head}{},{}\n", root.id, root.secret), 1, "access key "),
    ] {
        world.write("x.csv", &text);
        let done = world.run(&only_key("x.csv"));
        assert_eq!((done.status.code(), done.stdout.as_str()), (Some(code), ""), "{text}: {done:?}");
        assert!(done.stderr.contains(&format!("error: {error}")), "{text}: {done:?}");
        assert!(!done.stderr.contains(secret) && !done.stderr.contains(&root.secret), "{done:?}");
        nothing_was_made(&world);
    }
    let done = world.run(&only_key("x.csv"));
    assert!(
        done.stderr.ends_with(
            " is the root user's: it can do everything in the account, and no policy limits it\n\
             hint: delete it in the AWS console (Security credentials), and use an access key of an IAM user\n"
        ),
        "{done:?}"
    );
    assert!(world.run(&only_key("none.csv")).stderr.starts_with("error: `none.csv` cannot be read: "));
    let unknown = world.run(&["setup", "alice", "--yes"]);
    assert_eq!(unknown.status.code(), Some(3));
    assert!(
        unknown.stderr.ends_with(
            "error: profile `alice` has no access key yet\n\
             hint: `--csv FILE` names the file that the AWS console offers with a new access key; `--stdin` and `--env` give it \
             otherwise\n"
        ),
        "{unknown:?}"
    );
    nothing_was_made(&world);
    world.may_leak();
}

#[test]
fn a_clock_that_is_off_is_corrected() {
    for skew in [3600, -3600] {
        let (world, key) = stranger_with_a_passphrase();
        world.aws.skew(skew);
        let done = run(&world, &SETUP);
        assert_eq!(done.status.code(), Some(0), "{skew}: {done:?}");
        world.aws.skew(0);
        drop(key);
    }
}

#[test]
fn a_key_in_plain_text_is_sealed_and_its_profile_kept() {
    let (world, key) = stranger_with_a_passphrase();
    world.write(".aws/config", "[profile alice]\n# mine\noutput = json\n");
    world.write_key("alice", &key);
    let done = run(&world, &["setup", "--skip", "role"]);
    assert_eq!(done.status.code(), Some(0), "{done:?}");
    assert!(
        world
            .read(".aws/config")
            .starts_with("[profile alice]\n# mine\noutput = json\nregion = eu-west-1\nmfa_serial = ")
    );
    assert_eq!(world.read(".aws/credentials"), "[alice]\n");
    fs::remove_file(world.home().join(CSV)).expect("it was not named");
    everything_works(&world, "alice", &key);
}

#[test]
fn a_profile_of_another_kind_or_with_another_key_is_left_as_it_is() {
    let (world, key) = stranger_with_a_passphrase();
    let config = "[profile deploy]\nrole_arn = arn:aws:iam::123456789012:role/deploy\nsource_profile = alice\n\
                  [profile sso]\nsso_session = s\n[profile alice]\n[profile other]\n";
    world.write(".aws/config", config);
    let other = world.aws.add_user("bob");
    let (file, path) = (world.home().join(".aws/config"), world.home().join(".aws/credentials"));
    let (file, path) = (file.display().to_string(), path.display().to_string());
    world.write_key("other", &other);
    assert!(
        world
            .run(&["setup", "alice", "--csv", CSV, "--yes", "--skip", "device", "--skip", "role", "--skip", "shell"])
            .status
            .success()
    );
    world.write("bob.csv", format!("Access key ID,Secret access key\n{},{}\n", other.id, other.secret));
    for (profile, csv, error) in [
        (
            "deploy",
            CSV,
            format!(
                "{file}:2: `role_arn`: profile `deploy` assumes a role, and `setup` needs the profile of a user\nhint: `mfa-cred setup alice` sets up its user\n"
            ),
        ),
        (
            "sso",
            CSV,
            format!(
                "{file}:5: `sso_session`: profile `sso` signs in without an access key\nhint: `mfa-cred login sso` signs in; for an access key, choose another name\n"
            ),
        ),
        (
            "other",
            CSV,
            format!(
                "{path}:2: profile `other` has an access key in this file, which would be used instead\nhint: `mfa-cred keys import other` seals that key\n"
            ),
        ),
        (
            "alice",
            "bob.csv",
            format!(
                "profile `alice` already has the sealed access key {}, which would be lost\nhint: `mfa-cred keys export alice` shows it, `mfa-cred keys remove alice` deletes it\n",
                key.id
            ),
        ),
    ] {
        let done = world.run(&["setup", profile, "--csv", csv, "--yes"]);
        assert_eq!(done.status.code(), Some(1), "{profile}: {done:?}");
        assert!(done.stderr.ends_with(&format!("error: {error}")), "{profile}: {done:?}");
        assert_eq!(world.read(".aws/config"), config);
    }
    world.may_leak();
}
