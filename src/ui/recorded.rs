//! Recorded streams and the comparison with files under `testdata/cli/`, for the tests of all renderers.

use crate::canary::phase::Phase;
use crate::canary::weight::Weight;
use crate::port::subscriber::Subscriber;
use crate::rollout::event::Event;
use crate::rollout::event::EventKind;
use crate::rollout::event::Level;
use crate::rollout::event::Miss;
use crate::rollout::event::Role;
use crate::rollout::event::Sample;
use crate::rollout::event::Signal;
use crate::rollout::event::Traffic;
use crate::rollout::words;
use crate::rollout::words::WordsContext;
use jiff::Timestamp;
use std::path::Path;
use std::time::Duration;

/// Builds a stream the way the driver does: sequence, phase, weight and words follow from what happened.
pub(crate) struct Recorder {
    pub(crate) events: Vec<Event>,
    pub(crate) now: Timestamp,
    phase: Phase,
    weight: Weight,
    failed: u32,
}

impl Recorder {
    pub(crate) fn new() -> Self {
        Self {
            events: Vec::new(),
            now: "2026-08-22T14:01:44.120Z".parse().unwrap(),
            phase: Phase::Initialized,
            weight: Weight::ZERO,
            failed: 0,
        }
    }

    pub(crate) fn pass_seconds(&mut self, seconds: u64) {
        self.now += Duration::from_secs(seconds);
    }

    pub(crate) fn push(&mut self, kind: EventKind) {
        self.push_at(Level::Info, kind);
    }

    pub(crate) fn push_at(&mut self, level: Level, kind: EventKind) {
        let run = "01k3f6q8zjv0x2m5r7t94kq7d2".to_owned();
        let context = WordsContext {
            run: &run,
            namespace: "shop",
            canary: "podinfo",
            from: "6.9.1",
            to: "6.9.2",
            weight: self.weight,
            level,
        };
        let msg = words::message(&kind, &context);
        self.events.push(Event {
            seq: self.events.len() as u64 + 1,
            at: self.now,
            level,
            run,
            namespace: "shop".to_owned(),
            canary: "podinfo".to_owned(),
            phase: self.phase,
            weight: self.weight,
            checksum: String::new(),
            msg,
            kind,
        });
    }

    pub(crate) fn start(&mut self) {
        self.push(EventKind::RunStarted {
            from: "6.9.1".to_owned(),
            to: "6.9.2".to_owned(),
            git: "3f9c1e2".to_owned(),
            context: "prod-eu".to_owned(),
            provider: "gatewayapi".to_owned(),
            route: "httproute/podinfo".to_owned(),
            resumed: false,
            tool_version: "0.1.0".to_owned(),
        });
        self.push(EventKind::RunPlan {
            strategy: "weighted canary",
            weights: [10, 20, 30, 40, 50].map(Weight::saturating).to_vec(),
            iterations: 0,
            mirror: false,
            interval_ms: 60_000,
            threshold: 5,
            metrics: [
                "request-success-rate",
                "request-duration",
                "checkout-errors",
            ]
            .map(str::to_owned)
            .to_vec(),
            gates: Vec::new(),
            estimate_ms: 400_000,
        });
        self.phase(Phase::Progressing);
    }

    pub(crate) fn phase(&mut self, to: Phase) {
        let from = self.phase;
        self.phase = to;
        self.push(EventKind::PhaseChanged { from, to });
    }

    pub(crate) fn progress(&mut self, ready: u32, desired: u32, reason: Option<&str>) {
        self.push(EventKind::WorkloadProgress {
            role: Role::Canary,
            ready,
            desired,
            reason: reason.map(str::to_owned),
        });
    }

    pub(crate) fn ready(&mut self, role: Role, took_ms: u64) {
        self.push(EventKind::WorkloadReady {
            role,
            ready: 3,
            desired: 3,
            took_ms,
        });
    }

    pub(crate) fn weight(&mut self, from: i64, to: i64) {
        self.weight = Weight::saturating(to);
        self.push(EventKind::TrafficChanged {
            from: Weight::saturating(from),
            to: self.weight,
            mirror: false,
            object: "httproute/podinfo".to_owned(),
            resource_version: format!("{}", 41_000 + to),
            took_ms: 18,
        });
    }

