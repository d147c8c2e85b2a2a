//! A user's access keys.
//!
//! When AWS throttles, the waits grow beyond those of the SDK's own retries: a rotation that is broken off leaves two keys.

use std::thread;
use std::time::Duration;

use jiff::Timestamp;

use super::answer::{Element, Read};
use super::{AwsIam, Call};
use crate::aws::CallError;
use crate::iam::IamError;
use crate::iam::access_keys::{AccessKeys, KeyStatus, NewKey};
use crate::iam::account::ListedKey;
use crate::names::{is_access_key_id, is_temporary_key};
use crate::secret::{Credentials, Secret};

/// The waits after throttling, in seconds.
const WAITS: [u64; 4] = [1, 2, 4, 8];

impl AccessKeys for AwsIam<'_> {
    fn access_keys(&self, signer: &Credentials, user: &str) -> Result<Vec<ListedKey>, IamError> {
        let call = Call::repeatable("ListAccessKeys").with("UserName", user);
        patiently(&|| self.list(signer, &call, "AccessKeyMetadata", &listed))
    }

    fn last_use(&self, signer: &Credentials, access_key_id: &str) -> Result<Option<Timestamp>, IamError> {
        let call = Call::repeatable("GetAccessKeyLastUsed").with("AccessKeyId", access_key_id);
        patiently(&|| self.result(signer, &call, &last_use))
    }

    fn create_access_key(&self, signer: &Credentials, user: &str) -> Result<NewKey, IamError> {
        let call = Call::once("CreateAccessKey").with("UserName", user);
        // What AWS throttles, it has not done.
        patiently(&|| self.result(signer, &call, &|result| new_key(result.child("AccessKey")?)))
    }

    fn set_status(
        &self,
        signer: &Credentials,
        user: &str,
        access_key_id: &str,
        status: KeyStatus,
    ) -> Result<(), IamError> {
        let status = match status {
            KeyStatus::Active => "Active",
            KeyStatus::Inactive => "Inactive",
        };
        let call = Call::repeatable("UpdateAccessKey").with("UserName", user).with("AccessKeyId", access_key_id);
        let call = call.with("Status", status);
        patiently(&|| self.done(signer, &call))
    }

    fn delete_access_key(&self, signer: &Credentials, user: &str, access_key_id: &str) -> Result<(), IamError> {
        let call = Call::repeatable("DeleteAccessKey").with("UserName", user).with("AccessKeyId", access_key_id);
        patiently(&|| self.done(signer, &call))
    }
}

/// Sends a call, and again after a wait as long as AWS throttles.
fn patiently<T>(send: &dyn Fn() -> Result<T, IamError>) -> Result<T, IamError> {
    for secs in WAITS {
        match send() {
            Err(IamError::Call(CallError::Throttled)) => thread::sleep(Duration::from_secs(secs)),
            answer => return answer,
        }
    }
    send()
}

pub(super) fn listed(key: Element<'_>) -> Read<ListedKey> {
    Ok(ListedKey {
        id: key.text("AccessKeyId")?.to_owned(),
        is_active: key.text("Status")? == "Active",
        made: key.optional_time("CreateDate")?,
    })
}

/// AWS leaves out the date of a key that was never used; other servers write `N/A`.
pub(super) fn last_use(result: Element<'_>) -> Read<Option<Timestamp>> {
    let last = result.optional_child("AccessKeyLastUsed")?;
    Ok(last.and_then(|last| last.optional_time("LastUsedDate").ok().flatten()))
}

/// Reads a new key. One that cannot sign a call is not an answer from AWS.
fn new_key(key: Element<'_>) -> Read<NewKey> {
    let (id, secret) = (key.text("AccessKeyId")?, Secret::from(key.text("SecretAccessKey")?));
    let is_word = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
    let is_key = is_access_key_id(id) && !is_temporary_key(id) && is_word(secret.expose());
    if !is_key || key.text("Status")? != "Active" {
        return Err(CallError::Unreadable);
    }
    Ok(NewKey { id: id.to_owned(), secret, created: key.optional_time("CreateDate")? })
}

#[cfg(test)]
mod tests {
    use super::new_key;
    use crate::aws::CallError;
    use crate::iam::client::answer::read;
    use crate::secret::Secret;

    #[test]
    fn a_new_key_that_could_not_sign_is_no_answer_of_aws() {
        let parts = |id: &str, secret: &str, status: &str| {
            format!(
                "<AccessKeyId>{id}</AccessKeyId><SecretAccessKey>{secret}</SecretAccessKey><Status>{status}</Status>"
            )
        };
        for (inner, is_key) in [
            (parts("AKIAIOSFODNN7EXAMPLE", "wJalr/+x", "Active"), true),
            (
                parts("AKIAIOSFODNN7EXAMPLE", "wJalr/+x", "Active") + "<CreateDate>2026-11-27T03:00:01Z</CreateDate>",
                true,
            ),
            (parts("AKIAIOSFODNN7EXAMPLE", "", "Active"), false),
            (parts("AKIAIOSFODNN7EXAMPLE", "two words", "Active"), false),
            (parts("AKIAIOSFODNN7EXAMPLE", "wJalr/+x", "Inactive"), false),
            (parts("ASIAIOSFODNN7EXAMPLE", "wJalr/+x", "Active"), false),
            (parts("", "wJalr/+x", "Active"), false),
            (parts("AKIAIOSFODNN7EXAMPLE", "wJalr/+x", "Active") + "<CreateDate>soon</CreateDate>", false),
            ("<AccessKeyId>AKIAIOSFODNN7EXAMPLE</AccessKeyId>".to_owned(), false),
        ] {
            let body = format!("<CreateAccessKeyResponse><AccessKey>{inner}</AccessKey></CreateAccessKeyResponse>");
            let body = Secret::new(body.into_bytes());
            let answer = read(&body, "CreateAccessKey", &|answer| new_key(answer.child("AccessKey")?));
            assert_eq!(
                answer.as_ref().map(drop).map_err(Clone::clone),
                if is_key { Ok(()) } else { Err(CallError::Unreadable) }
            );
        }
    }
}
