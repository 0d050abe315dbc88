//! Performs a decision in the order of writes: intent, effects, confirmation, Git. A way back writes the route first.

use crate::canary::phase::Phase;
use crate::controller::Controller;
use crate::controller::RunError;
use crate::controller::document::Intent;
use crate::port::journal::Measured;
use crate::port::journal::Transition;
use crate::port::lease::LeaseError;
use crate::port::run_record::RunRecordError;
use crate::rollout::conditions::stamp;
use crate::rollout::decision::Cause;
use crate::rollout::decision::Decision;
use crate::rollout::decision::Effect;
use crate::rollout::decision::Next;
use crate::rollout::decision::Outcome;
use crate::rollout::event::EventKind;
use crate::rollout::observation::Observation;
use crate::rollout::status::Status;
use jiff::SignedDuration;
use std::time::Duration;

impl Controller<'_> {
    pub(super) async fn apply(
        &mut self,
        decision: Decision,
        seen: &Observation,
    ) -> Result<Next, RunError> {
        let Decision {
            effects,
            mut status,
            events,
            next,
            reason,
        } = decision;
        let before = self.document.status.clone();
        let published = differs(&before, &status);
        let rollback = effects
            .iter()
            .any(|effect| matches!(effect, Effect::SetRoutes { rollback: true, .. }));
        if published {
            stamp(&mut status.canary, self.ports.clock.now());
        }
        // Git knows transitions by this number: it counts those that are published, and none that failed.
        let seq = self.document.seq + u64::from(published);
        let result = result(&before, &status, &next);
        let transition = published.then(|| {
            self.transition(
                seq,
                &before,
                &status,
                seen,
                &events,
                result.map(str::to_owned),
            )
        });
        let mut queued = transition.filter(|_| self.document.journaled);
        if !effects.is_empty() {
            self.renew_if_possible().await?;
            if !rollback {
                // Whoever takes over asks no hook again that has answered.
                self.document.status.answered.clone_from(&status.answered);
                if effects.contains(&Effect::Promote) {
                    // Once the primary may have been replaced, nobody may claim that the old version serves: a driver
                    // that takes over here must know of the promotion.
                    self.document.status.canary.phase = status.phase();
                }
                self.before_effects(seq, &effects, status.phase(), &mut queued)
                    .await?;
            }
        }
        let events = self.announce(events);
        let events = self.perform(seq, &effects, &mut status, events).await?;
        self.document.seq = seq;
        let unchanged = effects.is_empty() && status == before;
        self.document.status = status;
        self.document.intent = None;
        if let Some(transition) = queued {
            self.document.queue(transition);
        }
        if std::mem::take(&mut self.answered) || !unchanged {
            self.store().await?;
        }
        if published || std::mem::take(&mut self.status_is_old) {
            self.publish_status().await;
        }
        for event in events {
            if let EventKind::GateOpened { waited_ms, .. } = event {
                self.prolong(SignedDuration::from_millis(
                    i64::try_from(waited_ms).unwrap_or(0),
                ));
            }
            self.say(event);
        }
        if let Some(reason) = &reason {
            self.say_waiting(reason, &next, &seen.proof);
        }
        // Before anything moved, what is recorded first is proved to arrive.
        if self.moved {
            self.begin_flush();
        }
        Ok(next)
    }

    /// A rollback, and what led to it, is said before it is done, and once, however often its writes are tried.
    fn announce(&mut self, mut events: Vec<EventKind>) -> Vec<EventKind> {
        let started = events
            .iter()
            .position(|event| matches!(event, EventKind::RollbackStarted { .. }));
        let Some(started) = started else {
            return events;
        };
        let rest = events.split_off(started + 1);
        if self.begins_rollback(&events[started]) {
            for event in events {
                self.say(event);
            }
        }
        rest
    }

    /// The intent, and before the first effect of a run the commit that proves that the record can be written: it
    /// takes the transition from those that Git must still get.
    async fn before_effects(
        &mut self,
        seq: u64,
        effects: &[Effect],
        phase: Phase,
        queued: &mut Option<Transition>,
    ) -> Result<(), RunError> {
        // A primary is created without metrics; users are only moved where they can be watched.
        if !self.moved && phase == Phase::Progressing {
            let probe = self.ports.metrics.probe();
            self.renewing(probe).await?.map_err(RunError::Metrics)?;
        }
        if !self.moved {
            self.prove_the_record(queued).await?;
        }
        self.document.intent = Some(Intent {
            seq,
            effects: effects.to_vec(),
        });
        self.store().await
    }

    /// What waits for Git must arrive there before anything moves.
    async fn prove_the_record(&mut self, queued: &mut Option<Transition>) -> Result<(), RunError> {
        let Some(journal) = self.ports.journal else {
            return Ok(());
        };
        let mut batch = self.document.outbox.clone();
        batch.extend(queued.take());
        if batch.is_empty() {
            return Ok(());
        }
        let record = journal.record(&batch);
        let recorded = self.renewing(record).await?.map_err(RunError::Journal)?;
        self.document.recorded(&batch);
        self.say_recorded(&recorded);
        Ok(())
    }

    async fn perform(
        &mut self,
        seq: u64,
        effects: &[Effect],
        status: &mut Status,
        mut events: Vec<EventKind>,
    ) -> Result<Vec<EventKind>, RunError> {
        let fence = self.fence(seq);
        let began = self.ports.clock.boot();
        for effect in effects {
            // An earlier one may have taken long.
            self.renew_if_possible().await?;
            match effect {
                Effect::SetRoutes { routes, rollback } => {
                    let written = self
                        .ports
                        .router
                        .set_routes(*routes, &status.canary, *rollback, &fence)
                        .await?;
                    status.acknowledge(self.ports.clock.now(), self.plan.interval);
                    let took = millis(self.ports.clock.boot().saturating_sub(began));
                    for event in &mut events {
                        if let EventKind::TrafficChanged {
                            object,
                            resource_version,
                            took_ms,
                            ..
                        } = event
                        {
                            object.clone_from(&written.object);
                            resource_version.clone_from(&written.resource_version);
                            *took_ms = took;
                        }
                    }
                    if *rollback && let Some(event) = self.rollback_finished(took) {
                        events.push(event);
                    }
                }
                Effect::EnsureRoute => self.ports.router.ensure(&fence).await?,
                Effect::EnsureServices
                | Effect::EnsurePrimary
                | Effect::SwitchApex
                | Effect::ScaleCanary(_)
                | Effect::Promote => {
                    let performed = self
                        .ports
                        .cluster
                        .perform(effect, &status.revision, &fence)
                        .await?;
                    if performed.promoted_generation.is_some() {
                        status.promoted_generation = performed.promoted_generation;
                    }
                    if let Some(refused) = performed.refused {
                        status.capacity_refused = true;
                        self.say_warning(
                            "flagger::cluster::capacity",
                            "the pods that the next share needs may not be asked for",
                            &refused,
                        );
                    }
                }
            }
            self.moved = true;
        }
        Ok(events)
    }

    /// Compare-and-swap of the whole document.
    pub(super) async fn store(&mut self) -> Result<(), RunError> {
        let document = serde_json::to_value(&self.document).unwrap_or_default();
        let version = self
            .ports
            .record
            .store(&document, self.record_version.as_deref())
            .await;
        match version {
            Ok(version) => self.record_version = Some(version),
            // Our own write whose answer was lost, or another driver's: the lock tells.
            Err(RunRecordError::Conflict { .. }) => {
                self.renew().await?;
                let theirs = self.load().await?.map_or(0, |document| document.epoch);
                if theirs > self.document.epoch {
                    return Err(RunError::Record(RunRecordError::Conflict {
                        name: self.identity.canary.clone(),
                    }));
                }
                let again = self
                    .ports
                    .record
                    .store(&document, self.record_version.as_deref())
                    .await?;
                self.record_version = Some(again);
            }
            Err(error) => return Err(error.into()),
        }
        self.stored_outbox = self.document.outbox.len();
        Ok(())
    }

    pub(super) async fn renew_if_due(&mut self) -> Result<(), RunError> {
        if self.ports.lease.due_in().is_zero() {
            self.renew().await
        } else {
            Ok(())
        }
    }

    /// Renews what is due. Until the time to stop is over, a refusal does not keep us from writing: the way back may
    /// be what is about to be written.
    pub(super) async fn renew_if_possible(&mut self) -> Result<(), RunError> {
        match self.renew_if_due().await {
            Err(error) if !error.is_superseded() && !self.ports.lease.must_stop() => Ok(()),
            other => other,
        }
    }

    pub(super) async fn renew(&mut self) -> Result<(), RunError> {
        let next_look = Duration::try_from(self.plan.interval).unwrap_or_default();
        match self.ports.lease.renew(next_look).await {
            Ok(()) => Ok(()),
            // Until the time to stop is over, a renewal that did not get through is tried again.
            Err(LeaseError::Cluster(error))
                if error.is_retryable() && !self.ports.lease.must_stop() =>
            {
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The Canary's own status is for others to read: a failure is said, and stops nothing.
    async fn publish_status(&mut self) {
        let status = self.document.status.canary.clone();
        if let Err(error) = self.ports.cluster.publish(&status).await {
            self.say_warning(
                "flagger::cluster::status",
                "the Canary's status could not be written",
                &error,
            );
        }
    }

    fn transition(
        &self,
        seq: u64,
        before: &Status,
        after: &Status,
        seen: &Observation,
        events: &[EventKind],
        result: Option<String>,
    ) -> Transition {
        let reason = events.iter().find_map(|event| {
            if let EventKind::RollbackStarted { reason: why, .. }
            | EventKind::Diagnostic { message: why, .. } = event
            {
                Some(why.clone())
            } else if let EventKind::GateWaiting { name, gate } = event {
                Some(format!("{gate} waits for {name} to open"))
            } else if let EventKind::GateOpened {
                name, by: Some(by), ..
            } = event
            {
                Some(format!("{name} opened by {by}"))
            } else {
                None
            }
        });
        let looks = events.iter().filter_map(|event| {
            if let EventKind::CheckPassed { samples, .. } | EventKind::CheckHeld { samples, .. } =
                event
            {
                Some(samples)
            } else {
                None
            }
        });
        let measured = looks.flatten().map(Measured::from);
        Transition {
            run: self.document.run.clone(),
            seq,
            epoch: self.document.epoch,
            at: self.ports.clock.now(),
            from: before.weight(),
            status: after.canary.clone(),
            threshold: self.plan.threshold,
            steps: self.plan.way.weights().to_vec(),
            iterations: self.plan.way.iterations(),
            mirrored: after.mirrored,
            measured: measured.collect(),
            reason,
            spec_commit: self.identity.spec_commit.clone(),
            spec_path: self.identity.spec_path.clone(),
            revision: seen.revision.clone(),
            result,
            started_at: self.document.started_at,
            holder: self.identity.holder.clone(),
        }
    }
}

/// Does anything differ that people read in the status?
fn differs(before: &Status, after: &Status) -> bool {
    let facts = |status: &Status| {
        let canary = &status.canary;
        (
            canary.phase,
            status.routes(),
            canary.failed_checks,
            canary.iterations,
            canary.tracked_configs.clone(),
            status.gate.clone(),
            status.blind_since.is_some(),
        )
    };
    facts(before) != facts(after)
}

/// The word of a transition that decides how the run ends.
fn result(before: &Status, after: &Status, next: &Next) -> Option<&'static str> {
    match next {
        Next::Done(outcome) => Some(outcome.word()),
        Next::Again | Next::Tick(_) | Next::At(_) => {
            let begun = before.ending.is_none().then_some(after.ending).flatten();
            let closing = before.closing.is_none().then_some(after.closing).flatten();
            begun.map(Cause::outcome).or(closing).map(Outcome::word)
        }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
