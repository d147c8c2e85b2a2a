//! Asks through a pinentry (`pinentry-gnome3`, `pinentry-qt`, `pinentry-mac`, `pinentry-curses`): the setting `pinentry`.
//!
//! In: the program, and what its dialog is to say. Out: what the person typed, or why nothing. Pinentries speak the Assuan
//! protocol on stdin and stdout: a line is sent, and `OK`, `ERR`, or `D` and an answer come back
//! (<https://www.gnupg.org/documentation/manuals/assuan/>). Every text that is sent is escaped and bounded, so that no
//! profile's name can pass for a command. What comes back is bounded and a secret, and is never part of an error.

use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

use zeroize::Zeroizing;

use super::question::{Ask, Broken, Unanswered};
use crate::code::command::{CommandError, Listener, Reply, run_program};
use crate::messages::relay;
use crate::secret::Secret;

/// Assuan's longest line, in bytes, without the line feed.
const LONGEST_LINE: usize = 1000;
/// In bytes. Longer than any code or passphrase, escaped, with the answers to all commands.
const OUTPUT_LIMIT: usize = 16 << 10;
/// How much earlier than its limit a pinentry is told to close its dialog by itself: one that is killed may leave a
/// terminal without echo.
const EARLIER: Duration = Duration::from_secs(1);

/// The codes by which a pinentry says that the person pressed Cancel, closed the dialog, or did not answer in time. The
/// upper bits of a code name the program that it comes from. <https://github.com/gpg/libgpg-error>
const CANCELED: [u32; 3] = [99, 114, 198];
const TIMEOUT: u32 = 62;
/// `ENOTTY`: pinentries with a window fall back to the terminal where they find no display, and there is none either.
const NO_TERMINAL: u32 = 0x8066;
const CODE: u32 = 0xffff;

/// Shows a dialog of that program, and returns what was typed.
pub(super) fn ask(
    mut program: Command,
    options: &[(&str, String)],
    ask: &Ask<'_>,
) -> Result<Secret<String>, Unanswered> {
    let mut talk = Talk::new(options, ask);
    let ran = run_program(program.stdin(Stdio::piped()), ask.limit, OUTPUT_LIMIT, &mut talk);
    let is_asking = talk.is_asking();
    match (talk.outcome, ran) {
        // A signal counts, even if the person has just answered.
        (_, Err(CommandError::Signal(signal))) => Err(Unanswered::Signal(signal)),
        // However the program ended afterward.
        (Some(Outcome::Answer), _) => talk.answer.text(),
        (Some(Outcome::Canceled), _) => Err(Unanswered::Canceled),
        (Some(Outcome::TimedOut), _) => Err(Unanswered::TimedOut),
        (Some(Outcome::Broken(why)), _) => Err(why.into()),
        (None, Ok(ran)) => Err(Broken::Ended(ran.status).into()),
        (None, Err(error)) => Err(Unanswered::of(error, is_asking)),
    }
}

/// What a pinentry said in the end.
enum Outcome {
    Answer,
    Canceled,
    TimedOut,
    Broken(Broken),
}

/// Sends one line after another, each when the one before it was answered.
struct Talk<'a> {
    /// Still to be sent, last one first.
    lines: Vec<String>,
    /// How many bytes of the output were read.
    read: usize,
    answer: Answer,
    outcome: Option<Outcome>,
    is_unwanted: &'a dyn Fn() -> bool,
}

impl<'a> Talk<'a> {
    fn new(options: &[(&str, String)], ask: &Ask<'a>) -> Self {
        let patience = ask.limit.saturating_sub(EARLIER).as_secs().max(1);
        let mut lines: Vec<String> =
            options.iter().map(|(name, value)| command("OPTION", &format!("{name}={value}"))).collect();
        lines.push(command("SETTIMEOUT", &patience.to_string()));
        lines.push(command("SETTITLE", "mfa-cred"));
        lines.push(command("SETDESC", ask.text.trim_end_matches([' ', ':'])));
        lines.push(command("SETPROMPT", &format!("{}:", ask.label)));
        if !ask.news.is_empty() {
            lines.push(command("SETERROR", &ask.news));
        }
        lines.push("GETPIN\n".to_owned());
        lines.reverse();
        Self { lines, read: 0, answer: Answer::default(), outcome: None, is_unwanted: ask.is_unwanted }
    }

    /// Was the dialog requested?
    fn is_asking(&self) -> bool {
        self.lines.is_empty()
    }

