//! Line breaks in the texts that clap prints as they are: examples, lists of two columns, and usage lines.
//!
//! A command line breaks between its words and stays a command that can be pasted. Only a word that is wider than the
//! terminal is left too wide.

/// Text beside a name needs at least this many columns; otherwise it goes below the name.
const LEAST: usize = 24;

/// The indent of text below its name, as clap has it.
const BELOW: usize = 10;

/// Wraps at spaces. The first line starts with `indent` columns, the others with `hang`.
pub(super) fn hung(text: &str, indent: usize, hang: usize, width: usize) -> String {
    let words: Vec<(&str, &str)> = text.split_whitespace().map(|word| (word, "")).collect();
    filled(&words, indent, hang, width)
}

/// Puts as many words on each line as fit. Each word comes with the mark that it needs if the line breaks after it.
fn filled(words: &[(&str, &str)], indent: usize, hang: usize, width: usize) -> String {
    let mut text = " ".repeat(indent);
    let mut used = indent;
    for (at, (word, mark)) in words.iter().enumerate() {
        let mark = if at + 1 == words.len() { "" } else { mark };
        let size = word.chars().count();
        match at.checked_sub(1) {
            None => {}
            Some(_) if used + 1 + size + mark.len() <= width => {
                text.push(' ');
                used += 1;
            }
            Some(before) => {
                text = text + words[before].1 + "\n" + &" ".repeat(hang);
                used = hang;
            }
        }
        text += word;
        used += size;
    }
    text
}

/// Two columns: names, and what they mean.
pub(super) struct Rows {
    /// The width of the names.
    names: usize,
    /// Does every text go below its name?
    is_stacked: bool,
    width: usize,
}

impl Rows {
    /// The layout that suits all of these rows.
    pub(super) fn new(rows: &[(&str, &str)], width: usize) -> Self {
        let names = rows.iter().map(|(name, _)| name.len()).filter(|size| *size <= 30).max().unwrap_or_default();
        let beside = Self { names, is_stacked: false, width };
        let is_stacked = width < beside.column() + LEAST && !rows.iter().all(|(name, what)| beside.fits(name, what));
        Self { is_stacked, ..beside }
    }

    /// Where the texts start.
    fn column(&self) -> usize {
        2 + self.names + 2
    }

    fn fits(&self, name: &str, what: &str) -> bool {
        self.width == usize::MAX || 2 + self.names.max(name.len()) + 2 + what.chars().count() <= self.width
    }

    pub(super) fn row(&self, name: &str, what: &str) -> String {
        let names = self.names;
        if !self.is_stacked && self.fits(name, what) {
            return format!("  {name:names$}  {what}");
        }
        if !self.is_stacked && name.len() <= names {
            let text = hung(what, self.column(), self.column(), self.width);
            return format!("  {name:names$}  {}", text.trim_start());
        }
        format!("{}\n{}", hung(name, 2, 6, self.width), hung(what, BELOW, BELOW, self.width))
    }
}

/// Where a character of a command line stands.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    Open,
    /// Between double quotes or parentheses, where a backslash still joins lines.
    Inner,
    Literal,
}

/// The characters of a command line with their positions and places.
fn places(line: &str) -> Vec<(usize, char, Place)> {
    let (mut quote, mut depth) = (None, 0_usize);
    let place = |(at, c)| {
        match (quote, c) {
            (None, '\'' | '"') => quote = Some(c),
            (Some(open), c) if open == c => quote = None,
            (None | Some('"'), '(') => depth += 1,
            (None | Some('"'), ')') => depth = depth.saturating_sub(1),
            _ => {}
        }
        let place = match quote {
            Some('\'') => Place::Literal,
            None if depth == 0 => Place::Open,
            _ => Place::Inner,
        };
        (at, c, place)
    };
    line.char_indices().map(place).collect()
}

/// A command line and its comment, if it has both.
fn parted(line: &str) -> (&str, Option<&str>) {
    let is_start = |&(at, c, place): &(usize, char, Place)| c == '#' && place == Place::Open && at > 0;
    let start = places(line).into_iter().find(is_start).map(|(at, ..)| at).filter(|at| line[..*at].ends_with(' '));
    start.map_or((line, None), |at| (line[..at].trim_end(), Some(&line[at..])))
}

