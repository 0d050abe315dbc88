//! Drives one canary to the end through ports: observe, run the due checks, step, apply, record, publish, wait.
//!
//! Must not know how a cluster, a repository or a screen is reached, and decides nothing that
//! [`crate::rollout::step::step`] could decide.

mod apply;
mod document;
mod failure;
mod hearing;
mod observe;
mod publish;
mod wait;

pub use document::Approval;
pub use document::Document;
pub use document::Ended;
pub use failure::RunError;

use crate::canary::phase::Phase;
use crate::canary::weight::Weight;
use crate::port::alerts::Alerts;
use crate::port::ask::Ask;
use crate::port::clock::Clock;
use crate::port::cluster::Cluster;
use crate::port::cluster::ClusterView;
use crate::port::cluster::Fence;
use crate::port::hooks::Hooks;
use crate::port::journal::StatusJournal;
use crate::port::lease::Held;
use crate::port::lease::Lease;
use crate::port::metric_source::MetricSource;
use crate::port::router::Router;
use crate::port::run_record::RunRecord;
use crate::port::subscriber::Subscriber;
use crate::rollout::analysis::MetricCheck;
use crate::rollout::decision::Next;
use crate::rollout::decision::Outcome;
use crate::rollout::event::EventKind;
use crate::rollout::event::Signal;
use crate::rollout::event::Traffic;
use crate::rollout::observation::Request;
use crate::rollout::plan::Plan;
use crate::rollout::plan::Timing;
use crate::rollout::step::step;
use crate::rollout::words::figures::short_commit;
use jiff::SignedDuration;
use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::mpsc::unbounded_channel;

/// Tells whether the first commit is an ancestor of the second.
pub type Precedes = dyn Fn(&str, &str) -> bool;

/// What the driver needs of the world.
#[derive(Clone, Copy)]
pub struct Ports<'a> {
    /// Workloads.
    pub cluster: &'a dyn Cluster,
    /// Traffic.
    pub router: &'a dyn Router,
    /// Metrics.
    pub metrics: &'a dyn MetricSource,
    /// Webhooks.
    pub hooks: &'a dyn Hooks,
    /// Alerts, and events for those who listen.
    pub alerts: &'a dyn Alerts,
    /// The lock.
    pub lease: &'a dyn Lease,
    /// What survives a crash.
    pub record: &'a dyn RunRecord,
    /// What people read; `None` with `--record none`.
    pub journal: Option<&'a dyn StatusJournal>,
    /// Is the first commit an ancestor of the second? Given to a driver that waits for others to end.
    pub precedes: Option<&'a Precedes>,
    /// Time.
    pub clock: &'a dyn Clock,
}

/// Who drives what, for events and the record.
#[derive(Clone, Debug)]
pub struct Identity {
    /// Namespace of the canary.
    pub namespace: String,
    /// Name of the canary.
    pub canary: String,
    /// Traffic provider.
    pub provider: String,
    /// Context of the kubeconfig.
    pub context: String,
    /// Commit of the spec, or `-` for rendered input.
    pub spec_commit: String,
    /// File of the spec.
    pub spec_path: String,
    /// Who drives.
    pub holder: String,
    /// Highest epoch that the record branch knows.
    pub recorded_epoch: u64,
    /// Our version.
    pub version: String,
    /// The questions to metrics, in their order.
    pub metrics: Vec<MetricCheck>,
    /// The spec and what it names, as one `v1` List.
    pub spec: Value,
}

/// What is said to a driver while it drives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Word {
    /// A signal came from somebody who can be asked what to do.
    Ask(Signal),
    /// They said: carry on.
    CarryOn,
    /// Hold the weight where it is; checks go on and may roll back.
    Pause,
    /// Go on.
    Resume,
    /// The process was stopped and continues: look at the world before anything else.
    LookAgain,
    /// Do that.
    Do(Request),
    /// Another process asks.
    Asked(Ask),
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finished {
    /// Its outcome.
    pub outcome: Outcome,
    /// Could its end not be recorded?
    pub unrecorded: bool,
}

impl Finished {
    /// The process' exit code.
    #[must_use]
    pub const fn exit_code(self) -> u8 {
        match (self.outcome.exit_code(), self.unrecorded) {
            (0, true) => 22,
            (code, _) => code,
        }
    }
}

