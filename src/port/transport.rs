//! One HTTP exchange, as values: metric and notification providers build requests and read responses without
//! ever seeing a client.

use crate::port::Job;
use std::rc::Rc;

pub use crate::canary::http::HttpRequest;
pub use crate::canary::http::HttpResponse;

/// Nothing came back.
#[derive(Clone, Debug, thiserror::Error, miette::Diagnostic, PartialEq, Eq)]
pub enum TransportError {
    /// The address may not be dialled.
    #[error("{host} may not be reached: {why}")]
    #[diagnostic(code(flagger::transport::refused))]
    Refused {
        /// Host and port.
        host: String,
        /// Which rule says so.
        why: String,
        /// How it can be allowed.
        #[help]
        help: String,
    },
    /// No answer.
    #[error("no answer from {host}: {why}")]
    #[diagnostic(code(flagger::transport::unreachable))]
    Unreachable {
        /// Host and port.
        host: String,
        /// The cause.
        why: String,
    },
    /// The way there asks for rights that we lack (the service proxy of the API server).
    #[error("not allowed to reach {host}: {why}")]
    #[diagnostic(code(flagger::transport::denied))]
    Denied {
        /// Host and port.
        host: String,
        /// Verb and resource.
        why: String,
    },
}

/// Carries requests.
pub trait Transport {
    /// One exchange; redirects are not followed.
    fn send<'a>(
        &'a self,
        request: &'a HttpRequest,
    ) -> Job<'a, Result<HttpResponse, TransportError>>;

    /// Would it be sent at all? Nothing is.
    fn admits<'a>(&'a self, _request: &'a HttpRequest) -> Job<'a, Result<(), TransportError>> {
        Box::pin(std::future::ready(Ok(())))
    }

    /// The same through a proxy at that URL, which a spec may ask for and only the user may allow.
    ///
    /// # Errors
    /// There is no such way.
    fn through(&self, proxy: &str) -> Result<Rc<dyn Transport>, TransportError> {
        Err(TransportError::Refused {
            host: proxy.to_owned(),
            why: "no way leads through a proxy of its own".to_owned(),
            help: "take proxy out of the spec".to_owned(),
        })
    }
}

impl<T: Transport + ?Sized> Transport for Rc<T> {
    fn send<'a>(
        &'a self,
        request: &'a HttpRequest,
    ) -> Job<'a, Result<HttpResponse, TransportError>> {
        (**self).send(request)
    }

    fn admits<'a>(&'a self, request: &'a HttpRequest) -> Job<'a, Result<(), TransportError>> {
        (**self).admits(request)
    }

    fn through(&self, proxy: &str) -> Result<Rc<dyn Transport>, TransportError> {
        (**self).through(proxy)
    }
}
