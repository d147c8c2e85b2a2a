//! Edits of the AWS files: the intended key changes, every other byte stays, and the file is replaced as a whole or not
//! at all.

mod on_disk;

use std::collections::BTreeMap;

use mfa_cred::profile::edit::{Draft, EditError};
use mfa_cred::profile::{ProfileSet, SectionKind, WhichFile};

const KEY: &str = "mfa_serial";
const SERIAL: &str = "arn:aws:iam::123456789012:mfa/alice-phone";

fn draft(config: &str, credentials: &str) -> Draft {
    Draft::new(ProfileSet::parse(config, credentials).expect("it can be read"))
}

fn text(draft: &Draft, origin: WhichFile) -> String {
    String::from_utf8(draft.text(origin).expose().clone()).expect("UTF-8")
}

/// The config file after `KEY = v` was set in `profile`.
fn set(config: &str, profile: &str) -> String {
    let mut draft = draft(config, "[only-keys]\nregion = x\n");
    draft.set_key(profile, KEY, "v").expect("it is set");
    text(&draft, WhichFile::Config)
}

fn removed(config: &str, profile: &str) -> String {
    let mut draft = draft(config, "");
    draft.remove_key(profile, KEY).expect("it is removed");
    text(&draft, WhichFile::Config)
}

#[test]
fn a_key_is_set_where_a_person_would_write_it() {
    for (what, before, after) in [
        (
            "at the end of its section",
            "[profile a]\nx = 1\n\n[profile b]\n",
            "[profile a]\nx = 1\nmfa_serial = v\n\n[profile b]\n",
        ),
        ("in an empty section", "[profile a]\n[profile b]\n", "[profile a]\nmfa_serial = v\n[profile b]\n"),
        (
            "before the comments after it",
            "[profile a]\nx = 1\n# of b\n[profile b]\n",
            "[profile a]\nx = 1\nmfa_serial = v\n# of b\n[profile b]\n",
        ),
        (
            "after nested properties",
            "[profile a]\ns3 =\n  y = 2\n  z = 3\n",
            "[profile a]\ns3 =\n  y = 2\n  z = 3\nmfa_serial = v\n",
        ),
        (
            "in the last of two sections",
            "[profile a]\nx = 1\n[profile a]\ny = 2\n",
            "[profile a]\nx = 1\n[profile a]\ny = 2\nmfa_serial = v\n",
        ),
        (
            "in the place of a value",
            "[profile a]\nmfa_serial=old # mine\nx = 1\n",
            "[profile a]\nmfa_serial=v # mine\nx = 1\n",
        ),
        ("in the place of none", "[profile a]\nmfa_serial =\nx = 1\n", "[profile a]\nmfa_serial = v\nx = 1\n"),
        (
            "in the line that wins",
            "[profile a]\nmfa_serial = one\nMFA_Serial = two\n",
            "[profile a]\nmfa_serial = one\nMFA_Serial = v\n",
        ),
        (
            "in the place of continued lines",
            "[profile a]\nmfa_serial = one\n  more\n# kept\n\n  still\nx = 1\n",
            "[profile a]\nmfa_serial = v\n# kept\n\nx = 1\n",
        ),
        ("with the file's line endings", "[profile a]\r\nx = 1\r\n", "[profile a]\r\nx = 1\r\nmfa_serial = v\r\n"),
        ("without an ending at the end", "[profile a]\r\nx = 1", "[profile a]\r\nx = 1\r\nmfa_serial = v"),
        ("not after a lone carriage return", "[profile a]\nx = 1\r", "[profile a]\nmfa_serial = v\nx = 1\r"),
        ("after a byte order mark", "\u{feff}[profile a]\n", "\u{feff}[profile a]\nmfa_serial = v\n"),
        (
            "not in what is ignored",
            "[a]\nx = 1\n[profile a]\n[profile a!]\n",
            "[a]\nx = 1\n[profile a]\nmfa_serial = v\n[profile a!]\n",
        ),
        ("once", "[profile a]\nmfa_serial = v\n", "[profile a]\nmfa_serial = v\n"),
    ] {
        assert_eq!(set(before, "a"), after, "{what}");
    }
}

#[test]
fn a_profile_without_a_section_gets_one() {
    for (before, profile, after) in [
        ("", "only-keys", "[profile only-keys]\nmfa_serial = v\n"),
        ("[profile b]\nx = 1\n", "only-keys", "[profile b]\nx = 1\n\n[profile only-keys]\nmfa_serial = v\n"),
        ("[profile b]\r\nx = 1", "default", "[profile b]\r\nx = 1\r\n\r\n[default]\r\nmfa_serial = v\r\n"),
        ("[profile b]\n\n", "two words", "[profile b]\n\n[profile \"two words\"]\nmfa_serial = v\n"),
    ] {
        assert_eq!(set(before, profile), after, "{profile}");
    }
    let refused = draft("", "").set_key("a\"b", KEY, "v");
    assert!(matches!(refused, Err(EditError::Name)), "{refused:?}");
}

