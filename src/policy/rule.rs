//! The table of rules: each has a stable name, a number if it is one of the numbered rules, a default severity, and a
//! section in `docs/policy-rules.md`.

/// The severity of a finding.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Severity {
    /// The policies do not enforce MFA, or lock users out.
    Failure,
    /// Worth knowing, but a matter of choice.
    Note,
}

impl Severity {
    /// Its name, in text and in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Failure => "failure",
            Self::Note => "note",
        }
    }
}

/// One line per rule. A test checks that each rule has a section in the documentation, with a policy that triggers it.
macro_rules! rules {
    ($($(#[$doc:meta])* $rule:ident $slug:literal $number:expr, $severity:ident;)*) => {
        /// The rule that a finding reports.
        #[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
        pub enum Rule {
            $($(#[$doc])* $rule,)*
        }

        impl Rule {
            /// All rules.
            pub const ALL: &[Self] = &[$(Self::$rule,)*];

            /// Its stable name.
            pub fn slug(self) -> &'static str {
                match self { $(Self::$rule => $slug,)* }
            }

            /// Its number, if it is one of the numbered rules.
            pub fn number(self) -> Option<u8> {
                match self { $(Self::$rule => $number,)* }
            }

            /// The default severity of its findings.
            pub fn severity(self) -> Severity {
                match self { $(Self::$rule => Severity::$severity,)* }
            }
        }
    };
}

rules! {
    /// A Deny with `Bool` does not apply to long-term access keys.
    BareKeyOpen "bare-key-open" Some(1), Failure;
    /// `Null` tests whether the key is present, not whether there was MFA.
    NullTest "null-test" Some(2), Failure;
    /// An Allow with `…IfExists` treats a missing key as MFA.
    AllowIfExists "allow-if-exists" Some(3), Failure;
    /// A Deny on the age of MFA does not apply without any MFA.
    AgeWithoutIfExists "age-without-if-exists" Some(4), Failure;
    /// Something that enrollment needs is denied, or nothing allows it.
    EnrollmentBlocked "enrollment-blocked" Some(5), Failure;
    /// Calls that the console's pages make are denied.
    ConsolePages "console-pages" Some(5), Note;
    /// The Deny has an exception that an attacker can use.
    UnsafeException "unsafe-exception" Some(6), Failure;
    /// The forced first password change is denied.
    FirstPasswordStuck "first-password-stuck" Some(6), Note;
    /// Only devices with one particular name are allowed.
    DeviceName "device-name" Some(7), Note;
    /// An action with a resource that it never acts on.
    WrongResource "wrong-resource" Some(8), Failure;
    /// An action without resource-level permissions, with a resource.
    NeedsStar "needs-star" Some(8), Note;
    /// Users can deactivate their device without MFA.
    DeactivateWithoutMfa "deactivate-without-mfa" Some(9), Failure;
    /// A trust policy admits a user without MFA.
    TrustWithoutMfa "trust-without-mfa" Some(10), Failure;
    /// A role is required to have MFA, which its credentials never carry.
    RoleHasNoMfa "role-has-no-mfa" Some(11), Failure;
    /// Calls that AWS services make on the user's behalf are denied.
    ServiceCalls "service-calls" Some(12), Note;
    /// An ARN in another partition.
    OtherPartition "other-partition" Some(13), Failure;
    /// A role has no user name.
    RoleHasNoUsername "role-has-no-username" Some(14), Failure;
    /// A service control policy requires MFA from federated principals.
    ScpHitsEveryone "scp-hits-everyone" Some(15), Failure;
    /// Nearly everything is allowed, and nothing requires MFA.
    NothingAsks "nothing-asks" Some(16), Failure;
    /// Users or devices in another account.
    OtherAccount "other-account" Some(17), Failure;
    /// Variables in a document whose version does not support them.
    OldVersion "old-version" None, Failure;
    /// `NotAction` or `NotResource` of everything.
    NotEverything "not-everything" None, Failure;
    /// A number that is not an account ID.
    AccountId "account-id" None, Failure;
    /// Template syntax in plain JSON.
    TemplateSyntax "template-syntax" None, Failure;
    /// An invalid variable.
    BrokenVariable "broken-variable" None, Failure;
    /// A condition key that is misspelled or unknown.
    UnknownKey "unknown-key" None, Failure;
    /// The same condition key twice, with different capitalization.
    DuplicateKey "duplicate-key" None, Failure;
    /// `Bool` or `Null` with a value other than `true` or `false`.
    BoolValue "bool-value" None, Failure;
    /// `ForAllValues:` or `ForAnyValue:` on a single-valued key.
    SetOperator "set-operator" None, Failure;
    /// A condition that requires the opposite.
    Inverted "inverted" None, Failure;
    /// Conditions that no request can meet.
    Contradiction "contradiction" None, Failure;
    /// Something is allowed without MFA.
    OpenWithoutMfa "open-without-mfa" None, Failure;
    /// A role can be assumed without MFA, as far as is known.
    RoleOpenWithoutMfa "role-open-without-mfa" None, Failure;
    /// These policies let a role be assumed without MFA, but its trust policy requires MFA.
    RoleAsksForMfa "role-asks-for-mfa" None, Note;
    /// Unassigned virtual devices can be deleted.
    SpareDevice "spare-device" None, Note;
    /// Whether something is allowed without MFA depends on something that no policy says.
    Undecided "undecided" None, Failure;
    /// The permissions boundary denies users what they need.
    BoundaryBlocks "boundary-blocks" None, Failure;
    /// With MFA, the user cannot do what they need to do.
    UserStuck "user-stuck" None, Failure;
    /// Whether the user can work depends on something that no policy says.
    WorkUndecided "work-undecided" None, Note;
    /// Nothing requires MFA for work that other policies allow.
    WorkElsewhere "work-elsewhere" None, Note;
    /// Security keys and hardware tokens can be enrolled, but no virtual devices.
    NoVirtualDevices "no-virtual-devices" None, Note;
    /// The policies cover roles, not devices.
    EnrolledElsewhere "enrolled-elsewhere" None, Note;
    /// An attacker enrolls a first device; no policy can prevent it.
    AttackerEnrolls "attacker-enrolls" None, Note;
    /// With MFA, other users' devices can be changed.
    OtherUsersDevices "other-users-devices" None, Note;
    /// Larger than IAM allows.
    TooLarge "too-large" None, Note;
    /// More statements than can be checked.
    Unfinished "unfinished" None, Failure;
}

impl std::fmt::Display for Rule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.slug())
    }
}
