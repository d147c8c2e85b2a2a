//! Policies as AWS's IAM gives them: pages and percent-encoded documents.

use percent_encoding::percent_decode_str;

use super::{AwsIam, next, signed_by};
use crate::aws::CallError;
use crate::aws::classify;
use crate::iam::IamError;
use crate::iam::policies::{Described, Holder, PolicyReader};
use crate::secret::Credentials;

/// Sends a call, signed.
macro_rules! answer {
    ($iam:expr, $signer:expr, $call:expr) => {
        $iam.transport
            .wait($call.customize().config_override(signed_by($signer)).send())
            .map_err(|error| classify(&error))?
    };
}

impl PolicyReader for AwsIam<'_> {
    fn describe(&self, signer: &Credentials, user: &str) -> Result<Described, IamError> {
        self.call(&|| {
            let answer = answer!(self, signer, self.client.get_user().user_name(user));
            let user = answer.user().ok_or(CallError::Unreadable)?;
            let boundary = user.permissions_boundary().and_then(|boundary| boundary.permissions_boundary_arn());
            Ok(Described { arn: user.arn().to_owned(), boundary: boundary.map(str::to_owned) })
        })
    }

    fn groups(&self, signer: &Credentials, user: &str) -> Result<Vec<String>, IamError> {
        self.pages(&|marker| {
            let answer = answer!(self, signer, self.client.list_groups_for_user().user_name(user).set_marker(marker));
            let names = answer.groups().iter().map(|group| group.group_name().to_owned()).collect();
            Ok((names, next(answer.is_truncated(), answer.marker())?))
        })
    }

    fn inline(&self, signer: &Credentials, of: Holder<'_>) -> Result<Vec<String>, IamError> {
        self.pages(&|marker| match of {
            Holder::User(user) => {
                let call = self.client.list_user_policies().user_name(user).set_marker(marker);
                let answer = answer!(self, signer, call);
                Ok((answer.policy_names().to_vec(), next(answer.is_truncated(), answer.marker())?))
            }
            Holder::Group(group) => {
                let call = self.client.list_group_policies().group_name(group).set_marker(marker);
                let answer = answer!(self, signer, call);
                Ok((answer.policy_names().to_vec(), next(answer.is_truncated(), answer.marker())?))
            }
        })
    }

    fn inline_text(&self, signer: &Credentials, of: Holder<'_>, name: &str) -> Result<Vec<u8>, IamError> {
        self.call(&|| match of {
            Holder::User(user) => {
                let call = self.client.get_user_policy().user_name(user).policy_name(name);
                Ok(decoded(answer!(self, signer, call).policy_document()))
            }
            Holder::Group(group) => {
                let call = self.client.get_group_policy().group_name(group).policy_name(name);
                Ok(decoded(answer!(self, signer, call).policy_document()))
            }
        })
    }

    fn attached(&self, signer: &Credentials, to: Holder<'_>) -> Result<Vec<String>, IamError> {
        self.pages(&|marker| {
            let (policies, next) = match to {
                Holder::User(user) => {
                    let call = self.client.list_attached_user_policies().user_name(user).set_marker(marker);
                    let answer = answer!(self, signer, call);
                    (answer.attached_policies().to_vec(), next(answer.is_truncated(), answer.marker())?)
                }
                Holder::Group(group) => {
                    let call = self.client.list_attached_group_policies().group_name(group).set_marker(marker);
                    let answer = answer!(self, signer, call);
                    (answer.attached_policies().to_vec(), next(answer.is_truncated(), answer.marker())?)
                }
            };
            let arn = |policy: &aws_sdk_iam::types::AttachedPolicy| policy.policy_arn().map(str::to_owned);
            let arns: Option<_> = policies.iter().map(arn).collect();
            Ok((arns.ok_or(CallError::Unreadable)?, next))
        })
    }

    fn default_version(&self, signer: &Credentials, arn: &str) -> Result<String, IamError> {
        self.call(&|| {
            let answer = answer!(self, signer, self.client.get_policy().policy_arn(arn));
            let version = answer.policy().and_then(|policy| policy.default_version_id());
            version.map(str::to_owned).ok_or(CallError::Unreadable)
        })
    }

    fn version_text(&self, signer: &Credentials, arn: &str, version: &str) -> Result<Vec<u8>, IamError> {
        self.call(&|| {
            let answer = answer!(self, signer, self.client.get_policy_version().policy_arn(arn).version_id(version));
            let text = answer.policy_version().and_then(|version| version.document()).map(decoded);
            text.ok_or(CallError::Unreadable)
        })
    }
}

/// A document travels percent-encoded (RFC 3986: a plus is a plus).
fn decoded(document: &str) -> Vec<u8> {
    percent_decode_str(document).collect()
}
