//! The waits of a sign-in on a clock that passes only when something sleeps, and what AWS may answer in between.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::time::Duration;

use jiff::Timestamp;

use super::{Login, LoginError, PATIENCE};
use crate::aws::CallError;
use crate::host::fake_clock::SetClock;
use crate::host::{Clock as _, TerminalError};
use crate::names::Partition;
use crate::plan::{Service, SsoSession};
use crate::secret::Secret;
use crate::sso::oidc::{DeviceAuthorization, Flow, Grant, Oidc, Registering, Registration, TokenError, Tokens};
use crate::sso::registration::Registrations;
use crate::sso::token::Token;

const START_URL: &str = "https://corp.awsapps.com/start";

/// AWS, as a test scripts it.
struct Scripted<'c> {
    clock: &'c SetClock,
    device: DeviceAuthorization,
    /// What CreateToken answers, one after another; afterwards, that nobody has confirmed yet.
    answers: RefCell<VecDeque<Result<Tokens, TokenError>>>,
    /// When CreateToken was called, in seconds since the start.
    asked: RefCell<Vec<u64>>,
    registered: Cell<usize>,
    is_away: Cell<bool>,
}

impl Oidc for Scripted<'_> {
    fn register(&self, what: &Registering<'_>) -> Result<Registration, CallError> {
        assert_eq!(what.start_url, START_URL);
        if self.is_away.get() {
            return Err(CallError::Lost("it took too long"));
        }
        self.registered.set(self.registered.get() + 1);
        let expires_at = self.clock.now().saturating_add(Duration::from_hours(24)).expect("a time");
        let client_id = format!("client-{}", self.registered.get());
        Ok(Registration { client_id, client_secret: Secret::from("s3cret"), expires_at })
    }

    fn start(&self, _: &Registration, start_url: &str) -> Result<DeviceAuthorization, TokenError> {
        assert_eq!(start_url, START_URL);
        Ok(self.device.clone())
    }

    fn create_token(&self, _: &Registration, _: Grant<'_>) -> Result<Tokens, TokenError> {
        self.asked.borrow_mut().push(self.clock.slept.get().as_secs());
        self.answers.borrow_mut().pop_front().unwrap_or(Err(TokenError::Pending))
    }
}

/// A home, AWS, and a person.
struct Stage {
    home: tempfile::TempDir,
    clock: SetClock,
    session: SsoSession,
    device: DeviceAuthorization,
    answers: Vec<Result<Tokens, TokenError>>,
    is_away: bool,
    /// After how long the person cancels.
    cancels: Option<Duration>,
}

/// How a sign-in ended.
struct Ended {
    token: Result<Token, LoginError>,
    asked: Vec<u64>,
    slept: Duration,
    said: Vec<String>,
}

impl Stage {
    fn new() -> Self {
        let service = Service {
            region: "eu-west-1".parse().expect("a region"),
            partition: Partition::AWS,
            endpoint_url: None,
            fips: false,
            dualstack: false,
            ca_bundle: None,
            may_be_in_clear: false,
        };
        let session = SsoSession {
            name: Some("corp".to_owned()),
            start_url: START_URL.to_owned(),
            scopes: vec!["sso:account:access".to_owned()],
            portal: service.clone(),
            oidc: service,
        };
        let page = "https://device.sso.eu-west-1.amazonaws.com/";
        let device = DeviceAuthorization {
            device_code: Secret::from("d3vice"),
            user_code: "ABCD-EFGH".to_owned(),
            verification_uri: page.to_owned(),
            verification_uri_complete: format!("{page}?user_code=ABCD-EFGH"),
            expires_in: Duration::from_mins(10),
            interval: Duration::from_secs(5),
        };
        let (home, clock) = (tempfile::tempdir().expect("a home"), SetClock::at(0));
        Self { home, clock, session, device, answers: Vec::new(), is_away: false, cancels: None }
    }

