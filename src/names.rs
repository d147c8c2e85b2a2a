//! The names that AWS defines: parsed at the edge, valid from then on.
//!
//! Text from argv, the environment, the AWS files and AWS itself becomes one of these types once. All code past the
//! edge takes the type and does not check again. Parsing is pure. The patterns come from the STS and IAM API references
//! (GetSessionToken, AssumeRole, the ARN format).

mod address;
pub mod console;
pub mod digest;
mod host_header;
mod moment;
mod named_role;
pub mod variables;

use std::fmt;
use std::str::FromStr;

pub use address::{Address, is_local_name};
pub use host_header::HostHeader;
pub use moment::moment;
pub use named_role::NamedRole;

/// Why a text is not a valid name. It holds no input: the caller knows where the text came from.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{0}")]
pub struct NameError(&'static str);

/// A profile's name, as it is written in the AWS files and on the command line.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ProfileName(String);

impl ProfileName {
    /// Any non-empty text. Whether such a profile exists is for the profile set to say.
    pub fn new(name: impl Into<String>) -> Option<Self> {
        let name = name.into();
        (!name.is_empty()).then_some(Self(name))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// `--profile NAME`, for a command that the user can paste into a shell.
    pub fn as_option(&self) -> String {
        let word = shlex::try_quote(&self.0).map_or_else(|_| "PROFILE".to_owned(), std::borrow::Cow::into_owned);
        // A name that starts with a dash would be parsed as an option.
        let between = if self.0.starts_with('-') { "=" } else { " " };
        format!("--profile{between}{word}")
    }
}

/// Could the text be an access key ID? Any word could: AWS's have 20 characters, LocalStack's is `test`, and MinIO's
/// are whatever the user chose. A word that a request's signature cannot carry is rejected.
pub fn is_access_key_id(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic() && !b"\"',=".contains(&b))
}

/// Is this one of AWS's temporary access keys, which work only with their session token?
pub fn is_temporary_key(access_key_id: &str) -> bool {
    access_key_id.len() >= 16 && access_key_id.starts_with("ASIA")
}

/// A 12-digit AWS account ID.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AccountId(String);

impl FromStr for AccountId {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        if text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(NameError("an account ID has 12 digits"))
        }
    }
}

impl AccountId {
    /// The 12 digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An AWS partition: a closed part of AWS with its own accounts, regions and ARNs.
///
/// The list and each default region are those of the SDK's partition data; a test compares the two.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Partition {
    name: &'static str,
    default_region: &'static str,
    region_prefixes: &'static [&'static str],
}

/// The most specific prefixes first: `us-gov-` must be tried before `us-`.
const PARTITIONS: [Partition; 8] = [
    Partition { name: "aws-us-gov", default_region: "us-gov-west-1", region_prefixes: &["us-gov-"] },
    Partition { name: "aws-iso", default_region: "us-iso-east-1", region_prefixes: &["us-iso-"] },
    Partition { name: "aws-iso-b", default_region: "us-isob-east-1", region_prefixes: &["us-isob-"] },
    Partition { name: "aws-iso-e", default_region: "eu-isoe-west-1", region_prefixes: &["eu-isoe-"] },
    Partition { name: "aws-iso-f", default_region: "us-isof-south-1", region_prefixes: &["us-isof-"] },
    Partition { name: "aws-cn", default_region: "cn-northwest-1", region_prefixes: &["cn-"] },
    Partition { name: "aws-eusc", default_region: "eusc-de-east-1", region_prefixes: &["eusc-"] },
    Partition {
        name: "aws",
        default_region: "us-east-1",
        region_prefixes: &["us-", "eu-", "ap-", "sa-", "ca-", "me-", "af-", "il-", "mx-"],
    },
];

impl Partition {
    /// The commercial partition, used when nothing names another.
    pub const AWS: Self = PARTITIONS[7];

