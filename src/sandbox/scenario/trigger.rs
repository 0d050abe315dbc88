//! When a scenario acts: each entry of `at:` once, in the order of the file.

use crate::canary::phase::Phase;
use crate::canary::weight::Weight;
use crate::sandbox::placed;
use crate::sandbox::scenario::action::Action;
use crate::sandbox::scenario::words;
use crate::sandbox::scenario::words::Wait;
use serde::Deserialize;
use serde::Deserializer;
use std::time::Duration;

/// What is known of the world when it is asked what is due.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TriggerState {
    /// Of the canary.
    pub phase: Phase,
    /// Share of the canary.
    pub weight: Weight,
    /// Has the primary ever served?
    pub initialized: bool,
    /// Since the rollout began; `None` before.
    pub since_start: Option<Duration>,
    /// Since the world began.
    pub now: Duration,
}

/// The value of `when:`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// `start`: before anything.
    Start,
    /// `initialized`: the primary serves.
    Initialized,
    /// `weight>=N`.
    Weight(Weight),
    /// `phase=P`.
    Phase(Phase),
    /// `90s`, `2m`, `1m30s`, `500ms`: so long after the rollout began.
    After(Duration),
}

impl Trigger {
    fn holds(self, state: &TriggerState) -> bool {
        match self {
            Self::Start => true,
            Self::Initialized => state.initialized,
            Self::Weight(weight) => state.weight >= weight,
            Self::Phase(phase) => state.phase == phase,
            Self::After(time) => state.since_start.is_some_and(|since| since >= time),
        }
    }
}

impl<'de> Deserialize<'de> for Trigger {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        placed::text(deserializer)
    }
}

impl TryFrom<String> for Trigger {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.as_str() {
            "start" => return Ok(Self::Start),
            "initialized" => return Ok(Self::Initialized),
            _ => {}
        }
        match words::condition(&text)? {
            Some(Wait::Weight(weight)) => Ok(Self::Weight(weight)),
            Some(Wait::Phase(phase)) => Ok(Self::Phase(phase)),
            Some(Wait::Time(_) | Wait::End | Wait::Gone) | None => {
                span(&text).map(Self::After).ok_or_else(|| {
                    format!(
                        "unknown moment `{text}`; known are start, initialized, weight>=N, phase=P and a time such \
                         as 90s"
                    )
                })
            }
        }
    }
}

/// Whole numbers with the units h, m, s and ms.
fn span(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut all = Duration::ZERO;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let (number, tail) = rest.split_at(digits);
        let unit = tail
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(unit);
        let millis = match unit {
            "h" => 3_600_000,
            "m" => 60_000,
            "s" => 1000,
            "ms" => 1,
            _ => return None,
        };
        let part = number.parse::<u64>().ok()?.checked_mul(millis)?;
        all = all.checked_add(Duration::from_millis(part))?;
        rest = tail;
    }
    (!text.is_empty()).then_some(all)
}

#[derive(Clone, Debug, PartialEq)]
struct Entry {
    trigger: Trigger,
    actions: Vec<Action>,
}

/// What is still to come of `at:`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Timeline {
    entries: Vec<Entry>,
}

impl Timeline {
    pub(super) fn push(&mut self, trigger: Trigger, actions: Vec<Action>) {
        self.entries.push(Entry { trigger, actions });
    }

    /// Takes out what is due.
    pub fn due(&mut self, state: &TriggerState) -> Vec<Action> {
        let mut actions = Vec::new();
        self.entries.retain(|entry| {
            let due = entry.trigger.holds(state);
            if due {
                actions.extend_from_slice(&entry.actions);
            }
            !due
        });
        actions
    }

    /// What will still be done.
    pub fn actions(&self) -> impl Iterator<Item = &Action> {
        self.entries.iter().flat_map(|entry| &entry.actions)
    }

    /// How long from now until time alone makes something due.
    #[must_use]
    pub fn wake(&self, state: &TriggerState) -> Option<Duration> {
        let since = state.since_start?;
        self.entries
            .iter()
            .filter_map(|entry| match entry.trigger {
                Trigger::After(time) => Some(time.saturating_sub(since)),
                Trigger::Start | Trigger::Initialized | Trigger::Weight(_) | Trigger::Phase(_) => {
                    None
                }
            })
            .min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::scenario::words::Change;

    fn timeline(entries: &[(&str, Change)]) -> Timeline {
        let mut timeline = Timeline::default();
        for (when, change) in entries {
            let trigger = Trigger::try_from((*when).to_owned()).unwrap();
            timeline.push(trigger, vec![Action::Change(change.clone())]);
        }
        timeline
    }

    #[test]
    fn an_entry_fires_once_when_its_moment_has_come() {
        let mut timeline = timeline(&[("weight>=30", Change::Config)]);
        let at = |percent| TriggerState {
            weight: Weight::saturating(percent),
            ..TriggerState::default()
        };
        assert_eq!(timeline.due(&at(20)), vec![]);
        assert_eq!(timeline.due(&at(30)), vec![Action::Change(Change::Config)]);
        assert_eq!(timeline.due(&at(40)), vec![]);
    }

    #[test]
    fn what_is_due_together_comes_in_the_order_of_the_file() {
        let mut timeline = timeline(&[
            ("initialized", Change::Config),
            ("start", Change::Secret),
            ("phase=Promoting", Change::Skip),
        ]);
        let state = TriggerState {
            initialized: true,
            ..TriggerState::default()
        };
        assert_eq!(
            timeline.due(&state),
            vec![
                Action::Change(Change::Config),
                Action::Change(Change::Secret)
            ]
        );
    }

    #[test]
    fn a_time_counts_from_the_beginning_of_the_rollout() {
        let mut timeline = timeline(&[("1m30s", Change::Config)]);
        let mut state = TriggerState {
            now: Duration::from_secs(500),
            ..TriggerState::default()
        };
        assert_eq!(timeline.due(&state), vec![]);
        assert_eq!(timeline.wake(&state), None);
        state.since_start = Some(Duration::from_secs(60));
        assert_eq!(timeline.due(&state), vec![]);
        assert_eq!(timeline.wake(&state), Some(Duration::from_secs(30)));
        state.since_start = Some(Duration::from_secs(90));
        assert_eq!(timeline.due(&state).len(), 1);
    }

    #[test]
    fn times_are_whole_numbers_with_a_unit() {
        assert_eq!(span("90s"), Some(Duration::from_secs(90)));
        assert_eq!(span("1h2m500ms"), Some(Duration::from_millis(3_720_500)));
        for text in ["", "90", "s", "1d", "-1s", "1.5s", "weight>30"] {
            assert_eq!(span(text), None, "{text}");
        }
    }
}
