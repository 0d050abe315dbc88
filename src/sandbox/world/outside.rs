//! The servers that specs name: Prometheus, in the cluster and outside, and hooks.

use crate::port::Job;
use crate::port::clock::Clock as _;
use crate::port::transport::HttpRequest;
use crate::port::transport::HttpResponse;
use crate::port::transport::Transport;
use crate::port::transport::TransportError;
use crate::sandbox::gates;
use crate::sandbox::prometheus;
use crate::sandbox::proxy::ProxyHook;
use crate::sandbox::proxy::ProxyResponse;
use crate::sandbox::scripted::Asked;
use crate::sandbox::shared::lock;
use crate::sandbox::world::asked::Question;
use crate::sandbox::world::state::State;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::Weak;
use std::time::Duration;

/// The host whose Prometheus answers what the scenario's words say, as in recordings. Every other one answers from
/// the users' requests.
pub const SCRIPTED_HOST: &str = "world.test:9090";

const QUERY: &str = "/api/v1/query";

/// One request to the scripted host, or to a hook anywhere.
#[derive(Clone, Debug, PartialEq)]
pub enum Heard {
    /// A metric was asked.
    Asked {
        /// Which.
        metric: Asked,
        /// The expression.
        query: String,
        /// Its range.
        window: Option<Duration>,
        /// What was answered; `None` for no samples.
        value: Option<f64>,
    },
    /// A hook was called, or an alert posted.
    Called {
        /// The address.
        url: String,
        /// Status of the answer.
        status: u16,
        /// What came.
        body: Vec<u8>,
    },
}

/// Answers every host outside the cluster.
pub struct Outside(Arc<Mutex<State>>);

impl Outside {
    pub const fn new(state: Arc<Mutex<State>>) -> Self {
        Self(state)
    }

    fn answer(&self, request: &HttpRequest) -> Result<HttpResponse, TransportError> {
        let (host, path) = split(&request.url);
        let mut state = lock(&self.0);
        if !path.starts_with(QUERY) {
            return Ok(HttpResponse {
                status: called(&mut state, &request.url, &request.body),
                body: Vec::new(),
                retry_after: None,
            });
        }
        if !state.prometheus_up {
            return Err(TransportError::Unreachable {
                host: host.to_owned(),
                why: "connection refused".to_owned(),
            });
        }
        let (status, body) = if host == SCRIPTED_HOST {
            scripted(&mut state, path)
        } else {
            measured(&mut state, request.method, path, &request.body)
        };
        Ok(HttpResponse {
            status,
            body: body.into_bytes(),
            retry_after: None,
        })
    }
}

impl Transport for Outside {
    fn send<'a>(
        &'a self,
        request: &'a HttpRequest,
    ) -> Job<'a, Result<HttpResponse, TransportError>> {
        Box::pin(async move { self.answer(request) })
    }
}

/// What the API server's proxy reaches: the Prometheus of the users' requests, and hooks, whatever their Services are
/// called.
pub fn proxy(state: Weak<Mutex<State>>) -> ProxyHook {
    Box::new(move |request| {
        let answer = state.upgrade().and_then(|state| {
            let mut state = lock(&state);
            if !request.path_and_query.starts_with(QUERY) {
                let url = format!(
                    "{}://{}.{}:{}{}",
                    request.scheme,
                    request.service,
                    request.namespace,
                    request.port,
                    request.path_and_query
                );
                return Some((called(&mut state, &url, &request.body), String::new()));
            }
            let path = &request.path_and_query;
            state
                .prometheus_up
                .then(|| measured(&mut state, &request.method, path, &request.body))
        });
        let (status, body) = answer.unwrap_or_else(|| {
            let why = "error trying to reach service: connect: connection refused";
            (503, why.to_owned())
        });
        ProxyResponse {
            status,
            content_type: "application/json".to_owned(),
            body: body.into_bytes(),
        }
    })
}

fn measured(state: &mut State, method: &str, path: &str, body: &[u8]) -> (u16, String) {
    state.look();
    let now = state.clock.now();
    prometheus::answer(state.traffic.series(), now, method, path, body)
}

fn scripted(state: &mut State, path: &str) -> (u16, String) {
    let parameters = path.split_once('?').map_or("", |(_, query)| query);
    let query = form_urlencoded::parse(parameters.as_bytes())
        .find(|(name, _)| name == "query")
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default();
    let Question { metric, window } = Question::read(&query);
    let value = state.metrics.value(metric);
    state.heard.push(Heard::Asked {
        metric,
        query,
        window,
        value,
    });
    state.metrics.answer(metric, state.clock.now())
}

/// Status of a hook: what the scenario says of the last part of its path, or of all gates that are asked; else what
/// the gate says. Everything else is taken.
fn called(state: &mut State, url: &str, body: &[u8]) -> u16 {
    let path = url.split('?').next().unwrap_or_default();
    let name = path.rsplit('/').next().unwrap_or_default();
    let said = |name: &str| state.hooks.get(name).copied();
    let status = match gates::at(path) {
        Some((kind, verb)) => match said(kind).filter(|_| verb == "check") {
            Some(status) => status,
            None => state.gates.answer(kind, verb, body),
        },
        None => said(name).unwrap_or(200),
    };
    state.heard.push(Heard::Called {
        url: url.to_owned(),
        status,
        body: body.to_vec(),
    });
    status
}

/// Host with its port, and path with its query.
fn split(url: &str) -> (&str, &str) {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.find('/')
        .map_or((rest, "/"), |slash| rest.split_at(slash))
}
