//! Policies of an organization: they limit accounts, and are attached to no user, group or role.

use std::sync::Arc;

use super::inventory::Inventory;
use super::tree::Node;
use super::written::document;
use crate::policy::document::{
    Condition, Document, DocumentError, File, PolicyKind, Position, Problem, Scope, Statement,
};

/// The type of a policy that denies actions to the users and roles of accounts.
const SERVICE_CONTROL: &str = "SERVICE_CONTROL_POLICY";

/// Output of `aws organizations describe-policy`: the policy and its type.
pub(super) fn answer(root: &Node) -> Option<(&Node, String)> {
    let policy = root.get("Policy")?;
    Some((policy.get("Content")?, policy.at(&["PolicySummary", "Type"])?.text()?))
}

/// Reads output of `aws organizations describe-policy`, if that kind of policy is wanted.
pub(super) fn read(
    file: &Arc<File>,
    (content, own): (&Node, &str),
    kind: Option<PolicyKind>,
    inventory: &mut Inventory,
) -> Result<(), DocumentError> {
    let error = |problem| DocumentError { name: file.name.clone(), place: file.place(content.span.start), problem };
    if own != SERVICE_CONTROL {
        return Err(error(Problem::OfOtherType(own.to_ascii_lowercase().replace('_', " "))));
    }
    if kind != Some(PolicyKind::Organization) {
        return Err(error(Problem::OfOrganization("`Type` says so".to_owned())));
    }
    inventory.add_plain(document(file, "the policy", content, PolicyKind::Organization)?);
    Ok(())
}

/// Takes a resource that is a policy of an organization, or records that it was ignored.
pub(super) fn resource(
    file: &Arc<File>,
    label: &str,
    (content, own): (Option<&Node>, Option<&Node>),
    inventory: &mut Inventory,
) -> Result<(), DocumentError> {
    let own = own.map_or_else(|| Some(SERVICE_CONTROL.to_owned()), Node::text);
    let is_control = own.as_deref() == Some(SERVICE_CONTROL);
    match content.filter(|_| is_control && inventory.wants_organization) {
        Some(node) => inventory.add_plain(document(file, label, node, PolicyKind::Organization)?),
        None => inventory.ignore(label, is_control),
    }
    Ok(())
}

/// Refuses a document of no stated kind that was most likely written for an organization: as a user's policy, it would
/// get the wrong verdict.
pub(super) fn refuse(document: Document) -> Result<Document, DocumentError> {
    let is_wide = |one: &Statement| one.is_deny || is_everything(one);
    if document.kind == PolicyKind::User
        && document.statements.iter().all(is_wide)
        && let Some((sign, offset)) = document.statements.iter().find_map(sign)
    {
        let place = document.place(offset);
        return Err(DocumentError { name: document.name, place, problem: Problem::OfOrganization(sign) });
    }
    Ok(document)
}

/// Why a document with a `Principal` and a `Resource` is no policy of a user.
pub(super) fn with_principals(name: &str, bytes: &[u8]) -> DocumentError {
    let root: serde_json::Value = serde_json::from_slice(bytes).unwrap_or_default();
    let statements = root["Statement"].as_array().map_or(std::slice::from_ref(&root["Statement"]), |all| &all[..]);
    let is_all = |one: &serde_json::Value, name: &str| one[name] == "*" || one[name] == serde_json::json!(["*"]);
    let is_everyone = |one: &serde_json::Value| is_all(one, "Principal") || is_all(&one["Principal"], "AWS");
    let is_such = |one: &serde_json::Value| {
        is_everyone(one) && (one["Effect"] == "Deny" || is_all(one, "Action") && is_all(one, "Resource"))
    };
    // A bucket's policy names its bucket, and RCPs apply to everything in an account.
    let is_wide = statements.iter().all(is_such) && statements.iter().any(|one| is_all(one, "Resource"));
    let problem = if is_wide { Problem::ResourceControl } else { Problem::OfResource };
    DocumentError { name: name.to_owned(), place: Position { line: 1, column: 1 }, problem }
}

fn is_everything(one: &Statement) -> bool {
    let is_star = |scope: &Scope| !scope.is_all_but && scope.list.items.iter().any(|item| item.value == "*");
    is_star(&one.action) && one.resource.as_ref().is_some_and(is_star) && one.conditions.is_empty()
}

/// What only a policy for many accounts says, and its place.
fn sign(one: &Statement) -> Option<(String, usize)> {
    if let Some(sid) = one.sid.as_ref().filter(|sid| sid.value == "FullAWSAccess") {
        return Some((format!("`{}` is the name of AWS's own", sid.value), sid.span.start));
    }
    if !one.is_deny {
        return None;
    }
    let of_any_account = |condition: &Condition| {
        let is_key = condition.key.value.eq_ignore_ascii_case("aws:PrincipalArn");
        let arns = condition.values.items.iter().filter(|_| is_key);
        arns.filter(|arn| arn.value.split(':').nth(4) == Some("*")).map(|arn| arn.span.start).next()
    };
    if let Some(offset) = one.conditions.iter().find_map(of_any_account) {
        return Some(("`aws:PrincipalArn` is compared with principals of any account".to_owned(), offset));
    }
    let is_leave = |value: &str| value.eq_ignore_ascii_case("organizations:LeaveOrganization");
    let action = one.action.list.items.iter().filter(|_| !one.action.is_all_but).find(|it| is_leave(&it.value))?;
    Some((format!("it denies `{}`", action.value), action.span.start))
}
