//! The users of the embedded cluster: requests to one service at a steady rate, answered by whatever pods the data
//! plane leads to, counted as proxies and pods would count them.
//!
//! Everything follows from the objects and the virtual time; there is no chance in it. Must not know of canaries.

use crate::sandbox::dataplane;
use crate::sandbox::dataplane::Apex;
use crate::sandbox::dataplane::Backend;
use crate::sandbox::dataplane::Label;
use crate::sandbox::dataplane::Lost;
use crate::sandbox::dataplane::Pod;
use crate::sandbox::dataplane::View;
use crate::sandbox::objects::Objects;
use crate::sandbox::promql::series::SeriesStore;
use crate::sandbox::traffic::load::Load;
use crate::sandbox::traffic::load::LoadChange;
use crate::sandbox::traffic::meters::Meters;
use crate::sandbox::traffic::meters::Source;
use crate::sandbox::traffic::split::Carry;
use crate::sandbox::traffic::split::Turns;
use crate::sandbox::traffic::users::Users;
use jiff::Timestamp;
use serde_json::Value;
use std::collections::BTreeMap;
use std::collections::VecDeque;
use std::time::Duration;

pub mod load;
mod meters;
mod split;
mod users;

/// How often Prometheus scrapes.
pub const SCRAPE: Duration = Duration::from_secs(2);

/// What became of the requests so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Answered by a pod, by version and status.
    pub answered: BTreeMap<(String, u16), u64>,
    /// Answered by no pod.
    pub lost: BTreeMap<Lost, u64>,
    /// Copies that nobody waits for, by the version that got them.
    pub copied: BTreeMap<String, u64>,
    /// Times that somebody who keeps cookies was answered by another version than before.
    pub switched: u64,
}

impl Totals {
    /// All requests that were sent.
    #[must_use]
    pub fn sent(&self) -> u64 {
        self.answered.values().sum::<u64>() + self.lost.values().sum::<u64>()
    }

    /// What came to it since `earlier`.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        Self {
            answered: grown(&self.answered, &earlier.answered),
            lost: grown(&self.lost, &earlier.lost),
            copied: grown(&self.copied, &earlier.copied),
            switched: self.switched.saturating_sub(earlier.switched),
        }
    }

    /// Requests that a version answered, whatever the status.
    #[must_use]
    pub fn by_version(&self, version: &str) -> u64 {
        self.answered
            .iter()
            .filter(|((answering, _), _)| answering == version)
            .map(|(_, n)| n)
            .sum()
    }
}

/// An open loop of requests, and what is scraped of them.
#[derive(Debug)]
pub struct Traffic {
    apex: Apex,
    load: Load,
    scrape_every: i64,
    route_delay: i64,
    /// Up to here everything is counted, milliseconds since 1970.
    at: i64,
    next_scrape: i64,
    view: View,
    /// Views that the proxy has yet to take over, and when it does.
    coming: VecDeque<(i64, View)>,
    /// By namespace and name.
    pods: BTreeMap<(String, String), Pod>,
    due: Carry,
    errors: BTreeMap<String, Carry>,
    users: Users,
    /// By rule.
    backends: BTreeMap<usize, Turns>,
    /// By rule and backend; a rule's copies come last.
    members: BTreeMap<(usize, usize), Turns>,
    copies: BTreeMap<usize, Carry>,
    meters: Meters,
    series: SeriesStore,
    totals: Totals,
}

impl Traffic {
    /// Begins at `start` with nothing reachable until the first `advance`. A route takes effect `route_delay` after
    /// it was written, where a proxy reads it.
    #[must_use]
    pub fn new(apex: Apex, load: Load, start: Timestamp, route_delay: Duration) -> Self {
        let at = start.as_millisecond();
        let scrape_every = millis(SCRAPE);
        Self {
            apex,
            load,
            scrape_every,
            route_delay: millis(route_delay),
            at,
            next_scrape: at + scrape_every,
            view: View {
                proxied: false,
                rules: Vec::new(),
            },
            coming: VecDeque::new(),
            pods: BTreeMap::new(),
            due: Carry::default(),
            errors: BTreeMap::new(),
            users: Users::default(),
            backends: BTreeMap::new(),
            members: BTreeMap::new(),
            copies: BTreeMap::new(),
            meters: Meters::default(),
            series: SeriesStore::default(),
            totals: Totals::default(),
        }
    }

