//! The permissions that users need to manage their MFA devices and access keys: one table.
//!
//! The hint for AccessDenied comes from it, with everything that the remaining steps need, so that users do not
//! discover the actions one by one; `policy` checks against it, too. Pure.

use serde_json::{Value, json};

use super::User;

/// The resource of an action, as a policy must name it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum On {
    /// `arn:P:iam::ACCOUNT:mfa/*`. The old `mfa/${aws:username}` blocks every other name.
    Devices,
    /// `arn:P:iam::ACCOUNT:user/${aws:username}`, with the user's path.
    Oneself,
    /// `*`, for actions without resource-level permissions.
    Everything,
}

/// Must it be allowed without MFA? Only the actions that enrollment needs before a device exists.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Mfa {
    /// A Deny without MFA must exempt it.
    NotYet,
    /// It is called with MFA.
    Given,
}

/// One action of a procedure.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Need {
    /// `iam:EnableMFADevice`
    pub action: &'static str,
    /// The step that needs it, in words.
    pub step: &'static str,
    /// Its resource.
    pub on: On,
    /// With or without MFA.
    pub mfa: Mfa,
}

const LIST: Need =
    Need { action: "iam:ListMFADevices", step: "listing your MFA devices", on: On::Oneself, mfa: Mfa::NotYet };
const RESYNC: Need =
    Need { action: "iam:ResyncMFADevice", step: "resyncing a device", on: On::Oneself, mfa: Mfa::NotYet };
const DELETE: Need =
    Need { action: "iam:DeleteVirtualMFADevice", step: "deleting the device", on: On::Devices, mfa: Mfa::Given };

/// A new device: `device enroll`.
pub const ENROLL: [Need; 4] = [
    LIST,
    Need { action: "iam:CreateVirtualMFADevice", step: "creating the device", on: On::Devices, mfa: Mfa::NotYet },
    Need { action: "iam:EnableMFADevice", step: "enabling the device", on: On::Oneself, mfa: Mfa::NotYet },
    RESYNC,
];
/// Cleaning up after an interrupted enrollment.
pub const CLEAR_UP: [Need; 2] = [
    Need {
        action: "iam:ListVirtualMFADevices",
        step: "looking for an unassigned device",
        on: On::Everything,
        mfa: Mfa::Given,
    },
    DELETE,
];
/// `device list`, and `mfa_serial = auto`.
pub const LOOK: [Need; 1] = [LIST];
/// `device resync`.
pub const MEND: [Need; 2] = [LIST, RESYNC];
/// `device remove`.
pub const REMOVE: [Need; 3] = [
    LIST,
    Need { action: "iam:DeactivateMFADevice", step: "deactivating the device", on: On::Oneself, mfa: Mfa::Given },
    DELETE,
];

/// `keys rotate`.
pub const ROTATE: [Need; 4] = [
    Need { action: "iam:ListAccessKeys", step: "listing your access keys", on: On::Oneself, mfa: Mfa::Given },
    Need { action: "iam:CreateAccessKey", step: "creating the new access key", on: On::Oneself, mfa: Mfa::Given },
    Need { action: "iam:UpdateAccessKey", step: "deactivating the old access key", on: On::Oneself, mfa: Mfa::Given },
    Need { action: "iam:DeleteAccessKey", step: "deleting the old access key", on: On::Oneself, mfa: Mfa::Given },
];

/// The step with this action, and all steps after it.
pub fn from(journey: &'static [Need], action: &str) -> &'static [Need] {
    let start = journey.iter().position(|need| need.action == action);
    start.map_or(&[], |start| &journey[start..])
}

impl On {
    /// The ARN to write into the user's policy.
    pub fn arn(self, user: &User) -> String {
        let User { partition, account, path, .. } = user;
        match self {
            Self::Devices => format!("arn:{partition}:iam::{account}:mfa/*"),
            Self::Oneself => format!("arn:{partition}:iam::{account}:user{path}${{aws:username}}"),
            Self::Everything => "*".to_owned(),
        }
    }
}

/// The statements that allow these actions, one per resource.
pub fn statements(needs: &[Need], user: &User) -> Vec<Value> {
    let of = |on: On| needs.iter().filter(move |need| need.on == on).map(|need| need.action).collect::<Vec<_>>();
    let statement = |on: On| match &of(on)[..] {
        [] => None,
        [one] => Some(json!({"Effect": "Allow", "Action": one, "Resource": on.arn(user)})),
        many => Some(json!({"Effect": "Allow", "Action": many, "Resource": on.arn(user)})),
    };
    [On::Devices, On::Oneself, On::Everything].into_iter().filter_map(statement).collect()
}

#[cfg(test)]
mod tests {
    use super::{ENROLL, from, statements};
    use crate::iam::User;

    #[test]
    fn the_remaining_steps_of_a_procedure() {
        let actions: Vec<&str> = from(&ENROLL, "iam:EnableMFADevice").iter().map(|need| need.action).collect();
        assert_eq!(actions, ["iam:EnableMFADevice", "iam:ResyncMFADevice"]);
        assert!(from(&ENROLL, "iam:DeleteUser").is_empty());
    }

    #[test]
    fn the_statements_name_each_resource_once() {
        let user = User::of_arn("arn:aws:iam::123456789012:user/team/alice").expect("a user");
        let said: Vec<String> =
            statements(from(&ENROLL, "iam:CreateVirtualMFADevice"), &user).iter().map(ToString::to_string).collect();
        assert_eq!(
            said,
            [
                r#"{"Effect":"Allow","Action":"iam:CreateVirtualMFADevice","Resource":"arn:aws:iam::123456789012:mfa/*"}"#,
                r#"{"Effect":"Allow","Action":["iam:EnableMFADevice","iam:ResyncMFADevice"],"Resource":"arn:aws:iam::123456789012:user/team/${aws:username}"}"#,
            ]
        );
    }
}
