//! Builds the adapters of one canary and hands them to the controller: the same for a real cluster, the embedded one
//! and the replay of recordings.

mod world;

pub use crate::cli::drive::world::World;

use crate::canary::capabilities::Capabilities;
use crate::canary::load::Loaded;
use crate::canary::name::Word as _;
use crate::canary::name::nearest;
use crate::canary::object::Resource;
use crate::canary::problem::ProblemKind;
use crate::canary::problem::SpecErrors;
use crate::canary::problem::SpecProblem;
use crate::canary::spec::Canary;
use crate::canary::validate::validate_for;
use crate::cli::alerting::AlertOptions;
use crate::cli::alerting::Post;
use crate::cli::alerting::audience;
use crate::cli::error::Busy;
use crate::cli::error::CliError;
use crate::cli::hooks::unverified;
use crate::cli::metric_settings::MetricSettings;
use crate::cli::questions;
use crate::cli::questions::Draft;
use crate::cli::questions::drafts;
use crate::controller::Controller;
use crate::controller::Finished;
use crate::controller::Identity;
use crate::controller::Ports;
use crate::controller::Precedes;
use crate::controller::RunError;
use crate::controller::Word;
use crate::error::Error;
use crate::git::repository::precedes;
use crate::kubernetes::cluster_target;
use crate::kubernetes::lease::KubernetesLease;
use crate::kubernetes::mailbox::Mailbox;
use crate::kubernetes::objects::Objects;
use crate::kubernetes::request::Requests;
use crate::kubernetes::routes::LiveRoutes;
use crate::kubernetes::run_record::KubernetesRunRecord;
use crate::kubernetes::wake::Wake;
use crate::kubernetes::workloads::WorkloadOptions;
use crate::port::alerts::Alerts as _;
use crate::port::journal::StatusJournal;
use crate::port::lease::LeaseError;
use crate::port::lease::LeaseTimes;
use crate::port::run_record::RunRecord as _;
use crate::port::subscriber::Subscriber;
use crate::rollout::analysis::metric_checks;
use crate::rollout::observation::Request;
use crate::rollout::plan::Plan;
use crate::rollout::plan::PlanOptions;
use crate::rollout::release::not_yet;
use crate::router;
use crate::router::RouteError;
use crate::router::TrafficProvider;
use crate::transport::courier::Courier;
use crate::transport::hooks::Webhooks;
use crate::transport::hooks::Wired;
use crate::transport::metrics::Metrics;
use futures::FutureExt as _;
use jiff::SignedDuration;
use serde_json::Value;
use serde_json::json;
use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::mpsc::unbounded_channel;

/// What the operator decides beside the spec.
#[derive(Clone, Debug)]
pub struct DriveOptions {
    /// When things happen, and how long pods stay.
    pub plan: PlanOptions,
    /// Ends the run; by default twice what it can take.
    pub timeout: Option<Duration>,
    /// Wait for another driver to end; this repository tells whether what that one promoted is newer.
    pub queue: Option<PathBuf>,
    /// Whom metrics are asked of.
    pub metrics: MetricSettings,
    /// Labels and configs.
    pub workloads: WorkloadOptions,
    /// Who is told of canaries that name nobody.
    pub alerts: AlertOptions,
}

/// A canary that this release can drive.
pub struct Prepared {
    /// Its router.
    pub provider: &'static TrafficProvider,
    /// Its plan.
    pub plan: Plan,
    /// Its metrics, ready to be asked.
    pub questions: Vec<Draft>,
    /// What is odd, but no reason to refuse.
    pub warnings: Vec<SpecProblem>,
}

/// Checks what can be checked without a cluster.
///
/// # Errors
/// Everything that this release or the router cannot do.
pub fn prepare(loaded: &Loaded, options: &DriveOptions) -> Result<Prepared, Error> {
    let canary = &loaded.canary;
    let provider = provider(loaded, &options.metrics)?;
    let postponed = not_yet(canary);
    let mut problems: Vec<SpecProblem> = postponed
        .into_iter()
        .map(|part| SpecProblem::not_in_this_release(&loaded.document, part.pointer, part.feature))
        .collect();
    problems.extend(unverified(loaded, &options.metrics.skip_verify));
    if !problems.is_empty() {
        return Err(refused(loaded, problems));
    }
    let all: Vec<(&str, Capabilities)> = router::PROVIDERS
        .iter()
        .map(|provider| (provider.name, provider.capabilities))
        .collect();
    let mut warnings = loaded.warnings.clone();
    warnings.extend(validate_for(
        loaded,
        provider.name,
        &provider.capabilities,
        &all,
    )?);
    if let Err(error) = (provider.prepare)(canary, &router::Facts::new())
        && let Some(pointer) = unsaid(&error)
    {
        let label = format!("not with {}", provider.name);
        let help = "choose other conditions, or another provider";
        let problem = SpecProblem::at(
            &loaded.document,
            ProblemKind::Unsupported,
            pointer,
            &label,
            error.to_string(),
            Some(help),
        );
        return Err(refused(loaded, vec![problem]));
    }
    let Some(plan) = Plan::of(canary, provider.capabilities.weighted, options.plan) else {
        let problem = SpecProblem::not_in_this_release(
            &loaded.document,
            "/spec/analysis",
            "an analysis without steps",
        );
        return Err(refused(loaded, vec![problem]));
    };
    let questions = drafts(loaded, provider, &options.metrics)?;
    Ok(Prepared {
        provider,
        plan,
        questions,
        warnings,
    })
}

