//! The IAM calls for a user's own access keys.

use jiff::Timestamp;

use super::IamError;
use super::account::ListedKey;
use crate::secret::{Credentials, Secret};

/// The maximum number of access keys per user.
pub const MOST_KEYS: usize = 2;

/// An access key that AWS has just created.
#[derive(Debug)]
pub struct NewKey {
    /// Its identifier.
    pub id: String,
    /// Its secret, which AWS returns only once.
    pub secret: Secret<String>,
    /// When it was created.
    pub created: Option<Timestamp>,
}

/// What UpdateAccessKey sets.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum KeyStatus {
    /// It signs calls.
    Active,
    /// AWS refuses it until it is active again.
    Inactive,
}

/// The IAM calls for a user's access keys. All of them wait and retry when AWS throttles. The user is always named: AWS
/// demands it of calls that a session signs.
pub trait AccessKeys {
    /// ListAccessKeys, all pages.
    fn access_keys(&self, signer: &Credentials, user: &str) -> Result<Vec<ListedKey>, IamError>;

    /// GetAccessKeyLastUsed; `None` if the key was never used. AWS reports a use up to hours later.
    fn last_use(&self, signer: &Credentials, access_key_id: &str) -> Result<Option<Timestamp>, IamError>;

    /// CreateAccessKey. Never sent twice if an answer is lost: the lost key would be a second one. A user with two keys
    /// is [`IamError::Full`].
    fn create_access_key(&self, signer: &Credentials, user: &str) -> Result<NewKey, IamError>;

    /// UpdateAccessKey. A key that does not exist is [`IamError::Gone`].
    fn set_status(
        &self,
        signer: &Credentials,
        user: &str,
        access_key_id: &str,
        status: KeyStatus,
    ) -> Result<(), IamError>;

    /// DeleteAccessKey. A key that does not exist is [`IamError::Gone`].
    fn delete_access_key(&self, signer: &Credentials, user: &str, access_key_id: &str) -> Result<(), IamError>;
}
