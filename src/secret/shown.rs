//! How much may be shown of a text that may contain a secret.
//!
//! People keep more than AWS keys in their files: tokens in the arguments of a `credential_process`, seeds in an
//! `mfa_process`, passwords in addresses. The values of unknown keys, and of AWS's documented keys that hold no secret,
//! are shown as they are, unless the name looks like a secret's. For a command, the program and the number of arguments
//! are shown; for an address, no user and no query. Pure.

use std::borrow::Cow;

use crate::names;

/// Shown in place of hidden text.
pub const HIDDEN: &str = "(hidden)";

/// Documented keys, AWS's and ours, that hold no secret although part of the name suggests one.
const HARMLESS: [&str; 4] =
    ["aws_access_key_id", "credential_source", "web_identity_token_file", "web_identity_token_process"];

/// A name that contains one of these anywhere is a secret's name.
const PARTS: [&str; 13] = [
    "webhook",
    "secret",
    "token",
    "passw",
    "passphrase",
    "passcode",
    "seed",
    "key",
    "credential",
    "private",
    "cookie",
    "bearer",
    "mnemonic",
];

/// A name that has one of these as a word is a secret's name.
const WORDS: [&str; 22] = [
    "pass",
    "pwd",
    "pw",
    "pin",
    "pat",
    "otp",
    "totp",
    "psk",
    "auth",
    "authorization",
    "jwt",
    "code",
    "codes",
    "hmac",
    "cred",
    "creds",
    "tok",
    "sig",
    "signature",
    "sas",
    "salt",
    "recovery",
];

/// Keys whose values are command lines, and words in the names of such keys.
const COMMANDS: [&str; 3] = ["cli_pager", "pager", "editor"];
const OF_COMMANDS: [&str; 6] = ["process", "command", "cmd", "exec", "helper", "script"];

/// Must the value of this name be hidden?
pub fn is_named_like_a_secret(name: &str) -> bool {
    let name = name.trim().to_ascii_lowercase();
    if HARMLESS.contains(&name.as_str()) {
        return false;
    }
    let mut words = name.split(|c: char| !c.is_ascii_alphanumeric());
    PARTS.iter().any(|part| name.contains(part)) || words.any(|word| WORDS.contains(&word))
}

/// Is the value a command line?
pub fn is_a_command(name: &str) -> bool {
    let name = name.trim().to_ascii_lowercase();
    // `mfa_process2`, `credential_process_old`: a key that is no longer in use may still hold a valid secret.
    let mut words = name.split(['_', '-', '.']).map(|word| word.trim_end_matches(|c: char| c.is_ascii_digit()));
    COMMANDS.contains(&name.as_str()) || words.any(|word| OF_COMMANDS.contains(&word))
}

/// The value of a property, including nested lines, with its secrets hidden.
pub fn value<'a>(name: &str, value: &'a str) -> Cow<'a, str> {
    if value.is_empty() {
        return value.into();
    }
    // A name without its own value has nested names and values under it.
    if let Some(nested) = value.strip_prefix('\n') {
        let lines = nested.split('\n').map(|line| nested_line(name, line));
        return lines.fold(String::new(), |shown, line| shown + "\n" + &line).into();
    }
    match () {
        () if is_a_command(name) => command(value).into(),
        () if name.trim().eq_ignore_ascii_case("aws_access_key_id") => access_key_id(value).into(),
        () if is_named_like_a_secret(name) => HIDDEN.into(),
        () if !value.contains('\n') => without_paths(name, inline(value)),
        () => value.split('\n').map(|line| nested_line(name, line)).collect::<Vec<_>>().join("\n").into(),
    }
}

