//! Asks metric backends: the port over any transport and the registry of metric providers.
//!
//! Decides nothing about answers.

use crate::canary::answer::Answer;
use crate::metrics::Backend;
use crate::metrics::MetricProvider;
use crate::port::Job;
use crate::port::metric_source::Answered;
use crate::port::metric_source::MetricSource;
use crate::port::transport::Transport;
use crate::port::transport::TransportError;
use std::rc::Rc;

/// One check of the analysis, ready to be asked.
pub struct Question {
    /// The kind of backend.
    pub provider: &'static MetricProvider,
    /// The backend, or why it cannot be asked.
    pub backend: Result<Backend, TransportError>,
    /// The query.
    pub query: String,
    /// What makes milliseconds of an answer; 1 for everything else.
    pub factor: f64,
}

/// The metrics of one canary.
pub struct Metrics {
    transport: Rc<dyn Transport>,
    questions: Vec<Question>,
}

impl Metrics {
    /// In the order of the checks.
    #[must_use]
    pub fn new(transport: Rc<dyn Transport>, questions: Vec<Question>) -> Self {
        Self {
            transport,
            questions,
        }
    }

    async fn answer(&self, question: &Question) -> Answer {
        let sent = match &question.backend {
            Ok(backend) => {
                let request = (question.provider.request)(backend, &question.query);
                self.transport.send(&request).await
            }
            Err(error) => Err(error.clone()),
        };
        match sent {
            Ok(response) => match (question.provider.parse)(&response) {
                Answer::Value(value) => Answer::Value(value * question.factor),
                other @ (Answer::NoValues | Answer::Error(_)) => other,
            },
            Err(error) => Answer::Error(error.to_string()),
        }
    }
}

impl MetricSource for Metrics {
    fn ask(&self, check: usize) -> Job<'_, Answered> {
        Box::pin(async move {
            let question = &self.questions[check];
            Answered {
                query: question.query.clone(),
                answer: self.answer(question).await,
            }
        })
    }

    fn probe(&self) -> Job<'_, Result<(), TransportError>> {
        Box::pin(async move {
            let mut asked: Vec<&Backend> = Vec::new();
            for question in &self.questions {
                let backend = question.backend.as_ref().map_err(Clone::clone)?;
                if asked.contains(&backend) {
                    continue;
                }
                asked.push(backend);
                let request = (question.provider.request)(backend, question.provider.probe);
                let response = self.transport.send(&request).await?;
                if let Answer::Error(why) = (question.provider.parse)(&response) {
                    return Err(TransportError::Unreachable {
                        host: backend.address.clone(),
                        why,
                    });
                }
            }
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::provider;
    use crate::port::transport::HttpRequest;
    use crate::port::transport::HttpResponse;

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
                headers: Vec::new(),
            }),
            query: "up".to_owned(),
            factor,
        };
        Metrics::new(Rc::new(transport), vec![question])
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
}
