//! What people and programs see of a run: each module renders the one stream of events in its own way.
//!
//! Must not ask the driver, the cluster, the environment or the clock anything: writers, sizes, colours and the
//! time are handed in, and nothing here can fail a rollout.

pub mod json;
pub mod live;
pub mod ndjson;
pub mod plain;
pub mod report;
pub mod row;
pub mod screen;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::ndjson::NdjsonWriter;
    use crate::ui::plain::PlainLog;
    use std::cell::Cell;
    use std::rc::Rc;

    #[test]
    fn every_listener_hears_every_event() {
        struct Count(Rc<Cell<usize>>);
        impl Subscriber for Count {
            fn on_event(&mut self, _: &Event) {
                self.0.set(self.0.get() + 1);
            }
        }
        let count = Rc::new(Cell::new(0));
        let mut fanout = Fanout(vec![
            Box::new(Count(Rc::clone(&count))),
            Box::new(Count(Rc::clone(&count))),
        ]);
        let events = recorded::success();
        recorded::feed(&mut fanout, &events);
        assert_eq!(count.get(), 2 * events.len());
    }

    #[test]
    fn the_most_impatient_listener_sets_the_pace() {
        let fanout = Fanout(vec![
            Box::new(NdjsonWriter::new(Vec::new())),
            Box::new(PlainLog::new(Vec::new())),
        ]);
        assert_eq!(fanout.tick(), Some(Duration::from_secs(10)));
        assert_eq!(Fanout::default().tick(), None);
    }
}