    /// The partition of a region. A region with an unknown prefix counts as commercial, as in the SDK.
    pub fn of_region(region: &Region) -> Self {
        PARTITIONS
            .into_iter()
            .find(|p| p.region_prefixes.iter().any(|prefix| region.as_str().starts_with(prefix)))
            .unwrap_or(Self::AWS)
    }

    /// The name in ARNs: `aws`, `aws-cn`, …
    pub fn as_str(self) -> &'static str {
        self.name
    }

    /// Where the partition's global services answer, and where STS is called when no region is known.
    pub fn default_region(self) -> Region {
        Region(self.default_region.to_owned())
    }
}

impl FromStr for Partition {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        PARTITIONS.into_iter().find(|p| p.name == text).ok_or(NameError("unknown partition"))
    }
}

/// A region, safe to use in an endpoint's host name.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Region(String);

impl FromStr for Region {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        if !text.is_empty() && text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-')) {
            Ok(Self(text.to_owned()))
        } else {
            Err(NameError("a region consists of a-z, 0-9 and `-`"))
        }
    }
}

impl Region {
    /// The region's code, such as `us-east-1`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// `arn:PARTITION:iam::ACCOUNT:role/[PATH/]NAME`, at most 2,048 characters.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RoleArn {
    text: String,
    partition: Partition,
    account: AccountId,
}

impl FromStr for RoleArn {
    type Err = NameError;

    /// Also parses `ACCOUNT:ROLE` and `PARTITION:ACCOUNT:ROLE`, the short forms of the command line.
    fn from_str(text: &str) -> Result<Self, NameError> {
        const SHAPE: NameError = NameError(
            "a role is written `arn:PARTITION:iam::ACCOUNT:role/NAME`, `ACCOUNT:ROLE` or `PARTITION:ACCOUNT:ROLE`",
        );
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        let (partition, account, role) = match parts[..] {
            ["arn", partition, "iam", "", account, resource] => {
                (partition, account, resource.strip_prefix("role/").ok_or(SHAPE)?)
            }
            [account, role] => ("aws", account, role),
            [partition, account, role] => (partition, account, role),
            _ => return Err(SHAPE),
        };
        let partition: Partition = partition.parse()?;
        let account: AccountId = account.parse()?;
        // IAM allows these in names, and U+0021–U+007E in paths. Neither contains anything that could end a line or a
        // header.
        let name = role.rsplit('/').next().unwrap_or_default();
        let legal = !name.is_empty() && is_word(name, "+=,.@-") && role.bytes().all(|b| b.is_ascii_graphic());
        let text = format!("arn:{}:iam::{}:role/{role}", partition.as_str(), account.as_str());
        if legal && text.len() <= 2048 { Ok(Self { text, partition, account }) } else { Err(SHAPE) }
    }
}

impl RoleArn {
    /// The whole ARN.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The partition of the role.
    pub fn partition(&self) -> Partition {
        self.partition
    }

    /// The account of the role.
    pub fn account(&self) -> &AccountId {
        &self.account
    }

    /// The role's name, without its path.
    pub fn name(&self) -> &str {
        self.text.rsplit('/').next().unwrap_or_default()
    }
}

/// The kind of MFA device that a serial names. STS takes codes of the first three only.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum DeviceKind {
    /// `arn:P:iam::ACCOUNT:mfa/NAME`
    Virtual,
    /// A bare serial such as `GAHT12345678`
    Hardware,
    /// `arn:P:iam::ACCOUNT:sms-mfa/NAME`, which AWS no longer offers
    Sms,
    /// `arn:P:iam::ACCOUNT:u2f/…`: a FIDO security key or passkey, which no AWS API accepts as proof
    Fido,
}

/// The `SerialNumber` of an MFA device: 9–256 characters of `[\w+=/:,.@-]`.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct MfaSerial(String);

