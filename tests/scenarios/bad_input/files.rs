//! Files that are missing, unreadable or endless.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::symlink;
use std::time::{Duration, Instant};

use super::{DEPLOY, all_fail, bad, signed_in};
use crate::support::files::make_pipe;
use crate::support::pty::PATIENCE;

#[test]
fn an_unreadable_file_is_an_error_and_a_missing_one_is_empty() {
    let cast = signed_in();
    let world = &cast.world;
    fs::create_dir(world.home().join("folder")).expect("a folder");
    symlink("loop", world.home().join("loop")).expect("a circle");
    symlink("nowhere", world.home().join("dangling")).expect("a link");
    world.write("latin1", b"[profile bad]\nregion = eu-west-1\n# caf\xe9\n");
    let file = |name: &str, why: &str| {
        let config = bad("", &format!("--config-file {name} {DEPLOY}"), 1, format!("error: {why}\n"));
        let keys = bad("", &format!("--credentials-file {name} {DEPLOY}"), 1, format!("error: {why}\n"));
        [config, keys]
    };
    let nothing = |name: &str, said: &str| {
        let stderr = format!(
            "error: there is no profile `deploy` in {said} or <home>/.aws/credentials\n\
             hint: `mfa-cred list` shows the profiles\n"
        );
        bad("", &format!("--config-file {name} {DEPLOY}"), 1, stderr)
    };
    let files = [
        file("folder", "`folder` cannot be read: Is a directory (os error 21)"),
        file("loop", "`loop` cannot be read: Too many levels of symbolic links (os error 40)"),
        file("latin1", "latin1:3: the line is not UTF-8"),
        file("latin1/config", "`latin1/config` cannot be read: Not a directory (os error 20)"),
        // An endless file must not take forever, nor all memory.
        file("/dev/zero", "`/dev/zero` cannot be read: it is not a regular file"),
    ];
    let empty = [
        nothing("missing", "missing (which does not exist)"),
        nothing("dangling", "dangling (which does not exist)"),
        nothing("/dev/null", "/dev/null"),
    ];
    all_fail(&cast, &files.into_iter().flatten().chain(empty).collect::<Vec<_>>());
}

#[test]
fn a_pipe_or_a_huge_file_in_place_of_a_known_file_is_refused_at_once() {
    let cast = signed_in();
    let world = &cast.world;
    let pipe = |name: &str| {
        let path = world.home().join(name);
        make_pipe(&path);
        path
    };
    pipe("pipe");
    File::create(world.home().join("huge")).and_then(|file| file.set_len(17 << 20)).expect("a file");
    let started = Instant::now();
    for (name, why) in [("pipe", "it is not a regular file"), ("huge", "it is longer than 16 MB")] {
        let error = format!("error: `{name}` cannot be read: {why}\n");
        all_fail(
            &cast,
            &[
                bad("", &format!("--config-file {name} {DEPLOY}"), 1, error.clone()),
                bad("", &format!("--credentials-file {name} {DEPLOY}"), 1, error),
            ],
        );
    }
    fs::create_dir_all(world.home().join("config/mfa-cred")).expect("a folder");
    let settings = pipe("config/mfa-cred/config.ini");
    let error = "error: <home>/config/mfa-cred/config.ini cannot be read: it is not a regular file\n";
    all_fail(&cast, &[bad("", DEPLOY, 1, error)]);
    fs::remove_file(settings).expect("it was there");
    assert!(started.elapsed() < PATIENCE / 2);
}

#[test]
fn a_pipe_given_as_an_argument_is_read_unless_nobody_writes_to_it() {
    let cast = signed_in();
    let pipe = cast.world.home().join("pipe");
    make_pipe(&pipe);
    let words = ["process", "deploy", "--session-policy", "@pipe"];
    let started = Instant::now();
    let done = cast.world.run(&words);
    assert_eq!(done.stderr, "error: `--session-policy`: pipe cannot be read: timed out\n", "{done:?}");
    assert!(started.elapsed() < PATIENCE / 2);
    // As with `--session-policy @<(…)`, in pieces.
    let writer = std::thread::spawn(move || {
        let mut writer = File::options().write(true).open(pipe).expect("somebody reads");
        for half in ["{\"Version\":\"2012-10-17\",", "\"Statement\":[]}"] {
            writer.write_all(half.as_bytes()).expect("it is read");
            std::thread::sleep(Duration::from_millis(200));
        }
    });
    let done = cast.world.run(&words);
    assert!(done.status.success(), "{done:?}");
    writer.join().expect("it wrote");
}

#[test]
fn unreadable_settings_are_errors() {
    let cast = signed_in();
    // Paths next to the file are not looked up inside it.
    cast.world.set("MFA_CRED_STORE", "");
    let path = cast.world.home().join("config/mfa-cred/config.ini");
    let keys = "region, duration, min_ttl, no_prompt, no_cache, store, lock_after, color, log, mfa_process, unlock_process, pinentry, askpass, connect_timeout, attempt_timeout, call_timeout, allow_http";
    let unknown = format!(": `regoin`: unknown setting; expected one of {keys}");
    let cases: [(&[u8], &str); 8] = [
        (b"regoin = x\n", &unknown),
        (b"[x]\nregion = y\n", ": `[x]`: sections are not supported"),
        (b"duration = abc\n", ": `duration`: a duration is written `900`, `15m`, `1h30m` or `12h`"),
        (b"store = cupboard\n", ": `store`: expected one of `auto`, `kernel`, `keyring`, `passphrase`, `none`"),
        (b"region\nno_cache = true\n", ":1: it is not `KEY = VALUE`"),
        (b"# fine\n\n[x\n", ":3: it is not `KEY = VALUE`"),
        (b"store = \"auto\n", ": `store`: expected one of `auto`, `kernel`, `keyring`, `passphrase`, `none`"),
        (b"# fine\nstore = caf\xe9\n", ":2: the line is not UTF-8"),
    ];
    for (text, error) in cases {
        cast.world.write("config/mfa-cred/config.ini", text);
        all_fail(&cast, &[bad("", DEPLOY, 1, format!("error: <home>/config/mfa-cred/config.ini{error}\n"))]);
    }
    fs::remove_file(&path).expect("it was there");
    fs::create_dir(&path).expect("a folder");
    let stderr = "error: <home>/config/mfa-cred/config.ini cannot be read: Is a directory (os error 21)\n";
    all_fail(&cast, &[bad("", DEPLOY, 1, stderr)]);
    fs::remove_dir(&path).expect("it was there");
}
