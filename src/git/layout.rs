//! The files on the status branch: where they are and their bytes.
//!
//! Pure. Equal transitions give equal bytes: keys have a fixed order and the only times are the transition's.

use crate::canary::phase::Phase;
use crate::canary::status::CanaryStatus;
use crate::canary::weight::Weight;
use crate::git::message::Author;
use crate::git::message::one_line;
use crate::port::journal::Measured;
use crate::port::journal::Transition;
use jiff::Timestamp;
use serde::Serialize;

/// Version of the block `driver`; a higher one is not overwritten.
pub(in crate::git) const SCHEMA: u32 = 1;
/// Longest file, bytes.
const MAX_SIZE: usize = 64 * 1024;
/// Longest free text, characters.
const TEXT: usize = 1024;
/// Most metrics and planned steps kept.
const ENTRIES: usize = 100;

/// Path of the page that explains the branch.
pub(in crate::git) const README_PATH: &str = "README.md";
/// Its text.
pub(in crate::git) const README: &str = "\
# Status of Flagger rollouts

`kubectl flagger` writes this branch: one commit for each transition of a rollout. Do not edit it and do not merge it;
nothing is deployed from here.

- `v1/<cluster>/<namespace>/<canary>/status.yaml`: where the rollout stands, in the fields of a Canary's status
- `v1/<cluster>/<namespace>/<canary>/runs/<run>.yaml`: how a finished run ended

    git log --format='%cI %s' <this branch> -- v1/<cluster>/<namespace>/<canary>
    git log --format='%(trailers:key=Flagger-Phase,valueonly)' <this branch>
";

/// The folder of one canary.
#[derive(Clone, Debug)]
pub(in crate::git) struct Folder(String);

impl Folder {
    pub fn new(cluster: &str, namespace: &str, name: &str) -> Self {
        Self(format!(
            "v1/{}/{}/{}",
            component(cluster),
            component(namespace),
            component(name)
        ))
    }

    pub fn status(&self) -> String {
        format!("{}/status.yaml", self.0)
    }

    pub fn run(&self, run: &str) -> String {
        format!("{}/runs/{}.yaml", self.0, component(run))
    }
}

/// One name of a path. Names of clusters may be anything (`arn:aws:eks:eu-west-1:1:cluster/prod`): what a file
/// system could take amiss is written as in URLs, so that different clusters keep different folders.
fn component(name: &str) -> String {
    let mut path = String::new();
    for (at, byte) in name.bytes().enumerate() {
        let plain = byte.is_ascii_alphanumeric()
            || matches!(byte, b'-' | b'_' | b'@' | b'+')
            || (byte == b'.' && at > 0 && at + 1 < name.len());
        if plain {
            path.push(char::from(byte));
        } else {
            path.push_str(&format!("%{byte:02X}"));
        }
    }
    path
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StatusFile<'a> {
    api_version: &'static str,
    kind: &'static str,
    metadata: Metadata<'a>,
    status: CanaryStatus,
    driver: Driver,
}

