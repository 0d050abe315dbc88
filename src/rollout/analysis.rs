//! Judging measurements by Flagger's rules: limits are inclusive, durations are whole milliseconds. Unlike Flagger,
//! an infinite value is no value.

use crate::canary::answer::Answer;
use crate::canary::metric::BuiltIn;
use crate::canary::metric::Metric;
use crate::rollout::decision::CheckResult;
use crate::rollout::event::Sample;

/// Compares an answer with the metric's limits.
#[must_use]
pub fn judge(metric: &Metric, query: &str, answer: Answer) -> CheckResult {
    let mut limits = metric.limits();
    let unit = match metric.built_in() {
        Some(BuiltIn::SuccessRate) => Some("%"),
        Some(BuiltIn::Duration) => Some("ms"),
        None => None,
    };
    let whole = metric.built_in() == Some(BuiltIn::Duration);
    if whole {
        limits.min = limits.min.map(f64::trunc);
        limits.max = limits.max.map(f64::trunc);
    }
    let (value, error) = match answer {
        Answer::Value(value) if value.is_nan() => (None, Some(no_values())),
        Answer::Value(value) if value.is_infinite() => {
            (None, Some(format!("the answer is {value}")))
        }
        Answer::Value(value) => (Some(if whole { value.trunc() } else { value }), None),
        Answer::NoValues => (None, Some(no_values())),
        Answer::Error(why) => (None, Some(why)),
    };
    let ok = value.is_some_and(|value| limits.contains(value));
    let sample = Sample {
        name: metric.name.clone(),
        value,
        min: limits.min,
        max: limits.max,
        unit,
        ok,
        window_ms: u64::try_from(metric.window().as_millis()).unwrap_or(u64::MAX),
        query: Some(query.to_owned()),
        error,
    };
    match (ok, sample.value) {
        (true, _) => CheckResult::Passed(sample),
        (false, Some(_)) => CheckResult::Failed(sample),
        (false, None) => CheckResult::Unavailable(sample),
    }
}

fn no_values() -> String {
    "no values: does the canary get any traffic?".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canary::metric::ThresholdRange;
    use std::collections::BTreeMap;

    fn metric(name: &str, min: Option<f64>, max: Option<f64>) -> Metric {
        Metric {
            name: name.to_owned(),
            interval: None,
            threshold: None,
            threshold_range: Some(ThresholdRange { min, max }),
            query: None,
            template: None,
            template_variables: BTreeMap::new(),
        }
    }

    fn passes(metric: &Metric, value: f64) -> bool {
        judge(metric, "", Answer::Value(value)).passed()
    }

    #[test]
    fn limits_are_inclusive() {
        let rate = metric("request-success-rate", Some(99.0), None);
        assert!(passes(&rate, 99.0));
        assert!(!passes(&rate, 98.999));
    }

    #[test]
    fn durations_are_compared_in_whole_milliseconds() {
        let duration = metric("request-duration", None, Some(500.9));
        assert!(passes(&duration, 500.99));
        assert!(!passes(&duration, 501.0));
    }

    #[test]
    fn no_value_is_not_a_pass() {
        let rate = metric("request-success-rate", Some(0.0), None);
        for answer in [
            Answer::NoValues,
            Answer::Value(f64::NAN),
            Answer::Value(f64::INFINITY),
            Answer::Error("x".into()),
        ] {
            assert!(matches!(
                judge(&rate, "", answer),
                CheckResult::Unavailable(_)
            ));
        }
    }

    #[test]
    fn the_older_threshold_is_a_minimum_for_rates_and_a_maximum_for_durations() {
        let old = |name| Metric {
            threshold: Some(95.0),
            threshold_range: None,
            ..metric(name, None, None)
        };
        assert!(passes(&old("request-success-rate"), 96.0));
        assert!(!passes(&old("request-duration"), 96.0));
    }
}
