//! What is no plain object: discovery, access reviews, the scale subresource and the service proxy.

use crate::sandbox::discovery;
use crate::sandbox::failure::Failure;
use crate::sandbox::faults::Faults;
use crate::sandbox::faults::RequestInfo;
use crate::sandbox::kinds::ApiKind;
use crate::sandbox::openapi;
use crate::sandbox::patch;
use crate::sandbox::patch::PatchType;
use crate::sandbox::proxy;
use crate::sandbox::proxy::ProxyRequest;
use crate::sandbox::requests::Answer;
use crate::sandbox::requests::ApiRequest;
use crate::sandbox::requests::writer;
use crate::sandbox::route::Route;
use crate::sandbox::route::Target;
use crate::sandbox::scale;
use crate::sandbox::shared::Shared;
use crate::sandbox::shared::lock;
use crate::sandbox::store::ObjectKey;
use crate::sandbox::store::Store;
use crate::sandbox::tree;
use crate::sandbox::writes;
use crate::sandbox::writes::Part;
use http::Method;
use serde_json::json;

/// Discovery, version and health.
pub(in crate::sandbox) fn about_itself(
    store: &Store,
    request: &ApiRequest,
) -> Result<Answer, Failure> {
    let aggregated = request.accept.contains(discovery::AGGREGATED_PARAMETERS);
    let document = match &request.route {
        Route::CoreVersions | Route::Groups if aggregated => {
            let document = discovery::aggregated(store, request.route == Route::CoreVersions);
            let bytes = document.to_string().into_bytes();
            return Ok(Answer::Document(discovery::AGGREGATED, bytes));
        }
        Route::OpenApiV2 if request.accept.contains(openapi::V2_PROTOBUF) => {
            let bytes = openapi::v2_protobuf();
            return Ok(Answer::Document(openapi::V2_PROTOBUF, bytes));
        }
        Route::OpenApiV2 => openapi::v2(),
        Route::OpenApiV3 => openapi::v3_index(store),
        Route::OpenApiV3Of(group, version) => openapi::v3(store, group, version)?,
        Route::Version => discovery::version(),
        Route::Health => return Ok(Answer::Text("ok".to_owned())),
        Route::CoreVersions => discovery::core_versions(),
        Route::Groups => discovery::all_groups(store),
        Route::Group(group) => discovery::group(store, group)?,
        Route::Resources(group, version) => discovery::resources(store, group, version)?,
        Route::Objects(_) | Route::Unknown => return Err(Failure::no_such_path()),
    };
    Ok(Answer::Json(200, document))
}

/// `SelfSubjectAccessReview`: allowed, unless a fault will forbid it.
pub(in crate::sandbox) fn review(
    faults: &Faults,
    request: &ApiRequest,
    target: &Target,
) -> Option<Result<Answer, Failure>> {
    let asked = target.group == "authorization.k8s.io"
        && target.plural == "selfsubjectaccessreviews"
        && request.method == Method::POST;
    asked.then(|| {
        let mut review = patch::parse(&request.body)?;
        let attribute = |name: &str| {
            tree::text(&review, &format!("/spec/resourceAttributes/{name}")).to_owned()
        };
        let info = RequestInfo {
            verb: attribute("verb"),
            group: attribute("group"),
            resource: attribute("resource"),
            subresource: attribute("subresource"),
            namespace: attribute("namespace"),
            name: attribute("name"),
        };
        let status = json!({"allowed": !faults.forbids(&info)});
        tree::set(&mut review, &["status"], status);
        Ok(Answer::Json(201, review))
    })
}

/// What a kubelet would answer.
pub(super) fn refused(shared: &Shared, kind: &ApiKind, target: &Target) -> Result<Answer, Failure> {
    let key = ObjectKey::new(kind, &target.namespace, &target.name);
    if shared.read(|state| state.store.get(&key).is_none()) {
        return Err(Failure::not_found(kind, &target.name));
    }
    Err(Failure::not_implemented(format!(
        "the embedded cluster runs no containers, so pod {} has no {}",
        target.name,
        match target.subresource.as_str() {
            "log" => "logs",
            "portforward" => "ports to forward",
            _ => "process to talk to",
        }
    )))
}

pub(super) fn scaled(
    shared: &Shared,
    kind: &ApiKind,
    target: &Target,
    request: &ApiRequest,
    info: &RequestInfo,
) -> Result<Answer, Failure> {
    let key = ObjectKey::new(kind, &target.namespace, &target.name);
    let write = writer(shared, kind, target, request, Part::Main);
    shared.write(|state| {
        let current = state.store.get(&key).cloned();
        let current = current.ok_or_else(|| Failure::not_found(kind, &target.name))?;
        let wanted = match info.verb.as_str() {
            "get" => return Ok(Answer::Json(200, scale::of(&current))),
            "update" => patch::parse(&request.body)?,
            "patch" => {
                let patch_type = PatchType::of(&request.content_type, kind)?;
                patch::patched(&scale::of(&current), patch_type, &request.body)?
            }
            _ => return Err(Failure::method_not_allowed()),
        };
        let change = scale::change(&wanted).to_string();
        let (object, _) = writes::patch(
            &mut state.store,
            &write,
            &target.namespace,
            &target.name,
            PatchType::Merge,
            change.as_bytes(),
            false,
        )?;
        Ok(Answer::Json(200, scale::of(&object)))
    })
}

pub(super) fn proxied(
    shared: &Shared,
    kind: &ApiKind,
    target: &Target,
    request: &ApiRequest,
) -> Result<Answer, Failure> {
    shared.read(|state| {
        proxy::check_reachable(&state.store, kind, &target.namespace, &target.name)
    })?;
    let (scheme, service, port) = proxy::split_name(&target.name)?;
    let mut path_and_query = if target.rest.is_empty() {
        "/".to_owned()
    } else {
        target.rest.clone()
    };
    if !request.raw_query.is_empty() {
        path_and_query.push('?');
        path_and_query.push_str(&request.raw_query);
    }
    let arriving = ProxyRequest {
        namespace: target.namespace.clone(),
        service: service.clone(),
        scheme,
        port,
        method: request.method.to_string(),
        path_and_query,
        body: request.body.to_vec(),
    };
    // the cluster is not locked here: the hook looks at its objects
    match lock(&shared.proxy).as_ref() {
        Some(hook) => Ok(Answer::Proxied(hook(arriving))),
        None => Err(Failure::unavailable(format!(
            "error trying to reach service: dial tcp: connection refused ({service})"
        ))),
    }
}
