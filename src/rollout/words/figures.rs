//! How figures are written for people: numbers, durations, short forms of ids, and text from outside on one line.

/// A number for people: as many decimals as help, no trailing zeros. `unit` is that of `Sample::unit` and is not
/// part of the result.
#[must_use]
pub fn number(value: f64, unit: &str) -> String {
    if !value.is_finite() {
        return value.to_string();
    }
    let size = value.abs();
    let decimals = if size >= 1000.0 || (unit == "ms" && size >= 10.0) {
        0
    } else if size >= 0.1 || size == 0.0 {
        2
    } else if size >= 0.0001 {
        4
    } else {
        return format!("{value:.1e}");
    };
    trimmed(value, decimals)
}

/// The same, but a value on the wrong side of its limit never reads like the limit itself.
#[must_use]
pub fn beside(value: f64, limit: f64, unit: &str) -> String {
    let plain = number(value, unit);
    let limit_text = number(limit, "");
    if plain != limit_text || !value.is_finite() {
        return plain;
    }
    (1..=15)
        .map(|decimals| trimmed(value, decimals))
        .find(|text| *text != limit_text)
        .unwrap_or(plain)
}

fn trimmed(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    let text = if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.')
    } else {
        &text
    };
    if text == "-0" {
        "0".to_owned()
    } else {
        text.to_owned()
    }
}

/// Milliseconds as `230ms`, `4.2s`, `21s`, `7m48s`, `1h2m`.
#[must_use]
pub fn duration(ms: u64) -> String {
    if ms < 1000 {
        return format!("{ms}ms");
    }
    if ms < 10_000 {
        return format!("{}s", trimmed(tenths(ms), 1));
    }
    let seconds = ms / 1000;
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let mut text = String::new();
    for (count, unit) in [(hours, "h"), (minutes, "m"), (seconds, "s")] {
        if count > 0 {
            text.push_str(&format!("{count}{unit}"));
        }
    }
    text
}

fn tenths(ms: u64) -> f64 {
    // below 10 s, so exact
    f64::from(u32::try_from(ms / 100).unwrap_or(u32::MAX)) / 10.0
}

/// An estimate: whole minutes from two minutes on, never more exact than it is known.
#[must_use]
pub fn about(ms: u64) -> String {
    if ms >= 120_000 {
        duration(ms.div_ceil(60_000) * 60_000)
    } else {
        duration(ms.div_ceil(1000) * 1000)
    }
}

/// What people see of a run's ULID: its last six characters, which differ most.
#[must_use]
pub fn short_run(run: &str) -> &str {
    let start = run.char_indices().rev().nth(5).map_or(0, |(at, _)| at);
    run.get(start..).unwrap_or(run)
}

/// What people see of a commit's id.
#[must_use]
pub fn short_commit(commit: &str) -> &str {
    commit.get(..7).unwrap_or(commit)
}

/// A branch without `refs/heads/`.
#[must_use]
pub fn short_ref(reference: &str) -> &str {
    reference.strip_prefix("refs/heads/").unwrap_or(reference)
}

/// Text from outside on one line: a name or a reason must not move the cursor of a terminal or begin a line of a log.
#[must_use]
pub fn one_line(text: &str) -> String {
    let mut line: String = text
        .chars()
        .map(|c| if c.is_control() || is_bidi(c) { ' ' } else { c })
        .collect();
    line.truncate(line.trim_end().len());
    line
}

/// Characters that reorder the text around them.
const fn is_bidi(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_the_decimals_that_help() {
        let all: Vec<String> = [
            (99.91234, "%"),
            (100.0, "%"),
            (0.0, ""),
            (-0.001, "%"),
            (0.05, ""),
            (0.000_002, ""),
            (1234.56, ""),
            (4.256, "ms"),
            (231.7, "ms"),
            (f64::NAN, ""),
            (f64::INFINITY, ""),
        ]
        .into_iter()
        .map(|(value, unit)| number(value, unit))
        .collect();
        assert_eq!(
            all,
            [
                "99.91", "100", "0", "-0.001", "0.05", "2.0e-6", "1235", "4.26", "232", "NaN",
                "inf"
            ]
        );
    }

    #[test]
    fn durations_are_as_exact_as_they_are_short() {
        let all: Vec<String> = [0, 230, 1000, 4250, 21_900, 60_000, 468_004, 3_720_000]
            .into_iter()
            .map(duration)
            .collect();
        assert_eq!(
            all,
            ["0ms", "230ms", "1s", "4.2s", "21s", "1m", "7m48s", "1h2m"]
        );
        assert_eq!(about(61_200), "1m2s");
        assert_eq!(about(400_100), "7m");
    }

    #[test]
    fn short_forms_survive_short_ids() {
        assert_eq!(short_run("ab"), "ab");
        assert_eq!(short_commit("9be"), "9be");
        assert_eq!(short_ref("refs/heads/flagger-status"), "flagger-status");
    }
}
