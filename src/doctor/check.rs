//! The checks, by name.

/// A check. The IDs are stable, because scripts use them.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Check {
    /// Our own settings can be read.
    Settings,
    /// The AWS config file can be read.
    ConfigFile,
    /// The AWS credentials file can be read.
    CredentialsFile,
    /// Other users can neither write to the AWS files nor read a key in them.
    FileModes,
    /// SDKs and the AWS CLI read the AWS files the same way.
    Differences,
    /// No section of the AWS files is ignored.
    IgnoredSections,
    /// No other tool keeps live credentials in plain text.
    PlainTextCaches,
    /// Nobody else can read the tokens of IAM Identity Center.
    SsoTokens,
    /// The state folder can be used.
    StateFolder,
    /// No newer version wrote to the state folder.
    StateFormat,
    /// The profile resolves to a plan.
    Profile,
    /// The profile has a region.
    Region,
    /// The profile names an MFA device.
    MfaSerial,
    /// No key in the credentials file bypasses the profile's `credential_process`.
    LeftoverKey,
    /// The profile has a single source of credentials.
    CredentialStyles,
    /// The file that the profile's credentials come from can be used.
    SourceFile,
    /// A store has, or can keep, the key that seals the cache.
    SealingKey,
    /// The sealed access keys are intact, and the store of their key responds.
    SealedKeys,
    /// No lock is stuck.
    Locks,
    /// The keys in the environment are complete and not expired.
    EnvKeys,
    /// The environment's profile exists.
    EnvProfile,
    /// The files that the environment names exist.
    EnvFiles,
    /// No variable overrides the profile.
    EnvOverrides,
    /// The keys of `[default]` do not take precedence over a container endpoint.
    ContainerKeys,
    /// `mfa-cred` on the PATH is this program.
    Path,
    /// The shell's function runs this program.
    ShellFunction,
    /// The prompt shows what the shell holds.
    Prompt,
    /// The proxy and the certificates for AWS can be used.
    Route,
    /// STS responds in the profile's region.
    Sts,
    /// This machine's clock agrees with AWS's.
    Clock,
    /// AWS accepts the access key.
    AccessKey,
    /// AWS's API accepts codes from the user's device.
    DeviceKind,
    /// The profile's device is one of the user's.
    Device,
}

/// The groups of checks, in the order of the report.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Group {
    /// The AWS files, our settings and our state.
    Files,
    /// The profile.
    Profile,
    /// Keys, keyrings and locks.
    Stores,
    /// Environment variables.
    Environment,
    /// The shell.
    Shell,
    /// The route to AWS, and AWS's time.
    Network,
    /// The user's access key and MFA device, as AWS knows them.
    Device,
}

impl Group {
    /// The heading.
    pub fn title(self) -> &'static str {
        match self {
            Self::Files => "Files",
            Self::Profile => "Profile",
            Self::Stores => "Keys and stores",
            Self::Environment => "Environment",
            Self::Shell => "Shell",
            Self::Network => "Clock and network",
            Self::Device => "Device",
        }
    }

    /// The name in `--json`, which is stable.
    pub fn id(self) -> &'static str {
        match self {
            Self::Files => "files",
            Self::Profile => "profile",
            Self::Stores => "stores",
            Self::Environment => "environment",
            Self::Shell => "shell",
            Self::Network => "network",
            Self::Device => "device",
        }
    }
}

impl Check {
    /// All checks, group by group.
    pub const ALL: [Self; 33] = [
        Self::Settings,
        Self::ConfigFile,
        Self::CredentialsFile,
        Self::FileModes,
        Self::Differences,
        Self::IgnoredSections,
        Self::PlainTextCaches,
        Self::SsoTokens,
        Self::StateFolder,
        Self::StateFormat,
        Self::Profile,
        Self::Region,
        Self::MfaSerial,
        Self::LeftoverKey,
        Self::CredentialStyles,
        Self::SourceFile,
        Self::SealingKey,
        Self::SealedKeys,
        Self::Locks,
        Self::EnvKeys,
        Self::EnvProfile,
        Self::EnvFiles,
        Self::EnvOverrides,
        Self::ContainerKeys,
        Self::Path,
        Self::ShellFunction,
        Self::Prompt,
        Self::Route,
        Self::Sts,
        Self::Clock,
        Self::AccessKey,
        Self::DeviceKind,
        Self::Device,
    ];