/// One driver of one canary.
pub struct Controller<'a> {
    ports: Ports<'a>,
    plan: Plan,
    timeout: SignedDuration,
    identity: Identity,
    subscriber: &'a mut dyn Subscriber,
    requests: UnboundedReceiver<Word>,
    request: Option<Request>,
    /// What was seen last: a way back needs the route, not a fresh look at everything.
    view: Option<ClusterView>,
    document: Document,
    record_version: Option<String>,
    flush: Option<wait::Flush<'a>>,
    worst: Vec<crate::rollout::event::Sample>,
    said: publish::Said,
    /// May another process have begun what it could not confirm?
    inherits: bool,
    /// Did another process write the record, and perhaps no status after it?
    status_is_old: bool,
    /// Transitions in the record's outbox, as it was written last.
    stored_outbox: usize,
    /// Has anything been written to the cluster that users could notice?
    moved: bool,
    recording_failed: bool,
    /// Was a request answered since the record was written?
    answered: bool,
    /// Requests that must not change what a look under way is about.
    between_looks: Vec<Ask>,
    /// Is a wait to be ended, although nothing that it waits for has come?
    woken: bool,
    first_tick: Timestamp,
}

impl<'a> Controller<'a> {
    /// A driver that has not looked at anything yet. `run` is the ULID of a new run; `timeout` ends it.
    pub fn new(
        ports: Ports<'a>,
        plan: Plan,
        timeout: SignedDuration,
        identity: Identity,
        run: String,
        subscriber: &'a mut dyn Subscriber,
        requests: UnboundedReceiver<Word>,
    ) -> Self {
        let now = ports.clock.now();
        let mut document = Document::begin(run, now);
        document.spec.clone_from(&identity.spec);
        document.journaled = ports.journal.is_some();
        Self {
            ports,
            plan,
            timeout,
            identity,
            subscriber,
            requests,
            request: None,
            view: None,
            document,
            record_version: None,
            flush: None,
            worst: Vec::new(),
            said: publish::Said::default(),
            inherits: false,
            status_is_old: false,
            stored_outbox: 0,
            moved: false,
            recording_failed: false,
            answered: false,
            between_looks: Vec::new(),
            woken: false,
            first_tick: now,
        }
    }

    /// Drives to the end. Whatever happens after something moved, the way back was tried before this returns.
    ///
    /// # Errors
    /// Nothing moved, or the lock was lost.
    pub async fn run(&mut self) -> Result<Finished, RunError> {
        if let Some(stopped) = self.take_the_lock_or_leave().await? {
            return Ok(stopped);
        }
        let driven = self.drive().await;
        let waiting = self.stored_outbox;
        let flushed = self.flush_at_the_end().await;
        let finished = driven.map(|outcome| Finished {
            outcome,
            unrecorded: !flushed || self.recording_failed,
        });
        if let Ok(finished) = &finished {
            match finished.outcome {
                Outcome::Promoted | Outcome::Bootstrapped => {
                    self.document.promoted = Some(self.identity.spec_commit.clone());
                }
                Outcome::Unchanged
                | Outcome::RolledBack(_)
                | Outcome::AlreadyRejected(_)
                | Outcome::Held(_)
                | Outcome::Stopped(_)
                | Outcome::Split => {}
            }
            self.document.ended = Some(Ended {
                outcome: finished.outcome.word().to_owned(),
                exit_code: finished.exit_code(),
                at: self.ports.clock.now(),
            });
        }
        if self.moved || self.document.outbox.len() != waiting {
            // What Git has is dropped from the record, what it lacks stays for whoever comes next.
            let _best_effort = self.store().await;
        }
        let finished = match finished {
            Ok(finished) => finished,
            Err(error) => {
                self.release().await;
                return Err(error);
            }
        };
        let outcome = finished.outcome;
        self.settle_alerts().await;
        let finished = Finished {
            outcome,
            unrecorded: !flushed || self.recording_failed,
        };
        let weight = self.document.status.weight();
        let traffic = match self.document.status.phase() {
            // Users never left the target, or the route says so.
            Phase::New | Phase::Initializing if !self.moved => Traffic {
                primary: Weight::ZERO,
                canary: Weight::FULL,
            },
            Phase::New
            | Phase::Initializing
            | Phase::Initialized
            | Phase::Waiting
            | Phase::Progressing
            | Phase::WaitingPromotion
            | Phase::Promoting
            | Phase::Finalising
            | Phase::Succeeded
            | Phase::Failed
            | Phase::Terminating
            | Phase::Terminated => Traffic {
                primary: weight.rest(),
                canary: weight,
            },
        };
        let duration = self.ports.clock.now().duration_since(self.first_tick);
        let worst = std::mem::take(&mut self.worst);
        self.say(EventKind::RunFinished {
            outcome: outcome.word(),
            exit_code: finished.exit_code(),
            traffic,
            duration_ms: u64::try_from(duration.as_millis()).unwrap_or(0),
            worst,
        });
        self.release().await;
        Ok(finished)
    }