/// One line under a key: `name = value`, a comment, or the rest of a long value.
pub fn nested_line<'a>(parent: &str, line: &'a str) -> Cow<'a, str> {
    let text = line.trim_start();
    if text.is_empty() {
        return line.into();
    }
    // Text that is commented out may still contain a valid secret.
    if let Some(mark) = ['#', ';'].into_iter().find(|mark| text.starts_with(*mark)) {
        return format!("{mark} {HIDDEN}").into();
    }
    if is_a_command(parent) || is_named_like_a_secret(parent) {
        return HIDDEN.into();
    }
    // In an address, `=` belongs to its query or path.
    match line.split_once('=').filter(|(name, _)| !name.contains("//")) {
        Some((name, rest)) if is_a_command(name) || is_named_like_a_secret(name) => {
            let blank = &rest[..rest.len() - rest.trim_start().len()];
            format!("{name}={blank}{}", value(name, rest.trim_start())).into()
        }
        Some((name, rest)) => match without_paths(name, inline(rest)) {
            Cow::Borrowed(_) => line.into(),
            Cow::Owned(rest) => format!("{name}={rest}").into(),
        },
        None => without_paths(parent, inline(line)),
    }
}

/// AWS's documented keys whose values are addresses, with no secret in their paths.
const ADDRESSES: [&str; 3] = ["endpoint_url", "sso_start_url", "ec2_metadata_service_endpoint"];

/// The value with each address cut off after its host, unless the key is known: the path of a webhook is its secret.
fn without_paths<'a>(name: &str, value: Cow<'a, str>) -> Cow<'a, str> {
    if ADDRESSES.contains(&name.trim().to_ascii_lowercase().as_str()) {
        return value;
    }
    let words = value.split_inclusive(ends_word);
    let shown: String = words.map(|word| host_alone(word).unwrap_or_else(|| word.to_owned())).collect();
    if shown == *value { value } else { shown.into() }
}

fn ends_word(c: char) -> bool {
    c.is_whitespace() || matches!(c, ',' | ';' | '"' | '\'')
}

/// Delimiters of an address, percent-encoded: what looks like a host may contain a path.
const ENCODED: [&str; 5] = ["%2f", "%5c", "%3f", "%23", "%40"];

/// The address without its path, and with the character that ends it; `None` if it has no path. The path of a file is
/// no address, but `//host.example/x` is one.
fn host_alone(word: &str) -> Option<String> {
    let lower = word.to_ascii_lowercase();
    let end = word.trim_end_matches(ends_word).len();
    // JSON may escape a slash.
    let scheme = ["://", ":\\/\\/"].into_iter().filter_map(|mark| Some((word.find(mark)?, mark.len()))).min();
    let start = match scheme {
        Some((at, _)) if lower[..at].ends_with("file") => return None,
        Some((at, size)) => at + size,
        None if lower.contains("%2f%2f") => return Some(format!("{HIDDEN}{}", &word[end..])),
        None if word.starts_with("//") => 2,
        None => return None,
    };
    let path = word[start..end].find(['/', '\\']).map_or(end, |at| start + at);
    let host = &lower[start..path];
    if scheme.is_none() && !host.contains(['.', ':', '@']) {
        return None;
    }
    if ENCODED.iter().any(|mark| host.contains(mark)) {
        return Some(format!("{}{HIDDEN}{}", &word[..start], &word[end..]));
    }
    (path + 1 < end).then(|| format!("{}/{HIDDEN}{}", &word[..path], &word[end..]))
}

/// A value that may be an address, or may contain `name = value`, `name: value` or `--name value`.
fn inline(value: &str) -> Cow<'_, str> {
    if is_shaped_like_a_secret(value) {
        return HIDDEN.into();
    }
    let marks = value.match_indices(|c: char| c.is_whitespace() || matches!(c, '=' | ':'));
    let mut assigned = marks.filter(|(at, mark)| !(*mark == ":" && value[*at..].starts_with("://")));
    let first = assigned.find(|(at, mark)| {
        let before = &value[value.floor_char_boundary(at.saturating_sub(LONGEST_NAME))..*at];
        let name = last_word(before);
        let is_name = matches!(*mark, "=" | ":") || name.starts_with('-');
        let is_for_a_user = ["-u", "--user", "--proxy-user"].contains(&name)
            && value[at + mark.len()..].split_whitespace().next().is_some_and(|user| user.contains(':'));
        is_for_a_user || is_name && !name.contains("://") && !name.starts_with("arn:") && is_named_like_a_secret(name)
    });
    match first {
        Some((at, mark)) => format!("{} {HIDDEN}", url(&value[..at + mark.len()]).trim_end()).into(),
        None => url(value),
    }
}

