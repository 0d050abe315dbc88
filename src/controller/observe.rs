//! Asks the ports and returns one observation; runs the checks that are due.

use crate::canary::hook::HookCall;
use crate::canary::phase::Phase;
use crate::canary::webhook::HookType;
use crate::canary::weight::Proof;
use crate::controller::Controller;
use crate::controller::RunError;
use crate::controller::wait::next_request;
use crate::port::Job;
use crate::port::cluster::ClusterView;
use crate::port::cluster::Effect;
use crate::port::cluster::WorkloadError;
use crate::port::metric_source::Answered;
use crate::port::router::SeenRoutes;
use crate::rollout::analysis::judge;
use crate::rollout::decision::Check;
use crate::rollout::decision::CheckResult;
use crate::rollout::event::EventKind;
use crate::rollout::event::Sample;
use crate::rollout::observation::Observation;
use crate::rollout::observation::Request;
use crate::rollout::step::checks_due;
use crate::rollout::step::stops;
use futures::StreamExt as _;
use futures::stream::FuturesOrdered;
use jiff::Timestamp;
use std::time::Duration;

/// Between two tries to renew the lock while something else is under way.
const SHORTEST: Duration = Duration::from_millis(500);

/// Of metrics, in the order of their checks.
type Answers<'a> = FuturesOrdered<Job<'a, Answered>>;

