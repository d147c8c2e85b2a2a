//! The picker: lets the user choose a profile when none was named.
//!
//! It filters fuzzily, as the user types, over all columns of a row; the most used profiles come first. It is a
//! [`Dialogue`]: keys in, lines out. It does not touch the terminal itself.

use std::time::Duration;

use jiff::Timestamp;
use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};

use super::table::{Column, Table, cut};
use crate::host::{Dialogue, Key, Terminal, TerminalError};
use crate::messages::one_line;

/// How long the user may leave it without pressing a key.
const PATIENCE: Duration = Duration::from_secs(10 * 60);

/// A row that can be selected.
pub(crate) struct Choice {
    /// All cells except the last, which shows the time left.
    pub(crate) cells: Vec<String>,
    /// When the cached credentials expire, if there are any.
    pub(crate) end: Option<Timestamp>,
    /// The current time by the same clock as `end`.
    pub(crate) now: Timestamp,
}

/// Lets the user pick a profile; `None` if they canceled.
///
/// # Errors
/// There is no one to ask, or the terminal failed.
pub(crate) fn pick(
    columns: &'static [Column],
    choices: Vec<Choice>,
    in_color: bool,
    terminal: &dyn Terminal,
) -> Result<Option<usize>, TerminalError> {
    let mut picker = Picker::new(columns, choices, in_color);
    terminal.converse(&mut picker, PATIENCE)?;
    Ok(picker.picked)
}

struct Picker {
    columns: &'static [Column],
    all: Vec<Choice>,
    /// The searchable text of each row.
    texts: Vec<String>,
    in_color: bool,
    query: String,
    /// Indexes of the matching rows, best match first.
    found: Vec<usize>,
    /// The index in `found` of the row that Enter selects.
    at: usize,
    /// The number of rows shown last.
    page: usize,
    matcher: Matcher,
    picked: Option<usize>,
}

impl Picker {
    fn new(columns: &'static [Column], all: Vec<Choice>, in_color: bool) -> Self {
        let texts = all.iter().map(|choice| one_line(&choice.cells.join(" "))).collect();
        let found = (0..all.len()).collect();
        let matcher = Matcher::new(Config::DEFAULT);
        Self { columns, all, texts, in_color, query: String::new(), found, at: 0, page: 1, matcher, picked: None }
    }

    fn search(&mut self) {
        let pattern = Pattern::parse(&self.query, CaseMatching::Smart, Normalization::Smart);
        let mut buffer = Vec::new();
        let mut scored: Vec<(u32, usize)> = (0..self.all.len())
            .filter_map(|at| {
                let text = Utf32Str::new(&self.texts[at], &mut buffer);
                Some((pattern.score(text, &mut self.matcher)?, at))
            })
            .collect();
        // If two rows match equally well, the more frequently used one comes first.
        scored.sort_by_key(|&(score, at)| (std::cmp::Reverse(score), at));
        self.found = scored.into_iter().map(|(_, at)| at).collect();
        self.at = 0;
    }

    fn go(&mut self, to: usize) {
        self.at = to.min(self.found.len().saturating_sub(1));
    }
}

impl Dialogue for Picker {
    fn draw(&mut self, columns: usize, rows: usize) -> Vec<String> {
        let count = format!("{}/{}", self.found.len(), self.all.len());
        let prompt = cut(&format!("Profile: {}", one_line(&self.query)), columns.saturating_sub(count.len() + 3));
        let mut lines = vec![format!("{prompt}_  {count}")];
        // Three lines are taken: the prompt, the headings and the help for the keys.
        self.page = rows.saturating_sub(3).max(1);
        let first = self.at / self.page * self.page;
        let shown = &self.found[first.min(self.found.len())..self.found.len().min(first + self.page)];
        let mut table = Table::new(self.columns);
        for &at in shown {
            let Choice { cells, end, now } = &self.all[at];
            table.add(cells.clone(), *end, *now);
        }
        for (n, line) in table.lines(columns.saturating_sub(1), self.in_color).into_iter().enumerate() {
            let is_chosen = n == self.at - first + 1;
            let mark = if is_chosen { '>' } else { ' ' };
            let (bold, plain) = if is_chosen && self.in_color { ("\x1b[1m", "\x1b[0m") } else { ("", "") };
            lines.push(format!("{bold}{mark}{line}{plain}"));
        }
        lines.push(cut("Enter select, Esc cancel, type to search", columns));
        lines.truncate(rows);
        lines
    }

