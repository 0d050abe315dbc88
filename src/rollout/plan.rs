//! What was asked for, fixed for the whole run: the spec's numbers and the operator's options.

use crate::canary::name::Word as _;
use crate::canary::spec::Canary;
use crate::canary::spec::Strategy;
use crate::canary::webhook::HookType;
use crate::canary::webhook::Webhook;
use crate::canary::weight::Routes;
use crate::canary::weight::Weight;
use crate::rollout::analysis::metric_checks;
use crate::rollout::cookies::Affinity;
use crate::rollout::event::Miss;
use crate::rollout::status::Closed;
use crate::rollout::status::Status;
use crate::rollout::weights::Ladder;
use jiff::SignedDuration;
use jiff::Timestamp;

/// When things happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timing {
    /// As soon as they can: an interval is the soak of a weight, nothing else waits.
    Event,
    /// On Flagger's ticks, for comparison.
    Grid,
}

/// Looks of a canary whose router moves no traffic and whose spec has no iterations, as Flagger has it.
const ITERATIONS: u32 = 10;

/// What a look is worth whose metrics could not be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnMiss {
    /// A failed check, as in Flagger.
    Fail,
    /// Nothing: the weight stays, for as long as so many failed checks would take.
    Wait,
    /// Nothing: the weight stays, for as long as a person may hold it.
    Hold,
}

/// How the canary gets its traffic.
#[derive(Clone, Debug, PartialEq)]
pub enum Way {
    /// One weight after another.
    Weights {
        /// The weights of the way up.
        ladder: Ladder,
        /// Does it get a copy of the traffic before the first of them?
        mirror: bool,
    },
    /// All requests that match, for so many looks.
    Matches {
        /// Looks.
        iterations: u32,
    },
    /// Nothing for so many looks, then everything.
    Switch {
        /// Looks before the switch.
        iterations: u32,
        /// Does it get a copy of the traffic meanwhile?
        mirror: bool,
        /// Is there anything to switch? Without a router the promotion is the switch.
        moves: bool,
    },
}

/// What comes after a look that passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ahead {
    /// These routes.
    Move(Routes),
    /// These routes, or those that are there, and one iteration more.
    Count(Option<Routes>),
    /// The primary takes it over.
    Promote,
}

/// A webhook, as far as it decides anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hook {
    /// When it is called.
    pub kind: HookType,
    /// Its name in the spec.
    pub name: String,
}

impl Hook {
    fn of(webhook: &Webhook) -> Self {
        Self {
            kind: webhook.kind,
            name: webhook.name.clone(),
        }
    }

    /// Its type, as the spec has it.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        self.kind.as_str()
    }
}

/// The plan of one run.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// How the canary gets its traffic.
    pub way: Way,
    /// The cookies that keep users on their version, where asked for.
    pub affinity: Option<Affinity>,
    /// Step of the way back to the primary after promotion; zero moves everything at once.
    pub promotion_step: Weight,
    /// Soak of a weight, and time between looks.
    pub interval: SignedDuration,
    /// Failed checks that roll back; at least 1.
    pub threshold: u32,
    /// How long a workload may take to become ready.
    pub progress_deadline: SignedDuration,
    /// Percent of the primary's pods that must be available.
    pub primary_ready_percent: u32,
    /// Percent of the canary's pods that must be available.
    pub canary_ready_percent: u32,
    /// Number of questions to metrics.
    pub metrics: usize,
    /// The webhooks, in the spec's order.
    pub hooks: Vec<Hook>,
    /// How long pods stay after their weight became 0.
    pub drain: SignedDuration,
    /// When things happen.
    pub timing: Timing,
    /// Drive a rejected revision again?
    pub retry: bool,
    /// Promote as soon as the canary is ready, unanalysed?
    pub skip_analysis: bool,
    /// How long a person may hold the weight.
    pub hold_for: SignedDuration,
    /// How long a gate may stay closed.
    pub gate_for: SignedDuration,
    /// Is a gate that does not open at once an end of the run?
    pub gates_fail: bool,
    /// How often a closed gate is asked; at each look where nothing is said.
    pub gate_poll: Option<SignedDuration>,
    /// What a look without data is worth.
    pub on_no_data: OnMiss,
    /// What a look is worth that a backend did not answer.
    pub on_provider_error: OnMiss,
    /// When the run must be over.
    pub deadline: Option<Timestamp>,
}

