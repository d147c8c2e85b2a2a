//! The formats that no shell evaluates, read back by their usual readers.

use std::fs;
use std::process::Command;

use mfa_cred::names::ProfileName;
use mfa_cred::output::{Export, Format};
use mfa_cred::secret::{Credentials, Secret};

use super::NAMES;
use crate::support::pty::PATIENCE;
use crate::support::tools::skip_without;
use crate::support::world::{Cast, World};

/// Values that no file can contain, except as names.
const OTHERS: [&str; 9] =
    ["a\nb", "\r\n", "a\n\n", "\t", "\u{1}\u{1b}[31m\u{7f}\u{9b}", "it's $HOME", "'\\n'", "AKIA/+==", "\u{10ffff}"];

/// An export in which `text` is the session token and the profile's name, and the access key ID is `AKIA`.
fn export(text: &str) -> Export {
    let credentials = Credentials {
        access_key_id: "AKIA".to_owned(),
        secret_access_key: Secret::from("a/b+c="),
        session_token: Some(Secret::from(text)),
        expiration: Some("2026-01-02T03:04:05Z".parse().expect("a time")),
        account: None,
    };
    let region = "eu-west-1".parse().expect("a region");
    Export::of(&credentials, &ProfileName::new(text).expect("not empty"), Some(&region), false)
}

