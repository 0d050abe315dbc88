//! A script: words one after another. A word that waits holds up those behind it.

use crate::canary::phase::Phase;
use crate::sandbox::scenario::action::Action;
use crate::sandbox::scenario::trigger::TriggerState;
use crate::sandbox::scenario::words::Change;
use crate::sandbox::scenario::words::Wait;
use crate::sandbox::scenario::words::Word;
use std::collections::VecDeque;
use std::time::Duration;

/// What is still to come of a script. It begins once the primary serves.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Steps {
    words: VecDeque<Word>,
    /// When the first word began to wait.
    waiting_since: Option<Duration>,
    /// Was a rollout seen since the target last changed?
    ran: bool,
}

impl Steps {
    /// Reads steps; each is one or more words.
    ///
    /// # Errors
    ///
    /// With the reason when a word is not known.
    pub fn parse<S: AsRef<str>>(steps: &[S]) -> Result<Self, String> {
        let words: Result<VecDeque<Word>, String> = steps
            .iter()
            .flat_map(|step| step.as_ref().split_whitespace())
            .map(str::parse)
            .collect();
        Ok(Self {
            words: words?,
            ..Self::default()
        })
    }

    /// Takes out what is due: all up to the next word that has to wait.
    pub fn due(&mut self, state: &TriggerState) -> Vec<Action> {
        let mut actions = Vec::new();
        if !state.initialized {
            return actions;
        }
        self.ran |= state.phase.is_running();
        while let Some(word) = self.words.front() {
            match word {
                Word::Act(change) => {
                    self.ran &= !change.begins_rollout();
                    actions.push(Action::Change(change.clone()));
                }
                Word::Wait(wait) => {
                    let since = *self.waiting_since.get_or_insert(state.now);
                    // What was done in this very call has had no effect yet, so conditions are asked anew later.
                    if !actions.is_empty() {
                        break;
                    }
                    if !self.holds(*wait, state, since) {
                        break;
                    }
                }
            }
            self.waiting_since = None;
            self.words.pop_front();
        }
        actions
    }

    /// What will still be done.
    pub fn changes(&self) -> impl Iterator<Item = &Change> {
        self.words.iter().filter_map(|word| match word {
            Word::Act(change) => Some(change),
            Word::Wait(_) => None,
        })
    }

    /// Is nothing left to do or to wait for?
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.words.is_empty()
    }

    /// How long from now until time alone makes the next word due.
    #[must_use]
    pub fn wake(&self, state: &TriggerState) -> Option<Duration> {
        match self.words.front()? {
            Word::Wait(Wait::Time(time)) => {
                let since = self.waiting_since.unwrap_or(state.now);
                Some(since.saturating_add(*time).saturating_sub(state.now))
            }
            Word::Wait(Wait::Weight(_) | Wait::Phase(_) | Wait::End | Wait::Gone)
            | Word::Act(_) => None,
        }
    }

    fn holds(&self, wait: Wait, state: &TriggerState, since: Duration) -> bool {
        match wait {
            Wait::Weight(weight) => state.weight >= weight,
            Wait::Phase(phase) => state.phase == phase,
            Wait::Time(time) => state.now >= since.saturating_add(time),
            Wait::End => self.ran && matches!(state.phase, Phase::Succeeded | Phase::Failed),
            Wait::Gone => state.phase == Phase::Terminated,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canary::weight::Weight;

    fn state(phase: Phase, weight: i64, seconds: u64) -> TriggerState {
        TriggerState {
            phase,
            weight: Weight::saturating(weight),
            initialized: true,
            since_start: None,
            now: Duration::from_secs(seconds),
        }
    }

    #[test]
    fn nothing_is_done_before_the_primary_serves() {
        let mut steps = Steps::parse(&["upgrade", "end"]).unwrap();
        assert_eq!(steps.due(&TriggerState::default()), vec![]);
        let changes = steps.due(&state(Phase::Initialized, 0, 10));
        assert_eq!(changes, vec![Action::Change(Change::Upgrade)]);
    }

    #[test]
    fn a_word_that_waits_holds_up_those_behind_it() {
        let mut steps = Steps::parse(&[
            "upgrade",
            "weight>=20 success=90",
            "wait=21 success=100",
            "end",
        ])
        .unwrap();
        steps.due(&state(Phase::Initialized, 0, 0));
        assert_eq!(steps.due(&state(Phase::Progressing, 10, 10)), vec![]);
        let low = vec![Action::Change(Change::Success(Some(90.0)))];
        assert_eq!(steps.due(&state(Phase::Progressing, 20, 20)), low);
        assert_eq!(steps.due(&state(Phase::Progressing, 20, 21)), vec![]);
        assert_eq!(
            steps.wake(&state(Phase::Progressing, 20, 30)),
            Some(Duration::from_secs(11))
        );
        let high = vec![Action::Change(Change::Success(Some(100.0)))];
        assert_eq!(steps.due(&state(Phase::Progressing, 20, 41)), high);
        assert!(!steps.is_over());
        steps.due(&state(Phase::Succeeded, 0, 90));
        assert!(steps.is_over());
    }

    #[test]
    fn the_end_of_an_earlier_rollout_is_not_the_end_of_this_one() {
        let mut steps = Steps::parse(&["upgrade", "end", "upgrade", "end", "delete"]).unwrap();
        steps.due(&state(Phase::Initialized, 0, 0));
        steps.due(&state(Phase::Progressing, 10, 10));
        assert_eq!(steps.due(&state(Phase::Succeeded, 0, 20)).len(), 1);
        assert_eq!(steps.due(&state(Phase::Succeeded, 0, 21)), vec![]);
        steps.due(&state(Phase::Progressing, 10, 30));
        assert_eq!(
            steps.due(&state(Phase::Failed, 0, 40)),
            vec![Action::Change(Change::Delete)]
        );
    }

    #[test]
    fn a_wait_begins_with_what_was_done_before_it() {
        let mut steps = Steps::parse(&["config wait=5 secret"]).unwrap();
        steps.due(&state(Phase::Initialized, 0, 10));
        let secret = vec![Action::Change(Change::Secret)];
        assert_eq!(steps.due(&state(Phase::Initialized, 0, 15)), secret);
    }

    #[test]
    fn an_unknown_word_is_refused() {
        assert!(Steps::parse(&["upgrade", "ends"]).is_err());
    }
}
