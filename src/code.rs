//! Where an MFA code comes from, and that none is used twice.
//!
//! In order: `--mfa-token`, `mfa_process`, the terminal. A code is single-use: it is written into the [`ledger`]
//! before it is sent, and a request with a code is never sent again. Sources that can be asked again are: the
//! terminal, three times in total. Without any source the error is [`CodeError::NobodyToAsk`], at once.

pub mod command;
pub mod ledger;
pub mod pair;
pub mod process;
pub mod totp;

use std::fs::File;
use std::io::Read;
use std::time::Duration;

use crate::host::{Clock, Terminal, TerminalError, Words};
use crate::names::{Lifetime, MfaSerial, ProfileName};
use crate::plan::{MfaProcess, Origin};
use crate::secret::{Code, Secret};
use crate::state::CorrectedClock;
use ledger::{Ledger, until_next_code};
use process::ProcessCodeError;

/// For how long a person or a program may take.
pub const PATIENCE: Duration = Duration::from_secs(120);
const TRIES: u32 = 3;
/// In bytes. A code has six digits; a longer line is not a code.
const LONGEST_LINE: usize = 64;

/// Why there is no code.
#[derive(Debug, thiserror::Error)]
pub enum CodeError {
    /// No source, and no terminal.
    #[error("profile `{0}` needs an MFA code, but there is no terminal to ask on")]
    NobodyToAsk(ProfileName),
    /// The terminal's reason.
    #[error("no MFA code was given")]
    Terminal(#[source] TerminalError),
    /// `mfa_process` failed.
    #[error("{origin} gave no code")]
    Process {
        /// Where it stands.
        origin: Origin,
        /// Why.
        source: ProcessCodeError,
    },
    /// What stdin held.
    #[error("stdin had no MFA code (six digits)")]
    Stdin,
    /// What was typed, three times.
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

/// Where codes come from.
#[derive(Debug)]
pub enum CodeSource {
    /// `--mfa-token CODE`
    Given(Code),
    /// `--mfa-token -`
    Stdin,
    /// `mfa_process`
    Process(MfaProcess),
    /// A person.
    Terminal,
}

/// What became of a code that was sent.
pub enum Outcome<T, E> {
    /// AWS took it.
    Done(T),
    /// AWS refused it as wrong, so it is not spent.
    Wrong(E),
    /// No answer that can be trusted arrived: it may be spent.
    Unclear(E),
    /// It never left.
    Unsent(E),
    /// Another refusal; the code counts as spent.
    Failed(E),
}

/// What of the way to AWS is neither AWS's nor the system's own; a person learns it before a code is typed.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Way {
    /// The endpoint's address, or nothing.
    pub to: String,
    /// The proxy and the certificates, each with a blank before it, or nothing.
    pub via: String,
}

impl Way {
    /// The endpoint before a prompt: `[http://localhost:4566] `.
    fn prefix(&self) -> String {
        if self.to.is_empty() { String::new() } else { format!("[{}] ", self.to) }
    }

    /// All of it before a prompt that ends as all of its kind do, with a blank behind it; or nothing.
    pub fn bracketed(&self) -> String {
        let all = format!("{}{}", self.to, self.via);
        if all.is_empty() { all } else { format!("[{}] ", all.trim_start()) }
    }
}

/// Gets codes from the configured source.
pub struct Asker<'a> {
    source: CodeSource,
    words: Words,
    /// What of the way to AWS a person should know before a code is typed.
    way: Option<Box<dyn Fn() -> Way + 'a>>,
    terminal: &'a dyn Terminal,
    clock: &'a dyn Clock,
    aws_clock: &'a CorrectedClock<'a>,
    waits: bool,
}

impl<'a> Asker<'a> {
    /// `source` as the command line, the profile and the settings say.
    pub fn new(
        source: CodeSource,
        terminal: &'a dyn Terminal,
        clock: &'a dyn Clock,
        aws_clock: &'a CorrectedClock<'a>,
    ) -> Self {
        Self { source, words: Words::default(), way: None, terminal, clock, aws_clock, waits: true }
    }

