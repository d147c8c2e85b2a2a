//! STS: `GetSessionToken`, `AssumeRole`, `GetCallerIdentity`.
//!
//! A call is checked against the model first, then against the limits of its signer, then its code, and only then the
//! trust policy: a call that is refused after a valid code has used that code.

use super::front::{Caller, unknown_action};
use super::reply::{Refusal, Service, element};
use super::role::{Offer, RoleSpec};
use super::validate::{Class, Constraints, duration};
use super::world::{AccessKey, Grant, Params, ROOT, Role, Signer, World};
use jiff::Timestamp;

/// The maximum lifetime of a role that a session assumed (role chaining), in seconds.
const CHAINED: i64 = 3600;
/// AWS's limit on packed policies and tags, in bytes, as far as it is known.
const PACKED: usize = 4096;

pub(super) fn perform(
    world: &mut World,
    caller: &Caller,
    action: &str,
    params: &Params,
) -> Result<Option<String>, Refusal> {
    match action {
        "GetSessionToken" => get_session_token(world, caller, params).map(Some),
        "AssumeRole" => assume_role(world, caller, params).map(Some),
        "GetCallerIdentity" => Ok(Some(get_caller_identity(world, caller))),
        _ => Err(unknown_action(Service::Sts, action)),
    }
}

fn get_session_token(world: &mut World, caller: &Caller, params: &Params) -> Result<String, Refusal> {
    let Signer::User(user) = &caller.signer else {
        return Err(Refusal::denied("Cannot call GetSessionToken with session credentials"));
    };
    let mut constraints = Constraints::default();
    check_mfa_shape(&mut constraints, params);
    constraints.check()?;
    let mut secs = duration(params, (900, 129_600))?.unwrap_or(43_200);
    if user == ROOT {
        // API reference: a longer value "defaults to one hour", without an error.
        secs = secs.min(3600);
    }
    let mfa_at = mfa(world, caller, params)?;
    let signer = Signer::Session { user: user.clone(), mfa: mfa_at.is_some() };
    let grant = Grant { signer, mfa_at, source_identity: None, transitive: Vec::new() };
    let (key, expires) = world.issue(grant, secs);
    Ok(credentials(&key, expires))
}

fn assume_role(world: &mut World, caller: &Caller, params: &Params) -> Result<String, Refusal> {
    let chained = match &caller.signer {
        Signer::User(user) if user == ROOT => {
            return Err(Refusal::denied("Roles may not be assumed by root accounts."));
        }
        Signer::User(_) | Signer::Nobody | Signer::Web { .. } => false,
        Signer::Session { user, .. } if user == ROOT => {
            return Err(Refusal::denied("Roles may not be assumed by root accounts."));
        }
        Signer::Session { .. } | Signer::Role { .. } => true,
    };
    let mut constraints = Constraints::default();
    let arn = constraints.required(params, "RoleArn");
    let session_name = constraints.required(params, "RoleSessionName");
    if !arn.is_empty() {
        constraints.text("RoleArn", arn, (20, 2048), Class::Text);
    }
    if params.get("RoleSessionName").is_some() {
        constraints.text("RoleSessionName", session_name, (2, 64), Class::Name);
    }
    if let Some(id) = params.get("ExternalId") {
        constraints.text("ExternalId", id, (2, 1224), Class::External);
    }
    if let Some(identity) = params.get("SourceIdentity") {
        constraints.text("SourceIdentity", identity, (2, 64), Class::Name);
    }
    if let Some(policy) = params.get("Policy") {
        constraints.text("Policy", policy, (1, 2048), Class::Text);
    }
    check_mfa_shape(&mut constraints, params);
    let tags = Tags::read(params, &mut constraints);
    let policies = params.members("PolicyArns", ".arn");
    constraints.count("PolicyArns", policies.len(), 10);
    for policy in &policies {
        constraints.text("PolicyArns", policy, (20, 2048), Class::Text);
    }
    constraints.check()?;
    check_arns(arn, &policies)?;
    tags.check(caller)?;
    let packed = packed_size(params, tags.size(), &policies)?;
    let secs = duration(params, (900, 43_200))?.unwrap_or(CHAINED);
    if chained && secs > CHAINED {
        return Err(Refusal::invalid(
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.",
        ));
    }

    let mfa_at = mfa(world, caller, params)?.or(caller.mfa_at);
    let source_identity = params.get("SourceIdentity").map(str::to_owned).or_else(|| caller.source_identity.clone());
    let caller_arn = caller_arn(world, caller);
    let refuse = |action: &str| {
        let text = format!("User: {caller_arn} is not authorized to perform: {action} on resource: {arn}");
        Refusal::denied(text)
    };
    let now = world.now();
    let role = world.roles.get(arn).ok_or_else(|| refuse("sts:AssumeRole"))?;
    let offer = Offer {
        signer: &caller.signer,
        account: &caller_account(world, caller),
        mfa_age: mfa_at.map(|at| now.as_second() - at.as_second()),
        external_id: params.get("ExternalId"),
        session_name,
        source_identity: source_identity.as_deref(),
    };
    if !role.spec.trusts(&offer) {
        return Err(refuse("sts:AssumeRole"));
    }
    check_extras(&role.spec, caller, &tags, source_identity.as_deref()).map_err(refuse)?;
    if secs > role.spec.max_duration {
        return Err(Refusal::invalid(
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
        ));
    }

    let assumed = assumed_role(world, role, arn, session_name);
    let mut extra = packed.map_or_else(String::new, |percent| element("PackedPolicySize", &percent.to_string()));
    if let Some(identity) = &source_identity {
        extra.push_str(&element("SourceIdentity", identity));
    }
    let mut transitive = caller.transitive.clone();
    transitive.extend(tags.transitive.iter().map(|key| key.to_lowercase()));
    // Without `mfa_at`: requests with a role's credentials carry no MFA context, whoever assumed the role.
    let signer = Signer::Role { arn: arn.to_owned(), session_name: session_name.to_owned() };
    let most = role.spec.max_duration;
    let (key, expires) = world.issue(Grant { signer, mfa_at: None, source_identity, transitive }, secs);
    if matches!(caller.signer, Signer::User(_)) {
        world.console.was_assumed_directly(&key.id, most);
    }
    Ok(format!("{}{assumed}{extra}", credentials(&key, expires)))
}

