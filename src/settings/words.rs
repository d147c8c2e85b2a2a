//! A request as the options that make it: the inverse of [`super::Settings::how`], for a renewal of the same credentials.

use crate::plan::PlanRequest;

/// The options. Those that only say how to obtain the credentials (`--refresh`, the code) are not among them.
pub fn words(request: &PlanRequest) -> Vec<String> {
    let PlanRequest { tags, transitive_tags, policy_arns, .. } = request;
    let one = |name: &str, value: Option<&dyn std::fmt::Display>| value.map(|value| format!("--{name}={value}"));
    let single = [
        one("role-arn", request.role_arn.as_ref().map(|value| value as _)),
        one("source-profile", request.source_profile.as_ref().map(|value| value as _)),
        one("external-id", request.external_id.as_ref().map(|value| value as _)),
        one("session-name", request.session_name.as_ref().map(|value| value as _)),
        one("source-identity", request.source_identity.as_ref().map(|value| value as _)),
        one("session-policy", request.session_policy.as_ref().map(|value| value as _)),
        one("duration", request.duration.as_ref().map(|(_, value)| value as _)),
        one("region", request.region.as_ref().map(|value| value as _)),
        one("mfa-serial", request.mfa_serial.as_ref().map(|value| value as _)),
    ];
    let tags = tags.iter().map(|tag| format!("--tag={}={}", tag.key, tag.value));
    let transitive = transitive_tags.iter().map(|key| format!("--transitive-tag={key}"));
    let policies = policy_arns.iter().map(|arn| format!("--policy-arn={arn}"));
    single.into_iter().flatten().chain(tags).chain(transitive).chain(policies).collect()
}
