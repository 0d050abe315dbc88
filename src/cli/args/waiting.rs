//! What a rollout waits for, and for how long.

use crate::cli::args::values;
use crate::rollout::plan;
use crate::rollout::plan::PlanOptions;
use clap::Args;
use clap::ValueEnum;
use clap::builder::BoolishValueParser;
use jiff::SignedDuration;
use std::time::Duration;

/// Other drivers, people and gates.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Waiting")]
pub struct WaitingArgs {
    /// Wait for another driver of this canary to end, then drive
    #[arg(long, env = "KUBECTL_FLAGGER_QUEUE", value_parser = BoolishValueParser::new())]
    pub queue: bool,

    /// How long a pause may last, then roll back
    #[arg(long, value_name = "DURATION", default_value = "1h", value_parser = values::positive_duration, env = "KUBECTL_FLAGGER_HOLD_FOR")]
    pub hold_for: Duration,

    /// What a gate does that says no
    #[arg(
        long,
        value_name = "WHAT",
        value_enum,
        default_value_t,
        env = "KUBECTL_FLAGGER_GATES"
    )]
    pub gates: Gates,

    /// How long a gate may stay closed, then roll back
    #[arg(long, value_name = "DURATION", default_value = "24h", value_parser = values::positive_duration, env = "KUBECTL_FLAGGER_GATE_TIMEOUT")]
    pub gate_timeout: Duration,

    /// How often a closed gate is asked [default: once an interval]
    #[arg(long, value_name = "DURATION", value_parser = values::positive_duration, env = "KUBECTL_FLAGGER_GATE_POLL")]
    pub gate_poll: Option<Duration>,

    /// What a look is worth whose metrics have no data
    #[arg(
        long,
        value_name = "WHAT",
        value_enum,
        default_value_t,
        env = "KUBECTL_FLAGGER_ON_NO_DATA"
    )]
    pub on_no_data: OnMiss,

    /// What a look is worth whose metrics nobody answers
    #[arg(
        long,
        value_name = "WHAT",
        value_enum,
        default_value_t,
        env = "KUBECTL_FLAGGER_ON_PROVIDER_ERROR"
    )]
    pub on_provider_error: OnMiss,
}

/// What a look is worth that could not be judged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum OnMiss {
    /// A failed check
    #[default]
    Fail,
    /// Nothing; roll back after threshold times interval
    Wait,
    /// Nothing; roll back after --hold-for
    Hold,
}

impl From<OnMiss> for plan::OnMiss {
    fn from(policy: OnMiss) -> Self {
        match policy {
            OnMiss::Fail => Self::Fail,
            OnMiss::Wait => Self::Wait,
            OnMiss::Hold => Self::Hold,
        }
    }
}

/// What a gate does that says no.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Gates {
    /// It is asked again
    #[default]
    Wait,
    /// The run ends: what moved goes back
    Fail,
}

impl WaitingArgs {
    /// As the plan takes it.
    #[must_use]
    pub fn options(&self) -> PlanOptions {
        let signed = |duration| SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX);
        PlanOptions {
            hold_for: signed(self.hold_for),
            gate_for: signed(self.gate_timeout),
            gates_fail: self.gates == Gates::Fail,
            gate_poll: self.gate_poll.map(signed),
            on_no_data: self.on_no_data.into(),
            on_provider_error: self.on_provider_error.into(),
            ..PlanOptions::default()
        }
    }
}
