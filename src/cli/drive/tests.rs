//! Rollouts in the embedded cluster whose record goes to a real Git server: what its troubles make of the exit code.

use super::*;
use crate::canary::holder::Place;
use crate::canary::holder::Process;
use crate::canary::load::load;
use crate::canary::source::SourceFile;
use crate::cli::environment::Environment;
use crate::cli::promote::drive_options;
use crate::cli::tests::promote;
use crate::git::journal::DEFAULT_REFERENCE;
use crate::git::journal::Journal;
use crate::git::journal::JournalOptions;
use crate::git::testing::Fixture;
use crate::git::transport::environment::GitEnvironment;
use crate::git::transport::tests::backend;
use crate::git::transport::tests::backend::Backend;
use crate::git::transport::tests::backend::Page;
use crate::git::transport::tests::clone_of;
use crate::git::transport::tests::no_git;
use crate::kubernetes::client::Connection;
use crate::port::clock::Clock;
use crate::rollout::event::Event;
use crate::sandbox::clock::SandboxClock;
use crate::sandbox::scenario::built_in;
use crate::sandbox::world::World as Cluster;
use crate::sandbox::world::WorldOptions;
use secrecy::SecretString;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

struct Deaf;

impl Subscriber for Deaf {
    fn on_event(&mut self, _event: &Event) {}
}

/// Exit codes of the bootstrap and of the rollout after it; the first failure ends both.
fn codes(clone: &Fixture, environment: &GitEnvironment) -> Vec<u8> {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let scenario = built_in::scenario(built_in::DEFAULT).unwrap();
        let file = SourceFile {
            path: "deploy/canary.yaml".to_owned(),
            text: serde_json::to_string(&scenario.canary).unwrap().into(),
        };
        let loaded = load(&[file], None, None).unwrap();
        let options = drive_options(
            &promote("kubectl-flagger promote podinfo"),
            &Environment::default(),
        )
        .unwrap();
        let clock = SandboxClock::at_speed(1.0);
        let cluster = Cluster::new(scenario, WorldOptions { clock, seed: 1 }).unwrap();
        let clock: Rc<dyn Clock> = Rc::new(clock);
        let connection = Connection {
            client: kube::Client::new(cluster.service(), "test"),
            namespace: "test".to_owned(),
            context: "sandbox".to_owned(),
            cluster: "sandbox".to_owned(),
            server: "https://sandbox".to_owned(),
            request_timeout: None,
            mesh: None,
        };
        let requests = Requests::new(&connection, Rc::clone(&clock), 1);
        let mut codes = Vec::new();
        for run in ["01J8ZQ4M6T0000000000000001", "01J8ZQ4M6T0000000000000002"] {
            let waiting = Rc::clone(&clock);
            let journal = Journal::open(JournalOptions {
                dir: clone.dir().to_path_buf(),
                reference: DEFAULT_REFERENCE.to_owned(),
                remote: None,
                spec_branch: None,
                cluster: "sandbox".to_owned(),
                cluster_uid: None,
                namespace: loaded.canary.namespace.clone(),
                name: loaded.canary.name.clone(),
                host: "sandbox".to_owned(),
                driver: "kubectl-flagger/0".to_owned(),
                actor: None,
                environment: environment.clone(),
                sleeper: Rc::new(move |duration| {
                    let clock = Rc::clone(&waiting);
                    Box::pin(async move { clock.sleep(duration).await })
                }),
            });
            let world = World {
                requests: requests.clone(),
                transport: Rc::new(cluster.transport()),
                clock: Rc::clone(&clock),
                journal: Some(journal.unwrap()),
                context: "sandbox".to_owned(),
                place: Place::Process(Process {
                    user: "sandbox".to_owned(),
                    host: "sandbox".to_owned(),
                    pid: 1,
                    kernel: None,
                }),
                is_gone: |_, _| true,
                asks: None,
                run: run.to_owned(),
            };
            let (_speaking, heard) = unbounded_channel();
            let mut deaf = Deaf;
            let driven = drive(
                &loaded,
                prepare(&loaded, &options).unwrap(),
                "-".to_owned(),
                &options,
                &world,
                &mut deaf,
                heard,
            );
            match driven.await {
                Ok(finished) => codes.push(finished.exit_code()),
                Err(error) => {
                    codes.push(error.exit_code().get());
                    break;
                }
            }
            cluster.initialized();
            if !cluster.next_run().await {
                break;
            }
        }
        codes
    })
}

