//! One embedded world: the cluster, its users and their Prometheus, servers outside, and a scenario that acts on
//! all of them as time passes and the rollout proceeds.
//!
//! What it knows of the rollout it reads from the cluster, as any bystander could. Must not know the driver.

mod act;
mod asked;
mod outside;
mod state;

pub use crate::sandbox::world::outside::Heard;
pub use crate::sandbox::world::outside::SCRIPTED_HOST;
pub use crate::sandbox::world::state::PhaseTotals;

use crate::canary::phase::Phase;
use crate::port::clock::Clock as _;
use crate::port::transport::Transport;
use crate::sandbox::SandboxCluster;
use crate::sandbox::SandboxError;
use crate::sandbox::SandboxOptions;
use crate::sandbox::api_server::ApiService;
use crate::sandbox::clock::SandboxClock;
use crate::sandbox::kinds;
use crate::sandbox::kinds::ApiKind;
use crate::sandbox::scenario::Scenario;
use crate::sandbox::scenario::words::Change;
use crate::sandbox::shared::lock;
use crate::sandbox::traffic::Totals;
use crate::sandbox::tree;
use crate::sandbox::workloads::PodTimes;
use crate::sandbox::world::outside::Outside;
use crate::sandbox::world::state::Place;
use crate::sandbox::world::state::State;
use serde_json::Value;
use serde_json::json;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::Mutex;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// How a world is made.
#[derive(Clone, Debug)]
pub struct WorldOptions {
    /// Its time.
    pub clock: SandboxClock,
    /// Uids and generated names derive from it.
    pub seed: u64,
}

/// A scenario that no world can be made of.
#[derive(Clone, Debug, thiserror::Error, miette::Diagnostic)]
pub enum WorldError {
    /// The canary does not say what it is about.
    #[error("the scenario's canary has no {field}")]
    #[diagnostic(code(flagger::sandbox::canary))]
    Canary {
        /// The field.
        field: &'static str,
    },
    /// A word asks for what nobody here does.
    #[error("the scenario says `{word}`, which the embedded world cannot do")]
    #[diagnostic(
        code(flagger::sandbox::word),
        help("take the word out: it is only understood when recordings are read")
    )]
    Word {
        /// The word.
        word: &'static str,
    },
    /// The cluster refused one of its objects.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Cluster(#[from] SandboxError),
}

/// A handle of a world; clones are handles of the same one, and it ends with the last of them.
#[derive(Clone)]
pub struct World {
    inner: Arc<Inner>,
    _task: Arc<Task>,
}

struct Inner {
    cluster: SandboxCluster,
    state: Arc<Mutex<State>>,
    news: Notify,
}

/// Ends the world's task when the last handle is gone.
struct Task(JoinHandle<()>);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl World {
    /// A world with the scenario's objects, its canary among them, in which what the scenario does at its start is
    /// done. Must be called inside a tokio runtime, which runs its tasks.
    ///
    /// # Errors
    /// When the canary has no name or target, a word cannot be played, or the cluster refuses an object.
    pub fn new(scenario: Scenario, options: WorldOptions) -> Result<Self, WorldError> {
        if let Some(word) = scenario.words().find_map(unplayable) {
            return Err(WorldError::Word { word });
        }
        let place = Place::of(&scenario.canary)?;
        let cluster = SandboxCluster::new(SandboxOptions {
            seed: options.seed,
            pods: PodTimes {
                start_ms: scenario.pods.start_ms,
                drain_ms: scenario.pods.drain_ms,
            },
            namespaces: namespaces(&scenario, &place.namespace),
            ..SandboxOptions::new(options.clock)
        });
        for kind in scenario.objects.iter().filter_map(custom_kind) {
            cluster.register(kind);
        }
        for object in scenario.objects.iter().chain([&scenario.canary]) {
            cluster.apply_object(placed(object, &place.namespace))?;
        }
        let state = State::new(scenario, place, Box::new(cluster.objects()), options.clock);
        let state = Arc::new(Mutex::new(state));
        cluster.set_proxy(outside::proxy(Arc::downgrade(&state)));
        let inner = Arc::new(Inner {
            cluster,
            state,
            news: Notify::new(),
        });
        inner.settle();
        let task = tokio::spawn(run(Arc::clone(&inner)));
        Ok(Self {
            inner,
            _task: Arc::new(Task(task)),
        })
    }

    /// Its cluster.
    #[must_use]
    pub fn cluster(&self) -> &SandboxCluster {
        &self.inner.cluster
    }

    /// The API server, for `kube::Client::new`.
    #[must_use]
    pub fn service(&self) -> ApiService {
        self.inner.cluster.service()
    }

    /// Its clock.
    #[must_use]
    pub fn clock(&self) -> SandboxClock {
        self.inner.cluster.clock()
    }

    /// Carries requests to every host outside the cluster: Prometheus under any name, and whatever else is called.
    #[must_use]
    pub fn transport(&self) -> Rc<dyn Transport> {
        Rc::new(Outside::new(Arc::clone(&self.inner.state)))
    }

