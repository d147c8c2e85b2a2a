//! Times, as the programs that obtain credentials write them.

use std::borrow::Cow;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// A time as programs write it: with `Z`, an offset, `UTC` or nothing, which is UTC too; or the seconds since 1970, or
/// the milliseconds.
pub fn moment(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if text.len() >= 9 && text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0') {
        let number = text.parse().ok()?;
        return if text.len() <= 11 { Timestamp::from_second(number) } else { Timestamp::from_millisecond(number) }
            .ok();
    }
    let upper = text.to_ascii_uppercase();
    let (text, is_utc) = match upper.strip_suffix("UTC").or_else(|| upper.strip_suffix("GMT")) {
        Some(rest) => (Cow::from(rest.trim_end()), true),
        // `12:00:00 +00:00`
        None => (Cow::from(upper.replace(" +", "+").replace(" -", "-").replace(" Z", "Z")), false),
    };
    let bare = || text.parse::<DateTime>().ok()?.to_zoned(TimeZone::UTC).ok().map(|time| time.timestamp());
    if is_utc { bare() } else { text.parse().ok().or_else(bare) }
}

#[cfg(test)]
mod tests {
    use super::moment;

    #[test]
    fn an_expiration_is_taken_as_programs_write_it() {
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
        ] {
            let shown = moment(text).map(|time| time.to_string());
            let shown = shown.map(|time| time.replace(".000", ""));
            assert_eq!(shown.as_deref(), Some("2030-01-02T03:04:05Z"), "{text}");
        }
        for text in ["", "tomorrow", "2030-13-01T00:00:00Z", "UTC", "12:00", "2030", "99999999999999999999"] {
            assert_eq!(moment(text), None, "{text}");
        }
    }
}
