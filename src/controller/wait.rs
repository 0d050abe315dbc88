//! Waiting: for the next look, a change of the world, a request. Meanwhile the lock is renewed and Git gets what
//! waits for it; neither delays anything.

use crate::controller::Controller;
use crate::controller::RunError;
use crate::controller::Word;
use crate::port::Job;
use crate::port::journal::JournalError;
use crate::port::journal::Recorded;
use crate::port::journal::Transition;
use crate::rollout::decision::Next;
use crate::rollout::event::EventKind;
use crate::rollout::observation::Request;
use futures::FutureExt as _;
use jiff::SignedDuration;
use jiff::Timestamp;
use std::time::Duration;
use tokio::sync::mpsc::UnboundedReceiver;

/// How long the end of a run waits for Git.
const LAST_FLUSH: Duration = Duration::from_secs(60);
/// No wake-up is known: look again after that long all the same.
const LONGEST_WAIT: SignedDuration = SignedDuration::from_mins(5);

/// A batch on its way to Git, and what came of it.
pub(super) type Flush<'a> = Job<'a, (Vec<Transition>, Result<Vec<Recorded>, JournalError>)>;

/// Pends for ever once nobody can ask any more.
pub(super) async fn next_request(requests: &mut UnboundedReceiver<Word>) -> Word {
    match requests.recv().await {
        Some(word) => word,
        None => std::future::pending().await,
    }
}

impl Controller<'_> {
    pub(super) async fn wait(&mut self, next: &Next) -> Result<(), RunError> {
        let (until, on_change) = match next {
            Next::Again if self.on_grid() => (self.next_tick(), false),
            Next::Again | Next::Done(_) => return Ok(()),
            Next::Tick(_) if self.on_grid() => (self.next_tick(), false),
            Next::Tick(until) => (until.unwrap_or_else(|| self.latest()), true),
            Next::At(until) => (*until, true),
        };
        loop {
            self.hear();
            let left = until.duration_since(self.ports.clock.now());
            let Ok(left) = Duration::try_from(left) else {
                return Ok(());
            };
            // A drain is cut short only by whoever wants to leave at once.
            let asked = match (self.request, next) {
                (None, _) => false,
                (Some(Request::Leave(_)), _) => true,
                (Some(_), Next::At(_)) => false,
                (Some(_), Next::Again | Next::Tick(_) | Next::Done(_)) => true,
            };
            let woken = std::mem::take(&mut self.woken);
            if asked || woken || left.is_zero() {
                return Ok(());
            }
            let clock = self.ports.clock;
            let renewal = self.ports.lease.due_in();
            let tick = self.subscriber.tick().unwrap_or(Duration::MAX);
            let nap = left.min(renewal).min(tick);
            let cluster = self.ports.cluster;
            let change = async move {
                if on_change {
                    cluster.changed().await;
                } else {
                    std::future::pending::<()>().await;
                }
            };
            let flushing = self.flush.is_some();
            let flush = async {
                match self.flush.as_mut() {
                    Some(flush) => flush.await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                word = next_request(&mut self.requests) => self.heard(word),
                (batch, answer) = flush, if flushing => {
                    self.flush = None;
                    self.flushed(&batch, answer);
                }
                () = change => {
                    // The end of a drain is not hurried by a change.
                    if !matches!(next, Next::At(_)) {
                        return Ok(());
                    }
                }
                () = clock.sleep(nap) => {}
            }
            if self.ports.lease.due_in().is_zero() {
                self.renew().await?;
            }
            let now = self.ports.clock.now();
            self.subscriber.on_tick(now);
        }
    }

    fn latest(&self) -> Timestamp {
        self.ports
            .clock
            .now()
            .checked_add(LONGEST_WAIT)
            .unwrap_or(Timestamp::MAX)
    }

    /// The next whole interval since the driver started.
    fn next_tick(&self) -> Timestamp {
        let interval = self.plan.interval.as_millis().max(1);
        let passed = self
            .ports
            .clock
            .now()
            .duration_since(self.first_tick)
            .as_millis();
        let ticks = i64::try_from((passed / interval + 1) * interval).unwrap_or(i64::MAX);
        self.first_tick
            .checked_add(SignedDuration::from_millis(ticks))
            .unwrap_or(Timestamp::MAX)
    }

    /// Hands what waits to Git, if nothing is on its way. A local repository is done at once.
    pub(super) fn begin_flush(&mut self) {
        let Some(journal) = self.ports.journal else {
            return;
        };
        if self.flush.is_some() || self.document.outbox.is_empty() {
            return;
        }
        let batch = self.document.outbox.clone();
        let mut flush: Flush<'_> = Box::pin(async move {
            let answer = journal.record(&batch).await;
            (batch, answer)
        });
        match flush.as_mut().now_or_never() {
            Some((batch, answer)) => self.flushed(&batch, answer),
            None => self.flush = Some(flush),
        }
    }

    fn flushed(&mut self, batch: &[Transition], answer: Result<Vec<Recorded>, JournalError>) {
        match answer {
            Ok(recorded) => {
                self.document.recorded(batch);
                self.recording_failed = false;
                self.say_recorded(&recorded);
            }
            Err(error) => {
                if !std::mem::replace(&mut self.recording_failed, true) {
                    let error = error.to_string();
                    self.say(EventKind::StatusFailed {
                        reference: String::new(),
                        error,
                    });
                }
            }
        }
    }

    /// Is everything in Git when the run is over?
    pub(super) async fn flush_at_the_end(&mut self) -> bool {
        if self.ports.journal.is_none() {
            return true;
        }
        // What is on its way, and once more what came after it.
        for _ in 0..2 {
            if let Some(flush) = self.flush.take() {
                self.last_flush(flush).await;
            }
            self.begin_flush();
        }
        self.document.outbox.is_empty()
    }

    /// Says and keeps what alerts and events were lost. Whoever wants to leave at once does not wait for them.
    pub(super) async fn settle_alerts(&mut self) {
        let mut settling = self.ports.alerts.settle();
        let lost = loop {
            tokio::select! {
                biased;
                word = next_request(&mut self.requests) => {
                    self.heard(word);
                    if let Some(Request::Leave(_)) = self.request {
                        return;
                    }
                }
                lost = &mut settling => break lost,
            }
        };
        if lost.is_empty() {
            return;
        }
        for one in &lost {
            self.say_lost(one);
        }
        self.document.lost = lost;
        let _best_effort = self.store().await;
    }

    /// Whoever wants to leave at once does not wait for Git.
    async fn last_flush(&mut self, mut flush: Flush<'_>) {
        let clock = self.ports.clock;
        let mut end = clock.sleep(LAST_FLUSH);
        loop {
            tokio::select! {
                biased;
                word = next_request(&mut self.requests) => {
                    self.heard(word);
                    if let Some(Request::Leave(_)) = self.request {
                        return;
                    }
                }
                (batch, answer) = &mut flush => {
                    self.flushed(&batch, answer);
                    return;
                }
                () = &mut end => return,
            }
        }
    }
}
