//! An edit as shown to a person: a diff that scrolls by and stays in the terminal's history.
//!
//! In: a file before and after. Out: a unified diff of the changed lines and their context, as far as that is harmless:
//! values as `secret::shown` allows, and no comments, since a comment may contain yesterday's key. A command that the
//! edit itself writes is shown in full, and so is the comment that marks its section, because the person is asked to
//! approve both.

use std::collections::HashSet;

use similar::{ChangeTag, TextDiff};

use super::marked;
use crate::profile::read;
use crate::secret::shown;

/// The number of context lines around a change.
const AROUND: usize = 2;

/// The changed lines of the file with that name.
pub(super) fn unified(before: &[u8], after: &[u8], name: &str) -> String {
    let [before, after] = [before, after].map(|bytes| String::from_utf8_lossy(bytes).replace("\r\n", "\n"));
    let (shown_before, shown_after) = (masked(&before, Whose::Theirs), masked(&after, Whose::Theirs));
    let ours = masked(&after, Whose::Ours);
    let known: HashSet<&str> = before.lines().collect();
    let line = |lines: &[String], at: Option<usize>| at.and_then(|at| lines.get(at).cloned()).unwrap_or_default();
    let diff = TextDiff::from_lines(&before, &after);
    let mut text = format!("--- {name}\n+++ {name}\n");
    for hunk in diff.unified_diff().context_radius(AROUND).iter_hunks() {
        text += &format!("{}\n", hunk.header());
        for change in hunk.iter_changes() {
            let is_known = change.as_str().is_some_and(|line| known.contains(line.trim_end_matches('\n')));
            let shown = match change.tag() {
                ChangeTag::Insert if is_known => line(&shown_after, change.new_index()),
                ChangeTag::Insert => line(&ours, change.new_index()),
                ChangeTag::Delete | ChangeTag::Equal => line(&shown_before, change.old_index()),
            };
            text += &format!("{}{shown}\n", change.tag());
            if change.missing_newline() {
                text += "\\ No newline at end of file\n";
            }
        }
    }
    text
}

/// Who wrote a line.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Whose {
    /// The edit.
    Ours,
    /// Somebody else.
    Theirs,
}

/// Each line of a file in the form that may be shown.
fn masked(text: &str, whose: Whose) -> Vec<String> {
    // The property that the following lines may continue, and the indentation of its section's properties.
    let (mut parent, mut depth) = (String::new(), None);
    let lines = text.lines().map(|line| {
        let line = line.trim_start_matches('\u{feff}');
        let rest = line.trim_start_matches(read::BLANK);
        let indent = &line[..line.len() - rest.len()];
        if line.starts_with('[') {
            (parent, depth) = (String::new(), None);
            return header(line);
        }
        // Comments and empty lines between the lines of a value do not end it.
        if rest.trim().is_empty() || rest.starts_with(['#', ';']) {
            return format!("{indent}{}", property(rest, whose));
        }
        let depth = *depth.get_or_insert(indent.len());
        if indent.len() > depth {
            return format!("{indent}{}", shown::nested_line(&parent, rest));
        }
        rest.split_once('=').map_or("", |(key, _)| key.trim()).clone_into(&mut parent);
        format!("{indent}{}", property(rest, whose))
    });
    lines.collect()
}

/// A section header without the comment after it.
fn header(line: &str) -> String {
    let mark = line.find(['#', ';']).unwrap_or(line.len());
    let (header, comment) = line.split_at(mark);
    if comment.is_empty() { line.to_owned() } else { format!("{header}# {}", shown::HIDDEN) }
}

fn property(line: &str, whose: Whose) -> String {
    if line.trim().is_empty() {
        return line.to_owned();
    }
    if let Some(mark) = ['#', ';'].into_iter().find(|mark| line.starts_with(*mark)) {
        if whose == Whose::Ours && marked::is_mark(line) {
            return line.trim_end().to_owned();
        }
        return format!("{mark} {}", shown::HIDDEN);
    }
    let (line, comment) = line.split_at(comment_at(line));
    let comment = if comment.is_empty() { String::new() } else { format!(" # {}", shown::HIDDEN) };
    let Some((key, rest)) = line.split_once('=') else { return shown::HIDDEN.to_owned() };
    let value = rest.trim();
    let shown = match whose {
        Whose::Ours if !shown::is_named_like_a_secret(key) || shown::is_a_command(key) => value.into(),
        _ => shown::value(key, value),
    };
    // The line as written, if nothing is hidden.
    if shown == value { format!("{}{comment}", line.trim_end()) } else { format!("{} = {shown}{comment}", key.trim()) }
}

