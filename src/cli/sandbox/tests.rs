//! Scenarios of every router, driven to their end.

use super::*;
use crate::cli::Cli;
use crate::cli::Verb;
use crate::cli::parse;
use serde_json::json;

/// A good version is promoted.
const GOOD: &str = "";
/// From a share of 30 % on, the new version fails.
const BAD: &str = "- when: \"weight>=30\"\n  set: {version: \"6.0.1\", errorPercent: 30}\n";

/// Exit code, and the objects at the end.
fn played(name: &str, more: &str) -> (ExitCode, Vec<Value>) {
    let dir = tempfile::tempdir().unwrap();
    let line = format!(
        "kubectl-flagger promote podinfo --sandbox --speed max --record none -qq --progress none --sandbox-dir {}",
        dir.path().display()
    );
    let environment = Environment::default();
    let Ok(Cli {
        globals,
        verb: Verb::Promote(args),
    }) = parse(line.split_whitespace().map(Into::into), &environment)
    else {
        panic!("{line}");
    };
    let path = format!("{name}.yaml");
    let text = format!("{}{more}", built_in::file(&path).unwrap());
    let source = SourceFile {
        path,
        text: text.into(),
    };
    let read = |path: &str| {
        built_in::file(path)
            .map(str::to_owned)
            .ok_or_else(String::new)
    };
    let scenario = Scenario::parse(&source, &read).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap();
    let code = runtime
        .block_on(play(&args, &globals, &environment, scenario))
        .unwrap();
    let objects = std::fs::read_to_string(dir.path().join("cluster.json")).unwrap();
    (code, serde_json::from_str(&objects).unwrap())
}

/// What is at the pointer of the one object of that kind and name.
fn at<'a>(objects: &'a [Value], kind: &str, name: &str, pointer: &str) -> &'a Value {
    let mut found = objects
        .iter()
        .filter(|object| object["kind"] == kind && object["metadata"]["name"] == name);
    found.next().unwrap().pointer(pointer).unwrap()
}

const IMAGE: &str = "/spec/template/spec/containers/0/image";

#[test]
fn a_good_version_is_promoted_by_every_router() {
    for name in [
        "success",
        "istio",
        "gatewayapi",
        "nginx",
        "contour",
        "skipper",
        "apisix",
    ] {
        let (code, objects) = played(name, GOOD);
        assert_eq!(code, ExitCode::OK, "{name}");
        let image = at(&objects, "Deployment", "podinfo-primary", IMAGE);
        assert_eq!(image, "podinfo:6.0.1", "{name}");
    }
}

#[test]
fn a_bad_version_is_rolled_back_by_every_router() {
    let weights = json!([100, 0]);
    let by_name = json!("{\"podinfo-canary\":0,\"podinfo-primary\":100}");
    for (name, kind, object, pointer, wanted) in [
        (
            "istio",
            "VirtualService",
            "podinfo",
            "/spec/http/0/route",
            &weights,
        ),
        (
            "gatewayapi",
            "HTTPRoute",
            "podinfo",
            "/spec/rules/0/backendRefs",
            &weights,
        ),
        (
            "contour",
            "HTTPProxy",
            "podinfo",
            "/spec/routes/0/services",
            &json!([100, null]),
        ),
        (
            "apisix",
            "ApisixRoute",
            "podinfo-podinfo-canary",
            "/spec/http/0/backends",
            &weights,
        ),
        (
            "nginx",
            "Ingress",
            "podinfo-canary",
            "/metadata/annotations/nginx.ingress.kubernetes.io~1canary-weight",
            &json!("0"),
        ),
        (
            "skipper",
            "Ingress",
            "podinfo-canary",
            "/metadata/annotations/zalando.org~1backend-weights",
            &by_name,
        ),
    ] {
        let (code, objects) = played(name, BAD);
        assert_eq!(code, ExitCode::ANALYSIS, "{name}");
        let image = at(&objects, "Deployment", "podinfo-primary", IMAGE);
        assert_eq!(image, "podinfo:6.0.0", "{name}");
        let found = at(&objects, kind, object, pointer);
        let sides = found.as_array().map(|sides| {
            let weights = sides.iter().map(|side| side["weight"].clone());
            weights.collect::<Value>()
        });
        assert_eq!(sides.as_ref().unwrap_or(found), wanted, "{name}");
    }
}
