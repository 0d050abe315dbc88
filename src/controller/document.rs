//! What the run record holds: everything another process needs to finish a run.

use crate::canary::phase::Phase;
use crate::port::alerts::Lost;
use crate::port::journal::Transition;
use crate::rollout::decision::Cause;
use crate::rollout::decision::Effect;
use crate::rollout::decision::Outcome;
use crate::rollout::status::Asked;
use crate::rollout::status::Closed;
use crate::rollout::status::Status;
use jiff::Timestamp;
use serde::Deserialize;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// Answers that are kept.
const ANSWERS: usize = 20;

/// Approvals that are kept.
const APPROVALS: usize = 20;

/// Transitions that wait for Git at most; older ones are folded into the next.
const OUTBOX: usize = 200;

/// The run record's document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Document {
    /// The run's ULID.
    pub run: String,
    /// When it began.
    pub started_at: Timestamp,
    /// Generation of its driver.
    pub epoch: u64,
    /// Its last transition.
    pub seq: u64,
    /// Its last event.
    #[serde(default)]
    pub event_seq: u64,
    /// Does it continue another process' run?
    #[serde(default)]
    pub resumed: bool,
    /// What is being done: its effects may or may not have happened.
    #[serde(default)]
    pub intent: Option<Intent>,
    /// How far it is.
    pub status: Status,
    /// What it was started with, as one `v1` List: whoever ends it for a dead driver reads it here.
    #[serde(default)]
    pub spec: Value,
    /// Are its transitions for Git?
    #[serde(default)]
    pub journaled: bool,
    /// Commit of the spec that was promoted last, by this run or one before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promoted: Option<String>,
    /// How it ended; absent while it runs.
    #[serde(default)]
    pub ended: Option<Ended>,
    /// Requests of other processes by their ULID, and when they were heard; the last of them.
    #[serde(default)]
    pub answers: BTreeMap<String, Timestamp>,
    /// Gates of this run that people opened; the last of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approvals: Vec<Approval>,
    /// Transitions that are not in Git yet.
    #[serde(default)]
    pub outbox: Vec<Transition>,
    /// Alerts and events that did not arrive.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lost: Vec<Lost>,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ended {
    /// The outcome's word.
    pub outcome: String,
    /// What its process returned.
    pub exit_code: u8,
    /// When.
    pub at: Timestamp,
}

/// A gate that a person opened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// ULID of the request.
    pub request: String,
    /// The gate, as it was closed.
    pub gate: Closed,
    /// Who, and when.
    #[serde(flatten)]
    pub asked: Asked,
}

/// A transition that was begun.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Intent {
    /// Its number.
    pub seq: u64,
    /// What it does, in order.
    pub effects: Vec<Effect>,
}

impl Document {
    /// Of a run that has done nothing yet.
    #[must_use]
    pub fn begin(run: String, at: Timestamp) -> Self {
        Self {
            run,
            started_at: at,
            epoch: 0,
            seq: 0,
            event_seq: 0,
            resumed: false,
            intent: None,
            status: Status::default(),
            spec: Value::Null,
            journaled: false,
            promoted: None,
            ended: None,
            answers: BTreeMap::new(),
            approvals: Vec::new(),
            outbox: Vec::new(),
            lost: Vec::new(),
        }
    }

    /// # Errors
    /// It is not such a document.
    pub fn read(document: &Value) -> Result<Self, String> {
        serde_path_to_error::deserialize(document).map_err(|error| error.to_string())
    }

    /// Would another driver go on with it?
    #[must_use]
    pub fn is_unfinished(&self) -> bool {
        self.status.phase().is_running()
            || self.status.phase() == Phase::Initializing
            || self.status.ending.is_some()
            || self.status.closing.is_some()
    }

    /// What its process returned, or would have: of a run that is over.
    #[must_use]
    pub fn exit_code(&self) -> Option<u8> {
        if let Some(ended) = &self.ended {
            return Some(ended.exit_code);
        }
        let status = &self.status;
        match status.phase() {
            _ if self.is_unfinished() => None,
            Phase::Failed if status.promotion_failed => Some(Outcome::Split.exit_code()),
            Phase::Failed => {
                let cause = status.rejected.as_ref().map(|rejected| rejected.cause);
                Some(cause.unwrap_or(Cause::Aborted).exit_code())
            }
            Phase::New
            | Phase::Initializing
            | Phase::Initialized
            | Phase::Waiting
            | Phase::Progressing
            | Phase::WaitingPromotion
            | Phase::Promoting
            | Phase::Finalising
            | Phase::Succeeded
            | Phase::Terminating
            | Phase::Terminated => Some(0),
        }
    }

