//! Facts → findings: runs every check on every user and on the account.

use std::fmt::Write as _;

use jiff::{SignedDuration, Timestamp};

use super::facts::{Account, Key, Mfa, Password, Passwords, Root, User, WasUsed};
use super::question::{Question, enroll};
use super::report::ROOT;

/// The minimum password length that CIS and Security Hub require.
const LENGTH: u32 = 14;
/// The number of remembered passwords that they require, which is AWS's maximum.
const REMEMBERED: u32 = 24;

/// What a finding is about.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Subject {
    /// The account.
    Account,
    /// The root user.
    Root,
    /// A user.
    User(String),
    /// A group.
    Group(String),
}

impl Subject {
    /// The name. The root user has the one from the credential report, and the account has none.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Account => None,
            Self::Root => Some(ROOT),
            Self::User(name) | Self::Group(name) => Some(name),
        }
    }
}

/// A finding.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Finding {
    /// The check.
    pub question: Question,
    /// What it is about.
    pub subject: Subject,
    /// What distinguishes it from other findings of the same check, such as a key and its date; may be empty.
    pub detail: String,
    /// What is wrong, in a phrase.
    pub what: String,
    /// How to repair it.
    pub repair: String,
}

/// The age limits.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// For an active access key.
    pub key_age: SignedDuration,
    /// For an unused key or password.
    pub unused: SignedDuration,
}

impl Default for Limits {
    /// The limits of CIS: 90 and 45 days.
    fn default() -> Self {
        Self { key_age: SignedDuration::from_hours(90 * 24), unused: SignedDuration::from_hours(45 * 24) }
    }
}

/// Runs all checks as of `now`, and returns the findings in the order in which they are shown.
pub fn judge(account: &Account, limits: Limits, now: Timestamp) -> Vec<Finding> {
    // A report from last week does not know about later use.
    let now = account.reported.unwrap_or(now);
    let mut judge = Judge { limits, now, found: Vec::new() };
    if let Some(root) = &account.root {
        judge.root(*root);
    }
    for user in &account.users {
        judge.mfa(user);
        judge.keys(user);
        judge.password(user);
        judge.habits(user);
    }
    for group in account.groups.iter().flatten().filter(|group| !group.has_users) {
        let name = &group.name;
        let what = format!("group `{name}` has no users");
        let repair = format!(
            "delete the group's policies, then the group: `aws iam delete-group {}`",
            option("--group-name", name)
        );
        judge.find(Question::GroupWithoutUsers, Subject::Group(name.clone()), String::new(), what, &repair);
    }
    if let Some(passwords) = account.passwords {
        judge.passwords(passwords);
    }
    for gap in &account.gaps {
        let subject = gap.about.as_ref().map_or(Subject::Account, |name| Subject::User(name.clone()));
        let questions: Vec<&str> = gap.questions.iter().map(|question| question.slug()).collect();
        let (call, why, open) = (&gap.call, &gap.why, questions.join(", "));
        let of = gap.about.as_ref().map(|name| format!(" of `{name}`")).unwrap_or_default();
        let what = format!("{call}{of} could not be read: {why}; not checked: {open}");
        let repair =
            format!("allow the auditing profile to call `{call}`, as the AWS managed policy `SecurityAudit` does");
        let repair = match call.as_str() {
            "iam:GetAccountAuthorizationDetails" => format!(
                "{repair}; or check the output of `aws iam get-account-authorization-details`, from someone who may call \
                 it, with `mfa-cred policy check FILE`"
            ),
            "iam:ListUsers" => {
                format!("{repair}; or audit a downloaded credential report: `mfa-cred audit --report FILE`")
            }
            call if call.starts_with("iam:") => repair,
            _ => "generate a new report".to_owned(),
        };
        judge.find(Question::NotAsked, subject, call.clone(), what, &repair);
    }
    judge.found.sort_unstable();
    judge.found.dedup();
    judge.found
}

struct Judge {
    limits: Limits,
    now: Timestamp,
    found: Vec<Finding>,
}

impl Judge {
    fn find(&mut self, question: Question, subject: Subject, detail: String, what: String, repair: &str) {
        self.found.push(Finding { question, subject, detail, what, repair: repair.to_owned() });
    }

