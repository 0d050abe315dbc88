//! The whole driver on the embedded cluster, in this process: what `promote --sandbox` puts together, with hands on
//! everything in between.

use crate::support::tap::Death;
use crate::support::tap::Switch;
use crate::support::tap::Tap;
use kubectl_flagger::canary::holder::Kernel;
use kubectl_flagger::canary::holder::Place;
use kubectl_flagger::canary::holder::Process;
use kubectl_flagger::canary::source::SourceFile;
use kubectl_flagger::cli::alerting::AlertOptions;
use kubectl_flagger::cli::args::promote::Source;
use kubectl_flagger::cli::drive;
use kubectl_flagger::cli::drive::DriveOptions;
use kubectl_flagger::cli::eject::eject;
use kubectl_flagger::cli::metric_settings::MetricSettings;
use kubectl_flagger::cli::source;
use kubectl_flagger::cli::source::Spec;
use kubectl_flagger::controller::Finished;
use kubectl_flagger::controller::Word;
use kubectl_flagger::error::Error;
use kubectl_flagger::git::example;
use kubectl_flagger::git::journal::Journal;
use kubectl_flagger::git::journal::JournalOptions;
use kubectl_flagger::git::transport::environment::GitEnvironment;
use kubectl_flagger::kubernetes::client::Connection;
use kubectl_flagger::kubernetes::client::Peer;
use kubectl_flagger::kubernetes::client::ensure_crypto;
use kubectl_flagger::kubernetes::lease::IsGone;
use kubectl_flagger::kubernetes::request::Requests;
use kubectl_flagger::kubernetes::service_proxy::ServiceProxy;
use kubectl_flagger::kubernetes::workloads::WorkloadOptions;
use kubectl_flagger::port::clock::Clock;
use kubectl_flagger::port::subscriber::Subscriber;
use kubectl_flagger::rollout::decision::Outcome;
use kubectl_flagger::rollout::event::Event;
use kubectl_flagger::rollout::event::EventKind;
use kubectl_flagger::rollout::plan::PlanOptions;
use kubectl_flagger::sandbox::clock::SandboxClock;
use kubectl_flagger::sandbox::faults::LoggedRequest;
use kubectl_flagger::sandbox::objects::Objects as _;
use kubectl_flagger::sandbox::scenario::Scenario;
use kubectl_flagger::sandbox::scenario::built_in;
use kubectl_flagger::sandbox::world::World;
use kubectl_flagger::sandbox::world::WorldOptions;
use kubectl_flagger::transport::RoutedTransport;
use kubectl_flagger::transport::reach::AllowList;
use serde_json::Value;
use serde_json::json;
use std::cell::Cell;
use std::cell::RefCell;
use std::fmt::Write as _;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::mpsc::unbounded_channel;

/// A world, a repository, and whoever drives there next.
pub struct Stage {
    pub world: World,
    pub dir: TempDir,
    pub options: DriveOptions,
    pub spec: Spec,
    /// Events of all drivers, in order.
    pub events: Rc<RefCell<Vec<Event>>>,
    /// Remote that the record is pushed to; `.` for none.
    pub remote: Option<String>,
    /// Where the mesh's objects are, if that is another cluster.
    pub mesh: Option<Peer>,
    /// Is a driver of this machine that holds the lock known to be gone?
    pub is_gone: IsGone,
    /// Where drivers hear requests of other processes.
    pub asks: RefCell<Option<UnboundedSender<Word>>>,
    runs: Cell<u64>,
    /// Requests that nobody answered before the pods of the example had come up.
    lost_before: Cell<u64>,
}

/// How a driver ended.
pub enum Ended {
    /// By itself.
    Finished(Result<Finished, Error>),
    /// It died where it was told to.
    Died,
}

/// In memory where the system has such a place: a repository's many small files take most of a run's time.
fn folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() {
        tempfile::tempdir_in(memory).unwrap()
    } else {
        tempfile::tempdir().unwrap()
    }
}

/// A scenario of `testdata/scenarios`, or one of its built-in files with other words in `at:`.
pub fn scenario(name: &str) -> Scenario {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/scenarios");
    let path = top.join(format!("{name}.yaml"));
    let text = std::fs::read_to_string(&path).unwrap();
    parse(&text)
}

