//! The output of each format is read back, by a small reader of that format's own rules, to the same bytes.
//!
//! The input is a byte of switches and texts between unit separators (U+001F): profile, access key, secret, token,
//! region. The posix payload is read as `eval "$(mfa-cred x)"` passes it and as the unquoted `eval $(mfa-cred x)` does:
//! split at white space, joined with single spaces, with nothing in it that a pattern or a brace could match. The fish
//! payload is read whole and as `eval (mfa-cred x)` passes it. The readers know only what these payloads may consist
//! of, so that whatever else the program wrote would be a finding. Texts with a NUL are left out: no environment holds
//! one.
#![no_main]

use std::collections::BTreeMap;

use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;
use mfa_cred::names::ProfileName;
use mfa_cred::output::{Export, Format, process_json};
use mfa_cred::secret::{Credentials, Secret};
use mfa_cred::shell::Shell;

const SEPARATOR: char = '\u{1f}';

/// Variables, `None` for one that is unset.
type Variables = BTreeMap<String, Option<String>>;

fuzz_target!(|input: (u8, &str)| {
    let (switches, text) = input;
    if text.contains('\0') {
        return;
    }
    let mut texts = text.split(SEPARATOR);
    let mut next = || texts.next().unwrap_or_default().to_owned();
    let Some(profile) = ProfileName::new(next()) else { return };
    let credentials = Credentials {
        access_key_id: next(),
        secret_access_key: Secret::new(next()),
        session_token: (switches & 1 > 0).then(|| Secret::new(next())),
        expiration: (switches & 2 > 0).then_some(Timestamp::UNIX_EPOCH),
        account: (switches & 8 > 0).then(|| "123456789012".parse().expect("an account")),
    };
    let region = next().parse().ok();
    process(&credentials);
    for export in [Export::of(&credentials, &profile, region.as_ref(), switches & 4 > 0), Export::clearing()] {
        let meant: Variables =
            export.iter().map(|(name, value)| (name.to_owned(), value.map(|value| value.expose().clone()))).collect();
        let payload = |format: Format| format.render(&export).expect("there is no NUL").expose().clone();

        let posix = payload(Format::Shell(Shell::Posix));
        assert_eq!(Posix::read(&posix), meant, "posix");
        let words: Vec<&str> = posix.split([' ', '\t', '\n']).filter(|word| !word.is_empty()).collect();
        for word in &words {
            assert!(!expands(word), "an unquoted eval could change {word}");
        }
        assert_eq!(Posix::read(&words.join(" ")), meant, "posix, unquoted");

        let fish = payload(Format::Shell(Shell::Fish));
        assert_eq!(fish_read(&fish), meant, "fish");
        let lines: Vec<&str> = fish.split('\n').filter(|line| !line.is_empty()).collect();
        assert_eq!(fish_read(&lines.join(" ")), meant, "fish, by eval");

        let json: BTreeMap<String, Option<String>> =
            serde_json::from_str(&payload(Format::Json)).expect("an object of strings and nulls");
        assert_eq!(json, meant, "json");

        let set = meant.into_iter().filter(|(_, value)| value.is_some()).collect::<Variables>();
        assert_eq!(dotenv_read(&payload(Format::Dotenv)), set, "dotenv");
    }
});

fn process(credentials: &Credentials) {
    let text = process_json(credentials);
    assert_eq!(text.expose().matches('\n').count(), 1, "one line");
    let json: serde_json::Value = serde_json::from_str(text.expose()).expect("JSON");
    let token = credentials.session_token.as_ref().map(|token| token.expose().as_str());
    assert_eq!(json["AccessKeyId"].as_str(), Some(credentials.access_key_id.as_str()));
    assert_eq!(json["SecretAccessKey"].as_str(), Some(credentials.secret_access_key.expose().as_str()));
    assert_eq!(json.get("SessionToken").map(|token| token.as_str().expect("a string")), token);
    assert_eq!(json.get("Expiration").is_some(), credentials.expiration.is_some());
    assert_eq!(json.get("AccountId").is_some(), credentials.account.is_some());
}

