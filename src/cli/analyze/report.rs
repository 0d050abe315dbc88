//! What `analyze` found, as lines or as one object.

use crate::cli::args::analyze::ReportFormat;
use crate::rollout::event::Sample;
use crate::rollout::words::figures;
use crate::rollout::words::measured;
use serde_json::Value;
use serde_json::json;
use std::fmt::Write as _;
use std::time::Duration;

/// One answer for each question.
pub struct Report {
    /// Name of the canary.
    pub canary: String,
    /// Its namespace.
    pub namespace: String,
    /// Time between a weight and the question about it.
    pub interval: Duration,
    /// In the order in which a rollout asks.
    pub rows: Vec<Row>,
}

/// One metric, asked once.
pub struct Row {
    /// What it is worth.
    pub verdict: Verdict,
    /// The kind of backend.
    pub provider: &'static str,
    /// Value, limits, query.
    pub sample: Sample,
    /// How far its window begins before the weight that a rollout would ask about; 0 where it does not.
    pub reaches_back: Duration,
    /// From question to answer.
    pub took: Duration,
}

/// What an answer is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Within the limits.
    Passed,
    /// Outside.
    Failed,
    /// The query matched nothing.
    NoValues,
    /// No usable answer.
    Error,
}

impl Verdict {
    const fn word(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::NoValues => "noValues",
            Self::Error => "error",
        }
    }

    const fn mark(self) -> &'static str {
        match self {
            Self::Passed => "pass",
            Self::Failed => "FAIL",
            Self::NoValues => "none",
            Self::Error => "ERROR",
        }
    }
}

impl Report {
    /// Did nothing fail?
    pub fn all_passed(&self) -> bool {
        self.passed() == self.rows.len()
    }

    fn passed(&self) -> usize {
        let passed = self
            .rows
            .iter()
            .filter(|row| row.verdict == Verdict::Passed);
        passed.count()
    }

    /// In that format, else as lines.
    pub fn text(&self, format: Option<ReportFormat>) -> String {
        match format {
            None => self.lines(),
            Some(ReportFormat::Json) => {
                let text = serde_json::to_string_pretty(&self.object()).unwrap_or_default();
                format!("{text}\n")
            }
            Some(ReportFormat::Yaml) => serde_saphyr::to_string(&self.object()).unwrap_or_default(),
        }
    }

    fn lines(&self) -> String {
        let count = self.rows.len();
        let plural = if count == 1 { "" } else { "s" };
        let mut text = format!(
            "{}.{}: {count} metric{plural}, asked once\n",
            self.canary, self.namespace
        );
        for row in &self.rows {
            // A `String` takes everything.
            let _ = write!(text, "\n{}", row.lines(self.interval));
        }
        if count > 0 {
            // A `String` takes everything.
            let _ = writeln!(text, "\n{} of {count} passed", self.passed());
        }
        text
    }

    fn object(&self) -> Value {
        json!({
            "canary": self.canary,
            "namespace": self.namespace,
            "passed": self.passed(),
            "failed": self.rows.len() - self.passed(),
            "metrics": self.rows.iter().map(Row::object).collect::<Vec<_>>(),
        })
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

impl Row {
    fn lines(&self, interval: Duration) -> String {
        let took = figures::duration(millis(self.took));
        let mut text = format!(
            "{:<5}  {}  ({}, {took})\n",
            self.verdict.mark(),
            figures::one_line(&measured(&self.sample)),
            self.provider
        );
        let query = self.sample.query.as_deref().unwrap_or_default();
        for line in query.trim_end().lines() {
            // A `String` takes everything.
            let _ = writeln!(text, "       {}", figures::one_line(line));
        }
        if !self.reaches_back.is_zero() {
            let window = figures::duration(self.sample.window_ms);
            let interval = figures::duration(millis(interval));
            // A `String` takes everything.
            let _ = writeln!(
                text,
                "       its window of {window} reaches back before the weight, which is {interval} old when it is asked"
            );
        }
        text
    }

    fn object(&self) -> Value {
        let mut object = serde_json::to_value(&self.sample).unwrap_or_default();
        object["verdict"] = self.verdict.word().into();
        object["provider"] = self.provider.into();
        object["tookMs"] = millis(self.took).into();
        if !self.reaches_back.is_zero() {
            object["reachesBackMs"] = millis(self.reaches_back).into();
        }
        object
    }
}
