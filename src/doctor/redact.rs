//! A report that can be shared: identities and locations are replaced, and the problems remain.
//!
//! It replaces account IDs, key and user IDs, names of users, devices and role sessions, hosts other than AWS's, and
//! the home folder. The same name always gets the same placeholder, so that the report still makes sense. Profiles and
//! roles keep their names, unless a user or a device has the same name.

use super::{Facts, Report};
use crate::host::Env;
use crate::names::Address;
use crate::plan::Device;

/// The prefixes of AWS IDs of keys and principals.
const ID_PREFIXES: [&str; 6] = ["AKIA", "ASIA", "AIDA", "AROA", "ABIA", "ACCA"];
const SHORTEST_ID: usize = 16;
const ACCOUNT: usize = 12;
/// The resource types in an ARN that a name follows, and the placeholder for the name.
const RESOURCES: [(&str, &str); 6] = [
    (":user/", "<user>"),
    (":mfa/", "<device>"),
    (":u2f/", "<device>"),
    (":sms-mfa/", "<device>"),
    (":assumed-role/", "<session>"),
    (":federated-user/", "<user>"),
];

/// The replacements in a report.
#[derive(Debug, Default)]
pub struct Redaction {
    home: Option<String>,
    /// Names and their placeholders, the longest first.
    names: Vec<(String, &'static str)>,
}

impl Redaction {
    /// The replacements for these facts, this operating-system user and this machine.
    pub fn of(facts: &Facts, user: &str, machine: &str) -> Self {
        let home = facts.home.as_ref().and_then(|home| home.to_str()).map(|home| home.trim_end_matches('/').to_owned());
        let mut names = vec![(user.to_owned(), "<user>"), (machine.to_owned(), "<host>")];
        if let Ok(plan) = facts.plan() {
            let device = plan.device.as_ref().and_then(Device::serial).map(|serial| serial.device().to_owned());
            names.extend(device.map(|device| (device, "<device>")));
        }
        if let Some(answer) = facts.found.answer.get()
            && let Some(Ok(arn)) = &answer.caller
        {
            names.extend(arn.rsplit('/').next().map(|user| (user.to_owned(), "<user>")));
        }
        for name in ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"] {
            names.extend(facts.variables.var(name).and_then(|proxy| host_of(&proxy)).map(|host| (host, "<host>")));
        }
        names.retain(|(name, _)| !name.is_empty());
        names.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
        Self { home: home.filter(|home| !home.is_empty()), names }
    }

    /// Replaces the texts of the report; file paths are replaced by [`Redaction::text`] when they are printed.
    pub fn apply(&self, reports: Vec<Report>) -> Vec<Report> {
        let redacted = |mut report: Report| {
            report.finding.what = self.text(&report.finding.what);
            report.finding.repair = report.finding.repair.map(|repair| self.text(&repair));
            report
        };
        reports.into_iter().map(redacted).collect()
    }

    /// Replaces one text.
    pub fn text(&self, text: &str) -> String {
        let text = match &self.home {
            Some(home) => replace_word(text, home, "~"),
            None => text.to_owned(),
        };
        let text = without_hosts(&without_resources(&text));
        let text = without_ids(&text);
        self.names.iter().fold(text, |text, (name, stand_in)| replace_word(&text, name, stand_in))
    }
}

fn host_of(proxy: &str) -> Option<String> {
    let url = if proxy.contains("://") { proxy.to_owned() } else { format!("http://{proxy}") };
    Some(url.parse::<Address>().ok()?.host().to_owned())
}

/// Replaces each occurrence of `name` as a separate word.
fn replace_word(text: &str, name: &str, stand_in: &str) -> String {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(at) = rest.find(name) {
        let (before, after) = (&rest[..at], &rest[at + name.len()..]);
        out.push_str(before);
        let joined = |c: Option<char>, edge: Option<char>| c.is_some_and(is_part) && edge.is_some_and(is_part);
        let is_inside = joined(out.chars().next_back(), name.chars().next())
            || joined(after.chars().next(), name.chars().next_back());
        out.push_str(if is_inside { name } else { stand_in });
        rest = after;
    }
    out + rest
}

