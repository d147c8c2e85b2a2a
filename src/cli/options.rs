//! The options that many commands share, and the values that they take.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args as ClapArgs, ValueEnum};

use crate::names::{ExternalId, Lifetime, MfaSerial, ProfileName, Region, RoleArn, SessionName, Tag};
use crate::shell::{Dialect, Shell};
use crate::vault::Store;

/// The words for [`Store`]'s variants.
const STORES: [&str; 5] = ["auto", "kernel", "keyring", "passphrase", "none"];

// Options of every command.
#[allow(missing_docs, reason = "clap would print it in place of the command's own text")]
#[derive(Clone, Debug, Default, ClapArgs, PartialEq)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// The AWS config file [default: ~/.aws/config]
    #[arg(long, global = true, hide_short_help = true, value_name = "FILE")]
    pub config_file: Option<PathBuf>,
    /// The AWS credentials file [default: ~/.aws/credentials]
    #[arg(long, global = true, hide_short_help = true, value_name = "FILE")]
    pub credentials_file: Option<PathBuf>,
    /// Where to keep the key that seals the cache [default: auto]
    #[arg(long, global = true, hide_short_help = true, value_name = "STORE", value_parser = one_of::<Store>(STORES))]
    pub store: Option<Store>,
    /// Print more (-vv: every step)
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// Print only errors
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Colors: auto, always or never
    ///
    /// Default: auto, which means on a terminal, unless `NO_COLOR` is set.
    #[arg(long, global = true, value_name = "WHEN", hide_possible_values = true)]
    pub color: Option<Color>,
}

/// When to use colors.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl std::str::FromStr for Color {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        <Self as ValueEnum>::from_str(text, false).map_err(|_| "expected `auto`, `always` or `never`")
    }
}

/// A name that a function can have in every shell without quoting.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CommandName(String);

impl CommandName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for CommandName {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        let is_legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        if text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_') && text.bytes().all(is_legal) {
            Ok(Self(text.to_owned()))
        } else {
            Err("a name has only letters, digits, `_` and `-`, and starts with a letter or `_`")
        }
    }
}

// Options of every command that obtains credentials.
#[allow(missing_docs, reason = "clap would print it in place of the command's own text")]
#[derive(Clone, Debug, Default, ClapArgs, PartialEq)]
pub struct Obtain {
    /// Assume this role
    ///
    /// An ARN, ACCOUNT:ROLE or PARTITION:ACCOUNT:ROLE. Default: `role_arn` of the profile.
    #[arg(long, value_name = "ARN")]
    pub role_arn: Option<RoleArn>,
    /// Sign with this profile's credentials
    ///
    /// Default: `source_profile`.
    #[arg(long, value_name = "PROFILE", value_parser = profile_name)]
    pub source_profile: Option<ProfileName>,
    /// The external ID that the role's trust policy requires
    #[arg(long, value_name = "ID", hide_short_help = true)]
    pub external_id: Option<ExternalId>,
    /// The name of the role session [default: mfa-cred-USER]
    #[arg(long, value_name = "NAME", hide_short_help = true)]
    pub session_name: Option<SessionName>,
    /// The source identity, which persists through role chaining
    #[arg(long, value_name = "NAME", hide_short_help = true)]
    pub source_identity: Option<SessionName>,
    /// A session tag (repeatable)
    #[arg(long = "tag", value_name = "KEY=VALUE", hide_short_help = true)]
    pub tags: Vec<Tag>,
    /// The key of a tag that role chaining passes on (repeatable)
    #[arg(long = "transitive-tag", value_name = "KEY", hide_short_help = true)]
    pub transitive_tags: Vec<String>,
    /// A session policy that limits the role session: JSON, or @FILE
    #[arg(long, value_name = "JSON|@FILE", hide_short_help = true)]
    pub session_policy: Option<String>,
    /// A managed policy that limits the role session (repeatable)
    #[arg(long = "policy-arn", value_name = "ARN", hide_short_help = true)]
    pub policy_arns: Vec<String>,
    /// How long they last: 900, 15m, 1h30m, 12h
    ///
    /// Default: an hour for a role, 12 hours for a user; `session_duration` and `duration_seconds` of the profile,
    /// else `duration` of the settings.
    #[arg(long, value_name = "DURATION")]
    pub duration: Option<Lifetime>,
    /// The region to call, and to set
    ///
    /// Default: `MFA_CRED_REGION`, the profile's own, that of its source chain.
    #[arg(long, value_name = "REGION")]
    pub region: Option<Region>,
    /// The MFA device
    ///
    /// Default: `mfa_serial` of the profile, or of its source chain.
    #[arg(long, value_name = "SERIAL")]
    pub mfa_serial: Option<MfaSerial>,
    /// The MFA code; `-` reads it from stdin
    ///
    /// On the command line, all users can see it in the process list while the program runs.
    #[arg(long, value_name = "CODE|-", allow_hyphen_values = true)]
    pub mfa_token: Option<String>,
    /// Redo every step, including the code
    #[arg(long)]
    pub refresh: bool,
    /// Renew when less time than this is left
    ///
    /// Default: 5 minutes; 20 for `process`, since SDKs ask again below 15.
    #[arg(long, value_name = "DURATION")]
    pub min_ttl: Option<Lifetime>,
    /// Never prompt
    #[arg(long)]
    pub no_prompt: bool,
    /// Neither read nor write the cache
    #[arg(long)]
    pub no_cache: bool,
}

