//! What a person sees of a report, and what others get of one that is to be shared.

use std::process::Command;

use serde_json::Value;

use super::{doctor, findings};
use crate::support::pty::{PATIENCE, Pty, Stream};
use crate::support::world::{Cast, MFA_CRED, World};

/// The report on a terminal of that many columns.
fn on_columns(world: &World, columns: u16) -> String {
    let mut command = Command::new(MFA_CRED);
    world.dress(&mut command);
    command.args(["doctor", "deploy"]);
    let session = Pty::default().sized(200, columns).streams(Stream::Terminal, Stream::Terminal).spawn(command);
    session.finish(PATIENCE).terminal.replace('\r', "")
}

#[test]
fn each_check_is_a_line_in_its_group_followed_by_its_repair() {
    let Cast { world, .. } = World::cast();
    world.set("AWS_PROFILE", "nobody");
    let text = doctor(&world, &["deploy"]).stdout;
    let lines: Vec<&str> = text.lines().collect();
    let groups: Vec<&str> = lines.iter().copied().filter(|line| !line.is_empty() && !line.starts_with(' ')).collect();
    let expected =
        ["Files", "Profile", "Keys and stores", "Environment", "Shell", "Clock and network", "Device", "1 problem"];
    assert_eq!(groups, expected, "{text}");
    let at = lines.iter().position(|line| line.starts_with("  ✗ ")).expect("a problem");
    assert_eq!(lines[at], "  ✗ `AWS_PROFILE` names a profile that does not exist: `nobody`");
    assert_eq!(lines[at + 1], "    → `mfa-cred list` shows the profiles");
    assert!(!text.contains('\x1b'), "no color in a pipe");
    world.set("AWS_PROFILE", "deploy");
    assert!(doctor(&world, &["deploy"]).stdout.ends_with("\nno problems found\n"));
}

#[test]
fn on_a_terminal_lines_fit_and_marks_are_colored_unless_disabled() {
    let Cast { world, .. } = World::cast();
    world.set("AWS_PROFILE", "nobody");
    for columns in [80, 40] {
        let painted = on_columns(&world, columns);
        assert!(painted.contains("  \x1b[32m✓\x1b[0m ") && painted.contains("  \x1b[31m✗\x1b[0m "), "{painted}");
        assert!(painted.contains("\x1b[1mKeys and stores\x1b[0m"), "{painted}");
        let mut terminal = vt100::Parser::new(200, columns, 0);
        terminal.process(painted.replace('\n', "\r\n").as_bytes());
        for line in terminal.screen().contents().lines() {
            let is_one_word = line.split_whitespace().filter(|word| word.len() > 3).count() == 1;
            assert!(line.chars().count() <= columns.into() || is_one_word, "{columns}: {line:?}");
        }
    }
    world.set("NO_COLOR", "1");
    assert!(!on_columns(&world, 80).contains('\x1b'));
}

#[test]
fn a_redacted_report_names_nobody() {
    let Cast { world, key, .. } = World::cast();
    world.set("HTTPS_PROXY", "http://someone:hunter2@proxy.corp.example:3128");
    world.edit_config("mfa/alice-phone", "mfa/alices-lost-phone");
    for words in [&["deploy", "--redact"][..], &["deploy", "--redact", "--json"]] {
        let text = doctor(&world, words).stdout;
        let home = world.home().display().to_string();
        for name in ["123456789012", "alice", "lost-phone", "proxy.corp", "hunter2", key.id.as_str(), home.as_str()] {
            assert!(!text.contains(name), "{name} in {text}");
        }
        assert!(text.contains("arn:aws:iam::<account>:mfa/<device> is not a device of this user"), "{text}");
        assert!(text.contains("~/.aws/config"), "{text}");
    }
    let plain = doctor(&world, &["deploy"]).stdout;
    assert!(plain.contains("alices-lost-phone") && !plain.contains("hunter2"), "{plain}");
}

#[test]
fn text_from_files_cannot_control_the_terminal() {
    let Cast { world, .. } = World::cast();
    world.add_config("[\x1b[2Jx]\na = b\n");
    world.set("AWS_PROFILE", "a\x1b[2J\nb");
    let text = doctor(&world, &["deploy"]).stdout;
    assert!(!text.contains('\x1b'), "{text:?}");
    assert_eq!(text.matches("✗").count(), 1, "{text}");
}

#[test]
fn json_has_the_same_keys_for_every_check() {
    let Cast { world, .. } = World::cast();
    world.add_config("nonsense\n");
    let rows = findings(&world, &["deploy"]);
    for row in &rows {
        let keys: Vec<&String> = row.as_object().expect("an object").keys().collect();
        assert_eq!(keys, ["id", "group", "status", "what", "where", "repair", "took_ms"], "{row}");
    }
    let broken = rows.iter().find(|row| row["id"] == "config-file").expect("it");
    assert_eq!(broken["where"]["file"], Value::from(world.home().join(".aws/config").display().to_string()));
    assert!(broken["where"]["line"].is_number(), "{broken}");
}

/// The documentation has a section for each check, in the order of the report, with its meaning and its repair.
#[test]
fn the_documentation_lists_every_check() {
    use mfa_cred::doctor::Check;
    let page = include_str!("../../../docs/doctor.md");
    let mut sections = page.split("\n### `").skip(1);
    for check in Check::ALL {
        let section = sections.next().unwrap_or_else(|| panic!("no section for {}", check.id()));
        let (id, text) = section.split_once("`\n").expect("a heading");
        assert_eq!(id, check.id());
        let text = text.split("\n## ").next().unwrap_or_default();
        let (meaning, repair) = text.split_once("\n**Repair:** ").unwrap_or_else(|| panic!("{id} has no repair"));
        assert!(meaning.trim().len() > 40 && repair.trim().len() > 20, "{id}: {text}");
    }
    assert_eq!(sections.next(), None);
    for group in Check::ALL.map(Check::group) {
        assert!(page.contains(&format!("\n## {}\n", group.title())), "{}", group.title());
    }
}
