//! The shell's startup file, the CSV file, and what is in the way of either.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use super::{CSV, stranger_with_a_passphrase};
use crate::support::pty::PATIENCE;
use crate::support::tools::find;
use crate::support::world::World;

const PAGE: &str = include_str!("../../../docs/shells.md");
const ONLY_SHELL: [&str; 11] =
    ["setup", "x", "--yes", "--skip", "key", "--skip", "device", "--skip", "role", "--skip", "login"];

fn only_shell(shell: &str) -> Vec<&str> {
    [&ONLY_SHELL[..], &["--shell", shell]].concat()
}

#[test]
fn each_shells_file_gets_the_line_of_the_documentation_once() {
    for (shell, file, before) in [
        ("bash", ".bashrc", "export TOKEN=hunter2\n"),
        ("zsh", ".zshrc", "export TOKEN=hunter2"),
        ("fish", "config/fish/config.fish", ""),
        ("elvish", "config/elvish/rc.elv", "# mine\n"),
        ("posix", "rc", ""),
    ] {
        let world = World::empty();
        world.set("ENV", world.home().join("rc").to_str().expect("text"));
        if !before.is_empty() {
            world.write(file, before);
        }
        let done = world.run(&only_shell(shell));
        assert_eq!(done.status.code(), Some(0), "{shell}: {done:?}");
        let text = world.read(file);
        let line = text.strip_prefix(before).expect(shell).trim().to_owned();
        assert!(
            PAGE.replace("&#124;", "|").contains(&format!("{line}<")) || PAGE.contains(&format!("`{line}`")),
            "{shell}: {line}"
        );
        assert!(done.stderr.contains(&format!("+{line}\n")) && !done.stderr.contains("hunter2"), "{shell}: {done:?}");
        let again = world.run(&only_shell(shell));
        assert!(again.stderr.contains(" already loads the function `mfa-cred`\n"), "{shell}: {again:?}");
        assert_eq!(world.read(file), text, "{shell}");
    }
}

#[test]
fn the_shells_themselves_have_the_function_then() {
    for (shell, name, file, script) in [
        ("bash", "bash", None, "-ic"),
        ("zsh", "zsh", None, "-ic"),
        ("fish", "fish", None, "-c"),
        ("tcsh", "tcsh", Some(".tcshrc"), "-c"),
        ("nu", "nu", Some("config/nushell/autoload/mfa-cred.nu"), ""),
        ("xonsh", "xonsh", Some("config/xonsh/rc.d/mfa-cred.xsh"), ""),
    ] {
        let world = World::empty();
        let done = world.run(&only_shell(shell));
        assert_eq!(done.status.code(), Some(0), "{shell}: {done:?}");
        if let Some(file) = file {
            assert!(world.home().join(file).exists(), "{shell}");
        }
        let Some(program) = find(name, &["--version"]).filter(|_| !script.is_empty()) else { continue };
        let words = match name {
            "bash" => "declare -F mfa-cred",
            "zsh" => "whence -w mfa-cred",
            "fish" => "functions -q mfa-cred; and echo mfa-cred",
            _ => "alias mfa-cred",
        };
        let told = world.run_other(program, &[script, words], PATIENCE);
        assert!(told.stdout.contains("mfa-cred") || name == "tcsh" && !told.stdout.is_empty(), "{shell}: {told:?}");
    }
}

#[test]
fn a_startup_file_that_cannot_be_written_costs_only_that_step() {
    let world = World::empty();
    world.write("dotfiles/bashrc", "# mine\n");
    symlink("dotfiles/bashrc", world.home().join(".bashrc")).expect("a link");
    assert!(world.run(&only_shell("bash")).status.success());
    assert_eq!(world.read("dotfiles/bashrc"), "# mine\neval \"$(mfa-cred init bash)\"\n", "the link's target");
    assert!(fs::symlink_metadata(world.home().join(".bashrc")).expect("it").is_symlink());

    let world = World::empty();
    world.write("other", "# mine\n");
    fs::hard_link(world.home().join("other"), world.home().join(".bashrc")).expect("a second name");
    let done = world.run(&only_shell("bash"));
    let file = world.home().join(".bashrc").display().to_string();
    assert_eq!(done.status.code(), Some(1), "{done:?}");
    assert!(
        done.stderr.contains(&format!(
            "warning: the shell's startup file was not written: `{file}` has 2 names (hard links), and the others would \
             keep the old content\nhint: add this line to {file}: `eval \"$(mfa-cred init bash)\"`\n"
        )),
        "{done:?}"
    );
    let done = world.run(&only_shell("posix"));
    assert!(
        done.stderr.contains("warning: the startup file of this shell is not known\nhint: `mfa-cred init --help` says"),
        "{done:?}"
    );
}

#[test]
fn the_csv_file_is_deleted_only_when_its_key_is_sealed_and_still_in_it() {
    let key_only = ["--yes", "--skip", "device", "--skip", "role", "--skip", "shell", "--skip", "login"];
    let words = |more: &[&'static str]| [&["setup", "alice", "--csv", CSV], &key_only[..], more].concat();
    // Kept, and named.
    let (world, key) = stranger_with_a_passphrase();
    let done = world.run(&words(&[]));
    assert!(done.stderr.contains(&format!("hint: the file still has the key in plain text: `rm {CSV}`\n")), "{done:?}");
    assert!(world.home().join(CSV).exists());
    // A later run deletes it.
    let done = world.run(&words(&["--delete-csv"]));
    assert!(done.status.success() && done.stderr.contains(&format!("{CSV} is deleted\n")), "{done:?}");
    assert!(!world.home().join(CSV).exists());
    // A link: what holds the key goes, and the link.
    world.write("real.csv", format!("Access key ID,Secret access key\n{},{}\n", key.id, key.secret));
    symlink(world.home().join("real.csv"), world.home().join(CSV)).expect("a link");
    assert!(world.run(&words(&["--delete-csv"])).status.success());
    assert!(!world.home().join("real.csv").exists() && fs::symlink_metadata(world.home().join(CSV)).is_err());
    // The same key with another secret is not what is sealed.
    let other = format!("Access key ID,Secret access key\n{},{}\n", key.id, "x".repeat(40));
    world.write(CSV, &other);
    assert!(world.run(&words(&["--delete-csv"])).status.success());
    assert_eq!(world.read(CSV), other);
    fs::remove_file(world.home().join(CSV)).expect("it was there");
    // A folder that cannot be written to.
    if !rustix::process::geteuid().is_root() {
        world.write(CSV, format!("Access key ID,Secret access key\n{},{}\n", key.id, key.secret));
        let folder = world.home().join("Downloads");
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o500)).expect("ours");
        let done = world.run(&words(&["--delete-csv"]));
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).expect("ours");
        assert!(done.stderr.contains("was not deleted: Permission denied"), "{done:?}");
        fs::remove_file(world.home().join(CSV)).expect("ours");
    }
}
