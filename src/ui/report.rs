//! What a run has told so far, gathered from its events for the views that show more than one line.
//!
//! Must not render anything.

use crate::canary::phase::Phase;
use crate::canary::weight::Weight;
use crate::rollout::event::Event;
use crate::rollout::event::EventKind;
use crate::rollout::event::Level;
use crate::rollout::event::Role;
use crate::rollout::event::Sample;
use crate::rollout::event::Traffic;
use jiff::Timestamp;

/// Looks kept for each metric.
pub const HISTORY: usize = 10;

/// What is known of a run.
#[derive(Clone, Debug, Default)]
pub struct RunReport {
    /// The run's full ULID.
    pub run: String,
    /// Namespace of the canary.
    pub namespace: String,
    /// Name of the canary.
    pub canary: String,
    /// What the primary served when the run began.
    pub from: String,
    /// What is being rolled out.
    pub to: String,
    /// Context of the kubeconfig.
    pub context: String,
    /// Traffic provider.
    pub provider: String,
    /// The route object.
    pub route: String,
    /// Where the rollout stands.
    pub phase: Phase,
    /// Share of the canary now, percent.
    pub weight: Weight,
    /// Is a copy of the traffic sent to the canary?
    pub mirrored: bool,
    /// Time of the first event.
    pub started_at: Option<Timestamp>,
    /// Time of the last event.
    pub last_at: Option<Timestamp>,
    /// Planned shares, percent.
    pub planned: Vec<Weight>,
    /// Time between looks.
    pub interval_ms: u64,
    /// About how long it takes in all.
    pub estimate_ms: u64,
    /// Failed checks that roll back.
    pub threshold: u32,
    /// Metrics of the plan, in the spec's order.
    pub metrics: Vec<String>,
    /// Shares of the canary in the order they were reached, percent; moves to 0 are not among them.
    pub reached: Vec<Weight>,
    /// When the weight moved last.
    pub moved_at: Option<Timestamp>,
    /// Looks that passed.
    pub passed: u32,
    /// Looks that held.
    pub held: u32,
    /// Failed checks now.
    pub failed: u32,
    /// Every metric with its last samples, in the order they were first asked.
    pub histories: Vec<History>,
    /// The last look that held.
    pub last_held: Option<Held>,
    /// Pods of the canary.
    pub canary_pods: Option<Pods>,
    /// Pods of the primary.
    pub primary_pods: Option<Pods>,
    /// The rollback, if one began.
    pub rollback: Option<Rollback>,
    /// The last commit of the record.
    pub recorded: Option<Recorded>,
    /// Why the record could not be written last.
    pub unrecorded: Option<String>,
    /// The last error that was told.
    pub error: Option<Told>,
    /// How it ended.
    pub verdict: Option<Verdict>,
}

/// A metric's last samples, oldest first.
#[derive(Clone, Debug)]
pub struct History {
    /// The metric's name in the spec.
    pub name: String,
    /// At most [`HISTORY`].
    pub samples: Vec<Sample>,
}

/// A look that held.
#[derive(Clone, Debug)]
pub struct Held {
    /// When.
    pub at: Timestamp,
    /// Failed checks after it.
    pub failed: u32,
    /// Names of what was out of its limits.
    pub misses: Vec<String>,
}

/// Pods of a workload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pods {
    /// Available.
    pub ready: u32,
    /// Asked for.
    pub desired: u32,
    /// What it waits for.
    pub reason: Option<String>,
}

/// A way back.
#[derive(Clone, Debug)]
pub struct Rollback {
    /// Why.
    pub reason: String,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// From decision to traffic on the primary.
    pub took_ms: u64,
}

/// A commit of the record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// The commit's id.
    pub commit: String,
    /// The branch.
    pub reference: String,
    /// The canary's file there.
    pub path: String,
}