impl FromStr for MfaSerial {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        if !(9..=256).contains(&text.len()) || !is_word(text, "+=/:,.@-") {
            return Err(NameError("an MFA serial number has 9 to 256 characters of `A-Za-z0-9_+=/:,.@-`"));
        }
        // A request would send it to AWS, and its logs would keep it. The serial numbers of hardware devices are shorter.
        if is_like_a_seed(text) {
            return Err(NameError("this looks like a device's secret key (seed), not its serial number or ARN"));
        }
        if text.starts_with("arn:") && text.split(':').count() < 6 {
            return Err(NameError("the ARN of an MFA device is `arn:PARTITION:iam::ACCOUNT:mfa/NAME`"));
        }
        Ok(Self(text.to_owned()))
    }
}

/// Base32 of at least 80 bits, as services show it: in capitals, without blanks.
pub(crate) fn is_like_a_seed(text: &str) -> bool {
    let is_digit = |byte: u8| matches!(byte, b'2'..=b'7');
    text.len() >= 16
        && text.bytes().all(|byte| byte.is_ascii_uppercase() || is_digit(byte))
        && text.bytes().any(is_digit)
}

impl MfaSerial {
    /// The serial as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The kind, as far as the serial shows it.
    pub fn kind(&self) -> DeviceKind {
        match self.0.splitn(6, ':').nth(5) {
            Some(resource) if resource.starts_with("u2f/") => DeviceKind::Fido,
            Some(resource) if resource.starts_with("sms-mfa/") => DeviceKind::Sms,
            Some(_) => DeviceKind::Virtual,
            None => DeviceKind::Hardware,
        }
    }

    /// The short name for people: the end of the ARN, or the bare serial.
    pub fn device(&self) -> &str {
        self.0.rsplit(['/', ':']).next().unwrap_or(&self.0)
    }

    /// The partition in its ARN, if the serial is an ARN.
    pub fn partition(&self) -> Option<Partition> {
        self.0.strip_prefix("arn:")?.split(':').next()?.parse().ok()
    }

    /// The account in its ARN, if the serial is an ARN.
    pub fn account(&self) -> Option<AccountId> {
        self.0.strip_prefix("arn:")?.split(':').nth(3)?.parse().ok()
    }
}

/// The name of a virtual MFA device: 1–226 characters of `[\w+=,.@-]`, unique in its account.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DeviceName(String);

impl FromStr for DeviceName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        if (1..=226).contains(&text.len()) && is_word(text, "+=,.@-") {
            Ok(Self(text.to_owned()))
        } else {
            Err(NameError("a device name has 1 to 226 characters of `A-Za-z0-9_+=,.@-`"))
        }
    }
}

