//! Backends that answer, and those that do not.

use super::*;
use crate::metrics::provider;
use crate::port::transport::HttpRequest;
use crate::port::transport::HttpResponse;
use jiff::Timestamp;
use std::cell::Cell;

/// Time that passes only while somebody waits.
#[derive(Default)]
struct Noon(Cell<Duration>);

impl Clock for Noon {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }

    fn boot(&self) -> Duration {
        self.0.get()
    }

    fn sleep(&self, duration: Duration) -> Job<'_, ()> {
        self.0.set(self.0.get() + duration);
        Box::pin(std::future::ready(()))
    }
}

struct Canned(u16, &'static str);

impl Transport for Canned {
    fn send<'a>(&'a self, _: &'a HttpRequest) -> Job<'a, Result<HttpResponse, TransportError>> {
        let response = HttpResponse {
            status: self.0,
            body: self.1.as_bytes().to_vec(),
            retry_after: None,
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
        clock: Rc::new(Noon::default()),
    };
    Metrics::new(ways, vec![question])
}

const HALF: &str = r#"{"status":"success","data":{"resultType":"scalar","result":[1,"0.5"]}}"#;

#[tokio::test]
async fn seconds_become_milliseconds() {
    let answered = metrics(Canned(200, HALF), 1000.0).ask(0, "").await;
    assert_eq!(answered.answer, Answer::Value(500.0));
}

#[tokio::test]
async fn a_backend_that_answers_nonsense_fails_the_probe_and_is_no_value_of_a_check() {
    let metrics = metrics(Canned(502, "bad gateway"), 1.0);
    assert!(metrics.probe().await.is_err());
    assert!(matches!(metrics.ask(0, "").await.answer, Answer::Error(_)));
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
    assert!(matches!(metrics.ask(0, "").await.answer, Answer::Error(_)));
}

/// Answers nothing but a refusal to delete, and writes down what it was asked.
#[derive(Default)]
struct Silent(RefCell<Vec<String>>);

impl Transport for Silent {
    fn send<'a>(
        &'a self,
        request: &'a HttpRequest,
    ) -> Job<'a, Result<HttpResponse, TransportError>> {
        let said = format!("{} {}", request.method, request.url);
        self.0.borrow_mut().push(said);
        if request.method == "DELETE" {
            let refusal = HttpResponse {
                status: 403,
                body: Vec::new(),
                retry_after: None,
            };
            return Box::pin(std::future::ready(Ok(refusal)));
        }
        Box::pin(std::future::pending())
    }
}

fn analysis() -> Question {
    Question {
        provider: provider("keptn").unwrap(),
        backend: Ok(Backend::default()),
        query: "analysis/shop/quality".to_owned(),
        window: Duration::from_secs(60),
        factor: 1.0,
    }
}

#[tokio::test]
async fn what_a_question_created_is_deleted_although_nobody_waited_for_its_answer() {
    let silent = Rc::new(Silent::default());
    let api_server: Rc<dyn Transport> = silent.clone();
    let ways = Ways {
        transport: Rc::new(Canned(500, "")),
        api_server,
        clock: Rc::new(Noon::default()),
    };
    let metrics = Metrics::new(ways, vec![analysis()]);
    assert!(futures::poll!(metrics.ask(0, "")).is_pending());
    metrics.tidy().await;
    metrics.tidy().await;
    let said = silent.0.borrow();
    let collection = "/apis/metrics.keptn.sh/v1beta1/namespaces/shop/analyses";
    assert_eq!(said.len(), 2, "{said:?}");
    assert_eq!(said[0], format!("POST {collection}"));
    assert!(said[1].starts_with(&format!("DELETE {collection}/quality-")));
}

#[tokio::test]
async fn an_answer_that_takes_many_requests_has_one_deadline() {
    let clock = Rc::new(Noon::default());
    let ways = Ways {
        transport: Rc::new(Canned(500, "")),
        api_server: Rc::new(Canned(200, r#"{"status":{"state":"Progressing"}}"#)),
        clock: clock.clone(),
    };
    let metrics = Metrics::new(ways, vec![analysis()]);
    let late = Answer::Error("keptn has no answer within 10 s".to_owned());
    assert_eq!(metrics.ask(0, "").await.answer, late);
    assert_eq!(clock.0.get(), Duration::from_secs(9));
}

#[tokio::test]
async fn a_backend_behind_the_api_server_is_called_so() {
    let question = Question {
        provider: provider("externalmetrics").unwrap(),
        query: "queue".to_owned(),
        ..analysis()
    };
    let ways = Ways {
        transport: Rc::new(Canned(500, "")),
        api_server: Rc::new(Canned(403, "no")),
        clock: Rc::new(Noon::default()),
    };
    let error = Metrics::new(ways, vec![question])
        .probe()
        .await
        .unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("no answer from the API server: "),
        "{error}"
    );
}
