//! The user whose MFA devices are managed: the one that GetCallerIdentity names. Pure.

use crate::names::{AccountId, Partition};

/// Why the signer has no MFA devices that can be managed here.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum CallerError {
    /// The account's root user.
    #[error("these are the root user's credentials; its devices can only be managed in the AWS console")]
    Root,
    /// A role, a federated user, an instance.
    #[error("these are credentials of a role or a federated user ({0}), which has no MFA devices")]
    NoUser(String),
    /// An invalid ARN.
    #[error("GetCallerIdentity returned no valid ARN")]
    Unreadable,
}

/// An IAM user.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct User {
    /// The account's partition.
    pub partition: Partition,
    /// The account's ID.
    pub account: AccountId,
    /// `/`, or `/team/`.
    pub path: String,
    /// Without the path.
    pub name: String,
}

impl User {
    /// Parses a caller's ARN.
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

    /// The ARN of the user's virtual device with this name, whether or not it exists.
    pub fn device(&self, name: &str) -> String {
        format!("arn:{}:iam::{}:mfa/{name}", self.partition, self.account)
    }
}

#[cfg(test)]
mod tests {
    use super::{CallerError, User};

    #[test]
    fn only_a_user_has_devices() {
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
