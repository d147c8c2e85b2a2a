//! Which calls are made, and how long their sessions last.
//!
//! GetSessionToken once, with the code, and AssumeRole without a code for every role: one code a day serves all of the
//! user's roles. The only exception is a single role that should last longer than an hour: AWS limits AssumeRole signed
//! by a session to one hour, so the code goes to AssumeRole itself.

use std::collections::BTreeSet;

use super::chain::{Chain, RoleLink, origin, parse, profile_name};
use super::error::{Origin, PlanError};
use super::{Ambient, AssumeRole, Base, BaseKind, Device, PlanRequest, Step, Steps, Warning, WebIdentity, web};
use crate::names::variables;
use crate::names::{Lifetime, MfaSerial, ProfileName, RoleArn, SessionName, Tag};
use crate::profile::Profile;

const HOUR: Lifetime = Lifetime::from_secs(3600);
const LEAST: Lifetime = Lifetime::from_secs(900);
/// GetSessionToken: at most 36 hours, 12 by default.
const SESSION_MOST: Lifetime = Lifetime::from_secs(129_600);
const SESSION_USUAL: Lifetime = Lifetime::from_secs(43_200);
/// AssumeRole: at most 12 hours, if the role allows it.
const ROLE_MOST: Lifetime = Lifetime::from_secs(43_200);

const MANY_TAGS: usize = 50;
const MANY_POLICIES: usize = 10;
const LONG_POLICY: usize = 2048;

pub(super) fn lay_out(
    chain: &Chain<'_>,
    device: Option<&Device>,
    request: &PlanRequest,
    ambient: &Ambient,
) -> Result<(Steps, Vec<Warning>), PlanError> {
    if chain.roles.is_empty() {
        refuse_role_options(chain, request)?;
    }
    let session = session_duration(chain, request)?;
    // Collected from the target down, called from the base up.
    let mut roles = Vec::with_capacity(chain.roles.len());
    for (n, link) in chain.roles.iter().enumerate().rev() {
        roles.push(assume_role(link, n == 0, request, ambient)?);
    }
    let user = profile_name(*chain.links.last().expect("a chain has the profile that was asked for"));
    let mut warnings = Vec::new();
    let steps = match chain.base.kind() {
        BaseKind::LongTerm => Steps::Fixed(from_long_term(&user, device, session, roles, &mut warnings)),
        BaseKind::Session | BaseKind::RoleSession => {
            let first = match &chain.base {
                Base::WebIdentity(identity) => {
                    Some(from_web_identity(chain, identity, &mut roles, (request, ambient))?)
                }
                Base::Sso(role) => Some(Step::RoleCredentials(role.clone())),
                _ => None,
            };
            Steps::Fixed(first.into_iter().chain(from_session(roles, &mut warnings)).collect())
        }
        BaseKind::Unknown => {
            let from_session = from_session(roles.clone(), &mut warnings);
            warnings.clear();
            let long_term = from_long_term(&user, device, session, roles, &mut warnings);
            if long_term == from_session {
                Steps::Fixed(from_session)
            } else {
                Steps::ByBase { long_term, session: from_session }
            }
        }
    };
    if let (Some((Origin::Flag("--duration"), _)), Steps::Fixed(steps)) = (&request.duration, &steps)
        && chain.base.kind() != BaseKind::LongTerm
        && steps.iter().all(|step| matches!(step, Step::RoleCredentials(_)))
    {
        let role = steps.last().and_then(Step::role).map(|(role, _)| role.to_owned());
        warnings.push(Warning::DurationUnused { role });
    }
    if steps == Steps::Fixed(Vec::new()) && chain.base.kind() == BaseKind::LongTerm {
        warnings.push(Warning::NoMfa { profile: user });
    }
    Ok((steps, warnings))
}

/// A user's MFA session, for the usual duration.
pub(super) fn session_of(user: ProfileName, serial: &MfaSerial) -> Step {
    Step::SessionToken { device: Device::Named(serial.clone()), duration: SESSION_USUAL, profile: user }
}

fn from_long_term(
    user: &ProfileName,
    device: Option<&Device>,
    session: Lifetime,
    mut roles: Vec<AssumeRole>,
    warnings: &mut Vec<Warning>,
) -> Vec<Step> {
    let first = match (device, &mut roles[..]) {
        (Some(device), [only]) if only.duration > HOUR => {
            only.device = Some(device.clone());
            Step::AssumeRole(Box::new(roles.remove(0)))
        }
        (Some(device), _) => Step::SessionToken { device: device.clone(), duration: session, profile: user.clone() },
        // The user's key signs the first role, which may then last as long as the role allows.
        (None, [_, ..]) => Step::AssumeRole(Box::new(roles.remove(0))),
        (None, []) => return Vec::new(),
    };
    std::iter::once(first).chain(from_session(roles, warnings)).collect()
}

/// Roles that a session assumes, or that follow another role: at most an hour each.
fn from_session(mut roles: Vec<AssumeRole>, warnings: &mut Vec<Warning>) -> Vec<Step> {
    for role in &mut roles {
        if role.duration > HOUR {
            warnings.push(Warning::DurationCapped { wanted: role.duration, profile: role.profile.clone() });
            role.duration = HOUR;
        }
    }
    roles.into_iter().map(|role| Step::AssumeRole(Box::new(role))).collect()
}

