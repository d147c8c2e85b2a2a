//! `audit --quarantine` every hour: what the documentation gives to cron and systemd.

use crate::scenarios::audit::quarantine::{SMALL_AFTER, policy, small};
use crate::scenarios::clients::client;
use crate::support::aws::Owner;
use crate::support::pty::PATIENCE;
use crate::support::world::{MFA_CRED, World};

const PAGE: &str = include_str!("../../../docs/audit.md");

/// The indented block of the page that begins with that line, without its indentation.
fn block(start: &str) -> String {
    let lines = PAGE.lines().map(|line| line.strip_prefix("    ").or(line.is_empty().then_some("")));
    let lines = lines.skip_while(|line| *line != Some(start));
    lines.map_while(|line| line.map(|line| line.to_owned() + "\n")).collect()
}

/// cron runs the rest of the line with `sh`, and gives it nothing but the home and a short `PATH`.
#[test]
fn the_cron_line_works_as_printed_and_is_silent_on_success() {
    let world = small();
    let cron = PAGE.lines().find_map(|line| line.strip_prefix("    17 * * * * ")).expect("the line");
    world.aws.put_policy(Owner::Group("MFAQuarantine"), "quarantine", &policy());
    world.aws.add_group("MFAQuarantine", &["enrolled"]);
    world.aws.add_person("break-glass");
    world.aws.set_password("break-glass", 10, Some(1));
    world.write(".aws/config", "[profile my-admin-role]\nregion = us-east-1\n");
    world.write_key("my-admin-role", &world.aws.add_user("admin"));
    let bin = world.home().join(".cargo/bin");
    std::fs::create_dir_all(&bin).expect("a folder");
    std::os::unix::fs::symlink(MFA_CRED, bin.join("mfa-cred")).expect("a link");
    world.set("PATH", "/usr/bin:/bin");
    let run = || world.run_other("/bin/sh", &["-c", cron], PATIENCE);
    let done = run();
    assert_eq!((done.status.code(), done.stdout.as_str(), done.stderr.as_str()), (Some(0), "", ""));
    assert_eq!(world.aws.members("MFAQuarantine"), SMALL_AFTER);
    world.aws.deny_on("ListMFADevices", "arn:aws:iam::123456789012:user/key");
    let done = run();
    let said = "error: group `MFAQuarantine` is not up to date: 1 user could not be read\n";
    assert_eq!((done.status.code(), done.stdout.as_str(), done.stderr.as_str()), (Some(1), "", said));
}

#[test]
fn systemd_finds_nothing_wrong_with_the_units() {
    let Some(program) = client("systemd's check", "systemd-analyze", &["--version"]) else { return };
    let world = World::empty();
    let bin = world.home().join(".cargo/bin");
    std::fs::create_dir_all(&bin).expect("a folder");
    std::os::unix::fs::symlink(MFA_CRED, bin.join("mfa-cred")).expect("a link");
    let both = block("[Unit]");
    assert!(both.contains("[Service]"), "{both}");
    world.write("units/mfa-quarantine.service", &both);
    let (_, after) = PAGE.split_once("mfa-quarantine.timer`:\n\n").expect("the timer");
    let timer: Vec<&str> =
        after.lines().map_while(|line| line.strip_prefix("    ").or(line.is_empty().then_some(""))).collect();
    world.write("units/mfa-quarantine.timer", timer.join("\n"));
    let folder = world.home().join("units");
    let unit = |name: &str| folder.join(name).display().to_string();
    let units = [unit("mfa-quarantine.service"), unit("mfa-quarantine.timer")];
    world.set("XDG_RUNTIME_DIR", world.home().display().to_string());
    let check = || {
        let words = ["--user", "--man=no", "verify", units[0].as_str(), units[1].as_str()];
        world.run_other(&program, &words, PATIENCE)
    };
    let done = check();
    assert_eq!((done.status.code(), done.stderr.as_str()), (Some(0), ""), "{done:?}");
    world.write("units/mfa-quarantine.timer", timer.join("\n").replace("hourly", "hurly"));
    assert!(check().stderr.contains("hurly"), "it does look at them");
}
