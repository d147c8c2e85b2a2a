//! The front door: each request meets its fault, is authenticated, dispatched and recorded.
//!
//! In: a request from the wire. Out: its answer. The lock on the state is never held while a fault waits.

use std::collections::{BTreeMap, HashMap};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use jiff::Timestamp;

use super::console;
use super::fault::{Fault, When};
use super::http::{self, Answer, Request};
use super::iam;
use super::reply::{Refusal, Reply, Service};
use super::signin;
use super::sigv4::Authorization;
use super::sso;
use super::sts;
use super::web;
use super::world::{Call, Effect, KeyStatus, Kind, Params, Signer, World};

/// The state that the server's threads and the test share.
pub(super) struct Shared {
    world: Mutex<World>,
    connections: Mutex<HashMap<u64, TcpStream>>,
    next: AtomicU64,
    stopping: AtomicBool,
}

/// An authenticated caller.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    pub(super) signer: Signer,
    /// When the session's code was given.
    pub(super) mfa_at: Option<Timestamp>,
    pub(super) source_identity: Option<String>,
    pub(super) transitive: Vec<String>,
}

impl Shared {
    pub(super) fn new(world: World) -> Self {
        Self {
            world: Mutex::new(world),
            connections: Mutex::default(),
            next: AtomicU64::new(0),
            stopping: AtomicBool::new(false),
        }
    }

    /// Exclusive access to the state. A test that failed while it held the lock does not affect the others.
    pub(super) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn connections(&self) -> MutexGuard<'_, HashMap<u64, TcpStream>> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Accepts connections until told to stop.
    pub(super) fn serve(self: &Arc<Self>, listener: &TcpListener) {
        for stream in listener.incoming() {
            if self.stopping.load(Ordering::SeqCst) {
                return;
            }
            let Ok(stream) = stream else { continue };
            let shared = Arc::clone(self);
            thread::spawn(move || shared.attend(stream));
        }
    }

    fn attend(&self, stream: TcpStream) {
        let number = self.next.fetch_add(1, Ordering::SeqCst);
        let Ok(other) = stream.try_clone() else { return };
        self.connections().insert(number, other);
        if self.stopping.load(Ordering::SeqCst) {
            return;
        }
        let date = || self.world().now().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
        // A client that disconnects or does not speak HTTP only loses its connection.
        drop(http::converse(stream, date, |request| self.answer(request)));
        if let Some(stream) = self.connections().remove(&number) {
            drop(stream.shutdown(Shutdown::Both));
        }
    }

    /// Closes all connections; one more connection must then wake up the listener.
    pub(super) fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
        for stream in self.connections().values() {
            drop(stream.shutdown(Shutdown::Both));
        }
    }

    fn answer(&self, request: &Request) -> Answer {
        let params = params(request);
        let action = action(request, &params);
        let fault = self.world().next_fault(&action);
        let strikes = fault.as_ref().map(Fault::when);

        if let (Some(fault), Some(When::Before)) = (&fault, strikes) {
            let answer = match fault {
                Fault::Delay(_, time) => {
                    thread::sleep(*time);
                    None
                }
                Fault::Drop(_) => Some((Effect::Ignored, Answer::Nothing)),
                Fault::Html => Some((Effect::Ignored, Answer::Whole(Reply::html()))),
                Fault::Says(body) => Some((Effect::Ignored, Answer::Whole(Reply::text(body)))),
                Fault::Redirect(to) => Some((Effect::Ignored, Answer::Whole(Reply::redirect(to)))),
                Fault::ServerError(_, status) => Some(refused(request, &Refusal::server_error(*status))),
                Fault::Throttle => Some(refused(request, &Refusal::throttled())),
                Fault::Refuse(status, code, message) => {
                    Some(refused(request, &Refusal::new(*status, code, message.as_str())))
                }
                Fault::Truncate | Fault::Content(..) => None,
            };
            if let Some((effect, answer)) = answer {
                self.world().record(request, params, effect, Some(fault.clone()));
                return answer;
            }
        }

        let result = {
            let mut world = self.world();
            let result = world.perform(request, &params);
            let effect =
                result.as_ref().err().map_or(Effect::Accepted, |refusal| Effect::Refused(refusal.code.clone()));
            world.record(request, params, effect, fault.clone());
            result
        };
        let mut reply = result.unwrap_or_else(|refusal| refusal.reply(service(request)));
        if let Some(Fault::Content(element, content)) = &fault {
            reply.fill(element, content);
        }

        match (fault, strikes) {
            (Some(Fault::Delay(_, time)), Some(When::After)) => {
                thread::sleep(time);
                Answer::Whole(reply)
            }
            (Some(Fault::Drop(_)), _) => Answer::Nothing,
            (Some(Fault::ServerError(_, status)), _) => {
                Answer::Whole(Refusal::server_error(status).reply(service(request)))
            }
            (Some(Fault::Truncate), _) => Answer::Cut(reply),
            _ => Answer::Whole(reply),
        }
    }
}

impl World {
    fn next_fault(&mut self, action: &str) -> Option<Fault> {
        let place = self.faults.iter().position(|(name, _, left)| *left > 0 && (name == action || name == "*"))?;
        self.faults[place].2 -= 1;
        Some(self.faults[place].1.clone())
    }

