//! Tables for people, and the same rows for pipes.
//!
//! On a terminal the columns line up, even with characters that are two cells wide, and every row fits on one line: in
//! a narrow window the least important columns are dropped first, then the longest cells are shortened in the middle.
//! If the last column is the time left, it is colored. In a pipe every cell is complete, and tabs separate them.

use std::io::IsTerminal;

use comfy_table::{ContentArrangement, presets};
use jiff::{SignedDuration, Timestamp};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::messages::{Messages, one_line};
use crate::names::Lifetime;

/// Less time left than this is highlighted.
const SOON: SignedDuration = SignedDuration::from_mins(15);

/// The time until `end`: `47m`, `11h59m`, `12s` below a minute, and `expired` after the end.
pub(crate) fn left(end: Timestamp, now: Timestamp) -> String {
    let secs = end.duration_since(now).as_secs();
    match u32::try_from(secs) {
        Ok(0) | Err(_) => "expired".to_owned(),
        Ok(secs @ 1..60) => Lifetime::from_secs(secs).to_string(),
        // Whole minutes, rounded down, so that it never promises more time than there is.
        Ok(secs) => Lifetime::from_secs(secs / 60 * 60).to_string(),
    }
}

/// A column with its heading.
#[derive(Clone, Copy)]
pub(crate) struct Column {
    heading: &'static str,
    /// The order in which it is dropped in a narrow window; `None` keeps it.
    dropped: Option<u8>,
}

impl Column {
    /// A column that is never dropped.
    pub(crate) const fn kept(heading: &'static str) -> Self {
        Self { heading, dropped: None }
    }

    /// A column that is dropped before those with a higher `turn`.
    pub(crate) const fn dropped(heading: &'static str, turn: u8) -> Self {
        Self { heading, dropped: Some(turn) }
    }
}

/// A table. The last cell of a row may be the time left.
pub(crate) struct Table {
    columns: &'static [Column],
    rows: Vec<Vec<String>>,
    colors: Vec<&'static str>,
    /// Indexes of the rows marked with a star.
    marked: Vec<usize>,
}

impl Table {
    pub(crate) fn new(columns: &'static [Column]) -> Self {
        Self { columns, rows: Vec::new(), colors: Vec::new(), marked: Vec::new() }
    }

    /// Adds a row: its cells, followed by the time left until `end`, or `-` without an end.
    pub(crate) fn add(&mut self, mut cells: Vec<String>, end: Option<Timestamp>, now: Timestamp) {
        self.colors.push(match end.map(|end| end.duration_since(now)) {
            None => "",
            Some(left) if left <= SignedDuration::ZERO => "31",
            Some(left) if left < SOON => "33",
            Some(_) => "32",
        });
        cells.push(end.map_or_else(|| "-".to_owned(), |end| left(end, now)));
        self.rows.push(cells.iter().map(|cell| one_line(cell)).collect());
    }

    /// Has it no rows?
    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Marks the last row with a star in front of it, on a terminal.
    pub(crate) fn mark_last(&mut self, is_marked: bool) {
        self.marked.extend(self.rows.len().checked_sub(1).filter(|_| is_marked));
    }

    /// Adds a row without a time.
    pub(crate) fn add_plain(&mut self, cells: &[String]) {
        self.colors.push("");
        self.rows.push(cells.iter().map(|cell| one_line(cell)).collect());
    }

    /// Formats the rows for stdout: on a terminal an aligned table, or the text `without_rows` if it is empty; in a
    /// pipe cells separated by tabs, without headings.
    pub(crate) fn to_stdout(&self, in_color: bool, without_rows: &str) -> String {
        if !std::io::stdout().is_terminal() {
            return self.rows.iter().map(|row| row.join("\t") + "\n").collect();
        }
        let width = width().map_or(usize::MAX, usize::from);
        if self.rows.is_empty() {
            return fold(without_rows, width) + "\n";
        }
        self.lines(width, in_color).join("\n") + "\n"
    }

