//! HTTP servers that specs name: metrics, hooks and chat. Chooses the way to each and carries the request there.
//!
//! Decides nothing about answers.

pub mod address;
pub mod announcer;
pub mod courier;
pub mod event_hooks;
pub mod hooks;
pub mod http;
pub mod metrics;
pub mod reach;

use crate::port::Job;
use crate::port::cluster_error::ClusterError;
use crate::port::namespaces::NamespaceState;
use crate::port::namespaces::Namespaces;
use crate::port::proxy::ProxySettings;
use crate::port::transport::HttpRequest;
use crate::port::transport::HttpResponse;
use crate::port::transport::Transport;
use crate::port::transport::TransportError;
use crate::transport::http::Dialling;
use crate::transport::http::DirectTransport;
use crate::transport::http::SetupError;
use crate::transport::reach::AllowList;
use crate::transport::reach::Reach;
use crate::transport::reach::authority;
use crate::transport::reach::namespace_in_question;
use crate::transport::reach::reach;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

/// Makes the way through a proxy at that URL.
pub type Through = dyn Fn(&str) -> Result<Rc<dyn Transport>, SetupError>;

/// Carries a request the way its address asks for: through the cluster, or directly.
pub struct RoutedTransport {
    in_cluster: Box<dyn Transport>,
    public: Box<dyn Transport>,
    trusted: Box<dyn Transport>,
    namespaces: Box<dyn Namespaces>,
    allowed: AllowList,
    unverified: Option<Unverified>,
    through: Option<Box<Through>>,
    known: RefCell<BTreeMap<String, NamespaceState>>,
}

/// Hosts whose certificates nobody verifies, by the user's own word.
struct Unverified {
    hosts: AllowList,
    public: Box<dyn Transport>,
    trusted: Box<dyn Transport>,
}

impl RoutedTransport {
    /// `in_cluster` takes requests to Services, as `SCHEME://NAME.NAMESPACE.svc:PORT/PATH`; everything else is dialled with these proxies.
    ///
    /// # Errors
    /// No HTTP client can be made.
    pub fn new(
        in_cluster: Box<dyn Transport>,
        namespaces: Box<dyn Namespaces>,
        allowed: AllowList,
        proxies: &ProxySettings,
    ) -> Result<Self, SetupError> {
        Ok(Self::with(
            in_cluster,
            Box::new(DirectTransport::new(Dialling::PublicOnly, proxies)?),
            Box::new(DirectTransport::new(Dialling::Anywhere, proxies)?),
            namespaces,
            allowed,
        ))
    }

    /// Of ready-made ways: to Services, to public hosts, and to hosts that the user named.
    #[must_use]
    pub fn with(
        in_cluster: Box<dyn Transport>,
        public: Box<dyn Transport>,
        trusted: Box<dyn Transport>,
        namespaces: Box<dyn Namespaces>,
        allowed: AllowList,
    ) -> Self {
        Self {
            in_cluster,
            public,
            trusted,
            namespaces,
            allowed,
            unverified: None,
            through: None,
            known: RefCell::new(BTreeMap::new()),
        }
    }

    /// Believes every certificate of these hosts.
    ///
    /// # Errors
    /// No HTTP client can be made.
    pub fn without_verifying(
        mut self,
        hosts: AllowList,
        proxies: &ProxySettings,
    ) -> Result<Self, SetupError> {
        if !hosts.is_empty() {
            let unverified = |dialling| DirectTransport::unverified(dialling, proxies);
            self.unverified = Some(Unverified {
                hosts,
                public: Box::new(unverified(Dialling::PublicOnly)?),
                trusted: Box::new(unverified(Dialling::Anywhere)?),
            });
        }
        Ok(self)
    }

    /// A host that the user named, or one of the internet.
    fn direct(&self, url: &str, trusted: bool) -> &dyn Transport {
        match (&self.unverified, trusted) {
            (Some(ways), true) if ways.hosts.has(url) => &*ways.trusted,
            (Some(ways), false) if ways.hosts.has(url) => &*ways.public,
            (_, true) => &*self.trusted,
            (_, false) => &*self.public,
        }
    }

