//! Where an MFA code comes from, and that none is used twice.
//!
//! In order: `--mfa-token`, `mfa_process`, a kept seed where the profile says so, the terminal or, where there is none, a configured [`dialog`]. A code is single-use: it is written into the [`ledger`] before
//! it is sent, and a request with a code is never sent again. Only the terminal is asked again, up to three times in
//! total. Without any source the error is [`CodeError::NobodyToAsk`], immediately.

pub mod command;
pub mod dialog;
pub mod ledger;
pub mod pair;
pub mod process;
pub mod totp;
pub mod unlock;

use std::io::Read;
use std::time::Duration;

use crate::host::{Clock, Terminal, TerminalError, Words};
use crate::names::{Lifetime, MfaSerial, ProfileName};
use crate::os::events::stdin;
use crate::plan::{MfaProcess, Origin};
use crate::safe::SafeError;
use crate::secret::{Code, Secret};
use crate::state::CorrectedClock;
use ledger::{Ledger, until_next_code};
use process::ProcessCodeError;

/// The time limit for a person or a command.
pub const PATIENCE: Duration = Duration::from_secs(120);
const TRIES: u32 = 3;
/// In bytes. A code has six digits; a longer line is not a code.
const LONGEST_LINE: usize = 64;

/// Why there is no code.
#[derive(Debug, thiserror::Error)]
pub enum CodeError {
    /// There is no source and no terminal.
    #[error("profile `{0}` needs an MFA code, but there is no terminal to ask on")]
    NobodyToAsk(ProfileName),
    /// The terminal's error.
    #[error("no MFA code was given")]
    Terminal(#[source] TerminalError),
    /// `mfa_process` failed.
    #[error("{origin} gave no code")]
    Process {
        /// Where it is configured.
        origin: Origin,
        /// Why.
        source: ProcessCodeError,
    },
    /// The kept seed cannot be had.
    #[error("the device's kept seed gave no code")]
    Seed(#[source] SafeError),
    /// The content of stdin was not a code.
    #[error("stdin had no MFA code (six digits)")]
    Stdin,
    /// Three answers were not codes.
    #[error("the input was not an MFA code (six digits)")]
    NotACode,
    /// The code was sent before.
    #[error("that MFA code was already used; the device shows its next one in {0}")]
    Spent(Lifetime),
}

impl From<TerminalError> for CodeError {
    fn from(error: TerminalError) -> Self {
        Self::Terminal(error)
    }
}

/// The configured source of codes.
#[derive(Debug)]
pub enum CodeSource {
    /// `--mfa-token CODE`
    Given(Code),
    /// `--mfa-token -`
    Stdin,
    /// `mfa_process`
    Process(MfaProcess),
    /// `mfa_source = seed`
    Seed,
    /// A person at the terminal.
    Terminal,
}

/// The outcome of sending a code.
pub enum Outcome<T, E> {
    /// AWS accepted it.
    Done(T),
    /// AWS refused it as wrong, so it is not spent.
    Wrong(E),
    /// No trustworthy answer arrived: it may be spent.
    Unclear(E),
    /// It never left.
    Unsent(E),
    /// AWS refused the request for another reason; the code counts as spent.
    Failed(E),
}

/// What between here and AWS is neither AWS's nor the system's own; a person should know it before typing a code.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Way {
    /// The endpoint's URL, or empty.
    pub to: String,
    /// The proxy and the certificates, each with a space before it, or empty.
    pub via: String,
}

impl Way {
    /// The endpoint, as it precedes a prompt: `[http://localhost:4566] `.
    fn prefix(&self) -> String {
        if self.to.is_empty() { String::new() } else { format!("[{}] ", self.to) }
    }

    /// Everything, followed by a space, for a prompt whose ending must not change; or empty.
    pub fn bracketed(&self) -> String {
        let all = format!("{}{}", self.to, self.via);
        if all.is_empty() { all } else { format!("[{}] ", all.trim_start()) }
    }
}

/// Gets codes from the configured source.
pub struct Asker<'a> {
    source: CodeSource,
    words: Words,
    /// What a person should know about the route to AWS before typing a code.
    way: Option<Box<dyn Fn() -> Way + 'a>>,
    /// Opens the kept seed of a device.
    seed: Option<Box<OpenSeed<'a>>>,
    terminal: &'a dyn Terminal,
    clock: &'a dyn Clock,
    aws_clock: &'a CorrectedClock<'a>,
    waits: bool,
}