/// An error as it was told.
#[derive(Clone, Debug)]
pub struct Told {
    /// Such as `flagger::route::conflict`.
    pub code: String,
    /// What happened.
    pub message: String,
    /// The causes, outermost first.
    pub causes: Vec<String>,
    /// What to do.
    pub help: Option<String>,
}

/// The end of a run.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// Such as `promoted`.
    pub outcome: &'static str,
    /// The process' exit code.
    pub exit_code: u8,
    /// Where the traffic is.
    pub traffic: Traffic,
    /// From the first line.
    pub duration_ms: u64,
    /// The sample furthest towards its limit, one a metric.
    pub worst: Vec<Sample>,
}

impl RunReport {
    /// `podinfo.shop`.
    #[must_use]
    pub fn who(&self) -> String {
        format!("{}.{}", self.canary, self.namespace)
    }

    /// The last samples of a metric.
    #[must_use]
    pub fn history(&self, name: &str) -> &[Sample] {
        self.histories
            .iter()
            .find(|history| history.name == name)
            .map_or(&[], |history| &history.samples)
    }

    /// Takes an event in. The first event of another run, opened because a newer revision came midway, starts anew.
    pub fn on_event(&mut self, event: &Event) {
        if self.run != event.run {
            *self = Self::default();
        }
        self.run.clone_from(&event.run);
        self.namespace.clone_from(&event.namespace);
        self.canary.clone_from(&event.canary);
        self.phase = event.phase;
        self.weight = event.weight;
        self.started_at.get_or_insert(event.at);
        self.last_at = Some(event.at);
        match &event.kind {
            EventKind::RunStarted {
                from,
                to,
                context,
                provider,
                route,
                ..
            } => {
                self.from.clone_from(from);
                self.to.clone_from(to);
                self.context.clone_from(context);
                self.provider.clone_from(provider);
                self.route.clone_from(route);
            }
            EventKind::RunPlan {
                weights,
                interval_ms,
                threshold,
                metrics,
                estimate_ms,
                ..
            } => {
                self.metrics.clone_from(metrics);
                self.planned.clone_from(weights);
                self.interval_ms = *interval_ms;
                self.threshold = *threshold;
                self.estimate_ms = *estimate_ms;
            }
            EventKind::WorkloadReady {
                role,
                ready,
                desired,
                ..
            } => self.take_pods(*role, *ready, *desired, None),
            EventKind::WorkloadProgress {
                role,
                ready,
                desired,
                reason,
            } => self.take_pods(*role, *ready, *desired, reason.clone()),
            EventKind::TrafficChanged { to, mirror, .. } => {
                self.mirrored = *mirror;
                self.moved_at = Some(event.at);
                if !to.is_zero() {
                    self.reached.push(*to);
                }
            }
            EventKind::MetricSampled(sample) => self.take_sample(sample),
            EventKind::CheckPassed {
                failed, threshold, ..
            } => {
                self.passed += 1;
                self.failed = *failed;
                self.threshold = *threshold;
            }
            EventKind::CheckHeld {
                failed,
                threshold,
                misses,
                ..
            } => {
                self.held += 1;
                self.failed = *failed;
                self.threshold = *threshold;
                self.last_held = Some(Held {
                    at: event.at,
                    failed: *failed,
                    misses: misses.clone(),
                });
            }
            EventKind::RollbackStarted { reason, .. } => {
                self.rollback = Some(Rollback {
                    reason: reason.clone(),
                    finished_at: None,
                    took_ms: 0,
                });
            }
            EventKind::RollbackFinished {
                reason, took_ms, ..
            } => {
                self.rollback = Some(Rollback {
                    reason: reason.clone(),
                    finished_at: Some(event.at),
                    took_ms: *took_ms,
                });
            }
            EventKind::StatusRecorded {
                commit,
                reference,
                path,
            } => {
                self.unrecorded = None;
                self.recorded = Some(Recorded {
                    commit: commit.clone(),
                    reference: reference.clone(),
                    path: path.clone(),
                });
            }
            EventKind::StatusFailed { error, .. } => self.unrecorded = Some(error.clone()),
            EventKind::Diagnostic {
                code,
                message,
                causes,
                help,
                ..
            } => {
                if event.level == Level::Error {
                    self.error = Some(Told {
                        code: code.clone(),
                        message: message.clone(),
                        causes: causes.clone(),
                        help: help.clone(),
                    });
                }
            }
            EventKind::RunFinished {
                outcome,
                exit_code,
                traffic,
                duration_ms,
                worst,
            } => {
                self.verdict = Some(Verdict {
                    outcome,
                    exit_code: *exit_code,
                    traffic: *traffic,
                    duration_ms: *duration_ms,
                    worst: worst.clone(),
                });
            }
            EventKind::PhaseChanged { .. }
            | EventKind::IterationStarted { .. }
            | EventKind::WebhookCalled { .. }
            | EventKind::GateWaiting { .. }
            | EventKind::GateOpened { .. }
            | EventKind::SignalReceived { .. }
            | EventKind::IntentReceived { .. }
            | EventKind::Heartbeat { .. } => {}
        }
    }