/// The text before a mark that may be a name. The bound keeps a value with many marks from being read once per mark.
const LONGEST_NAME: usize = 96;

fn last_word(text: &str) -> &str {
    let is_between = |c: char| c.is_whitespace() || matches!(c, ',' | ';' | '&' | '?' | '=' | '{' | '[' | '(');
    let word = text.trim_end().rsplit(is_between).next().unwrap_or_default();
    // In JSON, or in shell quotes.
    word.trim_matches(['"', '\'', '`'])
}

/// The prefixes that vendors give to their secrets so that scanners find them.
const BEGINNINGS: [&str; 16] = [
    "-----begin",
    "age-secret-key-",
    "bearer ",
    "basic ",
    "eyj",
    "ghp_",
    "gho_",
    "ghs_",
    "ghu_",
    "github_pat_",
    "glpat-",
    "hvs.",
    "otpauth:",
    "sk-",
    "xapp-",
    "xox",
];
/// The length of an AWS secret access key.
const SECRET_OF_AWS: usize = 40;

/// Text that marks a secret wherever it appears.
const ANYWHERE: [&str; 2] = ["-----begin", "otpauth://"];
/// A word of at least this length with a vendor's prefix is a secret even in the middle of a text.
const LONG: usize = 16;

/// Does the text look like a secret, whatever its name is?
fn is_shaped_like_a_secret(value: &str) -> bool {
    let lower = value.trim_start().to_ascii_lowercase();
    let begins = |text: &str| BEGINNINGS.iter().any(|beginning| text.starts_with(beginning));
    let is_between = |c: char| {
        c.is_whitespace()
            || matches!(c, '"' | '\'' | ',' | ';' | '=' | ':' | '@' | '&' | '?' | '(' | '<' | '[' | '{' | '|')
    };
    begins(&lower)
        || ANYWHERE.iter().any(|mark| lower.contains(mark))
        || lower.split(is_between).any(|word| word.len() >= LONG && begins(word))
        || value.split(is_between).any(|word| is_like_a_secret_of_aws(word) || is_like_a_seed(word))
}

/// An access key ID is of the same letters, and has four for its kind first.
fn is_like_a_seed(word: &str) -> bool {
    names::is_like_a_seed(word) && !matches!((word.len(), &word.as_bytes()[..1]), (16..=21, b"A"))
}

/// 40 letters of Base64. A path has a `/` in front, and a digest has no capitals.
fn is_like_a_secret_of_aws(word: &str) -> bool {
    let has = |test: fn(&u8) -> bool| word.bytes().any(|byte| test(&byte));
    word.len() == SECRET_OF_AWS
        && !word.starts_with('/')
        && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'))
        && has(u8::is_ascii_uppercase)
        && has(u8::is_ascii_lowercase)
}

/// An access key ID is shown as it is, unless the secret was written in its place.
pub fn access_key_id(id: &str) -> &str {
    if is_like_a_secret_of_aws(id) { HIDDEN } else { id }
}

