//! The shell around every traffic provider: reads the live objects, lets the provider translate, writes guarded
//! patches, and reads the result back.
//!
//! Knows no provider by name and decides no weight.

use crate::canary::metadata::INTENT;
use crate::canary::metadata::MANAGED_BY;
use crate::canary::metadata::MANAGER;
use crate::canary::metadata::entries;
use crate::canary::object::ObjectRef;
use crate::canary::object::Resource;
use crate::canary::spec::Canary;
use crate::canary::status::CanaryStatus;
use crate::canary::weight::Routes;
use crate::kubernetes::fence;
use crate::kubernetes::operation::Patch;
use crate::kubernetes::operation::WriteOptions;
use crate::kubernetes::request::Requests;
use crate::kubernetes::request::text_at;
use crate::kubernetes::wake::Wake;
use crate::port::Job;
use crate::port::cluster::Fence;
use crate::port::cluster::WorkloadError;
use crate::port::cluster_error::ClusterError;
use crate::port::router::Router;
use crate::port::router::SeenRoutes;
use crate::port::router::Written;
use crate::router::Change;
use crate::router::Facts;
use crate::router::RouteError;
use crate::router::TrafficProvider;
use serde_json::Value;
use serde_json::json;
use std::cell::Cell;
use std::rc::Rc;

/// Tries of one write that others keep getting in the way of.
const TRIES: u32 = 5;

/// The route of one canary.
pub struct LiveRoutes {
    requests: Requests,
    canary: Rc<Canary>,
    provider: &'static TrafficProvider,
    owner: Option<Value>,
    wake: Rc<Wake>,
    /// Does the cluster have the route's kind, as far as it was asked?
    served: Cell<bool>,
}

impl LiveRoutes {
    /// `owner` is the controller reference of what is created, where the Canary is in the cluster.
    #[must_use]
    pub fn new(
        requests: Requests,
        canary: Rc<Canary>,
        provider: &'static TrafficProvider,
        owner: Option<Value>,
        wake: Rc<Wake>,
    ) -> Self {
        Self {
            requests,
            canary,
            provider,
            owner,
            wake,
            served: Cell::new(false),
        }
    }

    /// Looked at before anything moves: a route that nobody can make is no reason to have switched the apex.
    async fn must_be_served(&self, route: &ObjectRef) -> Result<(), WorkloadError> {
        if self.served.get() || self.requests.serves(route).await? {
            self.served.set(true);
            return Ok(());
        }
        Err(WorkloadError::Unusable {
            object: route.to_string(),
            why: format!(
                "the cluster has no {} of {}",
                route.plural,
                route.api_version()
            ),
            help: format!("what is to be installed: {}", self.provider.install),
        })
    }

    fn address(&self) -> ObjectRef {
        (self.provider.route)(&self.canary)
    }

    fn key(&self) -> String {
        format!("{}/{}", self.canary.namespace, self.canary.name)
    }

    /// The route; where there is none yet, or `whole`, also what stands beside it.
    async fn facts(&self, whole: bool) -> Result<Facts, WorkloadError> {
        let mut facts = Facts::new();
        let route = self.address();
        let live = self.requests.get_opt(&route).await?;
        self.wake.seen(&route, live.as_ref());
        let whole = whole || live.is_none();
        facts.extend(live.map(|live| (route, live)));
        if whole {
            for address in (self.provider.beside)(&self.canary) {
                let live = self.requests.get_opt(&address).await?;
                facts.extend(live.map(|live| (address, live)));
            }
        }
        Ok(facts)
    }

    async fn write(
        &self,
        change: Change,
        facts: &Facts,
        fence: &Fence,
        intent: Option<&str>,
    ) -> Result<(ObjectRef, Value), WorkloadError> {
        let (address, patch) = match change {
            Change::Create(address, mut manifest) => {
                let mut labels = entries(&manifest, "labels");
                labels.insert(MANAGED_BY.to_owned(), MANAGER.into());
                manifest["metadata"]["labels"] = labels.into();
                // What belongs to no namespace cannot have an owner in one.
                // Nor has what is in another cluster.
                if let (Some(owner), Some(_), false) = (
                    &self.owner,
                    &address.namespace,
                    self.requests.is_elsewhere(&address),
                ) {
                    manifest["metadata"]["ownerReferences"] = vec![owner.clone()].into();
                }
                fence::mark(&mut manifest, fence, &self.key());
                (
                    address,
                    Patch::Apply {
                        manifest,
                        force: true,
                    },
                )
            }
            Change::Patch(address, operations) => {
                let live = facts.get(&address).unwrap_or(&Value::Null);
                let what = address.to_string();
                let patch = fence::guarded(live, &what, fence, &self.key(), intent, operations)?;
                (address, Patch::Json(patch))
            }
        };
        let written = self
            .requests
            .patch(&address, &patch, WriteOptions::default())
            .await?;
        self.wake.seen(&address, Some(&written));
        Ok((address, written))
    }