    /// Lines of at most `width` columns, the headings first.
    pub(crate) fn lines(&self, width: usize, in_color: bool) -> Vec<String> {
        let mut shown: Vec<usize> = (0..self.columns.len()).collect();
        let mut widths: Vec<usize> = shown.iter().map(|&column| self.width_of(column)).collect();
        // Each cell has a space on both sides.
        while widths.iter().map(|width| width + 2).sum::<usize>() > width {
            let next = (0..shown.len()).filter_map(|at| Some((self.columns[shown[at]].dropped?, at))).min();
            let Some((_, at)) = next else { break };
            shown.remove(at);
            widths.remove(at);
        }
        while let over @ 1.. = widths.iter().map(|width| width + 2).sum::<usize>().saturating_sub(width) {
            let longest = widths.iter_mut().max().expect("a table has columns");
            if *longest <= 3 {
                break;
            }
            *longest = longest.saturating_sub(over.div_ceil(2)).max(3);
        }
        let fit = |row: &dyn Fn(usize) -> String| -> Vec<String> {
            shown.iter().zip(&widths).map(|(&column, &width)| cut(&row(column), width)).collect()
        };
        let mut table = comfy_table::Table::new();
        table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
        table.set_header(fit(&|column| self.columns[column].heading.to_owned()));
        table.add_rows(self.rows.iter().map(|row| fit(&|column| row[column].clone())));
        let mut lines: Vec<String> = table.lines().map(|line| line.trim_end().to_owned()).collect();
        for row in &self.marked {
            if let Some(line) = lines.get_mut(row + 1) {
                // Replaces the space in front of the first cell.
                line.replace_range(..1, "*");
            }
        }
        if in_color {
            for ((line, row), color) in lines.iter_mut().skip(1).zip(&self.rows).zip(&self.colors) {
                if let (Some(last), false) = (row.last(), color.is_empty())
                    && let Some(rest) = line.strip_suffix(last.as_str())
                {
                    *line = format!("{rest}\x1b[{color}m{last}\x1b[0m");
                }
            }
        }
        lines
    }

    fn width_of(&self, column: usize) -> usize {
        let cells = self.rows.iter().map(|row| row[column].width());
        cells.max().unwrap_or_default().max(self.columns[column].heading.width())
    }
}

/// Lines for stdout. On a terminal they are wrapped between words with an indent, and the home directory is
/// abbreviated; in a pipe they are unchanged.
pub(crate) fn folded(text: &str, messages: Messages) -> String {
    match width().filter(|_| std::io::stdout().is_terminal()) {
        Some(width) => messages.tilde(text).lines().map(|line| fold(line, width.into()) + "\n").collect(),
        None => text.to_owned(),
    }
}

/// Wraps a line to at most `width` columns; a wider word gets a line of its own.
fn fold(line: &str, width: usize) -> String {
    if line.width() <= width {
        return line.to_owned();
    }
    let indent = line.len() - line.trim_start().len();
    let (mut out, mut used) = (" ".repeat(indent), indent);
    for word in line.split_whitespace() {
        let is_first = used == indent && out.trim().is_empty();
        if !is_first && used + 1 + word.width() > width {
            let further = indent + 4;
            out.push('\n');
            out.push_str(&" ".repeat(further));
            used = further;
        } else if !is_first {
            out.push(' ');
            used += 1;
        }
        out.push_str(word);
        used += word.width();
    }
    out
}

/// Shortens the text to at most `width` columns by leaving out its middle: names that start alike often differ at the
/// end.
pub(crate) fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let room = width.saturating_sub(1);
    let (head, tail) = (room.div_ceil(2), room / 2);
    let take = |chars: &mut dyn Iterator<Item = char>, room: usize| {
        let mut taken = 0;
        let fits = |c: &char| {
            taken += c.width().unwrap_or_default();
            taken <= room
        };
        chars.take_while(fits).collect::<Vec<char>>()
    };
    let head: String = take(&mut text.chars(), head).into_iter().collect();
    let tail: String = take(&mut text.chars().rev(), tail).into_iter().rev().collect();
    format!("{head}…{tail}")
}

