//! The checks of an audit: each has a stable ID, a severity, the corresponding rules of AWS Config, Security Hub and
//! CIS, and a section in `docs/audit.md`.

use std::borrow::Cow;

use crate::messages::ours;

/// The severity of a finding.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Severity {
    /// The whole account is at risk.
    Critical,
    /// A stolen password or key is enough.
    High,
    /// Makes a theft more likely, or its damage greater.
    Medium,
    /// A habit that makes mistakes more likely.
    Low,
    /// Not known: it could not be checked.
    Unknown,
}

impl Severity {
    /// All severities, the worst first.
    pub const ALL: [Self; 5] = [Self::Critical, Self::High, Self::Medium, Self::Low, Self::Unknown];

    /// Its name, in text and in JSON.
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

/// The versions of the CIS Amazon Web Services Foundations Benchmark; those with the same numbering are grouped.
const CIS_VERSIONS: [&[&str]; 4] = [&["1.4", "1.5", "2.0", "3.0", "4.0.1"], &["5.0"], &["6.0"], &["7.0"]];

/// The numbers in [`CIS_VERSIONS`]; empty if the version has no such recommendation.
type Cis = [&'static str; 4];

/// CIS has no such recommendation.
const NOT_CIS: Cis = [""; 4];

/// One entry per check. A test ensures that each has a section in the documentation.
macro_rules! questions {
    ($($(#[$doc:meta])* $question:ident $slug:literal $severity:ident, $config:expr, $hub:expr, $cis:expr, $title:literal,
        $advice:expr;)*) => {
        /// A check.
        #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        pub enum Question {
            $($(#[$doc])* $question,)*
        }

        impl Question {
            /// All checks, in the order in which they are shown.
            pub const ALL: &[Self] = &[$(Self::$question,)*];

            /// Its stable ID.
            pub fn slug(self) -> &'static str {
                match self { $(Self::$question => $slug,)* }
            }

            /// The severity of a finding.
            pub fn severity(self) -> Severity {
                match self { $(Self::$question => Severity::$severity,)* }
            }

            /// A short title for its findings.
            pub fn title(self) -> &'static str {
                match self { $(Self::$question => $title,)* }
            }

            /// How to repair its findings, in general.
            pub fn advice(self) -> Cow<'static, str> {
                match self { $(Self::$question => $advice.into(),)* }
            }

            /// The corresponding managed rule of AWS Config.
            pub fn config_rule(self) -> Option<&'static str> {
                match self { $(Self::$question => $config,)* }
            }

            /// The corresponding control of Security Hub.
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
    /// The root user signs in with only a password.
    RootWithoutMfa "root-without-mfa" Critical, Some("root-account-mfa-enabled"), Some("IAM.9"),
        ["1.5", "1.4", "2.4", "2.5"], "root user without MFA",
        "sign in to the console as root and register two MFA devices, at least one of them a security key";
    /// The root user has an access key.
    RootKey "root-key" Critical, Some("iam-root-access-key-check"), Some("IAM.4"),
        ["1.4", "1.3", "2.3", "2.4"], "root user with an access key",
        "sign in to the console as root and delete the key; work with roles instead";
    /// A user needs only a console password to sign in.
    ConsoleWithoutMfa "console-without-mfa" High, Some("mfa-enabled-for-iam-console-access"), Some("IAM.5"),
        ["1.10", "1.9", "2.9", "2.10"], "console password without MFA",
        format!("have the user enroll a device ({}, or in the console), or delete the password (`aws iam delete-login-profile`)", enroll());
    /// A user without MFA has an access key.
    KeyWithoutMfa "key-without-mfa" High, Some("iam-user-mfa-enabled"), Some("IAM.19"),
        NOT_CIS, "access key without MFA",
        format!("have the user enroll a device ({}); give programs a role instead of a key", enroll());
    /// The user's policies allow requests without MFA.
    MfaNotEnforced "mfa-not-enforced" High, None, None,
        NOT_CIS, "policies that do not enforce MFA",
        "`mfa-cred policy check --user USER` names the statements; `mfa-cred policy print` prints a policy that enforces MFA";
    /// The user's policies prevent the user from enrolling a device.
    CannotEnroll "cannot-enroll" Medium, None, None,
        NOT_CIS, "policies that prevent enrolling a device",
        "`mfa-cred policy check --user USER` names the statements and what to change";
    /// An active access key that was not rotated.
    OldKey "old-key" Medium, Some("access-keys-rotated"), Some("IAM.3"),
        ["1.14", "1.13", "2.13", "2.12"], "access key not rotated",
        "create a new key, switch to it everywhere, then deactivate the old one (`aws iam update-access-key`)";
    /// An active access key that is not used.
    UnusedKey "unused-key" Medium, Some("iam-user-unused-credentials-check"), Some("IAM.22"),
        ["1.12", "1.11", "2.11", "2.11"], "access key not used",
        "deactivate the key (`aws iam update-access-key`), and delete it once no one has missed it";
    /// A console password that is not used.
    UnusedPassword "unused-password" Medium, Some("iam-user-unused-credentials-check"), Some("IAM.22"),
        ["1.12", "1.11", "2.11", "2.11"], "console password not used",
        "delete the password (`aws iam delete-login-profile`)";
    /// Short passwords are accepted.
    PasswordLength "password-length" Medium, Some("iam-password-policy"), Some("IAM.15"),
        ["1.8", "1.7", "2.7", "2.8"], "short passwords allowed",
        "raise it to 14 with `aws iam update-account-password-policy`, which resets every option that you omit";
    /// Only security keys, which the API does not accept.
    OnlyFido "only-fido" Low, None, None,
        NOT_CIS, "only FIDO devices, which the API does not accept",
        format!("have the user also enroll an authenticator app ({}), or sign in with `aws login`", enroll());
    /// Two active access keys of one user.
    TwoActiveKeys "two-active-keys" Low, None, None,
        ["1.13", "1.12", "2.12", ""], "two active access keys",
        "finish the rotation: deactivate the older key";
    /// A user in no group.
    UserInNoGroup "user-in-no-group" Low, Some("iam-user-group-membership-check"), None,
        NOT_CIS, "user in no group",
        "add the user to a group (`aws iam add-user-to-group`)";
    /// Policies attached directly to a user, or inline.
    PoliciesOnUser "policies-on-user" Low, Some("iam-user-no-policies-check"), Some("IAM.2"),
        ["1.15", "1.14", "2.14", "2.13"], "policies attached to a user",
        "attach the policies to a group, and add the user to it";
    /// A group without users.
    GroupWithoutUsers "group-without-users" Low, Some("iam-group-has-users-check"), None,
        NOT_CIS, "group without users",
        "delete the group, or add users to it";
    /// Old passwords can be reused.
    PasswordReuse "password-reuse" Low, Some("iam-password-policy"), Some("IAM.16"),
        ["1.9", "1.8", "2.8", "2.9"], "reuse of old passwords allowed",
        "raise it to 24 with `aws iam update-account-password-policy`, which resets every option that you omit";
    /// Something could not be read.
    NotAsked "not-asked" Unknown, None, None,
        NOT_CIS, "could not be checked",
        "allow the auditing profile to make these calls, as the AWS managed policy `SecurityAudit` does";
}

/// The command to enroll; the user's profile is not known here.
pub(super) fn enroll() -> String {
    ours("device enroll", None)
}

impl Question {
    /// The numbers of the corresponding CIS recommendation, by version of the benchmark.
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
    fn every_check_has_a_unique_id_its_place_by_severity_and_cis_numbers_by_version() {
        let mut slugs: Vec<&str> = Question::ALL.iter().map(|question| question.slug()).collect();
        assert!(Question::ALL.is_sorted_by_key(|question| question.severity()), "the worst first");
        slugs.sort_unstable();
        slugs.dedup();
        assert_eq!(slugs.len(), Question::ALL.len());
        let cis: Vec<_> = Question::TwoActiveKeys.cis().collect();
        let expected = ["1.4", "1.5", "2.0", "3.0", "4.0.1"].map(|version| (version, "1.13"));
        assert_eq!(cis, [&expected[..], &[("5.0", "1.12"), ("6.0", "2.12")]].concat());
        assert_eq!(Question::KeyWithoutMfa.cis().count(), 0);
    }
}
