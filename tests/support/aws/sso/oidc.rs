//! `sso-oidc`, and the pages that a person sees.

use std::time::{Duration, Instant};

use data_encoding::{BASE32, BASE64URL_NOPAD};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::super::http::Request;
use super::super::random;
use super::super::reply::{Refusal, Reply};
use super::super::world::{Kind, World};
use super::{Person, SsoSession};

const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";
/// In seconds.
const INTERVAL: u64 = 1;

/// A registered client.
pub(super) struct Client {
    pub(super) secret: String,
    scopes: Vec<String>,
    grants: Vec<String>,
    expires: Timestamp,
}

pub(super) struct DeviceCode {
    client: String,
    user_code: String,
    answer: Option<Person>,
    expires: Timestamp,
    asked: Option<Instant>,
}

pub(super) struct AuthorizationCode {
    client: String,
    redirect_uri: String,
    challenge: String,
    expires: Timestamp,
    /// The session that it was exchanged for.
    session: Option<usize>,
}

fn refused(status: u16, code: &str, text: &str) -> Refusal {
    Refusal::new(status, code, text)
}

fn invalid(what: &str) -> Refusal {
    refused(400, "InvalidRequestException", what)
}

fn ended() -> Refusal {
    refused(400, "InvalidGrantException", "Invalid grant provided")
}

/// A member that must be a text and not empty.
fn text<'b>(body: &'b Map<String, Value>, name: &str) -> Result<&'b str, Refusal> {
    let value = body.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    value.ok_or_else(|| invalid(&format!("{name} is required")))
}

fn list(body: &Map<String, Value>, name: &str) -> Result<Vec<String>, Refusal> {
    let Some(value) = body.get(name) else { return Ok(Vec::new()) };
    let texts = value.as_array().and_then(|all| all.iter().map(|it| it.as_str().map(str::to_owned)).collect());
    texts.ok_or_else(|| invalid(&format!("{name} is no list")))
}

fn only(body: &Map<String, Value>, known: &[&str]) -> Result<(), Refusal> {
    let other = body.keys().find(|name| !known.contains(&name.as_str()));
    other.map_or(Ok(()), |other| Err(invalid(&format!("{other} is unknown"))))
}

pub(super) fn register(world: &mut World, body: &Map<String, Value>) -> Result<Value, Refusal> {
    only(body, &["clientName", "clientType", "scopes", "grantTypes", "redirectUris", "issuerUrl"])?;
    text(body, "clientName")?;
    if text(body, "clientType")? != "public" {
        return Err(refused(400, "InvalidClientMetadataException", "Invalid client type"));
    }
    let (scopes, grants, uris) = (list(body, "scopes")?, list(body, "grantTypes")?, list(body, "redirectUris")?);
    if scopes.iter().any(|scope| !["sso:account:access", "codewhisperer:completions"].contains(&scope.as_str())) {
        return Err(refused(400, "InvalidScopeException", "Invalid scope provided"));
    }
    if grants.iter().any(|grant| !["authorization_code", "refresh_token", DEVICE_CODE].contains(&grant.as_str())) {
        return Err(refused(400, "UnsupportedGrantTypeException", "Unsupported grant type"));
    }
    if grants.iter().any(|grant| grant == "authorization_code") {
        if uris != ["http://127.0.0.1/oauth/callback"] {
            return Err(refused(400, "InvalidRedirectUriException", "Invalid redirect URI"));
        }
        if text(body, "issuerUrl")? != world.sso.start_url {
            return Err(invalid("issuerUrl is not the start URL"));
        }
    }
    let now = world.now().as_second();
    let expires = Timestamp::from_second(now + 90 * 86_400).expect("a time near now");
    let (id, secret) = (random::id("CLNT"), world.sso_secret("eyJ"));
    world.sso.clients.insert(id.clone(), Client { secret: secret.clone(), scopes, grants, expires });
    Ok(json!({
        "clientId": id, "clientSecret": secret, "clientIdIssuedAt": now, "clientSecretExpiresAt": expires.as_second(),
    }))
}

/// The client that the request is from.
fn client(world: &World, body: &Map<String, Value>) -> Result<String, Refusal> {
    let (id, secret) = (text(body, "clientId")?, text(body, "clientSecret")?);
    let known = world.sso.clients.get(id).filter(|client| client.secret == secret && world.now() < client.expires);
    known.map(|_| id.to_owned()).ok_or_else(|| refused(401, "InvalidClientException", "Invalid client provided"))
}

