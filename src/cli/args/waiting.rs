//! What a rollout waits for, and for how long.

use crate::cli::args::values;
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
            ..PlanOptions::default()
        }
    }
}
