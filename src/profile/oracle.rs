//! Compares this module with the Rust SDK's own parser: both must read, refuse and ignore the same, apart from the
//! differences listed in [`DIFFERENCES`].

mod both;
mod reading;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::{Differs, Ignored, ProfileError, ProfileSet, Property, Section, SectionKind};
use crate::host::Files;
use crate::secret::Secret;
pub(crate) use both::agree;
use reading::{by_sdk, by_us, is_listed};

#[test]
fn the_sdk_reads_the_same() {
    for (config, credentials) in [
        ("", ""),
        ("\n \n\t\n# c\n; c\n", "\r\n\r\n"),
        ("[default]\nregion = eu-west-1\n", "[default]\naws_access_key_id = AKIA\naws_secret_access_key = a/b+c=\n"),
        ("[profile a]\nRegion=eu # c\nx = y;z\n[profile b]\nsource_profile = a\n", "[a]\nregion = us\n[c]\n"),
        ("[profile a]\r\nk = v\r\n w\r\n\r\n x\r\n[profile b]\r\nk = w\r\n", ""),
        ("[profile a]\nk = v\r\r\nl = w\r", ""),
        ("[ profile\t a ] # c\nk=v\n[profile b]#c\nk=v\n[profile c];c\nk=v", "[ a\t]\n[b];c\nl=w"),
        ("[profile a]\ns3 =\n  a = b # c\n\n# c\n\td=e\n  # f = g\nk = v", ""),
        ("[profile a]\ns3 =\n # c\n", ""),
        ("[profile a]\ns3 = x\n # c\n y\n", ""),
        ("[profile a]\ns3 =\n = c\n", ""),
        ("[profile a]\ns3 =\n c#=d\n c # = d\n", ""),
        ("[profile a]\nk\n", ""),
        ("[profile a]\n=v\n", ""),
        ("k = v\n", ""),
        (" k\n", ""),
        ("[profile a\n", ""),
        ("[profile a] b\n", ""),
        ("[profile a#b]\n", ""),
        ("", "[a\n"),
        ("[profile a]\nk = v\n", "[a]\nk\n"),
        ("[default]\nk = v\nl = w\n[profile default]\nk = x\n[default]\nm = y\n", "[default]\nn = z\n"),
        ("[profile default]\nk = x\n[default]\nk = y\n", ""),
        ("[profile a]\nk = v\n v2\nK = w\n w2\n[profile b]\n[profile a]\nl = x\nk = z\n", ""),
        ("[a]\nk = v\n[profile]\nk = v\n[profle b]\nk = v\n[profile x!]\nk = v\n[profile ü]\nk = v\n", ""),
        ("", "[profile a]\nk = v\n[sso-session b]\nk = v\n[x!]\nk = v\n[profile]\nk = v\n[services]\nk = v\n"),
        ("[profile a]\nb c = d\n e\nk = v\nü = x\na:b/c.d%e@f+g-h_i = y\n", ""),
        ("[sso-session a]\nk = v\n[sso-session a]\nl = w\n[sso-session b!]\nk = v\n[sso-session]\nk = v\n", ""),
        (
            "[services s]\nsts =\n  endpoint_url = http://x # c\n  endpoint_url=http://y\n  # a = b\niam = z\n q = r\n\
             p\u{a0}= x\n[services s]\nsts =\n e =\n[services t]\nsts =\n f = g\n",
            "",
        ),
        ("[services s]\nsts = a=b\n c = d\ne = f=g\n", ""),
        ("[profile \u{a0}a\u{a0}]\nk = v\u{a0}# c\nl = \u{a0}w\u{3000}; c\n", "[b\u{a0}]\n"),
        ("[profile a]\nk = \u{0}\u{1b}[0m\u{7f}\n", "[a]\nl = v\u{2028}w\n"),
        ("[plugins]\nk = v\n[preview]\nk = v\n[DEFAULT]\nk = v\n", "[DEFAULT]\nk = v\n"),
    ] {
        agree(config, credentials);
        assert_eq!(by_us(config, credentials), by_sdk(config, credentials), "{config:?} {credentials:?}");
    }
}

/// A reason, the two files, and what each side reads from them.
struct Listed {
    reason: &'static str,
    config: &'static str,
    credentials: &'static str,
    ours: Result<&'static [&'static str], u32>,
    theirs: Result<&'static [&'static str], u32>,
}

