//! The server: one loop over the port, the clients, the renewals, and whoever else the caller watches.

use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::time::{Duration, Instant};

use super::answer::Refusal;
use super::kept::{Kept, Source};
use super::renewal::{Outcome, Renewals};
use super::visitor::{Turn, Visitor};
use super::{Beacon, Gate, ServeError};
use crate::names::Lifetime;
use crate::os::events::{self, Awaited, Origin};
use crate::secret::Credentials;
use crate::state::Recall;

/// The most clients that have not yet shown the token. A further one takes the place of the one that came first.
const MOST_STRANGERS: usize = 256;
/// How many are let in at once, more than the system keeps at the door.
const MOST_NEW: usize = 256;
/// The pause when the system lets nobody in (too many open files).
const PAUSE: Duration = Duration::from_millis(50);
/// The longest sleep: time may pass faster than it seems, as when the machine was suspended.
const LONGEST_SLEEP: Duration = Duration::from_secs(10);

/// Opens a port of 127.0.0.1; 0 is any free one.
///
/// # Errors
/// [`ServeError::Bind`]
pub fn bind(port: u16) -> Result<TcpListener, ServeError> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port));
    let listener = listener.map_err(|source| ServeError::Bind { port, source })?;
    events::widen(&listener);
    Ok(listener)
}

/// What is watched besides the clients: signals, and the command of `exec --server`.
pub trait Guest {
    /// How the server ends.
    type End;

    /// Readable when [`Guest::over`] may have something to say.
    fn events(&self) -> Option<Origin<'_>>;

    /// Is it time to end? Called whenever something has happened, and at least once in ten seconds.
    fn over(&mut self) -> Option<Self::End>;
}

/// The endpoint of some profiles.
pub struct Server<'a> {
    listener: TcpListener,
    gate: Gate,
    kept: Vec<Kept>,
    visitors: Vec<Visitor>,
    renewals: Renewals,
    beacon: Option<Beacon>,
    source: &'a dyn Source,
    recall: Recall,
}

impl<'a> Server<'a> {
    /// `least`: credentials with less time left are renewed.
    ///
    /// # Errors
    /// The system's.
    pub fn new(
        listener: TcpListener,
        gate: Gate,
        least: Lifetime,
        renewals: Renewals,
        source: &'a dyn Source,
    ) -> Result<Self, ServeError> {
        listener.set_nonblocking(true).map_err(ServeError::Failed)?;
        let kept = gate.profiles().iter().map(|_| Kept::new(least)).collect();
        let recall = source.recall();
        Ok(Self { listener, gate, kept, visitors: Vec::new(), renewals, beacon: None, source, recall })
    }

    /// Lets other processes of this user find the server.
    #[must_use]
    pub fn found_by(self, beacon: Option<Beacon>) -> Self {
        Self { beacon, ..self }
    }

    /// Takes credentials that were obtained already.
    pub fn stock(&mut self, profile: usize, credentials: &Credentials) {
        self.kept[profile].renewed(credentials, self.source.now(profile), Instant::now());
    }

    /// Serves until `guest` says that it is over.
    ///
    /// # Errors
    /// The system's.
    pub fn run<G: Guest>(mut self, guest: &mut G) -> Result<G::End, ServeError> {
        loop {
            if let Some(end) = guest.over() {
                self.beacon = None;
                self.renewals.finish();
                return Ok(end);
            }
            self.heed_recall();
            let sleep = self.tick();
            self.wait(guest, sleep).map_err(ServeError::Failed)?;
            self.let_in();
            self.hear_renewals();
            self.serve();
        }
    }

    /// Forgets what it holds if credentials were taken back since the last look. Called before every answer.
    fn heed_recall(&mut self) {
        let recall = self.source.recall();
        if recall != self.recall {
            self.recall = recall;
            self.kept.iter_mut().for_each(Kept::forget);
        }
    }

    /// Starts what must be renewed, and returns how long nothing else happens by itself.
    fn tick(&mut self) -> Duration {
        let mut sleep = LONGEST_SLEEP;
        for number in 0..self.kept.len() {
            let (starts, next) = self.kept[number].tick(self.source.now(number), Instant::now());
            if starts {
                self.start(number);
            }
            sleep = next.map_or(sleep, |next| sleep.min(next));
        }
        let now = Instant::now();
        self.visitors.iter().fold(sleep, |sleep, visitor| sleep.min(visitor.until().saturating_duration_since(now)))
    }