fn assume_role(
    link: &RoleLink<'_>,
    is_target: bool,
    request: &PlanRequest,
    ambient: &Ambient,
) -> Result<AssumeRole, PlanError> {
    let profile = link.profile;
    // The command line applies to the requested role; the ones before it follow their profiles.
    let nothing = PlanRequest::default();
    let request = if is_target { request } else { &nothing };
    let tags = tags(profile, request)?;
    Ok(AssumeRole {
        profile: profile_name(profile),
        role: link.role.clone(),
        device: None,
        duration: role_duration(profile, request)?,
        session_name: session_name(profile, request, ambient)?,
        external_id: match &request.external_id {
            Some(id) => Some(id.clone()),
            None => profile.filled("external_id").map(|p| parse(&p)).transpose()?,
        },
        source_identity: match &request.source_identity {
            Some(name) => Some(name.clone()),
            None => profile.filled("source_identity").map(|p| parse(&p)).transpose()?,
        },
        transitive_tags: transitive_tags(profile, request, &tags)?,
        tags,
        session_policy: match &request.session_policy {
            Some(policy) if policy.chars().count() > LONG_POLICY => {
                let why = "is longer than the 2048 characters that AWS accepts";
                return Err(PlanError::Refused { origin: Origin::Flag("--session-policy"), why });
            }
            policy => policy.clone(),
        },
        policy_arns: match &request.policy_arns[..] {
            arns if arns.len() > MANY_POLICIES => {
                let why = "is given more than 10 times, which is the AWS limit";
                return Err(PlanError::Refused { origin: Origin::Flag("--policy-arn"), why });
            }
            arns if arns.iter().any(|arn| !arn.starts_with("arn:") || !(20..=2048).contains(&arn.len())) => {
                return Err(PlanError::Refused { origin: Origin::Flag("--policy-arn"), why: "is not a policy ARN" });
            }
            arns => arns.to_vec(),
        },
    })
}

/// The first call from a web identity, which is no role chaining: it may last as long as the role allows. The role of a
/// profile with its own token is the first of `roles`, and is taken out.
fn from_web_identity(
    chain: &Chain<'_>,
    identity: &WebIdentity,
    roles: &mut Vec<AssumeRole>,
    (request, ambient): (&PlanRequest, &Ambient),
) -> Result<Step, PlanError> {
    let call = if let Some(role) = &identity.role {
        of_environment(chain, role, (request, ambient))?
    } else {
        let call = roles.remove(0);
        let nothing = PlanRequest::default();
        let profile = *chain.links.last().expect("a chain has the profile that was asked for");
        web::refuse_claims(profile, &call, if roles.is_empty() { request } else { &nothing })?;
        call
    };
    Ok(Step::WebIdentity(Box::new(call)))
}

/// The role of the environment's web identity. It has no profile: only the session name and, if it is what was asked for,
/// the duration can be chosen.
fn of_environment(
    chain: &Chain<'_>,
    role: &RoleArn,
    (request, ambient): (&PlanRequest, &Ambient),
) -> Result<AssumeRole, PlanError> {
    let wished = request.duration.as_ref().filter(|_| chain.roles.is_empty());
    let duration = wished.map_or(Ok(HOUR), |(origin, duration)| in_range(origin.clone(), *duration, ROLE_MOST))?;
    Ok(AssumeRole {
        profile: profile_name(*chain.links.last().expect("a chain has the profile that was asked for")),
        role: role.clone(),
        device: None,
        duration,
        session_name: ambient_session_name(ambient)?,
        external_id: None,
        source_identity: None,
        tags: Vec::new(),
        transitive_tags: Vec::new(),
        session_policy: None,
        policy_arns: Vec::new(),
    })
}

fn session_name(
    profile: Profile<'_>,
    request: &PlanRequest,
    ambient: &Ambient,
) -> Result<Option<SessionName>, PlanError> {
    if let Some(name) = &request.session_name {
        return Ok(Some(name.clone()));
    }
    if let Some(name) = ambient_session_name(ambient)? {
        return Ok(Some(name));
    }
    profile.filled("role_session_name").map(|p| parse(&p)).transpose()
}

fn ambient_session_name(ambient: &Ambient) -> Result<Option<SessionName>, PlanError> {
    let origin = || Origin::Variable(variables::aws::ROLE_SESSION_NAME);
    let name = ambient.session_name.as_deref();
    name.map(|name| name.parse().map_err(|why| PlanError::BadValue { origin: origin(), why })).transpose()
}

