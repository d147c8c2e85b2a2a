//! Two consecutive codes of one device: how AWS learns what the device's clock shows.
//!
//! From the same sources as a single code, and with the same promises: six digits, none sent twice, each written into
//! the ledger before it is sent. A person types the second when the device shows it; a program is run again in the
//! next window, and the wait for that is counted down.

use std::time::Duration;

use super::ledger::{Ledger, until_next_code};
use super::process::run_mfa_process;
use super::{Asker, CodeError, Outcome, PATIENCE, Source, TRIES};
use crate::host::TerminalError;
use crate::names::ProfileName;
use crate::plan::MfaProcess;
use crate::secret::{Code, Secret};

/// Two consecutive codes.
#[derive(Debug)]
pub struct Pair {
    /// The earlier one.
    pub first: Code,
    /// The one after it.
    pub second: Code,
}

/// How a person is asked: the prompt, and what has to be said before it (or nothing).
pub type Question<'a> = dyn Fn(&str, &str) -> Result<Secret<String>, TerminalError> + 'a;

impl Asker<'_> {
    /// Gets two codes and gives them to `send`, again where that can help.
    ///
    /// # Errors
    /// Those of `send`, and [`CodeError`].
    pub fn with_pair<T, E: From<CodeError> + std::fmt::Display>(
        &self,
        profile: &ProfileName,
        question: &Question<'_>,
        ledger: Option<&Ledger<'_>>,
        send: &mut dyn FnMut(&Pair) -> Outcome<T, E>,
    ) -> Result<T, E> {
        let mut news = String::new();
        for tries_left in (0..TRIES).rev() {
            let pair = match &self.source {
                Source::Process(process) => self.pair_of(process, ledger)?,
                _ if self.terminal.is_there() => self.pair_typed(question, std::mem::take(&mut news), ledger)?,
                _ => return Err(CodeError::NobodyToAsk(profile.clone()).into()),
            };
            let both = [&pair.first, &pair.second];
            let now = || self.aws_clock.now();
            if let Some(ledger) = ledger {
                // A full disk must not keep a person from working; the codes are then not remembered.
                for code in both {
                    let _ = ledger.spend(code, now());
                }
            }
            let give_back = || {
                if let Some(ledger) = ledger {
                    for code in both {
                        ledger.give_back(code, now());
                    }
                }
            };
            let (error, text) = match send(&pair) {
                Outcome::Done(value) => return Ok(value),
                Outcome::Failed(error) => return Err(error),
                Outcome::Unsent(error) => {
                    give_back();
                    return Err(error);
                }
                Outcome::Wrong(error) => {
                    give_back();
                    let text = "AWS refused these codes: wait for the next one, and then for the one after it";
                    (error, text.to_owned())
                }
                Outcome::Unclear(error) => {
                    let text = format!("{error}; the codes may be spent, so wait for the next one");
                    (error, text)
                }
            };
            if tries_left == 0 || matches!(self.source, Source::Process(_)) {
                return Err(error);
            }
            news = text;
        }
        unreachable!("the last try returns")
    }

    fn pair_typed(
        &self,
        question: &Question<'_>,
        mut news: String,
        ledger: Option<&Ledger<'_>>,
    ) -> Result<Pair, CodeError> {
        let mut first: Option<Code> = None;
        for _ in 0..2 + TRIES {
            let prompt = if first.is_none() { "First MFA code: " } else { "The next MFA code: " };
            let answer = question(prompt, &news).map_err(CodeError::Terminal)?;
            let now = self.aws_clock.now();
            news = match (Code::parse(answer.expose()), first.take()) {
                (None, before) => {
                    first = before;
                    "an MFA code is six digits".to_owned()
                }
                (Some(code), Some(before)) if code.expose() == before.expose() => {
                    first = Some(before);
                    format!("that is the same code: the next one comes in {}", until_next_code(now))
                }
                (Some(code), before) if ledger.is_some_and(|ledger| ledger.knows(&code, now)) => {
                    first = before;
                    format!("that code was used already; the next one comes in {}", until_next_code(now))
                }
                (Some(second), Some(first)) => return Ok(Pair { first, second }),
                (Some(code), None) => {
                    first = Some(code);
                    String::new()
                }
            };
        }
        Err(CodeError::NotACode)
    }

    fn pair_of(&self, process: &MfaProcess, ledger: Option<&Ledger<'_>>) -> Result<Pair, CodeError> {
        let first = self.fresh_of(process, &|code| ledger.is_some_and(|it| it.knows(code, self.aws_clock.now())))?;
        self.count_down();
        let is_old = |code: &Code| code.expose() == first.expose();
        let second = self.fresh_of(process, &is_old)?;
        Ok(Pair { first, second })
    }

    /// What the command prints, in the next window where it is old.
    fn fresh_of(&self, process: &MfaProcess, is_old: &dyn Fn(&Code) -> bool) -> Result<Code, CodeError> {
        let MfaProcess { origin, command } = process;
        for _ in 0..TRIES {
            let code = run_mfa_process(command, PATIENCE)
                .map_err(|source| CodeError::Process { origin: origin.clone(), source })?;
            if !is_old(&code) {
                return Ok(code);
            }
            self.count_down();
        }
        Err(CodeError::Spent(until_next_code(self.aws_clock.now())))
    }

    /// Waits until the device shows its next code.
    fn count_down(&self) {
        for left in (1..=until_next_code(self.aws_clock.now()).secs()).rev() {
            self.terminal.rewrite(&format!("the next code comes in {left} s"));
            self.clock.sleep(Duration::from_secs(1));
        }
        self.terminal.rewrite("");
    }
}
