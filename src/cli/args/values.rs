//! Values of flags that are neither text nor number.

use crate::canary::duration::parse;
use std::fmt;
use std::time::Duration;

/// A duration as Flagger's fields and kubectl's flags have it: `90s`, `1m30s`, `1.5h`, `0`.
///
/// # Errors
/// A sentence that says what is wrong with it.
pub fn duration(text: &str) -> Result<Duration, String> {
    parse(text).map_err(|error| format!("{error}; write it like 90s, 1m30s or 1h"))
}

/// A duration that is more than nothing.
///
/// # Errors
/// A sentence that says what is wrong with it.
pub fn positive_duration(text: &str) -> Result<Duration, String> {
    let duration = duration(text)?;
    if duration.is_zero() {
        Err("it must be more than 0".to_owned())
    } else {
        Ok(duration)
    }
}

/// kubectl's `--request-timeout`: a number without unit is seconds.
///
/// # Errors
/// A sentence that says what is wrong with it.
pub fn request_timeout(text: &str) -> Result<Duration, String> {
    text.parse::<u32>().map_or_else(
        |_| duration(text),
        |seconds| Ok(Duration::from_secs(seconds.into())),
    )
}

/// How fast the embedded cluster's clock runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speed {
    /// That many times as fast as life.
    Times(u32),
    /// Never waits.
    Max,
}

/// `N` or `max`.
///
/// # Errors
/// A sentence that says what is wrong with it.
pub fn speed(text: &str) -> Result<Speed, String> {
    match text {
        "max" => Ok(Speed::Max),
        _ => match text.parse() {
            Ok(times) if times > 0 => Ok(Speed::Times(times)),
            Ok(_) | Err(_) => Err("it is a whole number from 1, or max".to_owned()),
        },
    }
}

/// A value that no log, panic or error may show.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The value, for the one who sends it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(value: String) -> Self {
        Self(value)
    }
}

/// An http or https address that nobody else may see.
///
/// # Errors
/// A sentence that says what is wrong with it.
pub fn secret_url(text: &str) -> Result<Secret, String> {
    let rest = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"));
    match rest {
        Some(rest) if !rest.is_empty() => Ok(Secret(text.to_owned())),
        Some(_) | None => Err("it is no http or https address".to_owned()),
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_written_as_in_flaggers_fields() {
        assert_eq!(duration("1m30s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("1.5h"), Ok(Duration::from_secs(5400)));
        assert_eq!(duration("0"), Ok(Duration::ZERO));
    }

    #[test]
    fn a_duration_without_unit_is_an_error_that_shows_one() {
        let said = duration("90").unwrap_err();
        assert!(said.contains("unit") && said.contains("90s"), "{said}");
    }

    #[test]
    fn nonsense_is_not_a_duration() {
        for text in ["", "s", "1d", "-1s", "1s 2s", "1..5s", "1e400h", "NaNs"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_request_timeout_may_be_bare_seconds() {
        assert_eq!(request_timeout("30"), Ok(Duration::from_secs(30)));
        assert_eq!(request_timeout("1m"), Ok(Duration::from_secs(60)));
        assert!(request_timeout("soon").is_err());
    }

    #[test]
    fn speed_is_a_factor_or_max() {
        assert_eq!(speed("20"), Ok(Speed::Times(20)));
        assert_eq!(speed("max"), Ok(Speed::Max));
        assert!(speed("0").is_err());
        assert!(speed("fast").is_err());
    }

    #[test]
    fn a_secret_is_not_shown() {
        let secret = Secret::from("t0ken".to_owned());
        assert_eq!(format!("{secret:?}"), "[secret]");
        assert_eq!(secret.expose(), "t0ken");
    }
}