/// A client that named no grants uses device codes, and renews what they gave.
fn may_use(world: &World, client: &str, grant: &str) -> Result<(), Refusal> {
    let grants = &world.sso.clients[client].grants;
    let may = if grants.is_empty() { grant != "authorization_code" } else { grants.iter().any(|it| it == grant) };
    if may { Ok(()) } else { Err(refused(400, "UnauthorizedClientException", "The client may not use this grant")) }
}

/// The page for the person is this server's own, at `host`.
pub(super) fn start(world: &mut World, body: &Map<String, Value>, host: &str) -> Result<Value, Refusal> {
    only(body, &["clientId", "clientSecret", "startUrl"])?;
    let client = client(world, body)?;
    may_use(world, &client, DEVICE_CODE)?;
    if text(body, "startUrl")? != world.sso.start_url {
        return Err(invalid("Invalid start URL provided"));
    }
    let (code, letters) = (world.sso_secret("dev"), BASE32.encode(&random::bytes::<5>()));
    let user_code = format!("{}-{}", &letters[..4], &letters[4..]);
    let expires = Timestamp::from_second(world.now().as_second() + world.sso.code_secs).expect("a time near now");
    let device = DeviceCode { client, user_code: user_code.clone(), answer: None, expires, asked: None };
    world.sso.devices.insert(code.clone(), device);
    let page = format!("http://{host}/device");
    Ok(json!({
        "deviceCode": code, "userCode": user_code, "expiresIn": world.sso.code_secs, "interval": INTERVAL,
        "verificationUri": page, "verificationUriComplete": format!("{page}?user_code={user_code}"),
    }))
}

pub(super) fn token(world: &mut World, body: &Map<String, Value>) -> Result<Value, Refusal> {
    let known =
        ["clientId", "clientSecret", "grantType", "deviceCode", "code", "codeVerifier", "redirectUri", "refreshToken"];
    only(body, &known)?;
    let client = client(world, body)?;
    may_use(world, &client, text(body, "grantType")?)?;
    let session = match text(body, "grantType")? {
        "authorization_code" => of_code(world, &client, body)?,
        "refresh_token" => of_refresh_token(world, &client, body)?,
        DEVICE_CODE => of_device(world, &client, body)?,
        _ => return Err(refused(400, "UnsupportedGrantTypeException", "Unsupported grant type")),
    };
    // Without a scope AWS issues no refresh token.
    let is_renewable = !world.sso.clients[&client].scopes.is_empty();
    let issued = world.sso_tokens(session, is_renewable);
    let expires_in = issued.expires_at.as_second() - world.now().as_second();
    let mut answer = json!({"accessToken": issued.access_token, "tokenType": "Bearer", "expiresIn": expires_in});
    if let Some(token) = issued.refresh_token {
        answer["refreshToken"] = token.into();
    }
    Ok(answer)
}

pub(super) fn new_session(world: &mut World, client: &str) -> usize {
    let session = SsoSession { client: client.to_owned(), access: Vec::new(), refresh: Vec::new(), ended: false };
    world.sso.sessions.push(session);
    world.sso.sessions.len() - 1
}

fn of_code(world: &mut World, client: &str, body: &Map<String, Value>) -> Result<usize, Refusal> {
    let verifier = text(body, "codeVerifier")?;
    world.secrets.push((Kind::SsoToken, verifier.to_owned()));
    let now = world.now();
    let code = world.sso.codes.get(text(body, "code")?).filter(|code| code.client == client && now < code.expires);
    let code = code.ok_or_else(ended)?;
    if let Some(session) = code.session {
        world.sso.sessions[session].ended = true;
        return Err(ended());
    }
    let is_legal = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let is_verifier = (43..=128).contains(&verifier.len()) && verifier.bytes().all(is_legal);
    let challenge = BASE64URL_NOPAD.encode(&Sha256::digest(verifier));
    if !is_verifier || challenge != code.challenge || text(body, "redirectUri")? != code.redirect_uri {
        return Err(ended());
    }
    let session = new_session(world, client);
    world.sso.codes.get_mut(text(body, "code")?).expect("it was just there").session = Some(session);
    Ok(session)
}

