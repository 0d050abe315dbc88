//! `spec.service`: how services and routes are made.
//!
//! Must not know which router uses which field.

use crate::canary::http_match::HttpMatch;
use crate::canary::name::Word;
use crate::canary::name::is_dns_label;
use crate::canary::problem::Finding;
use crate::canary::problem::ProblemKind;
use crate::canary::reader::At;
use crate::canary::routing::GatewayRef;
use crate::canary::routing::Headers;
use crate::canary::routing::MirrorFilter;
use crate::canary::routing::Retries;
use crate::canary::routing::Rewrite;
use crate::canary::routing::duration_text;
use crate::canary::routing::gateway_refs;
use crate::canary::routing::non_empty;
use crate::canary::shape::CORS_POLICY;
use crate::canary::shape::TRAFFIC_POLICY;
use serde_json::Value;
use std::collections::BTreeMap;

/// `spec.service` by Flagger's field names.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Service {
    /// Name of the apex service; the target's name where absent.
    pub name: Option<String>,
    /// Port of the services. 0 where the spec has no service, which only Knative and Service targets may do.
    pub port: u16,
    /// Name of that port; `http` where absent.
    pub port_name: Option<String>,
    /// Port of the pods; as `port` where absent or 0.
    pub target_port: Option<IntOrString>,
    /// Copied to the port; `tcp` switches Istio to TCP routes.
    pub app_protocol: Option<String>,
    /// Copied to the services.
    pub traffic_distribution: Option<TrafficDistribution>,
    /// Are the containers' other ports added?
    pub port_discovery: bool,
    /// Services without a cluster IP?
    pub headless: bool,
    /// Limit of a request, in the notation of the router.
    pub timeout: Option<String>,
    /// Limit of a request to one backend (Gateway API v1).
    pub backend_timeout: Option<String>,
    /// Istio gateways; `mesh` where empty.
    pub gateways: Vec<String>,
    /// Parents of an HTTPRoute.
    pub gateway_refs: Vec<GatewayRef>,
    /// Host names of the route.
    pub hosts: Vec<String>,
    /// An Istio VirtualService that another one delegates to?
    pub delegation: bool,
    /// Istio's, for both DestinationRules; fields checked.
    pub traffic_policy: Option<Value>,
    /// Conditions of the route.
    pub matches: Vec<HttpMatch>,
    /// Rewriting of requests.
    pub rewrite: Option<Rewrite>,
    /// Retries by the router.
    pub retries: Option<Retries>,
    /// Changes of headers.
    pub headers: Option<Headers>,
    /// Permanent mirrors (Gateway API), unlike `analysis.mirror`.
    pub mirror: Vec<MirrorFilter>,
    /// Istio's; fields checked.
    pub cors_policy: Option<Value>,
    /// App Mesh.
    pub mesh_name: Option<String>,
    /// App Mesh.
    pub backends: Vec<String>,
    /// Metadata of the apex service and of the route.
    pub apex: Option<Metadata>,
    /// Metadata of the primary service.
    pub primary: Option<Metadata>,
    /// Metadata of the canary service.
    pub canary: Option<Metadata>,
    /// Keys that are left alone on services we own.
    pub unmanaged_metadata: UnmanagedMetadata,
}

/// A port by number or by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IntOrString {
    /// By number.
    Int(u16),
    /// By name.
    Name(String),
}

impl IntOrString {
    /// As JSON has it.
    #[must_use]
    pub fn to_value(&self) -> Value {
        match self {
            Self::Int(number) => Value::from(*number),
            Self::Name(name) => Value::from(name.as_str()),
        }
    }
}

/// `trafficDistribution` of a Service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrafficDistribution {
    /// Endpoints of the same zone, by its older name.
    PreferClose,
    /// Endpoints of the same zone.
    PreferSameZone,
    /// Endpoints of the same node.
    PreferSameNode,
}

impl Word for TrafficDistribution {
    const ALL: &'static [Self] = &[
        Self::PreferClose,
        Self::PreferSameZone,
        Self::PreferSameNode,
    ];

    fn as_str(self) -> &'static str {
        match self {
            Self::PreferClose => "PreferClose",
            Self::PreferSameZone => "PreferSameZone",
            Self::PreferSameNode => "PreferSameNode",
        }
    }
}

/// Extra labels and annotations.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata {
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Annotations.
    pub annotations: BTreeMap<String, String>,
}

/// Keys of metadata that are left alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UnmanagedMetadata {
    /// Keys of labels.
    pub labels: Vec<String>,
    /// Keys of annotations.
    pub annotations: Vec<String>,
}

impl Service {
    /// `http` where the spec has none.
    #[must_use]
    pub fn port_name(&self) -> &str {
        self.port_name.as_deref().unwrap_or("http")
    }

    /// Port of the pods: `port` where `targetPort` is absent or 0.
    #[must_use]
    pub fn target_port(&self) -> IntOrString {
        match &self.target_port {
            Some(IntOrString::Int(0)) | None => IntOrString::Int(self.port),
            Some(port) => port.clone(),
        }
    }

