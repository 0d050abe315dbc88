//! The run as one JSON object at its end (`-o json`): the facts of the summary, for programs.
//!
//! Must not write anything: whoever reads it expects exactly one object, and a process in the sandbox has several runs.

use crate::canary::phase::Phase;
use crate::canary::weight::Weight;
use crate::port::subscriber::Subscriber;
use crate::rollout::event::Event;
use crate::rollout::event::Sample;
use crate::rollout::event::Traffic;
use crate::rollout::event::VERSION;
use crate::ui::report::RunReport;
use serde::Serialize;
use std::cell::RefCell;
use std::rc::Rc;

/// Has the object of the run that ended last. A clone is another hand on the same.
#[derive(Clone, Default)]
pub struct JsonSummary {
    told: Rc<RefCell<Told>>,
}

#[derive(Default)]
struct Told {
    report: RunReport,
    text: String,
}

impl JsonSummary {
    /// The object and a line's end; empty until a run has ended.
    #[must_use]
    pub fn text(&self) -> String {
        self.told.borrow().text.clone()
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

impl Subscriber for JsonSummary {
    fn on_event(&mut self, event: &Event) {
        let Told { report, text } = &mut *self.told.borrow_mut();
        report.on_event(event);
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
        // only a map with keys that are no strings fails, and there is none
        *text = serde_json::to_string_pretty(&object).unwrap_or_default() + "\n";
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::recorded;

    fn json(events: &[Event]) -> String {
        let mut summary = JsonSummary::default();
        recorded::feed(&mut summary, events);
        summary.text()
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
    fn the_last_of_several_runs_is_told() {
        let mut summary = JsonSummary::default();
        let mut before = recorded::failure();
        for event in &mut before {
            event.run = "01K3PY5ZBSBEFORE0000000000".to_owned();
        }
        recorded::feed(&mut summary.clone(), &before);
        recorded::feed(&mut summary, &recorded::success());
        recorded::golden("success.json", &summary.text());
    }

    #[test]
    fn nothing_is_told_before_the_end() {
        assert_eq!(json(&recorded::midway()), "");
    }
}