/// The words of a command line, each with the mark for a break after it. A word between quotes or parentheses is parted
/// only if it needs more than `room` columns.
fn words(line: &str, room: usize) -> Vec<(&str, &'static str)> {
    let spaces: Vec<(usize, Place)> =
        places(line).into_iter().filter(|(_, c, _)| *c == ' ').map(|(at, _, place)| (at, place)).collect();
    let mut words = Vec::new();
    let mut start = 0;
    let open = spaces.iter().filter(|(_, place)| *place == Place::Open).map(|(at, _)| *at);
    for end in open.chain([line.len()]) {
        if end - start > room {
            let whole = start..end;
            for (at, place) in spaces.iter().filter(|(at, _)| whole.contains(at)) {
                // In single quotes a backslash would be text.
                words.push((&line[start..*at], if *place == Place::Literal { "" } else { " \\" }));
                start = at + 1;
            }
        }
        words.push((&line[start..end], " \\"));
        start = end + 1;
    }
    words.retain(|(word, _)| !word.is_empty());
    words
}

/// Example lines with an indent of four columns. Comments that do not fit beside their commands go below them.
pub(super) fn examples(text: &str, width: usize) -> String {
    const INDENT: usize = 4;
    let fits = |line: &str| INDENT + line.chars().count() <= width;
    // Every command line that clap reads comes here, mostly for no terminal.
    if width == usize::MAX || text.lines().all(fits) {
        let indented = text.lines().map(|line| if line.is_empty() { String::new() } else { " ".repeat(INDENT) + line });
        return indented.collect::<Vec<_>>().join("\n");
    }
    let are_beside = text.lines().all(|line| parted(line).1.is_none() || fits(line));
    let lines = text.lines().map(|line| {
        let (command, comment) = if are_beside { (line, None) } else { parted(line) };
        let comment = comment.map(|text| format!("\n{}", hung(text, INDENT + 2, INDENT + 4, width)));
        let is_setting = command.starts_with(['[', '#']) || command.split(' ').nth(1) == Some("=");
        let command = match command {
            "" => String::new(),
            _ if fits(command) => " ".repeat(INDENT) + command,
            _ if is_setting => hung(command, INDENT, 2 * INDENT, width),
            _ => filled(&words(command, width.saturating_sub(2 * INDENT + 2)), INDENT, 2 * INDENT, width),
        };
        command + &comment.unwrap_or_default()
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::{Rows, examples, hung};

    #[test]
    fn examples_break_between_words_and_stay_commands() {
        let cases = [
            ("mfa-cred list", 17, "    mfa-cred list"),
            ("mfa-cred exec x -- aws s3 ls", 26, "    mfa-cred exec x -- \\\n        aws s3 ls"),
            ("a b  # why\nc    # what", 15, "    a b  # why\n    c    # what"),
            ("a b  # why\nc    # what", 14, "    a b\n      # why\n    c\n      # what"),
            ("eval \"$(mfa-cred init zsh)\"", 24, "    eval \"$(mfa-cred \\\n        init zsh)\""),
            ("evaluate it \"$(mfa-cred init zsh)\"", 32, "    evaluate it \\\n        \"$(mfa-cred init zsh)\""),
            // What jq reads may hold a line feed, and no backslash.
            ("jq -r '.[] | .name'", 18, "    jq -r '.[] |\n        .name'"),
            ("echo '#' \"# \" a", 14, "    echo '#' \\\n        \"# \" a"),
            (
                "key = a b\n# c d e\n[pp qqq]",
                10,
                "    key =\n        a\n        b\n    # c d\n        e\n    [pp\n        qqq]",
            ),
            ("a\n\nb", 3, "    a\n\n    b"),
            ("a-very-long-word", 3, "    a-very-long-word"),
        ];
        for (text, width, expected) in cases {
            assert_eq!(examples(text, width), expected, "{text} at {width}");
        }
    }

    #[test]
    fn texts_are_beside_their_names_as_long_as_there_is_room() {
        let rows = [("env", "print statements for a shell"), ("status", "show")];
        let shown = |width| {
            let layout = Rows::new(&rows, width);
            rows.map(|(name, what)| layout.row(name, what)).join("\n")
        };
        assert_eq!(shown(38), "  env     print statements for a shell\n  status  show");
        assert_eq!(shown(37), "  env     print statements for a\n          shell\n  status  show");
        let stacked = "  env\n          print statements for a\n          shell\n  status\n          show";
        assert_eq!(shown(33), stacked);
        assert_eq!(hung("", 2, 4, 1), "  ");
    }
}