#[derive(Serialize)]
struct Metadata<'a> {
    name: &'a str,
    namespace: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Driver {
    schema: u32,
    run: String,
    seq: u64,
    epoch: u64,
    at: Timestamp,
    started_at: Timestamp,
    spec_commit: String,
    spec_path: String,
    revision: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    cluster_uid: Option<String>,
    version: String,
    holder: String,
    threshold: u32,
    steps: Vec<Weight>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    metrics: Vec<Metric>,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

#[derive(Serialize)]
struct Metric {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    min: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max: Option<f64>,
    ok: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RunFile<'a> {
    schema: u32,
    run: String,
    canary: Metadata<'a>,
    result: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    phase: Phase,
    weight: Weight,
    started_at: Timestamp,
    finished_at: Timestamp,
    seq: u64,
    epoch: u64,
    failed_checks: u32,
    threshold: u32,
    steps: Vec<Weight>,
    spec_commit: String,
    spec_path: String,
    revision: String,
    version: String,
    holder: String,
}

/// `status.yaml` after a transition.
///
/// # Errors
/// It would be longer than 64 KiB.
pub(in crate::git) fn status_file(
    transition: &Transition,
    author: &Author,
) -> Result<String, String> {
    let mut status = transition.status.clone();
    for condition in &mut status.conditions {
        condition.message = one_line(&condition.message, TEXT);
    }
    let mut file = StatusFile {
        api_version: "flagger.app/v1beta1",
        kind: "Canary",
        metadata: metadata(author),
        status,
        driver: Driver {
            schema: SCHEMA,
            run: one_line(&transition.run, TEXT),
            seq: transition.seq,
            epoch: transition.epoch,
            at: transition.at,
            started_at: transition.started_at,
            spec_commit: one_line(&transition.spec_commit, TEXT),
            spec_path: one_line(&transition.spec_path, TEXT),
            revision: one_line(&transition.revision, TEXT),
            cluster_uid: author.cluster_uid.as_ref().map(|uid| one_line(uid, TEXT)),
            version: one_line(&author.driver, TEXT),
            holder: one_line(&transition.holder, TEXT),
            threshold: transition.threshold,
            steps: steps(transition),
            metrics: transition
                .measured
                .iter()
                .take(ENTRIES)
                .map(metric)
                .collect(),
            result: text(transition.result.as_deref()),
            reason: text(transition.reason.as_deref()),
        },
    };
    let bytes = yaml(&file)?;
    if bytes.len() <= MAX_SIZE {
        return Ok(bytes);
    }
    // the values of one look are in the commit message too; everything else is needed to go on
    file.driver.metrics.clear();
    let bytes = yaml(&file)?;
    if bytes.len() <= MAX_SIZE {
        Ok(bytes)
    } else {
        Err(format!(
            "the status of {}/{} has {} bytes, more than 64 KiB",
            author.namespace,
            author.name,
            bytes.len()
        ))
    }
}

/// `runs/<run>.yaml` after the transition that ended it.
///
/// # Errors
/// It cannot be written as YAML.
pub(in crate::git) fn run_file(
    transition: &Transition,
    result: &str,
    author: &Author,
) -> Result<String, String> {
    yaml(&RunFile {
        schema: SCHEMA,
        run: one_line(&transition.run, TEXT),
        canary: metadata(author),
        result: one_line(result, TEXT),
        reason: text(transition.reason.as_deref()),
        phase: transition.status.phase,
        weight: transition.status.canary_weight,
        started_at: transition.started_at,
        finished_at: transition.at,
        seq: transition.seq,
        epoch: transition.epoch,
        failed_checks: transition.status.failed_checks,
        threshold: transition.threshold,
        steps: steps(transition),
        spec_commit: one_line(&transition.spec_commit, TEXT),
        spec_path: one_line(&transition.spec_path, TEXT),
        revision: one_line(&transition.revision, TEXT),
        version: one_line(&author.driver, TEXT),
        holder: one_line(&transition.holder, TEXT),
    })
}

fn metadata(author: &Author) -> Metadata<'_> {
    Metadata {
        name: &author.name,
        namespace: &author.namespace,
    }
}

fn steps(transition: &Transition) -> Vec<Weight> {
    transition.steps.iter().take(ENTRIES).copied().collect()
}

fn text(text: Option<&str>) -> Option<String> {
    text.map(|text| one_line(text, TEXT))
}

/// NaN and infinities are no values: readers of the file disagree on how they are written.
fn metric(measured: &Measured) -> Metric {
    let finite = |value: Option<f64>| value.filter(|value| value.is_finite());
    Metric {
        name: one_line(&measured.name, 253),
        value: finite(measured.value),
        min: finite(measured.min),
        max: finite(measured.max),
        ok: measured.ok,
    }
}

