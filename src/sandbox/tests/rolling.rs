//! What a rolling update keeps, whatever its numbers.

use crate::sandbox::tests::cluster;
use crate::sandbox::tests::deployment;
use crate::sandbox::tests::listed;
use crate::sandbox::tests::pass;
use crate::sandbox::tests::stored;
use proptest::prelude::ProptestConfig;
use proptest::prop_assert;
use proptest::prop_assert_eq;
use proptest::proptest;
use proptest::test_runner::TestCaseError;
use serde_json::json;

async fn roll(replicas: u32, surge: u32, unavailable: u32) -> Result<(), TestCaseError> {
    let cluster = cluster();
    let strategy = json!({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": surge, "maxUnavailable": unavailable}});
    let mut object = deployment("podinfo:6.0.0", replicas);
    object["spec"]["strategy"] = strategy;
    cluster.apply_object(object.clone()).unwrap();
    pass(5.0).await;
    object["spec"]["template"]["spec"]["containers"][0]["image"] = json!("podinfo:6.0.1");
    cluster.apply_object(object).unwrap();
    let least = i64::from(replicas.saturating_sub(unavailable));
    for _ in 0..400 {
        pass(0.1).await;
        let status = &stored(&cluster, "deployments", "podinfo")["status"];
        prop_assert!(
            status["availableReplicas"].as_i64().unwrap_or(0) >= least,
            "{status}"
        );
        let alive = listed(&cluster, "pods")
            .iter()
            .filter(|pod| pod["metadata"].get("deletionTimestamp").is_none())
            .count();
        prop_assert!(alive <= (replicas + surge) as usize, "{alive} pods");
    }
    let status = &stored(&cluster, "deployments", "podinfo")["status"];
    prop_assert_eq!(&status["updatedReplicas"], &json!(replicas));
    prop_assert_eq!(&status["availableReplicas"], &json!(replicas));
    prop_assert_eq!(&status["replicas"], &json!(replicas));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn neither_surge_nor_unavailable_is_exceeded(replicas in 1_u32..6, surge in 0_u32..4, unavailable in 1_u32..4) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(roll(replicas, surge, unavailable))?;
    }
}