/// Where the white space before a comment starts, else the end.
fn comment_at(line: &str) -> usize {
    let marks = line.char_indices().filter(|(_, c)| matches!(c, '#' | ';')).map(|(at, _)| at);
    let mut begins = marks.filter(|at| line[..*at].ends_with(char::is_whitespace));
    begins.next().map_or(line.len(), |at| line[..at].trim_end().len())
}

#[cfg(test)]
mod tests {
    use super::unified;

    #[test]
    fn possible_secrets_next_to_a_change_are_hidden() {
        let before = "[a] # hunter2\n# old token hunter2\nmfa_serial = one # hunter2\naws_session_token = hunter2\n  \
                      hunter2\n";
        let after = before.replace("one", "two");
        let shown = "--- f\n+++ f\n@@ -1,5 +1,5 @@\n [a] # (hidden)\n # (hidden)\n-mfa_serial = one # (hidden)\n\
                     +mfa_serial = two # (hidden)\n aws_session_token = (hidden)\n   (hidden)\n";
        assert_eq!(unified(before.as_bytes(), after.as_bytes(), "f"), shown);
    }

    #[test]
    fn secrets_are_hidden_at_every_position_next_to_a_change() {
        for beside in [
            "credential_process = vendor --token hunter2",
            "mfa_process = oathtool hunter2",
            "mfa_seed = hunter2",
            "vendor =\n  password = hunter2",
            "vendor =\n  # hunter2",
            "aws_secret_access_key =\n  hunter2",
            "credential_process = vendor\n  hunter2",
            "; aws_secret_access_key = hunter2",
            "endpoint_url = https://me:hunter2@sts.example",
            "region = eu-west-1 ; hunter2",
            "AWS_SECURITY_TOKEN=hunter2",
            "aws_secret_access_key =\n  hunter2=",
        ] {
            let deep = format!("  {}", beside.replace('\n', "\n  "));
            for (before, after) in [
                // If a section's first property is indented, so are all the others.
                (format!("[a]\n{deep}\n  x = 1\n"), format!("[a]\n{deep}\n  x = 2\n")),
                (format!("[a]\n{beside}\nx = 1\n"), format!("[a]\n{beside}\nx = 2\n")),
                (format!("[a]\nx = 1\n{beside}\n"), format!("[a]\nx = 2\n{beside}\n")),
                // Its line gets a line ending, which changes that line, too.
                (format!("[a]\n{beside}"), format!("[a]\n{beside}\nx = 2")),
                (format!("[a]\nx = 1\n{beside}\n"), "[a]\nx = 1\n".to_owned()),
            ] {
                let shown = unified(before.as_bytes(), after.as_bytes(), "f");
                assert!(!shown.contains("hunter2"), "{beside}:\n{shown}");
            }
        }
    }

    #[test]
    fn the_comment_that_marks_a_section_is_shown_when_it_is_written_and_hidden_next_to_a_change() {
        let mark = "# Written by mfa-cred wire for profile a";
        let (before, after) = (String::new(), format!("{mark}\n[a-mfa]\n# hunter2\n"));
        let shown = format!("--- f\n+++ f\n@@ -0,0 +1,3 @@\n+{mark}\n+[a-mfa]\n+# (hidden)\n");
        assert_eq!(unified(before.as_bytes(), after.as_bytes(), "f"), shown);
        let (before, after) = (format!("{mark}\n[b]\nx = 1\n"), format!("{mark}\n[b]\nx = 2\n"));
        assert!(unified(before.as_bytes(), after.as_bytes(), "f").contains("\n # (hidden)\n"));
    }

    #[test]
    fn the_written_value_is_shown_unless_its_key_names_a_secret() {
        let before = "[a]\nregion = x\n";
        let after = "[a]\nregion = x\ncredential_process = mfa-cred process a\naws_secret_access_key = hunter2\n";
        let shown = "--- f\n+++ f\n@@ -1,2 +1,4 @@\n [a]\n region = x\n+credential_process = mfa-cred process a\n\
                     +aws_secret_access_key = (hidden)\n";
        assert_eq!(unified(before.as_bytes(), after.as_bytes(), "f"), shown);
    }
}
