//! Requests about objects, from parsed path and query to the answer.

mod removal;
pub(super) mod special;

use crate::sandbox::creates;
use crate::sandbox::failure::Failure;
use crate::sandbox::faults::RequestInfo;
use crate::sandbox::kinds::ApiKind;
use crate::sandbox::patch;
use crate::sandbox::patch::PatchType;
use crate::sandbox::proxy::ProxyResponse;
use crate::sandbox::route::Query;
use crate::sandbox::route::Route;
use crate::sandbox::route::Target;
use crate::sandbox::selectors::Selector;
use crate::sandbox::shared::Shared;
use crate::sandbox::store::ObjectKey;
use crate::sandbox::table::TableFormat;
use crate::sandbox::tree;
use crate::sandbox::watches::WatchSpec;
use crate::sandbox::writes;
use crate::sandbox::writes::FieldValidation;
use crate::sandbox::writes::Part;
use crate::sandbox::writes::Write;
use crate::sandbox::writes::as_version;
use bytes::Bytes;
use http::Method;
use serde_json::Value;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

/// A request as it came.
#[derive(Clone, Debug)]
pub(super) struct ApiRequest {
    pub(super) method: Method,
    pub(super) route: Route,
    pub(super) query: Query,
    pub(super) raw_query: String,
    pub(super) content_type: String,
    pub(super) accept: String,
    pub(super) user_agent: String,
    pub(super) body: Bytes,
}

/// An answer that is no refusal.
#[derive(Debug)]
pub(super) enum Answer {
    Json(u16, Value),
    Text(String),
    /// A document of another media type than JSON's usual one.
    Document(&'static str, Vec<u8>),
    Proxied(ProxyResponse),
    Watch(Box<WatchSpec>),
}

/// Everything about objects.
pub(super) fn handle(
    shared: &Arc<Shared>,
    kind: &Arc<ApiKind>,
    target: &Target,
    request: &ApiRequest,
    info: &RequestInfo,
) -> Result<Answer, Failure> {
    if !kind.namespaced && !target.namespace.is_empty() {
        return Err(Failure::no_such_path());
    }
    if kind.qualified() == "services" && target.subresource == "proxy" {
        return special::proxied(shared, kind, target, request);
    }
    let part = match target.subresource.as_str() {
        "" => Part::Main,
        "status" if kind.status => Part::Status,
        "scale" if kind.scale => return special::scaled(shared, kind, target, request, info),
        "log" | "exec" | "attach" | "portforward" if kind.qualified() == "pods" => {
            return special::refused(shared, kind, target);
        }
        _ => return Err(Failure::no_such_path()),
    };
    let table = table_asked(request);
    if kind.namespaced
        && target.namespace.is_empty()
        && !matches!(info.verb.as_str(), "list" | "watch")
    {
        return Err(Failure::method_not_allowed());
    }
    let key = ObjectKey::new(kind, &target.namespace, &target.name);
    match info.verb.as_str() {
        "get" => shared.read(|state| match state.store.get(&key) {
            Some(object) => {
                let object = as_version(object, kind, &target.version);
                let document = match table {
                    Some(format) => {
                        let version = tree::text(&object, "/metadata/resourceVersion");
                        format.table(kind, [&object], version, shared.now())
                    }
                    None => object,
                };
                Ok(Answer::Json(200, document))
            }
            None => Err(Failure::not_found(kind, &target.name)),
        }),
        "list" => list(shared, kind, target, request),
        "watch" => watch(kind, target, request),
        "delete" => removal::delete(shared, kind, &key, request),
        "deletecollection" => removal::delete_all(shared, kind, target, request),
        "create" if target.name.is_empty() => {
            let body = patch::parse(&request.body)?;
            let write = writer(shared, kind, target, request, part);
            let object = shared.write(|state| {
                creates::create(&mut state.store, &write, &target.namespace, body)
            })?;
            Ok(Answer::Json(
                201,
                as_version(&object, kind, &target.version),
            ))
        }
        "update" if !target.name.is_empty() => {
            let body = patch::parse(&request.body)?;
            let write = writer(shared, kind, target, request, part);
            let object = shared.write(|state| {
                writes::replace(
                    &mut state.store,
                    &write,
                    &target.namespace,
                    &target.name,
                    body,
                )
            })?;
            Ok(Answer::Json(
                200,
                as_version(&object, kind, &target.version),
            ))
        }
        "patch" if !target.name.is_empty() => patched(shared, kind, target, request, part),
        _ => Err(Failure::method_not_allowed()),
    }
}

fn table_asked(request: &ApiRequest) -> Option<TableFormat> {
    TableFormat::asked(&request.accept, request.query.get("includeObject"))
}

fn manager(request: &ApiRequest) -> &str {
    let named = request.query.get("fieldManager");
    if !named.is_empty() {
        return named;
    }
    match request.user_agent.split('/').next() {
        Some(agent) if !agent.is_empty() => agent,
        _ => "unknown",
    }
}

fn writer<'a>(
    shared: &Shared,
    kind: &'a ApiKind,
    target: &'a Target,
    request: &'a ApiRequest,
    part: Part,
) -> Write<'a> {
    Write {
        kind,
        version: &target.version,
        manager: manager(request),
        part,
        dry_run: request.query.get("dryRun") == "All",
        validation: if request.query.get("fieldValidation") == "Strict" {
            FieldValidation::Strict
        } else {
            FieldValidation::Drop
        },
        now: shared.now(),
    }
}

