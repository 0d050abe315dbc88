//! Drives a tape's canary in the tape's world: once to bootstrap, then for every change that its steps bring.

use crate::recorded::Tape;
use kubectl_flagger::canary::holder::Place;
use kubectl_flagger::canary::holder::Process;
use kubectl_flagger::canary::load::Loaded;
use kubectl_flagger::canary::load::load;
use kubectl_flagger::canary::problem::ProblemKind;
use kubectl_flagger::canary::source::SourceFile;
use kubectl_flagger::cli::alerting::AlertOptions;
use kubectl_flagger::cli::drive;
use kubectl_flagger::cli::drive::DriveOptions;
use kubectl_flagger::cli::eject::eject;
use kubectl_flagger::cli::error::CliError;
use kubectl_flagger::cli::metric_settings::MetricSettings;
use kubectl_flagger::error::Error;
use kubectl_flagger::kubernetes::client::Connection;
use kubectl_flagger::kubernetes::request::Requests;
use kubectl_flagger::kubernetes::service_proxy::ServiceProxy;
use kubectl_flagger::kubernetes::workloads::WorkloadOptions;
use kubectl_flagger::port::causes;
use kubectl_flagger::port::clock::Clock;
use kubectl_flagger::port::subscriber::Subscriber;
use kubectl_flagger::rollout::decision::Outcome;
use kubectl_flagger::rollout::event::Event;
use kubectl_flagger::rollout::event::EventKind;
use kubectl_flagger::rollout::plan::PlanOptions;
use kubectl_flagger::rollout::plan::Timing;
use kubectl_flagger::sandbox::clock::SandboxClock;
use kubectl_flagger::sandbox::faults::LoggedRequest;
use kubectl_flagger::sandbox::world::Heard;
use kubectl_flagger::sandbox::world::SCRIPTED_HOST;
use kubectl_flagger::sandbox::world::World;
use kubectl_flagger::sandbox::world::WorldError;
use kubectl_flagger::sandbox::world::WorldOptions;
use kubectl_flagger::transport::RoutedTransport;
use kubectl_flagger::transport::reach::AllowList;
use std::rc::Rc;
use tokio::sync::mpsc::unbounded_channel;

/// More runs than any script begins.
const RUNS: u64 = 12;

/// What came of a replay.
pub enum Replay {
    /// It ran to its end.
    Played(Box<Played>),
    /// Something that it needs is not in this release.
    WaitsFor(Vec<String>),
    /// Its spec or its world was refused.
    Refused(String),
    /// The driver gave up.
    Failed(String),
}

/// What the driver did.
pub struct Played {
    /// All its requests to the API server.
    pub requests: Vec<LoggedRequest>,
    /// What it asked and called outside.
    pub heard: Vec<Heard>,
    /// What it said.
    pub events: Vec<String>,
    /// Queries whose answers it judged.
    pub judged: Vec<String>,
}

/// Replays a tape.
pub fn play(tape: &Tape, timing: Timing) -> Replay {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    match runtime.block_on(drive_all(tape, timing)) {
        Ok(played) => Replay::Played(Box::new(played)),
        Err(error) => match lacking(&error) {
            Some(reasons) => Replay::WaitsFor(reasons),
            None => match error {
                Error::Run(_) | Error::Cluster(_) => Replay::Failed(chain(&error)),
                _ => Replay::Refused(chain(&error)),
            },
        },
    }
}

/// What is not in this release, if that alone is the reason.
fn lacking(error: &Error) -> Option<Vec<String>> {
    match error {
        Error::Cli(CliError::UnknownProvider { provider, .. }) => {
            Some(vec![format!("provider {provider}")])
        }
        Error::World(WorldError::Word { word }) => Some(vec![format!("the word {word}")]),
        Error::Spec(errors) => errors
            .problems
            .iter()
            .map(|problem| {
                let end = problem.message.find(" is not in this release")?;
                let said = problem.message.get(..end)?;
                (problem.kind == ProblemKind::Unsupported).then(|| {
                    said.rsplit_once(": ")
                        .map_or(said, |(_, what)| what)
                        .to_owned()
                })
            })
            .collect(),
        _ => None,
    }
}

fn chain(error: &Error) -> String {
    let causes: Vec<String> = causes::chain(error).map(ToString::to_string).collect();
    causes.join(": ")
}

