//! Nushell: reads the object of `--format json` by `from json | load-env`, where `null` means unset.

use super::candidates::{is_plain, replaced};
use super::{Completion, Dialect, Init, Loading, Startup, Statements, Words};

pub(super) const DIALECT: Dialect = Dialect {
    name: "nu",
    programs: &[],
    statements: Statements::Object,
    evaluating: |command| format!("{command} | from json | load-env"),
    init: Some(Init {
        command: include_str!("../../shell/mfa-cred.nu"),
        segment: Some(include_str!("../../shell/prompt.nu")),
        renewal: Some(include_str!("../../shell/renew.nu")),
        quote: string,
        loading: Loading::Itself,
    }),
    completion: Some(Completion {
        script: include_str!("../../completions/mfa-cred.nu"),
        call: "^mfa-cred ",
        call_at: |program| format!("^{program} "),
        comes_first: false,
        words: Words::Arguments,
        can_offer: true,
        offer: |cursor, candidates| replaced(shown, cursor, candidates),
    }),
    color_marks: None,
    startup: &[
        Startup::Config("nushell/config.nu"),
        Startup::Config("nushell/env.nu"),
        Startup::Whole("nushell/autoload/mfa-cred.nu"),
    ],
};

/// A Nushell string in double quotes, where backslashes escape and nothing is expanded.
fn string(text: &str) -> String {
    let mut quoted = "\"".to_owned();
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            _ if c.is_control() => quoted.push_str(&format!("\\u{{{:x}}}", u32::from(c))),
            _ => quoted.push(c),
        }
    }
    quoted + "\""
}

/// A Nushell word. A word that looks like a number or a size is quoted, because Nushell would convert it.
fn shown(word: &str) -> String {
    match word {
        "true" | "false" | "null" => format!("'{word}'"),
        _ if is_plain(word) => word.to_owned(),
        _ if !word.contains('\'') => format!("'{word}'"),
        _ => format!("\"{}\"", word.replace('\\', "\\\\").replace('"', "\\\"")),
    }
}
