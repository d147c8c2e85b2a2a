//! Typing errors: a misspelled command, a command of `exec` without its `--`.
//!
//! It runs only when a command line was refused or a profile does not exist; a line that works never comes here.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Command};

use super::{VERBS, tree, usage};

/// A command line, read as far as possible without knowing whether it is valid.
struct Typed<'a> {
    argv: &'a [OsString],
    /// The command, by its own name.
    verb: Option<String>,
    /// The positions of the words that are neither options, nor their values, nor the command.
    words: Vec<usize>,
    /// Is there a `--`?
    has_dashes: bool,
    /// The options that the command accepts.
    options: Vec<String>,
}

impl<'a> Typed<'a> {
    fn read(argv: &'a [OsString]) -> Self {
        let mut root = tree();
        root.build();
        let mut command = &root;
        let mut line = Self { argv, verb: None, words: Vec::new(), has_dashes: false, options: Vec::new() };
        let mut at = 1;
        while let Some(word) = argv.get(at) {
            let word = word.to_string_lossy();
            if word == "--" {
                line.has_dashes = true;
                break;
            }
            if is_option(&word) {
                let has_value = word.starts_with("--") && word.contains('=');
                let takes_value = option(command, &word).is_some_and(|option| option.get_action().takes_values());
                at += usize::from(takes_value && !has_value);
            } else if let Some(inner) =
                command.find_subcommand(&*word).filter(|_| line.words.is_empty() && line.verb.is_none())
            {
                command = inner;
                line.verb = Some(inner.get_name().to_owned());
            } else {
                line.words.push(at);
            }
            at += 1;
        }
        line.has_dashes |= argv.iter().skip(at).any(|word| word == "--");
        line.options = names(command);
        line
    }

    fn word(&self, n: usize) -> Option<String> {
        self.words.get(n).map(|at| self.argv[*at].to_string_lossy().into_owned())
    }

    fn is_exec_without_dashes(&self) -> bool {
        self.verb.as_deref() == Some("exec") && !self.has_dashes
    }

    /// The words from that position on, quoted as a person types them.
    fn rest(&self, from: usize) -> String {
        let words = self.argv[from..].iter().map(|word| word.to_string_lossy());
        shlex::try_join(words.collect::<Vec<_>>().iter().map(|word| &**word)).unwrap_or_default()
    }
}

/// A word that starts with a dash.
fn is_option(word: &str) -> bool {
    word.len() > 1 && word.starts_with('-')
}

/// The option that such a word is, if it is one of this command's.
fn option<'a>(command: &'a Command, word: &str) -> Option<&'a Arg> {
    if let Some(long) = word.strip_prefix("--") {
        let name = long.split_once('=').map_or(long, |(name, _)| name);
        return command.get_arguments().find(|arg| arg.get_long() == Some(name));
    }
    let last = word.chars().next_back();
    command.get_arguments().find(|arg| arg.get_short() == last)
}

/// All options of a command, as they are typed.
fn names(command: &Command) -> Vec<String> {
    let long = command.get_arguments().filter_map(|arg| Some(format!("--{}", arg.get_long()?)));
    let short = command.get_arguments().filter_map(|arg| Some(format!("-{}", arg.get_short()?)));
    long.chain(short).collect()
}

/// The line of an `exec` without `--`, with `--` added. If a later word could be an option of either program, nothing is
/// guessed.
pub(super) fn with_dashes(argv: &[OsString]) -> Result<Option<Vec<OsString>>, clap::Error> {
    let line = Typed::read(argv);
    let (true, Some(&at)) = (line.is_exec_without_dashes(), line.words.get(1)) else { return Ok(None) };
    let is_ours = |word: &OsString| {
        let word = word.to_string_lossy();
        let name = word.split_once('=').map_or(&*word, |(name, _)| name).to_owned();
        let letters = || name.strip_prefix('-').filter(|letters| !letters.starts_with('-') && !letters.is_empty());
        let all_short = || letters().is_some_and(|all| all.chars().all(|c| line.options.contains(&format!("-{c}"))));
        line.options.contains(&name) || all_short()
    };
    let Some(doubtful) = argv[at + 1..].iter().find(|word| is_ours(word)) else {
        let (before, after) = argv.split_at(at);
        return Ok(Some([before, &["--".into()], after].concat()));
    };
    let (doubtful, program) = (doubtful.to_string_lossy(), argv[at].to_string_lossy());
    let profile = line.word(0).unwrap_or_default();
    let whole = format!("mfa-cred exec {} -- {}", quoted(&profile), line.rest(at));
    let text = format!(
        "`{}` could be an option of mfa-cred or of `{}`\n\nhint: put `--` before the command: `{whole}`",
        doubtful.escape_debug(),
        program.escape_debug()
    );
    Err(usage(ErrorKind::ArgumentConflict, text))
}

/// The message of clap, with what the line probably means.
pub(super) fn explained(mut error: clap::Error, argv: &[OsString]) -> clap::Error {
    if !error.use_stderr() {
        return error;
    }
    let line = Typed::read(argv);
    let tip = match &line.verb {
        None => line.word(0).and_then(|word| {
            let near = near(&word)?;
            Some(format!("there is a command `{near}`; `{}` is read as a profile", word.escape_debug()))
        }),
        Some(_) if line.is_exec_without_dashes() && line.words.len() == 1 => {
            Some("put the command of `exec` and its options after `--`".to_owned())
        }
        Some(_) => None,
    };
    if let Some(tip) = tip {
        // What is like the second word is no answer to a first one that is wrong.
        error.remove(ContextKind::SuggestedSubcommand);
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
    }
    error
}

