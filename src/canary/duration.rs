//! Durations as Go writes them (`1m30s`, `500ms`, `.5s`, `0`), since that is what Flagger's specs hold.
//!
//! Must not know where in a spec a duration stands.

use std::fmt;
use std::time::Duration;

/// A duration together with the text it was written as, for where the text itself is handed on (queries).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GoDuration {
    text: String,
    length: Duration,
}

impl GoDuration {
    /// Reads Go's notation.
    ///
    /// # Errors
    /// Where the text is no such duration.
    pub fn new(text: &str) -> Result<Self, DurationError> {
        Ok(Self {
            text: text.to_owned(),
            length: parse(text)?,
        })
    }

    /// As it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// How long it is.
    #[must_use]
    pub const fn length(&self) -> Duration {
        self.length
    }
}

impl fmt::Display for GoDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Why a text is no duration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{why} at character {}", .at + 1)]
pub struct DurationError {
    /// Byte offset into the text.
    pub at: usize,
    /// What is wrong there.
    pub why: &'static str,
}

/// Units of Go's `time.ParseDuration`, in nanoseconds. Both micro signs that Unicode has are taken.
const UNITS: [(&str, u64); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("\u{b5}s", 1_000),
    ("\u{3bc}s", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

/// Reads Go's notation. Negative durations are refused: no field of Flagger has a use for one.
///
/// # Errors
/// Where the text is no such duration.
pub fn parse(text: &str) -> Result<Duration, DurationError> {
    let fail = |at: usize, why: &'static str| Err(DurationError { at, why });
    if text.is_empty() {
        return fail(0, "nothing is written");
    }
    if text.starts_with('-') {
        return fail(0, "a negative duration");
    }
    let mut at = usize::from(text.starts_with('+'));
    if &text[at..] == "0" {
        return Ok(Duration::ZERO);
    }
    if at == text.len() {
        return fail(at, "a number is missing");
    }
    let mut nanos: u128 = 0;
    while at < text.len() {
        let rest = &text[at..];
        let whole = digits(rest);
        let fraction = rest[whole.len()..]
            .strip_prefix('.')
            .map_or("", |after| digits(after));
        let dot = usize::from(rest[whole.len()..].starts_with('.'));
        if whole.is_empty() && fraction.is_empty() {
            return fail(at, "a number is missing");
        }
        let number_end = whole.len() + dot + fraction.len();
        let after = &rest[number_end..];
        let unit_len = after
            .find(|c: char| c == '.' || c.is_ascii_digit())
            .unwrap_or(after.len());
        let name = &after[..unit_len];
        if name.is_empty() {
            return fail(at + number_end, "a unit is missing");
        }
        let Some((_, unit)) = UNITS.iter().find(|(unit, _)| *unit == name) else {
            return fail(at + number_end, "an unknown unit");
        };
        let (Ok(whole_units), Some(part)) = (number(whole), part_of(fraction, *unit)) else {
            return fail(at, "a number too large");
        };
        nanos = nanos
            .saturating_add(u128::from(whole_units) * u128::from(*unit))
            .saturating_add(u128::from(part));
        // Go keeps durations in 63 bits of nanoseconds.
        if nanos > u128::from(i64::MAX.unsigned_abs()) {
            return fail(at, "a duration longer than 292 years");
        }
        at += number_end + unit_len;
    }
    Ok(Duration::from_nanos(
        u64::try_from(nanos).unwrap_or(u64::MAX),
    ))
}

fn digits(text: &str) -> &str {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    &text[..end]
}

fn number(digits: &str) -> Result<u64, std::num::ParseIntError> {
    if digits.is_empty() {
        Ok(0)
    } else {
        digits.parse()
    }
}

/// The part of a unit that decimals stand for; digits beyond a nanosecond's use are dropped, as Go does.
fn part_of(decimals: &str, unit: u64) -> Option<u64> {
    let used = &decimals[..decimals.len().min(18)];
    let scale = 10_u128.checked_pow(u32::try_from(used.len()).ok()?)?;
    let share = u128::from(number(used).ok()?) * u128::from(unit) / scale;
    u64::try_from(share).ok()
}

/// The shortest of Go's notations people would write: `90s` is `1m30s`, parts of a second keep their decimals.
#[must_use]
pub fn format(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let nanos = duration.subsec_nanos();
    if seconds == 0 && nanos == 0 {
        return "0s".to_owned();
    }
    if seconds == 0 && nanos.is_multiple_of(1_000_000) {
        return format!("{}ms", nanos / 1_000_000);
    }
    let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let mut text = String::new();
    if hours > 0 {
        text.push_str(&format!("{hours}h"));
    }
    if minutes > 0 {
        text.push_str(&format!("{minutes}m"));
    }
    if nanos > 0 {
        let decimals = format!("{nanos:09}");
        text.push_str(&format!("{rest}.{}s", decimals.trim_end_matches('0')));
    } else if rest > 0 {
        text.push_str(&format!("{rest}s"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_go_reads() {
        let cases: [(&str, u64); 12] = [
            ("0", 0),
            ("+0", 0),
            ("0s", 0),
            ("10s", 10_000_000_000),
            ("1m30s", 90_000_000_000),
            ("500ms", 500_000_000),
            (".5s", 500_000_000),
            ("1.s", 1_000_000_000),
            ("1.5h", 5_400_000_000_000),
            ("3us", 3_000),
            ("3\u{b5}s", 3_000),
            ("+2m", 120_000_000_000),
        ];
        for (text, nanos) in cases {
            assert_eq!(parse(text), Ok(Duration::from_nanos(nanos)), "{text}");
        }
    }

    #[test]
    fn says_where_a_text_stops_being_a_duration() {
        let cases = [
            ("", 0),
            ("-1s", 0),
            ("10", 2),
            ("10sfoo", 2),
            ("1m30", 4),
            ("1d", 1),
            ("s", 0),
            (".s", 0),
            ("+", 1),
            ("1m x", 1),
            ("99999999999999999999s", 0),
            ("9999999h", 0),
        ];
        for (text, at) in cases {
            assert_eq!(parse(text).map_err(|e| e.at), Err(at), "{text:?}");
        }
    }

    #[test]
    fn writes_what_it_reads() {
        for text in ["0s", "500ms", "10s", "1m", "1m30s", "1h", "2h0.5s", "24h"] {
            let length = parse(text).unwrap();
            assert_eq!(parse(&format(length)), Ok(length), "{text}");
        }
        assert_eq!(format(Duration::from_secs(90)), "1m30s");
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,12}|[0-9.smhun+-]{0,24}") {
            let _ = parse(&text);
        }
    }
}
