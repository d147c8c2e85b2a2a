//! Asking for codes, with a person who types prepared answers.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::fmt;

use tempfile::TempDir;

use super::*;
use crate::host::fake_clock::{SetClock, at};
use crate::messages::{Level, Messages};
use crate::state::Folder;

/// Types the given lines, and is gone after the last one.
#[derive(Default)]
pub(super) struct Person {
    lines: RefCell<VecDeque<&'static str>>,
    is_away: bool,
    prompts: RefCell<Vec<String>>,
    pub(super) told: RefCell<Vec<String>>,
}

impl Person {
    pub(super) fn typing(lines: &[&'static str]) -> Self {
        Self { lines: RefCell::new(lines.iter().copied().collect()), ..Self::default() }
    }
}

impl Terminal for Person {
    fn is_there(&self) -> bool {
        !self.is_away
    }

    fn ask_hidden(&self, prompt: &str, limit: Duration) -> Result<Secret<String>, TerminalError> {
        assert_eq!(limit, PATIENCE);
        self.prompts.borrow_mut().push(prompt.to_owned());
        self.lines.borrow_mut().pop_front().map(Secret::from).ok_or(TerminalError::Closed)
    }

    fn tell(&self, line: &str) {
        self.told.borrow_mut().push(line.to_owned());
    }

    fn rewrite(&self, line: &str) {
        self.tell(line);
    }
}

/// Why a request failed, or why there was none.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Failure(pub(super) String);

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<CodeError> for Failure {
    fn from(error: CodeError) -> Self {
        Self(error.to_string())
    }
}

pub(super) type Answer = Outcome<&'static str, Failure>;

pub(super) fn failure() -> Failure {
    Failure("AWS said no".to_owned())
}

/// A device, its ledger, and the time.
pub(super) struct Fixture {
    #[cfg_attr(windows, expect(dead_code, reason = "the tests that use it need a POSIX system"))]
    place: TempDir,
    folder: Folder,
    pub(super) clock: SetClock,
}

impl Fixture {
    pub(super) fn new() -> Self {
        let place = tempfile::tempdir().expect("a folder");
        let folder = Folder::open(Some(&place.path().join("state"))).expect("it is made");
        Self { place, folder, clock: SetClock::at(10) }
    }

    pub(super) fn ledger(&self) -> Ledger<'_> {
        Ledger::of(Some(&self.folder), &serial(), &self.clock, Messages::new(Level::Error, None)).expect("it opens")
    }

    pub(super) fn knows(&self, digits: &str) -> bool {
        self.ledger().knows(&code(digits))
    }

    /// A file in which a command keeps its count.
    #[cfg(unix)]
    pub(super) fn file(&self) -> String {
        self.place.path().join("count").display().to_string()
    }

    /// Asks, and answers the requests one after another. Returns the result, and the codes that were sent.
    fn ask(
        &self,
        source: CodeSource,
        person: &Person,
        answers: Vec<Answer>,
    ) -> (Result<&'static str, Failure>, Vec<String>) {
        let aws_clock = CorrectedClock::new(&self.clock, None);
        let asker = Asker::new(source, person, &self.clock, &aws_clock);
        let (mut answers, mut sent) = (answers.into_iter(), Vec::new());
        let result = asker.with_code(&profile(), &serial(), Some(&self.ledger()), &mut |code| {
            assert!(self.knows(code.expose()), "it is written down before it is sent");
            sent.push(code.expose().to_owned());
            answers.next().expect("no more requests are made")
        });
        assert_eq!(answers.count(), 0, "all requests are made");
        (result, sent)
    }
}

pub(super) fn profile() -> ProfileName {
    ProfileName::new("deploy").expect("a name")
}

fn serial() -> MfaSerial {
    "arn:aws:iam::123456789012:mfa/alice".parse().expect("a serial")
}

pub(super) fn code(digits: &str) -> Code {
    Code::parse(digits).expect("six digits")
}

pub(super) fn printing(command: &str) -> CodeSource {
    CodeSource::Process(MfaProcess { origin: Origin::Setting("mfa_process"), command: command.to_owned() })
}

#[test]
fn the_outcome_of_a_code_decides_whether_it_can_be_used_again() {
    for (outcome, result, is_spent) in [
        (Outcome::Done("done"), Ok("done"), true),
        (Outcome::Failed(failure()), Err(failure()), true),
        (Outcome::Unclear(failure()), Err(failure()), true),
        (Outcome::Wrong(failure()), Err(failure()), false),
        (Outcome::Unsent(failure()), Err(failure()), false),
    ] {
        let fixture = Fixture::new();
        let asked = fixture.ask(CodeSource::Given(code("111111")), &Person::default(), vec![outcome]);
        assert_eq!(asked, (result, vec!["111111".to_owned()]), "what was given is given once");
        assert_eq!(fixture.knows("111111"), is_spent, "{asked:?}");
    }
}

