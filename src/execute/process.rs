//! Credentials from a `credential_process`.
//!
//! In: the command line. Out: credentials, or which part of the contract was broken, without any of the output. The
//! contract is AWS's: JSON of version 1, with keys in any case, as in the SDKs. The SDK's own provider is not used: it
//! reads without a limit, leaves hanging processes running, and does not say why a command failed.

use std::time::Duration;

use serde_json::{Map, Value};

use crate::code::command::{self, CommandError, MEGABYTE};
use crate::names::moment;
use crate::secret::{Credentials, Secret, shown};

/// In characters. The end of its stderr says why a command failed.
const LONGEST_SAID: usize = 300;
/// Shorter words of an answer are not secrets.
const LEAST_SECRET: usize = 8;

/// Why a `credential_process` gave no credentials. Contains nothing of its answer.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// It was not run to its end.
    #[error("{0}")]
    Command(CommandError),
    /// It exited with a status other than 0.
    #[error("it failed ({status}){}", quoted(.said))]
    Failed {
        /// How it ended.
        status: std::process::ExitStatus,
        /// The end of its stderr.
        said: String,
    },
    /// It printed nothing.
    #[error("it printed nothing{}", quoted(.said))]
    Empty {
        /// The end of its stderr.
        said: String,
    },
    /// It printed something other than JSON.
    #[error("its output is not a JSON object{}", quoted(.said))]
    NotJson {
        /// The end of its stderr.
        said: String,
    },
    /// A field is missing or invalid.
    #[error("`{name}` in its output {why}")]
    Field {
        /// The field.
        name: &'static str,
        /// The reason.
        why: &'static str,
    },
}

fn quoted(said: &str) -> String {
    if said.is_empty() { String::new() } else { format!(" and said: {said}") }
}

/// Runs the command for at most `limit`; `heard` receives its stderr as it arrives.
pub(super) fn run(line: &str, limit: Duration, heard: &dyn Fn(&str)) -> Result<Credentials, ProcessError> {
    let ran = command::run(line, limit, MEGABYTE, heard).map_err(ProcessError::Command)?;
    let said = || said(&ran.stderr, &ran.stdout);
    if !ran.status.success() {
        return Err(ProcessError::Failed { status: ran.status, said: said() });
    }
    let text = ran.stdout.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&ran.stdout);
    if text.trim_ascii().is_empty() {
        return Err(ProcessError::Empty { said: said() });
    }
    let answer = Answer::parse(text).ok_or_else(|| ProcessError::NotJson { said: said() })?;
    credentials(&answer)
}

/// The credentials that a command printed.
///
/// # Errors
/// Its output breaks the contract. Nothing is known of its stderr.
pub(crate) fn parsed(stdout: &[u8]) -> Result<Credentials, ProcessError> {
    credentials(&Answer::parse(stdout).ok_or(ProcessError::NotJson { said: String::new() })?)
}

/// The end of a command's stderr on one line, without words that it also printed as its answer (as `set -x` does).
fn said(stderr: &[u8], stdout: &[u8]) -> String {
    let text = String::from_utf8_lossy(stderr);
    let text = text.trim().split(['\r', '\n']).filter(|line| !line.trim().is_empty()).collect::<Vec<_>>().join(" | ");
    let length = text.chars().count();
    let cut: String = text.chars().skip(length.saturating_sub(4 * LONGEST_SAID)).collect();
    let answer = String::from_utf8_lossy(stdout);
    let is_of_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=' | '_' | '-');
    let words = answer.split(|c| !is_of_word(c)).filter(|word| word.len() >= LEAST_SECRET);
    let mut secrets: Vec<&str> = words.filter(|word| cut.contains(*word)).collect();
    secrets.sort_by_key(|word| std::cmp::Reverse(word.len()));
    let shown = shown::said(&secrets.iter().fold(cut, |text, word| text.replace(word, "(hidden)")));
    match shown.chars().count().checked_sub(LONGEST_SAID) {
        Some(over) if over > 0 => format!("...{}", shown.chars().skip(over).collect::<String>()),
        _ => shown,
    }
}

/// The fields of an answer, which are zeroed when it is dropped.
pub(super) struct Answer(Map<String, Value>);

