//! What is asked of an account: each question with an id that stays, how much a finding of it weighs, the rules of
//! others that ask the same, and a section of `docs/audit.md`.

use std::borrow::Cow;

use crate::messages::ours;

/// How much a finding weighs.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Severity {
    /// The whole account is at stake.
    Critical,
    /// A stolen password or key is enough.
    High,
    /// Makes a theft more likely or its harm greater.
    Medium,
    /// A habit that makes mistakes more likely.
    Low,
    /// Nobody knows: it could not be asked.
    Unknown,
}

impl Severity {
    /// All of them, the worst first.
    pub const ALL: [Self; 5] = [Self::Critical, Self::High, Self::Medium, Self::Low, Self::Unknown];

    /// The word for it, to people and in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
            Self::Unknown => "unknown",
        }
    }
}

/// The CIS Amazon Web Services Foundations Benchmark: its versions, those that number alike together.
const CIS_VERSIONS: [&[&str]; 4] = [&["1.4", "1.5", "2.0", "3.0", "4.0.1"], &["5.0"], &["6.0"], &["7.0"]];

/// The numbers in [`CIS_VERSIONS`]; an empty one is a recommendation that the version does not have.
type Cis = [&'static str; 4];

/// The question is none of CIS's.
const NOT_CIS: Cis = [""; 4];

/// One line a question. A question needs a section in the documentation; a test says so.
macro_rules! questions {
    ($($(#[$doc:meta])* $question:ident $slug:literal $severity:ident, $config:expr, $hub:expr, $cis:expr, $title:literal,
        $advice:expr;)*) => {
        /// What is asked.
        #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        pub enum Question {
            $($(#[$doc])* $question,)*
        }

        impl Question {
            /// All of them, in the order in which they are told.
            pub const ALL: &[Self] = &[$(Self::$question,)*];

            /// Its id, which stays.
            pub fn slug(self) -> &'static str {
                match self { $(Self::$question => $slug,)* }
            }

            /// How much a finding weighs.
            pub fn severity(self) -> Severity {
                match self { $(Self::$question => Severity::$severity,)* }
            }

            /// What was found, in a few words.
            pub fn title(self) -> &'static str {
                match self { $(Self::$question => $title,)* }
            }

            /// What to do, whoever it is about.
            pub fn advice(self) -> Cow<'static, str> {
                match self { $(Self::$question => $advice.into(),)* }
            }

            /// The managed rule of AWS Config that asks it.
            pub fn config_rule(self) -> Option<&'static str> {
                match self { $(Self::$question => $config,)* }
            }

            /// The control of Security Hub that asks it.
            pub fn security_hub(self) -> Option<&'static str> {
                match self { $(Self::$question => $hub,)* }
            }

            fn cis_numbers(self) -> Cis {
                match self { $(Self::$question => $cis,)* }
            }
        }
    };
}

