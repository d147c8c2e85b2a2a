//! AWS's sign-in service: sessions that `aws login` started, and their renewal.
//!
//! A renewal is checked as AWS does, and more strictly: the proof must be signed by the session's own key, be made for this
//! address at this time, and be used once; a refresh token rotates, and a second use of an old one ends the session, unless
//! a test wants the grace that AWS gives to an answer that was lost.

use std::collections::BTreeSet;

use data_encoding::{BASE64, BASE64URL_NOPAD};
use jiff::Timestamp;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, UnparsedPublicKey};
use serde_json::{Map, Value, json};

use super::http::Request;
use super::reply::{Refusal, Reply};
use super::world::{Grant, Kind, Signer, World};
use super::{Aws, random};

/// How long credentials last, in seconds.
const LIFE: i64 = 900;
/// How far a proof's time may be off, in seconds.
const TOLERANCE: i64 = 300;

/// The service's state.
#[derive(Default)]
pub(super) struct SignInService {
    sessions: Vec<Session>,
    /// The identifiers of all proofs.
    proofs: BTreeSet<String>,
    /// Is an old refresh token answered like the first time?
    has_grace: bool,
}

/// A session of `aws login`.
struct Session {
    user: String,
    has_mfa: bool,
    /// Of a point that is not compressed.
    public_key: Vec<u8>,
    client: String,
    /// Every refresh token, and what was answered to it; only the last one may be used.
    refresh: Vec<(String, Option<Value>)>,
    ended: bool,
}

/// A session's file in the form of the AWS CLI, and the name of who signed in.
#[derive(Clone, Debug)]
pub(crate) struct LoginFile {
    pub(crate) arn: String,
    pub(crate) text: String,
}

impl Aws {
    /// Signs a user in as `aws login` does. The credentials in the file last `left` seconds.
    pub(crate) fn login(&self, user: &str, has_mfa: bool, left: i64) -> LoginFile {
        let mut world = self.shared.world();
        let (public_key, pem) = world.new_proof_key();
        let client = "arn:aws:signin:::devtools/same-device".to_owned();
        let refresh = world.login_secret();
        let refresh_tokens = vec![(refresh.clone(), None)];
        let session = Session {
            user: user.to_owned(),
            has_mfa,
            public_key,
            client: client.clone(),
            refresh: refresh_tokens,
            ended: false,
        };
        let token = world.login_credentials(&session, left);
        world.signin.sessions.push(session);
        let arn = world.user_arn(user);
        let end = Timestamp::from_second(world.now().as_second() + left).expect("a time near now");
        let mut token = token;
        token["accountId"] = world.account.as_str().into();
        token["expiresAt"] = end.strftime("%Y-%m-%dT%H:%M:%SZ").to_string().into();
        let text = json!({
            "accessToken": token, "tokenType": "aws_sigv4", "clientId": client, "refreshToken": refresh,
            "idToken": "eyJ0eXAi.e30.c2ln", "dpopKey": pem,
        });
        LoginFile { arn, text: text.to_string() }
    }

    /// Renews a session's file as a program does that knows no lock of ours.
    pub(crate) fn renew_elsewhere(&self, text: &str) -> String {
        let mut world = self.shared.world();
        let mut text: Value = serde_json::from_str(text).expect("a session's file");
        let token = text["refreshToken"].as_str().expect("a token").to_owned();
        let answer = world.renewed(&token).expect("a live session");
        for name in ["accessKeyId", "secretAccessKey", "sessionToken"] {
            text["accessToken"][name] = answer["accessToken"][name].clone();
        }
        let end = Timestamp::from_second(world.now().as_second() + LIFE).expect("a time near now");
        text["accessToken"]["expiresAt"] = end.to_string().into();
        text["refreshToken"] = answer["refreshToken"].clone();
        text.to_string()
    }

    /// How many sessions of `aws login` can still be renewed.
    pub(crate) fn logins(&self) -> usize {
        self.shared.world().signin.sessions.iter().filter(|session| !session.ended).count()
    }

    /// Answers an old refresh token like the first time, as AWS does for a while.
    pub(crate) fn answer_old_refresh_tokens(&self) {
        self.shared.world().signin.has_grace = true;
    }
}

/// The action of a request to this service.
pub(super) fn action(request: &Request) -> Option<&'static str> {
    (request.method == "POST" && request.path == "/v1/token").then_some("CreateOAuth2Token")
}

pub(super) fn perform(world: &mut World, request: &Request) -> Result<Reply, Refusal> {
    let invalid = |text: &str| Refusal::new(400, "INVALID_REQUEST", text);
    if request.header("authorization").is_some() {
        return Err(invalid("The operation takes no signature."));
    }
    if request.header("content-type") != Some("application/json") {
        return Err(invalid("Unsupported content type"));
    }
    let body: Map<String, Value> = serde_json::from_slice(&request.body).map_err(|_| invalid("No JSON"))?;
    let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
    if body.len() != 3 || text("grantType") != "refresh_token" {
        return Err(invalid("clientId, grantType and refreshToken are required"));
    }
    let grant = || invalid("The provided authorization grant is invalid, expired, revoked, or malformed");
    let is_its = |session: &&mut Session| session.refresh.iter().any(|(token, _)| token == text("refreshToken"));
    let now = world.now();
    let has_grace = world.signin.has_grace;
    let SignInService { sessions, proofs, .. } = &mut world.signin;
    let session = sessions.iter_mut().find(is_its).ok_or_else(grant)?;
    let proof = checked(request, &session.public_key, now)?;
    if !proofs.insert(proof) {
        return Err(invalid("The proof was used before"));
    }
    if session.client != text("clientId") {
        return Err(grant());
    }
    let over = || Refusal::new(403, "TOKEN_EXPIRED", "Your session has expired. Please reauthenticate");
    let is_last = session.refresh.last().is_some_and(|(token, _)| token == text("refreshToken"));
    if !is_last {
        let answered = session.refresh.iter().find(|(token, _)| token == text("refreshToken"));
        if let (true, Some((_, Some(answer)))) = (has_grace, answered) {
            return Ok(Reply::json(200, answer));
        }
        session.ended = true;
    }
    if session.ended {
        return Err(over());
    }
    let answer = world.renewed(text("refreshToken")).ok_or_else(over)?;
    Ok(Reply::json(200, &answer))
}