    pub(crate) fn record(&mut self, commit: &str) {
        self.push(EventKind::StatusRecorded {
            commit: commit.to_owned(),
            reference: "refs/heads/flagger-status".to_owned(),
            path: "v1/prod-eu/shop/podinfo/status.yaml".to_owned(),
        });
    }

    /// One look at three metrics.
    pub(crate) fn look(&mut self, success: f64, latency: f64, errors: f64) {
        let samples = vec![
            sample("request-success-rate", success, Some(99.0), None, Some("%")),
            sample("request-duration", latency, None, Some(500.0), Some("ms")),
            sample("checkout-errors", errors, None, Some(1.0), None),
        ];
        for each in &samples {
            let level = if each.ok { Level::Info } else { Level::Warn };
            self.push_at(level, EventKind::MetricSampled(each.clone()));
        }
        let misses: Vec<String> = samples
            .iter()
            .filter(|each| !each.ok)
            .map(|each| each.name.clone())
            .collect();
        if misses.is_empty() {
            self.push(EventKind::CheckPassed {
                failed: self.failed,
                threshold: 5,
                samples,
            });
        } else {
            self.failed += 1;
            self.push_at(
                Level::Warn,
                EventKind::CheckHeld {
                    failed: self.failed,
                    threshold: 5,
                    misses,
                    why: Miss::Breach,
                    counted: true,
                    samples,
                },
            );
        }
    }

    pub(crate) fn finish(&mut self, outcome: &'static str, exit_code: u8, worst: Vec<Sample>) {
        let level = if exit_code == 0 {
            Level::Info
        } else {
            Level::Error
        };
        let first = self.events.first().map_or(self.now, |event| event.at);
        let duration_ms = u64::try_from(self.now.duration_since(first).as_millis()).unwrap();
        self.push_at(
            level,
            EventKind::RunFinished {
                outcome,
                exit_code,
                traffic: Traffic {
                    primary: self.weight.rest(),
                    canary: self.weight,
                },
                duration_ms,
                worst,
            },
        );
    }
}

pub(crate) fn sample(
    name: &str,
    value: f64,
    min: Option<f64>,
    max: Option<f64>,
    unit: Option<&'static str>,
) -> Sample {
    let ok = min.is_none_or(|min| value >= min) && max.is_none_or(|max| value <= max);
    Sample {
        name: name.to_owned(),
        value: Some(value),
        min,
        max,
        unit,
        ok,
        miss: (!ok).then_some(Miss::Breach),
        window_ms: 60_000,
        query: None,
        error: None,
    }
}

/// Of a router that cannot tell whether its weights are in effect.
pub(crate) fn heartbeat(next_look_ms: u64) -> EventKind {
    EventKind::Heartbeat {
        next_look_ms,
        in_effect: None,
        reason: None,
    }
}

fn to_thirty() -> Recorder {
    let mut recorder = Recorder::new();
    recorder.start();
    recorder.progress(1, 3, Some("ContainerCreating"));
    recorder.pass_seconds(21);
    recorder.ready(Role::Canary, 21_300);
    recorder.weight(0, 10);
    recorder.record("1d20c86e0f1b5e5d9f6f6f1b54c6c2f6b7a8c9d0");
    recorder.pass_seconds(60);
    recorder.look(99.91, 212.0, 0.0);
    recorder.weight(10, 20);
    recorder.record("7aa3f0be0f1b5e5d9f6f6f1b54c6c2f6b7a8c9d0");
    recorder.pass_seconds(60);
    recorder.look(98.71, 228.0, 0.0);
    recorder.pass_seconds(60);
    recorder.look(99.82, 231.0, 0.4);
    recorder.weight(20, 30);
    recorder.record("9be21f0e0f1b5e5d9f6f6f1b54c6c2f6b7a8c9d0");
    recorder
}

/// A run at 30 percent, six seconds before its next look.
pub(crate) fn midway() -> Vec<Event> {
    let mut recorder = to_thirty();
    recorder.pass_seconds(54);
    recorder.push(heartbeat(6000));
    recorder.events
}