/// Could a shell match files with the word, or make several of it? Quotes do not count: they are plain characters in
/// what a substitution gives.
fn expands(word: &str) -> bool {
    // Between the braces, that is: a comma before them lists nothing.
    let is_list = |inner: &str| inner.contains(',') || inner.contains("..");
    let has_list = word
        .split_once('{')
        .is_some_and(|(_, after)| after.rsplit_once('}').is_some_and(|(inner, _)| is_list(inner)));
    let has_pattern = ["@(", "!(", "+(", "?(", "*("].iter().any(|start| word.contains(start));
    word.contains(['*', '?', '[']) || has_list || has_pattern || word.starts_with('~')
}

/// A reader of the part of a POSIX shell's language that a payload may consist of.
struct Posix<'a> {
    rest: &'a str,
    variables: Variables,
}

impl<'a> Posix<'a> {
    fn read(text: &'a str) -> Variables {
        let mut reader = Self { rest: text, variables: Variables::new() };
        let mut exported = Vec::new();
        loop {
            reader.rest = reader.rest.trim_start_matches([' ', '\t', '\n']);
            if reader.rest.is_empty() {
                break;
            }
            if reader.takes("if test \" \";then ") {
                // Its end is a statement of its own.
                continue;
            }
            if reader.takes("fi;") {
                continue;
            }
            if reader.takes("if test \"${") {
                let name = reader.name();
                assert!(reader.takes("+x}\";then \\unset "), "what is asked about is unset");
                assert_eq!(reader.name(), name);
                reader.variables.insert(name, None);
            } else if reader.takes("\\unset ") {
                let name = reader.name();
                reader.variables.insert(name, None);
            } else if reader.takes("\\export ") {
                let name = reader.name();
                if reader.takes("=") {
                    let value = reader.word();
                    reader.variables.insert(name.clone(), Some(value));
                }
                exported.push(name);
            } else {
                let name = reader.name();
                assert!(reader.takes("="), "neither a command nor an assignment");
                let value = reader.word();
                reader.variables.insert(name, Some(value));
            }
            assert!(reader.takes(";"), "a statement must end");
        }
        let set = reader.variables.iter().filter(|(_, value)| value.is_some());
        assert!(set.map(|(name, _)| name).all(|name| exported.contains(name)), "set and not exported");
        reader.variables
    }

    fn takes(&mut self, what: &str) -> bool {
        self.rest.strip_prefix(what).inspect(|rest| self.rest = rest).is_some()
    }

    fn until(&mut self, end: char) -> &'a str {
        let (text, rest) = self.rest.split_once(end).expect("it is closed");
        self.rest = rest;
        text
    }

    fn name(&mut self) -> String {
        let end = self.rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(end);
        assert!(name.starts_with(|c: char| c.is_ascii_alphabetic()), "no name");
        self.rest = rest;
        name.to_owned()
    }

    /// `'…'`, `` "`printf %b '…'`" `` or `"${NAME%x}"`.
    fn word(&mut self) -> String {
        if self.takes("'") {
            return self.until('\'').to_owned();
        }
        assert!(self.takes("\""), "a value must be quoted");
        let value = if self.takes("`printf %b '") {
            let printed = printf_b(self.until('\''));
            assert!(self.takes("`"), "a substitution must end");
            printed.trim_end_matches('\n').to_owned()
        } else {
            assert!(self.takes("${"), "nothing else stands in double quotes");
            let name = self.name();
            assert!(self.takes("%x}"), "nothing else is cut off");
            let value = self.variables.get(&name).cloned().flatten().unwrap_or_default();
            value.strip_suffix('x').map_or(value.clone(), str::to_owned)
        };
        assert!(self.takes("\""), "a quote must end");
        value
    }
}

/// `printf %b`: `\0` and up to three octal digits is a byte.
fn printf_b(text: &str) -> String {
    let bytes = text.as_bytes();
    let (mut printed, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        if bytes[at] != b'\\' {
            printed.push(bytes[at]);
            at += 1;
            continue;
        }
        assert_eq!(bytes.get(at + 1), Some(&b'0'), "no other escape is the same in every shell");
        let digits = bytes[at + 2..].iter().take(3).take_while(|byte| matches!(byte, b'0'..=b'7')).count();
        let number = bytes[at + 2..at + 2 + digits].iter().fold(0, |sum, digit| sum * 8 + u32::from(digit - b'0'));
        printed.push(u8::try_from(number).expect("a byte"));
        at += 2 + digits;
    }
    String::from_utf8(printed).expect("it was text")
}

