//! Decides which users to add to the group for users without MFA, and which to remove. Pure: facts in, a plan out.
//!
//! A user who is not certainly without MFA is left alone, because a user who is added by mistake cannot work.

use crate::policy::check;
use crate::policy::evaluate::{Policies, Verdict};
use crate::policy::journey::{Journey, Row, Stage, Subject, Way};
use crate::policy::rules::{CheckOptions, Severity};
use crate::policy::{Document, PolicyKind};

/// What a quarantine needs to know about a user.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Ward {
    /// The name, without its path.
    pub name: String,
    /// The path without its first `/`: empty, or `team/`.
    pub path: String,
    /// Is the user in the group?
    pub is_member: bool,
    /// Does the user have an MFA device of any kind? `None` if that could not be read.
    pub has_mfa: Option<bool>,
    /// Does the user have a password or an active key? `None` if that could not be read.
    pub has_credentials: Option<bool>,
    /// Why something could not be read.
    pub why: String,
}

/// Why a user is left alone.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Kept {
    /// The user is the caller.
    Caller,
    /// `--except`.
    Excepted,
    /// The user has neither a password nor an active access key.
    NoCredentials,
    /// Something could not be read.
    Unknown(String),
}

/// The changes to make. Each list is sorted.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Plan {
    /// The users to add to the group.
    pub add: Vec<Ward>,
    /// The users to remove from it.
    pub remove: Vec<Ward>,
    /// The users who are left alone, and why.
    pub kept: Vec<(String, Kept)>,
}

impl Plan {
    /// Makes the plan. IAM's user names are unique regardless of case, so `callers` and `except` match in any case.
    pub fn of(wards: &[Ward], callers: &[String], except: &[String]) -> Self {
        let is_in = |names: &[String], name: &str| names.iter().any(|one| one.eq_ignore_ascii_case(name));
        let mut plan = Self::default();
        for ward in wards {
            let reason = match ward {
                // Outside with MFA, or inside without it: nothing to change.
                Ward { has_mfa: Some(has_mfa), is_member, .. } if has_mfa != is_member => continue,
                _ if is_in(callers, &ward.name) => Kept::Caller,
                _ if is_in(except, &ward.name) => Kept::Excepted,
                Ward { has_credentials: Some(false), .. } => Kept::NoCredentials,
                Ward { has_mfa: Some(_), has_credentials: Some(true), is_member, .. } => {
                    if *is_member { &mut plan.remove } else { &mut plan.add }.push(ward.clone());
                    continue;
                }
                _ => Kept::Unknown(ward.why.clone()),
            };
            plan.kept.push((ward.name.clone(), reason));
        }
        plan.add.sort_by(|one, other| one.name.cmp(&other.name));
        plan.remove.sort_by(|one, other| one.name.cmp(&other.name));
        plan.kept.sort_by(|one, other| one.0.cmp(&other.0));
        plan
    }

    /// The users who are left alone because something about them could not be read.
    pub fn unknown(&self) -> impl Iterator<Item = (&str, &Kept)> {
        let kept = self.kept.iter().filter(|(_, reason)| matches!(reason, Kept::Unknown(_)));
        kept.map(|(name, reason)| (name.as_str(), reason))
    }
}

/// Why a group with these policies cannot be a quarantine for that user: according to `policy check`, they do not let
/// the user enroll, or they allow something else without MFA, at least to an administrator.
pub fn refusal(identity: &[Document], subject: &Subject) -> Option<String> {
    let options = CheckOptions {
        account: Some(subject.account.clone()),
        partition: Some(subject.partition),
        allows_first_password_change: true,
        ..CheckOptions::default()
    };
    let administrator =
        r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}"#;
    let everything = Document::parse("another policy", administrator.as_bytes(), PolicyKind::User).ok()?;
    let with_all = [identity, &[everything]].concat();
    [identity, &with_all[..]].into_iter().find_map(|identity| {
        let report = check(Policies { identity, boundary: &[] }, subject, None, &options);
        let uncertain = report.journey.as_ref().and_then(uncertain);
        let failure = report.findings.into_iter().find(|finding| finding.severity == Severity::Failure);
        failure.map(|failure| failure.what).or(uncertain)
    })
}

/// A step of enrollment that depends on something unknown, such as the network: a user could get stuck in the group.
fn uncertain(journey: &Journey) -> Option<String> {
    let is_open = |row: &&Row| {
        let cells = [Way::Key, Way::Console].map(|way| journey.cell(row.step, way));
        let is_needed = matches!(row.step, Stage::Find | Stage::CreateNamed | Stage::Enable);
        is_needed && cells.iter().any(|cell| cell.is_wrong() && cell.verdict() == Some(Verdict::Unknown))
    };
    let row = journey.rows.iter().find(is_open)?;
    let actions: Vec<String> = row.requests.iter().map(|(action, _)| format!("`{action}`")).collect();
    Some(format!("it is not certain that users can enroll, since {} may be denied", actions.join(" or ")))
}

