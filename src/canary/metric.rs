//! `spec.analysis.metrics`: what is measured and what it may be.

use crate::canary::duration::GoDuration;
use crate::canary::fields::Fields;
use crate::canary::name::nearest;
use crate::canary::problem::Finding;
use crate::canary::problem::ProblemKind;
use crate::canary::reader::At;
use crate::canary::reference::NamedRef;
use std::collections::BTreeMap;
use std::time::Duration;

/// Share of requests without server error, percent. Built in.
pub const REQUEST_SUCCESS_RATE: &str = "request-success-rate";
/// 99th percentile of the request duration; its limits are milliseconds. Built in.
pub const REQUEST_DURATION: &str = "request-duration";

/// One metric of an analysis.
#[derive(Clone, Debug, PartialEq)]
pub struct Metric {
    /// Its name; two of them are built in.
    pub name: String,
    /// Window that is handed to the query, with its text.
    pub interval: Option<GoDuration>,
    /// The older single limit; void where there is a range.
    pub threshold: Option<f64>,
    /// Limits.
    pub threshold_range: Option<ThresholdRange>,
    /// PromQL for the canary's metrics server.
    pub query: Option<String>,
    /// A MetricTemplate.
    pub template: Option<NamedRef>,
    /// `variables` of the template.
    pub template_variables: BTreeMap<String, String>,
}

/// Inclusive limits; an absent side is open.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ThresholdRange {
    /// Least value that passes.
    pub min: Option<f64>,
    /// Greatest value that passes.
    pub max: Option<f64>,
}

impl ThresholdRange {
    /// Does the value pass?
    #[must_use]
    pub fn contains(&self, value: f64) -> bool {
        self.min.is_none_or(|min| value >= min) && self.max.is_none_or(|max| value <= max)
    }
}

/// Which built-in check a metric's name asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BuiltIn {
    /// `request-success-rate`, percent.
    SuccessRate,
    /// `request-duration`, milliseconds.
    Duration,
}

impl Metric {
    /// The built-in check of its name.
    #[must_use]
    pub fn built_in(&self) -> Option<BuiltIn> {
        match self.name.as_str() {
            REQUEST_SUCCESS_RATE => Some(BuiltIn::SuccessRate),
            REQUEST_DURATION => Some(BuiltIn::Duration),
            _ => None,
        }
    }

    /// Window of the query: 1 m where the spec has none (for templates too, unlike Flagger).
    #[must_use]
    pub fn window(&self) -> Duration {
        self.interval
            .as_ref()
            .map_or(Duration::from_secs(60), GoDuration::length)
    }

    /// The window as a query writes it.
    #[must_use]
    pub fn window_text(&self) -> &str {
        self.interval.as_ref().map_or("1m", GoDuration::as_str)
    }

    /// Its limits for a built-in check, or for a query of its own. Without a range the threshold is the least success rate, and the greatest value of anything else;
    /// both are 0 where absent.
    #[must_use]
    pub fn limits(&self, check: Option<BuiltIn>) -> ThresholdRange {
        if let Some(range) = self.threshold_range {
            return range;
        }
        let threshold = Some(self.threshold.unwrap_or(0.0));
        match check {
            Some(BuiltIn::SuccessRate) => ThresholdRange {
                min: threshold,
                max: None,
            },
            Some(BuiltIn::Duration) | None => ThresholdRange {
                min: None,
                max: threshold,
            },
        }
    }

    pub(super) fn read(at: At<'_>) -> Option<Self> {
        let mut fields = at.fields()?;
        let name = fields.required("name", At::some_text);
        let read = Self {
            name: String::new(),
            interval: fields.optional("interval", At::go_duration),
            threshold: fields.optional("threshold", At::number),
            threshold_range: fields.optional("thresholdRange", range),
            query: fields
                .optional("query", At::text)
                .filter(|query| !query.is_empty()),
            template: fields.optional("templateRef", NamedRef::read),
            template_variables: fields
                .optional("templateVariables", At::text_map)
                .unwrap_or_default(),
        };
        let metric = Self {
            name: name?,
            ..read
        };
        metric.check(&fields);
        fields.close();
        Some(metric)
    }