fn get_caller_identity(world: &World, caller: &Caller) -> String {
    let user_id = match &caller.signer {
        Signer::User(user) | Signer::Session { user, .. } => {
            world.users.get(user).map_or_else(|| world.account.clone(), |user| user.id.clone())
        }
        Signer::Role { arn, session_name } => {
            let id = world.roles.get(arn).map_or("AROADELETED", |role| role.id.as_str());
            format!("{id}:{session_name}")
        }
        Signer::Nobody | Signer::Web { .. } => String::new(),
    };
    element("Arn", &caller_arn(world, caller))
        + &element("UserId", &user_id)
        + &element("Account", &caller_account(world, caller))
}

/// The time of a valid code, if one was given.
fn mfa(world: &mut World, caller: &Caller, params: &Params) -> Result<Option<Timestamp>, Refusal> {
    match (params.get("SerialNumber"), params.get("TokenCode")) {
        (None, None) => Ok(None),
        (Some(serial), Some(code)) => {
            // A session has no device: AWS accepts codes only from users.
            let user = match &caller.signer {
                Signer::User(user) => user.as_str(),
                _ => "",
            };
            world.check_code(user, serial, code)?;
            Ok(Some(world.now()))
        }
        _ => Err(Refusal::denied(
            "MultiFactorAuthentication failed, must provide both MFA serial number and one time pass code.",
        )),
    }
}

fn check_mfa_shape(constraints: &mut Constraints, params: &Params) {
    if let Some(serial) = params.get("SerialNumber") {
        constraints.text("SerialNumber", serial, (9, 256), Class::Serial);
    }
    if let Some(code) = params.get("TokenCode") {
        constraints.text("TokenCode", code, (6, 6), Class::Digits);
    }
}

/// An action of the request, other than `sts:AssumeRole`, that the role does not allow.
fn check_extras(role: &RoleSpec, caller: &Caller, tags: &Tags, identity: Option<&str>) -> Result<(), &'static str> {
    if (!tags.pairs.is_empty() || !caller.transitive.is_empty()) && !role.allows.contains(&"sts:TagSession") {
        return Err("sts:TagSession");
    }
    let changed = caller.source_identity.is_some() && caller.source_identity.as_deref() != identity;
    if identity.is_some() && (changed || !role.allows.contains(&"sts:SetSourceIdentity")) {
        return Err("sts:SetSourceIdentity");
    }
    Ok(())
}

pub(super) fn check_arns(role: &str, policies: &[&str]) -> Result<(), Refusal> {
    let parts: Vec<&str> = role.splitn(6, ':').collect();
    let shaped = matches!(parts[..], ["arn", _, "iam", "", account, resource]
        if is_account(account) && resource.strip_prefix("role/").is_some_and(|name| !name.is_empty()));
    if !shaped {
        return Err(Refusal::invalid("Request ARN is invalid"));
    }
    for policy in policies {
        let parts: Vec<&str> = policy.splitn(6, ':').collect();
        let shaped = matches!(parts[..], ["arn", _, "iam", "", account, resource]
            if (account == "aws" || is_account(account)) && resource.starts_with("policy/"));
        if !shaped {
            return Err(Refusal::invalid(format!("ARN {policy} is not valid.")));
        }
    }
    Ok(())
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit())
}