fn patched(
    shared: &Shared,
    kind: &ApiKind,
    target: &Target,
    request: &ApiRequest,
    part: Part,
) -> Result<Answer, Failure> {
    let patch_type = PatchType::of(&request.content_type, kind)?;
    if patch_type == PatchType::Apply && request.query.get("fieldManager").is_empty() {
        return Err(Failure::bad_request(
            "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: is required for apply patch",
        ));
    }
    let force = request.query.is_set("force");
    if force && patch_type != PatchType::Apply {
        return Err(Failure::bad_request(
            "PatchOptions.meta.k8s.io \"\" is invalid: force: Forbidden: may not be specified for non-apply patch",
        ));
    }
    let write = writer(shared, kind, target, request, part);
    let (object, created) = shared.write(|state| {
        writes::patch(
            &mut state.store,
            &write,
            &target.namespace,
            &target.name,
            patch_type,
            &request.body,
            force,
        )
    })?;
    let code = if created { 201 } else { 200 };
    Ok(Answer::Json(
        code,
        as_version(&object, kind, &target.version),
    ))
}

fn selector(request: &ApiRequest, target: &Target) -> Result<Selector, Failure> {
    let mut fields = request.query.get("fieldSelector").to_owned();
    // a watch of one object by its name in the path
    if !target.name.is_empty() {
        fields = format!("metadata.name={}", target.name);
    }
    Selector::parse(request.query.get("labelSelector"), &fields)
}

fn list(
    shared: &Shared,
    kind: &ApiKind,
    target: &Target,
    request: &ApiRequest,
) -> Result<Answer, Failure> {
    let selector = selector(request, target)?;
    shared.read(|state| {
        let selected = state
            .store
            .list(&kind.group, &kind.plural, &target.namespace)
            .filter(|(_, object)| selector.matches(object))
            .map(|(_, object)| as_version(object, kind, &target.version));
        let revision = state.store.revision().to_string();
        if let Some(format) = table_asked(request) {
            let objects: Vec<Value> = selected.collect();
            let table = format.table(kind, &objects, &revision, shared.now());
            return Ok(Answer::Json(200, table));
        }
        let items: Vec<Value> = selected
            .map(|mut object| {
                if kind.builtin {
                    // typed lists name their kind once
                    tree::take(&mut object, &["apiVersion"]);
                    tree::take(&mut object, &["kind"]);
                }
                object
            })
            .collect();
        Ok(Answer::Json(
            200,
            json!({
                "kind": format!("{}List", kind.kind),
                "apiVersion": kind.api_version(&target.version),
                "metadata": {"resourceVersion": revision},
                "items": items,
            }),
        ))
    })
}

fn watch(kind: &Arc<ApiKind>, target: &Target, request: &ApiRequest) -> Result<Answer, Failure> {
    let asked = request.query.get("resourceVersion");
    let initial_events = request.query.is_set("sendInitialEvents");
    let from = match asked {
        "" | "0" => None,
        _ if initial_events => None,
        _ => Some(asked.parse::<u64>().map_err(|_| {
            Failure::bad_request(format!(
                "Invalid value: \"{asked}\": strconv.ParseUint: parsing"
            ))
        })?),
    };
    Ok(Answer::Watch(Box::new(WatchSpec {
        kind: Arc::clone(kind),
        version: target.version.clone(),
        namespace: target.namespace.clone(),
        selector: selector(request, target)?,
        from,
        bookmarks: request.query.is_set("allowWatchBookmarks"),
        initial_events,
        table: table_asked(request),
        timeout: request
            .query
            .get("timeoutSeconds")
            .parse()
            .ok()
            .map(Duration::from_secs),
    })))
}