impl DeviceName {
    /// `USER-HOST` with illegal characters replaced, and the host without its domain.
    pub fn for_user(user: &str, host: &str) -> Self {
        let legal = |c: char| if c.is_ascii_alphanumeric() || "_+=,.@-".contains(c) { c } else { '-' };
        let host = host.split('.').next().unwrap_or_default();
        let parts = [user, host].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-");
        Self(parts.chars().map(legal).take(128).collect())
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// How long credentials live, or should live, in whole seconds.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Lifetime(u32);

impl Lifetime {
    /// Makes a duration from seconds.
    pub const fn from_secs(secs: u32) -> Self {
        Self(secs)
    }

    /// The duration in seconds.
    pub const fn secs(self) -> u32 {
        self.0
    }
}

impl FromStr for Lifetime {
    type Err = NameError;

    /// Parses `900`, `15m`, `1h30m`, `12h`, `90s`. Units must descend, and each may appear once.
    fn from_str(text: &str) -> Result<Self, NameError> {
        const SHAPE: NameError = NameError("a duration is written `900`, `15m`, `1h30m` or `12h`");
        if let Ok(secs) = text.parse() {
            return if text.starts_with('+') { Err(SHAPE) } else { Ok(Self(secs)) };
        }
        let (mut rest, mut secs) = (text, 0_u32);
        for (unit, factor) in [('h', 3600), ('m', 60), ('s', 1)] {
            if let Some((number, after)) = rest.split_once(unit) {
                if number.is_empty() || !number.bytes().all(|b| b.is_ascii_digit()) {
                    return Err(SHAPE);
                }
                let number: u32 = number.parse().map_err(|_| SHAPE)?;
                secs = number.checked_mul(factor).and_then(|n| n.checked_add(secs)).ok_or(SHAPE)?;
                rest = after;
            }
        }
        if rest.is_empty() && !text.is_empty() { Ok(Self(secs)) } else { Err(SHAPE) }
    }
}

impl fmt::Display for Lifetime {
    /// Prints `12h`, `1h30m`, `15m`, `59s`; zero is `0s`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (h, m, s) = (self.0 / 3600, self.0 / 60 % 60, self.0 % 60);
        for (number, unit) in [(h, 'h'), (m, 'm')] {
            if number > 0 {
                write!(f, "{number}{unit}")?;
            }
        }
        if s > 0 || self.0 == 0 { write!(f, "{s}s") } else { Ok(()) }
    }
}

/// A `RoleSessionName` or `SourceIdentity`: 2–64 characters of `[\w+=,.@-]`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SessionName(String);

impl FromStr for SessionName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        if (2..=64).contains(&text.len()) && is_word(text, "+=,.@-") {
            Ok(Self(text.to_owned()))
        } else {
            Err(NameError("it must have 2 to 64 characters of `A-Za-z0-9_+=,.@-`"))
        }
    }
}

impl SessionName {
    /// `mfa-cred-` and a user name: characters that AWS rejects become `-`, and the result is cut at 64 characters.
    pub fn for_user(user: &str) -> Self {
        let legal = |c: char| if c.is_ascii_alphanumeric() || "_+=,.@-".contains(c) { c } else { '-' };
        Self("mfa-cred-".chars().chain(user.chars().map(legal)).take(64).collect())
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An `ExternalId`: 2–1,224 characters of `[\w+=,.@:/-]`. AWS does not treat it as a secret.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ExternalId(String);

impl FromStr for ExternalId {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        if (2..=1224).contains(&text.len()) && is_word(text, "+=,.@:/-") {
            Ok(Self(text.to_owned()))
        } else {
            Err(NameError("an external ID has 2 to 1224 characters of `A-Za-z0-9_+=,.@:/-`"))
        }
    }
}

impl ExternalId {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A session tag: a key of 1–128 characters and a value of 0–256 characters.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Tag {
    /// The key. AWS compares keys without regard to case.
    pub key: String,
    /// The value, which may be empty.
    pub value: String,
}

impl FromStr for Tag {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let (key, value) = text.split_once('=').ok_or(NameError("a tag is written `KEY=VALUE`"))?;
        let legal = |s: &str| s.chars().all(|c| c.is_alphanumeric() || " _.:/=+-@".contains(c));
        if !(1..=128).contains(&key.chars().count()) || value.chars().count() > 256 {
            return Err(NameError("a tag key has 1 to 128 characters, and its value at most 256"));
        }
        if key.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("aws:")) {
            return Err(NameError("a tag's key must not start with `aws:`, which AWS reserves"));
        }
        if !legal(key) || !legal(value) {
            return Err(NameError("a tag consists of letters, digits, spaces and `_.:/=+-@`"));
        }
        Ok(Self { key: key.to_owned(), value: value.to_owned() })
    }
}

macro_rules! display_as_str {
    ($($name:ident)*) => { $(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    )* };
}

display_as_str!(ProfileName AccountId Partition Region RoleArn MfaSerial DeviceName SessionName ExternalId);

/// AWS's `\w`, which is ASCII, plus the characters in `more`.
fn is_word(text: &str, more: &str) -> bool {
    text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || more.contains(c))
}

#[cfg(test)]
mod tests;
