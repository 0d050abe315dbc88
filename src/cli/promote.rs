//! `promote`: connects, reads the spec, and drives one rollout.

use crate::canary::holder::Place;
use crate::canary::namespaces::own_namespace_only;
use crate::canary::object::Resource;
use crate::canary::problem::SpecErrors;
use crate::cli::Streams;
use crate::cli::args::promote::FlaggerOptions;
use crate::cli::args::promote::PromoteArgs;
use crate::cli::args::promote::RecordMode;
use crate::cli::args::promote::Timing as TimingArg;
use crate::cli::drive::DriveOptions;
use crate::cli::drive::World;
use crate::cli::drive::drive;
use crate::cli::drive::prepare;
use crate::cli::environment::Environment;
use crate::cli::error::CliError;
use crate::cli::globals::Globals;
use crate::cli::metric_settings::metric_settings;
use crate::cli::output::Output;
use crate::cli::output::Pace;
use crate::cli::remote::block_on;
use crate::cli::sandbox;
use crate::cli::signals;
use crate::cli::skip;
use crate::cli::source;
use crate::cli::source::Spec;
use crate::clock::SystemClock;
use crate::error::Error;
use crate::error::ExitCode;
use crate::git::journal::Journal;
use crate::git::journal::JournalOptions;
use crate::git::journal::Sleeper;
use crate::git::transport;
use crate::git::transport::environment::GitEnvironment;
use crate::kubernetes::client::Connection;
use crate::kubernetes::client::connect;
use crate::kubernetes::options::ConnectOptions;
use crate::kubernetes::options::Environment as ClusterEnvironment;
use crate::kubernetes::request::Requests;
use crate::kubernetes::service_proxy::ServiceProxy;
use crate::kubernetes::workloads::WorkloadOptions;
use crate::os;
use crate::port::clock::Clock;
use crate::port::proxy::ProxySettings;
use crate::port::transport::Transport;
use crate::rollout::plan::PlanOptions;
use crate::rollout::plan::Timing;
use crate::transport::RoutedTransport;
use crate::transport::reach::AllowList;
use jiff::SignedDuration;
use rand::Rng as _;
use secrecy::SecretString;
use std::rc::Rc;
use tokio::sync::mpsc::unbounded_channel;

/// Drives one rollout.
///
/// # Errors
/// Whatever ends it before anything moved.
pub fn run(
    args: &PromoteArgs,
    globals: &Globals,
    environment: &Environment,
    streams: &mut Streams<'_>,
) -> Result<ExitCode, Error> {
    if args.sandbox.is_wanted() {
        return sandbox::promote(args, globals, environment);
    }
    // before any thread: libgit2 does not synchronise its list of ways
    transport::register()?;
    block_on(live_cluster(args, globals, environment, streams))
}

async fn live_cluster(
    args: &PromoteArgs,
    globals: &Globals,
    environment: &Environment,
    streams: &mut Streams<'_>,
) -> Result<ExitCode, Error> {
    let clock: Rc<dyn Clock> = Rc::new(SystemClock);
    let (words, heard) = unbounded_channel();
    let screen = Output::new(&args.display, globals, environment, Pace::Times(1))?;
    screen.first_words(&*clock, args.name.as_deref(), &args.source.reference);
    let mut options = drive_options(args, environment)?;
    let connection = connect(&ConnectOptions {
        mesh_kubeconfig: args.flagger.target.kubeconfig_service_mesh.clone(),
        ..connect_options(globals, environment)
    })
    .await?;
    let mut spec = source::read(
        &args.source,
        args.name.as_deref(),
        Some(&connection.namespace),
    )?;
    spec.loaded.canary.ingress_settings = args.flagger.target.ingress_settings();
    check_references(args, &spec)?;
    options.queue = args.waiting.queue.then(|| spec.repo.clone());
    let prepared = prepare(&spec.loaded, &options)?;
    screen.warn(&prepared.warnings);
    let requests = Requests::new(&connection, Rc::clone(&clock), rand::rng().next_u64());
    check_namespace(&requests, &spec, &connection).await?;
    let canary = &spec.loaded.canary;
    if prepared.plan.skip_analysis
        && let Some(code) = skip::ask_the_driver(&connection, canary, environment, streams).await?
    {
        return Ok(code);
    }
    let run = run_id(&*clock);
    let host = os::host_name().unwrap_or_else(|| "localhost".to_owned());
    let world = World {
        transport: transport(
            &requests,
            &hosts(&args.flagger.metrics.allow_host)?,
            &options.metrics.skip_verify,
            environment,
        )?,
        journal: journal(args, environment, &spec, &connection, &requests, &host).await?,
        requests,
        clock,
        context: connection.context.clone(),
        place: place(environment),
        is_gone: os::is_gone,
        run,
        asks: Some(words.clone()),
    };
    // Held to the end: a driver that nobody can reach any more must not take that for a word.
    let _speaking = words.clone();
    let terminal = screen.terminal();
    signals::listen(
        screen.answering(args.on_interrupt),
        terminal.handle(),
        words,
    )
    .map_err(|error| CliError::Start {
        why: error.to_string(),
    })?;
    let mut subscribers = screen.subscribers(Some(&spec), globals.context.clone());
    let finished = drive(
        &spec.loaded,
        prepared,
        spec.commit_id(),
        &options,
        &world,
        &mut subscribers,
        heard,
    )
    .await?;
    screen.end();
    Ok(ExitCode::from_outcome(finished.exit_code()))
}

