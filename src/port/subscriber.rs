//! Whoever listens to a run: screen, log, event file. Cannot fail the rollout and is never asked anything.

use crate::rollout::event::Event;
use jiff::Timestamp;
use std::time::Duration;

/// A listener.
pub trait Subscriber {
    /// Something happened.
    fn on_event(&mut self, event: &Event);

    /// Time passes: called about every [`Subscriber::tick`] while the driver waits.
    fn on_tick(&mut self, _now: Timestamp) {}

    /// How often it wants to hear of the time; `None` for never.
    fn tick(&self) -> Option<Duration> {
        None
    }
}
