//! What users can rely on when they write these files.

mod differences;
mod sections;

use std::io;
use std::path::Path;

use super::oracle::agree;
use super::{Ignored, Malformed, Presence, ProfileError, ProfileSet, WhichFile};
use crate::host::Files;
use crate::secret::Secret;

/// Reads these texts in both ways.
fn read(config: &str, credentials: &str) -> Result<ProfileSet, ProfileError> {
    agree(config, credentials);
    ProfileSet::parse(config, credentials)
}

fn config(text: &str) -> ProfileSet {
    read(text, "").expect(text)
}

fn credentials(text: &str) -> ProfileSet {
    read("", text).expect(text)
}

fn value(set: &ProfileSet, profile: &str, key: &str) -> Option<String> {
    set.get(profile)?.get(key).map(|property| property.value().into_owned())
}

#[test]
fn a_line_gives_its_value() {
    for (line, value) in [
        ("k = v", "v"),
        ("k=v", "v"),
        ("K =\tv \t", "v"),
        ("k = a b  c", "a b  c"),
        ("k = v=w==", "v=w=="),
        ("k = v # c", "v"),
        ("k = v\t; c", "v"),
        ("k = v#c;d", "v#c;d"),
        ("k = v#c # d", "v#c"),
        ("k = v\u{a0}# d", "v\u{a0}"),
        ("k = # c", ""),
        ("k =", ""),
        ("k = \"v\"", "\"v\""),
        ("k = ü \u{1f408}", "ü \u{1f408}"),
        ("k = v\r", "v\r"),
        ("k = v\r\n", "v"),
        ("k = old\nk = v", "v"),
        ("k = old\nK = v", "v"),
        ("k = old\n[default]\nk = v", "v"),
        ("k = old\n more\nk = v", "v"),
        ("k = v\n  w \n\tx", "v\nw\nx"),
        ("k = v\n w # kept", "v\nw # kept"),
        ("k = v\n # kept", "v\n# kept"),
        ("k = v # dropped\n w", "v\nw"),
        ("k = v\r\n w\r\n x\r\n", "v\nw\nx"),
        ("k = v\n# between\n\n \t\n w", "v\nw"),
        ("k =\n a = b\n c=d", "\na = b\nc=d"),
        ("k = # nested\n a = b", "\na = b"),
        ("k =\n # a = b", "\n# a = b"),
        ("a b = ignored\n k = v\nk = v", "v"),
    ] {
        let set = config(&format!("[default]\n{line}"));
        assert_eq!(self::value(&set, "default", "k").as_deref(), Some(value), "{line:?}");
    }
}

#[test]
fn a_line_that_breaks_the_grammar_is_an_error_with_its_number() {
    for (text, line, what) in [
        ("[default]\nk", 2, Malformed::NoEquals),
        ("[default]\nk : v", 2, Malformed::NoEquals),
        ("[default]\nk #= v", 2, Malformed::NoEquals),
        ("[default]\n\r\r\n", 2, Malformed::NoEquals),
        ("[default]\n= v", 2, Malformed::NoKey),
        ("[default]\n\n# c\n=", 4, Malformed::NoKey),
        ("k = v", 1, Malformed::KeyBeforeSection),
        ("k", 1, Malformed::KeyBeforeSection),
        (" k = v", 1, Malformed::KeyBeforeSection),
        ("[default]\n k", 2, Malformed::NoEquals),
        ("[default]\n  k = v\n l", 3, Malformed::NoEquals),
        ("[default]\n  k =\n    a = b\n    c", 4, Malformed::NestedNoEquals),
        ("[default]\nk = v\n[default]\n w", 4, Malformed::NoEquals),
        ("[default]\n [x", 2, Malformed::SectionUnclosed),
        (" k = v\n[default]", 1, Malformed::KeyBeforeSection),
        ("[default]\nk =\n a = b\n c", 4, Malformed::NestedNoEquals),
        ("[default]\nk =\n # comment", 3, Malformed::NestedNoEquals),
        ("[default]\nk =\n a # = b", 3, Malformed::NestedNoEquals),
        ("[default]\nk =\n = b", 3, Malformed::NestedNoKey),
        ("[x!]\nk", 2, Malformed::NoEquals),
        ("[x!]\nk =\n c", 3, Malformed::NestedNoEquals),
        ("[", 1, Malformed::SectionUnclosed),
        ("[default", 1, Malformed::SectionUnclosed),
        ("[default] k = v", 1, Malformed::SectionUnclosed),
        ("[profile a#b]", 1, Malformed::SectionUnclosed),
        ("[profile \"a#b]", 1, Malformed::SectionUnclosed),
        ("[profile \"a\"#]", 1, Malformed::SectionUnclosed),
        ("[profile \"a\\\"#b\"", 1, Malformed::SectionUnclosed),
        ("[default]\r", 1, Malformed::SectionUnclosed),
    ] {
        for (config, credentials, file) in [(text, "", "config"), ("[default]", text, "credentials")] {
            match read(config, credentials) {
                Err(ProfileError::Malformed { place, what: is }) => {
                    assert_eq!((&*place.file, place.line, is), (Path::new(file), line, what), "{text:?}");
                }
                other => panic!("{text:?}: {other:?}"),
            }
        }
    }
}

