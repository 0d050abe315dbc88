//! One line a fact, for logs of CI systems and pipes: time, one of twelve verbs, words.
//!
//! Must not move the cursor, colour anything or write a line twice. Never silent for more than a minute while a run
//! waits, because some hosts kill silent jobs.

use crate::canary::phase::Phase;
use crate::canary::weight::Weight;
use crate::port::subscriber::Subscriber;
use crate::rollout::event::Event;
use crate::rollout::event::EventKind;
use crate::rollout::event::Role;
use crate::rollout::words;
use crate::rollout::words::figures;
use jiff::Timestamp;
use std::io::Write;
use std::time::Duration;

/// Longest silence.
const SILENCE: Duration = Duration::from_secs(60);

/// Writes lines as they happen, each flushed.
pub struct PlainLog<W: Write> {
    out: W,
    printed_at: Option<Timestamp>,
    waits: Waits,
    /// What to say when it has been silent for too long.
    waiting: Option<Waiting>,
}

enum Waiting {
    Look { weight: Weight, at: Timestamp },
    Words(String),
}

/// Tells which lines about pods are news: the first of a wait, and those in which the count moved. What a wait is for
/// changes with every move of a pod, and interests only who waits for long.
#[derive(Clone, Copy, Debug, Default)]
pub struct Waits {
    last: Option<(Role, u32, u32)>,
}

impl Waits {
    /// Nothing was told yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { last: None }
    }

    /// Is it worth a line? Takes it as told.
    pub fn is_news(&mut self, event: &Event) -> bool {
        let EventKind::WorkloadProgress {
            role,
            ready,
            desired,
            ..
        } = event.kind
        else {
            // A commit of the record may fall between two looks at the same pods.
            if !matches!(event.kind, EventKind::StatusRecorded { .. }) {
                self.last = None;
            }
            return true;
        };
        let now = Some((role, ready, desired));
        let is_news = self.last != now;
        self.last = now;
        is_news
    }
}

impl Waiting {
    fn words(&self, now: Timestamp) -> String {
        match self {
            Self::Look { weight, at } => {
                let left = at.duration_since(now).as_millis();
                words::next_look(*weight, u64::try_from(left).unwrap_or(0))
            }
            Self::Words(words) => words.clone(),
        }
    }
}

impl<W: Write> PlainLog<W> {
    /// To that writer.
    pub const fn new(out: W) -> Self {
        Self {
            out,
            printed_at: None,
            waits: Waits::new(),
            waiting: None,
        }
    }

    fn remember(&mut self, event: &Event) {
        let weight = event.weight;
        self.waiting = match &event.kind {
            EventKind::Heartbeat { next_look_ms, .. } => {
                let at = event
                    .at
                    .saturating_add(Duration::from_millis(*next_look_ms));
                at.ok().map(|at| Waiting::Look { weight, at })
            }
            EventKind::WorkloadProgress { .. } | EventKind::GateWaiting { .. } => {
                Some(Waiting::Words(event.msg.clone()))
            }
            EventKind::RunFinished { .. } => None,
            EventKind::RunStarted { .. }
            | EventKind::RunPlan { .. }
            | EventKind::PhaseChanged { .. }
            | EventKind::WorkloadReady { .. }
            | EventKind::TrafficChanged { .. }
            | EventKind::IterationStarted { .. }
            | EventKind::WebhookCalled { .. }
            | EventKind::GateOpened { .. }
            | EventKind::MetricSampled(_)
            | EventKind::CheckPassed { .. }
            | EventKind::CheckHeld { .. }
            | EventKind::SignalReceived { .. }
            | EventKind::IntentReceived { .. }
            | EventKind::RollbackStarted { .. }
            | EventKind::RollbackFinished { .. }
            | EventKind::StatusRecorded { .. }
            | EventKind::StatusFailed { .. }
            | EventKind::Diagnostic { .. } => match event.phase {
                Phase::New => Some(Waiting::Words(format!("at {weight}: starting"))),
                Phase::Initializing
                | Phase::Initialized
                | Phase::Waiting
                | Phase::Progressing
                | Phase::WaitingPromotion
                | Phase::Promoting
                | Phase::Finalising
                | Phase::Succeeded
                | Phase::Failed
                | Phase::Terminating
                | Phase::Terminated => {
                    Some(Waiting::Words(format!("at {weight}: {}", event.phase)))
                }
            },
        };
    }

