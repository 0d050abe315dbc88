//! Tells `event` hooks what Flagger would have recorded as Kubernetes Events, beside the rollout.

use crate::canary::hook::Told;
use crate::canary::hook::event_payload;
use crate::port::clock::Clock;
use crate::port::subscriber::Subscriber;
use crate::rollout::event::Event;
use crate::rollout::notice::as_flaggers_event;
use crate::transport::courier::Courier;
use crate::transport::courier::LaneId;
use crate::transport::hooks::Wired;
use crate::transport::hooks::post;
use std::rc::Rc;

/// The listeners of one canary.
pub struct EventHooks {
    courier: Rc<Courier>,
    clock: Rc<dyn Clock>,
    hooks: Vec<(LaneId, Wired)>,
}

impl EventHooks {
    /// Their calls are carried by that courier.
    #[must_use]
    pub fn new(courier: Rc<Courier>, clock: Rc<dyn Clock>, hooks: Vec<Wired>) -> Self {
        let lane = |hook: Wired| {
            let name = format!("the event hook {}", hook.hook.name);
            (courier.lane(name), hook)
        };
        Self {
            hooks: hooks.into_iter().map(lane).collect(),
            courier,
            clock,
        }
    }
}

impl Subscriber for EventHooks {
    fn on_event(&mut self, event: &Event) {
        let Some(warning) = as_flaggers_event(&event.kind) else {
            return;
        };
        let told = Told {
            message: event.msg.clone(),
            warning,
            at_ms: event.at.as_millisecond(),
        };
        for (lane, wired) in &self.hooks {
            let body = event_payload(
                (&event.namespace, &event.canary),
                wired.hook.metadata.as_ref(),
                (event.phase, &event.checksum),
                &told,
            );
            let key = format!("{}/event/{}", event.run, event.seq);
            let (wired, clock) = (wired.clone(), Rc::clone(&self.clock));
            let delivery = async move {
                let answer = post(&wired, &*clock, body, &key).await;
                if answer.passed {
                    Ok(())
                } else {
                    Err(answer.text)
                }
            };
            self.courier.take(*lane, Box::pin(delivery));
        }
    }
}
