//! The embedded cluster on its socket, used by other programs: kubectl, and our own driver.

use crate::support::golden::check;
use std::fs;
use std::io::BufRead as _;
use std::io::BufReader;
use std::path::Path;
use std::path::PathBuf;
use std::process::Child;
use std::process::Command;
use std::process::Output;
use std::process::Stdio;

/// What a run says of the new version.
const PROMOTED: &str = "podinfo.test is on 6.0.1";

const TOP: &str = env!("CARGO_MANIFEST_DIR");

/// A server that ends with the test.
struct Served {
    child: Child,
    folder: tempfile::TempDir,
}

impl Served {
    fn start(arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut child = command()
            .args(["sandbox", "serve", "--dir"])
            .arg(folder.path().join("box"))
            .args(arguments)
            .current_dir(TOP)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        // It says that it serves once it does.
        let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
        let ready = said.any(|line| line.unwrap() == "Ctrl-C ends it.");
        assert!(ready, "the server ended: {:?}", child.wait());
        Self { child, folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("box").join(name)
    }

    fn promote(&self) -> Output {
        command()
            .args([
                "promote",
                "podinfo",
                "-n",
                "test",
                "--kubeconfig",
                "../kubeconfig",
            ])
            .current_dir(self.path("repo"))
            .env("HOME", self.folder.path())
            .output()
            .unwrap()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kubectl-flagger"));
    command.env_clear().stdin(Stdio::null());
    command
}

/// `false`, with the reason printed, where there is no kubectl; a failure where everything must be proved.
#[expect(
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "whoever runs the tests has kubectl, or not, and is told"
)]
pub fn kubectl_is_there() -> bool {
    let found = Command::new("kubectl")
        .args(["version", "--client"])
        .output()
        .is_ok_and(|output| output.status.success());
    if !found {
        let must = std::env::var_os("CI").is_some_and(|ci| ci == "true");
        assert!(!must, "kubectl is missing");
        eprintln!("skipped: kubectl is missing");
    }
    found
}

#[test]
fn kubectl_prints_what_it_prints_on_a_real_cluster() {
    if !kubectl_is_there() {
        return;
    }
    let served = Served::start(&["--speed", "10"]);
    let output = Command::new(Path::new(TOP).join("tests/kubectl/transcript.sh"))
        .env("KUBECONFIG", served.path("kubeconfig"))
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    check(Path::new("testdata/kubectl/transcript.txt"), &text);
}

/// The built-in scenario with one step instead of five: the driver's soak is real time.
fn one_step(folder: &Path) -> PathBuf {
    let scenarios = Path::new(TOP).join("testdata/scenarios");
    fs::create_dir(folder.join("podinfo")).unwrap();
    for entry in fs::read_dir(scenarios.join("podinfo")).unwrap() {
        let entry = entry.unwrap();
        let text = fs::read_to_string(entry.path()).unwrap();
        let text = text.replace("stepWeight: 10", "stepWeight: 50");
        fs::write(folder.join("podinfo").join(entry.file_name()), text).unwrap();
    }
    let file = folder.join("success.yaml");
    let text = fs::read_to_string(scenarios.join("success.yaml")).unwrap();
    fs::write(
        &file,
        text.replace("podinfo/", &format!("{}/podinfo/", folder.display())),
    )
    .unwrap();
    file
}

#[test]
fn the_driver_promotes_over_the_socket() {
    let folder = tempfile::tempdir().unwrap();
    let scenario = one_step(folder.path());
    let served = Served::start(&["--speed", "50", "--scenario", &scenario.to_string_lossy()]);
    let bootstrap = served.promote();
    assert_eq!(bootstrap.status.code(), Some(0), "{bootstrap:?}");
    // The new version comes once the cluster has seen that the primary serves.
    let mut said = String::new();
    for _ in 0..50 {
        let promotion = served.promote();
        said = String::from_utf8_lossy(&promotion.stderr).into_owned();
        assert_eq!(promotion.status.code(), Some(0), "{said}");
        if said.contains(PROMOTED) {
            break;
        }
    }
    assert!(said.contains(PROMOTED), "{said}");
    let log = Command::new("git")
        .args(["log", "--format=%s", "flagger-status"])
        .current_dir(served.path("repo"))
        .output()
        .unwrap();
    let log = String::from_utf8_lossy(&log.stdout);
    assert!(log.lines().count() > 4, "{log}");
}

#[test]
fn a_wrong_token_is_refused_before_anything_moves() {
    let served = Served::start(&[]);
    let kubeconfig = served.path("kubeconfig");
    let text = fs::read_to_string(&kubeconfig).unwrap();
    let (before, _) = text.rsplit_once("token: ").unwrap();
    fs::write(&kubeconfig, format!("{before}token: wrong\n")).unwrap();
    let refused = served.promote();
    assert_eq!(refused.status.code(), Some(4), "{refused:?}");
}

#[test]
fn a_folder_with_something_in_it_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("mine"), "").unwrap();
    let output = command()
        .args(["sandbox", "serve", "--dir"])
        .arg(folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(
        said.contains("is not empty") && said.contains("--dir"),
        "{said}"
    );
}

