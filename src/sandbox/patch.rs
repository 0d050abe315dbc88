//! The patch formats of the API server.

use crate::sandbox::failure::Failure;
use crate::sandbox::kinds::ApiKind;
use crate::sandbox::strategic;
use serde_json::Value;

/// Which format a patch's `Content-Type` names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PatchType {
    /// RFC 7386.
    Merge,
    /// RFC 6902.
    Json,
    /// With merge keys; built-in kinds only.
    Strategic,
    /// Server-side apply.
    Apply,
}

impl PatchType {
    /// Reads the media type.
    pub fn of(content_type: &str, kind: &ApiKind) -> Result<Self, Failure> {
        let media = content_type.split(';').next().unwrap_or_default().trim();
        match media {
            "application/merge-patch+json" => Ok(Self::Merge),
            "application/json-patch+json" => Ok(Self::Json),
            "application/apply-patch+yaml" | "application/apply-patch+json" => Ok(Self::Apply),
            "application/strategic-merge-patch+json" if kind.builtin => Ok(Self::Strategic),
            _ => Err(Self::unsupported(kind)),
        }
    }

    /// The refusal of a format that the kind does not take.
    #[must_use]
    pub fn unsupported(kind: &ApiKind) -> Failure {
        let mut accepted = vec![
            "application/json-patch+json",
            "application/merge-patch+json",
        ];
        if kind.builtin {
            accepted.push("application/strategic-merge-patch+json");
        }
        accepted.push("application/apply-patch+yaml");
        Failure::unsupported_media_type(&accepted)
    }
}

/// `live` changed by a patch that is no apply.
pub fn patched(live: &Value, patch_type: PatchType, body: &[u8]) -> Result<Value, Failure> {
    let mut next = live.clone();
    match patch_type {
        PatchType::Merge => json_patch::merge(&mut next, &parse(body)?),
        PatchType::Json => {
            let patch: json_patch::Patch = serde_json::from_slice(body)
                .map_err(|error| Failure::bad_request(format!("error decoding patch: {error}")))?;
            json_patch::patch(&mut next, &patch).map_err(|_| Failure::unprocessable())?;
        }
        PatchType::Strategic => strategic::merge(&mut next, &parse(body)?)?,
        PatchType::Apply => {
            return Err(Failure::bad_request("an apply patch needs a field manager"));
        }
    }
    Ok(next)
}

/// A body as JSON, which must be an object.
pub fn parse(body: &[u8]) -> Result<Value, Failure> {
    let value: Value = serde_json::from_slice(body)
        .map_err(|error| Failure::bad_request(format!("error decoding request body: {error}")))?;
    if value.is_object() {
        Ok(value)
    } else {
        Err(Failure::bad_request(
            "couldn't get version/kind; json parse error: expected an object",
        ))
    }
}

/// The body of an apply, which may be YAML.
pub fn parse_apply(body: &[u8]) -> Result<Value, Failure> {
    let value: Value = serde_yaml::from_slice(body)
        .map_err(|error| Failure::bad_request(format!("error decoding YAML: {error}")))?;
    if value.is_object() {
        Ok(value)
    } else {
        Err(Failure::bad_request(
            "error decoding YAML: expected an object",
        ))
    }
}
