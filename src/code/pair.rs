//! Two consecutive codes of one device, from which AWS learns the device's time.
//!
//! They come from the same sources as a single code, with the same guarantees: six digits, none sent twice, each
//! recorded in the ledger before it is sent. A person types the second code when the device shows it; a command is run
//! again in the next time step, after a countdown.

use std::time::Duration;

use super::ledger::{Ledger, until_next_code};
use super::process::run_mfa_process;
use super::{Asker, CodeError, CodeSource, Outcome, PATIENCE, TRIES};
use crate::host::TerminalError;
use crate::names::ProfileName;
use crate::plan::MfaProcess;
use crate::secret::{Code, Secret};

/// Two consecutive codes.
#[derive(Debug)]
pub struct Pair {
    /// The earlier code.
    pub first: Code,
    /// The code that follows it.
    pub second: Code,
}

/// How a person is asked: takes the prompt, and a message to show before it (may be empty).
pub type Question<'a> = dyn Fn(&str, &str) -> Result<Secret<String>, TerminalError> + 'a;

impl Asker<'_> {
    /// Gets two codes and passes them to `send`, again if that can help.
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
                CodeSource::Process(process) => self.pair_of(process, ledger)?,
                _ if self.terminal.is_there() => self.pair_typed(question, std::mem::take(&mut news), ledger)?,
                _ => return Err(CodeError::NobodyToAsk(profile.clone()).into()),
            };
            let both = [&pair.first, &pair.second];
            if let Some(ledger) = ledger {
                // A full disk must not keep a person from working; the codes are then not recorded.
                for code in both {
                    let _ = ledger.spend(code);
                }
            }
            let give_back = || {
                if let Some(ledger) = ledger {
                    for code in both {
                        ledger.give_back(code);
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
            if tries_left == 0 || matches!(self.source, CodeSource::Process(_)) {
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
                (Some(code), before) if ledger.is_some_and(|ledger| ledger.knows(&code)) => {
                    first = before;
                    format!("that code was already used; the next one comes in {}", until_next_code(now))
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
        let first = self.fresh_of(process, &|code| ledger.is_some_and(|it| it.knows(code)))?;
        self.count_down();
        let is_old = |code: &Code| code.expose() == first.expose();
        let second = self.fresh_of(process, &is_old)?;
        Ok(Pair { first, second })
    }

    /// The code that the command prints; if that is an old one, the code of the next time step.
    fn fresh_of(&self, process: &MfaProcess, is_old: &dyn Fn(&Code) -> bool) -> Result<Code, CodeError> {
        let MfaProcess { origin, command } = process;
        for _ in 0..TRIES {
            let code = run_mfa_process(command, PATIENCE).map_err(|error| error.of(origin))?;
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

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;
    use crate::code::tests::{Failure, Fixture, Person, code, failure, printing, profile};
    use crate::state::CorrectedClock;

    type Asked = (Result<&'static str, Failure>, Vec<String>, Vec<String>);

    /// Asks for pairs, and answers the requests one after another. Returns the result, what was sent, and what the
    /// person read before each prompt.
    fn ask(
        fixture: &Fixture,
        source: CodeSource,
        lines: &[&'static str],
        answers: Vec<Outcome<&'static str, Failure>>,
    ) -> Asked {
        let aws_clock = CorrectedClock::new(&fixture.clock, None);
        let person = Person::typing(lines);
        let asker = Asker::new(source, &person, &fixture.clock, &aws_clock);
        let (mut answers, mut sent, read) = (answers.into_iter(), Vec::new(), RefCell::new(Vec::new()));
        let question = |prompt: &str, news: &str| {
            read.borrow_mut().push(format!("{news}|{prompt}"));
            crate::host::Terminal::ask_hidden(&person, prompt, PATIENCE)
        };
        let result = asker.with_pair(&profile(), &question, Some(&fixture.ledger()), &mut |pair| {
            let (first, second) = (pair.first.expose(), pair.second.expose());
            assert!(fixture.knows(first) && fixture.knows(second), "they are written down before they are sent");
            sent.push(format!("{first} {second}"));
            answers.next().expect("no more requests are made")
        });
        assert_eq!(answers.count(), 0, "all requests are made");
        (result, sent, read.into_inner())
    }

    #[test]
    fn the_outcome_of_a_pair_decides_whether_it_can_be_used_again() {
        for (outcome, result, is_spent) in [
            (Outcome::Done("done"), Ok("done"), true),
            (Outcome::Failed(failure()), Err(failure()), true),
            (Outcome::Unclear(failure()), Err(Failure("no MFA code was given".to_owned())), true),
            (Outcome::Wrong(failure()), Err(Failure("no MFA code was given".to_owned())), false),
            (Outcome::Unsent(failure()), Err(failure()), false),
        ] {
            let fixture = Fixture::new();
            let (asked, sent, _) = ask(&fixture, CodeSource::Terminal, &["111111", "222222"], vec![outcome]);
            assert_eq!((asked, sent), (result, vec!["111111 222222".to_owned()]));
            assert_eq!(["111111", "222222"].map(|digits| fixture.knows(digits)), [is_spent; 2]);
        }
    }

    #[test]
    fn a_person_is_asked_again_with_the_reason() {
        const FIRST: &str = "First MFA code: ";
        const NEXT: &str = "The next MFA code: ";
        let fixture = Fixture::new();
        fixture.ledger().spend(&code("000000")).expect("it is written");
        let lines = ["x", "000000", "111111", "111111", "222222", "333333", "444444", "555555", "666666"];
        let wrong = || Outcome::Wrong(failure());
        let answers = vec![wrong(), Outcome::Unclear(failure()), wrong()];
        let (asked, sent, read) = ask(&fixture, CodeSource::Terminal, &lines, answers);
        assert_eq!(asked, Err(failure()), "three pairs are enough");
        assert_eq!(sent, ["111111 222222", "333333 444444", "555555 666666"]);
        let refused = "AWS refused these codes: wait for the next one, and then for the one after it";
        let unclear = "AWS said no; the codes may be spent, so wait for the next one";
        let wanted = [
            format!("|{FIRST}"),
            format!("an MFA code is six digits|{FIRST}"),
            format!("that code was already used; the next one comes in 20s|{FIRST}"),
            format!("|{NEXT}"),
            format!("that is the same code: the next one comes in 20s|{NEXT}"),
            format!("{refused}|{FIRST}"),
            format!("|{NEXT}"),
            format!("{unclear}|{FIRST}"),
            format!("|{NEXT}"),
        ];
        assert_eq!(read, wanted);

        let junk = ["x", "111111", "y", "111111", "z", "222222"];
        let (asked, sent, read) = ask(&Fixture::new(), CodeSource::Terminal, &junk, vec![]);
        assert_eq!(asked, Err(Failure("the input was not an MFA code (six digits)".to_owned())));
        assert_eq!((sent.len(), read.len()), (0, 5));
    }

    // The command is one of a POSIX shell.
    #[cfg(unix)]
    #[test]
    fn a_command_is_run_again_in_the_next_window_after_a_countdown() {
        let fixture = Fixture::new();
        fixture.ledger().spend(&code("123450")).expect("it is written");
        // Twice the spent code, then the first and twice the second one: 0 0 1 1 2.
        let file = fixture.file();
        std::fs::write(&file, "0 0 1 1 2").expect("it is written");
        let next = format!("set -- $(cat {file}); echo 12345$1; shift; echo $* > {file}");
        let aws_clock = CorrectedClock::new(&fixture.clock, None);
        let person = Person::default();
        let asker = Asker::new(printing(&next), &person, &fixture.clock, &aws_clock);
        let mut sent = Vec::new();
        let asked: Result<(), Failure> =
            asker.with_pair(&profile(), &|_, _| panic!("nobody is asked"), Some(&fixture.ledger()), &mut |pair| {
                sent.push(format!("{} {}", pair.first.expose(), pair.second.expose()));
                Outcome::Wrong(failure())
            });
        assert_eq!((asked, sent), (Err(failure()), vec!["123451 123452".to_owned()]), "a program is asked once");
        // To the end of this window, and four windows in all.
        assert_eq!(fixture.clock.slept.get(), Duration::from_secs(20 + 30 + 30 + 30));
        let told = person.told.borrow();
        assert_eq!(
            (told.len(), &told[0][..], &told[19][..], &told[20][..]),
            (114, "the next code comes in 20 s", "the next code comes in 1 s", "")
        );
    }

    #[test]
    fn without_a_terminal_a_pair_is_an_error() {
        let fixture = Fixture::new();
        let aws_clock = CorrectedClock::new(&fixture.clock, None);
        let asker = Asker::new(CodeSource::Terminal, &crate::host::NoTerminal, &fixture.clock, &aws_clock);
        let asked: Result<(), Failure> =
            asker.with_pair(&profile(), &|_, _| panic!("there is nobody"), None, &mut |_| panic!("there is no code"));
        assert_eq!(
            asked,
            Err(Failure("profile `deploy` needs an MFA code, but there is no terminal to ask on".to_owned()))
        );
    }

    #[test]
    fn a_command_that_always_prints_the_same_code_is_an_error() {
        let fixture = Fixture::new();
        let (asked, sent, _) = ask(&fixture, printing("echo 111111"), &[], vec![]);
        let spent = "that MFA code was already used; the device shows its next one in 30s";
        assert_eq!((asked, sent.len()), (Err(Failure(spent.to_owned())), 0));
    }
}
