//! Whose MFA devices these are: the user that GetCallerIdentity names. Pure.

use crate::names::{AccountId, Partition};

/// Why whoever signs has no MFA devices of their own here.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum CallerError {
    /// The account's root user.
    #[error("these are the root user's credentials; its devices are managed in the AWS console alone")]
    Root,
    /// A role, a federated user, an instance.
    #[error("these are credentials of a role or a federated user ({0}), which has no MFA devices")]
    NoUser(String),
    /// A text that is none of AWS's.
    #[error("GetCallerIdentity named nobody")]
    Unreadable,
}

/// An IAM user.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct User {
    /// Where the account is.
    pub partition: Partition,
    /// The account.
    pub account: AccountId,
    /// `/`, or `/team/`.
    pub path: String,
    /// The name, without its path.
    pub name: String,
}

impl User {
    /// Reads the ARN of a caller.
    pub fn of_arn(arn: &str) -> Result<Self, CallerError> {
        let parts: Vec<&str> = arn.splitn(6, ':').collect();
        let ["arn", partition, service, "", account, resource] = parts[..] else {
            return Err(CallerError::Unreadable);
        };
        let Some(user) = resource.strip_prefix("user/").filter(|_| service == "iam") else {
            return Err(if resource == "root" { CallerError::Root } else { CallerError::NoUser(resource.to_owned()) });
        };
        let (path, name) = user.rsplit_once('/').unwrap_or(("", user));
        let path = if path.is_empty() { "/".to_owned() } else { format!("/{path}/") };
        let (Ok(partition), Ok(account)) = (partition.parse(), account.parse()) else {
            return Err(CallerError::Unreadable);
        };
        if name.is_empty() {
            return Err(CallerError::Unreadable);
        }
        Ok(Self { partition, account, path, name: name.to_owned() })
    }

    /// The ARN that a virtual device of that name has, or would have.
    pub fn device(&self, name: &str) -> String {
        format!("arn:{}:iam::{}:mfa/{name}", self.partition, self.account)
    }
}

#[cfg(test)]
mod tests {
    use super::{CallerError, User};

    #[test]
    fn a_user_and_nobody_else() {
        let user = User::of_arn("arn:aws-cn:iam::123456789012:user/team/x/alice@b.c").expect("a user");
        assert_eq!((user.path.as_str(), user.name.as_str()), ("/team/x/", "alice@b.c"));
        assert_eq!(user.device("alice"), "arn:aws-cn:iam::123456789012:mfa/alice");
        assert_eq!(User::of_arn("arn:aws:iam::123456789012:user/alice").expect("a user").path, "/");
        for (arn, error) in [
            ("arn:aws:iam::123456789012:root", CallerError::Root),
            (
                "arn:aws:sts::123456789012:assumed-role/deploy/me",
                CallerError::NoUser("assumed-role/deploy/me".to_owned()),
            ),
            ("arn:aws:iam::123456789012:user/", CallerError::Unreadable),
            ("alice", CallerError::Unreadable),
        ] {
            assert_eq!(User::of_arn(arn), Err(error), "{arn}");
        }
    }
}
