//! What other tools read differently, and what is ignored.

use super::{config, read, value};
use crate::profile::{Differs, SectionKind};

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

/// `show` reports what affects the requested profile, or the whole file.
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