    /// The record of an unfinished run is continued; after a finished one a fresh run begins, with what must be
    /// remembered of the canary.
    pub fn continue_or_begin(&mut self, fresh: Self) {
        if self.is_unfinished() {
            self.resumed = true;
            self.ended = None;
        } else {
            let old = std::mem::replace(self, fresh);
            self.epoch = old.epoch;
            self.promoted = old.promoted;
            self.status = old.status;
            // Clocks of a run that is over.
            self.status.waiting_since = None;
            self.status.paused_since = None;
            self.status.paused_until = None;
            // Words about a run that is over.
            self.status.gate = None;
            self.status.approved.clear();
            self.status.skip = None;
            self.outbox = old.outbox;
        }
    }

    /// Is that a way back of this very run, `rollback/RUN/SEQ`, that the record has not heard of? Older ones stand on
    /// the route until its next change.
    #[must_use]
    pub fn has_not_confirmed(&self, intent: &str) -> bool {
        let mut parts = intent.split('/').skip(1);
        let (run, seq) = (
            parts.next(),
            parts.next().and_then(|seq| seq.parse::<u64>().ok()),
        );
        run == Some(self.run.as_str()) && seq.is_some_and(|seq| seq > self.seq)
    }

    /// Answers a request. ULIDs sort by time, so that the oldest answers go first.
    pub fn answer(&mut self, id: String, at: Timestamp) {
        self.answers.insert(id, at);
        while self.answers.len() > ANSWERS {
            self.answers.pop_first();
        }
    }

    /// Keeps who opened a gate.
    pub fn approve(&mut self, approval: Approval) {
        if self.approvals.len() >= APPROVALS {
            self.approvals.remove(0);
        }
        self.approvals.push(approval);
    }

    /// Adds a transition to what Git must still get.
    pub fn queue(&mut self, transition: Transition) {
        if self.outbox.len() >= OUTBOX {
            // The newest states what is true now: the oldest can go.
            self.outbox.remove(0);
        }
        self.outbox.push(transition);
    }

    /// Drops what Git has.
    pub fn recorded(&mut self, batch: &[Transition]) {
        self.outbox.retain(|waiting| {
            !batch
                .iter()
                .any(|done| (&done.run, done.seq) == (&waiting.run, waiting.seq))
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at() -> Timestamp {
        Timestamp::from_second(1_700_000_000).unwrap()
    }

    fn in_phase(phase: Phase) -> Document {
        let mut document = Document::begin("01OLD".to_owned(), at());
        document.epoch = 4;
        document.status.canary.phase = phase;
        document
    }

    #[test]
    fn only_a_way_back_of_this_run_that_is_not_in_the_record_is_begun() {
        let mut document = in_phase(Phase::Progressing);
        document.seq = 7;
        assert!(document.has_not_confirmed("rollback/01OLD/8"));
        assert!(!document.has_not_confirmed("rollback/01OLD/7"));
        assert!(!document.has_not_confirmed("rollback/01OLDER/8"));
        assert!(!document.has_not_confirmed("rollback"));
    }

    #[test]
    fn an_unfinished_run_is_continued() {
        let mut document = in_phase(Phase::Progressing);
        document.continue_or_begin(Document::begin("01NEW".to_owned(), at()));
        assert_eq!((document.run.as_str(), document.resumed), ("01OLD", true));
    }

    #[test]
    fn after_a_finished_run_a_new_one_begins_and_the_canary_is_remembered() {
        let mut document = in_phase(Phase::Failed);
        document.continue_or_begin(Document::begin("01NEW".to_owned(), at()));
        assert_eq!(
            (document.run.as_str(), document.resumed, document.epoch),
            ("01NEW", false, 4)
        );
        assert_eq!(document.status.phase(), Phase::Failed);
    }

    #[test]
    fn it_reads_what_it_wrote() {
        let document = in_phase(Phase::Promoting);
        let value = serde_json::to_value(&document).unwrap();
        assert_eq!(Document::read(&value), Ok(document));
        assert!(Document::read(&serde_json::json!({"run": 1})).is_err());
    }
}
