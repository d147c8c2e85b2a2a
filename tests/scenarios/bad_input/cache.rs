//! Invalid entries count as missing, and an unusable state folder disables only the cache.

use std::fs;
use std::os::unix::fs::{chown, symlink};
use std::path::PathBuf;

use super::{kept, signed_in};
use crate::support::aws::Signer;
use crate::support::pty::{self, Finished, PATIENCE};
use crate::support::world::{Cast, MFA_CRED, World};

/// The entry of a profile's role, or of the user's MFA session.
fn entry(world: &World, kind: &str, profile: &str) -> PathBuf {
    let is_it = |path: &PathBuf| {
        let bytes = fs::read(path).expect("an entry");
        let header = bytes.split(|byte| *byte == b'\n').nth(1).expect("a header");
        let header: serde_json::Value = serde_json::from_slice(header).expect("JSON");
        header["kind"] == kind && header["profile"] == profile
    };
    world.entries().into_iter().find(is_it).expect("it was kept")
}

/// The role for which a run of `process` returned credentials.
fn role(cast: &Cast, done: &Finished) -> String {
    assert!(done.status.success(), "{done:?}");
    let answer: serde_json::Value = serde_json::from_str(&done.stdout).expect("JSON");
    let holder = cast.world.aws.holder(answer["AccessKeyId"].as_str().expect("a key")).expect("one of this AWS");
    match holder.signer {
        Signer::Role { arn, .. } => arn.rsplit('/').next().expect("a name").to_owned(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_damaged_entry_is_replaced_silently_and_without_a_code() {
    type Damage = fn(&[u8]) -> Vec<u8>;
    let damages: [(&str, Damage); 8] = [
        ("emptied", |_| Vec::new()),
        ("cut in its header", |bytes| bytes[..40].to_vec()),
        ("cut in its seal", |bytes| bytes[..bytes.len() - 1].to_vec()),
        ("one bit of its seal", |bytes| {
            let (last, rest) = bytes.split_last().expect("bytes");
            [rest, &[last ^ 1]].concat()
        }),
        ("its end put off", |bytes| {
            let text: Vec<u8> = bytes.to_vec();
            let at = text.windows(8).position(|part| part == b"\"end\":\"2").expect("its end") + 7;
            [&text[..at], b"3", &text[at + 1..]].concat()
        }),
        ("another format", |bytes| [b"mfa-cred entry 9", &bytes[16..]].concat()),
        ("something else", |_| b"\xff\xfe\n{}\n".to_vec()),
        ("too much", |bytes| [bytes, b"\n"].concat()),
    ];
    let cast = signed_in();
    let sound = entry(&cast.world, "role", "deploy");
    for (what, damage) in damages {
        let session = fs::read(entry(&cast.world, "session", "alice")).expect("it is there");
        fs::write(&sound, damage(&fs::read(&sound).expect("it is there"))).expect("it is damaged");
        let done = cast.world.run(&["process", "deploy"]);
        assert_eq!((role(&cast, &done).as_str(), done.stderr.as_str()), ("deploy", ""), "{what}");
        let calls: Vec<_> = cast.world.aws.take_calls().into_iter().map(|call| call.action).collect();
        assert_eq!(calls, ["AssumeRole"], "{what}");
        assert_eq!(fs::read(entry(&cast.world, "session", "alice")).expect("it is there"), session, "{what}");
        // Mended.
        assert_eq!(role(&cast, &cast.world.run(&["process", "deploy"])), "deploy");
        assert_eq!(cast.world.aws.take_calls().len(), 0, "{what}");
    }
}

#[test]
fn swapped_entries_do_not_open() {
    let cast = signed_in();
    assert!(cast.world.run(&["process", "audit"]).status.success());
    let (deploy, audit) = (entry(&cast.world, "role", "deploy"), entry(&cast.world, "role", "audit"));
    let (first, second) = (fs::read(&deploy).expect("read"), fs::read(&audit).expect("read"));
    fs::write(&deploy, second).expect("written");
    fs::write(&audit, first).expect("written");
    cast.world.aws.take_calls();
    for name in ["deploy", "audit"] {
        let done = cast.world.run(&["process", name]);
        assert_eq!((role(&cast, &done).as_str(), done.stderr.as_str()), (name, ""));
    }
    assert_eq!(cast.world.aws.take_calls().len(), 2);
}

#[test]
fn entries_copied_from_another_home_do_not_open() {
    let (ours, theirs) = (signed_in(), signed_in());
    let before = kept(&theirs.world);
    for path in theirs.world.entries() {
        let name = path.file_name().expect("a name");
        fs::copy(&path, ours.world.state().join("entries").join(name)).expect("copied");
    }
    // With the other home's key and AWS, so that the entries would be looked for.
    ours.world.write(".aws/config", theirs.world.read(".aws/config"));
    ours.world.write_key("alice", &theirs.key);
    ours.world.set("AWS_ENDPOINT_URL", theirs.world.aws.url());
    let done = ours.world.run(&["process", "deploy"]);
    assert_eq!((done.status.code(), &*done.stdout), (Some(3), ""), "{done:?}");
    assert_eq!(theirs.world.aws.take_calls().len(), 0);
    assert!(kept(&theirs.world) == before, "the other home was touched");
}

#[test]
fn a_damaged_key_record_loses_the_cache_and_needs_one_code() {
    let cast = signed_in();
    for text in ["", "current 12 kernel\n", "\u{0}"] {
        let lost = cast.world.read("state/mfa-cred/key-id");
        cast.world.write("state/mfa-cred/key-id", text);
        let cold = cast.world.run(&["process", "deploy"]);
        assert_eq!((cold.status.code(), &*cold.stdout), (Some(3), ""), "{text:?}: {cold:?}");
        cast.world.sign_in(&cast.device, &["process", "deploy"]);
        assert_eq!(role(&cast, &cast.world.run(&["process", "deploy"])), "deploy", "{text:?}");
        // The key is still in the kernel keyring, although the record no longer names it.
        cast.world.run(&["clear", "--all"]);
        cast.world.write("state/mfa-cred/key-id", lost);
        assert!(cast.world.run(&["clear", "--all"]).status.success());
        cast.world.sign_in(&cast.device, &["process", "deploy"]);
    }
}

/// Signs in where nothing can be saved: credentials are still returned, with one warning.
fn comes_uncached(cast: &Cast, done: &Finished, warning: &str) {
    assert_eq!(cast.world.without_tilde(&done.stderr), format!("warning: {warning}\n"));
    assert_eq!(role(cast, done), "deploy");
    assert_eq!(cast.world.aws.take_calls().len(), 2);
}

const SIGN_IN: [&str; 4] = ["process", "deploy", "--mfa-token", "-"];

#[test]
fn an_unusable_or_foreign_state_folder_disables_the_cache_only() {
    for what in ["a file", "a link", "another's"] {
        let cast = World::cast();
        let state = cast.world.state();
        fs::create_dir(cast.world.home().join("state")).expect("a folder");
        match what {
            "a file" => fs::write(&state, "").expect("a file"),
            "a link" => symlink(cast.world.home(), &state).expect("a link"),
            // Only root can change the owner of a folder.
            _ if !rustix::process::geteuid().is_root() => continue,
            _ => {
                fs::create_dir(&state).expect("a folder");
                chown(&state, Some(64_991), None).expect("another owner");
            }
        }
        let why = match what {
            "another's" => "belongs to user 64991; it is not used",
            _ => "is a symbolic link or not a folder; it is not used",
        };
        let done = cast.world.run_with_stdin(&SIGN_IN, &cast.device.fresh_code());
        comes_uncached(&cast, &done, &format!("credentials will not be cached: {} {why}", state.display()));
    }
}

/// Runs `mfa-cred` under `script`, in a non-interactive shell, with a code on its stdin.
fn below_sh(cast: &Cast, script: &str) -> Finished {
    let mut command = pty::off_terminal("sh");
    cast.world.dress(&mut command);
    command.args(["-c", script, "sh", MFA_CRED]).args(SIGN_IN);
    let done = pty::run(command, cast.device.fresh_code().as_bytes(), PATIENCE);
    cast.world.heard("below sh", &done);
    done
}

#[test]
fn a_full_disk_disables_the_cache_only() {
    let cast = World::cast();
    // No file can grow at all, which looks like a full disk to a writer.
    let done = below_sh(&cast, "trap '' XFSZ; ulimit -f 0; exec \"$@\"");
    let warning =
        "warning: credentials will not be cached: the state folder cannot be used (File too large (os error 27) ";
    assert!(done.stderr.starts_with(warning) && done.stderr.lines().count() == 1, "{}", done.stderr);
    assert_eq!(role(&cast, &done), "deploy");
    assert_eq!(cast.world.aws.take_calls().len(), 2);
    let names: Vec<_> = fs::read_dir(cast.world.state()).expect("a folder").flatten().map(|f| f.file_name()).collect();
    assert!(!names.is_empty() && names.iter().all(|name| !name.to_string_lossy().starts_with('.')), "{names:?}");
}