    /// The name in `--json` and in the documentation, which is stable.
    pub fn id(self) -> &'static str {
        match self {
            Self::Settings => "settings",
            Self::ConfigFile => "config-file",
            Self::CredentialsFile => "credentials-file",
            Self::FileModes => "file-modes",
            Self::Differences => "read-differently",
            Self::IgnoredSections => "ignored-sections",
            Self::PlainTextCaches => "plain-text-caches",
            Self::SsoTokens => "sso-tokens",
            Self::StateFolder => "state-folder",
            Self::StateFormat => "state-format",
            Self::Profile => "profile",
            Self::Region => "region",
            Self::MfaSerial => "mfa-serial",
            Self::LeftoverKey => "leftover-key",
            Self::CredentialStyles => "credential-styles",
            Self::SourceFile => "source-file",
            Self::SealingKey => "sealing-key",
            Self::SealedKeys => "sealed-keys",
            Self::Locks => "locks",
            Self::EnvKeys => "env-keys",
            Self::EnvProfile => "env-profile",
            Self::EnvFiles => "env-files",
            Self::EnvOverrides => "env-overrides",
            Self::ContainerKeys => "container-keys",
            Self::Path => "path",
            Self::ShellFunction => "shell-function",
            Self::Prompt => "prompt",
            Self::Route => "route",
            Self::Sts => "sts",
            Self::Clock => "clock",
            Self::AccessKey => "access-key",
            Self::DeviceKind => "device-kind",
            Self::Device => "device",
        }
    }

    /// The subject of the check, for findings that do not mention it.
    pub fn subject(self) -> &'static str {
        match self {
            Self::Settings => "settings",
            Self::ConfigFile => "config file",
            Self::CredentialsFile => "credentials file",
            Self::FileModes => "file modes",
            Self::Differences => "lines read differently",
            Self::IgnoredSections => "ignored sections",
            Self::PlainTextCaches => "plain-text credentials",
            Self::SsoTokens => "SSO tokens",
            Self::StateFolder => "state folder",
            Self::StateFormat => "cache format",
            Self::Profile => "profile",
            Self::Region => "region",
            Self::MfaSerial => "MFA device",
            Self::LeftoverKey => "leftover key",
            Self::CredentialStyles => "sources of credentials",
            Self::SourceFile => "source's file",
            Self::SealingKey => "sealing key",
            Self::SealedKeys => "sealed access keys",
            Self::Locks => "locks",
            Self::EnvKeys => "keys",
            Self::EnvProfile => "environment's profile",
            Self::EnvFiles => "files",
            Self::EnvOverrides => "overrides",
            Self::ContainerKeys => "container endpoint",
            Self::Path => "PATH",
            Self::ShellFunction => "shell function",
            Self::Prompt => "prompt",
            Self::Route => "route to AWS",
            Self::Sts => "STS",
            Self::Clock => "clock",
            Self::AccessKey => "access key",
            Self::DeviceKind => "device type",
            Self::Device => "MFA device in IAM",
        }
    }

    /// Its group.
    pub fn group(self) -> Group {
        match self {
            Self::Settings
            | Self::ConfigFile
            | Self::CredentialsFile
            | Self::FileModes
            | Self::Differences
            | Self::IgnoredSections
            | Self::PlainTextCaches
            | Self::SsoTokens
            | Self::StateFolder
            | Self::StateFormat => Group::Files,
            Self::Profile
            | Self::Region
            | Self::MfaSerial
            | Self::LeftoverKey
            | Self::CredentialStyles
            | Self::SourceFile => Group::Profile,
            Self::SealingKey | Self::SealedKeys | Self::Locks => Group::Stores,
            Self::EnvKeys | Self::EnvProfile | Self::EnvFiles | Self::EnvOverrides | Self::ContainerKeys => {
                Group::Environment
            }
            Self::Path | Self::ShellFunction | Self::Prompt => Group::Shell,
            Self::Route | Self::Sts | Self::Clock => Group::Network,
            Self::AccessKey | Self::DeviceKind | Self::Device => Group::Device,
        }
    }

    /// Does it need the network? A check that can also report something without it does not count.
    pub fn needs_network(self) -> bool {
        matches!(self, Self::Sts | Self::Clock | Self::AccessKey | Self::Device)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::Check;

    #[test]
    fn every_check_is_listed_once_with_an_id_of_its_own_and_groups_are_not_torn_apart() {
        for (at, check) in Check::ALL.into_iter().enumerate() {
            assert_eq!(check as usize, at, "{}", check.id());
        }
        assert_eq!(Check::ALL.len(), Check::Device as usize + 1);
        let ids: HashSet<&str> = Check::ALL.into_iter().map(Check::id).collect();
        assert_eq!(ids.len(), Check::ALL.len());
        let mut groups: Vec<&str> = Check::ALL.into_iter().map(|check| check.group().id()).collect();
        groups.dedup();
        let different: HashSet<&str> = groups.iter().copied().collect();
        assert_eq!(different.len(), groups.len(), "{groups:?}");
    }
}
