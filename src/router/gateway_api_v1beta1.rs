//! Gateway API v1beta1: the HTTPRoute of `gatewayapi:v1` in the version before.
//!
//! An API server serves both versions of one object. Timeouts and CORS are not part of it in Flagger, and are left out
//! here too.
//! <https://gateway-api.sigs.k8s.io/reference/spec/#httproute>

use crate::canary::capabilities::Capabilities;
use crate::canary::capabilities::ServiceField;
use crate::canary::object::ObjectRef;
use crate::canary::object::Resource;
use crate::canary::spec::Canary;
use crate::canary::weight::Proof;
use crate::canary::weight::Routes;
use crate::router::Change;
use crate::router::Facts;
use crate::router::RouteError;
use crate::router::TrafficProvider;
use crate::router::gateway_api;
use serde_json::json;

pub(super) const PROVIDER: TrafficProvider = TrafficProvider {
    name: "gatewayapi:v1beta1",
    summary: "Gateway API before v1: HTTPRoute weights",
    resource: HTTP_ROUTE,
    capabilities: Capabilities {
        service: &[
            ServiceField::Hosts,
            ServiceField::GatewayRefs,
            ServiceField::Match,
            ServiceField::Rewrite,
            ServiceField::Headers,
            ServiceField::Mirror,
        ],
        ..gateway_api::PROVIDER.capabilities
    },
    route,
    prepare,
    routes,
    set_routes,
    proof,
    ..gateway_api::PROVIDER
};

const HTTP_ROUTE: Resource = Resource::new(
    "gateway.networking.k8s.io",
    "v1beta1",
    "httproutes",
    "HTTPRoute",
);

fn route(canary: &Canary) -> ObjectRef {
    HTTP_ROUTE.in_namespace(&canary.namespace, canary.apex_name())
}

/// What v1 is asked instead.
fn as_v1(canary: &Canary, facts: &Facts) -> (Canary, Facts) {
    let mut asked = canary.clone();
    asked.service.timeout = None;
    asked.service.backend_timeout = None;
    asked.service.cors_policy = None;
    let (own, v1) = (route(canary), (gateway_api::PROVIDER.route)(canary));
    let renamed = facts.iter().map(|(address, live)| {
        let address = if *address == own { &v1 } else { address };
        (address.clone(), live.clone())
    });
    (asked, renamed.collect())
}

/// Its answer.
fn from_v1(canary: &Canary, changes: Vec<Change>) -> Vec<Change> {
    let own = route(canary);
    let of_route = |address: &ObjectRef| address.plural == own.plural;
    changes
        .into_iter()
        .map(|change| match change {
            Change::Create(address, mut manifest) if of_route(&address) => {
                manifest["apiVersion"] = json!(own.api_version());
                Change::Create(own.clone(), manifest)
            }
            Change::Patch(address, operations) if of_route(&address) => {
                Change::Patch(own.clone(), operations)
            }
            other @ (Change::Create(..) | Change::Patch(..)) => other,
        })
        .collect()
}

fn prepare(canary: &Canary, facts: &Facts) -> Result<Vec<Change>, RouteError> {
    let (asked, facts) = as_v1(canary, facts);
    let changes = (gateway_api::PROVIDER.prepare)(&asked, &facts)?;
    Ok(from_v1(canary, changes))
}

fn routes(canary: &Canary, facts: &Facts) -> Result<Option<Routes>, RouteError> {
    let (asked, facts) = as_v1(canary, facts);
    (gateway_api::PROVIDER.routes)(&asked, &facts)
}

fn set_routes(canary: &Canary, facts: &Facts, wish: Routes) -> Result<Vec<Change>, RouteError> {
    let (asked, facts) = as_v1(canary, facts);
    let changes = (gateway_api::PROVIDER.set_routes)(&asked, &facts, wish)?;
    Ok(from_v1(canary, changes))
}

fn proof(canary: &Canary, facts: &Facts) -> Proof {
    let (asked, facts) = as_v1(canary, facts);
    (gateway_api::PROVIDER.proof)(&asked, &facts)
}