    fn strike(&mut self, key: Key) -> bool {
        match key {
            Key::Enter => {
                self.picked = self.found.get(self.at).copied();
                return self.picked.is_some();
            }
            Key::Escape => return true,
            Key::Up => self.go(self.at.checked_sub(1).unwrap_or(self.found.len())),
            Key::Down => self.go(if self.at + 1 < self.found.len() { self.at + 1 } else { 0 }),
            Key::PageUp => self.go(self.at.saturating_sub(self.page)),
            Key::PageDown => self.go(self.at + self.page),
            Key::Char(c) => {
                self.query.push(c);
                self.search();
            }
            Key::EraseChar => {
                self.query.pop();
                self.search();
            }
            Key::EraseWord => {
                let rest = self.query.trim_end();
                let end = rest.rfind(' ').map_or(0, |space| space + 1);
                self.query.truncate(end);
                self.search();
            }
            Key::EraseAll => {
                self.query.clear();
                self.search();
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::{Choice, Column, Picker};
    use crate::host::{Dialogue, Key};
    use jiff::Timestamp;
    use unicode_width::UnicodeWidthStr;

    const COLUMNS: [Column; 4] =
        [Column::kept("PROFILE"), Column::dropped("ACCOUNT", 1), Column::dropped("ROLE", 0), Column::kept("LEFT")];

    fn choice(name: &str, account: &str) -> Choice {
        let cells = vec![name.to_owned(), account.to_owned(), format!("{name}-role")];
        Choice { cells, end: None, now: Timestamp::UNIX_EPOCH }
    }

    fn picker() -> Picker {
        let all = [("prod-admin", "111111111111"), ("dev", "222222222222"), ("production", "333333333333")];
        Picker::new(&COLUMNS, all.map(|(name, account)| choice(name, account)).into(), false)
    }

    /// Presses keys, and returns the selected profile.
    fn strike(picker: &mut Picker, keys: &[Key]) -> Option<String> {
        let mut over = false;
        for key in keys {
            assert!(!over, "the dialogue ended before {key:?}");
            over = picker.strike(*key);
        }
        picker.picked.map(|at| picker.all[at].cells[0].clone())
    }

    fn typed(text: &str, then: &[Key]) -> Vec<Key> {
        text.chars().map(Key::Char).chain(then.iter().copied()).collect()
    }

    #[test]
    fn keys_pick() {
        for (keys, picked) in [
            (vec![Key::Enter], Some("prod-admin")),
            (vec![Key::Down, Key::Enter], Some("dev")),
            (vec![Key::Up, Key::Enter], Some("production")),
            (vec![Key::Down, Key::Down, Key::Down, Key::Enter], Some("prod-admin")),
            (vec![Key::Down, Key::Up, Key::Enter], Some("prod-admin")),
            (vec![Key::PageDown, Key::Enter], Some("dev")),
            (vec![Key::Escape], None),
            (typed("prdct", &[Key::Enter]), Some("production")),
            (typed("222", &[Key::Enter]), Some("dev")),
            (typed("nothing", &[Key::Enter]), None),
            (typed("nothing", &[Key::EraseAll, Key::Enter]), Some("prod-admin")),
            (typed("prod xyz", &[Key::EraseWord, Key::Enter]), Some("prod-admin")),
            (typed("devx", &[Key::EraseChar, Key::Enter]), Some("dev")),
        ] {
            assert_eq!(strike(&mut picker(), &keys).as_deref(), picked, "{keys:?}");
        }
    }

    #[test]
    fn the_picker_fits_any_window() {
        let mut picker = picker();
        picker.all[0].cells[0] = "東京".repeat(40);
        strike(&mut picker, &typed("o", &[Key::EraseChar]));
        for (columns, rows) in [(80, 24), (60, 10), (20, 4), (5, 1)] {
            let lines = picker.draw(columns, rows);
            assert!(lines.len() <= rows, "{rows}: {lines:?}");
            if columns >= 20 {
                assert!(lines.iter().all(|line| line.width() <= columns), "{columns}: {lines:?}");
            }
        }
    }

    #[test]
    fn a_hostile_name_is_shown_escaped_and_selected_unchanged() {
        let hostile = "a\x1b[2Jb";
        let mut picker = Picker::new(&COLUMNS, vec![choice(hostile, "1")], false);
        assert!(picker.draw(80, 24).iter().all(|line| !line.contains('\x1b')));
        assert_eq!(strike(&mut picker, &[Key::Enter]).as_deref(), Some(hostile));
    }
}