#[test]
fn an_edit_that_would_read_back_differently_is_refused() {
    for value in ["", " a", "a ", "a\nb", "a #b", "# a", "a\t;b", "\u{7}"] {
        let refused = draft("[profile a]\n", "").set_key("a", KEY, value);
        assert!(matches!(refused, Err(EditError::Value)), "{value:?}: {refused:?}");
    }
    for value in ["a#b", "=", "[x]", "a = b"] {
        let mut draft = draft("[profile a]\n", "");
        draft.set_key("a", KEY, value).expect("it is set");
        assert_eq!(draft.set().get("a").expect("a").get(KEY).expect("a value").value(), value);
    }
}

#[test]
fn a_key_is_removed_from_any_position() {
    for (before, after) in [
        ("[profile a]\nmfa_serial = v\nx = 1\n", "[profile a]\nx = 1\n"),
        ("[profile a]\nmfa_serial = v\n  w\n# kept\n  z\nx = 1\n", "[profile a]\n# kept\nx = 1\n"),
        (
            "[profile a]\nMFA_SERIAL = v\n[profile b]\nmfa_serial = v\n[profile a]\nmfa_serial = w",
            "[profile a]\n[profile b]\nmfa_serial = v\n[profile a]\n",
        ),
        ("[profile a]\nmfa_serial = v\n \r", "[profile a]\n"),
        ("[profile b]\n", "[profile b]\n"),
    ] {
        assert_eq!(removed(before, "a"), after);
    }
    let mut both = draft("[profile a]\nmfa_serial = v\n", "[a]\nmfa_serial = w\nregion = x\n");
    both.remove_key("a", KEY).expect("it is removed");
    assert_eq!(
        (text(&both, WhichFile::Config), text(&both, WhichFile::Credentials)),
        ("[profile a]\n".into(), "[a]\nregion = x\n".into())
    );
}

#[test]
fn a_diff_shows_the_change_and_no_secret() {
    let credentials =
        "[a]\naws_secret_access_key = hunter2\n  hunter3\nmfa_serial = old\r\n#aws_session_token=hunter4\n";
    let mut draft = draft("[profile a]\n", credentials);
    assert!(!draft.is_changed());
    draft.set_key("a", KEY, SERIAL).expect("it is set");
    assert!(draft.is_changed());
    assert_eq!(
        draft.diff(),
        format!(
            "--- credentials\n+++ credentials\n@@ -2,4 +2,4 @@\n aws_secret_access_key = (hidden)\n   (hidden)\n\
             -mfa_serial = old\n+mfa_serial = {SERIAL}\n # (hidden)\n"
        )
    );
}

/// Every property of every profile, as read.
fn properties(set: &ProfileSet) -> BTreeMap<(String, String), String> {
    let mut all = BTreeMap::new();
    for kind in [SectionKind::Profile, SectionKind::SsoSession, SectionKind::Services] {
        for name in set.names_of(kind) {
            for property in set.section(kind, name).expect("it is listed").properties() {
                let place = (format!("{kind:?} {name}"), property.key().into_owned());
                all.insert(place, property.value().into_owned());
            }
        }
    }
    all
}

#[test]
fn an_edit_keeps_all_other_bytes_and_its_value_is_read_back() {
    const PIECES: [&str; 27] = [
        "[profile a]\n",
        "[profile a]\r\n",
        "[profile b] # b\n",
        "[a]\n",
        "[default]\n",
        "[profile default]\n",
        "[profile \"a\"]\n",
        "[services s]\n",
        "\n",
        "  \n",
        "# mfa_serial = comment\n",
        ";\r\n",
        "mfa_serial = one\n",
        "mfa_serial=two # c\r\n",
        "MFA_SERIAL =\n",
        "  nested = 1\n",
        "  more\n",
        "  # no comment\n",
        "x = 1\r\n",
        "x =\n",
        "a b = ignored\n",
        "  = \n",
        "y = 2",
        "y = 2\r",
        "\r",
        "mfa_serial = three",
        "[profile a!]\n",
    ];
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = move |below: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        usize::try_from(seed % below as u64).expect("it is below")
    };
    let (mut read, mut unkept) = (0, 0);
    for _ in 0..60_000 {
        let mark = if next(8) == 0 { "\u{feff}" } else { "" };
        let count = next(9);
        let mut config = mark.to_owned();
        for n in 1..=count {
            let piece = PIECES[next(PIECES.len())];
            // Only a file's last line may lack a line ending.
            config += if n < count && !piece.ends_with('\n') { "\n" } else { piece };
        }
        let Ok(before) = ProfileSet::parse(&config, "[a]\nregion = x\n") else { continue };
        read += 1;
        let before = properties(&before);
        let others = |properties: BTreeMap<(String, String), String>| -> Vec<_> {
            properties
                .into_iter()
                .filter(|((name, key), _)| (name.as_str(), key.as_str()) != ("Profile a", KEY))
                .collect()
        };
        let mut setting = draft(&config, "[a]\nregion = x\n");
        match setting.set_key("a", KEY, SERIAL) {
            Ok(()) => {
                assert_eq!(setting.set().get("a").expect("a").get(KEY).expect("set").value(), SERIAL, "{config:?}");
                assert_eq!(others(properties(setting.set())), others(before.clone()), "{config:?}");
                only_the_key_changed(&config, &text(&setting, WhichFile::Config));
            }
            // A carriage return at the very end leaves no room for a new section.
            Err(EditError::Unkept { .. }) if config.ends_with('\r') => unkept += 1,
            Err(error) => panic!("{config:?}: {error}"),
        }
        let mut removing = draft(&config, "[a]\nregion = x\n");
        removing.remove_key("a", KEY).unwrap_or_else(|error| panic!("{config:?}: {error}"));
        assert!(removing.set().get("a").is_none_or(|section| section.get(KEY).is_none()), "{config:?}");
        assert_eq!(others(properties(removing.set())), others(before), "{config:?}");
        only_the_key_changed(&config, &text(&removing, WhichFile::Config));
    }
    assert!(read > 10_000 && unkept < read / 10, "{read} {unkept}");
}

