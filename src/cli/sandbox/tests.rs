//! Scenarios of every router, driven to their end.

use super::*;
use crate::cli::Cli;
use crate::cli::Verb;
use crate::cli::parse;

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
    for name in ["success", "istio", "gatewayapi"] {
        let (code, objects) = played(name, GOOD);
        assert_eq!(code, ExitCode::OK, "{name}");
        let image = at(&objects, "Deployment", "podinfo-primary", IMAGE);
        assert_eq!(image, "podinfo:6.0.1", "{name}");
    }
}

#[test]
fn a_bad_version_is_rolled_back_by_every_router() {
    for (name, kind, weights) in [
        ("istio", "VirtualService", "/spec/http/0/route"),
        ("gatewayapi", "HTTPRoute", "/spec/rules/0/backendRefs"),
    ] {
        let (code, objects) = played(name, BAD);
        assert_eq!(code, ExitCode::ANALYSIS, "{name}");
        let image = at(&objects, "Deployment", "podinfo-primary", IMAGE);
        assert_eq!(image, "podinfo:6.0.0", "{name}");
        let sides = at(&objects, kind, "podinfo", weights);
        assert_eq!(
            (&sides[0]["weight"], &sides[1]["weight"]),
            (&100.into(), &0.into()),
            "{name}"
        );
    }
}
