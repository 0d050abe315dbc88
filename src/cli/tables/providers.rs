//! Tables of the traffic providers, from their registry.

use crate::canary::capabilities::Affinity;
use crate::canary::capabilities::Capabilities;
use crate::canary::capabilities::Mirroring;
use crate::canary::capabilities::Need;
use crate::canary::name::Word as _;
use crate::canary::object::Resource;
use crate::canary::spec::API_VERSION;
use crate::canary::spec::Canary;
use crate::router::PROVIDERS;
use crate::router::QuerySite;
use crate::router::TrafficProvider;
use serde_json::json;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Object and honoured fields of each.
#[must_use]
pub fn objects() -> String {
    let mut text = String::from(
        "| `spec.provider` | Object | Of `spec.service` it honours |\n|---|---|---|\n",
    );
    for provider in PROVIDERS {
        let fields = provider.capabilities.service.iter();
        let fields = fields.map(|field| format!("`{}`", field.as_str()));
        row(
            &mut text,
            &[
                format!("`{}`", provider.name),
                format!(
                    "`{}` `{}`",
                    provider.resource.kind, provider.resource.version
                ),
                listed(fields.collect()),
            ],
        );
    }
    text
}

/// What each can do.
#[must_use]
pub fn strategies() -> String {
    let mut text = String::from(
        "| `spec.provider` | Router | Weights | A/B testing by | Mirroring | Affinity | It needs |\n|---|---|---|---|---|---|---|\n",
    );
    for provider in PROVIDERS {
        let capabilities = &provider.capabilities;
        let (about, _) = provider.summary.split_once(": ").unwrap_or_default();
        let weights = match (capabilities.weighted, capabilities.tcp_weights_only) {
            (false, true | false) => "–",
            (true, true) => "yes; with `appProtocol: tcp` nothing else",
            (true, false) => "yes",
        };
        let mirroring = match capabilities.mirror {
            Mirroring::No => "–",
            Mirroring::BlueGreen => "Blue/Green",
            Mirroring::Always => "yes",
        };
        let affinity = match capabilities.session_affinity {
            Affinity::No => "–",
            Affinity::Canary => "the canary's users",
            Affinity::Both => "yes",
        };
        let needs = capabilities.needs.iter().map(|need| {
            let field = match need {
                Need::GatewayRefs => "`spec.service.gatewayRefs`",
                Need::IngressRef => "`spec.ingressRef`",
                Need::RouteRef => "`spec.routeRef`",
                Need::MeshName => "`spec.service.meshName`",
            };
            field.to_owned()
        });
        row(
            &mut text,
            &[
                format!("`{}`", provider.name),
                linked(about, provider.install),
                weights.to_owned(),
                matching(capabilities),
                mirroring.to_owned(),
                affinity.to_owned(),
                listed(needs.collect()),
            ],
        );
    }
    text
}

/// The name, with where to get it if that is an address.
fn linked(name: &str, install: &str) -> String {
    if install.starts_with("https://") {
        format!("[{name}]({install})")
    } else {
        name.to_owned()
    }
}

fn matching(capabilities: &Capabilities) -> String {
    let matches = &capabilities.matches;
    let words = [
        ("headers", matches.headers),
        ("queryParams", matches.query_params),
    ];
    let mut all: Vec<String> = words
        .into_iter()
        .filter(|(_, comparisons)| !comparisons.is_empty())
        .map(|(field, comparisons)| {
            let names: Vec<&str> = comparisons.iter().map(|one| one.as_str()).collect();
            format!("`{field}` ({})", names.join(", "))
        })
        .collect();
    if matches.source_labels {
        all.push("`sourceLabels`".to_owned());
    }
    listed(all)
}

/// The expressions of the built-in checks.
#[must_use]
pub fn queries() -> String {
    let mut text = String::from(
        "| `spec.provider` | `request-success-rate`, `request-duration` |\n|---|---|\n",
    );
    let site = QuerySite {
        namespace: "NS",
        target: "TARGET",
        service: "SERVICE",
        ingress: "INGRESS",
        route: "ROUTE",
        interval: "1m",
    };
    for provider in PROVIDERS {
        let asked = [
            (provider.queries.success_rate)(&site),
            (provider.queries.duration)(&site),
        ];
        row(
            &mut text,
            &[
                format!("`{}`", provider.name),
                asked.map(|query| format!("`{query}`")).join("<br>"),
            ],
        );
    }
    text
}

/// The rights that routes need, as a Role.
#[must_use]
pub fn rights() -> String {
    let mut rules: BTreeMap<(String, String), (bool, Vec<&str>)> = BTreeMap::new();
    // Where the route is the target, its rights are the target's.
    let routed = |provider: &&&TrafficProvider| provider.resource != Resource::KNATIVE_SERVICE;
    for provider in PROVIDERS.iter().filter(routed) {
        for (watched, group, plural) in touched(provider) {
            let rule = rules.entry((group, plural)).or_default();
            rule.0 |= watched;
            if !rule.1.contains(&provider.name) {
                rule.1.push(provider.name);
            }
        }
    }
    let mut text = String::from(
        "```yaml\napiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata:\n  \
         name: flagger-driver-routes\n  namespace: shop\nrules:\n",
    );
    for ((group, plural), (watched, providers)) in rules {
        let group = if group.is_empty() { "\"\"" } else { &group };
        let verbs = if watched { "get, list, watch" } else { "get" };
        // A `String` takes everything.
        let _ = writeln!(
            text,
            "  # {}\n  - apiGroups: [{group}]\n    resources: [{plural}]\n    verbs: [{verbs}, create, patch]",
            providers.join(", ")
        );
    }
    text + "```\n"
}

/// Group and plural of what a provider touches, and whether it is watched.
fn touched(provider: &TrafficProvider) -> Vec<(bool, String, String)> {
    let sample = json!({
        "apiVersion": API_VERSION, "kind": "Canary", "metadata": {"name": "sample"},
        "spec": {
            "targetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "sample"},
            "service": {"port": 80}, "analysis": {"interval": "1m", "threshold": 1, "stepWeight": 10},
        },
    });
    let Ok((canary, _)) = Canary::from_value(&sample) else {
        return Vec::new();
    };
    let route = (provider.route)(&canary);
    let beside = (provider.beside)(&canary);
    // Rights to what belongs to no namespace are no part of a Role.
    let own = [(true, route)].into_iter();
    own.chain(beside.into_iter().map(|address| (false, address)))
        .filter(|(_, address)| address.namespace.is_some())
        .map(|(watched, address)| (watched, address.group, address.plural))
        .collect()
}

fn listed(words: Vec<String>) -> String {
    if words.is_empty() {
        "–".to_owned()
    } else {
        words.join(", ")
    }
}

fn row(text: &mut String, cells: &[String]) {
    // A `String` takes everything.
    let _ = writeln!(text, "| {} |", cells.join(" | "));
}