/// The width of the terminal that stdout is connected to, in columns; `None` if it is not a terminal.
pub(crate) fn width() -> Option<u16> {
    terminal_size::terminal_size_of(std::io::stdout()).map(|(width, _)| width.0).filter(|&width| width > 0)
}

#[cfg(test)]
mod tests {
    use super::{Column, Table, cut, fold, left};
    use jiff::{SignedDuration, Timestamp};
    use unicode_width::UnicodeWidthStr;

    const COLUMNS: [Column; 4] =
        [Column::kept("PROFILE"), Column::dropped("KIND", 1), Column::dropped("SOURCE", 0), Column::kept("CACHED")];

    fn table() -> Table {
        let now = Timestamp::UNIX_EPOCH;
        let mut table = Table::new(&COLUMNS);
        for (name, kind, source, left) in [
            ("my-test-role", "role", "a-long-source-profile", Some(47)),
            ("東京-prod", "role", "-", Some(3)),
            ("my-very-long-name-that-does-not-fit", "user", "-", None),
        ] {
            let end = left.map(|minutes| now + SignedDuration::from_mins(minutes));
            table.add([name, kind, source].map(str::to_owned).to_vec(), end, now);
        }
        table
    }

    #[test]
    fn time_left() {
        let now = Timestamp::UNIX_EPOCH;
        for (secs, text) in
            [(-5, "expired"), (0, "expired"), (12, "12s"), (119, "1m"), (47 * 60 + 59, "47m"), (43_199, "11h59m")]
        {
            assert_eq!(left(now + SignedDuration::from_secs(secs), now), text);
        }
    }

    #[test]
    fn a_narrow_window_loses_columns_and_then_the_middle_of_names() {
        for (width, lines) in [
            (
                100,
                [
                    " PROFILE                              KIND  SOURCE                 CACHED",
                    " my-test-role                         role  a-long-source-profile  47m",
                    " 東京-prod                            role  -                      3m",
                    " my-very-long-name-that-does-not-fit  user  -                      -",
                ],
            ),
            (
                60,
                [
                    " PROFILE                              KIND  CACHED",
                    " my-test-role                         role  47m",
                    " 東京-prod                            role  3m",
                    " my-very-long-name-that-does-not-fit  user  -",
                ],
            ),
            (
                30,
                [
                    " PROFILE               CACHED",
                    " my-test-role          47m",
                    " 東京-prod             3m",
                    " my-very-lo…s-not-fit  -",
                ],
            ),
        ] {
            assert_eq!(table().lines(width, false), lines, "{width}");
        }
        for width in 12..120 {
            for line in table().lines(width, false) {
                assert!(line.width() <= width, "{width}: {line}");
            }
        }
    }

    #[test]
    fn lines_are_wrapped_between_words_with_an_indent() {
        for (line, width, lines) in [
            ("  region = eu-west-1    ~/.aws/config:8", 60, "  region = eu-west-1    ~/.aws/config:8"),
            ("  region = eu-west-1    ~/.aws/config:8", 24, "  region = eu-west-1\n      ~/.aws/config:8"),
            ("a very-long-word-indeed b", 10, "a\n    very-long-word-indeed\n    b"),
            ("very-long-word-indeed", 10, "very-long-word-indeed"),
        ] {
            assert_eq!(fold(line, width), lines, "{width}");
        }
    }

    #[test]
    fn little_time_left_is_highlighted() {
        let lines = table().lines(100, true);
        assert!(lines[1].ends_with("  \x1b[32m47m\x1b[0m") && lines[2].ends_with("  \x1b[33m3m\x1b[0m"), "{lines:?}");
        assert!(lines[3].ends_with('-') && !lines[3].contains('\x1b'), "{lines:?}");
    }

    #[test]
    fn a_long_cell_loses_its_middle() {
        for (text, width, shown) in [
            ("my-test-role", 12, "my-test-role"),
            ("my-test-role", 7, "my-…ole"),
            ("東京都港区", 7, "東…区"),
            ("abc", 1, "…"),
        ] {
            assert_eq!(cut(text, width), shown);
        }
    }
}
