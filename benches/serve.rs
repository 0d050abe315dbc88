//! How long the embedded cluster's socket takes when 200 requests a second come, as kubectl sends them: a new
//! connection each, tables, and a write now and then. Prints percentiles; `cargo bench --bench serve`.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a bench prints what it measured on the machine's clock"
)]

use kubectl_flagger::sandbox::clock::SandboxClock;
use kubectl_flagger::sandbox::scenario::built_in;
use kubectl_flagger::sandbox::server::Server;
use kubectl_flagger::sandbox::world::World;
use kubectl_flagger::sandbox::world::WorldOptions;
use std::time::Duration;
use std::time::Instant;

const TOKEN: &str = "t0ken";
const PER_SECOND: u32 = 200;
const SECONDS: u32 = 10;
const TABLE: &str = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";
const PATHS: [&str; 4] = [
    "/apis/apps/v1/namespaces/test/deployments?limit=500",
    "/api/v1/namespaces/test/pods?limit=500",
    "/api/v1/namespaces/monitoring/services/prometheus",
    "/apis",
];

fn main() {
    let (said, address) = std::sync::mpsc::channel();
    // A thread of its own, as the server is a process of its own.
    std::thread::spawn(move || runtime().block_on(serve(&said)));
    let (address, certificate): (String, String) = address.recv().unwrap();
    let mut times = runtime().block_on(load(&address, &certificate));
    times.sort();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1000.0;
    println!(
        "{} requests at {PER_SECOND}/s: p50 {:.1} ms, p99 {:.1} ms, max {:.1} ms",
        times.len(),
        at(0.5),
        at(0.99),
        at(1.0)
    );
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

async fn serve(said: &std::sync::mpsc::Sender<(String, String)>) {
    let scenario = built_in::scenario(built_in::DEFAULT)
        .unwrap()
        .without_events();
    let clock = SandboxClock::at_speed(1.0);
    let world = World::new(scenario, WorldOptions { clock, seed: 1 }).unwrap();
    world.cluster().stop_log();
    let server = Server::bind(0).await.unwrap();
    let address = format!("https://{}", server.address());
    said.send((address, server.certificate_pem().to_owned()))
        .unwrap();
    server.run(world.service(), TOKEN.to_owned()).await;
}

async fn load(address: &str, certificate: &str) -> Vec<Duration> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let certificate = reqwest::Certificate::from_pem(certificate.as_bytes()).unwrap();
    let client = reqwest::Client::builder()
        .tls_certs_only([certificate])
        .pool_max_idle_per_host(0)
        .no_proxy()
        .build()
        .unwrap();
    let mut ticks = tokio::time::interval(Duration::from_secs(1) / PER_SECOND);
    let mut asked = Vec::new();
    for number in 0..PER_SECOND * SECONDS {
        ticks.tick().await;
        let request = if number % 10 == 0 {
            let path = "/api/v1/namespaces/test/configmaps/podinfo-config";
            client
                .patch(format!("{address}{path}"))
                .header("content-type", "application/merge-patch+json")
                .body(format!("{{\"data\":{{\"number\":\"{number}\"}}}}"))
        } else {
            let path = PATHS[number as usize % PATHS.len()];
            client
                .get(format!("{address}{path}"))
                .header("accept", TABLE)
        };
        let request = request.bearer_auth(TOKEN);
        asked.push(tokio::spawn(async move {
            let begin = Instant::now();
            let answer = request.send().await.unwrap().error_for_status().unwrap();
            answer.bytes().await.unwrap();
            begin.elapsed()
        }));
    }
    let mut times = Vec::new();
    for one in asked {
        times.push(one.await.unwrap());
    }
    times
}
