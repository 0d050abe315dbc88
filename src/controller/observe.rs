//! Asks the ports and returns one observation; runs the checks that are due.

use crate::canary::phase::Phase;
use crate::canary::weight::Proof;
use crate::controller::Controller;
use crate::controller::RunError;
use crate::controller::wait::next_request;
use crate::port::cluster::WorkloadError;
use crate::rollout::analysis::judge;
use crate::rollout::decision::Check;
use crate::rollout::decision::CheckResult;
use crate::rollout::event::EventKind;
use crate::rollout::event::Sample;
use crate::rollout::observation::Observation;
use crate::rollout::observation::Request;
use crate::rollout::step::checks_due;

impl Controller<'_> {
    pub(super) async fn observe(&mut self) -> Result<Observation, RunError> {
        let whole = !self.document.status.phase().is_running();
        let view = self.ports.cluster.view(whole).await?;
        let routes = self.ports.router.routes().await?;
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
        // A way back that another process began on the route is a way back to be finished.
        let begun = routes
            .as_ref()
            .and_then(|seen| seen.intent.as_deref())
            .is_some_and(|intent| self.document.has_not_confirmed(intent));
        if begun && self.document.resumed && self.document.status.phase() == Phase::Progressing {
            self.request.get_or_insert(Request::Abort);
        }
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

    /// In the spec's order up to the first that does not pass, as Flagger asks them. A request ends it.
    pub(super) async fn run_checks(&mut self, seen: &Observation) -> Vec<CheckResult> {
        let mut results = Vec::new();
        for check in checks_due(&self.plan, &self.document.status, seen) {
            let Check::Metric(metric) = check;
            let metrics = self.ports.metrics;
            let mut answer = metrics.ask(metric);
            let result = loop {
                tokio::select! {
                    biased;
                    word = next_request(&mut self.requests) => {
                        self.heard(word);
                        if self.request.is_some() {
                            return results;
                        }
                    }
                    answered = &mut answer => break answered,
                }
            };
            let result = judge(&self.identity.metrics[metric], &result.query, result.answer);
            let passed = result.passed();
            self.remember_worst(result.sample());
            self.say(EventKind::MetricSampled(result.sample().clone()));
            results.push(result);
            if !passed {
                break;
            }
        }
        results
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
