//! Backends that answer, and those that do not.

use super::*;
use crate::metrics::provider;
use crate::port::transport::HttpRequest;
use crate::port::transport::HttpResponse;
use jiff::Timestamp;

struct Noon;

impl Clock for Noon {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }

    fn boot(&self) -> Duration {
        Duration::ZERO
    }

    fn sleep(&self, _: Duration) -> Job<'_, ()> {
        Box::pin(std::future::ready(()))
    }
}

struct Canned(u16, &'static str);

impl Transport for Canned {
    fn send<'a>(&'a self, _: &'a HttpRequest) -> Job<'a, Result<HttpResponse, TransportError>> {
        let response = HttpResponse {
            status: self.0,
            body: self.1.as_bytes().to_vec(),
        };
        Box::pin(std::future::ready(Ok(response)))
    }
}

fn metrics(transport: Canned, factor: f64) -> Metrics {
    let question = Question {
        provider: provider("prometheus").unwrap(),
        backend: Ok(Backend {
            address: "http://prometheus.monitoring:9090".to_owned(),
            ..Backend::default()
        }),
        query: "up".to_owned(),
        window: Duration::from_secs(60),
        factor,
    };
    let transport: Rc<dyn Transport> = Rc::new(transport);
    let ways = Ways {
        transport: Rc::clone(&transport),
        api_server: transport,
        clock: Rc::new(Noon),
    };
    Metrics::new(ways, vec![question])
}

const HALF: &str = r#"{"status":"success","data":{"resultType":"scalar","result":[1,"0.5"]}}"#;

#[tokio::test]
async fn seconds_become_milliseconds() {
    let answered = metrics(Canned(200, HALF), 1000.0).ask(0).await;
    assert_eq!(answered.answer, Answer::Value(500.0));
}

#[tokio::test]
async fn a_backend_that_answers_nonsense_fails_the_probe_and_is_no_value_of_a_check() {
    let metrics = metrics(Canned(502, "bad gateway"), 1.0);
    assert!(metrics.probe().await.is_err());
    assert!(matches!(metrics.ask(0).await.answer, Answer::Error(_)));
}

#[tokio::test]
async fn a_backend_without_its_secret_fails_the_probe_and_is_no_value_of_a_check() {
    let mut metrics = metrics(Canned(200, HALF), 1.0);
    let refused = TransportError::Refused {
        host: "prometheus".to_owned(),
        why: "no secret".to_owned(),
        help: String::new(),
    };
    metrics.questions[0].backend = Err(refused.clone());
    assert_eq!(metrics.probe().await, Err(refused));
    assert!(matches!(metrics.ask(0).await.answer, Answer::Error(_)));
}
