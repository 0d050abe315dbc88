//! DELETE of one object and of a collection.

use crate::sandbox::deletes;
use crate::sandbox::deletes::DeleteOptions;
use crate::sandbox::deletes::Deleted;
use crate::sandbox::failure::Failure;
use crate::sandbox::kinds::ApiKind;
use crate::sandbox::requests::Answer;
use crate::sandbox::requests::ApiRequest;
use crate::sandbox::requests::selector;
use crate::sandbox::route::Target;
use crate::sandbox::shared::Shared;
use crate::sandbox::store::ObjectKey;
use crate::sandbox::tree;
use serde_json::json;

fn delete_options(request: &ApiRequest) -> Result<DeleteOptions, Failure> {
    let mut options = DeleteOptions::parse(&request.body)?;
    let policy = request.query.get("propagationPolicy");
    if !policy.is_empty() {
        options.propagation = DeleteOptions::propagation(policy);
    }
    if let Ok(grace) = request.query.get("gracePeriodSeconds").parse() {
        options.grace = Some(grace);
    }
    options.dry_run |= request.query.get("dryRun") == "All";
    Ok(options)
}

pub(super) fn delete(
    shared: &Shared,
    kind: &ApiKind,
    key: &ObjectKey,
    request: &ApiRequest,
) -> Result<Answer, Failure> {
    let options = delete_options(request)?;
    let now = shared.now();
    let deleted =
        shared.write(|state| deletes::delete(&mut state.store, kind, key, &options, now))?;
    Ok(Answer::Json(
        200,
        match deleted {
            Deleted::Pending(object) => (*object).clone(),
            Deleted::Gone(object) if kind.kind == "Pod" => (*object).clone(),
            Deleted::Gone(object) => json!({
                "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success",
                "details": {
                    "name": key.name, "group": kind.group, "kind": kind.plural,
                    "uid": tree::text(&object, "/metadata/uid"),
                },
            }),
        },
    ))
}

pub(super) fn delete_all(
    shared: &Shared,
    kind: &ApiKind,
    target: &Target,
    request: &ApiRequest,
) -> Result<Answer, Failure> {
    let options = delete_options(request)?;
    let selector = selector(request, target)?;
    let now = shared.now();
    shared.write(|state| {
        let keys: Vec<ObjectKey> = state
            .store
            .list(&kind.group, &kind.plural, &target.namespace)
            .filter(|(_, object)| selector.matches(object))
            .map(|(key, _)| key.clone())
            .collect();
        let mut items = Vec::new();
        for key in keys {
            match deletes::delete(&mut state.store, kind, &key, &options, now)? {
                Deleted::Gone(object) | Deleted::Pending(object) => items.push((*object).clone()),
            }
        }
        Ok(Answer::Json(
            200,
            json!({
                "kind": format!("{}List", kind.kind), "apiVersion": kind.api_version(&target.version),
                "metadata": {"resourceVersion": state.store.revision().to_string()}, "items": items,
            }),
        ))
    })
}
