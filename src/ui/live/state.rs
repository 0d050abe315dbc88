//! What the live view knows: the run's report, the lines that are still in the region, the countdown and whether a
//! question is open.
//!
//! Must not draw, and must not know how large the terminal is.

use crate::rollout::event::Event;
use crate::rollout::event::EventKind;
use crate::rollout::event::Level;
use crate::rollout::event::Role;
use crate::rollout::words;
use crate::rollout::words::Verb;
use crate::rollout::words::figures;
use crate::ui::plain;
use crate::ui::report::RunReport;
use crate::ui::row::Row;
use crate::ui::theme::Tone;
use jiff::Timestamp;
use std::time::Duration;

/// The state of the view.
#[derive(Clone, Debug, Default)]
pub struct LiveState {
    /// What the run has told.
    pub report: RunReport,
    /// When metrics are asked next.
    pub next_look: Option<Timestamp>,
    /// How long the canary took to become ready.
    pub ready_ms: Option<u64>,
    /// How long the primary took, at the bootstrap or after the promotion.
    pub primary_ready_ms: Option<u64>,
    /// Was the first Ctrl-C pressed and not answered yet?
    pub asking: bool,
    /// Was the key for a rollback pressed, and not answered yet whether it was meant?
    pub aborting: bool,
    /// Does a person hold the weight where it is?
    pub paused: bool,
    /// Is the canary's weight in effect, as far as the router can tell?
    pub in_effect: Option<bool>,
    /// Why it is not.
    pub not_in_effect: Option<String>,
    /// Are single keys heard?
    pub keys: bool,
    /// Are the primary, the pods and the last events hidden?
    pub compact: bool,
    /// Are the keys explained?
    pub help: bool,
    tail: Vec<Line>,
    waits: plain::Waits,
}

/// A line of the transcript, in the words of the plain log.
#[derive(Clone, Debug)]
pub struct Line {
    at: Timestamp,
    level: Level,
    verb: Verb,
    words: String,
}

impl Line {
    /// As a row.
    #[must_use]
    pub fn row(&self) -> Row {
        let tone = match self.level {
            Level::Error => Tone::Bad,
            Level::Warn => Tone::Held,
            Level::Info => match self.verb {
                Verb::Rollback | Verb::Hold | Verb::Gate | Verb::Error => Tone::Held,
                Verb::Pass | Verb::Ready | Verb::Finish => Tone::Good,
                Verb::Start | Verb::Plan | Verb::Weight => Tone::Strong,
                Verb::Wait | Verb::Record => Tone::Dim,
            },
        };
        Row::new()
            .text(Tone::Dim, self.at.strftime(" %H:%M:%SZ ").to_string())
            .text(tone, format!("{:<8} ", self.verb))
            .text(Tone::Plain, &self.words)
    }
}

impl LiveState {
    /// Nothing has happened; `keys` says whether single keys are heard.
    #[must_use]
    pub fn new(keys: bool) -> Self {
        Self {
            keys,
            ..Self::default()
        }
    }

