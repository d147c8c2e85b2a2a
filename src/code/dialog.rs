//! A person who is asked through a dialog program, where there is no terminal: the settings `pinentry` and `askpass`.
//!
//! In: the program, as the settings name it, and the question. Out: the answer, or why there is none. To those who ask it
//! is a [`Terminal`] like any other, so that the limits, the number of tries, and the rule that many processes make one
//! question hold for it without being written twice. What the terminal would say before a question is the dialog's news.
//!
//! No program is ever guessed, and none is run by a shell. A dialog that the person closes is that person's no. A program
//! that does not work is an error: nobody is asked elsewhere instead.

mod askpass;
mod pinentry;
mod question;

use std::cell::RefCell;
use std::process::Command;
use std::time::{Duration, Instant};

use self::question::{Ask, Unanswered};
use crate::host::{Env, Terminal, TerminalError};
use crate::messages::printable;
use crate::secret::Secret;
use crate::settings::DialogProgram;
use crate::terminal::one_dialog;

/// In bytes. More than a dialog can show; a longer question keeps its beginning and its end.
const LONGEST_TEXT: usize = 700;

/// The person in front of the program's dialogs.
pub struct Dialog<'a> {
    program: DialogProgram,
    env: &'a dyn Env,
    /// Not asked; it knows whether an answer would still be read.
    terminal: &'a dyn Terminal,
    news: RefCell<Vec<String>>,
}

impl<'a> Dialog<'a> {
    /// Starts nothing yet. `terminal` is not asked; it only knows whether the answer is still wanted.
    pub fn new(program: DialogProgram, env: &'a dyn Env, terminal: &'a dyn Terminal) -> Self {
        Self { program, env, terminal, news: RefCell::default() }
    }

    fn show(&self, ask: &Ask<'_>) -> Result<Secret<String>, Unanswered> {
        let program = Command::new(self.program.path());
        match &self.program {
            DialogProgram::Pinentry(_) => pinentry::ask(program, &self.options(), ask),
            DialogProgram::Askpass(_) => askpass::ask(program, ask),
        }
    }

    /// What GnuPG tells a pinentry about the person's terminal and language; the rest it finds in the environment.
    fn options(&self) -> Vec<(&'static str, String)> {
        let first = |names: &[&str]| names.iter().find_map(|name| self.env.var(name));
        let mut options = Vec::new();
        if let Some(terminal) = self.env.var("GPG_TTY") {
            options.push(("ttyname", terminal));
            options.extend(self.env.var("TERM").map(|kind| ("ttytype", kind)));
        }
        options.extend(first(&["LC_ALL", "LC_CTYPE", "LANG"]).map(|language| ("lc-ctype", language)));
        options.extend(first(&["LC_ALL", "LC_MESSAGES", "LANG"]).map(|language| ("lc-messages", language)));
        options
    }

    /// Where the dialog appears: two on one screen would take each other's keys.
    fn place(&self) -> Vec<String> {
        ["DISPLAY", "WAYLAND_DISPLAY", "GPG_TTY"].map(|name| self.env.var(name).unwrap_or_default()).into()
    }
}

impl Terminal for Dialog<'_> {
    fn is_there(&self) -> bool {
        true
    }

    fn ask_hidden(&self, prompt: &str, limit: Duration) -> Result<Secret<String>, TerminalError> {
        let start = Instant::now();
        let _alone = one_dialog(&self.place(), limit, &|| self.terminal.gives_up())?;
        let news = shortened(&self.news.take().join("\n"));
        let ask = Ask {
            text: shortened(prompt),
            label: label(prompt).to_owned(),
            news,
            limit: limit.saturating_sub(start.elapsed()),
            is_unwanted: &|| self.terminal.gives_up().is_some(),
        };
        self.show(&ask).map_err(|error| match error {
            Unanswered::Canceled => TerminalError::Canceled,
            Unanswered::TimedOut => TerminalError::TimedOut(limit),
            Unanswered::Signal(signal) => TerminalError::Signal(signal),
            Unanswered::Unread => TerminalError::Unread,
            Unanswered::Broken(why) => TerminalError::Program {
                setting: self.program.setting(),
                program: self.program.path().display().to_string(),
                source: Box::new(why),
            },
        })
    }

    /// What is not secret is asked on a terminal only: it needs text before it, or a choice.
    fn ask(&self, _: &str, _: Duration) -> Result<Secret<String>, TerminalError> {
        Err(TerminalError::Absent)
    }

    fn tell(&self, line: &str) {
        self.news.borrow_mut().push(line.to_owned());
    }

    fn stop(&self) {
        self.terminal.stop();
    }

    fn gives_up(&self) -> Option<TerminalError> {
        self.terminal.gives_up()
    }
}

