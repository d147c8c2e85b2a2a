//! Reading who has which policies. Documents travel percent-encoded, as AWS sends them.

use super::super::front::Caller;
use super::super::reply::{Refusal, element};
use super::super::sigv4::percent_encode;
use super::super::validate::{Class, Constraints};
use super::super::world::{Params, World};
use super::{page, permit, seconds, user_name};

/// The holder that a call is about, and its ARN.
fn holder(world: &World, caller: &Caller, action: &str, params: &Params) -> Result<(String, String), Refusal> {
    let mut constraints = Constraints::default();
    if action.contains("User") {
        let name = constraints.required(params, "UserName");
        constraints.text("UserName", name, (1, 128), Class::Name);
        constraints.check()?;
        let name = user_name(world, caller, params)?;
        let arn = world.user_arn(&name);
        permit(world, caller, action, &arn)?;
        return Ok((format!("user/{name}"), arn));
    }
    let name = constraints.required(params, "GroupName");
    constraints.text("GroupName", name, (1, 128), Class::Name);
    constraints.check()?;
    let arn = format!("arn:aws:iam::{}:group/{name}", world.account);
    permit(world, caller, action, &arn)?;
    if world.policies.groups.contains_key(name) {
        Ok((format!("group/{name}"), arn))
    } else {
        Err(missing(format!("The group with name {name} cannot be found.")))
    }
}

pub(super) fn inline(world: &World, caller: &Caller, action: &str, params: &Params) -> Result<String, Refusal> {
    let (holder, _) = holder(world, caller, action, params)?;
    let names = world.policies.inline.keys().filter(|(of, _)| *of == holder).map(|(_, name)| name.clone());
    page(world, params, "PolicyNames", &names.collect::<Vec<_>>())
}

pub(super) fn inline_text(world: &World, caller: &Caller, action: &str, params: &Params) -> Result<String, Refusal> {
    let mut constraints = Constraints::default();
    let name = constraints.required(params, "PolicyName");
    constraints.text("PolicyName", name, (1, 128), Class::Name);
    constraints.check()?;
    let (holder, _) = holder(world, caller, action, params)?;
    let (kind, holder_name) = holder.split_once('/').expect("a kind and a name");
    let document = world.policies.inline.get(&(holder.clone(), name.to_owned()));
    let document = document.ok_or_else(|| missing(format!("The {kind} policy with name {name} cannot be found.")))?;
    let element_of = if kind == "user" { "UserName" } else { "GroupName" };
    Ok(element(element_of, holder_name)
        + &element("PolicyName", name)
        + &element("PolicyDocument", &percent_encode(document)))
}

pub(super) fn attached(world: &World, caller: &Caller, action: &str, params: &Params) -> Result<String, Refusal> {
    let (holder, _) = holder(world, caller, action, params)?;
    let arns = world.policies.attached.get(&holder).map_or(&[][..], Vec::as_slice);
    let member =
        |arn: &String| element("PolicyName", arn.rsplit('/').next().unwrap_or_default()) + &element("PolicyArn", arn);
    page(world, params, "AttachedPolicies", &arns.iter().map(member).collect::<Vec<_>>())
}

pub(super) fn groups(world: &World, caller: &Caller, params: &Params) -> Result<String, Refusal> {
    let (holder, _) = holder(world, caller, "ListGroupsForUser", params)?;
    let user = holder.trim_start_matches("user/");
    let of_user = world.policies.groups.iter().filter(|(_, users)| users.iter().any(|one| one == user));
    let member = |name: &String| {
        element("Path", "/")
            + &element("GroupName", name)
            + &element("GroupId", "AGPAEXAMPLE0000000001")
            + &element("Arn", &format!("arn:aws:iam::{}:group/{name}", world.account))
            + &element("CreateDate", &seconds(world.now()))
    };
    page(world, params, "Groups", &of_user.map(|(name, _)| member(name)).collect::<Vec<_>>())
}

pub(super) fn policy(world: &World, caller: &Caller, params: &Params) -> Result<String, Refusal> {
    let arn = policy_arn(params)?;
    permit(world, caller, "GetPolicy", arn)?;
    let managed = world.policies.managed.get(arn).ok_or_else(|| no_policy(arn))?;
    let inner = element("PolicyName", arn.rsplit('/').next().unwrap_or_default())
        + &element("PolicyId", "ANPAEXAMPLE0000000001")
        + &element("Arn", arn)
        + &element("Path", "/")
        + &element("DefaultVersionId", &format!("v{}", managed.default))
        + &element("IsAttachable", "true");
    Ok(format!("<Policy>{inner}</Policy>"))
}

pub(super) fn version(world: &World, caller: &Caller, params: &Params) -> Result<String, Refusal> {
    let arn = policy_arn(params)?;
    let mut constraints = Constraints::default();
    let id = constraints.required(params, "VersionId");
    constraints.check()?;
    let number: Option<usize> = id.strip_prefix('v').and_then(|number| number.parse().ok()).filter(|it| *it > 0);
    let number = number.ok_or_else(|| Refusal::invalid(format!("The version id {id} is malformed.")))?;
    permit(world, caller, "GetPolicyVersion", arn)?;
    let managed = world.policies.managed.get(arn).ok_or_else(|| no_policy(arn))?;
    let document = managed
        .versions
        .get(number - 1)
        .ok_or_else(|| missing(format!("Policy {arn} version {id} does not exist or is not attachable.")))?;
    let inner = element("Document", &percent_encode(document))
        + &element("VersionId", id)
        + &element("IsDefaultVersion", &(number == managed.default).to_string())
        + &element("CreateDate", &seconds(world.now()));
    Ok(format!("<PolicyVersion>{inner}</PolicyVersion>"))
}

fn policy_arn(params: &Params) -> Result<&str, Refusal> {
    let mut constraints = Constraints::default();
    let arn = constraints.required(params, "PolicyArn");
    constraints.text("PolicyArn", arn, (20, 2048), Class::Text);
    constraints.check()?;
    Ok(arn)
}

fn no_policy(arn: &str) -> Refusal {
    missing(format!("Policy {arn} was not found."))
}

fn missing(text: String) -> Refusal {
    Refusal::new(404, "NoSuchEntity", text)
}
