//! Posts alerts to chats, beside the rollout: which events alert is decided elsewhere, and so is their form.

use crate::alerts::Chat;
use crate::alerts::Fields;
use crate::alerts::Message;
use crate::alerts::Receiver;
use crate::canary::alert::Severity;
use crate::port::subscriber::Subscriber;
use crate::port::transport::Transport;
use crate::port::transport::TransportError;
use crate::rollout::event::Event;
use crate::rollout::notice::Notices;
use crate::transport::courier::Courier;
use crate::transport::courier::LaneId;
use std::rc::Rc;

/// Somebody who is told.
pub struct Told {
    /// As people know it.
    pub name: String,
    /// The least severity that is sent.
    pub severity: Severity,
    /// Its form.
    pub chat: &'static Chat,
    /// Where, and on which way; or why there is none.
    pub way: Result<(Receiver, Rc<dyn Transport>), String>,
}

/// The alerts of one run.
pub struct Announcer {
    courier: Rc<Courier>,
    notices: Notices,
    always: Fields,
    plan: Fields,
    told: Vec<(LaneId, Told)>,
}

impl Announcer {
    /// Deliveries are carried by that courier. `always` stands beside every text, `plan` where a plan is what the
    /// alert is about.
    #[must_use]
    pub fn new(
        courier: Rc<Courier>,
        notices: Notices,
        (always, plan): (Fields, Fields),
        told: Vec<Told>,
    ) -> Self {
        let lane = |told: Told| (courier.lane(format!("the alert {}", told.name)), told);
        Self {
            told: told.into_iter().map(lane).collect(),
            courier,
            notices,
            always,
            plan,
        }
    }
}

impl Subscriber for Announcer {
    fn on_event(&mut self, event: &Event) {
        let Some(notice) = self.notices.hear(event) else {
            return;
        };
        let mut fields = self.always.clone();
        if notice.with_plan {
            fields.extend(self.plan.iter().cloned());
        }
        let message = Message {
            severity: notice.severity,
            subject: format!("{}.{}", event.canary, event.namespace),
            text: notice.text,
            fields,
        };
        let wants = |told: &Told| told.severity <= message.severity;
        for (lane, told) in self.told.iter().filter(|(_, told)| wants(told)) {
            let chat = told.chat;
            let way = match &told.way {
                Ok((receiver, transport)) => {
                    Ok(((chat.request)(&message, receiver), Rc::clone(transport)))
                }
                Err(why) => Err(why.clone()),
            };
            let delivery = async move {
                let (request, transport) = way?;
                let sent = transport.send(&request).await;
                let response = sent.map_err(|error: TransportError| error.to_string())?;
                (chat.taken)(&response)
            };
            self.courier.take(*lane, Box::pin(delivery));
        }
    }
}