/// The identifier of the request's proof, which must hold.
fn checked(request: &Request, public_key: &[u8], now: Timestamp) -> Result<String, Refusal> {
    let invalid = |text: &str| Refusal::new(400, "INVALID_REQUEST", text);
    let proof = request.header("dpop").ok_or_else(|| invalid("DPoP header is required"))?;
    let malformed = || invalid("The proof is malformed");
    let decode = |text: &str| BASE64URL_NOPAD.decode(text.as_bytes()).map_err(|_| malformed());
    let json = |text: &str| serde_json::from_slice::<Value>(&decode(text)?).map_err(|_| malformed());
    let (signed, signature) = proof.rsplit_once('.').ok_or_else(malformed)?;
    let (head, body) = signed.split_once('.').ok_or_else(malformed)?;
    let (head, body) = (json(head)?, json(body)?);
    let coordinate = |name: &str| decode(head["jwk"][name].as_str().unwrap_or_default());
    let key = [vec![4], coordinate("x")?, coordinate("y")?].concat();
    let is_its_key = head["jwk"]["kty"] == "EC" && head["jwk"]["crv"] == "P-256" && key == public_key;
    if head["typ"] != "dpop+jwt" || head["alg"] != "ES256" || !is_its_key {
        return Err(invalid("The proof is by another key"));
    }
    let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key);
    key.verify(signed.as_bytes(), &decode(signature)?).map_err(|_| invalid("The proof's signature is wrong"))?;
    let url = format!("http://{}/v1/token", request.header("host").unwrap_or_default());
    if body["htm"] != "POST" || body["htu"] != url.as_str() {
        return Err(invalid("The proof is for another request"));
    }
    let at = body["iat"].as_i64().ok_or_else(malformed)?;
    if (now.as_second() - at).abs() > TOLERANCE {
        // As AWS says it, which helps nobody.
        return Err(Refusal::new(403, "TOKEN_EXPIRED", "Your refresh token has expired"));
    }
    body["jti"].as_str().filter(|id| id.len() >= 16).map(str::to_owned).ok_or_else(malformed)
}

impl World {
    /// The answer to the last refresh token of a session, which it replaces.
    fn renewed(&mut self, token: &str) -> Option<Value> {
        let is_its = |session: &Session| session.refresh.last().is_some_and(|(known, _)| known == token);
        let at = self.signin.sessions.iter().position(is_its)?;
        let mut session = self.signin.sessions.remove(at);
        let token = self.login_credentials(&session, LIFE);
        let refresh = self.login_secret();
        let answer =
            json!({"accessToken": token, "tokenType": "aws_sigv4", "expiresIn": LIFE, "refreshToken": refresh});
        session.refresh.last_mut()?.1 = Some(answer.clone());
        session.refresh.push((refresh, None));
        self.signin.sessions.push(session);
        Some(answer)
    }

    fn login_secret(&mut self) -> String {
        let secret = random::session_token();
        self.secrets.push((Kind::LoginToken, secret.clone()));
        secret
    }

    fn login_credentials(&mut self, session: &Session, left: i64) -> Value {
        let now = self.now();
        let signer = Signer::Session { user: session.user.clone(), mfa: session.has_mfa };
        let mfa_at = session.has_mfa.then_some(now);
        let grant = Grant { signer, mfa_at, source_identity: None, transitive: Vec::new() };
        let (key, _) = self.issue(grant, left);
        json!({"accessKeyId": key.id, "secretAccessKey": key.secret, "sessionToken": key.token})
    }

    /// A P-256 key: its public half, and both halves as SEC 1 has them.
    fn new_proof_key(&mut self) -> (Vec<u8>, String) {
        let random = SystemRandom::new();
        let made = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).expect("a key");
        // PKCS #8 has the private half at 36, and ends with the public one.
        let (private, public) = (&made.as_ref()[36..68], &made.as_ref()[73..138]);
        let curve = [0xa0, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
        let der = [&[0x30, 0x77, 2, 1, 1, 4, 0x20], private, &curve, &[0xa1, 0x44, 3, 0x42, 0], public].concat();
        let text = BASE64.encode(&der);
        self.secrets.push((Kind::LoginToken, text[..60].to_owned()));
        let lines: Vec<&str> = [&text[..64], &text[64..128], &text[128..]].into_iter().collect();
        (
            public.to_vec(),
            format!("-----BEGIN EC PRIVATE KEY-----\n{}\n-----END EC PRIVATE KEY-----\n", lines.join("\n")),
        )
    }
}
