//! The API models' constraints on parameters, and AWS's words when they are not met. Pure.

use super::reply::Refusal;
use super::world::Params;

/// Violations, gathered: AWS names all of them in one answer.
#[derive(Default)]
pub(super) struct Constraints {
    violations: Vec<String>,
}

impl Constraints {
    /// The parameter must be there; where it is not, the text is empty and the refusal sure.
    pub(super) fn required<'a>(&mut self, params: &'a Params, name: &str) -> &'a str {
        params.get(name).unwrap_or_else(|| {
            let field = member(name);
            self.violations
                .push(format!("Value null at '{field}' failed to satisfy constraint: Member must not be null"));
            ""
        })
    }

    /// A text of `min..=max` characters, each of `class`.
    pub(super) fn text(&mut self, name: &str, value: &str, (min, max): (usize, usize), class: Class) {
        let length = value.chars().count();
        if length < min {
            self.add(name, value, format!("Member must have length greater than or equal to {min}"));
        }
        if length > max {
            self.add(name, value, format!("Member must have length less than or equal to {max}"));
        }
        if !value.chars().all(|c| class.holds(c)) {
            let pattern = class.pattern();
            self.add(name, value, format!("Member must satisfy regular expression pattern: {pattern}"));
        }
    }

    /// A number in a range.
    pub(super) fn range(&mut self, name: &str, value: i64, (min, max): (i64, i64)) {
        if value < min {
            let rule = format!("Member must have value greater than or equal to {min}");
            self.add(name, &value.to_string(), rule);
        }
        if value > max {
            self.add(name, &value.to_string(), format!("Member must have value less than or equal to {max}"));
        }
    }

    /// A list of at most `max` members.
    pub(super) fn count(&mut self, name: &str, length: usize, max: usize) {
        if length > max {
            self.add(name, "[…]", format!("Member must have length less than or equal to {max}"));
        }
    }

    fn add(&mut self, name: &str, value: &str, rule: impl AsRef<str>) {
        let (field, rule) = (member(name), rule.as_ref());
        self.violations.push(format!("Value '{value}' at '{field}' failed to satisfy constraint: {rule}"));
    }

    /// Refuses when anything was wrong.
    pub(super) fn check(self) -> Result<(), Refusal> {
        let count = self.violations.len();
        if count == 0 {
            return Ok(());
        }
        let errors = if count == 1 { "error" } else { "errors" };
        Err(Refusal::invalid(format!("{count} validation {errors} detected: {}", self.violations.join("; "))))
    }
}

/// What a parameter is made of.
#[derive(Clone, Copy)]
pub(super) enum Class {
    /// Session names, user names, source identities
    Name,
    /// External ids
    External,
    /// MFA serial numbers
    Serial,
    /// Codes
    Digits,
    /// Tag keys and values
    Tag,
    /// ARNs and policies
    Text,
}

impl Class {
    fn holds(self, c: char) -> bool {
        let word = c.is_ascii_alphanumeric() || c == '_';
        match self {
            Self::Name => word || "+=,.@-".contains(c),
            Self::External => word || "+=,.@:/-".contains(c),
            Self::Serial => word || "+=/:,.@-".contains(c),
            Self::Digits => c.is_ascii_digit(),
            // \p{L}, \p{Z} and \p{N}: letters, separators (no tab or line feed among them) and numbers.
            Self::Tag => c.is_alphanumeric() || (c.is_whitespace() && !c.is_control()) || "_.:/=+-@".contains(c),
            Self::Text => matches!(c, '\t' | '\n' | '\r' | ' '..='~' | '\u{85}' | '\u{a0}'..),
        }
    }

    fn pattern(self) -> &'static str {
        match self {
            Self::Name => r"[\w+=,.@-]*",
            Self::External => r"[\w+=,.@:\/-]*",
            Self::Serial => r"[\w+=/:,.@-]*",
            Self::Digits => r"[\d]*",
            Self::Tag => r"[\p{L}\p{Z}\p{N}_.:/=+\-@]*",
            Self::Text => r"[\u0009\u000A\u000D\u0020-\u007E\u0085\u00A0-\uD7FF\uE000-\uFFFD\u10000-\u10FFFF]+",
        }
    }
}

/// `DurationSeconds` in seconds, `None` where it is not given.
pub(super) fn duration(params: &Params, range: (i64, i64)) -> Result<Option<i64>, Refusal> {
    let Some(text) = params.get("DurationSeconds") else { return Ok(None) };
    let Ok(secs) = text.parse() else {
        return Err(Refusal::new(400, "MalformedInput", format!("Invalid number: {text}")));
    };
    let mut constraints = Constraints::default();
    constraints.range("DurationSeconds", secs, range);
    constraints.check()?;
    Ok(Some(secs))
}

/// As the models spell a member: `RoleSessionName` is `roleSessionName`.
fn member(name: &str) -> String {
    let mut chars = name.chars();
    chars.next().map(|first| first.to_ascii_lowercase()).into_iter().chain(chars).collect()
}
