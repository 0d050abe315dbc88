//! Judging measurements by Flagger's rules: limits are inclusive, durations are whole milliseconds. Unlike Flagger,
//! an infinite value is no value.

use crate::canary::answer::Answer;
use crate::canary::metric::BuiltIn;
use crate::canary::metric::Metric;
use crate::rollout::decision::CheckResult;
use crate::rollout::event::Miss;
use crate::rollout::event::Sample;

/// How a metric is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asks {
    /// By the router's own expression.
    BuiltIn(BuiltIn),
    /// By the query in the Canary.
    Query,
    /// By its MetricTemplate.
    Template,
}

/// One question of an analysis. A metric that has several ways to be asked is asked in all of them.
#[derive(Clone, Debug, PartialEq)]
pub struct MetricCheck {
    /// Its place in `analysis.metrics`.
    pub index: usize,
    /// The metric.
    pub metric: Metric,
    /// How it is asked.
    pub asks: Asks,
}

/// The questions of an analysis in Flagger's order: first what the canary's own Prometheus answers, then templates.
#[must_use]
pub fn metric_checks(metrics: &[Metric]) -> Vec<MetricCheck> {
    let check = |index: usize, asks: Asks| MetricCheck {
        index,
        metric: metrics[index].clone(),
        asks,
    };
    let mut checks = Vec::new();
    for (index, metric) in metrics.iter().enumerate() {
        checks.extend(
            metric
                .built_in()
                .map(|own| check(index, Asks::BuiltIn(own))),
        );
        checks.extend(metric.query.iter().map(|_| check(index, Asks::Query)));
    }
    for (index, metric) in metrics.iter().enumerate() {
        checks.extend(metric.template.iter().map(|_| check(index, Asks::Template)));
    }
    checks
}

/// Compares an answer with the metric's limits.
#[must_use]
pub fn judge(check: &MetricCheck, query: &str, answer: Answer) -> CheckResult {
    let sample = sample(check, query, answer);
    match (sample.ok, sample.value) {
        (true, _) => CheckResult::Passed(sample),
        (false, Some(_)) => CheckResult::Failed(sample),
        (false, None) => CheckResult::Unavailable(sample),
    }
}

/// An answer beside the metric's limits.
#[must_use]
pub fn sample(check: &MetricCheck, query: &str, answer: Answer) -> Sample {
    let metric = &check.metric;
    let built_in = match check.asks {
        Asks::BuiltIn(built_in) => Some(built_in),
        Asks::Query | Asks::Template => None,
    };
    let mut limits = metric.limits(built_in);
    let unit = match built_in {
        Some(BuiltIn::SuccessRate) => Some("%"),
        Some(BuiltIn::Duration) => Some("ms"),
        None => None,
    };
    let whole = built_in == Some(BuiltIn::Duration);
    if whole {
        limits.min = limits.min.map(f64::trunc);
        limits.max = limits.max.map(f64::trunc);
    }
    let (value, lacking) = match answer {
        Answer::Value(value) if value.is_nan() => (None, Some((Miss::NoData, no_values()))),
        Answer::Value(value) if value.is_infinite() => {
            let why = format!("the answer is {value}");
            (None, Some((Miss::ProviderError, why)))
        }
        Answer::Value(value) => (Some(if whole { value.trunc() } else { value }), None),
        Answer::NoValues => (None, Some((Miss::NoData, no_values()))),
        Answer::Error(why) => (None, Some((Miss::ProviderError, why))),
    };
    let ok = value.is_some_and(|value| limits.contains(value));
    let (lacks, error) = lacking.unzip();
    Sample {
        name: metric.name.clone(),
        value,
        min: limits.min,
        max: limits.max,
        unit,
        ok,
        miss: lacks.or((!ok).then_some(Miss::Breach)),
        window_ms: u64::try_from(metric.window().as_millis()).unwrap_or(u64::MAX),
        query: Some(query.to_owned()),
        error,
    }
}

fn no_values() -> String {
    "no values: does the canary get any traffic?".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canary::metric::ThresholdRange;
    use crate::canary::reference::NamedRef;
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

    fn first(metric: &Metric) -> MetricCheck {
        metric_checks(std::slice::from_ref(metric)).remove(0)
    }

    fn passes(metric: &Metric, value: f64) -> bool {
        judge(&first(metric), "", Answer::Value(value)).passed()
    }

    #[test]
    fn templates_are_asked_after_everything_else_and_a_built_in_name_still_counts() {
        let template = |name: &str| Metric {
            template: Some(NamedRef {
                name: "t".to_owned(),
                namespace: None,
            }),
            ..metric(name, None, None)
        };
        let inline = Metric {
            query: Some("up".to_owned()),
            ..metric("own", None, None)
        };
        let metrics = [
            template("request-duration"),
            inline,
            metric("request-success-rate", None, None),
        ];
        let asked: Vec<(usize, Asks)> = metric_checks(&metrics)
            .iter()
            .map(|check| (check.index, check.asks))
            .collect();
        assert_eq!(
            asked,
            [
                (0, Asks::BuiltIn(BuiltIn::Duration)),
                (1, Asks::Query),
                (2, Asks::BuiltIn(BuiltIn::SuccessRate)),
                (0, Asks::Template),
            ]
        );
    }

    #[test]
    fn a_template_is_judged_as_its_own_whatever_its_name() {
        let check = MetricCheck {
            index: 0,
            metric: Metric {
                threshold: Some(5.0),
                threshold_range: None,
                ..metric("request-success-rate", None, None)
            },
            asks: Asks::Template,
        };
        assert!(judge(&check, "", Answer::Value(4.5)).passed());
        assert!(!judge(&check, "", Answer::Value(5.5)).passed());
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
                judge(&first(&rate), "", answer),
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
