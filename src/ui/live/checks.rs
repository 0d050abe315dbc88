//! The table of checks: every metric's last value beside its limit, and its last looks as a line of heights.

use crate::rollout::event::Sample;
use crate::ui::live::state::LiveState;
use crate::ui::report::HISTORY;
use crate::ui::row::Row;
use crate::ui::summary::limits;
use crate::ui::summary::value;
use crate::ui::theme::Theme;
use crate::ui::theme::Tone;
use console::measure_text_width;

/// Names longer than this are cut, so that values keep their place.
const LONGEST_NAME: usize = 32;
/// Blanks between columns.
const GAP: usize = 3;

struct Check<'a> {
    name: &'a str,
    last: Option<&'a Sample>,
    history: &'a [Sample],
}

/// The table in at most that many rows and columns, its heading included; empty without metrics.
pub(super) fn rows(state: &LiveState, max_rows: usize, columns: usize, theme: Theme) -> Vec<Row> {
    let report = &state.report;
    let asked = report.histories.iter().map(|history| &history.name);
    let asked = asked.filter(|name| !report.metrics.contains(name));
    let checks: Vec<Check<'_>> = report
        .metrics
        .iter()
        .chain(asked)
        .map(|name| {
            let history = report.history(name);
            Check {
                name,
                last: history.last(),
                history,
            }
        })
        .collect();
    if checks.is_empty() || max_rows < 2 {
        return Vec::new();
    }
    let (shown, hidden) = choose(checks, max_rows - 1);
    let mut table = table(&shown, columns, theme);
    if !hidden.is_empty() {
        table.push(more(&hidden));
    }
    table
}

/// Those that fail come first where not all fit; otherwise the order of the spec stays.
fn choose(checks: Vec<Check<'_>>, max: usize) -> (Vec<Check<'_>>, Vec<Check<'_>>) {
    if checks.len() <= max {
        return (checks, Vec::new());
    }
    let failing = |check: &Check<'_>| check.last.is_some_and(|sample| !sample.ok);
    let (mut sorted, rest): (Vec<_>, Vec<_>) = checks.into_iter().partition(failing);
    sorted.extend(rest);
    let hidden = sorted.split_off(max.saturating_sub(1).min(sorted.len()));
    (sorted, hidden)
}

