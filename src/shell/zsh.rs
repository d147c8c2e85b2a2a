//! zsh: uses the statements of [`posix`]; its completion passes candidates to `_describe`.

use super::candidates::{Candidate, Cursor};
use super::{ColorMarks, Completion, Dialect, Init, Loading, Shell, Startup, Statements, Words, posix};

pub(super) const DIALECT: Dialect = Dialect {
    name: "zsh",
    programs: &[],
    statements: Statements::SameAs(Shell::Posix),
    evaluating: |command| format!("eval $({command})"),
    init: Some(Init {
        command: include_str!("../../shell/mfa-cred.zsh"),
        segment: Some(include_str!("../../shell/prompt.zsh")),
        renewal: Some(include_str!("../../shell/renew.zsh")),
        quote: posix::quoted,
        loading: Loading::Line("eval \"$(__BINARY__ init zsh)\""),
    }),
    completion: Some(Completion {
        script: include_str!("../../completions/_mfa-cred"),
        call: "command mfa-cred ",
        call_at: |program| format!("command {program} "),
        comes_first: false,
        words: Words::Arguments,
        can_offer: true,
        offer,
    }),
    color_marks: Some(ColorMarks { before: "%{", after: "%}" }),
    startup: &[
        Startup::Below("ZDOTDIR", ".zshrc"),
        Startup::Below("ZDOTDIR", ".zprofile"),
        Startup::Below("ZDOTDIR", ".zlogin"),
        Startup::Below("ZDOTDIR", ".zshenv"),
    ],
};

/// Each candidate as `VALUE:DESCRIPTION`, with colons and backslashes in the value escaped.
fn offer(_: &Cursor<'_>, candidates: &[Candidate]) -> String {
    let line = |Candidate { value, about }: &Candidate| {
        let value = value.replace('\\', "\\\\").replace(':', "\\:");
        if about.is_empty() { value + "\n" } else { format!("{value}:{about}\n") }
    };
    candidates.iter().map(line).collect()
}