/// The podinfo example with other pods, traffic and events.
pub fn podinfo(rest: &str) -> Scenario {
    parse(&format!(
        "canary: podinfo/canary.yaml\nobjects: [podinfo/cluster.yaml, podinfo/workload.yaml]\n{rest}"
    ))
}

/// The same, where users come by the Service that the target's people made: there is no moment without one.
pub fn served(mut scenario: Scenario) -> Scenario {
    scenario
        .objects
        .retain(|object| object["kind"] != "IngressRoute");
    scenario.objects.push(json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "podinfo", "namespace": "test"},
        "spec": {"selector": {"app": "podinfo"}, "ports": [{"name": "http", "port": 80, "targetPort": 9898}]},
    }));
    scenario
}

fn parse(text: &str) -> Scenario {
    let file = SourceFile {
        path: "scenario.yaml".to_owned(),
        text: text.to_owned().into(),
    };
    let read = |path: &str| {
        built_in::file(path)
            .map(str::to_owned)
            .ok_or_else(|| "no such file".to_owned())
    };
    Scenario::parse(&file, &read).unwrap()
}

impl Stage {
    /// Must be called in a runtime whose clock is paused.
    pub fn open(scenario: Scenario) -> Self {
        Self::at_speed(scenario, 1.0)
    }

    /// The same in a runtime whose clock is the machine's, so many times as fast.
    pub fn at_speed(scenario: Scenario, speed: f64) -> Self {
        ensure_crypto();
        let clock = SandboxClock::at_speed(speed);
        let dir = folder();
        let canary = serde_saphyr::to_string(&scenario.canary).unwrap();
        example::create(dir.path(), &[("deploy/canary.yaml", canary)], clock.now()).unwrap();
        let spec = source::read(&from(dir.path()), None, Some("test")).unwrap();
        let world = World::new(scenario, WorldOptions { clock, seed: 1 }).unwrap();
        Self {
            world,
            dir,
            options: options(),
            spec,
            events: Rc::default(),
            remote: None,
            mesh: None,
            is_gone: |_, _| true,
            asks: RefCell::default(),
            runs: Cell::new(0),
            lost_before: Cell::new(0),
        }
    }

    /// Users are served by what is there, before any driver comes.
    pub async fn serving(self) -> Self {
        self.world.clock().sleep(Duration::from_secs(5)).await;
        self.lost_before.set(self.lost());
        self
    }

    pub fn named(name: &str) -> Self {
        Self::open(scenario(name))
    }

    /// Requests of a driver that is behind that switch.
    pub fn requests(&self, switch: Arc<Switch>) -> Requests {
        let tap = Tap {
            inner: self.world.service(),
            switch,
        };
        let connection = Connection {
            client: kube::Client::new(tap, "test"),
            namespace: "test".to_owned(),
            context: "sandbox".to_owned(),
            cluster: "sandbox".to_owned(),
            server: "https://sandbox".to_owned(),
            request_timeout: None,
            mesh: self.mesh.clone(),
        };
        Requests::new(&connection, Rc::new(self.world.clock()), 1)
    }

    /// One driver, which dies where it is told to.
    pub async fn drive(&self, switch: Arc<Switch>, words: UnboundedReceiver<Word>) -> Ended {
        self.drive_from(self.spec.commit_id(), switch, words).await
    }

    /// The same from another commit with the same specs.
    pub async fn drive_from(
        &self,
        commit: String,
        switch: Arc<Switch>,
        words: UnboundedReceiver<Word>,
    ) -> Ended {
        let prepared = match drive::prepare(&self.spec.loaded, &self.options) {
            Ok(prepared) => prepared,
            Err(error) => return Ended::Finished(Err(error)),
        };
        let driver = match self.driver(Arc::clone(&switch)) {
            Ok(driver) => driver,
            Err(error) => return Ended::Finished(Err(error)),
        };
        let mut listener = Listener(Rc::clone(&self.events));
        let driving = drive::drive(
            &self.spec.loaded,
            prepared,
            commit,
            &self.options,
            &driver,
            &mut listener,
            words,
        );
        tokio::select! {
            biased;
            () = switch.dead.notified() => Ended::Died,
            finished = driving => Ended::Finished(finished),
        }
    }