/// To everything that specs name; `unverified` are hosts whose certificates nobody verifies.
///
/// # Errors
/// No HTTP client can be made.
pub(super) fn transport(
    requests: &Requests,
    allowed: &AllowList,
    unverified: &AllowList,
    environment: &Environment,
) -> Result<Rc<dyn Transport>, CliError> {
    let (requests, allowed, unverified) = (requests.clone(), allowed.clone(), unverified.clone());
    let routed = move |proxies: &ProxySettings| {
        RoutedTransport::new(
            Box::new(ServiceProxy::new(requests.clone())),
            Box::new(requests.clone()),
            allowed.clone(),
            proxies,
        )?
        .without_verifying(unverified.clone(), proxies)
    };
    let plain = routed(&proxies(environment)).map_err(|error| CliError::Start {
        why: error.to_string(),
    })?;
    Ok(Rc::new(plain.with_proxies(Box::new(move |proxy| {
        let proxied: Rc<dyn Transport> = Rc::new(routed(&ProxySettings {
            https: Some(proxy.to_owned()),
            http: Some(proxy.to_owned()),
            no_proxy: None,
        })?);
        Ok(proxied)
    }))))
}

/// What a Canary may name, as the flags say.
pub(super) fn check_references(args: &PromoteArgs, spec: &Spec) -> Result<(), SpecErrors> {
    if args.flagger.no_cross_namespace_refs {
        own_namespace_only(&spec.loaded)?;
    }
    Ok(())
}

/// ULID of a new run.
pub(super) fn run_id(clock: &dyn Clock) -> String {
    let milliseconds = u64::try_from(clock.now().as_millisecond()).unwrap_or(0);
    let random =
        u128::from(rand::rng().next_u64()) << 16 | u128::from(rand::rng().next_u32() & 0xffff);
    ulid::Ulid::from_parts(milliseconds, random).to_string()
}

pub(super) async fn check_namespace(
    requests: &Requests,
    spec: &Spec,
    connection: &Connection,
) -> Result<(), Error> {
    use crate::port::cluster_error::ClusterError;
    let namespace = &spec.loaded.canary.namespace;
    match requests
        .get_opt(&Resource::NAMESPACE.cluster_scoped(namespace))
        .await
    {
        Ok(Some(_)) | Err(ClusterError::Denied { .. }) => Ok(()),
        Ok(None) => Err(CliError::NoNamespace {
            namespace: namespace.clone(),
            context: connection.context.clone(),
        }
        .into()),
        Err(error) => Err(error.into()),
    }
}

async fn journal(
    args: &PromoteArgs,
    environment: &Environment,
    spec: &Spec,
    connection: &Connection,
    requests: &Requests,
    host: &str,
) -> Result<Option<Journal>, Error> {
    match args.record.record {
        RecordMode::None => Ok(None),
        RecordMode::Branch => {
            // May it not be read, the record goes without: the name of the cluster stands in its path.
            let system = requests
                .get_opt(&Resource::NAMESPACE.cluster_scoped("kube-system"))
                .await
                .ok()
                .flatten();
            let uid = system.and_then(|found| found["metadata"]["uid"].as_str().map(str::to_owned));
            let sleeper: Sleeper = Rc::new(|duration| Box::pin(tokio::time::sleep(duration)));
            Ok(Some(Journal::open(JournalOptions {
                dir: spec.repo.clone(),
                remote: args.record.remote.clone(),
                cluster_uid: uid,
                host: host.to_owned(),
                actor: actor(environment),
                environment: git_environment(args, environment),
                ..journal_options(args, spec, &connection.cluster, sleeper)
            })?))
        }
    }
}

/// A record that only this machine sees, in the folder of the spec; `cluster` is its name where none is given.
pub(super) fn journal_options(
    args: &PromoteArgs,
    spec: &Spec,
    cluster: &str,
    sleeper: Sleeper,
) -> JournalOptions {
    let canary = &spec.loaded.canary;
    let commit = spec.commit.as_ref();
    let named = args.record.cluster_name.as_deref();
    JournalOptions {
        dir: spec.repo.clone(),
        reference: args.record.record_ref.clone(),
        remote: None,
        spec_branch: commit.and_then(|commit| commit.branch.clone()),
        cluster: named.unwrap_or(cluster).to_owned(),
        cluster_uid: None,
        namespace: canary.namespace.clone(),
        name: canary.name.clone(),
        host: cluster.to_owned(),
        driver: concat!("kubectl-flagger/", env!("CARGO_PKG_VERSION")).to_owned(),
        actor: None,
        environment: GitEnvironment::default(),
        sleeper,
    }
}