    /// Are raw TCP connections split instead of requests?
    #[must_use]
    pub fn is_tcp(&self) -> bool {
        self.app_protocol
            .as_deref()
            .is_some_and(|protocol| protocol.eq_ignore_ascii_case("tcp"))
    }

    pub(super) fn read(at: At<'_>) -> Option<Self> {
        let mut fields = at.fields()?;
        let port = fields.required("port", At::port);
        let name_pointer = fields.pointer("name");
        let sink = fields.at.sink;
        let name = fields.optional("name", service_name);
        // `<name>-primary` has to be a name of a service as well.
        if let Some(name) = &name
            && name.len() > 55
        {
            sink.error(Finding::at_value(
                ProblemKind::WrongValue,
                &name_pointer,
                "too long",
                "spec.service.name may have 55 characters, since -primary is appended and a service's name has at most 63".to_owned(),
            ));
        }
        let read = Self {
            name,
            port: 0,
            port_name: fields.optional("portName", non_empty),
            target_port: fields.optional("targetPort", int_or_string),
            app_protocol: fields.optional("appProtocol", non_empty),
            traffic_distribution: fields.optional("trafficDistribution", At::word),
            port_discovery: fields.optional("portDiscovery", At::flag).unwrap_or(false),
            headless: fields.optional("headless", At::flag).unwrap_or(false),
            timeout: fields.optional("timeout", duration_text),
            backend_timeout: fields.optional("backendTimeout", duration_text),
            gateways: fields.optional("gateways", At::texts).unwrap_or_default(),
            gateway_refs: fields
                .optional("gatewayRefs", gateway_refs)
                .unwrap_or_default(),
            hosts: fields.optional("hosts", At::texts).unwrap_or_default(),
            delegation: fields.optional("delegation", At::flag).unwrap_or(false),
            traffic_policy: fields.optional("trafficPolicy", |at| TRAFFIC_POLICY.check(at)),
            matches: fields
                .optional("match", |at| at.list(HttpMatch::read))
                .unwrap_or_default(),
            rewrite: fields.optional("rewrite", Rewrite::read),
            retries: fields.optional("retries", Retries::read),
            headers: fields.optional("headers", Headers::read),
            mirror: fields
                .optional("mirror", |at| at.list(MirrorFilter::read))
                .unwrap_or_default(),
            cors_policy: fields.optional("corsPolicy", |at| CORS_POLICY.check(at)),
            mesh_name: fields.optional("meshName", non_empty),
            backends: fields.optional("backends", At::texts).unwrap_or_default(),
            apex: fields.optional("apex", Metadata::read),
            primary: fields.optional("primary", Metadata::read),
            canary: fields.optional("canary", Metadata::read),
            unmanaged_metadata: fields
                .optional("unmanagedMetadata", UnmanagedMetadata::read)
                .unwrap_or_default(),
        };
        if read.delegation {
            for (name, set) in [
                ("hosts", !read.hosts.is_empty()),
                ("gateways", !read.gateways.is_empty()),
            ] {
                if set {
                    sink.error(
                        Finding::at_key(
                            ProblemKind::Conflict,
                            &fields.pointer(name),
                            "not with delegation",
                            format!("spec.service.{name} and spec.service.delegation exclude each other"),
                        )
                        .help("the VirtualService that delegates to this one has the hosts and gateways"),
                    );
                }
            }
        }
        fields.close();
        Some(Self {
            port: port?,
            ..read
        })
    }
}

fn service_name(at: At<'_>) -> Option<String> {
    match at.value {
        Value::String(text) if text.is_empty() => None,
        _ => at.label_name(),
    }
}

fn int_or_string(at: At<'_>) -> Option<IntOrString> {
    match at.value {
        Value::String(name) => {
            if name.len() <= 15 && is_dns_label(name) {
                return Some(IntOrString::Name(name.clone()));
            }
            at.refuse(
                "no port",
                "is neither a port nor the name of one",
                "a number from 1 to 65535 without quotes, or a name of at most 15 letters a-z, digits and -",
            );
            None
        }
        _ => {
            let number = at.whole(0..=65535)?;
            u16::try_from(number).ok().map(IntOrString::Int)
        }
    }
}

impl Metadata {
    fn read(at: At<'_>) -> Option<Self> {
        let mut fields = at.fields()?;
        let read = Self {
            labels: fields.optional("labels", At::text_map).unwrap_or_default(),
            annotations: fields
                .optional("annotations", At::text_map)
                .unwrap_or_default(),
        };
        fields.close();
        Some(read)
    }
}

impl UnmanagedMetadata {
    fn read(at: At<'_>) -> Option<Self> {
        let mut fields = at.fields()?;
        let read = Self {
            labels: fields.optional("labels", At::texts).unwrap_or_default(),
            annotations: fields
                .optional("annotations", At::texts)
                .unwrap_or_default(),
        };
        fields.close();
        Some(read)
    }
}