fn of_refresh_token(world: &mut World, client: &str, body: &Map<String, Value>) -> Result<usize, Refusal> {
    let token = text(body, "refreshToken")?.to_owned();
    let place = world.sso.sessions.iter().position(|session| session.refresh.contains(&token)).ok_or_else(ended)?;
    let session = &mut world.sso.sessions[place];
    if session.client != client {
        return Err(ended());
    }
    // Somebody else has it, too.
    session.ended |= session.refresh.last() != Some(&token);
    if session.ended { Err(ended()) } else { Ok(place) }
}

fn of_device(world: &mut World, client: &str, body: &Map<String, Value>) -> Result<usize, Refusal> {
    let (now, person) = (world.now(), world.sso.person);
    let code = text(body, "deviceCode")?.to_owned();
    let device = world.sso.devices.get_mut(&code).filter(|device| device.client == client).ok_or_else(ended)?;
    if now >= device.expires {
        return Err(refused(400, "ExpiredTokenException", "The device code has expired"));
    }
    // A tenth of the interval is for the network.
    let soon = Duration::from_millis(INTERVAL * 900);
    let is_hasty = device.asked.replace(Instant::now()).is_some_and(|before| before.elapsed() < soon);
    let answer = device.answer;
    match answer {
        _ if is_hasty => Err(refused(400, "SlowDownException", "Polling too quickly")),
        Some(Person::Approves) => {
            world.sso.devices.remove(&code);
            Ok(new_session(world, client))
        }
        Some(Person::Denies) => Err(refused(400, "AccessDeniedException", "Access denied")),
        Some(Person::Waits) | None => {
            // A person with a device at hand, who needs no browser on this machine.
            device.answer = Some(person);
            Err(refused(400, "AuthorizationPendingException", "Authorization is pending"))
        }
    }
}

/// The page that a device code is confirmed on.
pub(super) fn device(world: &mut World, request: &Request) -> Result<Reply, Refusal> {
    let query = query(request);
    let (user_code, person) = (query("user_code"), world.sso.person);
    let device = world.sso.devices.values_mut().find(|device| Some(&device.user_code) == user_code.as_ref());
    device.ok_or_else(|| invalid("Unknown code"))?.answer = Some(person);
    Ok(Reply::page("Request approved"))
}

fn query(request: &Request) -> impl Fn(&str) -> Option<String> {
    let pairs: Vec<(String, String)> = form_urlencoded::parse(request.query.as_bytes()).into_owned().collect();
    move |name| pairs.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
}

/// The page of the authorization code flow: it sends the browser back to the client.
pub(super) fn authorize(world: &mut World, request: &Request) -> Result<Reply, Refusal> {
    let query = query(request);
    let needed = |name: &str| query(name).filter(|it| !it.is_empty()).ok_or_else(|| invalid(name));
    let id = needed("client_id")?;
    let client = world.sso.clients.get(&id).ok_or_else(|| invalid("client_id"))?;
    let redirect_uri = needed("redirect_uri")?;
    let port = redirect_uri.strip_prefix("http://127.0.0.1:").and_then(|rest| rest.strip_suffix("/oauth/callback"));
    let has_port = port.is_some_and(|port| port.parse::<u16>().is_ok());
    if !has_port || !client.grants.iter().any(|grant| grant == "authorization_code") {
        return Err(invalid("redirect_uri"));
    }
    let (state, challenge, scopes) = (needed("state")?, needed("code_challenge")?, needed("scopes")?);
    let is_asked_for = |scope: &str| client.scopes.iter().any(|known| known == scope);
    if needed("response_type")? != "code"
        || needed("code_challenge_method")? != "S256"
        || BASE64URL_NOPAD.decode(challenge.as_bytes()).map(|hash| hash.len()) != Ok(32)
        || !scopes.split(' ').all(is_asked_for)
    {
        return Err(invalid("Invalid request"));
    }
    let mut back = form_urlencoded::Serializer::new(String::new());
    match world.sso.person {
        Person::Waits => return Ok(Reply::page("Allow botocore-client to access your data?")),
        Person::Denies => back.append_pair("error", "access_denied"),
        Person::Approves => {
            let code = world.sso_secret("code");
            let expires =
                Timestamp::from_second(world.now().as_second() + world.sso.code_secs).expect("a time near now");
            back.append_pair("code", &code);
            let (client, redirect_uri) = (id, redirect_uri.clone());
            let kept = AuthorizationCode { client, redirect_uri, challenge, expires, session: None };
            world.sso.codes.insert(code, kept);
            &mut back
        }
    };
    let back = back.append_pair("state", &state).finish();
    Ok(Reply::redirect(&format!("{redirect_uri}?{back}")))
}
