//! What all handles of one embedded cluster share, and the task that moves its workloads.

use crate::port::clock::Clock as _;
use crate::sandbox::clock::SandboxClock;
use crate::sandbox::faults::Fault;
use crate::sandbox::faults::Faults;
use crate::sandbox::faults::LoggedRequest;
use crate::sandbox::faults::RequestInfo;
use crate::sandbox::proxy::ProxyHook;
use crate::sandbox::store::Store;
use crate::sandbox::workloads::Moment;
use crate::sandbox::workloads::Workloads;
use jiff::Timestamp;
use std::fmt;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use tokio::sync::Notify;
use tokio::sync::watch;

/// Everything behind the lock.
#[derive(Debug)]
pub(super) struct State {
    pub(super) store: Store,
    pub(super) workloads: Workloads,
    pub(super) faults: Faults,
    pub(super) log: Vec<LoggedRequest>,
    /// Are requests remembered?
    pub(super) keeps_log: bool,
    /// Watches of an earlier one end.
    pub(super) watch_epoch: u64,
}

pub(super) struct Shared {
    clock: SandboxClock,
    state: Mutex<State>,
    revision: watch::Sender<u64>,
    work: Notify,
    pub(super) proxy: Mutex<Option<ProxyHook>>,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared")
            .field("clock", &self.clock)
            .finish_non_exhaustive()
    }
}

/// A panic of another holder leaves nothing half done here: every change is one `put`.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    pub(super) fn new(clock: SandboxClock, state: State) -> Self {
        Self {
            clock,
            state: Mutex::new(state),
            revision: watch::Sender::new(0),
            work: Notify::new(),
            proxy: Mutex::new(None),
        }
    }

    pub(super) const fn clock(&self) -> &SandboxClock {
        &self.clock
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Hears of every new version.
    pub(super) fn news(&self) -> watch::Receiver<u64> {
        self.revision.subscribe()
    }

    pub(super) fn read<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&lock(&self.state))
    }

    /// Changes something; watches hear of it, and controllers notice.
    pub(super) fn write<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let (result, revision) = {
            let mut guard = lock(&self.state);
            let state = &mut *guard;
            let result = change(state);
            state.workloads.observe(&state.store, self.clock.elapsed());
            (result, state.store.revision())
        };
        self.publish(revision);
        self.work.notify_one();
        result
    }

    /// Ends all watches that are open.
    pub(super) fn break_watches(&self) {
        lock(&self.state).watch_epoch += 1;
        self.revision.send_modify(|_| {});
    }

    /// Remembers a request.
    pub(super) fn note(&self, request: LoggedRequest) {
        let mut state = lock(&self.state);
        if state.keeps_log {
            state.log.push(request);
        }
    }

    /// The fault that a request hits.
    pub(super) fn take_fault(&self, request: &RequestInfo) -> Option<Fault> {
        lock(&self.state).faults.take(request)
    }

    fn publish(&self, revision: u64) {
        self.revision.send_if_modified(|known| {
            let newer = revision > *known;
            *known = revision;
            newer
        });
    }

    /// Does all that is due; returns when the next task is.
    fn work(&self) -> Option<std::time::Duration> {
        let (next, revision) = {
            let mut guard = lock(&self.state);
            let State {
                store, workloads, ..
            } = &mut *guard;
            let elapsed = self.clock.elapsed();
            let mut moment = Moment {
                store,
                elapsed,
                now: self.clock.time_at(elapsed),
            };
            while workloads.step(&mut moment) {}
            (workloads.next_due(), guard.store.revision())
        };
        self.publish(revision);
        next
    }
}

/// Does what is due, for ever: the one task of a cluster.
async fn run(shared: Arc<Shared>) {
    loop {
        match shared.work() {
            Some(due) => {
                let due = shared.clock.instant_at(due);
                tokio::select! {
                    biased;
                    () = shared.work.notified() => {}
                    () = tokio::time::sleep_until(due) => {}
                }
            }
            None => shared.work.notified().await,
        }
    }
}

/// Ends a cluster's task when its last handle and client are gone.
#[derive(Debug)]
pub(super) struct Actor(tokio::task::JoinHandle<()>);

impl Actor {
    /// Starts the task in the runtime this is called in.
    pub(super) fn start(shared: &Arc<Shared>) -> Self {
        Self(tokio::spawn(run(Arc::clone(shared))))
    }
}

impl Drop for Actor {
    fn drop(&mut self) {
        self.0.abort();
    }
}