fn git_environment(args: &PromoteArgs, environment: &Environment) -> GitEnvironment {
    GitEnvironment {
        proxies: proxies(environment),
        interactive: environment.stdin_is_terminal && !environment.is_ci(),
        trust_repository: args.record.trust_repo_config,
        ..GitEnvironment::from_variables(|name| environment.get(name))
    }
}

fn actor(environment: &Environment) -> Option<String> {
    ["GITHUB_ACTOR", "GITLAB_USER_LOGIN", "BUILD_USER_ID"]
        .iter()
        .find_map(|name| environment.get(name))
        .map(str::to_owned)
}

pub(super) fn place(environment: &Environment) -> Place {
    let github = || {
        let server = environment.get("GITHUB_SERVER_URL")?;
        let (repository, run) = (
            environment.get("GITHUB_REPOSITORY")?,
            environment.get("GITHUB_RUN_ID")?,
        );
        Some(format!("{server}/{repository}/actions/runs/{run}"))
    };
    let job = || {
        environment
            .get("CI_JOB_URL")
            .or_else(|| environment.get("BUILD_URL"))
            .map(str::to_owned)
    };
    match github().or_else(job) {
        Some(url) => Place::CiJob { url },
        None => {
            let user = environment
                .get("USER")
                .or_else(|| environment.get("LOGNAME"))
                .unwrap_or("somebody");
            Place::Process(os::this_process(user))
        }
    }
}

pub(super) fn proxies(environment: &Environment) -> ProxySettings {
    let either = |upper: &str, lower: &str| {
        environment
            .get(upper)
            .or_else(|| environment.get(lower))
            .map(str::to_owned)
    };
    ProxySettings {
        https: either("HTTPS_PROXY", "https_proxy"),
        http: either("HTTP_PROXY", "http_proxy"),
        no_proxy: either("NO_PROXY", "no_proxy"),
    }
}

pub(super) fn hosts(entries: &[String]) -> Result<AllowList, CliError> {
    AllowList::parse(entries).map_err(|error| CliError::AllowHost { entry: error.entry })
}

pub(super) fn connect_options(globals: &Globals, environment: &Environment) -> ConnectOptions {
    ConnectOptions {
        kubeconfig: globals.kubeconfig.clone(),
        context: globals.context.clone(),
        cluster: globals.cluster.clone(),
        user: globals.user.clone(),
        namespace: globals.namespace.clone(),
        server: globals.server.clone(),
        token: globals
            .token
            .as_ref()
            .map(|token| SecretString::from(token.expose().to_owned())),
        impersonate: globals.impersonate.clone(),
        impersonate_groups: globals.impersonate_groups.clone(),
        impersonate_uid: globals.impersonate_uid.clone(),
        certificate_authority: globals.certificate_authority.clone(),
        client_certificate: globals.client_certificate.clone(),
        client_key: globals.client_key.clone(),
        tls_server_name: globals.tls_server_name.clone(),
        insecure_skip_tls_verify: globals.insecure_skip_tls_verify,
        disable_compression: globals.disable_compression,
        request_timeout: globals.request_timeout(),
        mesh_kubeconfig: None,
        wire_log: globals.wire_log(),
        environment: ClusterEnvironment {
            kubeconfig: environment.get("KUBECONFIG").map(Into::into),
            home: environment.get("HOME").map(Into::into),
            proxy: proxies(environment),
            in_cluster: environment.get("KUBERNETES_SERVICE_HOST").is_some()
                && environment.get("KUBERNETES_SERVICE_PORT").is_some(),
            interactive: environment.stdin_is_terminal && !environment.is_ci(),
        },
    }
}

/// What the flags say beside the spec.
///
/// # Errors
/// A host that cannot be read.
pub fn drive_options(
    args: &PromoteArgs,
    environment: &Environment,
) -> Result<DriveOptions, CliError> {
    let flagger = &args.flagger;
    Ok(DriveOptions {
        plan: PlanOptions {
            timing: match args.timing {
                TimingArg::Event => Timing::Event,
                TimingArg::Grid => Timing::Grid,
            },
            drain: SignedDuration::try_from(args.drain).unwrap_or(SignedDuration::MAX),
            retry: args.retry,
            skip_analysis: args.skip_analysis,
            ..args.waiting.options()
        },
        timeout: args.timeout,
        queue: None,
        metrics: metric_settings(&flagger.metrics, &flagger.target.provider, environment)?,
        workloads: workload_options(flagger),
        alerts: args.alerts.options(args.record.cluster_name.as_ref()),
    })
}

/// Labels and configs.
pub(super) fn workload_options(flagger: &FlaggerOptions) -> WorkloadOptions {
    WorkloadOptions {
        selector_labels: flagger.target.selector_labels.clone(),
        include_label_prefix: flagger.include_label_prefix.clone(),
        config_tracking: !flagger.target.no_config_tracking,
    }
}