/// How Python's own parser reads each text, using a script that gets the files' folder and prints JSON.
fn by_python(texts: &[String], script: &str) -> serde_json::Value {
    let folder = tempfile::tempdir().expect("a folder");
    for (n, text) in texts.iter().enumerate() {
        fs::write(folder.path().join(n.to_string()), text).expect("a file");
    }
    let program = format!(
        "import json, sys\nread = lambda n: open(f'{{sys.argv[1]}}/{{n}}', newline='', encoding='utf-8').read()\n{script}"
    );
    let output =
        Command::new("python3").args(["-c", &program]).arg(folder.path()).arg(texts.len().to_string()).output();
    let output = output.expect("python3 runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

fn texts() -> Vec<&'static str> {
    NAMES.into_iter().chain(OTHERS).collect()
}

#[test]
fn json_is_read_back_by_another_parser() {
    let payloads: Vec<String> = texts()
        .iter()
        .map(|text| Format::Json.render(&export(text)).expect("it holds any text").expose().clone())
        .collect();
    let read = by_python(&payloads, "json.dump([json.loads(read(n)) for n in range(int(sys.argv[2]))], sys.stdout)");
    for (read, text) in read.as_array().expect("a list").iter().zip(texts()) {
        let expected = serde_json::json!({
            "AWS_ACCESS_KEY_ID": "AKIA",
            "AWS_SECRET_ACCESS_KEY": "a/b+c=",
            "AWS_SESSION_TOKEN": text,
            "AWS_CREDENTIAL_EXPIRATION": "2026-01-02T03:04:05Z",
            "AWS_REGION": "eu-west-1",
            "AWS_DEFAULT_REGION": "eu-west-1",
            "MFA_CRED_PROFILE": text,
            "AWSUME_PROFILE": text,
            "AWS_PROFILE": null,
            "AWS_DEFAULT_PROFILE": null,
            "AWS_SECURITY_TOKEN": null,
            "AWSUME_EXPIRATION": null,
        });
        assert_eq!(read, &expected);
    }
    assert_eq!(read.as_array().map(Vec::len), Some(texts().len()));
}

/// A line of a dotenv file, by the rules that its readers have in common: bare and single-quoted text stands for
/// itself; in double quotes a backslash escapes.
fn dotenv_line(line: &str) -> (String, String) {
    let (name, value) = line.split_once('=').expect("a `=`");
    let inside = |quote: char| value.strip_prefix(quote).and_then(|value| value.strip_suffix(quote));
    let value = if let Some(literal) = inside('\'') {
        assert!(!literal.contains('\''), "{line}");
        literal.to_owned()
    } else if let Some(escaped) = inside('"') {
        let mut text = String::new();
        let mut chars = escaped.chars();
        while let Some(c) = chars.next() {
            match c {
                '"' | '$' | '`' => panic!("{c} is not escaped: {line}"),
                '\\' => text.push(match chars.next().expect("what is escaped") {
                    'n' => '\n',
                    'r' => '\r',
                    c @ ('"' | '\\' | '$' | '`') => c,
                    c => panic!("{c} is escaped: {line}"),
                }),
                c => text.push(c),
            }
        }
        text
    } else {
        assert!(!value.contains([' ', '\t', '#', '\'', '"', '\\', '$', '`']), "{line}");
        value.to_owned()
    };
    (name.to_owned(), value)
}

#[test]
fn dotenv_is_read_back_by_its_rules() {
    for text in texts() {
        let payload = Format::Dotenv.render(&export(text)).expect("it holds any text").expose().clone();
        // A lone carriage return does not end a line.
        let lines: Vec<_> = payload.split_terminator('\n').map(dotenv_line).collect();
        let expected = [
            ("AWS_ACCESS_KEY_ID", "AKIA"),
            ("AWS_SECRET_ACCESS_KEY", "a/b+c="),
            ("AWS_SESSION_TOKEN", text),
            ("AWS_CREDENTIAL_EXPIRATION", "2026-01-02T03:04:05Z"),
            ("AWS_REGION", "eu-west-1"),
            ("AWS_DEFAULT_REGION", "eu-west-1"),
            ("MFA_CRED_PROFILE", text),
            ("AWSUME_PROFILE", text),
        ];
        assert_eq!(lines, expected.map(|(name, value)| (name.to_owned(), value.to_owned())), "{payload}");
    }
}

/// python-dotenv expands `${…}` in any quotes, keeps the backslash before `$` and a backquote, and cannot read a
/// backslash before the closing quote; it must agree on everything else.
#[test]
fn dotenv_is_read_back_by_python_dotenv() {
    let there = Command::new("python3").args(["-c", "import dotenv"]).output().expect("python3 runs");
    if !there.status.success() {
        return skip_without("its files", "python-dotenv");
    }
    let agreed: Vec<&str> = texts()
        .into_iter()
        .filter(|text| {
            let payload = Format::Dotenv.render(&export(text)).expect("it holds any text").expose().clone();
            !text.contains("${") && !text.ends_with('\\') && !payload.contains("\\$") && !payload.contains("\\`")
        })
        .collect();
    let payloads: Vec<String> = agreed
        .iter()
        .map(|text| Format::Dotenv.render(&export(text)).expect("it holds any text").expose().clone())
        .collect();
    let script = "import dotenv\njson.dump([dotenv.dotenv_values(f'{sys.argv[1]}/{n}') for n in range(int(sys.argv[2]))], sys.stdout)";
    let read = by_python(&payloads, script);
    for (read, text) in read.as_array().expect("a list").iter().zip(&agreed) {
        assert_eq!((&read["MFA_CRED_PROFILE"], &read["AWS_SESSION_TOKEN"]), (&(*text).into(), &(*text).into()));
        assert_eq!(read["AWSUME_PROFILE"], *text);
    }
    assert!(agreed.len() > 60, "too few: {}", agreed.len());
}

/// The names as the AWS CLI reads them (`shlex` of the text between the brackets), and as this program lists them.
#[test]
fn pythons_shlex_reads_the_same_names_from_the_config_file() {
    let Cast { world, .. } = World::cast();
    let written = [
        r#""a\$b\`c\"d\\e\f""#,
        r"'a\b'",
        r#"a\"\'\ b"#,
        r#"'a'"b"\c"#,
        "\"#;[]=\"",
        "\"$(touch PWNED)\"",
        "\"\u{202e}ü\u{a0}\"",
    ];
    for name in written {
        world.add_config(&format!("[profile {name}]\nregion = eu-west-1\n"));
    }
    let script =
        "import shlex\nprint(json.dumps([shlex.split('profile ' + read(n))[1] for n in range(int(sys.argv[2]))]))";
    let theirs = by_python(&written.map(str::to_owned), script);
    let listed = world.run_other("mfa-cred", &["list", "--json"], PATIENCE);
    let listed: serde_json::Value = serde_json::from_str(&listed.stdout).expect("JSON");
    let ours: Vec<_> = listed.as_array().expect("a list").iter().map(|profile| profile["name"].clone()).collect();
    assert_eq!(ours[3..], theirs.as_array().expect("a list")[..], "{ours:?}");
}
