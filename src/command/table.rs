//! Rows for people, and the same rows for pipes.

use std::io::IsTerminal;

use comfy_table::{ContentArrangement, Table, presets};
use jiff::Timestamp;

use crate::names::Lifetime;
use crate::talk::one_line;

/// How long until `end`: `47m`, `11h59m`, below a minute `12s`, and `over` after it.
pub(super) fn left(end: Timestamp, now: Timestamp) -> String {
    let secs = end.duration_since(now).as_secs();
    match u32::try_from(secs) {
        Ok(0) | Err(_) => "over".to_owned(),
        Ok(secs @ 1..60) => Lifetime::from_secs(secs).to_string(),
        // Whole minutes, rounded down: nobody is told of a minute that is not there.
        Ok(secs) => Lifetime::from_secs(secs / 60 * 60).to_string(),
    }
}

/// Columns that fit the terminal; in a pipe, tabs between the cells and no headings.
pub(super) fn render(headings: &[&str], rows: &[Vec<String>]) -> String {
    let cell = |text: &String| one_line(text);
    if !std::io::stdout().is_terminal() {
        return rows.iter().map(|row| row.iter().map(cell).collect::<Vec<_>>().join("\t") + "\n").collect();
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    if let Some(width) = width() {
        table.set_width(width);
    }
    table.set_header(headings);
    table.add_rows(rows.iter().map(|row| row.iter().map(cell).collect::<Vec<_>>()));
    table.trim_fmt() + "\n"
}

#[cfg(unix)]
fn width() -> Option<u16> {
    rustix::termios::tcgetwinsize(std::io::stdout()).ok().map(|size| size.ws_col).filter(|&width| width > 0)
}

#[cfg(not(unix))]
fn width() -> Option<u16> {
    None
}

#[cfg(test)]
mod tests {
    use super::left;
    use jiff::{SignedDuration, Timestamp};

    #[test]
    fn time_left() {
        let now = Timestamp::UNIX_EPOCH;
        for (secs, text) in
            [(-5, "over"), (0, "over"), (12, "12s"), (119, "1m"), (47 * 60 + 59, "47m"), (43_199, "11h59m")]
        {
            assert_eq!(left(now + SignedDuration::from_secs(secs), now), text);
        }
    }
}
