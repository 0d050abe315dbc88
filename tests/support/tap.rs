//! Between a driver and its API server: counts the writes, and lets the driver die at one of them.

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
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::task::Context;
use std::task::Poll;
use tokio::sync::Notify;

/// When a driver dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Death {
    /// Its write, counted from 1, has not reached the server.
    Before(usize),
    /// Its write was done, and it never learns of it.
    After(usize),
}

/// What the driver did, and when it is to die.
#[derive(Debug, Default)]
pub struct Switch {
    death: Option<Death>,
    writes: AtomicUsize,
    pub dead: Notify,
}

impl Switch {
    pub fn new(death: Option<Death>) -> Arc<Self> {
        Arc::new(Self {
            death,
            ..Self::default()
        })
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
        // Questions to Prometheus pass here too.
        let writes = request.method() != Method::GET && !request.uri().path().contains("/proxy");
        let switch = Arc::clone(&self.switch);
        let answer = self.inner.call(request);
        Box::pin(async move {
            if !writes {
                return answer.await;
            }
            let number = switch.writes.fetch_add(1, Ordering::Relaxed) + 1;
            switch.strike(Death::Before(number)).await;
            let answer = answer.await;
            switch.strike(Death::After(number)).await;
            answer
        })
    }
}
