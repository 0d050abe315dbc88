//! What people and programs see of a run: each module renders the one stream of events in its own way.
//!
//! Must not ask the driver, the cluster, the environment or the clock anything: writers, sizes, colours and the
//! time are handed in, and nothing here can fail a rollout.

pub mod json;
pub mod ndjson;
pub mod plain;
pub mod report;
pub mod row;
pub mod summary;
pub mod theme;

#[cfg(test)]
pub(crate) mod recorded;

use crate::port::subscriber::Subscriber;
use crate::rollout::event::Event;
use jiff::Timestamp;
use std::time::Duration;

/// Several listeners as one, in order.
#[derive(Default)]
pub struct Fanout(pub Vec<Box<dyn Subscriber>>);

impl Subscriber for Fanout {
    fn on_event(&mut self, event: &Event) {
        for each in &mut self.0 {
            each.on_event(event);
        }
    }

    fn on_tick(&mut self, now: Timestamp) {
        for each in &mut self.0 {
            each.on_tick(now);
        }
    }

    fn tick(&self) -> Option<Duration> {
        self.0.iter().filter_map(|each| each.tick()).min()
    }
}
