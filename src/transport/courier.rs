//! Posts what nobody waits for: alerts, and events for those who listen. Each receiver gets its own in order, and one
//! that is dead holds nobody else up, least of all the rollout.

use crate::port::Job;
use crate::port::alerts::Alerts;
use crate::port::alerts::Lost;
use crate::port::clock::Clock;
use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::rc::Rc;
use std::time::Duration;
use tokio::sync::Notify;

/// How long the end of a run waits for what is still on its way.
const LAST_POSTS: Duration = Duration::from_secs(10);

/// One delivery: why it failed, if it did.
pub type Delivery = Job<'static, Result<(), String>>;

/// Carries deliveries, as long as somebody runs [`Courier::work`].
pub struct Courier {
    clock: Rc<dyn Clock>,
    lanes: RefCell<Vec<Lane>>,
    /// Something is to be carried.
    news: Notify,
    /// Something has arrived, or was lost.
    arrived: Notify,
}

/// What goes to one receiver.
struct Lane {
    receiver: String,
    waiting: VecDeque<Delivery>,
    under_way: bool,
    lost: usize,
    why: String,
}

/// The address of a receiver within its courier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LaneId(usize);

impl Courier {
    /// Without receivers.
    #[must_use]
    pub fn new(clock: Rc<dyn Clock>) -> Self {
        Self {
            clock,
            lanes: RefCell::default(),
            news: Notify::new(),
            arrived: Notify::new(),
        }
    }

    /// One more receiver, by the name that people know.
    pub fn lane(&self, receiver: String) -> LaneId {
        let mut lanes = self.lanes.borrow_mut();
        lanes.push(Lane {
            receiver,
            waiting: VecDeque::new(),
            under_way: false,
            lost: 0,
            why: String::new(),
        });
        LaneId(lanes.len() - 1)
    }

    /// Takes a delivery; it goes when those before it have arrived.
    pub fn take(&self, lane: LaneId, delivery: Delivery) {
        self.lanes.borrow_mut()[lane.0].waiting.push_back(delivery);
        self.news.notify_one();
    }

    /// Carries, for ever.
    pub async fn work(&self) -> Infallible {
        let mut under_way = FuturesUnordered::new();
        loop {
            under_way.extend(self.next_ones());
            tokio::select! {
                biased;
                Some((at, result)) = under_way.next() => self.finished(at, result),
                () = self.news.notified() => {}
            }
        }
    }

    fn next_ones(&self) -> Vec<impl Future<Output = (usize, Result<(), String>)> + use<>> {
        let mut lanes = self.lanes.borrow_mut();
        let idle = lanes
            .iter_mut()
            .enumerate()
            .filter(|(_, lane)| !lane.under_way);
        idle.filter_map(|(at, lane)| {
            let delivery = lane.waiting.pop_front()?;
            lane.under_way = true;
            Some(async move { (at, delivery.await) })
        })
        .collect()
    }

    fn finished(&self, at: usize, result: Result<(), String>) {
        let lane = &mut self.lanes.borrow_mut()[at];
        lane.under_way = false;
        if let Err(why) = result {
            lane.lost += 1;
            lane.why = why;
        }
        self.arrived.notify_one();
    }

    fn is_idle(&self) -> bool {
        let lanes = self.lanes.borrow();
        lanes
            .iter()
            .all(|lane| lane.waiting.is_empty() && !lane.under_way)
    }

    async fn idle(&self) {
        while !self.is_idle() {
            self.arrived.notified().await;
        }
    }

    /// What was lost since the last time; what still waits is given up.
    fn give_up(&self) -> Vec<Lost> {
        let mut lost = Vec::new();
        for lane in &mut *self.lanes.borrow_mut() {
            let late = lane.waiting.len() + usize::from(lane.under_way);
            lane.waiting.clear();
            if late > 0 {
                lane.lost += late;
                lane.why = format!("not there after {} s", LAST_POSTS.as_secs());
            }
            if lane.lost > 0 {
                lost.push(Lost {
                    receiver: lane.receiver.clone(),
                    count: std::mem::take(&mut lane.lost),
                    why: std::mem::take(&mut lane.why),
                });
            }
        }
        lost
    }
}

impl Alerts for Courier {
    fn settle(&self) -> Job<'_, Vec<Lost>> {
        Box::pin(async move {
            tokio::select! {
                biased;
                () = self.idle() => {}
                () = self.clock.sleep(LAST_POSTS) => {}
            }
            self.give_up()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::clock::SandboxClock;

    type Log = Rc<RefCell<Vec<String>>>;

    /// Writes the word down after that many seconds.
    fn writes(log: &Log, word: &str, seconds: u64) -> Delivery {
        let (log, word) = (Rc::clone(log), word.to_owned());
        Box::pin(async move {
            tokio::time::sleep(Duration::from_secs(seconds)).await;
            log.borrow_mut().push(word);
            Ok(())
        })
    }

    fn fails(why: &str) -> Delivery {
        let why = why.to_owned();
        Box::pin(async move { Err(why) })
    }

    async fn settled(courier: &Courier) -> Vec<Lost> {
        tokio::select! {
            lost = courier.settle() => lost,
            never = courier.work() => match never {},
        }
    }

    fn courier() -> Courier {
        Courier::new(Rc::new(SandboxClock::at_speed(1.0)))
    }

    #[tokio::test(start_paused = true)]
    async fn a_receiver_gets_its_own_in_order_and_a_slow_one_holds_nobody_up() {
        let (courier, log) = (courier(), Log::default());
        let (slow, fast) = (
            courier.lane("slow".to_owned()),
            courier.lane("fast".to_owned()),
        );
        courier.take(slow, writes(&log, "slow 1", 4));
        courier.take(slow, writes(&log, "slow 2", 1));
        courier.take(fast, writes(&log, "fast 1", 2));
        courier.take(fast, writes(&log, "fast 2", 1));
        assert_eq!(settled(&courier).await, []);
        assert_eq!(*log.borrow(), ["fast 1", "fast 2", "slow 1", "slow 2"]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_lost_is_told_once_with_its_last_reason() {
        let (courier, log) = (courier(), Log::default());
        let lane = courier.lane("slack".to_owned());
        courier.take(lane, fails("answered 500"));
        courier.take(lane, writes(&log, "between", 0));
        courier.take(lane, fails("answered 410"));
        let lost = Lost {
            receiver: "slack".to_owned(),
            count: 2,
            why: "answered 410".to_owned(),
        };
        assert_eq!(settled(&courier).await, [lost]);
        assert_eq!(settled(&courier).await, []);
    }

    #[tokio::test(start_paused = true)]
    async fn a_dead_receiver_is_not_waited_for_longer_than_ten_seconds() {
        let (courier, log) = (courier(), Log::default());
        let lane = courier.lane("slack".to_owned());
        courier.take(lane, writes(&log, "too late", 3600));
        courier.take(lane, writes(&log, "behind it", 0));
        let before = courier.clock.boot();
        let lost = settled(&courier).await;
        assert_eq!(courier.clock.boot() - before, LAST_POSTS);
        assert_eq!(
            (lost[0].count, lost[0].why.as_str()),
            (2, "not there after 10 s")
        );
        assert!(log.borrow().is_empty());
    }
}
