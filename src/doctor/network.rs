//! The route to AWS, whether STS responds, and AWS's time.
//!
//! A single call is enough: GetCallerIdentity, which needs no permission. It is signed with the user's key if that is
//! in the AWS files, else with the example key from AWS's documentation, which is rejected; the response still shows
//! that STS is reachable, and the time. No command is run to get a key.

use std::net::ToSocketAddrs;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::facts::Answer;
use super::{Facts, Finding};
use crate::aws::route::Route;
use crate::aws::transport::check_trust;
use crate::aws::{CallError, Obstacle};
use crate::execute::base::{Bases, RealBases};
use crate::execute::sts::AwsSts;
use crate::host::{Clock, Env};
use crate::names::{Address, ProfileName};
use crate::plan::{Base, BaseKind, Plan};
use crate::safe::SafeError;
use crate::secret::{Credentials, Secret};
use crate::settings::Limits;
use crate::signin;
use crate::sso;
use crate::state::CorrectedClock;

/// AWS rejects requests whose date differs by more seconds.
const REFUSED_BEYOND: i64 = 5 * 60;
/// A code is accepted about one step early or late.
const STEP: i64 = 30;

/// The host's clock as it was read once, advanced by a monotonic clock.
pub(super) struct Running {
    now: Timestamp,
    start: Instant,
}

impl Running {
    pub(super) fn of(facts: &Facts) -> Self {
        Self { now: facts.now, start: facts.start }
    }
}

impl Clock for Running {
    fn now(&self) -> Timestamp {
        self.now.saturating_add(self.start.elapsed()).unwrap_or(Timestamp::MAX)
    }

    fn since_boot(&self) -> Option<Duration> {
        None
    }

    fn boot(&self) -> Option<String> {
        None
    }

    fn sleep(&self, time: Duration) {
        std::thread::sleep(time);
    }
}

/// How much of the remaining time a call may take.
pub(super) fn limits(facts: &Facts) -> Limits {
    let left = facts.time_left();
    Limits { connect: left, attempt: left, call: left, provider: left }
}

/// The user's key, if it is in the AWS files.
pub(super) fn key(facts: &Facts, plan: &Plan) -> Option<Credentials> {
    let set = facts.profiles().ok()?;
    if !matches!(plan.base, Base::AccessKey { .. }) || plan.base.kind() != BaseKind::LongTerm {
        return None;
    }
    // A sealed key is not opened, since that may ask a person.
    let sealed = |profile: &ProfileName| Err(SafeError::Missing(profile.clone()));
    let bases = RealBases {
        ambient: &|| None,
        sealed: &sealed,
        login: &signin::none,
        sso: &sso::none,
        heard: &|_| (),
        patience: facts.time_left(),
    };
    bases.credentials(plan, set).ok()
}

/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/security-creds-programmatic-access.html>
fn of_the_documentation() -> Credentials {
    Credentials {
        access_key_id: "AKIAIOSFODNN7EXAMPLE".to_owned(),
        secret_access_key: Secret::from("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
        session_token: None,
        expiration: None,
        account: None,
    }
}

/// Calls STS, once for all checks. `Err` says why it is not called.
pub(super) fn answer(facts: &Facts) -> Result<&Answer, &str> {
    if facts.is_offline {
        return Err("offline");
    }
    let plan = facts.plan()?;
    Ok(facts.found.answer.get_or_init(|| ask(facts, plan)))
}

fn ask(facts: &Facts, plan: &Plan) -> Answer {
    let running = Running::of(facts);
    // Without a folder, what is learned about AWS's time is not stored.
    let clock = CorrectedClock::new(&running, None);
    let key = key(facts, plan);
    let signer = key.clone().unwrap_or_else(of_the_documentation);
    let name = Lookup::start(Route::to(&plan.service).first_host(&plan.service));
    let said = AwsSts::connect(&plan.service, limits(facts), &clock).and_then(|sts| sts.caller_at_once(&signer));
    let ahead = clock.of(&plan.service).ahead();
    match said {
        Err(error) if !is_answer(&error) => {
            let is_late = matches!(error, CallError::Lost(_) | CallError::Unreachable(Obstacle::TooSlow));
            let unresolved = name.filter(|_| is_late).and_then(Lookup::unfinished);
            Answer { caller: None, obstacle: Some(error), ahead, unresolved }
        }
        said => Answer { caller: key.is_some().then_some(said), obstacle: None, ahead, unresolved: None },
    }
}

/// A look-up of a name by the system, on its own thread, which nobody waits for.
struct Lookup {
    host: String,
    done: mpsc::Receiver<()>,
}

impl Lookup {
    fn start(host: Option<String>) -> Option<Self> {
        let (sender, done) = mpsc::channel();
        let host = host?;
        let name = host.clone();
        let work = move || {
            let _ = (name.as_str(), 443).to_socket_addrs();
            // The receiver may be gone.
            let _ = sender.send(());
        };
        thread::Builder::new().name("name".to_owned()).spawn(work).ok()?;
        Some(Self { host, done })
    }

    /// The name, if there is no answer yet.
    fn unfinished(self) -> Option<String> {
        matches!(self.done.try_recv(), Err(mpsc::TryRecvError::Empty)).then_some(self.host)
    }
}

/// Did AWS itself respond, and for this account?
fn is_answer(error: &CallError) -> bool {
    matches!(error, CallError::Throttled)
        || matches!(error, CallError::Refused { code, .. } if code != "RegionDisabledException")
}

/// The proxy and the certificates.
pub(super) fn route(facts: &Facts) -> Finding {
    for name in ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"] {
        let Some(proxy) = facts.variables.var(name) else { continue };
        let url = if proxy.contains("://") { proxy.clone() } else { format!("http://{proxy}") };
        let is_socks = url.starts_with("socks");
        // `http:/proxy` and `http//proxy` would be hosts called `http`.
        let has_path = url.split_once("://").is_some_and(|(_, rest)| rest.trim_end_matches('/').contains('/'));
        if has_path || (!is_socks && url.parse::<Address>().is_err()) {
            // The value may contain a password.
            return Finding::fail(
                format!("`{name}` is not a proxy address"),
                format!("write it as `http://HOST:PORT`, or unset `{name}`"),
            );
        }
    }
    let plan = match facts.plan() {
        Ok(plan) => plan,
        Err(why) => return Finding::skipped(why),
    };
    let route = Route::to(&plan.service);
    if let Err(error) = check_trust(&route) {
        let name = if plan.service.ca_bundle.is_none() {
            "SSL_CERT_FILE` or `SSL_CERT_DIR"
        } else {
            "AWS_CA_BUNDLE` or `ca_bundle"
        };
        return Finding::fail(error.to_string(), format!("set `{name}` to a file of PEM certificates, or remove it"));
    }
    let way = route.in_words(&plan.service);
    Finding::pass(match (way.to.as_str(), way.via.as_str()) {
        ("", "") => "calls go directly to AWS, and trust the system's certificates".to_owned(),
        ("", via) => format!("calls go to AWS{via}"),
        (to, via) => format!("calls go to {to}{via}"),
    })
}