    fn record(&mut self, request: &Request, params: Params, effect: Effect, fault: Option<Fault>) {
        for (name, value) in &params.0 {
            if name == "TokenCode" || name.starts_with("AuthenticationCode") {
                self.secrets.push((Kind::Code, value.clone()));
            }
        }
        let (access_key_id, region) = Authorization::of(request)
            .map_or_else(|_| (String::new(), String::new()), |claim| (claim.access_key_id, claim.region));
        let call = Call {
            action: action(request, &params),
            signer: self.signer(&access_key_id),
            access_key_id,
            region,
            user_agent: request.header("user-agent").unwrap_or_default().to_owned(),
            effect,
            fault,
            at: self.now(),
            params,
        };
        self.calls.push(call);
    }

    fn perform(&mut self, request: &Request, params: &Params) -> Result<Reply, Refusal> {
        if let Some((_, action)) = sso::action(request) {
            return sso::perform(self, action, request);
        }
        if signin::action(request).is_some() {
            return signin::perform(self, request);
        }
        if console::is_asked(request) {
            return console::perform(self, request);
        }
        let service = service(request);
        if request.path != "/" {
            return Err(Refusal::new(404, "UnknownOperationException", "The path is not one of this service."));
        }
        if let Some(answer) = web::perform(self, request, params) {
            return answer;
        }
        let claim = Authorization::of(request)?;
        let caller = self.authenticate(&claim, request)?;
        if !self.has_heard_of(&claim.access_key_id, service) {
            return Err(Refusal::unknown_token());
        }
        if claim.service != service.name() {
            let text = format!("Credential should be scoped to correct service: '{}'. ", service.name());
            return Err(Refusal::new(403, "SignatureDoesNotMatch", text));
        }
        // There is one region per partition, and this is the commercial one.
        if matches!(service, Service::Iam) && claim.region != "us-east-1" {
            let text = format!("Credential should be scoped to a valid region, not '{}'. ", claim.region);
            return Err(Refusal::new(403, "SignatureDoesNotMatch", text));
        }
        let action = params.get("Action").unwrap_or_default();
        let result = match service {
            Service::Sts => sts::perform(self, &caller, action, params),
            Service::Iam => iam::perform(self, &caller, action, params),
            Service::Oidc | Service::Portal | Service::SignIn | Service::Console => {
                Err(unknown_action(service, action))
            }
        }?;
        Ok(Reply::success(service, action, result.as_deref()))
    }

    fn authenticate(&self, claim: &Authorization, request: &Request) -> Result<Caller, Refusal> {
        let now = self.now();
        let token = request.header("x-amz-security-token");
        if let Some(key) = self.keys.get(&claim.access_key_id) {
            if key.status == KeyStatus::Inactive || token.is_some() {
                return Err(Refusal::unknown_token());
            }
            claim.verify(request, &key.secret, now)?;
            let signer = Signer::User(key.user.clone());
            return Ok(Caller { signer, mfa_at: None, source_identity: None, transitive: Vec::new() });
        }
        let session = self.sessions.get(&claim.access_key_id).ok_or_else(Refusal::unknown_token)?;
        if session.revoked || token != Some(session.token.as_str()) {
            return Err(Refusal::unknown_token());
        }
        if now >= session.expires {
            let text = "The security token included in the request is expired";
            return Err(Refusal::new(403, "ExpiredToken", text));
        }
        claim.verify(request, &session.secret, now)?;
        Ok(Caller {
            signer: session.signer.clone(),
            mfa_at: session.mfa_at,
            source_identity: session.source_identity.clone(),
            transitive: session.transitive.clone(),
        })
    }
}

impl World {
    /// Has the news of a new key reached this service?
    fn has_heard_of(&mut self, access_key_id: &str, service: Service) -> bool {
        let Some(key) = self.keys.get_mut(access_key_id) else { return true };
        if service == Service::Sts {
            return key.at_sts.pop_front().unwrap_or(true);
        }
        let left = key.at_iam;
        key.at_iam = left.saturating_sub(1);
        left == 0
    }
}

fn refused(request: &Request, refusal: &Refusal) -> (Effect, Answer) {
    (Effect::Refused(refusal.code.clone()), Answer::Whole(refusal.reply(service(request))))
}

/// What is called.
fn action(request: &Request, params: &Params) -> String {
    let of_path = sso::action(request).map(|(_, action)| action);
    of_path.or_else(|| signin::action(request)).or_else(|| params.get("Action")).unwrap_or_default().to_owned()
}

/// The service with that path or API version; all have the same address.
fn service(request: &Request) -> Service {
    if let Some((service, _)) = sso::action(request) {
        return service;
    }
    if signin::action(request).is_some() {
        return Service::SignIn;
    }
    if console::is_asked(request) {
        return Service::Console;
    }
    params(request).get("Version").and_then(Service::of_version).unwrap_or(Service::Sts)
}

fn params(request: &Request) -> Params {
    let query = form_urlencoded::parse(request.query.as_bytes());
    if sso::action(request).is_some() || signin::action(request).is_some() {
        let query = query.map(|(name, value)| (name.into_owned(), value.into_owned()));
        return Params(query.chain(sso::members(request)).collect());
    }
    let all: BTreeMap<String, String> = query
        .chain(form_urlencoded::parse(&request.body))
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect();
    Params(all)
}

/// The refusal of an unknown action.
pub(super) fn unknown_action(service: Service, action: &str) -> Refusal {
    let version = service.version();
    if action.is_empty() {
        return Refusal::new(400, "MissingAction", "The request must contain the parameter Action.");
    }
    Refusal::new(400, "InvalidAction", format!("Could not find operation {action} for version {version}"))
}
