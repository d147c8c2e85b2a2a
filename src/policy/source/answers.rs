//! Output of `aws iam get-…` commands.

use std::sync::Arc;

use super::holder::{Called, Holder};
use super::inventory::Inventory;
use super::tree::Node;
use super::written::document;
use crate::policy::document::{DocumentError, File, PolicyKind};

/// Is it output with a policy in it?
pub(super) fn is_such(root: &Node) -> bool {
    root.at(&["PolicyVersion", "Document"]).is_some()
        || root.get("PolicyDocument").is_some()
        || root.get("Role").is_some()
        || root.get("Roles").is_some()
        || root.get("RoleDetailList").is_some()
        || root.get("AssumeRolePolicyDocument").is_some()
}

pub(super) fn read(file: &Arc<File>, root: &Node, inventory: &mut Inventory) -> Result<(), DocumentError> {
    if let Some(node) = root.at(&["PolicyVersion", "Document"]) {
        let version = root.at(&["PolicyVersion", "VersionId"]).and_then(Node::text);
        let label = version.map_or_else(|| "the policy".to_owned(), |version| format!("version {version}"));
        return inventory.add_loose(file, &label, node, &[]);
    }
    if let Some(node) = root.get("PolicyDocument") {
        let label = root.text_of("PolicyName").unwrap_or_else(|| "the policy".to_owned());
        if let Some(role) = root.text_of("RoleName") {
            let whom = (Holder::Role, Called::Name(role));
            inventory.attach(whom, &[], document(file, &label, node, PolicyKind::Role)?);
            return Ok(());
        }
        for (field, holder) in [("UserName", Holder::User), ("GroupName", Holder::Group)] {
            if let Some(name) = root.text_of(field) {
                let policy = document(file, &label, node, PolicyKind::User)?;
                inventory.add_answer((holder, Called::Name(name)), policy);
                return Ok(());
            }
        }
        return inventory.add_loose(file, &label, node, &[]);
    }
    let roles = ["Role", "Roles", "RoleDetailList"].iter().filter_map(|name| root.get(name)).flat_map(Node::each);
    for role in roles.chain(std::iter::once(root)) {
        if let Some(node) = role.get("AssumeRolePolicyDocument") {
            let own = role.text_of("RoleName");
            let label = format!("trust policy of {}", own.as_deref().unwrap_or("the role"));
            inventory.add_trust(document(file, &label, node, PolicyKind::Trust)?.of_role(own));
        }
    }
    Ok(())
}
