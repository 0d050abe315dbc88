//! `eject`: gives a target back to its people, in an order in which somebody serves at every moment.

use crate::canary::load::Loaded;
use crate::canary::phase::Phase;
use crate::canary::spec::Canary;
use crate::canary::status::CanaryStatus;
use crate::canary::weight::Routes;
use crate::canary::weight::Weight;
use crate::cli::Streams;
use crate::cli::alerting::AlertOptions;
use crate::cli::args::eject::EjectArgs;
use crate::cli::drive;
use crate::cli::drive::DriveOptions;
use crate::cli::drive::World;
use crate::cli::environment::Environment;
use crate::cli::error::CliError;
use crate::cli::globals::Globals;
use crate::cli::metric_settings::MetricSettings;
use crate::cli::promote;
use crate::cli::remote::block_on;
use crate::cli::source;
use crate::clock::SystemClock;
use crate::controller::Document;
use crate::controller::RunError;
use crate::error::Error;
use crate::error::ExitCode;
use crate::kubernetes::client::connect;
use crate::kubernetes::eject::Ejection;
use crate::kubernetes::objects::Objects;
use crate::kubernetes::options::ConnectOptions;
use crate::kubernetes::request::Requests;
use crate::kubernetes::routes::LiveRoutes;
use crate::kubernetes::run_record::KubernetesRunRecord;
use crate::kubernetes::target::PodKind;
use crate::kubernetes::workloads::WorkloadOptions;
use crate::os;
use crate::port::clock::Clock;
use crate::port::cluster::ClusterView;
use crate::port::cluster::Fence;
use crate::port::cluster::WorkloadError;
use crate::port::lease::Lease;
use crate::port::router::Router as _;
use crate::port::run_record::RunRecord as _;
use crate::rollout::conditions::stamp;
use crate::rollout::plan::PlanOptions;
use crate::rollout::readiness::Readiness;
use crate::rollout::readiness::readiness;
use crate::transport::reach::AllowList;
use jiff::SignedDuration;
use rand::Rng as _;
use std::rc::Rc;
use std::time::Duration;

/// Says what is being done, a line at a time.
pub type Say<'a> = &'a mut dyn FnMut(&str);

/// Gives one canary back.
///
/// # Errors
/// Whatever is in the way; users are served all the same.
pub fn run(
    args: &EjectArgs,
    globals: &Globals,
    environment: &Environment,
    streams: &mut Streams<'_>,
) -> Result<ExitCode, Error> {
    block_on(connected(args, globals, environment, streams))?;
    Ok(ExitCode::OK)
}

async fn connected(
    args: &EjectArgs,
    globals: &Globals,
    environment: &Environment,
    streams: &mut Streams<'_>,
) -> Result<(), Error> {
    let clock: Rc<dyn Clock> = Rc::new(SystemClock);
    let connection = connect(&ConnectOptions {
        mesh_kubeconfig: args.target.kubeconfig_service_mesh.clone(),
        ..promote::connect_options(globals, environment)
    })
    .await?;
    let namespace = Some(connection.namespace.as_str());
    let mut spec = source::read(&args.source, args.name.as_deref(), namespace)?;
    spec.loaded.canary.ingress_settings = args.target.ingress_settings();
    let requests = Requests::new(&connection, Rc::clone(&clock), rand::rng().next_u64());
    promote::check_namespace(&requests, &spec, &connection).await?;
    let nobody = AllowList::default();
    let transport = promote::transport(&requests, &nobody, &nobody, environment)?;
    let world = World {
        transport,
        journal: None,
        context: connection.context.clone(),
        place: promote::place(environment),
        is_gone: os::is_gone,
        run: promote::run_id(&*clock),
        asks: None,
        requests,
        clock,
    };
    let mut say = |line: &str| {
        // A reader that went away has read enough.
        let _ = writeln!(streams.err, "{line}");
    };
    eject(&spec.loaded, &drive_options(args), &world, &mut say).await
}

fn drive_options(args: &EjectArgs) -> DriveOptions {
    DriveOptions {
        plan: PlanOptions {
            drain: SignedDuration::try_from(args.drain).unwrap_or(SignedDuration::MAX),
            ..PlanOptions::default()
        },
        timeout: None,
        queue: None,
        metrics: MetricSettings {
            provider: args.target.provider.clone(),
            ..MetricSettings::default()
        },
        workloads: WorkloadOptions {
            selector_labels: args.target.selector_labels.clone(),
            include_label_prefix: Vec::new(),
            config_tracking: !args.target.no_config_tracking,
        },
        alerts: AlertOptions::default(),
    }
}

