//! `promote --sandbox`: the same driver on the embedded cluster, in a scenario.

use crate::canary::holder::Place;
use crate::canary::holder::Process;
use crate::canary::source::SourceFile;
use crate::cli::args::promote::PromoteArgs;
use crate::cli::args::promote::RecordMode;
use crate::cli::args::values::Speed;
use crate::cli::drive;
use crate::cli::drive::drive;
use crate::cli::drive::prepare;
use crate::cli::eject::eject;
use crate::cli::environment::Environment;
use crate::cli::error::CliError;
use crate::cli::globals::Globals;
use crate::cli::output::Output;
use crate::cli::output::Pace;
use crate::cli::promote::check_references;
use crate::cli::promote::drive_options;
use crate::cli::promote::hosts;
use crate::cli::promote::journal_options;
use crate::cli::remote::block_in;
use crate::cli::signals;
use crate::cli::source;
use crate::error::Error;
use crate::error::ExitCode;
use crate::git::example;
use crate::git::journal::Journal;
use crate::git::journal::JournalOptions;
use crate::git::journal::Sleeper;
use crate::kubernetes::client::Connection;
use crate::kubernetes::request::Requests;
use crate::kubernetes::service_proxy::ServiceProxy;
use crate::port::clock::Clock;
use crate::port::transport::Transport;
use crate::rollout::decision::Outcome;
use crate::sandbox::clock::SandboxClock;
use crate::sandbox::scenario::Scenario;
use crate::sandbox::scenario::built_in;
use crate::sandbox::world::World;
use crate::sandbox::world::WorldOptions;
use crate::transport::RoutedTransport;
use crate::transport::reach::AllowList;
use serde_json::Value;
use std::path::Path;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;
use tokio::sync::mpsc::unbounded_channel;

/// Name of the embedded cluster, its context and its user.
const NAME: &str = "sandbox";

/// How long the world is left alone before it is written down.
const SETTLE: Duration = Duration::from_secs(10);

/// Drives a scenario: once to bootstrap, then for every change that it brings. The last run decides the exit code.
///
/// # Errors
/// The scenario cannot be played, or what ends a run before anything moved.
pub fn promote(
    args: &PromoteArgs,
    globals: &Globals,
    environment: &Environment,
) -> Result<ExitCode, Error> {
    let named = args.sandbox.sandbox.as_ref().and_then(Option::as_deref);
    let scenario = scenario(named)?;
    let speed = args.sandbox.speed();
    block_in(
        speed == Speed::Max,
        play(args, globals, environment, scenario),
    )
}

/// The scenario that is named, else the podinfo example.
///
/// # Errors
/// It cannot be read.
pub fn scenario(named: Option<&Path>) -> Result<Scenario, Error> {
    match named {
        Some(path) => named_scenario(path),
        None => Ok(built_in::scenario(built_in::DEFAULT)?),
    }
}

/// A built-in scenario by its name, or one in a file.
///
/// # Errors
/// It cannot be read.
pub fn named_scenario(path: &Path) -> Result<Scenario, Error> {
    let named = path.to_str().filter(|name| built_in::NAMES.contains(name));
    if let Some(name) = named {
        return Ok(built_in::scenario(name)?);
    }
    if !path.exists() {
        return Err(CliError::UnknownScenario {
            name: path.display().to_string(),
            known: built_in::NAMES.join(", "),
        }
        .into());
    }
    let read = |path: &Path| std::fs::read_to_string(path);
    let text = read(path).map_err(|source| CliError::Read {
        path: path.display().to_string(),
        source,
    })?;
    let file = SourceFile {
        path: path.display().to_string(),
        text: text.into(),
    };
    Ok(Scenario::parse(&file, &|other| {
        read(Path::new(other)).map_err(|error| error.to_string())
    })?)
}

