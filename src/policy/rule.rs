//! The table of rules: each with a name that stays, the number that `AWS-FACTS.md` 5.2 gives it where it has one, how
//! much a finding of it weighs unless something is wanted, and a section of `docs/policy-rules.md`.

/// How much a finding weighs.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Severity {
    /// The policies do not hold.
    Failure,
    /// Worth knowing, and a matter of choice.
    Note,
}

impl Severity {
    /// The word for it, to people and in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Failure => "failure",
            Self::Note => "note",
        }
    }
}

/// One line a rule. A rule needs a section in the documentation, with a policy that triggers it; a test says so.
macro_rules! rules {
    ($($(#[$doc:meta])* $rule:ident $slug:literal $number:expr, $severity:ident;)*) => {
        /// What a finding is about.
        #[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
        pub enum Rule {
            $($(#[$doc])* $rule,)*
        }

        impl Rule {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$rule,)*];

            /// Its name, which stays.
            pub fn slug(self) -> &'static str {
                match self { $(Self::$rule => $slug,)* }
            }

            /// Its number in the numbered list, where it is there.
            pub fn number(self) -> Option<u8> {
                match self { $(Self::$rule => $number,)* }
            }

            /// How much a finding of it weighs, unless its case says otherwise.
            pub fn severity(self) -> Severity {
                match self { $(Self::$rule => Severity::$severity,)* }
            }
        }
    };
}

rules! {
    /// A Deny with `Bool` does not apply to long-term access keys.
    BareKeyOpen "bare-key-open" Some(1), Failure;
    /// `Null` asks whether the key is there, not whether there was MFA.
    NullTest "null-test" Some(2), Failure;
    /// An Allow with `…IfExists` takes a missing key for MFA.
    AllowIfExists "allow-if-exists" Some(3), Failure;
    /// A Deny on the age of MFA does not apply where there is none.
    AgeWithoutIfExists "age-without-if-exists" Some(4), Failure;
    /// What enrolling takes is denied, or nothing allows it.
    EnrollmentBlocked "enrollment-blocked" Some(5), Failure;
    /// What the console's pages ask for is denied.
    ConsolePages "console-pages" Some(5), Note;
    /// An exception of the Deny that an attacker can use.
    UnsafeException "unsafe-exception" Some(6), Failure;
    /// The forced first password change is denied.
    FirstPasswordStuck "first-password-stuck" Some(6), Note;
    /// Devices of one name only.
    DeviceName "device-name" Some(7), Note;
    /// An action on a resource that it never acts on.
    WrongResource "wrong-resource" Some(8), Failure;
    /// An action that acts on no resource, with one.
    NeedsStar "needs-star" Some(8), Note;
    /// The device can be deactivated without MFA.
    DeactivateWithoutMfa "deactivate-without-mfa" Some(9), Failure;
    /// A trust policy that lets a user in without MFA.
    TrustWithoutMfa "trust-without-mfa" Some(10), Failure;
    /// MFA is asked of a role, whose credentials carry none.
    RoleHasNoMfa "role-has-no-mfa" Some(11), Failure;
    /// What AWS services do on the user's behalf is denied.
    ServiceCalls "service-calls" Some(12), Note;
    /// An ARN of another partition.
    OtherPartition "other-partition" Some(13), Failure;
    /// A role has no user name.
    RoleHasNoUsername "role-has-no-username" Some(14), Failure;
    /// A service control policy that asks federated principals for MFA.
    ScpHitsEveryone "scp-hits-everyone" Some(15), Failure;
    /// Nearly everything is allowed, and nothing asks for MFA.
    NothingAsks "nothing-asks" Some(16), Failure;
    /// Users or devices of another account.
    OtherAccount "other-account" Some(17), Failure;
    /// Variables in a document whose version has none.
    OldVersion "old-version" None, Failure;
    /// `NotAction` or `NotResource` of everything.
    NotEverything "not-everything" None, Failure;
    /// A number that is no account.
    AccountId "account-id" None, Failure;
    /// A template's spelling in plain JSON.
    TemplateSyntax "template-syntax" None, Failure;
    /// A variable that is none.
    BrokenVariable "broken-variable" None, Failure;
    /// A condition key that is misspelt or unknown.
    UnknownKey "unknown-key" None, Failure;
    /// A condition key twice, in different case.
    DuplicateKey "duplicate-key" None, Failure;
    /// `Bool` or `Null` with something else than `true` or `false`.
    BoolValue "bool-value" None, Failure;
    /// `ForAllValues:` or `ForAnyValue:` on a key that has one value.
    SetOperator "set-operator" None, Failure;
    /// A condition that asks for the contrary.
    Inverted "inverted" None, Failure;
    /// Conditions that no request meets.
    Contradiction "contradiction" None, Failure;
    /// Something goes through without MFA.
    OpenWithoutMfa "open-without-mfa" None, Failure;
    /// A role can be assumed without MFA, for all that is known of it.
    RoleOpenWithoutMfa "role-open-without-mfa" None, Failure;
    /// A role can be assumed without MFA here, and its trust policy asks for it.
    RoleAsksForMfa "role-asks-for-mfa" None, Note;
    /// Virtual devices that are nobody's can be deleted.
    SpareDevice "spare-device" None, Note;
    /// Whether something goes through without MFA depends on what no policy says.
    Undecided "undecided" None, Failure;
    /// The permissions boundary keeps from users what they need.
    BoundaryBlocks "boundary-blocks" None, Failure;
    /// With MFA, the user cannot do what is due.
    UserStuck "user-stuck" None, Failure;
    /// Whether the user can work depends on what no policy says.
    WorkUndecided "work-undecided" None, Note;
    /// Nothing asks for MFA for work that other policies allow.
    WorkElsewhere "work-elsewhere" None, Note;
    /// Security keys and hardware tokens can be enrolled, and no virtual devices.
    NoVirtualDevices "no-virtual-devices" None, Note;
    /// The policies are about roles, and not about devices.
    EnrolledElsewhere "enrolled-elsewhere" None, Note;
    /// An attacker enrolls a first device; no policy can prevent it.
    AttackerEnrolls "attacker-enrolls" None, Note;
    /// With MFA, other users' devices can be changed.
    OtherUsersDevices "other-users-devices" None, Note;
    /// Larger than IAM takes.
    TooLarge "too-large" None, Note;
    /// More statements than are judged.
    Unfinished "unfinished" None, Failure;
}

impl std::fmt::Display for Rule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.slug())
    }
}