/// The used space for policies and tags, in percent; `None` without any.
pub(super) fn packed_size(params: &Params, tags: usize, policies: &[&str]) -> Result<Option<usize>, Refusal> {
    let policy = params.get("Policy");
    if let Some(policy) = policy {
        let document: Result<serde_json::Value, _> = serde_json::from_str(policy);
        let document = document.map_err(|_| malformed("The policy is not in the valid JSON format."))?;
        if document.get("Statement").is_none() {
            return Err(malformed("Syntax errors in policy."));
        }
    }
    let size = policy.map_or(0, str::len) + policies.iter().map(|arn| arn.len()).sum::<usize>() + tags;
    let percent = size.div_ceil(PACKED / 100);
    match percent {
        0 => Ok(None),
        1..=100 => Ok(Some(percent)),
        _ => {
            let text = format!("Packed policy consumes {percent}% of allotted space, please use smaller policy.");
            Err(Refusal::new(400, "PackedPolicyTooLarge", text))
        }
    }
}

fn malformed(message: &str) -> Refusal {
    Refusal::new(400, "MalformedPolicyDocument", message)
}

/// The session tags of a request.
struct Tags<'a> {
    pairs: Vec<(&'a str, &'a str)>,
    transitive: Vec<&'a str>,
}

impl<'a> Tags<'a> {
    fn read(params: &'a Params, constraints: &mut Constraints) -> Self {
        let keys = params.members("Tags", ".Key");
        let value = |n: usize| params.get(&format!("Tags.member.{n}.Value"));
        let pairs: Vec<(&str, &str)> = keys.into_iter().zip((1..).map_while(value)).collect();
        let transitive = params.members("TransitiveTagKeys", "");
        constraints.count("Tags", pairs.len(), 50);
        constraints.count("TransitiveTagKeys", transitive.len(), 50);
        for (key, value) in &pairs {
            constraints.text("Tags", key, (1, 128), Class::Tag);
            constraints.text("Tags", value, (0, 256), Class::Tag);
        }
        Self { pairs, transitive }
    }

    /// In bytes, packed.
    fn size(&self) -> usize {
        self.pairs.iter().map(|(key, value)| key.len() + value.len() + 2).sum()
    }

    fn check(&self, caller: &Caller) -> Result<(), Refusal> {
        let refuse = |text: &str| Err(Refusal::new(400, "InvalidParameterValue", text));
        let mut keys: Vec<String> = self.pairs.iter().map(|(key, _)| key.to_lowercase()).collect();
        if keys.iter().any(|key| key.starts_with("aws:")) {
            return Err(Refusal::invalid("Tag keys that start with 'aws:' are reserved for system use."));
        }
        if keys.iter().any(|key| caller.transitive.contains(key)) {
            return refuse(
                "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag \
                 key from the calling session.",
            );
        }
        if self.transitive.iter().any(|key| !keys.contains(&key.to_lowercase())) {
            return refuse("The specified transitive tag key must be included in the requested tags.");
        }
        keys.sort();
        if keys.windows(2).any(|pair| pair[0] == pair[1]) {
            return refuse("Duplicate tag keys found. Please note that Tag keys are case insensitive.");
        }
        Ok(())
    }
}

pub(super) fn credentials(key: &AccessKey, expires: Timestamp) -> String {
    let inner = element("AccessKeyId", &key.id)
        + &element("SecretAccessKey", &key.secret)
        + &element("SessionToken", key.token.as_deref().unwrap_or_default())
        + &element("Expiration", &expires.to_string());
    format!("<Credentials>{inner}</Credentials>")
}

pub(super) fn assumed_role(world: &World, role: &Role, arn: &str, session_name: &str) -> String {
    let id = element("AssumedRoleId", &format!("{}:{session_name}", role.id));
    let arn = element("Arn", &session_arn(world, arn, session_name));
    format!("<AssumedRoleUser>{id}{arn}</AssumedRoleUser>")
}

/// The caller as `GetCallerIdentity` returns it.
pub(super) fn caller_arn(world: &World, caller: &Caller) -> String {
    match &caller.signer {
        Signer::User(user) | Signer::Session { user, .. } => world.user_arn(user),
        Signer::Role { arn, session_name } => session_arn(world, arn, session_name),
        Signer::Nobody | Signer::Web { .. } => String::new(),
    }
}

/// The ARN of a role session, which has the role's name without its path.
fn session_arn(world: &World, role: &str, session_name: &str) -> String {
    let name = role.rsplit('/').next().unwrap_or_default();
    format!("arn:aws:sts::{}:assumed-role/{name}/{session_name}", role_account(world, role))
}

fn caller_account(world: &World, caller: &Caller) -> String {
    match &caller.signer {
        Signer::Role { arn, .. } => role_account(world, arn),
        _ => world.account.clone(),
    }
}

fn role_account(world: &World, arn: &str) -> String {
    let role = world.roles.get(arn).and_then(|role| role.spec.account.clone());
    role.unwrap_or_else(|| world.account.clone())
}