fn yaml<T: Serialize>(value: &T) -> Result<String, String> {
    serde_saphyr::to_string(value).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::testing::author;
    use crate::git::testing::transition;

    #[test]
    fn the_status_is_a_canary_without_a_spec() {
        assert_eq!(
            status_file(&transition(3, 20, 30), &author()).unwrap(),
            "\
apiVersion: flagger.app/v1beta1
kind: Canary
metadata:
  name: podinfo
  namespace: test
status:
  phase: Progressing
  failedChecks: 0
  canaryWeight: 30
  iterations: 0
driver:
  schema: 1
  run: 01J8ZQ4M6T0000000000000000
  seq: 3
  epoch: 1
  at: \"2026-08-22T14:04:05Z\"
  startedAt: \"2026-08-22T14:00:00Z\"
  specCommit: \"0123456789012345678901234567890123456789\"
  specPath: deploy/canary.yaml
  revision: 6f9d8c
  clusterUid: 7d6b3c1e
  version: kubectl-flagger/0.1.0
  holder: alice@mbp/4711/01J8
  threshold: 5
  steps:
  - 10
  - 20
  - 30
  metrics:
  - name: request-success-rate
    value: 99.4
    min: 99.0
    ok: true
  - name: request-duration
    value: 244.0
    max: 500.0
    ok: true
  - name: checkout-errors
    value: 0.5
    min: 0.0
    max: 1.5
    ok: true
"
        );
    }

    #[test]
    fn equal_transitions_give_equal_bytes() {
        let first = status_file(&transition(3, 20, 30), &author()).unwrap();
        assert_eq!(
            first,
            status_file(&transition(3, 20, 30), &author()).unwrap()
        );
    }

    #[test]
    fn values_that_are_no_numbers_are_left_out() {
        let mut transition = transition(3, 20, 30);
        transition.measured[0].value = Some(f64::NAN);
        transition.measured[1].value = Some(f64::INFINITY);
        let text = status_file(&transition, &author()).unwrap().to_lowercase();
        assert!(!text.contains("nan") && !text.contains("inf\n"), "{text}");
    }

    #[test]
    fn free_text_cannot_make_the_file_long() {
        let mut transition = transition(3, 20, 30);
        transition.reason = Some("x".repeat(100_000));
        transition.holder = "y".repeat(100_000);
        transition.measured = vec![
            Measured {
                name: "z".repeat(10_000),
                ..transition.measured[0].clone()
            };
            1000
        ];
        let text = status_file(&transition, &author()).unwrap();
        assert!(text.len() <= MAX_SIZE, "{}", text.len());
    }

    #[test]
    fn a_status_above_64_kib_is_an_error() {
        let mut transition = transition(3, 20, 30);
        let configs = (0..1000).map(|n| (format!("configmap/{n:0>100}"), "c".repeat(16)));
        transition.status.tracked_configs = Some(configs.collect());
        assert!(status_file(&transition, &author()).is_err());
    }

    #[test]
    fn folders_of_clusters_never_leave_their_place_nor_meet() {
        let status = |cluster: &str| Folder::new(cluster, "test", "podinfo").status();
        assert_eq!(
            status("arn:aws:eks:eu-west-1:1:cluster/prod"),
            "v1/arn%3Aaws%3Aeks%3Aeu-west-1%3A1%3Acluster%2Fprod/test/podinfo/status.yaml"
        );
        assert_eq!(status("kind-eu.1"), "v1/kind-eu.1/test/podinfo/status.yaml");
        assert_eq!(status(".."), "v1/%2E%2E/test/podinfo/status.yaml");
        assert_eq!(status(".git"), "v1/%2Egit/test/podinfo/status.yaml");
        assert_ne!(status("a/b"), status("a%2Fb"));
    }

    #[test]
    fn the_summary_of_a_run_says_how_it_ended() {
        let mut transition = transition(9, 30, 0);
        transition.status.phase = Phase::Failed;
        let text = run_file(&transition, "rolled-back", &author()).unwrap();
        assert!(text.contains("result: rolled-back\n"), "{text}");
    }
}