/// Shows what a program printed about its failure, in an error, without the values of secrets that it names
/// (`password=x`, `"SecretAccessKey": "x"`) or that look like one. A plain `token: expired` is a message and stays.
pub fn said(text: &str) -> String {
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let ends_value = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ',' | ';' | '}' | ')' | '&');
    let (mut shown, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(start) = rest.find(is_of_name) {
        let (before, from) = rest.split_at(start);
        let (name, after) = from.split_at(from.find(|c| !is_of_name(c)).unwrap_or(from.len()));
        let unquoted = after.trim_start_matches(['"', '\'']);
        let is_quoted = unquoted.len() < after.len();
        let sign = unquoted.trim_start();
        let is_given = sign.starts_with('=') || is_quoted && sign.starts_with(':');
        shown.push_str(before);
        if is_given && is_named_like_a_secret(name) {
            let value = sign[1..].trim_start().trim_start_matches(['"', '\'']);
            let end = value.find(ends_value).unwrap_or(value.len());
            shown.push_str(&from[..from.len() - value.len()]);
            shown.push_str(HIDDEN);
            rest = &value[end..];
        } else {
            let word = from.split(|c: char| c.is_whitespace() || ends_value(c)).next().unwrap_or(name);
            let is_secret = is_shaped_like_a_secret(word);
            shown.push_str(if is_secret { HIDDEN } else { name });
            rest = if is_secret { &from[word.len()..] } else { after };
        }
    }
    shown + rest
}

/// Removes users, passwords and queries from all addresses in a text, and leaves the rest as it is.
pub fn url(text: &str) -> Cow<'_, str> {
    let words = text.split_inclusive(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | '"' | '\''));
    let shown: Vec<Cow<'_, str>> = words.map(address).collect();
    if shown.iter().all(|word| matches!(word, Cow::Borrowed(_))) { text.into() } else { shown.concat().into() }
}

fn address(word: &str) -> Cow<'_, str> {
    let (scheme, rest) = match word.split_once("//") {
        Some((scheme, rest)) if scheme.is_empty() || scheme.ends_with(':') => (scheme, rest),
        // `user:password@host`. Session names and the names of AWS devices may look like this too.
        _ => {
            return match word.rsplit_once('@') {
                Some((user, host)) if user.contains(':') && !user.starts_with("arn:") => {
                    format!("{HIDDEN}@{host}").into()
                }
                _ => word.into(),
            };
        }
    };
    let path = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    // A password may contain the characters that end it elsewhere.
    let is_cut = !rest[..path].contains('@') && rest[..path].contains(':');
    let user = if is_cut { rest.rfind('@') } else { rest[..path].rfind('@') };
    let after_user = user.map_or(rest, |at| &rest[at + 1..]);
    let query = after_user.find(['?', '#']);
    if user.is_none() && query.is_none() {
        return word.into();
    }
    let user = if user.is_some() { "(hidden)@" } else { "" };
    let mark = query.map_or(String::new(), |at| format!("{}{HIDDEN}", &after_user[at..=at]));
    format!("{scheme}//{user}{}{mark}", &after_user[..query.unwrap_or(after_user.len())]).into()
}

/// The program of a command line, and the number of its arguments.
pub fn command(line: &str) -> String {
    let words = shlex::split(line).unwrap_or_default();
    match &words[..] {
        [program] if is_a_program(program) => program.clone(),
        [program, _] if is_a_program(program) => format!("{program} (1 argument hidden)"),
        [program, rest @ ..] if is_a_program(program) => format!("{program} ({} arguments hidden)", rest.len()),
        // A variable before the command, a pipeline without blanks or an open quote could contain anything.
        _ => HIDDEN.to_owned(),
    }
}

/// Is it a path or the name of a program? A seed that was written in its place is neither.
fn is_a_program(word: &str) -> bool {
    let is_of_paths =
        |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | '\\' | ':' | '+' | '~' | ' ');
    let name = word.rsplit(['/', '\\']).next().unwrap_or_default();
    let has = |test: fn(&u8) -> bool| name.bytes().any(|byte| test(&byte));
    let is_a_seed = name.len() >= 16
        && name.bytes().all(|b| b.is_ascii_alphanumeric())
        && (has(u8::is_ascii_digit) || has(u8::is_ascii_uppercase));
    let is_a_code = name.bytes().all(|b| b.is_ascii_digit());
    word.chars().all(is_of_paths) && !word.contains("://") && !is_a_seed && !is_a_code && !is_shaped_like_a_secret(word)
}

#[cfg(test)]
mod tests;
