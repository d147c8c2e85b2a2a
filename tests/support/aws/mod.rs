//! A strict STS, and as much of IAM and Identity Center as the tests need, on the loopback.
//!
//! It checks what AWS checks: signatures and their dates, codes and that each is used only once, durations, trust
//! policies, the limits of sessions; and it answers in AWS's words. It can also fail on demand, has its own clock,
//! records every call, and knows every secret that it ever issued or received. Its state is set up by methods here,
//! never over the wire. The server ends when its [`Aws`] is dropped.

mod account;
mod client;
mod console;
mod device;
mod fault;
mod front;
mod http;
mod iam;
mod policies;
mod random;
mod reply;
mod role;
mod sigv4;
mod signin;
mod sso;
mod sts;
mod totp;
mod validate;
mod web;
mod world;

#[cfg(test)]
mod tests;

use std::io;
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use data_encoding::BASE32_NOPAD;
use jiff::Timestamp;

pub(crate) use client::Response;
pub(crate) use console::Visit;
pub(crate) use device::Device;
pub(crate) use fault::{Fault, When};
pub(crate) use policies::Owner;
pub(crate) use role::RoleSpec;
pub(crate) use signin::LoginFile;
pub(crate) use sso::{Issued, Person, SsoControl};
pub(crate) use web::Claims;
pub(crate) use world::{AccessKey, Call, Effect, Kind, ROOT, Signer};

use device::DeviceState;
use front::Shared;
use world::{Denial, KeyStatus, Role, World};

/// The server, and the methods that control it.
pub(crate) struct Aws {
    shared: Arc<Shared>,
    port: u16,
    thread: Option<JoinHandle<()>>,
}

/// What an access key ID belongs to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Holder {
    pub(crate) signer: Signer,
    /// When a session expires.
    pub(crate) expires: Option<Timestamp>,
}

