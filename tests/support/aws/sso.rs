//! IAM Identity Center: who is signed in, and with which tokens. Its services have no API version; a path names the action.
//!
//! Every token is used by the client that it was issued to and by no other, a refresh token rotates, and a second use of
//! one ends its session, as does a second use of an authorization code.

mod oidc;
mod portal;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::Aws;
use super::front::Shared;
use super::http::Request;
use super::random;
use super::reply::{Refusal, Reply, Service};
use super::world::{Kind, World};

/// What the person does with the page that asks for a confirmation.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Person {
    Approves,
    Denies,
    /// Looks at the page, and does nothing.
    Waits,
}

/// One Identity Center.
pub(super) struct IdentityCenter {
    pub(super) start_url: String,
    /// Where a start URL of the organization's own redirects to.
    pub(super) vanity: Option<String>,
    pub(super) person: Person,
    /// How long an access token is valid, in seconds.
    pub(super) token_secs: i64,
    /// How long a code is valid, in seconds.
    pub(super) code_secs: i64,
    clients: BTreeMap<String, oidc::Client>,
    devices: BTreeMap<String, oidc::DeviceCode>,
    codes: BTreeMap<String, oidc::AuthorizationCode>,
    sessions: Vec<SsoSession>,
    /// The ARNs of the person's roles, by account and name.
    assignments: BTreeMap<String, BTreeMap<String, String>>,
    /// The names of accounts, where they are not the usual ones.
    names: BTreeMap<String, String>,
}

/// A person's sign-in.
#[derive(Clone, Debug)]
pub(super) struct SsoSession {
    client: String,
    /// Every access token that was issued, and when it expires.
    access: Vec<(String, Timestamp)>,
    /// Every refresh token that was issued; only the last one may be used.
    refresh: Vec<String>,
    ended: bool,
}

/// What a client stores of a sign-in.
#[derive(Clone, Debug)]
pub(crate) struct Issued {
    pub(crate) client_id: String,
    pub(crate) client_secret: String,
    pub(crate) access_token: String,
    pub(crate) refresh_token: Option<String>,
    pub(crate) expires_at: Timestamp,
}

impl Default for IdentityCenter {
    fn default() -> Self {
        Self {
            start_url: "https://corp.awsapps.com/start".to_owned(),
            vanity: None,
            person: Person::Approves,
            token_secs: 3600,
            code_secs: 600,
            clients: BTreeMap::new(),
            devices: BTreeMap::new(),
            codes: BTreeMap::new(),
            sessions: Vec::new(),
            assignments: BTreeMap::new(),
            names: BTreeMap::new(),
        }
    }
}

impl IdentityCenter {
    /// The live session of an access token.
    pub(super) fn session_of(&self, access_token: &str, now: Timestamp) -> Option<&SsoSession> {
        self.sessions.iter().find(|session| {
            let is_known = |(token, expires): &(String, Timestamp)| token == access_token && now < *expires;
            !session.ended && session.access.iter().any(is_known)
        })
    }
}

/// The action of a request to one of the two services, and which one it is; `None` for the query protocol.
pub(super) fn action(request: &Request) -> Option<(Service, &'static str)> {
    Some(match (request.method.as_str(), request.path.as_str()) {
        ("POST", "/client/register") => (Service::Oidc, "RegisterClient"),
        ("POST", "/device_authorization") => (Service::Oidc, "StartDeviceAuthorization"),
        ("POST", "/token") => (Service::Oidc, "CreateToken"),
        // The pages that a person's browser opens.
        ("HEAD" | "GET", "/vanity") => (Service::Oidc, "StartUrl"),
        ("GET", "/authorize") => (Service::Oidc, "Authorize"),
        ("GET", "/device") => (Service::Oidc, "Device"),
        ("GET", "/federation/credentials") => (Service::Portal, "GetRoleCredentials"),
        ("GET", "/assignment/accounts") => (Service::Portal, "ListAccounts"),
        ("GET", "/assignment/roles") => (Service::Portal, "ListAccountRoles"),
        ("POST", "/logout") => (Service::Portal, "Logout"),
        _ => return None,
    })
}

pub(super) fn perform(world: &mut World, action: &str, request: &Request) -> Result<Reply, Refusal> {
    if request.header("authorization").is_some() {
        return Err(Refusal::new(400, "InvalidRequestException", "This operation takes no signature."));
    }
    match action {
        "Authorize" => return oidc::authorize(world, request),
        "Device" => return oidc::device(world, request),
        "StartUrl" => {
            let to = world.sso.vanity.as_deref().ok_or_else(|| Refusal::new(404, "NotFound", "Not found"))?;
            let reply = Reply::redirect(to);
            return Ok(if request.method == "HEAD" { Reply { body: String::new(), ..reply } } else { reply });
        }
        "Logout" => {
            logout(world, request)?;
            return Ok(Reply::json(200, &Value::Null));
        }
        "GetRoleCredentials" | "ListAccounts" | "ListAccountRoles" => {
            return portal::perform(world, action, request).map(|answer| Reply::json(200, &answer));
        }
        _ => {}
    }
    let body = body(request)?;
    let answer = match action {
        "RegisterClient" => oidc::register(world, &body),
        "StartDeviceAuthorization" => oidc::start(world, &body, request.header("host").unwrap_or_default()),
        _ => oidc::token(world, &body),
    }?;
    Ok(Reply::json(200, &answer))
}

