//! The page with a new device's seed: the QR code in half blocks, and instructions beside it.
//!
//! In: the seed and the terminal's size. Out: a page of terminal control sequences, which contains the seed and so is a
//! secret. The last two rows stay free for the prompt, so that nothing scrolls: text that scrolls off the screen may be
//! kept.

use qrcode::{Color, EcLevel, QrCode};

use crate::messages::one_line;
use crate::secret::Secret;

/// The width of the text next to the code, in columns.
const WORDS: usize = 30;
/// Rows below the code: the prompt's and the one that the cursor moves to after Enter.
const BELOW: usize = 2;
/// Scanners expect a light border 4 modules wide; most work with one.
const BORDER: usize = 4;
/// A bright white foreground on black. The light modules are drawn as blocks in the foreground color, so the code is
/// black on white in every theme.
const COLORS: &str = "\x1b[0;97;40m";
const PLAIN: &str = "\x1b[0m";
/// The device name in the code is limited to this many characters, because a longer one would make the code too large.
/// Only the app's list shows it.
const NAME: usize = 32;
/// The maximum number of lines for the device name and for a message. AWS's messages have no fixed length.
const NAME_LINES: usize = 2;
const NEWS_LINES: usize = 4;

/// The content of the page.
pub(crate) struct Page<'a> {
    pub(crate) device: &'a str,
    pub(crate) account: &'a str,
    pub(crate) seed: &'a Secret<String>,
    pub(crate) shows_seed: bool,
}

/// A message of the maximum length: if the page fits with it, it fits with any message.
pub(crate) fn longest_news() -> String {
    "x".repeat(WORDS * NEWS_LINES)
}

/// The terminal is too small; these are the rows and columns needed.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct TooSmall {
    pub(crate) rows: usize,
    pub(crate) columns: usize,
}

impl TooSmall {
    /// Shown in place of the page.
    pub(crate) fn notice(&self, rows: u16) -> Secret<String> {
        let Self { rows: needed, columns } = self;
        let text = format!("The window is too small for this page: make it {needed} rows by {columns} columns.");
        Secret::new(format!("\x1b[1;1H{text}\x1b[{};1H", rows.saturating_sub(1).max(1)))
    }
}

impl Page<'_> {
    /// Draws the page for a terminal of that size, with the current message.
    pub(crate) fn draw(&self, news: &str, rows: u16, columns: u16) -> Result<Secret<String>, TooSmall> {
        let (rows, columns) = (usize::from(rows), usize::from(columns));
        let code = self.code();
        let fits = Fit::of(code.width(), rows, columns);
        let (mut parts, left) = match fits {
            Ok(fit) => (vec![blocks(&code, &fit)], fit.columns + 3),
            Err(_) if self.shows_seed && columns >= WORDS => (Vec::new(), 1),
            Err(needed) => return Err(needed),
        };
        let room = rows.saturating_sub(BELOW);
        let lines = [Spacing::Wide, Spacing::Tight].map(|spacing| self.words(news, spacing));
        let [wide, tight] = lines;
        let lines = if wide.len() <= room { wide } else { tight };
        // A truncated seed is useless.
        if lines.len() > room {
            return Err(TooSmall { rows: lines.len() + BELOW, columns: left + WORDS });
        }
        for (row, line) in (1..).zip(&lines) {
            parts.push(Secret::concat(&[&format!("\x1b[{row};{left}H"), line.expose()]));
        }
        parts.push(Secret::new(format!("\x1b[{};1H", rows.saturating_sub(BELOW - 1).max(1))));
        let parts: Vec<&str> = parts.iter().map(|part| part.expose().as_str()).collect();
        Ok(Secret::concat(&parts))
    }

    /// The key URI that AWS documents: `otpauth://totp/DEVICE@ACCOUNT?secret=SEED`.
    fn uri(&self) -> Secret<String> {
        let name: String = self.device.chars().take(NAME).collect();
        let name = name.replace('+', "%2B").replace('=', "%3D").replace(',', "%2C");
        Secret::concat(&["otpauth://totp/", &name, "@", self.account, "?secret=", self.seed.expose()])
    }

    fn code(&self) -> QrCode {
        QrCode::with_error_correction_level(self.uri().expose().as_bytes(), EcLevel::L).expect(
            "a name, an account and a seed of 128 characters at most are far below the 2,953 bytes of a QR code",
        )
    }

    fn words(&self, news: &str, spacing: Spacing) -> Vec<Secret<String>> {
        let mut lines: Vec<Secret<String>> = Vec::new();
        let is_wide = spacing == Spacing::Wide;
        let mut say = |text: &str, most: usize| {
            lines.extend(wrapped(text, WORDS).iter().take(most).map(|line| Secret::from(line.as_str())));
            lines.extend(is_wide.then(|| Secret::from("")));
        };
        // A user who reads a new message has already read the rest.
        if is_wide || news.is_empty() {
            say("Scan this with an authenticator app.", usize::MAX);
        }
        say(&format!("Device: {}", one_line(self.device)), NAME_LINES);
        say(&format!("Account: {}", self.account), 1);
        if is_wide || news.is_empty() {
            say("Then type the code that it shows, and after it the next code. Each code works once.", usize::MAX);
        }
        if !news.is_empty() {
            say(&one_line(news), NEWS_LINES);
        }
        say("A terminal recording (`script`, asciinema, a tmux log) would keep this page.", usize::MAX);
        if self.shows_seed {
            lines.push(Secret::from("To enter the key by hand:"));
            let groups: Vec<&str> = (0..self.seed.expose().len()).step_by(4).map(|at| group(self.seed, at)).collect();
            lines.extend(groups.chunks(5).map(|line| {
                let spaced: Vec<&str> = line.iter().flat_map(|group| [*group, " "]).collect();
                Secret::concat(&spaced)
            }));
        }
        lines
    }
}

