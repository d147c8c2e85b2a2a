//! The prompt segment: the profile whose credentials a shell holds, and the time left.
//!
//! Text goes in, one line comes out. It ends up in a prompt that may be processed in unknown ways: shells expand
//! prompts once, twice or not at all, and status lines have languages of their own. So everything that any of them
//! would expand is shown as `?`, not escaped for one of them, and a profile that is named like a command is only a name
//! everywhere.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;

use crate::messages::printable;
use crate::names::Lifetime;
use crate::shell::ColorMarks;

/// Less time left than this, in seconds, is highlighted.
const SOON: i64 = 15 * 60;

/// The credentials in the environment, as far as the segment shows them.
#[derive(Clone, Debug, Default)]
pub struct Segment {
    /// The profile name.
    pub profile: String,
    /// When the credentials expire; `None` if they do not expire.
    pub end: Option<Timestamp>,
    /// The region, if known.
    pub region: Option<String>,
    /// The account ID, if known.
    pub account: Option<String>,
}

/// The time left, in seconds, by urgency.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Left {
    Forever,
    Enough(i64),
    Little(i64),
    Nothing,
}

impl Left {
    fn until(end: Option<Timestamp>, now: Timestamp) -> Self {
        match end.map(|end| end.duration_since(now).as_secs()) {
            None => Self::Forever,
            Some(..=0) => Self::Nothing,
            Some(secs @ ..SOON) => Self::Little(secs),
            Some(secs) => Self::Enough(secs),
        }
    }

    /// `47m`, `12m*`, `59s*`, `EXPIRED`; empty if there is no expiration. The `*` conveys the warning without color;
    /// `!` would become the history number in the prompt of ksh.
    fn text(self) -> String {
        match self {
            Self::Forever => String::new(),
            Self::Enough(secs) => rounded(secs),
            Self::Little(secs) => rounded(secs) + "*",
            Self::Nothing => "EXPIRED".to_owned(),
        }
    }

    fn color(self) -> &'static str {
        match self {
            Self::Forever | Self::Enough(_) => "32",
            Self::Little(_) => "1;33",
            Self::Nothing => "1;31",
        }
    }
}

/// Whole minutes, rounded down; seconds below one minute.
fn rounded(secs: i64) -> String {
    let secs = u32::try_from(secs).unwrap_or(u32::MAX);
    Lifetime::from_secs(if secs < 60 { secs } else { secs / 60 * 60 }).to_string()
}

/// The text in a color, between the marks that the shell needs; `None` means no color.
fn paint(marks: Option<ColorMarks>, color: &str, text: &str) -> String {
    let Some(ColorMarks { before, after }) = marks else { return text.to_owned() };
    format!("{before}\x1b[{color}m{after}{text}{before}\x1b[0m{after}")
}

impl Segment {
    /// The segment without a line feed; in color if `marks` are given, which tell the shell that the color codes have
    /// no width.
    pub fn render(&self, template: &Template, now: Timestamp, marks: Option<ColorMarks>) -> String {
        let left = Left::until(self.end, now);
        let mut line = String::new();
        for piece in &template.0 {
            match piece {
                Piece::Text(text) => line += text,
                Piece::Field(field) => {
                    let value = match field {
                        Field::Profile => harmless(&self.profile),
                        Field::Left => left.text(),
                        Field::Region => harmless(self.region.as_deref().unwrap_or_default()),
                        Field::Account => harmless(self.account.as_deref().unwrap_or_default()),
                    };
                    // An empty field leaves no gap.
                    if value.is_empty() {
                        line.truncate(line.trim_end_matches(' ').len());
                    }
                    line += &value;
                }
            }
        }
        paint(marks, left.color(), line.trim_matches(' '))
    }
}

/// The text with `?` in place of characters that control a terminal, change the text direction, or are expanded by some
/// prompt: `$`, `` ` `` and `\` in bash, `%` and `!` in zsh and tcsh, `#` in tmux.
fn harmless(text: &str) -> String {
    let is_safe = |c: char| !matches!(c, '$' | '`' | '\\' | '%' | '!' | '#' | '\n');
    text.chars()
        .map(|c| if is_safe(c) && printable(c.encode_utf8(&mut [0; 4])).len() == c.len_utf8() { c } else { '?' })
        .collect()
}

/// The template of a segment: text and fields.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Template(Vec<Piece>);

#[derive(Clone, Debug, Eq, PartialEq)]
enum Piece {
    Text(String),
    Field(Field),
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Field {
    Profile,
    Left,
    Region,
    Account,
}

const FIELDS: [(&str, Field); 4] =
    [("profile", Field::Profile), ("left", Field::Left), ("region", Field::Region), ("account", Field::Account)];

impl Default for Template {
    /// `{profile} {left}`
    fn default() -> Self {
        Self(vec![Piece::Field(Field::Profile), Piece::Text(" ".to_owned()), Piece::Field(Field::Left)])
    }
}

/// A template contains an unknown field.
#[derive(Clone, Copy, Debug, thiserror::Error)]
pub struct UnknownField;

impl fmt::Display for UnknownField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<String> = FIELDS.iter().map(|(name, _)| format!("{{{name}}}")).collect();
        write!(f, "unknown field; expected one of {}", names.join(", "))
    }
}

impl FromStr for Template {
    type Err = UnknownField;