/// What was probably meant by a line whose profile does not exist.
pub struct Meant {
    /// The error, in place of one about profiles.
    pub instead: Option<String>,
    /// What to type.
    pub hint: String,
}

/// What was probably meant by a line that names this profile, which does not exist.
pub fn meant(argv: &[OsString], name: &str) -> Option<Meant> {
    let line = Typed::read(argv);
    if line.word(0).is_none_or(|word| word != name) {
        return None;
    }
    match &line.verb {
        None => near(name).map(|near| Meant {
            instead: Some(format!("`{name}` is neither a command nor a profile")),
            hint: format!("did you mean `mfa-cred {near}`?"),
        }),
        Some(_) if line.is_exec_without_dashes() => {
            let command = line.rest(*line.words.first()?);
            let hint = format!("if `{name}` is a program to run: `mfa-cred exec -- {command}`");
            Some(Meant { instead: None, hint })
        }
        Some(_) => None,
    }
}

fn quoted(word: &str) -> String {
    shlex::try_quote(word).map_or_else(|_| word.to_owned(), std::borrow::Cow::into_owned)
}

/// The names that other tools give to our commands.
const ELSEWHERE: [(&str, &str); 13] = [
    ("ls", "list"),
    ("list-profiles", "list"),
    ("profiles", "list"),
    ("logoff", "logout"),
    ("signoff", "logout"),
    ("signout", "logout"),
    ("sign-out", "logout"),
    ("signin", "login"),
    ("sign-in", "login"),
    ("whoami", "status"),
    ("version", "--version"),
    ("export-credentials", "env"),
    ("credential-process", "process"),
];

/// The command that a word resembles, or that has this name in another tool: one letter in three may be wrong, or the
/// end may be missing.
pub(super) fn near(word: &str) -> Option<&'static str> {
    if let Some((_, verb)) = ELSEWHERE.iter().find(|(name, _)| name.eq_ignore_ascii_case(word)) {
        return Some(verb);
    }
    let visible = VERBS.iter().copied().filter(|verb| !verb.starts_with("__"));
    let word = word.to_lowercase();
    let length = word.chars().count();
    if !(2..=20).contains(&length) {
        return None;
    }
    let distance = |verb: &str| {
        let distance = strsim::osa_distance(&word, verb);
        let is_short = length >= 3 && verb.starts_with(&word);
        (is_short || distance <= (verb.len().max(length) / 3).max(1)).then_some(distance)
    };
    visible.filter_map(|verb| Some((distance(verb)?, verb))).min().map(|(_, verb)| verb)
}

#[cfg(test)]
mod tests {
    use super::{meant, near, with_dashes};
    use std::ffi::OsString;

    fn argv(line: &str) -> Vec<OsString> {
        std::iter::once("mfa-cred").chain(line.split(' ').filter(|word| !word.is_empty())).map(Into::into).collect()
    }

    #[test]
    fn near_names() {
        for (word, verb) in [
            ("lst", Some("list")),
            ("lits", Some("list")),
            ("List", Some("list")),
            ("stauts", Some("status")),
            ("stat", Some("status")),
            ("devices", Some("device")),
            ("porcess", Some("process")),
            ("completion", Some("completions")),
            ("exprt", Some("export")),
            ("env2", Some("env")),
            ("prod", None),
            ("my-test-role", None),
            ("x", None),
            ("evaluates", None),
            ("ls", Some("list")),
            ("Logout", Some("logout")),
            ("sign-out", Some("logout")),
            ("version", Some("--version")),
            ("credential-process", Some("process")),
        ] {
            assert_eq!(near(word), verb, "{word}");
        }
    }

    #[test]
    fn the_dashes_of_exec_are_put_where_nothing_is_ambiguous() {
        for (line, with) in [
            ("exec p printenv", Some("exec p -- printenv")),
            ("exec p ls -l --all", Some("exec p -- ls -l --all")),
            ("exec p env exec p", Some("exec p -- env exec p")),
            ("--region eu-west-1 exec p --refresh ls -l", Some("--region eu-west-1 exec p --refresh -- ls -l")),
            ("exec p", None),
            ("exec", None),
            ("exec p -- ls", None),
            ("exec p git log -- file", None),
            ("env p q", None),
            ("p q", None),
        ] {
            let with = with.map(argv);
            assert_eq!(with_dashes(&argv(line)).expect("nothing is ambiguous"), with, "{line}");
        }
        for (line, says) in [
            ("exec p aws s3 ls --region eu-west-1", "mfa-cred exec p -- aws s3 ls --region eu-west-1"),
            ("exec p grep -v x", "mfa-cred exec p -- grep -v x"),
            ("exec p ls -qv", "mfa-cred exec p -- ls -qv"),
            ("exec p x --region=y", "mfa-cred exec p -- x '--region=y'"),
            ("exec p man -h", "mfa-cred exec p -- man -h"),
        ] {
            let said = with_dashes(&argv(line)).expect_err(line).to_string();
            assert!(said.contains(says), "{line}: {said}");
        }
    }

    #[test]
    fn what_was_meant() {
        for (line, name, says) in [
            ("lst", "lst", Some("did you mean `mfa-cred list`?")),
            ("--region eu-west-1 lst", "lst", Some("did you mean `mfa-cred list`?")),
            ("env lst", "lst", None),
            ("prod", "prod", None),
            ("exec printenv", "printenv", Some("if `printenv` is a program to run: `mfa-cred exec -- printenv`")),
            (
                "exec printenv HOME",
                "printenv",
                Some("if `printenv` is a program to run: `mfa-cred exec -- printenv HOME`"),
            ),
            ("exec x -- y", "x", None),
        ] {
            assert_eq!(meant(&argv(line), name).map(|meant| meant.hint).as_deref(), says, "{line}");
        }
    }
}