async fn play(
    args: &PromoteArgs,
    globals: &Globals,
    environment: &Environment,
    scenario: Scenario,
) -> Result<ExitCode, Error> {
    let clock = match args.sandbox.speed() {
        Speed::Times(times) => SandboxClock::at_speed(f64::from(times)),
        Speed::Max => SandboxClock::at_speed(1.0),
    };
    let pace = match args.sandbox.speed() {
        Speed::Times(times) => Pace::Times(times),
        Speed::Max => Pace::Jumps,
    };
    let output = Output::new(&args.display, globals, environment, pace)?;
    let dir = folder(args)?;
    example::create(&dir, &files(&scenario), clock.now())?;
    let namespace = globals
        .namespace
        .clone()
        .unwrap_or_else(|| namespace(&scenario));
    let mut source = args.source.clone();
    source.repo = Some(dir.clone());
    let mut spec = source::read(&source, args.name.as_deref(), Some(&namespace))?;
    spec.loaded.canary.ingress_settings = args.flagger.target.ingress_settings();
    check_references(args, &spec)?;
    let options = drive_options(args, environment)?;
    let allowed = hosts(&args.flagger.metrics.allow_host)?;
    let world = World::new(
        scenario,
        WorldOptions {
            clock,
            seed: args.sandbox.seed(),
        },
    )?;
    let connection = connection(&world, &namespace).told(globals.wire_log());
    let clock: Rc<dyn Clock> = Rc::new(clock);
    let requests = Requests::new(&connection, Rc::clone(&clock), args.sandbox.seed());
    let (words, mut heard) = unbounded_channel();
    let terminal = output.terminal();
    signals::listen(
        output.answering(args.on_interrupt),
        terminal.handle(),
        words.clone(),
    )
    .map_err(|error| CliError::Start {
        why: error.to_string(),
    })?;
    let mut runs = 0;
    let driver_of = |run, asks| -> Result<drive::World, Error> {
        Ok(drive::World {
            journal: journal(args, &dir, &spec, &clock)?,
            asks,
            ..driver(
                &world,
                &requests,
                &allowed,
                run_id(&*clock, args.sandbox.seed(), run),
            )
        })
    };
    let code = loop {
        runs += 1;
        let prepared = prepare(&spec.loaded, &options)?;
        if runs == 1 {
            output.warn(&prepared.warnings);
        }
        let (run_words, run_heard) = unbounded_channel();
        let driver = driver_of(runs, Some(run_words.clone()))?;
        let mut subscribers = output.subscribers(Some(&spec), None);
        let driving = drive(
            &spec.loaded,
            prepared,
            spec.commit_id(),
            &options,
            &driver,
            &mut subscribers,
            run_heard,
        );
        // What was said while no driver was there is for the next one.
        let relay = async {
            while let Some(word) = heard.recv().await {
                let _driver_has_ended = run_words.send(word);
            }
            std::future::pending::<()>().await;
        };
        let finished = tokio::select! {
            biased;
            finished = driving => finished?,
            () = relay => continue,
        };
        let stopped = match finished.outcome {
            Outcome::Bootstrapped => {
                world.initialized();
                false
            }
            Outcome::Stopped(_) | Outcome::Held(_) => true,
            Outcome::RolledBack(_)
            | Outcome::AlreadyRejected(_)
            | Outcome::Promoted
            | Outcome::Unchanged
            | Outcome::Split => finished.exit_code() > 128,
        };
        if stopped || !world.next_run().await {
            break ExitCode::from_outcome(finished.exit_code());
        }
    };
    drop(terminal);
    output.end();
    if world.is_given_up() {
        let mut say = |line: &str| output.hint(&format!("  {line}\n"));
        eject(
            &spec.loaded,
            &options,
            &driver_of(runs + 1, None)?,
            &mut say,
        )
        .await?;
    }
    // The last pods leave, so that what is kept is where the world came to rest.
    clock.sleep(SETTLE).await;
    let objects = serde_json::to_string_pretty(&world.dump()).unwrap_or_default();
    keep(&dir, "cluster.json", &objects)?;
    keep(&dir, "requests.txt", &requests_as_text(&world))?;
    output.hint(&match args.record.record {
        RecordMode::Branch => format!(
            "\n  read it    git -C {} log {}\n",
            dir.display(),
            args.record.record_ref
        ),
        RecordMode::None => format!("\n  kept in    {}\n", dir.display()),
    });
    Ok(code)
}

fn folder(args: &PromoteArgs) -> Result<PathBuf, CliError> {
    match &args.sandbox.sandbox_dir {
        Some(dir) => {
            empty_folder(
                dir,
                "name a new folder with --sandbox-dir, or leave it out for a fresh one",
            )?;
            Ok(dir.clone())
        }
        None => {
            let fresh = tempfile::Builder::new()
                .prefix("kubectl-flagger-")
                .tempdir();
            let fresh = fresh.map_err(|source| CliError::Write {
                path: "a temporary folder".to_owned(),
                source,
            })?;
            Ok(fresh.keep())
        }
    }
}

/// Makes a folder, unless it is there and empty.
///
/// # Errors
/// It has something in it, which is answered with the advice, or cannot be made.
pub fn empty_folder(dir: &Path, advice: &'static str) -> Result<(), CliError> {
    let unwritten = |source| CliError::Write {
        path: dir.display().to_string(),
        source,
    };
    std::fs::create_dir_all(dir).map_err(unwritten)?;
    if std::fs::read_dir(dir).map_err(unwritten)?.next().is_some() {
        return Err(CliError::FolderInUse {
            path: dir.display().to_string(),
            advice,
        });
    }
    Ok(())
}