/// Takes that many pushes, then is in trouble.
fn server(pushes: usize) -> Backend {
    let taken = AtomicUsize::new(0);
    backend::start_with(move |request, _| {
        let is_push = request.method == "POST" && request.path.ends_with("/git-receive-pack");
        if taken.load(Ordering::SeqCst) >= pushes {
            return Some(Page::status("503 Service Unavailable"));
        }
        if is_push {
            taken.fetch_add(1, Ordering::SeqCst);
        }
        None
    })
}

#[test]
fn a_server_that_takes_the_record_changes_nothing() {
    if no_git() {
        return;
    }
    let server = server(usize::MAX);
    let clone = clone_of(&server.url());
    assert_eq!(codes(&clone, &GitEnvironment::default()), [0, 0]);
}

#[test]
fn a_server_that_cannot_be_reached_at_the_start_is_6_and_nothing_moves() {
    let server = server(0);
    let clone = clone_of(&server.url());
    assert_eq!(codes(&clone, &GitEnvironment::default()), [6]);
}

#[test]
fn a_server_that_goes_away_midway_is_22_and_the_rollout_goes_on() {
    if no_git() {
        return;
    }
    let bootstrap = {
        let server = server(usize::MAX);
        let clone = clone_of(&server.url());
        codes(&clone, &GitEnvironment::default());
        let mut walk = server.fixture.repository().revwalk().unwrap();
        walk.push_ref("refs/heads/flagger-status").unwrap();
        walk.filter(|id| {
            let commit = server
                .fixture
                .repository()
                .find_commit(*id.as_ref().unwrap())
                .unwrap();
            commit.message().unwrap().contains("0000000001\n")
        })
        .count()
    };
    // the bootstrap's, and the first of the rollout
    let server = server(bootstrap + 1);
    let clone = clone_of(&server.url());
    assert_eq!(codes(&clone, &GitEnvironment::default()), [0, 22]);
}

#[test]
fn a_wrong_token_is_4_and_nothing_moves() {
    let server = backend::start_with_login("x-access-token", "hunter2");
    let environment = GitEnvironment {
        token: Some(SecretString::from("hunter3")),
        ..GitEnvironment::default()
    };
    assert_eq!(codes(&clone_of(&server.url()), &environment), [4]);
}

/// Refusals of a canary with that analysis, by the routers of this release: what, and who could.
fn refusals(provider: &str, analysis: &str) -> Vec<(String, String)> {
    let text = format!(
        "apiVersion: flagger.app/v1beta1\nkind: Canary\nmetadata: {{name: podinfo}}\nspec:\n  \
         targetRef: {{apiVersion: apps/v1, kind: Deployment, name: podinfo}}\n  \
         service: {{port: 80}}\n  analysis: {{interval: 1m, threshold: 5, {analysis}}}\n"
    );
    let file = SourceFile {
        path: "canary.yaml".to_owned(),
        text: text.into(),
    };
    let loaded = load(&[file], None, None).unwrap();
    let all: Vec<(&str, Capabilities)> = router::PROVIDERS
        .iter()
        .map(|provider| (provider.name, provider.capabilities))
        .collect();
    let capabilities = router::provider(provider).unwrap().capabilities;
    let refused = validate_for(&loaded, provider, &capabilities, &all);
    let problems = refused
        .err()
        .map_or_else(Vec::new, |errors| errors.problems);
    problems
        .into_iter()
        .map(|problem| (problem.message, problem.help.unwrap_or_default()))
        .collect()
}

#[test]
fn what_a_router_cannot_do_is_refused_naming_routers_that_can() {
    for (provider, analysis, what, able) in [
        (
            "kubernetes",
            "stepWeight: 10",
            "provider kubernetes cannot do a weighted canary",
            "nginx",
        ),
        (
            "traefik",
            "iterations: 3, match: [{headers: {x: {exact: a}}}]",
            "provider traefik cannot do A/B testing",
            "contour",
        ),
        (
            "contour",
            "iterations: 3, match: [{queryParams: {x: {exact: a}}}]",
            "provider contour cannot do matching of query parameters by exact",
            "",
        ),
    ] {
        let refused = refusals(provider, analysis);
        assert_eq!(refused.len(), 1, "{refused:?}");
        assert_eq!(refused[0].0, what);
        assert!(refused[0].1.contains(able), "{}", refused[0].1);
        let names = refused[0].1.split([' ', ',']);
        assert!(!names.into_iter().any(|name| name == provider));
    }
}

#[test]
fn blue_green_is_refused_by_no_router() {
    for provider in router::PROVIDERS {
        let refused = refusals(provider.name, "iterations: 3");
        let unasked = |(what, _): &(String, String)| !what.contains("cannot do without");
        assert!(!refused.iter().any(unasked), "{refused:?}");
    }
}