fn more(hidden: &[Check<'_>]) -> Row {
    let failing = hidden
        .iter()
        .filter(|check| check.last.is_some_and(|sample| !sample.ok))
        .count();
    let (tone, words) = if failing == 0 {
        (
            Tone::Dim,
            format!(" and {} more, none failing", hidden.len()),
        )
    } else {
        (
            Tone::Bad,
            format!(" and {} more, {failing} failing", hidden.len()),
        )
    };
    Row::new().text(tone, words)
}

fn table(checks: &[Check<'_>], columns: usize, theme: Theme) -> Vec<Row> {
    let now: Vec<String> = checks
        .iter()
        .map(|check| check.last.map_or_else(|| "-".to_owned(), value))
        .collect();
    let limit: Vec<String> = checks
        .iter()
        .map(|check| {
            check
                .last
                .map_or_else(String::new, |sample| limits(sample, theme))
        })
        .collect();
    let widest = |texts: &[String], heading: &str| {
        let widths = texts.iter().map(|text| measure_text_width(text));
        widths.max().unwrap_or(0).max(heading.len())
    };
    let (now_width, limit_width) = (widest(&now, "NOW"), widest(&limit, "LIMIT"));
    let sign_width = 2;
    let fixed = 1 + GAP + now_width + GAP + limit_width + GAP + sign_width;
    let names: Vec<String> = checks.iter().map(|check| check.name.to_owned()).collect();
    let widest_name = widest(&names, "CHECK").min(LONGEST_NAME);
    let with_spark = fixed + widest_name + HISTORY + GAP <= columns;
    let spark_width = if with_spark { HISTORY + GAP } else { 0 };
    let name_width = widest_name.min(columns.saturating_sub(fixed + spark_width).max(5));
    let limit_at = 1 + name_width + GAP + now_width + GAP;
    let spark_at = limit_at + limit_width + GAP;
    let mut heading = Row::new()
        .text(Tone::Dim, " CHECK")
        .right(limit_at - GAP, Tone::Dim, "NOW")
        .to(limit_at)
        .text(Tone::Dim, "LIMIT");
    if with_spark {
        heading = heading
            .to(spark_at)
            .text(Tone::Dim, format!("LAST {HISTORY}"));
    }
    let mut rows = vec![heading];
    for ((check, now), limit) in checks.iter().zip(&now).zip(&limit) {
        let glyphs = theme.glyphs();
        let (tone, sign) = match check.last {
            None => (Tone::Dim, ""),
            Some(sample) if sample.ok => (Tone::Good, glyphs.ok),
            Some(_) => (Tone::Bad, glyphs.bad),
        };
        let value_tone = if tone == Tone::Bad { tone } else { Tone::Plain };
        let name = Row::new().text(Tone::Plain, check.name).paint(
            name_width,
            Theme {
                color: false,
                ..theme
            },
        );
        let mut row = Row::new()
            .text(Tone::Plain, " ")
            .text(Tone::Plain, name)
            .right(limit_at - GAP, value_tone, now)
            .to(limit_at)
            .text(Tone::Dim, limit);
        if with_spark {
            row = row.to(spark_at);
            for sample in check.history {
                let (tone, height) = spark(sample, check.history, theme);
                row.push(tone, height);
            }
        }
        rows.push(row.to(spark_at + spark_width).text(tone, sign));
    }
    rows
}

/// A look as a height beside its limit, so that a miss is seen at once: an upper limit lies between the sixth and
/// the seventh height, a lower one between the second and the fifth. In ASCII a miss shows its direction.
fn spark(sample: &Sample, history: &[Sample], theme: Theme) -> (Tone, &'static str) {
    let glyphs = theme.glyphs();
    let tone = if sample.ok { Tone::Plain } else { Tone::Bad };
    let Some(value) = sample.value.filter(|value| value.is_finite()) else {
        return (tone, glyphs.no_value);
    };
    let below = sample.min.is_some_and(|min| value < min);
    let above = sample.max.is_some_and(|max| value > max);
    if theme.ascii && (below || above) {
        return (tone, if below { "v" } else { "^" });
    }
    let level = match (sample.min, sample.max) {
        (Some(min), _) if below => {
            let scale = scale_above(min, sample.unit);
            if min - value > 3.0 * scale { 0 } else { 1 }
        }
        (_, Some(max)) if above => {
            if value > 1.5 * max {
                7
            } else {
                6
            }
        }
        (Some(min), Some(max)) => share(value - min, max - min, 2, 5),
        (Some(min), None) => share(value - min, scale_above(min, sample.unit), 4, 6),
        (None, Some(max)) => share(value, max, 0, 5),
        (None, None) => {
            let values = history.iter().filter_map(|sample| sample.value);
            share(value, values.fold(0.0, f64::max), 0, 5)
        }
    };
    let height = glyphs.spark.get(level).copied();
    (tone, height.unwrap_or(glyphs.no_value))
}

/// What lies between a lower limit and the best there can be: 100 for percent, else twice the limit.
fn scale_above(min: f64, unit: Option<&str>) -> f64 {
    let scale = if unit == Some("%") {
        100.0 - min
    } else {
        min.abs()
    };
    if scale > 0.0 { scale } else { 1.0 }
}

/// The level that `part` of `whole` has among those from `lowest` to `highest`.
fn share(part: f64, whole: f64, lowest: usize, highest: usize) -> usize {
    if whole <= 0.0 || part.is_nan() {
        return lowest;
    }
    let share = part / whole;
    let levels = highest - lowest + 1;
    let above = (1..levels).filter(|step| {
        let step = u32::try_from(*step).unwrap_or(u32::MAX);
        let levels = u32::try_from(levels).unwrap_or(1);
        share >= f64::from(step) / f64::from(levels)
    });
    lowest + above.count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::recorded::sample;

    const PLAIN: Theme = Theme {
        color: false,
        ascii: false,
    };

    fn heights(
        values: &[f64],
        min: Option<f64>,
        max: Option<f64>,
        unit: Option<&'static str>,
    ) -> String {
        let history: Vec<Sample> = values
            .iter()
            .map(|value| sample("m", *value, min, max, unit))
            .collect();
        history
            .iter()
            .map(|sample| spark(sample, &history, PLAIN).1)
            .collect()
    }

    #[test]
    fn a_miss_of_a_lower_limit_is_a_dip() {
        let values = [99.9, 99.8, 98.7, 99.0, 91.0];
        assert_eq!(heights(&values, Some(99.0), None, Some("%")), "▇▇▂▅▁");
    }

    #[test]
    fn a_miss_of_an_upper_limit_is_a_peak() {
        let values = [0.0, 212.0, 231.0, 499.0, 500.0, 510.0, 900.0];
        assert_eq!(heights(&values, None, Some(500.0), Some("ms")), "▁▃▃▆▆▇█");
    }

    #[test]
    fn a_range_dips_below_and_peaks_above() {
        assert_eq!(
            heights(&[0.0, 1.0, 9.0, 11.0], Some(1.0), Some(10.0), None),
            "▂▃▆▇"
        );
    }

    #[test]
    fn without_limits_heights_are_relative() {
        assert_eq!(heights(&[0.0, 5.0, 10.0], None, None, None), "▁▄▆");
    }

    #[test]
    fn in_ascii_a_miss_shows_its_direction() {
        let low = sample("m", 98.0, Some(99.0), None, Some("%"));
        let high = sample("m", 600.0, None, Some(500.0), Some("ms"));
        let fine = sample("m", 100.0, None, Some(500.0), Some("ms"));
        assert_eq!(spark(&low, &[], Theme::BARE).1, "v");
        assert_eq!(spark(&high, &[], Theme::BARE).1, "^");
        assert_eq!(spark(&fine, &[], Theme::BARE).1, ".");
    }
}