impl Obtain {
    /// Are these options only about how and when to obtain the credentials that the profile describes, and about the
    /// region to set?
    pub(super) fn leaves_credentials_as_configured(&self) -> bool {
        let Self { region, mfa_token, refresh, min_ttl, no_prompt, .. } = self.clone();
        *self == Self { region, mfa_token, refresh, min_ttl, no_prompt, ..Self::default() }
    }

    /// The words that say the same to another `mfa-cred`, which asks nobody and reuses what it can. A code is not among
    /// them.
    pub fn words(&self) -> Vec<OsString> {
        let Self {
            role_arn,
            source_profile,
            external_id,
            session_name,
            source_identity,
            tags,
            transitive_tags,
            session_policy,
            policy_arns,
            duration,
            region,
            mfa_serial,
            mfa_token: _,
            refresh: _,
            min_ttl,
            no_prompt: _,
            no_cache,
        } = self;
        let mut words = Vec::new();
        let mut add = |name: &str, value: Option<&str>| {
            words.extend(value.map(|value| OsString::from(format!("--{name}={value}"))));
        };
        add("role-arn", role_arn.as_ref().map(RoleArn::as_str));
        add("source-profile", source_profile.as_ref().map(ProfileName::as_str));
        add("external-id", external_id.as_ref().map(ExternalId::as_str));
        add("session-name", session_name.as_ref().map(SessionName::as_str));
        add("source-identity", source_identity.as_ref().map(SessionName::as_str));
        for tag in tags {
            add("tag", Some(&format!("{}={}", tag.key, tag.value)));
        }
        for key in transitive_tags {
            add("transitive-tag", Some(key));
        }
        add("session-policy", session_policy.as_deref());
        for arn in policy_arns {
            add("policy-arn", Some(arn));
        }
        add("duration", duration.map(|duration| duration.to_string()).as_deref());
        add("region", region.as_ref().map(Region::as_str));
        add("mfa-serial", mfa_serial.as_ref().map(MfaSerial::as_str));
        add("min-ttl", min_ttl.map(|least| least.to_string()).as_deref());
        if *no_cache {
            words.push("--no-cache".into());
        }
        words
    }

    /// Adds the options typed before the verb; those after it win, and lists are joined.
    pub(super) fn add_from(&mut self, before: Self) {
        macro_rules! inner_or_outer { ($($field:ident)*) => { $( self.$field = self.$field.take().or(before.$field); )* } }
        macro_rules! outer_then_inner { ($($field:ident)*) => { $( self.$field.splice(0..0, before.$field); )* } }
        macro_rules! either { ($($field:ident)*) => { $( self.$field |= before.$field; )* } }
        inner_or_outer!(role_arn source_profile external_id session_name source_identity session_policy duration region
            mfa_serial mfa_token min_ttl);
        outer_then_inner!(tags transitive_tags policy_arns);
        either!(refresh no_prompt no_cache);
    }
}

pub(super) fn profile_name(text: &str) -> Result<ProfileName, &'static str> {
    ProfileName::new(text).ok_or("a profile name cannot be empty")
}

/// One of a closed list of words, which `--help` and completion show.
pub(super) fn one_of<T: std::str::FromStr + Clone + Send + Sync + 'static>(
    names: impl IntoIterator<Item = &'static str>,
) -> impl TypedValueParser<Value = T>
where
    T::Err: std::error::Error + Send + Sync + 'static,
{
    PossibleValuesParser::new(names.into_iter().map(PossibleValue::new)).try_map(|name| name.parse::<T>())
}

/// A shell that has this feature; names of programs are accepted, but not listed.
pub(super) fn shell_with<T: 'static>(
    known: fn(&'static Dialect) -> Option<&'static T>,
) -> impl TypedValueParser<Value = Shell> {
    let names = Shell::with(known).map(|shell| PossibleValue::new(shell.name()));
    let programs = Shell::with(known).flat_map(|shell| shell.dialect().programs);
    let programs = programs.map(|name| PossibleValue::new(*name).hide(true));
    PossibleValuesParser::new(names.chain(programs)).try_map(|name| name.parse::<Shell>())
}