    fn print(&mut self, at: Timestamp, verb: words::Verb, text: &str) {
        // a reader that went away must not stop a rollout
        let _ = writeln!(self.out, "{}", line(at, verb, text));
        let _ = self.out.flush();
        self.printed_at = Some(at);
    }

    fn silent_at(&self, now: Timestamp) -> bool {
        self.printed_at
            .is_none_or(|at| now.duration_since(at).unsigned_abs() >= SILENCE)
    }
}

/// One line as it is printed, without its end.
#[must_use]
pub fn line(at: Timestamp, verb: words::Verb, text: &str) -> String {
    format!(
        "{} {verb:<8} {}",
        at.strftime("%H:%M:%SZ"),
        figures::one_line(text)
    )
}

/// Does the event have a line of its own? Samples are told by the look they belong to, a phase by what moves in it.
#[must_use]
pub fn is_told(event: &Event) -> bool {
    match &event.kind {
        EventKind::MetricSampled(_) | EventKind::Heartbeat { .. } => false,
        // A gate tells of itself, and a hook that says no of the check that it fails.
        EventKind::WebhookCalled { ok, hook, .. } => *ok && *hook == "post-rollout",
        EventKind::PhaseChanged { to, .. } => match to {
            Phase::Initializing
            | Phase::Waiting
            | Phase::WaitingPromotion
            | Phase::Promoting
            | Phase::Finalising => true,
            Phase::New
            | Phase::Initialized
            | Phase::Progressing
            | Phase::Succeeded
            | Phase::Failed
            | Phase::Terminating
            | Phase::Terminated => false,
        },
        EventKind::RunStarted { .. }
        | EventKind::RunPlan { .. }
        | EventKind::WorkloadReady { .. }
        | EventKind::WorkloadProgress { .. }
        | EventKind::TrafficChanged { .. }
        | EventKind::IterationStarted { .. }
        | EventKind::GateWaiting { .. }
        | EventKind::GateOpened { .. }
        | EventKind::CheckPassed { .. }
        | EventKind::CheckHeld { .. }
        | EventKind::SignalReceived { .. }
        | EventKind::IntentReceived { .. }
        | EventKind::RollbackStarted { .. }
        | EventKind::RollbackFinished { .. }
        | EventKind::StatusRecorded { .. }
        | EventKind::StatusFailed { .. }
        | EventKind::Diagnostic { .. }
        | EventKind::RunFinished { .. } => true,
    }
}

impl<W: Write> Subscriber for PlainLog<W> {
    fn on_event(&mut self, event: &Event) {
        self.remember(event);
        if matches!(event.kind, EventKind::Heartbeat { .. }) {
            self.on_tick(event.at);
        }
        if !is_told(event) || !self.waits.is_news(event) {
            return;
        }
        self.print(event.at, words::verb(&event.kind), &event.msg);
    }

    fn on_tick(&mut self, now: Timestamp) {
        if !self.silent_at(now) {
            return;
        }
        let Some(waiting) = &self.waiting else {
            return;
        };
        let text = waiting.words(now);
        self.print(now, words::Verb::Wait, &text);
    }

