//! The API server's way to a Service: `/api/v1/namespaces/NS/services/[SCHEME:]NAME[:PORT]/proxy/…`.

use crate::sandbox::failure::Failure;
use crate::sandbox::kinds::ApiKind;
use crate::sandbox::store::ObjectKey;
use crate::sandbox::store::Store;
use crate::sandbox::tree;
use serde_json::Value;

/// A request that arrives at a Service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProxyRequest {
    /// Of the Service.
    pub namespace: String,
    /// The Service's name.
    pub service: String,
    /// `http` or `https`.
    pub scheme: String,
    /// Name or number as asked; empty for the only one.
    pub port: String,
    /// Such as `GET`.
    pub method: String,
    /// With its leading slash.
    pub path_and_query: String,
    /// Empty for `GET`.
    pub body: Vec<u8>,
}

/// What the Service answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProxyResponse {
    /// HTTP status.
    pub status: u16,
    /// Such as `application/json`.
    pub content_type: String,
    /// What is answered.
    pub body: Vec<u8>,
}

/// Answers for all Services. It may look at the cluster's objects.
pub type ProxyHook = Box<dyn Fn(ProxyRequest) -> ProxyResponse + Send>;

/// Scheme, name and port of the Service in a proxied path.
pub(super) fn split_name(id: &str) -> Result<(String, String, String), Failure> {
    let parts: Vec<&str> = id.split(':').collect();
    let (scheme, name, port) = match parts.as_slice() {
        [name] => ("", *name, ""),
        [name, port] => ("", *name, *port),
        [scheme @ ("" | "http" | "https"), name, port] => (*scheme, *name, *port),
        _ => ("", "", ""),
    };
    if name.is_empty() {
        return Err(Failure::bad_request(format!(
            "invalid service request \"{id}\""
        )));
    }
    let scheme = if scheme.is_empty() { "http" } else { scheme };
    Ok((scheme.to_owned(), name.to_owned(), port.to_owned()))
}

/// Is there an endpoint behind that port of the Service?
pub(super) fn check_reachable(
    store: &Store,
    kind: &ApiKind,
    namespace: &str,
    id: &str,
) -> Result<(), Failure> {
    let (_, name, port) = split_name(id)?;
    let service = store
        .get(&ObjectKey::of("", "services", namespace, &name))
        .ok_or_else(|| Failure::not_found(kind, &name))?;
    let mut port_name = port.clone();
    if let Ok(number) = port.parse::<i64>() {
        let found = tree::items(service, "/spec/ports")
            .iter()
            .find(|port| tree::int(port, "/port") == Some(number));
        let Some(found) = found else {
            return Err(Failure::unavailable(format!(
                "no service port {number} found for service \"{name}\""
            )));
        };
        tree::text(found, "/name").clone_into(&mut port_name);
    }
    let endpoints = store.get(&ObjectKey::of("", "endpoints", namespace, &name));
    let Some(endpoints) = endpoints else {
        return Err(Failure::unavailable(format!(
            "endpoints \"{name}\" not found"
        )));
    };
    let subsets = tree::items(endpoints, "/subsets");
    if subsets.is_empty() {
        return Err(Failure::unavailable(format!(
            "no endpoints available for service \"{name}\""
        )));
    }
    let serves = |subset: &Value| {
        let ports = tree::items(subset, "/ports");
        let found = if port.is_empty() {
            ports.len() == 1
        } else {
            ports
                .iter()
                .any(|port| tree::text(port, "/name") == port_name)
        };
        found && !tree::items(subset, "/addresses").is_empty()
    };
    if subsets.iter().any(serves) {
        Ok(())
    } else {
        Err(Failure::unavailable(format!(
            "no endpoints available for service \"{id}\""
        )))
    }
}