    /// Reads, translates and writes, again when somebody changed the object in between. `known` are facts that are
    /// not read.
    async fn change(
        &self,
        whole: bool,
        known: &Facts,
        fence: &Fence,
        intent: Option<&str>,
        wish: impl Fn(&Facts) -> Result<Vec<Change>, RouteError>,
    ) -> Result<Facts, WorkloadError> {
        let mut tries = 0;
        loop {
            tries += 1;
            let mut facts = self.facts(whole).await?;
            facts.extend(known.clone());
            let changes = wish(&facts).map_err(unusable)?;
            let mut failed = None;
            for change in changes {
                match self.write(change, &facts, fence, intent).await {
                    Ok((address, written)) => {
                        facts.insert(address, written);
                    }
                    Err(error) => {
                        failed = Some(error);
                        break;
                    }
                }
            }
            match failed {
                None => return Ok(facts),
                // The write may have landed, or somebody came first: the next read tells.
                Some(WorkloadError::Cluster(
                    ClusterError::Conflict { .. }
                    | ClusterError::Invalid { .. }
                    | ClusterError::Timeout { .. },
                )) if tries < TRIES => {}
                Some(error) => return Err(error),
            }
        }
    }
}

fn unusable(error: RouteError) -> WorkloadError {
    let (object, why) = match &error {
        RouteError::Foreign {
            object,
            destination,
        } => (
            object.clone(),
            format!("it also sends traffic to {destination}"),
        ),
        RouteError::Scale { object, total } => {
            (object.clone(), format!("its weights add up to {total}"))
        }
        RouteError::Missing { object, what } => (
            object.clone(),
            format!("it needs {what}, which is not there"),
        ),
        RouteError::Shape { object, field } => (object.clone(), format!("it has no {field}")),
        RouteError::Unsaid { kind, what } | RouteError::UnsaidMatch { kind, what } => {
            (kind.to_lowercase(), format!("it cannot say {what}"))
        }
        RouteError::Unnamed { object, service } => (
            object.clone(),
            format!("it does not lead to service {service}"),
        ),
        RouteError::Unreadable {
            object,
            field,
            found,
        } => (
            object.clone(),
            format!("{field} is {found:?}, which is no weight"),
        ),
    };
    let help = miette::Diagnostic::help(&error)
        .map(|help| help.to_string())
        .unwrap_or_default();
    WorkloadError::Unusable { object, why, help }
}

impl Router for LiveRoutes {
    fn object(&self) -> String {
        self.address().to_string()
    }

    fn routes(&self) -> Job<'_, Result<Option<SeenRoutes>, WorkloadError>> {
        Box::pin(async move {
            let facts = self.facts(false).await?;
            let address = self.address();
            if !facts.contains_key(&address) {
                self.must_be_served(&address).await?;
            }
            let Some(routes) = (self.provider.routes)(&self.canary, &facts).map_err(unusable)?
            else {
                // What stands in the way of a route is told before anything moves.
                (self.provider.prepare)(&self.canary, &facts).map_err(unusable)?;
                return Ok(None);
            };
            let live = &facts[&address];
            let kind = self.provider.resource.kind.to_lowercase();
            fence::owned(live, &kind, &self.key())?;
            let intent = entries(live, "annotations")
                .get(INTENT)
                .and_then(Value::as_str)
                .map(str::to_owned);
            Ok(Some(SeenRoutes {
                routes,
                proof: (self.provider.proof)(&self.canary, &facts),
                epoch: fence::epoch(live),
                intent,
            }))
        })
    }

    fn ensure<'a>(&'a self, fence: &'a Fence) -> Job<'a, Result<(), WorkloadError>> {
        Box::pin(async move {
            self.change(true, &Facts::new(), fence, None, |facts| {
                (self.provider.prepare)(&self.canary, facts)
            })
            .await?;
            Ok(())
        })
    }

    fn set_routes<'a>(
        &'a self,
        routes: Routes,
        status: &'a CanaryStatus,
        rollback: bool,
        fence: &'a Fence,
    ) -> Job<'a, Result<Written, WorkloadError>> {
        Box::pin(async move {
            // Providers take the cookies from where Flagger keeps them.
            let owner = Resource::CANARY.in_namespace(&self.canary.namespace, &self.canary.name);
            let known = Facts::from([(owner, json!({"status": status}))]);
            let intent = rollback.then(|| format!("rollback/{}/{}", fence.run, fence.seq));
            let wish = |facts: &Facts| (self.provider.set_routes)(&self.canary, facts, routes);
            let facts = self
                .change(false, &known, fence, intent.as_deref(), wish)
                .await?;
            let found = (self.provider.routes)(&self.canary, &facts).map_err(unusable)?;
            if found != Some(routes) {
                let found = found.map_or_else(
                    || "nothing".to_owned(),
                    |found| format!("{} %", found.canary),
                );
                return Err(WorkloadError::Unusable {
                    object: self.object(),
                    why: format!(
                        "{} % was written for the canary, and {found} is there",
                        routes.canary
                    ),
                    help: "an admission webhook or another writer changes this object".to_owned(),
                });
            }
            let resource_version = text_at(&facts[&self.address()], "/metadata/resourceVersion");
            Ok(Written {
                object: self.object(),
                resource_version,
            })
        })
    }
}

#[cfg(test)]
mod tests;