    fn of_user(&mut self, question: Question, user: &User, detail: &str, what: &str, repair: &str) {
        let what = format!("user `{}` {what}", user.name);
        self.find(question, Subject::User(user.name.clone()), detail.to_owned(), what, repair);
    }

    fn root(&mut self, root: Root) {
        if root.has_mfa == Some(false) && root.has_credentials != Some(false) {
            let what = "the root user has no MFA device".to_owned();
            let repair = "sign in to the console as root and register one or two security keys";
            self.find(Question::RootWithoutMfa, Subject::Root, String::new(), what, repair);
        }
        if root.has_key == Some(true) {
            let what = "the root user has an active access key".to_owned();
            let repair = "sign in to the console as root and delete the key; use roles instead";
            self.find(Question::RootKey, Subject::Root, String::new(), what, repair);
        }
    }

    fn mfa(&mut self, user: &User) {
        let has_password = matches!(user.password, Some(Password::Since(..)));
        let has_key = user.keys.iter().flatten().any(|key| key.is_active);
        let user_name = option("--user-name", &user.name);
        match user.mfa {
            Some(Mfa::None) => {
                if has_password {
                    let repair = format!(
                        "have the user enroll a device, with {} or in the console; or delete the password: `aws iam \
                         delete-login-profile {user_name}`",
                        enroll()
                    );
                    let what = "has a console password but no MFA device";
                    self.of_user(Question::ConsoleWithoutMfa, user, "", what, &repair);
                }
                if has_key {
                    let what = "has an active access key but no MFA device";
                    let repair = format!(
                        "have the user enroll a device with {}; give programs a role instead of a key",
                        enroll()
                    );
                    self.of_user(Question::KeyWithoutMfa, user, "", what, &repair);
                }
            }
            Some(Mfa::OnlyFido) => {
                let what = "has only security keys or passkeys, which work in the console but not with the AWS API";
                let repair = format!(
                    "have the user also enroll an authenticator app with {}, or sign in with `aws login`",
                    enroll()
                );
                self.of_user(Question::OnlyFido, user, "", what, &repair);
            }
            _ => {}
        }
        // A user who cannot sign in is no risk, and a user with a device need not enroll one.
        let has_credentials = has_password || has_key || user.password.is_none() || user.keys.is_none();
        let Some(judged) = user.judged.as_ref().filter(|_| has_credentials) else { return };
        let of_user = option("--user", &user.name);
        let see = format!("`mfa-cred policy check {of_user}` names the statements and what to change");
        if let Some(why) = &judged.open {
            let what = format!("has policies that do not enforce MFA: {why}");
            self.of_user(Question::MfaNotEnforced, user, why, &what, &see);
        }
        if let Some(why) = judged.stuck.as_ref().filter(|_| matches!(user.mfa, None | Some(Mfa::None))) {
            let what = format!("cannot enroll an MFA device: {why}");
            self.of_user(Question::CannotEnroll, user, why, &what, &see);
        }
    }

    fn keys(&mut self, user: &User) {
        let active: Vec<&Key> = user.keys.iter().flatten().filter(|key| key.is_active).collect();
        for key in &active {
            let (name, user_name) = (&key.name, option("--user-name", &user.name));
            let is_id = name.len() > 1;
            let off = format!(
                "`aws iam update-access-key {user_name} --access-key-id {} --status Inactive`",
                if is_id { name } else { "ID" }
            );
            if let Some(made) = key.made.filter(|made| self.is_over(*made, self.limits.key_age)) {
                let (days, made) = (days(self.limits.key_age), day(made));
                let what = format!("has access key {name} from {made}, more than {days} days old");
                let repair = format!("create a new key, use it everywhere, then deactivate this one: {off}");
                self.of_user(Question::OldKey, user, &format!("key {name} of {made}"), &what, &repair);
            }
            if !key.is_use_known {
                continue;
            }
            let since = key.used.or(key.made).filter(|since| self.is_over(*since, self.limits.unused));
            if let Some(since) = since {
                let (limit, since) = (days(self.limits.unused), day(since));
                let (what, detail) = if key.used.is_some() {
                    (
                        format!("has not used access key {name} since {since}, more than {limit} days ago"),
                        format!("key {name}, last used {since}"),
                    )
                } else {
                    (
                        format!("has never used access key {name}, created on {since}, more than {limit} days ago"),
                        format!("key {name} of {since}, never used"),
                    )
                };
                let repair = format!("deactivate the key, and delete it once no one has missed it: {off}");
                self.of_user(Question::UnusedKey, user, &detail, &what, &repair);
            }
        }
        if active.len() > 1 {
            let what = "has two active access keys";
            self.of_user(Question::TwoActiveKeys, user, "", what, "finish the rotation: deactivate the older key");
        }
    }