#[test]
fn the_credentials_file_wins_and_within_a_file_the_last_line() {
    let set = read(
        "[profile b]\nk = 1\nregion = r\n[default]\n[profile a]\nk = 2\n[profile b]\nK = 3\nlast = l\n",
        "[c]\n[b]\nk = 4\naws_access_key_id = AKIA\n",
    )
    .expect("legal");
    assert_eq!(set.names().collect::<Vec<_>>(), ["b", "default", "a", "c"]);
    let profile = set.get("b").expect("b");
    let shown: Vec<_> =
        profile.properties().iter().map(|p| format!("{} = {} ({})", p.key(), p.value(), p.place())).collect();
    assert_eq!(
        shown,
        [
            "k = 4 (credentials:3)",
            "region = r (config:3)",
            "last = l (config:9)",
            "aws_access_key_id = AKIA (credentials:4)"
        ]
    );
    let all: Vec<_> = profile.occurrences("K").map(|p| (p.value().into_owned(), p.origin(), p.place().line)).collect();
    assert_eq!(
        all,
        [
            ("1".into(), WhichFile::Config, 2),
            ("3".into(), WhichFile::Config, 8),
            ("4".into(), WhichFile::Credentials, 3)
        ]
    );
    assert_eq!(profile.get("REGION").expect("any case").key(), "region");
    assert_eq!((profile.place().to_string(), profile.get("absent").is_none()), ("config:1".to_owned(), true));
    assert!(set.get("B").is_none(), "names are compared with their case");
}

#[test]
fn spans_are_byte_offsets_in_the_file() {
    let text = "\u{feff}[profile x]\r\nrégion = no\r\nk = ü v \t# c\r\nempty =  # c\r\ns3 =\r\n  a = b\r\n\r\n # d =\r\nlast = z";
    let set = config(text);
    let profile = set.get("x").expect("x");
    for (key, span, lines) in [
        ("k", "ü v", "k = ü v \t# c\r\n"),
        ("empty", "", "empty =  # c\r\n"),
        ("s3", "\r\n  a = b\r\n\r\n # d =", "s3 =\r\n  a = b\r\n\r\n # d =\r\n"),
        ("last", "z", "last = z"),
    ] {
        let property = profile.get(key).expect(key);
        assert_eq!((&text[property.span()], &text[property.lines_span()]), (span, lines), "{key}");
    }
    assert!(text[..profile.get("empty").expect("empty").span().start].ends_with("empty ="));
    assert_eq!(set.notes().map(|note| (note.what, note.place.line)).collect::<Vec<_>>(), [(Ignored::IllegalKey, 2)]);
}

#[test]
fn a_value_changed_at_its_span_reads_back_and_changes_nothing_else() {
    let text = "# top\n[profile x]\na = 1 # one\nb =\n  c = d\n[default]\na = 2\n";
    let set = config(text);
    let span = set.get("x").expect("x").get("a").expect("a").span();
    let edited = format!("{}changed{}", &text[..span.start], &text[span.end..]);
    let after = config(&edited);
    assert_eq!(value(&after, "x", "a").as_deref(), Some("changed"));
    assert_eq!(value(&after, "x", "b"), value(&set, "x", "b"));
    assert_eq!(value(&after, "default", "a").as_deref(), Some("2"));
}

#[test]
fn at_most_three_names_are_suggested_nearest_first() {
    let set = config(
        "[default]\n[profile prod]\n[profile Prod-Admin]\n[profile dev]\n[profile dev-eu]\n[profile dev-us]\n\
         [profile dev-ap-south]\n[profile staging]\n",
    );
    for (name, near) in [
        ("Prod", &["prod", "Prod-Admin"][..]),
        ("prdo", &["prod"]),
        ("prod-admin", &["Prod-Admin", "prod"]),
        ("prod-amdin", &["Prod-Admin", "prod"]),
        ("de", &["dev", "dev-eu", "dev-us"]),
        ("stagging", &["staging"]),
        ("zzz", &[]),
        ("", &[]),
    ] {
        assert_eq!(set.nearest(name), near, "{name:?}");
    }
    assert!(set.nearest(&"p".repeat(1 << 20)).is_empty());
}

