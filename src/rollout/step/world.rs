//! A world of plain values that performs decisions at once, for the tests of the pure core.

use crate::canary::hook::HookAnswer;
use crate::canary::phase::Phase;
use crate::canary::weight::Proof;
use crate::canary::weight::Routes;
use crate::canary::weight::Weight;
use crate::rollout::decision::Check;
use crate::rollout::decision::CheckResult;
use crate::rollout::decision::Decision;
use crate::rollout::decision::Effect;
use crate::rollout::decision::Next;
use crate::rollout::decision::Outcome;
use crate::rollout::event::EventKind;
use crate::rollout::event::Miss;
use crate::rollout::event::Sample;
use crate::rollout::observation::Observation;
use crate::rollout::observation::Request;
use crate::rollout::observation::Workload;
use crate::rollout::plan::Hook;
use crate::rollout::plan::OnMiss;
use crate::rollout::plan::Plan;
use crate::rollout::plan::Timing;
use crate::rollout::plan::Way;
use crate::rollout::status::Status;
use crate::rollout::step::checks_due;
use crate::rollout::step::step;
use crate::rollout::step::stops;
use crate::rollout::weights::Ladder;
use jiff::SignedDuration;
use jiff::Timestamp;
use std::time::Duration;

pub(super) fn plan() -> Plan {
    Plan {
        way: weights(Ladder::linear(10, 50)),
        affinity: None,
        promotion_step: Weight::ZERO,
        interval: SignedDuration::from_secs(10),
        threshold: 2,
        progress_deadline: SignedDuration::from_secs(60),
        primary_ready_percent: 100,
        canary_ready_percent: 100,
        metrics: 1,
        hooks: Vec::new(),
        drain: SignedDuration::from_secs(5),
        timing: Timing::Event,
        retry: false,
        skip_analysis: false,
        hold_for: SignedDuration::from_hours(1),
        gate_for: SignedDuration::from_hours(24),
        gates_fail: false,
        gate_poll: None,
        on_no_data: OnMiss::Fail,
        on_provider_error: OnMiss::Fail,
        deadline: None,
    }
}

pub(super) fn weights(ladder: Option<Ladder>) -> Way {
    Way::Weights {
        ladder: ladder.unwrap(),
        mirror: false,
    }
}

#[derive(Clone)]
pub(super) struct World {
    pub(super) at: Timestamp,
    pub(super) status: Status,
    pub(super) routes: Option<Routes>,
    pub(super) services: bool,
    pub(super) apex: bool,
    pub(super) target: String,
    pub(super) primary: Option<String>,
    pub(super) replicas: u32,
    pub(super) generation: i64,
    pub(super) canary_pods_come: bool,
    pub(super) primary_pods_come: bool,
    pub(super) canary_pods: Option<u32>,
    pub(super) proof: Proof,
    pub(super) metric_ok: bool,
    /// Is there no measurement at all, and why?
    pub(super) blind: Option<Miss>,
    pub(super) request: Option<Request>,
    /// Hooks that say no, by their place.
    pub(super) refusing: Vec<usize>,
    /// One line a call of a hook.
    pub(super) calls: Vec<String>,
    /// One line a decision that did something.
    pub(super) log: Vec<String>,
    started: Timestamp,
}

impl World {
    /// A bootstrapped canary whose target asks for `v2`.
    pub(super) fn upgraded() -> Self {
        let mut world = Self::fresh();
        assert_eq!(world.run(&plan()), Outcome::Bootstrapped);
        world.target = "v2".to_owned();
        world.started = world.at;
        world.log.clear();
        world
    }

    /// A live Deployment that nobody has touched.
    pub(super) fn fresh() -> Self {
        let at = Timestamp::from_second(1_700_000_000).unwrap();
        Self {
            at,
            status: Status::default(),
            routes: None,
            services: false,
            apex: false,
            target: "v1".to_owned(),
            primary: None,
            replicas: 2,
            generation: 1,
            canary_pods_come: true,
            primary_pods_come: true,
            canary_pods: None,
            proof: Proof::Unknown,
            metric_ok: true,
            blind: None,
            request: None,
            refusing: Vec::new(),
            calls: Vec::new(),
            log: Vec::new(),
            started: at,
        }
    }

    fn workload(&self, desired: u32, up: bool, generation: i64) -> Workload {
        let available = if up { desired } else { 0 };
        Workload {
            generation,
            observed_generation: generation,
            desired,
            replicas: desired,
            updated: desired,
            ready: available,
            available,
            ..Workload::default()
        }
    }

