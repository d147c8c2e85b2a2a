//! A group for users without MFA: its members, the account's users, and the two calls that change it.

use std::collections::{BTreeMap, BTreeSet};

use super::{AccountReader, Asked, Listed, Told};
use crate::audit::quarantine::Ward;
use crate::iam::policies::{FetchError, PolicyReader};
use crate::iam::{IamError, User};
use crate::secret::Credentials;

/// The IAM calls about a group's members. All of them wait and retry when AWS throttles.
pub trait Membership: AccountReader + PolicyReader {
    /// GetGroup, all pages: the names of the users.
    fn members(&self, signer: &Credentials, group: &str) -> Result<Vec<String>, IamError>;

    /// AddUserToGroup. A user who is already in the group stays in it.
    fn add(&self, signer: &Credentials, group: &str, user: &str) -> Result<(), IamError>;

    /// RemoveUserFromGroup.
    fn remove(&self, signer: &Credentials, group: &str, user: &str) -> Result<(), IamError>;
}

/// Reads the current state of every user: a credential report may be hours old, and would add users again who have
/// enrolled since. Passwords and keys are read only for users who may have to be added or removed.
///
/// # Errors
/// A call failed for a reason other than a denial about one user.
pub fn survey(
    members: &[String],
    signer: &Credentials,
    iam: &dyn Membership,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<Vec<Ward>, FetchError> {
    let listed = iam.users(signer).map_err(|error| FetchError { call: "ListUsers", error })?;
    let members: BTreeSet<&str> = members.iter().map(String::as_str).collect();
    let mut wards: BTreeMap<String, Ward> =
        listed.iter().map(|user| (user.name.clone(), ward(user, &members))).collect();
    let asked: Vec<Asked> = wards.keys().cloned().map(Asked::Devices).collect();
    learn(&mut wards, &asked, signer, iam, progress)?;
    let may_move = |ward: &&Ward| ward.has_mfa == Some(ward.is_member);
    let names: Vec<String> = wards.values().filter(may_move).map(|ward| ward.name.clone()).collect();
    let asked = names.iter().cloned().map(Asked::Password).chain(names.iter().cloned().map(Asked::Keys));
    let asked: Vec<Asked> = asked.collect();
    learn(&mut wards, &asked, signer, iam, progress)?;
    Ok(wards.into_values().collect())
}

fn ward(user: &Listed, members: &BTreeSet<&str>) -> Ward {
    let path = User::of_arn(&user.arn).map(|user| user.path.trim_start_matches('/').to_owned()).unwrap_or_default();
    Ward { name: user.name.clone(), path, is_member: members.contains(user.name.as_str()), ..Ward::default() }
}

fn learn(
    wards: &mut BTreeMap<String, Ward>,
    asked: &[Asked],
    signer: &Credentials,
    iam: &dyn Membership,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<(), FetchError> {
    let mut answers = Vec::new();
    iam.ask(signer, asked, &mut |place, answer| {
        answers.push((place, answer));
        progress(answers.len(), asked.len());
    });
    // If two calls are denied, the reported one must not depend on which came first.
    answers.sort_by_key(|(place, _)| *place);
    for (place, answer) in answers {
        let asked = &asked[place];
        let (Asked::Devices(name) | Asked::Password(name) | Asked::Keys(name) | Asked::LastUse(name)) = asked;
        let Some(ward) = wards.get_mut(name) else { continue };
        match (asked, answer) {
            (_, Ok(Told::Devices(devices))) => ward.has_mfa = Some(!devices.is_empty()),
            (_, Ok(Told::Password(_))) => ward.has_credentials = Some(true),
            (_, Ok(Told::Keys(keys))) => match (keys.iter().any(|key| key.is_active), ward.has_credentials) {
                (true, _) => ward.has_credentials = Some(true),
                (false, None) if ward.why.is_empty() => ward.has_credentials = Some(false),
                _ => {}
            },
            (_, Ok(Told::LastUse(_))) | (Asked::Password(_), Err(IamError::Gone(_))) => {}
            (_, Err(IamError::Gone(_))) => drop(wards.remove(name)),
            (asked, Err(error @ IamError::Denied { .. })) => ward.why = format!("{}: {error}", asked.call()),
            (asked, Err(error)) => return Err(FetchError { call: asked.call(), error }),
        }
    }
    Ok(())
}