    fn check(&self, fields: &Fields<'_>) {
        let sink = fields.at.sink;
        let path = fields.at.path();
        let named = fields.pointer("name");
        if self.built_in().is_none() && self.query.is_none() && !fields.has("templateRef") {
            let help = nearest(&self.name, [REQUEST_SUCCESS_RATE, REQUEST_DURATION]).map_or_else(
                || "add templateRef or query: only request-success-rate and request-duration are built in".to_owned(),
                |meant| format!("did you mean {meant}? Other metrics need templateRef or query"),
            );
            sink.error(
                Finding::at_value(
                    ProblemKind::WrongValue,
                    &named,
                    "not built in",
                    format!(
                        "{path} has no query: {:?} is not a built-in metric",
                        self.name
                    ),
                )
                .help(help),
            );
        }
        if self.built_in() == Some(BuiltIn::Duration)
            && !fields.has("thresholdRange")
            && self.threshold.unwrap_or(0.0) <= 0.0
        {
            sink.warning(
                Finding::at_value(
                    ProblemKind::Odd,
                    &named,
                    "no limit",
                    format!("{path} has no thresholdRange: any duration of 1 ms or more fails"),
                )
                .help("add thresholdRange: {max: 500} (milliseconds)"),
            );
        }
    }
}

fn range(at: At<'_>) -> Option<ThresholdRange> {
    let pointer = at.pointer.clone();
    let path = at.path();
    let sink = at.sink;
    let mut fields = at.fields()?;
    let range = ThresholdRange {
        min: fields.optional("min", At::number),
        max: fields.optional("max", At::number),
    };
    let open = !fields.has("min") && !fields.has("max");
    fields.close();
    if let (Some(min), Some(max)) = (range.min, range.max)
        && min > max
    {
        sink.error(
            Finding::at_value(
                ProblemKind::Stuck,
                &format!("{pointer}/min"),
                "above max",
                format!("{path} can never be met: min {min} is above max {max}"),
            )
            .help("swap them"),
        );
    }
    if open {
        sink.warning(
            Finding::at_key(
                ProblemKind::Odd,
                &pointer,
                "no limit",
                format!("{path} has neither min nor max: every value passes"),
            )
            .help("add min, max or both"),
        );
    }
    Some(range)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metric(name: &str) -> Metric {
        Metric {
            name: name.to_owned(),
            interval: None,
            threshold: None,
            threshold_range: None,
            query: None,
            template: None,
            template_variables: BTreeMap::new(),
        }
    }

    #[test]
    fn the_old_threshold_is_a_minimum_for_the_success_rate_only() {
        let limits = |name: &str| {
            let metric = Metric {
                threshold: Some(5.0),
                ..metric(name)
            };
            metric.limits(metric.built_in())
        };
        let minimum = ThresholdRange {
            min: Some(5.0),
            max: None,
        };
        let maximum = ThresholdRange {
            min: None,
            max: Some(5.0),
        };
        assert_eq!(limits(REQUEST_SUCCESS_RATE), minimum);
        assert_eq!(limits(REQUEST_DURATION), maximum);
        assert_eq!(limits("errors"), maximum);
    }

    #[test]
    fn a_range_voids_the_threshold() {
        let range = ThresholdRange {
            min: None,
            max: Some(2.0),
        };
        let metric = Metric {
            threshold: Some(5.0),
            threshold_range: Some(range),
            ..metric("errors")
        };
        assert_eq!(metric.limits(None), range);
    }

    #[test]
    fn limits_are_inclusive_and_not_a_number_never_passes() {
        let range = ThresholdRange {
            min: Some(1.0),
            max: Some(2.0),
        };
        assert!(range.contains(1.0) && range.contains(2.0));
        assert!(!range.contains(2.1) && !range.contains(f64::NAN));
    }

    #[test]
    fn a_window_is_a_minute_unless_written() {
        assert_eq!(metric("errors").window_text(), "1m");
        assert_eq!(metric("errors").window(), Duration::from_secs(60));
    }
}