impl Drop for Answer {
    fn drop(&mut self) {
        for (_, value) in std::mem::take(&mut self.0) {
            if let Value::String(text) = value {
                drop(Secret::new(text));
            }
        }
    }
}

impl Answer {
    /// `None` unless it is a JSON object.
    pub(super) fn parse(text: &[u8]) -> Option<Self> {
        serde_json::from_slice(text).ok().map(Self)
    }

    /// That field as it stands, if it is text.
    pub(super) fn raw(&self, name: &str) -> Option<&str> {
        self.value(name)?.as_str()
    }

    /// The text of that field; an empty text or `null` counts as missing.
    fn text(&self, name: &'static str) -> Result<Option<&str>, ProcessError> {
        match self.value(name) {
            None | Some(Value::Null) => Ok(None),
            // No key, token or time contains one, and it might have an effect in a shell or a file.
            Some(Value::String(text)) if text.trim().contains(char::is_control) => {
                Err(ProcessError::Field { name, why: "contains a control character" })
            }
            Some(Value::String(text)) => Ok(Some(text.trim()).filter(|text| !text.is_empty())),
            Some(_) => Err(ProcessError::Field { name, why: "is not text" }),
        }
    }

    fn needed(&self, name: &'static str) -> Result<&str, ProcessError> {
        let why = if self.value(name).is_some() { "is empty" } else { "is missing" };
        self.text(name)?.ok_or(ProcessError::Field { name, why })
    }

    fn value(&self, name: &str) -> Option<&Value> {
        self.0.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

fn credentials(answer: &Answer) -> Result<Credentials, ProcessError> {
    match answer.value("Version") {
        Some(Value::Number(version)) if version.as_u64() == Some(1) => {}
        Some(_) => return Err(ProcessError::Field { name: "Version", why: "is not the number 1" }),
        None => return Err(ProcessError::Field { name: "Version", why: "is missing" }),
    }
    let end = |text| moment(text).ok_or(ProcessError::Field { name: "Expiration", why: "is not an ISO 8601 time" });
    Ok(Credentials {
        access_key_id: answer.needed("AccessKeyId")?.to_owned(),
        secret_access_key: Secret::from(answer.needed("SecretAccessKey")?),
        session_token: answer.text("SessionToken")?.map(Secret::from),
        expiration: answer.text("Expiration")?.map(end).transpose()?,
        account: answer.text("AccountId")?.and_then(|id| id.parse().ok()),
    })
}

#[cfg(test)]
mod tests {
    use super::{Answer, said};

    #[test]
    fn a_control_character_in_an_answer_is_an_error() {
        for value in ["AKIA\nX", "se\0cret", "a\u{1b}[31m"] {
            let answer = Answer(serde_json::Map::from_iter([("AccessKeyId".to_owned(), value.into())]));
            assert!(answer.needed("AccessKeyId").is_err(), "{value:?}");
        }
        let answer = Answer(serde_json::Map::from_iter([("AccessKeyId".to_owned(), " AKIAX\n".into())]));
        assert_eq!(answer.needed("AccessKeyId").ok(), Some("AKIAX"));
    }

    #[test]
    fn the_end_of_stderr_is_quoted_on_one_line_without_the_answer() {
        let long = format!("{}the end", "x".repeat(5000));
        for (stderr, stdout, shown) in [
            ("", "", ""),
            ("one\n\ntwo\r\n", "", "one | two"),
            (
                "+ echo {\"SecretAccessKey\":\"hunter2hunter2\"}",
                "{\"SecretAccessKey\":\"hunter2hunter2\"}",
                "+ echo {\"(hidden)\":\"(hidden)\"}",
            ),
            // It failed before it printed its answer.
            ("vend: {\"SecretAccessKey\":\"hunter2\"}", "", "vend: {\"SecretAccessKey\":\"(hidden)\"}"),
        ] {
            assert_eq!(said(stderr.as_bytes(), stdout.as_bytes()), shown);
        }
        let shown = said(long.as_bytes(), b"");
        assert!(shown.starts_with("...xxx") && shown.ends_with("the end") && shown.len() == 303, "{shown}");
    }
}
