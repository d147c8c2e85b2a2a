//! bash: uses the statements of [`posix`]; its completion also works within open quotes.

use super::candidates::{Candidate, Cursor};
use super::{ColorMarks, Completion, Dialect, Init, Loading, Shell, Startup, Statements, Words, posix};

pub(super) const DIALECT: Dialect = Dialect {
    name: "bash",
    programs: &[],
    statements: Statements::SameAs(Shell::Posix),
    evaluating: |command| format!("eval $({command})"),
    init: Some(Init {
        command: include_str!("../../shell/mfa-cred.bash"),
        segment: Some(include_str!("../../shell/prompt.bash")),
        renewal: Some(include_str!("../../shell/renew.bash")),
        quote: posix::quoted,
        loading: Loading::Line("eval \"$(__BINARY__ init bash)\""),
    }),
    completion: Some(Completion {
        script: include_str!("../../completions/mfa-cred.bash"),
        call: "command mfa-cred ",
        call_at: |program| format!("command {program} "),
        comes_first: false,
        words: Words::Line,
        can_offer: true,
        offer,
    }),
    color_marks: Some(ColorMarks { before: "\x01", after: "\x02" }),
    startup: &[
        Startup::Home(".bashrc"),
        Startup::Home(".bash_profile"),
        Startup::Home(".bash_login"),
        Startup::Home(".profile"),
    ],
};

/// The typed part of the word, unchanged, followed by the rest of the value, quoted for the position of the cursor.
fn offer(cursor: &Cursor<'_>, candidates: &[Candidate]) -> String {
    let (line, typed) = (cursor.line, cursor.line.kept(cursor.replaced));
    let rest_of = |candidate: &Candidate| {
        let word = cursor.word(candidate);
        let rest = word.strip_prefix(line.current())?;
        Some(format!("{typed}{}\n", line.quote().continue_with(rest, typed.is_empty())))
    };
    candidates.iter().filter_map(rest_of).collect()
}