questions! {
    /// The root user signs in with a password alone.
    RootWithoutMfa "root-without-mfa" Critical, Some("root-account-mfa-enabled"), Some("IAM.9"),
        ["1.5", "1.4", "2.4", "2.5"], "root user without MFA",
        "sign in to the console as root and register two MFA devices, at least one of them a security key";
    /// The root user has an access key.
    RootKey "root-key" Critical, Some("iam-root-access-key-check"), Some("IAM.4"),
        ["1.4", "1.3", "2.3", "2.4"], "root user with an access key",
        "sign in to the console as root and delete the key; work with roles instead";
    /// A console password is all that a user needs.
    ConsoleWithoutMfa "console-without-mfa" High, Some("mfa-enabled-for-iam-console-access"), Some("IAM.5"),
        ["1.10", "1.9", "2.9", "2.10"], "console password and no MFA",
        format!("have the user enroll a device ({}, or in the console), or delete the password (`aws iam delete-login-profile`)", enroll());
    /// An access key of a user who has no MFA.
    KeyWithoutMfa "key-without-mfa" High, Some("iam-user-mfa-enabled"), Some("IAM.19"),
        NOT_CIS, "access key and no MFA",
        format!("have the user enroll a device ({}); give programs a role instead of a key", enroll());
    /// The user's policies let requests without MFA through.
    MfaNotEnforced "mfa-not-enforced" High, None, None,
        NOT_CIS, "policies that do not enforce MFA",
        "`mfa-cred policy check --user USER` names the statements; `mfa-cred policy print` prints a policy that enforces MFA";
    /// The user's policies keep the user from enrolling a device.
    CannotEnroll "cannot-enroll" Medium, None, None,
        NOT_CIS, "policies that keep a user from enrolling a device",
        "`mfa-cred policy check --user USER` names the statements and what to change";
    /// Security keys alone, whose codes no API takes.
    OnlyFido "only-fido" Low, None, None,
        NOT_CIS, "only FIDO devices, which the API does not accept",
        format!("have the user enroll an authenticator app as well ({}), or sign in with `aws login`", enroll());
    /// An active access key that was not rotated.
    OldKey "old-key" Medium, Some("access-keys-rotated"), Some("IAM.3"),
        ["1.14", "1.13", "2.13", "2.12"], "access key not rotated",
        "create a new key, switch to it everywhere, then deactivate the old one (`aws iam update-access-key`)";
    /// An active access key that nobody uses.
    UnusedKey "unused-key" Medium, Some("iam-user-unused-credentials-check"), Some("IAM.22"),
        ["1.12", "1.11", "2.11", "2.11"], "access key not used",
        "deactivate the key (`aws iam update-access-key`), and delete it once nobody has missed it";
    /// A console password that nobody uses.
    UnusedPassword "unused-password" Medium, Some("iam-user-unused-credentials-check"), Some("IAM.22"),
        ["1.12", "1.11", "2.11", "2.11"], "console password not used",
        "delete the password (`aws iam delete-login-profile`)";
    /// Two active access keys of one user.
    TwoActiveKeys "two-active-keys" Low, None, None,
        ["1.13", "1.12", "2.12", ""], "two active access keys",
        "finish the rotation: deactivate the older key";
    /// A user in no group.
    UserInNoGroup "user-in-no-group" Low, Some("iam-user-group-membership-check"), None,
        NOT_CIS, "user in no group",
        "add the user to a group (`aws iam add-user-to-group`)";
    /// Policies attached to a user, or inline in one.
    PoliciesOnUser "policies-on-user" Low, Some("iam-user-no-policies-check"), Some("IAM.2"),
        ["1.15", "1.14", "2.14", "2.13"], "policies attached to a user",
        "attach the policies to a group, and put the user into it";
    /// A group without users.
    GroupWithoutUsers "group-without-users" Low, Some("iam-group-has-users-check"), None,
        NOT_CIS, "group without users",
        "delete the group, or put somebody into it";
    /// Short passwords are taken.
    PasswordLength "password-length" Medium, Some("iam-password-policy"), Some("IAM.15"),
        ["1.8", "1.7", "2.7", "2.8"], "short passwords allowed",
        "raise it to 14 with `aws iam update-account-password-policy`, which resets every option that is not named";
    /// Old passwords are taken again.
    PasswordReuse "password-reuse" Low, Some("iam-password-policy"), Some("IAM.16"),
        ["1.9", "1.8", "2.8", "2.9"], "old passwords allowed again",
        "raise it to 24 with `aws iam update-account-password-policy`, which resets every option that is not named";
    /// Something could not be read.
    NotAsked "not-asked" Unknown, None, None,
        NOT_CIS, "could not be checked",
        "let the auditing profile make these calls: the AWS managed policy `SecurityAudit` allows them";
}

/// What a user types, whose profile nobody knows here.
pub(super) fn enroll() -> String {
    ours("device enroll", None)
}

impl Question {
    /// The numbers of the recommendation that asks it, by the version of the CIS benchmark.
    pub fn cis(self) -> impl Iterator<Item = (&'static str, &'static str)> {
        let numbers = CIS_VERSIONS.into_iter().zip(self.cis_numbers()).filter(|(_, number)| !number.is_empty());
        numbers.flat_map(|(versions, number)| versions.iter().map(move |version| (*version, number)))
    }
}

impl std::fmt::Display for Question {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.slug())
    }
}

#[cfg(test)]
mod tests {
    use super::Question;

    #[test]
    fn every_question_has_an_id_of_its_own_and_cis_numbers_by_version() {
        let mut slugs: Vec<&str> = Question::ALL.iter().map(|question| question.slug()).collect();
        slugs.sort_unstable();
        slugs.dedup();
        assert_eq!(slugs.len(), Question::ALL.len());
        let cis: Vec<_> = Question::TwoActiveKeys.cis().collect();
        let expected = ["1.4", "1.5", "2.0", "3.0", "4.0.1"].map(|version| (version, "1.13"));
        assert_eq!(cis, [&expected[..], &[("5.0", "1.12"), ("6.0", "2.12")]].concat());
        assert_eq!(Question::KeyWithoutMfa.cis().count(), 0);
    }
}
