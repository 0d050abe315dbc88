//! What a world remembers: its users, the answers of its servers, how far the scenario is.
//!
//! Changes nothing in the cluster.

use crate::canary::phase::Phase;
use crate::canary::weight::Weight;
use crate::port::clock::Clock as _;
use crate::sandbox::SandboxError;
use crate::sandbox::clock::SandboxClock;
use crate::sandbox::dataplane::Apex;
use crate::sandbox::gates::Gates;
use crate::sandbox::objects::Objects;
use crate::sandbox::scenario::Scenario;
use crate::sandbox::scenario::action::Action;
use crate::sandbox::scenario::edit;
use crate::sandbox::scenario::trigger::TriggerState;
use crate::sandbox::scripted::ScriptedMetrics;
use crate::sandbox::traffic::Totals;
use crate::sandbox::traffic::Traffic;
use crate::sandbox::tree;
use crate::sandbox::world::WorldError;
use crate::sandbox::world::outside::Heard;
use serde::Deserialize as _;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Requests while the canary was in one phase.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PhaseTotals {
    /// The phase.
    pub phase: Phase,
    /// What became of the requests meanwhile.
    pub totals: Totals,
}

/// Where the canary's objects are.
#[derive(Clone, Debug)]
pub struct Place {
    /// Of all of them.
    pub namespace: String,
    /// Of the Canary.
    pub canary: String,
    /// The target's resource.
    pub resource: String,
    /// Of the target.
    pub target: String,
    /// The apex service.
    pub service: String,
}

impl Place {
    /// As the Canary says.
    pub fn of(canary: &Value) -> Result<Self, WorldError> {
        let field = |pointer: &str, field: &'static str| match tree::text(canary, pointer) {
            "" => Err(WorldError::Canary { field }),
            text => Ok(text.to_owned()),
        };
        let target = field("/spec/targetRef/name", "spec.targetRef.name")?;
        let namespace = match tree::text(canary, "/metadata/namespace") {
            "" => "default",
            namespace => namespace,
        };
        let service = match tree::text(canary, "/spec/service/name") {
            "" => &target,
            service => service,
        };
        let kind = field("/spec/targetRef/kind", "spec.targetRef.kind")?;
        let api_version = tree::text(canary, "/spec/targetRef/apiVersion");
        Ok(Self {
            namespace: namespace.to_owned(),
            canary: field("/metadata/name", "metadata.name")?,
            resource: edit::resource(api_version, &kind),
            service: service.to_owned(),
            target,
        })
    }

    /// Name of the copy that serves the users.
    pub fn primary(&self) -> String {
        format!("{}-primary", self.target)
    }
}

/// What a world remembers.
pub struct State {
    pub place: Place,
    pub objects: Box<dyn Objects + Send + Sync>,
    pub clock: SandboxClock,
    pub traffic: Traffic,
    pub metrics: ScriptedMetrics,
    /// Status that the hook of a name answers, where the scenario sets one.
    pub hooks: BTreeMap<String, u16>,
    pub gates: Gates,
    pub prometheus_up: bool,
    pub heard: Vec<Heard>,
    pub mishaps: Vec<SandboxError>,
    /// Was the canary given up?
    pub given_up: bool,
    /// Of the target, when the world began.
    pub first_image: String,
    scenario: Scenario,
    initialized: bool,
    rollout_began: Option<Duration>,
    phase: Phase,
    weight: Weight,
    by_phase: Vec<PhaseTotals>,
    /// When the present phase began.
    before_phase: Totals,
    /// How often what the target asks for has changed.
    changes: u64,
    /// How many of these there were when the last run was begun.
    handed_out: u64,
    /// Has it changed while no rollout was running, and has none begun since?
    waiting: bool,
}

impl State {
    /// Before anything happened.
    pub fn new(
        scenario: Scenario,
        place: Place,
        objects: Box<dyn Objects + Send + Sync>,
        clock: SandboxClock,
    ) -> Self {
        let apex = Apex {
            namespace: place.namespace.clone(),
            service: place.service.clone(),
        };
        let traffic = Traffic::new(
            apex,
            scenario.traffic.clone(),
            clock.now(),
            scenario.route_delay,
        );
        let first_image = objects
            .get(&place.resource, &place.namespace, &place.target)
            .and_then(|target| edit::image(&target).map(str::to_owned))
            .unwrap_or_default();
        Self {
            place,
            objects,
            clock,
            traffic,
            metrics: ScriptedMetrics::default(),
            hooks: BTreeMap::new(),
            gates: Gates::default(),
            prometheus_up: true,
            heard: Vec::new(),
            mishaps: Vec::new(),
            given_up: false,
            first_image,
            scenario,
            initialized: false,
            rollout_began: None,
            phase: Phase::New,
            weight: Weight::ZERO,
            by_phase: Vec::new(),
            before_phase: Totals::default(),
            changes: 0,
            handed_out: 0,
            waiting: false,
        }
    }

    /// Looks, and takes out what the scenario does now.
    pub fn due(&mut self) -> Vec<Action> {
        self.look();
        let state = self.trigger_state();
        self.scenario.due(&state)
    }