#[test]
fn notes_and_debug_output_contain_no_value_and_no_control_character() {
    let set = config("[\u{1b}[31m]\nk = hunter2\n[default]\naws_secret_access_key = hunter2\na b = hunter2\n");
    let notes: Vec<_> = set.notes().map(|note| note.to_string()).collect();
    assert_eq!(
        notes[0],
        "config:1: in `[\\u{1b}[31m]`: ignored, because profiles in the config file are written `[profile NAME]`"
    );
    assert!(notes[1].starts_with("config:5: in `[default]`: the key is ignored"), "{}", notes[1]);
    let profile = set.get("default").expect("default");
    let shown = format!("{set:?} {profile:?} {:?} {notes:?}", profile.properties());
    assert!(!shown.contains("hunter2"), "{shown}");
}

/// Files in memory; `Err` is the kind of error on reading.
struct Disk(Vec<(&'static str, Result<&'static [u8], io::ErrorKind>)>);

impl Files for Disk {
    fn read(&self, path: &Path) -> io::Result<Secret<Vec<u8>>> {
        let known = self.0.iter().find(|(name, _)| Path::new(name) == path);
        match known.map_or(Err(io::ErrorKind::NotFound), |(_, result)| *result) {
            Ok(bytes) => Ok(Secret::new(bytes.to_vec())),
            Err(kind) => Err(kind.into()),
        }
    }
}

#[test]
fn a_missing_file_is_empty_and_an_unreadable_one_an_error() {
    let load = |disk| ProfileSet::load(&Disk(disk), Path::new("/c"), Path::new("/s"));
    let set = load(vec![("/c", Ok(b"[default]\nregion = eu"))]).expect("one is enough");
    assert_eq!(set.sources(), [(Path::new("/c"), Presence::Present), (Path::new("/s"), Presence::Missing)]);
    assert_eq!(set.get("default").expect("read").get("region").expect("read").place().to_string(), "/c:2");
    assert_eq!(load(vec![]).expect("both may be missing").names().count(), 0);
    for (bytes, message) in [
        (&b"[default]\nk = \xff\n"[..], "/s:2: the line is not UTF-8"),
        (b"\xff", "/s:1: the line is not UTF-8"),
        (b"[default]\nhunter2\n", "/s:2: there is no `=` after the key"),
    ] {
        assert_eq!(load(vec![("/s", Ok(bytes))]).expect_err(message).to_string(), message);
    }
    for kind in [io::ErrorKind::PermissionDenied, io::ErrorKind::IsADirectory, io::ErrorKind::NotADirectory] {
        match load(vec![("/c", Err(kind))]) {
            Err(ProfileError::Unreadable { path, source }) => {
                assert_eq!((path.as_path(), source.kind()), (Path::new("/c"), kind));
            }
            other => panic!("{kind:?}: {other:?}"),
        }
    }
}

#[test]
fn huge_lines_and_many_keys_are_read() {
    let long = "v".repeat(1 << 20);
    let many = (0..20_000).map(|n| format!("k{n} = {n}")).collect::<Vec<_>>().join("\n");
    let set = config(&format!("[default]\nlong = {long}\n[profile {long}]\n{many}"));
    assert_eq!(value(&set, "default", "long").as_deref(), Some(long.as_str()));
    let profile = set.get(&long).expect("its name is long");
    assert_eq!((profile.properties().len(), profile.get("k19999").expect("last").place().line), (20_000, 20_003));
}

#[test]
fn an_indented_property_covers_its_line_and_knows_its_depth() {
    let text = "[profile x]\n  a = 1\n    more\n  # between\n\tb = 2\n  c =\n   d = e\n";
    let set = config(text);
    let profile = set.get("x").expect("x");
    for (key, value, lines) in
        [("a", "1\nmore", "  a = 1\n    more\n"), ("b", "2", "\tb = 2\n"), ("c", "\nd = e", "  c =\n   d = e\n")]
    {
        let property = profile.get(key).expect(key);
        assert_eq!((&*property.value(), &text[property.lines_span()]), (value, lines), "{key}");
    }
    assert_eq!(profile.get("c").expect("c").nested("d"), Some("e"));
}
