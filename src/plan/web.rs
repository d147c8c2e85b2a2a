//! Web identities: whose token is the base, and what cannot be asked for with one.

use std::path::PathBuf;

use super::base::{Base, WebIdentity};
use super::error::{Origin, PlanError};
use super::{AmbientToken, AssumeRole, PlanRequest};
use crate::names::variables::aws;
use crate::profile::{Profile, ProfileSet, Property};

/// `web_identity_token_file` of a profile, which also names the role.
pub(super) fn of_profile(set: &ProfileSet, property: &Property<'_>) -> Base {
    let file = PathBuf::from(property.value().as_ref());
    let identity = set.token_identity(&file);
    Base::WebIdentity(Box::new(WebIdentity { file, origin: Origin::of(property), identity, role: None }))
}

/// `AWS_WEB_IDENTITY_TOKEN_FILE` and `AWS_ROLE_ARN`, for a profile that names the environment as its source.
pub(super) fn of_environment(set: &ProfileSet, token: &AmbientToken) -> Result<Base, PlanError> {
    let origin = Origin::Variable(aws::WEB_IDENTITY_TOKEN_FILE);
    let Some(role) = &token.role else {
        return Err(PlanError::Refused { origin, why: "is set without `AWS_ROLE_ARN`" });
    };
    let of_role = Origin::Variable(aws::ROLE_ARN);
    if !role.starts_with("arn:") {
        return Err(PlanError::Refused { origin: of_role, why: "is not a role ARN" });
    }
    let role = role.parse().map_err(|why| PlanError::BadValue { origin: of_role, why })?;
    let (file, identity) = (token.file.clone(), set.token_identity(&token.file));
    Ok(Base::WebIdentity(Box::new(WebIdentity { file, origin, identity, role: Some(role) })))
}

/// AWS reads these from the token's claims, and has no parameters for them: asking for one is an error rather than ignored.
pub(super) fn refuse_claims(profile: Profile<'_>, call: &AssumeRole, request: &PlanRequest) -> Result<(), PlanError> {
    let claims = [
        (call.external_id.is_some(), "--external-id", request.external_id.is_some(), "external_id"),
        (call.source_identity.is_some(), "--source-identity", request.source_identity.is_some(), "source_identity"),
        (!call.tags.is_empty(), "--tag", !request.tags.is_empty(), "session_tags"),
        (
            !call.transitive_tags.is_empty(),
            "--transitive-tag",
            !request.transitive_tags.is_empty(),
            "transitive_session_tags",
        ),
    ];
    let Some((_, flag, is_flag, key)) = claims.into_iter().find(|(is_set, ..)| *is_set) else { return Ok(()) };
    let of_profile = profile.filled(key).filter(|_| !is_flag);
    let origin = of_profile.map_or(Origin::Flag(flag), |property| Origin::of(&property));
    Err(PlanError::Refused { origin, why: "cannot be sent with a web identity: AWS takes it from the token's claims" })
}
