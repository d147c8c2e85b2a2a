//! An access key as people get it: the console's CSV, the answer of `aws iam create-access-key`, or two lines.
//!
//! In: the bytes. Out: the key, or what is wrong, without any of the bytes. Pure.

use serde_json::Value;

use crate::names::{is_access_key_id, is_temporary_key};
use crate::secret::Secret;

/// Why a text is not an access key. Holds nothing of it.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum NotAKey {
    /// The bytes are no text.
    #[error("it is not text in UTF-8 or UTF-16")]
    NotText,
    /// There is nothing.
    #[error("it is empty")]
    Empty,
    /// A table without the console's columns.
    #[error("it has no columns `Access key ID` and `Secret access key`, as the console's CSV file has")]
    NoColumns,
    /// A row that is cut off, or has other columns than the heading.
    #[error("a line of it is not whole")]
    BrokenRow,
    /// A table of several keys.
    #[error("it has {0} access keys: keep the line of one")]
    Several(usize),
    /// Neither JSON with a key nor two lines.
    #[error(
        "it is neither an access key ID and a secret access key on two lines, nor what `aws iam create-access-key` prints"
    )]
    Neither,
    /// Another tool's answer is not one of a `credential_process`.
    #[error("it is not the JSON that a `credential_process` prints (version 1)")]
    NotProcess,
    /// The identifier.
    #[error("its access key ID is not one plain word")]
    Id,
    /// The identifier is that of a session.
    #[error("its access key is temporary (`ASIA...`), and only long-term access keys are sealed")]
    Temporary,
    /// The secret.
    #[error("its secret access key is empty, or has a space or a control character in it")]
    Secret,
}

/// An access key that a person has given.
#[derive(Clone, Debug)]
pub struct GivenKey {
    /// Its identifier.
    pub id: String,
    /// Its secret.
    pub secret: Secret<String>,
}

impl GivenKey {
    /// A key of these two parts, as far as both can be ones of AWS's or of its likes.
    pub fn of(id: &str, secret: &str) -> Result<Self, NotAKey> {
        let (id, secret) = (id.trim(), secret.trim());
        if id.is_empty() || !is_access_key_id(id) {
            return Err(NotAKey::Id);
        }
        if is_temporary_key(id) {
            return Err(NotAKey::Temporary);
        }
        if secret.is_empty() || secret.contains(|c: char| c.is_control() || c.is_whitespace()) {
            return Err(NotAKey::Secret);
        }
        Ok(Self { id: id.to_owned(), secret: Secret::from(secret) })
    }

    /// The only key of a CSV file that the AWS console offers after it made one: see [`KeyFile`].
    pub fn of_csv(bytes: &[u8]) -> Result<Self, NotAKey> {
        KeyFile::read(bytes).map(|file| file.key)
    }

    /// A key in the JSON that a `credential_process` prints, as tools with a store of their own do. A session's is none.
    pub fn of_process(bytes: &[u8]) -> Result<Self, NotAKey> {
        let answer = Answer(serde_json::from_str(text(bytes)?.trim()).map_err(|_| NotAKey::NotProcess)?);
        let is_there = |name: &str| answer.0.get(name).is_some_and(|value| !value.is_null() && value != "");
        let part = |name: &str| answer.0.get(name).and_then(Value::as_str).ok_or(NotAKey::NotProcess);
        if answer.0.get("Version").and_then(Value::as_u64) != Some(1) {
            return Err(NotAKey::NotProcess);
        }
        if is_there("SessionToken") || is_there("Expiration") {
            return Err(NotAKey::Temporary);
        }
        Self::of(part("AccessKeyId")?, part("SecretAccessKey")?)
    }

    /// A key on two lines, or in the JSON that `aws iam create-access-key` prints.
    pub fn of_text(bytes: &[u8]) -> Result<Self, NotAKey> {
        let text = text(bytes)?.trim();
        if text.starts_with('{') {
            let answer = Answer(serde_json::from_str(text).map_err(|_| NotAKey::Neither)?);
            let key = answer.0.get("AccessKey").unwrap_or(&answer.0);
            if key.get("SessionToken").is_some_and(|token| !token.is_null()) {
                return Err(NotAKey::Temporary);
            }
            let part = |name: &str| key.get(name).and_then(Value::as_str).ok_or(NotAKey::Neither);
            return Self::of(part("AccessKeyId")?, part("SecretAccessKey")?);
        }
        let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        match lines[..] {
            [id, secret] => Self::of(id, secret),
            _ => Err(NotAKey::Neither),
        }
    }
}

