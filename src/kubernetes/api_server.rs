//! Requests of providers to the API server itself: their address is a path.
//!
//! Which paths those are is decided by the providers; an address of a specification never comes this way.

use crate::canary::object::ObjectRef;
use crate::canary::object::Resource;
use crate::kubernetes::request::Requests;
use crate::kubernetes::service_proxy::carry;
use crate::port::Job;
use crate::port::transport::HttpRequest;
use crate::port::transport::HttpResponse;
use crate::port::transport::Transport;
use crate::port::transport::TransportError;

/// The API server as one more backend.
pub struct ApiServer {
    requests: Requests,
    /// For the words about a connection that fails.
    object: ObjectRef,
}

impl ApiServer {
    /// Over that connection.
    #[must_use]
    pub fn new(requests: Requests) -> Self {
        Self {
            requests,
            object: Resource::new("", "v1", "apis", "API").cluster_scoped("metrics"),
        }
    }

    async fn exchange(&self, request: &HttpRequest) -> Result<HttpResponse, TransportError> {
        let asked = self.requests.asked("get", &self.object, None);
        let answer = carry(&self.requests, &asked, &request.url, request).await;
        answer.map_err(|why| TransportError::Unreachable {
            host: "the API server".to_owned(),
            why,
        })
    }
}

impl Transport for ApiServer {
    fn send<'a>(
        &'a self,
        request: &'a HttpRequest,
    ) -> Job<'a, Result<HttpResponse, TransportError>> {
        Box::pin(self.exchange(request))
    }
}
