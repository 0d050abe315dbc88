//! The run as one JSON object at its end (`-o json`): the facts of the summary, for programs.
//!
//! Must not write anything before the end: whoever reads it expects exactly one object.

use crate::canary::phase::Phase;
use crate::canary::weight::Weight;
use crate::port::subscriber::Subscriber;
use crate::rollout::event::Event;
use crate::rollout::event::Sample;
use crate::rollout::event::Traffic;
use crate::rollout::event::VERSION;
use crate::ui::report::RunReport;
use serde::Serialize;
use std::io::Write;

/// Writes the object when the run has ended.
pub struct JsonSummary<W: Write> {
    out: W,
    report: RunReport,
}

impl<W: Write> JsonSummary<W> {
    /// To that writer.
    pub fn new(out: W) -> Self {
        Self {
            out,
            report: RunReport::default(),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Object<'a> {
    v: &'static str,
    outcome: &'static str,
    exit_code: u8,
    run: &'a str,
    namespace: &'a str,
    canary: &'a str,
    phase: Phase,
    from: &'a str,
    to: &'a str,
    traffic: Traffic,
    duration_ms: u64,
    weights: &'a [Weight],
    checks: Checks,
    worst: &'a [Sample],
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    record: Option<Record<'a>>,
}

#[derive(Serialize)]
struct Checks {
    passed: u32,
    held: u32,
    failed: u32,
    threshold: u32,
}

#[derive(Serialize)]
struct Record<'a> {
    commit: &'a str,
    #[serde(rename = "ref")]
    reference: &'a str,
    path: &'a str,
}

impl<W: Write> Subscriber for JsonSummary<W> {
    fn on_event(&mut self, event: &Event) {
        self.report.on_event(event);
        let report = &self.report;
        let Some(verdict) = &report.verdict else {
            return;
        };
        let object = Object {
            v: VERSION,
            outcome: verdict.outcome,
            exit_code: verdict.exit_code,
            run: &report.run,
            namespace: &report.namespace,
            canary: &report.canary,
            phase: report.phase,
            from: &report.from,
            to: &report.to,
            traffic: verdict.traffic,
            duration_ms: verdict.duration_ms,
            weights: &report.reached,
            checks: Checks {
                passed: report.passed,
                held: report.held,
                failed: report.failed,
                threshold: report.threshold,
            },
            worst: &verdict.worst,
            reason: report
                .rollback
                .as_ref()
                .map(|rollback| rollback.reason.as_str()),
            record: report.recorded.as_ref().map(|recorded| Record {
                commit: &recorded.commit,
                reference: &recorded.reference,
                path: &recorded.path,
            }),
        };
        let Ok(mut text) = serde_json::to_vec_pretty(&object) else {
            return; // only a map with keys that are no strings fails, and there is none
        };
        text.push(b'\n');
        // a reader that went away must not change how a run ends
        let _ = self.out.write_all(&text);
        let _ = self.out.flush();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::recorded;

    fn json(events: &[Event]) -> String {
        let mut out = Vec::new();
        recorded::feed(&mut JsonSummary::new(&mut out), events);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_success_is_one_object() {
        recorded::golden("success.json", &json(&recorded::success()));
    }

    #[test]
    fn a_rollback_says_why() {
        recorded::golden("failure.json", &json(&recorded::failure()));
    }

    #[test]
    fn nothing_is_written_before_the_end() {
        assert_eq!(json(&recorded::midway()), "");
    }
}
