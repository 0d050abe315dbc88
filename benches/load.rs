//! Figures with units, for the README and the documentation: how fast a canary is found in a large repository, and
//! how much longer than it must a rollout takes.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench that cannot prepare its world has failed, and its figures are for people"
)]

use git2::IndexEntry;
use git2::IndexTime;
use git2::Repository;
use git2::Signature;
use git2::Time;
use kubectl_flagger::canary::load::load;
use kubectl_flagger::canary::source::SourceFile;
use serde_json::Value;
use std::path::Path;
use std::process::Command;
use std::process::Stdio;
use std::sync::LazyLock;
use tempfile::TempDir;

fn main() {
    println!("{}", promotion());
    divan::main();
}

/// 5,000 manifests of 2 kB; one holds a Canary, ten more mention the group.
fn manifests() -> impl Iterator<Item = (String, String)> {
    let line = |number: usize| {
        format!(
            "    some-key-{number}: some value of a manifest that has nothing to do with canaries\n"
        )
    };
    let other = format!(
        "apiVersion: v1\nkind: ConfigMap\ndata:\n{}",
        (0..27).map(line).collect::<String>()
    );
    (0..5000).map(move |number| {
        // Git keeps equal contents once; a repository of people has none.
        let text = match number {
            2500 => include_str!("../testdata/canaries/weighted.yaml").to_owned(),
            n if n % 500 == 0 => format!("{other}# {number}, see flagger.app/\n"),
            _ => format!("{other}# {number}\n"),
        };
        (format!("apps/{}/{number}.yaml", number % 100), text)
    })
}

/// Parsing alone.
#[divan::bench]
fn five_thousand_files(bencher: divan::Bencher<'_, '_>) {
    let files: Vec<SourceFile> = manifests()
        .map(|(path, text)| SourceFile {
            path,
            text: text.into(),
        })
        .collect();
    bencher.bench(|| load(&files, Some("podinfo"), Some("test")));
}

/// A repository whose commit holds them.
static REPOSITORY: LazyLock<TempDir> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let repository = Repository::init(folder.path()).unwrap();
    let mut index = repository.index().unwrap();
    for (path, text) in manifests() {
        let entry = entry(path);
        index.add_frombuffer(&entry, text.as_bytes()).unwrap();
    }
    let tree = index.write_tree().unwrap();
    index.write().unwrap();
    let tree = repository.find_tree(tree).unwrap();
    let author = Signature::new("bench", "bench@localhost", &Time::new(0, 0)).unwrap();
    repository
        .commit(Some("HEAD"), &author, &author, "all", &tree, &[])
        .unwrap();
    repository
        .checkout_head(Some(git2::build::CheckoutBuilder::new().force()))
        .unwrap();
    std::fs::write(folder.path().join(".git/kubeconfig"), KUBECONFIG).unwrap();
    folder
});

fn entry(path: String) -> IndexEntry {
    IndexEntry {
        ctime: IndexTime::new(0, 0),
        mtime: IndexTime::new(0, 0),
        dev: 0,
        ino: 0,
        mode: 0o100_644,
        uid: 0,
        gid: 0,
        file_size: 0,
        id: git2::Oid::ZERO_SHA1,
        flags: 0,
        flags_extended: 0,
        path: path.into_bytes(),
    }
}

/// A server that nobody asks: the canary is looked for first.
const KUBECONFIG: &str = "apiVersion: v1
kind: Config
current-context: none
contexts: [{name: none, context: {cluster: none, user: none}}]
clusters: [{name: none, cluster: {server: 'http://127.0.0.1:9'}}]
users: [{name: none, user: {}}]
";

fn binary(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kubectl-flagger"));
    command
        .arg("promote")
        .env_clear()
        .env("HOME", folder)
        .env("KUBECONFIG", folder.join(".git/kubeconfig"))
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    command
}

/// From the start of a process until it knows what the commit holds: a canary that is not there is refused (3) once
/// every file was looked at.
#[divan::bench]
fn a_new_process_on_a_commit_of_five_thousand_files(bencher: divan::Bencher<'_, '_>) {
    let folder = REPOSITORY.path();
    bencher.bench(|| {
        let status = binary(folder).arg("nobody").status().unwrap();
        assert_eq!(status.code(), Some(3));
    });
}

/// Time to promote in virtual time, against the shortest possible: intervals, and pods becoming ready.
fn promotion() -> String {
    let folder = tempfile::tempdir().unwrap();
    let output = binary(folder.path())
        .args([
            "--sandbox",
            "--speed",
            "max",
            "-o",
            "ndjson",
            "--sandbox-dir",
        ])
        .arg(folder.path().join("sandbox"))
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let events: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    // The bootstrap before it is a run of its own.
    let run = events.last().unwrap()["run"].clone();
    let of = |name: &'static str| {
        let run = run.clone();
        events
            .iter()
            .filter(move |event| event["run"] == run && event["type"] == name)
    };
    let seconds = |event: &Value| {
        let at: jiff::Timestamp = event["ts"].as_str().unwrap().parse().unwrap();
        at.as_millisecond() as f64 / 1000.0
    };
    let plan = &of("run.plan").next().unwrap()["data"];
    let steps = plan["weights"].as_array().unwrap().len() as f64;
    let interval = plan["intervalMs"].as_f64().unwrap() / 1000.0;
    let pods: f64 = of("workload.ready")
        .map(|event| event["data"]["tookMs"].as_f64().unwrap() / 1000.0)
        .sum();
    let least = steps * interval + pods;
    let taken = seconds(of("traffic.changed").next_back().unwrap())
        - seconds(of("run.started").next().unwrap());
    format!(
        "a promotion takes {taken:.1} s where {least:.1} s is the least ({steps} intervals of {interval} s, {pods:.1} s \
         until pods are ready): {:.3}",
        taken / least
    )
}