    fn start(&mut self, number: usize) {
        self.kept[number].starts();
        self.renewals.start(number, &self.gate.profiles()[number]);
    }

    fn let_in(&mut self) {
        // Not without end, so that a flood of clients does not keep those that are here from being served.
        for _ in 0..MOST_NEW {
            match self.listener.accept() {
                Ok((stream, _)) => self.visitors.extend(Visitor::new(stream)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                // The client has gone.
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                Err(_) => {
                    // Else the port would be ready again at once.
                    std::thread::sleep(PAUSE);
                    break;
                }
            }
        }
        if let Some(beacon) = &self.beacon {
            beacon.tell(&self.gate);
        }
    }

    fn hear_renewals(&mut self) {
        while let Some((number, outcome)) = self.renewals.take() {
            self.heed_recall();
            if matches!(outcome, Outcome::Credentials(_)) && self.kept[number].is_outdated() {
                // Perhaps it read the cache just before that. Whoever waits goes on waiting.
                self.start(number);
                continue;
            }
            let (now, at) = (self.source.now(number), Instant::now());
            match outcome {
                Outcome::Credentials(credentials) => self.kept[number].renewed(&credentials, now, at),
                Outcome::Failed(failure) => self.kept[number].failed(failure, at),
                Outcome::Interrupted => self.kept[number].interrupted(at),
            }
            for n in 0..self.visitors.len() {
                if self.visitors[n].waits_for() == Some(number) {
                    self.answer(n, number);
                }
            }
        }
    }

    fn serve(&mut self) {
        for n in 0..self.visitors.len() {
            if let Turn::Judge(head) = self.visitors[n].go_on() {
                match self.gate.judge(&head) {
                    Ok(number) => self.welcome(n, number),
                    Err(refusal) => self.refuse(n, &refusal),
                }
            }
            if Instant::now() < self.visitors[n].until() {
                continue;
            }
            match self.visitors[n].waits_for() {
                Some(number) => self.answer(n, number),
                None => self.visitors[n].dismiss(),
            }
        }
        self.visitors.retain(|visitor| !visitor.is_gone());
        let strangers = self.visitors.iter().filter(|visitor| visitor.is_stranger()).count();
        let mut over = strangers.saturating_sub(MOST_STRANGERS);
        self.visitors.retain(|visitor| {
            let stays = over == 0 || !visitor.is_stranger();
            over -= usize::from(!stays);
            stays
        });
    }

    /// A request for that profile.
    fn welcome(&mut self, visitor: usize, number: usize) {
        self.heed_recall();
        let (reply, starts) = self.kept[number].ask(self.source.now(number), Instant::now());
        if starts {
            self.start(number);
        }
        match reply {
            super::kept::Reply::Now => self.answer(visitor, number),
            super::kept::Reply::AfterRenewal => self.visitors[visitor].wait(number),
        }
    }

    fn answer(&mut self, visitor: usize, number: usize) {
        match self.kept[number].answer(self.source.now(number)) {
            Ok(body) => self.visitors[visitor].give(body),
            Err(refusal) => self.visitors[visitor].refuse(&refusal),
        }
    }

    fn refuse(&mut self, visitor: usize, refusal: &Refusal) {
        self.visitors[visitor].refuse(refusal);
    }

    /// Waits until something happens.
    fn wait<G: Guest>(&self, guest: &G, sleep: Duration) -> io::Result<()> {
        let input = |source| (source, Awaited::Input);
        let mut sources = vec![input(events::origin(&self.listener)), input(self.renewals.woken())];
        sources.extend(guest.events().map(input));
        sources.extend(self.beacon.as_ref().map(|beacon| input(beacon.origin())));
        sources.extend(self.visitors.iter().filter_map(|visitor| {
            let awaited = match (visitor.reads(), visitor.writes()) {
                (true, _) => Awaited::Input,
                (_, true) => Awaited::Room,
                // It waits for a renewal. One that has gone is found when it gets its answer.
                _ => return None,
            };
            Some((visitor.origin(), awaited))
        }));
        // Rounded up: else the last part of a millisecond would be spent turning round.
        events::wait(&sources, sleep + Duration::from_millis(1)).map(|_| ())
    }
}
