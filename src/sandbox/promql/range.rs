//! `rate()` and `increase()`: growth of a counter over a window, extended to the window's edges as Prometheus does.

use crate::sandbox::promql::series::Sample;

/// The samples of one series within a range.
pub struct Window<'a> {
    /// In order of time.
    pub samples: &'a [Sample],
    /// Beginning of the range, milliseconds.
    pub start: i64,
    /// End of the range, milliseconds.
    pub end: i64,
}

/// Growth per second.
pub fn rate(window: &Window<'_>) -> Option<f64> {
    increase(window).map(|growth| growth / seconds(window.end - window.start))
}

/// Growth over the whole range. `None` with fewer than two samples.
pub fn increase(window: &Window<'_>) -> Option<f64> {
    let (first, last) = match window.samples {
        [] | [_] => return None,
        [first, .., last] => (first, last),
    };
    // A fall means that the counter began anew at 0: what it had reached is added back.
    let lost: f64 = window
        .samples
        .windows(2)
        .map(|pair| match pair {
            [before, after] if after.value < before.value => before.value,
            [..] => 0.0,
        })
        .sum();
    let growth = last.value - first.value + lost;

    let sampled = seconds(last.at - first.at);
    let between = sampled / (window.samples.len() - 1) as f64;
    // A gap to the edge that is much longer than the one between samples means that the series did not exist there;
    // it is then taken to reach half a step beyond its samples.
    let reach = |gap: f64| {
        if gap >= between * 1.1 {
            between / 2.0
        } else {
            gap
        }
    };
    let mut before = reach(seconds(first.at - window.start));
    if growth > 0.0 && first.value >= 0.0 {
        // A counter is never below 0, so it cannot be extended to before it was 0.
        before = before.min(sampled * (first.value / growth));
    }
    let after = reach(seconds(window.end - last.at));
    Some(growth * ((sampled + before + after) / sampled))
}

fn seconds(millis: i64) -> f64 {
    millis as f64 / 1000.0
}