    /// Takes an event in.
    pub fn on_event(&mut self, event: &Event) {
        self.report.on_event(event);
        match &event.kind {
            EventKind::Heartbeat {
                next_look_ms,
                in_effect,
                reason,
            } => {
                self.next_look = after(event.at, *next_look_ms);
                self.in_effect = *in_effect;
                self.not_in_effect.clone_from(reason);
            }
            EventKind::TrafficChanged { to, .. } => {
                // the first heartbeat after it says it more exactly
                let soak = (!to.is_zero()).then_some(self.report.interval_ms);
                self.next_look = soak.and_then(|soak| after(event.at, soak));
                self.in_effect = None;
                self.not_in_effect = None;
            }
            EventKind::CheckHeld { .. } | EventKind::IterationStarted { .. } => {
                self.next_look = after(event.at, self.report.interval_ms);
            }
            EventKind::CheckPassed { .. } | EventKind::PhaseChanged { .. } => self.next_look = None,
            EventKind::WorkloadReady { role, took_ms, .. } => match role {
                Role::Canary => self.ready_ms = Some(*took_ms),
                Role::Primary => self.primary_ready_ms = Some(*took_ms),
            },
            EventKind::SignalReceived { action, .. } => {
                self.asking = action == "ask";
                self.aborting = false;
            }
            EventKind::IntentReceived { verb, .. } => match *verb {
                "pause" => self.paused = true,
                "resume" => self.paused = false,
                _ => self.aborting = false,
            },
            EventKind::RollbackStarted { .. } | EventKind::RunFinished { .. } => {
                self.asking = false;
                self.aborting = false;
                self.next_look = None;
            }
            EventKind::RunStarted { .. }
            | EventKind::RunPlan { .. }
            | EventKind::WorkloadProgress { .. }
            | EventKind::WebhookCalled { .. }
            | EventKind::GateWaiting { .. }
            | EventKind::GateOpened { .. }
            | EventKind::MetricSampled(_)
            | EventKind::RollbackFinished { .. }
            | EventKind::StatusRecorded { .. }
            | EventKind::StatusFailed { .. }
            | EventKind::Diagnostic { .. } => {}
        }
        self.tell(event);
    }

    fn tell(&mut self, event: &Event) {
        if !plain::is_told(event) || !self.waits.is_news(event) {
            return;
        }
        self.tail.push(Line {
            at: event.at,
            level: event.level,
            verb: words::verb(&event.kind),
            words: figures::one_line(&event.msg),
        });
    }

    /// Has anything happened yet?
    #[must_use]
    pub const fn is_started(&self) -> bool {
        self.report.started_at.is_some()
    }

    /// Is it over?
    #[must_use]
    pub const fn is_finished(&self) -> bool {
        self.report.verdict.is_some()
    }

    /// The last lines, oldest first, at most that many.
    #[must_use]
    pub fn last_lines(&self, count: usize) -> &[Line] {
        let from = self.tail.len().saturating_sub(count);
        self.tail.get(from..).unwrap_or_default()
    }

    /// Takes out the lines that no longer fit into that many rows, oldest first.
    pub fn take_scrolled(&mut self, rows: usize) -> Vec<Line> {
        let scrolled = self.tail.len().saturating_sub(rows);
        self.tail.drain(..scrolled).collect()
    }
}

fn after(at: Timestamp, ms: u64) -> Option<Timestamp> {
    at.checked_add(Duration::from_millis(ms)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::recorded;

    fn state(events: &[Event]) -> LiveState {
        let mut state = LiveState::default();
        for event in events {
            state.on_event(event);
        }
        state
    }

    #[test]
    fn a_question_is_open_until_it_is_answered() {
        let events = recorded::interrupted();
        let asked = events
            .iter()
            .position(|event| event.type_name() == "signal.received")
            .unwrap();
        assert!(state(&events[..=asked]).asking);
        assert!(!state(&events[..=asked + 1]).asking);
    }

    #[test]
    fn the_countdown_follows_the_heartbeat_and_ends_with_the_look() {
        let events = recorded::midway();
        let at = events.last().unwrap().at;
        assert_eq!(
            state(&events).next_look,
            Some(at + Duration::from_millis(6000))
        );
        assert_eq!(state(&recorded::success()).next_look, None);
    }

    #[test]
    fn lines_leave_the_region_oldest_first() {
        let mut state = state(&recorded::midway());
        let all = state.last_lines(99).len();
        let gone = state.take_scrolled(4);
        assert_eq!(gone.len(), all - 4);
        assert!(gone[0].words.starts_with("podinfo.shop 6.9.1 -> 6.9.2"));
        assert_eq!(state.last_lines(99).len(), 4);
        assert!(state.take_scrolled(4).is_empty());
    }
}