    pub(super) fn observe(&self) -> Observation {
        let mut canary = self.workload(self.replicas, self.canary_pods_come, 1);
        if let Some(pods) = self.canary_pods {
            (canary.ready, canary.available) = (pods, pods);
        }
        Observation {
            at: self.at,
            canary,
            primary: self
                .primary
                .as_ref()
                .map(|_| self.workload(2, self.primary_pods_come, self.generation)),
            revision: self.target.clone(),
            primary_is_current: self.primary.as_ref() == Some(&self.target),
            services_exist: self.services,
            apex_on_primary: self.apex,
            routes: self.routes,
            proof: self.proof.clone(),
            tracked_configs: None,
            request: self.request,
        }
    }

    fn perform(&mut self, plan: &Plan, decision: Decision) -> Next {
        self.status = decision.status;
        for effect in &decision.effects {
            match effect {
                Effect::EnsureServices => self.services = true,
                Effect::EnsurePrimary => self.primary = Some(self.target.clone()),
                Effect::SwitchApex => self.apex = true,
                Effect::EnsureRoute => self.routes = Some(self.routes.unwrap_or(Routes::PRIMARY)),
                Effect::ScaleCanary(pods) => self.replicas = *pods,
                Effect::SetRoutes { routes, .. } => {
                    self.routes = Some(*routes);
                    self.status.acknowledge(self.at, plan.interval);
                }
                Effect::Promote => {
                    self.primary = Some(self.target.clone());
                    self.generation += 1;
                    self.status.promoted_generation = Some(self.generation);
                }
            }
        }
        for event in decision.events {
            let second = self.at.duration_since(self.started).as_secs();
            match event {
                EventKind::TrafficChanged { from, to, .. } => {
                    self.log.push(format!("{second} {from}->{to}"));
                }
                EventKind::PhaseChanged { to, .. } => self.log.push(format!("{second} {to}")),
                EventKind::CheckHeld { counted: false, .. } => {
                    self.log.push(format!("{second} blind"));
                }
                EventKind::CheckHeld { failed, .. } => {
                    self.log.push(format!("{second} held {failed}"));
                }
                EventKind::CheckPassed { .. } => self.log.push(format!("{second} passed")),
                EventKind::IterationStarted { iteration, .. } => {
                    self.log.push(format!("{second} iteration {iteration}"));
                }
                EventKind::GateOpened { name, by, .. } => {
                    let by = by.map_or_else(String::new, |by| format!(" by {by}"));
                    self.log.push(format!("{second} {name} opened{by}"));
                }
                EventKind::RunStarted { .. }
                | EventKind::RunPlan { .. }
                | EventKind::WebhookCalled { .. }
                | EventKind::GateWaiting { .. }
                | EventKind::WorkloadReady { .. }
                | EventKind::WorkloadProgress { .. }
                | EventKind::MetricSampled(_)
                | EventKind::SignalReceived { .. }
                | EventKind::IntentReceived { .. }
                | EventKind::RollbackStarted { .. }
                | EventKind::RollbackFinished { .. }
                | EventKind::StatusRecorded { .. }
                | EventKind::StatusFailed { .. }
                | EventKind::Heartbeat { .. }
                | EventKind::Diagnostic { .. }
                | EventKind::RunFinished { .. } => {}
            }
        }
        decision.next
    }

    fn measure(&self) -> CheckResult {
        let sample = Sample {
            name: "request-success-rate".to_owned(),
            value: Some(if self.metric_ok { 99.5 } else { 90.0 }),
            min: Some(99.0),
            max: None,
            unit: Some("%"),
            ok: self.metric_ok,
            miss: (!self.metric_ok).then_some(Miss::Breach),
            window_ms: 60_000,
            query: None,
            error: None,
        };
        if self.blind.is_some() {
            let (value, ok, miss) = (None, false, self.blind);
            CheckResult::Unavailable(Sample {
                value,
                ok,
                miss,
                ..sample
            })
        } else if self.metric_ok {
            CheckResult::Passed(sample)
        } else {
            CheckResult::Failed(sample)
        }
    }

    fn call(&mut self, at: usize, hook: &Hook) -> CheckResult {
        let passed = !self.refusing.contains(&at);
        let second = self.at.duration_since(self.started).as_secs();
        let said = if passed { "yes" } else { "no" };
        self.calls.push(format!("{second} {} {said}", hook.name));
        CheckResult::Hook(HookAnswer {
            passed,
            status: None,
            text: String::new(),
            took: Duration::ZERO,
        })
    }