/// Opens the kept seed of a device.
type OpenSeed<'a> = dyn Fn(&MfaSerial) -> Result<Secret<String>, SafeError> + 'a;

impl<'a> Asker<'a> {
    /// The source of codes is the one that the command line, the profile and the settings say.
    pub fn new(
        source: CodeSource,
        terminal: &'a dyn Terminal,
        clock: &'a dyn Clock,
        aws_clock: &'a CorrectedClock<'a>,
    ) -> Self {
        Self { source, words: Words::default(), way: None, seed: None, terminal, clock, aws_clock, waits: true }
    }

    /// Chooses the wording of the prompt.
    #[must_use]
    pub fn in_words_of(self, words: Words) -> Self {
        Self { words, ..self }
    }

    /// Shows in the prompt what on the route to AWS is neither AWS's nor the system's own; computed only if there is a
    /// prompt.
    #[must_use]
    pub fn by_way_of(self, way: impl Fn() -> Way + 'a) -> Self {
        Self { way: Some(Box::new(way)), ..self }
    }

    /// Opens kept seeds that way, for profiles whose codes come from one.
    #[must_use]
    pub fn opening_seeds(self, open: impl Fn(&MfaSerial) -> Result<Secret<String>, SafeError> + 'a) -> Self {
        Self { seed: Some(Box::new(open)), ..self }
    }

    /// Does not wait for a person whom another process prompts (`--no-prompt`).
    #[must_use]
    pub fn waiting_for_nobody(self) -> Self {
        Self { waits: false, ..self }
    }

    /// Tells whether this process may wait for a person whom another process prompts. A process with its own source of
    /// codes always waits.
    pub fn waits(&self) -> bool {
        self.waits || !matches!(self.source, CodeSource::Terminal)
    }

    /// The reason to stop waiting, if any.
    pub fn gives_up(&self) -> Option<TerminalError> {
        self.terminal.gives_up()
    }

    /// Stops this process, as the person requested with Ctrl-Z. The caller holds no lock.
    pub fn stop(&self) {
        self.terminal.stop();
    }

    /// Do the codes come from a command?
    pub fn is_a_program(&self) -> bool {
        matches!(self.source, CodeSource::Process(_))
    }

    /// Can a code be obtained now?
    pub fn has_a_source(&self) -> bool {
        match &self.source {
            CodeSource::Terminal => self.terminal.is_there(),
            CodeSource::Given(_) | CodeSource::Stdin | CodeSource::Process(_) | CodeSource::Seed => true,
        }
    }

    /// Gets a code and passes it to `send`, again if that can help. The caller holds the device's lock.
    ///
    /// # Errors
    /// Those of `send`, and [`CodeError`].
    pub fn with_code<T, E: From<CodeError> + std::fmt::Display>(
        &self,
        profile: &ProfileName,
        serial: &MfaSerial,
        ledger: Option<&Ledger<'_>>,
        send: &mut dyn FnMut(&Code) -> Outcome<T, E>,
    ) -> Result<T, E> {
        let mut tries_left = TRIES;
        loop {
            tries_left -= 1;
            let code = self.next(profile, serial, ledger, &mut tries_left)?;
            if let Some(ledger) = ledger {
                // A full disk must not keep a person from working; the code is then not recorded.
                let _ = ledger.spend(&code);
            }
            let give_back = || {
                if let Some(ledger) = ledger {
                    ledger.give_back(&code);
                }
            };
            let before = self.ahead();
            let (error, news) = match send(&code) {
                Outcome::Done(value) => return Ok(value),
                Outcome::Failed(error) => return Err(error),
                Outcome::Unsent(error) => {
                    give_back();
                    return Err(error);
                }
                Outcome::Wrong(error) => {
                    give_back();
                    // The refusal told AWS's time: the seed makes the code of that time, once.
                    let was_off = (self.ahead() - before).abs() >= ledger::STEP / 2;
                    if was_off && tries_left == TRIES - 1 && matches!(self.source, CodeSource::Seed) {
                        continue;
                    }
                    (error, "AWS refused that code: check it, or wait for the next one".to_owned())
                }
                Outcome::Unclear(error) => {
                    let news = format!("{error}; the code may be spent, so wait for the next one");
                    (error, news)
                }
            };
            if tries_left == 0 || !matches!(self.source, CodeSource::Terminal) {
                return Err(error);
            }
            self.terminal.tell(&news);
        }
    }