impl Aws {
    /// Starts a server on a random loopback port, for account 123456789012, without users.
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("the loopback has a free port");
        let port = listener.local_addr().expect("a bound socket has an address").port();
        let shared = Arc::new(Shared::new(World::new("123456789012")));
        let server = Arc::clone(&shared);
        let thread = thread::spawn(move || server.serve(&listener));
        Self { shared, port, thread: Some(thread) }
    }

    /// For `AWS_ENDPOINT_URL`.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The account's twelve digits.
    pub(crate) fn account(&self) -> String {
        self.shared.world().account.clone()
    }

    /// Adds a user, if new, and an access key for it. `ROOT` is the root user.
    pub(crate) fn add_user(&self, name: &str) -> AccessKey {
        let mut world = self.shared.world();
        if name != ROOT {
            world.ensure_user(name);
        }
        world.add_key(name)
    }

    /// Adds a virtual MFA device with that name, enabled for a user.
    pub(crate) fn add_device(&self, user: &str, name: &str) -> Device {
        let serial = format!("arn:aws:iam::{}:mfa/{name}", self.account());
        self.add_device_with_serial(user, &serial)
    }

    /// Adds an unassigned virtual device.
    pub(crate) fn add_orphan(&self, name: &str) {
        let serial = format!("arn:aws:iam::{}:mfa/{name}", self.account());
        self.shared.world().devices.insert(serial, DeviceState::new(None));
    }

    /// Adds a device with any serial: hardware, or `:u2f/`, whose codes are never accepted.
    pub(crate) fn add_device_with_serial(&self, user: &str, serial: &str) -> Device {
        let mut world = self.shared.world();
        let device = DeviceState::new(Some((user.to_owned(), world.now())));
        world.secrets.push((Kind::Seed, BASE32_NOPAD.encode(&device.seed)));
        world.devices.insert(serial.to_owned(), device);
        Device { shared: Arc::clone(&self.shared), serial: serial.to_owned() }
    }

    /// Adds a role; returns its ARN.
    pub(crate) fn add_role(&self, spec: RoleSpec) -> String {
        let mut world = self.shared.world();
        let account = spec.account.as_deref().unwrap_or(&world.account);
        let arn = format!("arn:aws:iam::{account}:role/{}", spec.name);
        world.roles.insert(arn.clone(), Role { spec, id: random::id("AROA") });
        arn
    }

    /// Every call so far, oldest first.
    pub(crate) fn calls(&self) -> Vec<Call> {
        self.shared.world().calls.clone()
    }

    /// The calls since the last time that they were taken.
    pub(crate) fn take_calls(&self) -> Vec<Call> {
        std::mem::take(&mut self.shared.world().calls)
    }

    /// How often an action was called, whatever the outcome.
    pub(crate) fn count(&self, action: &str) -> usize {
        self.shared.world().calls.iter().filter(|call| call.action == action).count()
    }

    /// Makes the next `times` calls of an action (`*` is any) meet a fault, after the faults that were set before.
    pub(crate) fn fault(&self, action: &str, fault: Fault, times: usize) {
        self.shared.world().faults.push((action.to_owned(), fault, times));
    }

    /// How many calls will still meet the faults that were set.
    pub(crate) fn faults_left(&self) -> usize {
        self.shared.world().faults.iter().map(|(_, _, left)| left).sum()
    }

    /// Removes the remaining faults.
    pub(crate) fn heal(&self) {
        self.shared.world().faults.clear();
    }

    /// Denies this action of IAM to everybody.
    pub(crate) fn deny(&self, action: &str) {
        self.add_denial(action, None, false);
    }

    /// Denies this action of IAM to everybody, except on one resource.
    pub(crate) fn deny_but(&self, action: &str, resource: &str) {
        self.add_denial(action, Some(resource.to_owned()), false);
    }

    /// Denies this action of IAM without MFA, with an explicit Deny.
    pub(crate) fn deny_without_mfa(&self, action: &str) {
        self.add_denial(action, None, true);
    }

    fn add_denial(&self, action: &str, but_on: Option<String>, only_without_mfa: bool) {
        self.shared.world().denials.push(Denial { action: action.to_owned(), but_on, only_on: None, only_without_mfa });
    }

    /// Removes every denial.
    pub(crate) fn allow_all(&self) {
        self.shared.world().denials.clear();
    }

    /// Removes a device, as an administrator does.
    pub(crate) fn remove_device(&self, serial: &str) {
        self.shared.world().devices.remove(serial).expect("a device that was made");
    }

    /// Every device and its user.
    pub(crate) fn devices(&self) -> Vec<(String, Option<String>)> {
        let owner = |device: &DeviceState| device.assigned.as_ref().map(|(owner, _)| owner.clone());
        self.shared.world().devices.iter().map(|(serial, device)| (serial.clone(), owner(device))).collect()
    }

    /// The device with that serial, as if its seed had been scanned.
    pub(crate) fn device(&self, serial: &str) -> Option<Device> {
        let device = Device { shared: Arc::clone(&self.shared), serial: serial.to_owned() };
        self.shared.world().devices.contains_key(serial).then_some(device)
    }

    /// Sets the server's clock this many seconds ahead of the machine's: its `Date`, its check of signatures, the
    /// expiration of sessions and the codes of its devices.
    pub(crate) fn skew(&self, secs: i64) {
        self.shared.world().skew = secs;
    }

    /// The server's current time.
    pub(crate) fn now(&self) -> Timestamp {
        self.shared.world().now()
    }

    /// From now on, credentials are valid for this many seconds, whatever is requested; `None`: as requested.
    pub(crate) fn lifetime(&self, secs: Option<i64>) {
        self.shared.world().lifetime = secs;
    }

    /// Lists return at most this many members per page, whatever is requested.
    pub(crate) fn page_size(&self, members: usize) {
        self.shared.world().page = members;
    }

    /// Makes the MFA authentication of all sessions this many seconds older.
    pub(crate) fn age_mfa(&self, secs: i64) {
        for session in self.shared.world().sessions.values_mut() {
            session.mfa_at = session
                .mfa_at
                .map(|at| Timestamp::from_second(at.as_second() - secs).expect("a time that can be told"));
        }
    }

    /// Expires a session now: `ExpiredToken`.
    pub(crate) fn expire(&self, access_key_id: &str) {
        let mut world = self.shared.world();
        let now = world.now();
        world.sessions.get_mut(access_key_id).expect("a session that was issued").expires = now;
    }

    /// Revokes a session: `InvalidClientTokenId`.
    pub(crate) fn revoke(&self, access_key_id: &str) {
        let mut world = self.shared.world();
        world.sessions.get_mut(access_key_id).expect("a session that was issued").revoked = true;
    }

    /// Deactivates an access key: `InvalidClientTokenId`.
    pub(crate) fn deactivate(&self, access_key_id: &str) {
        let mut world = self.shared.world();
        world.keys.get_mut(access_key_id).expect("a key that was made").status = KeyStatus::Inactive;
    }

    /// Deletes an access key: `InvalidClientTokenId`.
    pub(crate) fn delete_key(&self, access_key_id: &str) {
        self.shared.world().keys.remove(access_key_id).expect("a key that was made");
    }

    /// Every secret key, session token, code and seed that was ever issued, shown or received.
    pub(crate) fn issued(&self) -> Vec<(Kind, String)> {
        self.shared.world().secrets.clone()
    }

    /// The kinds of secrets that appear in `bytes`, plain or percent-encoded. Six digits count as a code only if they
    /// stand alone: within longer numbers and hexadecimal text they mean nothing.
    pub(crate) fn leaks(&self, bytes: &[u8]) -> Vec<Kind> {
        let text = String::from_utf8_lossy(bytes);
        let alone = |at: usize, length: usize| {
            let word = |c: char| c.is_ascii_alphanumeric();
            !text[..at].ends_with(word) && !text[at + length..].starts_with(word)
        };
        let stands = |(kind, secret): &(Kind, String)| match kind {
            Kind::Code => text.match_indices(secret.as_str()).any(|(at, _)| alone(at, secret.len())),
            _ => text.contains(secret.as_str()) || text.contains(&sigv4::percent_encode(secret)),
        };
        self.issued().iter().filter(|secret| stands(secret)).map(|(kind, _)| *kind).collect()
    }

    /// The owner of an access key ID; `None` if this server never issued it, or deleted it.
    pub(crate) fn holder(&self, access_key_id: &str) -> Option<Holder> {
        let world = self.shared.world();
        let expires = world.sessions.get(access_key_id).map(|session| session.expires);
        let signer = world.signer(access_key_id);
        (signer != Signer::Nobody).then_some(Holder { signer, expires })
    }

    /// Calls an action with `key`, signed at the server's current time.
    pub(crate) fn call(&self, key: &AccessKey, action: &str, params: &[(&str, &str)]) -> io::Result<Response> {
        client::call(self.port, key, action, params, self.now())
    }

    /// The same with another date.
    pub(crate) fn call_at(
        &self,
        key: &AccessKey,
        action: &str,
        params: &[(&str, &str)],
        now: Timestamp,
    ) -> io::Result<Response> {
        client::call(self.port, key, action, params, now)
    }
}

impl Drop for Aws {
    fn drop(&mut self) {
        self.shared.stop();
        // The listener notices that it must stop at the next connection.
        drop(TcpStream::connect(("127.0.0.1", self.port)));
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}
