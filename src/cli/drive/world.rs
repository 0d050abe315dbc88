//! What a canary is driven in: everything of a run that is no matter of its spec.
//!
//! Holds and makes nothing: a real cluster, the embedded one and a replay each fill it in.

use crate::canary::holder::Holder;
use crate::canary::holder::Place;
use crate::controller::Word;
use crate::git::journal::Journal;
use crate::kubernetes::lease::IsGone;
use crate::kubernetes::request::Requests;
use crate::port::clock::Clock;
use crate::port::transport::Transport;
use std::rc::Rc;
use tokio::sync::mpsc::UnboundedSender;

/// The world a canary is driven in.
pub struct World {
    /// The API server.
    pub requests: Requests,
    /// Metric backends.
    pub transport: Rc<dyn Transport>,
    /// Time.
    pub clock: Rc<dyn Clock>,
    /// The record that people read.
    pub journal: Option<Journal>,
    /// Context of the kubeconfig, for people.
    pub context: String,
    /// Where this driver runs.
    pub place: Place,
    /// Tells whether a driver on this machine has ended.
    pub is_gone: IsGone,
    /// ULID of a new run.
    pub run: String,
    /// Where requests of other processes go; `None` where nobody else can ask.
    pub asks: Option<UnboundedSender<Word>>,
}

impl World {
    /// Who drives here.
    pub(super) fn holder(&self) -> Holder {
        Holder {
            run: self.run.clone(),
            place: self.place.clone(),
        }
    }
}
