use super::*;
use crate::canary::load::load;
use crate::canary::source::SourceFile;
use crate::kubernetes::testing::Server;
use crate::router;
use serde_json::json;

const CANARY: &str = include_str!("../../../testdata/providers/nginx/canary.yaml");
const SOURCE: &str = "/apis/networking.k8s.io/v1/namespaces/demo/ingresses/shop";

const KIND: &str = "/apis/networking.k8s.io/v1";

fn kinds() -> Value {
    json!({"resources": [{"name": "ingresses"}]})
}

fn routes(server: &Server) -> LiveRoutes {
    let file = SourceFile {
        path: "canary.yaml".to_owned(),
        text: CANARY.into(),
    };
    let canary = load(&[file], None, None).unwrap().canary;
    let requests = server.requests();
    let wake = Rc::new(Wake::new(requests.clone(), Vec::new()));
    let provider = router::provider("nginx").unwrap();
    LiveRoutes::new(requests, Rc::new(canary), provider, None, wake)
}

async fn refused(server: &Server) -> String {
    match routes(server).routes().await {
        Err(WorkloadError::Unusable { object, why, .. }) => format!("{object}: {why}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_kind_that_the_cluster_lacks_is_said_at_the_first_look() {
    let server = Server::default();
    let refused = routes(&server).routes().await;
    let Err(WorkloadError::Unusable { object, why, help }) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(object, "ingress/shop-canary");
    assert_eq!(why, "the cluster has no ingresses of networking.k8s.io/v1");
    assert!(help.contains("https://"), "{help}");
}

#[tokio::test(start_paused = true)]
async fn an_object_that_the_canary_names_and_is_not_there_is_told_before_anything_moves() {
    let server = Server::default();
    server.set(KIND, kinds());
    assert_eq!(
        refused(&server).await,
        "ingress/shop-canary: it needs ingress/shop, which is not there"
    );
    let writes = |request: &String| !request.starts_with("GET");
    assert!(!server.seen().iter().any(writes), "{:?}", server.seen());
}

#[tokio::test(start_paused = true)]
async fn an_object_that_does_not_lead_to_the_service_is_told_before_anything_moves() {
    let server = Server::default();
    server.set(KIND, kinds());
    server.set(
        SOURCE,
        json!({"metadata": {"name": "shop"}, "spec": {"rules": []}}),
    );
    assert_eq!(
        refused(&server).await,
        "ingress/shop: it does not lead to service checkout"
    );
}