    fn password(&mut self, user: &User) {
        let Some(Password::Since(Some(since), was_used)) = user.password else { return };
        if !self.is_over(since, self.limits.unused) {
            return;
        }
        let (limit, since, user_name) = (days(self.limits.unused), day(since), option("--user-name", &user.name));
        let (what, detail) = match was_used {
            WasUsed::Then => (
                format!("has not signed in to the console since {since}, more than {limit} days ago"),
                format!("last used {since}"),
            ),
            WasUsed::Never => (
                format!("has never used the console password from {since}, more than {limit} days old"),
                format!("of {since}, never used"),
            ),
        };
        let repair = format!("delete the password: `aws iam delete-login-profile {user_name}`");
        self.of_user(Question::UnusedPassword, user, &detail, &what, &repair);
    }

    fn habits(&mut self, user: &User) {
        if user.has_group == Some(false) {
            let user_name = option("--user-name", &user.name);
            let repair = format!("add the user to a group: `aws iam add-user-to-group {user_name} --group-name GROUP`");
            self.of_user(Question::UserInNoGroup, user, "", "is in no group", &repair);
        }
        if let Some(policies) = user.own_policies.as_ref().filter(|policies| !policies.is_empty()) {
            let mut sorted = policies.clone();
            sorted.sort_unstable();
            let list = sorted.join(", ");
            let what = format!("has policies attached directly or inline: {list}");
            self.of_user(Question::PoliciesOnUser, user, &list, &what, "attach them to one of the user's groups");
        }
    }

    fn passwords(&mut self, policy: Passwords) {
        let repair = format!(
            "`aws iam update-account-password-policy` replaces the whole policy: repeat the options to keep, and add \
             `--minimum-password-length {LENGTH} --password-reuse-prevention {REMEMBERED}`"
        );
        let Passwords { length, remembered } = policy;
        if length < LENGTH {
            let what =
                format!("the password policy accepts passwords of {length} characters; the minimum should be {LENGTH}");
            self.find(Question::PasswordLength, Subject::Account, format!("minimum length {length}"), what, &repair);
        }
        if remembered < REMEMBERED {
            let mut what = "the password policy ".to_owned();
            let _ = match remembered {
                0 => write!(what, "lets users reuse old passwords"),
                n => write!(what, "remembers {n} passwords"),
            };
            let what = format!("{what}; it should remember {REMEMBERED}");
            self.find(
                Question::PasswordReuse,
                Subject::Account,
                format!("previous passwords remembered: {remembered}"),
                what,
                &repair,
            );
        }
    }

    fn is_over(&self, since: Timestamp, limit: SignedDuration) -> bool {
        self.now.duration_since(since) > limit
    }
}

/// An option of a command, for any shell: a report may come from anyone, and IAM's names may start with a hyphen.
fn option(option: &str, name: &str) -> String {
    let word = shlex::try_quote(name).map_or_else(|_| "NAME".to_owned(), std::borrow::Cow::into_owned);
    format!("{option}{}{word}", if name.starts_with('-') { '=' } else { ' ' })
}

fn days(limit: SignedDuration) -> i64 {
    limit.as_hours() / 24
}

/// A date, not a duration: the output does not change from day to day if nothing else does.
fn day(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d").to_string()
}

#[cfg(test)]
mod tests {
    use super::option;

    #[test]
    fn a_name_in_a_command_is_a_single_word_of_it() {
        for (name, written) in [
            ("alice@example.com", "--user-name alice@example.com"),
            ("-x", "--user-name=-x"),
            ("a b", "--user-name 'a b'"),
            ("$(id)", "--user-name '$(id)'"),
        ] {
            assert_eq!(option("--user-name", name), written);
        }
    }
}
