//! A user's access keys. AWS is eventually consistent: where a test says so, a new key is refused for a while.

use super::super::front::Caller;
use super::super::reply::{Refusal, element};
use super::super::validate::{Class, Constraints};
use super::super::world::{KeyStatus, Params, Signer, World};
use super::{permit, seconds, user_name};

/// AWS's quota, which cannot be raised.
const MOST: usize = 2;

pub(super) fn create(world: &mut World, caller: &Caller, params: &Params) -> Result<String, Refusal> {
    let name = named_user(world, caller, params)?;
    permit(world, caller, "CreateAccessKey", &world.user_arn(&name))?;
    if world.keys.values().filter(|key| key.user == name).count() >= MOST {
        return Err(Refusal::new(409, "LimitExceeded", "Cannot exceed quota for AccessKeysPerUser: 2"));
    }
    let key = world.add_key(&name);
    let now = world.now();
    world.account_facts.keys.insert(key.id.clone(), (now, None));
    let (at_sts, at_iam) = world.new_keys.clone();
    let state = world.keys.get_mut(&key.id).expect("it was just made");
    (state.at_sts, state.at_iam) = (at_sts.into(), at_iam);
    let inner = element("UserName", &name)
        + &element("AccessKeyId", &key.id)
        + &element("Status", "Active")
        + &element("SecretAccessKey", &key.secret)
        + &element("CreateDate", &seconds(now));
    Ok(format!("<AccessKey>{inner}</AccessKey>"))
}

pub(super) fn update(world: &mut World, caller: &Caller, params: &Params) -> Result<(), Refusal> {
    let name = named_user(world, caller, params)?;
    let id = key_of(world, &name, params)?;
    let mut constraints = Constraints::default();
    let status = match constraints.required(params, "Status") {
        "Active" => KeyStatus::Active,
        "Inactive" => KeyStatus::Inactive,
        _ => return Err(Refusal::invalid("Value at 'status' failed to satisfy constraint: [Active, Inactive]")),
    };
    permit(world, caller, "UpdateAccessKey", &world.user_arn(&name))?;
    let key = world.keys.get_mut(&id).expect("it was just found");
    let is_news = std::mem::replace(&mut key.status, status) != status;
    if world.sessions_end_with_their_key && status == KeyStatus::Inactive && is_news {
        let is_its = |signer: &Signer| matches!(signer, Signer::Session { user, .. } if *user == name);
        world
            .sessions
            .values_mut()
            .filter(|session| is_its(&session.signer))
            .for_each(|session| session.revoked = true);
    }
    Ok(())
}

pub(super) fn delete(world: &mut World, caller: &Caller, params: &Params) -> Result<(), Refusal> {
    let name = named_user(world, caller, params)?;
    let id = key_of(world, &name, params)?;
    permit(world, caller, "DeleteAccessKey", &world.user_arn(&name))?;
    world.keys.remove(&id);
    Ok(())
}

/// A session must name the user, even its own.
pub(super) fn named_user(world: &World, caller: &Caller, params: &Params) -> Result<String, Refusal> {
    if params.get("UserName").is_none() && !matches!(caller.signer, Signer::User(_)) {
        return Err(Refusal::invalid("Must specify userName when calling with non-User credentials"));
    }
    user_name(world, caller, params)
}

fn key_of(world: &World, user: &str, params: &Params) -> Result<String, Refusal> {
    let mut constraints = Constraints::default();
    let id = constraints.required(params, "AccessKeyId");
    constraints.text("AccessKeyId", id, (16, 128), Class::Text);
    constraints.check()?;
    let is_its = world.keys.get(id).is_some_and(|key| key.user == user);
    let missing = || Refusal::new(404, "NoSuchEntity", format!("The Access Key with id {id} cannot be found."));
    if is_its { Ok(id.to_owned()) } else { Err(missing()) }
}
