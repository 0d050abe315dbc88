//! `sandbox serve`: the embedded cluster on a socket, with what a second terminal needs to use it.

use crate::canary::phase::Phase;
use crate::cli::Streams;
use crate::cli::args::sandbox::ServeArgs;
use crate::cli::error::CliError;
use crate::cli::remote::block_on;
use crate::cli::sandbox;
use crate::clock::SystemClock;
use crate::error::Error;
use crate::error::ExitCode;
use crate::git::example;
use crate::port::clock::Clock as _;
use crate::sandbox::clock::SandboxClock;
use crate::sandbox::scenario::Scenario;
use crate::sandbox::scenario::built_in;
use crate::sandbox::scenario::words::Change;
use crate::sandbox::server::Server;
use crate::sandbox::world::World;
use crate::sandbox::world::WorldOptions;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rand::Rng as _;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

/// Name of the cluster, its context and its user.
const NAME: &str = "sandbox";

/// How often the users' requests are counted and the canary is looked at, of real time.
const TICK: Duration = Duration::from_millis(500);

/// Serves until a signal comes.
///
/// # Errors
/// The folder is in use, the port is in use, or the scenario cannot be played.
pub fn run(args: &ServeArgs, streams: &mut Streams<'_>) -> Result<ExitCode, Error> {
    let scenario = match &args.scenario {
        Some(path) => sandbox::named_scenario(path)?,
        None => built_in::scenario(built_in::DEFAULT)?.without_events(),
    };
    block_on(serve(args, streams, scenario))
}

async fn serve(
    args: &ServeArgs,
    streams: &mut Streams<'_>,
    scenario: Scenario,
) -> Result<ExitCode, Error> {
    // The port first: whoever is refused finds no half-made folder.
    let server = Server::bind(args.port.unwrap_or(0)).await?;
    sandbox::empty_folder(&args.dir, "name a new folder with --dir")?;
    let repo = args.dir.join("repo");
    let now = SystemClock.now();
    example::create(&repo, &sandbox::files(&scenario), now)?;
    let namespace = sandbox::namespace(&scenario);
    let token = token();
    let kubeconfig = args.dir.join("kubeconfig");
    let address = format!("https://{}", server.address());
    write_secret(&kubeconfig, &kubeconfig_text(&server, &token, &namespace)).map_err(|source| {
        CliError::Write {
            path: kubeconfig.display().to_string(),
            source,
        }
    })?;
    let typed = what_to_type(&args.dir, &address, &scenario);
    let world = World::new(
        scenario,
        WorldOptions {
            clock: SandboxClock::new(now, f64::from(args.speed.get())),
            seed: args.seed,
        },
    )?;
    world.cluster().stop_log();
    world.cluster().tell_events();
    streams.print(&typed)?;
    let answering = server.run(world.service(), token);
    tokio::select! {
        () = answering => {}
        () = follow(&world) => {}
        ended = ended() => ended.map_err(|error| CliError::Start { why: error.to_string() })?,
    }
    Ok(ExitCode::OK)
}

/// Keeps the users' requests counted, and starts what the scenario says once the primary serves.
async fn follow(world: &World) {
    let mut initialized = false;
    let mut changed = world.cluster().changed();
    loop {
        changed.borrow_and_update();
        // Looking is what counts: after an hour alone, one look would have an hour to count.
        let serves = !matches!(world.phase(), Phase::New | Phase::Initializing);
        if serves && !initialized {
            initialized = true;
            world.initialized();
        }
        // At once after a change: the next command may be here before the next tick.
        let _a_tick_without_change = tokio::time::timeout(TICK, changed.changed()).await;
    }
}

#[cfg(unix)]
async fn ended() -> std::io::Result<()> {
    use tokio::signal::unix::SignalKind;
    use tokio::signal::unix::signal;
    let mut interrupts = signal(SignalKind::interrupt())?;
    let mut terminations = signal(SignalKind::terminate())?;
    let mut hangups = signal(SignalKind::hangup())?;
    tokio::select! {
        _ = interrupts.recv() => {}
        _ = terminations.recv() => {}
        _ = hangups.recv() => {}
    }
    Ok(())
}

#[cfg(not(unix))]
async fn ended() -> std::io::Result<()> {
    tokio::signal::ctrl_c().await
}

fn token() -> String {
    let mut random = rand::rng();
    format!("{:016x}{:016x}", random.next_u64(), random.next_u64())
}

/// Readable by its owner alone: it holds the token.
fn write_secret(path: &Path, text: &str) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(text.as_bytes())
}

fn kubeconfig_text(server: &Server, token: &str, namespace: &str) -> String {
    let address = server.address();
    let certificate = STANDARD.encode(server.certificate_pem());
    format!(
        "\
apiVersion: v1
kind: Config
current-context: {NAME}
clusters:
- name: {NAME}
  cluster:
    server: https://{address}
    certificate-authority-data: {certificate}
contexts:
- name: {NAME}
  context:
    cluster: {NAME}
    user: {NAME}
    namespace: {namespace}
users:
- name: {NAME}
  user:
    token: {token}
"
    )
}

/// The scenario's canary by its own names, and the next version of its target where its image has a number to count up.
fn what_to_type(dir: &Path, address: &str, scenario: &Scenario) -> String {
    let dir = dir.canonicalize().unwrap_or_else(|_| dir.to_owned());
    let dir = dir.display();
    let namespace = sandbox::namespace(scenario);
    let canary = scenario.canary["metadata"]["name"]
        .as_str()
        .unwrap_or_default();
    let promote = format!("kubectl flagger promote {canary} -n {namespace}");
    let upgrade = upgrade(scenario, &namespace).unwrap_or_default();
    format!(
        "\
The embedded cluster serves at {address}. In a second terminal:

  export KUBECONFIG={dir}/kubeconfig
  cd {dir}/repo
  {promote:<55} # sets {canary} up
{upgrade}  {promote:<55} # moves the traffic
  kubectl get -n {namespace} canaries,deployments,services

Ctrl-C ends it.
"
    )
}

fn upgrade(scenario: &Scenario, namespace: &str) -> Option<String> {
    let wanted = &scenario.canary["spec"]["targetRef"];
    let target = scenario.objects.iter().find(|object| {
        object["kind"] == wanted["kind"] && object["metadata"]["name"] == wanted["name"]
    })?;
    let patch = Change::Upgrade.patch(target, "")?;
    let container = patch
        .merge
        .pointer("/spec/template/spec/containers/0")?
        .clone();
    Some(format!(
        "  kubectl set image -n {namespace} {}/{} {}={}\n",
        wanted["kind"].as_str()?.to_lowercase(),
        patch.name,
        container["name"].as_str()?,
        container["image"].as_str()?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_to_type_names_the_canary_and_the_target_of_the_scenario() {
        let mut scenario = built_in::scenario(built_in::DEFAULT).unwrap();
        let text = |scenario: &Scenario| what_to_type(Path::new("box"), "https://a", scenario);
        assert!(
            text(&scenario)
                .contains("kubectl set image -n test deployment/podinfo podinfod=podinfo:6.0.1\n")
        );
        scenario.canary["metadata"]["name"] = "shop".into();
        scenario.canary["metadata"]["namespace"] = "eu".into();
        scenario.canary["spec"]["targetRef"]["name"] = "missing".into();
        let text = text(&scenario);
        assert!(text.contains("promote shop -n eu ") && text.contains("# sets shop up"));
        assert!(
            !text.contains("podinfo") && !text.contains("set image"),
            "{text}"
        );
    }
}
