//! The members of a group.

use super::account::Signed;
use super::{AwsIam, Call};
use crate::iam::IamError;
use crate::iam::account::Membership;
use crate::secret::Credentials;

impl Membership for AwsIam<'_> {
    fn members(&self, signer: &Credentials, group: &str) -> Result<Vec<String>, IamError> {
        let call = Call::repeatable("GetGroup").with("GroupName", group);
        let signed = Signed { iam: self, signer };
        self.wait_for(signed.list(&call, "Users", &|user| user.text("UserName").map(str::to_owned)))
    }

    fn add(&self, signer: &Credentials, group: &str, user: &str) -> Result<(), IamError> {
        let call = Call::repeatable("AddUserToGroup").with("GroupName", group).with("UserName", user);
        self.wait_for(Signed { iam: self, signer }.done(&call))
    }

    fn remove(&self, signer: &Credentials, group: &str, user: &str) -> Result<(), IamError> {
        let call = Call::repeatable("RemoveUserFromGroup").with("GroupName", group).with("UserName", user);
        self.wait_for(Signed { iam: self, signer }.done(&call))
    }
}
