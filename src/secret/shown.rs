//! What may be shown of a text that may hold a secret.
//!
//! People keep more than AWS's own keys in their files: tokens in the arguments of a `credential_process`, seeds in an
//! `mfa_process`, passwords in addresses. Of AWS's documented keys without secrets and of keys that nobody knows, the
//! value is shown as it stands, unless the name looks like a secret's; of a command, the program and the number of its
//! arguments; of an address, no user and no query. Pure.

use std::borrow::Cow;

/// In the place of what is not shown.
pub const HIDDEN: &str = "(hidden)";

/// AWS's documented keys, and ours, that hold no secret although a part of their name says so.
const HARMLESS: [&str; 4] =
    ["aws_access_key_id", "credential_source", "web_identity_token_file", "web_identity_token_process"];

/// Whoever of these stands anywhere in a name makes it a secret's.
const PARTS: [&str; 12] = [
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

/// Whoever of these is one of a name's words makes it a secret's.
const WORDS: [&str; 14] =
    ["pass", "pwd", "pw", "pin", "pat", "otp", "totp", "psk", "auth", "authorization", "jwt", "code", "codes", "hmac"];

/// Keys whose values are command lines, and endings of such keys.
const COMMANDS: [&str; 3] = ["cli_pager", "pager", "editor"];
const OF_COMMANDS: [&str; 6] = ["process", "command", "cmd", "exec", "helper", "script"];

/// Does a value of this name have to stay unseen?
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
    let last = name.rsplit(['_', '-', '.']).next().unwrap_or_default();
    COMMANDS.contains(&name.as_str()) || OF_COMMANDS.contains(&last)
}

/// The value of a property, lines of nested ones included, as far as it may be shown.
pub fn value<'a>(name: &str, value: &'a str) -> Cow<'a, str> {
    if value.is_empty() {
        return value.into();
    }
    // Beneath a name without a value of its own stand names with values.
    if let Some(nested) = value.strip_prefix('\n') {
        let lines = nested.split('\n').map(|line| nested_line(name, line));
        return lines.fold(String::new(), |shown, line| shown + "\n" + &line).into();
    }
    match () {
        () if is_a_command(name) => command(value).into(),
        () if is_named_like_a_secret(name) => HIDDEN.into(),
        () if !value.contains('\n') => inline(value),
        () => value.split('\n').map(|line| nested_line(name, line)).collect::<Vec<_>>().join("\n").into(),
    }
}

/// One line beneath a key: `name = value`, a comment, or the rest of a long value.
pub fn nested_line<'a>(parent: &str, line: &'a str) -> Cow<'a, str> {
    let text = line.trim_start();
    if text.is_empty() {
        return line.into();
    }
    // What a person put out of use may still be good.
    if let Some(mark) = ['#', ';'].into_iter().find(|mark| text.starts_with(*mark)) {
        return format!("{mark} {HIDDEN}").into();
    }
    if is_a_command(parent) || is_named_like_a_secret(parent) {
        return HIDDEN.into();
    }
    match line.split_once('=') {
        Some((name, rest)) if is_a_command(name) || is_named_like_a_secret(name) => {
            let blank = &rest[..rest.len() - rest.trim_start().len()];
            format!("{name}={blank}{}", value(name, rest.trim_start())).into()
        }
        Some((name, rest)) => match inline(rest) {
            Cow::Borrowed(_) => line.into(),
            Cow::Owned(rest) => format!("{name}={rest}").into(),
        },
        None => inline(line),
    }
}

/// A value that may be an address, or `name = value` once more.
fn inline(value: &str) -> Cow<'_, str> {
    match value.split_once('=') {
        Some((name, _)) if !name.contains("://") && is_named_like_a_secret(last_word(name)) => {
            format!("{name}= {HIDDEN}").into()
        }
        _ => url(value),
    }
}

fn last_word(text: &str) -> &str {
    text.split([' ', '\t', ',', ';', '&', '?']).rfind(|word| !word.is_empty()).unwrap_or_default()
}

/// An address without user, password and query; any other text as it is.
pub fn url(text: &str) -> Cow<'_, str> {
    let Some((scheme, rest)) = text.split_once("://") else { return text.into() };
    let path = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, behind) = rest.split_at(path);
    let host = authority.rsplit_once('@').map(|(_, host)| host);
    let query = behind.find(['?', '#']);
    if host.is_none() && query.is_none() {
        return text.into();
    }
    let user = if host.is_some() { "(hidden)@" } else { "" };
    let path = &behind[..query.unwrap_or(behind.len())];
    let mark = query.map_or(String::new(), |at| format!("{}{HIDDEN}", &behind[at..=at]));
    format!("{scheme}://{user}{}{path}{mark}", host.unwrap_or(authority)).into()
}

/// The program of a command line, and how many arguments it gets.
pub fn command(line: &str) -> String {
    let words = shlex::split(line).unwrap_or_default();
    match &words[..] {
        [program] if is_a_program(program) => program.clone(),
        [program, _] if is_a_program(program) => format!("{program} (1 argument hidden)"),
        [program, rest @ ..] if is_a_program(program) => format!("{program} ({} arguments hidden)", rest.len()),
        // A variable before the command, a pipeline without blanks, an open quote: who knows what it holds.
        _ => HIDDEN.to_owned(),
    }
}