/// The removed lines belonged to the key, and the added lines are its new one and perhaps a new section.
fn only_the_key_changed(before: &str, after: &str) {
    let bare = |text: &str| text.strip_prefix('\u{feff}').map(str::to_owned);
    let (before, after) = match (bare(before), bare(after)) {
        (Some(before), Some(after)) => (before, after),
        (None, None) => (before.to_owned(), after.to_owned()),
        _ => panic!("the mark came or went: {before:?} {after:?}"),
    };
    let (before, after) = (before.as_str(), after.as_str());
    let diff = similar::TextDiff::from_lines(before, after);
    let is_keys = |line: &str| {
        let line = line.to_ascii_lowercase();
        line.starts_with(KEY) || line.starts_with(' ')
    };
    for change in diff.iter_all_changes() {
        let line = change.value();
        match change.tag() {
            similar::ChangeTag::Equal => {}
            // A last line without an ending gets one if another line follows.
            similar::ChangeTag::Delete => {
                assert!(
                    is_keys(line) || after.contains(&format!("{line}\n")) || after.contains(&format!("{line}\r\n")),
                    "{before:?} {after:?}: {line:?} went"
                );
            }
            similar::ChangeTag::Insert => {
                let old = line.trim_end_matches(['\n', '\r']);
                let is_new =
                    is_keys(line) || line.trim().is_empty() || line.trim() == "[profile a]" || before.ends_with(old);
                assert!(is_new, "{before:?} {after:?}: {line:?} came");
            }
        }
    }
}

#[test]
fn a_key_in_an_indented_section_is_written_and_removed_with_the_same_indent() {
    const TEXT: &str = "[profile a]\n  # mine\n  region = x\n  output = json\n\n[profile b]\n  # none\n";
    for (profile, text) in [
        ("a", "[profile a]\n  # mine\n  region = x\n  output = json\n  mfa_serial = N\n\n[profile b]\n  # none\n"),
        ("b", "[profile a]\n  # mine\n  region = x\n  output = json\n\n[profile b]\n  # none\nmfa_serial = N\n"),
    ] {
        let mut setting = draft(TEXT, "");
        setting.set_key(profile, KEY, SERIAL).expect(profile);
        assert_eq!(self::text(&setting, WhichFile::Config), text.replace('N', SERIAL));
    }
    let mut removing = draft(TEXT, "");
    removing.remove_key("a", "region").expect("removed");
    assert_eq!(text(&removing, WhichFile::Config), TEXT.replace("  region = x\n", ""));
    // A comment indented like the properties does not belong to a value, even between two of its lines.
    let mut between = draft("[profile a]\n  region = x\n    y\n  # mine\n    z\n  output = json\n", "");
    between.remove_key("a", "region").expect("removed");
    assert_eq!(text(&between, WhichFile::Config), "[profile a]\n  # mine\n  output = json\n");
}

#[test]
fn a_diff_hides_secrets_that_are_indented_or_continued_after_a_comment() {
    const SECRETS: &str =
        "[a]\n  mfa_serial = old\n  aws_secret_access_key = hunter2\n# c\n\n    hunter3\n  output = json\n";
    let mut setting = draft("", SECRETS);
    setting.set_key("a", KEY, SERIAL).expect("set");
    setting.set_key("a", "output", "text").expect("set");
    let diff = setting.diff();
    assert!(!diff.contains("hunter") && diff.contains("aws_secret_access_key = (hidden)"), "{diff}");
    assert!(diff.contains("+  output = text"), "{diff}");
}