/// What the operator decides beside the spec.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlanOptions {
    /// When things happen.
    pub timing: Timing,
    /// How long pods stay after their weight became 0.
    pub drain: SignedDuration,
    /// Drive a rejected revision again?
    pub retry: bool,
    /// Promote as soon as the canary is ready, whatever the spec says of an analysis?
    pub skip_analysis: bool,
    /// How long a person may hold the weight.
    pub hold_for: SignedDuration,
    /// How long a gate may stay closed.
    pub gate_for: SignedDuration,
    /// Is a gate that does not open at once an end of the run?
    pub gates_fail: bool,
    /// How often a closed gate is asked; at each look where nothing is said.
    pub gate_poll: Option<SignedDuration>,
    /// What a look without data is worth.
    pub on_no_data: OnMiss,
    /// What a look is worth that a backend did not answer.
    pub on_provider_error: OnMiss,
}

impl Default for PlanOptions {
    fn default() -> Self {
        Self {
            timing: Timing::Event,
            drain: SignedDuration::from_secs(5),
            retry: false,
            skip_analysis: false,
            hold_for: SignedDuration::from_hours(1),
            gate_for: SignedDuration::from_hours(24),
            gates_fail: false,
            gate_poll: None,
            on_no_data: OnMiss::Fail,
            on_provider_error: OnMiss::Fail,
        }
    }
}

impl Plan {
    /// The plan of a canary; `None` where its steps never get anywhere. `moves_traffic` says whether its router can
    /// give the canary any: without one every strategy is Blue/Green.
    #[must_use]
    pub fn of(canary: &Canary, moves_traffic: bool, options: PlanOptions) -> Option<Self> {
        let analysis = &canary.analysis;
        let percent = |weight: Weight| u32::from(weight.percent());
        let signed = |duration| SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX);
        Some(Self {
            way: Way::of(canary, moves_traffic)?,
            affinity: Affinity::of(canary),
            promotion_step: analysis.step_weight_promotion,
            interval: signed(canary.interval()),
            threshold: canary.threshold(),
            progress_deadline: signed(canary.progress_deadline()),
            primary_ready_percent: percent(canary.primary_ready_threshold()),
            canary_ready_percent: percent(canary.canary_ready_threshold()),
            metrics: metric_checks(&analysis.metrics).len(),
            hooks: analysis.webhooks.iter().map(Hook::of).collect(),
            drain: options.drain,
            timing: options.timing,
            retry: options.retry,
            skip_analysis: canary.skip_analysis || options.skip_analysis,
            hold_for: options.hold_for,
            gate_for: options.gate_for,
            gates_fail: options.gates_fail,
            gate_poll: options.gate_poll,
            on_no_data: options.on_no_data,
            on_provider_error: options.on_provider_error,
            deadline: None,
        })
    }

    /// How long a run may take that nobody gave a `--timeout`: twice what all looks and both rollouts can take.
    #[must_use]
    pub fn default_timeout(&self) -> SignedDuration {
        let threshold = i32::try_from(self.threshold).unwrap_or(i32::MAX);
        self.interval
            .saturating_mul(self.way.looks().saturating_add(threshold).saturating_mul(2))
            .saturating_add(self.progress_deadline.saturating_mul(2))
    }

    /// What a measurement is worth that is no pass for this reason.
    #[must_use]
    pub const fn on(&self, miss: Miss) -> OnMiss {
        match miss {
            Miss::Breach => OnMiss::Fail,
            Miss::NoData => self.on_no_data,
            Miss::ProviderError => self.on_provider_error,
        }
    }

    /// Place of the hook that a gate waits for.
    #[must_use]
    pub fn gate(&self, gate: &Closed) -> Option<usize> {
        let mut hooks = self.hooks.iter();
        hooks.position(|hook| hook.name == gate.name && hook.kind() == gate.kind)
    }

    /// Is any hook called then?
    #[must_use]
    pub fn calls(&self, kind: HookType) -> bool {
        self.hooks.iter().any(|hook| hook.kind == kind)
    }

    /// About how long the way up takes when every check passes, without pod starts.
    #[must_use]
    pub fn estimate(&self) -> SignedDuration {
        let looks = self.way.looks();
        match self.timing {
            Timing::Event => self.interval.saturating_mul(looks),
            Timing::Grid => self.interval.saturating_mul(looks.saturating_add(3)),
        }
    }
}

impl Way {
    fn of(canary: &Canary, moves_traffic: bool) -> Option<Self> {
        let analysis = &canary.analysis;
        let iterations = analysis.iterations.unwrap_or(ITERATIONS);
        let mirror = analysis.mirror && moves_traffic;
        let percent = |weight: Weight| u32::from(weight.percent());
        let strategy = if moves_traffic {
            canary.strategy()
        } else {
            Strategy::BlueGreen
        };
        Some(match strategy {
            Strategy::AbTesting => Self::Matches { iterations },
            Strategy::BlueGreen => Self::Switch {
                iterations,
                mirror,
                moves: moves_traffic,
            },
            Strategy::Canary => {
                let ladder = match analysis.step_weight {
                    Some(step) => Ladder::linear(percent(step), percent(canary.max_weight())),
                    None => {
                        let steps = analysis.step_weights.iter().copied();
                        Ladder::explicit(&steps.map(percent).collect::<Vec<_>>())
                    }
                };
                Self::Weights {
                    ladder: ladder?,
                    mirror,
                }
            }
        })
    }

