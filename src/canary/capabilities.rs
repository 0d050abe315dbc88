//! What a traffic provider can do, declared as data.
//!
//! Must not know any provider.

use crate::canary::http_match::StringMatch;
use crate::canary::name::Word;
use crate::canary::spec::Canary;

/// What one traffic provider can do. Blue/Green needs nothing of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// Can it give the canary a share of the requests?
    pub weighted: bool,
    /// Can it send a copy of the requests to the canary?
    pub mirror: Mirroring,
    /// Which requests can it send to the canary in A/B testing?
    pub matches: Matching,
    /// Can it keep users on their version?
    pub session_affinity: Affinity,
    /// Is there only a share, and none of the above, when `service.appProtocol` is `tcp`?
    pub tcp_weights_only: bool,
    /// What it cannot do without.
    pub needs: &'static [Need],
    /// Fields of `spec.service` that it honours; all others of [`ServiceField`] it ignores.
    pub service: &'static [ServiceField],
}

/// When a provider can mirror.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mirroring {
    /// Never.
    No,
    /// In Blue/Green only.
    BlueGreen,
    /// In Blue/Green, and before the first weight.
    Always,
}

/// Which conditions of `analysis.match` a provider can express. All empty: no A/B testing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Matching {
    /// Ways to compare headers.
    pub headers: &'static [Comparison],
    /// Ways to compare parameters of the query.
    pub query_params: &'static [Comparison],
    /// Labels of the calling pod?
    pub source_labels: bool,
}

impl Matching {
    /// No A/B testing.
    pub const NONE: Self = Self {
        headers: &[],
        query_params: &[],
        source_labels: false,
    };

    pub(super) const fn is_none(&self) -> bool {
        self.headers.is_empty() && self.query_params.is_empty() && !self.source_labels
    }
}

/// The comparisons of [`StringMatch`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// Equal.
    Exact,
    /// Begins with it.
    Prefix,
    /// Ends with it.
    Suffix,
    /// Matches the expression.
    Regex,
    /// Is there.
    Present,
}

impl Comparison {
    pub(super) const fn of(wanted: &StringMatch) -> Self {
        match wanted {
            StringMatch::Exact(_) => Self::Exact,
            StringMatch::Prefix(_) => Self::Prefix,
            StringMatch::Suffix(_) => Self::Suffix,
            StringMatch::Regex(_) => Self::Regex,
            StringMatch::Present => Self::Present,
        }
    }

    /// As the spec has it; `{}` for what is only there.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Prefix => "prefix",
            Self::Suffix => "suffix",
            Self::Regex => "regex",
            Self::Present => "{}",
        }
    }
}

/// Whose users a provider can keep on their version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Affinity {
    /// Nobody's.
    No,
    /// The canary's.
    Canary,
    /// The canary's and the primary's.
    Both,
}

/// A field of the spec that a provider cannot do without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// `spec.service.gatewayRefs`
    GatewayRefs,
    /// `spec.ingressRef`
    IngressRef,
    /// `spec.routeRef`
    RouteRef,
    /// `spec.service.meshName`
    MeshName,
}

/// Fields of `spec.service` that are for routers, not for services.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServiceField {
    /// `hosts`
    Hosts,
    /// `gateways`
    Gateways,
    /// `gatewayRefs`
    GatewayRefs,
    /// `match`
    Match,
    /// `rewrite`
    Rewrite,
    /// `timeout`
    Timeout,
    /// `backendTimeout`
    BackendTimeout,
    /// `retries`
    Retries,
    /// `headers`
    Headers,
    /// `corsPolicy`
    CorsPolicy,
    /// `mirror`
    Mirror,
    /// `trafficPolicy`
    TrafficPolicy,
    /// `delegation`
    Delegation,
    /// `meshName`
    MeshName,
    /// `backends`
    Backends,
}

impl Word for ServiceField {
    const ALL: &'static [Self] = &[
        Self::Hosts,
        Self::Gateways,
        Self::GatewayRefs,
        Self::Match,
        Self::Rewrite,
        Self::Timeout,
        Self::BackendTimeout,
        Self::Retries,
        Self::Headers,
        Self::CorsPolicy,
        Self::Mirror,
        Self::TrafficPolicy,
        Self::Delegation,
        Self::MeshName,
        Self::Backends,
    ];

    fn as_str(self) -> &'static str {
        match self {
            Self::Hosts => "hosts",
            Self::Gateways => "gateways",
            Self::GatewayRefs => "gatewayRefs",
            Self::Match => "match",
            Self::Rewrite => "rewrite",
            Self::Timeout => "timeout",
            Self::BackendTimeout => "backendTimeout",
            Self::Retries => "retries",
            Self::Headers => "headers",
            Self::CorsPolicy => "corsPolicy",
            Self::Mirror => "mirror",
            Self::TrafficPolicy => "trafficPolicy",
            Self::Delegation => "delegation",
            Self::MeshName => "meshName",
            Self::Backends => "backends",
        }
    }
}

impl ServiceField {
    pub(super) fn is_set(self, canary: &Canary) -> bool {
        let service = &canary.service;
        match self {
            Self::Hosts => !service.hosts.is_empty(),
            Self::Gateways => !service.gateways.is_empty(),
            Self::GatewayRefs => !service.gateway_refs.is_empty(),
            Self::Match => !service.matches.is_empty(),
            Self::Rewrite => service.rewrite.is_some(),
            Self::Timeout => service.timeout.is_some(),
            Self::BackendTimeout => service.backend_timeout.is_some(),
            Self::Retries => service.retries.is_some(),
            Self::Headers => service.headers.is_some(),
            Self::CorsPolicy => service.cors_policy.is_some(),
            Self::Mirror => !service.mirror.is_empty(),
            Self::TrafficPolicy => service.traffic_policy.is_some(),
            Self::Delegation => service.delegation,
            Self::MeshName => service.mesh_name.is_some(),
            Self::Backends => !service.backends.is_empty(),
        }
    }
}
