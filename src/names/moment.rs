//! Timestamps, as programs that return credentials write them.

use std::borrow::Cow;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::fmt::rfc2822;
use jiff::tz::TimeZone;

/// Parses a timestamp in any form that programs print: with `Z`, an offset, `UTC` or no zone, which means UTC; Go's
/// format; with slashes; in the format of email and HTTP; or as seconds since 1970, with or without a fraction, or
/// milliseconds.
pub fn moment(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let (digits, fraction) = text.split_once('.').unwrap_or((text, ""));
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if digits.len() >= 9 && is_number(digits) && is_number(fraction) && !digits.starts_with('0') {
        let number = digits.parse().ok()?;
        return if digits.len() <= 11 { Timestamp::from_second(number) } else { Timestamp::from_millisecond(number) }
            .ok();
    }
    let upper = text.to_ascii_uppercase();
    let (text, is_utc) = match upper.strip_suffix("UTC").or_else(|| upper.strip_suffix("GMT")) {
        Some(rest) if !ends_in_offset(rest) => (Cow::from(rest.trim_end()), true),
        // `12:00:00 +00:00`
        _ => (Cow::from(without_zone(&upper).replace(" +", "+").replace(" -", "-").replace(" Z", "Z")), false),
    };
    let text = with_dashes(text);
    let bare = || text.parse::<DateTime>().ok()?.to_zoned(TimeZone::UTC).ok().map(|time| time.timestamp());
    let iso = if is_utc { bare() } else { text.parse().ok().or_else(bare) };
    iso.or_else(|| rfc2822::parse(&upper).ok().map(|time| time.timestamp()))
}

/// `2030/01/02` becomes `2030-01-02`.
fn with_dashes(text: Cow<'_, str>) -> Cow<'_, str> {
    let has_slashes = matches!(text.as_bytes(), [_, _, _, _, b'/', _, _, b'/', ..]);
    if has_slashes { text.replacen('/', "-", 2).into() } else { text }
}

/// Go adds a zone name: `12:00:00 +0200 CEST` means the same without it.
fn without_zone(text: &str) -> &str {
    match text.rsplit_once(' ') {
        Some((rest, name)) if name.bytes().all(|byte| byte.is_ascii_alphabetic()) && ends_in_offset(rest) => rest,
        _ => text,
    }
}

fn ends_in_offset(text: &str) -> bool {
    let offset = text.trim_end().rsplit(' ').next().unwrap_or_default();
    offset.len() >= 5 && offset.starts_with(['+', '-']) && offset[1..].bytes().all(|b| b.is_ascii_digit() || b == b':')
}

#[cfg(test)]
mod tests {
    use super::moment;

    #[test]
    fn an_expiration_is_parsed_in_every_form_that_programs_print() {
        for text in [
            "2030-01-02T03:04:05Z",
            "2030-01-02T03:04:05UTC",
            "2030-01-02T03:04:05 UTC",
            "2030-01-02 03:04:05 UTC",
            "2030-01-02t03:04:05z",
            "2030-01-02 03:04:05Z",
            "2030-01-02T03:04:05",
            "2030-01-02T03:04:05.000Z",
            "2030-01-02T03:04:05+00:00",
            "2030-01-02T03:04:05+0000",
            "2030-01-02 03:04:05 +00:00",
            "2030-01-02T05:04:05+02:00",
            "20300102T030405Z",
            "1893553445",
            "1893553445000",
            "1893553445.0",
            "2030-01-02 03:04:05 +0000 UTC",
            "2030-01-02 05:04:05 +0200 CEST",
            "2030/01/02 03:04:05",
            "2030/01/02 03:04:05 UTC",
            "Wed, 02 Jan 2030 03:04:05 GMT",
            "Wed, 2 Jan 2030 05:04:05 +0200",
        ] {
            let shown = moment(text).map(|time| time.to_string());
            let shown = shown.map(|time| time.replace(".000", ""));
            assert_eq!(shown.as_deref(), Some("2030-01-02T03:04:05Z"), "{text}");
        }
        for text in [
            "",
            "tomorrow",
            "2030-13-01T00:00:00Z",
            "UTC",
            "12:00",
            "2030",
            "99999999999999999999",
            "1893553445.5.5",
            "over",
        ] {
            assert_eq!(moment(text), None, "{text}");
        }
    }
}
