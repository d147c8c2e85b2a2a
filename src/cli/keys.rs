//! `mfa-cred keys …`

use std::path::PathBuf;

use clap::Subcommand;

use super::Whose;
use super::options::profile_name;
use crate::names::ProfileName;

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
        /// Print JSON
        #[arg(long)]
        json: bool,
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