    /// Reads one line of the pinentry's; true when it has answered what was sent last.
    fn take(&mut self, line: &[u8]) -> bool {
        let (word, rest) = match line.iter().position(|byte| *byte == b' ') {
            Some(blank) => (&line[..blank], &line[blank + 1..]),
            None => (line, &[][..]),
        };
        match word {
            b"OK" if self.is_asking() => self.outcome = Some(Outcome::Answer),
            b"OK" => return true,
            b"ERR" if self.is_asking() => self.outcome = Some(refusal(rest)),
            // An option that this pinentry does not know.
            b"ERR" if self.read > 0 => return true,
            b"D" if self.is_asking() => self.answer.add(rest),
            // Comments, and remarks about its state.
            b"S" => {}
            _ if line.is_empty() || line.starts_with(b"#") => {}
            _ => self.outcome = Some(Outcome::Broken(Broken::Foreign)),
        }
        false
    }
}

impl Listener for Talk<'_> {
    fn heard(&mut self, text: &str) {
        relay(text);
    }

    fn reply(&mut self, printed: &[u8]) -> Reply {
        while self.outcome.is_none() {
            let rest = &printed[self.read..];
            let Some(end) = rest.iter().position(|byte| *byte == b'\n') else {
                if rest.len() > LONGEST_LINE {
                    self.outcome = Some(Outcome::Broken(Broken::Foreign));
                }
                break;
            };
            let is_answered = self.take(rest[..end].strip_suffix(b"\r").unwrap_or(&rest[..end]));
            self.read += end + 1;
            if is_answered && let Some(line) = self.lines.pop() {
                return Reply::Say(line);
            }
        }
        if self.outcome.is_some() { Reply::Over } else { Reply::Wait }
    }

    fn is_unwanted(&self) -> bool {
        (self.is_unwanted)()
    }

    fn lets_descendants_stay(&self, _: ExitStatus) -> bool {
        matches!(self.outcome, Some(Outcome::Answer))
    }
}

/// The meaning of an `ERR` in answer to the dialog.
fn refusal(text: &[u8]) -> Outcome {
    let text = String::from_utf8_lossy(text);
    let (number, why) = text.split_once(' ').unwrap_or((&text, ""));
    match number.parse::<u32>().map(|number| number & CODE) {
        Ok(code) if CANCELED.contains(&code) => Outcome::Canceled,
        Ok(TIMEOUT) => Outcome::TimedOut,
        Ok(NO_TERMINAL) => Outcome::Broken(Broken::NoScreen(why.to_owned())),
        Ok(_) => Outcome::Broken(Broken::Said(why.to_owned())),
        Err(_) => Outcome::Broken(Broken::Foreign),
    }
}

/// What the person typed, as it arrives.
struct Answer(Zeroizing<Vec<u8>>);

impl Default for Answer {
    /// Allocated at full size, since growing would leave copies of a secret in memory.
    fn default() -> Self {
        Self(Zeroizing::new(Vec::with_capacity(OUTPUT_LIMIT + LONGEST_LINE)))
    }
}

impl Answer {
    /// Adds the rest of a `D` line, in which `%0A` is a line feed.
    fn add(&mut self, escaped: &[u8]) {
        let mut rest = escaped;
        while let Some((byte, after)) = rest.split_first() {
            let code = (*byte == b'%').then(|| after.get(..2)).flatten();
            let code = code.and_then(|digits| std::str::from_utf8(digits).ok());
            if let Some(code) = code.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
                self.0.push(code);
                rest = &after[2..];
            } else {
                self.0.push(*byte);
                rest = after;
            }
        }
    }

    fn text(&self) -> Result<Secret<String>, Unanswered> {
        std::str::from_utf8(&self.0).map(Secret::from).map_err(|_| Broken::NotText.into())
    }
}