#[cfg(test)]
mod tests {
    use super::{Kept, Plan, Ward, refusal};
    use crate::names::Partition;
    use crate::policy::journey::Subject;
    use crate::policy::print::{Choices, Format, print};
    use crate::policy::{Document, PolicyKind};

    #[test]
    fn users_to_add_to_remove_and_to_leave_alone() {
        let ward = |name: &str, is_member, has_mfa, has_credentials| Ward {
            name: name.to_owned(),
            is_member,
            has_mfa,
            has_credentials,
            why: "denied".to_owned(),
            ..Ward::default()
        };
        let (yes, no) = (Some(true), Some(false));
        let wards = [
            ward("zoe", false, no, yes),
            ward("bob", false, no, yes),
            ward("enrolled", true, yes, yes),
            ward("well", false, yes, None),
            ward("held", true, no, None),
            ward("empty", false, no, no),
            ward("empty-inside", true, yes, no),
            ward("Caller", false, no, yes),
            ward("glass", true, yes, yes),
            ward("dark", false, None, None),
            ward("half", false, no, None),
        ];
        let plan = Plan::of(&wards, &["caller".to_owned()], &["GLASS".to_owned()]);
        let names = |of: &[Ward]| of.iter().map(|ward| ward.name.clone()).collect::<Vec<_>>();
        assert_eq!(
            (names(&plan.add), names(&plan.remove)),
            (vec!["bob".into(), "zoe".into()], vec!["enrolled".into()])
        );
        let unknown = || Kept::Unknown("denied".to_owned());
        let kept = [
            ("Caller", Kept::Caller),
            ("dark", unknown()),
            ("empty", Kept::NoCredentials),
            ("empty-inside", Kept::NoCredentials),
            ("glass", Kept::Excepted),
            ("half", unknown()),
        ];
        assert_eq!(plan.kept, kept.map(|(name, reason)| (name.to_owned(), reason)));
        let unknown: Vec<&str> = plan.unknown().map(|(name, _)| name).collect();
        assert_eq!(unknown, ["dark", "half"]);
    }

    #[test]
    fn a_group_that_cannot_be_a_quarantine_is_refused() {
        let account = || "123456789012".parse().expect("an account");
        let subject = Subject::new("alice", account(), Partition::AWS).expect("a name");
        let deep = Subject::new("team/alice", account(), Partition::AWS).expect("a name");
        let printed = |choices| print(Format::Json, &choices);
        let quarantine = printed(Choices { is_quarantine: true, ..Choices::default() });
        let first = printed(Choices { is_quarantine: true, allows_first_password_change: true, ..Choices::default() });
        let console = printed(Choices { is_console_only: true, ..Choices::default() });
        let only_allows = quarantine.replace("\"Deny\"", "\"Allow\"").replace("NotAction", "Action");
        let only_allows = only_allows.replace("\"Allow\",\n            \"NotResource\"", "\"Allow\",\n\"Resource\"");
        // It allows its users only enrollment, but does not deny what other policies allow.
        let mut open: serde_json::Value = serde_json::from_str(&quarantine).expect("JSON");
        let statements = open["Statement"].as_array_mut().expect("statements");
        statements.retain(|statement| statement["Effect"] == "Allow");
        assert!(!statements.is_empty());
        let open = open.to_string();
        let stuck = quarantine.replace("\"iam:EnableMFADevice\",", "");
        for (texts, subject, is_refused) in [
            (vec![&quarantine], &subject, false),
            (vec![&first], &subject, false),
            (vec![&printed(Choices::default())], &subject, false),
            (vec![], &subject, true),
            (vec![&console], &subject, true),
            (vec![&only_allows], &subject, true),
            (vec![&open], &subject, true),
            (vec![&stuck], &subject, true),
            (vec![&quarantine], &deep, true),
        ] {
            let parse = |text: &&String| Document::parse("p", text.as_bytes(), PolicyKind::User).expect("a policy");
            let identity: Vec<Document> = texts.iter().map(parse).collect();
            let why = refusal(&identity, subject);
            assert_eq!(why.is_some(), is_refused, "{texts:?}: {why:?}");
        }
        let unread = Document::unread("p", PolicyKind::User);
        let read = Document::parse("p", quarantine.as_bytes(), PolicyKind::User).expect("a policy");
        let office = r#"{"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Action": "iam:EnableMFADevice",
            "Resource": "*", "Condition": {"NotIpAddress": {"aws:SourceIp": "192.0.2.0/24"}}}}"#;
        let office = Document::parse("q", office.as_bytes(), PolicyKind::User).expect("a policy");
        for (identity, why) in [
            (vec![unread.clone()], ""),
            (vec![read.clone(), unread], "may be denied"),
            (vec![read, office], "`iam:EnableMFADevice` may be denied"),
        ] {
            let refused = refusal(&identity, &subject);
            assert!(refused.as_ref().is_some_and(|it| it.contains(why)), "{why}: {refused:?}");
        }
    }
}
