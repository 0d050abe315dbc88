//! Asks metric backends: the port over any transport and the registry of metric providers.
//!
//! Decides nothing about answers.

use crate::canary::answer::Answer;
use crate::canary::http::HttpRequest;
use crate::metrics::Again;
use crate::metrics::Ask;
use crate::metrics::Backend;
use crate::metrics::MetricProvider;
use crate::metrics::Probe;
use crate::metrics::Reply;
use crate::metrics::template::REVISION;
use crate::port::Job;
use crate::port::clock::Clock;
use crate::port::metric_source::Answered;
use crate::port::metric_source::MetricSource;
use crate::port::transport::Transport;
use crate::port::transport::TransportError;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

/// One check of the analysis, ready to be asked.
pub struct Question {
    /// The kind of backend.
    pub provider: &'static MetricProvider,
    /// The backend, or why it cannot be asked.
    pub backend: Result<Backend, TransportError>,
    /// The query.
    pub query: String,
    /// The metric's interval.
    pub window: Duration,
    /// What makes milliseconds of an answer; 1 for everything else.
    pub factor: f64,
}

/// How backends are reached, and when.
#[derive(Clone)]
pub struct Ways {
    /// To addresses.
    pub transport: Rc<dyn Transport>,
    /// To the Kubernetes API server, whose requests have a path instead of an address.
    pub api_server: Rc<dyn Transport>,
    /// Time.
    pub clock: Rc<dyn Clock>,
}

/// The metrics of one canary.
pub struct Metrics {
    ways: Ways,
    questions: Vec<Question>,
    left_behind: RefCell<LeftBehind>,
}

/// What takes back what asking has left behind, each until it was sent.
#[derive(Default)]
struct LeftBehind {
    asked: u64,
    requests: BTreeMap<u64, (bool, HttpRequest)>,
}

impl Metrics {
    /// In the order of the checks.
    #[must_use]
    pub fn new(ways: Ways, questions: Vec<Question>) -> Self {
        Self {
            ways,
            questions,
            left_behind: RefCell::default(),
        }
    }

    async fn answer(&self, question: &Question, query: &str) -> Answer {
        let asked = match &question.backend {
            Ok(backend) => self.asked(question, backend, query).await,
            Err(error) => Err(error.clone()),
        };
        match asked {
            Ok(Answer::Value(value)) => Answer::Value(value * question.factor),
            Ok(other @ (Answer::NoValues | Answer::Error(_))) => other,
            Err(error) => Answer::Error(error.to_string()),
        }
    }

    /// Asks, and takes back what that leaves behind.
    async fn asked(
        &self,
        question: &Question,
        backend: &Backend,
        query: &str,
    ) -> Result<Answer, TransportError> {
        let ask = Ask {
            backend,
            query,
            window: question.window,
            now: self.ways.clock.now(),
        };
        let of_api_server = backend.address.is_empty();
        let left = (question.provider.cleanup)(&ask).map(|cleanup| {
            let mut left_behind = self.left_behind.borrow_mut();
            left_behind.asked += 1;
            let number = left_behind.asked;
            left_behind
                .requests
                .insert(number, (of_api_server, cleanup));
            number
        });
        let answer = self.exchange(question.provider, &ask).await;
        if let Some(number) = left {
            self.take_back(number).await;
        }
        answer
    }

    /// However many requests it takes, within the provider's time.
    async fn exchange(
        &self,
        provider: &MetricProvider,
        ask: &Ask<'_>,
    ) -> Result<Answer, TransportError> {
        let clock = &self.ways.clock;
        let begun = clock.boot();
        let mut reply = match (provider.request)(ask) {
            Ok(request) => Reply::AskAgain(Again {
                request,
                after: Duration::ZERO,
                then: Box::new(provider.parse),
            }),
            Err(why) => Reply::Done(Answer::Error(why)),
        };
        loop {
            let Again {
                mut request,
                after,
                then,
            } = match reply {
                Reply::Done(answer) => return Ok(answer),
                Reply::AskAgain(again) => again,
            };
            let spent = clock.boot().saturating_sub(begun);
            let left = provider.timeout.saturating_sub(spent + after);
            if left.is_zero() {
                let limit = provider.timeout.as_secs_f64();
                return Ok(Answer::Error(format!(
                    "{} has no answer within {limit} s",
                    provider.name
                )));
            }
            if !after.is_zero() {
                clock.sleep(after).await;
            }
            request.timeout = left;
            let response = self
                .way(ask.backend.address.is_empty())
                .send(&request)
                .await?;
            reply = then(ask, &response);
        }
    }

    fn way(&self, to_api_server: bool) -> &dyn Transport {
        if to_api_server {
            &*self.ways.api_server
        } else {
            &*self.ways.transport
        }
    }

    async fn take_back(&self, number: u64) {
        let left = self.left_behind.borrow().requests.get(&number).cloned();
        if let Some((to_api_server, request)) = left {
            // Whoever refuses this keeps what he has.
            let _best_effort = self.way(to_api_server).send(&request).await;
        }
        self.left_behind.borrow_mut().requests.remove(&number);
    }

    /// Takes back what questions have left behind that nobody waited for to the end.
    pub async fn tidy(&self) {
        let numbers: Vec<u64> = self.left_behind.borrow().requests.keys().copied().collect();
        for number in numbers {
            self.take_back(number).await;
        }
    }
}

impl MetricSource for Metrics {
    fn ask<'a>(&'a self, check: usize, revision: &'a str) -> Job<'a, Answered> {
        Box::pin(async move {
            let question = &self.questions[check];
            let query = question.query.replace(REVISION, revision);
            let answer = self.answer(question, &query).await;
            Answered { query, answer }
        })
    }

    fn probe(&self) -> Job<'_, Result<(), TransportError>> {
        Box::pin(async move {
            let mut asked: Vec<(&Backend, &str)> = Vec::new();
            for question in &self.questions {
                let backend = question.backend.as_ref().map_err(Clone::clone)?;
                let query = match question.provider.probe {
                    Probe::Query(query) => query,
                    Probe::TheQuery => &question.query,
                    Probe::Nothing => continue,
                };
                if asked.contains(&(backend, query)) {
                    continue;
                }
                asked.push((backend, query));
                if let Answer::Error(why) = self.asked(question, backend, query).await? {
                    return Err(TransportError::Unreachable {
                        host: backend.place().to_owned(),
                        why,
                    });
                }
            }
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests;
