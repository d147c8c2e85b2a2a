//! `mfa-cred keys …`

use std::path::PathBuf;

use clap::{Subcommand, ValueEnum};

use super::Whose;
use super::options::profile_name;
use crate::names::ProfileName;

/// A tool that keeps access keys.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum Tool {
    /// aws-vault
    AwsVault,
    /// Granted
    Granted,
}

/// What is done with access keys.
#[derive(Clone, Debug, PartialEq, Subcommand)]
pub enum KeysVerb {
    /// Move access keys out of the AWS files, and seal them
    ///
    /// The key is checked with AWS (GetCallerIdentity), sealed, and opened again before the change of the file is written.
    Import {
        /// The profiles [default: the shell's, else `default`]
        ///
        /// The shell's profile is `$MFA_CRED_PROFILE`, else `$AWS_PROFILE`, else `$AWS_DEFAULT_PROFILE`. Without one, on a terminal, you pick one from a list.
        #[arg(value_name = "PROFILE", value_parser = profile_name)]
        profiles: Vec<ProfileName>,
        /// Whose keys.
        #[command(flatten)]
        whose: Whose,
        /// Take the keys from this tool instead, which is run for it
        #[arg(long, value_name = "TOOL")]
        from: Option<Tool>,
        /// Answer yes to every question
        #[arg(long, short)]
        yes: bool,
    },
    /// Seal an access key that is not in the AWS files: typed, or from a file, stdin or the environment
    Add {
        /// The user's profile, which may be new [default: the shell's, else `default`]
        ///
        /// The shell's profile is `$MFA_CRED_PROFILE`, else `$AWS_PROFILE`, else `$AWS_DEFAULT_PROFILE`. Without one, on a terminal, you pick one from a list.
        #[arg(value_name = "PROFILE", value_parser = profile_name)]
        named: Option<ProfileName>,
        /// Whose key.
        #[command(flatten)]
        whose: Whose,
        /// The CSV file that the AWS console offers with a new access key
        #[arg(long, value_name = "FILE", conflicts_with_all = ["stdin", "env"])]
        csv: Option<PathBuf>,
        /// Read the key ID and the secret from stdin: two lines, or what `aws iam create-access-key` prints
        #[arg(long, conflicts_with = "env")]
        stdin: bool,
        /// Take `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY` from the environment
        #[arg(long)]
        env: bool,
        /// Answer yes to every question
        #[arg(long, short)]
        yes: bool,
    },
    /// List the access keys, and whether each is sealed or in plain text
    List {
        /// Only the keys of these profiles
        #[arg(value_name = "PROFILE", value_parser = profile_name)]
        profiles: Vec<ProfileName>,
        /// Whose keys.
        #[command(flatten)]
        whose: Whose,
        /// Ask AWS for each key's age, status and last use
        ///
        /// Signed by a cached MFA session, else by the key itself; no code is asked for.
        #[arg(long)]
        live: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Replace sealed access keys with new ones
    ///
    /// AWS creates a new key, which is sealed immediately. When AWS has accepted it three times in a row, it replaces the old key, which is deactivated and then deleted. An interrupted rotation is continued. The calls are signed with MFA if the profile names a device.
    Rotate {
        /// The users' profiles [default: the shell's, else `default`]
        ///
        /// The shell's profile is `$MFA_CRED_PROFILE`, else `$AWS_PROFILE`, else `$AWS_DEFAULT_PROFILE`. Without one, on a terminal, you pick one from a list.
        #[arg(value_name = "PROFILE", value_parser = profile_name)]
        profiles: Vec<ProfileName>,
        /// Whose keys.
        #[command(flatten)]
        whose: Whose,
        /// All sealed keys
        #[arg(long, conflicts_with_all = ["profiles", "profile"])]
        all: bool,
        /// Only keys that are at least this old: 90d
        #[arg(long, value_name = "DAYS", value_parser = days)]
        older_than: Option<u32>,
        /// Print what would be rotated, and change nothing
        #[arg(long)]
        dry_run: bool,
        /// Answer yes to every question
        #[arg(long, short)]
        yes: bool,
    },
    /// Delete a sealed access key from this machine
    Remove {
        /// The user's profile [default: the shell's, else `default`]
        ///
        /// The shell's profile is `$MFA_CRED_PROFILE`, else `$AWS_PROFILE`, else `$AWS_DEFAULT_PROFILE`. Without one, on a terminal, you pick one from a list.
        #[arg(value_name = "PROFILE", value_parser = profile_name)]
        named: Option<ProfileName>,
        /// Whose key.
        #[command(flatten)]
        whose: Whose,
        /// Answer yes to every question
        #[arg(long, short)]
        yes: bool,
    },
    /// Show a sealed access key on the terminal, once
    Export {
        /// The user's profile [default: the shell's, else `default`]
        ///
        /// The shell's profile is `$MFA_CRED_PROFILE`, else `$AWS_PROFILE`, else `$AWS_DEFAULT_PROFILE`. Without one, on a terminal, you pick one from a list.
        #[arg(value_name = "PROFILE", value_parser = profile_name)]
        named: Option<ProfileName>,
        /// Whose key.
        #[command(flatten)]
        whose: Whose,
    },
}

/// `90d`, or `90`.
fn days(text: &str) -> Result<u32, &'static str> {
    let number = text.strip_suffix('d').unwrap_or(text);
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    number.parse().ok().filter(|_| is_number).ok_or("expected a number of days, such as `90d`")
}

#[cfg(test)]
mod tests {
    use super::days;

    #[test]
    fn an_age_is_a_number_of_days() {
        for (text, number) in [("90d", Some(90)), ("90", Some(90)), ("0d", Some(0))] {
            assert_eq!(days(text).ok(), number, "{text}");
        }
        for text in ["", "d", "-1d", "+1", "1.5d", "90days", "12h", "9999999999d", " 90d"] {
            assert!(days(text).is_err(), "{text:?}");
        }
    }
}