    /// The same, also through proxies that specs ask for, if the user has named them.
    #[must_use]
    pub fn with_proxies(mut self, through: Box<Through>) -> Self {
        self.through = Some(through);
        self
    }

    async fn namespace(&self, url: &str) -> Result<Option<NamespaceState>, TransportError> {
        let Some(name) = namespace_in_question(url, &self.allowed) else {
            return Ok(None);
        };
        let known = self.known.borrow().get(&name).copied();
        if known.is_some() {
            return Ok(known);
        }
        let state = self
            .namespaces
            .state(&name)
            .await
            .map_err(|error: ClusterError| TransportError::Unreachable {
                host: authority(url),
                why: format!("its namespace cannot be looked up: {error}"),
            })?;
        self.known.borrow_mut().insert(name, state);
        Ok(Some(state))
    }

    async fn way(&self, request: &HttpRequest) -> Result<Reach, TransportError> {
        let credentials = request
            .headers
            .iter()
            .any(|(name, _)| name.eq_ignore_ascii_case("authorization"));
        let namespace = self.namespace(&request.url).await?;
        Ok(reach(&request.url, credentials, namespace, &self.allowed))
    }

    async fn route(&self, request: &HttpRequest) -> Result<HttpResponse, TransportError> {
        match self.way(request).await? {
            Reach::InCluster(service) => {
                let request = HttpRequest {
                    url: service.url(),
                    ..request.clone()
                };
                self.in_cluster.send(&request).await
            }
            Reach::Direct { trusted } => self.direct(&request.url, trusted).send(request).await,
            Reach::Refused { why, help } => Err(TransportError::Refused {
                host: authority(&request.url),
                why,
                help,
            }),
        }
    }
}