    /// Waiting for somebody else's lock can take a minute: a signal ends it, and nothing has moved.
    async fn take_the_lock_or_leave(&mut self) -> Result<Option<Finished>, RunError> {
        let mut words = std::mem::replace(&mut self.requests, unbounded_channel().1);
        let mut early = None;
        let mut asks = Vec::new();
        let signal = {
            let taking = self.take_the_lock();
            tokio::pin!(taking);
            loop {
                tokio::select! {
                    biased;
                    word = wait::next_request(&mut words) => match word {
                        Word::Do(
                            Request::Interrupt(signal) | Request::Hold(signal) | Request::Leave(signal),
                        )
                        | Word::Ask(signal) => break Some(signal),
                        Word::Do(request @ (Request::Abort | Request::Lost)) => early = Some(request),
                        Word::Asked(ask) => asks.push(ask),
                        Word::CarryOn | Word::Pause | Word::Resume | Word::LookAgain => {}
                    },
                    taken = &mut taking => {
                        taken?;
                        break None;
                    }
                }
            }
        };
        self.requests = words;
        self.request = early;
        for ask in asks {
            self.asked(ask);
        }
        Ok(signal.map(|signal| Finished {
            outcome: Outcome::Stopped(signal),
            unrecorded: false,
        }))
    }

    async fn take_the_lock(&mut self) -> Result<(), RunError> {
        let recorded = self.load().await?.map_or(0, |document| document.epoch);
        let view = self.ports.cluster.view(false).await?;
        let routes = self.ports.router.routes().await?;
        let floor = recorded
            .max(self.identity.recorded_epoch)
            .max(view.epoch)
            .max(routes.map_or(0, |seen| seen.epoch));
        let lease = self.ports.lease;
        let mut before_us: Vec<Held> = Vec::new();
        let mut waiting = |held: &Held| {
            if before_us.iter().all(|one| one.holder != held.holder) {
                self.say_queued(held);
                before_us.push(held.clone());
            }
        };
        lease.acquire(floor, &mut waiting).await?;
        let queued = !before_us.is_empty();
        // Only now does nobody else write it: whoever had the lock went on while we waited.
        if let Some(document) = self.load().await? {
            let fresh = std::mem::replace(&mut self.document, document);
            self.document.continue_or_begin(fresh);
            self.status_is_old = true;
            self.stored_outbox = self.document.outbox.len();
        }
        if queued && let Some(outdated) = self.outdated() {
            self.release().await;
            return Err(outdated);
        }
        self.inherits = self.document.resumed;
        let phase = self.document.status.phase();
        self.moved = phase.is_running() && phase != Phase::Waiting;
        self.document.epoch = self.ports.lease.epoch().unwrap_or(floor + 1);
        if let Some(affinity) = &mut self.plan.affinity {
            affinity.seed.clone_from(&self.document.run);
        }
        Ok(())
    }

    /// Was something promoted while we waited that is newer than what we have?
    fn outdated(&self) -> Option<RunError> {
        let ours = &self.identity.spec_commit;
        let theirs = self.document.promoted.as_ref()?;
        let precedes = self.ports.precedes?;
        precedes(ours, theirs).then(|| RunError::Outdated {
            ours: short_commit(ours).to_owned(),
            theirs: short_commit(theirs).to_owned(),
        })
    }

    async fn load(&mut self) -> Result<Option<Document>, RunError> {
        let Some(record) = self.ports.record.load().await? else {
            return Ok(None);
        };
        self.record_version = Some(record.version);
        let document = Document::read(&record.document).map_err(RunError::Document)?;
        Ok(Some(document))
    }

    /// A lock that cannot be given back is taken over after its duration.
    async fn release(&self) {
        let _best_effort = self.ports.lease.release().await;
    }

    async fn drive(&mut self) -> Result<Outcome, RunError> {
        let mut failures = failure::Failures::default();
        loop {
            let went = match self.wake_up().await {
                Ok(Next::Done(outcome)) => return Ok(outcome),
                Ok(next) => {
                    failures.clear();
                    self.wait(&next).await
                }
                Err(error) => Err(error),
            };
            if let Err(error) = went
                && let Some(outcome) = self.answer(error, &mut failures).await?
            {
                return Ok(outcome);
            }
        }
    }

    /// One wake-up: everything between two waits.
    async fn wake_up(&mut self) -> Result<Next, RunError> {
        self.hear();
        self.answer_between_looks();
        let seen = self.observe().await?;
        self.introduce(&seen);
        let results = self.run_checks(&seen).await?;
        // A signal during a slow check is answered now, not after the next one.
        let seen = crate::rollout::observation::Observation {
            request: self.request,
            ..seen
        };
        let results = if self.request.is_some() {
            Vec::new()
        } else {
            results
        };
        let decision = step(&self.plan, &self.document.status, &seen, &results);
        self.apply(decision, &seen).await
    }

    fn fence(&self, seq: u64) -> Fence {
        Fence {
            run: self.document.run.clone(),
            epoch: self.document.epoch,
            seq,
        }
    }

    fn on_grid(&self) -> bool {
        self.plan.timing == Timing::Grid
    }
}