    fn from_str(text: &str) -> Result<Self, UnknownField> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let (name, after) = after.split_once('}').ok_or(UnknownField)?;
            let (_, field) = FIELDS.iter().find(|(known, _)| *known == name).ok_or(UnknownField)?;
            pieces.extend([Piece::Text(before.to_owned()), Piece::Field(*field)]);
            rest = after;
        }
        pieces.push(Piece::Text(rest.to_owned()));
        pieces.retain(|piece| *piece != Piece::Text(String::new()));
        Ok(Self(pieces))
    }
}

/// The account ID encoded in an access key ID: the ID is base32, and 40 of its bits are the account, below a bit that
/// is always set. IDs created before about 2019 have this bit clear and contain no account.
pub fn account_of_key(access_key_id: &str) -> Option<String> {
    let text = access_key_id.get(4..).filter(|text| text.len() == 16)?;
    let bits = text.bytes().take(10).try_fold(0_u64, |bits, byte| {
        let digit = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'2'..=b'7' => byte - b'2' + 26,
            _ => return None,
        };
        Some(bits << 5 | u64::from(digit))
    })?;
    // Of these 50 bits, the first is set, and the next 40 are the account.
    let account = bits >> 9 & ((1 << 40) - 1);
    (bits >> 49 == 1 && account < 1_000_000_000_000).then(|| format!("{account:012}"))
}

#[cfg(test)]
mod tests {
    use super::{Segment, Template, account_of_key};
    use crate::shell::{ColorMarks, Shell};
    use jiff::{SignedDuration, Timestamp};

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn segment(profile: &str, secs: Option<i64>) -> Segment {
        Segment {
            profile: profile.to_owned(),
            end: secs.map(|secs| NOW + SignedDuration::from_secs(secs)),
            ..Segment::default()
        }
    }

    #[test]
    fn the_time_left_is_rounded_and_marked() {
        for (secs, text) in [
            (Some(43_199), "p 11h59m"),
            (Some(47 * 60 + 59), "p 47m"),
            (Some(900), "p 15m"),
            (Some(899), "p 14m*"),
            (Some(59), "p 59s*"),
            (Some(0), "p EXPIRED"),
            (Some(-1), "p EXPIRED"),
            (None, "p"),
        ] {
            assert_eq!(segment("p", secs).render(&Template::default(), NOW, None), text);
        }
    }

    #[test]
    fn color_codes_have_no_width_in_a_prompt() {
        for (secs, colors, text) in [
            (2820, Some(ColorMarks::NONE), "\x1b[32mp 47m\x1b[0m"),
            (60, Some(ColorMarks::NONE), "\x1b[1;33mp 1m*\x1b[0m"),
            (0, Some(ColorMarks::NONE), "\x1b[1;31mp EXPIRED\x1b[0m"),
            (2820, Shell::Bash.dialect().color_marks, "\x01\x1b[32m\x02p 47m\x01\x1b[0m\x02"),
            (2820, Shell::Zsh.dialect().color_marks, "%{\x1b[32m%}p 47m%{\x1b[0m%}"),
        ] {
            assert_eq!(segment("p", Some(secs)).render(&Template::default(), NOW, colors), text);
        }
    }

    #[test]
    fn empty_fields_leave_no_gap() {
        let full = Segment {
            region: Some("eu-west-1".to_owned()),
            account: Some("123456789012".to_owned()),
            ..segment("p", Some(60))
        };
        for (template, with, without) in [
            ("{profile} {left} {region} {account}", "p 1m* eu-west-1 123456789012", "p"),
            ("{account}/{profile}", "123456789012/p", "/p"),
            ("{region} {profile}", "eu-west-1 p", "p"),
            ("aws", "aws", "aws"),
            ("", "", ""),
        ] {
            let template: Template = template.parse().expect("a template");
            assert_eq!(full.render(&template, NOW, None), with);
            assert_eq!(segment("p", None).render(&template, NOW, None), without);
        }
        assert_eq!("{profile} {left}".parse::<Template>().expect("a template"), Template::default());
        for wrong in ["{", "{name}", "{profile", "{}", "a {left} {"] {
            assert!(wrong.parse::<Template>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_profile_name_is_never_expanded() {
        for (name, text) in [
            ("ü 東京/dev:x@y", "ü 東京/dev:x@y"),
            ("$(touch PWNED)", "?(touch PWNED)"),
            ("`touch PWNED`", "?touch PWNED?"),
            ("\\u\\$(x)", "?u??(x)"),
            ("%n!1", "?n?1"),
            ("#[fg=red]", "?[fg=red]"),
            ("a\x1b]0;b\x07\nc", "a?]0;b??c"),
            ("x\u{202e}y", "x?y"),
        ] {
            assert_eq!(segment(name, None).render(&Template::default(), NOW, None), text);
        }
    }

    #[test]
    fn the_account_in_an_access_key_id() {
        for (id, account) in [
            // <https://medium.com/@TalBeerySec/a-short-note-on-aws-key-id-f88cc4317489>
            ("ASIAY34FZKBOKMUTVV7A", Some("609629065308")),
            ("ASIAQNZGKIQY56JQ7WML", Some("029608264753")),
            // Older IDs, and texts that are not key IDs.
            ("AKIAIOSFODNN7EXAMPLE", None),
            ("ASIA7777777777777777", None),
            ("ASIAY34FZKBO", None),
            ("ASIAy34fzkbokmutvv7a", None),
            ("ASIÄY34FZKBOKMUTVV7A", None),
            ("", None),
        ] {
            assert_eq!(account_of_key(id).as_deref(), account, "{id}");
        }
    }
}