/// `set -gx NAME WORD;`, `while set -ql NAME;set -el NAME;end;`, `if set -qg NAME;set -eg NAME;end;` and what stands in
/// for a universal variable, `if set -qUx NAME;set -gx NAME WORD;end;`, as a fish without one reads them.
fn fish_read(text: &str) -> Variables {
    let mut variables = Variables::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches([' ', '\n']);
        if rest.is_empty() {
            return variables;
        }
        if let Some(unset) = rest.strip_prefix("if set -qg ") {
            let (name, after) = unset.split_once(';').expect("a condition must end");
            variables.insert(name.to_owned(), None);
            rest = after.strip_prefix(&format!("set -eg {name};end;")).expect("what is unset is what was asked about");
            continue;
        }
        if let Some(unset) = rest.strip_prefix("while set -ql ") {
            let (name, after) = unset.split_once(';').expect("a condition must end");
            rest = after.strip_prefix(&format!("set -el {name};end;")).expect("what is unset is what was asked about");
            continue;
        }
        if let Some(hidden) = rest.strip_prefix("if set -qUx ") {
            let (name, after) = hidden.split_once(';').expect("a condition must end");
            let word =
                after.strip_prefix(&format!("set -gx {name} ")).expect("what is hidden is what was asked about");
            rest = fish_word(word).1.strip_prefix(";end;").expect("a condition's end");
            continue;
        }
        let (name, word) = rest.strip_prefix("set -gx ").and_then(|set| set.split_once(' ')).expect("a statement");
        let (value, after) = fish_word(word);
        variables.insert(name.to_owned(), Some(value));
        rest = after.strip_prefix(';').expect("a statement must end");
    }
}

/// A word of single-quoted pieces, in which `\'` and `\\` are escapes, and of `\xHH` between them.
fn fish_word(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut is_quoted = false;
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '\'' => is_quoted = !is_quoted,
            '\\' if is_quoted => match chars.next_if(|(_, next)| matches!(next, '\'' | '\\')) {
                Some((_, escaped)) => value.push(escaped),
                None => value.push('\\'),
            },
            '\\' => {
                assert_eq!(chars.next().map(|(_, c)| c), Some('x'), "no other escape stands outside quotes");
                let mut digits = String::new();
                while let Some((_, digit)) = chars.next_if(|(_, c)| digits.len() < 2 && c.is_ascii_hexdigit()) {
                    digits.push(digit);
                }
                let number = u8::from_str_radix(&digits, 16).expect("a number");
                assert!(number.is_ascii(), "a byte above U+007F is no character");
                value.push(char::from(number));
            }
            _ if is_quoted => value.push(c),
            _ => return (value, &text[at..]),
        }
    }
    panic!("a statement must end");
}

/// `NAME=value` lines, bare or in quotes of either kind.
fn dotenv_read(text: &str) -> Variables {
    let line = |line: &str| {
        let (name, value) = line.split_once('=').expect("an assignment");
        let value = if let Some(quoted) = value.strip_prefix('"') {
            double_quoted(quoted)
        } else if let Some(quoted) = value.strip_prefix('\'') {
            let text = quoted.strip_suffix('\'').expect("a quote must end");
            // Where the libraries would not agree.
            assert!(!text.contains('\'') && !text.contains("\\\\") && !text.ends_with('\\'), "not literal");
            text.to_owned()
        } else {
            assert!(!value.contains(['\'', '"', '\\', '$', '#', ' ', '`']), "a bare value must be plain");
            value.to_owned()
        };
        (name.to_owned(), Some(value))
    };
    assert!(text.is_empty() || text.ends_with('\n'));
    text.split('\n').filter(|text| !text.is_empty()).map(line).collect()
}

fn double_quoted(text: &str) -> String {
    let mut value = String::new();
    let mut chars = text.chars();
    loop {
        match chars.next().expect("a quote must end") {
            '"' => break,
            '\\' => match chars.next().expect("an escape is whole") {
                'n' => value.push('\n'),
                'r' => value.push('\r'),
                c @ ('"' | '\\' | '$' | '`') => value.push(c),
                c => panic!("no library knows \\{c}"),
            },
            '$' | '`' => panic!("it would expand"),
            c => value.push(c),
        }
    }
    assert_eq!(chars.next(), None, "nothing follows the quote");
    value
}