/// The members of a JSON request, as a call records them.
pub(super) fn members(request: &Request) -> BTreeMap<String, String> {
    let body: Map<String, Value> = serde_json::from_slice(&request.body).unwrap_or_default();
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    body.iter().map(|(name, value)| (name.clone(), text(value))).collect()
}

fn body(request: &Request) -> Result<Map<String, Value>, Refusal> {
    let is_json = request.header("content-type").is_some_and(|it| it.starts_with("application/json"));
    let invalid = || Refusal::new(400, "InvalidRequestException", "Invalid request");
    if !is_json {
        return Err(invalid());
    }
    serde_json::from_slice(&request.body).map_err(|_| invalid())
}

/// The bearer of an access token.
pub(super) fn bearer<'r>(world: &World, request: &'r Request) -> Result<&'r str, Refusal> {
    let token = request.header("x-amz-sso_bearer_token").unwrap_or_default();
    let unauthorized = || Refusal::new(401, "UnauthorizedException", "Session token not found or invalid");
    world.sso.session_of(token, world.now()).map(|_| token).ok_or_else(unauthorized)
}

fn logout(world: &mut World, request: &Request) -> Result<(), Refusal> {
    let token = bearer(world, request)?;
    for session in &mut world.sso.sessions {
        session.ended |= session.access.iter().any(|(known, _)| known == token);
    }
    Ok(())
}

impl World {
    /// A new secret of Identity Center.
    fn sso_secret(&mut self, prefix: &str) -> String {
        let secret = format!("{prefix}{}", random::session_token().replace(['+', '/', '='], "-"));
        self.secrets.push((Kind::SsoToken, secret.clone()));
        secret
    }

    /// The next tokens of a session.
    fn sso_tokens(&mut self, session: usize, is_renewable: bool) -> Issued {
        let expires_at = Timestamp::from_second(self.now().as_second() + self.sso.token_secs).expect("a time near now");
        let access_token = self.sso_secret("aoa");
        let refresh_token = is_renewable.then(|| self.sso_secret("aor"));
        let session = &mut self.sso.sessions[session];
        session.access.push((access_token.clone(), expires_at));
        session.refresh.extend(refresh_token.clone());
        let client_id = session.client.clone();
        let client_secret = self.sso.clients[&client_id].secret.clone();
        Issued { client_id, client_secret, access_token, refresh_token, expires_at }
    }
}

/// The control of a world's Identity Center.
pub(crate) struct SsoControl {
    shared: Arc<Shared>,
}

impl Aws {
    /// The Identity Center of this server.
    pub(crate) fn sso(&self) -> SsoControl {
        SsoControl { shared: Arc::clone(&self.shared) }
    }
}

impl SsoControl {
    /// `sso_start_url`
    pub(crate) fn start_url(&self) -> String {
        self.shared.world().sso.start_url.clone()
    }

    /// Lets `/vanity` of this server redirect to that address.
    pub(crate) fn redirect_start_url(&self, to: &str) {
        self.shared.world().sso.vanity = Some(to.to_owned());
    }

    /// What the person will do with the next pages.
    pub(crate) fn person(&self, person: Person) {
        self.shared.world().sso.person = person;
    }

    /// Access tokens that are issued from now on are valid for this many seconds.
    pub(crate) fn token_life(&self, secs: i64) {
        self.shared.world().sso.token_secs = secs;
    }

    /// Codes that are issued from now on are valid for this many seconds.
    pub(crate) fn code_life(&self, secs: i64) {
        self.shared.world().sso.code_secs = secs;
    }

    /// The tokens of a sign-in by some other program, as for the AWS CLI.
    pub(crate) fn sign_in(&self) -> Issued {
        let mut world = self.shared.world();
        let body =
            json!({"clientName": "botocore-client-corp", "clientType": "public", "scopes": ["sso:account:access"]});
        let client = oidc::register(&mut world, body.as_object().expect("an object")).expect("a client");
        let client = client["clientId"].as_str().expect("its ID").to_owned();
        let session = oidc::new_session(&mut world, &client);
        world.sso_tokens(session, true)
    }

    /// Ends every session, as an administrator does.
    pub(crate) fn end_sessions(&self) {
        self.shared.world().sso.sessions.iter_mut().for_each(|session| session.ended = true);
    }

    /// How many sessions have not ended.
    pub(crate) fn sessions(&self) -> usize {
        self.shared.world().sso.sessions.iter().filter(|session| !session.ended).count()
    }

    /// Forgets every registered client.
    pub(crate) fn forget_clients(&self) {
        self.shared.world().sso.clients.clear();
    }
}
