//! What a request's path and query name.

use crate::sandbox::faults::RequestInfo;

/// Where a request goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// `/version`
    Version,
    /// `/livez` and its kin.
    Health,
    /// `/api`
    CoreVersions,
    /// `/apis`
    Groups,
    /// `/apis/GROUP`
    Group(String),
    /// `/api/v1` or `/apis/GROUP/VERSION`
    Resources(String, String),
    /// `/openapi/v2`
    OpenApiV2,
    /// `/openapi/v3`
    OpenApiV3,
    /// `/openapi/v3/api/v1` or `/openapi/v3/apis/GROUP/VERSION`
    OpenApiV3Of(String, String),
    /// Objects.
    Objects(Target),
    /// Nothing is there.
    Unknown,
}

/// Objects that a path names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Target {
    /// Empty for the core group.
    pub group: String,
    /// Such as `v1`.
    pub version: String,
    /// Empty for cluster-scoped paths.
    pub namespace: String,
    /// Such as `deployments`.
    pub plural: String,
    /// Empty for collections.
    pub name: String,
    /// Empty for the object itself.
    pub subresource: String,
    /// What follows a subresource, with its leading slash: a proxied path.
    pub rest: String,
}

impl Target {
    /// As faults and the log see it.
    #[must_use]
    pub fn info(&self, verb: &str) -> RequestInfo {
        RequestInfo {
            verb: verb.to_owned(),
            group: self.group.clone(),
            resource: self.plural.clone(),
            subresource: self.subresource.clone(),
            namespace: self.namespace.clone(),
            name: self.name.clone(),
        }
    }
}

/// Reads a path.
#[must_use]
pub fn parse(path: &str) -> Route {
    let segments: Vec<String> = path
        .trim_start_matches('/')
        .split('/')
        .map(|segment| decode(segment, false))
        .collect();
    let parts: Vec<&str> = segments.iter().map(String::as_str).collect();
    match parts.as_slice() {
        ["version"] => Route::Version,
        ["healthz" | "livez" | "readyz", ..] => Route::Health,
        ["openapi", "v2"] => Route::OpenApiV2,
        ["openapi", "v3"] => Route::OpenApiV3,
        ["openapi", "v3", "api", version] => {
            Route::OpenApiV3Of(String::new(), (*version).to_owned())
        }
        ["openapi", "v3", "apis", group, version] => {
            Route::OpenApiV3Of((*group).to_owned(), (*version).to_owned())
        }
        ["api"] => Route::CoreVersions,
        ["apis"] => Route::Groups,
        ["apis", group] => Route::Group((*group).to_owned()),
        ["api", version] => Route::Resources(String::new(), (*version).to_owned()),
        ["apis", group, version] => Route::Resources((*group).to_owned(), (*version).to_owned()),
        ["api", version, rest @ ..] => objects("", version, rest),
        ["apis", group, version, rest @ ..] => objects(group, version, rest),
        _ => Route::Unknown,
    }
}

fn objects(group: &str, version: &str, parts: &[&str]) -> Route {
    let mut target = Target {
        group: group.to_owned(),
        version: version.to_owned(),
        ..Target::default()
    };
    let parts = match parts {
        ["namespaces", _, "status" | "finalize"] => parts,
        ["namespaces", namespace, rest @ ..] if !rest.is_empty() => {
            (*namespace).clone_into(&mut target.namespace);
            rest
        }
        _ => parts,
    };
    match parts {
        [plural] => (*plural).clone_into(&mut target.plural),
        [plural, name] => {
            (*plural).clone_into(&mut target.plural);
            (*name).clone_into(&mut target.name);
        }
        [plural, name, subresource, rest @ ..] => {
            (*plural).clone_into(&mut target.plural);
            (*name).clone_into(&mut target.name);
            (*subresource).clone_into(&mut target.subresource);
            target.rest = rest.iter().map(|part| format!("/{part}")).collect();
        }
        [] => return Route::Unknown,
    }
    if target.plural.is_empty() || (!target.rest.is_empty() && target.subresource != "proxy") {
        return Route::Unknown;
    }
    Route::Objects(target)
}

/// A query's parameters.
#[derive(Clone, Debug, Default)]
pub struct Query(Vec<(String, String)>);

impl Query {
    /// Reads what follows the `?`.
    #[must_use]
    pub fn parse(query: &str) -> Self {
        Self(
            query
                .split('&')
                .filter(|pair| !pair.is_empty())
                .map(|pair| {
                    let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                    (decode(name, true), decode(value, true))
                })
                .collect(),
        )
    }

    /// The first value of a parameter, or an empty one.
    #[must_use]
    pub fn get(&self, name: &str) -> &str {
        self.0
            .iter()
            .find(|(found, _)| found == name)
            .map_or("", |(_, value)| value.as_str())
    }

    /// Is a parameter `true` or `1`?
    #[must_use]
    pub fn is_set(&self, name: &str) -> bool {
        matches!(self.get(name), "true" | "1")
    }
}

/// Percent-decoding; a `+` is a space in queries.
fn decode(text: &str, query: bool) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'+' if query => bytes.push(b' '),
            b'%' => {
                let mut ahead = rest.clone();
                let digits = [ahead.next(), ahead.next()];
                let value = digits.iter().try_fold(0_u8, |value, digit| {
                    let digit = char::from((*digit)?).to_digit(16)?;
                    Some(value << 4 | u8::try_from(digit).ok()?)
                });
                match value {
                    Some(value) => {
                        bytes.push(value);
                        rest = ahead;
                    }
                    None => bytes.push(b'%'),
                }
            }
            other => bytes.push(other),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::Query;
    use super::Route;
    use super::parse;

    fn target(path: &str) -> super::Target {
        match parse(path) {
            Route::Objects(target) => target,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_namespace_is_an_object_and_a_place() {
        let object = target("/api/v1/namespaces/test");
        assert_eq!(
            (object.plural.as_str(), object.name.as_str()),
            ("namespaces", "test")
        );
        let inside = target("/apis/apps/v1/namespaces/test/deployments/podinfo/scale");
        assert_eq!(inside.namespace, "test");
        assert_eq!(inside.plural, "deployments");
        assert_eq!(inside.subresource, "scale");
    }

    #[test]
    fn a_proxied_path_is_kept_whole() {
        let proxied =
            target("/api/v1/namespaces/m/services/http:prometheus:9090/proxy/api/v1/query");
        assert_eq!(proxied.name, "http:prometheus:9090");
        assert_eq!(proxied.rest, "/api/v1/query");
    }

    #[test]
    fn a_query_is_decoded() {
        let query = Query::parse("labelSelector=app%3Dpodinfo%2Ca+in+%28b%29&watch=true");
        assert_eq!(query.get("labelSelector"), "app=podinfo,a in (b)");
        assert!(query.is_set("watch"));
    }
}