/// Is it a path or the name of a program? A seed that somebody wrote in its place is not.
fn is_a_program(word: &str) -> bool {
    let is_of_paths =
        |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | '\\' | ':' | '+' | '~' | ' ');
    let name = word.rsplit(['/', '\\']).next().unwrap_or_default();
    let is_a_seed = name.len() >= 16 && name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
    let is_a_code = name.bytes().all(|b| b.is_ascii_digit());
    word.chars().all(is_of_paths) && !word.contains("://") && !is_a_seed && !is_a_code
}

#[cfg(test)]
mod tests {
    use super::{command, url, value};

    #[test]
    fn harmless_values_stand_as_they_are() {
        for (name, text) in [
            ("region", "eu-west-1"),
            ("aws_access_key_id", "AKIAIOSFODNN7EXAMPLE"),
            ("web_identity_token_file", "/var/run/token"),
            ("role_arn", "arn:aws:iam::123456789012:role/deploy"),
            ("credential_source", "Environment"),
            ("sso_session", "corp"),
            ("session_tags", "team=a,cost=b"),
            ("color_of_the_shed", "green = blue"),
            ("s3", "\nmax_concurrent_requests = 20\nmultipart_threshold = 64MB"),
            ("sts", "\nendpoint_url = https://sts.example:8443/x"),
            ("note", "two\nlines"),
            ("empty", ""),
        ] {
            assert_eq!(value(name, text), text, "{name}");
        }
    }

    #[test]
    fn what_may_be_a_secret_is_hidden() {
        for (name, text, shown) in [
            ("aws_secret_access_key", "hunter2", "(hidden)"),
            ("aws_session_token", "hunter2", "(hidden)"),
            ("aws_security_token", "hunter2", "(hidden)"),
            ("mfa_seed", "hunter2", "(hidden)"),
            ("API-KEY", "hunter2", "(hidden)"),
            ("ProxyPassword", "hunter2", "(hidden)"),
            ("vendor_pass", "hunter2", "(hidden)"),
            ("github_pat_token", "hunter2\nhunter2", "(hidden)"),
            ("vendor", "\nname = x\npassword = hunter2", "\nname = x\npassword = (hidden)"),
            ("vendor", "\nclient_secret=hunter2\n# old: hunter2", "\nclient_secret=(hidden)\n# (hidden)"),
            ("vendor", "password = hunter2", "password = (hidden)"),
            ("sts", "endpoint_url = https://me:hunter2@sts.example", "endpoint_url = https://(hidden)@sts.example"),
            ("sts", "\nendpoint_url=http://hunter2@x/?k=hunter2", "\nendpoint_url=http://(hidden)@x/?(hidden)"),
            ("endpoint_url", "https://me:hunter2@sts.example", "https://(hidden)@sts.example"),
            ("credential_process", "vendor --token hunter2", "vendor (2 arguments hidden)"),
            ("mfa_process", "oathtool -b --totp HUNTER2", "oathtool (3 arguments hidden)"),
            ("mfa_process", "JBSWY3DPEHPK3PXPJBSWY3DP", "(hidden)"),
            ("vendor", "\nmfa_process = oathtool HUNTER2", "\nmfa_process = oathtool (1 argument hidden)"),
            ("credential_process", "vendor\n--token hunter2", "vendor (2 arguments hidden)"),
            ("region", "eu-west-1\naws_secret_access_key = hunter2", "eu-west-1\naws_secret_access_key = (hidden)"),
        ] {
            assert_eq!(value(name, text), shown, "{name} = {text}");
        }
    }

    #[test]
    fn of_a_command_the_program_is_shown() {
        for (line, shown) in [
            ("cat", "cat"),
            ("/opt/a b/vendor x", "/opt/a (2 arguments hidden)"),
            ("'/opt/a b/vendor' x", "/opt/a b/vendor (1 argument hidden)"),
            ("TOKEN=hunter2 vendor", "(hidden)"),
            ("curl\"", "(hidden)"),
            ("echo;hunter2", "(hidden)"),
            ("$(hunter2)", "(hidden)"),
            ("https://hunter2", "(hidden)"),
            ("123456", "(hidden)"),
            ("", "(hidden)"),
        ] {
            assert_eq!(command(line), shown, "{line}");
        }
    }

    #[test]
    fn of_an_address_user_and_query_are_hidden() {
        for (text, shown) in [
            ("no address", "no address"),
            ("https://sts.example/x", "https://sts.example/x"),
            ("https://a@b@sts.example:1/x@y", "https://(hidden)@sts.example:1/x@y"),
            ("socks5://me:pw@proxy", "socks5://(hidden)@proxy"),
            ("https://sts.example/x?sig=1#2", "https://sts.example/x?(hidden)"),
        ] {
            assert_eq!(url(text), shown);
        }
    }
}