/// Does STS respond?
pub(super) fn sts(facts: &Facts) -> Finding {
    let (answer, plan) = match (answer(facts), facts.plan()) {
        (Ok(answer), Ok(plan)) => (answer, plan),
        (Err(why), _) | (_, Err(why)) => return Finding::skipped(why),
    };
    let region = &plan.service.region;
    if let Some(host) = answer.unresolved.as_ref().filter(|_| !has_no_network(plan)) {
        return Finding::fail(
            format!("`{host}` could not be looked up: the name server does not respond"),
            "check the name servers of this machine (`/etc/resolv.conf`), the VPN and the proxy variables",
        );
    }
    match &answer.obstacle {
        None => Finding::pass(format!("STS responds in {region}")),
        // The route check reports why a request cannot be made.
        Some(CallError::Unusable(_)) => Finding::skipped("no request could be made"),
        Some(CallError::Unreachable(Obstacle::Name | Obstacle::Network)) if has_no_network(plan) => offline(),
        Some(_) if answer.unresolved.is_some() => offline(),
        Some(error @ CallError::Refused { .. }) => {
            let what = format!("STS rejects {region}: {error}");
            Finding::fail(what, "use another `region` in the profile, or have an administrator activate STS there")
        }
        Some(error) => {
            let repair = match error {
                CallError::Unreachable(obstacle) => obstacle.hint().to_owned(),
                CallError::Unreadable | CallError::TooLong => {
                    "something other than AWS responded: a captive portal, or a proxy".to_owned()
                }
                _ => "check whether a firewall or a proxy blocks the connection; try again".to_owned(),
            };
            // The proxy may be what does not respond.
            let via = Route::to(&plan.service).in_words(&plan.service).via;
            Finding::fail(format!("STS does not respond in {region}{via}: {error}"), repair)
        }
    }
}

fn offline() -> Finding {
    Finding::skipped("this machine has no network")
}

/// Does this machine have no route to the network? Nothing is sent: the system is only asked for a route to reserved
/// addresses (RFC 5737, RFC 3849). An endpoint on this machine needs none.
fn has_no_network(plan: &Plan) -> bool {
    let endpoint: Option<Address> = plan.service.endpoint_url.as_deref().and_then(|url| url.parse().ok());
    if endpoint.is_some_and(|endpoint| endpoint.is_loopback()) {
        return false;
    }
    let is_routed = |from: &str, to: &str| std::net::UdpSocket::bind(from).is_ok_and(|it| it.connect(to).is_ok());
    !is_routed("0.0.0.0:0", "192.0.2.1:443") && !is_routed("[::]:0", "[2001:db8::1]:443")
}

/// Why a check that needs STS cannot be made.
pub(super) fn unanswered(facts: &Facts) -> Option<String> {
    match answer(facts) {
        Err(why) => Some(why.to_owned()),
        Ok(answer) => answer.obstacle.is_some().then(|| "STS does not respond".to_owned()),
    }
}

/// Is this machine's clock right?
pub(super) fn clock(facts: &Facts) -> Finding {
    if let Some(why) = unanswered(facts) {
        return Finding::skipped(why);
    }
    let Ok(answer) = answer(facts) else { return Finding::skipped("STS does not respond") };
    let off = answer.ahead.abs();
    let how = if answer.ahead > 0 { "behind" } else { "ahead of" };
    let what = format!("this clock is {off} s {how} AWS's");
    match off {
        ..=0 => Finding::pass("this clock agrees with AWS's"),
        1..=STEP => Finding::pass(what),
        off if off <= REFUSED_BEYOND => {
            Finding::warn(what, "set the clock: MFA codes generated on this machine are wrong")
        }
        _ => Finding::fail(
            what,
            "set the clock (`timedatectl set-ntp true`): AWS rejects requests that are more than 5 minutes off",
        ),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::Lookup;

    #[test]
    fn a_name_that_is_still_being_looked_up_is_told_from_one_that_is_not() {
        let (sender, done) = mpsc::channel();
        let lookup = Lookup { host: "sts.example".to_owned(), done };
        assert_eq!(lookup.unfinished().as_deref(), Some("sts.example"));
        drop(sender);
        let lookup = Lookup::start(Some("127.0.0.1".to_owned())).expect("a thread");
        let answered = lookup.done.recv_timeout(std::time::Duration::from_secs(10));
        assert_eq!((answered, lookup.unfinished()), (Ok(()), None));
    }
}