/// Everything that this module reads differently from the SDK.
const DIFFERENCES: [Listed; 14] = [
    Listed {
        reason: "where a section's first property is indented, that depth is a property's, as in the AWS CLI, boto3, Go",
        config: "[profile a]\n  k = v\n    w\n  l = x\n m = y\nn = z\n  o = p\n[profile b]\nk = v\n w\n",
        credentials: "",
        ours: Ok(&[
            r#"profile "a""#,
            r#"profile "a" "k" "v\nw""#,
            r#"profile "a" "l" "x""#,
            r#"profile "a" "m" "y""#,
            r#"profile "a" "n" "z""#,
            r#"profile "a" "o" "p""#,
            r#"profile "b""#,
            r#"profile "b" "k" "v\nw""#,
        ]),
        theirs: Err(2),
    },
    Listed {
        reason: "the same in the credentials file, with comments and nested properties between",
        config: "",
        credentials: "[a]\n\taws_access_key_id = AKIA\n\t# c\n\ts3 =\n\t\tx = y\n\t; c\n\t\tz = z\n",
        ours: Ok(&[
            r#"profile "a""#,
            r#"profile "a" "aws_access_key_id" "AKIA""#,
            r#"profile "a" "s3" "\nx = y\nz = z""#,
        ]),
        theirs: Err(2),
    },
    Listed {
        reason: "an indented comment before the first property is one, as in the AWS CLI",
        config: "  # c\n[profile a]\n  ; c\nk = v\n",
        credentials: "",
        ours: Ok(&[r#"profile "a""#, r#"profile "a" "k" "v""#]),
        theirs: Err(1),
    },
    Listed {
        reason: "an indented section is one where nothing is there that it could continue, as in the AWS CLI",
        config: " [profile a]\n  k = v\n [profile b]\n  k = w\n",
        credentials: "",
        ours: Ok(&[r#"profile "a""#, r#"profile "a" "k" "v""#, r#"profile "b""#, r#"profile "b" "k" "w""#]),
        theirs: Err(1),
    },
    Listed {
        reason: "editors on Windows write a byte order mark, which the SDK takes for a key before any section",
        config: "\u{feff}[default]\nk = v\n",
        credentials: "",
        ours: Ok(&[r#"profile "default""#, r#"profile "default" "k" "v""#]),
        theirs: Err(1),
    },
    Listed {
        reason: "the AWS CLI reads quoted names, and the SDK ignores them",
        config: "[profile \"two words\"]\nk = v\n",
        credentials: "",
        ours: Ok(&[r#"profile "two words""#, r#"profile "two words" "k" "v""#]),
        theirs: Ok(&[]),
    },
    Listed {
        reason: "the quotes may be single, or a backslash, as in the AWS CLI, and where they are not needed",
        config: "[profile 'a b']\n[profile c\\ d]\n[profile \"e\"]\n[sso-session \"f g\"]\n",
        credentials: "",
        ours: Ok(&[r#"profile "a b""#, r#"profile "c d""#, r#"profile "e""#, r#"sso-session "f g""#]),
        theirs: Ok(&[]),
    },
    Listed {
        reason: "in quotes any printable character may stand, as in the AWS CLI",
        config: "[profile \"$(x)\"]\nk = v\n[profile 'ü!']\n[profile \"a\\\"b\"]\n[profile \"a\tb\"]\n",
        credentials: "",
        ours: Ok(&[r#"profile "$(x)""#, r#"profile "$(x)" "k" "v""#, r#"profile "ü!""#, r#"profile "a\"b""#]),
        theirs: Ok(&[]),
    },
    Listed {
        reason: "also what begins a comment elsewhere, as in the AWS CLI; the SDK misses the bracket",
        config: "[profile \"a#b\"] # c\nk = v\n",
        credentials: "",
        ours: Ok(&[r#"profile "a#b""#, r#"profile "a#b" "k" "v""#]),
        theirs: Err(1),
    },
    Listed {
        reason: "after such a mark a name that is ignored is ignored, as in the AWS CLI; the SDK misses the bracket",
        config: "[profile \"a # b\" c]\nk = v\n[sso-session \"a;b\" d]\n",
        credentials: "",
        ours: Ok(&[]),
        theirs: Err(1),
    },
    Listed {
        reason: "a quoted `default` has the prefix, and so takes the place of the bare one",
        config: "[default]\nk = v\n[profile \"default\"]\nk = w\n",
        credentials: "",
        ours: Ok(&[r#"profile "default""#, r#"profile "default" "k" "w""#]),
        theirs: Ok(&[r#"profile "default""#, r#"profile "default" "k" "v""#]),
    },
    Listed {
        reason: "the keys of the profile `two words` stand under that name, as in the AWS CLI; the SDK ignores it",
        config: "",
        credentials: "[two words]\nk = v\n",
        ours: Ok(&[r#"profile "two words""#, r#"profile "two words" "k" "v""#]),
        theirs: Ok(&[]),
    },
    Listed {
        reason: "a profile without a name could not be asked for; the SDK has one",
        config: "",
        credentials: "[]\nk = v\n",
        ours: Ok(&[]),
        theirs: Ok(&[r#"profile """#, r#"profile "" "k" "v""#]),
    },
    Listed {
        reason: "the same with a prefix, where white space that is no blank is all the name",
        config: "[profile \u{a0}]\n[sso-session \u{a0}]\n",
        credentials: "",
        ours: Ok(&[]),
        theirs: Ok(&[r#"profile """#, r#"sso-session """#]),
    },
];

#[test]
fn the_sdk_reads_only_the_listed_cases_differently() {
    for Listed { reason, config, credentials, ours, theirs } in DIFFERENCES {
        let set = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect::<BTreeSet<_>>();
        assert!(ours != theirs, "no difference: {reason}");
        agree(config, credentials);
        assert_eq!(by_us(config, credentials), ours.map(set), "ours: {reason}");
        assert_eq!(by_sdk(config, credentials), theirs.map(set), "the SDK's: {reason}");
    }
}

/// The SDK merges sections that are spelled differently in the order of a hash map, which changes from run to run;
/// here the last one wins, as everywhere.
#[test]
fn sections_spelled_differently_merge_in_order() {
    let text = "[profile a]\nk = 1\n[profile  a]\nk = 2\n[profile\ta]\nk = 3\n";
    let reading = |n| Ok(BTreeSet::from([r#"profile "a""#.to_owned(), format!(r#"profile "a" "k" "{n}""#)]));
    assert_eq!(by_us(text, ""), reading(3));
    let theirs = by_sdk(text, "");
    assert!((1..=3).any(|n| theirs == reading(n)), "{theirs:?}");
}

/// A small generator (xorshift), so that a failure can be reproduced.
struct Dice(u64);

impl Dice {
    fn below(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % sides as u64).expect("it is below a usize")
    }

    fn text(&mut self, pieces: &[&str]) -> String {
        (0..self.below(24)).map(|_| pieces[self.below(pieces.len())]).collect()
    }
}

#[test]
fn the_sdk_reads_random_texts_the_same() {
    const CONFIG: [&str; 9] = [
        "[profile a]\n",
        "[ profile\tb ]#c\n",
        "[default]\n",
        "[profile default]\n",
        "[services s]\n",
        "[sso-session a]\nk = s\n",
        "[profile a!]\nk = w\n",
        "[a]\nk = w\n",
        "[profle a]\nk = w\n",
    ];
    const CREDENTIALS: [&str; 6] =
        ["[a]\n", "[ b ];c\n", "[default]\n", "[profile a]\nk = w\n", "[a!]\nk = w\n", "[C]\n"];
    const LINES: [&str; 20] = [
        "k = v\n",
        "K=w ;c\n",
        "k = x\r\n",
        "a b = y\n",
        "l =\n a=b\n",
        "l = #\n\tA = c # d\n a = d\r\n",
        "k = v\n more\n",
        "m = v\n\n \n# c\n # d\n",
        "k =\n",
        "# c\n",
        ";\n",
        "\n",
        " \t\r\n",
        "k = v#w\n",
        "k = v\u{a0}#w\n",
        "k==\n",
        "\u{fc} = v\n",
        "a:b = c \n",
        "L = \u{a0}v\r\r\n",
        "l = v = w\n",
    ];
    // One of these may make a text invalid or join two lines; most texts contain none.
    const LOOSE: [&str; 14] = ["[", "]", " ", "\t", "#", ";", "=", "\n", "\r", "k", "ü", "\u{a0}", " a = b\n", " b\n"];
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let mut file = |sections: &[&str]| {
        // Lines before the first section are mostly refused.
        let mut text = if dice.below(16) == 0 { String::new() } else { sections[0].to_owned() };
        for _ in 0..dice.below(12) {
            let pieces = [sections, &LINES, &LINES, &LINES][dice.below(4)];
            let pieces = if dice.below(24) == 0 { &LOOSE } else { pieces };
            text.push_str(pieces[dice.below(pieces.len())]);
        }
        text
    };
    let (mut compared, mut legal) = (0, 0);
    for _ in 0..6_000 {
        let (config, credentials) = (file(&CONFIG), file(&CREDENTIALS));
        agree(&config, &credentials);
        let ours = by_us(&config, &credentials);
        if let Ok(set) = ProfileSet::parse(&config, &credentials) {
            if is_listed(&set) {
                continue;
            }
            legal += 1;
        }
        let theirs = by_sdk(&config, &credentials);
        // If both refuse, the SDK may have met an indented line first; that difference is listed.
        let is_indented = |line: &u32| {
            let at = *line as usize - 1;
            [&config, &credentials]
                .iter()
                .any(|text| text.split('\n').nth(at).is_some_and(|it| it.starts_with([' ', '\t'])))
        };
        if ours.is_err() && ours != theirs && theirs.as_ref().is_err_and(is_indented) {
            continue;
        }
        compared += 1;
        assert_eq!(ours, theirs, "{config:?} {credentials:?}");
    }
    assert!(compared > 5_000 && legal > 1_000, "too few say anything: {compared} compared, {legal} of them legal");
}

#[test]
fn no_text_panics_and_every_span_lies_in_its_file() {
    let mut dice = Dice(0x2545_f491_4f6c_dd1d);
    let pieces = [
        "[",
        "]",
        "profile ",
        "services ",
        "\"",
        "'",
        "\\",
        "=",
        " ",
        "\t",
        "\n",
        "\r",
        "#",
        ";",
        ":",
        "a",
        "Z",
        "\u{feff}",
        "ü",
        "\u{1f408}",
        "\u{0}",
        "\u{2028}",
        "[profile x]\n",
        "[x]\n",
        "\nk = v\n",
        "\nk =\n a = b\n",
        "DEFAULT",
    ];
    for _ in 0..20_000 {
        let (config, credentials) = (dice.text(&pieces), dice.text(&pieces));
        agree(&config, &credentials);
        let Ok(set) = ProfileSet::parse(&config, &credentials) else { continue };
        for difference in set.differences() {
            assert!(!difference.to_string().is_empty());
        }
        for note in set.notes() {
            assert!(!note.to_string().chars().any(char::is_control));
        }
        for name in set.names() {
            let profile = set.get(name).expect("a name that is listed is found");
            assert_eq!(profile.name(), name);
            for property in profile.properties() {
                let file = if property.origin() == super::WhichFile::Config { &config } else { &credentials };
                let (value, lines) = (&file[property.span()], &file[property.lines_span()]);
                assert!(
                    lines.contains(value)
                        && lines.trim_start_matches([' ', '\t']).to_ascii_lowercase().starts_with(&*property.key())
                );
                assert_eq!(property.value().contains('\n'), value.contains('\n'), "{file:?}");
                assert_eq!(property.value(), profile.get(&property.key()).expect("it is there").value());
            }
        }
    }
}

/// Texts that a fuzzer found worth keeping, with the separator of `tests/fuzz/profiles.rs`.
#[test]
fn the_fuzz_corpus_reads_the_same_by_section_and_as_a_whole() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus/profiles");
    let texts = fs::read_dir(corpus).expect("the corpus").map(|file| fs::read(file.expect("a file").path()));
    let texts: Vec<_> = texts.filter_map(|text| String::from_utf8(text.expect("a text")).ok()).collect();
    assert!(texts.len() > 200, "{} texts", texts.len());
    for text in texts {
        let (config, credentials) = text.split_once('\u{1e}').unwrap_or((&text, ""));
        agree(config, credentials);
        agree(credentials, config);
    }
}
