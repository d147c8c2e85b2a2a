//! `aws iam get-account-authorization-details`: every user of an account, with all the policies that apply to each.

use std::sync::Arc;

use super::holder::{Called, Holder, Whom};
use super::inventory::Inventory;
use super::tree::{Node, Value};
use super::written::document;
use crate::policy::document::{DocumentError, File, PolicyKind};

pub(super) fn read(file: &Arc<File>, root: &Node, inventory: &mut Inventory) -> Result<(), DocumentError> {
    let users = root.get("UserDetailList").map_or(&[][..], Node::items);
    // With `--filter`, there may be no users.
    inventory.is_whole = !users.is_empty();
    if root.get("IsTruncated").is_some_and(|is| matches!(is.value, Value::Bool(true))) {
        inventory.notes.push(format!("{} is only a part of the account: `IsTruncated` is true", file.name));
    }
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
            inventory.add_managed(&[arn], &[], document(file, &label, node, PolicyKind::User)?);
        }
    }
    for group in root.get("GroupDetailList").map_or(&[][..], Node::items) {
        let Some(name) = group.text_of("GroupName").map(Called::Name) else { continue };
        inventory.add_group(&name);
        held(file, group, &(Holder::Group, name), "GroupPolicyList", inventory)?;
    }
    for user in users {
        let Some(name) = user.text_of("UserName").map(Called::Name) else { continue };
        inventory.add_user(&name, user.text_of("Path"), &[]);
        held(file, user, &(Holder::User, name.clone()), "UserPolicyList", inventory)?;
        for node in user.get("GroupList").map_or(&[][..], Node::items) {
            if let Some(group) = node.text() {
                inventory.add_member(&name, &Called::Name(group), &[], (file, node));
            }
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
fn held(file: &Arc<File>, of: &Node, whom: &Whom, own: &str, inventory: &mut Inventory) -> Result<(), DocumentError> {
    for policy in of.get(own).map_or(&[][..], Node::items) {
        let Some(node) = policy.get("PolicyDocument") else { continue };
        let name = policy.text_of("PolicyName").unwrap_or_default();
        let label = format!("{name} of {} {}", whom.0.name(), whom.1.text());
        inventory.attach(whom.clone(), &[], document(file, &label, node, PolicyKind::User)?);
    }
    for policy in of.get("AttachedManagedPolicies").map_or(&[][..], Node::items) {
        if let Some(arn) = policy.text_of("PolicyArn") {
            inventory.attach_named(whom.clone(), &[], &arn, (file, policy));
        }
    }
    Ok(())
}