    /// Counts what was sent since the last call, with the objects as they were then, and then looks at the objects
    /// as they are now.
    ///
    /// To be called after every change of routes, services, EndpointSlices or pods, at its moment, and before every
    /// query. A change that is noticed late has its effect from then on.
    pub fn advance(&mut self, now: Timestamp, objects: &dyn Objects) {
        self.count_until(now.as_millisecond());
        self.look(objects);
    }

    /// Changes the load from the last `advance` on.
    pub fn change(&mut self, change: &LoadChange) {
        self.load.apply(change);
    }

    /// What Prometheus has scraped.
    #[must_use]
    pub const fn series(&self) -> &SeriesStore {
        &self.series
    }

    /// What became of the requests.
    #[must_use]
    pub const fn totals(&self) -> &Totals {
        &self.totals
    }

    fn count_until(&mut self, now: i64) {
        while self.at < now {
            let view = self.coming.front().map_or(now, |(moment, _)| *moment);
            let step = now.min(self.next_scrape).min(view).max(self.at);
            self.send(step - self.at);
            self.at = step;
            self.take_over();
            if self.at == self.next_scrape {
                self.meters.scrape(self.at, &mut self.series);
                self.next_scrape += self.scrape_every;
            }
        }
    }

    fn look(&mut self, objects: &dyn Objects) {
        self.pods = objects
            .list("pods", "")
            .iter()
            .map(|pod| (key(pod), Pod::read(pod, objects)))
            .collect();
        let seen = dataplane::view(&self.apex, objects);
        let newest = self.coming.back().map_or(&self.view, |(_, view)| view);
        if *newest != seen {
            let delay = if seen.proxied { self.route_delay } else { 0 };
            self.coming.push_back((self.at.saturating_add(delay), seen));
        }
        self.take_over();
        let pods = &self.pods;
        self.meters.retain(|source| match source {
            Source::Pod {
                namespace, name, ..
            }
            | Source::Sidecar {
                namespace, name, ..
            } => pods.contains_key(&(namespace.clone(), name.clone())),
            Source::Proxy(_) => true,
        });
    }

    /// Makes views effective whose time has come.
    fn take_over(&mut self) {
        while let Some((moment, view)) = self.coming.pop_front() {
            if moment > self.at {
                self.coming.push_front((moment, view));
                break;
            }
            self.view = view;
            self.backends.clear();
            self.members.clear();
            let configured: Vec<Source> = (self.view.rules.iter())
                .flat_map(|rule| rule.backends.iter().flatten())
                .filter_map(proxy)
                .collect();
            // A proxy forgets the metrics of a service that left its configuration.
            self.meters.retain(|source| match source {
                Source::Proxy(_) => configured.contains(source),
                Source::Pod { .. } | Source::Sidecar { .. } => true,
            });
        }
    }

    fn send(&mut self, millis: i64) {
        let requests = self.load.due(&mut self.due, millis);
        let view = self.view.clone();
        let mut shares: BTreeMap<(usize, usize, usize), u64> = BTreeMap::new();
        let mut copied: BTreeMap<(usize, usize), u64> = BTreeMap::new();
        for _ in 0..requests {
            let user = self.users.next(&self.load);
            let taken = view.rules.iter().position(|rule| rule.takes(&user.headers));
            let Some((at, rule)) = taken.and_then(|at| Some((at, view.rules.get(at)?))) else {
                count(&mut self.totals.lost, Lost::NoRoute, 1);
                continue;
            };
            let backends = match &rule.backends {
                Ok(backends) => backends,
                Err(lost) => {
                    count(&mut self.totals.lost, *lost, 1);
                    continue;
                }
            };
            let weights: Vec<u64> = backends.iter().map(|backend| backend.weight).collect();
            let index = self.backends.entry(at).or_default().next(&weights);
            let member = index.and_then(|index| self.member(at, index, backends.get(index)?));
            match (index, member) {
                (Some(index), Some(member)) => {
                    count(&mut shares, (at, index, member), 1);
                    let backend = backends.get(index);
                    let pod =
                        backend.and_then(|backend| Some((backend, backend.pods.get(member)?)));
                    let pod = pod.and_then(|(backend, pod)| {
                        self.pods.get(&(backend.namespace.clone(), pod.clone()))
                    });
                    let set = backend.and_then(|backend| backend.cookie.as_ref());
                    let set = rule.cookie.iter().chain(set).map(String::as_str);
                    let version = pod.map(|pod| pod.version.as_str());
                    self.totals.switched += self.users.answered(&user, set, version);
                }
                (Some(_) | None, Some(_) | None) => {
                    count(&mut self.totals.lost, Lost::NoEndpoint, 1);
                }
            }
            if let Some((copy, percent)) = &rule.copy
                && self
                    .copies
                    .entry(at)
                    .or_default()
                    .take((*percent).into(), 100)
                    > 0
                && let Some(member) = self.member(at, usize::MAX, copy)
            {
                count(&mut copied, (at, member), 1);
            }
        }
        for ((rule, backend, member), n) in shares {
            let backends = view.rules.get(rule).map(|rule| &rule.backends);
            if let Some(Ok(backends)) = backends
                && let Some(backend) = backends.get(backend)
                && let Some(name) = backend.pods.get(member)
            {
                self.serve(backend, name, n, true);
            }
        }
        for ((rule, member), n) in copied {
            let copy = view.rules.get(rule).and_then(|rule| rule.copy.as_ref());
            if let Some((backend, _)) = copy
                && let Some(name) = backend.pods.get(member)
            {
                self.serve(backend, name, n, false);
            }
        }
    }