impl Controller<'_> {
    pub(super) async fn observe(&mut self) -> Result<Observation, RunError> {
        let whole = !self.document.status.phase().is_running();
        let view = self.ports.cluster.view(whole);
        let view = self.renewing(view).await?.map_err(RunError::from);
        let view = self.view_or_last(view)?;
        let routes = self.ports.router.routes();
        let routes = self.renewing(routes).await??;
        let theirs = view.epoch.max(routes.as_ref().map_or(0, |seen| seen.epoch));
        if theirs > self.document.epoch {
            let object = self.ports.router.object();
            return Err(WorkloadError::Superseded {
                object,
                theirs,
                ours: self.document.epoch,
            }
            .into());
        }
        self.take_over_intent(routes.as_ref());
        Ok(Observation {
            at: self.ports.clock.now(),
            canary: view.canary,
            primary: view.primary,
            revision: view.revision,
            primary_is_current: view.primary_is_current,
            services_exist: view.services_exist,
            apex_on_primary: view.apex_on_primary,
            routes: routes.as_ref().map(|seen| seen.routes),
            proof: routes.map_or(Proof::Unknown, |seen| seen.proof),
            tracked_configs: view.tracked_configs,
            request: self.request,
        })
    }

    /// A look that is refused for good must not keep users where they are.
    fn view_or_last(
        &mut self,
        view: Result<ClusterView, RunError>,
    ) -> Result<ClusterView, RunError> {
        let going_back = self.request.is_some() || self.document.status.ending.is_some();
        match (view, &self.view) {
            (Ok(view), _) => {
                self.view = Some(view.clone());
                Ok(view)
            }
            (Err(error), Some(last)) if going_back && !error.is_superseded() => Ok(last.clone()),
            (Err(error), _) => Err(error),
        }
    }

    /// What a process before this one began and could not confirm. Looked at once, before anything else.
    fn take_over_intent(&mut self, routes: Option<&SeenRoutes>) {
        if !std::mem::take(&mut self.inherits) {
            return;
        }
        let begun = routes
            .and_then(|seen| seen.intent.as_deref())
            .is_some_and(|intent| self.document.has_not_confirmed(intent));
        let intent = self.document.intent.take();
        let status = &mut self.document.status;
        if !matches!(status.phase(), Phase::Progressing | Phase::WaitingPromotion) {
            return;
        }
        // A way back that was begun on the route is finished, whatever the record says.
        if begun {
            self.request.get_or_insert(Request::Abort);
            return;
        }
        for effect in intent.into_iter().flat_map(|intent| intent.effects) {
            match effect {
                // It landed: the weight is ours, not somebody else's.
                Effect::SetRoutes {
                    routes: wanted,
                    rollback: false,
                } if routes.is_some_and(|seen| seen.routes == wanted) => {
                    status.canary.canary_weight = wanted.canary;
                    status.mirrored = wanted.mirrored;
                    if let Some(affinity) = &self.plan.affinity {
                        affinity.moved(&mut status.canary, &status.revision, wanted.canary);
                    }
                    status.acknowledge(self.ports.clock.now(), self.plan.interval);
                }
                Effect::SetRoutes { .. }
                | Effect::EnsureServices
                | Effect::EnsurePrimary
                | Effect::SwitchApex
                | Effect::EnsureRoute
                | Effect::ScaleCanary(_)
                | Effect::Promote => {}
            }
        }
    }

    /// Waits for a port's work; the lock is kept meanwhile.
    pub(super) async fn renewing<T>(&mut self, mut work: Job<'_, T>) -> Result<T, RunError> {
        loop {
            let clock = self.ports.clock;
            let due = self.ports.lease.due_in().max(SHORTEST);
            tokio::select! {
                biased;
                done = &mut work => return Ok(done),
                () = clock.sleep(due) => self.renew_if_possible().await?,
            }
        }
    }

    /// Hooks one after another, metrics all at once; the answers are heard in their order up to the first that stops the
    /// look, as Flagger hears them. A request ends it.
    pub(super) async fn run_checks(
        &mut self,
        seen: &Observation,
    ) -> Result<Vec<CheckResult>, RunError> {
        let mut results = Vec::new();
        let due = checks_due(&self.plan, &self.document.status, seen);
        let metrics = self.ports.metrics;
        let revision = self.document.status.revision.clone();
        let asked = due.iter().filter_map(|check| match check {
            Check::Metric(metric) => Some(metrics.ask(*metric, &revision)),
            Check::Hook(_) => None,
        });
        // Nothing is asked before the first answer is waited for.
        let mut answers: Answers<'_> = asked.collect();
        for check in due {
            let result = match check {
                Check::Metric(metric) => self.measure(metric, &mut answers).await?,
                Check::Hook(hook) => self.call(hook).await?,
            };
            let Some(result) = result else {
                return Ok(results);
            };
            let stops = stops(&self.plan, &check, &result);
            results.push(result);
            if stops {
                break;
            }
        }
        Ok(results)
    }

    /// `None` where somebody asked for something meanwhile.
    async fn measure(
        &mut self,
        metric: usize,
        answers: &mut Answers<'_>,
    ) -> Result<Option<CheckResult>, RunError> {
        let next = self.unless_asked(Box::pin(answers.next())).await?;
        let Some(answer) = next.flatten() else {
            return Ok(None);
        };
        let result = judge(&self.identity.metrics[metric], &answer.query, answer.answer);
        if let Some(sample) = result.sample() {
            self.remember_worst(sample);
            self.say(EventKind::MetricSampled(sample.clone()));
        }
        Ok(Some(result))
    }

    /// `None` where somebody asked for something meanwhile.
    async fn call(&mut self, at: usize) -> Result<Option<CheckResult>, RunError> {
        let status = &self.document.status;
        let Some(hook) = self.plan.hooks.get(at).cloned() else {
            return Ok(None);
        };
        // The same for a repeat after a crash, another one at the next look.
        let look = status.next_check.map_or(0, Timestamp::as_millisecond);
        let (run, seq) = (&self.document.run, self.document.seq);
        let call = HookCall {
            hook: at,
            phase: told_phase(hook.kind, status.phase()),
            checksum: self.checksum(),
            key: format!("{run}/{seq}/{at}-{look}"),
        };
        let hooks = self.ports.hooks;
        let Some(answer) = self.unless_asked(hooks.call(&call)).await? else {
            return Ok(None);
        };
        let said = Some(answer.text.clone()).filter(|said| !answer.passed && !said.is_empty());
        self.say(EventKind::WebhookCalled {
            hook: hook.kind(),
            name: hook.name,
            ok: answer.passed,
            status: answer.status,
            error: said,
            took_ms: u64::try_from(answer.took.as_millis()).unwrap_or(u64::MAX),
        });
        Ok(Some(CheckResult::Hook(answer)))
    }

    /// Waits for an answer; the lock is kept meanwhile, and a request ends the wait.
    async fn unless_asked<T>(&mut self, mut answer: Job<'_, T>) -> Result<Option<T>, RunError> {
        loop {
            let clock = self.ports.clock;
            let due = self.ports.lease.due_in().max(SHORTEST);
            tokio::select! {
                biased;
                word = next_request(&mut self.requests) => {
                    self.heard(word);
                    if self.request.is_some() {
                        return Ok(None);
                    }
                }
                answered = &mut answer => return Ok(Some(answered)),
                () = clock.sleep(due) => self.renew_if_possible().await?,
            }
        }
    }

    fn remember_worst(&mut self, sample: &Sample) {
        match self
            .worst
            .iter_mut()
            .find(|worst| worst.name == sample.name)
        {
            Some(worst) if distance(sample) < distance(worst) => *worst = sample.clone(),
            Some(_) => {}
            None => self.worst.push(sample.clone()),
        }
    }
}

/// The phase that a hook is told, as Flagger tells it.
const fn told_phase(kind: HookType, phase: Phase) -> Phase {
    match kind {
        HookType::ConfirmRollout | HookType::Rollback | HookType::PostRollout | HookType::Event => {
            phase
        }
        HookType::PreRollout
        | HookType::Rollout
        | HookType::ConfirmTrafficIncrease
        | HookType::ConfirmPromotion => Phase::Progressing,
    }
}

/// How far inside its limits a value lies, as a share of the limit; negative outside.
fn distance(sample: &Sample) -> f64 {
    let Some(value) = sample.value else {
        return f64::NEG_INFINITY;
    };
    let scaled = |distance: f64, limit: f64| distance / limit.abs().max(1e-9);
    let below = sample
        .max
        .map_or(f64::INFINITY, |max| scaled(max - value, max));
    let above = sample
        .min
        .map_or(f64::INFINITY, |min| scaled(value - min, min));
    below.min(above)
}
