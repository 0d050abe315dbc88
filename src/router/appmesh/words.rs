//! The objects of App Mesh as the two versions of its API write them.
//!
//! Must not look at live ones but for the selectors of services.

use crate::canary::duration;
use crate::canary::metadata::flux_opt_out;
use crate::canary::object::ObjectRef;
use crate::canary::object::Resource;
use crate::canary::service::IntOrString;
use crate::canary::spec::Canary;
use crate::canary::spec::Strategy;
use crate::canary::weight::Weight;
use crate::router::Facts;
use crate::router::sides::names;
use crate::router::weighted::Shape;
use crate::router::weighted::weighted;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;

const GROUP: &str = "appmesh.k8s.aws";
/// Annotation of the Canary that asks for access logs.
const ACCESS_LOG: &str = "appmesh.flagger.app/accesslog";

/// Objects by address, each as it is when it is new.
type Made = Vec<(ObjectRef, Value)>;

/// One version of the API.
pub(super) struct Version {
    /// The kind that carries the weights.
    pub route: Resource,
    /// Name of that object for those who call a service.
    called: fn(&Canary, &str) -> String,
    /// Its lists of targets.
    pub targets: Shape,
    /// Live objects that nodes are made of.
    pub sources: fn(&Canary) -> Vec<ObjectRef>,
    /// The nodes behind the routes.
    pub nodes: fn(&Canary, &Facts) -> Made,
    /// What those who call a service by that name meet, and the share of the canary among them.
    pub service: fn(&Canary, &str, Weight) -> Made,
    /// Field of a route over HTTP.
    http: &'static str,
    /// Limit of one try among several, milliseconds.
    per_try: fn(u64) -> (&'static str, Value),
    /// Does a route carry the limit of a request?
    limits: bool,
}

pub(super) const V1BETA1: Version = Version {
    route: Resource::new(GROUP, "v1beta1", "virtualservices", "VirtualService"),
    called: |canary, service| format!("{service}.{}", canary.namespace),
    targets: Shape {
        dotted: "spec.routes with weighted targets",
        names: &["/virtualNodeName"],
        is: |_, target, node| {
            target
                .get("virtualNodeName")
                .is_some_and(|name| name == node)
        },
        destination: |_, other, node| with(other, "virtualNodeName", json!(node)),
        weight: |weight| Some(json!(weight)),
        conditions: Some(("/action/weightedTargets", "/match/headers")),
    },
    sources: |_| Vec::new(),
    nodes: old_nodes,
    service: old_service,
    http: "http",
    per_try: |millis| ("perRetryTimeoutMillis", json!(millis)),
    limits: false,
};

pub(super) const V1BETA2: Version = Version {
    route: Resource::new(GROUP, "v1beta2", "virtualrouters", "VirtualRouter"),
    called: |_, service| service.to_owned(),
    targets: Shape {
        names: &["/virtualNodeRef/name"],
        is: |canary, target, node| {
            let named = target.get("virtualNodeRef").unwrap_or(&Value::Null);
            names(named, node, &[("namespace", &canary.namespace)])
        },
        destination: |_, other, node| with(other, "virtualNodeRef", json!({"name": node})),
        ..V1BETA1.targets
    },
    sources: |canary| sides(canary).map(|side| service(canary, &side)).to_vec(),
    nodes,
    service: router_and_service,
    http: "httpRoute",
    per_try: |millis| ("perRetryTimeout", in_millis(millis)),
    limits: true,
};

impl Version {
    /// The object with the weights of those who call that service.
    pub fn route(&self, canary: &Canary, service: &str) -> ObjectRef {
        let name = (self.called)(canary, service);
        self.route.in_namespace(&canary.namespace, &name)
    }

    fn node(&self, canary: &Canary, name: &str, mut spec: Value) -> (ObjectRef, Value) {
        let kind = Resource::new(GROUP, self.route.version, "virtualnodes", "VirtualNode");
        let address = kind.in_namespace(&canary.namespace, name);
        if canary
            .annotations
            .get(ACCESS_LOG)
            .is_some_and(|is| is == "enabled")
        {
            spec["logging"] = json!({"accessLog": {"file": {"path": "/dev/stdout"}}});
        }
        let mut metadata = metadata(&address);
        let mut annotations = flux_opt_out();
        if let Some(apex) = &canary.service.apex {
            metadata["labels"] = json!(apex.labels);
            let own = apex.annotations.iter();
            annotations.extend(own.map(|(key, value)| (key.clone(), json!(value))));
        }
        metadata["annotations"] = annotations.into();
        let manifest = manifest(&address, metadata, spec);
        (address, manifest)
    }