    fn take_pods(&mut self, role: Role, ready: u32, desired: u32, reason: Option<String>) {
        let pods = Some(Pods {
            ready,
            desired,
            reason,
        });
        match role {
            Role::Canary => self.canary_pods = pods,
            Role::Primary => self.primary_pods = pods,
        }
    }

    fn take_sample(&mut self, sample: &Sample) {
        let known = self
            .histories
            .iter()
            .position(|history| history.name == sample.name);
        let at = known.unwrap_or_else(|| {
            self.histories.push(History {
                name: sample.name.clone(),
                samples: Vec::new(),
            });
            self.histories.len() - 1
        });
        if let Some(history) = self.histories.get_mut(at) {
            if history.samples.len() == HISTORY {
                history.samples.remove(0);
            }
            history.samples.push(sample.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::recorded;

    fn report(events: &[Event]) -> RunReport {
        let mut report = RunReport::default();
        for event in events {
            report.on_event(event);
        }
        report
    }

    #[test]
    fn a_success_is_gathered_in_numbers() {
        let report = report(&recorded::success());
        let reached: Vec<u8> = report.reached.iter().map(|each| each.percent()).collect();
        assert_eq!(reached, [10, 20, 30, 40, 50]);
        assert_eq!((report.passed, report.held, report.failed), (5, 1, 1));
        assert_eq!(report.verdict.map(|verdict| verdict.exit_code), Some(0));
    }

    #[test]
    fn a_metric_keeps_its_last_ten_samples() {
        let mut recorder = recorded::Recorder::new();
        for look in 0..14 {
            recorder.look(99.0 + f64::from(look) / 100.0, 1.0, 0.0);
        }
        let report = report(&recorder.events);
        let kept = report.history("request-success-rate");
        assert_eq!(kept.len(), HISTORY);
        assert_eq!(kept.last().and_then(|sample| sample.value), Some(99.13));
        assert!(report.history("unknown").is_empty());
    }

    #[test]
    fn another_run_starts_anew() {
        let mut events = recorded::failure();
        let mut next = recorded::midway();
        for event in &mut next {
            event.run = "01k3f6q8zjv0x2m5r7t94kq7d3".to_owned();
        }
        events.extend(next);
        let report = report(&events);
        assert!(report.verdict.is_none() && report.rollback.is_none());
        assert_eq!((report.passed, report.held), (2, 1));
    }

    #[test]
    fn a_commit_that_worked_ends_the_worry_about_one_that_did_not() {
        let mut recorder = recorded::Recorder::new();
        recorder.push(EventKind::StatusFailed {
            reference: "refs/heads/flagger-status".to_owned(),
            error: "no route to host".to_owned(),
        });
        assert!(report(&recorder.events).unrecorded.is_some());
        recorder.record("c04d7a1e");
        assert!(report(&recorder.events).unrecorded.is_none());
    }
}