    /// The primary serves for the first time: from now on the scenario's own changes come.
    pub fn initialized(&self) {
        lock(&self.inner.state).initialized();
        self.inner.settle();
        self.inner.news.notify_one();
    }

    /// Waits, after a run has ended, until the target asks for something that no run has dealt with. `false` when
    /// the scenario will change the target no more.
    pub async fn next_run(&self) -> bool {
        loop {
            self.inner.settle();
            let nap = {
                let mut state = lock(&self.inner.state);
                if state.take_run() {
                    return true;
                }
                state.wake().filter(|_| state.can_begin_rollout())
            };
            match nap {
                Some(nap) => self.clock().sleep(nap).await,
                // Without a driver only time changes anything that a scenario waits for.
                None => return false,
            }
        }
    }

    /// Was the canary given up, so that it is to be ejected?
    #[must_use]
    pub fn is_given_up(&self) -> bool {
        self.inner.settle();
        lock(&self.inner.state).given_up
    }

    /// Where the canary stands, as its status in the cluster says.
    #[must_use]
    pub fn phase(&self) -> Phase {
        self.inner.settle();
        lock(&self.inner.state).phase()
    }

    /// What became of the users' requests so far.
    #[must_use]
    pub fn totals(&self) -> Totals {
        self.inner.settle();
        lock(&self.inner.state).totals().clone()
    }

    /// The same by the phases of the canary, in their order; a phase that came twice is there twice.
    #[must_use]
    pub fn totals_by_phase(&self) -> Vec<PhaseTotals> {
        self.inner.settle();
        lock(&self.inner.state).totals_by_phase()
    }

    /// What servers outside the cluster were asked, in order.
    #[must_use]
    pub fn heard(&self) -> Vec<Heard> {
        lock(&self.inner.state).heard.clone()
    }

    /// What the scenario wanted to do and the cluster refused.
    #[must_use]
    pub fn mishaps(&self) -> Vec<SandboxError> {
        lock(&self.inner.state).mishaps.clone()
    }

    /// All objects by kind, namespace and name.
    #[must_use]
    pub fn dump(&self) -> Vec<Value> {
        self.inner.cluster.dump()
    }
}

impl Inner {
    /// Lets the users and the scenario see the world as it is now, until nothing more is due at this moment.
    fn settle(&self) {
        loop {
            let actions = lock(&self.state).due();
            if actions.is_empty() {
                return;
            }
            for action in actions {
                act::perform(&self.cluster, &self.state, &action);
            }
        }
    }
}

/// Follows the cluster and the time, for ever.
async fn run(inner: Arc<Inner>) {
    let clock = inner.cluster.clock();
    let mut changed = inner.cluster.changed();
    loop {
        changed.borrow_and_update();
        inner.settle();
        let nap = lock(&inner.state).wake();
        let sleep = async {
            match nap {
                Some(nap) => tokio::time::sleep(clock.real(nap)).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            change = changed.changed() => {
                if change.is_err() {
                    return;
                }
            }
            () = inner.news.notified() => {}
            () = sleep => {}
        }
    }
}

/// These need somebody who can be asked for it.
const fn unplayable(change: &Change) -> Option<&'static str> {
    match change {
        Change::Skip => Some("skip"),
        Change::Upgrade
        | Change::Downgrade
        | Change::Break
        | Change::UpgradeToNine
        | Change::Image(_)
        | Change::Config
        | Change::Secret
        | Change::Success(_)
        | Change::Duration(_)
        | Change::Custom(_)
        | Change::Hook { .. }
        | Change::Suspend
        | Change::Resume
        | Change::Delete => None,
    }
}

/// The canary's and all that objects name.
fn namespaces(scenario: &Scenario, own: &str) -> Vec<String> {
    let named = scenario
        .objects
        .iter()
        .map(|object| tree::text(object, "/metadata/namespace"));
    let all: BTreeSet<String> = named
        .chain([own])
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect();
    all.into_iter().collect()
}

/// The kind of an object that the cluster does not know, as its CustomResourceDefinition would have it.
fn custom_kind(object: &Value) -> Option<ApiKind> {
    let kind = tree::text(object, "/kind");
    let (group, version) = tree::text(object, "/apiVersion").split_once('/')?;
    let is_known = kinds::known()
        .iter()
        .any(|known| known.group == group && known.kind == kind);
    let singular = kind.to_lowercase();
    let plural = match singular.strip_suffix('y') {
        Some(stem) => format!("{stem}ies"),
        None => format!("{singular}s"),
    };
    (!is_known).then(|| ApiKind::custom(group, version, &plural, kind).with_status())
}

/// An object without a namespace lies in the canary's, if it lies in any.
fn placed(object: &Value, namespace: &str) -> Value {
    let kind = tree::text(object, "/kind");
    let cluster_scoped = kinds::known()
        .iter()
        .any(|known| known.kind == kind && !known.namespaced);
    let mut object = object.clone();
    if !cluster_scoped {
        tree::default(&mut object, &["metadata", "namespace"], json!(namespace));
    }
    object
}

#[cfg(test)]
mod tests;