    /// Routes to the two nodes: one for everybody, or in A/B testing one for those who are meant before it.
    fn routes(&self, canary: &Canary, name: &str, share: Weight) -> Value {
        let sides = [
            (canary.canary_service_name(), share),
            (canary.primary_service_name(), share.rest()),
        ]
        .map(|(node, weight)| weighted(&self.targets, canary, None, &node, weight));
        let headers = headers(canary);
        if headers.is_null() || name != canary.apex_name() {
            return json!([{"name": name, self.http: self.rule(canary, &sides, None)}]);
        }
        let primary = canary.primary_service_name();
        let primary = weighted(&self.targets, canary, None, &primary, Weight::FULL);
        json!([
            {
                "name": format!("{name}-a"), "priority": 10,
                self.http: self.rule(canary, &sides, Some(headers)),
            },
            {"name": format!("{name}-b"), "priority": 20, self.http: self.rule(canary, &[primary], None)},
        ])
    }

    fn rule(&self, canary: &Canary, targets: &[Value], headers: Option<Value>) -> Value {
        let service = &canary.service;
        let uri = service.matches.first().and_then(|item| item.uri.as_ref());
        let uri = uri.and_then(|uri| serde_json::to_value(uri).ok());
        let prefix = uri.as_ref().and_then(|uri| uri["prefix"].as_str());
        let mut rule = json!({
            "match": {"prefix": prefix.filter(|prefix| !prefix.is_empty()).unwrap_or("/")},
            "action": {"weightedTargets": targets},
        });
        if let Some(headers) = headers {
            rule["match"]["headers"] = headers;
        }
        if let Some(retries) = &service.retries {
            let events = retries.retry_on.as_deref().unwrap_or("gateway-error");
            let (field, limit) =
                (self.per_try)(millis(retries.per_try_timeout.as_deref()).unwrap_or(250));
            rule["retryPolicy"] = json!({
                "maxRetries": retries.attempts.filter(|attempts| *attempts > 0).unwrap_or(1),
                "httpRetryEvents": events.split(',').collect::<Vec<_>>(),
                field: limit,
            });
        }
        if let Some(limit) = millis(service.timeout.as_deref()).filter(|_| self.limits) {
            rule["timeout"] = json!({"perRequest": in_millis(limit)});
        }
        rule
    }
}

/// Who is meant in A/B testing; `Null` where everybody is.
pub(super) fn headers(canary: &Canary) -> Value {
    match canary.strategy() {
        Strategy::AbTesting => {}
        Strategy::Canary | Strategy::BlueGreen => return Value::Null,
    }
    let all = canary
        .analysis
        .matches
        .iter()
        .flat_map(|item| &item.headers);
    all.map(|(name, wanted)| json!({"name": name, "match": wanted}))
        .collect()
}

fn old_nodes(canary: &Canary, _: &Facts) -> Made {
    let backends = canary.service.backends.iter();
    let backends: Vec<Value> = backends
        .map(|name| json!({"virtualService": {"virtualServiceName": name}}))
        .collect();
    let [primary, of_canary] = sides(canary);
    // Those who still call the node of the apex are the primary's.
    let behind = [
        (canary.apex_name(), &primary),
        (&primary, &primary),
        (&of_canary, &of_canary),
    ];
    let node = |(name, service): (&str, &String)| {
        let mut spec = json!({
            "meshName": canary.service.mesh_name,
            "listeners": [{"portMapping": port_mapping(canary, canary.service.port)}],
            "serviceDiscovery": {"dns": {"hostName": format!("{service}.{}", canary.namespace)}},
        });
        if !backends.is_empty() {
            spec["backends"] = json!(backends);
        }
        V1BETA1.node(canary, name, spec)
    };
    behind.map(node).to_vec()
}

fn old_service(canary: &Canary, name: &str, share: Weight) -> Made {
    let address = V1BETA1.route(canary, name);
    let spec = json!({
        "meshName": canary.service.mesh_name,
        "virtualRouter": {
            "name": name, "listeners": [{"portMapping": port_mapping(canary, canary.service.port)}],
        },
        "routes": V1BETA1.routes(canary, name, share),
    });
    let manifest = manifest(&address, at_gateway(canary, &address, name), spec);
    vec![(address, manifest)]
}

fn nodes(canary: &Canary, facts: &Facts) -> Made {
    let backends = canary.service.backends.iter();
    let backends: Vec<Value> = backends
        .map(|name| {
            let named = if name.starts_with("arn:aws") {
                json!({"virtualServiceARN": name})
            } else {
                json!({"virtualServiceRef": {"name": name}})
            };
            json!({"virtualService": named})
        })
        .collect();
    let node = |name: String| {
        let mut listener = json!({"portMapping": port_mapping(canary, pods_port(canary))});
        if let Some(limit) = millis(canary.service.timeout.as_deref()) {
            listener["timeout"] = json!({"http": {"perRequest": in_millis(limit)}});
        }
        let host = format!("{name}.{}.svc.cluster.local.", canary.namespace);
        let mut spec =
            json!({"listeners": [listener], "serviceDiscovery": {"dns": {"hostname": host}}});
        let behind = facts.get(&service(canary, &name));
        if let Some(labels) = behind.and_then(|service| service.pointer("/spec/selector")) {
            spec["podSelector"] = json!({"matchLabels": labels});
        }
        if !backends.is_empty() {
            spec["backends"] = json!(backends);
        }
        V1BETA2.node(canary, &name, spec)
    };
    sides(canary).map(node).to_vec()
}

fn router_and_service(canary: &Canary, name: &str, share: Weight) -> Made {
    let router = V1BETA2.route(canary, name);
    let spec = json!({
        "listeners": [{"portMapping": port_mapping(canary, pods_port(canary))}],
        "routes": V1BETA2.routes(canary, name, share),
    });
    let routes = manifest(&router, metadata(&router), spec);
    let kind = Resource::new(GROUP, "v1beta2", "virtualservices", "VirtualService");
    let service = kind.in_namespace(&canary.namespace, name);
    let spec = json!({"provider": {"virtualRouter": {"virtualRouterRef": {"name": name}}}});
    let provided = manifest(&service, at_gateway(canary, &service, name), spec);
    vec![(router, routes), (service, provided)]
}

fn sides(canary: &Canary) -> [String; 2] {
    [canary.primary_service_name(), canary.canary_service_name()]
}

fn service(canary: &Canary, name: &str) -> ObjectRef {
    Resource::SERVICE.in_namespace(&canary.namespace, name)
}

fn pods_port(canary: &Canary) -> u16 {
    match canary.service.target_port() {
        IntOrString::Int(port) => port,
        IntOrString::Name(_) => canary.service.port,
    }
}

fn port_mapping(canary: &Canary, port: u16) -> Value {
    let grpc = canary.service.port_name().contains("grpc");
    json!({"port": port, "protocol": if grpc { "grpc" } else { "http" }})
}

/// Metadata of a VirtualService; the one of the apex may be meant for a gateway.
fn at_gateway(canary: &Canary, address: &ObjectRef, name: &str) -> Value {
    let service = &canary.service;
    let mut metadata = metadata(address);
    if service.hosts.is_empty() || name != canary.apex_name() {
        return metadata;
    }
    let mut said = vec![
        ("expose", "true".to_owned()),
        // With the comma at the end that Flagger leaves.
        (
            "domain",
            service
                .hosts
                .iter()
                .map(|host| format!("{host},"))
                .collect(),
        ),
    ];
    said.extend(
        service
            .timeout
            .iter()
            .map(|limit| ("timeout", limit.clone())),
    );
    let attempts = service
        .retries
        .as_ref()
        .and_then(|retries| retries.attempts);
    let attempts = attempts.filter(|attempts| *attempts > 0);
    said.extend(attempts.map(|attempts| ("retries", attempts.to_string())));
    let annotations = said
        .into_iter()
        .map(|(key, value)| (format!("gateway.{GROUP}/{key}"), json!(value)));
    metadata["annotations"] = annotations.collect::<Map<_, _>>().into();
    metadata
}

fn metadata(address: &ObjectRef) -> Value {
    json!({"name": address.name, "namespace": address.namespace})
}

fn manifest(address: &ObjectRef, metadata: Value, spec: Value) -> Value {
    json!({"apiVersion": address.api_version(), "kind": address.kind, "metadata": metadata, "spec": spec})
}

fn with(other: Option<&Value>, field: &str, value: Value) -> Value {
    let mut target = other.cloned().unwrap_or_else(|| json!({}));
    target[field] = value;
    target
}

/// `None` where the text is no duration.
fn millis(text: Option<&str>) -> Option<u64> {
    u64::try_from(duration::parse(text?).ok()?.as_millis()).ok()
}

fn in_millis(millis: u64) -> Value {
    json!({"unit": "ms", "value": millis})
}
