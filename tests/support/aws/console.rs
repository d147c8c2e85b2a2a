//! The part of AWS's sign-in service that browsers and identity brokers use: `/federation`, `/oauth`, and a page that stands
//! in for the console.
//!
//! It is as strict as AWS and stricter: a session comes in the body of a form and never in an address, only a role's is
//! taken, its duration is chosen only where the role was assumed directly, and a token works once.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::http::Request;
use super::reply::{Refusal, Reply};
use super::world::{Kind, Signer, World};
use super::{Aws, random};

/// The life of a token, in seconds.
const LIFE: i64 = 900;
/// The domain of the console of this partition.
const CONSOLE: &str = "console.aws.amazon.com";

/// The state of the service.
#[derive(Default)]
pub(super) struct Console {
    /// The sessions whose role a user or a web identity assumed directly, and the longest session of that role.
    direct: BTreeMap<String, i64>,
    tokens: BTreeMap<String, Token>,
    /// Who is signed in, by cookie.
    browsers: BTreeMap<String, Token>,
    visits: Vec<Visit>,
    refuses_durations: bool,
}

#[derive(Clone)]
struct Token {
    role: String,
    until: Timestamp,
    /// Of the session in the console, in seconds; `None`: as long as the credentials.
    duration: Option<i64>,
}

/// What a browser has seen of the console.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Visit {
    /// A page, signed in.
    Page {
        /// The ARN of the role.
        role: String,
        destination: String,
        duration: Option<i64>,
        user_agent: String,
    },
    /// It signed out.
    Logout,
}

impl Aws {
    /// What browsers have seen of the console, in order.
    pub(crate) fn visits(&self) -> Vec<Visit> {
        self.shared.world().console.visits.clone()
    }

    /// From now on, no session in the console may have a duration of its own.
    pub(crate) fn refuse_durations(&self) {
        self.shared.world().console.refuses_durations = true;
    }
}

impl Console {
    pub(super) fn was_assumed_directly(&mut self, access_key_id: &str, most: i64) {
        self.direct.insert(access_key_id.to_owned(), most);
    }
}

/// Is the request for this service?
pub(super) fn is_asked(request: &Request) -> bool {
    matches!(request.path.as_str(), "/federation" | "/oauth" | "/console")
}

pub(super) fn perform(world: &mut World, request: &Request) -> Result<Reply, Refusal> {
    let query = parameters(&request.query)?;
    let is = |action: &str| query.get("Action").is_some_and(|it| it == action);
    match (request.method.as_str(), request.path.as_str()) {
        ("POST", "/federation") if request.query.is_empty() => issue(world, request),
        ("GET", "/federation") if is("login") => login(world, &query),
        ("GET", "/oauth") if is("logout") => logout(world, request, &query),
        ("GET", "/console") => page(world, request, &query),
        _ => Err(invalid("Invalid request")),
    }
}

fn invalid(text: &str) -> Refusal {
    Refusal::new(400, "BadRequest", text)
}

/// Each parameter once.
fn parameters(text: &str) -> Result<BTreeMap<String, String>, Refusal> {
    let mut found = BTreeMap::new();
    for (name, value) in form_urlencoded::parse(text.as_bytes()) {
        if found.insert(name.into_owned(), value.into_owned()).is_some() {
            return Err(invalid("A parameter is there twice"));
        }
    }
    Ok(found)
}