/// A command and its argument, escaped and shortened to what fits into a line.
fn command(word: &str, argument: &str) -> String {
    let mut line = format!("{word} ");
    for character in argument.chars() {
        let mut bytes = [0; 4];
        let escaped = match character {
            '%' | '\r' | '\n' => format!("%{:02X}", u32::from(character)),
            _ => character.encode_utf8(&mut bytes).to_owned(),
        };
        if line.len() + escaped.len() > LONGEST_LINE {
            break;
        }
        line += &escaped;
    }
    line + "\n"
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Answer, Listener, Outcome, Reply, Talk, command};
    use crate::code::dialog::question::{Ask, Broken};

    const ASK: Ask<'_> = Ask {
        text: String::new(),
        label: String::new(),
        news: String::new(),
        limit: Duration::from_secs(120),
        is_unwanted: &|| false,
    };

    /// What is sent in answer to each line, and what comes of it.
    fn hold(talk: &mut Talk<'_>, lines: &[&str]) -> Vec<String> {
        let (mut printed, mut sent) = (String::new(), Vec::new());
        for line in lines {
            printed += line;
            printed += "\n";
            loop {
                match talk.reply(printed.as_bytes()) {
                    Reply::Say(line) => sent.push(line),
                    Reply::Wait => break,
                    Reply::Over => {
                        sent.push("(over)".to_owned());
                        break;
                    }
                }
            }
        }
        sent
    }

    #[test]
    fn each_line_is_sent_when_the_one_before_it_was_answered() {
        let ask = Ask {
            text: "MFA code for 100%\n(phone): ".to_owned(),
            label: "MFA code".to_owned(),
            news: "no".to_owned(),
            ..ASK
        };
        let mut talk = Talk::new(&[("ttyname", "/dev/pts/3".to_owned())], &ask);
        let lines = [
            "OK Pleased to meet you",
            "ERR 83886254 Unknown option",
            "# a comment",
            "OK",
            "OK",
            "S PASSWORD_FROM_CACHE",
            "OK",
            "OK",
            "OK",
            "D 12%253",
            "D 4",
            "OK",
            "OK closing",
        ];
        let sent = hold(&mut talk, &lines);
        assert_eq!(
            sent,
            [
                "OPTION ttyname=/dev/pts/3\n",
                "SETTIMEOUT 119\n",
                "SETTITLE mfa-cred\n",
                "SETDESC MFA code for 100%25%0A(phone)\n",
                "SETPROMPT MFA code:\n",
                "SETERROR no\n",
                "GETPIN\n",
                "(over)",
                "(over)",
            ]
        );
        assert!(matches!(talk.outcome, Some(Outcome::Answer)));
        assert_eq!(talk.answer.text().expect("text").expose(), "12%34");
    }

    #[test]
    fn a_dialogs_refusals_are_told_apart() {
        for (line, canceled, timed_out) in [
            ("ERR 83886179 Operation cancelled <Pinentry>", true, false),
            ("ERR 99", true, false),
            ("ERR 83886278 fully cancelled", true, false),
            ("ERR 83886194 Not confirmed", true, false),
            ("ERR 83886142 Timeout <Pinentry>", false, true),
            ("ERR 83918950 Inappropriate ioctl for device <Pinentry>", false, false),
            ("ERR what", false, false),
            ("hello", false, false),
            ("INQUIRE QUALITY", false, false),
            ("BYE", false, false),
        ] {
            let mut talk = Talk::new(&[], &ASK);
            hold(&mut talk, &["OK", "OK", "OK", "OK", "OK", line]);
            let outcome = talk.outcome.expect(line);
            assert_eq!(matches!(outcome, Outcome::Canceled), canceled, "{line}");
            assert_eq!(matches!(outcome, Outcome::TimedOut), timed_out, "{line}");
            assert_eq!(matches!(outcome, Outcome::Broken(_)), !canceled && !timed_out, "{line}");
        }
        for greeting in ["ERR 1 no", "D 123456", "hello"] {
            let mut talk = Talk::new(&[], &ASK);
            hold(&mut talk, &[greeting]);
            assert!(matches!(talk.outcome, Some(Outcome::Broken(Broken::Foreign))), "{greeting}");
        }
    }

    #[test]
    fn nothing_typed_is_an_answer_and_an_endless_line_is_not() {
        let mut talk = Talk::new(&[], &ASK);
        hold(&mut talk, &["OK", "OK", "OK", "OK", "OK", "OK"]);
        assert!(matches!(talk.outcome, Some(Outcome::Answer)) && talk.answer.0.is_empty());
        let mut talk = Talk::new(&[], &ASK);
        assert_eq!(talk.reply(&[b'x'; 1000]), Reply::Wait);
        assert_eq!(talk.reply(&[b'x'; 1001]), Reply::Over);
    }

    #[test]
    fn no_text_becomes_another_command_or_a_longer_line() {
        assert_eq!(command("SETDESC", "a\r\nGETPIN\n50%"), "SETDESC a%0D%0AGETPIN%0A50%25\n");
        for text in ["x", "%", "東"] {
            let line = command("SETDESC", &text.repeat(2000));
            assert!((990..=1001).contains(&line.len()) && line.ends_with('\n'), "{text}: {}", line.len());
        }
    }

    #[test]
    fn escapes_are_undone_and_stray_ones_kept() {
        for (escaped, text) in [("%41%2542", "A%42"), ("50%", "50%"), ("%zz%4", "%zz%4"), ("a b", "a b")] {
            let mut answer = Answer::default();
            answer.add(escaped.as_bytes());
            assert_eq!(answer.text().expect("text").expose(), text);
        }
        let mut answer = Answer::default();
        answer.add(b"%FF");
        assert!(answer.text().is_err());
    }
}