async fn drive_all(tape: &Tape, timing: Timing) -> Result<Played, Error> {
    let file = SourceFile {
        path: format!("{}.yaml", tape.name),
        text: tape.manifests().into(),
    };
    let loaded = load(&[file], None, Some(&tape.name))?;
    let options = options(timing);
    drive::prepare(&loaded, &options)?;
    let clock = SandboxClock::at_speed(1.0);
    let scenario = tape.scenario();
    let world = World::new(scenario, WorldOptions { clock, seed: 1 })?;
    let mut events = Said::default();
    for run in 1..=RUNS {
        if run > 1 && !world.next_run().await {
            break;
        }
        let outcome = drive_once(&loaded, &options, &world, run, &mut events).await?;
        events
            .lines
            .push(format!("run {run} ended: {}", outcome.word()));
        if outcome == Outcome::Bootstrapped {
            world.initialized();
        }
    }
    let mut requests = world.cluster().log();
    if world.is_given_up() {
        let before = requests.len();
        let mut say = |line: &str| events.lines.push(line.to_owned());
        let world_of_it = surroundings(&loaded, &world, RUNS + 1);
        eject(&loaded, &options, &world_of_it, &mut say).await?;
        requests = world.cluster().log();
        // What the garbage collector deleted is not in a recording of Flagger's writes.
        let mut at = 0;
        requests.retain(|request| {
            at += 1;
            at <= before || request.verb != "delete"
        });
    }
    Ok(Played {
        requests,
        heard: world.heard(),
        events: events.lines,
        judged: events.judged,
    })
}

async fn drive_once(
    loaded: &Loaded,
    options: &DriveOptions,
    world: &World,
    run: u64,
    events: &mut Said,
) -> Result<Outcome, Error> {
    let prepared = drive::prepare(loaded, options)?;
    let surroundings = surroundings(loaded, world, run);
    let (_speaking, words) = unbounded_channel();
    let finished = drive::drive(
        loaded,
        prepared,
        "-".to_owned(),
        options,
        &surroundings,
        events,
        words,
    )
    .await?;
    Ok(finished.outcome)
}

fn surroundings(loaded: &Loaded, world: &World, run: u64) -> drive::World {
    let namespace = &loaded.canary.namespace;
    let connection = Connection {
        client: kube::Client::new(world.service(), namespace.clone()),
        namespace: namespace.clone(),
        context: "tape".to_owned(),
        cluster: "tape".to_owned(),
        server: "https://tape".to_owned(),
        request_timeout: None,
        mesh: None,
    };
    let clock: Rc<dyn Clock> = Rc::new(world.clock());
    let requests = Requests::new(&connection, Rc::clone(&clock), run);
    let transport = RoutedTransport::with(
        Box::new(ServiceProxy::new(requests.clone())),
        Box::new(world.transport()),
        Box::new(world.transport()),
        Box::new(requests.clone()),
        AllowList::parse(&[SCRIPTED_HOST]).unwrap(),
    );
    drive::World {
        requests,
        transport: Rc::new(transport),
        clock,
        journal: None,
        context: "tape".to_owned(),
        place: Place::Process(Process {
            user: "tape".to_owned(),
            host: "tape".to_owned(),
            pid: 1,
            kernel: None,
        }),
        is_gone: |_, _| true,
        asks: None,
        run: ulid::Ulid::from_parts(run, u128::from(run)).to_string(),
    }
}

fn options(timing: Timing) -> DriveOptions {
    DriveOptions {
        plan: PlanOptions {
            timing,
            ..PlanOptions::default()
        },
        timeout: None,
        queue: None,
        metrics: MetricSettings::default(),
        workloads: WorkloadOptions {
            selector_labels: ["app", "name", "app.kubernetes.io/name"]
                .map(str::to_owned)
                .to_vec(),
            include_label_prefix: Vec::new(),
            config_tracking: true,
        },
        alerts: AlertOptions::default(),
    }
}

/// Writes down what the driver says.
#[derive(Default)]
struct Said {
    lines: Vec<String>,
    judged: Vec<String>,
}

impl Subscriber for Said {
    fn on_event(&mut self, event: &Event) {
        self.lines.push(format!("{} {}", event.at, event.msg));
        if let EventKind::MetricSampled(sample) = &event.kind {
            self.judged.extend(sample.query.clone());
        }
    }
}