    fn tick(&self) -> Option<Duration> {
        Some(Duration::from_secs(10))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::recorded;
    use crate::ui::recorded::Recorder;

    fn log(events: &[Event]) -> String {
        let mut out = Vec::new();
        recorded::feed(&mut PlainLog::new(&mut out), events);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_success_reads_as_a_log() {
        recorded::golden("success.txt", &log(&recorded::success()));
    }

    #[test]
    fn a_failure_reads_as_a_log() {
        recorded::golden("failure.txt", &log(&recorded::failure()));
    }

    #[test]
    fn a_heartbeat_is_a_line_only_after_a_minute_of_silence() {
        let mut recorder = Recorder::new();
        recorder.weight(0, 10);
        for _ in 0..12 {
            recorder.pass_seconds(10);
            recorder.push(recorded::heartbeat(65_000));
        }
        assert_eq!(
            log(&recorder.events),
            "14:01:44Z weight   0 -> 10\n\
             14:02:44Z wait     at 10: next look in 1m5s\n\
             14:03:44Z wait     at 10: next look in 1m5s\n"
        );
    }

    #[test]
    fn a_repeated_reason_to_wait_is_said_once() {
        let mut recorder = Recorder::new();
        for _ in 0..3 {
            recorder.progress(1, 3, Some("ContainerCreating"));
        }
        recorder.progress(2, 3, Some("ContainerCreating"));
        assert_eq!(
            log(&recorder.events),
            "14:01:44Z wait     canary 1/3 pods: ContainerCreating\n\
             14:01:44Z wait     canary 2/3 pods: ContainerCreating\n"
        );
    }

    #[test]
    fn a_reason_that_changes_while_the_count_stays_is_no_line() {
        let mut recorder = Recorder::new();
        recorder.progress(0, 2, Some("its rollout has not begun"));
        recorder.progress(0, 2, Some("0 of 2 pods are new"));
        recorder.progress(1, 2, Some("1 of 2 pods is new"));
        recorder.progress(1, 2, Some("1 old pod is still there"));
        assert_eq!(
            log(&recorder.events),
            "14:01:44Z wait     canary 0/2 pods: its rollout has not begun\n\
             14:01:44Z wait     canary 1/2 pods: 1 of 2 pods is new\n"
        );
    }

    #[test]
    fn a_log_that_waits_for_pods_says_so_every_minute() {
        let mut recorder = Recorder::new();
        recorder.progress(1, 3, Some("ContainerCreating"));
        let mut out = Vec::new();
        let mut plain = PlainLog::new(&mut out);
        recorded::feed(&mut plain, &recorder.events);
        for tick in 1..=12 {
            plain.on_tick(recorder.now + Duration::from_secs(10 * tick));
        }
        let text = String::from_utf8(out).unwrap();
        let pods = text.matches("canary 1/3 pods: ContainerCreating").count();
        assert_eq!(pods, 3, "{text}");
    }

    #[test]
    fn nothing_follows_the_verdict() {
        let events = recorded::success();
        let mut out = Vec::new();
        let mut plain = PlainLog::new(&mut out);
        recorded::feed(&mut plain, &events);
        plain.on_tick(events.last().unwrap().at + Duration::from_secs(600));
        let text = String::from_utf8(out).unwrap();
        assert!(text.ends_with("podinfo.shop is on 6.9.2\n"), "{text}");
    }

    #[test]
    fn ticks_keep_a_silent_log_alive() {
        let mut recorder = Recorder::new();
        recorder.weight(0, 10);
        recorder.push(recorded::heartbeat(70_000));
        let mut out = Vec::new();
        let mut plain = PlainLog::new(&mut out);
        recorded::feed(&mut plain, &recorder.events);
        plain.on_tick(recorder.now + Duration::from_secs(59));
        plain.on_tick(recorder.now + Duration::from_secs(61));
        plain.on_tick(recorder.now + Duration::from_secs(70));
        let text = String::from_utf8(out).unwrap();
        assert!(
            text.ends_with("14:02:45Z wait     at 10: next look in 9s\n"),
            "{text}"
        );
        assert_eq!(text.lines().count(), 2);
    }
}