/// Where the Canary asks for what its route cannot say; nowhere where only a live object is not as it must be.
const fn unsaid(error: &RouteError) -> Option<&'static str> {
    match error {
        RouteError::Unsaid { .. } => Some("/spec/service/match"),
        RouteError::UnsaidMatch { .. } => Some("/spec/analysis/match"),
        RouteError::Foreign { .. }
        | RouteError::Scale { .. }
        | RouteError::Shape { .. }
        | RouteError::Missing { .. }
        | RouteError::Unnamed { .. }
        | RouteError::Unreadable { .. } => None,
    }
}

fn refused(loaded: &Loaded, problems: Vec<SpecProblem>) -> Error {
    SpecErrors {
        subject: format!("canary {}", loaded.canary.name),
        problems,
    }
    .into()
}

/// The router of a canary.
///
/// # Errors
/// It names none, or one that is not in this release.
pub(super) fn provider(
    loaded: &Loaded,
    settings: &MetricSettings,
) -> Result<&'static TrafficProvider, CliError> {
    let known = || {
        router::PROVIDERS
            .iter()
            .map(|provider| provider.name)
            .collect::<Vec<_>>()
            .join(", ")
    };
    let name = loaded
        .canary
        .provider
        .map(|provider| provider.as_str().to_owned())
        .or_else(|| settings.provider.clone());
    let Some(name) = name else {
        return Err(CliError::NoProvider {
            canary: loaded.canary.name.clone(),
            known: known(),
        });
    };
    router::provider(&name).ok_or_else(|| {
        let known_names = router::PROVIDERS.iter().map(|provider| provider.name);
        let meant = nearest(&name, known_names)
            .map_or_else(String::new, |meant| format!("did you mean {meant}? "));
        let help = format!(
            "{meant}this release has {}; docs/roadmap.md says what comes next",
            known()
        );
        CliError::UnknownProvider {
            provider: name,
            help,
        }
    })
}

/// Drives one canary to its end.
///
/// # Errors
/// Nothing moved, or another driver took over.
pub async fn drive(
    loaded: &Loaded,
    prepared: Prepared,
    spec_commit: String,
    options: &DriveOptions,
    world: &World,
    subscriber: &mut dyn Subscriber,
    words: UnboundedReceiver<Word>,
) -> Result<Finished, Error> {
    let canary = Rc::new(loaded.canary.clone());
    let Prepared {
        provider,
        plan,
        questions,
        warnings: _,
    } = prepared;
    let requests = &world.requests;
    let owner = owner(requests, loaded).await?;
    let (namespace, name) = (canary.namespace.as_str(), canary.name.as_str());
    let wake = wake(requests, &canary, provider);
    let objects = Objects::new(
        requests.clone(),
        Rc::clone(&canary),
        owner.clone(),
        Rc::clone(&wake),
    );
    let cluster = cluster_target::cluster(objects, options.workloads.clone());
    let router = LiveRoutes::new(requests.clone(), Rc::clone(&canary), provider, owner, wake);
    let lease = lease(world, &canary).queueing(options.queue.is_some());
    let repository = options.queue.clone();
    let precedes = repository.map(|dir| move |old: &str, new: &str| precedes(&dir, old, new));
    let record = KubernetesRunRecord::new(requests.clone(), namespace, name);
    let questions = questions::questions(questions, requests).await;
    let metrics = Metrics::new(world.ways(), questions);
    let hooks = canary.analysis.webhooks.iter().map(|hook| Wired {
        hook: hook.clone(),
        transport: Rc::clone(&world.transport),
    });
    let hooks = Webhooks::new((namespace, name), hooks.collect(), Rc::clone(&world.clock));
    hooks.check().await?;
    let courier = Rc::new(Courier::new(Rc::clone(&world.clock)));
    let post = Post {
        requests,
        transport: &world.transport,
        clock: &world.clock,
    };
    let mut audience = audience(subscriber, loaded, &options.alerts, &post, &courier).await;
    let recorded_epoch = match &world.journal {
        Some(journal) => journal
            .read_status()
            .await?
            .map_or(0, |status| status.epoch),
        None => 0,
    };
    let ports = Ports {
        cluster: &*cluster,
        router: &router,
        metrics: &metrics,
        hooks: &hooks,
        alerts: &*courier,
        lease: &lease,
        record: &record,
        journal: world
            .journal
            .as_ref()
            .map(|journal| journal as &dyn StatusJournal),
        precedes: precedes.as_ref().map(|precedes| precedes as &Precedes),
        clock: &*world.clock,
    };
    let identity = Identity {
        namespace: namespace.to_owned(),
        canary: name.to_owned(),
        provider: provider.name.to_owned(),
        context: world.context.clone(),
        spec_commit,
        spec_path: loaded.source().path.clone(),
        holder: world.holder().to_string(),
        recorded_epoch,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        metrics: metric_checks(&canary.analysis.metrics),
        spec: bundle(loaded, provider, options),
    };
    let asked = options.timeout.map(SignedDuration::try_from);
    let timeout = asked.and_then(Result::ok);
    let timeout = timeout.unwrap_or_else(|| plan.default_timeout());
    let run = || world.run.clone();
    let first = Controller::new(
        ports,
        plan.clone(),
        timeout,
        identity.clone(),
        run(),
        &mut audience,
        words,
    );
    let driven = {
        let listening = listen(world, namespace, name);
        tokio::select! {
            biased;
            driven = catch(first, &courier) => driven,
            () = listening => None,
        }
    };
    metrics.tidy().await;
    let Some(driven) = driven else {
        // A fresh driver knows from the record how far the run is, and takes the way back.
        let (asks, words) = unbounded_channel();
        // The receiver is right here.
        let _ = asks.send(Word::Do(Request::Lost));
        let second = Controller::new(ports, plan, timeout, identity, run(), &mut audience, words);
        let finished = catch(second, &courier)
            .await
            .unwrap_or(Err(RunError::Lease(LeaseError::NotHeld)))?;
        return if finished.exit_code() == 0 || !matches!(finished.exit_code(), 11 | 20) {
            Err(CliError::Bug.into())
        } else {
            Ok(finished)
        };
    };
    match driven {
        Ok(finished) => Ok(finished),
        Err(RunError::Lease(LeaseError::Busy { held, seen_ago })) => {
            let at = match record.load().await {
                Ok(Some(record)) => record
                    .document
                    .pointer("/status/canary/canaryWeight")
                    .and_then(Value::as_u64),
                Ok(None) | Err(_) => None,
            };
            let busy = Busy::of(&format!("{name}.{namespace}"), held, seen_ago, at);
            Err(CliError::from(Box::new(busy)).into())
        }
        Err(error) => Err(error.into()),
    }
}