    /// What this wake-up sees, asks and hears.
    pub(super) fn ask(&mut self, plan: &Plan) -> (Observation, Vec<Check>, Vec<CheckResult>) {
        let seen = self.observe();
        let due = checks_due(plan, &self.status, &seen);
        let mut results = Vec::new();
        for check in &due {
            let result = match check {
                Check::Metric(_) => self.measure(),
                Check::Hook(at) => self.call(*at, &plan.hooks[*at]),
            };
            let stops = stops(plan, check, &result);
            results.push(result);
            if stops {
                break;
            }
        }
        (seen, due, results)
    }

    /// One wake-up. Returns the outcome where it ended.
    pub(super) fn tick(&mut self, plan: &Plan) -> Option<Outcome> {
        let (seen, _, results) = self.ask(plan);
        let decision = step(plan, &self.status, &seen, &results);
        self.act(plan, decision)
    }

    /// Performs a decision and lets the time pass until the next wake-up.
    pub(super) fn act(&mut self, plan: &Plan, decision: Decision) -> Option<Outcome> {
        let grid = plan.timing == Timing::Grid;
        let tick = self.at.checked_add(plan.interval).unwrap_or(Timestamp::MAX);
        match self.perform(plan, decision) {
            Next::Again if grid => self.at = tick,
            Next::Again => {}
            Next::Tick(_) if grid => self.at = tick,
            // A watch would wake the driver: a second later is soon enough here.
            Next::Tick(until) => {
                let soon = self.at + SignedDuration::from_secs(1);
                self.at = until.map_or(soon, |until| until.min(soon).max(self.at));
            }
            Next::At(at) => self.at = at,
            Next::Done(outcome) => return Some(outcome),
        }
        None
    }

    /// The driver dies after so many effects, before it has recorded the decision. Of its intent the next one takes
    /// over what landed: a weight as ours, a way back as one to finish, a promotion as begun.
    pub(super) fn die(&mut self, plan: &Plan, mut decision: Decision, effects: usize) {
        let before = self.status.clone();
        let (wanted, answered) = (decision.status.phase(), decision.status.answered.clone());
        let promotes = decision.effects.contains(&Effect::Promote);
        let way_back = |effect: &Effect| matches!(effect, Effect::SetRoutes { rollback: true, .. });
        let intended = !decision.effects.is_empty() && !decision.effects.iter().any(way_back);
        decision.effects.truncate(effects);
        decision.events.clear();
        let landed = decision.effects.clone();
        self.perform(plan, decision);
        let acknowledged = std::mem::replace(&mut self.status, before);
        // What was asked of a process goes with it.
        self.request = None;
        if intended {
            self.status.answered = answered;
        }
        if intended && promotes {
            self.status.canary.phase = wanted;
        }
        let analysed = self.status.phase() == Phase::Progressing
            || self.status.phase() == Phase::WaitingPromotion;
        for effect in landed {
            match effect {
                Effect::SetRoutes { rollback: true, .. } if analysed => {
                    self.request = Some(Request::Abort);
                }
                Effect::SetRoutes { routes, .. } if analysed => {
                    self.status.canary.canary_weight = routes.canary;
                    self.status.mirrored = routes.mirrored;
                    self.status.weight_since = acknowledged.weight_since;
                    self.status.next_check = acknowledged.next_check;
                    self.status.passed = false;
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
        self.at += SignedDuration::from_secs(1);
    }

    pub(super) fn run(&mut self, plan: &Plan) -> Outcome {
        self.run_until(plan, |_| false).expect("a run ends")
    }

    /// Where a watch would wake the driver every second, only its timers do.
    pub(super) fn run_slowly(&mut self, plan: &Plan) -> Outcome {
        for _ in 0..2_000 {
            let before = self.at;
            if let Some(outcome) = self.tick(plan) {
                return outcome;
            }
            let due = self.status.next_check.filter(|due| *due > self.at);
            if let Some(due) = due.filter(|_| self.at > before) {
                self.at = due;
            }
        }
        panic!("no end within 2000 wake-ups: {:?}", self.log);
    }

    /// Until it ends, or until `stop` says so.
    pub(super) fn run_until(
        &mut self,
        plan: &Plan,
        stop: impl Fn(&Self) -> bool,
    ) -> Option<Outcome> {
        for _ in 0..2_000 {
            if stop(self) {
                return None;
            }
            if let Some(outcome) = self.tick(plan) {
                return Some(outcome);
            }
        }
        panic!("no end within 2000 wake-ups: {:?}", self.log);
    }

    pub(super) fn weight(&self) -> u8 {
        self.routes.map_or(0, |routes| routes.canary.percent())
    }
}
