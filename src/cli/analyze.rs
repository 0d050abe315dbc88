//! `analyze`: asks every metric of a canary once and says what it is worth. Nothing moves, whatever the answers are.

use crate::canary::answer::Answer;
use crate::canary::load::Loaded;
use crate::canary::load::load;
use crate::canary::reference::TargetKind;
use crate::canary::source::SourceFile;
use crate::cli::Streams;
use crate::cli::analyze::report::Report;
use crate::cli::analyze::report::Row;
use crate::cli::analyze::report::Verdict;
use crate::cli::args::analyze::AnalyzeArgs;
use crate::cli::drive::provider;
use crate::cli::environment::Environment;
use crate::cli::error::CliError;
use crate::cli::globals::Globals;
use crate::cli::metric_settings::MetricSettings;
use crate::cli::metric_settings::metric_settings;
use crate::cli::promote::connect_options;
use crate::cli::promote::hosts;
use crate::cli::promote::transport;
use crate::cli::questions::drafts;
use crate::cli::questions::questions;
use crate::cli::remote::block_in;
use crate::cli::sandbox;
use crate::cli::source;
use crate::clock::SystemClock;
use crate::error::Error;
use crate::error::ExitCode;
use crate::kubernetes::api_server::ApiServer;
use crate::kubernetes::client::connect;
use crate::kubernetes::knative::newest_revision;
use crate::kubernetes::request::Requests;
use crate::port::clock::Clock;
use crate::port::metric_source::MetricSource as _;
use crate::rollout::analysis::metric_checks;
use crate::rollout::analysis::sample;
use crate::sandbox::clock::SandboxClock;
use crate::sandbox::world::World;
use crate::sandbox::world::WorldOptions;
use crate::transport::metrics::Metrics;
use crate::transport::metrics::Ways;
use futures::future::join_all;
use rand::Rng as _;
use std::path::Path;
use std::rc::Rc;

mod rehearsal;
mod report;

/// Asks and prints.
///
/// # Errors
/// The canary cannot be read or asked about, or there is no cluster.
pub fn run(
    args: &AnalyzeArgs,
    globals: &Globals,
    environment: &Environment,
    streams: &mut Streams<'_>,
) -> Result<ExitCode, Error> {
    let report = block_in(args.sandbox.is_some(), async {
        match &args.sandbox {
            Some(scenario) => in_sandbox(args, scenario.as_deref(), globals, environment).await,
            None => on_cluster(args, globals, environment).await,
        }
    })?;
    streams.print(&report.text(args.output))?;
    Ok(if report.all_passed() {
        ExitCode::OK
    } else {
        ExitCode::NOT_PASSED
    })
}

async fn on_cluster(
    args: &AnalyzeArgs,
    globals: &Globals,
    environment: &Environment,
) -> Result<Report, Error> {
    let clock: Rc<dyn Clock> = Rc::new(SystemClock);
    let connection = connect(&connect_options(globals, environment)).await?;
    let namespace = Some(connection.namespace.as_str());
    let spec = source::read(&args.source, args.name.as_deref(), namespace)?;
    let requests = Requests::new(&connection, Rc::clone(&clock), rand::rng().next_u64());
    let settings = metric_settings(&args.metrics, &args.provider, environment)?;
    let ways = Ways {
        transport: transport(
            &requests,
            &hosts(&args.metrics.allow_host)?,
            &settings.skip_verify,
            environment,
        )?,
        api_server: Rc::new(ApiServer::new(requests.clone())),
        clock,
    };
    ask(args, &spec.loaded, &settings, &requests, ways).await
}

async fn in_sandbox(
    args: &AnalyzeArgs,
    scenario: Option<&Path>,
    globals: &Globals,
    environment: &Environment,
) -> Result<Report, Error> {
    let scenario = sandbox::scenario(scenario)?;
    let files = sandbox::files(&scenario).map(|(path, text)| SourceFile {
        path: path.to_owned(),
        text: text.into(),
    });
    let namespace = globals
        .namespace
        .clone()
        .unwrap_or_else(|| sandbox::namespace(&scenario));
    let loaded = load(&files, args.name.as_deref(), Some(&namespace))?;
    let clock = SandboxClock::at_speed(1.0);
    let world = World::new(scenario, WorldOptions { clock, seed: 1 })?;
    let connection = sandbox::connection(&world, &namespace).told(globals.wire_log());
    let clock: Rc<dyn Clock> = Rc::new(clock);
    let requests = Requests::new(&connection, Rc::clone(&clock), 1);
    let settings = metric_settings(&args.metrics, &args.provider, environment)?;
    let allowed = hosts(&args.metrics.allow_host)?;
    rehearsal::until_users_came(&world, &loaded, &settings, &requests, &allowed).await?;
    let ways = sandbox::driver(&world, &requests, &allowed, String::new()).ways();
    ask(args, &loaded, &settings, &requests, ways).await
}

async fn ask(
    args: &AnalyzeArgs,
    loaded: &Loaded,
    settings: &MetricSettings,
    requests: &Requests,
    ways: Ways,
) -> Result<Report, Error> {
    let canary = &loaded.canary;
    let checks = metric_checks(&canary.analysis.metrics);
    for wanted in &args.metric {
        if !checks.iter().any(|check| check.metric.name == *wanted) {
            let known = checks.iter().map(|check| check.metric.name.as_str());
            let known: Vec<&str> = known.collect();
            return Err(CliError::UnknownMetric {
                canary: canary.name.clone(),
                metric: wanted.clone(),
                help: format!("it has {}", known.join(", ")),
            }
            .into());
        }
    }
    let router = provider(loaded, settings)?;
    let questions = questions(drafts(loaded, router, settings)?, requests).await;
    let providers: Vec<&str> = questions
        .iter()
        .map(|question| question.provider.name)
        .collect();
    let clock = Rc::clone(&ways.clock);
    let metrics = Metrics::new(ways, questions);
    let revision = match canary.target.kind {
        TargetKind::KnativeService => newest_revision(requests, canary).await?,
        TargetKind::Deployment | TargetKind::DaemonSet | TargetKind::Service => None,
    };
    let revision = revision.unwrap_or_default();
    let interval = canary.interval();
    let asked = checks
        .iter()
        .enumerate()
        .filter(|(_, check)| args.metric.is_empty() || args.metric.contains(&check.metric.name));
    let rows = asked.map(|(at, check)| {
        let (metrics, clock, provider) = (&metrics, &clock, providers[at]);
        let revision = revision.as_str();
        async move {
            let begun = clock.boot();
            let answered = metrics.ask(at, revision).await;
            let took = clock.boot().saturating_sub(begun);
            let nothing = match &answered.answer {
                Answer::NoValues => true,
                Answer::Value(value) => value.is_nan(),
                Answer::Error(_) => false,
            };
            let sample = sample(check, &answered.query, answered.answer);
            Row {
                verdict: match (sample.ok, sample.value, nothing) {
                    (true, _, _) => Verdict::Passed,
                    (false, Some(_), _) => Verdict::Failed,
                    (false, None, true) => Verdict::NoValues,
                    (false, None, false) => Verdict::Error,
                },
                provider,
                reaches_back: check.metric.window().saturating_sub(interval),
                took,
                sample,
            }
        }
    });
    let rows = join_all(rows).await;
    Ok(Report {
        canary: canary.name.clone(),
        namespace: canary.namespace.clone(),
        interval,
        rows,
    })
}
