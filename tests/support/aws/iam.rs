//! IAM, as far as MFA devices, keys, and policies go. It has the same address as STS; the API version tells them apart.

mod account;
mod devices;
mod groups;
mod keys;
mod policies;

use jiff::Timestamp;

use super::front::{Caller, unknown_action};
use super::reply::{Refusal, Service, element};
use super::validate::{Class, Constraints};
use super::world::{Params, ROOT, Signer, World};

pub(super) fn perform(
    world: &mut World,
    caller: &Caller,
    action: &str,
    params: &Params,
) -> Result<Option<String>, Refusal> {
    if matches!(caller.signer, Signer::Session { mfa: false, .. }) {
        return Err(Refusal::unknown_token());
    }
    match action {
        "GetUser" => get_user(world, caller, params).map(Some),
        "ListMFADevices" => devices::list(world, caller, params).map(Some),
        "ListVirtualMFADevices" => devices::list_virtual(world, caller, params).map(Some),
        "CreateVirtualMFADevice" => devices::create(world, caller, params).map(Some),
        "EnableMFADevice" => devices::enable(world, caller, params).map(|()| None),
        "ResyncMFADevice" => devices::resync(world, caller, params).map(|()| None),
        "DeactivateMFADevice" => devices::deactivate(world, caller, params).map(|()| None),
        "DeleteVirtualMFADevice" => devices::delete(world, caller, params).map(|()| None),
        "ListUserPolicies" | "ListGroupPolicies" => policies::inline(world, caller, action, params).map(Some),
        "GetUserPolicy" | "GetGroupPolicy" => policies::inline_text(world, caller, action, params).map(Some),
        "ListAttachedUserPolicies" | "ListAttachedGroupPolicies" => {
            policies::attached(world, caller, action, params).map(Some)
        }
        "ListGroupsForUser" => policies::groups(world, caller, params).map(Some),
        "GetGroup" => groups::get(world, caller, params).map(Some),
        "AddUserToGroup" => groups::add(world, caller, params).map(|()| None),
        "RemoveUserFromGroup" => groups::remove(world, caller, params).map(|()| None),
        "GetPolicy" => policies::policy(world, caller, params).map(Some),
        "GetPolicyVersion" => policies::version(world, caller, params).map(Some),
        "ListUsers" => account::users(world, caller, params).map(Some),
        "GetLoginProfile" => account::login_profile(world, caller, params).map(Some),
        "ListAccessKeys" => account::keys(world, caller, params).map(Some),
        "CreateAccessKey" => keys::create(world, caller, params).map(Some),
        "UpdateAccessKey" => keys::update(world, caller, params).map(|()| None),
        "DeleteAccessKey" => keys::delete(world, caller, params).map(|()| None),
        "GetAccessKeyLastUsed" => account::last_use(world, caller, params).map(Some),
        "GetAccountSummary" => account::summary(world, caller).map(Some),
        "GetAccountPasswordPolicy" => account::password_policy(world, caller).map(Some),
        "GetAccountAuthorizationDetails" => account::details(world, caller, params).map(Some),
        "GenerateCredentialReport" => account::generate(world, caller).map(Some),
        "GetCredentialReport" => account::report(world, caller).map(Some),
        _ => Err(unknown_action(Service::Iam, action)),
    }
}

fn get_user(world: &World, caller: &Caller, params: &Params) -> Result<String, Refusal> {
    let name = user_name(world, caller, params)?;
    permit(world, caller, "GetUser", &world.user_arn(&name))?;
    let user = &world.users[&name];
    let inner = element("Path", "/")
        + &element("UserName", &name)
        + &element("UserId", &user.id)
        + &element("Arn", &world.user_arn(&name))
        + &element("CreateDate", &seconds(user.created));
    let boundary = world.policies.boundaries.get(&name).map_or_else(String::new, |arn| {
        let inner = element("PermissionsBoundaryType", "Policy") + &element("PermissionsBoundaryArn", arn);
        format!("<PermissionsBoundary>{inner}</PermissionsBoundary>")
    });
    Ok(format!("<User>{inner}{boundary}</User>"))
}

/// Refuses what a test has denied, with AWS's message.
fn permit(world: &World, caller: &Caller, action: &str, resource: &str) -> Result<(), Refusal> {
    let denial = world.denials.iter().find(|denial| denial.strikes(action, resource, caller.mfa_at.is_some()));
    let Some(denial) = denial else { return Ok(()) };
    let why = if denial.only_without_mfa {
        "with an explicit deny in an identity-based policy".to_owned()
    } else {
        format!("because no identity-based policy allows the iam:{action} action")
    };
    let who = super::sts::caller_arn(world, caller);
    Err(Refusal::denied(format!(
        "User: {who} is not authorized to perform: iam:{action} on resource: {resource} {why}"
    )))
}

/// The user of a call: the named one, otherwise the signer.
fn user_name(world: &World, caller: &Caller, params: &Params) -> Result<String, Refusal> {
    let name = match (params.get("UserName"), &caller.signer) {
        (Some(name), _) => {
            let mut constraints = Constraints::default();
            constraints.text("UserName", name, (1, 128), Class::Name);
            constraints.check()?;
            name
        }
        (None, Signer::User(user) | Signer::Session { user, .. }) if user != ROOT => user,
        _ => return Err(Refusal::invalid("Must specify userName when calling with non-User credentials")),
    };
    if world.users.contains_key(name) {
        Ok(name.to_owned())
    } else {
        let text = format!("The user with name {name} cannot be found.");
        Err(Refusal::new(404, "NoSuchEntity", text))
    }
}

/// One page of a list, starting at `Marker`: `MaxItems` members, or fewer if a test says so.
fn page(world: &World, params: &Params, name: &str, members: &[String]) -> Result<String, Refusal> {
    let refuse = |what: &str| Refusal::invalid(format!("Invalid {what}."));
    let size: usize = match params.get("MaxItems") {
        Some(size) => size.parse().ok().filter(|size| (1..=1000).contains(size)).ok_or_else(|| refuse("MaxItems"))?,
        None => 100,
    };
    let size = size.min(world.page);
    let start: usize = match params.get("Marker") {
        Some(marker) => marker
            .strip_prefix("page-")
            .and_then(|start| start.parse().ok())
            .filter(|start| *start <= members.len())
            .ok_or_else(|| refuse("Marker"))?,
        None => 0,
    };
    let end = members.len().min(start + size);
    let mut list = String::new();
    for member in &members[start..end] {
        list.extend(["<member>", member, "</member>"]);
    }
    let more = end < members.len();
    let marker = if more { element("Marker", &format!("page-{end}")) } else { String::new() };
    Ok(format!("<{name}>{list}</{name}>{}{marker}", element("IsTruncated", &more.to_string())))
}

/// IAM's dates have no fractions of a second.
fn seconds(time: Timestamp) -> String {
    Timestamp::from_second(time.as_second()).expect("a time that was one").to_string()
}