/// The text without control characters, at most as long as a dialog can show: the middle is left out, since a question
/// says at its beginning where a code is sent, and at its end by which way.
fn shortened(text: &str) -> String {
    let text = printable(text);
    if text.len() <= LONGEST_TEXT {
        return text;
    }
    let head = text.floor_char_boundary(LONGEST_TEXT / 2);
    let tail = text.ceil_char_boundary(text.len() - LONGEST_TEXT / 2);
    format!("{} … {}", &text[..head], &text[tail..])
}

/// What is asked for, in a word or two: `MFA code` of `[http://localhost] MFA code for deploy (phone): `.
fn label(prompt: &str) -> &str {
    let prompt = prompt.split_once("] ").filter(|_| prompt.starts_with('[')).map_or(prompt, |(_, rest)| rest);
    match ["MFA code", "New passphrase", "Passphrase"].into_iter().find(|label| prompt.starts_with(label)) {
        Some(label) => label,
        None if prompt.contains("MFA code") => "MFA code",
        None => prompt.trim_end_matches([' ', ':']),
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::path::PathBuf;

    use super::*;
    use crate::host::NoTerminal;

    /// An environment of these variables.
    struct Variables(&'static [(&'static str, &'static str)]);

    impl Env for Variables {
        fn os(&self, name: &str) -> Option<std::ffi::OsString> {
            self.0.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).into())
        }
    }

    const LONG: Duration = Duration::from_secs(30);
    const GREETS: &str = "echo OK; while read -r line; do case $line in GETPIN) break;; *) echo OK;; esac; done; ";
    const KILLED: &str = "echo OK; while read -r line; do case $line in GETPIN) kill -9 $$;; *) echo OK;; esac; done";
    const NO_X: &str = "echo hunter2; echo warning: x >&2; echo \"Error: Can't open display: :7\" >&2; exit 1";

    /// Asks through a script, which is in a folder of its own.
    fn ask(program: fn(PathBuf) -> DialogProgram, script: &str, limit: Duration) -> Result<String, TerminalError> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("it");
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("it is written");
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o700)).expect("it is ours");
        // No other test waits for this place.
        let place = Variables(&[("DISPLAY", ":dialog-tests")]);
        let dialog = Dialog::new(program(path), &place, &NoTerminal);
        dialog.tell("AWS refused that code");
        dialog.ask_hidden("MFA code for x (phone): ", limit).map(|answer| answer.expose().clone())
    }

    fn why(error: &TerminalError) -> String {
        let text = crate::messages::with_causes(error);
        text.split_once("could not ask: ").map_or(text.clone(), |(_, why)| why.to_owned())
    }

    #[test]
    fn an_askpass_is_asked_as_ssh_asks_it() {
        for (script, answer) in [
            ("echo 123456", "123456"),
            ("printf 123456", "123456"),
            ("printf ' two words \\r\\n'", " two words "),
            ("true", ""),
            ("printf %s \"$1\" | tr '\\n' '|'", "AWS refused that code|MFA code for x (phone): "),
            ("echo $#${SSH_ASKPASS_PROMPT-unset}; echo noise >&2", "1unset"),
        ] {
            assert_eq!(ask(DialogProgram::Askpass, script, LONG).expect(script), answer, "{script}");
        }
        for script in ["exit 1", "echo 123456; exit 255"] {
            assert!(matches!(ask(DialogProgram::Askpass, script, LONG), Err(TerminalError::Canceled)), "{script}");
        }
        let timed_out = ask(DialogProgram::Askpass, "sleep 60", Duration::from_secs(1));
        assert!(matches!(timed_out, Err(TerminalError::TimedOut(limit)) if limit == Duration::from_secs(1)));
    }

    #[test]
    fn a_pinentry_answers_refuses_and_times_out() {
        let ask = |script: &str, limit| ask(DialogProgram::Pinentry, &format!("{GREETS}{script}"), limit);
        for (script, answer) in [
            ("echo D 123456; echo OK", "123456"),
            ("echo D 12%2534; echo D 5; echo OK; read -r bye", "12%345"),
            ("echo OK", ""),
            // One that answers, and then hangs.
            ("echo D 123456; echo OK; exec sleep 60", "123456"),
        ] {
            assert_eq!(ask(script, LONG).expect(script), answer, "{script}");
        }
        let begun = Instant::now();
        for script in ["echo 'ERR 83886179 Operation cancelled'", "echo 'ERR 83886179 no'; exec sleep 60"] {
            assert!(matches!(ask(script, LONG), Err(TerminalError::Canceled)), "{script}");
        }
        assert!(begun.elapsed() < LONG, "one that goes on after its no is ended");
        for script in ["echo 'ERR 83886142 Timeout'", "exec sleep 60"] {
            let limit = Duration::from_secs(if script.starts_with("exec") { 1 } else { 30 });
            assert!(matches!(ask(script, limit), Err(TerminalError::TimedOut(given)) if given == limit), "{script}");
        }
    }

    #[test]
    fn a_program_that_does_not_work_is_an_error_with_the_reason_and_without_the_answer() {
        let second = Duration::from_secs(1);
        let foreign = "it does not speak the pinentry protocol; a program that prints the answer belongs in `askpass`";
        for (program, script, limit, reason) in [
            (
                DialogProgram::Pinentry as fn(PathBuf) -> _,
                "exit 3",
                LONG,
                "it ended without an answer (exit status: 3)",
            ),
            (DialogProgram::Pinentry, "kill -9 $$", LONG, "it ended without an answer (signal: 9 (SIGKILL))"),
            (DialogProgram::Pinentry, KILLED, LONG, "it ended without an answer (signal: 9 (SIGKILL))"),
            (DialogProgram::Askpass, "exit 127", LONG, "it ended without an answer (exit status: 127)"),
            (DialogProgram::Askpass, "exit 126", LONG, "it ended without an answer (exit status: 126)"),
            (DialogProgram::Askpass, NO_X, LONG, "it found no screen to ask on: `Error: Can't open display: :7`"),
            (DialogProgram::Pinentry, "echo hunter2", LONG, foreign),
            (DialogProgram::Pinentry, "exec yes '# '", LONG, "it printed more than 16384 bytes on stdout"),
            (DialogProgram::Pinentry, "exec sleep 60", second, "it did not get as far as asking"),
            (DialogProgram::Pinentry, "echo OK; echo hunter2", LONG, foreign),
            (DialogProgram::Askpass, "kill -9 $$", LONG, "it ended without an answer (signal: 9 (SIGKILL))"),
            (DialogProgram::Askpass, "printf 'hunter2\\nx\\n'", LONG, "it printed more than one line"),
            (DialogProgram::Askpass, "printf 'hunter2\\377'", LONG, "what it printed is not text"),
            (DialogProgram::Askpass, "exec yes hunter2", LONG, "it printed more than 4096 bytes on stdout"),
        ] {
            let error = ask(program, script, limit).expect_err(script);
            assert_eq!(why(&error), reason, "{script}");
            assert!(!format!("{error:?}").contains("hunter2"), "{script}");
        }
        for script in ["exec yes", "echo OK; exec yes hunter2", "exec tr '\\0' x </dev/zero"] {
            let error = why(&ask(DialogProgram::Pinentry, script, LONG).expect_err(script));
            assert!([foreign, "it printed more than 16384 bytes on stdout"].contains(&&*error), "{script}: {error}");
        }
        let lost = ask(DialogProgram::Pinentry, &format!("{GREETS}echo 'ERR 83918950 no ioctl'"), LONG);
        assert_eq!(why(&lost.expect_err("no terminal")), "it found no screen to ask on: `no ioctl`");
        let broken = ask(DialogProgram::Pinentry, &format!("{GREETS}echo 'ERR 83918849 bad tty\u{1b}[2J'"), LONG);
        assert_eq!(why(&broken.expect_err("no terminal")), "it reports `bad tty\\u{1b}[2J`");
        let dialog = |path: &str| {
            let program = DialogProgram::Askpass(path.into());
            Dialog::new(program, &Variables(&[]), &NoTerminal).ask_hidden("MFA code: ", LONG).expect_err(path)
        };
        for path in ["/nonexistent/askpass", "no-such-program-5ba9"] {
            let error = crate::messages::with_causes(&dialog(path));
            let start = format!("`askpass = {path}` could not ask: it could not be started: No such file or directory");
            assert!(error.starts_with(&start), "{error}");
        }
    }

    #[test]
    fn nobody_is_asked_in_a_dialog_for_what_needs_a_terminal() {
        let dialog = Dialog::new(DialogProgram::Askpass("/bin/echo".into()), &Variables(&[]), &NoTerminal);
        assert!(matches!(dialog.ask("Sure? ", LONG), Err(TerminalError::Absent)));
        assert!(dialog.confirm("Sure?", crate::host::Usual::Yes, LONG).is_err());
        assert!(dialog.is_there());
    }

    #[test]
    fn a_long_question_keeps_its_beginning_and_its_end() {
        let text = shortened(&format!("[http://start] {} trusting /end: ", "東".repeat(2000)));
        assert!(text.len() < 720 && text.starts_with("[http://start] 東") && text.ends_with(" trusting /end: "));
        assert_eq!(shortened("a\u{1b}b"), "a\\u{1b}b");
    }

    #[test]
    fn the_field_is_labeled_with_what_is_asked_for() {
        for (prompt, wanted) in [
            ("MFA code for x (phone): ", "MFA code"),
            ("[http://localhost:4566] MFA code for x (phone) via proxy: ", "MFA code"),
            ("phone, MFA code: ", "MFA code"),
            ("phone, first MFA code: ", "MFA code"),
            ("Passphrase for your access keys: ", "Passphrase"),
            ("New passphrase for mfa-cred: ", "New passphrase"),
            ("Repeat the passphrase: ", "Repeat the passphrase"),
        ] {
            assert_eq!(label(prompt), wanted, "{prompt}");
        }
    }

    #[test]
    fn a_pinentry_is_told_the_terminal_and_the_language_as_gnupg_tells_them() {
        let all = Variables(&[("GPG_TTY", "/dev/pts/3"), ("TERM", "xterm"), ("LC_ALL", "C"), ("LANG", "ja_JP.UTF-8")]);
        let some = Variables(&[("TERM", "xterm"), ("LANG", "ja_JP.UTF-8")]);
        for (variables, wanted) in [
            (all, "ttyname=/dev/pts/3 ttytype=xterm lc-ctype=C lc-messages=C"),
            (some, "lc-ctype=ja_JP.UTF-8 lc-messages=ja_JP.UTF-8"),
            (Variables(&[]), ""),
        ] {
            let dialog = Dialog::new(DialogProgram::Pinentry("x".into()), &variables, &NoTerminal);
            let options: Vec<String> = dialog.options().iter().map(|(name, value)| format!("{name}={value}")).collect();
            assert_eq!(options.join(" "), wanted);
        }
    }
}