    /// Gives the target back.
    pub async fn eject(&self, switch: Arc<Switch>, say: &mut dyn FnMut(&str)) -> Result<(), Error> {
        let driver = self.driver(switch)?;
        eject(&self.spec.loaded, &self.options, &driver, say).await
    }

    fn driver(&self, switch: Arc<Switch>) -> Result<drive::World, Error> {
        self.runs.set(self.runs.get() + 1);
        let requests = self.requests(switch);
        let clock: Rc<dyn Clock> = Rc::new(self.world.clock());
        Ok(drive::World {
            requests: requests.clone(),
            transport: Rc::new(RoutedTransport::with(
                Box::new(ServiceProxy::new(requests.clone())),
                Box::new(self.world.transport()),
                Box::new(self.world.transport()),
                Box::new(requests),
                AllowList::default(),
            )),
            journal: Some(self.journal(&clock)?),
            context: "sandbox".to_owned(),
            place: Place::Process(Process {
                user: "alice".to_owned(),
                host: "laptop".to_owned(),
                pid: 100 + u32::try_from(self.runs.get()).unwrap(),
                kernel: Some(Kernel {
                    boot_id: "b".to_owned(),
                    pid_namespace: "1".to_owned(),
                    started: 1,
                }),
            }),
            is_gone: self.is_gone,
            run: ulid::Ulid::from_parts(
                u64::try_from(clock.now().as_millisecond()).unwrap(),
                self.runs.get().into(),
            )
            .to_string(),
            asks: self.asks.borrow().clone(),
            clock,
        })
    }

    fn journal(&self, clock: &Rc<dyn Clock>) -> Result<Journal, Error> {
        let clock = Rc::clone(clock);
        Ok(Journal::open(JournalOptions {
            dir: self.dir.path().to_owned(),
            reference: "flagger-status".to_owned(),
            remote: self.remote.clone(),
            spec_branch: None,
            cluster: "sandbox".to_owned(),
            cluster_uid: None,
            namespace: "test".to_owned(),
            name: "podinfo".to_owned(),
            host: "laptop".to_owned(),
            driver: "kubectl-flagger/test".to_owned(),
            actor: None,
            environment: GitEnvironment::default(),
            sleeper: Rc::new(move |duration| {
                let clock = Rc::clone(&clock);
                Box::pin(async move { clock.sleep(duration).await })
            }),
        })?)
    }

    /// A driver that nobody speaks to and that lives.
    pub async fn run(&self) -> Result<Finished, Error> {
        let (_words, heard) = unbounded_channel();
        match self.drive(Switch::new(None), heard).await {
            Ended::Finished(finished) => finished,
            Ended::Died => unreachable!("nobody let it die"),
        }
    }

    /// One run after another, as long as the scenario asks for more. The code of the last.
    pub async fn play(&self) -> Result<u8, Error> {
        loop {
            let finished = self.run().await?;
            if !self.again(finished).await {
                return Ok(finished.exit_code());
            }
        }
    }

    /// The same up to the run that drives the first change: bootstrap alone.
    pub async fn bootstrap(&self) {
        let finished = self.run().await.unwrap();
        assert_eq!(finished.outcome, Outcome::Bootstrapped);
        self.world.initialized();
        assert!(self.world.next_run().await, "the scenario changes nothing");
    }

    /// Does the scenario ask for another run after that one?
    pub async fn again(&self, finished: Finished) -> bool {
        if matches!(finished.outcome, Outcome::Bootstrapped | Outcome::Unchanged) {
            self.world.initialized();
        }
        self.world.next_run().await
    }

    /// The events as they are written into a file.
    pub fn ndjson(&self) -> String {
        let mut text = String::new();
        for event in self.events.borrow().iter() {
            let _ = writeln!(text, "{}", serde_json::to_string(event).unwrap());
        }
        text
    }

    /// Shares of the canary in the order in which they were written.
    pub fn weights(&self) -> Vec<u8> {
        let events = self.events.borrow();
        let moved = events.iter().filter_map(|event| match event.kind {
            EventKind::TrafficChanged { to, .. } => Some(to.percent()),
            _ => None,
        });
        moved.collect()
    }