    /// The planned shares of the way up.
    #[must_use]
    pub fn weights(&self) -> &[Weight] {
        match self {
            Self::Weights { ladder, .. } => ladder.steps(),
            Self::Matches { .. } | Self::Switch { moves: true, .. } => &[Weight::FULL],
            Self::Switch { moves: false, .. } => &[],
        }
    }

    /// Looks that are counted one by one; 0 where the weights are.
    #[must_use]
    pub const fn iterations(&self) -> u32 {
        match self {
            Self::Weights { .. } => 0,
            Self::Matches { iterations } | Self::Switch { iterations, .. } => *iterations,
        }
    }

    /// The strategy, as people call it.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Weights { .. } => Strategy::Canary.as_str(),
            Self::Matches { .. } => Strategy::AbTesting.as_str(),
            Self::Switch { .. } => Strategy::BlueGreen.as_str(),
        }
    }

    /// Does the canary get a copy of the traffic first?
    #[must_use]
    pub const fn mirrors(&self) -> bool {
        match self {
            Self::Weights { mirror, .. } | Self::Switch { mirror, .. } => *mirror,
            Self::Matches { .. } => false,
        }
    }

    /// Looks that judge the canary, if all of them pass.
    fn looks(&self) -> i32 {
        let looks = match self {
            Self::Weights { ladder, mirror } => ladder.steps().len() + usize::from(*mirror),
            Self::Matches { iterations } => *iterations as usize,
            // Once more after the switch.
            Self::Switch { iterations, .. } => *iterations as usize + 1,
        };
        i32::try_from(looks).unwrap_or(i32::MAX)
    }

    /// What comes next once everything passed.
    #[must_use]
    pub fn ahead(&self, status: &Status) -> Ahead {
        let done = u32::try_from(status.canary.iterations).unwrap_or(0);
        let mirrored = Routes {
            mirrored: true,
            ..Routes::PRIMARY
        };
        match self {
            Self::Weights { mirror: true, .. } if status.routes() == Routes::PRIMARY => {
                Ahead::Move(mirrored)
            }
            Self::Weights { ladder, .. } => ladder
                .next(status.weight())
                .map_or(Ahead::Promote, |weight| Ahead::Move(Routes::split(weight))),
            Self::Matches { iterations } if done < *iterations => {
                Ahead::Count(Some(Routes::CANARY))
            }
            Self::Matches { .. } => Ahead::Promote,
            Self::Switch { .. } if status.routes() == Routes::CANARY => Ahead::Promote,
            Self::Switch {
                iterations, mirror, ..
            } if done < *iterations => Ahead::Count(mirror.then_some(mirrored)),
            Self::Switch {
                iterations,
                moves: false,
                ..
            } if done > *iterations => Ahead::Promote,
            Self::Switch { moves, .. } => Ahead::Count(moves.then_some(Routes::CANARY)),
        }
    }

    /// Is the next step one that `confirm-traffic-increase` holds? Flagger asks before a promotion too, and not while
    /// the traffic is only copied.
    pub(super) const fn asks_for_more(&self, status: &Status) -> bool {
        match self {
            Self::Weights { .. } => !status.mirrored,
            Self::Matches { .. } | Self::Switch { .. } => false,
        }
    }

    /// Is the next step one that `confirm-promotion` holds? In Blue/Green that is the switch: what follows belongs to
    /// it.
    pub(super) fn asks_for_promotion(&self, status: &Status) -> bool {
        let done = u32::try_from(status.canary.iterations).unwrap_or(0);
        match self {
            Self::Weights { .. } | Self::Matches { .. } => self.ahead(status) == Ahead::Promote,
            Self::Switch {
                iterations, moves, ..
            } => {
                let switched = status.routes() == Routes::CANARY || (!moves && done > *iterations);
                done >= *iterations && !switched
            }
        }
    }

    /// Where a run goes on after someone else moved the routes.
    #[must_use]
    pub fn after_drift(&self, ours: Routes, theirs: Routes) -> Routes {
        match self {
            Self::Weights { ladder, .. } if theirs.canary < ours.canary => {
                Routes::split(ladder.floor(theirs.canary))
            }
            Self::Weights { .. } | Self::Matches { .. } | Self::Switch { .. } => ours,
        }
    }
}