    /// Whose turn it is among the pods of a backend.
    fn member(&mut self, rule: usize, index: usize, backend: &Backend) -> Option<usize> {
        let equal = vec![1; backend.pods.len()];
        self.members.entry((rule, index)).or_default().next(&equal)
    }

    /// `counts` is for requests whose answer somebody gets; nobody gets those to copies.
    fn serve(&mut self, backend: &Backend, name: &str, n: u64, counts: bool) {
        let pod = self
            .pods
            .get(&(backend.namespace.clone(), name.to_owned()))
            .filter(|pod| pod.answers);
        let proxy = proxy(backend);
        let Some(pod) = pod else {
            count(
                &mut self.totals.lost,
                Lost::Refused,
                if counts { n } else { 0 },
            );
            if let Some(proxy) = &proxy {
                self.meters.observe(proxy, Lost::Refused.status(), 0.0, n);
            }
            return;
        };
        let behaviour = self.load.of(&pod.version);
        let carry = self.errors.entry(pod.version.clone()).or_default();
        let failed = behaviour.failed(carry, n);
        let (namespace, workload) = (backend.namespace.clone(), pod.workload.clone());
        let name = name.to_owned();
        let proxy = match backend.label {
            Some(Label::Sidecars(mesh)) => Some(Source::Sidecar {
                mesh,
                namespace: namespace.clone(),
                name: name.clone(),
                workload: workload.clone(),
            }),
            Some(
                Label::Traefik(_)
                | Label::Nginx { .. }
                | Label::Skipper(_)
                | Label::Apisix(_)
                | Label::Envoy(..),
            )
            | None => proxy,
        };
        let source = Source::Pod {
            namespace,
            name,
            workload,
        };
        for (status, n) in [(200, n - failed), (500, failed)] {
            if n == 0 {
                continue;
            }
            if counts {
                count(&mut self.totals.answered, (pod.version.clone(), status), n);
            } else {
                count(&mut self.totals.copied, pod.version.clone(), n);
            }
            self.meters.observe(&source, status, behaviour.seconds(), n);
            if let Some(proxy) = &proxy {
                self.meters.observe(proxy, status, behaviour.seconds(), n);
            }
        }
    }
}

/// The proxy that counts the requests to a backend, whatever becomes of them.
fn proxy(backend: &Backend) -> Option<Source> {
    match backend.label.as_ref()? {
        Label::Sidecars(_) => None,
        label @ (Label::Traefik(_)
        | Label::Nginx { .. }
        | Label::Skipper(_)
        | Label::Apisix(_)
        | Label::Envoy(..)) => Some(Source::Proxy(label.clone())),
    }
}

fn count<K: Ord>(counts: &mut BTreeMap<K, u64>, key: K, n: u64) {
    if n > 0 {
        *counts.entry(key).or_default() += n;
    }
}

fn grown<K: Ord + Clone>(now: &BTreeMap<K, u64>, earlier: &BTreeMap<K, u64>) -> BTreeMap<K, u64> {
    now.iter()
        .map(|(key, n)| {
            (
                key.clone(),
                n - earlier.get(key).copied().unwrap_or(0).min(*n),
            )
        })
        .filter(|(_, n)| *n > 0)
        .collect()
}

fn key(pod: &Value) -> (String, String) {
    let part = |pointer| {
        pod.pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    (part("/metadata/namespace"), part("/metadata/name"))
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
