//! Between a driver and its API server: counts the writes, lets the driver die at one of them, takes its time, and
//! notes when what passed.

use http::Method;
use http::Request;
use http::Response;
use kube::client::Body;
use kubectl_flagger::sandbox::api_server::ApiBody;
use kubectl_flagger::sandbox::api_server::ApiServerError;
use kubectl_flagger::sandbox::api_server::ApiService;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::task::Context;
use std::task::Poll;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

/// When a driver dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Death {
    /// Its write, counted from 1, has not reached the server.
    Before(usize),
    /// Its write was done, and it never learns of it.
    After(usize),
}

/// A request and its way back, on tokio's clock.
#[derive(Clone, Debug)]
pub struct Passed {
    pub method: Method,
    pub path: String,
    /// Is it a watch, which is answered as long as it is open?
    pub watches: bool,
    pub sent: Instant,
    pub answered: Instant,
}

impl Passed {
    /// Questions to Prometheus pass here too.
    pub fn is_query(&self) -> bool {
        self.path.contains("/proxy")
    }

    pub fn is_write(&self) -> bool {
        self.method != Method::GET && !self.is_query()
    }
}

/// What the driver did, and when it is to die.
#[derive(Debug, Default)]
pub struct Switch {
    death: Option<Death>,
    round_trip: Duration,
    writes: AtomicUsize,
    passed: Mutex<Vec<Passed>>,
    pub dead: Notify,
}

impl Switch {
    pub fn new(death: Option<Death>) -> Arc<Self> {
        Arc::new(Self {
            death,
            ..Self::default()
        })
    }

    /// Nobody dies, and every request takes that long to be answered.
    pub fn far(round_trip: Duration) -> Arc<Self> {
        Arc::new(Self {
            round_trip,
            ..Self::default()
        })
    }

    /// Everything that was answered, in the order of the answers.
    pub fn passed(&self) -> Vec<Passed> {
        self.passed.lock().unwrap().clone()
    }

    async fn strike(&self, death: Death) {
        if self.death == Some(death) {
            self.dead.notify_one();
            std::future::pending::<()>().await;
        }
    }
}

/// The API server behind the switch.
pub struct Tap {
    pub inner: ApiService,
    pub switch: Arc<Switch>,
}

impl tower::Service<Request<Body>> for Tap {
    type Response = Response<ApiBody>;
    type Error = ApiServerError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let now = Instant::now();
        let mut passed = Passed {
            method: request.method().clone(),
            path: request.uri().path().to_owned(),
            watches: request
                .uri()
                .query()
                .is_some_and(|query| query.contains("watch=")),
            sent: now,
            answered: now,
        };
        let switch = Arc::clone(&self.switch);
        let mut inner = self.inner.clone();
        Box::pin(async move {
            if !switch.round_trip.is_zero() {
                tokio::time::sleep(switch.round_trip).await;
            }
            let answer = inner.call(request);
            if !passed.is_write() {
                let answer = answer.await;
                passed.answered = Instant::now();
                switch.passed.lock().unwrap().push(passed);
                return answer;
            }
            let number = switch.writes.fetch_add(1, Ordering::Relaxed) + 1;
            switch.strike(Death::Before(number)).await;
            let answer = answer.await;
            passed.answered = Instant::now();
            switch.passed.lock().unwrap().push(passed);
            switch.strike(Death::After(number)).await;
            answer
        })
    }
}
