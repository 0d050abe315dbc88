//! What cannot be done, by the binary: its text, its code, and nothing half done.

use crate::support::golden::check;
use crate::support::stage::Stage;
use crate::support::stage::from;
use crate::support::stage::podinfo;
use crate::support::stage::scenario;
use kubectl_flagger::cli::source;
use kubectl_flagger::git::example;
use kubectl_flagger::sandbox::faults::Fault;
use kubectl_flagger::sandbox::faults::FaultEffect;
use kubectl_flagger::sandbox::scenario::built_in;
use serde_json::Value;
use serde_json::json;
use std::fmt::Write as _;
use std::io::Read as _;
use std::io::Write as _;
use std::net::TcpListener;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Stdio;
use tempfile::TempDir;

const CANARY: &str = "podinfo/canary.yaml";

/// A folder of its own with a repository, and the binary beside it.
struct Desk {
    folder: TempDir,
}

impl Desk {
    fn with(files: &[(&str, String)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = "2026-01-05T09:00:00Z".parse().unwrap();
        example::create(&folder.path().join("repo"), files, at).unwrap();
        Self { folder }
    }

    fn podinfo() -> Self {
        Self::with(&[("canary.yaml", built_in::file(CANARY).unwrap().to_owned())])
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    /// A kubeconfig for a server at that address.
    fn kubeconfig(&self, server: &str) {
        let text = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: here\n\
             clusters: [{{name: here, cluster: {{server: \"{server}\"}}}}]\n\
             users: [{{name: me, user: {{}}}}]\n\
             contexts: [{{name: here, context: {{cluster: here, user: me, namespace: test}}}}]\n"
        );
        self.write("kubeconfig", &text);
    }

    /// Code, and what is written to standard error after the first words.
    fn run(&self, args: &[&str], input: &str) -> (i32, String) {
        let mut child = Command::new(env!("CARGO_BIN_EXE_kubectl-flagger"))
            .arg("promote")
            .args(args)
            .env_clear()
            .env("HOME", self.folder.path())
            .env("KUBECONFIG", self.path("kubeconfig"))
            .current_dir(self.path("repo"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(input.as_bytes())
            .unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout), "");
        let text = String::from_utf8_lossy(&output.stderr);
        let dir = self.folder.path().to_string_lossy();
        let text = text.replace(&*dir, "[DIR]");
        let report = text.find("Error: ").map_or("", |at| &text[at..]);
        (output.status.code().unwrap(), report.to_owned())
    }

    /// A scenario's run, which must say what the golden file says.
    fn play(&self, scenario: &str, args: &[&str]) -> (i32, String) {
        self.write("scenario.yaml", scenario);
        let sandbox = format!("--sandbox={}", self.path("scenario.yaml").display());
        let mut all = vec![sandbox.as_str(), "--speed", "max"];
        all.extend(args);
        self.run(&all, "")
    }
}

fn expect(name: &str, code: i32, ran: &(i32, String)) {
    let file = Path::new("testdata/bad-input").join(format!("{name}.txt"));
    check(&file, &ran.1);
    assert_eq!(ran.0, code, "{name}: {}", ran.1);
}

/// The example with another canary.
pub fn inline(canary: &Value, rest: &str) -> String {
    let mut text = format!("canary: {canary}\nobjects:\n");
    for file in ["podinfo/cluster.yaml", "podinfo/workload.yaml"] {
        for document in built_in::file(file).unwrap().split("---\n") {
            let object: Value = serde_saphyr::from_str(document).unwrap();
            let _ = writeln!(text, "- {object}");
        }
    }
    text + rest
}

fn canary() -> Value {
    scenario("success").canary
}

#[test]
fn an_unknown_canary_is_answered_with_a_similar_one() {
    let desk = Desk::podinfo();
    desk.kubeconfig("https://127.0.0.1:1");
    expect("unknown-canary", 3, &desk.run(&["podinf"], ""));
}

#[test]
fn an_invalid_spec_shows_the_place() {
    let text = built_in::file(CANARY)
        .unwrap()
        .replace("stepWeight", "stepWieght");
    let desk = Desk::with(&[("canary.yaml", text)]);
    desk.kubeconfig("https://127.0.0.1:1");
    expect("invalid-spec", 3, &desk.run(&["podinfo"], ""));
}

#[test]
fn two_canaries_of_one_name_show_both_places() {
    let text = built_in::file(CANARY).unwrap();
    let desk = Desk::with(&[("a.yaml", text.to_owned()), ("b.yaml", text.to_owned())]);
    desk.kubeconfig("https://127.0.0.1:1");
    expect("two-candidates", 3, &desk.run(&["podinfo"], ""));
}

#[test]
fn a_file_that_differs_from_its_commit_is_refused_unless_it_is_meant() {
    let desk = Desk::podinfo();
    desk.kubeconfig("https://127.0.0.1:1");
    let text = built_in::file(CANARY).unwrap();
    desk.write("repo/canary.yaml", &format!("{text}# changed\n"));
    expect("dirty", 3, &desk.run(&["podinfo"], ""));
    // With the flag it gets as far as the cluster.
    let meant = desk.run(&["podinfo", "--allow-dirty", "--request-timeout", "1s"], "");
    assert_eq!(meant.0, 6, "{}", meant.1);
}

#[test]
fn a_kubeconfig_that_cannot_be_read_is_a_matter_of_usage() {
    let desk = Desk::podinfo();
    desk.write("kubeconfig", "clusters: [\n");
    expect("unreadable-kubeconfig", 2, &desk.run(&["podinfo"], ""));
}

#[test]
fn an_unknown_context_is_a_matter_of_usage() {
    let desk = Desk::podinfo();
    desk.kubeconfig("https://127.0.0.1:1");
    expect(
        "unknown-context",
        2,
        &desk.run(&["podinfo", "--context", "ther"], ""),
    );
}

#[test]
fn a_server_that_is_down_cannot_be_reached() {
    let desk = Desk::podinfo();
    desk.kubeconfig("http://127.0.0.1:1");
    let ran = desk.run(&["podinfo"], "");
    assert_eq!(ran.0, 6, "{}", ran.1);
    assert!(ran.1.contains("flagger::cluster::unreachable"), "{}", ran.1);
}

/// Answers everything as an API server that has nothing.
fn empty_server() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut asked = Vec::new();
            let mut byte = [0];
            while !asked.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap_or(0) > 0 {
                asked.push(byte[0]);
            }
            let status = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound",
                "code": 404, "message": "not found"})
            .to_string();
            let _gone = write!(
                stream,
                "HTTP/1.1 404 Not Found\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{status}",
                status.len()
            );
        }
    });
    address
}