/// The CSV file that the AWS console offers after it made an access key, also as a spreadsheet saves it again.
#[derive(Debug)]
pub struct KeyFile {
    /// Its only key.
    pub key: GivenKey,
    /// The user's name, if it has that column.
    pub user: Option<String>,
    /// Does it hold the user's console password, too?
    pub has_password: bool,
}

/// Between columns: the console's, and those of spreadsheets in other countries and of Excel's "Unicode Text".
const BETWEEN: [u8; 3] = [b',', b';', b'\t'];

impl KeyFile {
    /// Reads such a file. It begins with a byte order mark in some versions, is in UTF-8 or (with that mark) UTF-16, ends
    /// its lines either way, and has other columns beside those of the key.
    pub fn read(bytes: &[u8]) -> Result<Self, NotAKey> {
        let decoded;
        let text = if let Some(text) = utf16(bytes) {
            decoded = text?;
            decoded.expose().as_str()
        } else {
            text(bytes)?
        };
        if text.trim().is_empty() {
            return Err(NotAKey::Empty);
        }
        // Excel writes `sep=;` above the heading, so that it reads the file again as it wrote it.
        let text = match text.split_once('\n') {
            Some((first, rest)) if first.trim().trim_matches('"').to_ascii_lowercase().starts_with("sep=") => rest,
            _ => text,
        };
        let read = |between: u8| Self::separated(text, between);
        let mut tables = BETWEEN.into_iter().map(read).filter(|read| !matches!(read, Err(NotAKey::NoColumns)));
        tables.next().unwrap_or(Err(NotAKey::NoColumns))
    }

    fn separated(text: &str, between: u8) -> Result<Self, NotAKey> {
        let mut reader = csv::ReaderBuilder::new();
        let mut rows = reader.delimiter(between).trim(csv::Trim::All).from_reader(text.as_bytes());
        let heading = rows.headers().map_err(|_| NotAKey::BrokenRow)?.clone();
        let column = |name: &str| heading.iter().position(|column| column.eq_ignore_ascii_case(name));
        let (Some(id), Some(secret)) = (column("Access key ID"), column("Secret access key")) else {
            return Err(NotAKey::NoColumns);
        };
        let mut keys = Vec::new();
        for row in rows.records() {
            let row = row.map_err(|_| NotAKey::BrokenRow)?;
            // A spreadsheet keeps an empty row as separators.
            if row.iter().all(str::is_empty) {
                continue;
            }
            let cell = |column: Option<usize>| row.get(column?).filter(|cell| !cell.is_empty());
            keys.push(Self {
                key: GivenKey::of(row.get(id).unwrap_or_default(), row.get(secret).unwrap_or_default())?,
                user: cell(column("User name")).map(str::to_owned),
                has_password: cell(column("Password").or(column("Console password"))).is_some(),
            });
        }
        match keys.len() {
            0 => Err(NotAKey::Empty),
            1 => Ok(keys.remove(0)),
            several => Err(NotAKey::Several(several)),
        }
    }
}

/// The text of bytes that say by their first two that they are UTF-16; `None` for all others.
fn utf16(bytes: &[u8]) -> Option<Result<Secret<String>, NotAKey>> {
    let is_little = match bytes {
        [0xff, 0xfe, ..] => true,
        [0xfe, 0xff, ..] => false,
        _ => return None,
    };
    let (pairs, odd) = bytes[2..].as_chunks::<2>();
    if !odd.is_empty() {
        return Some(Err(NotAKey::NotText));
    }
    // Allocated at full size, since growing would leave copies of the secret in memory.
    let mut text = String::with_capacity(pairs.len() * 3);
    let unit = |pair: &[u8; 2]| if is_little { u16::from_le_bytes(*pair) } else { u16::from_be_bytes(*pair) };
    for c in char::decode_utf16(pairs.iter().map(unit)) {
        let Ok(c) = c else {
            drop(Secret::new(text));
            return Some(Err(NotAKey::NotText));
        };
        text.push(c);
    }
    Some(Ok(Secret::new(text)))
}