#[test]
fn a_person_is_asked_again_when_that_can_help_at_most_three_times() {
    const REFUSED: &str = "AWS refused that code: check it, or wait for the next one";
    const UNCLEAR: &str = "AWS said no; the code may be spent, so wait for the next one";
    const SIX: &str = "an MFA code is six digits";
    let no = |failure: &str| Err(Failure(failure.to_owned()));
    let not_a_code = "the input was not an MFA code (six digits)";
    let wrong = || Outcome::Wrong(failure());
    let unclear = || Outcome::Unclear(failure());
    let done = || Outcome::Done("done");
    for (lines, answers, result, sent, told) in [
        (vec!["111111"], vec![done()], Ok("done"), vec!["111111"], vec![]),
        (vec!["111111"], vec![Outcome::Failed(failure())], Err(failure()), vec!["111111"], vec![]),
        (vec!["111111"], vec![Outcome::Unsent(failure())], Err(failure()), vec!["111111"], vec![]),
        (vec!["111111", "222222"], vec![wrong(), done()], Ok("done"), vec!["111111", "222222"], vec![REFUSED]),
        (vec!["111111", "222222"], vec![unclear(), done()], Ok("done"), vec!["111111", "222222"], vec![UNCLEAR]),
        (
            vec!["111111", "222222", "333333"],
            vec![wrong(), wrong(), wrong()],
            Err(failure()),
            vec!["111111", "222222", "333333"],
            vec![REFUSED, REFUSED],
        ),
        (vec!["x", "12345", "111111"], vec![done()], Ok("done"), vec!["111111"], vec![SIX, SIX]),
        (vec!["x", "12345", "111111"], vec![wrong()], Err(failure()), vec!["111111"], vec![SIX, SIX]),
        (vec!["x", "y", "z"], vec![], no(not_a_code), vec![], vec![SIX, SIX]),
        // The end of input is not a code, and the question is not repeated.
        (vec![], vec![], no("no MFA code was given"), vec![], vec![]),
        (
            vec!["x", "111111", "222222"],
            vec![wrong(), done()],
            Ok("done"),
            vec!["111111", "222222"],
            vec![SIX, REFUSED],
        ),
    ] {
        let person = Person::typing(&lines);
        let fixture = Fixture::new();
        let asked = fixture.ask(CodeSource::Terminal, &person, answers);
        assert_eq!(asked, (result, sent.into_iter().map(str::to_owned).collect()), "{lines:?}");
        assert_eq!(*person.told.borrow(), told, "{lines:?}");
        assert!(person.lines.borrow().is_empty(), "{lines:?}: all were asked for");
    }
}

#[test]
fn a_spent_code_is_never_sent() {
    let spent = "that MFA code was already used; the device shows its next one in 20s";
    let used = "that code was already used; the next one comes in 20s";
    let fixture = || {
        let fixture = Fixture::new();
        fixture.ledger().spend(&code("111111")).expect("it is written");
        fixture
    };
    let asked = fixture().ask(CodeSource::Given(code("111111")), &Person::default(), vec![]);
    assert_eq!(asked, (Err(Failure(spent.to_owned())), vec![]));

    let person = Person::typing(&["111111", "222222"]);
    let asked = fixture().ask(CodeSource::Terminal, &person, vec![Outcome::Done("done")]);
    assert_eq!((asked.0, &person.told.borrow()[..]), (Ok("done"), &[used.to_owned()][..]));

    let person = Person::typing(&["111111", "111111", "111111", "222222"]);
    let asked = fixture().ask(CodeSource::Terminal, &person, vec![]);
    assert_eq!((asked.0, person.told.borrow().len()), (Err(Failure(spent.to_owned())), 2));
    assert_eq!(person.prompts.borrow().len(), 3);

    // A command is run again in the next window, until it prints another code; here AWS has forgotten this one.
    let fixture = fixture();
    let (person, started) = (Person::default(), fixture.clock.now());
    let asked = fixture.ask(printing("echo 111111"), &person, vec![Outcome::Done("done")]);
    assert_eq!(asked, (Ok("done"), vec!["111111".to_owned()]));
    assert_eq!((fixture.clock.slept.get(), person.told.borrow().len()), (Duration::from_secs(20 + 30 + 30 + 30), 0));
    assert_eq!(fixture.clock.now(), started + jiff::SignedDuration::from_secs(110));
}

#[test]
fn learning_the_time_from_aws_does_not_forget_spent_codes() {
    for (off, what) in [(3600, "behind"), (-3600, "ahead"), (0, "right")] {
        let fixture = Fixture::new();
        let aws_clock = CorrectedClock::new(&fixture.clock, None);
        let person = Person::typing(&["111111"]);
        let asker = Asker::new(CodeSource::Terminal, &person, &fixture.clock, &aws_clock);
        let done: Result<(), Failure> = asker.with_code(&profile(), &serial(), Some(&fixture.ledger()), &mut |_| {
            aws_clock.learn(at(10 + off));
            Outcome::Done(())
        });
        assert_eq!(done, Ok(()));
        for (seconds, is_known) in [(0, true), (89, true), (1, false)] {
            fixture.clock.pass(Duration::from_secs(seconds));
            assert_eq!(fixture.knows("111111"), is_known, "{what}: {seconds}");
        }
    }
}