#[test]
fn a_namespace_that_is_not_there_is_refused() {
    let desk = Desk::podinfo();
    desk.kubeconfig(&empty_server());
    expect("no-namespace", 3, &desk.run(&["podinfo"], ""));
}

#[test]
fn a_right_that_is_missing_at_the_start_names_verb_and_resource() {
    let desk = Desk::podinfo();
    let fault = "at:\n- when: start\n  fault: {verb: create, resource: leases, code: 403}\n";
    expect("no-rights", 4, &desk.play(&inline(&canary(), fault), &[]));
}

#[test]
fn metrics_that_are_down_at_the_start_move_nothing() {
    let desk = Desk::podinfo();
    let fault =
        "at:\n- when: initialized\n  set: upgrade\n- when: start\n  fault: {prometheus: down}\n";
    expect(
        "prometheus-down",
        6,
        &desk.play(&inline(&canary(), fault), &[]),
    );
}

#[test]
fn no_provider_names_both_ways_to_give_one() {
    let desk = Desk::podinfo();
    let mut canary = canary();
    canary["spec"].as_object_mut().unwrap().remove("provider");
    let scenario = inline(&canary, "");
    expect("no-provider", 3, &desk.play(&scenario, &[]));
    expect(
        "unknown-provider",
        3,
        &desk.play(&scenario, &["--provider", "traefk"]),
    );
    assert_eq!(desk.play(&scenario, &["--provider", "traefik"]).0, 0);
}

#[test]
fn no_metrics_server_names_both_ways_to_give_one() {
    let desk = Desk::podinfo();
    let mut canary = canary();
    canary["spec"]
        .as_object_mut()
        .unwrap()
        .remove("metricsServer");
    let scenario = inline(&canary, "");
    expect("no-metrics-server", 3, &desk.play(&scenario, &[]));
    let server = ["--metrics-server", "http://prometheus.monitoring:9090"];
    assert_eq!(desk.play(&scenario, &server).0, 0);
}

#[test]
fn what_this_release_cannot_do_is_refused_by_name() {
    let desk = Desk::podinfo();
    let mut canary = canary();
    canary["spec"]["targetRef"]["kind"] = json!("Service");
    canary["spec"]["targetRef"]["apiVersion"] = json!("serving.knative.dev/v1");
    expect("unsupported", 3, &desk.play(&inline(&canary, ""), &[]));
}

#[test]
fn a_hook_whose_certificate_nobody_verifies_needs_the_users_own_word() {
    let desk = Desk::podinfo();
    let mut canary = canary();
    canary["spec"]["analysis"]["webhooks"] = json!([
        {"name": "load-test", "url": "https://tester.example.com/", "disableTLS": true},
    ]);
    let scenario = inline(&canary, "");
    expect("hook-unverified", 3, &desk.play(&scenario, &[]));
    let word = ["--skip-verify", "tester.example.com"];
    assert_eq!(desk.play(&scenario, &word).0, 0);
}

#[test]
fn a_target_that_is_not_there_is_refused() {
    let desk = Desk::podinfo();
    let mut canary = canary();
    canary["spec"]["targetRef"]["name"] = json!("podinfoo");
    expect("no-target", 3, &desk.play(&inline(&canary, ""), &[]));
}

#[test]
fn a_sandbox_wants_a_folder_of_its_own() {
    let desk = Desk::podinfo();
    let ran = desk.run(&["--sandbox", "--sandbox-dir", "."], "");
    expect("folder-in-use", 3, &ran);
}

