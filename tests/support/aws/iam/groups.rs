//! Who is in a group.

use super::super::front::Caller;
use super::super::reply::{Refusal, element};
use super::super::validate::{Class, Constraints};
use super::super::world::{Params, World};
use super::{page, permit, seconds, user_name};

/// A user may be in so many groups.
const QUOTA: usize = 10;

fn group_name<'p>(world: &World, caller: &Caller, action: &str, params: &'p Params) -> Result<&'p str, Refusal> {
    let mut constraints = Constraints::default();
    let name = constraints.required(params, "GroupName");
    constraints.text("GroupName", name, (1, 128), Class::Name);
    if action != "GetGroup" {
        let user = constraints.required(params, "UserName");
        constraints.text("UserName", user, (1, 128), Class::Name);
    }
    constraints.check()?;
    permit(world, caller, action, &format!("arn:aws:iam::{}:group/{name}", world.account))?;
    if world.policies.groups.contains_key(name) {
        Ok(name)
    } else {
        Err(Refusal::new(404, "NoSuchEntity", format!("The group with name {name} cannot be found.")))
    }
}

pub(super) fn get(world: &World, caller: &Caller, params: &Params) -> Result<String, Refusal> {
    let name = group_name(world, caller, "GetGroup", params)?;
    let group = element("Path", "/")
        + &element("GroupName", name)
        + &element("GroupId", "AGPAEXAMPLE0000000001")
        + &element("Arn", &format!("arn:aws:iam::{}:group/{name}", world.account))
        + &element("CreateDate", &seconds(world.now()));
    let users = world.policies.groups[name].iter().filter(|user| world.users.contains_key(*user));
    let member = |user: &String| {
        element("Path", "/")
            + &element("UserName", user)
            + &element("UserId", &world.users[user].id)
            + &element("Arn", &world.user_arn(user))
            + &element("CreateDate", &seconds(world.users[user].created))
    };
    Ok(format!("<Group>{group}</Group>") + &page(world, params, "Users", &users.map(member).collect::<Vec<_>>())?)
}

pub(super) fn add(world: &mut World, caller: &Caller, params: &Params) -> Result<(), Refusal> {
    let group = group_name(world, caller, "AddUserToGroup", params)?.to_owned();
    let user = user_name(world, caller, params)?;
    let groups = &mut world.policies.groups;
    if groups[&group].contains(&user) {
        return Ok(());
    }
    if groups.values().filter(|users| users.contains(&user)).count() >= QUOTA {
        let text = format!("Cannot exceed quota for GroupsPerUser: {QUOTA}");
        return Err(Refusal::new(409, "LimitExceeded", text));
    }
    groups.get_mut(&group).expect("a group that is there").push(user);
    Ok(())
}

pub(super) fn remove(world: &mut World, caller: &Caller, params: &Params) -> Result<(), Refusal> {
    let group = group_name(world, caller, "RemoveUserFromGroup", params)?.to_owned();
    let user = user_name(world, caller, params)?;
    world.policies.groups.get_mut(&group).expect("a group that is there").retain(|one| *one != user);
    Ok(())
}
