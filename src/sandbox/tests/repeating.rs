//! Two runs of the same seed.

use crate::sandbox::faults::Fault;
use crate::sandbox::faults::FaultEffect;
use crate::sandbox::tests::client;
use crate::sandbox::tests::cluster;
use crate::sandbox::tests::deployment;
use crate::sandbox::tests::pass;
use crate::sandbox::tests::service;
use futures::StreamExt as _;
use k8s_openapi::api::apps::v1::Deployment;
use kube::Api;
use kube::api::Patch;
use kube::api::PatchParams;
use kube::api::WatchParams;
use serde_json::json;
use std::fmt::Write as _;

/// Rolls, scales and watches by a client beside what users do; everything that can be seen of it, as text.
async fn a_busy_minute() -> String {
    let cluster = cluster();
    cluster.apply_object(service()).unwrap();
    cluster
        .apply_object(deployment("podinfo:6.0.0", 2))
        .unwrap();
    pass(7.0).await;
    let api: Api<Deployment> = Api::default_namespaced(client(&cluster));
    let mut events = Box::pin(
        api.watch(&WatchParams::default().timeout(40), "0")
            .await
            .unwrap(),
    );
    let watching = tokio::spawn(async move {
        let mut seen = String::new();
        while let Some(event) = events.next().await {
            writeln!(seen, "{event:?}").unwrap();
        }
        seen
    });
    cluster
        .apply_object(deployment("podinfo:6.0.1", 2))
        .unwrap();
    pass(30.0).await;
    cluster.fail_next(Fault::once("patch", "deployments", FaultEffect::Code(503)));
    let five = Patch::Merge(json!({"spec": {"replicas": 5}}));
    for _ in 0..2 {
        let _ = api.patch("podinfo", &PatchParams::default(), &five).await;
        pass(0.5).await;
    }
    pass(22.0).await;
    let dump = serde_json::to_string(&cluster.dump()).unwrap();
    format!("{dump}\n{:?}\n{}", cluster.log(), watching.await.unwrap())
}

#[test]
fn two_runs_are_identical() {
    let run = || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(a_busy_minute())
    };
    let first = run();
    assert!(first.contains("\"availableReplicas\":5"));
    assert_eq!(first, run());
}