/// Namespace of the scenario's canary.
#[must_use]
pub fn namespace(scenario: &Scenario) -> String {
    scenario.canary["metadata"]["namespace"]
        .as_str()
        .unwrap_or("default")
        .to_owned()
}

/// What the repository holds: path and text.
#[must_use]
pub fn files(scenario: &Scenario) -> [(&'static str, String); 2] {
    [
        ("deploy/canary.yaml", yaml(&[&scenario.canary])),
        ("deploy/podinfo.yaml", manifests(scenario)),
    ]
}

fn keep(dir: &Path, name: &str, text: &str) -> Result<(), CliError> {
    let path = dir.join(name);
    std::fs::write(&path, text).map_err(|source| CliError::Write {
        path: path.display().to_string(),
        source,
    })
}

/// What the API server was asked, in order: time, verb, resource as RBAC names it, object, answer.
fn requests_as_text(world: &World) -> String {
    let lines = world.cluster().log().into_iter().map(|request| {
        let mut resource = request.resource;
        if !request.group.is_empty() {
            resource = format!("{resource}.{}", request.group);
        }
        if !request.subresource.is_empty() {
            resource = format!("{resource}/{}", request.subresource);
        }
        format!(
            "{} {:<6} {resource} {}/{} {}\n",
            request.at.strftime("%H:%M:%S%.3fZ"),
            request.verb,
            request.namespace,
            request.name,
            request.code
        )
    });
    lines.collect()
}

/// The scenario's manifests as somebody would commit them: what a person applies, without the cluster's namespaces.
fn manifests(scenario: &Scenario) -> String {
    let objects: Vec<&Value> = scenario
        .objects
        .iter()
        .filter(|object| object["kind"] != "Namespace")
        .collect();
    yaml(&objects)
}

fn yaml(objects: &[&Value]) -> String {
    let documents: Vec<String> = objects
        .iter()
        .filter_map(|object| serde_saphyr::to_string(object).ok())
        .collect();
    documents.join("---\n")
}

/// The API server of that world.
#[must_use]
pub fn connection(world: &World, namespace: &str) -> Connection {
    Connection {
        client: kube::Client::new(world.service(), namespace),
        namespace: namespace.to_owned(),
        context: NAME.to_owned(),
        cluster: NAME.to_owned(),
        server: format!("https://{NAME}"),
        request_timeout: None,
        mesh: None,
    }
}

/// What a driver of that world is given.
#[must_use]
pub fn driver(
    world: &World,
    requests: &Requests,
    allowed: &AllowList,
    run: String,
) -> drive::World {
    drive::World {
        requests: requests.clone(),
        transport: transport(world, requests, allowed.clone()),
        clock: Rc::new(world.clock()),
        journal: None,
        context: NAME.to_owned(),
        place: Place::Process(Process {
            user: NAME.to_owned(),
            host: NAME.to_owned(),
            pid: 1,
            kernel: None,
        }),
        is_gone: |_, _| true,
        run,
        asks: None,
    }
}

/// To addresses, of which all are in that world.
fn transport(world: &World, requests: &Requests, allowed: AllowList) -> Rc<dyn Transport> {
    let outside = world.transport();
    let routed = RoutedTransport::with(
        Box::new(ServiceProxy::new(requests.clone())),
        Box::new(Rc::clone(&outside)),
        Box::new(Rc::clone(&outside)),
        Box::new(requests.clone()),
        allowed,
    );
    Rc::new(routed.with_proxies(Box::new(move |_| Ok(Rc::clone(&outside)))))
}

fn journal(
    args: &PromoteArgs,
    dir: &Path,
    spec: &source::Spec,
    clock: &Rc<dyn Clock>,
) -> Result<Option<Journal>, Error> {
    match args.record.record {
        RecordMode::None => Ok(None),
        RecordMode::Branch => {
            let clock = Rc::clone(clock);
            let sleeper: Sleeper = Rc::new(move |duration| {
                let clock = Rc::clone(&clock);
                Box::pin(async move { clock.sleep(duration).await })
            });
            Ok(Some(Journal::open(JournalOptions {
                dir: dir.to_owned(),
                ..journal_options(args, spec, NAME, sleeper)
            })?))
        }
    }
}

/// Derived from virtual time and seed alone.
pub(super) fn run_id(clock: &dyn Clock, seed: u64, run: u64) -> String {
    let milliseconds = u64::try_from(clock.now().as_millisecond()).unwrap_or(0);
    let random = u128::from(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15)) << 8 | u128::from(run);
    ulid::Ulid::from_parts(milliseconds, random).to_string()
}

#[cfg(test)]
mod tests;
