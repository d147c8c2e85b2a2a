//! What a person who writes these files relies on.

use std::io;
use std::path::Path;

use super::oracle::agree;
use super::{Differs, Ignored, Malformed, Presence, ProfileError, ProfileSet, SectionKind, WhichFile};
use crate::host::Files;
use crate::secret::Secret;

/// What these texts say, whichever way they are read.
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
fn a_section_header_opens_its_profile() {
    for (origin, section, name) in [
        (WhichFile::Config, "[default]", Ok("default")),
        (WhichFile::Config, "[ default\t]", Ok("default")),
        (WhichFile::Config, "[profile default]", Ok("default")),
        (WhichFile::Config, "[profile x]", Ok("x")),
        (WhichFile::Config, "[ profile \t x ] ; c", Ok("x")),
        (WhichFile::Config, "[profile x]#c", Ok("x")),
        (WhichFile::Config, "[profile X-1_/.%@:+]", Ok("X-1_/.%@:+")),
        (WhichFile::Config, "[profile \"two words\"]", Ok("two words")),
        (WhichFile::Config, "[profile 'two words']", Ok("two words")),
        (WhichFile::Config, "[profile two\\ words]", Ok("two words")),
        (WhichFile::Config, "[profile \"x\"]", Ok("x")),
        (WhichFile::Config, "[profile two words]", Err(Ignored::IllegalName)),
        (WhichFile::Config, "[profile \"x!\"]", Ok("x!")),
        (WhichFile::Config, "[profile '$(touch PWNED)']", Ok("$(touch PWNED)")),
        (WhichFile::Config, r#"[profile "\"a\\b\$c\`d"]"#, Ok(r#""a\b\$c\`d"#)),
        (WhichFile::Config, r#"[profile 'a\'"'"\"b]"#, Ok(r#"a\'"b"#)),
        (WhichFile::Config, "[profile \"a#b;c\"] # d", Ok("a#b;c")),
        (WhichFile::Config, "[profile \"a];b\"]", Ok("a];b")),
        (WhichFile::Config, "[profile a\\;b\\]]", Ok("a;b]")),
        (WhichFile::Config, "[profile \"]\"]", Ok("]")),
        (WhichFile::Config, "[profile \" \"]", Ok(" ")),
        (WhichFile::Config, "[profile \"ü \u{202e}\u{a0}\u{1f408}\"]", Ok("ü \u{202e}\u{a0}\u{1f408}")),
        (WhichFile::Config, "[profile \"x\"] # it's", Ok("x")),
        (WhichFile::Config, "[profile it's] # don't", Err(Ignored::IllegalQuoted)),
        (WhichFile::Config, "[it's] # don't", Err(Ignored::NoPrefix)),
        (WhichFile::Config, "[profile \"two\" words]", Err(Ignored::IllegalQuoted)),
        (WhichFile::Config, "[profile \"x]", Err(Ignored::IllegalQuoted)),
        (WhichFile::Config, "[profile x\\]", Err(Ignored::IllegalQuoted)),
        (WhichFile::Config, "[profile \"a\tb\"]", Err(Ignored::IllegalQuoted)),
        (WhichFile::Config, "[profile \"a\u{1b}[m\"]", Err(Ignored::IllegalQuoted)),
        (WhichFile::Config, "[profile \"a\u{7f}\"]", Err(Ignored::IllegalQuoted)),
        (WhichFile::Config, "[profile \"a\u{9b}\"]", Err(Ignored::IllegalQuoted)),
        (WhichFile::Config, "[profile x!]", Err(Ignored::IllegalName)),
        (WhichFile::Config, "[profile ü]", Err(Ignored::IllegalName)),
        (WhichFile::Config, "[profile x]]", Err(Ignored::IllegalName)),
        (WhichFile::Config, "[profile ''\"\"]", Err(Ignored::NoName)),
        (WhichFile::Config, "[profile \"\"]", Err(Ignored::NoName)),
        (WhichFile::Config, "[profile]", Err(Ignored::NoName)),
        (WhichFile::Config, "[sso-session ]", Err(Ignored::NoName)),
        (WhichFile::Config, "[]", Err(Ignored::NoName)),
        (WhichFile::Config, "[x]", Err(Ignored::NoPrefix)),
        (WhichFile::Config, "[DEFAULT]", Err(Ignored::NoPrefix)),
        (WhichFile::Config, "[profilex]", Err(Ignored::NoPrefix)),
        (WhichFile::Config, "[Profile x]", Err(Ignored::KindInCapitals)),
        (WhichFile::Config, "[PROFILE \"x\"]", Err(Ignored::KindInCapitals)),
        (WhichFile::Config, "[SSO-Session x]", Err(Ignored::KindInCapitals)),
        (WhichFile::Config, "[profiles x]", Err(Ignored::AlmostProfile)),
        (WhichFile::Config, "[profile\tx]", Ok("x")),
        (WhichFile::Config, "[prof x]", Err(Ignored::UnknownKind)),
        (WhichFile::Config, "[profle x]", Err(Ignored::UnknownKind)),
        (WhichFile::Credentials, "[default]", Ok("default")),
        (WhichFile::Credentials, "[x] # c", Ok("x")),
        (WhichFile::Credentials, "[\tx ]", Ok("x")),
        (WhichFile::Credentials, "[two words]", Ok("two words")),
        (WhichFile::Credentials, "[ two words ]", Ok("two words")),
        (WhichFile::Credentials, "[profile]", Ok("profile")),
        (WhichFile::Credentials, "[services]", Ok("services")),
        (WhichFile::Credentials, "[\"two words\"]", Err(Ignored::IllegalName)),
        (WhichFile::Credentials, "[two words!]", Err(Ignored::IllegalName)),
        (WhichFile::Credentials, "[two\twords]", Err(Ignored::IllegalName)),
        (WhichFile::Credentials, "[x!]", Err(Ignored::IllegalName)),
        (WhichFile::Credentials, "[profile x]", Err(Ignored::Prefix)),
        (WhichFile::Credentials, "[sso-session x]", Err(Ignored::Misplaced)),
        (WhichFile::Credentials, "[services\tx]", Err(Ignored::Misplaced)),
        (WhichFile::Credentials, "[]", Err(Ignored::NoName)),
        (WhichFile::Credentials, "[ ]", Err(Ignored::NoName)),
    ] {
        let text = format!("\n{section}\nk = v\n");
        let set = if origin == WhichFile::Config { config(&text) } else { credentials(&text) };
        let notes: Vec<_> = set.notes().map(|note| (note.what, note.place.line)).collect();
        let names: Vec<_> = set.names().collect();
        match name {
            Ok(name) => {
                assert_eq!((names, notes), (vec![name], vec![]), "{section:?}");
                let profile = set.get(name).expect(name);
                assert_eq!((profile.name(), profile.place().line), (name, 2), "{section:?}");
                assert_eq!(value(&set, name, "k").as_deref(), Some("v"), "{section:?}");
            }
            Err(why) => assert_eq!((names, notes), (vec![], vec![(why, 2)]), "{section:?}"),
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
fn profile_default_beats_default_in_any_order() {
    for text in [
        "[default]\nk = bare\nonly = bare\n[profile default]\nk = v\n[default]\nk = bare",
        "[profile default]\nk = v\n[default]\nk = bare\nonly = bare\n[default]\n",
        "[default]\nonly = bare\n[default]\n[profile \"default\"]\nk = v",
    ] {
        let set = read(text, "[default]\nsecret = s").expect(text);
        let keys: Vec<_> = set.get("default").expect(text).properties().iter().map(|p| p.key()).collect();
        assert_eq!(keys, ["k", "secret"], "{text:?}");
        assert_eq!(value(&set, "default", "k").as_deref(), Some("v"), "{text:?}");
        assert_eq!(set.notes().map(|note| note.what).collect::<Vec<_>>(), [Ignored::OtherDefault; 2], "{text:?}");
    }
    let set = config("[default]\n[x]\n[profile default]\n");
    let notes: Vec<_> = set.notes().map(|note| (note.what, note.place.line)).collect();
    assert_eq!(notes, [(Ignored::OtherDefault, 1), (Ignored::NoPrefix, 2)], "in the order of lines");
    let set = config("[default]\nk = v\n[profile x]\n");
    assert_eq!((value(&set, "default", "k").as_deref(), set.notes().count()), (Some("v"), 0));
}

#[test]
fn an_endpoint_on_the_same_line_as_its_service_is_used_as_in_the_sdks() {
    for (text, url) in [
        ("sts = endpoint_url = http://a\n", Some("http://a")),
        ("sts = endpoint_url = http://a # c\n endpoint_url = http://b\n", Some("http://b")),
        ("sts = endpoint_url=http://a\n region = eu\n", Some("http://a")),
        ("sts = endpoint_url\n", None),
        ("sts = # endpoint_url = http://a\n", None),
    ] {
        let set = config(&format!("[services dev]\n{text}"));
        let sts = set.section(SectionKind::Services, "dev").and_then(|services| services.get("sts")).expect(text);
        assert_eq!(sts.nested("endpoint_url"), url, "{text:?}");
    }
}

#[test]
fn a_default_section_with_odd_white_space_does_not_hide_the_other() {
    for written in ["default\r", "\u{a0}default", "default\u{3000}"] {
        let set = config(&format!("[default]\nk = v\n[{written}]\nl = w\n"));
        let read = ["k", "l"].map(|key| value(&set, "default", key));
        assert_eq!(read, [Some("v".to_owned()), Some("w".to_owned())], "{written:?}");
        assert_eq!(set.notes().count(), 0, "{written:?}");
    }
    let set = config("[profile default]\nk = v\n[default\r]\nl = w\n");
    assert_eq!(value(&set, "default", "l"), None, "the one with the prefix takes its place");
}

#[test]
fn other_kinds_of_sections_are_not_profiles() {
    let set = config(
        "[services dev]\nsts =\n  endpoint_url = http://a # kept\n  endpoint_url=http://b\n\n# c\n iam_x = \n\
         s3 = x\n y = z\n[sso-session corp]\nsso_region = eu\n[plugins]\ncli = 1\n[services dev]\nIAM =\n  e = i\n",
    );
    assert_eq!((set.names().count(), set.notes().count()), (0, 0));
    let services = set.section(SectionKind::Services, "dev").expect("services");
    for (key, name, value) in [
        ("sts", "endpoint_url", Some("http://b")),
        ("sts", "iam_x", Some("")),
        ("sts", "Endpoint_Url", None),
        ("s3", "y", Some("z")),
        ("s3", "x", None),
        ("iam", "e", Some("i")),
    ] {
        assert_eq!(services.get(key).expect(key).nested(name), value, "{key}.{name}");
    }
    let session = set.section(SectionKind::SsoSession, "corp").expect("session");
    assert_eq!(session.get("sso_region").expect("region").value(), "eu");
    assert_eq!(set.section(SectionKind::Plugins, "").expect("plugins").get("cli").expect("cli").value(), "1");
    assert!(set.section(SectionKind::Services, "corp").is_none() && set.get("dev").is_none());
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
fn what_other_readers_read_differently_is_noted_with_its_line() {
    for (config, credentials, expected) in [
        ("[profile x]\nk = v # c\n", "", &[(Differs::InlineComment, 2)][..]),
        ("[profile x]\nk = v#c\n# c\n[profile y] # c\n", "", &[]),
        ("[profile x]\ns3 =\n a = b # c\n # d = e\n", "", &[(Differs::IndentedComment, 4)]),
        ("[profile x]\nk = v\n ; c\n\n w\n", "", &[(Differs::IndentedComment, 3), (Differs::EmptyLine, 4)]),
        ("[profile x]\ns3 =\n\n a = b\n", "", &[]),
        (
            "[profile x]\n  k = v\n  # c\n    w\n   ; d\n   y\n",
            "",
            &[(Differs::Indented, 2), (Differs::IndentedComment, 5)],
        ),
        ("[profile x]\na:b = c\n", "", &[(Differs::ColonInKey, 2)]),
        ("[profile x]\nk = v\nK = w\n", "", &[(Differs::RepeatedKey, 3)]),
        ("[profile x]\n[profile y]\n[profile x]\n", "", &[(Differs::RepeatedSection, 3)]),
        ("[profile x]\nk = v\n[profile  x]\nk = w\n", "", &[(Differs::RespelledSection, 3)]),
        ("[profile x]\nk = v\n", "[x]\nk = w\n", &[]),
        ("[profile \"two words\"]\n", "[two words]\n", &[(Differs::QuotedName, 1), (Differs::SpaceInName, 1)]),
        ("[profile \"x;y\"]\n", "", &[(Differs::MarkInQuotedName, 1)]),
        ("[ profile x]\n[profile y ]\n", "[y ]\n", &[(Differs::SpaceInBrackets, 1), (Differs::SpaceInBrackets, 1)]),
        ("[DEFAULT]\nk = v\n", "[DEFAULT]\nk = v\n", &[(Differs::LendingDefault, 1), (Differs::LendingDefault, 1)]),
        ("\u{feff}[default]\nk = v\n", "", &[(Differs::ByteOrderMark, 1)]),
        ("[default]\na = 1\n", "[default]\nb = 2\n", &[]),
    ] {
        let set = read(config, credentials).expect(config);
        let found: Vec<_> = set.differences().iter().map(|d| (d.what, d.place.line)).collect();
        assert_eq!(found, expected, "{config:?} {credentials:?}");
    }
    let set = config("[profile x]\nRegion = v # c\n");
    assert_eq!(
        set.differences()[0].to_string(),
        "config:2: in `[profile x]`: `region`: the AWS CLI takes the comment as part of the value"
    );
}

#[test]
fn a_section_repeated_with_odd_white_space_is_noted_as_respelled() {
    for second in ["[ profile x]", "[profile x ]", "[\tprofile x\t]"] {
        let set = config(&format!("[profile x]\nk = v\n{second}\nk = w\n"));
        let found: Vec<_> = set.differences().iter().map(|difference| difference.what).collect();
        assert_eq!(found[0], Differs::RespelledSection, "{second}");
        assert!(!found.contains(&Differs::RepeatedSection), "{second}");
        assert_eq!(value(&set, "x", "k").as_deref(), Some("w"), "{second}");
    }
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

/// Files in memory; `Err` is how the system refuses one.
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

/// What a person sees in `show` concerns the profile that was asked for, or the whole file.
#[test]
fn a_difference_applies_to_its_section_or_to_the_whole_file() {
    let set = read(
        "\u{feff}[profile x]\nregion = eu # home\n[profile y]\n  region = us ; work\n[services s]\nsts = # c\n e = f\n",
        "[x]\nk = v\nk = w\n[two words]\nk = v # c\n",
    )
    .expect("legal");
    let concerning = |kind, name| -> Vec<_> {
        let all = set.differences();
        all.into_iter().filter(|it| it.concerns(kind, name)).map(|it| (it.what, it.place.to_string())).collect()
    };
    let of_files = |own: &[(Differs, &str)]| -> Vec<_> {
        let of_files = [
            (Differs::ByteOrderMark, "config:1"),
            (Differs::Indented, "config:4"),
            (Differs::RepeatedKey, "credentials:3"),
        ];
        let mut all: Vec<_> = of_files.iter().chain(own).map(|(what, place)| (*what, (*place).to_owned())).collect();
        all.sort_by(|(_, a), (_, b)| a.cmp(b));
        all
    };
    assert_eq!(concerning(SectionKind::Profile, "x"), of_files(&[(Differs::InlineComment, "config:2")]));
    assert_eq!(concerning(SectionKind::Profile, "y"), of_files(&[(Differs::InlineComment, "config:4")]));
    assert_eq!(concerning(SectionKind::Services, "s"), of_files(&[(Differs::InlineComment, "config:6")]));
    let two = [(Differs::SpaceInName, "credentials:4"), (Differs::InlineComment, "credentials:5")];
    assert_eq!(concerning(SectionKind::Profile, "two words"), of_files(&two));
    assert_eq!(concerning(SectionKind::Profile, "profile x"), of_files(&[]));
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