#[test]
fn a_port_in_use_is_said_before_anything_is_made() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("box");
    let output = command()
        .args(["sandbox", "serve", "--port", &port, "--dir"])
        .arg(&dir)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains(&port) && said.contains("--port"), "{said}");
    assert!(!dir.exists());
}

/// A promote that somebody watches from other terminals.
impl Served {
    fn verb(&self, words: &[&str]) -> Command {
        let mut command = command();
        command
            .args(words)
            .args(["-n", "test", "--kubeconfig", "../kubeconfig"])
            .current_dir(self.path("repo"))
            .env("HOME", self.folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    fn said(&self, words: &[&str]) -> (Option<i32>, String) {
        let output = self.verb(words).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        (
            output.status.code(),
            text + &String::from_utf8_lossy(&output.stderr),
        )
    }

    /// Starts a driver and waits until users are on the new version.
    fn driving(&self, words: &[&str]) -> Child {
        let mut child = self.verb(words).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let moved = lines.any(|line| line.unwrap().contains("weight   0 -> "));
        assert!(moved, "it ended: {:?}", child.wait());
        // Whoever writes into a pipe that nobody reads stands still.
        std::thread::spawn(move || lines.for_each(drop));
        child
    }
}

#[test]
fn a_run_is_watched_paused_and_stopped_from_other_terminals() {
    let folder = tempfile::tempdir().unwrap();
    let scenario = one_step(folder.path());
    let served = Served::start(&["--speed", "10", "--scenario", scenario.to_str().unwrap()]);
    assert_eq!(
        served.said(&["abort", "podinfo"]),
        (Some(0), "podinfo.test was never driven\n".to_owned())
    );
    assert_eq!(served.said(&["pause", "podinfo"]).0, Some(3));
    assert_eq!(served.said(&["promote", "podinfo"]).0, Some(0));

    let mut driver = served.driving(&["promote", "podinfo"]);
    let watcher = served.verb(&["status", "podinfo"]).spawn().unwrap();
    let (code, said) = served.said(&["status", "podinfo", "--watch=false"]);
    assert_eq!(code, Some(8), "{said}");
    assert!(
        said.starts_with("podinfo.test is Progressing at 50 %, run="),
        "{said}"
    );
    let (code, said) = served.said(&["pause", "podinfo"]);
    assert_eq!(
        (code, said.as_str()),
        (
            Some(0),
            "podinfo.test stays at 50 %; checks go on and may roll it back\n"
        )
    );
    let (code, said) = served.said(&["get"]);
    assert_eq!(code, Some(0), "{said}");
    let row: Vec<&str> = said.lines().nth(1).unwrap().split_whitespace().collect();
    assert_eq!(row[..3], ["podinfo", "Progressing", "50"]);
    let (code, said) = served.said(&["abort", "podinfo"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("100 % of the users on the primary"), "{said}");
    assert_eq!(driver.wait().unwrap().code(), Some(12));
    let watched = watcher.wait_with_output().unwrap();
    let told = String::from_utf8_lossy(&watched.stderr).into_owned();
    assert_eq!(watched.status.code(), Some(12), "{told}");
    assert!(
        told.contains("hold     paused at 50") && told.contains("weight   50 -> 0"),
        "{told}"
    );
    assert_eq!(served.said(&["abort", "podinfo"]).0, Some(0));

    let mut driver = served.driving(&["promote", "podinfo", "--retry"]);
    driver.kill().unwrap();
    driver.wait().unwrap();
    let (code, said) = served.said(&["abort", "podinfo", "--orphaned"]);
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(served.said(&["status", "podinfo"]).0, Some(12));
    // What was decided without Git gets there with the next driver.
    assert_eq!(served.said(&["promote", "podinfo"]).0, Some(12));
    let log = Command::new("git")
        .args(["log", "--format=%s", "flagger-status"])
        .current_dir(served.path("repo"))
        .output()
        .unwrap();
    let log = String::from_utf8_lossy(&log.stdout).into_owned();
    assert!(
        log.lines().next().unwrap().ends_with(", rolled-back"),
        "{log}"
    );
}

#[test]
fn a_driver_is_told_things_by_other_commands() {
    let folder = tempfile::tempdir().unwrap();
    let scenario = one_step(folder.path());
    let served = Served::start(&["--speed", "10", "--scenario", scenario.to_str().unwrap()]);
    assert_eq!(served.said(&["promote", "podinfo"]).0, Some(0));

    let mut driver = served.driving(&["promote", "podinfo"]);
    let (code, said) = served.said(&["approve", "podinfo"]);
    assert_eq!(code, Some(3), "{said}");
    let why = "no gate of podinfo.test was opened: it is Progressing at 50 %";
    assert!(said.contains(why), "{said}");
    let (code, said) = served.said(&["promote", "podinfo", "--skip-analysis"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains(", who was told"), "{said}");
    assert_eq!(driver.wait().unwrap().code(), Some(0));
}
