//! Reads policies from IAM. The documents are percent-encoded.

use percent_encoding::percent_decode_str;

use super::answer::{Element, Read};
use super::{AwsIam, Call};
use crate::iam::IamError;
use crate::iam::policies::{Described, Holder, PolicyReader};
use crate::secret::Credentials;

impl PolicyReader for AwsIam<'_> {
    fn describe(&self, signer: &Credentials, user: &str) -> Result<Described, IamError> {
        self.result(signer, &Call::repeatable("GetUser").with("UserName", user), &|result| {
            let user = result.child("User")?;
            let boundary = user.optional_child("PermissionsBoundary")?;
            let boundary = boundary.map(|boundary| boundary.text("PermissionsBoundaryArn")).transpose()?;
            Ok(Described { arn: user.text("Arn")?.to_owned(), boundary: boundary.map(str::to_owned) })
        })
    }

    fn groups(&self, signer: &Credentials, user: &str) -> Result<Vec<String>, IamError> {
        let call = Call::repeatable("ListGroupsForUser").with("UserName", user);
        self.list(signer, &call, "Groups", &|group| group.text("GroupName").map(str::to_owned))
    }

    fn inline(&self, signer: &Credentials, of: Holder<'_>) -> Result<Vec<String>, IamError> {
        let call = match of {
            Holder::User(user) => Call::repeatable("ListUserPolicies").with("UserName", user),
            Holder::Group(group) => Call::repeatable("ListGroupPolicies").with("GroupName", group),
        };
        self.list(signer, &call, "PolicyNames", &|name| name.own_text().map(str::to_owned))
    }

    fn inline_text(&self, signer: &Credentials, of: Holder<'_>, name: &str) -> Result<Vec<u8>, IamError> {
        let call = match of {
            Holder::User(user) => Call::repeatable("GetUserPolicy").with("UserName", user),
            Holder::Group(group) => Call::repeatable("GetGroupPolicy").with("GroupName", group),
        };
        self.result(signer, &call.with("PolicyName", name), &|result| decoded(result, "PolicyDocument"))
    }

    fn attached(&self, signer: &Credentials, to: Holder<'_>) -> Result<Vec<String>, IamError> {
        let call = match to {
            Holder::User(user) => Call::repeatable("ListAttachedUserPolicies").with("UserName", user),
            Holder::Group(group) => Call::repeatable("ListAttachedGroupPolicies").with("GroupName", group),
        };
        self.list(signer, &call, "AttachedPolicies", &|policy| policy.text("PolicyArn").map(str::to_owned))
    }

    fn default_version(&self, signer: &Credentials, arn: &str) -> Result<String, IamError> {
        let call = Call::repeatable("GetPolicy").with("PolicyArn", arn);
        self.result(signer, &call, &|result| result.child("Policy")?.text("DefaultVersionId").map(str::to_owned))
    }

    fn version_text(&self, signer: &Credentials, arn: &str, version: &str) -> Result<Vec<u8>, IamError> {
        let call = Call::repeatable("GetPolicyVersion").with("PolicyArn", arn).with("VersionId", version);
        self.result(signer, &call, &|result| decoded(result.child("PolicyVersion")?, "Document"))
    }
}

/// RFC 3986: a plus sign stays a plus sign.
fn decoded(element: Element<'_>, name: &str) -> Read<Vec<u8>> {
    Ok(percent_decode_str(element.text(name)?).collect())
}
