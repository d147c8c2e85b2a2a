//! Section headers, and which of them are profiles.

use super::{config, credentials, read, value};
use crate::profile::{Ignored, SectionKind, WhichFile};

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
