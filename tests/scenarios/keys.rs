//! Access keys at rest: sealed by `mfa-cred keys`, and used from there.
//!
//! The machine has no Secret Service unless a scenario starts one, so the keys are sealed under a passphrase. Where the
//! passphrase is not what a scenario is about, a program gives it.

mod add;
mod faults;
mod moved;
mod places;
mod rotate;
mod tools;

use std::fs;

use crate::support::files::files_below;
use crate::support::pty::{Finished, Pty, Session, Stream};
use crate::support::world::{Cast, MFA_CRED, World};

const CREDENTIALS: &str = ".aws/credentials";
const SETTINGS: &str = "config/mfa-cred/config.ini";

/// The usual setup, in which a program knows the passphrase.
fn cast() -> Cast {
    let cast = World::cast();
    cast.world.write(SETTINGS, "unlock_process = echo tulip\n");
    cast
}

/// The usual setup with alice's key sealed.
fn sealed() -> Cast {
    let cast = cast();
    let imported = cast.world.run(&["keys", "import", "alice", "--yes"]);
    assert!(imported.status.success(), "{imported:?}");
    cast.world.aws.take_calls();
    cast
}

/// The next login, at which nobody can unlock the sealed keys.
fn lock(world: &World) {
    world.write(SETTINGS, "unlock_process = exit 1\n");
    world.forget_unlocked_keys();
}

/// The files under the home that hold this text.
fn with_text(world: &World, text: &str) -> Vec<String> {
    let has_it = |path: &std::path::PathBuf| {
        fs::read(path).is_ok_and(|bytes| bytes.windows(text.len()).any(|part| part == text.as_bytes()))
    };
    let names = files_below(world.home()).into_iter().filter(has_it);
    names.map(|path| path.strip_prefix(world.home()).expect("below").display().to_string()).collect()
}

/// The program on a terminal that has its stdout and stderr, too.
fn all_on_terminal(world: &World, words: &[&str]) -> Session {
    let mut command = std::process::Command::new(MFA_CRED);
    world.dress(&mut command);
    command.args(words);
    Pty::default().streams(Stream::Terminal, Stream::Terminal).spawn(command)
}

#[track_caller]
fn refused(world: &World, words: &[&str], code: i32, stderr: &str) -> Finished {
    let done = world.run(words);
    assert_eq!((done.status.code(), done.stdout.as_str(), done.stderr.as_str()), (Some(code), "", stderr), "{words:?}");
    done
}

/// Does the user sign in with a code, by way of the key that is wherever it is?
#[track_caller]
fn signs_in(cast: &Cast) {
    cast.world.aws.take_calls();
    cast.world.sign_in(&cast.device, &["env", "deploy", "--refresh"]);
    assert_eq!(crate::support::world::calls(&cast.world), ["GetSessionToken", "AssumeRole"]);
}

#[test]
fn every_command_answers_where_nobody_can_be_asked() {
    let Cast { world, .. } = sealed();
    for (words, code, stderr) in [
        (
            &["keys", "remove", "alice"][..],
            3,
            "error: the removal must be confirmed, and there is no terminal to do it on\nhint: `--yes` answers the questions\n",
        ),
        (
            &["keys", "export", "alice"],
            1,
            "error: access keys are shown on the terminal only, and never written to a pipe or a file\n",
        ),
        (
            &["keys", "add", "bob"],
            3,
            "error: there is no terminal to type the access key on\nhint: `--csv FILE`, `--stdin` and `--env` read it from elsewhere\n",
        ),
        (
            &["keys", "import", "alice"],
            1,
            "error: profile `alice` has no access key in the AWS files: its key is already sealed\n",
        ),
        (
            &["keys", "import", "deploy"],
            1,
            "error: profile `deploy` has no access key in the AWS files\nhint: `mfa-cred keys add deploy` seals a key that is not in these files\n",
        ),
        (
            &["keys", "remove", "deploy", "--yes"],
            1,
            "error: profile `deploy` has no sealed access key\nhint: `mfa-cred keys add deploy` seals one\n",
        ),
    ] {
        refused(&world, words, code, stderr);
    }
    assert!(world.run(&["env", "alice", "--no-cache"]).status.success());
}
