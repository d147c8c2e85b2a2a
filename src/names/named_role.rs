//! A role as a person names it.

use std::str::FromStr;

use super::{AccountId, NameError, Partition, RoleArn};

/// A role that is named in whole, or by its name alone, in an account that something else tells.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum NamedRole {
    /// `arn:PARTITION:iam::ACCOUNT:role/[PATH/]NAME` or one of its short forms
    Whole(RoleArn),
    /// `[PATH/]NAME`
    Name(String),
}

impl NamedRole {
    /// The ARN; that of a name alone is in this account.
    ///
    /// # Errors
    /// It would be longer than AWS allows.
    pub fn in_account(&self, partition: Partition, account: &AccountId) -> Result<RoleArn, NameError> {
        match self {
            Self::Whole(role) => Ok(role.clone()),
            Self::Name(name) => format!("{partition}:{account}:{name}").parse(),
        }
    }
}

impl FromStr for NamedRole {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        const SHAPE: NameError = NameError(
            "a role is written `NAME`, `ACCOUNT:NAME`, `PARTITION:ACCOUNT:NAME` or \
             `arn:PARTITION:iam::ACCOUNT:role/NAME`",
        );
        if text.contains(':') {
            return text.parse().map(Self::Whole).map_err(|_| SHAPE);
        }
        // As ARNs and the console's addresses have it.
        let name = text.trim_start_matches('/');
        let name = name.strip_prefix("role/").unwrap_or(name);
        let is_legal = format!("{}:000000000000:{name}", Partition::AWS).parse::<RoleArn>().is_ok();
        if is_legal { Ok(Self::Name(name.to_owned())) } else { Err(SHAPE) }
    }
}

#[cfg(test)]
mod tests {
    use super::NamedRole;
    use crate::names::Partition;

    #[test]
    fn a_name_alone_is_a_role_of_the_account() {
        let account = "123456789012".parse().expect("an account");
        for (text, arn) in [
            ("admin", Some("arn:aws:iam::123456789012:role/admin")),
            ("team/x/admin", Some("arn:aws:iam::123456789012:role/team/x/admin")),
            ("role/admin", Some("arn:aws:iam::123456789012:role/admin")),
            ("/admin", Some("arn:aws:iam::123456789012:role/admin")),
            ("210987654321:admin", Some("arn:aws:iam::210987654321:role/admin")),
            ("arn:aws-cn:iam::210987654321:role/admin", Some("arn:aws-cn:iam::210987654321:role/admin")),
            ("", None),
            ("/", None),
            ("team/", None),
            ("two words", None),
            ("12:admin", None),
            ("admin\u{7}", None),
        ] {
            let named = text.parse::<NamedRole>().ok();
            let role = named.and_then(|named| named.in_account(Partition::AWS, &account).ok());
            assert_eq!(role.as_ref().map(super::RoleArn::as_str), arn, "{text:?}");
        }
    }
}
