//! Web identities: an identity provider that IAM knows, its tokens, and `AssumeRoleWithWebIdentity`.
//!
//! A token is checked as AWS does: that it is a JSON web token, that its issuer is a provider of the account, that the
//! provider signed it, its audience, its time, and then the role's trust policy. The call must not be signed.

use data_encoding::BASE64URL_NOPAD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use super::http::Request;
use super::reply::{Refusal, Reply, Service, element};
use super::role::Offer;
use super::sts::{assumed_role, check_arns, credentials, packed_size};
use super::validate::{Class, Constraints, duration};
use super::world::{Grant, Kind, Params, Signer, World};
use super::{Aws, random};

/// The audience of every provider here, as of a cluster.
const AUDIENCE: &str = "sts.amazonaws.com";
/// All that the call takes.
const PARAMETERS: [&str; 7] =
    ["Action", "Version", "RoleArn", "RoleSessionName", "WebIdentityToken", "DurationSeconds", "Policy"];

/// What a token says.
#[derive(Clone, Debug)]
pub(crate) struct Claims {
    pub(crate) issuer: String,
    pub(crate) subject: String,
    pub(crate) audience: String,
    /// Seconds from now; negative for a stale one.
    pub(crate) lifetime: i64,
}

impl Claims {
    /// A good token of that subject.
    pub(crate) fn of(issuer: &str, subject: &str) -> Self {
        let audience = AUDIENCE.to_owned();
        Self { issuer: issuer.to_owned(), subject: subject.to_owned(), audience, lifetime: 3600 }
    }
}

impl Aws {
    /// Adds an identity provider with that issuer to the account.
    pub(crate) fn add_provider(&self, issuer: &str) {
        self.shared.world().providers.insert(issuer.to_owned(), random::secret_key());
    }

    /// A token that the provider signed; of an issuer that is no provider, nobody did.
    pub(crate) fn web_token(&self, claims: &Claims) -> String {
        let mut world = self.shared.world();
        let now = world.now().as_second();
        let part = |value: &Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
        let head = part(&json!({"alg": "HS256", "typ": "JWT"}));
        let body = part(&json!({
            "iss": claims.issuer, "sub": claims.subject, "aud": [claims.audience],
            "iat": now, "exp": now + claims.lifetime, "jti": random::uuid(),
        }));
        let key = world.providers.get(&claims.issuer).cloned().unwrap_or_default();
        let token = format!("{head}.{body}.{}", sign(&key, &format!("{head}.{body}")));
        world.secrets.push((Kind::WebToken, token.clone()));
        token
    }
}

fn sign(key: &str, text: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).expect("any key");
    mac.update(text.as_bytes());
    BASE64URL_NOPAD.encode(&mac.finalize().into_bytes())
}

/// The answer to the call, if that is what the request is.
pub(super) fn perform(world: &mut World, request: &Request, params: &Params) -> Option<Result<Reply, Refusal>> {
    const ACTION: &str = "AssumeRoleWithWebIdentity";
    (params.get("Action") == Some(ACTION)).then(|| {
        if request.header("authorization").is_some() || request.header("x-amz-security-token").is_some() {
            return Err(Refusal::new(400, "SignedByMistake", "The call must not be signed."));
        }
        let result = assume(world, params)?;
        Ok(Reply::success(Service::Sts, ACTION, Some(&result)))
    })
}

fn assume(world: &mut World, params: &Params) -> Result<String, Refusal> {
    let is_known = |name: &str| PARAMETERS.contains(&name) || name.starts_with("PolicyArns.member.");
    if let Some(name) = params.0.keys().find(|name| !is_known(name)) {
        return Err(Refusal::invalid(format!("{name} is not a parameter of this call")));
    }
    let mut constraints = Constraints::default();
    let arn = constraints.required(params, "RoleArn");
    let session_name = constraints.required(params, "RoleSessionName");
    let token = constraints.required(params, "WebIdentityToken");
    constraints.text("RoleArn", arn, (20, 2048), Class::Text);
    constraints.text("RoleSessionName", session_name, (2, 64), Class::Name);
    constraints.text("WebIdentityToken", token, (4, 20_000), Class::Text);
    if let Some(policy) = params.get("Policy") {
        constraints.text("Policy", policy, (1, 2048), Class::Text);
    }
    let policies = params.members("PolicyArns", ".arn");
    constraints.count("PolicyArns", policies.len(), 10);
    constraints.check()?;
    check_arns(arn, &policies)?;
    packed_size(params, 0, &policies)?;
    let secs = duration(params, (900, 43_200))?.unwrap_or(3600);

    let (issuer, subject) = verified(world, token)?;
    let signer = Signer::Web { issuer: issuer.clone(), subject };
    let denied = || Refusal::denied("Not authorized to perform sts:AssumeRoleWithWebIdentity");
    let role = world.roles.get(arn).ok_or_else(denied)?;
    let offer = Offer {
        signer: &signer,
        account: &world.account,
        mfa_age: None,
        external_id: None,
        session_name,
        source_identity: None,
    };
    if !role.spec.trusts(&offer) {
        return Err(denied());
    }
    if secs > role.spec.max_duration {
        return Err(Refusal::invalid(
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
        ));
    }
    let assumed = assumed_role(world, role, arn, session_name);
    let signer = Signer::Role { arn: arn.to_owned(), session_name: session_name.to_owned() };
    let grant = Grant { signer, mfa_at: None, source_identity: None, transitive: Vec::new() };
    let most = role.spec.max_duration;
    let (key, expires) = world.issue(grant, secs);
    world.console.was_assumed_directly(&key.id, most);
    Ok(format!("{}{assumed}{}", credentials(&key, expires), element("Provider", &issuer)))
}

/// The issuer and the subject of a token that holds.
fn verified(world: &World, token: &str) -> Result<(String, String), Refusal> {
    let invalid = |text: &str| Refusal::new(400, "InvalidIdentityToken", text);
    let not_a_token =
        || invalid("The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)");
    let (signed, signature) = token.rsplit_once('.').ok_or_else(not_a_token)?;
    let (_, claims) = signed.split_once('.').ok_or_else(not_a_token)?;
    let claims = BASE64URL_NOPAD.decode(claims.as_bytes()).map_err(|_| not_a_token())?;
    let claims: Value = serde_json::from_slice(&claims).map_err(|_| not_a_token())?;
    let issuer = claims["iss"].as_str().ok_or_else(not_a_token)?;
    let subject = claims["sub"].as_str().ok_or_else(not_a_token)?;
    let key = world
        .providers
        .get(issuer)
        .ok_or_else(|| invalid(&format!("No OpenIDConnect provider found in your account for {issuer}")))?;
    if sign(key, signed) != signature {
        return Err(invalid(
            "Couldn't retrieve verification key from your identity provider, please reference AssumeRoleWithWebIdentity documentation for requirements",
        ));
    }
    if claims["aud"][0] != AUDIENCE {
        return Err(invalid("Incorrect token audience"));
    }
    let (now, end) = (world.now().as_second(), claims["exp"].as_i64().ok_or_else(not_a_token)?);
    if now >= end {
        let text = format!("Token expired: current date/time {now} must be before the expiration date/time {end}");
        return Err(Refusal::new(400, "ExpiredTokenException", text));
    }
    Ok((issuer.to_owned(), subject.to_owned()))
}