/// What was read, complete: with what flags added to the Canary.
fn bundle(loaded: &Loaded, provider: &TrafficProvider, options: &DriveOptions) -> Value {
    let mut bundle = loaded.bundle();
    if let Some(spec) = bundle.pointer_mut("/items/0/spec") {
        spec["provider"] = provider.name.into();
        if spec["metricsServer"].is_null()
            && let Some(server) = &options.metrics.server
        {
            spec["metricsServer"] = server.as_str().into();
        }
    }
    bundle
}

/// Hands requests of other processes to the driver, for ever.
async fn listen(world: &World, namespace: &str, canary: &str) {
    if let Some(asks) = &world.asks {
        let mailbox = Mailbox::new(world.requests.clone(), namespace, canary);
        // A driver that has ended hears nothing.
        let hand_over = |ask| drop(asks.send(Word::Asked(ask)));
        mailbox.listen(hand_over).await;
    }
    std::future::pending::<()>().await;
}

/// Drives, while the courier carries; `None` after a panic, whose words the hook has printed.
async fn catch(
    mut controller: Controller<'_>,
    courier: &Courier,
) -> Option<Result<Finished, RunError>> {
    let driving = async {
        let driven = AssertUnwindSafe(controller.run()).catch_unwind().await;
        // What the last line of a run sets going.
        courier.settle().await;
        driven.ok()
    };
    tokio::select! {
        biased;
        driven = driving => driven,
        never = courier.work() => match never {},
    }
}

/// Wakes the driver at changes of target, primary and route.
pub(super) fn wake(requests: &Requests, canary: &Canary, provider: &TrafficProvider) -> Rc<Wake> {
    let mut watched = cluster_target::watched(canary);
    watched.push((provider.route)(canary));
    Rc::new(Wake::new(requests.clone(), watched))
}

/// The canary's lock, not taken yet.
pub(super) fn lease(world: &World, canary: &Canary) -> KubernetesLease {
    KubernetesLease::new(
        world.requests.clone(),
        &canary.namespace,
        &canary.name,
        world.holder(),
        LeaseTimes::default(),
        world.is_gone,
    )
}

/// The controller reference of what is created, where the Canary is in the cluster. Without its CRD, or without the
/// right to read it, there is none.
async fn owner(requests: &Requests, loaded: &Loaded) -> Result<Option<Value>, Error> {
    use crate::port::cluster_error::ClusterError;
    // What is given back by hand must not go with the Canary.
    if loaded.canary.revert_on_deletion {
        return Ok(None);
    }
    let address = Resource::CANARY.in_namespace(&loaded.canary.namespace, &loaded.canary.name);
    match requests.get_opt(&address).await {
        Ok(found) => Ok(found.map(|canary| {
            json!({
                "apiVersion": address.api_version(), "kind": address.kind, "name": address.name,
                "uid": canary["metadata"]["uid"], "controller": true, "blockOwnerDeletion": true,
            })
        })),
        Err(ClusterError::Denied { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests;