    /// Asks in these words.
    #[must_use]
    pub fn in_words_of(self, words: Words) -> Self {
        Self { words, ..self }
    }

    /// Says in the prompt what is neither AWS's nor the system's own on the way there; asked for when there is a prompt.
    #[must_use]
    pub fn by_way_of(self, way: impl Fn() -> Way + 'a) -> Self {
        Self { way: Some(Box::new(way)), ..self }
    }

    /// Waits for nobody whom another process asks (`--no-prompt`).
    #[must_use]
    pub fn waiting_for_nobody(self) -> Self {
        Self { waits: false, ..self }
    }

    /// Tells whether this process may wait for a person whom another process asks. With codes of its own it always waits.
    pub fn waits(&self) -> bool {
        self.waits || !matches!(self.source, CodeSource::Terminal)
    }

    /// Why waiting should end.
    pub fn gives_up(&self) -> Option<TerminalError> {
        self.terminal.gives_up()
    }

    /// Stops this process, as the person asked for. The caller holds no lock.
    pub fn stop(&self) {
        self.terminal.stop();
    }

    /// Does a program give the codes?
    pub fn is_a_program(&self) -> bool {
        matches!(self.source, CodeSource::Process(_))
    }

    /// Could a code be had now?
    pub fn has_a_source(&self) -> bool {
        match &self.source {
            CodeSource::Terminal => self.terminal.is_there(),
            CodeSource::Given(_) | CodeSource::Stdin | CodeSource::Process(_) => true,
        }
    }

    /// Gets a code and gives it to `send`, again where that can help. The caller holds the device's lock.
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
                // A full disk must not keep a person from working; the code is then not remembered.
                let _ = ledger.spend(&code);
            }
            let give_back = || {
                if let Some(ledger) = ledger {
                    ledger.give_back(&code);
                }
            };
            let (error, news) = match send(&code) {
                Outcome::Done(value) => return Ok(value),
                Outcome::Failed(error) => return Err(error),
                Outcome::Unsent(error) => {
                    give_back();
                    return Err(error);
                }
                Outcome::Wrong(error) => {
                    give_back();
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

    /// A code that was not spent yet.
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
                // A program makes a new code with every step: no person needs to hear of it.
                CodeSource::Process(_) => self.clock.sleep(Duration::from_secs(wait.secs().into())),
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
            CodeSource::Terminal if self.terminal.is_there() => self.ask(profile, serial, tries_left),
            CodeSource::Terminal => Err(CodeError::NobodyToAsk(profile.clone())),
        }
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

/// The code of a first line, and not a byte more is read: what stands behind it is for the command of `exec`. A pipe
/// that stays open after it is not waited for.
fn first_line(mut stdin: impl Read) -> Result<Code, CodeError> {
    let (mut text, mut byte) = (Vec::with_capacity(LONGEST_LINE), [0]);
    while text.len() < LONGEST_LINE && stdin.read_exact(&mut byte).is_ok() && byte != *b"\n" {
        text.push(byte[0]);
    }
    let text = Secret::new(text);
    std::str::from_utf8(text.expose()).ok().and_then(Code::parse).ok_or(CodeError::Stdin)
}

/// Without the buffer of [`std::io::stdin`], which reads ahead.
#[cfg(unix)]
fn stdin() -> std::io::Result<File> {
    use std::os::fd::AsFd;
    std::io::stdin().as_fd().try_clone_to_owned().map(File::from)
}

/// Without the buffer of [`std::io::stdin`], which reads ahead.
#[cfg(windows)]
fn stdin() -> std::io::Result<File> {
    use std::os::windows::io::AsHandle;
    std::io::stdin().as_handle().try_clone_to_owned().map(File::from)
}

#[cfg(test)]
mod tests;