/// The profile's `session_tags` (`key=value,key=value`), each replaced by the option's tag with the same key.
fn tags(profile: Profile<'_>, request: &PlanRequest) -> Result<Vec<Tag>, PlanError> {
    const TWICE: &str = "has two tags with the same key (AWS ignores case)";
    let has_two = |tags: &[Tag]| {
        let mut keys = BTreeSet::new();
        !tags.iter().all(|tag| keys.insert(tag.key.to_ascii_lowercase()))
    };
    let mut tags: Vec<Tag> = Vec::new();
    if let Some(property) = profile.filled("session_tags") {
        for tag in property.value().split(',').map(str::trim).filter(|tag| !tag.is_empty()) {
            let tag = tag.parse().map_err(|why| PlanError::BadValue { origin: origin(&property), why })?;
            tags.push(tag);
        }
        if has_two(&tags) {
            return Err(PlanError::Refused { origin: origin(&property), why: TWICE });
        }
    }
    if has_two(&request.tags) {
        return Err(PlanError::Refused { origin: Origin::Flag("--tag"), why: TWICE });
    }
    request.tags.iter().for_each(|tag| replace_or_add(&mut tags, tag.clone()));
    tags.sort();
    if tags.len() > MANY_TAGS {
        let origin = profile.filled("session_tags").map_or(Origin::Flag("--tag"), |p| origin(&p));
        return Err(PlanError::Refused { origin, why: "adds up to more than the 50 tags that AWS accepts" });
    }
    Ok(tags)
}

/// AWS compares keys without regard to case.
fn replace_or_add(tags: &mut Vec<Tag>, tag: Tag) {
    tags.retain(|other| !other.key.eq_ignore_ascii_case(&tag.key));
    tags.push(tag);
}

/// The profile's `transitive_session_tags` and those of the option. AWS accepts only keys of tags in the same request.
fn transitive_tags(profile: Profile<'_>, request: &PlanRequest, tags: &[Tag]) -> Result<Vec<String>, PlanError> {
    let property = profile.filled("transitive_session_tags");
    let listed = property.map(|p| p.value().into_owned()).unwrap_or_default();
    let listed: Vec<&str> = listed.split(',').map(str::trim).filter(|key| !key.is_empty()).collect();
    // At most 50 in total.
    let is_tag = |key: &str| tags.iter().any(|tag| tag.key.eq_ignore_ascii_case(key));
    let why = "names a key that no tag has";
    if let (Some(property), false) = (property, listed.iter().all(|key| is_tag(key))) {
        return Err(PlanError::Refused { origin: origin(&property), why });
    }
    if !request.transitive_tags.iter().all(|key| is_tag(key)) {
        return Err(PlanError::Refused { origin: Origin::Flag("--transitive-tag"), why });
    }
    let mut keys: Vec<String> =
        listed.into_iter().map(str::to_owned).chain(request.transitive_tags.iter().cloned()).collect();
    keys.sort();
    keys.dedup();
    Ok(keys)
}

fn role_duration(profile: Profile<'_>, request: &PlanRequest) -> Result<Lifetime, PlanError> {
    let (origin, duration) = match (&request.duration, profile.filled("duration_seconds"), request.usual_duration) {
        (Some((origin, duration)), _, _) => (origin.clone(), *duration),
        (None, Some(property), _) => {
            let seconds = property
                .value()
                .parse()
                .map_err(|_| PlanError::Refused { origin: origin(&property), why: "is not a number of seconds" })?;
            (origin(&property), Lifetime::from_secs(seconds))
        }
        (None, None, Some(duration)) => (Origin::Setting("duration"), duration),
        (None, None, None) => return Ok(HOUR),
    };
    in_range(origin, duration, ROLE_MOST)
}

/// How long the MFA session lasts: the nearest `session_duration` along the chain. If the session itself was requested,
/// the command line takes precedence.
fn session_duration(chain: &Chain<'_>, request: &PlanRequest) -> Result<Lifetime, PlanError> {
    let is_target = chain.roles.is_empty() && chain.base.role().is_none();
    let wished = request.duration.as_ref().filter(|_| is_target);
    let (origin, duration) = match (wished, chain.nearest("session_duration")) {
        (Some((origin, duration)), _) => (origin.clone(), *duration),
        (None, Some(property)) => (origin(&property), parse(&property)?),
        (None, None) => return Ok(SESSION_USUAL),
    };
    in_range(origin, duration, SESSION_MOST)
}

fn in_range(origin: Origin, wanted: Lifetime, max: Lifetime) -> Result<Lifetime, PlanError> {
    if (LEAST..=max).contains(&wanted) {
        Ok(wanted)
    } else {
        Err(PlanError::Duration { origin, wanted, min: LEAST, max })
    }
}

/// Without a role these options could only be ignored, and ignoring a session policy would grant more than intended.
fn refuse_role_options(chain: &Chain<'_>, request: &PlanRequest) -> Result<(), PlanError> {
    let given = [
        ("--external-id", request.external_id.is_some()),
        ("--session-name", request.session_name.is_some()),
        ("--source-identity", request.source_identity.is_some()),
        ("--tag", !request.tags.is_empty()),
        ("--transitive-tag", !request.transitive_tags.is_empty()),
        ("--session-policy", request.session_policy.is_some()),
        ("--policy-arn", !request.policy_arns.is_empty()),
    ];
    match given.into_iter().find(|(_, given)| *given) {
        Some((flag, _)) => Err(PlanError::NoRole { origin: Origin::Flag(flag), profile: profile_name(chain.links[0]) }),
        None => Ok(()),
    }
}