    /// Counts what the users sent until now, and reads the canary's status.
    pub fn look(&mut self) {
        self.traffic
            .advance(self.clock.now(), self.objects.as_ref());
        let canary = self
            .objects
            .get("canaries", &self.place.namespace, &self.place.canary)
            .unwrap_or_default();
        let phase = Phase::deserialize(tree_value(&canary, "/status/phase")).unwrap_or_default();
        let weight = tree::int(&canary, "/status/canaryWeight").unwrap_or(0);
        self.weight = Weight::saturating(weight);
        if phase != self.phase {
            self.close_phase();
            self.phase = phase;
        }
        if phase.is_running() {
            self.waiting = false;
            if self.initialized {
                self.rollout_began.get_or_insert(self.clock.elapsed());
            }
        }
    }

    fn close_phase(&mut self) {
        let totals = self.traffic.totals().since(&self.before_phase);
        self.before_phase = self.traffic.totals().clone();
        self.by_phase.push(PhaseTotals {
            phase: self.phase,
            totals,
        });
    }

    fn trigger_state(&self) -> TriggerState {
        let now = self.clock.elapsed();
        TriggerState {
            phase: self.phase,
            weight: self.weight,
            initialized: self.initialized,
            since_start: self.rollout_began.map(|began| now.saturating_sub(began)),
            now,
        }
    }

    /// How long from now until time alone makes something due.
    pub fn wake(&self) -> Option<Duration> {
        self.scenario.wake(&self.trigger_state())
    }

    /// Will the scenario still do anything that can change the target?
    pub fn can_begin_rollout(&self) -> bool {
        self.scenario.can_begin_rollout()
    }

    /// The primary serves.
    pub fn initialized(&mut self) {
        self.initialized = true;
        // What came before, the bootstrap has taken over.
        self.waiting = false;
    }

    /// The canary's phase when it was looked at last.
    pub const fn phase(&self) -> Phase {
        self.phase
    }

    /// What became of the requests until the last look.
    pub const fn totals(&self) -> &Totals {
        self.traffic.totals()
    }

    /// The same by phases, the present one last.
    pub fn totals_by_phase(&self) -> Vec<PhaseTotals> {
        let mut all = self.by_phase.clone();
        all.push(PhaseTotals {
            phase: self.phase,
            totals: self.traffic.totals().since(&self.before_phase),
        });
        all
    }

    /// The target.
    pub fn target(&self) -> Arc<Value> {
        let Place {
            namespace,
            resource,
            target,
            ..
        } = &self.place;
        self.objects
            .get(resource, namespace, target)
            .unwrap_or_default()
    }

    /// What the target asks for: its template (a Service has none), and the configuration beside it.
    pub fn wanted(&self) -> Vec<Value> {
        let target = self.target();
        let asked = target
            .pointer("/spec/template")
            .or_else(|| target.get("spec"));
        let mut wanted = vec![asked.cloned().unwrap_or_default()];
        for resource in ["configmaps", "secrets"] {
            for object in self.objects.list(resource, &self.place.namespace) {
                if !tree::text(&object, "/metadata/name").starts_with("flagger-") {
                    wanted.extend(["/data", "/binaryData"].map(|part| tree_value(&object, part)));
                }
            }
        }
        wanted
    }

    /// What the target asks for was changed.
    pub fn target_changed(&mut self) {
        self.changes += 1;
        self.waiting |= !self.phase.is_running();
    }

    /// Is a run to begin? Then the changes until now are its own.
    pub fn take_run(&mut self) -> bool {
        let due = self.changes > self.handed_out && (self.waiting || self.primary_is_behind());
        if due {
            self.handed_out = self.changes;
        }
        due
    }

    /// After a rollout that succeeded: did the target go on meanwhile?
    fn primary_is_behind(&self) -> bool {
        match self.phase {
            Phase::Initialized | Phase::Succeeded => {}
            Phase::New
            | Phase::Initializing
            | Phase::Waiting
            | Phase::Progressing
            | Phase::WaitingPromotion
            | Phase::Promoting
            | Phase::Finalising
            | Phase::Failed
            | Phase::Terminating
            | Phase::Terminated => return false,
        }
        let Place {
            namespace,
            resource,
            ..
        } = &self.place;
        let get = |resource: &str, name: &str| self.objects.get(resource, namespace, name);
        let target = self.target();
        if let Some(newest) = target.pointer("/status/latestCreatedRevisionName") {
            let annotations = "/metadata/annotations/flagger.app~1primary-revision";
            return target.pointer(annotations) != Some(newest);
        }
        let primary = get(resource, &self.place.primary()).unwrap_or_default();
        if edit::image(&primary) != edit::image(&target) {
            return true;
        }
        ["configmaps", "secrets"].iter().any(|resource| {
            self.objects.list(resource, namespace).iter().any(|config| {
                let copy = format!("{}-primary", tree::text(config, "/metadata/name"));
                get(resource, &copy).is_some_and(|copy| copy.get("data") != config.get("data"))
            })
        })
    }
}

fn tree_value(value: &Value, pointer: &str) -> Value {
    value.pointer(pointer).cloned().unwrap_or_default()
}