#[test]
fn rendered_manifests_come_from_standard_input() {
    let desk = Desk::podinfo();
    let text = built_in::file(CANARY).unwrap();
    let ran = desk.run(&["--sandbox", "--speed", "max", "-f", "-"], text);
    assert_eq!(ran.0, 0, "{}", ran.1);
}

#[tokio::test(start_paused = true)]
async fn a_detached_head_works() {
    let mut stage = Stage::named("success");
    let repository = git2::Repository::open(stage.dir.path()).unwrap();
    let head = repository.head().unwrap().target().unwrap();
    repository.set_head_detached(head).unwrap();
    stage.spec = source::read(&from(stage.dir.path()), Some("podinfo"), Some("test")).unwrap();
    assert_eq!(stage.play().await.unwrap(), 0);
    assert!(
        stage
            .commits()
            .last()
            .unwrap()
            .contains("Flagger-Result: promoted")
    );
}

#[cfg(unix)]
#[test]
fn streams_that_are_closed_or_that_nobody_reads_do_not_change_the_end() {
    let desk = Desk::podinfo();
    for (streams, reader) in [("<&- >&- 2>&-", "cat"), ("-o ndjson 2>&1", "true")] {
        let line = format!(
            "{{ {} promote --sandbox --speed max {streams}; echo $? >code; }} | {reader}",
            env!("CARGO_BIN_EXE_kubectl-flagger")
        );
        let ran = Command::new("sh")
            .args(["-c", &line])
            .current_dir(desk.path("repo"))
            .env("TMPDIR", desk.folder.path())
            .status();
        assert!(ran.unwrap().success(), "{streams}");
        let code = std::fs::read_to_string(desk.path("repo/code")).unwrap();
        assert_eq!(code, "0\n", "{streams}");
    }
}

/// Nobody but the lock and the record was written to.
fn nothing_moved(stage: &Stage, writes: usize) {
    for write in stage.writes().split_off(writes) {
        let record = write.resource == "configmaps" && write.body.contains("run.json");
        assert!(
            write.resource == "leases" || record || write.code >= 400,
            "{write:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_push_that_is_refused_at_the_start_moves_nothing() {
    let mut stage = Stage::open(podinfo("at: [{when: initialized, set: upgrade}]"));
    stage.bootstrap().await;
    let remote = tempfile::tempdir().unwrap();
    let bare = git2::Repository::init_bare(remote.path()).unwrap();
    // The branch cannot be made beside this one.
    let tree = bare
        .find_tree(bare.treebuilder(None).unwrap().write().unwrap())
        .unwrap();
    let who = git2::Signature::now("a", "a@b").unwrap();
    bare.commit(
        Some("refs/heads/flagger-status/in-the-way"),
        &who,
        &who,
        "x",
        &tree,
        &[],
    )
    .unwrap();
    let own = git2::Repository::open(stage.dir.path()).unwrap();
    own.remote("origin", &remote.path().to_string_lossy())
        .unwrap();
    stage.remote = Some("origin".to_owned());
    let writes = stage.writes().len();
    let error = stage.run().await.unwrap_err();
    assert_eq!(error.exit_code().get(), 4, "{error:?}");
    nothing_moved(&stage, writes);
}

#[tokio::test(start_paused = true)]
async fn a_remote_that_is_not_there_at_the_start_moves_nothing() {
    let mut stage = Stage::open(podinfo("at: [{when: initialized, set: upgrade}]"));
    stage.bootstrap().await;
    let own = git2::Repository::open(stage.dir.path()).unwrap();
    own.remote("origin", "/nowhere/at/all.git").unwrap();
    stage.remote = Some("origin".to_owned());
    let writes = stage.writes().len();
    let error = stage.run().await.unwrap_err();
    assert_eq!(error.exit_code().get(), 6, "{error:?}");
    nothing_moved(&stage, writes);
}

#[tokio::test(start_paused = true)]
async fn metrics_that_are_down_when_a_rollout_begins_move_nothing() {
    let stage = Stage::open(podinfo(
        "at: [{when: initialized, set: upgrade, fault: {prometheus: down}}]",
    ));
    stage.bootstrap().await;
    let writes = stage.writes().len();
    let error = stage.run().await.unwrap_err();
    assert_eq!(error.exit_code().get(), 6, "{error:?}");
    nothing_moved(&stage, writes);
    assert_eq!(stage.phase(), "Initialized");
}

#[tokio::test(start_paused = true)]
async fn a_right_that_is_missing_when_a_rollout_begins_moves_nothing() {
    let stage = Stage::open(podinfo("at: [{when: initialized, set: upgrade}]"));
    stage.bootstrap().await;
    let writes = stage.writes().len();
    let mut denied = Fault::once("patch", "deployments", FaultEffect::Code(403));
    denied.times = u32::MAX;
    stage.world.cluster().fail_next(denied);
    let error = stage.run().await.unwrap_err();
    assert_eq!(error.exit_code().get(), 4, "{error:?}");
    assert!(
        error.to_string().contains("patch deployments.apps"),
        "{error}"
    );
    nothing_moved(&stage, writes);
}
