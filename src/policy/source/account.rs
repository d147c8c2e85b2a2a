//! `aws iam get-account-authorization-details`: every user of an account, with all the policies that apply to each.

use std::sync::Arc;

use super::inventory::{Holder, Inventory};
use super::tree::{Node, Value};
use super::written::document;
use crate::policy::document::{DocumentError, File, PolicyKind};

pub(super) fn read(file: &Arc<File>, root: &Node, inventory: &mut Inventory) -> Result<(), DocumentError> {
    inventory.is_whole = true;
    for policy in root.get("Policies").map_or(&[][..], Node::items) {
        let Some(arn) = policy.text_of("Arn") else { continue };
        let versions = policy.get("PolicyVersionList").map_or(&[][..], Node::items);
        let default = policy.text_of("DefaultVersionId");
        let is_default = |version: &&Node| {
            let is_said = version.get("IsDefaultVersion").is_some_and(|is| matches!(is.value, Value::Bool(true)));
            is_said || default.is_some() && version.text_of("VersionId") == default
        };
        if let Some(node) = versions.iter().find(is_default).and_then(|version| version.get("Document")) {
            let label = policy.text_of("PolicyName").unwrap_or_else(|| arn.clone());
            inventory.add_managed(&[arn], document(file, &label, node, PolicyKind::User)?);
        }
    }
    for group in root.get("GroupDetailList").map_or(&[][..], Node::items) {
        let Some(name) = group.text_of("GroupName") else { continue };
        held(file, group, (Holder::Group, &name), "GroupPolicyList", inventory)?;
    }
    for user in root.get("UserDetailList").map_or(&[][..], Node::items) {
        let Some(name) = user.text_of("UserName") else { continue };
        inventory.add_user(&name, user.text_of("Path"));
        held(file, user, (Holder::User, &name), "UserPolicyList", inventory)?;
        for group in user.get("GroupList").map_or(&[][..], Node::items).iter().filter_map(Node::text) {
            inventory.add_member(&name, &group);
        }
        if let Some(node) = user.at(&["PermissionsBoundary", "PermissionsBoundaryArn"])
            && let Some(arn) = node.text()
        {
            inventory.bound(&name, &arn, (file, node));
        }
    }
    Ok(())
}

/// The policies of a user or a group: inline and managed ones.
fn held(
    file: &Arc<File>,
    of: &Node,
    whom: (Holder, &str),
    own: &str,
    inventory: &mut Inventory,
) -> Result<(), DocumentError> {
    for policy in of.get(own).map_or(&[][..], Node::items) {
        let Some(node) = policy.get("PolicyDocument") else { continue };
        let kind = if whom.0 == Holder::Group { "group" } else { "user" };
        let name = policy.text_of("PolicyName").unwrap_or_default();
        inventory.attach(whom, document(file, &format!("{name} of {kind} {}", whom.1), node, PolicyKind::User)?);
    }
    for policy in of.get("AttachedManagedPolicies").map_or(&[][..], Node::items) {
        if let Some(arn) = policy.text_of("PolicyArn") {
            inventory.attach_named(whom, &arn, (file, policy));
        }
    }
    Ok(())
}