/// One held check, then promoted.
pub(crate) fn success() -> Vec<Event> {
    let mut recorder = to_thirty();
    recorder.pass_seconds(54);
    recorder.push(heartbeat(6000));
    recorder.pass_seconds(6);
    recorder.look(99.95, 240.0, 0.0);
    recorder.weight(30, 40);
    recorder.pass_seconds(60);
    recorder.look(99.97, 244.0, 0.0);
    recorder.weight(40, 50);
    recorder.pass_seconds(60);
    recorder.look(99.99, 239.0, 0.1);
    recorder.phase(Phase::Promoting);
    recorder.pass_seconds(24);
    recorder.ready(Role::Primary, 24_000);
    recorder.weight(50, 0);
    recorder.phase(Phase::Finalising);
    recorder.phase(Phase::Succeeded);
    recorder.record("c04d7a1e0f1b5e5d9f6f6f1b54c6c2f6b7a8c9d0");
    recorder.finish(
        "promoted",
        0,
        vec![
            sample("request-success-rate", 98.71, Some(99.0), None, Some("%")),
            sample("request-duration", 244.0, None, Some(500.0), Some("ms")),
            sample("checkout-errors", 0.4, None, Some(1.0), None),
        ],
    );
    recorder.events
}

/// Five failed checks in all, then rolled back.
pub(crate) fn failure() -> Vec<Event> {
    let mut recorder = to_thirty();
    for success in [96.0, 93.4, 92.2, 91.2] {
        recorder.pass_seconds(60);
        recorder.look(success, 231.0, 0.0);
    }
    rolled_back(&mut recorder, 10, "5 of 5 failed checks");
    recorder.events
}

/// Rolled back after a signal.
pub(crate) fn interrupted() -> Vec<Event> {
    let mut recorder = to_thirty();
    recorder.pass_seconds(5);
    for action in ["ask", "rollback"] {
        recorder.push_at(
            Level::Warn,
            EventKind::SignalReceived {
                signal: Signal::Int,
                action: action.to_owned(),
            },
        );
    }
    rolled_back(&mut recorder, 130, "interrupted by INT");
    recorder.events
}

fn rolled_back(recorder: &mut Recorder, code: u8, reason: &str) {
    let weight = i64::from(recorder.weight.percent());
    recorder.push_at(
        Level::Error,
        EventKind::RollbackStarted {
            code,
            reason: reason.to_owned(),
        },
    );
    recorder.weight(weight, 0);
    recorder.push_at(
        Level::Error,
        EventKind::RollbackFinished {
            code,
            reason: reason.to_owned(),
            took_ms: 400,
        },
    );
    recorder.phase(Phase::Failed);
    recorder.record("e71b9c4e0f1b5e5d9f6f6f1b54c6c2f6b7a8c9d0");
    recorder.finish("rolled-back", code, Vec::new());
}

/// Left with traffic on both versions.
pub(crate) fn split() -> Vec<Event> {
    let mut recorder = to_thirty();
    recorder.push_at(
        Level::Error,
        EventKind::RollbackStarted {
            code: 20,
            reason: "5 of 5 failed checks".to_owned(),
        },
    );
    recorder.push_at(
        Level::Error,
        EventKind::Diagnostic {
            code: "flagger::traffic::split".to_owned(),
            message: "httproute/podinfo could not be written".to_owned(),
            causes: vec!["the API server did not answer for 60s".to_owned()],
            file: None,
            span: None,
            help: None,
        },
    );
    recorder.finish("split", 20, Vec::new());
    recorder.events
}

/// Feeds a stream.
pub(crate) fn feed(subscriber: &mut dyn Subscriber, events: &[Event]) {
    for event in events {
        subscriber.on_event(event);
    }
}

/// Compares with a file under `testdata/cli/`. Run with `UPDATE_GOLDEN=1` to write it instead.
#[expect(clippy::disallowed_methods, reason = "a test may ask how it is run")]
pub(crate) fn golden(name: &str, actual: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("testdata/cli")
        .join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, actual).unwrap();
        return;
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        expected == actual,
        "{name} differs; run with UPDATE_GOLDEN=1 to take it over\n--- expected\n{expected}\n--- actual\n{actual}"
    );
}