/// getSigninToken
fn issue(world: &mut World, request: &Request) -> Result<Reply, Refusal> {
    if request.header("content-type") != Some("application/x-www-form-urlencoded") {
        return Err(invalid("Unsupported content type"));
    }
    if request.header("authorization").is_some() || request.header("x-amz-security-token").is_some() {
        return Err(invalid("The call takes no signature"));
    }
    let form = parameters(std::str::from_utf8(&request.body).map_err(|_| invalid("Not UTF-8"))?)?;
    let known = ["Action", "Session", "SessionDuration"];
    if form.keys().any(|name| !known.contains(&name.as_str()))
        || form.get("Action").map(String::as_str) != Some("getSigninToken")
    {
        return Err(invalid("Invalid request"));
    }
    let credentials = || invalid("Invalid credentials parameter");
    let session = form.get("Session").ok_or_else(credentials)?;
    let session: Map<String, Value> = serde_json::from_str(session).map_err(|_| credentials())?;
    let text = |name: &str| session.get(name).and_then(Value::as_str).unwrap_or_default();
    let id = text("sessionId").to_owned();
    let known = world.sessions.get(&id).ok_or_else(credentials)?;
    let is_it = session.len() == 3 && text("sessionKey") == known.secret && text("sessionToken") == known.token;
    if !is_it || known.revoked || world.now() >= known.expires {
        return Err(credentials());
    }
    let Signer::Role { arn, .. } = &known.signer else {
        return Err(invalid("Only federation tokens or assume role tokens may be used to request a signin token"));
    };
    let role = arn.clone();
    let duration =
        form.get("SessionDuration").map(|text| text.parse::<i64>().map_err(|_| credentials())).transpose()?;
    if let Some(secs) = duration {
        let most = world.console.direct.get(&id).copied().unwrap_or(0);
        if world.console.refuses_durations || !(900..=most.min(43_200)).contains(&secs) {
            // As AWS says it: not at all.
            return Err(invalid(""));
        }
    }
    let token = random::session_token();
    world.secrets.push((Kind::SigninToken, token.clone()));
    let until = Timestamp::from_second(world.now().as_second() + LIFE).expect("a time near now");
    world.console.tokens.insert(token.clone(), Token { role, until, duration });
    Ok(Reply::json(200, &json!({"SigninToken": token})))
}

fn login(world: &mut World, query: &BTreeMap<String, String>) -> Result<Reply, Refusal> {
    let names: Vec<&str> = query.keys().map(String::as_str).collect();
    if names != ["Action", "Destination", "Issuer", "SigninToken"] {
        return Err(invalid("Invalid request"));
    }
    let token = world.console.tokens.remove(&query["SigninToken"]).filter(|token| world.now() < token.until);
    let token = token.ok_or_else(|| Refusal::new(403, "Forbidden", "The token is invalid or was used"))?;
    let destination = &query["Destination"];
    let host = destination.strip_prefix("https://").and_then(|rest| rest.split(['/', '?', '#']).next());
    if !host.is_some_and(|host| host == CONSOLE || host.ends_with(&format!(".{CONSOLE}"))) {
        return Err(invalid("Invalid destination"));
    }
    let cookie = random::uuid();
    world.console.browsers.insert(cookie.clone(), token);
    let page: String = form_urlencoded::byte_serialize(destination.as_bytes()).collect();
    let cookie = format!("aws-creds={cookie}; Path=/; HttpOnly; SameSite=Lax");
    Ok(Reply::redirect(&format!("/console?destination={page}")).with("Set-Cookie", cookie))
}

fn logout(world: &mut World, request: &Request, query: &BTreeMap<String, String>) -> Result<Reply, Refusal> {
    let host = request.header("host").unwrap_or_default();
    let next = query.get("redirect_uri").filter(|next| next.starts_with(&format!("http://{host}/federation?")));
    let next = next.ok_or_else(|| invalid("Invalid redirect_uri"))?;
    if let Some(cookie) = cookie(request) {
        world.console.browsers.remove(cookie);
    }
    world.console.visits.push(Visit::Logout);
    Ok(Reply::redirect(next).with("Set-Cookie", "aws-creds=; Path=/; Max-Age=0".to_owned()))
}

fn cookie(request: &Request) -> Option<&str> {
    request.header("cookie")?.split("; ").find_map(|pair| pair.strip_prefix("aws-creds="))
}

/// What a person sees in place of the console.
fn page(world: &mut World, request: &Request, query: &BTreeMap<String, String>) -> Result<Reply, Refusal> {
    let browser = cookie(request).and_then(|cookie| world.console.browsers.get(cookie)).cloned();
    let Some(Token { role, duration, .. }) = browser else {
        return Err(Refusal::new(403, "Forbidden", "Sign in"));
    };
    let destination = query.get("destination").cloned().unwrap_or_default();
    let text = format!("<h1>Signed in as {role}</h1><p>{destination}</p>");
    let user_agent = request.header("user-agent").unwrap_or_default().to_owned();
    world.console.visits.push(Visit::Page { role, destination, duration, user_agent });
    Ok(Reply::page(&text))
}