    /// Messages of a type, such as `diagnostic`.
    pub fn said(&self, kind: &str) -> Vec<String> {
        let events = self.events.borrow();
        let said = events.iter().filter(|event| event.type_name() == kind);
        said.map(|event| event.msg.clone()).collect()
    }

    /// Requests that no pod answered, since everybody was served.
    pub fn lost(&self) -> u64 {
        let lost: u64 = self.world.totals().lost.values().sum();
        lost - self.lost_before.get()
    }

    /// What was written to the API server, in order.
    pub fn writes(&self) -> Vec<LoggedRequest> {
        let mut log = self.world.cluster().log();
        log.retain(|request| {
            !matches!(request.verb.as_str(), "get" | "list" | "watch")
                && request.subresource != "proxy"
        });
        log
    }

    /// An object of the canary's namespace; null where there is none.
    pub fn object(&self, resource: &str, name: &str) -> Value {
        let objects = self.world.cluster().objects();
        let object = objects.get(resource, "test", name);
        object.map_or(Value::Null, |object| (*object).clone())
    }

    /// Share of the canary as the route says.
    pub fn routed(&self) -> Option<u64> {
        weight(&self.object("traefikservices", "podinfo"))
    }

    /// Tag of a Deployment's image, and its replicas.
    pub fn deployed(&self, name: &str) -> (String, u64) {
        let deployment = self.object("deployments", name);
        let image = deployment["spec"]["template"]["spec"]["containers"][0]["image"].as_str();
        let tag = image.and_then(|image| image.rsplit(':').next());
        (
            tag.unwrap_or_default().to_owned(),
            deployment["spec"]["replicas"].as_u64().unwrap_or(0),
        )
    }

    /// The Canary's phase as `kubectl get canaries` shows it.
    pub fn phase(&self) -> String {
        let canary = self.object("canaries", "podinfo");
        canary["status"]["phase"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    /// Messages of the record, oldest first.
    pub fn commits(&self) -> Vec<String> {
        let repository = git2::Repository::open(self.dir.path()).unwrap();
        messages(&repository, "refs/heads/flagger-status")
    }
}

/// Messages of a branch, oldest first; none where there is no branch.
pub fn messages(repository: &git2::Repository, branch: &str) -> Vec<String> {
    let mut walk = repository.revwalk().unwrap();
    if walk.push_ref(branch).is_err() {
        return Vec::new();
    }
    let mut all: Vec<String> = walk
        .map(|id| {
            let commit = repository.find_commit(id.unwrap()).unwrap();
            String::from_utf8_lossy(commit.message_bytes()).into_owned()
        })
        .collect();
    all.reverse();
    all
}

/// Share of the canary in a TraefikService.
pub fn weight(route: &Value) -> Option<u64> {
    let services = route["spec"]["weighted"]["services"].as_array()?;
    let canary = services
        .iter()
        .find(|service| service["name"] == "podinfo-canary");
    Some(canary.map_or(0, |canary| canary["weight"].as_u64().unwrap_or(1)))
}

/// A switch for somebody who dies there, and nobody who speaks.
pub fn dying(death: Death) -> (Arc<Switch>, UnboundedSender<Word>, UnboundedReceiver<Word>) {
    let (words, heard) = unbounded_channel();
    (Switch::new(Some(death)), words, heard)
}

/// Specs of the repository there.
pub fn from(dir: &Path) -> Source {
    Source {
        repo: Some(dir.to_owned()),
        reference: "HEAD".to_owned(),
        path: None,
        filename: Vec::new(),
        allow_dirty: false,
    }
}

/// As the flags are without being given.
pub fn options() -> DriveOptions {
    DriveOptions {
        plan: PlanOptions::default(),
        timeout: None,
        queue: None,
        metrics: MetricSettings::default(),
        workloads: WorkloadOptions {
            selector_labels: vec!["app".to_owned()],
            include_label_prefix: Vec::new(),
            config_tracking: true,
        },
        alerts: AlertOptions::default(),
    }
}

/// That much later.
pub async fn later(stage: &Stage, after: Duration) {
    stage.world.clock().sleep(after).await;
}

struct Listener(Rc<RefCell<Vec<Event>>>);

impl Subscriber for Listener {
    fn on_event(&mut self, event: &Event) {
        self.0.borrow_mut().push(event.clone());
    }
}
