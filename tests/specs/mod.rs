//! What people see of specs that cannot be used: each `testdata/canaries/invalid/NAME.yaml` is rendered as on a
//! terminal of 80 columns into `NAME.txt` beside it.

mod properties;

use crate::support::golden;
use kubectl_flagger::canary::capabilities::Affinity;
use kubectl_flagger::canary::capabilities::Capabilities;
use kubectl_flagger::canary::capabilities::Comparison;
use kubectl_flagger::canary::capabilities::Matching;
use kubectl_flagger::canary::capabilities::Mirroring;
use kubectl_flagger::canary::capabilities::Need;
use kubectl_flagger::canary::load::load;
use kubectl_flagger::canary::source::SourceFile;
use kubectl_flagger::canary::validate::validate_for;
use miette::Diagnostic;
use miette::GraphicalReportHandler;
use miette::GraphicalTheme;
use std::path::Path;
use std::path::PathBuf;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/canaries")
}

fn file(path: &Path) -> SourceFile {
    let name = path.file_name().unwrap().to_str().unwrap();
    SourceFile {
        path: format!("deploy/{name}"),
        text: std::fs::read_to_string(path).unwrap().into(),
    }
}

fn specs(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "yaml"))
        .collect();
    paths.sort();
    paths
}

fn rendered(diagnostic: &dyn Diagnostic) -> String {
    let mut text = String::new();
    GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor())
        .with_width(80)
        .render_report(&mut text, diagnostic)
        .unwrap();
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    lines.join("\n") + "\n"
}

#[test]
fn every_invalid_spec_is_explained_in_its_file() {
    for path in specs(&folder().join("invalid")) {
        let error = load(&[file(&path)], Some("podinfo"), None).unwrap_err();
        golden::check(&path.with_extension("txt"), &rendered(&error));
    }
}

#[test]
fn every_valid_spec_loads_and_its_warnings_are_explained() {
    for path in specs(&folder()) {
        let loaded = load(&[file(&path)], Some("podinfo"), None)
            .unwrap_or_else(|error| panic!("{}", rendered(&error)));
        let text: Vec<String> = loaded.warnings.iter().map(|w| rendered(w)).collect();
        golden::check(&path.with_extension("warnings.txt"), &text.concat());
    }
}

const PLAIN: Capabilities = Capabilities {
    weighted: true,
    mirror: Mirroring::No,
    matches: Matching::NONE,
    session_affinity: Affinity::No,
    tcp_weights_only: false,
    needs: &[Need::IngressRef],
    service: &[],
};

const MESH: Capabilities = Capabilities {
    weighted: true,
    mirror: Mirroring::Always,
    matches: Matching {
        headers: &[Comparison::Exact, Comparison::Regex],
        query_params: &[],
        source_labels: true,
    },
    session_affinity: Affinity::Both,
    tcp_weights_only: true,
    needs: &[],
    service: &[],
};

#[test]
fn what_a_router_cannot_do_is_explained_before_anything_moves() {
    let path = folder().join("ab-testing.yaml");
    let loaded = load(&[file(&path)], None, None).unwrap();
    let all = [("mesh", MESH), ("plain", PLAIN)];
    let errors = validate_for(&loaded, "plain", &PLAIN, &all).unwrap_err();
    golden::check(&folder().join("ab-testing.plain.txt"), &rendered(&errors));
}