/// The pieces, under the canary's lock.
///
/// # Errors
/// Whatever is in the way; users are served all the same.
pub async fn eject(
    loaded: &Loaded,
    options: &DriveOptions,
    world: &World,
    say: Say<'_>,
) -> Result<(), Error> {
    let canary = Rc::new(loaded.canary.clone());
    let provider = drive::provider(loaded, &options.metrics)?;
    let requests = &world.requests;
    let wake = drive::wake(requests, &canary, provider);
    let mut routes = vec![(provider.route)(&canary)];
    routes.extend((provider.beside)(&canary));
    let router = LiveRoutes::new(
        requests.clone(),
        Rc::clone(&canary),
        provider,
        None,
        Rc::clone(&wake),
    );
    let ejection = Ejection::new(
        Objects::new(requests.clone(), Rc::clone(&canary), None, wake),
        PodKind::of(canary.target.kind),
        options.workloads.clone(),
        routes,
    );
    let record = KubernetesRunRecord::new(requests.clone(), &canary.namespace, &canary.name);
    let record = record.load().await.map_err(RunError::from)?;
    let document = record.map(|record| Document::read(&record.document));
    let document = document.transpose().map_err(RunError::Document)?;
    let view = ejection.view().await.map_err(RunError::from)?;
    let seen = router.routes().await.map_err(RunError::from)?;
    let status = document.as_ref().map(|document| &document.status);
    let phase = status.map_or(Phase::New, |status| status.phase());
    refuse(&canary, phase, &view, seen.as_ref().map(|seen| seen.routes))?;
    let floor = document
        .as_ref()
        .map_or(0, |document| document.epoch)
        .max(view.epoch)
        .max(seen.map_or(0, |seen| seen.epoch));
    let lease = drive::lease(world, &canary);
    lease
        .acquire(floor, &mut |_| {})
        .await
        .map_err(RunError::from)?;
    let status = document.map(|document| document.status.canary);
    let giving = Giving {
        canary: &canary,
        ejection: &ejection,
        lease: &lease,
        clock: &*world.clock,
        fence: Fence {
            run: world.run.clone(),
            epoch: lease.epoch().unwrap_or(floor + 1),
            seq: 0,
        },
    };
    let given = giving
        .all(status.unwrap_or_default(), options.plan.drain, say)
        .await;
    // A lock that cannot be given back is taken over after its duration.
    let _best_effort = lease.release().await;
    given
}

/// What may not be given back: what is on its way, and what would bring a version to users that nobody has analysed.
fn refuse(
    canary: &Canary,
    phase: Phase,
    view: &ClusterView,
    routes: Option<Routes>,
) -> Result<(), CliError> {
    let refused = |why: String, help| {
        Err(CliError::NotGivenBack {
            canary: canary.name.clone(),
            why,
            help,
        })
    };
    if phase.is_running() || routes.is_some_and(|routes| !routes.canary.is_zero()) {
        return refused(
            format!("a rollout is under way ({phase})"),
            "let promote finish it, or go back first",
        );
    }
    if view.primary.is_some() && !view.primary_is_current {
        return refused(
            "the target asks for something else than the primary runs".to_owned(),
            "promote it, or set the target back to what the primary runs",
        );
    }
    Ok(())
}

struct Giving<'a> {
    canary: &'a Canary,
    ejection: &'a Ejection,
    lease: &'a dyn Lease,
    clock: &'a dyn Clock,
    fence: Fence,
}

impl Giving<'_> {
    async fn all(
        &self,
        mut status: CanaryStatus,
        drain: SignedDuration,
        say: Say<'_>,
    ) -> Result<(), Error> {
        status.phase = Phase::Terminating;
        status.canary_weight = Weight::ZERO;
        status.failed_checks = 0;
        status.iterations = 0;
        stamp(&mut status, self.clock.now());
        self.ejection.publish(&status).await.map_err(of_cluster)?;
        let target = self.canary.target_name();
        say(&format!("{target} gets its pods back"));
        self.ejection
            .revive(&self.fence)
            .await
            .map_err(of_cluster)?;
        self.wait_for_target().await?;
        say(&format!("{target} is ready and takes the traffic"));
        self.ejection
            .give_back_traffic(&self.fence)
            .await
            .map_err(of_cluster)?;
        self.wait(Duration::try_from(drain).unwrap_or_default())
            .await?;
        say("what was made for the rollouts goes");
        self.ejection.clear(&self.fence).await.map_err(of_cluster)?;
        say(&format!("{target} is on its own"));
        Ok(())
    }

    /// Nobody is sent to a target that could not serve.
    async fn wait_for_target(&self) -> Result<(), Error> {
        let since = self.clock.now();
        let deadline = SignedDuration::try_from(self.canary.progress_deadline());
        let deadline = deadline.unwrap_or(SignedDuration::MAX);
        let percent = u32::from(self.canary.canary_ready_threshold().percent());
        loop {
            let view = self.ejection.view().await.map_err(of_cluster)?;
            let now = self.clock.now();
            match readiness(&view.canary, percent, deadline, Some(since), now) {
                Readiness::Ready if view.canary.ready > 0 => return Ok(()),
                Readiness::TimedOut(why) => return Err(CliError::TargetNotReady { why }.into()),
                Readiness::Ready if now.duration_since(since) >= deadline => {
                    let why = "none of its pods is ready".to_owned();
                    return Err(CliError::TargetNotReady { why }.into());
                }
                Readiness::Ready | Readiness::Waiting(_) => {}
            }
            tokio::select! {
                () = self.ejection.changed() => {}
                () = self.clock.sleep(self.lease.due_in().max(SHORTEST)) => {}
            }
            self.renew_if_due().await?;
        }
    }

    /// The lock is kept meanwhile.
    async fn wait(&self, mut left: Duration) -> Result<(), Error> {
        while !left.is_zero() {
            let nap = left.min(self.lease.due_in().max(SHORTEST));
            self.clock.sleep(nap).await;
            left = left.saturating_sub(nap);
            self.renew_if_due().await?;
        }
        Ok(())
    }

    async fn renew_if_due(&self) -> Result<(), Error> {
        if self.lease.due_in().is_zero() {
            let renewed = self.lease.renew(SHORTEST).await;
            renewed.map_err(RunError::from)?;
        }
        Ok(())
    }
}

/// Between two tries to renew the lock.
const SHORTEST: Duration = Duration::from_secs(1);

fn of_cluster(error: WorkloadError) -> Error {
    RunError::from(error).into()
}