fn text(bytes: &[u8]) -> Result<&str, NotAKey> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if bytes.trim_ascii().is_empty() {
        return Err(NotAKey::Empty);
    }
    std::str::from_utf8(bytes).map_err(|_| NotAKey::NotText)
}

/// An answer, whose texts are zeroed with it.
struct Answer(Value);

impl Drop for Answer {
    fn drop(&mut self) {
        zero(std::mem::take(&mut self.0));
    }
}

fn zero(value: Value) {
    match value {
        Value::String(text) => drop(Secret::new(text)),
        Value::Object(fields) => fields.into_iter().for_each(|(_, value)| zero(value)),
        Value::Array(values) => values.into_iter().for_each(zero),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::{GivenKey, KeyFile, NotAKey};

    const ID: &str = "AKIAIOSFODNN7EXAMPLE";
    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

    fn parts(given: Result<GivenKey, NotAKey>) -> Result<(String, String), NotAKey> {
        given.map(|key| (key.id, key.secret.expose().clone()))
    }

    #[test]
    fn the_consoles_csv_in_all_its_forms() {
        for csv in [
            format!("Access key ID,Secret access key\n{ID},{SECRET}\n"),
            format!("\u{feff}Access key ID,Secret access key\r\n{ID},{SECRET}\r\n"),
            format!("\u{feff}Access key ID,Secret access key\r\n{ID},{SECRET}"),
            format!(
                "User name,Password,Access key ID,Secret access key,Console login link\n\
                 alice,\"p,w\",{ID},{SECRET},https://x.signin.aws.amazon.com/console\n"
            ),
            format!("\"Secret Access Key\",\"ACCESS KEY ID\"\n\"{SECRET}\",\"{ID}\"\n"),
            format!("Access key ID;Secret access key\r\n{ID};{SECRET}\r\n"),
            format!("sep=;\r\nAccess key ID;Secret access key\r\n{ID};{SECRET}\r\n"),
            format!("User name\tAccess key ID\tSecret access key\n\"a;b, c\"\t{ID}\t{SECRET}\n\t\t\n"),
        ] {
            assert_eq!(parts(GivenKey::of_csv(csv.as_bytes())), Ok((ID.to_owned(), SECRET.to_owned())), "{csv:?}");
        }
    }

    #[test]
    fn a_spreadsheets_utf_16_is_read_and_what_else_the_file_has_is_known() {
        let csv =
            format!("\u{feff}User name\tPassword\tAccess key ID\tSecret access key\r\nalice\tp\t{ID}\t{SECRET}\r\n");
        for bytes in [
            csv.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>(),
            csv.encode_utf16().flat_map(u16::to_be_bytes).collect(),
            csv.clone().into_bytes(),
        ] {
            let file = KeyFile::read(&bytes).expect("a key");
            assert_eq!((file.key.id.as_str(), file.key.secret.expose().as_str()), (ID, SECRET));
            assert_eq!((file.user.as_deref(), file.has_password), (Some("alice"), true));
        }
        let plain =
            KeyFile::read(format!("Access key ID,Secret access key\n{ID},{SECRET}\n").as_bytes()).expect("a key");
        assert_eq!((plain.user, plain.has_password), (None, false));
        for bytes in [&b"\xff\xfe"[..], b"\xff\xfea", b"\xff\xfe\x00\xd8\x00\x00", b"\xfe\xff\x00 \x00\n"] {
            assert!(matches!(KeyFile::read(bytes), Err(NotAKey::Empty | NotAKey::NotText)), "{bytes:?}");
        }
    }

    #[test]
    fn what_is_no_csv_of_one_key() {
        for (csv, why) in [
            (String::new(), NotAKey::Empty),
            ("\u{feff}\r\n".to_owned(), NotAKey::Empty),
            ("Access key ID,Secret access key\n".to_owned(), NotAKey::Empty),
            (format!("{ID},{SECRET}\n"), NotAKey::NoColumns),
            (format!("Access key ID;Secret access key\n{ID}\n"), NotAKey::BrokenRow),
            (format!("Access key ID,Secret access key\n{ID};{SECRET}\n"), NotAKey::BrokenRow),
            (format!("Access key ID\n{ID}\n"), NotAKey::NoColumns),
            (format!("Access key ID,Secret access key\n{ID}\n"), NotAKey::BrokenRow),
            (format!("Access key ID,Secret access key\n{ID},\n"), NotAKey::Secret),
            (format!("Access key ID,Secret access key\n{ID},wJal rXUt\n"), NotAKey::Secret),
            (format!("Access key ID,Secret access key\nAK IA,{SECRET}\n"), NotAKey::Id),
            (format!("Access key ID,Secret access key\nASIAIOSFODNN7EXAMPLE,{SECRET}\n"), NotAKey::Temporary),
            (format!("Access key ID,Secret access key\n{ID},{SECRET}\n{ID},{SECRET}\n"), NotAKey::Several(2)),
        ] {
            assert_eq!(parts(GivenKey::of_csv(csv.as_bytes())), Err(why), "{csv:?}");
        }
        assert_eq!(parts(GivenKey::of_csv(b"Access key ID,Secret access key\n\xff,x\n")), Err(NotAKey::NotText));
    }

    #[test]
    fn two_lines_or_the_answer_of_the_aws_cli() {
        let whole = Ok((ID.to_owned(), SECRET.to_owned()));
        for (text, key) in [
            (format!("{ID}\n{SECRET}\n"), whole.clone()),
            (format!("\u{feff} {ID} \r\n\r\n{SECRET}"), whole.clone()),
            (
                format!(
                    r#"{{"AccessKey": {{"UserName": "alice", "AccessKeyId": "{ID}", "SecretAccessKey": "{SECRET}"}}}}"#
                ),
                whole.clone(),
            ),
            (
                format!(
                    r#"{{"Version": 1, "AccessKeyId": "{ID}", "SecretAccessKey": "{SECRET}", "SessionToken": null}}"#
                ),
                whole,
            ),
            (
                format!(r#"{{"AccessKeyId": "{ID}", "SecretAccessKey": "{SECRET}", "SessionToken": "x"}}"#),
                Err(NotAKey::Temporary),
            ),
            (format!(r#"{{"AccessKeyId": "{ID}"}}"#), Err(NotAKey::Neither)),
            (format!("{{{ID}"), Err(NotAKey::Neither)),
            (ID.to_owned(), Err(NotAKey::Neither)),
            (format!("{ID}\n{SECRET}\nmore\n"), Err(NotAKey::Neither)),
            (" \n".to_owned(), Err(NotAKey::Empty)),
        ] {
            assert_eq!(parts(GivenKey::of_text(text.as_bytes())), key, "{text:?}");
        }
    }

    #[test]
    fn what_other_tools_print() {
        let whole = Ok((ID.to_owned(), SECRET.to_owned()));
        let json = |rest: &str| format!(r#"{{"AccessKeyId": "{ID}", "SecretAccessKey": "{SECRET}"{rest}}}"#);
        for (text, key) in [
            (json(r#", "Version": 1"#), whole.clone()),
            (json(r#", "Version": 1, "SessionToken": "", "Expiration": null"#) + "\n", whole),
            (json(""), Err(NotAKey::NotProcess)),
            (json(r#", "Version": 2"#), Err(NotAKey::NotProcess)),
            (json(r#", "Version": "1""#), Err(NotAKey::NotProcess)),
            (json(r#", "Version": 1, "SessionToken": "x""#), Err(NotAKey::Temporary)),
            (json(r#", "Version": 1, "Expiration": "2026-11-27T03:00:01Z""#), Err(NotAKey::Temporary)),
            (format!(r#"{{"Version": 1, "AccessKeyId": "{ID}"}}"#), Err(NotAKey::NotProcess)),
            (format!("[{}]", json(r#", "Version": 1"#)), Err(NotAKey::NotProcess)),
            (format!("{}{}", json(r#", "Version": 1"#), json("")), Err(NotAKey::NotProcess)),
            (format!("{ID}\n{SECRET}\n"), Err(NotAKey::NotProcess)),
            (String::new(), Err(NotAKey::Empty)),
        ] {
            assert_eq!(parts(GivenKey::of_process(text.as_bytes())), key, "{text:?}");
        }
    }

    #[test]
    fn errors_hold_nothing_of_the_key() {
        let error = GivenKey::of_text(format!("{ID}\n{SECRET} x\n").as_bytes()).expect_err("a blank");
        assert!(!format!("{error:?} {error}").contains(SECRET));
    }
}