    /// A code that has not been spent.
    fn next(
        &self,
        profile: &ProfileName,
        serial: &MfaSerial,
        ledger: Option<&Ledger<'_>>,
        tries_left: &mut u32,
    ) -> Result<Code, CodeError> {
        loop {
            let code = self.obtain(profile, serial, tries_left)?;
            let now = self.aws_clock.now();
            if !ledger.is_some_and(|ledger| ledger.knows(&code)) {
                return Ok(code);
            }
            let wait = until_next_code(now);
            match &self.source {
                // A command or a seed makes a new code with every time step: no need to tell anybody.
                CodeSource::Process(_) | CodeSource::Seed => self.clock.sleep(Duration::from_secs(wait.secs().into())),
                CodeSource::Terminal if *tries_left > 0 => {
                    *tries_left -= 1;
                    self.terminal.tell(&format!("that code was already used; the next one comes in {wait}"));
                }
                _ => return Err(CodeError::Spent(wait)),
            }
        }
    }

    fn obtain(&self, profile: &ProfileName, serial: &MfaSerial, tries_left: &mut u32) -> Result<Code, CodeError> {
        match &self.source {
            CodeSource::Given(code) => Ok(code.clone()),
            CodeSource::Stdin => first_line(stdin().map_err(|_| CodeError::Stdin)?),
            CodeSource::Process(MfaProcess { origin, command }) => {
                process::run_mfa_process(command, PATIENCE).map_err(|error| error.of(origin))
            }
            CodeSource::Seed => self.compute(serial),
            CodeSource::Terminal if self.terminal.is_there() => self.ask(profile, serial, tries_left),
            CodeSource::Terminal => Err(CodeError::NobodyToAsk(profile.clone())),
        }
    }

    /// The code of the kept seed at AWS's time.
    fn compute(&self, serial: &MfaSerial) -> Result<Code, CodeError> {
        let missing = || SafeError::MissingSeed(serial.clone());
        let seed = self.seed.as_ref().ok_or_else(missing).and_then(|open| open(serial)).map_err(CodeError::Seed)?;
        // What was sealed was base32.
        totp::code_at(&seed, self.aws_clock.now()).ok_or_else(|| CodeError::Seed(missing()))
    }

    /// How far AWS's clock is ahead of this machine's, in seconds, as far as is known by now.
    fn ahead(&self) -> i64 {
        self.aws_clock.now().as_second() - self.clock.now().as_second()
    }

    fn ask(&self, profile: &ProfileName, serial: &MfaSerial, tries_left: &mut u32) -> Result<Code, CodeError> {
        let way = self.way.as_ref().map(|way| way()).unwrap_or_default();
        let (to, via) = (way.prefix(), way.via);
        let prompt = match self.words {
            Words::Profile => format!("{to}MFA code for {profile} ({}){via}: ", serial.device()),
            Words::Device => format!("{to}{}{via}, MFA code: ", serial.device()),
        };
        loop {
            let answer = self.terminal.ask_hidden(&prompt, PATIENCE).map_err(CodeError::Terminal)?;
            if let Some(code) = Code::parse(answer.expose()) {
                return Ok(code);
            }
            if *tries_left == 0 {
                return Err(CodeError::NotACode);
            }
            *tries_left -= 1;
            self.terminal.tell("an MFA code is six digits");
        }
    }
}

/// The code on the first line. Not a byte after it is read, since the rest is for the command of `exec`; and a pipe
/// that stays open after the line is not waited for.
fn first_line(mut stdin: impl Read) -> Result<Code, CodeError> {
    let (mut text, mut byte) = (Vec::with_capacity(LONGEST_LINE), [0]);
    while text.len() < LONGEST_LINE && stdin.read_exact(&mut byte).is_ok() && byte != *b"\n" {
        text.push(byte[0]);
    }
    let text = Secret::new(text);
    std::str::from_utf8(text.expose()).ok().and_then(Code::parse).ok_or(CodeError::Stdin)
}

#[cfg(test)]
mod tests;