/// Can a name in an ARN contain this character?
fn is_of_a_name(c: char) -> bool {
    c.is_alphanumeric() || "+=,.@-_/".contains(c)
}

/// Replaces names in ARNs. For a role session, the role's name stays.
fn without_resources(text: &str) -> String {
    RESOURCES.iter().fold(text.to_owned(), |text, (resource, stand_in)| {
        let (mut out, mut rest) = (String::new(), text.as_str());
        while let Some(at) = rest.find(resource) {
            let (before, after) = rest.split_at(at + resource.len());
            let end = after.find(|c: char| !is_of_a_name(c)).unwrap_or(after.len());
            // A period or a comma at the end of the sentence is not part of the name.
            let name = after[..end].trim_end_matches(['.', ',']);
            out.push_str(before);
            if *stand_in == "<session>" {
                out.push_str(name.split_once('/').map_or(name, |(role, _)| role));
                out.push('/');
            }
            out.push_str(stand_in);
            rest = &after[name.len()..];
        }
        out + rest
    })
}

/// Replaces hosts that are neither AWS's nor this machine.
fn without_hosts(text: &str) -> String {
    let (mut out, mut rest) = (String::new(), text);
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        out.push_str(before);
        let end = after.find(|c: char| !(c.is_alphanumeric() || ".-:[]_".contains(c))).unwrap_or(after.len());
        let authority = after[..end].trim_end_matches([':', '.']);
        let scheme = before[..at].rsplit(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
        let address: Option<Address> = format!("{scheme}://{authority}").parse().ok();
        let is_known = address.is_some_and(|address| address.is_of_aws() || address.is_loopback());
        out.push_str(if is_known { authority } else { "<host>" });
        rest = &after[authority.len()..];
    }
    out + rest
}

/// Replaces account IDs, and IDs of keys and principals.
fn without_ids(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c.is_ascii_alphanumeric()) {
        let (before, word) = rest.split_at(start);
        let end = word.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(word.len());
        let (word, after) = word.split_at(end);
        out.push_str(before);
        let is_account = word.len() == ACCOUNT && word.bytes().all(|byte| byte.is_ascii_digit());
        let is_id = word.len() >= SHORTEST_ID && ID_PREFIXES.iter().any(|prefix| word.starts_with(prefix));
        out.push_str(match () {
            () if is_account => "<account>",
            () if is_id => "<id>",
            () => word,
        });
        rest = after;
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::Redaction;

    #[test]
    fn who_and_where_is_replaced_and_what_is_wrong_stays() {
        let redaction = Redaction {
            home: Some("/home/al".to_owned()),
            names: vec![("alice".to_owned(), "<user>"), ("al".to_owned(), "<user>"), ("build-7".to_owned(), "<host>")],
        };
        for (text, shown) in [
            ("/home/al/.aws/config:3: x", "~/.aws/config:3: x"),
            ("/home/alfred/.aws", "/home/alfred/.aws"),
            (
                "AWS accepts the key of arn:aws:iam::123456789012:user/dev/alice",
                "AWS accepts the key of arn:aws:iam::<account>:user/<user>",
            ),
            (
                "arn:aws-cn:iam::123456789012:mfa/alice-phone, or another",
                "arn:aws-cn:iam::<account>:mfa/<device>, or another",
            ),
            (
                "arn:aws:sts::123456789012:assumed-role/deploy/alice@build-7 did",
                "arn:aws:sts::<account>:assumed-role/deploy/<session> did",
            ),
            ("the key AKIAABCDEFGHIJKLMNOP ended", "the key <id> ended"),
            ("to https://sts.corp.example:8443/x via proxy", "to https://<host>/x via proxy"),
            ("to https://sts.eu-west-1.amazonaws.com", "to https://sts.eu-west-1.amazonaws.com"),
            ("at http://127.0.0.1:4566", "at http://127.0.0.1:4566"),
            ("also alice, alice's and malice on build-7.", "also <user>, <user>'s and malice on <host>."),
            ("1234567890123 and 12345678901", "1234567890123 and 12345678901"),
            ("AWS_PROFILE is al", "AWS_PROFILE is <user>"),
            ("", ""),
        ] {
            assert_eq!(redaction.text(text), shown, "{text}");
        }
    }
}