/// Empty lines between the paragraphs, or none.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Spacing {
    Wide,
    Tight,
}

fn group(seed: &Secret<String>, at: usize) -> &str {
    let seed = seed.expose();
    &seed[at..(at + 4).min(seed.len())]
}

/// The position of the code. `above` and `below` count modules, `beside` and `columns` characters.
struct Fit {
    above: usize,
    below: usize,
    beside: usize,
    columns: usize,
}

impl Fit {
    fn of(width: usize, rows: usize, columns: usize) -> Result<Self, TooSmall> {
        let needed = TooSmall { rows: (width + 2).div_ceil(2) + BELOW, columns: width + 2 + WORDS + 3 };
        if rows < needed.rows || columns < needed.columns {
            return Err(needed);
        }
        let (spare, wide) = (2 * (rows - BELOW) - width, columns - WORDS - 3 - width);
        let above = spare.div_ceil(2).min(BORDER);
        // The total height must be an even number of modules, because a character is two modules high.
        let below = (spare - above).min(BORDER);
        let below = if (width + above + below).is_multiple_of(2) { below } else { below - 1 };
        let beside = (wide / 2).min(BORDER);
        Ok(Self { above, below, beside, columns: width + 2 * beside })
    }
}

/// Draws two modules per character, the upper one as the upper half block.
fn blocks(code: &QrCode, fit: &Fit) -> Secret<String> {
    let width = code.width();
    let is_light = |x: usize, y: usize| {
        let inside = (x.checked_sub(fit.beside), y.checked_sub(fit.above));
        match inside {
            (Some(x), Some(y)) if x < width && y < width => code[(x, y)] == Color::Light,
            _ => true,
        }
    };
    let rows = (width + fit.above + fit.below) / 2;
    let mut text = String::with_capacity(rows * (3 * fit.columns + 32));
    for row in 0..rows {
        text.push_str(&format!("\x1b[{};1H{COLORS}", row + 1));
        for x in 0..fit.columns {
            text.push(match (is_light(x, 2 * row), is_light(x, 2 * row + 1)) {
                (true, true) => '█',
                (true, false) => '▀',
                (false, true) => '▄',
                (false, false) => ' ',
            });
        }
        text.push_str(PLAIN);
    }
    Secret::new(text)
}

/// Wraps text to at most this many characters, between words if possible.
pub(crate) fn wrapped(text: &str, most: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let mut word: Vec<char> = word.chars().collect();
        loop {
            let line = lines.last_mut().expect("there is one");
            let used = line.chars().count();
            let room = most.saturating_sub(used + usize::from(used > 0));
            if word.len() <= room {
                line.extend((used > 0).then_some(' ').into_iter().chain(word));
                break;
            }
            if used == 0 {
                line.extend(word.drain(..most));
            }
            lines.push(String::new());
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::{Fit, Page, TooSmall, WORDS, wrapped};
    use crate::secret::Secret;

    #[test]
    fn the_longest_page_fits_80_by_24_and_leaves_two_rows() {
        let seed = Secret::from("ABCD2345".repeat(8).as_str());
        let device = "a-very-long-device-name".repeat(9);
        let page = Page { device: &device, account: "123456789012", seed: &seed, shows_seed: true };
        let text = page.draw("", 24, 80).expect("it fits");
        let rows: Vec<usize> = text
            .expose()
            .split("\x1b[")
            .filter_map(|part| part.split_once(';')?.0.parse().ok())
            .filter(|row| *row > 0)
            .collect();
        assert_eq!((rows.iter().max(), rows.last()), (Some(&23), Some(&23)));
        assert!(!text.expose().contains('\n'));
        assert_eq!(page.draw("", 20, 80).expect("the seed alone").expose().matches('█').count(), 0);
        let page = Page { shows_seed: false, ..page };
        let width = page.code().width();
        assert!(width <= 41, "{width}");
        assert_eq!(page.draw("", 20, 80).err(), Some(TooSmall { rows: 24, columns: width + 2 + WORDS + 3 }));
        assert!(!page.draw("", 24, 80).expect("it fits").expose().contains("ABCD"));
    }

    #[test]
    fn the_border_is_as_wide_as_the_terminal_allows() {
        for (rows, columns, (above, below, beside)) in [(24, 80, (2, 1, 3)), (60, 200, (4, 3, 4))] {
            let fit = Fit::of(41, rows, columns).expect("it fits");
            assert_eq!((fit.above, fit.below, fit.beside), (above, below, beside), "{rows} {columns}");
        }
    }

    #[test]
    fn text_is_wrapped_between_words_or_within_long_ones() {
        assert_eq!(wrapped("", WORDS), [""]);
        let lines = wrapped(&format!("one two {} three", "x".repeat(70)), WORDS);
        assert!(lines.iter().all(|line| line.chars().count() <= WORDS), "{lines:?}");
        assert_eq!(lines.concat().replace(' ', "").len(), 81);
    }
}
