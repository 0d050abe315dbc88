//! Samples by series, as a scraper stores them.
//!
//! Must not know what a series means.

use crate::sandbox::promql::NAME;
use crate::sandbox::promql::Point;
use promql_parser::label::Matcher;
use std::collections::BTreeMap;

/// Label names and values, the metric's name under `__name__`.
pub type Labels = BTreeMap<String, String>;

/// How far back an instant query looks for a sample: Prometheus' `--query.lookback-delta`, milliseconds.
const LOOKBACK: i64 = 5 * 60 * 1000;

/// A series of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeriesId(usize);

/// One scraped value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// Milliseconds since 1970.
    pub at: i64,
    /// The value; NaN is a value like any other.
    pub value: f64,
}

#[derive(Debug)]
struct Series {
    labels: Labels,
    /// In order of time; `None` marks that the series was gone at that scrape.
    samples: Vec<(i64, Option<f64>)>,
}

/// All series that were ever scraped.
#[derive(Debug, Default)]
pub struct SeriesStore {
    series: Vec<Series>,
    index: BTreeMap<Labels, SeriesId>,
}

impl SeriesStore {
    /// The series with exactly those labels, made where it is new.
    pub fn series(&mut self, labels: Labels) -> SeriesId {
        let next = SeriesId(self.series.len());
        let id = *self.index.entry(labels.clone()).or_insert(next);
        if id == next {
            self.series.push(Series {
                labels,
                samples: Vec::new(),
            });
        }
        id
    }

    /// Adds a sample. One that is not newer than the last is dropped, as Prometheus does.
    pub fn append(&mut self, id: SeriesId, sample: Sample) {
        self.push(id, sample.at, Some(sample.value));
    }

    /// Marks the series as gone: queries no longer look back beyond this moment.
    pub fn end(&mut self, id: SeriesId, at: i64) {
        self.push(id, at, None);
    }

    fn push(&mut self, id: SeriesId, at: i64, value: Option<f64>) {
        if let Some(series) = self.series.get_mut(id.0)
            && series.samples.last().is_none_or(|(last, _)| *last < at)
        {
            series.samples.push((at, value));
        }
    }

    /// The newest sample of each matching series at `at`, not older than five minutes.
    #[must_use]
    pub fn latest(&self, matchers: &[Matcher], name: Option<&str>, at: i64) -> Vec<Point> {
        self.matching(matchers, name)
            .filter_map(|series| {
                let newest = series.samples.partition_point(|(time, _)| *time <= at);
                match series.samples.get(newest.checked_sub(1)?) {
                    Some((time, Some(value))) if *time > at - LOOKBACK => Some(Point {
                        labels: series.labels.clone(),
                        value: *value,
                    }),
                    Some(_) | None => None,
                }
            })
            .collect()
    }

    /// The samples of each matching series after `start` and up to `end`.
    pub fn window<'a>(
        &'a self,
        matchers: &'a [Matcher],
        name: Option<&'a str>,
        start: i64,
        end: i64,
    ) -> impl Iterator<Item = (&'a Labels, Vec<Sample>)> {
        self.matching(matchers, name).map(move |series| {
            let from = series.samples.partition_point(|(time, _)| *time <= start);
            let to = series.samples.partition_point(|(time, _)| *time <= end);
            let samples = series
                .samples
                .get(from..to)
                .unwrap_or_default()
                .iter()
                .filter_map(|(at, value)| value.map(|value| Sample { at: *at, value }))
                .collect();
            (&series.labels, samples)
        })
    }

    fn matching<'a>(
        &'a self,
        matchers: &'a [Matcher],
        name: Option<&'a str>,
    ) -> impl Iterator<Item = &'a Series> {
        self.index
            .values()
            .filter_map(|id| self.series.get(id.0))
            .filter(move |series| {
                let value = |label: &str| series.labels.get(label).map_or("", String::as_str);
                name.is_none_or(|name| value(NAME) == name)
                    && matchers
                        .iter()
                        .all(|matcher| matcher.is_match(value(&matcher.name)))
            })
    }
}