#[test]
fn a_seed_follows_the_clock_that_a_refusal_tells_once() {
    const SEED: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
    for (off, sent) in [(0, 1), (600, 2), (-600, 2)] {
        let fixture = Fixture::new();
        let aws_clock = CorrectedClock::new(&fixture.clock, None);
        let asker = Asker::new(CodeSource::Seed, &crate::host::NoTerminal, &fixture.clock, &aws_clock)
            .opening_seeds(|_| Ok(Secret::from(SEED)));
        let mut codes = Vec::new();
        let asked: Result<(), Failure> = asker.with_code(&profile(), &serial(), Some(&fixture.ledger()), &mut |code| {
            codes.push(code.expose().to_owned());
            aws_clock.learn(at(10 + off));
            Outcome::Wrong(failure())
        });
        assert_eq!((asked, codes.len()), (Err(failure()), sent), "{off}");
        let of = |seconds: i64| totp::code_at(&Secret::from(SEED), at(seconds)).expect("base32").expose().to_owned();
        assert_eq!((codes.first(), codes.last()), (Some(&of(10)), Some(&of(10 + off))), "{off}");
    }
}

#[test]
fn without_a_source_a_code_is_an_error() {
    let away = Person { is_away: true, ..Person::typing(&["111111"]) };
    let asked = Fixture::new().ask(CodeSource::Terminal, &away, vec![]);
    let nobody = "profile `deploy` needs an MFA code, but there is no terminal to ask on";
    assert_eq!((asked.0, away.prompts.borrow().len()), (Err(Failure(nobody.to_owned())), 0));

    let here = Person::default();
    for (source, person, has_one) in [
        (CodeSource::Terminal, &away, false),
        (CodeSource::Terminal, &here, true),
        (CodeSource::Given(code("111111")), &away, true),
        (CodeSource::Stdin, &away, true),
        (printing("false"), &away, true),
    ] {
        let what = format!("{source:?}");
        let is_a_program = matches!(source, CodeSource::Process(_));
        let (clock, fixture) = (SetClock::at(0), Fixture::new());
        let aws_clock = CorrectedClock::new(&fixture.clock, None);
        let asker = Asker::new(source, person, &clock, &aws_clock);
        assert_eq!((asker.has_a_source(), asker.is_a_program()), (has_one, is_a_program), "{what}");
    }
}

#[test]
fn the_prompt_names_the_profile_and_the_device() {
    for (words, prompt) in [(Words::Profile, "MFA code for deploy (alice): "), (Words::Device, "alice, MFA code: ")] {
        let (fixture, person) = (Fixture::new(), Person::typing(&["111111"]));
        let aws_clock = CorrectedClock::new(&fixture.clock, None);
        let asker = Asker::new(CodeSource::Terminal, &person, &fixture.clock, &aws_clock).in_words_of(words);
        let done: Result<(), Failure> = asker.with_code(&profile(), &serial(), None, &mut |_| Outcome::Done(()));
        assert_eq!((done, &person.prompts.borrow()[..]), (Ok(()), &[prompt.to_owned()][..]));
    }
}

#[test]
fn an_mfa_process_without_a_code_is_named_with_its_file_and_line() {
    let asked = Fixture::new().ask(printing("exit 1"), &Person::typing(&["111111"]), vec![]);
    assert_eq!(asked, (Err(Failure("`mfa_process` in the settings gave no code".to_owned())), vec![]));
}

/// Counts the bytes that are read.
struct Pipe<'a>(&'a [u8], Cell<usize>);

impl Read for &mut Pipe<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let length = self.0.read(buffer)?;
        self.1.set(self.1.get() + length);
        Ok(length)
    }
}

#[test]
fn only_the_first_line_of_stdin_is_read() {
    let full = format!("{}123456\nrest", " ".repeat(57));
    let long = format!("{}123456\nrest", " ".repeat(58));
    let blank = format!("{}123456", " ".repeat(100));
    for (text, digits, read) in [
        ("123456\nrest", Some("123456"), 7),
        ("123456", Some("123456"), 6),
        ("123 456\r\nrest", Some("123456"), 9),
        ("\n123456\n", None, 1),
        ("12345\n6", None, 6),
        ("", None, 0),
        (&full, Some("123456"), 64),
        (&long, Some("123456"), 64),
        (&blank, None, 64),
    ] {
        let mut pipe = Pipe(text.as_bytes(), Cell::new(0));
        let code = first_line(&mut pipe);
        assert_eq!(code.as_ref().ok().map(Code::expose), digits, "{text:?}");
        assert!(code.is_ok() || matches!(code, Err(CodeError::Stdin)), "{text:?}");
        assert_eq!(pipe.1.get(), read, "{text:?}");
    }
}