impl Transport for RoutedTransport {
    fn send<'a>(
        &'a self,
        request: &'a HttpRequest,
    ) -> Job<'a, Result<HttpResponse, TransportError>> {
        Box::pin(self.route(request))
    }

    fn admits<'a>(&'a self, request: &'a HttpRequest) -> Job<'a, Result<(), TransportError>> {
        Box::pin(async move {
            match self.way(request).await? {
                Reach::InCluster(_) | Reach::Direct { .. } => Ok(()),
                Reach::Refused { why, help } => Err(TransportError::Refused {
                    host: authority(&request.url),
                    why,
                    help,
                }),
            }
        })
    }

    fn through(&self, proxy: &str) -> Result<Rc<dyn Transport>, TransportError> {
        let host = authority(proxy);
        let refused = |why: String| TransportError::Refused {
            help: format!("if that is meant: --allow-host {host}"),
            host: host.clone(),
            why,
        };
        match &self.through {
            Some(through) if self.allowed.has(proxy) => {
                through(proxy).map_err(|error| refused(error.to_string()))
            }
            Some(_) | None => Err(refused("only the user may name a proxy".to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    type Log = Rc<RefCell<Vec<String>>>;

    /// Answers everything and writes down which way it came.
    struct Way(&'static str, Log);

    impl Transport for Way {
        fn send<'a>(
            &'a self,
            request: &'a HttpRequest,
        ) -> Job<'a, Result<HttpResponse, TransportError>> {
            self.1
                .borrow_mut()
                .push(format!("{} {}", self.0, request.url));
            Box::pin(async {
                Ok(HttpResponse {
                    status: 200,
                    body: Vec::new(),
                    retry_after: None,
                })
            })
        }
    }

    struct OnlyShop(Log);

    impl Namespaces for OnlyShop {
        fn state<'a>(
            &'a self,
            namespace: &'a str,
        ) -> Job<'a, Result<NamespaceState, ClusterError>> {
            self.0.borrow_mut().push(format!("namespace {namespace}"));
            Box::pin(async move {
                Ok(if namespace == "shop" {
                    NamespaceState::Exists
                } else {
                    NamespaceState::Absent
                })
            })
        }
    }

    fn routed(log: &Log) -> RoutedTransport {
        RoutedTransport::with(
            Box::new(Way("cluster", Rc::clone(log))),
            Box::new(Way("public", Rc::clone(log))),
            Box::new(Way("trusted", Rc::clone(log))),
            Box::new(OnlyShop(Rc::clone(log))),
            AllowList::parse(&["10.0.0.1"]).unwrap(),
        )
    }

    fn get(url: &str) -> HttpRequest {
        HttpRequest {
            method: "GET",
            url: url.to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
            timeout: Duration::from_secs(1),
        }
    }

    #[tokio::test]
    async fn each_address_goes_its_way_and_a_namespace_is_looked_up_once() {
        let log = Log::default();
        let routed = routed(&log);
        for url in [
            "http://web.shop:8080/x",
            "http://web.shop.svc/y",
            "https://example.com/",
            "http://10.0.0.1/",
        ] {
            routed.send(&get(url)).await.unwrap();
        }
        assert_eq!(
            *log.borrow(),
            [
                "namespace shop",
                "cluster http://web.shop.svc:8080/x",
                "cluster http://web.shop.svc:80/y",
                "namespace com",
                "public https://example.com/",
                "trusted http://10.0.0.1/",
            ]
        );
    }

    #[tokio::test]
    async fn a_spec_alone_sends_nothing_through_a_proxy() {
        let log = Log::default();
        let proxied = Rc::clone(&log);
        let routed = routed(&log).with_proxies(Box::new(move |_| {
            let way: Rc<dyn Transport> = Rc::new(Way("proxied", Rc::clone(&proxied)));
            Ok(way)
        }));
        assert!(routed.through("http://proxy.example:3128").is_err());
        let named = routed.through("http://10.0.0.1:3128").unwrap();
        named.send(&get("https://example.com/")).await.unwrap();
        assert_eq!(*log.borrow(), ["proxied https://example.com/"]);
    }

    #[tokio::test]
    async fn an_address_can_be_judged_without_a_request() {
        let log = Log::default();
        let routed = routed(&log);
        assert_eq!(routed.admits(&get("http://web.shop/")).await, Ok(()));
        assert_eq!(routed.admits(&get("https://example.com/")).await, Ok(()));
        assert!(routed.admits(&get("http://127.0.0.1/")).await.is_err());
        assert_eq!(*log.borrow(), ["namespace shop", "namespace com"]);
    }

    #[tokio::test]
    async fn a_refused_address_is_never_dialled() {
        let log = Log::default();
        let mut request = get("http://web.shop/");
        request
            .headers
            .push(("authorization".to_owned(), "Bearer x".to_owned()));
        let error = routed(&log).send(&request).await.unwrap_err();
        assert!(matches!(error, TransportError::Refused { .. }), "{error:?}");
        assert_eq!(*log.borrow(), ["namespace shop"]);
    }

    #[tokio::test]
    async fn a_host_whose_certificate_nobody_verifies_has_a_way_of_its_own() {
        let log = Log::default();
        let mut routed = routed(&log);
        routed.unverified = Some(Unverified {
            hosts: AllowList::parse(&["example.com", "10.0.0.1:443"]).unwrap(),
            public: Box::new(Way("unverified public", Rc::clone(&log))),
            trusted: Box::new(Way("unverified trusted", Rc::clone(&log))),
        });
        for url in [
            "https://example.com/",
            "https://example.org/",
            "https://10.0.0.1/",
        ] {
            routed.send(&get(url)).await.unwrap();
        }
        let log = log.borrow();
        let ways: Vec<&String> = log.iter().filter(|line| line.contains("https")).collect();
        assert_eq!(
            ways,
            [
                "unverified public https://example.com/",
                "public https://example.org/",
                "unverified trusted https://10.0.0.1/",
            ]
        );
    }
}