    fn sign_in(&self, flow: Flow) -> Ended {
        self.clock.slept.set(Duration::ZERO);
        let oidc = Scripted {
            clock: &self.clock,
            device: self.device.clone(),
            answers: RefCell::new(self.answers.iter().cloned().collect()),
            asked: RefCell::default(),
            registered: Cell::default(),
            is_away: Cell::new(self.is_away),
        };
        let said = RefCell::new(Vec::new());
        let canceled = || self.cancels.is_some_and(|after| self.clock.slept.get() >= after);
        let login = Login {
            session: &self.session,
            start_url: START_URL,
            oidc: &oidc,
            home: self.home.path(),
            clock: &self.clock,
            browser: None,
            say: &|line| said.borrow_mut().push(line.to_owned()),
            gives_up: &|| canceled().then_some(TerminalError::Signal(2)),
            patience: PATIENCE,
        };
        let token = login.token(flow);
        Ended { token, asked: oidc.asked.take(), slept: self.clock.slept.get(), said: said.take() }
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn is_registered(&self, flow: Flow) -> bool {
        Registrations::of(self.home.path(), &self.session).find(flow, self.now()).is_some()
    }
}

fn tokens() -> Tokens {
    let refresh_token = Some(Secret::from("aor"));
    Tokens { access_token: Secret::from("aoa"), expires_in: Duration::from_hours(1), refresh_token }
}

#[test]
fn nobody_confirms_in_the_browser_for_ten_minutes() {
    let stage = Stage::new();
    let ended = stage.sign_in(Flow::Browser);
    assert!(matches!(ended.token, Err(LoginError::TimedOut(limit)) if limit == Duration::from_mins(10)));
    let late = Duration::from_mins(10) + Duration::from_millis(20);
    assert!((Duration::from_mins(10)..=late).contains(&ended.slept), "{:?}", ended.slept);
    assert!(ended.asked.is_empty() && ended.said.len() == 2, "{:?}", ended.said);
    // The page may have said that it does not know the client.
    assert!(!stage.is_registered(Flow::Browser));
}

#[test]
fn nobody_confirms_a_code_before_it_expires_or_for_ten_minutes() {
    for (expires_in, limit) in [(600, 600), (120, 120), (1, 1), (86_400, 600), (u32::MAX.into(), 600)] {
        let mut stage = Stage::new();
        stage.device.expires_in = Duration::from_secs(expires_in);
        let ended = stage.sign_in(Flow::DeviceCode);
        let limit = Duration::from_secs(limit);
        assert!(matches!(ended.token, Err(LoginError::TimedOut(after)) if after == limit), "{expires_in}");
        assert!(ended.slept >= limit && ended.slept < limit + Duration::from_secs(1), "{:?}", ended.slept);
        let most = limit.as_secs() / 5;
        assert!((most.saturating_sub(2)..=most).contains(&(ended.asked.len() as u64)), "{:?}", ended.asked);
    }
    // AWS decides when it has expired.
    let stage = Stage { answers: vec![Err(TokenError::Expired)], ..Stage::new() };
    let ended = stage.sign_in(Flow::DeviceCode);
    assert!(matches!(ended.token, Err(LoginError::TimedOut(after)) if after == Duration::from_mins(10)));
    assert_eq!(ended.asked.len(), 1);
}

#[test]
fn aws_is_asked_at_the_interval_that_it_wants_and_more_slowly_when_it_says_so() {
    let slower = || Err(TokenError::SlowDown);
    let stage = Stage { answers: vec![slower(), Err(TokenError::Pending), slower(), Ok(tokens())], ..Stage::new() };
    let ended = stage.sign_in(Flow::DeviceCode);
    assert_eq!((ended.token.is_ok(), &ended.asked[..]), (true, &[5, 15, 25, 40][..]));
    let mut stage = Stage::new();
    stage.device.interval = Duration::from_secs(u32::MAX.into());
    assert!(stage.sign_in(Flow::DeviceCode).asked.is_empty());
}

#[test]
fn a_network_that_comes_back_ends_nothing_and_what_cannot_pass_does() {
    for (error, goes_on) in [
        (CallError::Throttled, true),
        (CallError::Unavailable(503), true),
        (CallError::Unreadable, true),
        (CallError::Lost("it took too long"), true),
        (CallError::TooLong, false),
        (CallError::Unusable("no".to_owned()), false),
        (CallError::Refused { code: "Other".to_owned(), message: String::new(), ahead: 0 }, false),
    ] {
        let stage = Stage { answers: vec![Err(error.clone().into()), Ok(tokens())], ..Stage::new() };
        let ended = stage.sign_in(Flow::DeviceCode);
        assert_eq!((ended.token.is_ok(), ended.asked.len()), (goes_on, 1 + usize::from(goes_on)), "{error:?}");
        assert!(goes_on || matches!(ended.token, Err(LoginError::Exchange(_))), "{error:?}");
    }
    let refused = [(TokenError::Denied, true), (TokenError::Ended, false), (TokenError::UnknownClient, false)];
    for (error, is_denied) in refused {
        let stage = Stage { answers: vec![Err(error.clone())], ..Stage::new() };
        let ended = stage.sign_in(Flow::DeviceCode).token.map(drop).expect_err("a refusal");
        assert_eq!(matches!(ended, LoginError::Denied), is_denied, "{error:?}: {ended:?}");
        assert_eq!(stage.is_registered(Flow::DeviceCode), error != TokenError::UnknownClient, "{error:?}");
    }
}

#[test]
fn a_person_who_cancels_is_not_told_of_another_failure() {
    let is_the_signal = |ended: &Ended| matches!(ended.token, Err(LoginError::Terminal(TerminalError::Signal(2))));
    for flow in [Flow::Browser, Flow::DeviceCode] {
        let stage = Stage { cancels: Some(Duration::from_secs(30)), ..Stage::new() };
        let ended = stage.sign_in(flow);
        assert!(is_the_signal(&ended) && ended.slept < Duration::from_secs(31), "{:?}", ended.slept);
        // Before there is a page: the call ends early, and its error is not the reason.
        let stage = Stage { cancels: Some(Duration::ZERO), is_away: true, ..Stage::new() };
        let ended = stage.sign_in(flow);
        assert!(is_the_signal(&ended) && ended.said.is_empty(), "{:?}", ended.said);
    }
    let stage = Stage { is_away: true, ..Stage::new() };
    assert!(matches!(stage.sign_in(Flow::Browser).token, Err(LoginError::Register(CallError::Lost(_)))));
}

#[test]
fn no_page_is_shown_that_is_none_of_the_web() {
    for page in [
        "http://device.sso.eu-west-1.amazonaws.com/?user_code=A",
        "javascript:alert(1)",
        "file:///etc/passwd",
        "--help",
        "",
        "https://",
        "https://device.example/\u{1b}[2J",
        "https://device.example/\nhttps://other.example/",
        "https://d\u{435}vice.example/",
        &format!("https://device.example/{}", "x".repeat(2048)),
    ] {
        let mut stage = Stage::new();
        stage.device.verification_uri_complete = page.to_owned();
        let ended = stage.sign_in(Flow::DeviceCode);
        assert!(matches!(ended.token, Err(LoginError::Start(TokenError::Call(CallError::Unreadable)))), "{page}");
        assert!(ended.said.is_empty() && ended.asked.is_empty(), "{page}");
    }
}

#[test]
fn a_token_ends_when_aws_says_and_without_a_refresh_token_nothing_renews_it() {
    for (expires_in, refresh_token) in [(3600, Some("aor")), (0, None), (u32::MAX.into(), None)] {
        let refresh_token = refresh_token.map(Secret::from);
        let issued = Tokens { expires_in: Duration::from_secs(expires_in), refresh_token, ..tokens() };
        let is_renewable = issued.refresh_token.is_some();
        let stage = Stage { answers: vec![Ok(issued)], ..Stage::new() };
        let token = stage.sign_in(Flow::DeviceCode).token.expect("a token");
        assert_eq!(token.expires_at, stage.now() + Duration::from_secs(expires_in));
        assert_eq!(token.renewal.is_some(), is_renewable);
        assert_eq!(token.start_url.as_deref(), Some(START_URL));
    }
}
